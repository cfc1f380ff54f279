/*
 * Who reads what next: the ranges of a backfill's tables, among its readers.
 *
 * A reader takes a table that nobody reads, the largest first; when there is none, it takes what is left of the table
 * of which most is left. When nothing is left to take, it waits, and a reader that comes between two chunks cuts its
 * range in two for it. So a table is cut only where readers would be idle, and no estimate of its size is needed.
 */
#ifndef DBS_BRIDGE_RANGE_POOL_H
#define DBS_BRIDGE_RANGE_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "snapshot_range.h"
#include "snapshot_table.h"

typedef struct RangePool
{
	pthread_mutex_t lock;
	pthread_cond_t changed;
	SnapshotTable *tables; /* the caller's; what is copied already is passed over */
	size_t table_count;
	size_t left;      /* tables that are not copied */
	unsigned waiting; /* readers that have nothing to read */
	unsigned cutting; /* readers that look for a key at which to cut */
	bool stopping;
} RangePool;

/* What became of a table when a reader left a range of it. */
typedef enum RangeLeft
{
	RANGE_LEFT_OPEN,   /* others go on with it */
	RANGE_LEFT_COPIED, /* it is whole */
	RANGE_LEFT_CHANGED /* it is gone, or not what it was, and nobody else reads it: the caller has it to itself */
} RangeLeft;

void range_pool_init(RangePool *pool);
void range_pool_destroy(RangePool *pool);

/* Before readers begin. Each table that is not copied has its ranges. */
void range_pool_fill(RangePool *pool, SnapshotTable *tables, size_t table_count);

/* Waits for a range; false when nothing is left to copy, or the pool is stopped. */
bool range_pool_take(RangePool *pool, SnapshotTable **table, SnapshotRange **range);

/* The range is done, or its table is marked as changed or gone. The range is the pool's again. */
RangeLeft range_pool_leave(RangePool *pool, SnapshotTable *table, SnapshotRange *range);

/* After RANGE_LEFT_CHANGED: the table has ranges again, or is marked as copied. */
void range_pool_begun(RangePool *pool, SnapshotTable *table);

/* Should the reader of this range cut it? True is to be followed by range_pool_cut. */
bool range_pool_wants_cut(RangePool *pool, const SnapshotTable *table, SnapshotRange *range);

/* For a new range of the table. */
uint64_t range_pool_number(RangePool *pool, SnapshotTable *table);

/* What was cut off, which becomes the pool's; NULL: no key was found at which to cut. */
void range_pool_cut(RangePool *pool, SnapshotTable *table, SnapshotRange *range, SnapshotRange *rest);

/* Readers that wait are told that there is nothing more. */
void range_pool_stop(RangePool *pool);

/* How many tables are not copied. */
size_t range_pool_left(RangePool *pool);

#endif
