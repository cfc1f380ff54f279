/*
 * The bridge's side of an inbound stream: open_inbound, receive, close_inbound.
 *
 * One backend has at most one session.  The claim on a stream is a
 * session-level advisory lock in a lock class of our own, so it goes away with the backend
 * whatever happens to it, and a second bridge gets the stream then.
 *
 * receive never waits: a waiting backend would hold a snapshot and with it
 * vacuum.  A sender that dies is noticed by its exit callback, which marks the
 * session closed and wakes the worker.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "claim.h"
#include "compat.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "progress.h"
#include "slot.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "stream_row.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
#include "worker.h"

#define OPEN_TIMEOUT_MS 10000
#define CLOSE_TIMEOUT_MS 30000

static DbsSlot *my_slot = NULL;
static uint64 my_session = 0;
static int my_stream = 0;
static int64 my_generation = 0; /* of the definition that the session was opened with */
static bool exit_callback_registered = false;

/* The sender leaves its session: the worker applies what it has whole, and ends. */
static void
leave_session(void)
{
	Latch *worker = NULL;

	if (my_slot == NULL)
		return;
	SpinLockAcquire(&my_slot->mutex);
	if (my_slot->session == my_session)
	{
		my_slot->closed = true;
		my_slot->sender_pid = 0;
		my_slot->sender_latch = NULL;
		worker = my_slot->worker_latch;
		if (my_slot->state == DBS_SLOT_STOPPED || (my_slot->state == DBS_SLOT_STARTING && worker == NULL))
		{
			/* A worker that was asked for and comes late finds another session number and ends. */
			my_slot->state = DBS_SLOT_FREE;
			my_slot->session = 0;
		}
	}
	SpinLockRelease(&my_slot->mutex);
	if (worker != NULL)
		SetLatch(worker);
	my_slot = NULL;
}

static void
sender_exit(int code, Datum arg)
{
	leave_session();
}

static long
remaining_ms(TimestampTz until)
{
	return TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);
}

static void
nap(long timeout_ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout_ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Wait until no worker and no session has the slot; false when that takes too long. */
static bool
wait_until_free(DbsSlot *slot, int timeout_ms)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);

	for (;;)
	{
		bool free;

		SpinLockAcquire(&slot->mutex);
		free = slot->state == DBS_SLOT_FREE;
		SpinLockRelease(&slot->mutex);
		if (free)
			return true;
		if (remaining_ms(until) <= 0)
			return false;
		nap(10);
	}
}

static void
begin_session(DbsSlot *slot, int stream_id, uint64 session)
{
	bool ours;

	SpinLockAcquire(&slot->mutex);
	ours = slot->state == DBS_SLOT_FREE && slot->stream_id == stream_id && slot->database == MyDatabaseId;
	if (ours)
		slot->state = DBS_SLOT_STARTING;
	SpinLockRelease(&slot->mutex);
	if (!ours)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("another stream has taken the slot of this one"),
				 errhint("Raise dbstream.max_streams and restart PostgreSQL.")));
	dbs_queue_reset(&slot->queue);
	SpinLockAcquire(&slot->mutex);
	slot->closed = false;
	slot->session = session;
	slot->sender_pid = MyProcPid;
	slot->sender_latch = MyLatch;
	slot->worker_pid = 0;
	slot->worker_latch = NULL;
	slot->error[0] = '\0';
	slot->next_batch = 1;
	slot->last_receive_at = 0;
	slot->transactions = slot->rows = 0;
	SpinLockRelease(&slot->mutex);
	my_slot = slot;
	my_session = session;
	if (!exit_callback_registered)
	{
		before_shmem_exit(sender_exit, (Datum) 0);
		exit_callback_registered = true;
	}
}

/* Start the worker and wait until it has attached; ERROR with its reason when it does not. */
static void
start_worker(const DbsStream *stream)
{
	BackgroundWorkerHandle *handle = dbs_worker_start(my_slot, my_session, stream->owner, stream->name);
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), OPEN_TIMEOUT_MS);

	if (handle == NULL)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						errmsg("stream \"%s\" needs a background worker and none is free", stream->name),
						errhint("Raise max_worker_processes and restart PostgreSQL.")));
	for (;;)
	{
		DbsSlotState state;
		char error[DBS_SLOT_ERROR_SIZE];
		pid_t pid;

		SpinLockAcquire(&my_slot->mutex);
		state = my_slot->state;
		memcpy(error, my_slot->error, sizeof error);
		SpinLockRelease(&my_slot->mutex);
		if (state == DBS_SLOT_RUNNING)
			return;
		if (state == DBS_SLOT_STOPPED ||
			(state == DBS_SLOT_STARTING && GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the apply worker of stream \"%s\" could not start", stream->name),
					 errdetail("%s", error[0] != '\0' ? error : "It ended at once; the server's log says why.")));
		if (remaining_ms(until) <= 0)
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("the apply worker of stream \"%s\" did not start within %d seconds", stream->name,
								   OPEN_TIMEOUT_MS / 1000)));
		nap(100);
	}
}

static void
refuse_if_not_runnable(const DbsStream *stream, int stream_id)
{
	if (stream == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no stream with id %d", stream_id)));
	if (strcmp(stream->desired, "running") != 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("stream \"%s\" is not meant to run", stream->name),
						errhint("SELECT dbstream.start_stream(%s);", quote_literal_cstr(stream->name))));
}

static void
refuse_if_owner_cannot_log_in(const DbsStream *stream)
{
	HeapTuple role = SearchSysCache1(AUTHOID, ObjectIdGetDatum(stream->owner));
	bool can_log_in = HeapTupleIsValid(role) && ((Form_pg_authid) GETSTRUCT(role))->rolcanlogin;

	if (!HeapTupleIsValid(role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("the owner of stream \"%s\" does not exist", stream->name),
				 errhint("Create the stream anew as a role that exists.")));
	if (DBS_OWNER_MUST_LOG_IN && !can_log_in)
		ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
						errmsg("the owner \"%s\" of stream \"%s\" may not log in, so no worker can act as that role",
							   NameStr(((Form_pg_authid) GETSTRUCT(role))->rolname), stream->name),
						errhint("ALTER ROLE %s LOGIN; without a password nobody can use it from outside.",
								quote_identifier(NameStr(((Form_pg_authid) GETSTRUCT(role))->rolname)))));
	ReleaseSysCache(role);
}

/* Where to begin when nothing is applied yet: the kind of the stream's option start, and the place it names. */
static const char *
start_of_option(const DbsStream *stream, const char **position, const char **gtid_set)
{
	const char *start = dbs_stream_option(stream, "start", "backfill");

	*position = *gtid_set = "";
	if (strcmp(start, "now") == 0 || strcmp(start, "earliest") == 0 || strcmp(start, "backfill") == 0)
		return start;
	if (pg_strncasecmp(start, "gtid:", 5) == 0)
	{
		*gtid_set = start + 5;
		return "gtid";
	}
	*position = strncmp(start, "file:", 5) == 0 ? start + 5 : start;
	return "file";
}

PG_FUNCTION_INFO_V1(dbs_open_inbound);

Datum
dbs_open_inbound(PG_FUNCTION_ARGS)
{
	int stream_id = PG_GETARG_INT32(0);
	int64 generation = PG_GETARG_INT64(1);
	DbsStream *stream;
	DbsSlot *slot;
	TupleDesc desc;
	DbsProgress progress;
	Datum values[4];
	bool nulls[4] = {0};

	dbs_slots_require();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (my_slot != NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE), errmsg("this connection has a stream open already"),
						errhint("Call dbstream.close_inbound first, or use one connection for each stream.")));
	if (generation != 0 && dbs_stream_is_outdated(stream_id, generation))
		dbs_stream_report_outdated(stream_id);
	stream = dbs_stream_load(stream_id);
	refuse_if_not_runnable(stream, stream_id);
	refuse_if_owner_cannot_log_in(stream);

	if (!dbs_claim_take(stream_id))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("stream \"%s\" is run by another bridge", stream->name),
				 errdetail("A bridge claims a stream for as long as its connection lives.")));
	PG_TRY();
	{
		slot = dbs_slot_of_stream(stream_id, true);
		if (!wait_until_free(slot, OPEN_TIMEOUT_MS))
			ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
							errmsg("the former apply worker of stream \"%s\" is still at work", stream->name),
							errhint("Try again later; pg_stat_activity shows what it waits for.")));
		begin_session(slot, stream_id, dbs_slot_new_session());
		start_worker(stream);

		values[0] = Int64GetDatum((int64) my_session);
		if (dbs_progress_load(stream_id, &progress) && progress.position[0] != '\0')
		{
			values[1] = CStringGetTextDatum("position");
			values[2] = CStringGetTextDatum(progress.position);
			values[3] = CStringGetTextDatum(progress.gtid_set);
		}
		else
		{
			const char *position, *gtid_set;

			values[1] = CStringGetTextDatum(start_of_option(stream, &position, &gtid_set));
			values[2] = CStringGetTextDatum(position);
			values[3] = CStringGetTextDatum(gtid_set);
		}
	}
	PG_CATCH();
	{
		leave_session();
		dbs_claim_release(stream_id);
		PG_RE_THROW();
	}
	PG_END_TRY();
	my_stream = stream_id;
	my_generation = generation != 0 ? generation : stream->generation;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

static void
check_session(uint64 session)
{
	if (my_slot == NULL || my_session != session)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("session " UINT64_FORMAT " is not open on this connection", session),
						errhint("Call dbstream.open_inbound first.")));
}

PG_FUNCTION_INFO_V1(dbs_receive);

/*
 * Take one batch.  A batch that is out of order, larger than the credit or for
 * another session is refused whole: the bridge has to open a new session.  So is
 * one that was read under a definition of the stream which is no more: it may lack
 * tables that were added, or be treated as an option no longer says.
 */
Datum
dbs_receive(PG_FUNCTION_ARGS)
{
	uint64 session = (uint64) PG_GETARG_INT64(0);
	uint64 batch = (uint64) PG_GETARG_INT64(1);
	bytea *payload = PG_GETARG_BYTEA_PP(2);
	Size size = VARSIZE_ANY_EXHDR(payload);
	DbsReceipt receipt = {0};
	Latch *worker = NULL;
	bytea *answer;
	DbsSlotState state;
	uint64 room;
	bool outdated;

	check_session(session);
	outdated = dbs_stream_is_outdated(my_stream, my_generation);
	SpinLockAcquire(&my_slot->mutex);
	state = my_slot->state;
	worker = my_slot->worker_latch;
	receipt.next_batch = my_slot->next_batch;
	receipt.applied_time = my_slot->applied_commit_time;
	receipt.sync_wanted = my_slot->sync_wanted;
	SpinLockRelease(&my_slot->mutex);

	if (size > 0 && state == DBS_SLOT_RUNNING && !outdated)
	{
		if (batch != receipt.next_batch)
			ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
							errmsg("batch " UINT64_FORMAT " arrived where batch " UINT64_FORMAT " was expected", batch,
								   receipt.next_batch),
							errhint("Open a new session: it starts at the recorded position, so nothing is lost.")));
		room = dbs_slot_ring_size() - dbs_queue_used(&my_slot->queue);
		if (size > room)
			ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
							errmsg("a batch of %zu bytes exceeds the credit of " UINT64_FORMAT " bytes", size, room)));
		dbs_queue_push(&my_slot->queue, dbs_slot_ring(my_slot), dbs_slot_ring_size(), VARDATA_ANY(payload), size);
		SpinLockAcquire(&my_slot->mutex);
		my_slot->next_batch = ++receipt.next_batch;
		my_slot->last_receive_at = GetCurrentStatementStartTimestamp();
		SpinLockRelease(&my_slot->mutex);
		if (worker != NULL)
			SetLatch(worker);
	}
	receipt.state = state != DBS_SLOT_RUNNING ? DBS_RECEIPT_STOPPED
					: outdated                ? DBS_RECEIPT_OUTDATED
											  : DBS_RECEIPT_RUNNING;
	receipt.applied_bytes = pg_atomic_read_u64(&my_slot->queue.tail);
	receipt.credit = dbs_slot_ring_size() - dbs_queue_used(&my_slot->queue);

	answer = palloc(VARHDRSZ + DBS_RECEIPT_SIZE);
	SET_VARSIZE(answer, VARHDRSZ + DBS_RECEIPT_SIZE);
	dbs_put_receipt(VARDATA(answer), &receipt);
	PG_RETURN_BYTEA_P(answer);
}

PG_FUNCTION_INFO_V1(dbs_close_inbound);

/* End in order: the worker applies the whole transactions it has and ends, then the claim is released. */
Datum
dbs_close_inbound(PG_FUNCTION_ARGS)
{
	DbsSlot *slot = my_slot;
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CLOSE_TIMEOUT_MS);

	check_session((uint64) PG_GETARG_INT64(0));
	leave_session();
	dbs_claim_release(my_stream);
	for (;;)
	{
		bool ended;

		SpinLockAcquire(&slot->mutex);
		ended = slot->session != my_session || slot->state == DBS_SLOT_FREE;
		SpinLockRelease(&slot->mutex);
		if (ended || remaining_ms(until) <= 0)
			break;
		nap(10);
	}
	PG_RETURN_VOID();
}
