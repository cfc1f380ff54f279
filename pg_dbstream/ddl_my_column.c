/*
 * Columns and their defaults in MySQL's and MariaDB's words.
 */
#include "postgres.h"

#include "utils/datetime.h"

#include "ddl_my.h"

/* ---- defaults ---------------------------------------------------------------------------------- */

/* Types whose default MySQL takes only as an expression. */
static bool
needs_parentheses(const char *type)
{
	return strcmp(type, "LONGTEXT") == 0 || strcmp(type, "LONGBLOB") == 0 || strcmp(type, "JSON") == 0 ||
		   strcmp(type, "GEOMETRY") == 0;
}

static const DdlExpr *
strip_casts(const DdlExpr *expr)
{
	while (expr->kind == DDL_EXPR_CAST)
		expr = linitial(expr->args);
	return expr;
}

/* ARRAY['a', 'b'] or '{a,b}' as 'a,b'. */
static const char *
set_default(const DdlExpr *literal)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	if (literal->kind == DDL_EXPR_STRING)
	{
		for (const char *p = literal->text; *p != '\0'; p++)
		{
			if (strchr("{}\"", *p) == NULL)
				appendStringInfoChar(&text, *p);
		}
	}
	foreach (cell, literal->args)
		appendStringInfo(&text, "%s%s", text.len == 0 ? "" : ",", strip_casts(lfirst(cell))->text);
	return dbs_ddl_my_string(text.data, text.len);
}

/* B'101' or '101': bits, or where no type of MySQL's holds as many, their digits. NULL: it is neither. */
static const char *
bits_default(const DdlExpr *literal, const char *type)
{
	if ((literal->kind != DDL_EXPR_BITS && literal->kind != DDL_EXPR_STRING) ||
		strspn(literal->text, "01") != strlen(literal->text))
		return NULL;
	return strncmp(type, "BIT", 3) == 0 ? psprintf("b'%s'", literal->text) : psprintf("('%s')", literal->text);
}

/*
 * '2020-01-02 03:04:05.5+01:30' in UTC, without its zone; NULL when it is not of that form, which is how PostgreSQL
 * shows it. Without a zone the session's is meant, which nobody knows here.
 */
static const char *
utc_default(const char *text)
{
	int year, month, day, hour, minute, second;
	int used = 0;
	int zone_hour = 0;
	int zone_minute = 0;
	const char *rest;
	const char *zone;
	int64 at;
	int julian;
	bool west;

	if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &used) != 6 ||
		year < 1 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 24 || minute < 0 || second < 0)
		return NULL;
	rest = text + used;
	zone = rest + strspn(rest, ".0123456789");
	west = *zone == '-';
	if ((*zone != '+' && *zone != '-') || sscanf(zone + 1, "%2d:%2d", &zone_hour, &zone_minute) < 1 ||
		strspn(zone + 1, "0123456789:") != strlen(zone + 1) || zone_hour < 0 || zone_minute < 0)
		return NULL;
	at =
		(int64) date2j(year, month, day) * 1440 + hour * 60 + minute - (west ? -1 : 1) * (zone_hour * 60 + zone_minute);
	julian = (int) (at / 1440);
	j2date(julian, &year, &month, &day);
	return psprintf("%04d-%02d-%02d %02d:%02d:%02d%.*s", year, month, day, (int) (at % 1440) / 60, (int) (at % 60),
					second, (int) (zone - rest), rest);
}

const char *
dbs_ddl_my_default(DdlRaw *raw, const DdlColumn *column, const char *type)
{
	const DdlExpr *value = column->default_value;
	const DdlExpr *literal;
	const char *reason = NULL;
	const char *sql;

	if (value == NULL)
		return NULL;
	literal = strip_casts(value);
	if (literal->kind == DDL_EXPR_NULL)
		return NULL;
	if (column->type->family == DDL_TYPE_BOOLEAN && literal->kind == DDL_EXPR_STRING &&
		strchr("tfyn10", literal->text[0]) != NULL)
		return strchr("ty1", literal->text[0]) != NULL ? "1" : "0";
	if (column->type->family == DDL_TYPE_BOOLEAN && literal->kind == DDL_EXPR_BOOLEAN)
		return strcmp(literal->text, "true") == 0 ? "1" : "0";
	if ((column->type->family == DDL_TYPE_BIT || column->type->family == DDL_TYPE_VARBIT) &&
		column->type->array_dimensions == 0 && bits_default(literal, type) != NULL)
		return bits_default(literal, type);
	if (column->type->family == DDL_TYPE_SET && (literal->kind == DDL_EXPR_ARRAY || literal->kind == DDL_EXPR_STRING))
		return set_default(literal);
	if (column->type->family == DDL_TYPE_TIMESTAMPTZ && column->type->array_dimensions == 0 &&
		literal->kind == DDL_EXPR_STRING)
	{
		const char *utc = utc_default(literal->text);

		if (utc != NULL)
			return dbs_ddl_my_string(utc, strlen(utc));
		dbs_ddl_raw_note(
			raw, DBS_NOTE_ERROR,
			"column \"%s\": its default cannot be carried over: what it is in UTC is not known here; write "
			"it as 2020-01-02 03:04:05+00",
			column->name);
		return NULL;
	}
	if (column->type->array_dimensions > 0 && literal->kind == DDL_EXPR_STRING && strcmp(literal->text, "{}") == 0)
		return "(JSON_ARRAY())";
	if (column->type->array_dimensions > 0 ||
		(column->type->family == DDL_TYPE_BLOB && literal->kind == DDL_EXPR_STRING))
	{
		if (column->type->array_dimensions == 0 && strncmp(literal->text, "\\x", 2) == 0)
			return psprintf("(x'%s')", literal->text + 2);
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "column \"%s\": its default cannot be carried over", column->name);
		return NULL;
	}
	sql = dbs_ddl_my_expression(value, raw->options, NULL, &reason);
	if (sql == NULL)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "column \"%s\": its default cannot be carried over: %s", column->name,
						 reason);
		return NULL;
	}
	if (strcmp(sql, "CURRENT_TIMESTAMP(6)") == 0 && strncmp(type, "DATETIME", 8) == 0)
		return psprintf("CURRENT_TIMESTAMP%s", type + 8);
	if (strcmp(sql, "CURRENT_TIMESTAMP(6)") == 0 || literal->kind == DDL_EXPR_FUNCTION ||
		literal->kind == DDL_EXPR_OPERATOR || literal->kind == DDL_EXPR_CASE || needs_parentheses(type))
	{
		/* A sign before a number is a literal to MySQL. */
		if (literal->kind == DDL_EXPR_OPERATOR && strcmp(literal->text, "neg") == 0 && sql[0] == '(')
			return sql;
		return sql[0] == '(' ? sql : psprintf("(%s)", sql);
	}
	return sql;
}

const DdlColumn *
dbs_ddl_my_find_column(const DdlCreateTable *table, const char *name)
{
	ListCell *cell;

	if (table == NULL || name == NULL)
		return NULL;
	foreach (cell, table->columns)
	{
		const DdlColumn *column = lfirst(cell);

		if (strcmp(column->name, name) == 0)
			return column;
	}
	return NULL;
}

/* ---- columns --------------------------------------------------------------------------------------- */

/* The column without its default and comment; *value is the default, or NULL. */
const char *
dbs_ddl_my_column_base(DdlRaw *raw, const DdlColumn *column, const DdlCreateTable *table, const char **value)
{
	StringInfoData sql;
	const char *type =
		dbs_ddl_my_type(raw, column->type, column->name, table != NULL && dbs_ddl_my_in_key(table, column->name));
	const char *reason = NULL;

	*value = NULL;
	initStringInfo(&sql);
	appendStringInfo(&sql, "%s %s", dbs_ddl_mysql_quote(column->name), type);
	if (column->generated != NULL)
	{
		const char *expression = dbs_ddl_my_expression(column->generated, raw->options, table, &reason);

		if (expression == NULL)
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "column \"%s\": its expression cannot be carried over: %s",
							 column->name, reason);
		else
			appendStringInfo(&sql, " GENERATED ALWAYS AS (%s) %s", expression, column->stored ? "STORED" : "VIRTUAL");
		/* MariaDB takes no NOT NULL for a generated column. */
		if (column->not_null && raw->options->target == DBS_DIALECT_MYSQL)
			appendStringInfoString(&sql, " NOT NULL");
		return sql.data;
	}
	*value = dbs_ddl_my_default(raw, column, type);
	appendStringInfoString(&sql, column->not_null ? " NOT NULL" : " NULL");
	return sql.data;
}

/* What stands behind the default. */
const char *
dbs_ddl_my_column_tail(const DdlColumn *column)
{
	const char *tail = column->generated == NULL && column->auto_increment ? " AUTO_INCREMENT" : "";

	if (column->comment == NULL || *column->comment == '\0')
		return tail;
	return psprintf("%s COMMENT %s", tail, dbs_ddl_my_string(column->comment, strlen(column->comment)));
}

const char *
dbs_ddl_my_column(DdlRaw *raw, const DdlColumn *column, const DdlCreateTable *table)
{
	const char *value;
	const char *base = dbs_ddl_my_column_base(raw, column, table, &value);

	return psprintf("%s%s%s%s", base, value != NULL ? " DEFAULT " : "", value != NULL ? value : "",
					dbs_ddl_my_column_tail(column));
}
