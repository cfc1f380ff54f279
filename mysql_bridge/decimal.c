/*
 * Packed decimals.
 */
#include "decimal.h"

#include <string.h>

#include "../libdbstream/kind.h"

/* Bytes that a group of so many digits takes. */
static const uint8_t group_bytes[10] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
static const uint32_t power_of_ten[10] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

size_t
decimal_packed_size(unsigned precision, unsigned scale)
{
	unsigned whole = precision - scale;

	return whole / 9 * 4 + group_bytes[whole % 9] + scale / 9 * 4 + group_bytes[scale % 9];
}

/* Read one group of digits at *at into single digits; first_bit is flipped back in the number's first byte. */
static bool
unpack_group(const uint8_t **at, unsigned digits, uint8_t invert, uint8_t *first_bit, uint8_t *out)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < group_bytes[digits]; i++)
	{
		value = value << 8 | (uint8_t) (*(*at)++ ^ *first_bit ^ invert);
		*first_bit = 0;
	}
	if (value >= power_of_ten[digits])
		return false;
	for (unsigned i = digits; i-- > 0;)
	{
		out[i] = (uint8_t) (value % 10);
		value /= 10;
	}
	return true;
}

/* Single digits to base 10000; leading and trailing zeros go, as PostgreSQL's numeric wants them. */
static void
gather_digits(const uint8_t *digits, unsigned whole_groups, unsigned groups, Decimal *out)
{
	unsigned first = 0;

	for (unsigned i = 0; i < groups; i++)
	{
		const uint8_t *d = digits + 4 * i;
		uint16_t value = (uint16_t) (d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3]);

		if (out->count == 0 && value == 0)
		{
			first = i + 1;
			continue;
		}
		out->digits[out->count++] = value;
	}
	while (out->count > 0 && out->digits[out->count - 1] == 0)
		out->count--;
	out->weight = out->count == 0 ? 0 : (int16_t) ((int) whole_groups - 1 - (int) first);
	if (out->count == 0)
		out->sign = DBS_NUMERIC_POSITIVE;
}

bool
decimal_unpack(const uint8_t *from, unsigned precision, unsigned scale, Decimal *out)
{
	/* Whole digits end, and fraction digits begin, at a multiple of four. */
	uint8_t digits[4 * DECIMAL_MAX_DIGITS + 8];
	unsigned whole = precision - scale;
	unsigned whole_groups = (whole + 3) / 4;
	unsigned groups = whole_groups + (scale + 3) / 4;
	bool negative;
	uint8_t invert, first_bit = 0x80;
	uint8_t *to;

	if (precision < 1 || precision > DECIMAL_MAX_PRECISION || scale > precision)
		return false;
	negative = (from[0] & 0x80) == 0;
	invert = negative ? 0xff : 0;
	memset(digits, 0, 4 * groups);
	to = digits + 4 * whole_groups - whole;
	if (whole % 9 > 0 && !unpack_group(&from, whole % 9, invert, &first_bit, to))
		return false;
	to += whole % 9;
	for (unsigned i = 0; i < whole / 9 + scale / 9; i++, to += 9)
	{
		if (!unpack_group(&from, 9, invert, &first_bit, to))
			return false;
	}
	if (scale % 9 > 0 && !unpack_group(&from, scale % 9, invert, &first_bit, to))
		return false;
	out->sign = negative ? DBS_NUMERIC_NEGATIVE : DBS_NUMERIC_POSITIVE;
	out->scale = (uint16_t) scale;
	out->count = 0;
	gather_digits(digits, whole_groups, groups, out);
	return true;
}

size_t
decimal_wire(const Decimal *decimal, uint8_t *out)
{
	memcpy(out, &decimal->weight, 2);
	memcpy(out + 2, &decimal->sign, 2);
	memcpy(out + 4, &decimal->scale, 2);
	memcpy(out + 6, decimal->digits, 2 * (size_t) decimal->count);
	return 6 + 2 * (size_t) decimal->count;
}

/* The base-10000 digit that counts 10000 to the power weight. */
static unsigned
digit_at(const Decimal *decimal, int weight)
{
	int index = decimal->weight - weight;

	return index < 0 || index >= decimal->count ? 0 : decimal->digits[index];
}

size_t
decimal_text(const Decimal *decimal, char out[DECIMAL_TEXT_SIZE])
{
	static const unsigned unit[4] = {1000, 100, 10, 1};
	size_t at = 0;
	bool leading = true;

	if (decimal->sign == DBS_NUMERIC_NEGATIVE)
		out[at++] = '-';
	for (int weight = decimal->count == 0 ? 0 : decimal->weight; weight >= 0; weight--)
	{
		for (int i = 0; i < 4; i++)
		{
			unsigned digit = digit_at(decimal, weight) / unit[i] % 10;

			leading = leading && digit == 0;
			if (!leading)
				out[at++] = (char) ('0' + digit);
		}
	}
	if (leading)
		out[at++] = '0';
	if (decimal->scale > 0)
		out[at++] = '.';
	for (int i = 0; i < decimal->scale; i++)
		out[at++] = (char) ('0' + digit_at(decimal, -1 - i / 4) / unit[i % 4] % 10);
	out[at] = '\0';
	return at;
}
