/*
 * The translator's own picture of the target's tables.
 */
#include "postgres.h"

#include "ddl_print.h"

static bool
same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

DdlKnownTable *
dbs_ddl_known_table(DdlKnown *known, const char *schema, const char *name)
{
	ListCell *cell;
	DdlKnownTable *table = NULL;

	foreach (cell, known->tables)
	{
		table = lfirst(cell);
		if (same(table->name, name) && same(table->schema, schema))
			return table;
	}
	if (known->load == NULL)
		return NULL;
	table = schema == NULL ? NULL : known->load(schema, name);
	if (table == NULL)
	{
		table = palloc0(sizeof(DdlKnownTable));
		table->absent = true;
	}
	table->schema = schema;
	table->name = name;
	known->tables = lappend(known->tables, table);
	return table;
}

DdlKnownTable *
dbs_ddl_known_create(DdlKnown *known, const char *schema, const char *name)
{
	DdlKnownTable *table = palloc0(sizeof(DdlKnownTable));

	dbs_ddl_known_drop(known, schema, name);
	table->schema = schema;
	table->name = name;
	table->complete = true;
	known->tables = lcons(table, known->tables);
	return table;
}

void
dbs_ddl_known_drop(DdlKnown *known, const char *schema, const char *name)
{
	ListCell *cell;
	DdlKnownTable *gone;

	foreach (cell, known->tables)
	{
		DdlKnownTable *table = lfirst(cell);

		if (same(table->name, name) && same(table->schema, schema))
			known->tables = foreach_delete_current(known->tables, cell);
	}
	gone = palloc0(sizeof(DdlKnownTable));
	gone->schema = schema;
	gone->name = name;
	gone->absent = gone->dropped = true;
	known->tables = lappend(known->tables, gone);
}

void
dbs_ddl_known_rename(DdlKnown *known, DdlKnownTable *table, const char *schema, const char *name)
{
	const char *old_schema = table->schema;
	const char *old_name = table->name;
	ListCell *cell;

	foreach (cell, known->tables)
	{
		DdlKnownTable *other = lfirst(cell);

		if (same(other->name, name) && same(other->schema, schema))
			known->tables = foreach_delete_current(known->tables, cell);
	}
	table->schema = schema;
	table->name = name;
	dbs_ddl_known_drop(known, old_schema, old_name);
}

/* MySQL's column and index names are the same whatever their case. */
DdlKnownColumn *
dbs_ddl_known_column(const DdlKnownTable *table, const char *name)
{
	ListCell *cell;

	if (table == NULL || name == NULL)
		return NULL;
	foreach (cell, table->columns)
	{
		DdlKnownColumn *column = lfirst(cell);

		if (pg_strcasecmp(column->name, name) == 0)
			return column;
	}
	return NULL;
}

DdlKnownKey *
dbs_ddl_known_key(const DdlKnownTable *table, const char *name)
{
	ListCell *cell;

	if (table == NULL || name == NULL)
		return NULL;
	foreach (cell, table->keys)
	{
		DdlKnownKey *key = lfirst(cell);

		/* What the catalogue told has no MySQL name, but one made from it. */
		if (key->name != NULL ? pg_strcasecmp(key->name, name) == 0
							  : pg_strcasecmp(key->pg_name, dbs_ddl_pg_index_name(table->name, name)) == 0)
			return key;
	}
	return NULL;
}

DdlKnownConstraint *
dbs_ddl_known_constraint(const DdlKnownTable *table, const char *name)
{
	ListCell *cell;

	if (table == NULL || name == NULL)
		return NULL;
	foreach (cell, table->constraints)
	{
		DdlKnownConstraint *constraint = lfirst(cell);

		if (pg_strcasecmp(constraint->name, name) == 0)
			return constraint;
	}
	return NULL;
}
