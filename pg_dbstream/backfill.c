/*
 * See backfill.h.
 */
#include "backfill.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A table of the backfill, kept for the worker's life. */
typedef struct BackfillTable
{
	char *schema;
	char *name;
	bool fresh;    /* its target was empty when the backfill began with it */
	bool begun;    /* rows of it may be there from an earlier session */
	bool look_up;  /* a row of it may be there already */
	bool in_chunk; /* one is open */
	struct BackfillTable *next;
} BackfillTable;

static BackfillTable *known = NULL;

static char *
copy_of(DbsString string)
{
	return pnstrdup(string.data, string.size);
}

/* ---- the record ---- */

/* Statements on the catalogue, inside the group. */
typedef struct Record
{
	DbsCatalogAccess access;
} Record;

static void
record_begin(Record *record)
{
	dbs_apply_begin_group();
	dbs_catalog_enter(&record->access);
}

static void
record_end(Record *record)
{
	dbs_catalog_leave(&record->access);
	CommandCounterIncrement();
	dbs_apply.group_dirty = true;
}

void
dbs_backfill_load(void)
{
	DbsCatalogAccess access;

	PushActiveSnapshot(GetTransactionSnapshot());
	dbs_catalog_enter(&access);
	dbs_apply.window = dbs_catalog_run("SELECT FROM dbstream.backfill WHERE stream_id = $1 AND state = 'window'", "i",
									   dbs_apply.stream->id) > 0;
	dbs_catalog_leave(&access);
	PopActiveSnapshot();
	if (dbs_apply.window)
		dbs_apply.source_wins = true;
}

static bool
source_wins_by_option(void)
{
	return strcmp(dbs_stream_option(dbs_apply.stream, "conflicts", "stop"), "source_wins") == 0;
}

static BackfillTable *
remember(const char *schema, const char *name)
{
	MemoryContext old = MemoryContextSwitchTo(dbs_apply.context);
	BackfillTable *table = palloc0(sizeof *table);

	table->schema = pstrdup(schema);
	table->name = pstrdup(name);
	table->next = known;
	known = table;
	MemoryContextSwitchTo(old);
	return table;
}

static BackfillTable *
find_known(const char *schema, const char *name)
{
	BackfillTable *table = known;

	while (table != NULL && (strcmp(table->schema, schema) != 0 || strcmp(table->name, name) != 0))
		table = table->next;
	return table;
}

/* The table as this session knows it, else as it is recorded. */
static BackfillTable *
find_table(const char *schema, const char *name)
{
	BackfillTable *table = find_known(schema, name);
	Record record;

	if (table != NULL)
		return table;
	record_begin(&record);
	if (dbs_catalog_run("SELECT fresh, phase <> 'waiting' FROM dbstream.backfill_table WHERE stream_id = $1 AND "
						"source_schema = $2 AND source_table = $3",
						"itt", dbs_apply.stream->id, schema, name) > 0)
	{
		bool null;

		table = remember(schema, name);
		table->fresh = DatumGetBool(dbs_catalog_datum(0, 1, &null));
		table->begun = DatumGetBool(dbs_catalog_datum(0, 2, &null));
	}
	record_end(&record);
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
	Record record;

	record_begin(&record);
	(void) dbs_catalog_run("INSERT INTO dbstream.backfill (stream_id, state, position, gtid_set) "
						   "VALUES ($1, 'copying', $2, $3) ON CONFLICT (stream_id) DO UPDATE SET state = 'copying', "
						   "position = excluded.position, gtid_set = excluded.gtid_set, end_position = NULL, "
						   "started_at = clock_timestamp(), copied_at = NULL, finished_at = NULL",
						   "itt", dbs_apply.stream->id, copy_of(step->position), copy_of(step->gtid_set));
	record_end(&record);
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

/* Make the target ready for the table's rows, as the option target_tables says. True: it is empty. */
static bool
prepare_target(const DbsSnapshot *step, const char *schema, const char *name)
{
	const char *mode = dbs_stream_option(dbs_apply.stream, "target_tables", "create");
	Oid oid = dbs_target_lookup(schema, name);

	if (!OidIsValid(oid))
	{
		if (step->text.size > 0)
			(void) dbs_deferred_ddl_create(schema, name, copy_of(step->text), (step->flags & DBS_SNAPSHOT_WHOLE) == 0);
		return true;
	}
	if (is_empty(oid))
		return true;
	if (strcmp(mode, "truncate") == 0)
	{
		DbsTruncate truncate = {.schema = step->schema, .name = step->name};

		(void) dbs_apply_truncate(&truncate);
		return true;
	}
	if (strcmp(mode, "refuse") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s.%s\" at the target is not empty, and the option target_tables is \"refuse\"",
						dbs_target_schema(schema, strlen(schema)), name),
				 errhint("Empty it, or set target_tables to \"truncate\" or \"append\" with dbstream.alter_stream; the "
						 "stream tries again.")));
	return false;
}

static void
step_table(const DbsSnapshot *step)
{
	char *schema = copy_of(step->schema);
	char *name = copy_of(step->name);
	BackfillTable *table;
	Record record;
	Oid oid;
	bool fresh;

	dbs_apply_begin_group();
	fresh = prepare_target(step, schema, name);
	oid = dbs_target_lookup(schema, name);
	if (OidIsValid(oid) && (step->flags & DBS_SNAPSHOT_WHOLE) == 0)
		require_key(oid, name);
	record_begin(&record);
	(void) dbs_catalog_run(
		"INSERT INTO dbstream.backfill_table (stream_id, source_schema, source_table, phase, keyed, fresh, "
		"rows_estimated, bytes_estimated) VALUES ($1, $2, $3, 'waiting', $4::int <> 0, $5::int <> 0, $6, $7) "
		"ON CONFLICT (stream_id, source_schema, source_table) DO UPDATE SET phase = 'waiting', "
		"keyed = excluded.keyed, fresh = excluded.fresh, rows_estimated = excluded.rows_estimated, "
		"bytes_estimated = excluded.bytes_estimated, rows_done = 0, bytes_done = 0, chunks = 0, last_key = NULL, "
		"position = NULL, started_at = NULL, finished_at = NULL",
		"ittiill", dbs_apply.stream->id, schema, name, (step->flags & DBS_SNAPSHOT_WHOLE) == 0 ? 1 : 0, fresh ? 1 : 0,
		(int64) step->number, (int64) step->bytes);
	record_end(&record);
	table = find_known(schema, name);
	if (table == NULL)
		table = remember(schema, name);
	table->fresh = fresh;
	table->begun = false;
	dbs_tables_invalidate();
	dbs_apply_commit_group(false);
}

static void
step_chunk(const DbsSnapshot *step)
{
	BackfillTable *table = find_table(copy_of(step->schema), copy_of(step->name));
	bool whole = (step->flags & DBS_SNAPSHOT_WHOLE) != 0;

	if (table->in_chunk)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("two chunks of table \"%s.%s\" at once", table->schema, table->name)));
	table->in_chunk = true;

	/* An earlier session may have left rows of a chunk that it did not finish; a whole table is in one transaction. */
	table->look_up = !whole && (!table->fresh || table->begun);
	if (step->number == 1 || table->begun)
	{
		Record record;

		record_begin(&record);
		(void) dbs_catalog_run("UPDATE dbstream.backfill_table SET phase = 'copying', started_at = "
							   "coalesce(started_at, clock_timestamp()) WHERE stream_id = $1 AND source_schema = $2 "
							   "AND source_table = $3 AND phase = 'waiting'",
							   "itt", dbs_apply.stream->id, table->schema, table->name);
		record_end(&record);
	}
	if (!whole)
		return;
	dbs_apply_commit_group(false);
	dbs_apply_begin_group();
	dbs_apply.whole_chunk = true;
	dbs_apply.in_transaction = true;
}

static void
step_chunk_end(const DbsSnapshot *step)
{
	BackfillTable *table = find_table(copy_of(step->schema), copy_of(step->name));
	bool last = (step->flags & DBS_SNAPSHOT_LAST) != 0;
	Record record;

	if (!table->in_chunk)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("a chunk of table \"%s.%s\" ends that did not begin", table->schema, table->name)));
	table->in_chunk = false;
	dbs_apply_begin_group();
	dbs_flush_all_inserts();
	record_begin(&record);
	if (dbs_catalog_run("UPDATE dbstream.backfill_table SET rows_done = rows_done + $4, bytes_done = bytes_done + $5, "
						"chunks = $6, last_key = $7::jsonb, position = nullif($8, ''), phase = CASE WHEN $9::int <> 0 "
						"THEN 'copied' ELSE 'copying' END, finished_at = CASE WHEN $9::int <> 0 THEN clock_timestamp() "
						"END WHERE stream_id = $1 AND source_schema = $2 AND source_table = $3",
						"ittllltti", dbs_apply.stream->id, table->schema, table->name, (int64) step->rows,
						(int64) step->bytes, (int64) step->number, step->text.size > 0 ? copy_of(step->text) : NULL,
						copy_of(step->position), last ? 1 : 0) != 1)
		elog(ERROR, "dbstream: table \"%s.%s\" is not in dbstream.backfill_table", table->schema, table->name);
	record_end(&record);
	if (dbs_apply.whole_chunk)
	{
		dbs_apply.whole_chunk = false;
		dbs_apply.in_transaction = false;
	}
	dbs_apply_commit_group(false);
}

/* All rows are here: the log may be read from where the backfill began. */
static void
step_end(const DbsSnapshot *step)
{
	Record record;

	dbs_deferred_ddl_run(DBS_DEFERRED_BEFORE_WINDOW);
	record_begin(&record);
	if (dbs_catalog_run("UPDATE dbstream.backfill SET state = 'window', end_position = $2, copied_at = "
						"clock_timestamp() WHERE stream_id = $1 RETURNING position, gtid_set",
						"it", dbs_apply.stream->id, copy_of(step->position)) != 1)
		elog(ERROR, "dbstream: the stream has no row in dbstream.backfill");
	resetStringInfo(&dbs_apply.position);
	appendStringInfoString(&dbs_apply.position, dbs_catalog_text(0, 1));
	resetStringInfo(&dbs_apply.gtid_set);
	appendStringInfoString(&dbs_apply.gtid_set, dbs_catalog_text(0, 2));
	record_end(&record);
	dbs_apply_commit_group(false);
	dbs_apply.window = true;
	dbs_apply.source_wins = true;
}

static void
set_state(const char *sql)
{
	Record record;

	record_begin(&record);
	(void) dbs_catalog_run(sql, "i", dbs_apply.stream->id);
	record_end(&record);
	dbs_apply_commit_group(false);
}

/* What is here now is what the source was at the position of the last commit. */
static void
step_caught_up(void)
{
	set_state("UPDATE dbstream.backfill SET state = 'finishing' WHERE stream_id = $1 AND state = 'window'");
	dbs_apply.window = false;
	dbs_apply.source_wins = source_wins_by_option();
	dbs_tables_invalidate();
	dbs_deferred_ddl_run(DBS_DEFERRED_AFTER_WINDOW);
	set_state("UPDATE dbstream.backfill_table SET phase = 'done' WHERE stream_id = $1 AND phase <> 'done'");
	set_state("UPDATE dbstream.backfill SET state = 'done', finished_at = clock_timestamp() WHERE stream_id = $1 AND "
			  "state <> 'done'");
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
	BackfillTable *table;

	if (!dbs_get_rows(&ahead, &rows) || rows.op != DBS_ROWS_INSERT)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("rows outside a transaction that are no inserts")));
	wire = dbs_table_find(rows.table_id);
	table = find_known(wire->schema, wire->name);
	if (table == NULL || !table->in_chunk)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("rows of table \"%s.%s\" outside a chunk", wire->schema, wire->name)));
	dbs_apply_begin_group();
	set_look_up(table->look_up);
	dbs_apply_rows(reader);
}
