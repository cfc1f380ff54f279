/*
 * postgresql_ddl: what a stream would make of a table of its source.
 *
 * The table's own statement is known only at the source, so a bridge is asked
 * for it; the translation is the one that a backfill executes.
 */
#include "postgres.h"

#include "bridge_registry.h"
#include "catalog.h"
#include "catalog/namespace.h"
#include "ddl.h"
#include "ddl_print.h"
#include "fmgr.h"
#include "options.h"
#include "pattern.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(dbs_postgresql_ddl);

/* A bridge gives the source 10 seconds. */
#define ANSWER_MS 15000

/* "shop.orders", a backslash before a dot that belongs to a name, as in a stream's patterns. */
static void
split_name(const char *text, DdlName *table)
{
	StringInfoData part[2];
	int at = 0;

	initStringInfo(&part[0]);
	initStringInfo(&part[1]);
	for (; *text != '\0'; text++)
	{
		if (*text == '.')
		{
			if (++at > 1)
				break;
		}
		else
		{
			if (*text == '\\' && text[1] != '\0')
				text++;
			appendStringInfoChar(&part[at], *text);
		}
	}
	if (at != 1 || part[0].len == 0 || part[1].len == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_NAME), errmsg("a table of the source is named database.table"),
						errhint("Put a backslash before a dot that belongs to a name.")));
	table->schema = part[0].data;
	table->name = part[1].data;
}

/* The stream's options and the question for a bridge, both in the caller's memory. */
static char *
look_up(const char *name, const DdlName *table, DbsDdlOptions *options)
{
	MemoryContext context = CurrentMemoryContext;
	DbsCatalogAccess access;
	DbsStreamRow row;
	DbsStream *stream;
	char *question;
	int id;

	dbs_catalog_enter(&access);
	dbs_stream_look(name, &row);
	if (strcmp(row.source, "local") == 0)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("stream \"%s\" goes out of this database", name),
						errhint("Its tables are here already: see dbstream.mysql_ddl(table, options).")));
	id = row.id;
	(void) dbs_catalog_run("SELECT to_jsonb(d) - 'desired' || jsonb_build_object('table', jsonb_build_object("
						   "'schema', $2, 'name', $3)) FROM dbstream.stream_definition d WHERE d.stream_id = $1",
						   "itt", id, table->schema, table->name);
	question = MemoryContextStrdup(context, dbs_catalog_text(0, 1));
	dbs_catalog_leave(&access);

	stream = dbs_stream_load(id);
	if (!dbs_pattern_selects(stream->tables, table->schema, strlen(table->schema), table->name, strlen(table->name)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("stream \"%s\" does not select table %s.%s", name, table->schema, table->name),
						errhint("Its patterns are in dbstream.stream; alter_stream changes them.")));
	dbs_ddl_options_from_stream(stream, options);
	return question;
}

/* The answer is a failed check, as validate_stream shows them. */
static void
refused(Jsonb *answer)
{
	JsonbValue *check = JB_ROOT_IS_ARRAY(answer) ? getIthJsonbValueFromContainer(&answer->root, 0) : NULL;
	Jsonb *object = check != NULL && check->type == jbvBinary ? JsonbValueToJsonb(check) : NULL;
	char *detail = object != NULL ? dbs_jsonb_text(object, "detail") : NULL;
	char *remedy = object != NULL ? dbs_jsonb_text(object, "remedy") : NULL;

	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
			 errmsg("the bridge could not read the table's definition: %s",
					detail != NULL ? detail : "its answer is not understood"),
			 errhint("%s", remedy != NULL ? remedy : "Install the dbstream-bridge that matches the extension.")));
}

/* The statement as the source writes it; options->source is set to its dialect. */
static char *
ask(const char *question, DbsDdlOptions *options)
{
	bool taken = false;
	char *text;
	Jsonb *answer;
	char *create;
	char *kind;

	dbs_bridge_registry_require();
	if (dbs_bridge_count() == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no bridge is connected, so the source cannot be asked"), errhint("%s", dbs_bridge_command())));
	text = dbs_bridge_ask("definition", question, ANSWER_MS, &taken);
	if (text == NULL)
		ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
						errmsg(taken ? "a bridge began to ask the source and gave no answer in 15 seconds"
									 : "no bridge took the request in 15 seconds"),
						errhint("See the bridge's log; the source may be slow or out of reach.")));
	answer = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	create = JB_ROOT_IS_OBJECT(answer) ? dbs_jsonb_text(answer, "create") : NULL;
	kind = JB_ROOT_IS_OBJECT(answer) ? dbs_jsonb_text(answer, "kind") : NULL;
	if (create == NULL || kind == NULL)
		refused(answer);
	options->source = strcmp(kind, "mariadb") == 0 ? DBS_DIALECT_MARIADB : DBS_DIALECT_MYSQL;
	return create;
}

static void
append_schema(StringInfo out, const DbsDdlOptions *options)
{
	DdlPrinter printer = {.options = options, .default_schema = options->default_schema};
	const char *schema = dbs_ddl_target_schema(&printer, NULL);

	if (!OidIsValid(get_namespace_oid(schema, true)))
		appendStringInfo(out, "CREATE SCHEMA IF NOT EXISTS %s;\n", dbs_ddl_pg_quote(schema));
}

/* A backfill does not execute a translation that lacks something. */
static bool
has_error(const DbsDdlStatement *statement)
{
	ListCell *cell;

	if (statement->class != DBS_DDL_APPLY)
		return true;
	foreach (cell, statement->notes)
	{
		if (((DbsNote *) lfirst(cell))->severity == DBS_NOTE_ERROR)
			return true;
	}
	return false;
}

/* postgresql_ddl(stream, table) → text */
Datum
dbs_postgresql_ddl(PG_FUNCTION_ARGS)
{
	DbsDdlOptions options = {0};
	StringInfoData out;
	DdlName table;
	char *question;
	char *create;
	ListCell *cell;

	split_name(text_to_cstring(PG_GETARG_TEXT_PP(1)), &table);
	question = look_up(text_to_cstring(PG_GETARG_TEXT_PP(0)), &table, &options);
	create = ask(question, &options);
	options.default_schema = table.schema;
	initStringInfo(&out);
	append_schema(&out, &options);
	foreach (cell, dbs_ddl_translate(create, &options))
	{
		const DbsDdlStatement *statement = lfirst(cell);
		ListCell *sql;

		dbs_ddl_append_notes(&out, statement->notes);
		if (has_error(statement))
			dbs_ddl_append_comment(&out, "",
								   "so the stream makes the table from the log's description (columns, NOT NULL, "
								   "primary key), unless it finds one; the text below lacks what the errors tell");
		foreach (sql, statement->sql)
			appendStringInfo(&out, "%s;\n", (const char *) lfirst(sql));
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
