/*
 * Whole wire messages in memory of their own, for threads that write beside the one that has the outbox: what is
 * gathered goes into the outbox in one piece.
 */
#ifndef DBS_BRIDGE_WIRE_BUFFER_H
#define DBS_BRIDGE_WIRE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "../libdbstream/wire.h"
#include "failure.h"
#include "outbox.h"

typedef struct WireBuffer
{
	DbsWriter w; /* owns w.data */
} WireBuffer;

void wire_buffer_free(WireBuffer *buffer);

/* Room for size more bytes, and some for a message's frame. */
MUST_CHECK bool wire_buffer_reserve(WireBuffer *buffer, size_t size, Failure *failure);

/* Move everything into the outbox; no message is open. The caller has the outbox to itself. */
MUST_CHECK bool wire_buffer_flush(WireBuffer *buffer, Outbox *outbox, Failure *failure);

#endif
