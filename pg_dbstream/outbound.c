/*
 * Outbound streams: the claim, the position, the slot.
 *
 * The rows themselves go through the replication protocol and the output plugin.  Here a
 * bridge claims the stream, learns the slot's name and the key of its position row at
 * the target, and records what the target has committed.
 *
 * A position is recorded here after the target has committed it and before the slot is
 * confirmed.  So the slot never confirms what is not recorded, and a target whose
 * own position is behind the recorded one has lost commits.
 */
#include "postgres.h"

#include "bridge_registry.h"
#include "catalog.h"
#include "claim.h"
#include "outbound.h"
#include "progress.h"
#include "stream_row.h"

#include "access/xlog.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "replication/message.h"
#include "replication/slot.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"

/* The bridge knows this word too. */
#define SYNC_PREFIX "dbstream.sync"
#define DEFINITION_PREFIX "dbstream.definition"

static int my_stream = 0;

char *
dbs_outbound_slot_name(int stream_id)
{
	return psprintf("dbstream_%u_%d", MyDatabaseId, stream_id);
}

void
dbs_outbound_drop_slot(int stream_id)
{
	char *name = dbs_outbound_slot_name(stream_id);

	if (SearchNamedReplicationSlot(name, true) != NULL)
		ReplicationSlotDrop(name, true);
}

/* ---- the claim ---- */

PG_FUNCTION_INFO_V1(dbs_open_outbound);

static DbsStream *
require_stream(int stream_id)
{
	DbsStream *stream = dbs_stream_load(stream_id);

	if (stream == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no stream with id %d", stream_id)));
	if (strcmp(stream->desired, "running") != 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("stream \"%s\" is not meant to run", stream->name),
						errhint("SELECT dbstream.start_stream(%s);", quote_literal_cstr(stream->name))));
	return stream;
}

/*
 * How the stream begins: "backfill" while tables are being copied, "resync" when they are copied anew over
 * what the target has, else "position".  *run counts the copies: each has a position row of its own at the target, so
 * that nothing of an earlier one is taken for its own.
 */
static const char *
start_kind(const DbsStream *stream, bool begun, int *run)
{
	DbsCatalogAccess access;
	const char *state = "";
	bool isnull;

	*run = 1;
	dbs_catalog_enter(&access);
	if (!begun && strcmp(dbs_stream_option(stream, "start", "backfill"), "backfill") == 0)
		(void) dbs_catalog_run("INSERT INTO dbstream.backfill (stream_id, state, whole, position, gtid_set) "
							   "VALUES ($1, 'copying', true, '', '') ON CONFLICT DO NOTHING",
							   "i", stream->id);
	if (dbs_catalog_run("SELECT run, state = 'wanted', state = 'copying' FROM dbstream.backfill WHERE stream_id = $1",
						"i", stream->id) > 0)
	{
		bool wanted = DatumGetBool(dbs_catalog_datum(0, 2, &isnull));
		bool copying = DatumGetBool(dbs_catalog_datum(0, 3, &isnull));

		*run = DatumGetInt32(dbs_catalog_datum(0, 1, &isnull));
		state = wanted || copying ? "copying" : "";
		if (wanted)
		{
			/* The slot, lost or not, and what a session of the earlier copy may have recorded are of no more use. */
			dbs_outbound_drop_slot(stream->id);
			(void) dbs_catalog_run("DELETE FROM dbstream.progress WHERE stream_id = $1", "i", stream->id);
			(void) dbs_catalog_run("DELETE FROM dbstream.source_server WHERE stream_id = $1", "i", stream->id);
			(void) dbs_catalog_run("DELETE FROM dbstream.stream_table WHERE stream_id = $1", "i", stream->id);
			(void) dbs_catalog_run("UPDATE dbstream.backfill SET state = 'copying' WHERE stream_id = $1", "i",
								   stream->id);
		}
	}
	dbs_catalog_leave(&access);
	if (state[0] == '\0')
		return "position";
	return *run > 1 ? "resync" : "backfill";
}

/*
 * open_outbound(stream_id, generation of the definition that the bridge knows)
 *     → slot_name, stream_key, position ('' when nothing is recorded), start_kind
 */
Datum
dbs_open_outbound(PG_FUNCTION_ARGS)
{
	int stream_id = PG_GETARG_INT32(0);
	int64 generation = PG_GETARG_INT64(1);
	DbsStream *stream;
	DbsProgress progress;
	TupleDesc desc;
	Datum values[4];
	bool nulls[4] = {0};
	const char *kind;
	bool begun;
	char *key;
	int run;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (my_stream != 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE), errmsg("this connection has a stream open already"),
						errhint("Use one connection for each stream.")));
	stream = require_stream(stream_id);
	if (!dbs_claim_take(stream_id))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("stream \"%s\" is run by another bridge", stream->name),
				 errdetail("A bridge claims a stream for as long as its connection lives.")));
	/* After the claim: who alters a paused stream waits for it, and then no session knows the former definition. */
	if (dbs_stream_is_outdated(stream_id, generation))
	{
		dbs_claim_release(stream_id);
		dbs_stream_report_outdated(stream_id);
	}
	begun = dbs_progress_load(stream_id, &progress);
	values[0] = CStringGetTextDatum(dbs_outbound_slot_name(stream_id));
	kind = start_kind(stream, begun, &run);
	values[2] = CStringGetTextDatum(begun && strcmp(kind, "resync") != 0 ? progress.position : "");
	values[3] = CStringGetTextDatum(kind);
	key = psprintf(UINT64_FORMAT "/%u/%d", GetSystemIdentifier(), MyDatabaseId, stream_id);
	values[1] = CStringGetTextDatum(run == 1 ? key : psprintf("%s/%d", key, run));
	my_stream = stream_id;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* ---- the position ---- */

PG_FUNCTION_INFO_V1(dbs_outbound_progress);

/* Totals of tables, as the target has them: see mysql_table_total.c of the bridge. */
static void
store_tables(int stream_id, Jsonb *tables)
{
	DbsCatalogAccess access;

	dbs_catalog_enter(&access);
	(void) dbs_catalog_run(
		"INSERT INTO dbstream.stream_table AS t (stream_id, source_schema, source_table, state, rows_inserted,"
		"  rows_updated, rows_deleted, values_adjusted, last_applied_at)"
		" SELECT $1, x.schema, x.name, 'replicating', x.inserted, x.updated, x.deleted, x.adjusted, clock_timestamp()"
		" FROM jsonb_to_recordset($2) x(schema text, name text, inserted bigint, updated bigint, deleted bigint,"
		"  adjusted bigint)"
		" ON CONFLICT (stream_id, source_schema, source_table) DO UPDATE SET state = 'replicating',"
		"  rows_inserted = excluded.rows_inserted, rows_updated = excluded.rows_updated,"
		"  rows_deleted = excluded.rows_deleted, values_adjusted = excluded.values_adjusted,"
		"  last_applied_at = excluded.last_applied_at"
		/* A new session tells of all tables. */
		" WHERE (t.rows_inserted, t.rows_updated, t.rows_deleted, t.values_adjusted)"
		"  <> (excluded.rows_inserted, excluded.rows_updated, excluded.rows_deleted, excluded.values_adjusted)",
		"ij", stream_id, tables);
	dbs_catalog_leave(&access);
}

/* outbound_progress(stream_id, position, source_commit_time, four totals of the stream, totals of tables) */
Datum
dbs_outbound_progress(PG_FUNCTION_ARGS)
{
	int stream_id;
	DbsProgress progress;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("stream and position cannot be NULL")));
	stream_id = PG_GETARG_INT32(0);
	if (stream_id != my_stream)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("stream %d is not open on this connection", stream_id),
						errhint("Call dbstream.open_outbound first.")));
	if (!dbs_progress_load(stream_id, &progress))
		progress.gtid_set = "";
	progress.position = text_to_cstring(PG_GETARG_TEXT_PP(1));
	/* An error when it is none of PostgreSQL's: the views and the wait compute with it. Others' hold a file and an
	 * offset. */
	if (strchr(progress.position, ':') == NULL)
		(void) DirectFunctionCall1(pg_lsn_in, CStringGetDatum(progress.position));
	if (!PG_ARGISNULL(2))
		progress.source_commit_time = PG_GETARG_TIMESTAMPTZ(2);
	progress.transactions = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT64(3);
	progress.rows_inserted = PG_ARGISNULL(4) ? 0 : PG_GETARG_INT64(4);
	progress.rows_updated = PG_ARGISNULL(5) ? 0 : PG_GETARG_INT64(5);
	progress.rows_deleted = PG_ARGISNULL(6) ? 0 : PG_GETARG_INT64(6);
	dbs_progress_store(stream_id, &progress);
	if (!PG_ARGISNULL(7))
		store_tables(stream_id, PG_GETARG_JSONB_P(7));
	PG_RETURN_VOID();
}

/* ---- waiting ---- */

static XLogRecPtr
log_message(const char *prefix, const char *content, bool transactional)
{
#if PG_VERSION_NUM >= 170000
	return LogLogicalMessage(prefix, content, strlen(content), transactional, false);
#else
	return LogLogicalMessage(prefix, content, strlen(content), transactional);
#endif
}

uint64
dbs_outbound_mark(void)
{
	XLogRecPtr before = GetXLogInsertRecPtr();

	/* Not transactional: it is delivered where it stands, behind everything that committed before. Once on disk. */
	XLogFlush(log_message(SYNC_PREFIX, "", false));
	return before;
}

void
dbs_outbound_tell_definition(int stream_id, int64 generation)
{
	(void) log_message(DEFINITION_PREFIX, psprintf("%d " INT64_FORMAT, stream_id, generation), true);
}

bool
dbs_outbound_reached(int stream_id, uint64 lsn)
{
	DbsProgress progress;

	if (!dbs_progress_load(stream_id, &progress) || progress.position[0] == '\0')
		return false;
	return DatumGetLSN(DirectFunctionCall1(pg_lsn_in, CStringGetDatum(progress.position))) >= lsn;
}
