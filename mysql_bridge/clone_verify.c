/*
 * Both sides compared while the source is written: see clone_verify.h.
 *
 * Rows fall into buckets by the hash of their key; a bucket is the number of its rows and two sums of their hashes, so
 * order does not matter and memory does not grow with a table. The source is read (A), what it had committed is waited
 * for, the target is read (T), the source is read again (B). Of a bucket that did not change between A and B the target
 * must have exactly that, so a T that is neither A nor B differs; of one that changed nothing is known, and the round
 * is repeated for it. So writes neither hide a difference nor make one.
 */
#include "clone_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clone_definition.h"
#include "clone_scan.h"
#include "postgres_connection.h"
#include "snapshot_table.h"

#define BUCKETS 16384
#define ROUNDS 5
#define LISTED 5
#define MOST_REMEMBERED 50000

typedef struct Bucket
{
	uint64_t rows;
	uint64_t sum;
	uint64_t mixed;
} Bucket;

typedef struct Buckets
{
	Bucket bucket[BUCKETS];
	uint64_t rows;
} Buckets;

typedef enum Verdict
{
	VERDICT_OPEN,
	VERDICT_SAME,
	VERDICT_DIFFERS
} Verdict;

/* A row of a bucket that differs. */
typedef struct Remembered
{
	uint64_t key;
	uint64_t content;
	char *key_text;
} Remembered;

typedef struct Memory
{
	const uint8_t *verdicts;
	Remembered *rows;
	size_t count;
	bool cut; /* there were more */
} Memory;

typedef struct Comparison
{
	const CloneVerify *verify;
	StreamConfig *config;
	PGconn *conn;
	MYSQL *sql;
	Buckets *source[2];
	Buckets *target;
	uint8_t verdicts[BUCKETS];
	uint64_t rows;
	size_t tables_different;
} Comparison;

static uint64_t
mix(uint64_t h)
{
	h = (h ^ h >> 31) * UINT64_C(0x7FB5D329728EA185);
	return h ^ h >> 27;
}

static void
count_row(void *context, const CloneScanRow *row)
{
	Buckets *buckets = context;
	Bucket *bucket = &buckets->bucket[row->key % BUCKETS];

	bucket->rows++;
	bucket->sum += row->content;
	bucket->mixed += mix(row->content);
	buckets->rows++;
}

static bool
same(const Bucket *a, const Bucket *b)
{
	return a->rows == b->rows && a->sum == b->sum && a->mixed == b->mixed;
}

static bool
scan_source(Comparison *comparison, CloneScan *scan, Buckets *into, Failure *failure)
{
	memset(into, 0, sizeof *into);
	return clone_scan_source(scan, comparison->sql, false, count_row, into, failure);
}

static bool
scan_target(Comparison *comparison, CloneScan *scan, Failure *failure)
{
	memset(comparison->target, 0, sizeof *comparison->target);
	return comparison->verify->wait(comparison->verify->context, failure) &&
		   clone_scan_target(scan, comparison->conn, false, count_row, comparison->target, failure);
}

/* Fill in the verdicts that can be given; after is NULL before the source has been read again. */
static size_t
judge(Comparison *comparison, const Buckets *before, const Buckets *after)
{
	size_t open = 0;

	for (size_t i = 0; i < BUCKETS; i++)
	{
		const Bucket *target = &comparison->target->bucket[i];

		if (comparison->verdicts[i] != VERDICT_OPEN)
			continue;
		if (same(target, &before->bucket[i]) || (after != NULL && same(target, &after->bucket[i])))
			comparison->verdicts[i] = VERDICT_SAME;
		else if (after != NULL && same(&before->bucket[i], &after->bucket[i]))
			comparison->verdicts[i] = VERDICT_DIFFERS;
		else
			open++;
	}
	return open;
}

/* ---- which rows ---- */

static void
remember_row(void *context, const CloneScanRow *row)
{
	Memory *memory = context;
	Remembered *entry;

	if (memory->verdicts[row->key % BUCKETS] != VERDICT_DIFFERS)
		return;
	if (memory->count == MOST_REMEMBERED)
	{
		memory->cut = true;
		return;
	}
	entry = &memory->rows[memory->count++];
	*entry = (Remembered){row->key, row->content, strdup(row->key_text)};
}

static int
by_key(const void *a, const void *b)
{
	const Remembered *left = a, *right = b;

	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	return left->content < right->content ? -1 : left->content > right->content;
}

static const Remembered *
find_key(const Memory *memory, uint64_t key)
{
	size_t low = 0, high = memory->count;

	while (low < high)
	{
		size_t middle = (low + high) / 2;

		if (memory->rows[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < memory->count && memory->rows[low].key == key ? &memory->rows[low] : NULL;
}

static bool
same_row(const Remembered *a, const Remembered *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || a->content == b->content);
}

static void
say_row(const Comparison *comparison, const Remembered *source, const Remembered *target)
{
	const Remembered *row = source != NULL ? source : target;
	const char *what = target == NULL   ? "is not at the target"
					   : source == NULL ? "is only at the target"
										: "has other values at the target";

	if (row->key_text != NULL && row->key_text[0] != '\0')
		clone_progress_say(comparison->verify->progress, "  the row %.200s %s", row->key_text, what);
	else
		clone_progress_say(comparison->verify->progress, "  a row (without key) %s", what);
}

/* Say the first keys; a row counts when the source did not change it meanwhile. */
static void
list_rows(const Comparison *comparison, const Memory *before, const Memory *target, const Memory *after)
{
	int listed = 0;

	for (size_t i = 0; i < before->count && listed < LISTED; i++)
	{
		const Remembered *source = &before->rows[i];
		const Remembered *there = find_key(target, source->key);

		if (same_row(source, find_key(after, source->key)) && !same_row(source, there) &&
			(there != NULL || !target->cut))
		{
			say_row(comparison, source, there);
			listed++;
		}
	}
	for (size_t i = 0; i < target->count && listed < LISTED && !before->cut && !after->cut; i++)
	{
		const Remembered *there = &target->rows[i];

		if (find_key(before, there->key) == NULL && find_key(after, there->key) == NULL)
		{
			say_row(comparison, NULL, there);
			listed++;
		}
	}
}

static void
forget_rows(Memory *memory)
{
	for (size_t i = 0; i < memory->count; i++)
		free(memory->rows[i].key_text);
	free(memory->rows);
}

static bool
find_rows(Comparison *comparison, CloneScan *scan, Failure *failure)
{
	Memory memory[3] = {{0}};
	bool ok = true;

	for (int i = 0; ok && i < 3; i++)
	{
		memory[i].verdicts = comparison->verdicts;
		memory[i].rows = malloc(MOST_REMEMBERED * sizeof *memory[i].rows);
		ok = memory[i].rows != NULL ||
			 failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "no memory to find the rows that differ");
	}
	ok = ok && clone_scan_source(scan, comparison->sql, true, remember_row, &memory[0], failure) &&
		 comparison->verify->wait(comparison->verify->context, failure) &&
		 clone_scan_target(scan, comparison->conn, true, remember_row, &memory[1], failure) &&
		 clone_scan_source(scan, comparison->sql, true, remember_row, &memory[2], failure);
	for (int i = 0; ok && i < 3; i++)
		qsort(memory[i].rows, memory[i].count, sizeof *memory[i].rows, by_key);
	if (ok)
		list_rows(comparison, &memory[0], &memory[1], &memory[2]);
	for (int i = 0; i < 3; i++)
		forget_rows(&memory[i]);
	return ok;
}

/* ---- a table ---- */

static bool
say_verdict(Comparison *comparison, const SnapshotTable *table, CloneScan *scan, size_t open, const char *skipped,
			Failure *failure)
{
	CloneProgress *progress = comparison->verify->progress;
	uint64_t rows = comparison->target->rows;
	size_t differing = 0;

	for (size_t i = 0; i < BUCKETS; i++)
		differing += comparison->verdicts[i] == VERDICT_DIFFERS;
	comparison->rows += rows;
	if (skipped[0] != '\0')
		clone_progress_say(progress, "%s.%s: columns that are not compared, as their types have no common form: %s",
						   table->schema, table->name, skipped);
	if (differing == 0 && open == 0)
	{
		clone_progress_say(progress, "%s.%s: the same, %" PRIu64 " rows", table->schema, table->name, rows);
		return true;
	}
	comparison->tables_different++;
	if (differing == 0)
	{
		clone_progress_say(
			progress,
			"%s.%s: not decided: %zu of %d parts of the table were written in each of %d comparisons; the "
			"others are the same",
			table->schema, table->name, open, BUCKETS, ROUNDS);
		return true;
	}
	clone_progress_say(progress, "%s.%s: DIFFERENT: %" PRIu64 " rows at the source, %" PRIu64 " at the target",
					   table->schema, table->name, comparison->source[0]->rows, rows);
	return find_rows(comparison, scan, failure);
}

static bool
compare_rows(Comparison *comparison, const SnapshotTable *table, CloneScan *scan, const char *skipped, Failure *failure)
{
	size_t open = BUCKETS;

	memset(comparison->verdicts, VERDICT_OPEN, sizeof comparison->verdicts);
	if (!scan_source(comparison, scan, comparison->source[0], failure))
		return false;
	for (int round = 0; round < ROUNDS && open > 0; round++)
	{
		Buckets *before = comparison->source[0], *after = comparison->source[1];

		if (!scan_target(comparison, scan, failure))
			return false;
		if (judge(comparison, before, NULL) == 0)
		{
			open = 0;
			break;
		}
		if (!scan_source(comparison, scan, after, failure))
			return false;
		open = judge(comparison, before, after);
		comparison->source[0] = after;
		comparison->source[1] = before;
	}
	return say_verdict(comparison, table, scan, open, skipped, failure);
}

static bool
compare_table(Comparison *comparison, SnapshotTable *table, Failure *failure)
{
	const CloneVerify *verify = comparison->verify;
	char missing[256], skipped[256];
	CloneScan *scan;
	bool ok;

	if (!snapshot_table_describe(table, comparison->sql, verify->flavour, comparison->config, NULL, failure))
		return false;
	if (table->gone)
		return true;
	scan = clone_scan_new(table, comparison->config, comparison->conn, verify->stop_fd, missing, skipped, failure);
	if (scan == NULL)
		return false;
	if (missing[0] != '\0')
	{
		clone_progress_say(verify->progress, "%s.%s: DIFFERENT: %s", table->schema, table->name, missing);
		comparison->tables_different++;
		ok = true;
	}
	else
		ok = compare_rows(comparison, table, scan, skipped, failure);
	clone_scan_free(scan);
	return ok;
}

/* ---- all ---- */

static bool
open_comparison(Comparison *comparison, Failure *failure)
{
	static const char *const settings[] = {"SET TimeZone = 'UTC'", "SET DateStyle = 'ISO'",
										   "SET extra_float_digits = 1", "SET bytea_output = 'hex'"};
	const CloneVerify *verify = comparison->verify;

	for (int i = 0; i < 2; i++)
		comparison->source[i] = calloc(1, sizeof(Buckets));
	comparison->target = calloc(1, sizeof(Buckets));
	if (comparison->source[0] == NULL || comparison->source[1] == NULL || comparison->target == NULL)
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "no memory to compare tables");
	comparison->conn = clone_definition_connect(verify->arguments, verify->stop_fd, failure);
	if (comparison->conn == NULL)
		return false;
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
	{
		if (!clone_definition_execute(comparison->conn, settings[i], NULL, verify->stop_fd, failure))
			return false;
	}
	comparison->config = clone_definition_read(comparison->conn, verify->arguments, verify->stop_fd, failure);
	if (comparison->config == NULL)
		return false;
	comparison->sql = mysql_connection_open(&comparison->config->source, failure);
	return comparison->sql != NULL;
}

static void
close_comparison(Comparison *comparison)
{
	if (comparison->sql != NULL)
		mysql_close(comparison->sql);
	PQfinish(comparison->conn);
	stream_config_free(comparison->config);
	for (int i = 0; i < 2; i++)
		free(comparison->source[i]);
	free(comparison->target);
	free(comparison);
}

bool
clone_verify_run(const CloneVerify *verify, bool *different, Failure *failure)
{
	Comparison *comparison = calloc(1, sizeof *comparison);
	SnapshotTable *tables = NULL;
	size_t count = 0;
	bool ok;

	if (comparison == NULL)
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "no memory to compare tables");
	comparison->verify = verify;
	ok = open_comparison(comparison, failure) &&
		 snapshot_tables_list(comparison->sql, comparison->config, &tables, &count, failure);
	for (size_t i = 0; ok && i < count; i++)
	{
		ok = compare_table(comparison, &tables[i], failure);
		if (!ok)
			failure_context(failure, "comparing table \"%s.%s\"", tables[i].schema, tables[i].name);
	}
	if (ok)
	{
		*different = comparison->tables_different > 0;
		if (*different)
			clone_progress_say(verify->progress, "compared %zu tables: %zu are not shown to be the same", count,
							   comparison->tables_different);
		else
			clone_progress_say(verify->progress, "compared %zu tables, %" PRIu64 " rows: both sides are the same",
							   count, comparison->rows);
	}
	snapshot_tables_free(tables, count);
	close_comparison(comparison);
	return ok;
}
