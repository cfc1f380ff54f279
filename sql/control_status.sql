-- What the status says of a session that is really open: this one plays the bridge.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
SELECT dbstream.create_connection('shop', 'mysql', '{"host": "db1"}');
SELECT dbstream.create_stream('shop_in', 'shop', 'local', '{shop.*}', '{"stall_after": 30, "start": "binlog.000001:4"}');
SELECT dbstream.start_stream('shop_in');
SELECT state FROM dbstream.stream_status;
SELECT dbstream.bridge_hello('0.1.0', 1, 1, 'played') IS NOT NULL AS hello;
SELECT state FROM dbstream.stream_status;
SELECT id AS stream FROM dbstream.stream \gset
SELECT session FROM dbstream.open_inbound(:stream, 0) \gset
SELECT state, bridge, worker_pid IS NOT NULL AS worker, receiver_pid = pg_backend_pid() AS receiver, queued_bytes,
	bytes_behind, seconds_behind, last_heard_at IS NOT NULL AS heard FROM dbstream.stream_status;
SELECT stream, state, worker_pid IS NOT NULL AS worker, receiver_pid = pg_backend_pid() AS receiver, queued_bytes, transactions,
	rows, batches FROM dbstream.worker_status;
SELECT name, version, connections, streams FROM dbstream.bridge_status;

-- A report brings figures; behind by more than a little is catching up.
SELECT dbstream.bridge_report(:stream, jsonb_build_object('received_position', 'binlog.000001:900', 'source_position',
	'binlog.000001:900', 'bytes_behind', 0, 'rss_bytes', 5000000, 'last_event_at', extract(epoch FROM clock_timestamp())));
SELECT state, bridge, received_position, source_position, bytes_behind, seconds_behind FROM dbstream.stream_status;
SELECT name, rss_bytes FROM dbstream.bridge_status;
SELECT dbstream.bridge_report(:stream, jsonb_build_object('bytes_behind', 2000000, 'last_event_at', extract(epoch FROM clock_timestamp())));
SELECT state, bytes_behind, seconds_behind FROM dbstream.stream_status;

-- Few bytes, but nothing applied of the last minute's work, is behind as well.
INSERT INTO dbstream.progress VALUES (:stream, 'binlog.000001:800', '', clock_timestamp() - interval '1 minute', clock_timestamp(), 1, 0, 0, 0);
SELECT dbstream.bridge_report(:stream, jsonb_build_object('bytes_behind', 100, 'last_event_at', extract(epoch FROM clock_timestamp())));
SELECT state, bytes_behind, seconds_behind BETWEEN 60 AND 70 AS a_minute FROM dbstream.stream_status;

-- Silence of the source is no running, whatever else looks well.
SELECT dbstream.bridge_report(:stream, jsonb_build_object('bytes_behind', 0, 'last_event_at', extract(epoch FROM clock_timestamp()) - 29));
SELECT state FROM dbstream.stream_status;
SELECT dbstream.bridge_report(:stream, jsonb_build_object('bytes_behind', 0, 'last_event_at', extract(epoch FROM clock_timestamp()) - 31));
SELECT state FROM dbstream.stream_status;
SELECT dbstream.alter_stream('shop_in', options => '{"stall_after": 3600}');
SELECT state FROM dbstream.stream_status;

-- An error is one as long as nothing has been applied after it.
SELECT dbstream.bridge_error(:stream, 'connect', 'no way there', '', 'Look at the cable.', 'binlog.000001:900', true);
SELECT state, last_error, last_error_hint, last_error_position FROM dbstream.stream_status;
SELECT dbstream.wait_for_stream('shop_in', '10s');
UPDATE dbstream.progress SET applied_at = clock_timestamp();
SELECT state, last_error FROM dbstream.stream_status;

-- A report that is older than the last commit does not say that less was received than applied.
SELECT dbstream.bridge_report(:stream, jsonb_build_object('received_position', 'binlog.000001:900', 'bytes_behind', 0));
SELECT received_position, applied_position FROM dbstream.stream_status;
UPDATE dbstream.progress SET position = 'binlog.000001:1000';
SELECT received_position, applied_position FROM dbstream.stream_status;

-- Somebody waits: the receipt asks for it, and the time is up.
SELECT dbstream.wait_for_stream('shop_in', '50ms');
SELECT get_byte(r, 0) AS state FROM dbstream.receive(:session, 1, '') r;
SELECT sync_wanted > sync_done AS wanted FROM dbstream.worker_slots();

-- The end of the session.
SELECT dbstream.close_inbound(:session);
SELECT state, bridge, bytes_behind, receiver_pid FROM dbstream.stream_status;
SELECT name, streams FROM dbstream.bridge_status;
SELECT dbstream.pause_stream('shop_in');
SELECT state FROM dbstream.stream_status;
SELECT count(*) AS origins FROM pg_replication_origin WHERE roname = 'dbstream_' || :stream;
SELECT dbstream.drop_stream('shop_in');
SELECT count(*) AS origins FROM pg_replication_origin WHERE roname = 'dbstream_' || :stream;
