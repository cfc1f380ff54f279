/*
 * Messages on their way to the outbox: see wire_buffer.h.
 */
#include "wire_buffer.h"

#include <stdlib.h>

/* A buffer that a large value has made larger than this gives the memory back. */
#define KEPT_SIZE ((size_t) 1024 * 1024)
#define FIRST_SIZE ((size_t) 256 * 1024)
#define FRAME_ROOM 64

void
wire_buffer_free(WireBuffer *buffer)
{
	free(buffer->w.data);
	buffer->w = (DbsWriter){0};
}

bool
wire_buffer_reserve(WireBuffer *buffer, size_t size, Failure *failure)
{
	DbsWriter *w = &buffer->w;
	size_t wanted = w->used + size + FRAME_ROOM;
	size_t capacity = w->size > 0 ? w->size : FIRST_SIZE;
	char *larger;

	if (wanted <= w->size)
		return true;
	while (capacity < wanted)
		capacity += capacity / 2;
	larger = realloc(w->data, capacity);
	if (larger == NULL)
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", "Raise the bridge's memory limit.",
						   "there is no memory for %zu bytes of rows", wanted);
	w->data = larger;
	w->size = capacity;
	return true;
}

bool
wire_buffer_flush(WireBuffer *buffer, Outbox *outbox, Failure *failure)
{
	DbsWriter *from = &buffer->w;
	DbsWriter *to;

	if (from->used == 0)
		return true;
	if (from->used > OUTBOX_BATCH_SIZE)
	{
		size_t used = from->used;

		from->used = 0;
		return outbox_exchange(outbox, &from->data, &from->size, used, failure);
	}
	if (!outbox_reserve(outbox, from->used, failure))
		return false;
	to = outbox_writer(outbox);
	to->message = to->used; /* the first of them is whole, as all are */
	dbs_put_bytes(to, from->data, from->used);
	from->used = 0;
	if (from->size > KEPT_SIZE)
		wire_buffer_free(buffer);
	return outbox_mark(outbox, (SourcePoint){0, 0}, true, failure);
}
