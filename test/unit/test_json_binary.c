/*
 * Binary JSON. Documents that a server wrote are among the captured rows (test_source_table); here are the parts of the
 * format by hand, and what is no document.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json_binary.h"
#include "stub_outbox.h"

static Failure failure;
static const char *problem;

/* The document as text, malloc'd; NULL when it is none. The bytes are copied to memory of their size. */
static char *
text_of(const void *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	Outbox outbox = {0};
	char *text = NULL;

	if (size > 0)
		memcpy(copy, data, size);
	problem = NULL;
	if (json_binary_put(copy, size, 5, &outbox, &problem, &failure))
	{
		assert_null(problem);
		assert_true(dbs_wire_room(&outbox.writer) >= 5);
		text = malloc(outbox.writer.used + 1);
		memcpy(text, outbox.writer.data, outbox.writer.used);
		text[outbox.writer.used] = '\0';
	}
	else
		assert_non_null(problem);
	free(copy);
	stub_outbox_clear(&outbox);
	return text;
}

static void
check(const void *data, size_t size, const char *expected)
{
	char *text = text_of(data, size);

	if (text == NULL)
		fail_msg("%s", problem);
	assert_string_equal(text, expected);
	free(text);
}

static void
check_broken(const void *data, size_t size, const char *words)
{
	assert_null(text_of(data, size));
	if (strstr(problem, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", problem, words);
}

static void
test_scalars(void **state)
{
	check("", 0, "null");
	check("\x04\x00", 2, "null");
	check("\x04\x01", 2, "true");
	check("\x04\x02", 2, "false");
	check("\x05\x00\x80", 3, "-32768");
	check("\x06\xff\xff", 3, "65535");
	check("\x07\x00\x00\x00\x80", 5, "-2147483648");
	check("\x08\xff\xff\xff\xff", 5, "4294967295");
	check("\x09\x00\x00\x00\x00\x00\x00\x00\x80", 9, "-9223372036854775808");
	check("\x0a\xff\xff\xff\xff\xff\xff\xff\xff", 9, "18446744073709551615");
	check("\x0c\x00", 2, "\"\"");
	check("\x0c\x0e\"\\/\b\f\n\r\t\x01\x1f\x00\x7f\xc3\xa9", 16,
		  "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u0000\x7fé\"");
}

static void
check_double(double value, const char *expected)
{
	char data[9] = {0x0b};

	memcpy(data + 1, &value, 8);
	check(data, 9, expected);
}

static void
test_doubles(void **state)
{
	check_double(0, "0.0");
	check_double(-0.0, "-0.0");
	check_double(3, "3.0");
	check_double(0.1, "0.1");
	check_double(0.30000000000000004, "0.30000000000000004");
	check_double(1e100, "1e100");
	check_double(1.5e-7, "1.5e-7");
	check_double(1.7976931348623157e308, "1.7976931348623157e308");
	check_double(4.9406564584124654e-324, "5e-324");
	check_double(2.2250738585072014e-308, "2.2250738585072014e-308");
	srandom(2);
	for (int i = 0; i < 20000; i++)
	{
		uint64_t bits = (uint64_t) random() << 42 ^ (uint64_t) random() << 21 ^ (uint64_t) random();
		char data[9] = {0x0b};
		double value;
		char *text;

		memcpy(&value, &bits, 8);
		memcpy(data + 1, &bits, 8);
		text = text_of(data, 9);
		if (text == NULL)
		{
			assert_non_null(strstr(problem, "not finite"));
			continue;
		}
		assert_true(strtod(text, NULL) == value);
		assert_non_null(strpbrk(text, ".e"));
		free(text);
	}
}

static void
test_opaque(void **state)
{
	char blob[70] = "\x0f\xfc\x3c";
	char expected[120] = "\"base64:type252:";
	char *at = expected + strlen(expected);

	/* Dates come as MySQL's packed numbers: 2015-01-15 23:24:25.12. */
	check("\x0f\x0c\x08\xc0\xd4\x01\x19\x76\x1f\x95\x19", 11, "\"2015-01-15 23:24:25.120000\"");
	check("\x0f\x0a\x08\x00\x00\x00\x00\x00\x1e\x95\x19", 11, "\"2015-01-15\"");
	check("\x0f\x0b\x08\xc0\xd4\x01\x19\x76\x01\x00\x00", 11, "\"23:24:25.120000\"");
	check("\x0f\xf6\x04\x03\x02\x81\x32", 7, "1.50");
	check("\x0f\x0f\x00", 3, "\"base64:type15:\"");
	check("\x0f\x0f\x01\x00", 4, "\"base64:type15:AA==\"");
	check("\x0f\x0f\x02\x00\xff", 5, "\"base64:type15:AP8=\"");
	/* Lines of 76 digits. */
	memset(at, 'A', 76);
	memcpy(at + 76, "\\nAAAA\"", 8);
	check(blob, 63, expected);
	check_broken("\x0f\x0f\x02\x00", 4, "ends inside an opaque value");
	check_broken("\x0f\xf6\x04\x03\x04\x81\x32", 7, "decimal");
	check_broken("\x0f\x0c\x07\xc0\xd4\x01\x19\x76\x1f\x95", 10, "date or time");
}

static void
test_containers(void **state)
{
	check("\x02\x00\x00\x04\x00", 5, "[]");
	check("\x00\x00\x00\x04\x00", 5, "{}");
	check("\x03\x00\x00\x00\x00\x08\x00\x00\x00", 9, "[]");
	/* [1, true] with both values in their entries. */
	check("\x02\x02\x00\x0a\x00\x05\x01\x00\x04\x01\x00", 11, "[1, true]");
	/* The same large, where 32-bit numbers stand there too. */
	check("\x03\x02\x00\x00\x00\x12\x00\x00\x00\x07\xff\xff\xff\xff\x08\xff\xff\xff\xff", 19, "[-1, 4294967295]");
	/* {"k": "v"}. */
	check("\x00\x01\x00\x0e\x00\x0b\x00\x01\x00\x0c\x0c\x00k\x01v", 15, "{\"k\": \"v\"}");
}

static void
test_broken(void **state)
{
	static const char good[] = "\x00\x01\x00\x0e\x00\x0b\x00\x01\x00\x0c\x0c\x00k\x01v";

	for (size_t size = 1; size < sizeof good - 1; size++)
		assert_null(text_of(good, size));
	check_broken("\x0d\x00", 2, "type that is not known");
	check_broken("\x04\x03", 2, "literal");
	check_broken("\x0c\x05"
				 "ab",
				 4, "ends inside a string");
	check_broken("\x0c\xff\xff\xff\xff\xff\xff", 7, "ends inside a string");
	check_broken("\x02\xff\xff\x04\x00", 5, "container");
	check_broken("\x02\x01\x00\x07\x00\x0c\xff\x00", 8, "offset beyond its end");
	check_broken("\x00\x01\x00\x0b\x00\x0b\x00\x09\x00\x04\x00\x00", 12, "key beyond its end");
	check_broken("\x0b\x00\x00\x00\x00\x00\x00\xf0\x7f", 9, "not finite");
}

/* Arrays in arrays, each with one element: 100 levels pass, 101 do not. */
static void
test_depth(void **state)
{
	for (unsigned levels = 99; levels <= 102; levels++)
	{
		uint8_t data[1024];
		size_t size = 1;
		char *text;

		data[0] = 0x02;
		for (unsigned i = 0; i < levels; i++)
		{
			unsigned bytes = 4 + 7 * (levels - i - 1);

			data[size++] = i + 1 < levels;
			data[size++] = 0;
			data[size++] = (uint8_t) bytes;
			data[size++] = (uint8_t) (bytes >> 8);
			if (i + 1 < levels)
			{
				data[size++] = 0x02;
				data[size++] = 7;
				data[size++] = 0;
			}
		}
		text = text_of(data, size);
		assert_true((text != NULL) == (levels <= JSON_BINARY_MAX_DEPTH));
		if (text != NULL)
			assert_int_equal(strlen(text), 2 * levels);
		else
			assert_non_null(strstr(problem, "deeper"));
		free(text);
	}
}

/* 50 arrays, each of which holds the next one twice: without a limit it would be 2 to the power 50 long. */
static void
test_bomb(void **state)
{
	uint8_t data[1 + 50 * 10 + 4];
	size_t size = 1;

	data[0] = 0x02;
	for (int i = 0; i < 50; i++)
	{
		unsigned bytes = 10 * (50 - i) + 4;
		const uint8_t level[10] = {2, 0, (uint8_t) bytes, (uint8_t) (bytes >> 8), 2, 10, 0, 2, 10, 0};

		memcpy(data + size, level, 10);
		size += 10;
	}
	memcpy(data + size, "\0\0\4\0", 4);
	check_broken(data, sizeof data, "more than once");
}

/* Any bytes: text or a problem, never a read or write out of bounds. */
static void
test_random_bytes(void **state)
{
	static const uint8_t types[] = {0, 1, 2, 3, 4, 5, 12, 15};
	uint8_t data[96];

	srandom(3);
	for (int i = 0; i < 200000; i++)
	{
		size_t size = 1 + (size_t) random() % sizeof data;

		for (size_t k = 0; k < size; k++)
			data[k] = (uint8_t) (random() % 3 == 0 ? random() : random() % 24);
		data[0] = types[random() % 8];
		free(text_of(data, size));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),    cmocka_unit_test(test_doubles),      cmocka_unit_test(test_opaque),
		cmocka_unit_test(test_containers), cmocka_unit_test(test_broken),       cmocka_unit_test(test_depth),
		cmocka_unit_test(test_bomb),       cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
