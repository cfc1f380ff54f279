/*
 * Conflicts at a MySQL target: a change whose row is not there as the source had it.
 *
 * The fast way (mysql_rows.c) writes many changes to a round trip and only sees, when their results come back, that
 * something did not match. Then the whole transaction is given up and done again in this careful way: each row is
 * looked at under a lock before it is changed, the stream's policy decides, and what was decided is recorded with both
 * rows in dbstream_conflicts beside dbstream_progress, in the same transaction. From there PostgreSQL takes the records
 * over into dbstream.conflicts.
 *
 * The rules are those of the extension's conflict.c, seen from the other side; docs/two-way.md says why both
 * sides end equal.
 */
#ifndef DBS_BRIDGE_MYSQL_CONFLICT_H
#define DBS_BRIDGE_MYSQL_CONFLICT_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>
#include <mysql.h>

#include "../libdbstream/wire.h"
#include "failure.h"
#include "mysql_table.h"
#include "stream_config.h"

/* A session that ends so is followed at once by one that begins carefully. */
#define FAILURE_CODE_CONFLICT_MET "conflict_met"

typedef struct MysqlConflicts MysqlConflicts;

/* Makes the table of records when it is missing. key: of the stream's row of dbstream_progress; by reference. */
MUST_CHECK MysqlConflicts *mysql_conflict_new(MYSQL *mysql, const StreamConfig *config, const char *key,
											  Failure *failure);
void mysql_conflict_free(MysqlConflicts *conflicts);

/*
 * Apply all rows of a message whose reader stands behind its header, one by one, inside an open transaction with
 * nothing under way on the connection. position: the transaction is the one after it.
 */
MUST_CHECK bool mysql_conflict_rows(MysqlConflicts *conflicts, MysqlTable *table, const DbsRows *rows,
									DbsReader *reader, const char *position, Failure *failure);

/* Rows that went through since the last conflict, or since the beginning. */
uint64_t mysql_conflict_quiet(const MysqlConflicts *conflicts);

/*
 * Bring records to PostgreSQL and delete them here, in transactions of their own that are fenced by the committed
 * position. Cheap when nothing was recorded in this session; the first call looks for what an earlier one left.
 */
MUST_CHECK bool mysql_conflict_hand_over(MysqlConflicts *conflicts, PGconn *conn, const char *position, int stop_fd,
										 Failure *failure);

#endif
