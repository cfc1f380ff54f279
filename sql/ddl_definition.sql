-- postgresql_ddl: what a stream would create for a table of its source. The bridge that answers is another session.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
SELECT dbstream.create_connection('shop', 'mysql', '{"host": "db1"}');
SELECT dbstream.create_stream('shop_in', 'shop', 'local', ARRAY['shop.*', '!shop.audit', 'sh\.op.*'],
	'{"schemas": {"shop": "crm"}, "tinyint1": "smallint"}');
SELECT dbstream.create_stream('shop_out', 'local', 'shop', '{public.*}');

-- What cannot be asked says why.
SELECT dbstream.postgresql_ddl('shop_on', 'shop.orders');
SELECT dbstream.postgresql_ddl('shop_in', 'orders');
SELECT dbstream.postgresql_ddl('shop_in', 'shop.orders.id');
SELECT dbstream.postgresql_ddl('shop_in', 'shop.audit');
SELECT dbstream.postgresql_ddl('shop_out', 'public.orders');
\set VERBOSITY terse
SELECT dbstream.postgresql_ddl('shop_in', 'shop.orders');
\set VERBOSITY default

-- The answer is translated with the stream's options.
\setenv PGDATABASE :DBNAME
CREATE PROCEDURE public.play_bridge(answers jsonb) LANGUAGE plpgsql AS $$
DECLARE
	request record;
	answer jsonb;
BEGIN
	PERFORM dbstream.bridge_hello('0.1.0', 1, 1, 'played');
	FOR answer IN SELECT value FROM jsonb_array_elements(answers) LOOP
		FOR i IN 1..6000 LOOP
			SELECT * INTO request FROM dbstream.bridge_requests();
			EXIT WHEN FOUND;
			PERFORM pg_sleep(0.01);
		END LOOP;
		IF request.kind <> 'definition' OR request.stream->>'name' <> 'shop_in'
			OR request.stream->'source'->>'host' <> 'db1' THEN
			answer = '[{"detail": "the request lacks something"}]';
		END IF;
		PERFORM dbstream.bridge_answer(request.request_id,
			replace(answer::text, 'THE_TABLE', (request.stream->'table')->>'name')::jsonb);
	END LOOP;
END
$$;
\! psql -X -q -c "CALL play_bridge('[{\"kind\": \"mysql\", \"create\": \"CREATE TABLE \`THE_TABLE\` (\`id\` int unsigned NOT NULL AUTO_INCREMENT, \`open\` tinyint(1) NOT NULL DEFAULT 1, \`kind\` enum(''a'',''b'') DEFAULT NULL, \`customer\` int NOT NULL, PRIMARY KEY (\`id\`), KEY \`customer\` (\`customer\`), CONSTRAINT \`fk\` FOREIGN KEY (\`customer\`) REFERENCES \`customer\` (\`id\`)) ENGINE=InnoDB AUTO_INCREMENT=8 DEFAULT CHARSET=utf8mb4\"}, {\"kind\": \"mariadb\", \"create\": \"CREATE TABLE \`THE_TABLE\` (\`a\` uuid, \`b\` longtext CHECK (json_valid(\`b\`)))\"}, {\"kind\": \"mysql\", \"create\": \"CREATE TABLE \`THE_TABLE\` (a int, b int GENERATED ALWAYS AS (\\n/* two lines */ nothing_known(a)) VIRTUAL)\"}, [{\"check\": \"no_table\", \"status\": \"failed\", \"detail\": \"the source of connection shop has no table shop.THE_TABLE\", \"remedy\": \"Give its names as the source has them.\"}], []]')" >/dev/null 2>&1 &
DO $$
BEGIN
	FOR i IN 1..3000 LOOP
		EXIT WHEN EXISTS (SELECT FROM dbstream.bridge_connections() WHERE name = 'played');
		PERFORM pg_sleep(0.01);
	END LOOP;
END
$$;
SELECT dbstream.postgresql_ddl('shop_in', 'shop.orders');
-- It can be executed as it stands.
SELECT dbstream.postgresql_ddl('shop_in', 'sh\.op.it''s.x') AS refused;
SELECT dbstream.postgresql_ddl('shop_in', 'sh\.op.it''s') AS ddl \gset
\echo :ddl
:ddl
\d "sh.op"."it's"
SELECT dbstream.postgresql_ddl('shop_in', 'shop.broken');
SELECT dbstream.postgresql_ddl('shop_in', 'shop.nothing');
SELECT dbstream.postgresql_ddl('shop_in', 'shop.empty');

DROP PROCEDURE public.play_bridge(jsonb);
SET client_min_messages = warning;
DROP SCHEMA "sh.op" CASCADE;
DROP EXTENSION dbstream CASCADE;
