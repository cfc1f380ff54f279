/*
 * MySQL's binary JSON to JSON text, straight into the open message.
 */
#ifndef DBS_BRIDGE_JSON_BINARY_H
#define DBS_BRIDGE_JSON_BINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "outbox.h"

/* MySQL refuses documents that are deeper. */
#define JSON_BINARY_MAX_DEPTH 100

/*
 * Append the document's text to the outbox's open message. spare: bytes that stay reserved behind the text for the
 * caller's next puts. False with *problem set (a constant phrase: "ends inside an array") when the bytes are no
 * document; false with *problem NULL and a failure when the outbox failed. No bytes at all are the document null, as
 * MySQL reads them.
 */
MUST_CHECK bool json_binary_put(const uint8_t *data, size_t size, size_t spare, Outbox *outbox, const char **problem,
								Failure *failure);

#endif
