/*
 * The word of dbstream.alter_stream in PostgreSQL's log: from here on a stream has another definition.
 */
#ifndef DBS_BRIDGE_DEFINITION_MESSAGE_H
#define DBS_BRIDGE_DEFINITION_MESSAGE_H

#include <libpq-fe.h>
#include <stdint.h>

#include "failure.h"
#include "wire.h"

/* Prefix of the logical message; its content is the stream's id and the new generation, with a blank between. */
#define DEFINITION_MESSAGE_PREFIX "dbstream.definition"

/*
 * False, with FAILURE_CODE_OUTDATED, when the message says that this stream has another definition from here on, and
 * the database says so too: anybody may write such a message.
 */
MUST_CHECK bool definition_message_take(PGconn *conn, const DbsLogicalMessage *message, const char *stream,
										int stream_id, int64_t generation, int stop_fd, Failure *failure);

#endif
