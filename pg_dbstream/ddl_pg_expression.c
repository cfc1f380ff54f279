/*
 * Expressions in PostgreSQL's words.  MySQL converts between types freely,
 * PostgreSQL does not: every part's kind is known, conversions that give the
 * same value are written out, and the first one that would not is the reason
 * why the whole cannot be translated.
 */
#include "postgres.h"

#include "ddl_function.h"
#include "ddl_print.h"

typedef struct Writer
{
	DdlPrinter *printer;
	const DdlKnownTable *table;
	const DdlType *want;
	DdlContext context;
	const char *reason; /* NULL while all is well */
	int refused_at;     /* the byte of the text at which the refused part stands; 0 = not known */
	bool compares_text;
	int depth;
} Writer;

typedef struct Part
{
	const char *sql;
	DdlValue value;
	bool array;
	int scale; /* of a numeric; -1 = not known */
} Part;

static Part write_expr(Writer *writer, const DdlExpr *expr);
static Part refuse(Writer *writer, const char *fmt, ...) pg_attribute_printf(2, 3);

static Part
refuse(Writer *writer, const char *fmt, ...)
{
	Part part = {"NULL", DDL_VALUE_ANY};
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (writer->reason == NULL)
		writer->reason = pstrdup(text);
	return part;
}

static Part
make_part(const char *sql, DdlValue value)
{
	Part part = {sql, value, false, -1};

	return part;
}

static bool
is_numeric_value(DdlValue value)
{
	return value == DDL_VALUE_INTEGER || value == DDL_VALUE_NUMERIC || value == DDL_VALUE_FLOAT;
}

static bool
is_moment(DdlValue value)
{
	return value == DDL_VALUE_DATE || value == DDL_VALUE_TIMESTAMP || value == DDL_VALUE_TIMESTAMPTZ;
}

static const char *
value_name(DdlValue value)
{
	static const char *const names[] = {"a value of unknown type",
										"a string",
										"a condition",
										"an integer",
										"a number",
										"a floating point number",
										"text",
										"bytes",
										"a date",
										"a time",
										"a timestamp",
										"a timestamp with time zone",
										"JSON",
										"a UUID",
										"bits",
										"a value of another type",
										"a number",
										"a date or timestamp"};

	return value < lengthof(names) ? names[value] : "a value";
}

static DdlValue
value_of_type(Writer *writer, const DdlType *type)
{
	const DbsDdlOptions *options = writer->printer->options;

	if (type->array_dimensions > 0)
		return DDL_VALUE_OTHER;
	switch (type->family)
	{
		case DDL_TYPE_BOOLEAN:
			return options->tinyint1 != NULL && strcmp(options->tinyint1, "smallint") == 0 ? DDL_VALUE_INTEGER
																						   : DDL_VALUE_BOOLEAN;
		case DDL_TYPE_BIT:
			return type->length <= 1 ? DDL_VALUE_BOOLEAN : DDL_VALUE_BITS;
		case DDL_TYPE_DECIMAL:
			return DDL_VALUE_NUMERIC;
		case DDL_TYPE_FLOAT4:
		case DDL_TYPE_FLOAT8:
			return DDL_VALUE_FLOAT;
		case DDL_TYPE_DATE:
			return DDL_VALUE_DATE;
		case DDL_TYPE_TIME:
		case DDL_TYPE_INTERVAL:
			return DDL_VALUE_TIME;
		case DDL_TYPE_TIMESTAMP:
			return DDL_VALUE_TIMESTAMP;
		case DDL_TYPE_TIMESTAMPTZ:
			return DDL_VALUE_TIMESTAMPTZ;
		case DDL_TYPE_JSON:
		case DDL_TYPE_JSONB:
			return DDL_VALUE_JSON;
		case DDL_TYPE_UUID:
			return DDL_VALUE_UUID;
		default:
			if (dbs_ddl_is_integer(type->family))
				return DDL_VALUE_INTEGER;
			if (dbs_ddl_is_text(type->family))
				return DDL_VALUE_TEXT;
			if (dbs_ddl_is_bytes(type->family))
				return DDL_VALUE_BYTES;
			return DDL_VALUE_OTHER;
	}
}

/* ---- conversions ---------------------------------------------------------------------------- */

static const char *
as_text(Writer *writer, Part part)
{
	switch (part.value)
	{
		case DDL_VALUE_TEXT:
		case DDL_VALUE_LITERAL:
			return part.sql;
		case DDL_VALUE_BOOLEAN:
			return psprintf("(%s)::integer::text", part.sql);
		case DDL_VALUE_INTEGER:
		case DDL_VALUE_UUID:
			return psprintf("(%s)::text", part.sql);
		case DDL_VALUE_JSON:
			return psprintf("(%s)::text", part.sql);
		case DDL_VALUE_NUMERIC:
			if (part.scale >= 0)
				return psprintf("(%s)::text", part.sql);
			break;
		case DDL_VALUE_DATE:
		case DDL_VALUE_TIMESTAMP:
			/* The text of a date depends on DateStyle, so it is spelled out. */
			if (writer->context != DDL_CONTEXT_GENERATED && writer->context != DDL_CONTEXT_CHECK)
				return psprintf("to_char(%s, '%s')", part.sql,
								part.value == DDL_VALUE_DATE ? "YYYY-MM-DD" : "YYYY-MM-DD HH24:MI:SS");
			break;
		default:
			break;
	}
	return refuse(writer, "%s used as text", value_name(part.value)).sql;
}

static const char *
as_boolean(Writer *writer, Part part)
{
	if (part.value == DDL_VALUE_BOOLEAN)
		return part.sql;
	if (is_numeric_value(part.value))
		return psprintf("(%s <> 0)", part.sql);
	return refuse(writer, "%s used as a condition", value_name(part.value)).sql;
}

static const char *
as_number(Writer *writer, Part part, DdlValue wanted)
{
	if (part.value == DDL_VALUE_BOOLEAN)
		return psprintf("(%s)::integer", part.sql);
	if (part.value == DDL_VALUE_FLOAT && (wanted == DDL_VALUE_NUMERIC || wanted == DDL_VALUE_INTEGER))
		return refuse(writer, "a floating point number where rounding would differ").sql;
	if (is_numeric_value(part.value))
		return part.sql;
	if (part.value == DDL_VALUE_LITERAL && strspn(part.sql, "'0123456789.") == strlen(part.sql) && strlen(part.sql) > 2)
		return pnstrdup(part.sql + 1, strlen(part.sql) - 2);
	return refuse(writer, "%s used as a number", value_name(part.value)).sql;
}

static const char *
convert_part(Writer *writer, Part part, DdlValue wanted)
{
	switch (wanted)
	{
		case DDL_VALUE_BOOLEAN:
			return as_boolean(writer, part);
		case DDL_VALUE_INTEGER:
		case DDL_VALUE_NUMERIC:
		case DDL_VALUE_FLOAT:
		case DDL_VALUE_NUMBER:
			return as_number(writer, part, wanted);
		case DDL_VALUE_TEXT:
			return as_text(writer, part);
		case DDL_VALUE_MOMENT:
			if (is_moment(part.value))
				break;
			if (part.value == DDL_VALUE_LITERAL)
				return psprintf("%s::timestamp", part.sql);
			return refuse(writer, "%s used as a date", value_name(part.value)).sql;
		case DDL_VALUE_TIMESTAMP:
			if (part.value == DDL_VALUE_TIMESTAMP)
				break;
			return refuse(writer, "%s used as a timestamp", value_name(part.value)).sql;
		case DDL_VALUE_BYTES:
		case DDL_VALUE_JSON:
		case DDL_VALUE_UUID:
		case DDL_VALUE_TIMESTAMPTZ:
			if (part.value == wanted)
				break;
			if (part.value == DDL_VALUE_LITERAL && wanted != DDL_VALUE_BYTES)
				return psprintf("%s::%s", part.sql,
								wanted == DDL_VALUE_JSON   ? "jsonb"
								: wanted == DDL_VALUE_UUID ? "uuid"
														   : "timestamptz");
			return refuse(writer, "%s used as %s", value_name(part.value), value_name(wanted)).sql;
		default:
			break;
	}
	return part.sql;
}

/* The kind that values of both kinds are compared as, or ANY with a refusal. */
static DdlValue
common_value(Writer *writer, DdlValue a, DdlValue b)
{
	if (a == b)
		return a;
	if (a == DDL_VALUE_ANY || b == DDL_VALUE_ANY)
		return a == DDL_VALUE_ANY ? b : a;
	if (a == DDL_VALUE_LITERAL || b == DDL_VALUE_LITERAL)
	{
		DdlValue other = a == DDL_VALUE_LITERAL ? b : a;

		return other == DDL_VALUE_INTEGER || other == DDL_VALUE_BOOLEAN ? DDL_VALUE_INTEGER : other;
	}
	if ((is_numeric_value(a) || a == DDL_VALUE_BOOLEAN) && (is_numeric_value(b) || b == DDL_VALUE_BOOLEAN))
	{
		if (a == DDL_VALUE_FLOAT || b == DDL_VALUE_FLOAT)
			return DDL_VALUE_FLOAT;
		return a == DDL_VALUE_NUMERIC || b == DDL_VALUE_NUMERIC ? DDL_VALUE_NUMERIC : DDL_VALUE_INTEGER;
	}
	if (is_moment(a) && is_moment(b) && a != DDL_VALUE_TIMESTAMPTZ && b != DDL_VALUE_TIMESTAMPTZ)
		return DDL_VALUE_TIMESTAMP;
	if (is_moment(a) && is_moment(b) && writer->context == DDL_CONTEXT_QUERY)
		return DDL_VALUE_TIMESTAMPTZ;
	refuse(writer, "%s beside %s", value_name(a), value_name(b));
	return DDL_VALUE_ANY;
}

static const char *
to_common(Writer *writer, Part part, DdlValue common)
{
	if (part.value == DDL_VALUE_BOOLEAN && common != DDL_VALUE_BOOLEAN)
		return as_number(writer, part, DDL_VALUE_NUMBER);
	if (part.value == DDL_VALUE_LITERAL && is_numeric_value(common))
		return as_number(writer, part, common);
	if (part.value == DDL_VALUE_DATE && common == DDL_VALUE_TIMESTAMP)
		return psprintf("(%s)::timestamp", part.sql);
	return part.sql;
}

/* ---- leaves ------------------------------------------------------------------------------------ */

static Part
write_column(Writer *writer, const DdlExpr *expr)
{
	const DdlKnownColumn *column = dbs_ddl_known_column(writer->table, expr->text);
	Part part = {NULL, DDL_VALUE_ANY, false, -1};

	if (writer->context == DDL_CONTEXT_DEFAULT)
		return refuse(writer, "a default that names a column (%s)", expr->text);
	if (writer->context == DDL_CONTEXT_QUERY && expr->qualifier != NULL)
	{
		part.sql = psprintf("%s.%s", dbs_ddl_pg_name(writer->printer, expr->qualifier),
							dbs_ddl_pg_name(writer->printer, expr->text));
		return part;
	}
	if (column == NULL)
	{
		part.sql = dbs_ddl_pg_name(writer->printer, expr->text);
		if (writer->table != NULL && writer->table->complete)
			return refuse(writer, "column \"%s\" does not exist", expr->text);
		return part;
	}
	if (column->generated && writer->context == DDL_CONTEXT_GENERATED)
		return refuse(writer, "it uses the generated column \"%s\"", expr->text);
	part.sql = dbs_ddl_pg_name(writer->printer, column->name);
	part.value = value_of_type(writer, column->type);
	part.array = column->pg_type != NULL && strcmp(column->pg_type, "text[]") == 0;
	if (column->type->family == DDL_TYPE_DECIMAL)
		part.scale = column->type->scale;
	return part;
}

static Part
write_literal(Writer *writer, const DdlExpr *expr)
{
	if (dbs_ddl_has_nul(expr))
		return refuse(writer, "a string that holds a NUL byte");
	switch (expr->kind)
	{
		case DDL_EXPR_NULL:
			return make_part("NULL", DDL_VALUE_ANY);
		case DDL_EXPR_BOOLEAN:
			return make_part(expr->text, DDL_VALUE_BOOLEAN);
		case DDL_EXPR_NUMBER:
		{
			Part part = make_part(expr->text, DDL_VALUE_INTEGER);
			const char *point = strchr(expr->text, '.');

			if (strpbrk(expr->text, "eE") != NULL)
			{
				part.value = DDL_VALUE_FLOAT;
				part.sql = psprintf("%s::double precision", expr->text);
			}
			else if (point != NULL)
			{
				part.value = DDL_VALUE_NUMERIC;
				part.scale = strlen(point + 1);
			}
			return part;
		}
		case DDL_EXPR_STRING:
			if (expr->introducer != NULL && pg_strncasecmp(expr->introducer, "utf8", 4) != 0)
			{
				for (int i = 0; i < expr->size; i++)
				{
					if ((unsigned char) expr->text[i] >= 0x80)
						return refuse(writer, "a string in character set %s", expr->introducer);
				}
				if (pg_strcasecmp(expr->introducer, "binary") == 0)
					return refuse(writer, "a binary string");
			}
			return make_part(dbs_ddl_pg_string(expr->text, expr->size), DDL_VALUE_LITERAL);
		case DDL_EXPR_TEMPORAL:
			if (expr->type->family == DDL_TYPE_DATE)
				return make_part(psprintf("%s::date", dbs_ddl_pg_string(expr->text, expr->size)), DDL_VALUE_DATE);
			if (expr->type->family == DDL_TYPE_TIMESTAMP)
				return make_part(psprintf("%s::timestamp", dbs_ddl_pg_string(expr->text, expr->size)),
								 DDL_VALUE_TIMESTAMP);
			return make_part(psprintf("%s::interval", dbs_ddl_pg_string(expr->text, expr->size)), DDL_VALUE_TIME);
		case DDL_EXPR_HEX:
			if (expr->size <= 14 && writer->want != NULL && dbs_ddl_is_number(writer->want->family))
				return make_part(psprintf("%lld", (long long) strtoll(expr->text, NULL, 16)), DDL_VALUE_INTEGER);
			return make_part(psprintf("'\\x%s'::bytea", expr->text), DDL_VALUE_BYTES);
		case DDL_EXPR_BITS:
			if (expr->size <= 62)
				return make_part(psprintf("%lld", (long long) strtoll(expr->text, NULL, 2)), DDL_VALUE_INTEGER);
			break;
		default:
			break;
	}
	return refuse(writer, "a literal of this kind");
}

/* ---- functions ----------------------------------------------------------------------------------- */

/* NOW() and its synonyms: with or without a time zone as the column wants it. */
static Part
write_now(Writer *writer, const DdlExpr *expr)
{
	bool local = writer->want == NULL || writer->want->family != DDL_TYPE_TIMESTAMPTZ;
	int digits = 0;
	const char *precision = "";

	if (expr->args != NIL)
	{
		const DdlExpr *argument = linitial(expr->args);

		if (argument->kind != DDL_EXPR_NUMBER)
			return refuse(writer, "%s with an argument that is no number", expr->text);
		digits = (int) strtol(argument->text, NULL, 10);
		if (digits > 0 && digits < 6)
			precision = psprintf("(%d)", digits);
	}
	if (writer->context == DDL_CONTEXT_GENERATED || writer->context == DDL_CONTEXT_CHECK)
		return refuse(writer, "%s changes with time", expr->text);
	return make_part(psprintf("%s%s", local ? "LOCALTIMESTAMP" : "CURRENT_TIMESTAMP", precision),
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

static Part
write_date_add(Writer *writer, const DdlExpr *expr, bool subtract)
{
	Part date;
	Part amount;
	const DdlExpr *interval;
	const char *unit;
	const char *sql;

	if (list_length(expr->args) != 2)
		return refuse(writer, "function %s with these arguments", expr->text);
	date = write_expr(writer, linitial(expr->args));
	interval = lsecond(expr->args);
	if (interval->kind == DDL_EXPR_INTERVAL)
	{
		amount = write_expr(writer, linitial(interval->args));
		unit = interval_unit(interval->text);
	}
	else
	{
		amount = write_expr(writer, interval);
		unit = "day";
	}
	if (unit == NULL)
		return refuse(writer, "INTERVAL with the unit %s", interval->text);
	if (date.value == DDL_VALUE_LITERAL || date.value == DDL_VALUE_ANY)
		return refuse(writer, "an interval added to %s", value_name(date.value));
	if (!is_moment(date.value))
		return refuse(writer, "an interval added to %s", value_name(date.value));
	if (date.value == DDL_VALUE_TIMESTAMPTZ && writer->context != DDL_CONTEXT_DEFAULT &&
		writer->context != DDL_CONTEXT_QUERY)
		return refuse(writer, "an interval added to a timestamp with time zone");
	sql = psprintf("%s %s (%s) * '1 %s'::interval", date.sql, subtract ? "-" : "+",
				   as_number(writer, amount, DDL_VALUE_NUMBER), unit);
	if (date.value == DDL_VALUE_DATE && is_date_unit(unit))
		return make_part(psprintf("(%s)::date", sql), DDL_VALUE_DATE);
	return make_part(psprintf("(%s)", sql), date.value == DDL_VALUE_DATE ? DDL_VALUE_TIMESTAMP : date.value);
}

static Part
write_extract(Writer *writer, const DdlExpr *expr)
{
	const DdlExpr *unit = linitial(expr->args);
	Part part = write_expr(writer, lsecond(expr->args));
	static const char *const units[] = {"year", "quarter", "month", "day", "hour", "minute"};

	if (!is_moment(part.value) || (part.value == DDL_VALUE_TIMESTAMPTZ && writer->context != DDL_CONTEXT_QUERY))
		return refuse(writer, "extract from %s", value_name(part.value));
	for (int i = 0; i < lengthof(units); i++)
	{
		if (strcmp(units[i], unit->text) == 0)
			return make_part(psprintf("extract(%s FROM %s)::integer", unit->text, part.sql), DDL_VALUE_INTEGER);
	}
	return refuse(writer, "extract of the unit %s", unit->text);
}

/* substring(x, from [, for]): only a literal place from 1 on means the same. */
static Part
write_substring(Writer *writer, const DdlExpr *expr)
{
	int count = list_length(expr->args);
	Part text = write_expr(writer, linitial(expr->args));
	const DdlExpr *from;
	const char *rest = "";

	if (count < 2)
		return refuse(writer, "substring with one argument");
	from = lsecond(expr->args);
	if (from->kind != DDL_EXPR_NUMBER || strtol(from->text, NULL, 10) < 1)
		return refuse(writer, "substring from a place that is not a number from 1 on");
	if (count == 3)
	{
		const DdlExpr *size = lthird(expr->args);

		if (size->kind == DDL_EXPR_NUMBER)
			rest = psprintf(", %s", size->text);
		else
			rest = psprintf(", greatest(%s, 0)", as_number(writer, write_expr(writer, size), DDL_VALUE_INTEGER));
	}
	if (text.value == DDL_VALUE_BYTES)
		return make_part(psprintf("substr(%s, %s%s)", text.sql, from->text, rest), DDL_VALUE_BYTES);
	return make_part(psprintf("substr(%s, %s%s)", as_text(writer, text), from->text, rest), DDL_VALUE_TEXT);
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
	return out.data;
}

static Part
write_json_arrow(Writer *writer, const DdlExpr *document, const DdlExpr *path, bool unquote)
{
	Part part = write_expr(writer, document);
	const char *sql;
	const char *json;

	if (part.value != DDL_VALUE_JSON)
		return refuse(writer, "a JSON path in %s", value_name(part.value));
	if (path->kind != DDL_EXPR_STRING || (json = json_path(path->text)) == NULL)
		return refuse(writer, "a JSON path that is not plain members and numbers");
	sql = psprintf("(%s #> %s)", part.sql, json);
	if (!unquote)
		return make_part(sql, DDL_VALUE_JSON);
	/* MySQL unquotes a JSON null to the word null, where PostgreSQL gives SQL's NULL. */
	return make_part(psprintf("CASE jsonb_typeof(%s) WHEN 'null' THEN 'null' ELSE %s #>> %s END", sql, part.sql, json),
					 DDL_VALUE_TEXT);
}

/* Functions that need more than the table. False when it is none of these. */
static bool
write_special(Writer *writer, const DdlExpr *expr, Part *part)
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
		*part = write_json_arrow(writer, linitial(expr->args), lsecond(expr->args), false);
	else if (strcmp(name, "json_unquote") == 0 && count == 1)
	{
		const DdlExpr *inner = linitial(expr->args);

		if (inner->kind == DDL_EXPR_FUNCTION && strcmp(inner->text, "json_extract") == 0 &&
			list_length(inner->args) == 2)
			*part = write_json_arrow(writer, linitial(inner->args), lsecond(inner->args), true);
		else
			*part = refuse(writer, "json_unquote of something else than json_extract");
	}
	else if (strcmp(name, "json_value") == 0 && count == 2 && expr->type == NULL)
		*part = refuse(writer, "json_value");
	else if (strcmp(name, "json_valid") == 0 && count == 1)
	{
		Part inner = write_expr(writer, linitial(expr->args));

		if (inner.value == DDL_VALUE_JSON)
			*part = make_part(psprintf("(CASE WHEN %s IS NOT NULL THEN true END)", inner.sql), DDL_VALUE_BOOLEAN);
		else
			*part = refuse(writer, "json_valid of text");
	}
	else if (strcmp(name, "nextval") == 0 && count == 1)
	{
		const DdlExpr *sequence = linitial(expr->args);
		DdlName sequence_name = {sequence->qualifier, sequence->text};
		const char *table;

		if (sequence->kind != DDL_EXPR_COLUMN)
			return false;
		table = dbs_ddl_pg_table(writer->printer, &sequence_name);
		*part =
			make_part(psprintf("nextval(%s::regclass)", dbs_ddl_pg_string(table, strlen(table))), DDL_VALUE_INTEGER);
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
	return out.data;
}

static Part
write_function(Writer *writer, const DdlExpr *expr)
{
	const DdlFunction *function;
	int count = list_length(expr->args);
	char **arguments = palloc0((count + 1) * sizeof(char *));
	Part *parts = palloc0((count + 1) * sizeof(Part));
	DdlValue common = DDL_VALUE_ANY;
	Part result = {NULL, DDL_VALUE_ANY, false, -1};

	if (write_special(writer, expr, &result))
		return result;
	function = dbs_ddl_find_function(expr->text, count);
	if (function == NULL)
		return refuse(writer, "function %s with %d argument%s has no exact equivalent", expr->text, count,
					  count == 1 ? "" : "s");
	if (function->volatility != DDL_IMMUTABLE &&
		(writer->context == DDL_CONTEXT_GENERATED || writer->context == DDL_CONTEXT_CHECK))
		return refuse(writer, "function %s, whose equivalent is not immutable", expr->text);
	for (int i = 0; i < count; i++)
	{
		parts[i] = write_expr(writer, list_nth(expr->args, i));
		if (function->result != DDL_VALUE_COMMON || wanted_value(function, i) == DDL_VALUE_BOOLEAN)
			arguments[i] = (char *) convert_part(writer, parts[i], wanted_value(function, i));
		else
			common = common_value(writer, common, parts[i].value);
	}
	/* A condition as a value: if(a, 1, b > 2) needs one kind for both. */
	for (int i = 0; i < count; i++)
	{
		if (arguments[i] == NULL)
			arguments[i] = (char *) to_common(writer, parts[i], common);
	}
	if (is_moment(parts[0].value) && parts[0].value == DDL_VALUE_TIMESTAMPTZ &&
		function->wanted[0] == DDL_VALUE_MOMENT && writer->context != DDL_CONTEXT_QUERY)
		return refuse(writer, "function %s of a timestamp with time zone, which depends on the session's zone",
					  expr->text);
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

/* ---- operators ------------------------------------------------------------------------------------- */

static Part
write_comparison(Writer *writer, const DdlExpr *expr)
{
	const DdlExpr *left_expr = linitial(expr->args);
	const DdlExpr *right_expr = lsecond(expr->args);
	Part left = write_expr(writer, left_expr);
	Part right = write_expr(writer, right_expr);
	DdlValue common;
	const char *operator_sql = expr->text;

	/* flag = 1 */
	if (left.value == DDL_VALUE_BOOLEAN && right_expr->kind == DDL_EXPR_NUMBER &&
		(strcmp(right.sql, "0") == 0 || strcmp(right.sql, "1") == 0))
		right = make_part(strcmp(right.sql, "0") == 0 ? "false" : "true", DDL_VALUE_BOOLEAN);
	common = common_value(writer, left.value, right.value);
	if (left.array || right.array)
		return refuse(writer, "a set compared with a string");
	if (common == DDL_VALUE_TEXT)
		writer->compares_text = true;
	if (strcmp(operator_sql, "<=>") == 0)
		operator_sql = "IS NOT DISTINCT FROM";
	return make_part(
		psprintf("(%s %s %s)", to_common(writer, left, common), operator_sql, to_common(writer, right, common)),
		DDL_VALUE_BOOLEAN);
}

static Part
write_arithmetic(Writer *writer, const DdlExpr *expr)
{
	Part left = write_expr(writer, linitial(expr->args));
	Part right = write_expr(writer, lsecond(expr->args));
	const char *a = as_number(writer, left, DDL_VALUE_NUMBER);
	const char *b = as_number(writer, right, DDL_VALUE_NUMBER);
	bool floating = left.value == DDL_VALUE_FLOAT || right.value == DDL_VALUE_FLOAT;
	bool integers = !floating && left.value != DDL_VALUE_NUMERIC && right.value != DDL_VALUE_NUMERIC;
	Part result = make_part(NULL, floating ? DDL_VALUE_FLOAT : integers ? DDL_VALUE_INTEGER : DDL_VALUE_NUMERIC);

	if (strcmp(expr->text, "/") == 0)
	{
		int scale = integers ? 0 : left.value == DDL_VALUE_NUMERIC ? left.scale : 0;

		if (floating)
			result.sql = psprintf("(%s / nullif(%s, 0))", a, b);
		else if (scale < 0)
			return refuse(writer, "a division whose decimals are not known");
		else
		{
			/* MySQL keeps four decimals more than the dividend has. */
			result.value = DDL_VALUE_NUMERIC;
			result.scale = Min(scale + 4, 30);
			result.sql = psprintf("round(%s::numeric / nullif(%s, 0), %d)", a, b, result.scale);
		}
		return result;
	}
	if (strcmp(expr->text, "div") == 0)
	{
		if (floating)
			return refuse(writer, "DIV of floating point numbers");
		return make_part(psprintf("div(%s::numeric, nullif(%s, 0))", a, b), DDL_VALUE_INTEGER);
	}
	if (strcmp(expr->text, "%") == 0)
	{
		if (floating)
			return refuse(writer, "a remainder of floating point numbers");
		result.sql = psprintf("(%s %% nullif(%s, 0))", a, b);
		result.scale = Max(left.scale, right.scale);
		return result;
	}
	/* MySQL computes with 64 bits, PostgreSQL with the wider of both sides. */
	if (integers)
		a = psprintf("%s::bigint", a);
	result.sql = psprintf("(%s %s %s)", a, expr->text, b);
	if (result.value == DDL_VALUE_NUMERIC)
	{
		int ls = left.value == DDL_VALUE_NUMERIC ? left.scale : 0;
		int rs = right.value == DDL_VALUE_NUMERIC ? right.scale : 0;

		if (ls >= 0 && rs >= 0)
			result.scale = strcmp(expr->text, "*") == 0 ? Min(ls + rs, 30) : Max(ls, rs);
	}
	return result;
}

static Part
write_bits(Writer *writer, const DdlExpr *expr)
{
	Part left = write_expr(writer, linitial(expr->args));
	Part right = write_expr(writer, lsecond(expr->args));

	if (left.value != DDL_VALUE_INTEGER || right.value != DDL_VALUE_INTEGER || strcmp(expr->text, "<<") == 0)
		return refuse(writer, "operator %s on these types", expr->text);
	return make_part(psprintf("(%s::bigint %s %s%s)", left.sql, strcmp(expr->text, "^") == 0 ? "#" : expr->text,
							  right.sql, strcmp(expr->text, ">>") == 0 ? "::integer" : "::bigint"),
					 DDL_VALUE_INTEGER);
}

static Part
write_like(Writer *writer, const DdlExpr *expr)
{
	Part left = write_expr(writer, linitial(expr->args));
	Part right = write_expr(writer, lsecond(expr->args));
	const char *escape = "";

	writer->compares_text = true;
	if (list_length(expr->args) == 3)
		escape = psprintf(" ESCAPE %s", write_expr(writer, lthird(expr->args)).sql);
	return make_part(psprintf("(%s %sLIKE %s%s)", as_text(writer, left), expr->negated ? "NOT " : "",
							  as_text(writer, right), escape),
					 DDL_VALUE_BOOLEAN);
}

/* Only patterns of plain characters, classes, anchors and counts mean the same to both engines. */
static Part
write_regexp(Writer *writer, const DdlExpr *expr)
{
	Part left = write_expr(writer, linitial(expr->args));
	const DdlExpr *pattern = lsecond(expr->args);

	if (pattern->kind != DDL_EXPR_STRING ||
		strspn(pattern->text,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-@#/:,;=<>!%&~^$.[]*+?{}()|") !=
			pattern->size ||
		strstr(pattern->text, "[[") != NULL || strstr(pattern->text, "(?") != NULL ||
		strstr(pattern->text, "***") != NULL)
		return refuse(writer, "a regular expression that the two servers may read differently");
	writer->compares_text = true;
	return make_part(psprintf("(%s %s~ %s)", as_text(writer, left), expr->negated ? "!" : "",
							  dbs_ddl_pg_string(pattern->text, pattern->size)),
					 DDL_VALUE_BOOLEAN);
}

static Part
write_is(Writer *writer, const DdlExpr *expr)
{
	Part part = write_expr(writer, linitial(expr->args));
	static const char *const tests[][2] = {
		{"is null", "NULL"}, {"is true", "TRUE"}, {"is false", "FALSE"}, {"is unknown", "UNKNOWN"}};

	for (int i = 0; i < lengthof(tests); i++)
	{
		if (strcmp(tests[i][0], expr->text) == 0)
			return make_part(psprintf("(%s IS %s%s)", i == 0 ? part.sql : as_boolean(writer, part),
									  expr->negated ? "NOT " : "", tests[i][1]),
							 DDL_VALUE_BOOLEAN);
	}
	return refuse(writer, "operator %s", expr->text);
}

static Part
write_logic(Writer *writer, const DdlExpr *expr)
{
	const char *a = as_boolean(writer, write_expr(writer, linitial(expr->args)));
	const char *b;

	if (strcmp(expr->text, "not") == 0)
		return make_part(psprintf("(NOT %s)", a), DDL_VALUE_BOOLEAN);
	b = as_boolean(writer, write_expr(writer, lsecond(expr->args)));
	if (strcmp(expr->text, "xor") == 0)
		return make_part(psprintf("(%s <> %s)", a, b), DDL_VALUE_BOOLEAN);
	return make_part(psprintf("(%s %s %s)", a, strcmp(expr->text, "and") == 0 ? "AND" : "OR", b), DDL_VALUE_BOOLEAN);
}

static Part
write_operator(Writer *writer, const DdlExpr *expr)
{
	const char *name = expr->text;

	if (strcmp(name, "and") == 0 || strcmp(name, "or") == 0 || strcmp(name, "xor") == 0 || strcmp(name, "not") == 0)
		return write_logic(writer, expr);
	if (strncmp(name, "is ", 3) == 0)
		return write_is(writer, expr);
	if (strcmp(name, "like") == 0)
		return write_like(writer, expr);
	if (strcmp(name, "regexp") == 0)
		return write_regexp(writer, expr);
	if (strcmp(name, "concat") == 0)
		return make_part(psprintf("(%s || %s)", as_text(writer, write_expr(writer, linitial(expr->args))),
								  as_text(writer, write_expr(writer, lsecond(expr->args)))),
						 DDL_VALUE_TEXT);
	if (strcmp(name, "neg") == 0)
	{
		Part part = write_expr(writer, linitial(expr->args));

		return make_part(psprintf("(- %s)", as_number(writer, part, DDL_VALUE_NUMBER)),
						 part.value == DDL_VALUE_BOOLEAN ? DDL_VALUE_INTEGER : part.value);
	}
	if (strcmp(name, "->") == 0 || strcmp(name, "->>") == 0)
		return write_json_arrow(writer, linitial(expr->args), lsecond(expr->args), name[2] == '>');
	if (strchr("=<>", name[0]) != NULL && strcmp(name, "<<") != 0 && strcmp(name, ">>") != 0)
		return write_comparison(writer, expr);
	if (strcmp(name, "~") == 0)
		return refuse(writer, "operator ~, which gives an unsigned number");
	if (strchr("&|^", name[0]) != NULL || strcmp(name, "<<") == 0 || strcmp(name, ">>") == 0)
		return write_bits(writer, expr);
	return write_arithmetic(writer, expr);
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

static Part
write_case(Writer *writer, const DdlExpr *expr)
{
	int count = list_length(expr->args);
	const DdlExpr *operand = linitial(expr->args);
	const DdlExpr *otherwise = list_nth(expr->args, count - 1);
	Part *parts = palloc0(count * sizeof(Part));
	DdlValue common = DDL_VALUE_ANY;
	StringInfoData out;
	Part left = {NULL};

	if (operand != NULL)
		left = write_expr(writer, operand);
	for (int i = 1; i < count; i++)
	{
		const DdlExpr *part = list_nth(expr->args, i);

		if (part == NULL)
			continue;
		parts[i] = write_expr(writer, part);
		if (i % 2 == 0 || i == count - 1)
			common = common_value(writer, common, parts[i].value);
	}
	initStringInfo(&out);
	appendStringInfoString(&out, "CASE");
	for (int i = 1; i + 1 < count - 1; i += 2)
	{
		const char *condition;

		if (operand != NULL)
		{
			DdlValue both = common_value(writer, left.value, parts[i].value);

			condition = psprintf("%s = %s", to_common(writer, left, both), to_common(writer, parts[i], both));
		}
		else
			condition = as_boolean(writer, parts[i]);
		appendStringInfo(&out, " WHEN %s THEN %s", condition, to_common(writer, parts[i + 1], common));
	}
	if (otherwise != NULL)
		appendStringInfo(&out, " ELSE %s", to_common(writer, parts[count - 1], common));
	appendStringInfoString(&out, " END");
	return make_part(out.data, common == DDL_VALUE_LITERAL ? DDL_VALUE_TEXT : common);
}

static Part
write_in(Writer *writer, const DdlExpr *expr)
{
	Part left = write_expr(writer, linitial(expr->args));
	StringInfoData out;
	const char *reason = NULL;

	initStringInfo(&out);
	if (expr->query != NULL)
	{
		const char *query = dbs_ddl_pg_query(writer->printer, expr->query, &reason);

		if (query == NULL)
			return refuse(writer, "%s", reason);
		return make_part(psprintf("(%s %sIN (%s))", left.sql, expr->negated ? "NOT " : "", query), DDL_VALUE_BOOLEAN);
	}
	if (left.array)
		return refuse(writer, "a set compared with a string");
	if (left.value == DDL_VALUE_TEXT)
		writer->compares_text = true;
	for (int i = 1; i < list_length(expr->args); i++)
	{
		Part part = write_expr(writer, list_nth(expr->args, i));
		DdlValue common =
			common_value(writer, left.value == DDL_VALUE_BOOLEAN ? DDL_VALUE_INTEGER : left.value, part.value);

		appendStringInfo(&out, "%s%s", i == 1 ? "" : ", ", to_common(writer, part, common));
	}
	return make_part(psprintf("(%s %sIN (%s))",
							  left.value == DDL_VALUE_BOOLEAN ? as_number(writer, left, DDL_VALUE_NUMBER) : left.sql,
							  expr->negated ? "NOT " : "", out.data),
					 DDL_VALUE_BOOLEAN);
}

static Part
write_between(Writer *writer, const DdlExpr *expr)
{
	Part value = write_expr(writer, linitial(expr->args));
	Part low = write_expr(writer, lsecond(expr->args));
	Part high = write_expr(writer, lthird(expr->args));
	DdlValue common = common_value(writer, common_value(writer, value.value, low.value), high.value);

	if (common == DDL_VALUE_TEXT)
		writer->compares_text = true;
	return make_part(psprintf("(%s %sBETWEEN %s AND %s)", to_common(writer, value, common), expr->negated ? "NOT " : "",
							  to_common(writer, low, common), to_common(writer, high, common)),
					 DDL_VALUE_BOOLEAN);
}

static Part
write_cast(Writer *writer, const DdlExpr *expr)
{
	Part part = write_expr(writer, linitial(expr->args));
	const DdlType *type = expr->type;
	Part result = make_part(NULL, value_of_type(writer, type));

	if (strcmp(expr->text, "cast") != 0 || type->array_dimensions > 0)
		return refuse(writer, "a conversion of this kind");
	if (dbs_ddl_is_text(type->family))
	{
		result.sql = as_text(writer, part);
		if (type->length > 0)
			result.sql = psprintf("left(%s, %d)", result.sql, (int) type->length);
		else
			result.sql = psprintf("(%s)::text", result.sql);
		return result;
	}
	if (type->family == DDL_TYPE_INT8 && type->is_unsigned && part.value != DDL_VALUE_INTEGER)
		return refuse(writer, "a conversion to an unsigned number");
	if (dbs_ddl_is_number(type->family))
	{
		const char *name = dbs_ddl_pg_type(writer->printer, type, "");

		if (type->family == DDL_TYPE_INT8)
			name = "bigint";
		if (type->family == DDL_TYPE_DECIMAL)
			result.scale = type->scale;
		result.sql =
			psprintf("(%s)::%s",
					 as_number(writer, part,
							   type->family == DDL_TYPE_DECIMAL || dbs_ddl_is_integer(type->family) ? DDL_VALUE_NUMERIC
																									: DDL_VALUE_NUMBER),
					 name);
		return result;
	}
	if (type->family == DDL_TYPE_JSON && (part.value == DDL_VALUE_LITERAL || part.value == DDL_VALUE_JSON))
	{
		result.sql = psprintf("%s::jsonb", part.sql);
		return result;
	}
	if ((type->family == DDL_TYPE_DATE || type->family == DDL_TYPE_TIMESTAMP) &&
		(part.value == DDL_VALUE_DATE || part.value == DDL_VALUE_TIMESTAMP || part.value == DDL_VALUE_LITERAL))
	{
		result.sql = psprintf("%s::%s", part.sql, type->family == DDL_TYPE_DATE ? "date" : "timestamp(0)");
		return result;
	}
	return refuse(writer, "a conversion from %s to %s", value_name(part.value),
				  type->name == NULL ? "that" : type->name);
}

static Part
write_expr_inner(Writer *writer, const DdlExpr *expr)
{
	const char *reason = NULL;
	const char *query;

	switch (expr->kind)
	{
		case DDL_EXPR_COLUMN:
			return write_column(writer, expr);
		case DDL_EXPR_FUNCTION:
			return write_function(writer, expr);
		case DDL_EXPR_OPERATOR:
			return write_operator(writer, expr);
		case DDL_EXPR_CAST:
			return write_cast(writer, expr);
		case DDL_EXPR_CASE:
			return write_case(writer, expr);
		case DDL_EXPR_IN:
			return write_in(writer, expr);
		case DDL_EXPR_BETWEEN:
			return write_between(writer, expr);
		case DDL_EXPR_STAR:
			if (writer->context != DDL_CONTEXT_QUERY)
				break;
			return make_part(
				expr->qualifier == NULL ? "*" : psprintf("%s.*", dbs_ddl_pg_name(writer->printer, expr->qualifier)),
				DDL_VALUE_ANY);
		case DDL_EXPR_QUERY:
		case DDL_EXPR_EXISTS:
			query = dbs_ddl_pg_query(writer->printer, expr->query, &reason);
			if (query == NULL)
				return refuse(writer, "%s", reason);
			if (expr->kind == DDL_EXPR_EXISTS)
				return make_part(psprintf("(EXISTS (%s))", query), DDL_VALUE_BOOLEAN);
			return make_part(psprintf("(%s)", query), DDL_VALUE_ANY);
		case DDL_EXPR_COLLATE:
			writer->compares_text = true;
			return write_expr(writer, linitial(expr->args));
		case DDL_EXPR_VARIABLE:
			return refuse(writer, "the variable %s", expr->text);
		case DDL_EXPR_ROW:
		case DDL_EXPR_ARRAY:
		case DDL_EXPR_INTERVAL:
			break;
		default:
			return write_literal(writer, expr);
	}
	return refuse(writer, "an expression of this kind");
}

static Part
write_expr(Writer *writer, const DdlExpr *expr)
{
	Part part;

	if (writer->reason != NULL)
		return make_part("NULL", DDL_VALUE_ANY);
	/* The parser bounds the depth of nesting, not the length of a chain of operators. */
	if (writer->depth > 1000)
		return refuse(writer, "an expression too deep");
	writer->depth++;
	part = write_expr_inner(writer, expr);
	writer->depth--;
	/* The innermost part that knows where it stands. */
	if (writer->reason != NULL && writer->refused_at == 0)
		writer->refused_at = expr->offset;
	return part;
}

/* Takes away one pair of parentheses around the whole. */
static const char *
strip_parentheses(const char *sql)
{
	Size size = strlen(sql);
	int depth = 0;
	bool quoted = false;
	char quote = 0;

	if (size < 2 || sql[0] != '(' || sql[size - 1] != ')')
		return sql;
	for (Size i = 0; i < size; i++)
	{
		if (quoted)
			quoted = sql[i] != quote;
		else if (sql[i] == '\'' || sql[i] == '"')
		{
			quoted = true;
			quote = sql[i];
		}
		else if (sql[i] == '(')
			depth++;
		else if (sql[i] == ')' && --depth == 0 && i + 1 < size)
			return sql;
	}
	return pnstrdup(sql + 1, size - 2);
}

const char *
dbs_ddl_pg_expression(DdlPrinter *printer, const DdlExpr *expr, const DdlKnownTable *table, const DdlType *want,
					  DdlContext context, const char **reason)
{
	Writer writer = {printer, table, want, context};
	Part part = write_expr(&writer, expr);
	const char *sql = part.sql;
	DdlValue wanted = DDL_VALUE_ANY;

	if (want != NULL && writer.reason == NULL)
	{
		wanted = value_of_type(&writer, want);
		if (wanted == DDL_VALUE_BOOLEAN)
			sql = as_boolean(&writer, part);
		else if (wanted == DDL_VALUE_TEXT && part.value != DDL_VALUE_ANY)
			sql = as_text(&writer, part);
		else if (part.value == DDL_VALUE_BOOLEAN && is_numeric_value(wanted))
			sql = psprintf("(%s)::integer", part.sql);
		else if (wanted == DDL_VALUE_JSON && part.value == DDL_VALUE_LITERAL)
			sql = psprintf("%s::%s", part.sql, dbs_ddl_pg_type(printer, want, ""));
		else if (wanted == DDL_VALUE_TIME && part.value == DDL_VALUE_TIMESTAMP)
			sql = psprintf("%s::time::interval", part.sql);
		else if (wanted == DDL_VALUE_DATE && is_moment(part.value) && part.value != DDL_VALUE_DATE)
			sql = psprintf("(%s)::date", part.sql);
		else if ((is_numeric_value(wanted) && !is_numeric_value(part.value) && part.value != DDL_VALUE_ANY &&
				  part.value != DDL_VALUE_LITERAL) ||
				 ((wanted == DDL_VALUE_BYTES || wanted == DDL_VALUE_UUID || wanted == DDL_VALUE_JSON) &&
				  part.value != wanted && part.value != DDL_VALUE_ANY))
			refuse(&writer, "%s for a column of %s", value_name(part.value), value_name(wanted));
	}
	if (writer.reason != NULL)
	{
		printer->refused_at = writer.refused_at > 0 ? writer.refused_at : expr->offset;
		*reason = writer.reason;
		return NULL;
	}
	if (writer.compares_text && context != DDL_CONTEXT_QUERY)
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "text in an expression is compared by PostgreSQL's collation, which minds case");
	return strip_parentheses(sql);
}
