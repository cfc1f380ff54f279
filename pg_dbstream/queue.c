/*
 * See queue.h.
 */
#include "queue.h"

#include "utils/memutils.h"

/* An assembly buffer larger than this is given back once its message is done. */
#define KEEP_ASSEMBLY (Size)(1024 * 1024)

void
dbs_queue_init(DbsQueue *queue)
{
	pg_atomic_init_u64(&queue->head, 0);
	pg_atomic_init_u64(&queue->tail, 0);
}

void
dbs_queue_reset(DbsQueue *queue)
{
	pg_atomic_write_u64(&queue->head, 0);
	pg_atomic_write_u64(&queue->tail, 0);
}

void
dbs_queue_push(DbsQueue *queue, char *ring, Size ring_size, const char *data, Size size)
{
	uint64 head = pg_atomic_read_u64(&queue->head);
	Size at = head % ring_size;
	Size first = Min(size, ring_size - at);

	/* The consumer's reads of these bytes ended before it moved tail, which the caller has read. */
	pg_memory_barrier();
	memcpy(ring + at, data, first);
	memcpy(ring, data + first, size - first);
	pg_write_barrier();
	pg_atomic_write_u64(&queue->head, head + size);
}

void
dbs_queue_reader_init(DbsQueueReader *reader, DbsQueue *queue, char *ring, Size ring_size, MemoryContext context)
{
	memset(reader, 0, sizeof *reader);
	reader->queue = queue;
	reader->ring = ring;
	reader->size = ring_size;
	reader->tail = pg_atomic_read_u64(&queue->tail);
	reader->context = context;
}

static void
not_a_message(const char *error)
{
	ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
					errmsg("dbstream: the bridge sent bytes that are no message: %s", error),
					errhint("Use a dbstream-bridge of the same version as the extension.")));
}

/* Move up to wanted bytes from the ring to the end of the assembly buffer. */
static void
assemble(DbsQueueReader *reader, Size wanted)
{
	uint64 head = pg_atomic_read_u64(&reader->queue->head);
	Size size = Min(wanted, (Size) (head - reader->tail));
	Size at = reader->tail % reader->size;
	Size first = Min(size, reader->size - at);

	pg_read_barrier();
	if (reader->assembly_used + size > reader->assembly_size)
	{
		Size larger = Max(reader->assembly_used + wanted, (Size) 8192);

		if (reader->assembly == NULL)
			reader->assembly = MemoryContextAllocHuge(reader->context, larger);
		else
			reader->assembly = repalloc_huge(reader->assembly, larger);
		reader->assembly_size = larger;
	}
	memcpy(reader->assembly + reader->assembly_used, reader->ring + at, first);
	memcpy(reader->assembly + reader->assembly_used + first, reader->ring, size - first);
	reader->assembly_used += size;
	reader->tail += size;
	pg_memory_barrier();
	pg_atomic_write_u64(&reader->queue->tail, reader->tail);
}

/* Go on with the message in the assembly buffer; true when it is whole. */
static bool
assembled(DbsQueueReader *reader, DbsMessage *message)
{
	const char *error = NULL;
	Size needed = DBS_WIRE_HEADER_SIZE;

	for (;;)
	{
		Size taken;

		if (reader->assembly_used < needed)
			assemble(reader, needed - reader->assembly_used);
		if (reader->assembly_used < needed)
			return false;
		taken = dbs_message_next(reader->assembly, reader->assembly_used, message, &needed, &error);
		if (taken == SIZE_MAX)
			not_a_message(error);
		if (taken > 0)
			return true;
		if (needed <= reader->assembly_used)
			elog(ERROR, "dbstream: message of unknown size");
	}
}

bool
dbs_queue_next(DbsQueueReader *reader, DbsMessage *message)
{
	const char *error = NULL;
	Size available, contiguous, taken, needed;

	Assert(reader->held == 0);
	if (reader->assembly_used > 0)
		return assembled(reader, message);

	available = (Size) (pg_atomic_read_u64(&reader->queue->head) - reader->tail);
	pg_read_barrier();
	if (available < DBS_WIRE_HEADER_SIZE)
		return false;
	contiguous = reader->size - reader->tail % reader->size;
	taken = dbs_message_next(reader->ring + reader->tail % reader->size, Min(available, contiguous), message, &needed,
							 &error);
	if (taken == SIZE_MAX)
		not_a_message(error);
	if (taken > 0)
	{
		reader->held = taken;
		return true;
	}
	if (needed <= contiguous)
		return false;
	return assembled(reader, message);
}

void
dbs_queue_release(DbsQueueReader *reader)
{
	if (reader->held > 0)
	{
		reader->tail += reader->held;
		reader->held = 0;
		pg_memory_barrier();
		pg_atomic_write_u64(&reader->queue->tail, reader->tail);
		return;
	}
	reader->assembly_used = 0;
	if (reader->assembly_size > KEEP_ASSEMBLY)
	{
		pfree(reader->assembly);
		reader->assembly = NULL;
		reader->assembly_size = 0;
	}
}

bool
dbs_queue_idle(DbsQueueReader *reader)
{
	const char *error = NULL;
	DbsMessage message;
	Size available, contiguous, needed;

	Assert(reader->held == 0);
	available = (Size) (pg_atomic_read_u64(&reader->queue->head) - reader->tail);
	pg_read_barrier();
	if (reader->assembly_used > 0 || available < DBS_WIRE_HEADER_SIZE)
		return true;
	contiguous = reader->size - reader->tail % reader->size;
	if (dbs_message_next(reader->ring + reader->tail % reader->size, Min(available, contiguous), &message, &needed,
						 &error) > 0)
		return false;
	return needed > available;
}

/* Headers are aligned, so none runs over the ring's end; a type that does not fit in the header's bytes is unknown. */
bool
dbs_queue_holds(const DbsQueueReader *reader, DbsMessageType type)
{
	uint64 head = pg_atomic_read_u64(&reader->queue->head);
	uint64 at = reader->tail + reader->held;

	pg_read_barrier();
	while (at + DBS_WIRE_HEADER_SIZE <= head)
	{
		uint32 header[2];
		uint64 end;

		memcpy(header, reader->ring + at % reader->size, sizeof header);
		end = at + DBS_WIRE_ALIGN(DBS_WIRE_HEADER_SIZE + (uint64) header[0]);
		if (end > head)
			return false;
		if (header[1] == (uint32) type)
			return true;
		at = end;
	}
	return false;
}
