package Bench::Wait;

# Waiting until a change is visible, in one connection that looks every few milliseconds: a new one for each look would
# cost more than it measures.

use strict;
use warnings;

use DBStream::Process qw(start_program is_running);
use DBStream::Scene;
use Exporter 'import';
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(wait_postgres wait_mysql);

# Meanwhile $sample is called now and then.
sub wait_on
{
	my ($command, $sql, $sample) = @_;
	my $file = DBStream::Scene::work_folder() . '/wait.sql';

	DBStream::Process::write_file($file, $sql);
	my $pid = start_program('waiting', [ 'sh', '-c', 'exec "$@" <"$0"', $file, @$command ],
		DBStream::Scene::work_folder() . '/wait.log');
	while (is_running($pid))
	{
		$sample->() if $sample;
		sleep(0.004);
	}
}

# True once the condition holds; dies after ten minutes.
sub wait_postgres
{
	my ($server, $condition, $sample) = @_;

	wait_on([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $server->connstr('postgres') ],
		"DO \$\$ BEGIN FOR i IN 1 .. 150000 LOOP EXIT WHEN $condition; PERFORM pg_sleep(0.004); COMMIT; END LOOP; END \$\$",
		$sample);
	die "waiting for $condition was in vain\n" unless $server->sql("SELECT $condition") eq 't';
}

sub wait_mysql
{
	my ($server, $condition, $sample) = @_;

	wait_on(
		[ $server->client_command('bench') ],
		"DROP PROCEDURE IF EXISTS wait_for;\ndelimiter //\nCREATE PROCEDURE wait_for() BEGIN DECLARE i INT DEFAULT 0;"
		  . " WHILE i < 150000 AND NOT ($condition) DO DO SLEEP(0.004); SET i = i + 1; END WHILE; END//\ndelimiter ;\nCALL wait_for();\n",
		$sample);
	die "waiting for $condition was in vain\n" unless $server->sql("SELECT $condition") eq '1';
}

1;
