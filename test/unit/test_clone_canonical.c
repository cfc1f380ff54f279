/*
 * One value has one text, whichever side it comes from; different values have different ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clone_canonical.h"
#include "kind.h"

static CanonicalText wire, target;

/* The target's text of this type against the wire's bytes of this kind. */
static bool
equal(uint8_t kind, const void *value, size_t size, const char *typname, const char *text)
{
	CanonicalForm form = canonical_form(kind, typname);

	assert_int_not_equal(form, CANONICAL_NONE);
	assert_non_null(strstr(canonical_expression(form, typname), "%s"));
	wire.used = target.used = 0;
	canonical_from_wire(&wire, form, kind, value, size);
	canonical_from_target(&target, form, kind, text, strlen(text));
	assert_false(wire.failed || target.failed);
	return wire.used == target.used && memcmp(wire.data, target.data, wire.used) == 0;
}

static bool
text_equal(uint8_t kind, const char *value, const char *typname, const char *text)
{
	return equal(kind, value, strlen(value), typname, text);
}

static void
numbers(void **state)
{
	int16_t two = -7;
	int64_t most = INT64_MIN;
	uint64_t unsigned_most = UINT64_MAX;
	/* -12.5 and 0 with two digits after the point: weight, sign, scale, digits. */
	uint16_t numeric[] = {0, DBS_NUMERIC_NEGATIVE, 2, 12, 5000};
	uint16_t zero[] = {0, DBS_NUMERIC_POSITIVE, 2};
	uint16_t small[] = {(uint16_t) -2, DBS_NUMERIC_POSITIVE, 6, 700};

	(void) state;
	assert_true(equal(DBS_KIND_INT2, &two, 2, "int2", "-7"));
	assert_true(equal(DBS_KIND_INT2, &two, 2, "bool", "1"));
	assert_false(equal(DBS_KIND_INT2, &two, 2, "bool", "0"));
	assert_true(equal(DBS_KIND_INT8, &most, 8, "int8", "-9223372036854775808"));
	assert_true(equal(DBS_KIND_UINT8, &unsigned_most, 8, "numeric", "18446744073709551615"));
	assert_true(equal(DBS_KIND_NUMERIC, numeric, sizeof numeric, "numeric", "-12.50"));
	assert_false(equal(DBS_KIND_NUMERIC, numeric, sizeof numeric, "numeric", "12.5"));
	assert_false(equal(DBS_KIND_NUMERIC, numeric, sizeof numeric, "numeric", "-12.51"));
	assert_true(equal(DBS_KIND_NUMERIC, zero, sizeof zero, "numeric", "0.00"));
	assert_true(equal(DBS_KIND_NUMERIC, small, sizeof small, "numeric", "0.000007"));
	assert_false(equal(DBS_KIND_NUMERIC, small, sizeof small, "numeric", "0.00007"));
}

static void
floats(void **state)
{
	float single = 0.1f;
	double whole = 0.1, minus_zero = -0.0;
	float vector[] = {1.0f, -2.5f};

	(void) state;
	assert_true(equal(DBS_KIND_FLOAT4, &single, 4, "float4", "0.1"));
	assert_true(equal(DBS_KIND_FLOAT8, &whole, 8, "float8", "0.1"));
	assert_false(equal(DBS_KIND_FLOAT8, &whole, 8, "float8", "0.10000000000000002"));
	assert_false(equal(DBS_KIND_FLOAT8, &minus_zero, 8, "float8", "0"));
	assert_true(equal(DBS_KIND_VECTOR, vector, sizeof vector, "_float4", "{1,-2.5}"));
	assert_false(equal(DBS_KIND_VECTOR, vector, sizeof vector, "_float4", "{1,-2.5,0}"));
}

static void
times(void **state)
{
	int32_t days = -1;
	int64_t micros = -62892000000000;

	(void) state;
	assert_true(equal(DBS_KIND_DATE, &days, 4, "date", "-1"));
	assert_true(equal(DBS_KIND_TIMESTAMP, &micros, 8, "timestamp", "-62892000000000"));
	assert_true(equal(DBS_KIND_DURATION, &micros, 8, "interval", "-62892000000000"));
}

static void
texts_and_bytes(void **state)
{
	/* {"a", "bc"} and {}. */
	char labels[] = "\x02\0\0\0\x01\0\0\0a\x02\0\0\0bc";
	char no_labels[4] = {0};
	char bits[] = "\x09\0\0\0\xA5\x80";
	char point[25] = {0};

	(void) state;
	assert_true(text_equal(DBS_KIND_TEXT, "\xC3\xA9'\\", "varchar", "\xC3\xA9'\\"));
	assert_false(text_equal(DBS_KIND_TEXT, "a", "text", "a "));
	assert_true(text_equal(DBS_KIND_LABEL, "z", "shop_kind", "z"));
	assert_true(equal(DBS_KIND_BYTES, "\0\xff", 2, "bytea", "00ff"));
	assert_true(equal(DBS_KIND_BYTES, "\x7f\0\0\1", 4, "inet", "127.0.0.1"));
	assert_true(equal(DBS_KIND_LABEL_LIST, labels, sizeof labels - 1, "_text", "a,bc"));
	assert_true(equal(DBS_KIND_LABEL_LIST, labels, sizeof labels - 1, "text", "a,bc"));
	assert_true(equal(DBS_KIND_LABEL_LIST, no_labels, 4, "_text", ""));
	assert_true(equal(DBS_KIND_BIT, bits, 6, "bit", "101001011"));
	point[0] = 7;
	point[4] = 1;
	point[5] = 1;
	assert_true(equal(DBS_KIND_GEOMETRY, point, 25, "bytea",
					  "010100002007000000"
					  "00000000000000000000000000000000"));
	point[0] = 0;
	assert_true(equal(DBS_KIND_GEOMETRY, point, 25, "bytea",
					  "0101000000"
					  "00000000000000000000000000000000"));
}

static void
documents(void **state)
{
	(void) state;
	assert_true(text_equal(DBS_KIND_JSON, "{\"b\":1,\"a\":[true,null,\"x\"]}", "jsonb",
						   "{\"a\": [true, null, \"x\"], \"b\": 1}"));
	assert_true(text_equal(DBS_KIND_TEXT, "12.50", "jsonb", "12.5"));
	assert_true(text_equal(DBS_KIND_JSON, "1.5e20", "jsonb", "150000000000000000000"));
	assert_true(text_equal(DBS_KIND_JSON, "[0.0, -0.010e-2, 18446744073709551615]", "jsonb",
						   "[0, -0.0001, 18446744073709551615]"));
	assert_false(text_equal(DBS_KIND_JSON, "18446744073709551615", "jsonb", "18446744073709551614"));
	assert_false(text_equal(DBS_KIND_JSON, "1005", "jsonb", "105"));
	assert_false(text_equal(DBS_KIND_JSON, "10", "jsonb", "1"));
	assert_true(text_equal(DBS_KIND_JSON, "{\"a\\\"1\":-10}", "jsonb", "{\"a\\\"1\": -10.0}"));
	assert_false(text_equal(DBS_KIND_JSON, "[1,2]", "jsonb", "[2, 1]"));
	assert_false(text_equal(DBS_KIND_JSON, "\"1\"", "jsonb", "1"));
	assert_false(text_equal(DBS_KIND_JSON, "{\"a\":null}", "jsonb", "{}"));
}

static void
no_common_form(void **state)
{
	(void) state;
	assert_int_equal(canonical_form(DBS_KIND_TEXT, "int4"), CANONICAL_NONE);
	assert_int_equal(canonical_form(DBS_KIND_GEOMETRY, "text"), CANONICAL_NONE);
	assert_int_equal(canonical_form(DBS_KIND_INT4, "date"), CANONICAL_NONE);
}

static int
release(void **state)
{
	(void) state;
	canonical_free(&wire);
	canonical_free(&target);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),         cmocka_unit_test(floats),    cmocka_unit_test(times),
		cmocka_unit_test(texts_and_bytes), cmocka_unit_test(documents), cmocka_unit_test(no_common_form),
	};

	return cmocka_run_group_tests_name("clone_canonical", tests, NULL, release);
}
