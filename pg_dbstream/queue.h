/*
 * The queue between a bridge's backend and an apply worker: a ring of bytes in
 * shared memory with one producer and one consumer.
 *
 * head and tail count bytes since the session began and never wrap; the place
 * in the ring is the count modulo the size.  The producer copies a batch and
 * only then moves head, so a producer that is interrupted or dies while copying has
 * published nothing.  The free space is exact: what is free may be sent.
 *
 * The ring carries a stream of messages, not batches.  The consumer looks at a
 * message where it lies, unless it runs over the ring's end or is larger
 * than what fits: those are assembled in the consumer's own memory.
 */
#ifndef DBS_QUEUE_H
#define DBS_QUEUE_H

#include "postgres.h"

#include "port/atomics.h"

#include "wire.h"

typedef struct DbsQueue
{
	pg_atomic_uint64 head;
	char apart[PG_CACHE_LINE_SIZE];
	pg_atomic_uint64 tail;
	char apart_too[PG_CACHE_LINE_SIZE];
} DbsQueue;

/* The consumer's side, in its own memory. */
typedef struct DbsQueueReader
{
	DbsQueue *queue;
	char *ring;
	Size size;
	uint64 tail;           /* where the next message begins, or the rest of the one being assembled */
	Size held;             /* bytes of the message in hand that lie in the ring */
	MemoryContext context; /* for the assembly buffer */
	char *assembly;
	Size assembly_size;
	Size assembly_used;
} DbsQueueReader;

void dbs_queue_init(DbsQueue *queue);

/* Both ends are idle: no worker runs, no backend sends. */
void dbs_queue_reset(DbsQueue *queue);

/* Bytes waiting, and bytes that may be pushed now. */
static inline uint64
dbs_queue_used(DbsQueue *queue)
{
	uint64 tail = pg_atomic_read_u64(&queue->tail);

	return pg_atomic_read_u64(&queue->head) - tail;
}

/* data fits (the caller has looked at the credit). */
void dbs_queue_push(DbsQueue *queue, char *ring, Size ring_size, const char *data, Size size);

void dbs_queue_reader_init(DbsQueueReader *reader, DbsQueue *queue, char *ring, Size ring_size, MemoryContext context);

/*
 * The next whole message, false when there is none yet.  It may be written to
 * and stays until dbs_queue_release.  Bytes that are no message are an ERROR.
 */
bool dbs_queue_next(DbsQueueReader *reader, DbsMessage *message);
void dbs_queue_release(DbsQueueReader *reader);

/* Does a message of this type wait behind the one in hand, as far as the queue is filled? */
bool dbs_queue_holds(const DbsQueueReader *reader, DbsMessageType type);

/* Is any whole message waiting? False positives only when it is split over the ring's end. */
bool dbs_queue_idle(DbsQueueReader *reader);

#endif
