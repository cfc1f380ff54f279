/*
 * Actions of ALTER TABLE by which something goes, in PostgreSQL's words.
 */
#include "postgres.h"

#include "ddl_pg_alter.h"

void
dbs_ddl_alter_drop_primary_key(DdlAlter *alter)
{
	DdlKnownKey *key = dbs_ddl_known_key(alter->table, "PRIMARY");
	const char *name = key != NULL ? key->pg_name : dbs_ddl_pg_index_name(alter->name, "pkey");

	if (key == NULL && dbs_ddl_alter_is_known(alter))
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_WARNING, "there is no primary key to drop");
		return;
	}
	dbs_ddl_sql(alter->printer, "ALTER TABLE %s DROP CONSTRAINT %s", alter->qualified, dbs_ddl_pg_quote(name));
	if (key != NULL)
		dbs_ddl_known_drop_key(alter->table, key);
}

void
dbs_ddl_alter_drop_key(DdlAlter *alter, const DdlAction *action)
{
	DdlKnownKey *key = dbs_ddl_known_key(alter->table, action->name);

	if (key == NULL && dbs_ddl_alter_is_known(alter))
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO, "index \"%s\" is not here, so there is nothing to drop",
					 action->name);
		return;
	}
	if (key != NULL && key->is_constraint)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s DROP CONSTRAINT %s", alter->qualified,
					dbs_ddl_pg_quote(key->pg_name));
	else
		dbs_ddl_sql(alter->printer, "DROP INDEX %s%s", key == NULL || action->if_exists ? "IF EXISTS " : "",
					dbs_ddl_pg_qualified(
						alter->schema, key != NULL ? key->pg_name : dbs_ddl_pg_index_name(alter->name, action->name)));
	if (key != NULL)
		dbs_ddl_known_drop_key(alter->table, key);
}

/* A foreign key or check; DROP CONSTRAINT may also mean a key. */
void
dbs_ddl_alter_drop_constraint(DdlAlter *alter, const DdlAction *action)
{
	DdlKnownConstraint *constraint = dbs_ddl_known_constraint(alter->table, action->name);

	if (action->kind == DDL_DROP_CONSTRAINT && constraint == NULL)
	{
		if (pg_strcasecmp(action->name, "PRIMARY") == 0)
		{
			dbs_ddl_alter_drop_primary_key(alter);
			return;
		}
		if (dbs_ddl_known_key(alter->table, action->name) != NULL)
		{
			dbs_ddl_alter_drop_key(alter, action);
			return;
		}
	}
	if ((constraint == NULL && dbs_ddl_alter_is_known(alter)) || (constraint != NULL && constraint->missing))
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO, "constraint \"%s\" is not here, so there is nothing to drop",
					 action->name);
		return;
	}
	dbs_ddl_sql(alter->printer, "ALTER TABLE %s DROP CONSTRAINT %s%s", alter->qualified,
				constraint == NULL || action->if_exists ? "IF EXISTS " : "",
				dbs_ddl_pg_name(alter->printer, constraint != NULL ? constraint->name : action->name));
	if (constraint == NULL && action->kind == DDL_DROP_CONSTRAINT)
		dbs_ddl_sql(alter->printer, "DROP INDEX IF EXISTS %s",
					dbs_ddl_pg_qualified(alter->schema, dbs_ddl_pg_index_name(alter->name, action->name)));
	if (constraint != NULL)
		alter->table->constraints = list_delete_ptr(alter->table->constraints, constraint);
}

/*
 * MySQL takes a dropped column out of its indexes, PostgreSQL drops the
 * indexes: those with columns left are made anew.
 */
void
dbs_ddl_alter_drop_column(DdlAlter *alter, const DdlAction *action)
{
	DdlKnownColumn *column = dbs_ddl_known_column(alter->table, action->name);
	ListCell *cell;

	if (column == NULL && dbs_ddl_alter_is_known(alter) && action->if_exists)
		return;
	dbs_ddl_sql(alter->printer, "ALTER TABLE %s DROP COLUMN %s%s", alter->qualified,
				action->if_exists ? "IF EXISTS " : "",
				dbs_ddl_pg_name(alter->printer, column != NULL ? column->name : action->name));
	if (!dbs_ddl_alter_is_known(alter))
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO, "indexes that hold \"%s\" among other columns go with it",
					 action->name);
		return;
	}
	if (column != NULL)
		alter->table->columns = list_delete_ptr(alter->table->columns, column);
	foreach (cell, list_copy(alter->table->keys))
	{
		DdlKnownKey *known = lfirst(cell);
		DdlKey *rest;
		ListCell *part_cell;

		if (known->key == NULL)
			continue;
		rest = palloc(sizeof(DdlKey));
		*rest = *known->key;
		rest->parts = NIL;
		foreach (part_cell, known->key->parts)
		{
			const DdlKeyPart *part = lfirst(part_cell);

			if (part->column == NULL || pg_strcasecmp(part->column, action->name) != 0)
				rest->parts = lappend(rest->parts, lfirst(part_cell));
		}
		if (list_length(rest->parts) == list_length(known->key->parts))
			continue;
		if (rest->parts == NIL)
		{
			dbs_ddl_known_drop_key(alter->table, known);
			continue;
		}
		if (rest->kind == DDL_KEY_PRIMARY)
			alter->after = lappend(
				alter->after, psprintf("ALTER TABLE %s ADD %s", alter->qualified,
									   dbs_ddl_pg_primary_key(alter->printer, rest, alter->statement->name, NULL)));
		else if (known->name != NULL)
		{
			rest->name = known->name;
			dbs_ddl_pg_key(alter->printer, rest, alter->statement->name, NULL, &alter->after);
		}
		else
		{
			dbs_ddl_note(alter->printer, DBS_NOTE_WARNING, "index \"%s\" goes with column \"%s\"", known->pg_name,
						 action->name);
			dbs_ddl_known_drop_key(alter->table, known);
			continue;
		}
		known->key = rest;
	}
}
