/*
 * dbstream.progress: how far a stream is applied, written in the transaction that holds the rows.
 */
#ifndef DBS_PROGRESS_H
#define DBS_PROGRESS_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct DbsProgress
{
	char *position;
	char *gtid_set;
	TimestampTz source_commit_time; /* 0: not known */
	int64 transactions;             /* the counts are totals of the stream */
	int64 rows_inserted;
	int64 rows_updated;
	int64 rows_deleted;
} DbsProgress;

/*
 * The stream's row as of now (not as of the caller's snapshot), in the current
 * context; false when there is none yet.
 */
bool dbs_progress_load(int stream_id, DbsProgress *progress);

/* Write the row in the current transaction: found through its index, which lets the page be pruned. */
void dbs_progress_store(int stream_id, const DbsProgress *progress);

#endif
