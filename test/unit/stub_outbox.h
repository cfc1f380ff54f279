/*
 * An outbox for tests: one growing run of messages. Each reserve gives exactly the room asked for, in memory of its
 * own, so that a sanitizer sees whoever writes more than he asked for or keeps a pointer too long.
 */
#ifndef DBS_TEST_STUB_OUTBOX_H
#define DBS_TEST_STUB_OUTBOX_H

#include <stdlib.h>
#include <string.h>

#include "outbox.h"

struct Outbox
{
	DbsWriter writer;
	size_t fail_after; /* reserves until one fails; 0: never */
	size_t reserves;
	size_t slack; /* beyond what is asked for: for measuring, where moving each time would be what is measured */
};

DbsWriter *
outbox_writer(Outbox *outbox)
{
	return &outbox->writer;
}

bool
outbox_reserve(Outbox *outbox, size_t size, Failure *failure)
{
	DbsWriter *w = &outbox->writer;
	char *moved;

	outbox->reserves++;
	if (outbox->fail_after > 0 && outbox->reserves >= outbox->fail_after)
	{
		failure->class = FAILURE_RETRY;
		strncpy(failure->code, "stopping", sizeof failure->code - 1);
		return false;
	}
	if (outbox->slack > 0 && w->size - w->used >= size)
		return true;
	moved = malloc(w->used + size + outbox->slack);
	if (moved == NULL)
		abort();
	if (w->used > 0)
		memcpy(moved, w->data, w->used);
	free(w->data);
	w->data = moved;
	w->size = w->used + size + outbox->slack;
	return true;
}

static void
stub_outbox_clear(Outbox *outbox)
{
	free(outbox->writer.data);
	memset(outbox, 0, sizeof *outbox);
}

#endif
