/*
 * Keys and constraints in ALTER TABLE of MySQL and MariaDB.
 */
#include "postgres.h"

#include "commands/defrem.h"

#include "ddl_my_alter.h"

bool
dbs_ddl_my_has_expression(const DdlKey *key)
{
	ListCell *cell;

	foreach (cell, key->parts)
	{
		if (((const DdlKeyPart *) lfirst(cell))->expr != NULL)
			return true;
	}
	return key->where != NULL && key->kind == DDL_KEY_UNIQUE;
}

void
dbs_ddl_my_alter_drop_key(DdlMyAlter *alter, DdlKey *key)
{
	if (key->missing)
		dbs_ddl_raw_note(alter->raw, DBS_NOTE_INFO, "index \"%s\" was not created, so it is not dropped", key->name);
	else if (key->kind == DDL_KEY_PRIMARY)
		dbs_ddl_my_add_part(alter, "DROP PRIMARY KEY");
	/* MySQL drops no column in the statement that drops an index of an expression with it. */
	else if (dbs_ddl_my_has_expression(key))
		dbs_ddl_my_sql(alter->raw, "ALTER TABLE %s DROP INDEX %s", dbs_ddl_my_table_name(alter->raw, alter->name),
					   dbs_ddl_mysql_quote(key->name));
	else
		dbs_ddl_my_add_part(alter, "DROP INDEX %s", dbs_ddl_mysql_quote(key->name));
	alter->table->keys = list_delete_ptr(alter->table->keys, key);
}

void
dbs_ddl_my_alter_drop_check(DdlMyAlter *alter, DdlCheck *check)
{
	if (!check->missing)
		dbs_ddl_my_add_part(alter, "DROP %s %s", dbs_ddl_my_is_mysql(alter) ? "CHECK" : "CONSTRAINT",
							dbs_ddl_mysql_quote(check->name));
	alter->table->checks = list_delete_ptr(alter->table->checks, check);
}

void
dbs_ddl_my_alter_drop_foreign_key(DdlMyAlter *alter, DdlForeignKey *key)
{
	if (!dbs_ddl_my_has_index(alter->table, key->columns))
		dbs_ddl_raw_note(alter->raw, DBS_NOTE_INFO, "the index \"%s\" that the foreign key brought along stays",
						 key->name);
	dbs_ddl_my_add_part(alter, "DROP FOREIGN KEY %s", dbs_ddl_mysql_quote(key->name));
	alter->table->foreign_keys = list_delete_ptr(alter->table->foreign_keys, key);
}

static void
add_plain_key(DdlMyAlter *alter, const char *name, List *columns)
{
	DdlKey *key = palloc0(sizeof(DdlKey));
	ListCell *cell;

	key->kind = DDL_KEY_INDEX;
	key->name = name;
	foreach (cell, columns)
	{
		DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));

		part->column = lfirst(cell);
		key->parts = lappend(key->parts, part);
	}
	alter->table->keys = lappend(alter->table->keys, key);
	dbs_ddl_raw_note(alter->raw, DBS_NOTE_INFO, "gets an index \"%s\", which its columns need", name);
	dbs_ddl_my_add_part(alter, "ADD %s", dbs_ddl_my_new_key(alter->raw, key, alter->table));
}

/* Foreign keys that use an index which was made for another purpose. */
List *
dbs_ddl_my_indexed_keys(const DdlCreateTable *table)
{
	List *keys = NIL;
	ListCell *cell;

	foreach (cell, table == NULL ? NIL : table->foreign_keys)
	{
		if (dbs_ddl_my_has_index(table, ((DdlForeignKey *) lfirst(cell))->columns))
			keys = lappend(keys, lfirst(cell));
	}
	return keys;
}

/* A foreign key needs an index, and AUTO_INCREMENT one that begins with its column: where the last one went, another.
 */
void
dbs_ddl_my_keep_indexes(DdlMyAlter *alter, List *indexed)
{
	ListCell *cell;

	if (alter->table == NULL)
		return;
	foreach (cell, indexed)
	{
		const DdlForeignKey *key = lfirst(cell);

		if (list_member_ptr(alter->table->foreign_keys, key) && !dbs_ddl_my_has_index(alter->table, key->columns))
			add_plain_key(alter, key->name, key->columns);
	}
	foreach (cell, alter->table->columns)
	{
		const DdlColumn *column = lfirst(cell);
		List *names = list_make1((void *) column->name);

		if (column->auto_increment && column->generated == NULL && !dbs_ddl_my_has_index(alter->table, names))
			add_plain_key(alter, column->name, names);
	}
}

/* NOT NULL has a name in PostgreSQL 18 and may be dropped by it. */
static DdlColumn *
find_not_null(DdlMyAlter *alter, const char *name)
{
	ListCell *cell;

	foreach (cell, alter->table->columns)
	{
		DdlColumn *column = lfirst(cell);

		if (strcmp(makeObjectName(alter->name->name, column->name, "not_null"), name) == 0)
			return column;
	}
	return NULL;
}

static bool
is_called(const char *name, const char *source_name, const char *wanted)
{
	return strcmp(source_name != NULL ? source_name : name, wanted) == 0;
}

/* True when the table is known and has it. */
static bool
drop_known_constraint(DdlMyAlter *alter, const char *name)
{
	DdlColumn *column;
	ListCell *cell;

	if (alter->table == NULL)
		return false;
	foreach (cell, alter->table->keys)
	{
		if (strcmp(((DdlKey *) lfirst(cell))->name, name) == 0)
		{
			dbs_ddl_my_alter_drop_key(alter, lfirst(cell));
			return true;
		}
	}
	foreach (cell, alter->table->checks)
	{
		const DdlCheck *check = lfirst(cell);

		if (is_called(check->name, check->source_name, name))
		{
			dbs_ddl_my_alter_drop_check(alter, lfirst(cell));
			return true;
		}
	}
	foreach (cell, alter->table->foreign_keys)
	{
		const DdlForeignKey *key = lfirst(cell);

		if (is_called(key->name, key->source_name, name))
		{
			dbs_ddl_my_alter_drop_foreign_key(alter, lfirst(cell));
			return true;
		}
	}
	column = find_not_null(alter, name);
	if (column == NULL)
		return false;
	column->not_null = false;
	dbs_ddl_my_add_modify(alter, column, alter->table);
	return true;
}

void
dbs_ddl_my_alter_drop_constraint(DdlMyAlter *alter, const DdlAction *action)
{
	const char *name = action->name;

	if (drop_known_constraint(alter, name))
		return;
	if (alter->table != NULL && action->if_exists)
		dbs_ddl_raw_note(alter->raw, DBS_NOTE_INFO, "constraint \"%s\" is not there", name);
	/* PostgreSQL names the primary key, MySQL does not. */
	else if (strlen(name) > 5 && strcmp(name + strlen(name) - 5, "_pkey") == 0)
		dbs_ddl_my_add_part(alter, "DROP PRIMARY KEY");
	else
		dbs_ddl_my_add_part(alter, "DROP CONSTRAINT %s%s", dbs_ddl_my_if_exists(alter, action->if_exists, "IF EXISTS"),
							dbs_ddl_mysql_quote(name));
}

/* Columns without a length get one when a key comes that needs it. */
static void
give_lengths(DdlMyAlter *alter, List *names, List *were_long)
{
	ListCell *cell;

	foreach (cell, names)
	{
		const DdlColumn *column = dbs_ddl_my_find_column(alter->table, lfirst(cell));

		if (column != NULL && dbs_ddl_raw_has_name(were_long, column->name) &&
			!dbs_ddl_raw_has_name(alter->written, column->name) &&
			!dbs_ddl_my_is_long(alter->raw, column, alter->table))
			dbs_ddl_my_add_modify(alter, column, alter->table);
	}
}

static List *
long_columns(DdlMyAlter *alter)
{
	List *names = NIL;
	ListCell *cell;

	if (alter->table == NULL)
		return NIL;
	foreach (cell, alter->table->columns)
	{
		const DdlColumn *column = lfirst(cell);

		if (dbs_ddl_my_is_long(alter->raw, column, alter->table))
			names = lappend(names, (void *) column->name);
	}
	return names;
}

static List *
key_columns(const DdlKey *key)
{
	List *names = NIL;
	ListCell *cell;

	foreach (cell, key->parts)
	{
		const DdlKeyPart *part = lfirst(cell);

		if (part->column != NULL && part->length == 0)
			names = lappend(names, (void *) part->column);
	}
	return names;
}

/* A primary key's columns are NOT NULL from then on, also where they are written anew. */
static void
forbid_nulls(DdlMyAlter *alter, const DdlKey *key)
{
	ListCell *cell;

	foreach (cell, key_columns(key))
	{
		DdlColumn *column = (DdlColumn *) dbs_ddl_my_find_column(alter->table, lfirst(cell));

		if (column != NULL)
			column->not_null = true;
	}
}

static void
add_new_key(DdlMyAlter *alter, DdlKey *key)
{
	const char *sql = dbs_ddl_my_new_key(alter->raw, key, alter->table);

	if (sql != NULL)
		dbs_ddl_my_add_part(alter, "ADD %s", sql);
}

static void
note_missing(DdlMyAlter *alter, const DdlKey *key, const char *new_name)
{
	dbs_ddl_raw_note(alter->raw, DBS_NOTE_INFO, "index \"%s\" was not created, so \"%s\" is none", key->name, new_name);
}

/* ADD CONSTRAINT … USING INDEX: the index becomes the constraint and takes its name. */
static void
use_index(DdlMyAlter *alter, DdlKey *key)
{
	DdlKey *index = NULL;
	ListCell *cell;

	foreach (cell, alter->table == NULL ? NIL : alter->table->keys)
	{
		if (strcmp(((DdlKey *) lfirst(cell))->name, key->using_index) == 0)
			index = lfirst(cell);
	}
	if (key->kind == DDL_KEY_PRIMARY && index == NULL)
	{
		dbs_ddl_raw_note(alter->raw, DBS_NOTE_ERROR,
						 "PRIMARY KEY USING INDEX cannot be carried over: the columns of \"%s\" are not known here",
						 key->using_index);
		return;
	}
	if (key->kind == DDL_KEY_PRIMARY)
	{
		if (!index->missing)
			dbs_ddl_my_add_part(alter, "DROP INDEX %s", dbs_ddl_mysql_quote(index->name));
		index->kind = DDL_KEY_PRIMARY;
		forbid_nulls(alter, index);
		add_new_key(alter, index);
	}
	else if (index != NULL && index->missing)
		note_missing(alter, index, key->name);
	else if (strcmp(key->using_index, key->name) != 0)
		dbs_ddl_my_add_part(alter, "RENAME INDEX %s TO %s", dbs_ddl_mysql_quote(key->using_index),
							dbs_ddl_mysql_quote(key->name));
	if (index != NULL)
		index->name = key->name, index->is_constraint = true;
}

void
dbs_ddl_my_alter_add_key(DdlMyAlter *alter, DdlKey *key)
{
	List *were_long = long_columns(alter);

	if (key->using_index != NULL)
	{
		use_index(alter, key);
		return;
	}
	if (alter->table != NULL)
	{
		alter->table->keys = lappend(alter->table->keys, key);
		if (key->kind == DDL_KEY_PRIMARY)
			forbid_nulls(alter, key);
		if (key->kind != DDL_KEY_INDEX)
			give_lengths(alter, key_columns(key), were_long);
	}
	add_new_key(alter, key);
	if (key->if_not_exists)
		dbs_ddl_raw_note(alter->raw, DBS_NOTE_WARNING, "index \"%s\": IF NOT EXISTS is left out", key->name);
}

static void
settle_names(DdlMyAlter *alter, List *checks, List *foreign_keys)
{
	DdlStatement statement = {.kind = DDL_ALTER_TABLE, .name = (DdlName *) alter->name, .create = alter->table};

	dbs_ddl_my_settle_names(alter->raw, &statement, checks, foreign_keys);
}

void
dbs_ddl_my_alter_add_foreign_key(DdlMyAlter *alter, DdlForeignKey *key)
{
	List *were_long = long_columns(alter);

	settle_names(alter, NIL, list_make1(key));
	if (alter->table != NULL)
	{
		if (!list_member_ptr(alter->table->foreign_keys, key))
			alter->table->foreign_keys = lappend(alter->table->foreign_keys, key);
		give_lengths(alter, key->columns, were_long);
	}
	dbs_ddl_my_add_part(alter, "ADD %s", dbs_ddl_my_foreign_key(alter->raw, key, alter->table));
}

void
dbs_ddl_my_alter_add_check(DdlMyAlter *alter, DdlCheck *check)
{
	const char *sql;

	settle_names(alter, list_make1(check), NIL);
	sql = dbs_ddl_my_new_check(alter->raw, check, alter->table);

	if (alter->table != NULL)
		alter->table->checks = lappend(alter->table->checks, check);
	if (sql != NULL)
		dbs_ddl_my_add_part(alter, "ADD %s", sql);
}

void
dbs_ddl_my_alter_rename_constraint(DdlMyAlter *alter, const DdlAction *action)
{
	ListCell *cell;

	foreach (cell, alter->table == NULL ? NIL : alter->table->keys)
	{
		DdlKey *key = lfirst(cell);

		if (strcmp(key->name, action->name) != 0)
			continue;
		if (key->kind == DDL_KEY_PRIMARY)
			dbs_ddl_raw_note(alter->raw, DBS_NOTE_INFO, "the target's primary key has no name");
		else if (!key->missing)
			dbs_ddl_my_add_part(alter, "RENAME INDEX %s TO %s", dbs_ddl_mysql_quote(key->name),
								dbs_ddl_mysql_quote(action->new_name));
		else
			note_missing(alter, key, action->new_name);
		key->name = action->new_name;
		return;
	}
	foreach (cell, alter->table == NULL ? NIL : alter->table->checks)
	{
		DdlCheck *check = lfirst(cell);

		if (!is_called(check->name, check->source_name, action->name))
			continue;
		dbs_ddl_my_alter_drop_check(alter, check);
		check->source_name = NULL;
		check->name = action->new_name;
		dbs_ddl_my_alter_add_check(alter, check);
		return;
	}
	foreach (cell, alter->table == NULL ? NIL : alter->table->foreign_keys)
	{
		DdlForeignKey *key = lfirst(cell);

		if (!is_called(key->name, key->source_name, action->name))
			continue;
		dbs_ddl_my_alter_drop_foreign_key(alter, key);
		key->source_name = NULL;
		key->name = action->new_name;
		dbs_ddl_my_alter_add_foreign_key(alter, key);
		return;
	}
	dbs_ddl_raw_note(alter->raw, DBS_NOTE_WARNING,
					 "constraint \"%s\" keeps its name: of what kind it is is not known here", action->name);
}
