/*
 * The list of prepared XA transactions: what is found again, and that it is bounded.
 */
#include "xa_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 1100

static void
begin(XaList *list, int number)
{
	BinlogPlace place = {.file = "log.000001", .point = {1, (uint64_t) number}};
	XaGroup *group = xa_list_begin(list, &place);

	assert_non_null(group);
	assert_ptr_equal(group, xa_list_current(list));
	snprintf(group->identifier, sizeof group->identifier, "X'%04x',X'',1", (unsigned) number);
	group->concerns = true;
}

static XaGroup *
take(XaList *list, int number)
{
	char identifier[XA_IDENTIFIER_MAX];

	snprintf(identifier, sizeof identifier, "X'%04X',X'',1", (unsigned) number);
	return xa_list_take(list, identifier);
}

static void
keep(XaList *list, size_t size, int count)
{
	BinlogFormat format = {.known = true, .checksum = true};
	uint8_t *event = malloc(size);

	assert_non_null(event);
	for (int i = 0; i < count; i++)
	{
		memset(event, i, size);
		xa_list_keep(list, event, size, &format);
	}
	free(event);
}

static void
test_events_come_back(void **state)
{
	XaList *list = xa_list_new();
	const uint8_t *event;
	size_t at = 0, size, count = 0;
	XaGroup *group;

	begin(list, 1);
	keep(list, 100, 7);
	xa_list_prepared(list);
	assert_null(xa_list_current(list));
	assert_null(take(list, 2));
	group = take(list, 1);
	assert_non_null(group);
	assert_null(take(list, 1));
	assert_true(group->whole);
	assert_true(group->format.checksum);
	for (; xa_group_event(group, &at, &event, &size); count++)
	{
		assert_int_equal(size, 100);
		assert_int_equal(event[0], count);
		assert_int_equal(event[99], count);
	}
	assert_int_equal(count, 7);
	xa_group_free(group);
	xa_list_free(list);
}

/* A large one is known by its place alone; so is what comes when there is much already, and there is room again after
 * that. */
static void
test_memory_is_bounded(void **state)
{
	XaList *list = xa_list_new();
	int whole = 0;

	begin(list, 1);
	keep(list, 300000, 10);
	xa_list_prepared(list);
	for (int i = 2; i < 40; i++)
	{
		begin(list, i);
		keep(list, 400000, 1);
		xa_list_prepared(list);
	}
	for (int i = 1; i < 40; i++)
	{
		XaGroup *group = take(list, i);

		assert_non_null(group);
		assert_int_equal(group->place.point.offset, i);
		assert_false(i == 1 && group->whole);
		assert_true(group->whole || group->events == NULL);
		whole += group->whole;
		xa_group_free(group);
	}
	assert_in_range(whole, 10, 20);
	begin(list, 50);
	keep(list, 400000, 1);
	assert_true(xa_list_current(list)->whole);
	xa_list_free(list);
}

/* The oldest is forgotten; one that never came to its end too. */
static void
test_number_is_bounded(void **state)
{
	XaList *list = xa_list_new();
	XaGroup *group;

	for (int i = 0; i < MANY; i++)
	{
		begin(list, 5000);
		begin(list, i);
		xa_list_prepared(list);
	}
	assert_null(take(list, 0));
	assert_null(take(list, 5000));
	group = take(list, MANY - 1);
	assert_non_null(group);
	xa_group_free(group);
	begin(list, 3);
	group = xa_list_end(list);
	assert_non_null(group);
	assert_null(xa_list_current(list));
	xa_group_free(group);
	xa_list_free(list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events_come_back),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_number_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
