/*
 * ALTER TABLE: its actions, several in one statement.
 */
#include "postgres.h"

#include "ddl_parser.h"

static DdlAction *
make_action(DdlParser *parser, DdlActionKind kind)
{
	DdlAction *action = palloc0(sizeof(DdlAction));

	action->kind = kind;
	action->offset = dbs_ddl_peek(parser, 0)->start;
	return action;
}

static void
add_action(DdlStatement *statement, DdlAction *action)
{
	statement->actions = lappend(statement->actions, action);
}

static void
add_ignored(DdlParser *parser, DdlStatement *statement, int first, const char *reason)
{
	DdlAction *action = make_action(parser, DDL_IGNORED_ACTION);

	action->text = dbs_ddl_source_between(parser, first, parser->at);
	action->reason = reason;
	add_action(statement, action);
}

/* Rows that come or go with a file are not in the log. */
static void
add_tablespace(DdlParser *parser, DdlStatement *statement, int first)
{
	DdlAction *action;

	add_ignored(parser, statement, first,
				"its rows come or go without being in the log; copy the table anew, then dbstream.skip_ddl");
	action = llast(statement->actions);
	action->severity = DBS_NOTE_ERROR;
}

static void
parse_place(DdlParser *parser, DdlColumn *column)
{
	if (dbs_ddl_accept(parser, "FIRST"))
		column->first = true;
	else if (dbs_ddl_accept(parser, "AFTER"))
		column->after = dbs_ddl_parse_identifier(parser, "a column");
}

/* What CREATE TABLE's element parser put into a scratch table becomes actions. */
static void
add_elements(DdlParser *parser, DdlStatement *statement, DdlCreateTable *scratch)
{
	ListCell *cell;

	foreach (cell, scratch->keys)
	{
		DdlAction *action = make_action(parser, DDL_ADD_KEY);

		action->key = lfirst(cell);
		add_action(statement, action);
	}
	foreach (cell, scratch->foreign_keys)
	{
		DdlAction *action = make_action(parser, DDL_ADD_FOREIGN_KEY);

		action->foreign_key = lfirst(cell);
		add_action(statement, action);
	}
	foreach (cell, scratch->checks)
	{
		DdlAction *action = make_action(parser, DDL_ADD_CHECK);

		action->check = lfirst(cell);
		add_action(statement, action);
	}
	if (scratch->system_versioned)
	{
		DdlAction *action = make_action(parser, DDL_SYSTEM_VERSIONING);

		action->flag = true;
		add_action(statement, action);
	}
	foreach (cell, scratch->ignored)
	{
		DdlAction *action = make_action(parser, DDL_IGNORED_ACTION);

		action->text = lfirst(cell);
		add_action(statement, action);
	}
	foreach (cell, scratch->periods)
	{
		const DdlPeriod *period = lfirst(cell);
		DdlAction *action = make_action(parser, DDL_IGNORED_ACTION);

		action->text = psprintf("PERIOD FOR %s", period->name);
		action->reason = "PostgreSQL does not check the order of its columns";
		action->severity = DBS_NOTE_WARNING;
		add_action(statement, action);
	}
}

static void
add_column(DdlParser *parser, DdlStatement *statement, bool if_not_exists)
{
	DdlAction *action = make_action(parser, DDL_ADD_COLUMN);

	action->column = dbs_ddl_parse_column(parser, NULL);
	action->column->if_not_exists |= if_not_exists;
	parse_place(parser, action->column);
	add_action(statement, action);
}

static void
parse_add_partition(DdlParser *parser, DdlStatement *statement)
{
	DdlAction *action = make_action(parser, DDL_ADD_PARTITION);

	(void) dbs_ddl_accept(parser, "IF NOT EXISTS");
	(void) (dbs_ddl_accept(parser, "NO_WRITE_TO_BINLOG") || dbs_ddl_accept(parser, "LOCAL"));
	action->partitioning = palloc0(sizeof(DdlPartitioning));
	if (dbs_ddl_accept(parser, "PARTITIONS"))
		action->number = dbs_ddl_parse_integer(parser, "a number");
	else
		action->partitioning->partitions = dbs_ddl_parse_partition_definitions(parser);
	add_action(statement, action);
}

static void
parse_add(DdlParser *parser, DdlStatement *statement)
{
	DdlCreateTable scratch = {0};
	bool if_not_exists;

	if (dbs_ddl_accept(parser, "PARTITION"))
	{
		parse_add_partition(parser, statement);
		return;
	}
	if (dbs_ddl_accept(parser, "SYSTEM VERSIONING"))
	{
		DdlAction *action = make_action(parser, DDL_SYSTEM_VERSIONING);

		action->flag = true;
		add_action(statement, action);
		return;
	}
	if (dbs_ddl_parse_table_element(parser, &scratch))
	{
		add_elements(parser, statement, &scratch);
		return;
	}
	(void) dbs_ddl_accept(parser, "COLUMN");
	if_not_exists = dbs_ddl_accept(parser, "IF NOT EXISTS");
	if (!dbs_ddl_accept_symbol(parser, "("))
	{
		add_column(parser, statement, if_not_exists);
		return;
	}
	do
	{
		DdlCreateTable element = {0};

		if (dbs_ddl_parse_table_element(parser, &element))
			add_elements(parser, statement, &element);
		else if (parser->error == NULL)
			add_column(parser, statement, if_not_exists);
	} while (dbs_ddl_accept_symbol(parser, ","));
	dbs_ddl_expect_symbol(parser, ")");
}

/* Partition names, or ALL. */
static void
parse_partition_names(DdlParser *parser, DdlAction *action)
{
	if (dbs_ddl_accept(parser, "ALL"))
	{
		action->all_partitions = true;
		return;
	}
	do
	{
		action->names = lappend(action->names, (void *) dbs_ddl_parse_identifier(parser, "a partition"));
	} while (dbs_ddl_accept_symbol(parser, ","));
}

static void
parse_drop(DdlParser *parser, DdlStatement *statement)
{
	static const struct
	{
		const char *words;
		DdlActionKind kind;
	} objects[] = {{"PRIMARY KEY", DDL_DROP_PRIMARY_KEY},
				   {"FOREIGN KEY", DDL_DROP_FOREIGN_KEY},
				   {"INDEX", DDL_DROP_KEY},
				   {"KEY", DDL_DROP_KEY},
				   {"CHECK", DDL_DROP_CHECK},
				   {"CONSTRAINT", DDL_DROP_CONSTRAINT},
				   {"PARTITION", DDL_DROP_PARTITION},
				   {"SYSTEM VERSIONING", DDL_SYSTEM_VERSIONING},
				   {"PERIOD FOR", DDL_IGNORED_ACTION},
				   {"PERIOD IF EXISTS FOR", DDL_IGNORED_ACTION},
				   {"COLUMN", DDL_DROP_COLUMN}};
	DdlAction *action = make_action(parser, DDL_DROP_COLUMN);
	int first = parser->at - 1;

	for (int i = 0; i < lengthof(objects); i++)
	{
		if (dbs_ddl_accept(parser, objects[i].words))
		{
			action->kind = objects[i].kind;
			break;
		}
	}
	action->if_exists = dbs_ddl_accept(parser, "IF EXISTS");
	if (action->kind == DDL_DROP_PARTITION)
		parse_partition_names(parser, action);
	else if (action->kind != DDL_DROP_PRIMARY_KEY && action->kind != DDL_SYSTEM_VERSIONING)
		action->name = dbs_ddl_parse_identifier(parser, "a name");
	if (action->kind == DDL_DROP_KEY && pg_strcasecmp(action->name, "PRIMARY") == 0)
		action->kind = DDL_DROP_PRIMARY_KEY;
	if (action->kind == DDL_DROP_COLUMN)
		(void) (dbs_ddl_accept(parser, "RESTRICT") || dbs_ddl_accept(parser, "CASCADE"));
	if (action->kind == DDL_IGNORED_ACTION)
		action->text = dbs_ddl_source_between(parser, first, parser->at);
	add_action(statement, action);
}

static void
parse_modify(DdlParser *parser, DdlStatement *statement, bool change)
{
	DdlAction *action = make_action(parser, DDL_MODIFY_COLUMN);

	(void) dbs_ddl_accept(parser, "COLUMN");
	action->if_exists = dbs_ddl_accept(parser, "IF EXISTS");
	if (change)
		action->name = dbs_ddl_parse_identifier(parser, "a column");
	action->column = dbs_ddl_parse_column(parser, NULL);
	if (!change)
		action->name = action->column->name;
	parse_place(parser, action->column);
	add_action(statement, action);
}

static void
parse_rename(DdlParser *parser, DdlStatement *statement)
{
	DdlAction *action = make_action(parser, DDL_RENAME_TABLE_TO);

	if (dbs_ddl_accept(parser, "COLUMN") || dbs_ddl_accept(parser, "INDEX") || dbs_ddl_accept(parser, "KEY"))
	{
		action->kind =
			pg_strcasecmp(dbs_ddl_peek(parser, -1)->text, "COLUMN") == 0 ? DDL_RENAME_COLUMN : DDL_RENAME_KEY;
		action->if_exists = dbs_ddl_accept(parser, "IF EXISTS");
		action->name = dbs_ddl_parse_identifier(parser, "a name");
		dbs_ddl_expect(parser, "TO");
		action->new_name = dbs_ddl_parse_identifier(parser, "the new name");
	}
	else
	{
		(void) (dbs_ddl_accept(parser, "TO") || dbs_ddl_accept(parser, "AS") || dbs_ddl_accept_symbol(parser, "="));
		action->table = dbs_ddl_parse_name(parser, "the new name");
	}
	add_action(statement, action);
}

static void
parse_alter_key(DdlParser *parser, DdlStatement *statement)
{
	DdlAction *action = make_action(parser, DDL_ALTER_KEY_VISIBLE);

	action->if_exists = dbs_ddl_accept(parser, "IF EXISTS");
	action->name = dbs_ddl_parse_identifier(parser, "an index");
	if (dbs_ddl_accept(parser, "VISIBLE") || dbs_ddl_accept(parser, "NOT IGNORED"))
		action->flag = true;
	else if (!dbs_ddl_accept(parser, "INVISIBLE") && !dbs_ddl_accept(parser, "IGNORED"))
		dbs_ddl_expected(parser, "VISIBLE or INVISIBLE");
	add_action(statement, action);
}

static void
parse_alter(DdlParser *parser, DdlStatement *statement)
{
	DdlAction *action;

	if (dbs_ddl_accept(parser, "INDEX") || dbs_ddl_accept(parser, "KEY"))
	{
		parse_alter_key(parser, statement);
		return;
	}
	if (dbs_ddl_accept(parser, "CHECK") || dbs_ddl_accept(parser, "CONSTRAINT"))
	{
		action = make_action(parser, DDL_ALTER_CHECK_ENFORCED);
		action->name = dbs_ddl_parse_identifier(parser, "a constraint");
		action->flag = !dbs_ddl_accept(parser, "NOT");
		dbs_ddl_expect(parser, "ENFORCED");
		add_action(statement, action);
		return;
	}
	(void) dbs_ddl_accept(parser, "COLUMN");
	action = make_action(parser, DDL_SET_DEFAULT);
	action->if_exists = dbs_ddl_accept(parser, "IF EXISTS");
	action->name = dbs_ddl_parse_identifier(parser, "a column");
	if (dbs_ddl_accept(parser, "DROP DEFAULT"))
		action->kind = DDL_DROP_DEFAULT;
	else if (dbs_ddl_accept(parser, "SET INVISIBLE"))
		action->kind = DDL_SET_INVISIBLE;
	else if (dbs_ddl_accept(parser, "SET VISIBLE"))
		action->kind = DDL_SET_VISIBLE;
	else if (dbs_ddl_accept(parser, "SET DEFAULT"))
		action->expr = dbs_ddl_parse_expression(parser);
	else
		dbs_ddl_expected(parser, "SET DEFAULT, DROP DEFAULT, SET VISIBLE or SET INVISIBLE");
	add_action(statement, action);
}

/* Actions on partitions that change rows or structure. False when none is next. */
static bool
parse_partition_action(DdlParser *parser, DdlStatement *statement)
{
	static const struct
	{
		const char *words;
		DdlActionKind kind;
	} actions[] = {{"TRUNCATE PARTITION", DDL_TRUNCATE_PARTITION},
				   {"COALESCE PARTITION", DDL_COALESCE_PARTITION},
				   {"REORGANIZE PARTITION", DDL_REORGANIZE_PARTITION},
				   {"EXCHANGE PARTITION", DDL_EXCHANGE_PARTITION},
				   {"REMOVE PARTITIONING", DDL_REMOVE_PARTITIONING},
				   {"CONVERT PARTITION", DDL_DETACH_PARTITION},
				   {"CONVERT TABLE", DDL_ATTACH_PARTITION}};
	DdlAction *action = make_action(parser, DDL_IGNORED_ACTION);
	int i;

	for (i = 0; i < lengthof(actions) && !dbs_ddl_accept(parser, actions[i].words); i++)
		;
	if (i == lengthof(actions))
		return false;
	action->kind = actions[i].kind;
	if (action->kind != DDL_ATTACH_PARTITION)
		(void) (dbs_ddl_accept(parser, "NO_WRITE_TO_BINLOG") || dbs_ddl_accept(parser, "LOCAL"));
	switch (action->kind)
	{
		case DDL_TRUNCATE_PARTITION:
			parse_partition_names(parser, action);
			break;
		case DDL_COALESCE_PARTITION:
			action->number = dbs_ddl_parse_integer(parser, "a number");
			break;
		case DDL_REORGANIZE_PARTITION:
			action->partitioning = palloc0(sizeof(DdlPartitioning));
			if (dbs_ddl_at_end(parser) || dbs_ddl_is_symbol(parser, 0, ","))
				break;
			parse_partition_names(parser, action);
			dbs_ddl_expect(parser, "INTO");
			action->partitioning->partitions = dbs_ddl_parse_partition_definitions(parser);
			break;
		case DDL_EXCHANGE_PARTITION:
			action->name = dbs_ddl_parse_identifier(parser, "a partition");
			dbs_ddl_expect(parser, "WITH TABLE");
			action->table = dbs_ddl_parse_name(parser, "a table");
			(void) (dbs_ddl_accept(parser, "WITH VALIDATION") || dbs_ddl_accept(parser, "WITHOUT VALIDATION"));
			break;
		case DDL_DETACH_PARTITION:
			action->name = dbs_ddl_parse_identifier(parser, "a partition");
			dbs_ddl_expect(parser, "TO TABLE");
			action->table = dbs_ddl_parse_name(parser, "a table");
			break;
		case DDL_ATTACH_PARTITION:
			action->table = dbs_ddl_parse_name(parser, "a table");
			dbs_ddl_expect(parser, "TO");
			while (!dbs_ddl_at_end(parser) && parser->error == NULL)
				dbs_ddl_skip_value(parser);
			break;
		default:
			break;
	}
	add_action(statement, action);
	return true;
}

/* Actions that only concern how MySQL stores or locks the table. False when none is next. */
static bool
parse_ignored_action(DdlParser *parser, DdlStatement *statement)
{
	static const char *const with_value[] = {"ALGORITHM", "LOCK"};
	static const char *const alone[] = {"FORCE",           "ENABLE KEYS",        "DISABLE KEYS",
										"WITH VALIDATION", "WITHOUT VALIDATION", "UPGRADE PARTITIONING"};
	static const char *const partitions[] = {"ANALYZE PARTITION", "CHECK PARTITION", "OPTIMIZE PARTITION",
											 "REBUILD PARTITION", "REPAIR PARTITION"};
	static const char *const tablespaces[] = {"DISCARD TABLESPACE", "IMPORT TABLESPACE", "DISCARD PARTITION",
											  "IMPORT PARTITION"};
	static const char *const secondary[] = {"SECONDARY_LOAD", "SECONDARY_UNLOAD"};
	int first = parser->at;

	for (int i = 0; i < lengthof(with_value); i++)
	{
		if (dbs_ddl_accept(parser, with_value[i]))
		{
			(void) dbs_ddl_accept_symbol(parser, "=");
			dbs_ddl_skip_value(parser);
			add_ignored(parser, statement, first, NULL);
			return true;
		}
	}
	for (int i = 0; i < lengthof(alone); i++)
	{
		if (dbs_ddl_accept(parser, alone[i]))
		{
			add_ignored(parser, statement, first, NULL);
			return true;
		}
	}
	for (int i = 0; i < lengthof(secondary); i++)
	{
		if (dbs_ddl_accept(parser, secondary[i]))
		{
			if (dbs_ddl_accept(parser, "PARTITION"))
				dbs_ddl_skip_parentheses(parser);
			add_ignored(parser, statement, first, NULL);
			return true;
		}
	}
	for (int i = 0; i < lengthof(tablespaces); i++)
	{
		if (dbs_ddl_accept(parser, tablespaces[i]))
		{
			while (strstr(tablespaces[i], "PARTITION") != NULL && !dbs_ddl_at_end(parser) && parser->error == NULL)
				parser->at++;
			add_tablespace(parser, statement, first);
			return true;
		}
	}
	for (int i = 0; i < lengthof(partitions); i++)
	{
		if (dbs_ddl_accept(parser, partitions[i]))
		{
			while (!dbs_ddl_at_end(parser) && parser->error == NULL)
				parser->at++;
			add_ignored(parser, statement, first, NULL);
			return true;
		}
	}
	if (dbs_ddl_accept(parser, "ORDER BY"))
	{
		do
		{
			(void) dbs_ddl_parse_expression(parser);
			(void) (dbs_ddl_accept(parser, "ASC") || dbs_ddl_accept(parser, "DESC"));
		} while (dbs_ddl_accept_symbol(parser, ","));
		add_ignored(parser, statement, first, "rows have no lasting order in PostgreSQL");
		return true;
	}
	return false;
}

/* CONVERT TO CHARACTER SET x [COLLATE y] */
static void
parse_convert_to(DdlParser *parser, DdlStatement *statement)
{
	DdlAction *action = make_action(parser, DDL_CONVERT_CHARSET);

	if (!dbs_ddl_accept(parser, "CHARACTER SET") && !dbs_ddl_accept(parser, "CHARSET") &&
		!dbs_ddl_accept(parser, "CHAR SET"))
		dbs_ddl_expected(parser, "CHARACTER SET");
	(void) dbs_ddl_accept_symbol(parser, "=");
	if (dbs_ddl_peek(parser, 0)->kind == DDL_TOKEN_STRING)
		action->name = dbs_ddl_parse_string(parser, "a character set")->text;
	else
		action->name = dbs_ddl_parse_identifier(parser, "a character set");
	if (dbs_ddl_accept(parser, "COLLATE"))
	{
		(void) dbs_ddl_accept_symbol(parser, "=");
		if (dbs_ddl_peek(parser, 0)->kind == DDL_TOKEN_STRING)
			action->new_name = dbs_ddl_parse_string(parser, "a collation")->text;
		else
			action->new_name = dbs_ddl_parse_identifier(parser, "a collation");
	}
	add_action(statement, action);
}

/* A table option as an action; false when none is next. */
static bool
parse_option_action(DdlParser *parser, DdlStatement *statement)
{
	DdlCreateTable scratch = {0};
	int first = parser->at;
	DdlAction *action;

	if (!dbs_ddl_parse_table_option(parser, &scratch))
		return false;
	if (scratch.comment != NULL)
	{
		action = make_action(parser, DDL_TABLE_COMMENT);
		action->text = scratch.comment;
	}
	else if (scratch.auto_increment != 0)
	{
		action = make_action(parser, DDL_SET_AUTO_INCREMENT);
		action->number = scratch.auto_increment;
	}
	else
	{
		add_ignored(parser, statement, first,
					scratch.charset != NULL || scratch.collation != NULL
						? "only columns added later would take it, and text is UTF-8 in PostgreSQL"
						: NULL);
		return true;
	}
	add_action(statement, action);
	return true;
}

static void
parse_action(DdlParser *parser, DdlStatement *statement)
{
	if (dbs_ddl_accept(parser, "ADD"))
		parse_add(parser, statement);
	else if (dbs_ddl_accept(parser, "DROP"))
		parse_drop(parser, statement);
	else if (dbs_ddl_accept(parser, "MODIFY"))
		parse_modify(parser, statement, false);
	else if (dbs_ddl_accept(parser, "CHANGE"))
		parse_modify(parser, statement, true);
	else if (dbs_ddl_accept(parser, "RENAME"))
		parse_rename(parser, statement);
	else if (dbs_ddl_accept(parser, "ALTER"))
		parse_alter(parser, statement);
	else if (dbs_ddl_accept(parser, "CONVERT TO"))
		parse_convert_to(parser, statement);
	else if (dbs_ddl_is_word(parser, 0, "PARTITION") && dbs_ddl_is_word(parser, 1, "BY"))
	{
		DdlAction *action = make_action(parser, DDL_PARTITION_BY);

		action->partitioning = dbs_ddl_parse_partitioning(parser);
		add_action(statement, action);
	}
	else if (!parse_partition_action(parser, statement) && !parse_ignored_action(parser, statement) &&
			 !parse_option_action(parser, statement))
		dbs_ddl_expected(parser, "an action of ALTER TABLE");
}

DdlStatement *
dbs_ddl_parse_alter_table(DdlParser *parser, bool ignore)
{
	DdlStatement *statement = palloc0(sizeof(DdlStatement));
	int first;

	statement->kind = DDL_ALTER_TABLE;
	statement->if_exists = dbs_ddl_accept(parser, "IF EXISTS");
	statement->name = dbs_ddl_parse_name(parser, "a table");
	if (ignore)
	{
		DdlAction *action = make_action(parser, DDL_IGNORED_ACTION);

		action->text = "IGNORE";
		action->reason =
			"the source deletes rows that a new key makes duplicates of others, and here they are an error";
		action->severity = DBS_NOTE_WARNING;
		add_action(statement, action);
	}
	first = parser->at;
	if (dbs_ddl_accept(parser, "WAIT"))
		dbs_ddl_skip_value(parser);
	else
		(void) dbs_ddl_accept(parser, "NOWAIT");
	if (parser->at != first)
		add_ignored(parser, statement, first, NULL);
	while (parser->error == NULL && !dbs_ddl_at_end(parser))
	{
		parse_action(parser, statement);
		/* Table options may follow one another without a comma, and PARTITION BY after anything. */
		(void) dbs_ddl_accept_symbol(parser, ",");
	}
	return statement;
}
