/*
 * The outbox: batches hold whole messages in order, are bounded, and reach a reader that sleeps; a full
 * outbox stops the writer, and stopping frees it.
 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "outbox_reader.h"

/* A message of size body bytes, each of them fill, written in steps. */
static bool
put_message(Outbox *outbox, size_t size, char fill, Failure *failure)
{
	size_t left = size;

	if (!outbox_reserve(outbox, DBS_WIRE_HEADER_SIZE, failure))
		return false;
	dbs_message_begin(outbox_writer(outbox), DBS_MESSAGE_MESSAGE);
	while (left > 0)
	{
		char bytes[4096];
		size_t step = left < sizeof bytes ? left : sizeof bytes;

		memset(bytes, fill, step);
		if (!outbox_reserve(outbox, step, failure))
			return false;
		dbs_put_bytes(outbox_writer(outbox), bytes, step);
		left -= step;
	}
	if (!outbox_reserve(outbox, 7, failure))
		return false;
	dbs_message_end(outbox_writer(outbox));
	return true;
}

static Outbox *
new_outbox(void)
{
	Failure failure;
	Outbox *outbox = outbox_new(&failure);

	assert_non_null(outbox);
	return outbox;
}

/* Walk over a batch: every message is whole and filled with one byte. Returns how many there are. */
static int
count_messages(const OutboxBatch *batch)
{
	size_t at = 0;
	int count = 0;

	while (at < batch->size)
	{
		DbsMessage message;
		size_t needed;
		const char *error = NULL;
		size_t taken = dbs_message_next(batch->data + at, batch->size - at, &message, &needed, &error);

		assert_true(taken != 0 && taken != SIZE_MAX);
		for (size_t i = 1; i < message.size; i++)
			assert_int_equal(message.body[i], message.body[0]);
		at += taken;
		count++;
	}
	assert_int_equal(at, batch->size);
	return count;
}

static void
unflushed_messages_stay(void **state)
{
	Outbox *outbox = new_outbox();
	Failure failure;

	(void) state;
	assert_true(outbox_drained(outbox));
	assert_true(put_message(outbox, 100, 'a', &failure));
	assert_true(outbox_mark(outbox, (SourcePoint){1, 10}, false, &failure));
	assert_null(outbox_take(outbox));
	assert_false(outbox_drained(outbox));
	outbox_free(outbox);
}

static void
flush_hands_over_at_once(void **state)
{
	Outbox *outbox = new_outbox();
	OutboxBatch *batch;
	Failure failure;

	(void) state;
	assert_true(put_message(outbox, 100, 'a', &failure));
	assert_true(outbox_mark(outbox, (SourcePoint){1, 10}, true, &failure));
	batch = outbox_take(outbox);
	assert_non_null(batch);
	assert_int_equal(count_messages(batch), 1);
	assert_int_equal(batch->size, 112); /* 8 + 100, padded */
	assert_int_equal(batch->point.file, 1);
	assert_int_equal(batch->point.offset, 10);
	outbox_release(outbox, batch);
	assert_null(outbox_take(outbox));
	assert_true(outbox_drained(outbox));
	outbox_free(outbox);
}

static void
flushed_messages_gather_until_taken(void **state)
{
	Outbox *outbox = new_outbox();
	OutboxBatch *batch;
	Failure failure;

	(void) state;
	for (int i = 1; i <= 50; i++)
	{
		assert_true(put_message(outbox, 100, (char) i, &failure));
		assert_true(outbox_mark(outbox, (SourcePoint){1, (uint64_t) i}, true, &failure));
	}
	batch = outbox_take(outbox);
	assert_non_null(batch);
	assert_int_equal(count_messages(batch), 50);
	assert_int_equal(batch->point.offset, 50);
	outbox_release(outbox, batch);
	outbox_free(outbox);
}

static void
an_open_message_is_not_handed_over(void **state)
{
	Outbox *outbox = new_outbox();
	OutboxBatch *batch;
	Failure failure;

	(void) state;
	assert_true(put_message(outbox, OUTBOX_BATCH_SIZE / 2, 'a', &failure));
	/* The second does not fit beside the first: the first goes out alone. */
	assert_true(put_message(outbox, OUTBOX_BATCH_SIZE / 2 + 100, 'b', &failure));
	batch = outbox_take(outbox);
	assert_non_null(batch);
	assert_int_equal(count_messages(batch), 1);
	assert_int_equal(batch->data[DBS_WIRE_HEADER_SIZE], 'a');
	assert_int_equal(batch->point.file, 0);
	outbox_release(outbox, batch);
	assert_null(outbox_take(outbox));
	assert_true(outbox_mark(outbox, (SourcePoint){1, 1}, true, &failure));
	batch = outbox_take(outbox);
	assert_non_null(batch);
	assert_int_equal(count_messages(batch), 1);
	outbox_release(outbox, batch);
	outbox_free(outbox);
}

static void
a_large_message_grows_its_buffer_alone(void **state)
{
	const size_t large = 5 * OUTBOX_BATCH_SIZE + 12345;
	Outbox *outbox = new_outbox();
	OutboxBatch *batch;
	Failure failure;

	(void) state;
	for (int round = 0; round < 8; round++)
	{
		assert_true(put_message(outbox, 1000, 's', &failure));
		assert_true(put_message(outbox, large, 'l', &failure));
		assert_true(put_message(outbox, 1000, 't', &failure));
		assert_true(outbox_mark(outbox, (SourcePoint){1, (uint64_t) round + 1}, true, &failure));
		for (int i = 0; i < 3; i++)
		{
			batch = outbox_take(outbox);
			assert_non_null(batch);
			assert_int_equal(count_messages(batch), 1);
			assert_int_equal(batch->size, DBS_WIRE_ALIGN((i == 1 ? large : 1000) + DBS_WIRE_HEADER_SIZE));
			outbox_release(outbox, batch);
		}
		assert_null(outbox_take(outbox));
	}
	outbox_free(outbox);
}

static void
a_finished_writer_leaves_what_it_marked(void **state)
{
	Outbox *outbox = new_outbox();
	OutboxBatch *batch;
	Failure failure;

	(void) state;
	assert_true(put_message(outbox, 100, 'a', &failure));
	assert_true(outbox_mark(outbox, (SourcePoint){1, 10}, false, &failure));
	assert_true(put_message(outbox, 100, 'b', &failure));
	assert_true(outbox_reserve(outbox, 64, &failure));
	dbs_message_begin(outbox_writer(outbox), DBS_MESSAGE_MESSAGE);
	assert_false(outbox_finished(outbox));
	outbox_finish(outbox);
	assert_true(outbox_finished(outbox));
	batch = outbox_take(outbox);
	assert_non_null(batch);
	assert_int_equal(count_messages(batch), 1);
	outbox_release(outbox, batch);
	assert_null(outbox_take(outbox));
	assert_true(outbox_drained(outbox));
	outbox_free(outbox);
}

/* ---- with a thread --------------------------------------------------------------- */

typedef struct Writer
{
	Outbox *outbox;
	int messages;
	bool flush_all;
	bool ok;
	Failure failure;
} Writer;

static void *
write_messages(void *context)
{
	Writer *writer = context;
	uint32_t random = 12345;

	writer->ok = true;
	for (int i = 0; writer->ok && i < writer->messages; i++)
	{
		size_t size;

		random = random * 1103515245u + 12345u;
		size = 1 + (random >> 8) % (i % 1000 == 999 ? 3 * OUTBOX_BATCH_SIZE : 3000);
		writer->ok =
			put_message(writer->outbox, size, (char) (i % 100 + 1), &writer->failure) &&
			outbox_mark(writer->outbox, (SourcePoint){1, (uint64_t) i + 1},
						writer->flush_all || (random >> 20) % 16 == 0 || i + 1 == writer->messages, &writer->failure);
	}
	outbox_finish(writer->outbox);
	return NULL;
}

/* The batch's messages continue the count. */
static int
check_sequence(const OutboxBatch *batch, int next)
{
	size_t at = 0;

	while (at < batch->size)
	{
		DbsMessage message;
		size_t needed;
		const char *error = NULL;
		size_t taken = dbs_message_next(batch->data + at, batch->size - at, &message, &needed, &error);

		assert_true(taken != 0 && taken != SIZE_MAX);
		assert_int_equal(message.body[0], next % 100 + 1);
		assert_int_equal(message.body[message.size - 1], next % 100 + 1);
		next++;
		at += taken;
	}
	return next;
}

static void
run_against_thread(bool flush_all)
{
	Writer writer = {new_outbox(), 20000, flush_all, false, {0}};
	pthread_t thread;
	int next = 0;

	assert_int_equal(pthread_create(&thread, NULL, write_messages, &writer), 0);
	while (next < writer.messages)
	{
		OutboxBatch *batch = outbox_take(writer.outbox);

		if (batch != NULL)
		{
			int after = check_sequence(batch, next);

			assert_true(batch->size <= OUTBOX_BATCH_SIZE || after == next + 1);
			next = after;
			assert_true(batch->point.offset == 0 || batch->point.offset == (uint64_t) next);
			outbox_release(writer.outbox, batch);
		}
		else if (outbox_prepare_wait(writer.outbox))
		{
			struct pollfd fd = {outbox_wake_fd(writer.outbox), POLLIN, 0};

			/* Without a wake-up this would wait in vain; it must never take the whole time. */
			assert_int_equal(poll(&fd, 1, 20000), 1);
			outbox_end_wait(writer.outbox);
		}
	}
	pthread_join(thread, NULL);
	assert_true(writer.ok);
	assert_true(outbox_drained(writer.outbox));
	outbox_free(writer.outbox);
}

static void
nothing_is_lost_between_threads(void **state)
{
	(void) state;
	run_against_thread(false);
}

static void
nothing_is_lost_when_all_is_flushed(void **state)
{
	(void) state;
	run_against_thread(true);
}

static void
a_full_outbox_stops_the_writer(void **state)
{
	Writer writer = {new_outbox(), 1000000, false, false, {0}};
	size_t bytes = 0;
	pthread_t thread;
	OutboxBatch *taken[2];

	(void) state;
	assert_int_equal(pthread_create(&thread, NULL, write_messages, &writer), 0);
	/* Two batches taken and not given back: the writer can fill two more buffers, one of which stays open. */
	for (int i = 0; i < 2;)
	{
		taken[i] = outbox_take(writer.outbox);
		if (taken[i] != NULL)
			bytes += taken[i++]->size;
		else
			usleep(1000);
	}
	outbox_stop(writer.outbox);
	pthread_join(thread, NULL); /* would hang if stopping did not free it */
	assert_false(writer.ok);
	assert_string_equal(writer.failure.code, "stopping");
	assert_int_equal(writer.failure.class, FAILURE_RETRY);
	assert_true(bytes <= 2 * OUTBOX_BATCH_SIZE);
	assert_true(outbox_stopping(writer.outbox));
	outbox_free(writer.outbox);
}

typedef struct Courier
{
	Outbox *outbox;
	int calls;
	bool able;
} Courier;

static bool
carry(void *context)
{
	Courier *courier = context;
	OutboxBatch *batch;

	courier->calls++;
	if (!courier->able)
		return false;
	batch = outbox_take(courier->outbox);
	assert_non_null(batch);
	outbox_release(courier->outbox, batch);
	return true;
}

static bool
reader_is_woken(const Outbox *outbox)
{
	struct pollfd fd = {outbox_wake_fd(outbox), POLLIN, 0};

	return poll(&fd, 1, 0) == 1;
}

static void
flush_message(Outbox *outbox, size_t size, uint64_t offset)
{
	Failure failure;

	assert_true(put_message(outbox, size, 'a', &failure));
	assert_true(outbox_mark(outbox, (SourcePoint){1, offset}, true, &failure));
}

static void
a_courier_goes_only_for_a_sleeping_reader(void **state)
{
	Outbox *outbox = new_outbox();
	Courier courier = {.outbox = outbox, .able = true};

	(void) state;
	outbox_set_courier(outbox, carry, &courier);
	flush_message(outbox, 100, 1);
	assert_int_equal(courier.calls, 0); /* the reader is awake */
	assert_false(outbox_prepare_wait(outbox));
	assert_true(carry(&courier));

	assert_true(outbox_prepare_wait(outbox));
	flush_message(outbox, 100, 2);
	flush_message(outbox, 100, 3);
	assert_int_equal(courier.calls, 3);
	assert_false(reader_is_woken(outbox)); /* and sleeps on */
	assert_true(outbox_drained(outbox));

	courier.able = false;
	flush_message(outbox, 100, 4);
	assert_int_equal(courier.calls, 4);
	assert_true(reader_is_woken(outbox)); /* what the courier leaves is the reader's */
	outbox_end_wait(outbox);
	courier.able = true;
	assert_true(carry(&courier));

	assert_true(outbox_prepare_wait(outbox));
	flush_message(outbox, OUTBOX_BATCH_SIZE / 2, 5);
	assert_int_equal(courier.calls, 5); /* much is for the reader */
	assert_true(reader_is_woken(outbox));
	outbox_free(outbox);
}

/* Whole messages in a buffer of the writer's own. */
static bool
exchange_message(Outbox *outbox, size_t size, char fill, DbsWriter *own)
{
	Failure failure;
	bool done;

	own->used = 0;
	own->size = size + 64;
	own->data = realloc(own->data, own->size);
	assert_non_null(own->data);
	dbs_message_begin(own, DBS_MESSAGE_MESSAGE);
	memset(own->data + own->used, fill, size);
	own->used += size;
	dbs_message_end(own);
	done = outbox_exchange(outbox, &own->data, &own->size, own->used, &failure);
	own->used = 0;
	return done;
}

static void
an_exchanged_buffer_goes_as_it_is(void **state)
{
	Outbox *outbox = new_outbox();
	DbsWriter own = {0};
	OutboxBatch *batch;
	Failure failure;
	const char *data;

	(void) state;
	assert_true(put_message(outbox, 1000, 'a', &failure));
	assert_true(outbox_mark(outbox, (SourcePoint){1, 1}, true, &failure));
	assert_true(exchange_message(outbox, 3 * OUTBOX_BATCH_SIZE, 'b', &own));
	assert_non_null(own.data);
	assert_true(own.size >= OUTBOX_BATCH_SIZE);
	assert_true(put_message(outbox, 1000, 'c', &failure));
	assert_true(outbox_mark(outbox, (SourcePoint){1, 2}, true, &failure));

	batch = outbox_take(outbox);
	assert_int_equal(count_messages(batch), 1);
	assert_int_equal(batch->data[DBS_WIRE_HEADER_SIZE], 'a');
	outbox_release(outbox, batch);
	batch = outbox_take(outbox);
	assert_int_equal(count_messages(batch), 1);
	data = batch->data;
	assert_int_equal(data[DBS_WIRE_HEADER_SIZE], 'b');
	assert_int_equal(batch->size, DBS_WIRE_ALIGN(DBS_WIRE_HEADER_SIZE + 3 * OUTBOX_BATCH_SIZE));
	outbox_release(outbox, batch);
	batch = outbox_take(outbox);
	assert_int_equal(batch->data[DBS_WIRE_HEADER_SIZE], 'c');
	outbox_release(outbox, batch);

	/* Often enough for every buffer to have been exchanged, and taken by a reader that is late. */
	for (int i = 0; i < 12; i++)
	{
		assert_true(exchange_message(outbox, 2 * OUTBOX_BATCH_SIZE, 'd', &own));
		batch = outbox_take(outbox);
		assert_int_equal(count_messages(batch), 1);
		outbox_release(outbox, batch);
		assert_true(outbox_drained(outbox));
	}
	outbox_stop(outbox);
	assert_false(exchange_message(outbox, 2 * OUTBOX_BATCH_SIZE, 'e', &own));
	free(own.data);
	outbox_free(outbox);
}

/* A reader that takes whatever comes, late. */
static void *
read_late(void *argument)
{
	Outbox *outbox = argument;
	int taken = 0;

	while (taken < 3)
	{
		OutboxBatch *batch = outbox_take(outbox);

		usleep(1000);
		if (batch == NULL)
			continue;
		taken++;
		outbox_release(outbox, batch);
	}
	return NULL;
}

static void
a_very_large_exchange_is_sent_when_it_returns(void **state)
{
	Outbox *outbox = new_outbox();
	DbsWriter own = {0};
	pthread_t reader;
	Failure failure;

	(void) state;
	assert_int_equal(pthread_create(&reader, NULL, read_late, outbox), 0);
	assert_true(put_message(outbox, 1000, 'a', &failure));
	assert_true(outbox_mark(outbox, (SourcePoint){1, 1}, false, &failure));
	for (int i = 0; i < 2; i++)
	{
		assert_true(exchange_message(outbox, 40 * OUTBOX_BATCH_SIZE, 'b', &own));
		assert_null(outbox_take(outbox));
		assert_true(outbox_drained(outbox));
	}
	pthread_join(reader, NULL);
	free(own.data);
	outbox_free(outbox);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unflushed_messages_stay),
		cmocka_unit_test(flush_hands_over_at_once),
		cmocka_unit_test(flushed_messages_gather_until_taken),
		cmocka_unit_test(an_open_message_is_not_handed_over),
		cmocka_unit_test(a_large_message_grows_its_buffer_alone),
		cmocka_unit_test(a_finished_writer_leaves_what_it_marked),
		cmocka_unit_test(nothing_is_lost_between_threads),
		cmocka_unit_test(nothing_is_lost_when_all_is_flushed),
		cmocka_unit_test(a_full_outbox_stops_the_writer),
		cmocka_unit_test(an_exchanged_buffer_goes_as_it_is),
		cmocka_unit_test(a_very_large_exchange_is_sent_when_it_returns),
		cmocka_unit_test(a_courier_goes_only_for_a_sleeping_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
