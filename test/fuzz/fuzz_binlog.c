/*
 * Fuzzing the reader of the binary log with all that decodes events, tables, rows and values: any bytes as the events
 * of a log. What is sent must be well-formed messages; what cannot be read is refused, never read beyond.
 *
 * The first byte chooses the server. Each event is as long as its header says, and gets the checksum that a
 * damaged one would be refused for, so that the damage is seen.
 */
#include <stdint.h>
#include <stdio.h>

#include <zlib.h>

/* A log may name many. */
#define WALK_TABLES 1024

#include "../unit/stub_outbox.h"
#include "../unit/walk.h"
#include "binlog_reader_state.h"
#include "xa_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- what the reader is linked with ---- */

bool
outbox_mark(Outbox *outbox, SourcePoint point, bool flush, Failure *failure)
{
	return true;
}

bool
outbox_exchange(Outbox *outbox, char **data, size_t *capacity, size_t size, Failure *failure)
{
	abort();
}

bool
outbox_stopping(const Outbox *outbox)
{
	return false;
}

/* No server has the log, so nothing of it is read again: the reader refuses XA transactions of another session. */

bool
xa_log_find(XaLog *log, const char *identifier, const BinlogPlace *before, BinlogPlace *found, Failure *failure)
{
	abort();
}

bool
xa_log_open(XaLog *log, const BinlogPlace *from, Failure *failure)
{
	abort();
}

bool
xa_log_next(XaLog *log, BinlogEvent *event, Failure *failure)
{
	abort();
}

const BinlogFormat *
xa_log_format(const XaLog *log)
{
	abort();
}

void
xa_log_close(XaLog *log)
{
}

/* ---- events ---- */

static uint32_t
size_of_event(const uint8_t *data, size_t rest)
{
	uint32_t size;

	if (rest < BINLOG_HEADER_SIZE)
		return (uint32_t) rest;
	memcpy(&size, data + 9, sizeof size);
	return size < BINLOG_HEADER_SIZE || size > rest ? (uint32_t) rest : size;
}

/* In memory of its own size, so that the sanitizer sees whoever reads beyond. */
static bool
feed(BinlogReader *reader, const uint8_t *data, uint32_t size, Failure *failure)
{
	uint8_t *event = malloc(size > 0 ? size : 1);
	bool done;

	if (event == NULL)
		abort();
	memcpy(event, data, size);
	if (size >= BINLOG_HEADER_SIZE)
		memcpy(event + 9, &size, sizeof size);
	if (size >= BINLOG_HEADER_SIZE + 4 && (reader->format.checksum || event[4] == BINLOG_FORMAT))
	{
		uint32_t sum = (uint32_t) crc32(0, event, size - 4);

		memcpy(event + size - 4, &sum, sizeof sum);
	}
	done = binlog_reader_event(reader, event, size, failure) && binlog_reader_settle(reader, true, failure);
	free(event);
	return done;
}

/* A failure must say what it is. */
static void
check_failure(const Failure *failure)
{
	if (failure->class == FAILURE_NONE || failure->code[0] == '\0' || failure->message[0] == '\0')
		abort();
}

static void
check_messages(const DbsWriter *writer)
{
	static Walk walk;
	const char *error = NULL;
	char *copy = malloc(writer->used > 0 ? writer->used : 1);

	if (copy == NULL)
		abort();
	if (writer->used > 0)
		memcpy(copy, writer->data, writer->used);
	memset(walk.columns, 0, sizeof walk.columns);
	/*
	 * Names and statements are sent as the server wrote them, and NUL bytes in text are the receiver's to judge: what
	 * is no text there is refused in such words.
	 */
	if ((walk_stream(&walk, copy, writer->used, &error) != writer->used || error != NULL) &&
		(error == NULL || (strncmp(error, "a string ", 9) != 0 && strcmp(error, "text holds a NUL byte") != 0)))
	{
		fprintf(stderr, "what was sent cannot be read: %s\n", error != NULL ? error : "it ends within a message");
		abort();
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *patterns[] = {"g.*", NULL};
	StreamConfig config = {.tables = patterns};
	BinlogStart start = {0};
	Outbox outbox = {0};
	Failure failure = {0};
	ServerFlavour flavour = size > 0 && (data[0] & 1) != 0 ? FLAVOUR_MARIADB : FLAVOUR_MYSQL;
	CharsetCatalog *charsets = charset_catalog_new(NULL, &failure);
	BinlogReader *reader;
	size_t at = 1;

	if (charsets == NULL || !binlog_place_set(&start.place, "log.000007", 10, BINLOG_FIRST_OFFSET, &failure))
		abort();
	charset_catalog_set_flavour(charsets, flavour);
	reader = binlog_reader_new(&config, flavour, &start, charsets, &outbox, &failure);
	if (reader == NULL)
		abort();
	while (at < size)
	{
		uint32_t event_size = size_of_event(data + at, size - at);

		memset(&failure, 0, sizeof failure);
		if (!feed(reader, data + at, event_size, &failure))
		{
			check_failure(&failure);
			break;
		}
		at += event_size;
	}
	/* A transaction that is cut short goes with its session. */
	if (reader->state == LOG_BETWEEN)
		check_messages(&outbox.writer);
	binlog_reader_free(reader);
	charset_catalog_free(charsets);
	stub_outbox_clear(&outbox);
	return 0;
}
