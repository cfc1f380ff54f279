/*
 * Statements other than CREATE TABLE and ALTER TABLE, and the choice among all.
 */
#include "postgres.h"

#include "ddl_parser.h"

static DdlStatement *
make_statement(DdlStatementKind kind)
{
	DdlStatement *statement = palloc0(sizeof(DdlStatement));

	statement->kind = kind;
	return statement;
}

static List *
parse_names(DdlParser *parser, const char *what)
{
	List *names = NIL;

	do
	{
		names = lappend(names, dbs_ddl_parse_name(parser, what));
	} while (dbs_ddl_accept_symbol(parser, ","));
	return names;
}

/* WAIT n, NOWAIT, RESTRICT, CASCADE, ALGORITHM = x, LOCK = x: without meaning at the target. */
static void
parse_tail(DdlParser *parser, DdlStatement *statement)
{
	while (parser->error == NULL)
	{
		int first = parser->at;

		if (dbs_ddl_accept(parser, "WAIT"))
			dbs_ddl_skip_value(parser);
		else if (dbs_ddl_accept(parser, "ALGORITHM") || dbs_ddl_accept(parser, "LOCK"))
		{
			(void) dbs_ddl_accept_symbol(parser, "=");
			dbs_ddl_skip_value(parser);
		}
		else if (!dbs_ddl_accept(parser, "RESTRICT") && !dbs_ddl_accept(parser, "CASCADE") &&
				 !dbs_ddl_accept(parser, "NOWAIT"))
			break;
		statement->ignored = lappend(statement->ignored, (void *) dbs_ddl_source_between(parser, first, parser->at));
	}
}

/* ---- indexes ------------------------------------------------------------------------- */

static DdlStatement *
parse_create_index(DdlParser *parser, DdlKeyKind kind, bool or_replace)
{
	DdlStatement *statement = make_statement(DDL_ALTER_TABLE);
	DdlAction *action = palloc0(sizeof(DdlAction));
	DdlKey *key = palloc0(sizeof(DdlKey));

	key->kind = kind;
	key->if_not_exists = dbs_ddl_accept(parser, "IF NOT EXISTS");
	action->offset = dbs_ddl_peek(parser, 0)->start;
	key->name = dbs_ddl_parse_identifier(parser, "an index's name");
	if (dbs_ddl_accept(parser, "USING"))
		key->method = dbs_ddl_parse_identifier(parser, "an index type");
	dbs_ddl_expect(parser, "ON");
	statement->name = dbs_ddl_parse_name(parser, "a table");
	if (or_replace)
	{
		DdlAction *drop = palloc0(sizeof(DdlAction));

		drop->kind = DDL_DROP_KEY;
		drop->name = key->name;
		drop->if_exists = true;
		statement->actions = lappend(statement->actions, drop);
	}
	dbs_ddl_parse_key_tail(parser, key);
	/* WAIT and the like may stand before and behind the options. */
	do
	{
		parse_tail(parser, statement);
	} while (parser->error == NULL && dbs_ddl_parse_key_option(parser, key));
	action->kind = DDL_ADD_KEY;
	action->key = key;
	statement->actions = lappend(statement->actions, action);
	return statement;
}

static DdlStatement *
parse_drop_index(DdlParser *parser)
{
	DdlStatement *statement = make_statement(DDL_ALTER_TABLE);
	DdlAction *action = palloc0(sizeof(DdlAction));

	action->kind = DDL_DROP_KEY;
	action->if_exists = dbs_ddl_accept(parser, "IF EXISTS");
	action->offset = dbs_ddl_peek(parser, 0)->start;
	action->name = dbs_ddl_parse_identifier(parser, "an index");
	if (pg_strcasecmp(action->name, "PRIMARY") == 0)
		action->kind = DDL_DROP_PRIMARY_KEY;
	dbs_ddl_expect(parser, "ON");
	statement->name = dbs_ddl_parse_name(parser, "a table");
	parse_tail(parser, statement);
	statement->actions = list_make1(action);
	return statement;
}

/* ---- databases --------------------------------------------------------------------------- */

static void
parse_schema_options(DdlParser *parser, DdlStatement *statement)
{
	while (parser->error == NULL && !dbs_ddl_at_end(parser))
	{
		int first = parser->at;

		(void) dbs_ddl_accept(parser, "DEFAULT");
		if (dbs_ddl_accept(parser, "COMMENT"))
		{
			(void) dbs_ddl_accept_symbol(parser, "=");
			statement->comment = dbs_ddl_parse_string(parser, "a comment")->text;
			continue;
		}
		if (!dbs_ddl_accept(parser, "CHARACTER SET") && !dbs_ddl_accept(parser, "CHARSET") &&
			!dbs_ddl_accept(parser, "CHAR SET") && !dbs_ddl_accept(parser, "COLLATE") &&
			!dbs_ddl_accept(parser, "ENCRYPTION") && !dbs_ddl_accept(parser, "READ ONLY") &&
			!dbs_ddl_accept(parser, "UPGRADE DATA DIRECTORY NAME"))
		{
			dbs_ddl_expected(parser, "an option of a database");
			return;
		}
		(void) dbs_ddl_accept_symbol(parser, "=");
		if (!dbs_ddl_at_end(parser))
			dbs_ddl_skip_value(parser);
		statement->ignored = lappend(statement->ignored, (void *) dbs_ddl_source_between(parser, first, parser->at));
	}
}

static DdlStatement *
parse_schema(DdlParser *parser, DdlStatementKind kind, bool or_replace)
{
	DdlStatement *statement = make_statement(kind);

	statement->or_replace = or_replace;
	statement->if_not_exists = dbs_ddl_accept(parser, "IF NOT EXISTS");
	statement->if_exists = dbs_ddl_accept(parser, "IF EXISTS");
	statement->name = palloc0(sizeof(DdlName));
	/* ALTER DATABASE without a name means the default one. */
	if (kind != DDL_ALTER_SCHEMA ||
		(dbs_ddl_is_identifier(parser, 0) && !dbs_ddl_is_word(parser, 0, "CHARSET") &&
		 !dbs_ddl_is_word(parser, 0, "ENCRYPTION") && !dbs_ddl_is_word(parser, 0, "COMMENT")))
		statement->name->name = dbs_ddl_parse_identifier(parser, "a database");
	else
		statement->name->name = parser->options->default_schema;
	if (statement->name->name == NULL && kind != DDL_ALTER_SCHEMA)
		dbs_ddl_fail(parser, "no database is named, and none is the default");
	if (kind == DDL_DROP_SCHEMA)
		parse_tail(parser, statement);
	else
		parse_schema_options(parser, statement);
	return statement;
}

/* ---- views --------------------------------------------------------------------------------- */

/* What may stand between CREATE or ALTER and VIEW. */
typedef struct ViewModifiers
{
	List *ignored;
	bool invoker;
	const char *kind; /* of a view that is more than its query: why it is left out */
} ViewModifiers;

static DdlStatement *
parse_create_view(DdlParser *parser, bool or_replace, const ViewModifiers *modifiers)
{
	DdlStatement *statement = make_statement(DDL_CREATE_VIEW);

	statement->or_replace = or_replace;
	statement->invoker = modifiers->invoker;
	statement->ignored = modifiers->ignored;
	if (modifiers->kind != NULL)
	{
		statement->name = palloc0(sizeof(DdlName));
		statement->query_untranslatable = true;
		statement->query_error = modifiers->kind;
		parser->at = parser->tokens->count - 1;
		return statement;
	}
	statement->if_not_exists = dbs_ddl_accept(parser, "IF NOT EXISTS");
	statement->name = dbs_ddl_parse_name(parser, "a view's name");
	if (dbs_ddl_is_symbol(parser, 0, "("))
		statement->columns = dbs_ddl_parse_column_names(parser);
	dbs_ddl_expect(parser, "AS");
	if (parser->error == NULL)
	{
		statement->query = dbs_ddl_parse_query(parser);
		if (dbs_ddl_accept(parser, "WITH CASCADED CHECK OPTION") || dbs_ddl_accept(parser, "WITH CHECK OPTION"))
			statement->check_option = "CASCADED";
		else if (dbs_ddl_accept(parser, "WITH LOCAL CHECK OPTION"))
			statement->check_option = "LOCAL";
		/* What the query parser cannot read is a note, since a view holds no rows. */
		if (parser->error != NULL || !dbs_ddl_at_end(parser))
		{
			dbs_ddl_expected(parser, "the end of the query");
			statement->query_untranslatable = true;
			statement->query_error = parser->error;
			parser->error = NULL;
			parser->at = parser->tokens->count - 1;
		}
	}
	return statement;
}

/* ---- sequences (MariaDB) ---------------------------------------------------------------------- */

static bool
parse_sequence_number(DdlParser *parser, const char *words, bool *has, int64 *value)
{
	if (!dbs_ddl_accept(parser, words))
		return false;
	if (!dbs_ddl_accept(parser, "WITH") && !dbs_ddl_accept(parser, "BY"))
		(void) dbs_ddl_accept_symbol(parser, "=");
	*has = true;
	*value = dbs_ddl_parse_integer(parser, "a number");
	return true;
}

DdlSequenceOptions *
dbs_ddl_parse_sequence_options(DdlParser *parser)
{
	DdlSequenceOptions *options = palloc0(sizeof(DdlSequenceOptions));

	while (parser->error == NULL)
	{
		if (dbs_ddl_accept(parser, "AS"))
			options->type = dbs_ddl_parse_type(parser);
		else if (dbs_ddl_accept(parser, "NO MINVALUE") || dbs_ddl_accept(parser, "NOMINVALUE"))
			options->no_min = true;
		else if (dbs_ddl_accept(parser, "NO MAXVALUE") || dbs_ddl_accept(parser, "NOMAXVALUE"))
			options->no_max = true;
		else if (dbs_ddl_accept(parser, "NOCYCLE") || dbs_ddl_accept(parser, "NO CYCLE"))
			options->no_cycle = true;
		else if (dbs_ddl_accept(parser, "CYCLE"))
			options->cycle = true;
		else if (dbs_ddl_accept(parser, "NOCACHE") || dbs_ddl_accept(parser, "NO CACHE"))
		{
			options->has_cache = true;
			options->cache = 1;
		}
		else if (parse_sequence_number(parser, "START", &options->has_start, &options->start) ||
				 parse_sequence_number(parser, "INCREMENT", &options->has_increment, &options->increment) ||
				 parse_sequence_number(parser, "MINVALUE", &options->has_min, &options->min) ||
				 parse_sequence_number(parser, "MAXVALUE", &options->has_max, &options->max) ||
				 parse_sequence_number(parser, "CACHE", &options->has_cache, &options->cache))
			continue;
		else if (dbs_ddl_accept(parser, "RESTART"))
		{
			options->has_restart = true;
			if (!dbs_ddl_accept(parser, "WITH"))
				(void) dbs_ddl_accept_symbol(parser, "=");
			options->restart = dbs_ddl_peek(parser, 0)->kind == DDL_TOKEN_NUMBER
								   ? dbs_ddl_parse_integer(parser, "a number")
								   : PG_INT64_MIN;
		}
		else
			break;
	}
	return options;
}

static DdlStatement *
parse_sequence(DdlParser *parser, DdlStatementKind kind, bool or_replace, bool temporary)
{
	DdlStatement *statement = make_statement(kind);
	DdlCreateTable ignored = {0};

	statement->or_replace = or_replace;
	statement->temporary = temporary;
	statement->if_not_exists = dbs_ddl_accept(parser, "IF NOT EXISTS");
	statement->if_exists = dbs_ddl_accept(parser, "IF EXISTS");
	statement->name = dbs_ddl_parse_name(parser, "a sequence's name");
	statement->sequence = dbs_ddl_parse_sequence_options(parser);
	while (parser->error == NULL && dbs_ddl_parse_table_option(parser, &ignored))
		;
	statement->comment = ignored.comment;
	statement->ignored = ignored.ignored;
	return statement;
}

/* ---- the choice --------------------------------------------------------------------------------- */

static void
parse_view_modifiers(DdlParser *parser, ViewModifiers *modifiers)
{
	while (parser->error == NULL)
	{
		int first = parser->at;

		if (dbs_ddl_accept(parser, "JSON RELATIONAL DUALITY") || dbs_ddl_accept(parser, "JSON DUALITY"))
			modifiers->kind = "a JSON duality view";
		else if (dbs_ddl_accept(parser, "MATERIALIZED"))
			modifiers->kind = "a materialized view, which the source fills";
		else if (dbs_ddl_accept(parser, "SQL SECURITY INVOKER"))
		{
			modifiers->invoker = true;
			continue;
		}
		else if (dbs_ddl_accept(parser, "SQL SECURITY DEFINER"))
			continue;
		else if (dbs_ddl_accept(parser, "ALGORITHM"))
		{
			(void) dbs_ddl_accept_symbol(parser, "=");
			dbs_ddl_skip_value(parser);
		}
		else if (dbs_ddl_accept(parser, "DEFINER"))
		{
			(void) dbs_ddl_accept_symbol(parser, "=");
			dbs_ddl_skip_value(parser);
			if (dbs_ddl_peek(parser, 0)->kind == DDL_TOKEN_VARIABLE || dbs_ddl_is_symbol(parser, 0, "("))
				dbs_ddl_skip_value(parser);
			if (dbs_ddl_is_symbol(parser, 0, "("))
				dbs_ddl_skip_parentheses(parser);
		}
		else
			break;
		modifiers->ignored = lappend(modifiers->ignored, (void *) dbs_ddl_source_between(parser, first, parser->at));
	}
}

static DdlStatement *
parse_create(DdlParser *parser)
{
	static const struct
	{
		const char *words;
		DdlKeyKind kind;
	} indexes[] = {{"UNIQUE INDEX", DDL_KEY_UNIQUE},
				   {"FULLTEXT INDEX", DDL_KEY_FULLTEXT},
				   {"SPATIAL INDEX", DDL_KEY_SPATIAL},
				   {"VECTOR INDEX", DDL_KEY_VECTOR},
				   {"INDEX", DDL_KEY_INDEX}};
	bool or_replace = dbs_ddl_accept(parser, "OR REPLACE");
	bool temporary;
	ViewModifiers modifiers = {NIL};

	parse_view_modifiers(parser, &modifiers);
	if (dbs_ddl_accept(parser, "VIEW"))
		return parse_create_view(parser, or_replace, &modifiers);
	(void) (dbs_ddl_accept(parser, "ONLINE") || dbs_ddl_accept(parser, "OFFLINE"));
	temporary = dbs_ddl_accept(parser, "TEMPORARY");
	if (dbs_ddl_accept(parser, "TABLE"))
		return dbs_ddl_parse_create_table(parser, temporary, or_replace);
	for (int i = 0; i < lengthof(indexes); i++)
	{
		if (dbs_ddl_accept(parser, indexes[i].words))
			return parse_create_index(parser, indexes[i].kind, or_replace);
	}
	if (dbs_ddl_accept(parser, "DATABASE") || dbs_ddl_accept(parser, "SCHEMA"))
		return parse_schema(parser, DDL_CREATE_SCHEMA, or_replace);
	if (dbs_ddl_accept(parser, "SEQUENCE"))
		return parse_sequence(parser, DDL_CREATE_SEQUENCE, or_replace, temporary);
	dbs_ddl_expected(parser, "TABLE, INDEX, DATABASE, VIEW or SEQUENCE");
	return NULL;
}

static DdlStatement *
parse_alter(DdlParser *parser)
{
	ViewModifiers modifiers = {NIL};
	bool ignore = false;

	for (;;)
	{
		if (dbs_ddl_accept(parser, "IGNORE"))
			ignore = true;
		else if (!dbs_ddl_accept(parser, "ONLINE") && !dbs_ddl_accept(parser, "OFFLINE"))
			break;
	}
	if (dbs_ddl_accept(parser, "TABLE"))
		return dbs_ddl_parse_alter_table(parser, ignore);
	if (dbs_ddl_accept(parser, "DATABASE") || dbs_ddl_accept(parser, "SCHEMA"))
		return parse_schema(parser, DDL_ALTER_SCHEMA, false);
	if (dbs_ddl_accept(parser, "SEQUENCE"))
		return parse_sequence(parser, DDL_ALTER_SEQUENCE, false, false);
	parse_view_modifiers(parser, &modifiers);
	if (dbs_ddl_accept(parser, "VIEW"))
		return parse_create_view(parser, true, &modifiers);
	dbs_ddl_expected(parser, "TABLE, DATABASE, VIEW or SEQUENCE");
	return NULL;
}

static DdlStatement *
parse_drop(DdlParser *parser)
{
	DdlStatement *statement;

	if (dbs_ddl_accept(parser, "INDEX"))
		return parse_drop_index(parser);
	if (dbs_ddl_accept(parser, "DATABASE") || dbs_ddl_accept(parser, "SCHEMA"))
		return parse_schema(parser, DDL_DROP_SCHEMA, false);
	statement = make_statement(DDL_DROP_TABLE);
	statement->temporary = dbs_ddl_accept(parser, "TEMPORARY");
	if (dbs_ddl_accept(parser, "VIEW"))
		statement->kind = DDL_DROP_VIEW;
	else if (dbs_ddl_accept(parser, "SEQUENCE"))
		statement->kind = DDL_DROP_SEQUENCE;
	else if (!dbs_ddl_accept(parser, "TABLE") && !dbs_ddl_accept(parser, "TABLES"))
		dbs_ddl_expected(parser, "TABLE, VIEW, INDEX, DATABASE or SEQUENCE");
	statement->if_exists = dbs_ddl_accept(parser, "IF EXISTS");
	statement->names = parse_names(parser, "a name");
	parse_tail(parser, statement);
	return statement;
}

static DdlStatement *
parse_rename(DdlParser *parser)
{
	DdlStatement *statement = make_statement(DDL_RENAME_TABLE);

	if (!dbs_ddl_accept(parser, "TABLE"))
		dbs_ddl_expect(parser, "TABLES");
	statement->if_exists = dbs_ddl_accept(parser, "IF EXISTS");
	do
	{
		statement->names = lappend(statement->names, dbs_ddl_parse_name(parser, "a table"));
		if (dbs_ddl_accept(parser, "WAIT"))
			dbs_ddl_skip_value(parser);
		else
			(void) dbs_ddl_accept(parser, "NOWAIT");
		dbs_ddl_expect(parser, "TO");
		statement->names = lappend(statement->names, dbs_ddl_parse_name(parser, "the new name"));
	} while (dbs_ddl_accept_symbol(parser, ","));
	return statement;
}

static DdlStatement *
parse_truncate(DdlParser *parser)
{
	DdlStatement *statement = make_statement(DDL_TRUNCATE_TABLE);

	(void) dbs_ddl_accept(parser, "TABLE");
	statement->names = list_make1(dbs_ddl_parse_name(parser, "a table"));
	parse_tail(parser, statement);
	return statement;
}

static DdlStatement *
parse_statement(DdlParser *parser)
{
	DdlStatement *statement;

	/* MariaDB: SET STATEMENT variable = value, … FOR statement */
	if (dbs_ddl_accept(parser, "SET STATEMENT"))
	{
		while (!dbs_ddl_is_word(parser, 0, "FOR") && !dbs_ddl_at_end(parser))
			parser->at++;
		dbs_ddl_expect(parser, "FOR");
	}
	if (dbs_ddl_accept(parser, "CREATE"))
		return parse_create(parser);
	if (dbs_ddl_accept(parser, "ALTER"))
		return parse_alter(parser);
	if (dbs_ddl_accept(parser, "DROP"))
		return parse_drop(parser);
	if (dbs_ddl_accept(parser, "RENAME"))
		return parse_rename(parser);
	if (dbs_ddl_accept(parser, "TRUNCATE"))
		return parse_truncate(parser);
	if (dbs_ddl_accept(parser, "USE"))
	{
		statement = make_statement(DDL_USE);
		statement->name = palloc0(sizeof(DdlName));
		statement->name->name = dbs_ddl_parse_identifier(parser, "a database");
		return statement;
	}
	dbs_ddl_expected(parser, "CREATE, ALTER, DROP, RENAME or TRUNCATE");
	return NULL;
}

DdlStatement *
dbs_ddl_parse_mysql(DdlParser *parser, const DdlTokens *tokens, const DbsDdlOptions *options)
{
	DdlStatement *statement;

	memset(parser, 0, sizeof(*parser));
	parser->tokens = tokens;
	parser->options = options;
	statement = parse_statement(parser);
	if (parser->error == NULL && !dbs_ddl_at_end(parser))
		dbs_ddl_expected(parser, "the end of the statement");
	return parser->error == NULL ? statement : NULL;
}
