-- Options: known by name and type, anything else refused with the nearest right name.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
SELECT applies_to, name, value, default_value FROM dbstream.options() ORDER BY applies_to, name;
SELECT count(*) FROM dbstream.options() WHERE description NOT LIKE '%.' OR description IS NULL;

-- What is right passes as given.
SELECT dbstream.check_options('mysql', '{"host": "db1", "port": 3306, "user": "repl", "password_file": "/p", "ssl_mode": "VERIFY_CA"}');
SELECT dbstream.check_options('postgresql', '{"dbname": "shop"}');
SELECT dbstream.check_options('stream', '{"schemas": {"shop": "public"}, "synchronous_commit": true, "server_id": 4294967295}');
SELECT dbstream.check_options('stream', '{}');

-- Unknown names, near and far.
SELECT dbstream.check_options('stream', '{"zero_date": "null"}');
SELECT dbstream.check_options('stream', '{"Zero_Dates": "null"}');
SELECT dbstream.check_options('stream', '{"xyzzy": 1}');
SELECT dbstream.check_options('mysql', '{"hots": "db1"}');
SELECT dbstream.check_options('mysql', '{"pasword": "hidden-word"}');
SELECT dbstream.check_options('mysql', '{"dbname": "shop"}');
SELECT dbstream.check_options('mysql', '{"on_ddl": "stop"}');
SELECT dbstream.check_options('oracle', '{}');

-- Ill-typed values.
SELECT dbstream.check_options('mysql', '{"port": "3306"}');
SELECT dbstream.check_options('mysql', '{"port": 65536}');
SELECT dbstream.check_options('mysql', '{"port": 0}');
SELECT dbstream.check_options('mysql', '{"port": 3306.5}');
SELECT dbstream.check_options('mysql', '{"host": ""}');
SELECT dbstream.check_options('mysql', '{"host": ["a"]}');
SELECT dbstream.check_options('mysql', '{"host": null}');
SELECT dbstream.check_options('mysql', '{"ssl_mode": "require"}');
SELECT dbstream.check_options('mysql', '{"password": 12345}');
SELECT dbstream.check_options('stream', '{"synchronous_commit": "off"}');
SELECT dbstream.check_options('stream', '{"schemas": ["shop"]}');
SELECT dbstream.check_options('stream', '{"schemas": {"shop": 1}}');
SELECT dbstream.check_options('stream', '{"schemas": {"shop": {"a": "b"}}}');
SELECT dbstream.check_options('stream', '{"server_id": -1}');
SELECT dbstream.check_options('stream', '{"server_id": 99999999999999999999}');
SELECT dbstream.check_options('stream', '[]');
SELECT dbstream.check_options('stream', '"start"');

-- What excludes or needs another.
SELECT dbstream.check_options('mysql', '{"password_env": "A", "password_file": "/p"}');
SELECT dbstream.check_options('mysql', '{"ssl_key": "/k"}');

-- Where to start.
SELECT start, dbstream.check_options('stream', jsonb_build_object('start', start)) IS NOT NULL AS good
FROM unnest('{now,earliest,binlog.000012:4,my-bin.1000000:99999999999,"gtid:0-1-100","gtid:0-1-100,1-2-3",
	gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5,"gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7, 3e11fa47-71ca-11e1-9e33-c80aa9429563:9",
	gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:tag:1-5}'::text[]) AS start;
SELECT dbstream.check_options('stream', '{"start": "today"}');
SELECT dbstream.check_options('stream', '{"start": "binlog.000012"}');
SELECT dbstream.check_options('stream', '{"start": "binlog:4"}');
SELECT dbstream.check_options('stream', '{"start": "binlog.000012:"}');
SELECT dbstream.check_options('stream', '{"start": "binlog.000012:4x"}');
SELECT dbstream.check_options('stream', '{"start": "gtid:"}');
SELECT dbstream.check_options('stream', '{"start": "gtid:0-1"}');
SELECT dbstream.check_options('stream', '{"start": "gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562"}');
SELECT dbstream.check_options('stream', '{"start": "gtid:0-1-5,"}');
SELECT dbstream.check_options('stream', '{"start": 4}');

-- a size is digits and a unit
SELECT dbstream.check_options('stream', '{"max_retained_wal": "50GB"}');
SELECT dbstream.check_options('stream', '{"max_retained_wal": "0"}');
SELECT dbstream.check_options('stream', '{"max_retained_wal": 50}');
SELECT dbstream.check_options('stream', '{"max_retained_wal": "half the disk"}');
