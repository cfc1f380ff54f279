-- Streams: definition and state.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
SELECT dbstream.create_connection('shop', 'mysql', '{"host": "db1"}');
SELECT dbstream.create_connection('pg', 'postgresql', '{"host": "db2"}');

SELECT dbstream.create_stream('shop_in', source => 'shop', target => 'local', tables => '{shop.*,!shop.audit_*}',
	options => '{"on_ddl": "stop", "schemas": {"shop": "public"}}');
SELECT name, owner = current_user::regrole AS mine, source, target, tables, options, desired, generation FROM dbstream.stream;
SELECT name, state, desired, source, target, transactions, last_error FROM dbstream.stream_status;

-- What is refused.
SELECT dbstream.create_stream('shop_in', 'shop', 'local', '{shop.*}');
SELECT dbstream.create_stream('shop-in', 'shop', 'local', '{shop.*}');
SELECT dbstream.create_stream('s', 'shop', 'shop', '{shop.*}');
SELECT dbstream.create_stream('s', 'local', 'local', '{shop.*}');
SELECT dbstream.create_stream('s', 'shpo', 'local', '{shop.*}');
SELECT dbstream.create_stream('s', 'local', 'pg', '{public.*}');
SELECT dbstream.create_stream('s', 'local', 'shop', '{public.*}', '{"start": "earliest"}');
SELECT dbstream.create_stream('s', 'local', 'shop', '{public.*}', '{"conflicts": "latest_wins"}');
SELECT dbstream.create_stream('s', 'local', 'shop', '{public.*}', '{"auto_increment": {"offset": 3, "increment": 2}}');
SELECT dbstream.create_stream('s', 'local', 'shop', '{public.*}', '{"auto_increment": {"offset": 1}}');
SELECT dbstream.create_stream('s', 'pg', 'local', '{public.*}', '{"start": "earliest"}');
SELECT dbstream.create_stream('s', 'shop', 'local', '{}');
SELECT dbstream.create_stream('s', 'shop', 'local', '{!shop.audit}');
SELECT dbstream.create_stream('s', 'shop', 'local', '{shop}');
SELECT dbstream.create_stream('s', 'shop', 'local', '{NULL}');
SELECT dbstream.create_stream('s', 'shop', 'local', '{shop.*}', '{"on_ddl": "ignore"}');

-- States.
SELECT dbstream.pause_stream('shop_in');
SELECT dbstream.resume_stream('shop_in');
SELECT dbstream.wait_for_stream('shop_in', '1s');
SELECT dbstream.start_stream('shop_on');
SELECT dbstream.start_stream('shop_in');
SELECT state FROM dbstream.stream_status;
SELECT dbstream.start_stream('shop_in');
SELECT dbstream.drop_stream('shop_in');
SELECT dbstream.wait_for_stream('shop_in', '0.2 seconds');
SELECT dbstream.resume_stream('shop_in');
SELECT dbstream.pause_stream('shop_in');
SELECT state FROM dbstream.stream_status;
SELECT dbstream.pause_stream('shop_in');
SELECT dbstream.start_stream('shop_in');
SELECT dbstream.wait_for_stream('shop_in');
SELECT dbstream.resume_stream('shop_in');
SELECT desired, generation FROM dbstream.stream;

-- Changing. Each change is a new generation and a notification (whose process id would not be stable here).
SELECT dbstream.alter_stream('shop_in', options => '{"on_ddl": null, "heartbeat": 5}');
SELECT tables, options, generation FROM dbstream.stream;
SELECT dbstream.alter_stream('shop_in', tables => '{shop.order*}');
SELECT tables, options, generation FROM dbstream.stream;
SELECT dbstream.alter_stream('shop_in', tables => '{!shop.x}');
SELECT dbstream.alter_stream('shop_in');
SELECT dbstream.alter_stream(NULL, '{shop.*}');
SELECT dbstream.alter_stream('shop_in', options => '{"heart_beat": 5}');
SELECT dbstream.alter_stream('shop_in', options => '{"start": "earliest"}');
INSERT INTO dbstream.progress SELECT id, 'binlog.000001:4', '', NULL, now(), 1, 2, 3, 4 FROM dbstream.stream;
SELECT dbstream.alter_stream('shop_in', options => '{"start": "now"}');
SELECT dbstream.alter_connection('shop', '{"port": 3307}');
SELECT generation FROM dbstream.stream;

-- Dropping takes everything of the stream along.
SELECT dbstream.pause_stream('shop_in');
SELECT dbstream.drop_stream('shop_in');
SELECT dbstream.drop_stream('shop_in');
SELECT (SELECT count(*) FROM dbstream.stream) AS streams, (SELECT count(*) FROM dbstream.progress) AS progress;
