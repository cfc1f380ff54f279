/*
 * MariaDB's compressed events: see compressed_event.h.
 *
 * A compressed part begins with one byte: the highest bit set, the algorithm in the next three (0: zlib), and in the
 * lowest three the number of bytes of the size that follow, highest first. Then comes the zlib stream.
 */
#include "compressed_event.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "binlog_event.h"

/* What an event may grow the buffer to for good. */
#define KEPT_ROOM ((size_t) 1024 * 1024)
#define MAX_INFLATED ((size_t) 1024 * 1024 * 1024)

void
byte_buffer_free(ByteBuffer *buffer)
{
	free(buffer->data);
	buffer->data = NULL;
	buffer->room = 0;
}

bool
byte_buffer_room(ByteBuffer *buffer, size_t size, Failure *failure)
{
	size_t room = size < 64 * 1024 ? 64 * 1024 : size;

	if (buffer->room >= size && (buffer->room <= KEPT_ROOM || size > KEPT_ROOM))
		return true;
	byte_buffer_free(buffer);
	buffer->data = malloc(room);
	if (buffer->data == NULL)
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", "", "out of memory: an event needs %zu bytes",
						   size);
	buffer->room = room;
	return true;
}

static bool
damaged(Failure *failure)
{
	return failure_set(failure, FAILURE_REJECT, "event_damaged",
					   "Check the file with mysqlbinlog --verify-binlog-checksum; report this if it is sound.",
					   "a compressed event cannot be decompressed");
}

/* Decompress data behind the first keep bytes of the buffer, where those are copied from head. */
static bool
inflate_part(const uint8_t *head, size_t keep, const uint8_t *data, size_t size, ByteBuffer *buffer, size_t *inflated,
			 Failure *failure)
{
	size_t length = 0;
	size_t length_bytes;
	uLongf got;

	if (size < 1 || (data[0] & 0x80) == 0)
		return damaged(failure);
	if ((data[0] & 0x70) != 0)
		return failure_set(failure, FAILURE_REJECT, "event_unknown", "Set log_bin_compress=OFF at the source.",
						   "an event is compressed in an unknown way (%u)", (unsigned) (data[0] & 0x70) >> 4);
	length_bytes = data[0] & 0x07;
	if (length_bytes == 0 || length_bytes > 4 || size < 1 + length_bytes)
		return damaged(failure);
	for (size_t i = 0; i < length_bytes; i++)
		length = length << 8 | data[1 + i];
	if (length > MAX_INFLATED)
		return damaged(failure);
	if (!byte_buffer_room(buffer, keep + length + 1, failure))
		return false;
	if (keep > 0)
		memcpy(buffer->data, head, keep);
	got = (uLongf) length;
	if (uncompress(buffer->data + keep, &got, data + 1 + length_bytes, (uLong) (size - 1 - length_bytes)) != Z_OK ||
		got != length)
		return damaged(failure);
	*inflated = keep + length;
	return true;
}

bool
compressed_query_inflate(const uint8_t *data, size_t size, ByteBuffer *buffer, size_t *inflated, Failure *failure)
{
	return inflate_part(NULL, 0, data, size, buffer, inflated, failure);
}

bool
compressed_rows_inflate(const uint8_t *data, size_t size, bool update, ByteBuffer *buffer, size_t *inflated,
						Failure *failure)
{
	const uint8_t *at = data;
	uint64_t columns;
	size_t keep;

	if (!binlog_length(&at, data + size, &columns) || columns > 65535)
		return damaged(failure);
	keep = (size_t) (at - data) + (size_t) (columns + 7) / 8 * (update ? 2 : 1);
	if (keep > size)
		return damaged(failure);
	return inflate_part(data, keep, data + keep, size - keep, buffer, inflated, failure);
}
