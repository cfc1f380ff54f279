-- Schema changes of published tables: what event triggers capture, and what it means for MySQL and MariaDB.

SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS dbstream;
RESET client_min_messages;
SELECT dbstream.create_connection('there', 'mysql', '{"host": "db1", "user": "writer"}');
CREATE SCHEMA s;
CREATE SCHEMA elsewhere;
CREATE TABLE s.before (id int PRIMARY KEY, a text);

-- Nothing is captured, and nothing is there to do it, before there is a stream.
SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'dbstream%';
SELECT dbstream.create_stream('out', 'local', 'there', '{s.*,!s.secret_*}', '{"schemas": {"s": "shop"}}');
SELECT evtname, evtevent, evtenabled FROM pg_event_trigger WHERE evtname LIKE 'dbstream%' ORDER BY 1;
SELECT 'created' AS slot FROM pg_create_logical_replication_slot('ddl', 'dbstream');

-- What has been captured since the last call, as the bridge is told it for a kind of target. A message's content stands
-- behind its prefix and its size.
CREATE FUNCTION captured() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT convert_from(substring(data FROM at + 16 FOR get_byte(data, at + 11) + 256 * get_byte(data, at + 12)), 'UTF8')
	FROM pg_logical_slot_peek_binary_changes('ddl', NULL, NULL, 'format', 'binary', 'tables', 's.*'),
		position('dbstream.ddl'::bytea IN data) AS at
	WHERE at > 0
$$;
CREATE FUNCTION plan(dialect text DEFAULT 'mysql') RETURNS TABLE (kind text, value text) LANGUAGE sql AS $$
	SELECT o.kind, regexp_replace(regexp_replace(o.value, 'dropped_\d+_', 'dropped_ID_'), '\d{4}-\d\d-\d\d [0-9:.]+', 'TIME')
	FROM captured() c, dbstream.outbound_ddl((SELECT id FROM dbstream.stream), c, plan.dialect) o
	WHERE o.kind <> 'hint'
$$;
CREATE FUNCTION told() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regexp_replace(data, '"\d{4}-\d\d-\d\d [^"]*"', '"TIME"', 'g')
	FROM pg_logical_slot_get_changes('ddl', NULL, NULL, 'metadata', 'off', 'tables', 's.*', 'schema_messages', 'off')
	WHERE data !~ '"action":"(begin|commit)"'
$$;
SELECT told();

-- Tables.
CREATE TYPE s.mood AS ENUM ('sad', 'ok');
CREATE TABLE s.t (id serial PRIMARY KEY, name varchar(20) NOT NULL DEFAULT 'x', m s.mood, at timestamptz DEFAULT now(),
	amount numeric(10,2) CONSTRAINT positive CHECK (amount > 0), r int REFERENCES s.before (id));
SELECT * FROM plan();
SELECT value FROM plan('mariadb') WHERE value LIKE 'CREATE TABLE IF%';
SELECT told();
CREATE TABLE s.made AS SELECT 1 AS a, 'x'::text AS b;
SELECT * FROM plan();
SELECT told();
DROP TABLE s.made;
SELECT * FROM plan();
SELECT told();
ALTER TABLE s.t RENAME TO u;
SELECT * FROM plan();
ALTER TABLE s.u SET SCHEMA elsewhere;
SELECT * FROM plan() OFFSET 3;
SELECT told();
-- It came back with rows that the target does not have, or so it may be.
INSERT INTO elsewhere.u (name) VALUES ('y');
ALTER TABLE elsewhere.u SET SCHEMA s;
SELECT * FROM plan();
SELECT told();
ALTER TABLE s.u RENAME TO t;
SELECT told();

-- Columns.
ALTER TABLE s.t ADD COLUMN note text DEFAULT 'none', DROP COLUMN amount, ALTER COLUMN name DROP DEFAULT;
SELECT * FROM plan();
SELECT told();
ALTER TABLE s.t RENAME COLUMN note TO remark;
ALTER TABLE s.t ALTER COLUMN remark SET NOT NULL, ALTER COLUMN name TYPE varchar(50);
ALTER TABLE s.t ADD COLUMN since timestamptz DEFAULT now();
ALTER TABLE s.t ADD COLUMN twice int GENERATED ALWAYS AS (r * 2) STORED;
ALTER TABLE s.t RENAME COLUMN r TO ref;
SELECT * FROM plan() WHERE kind <> 'outcome';
SELECT told() !~ 'failed';
-- Values that MySQL would not come to: the rows follow.
ALTER TABLE s.t ADD COLUMN n bigserial;
SELECT * FROM plan();
SELECT told();
ALTER TABLE s.t ALTER COLUMN name TYPE int USING length(name);
ALTER TABLE s.t ALTER COLUMN name TYPE bigint;
ALTER TABLE s.t SET UNLOGGED;
SELECT told();
ALTER TABLE s.t SET LOGGED;
SELECT * FROM plan();
SELECT told();

-- From here on it is known again.

-- Keys, checks, comments.
CREATE INDEX t_name ON s.t (name, id DESC);
CREATE UNIQUE INDEX t_low ON s.t (char_length(remark));
ALTER TABLE s.t ADD CONSTRAINT t_more CHECK (name > 0), ADD UNIQUE (at);
ALTER INDEX s.t_name RENAME TO t_named;
ALTER TABLE s.t RENAME COLUMN remark TO words;
DROP INDEX s.t_named;
ALTER TABLE s.t DROP CONSTRAINT t_more;
COMMENT ON TABLE s.t IS 'it''s a table';
COMMENT ON COLUMN s.t.words IS 'words';
SELECT * FROM plan() WHERE kind <> 'outcome';
SELECT value FROM plan('mariadb') WHERE value LIKE '%t_low%';
SELECT count(*) FROM told();

-- Types.
ALTER TYPE s.mood ADD VALUE 'great' BEFORE 'ok';
ALTER TYPE s.mood RENAME VALUE 'sad' TO 'blue';
SELECT * FROM plan();
SELECT count(*) FROM told();

-- Partitions: their rows are the root's.
CREATE TABLE s.parts (k int, d date) PARTITION BY RANGE (k);
CREATE TABLE s.parts_1 PARTITION OF s.parts FOR VALUES FROM (1) TO (10);
CREATE TABLE s.parts_2 PARTITION OF s.parts FOR VALUES FROM (10) TO (20) PARTITION BY LIST (d);
CREATE TABLE s.parts_2a PARTITION OF s.parts_2 FOR VALUES IN ('2024-01-01', NULL);
INSERT INTO s.parts VALUES (2, NULL), (12, NULL);
SELECT count(*) > 0 FROM told();
DROP TABLE s.parts_1;
DROP TABLE s.parts_2;
SELECT * FROM plan();
CREATE TABLE s.parts_3 (k int, d date);
INSERT INTO s.parts_3 VALUES (25, NULL);
SELECT count(*) FROM told();
ALTER TABLE s.parts ATTACH PARTITION s.parts_3 FOR VALUES FROM (20) TO (30);
ALTER TABLE s.parts DETACH PARTITION s.parts_3;
SELECT * FROM plan();
SELECT count(*) FROM told();

-- Captured wherever they are made, unless it is undone.
DO $$ BEGIN EXECUTE 'ALTER TABLE s.before ADD COLUMN b int'; END $$;
BEGIN; ALTER TABLE s.before ADD COLUMN c int; ROLLBACK;
BEGIN; SAVEPOINT p; ALTER TABLE s.before ADD COLUMN c int; ROLLBACK TO p; ALTER TABLE s.before ADD COLUMN d int; COMMIT;
DROP TABLE s.before CASCADE;
SELECT * FROM plan() WHERE kind <> 'outcome';
SELECT told();

-- Not captured: what is not published, temporary, or does not change what a target could have.
CREATE TABLE s.secret_plan (a int);
CREATE TABLE elsewhere.x (a int);
CREATE TEMP TABLE t (a int);
ALTER TABLE s.t ALTER COLUMN words SET STATISTICS 100, SET (fillfactor = 70);
CREATE VIEW s.v AS SELECT 1;
CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT SELECT ON s.t TO PUBLIC;
ANALYZE s.t;
SELECT told();
-- Nor is what comes with a replication origin, but it is noted.
SELECT pg_replication_origin_create('from_there') > 0;
SELECT pg_replication_origin_session_setup('from_there');
ALTER TABLE s.t ADD COLUMN came_in int;
SELECT pg_replication_origin_session_reset();
ALTER TABLE s.t ADD COLUMN goes_out int;
SELECT * FROM plan();
SELECT told();

-- Schemas.
CREATE SCHEMA s2;
DROP SCHEMA s CASCADE;
SELECT * FROM plan() WHERE kind <> 'query';
SELECT count(*) FROM told();

-- Policies.
CREATE SCHEMA s;
CREATE TABLE s.p (a int PRIMARY KEY);
SELECT count(*) FROM told();
ALTER TABLE s.p ADD COLUMN b int;
SELECT dbstream.alter_stream('out', options => '{"on_ddl": "record"}');
SELECT * FROM plan();
SELECT dbstream.alter_stream('out', options => '{"on_ddl": "stop"}');
SELECT * FROM plan();
SELECT told();

-- Anyone may write messages into the log: what was not captured is nothing.
SELECT count(pg_logical_emit_message(true, 'dbstream.ddl', c)) FROM unnest(ARRAY['no object', '{"tables": 1}', '[]', '',
	'{"id": "1.1", "lsn": "0/0", "query": "forged", "tables": []}']) c;
SELECT * FROM plan();
SELECT told();

-- The last stream takes the event triggers along.
SELECT count(*) > 0 FROM dbstream.published_table;
SELECT dbstream.drop_stream('out');
SELECT count(*) FROM dbstream.published_table;
SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'dbstream%';
CREATE TABLE s.after (a int);
SELECT told();

-- Without a superuser at hand there are none, and a stream carries rows alone.
DROP EXTENSION dbstream;
DROP SCHEMA dbstream;
CREATE ROLE regress_maker SUPERUSER;
SET ROLE regress_maker;
CREATE EXTENSION dbstream;
RESET ROLE;
ALTER ROLE regress_maker NOSUPERUSER;
CREATE ROLE regress_admin IN ROLE dbstream_admin;
SET ROLE regress_admin;
SELECT dbstream.create_connection('there', 'mysql', '{"host": "db1", "user": "writer"}');
SELECT dbstream.create_stream('out', 'local', 'there', '{s.*}');
SELECT status, detail, remedy FROM dbstream.validate_stream('out') WHERE check_name = 'schema_changes';
RESET ROLE;
SELECT dbstream.alter_stream('out', tables => '{s.*}');
SELECT status FROM dbstream.validate_stream('out') WHERE check_name = 'schema_changes';
DROP EXTENSION dbstream;
SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'dbstream%';
SET client_min_messages = warning;
DROP SCHEMA s, s2, elsewhere, dbstream CASCADE;
DROP FUNCTION plan, told, captured;
SELECT pg_replication_origin_drop('from_there');
DROP ROLE regress_admin, regress_maker;
SELECT pg_drop_replication_slot('ddl');
