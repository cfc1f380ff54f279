# The copy of a stream out of PostgreSQL under kills: bridge, walsender, PostgreSQL and the target die at random moments while
# tables with and without keys are copied and written to. Afterwards both sides hold the same, by every value.
#
#   DBSTREAM_SEED=n         repeats the choices of a run (not the timing of the machine)
#   DBSTREAM_COPY_FAULTS=n  how many faults (default 6); on a fast machine the copy may end before the last, more rows help
#   DBSTREAM_COPY_ROWS=n    rows of each of the tables (default 100000)

use strict;
use warnings;

use DBStream::OutFaults qw(fault_bridge_killed fault_target_killed fault_postgres_restarted);
use DBStream::OutScene;
use DBStream::Process qw(in_child is_running wait_until write_file);
use Test::More;
use Time::HiRes qw(sleep);

my $seed = $ENV{DBSTREAM_SEED} // int(rand(2**31));
my $faults = $ENV{DBSTREAM_COPY_FAULTS} // 6;
my $rows = $ENV{DBSTREAM_COPY_ROWS} // 100000;
my @tables = map { "t$_" } 1 .. 12;

diag("seed $seed: repeat with DBSTREAM_SEED=$seed");
DBStream::OutScene::with_each_target($ENV{DBSTREAM_SOURCE}, sub { srand($seed); under_kills(@_); });
done_testing();

sub under_kills
{
	my ($scene, $kind) = @_;
	my $source = $scene->source;
	my $number = 0;

	$source->sql('CREATE SCHEMA load');
	foreach my $table (@tables)
	{
		# Every third has no key: each row is there several times.
		my $key = ++$number % 3 == 0 ? 'NOT NULL' : 'PRIMARY KEY';
		$source->sql("CREATE TABLE load.$table (id int $key, word varchar(40), note text, n int);"
			  . ($key eq 'NOT NULL' ? "ALTER TABLE load.$table REPLICA IDENTITY FULL;" : "CREATE INDEX ON load.$table (n);")
			  . "INSERT INTO load.$table SELECT "
			  . ($key eq 'NOT NULL' ? 'i % 97' : 'i') . ", md5((i % 97)::text), repeat('x', i % 97), 0 FROM generate_series(1, $rows) i");
	}
	my $flag = DBStream::OutScene::work_folder() . "/stop-$kind";
	my $writer = in_child('writer', sub { write_on($source, $flag); return 0; });
	$scene->bridge->start;
	$scene->create_connection('there');
	$source->sql("SELECT dbstream.create_stream('t', source => 'local', target => 'there', tables => '{load.*}',"
		  . " options => '{\"heartbeat\": 1}'); SELECT dbstream.start_stream('t')");
	my ($done, $seen, %kinds) = (0, 0);
	foreach my $fault (plan())
	{
		# See the copy move before each fault.
		my $moved = wait_until(120, sub {
				my ($state, $now) = progress($source);
				return 'over' if $state eq 'done';
				return $state eq 'copying' && $now != $seen ? $now : 0;
			}) // die "the copy does not move before the fault $fault\n";
		last if $moved eq 'over';
		$seen = $moved;
		sleep(rand(0.4));
		diag("fault $fault after $seen rows");
		main->can("fault_$fault")->($scene);
		$kinds{$fault}++;
		$done++;
	}
	cmp_ok($done, ">=", 1, "$kind: $done faults while tables were copied (" . join(', ', map { "$_ $kinds{$_}" } sort keys %kinds) . ')');
	ok(wait_until(240, sub { (progress($source))[0] eq 'done' }), "$kind: the copy ends") or die "it does not\n";
	write_file($flag, '');
	wait_until(60, sub { !is_running($writer) }) // die "the writer did not end\n";
	ok($scene->catches_up('t', 180), "$kind: the stream catches up");
	is($scene->compare('load', @tables), '', "$kind: every value of every row is the same on both sides (seed $seed)");
	is($source->sql('SELECT rows_inserted - rows_deleted FROM dbstream.stream_status'),
		$source->sql('SELECT ' . join(' + ', map { "(SELECT count(*) FROM load.$_)" } @tables)),
		"$kind: inserts less deletes are the rows that are there");
	is($scene->miscounted('t', 'load', @tables), '', "$kind: so for each table");
	is($source->sql('SELECT count(*) FROM pg_replication_slots'), 1, "$kind: one slot is left");
}

# The copy's state and its rows; nothing when PostgreSQL is not there.
sub progress
{
	my ($source) = @_;
	my ($status, $out) = $source->run_psql("SELECT coalesce((SELECT state FROM dbstream.backfill), '') || ' ' ||"
		  . " coalesce((SELECT sum(rows_done) FROM dbstream.backfill_table), 0)");

	return $status == 0 && $out =~ /^(\w+) (\d+)$/ ? ($1, $2) : ('', 0);
}

sub plan
{
	my @kinds = qw(bridge_killed target_killed walsender_killed postgres_restarted bridge_killed copy_terminated);

	return map { $kinds[ int(rand(@kinds)) ] } 1 .. $faults;
}

# kill -9 of a backend makes PostgreSQL restart all of them.
sub fault_walsender_killed
{
	my ($scene) = @_;
	my ($status, $pid) = $scene->source->run_psql("SELECT max(pid) FROM pg_stat_activity WHERE backend_type = 'walsender'");

	return unless $status == 0 && $pid =~ /^[1-9]\d*$/;
	kill 'KILL', $pid;
	$scene->source->wait_ready(60) or die "PostgreSQL did not come back after a crash\n";
}

sub fault_copy_terminated
{
	my ($scene) = @_;

	$scene->source->run_psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dbstream-bridge copy' LIMIT 1");
}

sub write_on
{
	my ($source, $flag) = @_;
	my $n = 0;

	while (!-e $flag)
	{
		my $sql = '';
		foreach my $table (map { "load.$_" } @tables)
		{
			$n++;
			my $id = 1 + int(rand($rows));
			$sql .= "BEGIN; UPDATE $table SET n = n + 1, note = 'w $n' WHERE ctid = (SELECT ctid FROM $table WHERE id = $id LIMIT 1);"
			  . " DELETE FROM $table WHERE ctid = (SELECT ctid FROM $table WHERE id = $id / 2 LIMIT 1);"
			  . " INSERT INTO $table VALUES (1000000 + $n, 'new', repeat('é', $n % 50), $n); COMMIT;\n";
		}
		$source->run_psql($sql);
		sleep(0.02);
	}
}
