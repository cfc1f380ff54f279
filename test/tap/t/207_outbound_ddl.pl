# Schema changes go out of PostgreSQL: each kind of them among rows, into MariaDB and MySQL; both sides end equal.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::OutScene;
use DBStream::Process qw(wait_until);
use Test::More;

foreach my $kind (grep { !defined $ENV{DBSTREAM_TARGET} || $_ eq $ENV{DBSTREAM_TARGET} } qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::OutScene->new(kind => $kind);
		my $good = eval { each_kind($scene, $kind); untold_partitions($scene, $kind); policies($scene, $kind); 1; };
		fail("$kind: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

# Rows of each table on both sides, columns by name; tables that are on one side only are told.
sub differences
{
	my ($scene, $schema) = @_;
	my @here = map { $_->[0] } $scene->source->rows("SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		  . " WHERE n.nspname = '$schema' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1");
	my @there = map { $_->[0] } $scene->target->rows("SELECT table_name FROM information_schema.tables WHERE table_schema = '$schema' ORDER BY 1");
	my $text = '';

	$text .= "here @here, there @there\n" if "@here" ne "@there";
	return $text . ($text eq '' ? $scene->compare($schema, @here) : '');
}

sub columns_there
{
	my ($scene, $table) = @_;

	return $scene->target->sql("SELECT group_concat(column_name ORDER BY column_name) FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = '$table'");
}

sub each_kind
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql(<<'END');
CREATE SCHEMA shop;
CREATE TABLE shop.was_there (id int PRIMARY KEY, a varchar(20), b int);
END
	$scene->bridge->start;
	$scene->start_stream('out', 'shop.*');
	is($source->sql("SELECT status FROM dbstream.validate_stream('out') WHERE check_name = 'schema_changes'"), 'ok', "$kind: schema changes are captured");
	$source->sql(<<'END');
INSERT INTO shop.was_there SELECT n, 'a' || n, n FROM generate_series(1, 20) n;
ALTER TABLE shop.was_there ADD COLUMN c text DEFAULT 'filled', DROP COLUMN b;
INSERT INTO shop.was_there VALUES (21, 'x', 'own');
CREATE TYPE shop.mood AS ENUM ('sad', 'ok');
CREATE TABLE shop.item (id serial PRIMARY KEY, name varchar(40) NOT NULL DEFAULT 'none', m shop.mood, price numeric(10,2) CHECK (price >= 0), at timestamptz);
INSERT INTO shop.item (name, m, price, at) SELECT 'n' || n, (ARRAY['sad', 'ok'])[n % 2 + 1]::shop.mood, n / 4.0, '2024-02-29 12:00:00.5+02' FROM generate_series(1, 50) n;
ALTER TABLE shop.item RENAME COLUMN name TO title;
UPDATE shop.item SET title = 'renamed' WHERE id = 1;
CREATE INDEX item_at ON shop.item (at, price DESC);
CREATE UNIQUE INDEX item_title ON shop.item (title, id);
ALTER TYPE shop.mood ADD VALUE 'great' AFTER 'ok';
INSERT INTO shop.item (title, m, price) VALUES ('with a new label', 'great', 1);
ALTER TYPE shop.mood RENAME VALUE 'sad' TO 'blue';
INSERT INTO shop.item (title, m, price) VALUES ('with a renamed label', 'blue', 1);
ALTER TABLE shop.item ALTER COLUMN price TYPE numeric(14,4), ALTER COLUMN price SET NOT NULL, ALTER COLUMN title DROP DEFAULT;
COMMENT ON TABLE shop.item IS 'goods; it''s a comment';
COMMENT ON COLUMN shop.item.title IS 'what it is called \ here';
BEGIN;
INSERT INTO shop.item (title, price) VALUES ('before, in one transaction', 5);
ALTER TABLE shop.item ADD COLUMN tag text NOT NULL DEFAULT 'none';
INSERT INTO shop.item (title, price, tag) VALUES ('between', 5, 't');
ALTER TABLE shop.item ADD COLUMN made timestamptz DEFAULT now();
UPDATE shop.item SET tag = 'changed' WHERE id % 5 = 0;
COMMIT;
BEGIN;
ALTER TABLE shop.item ADD COLUMN lost int;
INSERT INTO shop.item (title, price, lost) VALUES ('rolled back', 5, 1);
ROLLBACK;
BEGIN;
INSERT INTO shop.item (title, price) VALUES ('kept', 6);
SAVEPOINT s;
ALTER TABLE shop.item DROP COLUMN title;
ROLLBACK TO s;
INSERT INTO shop.item (title, price) VALUES ('kept too', 6);
COMMIT;
ALTER TABLE shop.item ADD COLUMN doubled numeric(20,4) GENERATED ALWAYS AS (price * 2) STORED;
ALTER TABLE shop.item RENAME COLUMN price TO cost;
INSERT INTO shop.item (title, cost) VALUES ('after a rename under a generated column', 7);
CREATE TABLE shop.lists (id int PRIMARY KEY, words text[]);
INSERT INTO shop.lists VALUES (1, '{a,"b,c",NULL}');
ALTER TABLE shop.lists ADD COLUMN numbers int[];
UPDATE shop.lists SET numbers = '{1,2}';
END
	ok($scene->caught_up('out', 120), "$kind: changes arrive") or die "not caught up\n";
	is(differences($scene, 'shop'), '', "$kind: both sides hold the same");

	# What MySQL would compute otherwise: the rows travel as they are.
	$source->sql(<<'END');
ALTER TABLE shop.item ADD COLUMN u uuid DEFAULT gen_random_uuid();
ALTER TABLE shop.was_there ADD COLUMN n serial;
ALTER TABLE shop.was_there ALTER COLUMN c DROP DEFAULT;
ALTER TABLE shop.was_there ALTER COLUMN c TYPE int USING length(c), ADD COLUMN late int;
INSERT INTO shop.was_there (id, a, c) VALUES (30, 'after', 9);
BEGIN;
DELETE FROM shop.was_there WHERE id = 1;
INSERT INTO shop.was_there (id, c) VALUES (31, 10);
ALTER TABLE shop.was_there ALTER COLUMN n TYPE bigint USING n * 1000;
UPDATE shop.was_there SET n = n + 1 WHERE id < 5;
COMMIT;
ALTER TABLE shop.was_there ALTER COLUMN id TYPE bigint;
INSERT INTO shop.was_there (id, c) VALUES (5000000000, 11);
CREATE TABLE shop.parts (id int, region text, note text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE shop.parts_a PARTITION OF shop.parts FOR VALUES IN ('a');
CREATE TABLE shop.parts_b PARTITION OF shop.parts FOR VALUES IN ('b');
CREATE TABLE shop.parts_big PARTITION OF shop.parts FOR VALUES IN ('B', 'C');
INSERT INTO shop.parts SELECT n, (ARRAY['a', 'b'])[n % 2 + 1], 'x' FROM generate_series(1, 20) n;
ALTER TABLE shop.parts ADD COLUMN more uuid DEFAULT gen_random_uuid();
ALTER TABLE shop.parts ADD COLUMN less timestamptz DEFAULT now();
CREATE TABLE shop.parts_c PARTITION OF shop.parts FOR VALUES IN ('c');
INSERT INTO shop.parts VALUES (100, 'c', 'y');
CREATE TABLE shop.days (at timestamptz, n int, PRIMARY KEY (at, n)) PARTITION BY RANGE (at);
CREATE TABLE shop.days_1 PARTITION OF shop.days FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE shop.days_2 PARTITION OF shop.days FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
INSERT INTO shop.days SELECT '2024-01-20'::timestamptz + n * interval '1 day', n FROM generate_series(1, 30) n;
INSERT INTO shop.parts VALUES (200, 'B', 'kept');
INSERT INTO shop.parts VALUES (201, 'c', 'gone');
TRUNCATE shop.parts_c;
INSERT INTO shop.parts VALUES (202, 'c', 'after');
DROP TABLE shop.days_1;
DROP TABLE shop.parts_a;
CREATE TABLE shop.days_3 PARTITION OF shop.days DEFAULT;
INSERT INTO shop.days VALUES ('2030-01-01', 1), ('2024-01-31 23:59:59.999999', 1), ('2024-02-29 23:59:59.999999', 1);
TRUNCATE shop.days_3;
INSERT INTO shop.days VALUES ('2031-01-01', 1), ('2024-03-01', 2);
TRUNCATE shop.days_2;
CREATE TABLE shop.cut (id int, d date, v varchar(10), m numeric(10,2)) PARTITION BY LIST (v);
ALTER TABLE shop.cut REPLICA IDENTITY FULL;
CREATE TABLE shop.cut_a PARTITION OF shop.cut FOR VALUES IN ('a', NULL) PARTITION BY RANGE (d, m);
CREATE TABLE shop.cut_a1 PARTITION OF shop.cut_a FOR VALUES FROM ('2024-01-01', 1.5) TO ('2024-02-01', 2.5);
CREATE TABLE shop.cut_a2 PARTITION OF shop.cut_a FOR VALUES FROM ('2024-02-01', 2.5) TO (MAXVALUE, MAXVALUE);
CREATE TABLE shop.cut_rest PARTITION OF shop.cut DEFAULT;
INSERT INTO shop.cut SELECT n, '2024-01-02'::date + n, CASE n % 4 WHEN 0 THEN 'a' WHEN 1 THEN NULL WHEN 2 THEN 'A' ELSE 'z' END, n FROM generate_series(1, 80) n;
TRUNCATE shop.cut_a1;
INSERT INTO shop.cut VALUES (100, '2024-01-05', 'a', 1);
TRUNCATE shop.cut_rest;
END
	ok($scene->caught_up('out', 120), "$kind: rewritten tables arrive") or die "not caught up\n";
	is(differences($scene, 'shop'), '', "$kind: both sides hold the same");

	$source->sql(<<'END');
CREATE TABLE shop.copy AS SELECT id, title, cost FROM shop.item WHERE id < 10;
SELECT id, title INTO shop.copy2 FROM shop.item WHERE id < 5;
CREATE TABLE shop.alike (LIKE shop.item INCLUDING ALL);
INSERT INTO shop.alike (id, title, cost) VALUES (1, 'alike', 3);
ALTER TABLE shop.copy ADD PRIMARY KEY (id);
ALTER TABLE shop.copy ADD CONSTRAINT copy_item FOREIGN KEY (id) REFERENCES shop.item (id) ON DELETE CASCADE;
UPDATE shop.copy SET cost = 0 WHERE id = 3;
DELETE FROM shop.item WHERE id = 4;
ALTER INDEX shop.item_at RENAME TO item_when;
DROP INDEX shop.item_title;
ALTER TABLE shop.copy2 RENAME TO copy3;
INSERT INTO shop.copy3 VALUES (77, 'renamed');
DO $$ BEGIN FOR i IN 1..3 LOOP EXECUTE format('CREATE TABLE shop.made_%s (id int PRIMARY KEY, v text)', i);
	EXECUTE format('INSERT INTO shop.made_%s VALUES (%s, %L)', i, i, 'in a loop'); END LOOP; END $$;
DROP TABLE shop.made_2;
BEGIN;
ALTER TABLE shop.made_1 RENAME TO made_x;
ALTER TABLE shop.made_3 RENAME TO made_1;
ALTER TABLE shop.made_x RENAME TO made_3;
INSERT INTO shop.made_1 VALUES (10, 'was 3');
INSERT INTO shop.made_3 VALUES (11, 'was 1');
COMMIT;
TRUNCATE shop.alike;
CREATE TABLE shop.gone (id int PRIMARY KEY);
INSERT INTO shop.gone VALUES (1);
DROP TABLE shop.gone;
CREATE TABLE shop.gone (id text PRIMARY KEY, more int);
INSERT INTO shop.gone VALUES ('another of that name', 2);
ALTER TABLE shop.item DROP COLUMN tag, DROP CONSTRAINT item_price_check;
ALTER TABLE shop.item ALTER COLUMN title TYPE text;
CREATE TEMP TABLE item (a int);
END
	ok($scene->caught_up('out', 120), "$kind: new, renamed and dropped tables arrive") or die "not caught up\n";
	is(differences($scene, 'shop'), '', "$kind: both sides hold the same");
	is(columns_there($scene, 'item'), 'at,cost,doubled,id,m,made,title,u', "$kind: the columns are the same");
	is($target->sql("SELECT group_concat(DISTINCT index_name ORDER BY index_name) FROM information_schema.statistics WHERE table_schema = 'shop' AND table_name = 'item'"),
		'item_when,PRIMARY', "$kind: so are the indexes");
	is($target->sql("SELECT table_comment FROM information_schema.tables WHERE table_schema = 'shop' AND table_name = 'item'"), "goods; it's a comment", "$kind: and the comment");
	is($source->sql("SELECT count(*) FROM dbstream.ddl_history WHERE outcome <> 'applied' AND source_sql !~ 'PARTITION OF'"), 0, "$kind: all of them are in the history, as applied");
	cmp_ok($source->sql("SELECT count(*) FROM dbstream.ddl_history"), '>', 40, "$kind: and each is");
	is($source->sql("SELECT count(*) - count(DISTINCT gtid) FROM dbstream.ddl_history"), 0, "$kind: once");
	is($target->sql("SELECT step FROM dbstream.dbstream_progress"), '', "$kind: nothing is under way at the target");
}

# Which rows were in a partition by HASH, or in one by the order of texts, no MySQL server can tell.
sub untold_partitions
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	foreach my $by ('HASH (id)|WITH (MODULUS 1, REMAINDER 0)|hash', 'RANGE (t)|FROM (MINVALUE) TO (MAXVALUE)|range')
	{
		my ($key, $bound, $name) = split /\|/, $by;
		$source->sql("CREATE TABLE shop.untold (id int, t text COLLATE \"en-x-icu\") PARTITION BY $key;"
			  . " CREATE TABLE shop.untold_1 PARTITION OF shop.untold FOR VALUES $bound; INSERT INTO shop.untold VALUES (1, 'x'); TRUNCATE shop.untold_1");
		ok(stands($scene), "$kind: TRUNCATE of such a partition, by $name, stops the stream");
		my ($row) = $source->rows('SELECT last_error, last_error_hint FROM dbstream.stream_status');
		like($row->[0], qr/partition "untold_1" of table "shop"."untold" was truncated/, "$kind: the error names it");
		like($row->[1], qr/resync_stream/, "$kind: and the remedy");
		$source->sql("SELECT dbstream.resync_stream('out')");
		ok($scene->catches_up('out', 120), "$kind: which mends it");
		is(differences($scene, 'shop'), '', "$kind: both sides hold the same");
		$source->sql('DROP TABLE shop.untold');
		ok($scene->catches_up('out', 60), "$kind: and the table goes");
	}
}

sub stands
{
	my ($scene) = @_;

	return wait_until(60, sub { $scene->source->sql('SELECT state FROM dbstream.stream_status') eq 'error' });
}

sub policies
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	# The target refuses.
	$target->sql("ALTER TABLE shop.copy3 ADD COLUMN taken int");
	$source->sql("ALTER TABLE shop.copy3 ADD COLUMN taken text; INSERT INTO shop.copy3 VALUES (78, 'x', 'long text')");
	ok(stands($scene), "$kind: a change that the target refuses stops the stream");
	like($source->sql('SELECT last_error FROM dbstream.stream_status'), qr/ADD COLUMN taken text.*[Dd]uplicate column.*ADD COLUMN `taken`/s, "$kind: the error names statement and cause");
	like($source->sql('SELECT last_error_hint FROM dbstream.stream_status'), qr/skip_ddl/, "$kind: and the remedy");
	$target->sql("ALTER TABLE shop.copy3 DROP COLUMN taken");
	$source->sql("SELECT dbstream.resume_stream('out')");
	ok($scene->catches_up('out', 60), "$kind: once mended, it goes on");
	is(differences($scene, 'shop'), '', "$kind: both sides hold the same");

	# A person does it instead.
	$target->sql("ALTER TABLE shop.copy3 ADD COLUMN own int");
	$source->sql("ALTER TABLE shop.copy3 ADD COLUMN own int; INSERT INTO shop.copy3 VALUES (79, 'y', 'z', 3)");
	ok(stands($scene), "$kind: it stands again");
	like($source->sql("SELECT dbstream.skip_ddl('out')"), qr/^ALTER TABLE shop.copy3 ADD COLUMN own int$/, "$kind: skip_ddl tells what it skips");
	ok($scene->catches_up('out', 60), "$kind: the stream goes past it");
	is(differences($scene, 'shop'), '', "$kind: both sides hold the same");
	is($source->sql("SELECT outcome FROM dbstream.ddl_history ORDER BY id DESC LIMIT 1"), 'skipped', "$kind: the history says so");

	$source->sql("SELECT dbstream.alter_stream('out', options => '{\"on_ddl\": \"record\"}')");
	$source->sql("ALTER TABLE shop.copy3 ADD COLUMN unseen int");
	ok($scene->catches_up('out', 60), "$kind: with on_ddl record it goes on");
	is($source->sql("SELECT outcome FROM dbstream.ddl_history ORDER BY id DESC LIMIT 1"), 'recorded', "$kind: and the change is recorded only");
	is(columns_there($scene, 'copy3'), 'id,own,taken,title', "$kind: the target does not have it");
	$source->sql("INSERT INTO shop.copy3 VALUES (80, 'a', 'b', 1, 2)");
	ok(stands($scene), "$kind: a row with a column that the target lacks stops the stream");
	like($source->sql('SELECT last_error FROM dbstream.stream_status'), qr/no column "unseen"/, "$kind: the error names the column");
	$target->sql("ALTER TABLE shop.copy3 ADD COLUMN unseen int");
	$source->sql("SELECT dbstream.alter_stream('out', options => '{\"on_ddl\": \"stop\"}')");
	ok($scene->catches_up('out', 60), "$kind: with the column it goes on");
	$source->sql("ALTER TABLE shop.copy3 DROP COLUMN unseen");
	ok(stands($scene), "$kind: with on_ddl stop every change stops the stream");
	$source->sql("SELECT dbstream.alter_stream('out', options => '{\"on_ddl\": null}')");
	ok($scene->catches_up('out', 60), "$kind: with on_ddl apply it is carried out");
	is(differences($scene, 'shop'), '', "$kind: both sides hold the same at the end");
}
