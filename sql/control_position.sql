-- set_position: only of a paused stream, by its owner, to a place named in full; the counts stay.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
SELECT dbstream.create_connection('shop', 'mysql', '{"host": "nowhere", "user": "reader"}');
SELECT dbstream.create_stream('shop_in', source => 'shop', target => 'local', tables => '{shop.*}');
SELECT dbstream.start_stream('shop_in');
INSERT INTO dbstream.progress SELECT id, 'binlog.000003:700', '0-1-9', now(), now(), 12, 30, 20, 10 FROM dbstream.stream;

SELECT dbstream.set_position('shop_in', 'binlog.000004:4');
SELECT dbstream.pause_stream('shop_in');
SELECT dbstream.set_position('shop_in', 'somewhere');
SELECT dbstream.set_position('shop_in', 'gtid:not a set');
SELECT dbstream.set_position('shop_on', 'binlog.000004:4');
CREATE ROLE stranger;
GRANT dbstream_admin TO stranger;
SET ROLE stranger;
SELECT dbstream.set_position('shop_in', 'binlog.000004:4');
RESET ROLE;
SELECT "position", gtid_set FROM dbstream.progress;

SELECT dbstream.set_position('shop_in', 'binlog.000004:4');
SELECT "position", gtid_set, transactions, rows_inserted FROM dbstream.progress;
SELECT options ->> 'start' AS start, desired FROM dbstream.stream;
SELECT dbstream.set_position('shop_in', 'gtid:0-1-20');
SELECT options ->> 'start' AS start FROM dbstream.stream;
SELECT dbstream.resume_stream('shop_in');

SELECT dbstream.pause_stream('shop_in');
SELECT dbstream.drop_stream('shop_in');
DROP OWNED BY stranger;
DROP ROLE stranger;
DROP EXTENSION dbstream;
