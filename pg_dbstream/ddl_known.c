/*
 * The translator's own picture of the target's tables.
 */
#include "postgres.h"

#include "ddl_print.h"
#include "name.h"

/* The table is found by its name, and its indexes by theirs, from now on. */
static void
enlist(DdlKnown *known, DdlKnownTable *table)
{
	ListCell *cell;

	table->known = known;
	dbs_ddl_names_add(&known->tables, table->schema, table->name, table);
	foreach (cell, table->keys)
		dbs_ddl_names_add(&known->indexes, table->schema, ((DdlKnownKey *) lfirst(cell))->pg_name, table);
}

/* The opposite: before its schema or name changes, and before it goes. */
static void
strike(DdlKnownTable *table)
{
	DdlKnown *known = table->known;
	ListCell *cell;

	foreach (cell, table->keys)
		dbs_ddl_names_remove(&known->indexes, table->schema, ((DdlKnownKey *) lfirst(cell))->pg_name, table);
	dbs_ddl_names_remove(&known->tables, table->schema, table->name, table);
	table->known = NULL;
}

static void
strike_name(DdlKnown *known, const char *schema, const char *name)
{
	DdlKnownTable *table = dbs_ddl_names_find(&known->tables, schema, name);

	if (table != NULL)
		strike(table);
}

DdlKnownTable *
dbs_ddl_known_table(DdlKnown *known, const char *schema, const char *name)
{
	DdlKnownTable *table = dbs_ddl_names_find(&known->tables, schema, name);

	if (table != NULL || known->load == NULL)
		return table;
	table = schema == NULL ? NULL : known->load(schema, name);
	if (table == NULL)
	{
		table = palloc0(sizeof(DdlKnownTable));
		table->absent = true;
	}
	table->schema = schema;
	table->name = name;
	enlist(known, table);
	return table;
}

DdlKnownTable *
dbs_ddl_known_create(DdlKnown *known, const char *schema, const char *name)
{
	DdlKnownTable *table = palloc0(sizeof(DdlKnownTable));

	strike_name(known, schema, name);
	table->schema = schema;
	table->name = name;
	table->complete = true;
	enlist(known, table);
	return table;
}

void
dbs_ddl_known_drop(DdlKnown *known, const char *schema, const char *name)
{
	DdlKnownTable *gone = palloc0(sizeof(DdlKnownTable));

	strike_name(known, schema, name);
	gone->schema = schema;
	gone->name = name;
	gone->absent = gone->dropped = true;
	enlist(known, gone);
}

void
dbs_ddl_known_rename(DdlKnown *known, DdlKnownTable *table, const char *schema, const char *name)
{
	const char *old_schema = table->schema;
	const char *old_name = table->name;

	strike_name(known, schema, name);
	if (table->known != NULL)
		strike(table);
	table->schema = schema;
	table->name = name;
	enlist(known, table);
	if (dbs_ddl_names_find(&known->tables, old_schema, old_name) == NULL)
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

void
dbs_ddl_known_add_key(DdlKnownTable *table, DdlKnownKey *key)
{
	table->keys = lappend(table->keys, key);
	if (table->known != NULL)
		dbs_ddl_names_add(&table->known->indexes, table->schema, key->pg_name, table);
}

void
dbs_ddl_known_drop_key(DdlKnownTable *table, DdlKnownKey *key)
{
	table->keys = list_delete_ptr(table->keys, key);
	if (table->known != NULL)
		dbs_ddl_names_remove(&table->known->indexes, table->schema, key->pg_name, table);
}

void
dbs_ddl_known_rename_key(DdlKnownTable *table, DdlKnownKey *key, const char *pg_name)
{
	if (table->known != NULL)
	{
		dbs_ddl_names_remove(&table->known->indexes, table->schema, key->pg_name, table);
		dbs_ddl_names_add(&table->known->indexes, table->schema, pg_name, table);
	}
	key->pg_name = pg_name;
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
	const DdlKnownTable *other = dbs_ddl_names_find(&known->tables, schema, name);
	DdlNameTaken taken;
	bool dropped;

	if (other != NULL && !other->absent)
		return DDL_NAME_OTHER;
	dropped = other != NULL && other->dropped;
	other = dbs_ddl_names_find(&known->indexes, schema, name);
	if (other != NULL)
	{
		*table = other->name;
		return DDL_NAME_INDEX;
	}
	if (known->name_taken == NULL || schema == NULL)
		return DDL_NAME_FREE;
	taken = known->name_taken(schema, name, table);
	/* What the text has dropped or changed is not there any more. */
	if ((taken == DDL_NAME_OTHER && dropped) ||
		(taken == DDL_NAME_INDEX && dbs_ddl_names_find(&known->tables, schema, *table) != NULL))
		return DDL_NAME_FREE;
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
			dbs_ddl_known_rename_key(table, key, other);
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
