/*
 * PostgreSQL's parse trees in the common tree.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"

#include "ddl_parser.h"
#include "ddl_raw.h"

void
dbs_ddl_raw_note(DdlRaw *raw, DbsNoteSeverity severity, const char *fmt, ...)
{
	DbsNote *note = palloc0(sizeof(DbsNote));
	StringInfoData text;

	initStringInfo(&text);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&text, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	note->severity = severity;
	note->text = text.data;
	raw->out->notes = lappend(raw->out->notes, note);
}

/* ---- types ------------------------------------------------------------------------------ */

typedef struct RawType
{
	const char *name;
	DdlTypeFamily family;
	bool is_serial;
} RawType;

static const RawType raw_types[] = {
	{"bool", DDL_TYPE_BOOLEAN},
	{"int2", DDL_TYPE_INT2},
	{"int4", DDL_TYPE_INT4},
	{"int8", DDL_TYPE_INT8},
	{"serial", DDL_TYPE_INT4, true},
	{"serial4", DDL_TYPE_INT4, true},
	{"bigserial", DDL_TYPE_INT8, true},
	{"serial8", DDL_TYPE_INT8, true},
	{"smallserial", DDL_TYPE_INT2, true},
	{"serial2", DDL_TYPE_INT2, true},
	{"numeric", DDL_TYPE_DECIMAL},
	{"float4", DDL_TYPE_FLOAT4},
	{"float8", DDL_TYPE_FLOAT8},
	{"bpchar", DDL_TYPE_CHAR},
	{"varchar", DDL_TYPE_VARCHAR},
	{"text", DDL_TYPE_TEXT},
	{"citext", DDL_TYPE_TEXT},
	{"bytea", DDL_TYPE_BLOB},
	{"date", DDL_TYPE_DATE},
	{"time", DDL_TYPE_CLOCK},
	{"timetz", DDL_TYPE_CLOCK_TZ},
	{"timestamp", DDL_TYPE_TIMESTAMP},
	{"timestamptz", DDL_TYPE_TIMESTAMPTZ},
	{"interval", DDL_TYPE_INTERVAL},
	{"bit", DDL_TYPE_BIT},
	{"varbit", DDL_TYPE_VARBIT},
	{"uuid", DDL_TYPE_UUID},
	{"json", DDL_TYPE_JSON},
	{"jsonb", DDL_TYPE_JSONB},
	{"inet", DDL_TYPE_INET},
	{"cidr", DDL_TYPE_INET},
	{"macaddr", DDL_TYPE_INET},
	{"macaddr8", DDL_TYPE_INET},
	{"xml", DDL_TYPE_XML},
	{"money", DDL_TYPE_MONEY},
	{"geometry", DDL_TYPE_GEOMETRY},
	{"geography", DDL_TYPE_GEOMETRY},
	{"vector", DDL_TYPE_VECTOR},
};

static int64
type_modifier(const TypeName *name, int at)
{
	const A_Const *constant;

	if (list_length(name->typmods) <= at || !IsA(list_nth(name->typmods, at), A_Const))
		return -1;
	constant = list_nth(name->typmods, at);
	return !constant->isnull && nodeTag(&constant->val) == T_Integer ? intVal(&constant->val) : -1;
}

/* An enum or domain that the text itself creates. */
static const DdlStatement *
find_type(const DdlRaw *raw, const char *name)
{
	ListCell *cell;

	foreach (cell, raw->types)
	{
		const DdlStatement *statement = lfirst(cell);

		if (strcmp(statement->name->name, name) == 0)
			return statement;
	}
	return NULL;
}

DdlType *
dbs_ddl_raw_type(DdlRaw *raw, TypeName *name)
{
	DdlType *type = palloc0(sizeof(DdlType));
	const char *word = strVal(llast(name->names));
	const DdlStatement *user;

	type->family = DDL_TYPE_OTHER;
	type->name = word;
	type->scale = type->srid = -1;
	type->array_dimensions = list_length(name->arrayBounds);
	for (int i = 0; i < lengthof(raw_types); i++)
	{
		if (strcmp(raw_types[i].name, word) == 0)
		{
			type->family = raw_types[i].family;
			type->is_serial = raw_types[i].is_serial;
		}
	}
	type->length = type_modifier(name, 0);
	if (type->family == DDL_TYPE_INTERVAL)
		type->length = type_modifier(name, 1);
	if (type->family == DDL_TYPE_DECIMAL)
		type->scale = Max((int) type_modifier(name, 1), type->length > 0 ? 0 : -1);
	if ((type->family == DDL_TYPE_BIT || type->family == DDL_TYPE_CHAR) && type->length < 0)
		type->length = 1;
	user = find_type(raw, word);
	if (type->family == DDL_TYPE_OTHER && user != NULL)
	{
		if (user->labels != NIL)
		{
			type->family = DDL_TYPE_ENUM;
			type->labels = user->labels;
		}
		else
		{
			int dimensions = type->array_dimensions;

			*type = *user->type;
			type->array_dimensions += dimensions;
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "domain \"%s\" becomes its base type%s", word,
							 user->checks != NIL ? "; its checks are not carried over" : "");
		}
	}
	return type;
}

/* ---- parts of tables ----------------------------------------------------------------------- */

static DdlName *
read_name(const RangeVar *variable)
{
	DdlName *name = palloc0(sizeof(DdlName));

	name->schema = variable->schemaname;
	name->name = variable->relname;
	return name;
}

static List *
read_strings(List *values)
{
	List *strings = NIL;
	ListCell *cell;

	foreach (cell, values)
		strings = lappend(strings, strVal(lfirst(cell)));
	return strings;
}

static DdlName *
read_qualified(List *names)
{
	DdlName *name = palloc0(sizeof(DdlName));

	name->name = strVal(llast(names));
	if (list_length(names) > 1)
		name->schema = strVal(list_nth(names, list_length(names) - 2));
	return name;
}

static const char *
read_action(char action)
{
	switch (action)
	{
		case FKCONSTR_ACTION_RESTRICT:
			return "RESTRICT";
		case FKCONSTR_ACTION_CASCADE:
			return "CASCADE";
		case FKCONSTR_ACTION_SETNULL:
			return "SET NULL";
		case FKCONSTR_ACTION_SETDEFAULT:
			return "SET DEFAULT";
		default:
			return NULL;
	}
}

static DdlForeignKey *
read_foreign_key(const Constraint *constraint, const char *column)
{
	DdlForeignKey *key = palloc0(sizeof(DdlForeignKey));

	key->name = constraint->conname;
	key->table = read_name(constraint->pktable);
	key->columns = column != NULL ? list_make1((void *) column) : read_strings(constraint->fk_attrs);
	key->referenced = read_strings(constraint->pk_attrs);
	key->on_delete = read_action(constraint->fk_del_action);
	key->on_update = read_action(constraint->fk_upd_action);
	key->deferrable = constraint->deferrable;
	return key;
}

static DdlKey *
read_constraint_key(const Constraint *constraint, const char *column)
{
	DdlKey *key = palloc0(sizeof(DdlKey));
	List *names = column != NULL ? list_make1((void *) column) : read_strings(constraint->keys);
	ListCell *cell;

	key->kind = constraint->contype == CONSTR_PRIMARY ? DDL_KEY_PRIMARY : DDL_KEY_UNIQUE;
	key->name = constraint->conname;
	key->is_constraint = true;
	key->nulls_not_distinct = constraint->nulls_not_distinct;
	key->included = read_strings(constraint->including);
	foreach (cell, names)
	{
		DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));

		part->column = lfirst(cell);
		key->parts = lappend(key->parts, part);
	}
	return key;
}

static DdlCheck *
read_check(const Constraint *constraint)
{
	DdlCheck *check = palloc0(sizeof(DdlCheck));

	check->name = constraint->conname;
	check->expr = dbs_ddl_raw_expression(constraint->raw_expr);
	return check;
}

static bool
is_nextval(const DdlExpr *expr)
{
	return expr != NULL && expr->kind == DDL_EXPR_FUNCTION && strcmp(expr->text, "nextval") == 0;
}

/* Not defGetInt64, which throws: a number beyond 64 bits, which the server would refuse, counts as the nearest. */
static int64
read_integer(const Node *value)
{
	if (value == NULL)
		return 0;
	return IsA(value, Integer) ? intVal(value)
		   : IsA(value, Float) ? strtoll(((const Float *) value)->fval, NULL, 10)
							   : 0;
}

static DdlSequenceOptions *
read_sequence_options(List *options)
{
	DdlSequenceOptions *result = palloc0(sizeof(DdlSequenceOptions));
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst(cell);
		int64 number = read_integer(option->arg);

		if (strcmp(option->defname, "start") == 0)
			result->has_start = true, result->start = number;
		else if (strcmp(option->defname, "increment") == 0)
			result->has_increment = true, result->increment = number;
		else if (strcmp(option->defname, "minvalue") == 0 && option->arg != NULL)
			result->has_min = true, result->min = number;
		else if (strcmp(option->defname, "maxvalue") == 0 && option->arg != NULL)
			result->has_max = true, result->max = number;
		else if (strcmp(option->defname, "cache") == 0)
			result->has_cache = true, result->cache = number;
		else if (strcmp(option->defname, "cycle") == 0)
			result->cycle = true;
		else if (strcmp(option->defname, "restart") == 0)
		{
			result->has_restart = true;
			result->restart = option->arg == NULL ? PG_INT64_MIN : number;
		}
	}
	return result;
}

static void read_column_constraint(DdlRaw *raw, DdlCreateTable *table, DdlColumn *column, const Constraint *constraint);

static DdlColumn *
read_column(DdlRaw *raw, DdlCreateTable *table, ColumnDef *definition)
{
	DdlColumn *column = palloc0(sizeof(DdlColumn));
	ListCell *cell;

	column->name = definition->colname;
	column->type = dbs_ddl_raw_type(raw, definition->typeName);
	if (column->type->is_serial)
		column->auto_increment = column->not_null = true;
	column->not_null |= definition->is_not_null;
	if (definition->raw_default != NULL)
		column->default_value = dbs_ddl_raw_expression(definition->raw_default);
	if (definition->collClause != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "column \"%s\": its collation is not carried over", column->name);
	foreach (cell, definition->constraints)
		read_column_constraint(raw, table, column, lfirst(cell));
	if (is_nextval(column->default_value) && dbs_ddl_is_integer(column->type->family))
	{
		column->auto_increment = true;
		column->default_value = NULL;
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "column \"%s\": a default from a sequence becomes AUTO_INCREMENT",
						 column->name);
	}
	return column;
}

static void
read_column_constraint(DdlRaw *raw, DdlCreateTable *table, DdlColumn *column, const Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_NOTNULL:
			column->not_null = true;
			break;
		case CONSTR_DEFAULT:
			column->default_value = dbs_ddl_raw_expression(constraint->raw_expr);
			break;
		case CONSTR_IDENTITY:
			column->auto_increment = column->not_null = true;
			column->identity_options = read_sequence_options(constraint->options);
			if (constraint->generated_when == ATTRIBUTE_IDENTITY_ALWAYS)
				dbs_ddl_raw_note(raw, DBS_NOTE_INFO,
								 "column \"%s\": GENERATED ALWAYS becomes AUTO_INCREMENT, which takes given values",
								 column->name);
			break;
		case CONSTR_GENERATED:
			column->generated = dbs_ddl_raw_expression(constraint->raw_expr);
			column->stored = true;
			break;
		case CONSTR_CHECK:
			table->checks = lappend(table->checks, read_check(constraint));
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
			table->keys = lappend(table->keys, read_constraint_key(constraint, column->name));
			break;
		case CONSTR_FOREIGN:
			table->foreign_keys = lappend(table->foreign_keys, read_foreign_key(constraint, column->name));
			break;
		default:
			break;
	}
}

/* A table constraint; false for a kind that MySQL has not. */
static bool
read_table_constraint(DdlRaw *raw, DdlCreateTable *table, const Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			table->checks = lappend(table->checks, read_check(constraint));
			return true;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
			table->keys = lappend(table->keys, read_constraint_key(constraint, NULL));
			return true;
		case CONSTR_FOREIGN:
			table->foreign_keys = lappend(table->foreign_keys, read_foreign_key(constraint, NULL));
			return true;
		default:
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "constraint \"%s\" is of a kind that MySQL does not have",
							 constraint->conname == NULL ? "" : constraint->conname);
			return false;
	}
}

/* The labels of a check that this translator made for an ENUM or SET; NIL when it is another. */
static List *
labels_of(const DdlCheck *check, const char *column, const char *kind)
{
	const DdlExpr *expr = check->expr;
	const DdlExpr *array;
	List *labels = NIL;
	List *items;
	ListCell *cell;

	if (check->name == NULL || strcmp(check->name, dbs_ddl_pg_index_name(column, kind)) != 0)
		return NIL;
	if (expr->kind == DDL_EXPR_IN)
		items = list_copy_tail(expr->args, 1);
	else
	{
		if (expr->kind != DDL_EXPR_OPERATOR || strcmp(expr->text, "<@") != 0)
			return NIL;
		array = lsecond(expr->args);
		while (array->kind == DDL_EXPR_CAST)
			array = linitial(array->args);
		items = array->args;
	}
	foreach (cell, items)
	{
		const DdlExpr *item = lfirst(cell);
		DdlText *label = palloc0(sizeof(DdlText));

		while (item->kind == DDL_EXPR_CAST)
			item = linitial(item->args);
		if (item->kind != DDL_EXPR_STRING)
			return NIL;
		label->text = item->text;
		label->size = item->size;
		labels = lappend(labels, label);
	}
	return labels;
}

/* text with a check of labels goes back to the ENUM or SET that it came from. */
static void
restore_labels(DdlCreateTable *table)
{
	ListCell *cell;
	ListCell *check_cell;

	foreach (cell, table->columns)
	{
		DdlColumn *column = lfirst(cell);
		bool set = column->type->array_dimensions == 1;

		if (column->type->family != DDL_TYPE_TEXT)
			continue;
		foreach (check_cell, table->checks)
		{
			List *labels = labels_of(lfirst(check_cell), column->name, set ? "set" : "enum");

			if (labels == NIL)
				continue;
			column->type->family = set ? DDL_TYPE_SET : DDL_TYPE_ENUM;
			column->type->array_dimensions = 0;
			column->type->labels = labels;
			table->checks = foreach_delete_current(table->checks, check_cell);
		}
	}
}

static DdlStatement *
make_statement(DdlStatementKind kind, DdlName *name)
{
	DdlStatement *statement = palloc0(sizeof(DdlStatement));

	statement->kind = kind;
	statement->name = name;
	return statement;
}

static DdlStatement *
read_create_table(DdlRaw *raw, CreateStmt *create)
{
	DdlStatement *statement = make_statement(DDL_CREATE_TABLE, read_name(create->relation));
	DdlCreateTable *table = palloc0(sizeof(DdlCreateTable));
	ListCell *cell;

	statement->create = table;
	table->if_not_exists = create->if_not_exists;
	table->temporary = create->relation->relpersistence == RELPERSISTENCE_TEMP;
	if (create->partbound != NULL)
	{
		raw->out->class = DBS_DDL_IGNORE;
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "partition \"%s\" is not created: its rows are the table's",
						 create->relation->relname);
		return NULL;
	}
	if (create->inhRelations != NIL)
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "INHERITS is not carried over");
	if (create->partspec != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "partitions are not carried over: the table is in one piece");
	foreach (cell, create->tableElts)
	{
		Node *node = lfirst(cell);

		if (IsA(node, ColumnDef))
			table->columns = lappend(table->columns, read_column(raw, table, (ColumnDef *) node));
		else if (IsA(node, Constraint))
			(void) read_table_constraint(raw, table, (Constraint *) node);
		else if (IsA(node, TableLikeClause) && list_length(create->tableElts) == 1)
			table->like = read_name(((TableLikeClause *) node)->relation);
		else
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "LIKE beside other columns is not carried over");
	}
	foreach (cell, create->constraints)
		(void) read_table_constraint(raw, table, lfirst(cell));
	restore_labels(table);
	if (!table->temporary)
		raw->created = lappend(raw->created, statement);
	return statement;
}

/* left(column, n) and substr(column, 1, n) are what MySQL's prefixes become: they go back. */
static void
restore_prefix(DdlKeyPart *part)
{
	const DdlExpr *expr = part->expr;
	const DdlExpr *column;
	const DdlExpr *length;
	int count = expr == NULL ? 0 : list_length(expr->args);

	if (expr == NULL || expr->kind != DDL_EXPR_FUNCTION ||
		!((strcmp(expr->text, "left") == 0 && count == 2) || (strcmp(expr->text, "substr") == 0 && count == 3)))
		return;
	column = linitial(expr->args);
	while (column->kind == DDL_EXPR_CAST)
		column = linitial(column->args);
	length = llast(expr->args);
	if (column->kind != DDL_EXPR_COLUMN || length->kind != DDL_EXPR_NUMBER)
		return;
	part->column = column->text;
	part->length = (int) strtol(length->text, NULL, 10);
	part->expr = NULL;
}

static DdlStatement *
read_index(DdlRaw *raw, IndexStmt *index)
{
	DdlStatement *statement = make_statement(DDL_ALTER_TABLE, read_name(index->relation));
	DdlAction *action = palloc0(sizeof(DdlAction));
	DdlKey *key = palloc0(sizeof(DdlKey));
	ListCell *cell;

	action->kind = DDL_ADD_KEY;
	action->key = key;
	statement->actions = list_make1(action);
	key->kind = index->unique ? DDL_KEY_UNIQUE : DDL_KEY_INDEX;
	key->name = index->idxname;
	key->if_not_exists = index->if_not_exists;
	key->method = index->accessMethod;
	key->where = index->whereClause == NULL ? NULL : dbs_ddl_raw_expression(index->whereClause);
	key->nulls_not_distinct = index->nulls_not_distinct;
	foreach (cell, index->indexParams)
	{
		const IndexElem *element = lfirst(cell);
		DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));

		part->column = element->name;
		part->expr = element->expr == NULL ? NULL : dbs_ddl_raw_expression(element->expr);
		part->descending = element->ordering == SORTBY_DESC;
		restore_prefix(part);
		key->parts = lappend(key->parts, part);
	}
	foreach (cell, index->indexIncludingParams)
		key->included = lappend(key->included, ((IndexElem *) lfirst(cell))->name);
	return statement;
}

/* ---- ALTER TABLE ------------------------------------------------------------------------------- */

static void
read_added_constraint(DdlRaw *raw, DdlStatement *statement, const Constraint *constraint)
{
	DdlCreateTable scratch = {0};
	DdlAction *action = palloc0(sizeof(DdlAction));

	if (!read_table_constraint(raw, &scratch, constraint))
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
	action->column = read_column(raw, &scratch, definition);
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

static DdlStatement *
read_alter_table(DdlRaw *raw, AlterTableStmt *alter)
{
	DdlStatement *statement = make_statement(DDL_ALTER_TABLE, read_name(alter->relation));
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

static DdlStatement *
read_rename(DdlRaw *raw, RenameStmt *rename)
{
	DdlStatement *statement;
	DdlAction *action = palloc0(sizeof(DdlAction));

	if (rename->renameType == OBJECT_SCHEMA)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "MySQL cannot rename a database");
		return make_statement(DDL_NOTHING, NULL);
	}
	if (rename->relation == NULL || rename->renameType == OBJECT_INDEX || rename->renameType == OBJECT_VIEW)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "this rename is not carried over");
		return make_statement(DDL_NOTHING, NULL);
	}
	statement = make_statement(DDL_ALTER_TABLE, read_name(rename->relation));
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
		return make_statement(DDL_NOTHING, NULL);
	}
	statement->actions = list_make1(action);
	return statement;
}

static DdlStatement *
read_drop(DdlRaw *raw, DropStmt *drop)
{
	DdlStatement *statement = make_statement(DDL_DROP_TABLE, NULL);
	ListCell *cell;

	statement->if_exists = drop->missing_ok;
	statement->cascade = drop->behavior == DROP_CASCADE;
	switch (drop->removeType)
	{
		case OBJECT_TABLE:
			break;
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
			statement->kind = DDL_DROP_VIEW;
			break;
		case OBJECT_INDEX:
			statement->kind = DDL_DROP_INDEX;
			break;
		case OBJECT_SEQUENCE:
			statement->kind = DDL_DROP_SEQUENCE;
			break;
		case OBJECT_SCHEMA:
			statement->kind = DDL_DROP_SCHEMA;
			break;
		default:
			raw->out->class = DBS_DDL_IGNORE;
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: such objects are not carried over");
			return NULL;
	}
	foreach (cell, drop->objects)
	{
		if (IsA(lfirst(cell), List))
			statement->names = lappend(statement->names, read_qualified(lfirst(cell)));
		else
			statement->names = lappend(statement->names, read_qualified(list_make1(lfirst(cell))));
	}
	return statement;
}

static DdlStatement *
read_comment(DdlRaw *raw, CommentStmt *comment)
{
	DdlStatement *statement = make_statement(DDL_COMMENT, NULL);
	List *names;

	if (comment->objtype != OBJECT_TABLE && comment->objtype != OBJECT_COLUMN)
	{
		raw->out->class = DBS_DDL_IGNORE;
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: MySQL has no comment on such objects");
		return NULL;
	}
	names = castNode(List, comment->object);
	if (comment->objtype == OBJECT_COLUMN)
	{
		if (list_length(names) < 2)
		{
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "a column without its table");
			return make_statement(DDL_NOTHING, NULL);
		}
		statement->comment_column = strVal(llast(names));
		names = list_truncate(list_copy(names), list_length(names) - 1);
	}
	statement->name = read_qualified(names);
	statement->comment = comment->comment == NULL ? "" : comment->comment;
	return statement;
}

static DdlStatement *
read_enum(DdlRaw *raw, CreateEnumStmt *create)
{
	DdlStatement *statement = make_statement(DDL_CREATE_TYPE, read_qualified(create->typeName));
	ListCell *cell;

	foreach (cell, create->vals)
	{
		DdlText *label = palloc0(sizeof(DdlText));

		label->text = strVal(lfirst(cell));
		label->size = strlen(label->text);
		statement->labels = lappend(statement->labels, label);
	}
	raw->types = lappend(raw->types, statement);
	dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "type \"%s\" is written out in the columns that use it",
					 statement->name->name);
	return statement;
}

static DdlStatement *
read_domain(DdlRaw *raw, CreateDomainStmt *create)
{
	DdlStatement *statement = make_statement(DDL_CREATE_TYPE, read_qualified(create->domainname));

	statement->type = dbs_ddl_raw_type(raw, create->typeName);
	statement->checks = create->constraints;
	raw->types = lappend(raw->types, statement);
	dbs_ddl_raw_note(raw, create->constraints == NIL ? DBS_NOTE_INFO : DBS_NOTE_WARNING,
					 "domain \"%s\" is written out as its base type%s", statement->name->name,
					 create->constraints == NIL ? "" : ", without its constraints");
	return statement;
}

static DdlStatement *
read_sequence(RangeVar *relation, List *options, DdlStatementKind kind, bool missing_ok)
{
	DdlStatement *statement = make_statement(kind, read_name(relation));

	statement->sequence = read_sequence_options(options);
	statement->if_not_exists = statement->if_exists = missing_ok;
	return statement;
}

static DdlStatement *
read_truncate(TruncateStmt *truncate)
{
	DdlStatement *statement = make_statement(DDL_TRUNCATE_TABLE, NULL);
	ListCell *cell;

	foreach (cell, truncate->relations)
		statement->names = lappend(statement->names, read_name(lfirst(cell)));
	return statement;
}

DdlStatement *
dbs_ddl_raw_read(DdlRaw *raw, Node *node)
{
	DdlStatement *statement;

	switch (nodeTag(node))
	{
		case T_CreateStmt:
			return read_create_table(raw, (CreateStmt *) node);
		case T_IndexStmt:
			return read_index(raw, (IndexStmt *) node);
		case T_AlterTableStmt:
			return read_alter_table(raw, (AlterTableStmt *) node);
		case T_RenameStmt:
			return read_rename(raw, (RenameStmt *) node);
		case T_DropStmt:
			return read_drop(raw, (DropStmt *) node);
		case T_CommentStmt:
			return read_comment(raw, (CommentStmt *) node);
		case T_CreateEnumStmt:
			return read_enum(raw, (CreateEnumStmt *) node);
		case T_CreateDomainStmt:
			return read_domain(raw, (CreateDomainStmt *) node);
		case T_CreateSeqStmt:
			return read_sequence(((CreateSeqStmt *) node)->sequence, ((CreateSeqStmt *) node)->options,
								 DDL_CREATE_SEQUENCE, ((CreateSeqStmt *) node)->if_not_exists);
		case T_AlterSeqStmt:
			return read_sequence(((AlterSeqStmt *) node)->sequence, ((AlterSeqStmt *) node)->options,
								 DDL_ALTER_SEQUENCE, ((AlterSeqStmt *) node)->missing_ok);
		case T_TruncateStmt:
			return read_truncate((TruncateStmt *) node);
		case T_CreateSchemaStmt:
			statement = make_statement(DDL_CREATE_SCHEMA, palloc0(sizeof(DdlName)));
			statement->name->name = ((CreateSchemaStmt *) node)->schemaname;
			statement->if_not_exists = ((CreateSchemaStmt *) node)->if_not_exists;
			if (statement->name->name == NULL || ((CreateSchemaStmt *) node)->schemaElts != NIL)
				dbs_ddl_raw_note(raw, DBS_NOTE_ERROR,
								 "CREATE SCHEMA without a name or with elements is not carried over");
			return statement;
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_CopyStmt:
		case T_CallStmt:
		case T_DoStmt:
			raw->out->class = DBS_DDL_DML;
			return NULL;
		case T_TransactionStmt:
			raw->out->class = DBS_DDL_CONTROL;
			return NULL;
		case T_ViewStmt:
		case T_CreateTableAsStmt:
			raw->out->class = DBS_DDL_APPLY;
			dbs_ddl_raw_note(raw, IsA(node, ViewStmt) ? DBS_NOTE_WARNING : DBS_NOTE_ERROR,
							 "a query is not carried over: %s",
							 IsA(node, ViewStmt) ? "the view is left out" : "create the table with its columns");
			return NULL;
		default:
			raw->out->class = DBS_DDL_IGNORE;
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: does not concern tables");
			return NULL;
	}
}
