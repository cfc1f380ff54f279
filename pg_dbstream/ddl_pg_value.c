/*
 * Kinds of values in expressions, and the conversions between them that give the same value.
 */
#include "postgres.h"

#include "ddl_pg_expression.h"

DdlPart
dbs_ddl_pg_refuse(DdlWriter *writer, const char *fmt, ...)
{
	DdlPart part = {"NULL", DDL_VALUE_ANY};
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (writer->reason == NULL)
		writer->reason = pstrdup(text);
	return part;
}

DdlPart
dbs_ddl_pg_part(const char *sql, DdlValue value)
{
	DdlPart part = {sql, value, false, -1};

	return part;
}

bool
dbs_ddl_is_numeric_value(DdlValue value)
{
	return value == DDL_VALUE_INTEGER || value == DDL_VALUE_NUMERIC || value == DDL_VALUE_FLOAT;
}

bool
dbs_ddl_is_moment_value(DdlValue value)
{
	return value == DDL_VALUE_DATE || value == DDL_VALUE_TIMESTAMP || value == DDL_VALUE_TIMESTAMPTZ;
}

const char *
dbs_ddl_value_name(DdlValue value)
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

DdlValue
dbs_ddl_value_of_type(DdlWriter *writer, const DdlType *type)
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

const char *
dbs_ddl_pg_as_text(DdlWriter *writer, DdlPart part)
{
	switch (part.value)
	{
		case DDL_VALUE_TEXT:
		case DDL_VALUE_LITERAL:
			return part.sql;
		case DDL_VALUE_BOOLEAN:
			return psprintf("(%s)::integer::text", part.sql);
		case DDL_VALUE_INTEGER:
			if (part.bits)
				break;
			return psprintf("(%s)::text", part.sql);
		case DDL_VALUE_UUID:
			return psprintf("(%s)::text", part.sql);
		case DDL_VALUE_JSON:
			writer->warnings |= DDL_WARN_WRITES_JSON;
			return psprintf("(%s)::text", part.sql);
		case DDL_VALUE_NUMERIC:
			if (part.scale >= 0)
				return psprintf(part.loose ? "round(%s, %d)::text" : "(%s)::text", part.sql, part.scale);
			break;
		case DDL_VALUE_DATE:
		case DDL_VALUE_TIMESTAMP:
			/* The text of a date depends on DateStyle, so it is spelled out. */
			if (writer->context != DDL_CONTEXT_GENERATED && writer->context != DDL_CONTEXT_CHECK)
			{
				if (part.value == DDL_VALUE_DATE)
					return psprintf("to_char(%s, 'YYYY-MM-DD')", part.sql);
				if (part.scale == 0)
					return psprintf("to_char(%s, 'YYYY-MM-DD HH24:MI:SS')", part.sql);
				if (part.scale > 0)
					return psprintf("to_char(%s, 'YYYY-MM-DD HH24:MI:SS.FF%d')", part.sql, part.scale);
			}
			break;
		default:
			break;
	}
	return dbs_ddl_pg_refuse(writer, "%s used as text", dbs_ddl_value_name(part.value)).sql;
}

const char *
dbs_ddl_pg_as_boolean(DdlWriter *writer, DdlPart part)
{
	if (part.value == DDL_VALUE_BOOLEAN)
		return part.sql;
	if (dbs_ddl_is_numeric_value(part.value))
		return psprintf("(%s <> 0)", part.sql);
	return dbs_ddl_pg_refuse(writer, "%s used as a condition", dbs_ddl_value_name(part.value)).sql;
}

const char *
dbs_ddl_pg_as_number(DdlWriter *writer, DdlPart part, DdlValue wanted)
{
	if (part.value == DDL_VALUE_BOOLEAN)
		return psprintf("(%s)::integer", part.sql);
	if (part.value == DDL_VALUE_FLOAT && (wanted == DDL_VALUE_NUMERIC || wanted == DDL_VALUE_INTEGER))
		return dbs_ddl_pg_refuse(writer, "a floating point number where rounding would differ").sql;
	if (dbs_ddl_is_numeric_value(part.value))
		return part.sql;
	if (part.value == DDL_VALUE_LITERAL && strspn(part.sql, "'0123456789.") == strlen(part.sql) && strlen(part.sql) > 2)
		return pnstrdup(part.sql + 1, strlen(part.sql) - 2);
	return dbs_ddl_pg_refuse(writer, "%s used as a number", dbs_ddl_value_name(part.value)).sql;
}

const char *
dbs_ddl_pg_as_count(DdlWriter *writer, DdlPart part)
{
	const char *number = dbs_ddl_pg_as_number(writer, part, DDL_VALUE_INTEGER);

	if (part.literal && part.narrow)
		return number;
	if (part.positive)
		return part.narrow ? number : psprintf("(%s)::integer", number);
	/* Not greatest(), to which a null is none. */
	return psprintf("CASE WHEN %s < 0 THEN 0 ELSE %s END", number,
					part.narrow ? number : psprintf("(%s)::integer", number));
}

/*
 * MySQL reads dates in many ways, with any punctuation and with two digits for the year.  Those that are written in
 * full, as everybody does, mean the same to both; others are not worth the risk.
 */
const char *
dbs_ddl_pg_moment(DdlWriter *writer, const char *literal, DdlValue wanted)
{
	static const char *const shapes[] = {"'dddd-dd-dd'", "'dddd-dd-dd dd:dd:dd'", "'dddd-dd-dd dd:dd'"};
	const char *type = wanted == DDL_VALUE_DATE          ? "date"
					   : wanted == DDL_VALUE_TIMESTAMPTZ ? "timestamptz"
														 : "timestamp";
	Size size = strlen(literal);
	Size seconds = strlen(shapes[1]) - 1;

	for (int i = 0; i < lengthof(shapes); i++)
	{
		const char *shape = shapes[i];
		bool fits;

		/* A fraction may follow the seconds. */
		if (i == 1 && size > seconds + 2 && size <= seconds + 8 && literal[seconds] == '.')
			fits = strspn(literal + seconds + 1, "0123456789") == size - seconds - 2;
		else
			fits = size == strlen(shape);
		for (const char *p = shape, *c = literal; fits && *p != '\0' && (*p != '\'' || p == shape); p++, c++)
			fits = *p == 'd' ? *c >= '0' && *c <= '9' : *c == *p;
		if (!fits || strncmp(literal, "'0000", 5) == 0 || strncmp(literal + 5, "-00", 3) == 0 ||
			strncmp(literal + 8, "-00", 3) == 0)
			continue;
		if (i > 0 && wanted == DDL_VALUE_DATE)
			break;
		return psprintf("%s::%s", literal, type);
	}
	return dbs_ddl_pg_refuse(writer, "the string %s used as a %s", literal,
							 wanted == DDL_VALUE_DATE ? "date" : "date or timestamp")
		.sql;
}

static bool
has_no_fraction(DdlValue value)
{
	return value == DDL_VALUE_INTEGER || value == DDL_VALUE_BOOLEAN || value == DDL_VALUE_DATE;
}

int
dbs_ddl_common_scale(DdlPart a, DdlPart b)
{
	int scale_a = has_no_fraction(a.value) ? 0 : a.scale;
	int scale_b = has_no_fraction(b.value) ? 0 : b.scale;

	if (a.value == DDL_VALUE_ANY || b.value == DDL_VALUE_ANY)
		return a.value == DDL_VALUE_ANY ? scale_b : scale_a;
	return scale_a < 0 || scale_b < 0 ? -1 : Max(scale_a, scale_b);
}

void
dbs_ddl_pg_merge(DdlPart *result, DdlPart part)
{
	int scale = dbs_ddl_common_scale(part, part);

	if (part.value == DDL_VALUE_ANY)
		return;
	/* The first one. */
	if (result->value == DDL_VALUE_ANY)
	{
		result->value = part.value;
		result->scale = scale;
		result->positive = part.positive;
		result->narrow = part.narrow;
	}
	else
	{
		result->loose |= scale != result->scale;
		result->scale = scale < 0 || result->scale < 0 ? -1 : Max(scale, result->scale);
		result->positive &= part.positive;
		result->narrow &= part.narrow;
	}
	result->loose |= part.loose;
	result->divided |= part.divided;
	result->digits = Max(result->digits, part.digits);
	result->bits |= part.bits;
	result->array |= part.array;
}

const char *
dbs_ddl_pg_fraction(DdlWriter *writer, DdlPart part, int digits)
{
	if (part.value == DDL_VALUE_DATE)
		return psprintf("(%s)::timestamp", part.sql);
	if ((part.scale >= 0 && part.scale <= digits) || digits >= 6)
		return part.sql;
	if (digits != 0 && digits != 3)
		return dbs_ddl_pg_refuse(writer, "a fraction shortened to %d digits", digits).sql;
	/* MariaDB cuts off what it cannot keep, MySQL rounds; PostgreSQL rounds the halves before 2000 down. */
	if (writer->printer->options->source == DBS_DIALECT_MARIADB)
		return psprintf("date_trunc('%s', %s)", digits == 0 ? "second" : "milliseconds", part.sql);
	return psprintf("date_trunc('%s', %s + '%s'::interval)", digits == 0 ? "second" : "milliseconds", part.sql,
					digits == 0 ? "0.5 second" : "0.0005 second");
}

void
dbs_ddl_pg_pair(DdlWriter *writer, DdlPart *left, DdlPart *right)
{
	DdlValue common;

	/* flag = 1 */
	if (left->value == DDL_VALUE_BOOLEAN && right->literal && right->value == DDL_VALUE_INTEGER &&
		(strcmp(right->sql, "0") == 0 || strcmp(right->sql, "1") == 0))
		*right = dbs_ddl_pg_part(strcmp(right->sql, "0") == 0 ? "false" : "true", DDL_VALUE_BOOLEAN);
	common = dbs_ddl_pg_common_value(writer, left->value, right->value);
	if (left->array || right->array)
		dbs_ddl_pg_refuse(writer, "a set compared with a string");
	/* '2024-01-01 10:00:00' beside a date makes moments of both. */
	if (common == DDL_VALUE_DATE && ((left->value == DDL_VALUE_LITERAL && strlen(left->sql) > 12) ||
									 (right->value == DDL_VALUE_LITERAL && strlen(right->sql) > 12)))
		common = DDL_VALUE_TIMESTAMP;
	if (common == DDL_VALUE_TEXT)
		writer->warnings |= DDL_WARN_COMPARES_TEXT;
	left->sql = dbs_ddl_pg_to_common(writer, *left, common);
	right->sql = dbs_ddl_pg_to_common(writer, *right, common);
}

const char *
dbs_ddl_pg_convert(DdlWriter *writer, DdlPart part, DdlValue wanted)
{
	switch (wanted)
	{
		case DDL_VALUE_BOOLEAN:
			return dbs_ddl_pg_as_boolean(writer, part);
		case DDL_VALUE_NUMERIC:
			/* ceil() and others of an integer would be those of a floating point number. */
			if (part.value == DDL_VALUE_INTEGER || part.value == DDL_VALUE_BOOLEAN)
				return psprintf("(%s)::numeric", dbs_ddl_pg_as_number(writer, part, wanted));
			return dbs_ddl_pg_as_number(writer, part, wanted);
		case DDL_VALUE_INTEGER:
		case DDL_VALUE_FLOAT:
		case DDL_VALUE_NUMBER:
			return dbs_ddl_pg_as_number(writer, part, wanted);
		case DDL_VALUE_TEXT:
			return dbs_ddl_pg_as_text(writer, part);
		case DDL_VALUE_STRING:
			if (part.value == DDL_VALUE_BYTES)
				break;
			writer->warnings |= part.value == DDL_VALUE_TEXT ? DDL_WARN_COUNTS_BYTES : 0;
			return dbs_ddl_pg_as_text(writer, part);
		case DDL_VALUE_COUNT:
			return dbs_ddl_pg_as_count(writer, part);
		case DDL_VALUE_PLACES:
			if (part.value == DDL_VALUE_INTEGER && part.narrow)
				break;
			return psprintf("(%s)::integer", dbs_ddl_pg_as_number(writer, part, DDL_VALUE_INTEGER));
		case DDL_VALUE_DOCUMENT:
			/* A column of 0 and 1 holds numbers; TRUE is true in MySQL, and 1 where MariaDB keeps the expression. */
			if (part.value == DDL_VALUE_BOOLEAN &&
				(part.column || (part.literal && writer->printer->options->source == DBS_DIALECT_MARIADB)))
				return psprintf("(%s)::integer", part.sql);
			if (!part.array && !part.bits && !part.loose &&
				(part.value == DDL_VALUE_INTEGER || part.value == DDL_VALUE_NUMERIC || part.value == DDL_VALUE_TEXT ||
				 part.value == DDL_VALUE_LITERAL || part.value == DDL_VALUE_DATE || part.value == DDL_VALUE_JSON ||
				 part.literal || strcmp(part.sql, "NULL") == 0))
				break;
			return dbs_ddl_pg_refuse(writer, "%s in a JSON document", dbs_ddl_value_name(part.value)).sql;
		case DDL_VALUE_MOMENT:
			if (dbs_ddl_is_moment_value(part.value))
				break;
			if (part.value == DDL_VALUE_LITERAL)
				return dbs_ddl_pg_moment(writer, part.sql, DDL_VALUE_TIMESTAMP);
			return dbs_ddl_pg_refuse(writer, "%s used as a date", dbs_ddl_value_name(part.value)).sql;
		case DDL_VALUE_TIME:
			if (part.value == DDL_VALUE_TIME)
				break;
			return dbs_ddl_pg_refuse(writer, "%s used as a time", dbs_ddl_value_name(part.value)).sql;
		case DDL_VALUE_TIMESTAMP:
			if (part.value == DDL_VALUE_TIMESTAMP)
				break;
			return dbs_ddl_pg_refuse(writer, "%s used as a timestamp", dbs_ddl_value_name(part.value)).sql;
		case DDL_VALUE_BYTES:
		case DDL_VALUE_JSON:
		case DDL_VALUE_UUID:
		case DDL_VALUE_TIMESTAMPTZ:
			if (part.value == wanted)
				break;
			if (part.value == DDL_VALUE_LITERAL && wanted == DDL_VALUE_TIMESTAMPTZ)
				return dbs_ddl_pg_to_common(writer, part, wanted);
			if (part.value == DDL_VALUE_LITERAL && wanted != DDL_VALUE_BYTES)
				return psprintf("%s::%s", part.sql, wanted == DDL_VALUE_JSON ? "jsonb" : "uuid");
			return dbs_ddl_pg_refuse(writer, "%s used as %s", dbs_ddl_value_name(part.value),
									 dbs_ddl_value_name(wanted))
				.sql;
		default:
			break;
	}
	return part.sql;
}

DdlValue
dbs_ddl_pg_common_value(DdlWriter *writer, DdlValue a, DdlValue b)
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
	if ((dbs_ddl_is_numeric_value(a) || a == DDL_VALUE_BOOLEAN) &&
		(dbs_ddl_is_numeric_value(b) || b == DDL_VALUE_BOOLEAN))
	{
		if (a == DDL_VALUE_FLOAT || b == DDL_VALUE_FLOAT)
			return DDL_VALUE_FLOAT;
		return a == DDL_VALUE_NUMERIC || b == DDL_VALUE_NUMERIC ? DDL_VALUE_NUMERIC : DDL_VALUE_INTEGER;
	}
	if (dbs_ddl_is_moment_value(a) && dbs_ddl_is_moment_value(b) && a != DDL_VALUE_TIMESTAMPTZ &&
		b != DDL_VALUE_TIMESTAMPTZ)
		return DDL_VALUE_TIMESTAMP;
	if (dbs_ddl_is_moment_value(a) && dbs_ddl_is_moment_value(b) && writer->context == DDL_CONTEXT_QUERY)
		return DDL_VALUE_TIMESTAMPTZ;
	dbs_ddl_pg_refuse(writer, "%s beside %s", dbs_ddl_value_name(a), dbs_ddl_value_name(b));
	return DDL_VALUE_ANY;
}

const char *
dbs_ddl_pg_to_common(DdlWriter *writer, DdlPart part, DdlValue common)
{
	if (part.value == DDL_VALUE_BOOLEAN && common != DDL_VALUE_BOOLEAN)
		return dbs_ddl_pg_as_number(writer, part, DDL_VALUE_NUMBER);
	if (part.value == DDL_VALUE_LITERAL && dbs_ddl_is_numeric_value(common))
		return dbs_ddl_pg_as_number(writer, part, common);
	if (part.value == DDL_VALUE_LITERAL && common == DDL_VALUE_TIMESTAMPTZ &&
		(writer->context == DDL_CONTEXT_GENERATED || writer->context == DDL_CONTEXT_CHECK))
		return dbs_ddl_pg_refuse(writer,
								 "a string beside a timestamp with time zone, which depends on the session's zone")
			.sql;
	if (part.value == DDL_VALUE_LITERAL && dbs_ddl_is_moment_value(common))
		return dbs_ddl_pg_moment(writer, part.sql, common);
	if (part.value == DDL_VALUE_DATE && common == DDL_VALUE_TIMESTAMP)
		return psprintf("(%s)::timestamp", part.sql);
	return part.sql;
}
