/*
 * A backfill out of another PostgreSQL server: copies the tables of a stream into the outbox, in one transaction with
 * the snapshot that a replication slot exports. Each table goes out whole, as of that slot's position.
 *
 * It owns no state: what is recorded at the target says where to go on.
 */
#ifndef DBS_BRIDGE_POSTGRES_BACKFILL_H
#define DBS_BRIDGE_POSTGRES_BACKFILL_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "failure.h"
#include "outbox.h"
#include "source.h"
#include "stream_config.h"

typedef struct PostgresBackfill PostgresBackfill;

/*
 * recorded: what dbstream.bridge_backfill() says, NULL when nothing is recorded yet. joined: the log is read already.
 * config is kept by reference; stop_fd is readable when everything is to end. NULL on failure.
 */
MUST_CHECK PostgresBackfill *postgres_backfill_new(const StreamConfig *config, const char *recorded, bool joined,
												   int stop_fd, Failure *failure);
void postgres_backfill_free(PostgresBackfill *backfill);

/* Tables are still to be copied, or nothing is recorded yet. */
bool postgres_backfill_copying(const PostgresBackfill *backfill);

/* Copy what is missing; makes the stream's slot when nothing is recorded yet. walsender is the caller's. */
MUST_CHECK bool postgres_backfill_run(PostgresBackfill *backfill, PGconn *walsender, Outbox *outbox, Failure *failure);

/* After that: from where to read the log. */
uint64_t postgres_backfill_start(const PostgresBackfill *backfill);

/* Up to here the log repeats what was copied; 0: no further. */
uint64_t postgres_backfill_end(const PostgresBackfill *backfill);

/* The tables' positions, as the output plugin's option "copied" takes them; malloc'd. */
MUST_CHECK bool postgres_backfill_positions(PostgresBackfill *backfill, char **copied, Failure *failure);

/* Safe from any thread; adds what was copied. */
void postgres_backfill_progress(PostgresBackfill *backfill, SourceProgress *progress);

#endif
