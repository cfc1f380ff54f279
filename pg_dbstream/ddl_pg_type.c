/*
 * PostgreSQL's types for the tree's, and what is lost on the way.
 */
#include "postgres.h"

#include "ddl_print.h"
#include "name.h"

bool
dbs_ddl_is_integer(DdlTypeFamily family)
{
	return family == DDL_TYPE_INT1 || family == DDL_TYPE_INT2 || family == DDL_TYPE_INT3 || family == DDL_TYPE_INT4 ||
		   family == DDL_TYPE_INT8 || family == DDL_TYPE_YEAR;
}

bool
dbs_ddl_is_number(DdlTypeFamily family)
{
	return dbs_ddl_is_integer(family) || family == DDL_TYPE_DECIMAL || family == DDL_TYPE_FLOAT4 ||
		   family == DDL_TYPE_FLOAT8;
}

bool
dbs_ddl_is_text(DdlTypeFamily family)
{
	return family == DDL_TYPE_CHAR || family == DDL_TYPE_VARCHAR || family == DDL_TYPE_TEXT || family == DDL_TYPE_ENUM;
}

bool
dbs_ddl_is_bytes(DdlTypeFamily family)
{
	return family == DDL_TYPE_BINARY || family == DDL_TYPE_VARBINARY || family == DDL_TYPE_BLOB;
}

static bool
option_is(const char *value, const char *wanted)
{
	return value != NULL && strcmp(value, wanted) == 0;
}

static const char *
fraction(const char *name, const DdlType *type)
{
	if (type->length < 0)
		return name;
	return psprintf("%s(%d)", name, (int) type->length);
}

static const char *
decimal_type(const DdlType *type)
{
	if (type->length <= 0)
		return "numeric";
	return psprintf("numeric(%d,%d)", (int) type->length, Max(type->scale, 0));
}

static const char *
integer_type(const DbsDdlOptions *options, const DdlType *type)
{
	switch (type->family)
	{
		case DDL_TYPE_INT1:
		case DDL_TYPE_YEAR:
			return "smallint";
		case DDL_TYPE_INT2:
			return type->is_unsigned ? "integer" : "smallint";
		case DDL_TYPE_INT3:
			return "integer";
		case DDL_TYPE_INT4:
			return type->is_unsigned ? "bigint" : "integer";
		default:
			if (!type->is_unsigned || option_is(options->bigint_unsigned, "bigint"))
				return "bigint";
			return "numeric(20,0)";
	}
}

static const char *
text_type(DdlPrinter *printer, const DdlType *type, const char *column)
{
	if (type->family == DDL_TYPE_TEXT)
		return "text";
	if (type->length == 0)
	{
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "column \"%s\": a text of no characters at all becomes varchar(1), which takes one", column);
		return "varchar(1)";
	}
	if (type->length < 0)
		return type->family == DDL_TYPE_CHAR ? "char(1)" : "varchar";
	return psprintf("%s(%d)", type->family == DDL_TYPE_CHAR ? "char" : "varchar", (int) type->length);
}

static const char *
geometry_type(DdlPrinter *printer, const DdlType *type, const char *column)
{
	if (printer->options->has_postgis)
	{
		bool plain = type->name == NULL || pg_strcasecmp(type->name, "GEOMETRY") == 0;

		if (plain && type->srid < 0)
			return "geometry";
		if (type->srid < 0)
			return psprintf("geometry(%s)", type->name);
		return psprintf("geometry(%s,%d)", plain ? "GEOMETRY" : type->name, type->srid);
	}
	dbs_ddl_note(printer, DBS_NOTE_WARNING,
				 "column \"%s\": geometry becomes bytea (EWKB), since PostGIS is not installed", column);
	return "bytea";
}

/*
 * An enum type is named after its labels: columns with the same labels share
 * it, and a column whose labels change gets another one, whatever it was
 * renamed to meanwhile.  The statement that makes it goes before the one being printed.
 */
static const char *
enum_type(DdlPrinter *printer, const DdlType *type)
{
	const char *schema = dbs_ddl_target_schema(printer, printer->table_schema);
	const char *labels = dbs_ddl_pg_labels(type);
	const char *name;
	const char *create;
	ListCell *cell;

	name = dbs_ddl_pg_qualified(schema != NULL ? dbs_ddl_fit(printer, schema) : "public",
								psprintf("enum_%08x", dbs_name_hash(labels, strlen(labels))));
	create =
		psprintf("BEGIN CREATE TYPE %s AS ENUM (%s); EXCEPTION WHEN duplicate_object THEN NULL; END", name, labels);
	create = psprintf("DO %s", dbs_ddl_pg_string(create, strlen(create)));
	foreach (cell, printer->out->sql)
	{
		if (strcmp(lfirst(cell), create) == 0)
			return name;
	}
	printer->out->sql = lappend(printer->out->sql, (void *) create);
	return name;
}

const char *
dbs_ddl_pg_type(DdlPrinter *printer, const DdlType *type, const char *column)
{
	const DbsDdlOptions *options = printer->options;

	switch (type->family)
	{
		case DDL_TYPE_BOOLEAN:
			return option_is(options->tinyint1, "smallint") ? "smallint" : "boolean";
		case DDL_TYPE_INT1:
		case DDL_TYPE_INT2:
		case DDL_TYPE_INT3:
		case DDL_TYPE_INT4:
		case DDL_TYPE_INT8:
		case DDL_TYPE_YEAR:
			return integer_type(options, type);
		case DDL_TYPE_DECIMAL:
			return decimal_type(type);
		case DDL_TYPE_FLOAT4:
			return "real";
		case DDL_TYPE_FLOAT8:
			return "double precision";
		case DDL_TYPE_CHAR:
		case DDL_TYPE_VARCHAR:
		case DDL_TYPE_TEXT:
			return text_type(printer, type, column);
		case DDL_TYPE_BINARY:
			return type->length == 16 && option_is(options->binary16, "uuid") ? "uuid" : "bytea";
		case DDL_TYPE_VARBINARY:
		case DDL_TYPE_BLOB:
			return "bytea";
		case DDL_TYPE_DATE:
			return "date";
		case DDL_TYPE_TIME:
			return fraction(option_is(options->time, "time") ? "time" : "interval", type);
		case DDL_TYPE_CLOCK:
			return fraction("time", type);
		case DDL_TYPE_CLOCK_TZ:
			return fraction("timetz", type);
		case DDL_TYPE_TIMESTAMP:
			return fraction("timestamp", type);
		case DDL_TYPE_TIMESTAMPTZ:
			return fraction("timestamptz", type);
		case DDL_TYPE_INTERVAL:
			return fraction("interval", type);
		case DDL_TYPE_ENUM:
			return option_is(options->enum_as, "type") && type->labels != NIL ? enum_type(printer, type) : "text";
		case DDL_TYPE_SET:
			return option_is(options->set_as, "text") ? "text" : "text[]";
		case DDL_TYPE_BIT:
			return type->length <= 1 ? "boolean" : psprintf("bit(%d)", (int) type->length);
		case DDL_TYPE_VARBIT:
			return type->length <= 0 ? "varbit" : psprintf("varbit(%d)", (int) type->length);
		case DDL_TYPE_JSON:
		case DDL_TYPE_JSONB:
			return option_is(options->json, "json") ? "json" : "jsonb";
		case DDL_TYPE_UUID:
			return "uuid";
		case DDL_TYPE_INET4:
		case DDL_TYPE_INET6:
		case DDL_TYPE_INET:
			return "inet";
		case DDL_TYPE_GEOMETRY:
			return geometry_type(printer, type, column);
		case DDL_TYPE_VECTOR:
			if (options->has_vector)
				return psprintf("vector(%d)", (int) type->length);
			if (*column != '\0')
				dbs_ddl_note(printer, DBS_NOTE_INFO,
							 "column \"%s\": a vector becomes real[], since pgvector is not installed", column);
			return "real[]";
		case DDL_TYPE_XML:
			return "xml";
		case DDL_TYPE_MONEY:
			return "money";
		case DDL_TYPE_OTHER:
			return type->schema != NULL ? psprintf("%s.%s", type->schema, type->name) : type->name;
		case DDL_TYPE_NONE:
			break;
	}
	return "text";
}

/* Collations that compare bytes; all others fold case or accents, which PostgreSQL's default does not. */
static bool
is_exact_collation(const char *collation)
{
	Size size = strlen(collation);

	return pg_strcasecmp(collation, "binary") == 0 || (size > 4 && pg_strcasecmp(collation + size - 4, "_bin") == 0);
}

static bool
is_unicode(const char *charset)
{
	return pg_strncasecmp(charset, "utf8", 4) == 0 || pg_strcasecmp(charset, "ascii") == 0;
}

void
dbs_ddl_pg_type_notes(DdlPrinter *printer, const DdlColumn *column)
{
	const DdlType *type = column->type;

	if (type->zerofill)
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "column \"%s\": ZEROFILL has no equivalent; the number is kept without its zeros", column->name);
	if (type->is_unsigned)
		dbs_ddl_note(printer, DBS_NOTE_INFO,
					 "column \"%s\": UNSIGNED becomes the next wider type, which also takes negative numbers",
					 column->name);
	if ((type->family == DDL_TYPE_FLOAT4 || type->family == DDL_TYPE_FLOAT8) && type->scale >= 0)
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "column \"%s\": rounding to %d digits has no equivalent for floating point numbers", column->name,
					 type->scale);
	if (type->collation != NULL && (dbs_ddl_is_text(type->family) || type->family == DDL_TYPE_SET))
		dbs_ddl_note(printer, is_exact_collation(type->collation) ? DBS_NOTE_INFO : DBS_NOTE_WARNING,
					 "column \"%s\": collation %s is not carried over; text compares by the database's collation",
					 column->name, type->collation);
	if (type->charset != NULL && !is_unicode(type->charset))
		dbs_ddl_note(printer, DBS_NOTE_INFO, "column \"%s\": character set %s becomes UTF-8", column->name,
					 type->charset);
	if (type->compressed)
		dbs_ddl_note(printer, DBS_NOTE_INFO,
					 "column \"%s\": COMPRESSED is ignored; PostgreSQL compresses long values itself", column->name);
	if (type->srid >= 0 && !printer->options->has_postgis)
		dbs_ddl_note(printer, DBS_NOTE_WARNING, "column \"%s\": SRID %d is not checked without PostGIS", column->name,
					 type->srid);
	if (column->ignored != NIL)
		dbs_ddl_note_ignored(printer, column->ignored, psprintf("column \"%s\"", column->name));
}

/* CHECK (json_valid(column)), by which MariaDB's json is a longtext. */
static bool
is_json_check(const DdlCheck *check, const char *column)
{
	const DdlExpr *expr = check->expr;
	const DdlExpr *argument;

	if (expr->kind != DDL_EXPR_FUNCTION || strcmp(expr->text, "json_valid") != 0 || list_length(expr->args) != 1)
		return false;
	argument = linitial(expr->args);
	return argument->kind == DDL_EXPR_COLUMN && pg_strcasecmp(argument->text, column) == 0;
}

static void
to_binary(DdlType *type)
{
	if (type->family == DDL_TYPE_CHAR)
		type->family = DDL_TYPE_BINARY;
	else if (type->family == DDL_TYPE_VARCHAR)
		type->family = DDL_TYPE_VARBINARY;
	else if (type->family == DDL_TYPE_TEXT)
		type->family = DDL_TYPE_BLOB;
}

void
dbs_ddl_normalize_column(DdlColumn *column, const DdlCreateTable *table)
{
	DdlType *type = column->type;
	const char *charset = type->charset;
	ListCell *cell;

	if (charset == NULL && type->collation == NULL && table != NULL)
		charset = table->charset;
	if (charset != NULL && pg_strcasecmp(charset, "binary") == 0)
	{
		to_binary(type);
		type->charset = NULL;
	}
	if (type->family == DDL_TYPE_TEXT)
	{
		foreach (cell, column->checks)
		{
			if (is_json_check(lfirst(cell), column->name))
			{
				type->family = DDL_TYPE_JSON;
				type->charset = type->collation = NULL;
				column->checks = foreach_delete_current(column->checks, cell);
			}
		}
	}
	if (type->family == DDL_TYPE_JSON)
		type->charset = type->collation = NULL;
	/* MariaDB's "binary" collation attribute: CHAR(3) BINARY means the set's _bin collation, bytes stay text. */
	if (column->primary || column->auto_increment)
		column->not_null = true;
}
