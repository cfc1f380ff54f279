/*
 * Waits grow to their limit and never beyond, each class by itself, and a success starts them anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backoff.h"

/* A wait is what the table says, shortened by at most a fifth. */
static void
assert_wait(int wait, int nominal)
{
	assert_true(wait <= nominal);
	assert_true(wait >= nominal - nominal / 5);
}

static void
retry_grows_to_its_limit(void **state)
{
	static const int nominal[] = {200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
	Backoff backoff;

	(void) state;
	backoff_init(&backoff, 7);
	for (size_t i = 0; i < sizeof nominal / sizeof nominal[0]; i++)
		assert_wait(backoff_next(&backoff, FAILURE_RETRY), nominal[i]);
}

static void
reject_grows_to_its_limit(void **state)
{
	static const int nominal[] = {5000, 10000, 20000, 40000, 60000, 60000};
	Backoff backoff;

	(void) state;
	backoff_init(&backoff, 7);
	for (size_t i = 0; i < sizeof nominal / sizeof nominal[0]; i++)
		assert_wait(backoff_next(&backoff, FAILURE_REJECT), nominal[i]);
}

static void
stays_at_its_limit_for_years(void **state)
{
	Backoff backoff;

	(void) state;
	backoff_init(&backoff, 7);
	for (int i = 0; i < 100000; i++)
		assert_true(backoff_next(&backoff, FAILURE_RETRY) <= 30000);
	assert_wait(backoff_next(&backoff, FAILURE_RETRY), 30000);
}

static void
success_starts_anew(void **state)
{
	Backoff backoff;

	(void) state;
	backoff_init(&backoff, 7);
	for (int i = 0; i < 5; i++)
		(void) backoff_next(&backoff, FAILURE_RETRY);
	backoff_reset(&backoff);
	assert_wait(backoff_next(&backoff, FAILURE_RETRY), 200);
}

static void
another_class_starts_its_own_row(void **state)
{
	Backoff backoff;

	(void) state;
	backoff_init(&backoff, 7);
	(void) backoff_next(&backoff, FAILURE_RETRY);
	(void) backoff_next(&backoff, FAILURE_RETRY);
	assert_wait(backoff_next(&backoff, FAILURE_REJECT), 5000);
	assert_wait(backoff_next(&backoff, FAILURE_RETRY), 200);
}

static void
streams_do_not_wait_in_step(void **state)
{
	int different = 0;

	(void) state;
	for (uint64_t seed = 0; seed < 20; seed++)
	{
		Backoff one;
		Backoff other;

		backoff_init(&one, seed);
		backoff_init(&other, seed + 1);
		for (int i = 0; i < 8; i++)
			different += backoff_next(&one, FAILURE_RETRY) != backoff_next(&other, FAILURE_RETRY);
	}
	assert_true(different > 140); /* of 160: equal waits are rare accidents */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(retry_grows_to_its_limit),         cmocka_unit_test(reject_grows_to_its_limit),
		cmocka_unit_test(stays_at_its_limit_for_years),     cmocka_unit_test(success_starts_anew),
		cmocka_unit_test(another_class_starts_its_own_row), cmocka_unit_test(streams_do_not_wait_in_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
