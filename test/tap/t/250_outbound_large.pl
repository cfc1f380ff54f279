# One large transaction out of PostgreSQL in flat memory at bridge and walsender, and how long things take.
#
#   DBSTREAM_ROWS=n  rows of the transaction (default 300000; the figure to hold is for 2000000)
#   DBSTREAM_LOAD=1  the target takes LOAD DATA LOCAL

use strict;
use warnings;

use DBStream::OutScene;
use DBStream::Process qw(own_memory_kb wait_until);
use Test::More;
use Time::HiRes qw(sleep time);

my $rows = $ENV{DBSTREAM_ROWS} // 300000;
my $small = int($rows / 15);

DBStream::OutScene::with_each_target($ENV{DBSTREAM_SOURCE}, \&large, target_options => $ENV{DBSTREAM_LOAD} ? ['--local-infile=1'] : []);
done_testing();

sub large
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	$pg->sql('CREATE SCHEMA shop; CREATE TABLE shop.big (id int PRIMARY KEY, a varchar(120), b varchar(60), n numeric(12,2), at timestamptz)');
	$scene->bridge->start;
	$scene->start_stream('out', 'shop.*');
	$pg->sql("INSERT INTO shop.big VALUES (0, 'first', '', 0, now())");
	ok($scene->caught_up('out', 60), "$kind: the stream runs") or die "not caught up\n";
	my $bridge_before = $scene->bridge->memory_kb;
	my $sender = $pg->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walsender'");
	my $sender_before = own_memory_kb($sender);

	$pg->sql("INSERT INTO shop.big SELECT n, repeat(md5(n::text), 3), md5(n::text), n / 7.0, now() FROM generate_series(1, $rows) n");
	my $began = time();
	my ($bridge_most, $sender_most) = (0, 0);
	my $done = wait_until(500,
		sub {
			my $now = $scene->bridge->memory_kb;
			$bridge_most = $now if $now > $bridge_most;
			$now = own_memory_kb($sender);
			$sender_most = $now if $now > $sender_most;
			return $pg->sql('SELECT rows_inserted FROM dbstream.progress') > $rows;
		});
	my $took = time() - $began;
	ok($done, "$kind: $rows rows in one transaction arrive");
	is($my->sql('SELECT CONCAT(COUNT(*), " ", SUM(id)) FROM shop.big'), $pg->sql("SELECT count(*) || ' ' || sum(id) FROM shop.big"), "$kind: all of them");
	cmp_ok($bridge_most - $bridge_before, '<', 65536, "$kind: the bridge takes less than 64 MB for it");
	# logical_decoding_work_mem is 64 MB, and the walsender holds no more than that of a transaction.
	cmp_ok($sender_most - $sender_before, '<', 2 * 65536, "$kind: the walsender's memory is bounded");
	diag(sprintf("figure: $kind: %d rows in one transaction in %.1f s, %.0f rows/s; bridge + %d kB, walsender + %d kB",
			$rows, $took, $rows / $took, $bridge_most - $bridge_before, $sender_most - $sender_before));

	# Small transactions while nobody reads, then read at once.
	$pg->sql("SELECT dbstream.pause_stream('out')");
	$pg->sql('CREATE PROCEDURE many(count int) LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1 .. count LOOP'
		  . ' UPDATE shop.big SET n = n + 1 WHERE id = i; IF i % 3 = 0 THEN DELETE FROM shop.big WHERE id = i; END IF; COMMIT; END LOOP; END $$;');
	$pg->sql("SET synchronous_commit = off; CALL many($small)");
	$began = time();
	$pg->sql("SELECT dbstream.resume_stream('out')");
	ok($scene->catches_up('out', 300), "$kind: $small small transactions arrive");
	$took = time() - $began;
	diag(sprintf("figure: $kind: %d small transactions in %.1f s, %.0f/s", $small, $took, $small / $took));
	is($my->sql('SELECT CONCAT(COUNT(*), " ", SUM(n)) FROM shop.big'), $pg->sql("SELECT count(*) || ' ' || sum(n) FROM shop.big"), "$kind: all of them");
}
