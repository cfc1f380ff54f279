/*
 * What a clone needs at the target: the extension, a connection and a stream; made where they are missing.
 */
#ifndef DBS_BRIDGE_CLONE_DEFINITION_H
#define DBS_BRIDGE_CLONE_DEFINITION_H

#include <stdbool.h>

#include <libpq-fe.h>

#include "clone_arguments.h"
#include "failure.h"
#include "stream_config.h"

/* A definition of the same name that says something else: nothing was changed. */
#define FAILURE_CODE_DEFINED "defined_otherwise"

typedef struct CloneDefinition
{
	bool made_extension;
	bool made_connection;
	bool made_stream;
	bool existed; /* the stream was there: an earlier clone is continued */
	int stream_id;
} CloneDefinition;

/* A connection for a person's statements; its parameters, among them passwords, are not logged where the role may say
 * so. */
MUST_CHECK PGconn *clone_definition_connect(const CloneArguments *arguments, int stop_fd, Failure *failure);

/* Make what is missing, in the transaction that is open; kind: of the source's server. Nothing runs yet. */
MUST_CHECK bool clone_definition_make(PGconn *conn, const CloneArguments *arguments, const char *kind, int stop_fd,
									  CloneDefinition *made, Failure *failure);

/* The stream as the bridge understands it, with the source's password; NULL on failure. */
MUST_CHECK StreamConfig *clone_definition_read(PGconn *conn, const CloneArguments *arguments, int stop_fd,
											   Failure *failure);

/* A statement with at most one parameter whose result does not matter. */
MUST_CHECK bool clone_definition_execute(PGconn *conn, const char *sql, const char *parameter, int stop_fd,
										 Failure *failure);

#endif
