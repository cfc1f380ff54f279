/*
 * TRANSACTION_PAYLOAD events (binlog_transaction_compression): a transaction's events, compressed by zstd as one
 * stream.
 */
#ifndef DBS_BRIDGE_TRANSACTION_PAYLOAD_H
#define DBS_BRIDGE_TRANSACTION_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

typedef struct TransactionPayload TransactionPayload; /* a decompressor, used again for each event */

/* NULL when memory runs out. */
TransactionPayload *transaction_payload_new(void);
void transaction_payload_free(TransactionPayload *payload);

/* body is an event's body. The compressed bytes are not copied: they stay where they are until the last event is read.
 */
MUST_CHECK bool transaction_payload_open(TransactionPayload *payload, const uint8_t *body, size_t size,
										 Failure *failure);

/*
 * The next event: a whole one, header first, never with a checksum; valid until the next call. *event is NULL after the
 * last. Holds one event at a time, however large the transaction.
 */
MUST_CHECK bool transaction_payload_next(TransactionPayload *payload, const uint8_t **event, size_t *size,
										 Failure *failure);

#endif
