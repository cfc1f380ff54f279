/*
 * Texts of statements: what is appended, quoting, and what is remembered of memory that could not be had.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql_buffer.h"

static void
holds(SqlBuffer *buffer, const char *text)
{
	assert_true(sql_buffer_ok(buffer));
	assert_int_equal(buffer->used, strlen(text));
	assert_memory_equal(buffer->data, text, strlen(text));
	sql_buffer_reset(buffer, SIZE_MAX);
}

static void
test_append(void **state)
{
	SqlBuffer buffer = {0};

	sql_buffer_add(&buffer, "abc", 2);
	sql_buffer_add(&buffer, "", 0);
	sql_buffer_text(&buffer, "c");
	sql_buffer_format(&buffer, "%d-%s", 42, "x");
	holds(&buffer, "abc42-x");
	sql_buffer_free(&buffer);
	assert_null(buffer.data);
}

static void
test_growth(void **state)
{
	SqlBuffer buffer = {0};

	for (int i = 0; i < 100000; i++)
		sql_buffer_add(&buffer, "0123456789", 10);
	assert_true(sql_buffer_ok(&buffer));
	assert_int_equal(buffer.used, 1000000);
	for (int i = 0; i < 1000000; i += 997)
		assert_int_equal(buffer.data[i], '0' + i % 10);
	/* A reset keeps what is small enough and gives the rest back. */
	sql_buffer_reset(&buffer, SIZE_MAX);
	assert_non_null(buffer.data);
	sql_buffer_reset(&buffer, 1000);
	assert_null(buffer.data);
	sql_buffer_text(&buffer, "again");
	holds(&buffer, "again");
	sql_buffer_free(&buffer);
}

static void
test_quoted(void **state)
{
	SqlBuffer buffer = {0};
	char bytes[255];

	sql_buffer_quoted(&buffer, "", 0);
	holds(&buffer, "''");
	sql_buffer_quoted(&buffer, "it's", 4);
	holds(&buffer, "'it\\'s'");
	sql_buffer_quoted(&buffer, "a\\b\0c\nd\"e", 9);
	holds(&buffer, "'a\\\\b\\0c\nd\"e'");
	sql_buffer_quoted(&buffer, "''", 2);
	holds(&buffer, "'\\'\\''");
	/* Everything else stands as it is. */
	for (int i = 0; i < 255; i++)
		bytes[i] = (char) (i + 1 == '\'' || i + 1 == '\\' ? 'x' : i + 1);
	sql_buffer_quoted(&buffer, bytes, sizeof bytes);
	assert_int_equal(buffer.used, sizeof bytes + 2);
	assert_memory_equal(buffer.data + 1, bytes, sizeof bytes);
	sql_buffer_free(&buffer);
}

static void
test_hex_and_name(void **state)
{
	SqlBuffer buffer = {0};

	sql_buffer_hex(&buffer, "\0\xff\x1a", 3);
	holds(&buffer, "x'00FF1A'");
	sql_buffer_hex(&buffer, "", 0);
	holds(&buffer, "''");
	sql_buffer_name(&buffer, "a`b'c", 5);
	holds(&buffer, "`a``b'c`");
	sql_buffer_free(&buffer);
}

static void
test_failure_is_remembered(void **state)
{
	SqlBuffer buffer = {0};
	char long_text[600];

	/* Formatted pieces are short; a longer one is a mistake that must not pass as a cut text. */
	memset(long_text, 'x', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	sql_buffer_format(&buffer, "%s", long_text);
	assert_false(sql_buffer_ok(&buffer));
	sql_buffer_text(&buffer, "more");
	assert_int_equal(buffer.used, 0);
	sql_buffer_reset(&buffer, SIZE_MAX);
	assert_true(sql_buffer_ok(&buffer));
	sql_buffer_text(&buffer, "fine");
	holds(&buffer, "fine");
	sql_buffer_free(&buffer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_append), cmocka_unit_test(test_growth),
									   cmocka_unit_test(test_quoted), cmocka_unit_test(test_hex_and_name),
									   cmocka_unit_test(test_failure_is_remembered)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
