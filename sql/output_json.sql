-- The output plugin's JSON: every kind of change, every replica identity, and its options.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA out;
SET search_path = out;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN amount AS numeric(10,2);
CREATE TYPE pair AS (x int, y text);
CREATE TABLE plain (id int PRIMARY KEY, name text, big text, twice int GENERATED ALWAYS AS (id * 2) STORED);
ALTER TABLE plain ALTER big SET STORAGE EXTERNAL;
CREATE TABLE every_type (id bigint PRIMARY KEY, b boolean, s smallint, r real, d double precision, n numeric,
	a amount, day date, t time, ts timestamp, tz timestamptz, i interval, v varchar(5), c char(5), raw bytea,
	j json, jb jsonb, bits bit(3), vb bit varying, u uuid, m mood, arr int[], p pair, net inet, rng int4range);
CREATE TABLE keyless (a int, b text);
CREATE TABLE whole (a int, b text);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE by_index (a int NOT NULL, b text, c int);
CREATE UNIQUE INDEX by_index_a ON by_index (a);
ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_a;
CREATE TABLE measured (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE measured_low PARTITION OF measured FOR VALUES FROM (0) TO (100);
CREATE TABLE measured_high (v text, id int NOT NULL);
ALTER TABLE measured ATTACH PARTITION measured_high FOR VALUES FROM (100) TO (200);
SELECT 'created' AS slot FROM pg_create_logical_replication_slot('json', 'dbstream');

CREATE FUNCTION changes(VARIADIC options text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE sql AS
$$ SELECT data FROM pg_logical_slot_get_changes('json', NULL, NULL, VARIADIC options || ARRAY['metadata', 'false']) $$;

-- insert, update, delete; a value stored out of line that did not change is absent; a changed key comes with the old one
INSERT INTO plain (id, name, big) VALUES (1, 'o"n\e', repeat('x', 3000)), (2, NULL, NULL);
UPDATE plain SET name = 'one' WHERE id = 1;
UPDATE plain SET id = 3 WHERE id = 2;
DELETE FROM plain WHERE id = 3;
SELECT replace(c, repeat('x', 3000), 'x...') FROM changes() c;

-- every type, and what has no JSON number
INSERT INTO every_type VALUES (9223372036854775807, true, -1, 1.5, 0.1, 12345678901234567890.123456789, 1.5,
	'2024-02-29', '23:59:59.999999', '2024-02-29 12:00:00.5', '2024-02-29 12:00:00+02', '1 mon 2 days 03:04:05', 'abc', 'abc',
	'\x00ff', '{"a": 1}', '{"b": [1, null]}', B'101', B'1', '00112233-4455-6677-8899-aabbccddeeff', 'happy', '{1,NULL,3}',
	'(1,"a b")', '10.0.0.1', '[1,5)');
INSERT INTO every_type (id, r, d, n, day, ts, tz) VALUES
	(2, 'NaN', '-Infinity', 'NaN', 'infinity', '-infinity', '2024-01-01 BC');
SET DateStyle = 'German'; SET TimeZone = 'Asia/Tokyo'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits = -5;
SELECT * FROM changes();
RESET DateStyle; RESET TimeZone; RESET IntervalStyle; RESET extra_float_digits;

-- replica identities
INSERT INTO whole VALUES (1, 'a'), (1, 'a');
UPDATE whole SET b = 'b';
DELETE FROM whole;
INSERT INTO by_index VALUES (1, 'a', 7);
UPDATE by_index SET a = 2;
DELETE FROM by_index;
INSERT INTO keyless VALUES (1, 'only inserts');
SELECT * FROM changes();
UPDATE keyless SET b = 'x';
SELECT * FROM changes();
-- the change is still in the log: leave the table out, and the rest goes on
SELECT * FROM changes('tables', 'out.*,!out.keyless');

-- partitions: their own names, or the root's; the columns are those of the partition, by name
INSERT INTO measured VALUES (1, 'low'), (150, 'high');
SELECT data FROM pg_logical_slot_peek_changes('json', NULL, NULL, 'metadata', 'false');
SELECT * FROM changes('partitions', 'root');

-- TRUNCATE, in one statement for several tables; only the published ones are named
TRUNCATE plain, whole CASCADE;
TRUNCATE keyless RESTART IDENTITY;
SELECT * FROM changes('tables', 'out.p*,out.keyless');
-- a partition alone: its own name, or a part of its root, which the condition chooses; the root speaks for its partitions
CREATE TABLE split (id int, region text, at timestamptz) PARTITION BY LIST (region);
CREATE TABLE split_a PARTITION OF split FOR VALUES IN ('a', NULL) PARTITION BY RANGE (at);
CREATE TABLE split_a1 PARTITION OF split_a FOR VALUES FROM ('2024-01-01 00:00+01') TO ('2024-07-01 00:00+02');
CREATE TABLE split_b PARTITION OF split FOR VALUES IN ('b') PARTITION BY HASH (id);
CREATE TABLE split_b0 PARTITION OF split_b FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE sole (id int) PARTITION BY RANGE (id);
CREATE TABLE sole_rest PARTITION OF sole DEFAULT;
TRUNCATE measured_low;
TRUNCATE split_a;
TRUNCATE split_a1, measured;
TRUNCATE split;
TRUNCATE sole_rest;
SELECT data FROM pg_logical_slot_peek_changes('json', NULL, NULL, 'metadata', 'false', 'tables', 'out.*,!out.keyless');
SELECT * FROM changes('tables', 'out.*,!out.keyless', 'partitions', 'root');
DROP TABLE split, sole;

-- a schema change between two changes is seen where it happened; a dropped column is gone
INSERT INTO whole VALUES (1, 'before');
ALTER TABLE whole ADD COLUMN c int DEFAULT 5;
ALTER TABLE whole DROP COLUMN b;
INSERT INTO whole VALUES (2);
ALTER TABLE whole RENAME TO renamed;
INSERT INTO renamed VALUES (3);
SELECT * FROM changes();

-- a transaction that changes nothing published leaves no trace; subtransactions
BEGIN; INSERT INTO keyless VALUES (2, 'not published'); COMMIT;
BEGIN;
INSERT INTO plain (id) VALUES (10);
SAVEPOINT a;
INSERT INTO plain (id) VALUES (11);
ROLLBACK TO a;
INSERT INTO plain (id) VALUES (12);
COMMIT;
SELECT * FROM changes('tables', 'out.plain');

-- logical messages
SELECT 'sent' FROM pg_logical_emit_message(true, 'note', 'in order');
SELECT 'sent' FROM pg_logical_emit_message(true, 'note', '\x00ff'::bytea);
SELECT data FROM pg_logical_slot_peek_changes('json', NULL, NULL, 'metadata', 'false', 'messages', 'false');
SELECT * FROM changes();

-- without the columns, without the boundaries
INSERT INTO plain (id) VALUES (20);
SELECT * FROM changes('schema_messages', 'off', 'transactions', 'off');

-- origin: what replication brought is left out
SELECT 'created' AS origin FROM pg_replication_origin_create('elsewhere');
SELECT pg_replication_origin_session_setup('elsewhere');
INSERT INTO plain (id) VALUES (30);
SELECT pg_replication_origin_session_reset();
INSERT INTO plain (id) VALUES (31);
SELECT data FROM pg_logical_slot_peek_changes('json', NULL, NULL, 'metadata', 'false');
SELECT * FROM changes('origin', 'none');
SELECT pg_replication_origin_drop('elsewhere');

-- metadata: which fields there are
INSERT INTO plain (id) VALUES (40);
SELECT string_agg(key, ' ' ORDER BY key) FROM pg_logical_slot_get_changes('json', NULL, NULL),
	json_object_keys(data::json) AS key WHERE data LIKE '%"begin"%' OR data LIKE '%"commit"%';

-- transactions larger than logical_decoding_work_mem are streamed when asked for
BEGIN;
INSERT INTO plain (id, name) SELECT i, repeat('y', 100) FROM generate_series(100, 1500) i;
COMMIT;
SELECT DISTINCT data::json ->> 'action' AS action, CASE data::json ->> 'action' WHEN 'insert' THEN count(*) END
	FROM pg_logical_slot_peek_changes('json', NULL, NULL, 'streaming', 'on') GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM changes();

-- tables that were copied: what was committed before is left out, through the root's oid too
INSERT INTO plain (id) VALUES (45);
INSERT INTO measured VALUES (4, 'left out'), (140, 'left out');
INSERT INTO by_index VALUES (40, 'told', 0);
SELECT format('%s@FFFFFFFF/FFFFFFFF,%s@FFFFFFFF/FFFFFFFF,%s@0/1', 'plain'::regclass::oid, 'measured'::regclass::oid,
	'by_index'::regclass::oid) AS copied \gset
SELECT * FROM changes('copied', :'copied', 'partitions', 'root', 'schema_messages', 'off');

-- what is refused
INSERT INTO plain (id) VALUES (50);
SELECT * FROM changes('formt', 'json');
SELECT * FROM changes('format', 'xml');
SELECT * FROM changes('tables', 'plain');
SELECT * FROM changes('messages', 'perhaps');
SELECT * FROM changes('copied', 'plain@0/0');
SELECT * FROM changes('format', 'binary');
SELECT count(*) > 0 FROM pg_logical_slot_peek_binary_changes('json', NULL, NULL, 'format', 'binary', 'streaming', 'true');

SELECT pg_drop_replication_slot('json');

-- two-phase commit
SELECT 'created' AS slot FROM pg_create_logical_replication_slot('two', 'dbstream', false, true);
BEGIN; INSERT INTO plain (id) VALUES (60); PREPARE TRANSACTION 'sixty';
SELECT data FROM pg_logical_slot_get_changes('two', NULL, NULL, 'metadata', 'false');
COMMIT PREPARED 'sixty';
BEGIN; INSERT INTO plain (id) VALUES (61); PREPARE TRANSACTION 'sixty-one';
ROLLBACK PREPARED 'sixty-one';
SELECT data FROM pg_logical_slot_get_changes('two', NULL, NULL, 'metadata', 'false');
SELECT pg_drop_replication_slot('two');

DROP SCHEMA out CASCADE;
