# A transaction of 2,000,000 rows passes, with the bridge and the apply worker each under 64 MB of their own memory
# (RssAnon: shared buffers and program files do not count).
#
#   DBSTREAM_ROWS=n  how many rows

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Process qw(in_child own_memory_kb stop_program wait_until read_file);
use DBStream::Scene;
use Test::More;
use Time::HiRes qw(sleep);

my $rows = $ENV{DBSTREAM_ROWS} // 2_000_000;
my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);

foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::Scene->new(kind => $kind);
		my $good = eval { large_transaction($scene, $kind); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub large_transaction
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql('CREATE DATABASE big; CREATE TABLE big.t (id int PRIMARY KEY, n int, a varchar(120), b varchar(60));'
		  . ' CREATE TABLE big.digit (d int PRIMARY KEY); INSERT INTO big.digit VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)');
	$scene->bridge->start;
	$scene->start_stream('big', 'big.*');
	ok($scene->caught_up('big', 60), "$kind: the stream runs") or die "not caught up\n";

	my %highest = (bridge => 0, worker => 0, receiver => 0);
	my $numbers = join(' + ', map { "10e$_ / 10 * d$_.d" } 0 .. 6);
	my $from = join(', ', map { "big.digit d$_" } 0 .. 6);
	$source->sql("INSERT INTO big.t SELECT n, n % 1000, CONCAT('row number ', n, REPEAT('.', n % 60)), LEFT(SHA2(n, 256), 32)"
		  . " FROM (SELECT CAST($numbers AS UNSIGNED) AS n FROM $from) x WHERE n < $rows");
	is($source->sql('SELECT COUNT(*) FROM big.t'), $rows, "$kind: $rows rows in one transaction at the source");

	my $bridge = $scene->bridge->pid;
	my $worker = $target->sql("SELECT pid FROM pg_stat_activity WHERE backend_type ~ 'dbstream.*apply'");
	my @receivers = map { $_->[0] } $target->rows("SELECT pid FROM pg_stat_activity WHERE usename = 'bridge'");
	my $done = wait_until(300,
		sub {
			note_memory(\%highest, 'bridge', $bridge);
			note_memory(\%highest, 'worker', $worker);
			note_memory(\%highest, 'receiver', $_) foreach @receivers;
			my ($status, $out) = $target->run_psql('SELECT count(*) FROM pg_class WHERE oid = to_regclass(\'big.t\')'
				  . " AND EXISTS (SELECT FROM big.t)");
			return $out eq '1';
		}, 0.02);
	ok($done && $scene->catches_up('big', 120), "$kind: the transaction arrives");
	note_memory(\%highest, 'bridge', $bridge);
	note_memory(\%highest, 'worker', $worker);
	foreach my $process (sort keys %highest)
	{
		cmp_ok($highest{$process}, '>', 0, "$kind: the $process was measured");
		cmp_ok($highest{$process}, '<', 64 * 1024, "$kind: the $process stayed under 64 MB of its own memory ($highest{$process} kB)");
	}
	my $sum = 'SELECT COUNT(*), SUM(id), SUM(n), SUM(LENGTH(a)), MIN(b), MAX(b) FROM big.t';
	is(join('|', @{ ($source->rows($sum))[0] }), $target->sql($sum), "$kind: the rows are there, once each");
	is(DBStream::Compare::compare_table($source, $target, 'big', 't', where => 'id % 97 = 0'), '',
		"$kind: every 97th row is the same by every value");
	diag("figure: $kind: $rows rows in one transaction: bridge $highest{bridge} kB, worker $highest{worker} kB");
}

sub note_memory
{
	my ($highest, $name, $pid) = @_;
	my $kb = own_memory_kb($pid) // 0;

	$highest->{$name} = $kb if $kb > $highest->{$name};
}
