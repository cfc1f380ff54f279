/*
 * Wire values as MySQL literals: exact where the column can hold them, refused with a sentence where it cannot, and
 * nothing appended then.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mysql_literal.h"

#define DAY_US INT64_C(86400000000)

static MysqlColumn
column(DbsKind kind, MysqlClass class, unsigned width, unsigned scale)
{
	return (MysqlColumn){
		.name = "c", .class = class, .kind = kind, .width = width, .scale = scale, .flavour = FLAVOUR_MYSQL};
}

static void
becomes(MysqlColumn c, const void *value, uint32_t size, const char *literal)
{
	SqlBuffer sql = {0};

	sql_buffer_text(&sql, "(");
	assert_null(mysql_literal(&sql, &c, value, size));
	sql_buffer_add(&sql, "", 1);
	assert_true(sql_buffer_ok(&sql));
	assert_string_equal(sql.data + 1, literal);
	sql_buffer_free(&sql);
}

static void
is_refused(MysqlColumn c, const void *value, uint32_t size)
{
	SqlBuffer sql = {0};

	sql_buffer_text(&sql, "(");
	assert_non_null(mysql_literal(&sql, &c, value, size));
	assert_int_equal(sql.used, 1);
	sql_buffer_free(&sql);
}

static void
test_integers(void **state)
{
	int16_t small = -32768;
	int32_t middle = INT32_MIN;
	int64_t large = INT64_MIN;
	uint64_t unsigned_large = UINT64_MAX;
	uint8_t yes = 1;

	becomes(column(DBS_KIND_INT2, MYSQL_CLASS_INTEGER, 0, 0), &small, 2, "-32768");
	becomes(column(DBS_KIND_INT4, MYSQL_CLASS_INTEGER, 0, 0), &middle, 4, "-2147483648");
	becomes(column(DBS_KIND_INT8, MYSQL_CLASS_INTEGER, 0, 0), &large, 8, "-9223372036854775808");
	large = INT64_MAX;
	becomes(column(DBS_KIND_INT8, MYSQL_CLASS_TEXT, 0, 0), &large, 8, "'9223372036854775807'");
	for (int64_t power = 1; power <= INT64_C(1000000000000000000) && power > 0; power *= 10)
	{
		char text[32];

		for (int64_t number = power - 1; number <= power; number++)
		{
			snprintf(text, sizeof text, "%lld", (long long) number);
			becomes(column(DBS_KIND_INT8, MYSQL_CLASS_INTEGER, 0, 0), &number, 8, text);
		}
		if (power == INT64_C(1000000000000000000))
			break;
	}
	becomes(column(DBS_KIND_UINT8, MYSQL_CLASS_INTEGER, 0, 0), &unsigned_large, 8, "18446744073709551615");
	becomes(column(DBS_KIND_BOOL, MYSQL_CLASS_INTEGER, 0, 0), &yes, 1, "1");
	becomes(column(DBS_KIND_BOOL, MYSQL_CLASS_TEXT, 0, 0), &yes, 1, "'true'");
}

static void
test_floats(void **state)
{
	double values[] = {0.1, -1.7976931348623157e308, 4.9406564584124654e-324, 0};
	float single = 3.4028234663852886e38f;
	double nan_value = NAN, infinite = -INFINITY, fine = 0.1;

	for (size_t i = 0; i < 4; i++)
	{
		SqlBuffer sql = {0};
		MysqlColumn c = column(DBS_KIND_FLOAT8, MYSQL_CLASS_DOUBLE, 0, 0);

		assert_null(mysql_literal(&sql, &c, (const char *) &values[i], 8));
		sql_buffer_add(&sql, "", 1);
		assert_true(strtod(sql.data, NULL) == values[i]);
		assert_non_null(strchr(sql.data, 'e')); /* without an exponent MySQL makes a decimal of it first */
		sql_buffer_free(&sql);
	}
	becomes(column(DBS_KIND_FLOAT4, MYSQL_CLASS_FLOAT, 0, 0), &single, 4, "3.4028234663852886e+38");
	is_refused(column(DBS_KIND_FLOAT8, MYSQL_CLASS_DOUBLE, 0, 0), &nan_value, 8);
	is_refused(column(DBS_KIND_FLOAT8, MYSQL_CLASS_DOUBLE, 0, 0), &infinite, 8);
	is_refused(column(DBS_KIND_FLOAT8, MYSQL_CLASS_FLOAT, 0, 0), &fine, 8); /* a single would round it */
	becomes(column(DBS_KIND_FLOAT8, MYSQL_CLASS_TEXT, 0, 0), &nan_value, 8, "'NaN'");
	becomes(column(DBS_KIND_FLOAT8, MYSQL_CLASS_TEXT, 0, 0), &infinite, 8, "'-Infinity'");
}

/* A numeric on the wire: weight, sign, scale, digits of base 10000. */
static uint32_t
numeric(char *out, int16_t weight, uint16_t sign, uint16_t scale, size_t count, const uint16_t *digits)
{
	memcpy(out, &weight, 2);
	memcpy(out + 2, &sign, 2);
	memcpy(out + 4, &scale, 2);
	memcpy(out + 6, digits, 2 * count);
	return (uint32_t) (6 + 2 * count);
}

static void
test_numerics(void **state)
{
	MysqlColumn two = column(DBS_KIND_NUMERIC, MYSQL_CLASS_DECIMAL, 20, 2);
	char value[64];
	uint32_t size;

	size = numeric(value, 1, DBS_NUMERIC_NEGATIVE, 2, 3, (uint16_t[]){12, 3456, 7800});
	becomes(two, value, size, "-123456.78");
	size = numeric(value, -1, DBS_NUMERIC_POSITIVE, 4, 1, (uint16_t[]){1200});
	becomes(two, value, size, "0.1200"); /* zeros at the end are no digits that would be lost */
	size = numeric(value, -1, DBS_NUMERIC_POSITIVE, 6, 2, (uint16_t[]){0, 1200});
	becomes(column(DBS_KIND_NUMERIC, MYSQL_CLASS_DECIMAL, 20, 6), value, size, "0.000012");
	is_refused(column(DBS_KIND_NUMERIC, MYSQL_CLASS_DECIMAL, 20, 5), value, size);
	size = numeric(value, 0, DBS_NUMERIC_POSITIVE, 5, 3, (uint16_t[]){1, 1000, 9000});
	becomes(column(DBS_KIND_NUMERIC, MYSQL_CLASS_DECIMAL, 20, 5), value, size, "1.10009");
	is_refused(column(DBS_KIND_NUMERIC, MYSQL_CLASS_DECIMAL, 20, 4), value, size);
	size = numeric(value, -1, DBS_NUMERIC_POSITIVE, 3, 1, (uint16_t[]){1230});
	is_refused(two, value, size);
	size = numeric(value, 1, DBS_NUMERIC_POSITIVE, 0, 1, (uint16_t[]){5});
	becomes(column(DBS_KIND_NUMERIC, MYSQL_CLASS_INTEGER, 0, 0), value, size, "50000");
	size = numeric(value, -2, DBS_NUMERIC_POSITIVE, 8, 1, (uint16_t[]){1});
	becomes(column(DBS_KIND_NUMERIC, MYSQL_CLASS_TEXT, 0, 0), value, size, "'0.00000001'");
	size = numeric(value, 0, DBS_NUMERIC_POSITIVE, 0, 0, (uint16_t[]){0});
	becomes(two, value, size, "0");
	size = numeric(value, 0, DBS_NUMERIC_NAN, 0, 0, (uint16_t[]){0});
	is_refused(two, value, size);
	becomes(column(DBS_KIND_NUMERIC, MYSQL_CLASS_TEXT, 0, 0), value, size, "'NaN'");
	is_refused(two, value, 4);
}

static void
test_dates(void **state)
{
	MysqlColumn date = column(DBS_KIND_DATE, MYSQL_CLASS_DATE, 0, 0);
	struct
	{
		int32_t days;
		const char *text;
	} days[] = {{0, "'2000-01-01'"},       {-1, "'1999-12-31'"},      {59, "'2000-02-29'"},   {60, "'2000-03-01'"},
				{-730119, "'0001-01-01'"}, {2921939, "'9999-12-31'"}, {8825, "'2024-02-29'"}, {-36524, "'1900-01-01'"}};
	int32_t outside[] = {-730120, 2921940, INT32_MIN, INT32_MAX};

	for (size_t i = 0; i < sizeof days / sizeof days[0]; i++)
		becomes(date, &days[i].days, 4, days[i].text);
	for (size_t i = 0; i < 4; i++)
		is_refused(date, &outside[i], 4);
	becomes(column(DBS_KIND_DATE, MYSQL_CLASS_TEXT, 0, 0), &outside[2], 4, "'-infinity'");
}

static void
test_times(void **state)
{
	MysqlColumn whole = column(DBS_KIND_TIMESTAMP, MYSQL_CLASS_DATETIME, 0, 0);
	MysqlColumn milli = column(DBS_KIND_TIMESTAMP, MYSQL_CLASS_DATETIME, 0, 3);
	MysqlColumn clock = column(DBS_KIND_DURATION, MYSQL_CLASS_TIME, 0, 6);
	int64_t us = -1;

	becomes(column(DBS_KIND_TIMESTAMP, MYSQL_CLASS_DATETIME, 0, 6), &us, 8, "'1999-12-31 23:59:59.999999'");
	is_refused(milli, &us, 8);
	us = DAY_US + 1000;
	becomes(milli, &us, 8, "'2000-01-02 00:00:00.001000'");
	is_refused(whole, &us, 8);
	us = INT64_MAX;
	is_refused(whole, &us, 8);
	us = -((INT64_C(838) * 3600 + 59 * 60 + 59) * 1000000);
	becomes(clock, &us, 8, "'-838:59:59'");
	us -= 1;
	is_refused(clock, &us, 8);
	us = 3723000004;
	becomes(clock, &us, 8, "'01:02:03.000004'");
}

static void
test_bytes(void **state)
{
	char bits[5] = {5, 0, 0, 0, (char) 0xa8};
	char uuid[16] = {0,           0x11,        0x22,        0x33,        0x44,        0x55,
					 0x66,        0x77,        (char) 0x88, (char) 0x99, (char) 0xaa, (char) 0xbb,
					 (char) 0xcc, (char) 0xdd, (char) 0xee, (char) 0xff};
	char point[25] = {1, 1, 0, 0, 0x20, 0x10, 0x0f, 0, 0}; /* with SRID 3856 */

	becomes(column(DBS_KIND_BIT, MYSQL_CLASS_BIT, 5, 0), bits, 5, "b'10101'");
	is_refused(column(DBS_KIND_BIT, MYSQL_CLASS_BIT, 6, 0), bits, 5);
	becomes(column(DBS_KIND_UUID, MYSQL_CLASS_TEXT, 0, 0), uuid, 16, "'00112233-4455-6677-8899-aabbccddeeff'");
	becomes(column(DBS_KIND_UUID, MYSQL_CLASS_BINARY, 0, 0), uuid, 16, "x'00112233445566778899AABBCCDDEEFF'");
	becomes(column(DBS_KIND_BYTES, MYSQL_CLASS_BINARY, 0, 0), "\0'", 2, "x'0027'");
	becomes(column(DBS_KIND_BYTES, MYSQL_CLASS_GEOMETRY, 0, 0), point, 25,
			"x'100F0000010100000000000000000000000000000000000000'");
	is_refused(column(DBS_KIND_BYTES, MYSQL_CLASS_GEOMETRY, 0, 0), "\0\0\0\0\1\0\0\0\0", 9);
}

static void
json(const char *text, bool kept)
{
	MysqlColumn c = column(DBS_KIND_JSON, MYSQL_CLASS_JSON, 0, 0);
	SqlBuffer sql = {0};

	assert_int_equal(mysql_literal(&sql, &c, text, (uint32_t) strlen(text)) == NULL, kept);
	sql_buffer_free(&sql);
	/* MariaDB keeps the text. */
	c.flavour = FLAVOUR_MARIADB;
	assert_null(mysql_literal(&sql, &c, text, (uint32_t) strlen(text)));
	sql_buffer_free(&sql);
}

static void
test_texts(void **state)
{
	MysqlColumn set = column(DBS_KIND_TYPED_TEXT, MYSQL_CLASS_SET, 0, 0);

	becomes(column(DBS_KIND_TEXT, MYSQL_CLASS_TEXT, 0, 0), "it's", 4, "'it\\'s'");
	becomes(column(DBS_KIND_TYPED_TEXT, MYSQL_CLASS_VECTOR, 0, 0), "[1]", 3, "STRING_TO_VECTOR('[1]')");
	set.is_array = true;
	becomes(set, "{a,\"b c\"}", 9, "'a,b c'");
	is_refused(set, "a,b", 3);
	json("{\"a\": 18446744073709551615, \"b\": -9223372036854775808}", true);
	json("[18446744073709551616]", false);
	json("[-9223372036854775809]", false);
	json("[0.1234567890123456789]", false);
	json("[0.123456789012345, 1e400, \"0.1234567890123456789\", \"\\\"12345678901234567890123\"]", true);
}

/* A table that somebody made, with columns that would change what goes in without a word. */
static void
test_narrow_columns(void **state)
{
	int32_t odd = 16777217, even = 16777216, day = 8000;
	int64_t large = (INT64_C(1) << 53) + 1, noon = INT64_C(43200000000);
	uint64_t largest = UINT64_MAX;
	double half = 0.5, whole = 3, third = 1.0 / 3, price = 19.99;
	MysqlColumn narrow = column(DBS_KIND_TEXT, MYSQL_CLASS_TEXT, 0, 0);

	is_refused(column(DBS_KIND_INT4, MYSQL_CLASS_FLOAT, 0, 0), &odd, 4);
	becomes(column(DBS_KIND_INT4, MYSQL_CLASS_FLOAT, 0, 0), &even, 4, "16777216");
	becomes(column(DBS_KIND_INT4, MYSQL_CLASS_DOUBLE, 0, 0), &odd, 4, "16777217");
	is_refused(column(DBS_KIND_INT8, MYSQL_CLASS_DOUBLE, 0, 0), &large, 8);
	is_refused(column(DBS_KIND_UINT8, MYSQL_CLASS_DOUBLE, 0, 0), &largest, 8);
	is_refused(column(DBS_KIND_FLOAT8, MYSQL_CLASS_INTEGER, 0, 0), &half, 8);
	becomes(column(DBS_KIND_FLOAT8, MYSQL_CLASS_INTEGER, 0, 0), &whole, 8, "3.0000000000000000e+00");
	is_refused(column(DBS_KIND_FLOAT8, MYSQL_CLASS_DECIMAL, 10, 2), &third, 8);
	becomes(column(DBS_KIND_FLOAT8, MYSQL_CLASS_DECIMAL, 10, 2), &price, 8, "1.9989999999999998e+01");
	is_refused(column(DBS_KIND_TIME, MYSQL_CLASS_DATETIME, 0, 6), &noon, 8);
	is_refused(column(DBS_KIND_TIMESTAMP, MYSQL_CLASS_TIME, 0, 6), &noon, 8);
	is_refused(column(DBS_KIND_DATE, MYSQL_CLASS_TIME, 0, 6), &day, 4);
	narrow.length = 3;
	becomes(narrow, "\xc3\xa4\xc3\xb6 ", 5, "'\xc3\xa4\xc3\xb6 '");
	is_refused(narrow, "abc ", 4);
	narrow.strips = true;
	becomes(narrow, "abc", 3, "'abc'");
	is_refused(narrow, "ab ", 3);
}

static void
test_conditions(void **state)
{
	MysqlColumn text = column(DBS_KIND_TEXT, MYSQL_CLASS_TEXT, 0, 0);
	MysqlColumn single = column(DBS_KIND_FLOAT4, MYSQL_CLASS_FLOAT, 0, 0);
	float value = 0.5f;
	SqlBuffer sql = {0};

	assert_null(mysql_literal_condition(&sql, &text, NULL, 0));
	sql_buffer_text(&sql, ";");
	assert_null(mysql_literal_condition(&sql, &text, "a", 1));
	sql_buffer_text(&sql, ";");
	assert_null(mysql_literal_condition(&sql, &single, (const char *) &value, 4));
	sql_buffer_add(&sql, "", 1);
	assert_string_equal(sql.data, "`c` IS NULL;CAST(CONVERT(`c` USING utf8mb4) AS BINARY) = CAST(CONVERT('a' USING "
								  "utf8mb4) AS BINARY);`c` = CAST(5.0000000000000000e-01 AS FLOAT)");
	sql_buffer_free(&sql);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers), cmocka_unit_test(test_floats),     cmocka_unit_test(test_numerics),
		cmocka_unit_test(test_dates),    cmocka_unit_test(test_times),      cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_texts),    cmocka_unit_test(test_conditions), cmocka_unit_test(test_narrow_columns)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
