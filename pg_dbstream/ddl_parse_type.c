/*
 * MySQL's and MariaDB's column types, by a table of their names.
 */
#include "postgres.h"

#include "ddl_parser.h"

typedef enum Modifier
{
	MOD_NONE,
	MOD_WIDTH,  /* (n), without meaning for the values */
	MOD_LENGTH, /* (n) */
	MOD_SCALE,  /* (p, s) */
	MOD_FRACTION,
	MOD_LABELS
} Modifier;

typedef struct TypeName
{
	const char *words;
	DdlTypeFamily family;
	Modifier modifier;
	int64 length; /* when none is written; -1 = none */
	bool is_unsigned;
	const char *charset; /* that the name implies */
} TypeName;

#define TINY 255
#define SMALL 65535
#define MEDIUM 16777215
#define LONG INT64CONST(4294967295)

/* Longer names stand before their beginnings. */
static const TypeName type_names[] = {
	{"TINYINT", DDL_TYPE_INT1, MOD_WIDTH, -1},
	{"INT1", DDL_TYPE_INT1, MOD_WIDTH, -1},
	{"SMALLINT", DDL_TYPE_INT2, MOD_WIDTH, -1},
	{"INT2", DDL_TYPE_INT2, MOD_WIDTH, -1},
	{"MEDIUMINT", DDL_TYPE_INT3, MOD_WIDTH, -1},
	{"MIDDLEINT", DDL_TYPE_INT3, MOD_WIDTH, -1},
	{"INT3", DDL_TYPE_INT3, MOD_WIDTH, -1},
	{"INTEGER", DDL_TYPE_INT4, MOD_WIDTH, -1},
	{"INT", DDL_TYPE_INT4, MOD_WIDTH, -1},
	{"INT4", DDL_TYPE_INT4, MOD_WIDTH, -1},
	{"BIGINT", DDL_TYPE_INT8, MOD_WIDTH, -1},
	{"INT8", DDL_TYPE_INT8, MOD_WIDTH, -1},
	{"BOOLEAN", DDL_TYPE_BOOLEAN, MOD_NONE, -1},
	{"BOOL", DDL_TYPE_BOOLEAN, MOD_NONE, -1},
	{"DECIMAL", DDL_TYPE_DECIMAL, MOD_SCALE, -1},
	{"DEC", DDL_TYPE_DECIMAL, MOD_SCALE, -1},
	{"NUMERIC", DDL_TYPE_DECIMAL, MOD_SCALE, -1},
	{"NUMBER", DDL_TYPE_DECIMAL, MOD_SCALE, -1},
	{"FIXED", DDL_TYPE_DECIMAL, MOD_SCALE, -1},
	{"FLOAT4", DDL_TYPE_FLOAT4, MOD_SCALE, -1},
	{"FLOAT8", DDL_TYPE_FLOAT8, MOD_SCALE, -1},
	{"FLOAT", DDL_TYPE_FLOAT4, MOD_SCALE, -1},
	{"DOUBLE PRECISION", DDL_TYPE_FLOAT8, MOD_SCALE, -1},
	{"DOUBLE", DDL_TYPE_FLOAT8, MOD_SCALE, -1},
	{"REAL", DDL_TYPE_FLOAT8, MOD_SCALE, -1},
	{"NATIONAL CHARACTER VARYING", DDL_TYPE_VARCHAR, MOD_LENGTH, -1, false, "utf8mb3"},
	{"NATIONAL CHAR VARYING", DDL_TYPE_VARCHAR, MOD_LENGTH, -1, false, "utf8mb3"},
	{"NATIONAL VARCHARACTER", DDL_TYPE_VARCHAR, MOD_LENGTH, -1, false, "utf8mb3"},
	{"NATIONAL VARCHAR", DDL_TYPE_VARCHAR, MOD_LENGTH, -1, false, "utf8mb3"},
	{"NATIONAL CHARACTER", DDL_TYPE_CHAR, MOD_LENGTH, 1, false, "utf8mb3"},
	{"NATIONAL CHAR", DDL_TYPE_CHAR, MOD_LENGTH, 1, false, "utf8mb3"},
	{"NCHAR VARYING", DDL_TYPE_VARCHAR, MOD_LENGTH, -1, false, "utf8mb3"},
	{"NCHAR VARCHAR", DDL_TYPE_VARCHAR, MOD_LENGTH, -1, false, "utf8mb3"},
	{"NCHAR VARCHARACTER", DDL_TYPE_VARCHAR, MOD_LENGTH, -1, false, "utf8mb3"},
	{"NVARCHAR", DDL_TYPE_VARCHAR, MOD_LENGTH, -1, false, "utf8mb3"},
	{"NCHAR", DDL_TYPE_CHAR, MOD_LENGTH, 1, false, "utf8mb3"},
	{"CHARACTER VARYING", DDL_TYPE_VARCHAR, MOD_LENGTH, -1},
	{"CHAR VARYING", DDL_TYPE_VARCHAR, MOD_LENGTH, -1},
	{"CHAR BYTE", DDL_TYPE_BINARY, MOD_LENGTH, 1},
	{"CHARACTER", DDL_TYPE_CHAR, MOD_LENGTH, 1},
	{"CHAR", DDL_TYPE_CHAR, MOD_LENGTH, 1},
	{"VARCHARACTER", DDL_TYPE_VARCHAR, MOD_LENGTH, -1},
	{"VARCHAR2", DDL_TYPE_VARCHAR, MOD_LENGTH, -1},
	{"VARCHAR", DDL_TYPE_VARCHAR, MOD_LENGTH, -1},
	{"BINARY", DDL_TYPE_BINARY, MOD_LENGTH, 1},
	{"VARBINARY", DDL_TYPE_VARBINARY, MOD_LENGTH, -1},
	{"RAW", DDL_TYPE_VARBINARY, MOD_LENGTH, -1},
	{"TINYTEXT", DDL_TYPE_TEXT, MOD_NONE, TINY},
	{"MEDIUMTEXT", DDL_TYPE_TEXT, MOD_NONE, MEDIUM},
	{"LONGTEXT", DDL_TYPE_TEXT, MOD_NONE, LONG},
	{"TEXT", DDL_TYPE_TEXT, MOD_LENGTH, SMALL},
	{"CLOB", DDL_TYPE_TEXT, MOD_NONE, LONG},
	{"TINYBLOB", DDL_TYPE_BLOB, MOD_NONE, TINY},
	{"MEDIUMBLOB", DDL_TYPE_BLOB, MOD_NONE, MEDIUM},
	{"LONGBLOB", DDL_TYPE_BLOB, MOD_NONE, LONG},
	{"BLOB", DDL_TYPE_BLOB, MOD_LENGTH, SMALL},
	{"LONG VARCHARACTER", DDL_TYPE_TEXT, MOD_NONE, MEDIUM},
	{"LONG CHARACTER VARYING", DDL_TYPE_TEXT, MOD_NONE, MEDIUM},
	{"LONG CHAR VARYING", DDL_TYPE_TEXT, MOD_NONE, MEDIUM},
	{"LONG VARCHAR", DDL_TYPE_TEXT, MOD_NONE, MEDIUM},
	{"LONG VARBINARY", DDL_TYPE_BLOB, MOD_NONE, MEDIUM},
	{"LONG", DDL_TYPE_TEXT, MOD_NONE, MEDIUM},
	{"DATETIME", DDL_TYPE_TIMESTAMP, MOD_FRACTION, 0},
	{"TIMESTAMP", DDL_TYPE_TIMESTAMPTZ, MOD_FRACTION, 0},
	{"DATE", DDL_TYPE_DATE, MOD_NONE, -1},
	{"TIME", DDL_TYPE_TIME, MOD_FRACTION, 0},
	{"YEAR", DDL_TYPE_YEAR, MOD_WIDTH, -1},
	{"ENUM", DDL_TYPE_ENUM, MOD_LABELS, -1},
	{"SET", DDL_TYPE_SET, MOD_LABELS, -1},
	{"BIT", DDL_TYPE_BIT, MOD_LENGTH, 1},
	{"JSON", DDL_TYPE_JSON, MOD_NONE, -1},
	{"UUID", DDL_TYPE_UUID, MOD_NONE, -1},
	{"INET4", DDL_TYPE_INET4, MOD_NONE, -1},
	{"INET6", DDL_TYPE_INET6, MOD_NONE, -1},
	{"XMLTYPE", DDL_TYPE_XML, MOD_NONE, -1},
	{"GEOMETRYCOLLECTION", DDL_TYPE_GEOMETRY, MOD_NONE, -1},
	{"GEOMCOLLECTION", DDL_TYPE_GEOMETRY, MOD_NONE, -1},
	{"GEOMETRY", DDL_TYPE_GEOMETRY, MOD_NONE, -1},
	{"POINT", DDL_TYPE_GEOMETRY, MOD_NONE, -1},
	{"LINESTRING", DDL_TYPE_GEOMETRY, MOD_NONE, -1},
	{"POLYGON", DDL_TYPE_GEOMETRY, MOD_NONE, -1},
	{"MULTIPOINT", DDL_TYPE_GEOMETRY, MOD_NONE, -1},
	{"MULTILINESTRING", DDL_TYPE_GEOMETRY, MOD_NONE, -1},
	{"MULTIPOLYGON", DDL_TYPE_GEOMETRY, MOD_NONE, -1},
	{"VECTOR", DDL_TYPE_VECTOR, MOD_LENGTH, 2048},
	{"SERIAL", DDL_TYPE_INT8, MOD_NONE, -1, true},
};

static void
parse_labels(DdlParser *parser, DdlType *type)
{
	dbs_ddl_expect_symbol(parser, "(");
	do
	{
		const DdlToken *token = dbs_ddl_peek(parser, 0);

		/* SHOW CREATE TABLE writes labels that are no UTF-8 as hexadecimal digits; they hold bytes, not text. */
		if (token->kind == DDL_TOKEN_HEX || token->kind == DDL_TOKEN_BITS)
		{
			dbs_ddl_fail(parser, "a label written as bytes cannot be read");
			return;
		}
		type->labels = lappend(type->labels, dbs_ddl_parse_string(parser, "a label"));
	} while (parser->error == NULL && dbs_ddl_accept_symbol(parser, ","));
	dbs_ddl_expect_symbol(parser, ")");
}

static void
parse_modifier(DdlParser *parser, const TypeName *entry, DdlType *type)
{
	if (entry->modifier == MOD_LABELS)
	{
		parse_labels(parser, type);
		return;
	}
	if (entry->modifier == MOD_NONE || !dbs_ddl_accept_symbol(parser, "("))
		return;
	type->length = dbs_ddl_parse_integer(parser, "a length");
	if (type->length < 0 || type->length > LONG)
		dbs_ddl_fail(parser, "a length out of range");
	if (entry->modifier == MOD_SCALE && dbs_ddl_accept_symbol(parser, ","))
	{
		int64 scale = dbs_ddl_parse_integer(parser, "a scale");

		if (scale < 0 || scale > 255)
			dbs_ddl_fail(parser, "a scale out of range");
		type->scale = scale;
	}
	if (entry->modifier == MOD_FRACTION && type->length > 6)
		dbs_ddl_fail(parser, "more than 6 fraction digits");
	/* MariaDB's Oracle words: VARCHAR2(10 CHAR) */
	(void) (dbs_ddl_accept(parser, "CHAR") || dbs_ddl_accept(parser, "BYTE"));
	dbs_ddl_expect_symbol(parser, ")");
}

/* UNSIGNED, ZEROFILL and what says the character set. */
static void
parse_attributes(DdlParser *parser, DdlType *type)
{
	for (;;)
	{
		if (dbs_ddl_accept(parser, "UNSIGNED"))
			type->is_unsigned = true;
		else if (dbs_ddl_accept(parser, "SIGNED"))
			continue;
		else if (dbs_ddl_accept(parser, "ZEROFILL"))
			type->zerofill = type->is_unsigned = true;
		else if (dbs_ddl_is_word(parser, 0, "CHARACTER") || dbs_ddl_is_word(parser, 0, "CHARSET") ||
				 (dbs_ddl_is_word(parser, 0, "CHAR") && dbs_ddl_is_word(parser, 1, "SET")))
		{
			if (!dbs_ddl_accept(parser, "CHARSET"))
				parser->at += 2;
			if (dbs_ddl_peek(parser, 0)->kind == DDL_TOKEN_STRING)
				type->charset = dbs_ddl_parse_string(parser, "a character set")->text;
			else
				type->charset = dbs_ddl_parse_identifier(parser, "a character set");
		}
		else if (dbs_ddl_accept(parser, "ASCII"))
			type->charset = "latin1";
		else if (dbs_ddl_accept(parser, "UNICODE"))
			type->charset = "ucs2";
		else if (dbs_ddl_accept(parser, "BYTE"))
			type->charset = "binary";
		else if (type->family != DDL_TYPE_BINARY && dbs_ddl_accept(parser, "BINARY"))
			type->collation = type->collation != NULL ? type->collation : "binary";
		else if (dbs_ddl_accept(parser, "COMPRESSED"))
		{
			type->compressed = true;
			if (dbs_ddl_accept_symbol(parser, "="))
				dbs_ddl_skip_value(parser);
		}
		else
			break;
	}
}

static DdlType *
make_type(DdlTypeFamily family)
{
	DdlType *type = palloc0(sizeof(DdlType));

	type->family = family;
	type->length = -1;
	type->scale = -1;
	type->srid = -1;
	return type;
}

DdlType *
dbs_ddl_parse_type(DdlParser *parser)
{
	for (int i = 0; i < lengthof(type_names); i++)
	{
		const TypeName *entry = &type_names[i];
		int first = parser->at;
		DdlType *type;

		if (!dbs_ddl_accept(parser, entry->words))
			continue;
		type = make_type(entry->family);
		type->name = pg_strcasecmp(entry->words, "GEOMCOLLECTION") == 0 ? "GEOMETRYCOLLECTION" : entry->words;
		type->length = entry->length;
		type->is_unsigned = entry->is_unsigned;
		type->is_serial = strcmp(entry->words, "SERIAL") == 0;
		type->charset = entry->charset;
		parse_modifier(parser, entry, type);
		parse_attributes(parser, type);
		if (type->family == DDL_TYPE_INT1 && type->length == 1 && !type->is_unsigned)
			type->family = DDL_TYPE_BOOLEAN;
		if (type->family == DDL_TYPE_FLOAT4 && type->scale < 0 && type->length > 24)
			type->family = DDL_TYPE_FLOAT8;
		if (strcmp(entry->words, "REAL") == 0 && (parser->options->sql_mode & DDL_MODE_REAL_AS_FLOAT) != 0)
			type->family = DDL_TYPE_FLOAT4;
		if (type->family == DDL_TYPE_DECIMAL)
		{
			type->length = type->length <= 0 ? 10 : type->length;
			type->scale = type->scale < 0 ? 0 : type->scale;
		}
		if ((type->family == DDL_TYPE_VARCHAR || type->family == DDL_TYPE_VARBINARY) && type->length < 0)
		{
			parser->at = first + 1;
			dbs_ddl_expected(parser, "a length");
		}
		return type;
	}
	dbs_ddl_expected(parser, "a column type");
	return make_type(DDL_TYPE_NONE);
}

/* The types of CAST and CONVERT, which are fewer and partly have other names. */
DdlType *
dbs_ddl_parse_cast_type(DdlParser *parser)
{
	DdlType *type;

	if (dbs_ddl_accept(parser, "SIGNED") || dbs_ddl_accept(parser, "UNSIGNED"))
	{
		type = make_type(DDL_TYPE_INT8);
		type->is_unsigned = pg_strcasecmp(dbs_ddl_peek(parser, -1)->text, "UNSIGNED") == 0;
		(void) (dbs_ddl_accept(parser, "INTEGER") || dbs_ddl_accept(parser, "INT"));
		type->name = type->is_unsigned ? "UNSIGNED" : "SIGNED";
		if (dbs_ddl_accept(parser, "ARRAY"))
			type->array_dimensions = 1;
		return type;
	}
	if ((dbs_ddl_is_word(parser, 0, "CHAR") || dbs_ddl_is_word(parser, 0, "NCHAR") ||
		 dbs_ddl_is_word(parser, 0, "BINARY")) &&
		!dbs_ddl_is_symbol(parser, 1, "("))
	{
		type = make_type(dbs_ddl_is_word(parser, 0, "BINARY") ? DDL_TYPE_BLOB : DDL_TYPE_TEXT);
		type->name = dbs_ddl_peek(parser, 0)->text;
		parser->at++;
		type->length = 0;
		parse_attributes(parser, type);
		if (dbs_ddl_accept(parser, "ARRAY"))
			type->array_dimensions = 1;
		return type;
	}
	if (dbs_ddl_accept(parser, "YEAR"))
	{
		type = make_type(DDL_TYPE_YEAR);
		type->name = "YEAR";
		return type;
	}
	type = dbs_ddl_parse_type(parser);
	if (dbs_ddl_accept(parser, "ARRAY"))
		type->array_dimensions = 1;
	return type;
}
