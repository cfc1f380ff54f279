/*
 * Keys, foreign keys and checks in MySQL's and MariaDB's words.
 */
#include "postgres.h"

#include "ddl_my.h"

bool
dbs_ddl_my_uses_column(const DdlExpr *expr, const char *name)
{
	ListCell *cell;

	if (expr == NULL)
		return false;
	if (expr->kind == DDL_EXPR_COLUMN && strcmp(expr->text, name) == 0)
		return true;
	foreach (cell, expr->args)
	{
		if (dbs_ddl_my_uses_column(lfirst(cell), name))
			return true;
	}
	return false;
}

/* In a key that compares whole values: an index that only finds rows can be of the first characters. */
bool
dbs_ddl_my_in_key(const DdlCreateTable *table, const char *column)
{
	ListCell *cell;
	ListCell *part_cell;

	foreach (cell, table->keys)
	{
		if (((DdlKey *) lfirst(cell))->kind == DDL_KEY_INDEX)
			continue;
		foreach (part_cell, ((DdlKey *) lfirst(cell))->parts)
		{
			const DdlKeyPart *part = lfirst(part_cell);

			if (part->column != NULL && part->length == 0 && strcmp(part->column, column) == 0)
				return true;
		}
	}
	foreach (cell, table->foreign_keys)
	{
		if (dbs_ddl_raw_has_name(((DdlForeignKey *) lfirst(cell))->columns, column))
			return true;
	}
	return false;
}

bool
dbs_ddl_my_is_long(DdlRaw *raw, const DdlColumn *column, const DdlCreateTable *table)
{
	int notes = list_length(raw->out->notes);
	const char *type = dbs_ddl_my_type(raw, column->type, column->name, dbs_ddl_my_in_key(table, column->name));

	/* What there is to say was said where the column was written. */
	raw->out->notes = list_truncate(raw->out->notes, notes);
	return strcmp(type, "LONGTEXT") == 0 || strcmp(type, "LONGBLOB") == 0;
}

bool
dbs_ddl_my_has_index(const DdlCreateTable *table, List *columns)
{
	ListCell *cell;

	foreach (cell, table->keys)
	{
		const DdlKey *key = lfirst(cell);
		int match = 0;

		while (match < list_length(columns) && match < list_length(key->parts))
		{
			const DdlKeyPart *part = list_nth(key->parts, match);

			if (part->column == NULL || part->length > 0 || key->where != NULL ||
				strcmp(part->column, list_nth(columns, match)) != 0)
				break;
			match++;
		}
		if (match == list_length(columns))
			return true;
	}
	return false;
}

/* Does the expression give a text of which MySQL does not know how long it may be? */
static bool
is_long_text(DdlRaw *raw, const DdlExpr *expr, const DdlCreateTable *table)
{
	static const char *const texts[] = {"lower",   "upper",   "btrim",    "ltrim", "rtrim",
										"replace", "reverse", "coalesce", "nullif"};
	const DdlColumn *column = expr->kind == DDL_EXPR_COLUMN ? dbs_ddl_my_find_column(table, expr->text) : NULL;
	bool text = expr->kind == DDL_EXPR_CASE || (expr->kind == DDL_EXPR_OPERATOR && strcmp(expr->text, "concat") == 0) ||
				(expr->kind == DDL_EXPR_CAST && dbs_ddl_is_text(expr->type->family));
	ListCell *cell;

	if (expr->kind == DDL_EXPR_COLUMN)
		return column != NULL && dbs_ddl_my_is_long(raw, column, table);
	for (int i = 0; i < lengthof(texts); i++)
		text |= expr->kind == DDL_EXPR_FUNCTION && strcmp(texts[i], expr->text) == 0;
	foreach (cell, text ? expr->args : NIL)
	{
		if (lfirst(cell) != NULL && is_long_text(raw, lfirst(cell), table))
			return true;
	}
	return false;
}

/* One part; NULL with a note. where: the predicate of a partial index, to be folded into an expression. */
static const char *
my_key_part(DdlRaw *raw, const DdlKey *key, const DdlKeyPart *part, const DdlCreateTable *table, const char *where)
{
	const char *reason = NULL;
	const char *sql;

	if (part->expr == NULL && where == NULL)
	{
		const DdlColumn *column = dbs_ddl_my_find_column(table, part->column);

		sql = dbs_ddl_mysql_quote(part->column);
		if (part->length > 0)
			sql = psprintf("%s(%d)", sql, part->length);
		else if (column != NULL && (column->type->family == DDL_TYPE_JSON || column->type->family == DDL_TYPE_JSONB ||
									column->type->array_dimensions > 0))
		{
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "index \"%s\" is not created: MySQL does not index JSON",
							 key->name);
			return NULL;
		}
		else if (column != NULL && key->kind == DDL_KEY_INDEX && dbs_ddl_my_is_long(raw, column, table))
			sql = psprintf("%s(%d)", sql, DDL_KEY_TEXT_LENGTH);
		return part->descending ? psprintf("%s DESC", sql) : sql;
	}
	if (raw->options->target == DBS_DIALECT_MARIADB)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "index \"%s\" is not created: MariaDB has no indexes of expressions",
						 key->name);
		return NULL;
	}
	if (part->expr != NULL)
		sql = dbs_ddl_my_expression(part->expr, raw->options, table, &reason);
	else if (part->length > 0)
		sql = psprintf("LEFT(%s, %d)", dbs_ddl_mysql_quote(part->column), part->length);
	else
		sql = dbs_ddl_mysql_quote(part->column);
	if (sql == NULL)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "index \"%s\" is not created: %s", key->name, reason);
		return NULL;
	}
	if (part->expr != NULL && is_long_text(raw, part->expr, table))
	{
		if (key->kind != DDL_KEY_INDEX)
		{
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
							 "index \"%s\" is not created: MySQL has none of an expression that gives a text without "
							 "a length",
							 key->name);
			return NULL;
		}
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "index \"%s\": of the first %d characters", key->name,
						 DDL_KEY_TEXT_LENGTH);
		sql = psprintf("CAST(%s AS CHAR(%d))", sql, DDL_KEY_TEXT_LENGTH);
	}
	/* Rows outside the predicate have a null there, and nulls are never equal. */
	if (where != NULL)
		sql = psprintf("CASE WHEN %s THEN %s END", where, sql);
	return psprintf("(%s)%s", sql, part->descending ? " DESC" : "");
}

/* "(…)": what the key is of; NULL with a note. */
const char *
dbs_ddl_my_key_parts(DdlRaw *raw, const DdlKey *key, const DdlCreateTable *table)
{
	StringInfoData parts;
	ListCell *cell;
	const char *where = NULL;
	const char *reason = NULL;

	if (key->method != NULL && strcmp(key->method, "btree") != 0 && strcmp(key->method, "hash") != 0)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "index \"%s\" is not created: MySQL has no %s indexes", key->name,
						 key->method);
		return NULL;
	}
	if (key->included != NIL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "index \"%s\": INCLUDE has no equivalent",
						 key->name == NULL ? "" : key->name);
	if (key->nulls_not_distinct)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "index \"%s\": nulls are distinct to MySQL",
						 key->name == NULL ? "" : key->name);
	if (key->where != NULL && key->kind == DDL_KEY_UNIQUE)
	{
		where = dbs_ddl_my_expression(key->where, raw->options, table, &reason);
		if (where == NULL)
		{
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
							 "index \"%s\" is not created: its predicate cannot be carried over: %s", key->name,
							 reason);
			return NULL;
		}
	}
	else if (key->where != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "index \"%s\": its predicate is left out; it covers all rows", key->name);
	initStringInfo(&parts);
	foreach (cell, key->parts)
	{
		const char *part = my_key_part(raw, key, lfirst(cell), table, where);

		if (part == NULL)
			return NULL;
		appendStringInfo(&parts, "%s%s", parts.len == 0 ? "" : ", ", part);
	}
	return psprintf("(%s)", parts.data);
}

const char *
dbs_ddl_my_key_kind(const DdlKey *key)
{
	return key->kind == DDL_KEY_PRIMARY ? "PRIMARY KEY" : key->kind == DDL_KEY_UNIQUE ? "UNIQUE KEY" : "KEY";
}

/* "KEY `name` (…)" as CREATE TABLE writes it; NULL with a note. */
const char *
dbs_ddl_my_key(DdlRaw *raw, const DdlKey *key, const DdlCreateTable *table)
{
	const char *parts = dbs_ddl_my_key_parts(raw, key, table);
	bool named = key->name != NULL && key->kind != DDL_KEY_PRIMARY;

	if (parts == NULL)
		return NULL;
	return psprintf("%s %s%s%s", dbs_ddl_my_key_kind(key), named ? dbs_ddl_mysql_quote(key->name) : "",
					named ? " " : "", parts);
}

const char *
dbs_ddl_my_new_key(DdlRaw *raw, DdlKey *key, const DdlCreateTable *table)
{
	const char *sql = dbs_ddl_my_key(raw, key, table);

	key->missing = sql == NULL;
	return sql;
}

/* What stands before the name of the table referred to. */
const char *
dbs_ddl_my_foreign_key_head(const DdlForeignKey *key)
{
	return psprintf("%s%s%sFOREIGN KEY (%s) REFERENCES ", key->name == NULL ? "" : "CONSTRAINT ",
					key->name == NULL ? "" : dbs_ddl_mysql_quote(key->name), key->name == NULL ? "" : " ",
					dbs_ddl_my_columns(key->columns));
}

/* MySQL wants the columns named: the referenced table's primary key. */
static List *
primary_columns(DdlRaw *raw, const DdlName *table)
{
	const DdlCreateTable *created = dbs_ddl_raw_created_table(raw, table);
	ListCell *cell;
	List *names = NIL;

	foreach (cell, created == NULL ? NIL : created->keys)
	{
		const DdlKey *primary = lfirst(cell);
		ListCell *part;

		if (primary->kind != DDL_KEY_PRIMARY || names != NIL)
			continue;
		foreach (part, primary->parts)
			names = lappend(names, (void *) ((DdlKeyPart *) lfirst(part))->column);
	}
	return names;
}

/* SET NULL for a column that is NOT NULL: MySQL does not take such a key. */
static bool
sets_not_null(const DdlForeignKey *key, const DdlCreateTable *table)
{
	ListCell *cell;

	if ((key->on_delete == NULL || strcmp(key->on_delete, "SET NULL") != 0) &&
		(key->on_update == NULL || strcmp(key->on_update, "SET NULL") != 0))
		return false;
	foreach (cell, key->columns)
	{
		const DdlColumn *column = dbs_ddl_my_find_column(table, lfirst(cell));

		if (column != NULL && column->not_null)
			return true;
	}
	return false;
}

static bool
is_cascade(const char *action)
{
	return action != NULL && strcmp(action, "CASCADE") == 0;
}

/* Has it an action that sets its own columns? */
static bool
changes_column(const DdlForeignKey *key)
{
	return (key->on_delete != NULL && strcmp(key->on_delete, "SET NULL") == 0) ||
		   (key->on_update != NULL && (strcmp(key->on_update, "SET NULL") == 0 || is_cascade(key->on_update)));
}

/* The generated column that is stored and uses a column of the key, or NULL. */
static const char *
stored_user(const DdlForeignKey *key, const DdlCreateTable *table)
{
	ListCell *cell;
	ListCell *name;

	foreach (cell, table == NULL ? NIL : table->columns)
	{
		const DdlColumn *column = lfirst(cell);

		foreach (name, column->generated != NULL && column->stored ? key->columns : NIL)
		{
			if (dbs_ddl_my_uses_column(column->generated, lfirst(name)))
				return column->name;
		}
	}
	return NULL;
}

/* Has it an action that is not taken where a stored generated column uses its column? To MySQL a row that goes is one.
 */
static bool
acts_on_stored(const DdlRaw *raw, const DdlForeignKey *key)
{
	return changes_column(key) || (raw->options->target == DBS_DIALECT_MYSQL && is_cascade(key->on_delete));
}

bool
dbs_ddl_my_keeps_actions(const DdlRaw *raw, const DdlForeignKey *key, const DdlCreateTable *table)
{
	return !sets_not_null(key, table) && !(acts_on_stored(raw, key) && stored_user(key, table) != NULL);
}

/* InnoDB takes SET DEFAULT and refuses the change then, as without an action. */
static void
append_action(DdlRaw *raw, StringInfo sql, const char *event, const char *action, const DdlForeignKey *key)
{
	if (action == NULL)
		return;
	if (strcmp(action, "SET DEFAULT") == 0)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "a foreign key to \"%s\": %s SET DEFAULT is left out: the target refuses the change",
						 key->table->name, event);
	else
		appendStringInfo(sql, " %s %s", event, action);
}

/* What stands behind it. */
const char *
dbs_ddl_my_foreign_key_tail(DdlRaw *raw, const DdlForeignKey *key, const DdlCreateTable *table)
{
	List *referenced = key->referenced != NIL ? key->referenced : primary_columns(raw, key->table);
	StringInfoData sql;

	initStringInfo(&sql);
	if (referenced == NIL)
		dbs_ddl_raw_note(
			raw, DBS_NOTE_ERROR,
			"a foreign key to \"%s\" names no columns, which MySQL needs, and that table's key is not known here",
			key->table->name);
	else
		appendStringInfo(&sql, " (%s)", dbs_ddl_my_columns(referenced));
	if (sets_not_null(key, table))
	{
		dbs_ddl_raw_note(
			raw, DBS_NOTE_INFO,
			"a foreign key to \"%s\" would set a column to NULL that may not be NULL: without an action MySQL "
			"refuses the change, as PostgreSQL does",
			key->table->name);
		return sql.data;
	}
	if (!dbs_ddl_my_keeps_actions(raw, key, table))
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "foreign key \"%s\" to \"%s\" goes without its actions, as generated column \"%s\" uses its "
						 "column: the target refuses the change",
						 key->name == NULL ? "" : key->name, key->table->name, stored_user(key, table));
		return sql.data;
	}
	append_action(raw, &sql, "ON DELETE", key->on_delete, key);
	append_action(raw, &sql, "ON UPDATE", key->on_update, key);
	if (key->deferrable)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "a foreign key: DEFERRABLE has no equivalent; it is checked at once");
	return sql.data;
}

const char *
dbs_ddl_my_foreign_key(DdlRaw *raw, const DdlForeignKey *key, const DdlCreateTable *table)
{
	const char *head = dbs_ddl_my_foreign_key_head(key);

	return psprintf("%s%s%s", head, dbs_ddl_my_table_name(raw, key->table),
					dbs_ddl_my_foreign_key_tail(raw, key, table));
}

static bool
uses_auto_increment(const DdlExpr *expr, const DdlCreateTable *table)
{
	ListCell *cell;

	if (expr == NULL)
		return false;
	if (expr->kind == DDL_EXPR_COLUMN)
	{
		const DdlColumn *column = dbs_ddl_my_find_column(table, expr->text);

		return column != NULL && column->auto_increment;
	}
	foreach (cell, expr->args)
	{
		if (uses_auto_increment(lfirst(cell), table))
			return true;
	}
	return false;
}

const char *
dbs_ddl_my_check(DdlRaw *raw, const DdlCheck *check, const DdlCreateTable *table)
{
	const char *reason = NULL;
	const char *sql = dbs_ddl_my_expression(check->expr, raw->options, table, &reason);
	ListCell *cell;

	if (uses_auto_increment(check->expr, table))
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "check \"%s\" is not created: MySQL allows none on an AUTO_INCREMENT column",
						 check->name == NULL ? "" : check->name);
		return NULL;
	}
	foreach (cell, table != NULL ? table->foreign_keys : NIL)
	{
		const DdlForeignKey *key = lfirst(cell);
		ListCell *name;

		foreach (name, changes_column(key) && dbs_ddl_my_keeps_actions(raw, key, table) ? key->columns : NIL)
		{
			if (!dbs_ddl_my_uses_column(check->expr, lfirst(name)))
				continue;
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
							 "check \"%s\" is not created: the target allows none on column \"%s\", which a foreign "
							 "key's action changes",
							 check->name == NULL ? "" : check->name, (const char *) lfirst(name));
			return NULL;
		}
	}
	if (check->not_enforced && raw->options->target == DBS_DIALECT_MARIADB)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "check \"%s\" is not created: MariaDB has no NOT ENFORCED",
						 check->name == NULL ? "" : check->name);
		return NULL;
	}
	if (sql == NULL)
	{
		dbs_ddl_raw_note(raw, check->of_domain ? DBS_NOTE_WARNING : DBS_NOTE_ERROR,
						 check->of_domain ? "check \"%s\", a domain's, is not created: %s"
										  : "check \"%s\" cannot be carried over: %s",
						 check->name == NULL ? "" : check->name, reason);
		return NULL;
	}
	return psprintf("%s%s%sCHECK (%s)%s", check->name == NULL ? "" : "CONSTRAINT ",
					check->name == NULL ? "" : dbs_ddl_mysql_quote(check->name), check->name == NULL ? "" : " ", sql,
					check->not_enforced ? " NOT ENFORCED" : "");
}

const char *
dbs_ddl_my_new_check(DdlRaw *raw, DdlCheck *check, const DdlCreateTable *table)
{
	const char *sql = dbs_ddl_my_check(raw, check, table);

	check->missing = sql == NULL;
	return sql;
}
