/*
 * ALTER TABLE in MySQL's and MariaDB's words.
 */
#include "postgres.h"

#include "ddl_my.h"

DdlCreateTable *
dbs_ddl_my_created_table(DdlRaw *raw, const DdlName *name)
{
	ListCell *cell;

	foreach (cell, raw->created)
	{
		const DdlStatement *statement = lfirst(cell);

		if (strcmp(statement->name->name, name->name) == 0 &&
			(name->schema == NULL || statement->name->schema == NULL ||
			 strcmp(statement->name->schema, name->schema) == 0))
			return statement->create;
	}
	return NULL;
}

/* Changes that MySQL can only write as the whole column anew. */
static const char *
modify_action(DdlRaw *raw, const DdlAction *action, DdlCreateTable *table)
{
	DdlColumn *column = (DdlColumn *) dbs_ddl_my_find_column(table, action->name);
	DdlColumn stub = {.name = action->name};

	if (action->kind == DDL_SET_TYPE)
	{
		if (column == NULL)
		{
			column = &stub;
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
							 "column \"%s\": MODIFY writes the whole column, of which only the type is known here",
							 action->name);
		}
		column->type = action->column->type;
	}
	else if (column == NULL)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR,
						 "column \"%s\": MySQL writes the whole column anew, and its type is not known here",
						 action->name);
		return NULL;
	}
	if (action->kind == DDL_SET_NOT_NULL || action->kind == DDL_DROP_NOT_NULL)
		column->not_null = action->kind == DDL_SET_NOT_NULL;
	if (action->kind == DDL_ADD_IDENTITY || action->kind == DDL_DROP_IDENTITY)
		column->auto_increment = action->kind == DDL_ADD_IDENTITY;
	return psprintf("MODIFY COLUMN %s", dbs_ddl_my_column(raw, column, table));
}

/*
 * SET DEFAULT and DROP DEFAULT of a column that is known write it whole: MySQL takes no expression for a text in
 * ALTER COLUMN, and keeps CURRENT_TIMESTAMP when a column is added in the same statement.
 */
static const char *
default_action(DdlRaw *raw, const DdlAction *action, DdlCreateTable *table)
{
	const char *name = dbs_ddl_mysql_quote(action->name);
	DdlColumn *column = (DdlColumn *) dbs_ddl_my_find_column(table, action->name);
	DdlColumn stub = {.name = action->name, .type = &(DdlType){.family = DDL_TYPE_INT4}};
	const char *sql;

	stub.default_value = action->kind == DDL_SET_DEFAULT ? action->expr : NULL;
	if (column != NULL)
	{
		column->default_value = stub.default_value;
		return psprintf("MODIFY COLUMN %s", dbs_ddl_my_column(raw, column, table));
	}
	sql = dbs_ddl_my_default(raw, &stub, "INT");
	if (sql == NULL)
		return psprintf("ALTER COLUMN %s DROP DEFAULT", name);
	/* Here MySQL takes a function in parentheses only. */
	if (strncmp(sql, "CURRENT_TIMESTAMP", strlen("CURRENT_TIMESTAMP")) == 0)
		sql = psprintf("(%s)", sql);
	return psprintf("ALTER COLUMN %s SET DEFAULT %s", name, sql);
}

/* MySQL does not add a column with a default that differs from row to row. */
static bool
varies(const DdlExpr *expr)
{
	ListCell *cell;

	if (expr == NULL)
		return false;
	if (expr->kind == DDL_EXPR_FUNCTION && (strstr(expr->text, "uuid") != NULL || strcmp(expr->text, "random") == 0))
		return true;
	foreach (cell, expr->args)
	{
		if (varies(lfirst(cell)))
			return true;
	}
	return false;
}

static bool
uses_column(const DdlExpr *expr, const char *name)
{
	ListCell *cell;

	if (expr == NULL)
		return false;
	if (expr->kind == DDL_EXPR_COLUMN && strcmp(expr->text, name) == 0)
		return true;
	foreach (cell, expr->args)
	{
		if (uses_column(lfirst(cell), name))
			return true;
	}
	return false;
}

static void
note_uses(DdlRaw *raw, const DdlCreateTable *table, const char *name)
{
	ListCell *cell;

	if (table == NULL || raw->options->target != DBS_DIALECT_MYSQL)
		return;
	foreach (cell, table->columns)
	{
		const DdlColumn *column = lfirst(cell);

		if (uses_column(column->generated, name))
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR,
							 "column \"%s\" cannot be renamed in MySQL, since generated column \"%s\" uses it: drop "
							 "that one first and add it anew",
							 name, column->name);
	}
	foreach (cell, table->checks)
	{
		if (uses_column(((const DdlCheck *) lfirst(cell))->expr, name))
			dbs_ddl_raw_note(
				raw, DBS_NOTE_ERROR,
				"column \"%s\" cannot be renamed in MySQL, since a CHECK uses it: drop that one first and add "
				"it anew",
				name);
	}
}

static const char *
my_action(DdlRaw *raw, const DdlAction *action, DdlCreateTable *table)
{
	const char *name = action->name == NULL ? "" : dbs_ddl_mysql_quote(action->name);
	const char *sql;
	DdlColumn *column;

	switch (action->kind)
	{
		case DDL_ADD_COLUMN:
			if (raw->options->target == DBS_DIALECT_MYSQL && varies(action->column->default_value))
				dbs_ddl_raw_note(
					raw, DBS_NOTE_ERROR,
					"column \"%s\": MySQL does not add a column with a default that differs from row to row: add "
					"it without, and set the default then",
					action->column->name);
			sql = psprintf("ADD COLUMN %s", dbs_ddl_my_column(raw, action->column, table));
			if (table != NULL)
				table->columns = lappend(table->columns, action->column);
			return sql;
		case DDL_DROP_COLUMN:
			return psprintf("DROP COLUMN %s", name);
		case DDL_RENAME_COLUMN:
			note_uses(raw, table, action->name);
			column = (DdlColumn *) dbs_ddl_my_find_column(table, action->name);
			if (column != NULL)
				column->name = action->new_name;
			return psprintf("RENAME COLUMN %s TO %s", name, dbs_ddl_mysql_quote(action->new_name));
		case DDL_RENAME_TABLE_TO:
			return psprintf("RENAME TO %s", dbs_ddl_my_table_name(raw, action->table));
		case DDL_SET_DEFAULT:
		case DDL_DROP_DEFAULT:
			return default_action(raw, action, table);
		case DDL_SET_TYPE:
		case DDL_SET_NOT_NULL:
		case DDL_DROP_NOT_NULL:
		case DDL_ADD_IDENTITY:
		case DDL_DROP_IDENTITY:
			return modify_action(raw, action, table);
		case DDL_ADD_KEY:
			sql = dbs_ddl_my_key(raw, action->key, table);
			return sql == NULL ? NULL : psprintf("ADD %s", sql);
		case DDL_ADD_CHECK:
			sql = dbs_ddl_my_check(raw, action->check, table);
			return sql == NULL ? NULL : psprintf("ADD %s", sql);
		case DDL_ADD_FOREIGN_KEY:
			return psprintf("ADD %s", dbs_ddl_my_foreign_key(raw, action->foreign_key, table));
		case DDL_DROP_CONSTRAINT:
			/* PostgreSQL names the primary key, MySQL does not. */
			if (strlen(action->name) > 5 && strcmp(action->name + strlen(action->name) - 5, "_pkey") == 0)
				return "DROP PRIMARY KEY";
			return psprintf("DROP CONSTRAINT %s", name);
		default:
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "an action of ALTER TABLE that is not carried over");
			return NULL;
	}
}

static bool
is_modify(const DdlAction *action)
{
	return action->kind == DDL_SET_TYPE || action->kind == DDL_SET_DEFAULT || action->kind == DDL_DROP_DEFAULT ||
		   action->kind == DDL_SET_NOT_NULL || action->kind == DDL_DROP_NOT_NULL || action->kind == DDL_ADD_IDENTITY ||
		   action->kind == DDL_DROP_IDENTITY;
}

static bool
is_modified_later(const DdlStatement *statement, const ListCell *cell)
{
	const DdlAction *action = lfirst(cell);
	const ListCell *later;

	if (!is_modify(action))
		return false;
	for_each_cell(later, statement->actions, lnext(statement->actions, cell))
	{
		const DdlAction *other = lfirst(later);

		if (is_modify(other) && strcmp(other->name, action->name) == 0)
			return true;
	}
	return false;
}

void
dbs_ddl_my_alter_table(DdlRaw *raw, DdlStatement *statement)
{
	DdlCreateTable *table = dbs_ddl_my_created_table(raw, statement->name);
	StringInfoData sql;
	ListCell *cell;

	dbs_ddl_my_add_table(raw, statement->name, false, false);
	initStringInfo(&sql);
	foreach (cell, statement->actions)
	{
		const DdlAction *action = lfirst(cell);
		const char *part = my_action(raw, action, table);

		/* MySQL takes one MODIFY of a column: the last one holds what all of them changed. */
		if (part != NULL && dbs_ddl_my_find_column(table, action->name) != NULL && is_modified_later(statement, cell))
			continue;

		if (part != NULL)
			appendStringInfo(&sql, "%s%s", sql.len == 0 ? "" : ", ", part);
		if (action->kind == DDL_RENAME_TABLE_TO)
		{
			dbs_ddl_my_add_table(raw, statement->name, false, true);
			dbs_ddl_my_add_table(raw, action->table, true, false);
		}
	}
	if (sql.len > 0)
		dbs_ddl_my_sql(raw, "ALTER TABLE %s %s", dbs_ddl_my_table_name(raw, statement->name), sql.data);
}
