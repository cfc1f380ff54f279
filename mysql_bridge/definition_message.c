/*
 * See definition_message.h.
 *
 * The message is written by the transaction that changes the definition, so it arrives when that is decoded. A moment
 * may pass until the commit is visible to others.
 */
#include "definition_message.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "postgres_connection.h"

#define CALL_TIMEOUT_MS 30000
#define VISIBLE_MS 2000
#define LOOK_MS 20

/* The generation that the database has; -1 when the stream is not meant to run any more. */
static bool
look(PGconn *conn, int stream_id, int stop_fd, int64_t *generation, Failure *failure)
{
	char id[16];
	const char *values[] = {id};
	PGresult *result;

	snprintf(id, sizeof id, "%d", stream_id);
	result = postgres_connection_query(
		conn, "SELECT max(generation) FROM dbstream.bridge_streams() WHERE stream_id = $1::int4", 1, values, stop_fd,
		CALL_TIMEOUT_MS, failure);
	if (result == NULL)
		return false;
	*generation = PQgetisnull(result, 0, 0) ? -1 : strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return true;
}

bool
definition_message_take(PGconn *conn, const DbsLogicalMessage *message, const char *stream, int stream_id,
						int64_t generation, int stop_fd, Failure *failure)
{
	struct pollfd stop = {stop_fd, POLLIN, 0};
	int64_t until = clock_now_ms() + VISIBLE_MS;
	char content[48];
	char *end;

	if (message->prefix.size != sizeof DEFINITION_MESSAGE_PREFIX - 1 ||
		memcmp(message->prefix.data, DEFINITION_MESSAGE_PREFIX, message->prefix.size) != 0 ||
		message->content.size >= sizeof content)
		return true;
	memcpy(content, message->content.data, message->content.size);
	content[message->content.size] = '\0';
	if (strtoll(content, &end, 10) != stream_id || strtoll(end, NULL, 10) <= generation)
		return true;
	do
	{
		int64_t now;

		if (!look(conn, stream_id, stop_fd, &now, failure))
			return false;
		if (now != generation)
			return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_OUTDATED, NULL,
							   "the definition of the stream has changed");
	} while (poll(&stop, 1, LOOK_MS) == 0 && clock_now_ms() < until);
	log_line(LOG_LEVEL_WARNING, stream, "a message of another definition is passed over: the stream has none");
	return true;
}
