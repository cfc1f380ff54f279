/*
 * What the printers share: notes, names, literals.
 */
#include "postgres.h"

#include "ddl_print.h"
#include "name.h"

const char *
dbs_ddl_text(StringInfo gathered)
{
	char *text = palloc(gathered->len + 1);

	memcpy(text, gathered->data, gathered->len + 1);
	pfree(gathered->data);
	return text;
}

const char *
dbs_ddl_format(const char *fmt, va_list args)
{
	char buffer[1024];
	va_list again;
	char *text;
	int size;

	va_copy(again, args);
	size = vsnprintf(buffer, sizeof(buffer), fmt, args);
	text = palloc(size + 1);
	if (size < sizeof(buffer))
		memcpy(text, buffer, size + 1);
	else
		vsnprintf(text, size + 1, fmt, again);
	va_end(again);
	return text;
}

void
dbs_ddl_note(DdlPrinter *printer, DbsNoteSeverity severity, const char *fmt, ...)
{
	DbsNote *note = palloc0(sizeof(DbsNote));
	ListCell *cell;
	const char *text;
	va_list args;

	va_start(args, fmt);
	text = dbs_ddl_format(fmt, args);
	va_end(args);
	foreach (cell, printer->out->notes)
	{
		const DbsNote *other = lfirst(cell);

		if (other->severity == severity && strcmp(other->text, text) == 0)
			return;
	}
	note->severity = severity;
	note->text = text;
	note->place = printer->refused_at;
	printer->refused_at = 0;
	printer->out->notes = lappend(printer->out->notes, note);
}

void
dbs_ddl_sql(DdlPrinter *printer, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printer->out->sql = lappend(printer->out->sql, (void *) dbs_ddl_format(fmt, args));
	va_end(args);
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
	return dbs_ddl_text(&quoted);
}

const char *
dbs_ddl_fit(DdlPrinter *printer, const char *name)
{
	char *fitted;

	if (strlen(name) <= DBS_NAME_MAX)
		return name;
	fitted = palloc(DBS_NAME_BUFFER);
	dbs_name_fit(name, strlen(name), fitted);
	dbs_ddl_note(printer, DBS_NOTE_WARNING, "\"%s\" is longer than PostgreSQL's 63 bytes and is called \"%s\" there",
				 name, fitted);
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
	return dbs_ddl_text(&quoted);
}

const char *
dbs_ddl_pg_labels(const DdlType *type)
{
	StringInfoData labels;
	ListCell *cell;

	initStringInfo(&labels);
	foreach (cell, type->labels)
	{
		const DdlText *label = lfirst(cell);

		appendStringInfo(&labels, "%s%s", labels.len == 0 ? "" : ", ", dbs_ddl_pg_string(label->text, label->size));
	}
	return dbs_ddl_text(&labels);
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
	return dbs_ddl_text(&list);
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
