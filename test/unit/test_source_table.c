/*
 * Rows of the log to rows of the wire.
 *
 * test/data/rows/NAME.hex holds events that a real server wrote and the rows they stand for (see capture_rows.c, which
 * compared them with the server's own answers). Here they are decoded again, whole, cut short and damaged.
 * DBSTREAM_TEST_DATA names test/data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "row_text.h"
#include "source_table.h"
#include "stub_outbox.h"

static Failure failure;
static RowText text;
static const StreamConfig plain_config = {.zero_dates = ZERO_DATES_NULL};

typedef struct Bytes
{
	uint8_t *data;
	size_t size;
} Bytes;

/* Memory of exactly the size, so that a sanitizer sees a read behind it. */
static Bytes
bytes_of_hex(const char *hex)
{
	Bytes bytes = {.size = strcspn(hex, "\n") / 2};

	bytes.data = malloc(bytes.size > 0 ? bytes.size : 1);
	for (size_t i = 0; i < bytes.size; i++)
	{
		char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};

		bytes.data[i] = (uint8_t) strtoul(pair, NULL, 16);
	}
	return bytes;
}

static char *
rows_of(Outbox *outbox)
{
	char *rows = NULL;
	size_t size;

	text.out = open_memstream(&rows, &size);
	assert_true(row_text_all(&text, outbox->writer.data, outbox->writer.used));
	fclose(text.out);
	return rows;
}

/* ---- captured events ------------------------------------------------------------ */

typedef struct Replay
{
	CharsetCatalog *catalog;
	SourceTable *table;
	Bytes map;
	size_t events;
} Replay;

static void
replay_table(Replay *replay, const char *hex)
{
	source_table_free(replay->table);
	free(replay->map.data);
	replay->map = bytes_of_hex(hex);
	memset(&failure, 0, sizeof failure);
	replay->table = source_table_parse(replay->map.data, replay->map.size, &plain_config, replay->catalog, &failure);
	if (replay->table == NULL)
		fail_msg("%s", failure.message);
	/* Each part of it: an answer, never a read behind it. */
	for (size_t size = 0; size < replay->map.size; size++)
	{
		uint8_t *part = malloc(size > 0 ? size : 1);
		SourceTable *table;

		memcpy(part, replay->map.data, size);
		table = source_table_parse(part, size, &plain_config, replay->catalog, &failure);
		source_table_free(table);
		free(part);
	}
}

/* The same event cut after each byte, and with each byte changed: it decodes or fails, and what is written can be read.
 */
static void
replay_damaged(Replay *replay, RowsEventKind kind, Bytes event)
{
	size_t step = event.size > 2000 ? event.size / 500 : 1;

	for (size_t size = 0; size < event.size; size += step)
	{
		Outbox outbox = {0};
		RowsCount count = {0};
		uint8_t *part = malloc(size > 0 ? size : 1);

		memcpy(part, event.data, size);
		assert_true(source_table_put(replay->table, 1, &outbox, &failure));
		if (source_table_put_rows(replay->table, 1, kind, part, size, &outbox, &count, &failure))
			free(rows_of(&outbox));
		free(part);
		stub_outbox_clear(&outbox);
	}
	for (size_t i = 0; i < event.size; i += step)
	{
		for (int change = 1; change < 256; change += 84)
		{
			Outbox outbox = {0};
			RowsCount count = {0};

			event.data[i] ^= (uint8_t) change;
			assert_true(source_table_put(replay->table, 1, &outbox, &failure));
			if (source_table_put_rows(replay->table, 1, kind, event.data, event.size, &outbox, &count, &failure))
				free(rows_of(&outbox));
			event.data[i] ^= (uint8_t) change;
			stub_outbox_clear(&outbox);
		}
	}
}

static void
replay_rows(Replay *replay, RowsEventKind kind, const char *hex, const char *adjusted, const char *expected)
{
	Bytes event = bytes_of_hex(hex);
	Outbox outbox = {0};
	RowsCount count = {0};
	char *rows;

	assert_true(source_table_put(replay->table, 1, &outbox, &failure));
	if (!source_table_put_rows(replay->table, 1, kind, event.data, event.size, &outbox, &count, &failure))
		fail_msg("%s %s", failure.message, failure.detail);
	rows = rows_of(&outbox);
	assert_string_equal(rows, expected);
	assert_int_equal(count.adjusted, strtoul(adjusted, NULL, 10));
	free(rows);
	stub_outbox_clear(&outbox);
	replay_damaged(replay, kind, event);
	free(event.data);
	replay->events++;
}

/* The lines "row ..." from at on, without the word; at goes behind them. */
static char *
expected_rows(const char **at)
{
	char *rows = NULL;
	size_t size;
	FILE *out = open_memstream(&rows, &size);

	while (strncmp(*at, "row ", 4) == 0)
	{
		size_t length = strcspn(*at, "\n") + 1;

		fwrite(*at + 4, 1, length - 4, out);
		*at += length;
	}
	fclose(out);
	return rows;
}

static void
replay_file(const char *name)
{
	const char *folder = getenv("DBSTREAM_TEST_DATA");
	static const char *const words[] = {"insert ", "update ", "delete "};
	static char data[1 << 20];
	char path[1024];
	Replay replay = {.catalog = charset_catalog_new(NULL, &failure)};
	const char *at = data;
	FILE *file;
	size_t size;

	snprintf(path, sizeof path, "%s/rows/%s.hex", folder == NULL ? "test/data" : folder, name);
	file = fopen(path, "r");
	if (file == NULL)
		fail_msg("cannot read %s", path);
	size = fread(data, 1, sizeof data - 1, file);
	fclose(file);
	data[size] = '\0';
	while (*at != '\0')
	{
		const char *line = at;

		at += strcspn(at, "\n") + 1;
		if (strncmp(line, "flavour ", 8) == 0)
			charset_catalog_set_flavour(replay.catalog, line[9] == 'a' ? FLAVOUR_MARIADB : FLAVOUR_MYSQL);
		else if (strncmp(line, "table ", 6) == 0)
			replay_table(&replay, line + 6);
		for (int kind = 0; kind < 3; kind++)
		{
			const char *adjusted = at;
			char *expected;

			if (strncmp(line, words[kind], 7) != 0)
				continue;
			at += strcspn(at, "\n") + 1;
			expected = expected_rows(&at);
			replay_rows(&replay, (RowsEventKind) kind, line + 7, adjusted + 9, expected);
			free(expected);
			break;
		}
	}
	assert_true(replay.events > 0);
	source_table_free(replay.table);
	free(replay.map.data);
	charset_catalog_free(replay.catalog);
}

static void
test_captured(void **state)
{
	replay_file("mysql_types");
	replay_file("mariadb_types");
	replay_file("mysql_only");
	replay_file("mariadb_only");
	replay_file("mysql_mixed");
	replay_file("mariadb_mixed");
	replay_file("mysql_images");
	replay_file("mariadb_images");
}

/* ---- events made by hand ----------------------------------------------------------- */

/*
 * Table s.t: id int unsigned primary key, d date null, t varchar(4) utf8mb4, b binary(16).
 * Without its metadata fields from 01 on it is what MINIMAL metadata gives.
 */
#define SMALL_FIXED                                                                                                    \
	"017300"                                                                                                           \
	"017400"                                                                                                           \
	"04"                                                                                                               \
	"030a0ffe"                                                                                                         \
	"04"                                                                                                               \
	"1000"                                                                                                             \
	"fe10"                                                                                                             \
	"02"
#define SMALL_SIGNED "010180"
#define SMALL_NAMES                                                                                                    \
	"0409"                                                                                                             \
	"026964"                                                                                                           \
	"0164"                                                                                                             \
	"0174"                                                                                                             \
	"0162"
#define SMALL_KEY "080100"

static SourceTable *
small_table(const StreamConfig *config, CharsetCatalog *catalog)
{
	/* The collations: 255 packed as fcff00, and 63. */
	Bytes map = bytes_of_hex(SMALL_FIXED SMALL_SIGNED "0304fcff003f" SMALL_NAMES SMALL_KEY);
	SourceTable *table = source_table_parse(map.data, map.size, config, catalog, &failure);

	free(map.data);
	return table;
}

/* Decode one event of the small table; returns its rows as text, or NULL when it fails. */
static char *
small_rows(const StreamConfig *config, RowsEventKind kind, const char *hex, RowsCount *count)
{
	CharsetCatalog *catalog = charset_catalog_new(NULL, &failure);
	Bytes event = bytes_of_hex(hex);
	Outbox outbox = {0};
	SourceTable *table = small_table(config, catalog);
	char *rows = NULL;

	memset(&failure, 0, sizeof failure);
	memset(count, 0, sizeof *count);
	assert_non_null(table);
	assert_true(source_table_put(table, 1, &outbox, &failure));
	if (source_table_put_rows(table, 1, kind, event.data, event.size, &outbox, count, &failure))
		rows = rows_of(&outbox);
	source_table_free(table);
	charset_catalog_free(catalog);
	free(event.data);
	stub_outbox_clear(&outbox);
	return rows;
}

static void
expect_rows(const StreamConfig *config, RowsEventKind kind, const char *hex, const char *expected, uint64_t adjusted)
{
	RowsCount count;
	char *rows = small_rows(config, kind, hex, &count);

	if (rows == NULL)
		fail_msg("%s %s", failure.message, failure.detail);
	assert_string_equal(rows, expected);
	assert_int_equal(count.adjusted, adjusted);
	free(rows);
}

static void
expect_failure(const StreamConfig *config, RowsEventKind kind, const char *hex, const char *code, const char *words)
{
	RowsCount count;

	assert_null(small_rows(config, kind, hex, &count));
	assert_string_equal(failure.code, code);
	assert_int_equal(failure.class, FAILURE_REJECT);
	if (strstr(failure.message, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", failure.message, words);
	assert_true(failure.hint[0] != '\0');
}

/* id 4294967295, d 2024-02-29, t "ab", b cut short. */
#define GOOD_ROW                                                                                                       \
	"f0"                                                                                                               \
	"ffffffff"                                                                                                         \
	"5dd00f"                                                                                                           \
	"026162"                                                                                                           \
	"020102"

/* The same with other dates. */
#define ZERO_ROW                                                                                                       \
	"f0"                                                                                                               \
	"01000000"                                                                                                         \
	"000000"                                                                                                           \
	"026162"                                                                                                           \
	"00"
#define FEBRUARY_ROW                                                                                                   \
	"f0"                                                                                                               \
	"01000000"                                                                                                         \
	"5ed00f"                                                                                                           \
	"026162"                                                                                                           \
	"00"
#define NUL_ROW                                                                                                        \
	"f0"                                                                                                               \
	"01000000"                                                                                                         \
	"5dd00f"                                                                                                           \
	"04610062"                                                                                                         \
	"00"                                                                                                               \
	"00"
#define BAD_ROW                                                                                                        \
	"f0"                                                                                                               \
	"01000000"                                                                                                         \
	"5dd00f"                                                                                                           \
	"0361ff62"                                                                                                         \
	"00"

static void
test_values(void **state)
{
	StreamConfig config = plain_config;

	expect_rows(&config, ROWS_EVENT_WRITE, "040f" GOOD_ROW,
				"4294967295\t2024-02-29\tab\t01020000000000000000000000000000\n", 0);
	config.binary16_as_uuid = true;
	expect_rows(&config, ROWS_EVENT_WRITE, "040f" GOOD_ROW,
				"4294967295\t2024-02-29\tab\t01020000000000000000000000000000\n", 0);
	assert_int_equal(text.columns[3].kind, DBS_KIND_UUID);
	assert_int_equal(text.columns[0].flags, DBS_COLUMN_KEY);
	assert_int_equal(text.columns[1].flags, DBS_COLUMN_NULLABLE);
	assert_int_equal(text.columns[2].length, 4);
	assert_memory_equal(text.columns[2].type_name.data, "varchar(4)", 10);
}

static void
test_zero_dates(void **state)
{
	StreamConfig config = plain_config;

	/* The row before and the row behind are whole; the one between is begun anew. */
	expect_rows(&config, ROWS_EVENT_WRITE, "040f" GOOD_ROW ZERO_ROW GOOD_ROW,
				"4294967295\t2024-02-29\tab\t01020000000000000000000000000000\n"
				"1\tNULL\tab\t00000000000000000000000000000000\n"
				"4294967295\t2024-02-29\tab\t01020000000000000000000000000000\n",
				1);
	expect_rows(&config, ROWS_EVENT_WRITE, "040f" FEBRUARY_ROW, "1\tNULL\tab\t00000000000000000000000000000000\n", 1);
	/* An old row's dates are not counted: they were when they came. */
	config.full_before_images = true;
	expect_rows(&config, ROWS_EVENT_DELETE, "040f" ZERO_ROW, "1\tNULL\tab\t00000000000000000000000000000000\n", 0);
	config.zero_dates = ZERO_DATES_ERROR;
	expect_failure(&config, ROWS_EVENT_WRITE, "040f" ZERO_ROW, "zero_date",
				   "column \"d\" of table \"s.t\" holds '0000-00-00'");
	assert_non_null(strstr(failure.hint, "zero_dates"));
	expect_failure(&config, ROWS_EVENT_WRITE, "040f" FEBRUARY_ROW, "zero_date", "'2024-02-30'");
}

static void
test_text_policies(void **state)
{
	StreamConfig config = plain_config;

	expect_rows(&config, ROWS_EVENT_WRITE, "040f" NUL_ROW,
				"1\t2024-02-29\ta\\x00b\\x00\t00000000000000000000000000000000\n", 0);
	config.strip_nul_bytes = true;
	expect_rows(&config, ROWS_EVENT_WRITE, "040f" NUL_ROW, "1\t2024-02-29\tab\t00000000000000000000000000000000\n", 1);
	expect_failure(&config, ROWS_EVENT_WRITE, "040f" BAD_ROW, "invalid_text",
				   "column \"t\" of table \"s.t\" holds bytes that are not valid in its character set utf8mb4");
	assert_string_equal(failure.detail, "bytes: ff62");
}

static void
test_old_rows(void **state)
{
	StreamConfig config = plain_config;
	/* Another row with the same key, and one with another. */
	const char *same = "040f0f" GOOD_ROW "f6"
					   "ffffffff"
					   "00";
	const char *moved = "040f0f" GOOD_ROW "f6"
						"02000000"
						"00";

	expect_rows(&config, ROWS_EVENT_UPDATE, same, "=\n4294967295\tNULL\tNULL\t00000000000000000000000000000000\n", 0);
	expect_rows(&config, ROWS_EVENT_UPDATE, moved,
				"4294967295\t-\t-\t-\n2\tNULL\tNULL\t00000000000000000000000000000000\n", 0);
	expect_rows(&config, ROWS_EVENT_DELETE, "040f" GOOD_ROW, "4294967295\t-\t-\t-\n", 0);
	/* A minimal image: the key before, one column after; the new row carries the key. */
	expect_rows(&config, ROWS_EVENT_UPDATE,
				"040104"
				"fe"
				"07000000"
				"fe"
				"0178",
				"=\n7\t-\tx\t-\n", 0);
	config.full_before_images = true;
	expect_rows(&config, ROWS_EVENT_UPDATE, same,
				"4294967295\t2024-02-29\tab\t01020000000000000000000000000000\n"
				"4294967295\tNULL\tNULL\t00000000000000000000000000000000\n",
				0);
	expect_rows(&config, ROWS_EVENT_DELETE, "040f" GOOD_ROW,
				"4294967295\t2024-02-29\tab\t01020000000000000000000000000000\n", 0);
}

static void
test_damaged(void **state)
{
	expect_failure(&plain_config, ROWS_EVENT_WRITE, "030f" GOOD_ROW, "event_damaged", "another number of columns");
	expect_failure(&plain_config, ROWS_EVENT_WRITE, "04", "event_damaged", "ends inside its column bitmap");
	expect_failure(&plain_config, ROWS_EVENT_WRITE, "", "event_damaged", "ends before its column count");
	expect_failure(&plain_config, ROWS_EVENT_WRITE, "040f" GOOD_ROW "f0ff", "event_damaged", "ends inside a row");
	expect_failure(&plain_config, ROWS_EVENT_WRITE,
				   "0400"
				   "01",
				   "event_damaged", "behind a row without columns");
	expect_failure(&plain_config, ROWS_EVENT_WRITE,
				   "040f"
				   "f0"
				   "01000000"
				   "5dd00f"
				   "00"
				   "110000000000000000000000000000000000",
				   "event_damaged", "more bytes than it is wide");
}

/* A row that is all defaults, in a minimal image: no column, no byte. */
static void
test_empty_row(void **state)
{
	expect_rows(&plain_config, ROWS_EVENT_WRITE, "0400", "-\t-\t-\t-\n", 0);
}

static void
expect_no_table(const char *hex, const char *code, const char *words)
{
	CharsetCatalog *catalog = charset_catalog_new(NULL, &failure);
	Bytes map = bytes_of_hex(hex);

	memset(&failure, 0, sizeof failure);
	assert_null(source_table_parse(map.data, map.size, &plain_config, catalog, &failure));
	assert_string_equal(failure.code, code);
	if (strstr(failure.message, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", failure.message, words);
	free(map.data);
	charset_catalog_free(catalog);
}

static void
test_tables_refused(void **state)
{
	expect_no_table(SMALL_FIXED SMALL_SIGNED "0304fcff003f", "no_row_metadata", "\"s.t\" without column names");
	assert_non_null(strstr(failure.hint, "binlog_row_metadata=FULL"));
	expect_no_table(SMALL_FIXED, "no_row_metadata", "\"s.t\"");
	expect_no_table(SMALL_FIXED "0304fcff003f" SMALL_NAMES, "no_row_metadata", "\"s.t\"");
	expect_no_table("017300"
					"017400"
					"01"
					"14"
					"00"
					"00",
					"unknown_type", "type number 20");
	expect_no_table("017300"
					"017400"
					"05"
					"03",
					"event_damaged", "column types");
	expect_no_table(SMALL_FIXED SMALL_SIGNED "0304fc09003f" SMALL_NAMES, "unknown_charset", "collation number 9");
	assert_non_null(strstr(failure.message, "table \"s.t\": column \"t\""));
}

/* Times in the formats before 5.6: read from MySQL; from MariaDB refused, where they have two lengths and one number.
 */
static void
test_old_temporal_types(void **state)
{
	CharsetCatalog *catalog = charset_catalog_new(NULL, &failure);
	Bytes map = bytes_of_hex("017300"
							 "017400"
							 "04"
							 "030b0c07"
							 "00"
							 "0e"
							 "010100"
							 "0409"
							 "026964"
							 "0174"
							 "0164"
							 "0173");
	Bytes event = bytes_of_hex("040f"
							   "f0"
							   "01000000"
							   "590a80"
							   "4163eaa230120000"
							   "ffffff7f");
	SourceTable *table = source_table_parse(map.data, map.size, &plain_config, catalog, &failure);
	Outbox outbox = {0};
	RowsCount count = {0};
	char *rows;

	assert_non_null(table);
	assert_true(source_table_put(table, 1, &outbox, &failure));
	if (!source_table_put_rows(table, 1, ROWS_EVENT_WRITE, event.data, event.size, &outbox, &count, &failure))
		fail_msg("%s %s", failure.message, failure.detail);
	rows = rows_of(&outbox);
	assert_string_equal(rows, "1\t-838:59:59\t2000-01-01 00:00:01\t2038-01-19 03:14:07\n");
	free(rows);
	stub_outbox_clear(&outbox);
	source_table_free(table);
	charset_catalog_set_flavour(catalog, FLAVOUR_MARIADB);
	assert_null(source_table_parse(map.data, map.size, &plain_config, catalog, &failure));
	assert_string_equal(failure.code, "old_temporal_format");
	free(map.data);
	free(event.data);
	charset_catalog_free(catalog);
}

static void
test_names(void **state)
{
	Bytes map = bytes_of_hex(SMALL_FIXED);
	const char *schema, *name;
	size_t schema_size, name_size;

	assert_true(source_table_names(map.data, map.size, &schema, &schema_size, &name, &name_size, &failure));
	assert_int_equal(schema_size, 1);
	assert_memory_equal(schema, "s", 1);
	assert_int_equal(name_size, 1);
	assert_memory_equal(name, "t", 1);
	for (size_t size = 0; size < 6; size++)
	{
		uint8_t *part = malloc(size > 0 ? size : 1);

		memcpy(part, map.data, size);
		assert_false(source_table_names(part, size, &schema, &schema_size, &name, &name_size, &failure));
		free(part);
	}
	free(map.data);
}

/* A failing outbox ends the call with the outbox's failure, wherever that happens. */
static void
test_stopping(void **state)
{
	CharsetCatalog *catalog = charset_catalog_new(NULL, &failure);
	SourceTable *table = small_table(&plain_config, catalog);
	Bytes event = bytes_of_hex("040f" GOOD_ROW GOOD_ROW GOOD_ROW);
	bool done = false;

	for (size_t after = 1; !done; after++)
	{
		Outbox outbox = {.fail_after = after};
		RowsCount count = {0};

		memset(&failure, 0, sizeof failure);
		done = source_table_put_rows(table, 1, ROWS_EVENT_WRITE, event.data, event.size, &outbox, &count, &failure);
		if (!done)
			assert_string_equal(failure.code, "stopping");
		stub_outbox_clear(&outbox);
		assert_true(after < 100);
	}
	source_table_free(table);
	free(event.data);
	charset_catalog_free(catalog);
}

/* Messages are closed at about 64 KB. */
static void
test_message_size(void **state)
{
	CharsetCatalog *catalog = charset_catalog_new(NULL, &failure);
	SourceTable *table = small_table(&plain_config, catalog);
	Bytes row = bytes_of_hex(GOOD_ROW);
	size_t rows = 20000, at = 0, needed;
	uint8_t *event = malloc(2 + rows * row.size);
	Outbox outbox = {.slack = 1 << 20};
	RowsCount count = {0};
	uint32_t seen = 0;

	event[0] = 4;
	event[1] = 15;
	for (size_t i = 0; i < rows; i++)
		memcpy(event + 2 + i * row.size, row.data, row.size);
	assert_true(
		source_table_put_rows(table, 1, ROWS_EVENT_WRITE, event, 2 + rows * row.size, &outbox, &count, &failure));
	assert_int_equal(count.rows, rows);
	while (at < outbox.writer.used)
	{
		DbsMessage message;
		DbsReader r;
		DbsRows head;
		const char *error;
		size_t taken = dbs_message_next(outbox.writer.data + at, outbox.writer.used - at, &message, &needed, &error);

		assert_true(taken > 0 && taken < 66000);
		dbs_reader_init(&r, &message);
		assert_true(dbs_get_rows(&r, &head));
		seen += head.count;
		at += taken;
	}
	assert_int_equal(seen, rows);
	stub_outbox_clear(&outbox);
	source_table_free(table);
	charset_catalog_free(catalog);
	free(event);
	free(row.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captured),   cmocka_unit_test(test_values),
		cmocka_unit_test(test_zero_dates), cmocka_unit_test(test_text_policies),
		cmocka_unit_test(test_old_rows),   cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_empty_row),  cmocka_unit_test(test_tables_refused),
		cmocka_unit_test(test_names),      cmocka_unit_test(test_old_temporal_types),
		cmocka_unit_test(test_stopping),   cmocka_unit_test(test_message_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
