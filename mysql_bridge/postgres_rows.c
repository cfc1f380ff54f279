#include "postgres_rows.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "postgres_connection.h"

#define QUERY_TIMEOUT_MS 60000
#define POLL_MS 1000
/* COPY's binary form: a head before the first row, then for each row a count of fields, and for each field its size. */
#define COPY_SIGNATURE "PGCOPY\n\377\r\n"
#define COPY_SIGNATURE_SIZE 11
#define COPY_HEAD_SIZE 19

static bool
query(PostgresRows *rows, const char *sql, Failure *failure)
{
	PGresult *result = postgres_connection_query(rows->conn, sql, -1, NULL, rows->stop_fd, QUERY_TIMEOUT_MS, failure);

	PQclear(result);
	return result != NULL;
}

static bool
wait_for_input(PostgresRows *rows, Failure *failure)
{
	struct pollfd fds[2] = {{PQsocket(rows->conn), POLLIN, 0}, {rows->stop_fd, POLLIN, 0}};

	if (poll(fds, 2, POLL_MS) < 0 && errno != EINTR)
		return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_POSTGRESQL_LOST, NULL, "waiting for rows: %s",
						   strerror(errno));
	if (fds[1].revents != 0)
		return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_STOPPING, NULL, "the stream is being stopped");
	return PQconsumeInput(rows->conn) != 0 || postgres_connection_failed(rows->conn, NULL, failure);
}

static bool
start_copy(PostgresRows *rows, const char *sql, Failure *failure)
{
	PGresult *result;
	bool ok;

	if (!PQsendQuery(rows->conn, sql))
		return postgres_connection_failed(rows->conn, NULL, failure);
	for (;;)
	{
		int unsent = PQflush(rows->conn);

		if (unsent < 0)
			return postgres_connection_failed(rows->conn, NULL, failure);
		if (unsent == 0 && !PQisBusy(rows->conn))
			break;
		if (!wait_for_input(rows, failure))
			return false;
	}
	result = PQgetResult(rows->conn);
	ok = PQresultStatus(result) == PGRES_COPY_OUT || postgres_connection_failed(rows->conn, result, failure);
	PQclear(result);
	return ok;
}

bool
postgres_rows_begin(PostgresRows *rows, PGconn *conn, int stop_fd, const char *snapshot, int stream_id, unsigned relid,
					Failure *failure)
{
	char sql[300];

	*rows = (PostgresRows){.conn = conn, .stop_fd = stop_fd};
	snprintf(sql, sizeof sql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '%s'",
			 snapshot);
	if (!query(rows, sql, failure))
		return false;
	snprintf(sql, sizeof sql, "COPY (SELECT dbstream.copy_rows(%d, %u)) TO STDOUT (FORMAT binary)", stream_id, relid);
	return start_copy(rows, sql, failure);
}

/* Read the next piece of COPY's data; *size is 0 at the end. */
static bool
next_piece(PostgresRows *rows, size_t *size, Failure *failure)
{
	postgres_rows_free(rows);
	for (;;)
	{
		int got = PQgetCopyData(rows->conn, &rows->data, 1);

		if (got > 0)
		{
			*size = (size_t) got;
			return true;
		}
		if (got == -1)
		{
			*size = 0;
			return true;
		}
		if (got < -1)
			return postgres_connection_failed(rows->conn, NULL, failure);
		if (!wait_for_input(rows, failure))
			return false;
	}
}

/* The COPY's own outcome: an error that came in its middle shows here. */
static bool
finish_copy(PostgresRows *rows, Failure *failure)
{
	bool ok = true;
	PGresult *result;

	while ((result = PQgetResult(rows->conn)) != NULL)
	{
		if (ok && PQresultStatus(result) != PGRES_COMMAND_OK)
			ok = postgres_connection_failed(rows->conn, result, failure);
		PQclear(result);
	}
	return ok;
}

bool
postgres_lines_begin(PostgresRows *rows, PGconn *conn, int stop_fd, const char *copy, Failure *failure)
{
	*rows = (PostgresRows){.conn = conn, .stop_fd = stop_fd};
	return start_copy(rows, copy, failure);
}

bool
postgres_lines_next(PostgresRows *rows, size_t *size, Failure *failure)
{
	return next_piece(rows, size, failure) && (*size > 0 || finish_copy(rows, failure));
}

static bool
malformed(Failure *failure)
{
	return failure_set(failure, FAILURE_FATAL, "internal", "Install an extension that matches this bridge.",
					   "copied rows are malformed");
}

/* Read the next row of the COPY, a piece of messages, into data; *end says that there is none. */
static bool
read_piece(PostgresRows *rows, bool *end, Failure *failure)
{
	size_t size, at = 0;
	uint16_t fields;
	uint32_t length;

	if (!next_piece(rows, &size, failure))
		return false;
	if (size == 0)
	{
		*end = true;
		return finish_copy(rows, failure);
	}
	if (!rows->begun)
	{
		if (size < COPY_HEAD_SIZE || memcmp(rows->data, COPY_SIGNATURE, COPY_SIGNATURE_SIZE) != 0)
			return malformed(failure);
		memcpy(&length, rows->data + COPY_HEAD_SIZE - 4, sizeof length);
		at = COPY_HEAD_SIZE + be32toh(length);
		rows->begun = true;
		if (at == size)
			return true;
	}
	if (size < at + sizeof fields)
		return malformed(failure);
	memcpy(&fields, rows->data + at, sizeof fields);
	at += sizeof fields;
	/* The trailer: nothing but the end follows. */
	if (fields == 0xffff)
		return true;
	if (be16toh(fields) != 1 || size < at + sizeof length)
		return malformed(failure);
	memcpy(&length, rows->data + at, sizeof length);
	at += sizeof length;
	if (be32toh(length) != size - at)
		return malformed(failure);
	/* To the start of libpq's memory: messages are read where they are aligned. */
	memmove(rows->data, rows->data + at, size - at);
	rows->size = size - at;
	return true;
}

bool
postgres_rows_next(PostgresRows *rows, DbsMessage *message, bool *end, Failure *failure)
{
	const char *error = NULL;
	size_t size, needed;

	*end = false;
	while (rows->used == rows->size)
	{
		rows->used = rows->size = 0;
		if (!read_piece(rows, end, failure))
			return false;
		if (*end)
			return true;
	}
	size = dbs_message_next(rows->data + rows->used, rows->size - rows->used, message, &needed, &error);
	if (size == 0 || size == SIZE_MAX)
		return malformed(failure);
	rows->used += size;
	return true;
}

bool
postgres_rows_end(PostgresRows *rows, Failure *failure)
{
	postgres_rows_free(rows);
	return query(rows, "COMMIT", failure);
}

void
postgres_rows_free(PostgresRows *rows)
{
	if (rows->data != NULL)
		PQfreemem(rows->data);
	rows->data = NULL;
}
