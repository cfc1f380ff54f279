/*
 * Statements in the log of a MySQL source whose stream goes to another MySQL server: the bridge has no parser, so it
 * asks here what each one means.
 *
 * What takes rows away without writing them into the log (TRUNCATE, of a table or of partitions) is no schema change:
 * it is carried out, whatever the stream's option on_ddl says.
 *
 * A schema change is carried out in its own words where all its tables are the stream's: the bridge gives it the
 * session's settings.
 */
#include "postgres.h"

#include "catalog.h"
#include "ddl_concern.h"
#include "ddl_print.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "pattern.h"
#include "stream_row.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(dbs_relay_ddl);

typedef struct Relay
{
	ReturnSetInfo *result;
	const DbsStream *stream;
	const DbsDdlOptions *options;
	const char *position;
	const char *default_schema;
} Relay;

static void
answer(const Relay *relay, const char *meaning, const char *schema, const char *name, const char *partitions)
{
	const char *texts[] = {meaning, schema, name, partitions};
	Datum values[lengthof(texts)];
	bool nulls[lengthof(texts)];

	for (int i = 0; i < lengthof(texts); i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(relay->result->setResult, relay->result->setDesc, values, nulls);
}

static void
answer_emptied(const Relay *relay, const DbsDdlStatement *statement)
{
	StringInfoData partitions;
	ListCell *cell;

	initStringInfo(&partitions);
	foreach (cell, statement->emptied)
		appendStringInfo(&partitions, "%s%s", partitions.len > 0 ? ", " : "", dbs_ddl_mysql_quote(lfirst(cell)));
	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		const char *schema = table->schema != NULL ? table->schema : "";

		if (dbs_pattern_selects(relay->stream->tables, schema, strlen(schema), table->name, strlen(table->name)))
			answer(relay, "truncate", schema, table->name, partitions.data);
	}
}

/* A row for each of the stream's tables that the statement is about, or one without names. */
static void
answer_tables(const Relay *relay, const DbsDdlStatement *statement, const char *meaning)
{
	bool named = false;
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		const char *schema = table->schema != NULL ? table->schema : "";

		if (!dbs_pattern_selects(relay->stream->tables, schema, strlen(schema), table->name, strlen(table->name)))
			continue;
		answer(relay, meaning, schema, table->name, NULL);
		named = true;
	}
	if (!named)
		answer(relay, meaning, NULL, NULL, NULL);
}

/* A session that starts again may meet the statement again; position and text tell that it is the same. */
static void
record(const Relay *relay, const DbsDdlStatement *statement)
{
	DbsCatalogAccess access;

	dbs_catalog_enter(&access);
	(void) dbs_catalog_run("INSERT INTO dbstream.ddl_history (stream_id, position, default_schema, source_sql, outcome)"
						   " SELECT $1, $2, nullif($3, ''), $4, 'recorded' WHERE NOT EXISTS (SELECT FROM"
						   " dbstream.ddl_history h WHERE h.stream_id = $1 AND h.position = $2 AND h.source_sql = $4)",
						   "ittt", relay->stream->id, relay->position, relay->default_schema, statement->source_sql);
	dbs_catalog_leave(&access);
}

static bool
selects_all(const Relay *relay, const DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		const char *schema = table->schema != NULL ? table->schema : "";

		if (!dbs_pattern_selects(relay->stream->tables, schema, strlen(schema), table->name, strlen(table->name)))
			return false;
	}
	return true;
}

static bool
has_word(const char *text, const char *word)
{
	size_t size = strlen(word);

	for (; *text != '\0'; text++)
	{
		if (pg_strncasecmp(text, word, size) == 0)
			return true;
	}
	return false;
}

/* Rows and position would not be of one transaction. */
static bool
has_bare_engine(const char *text)
{
	static const char *const engines[] = {"MyISAM", "Aria", "MEMORY", "ARCHIVE"};

	for (int i = 0; has_word(text, "ENGINE") && i < lengthof(engines); i++)
	{
		if (has_word(text, engines[i]))
			return true;
	}
	return false;
}

/* MySQL logs CREATE TABLE … SELECT as a statement that only its own replica can execute, and rows. */
static bool
can_be_carried(const Relay *relay, const DbsDdlStatement *statement)
{
	const char *text = statement->source_sql;

	if (statement->class != DBS_DDL_APPLY || has_bare_engine(text) || has_word(text, "START TRANSACTION") ||
		dbs_stream_option(relay->stream, "schemas", NULL) != NULL)
		return false;
	if (statement->tables != NIL)
		return selects_all(relay, statement);
	return has_word(statement->tag, " VIEW") ||
		   (statement->schema != NULL && pg_strncasecmp(statement->tag, "DROP", 4) != 0);
}

static bool
drops_tables(const DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		if (!((const DbsDdlTable *) lfirst(cell))->dropped)
			return false;
	}
	return statement->tables != NIL && pg_strncasecmp(statement->tag, "DROP", 4) == 0 &&
		   !has_word(statement->tag, " VIEW");
}

/*
 * What to execute at the target. Servers write DROP TABLE into their log anew, without comments: one more name, of a
 * table that is nowhere, tells a stream the other way whose it is.
 */
static void
answer_carried(const Relay *relay, const DbsDdlStatement *statement)
{
	StringInfoData drop;
	ListCell *cell;

	answer_tables(relay, statement, "carry");
	if (!drops_tables(statement))
	{
		answer(relay, "execute", NULL, NULL, statement->source_sql);
		return;
	}
	initStringInfo(&drop);
	appendStringInfoString(&drop, "DROP TABLE IF EXISTS ");
	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		const char *schema = dbs_ddl_mysql_quote(table->schema != NULL ? table->schema : "");

		appendStringInfo(&drop, "%s.%s, ", schema, dbs_ddl_mysql_quote(table->name));
		if (cell == list_tail(statement->tables))
			appendStringInfo(&drop, "%s.dbstream_dropped_", schema);
	}
	answer(relay, "execute", NULL, NULL, drop.data);
}

static void
judge(const Relay *relay, const DbsDdlStatement *statement)
{
	if (statement->class == DBS_DDL_CONTROL || statement->class == DBS_DDL_IGNORE)
		return;
	if (statement->class == DBS_DDL_DML)
	{
		answer(relay, "statement", NULL, NULL, NULL);
		return;
	}
	if (dbs_ddl_concern(relay->stream->tables, statement) == DBS_DDL_CONCERNS_OTHERS)
		return;
	if (statement->empties)
		answer_emptied(relay, statement);
	else if (strcmp(dbs_stream_option(relay->stream, "on_ddl", "apply"), "record") == 0)
	{
		record(relay, statement);
		answer_tables(relay, statement, "recorded");
	}
	else if (strcmp(dbs_stream_option(relay->stream, "on_ddl", "apply"), "apply") == 0 &&
			 can_be_carried(relay, statement))
		answer_carried(relay, statement);
	else
		answer_tables(relay, statement, statement->class == DBS_DDL_UNKNOWN ? "unknown" : "schema change");
}

/*
 * relay_ddl(stream_id, text, default_schema, sql_mode, dialect, position) → meaning, schema, name, words: a row
 * for each thing to do; none: the statement is no matter of the stream's.
 */
Datum
dbs_relay_ddl(PG_FUNCTION_ARGS)
{
	Relay relay = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	DbsStream *stream = dbs_stream_load(PG_GETARG_INT32(0));
	char *ddl = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *default_schema = text_to_cstring(PG_GETARG_TEXT_PP(2));
	DbsDdlOptions options;
	ListCell *cell;

	if (stream == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no stream with id %d", PG_GETARG_INT32(0))));
	InitMaterializedSRF(fcinfo, 0);
	memset(&options, 0, sizeof options);
	dbs_ddl_options_from_stream(stream, &options);
	options.source =
		strcmp(text_to_cstring(PG_GETARG_TEXT_PP(4)), "mariadb") == 0 ? DBS_DIALECT_MARIADB : DBS_DIALECT_MYSQL;
	options.default_schema = default_schema[0] != '\0' ? default_schema : NULL;
	options.sql_mode = (uint64) PG_GETARG_INT64(3);
	relay.stream = stream;
	relay.options = &options;
	relay.default_schema = default_schema;
	relay.position = text_to_cstring(PG_GETARG_TEXT_PP(5));
	foreach (cell, dbs_ddl_translate(ddl, &options))
		judge(&relay, lfirst(cell));
	return (Datum) 0;
}
