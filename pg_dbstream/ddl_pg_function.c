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
	DdlPart part;

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
	part = dbs_ddl_pg_part(psprintf("%s%s", local ? "LOCALTIMESTAMP" : "CURRENT_TIMESTAMP", precision),
						   local ? DDL_VALUE_TIMESTAMP : DDL_VALUE_TIMESTAMPTZ);
	part.scale = digits;
	return part;
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

/* How many of a unit: MySQL rounds to whole ones, but for seconds, and reads no further than the number of a string. */
static const char *
write_amount(DdlWriter *writer, const DdlExpr *expr, const char *unit)
{
	DdlPart amount = dbs_ddl_pg_write(writer, expr);
	const char *number = dbs_ddl_pg_as_number(writer, amount, DDL_VALUE_INTEGER);

	if (amount.value == DDL_VALUE_LITERAL && strchr(number, '.') != NULL)
		return dbs_ddl_pg_refuse(writer, "an interval of the string %s", amount.sql).sql;
	return amount.value == DDL_VALUE_NUMERIC && strcmp(unit, "second") != 0 ? psprintf("round(%s)", number) : number;
}

static bool
is_date_sum(const DdlExpr *expr)
{
	static const char *const names[] = {"date_add", "adddate", "date_sub", "subdate"};

	for (int i = 0; expr->kind == DDL_EXPR_FUNCTION && i < lengthof(names); i++)
	{
		if (strcmp(names[i], expr->text) == 0)
			return true;
	}
	return false;
}

/* date ± INTERVAL n unit, or ± n days; adds to *limits what keeps it and the sums in it within the years 1 to 9999. */
static DdlPart
write_date_sum(DdlWriter *writer, const DdlExpr *expr, StringInfo limits)
{
	bool subtract = strstr(expr->text, "sub") != NULL;
	const DdlExpr *first;
	const DdlExpr *interval;
	const char *unit = "day";
	DdlPart date;
	DdlPart result;
	const char *sql;

	if (list_length(expr->args) != 2)
		return dbs_ddl_pg_refuse(writer, "function %s with these arguments", expr->text);
	first = linitial(expr->args);
	interval = lsecond(expr->args);
	date = is_date_sum(first) ? write_date_sum(writer, first, limits) : dbs_ddl_pg_write(writer, first);
	if (interval->kind == DDL_EXPR_INTERVAL)
	{
		unit = interval_unit(interval->text);
		if (unit == NULL)
			return dbs_ddl_pg_refuse(writer, "INTERVAL with the unit %s", interval->text);
		interval = linitial(interval->args);
	}
	if (!dbs_ddl_is_moment_value(date.value))
		return dbs_ddl_pg_refuse(writer, "an interval added to %s", dbs_ddl_value_name(date.value));
	if (date.value == DDL_VALUE_TIMESTAMPTZ && writer->context != DDL_CONTEXT_DEFAULT &&
		writer->context != DDL_CONTEXT_QUERY)
		return dbs_ddl_pg_refuse(writer, "an interval added to a timestamp with time zone");
	sql = psprintf("%s %s (%s) * '1 %s'::interval", date.sql, subtract ? "-" : "+",
				   write_amount(writer, interval, unit), unit);
	if (date.value == DDL_VALUE_DATE && is_date_unit(unit))
		result = dbs_ddl_pg_part(psprintf("(%s)::date", sql), DDL_VALUE_DATE);
	else
	{
		result =
			dbs_ddl_pg_part(psprintf("(%s)", sql), date.value == DDL_VALUE_DATE ? DDL_VALUE_TIMESTAMP : date.value);
		result.scale = strcmp(unit, "microsecond") == 0 ? 6 : date.value == DDL_VALUE_DATE ? 0 : date.scale;
		/* A fraction of seconds that may be added. */
		if (strcmp(unit, "second") == 0 && interval->kind != DDL_EXPR_NUMBER)
			result.scale = 6;
	}
	/* A written amount goes in one direction only. */
	appendStringInfoString(limits, limits->len == 0 ? "" : " AND ");
	if (interval->kind != DDL_EXPR_NUMBER)
		appendStringInfo(limits, "%s >= '0001-01-01' AND %s < '10000-01-01'", result.sql, result.sql);
	else
		appendStringInfo(limits, "%s %s", result.sql, subtract ? ">= '0001-01-01'" : "< '10000-01-01'");
	return result;
}

/* MySQL has no dates beyond the year 9999: the sum is null. A default's begins now, so it need not ask. */
static DdlPart
write_date_add(DdlWriter *writer, const DdlExpr *expr)
{
	StringInfoData limits;
	DdlPart sum;

	initStringInfo(&limits);
	sum = write_date_sum(writer, expr, &limits);
	if (writer->context != DDL_CONTEXT_DEFAULT && !dbs_ddl_is_volatile(expr))
		sum.sql = psprintf("CASE WHEN %s THEN %s END", limits.data, sum.sql);
	return sum;
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

/* substring(x, from [, for]): only a written place, not 0, means the same. */
static DdlPart
write_substring(DdlWriter *writer, const DdlExpr *expr)
{
	int count = list_length(expr->args);
	DdlPart text = dbs_ddl_pg_write(writer, linitial(expr->args));
	const DdlExpr *from = count < 2 ? NULL : lsecond(expr->args);
	DdlPart result = dbs_ddl_pg_part(NULL, text.value == DDL_VALUE_BYTES ? DDL_VALUE_BYTES : DDL_VALUE_TEXT);
	const char *whole = text.value == DDL_VALUE_BYTES ? text.sql : dbs_ddl_pg_as_text(writer, text);

	if (from != NULL && from->kind == DDL_EXPR_OPERATOR && strcmp(from->text, "neg") == 0 && count == 2 &&
		result.value == DDL_VALUE_TEXT && !dbs_ddl_is_volatile(expr))
	{
		const DdlExpr *end = linitial(from->args);

		if (end->kind == DDL_EXPR_NUMBER && strspn(end->text, "0123456789") == strlen(end->text) &&
			strlen(end->text) <= 9 && strtol(end->text, NULL, 10) > 0)
		{
			/* Of a text that is shorter, MySQL gives nothing. */
			result.sql = psprintf("CASE WHEN char_length(%s) < %s THEN '' ELSE right(%s, %s) END", whole, end->text,
								  whole, end->text);
			return result;
		}
	}
	if (from == NULL || from->kind != DDL_EXPR_NUMBER || strlen(from->text) > 9 ||
		strspn(from->text, "0123456789") != strlen(from->text) || strtol(from->text, NULL, 10) < 1)
		return dbs_ddl_pg_refuse(writer, "substring from a place that is not a number from 1 on");
	if (count == 2)
		result.sql = psprintf("substr(%s, %s)", whole, from->text);
	else
		result.sql = psprintf("substr(%s, %s, %s)", whole, from->text,
							  dbs_ddl_pg_as_count(writer, dbs_ddl_pg_write(writer, lthird(expr->args))));
	return result;
}

/*
 * One step of a path, '.a', '."a b"' or '[0]', behind sql; NULL when it is
 * another kind.  MySQL takes what is no array as an array of one.
 */
static const char *
json_step(DdlWriter *writer, const char *sql, const char **path)
{
	const char *json = writer->printer->options->json;
	bool member = **path == '.';
	bool quoted = member && (*path)[1] == '"';
	const char *p = *path + (quoted ? 2 : 1);
	Size size = quoted   ? strcspn(p, "\"\\")
				: member ? strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$")
						 : strspn(p, "0123456789");

	if ((!member && **path != '[') || size == 0 || (!member && size > 9))
		return NULL;
	*path = p + size;
	if ((quoted && *(*path)++ != '"') || (!member && *(*path)++ != ']'))
		return NULL;
	if (member)
		return psprintf("(%s -> %s)", sql, dbs_ddl_pg_string(pnstrdup(p, size), (int) size));
	if (strtol(p, NULL, 10) > 0)
		return psprintf("(%s -> %.*s)", sql, (int) size, p);
	return psprintf("CASE %s_typeof(%s) WHEN 'array' THEN %s -> 0 ELSE %s END",
					json != NULL && strcmp(json, "json") == 0 ? "json" : "jsonb", sql, sql, sql);
}

DdlPart
dbs_ddl_pg_write_json_arrow(DdlWriter *writer, const DdlExpr *document, const DdlExpr *path, bool unquote)
{
	DdlPart part = dbs_ddl_pg_write(writer, document);
	const char *json = writer->printer->options->json;
	const char *sql = part.sql;
	const char *step = path->kind == DDL_EXPR_STRING ? path->text : "";

	if (part.value != DDL_VALUE_JSON)
		return dbs_ddl_pg_refuse(writer, "a JSON path in %s", dbs_ddl_value_name(part.value));
	if (*step != '$')
		return dbs_ddl_pg_refuse(writer, "a JSON path that is no string that begins with $");
	for (step++; *step != '\0' && sql != NULL;)
		sql = json_step(writer, sql, &step);
	if (sql == NULL)
		return dbs_ddl_pg_refuse(writer, "a JSON path that is not plain members and numbers");
	if (!unquote)
		return dbs_ddl_pg_part(sql, DDL_VALUE_JSON);
	writer->warnings |= DDL_WARN_WRITES_JSON;
	/* MySQL unquotes a JSON null to the word null, where PostgreSQL gives SQL's NULL. */
	return dbs_ddl_pg_part(psprintf("CASE %s_typeof(%s) WHEN 'null' THEN 'null' ELSE %s #>> '{}' END",
									json != NULL && strcmp(json, "json") == 0 ? "json" : "jsonb", sql, sql),
						   DDL_VALUE_TEXT);
}

/* LPAD, RPAD: of a length below zero or with nothing to add, MySQL's servers give null or not. */
static DdlPart
write_pad(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart text = dbs_ddl_pg_write(writer, linitial(expr->args));
	const DdlExpr *count = lsecond(expr->args);
	const DdlExpr *pad = list_length(expr->args) < 3 ? NULL : lthird(expr->args);

	if (count->kind != DDL_EXPR_NUMBER || strspn(count->text, "0123456789") != strlen(count->text))
		return dbs_ddl_pg_refuse(writer, "%s to a length that is not written as a number", expr->text);
	if (pad != NULL && (pad->kind != DDL_EXPR_STRING || pad->size == 0))
		return dbs_ddl_pg_refuse(writer, "%s with something else than a written string", expr->text);
	return dbs_ddl_pg_part(psprintf("%s(%s, %s, %s)", expr->text, dbs_ddl_pg_as_text(writer, text), count->text,
									pad == NULL ? "' '" : dbs_ddl_pg_write(writer, pad).sql),
						   DDL_VALUE_TEXT);
}

/* UNHEX of what is no number in hexadecimal digits is null; of an odd count of digits, the first stands alone. */
static DdlPart
write_unhex(DdlWriter *writer, const DdlExpr *expr)
{
	const DdlExpr *argument = linitial(expr->args);
	const char *text = dbs_ddl_pg_as_text(writer, dbs_ddl_pg_write(writer, argument));
	const DdlExpr *inner =
		argument->kind == DDL_EXPR_FUNCTION && argument->args != NIL ? linitial(argument->args) : NULL;
	/* UNHEX(REPLACE(UUID(), '-', '')), which may be written but once. */
	bool is_uuid = inner != NULL && inner->kind == DDL_EXPR_FUNCTION && strcmp(inner->text, "uuid") == 0 &&
				   strcmp(argument->text, "replace") == 0;

	if (is_uuid || (argument->kind == DDL_EXPR_STRING && argument->size % 2 == 0 &&
					strspn(argument->text, "0123456789abcdefABCDEF") == argument->size))
		return dbs_ddl_pg_part(psprintf("decode(%s, 'hex')", text), DDL_VALUE_BYTES);
	if (dbs_ddl_is_volatile(argument))
		return dbs_ddl_pg_refuse(writer, "UNHEX of a value that differs each time");
	return dbs_ddl_pg_part(
		psprintf("CASE WHEN %s ~ '^[0-9A-Fa-f]*$' THEN decode(repeat('0', char_length(%s) %% 2) || %s, "
				 "'hex') END",
				 text, text, text),
		DDL_VALUE_BYTES);
}

static DdlPart
write_nullif(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart left = dbs_ddl_pg_write(writer, linitial(expr->args));
	DdlPart right = dbs_ddl_pg_write(writer, lsecond(expr->args));
	DdlPart result = left;

	dbs_ddl_pg_pair(writer, &left, &right);
	result.sql = psprintf("nullif(%s, %s)", left.sql, right.sql);
	result.value = result.value == DDL_VALUE_LITERAL ? DDL_VALUE_TEXT : result.value;
	result.column = result.literal = false;
	return result;
}

/* AVG shows four decimals more than its argument has. */
static DdlPart
write_average(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart part = dbs_ddl_pg_write(writer, linitial(expr->args));
	const char *number = dbs_ddl_pg_as_number(writer, part, DDL_VALUE_NUMBER);
	int scale = dbs_ddl_common_scale(part, part);
	DdlPart result = dbs_ddl_pg_part(NULL, part.value == DDL_VALUE_FLOAT ? DDL_VALUE_FLOAT : DDL_VALUE_NUMERIC);
	const char *distinct = expr->distinct ? "DISTINCT " : "";

	if (result.value == DDL_VALUE_NUMERIC && (scale < 0 || part.loose || part.value == DDL_VALUE_LITERAL))
		return dbs_ddl_pg_refuse(writer, "an average whose decimals are not known");
	result.scale = Min(scale + 4, 30);
	result.sql = result.value == DDL_VALUE_FLOAT ? psprintf("avg(%s%s)", distinct, number)
												 : psprintf("round(avg(%s%s), %d)", distinct, number, result.scale);
	return result;
}

/* TRIM(BOTH x FROM y): PostgreSQL takes x as a set of characters, which of one is the same. */
static DdlPart
write_trim(DdlWriter *writer, const DdlExpr *expr)
{
	const DdlExpr *what = lsecond(expr->args);
	DdlPart text = dbs_ddl_pg_write(writer, linitial(expr->args));

	if (what->kind != DDL_EXPR_STRING || what->size != 1)
		return dbs_ddl_pg_refuse(writer, "%s of something else than one written character", expr->text);
	return dbs_ddl_pg_part(psprintf("%s(%s, %s)", strcmp(expr->text, "trim") == 0 ? "btrim" : expr->text,
									dbs_ddl_pg_as_text(writer, text), dbs_ddl_pg_write(writer, what).sql),
						   DDL_VALUE_TEXT);
}

static DdlPart
write_hex(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart part = dbs_ddl_pg_write(writer, linitial(expr->args));

	if (part.value == DDL_VALUE_BYTES)
		return dbs_ddl_pg_part(psprintf("upper(encode(%s, 'hex'))", part.sql), DDL_VALUE_TEXT);
	if (part.value == DDL_VALUE_INTEGER && !part.bits)
		return dbs_ddl_pg_part(psprintf("upper(to_hex(%s::bigint))", part.sql), DDL_VALUE_TEXT);
	return dbs_ddl_pg_refuse(writer, "hex of %s", dbs_ddl_value_name(part.value));
}

/* A key that is null fails in PostgreSQL and MySQL, not in MariaDB; one that is written is none. */
static bool
has_written_keys(const DdlExpr *object)
{
	for (int i = 0; i < list_length(object->args); i += 2)
	{
		if (((const DdlExpr *) list_nth(object->args, i))->kind != DDL_EXPR_STRING)
			return false;
	}
	return true;
}

static bool
has_column(const DdlExpr *expr)
{
	ListCell *cell;

	if (expr == NULL)
		return false;
	if (expr->kind == DDL_EXPR_COLUMN)
		return true;
	foreach (cell, expr->args)
	{
		if (has_column(lfirst(cell)))
			return true;
	}
	return false;
}

bool
dbs_ddl_is_folded(const DdlWriter *writer, const DdlExpr *expr)
{
	return writer->context == DDL_CONTEXT_GENERATED && !has_column(expr);
}

bool
dbs_ddl_is_volatile(const DdlExpr *expr)
{
	static const char *const names[] = {"uuid", "uuid_v4", "sys_guid", "rand", "sysdate", "nextval"};
	ListCell *cell;

	if (expr == NULL)
		return false;
	for (int i = 0; expr->kind == DDL_EXPR_FUNCTION && i < lengthof(names); i++)
	{
		if (strcmp(names[i], expr->text) == 0)
			return true;
	}
	foreach (cell, expr->args)
	{
		if (dbs_ddl_is_volatile(lfirst(cell)))
			return true;
	}
	return false;
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
	if (is_date_sum(expr))
		*part = write_date_add(writer, expr);
	else if ((strcmp(name, "lpad") == 0 || strcmp(name, "rpad") == 0) && (count == 2 || count == 3))
		*part = write_pad(writer, expr);
	else if (strcmp(name, "unhex") == 0 && count == 1)
		*part = write_unhex(writer, expr);
	else if (strcmp(name, "nullif") == 0 && count == 2)
		*part = write_nullif(writer, expr);
	else if (strcmp(name, "avg") == 0 && count == 1)
		*part = write_average(writer, expr);
	else if ((strcmp(name, "trim") == 0 || strcmp(name, "ltrim") == 0 || strcmp(name, "rtrim") == 0) && count == 2)
		*part = write_trim(writer, expr);
	else if (strcmp(name, "hex") == 0 && count == 1)
		*part = write_hex(writer, expr);
	else if (strcmp(name, "replace") == 0 && count == 3 && writer->printer->options->source == DBS_DIALECT_MARIADB &&
			 ((const DdlExpr *) lthird(expr->args))->kind != DDL_EXPR_STRING)
		/* MariaDB leaves the text as it is where there is nothing to replace by a null. */
		*part = dbs_ddl_pg_refuse(writer, "replace by something else than a written string");
	else if (strcmp(name, "json_object") == 0 && !has_written_keys(expr))
		*part = dbs_ddl_pg_refuse(writer, "json_object with a key that is not written as a string");
	else if (strcmp(name, "convert using") == 0 && pg_strncasecmp(expr->introducer, "utf8", 4) == 0)
		*part =
			dbs_ddl_pg_part(dbs_ddl_pg_as_text(writer, dbs_ddl_pg_write(writer, linitial(expr->args))), DDL_VALUE_TEXT);
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

/* Whether the words hold the argument more than once. */
static bool
is_repeated(const DdlFunction *function, int at)
{
	char mark[3] = {'$', (char) ('1' + Min(at, 8)), '\0'};
	const char *found = strstr(function->words, mark);

	if (wanted_value(function, at) == DDL_VALUE_COUNT)
		return true;
	if (found == NULL && (found = strstr(function->words, "$*")) != NULL)
		mark[1] = '*';
	return found != NULL && strstr(found + 1, mark) != NULL;
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
		if (dbs_ddl_is_volatile(list_nth(expr->args, i)) && is_repeated(function, i))
			return dbs_ddl_pg_refuse(writer, "function %s of a value that differs each time", expr->text);
		parts[i] = dbs_ddl_pg_write(writer, list_nth(expr->args, i));
		if (parts[i].value == DDL_VALUE_TEXT)
			writer->warnings |= function->warnings;
		if (function->result != DDL_VALUE_COMMON || wanted_value(function, i) == DDL_VALUE_BOOLEAN)
			arguments[i] = (char *) dbs_ddl_pg_convert(writer, parts[i], wanted_value(function, i));
		else
		{
			common = dbs_ddl_pg_common_value(writer, common, parts[i].value);
			dbs_ddl_pg_merge(&result, parts[i]);
		}
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
	if ((function->warnings & DDL_WARN_CHANGES_CASE) != 0 && dbs_ddl_is_folded(writer, linitial(expr->args)))
		return dbs_ddl_pg_refuse(writer, "%s of a constant in a generated column", expr->text);
	/* The least number of a type has no counterpart in it. */
	if (strcmp(function->name, "abs") == 0 && parts[0].value == DDL_VALUE_INTEGER)
		arguments[0] = psprintf("%s::bigint", arguments[0]);
	if (function->result == DDL_VALUE_SAME)
	{
		result = parts[0];
		result.column = result.literal = result.narrow = result.positive = false;
		if (result.value == DDL_VALUE_BOOLEAN && function->wanted[0] == DDL_VALUE_NUMBER)
			result.value = DDL_VALUE_INTEGER;
		else if (result.value == DDL_VALUE_LITERAL && function->wanted[0] == DDL_VALUE_NUMBER)
			result.value = DDL_VALUE_FLOAT;
	}
	else
		result.value = function->result == DDL_VALUE_COMMON ? common : function->result;
	/* MariaDB shows the decimals of both, MySQL those of the one chosen. */
	if (result.loose && strcmp(function->name, "if") == 0 && writer->printer->options->source != DBS_DIALECT_MARIADB)
		result.scale = -1;
	if (strcmp(function->name, "utc_timestamp") == 0)
		result.scale = count == 0 ? 0 : 6;
	result.sql = fill_words(function, arguments, count);
	if (result.value == DDL_VALUE_LITERAL)
		result.value = DDL_VALUE_TEXT;
	return result;
}
