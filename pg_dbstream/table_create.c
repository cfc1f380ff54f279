/*
 * A table that the log speaks of and the target does not have is created from
 * the wire's description: columns, NOT NULL and the primary key; what else the
 * source's table has is not in the log.
 */
#include "apply.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "ddl_history.h"
#include "ddl.h"
#include "name.h"
#include "typemap.h"
#include "utils/builtins.h"

static const char *
fitted(const char *name)
{
	char *out = palloc(DBS_NAME_BUFFER);

	dbs_name_fit(name, strlen(name), out);
	return out;
}

/* A zero date becomes NULL unless the option says otherwise, so such a column takes NULL. */
static bool
may_become_null(const DbsWireColumn *column)
{
	switch (column->kind)
	{
		case DBS_KIND_DATE:
		case DBS_KIND_TIMESTAMP:
		case DBS_KIND_TIMESTAMPTZ:
			return strcmp(dbs_stream_option(dbs_apply.stream, "zero_dates", "null"), "null") == 0;
		default:
			return false;
	}
}

static void
add_column(StringInfo sql, const DbsWireTable *table, const DbsWireColumn *column)
{
	char type[256];

	if (!dbs_type_for_column(column->kind, column->length, column->scale, column->type_name, type, sizeof type))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("no type is known for column \"%s\" (%s) of table \"%s.%s\"", column->name,
							   column->type_name, table->schema, table->name),
						errhint("Create the table at the target; the stream goes on from here.")));
	appendStringInfo(sql, "%s %s", quote_identifier(fitted(column->name)), type);
	if (!(column->flags & DBS_COLUMN_NULLABLE) && ((column->flags & DBS_COLUMN_KEY) || !may_become_null(column)))
		appendStringInfoString(sql, " NOT NULL");
}

static void
add_primary_key(StringInfo sql, const DbsWireTable *table)
{
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < table->column_count; i++)
	{
		const DbsWireColumn *column = &table->columns[i];

		if (!(column->flags & DBS_COLUMN_KEY))
			continue;
		if (column->flags & DBS_COLUMN_NULLABLE)
			return;
		appendStringInfo(&columns, "%s%s", columns.len > 0 ? ", " : "", quote_identifier(fitted(column->name)));
	}
	if (columns.len > 0)
		appendStringInfo(sql, ", PRIMARY KEY (%s)", columns.data);
}

Oid
dbs_table_create(DbsWireTable *table)
{
	const char *schema = dbs_target_schema(table->schema, strlen(table->schema));
	List *statements = NIL;
	DbsNote *note = palloc0(sizeof *note);
	StringInfoData sql;
	Oid oid;

	if (!OidIsValid(get_namespace_oid(schema, true)))
		statements = lappend(statements, psprintf("CREATE SCHEMA %s", quote_identifier(schema)));
	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (", quote_qualified_identifier(schema, fitted(table->name)));
	for (int i = 0; i < table->column_count; i++)
	{
		appendStringInfoString(&sql, i > 0 ? ", " : "");
		add_column(&sql, table, &table->columns[i]);
	}
	add_primary_key(&sql, table);
	appendStringInfoChar(&sql, ')');
	statements = lappend(statements, sql.data);
	dbs_ddl_execute(statements);

	oid = dbs_target_lookup(table->schema, table->name);
	if (!OidIsValid(oid))
		elog(ERROR, "dbstream: a table just created is not there");
	note->severity = DBS_NOTE_WARNING;
	note->text = "made from the log's description: secondary indexes, defaults and foreign keys are not in it";
	dbs_ddl_history_add(table->schema, psprintf("-- table %s.%s, as described by the log", table->schema, table->name),
						statements, list_make1(note), "applied");
	table->counter->state = "created from log";
	return oid;
}
