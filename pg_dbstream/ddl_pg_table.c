/*
 * CREATE TABLE in PostgreSQL's words.
 */
#include "postgres.h"

#include "ddl_print.h"

void
dbs_ddl_pg_ensure_schema(DdlPrinter *printer, const char *schema)
{
	ListCell *cell;

	if (schema == NULL || printer->known->schema_exists == NULL)
		return;
	foreach (cell, printer->known->schemas)
	{
		if (strcmp(lfirst(cell), schema) == 0)
			return;
	}
	if (!printer->known->schema_exists(schema))
		dbs_ddl_sql(printer, "CREATE SCHEMA IF NOT EXISTS %s", dbs_ddl_pg_quote(schema));
	printer->known->schemas = lappend(printer->known->schemas, (void *) schema);
}

static void
append_element(StringInfo sql, bool *first, const char *element)
{
	appendStringInfo(sql, "%s\n\t%s", *first ? "" : ",", element);
	*first = false;
}

/* Column attributes that are keys become keys of the table, in MySQL's order. */
static void
lift_keys(DdlCreateTable *table)
{
	ListCell *cell;
	List *lifted = NIL;

	foreach (cell, table->columns)
	{
		DdlColumn *column = lfirst(cell);
		DdlKeyPart *part;
		DdlKey *key;

		if (!column->primary && !column->unique)
			continue;
		part = palloc0(sizeof(DdlKeyPart));
		part->column = column->name;
		key = palloc0(sizeof(DdlKey));
		key->kind = column->primary ? DDL_KEY_PRIMARY : DDL_KEY_UNIQUE;
		key->parts = list_make1(part);
		lifted = lappend(lifted, key);
		if (column->primary && column->unique)
		{
			key = palloc0(sizeof(DdlKey));
			key->kind = DDL_KEY_UNIQUE;
			key->parts = list_make1(part);
			lifted = lappend(lifted, key);
		}
	}
	table->keys = list_concat(lifted, table->keys);
}

/* In the primary key, or in any that must be unique. */
static bool
in_key(const DdlCreateTable *table, const DdlColumn *column, bool primary)
{
	ListCell *cell;
	ListCell *part_cell;

	foreach (cell, table->keys)
	{
		const DdlKey *key = lfirst(cell);

		if (key->kind != DDL_KEY_PRIMARY && (primary || key->kind != DDL_KEY_UNIQUE))
			continue;
		foreach (part_cell, key->parts)
		{
			const DdlKeyPart *part = lfirst(part_cell);

			if (part->column != NULL && pg_strcasecmp(part->column, column->name) == 0)
				return true;
		}
	}
	return false;
}

static void
normalize(DdlPrinter *printer, DdlCreateTable *table)
{
	ListCell *cell;
	ListCell *check;

	lift_keys(table);
	foreach (cell, table->columns)
	{
		DdlColumn *column = lfirst(cell);

		/* Row start and row end of a system-versioned table are filled in by the source. */
		if (column->system_time_start || column->system_time_end)
			table->system_versioned = true;
		dbs_ddl_normalize_column(column, table);
		if (in_key(table, column, true))
			column->not_null = true;
		if (!in_key(table, column, false))
			dbs_ddl_pg_take_zero_dates(printer, column);
		/* MySQL ignores REFERENCES written behind a column; MariaDB from 10.5 and MySQL from 9.0 heed it. */
		table->foreign_keys = list_concat(table->foreign_keys, column->foreign_keys);
		foreach (check, column->checks)
			table->checks = lappend(table->checks, lfirst(check));
	}
	if (table->system_versioned)
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "WITH SYSTEM VERSIONING has no equivalent: the table holds current rows only, without history");
	if (table->collation != NULL || table->charset != NULL)
		dbs_ddl_note(printer, DBS_NOTE_INFO,
					 "character set and collation (%s) are not carried over: text is UTF-8 and compares "
					 "by the database's collation",
					 table->collation != NULL ? table->collation : table->charset);
}

/* CREATE TABLE … LIKE: structure without rows. */
static void
create_like(DdlPrinter *printer, DdlStatement *statement)
{
	DdlCreateTable *create = statement->create;
	const char *qualified = dbs_ddl_pg_table(printer, statement->name);
	const char *schema = dbs_ddl_target_schema(printer, statement->name->schema);
	const char *name = dbs_ddl_fit(printer, statement->name->name);
	DdlName like_name = *create->like;
	DdlKnownTable *like = dbs_ddl_known_table(printer->known, dbs_ddl_target_schema(printer, like_name.schema),
											  dbs_ddl_fit(printer, like_name.name));
	DdlKnownTable *table;
	ListCell *cell;
	List *after = NIL;
	bool known = like != NULL && like->complete;

	dbs_ddl_sql(printer, "CREATE %sTABLE %s%s (LIKE %s INCLUDING ALL%s)", create->temporary ? "TEMPORARY " : "",
				create->if_not_exists ? "IF NOT EXISTS " : "", qualified, dbs_ddl_pg_table(printer, &like_name),
				known ? " EXCLUDING INDEXES" : "");
	if (!known)
	{
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "the indexes of \"%s\" are not known here; their copies get names of PostgreSQL's choice",
					 like_name.name);
		return;
	}
	table = dbs_ddl_known_create(printer->known, schema, name);
	table->columns = list_copy(like->columns);
	foreach (cell, like->keys)
	{
		DdlKnownKey *key = lfirst(cell);

		if (key->kind == DDL_KEY_PRIMARY && key->key != NULL)
			dbs_ddl_sql(printer, "ALTER TABLE %s ADD %s", qualified,
						dbs_ddl_pg_primary_key(printer, key->key, statement->name, table));
		else if (key->key != NULL && key->key->name != NULL)
			dbs_ddl_pg_key(printer, key->key, statement->name, table, &after);
		else if (strncmp(key->pg_name, like->name, strlen(like->name)) == 0 && key->pg_name[strlen(like->name)] == '_')
		{
			DdlKnownKey *copy = palloc(sizeof(DdlKnownKey));
			const char *index = key->pg_name + strlen(like->name) + 1;

			*copy = *key;
			copy->pg_name = dbs_ddl_pg_index_name(name, index);
			dbs_ddl_known_add_key(table, copy);
			after = lappend(after, psprintf("CREATE %sINDEX %s ON %s %s", key->kind == DDL_KEY_UNIQUE ? "UNIQUE " : "",
											dbs_ddl_pg_quote(copy->pg_name), qualified, key->pg_tail));
		}
		else
			dbs_ddl_note(printer, DBS_NOTE_WARNING,
						 "index \"%s\" of \"%s\" is not copied, since MySQL's name for it is not known", key->pg_name,
						 like->name);
	}
	foreach (cell, like->columns)
	{
		DdlKnownColumn *column = lfirst(cell);
		DdlColumn stub = {.name = column->name, .type = column->type};

		if (column->serial)
		{
			const char *sequence =
				dbs_ddl_pg_qualified(schema, dbs_ddl_pg_index_name(name, psprintf("%s_seq", column->name)));

			after = lappend(after, psprintf("CREATE SEQUENCE %s OWNED BY %s.%s", sequence, qualified,
											dbs_ddl_pg_quote(column->name)));
			after =
				lappend(after, psprintf("ALTER TABLE %s ALTER COLUMN %s SET DEFAULT nextval(%s::regclass)", qualified,
										dbs_ddl_pg_quote(column->name), dbs_ddl_pg_string(sequence, strlen(sequence))));
		}
		if (column->on_update)
			dbs_ddl_pg_on_update(printer, &stub, statement->name, &after);
	}
	foreach (cell, like->constraints)
	{
		const DdlKnownConstraint *constraint = lfirst(cell);

		if (constraint->kind == 'c')
			table->constraints = lappend(table->constraints, lfirst(cell));
	}
	foreach (cell, after)
		dbs_ddl_sql(printer, "%s", (char *) lfirst(cell));
}

static void
print_deferred(DdlPrinter *printer, const char *schema, const char *name)
{
	ListCell *cell;

	foreach (cell, printer->known->deferred)
	{
		const DdlDeferredKey *key = lfirst(cell);

		if (strcmp(key->table, name) != 0 || (key->schema == NULL) != (schema == NULL) ||
			(schema != NULL && strcmp(key->schema, schema) != 0))
			continue;
		dbs_ddl_sql(printer, "%s", key->sql);
		printer->known->deferred = foreach_delete_current(printer->known->deferred, cell);
	}
}

/* Foreign keys: inside the table when theirs is there, else after it, else when theirs comes. */
static void
print_foreign_keys(DdlPrinter *printer, DdlStatement *statement, DdlKnownTable *table, const char *qualified,
				   List **after)
{
	ListCell *cell;

	foreach (cell, statement->create->foreign_keys)
	{
		DdlForeignKey *key = lfirst(cell);
		bool deferred;
		const char *sql;
		int first = list_length(printer->out->sql);

		sql = dbs_ddl_pg_foreign_key(printer, key, statement->name, table, &deferred);
		/* The key's own index was printed at once; it belongs behind the table. */
		while (list_length(printer->out->sql) > first)
		{
			*after = lappend(*after, list_nth(printer->out->sql, first));
			printer->out->sql = list_delete_nth_cell(printer->out->sql, first);
		}
		if (sql == NULL)
			continue;
		sql = psprintf("ALTER TABLE %s ADD %s", qualified, sql);
		if (deferred)
		{
			DdlDeferredKey *later = palloc0(sizeof(DdlDeferredKey));
			DdlName referenced = *key->table;

			if (referenced.schema == NULL)
				referenced.schema = statement->name->schema;
			later->schema = dbs_ddl_target_schema(printer, referenced.schema);
			later->table = dbs_ddl_fit(printer, referenced.name);
			later->sql = sql;
			later->owner = printer->out;
			printer->known->deferred = lappend(printer->known->deferred, later);
		}
		else
			*after = lappend(*after, (void *) sql);
	}
}

/* CREATE TABLE … SELECT: what the query yields, after the columns that were written. */
static void
create_as(DdlPrinter *printer, DdlStatement *statement, const char *qualified)
{
	DdlCreateTable *create = statement->create;
	const char *reason = NULL;
	const char *query = dbs_ddl_pg_query(printer, create->query, &reason);

	if (query == NULL || create->columns != NIL || create->keys != NIL)
	{
		dbs_ddl_note(printer, DBS_NOTE_ERROR, "CREATE TABLE … SELECT cannot be carried over: %s",
					 query == NULL ? reason : "columns or keys are written beside the query");
		return;
	}
	dbs_ddl_note(printer, DBS_NOTE_WARNING, "the columns' types are those that PostgreSQL finds for the query");
	dbs_ddl_sql(printer, "CREATE %sTABLE %s%s AS %s", create->temporary ? "TEMPORARY " : "",
				create->if_not_exists ? "IF NOT EXISTS " : "", qualified, query);
}

/* What stands before the table itself; false when the table needs not be created. */
/* An index that bears the name of a table that comes gets another one. */
void
dbs_ddl_pg_free_name(DdlPrinter *printer, const char *schema, const char *name)
{
	const char *other = dbs_ddl_known_index_gives_way(printer->known, schema, name);

	if (other == NULL)
		return;
	dbs_ddl_sql(printer, "ALTER INDEX %s RENAME TO %s", dbs_ddl_pg_qualified(schema, name), dbs_ddl_pg_quote(other));
	dbs_ddl_note(printer, DBS_NOTE_INFO, "index \"%s\" is renamed \"%s\": the table takes its name", name, other);
}

static bool
prepare(DdlPrinter *printer, DdlStatement *statement, const char *qualified)
{
	DdlCreateTable *create = statement->create;
	const char *schema = dbs_ddl_target_schema(printer, statement->name->schema);

	if (create->temporary)
	{
		if (printer->options->use_catalog)
		{
			printer->out->class = DBS_DDL_IGNORE;
			dbs_ddl_note(printer, DBS_NOTE_INFO, "temporary tables are seen by their own session only");
			return false;
		}
		if (create->or_replace)
			dbs_ddl_sql(printer, "DROP TABLE IF EXISTS %s",
						dbs_ddl_pg_qualified("pg_temp", dbs_ddl_fit(printer, statement->name->name)));
		return true;
	}
	dbs_ddl_add_table(printer, statement->name, true, false);
	dbs_ddl_pg_ensure_schema(printer, schema);
	dbs_ddl_pg_free_name(printer, schema, dbs_ddl_fit(printer, statement->name->name));
	if (create->or_replace)
		dbs_ddl_sql(printer, "DROP TABLE IF EXISTS %s", qualified);
	else if (create->if_not_exists && printer->known->load != NULL)
	{
		DdlKnownTable *table = dbs_ddl_known_table(printer->known, schema, dbs_ddl_fit(printer, statement->name->name));

		if (table != NULL && !table->absent)
		{
			dbs_ddl_note(printer, DBS_NOTE_INFO, "table %s is there already", qualified);
			return false;
		}
	}
	return true;
}

static void
print_columns(DdlPrinter *printer, DdlStatement *statement, DdlKnownTable *table, StringInfo sql, bool *first,
			  List **before, List **after)
{
	const char *qualified = dbs_ddl_pg_table(printer, statement->name);
	ListCell *cell;

	foreach (cell, statement->create->columns)
	{
		DdlColumn *column = lfirst(cell);

		if (!column->system_time_start && !column->system_time_end)
			dbs_ddl_known_add_column(printer, table, column, dbs_ddl_pg_type(printer, column->type, column->name));
	}
	foreach (cell, statement->create->columns)
	{
		DdlColumn *column = lfirst(cell);
		const char *check;

		if (column->system_time_start || column->system_time_end)
			continue;
		append_element(
			sql, first,
			dbs_ddl_pg_column(printer, column, table, qualified, statement->create->auto_increment, before, after));
		check = dbs_ddl_pg_enum_check(printer, column);
		if (check != NULL)
			append_element(sql, first, check);
		if (column->on_update != NULL)
			dbs_ddl_pg_on_update(printer, column, statement->name, after);
	}
}

static bool
has_auto_increment(const DdlCreateTable *create)
{
	ListCell *cell;

	foreach (cell, create->columns)
	{
		if (((const DdlColumn *) lfirst(cell))->auto_increment)
			return true;
	}
	return false;
}

/* A key WITHOUT OVERLAPS holds its period's columns, the end first; both are NOT NULL. */
static void
resolve_periods(DdlPrinter *printer, DdlCreateTable *create)
{
	ListCell *period_cell;
	ListCell *cell;

	foreach (period_cell, create->periods)
	{
		const DdlPeriod *period = lfirst(period_cell);

		if (list_length(period->columns) != 2)
			continue;
		foreach (cell, create->columns)
		{
			DdlColumn *column = lfirst(cell);

			if (pg_strcasecmp(column->name, linitial(period->columns)) == 0 ||
				pg_strcasecmp(column->name, lsecond(period->columns)) == 0)
				column->not_null = true;
		}
		foreach (cell, create->keys)
		{
			DdlKey *key = lfirst(cell);

			if (!key->without_overlaps || pg_strcasecmp(key->without_overlaps_column, period->name) != 0)
				continue;
			for (int i = 1; i >= 0; i--)
			{
				DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));

				part->column = list_nth(period->columns, i);
				key->parts = lappend(key->parts, part);
			}
			key->without_overlaps_column = NULL;
		}
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "ignored: PERIOD FOR %s: PostgreSQL does not check the order of its columns", period->name);
	}
}

void
dbs_ddl_pg_create_table(DdlPrinter *printer, DdlStatement *statement)
{
	DdlCreateTable *create = statement->create;
	const char *qualified;
	const char *partition_by;
	DdlKnownTable *table;
	StringInfoData sql;
	bool first = true;
	List *before = NIL;
	List *after = NIL;
	ListCell *cell;

	if (create->temporary)
		statement->name->schema = NULL;
	qualified = create->temporary ? dbs_ddl_pg_name(printer, statement->name->name)
								  : dbs_ddl_pg_table(printer, statement->name);
	if (!prepare(printer, statement, qualified))
		return;
	if (create->like != NULL)
	{
		create_like(printer, statement);
		return;
	}
	if (create->query != NULL)
	{
		create_as(printer, statement, qualified);
		return;
	}
	normalize(printer, create);
	resolve_periods(printer, create);
	table = dbs_ddl_known_create(printer->known, dbs_ddl_target_schema(printer, statement->name->schema),
								 dbs_ddl_fit(printer, statement->name->name));
	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %sTABLE %s%s (", create->temporary ? "TEMPORARY " : "",
					 create->if_not_exists ? "IF NOT EXISTS " : "", qualified);
	print_columns(printer, statement, table, &sql, &first, &before, &after);
	foreach (cell, create->keys)
	{
		DdlKey *key = lfirst(cell);
		const char *element;

		if (key->kind == DDL_KEY_PRIMARY &&
			(element = dbs_ddl_pg_primary_key(printer, key, statement->name, table)) != NULL)
			append_element(&sql, &first, element);
	}
	foreach (cell, create->checks)
	{
		const char *element = dbs_ddl_pg_check(printer, lfirst(cell), statement->name, table);

		if (element != NULL)
			append_element(&sql, &first, element);
	}
	partition_by = create->partitioning == NULL ? "" : dbs_ddl_pg_partition_by(printer, create);
	appendStringInfo(&sql, "\n)%s", partition_by);
	foreach (cell, before)
		dbs_ddl_sql(printer, "%s", (char *) lfirst(cell));
	printer->out->sql = lappend(printer->out->sql, (void *) dbs_ddl_text(&sql));
	if (*partition_by != '\0')
		dbs_ddl_pg_partitions(printer, statement->name, create->partitioning);
	foreach (cell, create->keys)
		dbs_ddl_name_key(lfirst(cell), NULL, create);
	foreach (cell, create->keys)
	{
		DdlKey *key = lfirst(cell);

		key->if_not_exists |= create->if_not_exists;
		if (key->kind != DDL_KEY_PRIMARY)
			dbs_ddl_pg_key(printer, key, statement->name, table, &after);
	}
	print_foreign_keys(printer, statement, table, qualified, &after);
	if (create->auto_increment != 0 && !has_auto_increment(create))
		dbs_ddl_note(printer, DBS_NOTE_INFO, "ignored: AUTO_INCREMENT = " INT64_FORMAT ": no column takes it",
					 create->auto_increment);
	if (create->comment != NULL && *create->comment != '\0')
		dbs_ddl_pg_comment(printer, "TABLE", qualified, create->comment, &after);
	dbs_ddl_note_ignored(printer, create->ignored, "");
	foreach (cell, after)
		dbs_ddl_sql(printer, "%s", (char *) lfirst(cell));
	print_deferred(printer, table->schema, table->name);
}
