/*
 * One source's transactions on the wire: begin only when there is something in it, then tables, rows and DDL, then
 * commit; and between transactions heartbeats.
 */
#ifndef DBS_BRIDGE_WIRE_TRANSACTION_H
#define DBS_BRIDGE_WIRE_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "charset.h"
#include "failure.h"
#include "outbox.h"
#include "table_cache.h"

/* Microseconds between 1970-01-01 and 2000-01-01. */
#define WIRE_EPOCH_OFFSET INT64_C(946684800000000)

/* Microseconds since 2000-01-01 UTC. */
int64_t wire_time_now(void);

typedef struct WireTransaction
{
	Outbox *outbox;
	bool begun;          /* the begin message is out */
	int64_t commit_time; /* of the transaction being read: microseconds since 2000-01-01, 0 when not known */
	char gtid[160];      /* of the transaction being read; may be empty */

	/* totals */
	uint64_t transactions;
	uint64_t rows;
	uint64_t adjusted;
} WireTransaction;

void wire_transaction_init(WireTransaction *transaction, Outbox *outbox);

/* A transaction of the log begins; nothing is sent yet. */
void wire_transaction_start(WireTransaction *transaction, const char *gtid, int64_t commit_time);

MUST_CHECK bool wire_transaction_rows(WireTransaction *transaction, CachedTable *table, RowsEventKind kind,
									  const uint8_t *body, size_t size, Failure *failure);

/* A statement whose text is in charset (NULL: in UTF-8), and is converted from it; ddl->charset need not be set. */
MUST_CHECK bool wire_transaction_ddl(WireTransaction *transaction, const DbsDdl *ddl, const Charset *charset,
									 Failure *failure);

/* End the transaction; sends commit when begin was sent. */
MUST_CHECK bool wire_transaction_commit(WireTransaction *transaction, const char *position, const char *gtid_set,
										Failure *failure);

MUST_CHECK bool wire_transaction_heartbeat(WireTransaction *transaction, int64_t time, const char *position,
										   const char *gtid_set, Failure *failure);

#endif
