/*
 * Actions of ALTER TABLE by which something comes, in PostgreSQL's words.
 */
#include "postgres.h"

#include "ddl_pg_alter.h"

/*
 * The default that fills the rows that are there, where it is not the one for rows to come (*lasting): that may vary.
 * NULL when it does not, or nothing can be done about it; a note says so then.
 */
static const char *
default_for_rows(DdlAlter *alter, const DdlColumn *column, const char **lasting)
{
	DdlPrinter *printer = alter->printer;
	int notes = list_length(printer->out->notes);
	const char *value = column->auto_increment || column->generated != NULL
							? NULL
							: dbs_ddl_pg_default(printer, column, column->default_value);
	DdlVariation variation = value == NULL ? DDL_VARIES_NEVER : dbs_ddl_pg_variation(value);
	const char *reason = "each row has a value of its own there";
	const char *fixed = NULL;

	/* They come again where the column is printed. */
	printer->out->notes = list_truncate(printer->out->notes, notes);
	if (variation == DDL_VARIES_NEVER)
		return NULL;
	if (variation == DDL_VARIES_BY_TIME)
		fixed = dbs_ddl_pg_at_moment(printer->options, column->default_value, value, &reason);
	*lasting = value;
	if (fixed != NULL)
		return fixed;
	if (printer->known->load != NULL && (alter->table == NULL || !alter->table->empty))
		dbs_ddl_note(printer, DBS_NOTE_ERROR,
					 "column \"%s\": rows that are there would get the default as it is evaluated here, which is not "
					 "what they have at the source (%s): add the column by hand, with the values from there",
					 column->name, reason);
	else
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "column \"%s\": rows that are there get the default as it is evaluated here", column->name);
	return NULL;
}

void
dbs_ddl_alter_add_column(DdlAlter *alter, const DdlAction *action)
{
	DdlColumn *column = action->column;
	DdlKnownColumn *known = dbs_ddl_known_column(alter->table, column->name);
	const char *quoted = dbs_ddl_pg_name(alter->printer, column->name);
	const char *pg_type;
	DdlExpr *default_value = column->default_value;
	const char *definition;
	const char *at_source;
	const char *lasting = NULL;
	const char *implicit;
	const char *check;
	List *before = NIL;
	ListCell *cell;

	if (known != NULL && column->if_not_exists)
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO, "column \"%s\" is there already", column->name);
		return;
	}
	if (column->system_time_start || column->system_time_end)
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO, "column \"%s\": ignored: the source fills it by system versioning",
					 column->name);
		return;
	}
	dbs_ddl_normalize_column(column, NULL);
	dbs_ddl_pg_take_zero_dates(alter->printer, column);
	pg_type = dbs_ddl_pg_type(alter->printer, column->type, column->name);
	dbs_ddl_alter_note_place(alter, column);
	if (column->auto_increment && alter->table != NULL && !alter->table->empty && alter->table->complete &&
		alter->printer->known->load != NULL)
		dbs_ddl_note(alter->printer, DBS_NOTE_ERROR,
					 "column \"%s\": AUTO_INCREMENT numbers the rows that are there, in an order that may differ here",
					 column->name);
	else if (column->auto_increment)
		dbs_ddl_note(alter->printer, DBS_NOTE_WARNING,
					 "column \"%s\": AUTO_INCREMENT numbers the rows that are there, in an order that may differ here",
					 column->name);
	implicit = at_source = default_for_rows(alter, column, &lasting);
	if (at_source != NULL)
		column->default_value = NULL;
	definition = dbs_ddl_pg_column(alter->printer, column, alter->table, alter->qualified, 0, &before, &alter->after);
	if (implicit == NULL && column->not_null && column->default_value == NULL && !column->auto_increment &&
		column->generated == NULL)
		implicit = dbs_ddl_pg_implicit_default(column->type, pg_type);
	column->default_value = default_value;
	dbs_ddl_alter_sql_all(alter, before);
	dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD COLUMN %s%s%s%s", alter->qualified,
				column->if_not_exists ? "IF NOT EXISTS " : "", definition, implicit == NULL ? "" : " DEFAULT ",
				implicit == NULL ? "" : implicit);
	if (at_source != NULL)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s", alter->qualified, quoted, lasting);
	else if (implicit != NULL)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT", alter->qualified, quoted);
	check = dbs_ddl_pg_enum_check(alter->printer, column);
	if (check != NULL)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD %s", alter->qualified, check);
	if (column->on_update != NULL)
		dbs_ddl_pg_on_update(alter->printer, column, alter->statement->name, &alter->after);
	if (alter->table != NULL && !alter->table->absent)
		dbs_ddl_known_add_column(alter->printer, alter->table, column, pg_type);
	foreach (cell, column->checks)
	{
		const char *sql = dbs_ddl_pg_check(alter->printer, lfirst(cell), alter->statement->name, alter->table);

		if (sql != NULL)
			dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD %s", alter->qualified, sql);
	}
}

/* PRIMARY KEY, UNIQUE and REFERENCES written behind a column that comes or changes. */
void
dbs_ddl_alter_add_column_keys(DdlAlter *alter, DdlColumn *column)
{
	DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));
	DdlKey *key = palloc0(sizeof(DdlKey));
	ListCell *cell;

	part->column = column->name;
	key->parts = list_make1(part);
	if (column->primary)
	{
		key->kind = DDL_KEY_PRIMARY;
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD %s", alter->qualified,
					dbs_ddl_pg_primary_key(alter->printer, key, alter->statement->name, alter->table));
	}
	if (column->unique)
	{
		List *after = NIL;

		key = palloc0(sizeof(DdlKey));
		key->kind = DDL_KEY_UNIQUE;
		key->parts = list_make1(part);
		dbs_ddl_pg_key(alter->printer, key, alter->statement->name, alter->table, &after);
		dbs_ddl_alter_sql_all(alter, after);
	}
	foreach (cell, column->foreign_keys)
	{
		bool deferred;
		const char *sql =
			dbs_ddl_pg_foreign_key(alter->printer, lfirst(cell), alter->statement->name, alter->table, &deferred);

		if (sql != NULL)
			dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD %s", alter->qualified, sql);
	}
}

void
dbs_ddl_alter_add_key(DdlAlter *alter, DdlKey *key)
{
	List *after = NIL;

	if (key->if_not_exists && key->name != NULL && dbs_ddl_known_key(alter->table, key->name) != NULL)
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO, "index \"%s\" is there already", key->name);
		return;
	}
	if (key->kind == DDL_KEY_PRIMARY)
	{
		const char *sql = dbs_ddl_pg_primary_key(alter->printer, key, alter->statement->name, alter->table);

		if (sql != NULL)
			dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD %s", alter->qualified, sql);
		return;
	}
	dbs_ddl_pg_key(alter->printer, key, alter->statement->name, alter->table, &after);
	dbs_ddl_alter_sql_all(alter, after);
}

void
dbs_ddl_alter_add_foreign_key(DdlAlter *alter, DdlForeignKey *key)
{
	bool deferred;
	const char *sql;

	if (key->if_not_exists && dbs_ddl_known_constraint(alter->table, key->name) != NULL)
		return;
	sql = dbs_ddl_pg_foreign_key(alter->printer, key, alter->statement->name, alter->table, &deferred);
	if (sql != NULL)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD %s", alter->qualified, sql);
}
