/*
 * Transactions that the source's crash cut short in its log.
 *
 * That a transaction has no end is known only where the log goes on without
 * it, when a part of its rows has been sent. The session ends then, which
 * throws that part away, and the next one must know what to leave out.
 */
#ifndef DBS_BRIDGE_CUT_TRANSACTION_H
#define DBS_BRIDGE_CUT_TRANSACTION_H

#include <stdbool.h>

#include "binlog_place.h"

/* The transaction that begins at place was never finished. Kept for as long as the process lives; the newest ones. */
void cut_transaction_remember(int stream_id, const BinlogPlace *place);

bool cut_transaction_known(int stream_id, const BinlogPlace *place);

#endif
