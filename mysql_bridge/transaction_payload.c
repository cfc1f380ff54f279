/*
 * TRANSACTION_PAYLOAD events: see transaction_payload.h.
 *
 * The body is a list of type, length, value, each number length-encoded: 2 is the compression (0 zstd, 255 none), 1 the
 * size of the payload, 3 its size when decompressed; 0 ends the list and the payload follows.
 */
#include "transaction_payload.h"

#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "binlog_event.h"
#include "compressed_event.h"

#define COMPRESSION_ZSTD 0
#define COMPRESSION_NONE 255
#define MAX_EVENT ((size_t) 1024 * 1024 * 1024)

struct TransactionPayload
{
	ZSTD_DStream *stream;
	ZSTD_inBuffer in;
	bool compressed;
	ByteBuffer window; /* decompressed bytes */
	size_t start;      /* of what has not been handed out */
	size_t end;
};

TransactionPayload *
transaction_payload_new(void)
{
	TransactionPayload *payload = calloc(1, sizeof *payload);

	if (payload == NULL)
		return NULL;
	payload->stream = ZSTD_createDStream();
	if (payload->stream == NULL)
	{
		free(payload);
		return NULL;
	}
	return payload;
}

void
transaction_payload_free(TransactionPayload *payload)
{
	if (payload == NULL)
		return;
	ZSTD_freeDStream(payload->stream);
	byte_buffer_free(&payload->window);
	free(payload);
}

static bool
damaged(const char *what, Failure *failure)
{
	return failure_set(failure, FAILURE_REJECT, "event_damaged",
					   "Check the file with mysqlbinlog --verify-binlog-checksum; report this if it is sound.",
					   "a compressed transaction cannot be read: %s", what);
}

bool
transaction_payload_open(TransactionPayload *payload, const uint8_t *body, size_t size, Failure *failure)
{
	const uint8_t *at = body;
	const uint8_t *end = body + size;
	uint64_t compression = COMPRESSION_ZSTD;
	uint64_t payload_size = 0;

	for (;;)
	{
		uint64_t type;
		uint64_t length;
		const uint8_t *value;

		if (!binlog_length(&at, end, &type))
			return damaged("its list of fields ends too early", failure);
		if (type == 0)
			break;
		if (!binlog_length(&at, end, &length) || length > (uint64_t) (end - at))
			return damaged("its list of fields ends too early", failure);
		value = at;
		if ((type == 1 && !binlog_length(&value, end, &payload_size)) ||
			(type == 2 && !binlog_length(&value, end, &compression)))
			return damaged("its list of fields ends too early", failure);
		at += length;
	}
	if (payload_size > (uint64_t) (end - at))
		return damaged("its payload ends too early", failure);
	if (compression != COMPRESSION_ZSTD && compression != COMPRESSION_NONE)
		return failure_set(failure, FAILURE_REJECT, "event_unknown",
						   "Set binlog_transaction_compression=OFF at the source.",
						   "a transaction is compressed in an unknown way (%llu)", (unsigned long long) compression);
	payload->in.src = at;
	payload->in.size = (size_t) payload_size;
	payload->in.pos = 0;
	payload->compressed = compression == COMPRESSION_ZSTD;
	payload->start = 0;
	payload->end = 0;
	if (payload->compressed && ZSTD_isError(ZSTD_initDStream(payload->stream)))
		return damaged("zstd does not start", failure);
	return true;
}

/* Have at least need bytes after start. False with *ended when there are none at all; false with a failure otherwise.
 */
static bool
fill(TransactionPayload *payload, size_t need, bool *ended, Failure *failure)
{
	ZSTD_outBuffer out;

	*ended = false;
	if (payload->end - payload->start >= need)
		return true;
	if (need > payload->window.room)
	{
		/* An event larger than all before: the rest of the window moves to a larger one. */
		size_t have = payload->end - payload->start;
		ByteBuffer larger = {0};

		if (!byte_buffer_room(&larger, need > 256 * 1024 ? need : 256 * 1024, failure))
			return false;
		if (have > 0)
			memcpy(larger.data, payload->window.data + payload->start, have);
		byte_buffer_free(&payload->window);
		payload->window = larger;
		payload->end = have;
	}
	else
	{
		memmove(payload->window.data, payload->window.data + payload->start, payload->end - payload->start);
		payload->end -= payload->start;
	}
	payload->start = 0;

	out.dst = payload->window.data;
	out.size = payload->window.room;
	out.pos = payload->end;
	while (out.pos < need)
	{
		size_t before = out.pos;
		size_t taken = payload->in.pos;
		size_t result = ZSTD_decompressStream(payload->stream, &out, &payload->in);

		if (ZSTD_isError(result))
			return damaged(ZSTD_getErrorName(result), failure);
		if (out.pos == before && payload->in.pos == taken)
			break;
	}
	payload->end = out.pos;
	if (payload->end == 0)
	{
		*ended = true;
		return false;
	}
	return payload->end >= need || damaged("it ends inside an event", failure);
}

static bool
next_plain(TransactionPayload *payload, const uint8_t **event, size_t *size, Failure *failure)
{
	const uint8_t *at = (const uint8_t *) payload->in.src + payload->in.pos;
	size_t left = payload->in.size - payload->in.pos;
	uint32_t length;

	*event = NULL;
	if (left == 0)
		return true;
	if (left < BINLOG_HEADER_SIZE)
		return damaged("it ends inside an event", failure);
	memcpy(&length, at + 9, sizeof length);
	if (length < BINLOG_HEADER_SIZE || length > left)
		return damaged("it ends inside an event", failure);
	payload->in.pos += length;
	*event = at;
	*size = length;
	return true;
}

bool
transaction_payload_next(TransactionPayload *payload, const uint8_t **event, size_t *size, Failure *failure)
{
	uint32_t length;
	bool ended;

	*event = NULL;
	if (!payload->compressed)
		return next_plain(payload, event, size, failure);
	if (!fill(payload, BINLOG_HEADER_SIZE, &ended, failure))
	{
		/* A large event of this transaction does not keep its memory for good. */
		if (ended && payload->window.room > 1024 * 1024)
			byte_buffer_free(&payload->window);
		return ended;
	}
	memcpy(&length, payload->window.data + payload->start + 9, sizeof length);
	if (length < BINLOG_HEADER_SIZE || length > MAX_EVENT)
		return damaged("an event has an impossible size", failure);
	if (!fill(payload, length, &ended, failure))
		return false;
	*event = payload->window.data + payload->start;
	*size = length;
	payload->start += length;
	return true;
}
