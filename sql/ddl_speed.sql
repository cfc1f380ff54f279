-- Dumps of 1,000 and 4,000 tables: time that grows with the text and not with its square, and all names right.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only on
-- n tables with a unique key, an index and a foreign key each; half of the keys refer to tables that come later.
CREATE FUNCTION pg_temp.dump(n int) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format(E'CREATE TABLE `table_%1$s` (\n  `id` int unsigned NOT NULL AUTO_INCREMENT,\n  `customer` bigint NOT NULL,\n'
		'  `name` varchar(100) NOT NULL DEFAULT '''',\n  `price` decimal(10,2) DEFAULT NULL,\n'
		'  `state` enum(''new'',''paid'',''sent'') NOT NULL DEFAULT ''new'',\n  `note` text,\n'
		'  `created` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,\n  `parent` int unsigned DEFAULT NULL,\n  PRIMARY KEY (`id`),\n'
		'  UNIQUE KEY `name` (`name`),\n  KEY `customer` (`customer`,`created`),\n'
		'  CONSTRAINT `fk_%1$s` FOREIGN KEY (`parent`) REFERENCES `table_%2$s` (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n',
		i, 1 + (i * 7) % n), '' ORDER BY i) FROM generate_series(1, n) i
$$;
CREATE TEMPORARY TABLE dumps AS SELECT n, pg_temp.dump(n) AS my, dbstream.translate_ddl(pg_temp.dump(n), 'mysql', 'postgresql') AS pg FROM (VALUES (1000), (4000)) v (n);
-- Four times the tables take about four times as long; the square of it would be sixteen. Time is the processor's, where the
-- system tells it, since on a busy machine what is long waits more often than what is short; and the best of several counts.
CREATE FUNCTION pg_temp.seconds() RETURNS numeric LANGUAGE sql VOLATILE AS $$
	SELECT coalesce(split_part(pg_read_file('/proc/self/schedstat', 0, 100, true), ' ', 1)::numeric / 1e9, extract(epoch FROM clock_timestamp()))
$$;
CREATE FUNCTION pg_temp.ratio(source text, target text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	best numeric[] := ARRAY['infinity', 'infinity'];
	texts text[] := (SELECT array_agg(CASE source WHEN 'postgresql' THEN pg ELSE my END ORDER BY n) FROM dumps);
	began numeric;
BEGIN
	FOR round IN 1 .. 5 LOOP
		FOR which IN 1 .. 2 LOOP
			began := pg_temp.seconds();
			PERFORM dbstream.translate_ddl(texts[which], source, target);
			best[which] := least(best[which], pg_temp.seconds() - began);
		END LOOP;
	END LOOP;
	RETURN best[2] / best[1];
END $$;
SELECT source, target, CASE WHEN ratio < 10 THEN 'linear' ELSE format('4,000 tables take %s times as long as 1,000', round(ratio, 1)) END
FROM (VALUES ('mysql', 'postgresql'), ('postgresql', 'mysql')) v (source, target), pg_temp.ratio(source, target) ratio;
-- Every table, index and key is there once.
SELECT n, count(*), count(DISTINCT line), bool_and(line ~ '^(CREATE TABLE|CREATE INDEX|CREATE UNIQUE INDEX|ALTER TABLE|\s|\))')
FROM dumps, regexp_split_to_table(pg, '\n') line WHERE line ~ '^(CREATE|ALTER)' GROUP BY n ORDER BY n;
