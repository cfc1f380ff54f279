/* MariaDB's GTID positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gtid_mariadb.h"

static void
test_text(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"0-1-100", "0-1-100"},
		{" 2-1-7 , 0-4294967295-18446744073709551615 ", "0-4294967295-18446744073709551615,2-1-7"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		MariadbGtidPosition *position = mariadb_gtid_position_new();
		Failure failure = {0};
		const char *text;

		assert_true(mariadb_gtid_position_parse(position, cases[i][0], &failure));
		text = mariadb_gtid_position_text(position);
		assert_non_null(text);
		assert_string_equal(text, cases[i][1]);
		mariadb_gtid_position_free(position);
	}
}

static void
test_refused(void **state)
{
	static const char *const cases[] = {
		"x",     "0", "0-1", "0-1-", "0--1", "0-1-1;", "0-1-1,0-2-5", "4294967296-1-1", "0-1-18446744073709551616",
		"-1-1-1"};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		MariadbGtidPosition *position = mariadb_gtid_position_new();
		Failure failure = {0};

		if (mariadb_gtid_position_parse(position, cases[i], &failure))
			fail_msg("accepted \"%s\"", cases[i]);
		assert_string_equal(failure.code, "gtid_set_invalid");
		mariadb_gtid_position_free(position);
	}
}

/* The log's order counts: a lower number of another server replaces a higher one. */
static void
test_last_of_domain(void **state)
{
	MariadbGtidPosition *position = mariadb_gtid_position_new();
	MariadbGtid gtids[] = {{1, 1, 50}, {0, 1, 9}, {1, 2, 30}, {3, 1, 1}};
	MariadbGtid found;
	const char *text;

	for (size_t i = 0; i < 4; i++)
		assert_true(mariadb_gtid_position_set(position, &gtids[i]));
	text = mariadb_gtid_position_text(position);
	assert_non_null(text);
	assert_string_equal(text, "0-1-9,1-2-30,3-1-1");
	assert_true(mariadb_gtid_position_get(position, 1, &found));
	assert_int_equal(found.sequence, 30);
	assert_false(mariadb_gtid_position_get(position, 2, &found));
	mariadb_gtid_position_clear(position);
	assert_true(mariadb_gtid_position_is_empty(position));
	mariadb_gtid_position_free(position);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_last_of_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
