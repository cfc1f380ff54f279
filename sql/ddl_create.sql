-- CREATE TABLE from MySQL and MariaDB: every type, attribute, key and option.
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

\echo == integers
SELECT pg_temp.pair('CREATE TABLE t (a TINYINT, b TINYINT(1), c BOOL DEFAULT 1, d TINYINT(1) UNSIGNED, e SMALLINT, f SMALLINT UNSIGNED,
	g MEDIUMINT, h MEDIUMINT UNSIGNED, i INT DEFAULT ''5'', j INT UNSIGNED, k BIGINT, l BIGINT UNSIGNED, m INT(5) ZEROFILL, n YEAR DEFAULT 99, o YEAR(4))');
SELECT pg_temp.pair('CREATE TABLE t (b TINYINT(1) DEFAULT 1, l BIGINT UNSIGNED)', '{"tinyint1": "smallint", "bigint_unsigned": "bigint"}');
\echo == numbers
SELECT pg_temp.pair('CREATE TABLE t (a DECIMAL, b DECIMAL(10), c NUMERIC(65,30) DEFAULT ''0.10'', d FIXED(5,2), e FLOAT, f FLOAT(53), g FLOAT(7,3), h DOUBLE PRECISION DEFAULT -1.5e3, i REAL)');
SELECT pg_temp.pair('CREATE TABLE t (i REAL)', '{"sql_mode": "REAL_AS_FLOAT"}');
\echo == strings
SELECT pg_temp.pair('CREATE TABLE t (a CHAR, b CHAR(10) DEFAULT ''x''''y'', c VARCHAR(255) CHARACTER SET latin1, d NATIONAL VARCHAR(5), e TINYTEXT, f TEXT, g MEDIUMTEXT, h LONGTEXT, i LONG VARCHAR,
	j VARCHAR(0), k VARCHAR(5) COLLATE utf8mb4_bin, l VARCHAR(5) COLLATE utf8mb4_0900_ai_ci, m TEXT CHARACTER SET binary, n CHAR(3) ASCII, o VARCHAR(9) DEFAULT ''back\\slash'')');
\echo == bytes
SELECT pg_temp.pair('CREATE TABLE t (a BINARY, b BINARY(4) DEFAULT ''ab'', c VARBINARY(9) DEFAULT x''00ff'', d TINYBLOB, e BLOB, f LONGBLOB, g CHAR BYTE, h BINARY(16))');
SELECT pg_temp.pair('CREATE TABLE t (h BINARY(16))', '{"binary16": "uuid"}');
\echo == dates
SELECT pg_temp.pair('CREATE TABLE t (a DATE DEFAULT ''2020-02-29'', b DATETIME DEFAULT ''20200102030405'', c DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
	d TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP, e TIMESTAMP(6), f TIME DEFAULT ''-838:59:59'', g TIME(2) DEFAULT 101112, h DATE DEFAULT ''0000-00-00'', i DATETIME NOT NULL DEFAULT ''2024-00-10'')');
SELECT pg_temp.pair('CREATE TABLE t (f TIME)', '{"time": "time"}');
\echo == labels, bits, documents, places
SELECT pg_temp.pair('CREATE TABLE t (a ENUM(''x'',''it''''s'') DEFAULT ''X'', b SET(''a'',''b'') DEFAULT ''b,a'', c BIT, d BIT(1) DEFAULT b''1'', e BIT(8) DEFAULT b''101'', f JSON, g GEOMETRY NOT NULL SRID 4326, h POINT, i VECTOR(3))');
SELECT pg_temp.pair('CREATE TABLE t (b SET(''a'',''b'') DEFAULT ''b,a'', f JSON, g GEOMETRY SRID 4326, h POINT, i VECTOR(3), SPATIAL KEY (g))', '{"set": "text", "json": "json", "postgis": true, "pgvector": true}');
SELECT pg_temp.pair('CREATE TABLE t (a UUID DEFAULT UUID(), b INET4, c INET6 DEFAULT ''::1'', d JSON, e LONGTEXT CHECK (json_valid(`e`)))', '{}', 'mariadb');
\echo == AUTO_INCREMENT
SELECT pg_temp.pair('CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT=100');
SELECT pg_temp.pair('CREATE TABLE t (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, PRIMARY KEY (id)) AUTO_INCREMENT 7');
SELECT pg_temp.pair('CREATE TABLE t (id SERIAL)');
\echo == generated, invisible, comments
SELECT pg_temp.pair('CREATE TABLE t (a INT, b INT, c INT AS (a + b) VIRTUAL, d VARCHAR(30) GENERATED ALWAYS AS (CONCAT(a, ''-'', b)) STORED NOT NULL, e INT INVISIBLE, f INT COMMENT ''it''''s'') COMMENT=''a table''');
SELECT pg_temp.pair('CREATE TABLE t (a VARCHAR(9), c VARCHAR(90) AS (SOUNDEX(a)))');
\echo == keys
SELECT pg_temp.pair('CREATE TABLE t (a INT NOT NULL, b VARCHAR(100), c TEXT, d BLOB, PRIMARY KEY (a DESC), UNIQUE KEY u (b), KEY (b), KEY (b), INDEX p (c(10), a DESC), KEY q (d(5)),
	KEY f ((LOWER(b))), FULLTEXT KEY ft (c) WITH PARSER ngram, KEY h (a) USING HASH COMMENT ''note'' INVISIBLE, KEY w (b(100)), KEY x ((SOUNDEX(b))))');
\echo == foreign keys and checks
SELECT pg_temp.pair('CREATE TABLE c (a INT, b INT, FOREIGN KEY (a) REFERENCES p (id) ON DELETE SET NULL ON UPDATE CASCADE, CONSTRAINT fk FOREIGN KEY ix (b) REFERENCES other.q (x) ON DELETE NO ACTION, CHECK (a > 0), CONSTRAINT n CHECK (b <> 1) NOT ENFORCED);
	CREATE TABLE p (id INT PRIMARY KEY)');
SELECT pg_temp.pair('CREATE TABLE p (id INT); CREATE TABLE c (a INT, CONSTRAINT fk FOREIGN KEY (a) REFERENCES p (id))');
SELECT pg_temp.pair('CREATE TABLE c (a INT CHECK (a > 0), CHECK (a < 9), CHECK (SOUNDEX(a) = 1))', '{}', 'mariadb');
\echo == options, names, schemas
SELECT pg_temp.pair('CREATE TABLE IF NOT EXISTS `My Db`.`Sel"ect` (`a.b` INT) ENGINE=InnoDB ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8, STATS_PERSISTENT=1 DEFAULT CHARSET=latin1 COLLATE=latin1_bin', '{"schemas": {"My Db": "public"}}');
SELECT pg_temp.pair('CREATE TABLE t2345678901234567890123456789012345678901234567890123456789_64 (a INT, KEY a_name_that_is_long (a))', '{"default_schema": "shop"}');
SELECT pg_temp.pair('CREATE OR REPLACE TABLE t (a INT, b INT INVISIBLE, PERIOD FOR SYSTEM_TIME (s, e), s TIMESTAMP(6) GENERATED ALWAYS AS ROW START, e TIMESTAMP(6) GENERATED ALWAYS AS ROW END) WITH SYSTEM VERSIONING', '{}', 'mariadb');
SELECT pg_temp.pair('CREATE TEMPORARY TABLE x.t (a INT)');
\echo == LIKE and SELECT
SELECT pg_temp.pair('CREATE TABLE t (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, a VARCHAR(9), u DATETIME ON UPDATE NOW(), KEY (a)); CREATE TABLE t2 LIKE t; CREATE TABLE t3 (LIKE unknown)');
SELECT pg_temp.pair('CREATE TABLE t AS SELECT a, COUNT(*) AS n FROM s WHERE b = 1 GROUP BY a; CREATE TABLE t (x INT) SELECT a FROM s');
\echo == partitions
SELECT pg_temp.pair('CREATE TABLE t (id INT, d DATE NOT NULL, PRIMARY KEY (id, d)) PARTITION BY RANGE (YEAR(d)) (PARTITION p0 VALUES LESS THAN (2020), PARTITION p1 VALUES LESS THAN MAXVALUE)');
SELECT pg_temp.pair('CREATE TABLE t (id INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))');
SELECT pg_temp.pair('CREATE TABLE t (a INT NOT NULL, b INT NOT NULL) PARTITION BY RANGE COLUMNS (a, b) (PARTITION p0 VALUES LESS THAN (10, 5), PARTITION p1 VALUES LESS THAN (20, MAXVALUE))');
SELECT pg_temp.pair('CREATE TABLE t (id INT NOT NULL) PARTITION BY LIST (id) (PARTITION a VALUES IN (1, 2), PARTITION b VALUES IN (3))');
SELECT pg_temp.pair('CREATE TABLE t (id INT PRIMARY KEY) PARTITION BY KEY () PARTITIONS 2');
SELECT pg_temp.pair('CREATE TABLE t (id INT) PARTITION BY HASH (id * 2) PARTITIONS 4');
SELECT pg_temp.pair('CREATE TABLE t (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 4', '{"no_partitions": true}');
