-- Roles: each may do its own, and no more. The owner of a stream is who creates it.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
SELECT rolname, rolcanlogin, rolsuper FROM pg_roles WHERE rolname ~ '^dbstream_' ORDER BY 1;
CREATE ROLE regress_dbs_admin;
CREATE ROLE regress_dbs_other;
CREATE ROLE regress_dbs_bridge;
CREATE ROLE regress_dbs_monitor;
CREATE ROLE regress_dbs_nobody;
CREATE ROLE regress_dbs_team;
GRANT dbstream_admin TO regress_dbs_admin, regress_dbs_other;
GRANT dbstream_bridge TO regress_dbs_bridge;
GRANT dbstream_monitor TO regress_dbs_monitor;
CREATE TABLE public.user_table (id int);

-- What PUBLIC has: nothing.
SELECT count(*) AS open_functions FROM pg_proc p WHERE pronamespace = 'dbstream'::regnamespace
	AND has_function_privilege('regress_dbs_nobody', p.oid, 'EXECUTE');
SELECT count(*) AS open_tables FROM pg_class c WHERE relnamespace = 'dbstream'::regnamespace AND relkind IN ('r', 'v')
	AND has_table_privilege('regress_dbs_nobody', c.oid, 'SELECT, INSERT, UPDATE, DELETE');
SELECT has_schema_privilege('regress_dbs_nobody', 'dbstream', 'USAGE') AS nobody_may_look;

-- What each role may, as a list that is meant to be read.
SELECT role, p.proname AS function
FROM unnest('{dbstream_bridge,dbstream_monitor}'::text[]) role, pg_proc p
WHERE pronamespace = 'dbstream'::regnamespace AND has_function_privilege(role, p.oid, 'EXECUTE') ORDER BY 1, 2;
SELECT string_agg(p.proname, ' ' ORDER BY p.proname) AS not_for_admins FROM pg_proc p
WHERE pronamespace = 'dbstream'::regnamespace AND NOT has_function_privilege('dbstream_admin', p.oid, 'EXECUTE');
SELECT role, string_agg(c.relname, ' ' ORDER BY c.relname) AS readable
FROM unnest('{dbstream_bridge,dbstream_monitor}'::text[]) role, pg_class c
WHERE relnamespace = 'dbstream'::regnamespace AND relkind IN ('r', 'v') AND has_table_privilege(role, c.oid, 'SELECT')
GROUP BY 1 ORDER BY 1;
SELECT c.relname AS not_for_admins FROM pg_class c
WHERE relnamespace = 'dbstream'::regnamespace AND relkind IN ('r', 'v') AND NOT has_table_privilege('dbstream_admin', c.oid, 'SELECT')
ORDER BY 1;
SELECT count(*) AS writable FROM unnest('{dbstream_admin,dbstream_bridge,dbstream_monitor}'::text[]) role, pg_class c
WHERE relnamespace = 'dbstream'::regnamespace AND relkind IN ('r', 'v')
	AND has_table_privilege(role, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE');

-- An administrator creates, and owns what it created.
SET ROLE regress_dbs_admin;
SELECT dbstream.create_connection('shop', 'mysql', '{"host": "db1", "password": "hidden-word"}');
SELECT dbstream.create_stream('shop_in', 'shop', 'local', '{shop.*}');
SELECT name, owner FROM dbstream.stream_status;
SELECT dbstream.start_stream('shop_in');
SELECT state FROM dbstream.stream_status;
SELECT * FROM dbstream.secret;
SELECT dbstream.bridge_secret('shop');
UPDATE dbstream.stream SET owner = 'regress_dbs_team';
INSERT INTO dbstream.connection (name, kind, options) VALUES ('x', 'mysql', '{}');
SELECT current_user, current_setting('search_path');
RESET ROLE;

-- Another one may not use its rights.
SET ROLE regress_dbs_other;
SELECT dbstream.alter_stream('shop_in', '{shop.x}');
SELECT dbstream.pause_stream('shop_in');
SELECT dbstream.resume_stream('shop_in');
SELECT dbstream.drop_stream('shop_in');
SELECT dbstream.alter_connection('shop', '{"host": "evil"}');
SELECT dbstream.import_config('{"connections": [{"name": "shop", "kind": "mysql", "options": {"host": "evil"}}]}', true);
RESET ROLE;
SELECT options FROM dbstream.connection;
-- Unless it is a member.
GRANT regress_dbs_admin TO regress_dbs_other;
SET ROLE regress_dbs_other;
SELECT dbstream.pause_stream('shop_in');
SELECT dbstream.alter_connection('shop', '{"host": "db2"}');
RESET ROLE;
SELECT owner::text FROM dbstream.stream;

-- A definer's function acts as its definer: its caller's rights are not at its disposal.
GRANT CREATE ON SCHEMA public TO regress_dbs_other;
SET ROLE regress_dbs_other;
CREATE FUNCTION public.sneaky() RETURNS void LANGUAGE sql SECURITY DEFINER AS
	$$SELECT dbstream.create_stream('sneaky', 'shop', 'local', '{shop.*}')$$;
RESET ROLE;
SELECT public.sneaky();
SELECT name, owner::text FROM dbstream.stream ORDER BY name;
-- A search_path of the caller's has no effect on what runs with the extension's rights.
CREATE SCHEMA trap AUTHORIZATION regress_dbs_other;
SET ROLE regress_dbs_other;
CREATE FUNCTION trap.coalesce_trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'trapped'; END$$;
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.coalesce_trap);
SET search_path = trap, pg_catalog, public;
SELECT dbstream.drop_stream('sneaky');
RESET search_path;
RESET ROLE;

-- The bridge: its calls, no table, neither ours nor the user's.
SET ROLE regress_dbs_bridge;
SELECT name FROM dbstream.bridge_streams();
SELECT dbstream.bridge_secret('shop');
SELECT dbstream.bridge_error(0, 'a', 'b', '', '', '', true);
SELECT * FROM dbstream.secret;
SELECT * FROM dbstream.stream;
SELECT * FROM public.user_table;
INSERT INTO public.user_table VALUES (1);
SELECT dbstream.create_connection('x', 'mysql', '{}');
SELECT dbstream.drop_stream('shop_in');
SELECT * FROM dbstream.stream_status;
RESET ROLE;

-- The monitor: views.
SET ROLE regress_dbs_monitor;
SELECT name, state FROM dbstream.stream_status;
SELECT count(*) FROM dbstream.table_status;
SELECT count(*) FROM dbstream.bridge_status;
SELECT count(*) FROM dbstream.worker_status;
SELECT count(*) FROM dbstream.errors;
SELECT count(*) FROM dbstream.ddl_history;
SELECT * FROM dbstream.connection;
SELECT * FROM dbstream.secret;
SELECT dbstream.pause_stream('shop_in');
SELECT dbstream.export_config();
SELECT dbstream.bridge_secret('shop');
RESET ROLE;

DROP SCHEMA trap CASCADE;
DROP FUNCTION public.sneaky();
DROP TABLE public.user_table;
REVOKE CREATE ON SCHEMA public FROM regress_dbs_other;
DROP EXTENSION dbstream CASCADE;
DROP ROLE regress_dbs_admin, regress_dbs_other, regress_dbs_bridge, regress_dbs_monitor, regress_dbs_nobody, regress_dbs_team;
