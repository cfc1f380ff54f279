package Bench::Backfill;

# What a user would pick instead of a backfill: pgloader, a dump as text that COPY reads, and, as what PostgreSQL can do
# at best, COPY of the same rows in its own binary format.  Each leaves the table bench.f with its primary key, its index
# and its statistics.

use strict;
use warnings;

use Bench::Figures qw(cpu_seconds);
use DBStream::MySQL;
use DBStream::Process qw(run_program write_file);
use DBStream::Scene;
use Exporter 'import';
use Time::HiRes qw(time);

our @EXPORT_OK = qw(write_backfill_rows references);

my $columns = '(id int NOT NULL, n int, a varchar(120), b varchar(60))';
my $keys = 'ALTER TABLE bench.f ADD PRIMARY KEY (id); CREATE INDEX f_n ON bench.f (n); ANALYZE bench.f';
my $block = 100_000;

# The rows at the source, in statements of a hundred thousand.
sub write_backfill_rows
{
	my ($server, $rows) = @_;
	my $numbers = join(' + ', map { "d$_.d * " . 10**$_ } 0 .. 4);
	my $from = join(', ', map { "digit d$_" } 0 .. 4);

	$server->sql('DROP TABLE IF EXISTS f; CREATE TABLE f (id int PRIMARY KEY, n int, a varchar(120), b varchar(60), KEY f_n (n))',
		'bench');
	for (my $first = 0; $first < $rows; $first += $block)
	{
		$server->sql("INSERT INTO f SELECT n + $first, (n * 7919 + $first) % 100000, CONCAT('a text of the usual length, number ',"
			  . " n + $first, REPEAT(' and more', (n % 8))), LEFT(SHA2(n + $first, 256), 32)"
			  . " FROM (SELECT $numbers AS n FROM $from) x WHERE n + $first < $rows", 'bench');
	}
	$server->sql('ANALYZE TABLE f', 'bench');
}

# How the same rows come over otherwise: name, title, code that does it once and returns wall and CPU seconds.
# The second list says what is not measured, and why.
sub references
{
	my ($source, $target) = @_;
	my (@ways, @missing);

	push @ways, [ copy => 'COPY (FORMAT binary), then the indexes', sub { copy_binary($target) } ];
	push @ways, [ text => 'SELECT ... INTO OUTFILE, COPY, then the indexes', sub { dump_and_copy($source, $target) } ];
	push @ways, [ pipe => 'client program piped to COPY, then the indexes', sub { pipe_to_copy($source, $target) } ];
	if ($source->kind ne 'mariadb')
	{
		push @missing, 'pgloader: it cannot log in to MySQL 9, which has no mysql_native_password';
	}
	elsif (!DBStream::MySQL::program('pgloader'))
	{
		push @missing, 'pgloader: it is not installed (apt-get install pgloader)';
	}
	else
	{
		push @ways, [ pgloader => 'pgloader', sub { pgloader($source, $target) } ];
	}
	return (\@ways, \@missing);
}

sub file { return DBStream::Scene::work_folder() . "/$_[0]"; }

sub succeed
{
	my ($what, $command, %option) = @_;
	my ($status, $out, $err) = run_program($command, limit => 3600, %option);

	die "$what: $out$err\n" if $status;
	return $out . $err;
}

sub bare_table
{
	my ($target) = @_;

	$target->sql("DROP TABLE IF EXISTS bench.f; CREATE TABLE bench.f $columns");
	$target->sql('CHECKPOINT');
}

# Wall and CPU seconds of one piece of work. The server processes that serve it end with their connections, so they tell
# themselves what they have used; programs count as children.
sub measured
{
	my ($code, @servers) = @_;
	my %before = map { $_ => cpu_seconds($_->pid) } @servers;
	my (undef, undef, $user, $system) = times();
	my $begin = time();
	my $nanoseconds = $code->();
	my $seconds = time() - $begin;
	my (undef, undef, $user_after, $system_after) = times();
	my $cpu = $nanoseconds / 1e9 + $user_after + $system_after - $user - $system;

	$cpu += cpu_seconds($_->pid) - $before{$_} foreach @servers;
	return ($seconds, $cpu);
}

my $used = q{SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)};

# The statements, between which the session says how much CPU time it has used.
sub timed_sql
{
	my ($target, $sql) = @_;
	my @nanoseconds = split(/\n/, $target->sql("$used; $sql; $used"));

	return $nanoseconds[-1] - $nanoseconds[0];
}

# The file is made once, of the rows that our first backfill brought.
sub copy_binary
{
	my ($target) = @_;
	my $from = file('backfill.bin');

	$target->sql("COPY bench.f TO '$from' (FORMAT binary)") unless -e $from;
	bare_table($target);
	return measured(sub { timed_sql($target, "COPY bench.f FROM '$from' (FORMAT binary); $keys") });
}

# As mysqldump --tab does it: the server writes a file, then COPY reads it.
sub dump_and_copy
{
	my ($source, $target) = @_;
	my $text = file('backfill.txt');

	unlink $text;
	bare_table($target);
	my @measured = measured(
		sub {
			$source->sql("SELECT * FROM f INTO OUTFILE '$text'", 'bench');
			return timed_sql($target, "COPY bench.f FROM '$text'; $keys");
		}, $source);
	unlink $text;
	return @measured;
}

# No file in between, and both at once.
sub pipe_to_copy
{
	my ($source, $target) = @_;

	bare_table($target);
	return measured(
		sub {
			my $text = succeed('the client piped to COPY',
				[
					'sh', '-c', 'database=$1; shift; "$@" | psql -XAtq -v ON_ERROR_STOP=1 -d "$database" -c "$0"'
					  . " -c \"COPY bench.f FROM STDIN (NULL 'NULL')\" -c '$keys' -c \"\$0\"",
					$used, $target->connstr('postgres'), $source->client_command('bench', '--quick', '-e', 'SELECT * FROM f') ]);
			my @nanoseconds = split(/\n/, $text);
			return $nanoseconds[-1] - $nanoseconds[0];
		}, $source);
}

# With the settings it comes with, but for the type of integers: it makes them bigint.
sub pgloader
{
	my ($source, $target) = @_;
	my $command = file('pgloader.load');
	my ($host, $port) = ($target->host, $target->port);

	bare_table($target);
	write_file($command, "LOAD DATABASE FROM mysql://reader:$DBStream::Scene::password\@127.0.0.1:" . $source->port . '/bench'
		  . " INTO postgresql://unix:$host:$port/postgres"
		  . " WITH include drop, create tables, create indexes, reset sequences"
		  . " CAST type int to integer drop typemod"
		  . " INCLUDING ONLY TABLE NAMES MATCHING 'f'"
		  . " AFTER LOAD DO \$\$ ANALYZE bench.f \$\$;\n");
	return measured(
		sub {
			my $text = succeed('pgloader', [ 'pgloader', '--root-dir', file('pgloader'), $command ]);
			die "pgloader: $text\n" if $text =~ /ERROR|FATAL/;
			# Its sessions end with it; what they used is not known.
			return 0;
		}, $source);
}

1;
