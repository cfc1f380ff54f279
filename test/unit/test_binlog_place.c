/* Places in the binary log: names, numbers, order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "binlog_place.h"

static void
test_parse(void **state)
{
	static const char *const good[] = {"binlog.000042:4", "a.b-c.1:0", "mysql-bin.1000000:18446744073709551615",
									   "host:3306.000001:99"};
	static const char *const bad[] = {"",
									  "binlog.000042",
									  "binlog.000042:",
									  "binlog.000042:-1",
									  "binlog.42x:4",
									  "binlog:4",
									  ".000001x:4",
									  "binlog.000042:18446744073709551616",
									  "000042:4",
									  "binlog.0123456789012345678:4"};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
	{
		BinlogPlace place = {0};
		Failure failure = {0};
		char text[BINLOG_PLACE_TEXT_MAX];

		assert_true(binlog_place_parse(&place, good[i], &failure));
		assert_int_equal(binlog_place_text(&place, text), strlen(good[i]));
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
	{
		BinlogPlace place = {0};
		Failure failure = {0};

		if (binlog_place_parse(&place, bad[i], &failure))
			fail_msg("accepted \"%s\"", bad[i]);
		assert_string_equal(failure.code, "position_invalid");
	}
}

static void
test_order(void **state)
{
	static const char *const ascending[] = {"b.000001:4", "b.000001:5", "b.000002:4", "b.999999:9", "b.1000000:4"};
	BinlogPlace places[5] = {0};
	Failure failure = {0};

	for (int i = 0; i < 5; i++)
		assert_true(binlog_place_parse(&places[i], ascending[i], &failure));
	for (int i = 0; i < 5; i++)
		for (int k = 0; k < 5; k++)
		{
			int order = source_point_compare(places[i].point, places[k].point);

			assert_true(i < k ? order < 0 : i > k ? order > 0 : order == 0);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
