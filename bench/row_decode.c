/*
 * How fast rows are decoded: events of the benchmark's rows (int, int, varchar(120), varchar(60); one primary key)
 * into wire rows that nobody takes.
 *
 *   row_decode [rows]     prints rows a second for inserts and for updates
 *
 * The outbox is a buffer that begins anew after each event, so this is decoding alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "outbox.h"
#include "source_table.h"

struct Outbox
{
	DbsWriter writer;
};

DbsWriter *
outbox_writer(Outbox *outbox)
{
	return &outbox->writer;
}

bool
outbox_reserve(Outbox *outbox, size_t size, Failure *failure)
{
	if (dbs_wire_room(&outbox->writer) >= size)
		return true;
	return failure_set(failure, FAILURE_FATAL, "benchmark", "", "the buffer is too small");
}

static const uint8_t table_map[] = "\4shop\0\5items\0\4\3\3\x0f\x0f\4\xe0\1\xf0\0\xc\1\1\0"
								   "\3\6\xfc\xff\0\xfc\xff\0"
								   "\4\xd\2id\1a\4name\2no"
								   "\x8\1\0";

/* One row at out: id, a number, two texts of ordinary length. Returns its bytes. */
static size_t
put_row(uint8_t *out, uint32_t id)
{
	uint32_t number = id * 7;
	size_t at = 0;
	int size;

	out[at++] = 0xf0;
	memcpy(out + at, &id, 4);
	memcpy(out + at + 4, &number, 4);
	at += 8;
	size = snprintf((char *) out + at + 2, 130,
					"row number %u with a text of an ordinary length, filled up to some eighty", id);
	out[at] = (uint8_t) size;
	out[at + 1] = (uint8_t) (size >> 8);
	at += 2 + (size_t) size;
	size = snprintf((char *) out + at + 1, 70, "note %u of forty characters or so", id);
	out[at] = (uint8_t) size;
	return at + 1 + (size_t) size;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* Decode one event again and again. */
static bool
measure(const SourceTable *table, RowsEventKind kind, const uint8_t *event, size_t size, uint64_t rows,
		Failure *failure)
{
	static char buffer[1 << 18];
	Outbox outbox = {.writer = {.data = buffer, .size = sizeof buffer}};
	RowsCount count = {0};
	uint64_t bytes = 0;
	double start = now(), seconds;

	while (count.rows < rows)
	{
		outbox.writer.used = 0;
		if (!source_table_put_rows(table, 1, kind, event, size, &outbox, &count, failure))
			return false;
		bytes += outbox.writer.used;
	}
	seconds = now() - start;
	printf("%s: %.0f rows/s, %.0f MB/s of wire\n", kind == ROWS_EVENT_WRITE ? "insert" : "update",
		   (double) count.rows / seconds, (double) bytes / seconds / 1e6);
	return true;
}

int
main(int argc, char **argv)
{
	uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000000;
	StreamConfig config = {.zero_dates = ZERO_DATES_NULL};
	Failure failure = {0};
	CharsetCatalog *catalog = charset_catalog_new(NULL, &failure);
	SourceTable *table = NULL;
	static uint8_t event[16384];
	size_t size;
	bool done;

	if (catalog != NULL)
		table = source_table_parse(table_map, sizeof table_map - 1, &config, catalog, &failure);
	if (table == NULL)
	{
		fprintf(stderr, "%s\n", failure.message);
		return 1;
	}
	event[0] = 4;
	event[1] = 0x0f;
	size = 2;
	for (uint32_t id = 1000000; size < 8000; id++)
		size += put_row(event + size, id);
	done = measure(table, ROWS_EVENT_WRITE, event, size, rows, &failure);
	event[2] = 0x0f;
	size = 3;
	for (uint32_t id = 1000000; size < 8000; id++)
	{
		size += put_row(event + size, id);
		size += put_row(event + size, id);
	}
	done = done && measure(table, ROWS_EVENT_UPDATE, event, size, rows, &failure);
	if (!done)
		fprintf(stderr, "%s\n", failure.message);
	source_table_free(table);
	charset_catalog_free(catalog);
	return done ? 0 : 1;
}
