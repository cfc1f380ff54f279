/*
 * Records of conflicts at a MySQL target: rows of dbstream_conflicts beside dbstream_progress, written in the
 * transaction of the change, from where PostgreSQL takes them over into dbstream.conflict, once.
 */
#ifndef DBS_BRIDGE_MYSQL_CONFLICT_RECORD_H
#define DBS_BRIDGE_MYSQL_CONFLICT_RECORD_H

#include <stdbool.h>

#include <libpq-fe.h>
#include <mysql.h>

#include "failure.h"
#include "mysql_rows.h"
#include "sql_buffer.h"
#include "stream_config.h"

typedef struct ConflictRecords ConflictRecords;

/* Makes the table when it is missing. All but failure by reference, for the records' life. NULL on failure. */
MUST_CHECK ConflictRecords *conflict_records_open(MYSQL *mysql, const StreamConfig *config, const char *key,
												  Failure *failure);
void conflict_records_free(ConflictRecords *records);

/*
 * Record a conflict with the rows that condition finds at the target, or with none when it is NULL. kind, winner: words
 * of dbstream.conflict. old, new: what the source's change says; NULL: nothing.
 */
MUST_CHECK bool conflict_records_add(ConflictRecords *records, RowsWork *work, const char *kind, const RowField *old,
									 const RowField *new, const SqlBuffer *condition, const char *winner,
									 const char *position, Failure *failure);

/* See mysql_conflict_hand_over. */
MUST_CHECK bool conflict_records_hand_over(ConflictRecords *records, PGconn *conn, const char *position, int stop_fd,
										   Failure *failure);

#endif
