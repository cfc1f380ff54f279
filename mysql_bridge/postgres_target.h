/*
 * The PostgreSQL target: sends an outbox's batches to the extension, never more than the extension has room for.
 */
#ifndef DBS_BRIDGE_POSTGRES_TARGET_H
#define DBS_BRIDGE_POSTGRES_TARGET_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "outbox_reader.h"
#include "source.h"
#include "target.h"
#include "watcher.h"

#define FAILURE_CODE_WORKER_STOPPED "worker_stopped"

typedef struct PostgresTarget PostgresTarget;

typedef struct TargetInput
{
	PGconn *conn; /* greeted, with the session open on it */
	const char *stream;
	int stream_id;
	int64_t generation; /* of the stream's definition */
	int64_t session;
	const SourceOps *ops;
	Source *source; /* for its progress only */
	Outbox *outbox;
	Watcher *watcher;
} TargetInput;

/* Prepare the session's statements and switch the connection to pipelining. Everything in input is kept by reference.
 */
MUST_CHECK PostgresTarget *postgres_target_new(const TargetInput *input, int stop_fd, Failure *failure);

/*
 * Send until the outbox is stopping, or the source has ended and all it
 * marked is in the extension's queue (both: true), or something fails.
 */
MUST_CHECK bool postgres_target_run(PostgresTarget *target, Failure *failure);

/* A transaction of this session has been applied: what goes wrong next is not what went wrong before. */
bool postgres_target_applied(const PostgresTarget *target);

/* Take what answers are still due, at most for timeout_ms, and end pipelining. False: the connection is of no use. */
bool postgres_target_settle(PostgresTarget *target, int timeout_ms);

void postgres_target_free(PostgresTarget *target);

#endif
