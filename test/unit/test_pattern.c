/* Table patterns: what they select, and what is wrong with the malformed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "pattern.h"

static bool
selects(const char *const *patterns, const char *schema, const char *table)
{
	for (const char *const *pattern = patterns; *pattern != NULL; pattern++)
		assert_null(dbs_pattern_check(*pattern));
	return dbs_pattern_selects(patterns, schema, strlen(schema), table, strlen(table));
}

static bool
one_selects(const char *pattern, const char *schema, const char *table)
{
	return selects((const char *const[]){pattern, NULL}, schema, table);
}

static void
plain_names(void **state)
{
	(void) state;
	assert_true(one_selects("shop.orders", "shop", "orders"));
	assert_false(one_selects("shop.orders", "shop", "order"));
	assert_false(one_selects("shop.orders", "shop", "orders2"));
	assert_false(one_selects("shop.orders", "sho", "orders"));
	assert_false(one_selects("shop.orders", "shop", "Orders"));
	assert_false(one_selects("shop.orders", "shop", ""));
}

static void
stars(void **state)
{
	(void) state;
	assert_true(one_selects("shop.*", "shop", "orders"));
	assert_true(one_selects("shop.*", "shop", "a.b"));
	assert_true(one_selects("shop.*", "shop", "*"));
	assert_false(one_selects("shop.*", "shop2", "orders"));
	assert_true(one_selects("*.*", "a", "b"));
	assert_true(one_selects("s*p.o*d*s", "shop", "odds"));
	assert_true(one_selects("s*p.o*d*s", "shop", "old_dogs_s"));
	assert_false(one_selects("s*p.o*d*s", "shop", "old"));
	assert_true(one_selects("a.**b", "a", "b"));
	assert_true(one_selects("a.*ab", "a", "aaab"));
	assert_false(one_selects("a.b*", "a", "ab"));
}

static void
question_marks_take_characters(void **state)
{
	(void) state;
	assert_true(one_selects("shop.order_?", "shop", "order_1"));
	assert_false(one_selects("shop.order_?", "shop", "order_"));
	assert_false(one_selects("shop.order_?", "shop", "order_12"));
	assert_true(one_selects("shop.?", "shop", "\xf0\x9f\x98\x80"));
	assert_true(one_selects("shop.??", "shop", "\xc3\xa9\xe2\x82\xac"));
	assert_false(one_selects("shop.???", "shop", "\xc3\xa9\xe2\x82\xac"));
	assert_false(one_selects("shop.*\?\?\?xzq", "shop", "\xf0\x9f\x98\x80xzq"));
	assert_true(one_selects("shop.*?\xe2\x82\xac", "shop", "\xe2\x82\xac\xe2\x82\xac"));
}

static void
backslashes(void **state)
{
	(void) state;
	assert_true(one_selects("a.\\*", "a", "*"));
	assert_false(one_selects("a.\\*", "a", "x"));
	assert_true(one_selects("a\\.b.c", "a.b", "c"));
	assert_false(one_selects("a\\.b.c", "a", "b.c"));
	assert_true(one_selects("a.b\\.c", "a", "b.c"));
	assert_true(one_selects("\\!a.b", "!a", "b"));
	assert_true(one_selects("a.\\\\", "a", "\\"));
	assert_true(one_selects("a.*\\?", "a", "what?"));
	assert_false(one_selects("a.*\\?", "a", "what!"));
}

static void
exclusions(void **state)
{
	const char *const patterns[] = {"!shop.audit_*", "shop.*", "!*.tmp", NULL};

	(void) state;
	assert_true(selects(patterns, "shop", "orders"));
	assert_false(selects(patterns, "shop", "audit_2024"));
	assert_false(selects(patterns, "shop", "tmp"));
	assert_false(selects(patterns, "other", "orders"));
	assert_false(one_selects("!a.b", "c", "d"));
	assert_false(dbs_pattern_selects((const char *const[]){NULL}, "a", 1, "b", 1));
}

static void
names_need_no_terminator(void **state)
{
	const char *const patterns[] = {"shop.ord", NULL};

	(void) state;
	assert_true(dbs_pattern_selects(patterns, "shopping", 4, "orders", 3));
}

static void
malformed(void **state)
{
	static const char *const bad[] = {
		"", "!", "shop", "shop.", ".orders", "a.b.c", "a.b\\", "!a.b\\", "a\\.b", "a.\xff", "!shop",
	};

	(void) state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_non_null(dbs_pattern_check(bad[i]));
	assert_non_null(strstr(dbs_pattern_check("a.b.c"), "more than one dot"));
	assert_null(dbs_pattern_check("!a.b"));
	assert_null(dbs_pattern_check("a\\.b.c\\.d"));
}

/* A matcher that tried every star again would take for ever here. */
static void
many_stars_are_quick(void **state)
{
	char name[2001];
	clock_t start = clock();

	(void) state;
	memset(name, 'a', 2000);
	name[2000] = '\0';
	assert_false(one_selects("a.*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", "a", name));
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_names),
		cmocka_unit_test(stars),
		cmocka_unit_test(question_marks_take_characters),
		cmocka_unit_test(backslashes),
		cmocka_unit_test(exclusions),
		cmocka_unit_test(names_need_no_terminator),
		cmocka_unit_test(malformed),
		cmocka_unit_test(many_stars_are_quick),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
