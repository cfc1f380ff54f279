/*
 * Actions of ALTER TABLE by which something gets another name, in PostgreSQL's words.
 */
#include "postgres.h"

#include <ctype.h>

#include "ddl_pg_alter.h"

static bool
is_identifier_byte(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' || (unsigned char) c >= 0x80;
}

/*
 * An expression as the catalogue deparses it, with one column's name put for
 * another's; *found tells whether it was there.
 */
const char *
dbs_ddl_alter_replace_name(const char *expression, const char *from, const char *to, bool *found)
{
	StringInfoData out;
	const char *at = expression;

	initStringInfo(&out);
	*found = false;
	while (*at != '\0')
	{
		const char *start = at;
		const char *name;

		if (*at == '\'' || *at == '"')
		{
			char quote = *at++;

			while (*at != '\0' && (*at != quote || at[1] == quote))
				at += *at == quote ? 2 : 1;
			at += *at == quote;
		}
		else if (is_identifier_byte(*at))
		{
			while (is_identifier_byte(*at))
				at++;
		}
		else
		{
			appendStringInfoChar(&out, *at++);
			continue;
		}
		name = pnstrdup(start, at - start);
		if (*start != '\'' && (strcmp(name, from) == 0 || strcmp(name, dbs_ddl_pg_quote(from)) == 0))
		{
			*found = true;
			name = dbs_ddl_pg_quote(to);
		}
		appendStringInfoString(&out, name);
	}
	return dbs_ddl_text(&out);
}

static void
rename_in_keys(DdlKnownTable *table, const char *from, const char *to)
{
	ListCell *cell;
	ListCell *part_cell;
	bool found;

	foreach (cell, table->columns)
	{
		DdlKnownColumn *column = lfirst(cell);

		if (column->expression != NULL)
			column->expression = dbs_ddl_alter_replace_name(column->expression, from, to, &found);
	}
	foreach (cell, table->constraints)
	{
		DdlKnownConstraint *constraint = lfirst(cell);

		foreach (part_cell, constraint->columns)
		{
			if (strcmp(lfirst(part_cell), from) == 0)
				lfirst(part_cell) = (void *) to;
		}
	}

	foreach (cell, table->keys)
	{
		DdlKnownKey *known = lfirst(cell);

		if (known->key == NULL)
			continue;
		foreach (part_cell, known->key->parts)
		{
			DdlKeyPart *part = lfirst(part_cell);

			if (part->column != NULL && pg_strcasecmp(part->column, from) == 0)
				part->column = to;
		}
	}
}

/* The names of the column's check and trigger follow it. */
static void
rename_belongings(DdlAlter *alter, DdlKnownColumn *column, const char *from, const char *to, bool changes)
{
	const char *kind = column->has_enum_check ? "enum" : column->has_set_check ? "set" : NULL;

	if (kind != NULL)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s RENAME CONSTRAINT %s TO %s", alter->qualified,
					dbs_ddl_pg_quote(dbs_ddl_pg_index_name(from, kind)),
					dbs_ddl_pg_quote(dbs_ddl_pg_index_name(to, kind)));
	if (column->on_update)
	{
		DdlColumn stub = {.name = to, .type = column->type};

		dbs_ddl_sql(alter->printer, "DROP TRIGGER %s ON %s", dbs_ddl_pg_quote(dbs_ddl_pg_index_name(from, "on_update")),
					alter->qualified);
		/* CHANGE says anew whether there is one. */
		if (changes)
			column->on_update = false;
		else
			dbs_ddl_pg_on_update(alter->printer, &stub, alter->statement->name, &alter->after);
	}
}

typedef struct Rename
{
	const char *from;
	const char *to;
	DdlKnownColumn *column;
	bool waits; /* goes by a third name until the others are done */
} Rename;

/* Renames happen together, so that names may be swapped: those in each other's way go by a third name. */
static void
print_renames(DdlAlter *alter, List *renames)
{
	ListCell *cell;
	ListCell *other_cell;
	int number = 0;

	foreach (cell, renames)
	{
		Rename *rename = lfirst(cell);
		bool blocked = false;

		foreach (other_cell, renames)
		{
			const Rename *other = lfirst(other_cell);

			blocked |= other != rename && strcmp(other->from, rename->to) == 0;
		}
		if (blocked)
		{
			const char *between = psprintf("dbstream_rename_%d", ++number);

			dbs_ddl_sql(alter->printer, "ALTER TABLE %s RENAME COLUMN %s TO %s", alter->qualified,
						dbs_ddl_pg_name(alter->printer, rename->from), dbs_ddl_pg_quote(between));
			rename->from = between;
			rename->waits = true;
		}
	}
	for (int waiting = 0; waiting < 2; waiting++)
	{
		foreach (cell, renames)
		{
			Rename *rename = lfirst(cell);

			if (rename->waits == (waiting == 1))
				dbs_ddl_sql(alter->printer, "ALTER TABLE %s RENAME COLUMN %s TO %s", alter->qualified,
							dbs_ddl_pg_name(alter->printer, rename->from), dbs_ddl_pg_name(alter->printer, rename->to));
		}
	}
}

void
dbs_ddl_alter_rename_columns(DdlAlter *alter)
{
	List *renames = NIL;
	ListCell *cell;

	foreach (cell, alter->statement->actions)
	{
		DdlAction *action = lfirst(cell);
		const char *to = action->kind == DDL_RENAME_COLUMN   ? action->new_name
						 : action->kind == DDL_MODIFY_COLUMN ? action->column->name
															 : NULL;
		Rename *rename;

		if (to == NULL)
			continue;
		rename = palloc0(sizeof(Rename));
		rename->column = dbs_ddl_known_column(alter->table, action->name);
		rename->from = rename->column != NULL ? rename->column->name : action->name;
		rename->to = to;
		/* MODIFY finds the column in any case, and gives it the name as it writes it. */
		if (strcmp(rename->from, rename->to) == 0)
			continue;
		if (rename->column == NULL && dbs_ddl_alter_is_known(alter) && action->if_exists)
			continue;
		renames = lappend(renames, rename);
		if (rename->column != NULL)
			rename_belongings(alter, rename->column, rename->from, to, action->kind == DDL_MODIFY_COLUMN);
		else if (action->kind == DDL_RENAME_COLUMN)
			dbs_ddl_note(alter->printer, DBS_NOTE_INFO,
						 "if \"%s\" is an ENUM or SET, its check keeps the name made from the old column's",
						 rename->from);
	}
	print_renames(alter, renames);
	if (alter->table == NULL)
		return;
	foreach (cell, renames)
	{
		Rename *rename = lfirst(cell);

		if (rename->column != NULL)
			rename->from = rename->column->name;
	}
	/* Two passes, for swaps. */
	foreach (cell, renames)
	{
		Rename *rename = lfirst(cell);

		rename_in_keys(alter->table, rename->from, psprintf("\001%s", rename->to));
	}
	foreach (cell, renames)
	{
		Rename *rename = lfirst(cell);

		rename_in_keys(alter->table, psprintf("\001%s", rename->to), rename->to);
		if (rename->column != NULL)
			rename->column->name = rename->to;
	}
}

void
dbs_ddl_alter_rename_key(DdlAlter *alter, const DdlAction *action)
{
	DdlKnownKey *key = dbs_ddl_known_key(alter->table, action->name);
	const char *to = dbs_ddl_pg_index_name(alter->name, action->new_name);
	const char *from = key != NULL ? key->pg_name : dbs_ddl_pg_index_name(alter->name, action->name);

	if (key == NULL && dbs_ddl_alter_is_known(alter))
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO, "index \"%s\" is not here, so there is nothing to rename",
					 action->name);
		return;
	}
	dbs_ddl_sql(alter->printer, "ALTER INDEX %s%s RENAME TO %s", action->if_exists ? "IF EXISTS " : "",
				dbs_ddl_pg_qualified(alter->schema, from), dbs_ddl_pg_quote(to));
	if (key != NULL)
	{
		key->name = action->new_name;
		dbs_ddl_known_rename_key(alter->table, key, to);
	}
}
