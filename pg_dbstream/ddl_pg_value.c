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
dbs_ddl_pg_convert(DdlWriter *writer, DdlPart part, DdlValue wanted)
{
	switch (wanted)
	{
		case DDL_VALUE_BOOLEAN:
			return dbs_ddl_pg_as_boolean(writer, part);
		case DDL_VALUE_INTEGER:
		case DDL_VALUE_NUMERIC:
		case DDL_VALUE_FLOAT:
		case DDL_VALUE_NUMBER:
			return dbs_ddl_pg_as_number(writer, part, wanted);
		case DDL_VALUE_TEXT:
			return dbs_ddl_pg_as_text(writer, part);
		case DDL_VALUE_MOMENT:
			if (dbs_ddl_is_moment_value(part.value))
				break;
			if (part.value == DDL_VALUE_LITERAL)
				return psprintf("%s::timestamp", part.sql);
			return dbs_ddl_pg_refuse(writer, "%s used as a date", dbs_ddl_value_name(part.value)).sql;
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
			if (part.value == DDL_VALUE_LITERAL && wanted != DDL_VALUE_BYTES)
				return psprintf("%s::%s", part.sql,
								wanted == DDL_VALUE_JSON   ? "jsonb"
								: wanted == DDL_VALUE_UUID ? "uuid"
														   : "timestamptz");
			return dbs_ddl_pg_refuse(writer, "%s used as %s", dbs_ddl_value_name(part.value),
									 dbs_ddl_value_name(wanted))
				.sql;
		default:
			break;
	}
	return part.sql;
}

/* The kind that values of both kinds are compared as, or ANY with a refusal. */
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
	if (part.value == DDL_VALUE_DATE && common == DDL_VALUE_TIMESTAMP)
		return psprintf("(%s)::timestamp", part.sql);
	return part.sql;
}
