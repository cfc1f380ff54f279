/*
 * See slot.h.
 */
#include "slot.h"

#include "access/xlog.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

typedef struct DbsSlots
{
	LWLock *lock; /* which stream has which slot */
	pg_atomic_uint64 next_session;
	int count;
	Size ring_size;
	DbsSlot slots[FLEXIBLE_ARRAY_MEMBER];
} DbsSlots;

int dbs_max_streams = 32;
int dbs_queue_size_kb = 1024;

static DbsSlots *shared = NULL;
static char *rings = NULL;

static Size
slots_size(void)
{
	return MAXALIGN(add_size(offsetof(DbsSlots, slots), mul_size(dbs_max_streams, sizeof(DbsSlot))));
}

Size
dbs_slots_shmem_size(void)
{
	return add_size(slots_size(), mul_size(dbs_max_streams, (Size) dbs_queue_size_kb * 1024));
}

void
dbs_slots_shmem_init(void)
{
	bool found;

	shared = ShmemInitStruct("dbstream slots", slots_size(), &found);
	if (!found)
	{
		memset(shared, 0, slots_size());
		shared->lock = &GetNamedLWLockTranche("dbstream")->lock;
		shared->count = dbs_max_streams;
		shared->ring_size = (Size) dbs_queue_size_kb * 1024;
		pg_atomic_init_u64(&shared->next_session, (uint64) GetCurrentTimestamp());
		for (int i = 0; i < shared->count; i++)
		{
			SpinLockInit(&shared->slots[i].mutex);
			dbs_queue_init(&shared->slots[i].queue);
		}
	}
	rings = ShmemInitStruct("dbstream queues", mul_size(shared->count, shared->ring_size), &found);
}

bool
dbs_slots_ready(void)
{
	return shared != NULL;
}

void
dbs_slots_require(void)
{
	if (shared == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("dbstream is not loaded at server start, so no stream can run"),
						errhint("Add dbstream to shared_preload_libraries and restart PostgreSQL.")));
}

DbsSlot *
dbs_slot_by_index(int index)
{
	if (index < 0 || index >= shared->count)
		elog(ERROR, "dbstream: no slot %d", index);
	return &shared->slots[index];
}

int
dbs_slot_index(const DbsSlot *slot)
{
	return (int) (slot - shared->slots);
}

char *
dbs_slot_ring(const DbsSlot *slot)
{
	return rings + (Size) dbs_slot_index(slot) * shared->ring_size;
}

Size
dbs_slot_ring_size(void)
{
	return shared->ring_size;
}

uint64
dbs_slot_new_session(void)
{
	return pg_atomic_fetch_add_u64(&shared->next_session, 1);
}

/* A slot that no stream has, or the one that has been idle for longest; NULL when all are busy. */
static DbsSlot *
vacant_slot(void)
{
	DbsSlot *oldest = NULL;

	for (int i = 0; i < shared->count; i++)
	{
		DbsSlot *slot = &shared->slots[i];

		if (slot->stream_id == 0)
			return slot;
		if (slot->state == DBS_SLOT_FREE && (oldest == NULL || slot->last_used < oldest->last_used))
			oldest = slot;
	}
	return oldest;
}

static void
give_slot(DbsSlot *slot, int stream_id)
{
	SpinLockAcquire(&slot->mutex);
	slot->state = DBS_SLOT_FREE;
	slot->closed = false;
	slot->failed = false;
	slot->database = MyDatabaseId;
	slot->stream_id = stream_id;
	slot->session = 0;
	slot->sender_pid = slot->worker_pid = 0;
	slot->sender_latch = slot->worker_latch = NULL;
	slot->error[0] = '\0';
	slot->next_batch = 1;
	slot->last_receive_at = slot->last_apply_at = slot->applied_commit_time = 0;
	slot->applied_position[0] = '\0';
	slot->applied_lsn = InvalidXLogRecPtr;
	slot->transactions = slot->rows = slot->memory_bytes = 0;
	slot->sync_wanted = (uint64) GetCurrentTimestamp();
	slot->sync_done = 0;
	slot->last_used = GetCurrentTimestamp();
	SpinLockRelease(&slot->mutex);
	dbs_queue_reset(&slot->queue);
}

DbsSlot *
dbs_slot_of_stream(int stream_id, bool create)
{
	DbsSlot *found = NULL;

	dbs_slots_require();
	LWLockAcquire(shared->lock, create ? LW_EXCLUSIVE : LW_SHARED);
	for (int i = 0; i < shared->count && found == NULL; i++)
		if (shared->slots[i].stream_id == stream_id && shared->slots[i].database == MyDatabaseId)
			found = &shared->slots[i];
	if (found == NULL && create)
	{
		found = vacant_slot();
		if (found != NULL)
			give_slot(found, stream_id);
	}
	if (found != NULL && create)
		found->last_used = GetCurrentTimestamp();
	LWLockRelease(shared->lock);
	if (found == NULL && create)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						errmsg("all %d stream slots of this server are in use", shared->count),
						errhint("Raise dbstream.max_streams and restart PostgreSQL.")));
	return found;
}

uint64
dbs_slot_sync_request(int stream_id)
{
	DbsSlot *slot = dbs_slot_of_stream(stream_id, true);
	uint64 token;

	SpinLockAcquire(&slot->mutex);
	token = ++slot->sync_wanted;
	SpinLockRelease(&slot->mutex);
	return token;
}

void
dbs_slot_durable_position(int stream_id, char position[DBS_SLOT_POSITION_SIZE])
{
	DbsSlot *slot = dbs_slot_of_stream(stream_id, false);
	XLogRecPtr lsn = InvalidXLogRecPtr;

	position[0] = '\0';
	if (slot == NULL)
		return;
	SpinLockAcquire(&slot->mutex);
	if (slot->stream_id == stream_id)
	{
		lsn = slot->applied_lsn;
		memcpy(position, slot->applied_position, DBS_SLOT_POSITION_SIZE);
	}
	SpinLockRelease(&slot->mutex);
	XLogFlush(lsn);
}

bool
dbs_slot_sync_reached(int stream_id, uint64 token)
{
	DbsSlot *slot = dbs_slot_of_stream(stream_id, false);
	bool reached;

	if (slot == NULL)
		return false;
	SpinLockAcquire(&slot->mutex);
	reached = slot->stream_id == stream_id && slot->sync_done >= token;
	SpinLockRelease(&slot->mutex);
	return reached;
}

PG_FUNCTION_INFO_V1(dbs_worker_slots);

/* Every slot of this database's streams, raw: the status views read it. */
Datum
dbs_worker_slots(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"idle", "starting", "running", "stopped"};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; shared != NULL && i < shared->count; i++)
	{
		DbsSlot copy;
		Datum values[18];
		bool nulls[18] = {0};
		int n = 0;
		DbsSlot *slot = &shared->slots[i];

		SpinLockAcquire(&slot->mutex);
		memcpy(&copy, slot, sizeof copy);
		SpinLockRelease(&slot->mutex);
		if (copy.stream_id == 0 || copy.database != MyDatabaseId)
			continue;

		values[n++] = Int32GetDatum(copy.stream_id);
		values[n++] = Int64GetDatum((int64) copy.session);
		nulls[n] = copy.worker_pid == 0;
		values[n++] = Int32GetDatum(copy.worker_pid);
		nulls[n] = copy.sender_pid == 0;
		values[n++] = Int32GetDatum(copy.sender_pid);
		values[n++] = CStringGetTextDatum(names[copy.state]);
		values[n++] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->queue.head));
		values[n++] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->queue.tail));
		values[n++] = Int64GetDatum((int64) dbs_queue_used(&slot->queue));
		values[n++] = Int64GetDatum((int64) copy.next_batch - 1);
		nulls[n] = copy.last_receive_at == 0;
		values[n++] = TimestampTzGetDatum(copy.last_receive_at);
		nulls[n] = copy.last_apply_at == 0;
		values[n++] = TimestampTzGetDatum(copy.last_apply_at);
		nulls[n] = copy.applied_commit_time == 0;
		values[n++] = TimestampTzGetDatum(copy.applied_commit_time);
		nulls[n] = copy.applied_position[0] == '\0';
		values[n++] = CStringGetTextDatum(copy.applied_position);
		values[n++] = Int64GetDatum((int64) copy.transactions);
		values[n++] = Int64GetDatum((int64) copy.rows);
		values[n++] = Int64GetDatum((int64) copy.sync_wanted);
		values[n++] = Int64GetDatum((int64) copy.sync_done);
		values[n++] = Int64GetDatum((int64) copy.memory_bytes);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
