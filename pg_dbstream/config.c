/*
 * export_config and import_config: all connections and streams as one JSON
 * document, without passwords.
 */
#include "postgres.h"

#include "catalog.h"
#include "connection.h"
#include "stream.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(dbs_export_config);
PG_FUNCTION_INFO_V1(dbs_import_config);

/* One object of the document, in memory that outlives an access to the catalogue. */
typedef struct Entry
{
	char *name;
	char *kind; /* connections only */
	char *source;
	char *target;
	ArrayType *tables;
	Jsonb *options;
	char *existing; /* "absent", "same", "different", or "other" where it cannot be altered into this */
} Entry;

Datum
dbs_export_config(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	DbsCatalogAccess access;
	char *text;

	dbs_catalog_enter(&access);
	(void) dbs_catalog_run(
		"SELECT jsonb_build_object('version', 1,"
		" 'connections', coalesce((SELECT jsonb_agg(jsonb_build_object('name', name, 'kind', kind, 'options', options)"
		"   ORDER BY name) FROM dbstream.connection), '[]'),"
		" 'streams', coalesce((SELECT jsonb_agg(jsonb_build_object('name', name, 'source', source, 'target', target,"
		"   'tables', tables, 'options', options) ORDER BY name) FROM dbstream.stream), '[]'))",
		"");
	text = MemoryContextStrdup(context, dbs_catalog_text(0, 1));
	dbs_catalog_leave(&access);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

/* ---- reading the document ---------------------------------------------- */

/* Every name in it must be one that is known: a misspelt one would be lost in silence. */
static void
check_shape(Jsonb *document)
{
	if (dbs_catalog_run("SELECT FROM jsonb_typeof($1) t WHERE t <> 'object'", "j", document) > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the configuration must be a JSON object"),
						errhint("Use what dbstream.export_config() gave.")));
	if (dbs_catalog_run("SELECT key FROM jsonb_each($1) WHERE key NOT IN ('version', 'connections', 'streams')"
						" OR (key <> 'version' AND jsonb_typeof(value) <> 'array')"
						" OR (key = 'version' AND value <> '1') ORDER BY key",
						"j", document) > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("member \"%s\" of the configuration is unknown or ill-typed", dbs_catalog_text(0, 1)),
						errhint("A configuration has \"version\": 1, \"connections\": [...] and \"streams\": [...].")));
	if (dbs_catalog_run("SELECT FROM (VALUES ('connections'), ('streams')) d(key),"
						" jsonb_array_elements(coalesce($1->d.key, '[]')) e WHERE jsonb_typeof(e) <> 'object'",
						"j", document) > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("connections and streams of a configuration are objects"),
						errhint("Use what dbstream.export_config() gave.")));
	if (dbs_catalog_run("SELECT d.key, k FROM (VALUES ('connections', '{name,kind,options}'::text[]),"
						" ('streams', '{name,source,target,tables,options}')) d(key, known),"
						" jsonb_array_elements(coalesce($1->d.key, '[]')) e, jsonb_object_keys(e) k"
						" WHERE k <> ALL (d.known) ORDER BY 1, 2",
						"j", document) > 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown member \"%s\" in %s of the configuration", dbs_catalog_text(0, 2), dbs_catalog_text(0, 1)),
			 errhint("A connection has name, kind and options; a stream has name, source, target, tables and "
					 "options.")));
}

static char *
take_text(uint64 row, int column, const char *what)
{
	char *text = dbs_catalog_text(row, column);

	if (text == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("object %llu of the configuration has no %s", (unsigned long long) row + 1, what)));
	return text;
}

static List *
read_connections(Jsonb *document, MemoryContext context)
{
	List *items = NIL;
	uint64 count = dbs_catalog_run(
		"SELECT x.name, x.kind, coalesce(x.options, '{}'), CASE WHEN c.id IS NULL THEN 'absent' WHEN c.kind <> x.kind "
		"THEN"
		" 'other' WHEN c.options = coalesce(x.options, '{}') THEN 'same' ELSE 'different' END"
		" FROM jsonb_to_recordset(coalesce($1->'connections', '[]')) AS x(name text, kind text, options jsonb)"
		" LEFT JOIN dbstream.connection c ON c.name = x.name ORDER BY x.name",
		"j", document);

	for (uint64 i = 0; i < count; i++)
	{
		MemoryContext before = MemoryContextSwitchTo(context);
		Entry *item = palloc0(sizeof(Entry));
		bool isnull;

		item->name = pstrdup(take_text(i, 1, "name"));
		item->kind = pstrdup(take_text(i, 2, "kind"));
		item->options = DatumGetJsonbPCopy(dbs_catalog_datum(i, 3, &isnull));
		item->existing = pstrdup(dbs_catalog_text(i, 4));
		items = lappend(items, item);
		MemoryContextSwitchTo(before);
	}
	return items;
}

static List *
read_streams(Jsonb *document, MemoryContext context)
{
	List *items = NIL;
	uint64 count = dbs_catalog_run(
		"SELECT x.name, x.source, x.target, coalesce(x.tables, '{}'), coalesce(x.options, '{}'), CASE WHEN s.id IS NULL"
		" THEN 'absent' WHEN s.source <> x.source OR s.target <> x.target THEN 'other' WHEN s.tables = x.tables AND"
		" s.options = coalesce(x.options, '{}') THEN 'same' ELSE 'different' END"
		" FROM jsonb_to_recordset(coalesce($1->'streams', '[]')) AS x(name text, source text, target text, tables "
		"text[],"
		" options jsonb) LEFT JOIN dbstream.stream s ON s.name = x.name ORDER BY x.name",
		"j", document);

	for (uint64 i = 0; i < count; i++)
	{
		MemoryContext before = MemoryContextSwitchTo(context);
		Entry *item = palloc0(sizeof(Entry));
		bool isnull;

		item->name = pstrdup(take_text(i, 1, "name"));
		item->source = pstrdup(take_text(i, 2, "source"));
		item->target = pstrdup(take_text(i, 3, "target"));
		item->tables = DatumGetArrayTypePCopy(dbs_catalog_datum(i, 4, &isnull));
		item->options = DatumGetJsonbPCopy(dbs_catalog_datum(i, 5, &isnull));
		item->existing = pstrdup(dbs_catalog_text(i, 6));
		items = lappend(items, item);
		MemoryContextSwitchTo(before);
	}
	return items;
}

/* ---- bringing it about -------------------------------------------------- */

static void
put_action(ReturnSetInfo *result, const char *object, const char *name, const char *action)
{
	Datum values[3] = {CStringGetTextDatum(object), CStringGetTextDatum(name), CStringGetTextDatum(action)};
	bool nulls[3] = {false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* An error unless an existing object may become the document's. */
static void
require_replaceable(const char *object, const Entry *item, bool replace)
{
	if (strcmp(item->existing, "other") == 0)
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
						errmsg("%s \"%s\" exists with another %s", object, item->name,
							   item->kind != NULL ? "kind" : "source or target"),
						errhint("Drop it first, or choose another name.")));
	if (!replace)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("%s \"%s\" exists with other settings", object, item->name),
				 errhint("dbstream.import_config(..., replace => true) replaces them.")));
}

static void
import_item(ReturnSetInfo *result, const char *object, const Entry *item, bool replace)
{
	bool connection = item->kind != NULL;

	if (strcmp(item->existing, "same") == 0)
	{
		put_action(result, object, item->name, "unchanged");
		return;
	}
	if (strcmp(item->existing, "absent") == 0)
	{
		if (connection)
			dbs_connection_create(item->name, item->kind, item->options);
		else
			dbs_stream_create(item->name, item->source, item->target, item->tables, item->options);
		put_action(result, object, item->name, "created");
		return;
	}
	require_replaceable(object, item, replace);
	if (connection)
		dbs_connection_alter(item->name, item->options, true);
	else
		dbs_stream_alter(item->name, item->tables, item->options, true);
	put_action(result, object, item->name, "replaced");
}

/* import_config(config, replace) → object, name, action */
Datum
dbs_import_config(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Jsonb *document = PG_GETARG_JSONB_P(0);
	bool replace = PG_GETARG_BOOL(1);
	MemoryContext context = CurrentMemoryContext;
	DbsCatalogAccess access;
	DbsHiding hiding;
	List *connections;
	List *streams;
	ListCell *cell;

	InitMaterializedSRF(fcinfo, 0);
	dbs_hide_statement(&hiding);
	dbs_catalog_enter(&access);
	check_shape(document);
	connections = read_connections(document, context);
	streams = read_streams(document, context);
	dbs_catalog_leave(&access);
	foreach (cell, connections)
		import_item(result, "connection", lfirst(cell), replace);
	foreach (cell, streams)
		import_item(result, "stream", lfirst(cell), replace);
	dbs_unhide_statement(&hiding);
	return (Datum) 0;
}
