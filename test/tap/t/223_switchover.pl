# A migration to its end: backfill, follow, stop the writers, prepare_switchover, sync_sequences, the way back, writers here;
# and the identities of two writers.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::OutScene;
use DBStream::Process qw(wait_until);
use Test::More;

foreach my $kind (grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::OutScene->new(kind => $kind);
		my $good = eval { switchover($scene, $kind); two_writers($scene, $kind); 1; };
		fail("$kind: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

# What is not ok, one line for each: check, object, status.
sub obstacles
{
	my ($pg, $stream) = @_;

	return $pg->sql("SELECT string_agg(concat_ws(' ', check_name, object, status), E'\\n' ORDER BY check_name, object, detail)"
		  . " FROM dbstream.prepare_switchover('$stream') WHERE status <> 'ok'");
}

sub checked
{
	my ($pg, $stream, $checks) = @_;

	return $pg->sql("SELECT string_agg(concat_ws(' ', check_name, status), E'\\n' ORDER BY check_name, object, detail)"
		  . " FROM dbstream.validate_stream('$stream') WHERE check_name = ANY ('{$checks}')");
}

sub running
{
	my ($pg, $stream) = @_;

	return wait_until(60, sub { $pg->sql("SELECT state FROM dbstream.stream_status WHERE name = '$stream'") eq 'running' });
}

sub switchover
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	$my->sql(q{CREATE DATABASE shop; USE shop;
		CREATE TABLE customer (id int AUTO_INCREMENT PRIMARY KEY, name varchar(60) NOT NULL);
		CREATE TABLE orders (id bigint AUTO_INCREMENT PRIMARY KEY, customer int NOT NULL, total decimal(10,2),
			FOREIGN KEY (customer) REFERENCES customer (id));
		INSERT INTO customer (name) VALUES ('Ada'), ('Grace'), ('Edsger');
		INSERT INTO orders (customer, total) VALUES (1, 10.5), (2, 20), (2, 30)});
	$scene->bridge->start;
	$scene->start_inbound('move', 'shop.*', heartbeat => 1);
	wait_until(120, sub { $pg->sql(q{SELECT count(*) FROM dbstream.backfill WHERE state = 'done'}) == 1 })
	  // die "the backfill does not end\n";
	$my->sql(q{INSERT INTO shop.customer (name) VALUES ('Barbara'); INSERT INTO shop.orders (customer, total) VALUES (4, 40)});
	ok($scene->caught_up('move', 60), "$kind: copied and followed") or die "not caught up\n";
	running($pg, 'move') // die "the stream does not run\n";

	# Nobody writes any more. How far the source's log goes is told about once a second.
	wait_until(30, sub { obstacles($pg, 'move') !~ /^lag/m });
	is(obstacles($pg, 'move'), join("\n", 'sequence sequence shop.customer_id_seq failed',
			'sequence sequence shop.orders_id_seq failed', 'way_back connection there warning'),
		"$kind: what stands in the way: sequences, and no way back");
	is($pg->sql(q{SELECT object, next_value, action FROM dbstream.sync_sequences('move')}),
		"shop.customer_id_seq|5|set\nshop.orders_id_seq|5|set", "$kind: sync_sequences moves them");
	is($pg->sql(q{SELECT DISTINCT action FROM dbstream.sync_sequences('move')}), 'stands there already', "$kind: once");
	$scene->start_stream('back', 'shop.*', heartbeat => 1, start => 'now');
	running($pg, 'back') // die "the way back does not run\n";
	ok($scene->caught_up('move', 60) && defined running($pg, 'move'), "$kind: the way back has begun");
	wait_until(30, sub { obstacles($pg, 'move') eq '' });
	is(obstacles($pg, 'move'), '', "$kind: nothing stands in the way");

	# The writers are here now.
	is($pg->sql(q{INSERT INTO shop.customer (name) VALUES ('Margaret') RETURNING id}), 5, "$kind: the identity goes on");
	$pg->sql(q{INSERT INTO shop.orders (customer, total) VALUES (5, 50); UPDATE shop.customer SET name = 'Ada L.' WHERE id = 1});
	ok($scene->caught_up('back', 60), "$kind: the way back carries it");
	is($my->sql('SELECT id, name FROM shop.customer WHERE id IN (1, 5) ORDER BY id'), "1\tAda L.\n5\tMargaret",
		"$kind: it is seen there");
	is($scene->compare('shop', qw(customer orders)), '', "$kind: both sides hold the same");
	ok($scene->caught_up('move', 60), "$kind: the way here goes on");
	wait_until(30, sub { obstacles($pg, 'back') eq '' });
	is(obstacles($pg, 'back'), '', "$kind: nothing stands in the way back either");
	is($pg->sql(q{SELECT rows_inserted, rows_updated FROM dbstream.stream_status WHERE name = 'move'}), '8|0', "$kind: without an echo");
	is($pg->sql(q{SELECT object, next_value FROM dbstream.sync_sequences('back')}), "shop.customer|6\nshop.orders|6",
		"$kind: for the way back sync_sequences says where the target's counters are");
	is($my->sql(q{INSERT INTO shop.customer (name) VALUES ('Jean'); SELECT max(id) FROM shop.customer}), 6, "$kind: and there they are");
	ok($scene->caught_up('move', 60), "$kind: that comes here");

	# Everything else that it looks at.
	$pg->sql(q{SET session_replication_role = replica; INSERT INTO shop.orders VALUES (100, 77, 1); RESET session_replication_role;
		ALTER TABLE shop.orders ADD CONSTRAINT positive CHECK (total > 0) NOT VALID;
		CREATE FUNCTION shop.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
		CREATE TRIGGER quiet BEFORE INSERT ON shop.customer FOR EACH ROW EXECUTE FUNCTION shop.nothing();
		ALTER TABLE shop.customer DISABLE TRIGGER quiet;
		CREATE INDEX orders_total ON shop.orders (total);
		UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'shop.orders_total'::regclass;
		CREATE TABLE shop.plain (id int PRIMARY KEY);
		INSERT INTO dbstream.conflict (stream_id, at, schema_name, table_name, kind, winner)
			SELECT id, now(), 'shop', 'orders', 'delete_missing', 'both' FROM dbstream.stream WHERE name = 'move'});
	wait_until(30, sub { obstacles($pg, 'move') !~ /^lag|^way_back/m });
	is(obstacles($pg, 'move'), join("\n", 'conflicts move warning', 'constraint table shop.orders failed',
			'foreign_key table shop.orders failed', 'identity table shop.plain warning', 'index index shop.orders_total failed',
			'sequence sequence shop.customer_id_seq failed', 'sequence sequence shop.orders_id_seq failed',
			'trigger table shop.customer warning'),
		"$kind: constraints, foreign keys, indexes, triggers, identities and conflicts");
	$pg->sql(q{DELETE FROM shop.orders WHERE id = 100; DROP TABLE shop.plain; SELECT dbstream.forget_conflicts('move');
		DROP INDEX shop.orders_total; ALTER TABLE shop.orders DROP CONSTRAINT positive; DROP TRIGGER quiet ON shop.customer});
	ok($scene->caught_up('back', 60), "$kind: put right");
}

# Each side takes every second value.
sub two_writers
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	$pg->sql(q{SELECT dbstream.alter_stream('back', options => '{"auto_increment": {"offset": 1, "increment": 2}}');
		SELECT dbstream.alter_stream('move', options => '{"auto_increment": {"offset": 1, "increment": 2}}')});
	is(checked($pg, 'move', 'auto_increment'), "auto_increment failed\nauto_increment warning",
		"$kind: both sides still take all values");
	is(checked($pg, 'back', 'auto_increment'), "auto_increment failed\nauto_increment warning", "$kind: the way back says so too");
	$pg->sql(q{SELECT dbstream.sync_sequences('move')});
	$my->sql('SET GLOBAL auto_increment_increment = 2; SET GLOBAL auto_increment_offset = 2');
	is(checked($pg, 'move', 'auto_increment'), "auto_increment ok\nauto_increment ok", "$kind: now each takes its own");
	$pg->sql(q{INSERT INTO shop.customer (name) SELECT 'here' FROM generate_series(1, 3)});
	$my->sql(q{INSERT INTO shop.customer (name) VALUES ('there'), ('there'), ('there')});
	ok($scene->caught_up('back', 60) && $scene->caught_up('move', 60), "$kind: two writers insert") or die "not caught up\n";
	is($pg->sql(q{SELECT bool_and(id % 2 = (name = 'here')::int), count(*) FROM shop.customer WHERE name ~ 'here'}), 't|6',
		"$kind: with identities that do not meet");
	is($scene->compare('shop', 'customer'), '', "$kind: both sides hold the same rows");

	# Policies that do not fit together, and old rows that do not travel.
	$pg->sql(q{SELECT dbstream.alter_stream(name, options => '{"conflicts": "source_wins"}') FROM dbstream.stream});
	foreach my $stream (qw(move back))
	{
		is(checked($pg, $stream, 'conflict_policies,old_rows'), "conflict_policies warning\nold_rows warning\nold_rows warning\n"
			  . "old_rows warning", "$kind: validate_stream('$stream') warns of policies and of old rows");
	}
	$pg->sql(q{SELECT dbstream.alter_stream('move', options => '{"conflicts": "target_wins"}');
		ALTER TABLE shop.customer REPLICA IDENTITY FULL; ALTER TABLE shop.orders REPLICA IDENTITY FULL});
	is(checked($pg, 'back', 'conflict_policies,old_rows'), 'conflict_policies ok', "$kind: and is content with a pair that fits");
	# start_stream sets the sequences up.
	$pg->sql(q{SELECT dbstream.pause_stream('back')});
	wait_until(60, sub { $pg->sql(q{SELECT count(*) FROM dbstream.stream_status WHERE name = 'back' AND receiver_pid IS NOT NULL}) == 0 });
	$pg->sql(q{SELECT dbstream.drop_stream('back'); ALTER SEQUENCE shop.customer_id_seq INCREMENT BY 1});
	$scene->start_stream('again', 'shop.*', start => 'now', auto_increment => { offset => 1, increment => 2 });
	is($pg->sql(q{SELECT increment_by FROM pg_sequences WHERE sequencename = 'customer_id_seq'}), 2,
		"$kind: start_stream sets the sequences up");
}
