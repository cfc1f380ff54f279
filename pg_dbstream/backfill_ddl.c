/*
 * See backfill_ddl.h.
 *
 * A table is created as the source defines it at one moment, and the log tells of changes from before that moment and
 * after. The bridge reads the log's end before it reads the definition, and says the log's position before every
 * statement, so what lies before is known to be done. Between the two moments lies next to nothing; what falls there
 * is tried, and may be there already.
 *
 * Names say little once tables are renamed: rows of one name, copied before and after, may be another table's. So a
 * rename of a table whose copy has begun makes it begin again.
 */
#include "backfill_ddl.h"

#include "backfill_record.h"
#include "pattern.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

typedef struct Involved
{
	int left_out;
	int known; /* defined after the statement */
	int window;
	int others;
	bool rename;
	bool comes_in; /* a rename whose old name the stream does not select, and whose new one it does */
} Involved;

static bool
selected(const DbsDdlTable *table)
{
	return table->schema != NULL && dbs_pattern_selects(dbs_apply.stream->tables, table->schema, strlen(table->schema),
														table->name, strlen(table->name));
}

static DbsBackfillTable *
record_of(const DbsDdlTable *table)
{
	return table->schema != NULL ? dbs_backfill_find(table->schema, table->name) : NULL;
}

/* The statement gives the name of a table that it takes away to another one. */
static bool
comes_again(const DbsDdlStatement *statement, const DbsDdlTable *dropped)
{
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);

		if (table->created && strcmp(table->name, dropped->name) == 0 && table->schema != NULL &&
			dropped->schema != NULL && strcmp(table->schema, dropped->schema) == 0)
			return true;
	}
	return false;
}

/* An earlier part of the statement has made it: in a chain of renames a name between. */
static bool
made_before(const DbsDdlStatement *statement, const DbsDdlTable *dropped)
{
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);

		if (table == dropped)
			break;
		if (table->created && strcmp(table->name, dropped->name) == 0 && table->schema != NULL &&
			dropped->schema != NULL && strcmp(table->schema, dropped->schema) == 0)
			return true;
	}
	return false;
}

static Involved
involved_in(const DbsDdlStatement *statement)
{
	Involved involved = {0};
	uint64 here = dbs_backfill_place(dbs_apply.position.data);
	bool creates = false, drops = false, takes_in = false, from_outside = false;
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		DbsBackfillTable *record = record_of(table);

		creates |= table->created;
		drops |= table->dropped;
		takes_in |= table->created && selected(table);
		from_outside |= table->dropped && !selected(table) && !made_before(statement, table);
		if (!selected(table))
			continue;
		if (record == NULL || record->standing == DBS_STANDING_OUTSIDE)
			involved.others++;
		else if (record->standing == DBS_STANDING_LEFT_OUT)
			involved.left_out++;
		else if (here < record->defined_at)
			involved.known++;
		else
			involved.window++;
	}
	involved.rename = creates && drops;
	involved.comes_in = involved.rename && takes_in && from_outside;
	return involved;
}

static bool
is_about(const DbsDdlStatement *statement, const char *words)
{
	return statement->tag != NULL && pg_strncasecmp(statement->tag, words, strlen(words)) == 0;
}

/* Old names that are gone at the source, of which the log may have made tables here. */
static void
drop_leftovers(const DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		Oid oid;

		if (!table->dropped || !selected(table) || comes_again(statement, table))
			continue;
		oid = dbs_target_lookup(table->schema, table->name);
		if (OidIsValid(oid))
			dbs_ddl_execute(list_make1(
				psprintf("DROP TABLE %s",
						 quote_qualified_identifier(get_namespace_name(get_rel_namespace(oid)), get_rel_name(oid)))));
		dbs_backfill_forget(table->schema, table->name);
	}
}

/* New names whose definition is not known to be newer than the rename: all are copied from nothing. */
static void
request_new_names(const DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);

		if (table->created && selected(table))
			dbs_backfill_request(table->schema, table->name);
	}
}

static bool
new_names_known(const DbsDdlStatement *statement)
{
	uint64 here = dbs_backfill_place(dbs_apply.position.data);
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		DbsBackfillTable *record = record_of(table);

		if (table->created && selected(table) &&
			(record == NULL || (record->standing != DBS_STANDING_LEFT_OUT && here >= record->defined_at)))
			return false;
	}
	return true;
}

static const char *
rename_passes(const DbsDdlStatement *statement, const Involved *involved)
{
	if (involved->known + involved->left_out > 0 && new_names_known(statement))
	{
		drop_leftovers(statement);
		return "the tables are copied as they are after it";
	}
	if (!involved->comes_in)
		return NULL;
	drop_leftovers(statement);
	request_new_names(statement);
	return "a table has come into the stream by it: it is copied";
}

/* Its target does not follow the source any more: a later copy makes it anew. */
static void
leave_behind(const DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		DbsBackfillTable *table = record_of(lfirst(cell));
		DbsCatalogAccess access;

		if (table == NULL || table->standing != DBS_STANDING_LEFT_OUT || table->made)
			continue;
		table->made = true;
		dbs_backfill_record_begin(&access);
		(void) dbs_catalog_run(
			"UPDATE dbstream.backfill_table SET made = true WHERE stream_id = $1 AND source_schema = "
			"$2 AND source_table = $3",
			"itt", dbs_apply.stream->id, table->schema, table->name);
		dbs_backfill_record_end(&access);
	}
}

const char *
dbs_backfill_ddl_passes(const DbsDdlStatement *statement)
{
	Involved involved = involved_in(statement);

	if (involved.rename)
		return rename_passes(statement, &involved);
	if (is_about(statement, "DROP TABLE") || involved.window + involved.others > 0)
		return NULL;
	if (involved.left_out > 0)
	{
		if (!is_about(statement, "TRUNCATE"))
			leave_behind(statement);
		return "left out with its table, which is not copied; a copy takes the table as it is then";
	}
	if (involved.known > 0 && !is_about(statement, "TRUNCATE"))
		return "its effect was there already: the backfill copied the table as it was after it";
	return NULL;
}

bool
dbs_backfill_ddl_in_window(const DbsDdlStatement *statement)
{
	Involved involved = involved_in(statement);

	dbs_apply.window = dbs_backfill_window_of_all() || involved.left_out + involved.known + involved.window > 0;
	return dbs_apply.window;
}

/* A table that was dropped comes, if it does, by the log: every statement about it counts again. */
static void
forget_definition(DbsBackfillTable *table)
{
	DbsCatalogAccess access;

	if (table->defined_at == 0)
		return;
	table->defined_at = 0;
	dbs_backfill_record_begin(&access);
	(void) dbs_catalog_run("UPDATE dbstream.backfill_table SET defined_at = NULL WHERE stream_id = $1 AND "
						   "source_schema = $2 AND source_table = $3",
						   "itt", dbs_apply.stream->id, table->schema, table->name);
	dbs_backfill_record_end(&access);
}

const char *
dbs_backfill_ddl_done(const DbsDdlStatement *statement, bool executed)
{
	Involved involved = involved_in(statement);
	ListCell *cell;

	if (involved.left_out + involved.known + involved.window == 0)
		return NULL;
	if (involved.rename)
	{
		if (!executed)
			drop_leftovers(statement);
		foreach (cell, statement->tables)
		{
			const DbsDdlTable *table = lfirst(cell);

			if (table->dropped && record_of(table) != NULL)
				dbs_backfill_forget(table->schema, table->name);
		}
		request_new_names(statement);
		return "the table was being copied when it was renamed: it is copied once more, from nothing";
	}
	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		DbsBackfillTable *record = record_of(table);

		if (!table->dropped || record == NULL)
			continue;
		if (record->standing == DBS_STANDING_LEFT_OUT)
			dbs_backfill_forget(table->schema, table->name);
		else
			forget_definition(record);
	}
	return NULL;
}
