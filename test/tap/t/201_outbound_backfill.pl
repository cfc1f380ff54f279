# What was there before a stream out of PostgreSQL began is copied, and the log goes on from there: tables with their
# real definitions, every value, while everything is being changed.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::OutScene;
use DBStream::Process qw(in_child is_running wait_until write_file);
use Test::More;
use Time::HiRes qw(sleep);

foreach my $kind (grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::OutScene->new(kind => $kind);
		my $good = eval { copies($scene, $kind); definitions($scene, $kind); 1; };
		fail("$kind: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub copies
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql(<<'END');
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE shop.customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(80) NOT NULL UNIQUE, born date,
	mood shop.mood DEFAULT 'ok', note text DEFAULT 'none', doubled int GENERATED ALWAYS AS (length(name) * 2) STORED);
CREATE TABLE shop.orders (id int PRIMARY KEY, customer bigint NOT NULL REFERENCES shop.customer ON DELETE CASCADE,
	total numeric(12,2) CHECK (total >= 0), at timestamp(3) DEFAULT now(), gone int);
CREATE INDEX orders_at ON shop.orders (at DESC, total);
CREATE INDEX customer_note ON shop.customer (note);
CREATE TABLE shop.visit (at timestamptz, page text, n int);
ALTER TABLE shop.visit REPLICA IDENTITY FULL;
CREATE TABLE shop.part (id int PRIMARY KEY, word text) PARTITION BY RANGE (id);
CREATE TABLE shop.part_1 PARTITION OF shop.part FOR VALUES FROM (0) TO (100);
CREATE TABLE shop.part_2 (word text, extra int, id int NOT NULL);
ALTER TABLE shop.part_2 DROP COLUMN extra;
ALTER TABLE shop.part ATTACH PARTITION shop.part_2 FOR VALUES FROM (100) TO (200);
CREATE TABLE shop.big (id int PRIMARY KEY, body text, small int);
CREATE TABLE shop.empty (id int PRIMARY KEY, v text);
CREATE UNLOGGED TABLE shop.unlogged (id int PRIMARY KEY);
ALTER TABLE shop.orders DROP COLUMN gone;
INSERT INTO shop.customer (name, born, mood, note) SELECT 'n' || n, date '1900-01-01' + n, 'happy', repeat('é', n % 700) FROM generate_series(1, 5000) n;
INSERT INTO shop.orders SELECT n, 1 + n % 5000, n / 7.0, '2024-02-29 12:00:00.123' FROM generate_series(1, 30000) n;
INSERT INTO shop.visit SELECT '2024-02-29 23:59:59.999999+02', '/' || n % 3, n % 5 FROM generate_series(1, 3000) n;
INSERT INTO shop.part SELECT n, 'p' || n FROM generate_series(50, 150) n;
INSERT INTO shop.big SELECT n, (SELECT string_agg(md5(n::text || m), '') FROM generate_series(1, 3000) m), 0 FROM generate_series(1, 8) n;
ALTER TABLE shop.orders ADD COLUMN late int DEFAULT 7;
END
	# Every table changes from before the copy until after it.
	my $flag = DBStream::OutScene::work_folder() . "/stop-$kind";
	my $writer = in_child('writer', sub { write_on($source, $flag); return 0; });
	wait_until(60, sub { $source->sql('SELECT max(n) FROM shop.visit') > 1000 }) // die "the writer does nothing\n";
	$scene->bridge->start;
	$scene->start_stream('out', 'shop.*', start => 'backfill', heartbeat => 1);
	is($source->sql("SELECT count(*) FROM shop.customer") > 5000 ? 1 : 0, 1, "$kind: rows were written while tables were copied");
	ok($scene->caught_up('out', 60), "$kind: the stream goes on");
	write_file($flag, '');
	wait_until(60, sub { !is_running($writer) }) // die "the writer did not end\n";
	ok($scene->caught_up('out', 60), "$kind: and catches up");
	is($scene->compare('shop', qw(customer orders visit part big empty)), '', "$kind: both sides hold the same");
	is($target->sql("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'shop' AND table_name IN ('part_1', 'unlogged')"),
		0, "$kind: partitions and tables without a log are not copied");
	is($source->sql("SELECT rows_inserted - rows_deleted FROM dbstream.stream_status"),
		$source->sql('SELECT ' . join(' + ', map { "(SELECT count(*) FROM shop.$_)" } qw(customer orders visit part big empty))),
		"$kind: inserts less deletes, copied rows among them, are the rows that are there");
	is($scene->miscounted('out', 'shop', qw(customer orders visit part big empty)), '', "$kind: so for each table");
	is($source->sql("SELECT string_agg(source_table || ' ' || phase || ' ' || percent || ' ' || (rows_done > 0), ', ' ORDER BY source_table)"
			  . " FROM dbstream.backfill_status"),
		'big done 100.0 true, customer done 100.0 true, empty done 100.0 false, orders done 100.0 true, part done 100.0 true, visit done 100.0 true',
		"$kind: backfill_status shows each table");
	is($source->sql('SELECT count(*) FROM pg_replication_slots'), 1, "$kind: one slot is left");
}

sub write_on
{
	my ($source, $flag) = @_;
	my $n = 1000;

	while (!-e $flag)
	{
		$n++;
		my $id = 1 + $n % 5000;
		$source->sql(<<"END");
INSERT INTO shop.customer (name, note) VALUES ('new $n', repeat('x', $n % 400));
BEGIN; UPDATE shop.customer SET note = 'changed $n', born = '2000-01-01' WHERE id = $id;
DELETE FROM shop.orders WHERE id = $n; INSERT INTO shop.orders VALUES (100000 + $n, $id, $n); COMMIT;
UPDATE shop.orders SET total = total + 1 WHERE id % 500 = $n % 500;
INSERT INTO shop.visit VALUES (now(), '/new', $n);
DELETE FROM shop.visit WHERE ctid = (SELECT ctid FROM shop.visit WHERE n < 5 LIMIT 1);
UPDATE shop.part SET id = (id + 61) % 200 WHERE id = (SELECT id FROM shop.part a WHERE NOT EXISTS (SELECT FROM shop.part b WHERE b.id = (a.id + 61) % 200) ORDER BY random() LIMIT 1);
UPDATE shop.big SET small = $n WHERE id = 1 + $n % 8;
BEGIN; INSERT INTO shop.empty VALUES ($n, 'x'); DELETE FROM shop.empty WHERE id = $n; ROLLBACK;
END
	}
}

sub definitions
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my $create = sub { ($target->rows("SHOW CREATE TABLE shop.$_[0]"))[0][1] };
	my ($customer, $orders) = ($create->('customer'), $create->('orders'));

	like($customer, qr/`id` bigint(\(20\))? NOT NULL AUTO_INCREMENT/, "$kind: identity is AUTO_INCREMENT");
	like($customer, qr/UNIQUE KEY .*\(`name`\)/, "$kind: a unique key");
	like($customer, qr/KEY `customer_note` \(`note`\(255\)\)/, "$kind: an index of a text without limit holds its beginning");
	like($customer, qr/`mood` enum\('sad','ok','happy'\)/, "$kind: an enum");
	like($customer, qr/`doubled` int.* GENERATED ALWAYS AS/, "$kind: a generated column");
	like($orders, qr/KEY `orders_at` \(`at` DESC,`total`\)|KEY `orders_at` \(`at`,`total`\)/, "$kind: an index");
	like($orders, qr/FOREIGN KEY \(`customer`\) REFERENCES `(?:shop`\.`)?customer` \(`id`\) ON DELETE CASCADE/, "$kind: a foreign key");
	like($orders, qr/CHECK \(/, "$kind: a check");
	is($target->sql('SELECT COUNT(*) FROM shop.customer WHERE doubled <> CHAR_LENGTH(name) * 2'), 0, "$kind: generated values");
}
