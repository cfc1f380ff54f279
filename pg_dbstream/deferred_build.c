/*
 * See deferred_build.h.
 *
 * Builders are background workers, as many as the option backfill_workers says, less the apply worker itself. Where
 * the server has none to spare, the apply worker does alone what is to be done. A job is claimed in a
 * transaction of its own, so that others see who is at it; what counts is the lock in the next one.
 */
#include "deferred_build.h"

#include "access/xact.h"
#include "apply.h"
#include "catalog.h"
#include "catalog/namespace.h"
#include "ddl_capture.h"
#include "deferred_ddl.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "compat.h"
#include "pgstat.h"
#include "replication/origin.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "worker.h"

#define MOST_BUILDERS 31

typedef struct Round
{
	const char *stages; /* of dbstream.deferred_ddl, as an array; NULL: tables whose rows are in */
	const char *phase;  /* the tables' meanwhile */
} Round;

static const Round rounds[DBS_BUILD_ROUNDS] = {
	[DBS_BUILD_INDEXES] = {"{key,index}", "indexing"},
	[DBS_BUILD_UNIQUE_INDEXES] = {"{unique index}", "indexing"},
	[DBS_BUILD_VALIDATIONS] = {"{validation}", "foreign keys"},
	[DBS_BUILD_STATISTICS] = {NULL, NULL},
};

typedef struct Job
{
	int64 id; /* 0 where the table is the job */
	char *sql;
	char *schema;
	char *table;
} Job;

typedef struct BuilderStart
{
	Oid database;
	Oid owner;
	int stream_id;
	int round;
	bool window;
} BuilderStart;

static BackgroundWorkerHandle *builders[MOST_BUILDERS];
static int builder_count = 0;

/* ---- transactions ---- */

static void
begin_transaction(DbsCatalogAccess *access)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(dbs_apply.message_context);
	dbs_catalog_enter(access);
}

static void
commit_transaction(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(dbs_apply.message_context);
}

static char *
kept_text(int column)
{
	return MemoryContextStrdup(dbs_apply.message_context, dbs_catalog_text(0, column));
}

/* ---- jobs that are statements ---- */

#define OF_THE_ROUND                                                                                                   \
	"d.stream_id = $1 AND d.stage = ANY ($2::text[]) AND NOT EXISTS (SELECT FROM dbstream.backfill_table c "           \
	"WHERE c.stream_id = $1 AND c.source_schema = d.source_schema AND c.source_table = d.source_table AND c.phase IN " \
	"('requested', 'cancelled'))"

/* Those that nobody has claimed come first, and of those the largest table's. */
#define NEXT_STATEMENT                                                                                                 \
	"SELECT d.id FROM dbstream.deferred_ddl d LEFT JOIN dbstream.backfill_table t ON t.stream_id = d.stream_id AND "   \
	"t.source_schema = d.source_schema AND t.source_table = d.source_table WHERE " OF_THE_ROUND                        \
	" ORDER BY d.builder IS NOT NULL, t.bytes_done DESC NULLS LAST, d.stage <> 'key', d.id LIMIT 1 FOR UPDATE OF d"

static const char claim_free[] = "UPDATE dbstream.deferred_ddl SET builder = pg_backend_pid() WHERE id = "
								 "(" NEXT_STATEMENT " SKIP LOCKED) RETURNING id, sql, source_schema, source_table";
static const char claim_any[] = "UPDATE dbstream.deferred_ddl SET builder = pg_backend_pid() WHERE id = "
								"(" NEXT_STATEMENT ") RETURNING id, sql, source_schema, source_table";

/* wait: until those who hold one have done it or given up. False when none is to be had. */
static bool
claim_statement(const Round *round, bool wait, Job *job)
{
	DbsCatalogAccess access;
	bool found, left = true;

	do
	{
		begin_transaction(&access);
		found = dbs_catalog_run(wait ? claim_any : claim_free, "it", dbs_apply.stream->id, round->stages) > 0;
		if (found)
		{
			bool null;

			*job = (Job){DatumGetInt64(dbs_catalog_datum(0, 1, &null)), kept_text(2), kept_text(3), kept_text(4)};
			(void) dbs_catalog_run("UPDATE dbstream.backfill_table SET phase = $4 WHERE stream_id = $1 AND "
								   "source_schema = $2 AND source_table = $3 AND phase IN ('copied', 'foreign keys', "
								   "'indexing') AND phase <> $4",
								   "ittt", dbs_apply.stream->id, job->schema, job->table, round->phase);
		}
		else
			left = dbs_catalog_run("SELECT FROM dbstream.deferred_ddl d WHERE " OF_THE_ROUND " LIMIT 1", "it",
								   dbs_apply.stream->id, round->stages) > 0;
		dbs_catalog_leave(&access);
		commit_transaction();
		CHECK_FOR_INTERRUPTS();
	} while (wait && !found && left);
	return found;
}

/* Lock the job; false when another has taken it since it was claimed. */
static bool
lock_statement(const Job *job, DbsCatalogAccess *access)
{
	bool ours;

	begin_transaction(access);
	ours = dbs_catalog_run("SELECT FROM dbstream.deferred_ddl WHERE id = $1 AND builder = pg_backend_pid() FOR UPDATE "
						   "SKIP LOCKED",
						   "l", job->id) > 0;
	dbs_catalog_leave(access);
	return ours;
}

static void
do_statement(const Round *round, const Job *job)
{
	DbsCatalogAccess access;

	if (lock_statement(job, &access))
	{
		pgstat_report_activity(STATE_RUNNING, job->sql);
		dbs_deferred_ddl_execute(job->schema, job->sql);
		pgstat_report_activity(STATE_RUNNING, NULL);
		dbs_deferred_ddl_forget(job->id);
		dbs_catalog_enter(&access);
		(void) dbs_catalog_run("UPDATE dbstream.backfill_table SET phase = 'copied' WHERE stream_id = $1 AND "
							   "source_schema = $2 AND source_table = $3 AND phase = $4 AND NOT EXISTS (SELECT FROM "
							   "dbstream.deferred_ddl d WHERE d.stream_id = $1 AND d.source_schema = $2 AND "
							   "d.source_table = $3 AND d.stage = ANY ($5::text[]))",
							   "ittttt", dbs_apply.stream->id, job->schema, job->table, round->phase, round->stages);
		dbs_catalog_leave(&access);
	}
	commit_transaction();
}

/* ---- jobs that are tables ---- */

#define NEXT_TABLE                                                                                                     \
	"SELECT source_schema, source_table FROM dbstream.backfill_table WHERE stream_id = $1 AND phase IN ('copied', "    \
	"'indexing', 'foreign keys') ORDER BY bytes_done DESC, 1, 2 LIMIT 1 FOR UPDATE"

/* Identity columns and serials go on after the highest value that is there. */
static const char sequence_query[] =
	"SELECT pg_catalog.format('SELECT pg_catalog.setval(%L, m.v) FROM (SELECT max(%I)::bigint AS v FROM %s) m WHERE "
	"m.v > 0', pg_catalog.pg_get_serial_sequence(a.attrelid::regclass::text, a.attname), a.attname, "
	"a.attrelid::regclass) FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT "
	"a.attisdropped AND pg_catalog.pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) IS NOT NULL";

static void
finish_table(const Job *job)
{
	Oid oid = dbs_target_lookup(job->schema, job->table);
	Oid types[] = {OIDOID};
	Datum values[] = {ObjectIdGetDatum(oid)};
	List *statements = NIL;

	if (!OidIsValid(oid))
		return;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(sequence_query, 1, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "cannot look for sequences");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(dbs_apply.message_context);

		statements = lappend(statements, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	statements =
		lappend(statements, psprintf("ANALYZE %s", quote_qualified_identifier(
													   get_namespace_name(get_rel_namespace(oid)), get_rel_name(oid))));
	dbs_ddl_execute(statements);
}

static bool
do_next_table(bool wait)
{
	DbsCatalogAccess access;
	Job job = {0};
	bool found, left;

	begin_transaction(&access);
	found = dbs_catalog_run(wait ? NEXT_TABLE : NEXT_TABLE " SKIP LOCKED", "i", dbs_apply.stream->id) > 0;
	left = found;
	if (found)
		job = (Job){.schema = kept_text(1), .table = kept_text(2)};
	else if (wait)
		left = dbs_catalog_run("SELECT FROM dbstream.backfill_table WHERE stream_id = $1 AND phase IN ('copied', "
							   "'indexing', 'foreign keys') LIMIT 1",
							   "i", dbs_apply.stream->id) > 0;
	dbs_catalog_leave(&access);
	if (found)
	{
		pgstat_report_activity(STATE_RUNNING, psprintf("ANALYZE %s.%s", job.schema, job.table));
		finish_table(&job);
		pgstat_report_activity(STATE_RUNNING, NULL);
		dbs_catalog_enter(&access);
		(void) dbs_catalog_run("UPDATE dbstream.backfill_table SET phase = 'done' WHERE stream_id = $1 AND "
							   "source_schema = $2 AND source_table = $3",
							   "itt", dbs_apply.stream->id, job.schema, job.table);
		dbs_catalog_leave(&access);
	}
	commit_transaction();
	return left;
}

/* ---- builders ---- */

static void
work_through(DbsBuildRound which, bool wait)
{
	const Round *round = &rounds[which];
	Job job;

	if (round->stages == NULL)
	{
		while (do_next_table(wait))
			CHECK_FOR_INTERRUPTS();
		return;
	}
	while (claim_statement(round, wait, &job))
	{
		do_statement(round, &job);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Whatever ends the apply worker ends what it has started; nobody waits for it. */
static void
end_builders(int code, Datum arg)
{
	for (int i = 0; i < builder_count; i++)
		TerminateBackgroundWorker(builders[i]);
}

/* Look at what is to be done, and how many builders are worth while: one for each job, the apply worker being one. */
static int
prepare_jobs(DbsBuildRound which)
{
	const Round *round = &rounds[which];
	int wanted = pg_strtoint32(dbs_stream_option(dbs_apply.stream, "backfill_workers", "2"));
	DbsCatalogAccess access;
	uint64 jobs;

	begin_transaction(&access);

	/* What somebody who has been killed was at is as free as any. */
	(void) dbs_catalog_run("UPDATE dbstream.deferred_ddl SET builder = NULL WHERE id IN (SELECT id FROM "
						   "dbstream.deferred_ddl WHERE stream_id = $1 AND builder IS NOT NULL FOR UPDATE SKIP LOCKED)",
						   "i", dbs_apply.stream->id);
	if (round->stages != NULL)
		jobs = dbs_catalog_run("SELECT FROM dbstream.deferred_ddl d WHERE " OF_THE_ROUND " LIMIT 32", "it",
							   dbs_apply.stream->id, round->stages);
	else
		jobs = dbs_catalog_run("SELECT FROM dbstream.backfill_table WHERE stream_id = $1 AND phase IN ('copied', "
							   "'indexing', 'foreign keys') LIMIT 32",
							   "i", dbs_apply.stream->id);

	/* A table's description for streams out of this database is written anew with each of its indexes. */
	if (dbs_ddl_captured())
		wanted = 1;
	dbs_catalog_leave(&access);
	commit_transaction();
	return Min(Min(wanted, (int) jobs), MOST_BUILDERS) - 1;
}

static void
start_builders(DbsBuildRound round, int count)
{
	static bool registered = false;
	BackgroundWorker worker = {0};
	BuilderStart start = {.database = MyDatabaseId,
						  .owner = GetUserId(),
						  .stream_id = dbs_apply.stream->id,
						  .round = round,
						  .window = dbs_apply.window};
	MemoryContext old = MemoryContextSwitchTo(dbs_apply.context);

	if (!registered && count > 0)
	{
		before_shmem_exit(end_builders, (Datum) 0);
		registered = true;
	}
	snprintf(worker.bgw_name, BGW_MAXLEN, "dbstream index builder for stream %s", dbs_apply.stream->name);
	snprintf(worker.bgw_type, BGW_MAXLEN, "dbstream index builder");
	snprintf(worker.bgw_library_name, sizeof worker.bgw_library_name, "dbstream");
	snprintf(worker.bgw_function_name, sizeof worker.bgw_function_name, "dbs_builder_main");
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	memcpy(worker.bgw_extra, &start, sizeof start);
	while (builder_count < count && RegisterDynamicBackgroundWorker(&worker, &builders[builder_count]))
		builder_count++;
	MemoryContextSwitchTo(old);
}

static void
wait_for_builders(void)
{
	for (int i = 0; i < builder_count; i++)
	{
		(void) WaitForBackgroundWorkerShutdown(builders[i]);
		pfree(builders[i]);
		builders[i] = NULL;
	}
	builder_count = 0;
}

void
dbs_build_round(DbsBuildRound round)
{
	dbs_apply_commit_group(false);
	start_builders(round, prepare_jobs(round));
	work_through(round, false);
	wait_for_builders();

	/* What a builder has failed at, and what one of an earlier session still has in hand. */
	work_through(round, true);
}

void
dbs_builder_main(Datum main_arg)
{
	BuilderStart start;

	memcpy(&start, MyBgworkerEntry->bgw_extra, sizeof start);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(start.database, start.owner, DBS_WORKER_CONNECTION_FLAGS);
	dbs_worker_pin_settings();
	dbs_apply.context = AllocSetContextCreate(TopMemoryContext, "dbstream builder", ALLOCSET_DEFAULT_SIZES);
	dbs_apply.message_context = AllocSetContextCreate(dbs_apply.context, "dbstream message", ALLOCSET_DEFAULT_SIZES);
	StartTransactionCommand();
	dbs_worker_read_stream(start.stream_id);
	CommitTransactionCommand();
	dbs_apply.window = start.window;

	/* The stream's origin is the apply worker's; this one says as well that the changes are not this database's own. */
	replorigin_session_origin = DoNotReplicateId;
	work_through(start.round, false);
	proc_exit(0);
}
