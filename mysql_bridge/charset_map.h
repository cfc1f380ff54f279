/*
 * One character set's mapping to Unicode: built in for the Unicode sets, learned from the source for all others.
 */
#ifndef DBS_BRIDGE_CHARSET_MAP_H
#define DBS_BRIDGE_CHARSET_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "charset.h"

typedef enum CharsetForm
{
	CHARSET_BINARY,
	CHARSET_ASCII,
	CHARSET_UTF8,
	CHARSET_UCS2,    /* big-endian */
	CHARSET_UTF16,   /* big-endian */
	CHARSET_UTF16LE, /* little-endian */
	CHARSET_UTF32,   /* big-endian */
	CHARSET_LEARNED
} CharsetForm;

/* The prefix of the three-byte codes of ujis and eucjpms. */
#define CHARSET_TRIPLE_PREFIX 0x8f

/* gb18030: four-byte codes 81308130 to 8431A439 stand for what is left of the basic plane, 90308130 and up for the
 * rest, in order. */
#define GB18030_LOW_CODES 39420
#define GB18030_HIGH_BASE 189000

/* UTF-8 of one code: up to four bytes, and how many; 0 bytes: no character. */
typedef struct CharsetCode
{
	char utf8[4];
} CharsetCode;

struct Charset
{
	char name[64];
	uint32_t max_bytes; /* of one character */
	CharsetForm form;
	bool ready;           /* learned, or built in */
	bool ascii_as_is;     /* bytes below 0x80 are ASCII */
	uint8_t expansion;    /* most UTF-8 bytes for one byte */
	uint8_t *sizes;       /* [256]: UTF-8 bytes of a single byte, 0: not a character by itself */
	CharsetCode *singles; /* [256] */
	uint32_t *pairs;      /* [65536] or NULL: code points of two-byte codes, 0: none */
	uint32_t *triples;    /* [65536] or NULL: of codes with the prefix */
	uint32_t *quads;      /* [GB18030_LOW_CODES] or NULL */
};

/* Set form and properties by name; false when the set must be learned. */
bool charset_map_built_in(Charset *charset);

/* Ask the server for the whole mapping. */
MUST_CHECK bool charset_map_learn(Charset *charset, MYSQL *sql, Failure *failure);

void charset_map_clear(Charset *charset);

/* A code point as UTF-8; returns the bytes, 0 for a surrogate or beyond 10FFFF. */
size_t charset_put_utf8(uint32_t code_point, char out[4]);

#endif
