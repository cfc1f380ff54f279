/*
 * Functions of MySQL's in PostgreSQL's words.
 */
#include "postgres.h"

#include "ddl_pg_expression.h"

/* NOW() and its synonyms: with or without a time zone as the column wants it. */
static DdlPart
write_now(DdlWriter *writer, const DdlExpr *expr)
{
	bool local = writer->want == NULL || writer->want->family != DDL_TYPE_TIMESTAMPTZ;
	int digits = 0;
	const char *precision = "";

	if (expr->args != NIL)
	{
		const DdlExpr *argument = linitial(expr->args);

		if (argument->kind != DDL_EXPR_NUMBER)
			return dbs_ddl_pg_refuse(writer, "%s with an argument that is no number", expr->text);
		digits = (int) strtol(argument->text, NULL, 10);
		if (digits > 0 && digits < 6)
			precision = psprintf("(%d)", digits);
	}
	if (writer->context == DDL_CONTEXT_GENERATED || writer->context == DDL_CONTEXT_CHECK)
		return dbs_ddl_pg_refuse(writer, "%s changes with time", expr->text);
	return dbs_ddl_pg_part(psprintf("%s%s", local ? "LOCALTIMESTAMP" : "CURRENT_TIMESTAMP", precision),
						   local ? DDL_VALUE_TIMESTAMP : DDL_VALUE_TIMESTAMPTZ);
}

/* "3" of INTERVAL 3 DAY, and PostgreSQL's word for the unit; NULL when there is none. */
static const char *
interval_unit(const char *unit)
{
	static const char *const units[][2] = {{"microsecond", "microsecond"},
										   {"second", "second"},
										   {"minute", "minute"},
										   {"hour", "hour"},
										   {"day", "day"},
										   {"week", "week"},
										   {"month", "month"},
										   {"year", "year"}};

	for (int i = 0; i < lengthof(units); i++)
	{
		if (strcmp(units[i][0], unit) == 0)
			return units[i][1];
	}
	return NULL;
}

static bool
is_date_unit(const char *unit)
{
	return strcmp(unit, "day") == 0 || strcmp(unit, "week") == 0 || strcmp(unit, "month") == 0 ||
		   strcmp(unit, "year") == 0;
}

static DdlPart
write_date_add(DdlWriter *writer, const DdlExpr *expr, bool subtract)
{
	DdlPart date;
	DdlPart amount;
	const DdlExpr *interval;
	const char *unit;
	const char *sql;

	if (list_length(expr->args) != 2)
		return dbs_ddl_pg_refuse(writer, "function %s with these arguments", expr->text);
	date = dbs_ddl_pg_write(writer, linitial(expr->args));
	interval = lsecond(expr->args);
	if (interval->kind == DDL_EXPR_INTERVAL)
	{
		amount = dbs_ddl_pg_write(writer, linitial(interval->args));
		unit = interval_unit(interval->text);
	}
	else
	{
		amount = dbs_ddl_pg_write(writer, interval);
		unit = "day";
	}
	if (unit == NULL)
		return dbs_ddl_pg_refuse(writer, "INTERVAL with the unit %s", interval->text);
	if (date.value == DDL_VALUE_LITERAL || date.value == DDL_VALUE_ANY)
		return dbs_ddl_pg_refuse(writer, "an interval added to %s", dbs_ddl_value_name(date.value));
	if (!dbs_ddl_is_moment_value(date.value))
		return dbs_ddl_pg_refuse(writer, "an interval added to %s", dbs_ddl_value_name(date.value));
	if (date.value == DDL_VALUE_TIMESTAMPTZ && writer->context != DDL_CONTEXT_DEFAULT &&
		writer->context != DDL_CONTEXT_QUERY)
		return dbs_ddl_pg_refuse(writer, "an interval added to a timestamp with time zone");
	sql = psprintf("%s %s (%s) * '1 %s'::interval", date.sql, subtract ? "-" : "+",
				   dbs_ddl_pg_as_number(writer, amount, DDL_VALUE_NUMBER), unit);
	if (date.value == DDL_VALUE_DATE && is_date_unit(unit))
		return dbs_ddl_pg_part(psprintf("(%s)::date", sql), DDL_VALUE_DATE);
	return dbs_ddl_pg_part(psprintf("(%s)", sql), date.value == DDL_VALUE_DATE ? DDL_VALUE_TIMESTAMP : date.value);
}

static DdlPart
write_extract(DdlWriter *writer, const DdlExpr *expr)
{
	const DdlExpr *unit = linitial(expr->args);
	DdlPart part = dbs_ddl_pg_write(writer, lsecond(expr->args));
	static const char *const units[] = {"year", "quarter", "month", "day", "hour", "minute"};

	if (!dbs_ddl_is_moment_value(part.value) ||
		(part.value == DDL_VALUE_TIMESTAMPTZ && writer->context != DDL_CONTEXT_QUERY))
		return dbs_ddl_pg_refuse(writer, "extract from %s", dbs_ddl_value_name(part.value));
	for (int i = 0; i < lengthof(units); i++)
	{
		if (strcmp(units[i], unit->text) == 0)
			return dbs_ddl_pg_part(psprintf("extract(%s FROM %s)::integer", unit->text, part.sql), DDL_VALUE_INTEGER);
	}
	return dbs_ddl_pg_refuse(writer, "extract of the unit %s", unit->text);
}

/* substring(x, from [, for]): only a literal place from 1 on means the same. */
static DdlPart
write_substring(DdlWriter *writer, const DdlExpr *expr)
{
	int count = list_length(expr->args);
	DdlPart text = dbs_ddl_pg_write(writer, linitial(expr->args));
	const DdlExpr *from;
	const char *rest = "";

	if (count < 2)
		return dbs_ddl_pg_refuse(writer, "substring with one argument");
	from = lsecond(expr->args);
	if (from->kind != DDL_EXPR_NUMBER || strtol(from->text, NULL, 10) < 1)
		return dbs_ddl_pg_refuse(writer, "substring from a place that is not a number from 1 on");
	if (count == 3)
	{
		const DdlExpr *size = lthird(expr->args);

		if (size->kind == DDL_EXPR_NUMBER)
			rest = psprintf(", %s", size->text);
		else
			rest = psprintf(", greatest(%s, 0)",
							dbs_ddl_pg_as_number(writer, dbs_ddl_pg_write(writer, size), DDL_VALUE_INTEGER));
	}
	if (text.value == DDL_VALUE_BYTES)
		return dbs_ddl_pg_part(psprintf("substr(%s, %s%s)", text.sql, from->text, rest), DDL_VALUE_BYTES);
	return dbs_ddl_pg_part(psprintf("substr(%s, %s%s)", dbs_ddl_pg_as_text(writer, text), from->text, rest),
						   DDL_VALUE_TEXT);
}

/* '$.a.b[0]' as {a,b,0}; NULL when it holds more than that. */
static const char *
json_path(const char *path)
{
	StringInfoData out;

	initStringInfo(&out);
	if (*path != '$')
		return NULL;
	path++;
	appendStringInfoString(&out, "'{");
	while (*path != '\0')
	{
		Size size;
		bool member = *path == '.';
		bool quoted = member && path[1] == '"';

		if (!member && *path != '[')
			return NULL;
		path += quoted ? 2 : 1;
		size = quoted   ? strcspn(path, "\"\\{},'")
			   : member ? strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$")
						: strspn(path, "0123456789");
		if (size == 0)
			return NULL;
		if (out.len > 2)
			appendStringInfoChar(&out, ',');
		if (member)
			appendStringInfo(&out, "\"%.*s\"", (int) size, path);
		else
			appendBinaryStringInfo(&out, path, size);
		path += size;
		if (quoted && *path++ != '"')
			return NULL;
		if (!member && *path++ != ']')
			return NULL;
	}
	appendStringInfoString(&out, "}'");
	return dbs_ddl_text(&out);
}

DdlPart
dbs_ddl_pg_write_json_arrow(DdlWriter *writer, const DdlExpr *document, const DdlExpr *path, bool unquote)
{
	DdlPart part = dbs_ddl_pg_write(writer, document);
	const char *sql;
	const char *json;

	if (part.value != DDL_VALUE_JSON)
		return dbs_ddl_pg_refuse(writer, "a JSON path in %s", dbs_ddl_value_name(part.value));
	if (path->kind != DDL_EXPR_STRING || (json = json_path(path->text)) == NULL)
		return dbs_ddl_pg_refuse(writer, "a JSON path that is not plain members and numbers");
	sql = psprintf("(%s #> %s)", part.sql, json);
	if (!unquote)
		return dbs_ddl_pg_part(sql, DDL_VALUE_JSON);
	/* MySQL unquotes a JSON null to the word null, where PostgreSQL gives SQL's NULL. */
	return dbs_ddl_pg_part(
		psprintf("CASE jsonb_typeof(%s) WHEN 'null' THEN 'null' ELSE %s #>> %s END", sql, part.sql, json),
		DDL_VALUE_TEXT);
}

/* Functions that need more than the table. False when it is none of these. */
static bool
write_special(DdlWriter *writer, const DdlExpr *expr, DdlPart *part)
{
	const char *name = expr->text;
	int count = list_length(expr->args);
	static const char *const now[] = {"now", "current_timestamp", "localtime", "localtimestamp", NULL};

	for (int i = 0; now[i] != NULL; i++)
	{
		if (strcmp(now[i], name) == 0)
		{
			*part = write_now(writer, expr);
			return true;
		}
	}
	if (strcmp(name, "date_add") == 0 || strcmp(name, "adddate") == 0)
		*part = write_date_add(writer, expr, false);
	else if (strcmp(name, "date_sub") == 0 || strcmp(name, "subdate") == 0)
		*part = write_date_add(writer, expr, true);
	else if (strcmp(name, "extract") == 0 && count == 2)
		*part = write_extract(writer, expr);
	else if (strcmp(name, "substring") == 0 && count >= 1)
		*part = write_substring(writer, expr);
	else if (strcmp(name, "json_extract") == 0 && count == 2)
		*part = dbs_ddl_pg_write_json_arrow(writer, linitial(expr->args), lsecond(expr->args), false);
	else if (strcmp(name, "json_unquote") == 0 && count == 1)
	{
		const DdlExpr *inner = linitial(expr->args);

		if (inner->kind == DDL_EXPR_FUNCTION && strcmp(inner->text, "json_extract") == 0 &&
			list_length(inner->args) == 2)
			*part = dbs_ddl_pg_write_json_arrow(writer, linitial(inner->args), lsecond(inner->args), true);
		else
			*part = dbs_ddl_pg_refuse(writer, "json_unquote of something else than json_extract");
	}
	else if (strcmp(name, "json_value") == 0 && count == 2 && expr->type == NULL)
		*part = dbs_ddl_pg_refuse(writer, "json_value");
	else if (strcmp(name, "json_valid") == 0 && count == 1)
	{
		DdlPart inner = dbs_ddl_pg_write(writer, linitial(expr->args));

		if (inner.value == DDL_VALUE_JSON)
			*part = dbs_ddl_pg_part(psprintf("(CASE WHEN %s IS NOT NULL THEN true END)", inner.sql), DDL_VALUE_BOOLEAN);
		else
			*part = dbs_ddl_pg_refuse(writer, "json_valid of text");
	}
	else if (strcmp(name, "nextval") == 0 && count == 1)
	{
		const DdlExpr *sequence = linitial(expr->args);
		DdlName sequence_name = {sequence->qualifier, sequence->text};
		const char *table;

		if (sequence->kind != DDL_EXPR_COLUMN)
			return false;
		table = dbs_ddl_pg_table(writer->printer, &sequence_name);
		*part = dbs_ddl_pg_part(psprintf("nextval(%s::regclass)", dbs_ddl_pg_string(table, strlen(table))),
								DDL_VALUE_INTEGER);
	}
	else
		return false;
	return true;
}

/* The last kind that is written holds for all arguments that follow. */
static DdlValue
wanted_value(const DdlFunction *function, int at)
{
	for (int i = Min(at, lengthof(function->wanted) - 1); i >= 0; i--)
	{
		if (function->wanted[i] != DDL_VALUE_ANY)
			return function->wanted[i];
	}
	return DDL_VALUE_ANY;
}

static void
append_all(StringInfo out, char **arguments, int count, const char *separator)
{
	for (int i = 0; i < count; i++)
		appendStringInfo(out, "%s%s", i == 0 ? "" : separator, arguments[i]);
}

static const char *
fill_words(const DdlFunction *function, char **arguments, int count)
{
	StringInfoData out;

	initStringInfo(&out);
	for (const char *p = function->words; *p != '\0'; p++)
	{
		if (*p != '$')
			appendStringInfoChar(&out, *p);
		else if (p[1] == '*')
		{
			append_all(&out, arguments, count, ", ");
			p++;
		}
		else if (p[1] == '|')
		{
			append_all(&out, arguments, count, " || ");
			p += 2;
		}
		else
		{
			int at = *++p - '1';

			if (at >= 0 && at < count)
				appendStringInfoString(&out, arguments[at]);
		}
	}
	return dbs_ddl_text(&out);
}

DdlPart
dbs_ddl_pg_write_function(DdlWriter *writer, const DdlExpr *expr)
{
	const DdlFunction *function;
	int count = list_length(expr->args);
	char **arguments = palloc0((count + 1) * sizeof(char *));
	DdlPart *parts = palloc0((count + 1) * sizeof(DdlPart));
	DdlValue common = DDL_VALUE_ANY;
	DdlPart result = {NULL, DDL_VALUE_ANY, false, -1};

	if (write_special(writer, expr, &result))
		return result;
	function = dbs_ddl_find_function(expr->text, count);
	if (function == NULL)
		return dbs_ddl_pg_refuse(writer, "function %s with %d argument%s has no exact equivalent", expr->text, count,
								 count == 1 ? "" : "s");
	if (function->volatility != DDL_IMMUTABLE &&
		(writer->context == DDL_CONTEXT_GENERATED || writer->context == DDL_CONTEXT_CHECK))
		return dbs_ddl_pg_refuse(writer, "function %s, whose equivalent is not immutable", expr->text);
	for (int i = 0; i < count; i++)
	{
		parts[i] = dbs_ddl_pg_write(writer, list_nth(expr->args, i));
		if (function->result != DDL_VALUE_COMMON || wanted_value(function, i) == DDL_VALUE_BOOLEAN)
			arguments[i] = (char *) dbs_ddl_pg_convert(writer, parts[i], wanted_value(function, i));
		else
			common = dbs_ddl_pg_common_value(writer, common, parts[i].value);
	}
	/* A condition as a value: if(a, 1, b > 2) needs one kind for both. */
	for (int i = 0; i < count; i++)
	{
		if (arguments[i] == NULL)
			arguments[i] = (char *) dbs_ddl_pg_to_common(writer, parts[i], common);
	}
	if (dbs_ddl_is_moment_value(parts[0].value) && parts[0].value == DDL_VALUE_TIMESTAMPTZ &&
		function->wanted[0] == DDL_VALUE_MOMENT && writer->context != DDL_CONTEXT_QUERY)
		return dbs_ddl_pg_refuse(
			writer, "function %s of a timestamp with time zone, which depends on the session's zone", expr->text);
	if (expr->distinct && count == 1)
		arguments[0] = psprintf("DISTINCT %s", arguments[0]);
	result.sql = fill_words(function, arguments, count);
	result.value = function->result == DDL_VALUE_COMMON ? common
				   : function->result == DDL_VALUE_SAME ? parts[0].value
														: function->result;
	if (result.value == DDL_VALUE_LITERAL)
		result.value = DDL_VALUE_TEXT;
	return result;
}
