/*
 * A table's rows out of the bridge's own PostgreSQL, as messages of the wire format, as of an exported snapshot; and
 * lines of a COPY out of any.
 */
#ifndef DBS_BRIDGE_POSTGRES_ROWS_H
#define DBS_BRIDGE_POSTGRES_ROWS_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "../libdbstream/wire.h"
#include "failure.h"

typedef struct PostgresRows
{
	PGconn *conn;
	int stop_fd; /* readable: give up */
	char *data;  /* libpq's: a piece of whole messages */
	size_t size; /* of it */
	size_t used; /* of it, by messages that were given out */
	bool begun;
} PostgresRows;

/* Begin to read: a transaction with that snapshot, and a COPY in it. conn and stop_fd are the caller's. */
MUST_CHECK bool postgres_rows_begin(PostgresRows *rows, PGconn *conn, int stop_fd, const char *snapshot, int stream_id,
									unsigned relid, Failure *failure);

/* Begin to read lines: a COPY to STDOUT in its text form, in the transaction that is open, if any. */
MUST_CHECK bool postgres_lines_begin(PostgresRows *rows, PGconn *conn, int stop_fd, const char *copy, Failure *failure);

/* The next line, with its line break, in rows->data until the next call; *size is 0 behind the last. */
MUST_CHECK bool postgres_lines_next(PostgresRows *rows, size_t *size, Failure *failure);

/* The next message, valid until the next call; *end says that there is none. */
MUST_CHECK bool postgres_rows_next(PostgresRows *rows, DbsMessage *message, bool *end, Failure *failure);

/* End the transaction after the last message; the table is unlocked. After a failure the connection is of no more use.
 */
MUST_CHECK bool postgres_rows_end(PostgresRows *rows, Failure *failure);

/* Whatever is left over of a reading that has ended or failed. */
void postgres_rows_free(PostgresRows *rows);

#endif
