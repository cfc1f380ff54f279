-- Every object of the extension says what it is; every column of a view does.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS dbstream CASCADE;
CREATE EXTENSION dbstream;
RESET client_min_messages;
SELECT c.oid::regclass AS without_comment FROM pg_class c WHERE relnamespace = 'dbstream'::regnamespace
	AND relkind IN ('r', 'v') AND obj_description(c.oid, 'pg_class') IS NULL ORDER BY c.relname;
SELECT p.oid::regprocedure AS without_comment FROM pg_proc p WHERE pronamespace = 'dbstream'::regnamespace
	AND obj_description(p.oid, 'pg_proc') IS NULL ORDER BY p.proname;
SELECT c.relname AS view, a.attname AS without_comment FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE relnamespace = 'dbstream'::regnamespace AND relkind = 'v' AND a.attnum > 0 AND relname <> 'stream_definition'
	AND col_description(c.oid, a.attnum) IS NULL ORDER BY 1, 2;
-- Whatever acts with the rights of its owner pins its search_path.
SELECT p.oid::regprocedure AS unpinned FROM pg_proc p WHERE pronamespace = 'dbstream'::regnamespace AND prosecdef
	AND NOT coalesce(proconfig::text LIKE '%search_path=pg_catalog, pg_temp%', false) ORDER BY p.proname;
-- Nothing of it lies outside its schema.
SELECT count(*) AS elsewhere FROM pg_depend d LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
	LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'dbstream')
	AND coalesce(c.relnamespace, p.pronamespace) <> 'dbstream'::regnamespace;
-- It goes as it came.
DROP EXTENSION dbstream;
SELECT count(*) AS left_over FROM pg_class c WHERE relnamespace = to_regnamespace('dbstream');
