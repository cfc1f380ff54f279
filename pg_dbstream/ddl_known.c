/*
 * The translator's own picture of the target's tables.
 */
#include "postgres.h"

#include "ddl_print.h"
#include "name.h"

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
	foreach (cell, table->keys)
	{
		DdlKnownKey *key = lfirst(cell);

		if (pg_strcasecmp(key->pg_name, dbs_ddl_other_index_name(table->name, name)) == 0)
			return key;
	}
	return NULL;
}

/* ---- names that meet --------------------------------------------------------------- */

const char *
dbs_ddl_other_index_name(const char *table, const char *index)
{
	StringInfoData parts;

	initStringInfo(&parts);
	appendStringInfoString(&parts, table);
	appendStringInfoChar(&parts, '\0');
	for (const char *at = index; *at != '\0'; at++)
		appendStringInfoChar(&parts, pg_tolower((unsigned char) *at));
	return dbs_ddl_pg_index_name(table, psprintf("%s_%08x", index, dbs_name_hash(parts.data, parts.len)));
}

const char *
dbs_ddl_index_part(const char *table, const char *pg_name)
{
	Size size = strlen(table);
	const char *rest = pg_name + size + 1;
	Size rest_size;
	char *part;

	if (strncmp(pg_name, table, size) != 0 || pg_name[size] != '_')
		return NULL;
	rest_size = strlen(rest);
	if (rest_size > 9 && rest[rest_size - 9] == '_')
	{
		part = pnstrdup(rest, rest_size - 9);
		if (strcmp(dbs_ddl_other_index_name(table, part), pg_name) == 0)
			return part;
	}
	return rest;
}

/* Who bears the name, by the text so far or by the catalogue. */
static DdlNameTaken
name_taken(DdlKnown *known, const char *schema, const char *name, const char **table)
{
	ListCell *cell;
	ListCell *key_cell;
	DdlNameTaken taken;

	foreach (cell, known->tables)
	{
		const DdlKnownTable *other = lfirst(cell);

		if (other->absent || !same(other->schema, schema))
			continue;
		if (strcmp(other->name, name) == 0)
			return DDL_NAME_OTHER;
		foreach (key_cell, other->keys)
		{
			if (strcmp(((DdlKnownKey *) lfirst(key_cell))->pg_name, name) == 0)
			{
				*table = other->name;
				return DDL_NAME_INDEX;
			}
		}
	}
	if (known->name_taken == NULL || schema == NULL)
		return DDL_NAME_FREE;
	taken = known->name_taken(schema, name, table);
	/* What the text has dropped or changed is not there any more. */
	foreach (cell, known->tables)
	{
		const DdlKnownTable *other = lfirst(cell);

		if (same(other->schema, schema) &&
			((taken == DDL_NAME_OTHER && other->dropped && strcmp(other->name, name) == 0) ||
			 (taken == DDL_NAME_INDEX && strcmp(other->name, *table) == 0)))
			return DDL_NAME_FREE;
	}
	return taken;
}

const char *
dbs_ddl_known_index_name(DdlKnown *known, const char *schema, const char *table, const char *index)
{
	const char *name = dbs_ddl_pg_index_name(table, index);
	const char *of = NULL;
	DdlNameTaken taken = name_taken(known, schema, name, &of);

	/* The same index of the same table is an error of the statement's, or means IF NOT EXISTS. */
	if (taken == DDL_NAME_FREE || (taken == DDL_NAME_INDEX && strcmp(of, table) == 0))
		return name;
	return dbs_ddl_other_index_name(table, index);
}

const char *
dbs_ddl_known_index_gives_way(DdlKnown *known, const char *schema, const char *name)
{
	const char *of = NULL;
	const char *other;
	DdlKnownTable *table;
	ListCell *cell;
	const char *part;

	if (name_taken(known, schema, name, &of) != DDL_NAME_INDEX)
		return NULL;
	part = dbs_ddl_index_part(of, name);
	if (part == NULL)
		return NULL;
	other = dbs_ddl_other_index_name(of, part);
	table = dbs_ddl_known_table(known, schema, of);
	if (table == NULL)
		return other;
	foreach (cell, table->keys)
	{
		DdlKnownKey *key = lfirst(cell);

		if (strcmp(key->pg_name, name) == 0)
			key->pg_name = other;
	}
	return other;
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
