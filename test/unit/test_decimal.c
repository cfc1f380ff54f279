/*
 * Packed decimals: packed here by other means, unpacked, and compared as text and as wire digits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decimal.h"
#include "kind.h"

/* Pack a number given as sign, whole digits and fraction digits, each filled up to their full count. */
static size_t
pack(bool negative, const char *whole, const char *fraction, uint8_t *out)
{
	static const int bytes[10] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
	size_t at = 0;

	for (int part = 0; part < 2; part++)
	{
		const char *digits = part == 0 ? whole : fraction;
		size_t left = strlen(digits);

		while (left > 0)
		{
			size_t take = left >= 9 && (part == 1 || left % 9 == 0) ? 9 : left % 9;
			char group[10] = "";
			unsigned long value;

			memcpy(group, digits, take);
			value = strtoul(group, NULL, 10);
			for (int i = bytes[take]; i-- > 0;)
				out[at++] = (uint8_t) (value >> (8 * i));
			digits += take;
			left -= take;
		}
	}
	out[0] ^= 0x80;
	for (size_t i = 0; negative && i < at; i++)
		out[i] ^= 0xff;
	return at;
}

/* What MySQL prints: no leading zeros but one before the point, all digits of the fraction, no sign on zero. */
static void
expected_text(bool negative, const char *whole, const char *fraction, char *out, size_t size)
{
	bool zero = strspn(whole, "0") == strlen(whole) && strspn(fraction, "0") == strlen(fraction);

	while (whole[0] == '0')
		whole++;
	snprintf(out, size, "%s%s%s%s", negative && !zero ? "-" : "", whole[0] == '\0' ? "0" : whole,
			 fraction[0] == '\0' ? "" : ".", fraction);
}

static void
check(bool negative, const char *whole, const char *fraction)
{
	uint8_t wire[DECIMAL_WIRE_BOUND];
	char text[DECIMAL_TEXT_SIZE], expected[128];
	uint8_t buffer[64];
	unsigned precision = (unsigned) (strlen(whole) + strlen(fraction));
	unsigned scale = (unsigned) strlen(fraction);
	size_t size = pack(negative, whole, fraction, buffer);
	uint8_t *packed = malloc(size);
	Decimal decimal;

	memcpy(packed, buffer, size);
	assert_int_equal(decimal_packed_size(precision, scale), size);
	assert_true(decimal_unpack(packed, precision, scale, &decimal));
	expected_text(negative, whole, fraction, expected, sizeof expected);
	assert_int_equal(decimal_text(&decimal, text), strlen(expected));
	assert_string_equal(text, expected);
	assert_int_equal(decimal.scale, scale);
	if (decimal.count > 0)
	{
		assert_int_not_equal(decimal.digits[0], 0);
		assert_int_not_equal(decimal.digits[decimal.count - 1], 0);
	}
	else
	{
		assert_int_equal(decimal.weight, 0);
		assert_int_equal(decimal.sign, DBS_NUMERIC_POSITIVE);
	}
	assert_int_equal(decimal_wire(&decimal, wire), 6 + 2 * decimal.count);
	free(packed);
}

static void
test_every_shape(void **state)
{
	static const char fills[][2] = {"9", "0", "1", "5"};
	char whole[96], fraction[96];

	for (unsigned precision = 1; precision <= DECIMAL_MAX_PRECISION; precision++)
	{
		for (unsigned scale = 0; scale <= precision && scale <= 38; scale++)
		{
			for (size_t f = 0; f < 4; f++)
			{
				memset(whole, fills[f][0], precision - scale);
				whole[precision - scale] = '\0';
				memset(fraction, fills[f][0], scale);
				fraction[scale] = '\0';
				check(false, whole, fraction);
				check(true, whole, fraction);
				/* The smallest that is not zero. */
				memset(whole, '0', precision - scale);
				memset(fraction, '0', scale);
				*(scale > 0 ? fraction + scale - 1 : whole + precision - 1) = '1';
				check(f % 2 == 0, whole, fraction);
			}
		}
	}
}

static void
test_random(void **state)
{
	char whole[96], fraction[96];

	srandom(1);
	for (int i = 0; i < 20000; i++)
	{
		unsigned precision = 1 + (unsigned) random() % 65;
		unsigned scale = (unsigned) random() % (precision + 1);

		scale = scale > 38 ? 38 : scale;
		for (unsigned k = 0; k < precision - scale; k++)
			whole[k] = (char) ('0' + (random() % 3 == 0 ? 0 : random() % 10));
		whole[precision - scale] = '\0';
		for (unsigned k = 0; k < scale; k++)
			fraction[k] = (char) ('0' + (random() % 3 == 0 ? 0 : random() % 10));
		fraction[scale] = '\0';
		check(random() % 2 == 0, whole, fraction);
	}
}

static void
test_wire(void **state)
{
	/* -12345.0670: weight 1, digits 1 2345 0670. */
	uint8_t packed[16], wire[DECIMAL_WIRE_BOUND];
	const uint16_t expected[] = {1, DBS_NUMERIC_NEGATIVE, 4, 1, 2345, 670};
	Decimal decimal;

	pack(true, "000012345", "0670", packed);
	assert_true(decimal_unpack(packed, 13, 4, &decimal));
	assert_int_equal(decimal_wire(&decimal, wire), sizeof expected);
	assert_memory_equal(wire, expected, sizeof expected);
}

static void
test_damaged(void **state)
{
	/* Four bytes that stand for nine digits, and hold more. */
	uint8_t packed[4] = {0xff, 0xff, 0xff, 0xff};
	Decimal decimal;

	assert_false(decimal_unpack(packed, 9, 0, &decimal));
	assert_false(decimal_unpack(packed, 0, 0, &decimal));
	assert_false(decimal_unpack(packed, 4, 5, &decimal));
	assert_false(decimal_unpack(packed, 82, 0, &decimal));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_shape),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
