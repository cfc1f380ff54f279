/*
 * A backfill at the source: copies the tables of a stream into the outbox, before its log is read, and says from where
 * to where the log then repeats what may have been copied.
 *
 * It owns no state: what is recorded at the target says where to go on.
 */
#ifndef DBS_BRIDGE_BACKFILL_H
#define DBS_BRIDGE_BACKFILL_H

#include <stdbool.h>
#include <stdint.h>

#include <mysql.h>

#include "binlog_place.h"
#include "failure.h"
#include "mysql_server.h"
#include "outbox.h"
#include "source.h"
#include "stream_config.h"

typedef struct Backfill Backfill;

/* A table without key, copied as of a place: what the log says of it before that is in the copy. */
typedef struct BackfillSkip
{
	const char *schema;
	const char *name;
	SourcePoint before;
} BackfillSkip;

/*
 * recorded: what dbstream.bridge_backfill() says, NULL when nothing is recorded yet. joined: the log is read already.
 * config and server are kept by reference.
 */
MUST_CHECK Backfill *backfill_new(const StreamConfig *config, const MysqlServer *server, const char *recorded,
								  bool joined, Failure *failure);
void backfill_free(Backfill *backfill);

/* Tables are still to be copied, or nothing is recorded yet. */
bool backfill_copying(const Backfill *backfill);

/* Copy what is missing. The caller's thread has the outbox; sql is its own connection. */
MUST_CHECK bool backfill_run(Backfill *backfill, MYSQL *sql, Outbox *outbox, Failure *failure);

/* Announce what is to be copied while the log is read: before anything of it goes out. */
MUST_CHECK bool backfill_plan(Backfill *backfill, MYSQL *sql, Outbox *outbox, Failure *failure);

/*
 * Copy for a moment, between two transactions of the log: everything before point, whose GTIDs gtid_set has, has been
 * put into the outbox. Readers wait between turns. When all is copied, backfill_copying is false afterwards.
 */
MUST_CHECK bool backfill_turn(Backfill *backfill, MYSQL *sql, SourcePoint point, const char *gtid_set,
							  Failure *failure);

/* After backfill_run, or when nothing was to be copied: where to read the log. */
const char *backfill_position(const Backfill *backfill);
const char *backfill_gtid_set(const Backfill *backfill);

/* Up to here the log may repeat what was copied. */
SourcePoint backfill_end(const Backfill *backfill);

/* Good until backfill_run or the next turn, except for the names. */
size_t backfill_skips(const Backfill *backfill, const BackfillSkip **skips);

/* Tell the target that everything before the end has been sent. */
MUST_CHECK bool backfill_put_caught_up(Outbox *outbox, SourcePoint point, Failure *failure);

/* From another thread: make backfill_run return soon. */
void backfill_interrupt(Backfill *backfill);

/* Safe from any thread; adds what was copied. */
void backfill_progress(Backfill *backfill, SourceProgress *progress);

#endif
