/*
 * The position of an outbound stream at its target: one row of dbstream_progress, changed in the transaction that
 * holds the rows. It makes every change apply exactly once, keeps a second session out, and tells an inbound reader of
 * the same server which transactions came from PostgreSQL.
 */
#ifndef DBS_BRIDGE_MYSQL_PROGRESS_H
#define DBS_BRIDGE_MYSQL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mysql.h>

#include "failure.h"
#include "sql_buffer.h"

/* What has been applied since the stream began; exact, since it is counted in the transactions that hold the rows. */
typedef struct MysqlTotals
{
	uint64_t transactions;
	uint64_t inserted;
	uint64_t updated;
	uint64_t deleted;
} MysqlTotals;

/* Make database and tables, that of counts among them, when they are missing. */
MUST_CHECK bool mysql_progress_prepare(MYSQL *mysql, const char *database, Failure *failure);

/*
 * How far within the source's transaction behind the position: a schema change divides it, since it ends the target's
 * transaction. Empty: nothing of it is there. See mysql_ddl.h.
 */
#define PROGRESS_STEP_SIZE 100

/* The recorded position, step and totals, empty when there is none; waits for a transaction about to change them. */
MUST_CHECK bool mysql_progress_read(MYSQL *mysql, const char *database, const char *key, char *position, size_t size,
									char step[PROGRESS_STEP_SIZE], MysqlTotals *totals, Failure *failure);

/* Record a position where none is yet, and what is there already. */
MUST_CHECK bool mysql_progress_begin(MYSQL *mysql, const char *database, const char *key, const char *position,
									 const MysqlTotals *totals, Failure *failure);

/*
 * The statements of a transaction: the first lets it go on only where the row is as this session left it. step NULL:
 * whatever it is.
 */
void mysql_progress_fence(SqlBuffer *sql, const char *database, const char *key, const char *position,
						  const char *step);
void mysql_progress_move(SqlBuffer *sql, const char *database, const char *key, const char *position, const char *step,
						 const MysqlTotals *totals);

/* From one step to the next, within the open transaction if there is one; a failure when the row is elsewhere. */
MUST_CHECK bool mysql_progress_step(MYSQL *mysql, const char *database, const char *key, const char *position,
									const char *from, const char *to, Failure *failure);

#endif
