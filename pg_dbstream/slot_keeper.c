/*
 * Keeping slots of outbound streams within the option max_retained_wal.
 *
 * A slot that nobody reads keeps the log until the disk is full, and then nobody can write here.  The bridge cannot be
 * the one to prevent it, since a bridge that is not there is the main cause.  So the server looks itself: a worker
 * without a database, which runs as long as the server does, looks at the slots in shared memory, and where one of a
 * stream keeps anything worth speaking of, a second one connects to its database for a moment, since the limit is
 * there.
 *
 * A slot beyond its stream's limit is dropped.  The stream knows by its recorded position that there was one: it shows
 * as "slot lost", applies nothing more, and resync_stream mends it.
 */
#include "postgres.h"

#include "catalog.h"
#include "outbound.h"
#include "slot_keeper.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "replication/slot.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

/* Less than this is not worth a look. */
#define WORTH_LOOKING ((uint64) 1024 * 1024)

PGDLLEXPORT void dbs_slot_keeper_main(Datum arg);
PGDLLEXPORT void dbs_slot_check_main(Datum database);

int dbs_slot_check_interval = 10;

/* ---- the worker that is always there ------------------------------------------------------ */

/* Is it the slot of an outbound stream? They are named after their database. */
static bool
is_ours(const ReplicationSlot *slot)
{
	char prefix[NAMEDATALEN];

	snprintf(prefix, sizeof prefix, "dbstream_%u_", slot->data.database);
	return OidIsValid(slot->data.database) && strncmp(NameStr(slot->data.name), prefix, strlen(prefix)) == 0;
}

static List *
databases_to_look_at(void)
{
	XLogRecPtr end = GetXLogInsertRecPtr();
	List *databases = NIL;

	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];
		XLogRecPtr restart;

		if (!slot->in_use || !is_ours(slot))
			continue;
		SpinLockAcquire(&slot->mutex);
		restart = slot->data.restart_lsn;
		SpinLockRelease(&slot->mutex);
		if (restart != InvalidXLogRecPtr && end > restart && end - restart >= WORTH_LOOKING)
			databases = list_append_unique_oid(databases, slot->data.database);
	}
	LWLockRelease(ReplicationSlotControlLock);
	return databases;
}

/* Have somebody look into the database, and wait until that is done. */
static void
look_into(Oid database)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;

	snprintf(worker.bgw_name, BGW_MAXLEN, "dbstream slot check");
	snprintf(worker.bgw_type, BGW_MAXLEN, "dbstream slot check");
	snprintf(worker.bgw_library_name, sizeof worker.bgw_library_name, "dbstream");
	snprintf(worker.bgw_function_name, sizeof worker.bgw_function_name, "dbs_slot_check_main");
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		ereport(WARNING, (errmsg("what the replication slots of streams keep of the log cannot be looked at"),
						  errhint("Raise max_worker_processes.")));
		return;
	}
	(void) WaitForBackgroundWorkerShutdown(handle);
}

void
dbs_slot_keeper_main(Datum arg)
{
	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	/* To none: but only workers of this kind are told when one that they started has ended. */
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	for (;;)
	{
		List *databases = databases_to_look_at();
		ListCell *cell;

		foreach (cell, databases)
			look_into(lfirst_oid(cell));
		list_free(databases);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, dbs_slot_check_interval * 1000L,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}

void
dbs_slot_keeper_register(void)
{
	BackgroundWorker worker = {0};

	snprintf(worker.bgw_name, BGW_MAXLEN, "dbstream slot keeper");
	snprintf(worker.bgw_type, BGW_MAXLEN, "dbstream slot keeper");
	snprintf(worker.bgw_library_name, sizeof worker.bgw_library_name, "dbstream");
	snprintf(worker.bgw_function_name, sizeof worker.bgw_function_name, "dbs_slot_keeper_main");
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 10;
	RegisterBackgroundWorker(&worker);
}

/* ---- the one that looks into a database --------------------------------------------------- */

typedef struct LimitedSlot
{
	int stream_id;
	char *stream;
	char *name;
	char *position;
	char *kept; /* for people */
	char *limit;
	bool beyond;
} LimitedSlot;

/* Slots that keep more than four fifths of what they may. In the memory of the transaction. */
static List *
find_slots(MemoryContext context)
{
	uint64 count = dbs_catalog_run(
		"SELECT s.id, s.name, k.slot_name, k.confirmed_flush_lsn, pg_size_pretty(w.kept), pg_size_pretty(l.bytes),"
		"  w.kept > l.bytes FROM dbstream.stream s"
		" CROSS JOIN LATERAL (SELECT pg_size_bytes(s.options->>'max_retained_wal') AS bytes) l"
		" JOIN pg_replication_slots k ON k.slot_name = format('dbstream_%s_%s', (SELECT oid FROM pg_database"
		"  WHERE datname = current_database()), s.id)"
		" CROSS JOIN LATERAL (SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), k.restart_lsn) AS kept) w"
		" WHERE s.source = 'local' AND l.bytes > 0 AND w.kept > l.bytes * 0.8 ORDER BY s.id",
		"");
	List *slots = NIL;

	for (uint64 i = 0; i < count; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		LimitedSlot *slot = palloc0(sizeof *slot);
		bool isnull;

		slot->stream_id = DatumGetInt32(dbs_catalog_datum(i, 1, &isnull));
		slot->stream = pstrdup(dbs_catalog_text(i, 2));
		slot->name = pstrdup(dbs_catalog_text(i, 3));
		slot->position = dbs_catalog_text(i, 4) != NULL ? pstrdup(dbs_catalog_text(i, 4)) : "";
		slot->kept = pstrdup(dbs_catalog_text(i, 5));
		slot->limit = pstrdup(dbs_catalog_text(i, 6));
		slot->beyond = DatumGetBool(dbs_catalog_datum(i, 7, &isnull));
		slots = lappend(slots, slot);
		MemoryContextSwitchTo(old);
	}
	return slots;
}

/* An error here, such as a reader that comes back in between, ends this worker; the next look tries again. */
static void
give_up(const LimitedSlot *slot)
{
	static const char hint[] =
		"See why the stream does not move (dbstream.stream_status), then dbstream.resync_stream() "
		"makes a new slot and copies the tables anew.";
	char *message =
		psprintf("replication slot \"%s\" kept %s of the log, more than max_retained_wal of stream \"%s\" (%s), "
				 "and was given up",
				 slot->name, slot->kept, slot->stream, slot->limit);

	(void) dbs_catalog_run(
		"SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = $1"
		" AND active",
		"t", slot->name);
	dbs_outbound_drop_slot(slot->stream_id);
	(void) dbs_catalog_run(
		"INSERT INTO dbstream.error_log (stream_id, first_at, last_at, origin, code, message, hint,"
		" position) VALUES ($1, clock_timestamp(), clock_timestamp(), 'server', 'slot_given_up', $2, $3,"
		" nullif($4, ''))",
		"ittt", slot->stream_id, message, hint, slot->position);
	ereport(LOG, (errmsg("%s", message), errhint("%s", hint)));
}

/* One row, told in the log too every ten minutes. */
static void
warn(const LimitedSlot *slot)
{
	static const char hint[] = "See why the stream does not move: dbstream.stream_status, dbstream.errors.";
	char *message =
		psprintf("replication slot \"%s\" keeps %s of the log; beyond max_retained_wal of stream \"%s\", %s, "
				 "it is given up",
				 slot->name, slot->kept, slot->stream, slot->limit);
	uint64 rows =
		dbs_catalog_run("UPDATE dbstream.error_log SET last_at = clock_timestamp(), times = times + 1, message = $2"
						" WHERE stream_id = $1 AND code = 'slot_filling' AND last_at < now() - interval '10 minutes'"
						" RETURNING 1",
						"it", slot->stream_id, message);

	if (rows == 0)
		rows =
			dbs_catalog_run("INSERT INTO dbstream.error_log (stream_id, first_at, last_at, origin, code, message, hint)"
							" SELECT $1, clock_timestamp(), clock_timestamp(), 'server', 'slot_filling', $2, $3"
							" WHERE NOT EXISTS (SELECT FROM dbstream.error_log WHERE stream_id = $1"
							"  AND code = 'slot_filling') RETURNING 1",
							"itt", slot->stream_id, message, hint);
	if (rows > 0)
		ereport(LOG, (errmsg("%s", message), errhint("%s", hint)));
}

static void
check_slots(void)
{
	MemoryContext context = CurrentMemoryContext;
	DbsCatalogAccess access;
	List *slots;
	ListCell *cell;

	if (!OidIsValid(get_namespace_oid("dbstream", true)) ||
		!OidIsValid(get_relname_relid("stream", get_namespace_oid("dbstream", true))))
		return;
	dbs_catalog_enter(&access);
	slots = find_slots(context);
	foreach (cell, slots)
	{
		const LimitedSlot *slot = lfirst(cell);

		if (slot->beyond)
			give_up(slot);
		else
			warn(slot);
	}
	dbs_catalog_leave(&access);
}

void
dbs_slot_check_main(Datum database)
{
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "looking at what slots keep");
	check_slots();
	PopActiveSnapshot();
	CommitTransactionCommand();
	proc_exit(0);
}
