/*
 * ALTER TABLE and its like of PostgreSQL's in the common tree.
 */
#include "postgres.h"

#include "nodes/parsenodes.h"

#include "ddl_parser.h"
#include "ddl_raw.h"

/* Actions without a meaning at the target, by the words that a note tells them with; %s is the action's name. */
static const struct
{
	AlterTableType subtype;
	const char *words;
} ignored_actions[] = {
	{AT_SetStatistics, "ALTER COLUMN %s SET STATISTICS"},
	{AT_SetOptions, "ALTER COLUMN %s SET (options)"},
	{AT_ResetOptions, "ALTER COLUMN %s RESET (options)"},
	{AT_SetStorage, "ALTER COLUMN %s SET STORAGE"},
	{AT_SetCompression, "ALTER COLUMN %s SET COMPRESSION"},
	{AT_AlterColumnGenericOptions, "ALTER COLUMN %s OPTIONS"},
	{AT_ValidateConstraint, "VALIDATE CONSTRAINT %s"},
	{AT_ChangeOwner, "OWNER TO"},
	{AT_ClusterOn, "CLUSTER ON %s"},
	{AT_DropCluster, "SET WITHOUT CLUSTER"},
	{AT_SetLogged, "SET LOGGED"},
	{AT_SetUnLogged, "SET UNLOGGED"},
	{AT_DropOids, "SET WITHOUT OIDS"},
	{AT_SetAccessMethod, "SET ACCESS METHOD"},
	{AT_SetTableSpace, "SET TABLESPACE %s"},
	{AT_SetRelOptions, "SET (options)"},
	{AT_ResetRelOptions, "RESET (options)"},
	{AT_EnableTrig, "ENABLE TRIGGER %s"},
	{AT_EnableAlwaysTrig, "ENABLE ALWAYS TRIGGER %s"},
	{AT_EnableReplicaTrig, "ENABLE REPLICA TRIGGER %s"},
	{AT_DisableTrig, "DISABLE TRIGGER %s"},
	{AT_EnableTrigAll, "ENABLE TRIGGER ALL"},
	{AT_DisableTrigAll, "DISABLE TRIGGER ALL"},
	{AT_EnableTrigUser, "ENABLE TRIGGER USER"},
	{AT_DisableTrigUser, "DISABLE TRIGGER USER"},
	{AT_EnableRule, "ENABLE RULE %s"},
	{AT_EnableAlwaysRule, "ENABLE ALWAYS RULE %s"},
	{AT_EnableReplicaRule, "ENABLE REPLICA RULE %s"},
	{AT_DisableRule, "DISABLE RULE %s"},
	{AT_AddOf, "OF"},
	{AT_DropOf, "NOT OF"},
	{AT_ReplicaIdentity, "REPLICA IDENTITY"},
	{AT_EnableRowSecurity, "ENABLE ROW LEVEL SECURITY"},
	{AT_DisableRowSecurity, "DISABLE ROW LEVEL SECURITY"},
	{AT_ForceRowSecurity, "FORCE ROW LEVEL SECURITY"},
	{AT_NoForceRowSecurity, "NO FORCE ROW LEVEL SECURITY"},
	{AT_GenericOptions, "OPTIONS"},
	{AT_DetachPartitionFinalize, "DETACH PARTITION FINALIZE"},
};

static bool
is_ignored(DdlRaw *raw, const AlterTableCmd *command)
{
	for (int i = 0; i < lengthof(ignored_actions); i++)
	{
		const char *words = ignored_actions[i].words;
		const char *name = strstr(words, "%s");

		if (ignored_actions[i].subtype != command->subtype)
			continue;
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: %.*s%s%s: it does not concern rows or columns",
						 name == NULL ? (int) strlen(words) : (int) (name - words), words,
						 name == NULL || command->name == NULL ? "" : dbs_ddl_pg_quote(command->name),
						 name == NULL ? "" : name + 2);
		return true;
	}
	return false;
}

static DdlAction *
add_action(DdlStatement *statement, DdlActionKind kind)
{
	DdlAction *action = palloc0(sizeof(DdlAction));

	action->kind = kind;
	statement->actions = lappend(statement->actions, action);
	return action;
}

/* Keys, checks and foreign keys as actions of their own. */
static void
add_constraints(DdlStatement *statement, DdlCreateTable *scratch)
{
	ListCell *cell;

	dbs_ddl_raw_name_constraints(scratch, statement->create, statement->name->name);
	statement->create->keys = list_concat(statement->create->keys, scratch->keys);
	statement->create->checks = list_concat(statement->create->checks, scratch->checks);
	statement->create->foreign_keys = list_concat(statement->create->foreign_keys, scratch->foreign_keys);
	foreach (cell, scratch->keys)
		add_action(statement, DDL_ADD_KEY)->key = lfirst(cell);
	foreach (cell, scratch->checks)
		add_action(statement, DDL_ADD_CHECK)->check = lfirst(cell);
	foreach (cell, scratch->foreign_keys)
		add_action(statement, DDL_ADD_FOREIGN_KEY)->foreign_key = lfirst(cell);
}

static void
read_added_constraint(DdlRaw *raw, DdlStatement *statement, const Constraint *constraint)
{
	DdlCreateTable scratch = {0};

	if (constraint->contype == CONSTR_NOTNULL)
		add_action(statement, DDL_SET_NOT_NULL)->name = strVal(linitial(constraint->keys));
	else if (dbs_ddl_raw_constraint(raw, &scratch, constraint, NULL))
		add_constraints(statement, &scratch);
}

/* A column that comes stands before its keys. */
static void
read_added_column(DdlRaw *raw, DdlStatement *statement, const AlterTableCmd *command)
{
	DdlCreateTable scratch = {0};
	DdlAction *action = add_action(statement, DDL_ADD_COLUMN);

	action->column = dbs_ddl_raw_column(raw, &scratch, (ColumnDef *) command->def);
	action->column->if_not_exists = command->missing_ok;
	add_constraints(statement, &scratch);
}

/* USING that is nothing but the column in its new type is what the target does anyway. */
static bool
is_own_cast(DdlRaw *raw, Node *expression, const char *column, const DdlType *type)
{
	const DdlExpr *expr = dbs_ddl_raw_expression(expression);

	if (expr->kind == DDL_EXPR_CAST && expr->type->family == type->family)
		expr = linitial(expr->args);
	return expr->kind == DDL_EXPR_COLUMN && strcmp(expr->text, column) == 0;
}

static void
read_type_change(DdlRaw *raw, DdlStatement *statement, const AlterTableCmd *command)
{
	const ColumnDef *definition = (ColumnDef *) command->def;
	DdlAction *action = add_action(statement, DDL_SET_TYPE);

	action->name = command->name;
	action->column = palloc0(sizeof(DdlColumn));
	action->column->name = command->name;
	action->column->type = dbs_ddl_raw_type(raw, definition->typeName);
	if (definition->collClause != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "column \"%s\": its collation is not carried over", command->name);
	if (definition->raw_default != NULL &&
		!is_own_cast(raw, definition->raw_default, command->name, action->column->type))
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR,
						 "column \"%s\": USING cannot be carried over: the target converts the values in its own way; "
						 "set them by an UPDATE beforehand",
						 command->name);
}

/* SET GENERATED, SET sequence_option, RESTART of an identity column. */
static void
read_identity_change(DdlRaw *raw, DdlStatement *statement, const AlterTableCmd *command)
{
	List *options = NIL;
	const DdlSequenceOptions *sequence;
	ListCell *cell;

	foreach (cell, (List *) command->def)
	{
		DefElem *option = lfirst(cell);

		if (strcmp(option->defname, "generated") == 0)
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO,
							 "ignored: ALTER COLUMN \"%s\" SET GENERATED: AUTO_INCREMENT takes given values",
							 command->name);
		else
			options = lappend(options, option);
	}
	sequence = dbs_ddl_raw_sequence_options(raw, options);
	if (sequence->has_restart)
	{
		DdlAction *action = add_action(statement, DDL_SET_AUTO_INCREMENT);

		action->name = command->name;
		action->number = sequence->restart == PG_INT64_MIN ? 1 : sequence->restart;
	}
	if (list_length(options) > (sequence->has_restart ? 1 : 0))
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "column \"%s\": AUTO_INCREMENT counts up by one within the column's type: options of its "
						 "sequence are left out",
						 command->name);
}

static void
read_constraint_change(DdlRaw *raw, const AlterTableCmd *command)
{
#if PG_VERSION_NUM >= 180000
	const ATAlterConstraint *change = (ATAlterConstraint *) command->def;

	if (change->alterEnforceability)
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR,
						 "constraint \"%s\": %sENFORCED cannot be carried over: drop it or add it at the target",
						 change->conname, change->is_enforced ? "" : "NOT ");
	if (change->alterInheritability)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: ALTER CONSTRAINT \"%s\": inheritance", change->conname);
	if (change->alterDeferrability && change->deferrable)
#else
	const Constraint *change = (Constraint *) command->def;

	if (change->deferrable)
#endif
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "constraint \"%s\": DEFERRABLE is left out: the target checks at once",
						 change->conname);
#if PG_VERSION_NUM >= 180000
	else if (change->alterDeferrability)
#else
	else
#endif
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: ALTER CONSTRAINT \"%s\": the target checks at once anyway",
						 change->conname);
}

/* Actions that change one column or constraint by its name alone. */
static bool
read_simple(DdlStatement *statement, const AlterTableCmd *command)
{
	static const struct
	{
		AlterTableType subtype;
		DdlActionKind kind;
	} simple[] = {
		{AT_DropColumn, DDL_DROP_COLUMN},     {AT_SetNotNull, DDL_SET_NOT_NULL},
		{AT_DropNotNull, DDL_DROP_NOT_NULL},  {AT_DropExpression, DDL_DROP_EXPRESSION},
		{AT_DropIdentity, DDL_DROP_IDENTITY}, {AT_DropConstraint, DDL_DROP_CONSTRAINT},
		{AT_AddIdentity, DDL_ADD_IDENTITY},
	};

	for (int i = 0; i < lengthof(simple); i++)
	{
		DdlAction *action;

		if (simple[i].subtype != command->subtype)
			continue;
		action = add_action(statement, simple[i].kind);
		action->name = command->name;
		action->if_exists = command->missing_ok;
		action->flag = command->behavior == DROP_CASCADE;
		return true;
	}
	return false;
}

static void
read_command(DdlRaw *raw, DdlStatement *statement, AlterTableCmd *command)
{
	DdlAction *action;

	if (is_ignored(raw, command) || read_simple(statement, command))
		return;
	switch (command->subtype)
	{
		case AT_AddColumn:
			read_added_column(raw, statement, command);
			break;
		case AT_ColumnDefault:
			action = add_action(statement, command->def == NULL ? DDL_DROP_DEFAULT : DDL_SET_DEFAULT);
			action->name = command->name;
			action->expr = command->def == NULL ? NULL : dbs_ddl_raw_expression(command->def);
			break;
#if PG_VERSION_NUM >= 170000
		case AT_SetExpression:
			action = add_action(statement, DDL_SET_EXPRESSION);
			action->name = command->name;
			action->expr = dbs_ddl_raw_expression(command->def);
			break;
#endif
		case AT_AlterColumnType:
			read_type_change(raw, statement, command);
			break;
		case AT_SetIdentity:
			read_identity_change(raw, statement, command);
			break;
		case AT_AddConstraint:
			read_added_constraint(raw, statement, (Constraint *) command->def);
			break;
		case AT_AlterConstraint:
			read_constraint_change(raw, command);
			break;
		case AT_AttachPartition:
		case AT_DetachPartition:
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "moving rows between a partition and a table is not carried over");
			break;
		case AT_AddInherit:
		case AT_DropInherit:
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "INHERIT and NO INHERIT are not carried over");
			break;
		default:
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "an action of ALTER TABLE that is not carried over");
			break;
	}
}

static bool
is_dropped(const AlterTableStmt *alter, const char *name)
{
	ListCell *cell;

	foreach (cell, alter->cmds)
	{
		const AlterTableCmd *command = lfirst(cell);

		if (command->subtype == AT_DropConstraint && name != NULL && strcmp(command->name, name) == 0)
			return true;
	}
	return false;
}

/* What the table has and keeps, as far as it is known: PostgreSQL drops before it adds, whatever is written first. */
static DdlCreateTable *
kept(const DdlCreateTable *table, const AlterTableStmt *alter)
{
	DdlCreateTable *result = palloc0(sizeof(DdlCreateTable));
	ListCell *cell;

	if (table == NULL)
		return result;
	foreach (cell, table->keys)
	{
		if (!is_dropped(alter, ((DdlKey *) lfirst(cell))->name))
			result->keys = lappend(result->keys, lfirst(cell));
	}
	foreach (cell, table->checks)
	{
		if (!is_dropped(alter, ((DdlCheck *) lfirst(cell))->name))
			result->checks = lappend(result->checks, lfirst(cell));
	}
	foreach (cell, table->foreign_keys)
	{
		if (!is_dropped(alter, ((DdlForeignKey *) lfirst(cell))->name))
			result->foreign_keys = lappend(result->foreign_keys, lfirst(cell));
	}
	return result;
}

DdlStatement *
dbs_ddl_raw_alter_table(DdlRaw *raw, AlterTableStmt *alter)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_ALTER_TABLE, dbs_ddl_raw_name(alter->relation));
	ListCell *cell;

	if (alter->objtype == OBJECT_TYPE)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "a composite type's change is not carried over: change the tables OF it at the target");
		return NULL;
	}
	if (alter->objtype != OBJECT_TABLE)
	{
		raw->out->class = DBS_DDL_IGNORE;
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: %s: it changes no table", raw->out->tag);
		return NULL;
	}
	statement->if_exists = alter->missing_ok;
	statement->create = kept(dbs_ddl_raw_created_table(raw, statement->name), alter);
	foreach (cell, alter->cmds)
		read_command(raw, statement, lfirst(cell));
	return statement;
}

/* ---- names ---------------------------------------------------------------------------------- */

static DdlStatement *
not_carried(DdlRaw *raw, const char *what)
{
	dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "%s is not carried over", what);
	return dbs_ddl_raw_statement(DDL_NOTHING, NULL);
}

static DdlStatement *
rename_table(const RangeVar *relation, const char *schema, const char *name, bool missing_ok)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_ALTER_TABLE, dbs_ddl_raw_name(relation));
	DdlAction *action = add_action(statement, DDL_RENAME_TABLE_TO);

	statement->if_exists = missing_ok;
	action->table = palloc0(sizeof(DdlName));
	action->table->schema = schema;
	action->table->name = name;
	return statement;
}

/* A sequence is renamed as a table is, where there are any. */
static DdlStatement *
rename_sequence(DdlRaw *raw, const RangeVar *relation, const char *schema, const char *name, bool missing_ok)
{
	if (raw->options->target == DBS_DIALECT_MARIADB)
		return rename_table(relation, schema, name, missing_ok);
	dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: MySQL has no sequences");
	return dbs_ddl_raw_statement(DDL_NOTHING, NULL);
}

/* A type that this text made, by another name from here on. */
static DdlStatement *
rename_type(DdlRaw *raw, const RenameStmt *rename)
{
	DdlStatement *type = (DdlStatement *) dbs_ddl_raw_find_type(raw, strVal(llast(castNode(List, rename->object))));

	if (type != NULL)
	{
		type->name = palloc0(sizeof(DdlName));
		type->name->name = rename->newname;
	}
	dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: the target writes types out in the columns that use them");
	return dbs_ddl_raw_statement(DDL_NOTHING, NULL);
}

DdlStatement *
dbs_ddl_raw_rename(DdlRaw *raw, RenameStmt *rename)
{
	DdlStatement *statement;
	DdlAction *action;

	switch (rename->renameType)
	{
		case OBJECT_SCHEMA:
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "MySQL cannot rename a database");
			return dbs_ddl_raw_statement(DDL_NOTHING, NULL);
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			return rename_type(raw, rename);
		case OBJECT_TABLE:
			return rename_table(rename->relation, rename->relation->schemaname, rename->newname, rename->missing_ok);
		case OBJECT_SEQUENCE:
			return rename_sequence(raw, rename->relation, rename->relation->schemaname, rename->newname,
								   rename->missing_ok);
		case OBJECT_COLUMN:
			if (rename->relationType != OBJECT_TABLE)
				return not_carried(raw, "this rename of a column");
			break;
		case OBJECT_TABCONSTRAINT:
			break;
		case OBJECT_INDEX:
			statement = dbs_ddl_raw_statement(DDL_RENAME_INDEX, dbs_ddl_raw_name(rename->relation));
			statement->new_name = rename->newname;
			statement->if_exists = rename->missing_ok;
			return statement;
		default:
			raw->out->class = DBS_DDL_IGNORE;
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: %s: such objects are not carried over", raw->out->tag);
			return NULL;
	}
	statement = dbs_ddl_raw_statement(DDL_ALTER_TABLE, dbs_ddl_raw_name(rename->relation));
	statement->if_exists = rename->missing_ok;
	action = add_action(statement, rename->renameType == OBJECT_COLUMN ? DDL_RENAME_COLUMN : DDL_RENAME_CONSTRAINT);
	action->name = rename->subname;
	action->new_name = rename->newname;
	return statement;
}

DdlStatement *
dbs_ddl_raw_set_schema(DdlRaw *raw, AlterObjectSchemaStmt *alter)
{
	if (alter->objectType == OBJECT_TABLE)
		return rename_table(alter->relation, alter->newschema, alter->relation->relname, alter->missing_ok);
	if (alter->objectType == OBJECT_SEQUENCE)
		return rename_sequence(raw, alter->relation, alter->newschema, alter->relation->relname, alter->missing_ok);
	raw->out->class = DBS_DDL_IGNORE;
	dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: %s: such objects are not carried over", raw->out->tag);
	return NULL;
}
