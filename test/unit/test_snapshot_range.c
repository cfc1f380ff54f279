/*
 * Ranges of keys: the words by which the source is asked for their rows, and what is recorded of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "snapshot_range.h"

static SnapshotKey a = {.expression = "`a`", .number = true, .extra = -1};
static SnapshotKey b = {.expression = "`b`", .text = true, .extra = -1};
static SnapshotKey c = {.expression = "`c`", .descending = true, .extra = -1};

static void
writes(const SnapshotRange *range, const SnapshotKey *keys, uint32_t key_count, const char *expected)
{
	MYSQL *sql = mysql_init(NULL);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(sql);
	assert_non_null(out);
	snapshot_range_write(out, sql, range, keys, key_count);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, expected);
	free(text);
	mysql_close(sql);
}

static void
one_column(void **state)
{
	SnapshotRange range = {0};
	char *five[] = {"5"}, *nine[] = {"-9"};

	writes(&range, &a, 1, " ORDER BY `a`");
	range.copied_to = five;
	writes(&range, &a, 1, " WHERE `a` >= 5 AND (`a` > 5) ORDER BY `a`");
	range.upper = nine;
	writes(&range, &a, 1, " WHERE `a` >= 5 AND (`a` > 5) AND `a` <= -9 AND (`a` <= -9) ORDER BY `a`");
	range.copied_to = NULL;
	writes(&range, &a, 1, " WHERE `a` <= -9 AND (`a` <= -9) ORDER BY `a`");
}

static void
many_columns(void **state)
{
	SnapshotKey keys[] = {a, b, c};
	char *from[] = {"1", "c3a4", "x'y"}, *to[] = {"2", "", "z"};
	SnapshotRange range = {.copied_to = from};

	writes(&range, keys, 3,
		   " WHERE `a` >= 1 AND (`a` > 1 OR (`a` = 1 AND (`b` > _utf8mb4 x'c3a4' OR (`b` = _utf8mb4 x'c3a4' AND "
		   "(`c` < 'x\\'y'))))) ORDER BY `a`, `b`, `c` DESC");
	range = (SnapshotRange){.upper = to};
	writes(&range, keys, 3,
		   " WHERE `a` <= 2 AND (`a` < 2 OR (`a` = 2 AND (`b` < _utf8mb4 x'' OR (`b` = _utf8mb4 x'' AND (`c` >= "
		   "'z'))))) ORDER BY `a`, `b`, `c` DESC");
}

static void
descending(void **state)
{
	char *from[] = {"9"}, *to[] = {"5"};
	SnapshotRange range = {.copied_to = from, .upper = to};

	writes(&range, &c, 1, " WHERE `c` <= '9' AND (`c` < '9') AND `c` >= '5' AND (`c` >= '5') ORDER BY `c` DESC");
}

static SnapshotRange *
read_range(const char *text, uint32_t key_count)
{
	struct json_object *recorded = json_tokener_parse(text);
	SnapshotRange *range = snapshot_range_read(recorded, key_count);

	json_object_put(recorded);
	return range;
}

static void
recorded(void **state)
{
	SnapshotRange *range = read_range("{\"number\": 7, \"copied_to\": [\"1\", \"\\\"x\\\\\"], \"upper\": null}", 2);
	char *json;

	assert_non_null(range);
	assert_int_equal(range->number, 7);
	assert_string_equal(range->copied_to[1], "\"x\\");
	assert_null(range->upper);
	json = snapshot_key_json(range->copied_to, 2);
	assert_string_equal(json, "[\"1\",\"\\\"x\\\\\"]");
	free(json);
	snapshot_range_free(range, 2);

	assert_null(read_range("{\"number\": 7, \"copied_to\": [\"1\"], \"upper\": null}", 2));
	assert_null(read_range("{\"number\": 7, \"copied_to\": null, \"upper\": \"x\"}", 1));
	assert_null(read_range("{\"copied_to\": null, \"upper\": null}", 1));
}

static void
texts(void **state)
{
	char *text = snapshot_key_text(&b, "a\0\xff", 3);

	assert_string_equal(text, "6100ff");
	free(text);
	text = snapshot_key_text(&a, "123456", 3);
	assert_string_equal(text, "123");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_column), cmocka_unit_test(many_columns), cmocka_unit_test(descending),
		cmocka_unit_test(recorded),   cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
