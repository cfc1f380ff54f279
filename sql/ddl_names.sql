-- Names that are too long, that meet, or that differ by case only.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION pg_temp.pair(ddl text, dialect text DEFAULT 'mysql', options jsonb DEFAULT '{}') RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT dbstream.translate_ddl(ddl, dialect, 'postgresql', options)
	UNION ALL
	SELECT format('%s %s: %s', statement, severity, note)
	FROM dbstream.translate_ddl_report(ddl, dialect, 'postgresql', options) WHERE note IS NOT NULL
$$;
\echo == 64 characters of several bytes each: table, column, index, constraint; two that differ at the end only
SELECT pg_temp.pair(format('CREATE TABLE `%1$s` (`%2$s` INT PRIMARY KEY, `%3$s` INT, KEY `%4$s` (`%3$s`), KEY `%5$s` (`%2$s`), CONSTRAINT `%6$s` CHECK (`%3$s` > 0))',
	repeat('ä', 64), repeat('ö', 64), repeat('ö', 63) || 'x', repeat('ü', 64), repeat('ü', 63) || 'x', repeat('é', 64)));
\echo == it runs, and all of it is there
CREATE SCHEMA ddl_names;
SET search_path = ddl_names;
DO $$
BEGIN
	EXECUTE dbstream.translate_ddl(format('CREATE TABLE `%1$s` (`%2$s` INT PRIMARY KEY, `%3$s` INT, KEY `%4$s` (`%3$s`), KEY `%5$s` (`%2$s`), CONSTRAINT `%6$s` CHECK (`%3$s` > 0))',
		repeat('ä', 64), repeat('ö', 64), repeat('ö', 63) || 'x', repeat('ü', 64), repeat('ü', 63) || 'x', repeat('é', 64)), 'mysql', 'postgresql');
END
$$;
SELECT count(*), bool_and(octet_length(relname) <= 63) FROM pg_class WHERE relnamespace = 'ddl_names'::regnamespace;
\echo == tables that differ by case; columns do not at the source
SELECT pg_temp.pair('CREATE TABLE `T` (`Id` INT PRIMARY KEY); CREATE TABLE `t` (`id` INT PRIMARY KEY); ALTER TABLE `T` ADD `Other` INT, ADD KEY (`ID`), ADD FOREIGN KEY (`OTHER`) REFERENCES `T` (`Id`); RENAME TABLE `T` TO `x`, `t` TO `T`');
\echo == indexes of two tables that meet
SELECT pg_temp.pair('CREATE TABLE a_b (c INT, KEY c (c)); CREATE TABLE a (b_c INT, KEY b_c (b_c))');
\echo == quotes, dots, backticks, blanks, reserved words
SELECT pg_temp.pair('CREATE TABLE `a.b``c"d` (`select` INT, ` x` INT, `1` INT, UNIQUE `order by` (`select`))');
SET client_min_messages = warning;
DROP SCHEMA ddl_names CASCADE;
DROP EXTENSION dbstream CASCADE;
