/*
 * See backfill_record.h.
 */
#include "backfill_record.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

bool dbs_backfill_active = false;

static DbsBackfillTable *known = NULL;
static bool window_of_all = false; /* the stream began with this backfill, and the log has not passed its end */

uint64
dbs_backfill_place(const char *position)
{
	const char *dot = strrchr(position, '.');
	uint64 file, offset;
	char *end;

	if (dot == NULL)
		return 0;
	file = strtoull(dot + 1, &end, 10);
	if (*end != ':')
		return 0;
	offset = strtoull(end + 1, NULL, 10);

	/* Files may pass 4 GB, by one transaction; 40 bits hold a terabyte. */
	return (file << 40) | (offset & ((UINT64CONST(1) << 40) - 1));
}

/* ---- the worker's own copy ---- */

static bool
source_wins_by_option(void)
{
	return strcmp(dbs_stream_option(dbs_apply.stream, "conflicts", "stop"), "source_wins") == 0;
}

void
dbs_backfill_changed(void)
{
	dbs_backfill_active = window_of_all;
	for (DbsBackfillTable *table = known; table != NULL && !dbs_backfill_active; table = table->next)
		dbs_backfill_active = table->standing != DBS_STANDING_OUTSIDE;

	/* What is open or planned was so under the old standing. */
	if (dbs_apply.in_group)
	{
		dbs_flush_all_inserts();
		dbs_targets_close();
	}
	dbs_tables_invalidate();
	dbs_apply.window = window_of_all;
	dbs_apply.source_wins = window_of_all || source_wins_by_option();
}

bool
dbs_backfill_pending(void)
{
	for (DbsBackfillTable *table = known; table != NULL; table = table->next)
		if (table->pending)
			return true;
	return false;
}

DbsBackfillTable *
dbs_backfill_find(const char *schema, const char *name)
{
	DbsBackfillTable *table = known;

	while (table != NULL && (strcmp(table->schema, schema) != 0 || strcmp(table->name, name) != 0))
		table = table->next;
	return table;
}

DbsBackfillTable *
dbs_backfill_remember(const char *schema, const char *name)
{
	DbsBackfillTable *table = dbs_backfill_find(schema, name);
	MemoryContext old;

	if (table != NULL)
		return table;
	old = MemoryContextSwitchTo(dbs_apply.context);
	table = palloc0(sizeof *table);
	table->schema = pstrdup(schema);
	table->name = pstrdup(name);
	table->next = known;
	known = table;
	MemoryContextSwitchTo(old);
	return table;
}

static DbsBackfillStanding
standing_of(const char *phase, bool keyed, bool over)
{
	bool waiting = strcmp(phase, "waiting") == 0 || strcmp(phase, "copying") == 0;

	if (strcmp(phase, "requested") == 0 || strcmp(phase, "cancelled") == 0)
		return DBS_STANDING_LEFT_OUT;
	if (over || strcmp(phase, "done") == 0)
		return DBS_STANDING_OUTSIDE;
	return waiting && !keyed ? DBS_STANDING_NO_ROWS : DBS_STANDING_WINDOW;
}

static void
load_tables(bool over)
{
	uint64 count =
		dbs_catalog_run("SELECT source_schema, source_table, phase, keyed::text, fresh::text, made::text, "
						"defined_at, EXISTS (SELECT FROM dbstream.deferred_ddl d WHERE d.stream_id = $1 AND "
						"d.source_schema = t.source_schema AND d.source_table = t.source_table AND d.stage "
						"IN ('key', 'primary key'))::text FROM dbstream.backfill_table t WHERE stream_id = $1 "
						"AND phase <> 'done'",
						"i", dbs_apply.stream->id);

	for (uint64 i = 0; i < count; i++)
	{
		DbsBackfillTable *table = dbs_backfill_remember(dbs_catalog_text(i, 1), dbs_catalog_text(i, 2));
		const char *phase = dbs_catalog_text(i, 3);
		const char *defined_at = dbs_catalog_text(i, 7);

		table->standing = standing_of(phase, strcmp(dbs_catalog_text(i, 4), "true") == 0, over);
		table->pending =
			strcmp(phase, "requested") == 0 || strcmp(phase, "waiting") == 0 || strcmp(phase, "copying") == 0;
		table->fresh = strcmp(dbs_catalog_text(i, 5), "true") == 0;
		table->made = strcmp(dbs_catalog_text(i, 6), "true") == 0;
		table->begun = strcmp(phase, "waiting") != 0;
		table->bare = strcmp(dbs_catalog_text(i, 8), "true") == 0;
		table->copying = strcmp(phase, "copying") == 0;
		table->defined_at = defined_at != NULL ? dbs_backfill_place(defined_at) : 0;
	}
}

void
dbs_backfill_load(void)
{
	DbsCatalogAccess access;
	bool over;

	PushActiveSnapshot(GetTransactionSnapshot());
	dbs_catalog_enter(&access);
	over = dbs_catalog_run("SELECT FROM dbstream.backfill WHERE stream_id = $1 AND state IN ('copying', 'window')", "i",
						   dbs_apply.stream->id) == 0;

	/* Before the log is read there is no window: chunks of tables that were empty need look for no row. */
	window_of_all =
		dbs_apply.position.len > 0 && !over &&
		dbs_catalog_run("SELECT FROM dbstream.backfill WHERE stream_id = $1 AND whole", "i", dbs_apply.stream->id) > 0;
	load_tables(over);
	dbs_catalog_leave(&access);
	PopActiveSnapshot();
	dbs_backfill_active = window_of_all;
	for (DbsBackfillTable *table = known; table != NULL; table = table->next)
		dbs_backfill_active |= table->standing != DBS_STANDING_OUTSIDE;
	dbs_apply.window = window_of_all;
	dbs_apply.source_wins = window_of_all || source_wins_by_option();
}

void
dbs_backfill_window_begins(void)
{
	window_of_all = true;
	dbs_backfill_changed();
}

void
dbs_backfill_window_ends(void)
{
	window_of_all = false;
	for (DbsBackfillTable *table = known; table != NULL; table = table->next)
		if (table->standing != DBS_STANDING_LEFT_OUT)
			table->standing = DBS_STANDING_OUTSIDE;
	dbs_backfill_changed();
}

bool
dbs_backfill_window_of_all(void)
{
	return window_of_all;
}

/* ---- the log's rows ---- */

bool
dbs_backfill_leaves_out(const DbsReader *rows)
{
	DbsReader ahead = *rows;
	DbsRows head;
	DbsWireTable *wire;
	DbsBackfillTable *table;

	if (!dbs_get_rows(&ahead, &head))
		return false; /* whoever reads it says what is wrong */
	wire = dbs_table_find(head.table_id);
	table = dbs_backfill_find(wire->schema, wire->name);
	if (table != NULL && table->standing >= DBS_STANDING_NO_ROWS)
		return true;
	dbs_apply.window = window_of_all || (table != NULL && table->standing == DBS_STANDING_WINDOW);
	dbs_apply.source_wins = dbs_apply.window || source_wins_by_option();
	return false;
}

/* ---- the catalogue ---- */

void
dbs_backfill_record_begin(DbsCatalogAccess *access)
{
	dbs_apply_begin_group();
	dbs_catalog_enter(access);
}

void
dbs_backfill_record_end(DbsCatalogAccess *access)
{
	dbs_catalog_leave(access);
	CommandCounterIncrement();
	dbs_apply.group_dirty = true;
}

void
dbs_backfill_request_recorded(int stream_id, const char *schema, const char *name)
{
	(void) dbs_catalog_run(
		"INSERT INTO dbstream.backfill (stream_id, state, whole, planned, position, gtid_set) VALUES ($1, 'copying', "
		"false, true, '', '') ON CONFLICT (stream_id) DO UPDATE SET "
		"whole = backfill.whole AND backfill.state IN ('copying', 'window'), "
		"started_at = CASE WHEN backfill.state = 'done' THEN clock_timestamp() ELSE backfill.started_at END, "
		"state = 'copying', copied_at = NULL, finished_at = NULL",
		"i", stream_id);
	/* What the backfill has made of a table that it had not finished is for it to make anew. */
	(void) dbs_catalog_run(
		"INSERT INTO dbstream.backfill_table (stream_id, source_schema, source_table, phase) VALUES ($1, $2, $3, "
		"'requested') ON CONFLICT (stream_id, source_schema, source_table) DO UPDATE SET phase = 'requested', "
		"made = backfill_table.made AND backfill_table.phase <> 'done', rows_done = 0, bytes_done = 0, "
		"started_at = NULL, finished_at = NULL",
		"itt", stream_id, schema, name);
	(void) dbs_catalog_run("DELETE FROM dbstream.backfill_range WHERE stream_id = $1 AND source_schema = $2 AND "
						   "source_table = $3",
						   "itt", stream_id, schema, name);
	/* The bridge finds the request when it opens its next session. */
	(void) dbs_catalog_run("UPDATE dbstream.stream SET generation = generation + 1, changed_at = clock_timestamp() "
						   "WHERE id = $1",
						   "i", stream_id);
	dbs_notify();
}

void
dbs_backfill_request(const char *schema, const char *name)
{
	DbsBackfillTable *table;
	DbsCatalogAccess access;

	dbs_backfill_record_begin(&access);
	dbs_backfill_request_recorded(dbs_apply.stream->id, schema, name);
	dbs_backfill_record_end(&access);
	table = dbs_backfill_remember(schema, name);
	table->standing = DBS_STANDING_LEFT_OUT;
	table->pending = true;
	table->defined_at = 0;
	dbs_apply.end_group = true;
	dbs_backfill_changed();
}

void
dbs_backfill_forget(const char *schema, const char *name)
{
	DbsBackfillTable *table = dbs_backfill_find(schema, name);
	DbsCatalogAccess access;

	if (table == NULL)
		return;
	dbs_backfill_record_begin(&access);
	(void) dbs_catalog_run("DELETE FROM dbstream.backfill_table WHERE stream_id = $1 AND source_schema = $2 AND "
						   "source_table = $3",
						   "itt", dbs_apply.stream->id, schema, name);
	(void) dbs_catalog_run("DELETE FROM dbstream.deferred_ddl WHERE stream_id = $1 AND source_schema = $2 AND "
						   "source_table = $3",
						   "itt", dbs_apply.stream->id, schema, name);
	dbs_backfill_record_end(&access);
	table->standing = DBS_STANDING_OUTSIDE;
	table->pending = false;
	dbs_backfill_changed();
}
