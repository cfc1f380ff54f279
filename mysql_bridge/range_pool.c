/*
 * Who reads what next: see range_pool.h.
 */
#include "range_pool.h"

void
range_pool_init(RangePool *pool)
{
	*pool = (RangePool){0};
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->changed, NULL);
}

void
range_pool_destroy(RangePool *pool)
{
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->lock);
}

void
range_pool_fill(RangePool *pool, SnapshotTable *tables, size_t table_count)
{
	pthread_mutex_lock(&pool->lock);
	pool->tables = tables;
	pool->table_count = table_count;
	pool->left = 0;
	for (size_t i = 0; i < table_count; i++)
		pool->left += !tables[i].copied;
	pthread_mutex_unlock(&pool->lock);
}

static SnapshotRange *
untaken(const SnapshotTable *table)
{
	SnapshotRange *range = table->ranges;

	if (table->copied || table->beginning || table->changed || table->gone)
		return NULL;
	while (range != NULL && range->taken)
		range = range->next;
	return range;
}

/* In bytes, by the source's estimate. */
static double
still_to_copy(const SnapshotTable *table)
{
	double rows = (double) table->rows_estimated;
	double done = (double) atomic_load(&table->rows_done);

	return rows > done ? (double) table->bytes_estimated * (rows - done) / rows : 0;
}

static bool
comes_before(const SnapshotTable *table, const SnapshotTable *best)
{
	if (best == NULL)
		return true;
	if ((table->readers == 0) != (best->readers == 0))
		return table->readers == 0;
	return still_to_copy(table) > still_to_copy(best);
}

static bool
choose(RangePool *pool, SnapshotTable **table, SnapshotRange **range)
{
	SnapshotTable *best = NULL;

	for (size_t i = 0; i < pool->table_count; i++)
		if (untaken(&pool->tables[i]) != NULL && comes_before(&pool->tables[i], best))
			best = &pool->tables[i];
	if (best == NULL)
		return false;
	*table = best;
	*range = untaken(best);
	(*range)->taken = true;
	best->readers++;
	if (best->readers > best->most_readers)
		best->most_readers = best->readers;
	return true;
}

bool
range_pool_take(RangePool *pool, SnapshotTable **table, SnapshotRange **range)
{
	bool found = false;

	pthread_mutex_lock(&pool->lock);
	while (!pool->stopping && pool->left > 0 && !found)
	{
		found = choose(pool, table, range);
		if (found)
			break;
		pool->waiting++;
		pthread_cond_wait(&pool->changed, &pool->lock);
		pool->waiting--;
	}
	pthread_mutex_unlock(&pool->lock);
	return found;
}

static void
drop_range(SnapshotTable *table, SnapshotRange *range)
{
	SnapshotRange **at = &table->ranges;

	while (*at != range)
		at = &(*at)->next;
	*at = range->next;
	snapshot_range_free(range, table->key_count);
}

RangeLeft
range_pool_leave(RangePool *pool, SnapshotTable *table, SnapshotRange *range)
{
	RangeLeft left = RANGE_LEFT_OPEN;

	pthread_mutex_lock(&pool->lock);
	table->readers--;
	range->taken = false;
	if (range->done)
		drop_range(table, range);
	if (table->changed || table->gone)
	{
		if (table->readers == 0 && !table->beginning)
		{
			table->beginning = true;
			left = RANGE_LEFT_CHANGED;
		}
	}
	else if (table->ranges == NULL)
	{
		table->copied = true;
		pool->left--;
		left = RANGE_LEFT_COPIED;
	}
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	return left;
}

void
range_pool_begun(RangePool *pool, SnapshotTable *table)
{
	pthread_mutex_lock(&pool->lock);
	table->beginning = false;
	if (table->copied)
		pool->left--;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
}

bool
range_pool_wants_cut(RangePool *pool, const SnapshotTable *table, SnapshotRange *range)
{
	bool wants;

	if (table->key_count == 0)
		return false;
	pthread_mutex_lock(&pool->lock);
	wants = !pool->stopping && !range->small && (range->rest || pool->waiting > pool->cutting);
	if (wants)
		pool->cutting++;
	pthread_mutex_unlock(&pool->lock);
	return wants;
}

uint64_t
range_pool_number(RangePool *pool, SnapshotTable *table)
{
	uint64_t number;

	pthread_mutex_lock(&pool->lock);
	number = ++table->last_range;
	pthread_mutex_unlock(&pool->lock);
	return number;
}

void
range_pool_cut(RangePool *pool, SnapshotTable *table, SnapshotRange *range, SnapshotRange *rest)
{
	pthread_mutex_lock(&pool->lock);
	pool->cutting--;
	range->rest = false;
	range->small = rest == NULL;
	if (rest != NULL)
	{
		rest->rest = true;
		rest->next = table->ranges;
		table->ranges = rest;
		pthread_cond_broadcast(&pool->changed);
	}
	pthread_mutex_unlock(&pool->lock);
}

void
range_pool_stop(RangePool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
}

size_t
range_pool_left(RangePool *pool)
{
	size_t left;

	pthread_mutex_lock(&pool->lock);
	left = pool->left;
	pthread_mutex_unlock(&pool->lock);
	return left;
}
