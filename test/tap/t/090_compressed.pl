# Compressed logs: MariaDB's log_bin_compress, MySQL's binlog_transaction_compression.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Process qw(wait_until);
use DBStream::Scene;
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my %option = (
	mariadb => [ '--log-bin-compress=ON', '--log-bin-compress-min-len=10' ],
	mysql => ['--binlog-transaction-compression=ON']);

foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::Scene->new(kind => $kind, source_options => $option{$kind});
		my $good = eval { compressed($scene, $kind); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub compressed
{
	my ($scene, $kind) = @_;
	my $source = $scene->source;

	$source->sql('CREATE DATABASE a; CREATE TABLE a.t (id int PRIMARY KEY AUTO_INCREMENT, v varchar(200), b longblob);'
		  . " INSERT INTO a.t (v) VALUES ('short'), (NULL), (REPEAT('long ', 40))");
	$scene->bridge->start;
	$scene->start_stream('a', 'a.*');
	ok($scene->caught_up('a', 60), "$kind: compressed events arrive") or die "not caught up\n";
	$source->sql('INSERT INTO t (v) SELECT v FROM t;' x 12
		  . "UPDATE t SET v = CONCAT(v, '!') WHERE id % 3 = 0 AND LENGTH(v) < 100; DELETE FROM t WHERE id % 7 = 0;"
		  . "INSERT INTO t (b) VALUES (REPEAT('ab', 2000000)), (RANDOM_BYTES(1000)); BEGIN; INSERT INTO t (v) VALUES ('x');"
		  . "CREATE TEMPORARY TABLE nothing (i int); UPDATE t SET v = 'y' WHERE v = 'x'; COMMIT", 'a');
	ok($scene->catches_up('a', 120), "$kind: large compressed transactions arrive") or die "not caught up\n";
	is($scene->compare('a'), '', "$kind: both sides hold the same");
	large($scene, $kind);
}

# 600,000 rows of text that shrinks to little, in one compressed transaction, pass in memory that does not grow with it.
sub large
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my $bridge = $scene->bridge;

	# Buffers keep the size of the largest value they have met, so the values of 4 MB above are left behind.
	$bridge->stop;
	$source->sql('CREATE DATABASE c; CREATE TABLE c.t (id int PRIMARY KEY, v varchar(200));'
		  . ' CREATE TABLE c.digit (d int PRIMARY KEY); INSERT INTO c.digit VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)');
	$target->sql("SELECT dbstream.create_stream('c', source => 'a_source', target => 'local', tables => '{c.*}',"
		  . " options => '{\"start\": \"earliest\"}'); SELECT dbstream.start_stream('c')");
	$bridge->start;
	ok($scene->catches_up('c', 60), "$kind: another stream runs") or die "not caught up\n";
	$scene->catches_up('a', 60) or die "not caught up\n";
	my $numbers = join(' + ', map { "10e$_ / 10 * d$_.d" } 0 .. 5);
	$source->sql('INSERT INTO c.t SELECT n, REPEAT(CHAR(65 + n % 26), 200) FROM (SELECT CAST('
		  . "$numbers AS UNSIGNED) AS n FROM " . join(', ', map { "c.digit d$_" } 0 .. 5) . ') x WHERE n < 600000');
	my $highest = 0;
	my $there = wait_until(240,
		sub {
			my $now = $bridge->memory_kb // 0;
			$highest = $now if $now > $highest;
			my ($status, $out) = $target->run_psql('SELECT EXISTS (SELECT FROM c.t)');
			return $out eq 't';
		}, 0.02);
	ok($there && $scene->catches_up('c', 60), "$kind: 120 MB in one compressed transaction arrive");
	is($target->sql('SELECT count(*), count(DISTINCT id), sum(length(v)), count(DISTINCT v) FROM c.t'), '600000|600000|120000000|26',
		"$kind: every row, once");
	cmp_ok($highest, '>', 0, "$kind: the bridge was measured");
	cmp_ok($highest, '<', 64 * 1024, "$kind: the bridge stayed under 64 MB of its own memory ($highest kB)");
	diag("figure: $kind: 120 MB of rows in one compressed transaction: bridge $highest kB");
}
