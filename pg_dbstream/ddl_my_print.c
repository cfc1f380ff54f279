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
			dbs_ddl_my_sql(raw, "DROP DATABASE %s%s", exists, dbs_ddl_mysql_quote(dbs_ddl_my_schema(raw, name->name)));
			continue;
		}
		if (statement->kind == DDL_DROP_TABLE)
			dbs_ddl_my_add_table(raw, name, false, true);
		appendStringInfo(&list, "%s%s", list.len == 0 ? "" : ", ", dbs_ddl_my_table_name(raw, name));
	}
	if (statement->kind == DDL_DROP_INDEX)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "an index of MySQL's is dropped by its table, which is not known here: %s stays", list.data);
	else if (statement->kind == DDL_DROP_SEQUENCE && raw->options->target == DBS_DIALECT_MYSQL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: MySQL has no sequences");
	else if (statement->kind != DDL_DROP_SCHEMA)
		dbs_ddl_my_sql(raw, "DROP %s %s%s",
					   statement->kind == DDL_DROP_VIEW       ? "VIEW"
					   : statement->kind == DDL_DROP_SEQUENCE ? "SEQUENCE"
															  : "TABLE",
					   exists, list.data);
}

static void
print_comment(DdlRaw *raw, DdlStatement *statement)
{
	DdlCreateTable *table = dbs_ddl_my_created_table(raw, statement->name);
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
		&sql, "%s SEQUENCE %s%s", statement->kind == DDL_CREATE_SEQUENCE ? "CREATE" : "ALTER",
		statement->if_not_exists ? (statement->kind == DDL_CREATE_SEQUENCE ? "IF NOT EXISTS " : "IF EXISTS ") : "",
		dbs_ddl_my_table_name(raw, statement->name));
	if (options->has_start)
		appendStringInfo(&sql, " START WITH " INT64_FORMAT, options->start);
	if (options->has_increment)
		appendStringInfo(&sql, " INCREMENT BY " INT64_FORMAT, options->increment);
	if (options->has_min)
		appendStringInfo(&sql, " MINVALUE " INT64_FORMAT, options->min);
	if (options->has_max)
		appendStringInfo(&sql, " MAXVALUE " INT64_FORMAT, options->max);
	if (options->has_cache)
		appendStringInfo(&sql, " CACHE " INT64_FORMAT, options->cache);
	if (options->cycle)
		appendStringInfoString(&sql, " CYCLE");
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
		case DDL_COMMENT:
			print_comment(raw, statement);
			break;
		default:
			break;
	}
}
