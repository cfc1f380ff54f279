# What a backfill makes once the rows are in: several indexes at once, the largest table's first, each once whatever is
# killed meanwhile, and shown in backfill_status.
#
# Locks of a prepared transaction, which outlives the server, hold the builders at their work; a table that is locked at the
# source keeps the copy open until they are taken.

use strict;
use warnings;

use DBStream::Backfill;
use DBStream::Faults qw(fault);
use DBStream::MySQL;
use DBStream::Process qw(in_child is_running wait_until);
use DBStream::Scene;
use Test::More;

my $kind = $ENV{DBSTREAM_SOURCE} // 'mariadb';
my $rows = $ENV{DBSTREAM_ROWS} // 20000;
my $why = DBStream::MySQL::missing($kind);
plan skip_all => "$kind: $why" if $why;

my $scene = DBStream::Scene->new(kind => $kind, conf => "max_prepared_transactions = 4\n");
my ($source, $target) = ($scene->source, $scene->target);
my $gate;
my $good = eval { side_by_side(); two_with_one_key(); 1 };
fail($@) unless $good;
diag($scene->state_text) unless $good && Test::More->builder->is_passing;
eval { $scene->finish };
done_testing();

# As long as the table "gate" is locked at the source, its copy cannot end, and nothing that comes after.
sub close_gate
{
	my ($database) = @_;

	$gate = in_child('gate', sub { $source->client('LOCK TABLES gate WRITE; SELECT SLEEP(600)', $database); return 0; });
	wait_until(60, sub { $source->sql(sleepers()) ne '' }) // die "the gate is not closed\n";
}

sub sleepers { return "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP(600)%'"; }

sub open_gate
{
	$source->sql("KILL $_") foreach split(/\n/, $source->sql(sleepers()));
	wait_until(60, sub { !is_running($gate) }) // die "the gate does not open\n";
}

sub copied
{
	my (@tables) = @_;
	my $list = join(', ', map { "'$_'" } @tables);

	$target->wait_for("SELECT count(*) = " . @tables . " FROM dbstream.backfill_table WHERE source_table IN ($list) AND phase = 'copied'", 60)
	  or die "not copied: $list\n";
}

# Builders that wait for the lock that an index needs: how many processes.
sub at_work
{
	return "(SELECT count(DISTINCT pid) FROM pg_locks WHERE mode = 'ShareLock' AND NOT granted AND locktype = 'relation')";
}

sub side_by_side
{
	my $columns = join(', ', map { "c$_ int" } 1 .. 4);

	$source->sql(<<"END");
CREATE DATABASE shop;
USE shop;
CREATE TABLE big (id int AUTO_INCREMENT PRIMARY KEY, $columns, KEY k1 (c1), KEY k2 (c2), KEY k3 (c3, c4), UNIQUE KEY u (c4));
CREATE TABLE small (id int PRIMARY KEY, $columns, KEY k1 (c1), KEY k2 (c2));
CREATE TABLE child (id int PRIMARY KEY, big int, small int, FOREIGN KEY (big) REFERENCES big (id), FOREIGN KEY (small) REFERENCES small (id));
CREATE TABLE gate (id int PRIMARY KEY);
INSERT INTO gate VALUES (1);
END
	my $n = DBStream::Backfill::numbers($rows);
	$source->sql("INSERT INTO big SELECT i, i % 10, i % 100, i % 7, i FROM $n", 'shop');
	$source->sql("INSERT INTO small SELECT i, i % 10, i % 100, i % 7, i FROM $n WHERE i <= 100", 'shop');
	$source->sql("INSERT INTO child SELECT i, i, i FROM $n WHERE i <= 100", 'shop');
	$source->sql('ANALYZE TABLE big, small, child, gate', 'shop');
	close_gate('shop');
	$scene->bridge->start;
	$scene->start_stream('s', 'shop.*', start => 'backfill', backfill_workers => 3);
	copied('big', 'small', 'child');
	is($target->sql("SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'shop'"),
		'child_pkey gate_pkey small_pkey', 'tables are filled without indexes, a large one without its key');
	$target->sql("BEGIN; LOCK TABLE shop.big, shop.small IN ROW EXCLUSIVE MODE; PREPARE TRANSACTION 'hold'");
	open_gate();
	ok($target->wait_for('SELECT ' . at_work() . ' = 3', 60), 'three processes are at three indexes at once');
	is($target->sql("SELECT string_agg(source_table || ' ' || phase || ': ' || doing, '; ') FROM dbstream.backfill_status WHERE doing <> ''"),
		'big indexing: big_k1, big_k2, big_pkey', 'the largest table comes first, and the status names what is made');

	# Whoever is ended leaves nothing half done.
	fault($scene, 'postgres_restarted');
	ok($target->wait_for('SELECT ' . at_work() . ' = 3', 90), 'after a crash the missing ones are made');
	$target->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'dbstream index builder'");
	ok($target->wait_for('SELECT ' . at_work() . ' = 1', 60), 'where builders end the apply worker goes on alone');
	$target->sql("ROLLBACK PREPARED 'hold'");
	ok($target->wait_for("SELECT state = 'done' FROM dbstream.backfill", 90), 'the backfill ends')
	  or diag($target->sql('TABLE dbstream.errors'));
	is($target->sql("SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'shop' AND tablename IN ('big', 'small')"),
		'big_k1 big_k2 big_k3 big_pkey big_u small_k1 small_k2 small_pkey', 'each index is there once');
	is($target->sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), '0', 'and whole');
	is($target->sql("SELECT count(*) FROM pg_constraint WHERE contype = 'p' AND connamespace = 'shop'::regnamespace"), '4', 'keys are constraints');
	is($target->sql("SELECT count(*), bool_and(convalidated) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'shop.child'::regclass"),
		'2|t', 'foreign keys are validated');
	is($target->sql("SELECT bool_and(last_analyze IS NOT NULL) FROM pg_stat_user_tables WHERE schemaname = 'shop'"), 't', 'tables are analysed');
	is($target->sql("SELECT nextval(pg_get_serial_sequence('shop.big', 'id'))"), $rows + 1, 'the sequence goes on');
	is($target->sql('SELECT count(*) FROM dbstream.deferred_ddl'), '0', 'nothing is put off any more');
	is($target->sql("SELECT count(*) FROM dbstream.ddl_history WHERE outcome <> 'applied'"), '0', 'nothing was tried twice');
	is($scene->compare('shop'), '', 'both sides hold the same');
}

# A row that the source does not have stands in the way of a key that is made late.
sub two_with_one_key
{
	$source->sql(<<'END');
CREATE DATABASE other;
USE other;
CREATE TABLE big (a int, b int, v int, PRIMARY KEY (b, a));
CREATE TABLE code (c varchar(20) NOT NULL, v int, UNIQUE KEY c (c));
CREATE TABLE part (id int PRIMARY KEY, v int) PARTITION BY HASH (id) PARTITIONS 3;
CREATE TABLE gate (id int PRIMARY KEY);
END
	my $n = DBStream::Backfill::numbers($rows);
	$source->sql("INSERT INTO big SELECT i, i % 7, i FROM $n; INSERT INTO code SELECT CONCAT('c', i), i FROM $n;"
		  . " INSERT INTO part SELECT i, i FROM $n; ANALYZE TABLE big, code, part", 'other');
	close_gate('other');
	$scene->start_stream('t', 'other.*', start => 'backfill');
	copied('big', 'code', 'part');
	is($target->sql("SELECT count(*) FROM pg_indexes WHERE schemaname = 'other' AND tablename <> 'gate'"), '0',
		'no key of a large table is there while it is copied');
	$target->sql('INSERT INTO other.big (a, b) VALUES (8, 1)');
	open_gate();
	ok($target->wait_for('SELECT count(*) > 0 FROM dbstream.errors', 60), 'two rows with one key stop the stream');
	like($target->sql("SELECT concat_ws(' / ', message, detail, hint) FROM dbstream.errors LIMIT 1"),
		qr/could not create unique index "big_pkey" .* \(b, a\)=\(1, 8\) is duplicated.*Remove one of the two rows/, 'which says what to do');
	$target->sql("DELETE FROM other.big WHERE v IS NULL; SELECT dbstream.resume_stream('t')");
	ok($target->wait_for("SELECT count(*) = 0 FROM dbstream.backfill WHERE state <> 'done'", 90), 'and goes on after it');
	is($target->sql("SELECT string_agg(indexdef, ' ' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'other' AND tablename IN ('big', 'code')"),
		'CREATE UNIQUE INDEX big_pkey ON other.big USING btree (b, a) CREATE UNIQUE INDEX code_c ON other.code USING btree (c)', 'keys are what they were');
	is($target->sql("SELECT count(*), bool_and(conname = 'part_pkey' OR coninhcount = 1) FROM pg_constraint WHERE contype = 'p' AND conrelid IN"
			  . " (SELECT relid FROM pg_partition_tree('other.part'))"), '4|t', 'also that of a partitioned table');
	is($scene->compare('other'), '', 'both sides hold the same');
}
