/* Events of the binary log: which types are known, and bodies at their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "binlog_event.h"
#include "time_zone.h"
#include "wire.h"

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

static size_t
query_body(uint8_t *body, const uint8_t *variables, size_t size)
{
	static const uint8_t head[] = {7, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0};
	static const uint8_t tail[] = "shop\0DROP";

	memcpy(body, head, sizeof head);
	body[11] = (uint8_t) size;
	body[12] = 0;
	memcpy(body + 13, variables, size);
	memcpy(body + 13 + size, tail, sizeof tail - 1);
	return 13 + size + sizeof tail - 1;
}

/* Variables as both servers write them, from a session without foreign-key checks at +03:00. */
static void
test_query_variables(void **state)
{
	static const uint8_t mysql[] = {0,    0,   0,   0,   4,   1,   0x20, 0, 0xa0, 0x45, 0,    0,  0,    0,
									6,    3,   's', 't', 'd', 4,   0x21, 0, 0x21, 0,    0xff, 0,  5,    6,
									'+',  '0', '3', ':', '0', '0', 12,   2, 'z',  0,    'y',  0,  13,   0x4e,
									0xea, 6,   17,  1,   0,   0,   0,    0, 0,    0,    0,    18, 0xff, 0};
	static const uint8_t mariadb[] = {0,   0,   0,   0, 4,   1, 0,   0,   0x20, 0x54, 0, 0,   0,   0,   6,   3,
									  's', 't', 'd', 4, 8,   0, 8,   0,   8,    0,    5, 6,   '+', '0', '3', ':',
									  '0', '0', 11,  1, 'u', 1, 'h', 128, 0x4e, 0xea, 6, 129, 1,   0,   0,   0,
									  0,   0,   0,   0, 130, 4, 15,  0,   0,    0,    0, 0,   0,   0};
	const struct
	{
		const uint8_t *variables;
		size_t size;
		uint8_t phase;
	} cases[] = {{mysql, sizeof mysql, 0}, {mariadb, sizeof mariadb, QUERY_ALTER_COMMIT}};

	for (size_t i = 0; i < 2; i++)
	{
		uint8_t body[128];
		uint8_t data[192];
		size_t size = query_body(body, cases[i].variables, cases[i].size);
		BinlogFormat format = {.known = true};
		BinlogEvent event;
		QueryEvent query;
		Failure failure;

		assert_true(binlog_event_parse(data, make_event(data, BINLOG_QUERY, body, size), &format, &event, &failure));
		assert_true(binlog_query_parse(&event, &format, &query, &failure));
		assert_true(query.no_foreign_key_checks);
		assert_int_equal(query.microseconds, 0x06ea4e);
		assert_int_equal(query.time_zone_size, 6);
		assert_memory_equal(query.time_zone, "+03:00", 6);
		assert_int_equal(query.alter_phase, cases[i].phase);
		assert_memory_equal(query.text, "DROP", 4);
		assert_int_equal(query.text_size, 4);

		/* Cut anywhere, they end there: nothing is read behind them. */
		for (size_t cut = 0; cut < cases[i].size; cut++)
		{
			size = query_body(body, cases[i].variables, cut);
			assert_true(
				binlog_event_parse(data, make_event(data, BINLOG_QUERY, body, size), &format, &event, &failure));
			assert_true(binlog_query_parse(&event, &format, &query, &failure));
			assert_memory_equal(query.text, "DROP", 4);
		}
	}
}

static void
test_time_zones(void **state)
{
	static const struct
	{
		const char *zone;
		int32_t offset;
	} cases[] = {
		{"+00:00", 0},
		{"+03:00", 10800},
		{"-03:30", -12600},
		{"+14:00", 50400},
		{"-13:59", -50340},
		{"+5:45", 20700},
		{"SYSTEM", DBS_UTC_OFFSET_UNKNOWN},
		{"Europe/Berlin", DBS_UTC_OFFSET_UNKNOWN},
		{"", DBS_UTC_OFFSET_UNKNOWN},
		{"+0300", DBS_UTC_OFFSET_UNKNOWN},
		{"+03:00x", DBS_UTC_OFFSET_UNKNOWN},
		{"+99:00", DBS_UTC_OFFSET_UNKNOWN},
	};
	TimeZones zones;
	Failure failure;

	time_zones_init(&zones, NULL);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		int32_t offset;

		assert_true(time_zone_offset(&zones, cases[i].zone, strlen(cases[i].zone), 1700000000, &offset, &failure));
		assert_int_equal(offset, cases[i].offset);
	}
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
		cmocka_unit_test(test_treatments), cmocka_unit_test(test_first_rotate),
		cmocka_unit_test(test_sizes),      cmocka_unit_test(test_heartbeat_v2),
		cmocka_unit_test(test_query),      cmocka_unit_test(test_query_variables),
		cmocka_unit_test(test_time_zones), cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
