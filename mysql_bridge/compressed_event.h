/*
 * MariaDB's compressed events (log_bin_compress): a query's text or an event's rows in zlib's format.
 */
#ifndef DBS_BRIDGE_COMPRESSED_EVENT_H
#define DBS_BRIDGE_COMPRESSED_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

/* Memory that is used again for each event, and given back after a large one. */
typedef struct ByteBuffer
{
	uint8_t *data;
	size_t room;
} ByteBuffer;

void byte_buffer_free(ByteBuffer *buffer);

/* At least size bytes; what was in it is lost. */
MUST_CHECK bool byte_buffer_room(ByteBuffer *buffer, size_t size, Failure *failure);

/* A query's text. */
MUST_CHECK bool compressed_query_inflate(const uint8_t *data, size_t size, ByteBuffer *buffer, size_t *inflated,
										 Failure *failure);

/*
 * A rows event from its column count on, of which only the rows are compressed; the result has the layout of an
 * ordinary one. An update has two bitmaps of columns.
 */
MUST_CHECK bool compressed_rows_inflate(const uint8_t *data, size_t size, bool update, ByteBuffer *buffer,
										size_t *inflated, Failure *failure);

#endif
