/*
 * The outbox: four buffers that go round between the source's thread and the
 * stream's thread.
 *
 * One buffer is open for writing, up to two wait to be taken, one is being
 * sent.  Only whole messages are handed over, so a batch always ends at a
 * message's end: when a batch is full, the message still being written moves to
 * the start of the next buffer.  A message larger than a batch grows its
 * buffer, and the buffer shrinks again once it has been sent.
 *
 * When the source has nothing more to read it flushes: the open buffer becomes
 * takeable where it lies.  While the reader is busy the source goes on adding to
 * it, after withdrawing the permission; so messages gather exactly as long as
 * the reader has no time for them.
 *
 * A reader that sleeps need not be woken for a small batch: its courier, called by the writing
 * thread, sends it.
 *
 * The lock guards everything but the open buffer's bytes, which belong to the
 * writer unless the buffer is takeable.
 */
#include "outbox_reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BUFFER_COUNT 4

/* What the writing thread sends itself when the reader sleeps; more is worth a wake-up, for the two work side by side.
 */
#define COURIER_SIZE (16 * 1024)

/* What is exchanged and as large as this is sent before the writer gathers more: it is not in memory twice. */
#define ALONE_SIZE ((size_t) 8 * 1024 * 1024)

/* From here on a mark hands the batch over: the next event would rarely fit. */
#define FULL_ENOUGH (OUTBOX_BATCH_SIZE - OUTBOX_BATCH_SIZE / 8)

typedef struct Buffer
{
	OutboxBatch batch; /* first, so that a batch is its buffer */
	size_t capacity;
	struct Buffer *next;
} Buffer;

struct Outbox
{
	pthread_mutex_t lock;
	pthread_cond_t room; /* a buffer became free, or stopping */
	Buffer buffers[BUFFER_COUNT];
	Buffer *free;       /* list */
	Buffer *ready;      /* queue, oldest first */
	Buffer *ready_last; /* its end */
	Buffer *open;       /* never NULL */

	DbsWriter writer;  /* over open's bytes */
	size_t marked;     /* bytes of the open buffer that the last mark covers */
	SourcePoint point; /* of the last mark in the open buffer */

	atomic_bool takeable; /* the open buffer may be taken; set and cleared under the lock */
	atomic_bool writing;  /* the open buffer may hold bytes, or a message is being written */
	atomic_bool stopping;
	bool waiting;  /* the reader is about to poll */
	bool finished; /* the writer has ended */
	int wake_fd;

	OutboxCourier courier; /* NULL: none */
	void *courier_context;
};

static void
buffer_open(Outbox *outbox, Buffer *buffer)
{
	buffer->next = NULL;
	buffer->batch.size = 0;
	buffer->batch.point = (SourcePoint){0, 0};
	outbox->open = buffer;
	outbox->writer.data = buffer->batch.data;
	outbox->writer.size = buffer->capacity;
	outbox->writer.used = 0;
	outbox->writer.message = 0;
	outbox->marked = 0;
	outbox->point = (SourcePoint){0, 0};
}

Outbox *
outbox_new(Failure *failure)
{
	Outbox *outbox = calloc(1, sizeof *outbox);
	bool complete = outbox != NULL;

	for (int i = 0; complete && i < BUFFER_COUNT; i++)
	{
		Buffer *buffer = &outbox->buffers[i];

		buffer->batch.data = malloc(OUTBOX_BATCH_SIZE);
		buffer->capacity = OUTBOX_BATCH_SIZE;
		complete = buffer->batch.data != NULL;
		buffer->next = outbox->free;
		outbox->free = buffer;
	}
	if (complete)
		outbox->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!complete || outbox->wake_fd < 0)
	{
		if (outbox != NULL)
		{
			for (int i = 0; i < BUFFER_COUNT; i++)
				free(outbox->buffers[i].batch.data);
			free(outbox);
		}
		failure_set(failure, FAILURE_RETRY, "out_of_memory", "Raise the bridge's memory or open-file limit.",
					"there is no memory or file descriptor for a stream's buffers");
		return NULL;
	}
	pthread_mutex_init(&outbox->lock, NULL);
	pthread_cond_init(&outbox->room, NULL);
	{
		Buffer *first = outbox->free;

		outbox->free = first->next;
		buffer_open(outbox, first);
	}
	return outbox;
}

void
outbox_free(Outbox *outbox)
{
	if (outbox == NULL)
		return;
	for (int i = 0; i < BUFFER_COUNT; i++)
		free(outbox->buffers[i].batch.data);
	close(outbox->wake_fd);
	pthread_cond_destroy(&outbox->room);
	pthread_mutex_destroy(&outbox->lock);
	free(outbox);
}

void
outbox_wake(Outbox *outbox)
{
	uint64_t one = 1;

	/* A full counter means that the reader has a wake-up waiting already. */
	if (write(outbox->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
		abort();
}

void
outbox_stop(Outbox *outbox)
{
	pthread_mutex_lock(&outbox->lock);
	atomic_store(&outbox->stopping, true);
	pthread_cond_broadcast(&outbox->room);
	pthread_mutex_unlock(&outbox->lock);
	outbox_wake(outbox);
}

void
outbox_set_courier(Outbox *outbox, OutboxCourier courier, void *context)
{
	outbox->courier = courier;
	outbox->courier_context = context;
}

bool
outbox_stopping(const Outbox *outbox)
{
	return atomic_load_explicit(&((Outbox *) outbox)->stopping, memory_order_relaxed);
}

/* ---- writing side ---- */

static bool
stopping_failure(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "stopping", NULL, "the stream is being stopped");
}

/* Wake the reader if it sleeps.  Called with the lock held. */
static void
notify_reader(Outbox *outbox)
{
	if (outbox->waiting)
	{
		outbox->waiting = false;
		outbox_wake(outbox);
	}
}

static void
enqueue(Outbox *outbox, Buffer *buffer, size_t size)
{
	buffer->batch.size = size;
	buffer->batch.point = outbox->point;
	buffer->next = NULL;
	if (outbox->ready == NULL)
		outbox->ready = buffer;
	else
		outbox->ready_last->next = buffer;
	outbox->ready_last = buffer;
}

/* The writer is about to write: nobody may take the open buffer meanwhile. */
static void
withdraw(Outbox *outbox)
{
	/* Acquire: when the reader took the buffer, its replacement must be seen too. */
	if (atomic_load_explicit(&outbox->takeable, memory_order_acquire))
	{
		pthread_mutex_lock(&outbox->lock);
		atomic_store(&outbox->takeable, false);
		pthread_mutex_unlock(&outbox->lock);
	}
}

/*
 * Hand over the first size bytes of the open buffer, wait for a free one and
 * go on there, with the rest of the bytes moved over.
 */
static bool
hand_over(Outbox *outbox, size_t size, Failure *failure)
{
	Buffer *full = outbox->open;
	DbsWriter old = outbox->writer;
	size_t rest = old.used - size;
	Buffer *fresh;

	pthread_mutex_lock(&outbox->lock);
	while (outbox->free == NULL && !atomic_load(&outbox->stopping))
		pthread_cond_wait(&outbox->room, &outbox->lock);
	if (atomic_load(&outbox->stopping))
	{
		pthread_mutex_unlock(&outbox->lock);
		return stopping_failure(failure);
	}
	fresh = outbox->free;
	outbox->free = fresh->next;
	if (rest > fresh->capacity)
	{
		char *larger = realloc(fresh->batch.data, DBS_WIRE_ALIGN(rest));

		if (larger == NULL)
		{
			fresh->next = outbox->free;
			outbox->free = fresh;
			pthread_mutex_unlock(&outbox->lock);
			return failure_set(failure, FAILURE_RETRY, "out_of_memory", "Raise the bridge's memory limit.",
							   "there is no memory for a message of %zu bytes", rest);
		}
		fresh->batch.data = larger;
		fresh->capacity = DBS_WIRE_ALIGN(rest);
	}
	memcpy(fresh->batch.data, old.data + size, rest);
	enqueue(outbox, full, size);
	buffer_open(outbox, fresh);
	outbox->writer.used = rest;
	if (rest == 0)
		atomic_store_explicit(&outbox->writing, false, memory_order_relaxed);
	notify_reader(outbox);
	pthread_mutex_unlock(&outbox->lock);
	return true;
}

/* Where the whole messages in the open buffer end: an open message has no size in its header yet. */
static size_t
whole_messages(const DbsWriter *writer)
{
	uint32_t body;

	if (writer->used < DBS_WIRE_HEADER_SIZE)
		return writer->used;
	memcpy(&body, writer->data + writer->message, sizeof body);
	return body == 0 ? writer->message : writer->used;
}

static bool
grow(Outbox *outbox, size_t wanted, Failure *failure)
{
	Buffer *buffer = outbox->open;
	size_t capacity = buffer->capacity;
	char *larger;

	while (capacity < wanted)
		capacity += capacity / 2;
	capacity = DBS_WIRE_ALIGN(capacity);
	larger = realloc(buffer->batch.data, capacity);
	if (larger == NULL)
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", "Raise the bridge's memory limit.",
						   "there is no memory for a message of %zu bytes", wanted);
	/* Nobody else looks at an open buffer that is not takeable, so no lock. */
	buffer->batch.data = larger;
	buffer->capacity = capacity;
	outbox->writer.data = larger;
	outbox->writer.size = capacity;
	return true;
}

DbsWriter *
outbox_writer(Outbox *outbox)
{
	return &outbox->writer;
}

bool
outbox_reserve(Outbox *outbox, size_t size, Failure *failure)
{
	withdraw(outbox);
	atomic_store_explicit(&outbox->writing, true, memory_order_relaxed);
	/* A buffer that has grown for one message still holds no more than a batch of others. */
	if (outbox->writer.used + size <= OUTBOX_BATCH_SIZE)
		return true;
	if (outbox->writer.used > 0)
	{
		size_t whole = whole_messages(&outbox->writer);

		if (whole > 0)
		{
			if (!hand_over(outbox, whole, failure))
				return false;
			atomic_store_explicit(&outbox->writing, true, memory_order_relaxed);
		}
	}
	if (outbox_stopping(outbox))
		return stopping_failure(failure);
	if (outbox->writer.size - outbox->writer.used >= size)
		return true;
	return grow(outbox, outbox->writer.used + size, failure);
}

/* What is written may be taken where it lies. */
static void
flush_open(Outbox *outbox)
{
	bool carry;

	pthread_mutex_lock(&outbox->lock);
	if (outbox->writer.used > 0)
		atomic_store(&outbox->takeable, true);
	else
		atomic_store_explicit(&outbox->writing, false, memory_order_relaxed);
	carry = outbox->waiting && outbox->courier != NULL && outbox->ready == NULL && outbox->writer.used <= COURIER_SIZE;
	if (!carry)
		notify_reader(outbox);
	pthread_mutex_unlock(&outbox->lock);
	if (carry && !outbox->courier(outbox->courier_context))
	{
		pthread_mutex_lock(&outbox->lock);
		notify_reader(outbox);
		pthread_mutex_unlock(&outbox->lock);
	}
}

bool
outbox_mark(Outbox *outbox, SourcePoint point, bool flush, Failure *failure)
{
	withdraw(outbox);
	outbox->marked = outbox->writer.used;
	outbox->point = point;
	if (outbox_stopping(outbox))
		return stopping_failure(failure);
	if (outbox->writer.used >= FULL_ENOUGH)
		return hand_over(outbox, outbox->writer.used, failure);
	if (flush)
		flush_open(outbox);
	return true;
}

/* Everything that was handed over is sent: all buffers but the open one are free. */
static bool
wait_until_sent(Outbox *outbox, Failure *failure)
{
	bool stopping;

	pthread_mutex_lock(&outbox->lock);
	for (;;)
	{
		int free_buffers = 0;

		for (const Buffer *buffer = outbox->free; buffer != NULL; buffer = buffer->next)
			free_buffers++;
		stopping = atomic_load(&outbox->stopping);
		if (stopping || free_buffers == BUFFER_COUNT - 1)
			break;
		pthread_cond_wait(&outbox->room, &outbox->lock);
	}
	pthread_mutex_unlock(&outbox->lock);
	return !stopping || stopping_failure(failure);
}

bool
outbox_exchange(Outbox *outbox, char **data, size_t *capacity, size_t size, Failure *failure)
{
	Buffer *open;
	char *own;
	size_t own_capacity;

	withdraw(outbox);
	atomic_store_explicit(&outbox->writing, true, memory_order_relaxed);
	if (outbox->writer.used > 0)
	{
		if (!hand_over(outbox, outbox->writer.used, failure))
			return false;
		atomic_store_explicit(&outbox->writing, true, memory_order_relaxed);
	}
	/* Nobody else looks at an open buffer that is not takeable, so no lock. */
	open = outbox->open;
	own = open->batch.data;
	own_capacity = open->capacity;
	open->batch.data = *data;
	open->capacity = *capacity;
	outbox->writer = (DbsWriter){.data = *data, .size = *capacity, .used = size};
	*data = own;
	*capacity = own_capacity;
	return outbox_mark(outbox, (SourcePoint){0, 0}, true, failure) &&
		   (size < ALONE_SIZE || wait_until_sent(outbox, failure));
}

/* ---- reading side ---- */

/* Put the takeable open buffer into the queue, if a free one can replace it.  Called with the lock held. */
static void
collect_open(Outbox *outbox)
{
	Buffer *buffer = outbox->open;

	if (!atomic_load(&outbox->takeable) || outbox->free == NULL)
		return;
	enqueue(outbox, buffer, outbox->writer.used);
	buffer = outbox->free;
	outbox->free = buffer->next;
	buffer_open(outbox, buffer);
	atomic_store(&outbox->takeable, false);
	atomic_store_explicit(&outbox->writing, false, memory_order_relaxed);
}

OutboxBatch *
outbox_take(Outbox *outbox)
{
	Buffer *buffer;

	pthread_mutex_lock(&outbox->lock);
	if (outbox->ready == NULL)
		collect_open(outbox);
	buffer = outbox->ready;
	if (buffer != NULL)
		outbox->ready = buffer->next;
	pthread_mutex_unlock(&outbox->lock);
	return buffer != NULL ? &buffer->batch : NULL;
}

void
outbox_release(Outbox *outbox, OutboxBatch *batch)
{
	Buffer *buffer = (Buffer *) batch;

	if (buffer->capacity > OUTBOX_BATCH_SIZE)
	{
		char *smaller = realloc(buffer->batch.data, OUTBOX_BATCH_SIZE);

		if (smaller != NULL)
		{
			buffer->batch.data = smaller;
			buffer->capacity = OUTBOX_BATCH_SIZE;
		}
	}
	pthread_mutex_lock(&outbox->lock);
	buffer->next = outbox->free;
	outbox->free = buffer;
	pthread_cond_signal(&outbox->room);
	pthread_mutex_unlock(&outbox->lock);
}

void
outbox_finish(Outbox *outbox)
{
	pthread_mutex_lock(&outbox->lock);
	outbox->writer.used = outbox->marked;
	atomic_store(&outbox->takeable, outbox->marked > 0);
	if (outbox->marked == 0)
		atomic_store(&outbox->writing, false);
	outbox->finished = true;
	pthread_mutex_unlock(&outbox->lock);
	outbox_wake(outbox);
}

bool
outbox_finished(Outbox *outbox)
{
	bool finished;

	pthread_mutex_lock(&outbox->lock);
	finished = outbox->finished;
	pthread_mutex_unlock(&outbox->lock);
	return finished;
}

int
outbox_wake_fd(const Outbox *outbox)
{
	return outbox->wake_fd;
}

bool
outbox_prepare_wait(Outbox *outbox)
{
	bool empty;

	pthread_mutex_lock(&outbox->lock);
	empty = outbox->ready == NULL && !(atomic_load(&outbox->takeable) && outbox->free != NULL);
	outbox->waiting = empty;
	pthread_mutex_unlock(&outbox->lock);
	return empty;
}

void
outbox_end_wait(Outbox *outbox)
{
	uint64_t count;

	pthread_mutex_lock(&outbox->lock);
	outbox->waiting = false;
	pthread_mutex_unlock(&outbox->lock);
	while (read(outbox->wake_fd, &count, sizeof count) == sizeof count)
		;
}

bool
outbox_drained(Outbox *outbox)
{
	bool drained;

	pthread_mutex_lock(&outbox->lock);
	drained = outbox->ready == NULL && !atomic_load(&outbox->writing);
	pthread_mutex_unlock(&outbox->lock);
	return drained;
}
