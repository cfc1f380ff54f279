/*
 * validate_stream: every requirement of a stream, each failure with its remedy.
 *
 * What concerns this server is checked here, with the rights of the stream's
 * owner in view; what concerns the source is asked of a bridge, since only that reaches it.
 */
#include "postgres.h"

#include "bridge_registry.h"
#include "catalog.h"
#include "ddl_capture.h"
#include "options.h"
#include "outbound.h"
#include "outbound_validation.h"
#include "stream_tables.h"
#include "switchover.h"
#include "validation.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pattern.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

PG_FUNCTION_INFO_V1(dbs_validate_stream);

/* Bridges look at the board five times a second; the source may take its time. */
#define ANSWER_MS 15000
/* A question has 64 KB, and holds the stream's definition too. */
#define RELATIONS_SIZE (40 * 1024)

typedef struct Validation
{
	ReturnSetInfo *result;
	DbsStreamRow stream; /* in the SPI memory of the catalogue access */
} Validation;

void
dbs_check_put(ReturnSetInfo *result, const char *check, const char *object, const char *status, const char *detail,
			  const char *remedy)
{
	const char *texts[5] = {check, object, status, detail, remedy};
	Datum values[5];
	bool nulls[5];

	for (int i = 0; i < lengthof(texts); i++)
	{
		nulls[i] = texts[i] == NULL || texts[i][0] == '\0';
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put(Validation *v, const char *check, const char *object, const char *status, const char *detail, const char *remedy)
{
	dbs_check_put(v->result, check, object, status, detail, remedy);
}

/* ---- the server ------------------------------------------------------- */

static void
check_server(Validation *v)
{
	const char *encoding = GetDatabaseEncodingName();
	bool utf8 = GetDatabaseEncoding() == PG_UTF8;

	put(v, "server_version", "server", "ok", psprintf("PostgreSQL %s", PG_VERSION), NULL);
	put(v, "preload", "server", dbs_bridge_registry_present() ? "ok" : "failed",
		dbs_bridge_registry_present() ? "dbstream is in shared_preload_libraries"
									  : "dbstream is not in shared_preload_libraries",
		dbs_bridge_registry_present() ? NULL : "Add dbstream to shared_preload_libraries and restart the server.");
	put(v, "encoding", "database", utf8 ? "ok" : "failed", psprintf("the database is encoded in %s", encoding),
		utf8 ? NULL : "Use a database with encoding UTF8: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0.");
}

/* A worker for each stream that runs in this server's database, this one among them, and the launcher. */
static void
check_workers(Validation *v)
{
	bool isnull;
	int64 needed;

	(void) dbs_catalog_run("SELECT count(*) FROM dbstream.stream WHERE desired = 'running' AND id <> $1", "i",
						   v->stream.id);
	needed = DatumGetInt64(dbs_catalog_datum(0, 1, &isnull)) + 2;
	put(v, "max_worker_processes", "server", needed <= max_worker_processes ? "ok" : "failed",
		psprintf("%lld needed by the streams of this database, %d allowed", (long long) needed, max_worker_processes),
		needed <= max_worker_processes
			? NULL
			: psprintf("Set max_worker_processes to %lld or more and restart the server.", (long long) needed + 8));
}

/* PostgreSQL 18 has a setting of its own for origins; before, slots and origins share one. */
static void
check_origins(Validation *v)
{
	const char *setting = "max_active_replication_origins";
	const char *value = GetConfigOption(setting, true, false);
	bool isnull;
	int64 used;
	int allowed;

	if (value == NULL)
	{
		setting = "max_replication_slots";
		value = GetConfigOption(setting, false, false);
	}
	allowed = pg_strtoint32(value);
	(void) dbs_catalog_run("SELECT count(*) FROM dbstream.stream WHERE desired = 'running' AND id <> $1", "i",
						   v->stream.id);
	used = DatumGetInt64(dbs_catalog_datum(0, 1, &isnull)) + 1;
	put(v, setting, "server", used <= allowed ? "ok" : "failed",
		psprintf("%lld needed by the streams of this database, %d allowed", (long long) used, allowed),
		used <= allowed ? NULL
						: psprintf("Set %s to %lld or more and restart the server.", setting, (long long) used + 8));
}

/* ---- the owner and the tables ------------------------------------------ */

static bool
truth(uint64 row, int column)
{
	bool isnull;
	Datum value = dbs_catalog_datum(row, column, &isnull);

	return !isnull && DatumGetBool(value);
}

/* Schemas that the patterns name outright: there and writable, or to be made. */
static void
check_schemas(Validation *v, const char *owner)
{
	uint64 count = dbs_catalog_run(
		"WITH named AS (SELECT DISTINCT replace(split_part(p, '.', 1), '\\', '') AS source FROM unnest($1) p"
		"  WHERE p NOT LIKE '!%' AND split_part(p, '.', 1) !~ '[*?]')"
		" SELECT quote_ident(coalesce($2->'schemas'->>source, source)), n.oid IS NOT NULL,"
		"  n.oid IS NOT NULL AND has_schema_privilege($3::oid, n.oid, 'USAGE'),"
		"  n.oid IS NOT NULL AND has_schema_privilege($3::oid, n.oid, 'CREATE'),"
		"  has_database_privilege($3::oid, current_database(), 'CREATE')"
		" FROM named LEFT JOIN pg_namespace n ON n.nspname = coalesce($2->'schemas'->>source, source) ORDER BY source",
		"ajo", v->stream.tables, v->stream.options, v->stream.owner);

	for (uint64 i = 0; i < count; i++)
	{
		char *name = dbs_catalog_text(i, 1);
		char *object = psprintf("schema %s", name);

		if (truth(i, 2) && truth(i, 3) && truth(i, 4))
			put(v, "schema", object, "ok", "exists, and the stream's owner may create tables in it", NULL);
		else if (truth(i, 2) && truth(i, 3))
			put(v, "schema", object, "warning",
				psprintf("exists, but %s may not create tables in it: each must exist already", owner),
				psprintf("GRANT CREATE ON SCHEMA %s TO %s;", name, owner));
		else if (truth(i, 2))
			put(v, "schema", object, "failed", psprintf("%s may not use it", owner),
				psprintf("GRANT USAGE, CREATE ON SCHEMA %s TO %s;", name, owner));
		else if (truth(i, 5))
			put(v, "schema", object, "ok", "will be created", NULL);
		else
			put(v, "schema", object, "failed", psprintf("does not exist, and %s may not create it", owner),
				psprintf("CREATE SCHEMA %s AUTHORIZATION %s;", name, owner));
	}
}

/* Tables that are here already and will be written. Those that are not are the bridge's to name. */
static void
check_tables(Validation *v, const char *owner)
{
	const char **patterns = dbs_stream_patterns(v->stream.tables);
	char *on_ddl = dbs_jsonb_text(v->stream.options, "on_ddl");
	bool applies_ddl = on_ddl == NULL || strcmp(on_ddl, "apply") == 0;
	int found = 0;
	uint64 count = dbs_catalog_run(
		"SELECT coalesce((SELECT key FROM jsonb_each_text(coalesce($1->'schemas', '{}')) WHERE value = n.nspname LIMIT "
		"1),"
		"  n.nspname::text), c.relname::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname),"
		"  has_table_privilege($2::oid, c.oid, 'SELECT') AND has_table_privilege($2::oid, c.oid, 'INSERT')"
		"  AND has_table_privilege($2::oid, c.oid, 'UPDATE') AND has_table_privilege($2::oid, c.oid, 'DELETE'),"
		"  pg_has_role($2::oid, c.relowner, 'USAGE')"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		" WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbstream')"
		" ORDER BY 3",
		"jo", v->stream.options, v->stream.owner);

	for (uint64 i = 0; i < count; i++)
	{
		char *schema = dbs_catalog_text(i, 1);
		char *table = dbs_catalog_text(i, 2);
		char *name = dbs_catalog_text(i, 3);

		if (!dbs_pattern_selects(patterns, schema, strlen(schema), table, strlen(table)))
			continue;
		found++;
		if (!truth(i, 4))
			put(v, "table_rights", psprintf("table %s", name), "failed", psprintf("%s may not write it", owner),
				psprintf("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON %s TO %s;", name, owner));
		else if (applies_ddl && !truth(i, 5))
			put(v, "table_rights", psprintf("table %s", name), "warning",
				psprintf("%s does not own it: a schema change at the source would stop the stream", owner),
				psprintf("ALTER TABLE %s OWNER TO %s; or set the option on_ddl to record.", name, owner));
	}
	put(v, "tables", "database", "ok", psprintf("tables here that the patterns select: %d", found), NULL);
}

static void
check_owner(Validation *v)
{
	char *name = GetUserNameFromId(v->stream.owner, true);

	if (name == NULL)
	{
		put(v, "owner", "stream", "failed", "the role that owns the stream has been dropped",
			"Drop the stream and create it again as another role.");
		return;
	}
	put(v, "owner", "stream", "ok", psprintf("changes are applied with the rights of %s", name), NULL);
	check_schemas(v, quote_identifier(name));
	check_tables(v, quote_identifier(name));
}

/* ---- streams out of this database --------------------------------------- */

static void
check_decoding(Validation *v)
{
	const char *level = GetConfigOption("wal_level", false, false);
	const char *plugins = GetConfigOption("output_plugin_libraries", true, false);
	int slots = pg_strtoint32(GetConfigOption("max_replication_slots", false, false));
	char *slot = dbs_outbound_slot_name(v->stream.id);
	bool isnull;
	int64 used;

	put(v, "wal_level", "server", strcmp(level, "logical") == 0 ? "ok" : "failed", psprintf("wal_level is %s", level),
		strcmp(level, "logical") == 0 ? NULL : "Set wal_level = logical and restart the server.");
	/* Servers that do not know the setting load any plugin. */
	if (plugins != NULL && strstr(plugins, "dbstream") == NULL)
		put(v, "output_plugin_libraries", "server", "failed", psprintf("it lists \"%s\", without dbstream", plugins),
			"Add dbstream to output_plugin_libraries and reload the server's configuration.");
	else
		put(v, "output_plugin_libraries", "server", "ok",
			plugins != NULL ? "it lists dbstream" : "this server does not know the setting", NULL);
	(void) dbs_catalog_run("SELECT count(*) FROM pg_replication_slots WHERE slot_name <> $1", "t", slot);
	used = DatumGetInt64(dbs_catalog_datum(0, 1, &isnull));
	put(v, "max_replication_slots", "server", used < slots ? "ok" : "failed",
		psprintf("%lld of %d are in use by others", (long long) used, slots),
		used < slots ? NULL : psprintf("Set max_replication_slots to %d or more and restart the server.", slots + 4));
}

/* How each table that goes out says which row was changed. */
static void
check_identities(Validation *v)
{
	const char **patterns = dbs_stream_patterns(v->stream.tables);
	int found = 0;
	uint64 count = dbs_catalog_run(
		"SELECT n.nspname::text, c.relname::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname),"
		"  c.relreplident = 'f', c.relreplident = 'i' OR i.indexrelid IS NOT NULL, c.relreplident = 'n'"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		" LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary"
		" WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p' AND n.nspname !~ '^pg_'"
		" AND n.nspname NOT IN ('information_schema', 'dbstream') ORDER BY 3",
		"");

	for (uint64 i = 0; i < count; i++)
	{
		char *schema = dbs_catalog_text(i, 1);
		char *table = dbs_catalog_text(i, 2);
		char *name = dbs_catalog_text(i, 3);

		if (!dbs_pattern_selects(patterns, schema, strlen(schema), table, strlen(table)))
			continue;
		found++;
		if (truth(i, 4) && !truth(i, 5))
			put(v, "replica_identity", psprintf("table %s", name), "warning",
				"without a key, the target finds a row by all its values, which reads the whole table each time",
				psprintf("ALTER TABLE %s ADD PRIMARY KEY (…);", name));
		else if (truth(i, 6) || !(truth(i, 4) || truth(i, 5)))
			put(v, "replica_identity", psprintf("table %s", name), "warning",
				"its updates and deletes do not say which row they changed: the first would stop the stream",
				psprintf("Give it a primary key, or ALTER TABLE %s REPLICA IDENTITY FULL;", name));
	}
	put(v, "tables", "database", "ok", psprintf("tables here that the patterns select: %d", found), NULL);
	if (dbs_ddl_captured())
		put(v, "schema_changes", "stream", "ok", "event triggers capture them", NULL);
	else
		put(v, "schema_changes", "stream", "warning",
			"event triggers that capture them are missing or disabled: the stream carries rows alone",
			psprintf(
				"Let a superuser call dbstream.start_stream(%s) or dbstream.resume_stream(%s); or make each change at "
				"the target before it is made here.",
				quote_literal_cstr(v->stream.name), quote_literal_cstr(v->stream.name)));
}

/* ---- conflicts ----------------------------------------------------------- */

static const char *
option(const DbsStreamRow *stream, const char *name, const char *fallback)
{
	char *value = dbs_jsonb_text(stream->options, name);

	return value != NULL ? value : fallback;
}

static int
tables_of_both(List *tables, List *others)
{
	ListCell *a, *b;
	int count = 0;

	foreach (a, tables)
		foreach (b, others)
			count += ((DbsStreamTable *) lfirst(a))->oid == ((DbsStreamTable *) lfirst(b))->oid;
	return count;
}

/* Do a stream in and a stream out over the same rows choose the same winner? NULL, or what happens otherwise. */
static const char *
divergence(const DbsStreamRow *in, const DbsStreamRow *out)
{
	const char *first = option(in, "conflicts", "stop");
	const char *second = option(out, "conflicts", "stop");

	if (strcmp(first, "stop") == 0 || strcmp(second, "stop") == 0)
		return NULL;
	if (strcmp(first, "latest_wins") == 0 && strcmp(second, "latest_wins") == 0)
		return strcmp(option(in, "conflict_column", ""), option(out, "conflict_column", "")) == 0
				   ? NULL
				   : "they compare different columns";
	if (strcmp(first, second) == 0)
		return strcmp(first, "source_wins") == 0 ? "each side would take the other's row"
												 : "each side would keep its own row";
	if (strcmp(first, "latest_wins") == 0 || strcmp(second, "latest_wins") == 0)
		return "only one of them asks which row is later";
	return NULL;
}

/* The stream the other way over the same tables. */
static void
check_pair(Validation *v, const char *name)
{
	DbsStreamRow other;
	bool outbound = strcmp(v->stream.source, "local") == 0;
	const DbsStreamRow *in = outbound ? &other : &v->stream;
	const DbsStreamRow *out = outbound ? &v->stream : &other;
	List *tables = dbs_stream_tables(&v->stream);
	const char *problem;
	ListCell *cell;

	dbs_stream_look(name, &other);
	if (tables_of_both(tables, dbs_stream_tables(&other)) == 0)
		return;
	problem = divergence(in, out);
	put(v, "conflict_policies", psprintf("streams %s and %s", in->name, out->name), problem == NULL ? "ok" : "warning",
		psprintf("conflicts: %s in, %s out%s%s", option(in, "conflicts", "stop"), option(out, "conflicts", "stop"),
				 problem != NULL ? "; after a conflict both sides would differ: " : "", problem != NULL ? problem : ""),
		problem == NULL ? NULL
						: "Use source_wins in and target_wins out, or the reverse, or latest_wins with one "
						  "conflict_column in both.");
	if (strcmp(option(in, "conflicts", "stop"), "latest_wins") != 0 &&
		strcmp(option(in, "conflicts", "stop"), "target_wins") != 0 &&
		strcmp(option(in, "before_images", "key"), "full") != 0)
		put(v, "old_rows", psprintf("stream %s", in->name), "warning",
			"a row that was changed on both sides is not seen as a conflict here: only keys of old rows travel",
			psprintf("SELECT dbstream.alter_stream(%s, options => '{\"before_images\": \"full\"}');",
					 quote_literal_cstr(in->name)));
	foreach (cell, tables)
	{
		const DbsStreamTable *table = lfirst(cell);

		if (!table->full_identity)
			put(v, "old_rows", psprintf("table %s", table->quoted), "warning",
				"a row that was changed on both sides is not seen as a conflict at the target: only keys of old rows "
				"travel",
				psprintf("ALTER TABLE %s REPLICA IDENTITY FULL;", table->quoted));
	}
}

static void
check_pairs(Validation *v)
{
	uint64 count = dbs_catalog_run("SELECT s.name FROM dbstream.stream s WHERE (s.source, s.target) = ($1, $2)", "tt",
								   v->stream.target, v->stream.source);
	char **names = palloc0((count + 1) * sizeof *names);

	for (uint64 i = 0; i < count; i++)
		names[i] = dbs_catalog_text(i, 1);
	for (uint64 i = 0; i < count; i++)
		check_pair(v, names[i]);
}

static void
check_increments(Validation *v)
{
	char *object;
	bool fit;

	if (!dbs_jsonb_has(v->stream.options, "auto_increment"))
		return;
	fit = dbs_increments_fit(&v->stream, &object);
	put(v, "auto_increment", fit ? "database" : psprintf("sequence %s", object), fit ? "ok" : "warning",
		fit ? "the sequences of the stream's tables give this side's values only" : "it gives values of the other side",
		fit ? NULL : psprintf("SELECT * FROM dbstream.sync_sequences(%s);", quote_literal_cstr(v->stream.name)));
}

/* ---- the other end ------------------------------------------------------ */

static void
put_answer(Validation *v, const char *answer)
{
	DbsCatalogAccess access;
	uint64 count;

	dbs_catalog_enter(&access);
	count =
		dbs_catalog_run("SELECT x.\"check\", x.object, x.status, x.detail, x.remedy FROM jsonb_to_recordset($1::jsonb)"
						" AS x(\"check\" text, object text, status text, detail text, remedy text)",
						"t", answer);
	for (uint64 i = 0; i < count; i++)
		put(v, dbs_catalog_text(i, 1), dbs_catalog_text(i, 2), dbs_catalog_text(i, 3), dbs_catalog_text(i, 4),
			dbs_catalog_text(i, 5));
	dbs_catalog_leave(&access);
}

static void
check_source(Validation *v, const char *definition)
{
	int bridges = dbs_bridge_count();
	bool taken;
	char *answer;

	if (bridges == 0)
	{
		put(v, "bridge", "database", "failed", "no bridge is connected, so the source cannot be checked",
			dbs_bridge_command());
		return;
	}
	answer = dbs_bridge_ask("validate", definition, ANSWER_MS, &taken);
	if (answer == NULL)
	{
		put(v, "bridge", "database", "failed",
			taken ? "a bridge began to check the source and gave no answer in 15 seconds"
				  : "no bridge took the request in 15 seconds",
			taken ? "See the bridge's log; the source may be slow or out of reach." : dbs_bridge_command());
		return;
	}
	put(v, "bridge", "database", "ok", "a bridge is connected", NULL);
	put_answer(v, answer);
}

/* What a bridge is asked with; a text that outlives the access. Of a stream out of this database with its tables. */
static char *
definition_text(Validation *v, MemoryContext context)
{
	const char *relations = NULL;
	char *text;
	int left = 0;

	if (strcmp(v->stream.source, "local") == 0)
		relations = dbs_outbound_relations(&v->stream, RELATIONS_SIZE, &left);
	if (left > 0)
		put(v, "target_columns", "database", "warning",
			psprintf("the columns of %d tables are not compared with the target's: there are too many", left), NULL);
	(void) dbs_catalog_run("SELECT to_jsonb(d) - 'desired' || CASE WHEN $2 IS NULL THEN '{}' ELSE"
						   " jsonb_build_object('relations', $2::jsonb) END"
						   " FROM dbstream.stream_definition d WHERE d.stream_id = $1",
						   "it", v->stream.id, relations);
	text = dbs_catalog_text(0, 1);
	return MemoryContextStrdup(context, text);
}

/* validate_stream(name) → check_name, object, status, detail, remedy */
Datum
dbs_validate_stream(PG_FUNCTION_ARGS)
{
	Validation v = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	MemoryContext context = CurrentMemoryContext;
	DbsCatalogAccess access;
	char *definition;

	InitMaterializedSRF(fcinfo, 0);
	dbs_catalog_enter(&access);
	dbs_stream_look(text_to_cstring(PG_GETARG_TEXT_PP(0)), &v.stream);
	check_server(&v);
	if (strcmp(v.stream.source, "local") == 0)
	{
		check_decoding(&v);
		dbs_validate_outbound(v.result, &v.stream);
		check_identities(&v);
	}
	else if (strcmp(v.stream.target, "local") == 0)
	{
		check_workers(&v);
		check_origins(&v);
		check_owner(&v);
	}
	check_pairs(&v);
	check_increments(&v);
	definition = definition_text(&v, context);
	dbs_catalog_leave(&access);
	check_source(&v, definition);
	return (Datum) 0;
}
