/*
 * The outbox's owner and reading side: the stream's thread, which sends what the source's thread writes.
 */
#ifndef DBS_BRIDGE_OUTBOX_READER_H
#define DBS_BRIDGE_OUTBOX_READER_H

#include "outbox.h"

/* Whole messages in the source's order.  Larger than OUTBOX_BATCH_SIZE only when one message is. */
typedef struct OutboxBatch
{
	char *data;
	size_t size;
	SourcePoint point; /* with this batch, everything before point is out; zero when no mark fell into it */
} OutboxBatch;

/* NULL when memory is short. */
MUST_CHECK Outbox *outbox_new(Failure *failure);

/* Only after the writing thread has ended. */
void outbox_free(Outbox *outbox);

/* The writer gets "stopping" from its next call, the reader is woken.  Safe from any thread. */
void outbox_stop(Outbox *outbox);

/* The next batch, or NULL when there is none now.  It stays the caller's until outbox_release. */
OutboxBatch *outbox_take(Outbox *outbox);
void outbox_release(Outbox *outbox, OutboxBatch *batch);

/*
 * The writer has ended and may have stopped anywhere: what it marked becomes available, an unmarked rest is
 * dropped.  Called by the writing thread, last of all.
 */
void outbox_finish(Outbox *outbox);
bool outbox_finished(Outbox *outbox);

/*
 * Waiting: poll outbox_wake_fd for reading after outbox_prepare_wait has
 * returned true (false: a batch is there already); then call outbox_end_wait.
 */
int outbox_wake_fd(const Outbox *outbox);
bool outbox_prepare_wait(Outbox *outbox);
void outbox_end_wait(Outbox *outbox);

/*
 * A courier saves a sleeping reader's thread from being woken for a small batch: the writing thread calls it when it
 * flushes and the reader waits.  It may take and release batches as the reader does; it answers whether all
 * is done, so that the reader may sleep on.  Set before the writing thread starts.
 */
typedef bool (*OutboxCourier)(void *context);
void outbox_set_courier(Outbox *outbox, OutboxCourier courier, void *context);

/* Make a waiting reader look around.  Safe from any thread. */
void outbox_wake(Outbox *outbox);

/*
 * Nothing is waiting to be taken, nor being written.  A source whose progress was read before this says true
 * has nothing before its progress's point that has not been taken.
 */
bool outbox_drained(Outbox *outbox);

#endif
