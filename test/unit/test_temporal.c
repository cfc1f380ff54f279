/*
 * Dates and times: every day of the calendar, every fraction width, and what is no date.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "temporal.h"

static void
put_big_endian(uint8_t *out, uint64_t value, size_t size)
{
	for (size_t i = size; i-- > 0; value >>= 8)
		out[i] = (uint8_t) value;
}

static void
put_little_endian(uint8_t *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++, value >>= 8)
		out[i] = (uint8_t) value;
}

/* Counting day by day from 0001-01-01, which is 730119 days before 2000-01-01. */
static void
test_calendar(void **state)
{
	static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int32_t expected = -730119;
	uint8_t date[3];
	int32_t days;

	for (unsigned year = 1; year <= 9999; year++)
	{
		int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

		for (unsigned month = 1; month <= 12; month++)
		{
			for (unsigned day = 1; day <= 31; day++)
			{
				bool exists = day <= (unsigned) (lengths[month - 1] + (month == 2 && leap));

				put_little_endian(date, year << 9 | month << 5 | day, 3);
				assert_int_equal(temporal_date(date, &days), exists ? TEMPORAL_OK : TEMPORAL_NO_DATE);
				if (exists)
					assert_int_equal(days, expected++);
			}
		}
	}
	assert_int_equal(expected, 2921940);
	assert_int_equal(temporal_days(2000, 1, 1), 0);
	assert_int_equal(temporal_days(1970, 1, 1), -10957);
}

static void
test_no_dates(void **state)
{
	static const unsigned dates[][3] = {{0, 0, 0},     {2024, 0, 10}, {2024, 1, 0},   {0, 1, 1},    {2024, 13, 1},
										{2023, 2, 29}, {1900, 2, 29}, {2024, 15, 31}, {2024, 4, 31}};
	uint8_t date[8];
	int32_t days;
	int64_t micros;

	for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++)
	{
		const unsigned *d = dates[i];

		put_little_endian(date, d[0] << 9 | d[1] << 5 | d[2], 3);
		assert_int_equal(temporal_date(date, &days), TEMPORAL_NO_DATE);
		if (d[1] <= 12)
		{
			uint64_t day = (uint64_t) (d[0] * 13 + d[1]) << 5 | d[2];

			put_big_endian(date, UINT64_C(0x8000000000) | day << 17, 5);
			assert_int_equal(temporal_datetime2(date, 0, &micros), TEMPORAL_NO_DATE);
		}
		put_little_endian(date, ((uint64_t) d[0] * 10000 + d[1] * 100 + d[2]) * 1000000, 8);
		assert_int_equal(temporal_old_datetime(date, &micros), TEMPORAL_NO_DATE);
	}
	memset(date, 0, sizeof date);
	for (unsigned fsp = 0; fsp <= 6; fsp++)
		assert_int_equal(temporal_timestamp2(date, fsp, &micros), TEMPORAL_NO_DATE);
	assert_int_equal(temporal_old_timestamp(date, &micros), TEMPORAL_NO_DATE);
	/* The first microsecond of 1970 is a time. */
	date[6] = 1;
	assert_int_equal(temporal_timestamp2(date, 6, &micros), TEMPORAL_OK);
	assert_true(micros == INT64_C(-946684800000000) + 1);
}

/* How MySQL packs a TIME: the fraction beside the whole, all of it negated, then shifted up into the unsigned. */
static void
pack_time(int64_t micros, unsigned fsp, uint8_t *out)
{
	static const int64_t unit[4] = {1000000, 10000, 100, 1};
	size_t bytes = temporal_fraction_size(fsp);
	uint64_t magnitude = (uint64_t) (micros < 0 ? -micros : micros);
	uint64_t seconds = magnitude / 1000000;
	uint64_t whole = seconds / 3600 << 12 | seconds / 60 % 60 << 6 | seconds % 60;
	int64_t packed = (int64_t) (whole << (8 * bytes) | (bytes == 0 ? 0 : magnitude % 1000000 / unit[bytes]));

	packed = micros < 0 ? -packed : packed;
	put_big_endian(out, (uint64_t) (packed + (INT64_C(0x800000) << (8 * bytes))), 3 + bytes);
}

static void
test_time(void **state)
{
	static const int64_t step[7] = {1000000, 100000, 10000, 1000, 100, 10, 1};
	const int64_t limit = INT64_C(3020399000000);
	uint8_t packed[8];

	for (unsigned fsp = 0; fsp <= 6; fsp++)
	{
		for (int64_t k = -20000; k <= 20000; k++)
		{
			/* Around zero by the smallest step, and all over the range by an odd one. */
			int64_t near = k * step[fsp];
			int64_t far = k * (limit / 20000) / step[fsp] * step[fsp];

			pack_time(near, fsp, packed);
			assert_true(temporal_time2(packed, fsp) == near);
			pack_time(far, fsp, packed);
			assert_true(temporal_time2(packed, fsp) == far);
		}
	}
}

static void
test_old_time(void **state)
{
	uint8_t packed[3];
	int64_t micros;

	put_little_endian(packed, (uint64_t) -8385959, 3);
	assert_true(temporal_old_time(packed, &micros));
	assert_true(micros == INT64_C(-3020399000000));
	put_little_endian(packed, 8385959, 3);
	assert_true(temporal_old_time(packed, &micros));
	assert_true(micros == INT64_C(3020399000000));
	put_little_endian(packed, 6000, 3);
	assert_false(temporal_old_time(packed, &micros));
}

static void
test_datetime(void **state)
{
	uint8_t packed[8];
	int64_t micros;
	uint64_t day = (UINT64_C(9999) * 13 + 12) << 5 | 31;
	uint64_t time = 23 << 12 | 59 << 6 | 59;

	put_big_endian(packed, UINT64_C(0x8000000000) | day << 17 | time, 5);
	put_big_endian(packed + 5, 999999, 3);
	assert_int_equal(temporal_datetime2(packed, 6, &micros), TEMPORAL_OK);
	assert_true(micros == INT64_C(2921940) * 86400 * 1000000 - 1);
	put_big_endian(packed + 5, 90, 1);
	assert_int_equal(temporal_datetime2(packed, 1, &micros), TEMPORAL_OK);
	assert_true(micros == INT64_C(2921940) * 86400 * 1000000 - 100000);
	put_little_endian(packed, UINT64_C(20000101000001), 8);
	assert_int_equal(temporal_old_datetime(packed, &micros), TEMPORAL_OK);
	assert_true(micros == 1000000);
	put_little_endian(packed, UINT64_C(20000101240000), 8);
	assert_int_equal(temporal_old_datetime(packed, &micros), TEMPORAL_NO_DATE);
	put_little_endian(packed, UINT64_MAX, 8);
	assert_int_equal(temporal_old_datetime(packed, &micros), TEMPORAL_NO_DATE);
	/* Beyond 2038, as MariaDB's newer servers go. */
	put_big_endian(packed, UINT32_MAX, 4);
	assert_int_equal(temporal_timestamp2(packed, 0, &micros), TEMPORAL_OK);
	assert_true(micros == (INT64_C(4294967295) - 946684800) * 1000000);
}

static void
test_text(void **state)
{
	TemporalParts parts = {.negative = true, .hour = 838, .minute = 59, .second = 58, .micros = 90};
	char text[TEMPORAL_TEXT_SIZE];

	assert_int_equal(temporal_time_text(&parts, 6, text), 17);
	assert_string_equal(text, "-838:59:58.000090");
	parts = (TemporalParts){.year = 2024, .month = 2, .day = 30, .hour = 1, .micros = 123456};
	assert_int_equal(temporal_datetime_text(&parts, 3, text), 23);
	assert_string_equal(text, "2024-02-30 01:00:00.123");
	assert_int_equal(temporal_date_text(&parts, text), 10);
	assert_string_equal(text, "2024-02-30");
	/* What no server writes must not overflow. */
	memset(&parts, 0xff, sizeof parts);
	parts.negative = true;
	assert_true(temporal_datetime_text(&parts, 6, text) < TEMPORAL_TEXT_SIZE);
	assert_true(temporal_time_text(&parts, 6, text) < TEMPORAL_TEXT_SIZE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calendar), cmocka_unit_test(test_no_dates), cmocka_unit_test(test_time),
		cmocka_unit_test(test_old_time), cmocka_unit_test(test_datetime), cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
