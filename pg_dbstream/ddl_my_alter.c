/*
 * ALTER TABLE in MySQL's and MariaDB's words.
 *
 * A table that the text creates is changed along: later actions and
 * statements see it as it is then.  PostgreSQL drops the keys and constraints
 * of a column that goes, MySQL leaves the rest of them: so they are dropped
 * by name.
 */
#include "postgres.h"

#include "ddl_my_alter.h"

void
dbs_ddl_my_add_part(DdlMyAlter *alter, const char *fmt, ...)
{
	if (alter->sql.len > 0)
		appendStringInfoString(&alter->sql, ", ");
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&alter->sql, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&alter->sql, needed);
	}
}

bool
dbs_ddl_my_is_mysql(const DdlMyAlter *alter)
{
	return alter->raw->options->target == DBS_DIALECT_MYSQL;
}

/* "IF EXISTS " where the target has it; else a note, unless the table tells that it is needless. */
const char *
dbs_ddl_my_if_exists(DdlMyAlter *alter, bool wanted, const char *words)
{
	if (!wanted)
		return "";
	if (!dbs_ddl_my_is_mysql(alter))
		return psprintf("%s ", words);
	if (alter->table == NULL)
		dbs_ddl_raw_note(alter->raw, DBS_NOTE_WARNING, "%s is left out: MySQL's ALTER TABLE has none", words);
	return "";
}

/* ---- what uses a column --------------------------------------------------------------------- */

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

static void
rename_in(DdlExpr *expr, const char *name, const char *new_name)
{
	ListCell *cell;

	if (expr == NULL)
		return;
	if (expr->kind == DDL_EXPR_COLUMN && strcmp(expr->text, name) == 0)
		expr->text = new_name;
	foreach (cell, expr->args)
		rename_in(lfirst(cell), name, new_name);
}

static bool
key_uses(const DdlKey *key, const char *name)
{
	ListCell *cell;

	foreach (cell, key->parts)
	{
		const DdlKeyPart *part = lfirst(cell);

		if (part->column != NULL ? strcmp(part->column, name) == 0 : dbs_ddl_my_uses_column(part->expr, name))
			return true;
	}
	return dbs_ddl_my_uses_column(key->where, name) || dbs_ddl_raw_has_name(key->included, name);
}

static void
note_uses(DdlMyAlter *alter, const char *name)
{
	ListCell *cell;

	if (alter->table == NULL || !dbs_ddl_my_is_mysql(alter))
		return;
	foreach (cell, alter->table->columns)
	{
		const DdlColumn *column = lfirst(cell);

		if (dbs_ddl_my_uses_column(column->generated, name))
			dbs_ddl_raw_note(alter->raw, DBS_NOTE_ERROR,
							 "column \"%s\" cannot be renamed in MySQL, since generated column \"%s\" uses it: drop "
							 "that one first and add it anew",
							 name, column->name);
	}
	foreach (cell, alter->table->checks)
	{
		if (dbs_ddl_my_uses_column(((const DdlCheck *) lfirst(cell))->expr, name))
			dbs_ddl_raw_note(
				alter->raw, DBS_NOTE_ERROR,
				"column \"%s\" cannot be renamed in MySQL, since a CHECK uses it: drop that one first and add "
				"it anew",
				name);
	}
	foreach (cell, alter->table->keys)
	{
		const DdlKey *key = lfirst(cell);

		if (dbs_ddl_my_has_expression(key) && key_uses(key, name))
			dbs_ddl_raw_note(
				alter->raw, DBS_NOTE_ERROR,
				"column \"%s\" cannot be renamed in MySQL, since index \"%s\" is of an expression with it: "
				"drop that one first and add it anew",
				name, key->name);
	}
}

static bool
in_foreign_key(const List *keys, const char *column)
{
	const ListCell *cell;

	foreach (cell, keys)
	{
		if (dbs_ddl_raw_has_name(((const DdlForeignKey *) lfirst(cell))->columns, column))
			return true;
	}
	return false;
}

/*
 * MySQL lets a foreign key's column become NOT NULL in place only, and sets a default that differs from row to row only
 * where no column is added.  SET NULL is not for such a column: the key goes then, and what follows may copy the table.
 */
static bool
is_modified_alone(const DdlMyAlter *alter, const DdlColumn *column)
{
	ListCell *cell;

	if (dbs_ddl_my_is_mysql(alter) && alter->added != NIL && varies(column->default_value))
		return true;
	if (alter->table == NULL || !dbs_ddl_raw_has_name(alter->narrowed, column->name))
		return false;
	foreach (cell, alter->table->foreign_keys)
	{
		const DdlForeignKey *key = lfirst(cell);

		if (dbs_ddl_raw_has_name(key->columns, column->name) &&
			!dbs_ddl_my_keeps_actions(alter->raw, key, alter->table))
			return false;
	}
	return in_foreign_key(alter->table->foreign_keys, column->name);
}

void
dbs_ddl_my_add_modify(DdlMyAlter *alter, const DdlColumn *column, const DdlCreateTable *table)
{
	const char *sql = psprintf("MODIFY COLUMN %s", dbs_ddl_my_column(alter->raw, column, table));

	/* MySQL finds no column that the same statement adds. */
	if (dbs_ddl_raw_has_name(alter->added, column->name))
		alter->after = lappend(alter->after, (void *) sql);
	else if (is_modified_alone(alter, column))
		dbs_ddl_my_sql(alter->raw, "ALTER TABLE %s %s", dbs_ddl_my_table_name(alter->raw, alter->name), sql);
	else
		dbs_ddl_my_add_part(alter, "%s", sql);
}

/* ---- columns -------------------------------------------------------------------------------- */

/* The table with the keys that come later in the statement, which may need a length of the column. */
static DdlCreateTable *
table_to_come(const DdlMyAlter *alter, const DdlStatement *statement)
{
	DdlCreateTable *table = palloc0(sizeof(DdlCreateTable));
	ListCell *cell;

	if (alter->table != NULL)
		*table = *alter->table;
	table->keys = list_copy(table->keys);
	table->foreign_keys = list_copy(table->foreign_keys);
	foreach (cell, statement->actions)
	{
		const DdlAction *action = lfirst(cell);

		if (action->kind == DDL_ADD_KEY)
			table->keys = lappend(table->keys, action->key);
		else if (action->kind == DDL_ADD_FOREIGN_KEY)
			table->foreign_keys = lappend(table->foreign_keys, action->foreign_key);
	}
	return table;
}

static void
add_column(DdlMyAlter *alter, const DdlStatement *statement, const DdlAction *action)
{
	DdlColumn *column = action->column;

	if (dbs_ddl_my_is_mysql(alter) && varies(column->default_value))
		dbs_ddl_raw_note(alter->raw, DBS_NOTE_ERROR,
						 "column \"%s\": MySQL does not add a column with a default that differs from row to row: add "
						 "it without, and set the default then",
						 column->name);
	if (alter->table != NULL)
	{
		if (column->if_not_exists && dbs_ddl_my_find_column(alter->table, column->name) != NULL)
		{
			dbs_ddl_raw_note(alter->raw, DBS_NOTE_INFO, "column \"%s\" is there already", column->name);
			return;
		}
		alter->table->columns = lappend(alter->table->columns, column);
		dbs_ddl_my_note_case(alter->raw, alter->table, column);
	}
	dbs_ddl_my_add_part(alter, "ADD COLUMN %s%s", dbs_ddl_my_if_exists(alter, column->if_not_exists, "IF NOT EXISTS"),
						dbs_ddl_my_column(alter->raw, column, table_to_come(alter, statement)));
	if (alter->table != NULL || !column->auto_increment)
		return;
	dbs_ddl_raw_note(alter->raw, DBS_NOTE_INFO, "column \"%s\": gets an index, which AUTO_INCREMENT needs",
					 column->name);
	dbs_ddl_my_add_part(alter, "ADD UNIQUE KEY %s (%s)", dbs_ddl_mysql_quote(column->name),
						dbs_ddl_mysql_quote(column->name));
}

/* What goes with the column in PostgreSQL. */
static void
drop_uses(DdlMyAlter *alter, const char *name)
{
	ListCell *cell;

	foreach (cell, list_copy(alter->table->foreign_keys))
	{
		if (dbs_ddl_raw_has_name(((DdlForeignKey *) lfirst(cell))->columns, name))
			dbs_ddl_my_alter_drop_foreign_key(alter, lfirst(cell));
	}
	foreach (cell, list_copy(alter->table->checks))
	{
		if (dbs_ddl_my_uses_column(((DdlCheck *) lfirst(cell))->expr, name))
			dbs_ddl_my_alter_drop_check(alter, lfirst(cell));
	}
	foreach (cell, list_copy(alter->table->keys))
	{
		if (key_uses(lfirst(cell), name))
			dbs_ddl_my_alter_drop_key(alter, lfirst(cell));
	}
}

static void
drop_column(DdlMyAlter *alter, const DdlAction *action)
{
	DdlColumn *column = (DdlColumn *) dbs_ddl_my_find_column(alter->table, action->name);
	ListCell *cell;

	if (alter->table != NULL && column == NULL && action->if_exists)
	{
		dbs_ddl_raw_note(alter->raw, DBS_NOTE_INFO, "column \"%s\" is not there", action->name);
		return;
	}
	if (column != NULL)
	{
		/* CASCADE. */
		foreach (cell, list_copy(alter->table->columns))
		{
			DdlColumn *other = lfirst(cell);
			DdlAction more = {.kind = DDL_DROP_COLUMN, .name = other->name, .flag = action->flag};

			if (dbs_ddl_my_uses_column(other->generated, action->name))
				drop_column(alter, &more);
		}
		drop_uses(alter, action->name);
		alter->table->columns = list_delete_ptr(alter->table->columns, column);
	}
	else if (alter->table == NULL)
		dbs_ddl_raw_note(
			alter->raw, DBS_NOTE_WARNING,
			"column \"%s\": PostgreSQL drops the indexes and constraints that hold it; of those of several "
			"columns the target keeps the rest, as they are not known here",
			action->name);
	dbs_ddl_my_add_part(alter, "DROP COLUMN %s%s", dbs_ddl_my_if_exists(alter, action->if_exists, "IF EXISTS"),
						dbs_ddl_mysql_quote(action->name));
}

static void
rename_column(DdlMyAlter *alter, const DdlAction *action)
{
	DdlColumn *column = (DdlColumn *) dbs_ddl_my_find_column(alter->table, action->name);
	ListCell *cell;
	ListCell *inner;

	note_uses(alter, action->name);
	dbs_ddl_my_add_part(alter, "RENAME COLUMN %s TO %s", dbs_ddl_mysql_quote(action->name),
						dbs_ddl_mysql_quote(action->new_name));
	if (column == NULL)
		return;
	column->name = action->new_name;
	foreach (cell, alter->table->columns)
		rename_in(((DdlColumn *) lfirst(cell))->generated, action->name, action->new_name);
	foreach (cell, alter->table->checks)
		rename_in(((DdlCheck *) lfirst(cell))->expr, action->name, action->new_name);
	foreach (cell, alter->table->keys)
	{
		DdlKey *key = lfirst(cell);

		rename_in(key->where, action->name, action->new_name);
		foreach (inner, key->parts)
		{
			DdlKeyPart *part = lfirst(inner);

			rename_in(part->expr, action->name, action->new_name);
			if (part->column != NULL && strcmp(part->column, action->name) == 0)
				part->column = action->new_name;
		}
	}
	foreach (cell, alter->table->foreign_keys)
	{
		foreach (inner, ((DdlForeignKey *) lfirst(cell))->columns)
		{
			if (strcmp(lfirst(inner), action->name) == 0)
				lfirst(inner) = (void *) action->new_name;
		}
	}
}

/* What the action makes of the column. */
static void
change_column(DdlColumn *column, const DdlAction *action)
{
	switch (action->kind)
	{
		case DDL_SET_TYPE:
			column->type = action->column->type;
			break;
		case DDL_SET_NOT_NULL:
		case DDL_DROP_NOT_NULL:
			column->not_null = action->kind == DDL_SET_NOT_NULL;
			break;
		case DDL_ADD_IDENTITY:
		case DDL_DROP_IDENTITY:
			column->auto_increment = action->kind == DDL_ADD_IDENTITY;
			break;
		case DDL_SET_DEFAULT:
		case DDL_DROP_DEFAULT:
			column->default_value = action->kind == DDL_SET_DEFAULT ? action->expr : NULL;
			/* A serial column's default is its sequence. */
			if (column->identity_options == NULL)
				column->auto_increment = false;
			break;
		case DDL_SET_EXPRESSION:
		case DDL_DROP_EXPRESSION:
			column->generated = action->kind == DDL_SET_EXPRESSION ? action->expr : NULL;
			break;
		default:
			break;
	}
}

static const char *
type_in_keys(const DdlMyAlter *alter, const DdlColumn *column)
{
	int notes = list_length(alter->raw->out->notes);
	const char *type = dbs_ddl_my_type(alter->raw, column->type, column->name, true);

	alter->raw->out->notes = list_truncate(alter->raw->out->notes, notes);
	return type;
}

/* The change, and what it means for foreign keys. A text may get another length there. */
static void
track_change(DdlMyAlter *alter, DdlColumn *column, const DdlAction *action)
{
	const char *type = type_in_keys(alter, column);
	bool not_null = column->not_null;

	change_column(column, action);
	if (column->not_null && !not_null)
		alter->narrowed = lappend(alter->narrowed, (void *) column->name);
	if (strcmp(type, type_in_keys(alter, column)) != 0 && strstr(type, "CHAR") == NULL)
		alter->retyped = lappend(alter->retyped, (void *) column->name);
}

/* SET DEFAULT and DROP DEFAULT of a column of which nothing is known. */
static void
set_default(DdlMyAlter *alter, const DdlAction *action)
{
	DdlColumn stub = {.name = action->name, .type = &(DdlType){.family = DDL_TYPE_INT4}};
	const char *name = dbs_ddl_mysql_quote(action->name);
	const char *sql;

	stub.default_value = action->kind == DDL_SET_DEFAULT ? action->expr : NULL;
	sql = dbs_ddl_my_default(alter->raw, &stub, "INT");
	if (sql == NULL)
	{
		dbs_ddl_my_add_part(alter, "ALTER COLUMN %s DROP DEFAULT", name);
		return;
	}
	/* Here MySQL takes a function in parentheses only. */
	if (strncmp(sql, "CURRENT_TIMESTAMP", strlen("CURRENT_TIMESTAMP")) == 0)
		sql = psprintf("(%s)", sql);
	dbs_ddl_my_add_part(alter, "ALTER COLUMN %s SET DEFAULT %s", name, sql);
}

/*
 * Changes that MySQL can only write as the whole column anew.  So are SET DEFAULT and DROP DEFAULT of a column that is
 * known: MySQL takes no expression for a text in ALTER COLUMN, and keeps CURRENT_TIMESTAMP when a column is added in
 * the same statement.  write: this is the last such action of the column; MySQL takes one MODIFY, which holds them all.
 */
static void
modify_column(DdlMyAlter *alter, const DdlStatement *statement, const DdlAction *action, bool write)
{
	DdlColumn *column = (DdlColumn *) dbs_ddl_my_find_column(alter->table, action->name);
	DdlColumn stub = {.name = action->name};

	if (column != NULL)
		track_change(alter, column, action);
	else if (action->kind == DDL_SET_DEFAULT || action->kind == DDL_DROP_DEFAULT)
	{
		set_default(alter, action);
		return;
	}
	else if (action->kind == DDL_SET_TYPE)
	{
		column = &stub;
		column->type = action->column->type;
		dbs_ddl_raw_note(alter->raw, DBS_NOTE_WARNING,
						 "column \"%s\": MODIFY writes the whole column, of which only the type is known here",
						 action->name);
	}
	else
	{
		dbs_ddl_raw_note(alter->raw, DBS_NOTE_ERROR,
						 "column \"%s\": MySQL writes the whole column anew, and its type is not known here",
						 action->name);
		return;
	}
	if (write || column == &stub)
		dbs_ddl_my_add_modify(alter, column, table_to_come(alter, statement));
}

static bool
is_modify(const DdlAction *action)
{
	static const DdlActionKind kinds[] = {DDL_SET_TYPE,      DDL_SET_DEFAULT,    DDL_DROP_DEFAULT,
										  DDL_SET_NOT_NULL,  DDL_DROP_NOT_NULL,  DDL_ADD_IDENTITY,
										  DDL_DROP_IDENTITY, DDL_SET_EXPRESSION, DDL_DROP_EXPRESSION};

	for (int i = 0; i < lengthof(kinds); i++)
	{
		if (kinds[i] == action->kind)
			return true;
	}
	return false;
}

static bool
is_modified_later(const DdlStatement *statement, const ListCell *cell)
{
	const DdlAction *action = lfirst(cell);
	const ListCell *later;

	for_each_cell(later, statement->actions, lnext(statement->actions, cell))
	{
		const DdlAction *other = lfirst(later);

		if (is_modify(other) && strcmp(other->name, action->name) == 0)
			return true;
	}
	return false;
}

/* ---- the statement -------------------------------------------------------------------------- */

static void
write_action(DdlMyAlter *alter, const DdlStatement *statement, const ListCell *cell)
{
	const DdlAction *action = lfirst(cell);

	if (is_modify(action))
	{
		modify_column(alter, statement, action, !is_modified_later(statement, cell));
		return;
	}
	switch (action->kind)
	{
		case DDL_ADD_COLUMN:
			add_column(alter, statement, action);
			break;
		case DDL_DROP_COLUMN:
			drop_column(alter, action);
			break;
		case DDL_RENAME_COLUMN:
			rename_column(alter, action);
			break;
		case DDL_RENAME_CONSTRAINT:
			dbs_ddl_my_alter_rename_constraint(alter, action);
			break;
		case DDL_RENAME_TABLE_TO:
			dbs_ddl_my_add_part(alter, "RENAME TO %s", dbs_ddl_my_table_name(alter->raw, action->table));
			dbs_ddl_my_add_table(alter->raw, statement->name, false, true);
			dbs_ddl_my_add_table(alter->raw, action->table, true, false);
			dbs_ddl_raw_rename_table(alter->raw, statement->name, action->table);
			break;
		case DDL_ADD_KEY:
			dbs_ddl_my_alter_add_key(alter, action->key);
			break;
		case DDL_ADD_CHECK:
			dbs_ddl_my_alter_add_check(alter, action->check);
			break;
		case DDL_ADD_FOREIGN_KEY:
			dbs_ddl_my_alter_add_foreign_key(alter, action->foreign_key);
			break;
		case DDL_DROP_CONSTRAINT:
			dbs_ddl_my_alter_drop_constraint(alter, action);
			break;
		case DDL_SET_AUTO_INCREMENT:
			dbs_ddl_my_add_part(alter, "AUTO_INCREMENT = " INT64_FORMAT, action->number);
			break;
		default:
			dbs_ddl_raw_note(alter->raw, DBS_NOTE_ERROR, "an action of ALTER TABLE that is not carried over");
			break;
	}
}

/* The foreign keys whose actions the table, as it is, allows. */
static List *
acting_keys(const DdlMyAlter *alter)
{
	List *keys = NIL;
	ListCell *cell;

	foreach (cell, alter->table == NULL ? NIL : alter->table->foreign_keys)
	{
		if (dbs_ddl_my_keeps_actions(alter->raw, lfirst(cell), alter->table))
			keys = lappend(keys, lfirst(cell));
	}
	return keys;
}

/* Keys that were there before and stay: those whose actions are no longer allowed come anew, without them. */
static void
settle_foreign_keys(DdlMyAlter *alter, const List *before, const List *acting)
{
	ListCell *cell;
	ListCell *name;

	foreach (cell, alter->table == NULL ? NIL : alter->table->foreign_keys)
	{
		const DdlForeignKey *key = lfirst(cell);

		foreach (name, list_member_ptr(before, key) ? alter->retyped : NIL)
		{
			if (dbs_ddl_raw_has_name(key->columns, lfirst(name)))
				dbs_ddl_raw_note(alter->raw, DBS_NOTE_ERROR,
								 "column \"%s\" does not get another type in MySQL, since foreign key \"%s\" uses it, "
								 "and both its sides have one type: drop the key first and add it anew",
								 (const char *) lfirst(name), key->name);
		}
		if (!list_member_ptr(acting, key) || dbs_ddl_my_keeps_actions(alter->raw, key, alter->table))
			continue;
		dbs_ddl_my_add_part(alter, "DROP FOREIGN KEY %s", dbs_ddl_mysql_quote(key->name));
		alter->after = lappend(alter->after, psprintf("ADD %s", dbs_ddl_my_foreign_key(alter->raw, key, alter->table)));
	}
}

static void
write_statement(DdlMyAlter *alter, const char *exists)
{
	const char *name = dbs_ddl_my_table_name(alter->raw, alter->name);
	ListCell *cell;

	if (alter->sql.len > 0)
		dbs_ddl_my_sql(alter->raw, "ALTER TABLE %s%s %s", exists, name, alter->sql.data);
	resetStringInfo(&alter->sql);
	foreach (cell, alter->after)
		dbs_ddl_my_add_part(alter, "%s", (const char *) lfirst(cell));
	if (alter->sql.len > 0)
		dbs_ddl_my_sql(alter->raw, "ALTER TABLE %s%s %s", exists, name, alter->sql.data);
}

void
dbs_ddl_my_alter_table(DdlRaw *raw, DdlStatement *statement)
{
	DdlStatement *created = dbs_ddl_raw_find_table(raw, statement->name);
	DdlMyAlter alter = {raw, statement->name, created == NULL ? NULL : created->create};
	List *indexed = dbs_ddl_my_indexed_keys(alter.table);
	List *before = alter.table == NULL ? NIL : list_copy(alter.table->foreign_keys);
	List *acting = acting_keys(&alter);
	const char *exists;
	ListCell *cell;

	dbs_ddl_my_add_table(raw, statement->name, false, false);
	initStringInfo(&alter.sql);
	foreach (cell, statement->actions)
	{
		const DdlAction *action = lfirst(cell);

		if (action->kind == DDL_ADD_COLUMN || is_modify(action))
			alter.written =
				lappend(alter.written, (void *) (action->kind == DDL_ADD_COLUMN ? action->column->name : action->name));
		if (action->kind == DDL_ADD_COLUMN)
			alter.added = lappend(alter.added, (void *) action->column->name);
	}
	foreach (cell, statement->actions)
		write_action(&alter, statement, cell);
	if (alter.table != NULL && alter.table->columns == NIL && alter.table->like == NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "MySQL has no table without columns");
	settle_foreign_keys(&alter, before, acting);
	dbs_ddl_my_keep_indexes(&alter, indexed);
	exists = dbs_ddl_my_if_exists(&alter, statement->if_exists, "IF EXISTS");
	write_statement(&alter, exists);
	if (created != NULL)
		dbs_ddl_my_take_names(raw, created);
}
