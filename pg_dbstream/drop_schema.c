/*
 * DROP DATABASE at the source.  A schema at the target may hold more than the
 * source's tables (a stream's option schemas may even map it to public), so
 * what goes is what the stream has brought, and the schema itself only when it is empty then.
 */
#include "apply.h"

#include "access/xact.h"
#include "catalog.h"
#include "ddl.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

static const char tables_query[] = "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)"
								   " FROM dbstream.stream_table t"
								   " JOIN pg_catalog.pg_class c ON c.oid = t.target"
								   " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
								   " WHERE t.stream_id = $1 AND t.source_schema = $2 AND c.relkind IN ('r', 'p')"
								   " AND NOT c.relispartition ORDER BY 1";

List *
dbs_drop_schema_sql(const char *source_schema, List **notes)
{
	const char *schema = dbs_target_schema(source_schema, strlen(source_schema));
	MemoryContext context = CurrentMemoryContext;
	DbsNote *note = palloc0(sizeof *note);
	DbsCatalogAccess access;
	StringInfoData drop;
	List *sql = NIL;
	uint64 count;

	/* What was counted in memory only is a table of the stream, too. */
	dbs_counters_flush();
	CommandCounterIncrement();
	initStringInfo(&drop);
	dbs_catalog_enter(&access);
	count = dbs_catalog_run(tables_query, "it", dbs_apply.stream->id, source_schema);
	for (uint64 i = 0; i < count; i++)
	{
		MemoryContext spi = MemoryContextSwitchTo(context);

		appendStringInfo(&drop, "%s%s", i == 0 ? "DROP TABLE " : ", ", dbs_catalog_text(i, 1));
		MemoryContextSwitchTo(spi);
	}
	dbs_catalog_leave(&access);
	if (count > 0)
		sql = lappend(sql, drop.data);
	if (strcmp(schema, "public") != 0)
	{
		const char *body = psprintf("BEGIN DROP SCHEMA IF EXISTS %s RESTRICT; EXCEPTION WHEN "
									"dependent_objects_still_exist THEN NULL; END",
									quote_identifier(schema));

		sql = lappend(sql, psprintf("DO %s", quote_literal_cstr(body)));
	}
	note->text =
		psprintf("the stream's tables in schema \"%s\" are dropped; what else is there stays, and so does the schema "
				 "while it is not empty",
				 schema);
	*notes = lappend(*notes, note);
	return sql;
}
