/*
 * Slots: what a session of an inbound stream shares between the bridge's
 * backend, the apply worker and the backends that look at it.
 *
 * A stream gets a slot when it is first opened or waited for, and keeps it until another
 * stream needs it while this one is closed.  Everything in it but the queue and the
 * atomic counters is under its spinlock.  Order of a session:
 *
 *   FREE     -> STARTING  open_inbound has emptied the queue and asked for a worker
 *   STARTING -> RUNNING   the worker has found its session and attached
 *   RUNNING  -> STOPPED   the worker has ended while the sender is still there
 *   any      -> FREE      sender and worker are both gone
 *
 * A sender that leaves sets closed and wakes the worker, which applies the
 * whole transactions it has and ends.
 */
#ifndef DBS_SLOT_H
#define DBS_SLOT_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "storage/latch.h"
#include "storage/spin.h"

#include "queue.h"

typedef enum DbsSlotState
{
	DBS_SLOT_FREE = 0,
	DBS_SLOT_STARTING,
	DBS_SLOT_RUNNING,
	DBS_SLOT_STOPPED
} DbsSlotState;

#define DBS_SLOT_POSITION_SIZE 256
#define DBS_SLOT_ERROR_SIZE 512

typedef struct DbsSlot
{
	slock_t mutex;
	DbsSlotState state;
	bool closed; /* the sender has gone or said goodbye */
	bool failed; /* the last worker ended with an error: the next one commits each transaction alone at first */
	Oid database;
	int stream_id; /* 0: never used */
	uint64 session;
	int sender_pid;
	int worker_pid;
	Latch *sender_latch;
	Latch *worker_latch;
	TimestampTz last_used;
	char error[DBS_SLOT_ERROR_SIZE]; /* why the last worker ended, for open_inbound's message */

	/* Written by the sender. */
	uint64 next_batch;
	TimestampTz last_receive_at;

	/* Written by the worker at each commit. */
	TimestampTz last_apply_at;
	TimestampTz applied_commit_time;
	char applied_position[DBS_SLOT_POSITION_SIZE];
	XLogRecPtr applied_lsn; /* the end of that commit in this server's log */
	uint64 transactions;    /* of this session */
	uint64 rows;
	uint64 memory_bytes;

	/*
	 * Tokens of waiting users.  A new slot starts at the clock's microseconds, so a
	 * token asked for in an older slot of the stream is never above it.
	 */
	uint64 sync_wanted;
	uint64 sync_done;

	DbsQueue queue;
} DbsSlot;

extern int dbs_max_streams;
extern int dbs_queue_size_kb;

Size dbs_slots_shmem_size(void);
void dbs_slots_shmem_init(void);

/* Were the slots made? False when the library is not in shared_preload_libraries. */
bool dbs_slots_ready(void);

/* ERROR with the remedy when they were not. */
void dbs_slots_require(void);

DbsSlot *dbs_slot_by_index(int index);
int dbs_slot_index(const DbsSlot *slot);
char *dbs_slot_ring(const DbsSlot *slot);
Size dbs_slot_ring_size(void);

/*
 * The slot of a stream of this database; with create, one is made free for it
 * (ERROR when all are in use), else NULL when it has none.
 */
DbsSlot *dbs_slot_of_stream(int stream_id, bool create);

/* A session number that no session of this server's life has had. */
uint64 dbs_slot_new_session(void);

/*
 * Ask that everything which the source has committed before this call be applied, and look whether it is.
 * Tokens grow, and outlive sessions and workers.
 */
uint64 dbs_slot_sync_request(int stream_id);
bool dbs_slot_sync_reached(int stream_id, uint64 token);

/*
 * The last position that the stream's worker has committed in this server's life, on disk by the time of return:
 * commits are asynchronous, and a source must not forget what a crash would take back.  Empty when there is none.
 */
void dbs_slot_durable_position(int stream_id, char position[DBS_SLOT_POSITION_SIZE]);

#endif
