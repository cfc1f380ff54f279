/*
 * The outbox: where a source puts wire messages and from where a target takes
 * them, in batches.  One thread writes, one reads; the bytes between them are
 * bounded, so a target that takes nothing stops the source.
 *
 * A batch is at most OUTBOX_BATCH_SIZE bytes of the stream.  A message larger
 * than that is spread over several batches.
 */
#ifndef DBS_BRIDGE_OUTBOX_H
#define DBS_BRIDGE_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../libdbstream/wire.h"
#include "failure.h"

#define OUTBOX_BATCH_SIZE ((size_t) 256 * 1024)

typedef struct Outbox Outbox;

/*
 * A place in the source that can be compared with another of the same source:
 * for a binlog, the file's number and the offset.  Zero is before everything.
 */
typedef struct SourcePoint
{
	uint64_t file;
	uint64_t offset;
} SourcePoint;

/* ---- the writing side: the source's thread ---- */

/* The writer of the open batch. Use it only between outbox_reserve and the next outbox call. */
DbsWriter *outbox_writer(Outbox *outbox);

/*
 * Make room for at least size more bytes in the writer, within the open message if
 * there is one.  May hand finished messages to the reader and wait for room;
 * returns false with a failure (class RETRY, code "stopping") when the
 * stream is being stopped.  Pointers into the buffer are invalid afterwards.
 */
MUST_CHECK bool outbox_reserve(Outbox *outbox, size_t size, Failure *failure);

/*
 * All messages so far are whole (no message is open) and stand for the source up to point.
 * The batch is handed over when it is full enough, or at once when
 * flush is true (the source has nothing more to read right now).
 */
MUST_CHECK bool outbox_mark(Outbox *outbox, SourcePoint point, bool flush, Failure *failure);

/*
 * Put whole messages as they lie in a buffer of the caller's own, of more than OUTBOX_BATCH_SIZE bytes, and hand them
 * over: the buffer (malloc'd, capacity bytes, size of them used) becomes the outbox's, and the caller gets an
 * empty one in its place. So large values are not copied once more, and very large ones are sent when this
 * returns. No message is open.
 */
MUST_CHECK bool outbox_exchange(Outbox *outbox, char **data, size_t *capacity, size_t size, Failure *failure);

/* The stream is being stopped: sources look at this between events. Safe from any thread. */
bool outbox_stopping(const Outbox *outbox);

#endif
