/*
 * Statements other than CREATE TABLE and ALTER TABLE in PostgreSQL's words.
 */
#include "postgres.h"

#include "ddl_print.h"

static DdlKnownTable *
known_table(DdlPrinter *printer, const DdlName *name)
{
	return dbs_ddl_known_table(printer->known, dbs_ddl_target_schema(printer, name->schema),
							   dbs_ddl_fit(printer, name->name));
}

/* ---- DROP, TRUNCATE ----------------------------------------------------------------------- */

static void
drop_tables(DdlPrinter *printer, DdlStatement *statement)
{
	StringInfoData list;
	ListCell *cell;

	if (statement->temporary)
	{
		printer->out->class = printer->options->use_catalog ? DBS_DDL_IGNORE : printer->out->class;
		dbs_ddl_note(printer, DBS_NOTE_INFO, "temporary tables are seen by their own session only");
		if (printer->options->use_catalog)
			return;
	}
	initStringInfo(&list);
	foreach (cell, statement->names)
	{
		const DdlName *name = lfirst(cell);

		appendStringInfo(&list, "%s%s", list.len == 0 ? "" : ", ",
						 statement->temporary ? dbs_ddl_pg_qualified("pg_temp", dbs_ddl_fit(printer, name->name))
											  : dbs_ddl_pg_table(printer, name));
		if (statement->temporary)
			continue;
		dbs_ddl_add_table(printer, name, false, true);
		dbs_ddl_known_drop(printer->known, dbs_ddl_target_schema(printer, name->schema),
						   dbs_ddl_fit(printer, name->name));
	}
	dbs_ddl_sql(printer, "DROP TABLE %s%s", statement->if_exists ? "IF EXISTS " : "", list.data);
}

static void
drop_objects(DdlPrinter *printer, DdlStatement *statement, const char *kind)
{
	StringInfoData list;
	ListCell *cell;

	initStringInfo(&list);
	foreach (cell, statement->names)
	{
		const DdlName *name = lfirst(cell);

		appendStringInfo(&list, "%s%s", list.len == 0 ? "" : ", ",
						 statement->temporary ? dbs_ddl_pg_qualified("pg_temp", dbs_ddl_fit(printer, name->name))
											  : dbs_ddl_pg_table(printer, name));
	}
	dbs_ddl_sql(printer, "DROP %s %s%s", kind, statement->if_exists ? "IF EXISTS " : "", list.data);
}

static void
truncate_table(DdlPrinter *printer, DdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->names)
	{
		dbs_ddl_add_table(printer, lfirst(cell), false, false);
		dbs_ddl_sql(printer, "TRUNCATE TABLE %s RESTART IDENTITY", dbs_ddl_pg_table(printer, lfirst(cell)));
	}
}

/* ---- RENAME ------------------------------------------------------------------------------------ */

/* "old_rest" becomes "new_rest"; NULL when the name does not begin so. */
static const char *
with_new_prefix(const char *name, const char *from, const char *to)
{
	Size size = strlen(from);

	if (strncmp(name, from, size) != 0 || name[size] != '_')
		return NULL;
	return dbs_ddl_pg_index_name(to, name + size + 1);
}

/* Names made from the table's follow it, so that a later table of the old name finds its own free. */
static void
rename_belongings(DdlPrinter *printer, DdlKnownTable *table, const char *schema, const char *qualified,
				  const char *from, const char *to)
{
	ListCell *cell;

	foreach (cell, table->partitions)
	{
		DdlKnownPartition *partition = lfirst(cell);
		const char *name = with_new_prefix(partition->name, from, to);

		if (name == NULL || strcmp(name, partition->name) == 0)
			continue;
		dbs_ddl_sql(printer, "ALTER TABLE %s RENAME TO %s", dbs_ddl_pg_qualified(schema, partition->name),
					dbs_ddl_pg_quote(name));
		partition->name = name;
	}
	foreach (cell, table->keys)
	{
		DdlKnownKey *key = lfirst(cell);
		const char *part = key->name != NULL ? key->name : dbs_ddl_index_part(from, key->pg_name);
		const char *name = key->kind != DDL_KEY_PRIMARY && part != NULL
							   ? dbs_ddl_known_index_name(printer->known, schema, to, part)
							   : with_new_prefix(key->pg_name, from, to);

		if (name == NULL || strcmp(name, key->pg_name) == 0)
			continue;
		dbs_ddl_sql(printer, "ALTER INDEX %s RENAME TO %s", dbs_ddl_pg_qualified(schema, key->pg_name),
					dbs_ddl_pg_quote(name));
		dbs_ddl_known_rename_key(table, key, name);
	}
	/* MySQL renames the constraints that it named itself. */
	foreach (cell, table->constraints)
	{
		DdlKnownConstraint *constraint = lfirst(cell);
		Size size = strlen(from);
		const char *name;

		if (strncmp(constraint->name, from, size) != 0 ||
			(strncmp(constraint->name + size, "_ibfk_", 6) != 0 && strncmp(constraint->name + size, "_chk_", 5) != 0))
			continue;
		name = psprintf("%s%s", to, constraint->name + size);
		if (!constraint->missing)
			dbs_ddl_sql(printer, "ALTER TABLE %s RENAME CONSTRAINT %s TO %s", qualified,
						dbs_ddl_pg_name(printer, constraint->name), dbs_ddl_pg_name(printer, name));
		constraint->name = name;
	}
}

void
dbs_ddl_pg_rename_table(DdlPrinter *printer, const DdlName *from, const DdlName *to, bool if_exists)
{
	const char *from_schema = dbs_ddl_target_schema(printer, from->schema);
	const char *to_schema = dbs_ddl_target_schema(printer, to->schema);
	const char *from_name = dbs_ddl_fit(printer, from->name);
	const char *to_name = dbs_ddl_fit(printer, to->name);
	DdlKnownTable *table = known_table(printer, from);
	bool moves = to_schema != NULL && (from_schema == NULL || strcmp(from_schema, to_schema) != 0);
	const char *exists = if_exists ? "IF EXISTS " : "";
	const char *qualified = dbs_ddl_pg_qualified(from_schema, from_name);

	dbs_ddl_add_table(printer, from, false, true);
	dbs_ddl_add_table(printer, to, true, false);
	if (moves)
	{
		ListCell *cell;

		dbs_ddl_pg_ensure_schema(printer, to_schema);
		foreach (cell, table != NULL ? table->partitions : NIL)
			dbs_ddl_sql(printer, "ALTER TABLE %s SET SCHEMA %s",
						dbs_ddl_pg_qualified(from_schema, ((DdlKnownPartition *) lfirst(cell))->name),
						dbs_ddl_pg_quote(to_schema));
		dbs_ddl_sql(printer, "ALTER TABLE %s%s SET SCHEMA %s", exists, qualified, dbs_ddl_pg_quote(to_schema));
		qualified = dbs_ddl_pg_qualified(to_schema, from_name);
	}
	if (strcmp(from_name, to_name) != 0)
		dbs_ddl_pg_free_name(printer, to_schema == NULL ? from_schema : to_schema, to_name);
	if (strcmp(from_name, to_name) != 0)
		dbs_ddl_sql(printer, "ALTER TABLE %s%s RENAME TO %s", exists, qualified, dbs_ddl_pg_quote(to_name));
	qualified = dbs_ddl_pg_qualified(to_schema == NULL ? from_schema : to_schema, to_name);
	if (table == NULL || table->absent)
	{
		if (strcmp(from_name, to_name) != 0)
			dbs_ddl_note(printer, DBS_NOTE_INFO, "the indexes of \"%s\" are not known here and keep their names",
						 from->name);
		return;
	}
	rename_belongings(printer, table, to_schema, qualified, from_name, to_name);
	dbs_ddl_known_rename(printer->known, table, to_schema, to_name);
}

static void
rename_tables(DdlPrinter *printer, DdlStatement *statement)
{
	for (int i = 0; i + 1 < list_length(statement->names); i += 2)
		dbs_ddl_pg_rename_table(printer, list_nth(statement->names, i), list_nth(statement->names, i + 1),
								statement->if_exists);
}

/* ---- databases --------------------------------------------------------------------------------------- */

static void
print_schema(DdlPrinter *printer, DdlStatement *statement)
{
	DdlPrinter named = *printer;
	const char *schema;

	named.default_schema = NULL;
	/* ALTER DATABASE of the default one, which is not known. */
	if (statement->name->name == NULL)
	{
		if (statement->comment != NULL)
			dbs_ddl_note(printer, DBS_NOTE_WARNING, "ignored: COMMENT: no database is named, and none is the default");
		dbs_ddl_note_ignored(printer, statement->ignored, "");
		return;
	}
	schema = dbs_ddl_fit(printer, dbs_ddl_target_schema(&named, statement->name->name));
	printer->out->schema = statement->name->name;
	if (statement->kind == DDL_CREATE_SCHEMA)
	{
		dbs_ddl_sql(printer, "CREATE SCHEMA IF NOT EXISTS %s", dbs_ddl_pg_quote(schema));
		printer->known->schemas = lappend(printer->known->schemas, (void *) schema);
		if (statement->or_replace)
			dbs_ddl_note(
				printer, DBS_NOTE_ERROR,
				"OR REPLACE of a database, which drops its tables, is not carried over; drop those of schema \"%s\" "
				"by hand",
				schema);
	}
	else if (statement->kind == DDL_DROP_SCHEMA)
		dbs_ddl_sql(printer, "DROP SCHEMA IF EXISTS %s CASCADE", dbs_ddl_pg_quote(schema));
	if (statement->comment != NULL)
		dbs_ddl_sql(printer, "COMMENT ON SCHEMA %s IS %s", dbs_ddl_pg_quote(schema),
					dbs_ddl_pg_string(statement->comment, strlen(statement->comment)));
	dbs_ddl_note_ignored(printer, statement->ignored, "");
}

/* ---- views and sequences --------------------------------------------------------------------------------- */

static void
create_view(DdlPrinter *printer, DdlStatement *statement)
{
	const char *reason = statement->query_error;
	const char *query = NULL;
	const char *qualified;
	const char *sql;

	if (!statement->query_untranslatable)
		query = dbs_ddl_pg_query(printer, statement->query, &reason);
	qualified = query == NULL ? NULL : dbs_ddl_pg_table(printer, statement->name);
	if (query == NULL)
	{
		/* A view holds no rows: losing it is no loss of data. */
		dbs_ddl_note(printer, DBS_NOTE_WARNING, "the view is not carried over: %s", reason);
		return;
	}
	dbs_ddl_note_ignored(printer, statement->ignored, "");
	if (statement->or_replace)
		dbs_ddl_sql(printer, "DROP VIEW IF EXISTS %s", qualified);
	sql = psprintf("CREATE VIEW %s%s%s%s%s AS %s%s%s%s", qualified, statement->columns == NIL ? "" : " (",
				   statement->columns == NIL ? "" : dbs_ddl_pg_columns(printer, statement->columns),
				   statement->columns == NIL ? "" : ")", statement->invoker ? " WITH (security_invoker = true)" : "",
				   query, statement->check_option == NULL ? "" : " WITH ",
				   statement->check_option == NULL ? "" : statement->check_option,
				   statement->check_option == NULL ? "" : " CHECK OPTION");
	/* PostgreSQL has no IF NOT EXISTS for views. */
	if (statement->if_not_exists)
		sql = psprintf("DO $do$ BEGIN IF to_regclass(%s) IS NULL THEN %s; END IF; END $do$",
					   dbs_ddl_pg_string(qualified, strlen(qualified)), sql);
	dbs_ddl_sql(printer, "%s", sql);
}

static void
append_number(StringInfo sql, bool has, const char *words, int64 number)
{
	if (has)
		appendStringInfo(sql, " %s " INT64_FORMAT, words, number);
}

static void
print_sequence(DdlPrinter *printer, DdlStatement *statement)
{
	const DdlSequenceOptions *options = statement->sequence;
	const char *qualified = dbs_ddl_pg_table(printer, statement->name);
	StringInfoData sql;

	initStringInfo(&sql);
	if (statement->kind == DDL_CREATE_SEQUENCE)
	{
		if (statement->or_replace)
			dbs_ddl_sql(printer, "DROP SEQUENCE IF EXISTS %s", qualified);
		appendStringInfo(&sql, "CREATE %sSEQUENCE %s%s", statement->temporary ? "TEMPORARY " : "",
						 statement->if_not_exists ? "IF NOT EXISTS " : "", qualified);
	}
	else
		appendStringInfo(&sql, "ALTER SEQUENCE %s%s", statement->if_exists ? "IF EXISTS " : "", qualified);
	if (options->type != NULL)
		appendStringInfo(&sql, " AS %s", dbs_ddl_pg_type(printer, options->type, "sequence"));
	if (options->has_increment && options->increment == 0)
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "INCREMENT BY 0 takes the server's auto_increment_increment; here the sequence goes by 1");
	append_number(&sql, options->has_increment && options->increment != 0, "INCREMENT BY", options->increment);
	append_number(&sql, options->has_min, "MINVALUE", options->min);
	append_number(&sql, options->has_max, "MAXVALUE", options->max);
	if (options->no_min)
		appendStringInfoString(&sql, " NO MINVALUE");
	if (options->no_max)
		appendStringInfoString(&sql, " NO MAXVALUE");
	append_number(&sql, options->has_start, "START WITH", options->start);
	if (options->has_restart && options->restart == PG_INT64_MIN)
		appendStringInfoString(&sql, " RESTART");
	else
		append_number(&sql, options->has_restart, "RESTART WITH", options->restart);
	append_number(&sql, options->has_cache, "CACHE", Max(options->cache, 1));
	if (options->cycle || options->no_cycle)
		appendStringInfoString(&sql, options->cycle ? " CYCLE" : " NO CYCLE");
	if (statement->kind == DDL_ALTER_SEQUENCE && sql.data[sql.len - 1] == '"')
		return;
	dbs_ddl_sql(printer, "%s", sql.data);
	if (statement->comment != NULL)
		dbs_ddl_sql(printer, "COMMENT ON SEQUENCE %s IS %s", qualified,
					dbs_ddl_pg_string(statement->comment, strlen(statement->comment)));
	dbs_ddl_note_ignored(printer, statement->ignored, "");
}

/* ---- the choice ------------------------------------------------------------------------------------------------ */

void
dbs_ddl_pg_print(DdlPrinter *printer, DdlStatement *statement)
{
	switch (statement->kind)
	{
		case DDL_CREATE_TABLE:
			dbs_ddl_pg_create_table(printer, statement);
			break;
		case DDL_ALTER_TABLE:
			dbs_ddl_note_ignored(printer, statement->ignored, "");
			dbs_ddl_pg_alter_table(printer, statement);
			break;
		case DDL_DROP_TABLE:
			dbs_ddl_note_ignored(printer, statement->ignored, "");
			drop_tables(printer, statement);
			break;
		case DDL_RENAME_TABLE:
			rename_tables(printer, statement);
			break;
		case DDL_TRUNCATE_TABLE:
			dbs_ddl_note_ignored(printer, statement->ignored, "");
			truncate_table(printer, statement);
			break;
		case DDL_CREATE_SCHEMA:
		case DDL_ALTER_SCHEMA:
		case DDL_DROP_SCHEMA:
			print_schema(printer, statement);
			break;
		case DDL_CREATE_VIEW:
			create_view(printer, statement);
			break;
		case DDL_DROP_VIEW:
			dbs_ddl_note_ignored(printer, statement->ignored, "");
			drop_objects(printer, statement, "VIEW");
			break;
		case DDL_CREATE_SEQUENCE:
		case DDL_ALTER_SEQUENCE:
			print_sequence(printer, statement);
			break;
		case DDL_DROP_SEQUENCE:
			dbs_ddl_note_ignored(printer, statement->ignored, "");
			drop_objects(printer, statement, "SEQUENCE");
			break;
		case DDL_USE:
			printer->out->class = DBS_DDL_IGNORE;
			dbs_ddl_note(printer, DBS_NOTE_INFO, "the default database of what follows is \"%s\"",
						 statement->name->name);
			break;
		default:
			dbs_ddl_note(printer, DBS_NOTE_ERROR, "this statement cannot be written for PostgreSQL");
			break;
	}
}
