/*
 * A replication slot of the bridge's own PostgreSQL, and the snapshot that comes with one: what was committed before
 * the slot's position is in it, and nothing else.
 */
#ifndef DBS_BRIDGE_POSTGRES_SNAPSHOT_H
#define DBS_BRIDGE_POSTGRES_SNAPSHOT_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "failure.h"

#define LSN_TEXT_SIZE 32

typedef struct PostgresSlot
{
	bool there;
	bool lost;                     /* its part of the log is gone */
	bool foreign;                  /* it is another plugin's */
	char confirmed[LSN_TEXT_SIZE]; /* nothing before it will be read again */
	char log_end[LSN_TEXT_SIZE];   /* of the server, when it was asked */
} PostgresSlot;

typedef struct PostgresSnapshot
{
	char name[128];               /* for SET TRANSACTION SNAPSHOT; empty when none was asked for */
	char position[LSN_TEXT_SIZE]; /* where its slot begins to read */
} PostgresSnapshot;

bool postgres_lsn_parse(const char *text, uint64_t *lsn);
void postgres_lsn_format(uint64_t lsn, char out[LSN_TEXT_SIZE]);

/* Connect as a walsender, which is not taken for dead while this side reads nothing. NULL on failure. */
MUST_CHECK PGconn *postgres_snapshot_connect(const char *conninfo, const char *stream, int stop_fd, Failure *failure);

MUST_CHECK bool postgres_slot_look(PGconn *conn, const char *name, int stop_fd, PostgresSlot *slot, Failure *failure);

/* The failure of a stream whose slot has lost what the target has not got yet. Returns false. */
bool postgres_slot_lost(const char *name, const char *how, Failure *failure);

/*
 * Make a slot. A temporary one ends with the connection. With exports, the snapshot can be used until the connection's
 * next command. Waits for the end of transactions that are open.
 */
MUST_CHECK bool postgres_slot_create(PGconn *conn, const char *name, bool temporary, bool exports, int stop_fd,
									 PostgresSnapshot *snapshot, Failure *failure);

#endif
