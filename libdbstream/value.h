/*
 * One value of a row: reading it by its kind, and checking what stands inside
 * the compound ones.
 */
#ifndef DBS_VALUE_H
#define DBS_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "kind.h"
#include "wire.h"

/*
 * The next value of that kind, which must be one of a column message that was
 * accepted.  *value points into the message; a varying value's 4-byte size
 * stands aligned directly before it, a fixed-width one is not aligned.
 */
static inline bool
dbs_get_value(DbsReader *r, uint8_t kind, const char **value, uint32_t *size)
{
	uint8_t width = dbs_kind_width[kind];

	if (width == 0)
		return dbs_get_varying(r, value, size);
	*size = width;
	return dbs_get_fixed(r, width, value);
}

/*
 * NULL when value[0..size) is a value of that kind as kind.h describes it,
 * else a constant sentence.  What it leaves to the receiver's own parsers:
 * JSON's syntax, the inside of well-known binary, the words of typed text.
 */
const char *dbs_value_check(uint8_t kind, const char *value, uint32_t size);

#endif
