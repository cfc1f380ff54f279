/*
 * Types in MySQL's and MariaDB's words.
 */
#include "postgres.h"

#include "ddl_my.h"

static const char *
with_fraction(const char *name, const DdlType *type)
{
	return psprintf("%s(%d)", name, type->length < 0 ? 6 : (int) Min(type->length, 6));
}

static const char *
enum_type(const DdlType *type)
{
	StringInfoData labels;
	ListCell *cell;

	initStringInfo(&labels);
	foreach (cell, type->labels)
	{
		const DdlText *label = lfirst(cell);

		appendStringInfo(&labels, "%s%s", labels.len == 0 ? "" : ", ", dbs_ddl_my_string(label->text, label->size));
	}
	return psprintf("%s(%s)", type->family == DDL_TYPE_SET ? "SET" : "ENUM", labels.data);
}

/* LONGTEXT, or in a key, which needs a length, a VARCHAR. */
static const char *
long_text(DdlRaw *raw, const char *column, bool in_key)
{
	if (!in_key)
		return "LONGTEXT";
	dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
					 "column \"%s\": MySQL's keys need a length, so it becomes VARCHAR(%d); a longer value is an error",
					 column, DDL_KEY_TEXT_LENGTH);
	return psprintf("VARCHAR(%d)", DDL_KEY_TEXT_LENGTH);
}

static const char *
text_type(DdlRaw *raw, const DdlType *type, const char *column, bool in_key)
{
	if (type->family == DDL_TYPE_CHAR && type->length <= 255)
		return psprintf("CHAR(%d)", (int) type->length);
	if (type->family == DDL_TYPE_VARCHAR && type->length > 0 && type->length <= (in_key ? 768 : 16383))
		return psprintf("VARCHAR(%d)", (int) type->length);
	return long_text(raw, column, in_key);
}

static const char *
decimal_type(DdlRaw *raw, const DdlType *type, const char *column, bool in_key)
{
	if (type->length > 0 && type->length <= 65 && type->scale >= 0 && type->scale <= 30 && type->scale <= type->length)
		return psprintf("DECIMAL(%d,%d)", (int) type->length, type->scale);
	dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
					 "column \"%s\": no decimal type of MySQL holds every value of numeric; its digits become text",
					 column);
	return long_text(raw, column, in_key);
}

const char *
dbs_ddl_my_type(DdlRaw *raw, const DdlType *type, const char *column, bool in_key)
{
	if (type->array_dimensions > 0)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "column \"%s\": an array becomes a JSON array", column);
		return "JSON";
	}
	switch (type->family)
	{
		case DDL_TYPE_BOOLEAN:
			return "TINYINT(1)";
		case DDL_TYPE_INT1:
		case DDL_TYPE_INT2:
		case DDL_TYPE_YEAR:
			return "SMALLINT";
		case DDL_TYPE_INT3:
		case DDL_TYPE_INT4:
			return "INT";
		case DDL_TYPE_INT8:
			return "BIGINT";
		case DDL_TYPE_DECIMAL:
			return decimal_type(raw, type, column, in_key);
		case DDL_TYPE_FLOAT4:
			return "FLOAT";
		case DDL_TYPE_FLOAT8:
			return "DOUBLE";
		case DDL_TYPE_CHAR:
		case DDL_TYPE_VARCHAR:
		case DDL_TYPE_TEXT:
			return text_type(raw, type, column, in_key);
		case DDL_TYPE_BINARY:
		case DDL_TYPE_VARBINARY:
		case DDL_TYPE_BLOB:
			if (in_key)
				dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
								 "column \"%s\": MySQL's keys need a length, so it becomes VARBINARY(255); a longer "
								 "value is an error",
								 column);
			return in_key ? "VARBINARY(255)" : "LONGBLOB";
		case DDL_TYPE_DATE:
			return "DATE";
		case DDL_TYPE_TIME:
		case DDL_TYPE_CLOCK:
			return with_fraction("TIME", type);
		case DDL_TYPE_CLOCK_TZ:
			return "VARCHAR(32)";
		case DDL_TYPE_TIMESTAMPTZ:
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "column \"%s\": a time with zone is kept in UTC", column);
			return with_fraction("DATETIME", type);
		case DDL_TYPE_TIMESTAMP:
			return with_fraction("DATETIME", type);
		case DDL_TYPE_INTERVAL:
			/* MySQL's TIME becomes an interval with its precision; intervals of other origin hardly have one. */
			if (type->length >= 0)
			{
				dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
								 "column \"%s\": an interval with a precision becomes TIME, which ends at 838:59:59",
								 column);
				return with_fraction("TIME", type);
			}
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "column \"%s\": an interval is kept as its text", column);
			return "VARCHAR(64)";
		case DDL_TYPE_ENUM:
		case DDL_TYPE_SET:
			return enum_type(type);
		case DDL_TYPE_BIT:
			return type->length <= 64 ? psprintf("BIT(%d)", (int) type->length) : long_text(raw, column, in_key);
		case DDL_TYPE_VARBIT:
			return long_text(raw, column, in_key);
		case DDL_TYPE_JSON:
		case DDL_TYPE_JSONB:
			return "JSON";
		case DDL_TYPE_UUID:
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "column \"%s\": a uuid is kept as its text", column);
			return "CHAR(36)";
		case DDL_TYPE_INET4:
		case DDL_TYPE_INET6:
		case DDL_TYPE_INET:
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "column \"%s\": a network address is kept as its text", column);
			return "VARCHAR(64)";
		case DDL_TYPE_GEOMETRY:
			return "GEOMETRY";
		case DDL_TYPE_VECTOR:
			return type->length > 0 ? psprintf("VECTOR(%d)", (int) type->length) : "JSON";
		default:
			break;
	}
	if (strcmp(type->name, "oid") == 0)
		return "INT UNSIGNED";
	if (strcmp(type->name, "name") == 0)
		return "VARCHAR(64)";
	dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "column \"%s\": type %s becomes its text", column, type->name);
	return long_text(raw, column, in_key);
}
