/*
 * A column's definition: its type, then attributes in any order.
 */
#include "postgres.h"

#include "ddl_parser.h"

static void
ignore_since(DdlParser *parser, DdlColumn *column, int first)
{
	column->ignored = lappend(column->ignored, (void *) dbs_ddl_source_between(parser, first, parser->at));
}

/* GENERATED ALWAYS AS (…), or MariaDB's GENERATED ALWAYS AS ROW START | END. */
static void
parse_generated(DdlParser *parser, DdlColumn *column)
{
	if (dbs_ddl_accept(parser, "ROW START"))
		column->system_time_start = true;
	else if (dbs_ddl_accept(parser, "ROW END"))
		column->system_time_end = true;
	else
	{
		dbs_ddl_expect_symbol(parser, "(");
		column->generated = dbs_ddl_parse_expression(parser);
		dbs_ddl_expect_symbol(parser, ")");
		if (dbs_ddl_accept(parser, "STORED") || dbs_ddl_accept(parser, "PERSISTENT"))
			column->stored = true;
		else
			(void) dbs_ddl_accept(parser, "VIRTUAL");
	}
}

/* CURRENT_TIMESTAMP in its many spellings; NULL when something else is next. */
static DdlExpr *
parse_now(DdlParser *parser)
{
	static const char *const names[] = {"CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP", NULL};

	for (int i = 0; names[i] != NULL; i++)
	{
		if (dbs_ddl_is_word(parser, 0, names[i]))
			return dbs_ddl_parse_primary(parser);
	}
	return NULL;
}

static DdlExpr *
parse_default(DdlParser *parser)
{
	DdlExpr *value;

	if (dbs_ddl_accept_symbol(parser, "("))
	{
		value = dbs_ddl_parse_expression(parser);
		dbs_ddl_expect_symbol(parser, ")");
		return value;
	}
	if (dbs_ddl_accept(parser, "NEXT VALUE FOR"))
	{
		DdlName *name = dbs_ddl_parse_name(parser, "a sequence");
		DdlExpr *sequence = dbs_ddl_make_expr(DDL_EXPR_COLUMN, name->name, NIL);

		sequence->qualifier = name->schema;
		return dbs_ddl_make_expr(DDL_EXPR_FUNCTION, "nextval", list_make1(sequence));
	}
	/* A literal, its sign, or a function; what follows are further attributes, so no operators here. */
	if (dbs_ddl_is_symbol(parser, 0, "-") || dbs_ddl_is_symbol(parser, 0, "+"))
	{
		bool negative = dbs_ddl_accept_symbol(parser, "-");

		if (!negative)
			(void) dbs_ddl_accept_symbol(parser, "+");
		value = dbs_ddl_parse_primary(parser);
		return negative ? dbs_ddl_make_expr(DDL_EXPR_OPERATOR, "neg", list_make1(value)) : value;
	}
	return dbs_ddl_parse_primary(parser);
}

static const char *
parse_collation(DdlParser *parser)
{
	(void) dbs_ddl_accept_symbol(parser, "=");
	if (dbs_ddl_peek(parser, 0)->kind == DDL_TOKEN_STRING)
		return dbs_ddl_parse_string(parser, "a collation")->text;
	return dbs_ddl_parse_identifier(parser, "a collation");
}

/* CHECK, REFERENCES, a key: attributes that are constraints. False when none is next. */
static bool
parse_constraint(DdlParser *parser, DdlColumn *column)
{
	const char *name = NULL;
	int first = parser->at;

	if (dbs_ddl_accept(parser, "CONSTRAINT"))
	{
		if (!dbs_ddl_is_word(parser, 0, "CHECK"))
			name = dbs_ddl_parse_identifier(parser, "a constraint's name");
	}
	if (dbs_ddl_is_word(parser, 0, "CHECK"))
	{
		DdlCheck *check = dbs_ddl_parse_check(parser, name);

		check->column = column->name;
		column->checks = lappend(column->checks, check);
		return true;
	}
	if (dbs_ddl_is_word(parser, 0, "REFERENCES"))
	{
		DdlForeignKey *key = dbs_ddl_parse_references(parser);

		key->name = name;
		key->columns = list_make1((void *) column->name);
		column->foreign_keys = lappend(column->foreign_keys, key);
		return true;
	}
	if (parser->at != first && parser->error == NULL)
		dbs_ddl_expected(parser, "CHECK or REFERENCES");
	return false;
}

/* Attributes without meaning outside MySQL. False when none is next. */
static bool
parse_ignored(DdlParser *parser, DdlColumn *column)
{
	int first = parser->at;

	if (dbs_ddl_accept(parser, "COLUMN_FORMAT") || dbs_ddl_accept(parser, "STORAGE") ||
		dbs_ddl_accept(parser, "ENGINE_ATTRIBUTE") || dbs_ddl_accept(parser, "SECONDARY_ENGINE_ATTRIBUTE"))
	{
		(void) dbs_ddl_accept_symbol(parser, "=");
		dbs_ddl_skip_value(parser);
	}
	else if (!dbs_ddl_accept(parser, "WITHOUT SYSTEM VERSIONING") &&
			 !dbs_ddl_accept(parser, "WITH SYSTEM VERSIONING") && !dbs_ddl_accept(parser, "NOT SECONDARY") &&
			 !dbs_ddl_accept(parser, "CLUSTERING"))
	{
		/* MariaDB's engine-defined attributes: name = value */
		if (!dbs_ddl_is_identifier(parser, 0) || !dbs_ddl_is_symbol(parser, 1, "="))
			return false;
		parser->at += 2;
		dbs_ddl_skip_value(parser);
	}
	ignore_since(parser, column, first);
	return true;
}

/* One attribute; false when none is next. */
static bool
parse_attribute(DdlParser *parser, DdlColumn *column)
{
	if (dbs_ddl_accept(parser, "NOT NULL"))
	{
		column->not_null = true;
		if (dbs_ddl_accept(parser, "ENABLE"))
			return true;
	}
	else if (dbs_ddl_accept(parser, "NULL"))
		column->null_written = true;
	else if (dbs_ddl_accept(parser, "DEFAULT"))
		column->default_value = parse_default(parser);
	else if (dbs_ddl_accept(parser, "ON UPDATE"))
	{
		column->on_update = parse_now(parser);
		if (column->on_update == NULL)
			dbs_ddl_expected(parser, "CURRENT_TIMESTAMP");
	}
	else if (dbs_ddl_accept(parser, "AUTO_INCREMENT"))
		column->auto_increment = true;
	else if (dbs_ddl_accept(parser, "SERIAL DEFAULT VALUE"))
		column->auto_increment = column->not_null = column->unique = true;
	else if (dbs_ddl_accept(parser, "PRIMARY KEY") || dbs_ddl_accept(parser, "PRIMARY") ||
			 dbs_ddl_accept(parser, "KEY"))
		column->primary = true;
	else if (dbs_ddl_accept(parser, "UNIQUE"))
	{
		(void) (dbs_ddl_accept(parser, "KEY") || dbs_ddl_accept(parser, "INDEX"));
		column->unique = true;
	}
	else if (dbs_ddl_accept(parser, "COMMENT"))
	{
		(void) dbs_ddl_accept_symbol(parser, "=");
		column->comment = dbs_ddl_parse_string(parser, "a comment")->text;
	}
	else if (dbs_ddl_accept(parser, "COLLATE"))
		column->type->collation = parse_collation(parser);
	else if (dbs_ddl_accept(parser, "SRID") || dbs_ddl_accept(parser, "REF_SYSTEM_ID"))
	{
		(void) dbs_ddl_accept_symbol(parser, "=");
		column->type->srid = (int) dbs_ddl_parse_integer(parser, "a spatial reference system");
	}
	else if (dbs_ddl_accept(parser, "GENERATED ALWAYS AS") || dbs_ddl_accept(parser, "AS"))
		parse_generated(parser, column);
	else if (dbs_ddl_accept(parser, "INVISIBLE"))
		column->invisible = true;
	else if (dbs_ddl_accept(parser, "VISIBLE"))
		column->invisible = false;
	else if (dbs_ddl_accept(parser, "COMPRESSED"))
		column->type->compressed = true;
	else
		return parse_constraint(parser, column) || parse_ignored(parser, column);
	return true;
}

DdlColumn *
dbs_ddl_parse_column(DdlParser *parser, DdlCreateTable *table)
{
	DdlColumn *column = palloc0(sizeof(DdlColumn));

	column->offset = dbs_ddl_peek(parser, 0)->start;
	if (dbs_ddl_accept(parser, "IF NOT EXISTS"))
		column->if_not_exists = true;
	column->name = dbs_ddl_parse_identifier(parser, "a column's name");
	column->type = dbs_ddl_parse_type(parser);
	if (column->type->is_serial)
		column->auto_increment = column->not_null = column->unique = true;
	while (parser->error == NULL && parse_attribute(parser, column))
		;
	return column;
}
