/*
 * Statements in MySQL's and MariaDB's words.
 */
#include "postgres.h"

#include "ddl_my.h"

void
dbs_ddl_my_sql(DdlRaw *raw, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	raw->out->sql = lappend(raw->out->sql, (void *) dbs_ddl_format(fmt, args));
	va_end(args);
}

/* ---- names --------------------------------------------------------------------------------- */

const char *
dbs_ddl_my_schema(DdlRaw *raw, const char *schema)
{
	ListCell *from;
	ListCell *to;

	if (schema == NULL)
		schema = raw->options->default_schema;
	if (schema == NULL)
		return NULL;
	forboth(from, raw->options->schema_from, to, raw->options->schema_to)
	{
		if (strcmp(lfirst(from), schema) == 0)
			return lfirst(to);
	}
	return schema;
}

const char *
dbs_ddl_my_table_name(DdlRaw *raw, const DdlName *name)
{
	const char *schema = dbs_ddl_my_schema(raw, name->schema);

	if (schema == NULL)
		return dbs_ddl_mysql_quote(name->name);
	return psprintf("%s.%s", dbs_ddl_mysql_quote(schema), dbs_ddl_mysql_quote(name->name));
}

const char *
dbs_ddl_my_columns(List *names)
{
	StringInfoData list;
	ListCell *cell;

	initStringInfo(&list);
	foreach (cell, names)
		appendStringInfo(&list, "%s%s", list.len == 0 ? "" : ", ", dbs_ddl_mysql_quote(lfirst(cell)));
	return list.data;
}

void
dbs_ddl_my_add_table(DdlRaw *raw, const DdlName *name, bool created, bool dropped)
{
	DbsDdlTable *table = palloc0(sizeof(DbsDdlTable));

	table->schema = name->schema != NULL ? name->schema : raw->options->default_schema;
	table->name = name->name;
	table->created = created;
	table->dropped = dropped;
	raw->out->tables = lappend(raw->out->tables, table);
}

/* The table that this text gave the index, and the index; false: neither is known. */
static bool
find_index(const DdlRaw *raw, const DdlName *index, DdlStatement **table, DdlKey **key)
{
	ListCell *cell;
	ListCell *key_cell;

	foreach (cell, raw->created)
	{
		*table = lfirst(cell);
		if (index->schema != NULL && (*table)->name->schema != NULL &&
			strcmp(index->schema, (*table)->name->schema) != 0)
			continue;
		foreach (key_cell, (*table)->create->keys)
		{
			*key = lfirst(key_cell);
			if ((*key)->name != NULL && strcmp((*key)->name, index->name) == 0)
				return true;
		}
	}
	return false;
}

/* One action on the table, as ALTER TABLE writes it. */
static void
alter_by(DdlRaw *raw, const DdlName *table, DdlAction *action)
{
	DdlStatement statement = {.kind = DDL_ALTER_TABLE};

	statement.name = (DdlName *) table;
	statement.actions = list_make1(action);
	dbs_ddl_my_alter_table(raw, &statement);
}

static void
print_drop_index(DdlRaw *raw, const DdlName *index)
{
	DdlAction action = {.kind = DDL_DROP_CONSTRAINT};
	DdlStatement *table;
	DdlKey *key;

	if (!find_index(raw, index, &table, &key))
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "an index of MySQL's is dropped by its table, which is not known here: %s stays",
						 dbs_ddl_my_table_name(raw, index));
		return;
	}
	action.name = key->name;
	alter_by(raw, table->name, &action);
}

static void
print_rename_index(DdlRaw *raw, const DdlStatement *statement)
{
	DdlAction action = {.kind = DDL_RENAME_CONSTRAINT, .new_name = statement->new_name};
	DdlStatement *table;
	DdlKey *key;

	if (!find_index(raw, statement->name, &table, &key))
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "index \"%s\" keeps its name: its table, which MySQL's statement needs, is not known here",
						 statement->name->name);
		return;
	}
	action.name = key->name;
	alter_by(raw, table->name, &action);
}

/* The columns of the enum that changed, written anew. */
static void
print_alter_type(DdlRaw *raw, const DdlStatement *statement)
{
	ListCell *cell;
	ListCell *column_cell;
	bool found = false;

	foreach (cell, raw->created)
	{
		const DdlStatement *table = lfirst(cell);

		foreach (column_cell, table->create->columns)
		{
			DdlColumn *column = lfirst(column_cell);
			DdlAction action = {.kind = DDL_SET_TYPE, .name = column->name, .column = column};

			if (column->type->family != DDL_TYPE_ENUM || column->type->labels != statement->old_labels)
				continue;
			column->type->labels = statement->labels;
			found = true;
			if (statement->labels != statement->old_labels && column->type->array_dimensions == 0)
				alter_by(raw, table->name, &action);
		}
	}
	if (!found)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "no column of this text is of type \"%s\"", statement->name->name);
}

/* Keys of other tables that refer to one that goes with CASCADE. */
static void
drop_referring(DdlRaw *raw, const DdlName *name)
{
	ListCell *cell;
	ListCell *key_cell;

	foreach (cell, raw->created)
	{
		const DdlStatement *table = lfirst(cell);

		if (strcmp(table->name->name, name->name) == 0)
			continue;
		foreach (key_cell, list_copy(table->create->foreign_keys))
		{
			const DdlForeignKey *key = lfirst(key_cell);
			DdlAction action = {.kind = DDL_DROP_CONSTRAINT, .name = key->name};

			if (strcmp(key->table->name, name->name) == 0)
				alter_by(raw, table->name, &action);
		}
	}
}

static void
print_drop_table(DdlRaw *raw, const DdlStatement *statement, const DdlName *name)
{
	if (statement->cascade)
	{
		drop_referring(raw, name);
		dbs_ddl_raw_note(
			raw, DBS_NOTE_WARNING,
			"CASCADE: the target drops no table that foreign keys refer to, of which those of this text are "
			"known");
	}
	dbs_ddl_my_add_table(raw, name, false, true);
	dbs_ddl_raw_forget_table(raw, name);
}

static void
print_drop(DdlRaw *raw, DdlStatement *statement)
{
	StringInfoData list;
	ListCell *cell;
	const char *exists = statement->if_exists ? "IF EXISTS " : "";

	initStringInfo(&list);
	foreach (cell, statement->names)
	{
		const DdlName *name = lfirst(cell);

		if (statement->kind == DDL_DROP_SCHEMA)
		{
			raw->out->schema = name->name;
			if (!statement->cascade)
				dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "MySQL's DROP DATABASE also drops what is in it");
			dbs_ddl_my_sql(raw, "DROP DATABASE %s%s", exists, dbs_ddl_mysql_quote(dbs_ddl_my_schema(raw, name->name)));
		}
		else if (statement->kind == DDL_DROP_INDEX)
			print_drop_index(raw, name);
		else if (statement->kind == DDL_DROP_TABLE)
			print_drop_table(raw, statement, name);
		appendStringInfo(&list, "%s%s", list.len == 0 ? "" : ", ", dbs_ddl_my_table_name(raw, name));
	}
	if (statement->kind == DDL_DROP_TABLE)
		dbs_ddl_my_sql(raw, "DROP TABLE %s%s", exists, list.data);
	else if (statement->kind == DDL_DROP_VIEW)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "views are left out, so there may be none: IF EXISTS");
		dbs_ddl_my_sql(raw, "DROP VIEW IF EXISTS %s", list.data);
	}
	else if (statement->kind == DDL_DROP_SEQUENCE && raw->options->target == DBS_DIALECT_MYSQL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: MySQL has no sequences");
	else if (statement->kind == DDL_DROP_SEQUENCE)
		dbs_ddl_my_sql(raw, "DROP SEQUENCE %s%s", exists, list.data);
}

static void
print_comment(DdlRaw *raw, DdlStatement *statement)
{
	DdlCreateTable *table = dbs_ddl_raw_created_table(raw, statement->name);
	DdlColumn *column;

	if (statement->comment_column == NULL)
	{
		dbs_ddl_my_sql(raw, "ALTER TABLE %s COMMENT = %s", dbs_ddl_my_table_name(raw, statement->name),
					   dbs_ddl_my_string(statement->comment, strlen(statement->comment)));
		return;
	}
	column = (DdlColumn *) dbs_ddl_my_find_column(table, statement->comment_column);
	if (column == NULL)
	{
		dbs_ddl_raw_note(
			raw, DBS_NOTE_WARNING,
			"the comment on \"%s\" is left out: MySQL writes the whole column anew, and it is not known here",
			statement->comment_column);
		return;
	}
	column->comment = statement->comment;
	dbs_ddl_my_sql(raw, "ALTER TABLE %s MODIFY COLUMN %s", dbs_ddl_my_table_name(raw, statement->name),
				   dbs_ddl_my_column(raw, column, table));
}

static void
print_sequence(DdlRaw *raw, DdlStatement *statement)
{
	const DdlSequenceOptions *options = statement->sequence;
	StringInfoData sql;

	if (raw->options->target == DBS_DIALECT_MYSQL)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "sequence \"%s\" is left out: MySQL has no sequences",
						 statement->name->name);
		return;
	}
	initStringInfo(&sql);
	appendStringInfo(
		&sql, "%s%s SEQUENCE %s%s", statement->kind == DDL_CREATE_SEQUENCE ? "CREATE" : "ALTER",
		statement->temporary ? " TEMPORARY" : "",
		statement->if_not_exists ? (statement->kind == DDL_CREATE_SEQUENCE ? "IF NOT EXISTS " : "IF EXISTS ") : "",
		dbs_ddl_my_table_name(raw, statement->name));
	if (options->has_start)
		appendStringInfo(&sql, " START WITH " INT64_FORMAT, options->start);
	if (options->has_increment)
		appendStringInfo(&sql, " INCREMENT BY " INT64_FORMAT, options->increment);
	if (options->has_min)
		appendStringInfo(&sql, " MINVALUE " INT64_FORMAT, Max(options->min, PG_INT64_MIN + 1));
	/* MariaDB keeps the two outermost numbers for itself. */
	if (options->has_max)
		appendStringInfo(&sql, " MAXVALUE " INT64_FORMAT, Min(options->max, PG_INT64_MAX - 1));
	if (options->no_min)
		appendStringInfoString(&sql, " NO MINVALUE");
	if (options->no_max)
		appendStringInfoString(&sql, " NO MAXVALUE");
	if (options->has_cache)
		appendStringInfo(&sql, " CACHE " INT64_FORMAT, options->cache);
	if (options->cycle)
		appendStringInfoString(&sql, " CYCLE");
	if (options->no_cycle)
		appendStringInfoString(&sql, " NOCYCLE");
	if (options->has_restart && options->restart != PG_INT64_MIN)
		appendStringInfo(&sql, " RESTART " INT64_FORMAT, options->restart);
	else if (options->has_restart)
		appendStringInfoString(&sql, " RESTART");
	dbs_ddl_my_sql(raw, "%s", sql.data);
}

void
dbs_ddl_my_print(DdlRaw *raw, DdlStatement *statement)
{
	ListCell *cell;

	switch (statement->kind)
	{
		case DDL_CREATE_TABLE:
			dbs_ddl_my_create_table(raw, statement);
			break;
		case DDL_ALTER_TABLE:
			dbs_ddl_my_alter_table(raw, statement);
			break;
		case DDL_DROP_TABLE:
		case DDL_DROP_VIEW:
		case DDL_DROP_INDEX:
		case DDL_DROP_SEQUENCE:
		case DDL_DROP_SCHEMA:
			print_drop(raw, statement);
			break;
		case DDL_TRUNCATE_TABLE:
			foreach (cell, statement->names)
			{
				dbs_ddl_my_add_table(raw, lfirst(cell), false, false);
				dbs_ddl_my_sql(raw, "TRUNCATE TABLE %s", dbs_ddl_my_table_name(raw, lfirst(cell)));
			}
			break;
		case DDL_CREATE_SCHEMA:
			raw->out->schema = statement->name->name;
			if (statement->name->name != NULL)
				dbs_ddl_my_sql(raw, "CREATE DATABASE %s%s", statement->if_not_exists ? "IF NOT EXISTS " : "",
							   dbs_ddl_mysql_quote(dbs_ddl_my_schema(raw, statement->name->name)));
			break;
		case DDL_CREATE_SEQUENCE:
		case DDL_ALTER_SEQUENCE:
			print_sequence(raw, statement);
			break;
		case DDL_RENAME_INDEX:
			print_rename_index(raw, statement);
			break;
		case DDL_ALTER_TYPE:
			print_alter_type(raw, statement);
			break;
		case DDL_COMMENT:
			print_comment(raw, statement);
			break;
		default:
			break;
	}
}
