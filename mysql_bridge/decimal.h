/*
 * MySQL's packed decimals to base-10000 digits.
 */
#ifndef DBS_BRIDGE_DECIMAL_H
#define DBS_BRIDGE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Columns have up to 65 digits. Decimals inside JSON documents have their whole part rounded up to groups of nine, so
 * up to nine such groups in all. In groups of four that begin at the point there are never more than this.
 */
#define DECIMAL_MAX_PRECISION 81
#define DECIMAL_MAX_DIGITS 22
#define DECIMAL_WIRE_BOUND (6 + 2 * DECIMAL_MAX_DIGITS)

/* Room for sign, 81 digits, point, a leading zero and the terminator. */
#define DECIMAL_TEXT_SIZE 88

/* A number as PostgreSQL's numeric holds it: digits[0] counts 10000 to the power weight. */
typedef struct Decimal
{
	int16_t weight;
	uint16_t sign; /* DBS_NUMERIC_POSITIVE or DBS_NUMERIC_NEGATIVE */
	uint16_t scale;
	uint16_t count;
	uint16_t digits[DECIMAL_MAX_DIGITS]; /* none leading or trailing is 0 */
} Decimal;

/* Bytes of a packed DECIMAL(precision, scale). */
size_t decimal_packed_size(unsigned precision, unsigned scale);

/*
 * Unpack. from has decimal_packed_size bytes. False when a group is larger than its digits allow. The layout (groups of
 * nine digits in four bytes, big-endian, first bit inverted, all bits inverted when negative) is that of MySQL's
 * decimal2bin.
 */
bool decimal_unpack(const uint8_t *from, unsigned precision, unsigned scale, Decimal *out);

/* The wire form of kind numeric without its length; returns the bytes, at most DECIMAL_WIRE_BOUND. */
size_t decimal_wire(const Decimal *decimal, uint8_t *out);

/* As MySQL prints it, with all digits of the scale; returns the length. */
size_t decimal_text(const Decimal *decimal, char out[DECIMAL_TEXT_SIZE]);

#endif
