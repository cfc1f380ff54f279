/* Events of the binary log: which types are known, and bodies at their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "binlog_event.h"

/* Every type is decoded, on this list of those that carry nothing, or refused. */
static void
test_treatments(void **state)
{
	static const uint8_t ignored[] = {3, 5, 9, 11, 13, 14, 17, 28, 29, 36, 37, 160, 161, 164};
	static const uint8_t decoded[] = {2,  4,  15, 16, 18, 19, 23,  24,  25,  26,  27,  30,  31,  32,  33, 34,
									  35, 38, 39, 40, 41, 42, 162, 163, 165, 166, 167, 168, 169, 170, 171};
	EventTreatment expected[256] = {EVENT_REFUSED};

	for (size_t i = 0; i < sizeof ignored; i++)
		expected[ignored[i]] = EVENT_IGNORED;
	for (size_t i = 0; i < sizeof decoded; i++)
		expected[decoded[i]] = EVENT_DECODED;
	for (int type = 0; type < 256; type++)
	{
		assert_int_equal(binlog_event_treatment((uint8_t) type), expected[type]);
		assert_true(strlen(binlog_event_name((uint8_t) type)) > 0);
	}
	assert_string_equal(binlog_event_name(123), "event 123");
}

static size_t
make_event(uint8_t *to, uint8_t type, const void *body, size_t size)
{
	uint32_t total = (uint32_t) (BINLOG_HEADER_SIZE + size);

	memset(to, 0, BINLOG_HEADER_SIZE);
	to[4] = type;
	memcpy(to + 9, &total, 4);
	memcpy(to + BINLOG_HEADER_SIZE, body, size);
	return total;
}

/* Before the format is known, the CRC itself says whether there is one. */
static void
test_first_rotate(void **state)
{
	uint8_t data[64];
	uint8_t body[32] = {4};
	BinlogFormat format = {0};
	BinlogEvent event;
	RotateEvent rotate;
	Failure failure;
	uint32_t crc;
	size_t size;

	memcpy(body + 8, "log.000001", 10);
	size = make_event(data, BINLOG_ROTATE, body, 18);
	assert_true(binlog_event_parse(data, size, &format, &event, &failure));
	assert_true(binlog_rotate_parse(&event, &rotate, &failure));
	assert_int_equal(rotate.file_size, 10);
	assert_int_equal(rotate.offset, 4);

	size = make_event(data, BINLOG_ROTATE, body, 22);
	crc = (uint32_t) crc32(0, data, (uInt) size - 4);
	memcpy(data + size - 4, &crc, 4);
	assert_true(binlog_event_parse(data, size, &format, &event, &failure));
	assert_true(binlog_rotate_parse(&event, &rotate, &failure));
	assert_int_equal(rotate.file_size, 10);
	assert_memory_equal(rotate.file, "log.000001", 10);
}

static void
test_sizes(void **state)
{
	uint8_t data[64];
	BinlogFormat format = {.known = true, .checksum = true};
	BinlogEvent event;
	Failure failure;
	size_t size = make_event(data, BINLOG_XID, "12345678", 8);

	data[13] = 100; /* an end offset: an event of the file */
	assert_true(binlog_event_parse(data, size, &format, &event, &failure));
	assert_int_equal(event.body_size, 4);
	assert_false(binlog_event_parse(data, size - 1, &format, &event, &failure));
	assert_string_equal(failure.code, "event_damaged");
	for (size_t cut = 0; cut < BINLOG_HEADER_SIZE; cut++)
		assert_false(binlog_event_parse(data, cut, &format, &event, &failure));
}

/* As MySQL 8.4 and later send it when asked: list of type, length, value. */
static void
test_heartbeat_v2(void **state)
{
	static const uint8_t body[] = {1, 10, 'l',  'o', 'g', '.', '0', '0', '0', '0', '0', '2',
								   2, 9,  0xfe, 0,   0,   0,   0,   1,   0,   0,   0,   0};
	uint8_t data[64];
	BinlogFormat format = {.known = true};
	BinlogEvent event;
	RotateEvent beat;
	Failure failure;

	assert_true(
		binlog_event_parse(data, make_event(data, BINLOG_HEARTBEAT_V2, body, sizeof body), &format, &event, &failure));
	assert_true(binlog_rotate_parse(&event, &beat, &failure));
	assert_int_equal(beat.file_size, 10);
	assert_memory_equal(beat.file, "log.000002", 10);
	assert_true(beat.offset == UINT64_C(1) << 32);
}

/* sql_mode and character set stand behind others; an unknown status variable ends the walk. */
static void
test_query(void **state)
{
	static const uint8_t body[] = {7, 0, 0, 0, 1, 0, 0,  0, 4,   0,   0,   33,  0,   0,   0,   0,   0,   0, 1,
								   4, 0, 0, 0, 0, 0, 0,  0, 6,   3,   's', 't', 'd', 3,   1,   0,   1,   0, 4,
								   8, 0, 8, 0, 8, 0, 99, 0, 's', 'h', 'o', 'p', 0,   'D', 'R', 'O', 'P', 0, 0};
	uint8_t data[128];
	BinlogFormat format = {.known = true};
	BinlogEvent event;
	QueryEvent query;
	Failure failure;

	assert_true(binlog_event_parse(data, make_event(data, BINLOG_QUERY, body, sizeof body), &format, &event, &failure));
	assert_true(binlog_query_parse(&event, &format, &query, &failure));
	assert_int_equal(query.sql_mode, 4);
	assert_int_equal(query.collation, 8);
	assert_int_equal(query.schema_size, 4);
	assert_memory_equal(query.schema, "shop", 4);
	assert_int_equal(query.text_size, 4);
	assert_memory_equal(query.text, "DROP", 4);
}

static void
test_lengths(void **state)
{
	static const struct
	{
		uint8_t data[9];
		size_t size;
		uint64_t value;
	} cases[] = {
		{{0}, 1, 0},
		{{0xfa}, 1, 250},
		{{0xfc, 0xfb, 0}, 3, 251},
		{{0xfd, 1, 2, 3}, 4, 0x030201},
		{{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 9, UINT64_MAX},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		const uint8_t *at = cases[i].data;
		uint64_t value;

		assert_true(binlog_length(&at, cases[i].data + cases[i].size, &value));
		assert_true(value == cases[i].value);
		assert_ptr_equal(at, cases[i].data + cases[i].size);
		at = cases[i].data;
		assert_false(binlog_length(&at, cases[i].data + cases[i].size - 1, &value));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_treatments),   cmocka_unit_test(test_first_rotate), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_heartbeat_v2), cmocka_unit_test(test_query),        cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
