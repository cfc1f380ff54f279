-- ALTER TABLE and the other statements, alone (nothing known) and after the table's own CREATE.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION pg_temp.pair(ddl text, options jsonb DEFAULT '{}', source text DEFAULT 'mysql') RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT dbstream.translate_ddl(ddl, source, 'postgresql', options)
	UNION ALL
	SELECT format('%s: %s', severity, note) FROM dbstream.translate_ddl_report(ddl, source, 'postgresql', options)
	WHERE note IS NOT NULL
$$;
-- The last statement's part alone, with the table known from the first.
CREATE FUNCTION pg_temp.after(ddl text, source text DEFAULT 'mysql') RETURNS SETOF text LANGUAGE sql AS $$
	SELECT concat_ws(E'\n', target_sql, string_agg(format('%s: %s', severity, note), E'\n') FILTER (WHERE note IS NOT NULL))
	FROM dbstream.translate_ddl_report('CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a VARCHAR(20) NOT NULL DEFAULT ''x'', b TINYINT(1), c ENUM(''p'',''q''),
		d DATETIME ON UPDATE CURRENT_TIMESTAMP, e INT, KEY k (a), KEY ae (a, e), KEY pre (a(3)), CONSTRAINT ch CHECK (e > 0), CONSTRAINT f FOREIGN KEY (e) REFERENCES o (id)); ' || ddl, source, 'postgresql')
	WHERE statement > 1 GROUP BY statement, target_sql ORDER BY statement
$$;

\echo == columns
SELECT pg_temp.after('ALTER TABLE t ADD n1 INT, ADD COLUMN n2 VARCHAR(9) NOT NULL FIRST, ADD (n3 ENUM(''u'') NOT NULL, n4 DATETIME NOT NULL DEFAULT NOW() AFTER a), ADD COLUMN IF NOT EXISTS a INT', 'mariadb');
SELECT pg_temp.after('ALTER TABLE t ADD n5 INT UNIQUE COMMENT ''c'', ADD n6 INT REFERENCES o (id), ADD n7 INT CHECK (n7 > 1)');
SELECT pg_temp.after('ALTER TABLE t DROP COLUMN e, DROP b');
SELECT pg_temp.after('ALTER TABLE t MODIFY a TEXT, MODIFY COLUMN b INT NOT NULL DEFAULT 3 FIRST');
SELECT pg_temp.after('ALTER TABLE t CHANGE c c2 ENUM(''p'',''q'',''r'') NOT NULL, CHANGE COLUMN d d DATETIME(3)');
SELECT pg_temp.after('ALTER TABLE t MODIFY a INT, MODIFY e VARCHAR(10), MODIFY b BIT(4), MODIFY c SET(''p'',''q'')');
SELECT pg_temp.after('ALTER TABLE t RENAME COLUMN a TO e, RENAME COLUMN e TO a, RENAME COLUMN c TO c3');
SELECT pg_temp.after('ALTER TABLE t ALTER a SET DEFAULT ''it''''s'', ALTER COLUMN b SET DEFAULT 1, ALTER e DROP DEFAULT, ALTER d SET INVISIBLE');
SELECT pg_temp.after('ALTER TABLE t MODIFY id BIGINT UNSIGNED AUTO_INCREMENT; ALTER TABLE t MODIFY id INT');
\echo == the same, nothing known
SELECT pg_temp.pair('ALTER TABLE s.t MODIFY a INT NOT NULL, CHANGE b c BOOL, MODIFY d VARCHAR(5) DEFAULT ''x'', MODIFY e VARBINARY(4), MODIFY f SET(''a''), ALTER g SET DEFAULT 5');
SELECT pg_temp.pair('ALTER TABLE t DROP a, DROP INDEX i, DROP PRIMARY KEY, DROP FOREIGN KEY f, DROP CHECK c, DROP CONSTRAINT x, AUTO_INCREMENT = 9, RENAME TO u');
\echo == keys and constraints
SELECT pg_temp.after('ALTER TABLE t ADD INDEX (e), ADD UNIQUE KEY u (a, b), ADD KEY (a(5)), ADD INDEX IF NOT EXISTS k (a)', 'mariadb');
SELECT pg_temp.after('ALTER TABLE t DROP INDEX k, DROP KEY nothere, RENAME INDEX ae TO ea, ALTER INDEX pre INVISIBLE');
SELECT pg_temp.after('ALTER TABLE t MODIFY id INT, DROP PRIMARY KEY, ADD PRIMARY KEY (e)');
SELECT pg_temp.after('ALTER TABLE t DROP FOREIGN KEY f, DROP CHECK ch, ADD CHECK (e < 9), ADD FOREIGN KEY (e) REFERENCES o (id) ON DELETE CASCADE, ALTER CHECK ch NOT ENFORCED');
SELECT pg_temp.after('ALTER TABLE t DROP CONSTRAINT ch, DROP CONSTRAINT k', 'mariadb');
\echo == options and partitions
SELECT pg_temp.after('ALTER TABLE t ENGINE=InnoDB, ALGORITHM=INPLACE, LOCK=NONE, FORCE, COMMENT=''new'', AUTO_INCREMENT=50, CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, DEFAULT CHARSET latin1, DISABLE KEYS, ORDER BY a, b DESC');
SELECT pg_temp.after('ALTER TABLE t CONVERT TO CHARACTER SET binary');
SELECT pg_temp.after('ALTER TABLE t ADD PARTITION (PARTITION p VALUES LESS THAN (9)); ALTER TABLE t REORGANIZE PARTITION p INTO (PARTITION q VALUES LESS THAN (5)); ALTER TABLE t REMOVE PARTITIONING; ALTER TABLE t DROP PARTITION p; ALTER TABLE t TRUNCATE PARTITION ALL; ALTER TABLE t EXCHANGE PARTITION p WITH TABLE x; ALTER TABLE t ANALYZE PARTITION p; ALTER TABLE t PARTITION BY HASH (id) PARTITIONS 2');
SELECT pg_temp.after('ALTER TABLE t ADD SYSTEM VERSIONING; ALTER TABLE t DROP SYSTEM VERSIONING', 'mariadb');
SELECT pg_temp.after('ALTER ONLINE IGNORE TABLE IF EXISTS t WAIT 5 ADD x INT', 'mariadb');
\echo == tables
SELECT pg_temp.after('RENAME TABLE t TO tmp, o TO t, tmp TO o; DROP INDEX k ON o');
SELECT pg_temp.after('ALTER TABLE t RENAME AS s2.u; CREATE UNIQUE INDEX x ON s2.u (a) ALGORITHM=INPLACE; DROP INDEX `PRIMARY` ON s2.u');
SELECT pg_temp.pair('DROP TABLE IF EXISTS a, b.c CASCADE; DROP TABLES d; DROP TEMPORARY TABLE e; TRUNCATE f; TRUNCATE TABLE b.g');
SELECT pg_temp.pair('CREATE DATABASE IF NOT EXISTS d CHARACTER SET utf8mb4; CREATE SCHEMA e COLLATE = latin1_bin ENCRYPTION ''Y''; ALTER DATABASE d READ ONLY = 1; DROP DATABASE IF EXISTS d; DROP SCHEMA e; USE e; CREATE TABLE x (a INT)', '{"schemas": {"e": "public"}}');
SELECT pg_temp.pair('CREATE SEQUENCE s START WITH 5 INCREMENT BY 2 MAXVALUE 100 NOCACHE CYCLE; ALTER SEQUENCE s RESTART 7; CREATE TABLE t (a INT DEFAULT NEXT VALUE FOR s); DROP SEQUENCE IF EXISTS s', '{}', 'mariadb');
\echo == views
SELECT pg_temp.pair('CREATE TABLE t (id INT PRIMARY KEY, n VARCHAR(9), d DATE); CREATE OR REPLACE ALGORITHM=MERGE DEFINER=`r`@`%` SQL SECURITY INVOKER VIEW v (x, y) AS SELECT t.id, IFNULL(n, ''-'') FROM t LEFT JOIN u ON t.id = u.id AND u.k IN (1, 2) WHERE YEAR(d) > 2000 GROUP BY t.id HAVING COUNT(*) > 1 ORDER BY t.id DESC LIMIT 5, 10 WITH CHECK OPTION;
	CREATE VIEW w AS SELECT 1 AS a UNION ALL SELECT id FROM t; CREATE VIEW z AS WITH c AS (SELECT id FROM t) SELECT * FROM c WHERE EXISTS (SELECT 1 FROM t); CREATE VIEW bad AS SELECT SOUNDEX(n) FROM t; CREATE VIEW bad2 AS SELECT x FROM JSON_TABLE(a, ''$'' COLUMNS (x INT PATH ''$'')) j; DROP VIEW IF EXISTS v, w');
\echo == the catalogue
CREATE SCHEMA ddl_alter;
CREATE TABLE ddl_alter.t (id int GENERATED BY DEFAULT AS IDENTITY, a varchar(9), g int GENERATED ALWAYS AS (id * 2) STORED, n int, CONSTRAINT t_pkey PRIMARY KEY (id));
CREATE INDEX t_a ON ddl_alter.t ("left"(a, 3));
SELECT pg_temp.pair('ALTER TABLE t MODIFY id BIGINT AUTO_INCREMENT, MODIFY a VARBINARY(9), RENAME COLUMN n TO m; RENAME TABLE t TO t2; CREATE TABLE IF NOT EXISTS t2 (x INT); CREATE TABLE t3 LIKE t2; CREATE TABLE new.x (a INT, FOREIGN KEY (a) REFERENCES absent (id)); ALTER TABLE IF EXISTS gone ADD x INT; ALTER TABLE t2 DROP COLUMN m',
	'{"use_catalog": true, "default_schema": "ddl_alter"}');
SET client_min_messages = warning;
DROP SCHEMA ddl_alter CASCADE;
