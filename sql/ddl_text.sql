-- Reading text: statements, quotes, comments, modes; classes; what cannot be read is told with its place.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION pg_temp.report(ddl text, source text DEFAULT 'mysql', options jsonb DEFAULT '{}') RETURNS SETOF text LANGUAGE sql AS $$
	SELECT concat_ws(' | ', statement, left(regexp_replace(source_sql, '\s+', ' ', 'g'), 60), left(regexp_replace(target_sql, '\s+', ' ', 'g'), 120), severity, note)
	FROM dbstream.translate_ddl_report(ddl, source, 'postgresql', options)
$$;
\echo == splitting
SELECT pg_temp.report(E'DROP TABLE a; -- c;\n# x;\n/* ; */ DROP TABLE `b;``c`;;\nDROP TABLE c');
SELECT pg_temp.report(E'DELIMITER //\nCREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN IF 1 THEN SET @a = 1; END IF; END//\nDROP TABLE a//\nDELIMITER ;\nDROP TABLE b;');
SELECT pg_temp.report('CREATE PROCEDURE p() BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; WHILE 1 DO SET @x = 1; END WHILE; END; DROP TABLE x');
\echo == version comments
SELECT pg_temp.report('CREATE TABLE t (a INT /*!80023 INVISIBLE */ /*!99999 nonsense */ /*M!100301 nonsense */, b INT) /*!50100 COMMENT ''x'' */');
SELECT pg_temp.report('CREATE TABLE t (a INT /*!80023 nonsense */ /*M!100301 INVISIBLE */ /*!100301 COMMENT ''c'' */)', 'mariadb');
\echo == modes and literals
SELECT pg_temp.report('CREATE TABLE "t" ("a" VARCHAR(9) DEFAULT ''\'')', 'mysql', '{"sql_mode": "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES"}');
SELECT pg_temp.report(E'CREATE TABLE t (a VARCHAR(9) DEFAULT "\\t\\\\\\"", b VARCHAR(9) DEFAULT ''%\\%'', c INT DEFAULT +5, d INT DEFAULT 0x1F, e INT DEFAULT b''11'', 1f INT, $g INT)');
SELECT pg_temp.report('SET STATEMENT max_statement_time=1 FOR CREATE TABLE t (a INT)', 'mariadb');
\echo == classes
SELECT pg_temp.report('BEGIN; COMMIT; ROLLBACK TO s; XA START ''x''; SAVEPOINT s; INSERT INTO t VALUES (1); REPLACE t SET a = 1; UPDATE t SET a = 1; DELETE FROM t; LOAD DATA INFILE ''x'' INTO TABLE t; CALL p(); GRANT ALL ON *.* TO x; REVOKE ALL ON *.* FROM x; CREATE USER u; DROP ROLE r; SET PASSWORD = ''x''; FLUSH TABLES; ANALYZE TABLE t; OPTIMIZE TABLE t; CHECK TABLE t; SELECT 1; (SELECT 1); SHOW TABLES; EXPLAIN SELECT 1; KILL 5; CREATE DEFINER=a@b FUNCTION f() RETURNS INT RETURN 1; CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM t; CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST ''h''); INSTALL PLUGIN p SONAME ''x''; LOCK TABLES t READ; PURGE BINARY LOGS TO ''x''; ALTER INSTANCE ROTATE INNODB MASTER KEY; DROP TRIGGER x');
\echo == what cannot be read
SELECT pg_temp.report(E'CREATE TABLE t (\n  a INT,\n  é VARCHAR\n)');
SELECT pg_temp.report(E'CREATE TABLE t (a INT DEFAULT ''unfinished)');
SELECT pg_temp.report('CREATE TABLE t (a INT) /* unfinished');
SELECT pg_temp.report('CREATE TABEL t (a INT); CREATE TABLE t (a NOTYPE); ALTER TABLE t FROB; CREATE TABLE t; DROP; CREATE TABLE t (a INT) nonsense; BINLOG ''x''; CREATE TABLE t (a DATETIME(9)); CREATE TABLE t (a ENUM(x)); CREATE TABLE t (a INT, KEY (a(0))); RENAME TABLE a b');
SELECT pg_temp.report('CREATE TABLE t (a INT AS (' || repeat('(', 3000) || '1' || repeat(')', 3000) || '))') ~ 'nested too deeply';
SELECT pg_temp.report('CREATE TABLE t (a INT AS (1' || repeat(' + 1', 5000) || '))') ~ 'too deep';
SELECT pg_temp.report('');
\echo == arguments
SELECT dbstream.translate_ddl('x', 'oracle', 'postgresql');
SELECT dbstream.translate_ddl('x', 'mysql', 'mysql');
SELECT dbstream.translate_ddl('x', 'mysql', 'mariadb');
SELECT dbstream.translate_ddl('x', 'mysql', 'postgresql', '{"tinyint": "boolean"}');
SELECT dbstream.translate_ddl('x', 'mysql', 'postgresql', '{"tinyint1": "text"}');
SELECT dbstream.translate_ddl('x', 'mysql', 'postgresql', '[]');
