/*
 * CREATE TABLE: elements, options, partitions.
 */
#include "postgres.h"

#include "ddl_parser.h"

/* ---- keys ------------------------------------------------------------------------ */

static DdlKeyPart *
parse_key_part(DdlParser *parser)
{
	DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));

	if (dbs_ddl_accept_symbol(parser, "("))
	{
		part->expr = dbs_ddl_parse_expression(parser);
		dbs_ddl_expect_symbol(parser, ")");
	}
	else
	{
		part->column = dbs_ddl_parse_identifier(parser, "a column");
		if (dbs_ddl_accept_symbol(parser, "("))
		{
			int64 length = dbs_ddl_parse_integer(parser, "a prefix length");

			if (length <= 0 || length > 65535)
				dbs_ddl_fail(parser, "a prefix length out of range");
			part->length = length;
			dbs_ddl_expect_symbol(parser, ")");
		}
	}
	if (dbs_ddl_accept(parser, "DESC"))
		part->descending = true;
	else
		(void) dbs_ddl_accept(parser, "ASC");
	return part;
}

bool
dbs_ddl_parse_key_option(DdlParser *parser, DdlKey *key)
{
	int first = parser->at;

	if (dbs_ddl_accept(parser, "USING") || dbs_ddl_accept(parser, "TYPE"))
		key->method = dbs_ddl_parse_identifier(parser, "an index type");
	else if (dbs_ddl_accept(parser, "COMMENT"))
	{
		(void) dbs_ddl_accept_symbol(parser, "=");
		key->comment = dbs_ddl_parse_string(parser, "a comment")->text;
	}
	else if (dbs_ddl_accept(parser, "WITH PARSER"))
		key->parser = dbs_ddl_parse_identifier(parser, "a parser");
	else if (dbs_ddl_accept(parser, "INVISIBLE") || dbs_ddl_accept(parser, "IGNORED"))
		key->invisible = true;
	else if (dbs_ddl_accept(parser, "VISIBLE") || dbs_ddl_accept(parser, "NOT IGNORED"))
		key->invisible = false;
	else if (dbs_ddl_accept(parser, "CLUSTERING"))
	{
		(void) dbs_ddl_accept_symbol(parser, "=");
		dbs_ddl_skip_value(parser);
		key->ignored = lappend(key->ignored, (void *) dbs_ddl_source_between(parser, first, parser->at));
	}
	else if ((dbs_ddl_is_identifier(parser, 0) && !dbs_ddl_is_word(parser, 0, "ALGORITHM") &&
			  !dbs_ddl_is_word(parser, 0, "LOCK") &&
			  (dbs_ddl_is_symbol(parser, 1, "=") || dbs_ddl_is_word(parser, 0, "KEY_BLOCK_SIZE") ||
			   dbs_ddl_is_word(parser, 0, "ENGINE_ATTRIBUTE") ||
			   dbs_ddl_is_word(parser, 0, "SECONDARY_ENGINE_ATTRIBUTE"))))
	{
		/* KEY_BLOCK_SIZE, ENGINE_ATTRIBUTE, MariaDB's DISTANCE and M, engine-defined options */
		parser->at++;
		(void) dbs_ddl_accept_symbol(parser, "=");
		dbs_ddl_skip_value(parser);
		key->ignored = lappend(key->ignored, (void *) dbs_ddl_source_between(parser, first, parser->at));
	}
	else
		return false;
	return true;
}

void
dbs_ddl_parse_key_tail(DdlParser *parser, DdlKey *key)
{
	dbs_ddl_expect_symbol(parser, "(");
	do
	{
		if (dbs_ddl_is_identifier(parser, 0) && dbs_ddl_is_word(parser, 1, "WITHOUT") &&
			dbs_ddl_is_word(parser, 2, "OVERLAPS"))
		{
			key->without_overlaps = true;
			key->without_overlaps_column = dbs_ddl_parse_identifier(parser, "a period");
			parser->at += 2;
		}
		else
			key->parts = lappend(key->parts, parse_key_part(parser));
	} while (dbs_ddl_accept_symbol(parser, ","));
	dbs_ddl_expect_symbol(parser, ")");
	while (parser->error == NULL && dbs_ddl_parse_key_option(parser, key))
		;
}

DdlKey *
dbs_ddl_parse_key(DdlParser *parser, DdlKeyKind kind, const char *constraint_name)
{
	DdlKey *key = palloc0(sizeof(DdlKey));

	key->kind = kind;
	key->constraint_name = constraint_name;
	if (kind == DDL_KEY_PRIMARY)
		dbs_ddl_expect(parser, "KEY");
	else if (kind != DDL_KEY_INDEX)
		(void) (dbs_ddl_accept(parser, "INDEX") || dbs_ddl_accept(parser, "KEY"));
	key->if_not_exists = dbs_ddl_accept(parser, "IF NOT EXISTS");
	if (!dbs_ddl_is_symbol(parser, 0, "(") && !dbs_ddl_is_word(parser, 0, "USING") &&
		!(dbs_ddl_is_word(parser, 0, "TYPE") && !dbs_ddl_is_symbol(parser, 1, "(")))
		key->name = dbs_ddl_parse_identifier(parser, "an index's name");
	if (key->name == NULL && kind != DDL_KEY_PRIMARY)
		key->name = constraint_name;
	if (dbs_ddl_accept(parser, "USING") || dbs_ddl_accept(parser, "TYPE"))
		key->method = dbs_ddl_parse_identifier(parser, "an index type");
	dbs_ddl_parse_key_tail(parser, key);
	return key;
}

/* ---- foreign keys and checks ------------------------------------------------------------ */

static const char *
parse_reference_action(DdlParser *parser)
{
	static const char *const actions[] = {"RESTRICT", "CASCADE", "SET NULL", "NO ACTION", "SET DEFAULT"};

	for (int i = 0; i < lengthof(actions); i++)
	{
		if (dbs_ddl_accept(parser, actions[i]))
			return actions[i];
	}
	dbs_ddl_expected(parser, "RESTRICT, CASCADE, SET NULL, NO ACTION or SET DEFAULT");
	return NULL;
}

DdlForeignKey *
dbs_ddl_parse_references(DdlParser *parser)
{
	DdlForeignKey *key = palloc0(sizeof(DdlForeignKey));

	dbs_ddl_expect(parser, "REFERENCES");
	key->table = dbs_ddl_parse_name(parser, "a table");
	if (dbs_ddl_is_symbol(parser, 0, "("))
		key->referenced = dbs_ddl_parse_column_names(parser);
	for (;;)
	{
		if (dbs_ddl_accept(parser, "MATCH"))
			key->match = dbs_ddl_parse_identifier(parser, "FULL, PARTIAL or SIMPLE");
		else if (dbs_ddl_accept(parser, "ON DELETE"))
			key->on_delete = parse_reference_action(parser);
		else if (dbs_ddl_accept(parser, "ON UPDATE"))
			key->on_update = parse_reference_action(parser);
		else
			break;
	}
	return key;
}

DdlForeignKey *
dbs_ddl_parse_foreign_key(DdlParser *parser, const char *constraint_name)
{
	DdlForeignKey *key;
	const char *index_name = NULL;
	bool if_not_exists;
	List *columns;

	dbs_ddl_expect(parser, "KEY");
	if_not_exists = dbs_ddl_accept(parser, "IF NOT EXISTS");
	if (!dbs_ddl_is_symbol(parser, 0, "("))
		index_name = dbs_ddl_parse_identifier(parser, "an index's name");
	columns = dbs_ddl_parse_column_names(parser);
	key = dbs_ddl_parse_references(parser);
	key->name = constraint_name;
	key->index_name = index_name;
	key->columns = columns;
	key->if_not_exists = if_not_exists;
	return key;
}

DdlCheck *
dbs_ddl_parse_check(DdlParser *parser, const char *constraint_name)
{
	DdlCheck *check = palloc0(sizeof(DdlCheck));

	dbs_ddl_expect(parser, "CHECK");
	check->name = constraint_name;
	dbs_ddl_expect_symbol(parser, "(");
	check->expr = dbs_ddl_parse_expression(parser);
	dbs_ddl_expect_symbol(parser, ")");
	if (dbs_ddl_accept(parser, "NOT ENFORCED"))
		check->not_enforced = true;
	else
		(void) dbs_ddl_accept(parser, "ENFORCED");
	return check;
}

/* PERIOD [IF NOT EXISTS] FOR SYSTEM_TIME (a, b) or an application-time period. */
static void
parse_period(DdlParser *parser, DdlCreateTable *table)
{
	int first = parser->at - 1;
	DdlPeriod *period = palloc0(sizeof(DdlPeriod));

	(void) dbs_ddl_accept(parser, "IF NOT EXISTS");
	dbs_ddl_expect(parser, "FOR");
	period->name = dbs_ddl_parse_identifier(parser, "a period");
	period->columns = dbs_ddl_parse_column_names(parser);
	if (pg_strcasecmp(period->name, "SYSTEM_TIME") != 0)
	{
		table->periods = lappend(table->periods, period);
		return;
	}
	table->system_versioned = true;
	table->ignored = lappend(table->ignored, (void *) dbs_ddl_source_between(parser, first, parser->at));
}

bool
dbs_ddl_parse_table_element(DdlParser *parser, DdlCreateTable *table)
{
	const char *name = NULL;
	bool constraint = false;
	bool if_not_exists = false;
	static const struct
	{
		const char *words;
		DdlKeyKind kind;
	} kinds[] = {{"PRIMARY", DDL_KEY_PRIMARY},     {"UNIQUE", DDL_KEY_UNIQUE},
				 {"FULLTEXT", DDL_KEY_FULLTEXT},   {"SPATIAL", DDL_KEY_SPATIAL},
				 {"VECTOR INDEX", DDL_KEY_VECTOR}, {"VECTOR KEY", DDL_KEY_VECTOR},
				 {"INDEX", DDL_KEY_INDEX},         {"KEY", DDL_KEY_INDEX}};

	if (dbs_ddl_accept(parser, "CONSTRAINT"))
	{
		constraint = true;
		if_not_exists = dbs_ddl_accept(parser, "IF NOT EXISTS");
		if (!dbs_ddl_is_word(parser, 0, "PRIMARY") && !dbs_ddl_is_word(parser, 0, "UNIQUE") &&
			!dbs_ddl_is_word(parser, 0, "FOREIGN") && !dbs_ddl_is_word(parser, 0, "CHECK"))
			name = dbs_ddl_parse_identifier(parser, "a constraint's name");
	}
	if (dbs_ddl_accept(parser, "FOREIGN"))
	{
		DdlForeignKey *key = dbs_ddl_parse_foreign_key(parser, name);

		key->if_not_exists |= if_not_exists;
		table->foreign_keys = lappend(table->foreign_keys, key);
		return true;
	}
	if (dbs_ddl_is_word(parser, 0, "CHECK"))
	{
		DdlCheck *check = dbs_ddl_parse_check(parser, name);

		check->if_not_exists = if_not_exists;
		table->checks = lappend(table->checks, check);
		return true;
	}
	for (int i = 0; i < lengthof(kinds); i++)
	{
		if (dbs_ddl_accept(parser, kinds[i].words))
		{
			DdlKey *key = dbs_ddl_parse_key(parser, kinds[i].kind, name);

			key->if_not_exists |= if_not_exists;
			table->keys = lappend(table->keys, key);
			return true;
		}
	}
	if (!constraint && dbs_ddl_is_word(parser, 0, "PERIOD") &&
		(dbs_ddl_is_word(parser, 1, "FOR") || dbs_ddl_is_word(parser, 1, "IF")))
	{
		parser->at++;
		parse_period(parser, table);
		return true;
	}
	if (constraint)
		dbs_ddl_expected(parser, "PRIMARY KEY, UNIQUE, FOREIGN KEY or CHECK");
	return false;
}

/* ---- table options -------------------------------------------------------------------- */

static const char *
parse_option_text(DdlParser *parser)
{
	const DdlToken *token = dbs_ddl_peek(parser, 0);

	(void) dbs_ddl_accept_symbol(parser, "=");
	token = dbs_ddl_peek(parser, 0);
	if (token->kind == DDL_TOKEN_STRING)
		return dbs_ddl_parse_string(parser, "a value")->text;
	return dbs_ddl_parse_identifier(parser, "a value");
}

static bool
accept_charset(DdlParser *parser)
{
	int first = parser->at;

	(void) dbs_ddl_accept(parser, "DEFAULT");
	if (dbs_ddl_accept(parser, "CHARACTER SET") || dbs_ddl_accept(parser, "CHARSET") ||
		dbs_ddl_accept(parser, "CHAR SET"))
		return true;
	parser->at = first;
	return false;
}

static bool
accept_collate(DdlParser *parser)
{
	int first = parser->at;

	(void) dbs_ddl_accept(parser, "DEFAULT");
	if (dbs_ddl_accept(parser, "COLLATE"))
		return true;
	parser->at = first;
	return false;
}

/* Options that have no meaning elsewhere; false when none is next. */
static bool
parse_ignored_option(DdlParser *parser, DdlCreateTable *table)
{
	static const char *const names[] = {"ENGINE",
										"TYPE",
										"AVG_ROW_LENGTH",
										"CHECKSUM",
										"TABLE_CHECKSUM",
										"COMPRESSION",
										"CONNECTION",
										"DATA DIRECTORY",
										"INDEX DIRECTORY",
										"DELAY_KEY_WRITE",
										"ENCRYPTION",
										"ENCRYPTED",
										"ENGINE_ATTRIBUTE",
										"SECONDARY_ENGINE_ATTRIBUTE",
										"SECONDARY_ENGINE",
										"INSERT_METHOD",
										"KEY_BLOCK_SIZE",
										"MAX_ROWS",
										"MIN_ROWS",
										"PACK_KEYS",
										"PAGE_CHECKSUM",
										"PAGE_COMPRESSED",
										"PAGE_COMPRESSION_LEVEL",
										"PASSWORD",
										"ROW_FORMAT",
										"SEQUENCE",
										"STATS_AUTO_RECALC",
										"STATS_PERSISTENT",
										"STATS_SAMPLE_PAGES",
										"TABLESPACE",
										"STORAGE",
										"TRANSACTIONAL",
										"UNION",
										"AUTOEXTEND_SIZE",
										"IETF_QUOTES",
										"ENCRYPTION_KEY_ID",
										"NODEGROUP",
										"RAID_TYPE"};
	int first = parser->at;

	for (int i = 0; i < lengthof(names); i++)
	{
		if (dbs_ddl_accept(parser, names[i]))
		{
			(void) dbs_ddl_accept_symbol(parser, "=");
			dbs_ddl_skip_value(parser);
			/* What may hold a password is named only. */
			if (strcmp(names[i], "PASSWORD") == 0 || strcmp(names[i], "CONNECTION") == 0)
				table->ignored = lappend(table->ignored, (void *) names[i]);
			else
				table->ignored = lappend(table->ignored, (void *) dbs_ddl_source_between(parser, first, parser->at));
			return true;
		}
	}
	/* MariaDB's engine-defined options */
	if (dbs_ddl_is_identifier(parser, 0) && dbs_ddl_is_symbol(parser, 1, "="))
	{
		parser->at += 2;
		dbs_ddl_skip_value(parser);
		table->ignored = lappend(table->ignored, (void *) dbs_ddl_source_between(parser, first, parser->at));
		return true;
	}
	return false;
}

bool
dbs_ddl_parse_table_option(DdlParser *parser, DdlCreateTable *table)
{
	if (accept_charset(parser))
		table->charset = parse_option_text(parser);
	else if (accept_collate(parser))
		table->collation = parse_option_text(parser);
	else if (dbs_ddl_accept(parser, "AUTO_INCREMENT"))
	{
		(void) dbs_ddl_accept_symbol(parser, "=");
		table->auto_increment = dbs_ddl_parse_integer(parser, "a number");
	}
	else if (dbs_ddl_accept(parser, "COMMENT"))
	{
		(void) dbs_ddl_accept_symbol(parser, "=");
		table->comment = dbs_ddl_parse_string(parser, "a comment")->text;
	}
	else if (dbs_ddl_accept(parser, "START TRANSACTION"))
		table->start_transaction = true;
	else if (dbs_ddl_accept(parser, "WITH SYSTEM VERSIONING"))
		table->system_versioned = true;
	else
		return parse_ignored_option(parser, table);
	return true;
}

/* ---- CREATE TABLE ------------------------------------------------------------------------- */

static void
parse_elements(DdlParser *parser, DdlCreateTable *table)
{
	do
	{
		if (!dbs_ddl_parse_table_element(parser, table) && parser->error == NULL)
			table->columns = lappend(table->columns, dbs_ddl_parse_column(parser, table));
	} while (dbs_ddl_accept_symbol(parser, ","));
	dbs_ddl_expect_symbol(parser, ")");
}

static void
parse_as_query(DdlParser *parser, DdlCreateTable *table)
{
	bool parenthesis;

	if (dbs_ddl_accept(parser, "IGNORE") || dbs_ddl_accept(parser, "REPLACE"))
		table->ignored = lappend(table->ignored, (void *) dbs_ddl_source_between(parser, parser->at - 1, parser->at));
	(void) dbs_ddl_accept(parser, "AS");
	parenthesis = dbs_ddl_is_symbol(parser, 0, "(");
	if (dbs_ddl_query_follows(parser))
		table->query = dbs_ddl_parse_query(parser);
	else if (parenthesis)
		dbs_ddl_expected(parser, "SELECT");
}

DdlStatement *
dbs_ddl_parse_create_table(DdlParser *parser, bool temporary, bool or_replace)
{
	DdlStatement *statement = palloc0(sizeof(DdlStatement));
	DdlCreateTable *table = palloc0(sizeof(DdlCreateTable));

	statement->kind = DDL_CREATE_TABLE;
	statement->create = table;
	table->temporary = temporary;
	table->or_replace = or_replace;
	table->if_not_exists = dbs_ddl_accept(parser, "IF NOT EXISTS");
	statement->name = dbs_ddl_parse_name(parser, "a table's name");
	if (dbs_ddl_accept(parser, "LIKE"))
	{
		table->like = dbs_ddl_parse_name(parser, "a table");
		return statement;
	}
	if (dbs_ddl_is_symbol(parser, 0, "(") && dbs_ddl_is_word(parser, 1, "LIKE"))
	{
		parser->at += 2;
		table->like = dbs_ddl_parse_name(parser, "a table");
		dbs_ddl_expect_symbol(parser, ")");
		return statement;
	}
	if (dbs_ddl_is_symbol(parser, 0, "(") && !dbs_ddl_query_follows(parser))
	{
		parser->at++;
		parse_elements(parser, table);
	}
	while (parser->error == NULL)
	{
		(void) dbs_ddl_accept_symbol(parser, ",");
		if (!dbs_ddl_parse_table_option(parser, table))
			break;
	}
	if (dbs_ddl_is_word(parser, 0, "PARTITION"))
		table->partitioning = dbs_ddl_parse_partitioning(parser);
	while (parser->error == NULL && dbs_ddl_parse_table_option(parser, table))
		;
	if (!dbs_ddl_at_end(parser))
		parse_as_query(parser, table);
	if (table->columns == NIL && table->query == NULL)
		dbs_ddl_expected(parser, "columns, LIKE or SELECT");
	return statement;
}
