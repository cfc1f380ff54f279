/*
 * See worker.h.
 *
 * The worker connects as the stream's owner and acts with the owner's rights
 * only.  It ends when the session's sender has gone, after applying the whole
 * transactions in the queue, or with an error, which it records; a new session
 * starts a new worker at the recorded position.  The bridge's waiting between
 * sessions is the throttle.
 *
 * Commits are asynchronous unless the option synchronous_commit says
 * otherwise.  That is safe: position and rows are in the same transaction, so
 * what a crash takes back is read again from the source.
 */
#include "worker.h"

#include "access/xact.h"
#include "apply.h"
#include "backfill_record.h"
#include "miscadmin.h"
#include "commands/trigger.h"
#include "compat.h"
#include "conflict.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "replication/origin.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* How many transactions commit alone after an error, so that what stands before it gets through. */
#define CAUTIOUS_TRANSACTIONS 2000
#define COUNTERS_WAIT_MS 1000

typedef struct WorkerStart
{
	uint64 session;
	Oid owner;
} WorkerStart;

BackgroundWorkerHandle *
dbs_worker_start(DbsSlot *slot, uint64 session, Oid owner, const char *stream_name)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;
	WorkerStart start = {.session = session, .owner = owner};

	snprintf(worker.bgw_name, BGW_MAXLEN, "dbstream apply worker for stream %s", stream_name);
	snprintf(worker.bgw_type, BGW_MAXLEN, "dbstream apply worker");
	snprintf(worker.bgw_library_name, sizeof worker.bgw_library_name, "dbstream");
	snprintf(worker.bgw_function_name, sizeof worker.bgw_function_name, "dbs_worker_main");
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = Int32GetDatum(dbs_slot_index(slot));
	worker.bgw_notify_pid = MyProcPid;
	memcpy(worker.bgw_extra, &start, sizeof start);
	return RegisterDynamicBackgroundWorker(&worker, &handle) ? handle : NULL;
}

/* Runs after the transaction was aborted: whoever sees the slot free can read the final position. */
static void
worker_exit(int code, Datum arg)
{
	DbsSlot *slot = dbs_apply.slot;
	Latch *sender;

	SpinLockAcquire(&slot->mutex);
	slot->worker_pid = 0;
	slot->worker_latch = NULL;
	sender = slot->sender_latch;
	if (slot->closed)
	{
		slot->state = DBS_SLOT_FREE;
		slot->session = 0;
	}
	else
		slot->state = DBS_SLOT_STOPPED;
	SpinLockRelease(&slot->mutex);
	if (sender != NULL)
		SetLatch(sender);
}

/* Take the slot for this worker; false when the session that asked for it is over. */
static bool
attach(DbsSlot *slot, uint64 session)
{
	bool ours;

	SpinLockAcquire(&slot->mutex);
	ours = slot->session == session && slot->state == DBS_SLOT_STARTING && !slot->closed;
	if (ours)
	{
		slot->worker_pid = MyProcPid;
		slot->worker_latch = MyLatch;
	}
	SpinLockRelease(&slot->mutex);
	if (!ours)
		return false;
	dbs_apply.slot = slot;
	dbs_apply.session = session;
	on_shmem_exit(worker_exit, (Datum) 0);
	return true;
}

static void
set_running(DbsSlot *slot)
{
	Latch *sender;

	SpinLockAcquire(&slot->mutex);
	slot->state = DBS_SLOT_RUNNING;
	sender = slot->sender_latch;
	dbs_apply.cautious = slot->failed ? CAUTIOUS_TRANSACTIONS : 0;
	slot->failed = false;
	SpinLockRelease(&slot->mutex);
	if (sender != NULL)
		SetLatch(sender);
}

void
dbs_worker_pin_settings(void)
{
	static const char *const settings[][2] = {
		{"search_path", ""},
		{"DateStyle", "ISO, YMD"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
		{"extra_float_digits", "1"},
		{"bytea_output", "hex"},
		{"lock_timeout", "0"},
		{"statement_timeout", "0"},
		{"idle_in_transaction_session_timeout", "0"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"check_function_bodies", "off"},
		{"row_security", "on"},
		{"client_min_messages", "warning"},
	};

	for (int i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("session_replication_role", "replica", PGC_SUSET, PGC_S_OVERRIDE);
}

static void
set_up_origin(int stream_id)
{
	char name[NAMEDATALEN];
	RepOriginId origin;

	snprintf(name, sizeof name, "dbstream_%d", stream_id);
	origin = replorigin_by_name(name, true);
	if (origin == InvalidRepOriginId)
		origin = replorigin_create(name);
	dbs_origin_session_setup(origin);
	replorigin_session_origin = origin;
}

void
dbs_worker_read_stream(int stream_id)
{
	MemoryContext old = MemoryContextSwitchTo(dbs_apply.context);

	dbs_apply.stream = dbs_stream_load(stream_id);
	if (dbs_apply.stream == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no stream with id %d", stream_id)));
	initStringInfo(&dbs_apply.position);
	initStringInfo(&dbs_apply.gtid_set);
	initStringInfo(&dbs_apply.gtid);
	initStringInfo(&dbs_apply.committed);
	if (dbs_progress_load(stream_id, &dbs_apply.progress))
	{
		appendStringInfoString(&dbs_apply.position, dbs_apply.progress.position);
		appendStringInfoString(&dbs_apply.committed, dbs_apply.progress.position);
		appendStringInfoString(&dbs_apply.gtid_set, dbs_apply.progress.gtid_set);
	}
	MemoryContextSwitchTo(old);
}

static void
load_stream(int stream_id)
{
	MemoryContext old;

	StartTransactionCommand();
	dbs_worker_read_stream(stream_id);
	old = MemoryContextSwitchTo(dbs_apply.context);
	dbs_apply.source_wins = strcmp(dbs_stream_option(dbs_apply.stream, "conflicts", "stop"), "source_wins") == 0;
	dbs_conflict_init(dbs_apply.stream);
	dbs_backfill_load();
	SetConfigOption("synchronous_commit",
					strcmp(dbs_stream_option(dbs_apply.stream, "synchronous_commit", "false"), "true") == 0 ? "on"
																											: "off",
					PGC_USERSET, PGC_S_OVERRIDE);
	MemoryContextSwitchTo(old);
	set_up_origin(stream_id);
	CommitTransactionCommand();
}

/* Where in the stream an error happened. */
static void
describe_place(void *arg)
{
	DbsWireTable *table = dbs_apply.where_table;

	if (dbs_apply.stream == NULL)
		return;
	if (dbs_apply.where_flush != NULL)
	{
		errcontext("insert into table \"%s.%s\"", get_namespace_name(RelationGetNamespace(dbs_apply.where_flush)),
				   RelationGetRelationName(dbs_apply.where_flush));
		errcontext("stream \"%s\", transactions between source positions \"%s\" and \"%s\"", dbs_apply.stream->name,
				   dbs_apply.committed.data, dbs_apply.position.data);
		return;
	}
	if (table != NULL && dbs_apply.where_column >= 0)
		errcontext("%s of source table \"%s.%s\", column \"%s\" (%s)",
				   dbs_apply.where_operation != NULL ? dbs_apply.where_operation : "row", table->schema, table->name,
				   table->columns[dbs_apply.where_column].name, table->columns[dbs_apply.where_column].type_name);
	else if (table != NULL)
		errcontext("%s of source table \"%s.%s\"",
				   dbs_apply.where_operation != NULL ? dbs_apply.where_operation : "row", table->schema, table->name);
	errcontext("stream \"%s\", transaction%s%s after source position \"%s\"", dbs_apply.stream->name,
			   dbs_apply.gtid.len > 0 ? " " : "", dbs_apply.gtid.data, dbs_apply.position.data);
}

static bool
sender_has_gone(void)
{
	bool closed;

	SpinLockAcquire(&dbs_apply.slot->mutex);
	closed = dbs_apply.slot->closed;
	SpinLockRelease(&dbs_apply.slot->mutex);
	return closed;
}

/* Nothing whole is in the queue: commit what is open, then wait. False when the session is over. */
static bool
rest(void)
{
	static bool gone = false;

	if (dbs_apply.in_group && !dbs_apply.in_transaction)
	{
		dbs_apply_commit_group(true);
		return true;
	}
	if (gone)
		return false;
	gone = sender_has_gone();
	pg_memory_barrier();

	/* What came before the sender went is in the queue for certain from here on: look once more. */
	if (gone || !dbs_queue_idle(&dbs_apply.reader))
		return true;
	if (WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
				  !dbs_apply.in_group && dbs_counters_pending() ? COUNTERS_WAIT_MS : 10000, PG_WAIT_EXTENSION) &
		WL_TIMEOUT)
	{
		if (!dbs_apply.in_group && dbs_counters_pending())
			dbs_apply_commit_group(true);
	}
	ResetLatch(MyLatch);
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	return true;
}

static void
apply_loop(void)
{
	DbsMessage message;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (!dbs_queue_next(&dbs_apply.reader, &message))
		{
			if (rest())
				continue;
			break;
		}
		dbs_apply_message(&message);
		dbs_queue_release(&dbs_apply.reader);
	}
	if (!dbs_apply.in_group && dbs_counters_pending())
		dbs_apply_commit_group(true);
}

static void
run_session(void)
{
	ErrorContextCallback place = {.callback = describe_place, .previous = error_context_stack};

	error_context_stack = &place;
	dbs_apply.where_column = -1;
	load_stream(dbs_apply.slot->stream_id);
	dbs_tables_init(dbs_apply.context);
	dbs_cascade_init();
	dbs_queue_reader_init(&dbs_apply.reader, &dbs_apply.slot->queue, dbs_slot_ring(dbs_apply.slot),
						  dbs_slot_ring_size(), dbs_apply.context);
	pgstat_report_activity(STATE_RUNNING, NULL);
	set_running(dbs_apply.slot);
	apply_loop();
	error_context_stack = place.previous;
}

/* Keep the error, for people and for the next open_inbound. */
static void
end_with_error(void)
{
	ErrorData *error;
	char *message;

	MemoryContextSwitchTo(dbs_apply.context);
	HOLD_INTERRUPTS();
	error = CopyErrorData();
	EmitErrorReport();
	FlushErrorState();
	AbortOutOfAnyTransaction();
	RESUME_INTERRUPTS();
	error_context_stack = NULL;
	MemoryContextSwitchTo(dbs_apply.context);

	/* The record is not the stream's: it carries no origin. */
	replorigin_session_origin = InvalidRepOriginId;
	message = dbs_apply_record_error(error);
	SpinLockAcquire(&dbs_apply.slot->mutex);
	strlcpy(dbs_apply.slot->error, message, sizeof dbs_apply.slot->error);
	dbs_apply.slot->failed = true;
	SpinLockRelease(&dbs_apply.slot->mutex);
}

void
dbs_worker_main(Datum main_arg)
{
	WorkerStart start;
	DbsSlot *slot = dbs_slot_by_index(DatumGetInt32(main_arg));

	memcpy(&start, MyBgworkerEntry->bgw_extra, sizeof start);
	if (!attach(slot, start.session))
		proc_exit(0);

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(slot->database, start.owner, DBS_WORKER_CONNECTION_FLAGS);
	dbs_worker_pin_settings();
	dbs_apply.context = AllocSetContextCreate(TopMemoryContext, "dbstream worker", ALLOCSET_DEFAULT_SIZES);
	dbs_apply.message_context = AllocSetContextCreate(dbs_apply.context, "dbstream message", ALLOCSET_DEFAULT_SIZES);

	PG_TRY();
	{
		run_session();
	}
	PG_CATCH();
	{
		end_with_error();
	}
	PG_END_TRY();

	/* Exit ends an open transaction: what came of it after the last whole one is thrown away. */
	proc_exit(0);
}
