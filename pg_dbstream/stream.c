/*
 * Streams: create, alter, start, pause, resume, drop.
 *
 * These functions only say what is meant to be. Bridges, told by NOTIFY, bring it
 * about; a change of generation makes them close a stream and open it anew.
 */
#include "postgres.h"

#include "bridge_registry.h"
#include "catalog.h"
#include "claim.h"
#include "ddl_capture.h"
#include "options.h"
#include "outbound.h"
#include "slot.h"
#include "stream.h"
#include "switchover.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pattern.h"
#include "pgstat.h"
#include "replication/origin.h"
#include "storage/latch.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* How long drop_stream waits for a paused session to end, in milliseconds. */
#define SESSION_END_MS 10000

PG_FUNCTION_INFO_V1(dbs_create_stream);
PG_FUNCTION_INFO_V1(dbs_alter_stream);
PG_FUNCTION_INFO_V1(dbs_start_stream);
PG_FUNCTION_INFO_V1(dbs_pause_stream);
PG_FUNCTION_INFO_V1(dbs_resume_stream);
PG_FUNCTION_INFO_V1(dbs_resync_stream);
PG_FUNCTION_INFO_V1(dbs_drop_stream);
PG_FUNCTION_INFO_V1(dbs_source_slot);

/* ---- definition ------------------------------------------------------ */

static void
check_tables(ArrayType *tables)
{
	Datum *elements;
	bool *nulls;
	int count;
	int including = 0;

	deconstruct_array(tables, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		char *pattern;
		const char *problem;

		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a table pattern cannot be NULL")));
		pattern = TextDatumGetCString(elements[i]);
		problem = dbs_pattern_check(pattern);
		if (problem != NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("table pattern \"%s\" is not well formed: %s", pattern, problem),
							errhint("A pattern is schema.table, where * stands for any characters and ? for one; one "
									"that begins with ! excludes.")));
		including += pattern[0] != '!';
	}
	if (including == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("no table pattern selects anything"),
						errhint("Give at least one pattern without \"!\", for example '{shop.*}'.")));
}

/* The kind of connection at one end: "local", or the connection's. */
static const char *
end_kind(const char *name)
{
	DbsConnectionRow row;

	if (strcmp(name, "local") == 0)
		return "local";
	dbs_connection_get(name, &row);
	return row.kind;
}

/* Unique among all databases of all servers that may read from one source. palloc'd. */
static char *
source_slot_name(int stream_id)
{
	return psprintf("dbstream_" UINT64_FORMAT "_%u_%d", GetSystemIdentifier(), MyDatabaseId, stream_id);
}

Datum
dbs_source_slot(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(source_slot_name(PG_GETARG_INT32(0))));
}

static bool
is_mysql(const char *kind)
{
	return strcmp(kind, "mysql") == 0 || strcmp(kind, "mariadb") == 0;
}

/* One end is this database, or both are MySQL or MariaDB, between which a bridge carries the changes. */
static void
check_ends(const char *source, const char *target)
{
	const char *from = end_kind(source);
	const char *to = end_kind(target);

	if (is_mysql(from) && is_mysql(to))
	{
		if (strcmp(source, target) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("source and target are the same connection, \"%s\"", source),
							errhint("Name two connections.")));
		return;
	}
	if ((strcmp(from, "local") == 0) == (strcmp(to, "local") == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("one of source and target must be \"local\", this database, unless both are MySQL or MariaDB"),
				 errdetail("The source is \"%s\", the target is \"%s\".", source, target),
				 errhint("For changes that come in: source => '<connection>', target => 'local'.")));
	if (strcmp(to, "postgresql") == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("connection \"%s\" is of kind postgresql, and no stream writes to one", target),
						errhint("Create the stream in the database that is to be written, with target => 'local'.")));
}

/* A position of PostgreSQL's log is of no use without the slot that keeps the log. */
static void
check_postgres_options(const char *source, Jsonb *options)
{
	char *start = options != NULL ? dbs_jsonb_text(options, "start") : NULL;

	if (strcmp(end_kind(source), "postgresql") != 0 || start == NULL || strcmp(start, "now") == 0 ||
		strcmp(start, "backfill") == 0)
		return;
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("a stream from a PostgreSQL server cannot start at \"%s\"", start),
					errhint("It starts with \"backfill\", or \"now\" when this database holds the same already.")));
}

/* What streams out of this database cannot do yet is refused when it is asked for, not passed over when they run. */
static void
check_outbound_options(Jsonb *options)
{
	char *start = options != NULL ? dbs_jsonb_text(options, "start") : NULL;

	if (start != NULL && strcmp(start, "backfill") != 0 && strcmp(start, "now") != 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("a stream out of this database cannot start at \"%s\"", start),
						errhint("It starts with \"backfill\", or \"now\" when the target holds the same already.")));
}

/* Between two MySQL servers positions are files and offsets, which the target's row can hold. */
static void
check_relay_options(Jsonb *options)
{
	char *start = options != NULL ? dbs_jsonb_text(options, "start") : NULL;
	char *follow = options != NULL ? dbs_jsonb_text(options, "follow") : NULL;

	if (start != NULL && pg_strncasecmp(start, "gtid:", 5) == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("a stream between two MySQL servers cannot start at a GTID set"),
						errhint("It starts with \"backfill\", \"now\", \"earliest\" or at a file and offset.")));
	if (follow != NULL && strcmp(follow, "gtid") == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("a stream between two MySQL servers follows the source by file and offset"),
						errhint("Leave the option \"follow\" out.")));
}

void
dbs_stream_create(const char *name, const char *source, const char *target, ArrayType *tables, Jsonb *options)
{
	DbsCatalogAccess access;

	dbs_name_require("stream", name);
	dbs_options_check("stream", options, false);
	check_tables(tables);
	dbs_catalog_enter(&access);
	if (dbs_stream_exists(name))
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("stream \"%s\" exists already", name),
						errhint("Change it with dbstream.alter_stream(), or choose another name.")));
	check_ends(source, target);
	if (strcmp(source, "local") == 0)
		check_outbound_options(options);
	check_postgres_options(source, options);
	if (is_mysql(end_kind(source)) && is_mysql(end_kind(target)))
		check_relay_options(options);
	(void) dbs_catalog_run("INSERT INTO dbstream.stream (name, owner, source, target, tables, options)"
						   " VALUES ($1, $2, $3, $4, $5, $6)",
						   "tottaj", name, access.caller, source, target, tables, options);
	if (strcmp(source, "local") == 0)
		dbs_ddl_capture_prepare(&access, tables);
	dbs_notify();
	dbs_catalog_leave(&access);
}

/*
 * A stream that began with a backfill copies tables that its patterns select newly: the bridge, which sees the source's
 * tables, compares with the patterns as they were.
 */
static void
copy_new_tables(const DbsStreamRow *row)
{
	if (dbs_catalog_run("UPDATE dbstream.backfill SET whole = whole AND state IN ('copying', 'window'), state = "
						"'copying', copied_at = NULL, finished_at = NULL WHERE stream_id = $1",
						"i", row->id) == 0)
		return;
	(void) dbs_catalog_run("INSERT INTO dbstream.backfill_selection (stream_id, tables) VALUES ($1, $2)", "ia", row->id,
						   row->tables);
}

/* The bridge of an outbound stream lets go when it has closed its session: then the claim can be had. */
static void
wait_for_claim(const DbsStreamRow *row)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SESSION_END_MS);

	while (!dbs_claim_take(row->id))
	{
		if (GetCurrentTimestamp() >= until)
			ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
							errmsg("the session of stream \"%s\" has not ended yet", row->name),
							errhint("Try again when its bridge has closed it.")));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	dbs_claim_release(row->id);
}

/*
 * What goes from one MySQL server to another passes no function here that could refuse it once the definition has
 * changed. So no session may be left that knows the former one: with other patterns it would pass over rows for good.
 */
static void
settle_session(const DbsStreamRow *row, bool tables)
{
	bool paused_here = dbs_catalog_run("SELECT FROM dbstream.stream WHERE id = $1 AND xmin = "
									   "pg_catalog.pg_current_xact_id()::pg_catalog.xid",
									   "i", row->id) > 0;

	if (tables && (strcmp(row->desired, "running") == 0 || (paused_here && strcmp(row->desired, "paused") == 0)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("the tables of stream \"%s\" cannot change while it runs", row->name),
				 errhint("SELECT dbstream.pause_stream(%s); in a transaction of its own, then alter_stream, then "
						 "resume_stream.",
						 quote_literal_cstr(row->name))));
	if (strcmp(row->desired, "paused") == 0 && !paused_here)
		wait_for_claim(row);
}

void
dbs_stream_alter(const char *name, ArrayType *tables, Jsonb *options, bool replace)
{
	DbsCatalogAccess access;
	DbsStreamRow row;

	if (tables != NULL)
		check_tables(tables);
	if (options != NULL)
		dbs_options_check("stream", options, !replace);
	dbs_catalog_enter(&access);
	dbs_stream_get(name, &row);
	dbs_stream_require_owner(&access, &row);
	if (strcmp(row.source, "local") == 0)
		check_outbound_options(options);
	if (options != NULL && dbs_jsonb_has(options, "start") &&
		dbs_catalog_run("SELECT FROM dbstream.progress WHERE stream_id = $1", "i", row.id) > 0 && !replace)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("stream \"%s\" has begun already: option \"start\" would have no effect", name),
						errhint("Drop the stream and create it again to start elsewhere.")));
	if (strcmp(row.target, "local") != 0 && strcmp(row.source, "local") != 0)
		settle_session(&row, tables != NULL);
	if (tables != NULL && strcmp(row.source, "local") != 0)
		copy_new_tables(&row);
	(void) dbs_catalog_run("UPDATE dbstream.stream SET tables = coalesce($2, tables),"
						   " options = pg_catalog.jsonb_strip_nulls(CASE WHEN $4 = 'replace' THEN '{}'::jsonb"
						   " ELSE options END || coalesce($3, '{}')), generation = generation + 1, changed_at = "
						   "clock_timestamp() WHERE id = $1",
						   "iajt", row.id, tables, options, replace && options != NULL ? "replace" : "");
	dbs_stream_look(name, &row);
	dbs_options_require_column(row.options);
	if (strcmp(row.source, "local") == 0 && tables != NULL)
		dbs_ddl_capture_prepare(&access, tables);
	if (strcmp(row.source, "local") == 0)
		dbs_outbound_tell_definition(row.id, row.generation);
	dbs_notify();
	dbs_catalog_leave(&access);
}

/* ---- what is meant to be ---------------------------------------------- */

/* Another state than desired: say which, and what leads on. */
static void
report_state(const DbsStreamRow *row, const char *hint)
{
	const char *words = strcmp(row->desired, "created") == 0   ? "has not been started"
						: strcmp(row->desired, "running") == 0 ? "is started already"
															   : "is paused";

	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("stream \"%s\" %s", row->name, words),
					errhint("%s", hint)));
}

static void
set_desired(const DbsCatalogAccess *access, const DbsStreamRow *row, const char *desired)
{
	if (strcmp(row->source, "local") == 0 && strcmp(desired, "running") == 0)
		dbs_ddl_capture_prepare(access, row->tables);
	(void) dbs_catalog_run("UPDATE dbstream.stream SET desired = $2, generation = generation + 1, changed_at = "
						   "clock_timestamp() WHERE id = $1",
						   "it", row->id, desired);
	dbs_notify();
}

Datum
dbs_start_stream(PG_FUNCTION_ARGS)
{
	DbsCatalogAccess access;
	DbsStreamRow row;

	dbs_catalog_enter(&access);
	dbs_stream_get(text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	dbs_stream_require_owner(&access, &row);
	dbs_bridge_registry_require();
	if (strcmp(row.desired, "running") == 0)
		report_state(&row, "After an error, dbstream.resume_stream() tries again at once.");
	if (strcmp(row.desired, "paused") == 0)
		report_state(&row, "Continue it with dbstream.resume_stream().");
	dbs_increments_set_up(&access, &row);
	set_desired(&access, &row, "running");
	dbs_catalog_leave(&access);
	PG_RETURN_VOID();
}

Datum
dbs_pause_stream(PG_FUNCTION_ARGS)
{
	DbsCatalogAccess access;
	DbsStreamRow row;

	dbs_catalog_enter(&access);
	dbs_stream_get(text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	dbs_stream_require_owner(&access, &row);
	if (strcmp(row.desired, "running") != 0)
		report_state(&row, strcmp(row.desired, "created") == 0 ? "Start it with dbstream.start_stream()."
															   : "Continue it with dbstream.resume_stream().");
	set_desired(&access, &row, "paused");
	dbs_catalog_leave(&access);
	PG_RETURN_VOID();
}

/* Also on a running stream: the new generation makes its bridge open it anew without waiting. */
Datum
dbs_resume_stream(PG_FUNCTION_ARGS)
{
	DbsCatalogAccess access;
	DbsStreamRow row;

	dbs_catalog_enter(&access);
	dbs_stream_get(text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	dbs_stream_require_owner(&access, &row);
	dbs_bridge_registry_require();
	if (strcmp(row.desired, "created") == 0)
		report_state(&row, "Start it with dbstream.start_stream().");
	set_desired(&access, &row, "running");
	dbs_catalog_leave(&access);
	PG_RETURN_VOID();
}

/*
 * An outbound stream begins anew. The bridge that next has the claim drops the slot and empties the tables at the
 * target: nobody waits here for a session that may be stuck. What was counted begins anew too, and old errors are
 * answered.
 */
Datum
dbs_resync_stream(PG_FUNCTION_ARGS)
{
	DbsCatalogAccess access;
	DbsStreamRow row;

	dbs_catalog_enter(&access);
	dbs_stream_get(text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	dbs_stream_require_owner(&access, &row);
	dbs_bridge_registry_require();
	if (strcmp(row.target, "local") == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("stream \"%s\" comes in: resync_stream is for streams to a MySQL server", row.name),
						errhint("Drop it, and create it anew with the option target_tables set to \"truncate\".")));
	if (strcmp(row.desired, "created") == 0)
		report_state(&row, "Start it with dbstream.start_stream().");
	(void) dbs_catalog_run(
		"INSERT INTO dbstream.backfill AS b (stream_id, state, whole, position, gtid_set, run) "
		"VALUES ($1, 'wanted', true, '', '', 2) ON CONFLICT (stream_id) DO UPDATE SET state = 'wanted', "
		"position = '', run = b.run + 1, started_at = clock_timestamp(), copied_at = NULL, "
		"finished_at = NULL",
		"i", row.id);
	(void) dbs_catalog_run("DELETE FROM dbstream.backfill_table WHERE stream_id = $1", "i", row.id);
	(void) dbs_catalog_run("DELETE FROM dbstream.progress WHERE stream_id = $1", "i", row.id);
	set_desired(&access, &row, "running");
	dbs_catalog_leave(&access);
	PG_RETURN_VOID();
}

/*
 * Wait for a paused stream's session to end: its worker may still be applying
 * what it has, and writes the progress that is about to go.
 */
static void
wait_for_session_end(const DbsStreamRow *row)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SESSION_END_MS);

	while (dbs_slots_ready())
	{
		DbsSlot *slot = dbs_slot_of_stream(row->id, false);
		int sender;
		int worker;

		if (slot == NULL)
			return;
		SpinLockAcquire(&slot->mutex);
		sender = slot->stream_id == row->id ? slot->sender_pid : 0;
		worker = slot->stream_id == row->id ? slot->worker_pid : 0;
		SpinLockRelease(&slot->mutex);
		if (sender == 0 && worker == 0)
			return;
		if (GetCurrentTimestamp() >= until)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("the session of stream \"%s\" has not ended yet", row->name),
					 errhint(sender != 0 ? "Try again when its bridge has closed it, after the transaction that paused "
										   "it; or end its backend: SELECT pg_terminate_backend(%d);"
										 : "Try again when its apply worker, process %d, has ended.",
							 sender != 0 ? sender : worker)));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* What is applied stays; only the stream, its progress and its history go. An outbound stream's slot goes too. */
Datum
dbs_drop_stream(PG_FUNCTION_ARGS)
{
	DbsCatalogAccess access;
	DbsStreamRow row;

	dbs_catalog_enter(&access);
	dbs_stream_get(text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	dbs_stream_require_owner(&access, &row);
	if (strcmp(row.desired, "running") == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE), errmsg("stream \"%s\" is running", row.name),
						errhint("Pause it first, with dbstream.pause_stream().")));
	wait_for_session_end(&row);
	if (strcmp(row.target, "local") != 0)
		wait_for_claim(&row);
	if (strcmp(row.source, "local") == 0)
		dbs_outbound_drop_slot(row.id);
	else if (strcmp(end_kind(row.source), "postgresql") == 0)
		ereport(WARNING, (errmsg("replication slot \"%s\" of stream \"%s\" keeps the source's log",
								 source_slot_name(row.id), row.name),
						  errhint("There, unless the stream has never run: SELECT pg_drop_replication_slot('%s');",
								  source_slot_name(row.id))));
	(void) dbs_catalog_run("DELETE FROM dbstream.stream WHERE id = $1", "i", row.id);
	if (strcmp(row.source, "local") == 0)
		dbs_ddl_capture_release();
	replorigin_drop_by_name(psprintf("dbstream_%d", row.id), true, true);
	dbs_stream_report_forget(row.id);
	dbs_notify();
	dbs_catalog_leave(&access);
	PG_RETURN_VOID();
}

/* ---- SQL for the definition -------------------------------------------- */

Datum
dbs_create_stream(PG_FUNCTION_ARGS)
{
	dbs_stream_create(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)),
					  text_to_cstring(PG_GETARG_TEXT_PP(2)), PG_GETARG_ARRAYTYPE_P(3), PG_GETARG_JSONB_P(4));
	PG_RETURN_VOID();
}

Datum
dbs_alter_stream(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the stream's name cannot be NULL")));
	if (PG_ARGISNULL(1) && PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("nothing to change"),
						errhint("Give tables => '{...}' or options => '{...}'.")));
	dbs_stream_alter(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_ARGISNULL(1) ? NULL : PG_GETARG_ARRAYTYPE_P(1),
					 PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2), false);
	PG_RETURN_VOID();
}
