/* MySQL's GTID sets: whole sets with gaps and tags, as text and as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gtid_mysql.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "4350f323-7565-4e59-8763-4b1b83a0ce0e"

static MysqlGtidSet *
set_of(const char *text)
{
	MysqlGtidSet *set = mysql_gtid_set_new();
	Failure failure = {0};

	assert_non_null(set);
	if (!mysql_gtid_set_parse(set, text, &failure))
		fail_msg("%s: %s", text, failure.message);
	return set;
}

static void
assert_text(MysqlGtidSet *set, const char *expected)
{
	const char *text = mysql_gtid_set_text(set);

	assert_non_null(text);
	assert_string_equal(text, expected);
}

static MysqlGtid
gtid_of(const char *uuid, const char *tag, int64_t number)
{
	MysqlGtid gtid = {.number = number};
	const char *p = uuid;

	for (int i = 0; i < 16; i++)
	{
		char pair[3];

		if (*p == '-')
			p++;
		pair[0] = p[0];
		pair[1] = p[1];
		pair[2] = '\0';
		gtid.uuid[i] = (uint8_t) strtoul(pair, NULL, 16);
		p += 2;
	}
	strncpy(gtid.tag, tag, sizeof gtid.tag - 1);
	return gtid;
}

static void
test_text(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{" \n ", ""},
		{A ":1", A ":1"},
		{A ":1-5", A ":1-5"},
		{A ":1-5:7", A ":1-5:7"},
		{A ":7:1-5:6", A ":1-7"},
		{A ":10-20:1-3:2-12", A ":1-20"},
		{A ":1-3:5-7:9:4:8", A ":1-9"},
		{B ":1,\n" A ":2", A ":2," B ":1"},
		{A ":1," A ":3-4", A ":1:3-4"},
		{A ":1:blue:1-3:red:9", A ":1:blue:1-3:red:9"},
		{A ":Blue:2," A ":blue:1", A ":blue:1-2"},
		{"3E11FA47-71CA-11E1-9E33-C80AA9429562 : 1 - 5 : 7 ,", A ":1-5:7"},
		{"3e11fa4771ca11e19e33c80aa9429562:1", A ":1"},
		{A ":9223372036854775806", A ":9223372036854775806"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		MysqlGtidSet *set = set_of(cases[i][0]);
		MysqlGtidSet *again;

		assert_text(set, cases[i][1]);
		again = set_of(cases[i][1]);
		assert_true(mysql_gtid_set_is_subset(set, again) && mysql_gtid_set_is_subset(again, set));
		mysql_gtid_set_free(again);
		mysql_gtid_set_free(set);
	}
}

static void
test_refused(void **state)
{
	static const char *const cases[] = {
		"x",
		A,
		A ":",
		A ":0",
		A ":5-1",
		A ":1-",
		A ":1;2",
		A ":1 2",
		A ":blue",
		A ":blue:",
		A ":-1",
		A "1:1",
		"3e11:1",
		A ":9223372036854775807",
		A ":1:blue:x",
		A ":99999999999999999999",
		A ":a23456789012345678901234567890123:1",
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		MysqlGtidSet *set = mysql_gtid_set_new();
		Failure failure = {0};

		if (mysql_gtid_set_parse(set, cases[i], &failure))
			fail_msg("accepted \"%s\"", cases[i]);
		assert_string_equal(failure.code, "gtid_set_invalid");
		mysql_gtid_set_free(set);
	}
}

/* Against a plain array: every number added in a scrambled order. */
static void
test_add_against_array(void **state)
{
	bool model[200] = {false};
	MysqlGtidSet *set = mysql_gtid_set_new();
	uint32_t random = 7;

	for (int i = 0; i < 400; i++)
	{
		MysqlGtid gtid;

		random = random * 1103515245 + 12345;
		gtid = gtid_of(A, "", 1 + (random >> 16) % 199);
		model[gtid.number] = true;
		assert_true(mysql_gtid_set_add(set, &gtid));
		for (int number = 1; number < 200; number++)
		{
			MysqlGtid asked = gtid_of(A, "", number);
			MysqlGtid tagged = gtid_of(A, "t", number);
			MysqlGtid other = gtid_of(B, "", number);

			assert_int_equal(mysql_gtid_set_contains(set, &asked), model[number]);
			assert_false(mysql_gtid_set_contains(set, &tagged) || mysql_gtid_set_contains(set, &other));
		}
	}
	mysql_gtid_set_free(set);
}

static void
test_subset(void **state)
{
	static const struct
	{
		const char *part;
		const char *whole;
		bool is;
	} cases[] = {
		{"", "", true},
		{"", A ":1", true},
		{A ":1", "", false},
		{A ":2-3", A ":1-5", true},
		{A ":1-3:5", A ":1-3:5-6", true},
		{A ":1-5", A ":1-3:5-6", false},
		{A ":1", B ":1", false},
		{A ":blue:1", A ":1", false},
		{A ":1", A ":blue:1", false},
		{A ":1-2," B ":7", A ":1-2," B ":5-9", true},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		MysqlGtidSet *part = set_of(cases[i].part);
		MysqlGtidSet *whole = set_of(cases[i].whole);

		assert_int_equal(mysql_gtid_set_is_subset(part, whole), cases[i].is);
		mysql_gtid_set_free(part);
		mysql_gtid_set_free(whole);
	}
}

static void
test_encoding(void **state)
{
	/* One source, intervals [1, 6) and [7, 8). */
	static const uint8_t plain[] = {1,    0,    0,    0,    0,    0,    0,    0,    0x3e, 0x11, 0xfa, 0x47, 0x71,
									0xca, 0x11, 0xe1, 0x9e, 0x33, 0xc8, 0x0a, 0xa9, 0x42, 0x95, 0x62, 2,    0,
									0,    0,    0,    0,    0,    0,    1,    0,    0,    0,    0,    0,    0,
									0,    6,    0,    0,    0,    0,    0,    0,    0,    7,    0,    0,    0,
									0,    0,    0,    0,    8,    0,    0,    0,    0,    0,    0,    0};
	static const char *const cases[] = {"", A ":1-5:7", A ":1-5:7," B ":3", A ":1:blue:2-9:red_1:4," B ":blue:1"};
	MysqlGtidSet *set = mysql_gtid_set_new();
	Failure failure = {0};

	assert_true(mysql_gtid_set_decode(set, plain, sizeof plain, &failure));
	assert_text(set, A ":1-5:7");
	mysql_gtid_set_free(set);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		MysqlGtidSet *from = set_of(cases[i]);
		size_t size = 0;
		uint8_t *data = mysql_gtid_set_encode(from, &size);

		assert_non_null(data);
		if (i == 1)
		{
			assert_int_equal(size, sizeof plain);
			assert_memory_equal(data, plain, size);
		}
		set = mysql_gtid_set_new();
		assert_true(mysql_gtid_set_decode(set, data, size, &failure));
		assert_text(set, cases[i]);
		mysql_gtid_set_free(set);

		/* Any shorter piece is refused, read from memory of its own size. */
		for (size_t cut = 0; cut < size; cut++)
		{
			uint8_t *piece = malloc(cut + 1);

			memcpy(piece, data, cut);
			piece = realloc(piece, cut > 0 ? cut : 1);
			set = mysql_gtid_set_new();
			assert_false(mysql_gtid_set_decode(set, piece, cut, &failure));
			mysql_gtid_set_free(set);
			free(piece);
		}
		free(data);
		mysql_gtid_set_free(from);
	}
}

static void
test_single(void **state)
{
	char text[MYSQL_GTID_TEXT_MAX];
	MysqlGtid gtid = gtid_of(A, "", INT64_MAX);

	mysql_gtid_text(&gtid, text);
	assert_string_equal(text, A ":9223372036854775807");
	gtid = gtid_of(B, "a2345678901234567890123456789012", 1);
	mysql_gtid_text(&gtid, text);
	assert_string_equal(text, B ":a2345678901234567890123456789012:1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),   cmocka_unit_test(test_refused),  cmocka_unit_test(test_add_against_array),
		cmocka_unit_test(test_subset), cmocka_unit_test(test_encoding), cmocka_unit_test(test_single),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
