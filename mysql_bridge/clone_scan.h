/*
 * All rows of a table on either side, each as a pair of hashes: of its key, and of its whole content.
 *
 * A value has one canonical text, whichever side it comes from: what the source sends goes through the same encoder as
 * the copy's rows, so that the stream's options (zero dates, NUL bytes, uuids) mean the same here.
 */
#ifndef DBS_BRIDGE_CLONE_SCAN_H
#define DBS_BRIDGE_CLONE_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>
#include <mysql.h>

#include "failure.h"
#include "snapshot_table.h"
#include "stream_config.h"

typedef struct CloneScan CloneScan;

typedef struct CloneScanRow
{
	uint64_t key;
	uint64_t content;
	const char *key_text; /* "id=7", valid during the call; only when asked for */
} CloneScanRow;

typedef void (*CloneScanSink)(void *context, const CloneScanRow *row);

/*
 * Look at the table on both sides. *missing: what the target lacks, as a sentence, "" when nothing; *skipped: columns
 * that are not compared, "" when all are. All by reference, table described by snapshot_table_describe. NULL on
 * failure.
 */
MUST_CHECK CloneScan *clone_scan_new(const SnapshotTable *table, const StreamConfig *config, PGconn *conn, int stop_fd,
									 char missing[256], char skipped[256], Failure *failure);
void clone_scan_free(CloneScan *scan);

/* One statement each: a consistent read. */
MUST_CHECK bool clone_scan_source(CloneScan *scan, MYSQL *sql, bool key_texts, CloneScanSink sink, void *context,
								  Failure *failure);
MUST_CHECK bool clone_scan_target(CloneScan *scan, PGconn *conn, bool key_texts, CloneScanSink sink, void *context,
								  Failure *failure);

#endif
