/*
 * Chunks of a table: ranges of its key, each read by a statement of its own and put into the outbox between the steps
 * that frame it.
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
#include "snapshot_table.h"
#include "stream_config.h"

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
} ChunkSink;

/* Copy the table from where it stands to its end. sql is the caller's own connection. */
MUST_CHECK bool chunk_copy_table(ChunkSink *sink, MYSQL *sql, SnapshotTable *table, Failure *failure);

/* Put one step of a backfill that is not about rows into the outbox, and hand everything over. */
MUST_CHECK bool chunk_put_step(ChunkSink *sink, const DbsSnapshot *step, Failure *failure);

#endif
