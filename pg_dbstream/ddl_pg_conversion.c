/*
 * How the values of a column become those of another type, as MySQL converts them.
 */
#include "postgres.h"

#include "ddl_pg_alter.h"

/* A type's name as the translator writes it, for one as the catalogue writes it. */
const char *
dbs_ddl_pg_plain_type(const char *pg_type)
{
	static const char *const names[][2] = {{"character varying", "varchar"}, {"character(", "char("}};
	const char *zone = strstr(pg_type, " with time zone");
	const char *no_zone = strstr(pg_type, " without time zone");

	for (int i = 0; i < lengthof(names); i++)
	{
		if (strncmp(pg_type, names[i][0], strlen(names[i][0])) == 0)
			return psprintf("%s%s", names[i][1], pg_type + strlen(names[i][0]));
	}
	if (no_zone != NULL)
		return pnstrdup(pg_type, no_zone - pg_type);
	/* timestamp(3) with time zone: timestamptz(3) */
	if (zone != NULL && strncmp(pg_type, "timestamp", 9) == 0)
		return psprintf("timestamptz%.*s", (int) (zone - pg_type - 9), pg_type + 9);
	return pg_type;
}

static bool
is_number_type(const char *pg_type)
{
	return strcmp(pg_type, "smallint") == 0 || strcmp(pg_type, "integer") == 0 || strcmp(pg_type, "bigint") == 0 ||
		   strncmp(pg_type, "numeric", 7) == 0 || strcmp(pg_type, "real") == 0 ||
		   strcmp(pg_type, "double precision") == 0;
}

static bool
is_moment_type(const char *pg_type)
{
	return strcmp(pg_type, "date") == 0 || strncmp(pg_type, "timestamp", 9) == 0;
}

static bool
is_bit_type(const char *pg_type)
{
	return strncmp(pg_type, "bit(", 4) == 0;
}

/* The column's value as MySQL would write it. */
static const char *
text_form(const char *old, const char *quoted)
{
	if (old == NULL)
		return psprintf("%s::text", quoted);
	if (strcmp(old, "boolean") == 0)
		return psprintf("%s::integer::text", quoted);
	if (strcmp(old, "bytea") == 0)
		return psprintf("convert_from(%s, 'UTF8')", quoted);
	if (strcmp(old, "text[]") == 0)
		return psprintf("array_to_string(%s, ',')", quoted);
	if (is_bit_type(old))
		return psprintf("%s::bigint::text", quoted);
	return psprintf("%s::text", quoted);
}

/* The column's value as the number that MySQL makes of it. */
static const char *
number_form(const char *old, const char *quoted)
{
	if (is_number_type(old))
		return quoted;
	if (strcmp(old, "boolean") == 0)
		return psprintf("%s::integer", quoted);
	if (strcmp(old, "date") == 0)
		return psprintf("to_char(%s, 'YYYYMMDD')::numeric", quoted);
	if (strncmp(old, "timestamp", 9) == 0)
		return psprintf("to_char(%s, 'YYYYMMDDHH24MISS')::numeric", quoted);
	if (strncmp(old, "interval", 8) == 0)
		return psprintf("to_char(%s, 'HH24MISS')::numeric", quoted);
	if (is_bit_type(old))
		return psprintf("%s::bigint", quoted);
	return psprintf("%s::numeric", text_form(old, quoted));
}

static const char *
label_array(const DdlType *type)
{
	return psprintf("ARRAY[%s]::text[]", dbs_ddl_pg_labels(type));
}

/* The old type is not known: what does for most of them. */
static const char *
using_unknown(const char *quoted, const char *pg_type)
{
	if (strcmp(pg_type, "boolean") == 0)
		return psprintf("%s::text::boolean", quoted);
	if (is_number_type(pg_type))
		return psprintf("CASE %s::text WHEN 'true' THEN '1' WHEN 'false' THEN '0' ELSE %s::text END::numeric::%s",
						quoted, quoted, pg_type);
	if (strcmp(pg_type, "bytea") == 0)
		return psprintf("convert_to(%s::text, 'UTF8')", quoted);
	if (strcmp(pg_type, "text[]") == 0)
		return psprintf("string_to_array(%s::text, ',')", quoted);
	return psprintf("%s::text::%s", quoted, pg_type);
}

/* To text, bytes and sets, by the old value's text. */
static const char *
using_text(const char *old, const char *quoted, const char *pg_type, const DdlType *type)
{
	const char *text = text_form(old, quoted);

	if (type->family == DDL_TYPE_ENUM && is_number_type(old))
		return psprintf("(%s)[%s::integer]", label_array(type), quoted);
	if (strcmp(pg_type, "text[]") == 0)
		return psprintf("string_to_array(%s, ',')", text);
	if (strcmp(pg_type, "bytea") != 0)
		return psprintf("%s::%s", text, pg_type);
	text = strcmp(old, "bytea") == 0 ? quoted : psprintf("convert_to(%s, 'UTF8')", text);
	if (type->family != DDL_TYPE_BINARY)
		return text;
	/* BINARY(n) always holds n bytes. */
	return psprintf("%s || decode(repeat('00', greatest(%d - octet_length(%s), 0)), 'hex')", text, (int) type->length,
					text);
}

/* USING: how the old values become the new type's, as MySQL converts them. */
const char *
dbs_ddl_pg_using(const DdlKnownColumn *known, const char *quoted, const char *pg_type, const DdlType *type)
{
	const char *old = known == NULL ? NULL : dbs_ddl_pg_plain_type(known->pg_type);

	if (old == NULL)
		return using_unknown(quoted, pg_type);
	if (strcmp(pg_type, "boolean") == 0)
		return psprintf("(%s <> 0)", number_form(old, quoted));
	if (is_number_type(pg_type) && known->type->family == DDL_TYPE_ENUM && known->type->labels != NIL)
		return psprintf("array_position(%s, %s)::%s", label_array(known->type), quoted, pg_type);
	if (is_number_type(pg_type))
		return psprintf("%s::%s", number_form(old, quoted), pg_type);
	if (is_bit_type(pg_type))
		return psprintf("%s::bigint::%s", number_form(old, quoted), pg_type);
	if (is_moment_type(pg_type))
		return psprintf("%s::%s", is_moment_type(old) ? quoted : text_form(old, quoted), pg_type);
	if (strncmp(pg_type, "interval", 8) == 0)
	{
		if (strncmp(old, "timestamp", 9) == 0)
			return psprintf("%s::time::interval", quoted);
		if (strcmp(old, "date") == 0)
			return psprintf("(%s - %s) * '0'::interval", quoted, quoted);
		if (is_number_type(old))
			return psprintf("make_interval(0, 0, 0, 0, div(%s::numeric, 10000)::integer, mod(div(%s::numeric, 100), "
							"100)::integer, mod(%s::numeric, 100)::double precision)",
							quoted, quoted, quoted);
		return psprintf("%s::%s", text_form(old, quoted), pg_type);
	}
	if (strcmp(pg_type, "jsonb") == 0 && (is_number_type(old) || strcmp(old, "boolean") == 0))
		return psprintf("to_jsonb(%s)", number_form(old, quoted));
	if (strcmp(pg_type, "uuid") == 0 && strcmp(old, "bytea") == 0)
		return psprintf("encode(%s, 'hex')::uuid", quoted);
	if (dbs_ddl_is_text(type->family) || dbs_ddl_is_bytes(type->family) || strcmp(pg_type, "bytea") == 0 ||
		type->family == DDL_TYPE_SET)
		return using_text(old, quoted, pg_type, type);
	return psprintf("%s::%s", text_form(old, quoted), pg_type);
}

/* Types between which PostgreSQL converts without being told how. */
bool
dbs_ddl_pg_needs_using(const DdlKnownColumn *known, const char *pg_type)
{
	static const char *const groups[][8] = {
		{"smallint", "integer", "bigint", "numeric", "real", "double precision", NULL},
		{"char", "character", "varchar", "character varying", "text", NULL},
		{"date", "timestamp", "timestamptz", NULL}};
	const char *old;

	if (known == NULL)
		return true;
	old = dbs_ddl_pg_plain_type(known->pg_type);
	for (int i = 0; i < lengthof(groups); i++)
	{
		bool has_old = false;
		bool has_new = false;

		for (int j = 0; groups[i][j] != NULL; j++)
		{
			Size size = strlen(groups[i][j]);

			has_old |= strncmp(old, groups[i][j], size) == 0 && strchr("(", old[size]) != NULL;
			has_new |= strncmp(pg_type, groups[i][j], size) == 0 && strchr("(", pg_type[size]) != NULL;
		}
		if (has_old && has_new)
			return false;
	}
	return true;
}

/* What MySQL gives to rows that are there when a NOT NULL column without default comes. */
const char *
dbs_ddl_pg_implicit_default(const DdlType *type, const char *pg_type)
{
	if (strcmp(pg_type, "boolean") == 0)
		return "false";
	if (dbs_ddl_is_number(type->family) || type->family == DDL_TYPE_BOOLEAN)
		return "0";
	if (type->family == DDL_TYPE_ENUM && type->labels != NIL)
	{
		const DdlText *label = linitial(type->labels);

		return dbs_ddl_pg_string(label->text, label->size);
	}
	if (strcmp(pg_type, "text[]") == 0)
		return "'{}'";
	if (type->family == DDL_TYPE_BINARY)
		return psprintf("decode(repeat('00', %d), 'hex')", (int) type->length);
	if (type->family == DDL_TYPE_BIT)
		return psprintf("B'0'::%s", pg_type);
	if (type->family == DDL_TYPE_TIME)
		return "'00:00:00'";
	if (type->family == DDL_TYPE_JSON)
		return "'null'";
	if (type->family == DDL_TYPE_UUID)
		return "'00000000-0000-0000-0000-000000000000'";
	if (type->family == DDL_TYPE_INET4)
		return "'0.0.0.0'";
	if (type->family == DDL_TYPE_INET6)
		return "'::'";
	if (dbs_ddl_is_text(type->family) || dbs_ddl_is_bytes(type->family))
		return "''";
	return NULL;
}
