/*
 * ALTER TABLE and its like of PostgreSQL's in the common tree.
 */
#include "postgres.h"

#include "nodes/parsenodes.h"

#include "ddl_raw.h"

static void
read_added_constraint(DdlRaw *raw, DdlStatement *statement, const Constraint *constraint)
{
	DdlCreateTable scratch = {0};
	DdlAction *action = palloc0(sizeof(DdlAction));

	if (!dbs_ddl_raw_constraint(raw, &scratch, constraint))
		return;
	if (scratch.keys != NIL)
		action->kind = DDL_ADD_KEY, action->key = linitial(scratch.keys);
	else if (scratch.checks != NIL)
		action->kind = DDL_ADD_CHECK, action->check = linitial(scratch.checks);
	else
		action->kind = DDL_ADD_FOREIGN_KEY, action->foreign_key = linitial(scratch.foreign_keys);
	statement->actions = lappend(statement->actions, action);
}

/* A column that comes brings its keys and checks as actions of their own. */
static void
read_added_column(DdlRaw *raw, DdlStatement *statement, DdlAction *action, ColumnDef *definition)
{
	DdlCreateTable scratch = {0};
	ListCell *cell;

	action->kind = DDL_ADD_COLUMN;
	action->column = dbs_ddl_raw_column(raw, &scratch, definition);
	foreach (cell, scratch.keys)
	{
		DdlAction *more = palloc0(sizeof(DdlAction));

		more->kind = DDL_ADD_KEY;
		more->key = lfirst(cell);
		statement->actions = lappend(statement->actions, more);
	}
	foreach (cell, scratch.checks)
	{
		DdlAction *more = palloc0(sizeof(DdlAction));

		more->kind = DDL_ADD_CHECK;
		more->check = lfirst(cell);
		statement->actions = lappend(statement->actions, more);
	}
	foreach (cell, scratch.foreign_keys)
	{
		DdlAction *more = palloc0(sizeof(DdlAction));

		more->kind = DDL_ADD_FOREIGN_KEY;
		more->foreign_key = lfirst(cell);
		statement->actions = lappend(statement->actions, more);
	}
}

static void
read_command(DdlRaw *raw, DdlStatement *statement, AlterTableCmd *command)
{
	DdlAction *action = palloc0(sizeof(DdlAction));
	int at = list_length(statement->actions);

	action->name = command->name;
	action->if_exists = command->missing_ok;
	switch (command->subtype)
	{
		case AT_AddColumn:
			read_added_column(raw, statement, action, (ColumnDef *) command->def);
			action->column->if_not_exists = command->missing_ok;
			/* The column stands before its keys. */
			statement->actions = list_insert_nth(statement->actions, at, action);
			return;
		case AT_DropColumn:
			action->kind = DDL_DROP_COLUMN;
			break;
		case AT_ColumnDefault:
			action->kind = command->def == NULL ? DDL_DROP_DEFAULT : DDL_SET_DEFAULT;
			action->expr = command->def == NULL ? NULL : dbs_ddl_raw_expression(command->def);
			break;
		case AT_SetNotNull:
			action->kind = DDL_SET_NOT_NULL;
			break;
		case AT_DropNotNull:
			action->kind = DDL_DROP_NOT_NULL;
			break;
		case AT_AlterColumnType:
			action->kind = DDL_SET_TYPE;
			action->column = palloc0(sizeof(DdlColumn));
			action->column->name = command->name;
			action->column->type = dbs_ddl_raw_type(raw, ((ColumnDef *) command->def)->typeName);
			break;
		case AT_AddConstraint:
			read_added_constraint(raw, statement, (Constraint *) command->def);
			return;
		case AT_DropConstraint:
			action->kind = DDL_DROP_CONSTRAINT;
			break;
		case AT_AddIdentity:
			action->kind = DDL_ADD_IDENTITY;
			break;
		case AT_DropIdentity:
			action->kind = DDL_DROP_IDENTITY;
			break;
		case AT_AttachPartition:
		case AT_DetachPartition:
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "moving rows between a partition and a table is not carried over");
			return;
		case AT_ChangeOwner:
		case AT_SetStatistics:
		case AT_SetStorage:
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
		case AT_ReplicaIdentity:
		case AT_ClusterOn:
		case AT_DropCluster:
		case AT_SetTableSpace:
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_EnableTrig:
		case AT_DisableTrig:
		case AT_ValidateConstraint:
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO,
							 "ignored: an action that does not concern the rows or columns of the table");
			return;
		default:
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "an action of ALTER TABLE that is not carried over");
			return;
	}
	statement->actions = lappend(statement->actions, action);
}

DdlStatement *
dbs_ddl_raw_alter_table(DdlRaw *raw, AlterTableStmt *alter)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_ALTER_TABLE, dbs_ddl_raw_name(alter->relation));
	ListCell *cell;

	if (alter->objtype != OBJECT_TABLE)
	{
		raw->out->class = DBS_DDL_IGNORE;
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: does not concern a table");
		return NULL;
	}
	statement->if_exists = alter->missing_ok;
	foreach (cell, alter->cmds)
		read_command(raw, statement, lfirst(cell));
	return statement;
}

DdlStatement *
dbs_ddl_raw_rename(DdlRaw *raw, RenameStmt *rename)
{
	DdlStatement *statement;
	DdlAction *action = palloc0(sizeof(DdlAction));

	if (rename->renameType == OBJECT_SCHEMA)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "MySQL cannot rename a database");
		return dbs_ddl_raw_statement(DDL_NOTHING, NULL);
	}
	if (rename->relation == NULL || rename->renameType == OBJECT_INDEX || rename->renameType == OBJECT_VIEW)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "this rename is not carried over");
		return dbs_ddl_raw_statement(DDL_NOTHING, NULL);
	}
	statement = dbs_ddl_raw_statement(DDL_ALTER_TABLE, dbs_ddl_raw_name(rename->relation));
	if (rename->renameType == OBJECT_COLUMN)
	{
		action->kind = DDL_RENAME_COLUMN;
		action->name = rename->subname;
		action->new_name = rename->newname;
	}
	else if (rename->renameType == OBJECT_TABLE)
	{
		action->kind = DDL_RENAME_TABLE_TO;
		action->table = palloc0(sizeof(DdlName));
		action->table->schema = rename->relation->schemaname;
		action->table->name = rename->newname;
	}
	else
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "this rename is not carried over");
		return dbs_ddl_raw_statement(DDL_NOTHING, NULL);
	}
	statement->actions = list_make1(action);
	return statement;
}
