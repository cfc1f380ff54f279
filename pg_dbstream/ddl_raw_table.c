/*
 * CREATE TABLE and CREATE INDEX of PostgreSQL's in the common tree.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"

#include "ddl_parser.h"
#include "ddl_raw.h"

static List *
read_strings(List *values)
{
	List *strings = NIL;
	ListCell *cell;

	foreach (cell, values)
		strings = lappend(strings, strVal(lfirst(cell)));
	return strings;
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
	key->table = dbs_ddl_raw_name(constraint->pktable);
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

static void read_column_constraint(DdlRaw *raw, DdlCreateTable *table, DdlColumn *column, const Constraint *constraint);

DdlColumn *
dbs_ddl_raw_column(DdlRaw *raw, DdlCreateTable *table, ColumnDef *definition)
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
			column->identity_options = dbs_ddl_raw_sequence_options(constraint->options);
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
bool
dbs_ddl_raw_constraint(DdlRaw *raw, DdlCreateTable *table, const Constraint *constraint)
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

DdlStatement *
dbs_ddl_raw_create_table(DdlRaw *raw, CreateStmt *create)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_CREATE_TABLE, dbs_ddl_raw_name(create->relation));
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
			table->columns = lappend(table->columns, dbs_ddl_raw_column(raw, table, (ColumnDef *) node));
		else if (IsA(node, Constraint))
			(void) dbs_ddl_raw_constraint(raw, table, (Constraint *) node);
		else if (IsA(node, TableLikeClause) && list_length(create->tableElts) == 1)
			table->like = dbs_ddl_raw_name(((TableLikeClause *) node)->relation);
		else
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "LIKE beside other columns is not carried over");
	}
	foreach (cell, create->constraints)
		(void) dbs_ddl_raw_constraint(raw, table, lfirst(cell));
	dbs_ddl_raw_restore_labels(table);
	if (!table->temporary)
		raw->created = lappend(raw->created, statement);
	return statement;
}

DdlStatement *
dbs_ddl_raw_index(DdlRaw *raw, IndexStmt *index)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_ALTER_TABLE, dbs_ddl_raw_name(index->relation));
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
		dbs_ddl_raw_restore_prefix(part);
		key->parts = lappend(key->parts, part);
	}
	foreach (cell, index->indexIncludingParams)
		key->included = lappend(key->included, ((IndexElem *) lfirst(cell))->name);
	return statement;
}
