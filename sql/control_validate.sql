-- validate_stream: each requirement a row, each failure with its remedy.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
\pset null '(none)'
CREATE ROLE regress_dbs_owner;
GRANT dbstream_admin TO regress_dbs_owner;
CREATE SCHEMA crm;
CREATE TABLE crm.customer (id int PRIMARY KEY);
CREATE TABLE crm.skipped (id int PRIMARY KEY);
SELECT dbstream.create_connection('shop', 'mysql', '{"host": "db1"}');
SET ROLE regress_dbs_owner;
SELECT dbstream.create_stream('shop_in', 'shop', 'local', '{shop.*,sales.*,sa*.x,!sales.skipped}', '{"schemas": {"sales": "crm"}}');
RESET ROLE;

-- Without a bridge the source cannot be checked, and that is a failure.
SELECT check_name, object, status, CASE WHEN check_name IN ('server_version', 'max_worker_processes',
	'max_replication_slots', 'max_active_replication_origins') THEN '...' ELSE detail END AS detail,
	regexp_replace(remedy, 'port=.*', 'port=...') AS remedy
FROM (SELECT replace(check_name, 'max_active_replication_origins', 'max_replication_slots') AS check_name, object, status,
	detail, remedy FROM dbstream.validate_stream('shop_in')) v;
-- The remedies work.
DO $$
DECLARE
	todo text;
BEGIN
	FOR todo IN SELECT remedy FROM dbstream.validate_stream('shop_in') WHERE status = 'failed'
		AND check_name IN ('schema', 'table_rights') LOOP
		EXECUTE todo;
	END LOOP;
END
$$;
SELECT check_name, object, status, detail, remedy FROM dbstream.validate_stream('shop_in')
WHERE check_name IN ('schema', 'tables', 'table_rights', 'owner');
SELECT dbstream.validate_stream('shop_on');
SET ROLE regress_dbs_owner;
SELECT count(*) > 5 AS many FROM dbstream.validate_stream('shop_in');
RESET ROLE;

-- With a bridge its answer is part of the table. This one is played by another session.
\setenv PGDATABASE :DBNAME
CREATE PROCEDURE public.play_bridge(answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
	request record;
BEGIN
	PERFORM dbstream.bridge_hello('0.1.0', 1, 1, 'played');
	FOR i IN 1..2000 LOOP
		SELECT * INTO request FROM dbstream.bridge_requests();
		IF FOUND THEN
			-- What it is told must be enough to work with.
			IF request.kind <> 'validate' OR request.stream->>'name' <> 'shop_in' OR request.stream->'source'->>'host' <> 'db1'
				OR request.stream->>'source_kind' <> 'mysql' OR request.stream->'options'->>'heartbeat' <> '10' THEN
				answer = '[{"check": "request", "status": "failed", "detail": "the request lacks something"}]';
			END IF;
			PERFORM dbstream.bridge_answer(request.request_id, answer);
			RETURN;
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
END
$$;
CREATE PROCEDURE public.wait_for_bridge(wanted text) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..1000 LOOP
		EXIT WHEN EXISTS (SELECT FROM dbstream.bridge_connections() WHERE name = wanted);
		PERFORM pg_sleep(0.01);
	END LOOP;
END
$$;
\! psql -X -q -c "CALL play_bridge('[{\"check\": \"binlog_format\", \"object\": \"connection shop\", \"status\": \"failed\", \"detail\": \"it is STATEMENT\", \"remedy\": \"SET GLOBAL binlog_format=ROW\"}, {\"check\": \"log_bin\", \"object\": \"connection shop\", \"status\": \"ok\", \"detail\": \"on\", \"remedy\": \"\"}]')" >/dev/null 2>&1 &
CALL public.wait_for_bridge('played');
SELECT check_name, object, status, detail, remedy FROM dbstream.validate_stream('shop_in')
WHERE check_name IN ('bridge', 'binlog_format', 'log_bin', 'request');

-- A user who goes away leaves nothing on the board.
\! psql -X -q -c "SELECT dbstream.bridge_hello('0.1.0', 1, 1, 'silent')" -c "SELECT pg_sleep(60)" >/dev/null 2>&1 &
CALL public.wait_for_bridge('silent');
SET statement_timeout = '300ms';
SELECT count(*) FROM dbstream.validate_stream('shop_in');
RESET statement_timeout;
SELECT dbstream.bridge_hello('0.1.0', 1, 1, 'played') IS NOT NULL AS hello;
SELECT count(*) AS requests FROM dbstream.bridge_requests();
SELECT count(pg_terminate_backend(pid)) AS ended FROM dbstream.bridge_connections() WHERE name = 'silent';

DROP PROCEDURE public.play_bridge(jsonb);
DROP PROCEDURE public.wait_for_bridge(text);
DROP SCHEMA crm CASCADE;
DROP SCHEMA shop;
DROP EXTENSION dbstream CASCADE;
DROP ROLE regress_dbs_owner;
