-- Connections, and where their passwords are and are not.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
SELECT dbstream.create_connection('shop', 'mysql', '{"host": "db1", "user": "repl", "password": "hidden-word"}');
SELECT name, kind, options FROM dbstream.connection;
SELECT password FROM dbstream.secret;

-- Names and kinds.
SELECT dbstream.create_connection('shop', 'mysql', '{}');
SELECT dbstream.create_connection('Shop', 'mysql', '{}');
SELECT dbstream.create_connection('1shop', 'mysql', '{}');
SELECT dbstream.create_connection('', 'mysql', '{}');
SELECT dbstream.create_connection('local', 'mysql', '{}');
SELECT dbstream.create_connection(repeat('a', 64), 'mysql', '{}');
SELECT dbstream.create_connection('other', 'oracle', '{}');
SELECT dbstream.create_connection('other', 'stream', '{}');
SELECT dbstream.create_connection('other', 'mysql', '{"prot": 3306, "password": "hidden-word"}');
SELECT dbstream.create_connection('other', 'mysql', '{"password": "hidden-word", "password_file": "/p"}');

-- Changing: options are merged, null removes.
SELECT dbstream.alter_connection('shop', '{"port": 3307, "user": null}');
SELECT options FROM dbstream.connection;
SELECT password FROM dbstream.secret;
SELECT dbstream.alter_connection('shop', '{"password": "second-word"}');
SELECT password FROM dbstream.secret;
SELECT dbstream.alter_connection('shop', '{"password_file": "/p"}');
SELECT options FROM dbstream.connection;
SELECT count(*) AS secrets FROM dbstream.secret;
SELECT dbstream.alter_connection('shop', '{"password": "third-word"}');
SELECT options FROM dbstream.connection;
SELECT password FROM dbstream.secret;
SELECT dbstream.alter_connection('shop', '{"password": null}');
SELECT count(*) AS secrets FROM dbstream.secret;
SELECT dbstream.alter_connection('shop', '{"ssl_key": "/k"}');
SELECT dbstream.alter_connection('shop', '{"ssl_key": "/k", "ssl_cert": "/c"}');
SELECT dbstream.alter_connection('shop', '{"ssl_key": "/k2"}');
SELECT dbstream.alter_connection('shop', '{"ssl_cert": null}');
SELECT dbstream.alter_connection('shop', '{"prot": null}');
SELECT dbstream.alter_connection('shop', '{"port": "x"}');
SELECT options FROM dbstream.connection;
SELECT dbstream.alter_connection('shpo', '{}');
SELECT dbstream.alter_connection('xyzzy', '{}');

-- Dropping: not while it is used.
SELECT dbstream.create_stream('shop_in', 'shop', 'local', '{shop.*}');
SELECT dbstream.create_stream('shop_again', 'shop', 'local', '{shop.*}');
SELECT dbstream.drop_connection('shop');
SELECT dbstream.drop_stream('shop_again');
SELECT dbstream.drop_stream('shop_in');
SELECT dbstream.alter_connection('shop', '{"password": "hidden-word"}');
SELECT dbstream.drop_connection('shop');
SELECT count(*) AS secrets FROM dbstream.secret;
SELECT dbstream.drop_connection('shop');
