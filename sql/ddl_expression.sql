-- Expressions: what is exact, and what is refused by name.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only on
-- A generated column of each expression: its translation, or why there is none.
CREATE FUNCTION pg_temp.expression(expression text, type text DEFAULT 'VARCHAR(99)', sql_mode text DEFAULT '') RETURNS text
LANGUAGE sql AS $$
	SELECT expression || '  =>  ' || coalesce(substring(max(target_sql) FROM 'GENERATED ALWAYS AS \((.*)\) STORED'), '')
		|| coalesce('  [' || string_agg(note, '; ') FILTER (WHERE severity <> 'info') || ']', '')
	FROM dbstream.translate_ddl_report('CREATE TABLE t (i INT, u BIGINT UNSIGNED, n DECIMAL(10,2), f DOUBLE, s VARCHAR(20), b BLOB, d DATE, dt DATETIME, ts TIMESTAMP, ti TIME, j JSON, y BOOL, st SET(''a''), g '
		|| type || ' AS (' || expression || '))', 'mysql', 'postgresql', jsonb_build_object('sql_mode', sql_mode))
$$;

\echo == numbers
SELECT pg_temp.expression(e, 'DECIMAL(20,6)') FROM unnest('{i + 1,i - n * 2,i / 3,n / 3,f / 2,i DIV 2,i % 5,MOD(n\, 3),-i,- -i,i & 3,i | 1,i ^ 2,i >> 1,i << 1,~i,ABS(n),ROUND(n),"ROUND(n, 1)",ROUND(f),CEIL(n),FLOOR(n),"TRUNCATE(n, 1)","POW(i, 2)",SQRT(i),SIGN(n),"GREATEST(i, n)","LEAST(i, 1, n)",y + 1,0x1F + i,i + s,RAND()}'::text[]) AS e;
\echo == conditions
SELECT pg_temp.expression(e, 'TINYINT(1)') FROM unnest(ARRAY['i > 1 AND n < 2 OR NOT y', 'i', 'y = 1', 'y <=> NULL', 'i XOR y', 'i BETWEEN 1 AND 5', 'i NOT IN (1, 2)', 's LIKE ''a%''', 's NOT LIKE ''a|_%'' ESCAPE ''|''', 's REGEXP ''^[a-z]+$''', 's REGEXP ''[[:<:]]a''', 'i IS NULL', 'y IS NOT TRUE', '!y', 's = 5', 'i = ''5''', 'd > ''2020-01-01''', 'dt > d', 'st = ''a''', 'i && y', 'i || y', 'ISNULL(s)', 's COLLATE utf8mb4_bin = ''x''']) AS e;
SELECT pg_temp.expression('s || ''x''', 'VARCHAR(99)', 'PIPES_AS_CONCAT');
SELECT pg_temp.expression('CONCAT("s", ''x\'')', 'VARCHAR(99)', 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES');
\echo == strings
SELECT pg_temp.expression(e) FROM unnest(ARRAY['CONCAT(s, ''-'', i, n, y)', 'CONCAT(s, f)', 'CONCAT_WS('','', s, i)', 'UPPER(LCASE(s))', 'CHAR_LENGTH(s)', 'LENGTH(b)', 'LEFT(s, 3)', 'RIGHT(s, i)', 'SUBSTRING(s, 2)', 'SUBSTR(s FROM 2 FOR 3)', 'SUBSTRING(s, -3)', 'TRIM(s)', 'TRIM(LEADING ''x'' FROM s)', 'REPLACE(s, ''a'', ''b'')', 'LPAD(s, 5, ''0'')', 'LOCATE(''a'', s)', 'POSITION(''a'' IN s)', 'REVERSE(s)', 'REPEAT(s, 2)', 'MD5(s)', 'HEX(b)', 'SOUNDEX(s)', 'FORMAT(n, 2)', '''it''''s'' ''joined''', '_utf8mb4''x''', 'N''x''', '_latin1''x''', '@v', 'COALESCE(s, ''n'')', 'IFNULL(s, i)', 'NULLIF(s, ''x'')', 'IF(i > 1, ''a'', ''b'')', 'CASE i WHEN 1 THEN ''one'' ELSE ''more'' END', 'CASE WHEN s = ''x'' THEN 1 WHEN y THEN 2 END']) AS e;
\echo == dates
SELECT pg_temp.expression(e, 'VARCHAR(40)') FROM unnest(ARRAY['YEAR(d)', 'MONTH(dt)', 'DAYOFWEEK(d)', 'WEEKDAY(d)', 'DAYOFYEAR(d)', 'QUARTER(d)', 'HOUR(dt)', 'HOUR(ts)', 'WEEK(d)', 'TO_DAYS(d)', 'DATEDIFF(d, dt)', 'LAST_DAY(d)', 'EXTRACT(YEAR FROM d)', 'NOW()', 'UNIX_TIMESTAMP(ts)', 'DATE_FORMAT(d, ''%Y'')']) AS e;
SELECT pg_temp.expression(e, 'DATE') FROM unnest(ARRAY['DATE(dt)', 'd + INTERVAL 1 DAY', 'DATE_ADD(d, INTERVAL i MONTH)', 'DATE_SUB(d, INTERVAL 1 QUARTER)', 'ADDDATE(d, 5)', 'd + 1']) AS e;
\echo == conversions and documents
SELECT pg_temp.expression(e) FROM unnest(ARRAY['CAST(i AS CHAR)', 'CAST(i AS CHAR(3))', 'CONVERT(n, CHAR)', 'CAST(s AS SIGNED)', 'CAST(d AS CHAR)', 'CONVERT(s USING utf8mb4)', 'j->''$.a.b[0]''', 'j->>''$.a''', 'JSON_UNQUOTE(JSON_EXTRACT(j, ''$."x y"''))', 'JSON_EXTRACT(j, ''$[*]'')', 'JSON_VALUE(j, ''$.a'')']) AS e;
SELECT pg_temp.expression(e, 'DECIMAL(12,2)') FROM unnest(ARRAY['CAST(n AS SIGNED)', 'CAST(i AS DECIMAL(5,1))', 'CAST(''5'' AS UNSIGNED)', 'CAST(f AS SIGNED)', 'j->''$.n''']) AS e;
\echo == defaults
SELECT dbstream.translate_ddl('CREATE TABLE t (a INT DEFAULT (1 + 2), b CHAR(36) DEFAULT (UUID()), c BINARY(16) DEFAULT (UUID_TO_BIN(UUID())), d DATE DEFAULT (CURRENT_DATE), e DATE DEFAULT (CURRENT_DATE + INTERVAL 1 YEAR),
	f JSON DEFAULT (JSON_OBJECT(''a'', 1)), g JSON DEFAULT (''[]''), h DATETIME DEFAULT LOCALTIMESTAMP, i TIMESTAMP DEFAULT NOW(), j TIME DEFAULT (CURRENT_TIME), k DOUBLE DEFAULT (RAND()), l TEXT DEFAULT (''x''), m BOOL DEFAULT (1 > 0), n BIGINT DEFAULT (UNIX_TIMESTAMP()))', 'mysql', 'postgresql');
SELECT severity, note FROM dbstream.translate_ddl_report('CREATE TABLE t (a INT DEFAULT ''x'', b BOOL DEFAULT 5, c DATE DEFAULT ''junk'', d INT DEFAULT (b + 1), e VARCHAR(9) DEFAULT (VERSION()), f TIME DEFAULT ''a'')', 'mysql', 'postgresql') WHERE severity = 'error';
