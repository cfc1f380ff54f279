/*
 * What the printers share: notes, names, literals.
 */
#include "postgres.h"

#include "ddl_print.h"
#include "name.h"

void
dbs_ddl_note(DdlPrinter *printer, DbsNoteSeverity severity, const char *fmt, ...)
{
	DbsNote *note = palloc0(sizeof(DbsNote));
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&text, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	foreach (cell, printer->out->notes)
	{
		const DbsNote *other = lfirst(cell);

		if (other->severity == severity && strcmp(other->text, text.data) == 0)
			return;
	}
	note->severity = severity;
	note->text = text.data;
	note->place = printer->refused_at;
	printer->refused_at = 0;
	printer->out->notes = lappend(printer->out->notes, note);
}

void
dbs_ddl_sql(DdlPrinter *printer, const char *fmt, ...)
{
	StringInfoData text;

	initStringInfo(&text);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&text, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	printer->out->sql = lappend(printer->out->sql, text.data);
}

void
dbs_ddl_note_ignored(DdlPrinter *printer, List *ignored, const char *where)
{
	ListCell *cell;

	foreach (cell, ignored)
	{
		dbs_ddl_note(printer, DBS_NOTE_INFO, "%s%signored: %s", where, *where == '\0' ? "" : ": ",
					 (const char *) lfirst(cell));
	}
}

void
dbs_ddl_add_table(DdlPrinter *printer, const DdlName *name, bool created, bool dropped)
{
	DbsDdlTable *table = palloc0(sizeof(DbsDdlTable));

	table->schema = name->schema != NULL ? name->schema : printer->default_schema;
	table->name = name->name;
	table->created = created;
	table->dropped = dropped;
	printer->out->tables = lappend(printer->out->tables, table);
}

const char *
dbs_ddl_pg_quote(const char *name)
{
	Size size = DBS_NAME_QUOTED_SIZE(strlen(name));
	char *quoted = palloc(size);

	if (!dbs_name_quote_pg(name, strlen(name), quoted, size))
		return "\"\"";
	return quoted;
}

const char *
dbs_ddl_mysql_quote(const char *name)
{
	StringInfoData quoted;

	initStringInfo(&quoted);
	appendStringInfoChar(&quoted, '`');
	for (const char *p = name; *p != '\0'; p++)
	{
		if (*p == '`')
			appendStringInfoChar(&quoted, '`');
		appendStringInfoChar(&quoted, *p);
	}
	appendStringInfoChar(&quoted, '`');
	return quoted.data;
}

const char *
dbs_ddl_fit(DdlPrinter *printer, const char *name)
{
	char *fitted = palloc(DBS_NAME_BUFFER);

	dbs_name_fit(name, strlen(name), fitted);
	if (strcmp(fitted, name) != 0)
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "\"%s\" is longer than PostgreSQL's 63 bytes and is called \"%s\" there", name, fitted);
	return fitted;
}

const char *
dbs_ddl_pg_name(DdlPrinter *printer, const char *name)
{
	return dbs_ddl_pg_quote(dbs_ddl_fit(printer, name));
}

const char *
dbs_ddl_target_schema(const DdlPrinter *printer, const char *schema)
{
	ListCell *from;
	ListCell *to;

	if (schema == NULL)
		schema = printer->default_schema;
	if (schema == NULL)
		return NULL;
	forboth(from, printer->options->schema_from, to, printer->options->schema_to)
	{
		if (strcmp(lfirst(from), schema) == 0)
			return lfirst(to);
	}
	return schema;
}

const char *
dbs_ddl_pg_qualified(const char *schema, const char *name)
{
	if (schema == NULL)
		return dbs_ddl_pg_quote(name);
	return psprintf("%s.%s", dbs_ddl_pg_quote(schema), dbs_ddl_pg_quote(name));
}

const char *
dbs_ddl_pg_table(DdlPrinter *printer, const DdlName *name)
{
	const char *schema = dbs_ddl_target_schema(printer, name->schema);

	return dbs_ddl_pg_qualified(schema == NULL ? NULL : dbs_ddl_fit(printer, schema), dbs_ddl_fit(printer, name->name));
}

const char *
dbs_ddl_pg_string(const char *text, int size)
{
	StringInfoData quoted;
	bool escapes = memchr(text, '\\', size) != NULL;

	initStringInfo(&quoted);
	if (escapes)
		appendStringInfoChar(&quoted, 'E');
	appendStringInfoChar(&quoted, '\'');
	for (int i = 0; i < size; i++)
	{
		if (text[i] == '\'' || text[i] == '\\')
			appendStringInfoChar(&quoted, text[i]);
		appendStringInfoChar(&quoted, text[i]);
	}
	appendStringInfoChar(&quoted, '\'');
	return quoted.data;
}

const char *
dbs_ddl_pg_columns(DdlPrinter *printer, List *names)
{
	StringInfoData list;
	ListCell *cell;

	initStringInfo(&list);
	foreach (cell, names)
	{
		if (list.len > 0)
			appendStringInfoString(&list, ", ");
		appendStringInfoString(&list, dbs_ddl_pg_name(printer, lfirst(cell)));
	}
	return list.data;
}

const char *
dbs_ddl_pg_index_name(const char *table, const char *index)
{
	char *name = palloc(DBS_NAME_BUFFER);

	dbs_name_for_index(table, strlen(table), index, strlen(index), name);
	return name;
}

bool
dbs_ddl_has_nul(const DdlExpr *expr)
{
	return expr->text != NULL && strlen(expr->text) != expr->size;
}
