/*
 * Backfills on request: dbstream.backfill_table() and dbstream.cancel_backfill().
 *
 * Both only write the record. The bridge, told by a new generation of the stream, ends its session and opens one that
 * reads the record.
 */
#include "postgres.h"

#include "backfill_record.h"
#include "bridge_registry.h"
#include "catalog.h"
#include "fmgr.h"
#include "pattern.h"
#include "utils/builtins.h"
#include "utils/array.h"
#include "catalog/pg_type.h"

PG_FUNCTION_INFO_V1(dbs_backfill_table);
PG_FUNCTION_INFO_V1(dbs_cancel_backfill);

static void
require_inbound(const DbsStreamRow *row)
{
	DbsConnectionRow connection;

	if (strcmp(row->source, "local") == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("stream \"%s\" goes out of this database: nothing is copied into it", row->name)));
	dbs_connection_get(row->source, &connection);
	if (strcmp(connection.kind, "postgresql") == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("the source of stream \"%s\" is PostgreSQL: a running stream cannot copy its tables in "
							   "version 0.1.0",
							   row->name)));
}

/* The name of a table of the source, at its first dot: a database's name has none. */
static void
split_name(const char *text, char **schema, char **name)
{
	const char *dot = strchr(text, '.');

	if (dot == NULL || dot == text || dot[1] == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_NAME), errmsg("\"%s\" is not the name of a table at the source", text),
						errhint("Give database and table as the source names them, without quotes: shop.orders.")));
	*schema = pnstrdup(text, dot - text);
	*name = pstrdup(dot + 1);
}

static void
require_selected(const DbsStreamRow *row, const char *schema, const char *name)
{
	const char **patterns;
	Datum *elements;
	int count;

	deconstruct_array(row->tables, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	patterns = palloc0((count + 1) * sizeof *patterns);
	for (int i = 0; i < count; i++)
		patterns[i] = TextDatumGetCString(elements[i]);
	if (!dbs_pattern_selects(patterns, schema, strlen(schema), name, strlen(name)))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("stream \"%s\" does not select table \"%s.%s\"", row->name, schema, name),
			 errhint(
				 "Upper and lower case count. Add it with dbstream.alter_stream(%s, tables => ...), which copies it "
				 "too.",
				 quote_literal_cstr(row->name))));
}

/* Before its first session a stream has nothing to be copied again; it may not be meant to begin with a copy at all. */
static void
require_begun(const DbsStreamRow *row)
{
	if (dbs_catalog_run("SELECT FROM dbstream.progress WHERE stream_id = $1 AND position <> '' UNION ALL SELECT FROM "
						"dbstream.backfill WHERE stream_id = $1 AND planned",
						"i", row->id) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("stream \"%s\" has not begun yet", row->name),
				 errhint("With the option start \"backfill\" it copies every table by itself. Else try again when "
						 "dbstream.stream_status shows a position.")));
}

Datum
dbs_backfill_table(PG_FUNCTION_ARGS)
{
	char *schema, *name;
	DbsCatalogAccess access;
	DbsStreamRow row;

	split_name(text_to_cstring(PG_GETARG_TEXT_PP(1)), &schema, &name);
	dbs_catalog_enter(&access);
	dbs_stream_get(text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	dbs_stream_require_owner(&access, &row);
	require_inbound(&row);
	require_selected(&row, schema, name);
	require_begun(&row);
	if (dbs_catalog_run(
			"SELECT FROM dbstream.backfill_table t JOIN dbstream.backfill b USING (stream_id) WHERE "
			"t.stream_id = $1 AND t.source_schema = $2 AND t.source_table = $3 AND (t.phase = 'requested' OR "
			"(t.phase IN ('waiting', 'copying') AND b.state = 'copying' AND t.chunks = 0))",
			"itt", row.id, schema, name) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE), errmsg("table \"%s.%s\" waits to be copied already", schema, name),
				 errhint("dbstream.backfill_status shows how far it is.")));
	dbs_backfill_request_recorded(row.id, schema, name);
	dbs_catalog_leave(&access);
	PG_RETURN_VOID();
}

Datum
dbs_cancel_backfill(PG_FUNCTION_ARGS)
{
	DbsCatalogAccess access;
	DbsStreamRow row;
	uint64 count;

	dbs_catalog_enter(&access);
	dbs_stream_get(text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	dbs_stream_require_owner(&access, &row);
	require_inbound(&row);
	if (dbs_catalog_run("SELECT FROM dbstream.backfill WHERE stream_id = $1 AND state = 'copying'", "i", row.id) == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("stream \"%s\" is not copying tables", row.name),
						errhint("dbstream.backfill_status shows what it is doing.")));
	if (dbs_catalog_run("SELECT FROM dbstream.backfill WHERE stream_id = $1 AND planned AND NOT EXISTS (SELECT FROM "
						"dbstream.backfill_selection WHERE stream_id = $1)",
						"i", row.id) == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("stream \"%s\" is still listing the tables that it is to copy", row.name),
						errhint("Try again in a moment; or pause and drop the stream.")));
	count = dbs_catalog_run("UPDATE dbstream.backfill_table SET phase = 'cancelled', finished_at = clock_timestamp() "
							"WHERE stream_id = $1 AND phase IN ('requested', 'waiting', 'copying')",
							"i", row.id);
	(void) dbs_catalog_run("DELETE FROM dbstream.backfill_range WHERE stream_id = $1", "i", row.id);
	(void) dbs_catalog_run("UPDATE dbstream.stream SET generation = generation + 1, changed_at = clock_timestamp() "
						   "WHERE id = $1",
						   "i", row.id);
	dbs_notify();
	dbs_catalog_leave(&access);
	PG_RETURN_INT32((int32) count);
}
