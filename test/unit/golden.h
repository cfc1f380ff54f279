/*
 * The golden messages: one of each type, and a row of every kind at its
 * extremes.  The files under test/data/wire hold the bytes these functions
 * write; test_wire.c compares the two and test/data/README.md says how the files came to be.
 */
#ifndef DBS_TEST_GOLDEN_H
#define DBS_TEST_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "value.h"
#include "wire.h"

#define GOLDEN_STRING(text) ((DbsString){text, sizeof(text) - 1})
#define GOLDEN_COLUMNS (DBS_KIND_COUNT - 1)
#define GOLDEN_TABLE_ID 7
#define GOLDEN_BITMAP ((GOLDEN_COLUMNS + 7) / 8)

/* Values that each kind has, by number. */
enum
{
	VALUE_LOW,
	VALUE_HIGH,
	VALUE_PLAIN,
	VALUE_COUNT
};

#define VALUE_BUFFER 512

#define PICK(which, low, high, plain) ((which) == VALUE_LOW ? (low) : (which) == VALUE_HIGH ? (high) : (plain))

#define COPY(type, low, high, plain)                                                                                   \
	do                                                                                                                 \
	{                                                                                                                  \
		type v = PICK(which, low, high, plain);                                                                        \
		memcpy(out, &v, sizeof v);                                                                                     \
		return sizeof v;                                                                                               \
	} while (0)

static uint32_t
golden_copy(char *out, const char *from, size_t size)
{
	if (size > 0)
		memcpy(out, from, size);
	return (uint32_t) size;
}

#define LITERAL(text) golden_copy(out, text, sizeof(text) - 1)

/* The text whose length needs more than one byte to count. */
static uint32_t
golden_long_text(char *out)
{
	memset(out, 'x', 300);
	return 300;
}

static uint32_t
golden_all_bytes(char *out)
{
	for (int i = 0; i < 256; i++)
		out[i] = (char) i;
	return 256;
}

/* The value of that kind and number into out[0..VALUE_BUFFER): its size. */
static uint32_t
golden_value(uint8_t kind, int which, char *out)
{
	switch ((DbsKind) kind)
	{
		case DBS_KIND_BOOL:
			COPY(uint8_t, 0, 1, 1);
		case DBS_KIND_INT2:
			COPY(int16_t, INT16_MIN, INT16_MAX, -2);
		case DBS_KIND_INT4:
			COPY(int32_t, INT32_MIN, INT32_MAX, 70000);
		case DBS_KIND_INT8:
			COPY(int64_t, INT64_MIN, INT64_MAX, -1);
		case DBS_KIND_UINT8:
			COPY(uint64_t, 0, UINT64_MAX, 1);
		case DBS_KIND_FLOAT4:
			COPY(float, -0.0f, 3.40282347e+38f, 1.5f);
		case DBS_KIND_FLOAT8:
			COPY(double, -1.7976931348623157e308, 4.9406564584124654e-324, 0.1);
		case DBS_KIND_NUMERIC: /* -12.34; NaN; 0 with 30 decimals */
			return which == VALUE_LOW    ? LITERAL("\0\0\0\x40\2\0\x0c\0\x48\x0d")
				   : which == VALUE_HIGH ? LITERAL("\0\0\0\xc0\0\0")
										 : LITERAL("\0\0\0\0\x1e\0");
		case DBS_KIND_DATE:
			COPY(int32_t, INT32_MIN, INT32_MAX, -365);
		case DBS_KIND_TIME:
			COPY(int64_t, 0, INT64_C(86400000000), 1);
		case DBS_KIND_TIMESTAMP:
			COPY(int64_t, INT64_MIN, INT64_MAX, INT64_C(757382400000001));
		case DBS_KIND_TIMESTAMPTZ:
			COPY(int64_t, INT64_MIN, INT64_MAX, INT64_C(-1));
		case DBS_KIND_DURATION:
			COPY(int64_t, INT64_C(-3020399000000), INT64_C(3020399000000), 1);
		case DBS_KIND_INTERVAL:
			return PICK(which, LITERAL("\0\0\0\0\0\0\0\x80\xff\xff\xff\xff\0\0\0\x80"),
						LITERAL("\1\0\0\0\0\0\0\0\2\0\0\0\3\0\0\0"), LITERAL("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
		case DBS_KIND_TEXT:
			return PICK(which, LITERAL(""), golden_long_text(out), LITERAL("Gr\xc3\xbc\xc3\x9f"));
		case DBS_KIND_BYTES:
			return PICK(which, LITERAL(""), golden_all_bytes(out), LITERAL("\0"));
		case DBS_KIND_JSON:
			return PICK(which, LITERAL("null"), LITERAL("{\"a\": [1, 2.50, \"\\u20ac\"]}"), LITERAL("\"\""));
		case DBS_KIND_BIT:
			return PICK(which, LITERAL("\1\0\0\0\x80"), LITERAL("\x40\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"),
						LITERAL("\x09\0\0\0\xff\x80"));
		case DBS_KIND_UUID:
			return PICK(which, LITERAL("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
						LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
						LITERAL("\0\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"));
		case DBS_KIND_LABEL:
			return PICK(which, LITERAL(""),
						LITERAL("gr\xc3\xb6\xc3\x9f"
								"er"),
						LITERAL("small"));
		case DBS_KIND_LABEL_LIST:
			return PICK(which, LITERAL("\0\0\0\0"), LITERAL("\2\0\0\0\1\0\0\0a\2\0\0\0b "),
						LITERAL("\1\0\0\0\0\0\0\0"));
		case DBS_KIND_GEOMETRY: /* POINT(0 0); POINT(2 1) in SRID 4326; an empty collection */
			return PICK(which, LITERAL("\0\0\0\0\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
						LITERAL("\xe6\x10\0\0\1\1\0\0\0\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\xf0\x3f"),
						LITERAL("\0\0\0\0\1\7\0\0\0\0\0\0\0"));
		case DBS_KIND_VECTOR:
			return PICK(which, LITERAL(""), LITERAL("\0\0\x80\x3f\0\0\0\x40"), LITERAL("\0\0\0\x80"));
		case DBS_KIND_TYPED_TEXT:
			return PICK(which, LITERAL("::"), LITERAL("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), LITERAL("10.0.0.1"));
		default:
			return 0;
	}
}

static void
golden_put_value(DbsWriter *w, uint8_t kind, int which)
{
	char value[VALUE_BUFFER];
	uint32_t size = golden_value(kind, which, value);

	if (dbs_kind_width[kind] == 0)
		dbs_put_varying(w, value, size);
	else
		dbs_put_bytes(w, value, size);
}

/* In a row of form NULLS every third column is NULL; of form ABSENT every fourth of the rest absent as well. */
static bool
golden_is_null(DbsRowForm form, uint32_t column)
{
	return (form == DBS_ROW_NULLS || form == DBS_ROW_ABSENT) && column % 3 == 0;
}

static bool
golden_is_absent(DbsRowForm form, uint32_t column)
{
	return form == DBS_ROW_ABSENT && column % 4 == 1 && !golden_is_null(form, column);
}

static void
golden_put_row(DbsWriter *w, DbsRowForm form, int which)
{
	uint8_t nulls[GOLDEN_BITMAP] = {0};
	uint8_t absent[GOLDEN_BITMAP] = {0};

	for (uint32_t i = 0; i < GOLDEN_COLUMNS; i++)
	{
		nulls[i / 8] |= (uint8_t) (golden_is_null(form, i) << i % 8);
		absent[i / 8] |= (uint8_t) (golden_is_absent(form, i) << i % 8);
	}
	dbs_put_row_form(w, form, GOLDEN_COLUMNS, nulls, absent);
	if (form == DBS_ROW_SAME_KEY)
		return;
	for (uint32_t i = 0; i < GOLDEN_COLUMNS; i++)
		if (!golden_is_null(form, i) && !golden_is_absent(form, i))
			golden_put_value(w, (uint8_t) (i + 1), which);
}

/* ---- one function for each file ------------------------------------------ */

static const DbsHello golden_hello = {
	1, 1, DBS_HELLO_CASCADES_LOGGED, {"dbstream-bridge 0.1.0", 21}, {"mariadb", 7}, {"10.11.14-MariaDB", 16}};
static const DbsBegin golden_begin = {INT64_C(816868800123456), 0, {"0-1-42", 6}};
static const DbsTable golden_table = {GOLDEN_TABLE_ID, GOLDEN_COLUMNS, {"shop", 4}, {"every kind", 10}};
static const DbsTruncate golden_truncate = {
	{"shop", 4}, {"log\xc3\xa9", 5}, {"log_1", 5}, {"(id < 5)", 8}, {"id integer", 10}};
static const DbsDdl golden_ddl = {UINT64_C(0x8000000000000004),
								  INT64_C(816868800123456),
								  -12600,
								  DBS_DDL_NO_FOREIGN_KEY_CHECKS,
								  {"shop", 4},
								  {"latin1", 6},
								  {"ALTER TABLE t ADD \xc3\xa9 int", 24}};
static const DbsLogicalMessage golden_message = {{"note", 4}, {"a\0b", 3}};
static const DbsCommit golden_commit = {INT64_C(816868800123456), {"binlog.000042:1234", 18}, {"0-1-42,1-1-7", 12}};
static const DbsHeartbeat golden_heartbeat = {INT64_C(-1), {"binlog.1000000:4", 16}, {"", 0}};
static const uint64_t golden_sync = UINT64_C(0x0123456789abcdef);
static const DbsSnapshot golden_snapshot = {DBS_SNAPSHOT_CHUNK_END,
											DBS_SNAPSHOT_LAST | DBS_SNAPSHOT_WHOLE,
											7,
											100000,
											UINT64_C(5000000000),
											{"shop", 4},
											{"log\xc3\xa9", 5},
											{"[\"42\", \"x\"]", 11},
											{"binlog.000042:1234", 18},
											{"0-1-42", 6}};
static const DbsReceipt golden_receipt = {DBS_RECEIPT_RUNNING, 3, 1048576, 524288, INT64_C(816868800123456), 9};

static DbsColumn
golden_column(uint32_t i)
{
	DbsColumn column = {0};
	const char *name = dbs_kind_name((DbsKind) (i + 1));

	column.name = (DbsString){name, (uint32_t) strlen(name)};
	column.type_name = GOLDEN_STRING("the source's words");
	column.kind = (uint8_t) (i + 1);
	column.flags = i == 0 ? DBS_COLUMN_KEY : DBS_COLUMN_NULLABLE;
	column.length = i == DBS_KIND_NUMERIC - 1 ? 65 : 0;
	column.scale = i == DBS_KIND_NUMERIC - 1 ? 30 : 0;
	return column;
}

static bool
golden_put_hello(DbsWriter *w)
{
	return dbs_put_hello(w, &golden_hello);
}

static bool
golden_put_begin(DbsWriter *w)
{
	return dbs_put_begin(w, &golden_begin);
}

static bool
golden_put_table(DbsWriter *w)
{
	DbsColumn columns[GOLDEN_COLUMNS];

	for (uint32_t i = 0; i < GOLDEN_COLUMNS; i++)
		columns[i] = golden_column(i);
	return dbs_put_table(w, &golden_table, columns);
}

static bool
golden_put_insert(DbsWriter *w)
{
	if (!dbs_rows_begin(w, GOLDEN_TABLE_ID, DBS_ROWS_INSERT))
		return false;
	golden_put_row(w, DBS_ROW_FULL, VALUE_LOW);
	golden_put_row(w, DBS_ROW_FULL, VALUE_HIGH);
	golden_put_row(w, DBS_ROW_NULLS, VALUE_PLAIN);
	dbs_rows_end(w, 3, 1);
	return true;
}

static bool
golden_put_update(DbsWriter *w)
{
	if (!dbs_rows_begin(w, GOLDEN_TABLE_ID, DBS_ROWS_UPDATE))
		return false;
	golden_put_row(w, DBS_ROW_SAME_KEY, VALUE_LOW);
	golden_put_row(w, DBS_ROW_FULL, VALUE_HIGH);
	golden_put_row(w, DBS_ROW_ABSENT, VALUE_PLAIN);
	golden_put_row(w, DBS_ROW_ABSENT, VALUE_LOW);
	dbs_rows_end(w, 2, 0);
	return true;
}

static bool
golden_put_delete(DbsWriter *w)
{
	if (!dbs_rows_begin(w, GOLDEN_TABLE_ID, DBS_ROWS_DELETE))
		return false;
	golden_put_row(w, DBS_ROW_ABSENT, VALUE_HIGH);
	dbs_rows_end(w, 1, 0);
	return true;
}

static bool
golden_put_truncate(DbsWriter *w)
{
	return dbs_put_truncate(w, &golden_truncate);
}

static bool
golden_put_ddl(DbsWriter *w)
{
	return dbs_put_ddl(w, &golden_ddl);
}

static bool
golden_put_message(DbsWriter *w)
{
	return dbs_put_logical_message(w, &golden_message);
}

static bool
golden_put_commit(DbsWriter *w)
{
	return dbs_put_commit(w, &golden_commit);
}

static bool
golden_put_heartbeat(DbsWriter *w)
{
	return dbs_put_heartbeat(w, &golden_heartbeat);
}

static bool
golden_put_sync(DbsWriter *w)
{
	return dbs_put_sync(w, golden_sync);
}

static bool
golden_put_snapshot(DbsWriter *w)
{
	return dbs_put_snapshot(w, &golden_snapshot);
}

typedef struct Golden
{
	const char *file; /* without ".bin" */
	DbsMessageType type;
	bool (*put)(DbsWriter *w);
} Golden;

static const Golden goldens[] = {
	{"hello", DBS_MESSAGE_HELLO, golden_put_hello},
	{"begin", DBS_MESSAGE_BEGIN, golden_put_begin},
	{"table", DBS_MESSAGE_TABLE, golden_put_table},
	{"rows_insert", DBS_MESSAGE_ROWS, golden_put_insert},
	{"rows_update", DBS_MESSAGE_ROWS, golden_put_update},
	{"rows_delete", DBS_MESSAGE_ROWS, golden_put_delete},
	{"truncate", DBS_MESSAGE_TRUNCATE, golden_put_truncate},
	{"ddl", DBS_MESSAGE_DDL, golden_put_ddl},
	{"message", DBS_MESSAGE_MESSAGE, golden_put_message},
	{"commit", DBS_MESSAGE_COMMIT, golden_put_commit},
	{"heartbeat", DBS_MESSAGE_HEARTBEAT, golden_put_heartbeat},
	{"sync", DBS_MESSAGE_SYNC, golden_put_sync},
	{"snapshot", DBS_MESSAGE_SNAPSHOT, golden_put_snapshot},
};

#define GOLDEN_COUNT (sizeof goldens / sizeof goldens[0])

#endif
