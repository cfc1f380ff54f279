/* Names on their way to PostgreSQL, and the UTF-8 functions they stand on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "name.h"
#include "utf8.h"

/* 64 times x, MySQL's longest name in characters of one byte. */
#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16

static const char *
fit(const char *name)
{
	static char out[4][DBS_NAME_BUFFER];
	static int next;
	char *buffer = out[next++ % 4];
	size_t length = dbs_name_fit(name, strlen(name), buffer);

	assert_int_equal(length, strlen(buffer));
	assert_true(strlen(buffer) <= DBS_NAME_MAX);
	return buffer;
}

static const char *
index_name(const char *table, const char *index)
{
	static char out[4][DBS_NAME_BUFFER];
	static int next;
	char *buffer = out[next++ % 4];
	size_t length = dbs_name_for_index(table, strlen(table), index, strlen(index), buffer);

	assert_int_equal(length, strlen(buffer));
	assert_true(strlen(buffer) <= DBS_NAME_MAX);
	return buffer;
}

static void
names_that_fit_stay(void **state)
{
	char longest[DBS_NAME_MAX + 1];

	(void) state;
	assert_string_equal(fit("Orders"), "Orders");
	assert_string_equal(fit("a \"b\".`c` \xf0\x9f\x98\x80"), "a \"b\".`c` \xf0\x9f\x98\x80");
	memset(longest, 'x', DBS_NAME_MAX);
	longest[DBS_NAME_MAX] = '\0';
	assert_string_equal(fit(longest), longest);
}

/* The digits are in people's databases: they must never change. */
static void
long_names_get_a_stable_hash(void **state)
{
	(void) state;
	assert_string_equal(fit(X64), X16 X16 X16 "xxxxxx_d19b1ac5");
	assert_string_not_equal(fit(X64 "1"), fit(X64 "2"));
	assert_string_equal(fit(X64 "1"), fit(X64 "1"));
}

/* 64 characters of every width, moved so that the cut falls at every byte of one. */
static void
long_names_stay_utf8(void **state)
{
	static const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

	(void) state;
	for (size_t c = 0; c < 3; c++)
	{
		for (size_t lead = 0; lead < 4; lead++)
		{
			char name[300] = {0};
			const char *got;

			memset(name, 'x', lead);
			for (int i = 0; i < 64; i++)
				strncat(name, characters[c], sizeof name - strlen(name) - 1);
			got = fit(name);
			assert_true(dbs_utf8_valid(got, strlen(got)));
			assert_memory_equal(got, name, strlen(got) - 9);
			assert_true(strlen(got) > DBS_NAME_MAX - 4);
		}
	}
}

static void
index_names(void **state)
{
	(void) state;
	assert_string_equal(index_name("orders", "by_date"), "orders_by_date");
	assert_int_equal(strlen(index_name(X64, "i")), DBS_NAME_MAX);
	assert_string_not_equal(index_name(X64, "i"), index_name(X64, "j"));
	assert_string_not_equal(index_name(X64 "_a", "b"), index_name(X64, "a_b"));
	assert_string_not_equal(index_name(X64 "a", "b"), index_name(X64, "ab"));
}

static void
quoting(void **state)
{
	char out[DBS_NAME_QUOTED_SIZE(64)];

	(void) state;
	assert_true(dbs_name_quote_pg("Orders", 6, out, sizeof out));
	assert_string_equal(out, "\"Orders\"");
	assert_true(dbs_name_quote_pg("a\"b", 3, out, sizeof out));
	assert_string_equal(out, "\"a\"\"b\"");
	assert_true(dbs_name_quote_pg("\"\"\"", 3, out, DBS_NAME_QUOTED_SIZE(3)));
	assert_string_equal(out, "\"\"\"\"\"\"\"\"");
	assert_false(dbs_name_quote_pg("\"\"\"", 3, out, DBS_NAME_QUOTED_SIZE(3) - 1));
	assert_false(dbs_name_quote_pg("abc", 3, out, 5));
	assert_true(dbs_name_quote_pg("abc", 3, out, 6));
	assert_false(dbs_name_quote_pg("a\0b", 3, out, sizeof out));
	assert_false(dbs_name_quote_pg("", 0, out, sizeof out));
	assert_false(dbs_name_quote_pg("a", 1, out, 0));
}

static void
utf8(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xc0\xaf",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xc3",
		"\xe2\x82",
		"\xf0\x9f\x98",
		"\xc3(",
		"\xe2(\xac",
		"abcdefgh\xff",
		"abcdefg\xc3",
	};
	static const char *const good[] = {
		"",
		"abcdefghijkl",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
		"abcdefg\xc3\xa9xyzabcdefgh",
	};

	(void) state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(dbs_utf8_valid(bad[i], strlen(bad[i])));
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(dbs_utf8_valid(good[i], strlen(good[i])));
	assert_int_equal(dbs_utf8_clip("a\xc3\xa9", 3, 2), 1);
	assert_int_equal(dbs_utf8_clip("a\xc3\xa9", 3, 3), 3);
	assert_int_equal(dbs_utf8_clip("\xf0\x9f\x98\x80", 4, 3), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_fit_stay),
		cmocka_unit_test(long_names_get_a_stable_hash),
		cmocka_unit_test(long_names_stay_utf8),
		cmocka_unit_test(index_names),
		cmocka_unit_test(quoting),
		cmocka_unit_test(utf8),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
