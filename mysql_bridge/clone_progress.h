/*
 * How far a clone is, for the person who waits: bars on a terminal, a line now and then elsewhere.
 */
#ifndef DBS_BRIDGE_CLONE_PROGRESS_H
#define DBS_BRIDGE_CLONE_PROGRESS_H

#include <stdbool.h>

#include <libpq-fe.h>

#include "failure.h"

typedef struct CloneProgress CloneProgress;

/* stream is kept by reference. Shows on standard output; on a terminal the log's lines go above the bars. */
CloneProgress *clone_progress_new(const char *stream);

/* Back to plain output. */
void clone_progress_free(CloneProgress *progress);

/* Ask the target and show, no more often than is worth looking at. *state: of the backfill, "" before it is known. */
MUST_CHECK bool clone_progress_show(CloneProgress *progress, PGconn *conn, int stop_fd, char state[16],
									Failure *failure);

/* Show once more everything that is new, then leave it standing. */
void clone_progress_finish(CloneProgress *progress);

/* A line beside the bars. */
void clone_progress_say(CloneProgress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
