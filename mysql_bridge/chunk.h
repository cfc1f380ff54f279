/*
 * Chunks of a table: parts of ranges of its key, each read by a statement of its own and put into the outbox between
 * the steps that frame it.
 */
#ifndef DBS_BRIDGE_CHUNK_H
#define DBS_BRIDGE_CHUNK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <mysql.h>

#include "failure.h"
#include "mysql_server.h"
#include "outbox.h"
#include "range_pool.h"
#include "snapshot_table.h"
#include "stream_config.h"

/*
 * When the log is read as well, chunks are read in turns, in which nothing of the log goes out: a chunk is never older
 * than what was sent before it.
 */
typedef struct ChunkGate
{
	bool used; /* else everybody may pass always */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t open_until; /* by clock_now_ms; 0: closed */
	SourcePoint point;  /* how far the log has been read */
	unsigned inside;
} ChunkGate;

/* What the readers of a backfill share. */
typedef struct ChunkSink
{
	const StreamConfig *config;
	const MysqlServer *server;
	Outbox *outbox;
	pthread_mutex_t outbox_lock; /* one reader's messages at a time */
	atomic_bool stopping;
	atomic_ullong rows;
	atomic_ullong bytes;
	atomic_llong last_row_time; /* microseconds since 2000-01-01 */
	atomic_uint last_wire_id;
	ChunkGate gate;
	RangePool *pool;    /* who would read a part of a range that is cut; NULL: nobody */
	uint64_t most_rows; /* that a chunk may have; 0: the time it takes says it */
	bool locking;       /* rows are read with FOR SHARE: nothing else says that a commit of the log is visible */
} ChunkSink;

/*
 * Copy a range of the table, from where it stands to its end; what others may read of it is cut off meanwhile. sql is
 * the caller's own connection, as is the range. A table that is gone at the source, or is not any more what its
 * description says, is marked so, which is no failure; the copy ends there.
 */
MUST_CHECK bool chunk_copy_range(ChunkSink *sink, MYSQL *sql, SnapshotTable *table, SnapshotRange *range,
								 Failure *failure);

/* Put one step of a backfill that is not about rows into the outbox, and hand everything over. */
MUST_CHECK bool chunk_put_step(ChunkSink *sink, const DbsSnapshot *step, Failure *failure);

/* Wait for a turn in which the log has been read up to not_before. False with a failure when the stream is being
 * stopped; to be left in either case. */
MUST_CHECK bool chunk_gate_enter(ChunkSink *sink, SourcePoint not_before, Failure *failure);
void chunk_gate_leave(ChunkSink *sink);

/* Close the gate, once nobody is inside. */
void chunk_gate_close(ChunkGate *gate);

#endif
