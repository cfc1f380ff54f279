/*
 * The wire format: what is written is read back, the golden files stay what
 * they are, and no cut or changed byte is read past its end.
 *
 * DBSTREAM_TEST_DATA names test/data. DBSTREAM_WRITE_GOLDEN=1 writes the golden files instead of comparing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "golden.h"
#include "walk.h"

#define BUFFER_SIZE 65536

static char buffer[BUFFER_SIZE];

static DbsWriter
writer(void)
{
	return (DbsWriter){.data = buffer, .size = sizeof buffer};
}

/* The one message that w holds. */
static DbsReader
read_back(DbsWriter *w, DbsMessageType type, DbsMessage *message)
{
	DbsReader r;
	size_t needed;
	const char *error = NULL;

	assert_int_equal(dbs_message_next(w->data, w->used, message, &needed, &error), w->used);
	assert_null(error);
	assert_int_equal(message->type, type);
	assert_int_equal(w->used % 8, 0);
	dbs_reader_init(&r, message);
	return r;
}

static void
assert_string(DbsString actual, DbsString expected)
{
	assert_int_equal(actual.size, expected.size);
	assert_memory_equal(actual.data, expected.data, expected.size);
}

/* ---- round trips -------------------------------------------------------------- */

static void
round_trip_hello(void **state)
{
	DbsWriter w = writer();
	DbsMessage message;
	DbsReader r;
	DbsHello got;

	(void) state;
	assert_true(golden_put_hello(&w));
	r = read_back(&w, DBS_MESSAGE_HELLO, &message);
	assert_true(dbs_get_hello(&r, &got) && dbs_get_end(&r));
	assert_int_equal(got.version, golden_hello.version);
	assert_int_equal(got.min_version, golden_hello.min_version);
	assert_int_equal(got.flags, golden_hello.flags);
	assert_string(got.software, golden_hello.software);
	assert_string(got.source_kind, golden_hello.source_kind);
	assert_string(got.source_version, golden_hello.source_version);
}

static void
round_trip_begin(void **state)
{
	DbsWriter w = writer();
	DbsMessage message;
	DbsReader r;
	DbsBegin got;

	(void) state;
	assert_true(golden_put_begin(&w));
	r = read_back(&w, DBS_MESSAGE_BEGIN, &message);
	assert_true(dbs_get_begin(&r, &got) && dbs_get_end(&r));
	assert_true(got.commit_time == golden_begin.commit_time);
	assert_int_equal(got.flags, 0);
	assert_string(got.gtid, golden_begin.gtid);
}

static void
round_trip_table(void **state)
{
	DbsWriter w = writer();
	DbsMessage message;
	DbsReader r;
	DbsTable got;

	(void) state;
	assert_true(golden_put_table(&w));
	r = read_back(&w, DBS_MESSAGE_TABLE, &message);
	assert_true(dbs_get_table(&r, &got));
	assert_int_equal(got.id, golden_table.id);
	assert_int_equal(got.column_count, GOLDEN_COLUMNS);
	assert_string(got.schema, golden_table.schema);
	assert_string(got.name, golden_table.name);
	for (uint32_t i = 0; i < GOLDEN_COLUMNS; i++)
	{
		DbsColumn expected = golden_column(i);
		DbsColumn column;

		assert_true(dbs_get_column(&r, &column));
		assert_string(column.name, expected.name);
		assert_string(column.type_name, expected.type_name);
		assert_int_equal(column.kind, expected.kind);
		assert_int_equal(column.flags, expected.flags);
		assert_int_equal(column.length, expected.length);
		assert_int_equal(column.scale, expected.scale);
	}
	assert_true(dbs_get_end(&r));
}

static void
check_row(DbsReader *r, DbsRowForm form, int which)
{
	const uint8_t *nulls;
	const uint8_t *absent;
	uint8_t got;

	assert_true(dbs_get_row_form(r, GOLDEN_COLUMNS, &got, &nulls, &absent));
	assert_int_equal(got, form);
	assert_int_equal(nulls != NULL, form == DBS_ROW_NULLS || form == DBS_ROW_ABSENT);
	assert_int_equal(absent != NULL, form == DBS_ROW_ABSENT);
	if (form == DBS_ROW_SAME_KEY)
		return;
	for (uint32_t i = 0; i < GOLDEN_COLUMNS; i++)
	{
		char expected[VALUE_BUFFER];
		const char *value;
		uint32_t size;

		assert_int_equal(nulls != NULL && (nulls[i / 8] >> i % 8 & 1), golden_is_null(form, i));
		assert_int_equal(absent != NULL && (absent[i / 8] >> i % 8 & 1), golden_is_absent(form, i));
		if (golden_is_null(form, i) || golden_is_absent(form, i))
			continue;
		assert_true(dbs_get_value(r, (uint8_t) (i + 1), &value, &size));
		assert_int_equal(size, golden_value((uint8_t) (i + 1), which, expected));
		assert_memory_equal(value, expected, size);
		assert_null(dbs_value_check((uint8_t) (i + 1), value, size));

		/* The extension makes the size a varlena header where it lies: it must be aligned in the stream. */
		if (dbs_kind_width[i + 1] == 0)
			assert_int_equal((value - 4 - r->start) % 4, 0);
	}
}

static void
check_rows_head(DbsReader *r, DbsRowsOp op, uint32_t count, uint32_t adjusted)
{
	DbsRows rows;

	assert_true(dbs_get_rows(r, &rows));
	assert_int_equal(rows.table_id, GOLDEN_TABLE_ID);
	assert_int_equal(rows.op, op);
	assert_int_equal(rows.count, count);
	assert_int_equal(rows.adjusted, adjusted);
}

static void
round_trip_rows(void **state)
{
	DbsWriter w = writer();
	DbsMessage message;
	DbsReader r;

	(void) state;
	assert_true(golden_put_insert(&w));
	r = read_back(&w, DBS_MESSAGE_ROWS, &message);
	check_rows_head(&r, DBS_ROWS_INSERT, 3, 1);
	check_row(&r, DBS_ROW_FULL, VALUE_LOW);
	check_row(&r, DBS_ROW_FULL, VALUE_HIGH);
	check_row(&r, DBS_ROW_NULLS, VALUE_PLAIN);
	assert_true(dbs_get_end(&r));

	w = writer();
	assert_true(golden_put_update(&w));
	r = read_back(&w, DBS_MESSAGE_ROWS, &message);
	check_rows_head(&r, DBS_ROWS_UPDATE, 2, 0);
	check_row(&r, DBS_ROW_SAME_KEY, VALUE_LOW);
	check_row(&r, DBS_ROW_FULL, VALUE_HIGH);
	check_row(&r, DBS_ROW_ABSENT, VALUE_PLAIN);
	check_row(&r, DBS_ROW_ABSENT, VALUE_LOW);
	assert_true(dbs_get_end(&r));

	w = writer();
	assert_true(golden_put_delete(&w));
	r = read_back(&w, DBS_MESSAGE_ROWS, &message);
	check_rows_head(&r, DBS_ROWS_DELETE, 1, 0);
	check_row(&r, DBS_ROW_ABSENT, VALUE_HIGH);
	assert_true(dbs_get_end(&r));
}

static void
round_trip_truncate_and_ddl(void **state)
{
	DbsWriter w = writer();
	DbsMessage message;
	DbsReader r;
	DbsTruncate truncate;
	DbsDdl ddl;

	(void) state;
	assert_true(golden_put_truncate(&w));
	r = read_back(&w, DBS_MESSAGE_TRUNCATE, &message);
	assert_true(dbs_get_truncate(&r, &truncate) && dbs_get_end(&r));
	assert_string(truncate.schema, golden_truncate.schema);
	assert_string(truncate.name, golden_truncate.name);
	assert_string(truncate.partition, golden_truncate.partition);
	assert_string(truncate.condition, golden_truncate.condition);
	assert_string(truncate.columns, golden_truncate.columns);

	w = writer();
	assert_true(golden_put_ddl(&w));
	r = read_back(&w, DBS_MESSAGE_DDL, &message);
	assert_true(dbs_get_ddl(&r, &ddl) && dbs_get_end(&r));
	assert_true(ddl.sql_mode == golden_ddl.sql_mode);
	assert_true(ddl.time == golden_ddl.time);
	assert_int_equal(ddl.utc_offset, golden_ddl.utc_offset);
	assert_int_equal(ddl.flags, golden_ddl.flags);
	assert_string(ddl.default_schema, golden_ddl.default_schema);
	assert_string(ddl.charset, golden_ddl.charset);
	assert_string(ddl.text, golden_ddl.text);
}

static void
round_trip_message_and_sync(void **state)
{
	DbsWriter w = writer();
	DbsMessage message;
	DbsReader r;
	DbsLogicalMessage logical;
	uint64_t token;

	(void) state;
	assert_true(golden_put_message(&w));
	r = read_back(&w, DBS_MESSAGE_MESSAGE, &message);
	assert_true(dbs_get_logical_message(&r, &logical) && dbs_get_end(&r));
	assert_string(logical.prefix, golden_message.prefix);
	assert_string(logical.content, golden_message.content);

	w = writer();
	assert_true(golden_put_sync(&w));
	r = read_back(&w, DBS_MESSAGE_SYNC, &message);
	assert_true(dbs_get_sync(&r, &token) && dbs_get_end(&r));
	assert_true(token == golden_sync);
}

static void
round_trip_snapshot(void **state)
{
	DbsWriter w = writer();
	DbsMessage message;
	DbsReader r;
	DbsSnapshot got;

	(void) state;
	assert_true(golden_put_snapshot(&w));
	r = read_back(&w, DBS_MESSAGE_SNAPSHOT, &message);
	assert_true(dbs_get_snapshot(&r, &got) && dbs_get_end(&r));
	assert_int_equal(got.step, golden_snapshot.step);
	assert_int_equal(got.flags, golden_snapshot.flags);
	assert_true(got.number == golden_snapshot.number && got.rows == golden_snapshot.rows);
	assert_true(got.bytes == golden_snapshot.bytes);
	assert_string(got.schema, golden_snapshot.schema);
	assert_string(got.name, golden_snapshot.name);
	assert_string(got.text, golden_snapshot.text);
	assert_string(got.position, golden_snapshot.position);
	assert_string(got.gtid_set, golden_snapshot.gtid_set);
}

/* The sentence with which a snapshot message is refused. */
static void
assert_snapshot_refused(const DbsSnapshot *snapshot, const char *sentence)
{
	DbsWriter w = writer();
	DbsMessage message;
	DbsReader r;
	DbsSnapshot got;

	assert_true(dbs_put_snapshot(&w, snapshot));
	r = read_back(&w, DBS_MESSAGE_SNAPSHOT, &message);
	assert_false(dbs_get_snapshot(&r, &got));
	assert_string_equal(r.error, sentence);
}

static void
snapshots_are_checked(void **state)
{
	DbsSnapshot s = golden_snapshot;

	(void) state;
	s.step = 0;
	assert_snapshot_refused(&s, "snapshot message with an unknown step");
	s.step = DBS_SNAPSHOT_CUT + 1;
	assert_snapshot_refused(&s, "snapshot message with an unknown step");
	s = golden_snapshot;
	s.flags = 8;
	assert_snapshot_refused(&s, "unknown flag in a snapshot message");
	s = golden_snapshot;
	s.step = DBS_SNAPSHOT_END;
	assert_snapshot_refused(&s, "snapshot message whose step and table do not fit");
	s.schema.size = s.name.size = s.position.size = 0;
	assert_snapshot_refused(&s, "position is empty");
	s.step = DBS_SNAPSHOT_CHUNK;
	assert_snapshot_refused(&s, "snapshot message whose step and table do not fit");
	s.step = DBS_SNAPSHOT_GONE;
	assert_snapshot_refused(&s, "snapshot message whose step and table do not fit");
	s = golden_snapshot;
	s.name.size = 0;
	assert_snapshot_refused(&s, "snapshot message whose step and table do not fit");
}

static void
round_trip_positions(void **state)
{
	DbsWriter w = writer();
	DbsMessage message;
	DbsReader r;
	DbsCommit commit;
	DbsHeartbeat heartbeat;

	(void) state;
	assert_true(golden_put_commit(&w));
	r = read_back(&w, DBS_MESSAGE_COMMIT, &message);
	assert_true(dbs_get_commit(&r, &commit) && dbs_get_end(&r));
	assert_true(commit.commit_time == golden_commit.commit_time);
	assert_string(commit.position, golden_commit.position);
	assert_string(commit.gtid_set, golden_commit.gtid_set);

	w = writer();
	assert_true(golden_put_heartbeat(&w));
	r = read_back(&w, DBS_MESSAGE_HEARTBEAT, &message);
	assert_true(dbs_get_heartbeat(&r, &heartbeat) && dbs_get_end(&r));
	assert_true(heartbeat.time == golden_heartbeat.time);
	assert_string(heartbeat.position, golden_heartbeat.position);
	assert_int_equal(heartbeat.gtid_set.size, 0);
}

static void
round_trip_receipt(void **state)
{
	char bytes[DBS_RECEIPT_SIZE];
	DbsReceipt got;

	(void) state;
	dbs_put_receipt(bytes, &golden_receipt);
	assert_true(dbs_get_receipt(bytes, sizeof bytes, &got));
	assert_int_equal(got.state, golden_receipt.state);
	assert_true(got.next_batch == golden_receipt.next_batch);
	assert_true(got.credit == golden_receipt.credit);
	assert_true(got.applied_bytes == golden_receipt.applied_bytes);
	assert_true(got.applied_time == golden_receipt.applied_time);
	assert_true(got.sync_wanted == golden_receipt.sync_wanted);
	assert_false(dbs_get_receipt(bytes, sizeof bytes - 1, &got));
	bytes[0] = 4;
	assert_false(dbs_get_receipt(bytes, sizeof bytes, &got));
	bytes[0] = DBS_RECEIPT_STOPPED;
	assert_true(dbs_get_receipt(bytes, sizeof bytes, &got));
	bytes[7] = 1;
	assert_false(dbs_get_receipt(bytes, sizeof bytes, &got));
}

/* Bytes written down by hand from docs/protocol.md: writer and reader could share a mistake. */
static void
bytes_are_as_specified(void **state)
{
	DbsWriter w = writer();
	uint8_t nulls = 2;
	char expected[40] = {0};

	(void) state;
	assert_true(dbs_put_begin(&w, &(DbsBegin){.commit_time = 0}));
	memcpy(expected, "\x10\0\0\0\2\0\0\0", 8);
	assert_int_equal(w.used, 24);
	assert_memory_equal(w.data, expected, 24);

	w = writer();
	assert_true(dbs_rows_begin(&w, 7, DBS_ROWS_INSERT));
	dbs_put_row_form(&w, DBS_ROW_NULLS, 3, &nulls, NULL);
	dbs_put_u16(&w, 5);
	dbs_put_varying(&w, "hi", 2);
	dbs_rows_end(&w, 1, 0);
	memset(expected, 0, sizeof expected);
	memcpy(expected, "\x1a\0\0\0\4\0\0\0", 8);                    /* 26 bytes, rows */
	memcpy(expected + 8, "\7\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0", 16); /* table, one row, insert */
	memcpy(expected + 24, "\1\2\5\0", 4); /* a bitmap of NULLs: the second column; int2 5; aligned already */
	memcpy(expected + 28, "\2\0\0\0hi", 6);
	assert_int_equal(w.used, 40);
	assert_memory_equal(w.data, expected, 40);
}

/* ---- golden files --------------------------------------------------------------- */

static void
golden_path(char *path, size_t size, const char *file)
{
	const char *data = getenv("DBSTREAM_TEST_DATA");

	if (data == NULL)
		fail_msg("set DBSTREAM_TEST_DATA to the folder test/data");
	snprintf(path, size, "%s/wire/%s.bin", data, file);
}

static void
write_file(const char *path, const char *data, size_t size)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static void
compare_file(const char *file, const char *data, size_t size)
{
	static char stored[BUFFER_SIZE];
	char path[4096];
	size_t got;
	FILE *f;

	golden_path(path, sizeof path, file);
	if (getenv("DBSTREAM_WRITE_GOLDEN") != NULL)
		write_file(path, data, size);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s is missing; test/data/README.md says how it is made", path);
	got = fread(stored, 1, sizeof stored, f);
	fclose(f);
	if (got != size || memcmp(stored, data, size) != 0)
		fail_msg("%s differs from what is written now: the wire format has changed", path);
}

static void
golden_files_match(void **state)
{
	static char all[BUFFER_SIZE];
	static Walk walk;
	DbsWriter stream = {.data = all, .size = sizeof all};
	char receipt[DBS_RECEIPT_SIZE];
	const char *error;

	(void) state;
	for (size_t i = 0; i < GOLDEN_COUNT; i++)
	{
		DbsWriter w = writer();

		assert_true(goldens[i].put(&w));
		compare_file(goldens[i].file, w.data, w.used);
		assert_true(goldens[i].put(&stream));
	}
	compare_file("stream", all, stream.used);
	assert_int_equal(walk_stream(&walk, all, stream.used, &error), stream.used);
	assert_null(error);
	assert_true(walk.values > 3 * GOLDEN_COLUMNS);
	dbs_put_receipt(receipt, &golden_receipt);
	compare_file("receipt", receipt, sizeof receipt);
}

/* ---- hostile bytes ---------------------------------------------------------------- */

/* Room for size bytes and no more, so that a sanitizer sees the first one read beyond. */
static char *
exact_copy(const char *data, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);

	assert_non_null(copy);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

/* A stream cut anywhere asks for more, and for no more than the whole message has. */
static void
cut_stream_wants_more(void **state)
{
	(void) state;
	for (size_t i = 0; i < GOLDEN_COUNT; i++)
	{
		DbsWriter w = writer();

		assert_true(goldens[i].put(&w));
		for (size_t cut = 0; cut < w.used; cut++)
		{
			char *copy = exact_copy(w.data, cut);
			DbsMessage message;
			size_t needed = 0;
			const char *error = NULL;

			assert_int_equal(dbs_message_next(copy, cut, &message, &needed, &error), 0);
			assert_int_equal(needed, cut < DBS_WIRE_HEADER_SIZE ? DBS_WIRE_HEADER_SIZE : w.used);
			assert_null(error);
			free(copy);
		}
	}
}

/* Walk with a table described as the golden one, so that rows can be read. */
static Walk *
walk_with_table(void)
{
	static Walk walk;
	DbsWriter w = {.data = (char[4096]){0}, .size = 4096};
	const char *error;

	assert_true(golden_put_table(&w));
	walk_stream(&walk, w.data, w.used, &error);
	assert_null(error);
	return &walk;
}

/* A body of every shorter length, with a header that says so, is an error with a sentence. */
static void
short_body_is_refused(void **state)
{
	(void) state;
	for (size_t i = 0; i < GOLDEN_COUNT; i++)
	{
		DbsWriter w = writer();
		uint32_t body;

		assert_true(goldens[i].put(&w));
		memcpy(&body, w.data, 4);
		for (uint32_t size = 0; size < body; size++)
		{
			Walk *walk = walk_with_table();
			DbsMessage message = {goldens[i].type, exact_copy(w.data + DBS_WIRE_HEADER_SIZE, size), size};

			assert_non_null(walk_message(walk, &message));
			free(message.body);
		}
	}
}

/* Each byte in turn takes each of a few values: read or refused, never past the end. */
static void
changed_bytes_stay_inside(void **state)
{
	static const unsigned char masks[] = {0x01, 0x80, 0xff, 0x7f};
	unsigned refused = 0;

	(void) state;
	for (size_t i = 0; i < GOLDEN_COUNT; i++)
	{
		DbsWriter w = writer();

		assert_true(goldens[i].put(&w));
		for (size_t at = 0; at < w.used; at++)
		{
			for (size_t m = 0; m < sizeof masks; m++)
			{
				char *copy = exact_copy(w.data, w.used);
				Walk *walk = walk_with_table();
				const char *error;

				copy[at] = (char) (copy[at] ^ masks[m]);
				walk_stream(walk, copy, w.used, &error);
				refused += error != NULL;
				free(copy);
			}
		}
	}
	assert_true(refused > 100);
}

/* Bytes for one message body, and the sentence that refuses them. */
static void
assert_refused(DbsMessageType type, const char *body, size_t size, const char *sentence)
{
	Walk *walk = walk_with_table();
	DbsMessage message = {type, exact_copy(body, size), size};
	const char *error = walk_message(walk, &message);

	assert_non_null(error);
	assert_string_equal(error, sentence);
	free(message.body);
}

#define REFUSED(type, body, sentence) assert_refused(type, body, sizeof(body) - 1, sentence)

static void
bodies_are_checked(void **state)
{
	(void) state;
	REFUSED(DBS_MESSAGE_HELLO, "\1\0\2\0\0\0\0\0", "hello's versions make no range");
	REFUSED(DBS_MESSAGE_HELLO, "\1\0\0\0\0\0\0\0", "hello's versions make no range");
	REFUSED(DBS_MESSAGE_HELLO, "\1\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0", "hello names no kind of source");
	REFUSED(DBS_MESSAGE_HELLO, "\1\0\1\0\2\0\0\0", "unknown flag in a hello message");
	REFUSED(DBS_MESSAGE_BEGIN, "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", "unknown flag in a begin message");
	REFUSED(DBS_MESSAGE_BEGIN, "\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\xff", "a string is not valid UTF-8");
	REFUSED(DBS_MESSAGE_BEGIN, "\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0", "a string holds a NUL byte");
	REFUSED(DBS_MESSAGE_BEGIN, "\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\0", "message ends inside a string");
	REFUSED(DBS_MESSAGE_TABLE, "\1\0\0\0\0\0\0\0\1\0\0\0a\1\0\0\0b", "table message without columns");
	REFUSED(DBS_MESSAGE_TABLE, "\1\0\0\0\1\x10\0\0\1\0\0\0a\1\0\0\0b", "table message with too many columns");
	REFUSED(DBS_MESSAGE_TABLE, "\1\0\0\0\1\0\0\0\1\0\0\0a\0\0\0\0", "table message without a table name");
	REFUSED(DBS_MESSAGE_TABLE,
			"\1\0\0\0\1\0\0\0\1\0\0\0a\1\0\0\0b"
			"\0\0\0\0\0\0\0\0\0\0\1\0\0\0c\0\0\0\0",
			"column of an unknown kind");
	REFUSED(DBS_MESSAGE_TABLE,
			"\1\0\0\0\1\0\0\0\1\0\0\0a\1\0\0\0b"
			"\x19\0\0\0\0\0\0\0\0\0\1\0\0\0c\0\0\0\0",
			"column of an unknown kind");
	REFUSED(DBS_MESSAGE_TABLE,
			"\1\0\0\0\1\0\0\0\1\0\0\0a\1\0\0\0b"
			"\1\4\0\0\0\0\0\0\0\0\1\0\0\0c\0\0\0\0",
			"column with an unknown flag");
	REFUSED(DBS_MESSAGE_ROWS, "\7\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "rows message with an unknown operation");
	REFUSED(DBS_MESSAGE_ROWS, "\7\0\0\0\0\0\0\0\0\0\0\0\1\1\0\0", "rows message with an unknown operation");
	REFUSED(DBS_MESSAGE_ROWS, "\7\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0", "rows message counts more rows than it can hold");
	REFUSED(DBS_MESSAGE_ROWS, "\7\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0", "rows message counts more rows than it can hold");
	REFUSED(DBS_MESSAGE_ROWS, "\7\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\4", "unknown row form");
	REFUSED(DBS_MESSAGE_ROWS, "\7\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0", "message goes on after its last field");
	REFUSED(DBS_MESSAGE_COMMIT, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "position is empty");
	REFUSED(DBS_MESSAGE_HEARTBEAT, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "position is empty");
	REFUSED(DBS_MESSAGE_SYNC, "\0\0\0\0\0\0\0\0\0", "message goes on after its last field");
}

static void
assert_frame_refused(const char *bytes, size_t size, const char *sentence)
{
	char *copy = exact_copy(bytes, size);
	DbsMessage message;
	size_t needed;
	const char *error = NULL;

	assert_true(dbs_message_next(copy, size, &message, &needed, &error) == SIZE_MAX);
	assert_string_equal(error, sentence);
	free(copy);
}

static void
frames_are_checked(void **state)
{
	char *huge = exact_copy("\xff\xff\xff\x7f\1\0\0\0", 8);
	DbsMessage message;
	size_t needed;
	const char *error = NULL;

	(void) state;
	assert_frame_refused("\0\0\0\0\0\0\0\0", 8, "unknown message type");
	assert_frame_refused("\0\0\0\0\x0c\0\0\0", 8, "unknown message type");
	assert_frame_refused("\0\0\0\0\1\1\0\0", 8, "unknown message type");
	assert_frame_refused("\0\0\0\x80\1\0\0\0", 8, "message is larger than the format allows");
	assert_frame_refused("\1\0\0\0\1\0\0\0\0\0\0\1\0\0\0\0", 16, "padding after a message is not zero");
	assert_int_equal(dbs_message_next(huge, 8, &message, &needed, &error), 0);
	assert_true(needed == (size_t) 0x80000008);
	free(huge);
}

/* ---- room --------------------------------------------------------------------------- */

/* In every smaller buffer a message is refused and the writer unchanged; what was refused fits where it says it does.
 */
static void
writer_without_room_is_untouched(void **state)
{
	(void) state;
	for (size_t i = 0; i < GOLDEN_COUNT; i++)
	{
		size_t whole;
		DbsWriter w = writer();

		if (goldens[i].type == DBS_MESSAGE_ROWS)
			continue;
		assert_true(goldens[i].put(&w));
		whole = w.used;
		for (size_t room = 0; room < whole; room++)
		{
			char *small = exact_copy("", 0);
			DbsWriter cramped = {.data = small, .size = room};

			cramped.data = realloc(small, room > 0 ? room : 1);
			assert_non_null(cramped.data);
			assert_false(goldens[i].put(&cramped));
			assert_int_equal(cramped.used, 0);
			free(cramped.data);
		}
		w = writer();
		w.size = DBS_WIRE_ALIGN(whole + 7);
		assert_true(goldens[i].put(&w));
	}
}

static void
values_are_checked(void **state)
{
	static const struct
	{
		uint8_t kind;
		const char *value;
		uint32_t size;
		const char *sentence;
	} bad[] = {
		{DBS_KIND_NONE, "", 0, "unknown kind of value"},
		{DBS_KIND_COUNT, "", 0, "unknown kind of value"},
		{DBS_KIND_BOOL, "\2", 1, "bool is neither 0 nor 1"},
		{DBS_KIND_INT4, "\0\0", 2, "value's size is not its kind's width"},
		{DBS_KIND_TIME, "\1\x60\xd7\x1d\x14\0\0\0", 8, "time is not within a day"},
		{DBS_KIND_TIME, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "time is not within a day"},
		{DBS_KIND_NUMERIC, "\0\0\0\0", 4, "numeric has an impossible size"},
		{DBS_KIND_NUMERIC, "\0\0\0\0\0\0\0", 7, "numeric has an impossible size"},
		{DBS_KIND_NUMERIC, "\0\0\1\0\0\0", 6, "numeric has an unknown sign"},
		{DBS_KIND_NUMERIC, "\0\0\0\xc0\0\0\1\0", 8, "numeric that is not finite has digits"},
		{DBS_KIND_NUMERIC, "\0\0\0\0\0\x40", 6, "numeric has too large a scale"},
		{DBS_KIND_NUMERIC, "\0\0\0\0\0\0\x10\x27", 8, "numeric has a digit above 9999"},
		{DBS_KIND_TEXT, "a\0b", 3, "text holds a NUL byte"},
		{DBS_KIND_TEXT, "\xc0\x80", 2, "text is not valid UTF-8"},
		{DBS_KIND_LABEL, "\xed\xa0\x80", 3, "text is not valid UTF-8"},
		{DBS_KIND_TYPED_TEXT, "\xf4\x90\x80\x80", 4, "text is not valid UTF-8"},
		{DBS_KIND_JSON, "", 0, "json is empty"},
		{DBS_KIND_BIT, "\1\0", 2, "bit string ends inside its length"},
		{DBS_KIND_BIT, "\1\0\0\0", 4, "bit string's size is not that of its bits"},
		{DBS_KIND_BIT, "\xff\xff\xff\xff", 4, "bit string's size is not that of its bits"},
		{DBS_KIND_BIT, "\1\0\0\0\xc0", 5, "bit string's padding is not zero"},
		{DBS_KIND_LABEL_LIST, "\0", 1, "label list ends inside its count"},
		{DBS_KIND_LABEL_LIST, "\1\0\0\0\0", 5, "label list ends inside a label's size"},
		{DBS_KIND_LABEL_LIST, "\1\0\0\0\xff\xff\xff\xff", 8, "label list ends inside a label"},
		{DBS_KIND_LABEL_LIST, "\1\0\0\0\2\0\0\0a", 9, "label list ends inside a label"},
		{DBS_KIND_LABEL_LIST, "\0\0\0\0\0", 5, "label list goes on after its last label"},
		{DBS_KIND_LABEL_LIST, "\1\0\0\0\1\0\0\0\xff", 9, "text is not valid UTF-8"},
		{DBS_KIND_GEOMETRY, "\0\0\0\0\1\1\0\0", 8, "geometry is too short"},
		{DBS_KIND_VECTOR, "\0\0\0", 3, "vector's size is not a multiple of 4"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
	{
		char *copy = exact_copy(bad[i].value, bad[i].size);
		const char *error = dbs_value_check(bad[i].kind, copy, bad[i].size);

		assert_non_null(error);
		assert_string_equal(error, bad[i].sentence);
		free(copy);
	}
}

static void
kinds_have_names_and_widths(void **state)
{
	(void) state;
	assert_null(dbs_kind_name(DBS_KIND_NONE));
	assert_null(dbs_kind_name((DbsKind) DBS_KIND_COUNT));
	assert_string_equal(dbs_kind_name(DBS_KIND_LABEL_LIST), "label list");
	for (int kind = 1; kind < DBS_KIND_COUNT; kind++)
	{
		char value[VALUE_BUFFER];

		assert_non_null(dbs_kind_name((DbsKind) kind));
		for (int which = 0; which < VALUE_COUNT && dbs_kind_width[kind] != 0; which++)
			assert_int_equal(golden_value((uint8_t) kind, which, value), dbs_kind_width[kind]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip_hello),
		cmocka_unit_test(round_trip_begin),
		cmocka_unit_test(round_trip_table),
		cmocka_unit_test(round_trip_rows),
		cmocka_unit_test(round_trip_truncate_and_ddl),
		cmocka_unit_test(round_trip_message_and_sync),
		cmocka_unit_test(round_trip_snapshot),
		cmocka_unit_test(snapshots_are_checked),
		cmocka_unit_test(round_trip_positions),
		cmocka_unit_test(round_trip_receipt),
		cmocka_unit_test(bytes_are_as_specified),
		cmocka_unit_test(golden_files_match),
		cmocka_unit_test(cut_stream_wants_more),
		cmocka_unit_test(short_body_is_refused),
		cmocka_unit_test(changed_bytes_stay_inside),
		cmocka_unit_test(bodies_are_checked),
		cmocka_unit_test(frames_are_checked),
		cmocka_unit_test(writer_without_room_is_untouched),
		cmocka_unit_test(values_are_checked),
		cmocka_unit_test(kinds_have_names_and_widths),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
