/*
 * See backfill.h.
 */
#include "backfill.h"

#include "access/table.h"
#include "access/xact.h"
#include "backfill_record.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Of a small table the key costs less while the rows come in than being taken away and made again. */
#define LEAST_ROWS_FOR_LATE_KEY 5000

static char *
copy_of(DbsString string)
{
	return pnstrdup(string.data, string.size);
}

/* The log has been read already, or is: tables are copied while the stream goes on. */
static bool
log_is_read(void)
{
	return dbs_apply.position.len > 0;
}

/* ERROR when the table is not part of the backfill. */
static DbsBackfillTable *
find_table(const DbsSnapshot *step)
{
	char *schema = copy_of(step->schema);
	char *name = copy_of(step->name);
	DbsBackfillTable *table = dbs_backfill_find(schema, name);

	if (table == NULL)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("a chunk of table \"%s.%s\" arrived, which is not part of the backfill", schema, name),
						errhint("Its backfill was cancelled or the stream was changed; the next session knows that.")));
	return table;
}

/* ---- steps ---- */

static void
step_start(const DbsSnapshot *step)
{
	DbsCatalogAccess record;

	dbs_backfill_record_begin(&record);
	(void) dbs_catalog_run("INSERT INTO dbstream.backfill (stream_id, state, whole, position, gtid_set) "
						   "VALUES ($1, 'copying', true, $2, $3) ON CONFLICT (stream_id) DO UPDATE SET "
						   "state = 'copying', whole = true, planned = false, position = excluded.position, gtid_set = "
						   "excluded.gtid_set, end_position = NULL, "
						   "started_at = clock_timestamp(), copied_at = NULL, finished_at = NULL",
						   "itt", dbs_apply.stream->id, copy_of(step->position), copy_of(step->gtid_set));
	dbs_backfill_record_end(&record);
	dbs_apply_commit_group(false);
}

static bool
is_empty(Oid oid)
{
	Relation relation = table_open(oid, AccessShareLock);
	char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
											RelationGetRelationName(relation));
	bool empty;

	dbs_target_check_rights(relation, ACL_SELECT);
	table_close(relation, NoLock);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(psprintf("SELECT FROM %s LIMIT 1", name), false, 1) != SPI_OK_SELECT)
		elog(ERROR, "cannot look into %s", name);
	empty = SPI_processed == 0;
	SPI_finish();
	return empty;
}

/*
 * Rows of a keyed table are found by a key while the log repeats what was copied: without a unique index over columns
 * that are never NULL each would be there twice.
 */
static void
require_key(Oid oid, const char *name)
{
	char *query =
		psprintf("SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = %u AND i.indisunique AND i.indisvalid AND "
				 "i.indpred IS NULL AND i.indexprs IS NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a "
				 "WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) AND NOT a.attnotnull) LIMIT 1",
				 oid);
	bool found;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(query, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "cannot look for keys");
	found = SPI_processed > 0;
	SPI_finish();
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" at the target has no primary key, and the source's has one", name),
				 errhint("Give it the source's primary key, or drop it so that the backfill creates it; the stream "
						 "tries again.")));
}

/* Every column that the definition names is there. */
static bool
fits(Oid oid, const char *columns)
{
	char *query;
	bool missing;

	if (columns[0] == '\0')
		return true;
	query = psprintf("SELECT FROM pg_catalog.jsonb_array_elements(%s::jsonb) c WHERE NOT EXISTS (SELECT FROM "
					 "pg_catalog.pg_attribute a WHERE a.attrelid = %u AND a.attnum > 0 AND NOT a.attisdropped AND "
					 "a.attname = pg_catalog.left(c->>0, 63)) LIMIT 1",
					 quote_literal_cstr(columns), oid);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(query, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "cannot compare columns");
	missing = SPI_processed > 0;
	SPI_finish();
	return !missing;
}

static void
empty_target(const DbsSnapshot *step)
{
	DbsTruncate truncate = {.schema = step->schema, .name = step->name};

	(void) dbs_apply_truncate(&truncate);
}

static void
drop_target(Oid oid, const char *schema, const char *name)
{
	DbsCatalogAccess record;

	dbs_ddl_execute(list_make1(psprintf(
		"DROP TABLE %s", quote_qualified_identifier(get_namespace_name(get_rel_namespace(oid)), get_rel_name(oid)))));
	dbs_backfill_record_begin(&record);
	(void) dbs_catalog_run("DELETE FROM dbstream.deferred_ddl WHERE stream_id = $1 AND source_schema = $2 AND "
						   "source_table = $3",
						   "itt", dbs_apply.stream->id, schema, name);
	dbs_backfill_record_end(&record);
}

/*
 * A copy that begins from nothing. A table that the backfill itself has made, or whose columns are no more those of
 * the source, is made anew; any other keeps its indexes, rights and views.
 */
static bool
begin_again(const DbsSnapshot *step, DbsBackfillTable *table, Oid oid)
{
	if (!table->made && fits(oid, copy_of(step->gtid_set)))
	{
		empty_target(step);
		return false;
	}
	drop_target(oid, table->schema, table->name);
	return true;
}

/* Make the target ready for the table's rows, as the option target_tables says. Sets fresh and made. */
static void
prepare_target(const DbsSnapshot *step, DbsBackfillTable *table, bool again)
{
	const char *mode = dbs_stream_option(dbs_apply.stream, "target_tables", "create");
	Oid oid = dbs_target_lookup(table->schema, table->name);

	table->fresh = true;
	if (OidIsValid(oid) && again && begin_again(step, table, oid))
		oid = InvalidOid;
	if (!OidIsValid(oid))
	{
		table->made = step->text.size > 0 && dbs_deferred_ddl_create(table->schema, table->name, copy_of(step->text),
																	 (step->flags & DBS_SNAPSHOT_WHOLE) == 0);
		return;
	}
	table->made = false;
	if (again || is_empty(oid))
		return;
	if (strcmp(mode, "truncate") == 0)
	{
		empty_target(step);
		return;
	}
	if (strcmp(mode, "refuse") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s.%s\" at the target is not empty, and the option target_tables is \"refuse\"",
						dbs_target_schema(table->schema, strlen(table->schema)), table->name),
				 errhint("Empty it, or set target_tables to \"truncate\" or \"append\" with dbstream.alter_stream; the "
						 "stream tries again.")));
	if ((step->flags & DBS_SNAPSHOT_WHOLE) != 0 && strcmp(mode, "append") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s.%s\" at the target is not empty, and the source's has no key by which its "
						"rows could be told from those that are there",
						dbs_target_schema(table->schema, strlen(table->schema)), table->name),
				 errhint("Empty it, or set the option target_tables to \"truncate\", or to \"append\" if both "
						 "sides' rows are to stand there, with dbstream.alter_stream; the stream tries again.")));
	table->fresh = false;
}

/* Rows that the log brought in an earlier time, when the stream selected the table: they go, for some may have gone. */
static bool
was_followed(const DbsBackfillTable *table)
{
	DbsCatalogAccess record;
	bool followed;

	if (!log_is_read())
		return false;
	dbs_backfill_record_begin(&record);
	followed = dbs_catalog_run("SELECT FROM dbstream.stream_table WHERE stream_id = $1 AND source_schema = $2 AND "
							   "source_table = $3 AND state <> 'dropped'",
							   "itt", dbs_apply.stream->id, table->schema, table->name) > 0;
	dbs_backfill_record_end(&record);
	return followed;
}

/*
 * Schema changes before the definition was read are in a table that was made from it. One that was kept while the log
 * is read has those that the log has brought: it gets the others from there too, and its copy waits for them.
 */
static bool
has_definition(const DbsSnapshot *step, const DbsBackfillTable *table, bool again)
{
	return step->position.size > 0 && (table->made || !again || !log_is_read());
}

static void
forget_ranges(const DbsBackfillTable *table)
{
	(void) dbs_catalog_run("DELETE FROM dbstream.backfill_range WHERE stream_id = $1 AND source_schema = $2 AND "
						   "source_table = $3",
						   "itt", dbs_apply.stream->id, table->schema, table->name);
}

static void
record_table(const DbsSnapshot *step, const DbsBackfillTable *table, bool defined)
{
	bool keyed = (step->flags & DBS_SNAPSHOT_WHOLE) == 0;
	DbsCatalogAccess record;

	dbs_backfill_record_begin(&record);
	(void) dbs_catalog_run(
		"INSERT INTO dbstream.backfill_table (stream_id, source_schema, source_table, phase, keyed, fresh, made, "
		"rows_estimated, bytes_estimated, defined_at, definition) VALUES ($1, $2, $3, 'waiting', $4::int & 1 <> 0, "
		"$4::int & 2 <> 0, $4::int & 4 <> 0, $5, $6, nullif($7, ''), nullif($8, '')) "
		"ON CONFLICT (stream_id, source_schema, source_table) DO UPDATE SET phase = 'waiting', "
		"keyed = excluded.keyed, fresh = excluded.fresh, made = excluded.made, "
		"rows_estimated = excluded.rows_estimated, bytes_estimated = excluded.bytes_estimated, "
		"defined_at = excluded.defined_at, definition = excluded.definition, rows_done = 0, bytes_done = 0, "
		"chunks = 0, position = NULL, started_at = NULL, finished_at = NULL",
		"ittilltt", dbs_apply.stream->id, table->schema, table->name,
		(keyed ? 1 : 0) | (table->fresh ? 2 : 0) | (table->made ? 4 : 0), (int64) step->number, (int64) step->bytes,
		defined ? copy_of(step->position) : "", copy_of(step->gtid_set));
	forget_ranges(table);
	if (keyed)
		(void) dbs_catalog_run("INSERT INTO dbstream.backfill_range (stream_id, source_schema, source_table, number) "
							   "VALUES ($1, $2, $3, 1)",
							   "itt", dbs_apply.stream->id, table->schema, table->name);
	dbs_backfill_record_end(&record);
}

static void
step_table(const DbsSnapshot *step)
{
	DbsBackfillTable *table;
	bool keyed = (step->flags & DBS_SNAPSHOT_WHOLE) == 0;
	bool again, defined;
	Oid oid;

	dbs_apply_begin_group();
	table = dbs_backfill_remember(copy_of(step->schema), copy_of(step->name));
	again = (step->flags & DBS_SNAPSHOT_AGAIN) != 0 || was_followed(table);
	prepare_target(step, table, again);
	defined = has_definition(step, table, again);
	oid = dbs_target_lookup(table->schema, table->name);
	if (OidIsValid(oid) && !table->made)
		dbs_deferred_key_make_for(oid);
	if (OidIsValid(oid) && keyed)
		require_key(oid, table->name);
	table->bare = table->made && keyed && !log_is_read() && step->number >= LEAST_ROWS_FOR_LATE_KEY &&
				  dbs_deferred_key_put_off(table->schema, table->name, copy_of(step->gtid_set));
	record_table(step, table, defined);
	table->begun = table->copying = false;
	table->open_ranges = NIL;
	table->pending = true;
	table->standing = keyed ? DBS_STANDING_WINDOW : DBS_STANDING_NO_ROWS;
	table->defined_at = defined ? dbs_backfill_place(copy_of(step->position)) : 0;
	dbs_backfill_changed();
	dbs_apply_commit_group(false);
}

static void
step_chunk(const DbsSnapshot *step)
{
	DbsBackfillTable *table = find_table(step);
	bool whole = (step->flags & DBS_SNAPSHOT_WHOLE) != 0;
	MemoryContext old;

	if (list_member_int(table->open_ranges, (int) step->number))
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("two chunks of one range of table \"%s.%s\" at once", table->schema, table->name)));
	old = MemoryContextSwitchTo(dbs_apply.context);
	table->open_ranges = lappend_int(table->open_ranges, (int) step->number);
	MemoryContextSwitchTo(old);

	/* An earlier session may have left rows of a chunk that it did not finish; a whole table is in one transaction. */
	table->look_up = !whole && (!table->fresh || table->begun || log_is_read());
	if (table->look_up && table->bare)
	{
		dbs_deferred_key_make(table->schema, table->name);
		table->bare = false;
	}
	if (!table->copying)
	{
		DbsCatalogAccess record;

		table->copying = true;

		dbs_backfill_record_begin(&record);
		(void) dbs_catalog_run("UPDATE dbstream.backfill_table SET phase = 'copying', started_at = "
							   "coalesce(started_at, clock_timestamp()) WHERE stream_id = $1 AND source_schema = $2 "
							   "AND source_table = $3 AND phase = 'waiting'",
							   "itt", dbs_apply.stream->id, table->schema, table->name);
		dbs_backfill_record_end(&record);
	}
	if (!whole)
		return;
	dbs_apply_commit_group(false);
	dbs_apply_begin_group();
	dbs_apply.whole_chunk = true;
	dbs_apply.in_transaction = true;
}

/* The table is whole: what the log says of it from here on is applied, also of one without a key. */
static void
table_copied(DbsBackfillTable *table)
{
	table->pending = false;
	if (table->standing == DBS_STANDING_NO_ROWS)
	{
		table->standing = DBS_STANDING_WINDOW;
		dbs_backfill_changed();
	}
}

/* The range as it is now. Returns whether every range of the table is whole. */
static bool
record_range(const DbsSnapshot *step, const DbsBackfillTable *table)
{
	bool last = (step->flags & DBS_SNAPSHOT_LAST) != 0;
	uint64 found;

	if ((step->flags & DBS_SNAPSHOT_WHOLE) != 0)
		return last;
	if (last)
		found = dbs_catalog_run("DELETE FROM dbstream.backfill_range WHERE stream_id = $1 AND source_schema = $2 AND "
								"source_table = $3 AND number = $4",
								"ittl", dbs_apply.stream->id, table->schema, table->name, (int64) step->number);
	else
		found = dbs_catalog_run("UPDATE dbstream.backfill_range SET copied_to = $5::jsonb WHERE stream_id = $1 AND "
								"source_schema = $2 AND source_table = $3 AND number = $4",
								"ittlt", dbs_apply.stream->id, table->schema, table->name, (int64) step->number,
								copy_of(step->text));
	if (found != 1)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("a chunk ends of range " UINT64_FORMAT " of table \"%s.%s\", which is not recorded",
							   step->number, table->schema, table->name)));
	return last && dbs_catalog_run("SELECT FROM dbstream.backfill_range WHERE stream_id = $1 AND source_schema = $2 "
								   "AND source_table = $3 LIMIT 1",
								   "itt", dbs_apply.stream->id, table->schema, table->name) == 0;
}

static void
step_chunk_end(const DbsSnapshot *step)
{
	DbsBackfillTable *table = find_table(step);
	DbsCatalogAccess record;
	bool copied;

	if (!list_member_int(table->open_ranges, (int) step->number))
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("a chunk of table \"%s.%s\" ends that did not begin", table->schema, table->name)));
	table->open_ranges = list_delete_int(table->open_ranges, (int) step->number);
	dbs_apply_begin_group();
	dbs_flush_all_inserts();
	dbs_backfill_record_begin(&record);
	copied = record_range(step, table);
	if (dbs_catalog_run("UPDATE dbstream.backfill_table SET rows_done = rows_done + $4, bytes_done = bytes_done + $5, "
						"chunks = chunks + 1, position = nullif($6, ''), phase = CASE WHEN $7::int <> 0 "
						"THEN 'copied' ELSE 'copying' END, finished_at = CASE WHEN $7::int <> 0 THEN clock_timestamp() "
						"END WHERE stream_id = $1 AND source_schema = $2 AND source_table = $3",
						"ittllti", dbs_apply.stream->id, table->schema, table->name, (int64) step->rows,
						(int64) step->bytes, copy_of(step->position), copied ? 1 : 0) != 1)
		elog(ERROR, "dbstream: table \"%s.%s\" is not in dbstream.backfill_table", table->schema, table->name);
	dbs_backfill_record_end(&record);
	if (dbs_apply.whole_chunk)
	{
		dbs_apply.whole_chunk = false;
		dbs_apply.in_transaction = false;
	}
	if (copied)
		table_copied(table);
	dbs_apply_commit_group(false);
}

/* What of a range lies behind a key becomes a range of its own, which another reader may take. */
static void
step_cut(const DbsSnapshot *step)
{
	DbsBackfillTable *table = find_table(step);
	const char *key = copy_of(step->text);
	DbsCatalogAccess record;

	dbs_backfill_record_begin(&record);
	if (dbs_catalog_run("INSERT INTO dbstream.backfill_range (stream_id, source_schema, source_table, number, "
						"copied_to, upper_key) SELECT stream_id, source_schema, source_table, $5, $6::jsonb, upper_key "
						"FROM dbstream.backfill_range WHERE stream_id = $1 AND source_schema = $2 AND source_table = "
						"$3 AND number = $4",
						"ittllt", dbs_apply.stream->id, table->schema, table->name, (int64) step->number,
						(int64) step->rows, key) != 1 ||
		dbs_catalog_run("UPDATE dbstream.backfill_range SET upper_key = $5::jsonb WHERE stream_id = $1 AND "
						"source_schema = $2 AND source_table = $3 AND number = $4",
						"ittlt", dbs_apply.stream->id, table->schema, table->name, (int64) step->number, key) != 1)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("range " UINT64_FORMAT " of table \"%s.%s\" is cut, which is not recorded", step->number,
							   table->schema, table->name)));
	dbs_backfill_record_end(&record);
}

/* The table vanished at the source, before or while it was copied; the log says by and by what became of it. */
static void
step_gone(const DbsSnapshot *step)
{
	DbsBackfillTable *table = dbs_backfill_remember(copy_of(step->schema), copy_of(step->name));
	DbsCatalogAccess record;

	dbs_backfill_record_begin(&record);
	(void) dbs_catalog_run("INSERT INTO dbstream.backfill_table (stream_id, source_schema, source_table, phase) VALUES "
						   "($1, $2, $3, 'gone') ON CONFLICT (stream_id, source_schema, source_table) DO UPDATE SET "
						   "phase = 'gone', finished_at = clock_timestamp()",
						   "itt", dbs_apply.stream->id, table->schema, table->name);
	forget_ranges(table);
	dbs_backfill_record_end(&record);
	table->pending = table->copying = false;
	table->open_ranges = NIL;
	table->standing = DBS_STANDING_WINDOW;
	dbs_backfill_changed();
	dbs_apply_commit_group(false);
}

static void
step_planned(void)
{
	DbsCatalogAccess record;

	dbs_backfill_record_begin(&record);
	(void) dbs_catalog_run("UPDATE dbstream.backfill SET planned = true WHERE stream_id = $1", "i",
						   dbs_apply.stream->id);
	(void) dbs_catalog_run("DELETE FROM dbstream.backfill_selection WHERE stream_id = $1", "i", dbs_apply.stream->id);
	dbs_backfill_record_end(&record);
	dbs_apply_commit_group(false);
}

/* All rows are here: the log may be read from where the backfill began, unless it is read already. */
static void
step_end(const DbsSnapshot *step)
{
	DbsCatalogAccess record;

	dbs_deferred_ddl_run(DBS_DEFERRED_BEFORE_WINDOW);
	dbs_backfill_record_begin(&record);
	/* A table that was asked for meanwhile keeps the backfill open: the next session copies it. */
	if (dbs_catalog_run(
			"UPDATE dbstream.backfill SET state = CASE WHEN EXISTS (SELECT FROM dbstream.backfill_table t "
			"WHERE t.stream_id = $1 AND t.phase = 'requested') THEN state ELSE 'window' END, "
			"end_position = $2, copied_at = clock_timestamp() WHERE stream_id = $1 RETURNING position, gtid_set",
			"it", dbs_apply.stream->id, copy_of(step->position)) != 1)
		elog(ERROR, "dbstream: the stream has no row in dbstream.backfill");
	if (!log_is_read())
	{
		resetStringInfo(&dbs_apply.position);
		appendStringInfoString(&dbs_apply.position, dbs_catalog_text(0, 1));
		resetStringInfo(&dbs_apply.gtid_set);
		appendStringInfoString(&dbs_apply.gtid_set, dbs_catalog_text(0, 2));
		dbs_backfill_record_end(&record);
		dbs_backfill_window_begins();
	}
	else
		dbs_backfill_record_end(&record);
	dbs_apply_commit_group(false);
}

/* Whoever waits for the source's state at a moment in which tables were still missing has it now. */
static void
acknowledge_put_off(void)
{
	dbs_apply.sync_reached = Max(dbs_apply.sync_reached, dbs_apply.sync_put_off);
	dbs_apply.sync_put_off = 0;
}

/* Returns how many rows were changed. */
static uint64
set_state(const char *sql)
{
	DbsCatalogAccess record;
	uint64 count;

	dbs_backfill_record_begin(&record);
	count = dbs_catalog_run(sql, "i", dbs_apply.stream->id);
	dbs_backfill_record_end(&record);
	dbs_apply_commit_group(false);
	return count;
}

/* What is here now is what the source was at the position of the last commit. */
static void
step_caught_up(void)
{
	if (set_state("UPDATE dbstream.backfill SET state = 'finishing' WHERE stream_id = $1 AND state IN ('window', "
				  "'finishing')") == 0)
		return;
	dbs_backfill_window_ends();
	dbs_deferred_ddl_run(DBS_DEFERRED_AFTER_WINDOW);
	(void) set_state(
		"UPDATE dbstream.backfill_table SET phase = 'done', made = false WHERE stream_id = $1 AND phase IN "
		"('copied', 'indexing', 'foreign keys', 'done')");
	(void) set_state(
		"UPDATE dbstream.backfill SET state = 'done', finished_at = clock_timestamp() WHERE stream_id = $1 "
		"AND state = 'finishing'");
	acknowledge_put_off();
	dbs_apply_commit_group(false);
}

void
dbs_backfill_step(DbsReader *reader)
{
	DbsSnapshot step;

	if (!dbs_get_snapshot(reader, &step) || !dbs_get_end(reader))
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("malformed snapshot message: %s", reader->error != NULL ? reader->error : "unexpected")));
	if (dbs_apply.in_transaction && !(dbs_apply.whole_chunk && step.step == DBS_SNAPSHOT_CHUNK_END))
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("a step of a backfill inside a transaction")));
	dbs_apply.where_operation = "backfill";
	switch (step.step)
	{
		case DBS_SNAPSHOT_START:
			step_start(&step);
			break;
		case DBS_SNAPSHOT_TABLE:
			step_table(&step);
			break;
		case DBS_SNAPSHOT_CHUNK:
			step_chunk(&step);
			break;
		case DBS_SNAPSHOT_CHUNK_END:
			step_chunk_end(&step);
			break;
		case DBS_SNAPSHOT_END:
			step_end(&step);
			break;
		case DBS_SNAPSHOT_GONE:
			step_gone(&step);
			break;
		case DBS_SNAPSHOT_PLANNED:
			step_planned();
			break;
		case DBS_SNAPSHOT_CUT:
			step_cut(&step);
			break;
		default:
			step_caught_up();
	}
	dbs_apply.where_operation = NULL;
}

/* ---- rows ---- */

bool
dbs_backfill_takes_rows(void)
{
	return !dbs_apply.in_transaction || dbs_apply.whole_chunk;
}

/* Whether rows are looked up is settled when a target is opened: another answer needs them opened anew. */
static void
set_look_up(bool look_up)
{
	if (dbs_apply.source_wins == look_up)
		return;
	if (dbs_apply.in_group)
	{
		dbs_flush_all_inserts();
		dbs_targets_close();
	}
	dbs_apply.source_wins = look_up;
}

void
dbs_backfill_rows(DbsReader *reader)
{
	DbsReader ahead = *reader;
	DbsRows rows;
	DbsWireTable *wire;
	DbsBackfillTable *table;

	if (!dbs_get_rows(&ahead, &rows) || rows.op != DBS_ROWS_INSERT)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("rows outside a transaction that are no inserts")));
	wire = dbs_table_find(rows.table_id);
	table = dbs_backfill_find(wire->schema, wire->name);
	if (table == NULL || table->open_ranges == NIL)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("rows of table \"%s.%s\" outside a chunk", wire->schema, wire->name)));
	dbs_apply_begin_group();
	set_look_up(table->look_up);
	dbs_apply.window = log_is_read();
	dbs_apply_rows(reader);
}
