-- Option enum=type: a type for each set of labels, made before the statement that uses it, and usable in the database.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
CREATE SCHEMA shop;
CREATE FUNCTION run(ddl text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE sql text := dbstream.translate_ddl(ddl, 'mysql', 'postgresql', '{"enum": "type", "default_schema": "shop"}');
BEGIN EXECUTE sql; RETURN sql; END $$;
SELECT run('CREATE TABLE shop.t (id int PRIMARY KEY, e enum(''a'',''it''''s'') NOT NULL DEFAULT ''a'', f enum(''a'',''it''''s''), g enum(''x''))');
INSERT INTO shop.t VALUES (1, DEFAULT, 'it''s', 'x');
SELECT run('ALTER TABLE shop.t MODIFY e enum(''a'',''it''''s'',''new'') NOT NULL DEFAULT ''a''');
INSERT INTO shop.t VALUES (2, 'new', NULL, NULL);
SELECT run('ALTER TABLE shop.t MODIFY g varchar(10)');
SELECT * FROM shop.t ORDER BY id;
SELECT attname, typtype, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid)
	FROM pg_attribute a JOIN pg_type t ON t.oid = atttypid WHERE attrelid = 'shop.t'::regclass AND attnum > 0 ORDER BY attnum;
DROP SCHEMA shop CASCADE;
DROP FUNCTION run(text);
