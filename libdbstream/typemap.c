#include "typemap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* PostgreSQL's limits: beyond them a type is created without its parameter, which holds at least as much. */
#define MAX_NUMERIC_PRECISION 1000
#define MAX_VARCHAR_LENGTH 10485760
#define MAX_BIT_LENGTH 83886080
#define MAX_FRACTION_DIGITS 6

#define IN DBS_TYPES_MYSQL_TO_POSTGRESQL
#define OUT DBS_TYPES_POSTGRESQL_TO_MYSQL

/* clang-format off: one row to a mapping is what makes a table of it */
const DbsTypeMapping dbs_type_map[] = {
	/* ---- MySQL, MariaDB to PostgreSQL ---- */
	{IN, "tinyint(1), bool", "", DBS_KIND_INT2, "boolean", NULL, NULL,
	 "A value other than 0 or 1 is an error that names the option. The log does not carry the display width: a table "
	 "made from the log alone gets smallint."},
	{IN, "tinyint(1), bool", "", DBS_KIND_INT2, "smallint", "tinyint1", "smallint", ""},
	{IN, "tinyint", "", DBS_KIND_INT2, "smallint", NULL, NULL, ""},
	{IN, "tinyint", "unsigned", DBS_KIND_INT2, "smallint", NULL, NULL, ""},
	{IN, "smallint", "", DBS_KIND_INT2, "smallint", NULL, NULL, ""},
	{IN, "smallint", "unsigned", DBS_KIND_INT4, "integer", NULL, NULL, ""},
	{IN, "mediumint", "", DBS_KIND_INT4, "integer", NULL, NULL, ""},
	{IN, "mediumint", "unsigned", DBS_KIND_INT4, "integer", NULL, NULL, ""},
	{IN, "int", "", DBS_KIND_INT4, "integer", NULL, NULL, ""},
	{IN, "int", "unsigned", DBS_KIND_INT8, "bigint", NULL, NULL, ""},
	{IN, "bigint", "", DBS_KIND_INT8, "bigint", NULL, NULL, ""},
	{IN, "bigint", "unsigned", DBS_KIND_UINT8, "numeric(20,0)", NULL, NULL, "Holds 2^64-1."},
	{IN, "bigint", "unsigned", DBS_KIND_UINT8, "bigint", "bigint_unsigned", "bigint",
	 "A value above 2^63-1 is an error."},
	{IN, "decimal(p,s)", "", DBS_KIND_NUMERIC, "numeric(p,s)", NULL, NULL, "Exact, trailing zeros included."},
	{IN, "float", "", DBS_KIND_FLOAT4, "real", NULL, NULL,
	 "The four bytes as they are; MySQL prints fewer digits than they hold."},
	{IN, "double", "", DBS_KIND_FLOAT8, "double precision", NULL, NULL, "The eight bytes as they are."},
	{IN, "bit(1)", "", DBS_KIND_BOOL, "boolean", NULL, NULL, ""},
	{IN, "bit(n)", "n above 1", DBS_KIND_BIT, "bit(n)", NULL, NULL, ""},
	{IN, "char(n)", "", DBS_KIND_TEXT, "char(n)", NULL, NULL,
	 "Converted to UTF-8 from the column's character set. MySQL removes trailing spaces on reading, PostgreSQL ignores "
	 "them: the same value."},
	{IN, "varchar(n)", "", DBS_KIND_TEXT, "varchar(n)", NULL, NULL,
	 "Converted to UTF-8 from the column's character set. What becomes of NUL bytes, which PostgreSQL's text cannot "
	 "hold, the option nul_bytes says."},
	{IN, "tinytext, text, mediumtext, longtext", "", DBS_KIND_TEXT, "text", NULL, NULL, "As varchar(n)."},
	{IN, "binary(n)", "", DBS_KIND_BYTES, "bytea", NULL, NULL,
	 "Padded to n bytes again: the log leaves trailing zeros out."},
	{IN, "binary(16)", "", DBS_KIND_UUID, "uuid", "binary16", "uuid", "The sixteen bytes in their order."},
	{IN, "varbinary(n)", "", DBS_KIND_BYTES, "bytea", NULL, NULL, ""},
	{IN, "tinyblob, blob, mediumblob, longblob", "", DBS_KIND_BYTES, "bytea", NULL, NULL,
	 "Up to PostgreSQL's limit of 1 GB for one field."},
	{IN, "date", "", DBS_KIND_DATE, "date", NULL, NULL,
	 "What becomes of zero and partial dates the option zero_dates says; they are counted."},
	{IN, "datetime(f)", "", DBS_KIND_TIMESTAMP, "timestamp(f)", NULL, NULL, "Zero dates as for date."},
	{IN, "timestamp(f)", "", DBS_KIND_TIMESTAMPTZ, "timestamptz(f)", NULL, NULL, "Zero dates as for date."},
	{IN, "time(f)", "", DBS_KIND_DURATION, "interval(f)", NULL, NULL,
	 "MySQL's time is a duration: from -838:59:59 to 838:59:59."},
	{IN, "time(f)", "", DBS_KIND_DURATION, "time(f)", "time", "time",
	 "A value below 00:00:00 or above 24:00:00 is an error."},
	{IN, "year", "", DBS_KIND_INT2, "smallint", NULL, NULL, "The year 0000 is 0."},
	{IN, "enum", "", DBS_KIND_LABEL, "text", NULL, NULL,
	 "With a named CHECK of the labels. MySQL's error value is the empty string."},
	{IN, "enum", "", DBS_KIND_LABEL, "an enum type", "enum", "type", ""},
	{IN, "set", "", DBS_KIND_LABEL_LIST, "text[]", NULL, NULL, "Labels in the order of the column's definition."},
	{IN, "set", "", DBS_KIND_LABEL_LIST, "text", "set", "text", "Labels with commas between them."},
	{IN, "json", "MySQL", DBS_KIND_JSON, "jsonb", NULL, NULL,
	 "The same document. A string that holds U+0000 is an error, since jsonb has no such character."},
	{IN, "json", "MySQL", DBS_KIND_JSON, "json", "json", "json", ""},
	{IN, "json", "MariaDB", DBS_KIND_TEXT, "jsonb", NULL, NULL,
	 "MariaDB's json is longtext with a CHECK, and travels as text: a table made from the log alone gets text."},
	{IN, "json", "MariaDB", DBS_KIND_TEXT, "json", "json", "json", ""},
	{IN, "geometry, point, linestring, polygon, multipoint, multilinestring, multipolygon, geometrycollection", "",
	 DBS_KIND_GEOMETRY, "bytea", NULL, NULL, "Extended well-known binary, with the SRID."},
	{IN, "geometry, point, linestring, polygon, multipoint, multilinestring, multipolygon, geometrycollection",
	 "PostGIS installed", DBS_KIND_GEOMETRY, "geometry", NULL, NULL, ""},
	{IN, "vector(n)", "", DBS_KIND_VECTOR, "real[]", NULL, NULL, ""},
	{IN, "vector(n)", "pgvector installed", DBS_KIND_VECTOR, "vector(n)", NULL, NULL, ""},
	{IN, "uuid", "MariaDB", DBS_KIND_BYTES, "uuid", NULL, NULL,
	 "The log carries sixteen bytes without the type's name: a table made from the log alone gets bytea."},
	{IN, "inet4, inet6", "MariaDB", DBS_KIND_BYTES, "inet", NULL, NULL,
	 "The log carries four or sixteen bytes without the type's name: a table made from the log alone gets bytea."},

	/* ---- PostgreSQL to MySQL, MariaDB ---- */
	{OUT, "boolean", "", DBS_KIND_BOOL, "tinyint(1)", NULL, NULL, ""},
	{OUT, "smallint", "", DBS_KIND_INT2, "smallint", NULL, NULL, ""},
	{OUT, "integer", "", DBS_KIND_INT4, "int", NULL, NULL, ""},
	{OUT, "bigint", "", DBS_KIND_INT8, "bigint", NULL, NULL, ""},
	{OUT, "oid", "", DBS_KIND_TYPED_TEXT, "int unsigned", NULL, NULL, ""},
	{OUT, "real", "", DBS_KIND_FLOAT4, "float", NULL, NULL, "NaN and the infinities have no counterpart: an error."},
	{OUT, "double precision", "", DBS_KIND_FLOAT8, "double", NULL, NULL,
	 "NaN and the infinities have no counterpart: an error."},
	{OUT, "numeric(p,s)", "p up to 65, s from 0 to 30", DBS_KIND_NUMERIC, "decimal(p,s)", NULL, NULL,
	 "NaN has no counterpart: an error."},
	{OUT, "numeric", "without precision, or beyond 65 digits or 30 decimals", DBS_KIND_NUMERIC, "longtext", NULL, NULL,
	 "No decimal type of MySQL holds every value: the digits as text."},
	{OUT, "money", "", DBS_KIND_TYPED_TEXT, "longtext", NULL, NULL, "Its text depends on the server's lc_monetary."},
	{OUT, "char(n)", "n up to 255", DBS_KIND_TEXT, "char(n)", NULL, NULL, ""},
	{OUT, "char(n)", "n above 255", DBS_KIND_TEXT, "longtext", NULL, NULL, ""},
	{OUT, "varchar(n)", "n up to 4000", DBS_KIND_TEXT, "varchar(n)", NULL, NULL,
	 "A row of MySQL has 65,535 bytes in all, so longer ones are kept out of it."},
	{OUT, "varchar(n)", "n above 4000", DBS_KIND_TEXT, "longtext", NULL, NULL, ""},
	{OUT, "text, varchar", "", DBS_KIND_TEXT, "longtext", NULL, NULL, ""},
	{OUT, "text, varchar", "in a key", DBS_KIND_TEXT, "varchar(255)", NULL, NULL,
	 "MySQL's keys need a length; a longer value is an error."},
	{OUT, "bytea", "", DBS_KIND_BYTES, "longblob", NULL, NULL, ""},
	{OUT, "bytea", "in a key", DBS_KIND_BYTES, "varbinary(255)", NULL, NULL,
	 "MySQL's keys need a length; a longer value is an error."},
	{OUT, "date", "", DBS_KIND_DATE, "date", NULL, NULL,
	 "MySQL's dates end with the year 9999 and begin with 0000: BC, later years and infinity are errors."},
	{OUT, "time(f)", "", DBS_KIND_TIME, "time(f)", NULL, NULL, ""},
	{OUT, "time with time zone", "", DBS_KIND_TYPED_TEXT, "varchar(32)", NULL, NULL, "The text form."},
	{OUT, "timestamp(f)", "", DBS_KIND_TIMESTAMP, "datetime(f)", NULL, NULL, "Range as for date."},
	{OUT, "timestamptz(f)", "", DBS_KIND_TIMESTAMPTZ, "datetime(f)", NULL, NULL,
	 "In UTC. MySQL's timestamp would end in 2038. Range as for date."},
	{OUT, "interval", "", DBS_KIND_INTERVAL, "varchar(64)", NULL, NULL,
	 "The text form, ISO 8601: months and days have no fixed length in time."},
	{OUT, "bit(n), bit varying(n)", "bit(n) with n up to 64", DBS_KIND_BIT, "bit(n)", NULL, NULL, ""},
	{OUT, "bit(n), bit varying(n)", "any other", DBS_KIND_BIT, "longtext", NULL, NULL, "The digits 0 and 1."},
	{OUT, "uuid", "", DBS_KIND_UUID, "char(36)", NULL, NULL,
	 "BINARY(16) and, on MariaDB, UUID columns are filled as well where the target has them."},
	{OUT, "json, jsonb", "", DBS_KIND_JSON, "json", NULL, NULL, ""},
	{OUT, "an enum type", "", DBS_KIND_LABEL, "varchar(63)", NULL, NULL,
	 "The label. ENUM columns are filled as well where the target has them."},
	{OUT, "a domain", "", DBS_KIND_NONE, "as its base type", NULL, NULL, ""},
	{OUT, "inet, cidr, macaddr, macaddr8", "", DBS_KIND_TYPED_TEXT, "varchar(64)", NULL, NULL, "The text form."},
	{OUT, "an array, hstore, a composite type", "", DBS_KIND_TYPED_TEXT, "longtext", NULL, NULL,
	 "The text form. SET columns are filled from arrays of text where the target has them."},
	{OUT, "a range, a multirange, xml, tsvector, tsquery, ltree, any other", "", DBS_KIND_TYPED_TEXT, "longtext", NULL,
	 NULL, "The text form."},
	{OUT, "vector(n)", "pgvector installed", DBS_KIND_TYPED_TEXT, "longtext", NULL, NULL,
	 "The text form. VECTOR columns are filled as well where the target has them."},
};
/* clang-format on */

#undef IN
#undef OUT

const size_t dbs_type_map_size = sizeof dbs_type_map / sizeof dbs_type_map[0];

const char *
dbs_type_direction_name(DbsTypeDirection direction)
{
	return direction == DBS_TYPES_MYSQL_TO_POSTGRESQL ? "mysql to postgresql" : "postgresql to mysql";
}

static bool write_type(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool
write_type(char *out, size_t size, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(out, size, format, arguments);
	va_end(arguments);
	return length >= 0 && (size_t) length < size;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char
to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c + ('a' - 'A')) : c;
}

/* Does type_name's first word, in any case, equal word (lower case)? */
static bool
first_word_is(const char *type_name, const char *word)
{
	size_t i = 0;

	if (type_name == NULL)
		return false;
	for (; word[i] != '\0'; i++)
		if (to_lower(type_name[i]) != word[i])
			return false;
	return !is_letter(type_name[i]) && type_name[i] != '_' && !(type_name[i] >= '0' && type_name[i] <= '9');
}

static bool
text_type(uint32_t length, const char *type_name, char *out, size_t size)
{
	if (length == 0 || length > MAX_VARCHAR_LENGTH)
		return write_type(out, size, "text");
	return write_type(out, size, first_word_is(type_name, "char") ? "char(%u)" : "varchar(%u)", (unsigned) length);
}

/* A type with fraction digits; PostgreSQL's default of six when the source claims more. */
static bool
fraction_type(const char *name, uint32_t digits, char *out, size_t size)
{
	if (digits > MAX_FRACTION_DIGITS)
		return write_type(out, size, "%s", name);
	return write_type(out, size, "%s(%u)", name, (unsigned) digits);
}

static bool
numeric_type(uint32_t precision, uint32_t scale, char *out, size_t size)
{
	if (precision == 0 || precision > MAX_NUMERIC_PRECISION || scale > precision)
		return write_type(out, size, "numeric");
	return write_type(out, size, "numeric(%u,%u)", (unsigned) precision, (unsigned) scale);
}

static bool
bit_type(uint32_t length, char *out, size_t size)
{
	if (length == 1)
		return write_type(out, size, "boolean");
	if (length == 0 || length > MAX_BIT_LENGTH)
		return write_type(out, size, "bit varying");
	return write_type(out, size, "bit(%u)", (unsigned) length);
}

/* The words that a type's name of several words goes on with. */
static const char *const type_name_endings[] = {" varying", " precision", " with time zone", " without time zone"};

/*
 * Letters, digits and underscores with dots between them, then perhaps one of
 * the endings above, then perhaps "(digits,digits)", then any number of "[]".
 * Whatever this accepts is a type or an error in SQL, never anything more.
 */
static bool
is_type_name(const char *at)
{
	do
	{
		if (!is_letter(*at) && *at != '_')
			return false;
		while (is_letter(*at) || *at == '_' || (*at >= '0' && *at <= '9'))
			at++;
	} while (*at == '.' && *++at != '\0');
	if (at[-1] == '.')
		return false;
	for (size_t i = 0; i < sizeof type_name_endings / sizeof type_name_endings[0]; i++)
	{
		size_t length = strlen(type_name_endings[i]);

		if (strncmp(at, type_name_endings[i], length) == 0)
		{
			at += length;
			break;
		}
	}
	if (*at == '(')
	{
		do
		{
			at++;
			if (*at < '0' || *at > '9')
				return false;
			while (*at >= '0' && *at <= '9')
				at++;
		} while (*at == ',');
		if (*at++ != ')')
			return false;
	}
	while (at[0] == '[' && at[1] == ']')
		at += 2;
	return *at == '\0';
}

static bool
typed_text_type(const char *type_name, char *out, size_t size)
{
	if (first_word_is(type_name, "inet4") || first_word_is(type_name, "inet6"))
		return write_type(out, size, "inet");
	return type_name != NULL && is_type_name(type_name) && write_type(out, size, "%s", type_name);
}

bool
dbs_type_for_column(uint8_t kind, uint32_t length, uint32_t scale, const char *type_name, char *out, size_t size)
{
	switch ((DbsKind) kind)
	{
		case DBS_KIND_NONE:
			return false;
		case DBS_KIND_BOOL:
			return write_type(out, size, "boolean");
		case DBS_KIND_INT2:
			return write_type(out, size, "smallint");
		case DBS_KIND_INT4:
			return write_type(out, size, "integer");
		case DBS_KIND_INT8:
			return write_type(out, size, "bigint");
		case DBS_KIND_UINT8:
			return write_type(out, size, "numeric(20,0)");
		case DBS_KIND_FLOAT4:
			return write_type(out, size, "real");
		case DBS_KIND_FLOAT8:
			return write_type(out, size, "double precision");
		case DBS_KIND_NUMERIC:
			return numeric_type(length, scale, out, size);
		case DBS_KIND_DATE:
			return write_type(out, size, "date");
		case DBS_KIND_TIME:
			return fraction_type("time", length, out, size);
		case DBS_KIND_TIMESTAMP:
			return fraction_type("timestamp", length, out, size);
		case DBS_KIND_TIMESTAMPTZ:
			return fraction_type("timestamptz", length, out, size);
		case DBS_KIND_DURATION:
			return fraction_type("interval", length, out, size);
		case DBS_KIND_INTERVAL:
			return write_type(out, size, "interval");
		case DBS_KIND_TEXT:
			return text_type(length, type_name, out, size);
		case DBS_KIND_BYTES:
		case DBS_KIND_GEOMETRY:
			return write_type(out, size, "bytea");
		case DBS_KIND_JSON:
			return write_type(out, size, "jsonb");
		case DBS_KIND_BIT:
			return bit_type(length, out, size);
		case DBS_KIND_UUID:
			return write_type(out, size, "uuid");
		case DBS_KIND_LABEL:
			return write_type(out, size, "text");
		case DBS_KIND_LABEL_LIST:
			return write_type(out, size, "text[]");
		case DBS_KIND_VECTOR:
			return write_type(out, size, "real[]");
		case DBS_KIND_TYPED_TEXT:
			return typed_text_type(type_name, out, size);
	}
	return false;
}
