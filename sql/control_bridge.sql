-- The bridge's calls, made by hand in this one session, and what the status views make of them.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
-- Nothing before the handshake.
SELECT * FROM dbstream.bridge_requests();
SELECT dbstream.bridge_report(1, '{}');
SELECT dbstream.bridge_answer(1, '[]');

-- The handshake, and what mends a mismatch.
SELECT dbstream.bridge_hello('0.0.1', 0, 0, 'old');
SELECT dbstream.bridge_hello('9.0.0', 99, 98, 'new');
SELECT count(*) AS bridges FROM dbstream.bridge_status;
SELECT dbstream.bridge_hello('0.1.0', 1, 1, 'bridge_a') - 'server_version' AS answer;
SELECT dbstream.bridge_hello('0.1.0', 99, 1, 'bridge_a') ->> 'protocol' AS protocol;
SELECT name, version, protocol, connections, streams, connected_at <= last_seen_at AS seen FROM dbstream.bridge_status;

-- What a bridge is told of streams: only those that are meant to run, with every option.
SELECT dbstream.create_connection('shop', 'mariadb', '{"host": "db1", "password": "hidden-word"}');
SELECT dbstream.create_stream('shop_in', 'shop', 'local', '{shop.*}', '{"heartbeat": 5}');
SELECT * FROM dbstream.bridge_streams();
SELECT dbstream.start_stream('shop_in');
\x on
SELECT name, generation, source, source_kind, target, tables, options FROM dbstream.bridge_streams();
\x off
SELECT dbstream.bridge_secret('shop');
SELECT dbstream.bridge_secret('nothing') IS NULL AS none;
SELECT state, bridge FROM dbstream.stream_status;

-- Errors: the same at the same position is one row with a count.
SELECT id AS stream FROM dbstream.stream \gset
SELECT dbstream.bridge_error(:stream, 'binlog_purged', 'the log is gone', '', 'Start anew.', 'binlog.000001:4', false);
SELECT dbstream.bridge_error(:stream, 'binlog_purged', 'the log is gone', 'since today', 'Start anew.', 'binlog.000001:4', false);
SELECT dbstream.bridge_error(:stream, 'connect', 'no way there', NULL, NULL, NULL, true);
SELECT dbstream.bridge_error(:stream, 'connect', 'no way there', '', '', '', true);
SELECT dbstream.bridge_error(0, 'connect', 'no such stream', '', '', '', true);
SELECT stream, origin, code, message, detail, hint, context, position, times FROM dbstream.errors ORDER BY first_at;
SELECT state, last_error, last_error_hint, last_error_position FROM dbstream.stream_status;
SELECT dbstream.wait_for_stream('shop_in');
-- A new attempt is not yet an error; then something is applied, and the next error counts again.
SELECT dbstream.resume_stream('shop_in');
SELECT state, last_error FROM dbstream.stream_status;
SELECT dbstream.bridge_error(:stream, 'connect', 'no way there', '', '', '', true);
SELECT state FROM dbstream.stream_status;
INSERT INTO dbstream.progress VALUES (:stream, 'binlog.000001:99', '0-1-7', now(), clock_timestamp(), 1, 2, 3, 4);
SELECT state, applied_position, gtid_set, transactions, rows_inserted, rows_updated, rows_deleted, last_error FROM dbstream.stream_status;
SELECT dbstream.bridge_error(:stream, 'connect', 'no way there', '', '', '', true);
SELECT state FROM dbstream.stream_status;

-- A thousand different errors are kept, not more.
SELECT count(dbstream.bridge_error(:stream, 'code', 'error ' || i, '', '', '', true)) FROM generate_series(1, 1100) i;
SELECT count(*) BETWEEN 1000 AND 1001 AS bounded, min(message) <> '' AS good FROM dbstream.errors;

-- Reports: what is missing or nonsense is NULL, never a wrong figure.
SELECT dbstream.bridge_report(:stream, '{"received_position": "binlog.000001:120", "source_position": "binlog.000001:500",
	"bytes_behind": 380, "events": 12, "bytes": 4000, "rows": 9, "last_event_at": 1700000000.25, "rss_bytes": 1000000}');
SELECT bridge, received_position, source_position, bytes_behind, events, bytes, rows, rss_bytes,
	last_event_at AT TIME ZONE 'UTC' AS last_event_at FROM dbstream.stream_reports();
SELECT dbstream.bridge_report(:stream, '{"received_position": 5, "bytes_behind": -1, "events": "x", "rows": 1e300, "last_event_at": -5}');
SELECT bridge, received_position, source_position, bytes_behind, events, bytes, rows, rss_bytes, last_event_at FROM dbstream.stream_reports();
SELECT dbstream.bridge_report(:stream, '[]');
SELECT dbstream.bridge_report(0, '{}');
-- Without a session nobody knows how far behind it is.
SELECT bytes_behind, bridge, received_position FROM dbstream.stream_status;

-- Nobody waits.
SELECT * FROM dbstream.bridge_requests();
SELECT dbstream.bridge_answer(1, '[]');
SELECT dbstream.pause_stream('shop_in');
SELECT dbstream.drop_stream('shop_in');
SELECT count(*) AS reports FROM dbstream.stream_reports();
SELECT count(*) AS errors FROM dbstream.errors;
-- A new connection is no bridge's, and the old one's end is noticed.
\c -
DO $$
BEGIN
	FOR i IN 1..1000 LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM dbstream.bridge_connections());
		PERFORM pg_sleep(0.01);
	END LOOP;
END
$$;
SELECT count(*) AS bridges FROM dbstream.bridge_status;
