/*
 * ALTER TABLE in PostgreSQL's words.  MySQL looks at all actions of a
 * statement together: old names before, new names after.  So they are
 * printed in phases: what goes, renames, changes, what comes.
 */
#include "postgres.h"

#include "ddl_pg_alter.h"

bool
dbs_ddl_alter_is_known(const DdlAlter *alter)
{
	return alter->table != NULL && !alter->table->absent && alter->table->complete;
}

void
dbs_ddl_alter_sql_all(DdlAlter *alter, List *statements)
{
	ListCell *cell;

	foreach (cell, statements)
		dbs_ddl_sql(alter->printer, "%s", (char *) lfirst(cell));
}

static void
act(DdlAlter *alter, DdlAction *action, int phase)
{
	DdlPrinter *printer = alter->printer;
	const char *sql;

	switch (action->kind)
	{
		case DDL_DROP_FOREIGN_KEY:
		case DDL_DROP_CHECK:
		case DDL_DROP_CONSTRAINT:
			if (phase == 0)
				dbs_ddl_alter_drop_constraint(alter, action);
			break;
		case DDL_DROP_PRIMARY_KEY:
			if (phase == 0)
				dbs_ddl_alter_drop_primary_key(alter);
			break;
		case DDL_DROP_KEY:
			if (phase == 0)
				dbs_ddl_alter_drop_key(alter, action);
			break;
		case DDL_RENAME_KEY:
			if (phase == 0)
				dbs_ddl_alter_rename_key(alter, action);
			break;
		case DDL_DROP_COLUMN:
			if (phase == 1)
				dbs_ddl_alter_drop_column(alter, action);
			break;
		case DDL_MODIFY_COLUMN:
			if (phase == 2)
				dbs_ddl_alter_modify_column(alter, action);
			if (phase == 4)
				dbs_ddl_alter_add_column_keys(alter, action->column);
			break;
		case DDL_SET_DEFAULT:
		case DDL_DROP_DEFAULT:
			if (phase == 2)
				dbs_ddl_alter_set_default(alter, action);
			break;
		case DDL_ADD_COLUMN:
			if (phase == 3)
				dbs_ddl_alter_add_column(alter, action);
			if (phase == 4)
				dbs_ddl_alter_add_column_keys(alter, action->column);
			break;
		case DDL_ADD_KEY:
			if (phase == 5)
				dbs_ddl_alter_add_key(alter, action->key);
			break;
		case DDL_ADD_CHECK:
			if (phase == 5 &&
				(sql = dbs_ddl_pg_check(printer, action->check, alter->statement->name, alter->table)) != NULL)
				dbs_ddl_sql(printer, "ALTER TABLE %s ADD %s", alter->qualified, sql);
			break;
		case DDL_ADD_FOREIGN_KEY:
			if (phase == 6)
				dbs_ddl_alter_add_foreign_key(alter, action->foreign_key);
			break;
		case DDL_SET_AUTO_INCREMENT:
			if (phase == 7)
				dbs_ddl_alter_set_auto_increment(alter, action);
			break;
		case DDL_TABLE_COMMENT:
			if (phase == 7)
				dbs_ddl_pg_comment(printer, "TABLE", alter->qualified, action->text, &alter->after);
			break;
		default:
			break;
	}
}

/* Actions that are notes only, and those that cannot be. */
static void
note_action(DdlAlter *alter, const DdlAction *action)
{
	DdlPrinter *printer = alter->printer;

	switch (action->kind)
	{
		case DDL_IGNORED_ACTION:
			dbs_ddl_note(printer, action->severity, "%s%s%s%s",
						 action->severity == DBS_NOTE_ERROR ? "" : "ignored: ", action->text,
						 action->reason == NULL ? "" : ": ", action->reason == NULL ? "" : action->reason);
			break;
		case DDL_CONVERT_CHARSET:
			if (pg_strcasecmp(action->name, "binary") == 0)
				dbs_ddl_note(printer, DBS_NOTE_ERROR,
							 "CONVERT TO CHARACTER SET binary turns every text into bytes, which is not carried over");
			else
				dbs_ddl_note(printer, DBS_NOTE_INFO, "ignored: CONVERT TO CHARACTER SET %s: text is UTF-8 here already",
							 action->name);
			break;
		case DDL_SET_INVISIBLE:
		case DDL_SET_VISIBLE:
			dbs_ddl_note(printer, DBS_NOTE_INFO, "column \"%s\": visibility has no equivalent", action->name);
			break;
		case DDL_ALTER_KEY_VISIBLE:
			dbs_ddl_note(printer, DBS_NOTE_INFO, "index \"%s\": visibility has no equivalent", action->name);
			break;
		case DDL_ALTER_CHECK_ENFORCED:
			dbs_ddl_note(printer, action->flag ? DBS_NOTE_WARNING : DBS_NOTE_ERROR,
						 "constraint \"%s\": changing ENFORCED is not carried over", action->name);
			break;
		case DDL_SYSTEM_VERSIONING:
			dbs_ddl_note(printer, DBS_NOTE_WARNING,
						 "SYSTEM VERSIONING has no equivalent: the table holds current rows only");
			break;
		default:
			break;
	}
}

/* What set_aside put away, now that types have changed. */
static void
bring_back(DdlAlter *alter)
{
	ListCell *cell;

	dbs_ddl_alter_sql_all(alter, alter->generated_again);
	foreach (cell, alter->keys_again)
		dbs_ddl_alter_add_key(alter, lfirst(cell));
}

void
dbs_ddl_pg_alter_table(DdlPrinter *printer, DdlStatement *statement)
{
	DdlAlter alter = {printer, statement};
	ListCell *cell;

	dbs_ddl_add_table(printer, statement->name, false, false);
	alter.qualified = dbs_ddl_pg_table(printer, statement->name);
	alter.schema = dbs_ddl_target_schema(printer, statement->name->schema);
	alter.name = dbs_ddl_fit(printer, statement->name->name);
	alter.table = dbs_ddl_known_table(printer->known, alter.schema, alter.name);
	if (alter.table != NULL && alter.table->absent)
	{
		if (statement->if_exists)
		{
			dbs_ddl_note(printer, DBS_NOTE_INFO, "table %s is not here", alter.qualified);
			return;
		}
		alter.table = NULL;
	}
	/* Nothing is known of the table: what this statement does to it is kept while it lasts. */
	if (alter.table == NULL)
	{
		alter.table = palloc0(sizeof(DdlKnownTable));
		alter.table->schema = alter.schema;
		alter.table->name = alter.name;
	}
	foreach (cell, statement->actions)
		note_action(&alter, lfirst(cell));
	for (int phase = 0; phase <= 7; phase++)
	{
		if (phase == 3)
			bring_back(&alter);
		if (phase == 2)
			dbs_ddl_alter_rename_columns(&alter);
		foreach (cell, statement->actions)
			act(&alter, lfirst(cell), phase);
	}
	dbs_ddl_alter_sql_all(&alter, alter.after);
	foreach (cell, statement->actions)
		dbs_ddl_pg_alter_partition(printer, statement, lfirst(cell),
								   dbs_ddl_alter_is_known(&alter) ? alter.table : NULL);
	foreach (cell, statement->actions)
	{
		DdlAction *action = lfirst(cell);

		if (action->kind == DDL_RENAME_TABLE_TO)
		{
			if (action->table->schema == NULL)
				action->table->schema = statement->name->schema;
			dbs_ddl_pg_rename_table(printer, statement->name, action->table, false);
		}
	}
}
