-- PostgreSQL to MySQL and MariaDB.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION pg_temp.pair(ddl text, target text DEFAULT 'mysql', options jsonb DEFAULT '{}') RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT dbstream.translate_ddl(ddl, 'postgresql', target, options)
	UNION ALL
	SELECT format('%s %s: %s', statement, severity, note) FROM dbstream.translate_ddl_report(ddl, 'postgresql', target, options)
	WHERE note IS NOT NULL
$$;
\echo == a schema
SELECT pg_temp.pair($ddl$
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('sad','it''s ok');
CREATE DOMAIN app.email AS varchar(200) CHECK (VALUE ~ '@');
CREATE TABLE app.users (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE, m app.mood DEFAULT 'sad', e app.email, tags text[] DEFAULT '{}', ok boolean NOT NULL DEFAULT true, n numeric, n2 numeric(10,2) DEFAULT -1.5, b bytea, ts timestamptz DEFAULT now(), d date DEFAULT CURRENT_DATE, u uuid DEFAULT gen_random_uuid(), j jsonb DEFAULT '{"a":1}'::jsonb, g int GENERATED ALWAYS AS (length(name)) STORED, iv interval, ip inet, t time(3), CHECK (n2 > 0 AND name <> ''));
CREATE TABLE app.orders (id int GENERATED ALWAYS AS IDENTITY (START WITH 50), user_id bigint REFERENCES app.users ON DELETE CASCADE, note varchar(50) DEFAULT 'x'::character varying, PRIMARY KEY (id));
CREATE INDEX orders_note ON app.orders (note, user_id DESC) INCLUDE (id);
CREATE UNIQUE INDEX orders_part ON app.orders (note) WHERE user_id IS NOT NULL;
CREATE INDEX gin_idx ON app.users USING gin (tags);
CREATE INDEX low ON app.users (lower(name));
COMMENT ON TABLE app.users IS 'people''s';
COMMENT ON COLUMN app.users.name IS 'their name';
ALTER TABLE app.orders ADD COLUMN x int NOT NULL DEFAULT 5, ALTER COLUMN note SET NOT NULL, DROP COLUMN user_id;
ALTER TABLE app.orders RENAME COLUMN x TO y;
ALTER TABLE app.orders RENAME TO orders2;
CREATE SEQUENCE app.s START 5;
GRANT SELECT ON app.users TO x;
TRUNCATE app.users, app.orders;
DROP TABLE IF EXISTS app.users CASCADE;
CREATE VIEW v AS SELECT 1;
CREATE TABLE bad (x int,, y);
INSERT INTO x VALUES (1);
$ddl$);
\echo == sequences and expressions for MariaDB
SELECT pg_temp.pair('CREATE SEQUENCE s START 5 INCREMENT 2 MINVALUE 1 MAXVALUE 99 CACHE 3 CYCLE; ALTER SEQUENCE s RESTART WITH 9; DROP SEQUENCE s; CREATE TABLE t (a text, b int); CREATE INDEX x ON t (lower(a)); CREATE UNIQUE INDEX y ON t (b) WHERE a IS NULL', 'mariadb');
\echo == every type
SELECT pg_temp.pair('CREATE TABLE t (a smallint, b int4, c bigint, d numeric, e numeric(65,30), f numeric(70,2), g real, h double precision, i boolean, j char(5), k char(300), l varchar(16383), m varchar(20000), n varchar, o text, p bytea, q date, r time, s time(2) with time zone, t timestamp, u timestamp(0), v timestamptz(3), w interval, x bit(8), y bit varying, z bit(100), aa uuid, ab json, ac jsonb, ad inet, ae cidr, af macaddr, ag int[], ah text[][], ai int4range, aj xml, ak money, al tsvector, am oid, an name, ao point, ap unknown_type)');
\echo == keys, constraints, columns
SELECT pg_temp.pair('CREATE TABLE t (a text, b bytea, c jsonb, d varchar(300), e serial, f serial, PRIMARY KEY (a, b), UNIQUE (d)); CREATE INDEX i ON t (c); CREATE INDEX j ON t USING hash (d); CREATE INDEX k ON t USING brin (d); ALTER TABLE t ADD CONSTRAINT x EXCLUDE USING gist (d WITH =)');
SELECT pg_temp.pair('CREATE TABLE p (id int PRIMARY KEY, c int, CONSTRAINT ck CHECK (c IN (1, 2) AND c = ANY (ARRAY[1, 2]) AND c BETWEEN 1 AND 5 AND (c / 2) > 0 AND c IS DISTINCT FROM 4)); CREATE TABLE c (id int REFERENCES p DEFERRABLE, x int CHECK (x ~ 1), y text DEFAULT nextval(''s''), z int DEFAULT (floor(random() * 5))::int)');
SELECT pg_temp.pair('CREATE TABLE t (a int, b text); ALTER TABLE t ADD c boolean NOT NULL DEFAULT false UNIQUE CHECK (c), ALTER a TYPE bigint, ALTER a SET NOT NULL, ALTER b SET DEFAULT ''x'', ALTER b DROP DEFAULT, ADD CONSTRAINT k PRIMARY KEY (a), DROP CONSTRAINT t_pkey, DROP CONSTRAINT other, OWNER TO x, REPLICA IDENTITY FULL; ALTER TABLE unknown ALTER a SET NOT NULL, ALTER b TYPE text; ALTER TABLE t RENAME CONSTRAINT a TO b; ALTER TABLE t CLUSTER ON k');
\echo == defaults: bits, times with zone; foreign keys; what MySQL does not alter
SELECT pg_temp.pair('CREATE TABLE t (a bit(8) DEFAULT B''101'', b bit varying(9) DEFAULT B''11'', c timestamptz(3) DEFAULT ''2020-01-01 00:30:00.5+01:30'', d timestamptz DEFAULT ''2020-12-31 23:30:00-02'', e timestamptz DEFAULT ''tomorrow'')');
SELECT pg_temp.pair('CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (x int NOT NULL REFERENCES p ON DELETE SET NULL, y int REFERENCES p (id) ON DELETE SET NULL, z int REFERENCES elsewhere)');
SELECT pg_temp.pair('CREATE TABLE t (a int, b int CHECK (b > 0), g int GENERATED ALWAYS AS (a * 2) STORED, w timestamp DEFAULT now(), j jsonb); ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME b TO y; ALTER TABLE t ADD u uuid DEFAULT gen_random_uuid(), ALTER w DROP DEFAULT, ALTER j SET DEFAULT ''[]''; ALTER TABLE other ALTER w SET DEFAULT now()');
SELECT pg_temp.pair('CREATE TABLE a.t (id int); CREATE TABLE b.t (id int); ALTER TABLE ONLY a.t ADD CONSTRAINT ta PRIMARY KEY (id); COMMENT ON TABLE b.t IS ''of b''');
SELECT pg_temp.pair('ALTER SEQUENCE s RESTART WITH .9', 'mariadb');
\echo == partitions, inheritance, LIKE, others
SELECT pg_temp.pair('CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (5); ALTER TABLE p ATTACH PARTITION x DEFAULT; CREATE TABLE i (b int) INHERITS (p); CREATE TABLE l (LIKE p); CREATE TABLE m (LIKE p, x int); CREATE TABLE q AS SELECT 1; DROP INDEX x; DROP SCHEMA s; ALTER SCHEMA a RENAME TO b; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $x$ SELECT 1; $x$; CREATE EXTENSION e; BEGIN; VACUUM; COMMENT ON INDEX x IS ''y''', 'mysql', '{"schemas": {"s": "t"}}');
\echo == keys, comments and renames that come after the table
SELECT pg_temp.pair('CREATE TABLE t (a int); ALTER TABLE t ADD COLUMN c int; CREATE INDEX i ON t (c); COMMENT ON COLUMN t.c IS ''added''');
SELECT pg_temp.pair('CREATE TABLE a (a text PRIMARY KEY, b text); CREATE TABLE b (b text, n int); ALTER TABLE b ALTER n SET DEFAULT 1, ADD PRIMARY KEY (b); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (b); ALTER TABLE b ADD FOREIGN KEY (b) REFERENCES a');
SELECT pg_temp.pair('CREATE TABLE t (a int); ALTER TABLE t RENAME COLUMN a TO c; CREATE INDEX i ON t (c); ALTER TABLE t RENAME TO u; ALTER TABLE u ALTER c SET NOT NULL; COMMENT ON COLUMN u.c IS ''renamed''; CREATE TABLE t (b text UNIQUE); ALTER TABLE t ALTER b SET NOT NULL');
SELECT pg_temp.pair('CREATE TABLE t (a int PRIMARY KEY, b text); ALTER TABLE t ALTER b SET NOT NULL; DROP TABLE t; CREATE TABLE t (b int PRIMARY KEY); ALTER TABLE t ADD UNIQUE (b); ALTER TABLE t ALTER b SET DEFAULT 1');
SELECT pg_temp.pair('CREATE TABLE x.t (a int PRIMARY KEY); CREATE TABLE y.t (a bigint, b int PRIMARY KEY); CREATE TABLE c (x int REFERENCES x.t, y int REFERENCES y.t)');
SELECT pg_temp.pair('CREATE TABLE public.a (id integer NOT NULL, name text, b integer); ALTER TABLE public.a OWNER TO postgres; CREATE SEQUENCE public.a_id_seq AS integer; ALTER SEQUENCE public.a_id_seq OWNED BY public.a.id; CREATE TABLE public.b (id integer NOT NULL); ALTER TABLE public.b ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME public.b_id_seq); ALTER TABLE ONLY public.a ALTER COLUMN id SET DEFAULT nextval(''public.a_id_seq''::regclass); ALTER TABLE ONLY public.a ADD CONSTRAINT a_pkey PRIMARY KEY (id); ALTER TABLE ONLY public.a ADD CONSTRAINT a_name_key UNIQUE (name); ALTER TABLE ONLY public.b ADD CONSTRAINT b_pkey PRIMARY KEY (id); ALTER TABLE ONLY public.a ADD CONSTRAINT a_b_fkey FOREIGN KEY (b) REFERENCES public.b(id)');
\echo == an existing table
CREATE SCHEMA ddl_reverse;
CREATE TYPE ddl_reverse.mood AS ENUM ('low', 'high');
CREATE TABLE ddl_reverse.parent (id int PRIMARY KEY);
CREATE TABLE ddl_reverse.t (id bigint GENERATED BY DEFAULT AS IDENTITY, name text NOT NULL DEFAULT 'it''s', m ddl_reverse.mood DEFAULT 'low', p int REFERENCES ddl_reverse.parent ON DELETE SET NULL, n numeric(8,2) CHECK (n > 0), g int GENERATED ALWAYS AS (char_length(name)) STORED, at timestamptz DEFAULT now(), PRIMARY KEY (id), UNIQUE (name));
CREATE INDEX t_p ON ddl_reverse.t (p, n DESC);
COMMENT ON TABLE ddl_reverse.t IS 'a table';
COMMENT ON COLUMN ddl_reverse.t.name IS 'a name';
INSERT INTO ddl_reverse.t (name) VALUES ('x');
SELECT dbstream.mysql_ddl('ddl_reverse.t');
SELECT dbstream.mysql_ddl('ddl_reverse.t', '{"dialect": "mariadb", "schemas": {"ddl_reverse": "shop"}}');
SELECT dbstream.mysql_ddl('pg_stats');
SET client_min_messages = warning;
DROP SCHEMA ddl_reverse CASCADE;
