-- All definitions as one document; passwords stay where they are.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
SELECT dbstream.export_config();
SELECT dbstream.create_connection('shop', 'mysql', '{"host": "db1", "user": "repl", "password": "hidden-word"}');
SELECT dbstream.create_connection('crm', 'mariadb', '{"host": "db2", "password_file": "/p"}');
SELECT dbstream.create_stream('shop_in', 'shop', 'local', '{shop.*,!shop.x}', '{"schemas": {"shop": "public"}}');
SELECT jsonb_pretty(dbstream.export_config());
SELECT dbstream.export_config() AS config \gset

-- What is there already and the same is left alone.
SELECT * FROM dbstream.import_config(:'config');
SELECT generation FROM dbstream.stream;
-- A different one is refused, or replaced as a whole; a literal password stays.
SELECT dbstream.alter_connection('shop', '{"port": 3307}');
SELECT dbstream.alter_stream('shop_in', '{shop.y}', '{"heartbeat": 3}');
SELECT * FROM dbstream.import_config(:'config');
SELECT * FROM dbstream.import_config(:'config', replace => true);
SELECT dbstream.export_config() = :'config' AS restored;
SELECT password FROM dbstream.secret;
SELECT tables, options FROM dbstream.stream;
-- Into an empty database.
SELECT dbstream.drop_stream('shop_in');
SELECT dbstream.drop_connection('shop'), dbstream.drop_connection('crm');
SELECT * FROM dbstream.import_config(:'config');
SELECT dbstream.export_config() = :'config' AS restored;
SELECT count(*) AS secrets FROM dbstream.secret;
SELECT desired FROM dbstream.stream;
-- A password may stand in a document that a person writes; it goes where passwords go.
SELECT * FROM dbstream.import_config('{"version": 1, "connections": [{"name": "new", "kind": "mysql", "options": {"password": "hidden-word"}}]}');
SELECT options FROM dbstream.connection WHERE name = 'new';
SELECT count(*) AS secrets FROM dbstream.secret;
-- It is all or nothing, and nothing is overlooked.
SELECT * FROM dbstream.import_config('[]');
SELECT * FROM dbstream.import_config('{"conections": []}');
SELECT * FROM dbstream.import_config('{"version": 2}');
SELECT * FROM dbstream.import_config('{"streams": {}}');
SELECT * FROM dbstream.import_config('{"streams": [1]}');
SELECT * FROM dbstream.import_config('{"connections": [{"name": "a", "knd": "mysql"}]}');
SELECT * FROM dbstream.import_config('{"connections": [{"name": "a"}]}');
SELECT * FROM dbstream.import_config('{"connections": [{"name": "new", "kind": "mariadb"}]}', true);
SELECT * FROM dbstream.import_config('{"streams": [{"name": "shop_in", "source": "crm", "target": "local", "tables": ["crm.*"]}]}', true);
SELECT * FROM dbstream.import_config('{"connections": [{"name": "good", "kind": "mysql", "options": {}}, {"name": "bad", "kind": "mysql", "options": {"prot": 1}}]}');
SELECT count(*) AS good FROM dbstream.connection WHERE name = 'good';
-- An empty document is an empty work.
SELECT * FROM dbstream.import_config('{}');

-- No view, no table but the one for passwords, shows a password.
SELECT dbstream.alter_connection('shop', '{"password": "hidden-word"}');
DO $$
DECLARE
	relation regclass;
	found bigint;
BEGIN
	FOR relation IN SELECT oid FROM pg_class WHERE relnamespace = 'dbstream'::regnamespace AND relkind IN ('r', 'v')
		AND relname <> 'secret' ORDER BY relname LOOP
		EXECUTE format('SELECT count(*) FROM %s t WHERE t::text LIKE ''%%hidden-word%%''', relation) INTO found;
		IF found > 0 THEN
			RAISE WARNING 'a password is shown by %', relation;
		END IF;
	END LOOP;
END
$$;
SELECT dbstream.export_config()::text LIKE '%hidden-word%' AS shown;
SELECT count(*) AS secrets FROM dbstream.secret WHERE password = 'hidden-word';
-- pg_dump carries definitions and positions, and not the passwords and errors.
SELECT c.relname FROM pg_extension e, unnest(e.extconfig) o JOIN pg_class c ON c.oid = o WHERE extname = 'dbstream' ORDER BY 1;
