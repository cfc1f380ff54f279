/*
 * The SQL functions: translate_ddl, translate_ddl_report, mysql_ddl.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "ddl.h"
#include "ddl_history.h"
#include "ddl_raw.h"
#include "options.h"

PG_FUNCTION_INFO_V1(dbs_translate_ddl);
PG_FUNCTION_INFO_V1(dbs_translate_ddl_report);
PG_FUNCTION_INFO_V1(dbs_mysql_ddl);

static DbsDialect
dialect_of(text *name, const char *argument)
{
	char *dialect = text_to_cstring(name);

	if (pg_strcasecmp(dialect, "mysql") == 0)
		return DBS_DIALECT_MYSQL;
	if (pg_strcasecmp(dialect, "mariadb") == 0)
		return DBS_DIALECT_MARIADB;
	if (pg_strcasecmp(dialect, "postgresql") == 0 || pg_strcasecmp(dialect, "postgres") == 0)
		return DBS_DIALECT_POSTGRESQL;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown dialect \"%s\" as %s", dialect, argument),
					errhint("The dialects are mysql, mariadb and postgresql.")));
	return DBS_DIALECT_MYSQL;
}

static void
read_arguments(FunctionCallInfo fcinfo, DbsDdlOptions *options)
{
	memset(options, 0, sizeof(*options));
	options->source = dialect_of(PG_GETARG_TEXT_PP(1), "source");
	options->target = dialect_of(PG_GETARG_TEXT_PP(2), "target");
	if (options->target == options->source)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("source and target are the same dialect")));
	if (options->target != DBS_DIALECT_POSTGRESQL && options->source != DBS_DIALECT_POSTGRESQL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("between mysql and mariadb nothing is translated"),
				 errhint("One of source and target is postgresql.")));
	dbs_ddl_options_from_jsonb(PG_GETARG_JSONB_P(3), options);
}

/* ---- functions ----------------------------------------------------------------------------------- */

static const char *
severity_name(DbsNoteSeverity severity)
{
	return severity == DBS_NOTE_ERROR ? "error" : severity == DBS_NOTE_WARNING ? "warning" : "info";
}

void
dbs_ddl_append_comment(StringInfo out, const char *prefix, const char *text)
{
	appendStringInfo(out, "-- %s", prefix);
	for (; *text != '\0'; text++)
		appendStringInfoChar(out, *text == '\n' || *text == '\r' ? ' ' : *text);
	appendStringInfoChar(out, '\n');
}

void
dbs_ddl_append_notes(StringInfo out, List *notes)
{
	ListCell *cell;

	foreach (cell, notes)
	{
		const DbsNote *note = lfirst(cell);

		dbs_ddl_append_comment(out, psprintf("%s: ", severity_name(note->severity)), note->text);
	}
}

/* What a script needs to see of a statement that cannot be executed: a comment. */
static void
append_untranslated(StringInfo out, const DbsDdlStatement *statement)
{
	const DbsNote *note = statement->notes == NIL ? NULL : llast(statement->notes);
	int size = strcspn(statement->source_sql, "\r\n");
	int shown = pg_mbcliplen(statement->source_sql, size, 80);
	const char *place;

	dbs_ddl_append_comment(
		out, "not translated: ",
		psprintf("%.*s%s", shown, statement->source_sql, strlen(statement->source_sql) > shown ? " …" : ""));
	if (note == NULL)
		return;
	dbs_ddl_append_comment(out, "  ", note->text);
	/* The text's line and the caret below it; what stands above them the note says too. */
	place = dbs_ddl_shown_place(statement->source_sql, note);
	place = *place == '\0' ? NULL : strchr(place + 1, '\n');
	while (place != NULL)
	{
		size = strcspn(++place, "\n");
		appendStringInfo(out, "--   %.*s\n", size, place);
		place = strchr(place, '\n');
	}
}

Datum
dbs_translate_ddl(PG_FUNCTION_ARGS)
{
	DbsDdlOptions options;
	StringInfoData out;
	ListCell *cell;
	ListCell *sql;

	read_arguments(fcinfo, &options);
	initStringInfo(&out);
	foreach (cell, dbs_ddl_translate(text_to_cstring(PG_GETARG_TEXT_PP(0)), &options))
	{
		const DbsDdlStatement *statement = lfirst(cell);

		if (statement->class == DBS_DDL_UNKNOWN || statement->class == DBS_DDL_DML)
			append_untranslated(&out, statement);
		foreach (sql, statement->sql)
			appendStringInfo(&out, "%s;\n", (const char *) lfirst(sql));
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

static const char *
target_text(const DbsDdlStatement *statement)
{
	StringInfoData out;
	ListCell *cell;

	if (statement->sql == NIL)
		return NULL;
	initStringInfo(&out);
	foreach (cell, statement->sql)
		appendStringInfo(&out, "%s%s;", out.len == 0 ? "" : "\n", (const char *) lfirst(cell));
	return out.data;
}

static void
put_row(ReturnSetInfo *result, int number, const DbsDdlStatement *statement, const char *severity, const char *note)
{
	const char *target = target_text(statement);
	Datum values[5];
	bool nulls[5] = {false};

	values[0] = Int32GetDatum(number);
	values[1] = CStringGetTextDatum(statement->source_sql);
	nulls[2] = target == NULL;
	values[2] = target == NULL ? (Datum) 0 : CStringGetTextDatum(target);
	nulls[3] = severity == NULL;
	values[3] = severity == NULL ? (Datum) 0 : CStringGetTextDatum(severity);
	nulls[4] = note == NULL;
	values[4] = note == NULL ? (Datum) 0 : CStringGetTextDatum(note);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
dbs_translate_ddl_report(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DbsDdlOptions options;
	ListCell *cell;
	ListCell *note_cell;
	int number = 0;

	read_arguments(fcinfo, &options);
	InitMaterializedSRF(fcinfo, 0);
	foreach (cell, dbs_ddl_translate(text_to_cstring(PG_GETARG_TEXT_PP(0)), &options))
	{
		const DbsDdlStatement *statement = lfirst(cell);

		number++;
		if (statement->class == DBS_DDL_DML)
			put_row(result, number, statement, "warning", "changes rows, which is no schema change: not translated");
		else if (statement->class == DBS_DDL_CONTROL)
			put_row(result, number, statement, "info", "transaction control is left out");
		else if (statement->notes == NIL)
			put_row(result, number, statement, NULL, NULL);
		foreach (note_cell, statement->notes)
		{
			const DbsNote *note = lfirst(note_cell);

			put_row(result, number, statement, severity_name(note->severity), note->text);
		}
	}
	PG_RETURN_NULL();
}

/* ---- an existing table ------------------------------------------------------------------------------ */

/*
 * The table as PostgreSQL's own statements, put together from the catalogue by
 * one query: every part is deparsed by PostgreSQL itself.
 */
static const char table_query[] =
	"SELECT format('CREATE TABLE %I.%I (%s);', n.nspname, c.relname, concat_ws(', ',"
	" (SELECT string_agg(format('%I %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),"
	"   CASE WHEN a.attidentity <> '' THEN ' GENERATED BY DEFAULT AS IDENTITY' || coalesce("
	"     (SELECT format(' (START WITH %s)', coalesce(s.last_value + 1, s.start_value)) FROM pg_sequences s"
	"       WHERE format('%I.%I', s.schemaname, s.sequencename)::regclass = "
	"pg_get_serial_sequence(c.oid::regclass::text, a.attname)::regclass), '')"
	"     ELSE '' END,"
	"   CASE WHEN a.attgenerated <> '' THEN format(' GENERATED ALWAYS AS (%s) %s', pg_get_expr(d.adbin, d.adrelid),"
	"     CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END)"
	"     WHEN d.adbin IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) ELSE '' END,"
	"   CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END), ', ' ORDER BY a.attnum)"
	"  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
	"  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),"
	" (SELECT string_agg(format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), ', '"
	"   ORDER BY k.contype = 'f', k.contype <> 'p', k.conname)"
	"  FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f', 'c')))) || "
	"E'\\n' || concat_ws(E'\\n',"
	" (SELECT string_agg(pg_get_indexdef(i.indexrelid) || ';', E'\\n' ORDER BY i.indexrelid::regclass::text)"
	"  FROM pg_index i WHERE i.indrelid = c.oid AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = "
	"i.indexrelid AND k.contype IN ('p', 'u'))),"
	" (SELECT string_agg(CASE WHEN p.objsubid = 0 THEN format('COMMENT ON TABLE %I.%I IS %L;', n.nspname, c.relname, "
	"p.description)"
	"    ELSE format('COMMENT ON COLUMN %I.%I.%I IS %L;', n.nspname, c.relname, a.attname, p.description) END, E'\\n' "
	"ORDER BY p.objsubid)"
	"  FROM pg_description p LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.objsubid"
	"  WHERE p.objoid = c.oid AND p.classoid = 'pg_class'::regclass)),"
	" (WITH RECURSIVE used AS (SELECT atttypid AS oid FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT"
	"   attisdropped UNION SELECT d.typbasetype FROM used JOIN pg_type d ON d.oid = used.oid AND d.typtype = 'd')"
	"  SELECT string_agg(CASE t.typtype WHEN 'e' THEN format('CREATE TYPE %I.%I AS ENUM (%s);', tn.nspname, t.typname,"
	"    (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE "
	"e.enumtypid ="
	"      t.oid))"
	"    ELSE format('CREATE DOMAIN %I.%I AS %s%s%s%s;', tn.nspname, t.typname, format_type(t.typbasetype, "
	"t.typtypmod),"
	"      ' DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN ' NOT NULL' END, (SELECT string_agg("
	"        format(' CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), '' ORDER BY k.conname) FROM "
	"pg_constraint k"
	"        WHERE k.contypid = t.oid AND k.contype = 'c')) END, E'\\n' ORDER BY t.typtype = 'd', t.oid)"
	"  FROM used u JOIN pg_type t ON t.oid = u.oid AND t.typtype IN ('e', 'd')"
	"   JOIN pg_namespace tn ON tn.oid = t.typnamespace)"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1 AND c.relkind IN ('r', 'p')";

char *
dbs_ddl_table_statements(Oid table, bool fresh)
{
	Oid types[1] = {OIDOID};
	Datum values[1] = {ObjectIdGetDatum(table)};
	char *text = NULL;
	MemoryContext context = CurrentMemoryContext;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(table_query, 1, types, values, NULL, !fresh, 1) != SPI_OK_SELECT)
		elog(ERROR, "the table's definition cannot be read");
	if (SPI_processed == 1)
	{
		char *enums = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
		char *own = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

		text = MemoryContextStrdup(context, psprintf("%s\n%s", enums == NULL ? "" : enums, own));
	}
	SPI_finish();
	return text;
}

/* mysql_ddl(table, options): options may hold "dialect" beside those of translate_ddl. */
Datum
dbs_mysql_ddl(PG_FUNCTION_ARGS)
{
	Oid table = PG_GETARG_OID(0);
	Jsonb *json = PG_GETARG_JSONB_P(1);
	char *dialect = dbs_jsonb_text(json, "dialect");
	char *text = dbs_ddl_table_statements(table, false);
	DbsDdlOptions options = {0};
	StringInfoData out;
	ListCell *cell;
	ListCell *sql;

	if (text == NULL)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a table", get_rel_name(table) == NULL ? "" : get_rel_name(table)),
						errhint("mysql_ddl writes ordinary and partitioned tables.")));
	options.source = DBS_DIALECT_POSTGRESQL;
	options.target = dialect == NULL ? DBS_DIALECT_MYSQL : dialect_of(cstring_to_text(dialect), "dialect");
	if (options.target == DBS_DIALECT_POSTGRESQL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("option \"dialect\" is not one of mysql|mariadb")));
	dbs_ddl_options_from_jsonb(json, &options);
	initStringInfo(&out);
	foreach (cell, dbs_ddl_translate(text, &options))
	{
		const DbsDdlStatement *statement = lfirst(cell);

		dbs_ddl_append_notes(&out, statement->notes);
		foreach (sql, statement->sql)
			appendStringInfo(&out, "%s;\n", (const char *) lfirst(sql));
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
