/*
 * Value kinds: how one value of a row stands on the wire.  A kind is about
 * representation, not about a database's type names; typemap.h relates the two.
 */
#ifndef DBS_KIND_H
#define DBS_KIND_H

#include <stdint.h>

typedef enum DbsKind
{
	DBS_KIND_NONE = 0,
	DBS_KIND_BOOL = 1,         /* u8: 0 or 1 */
	DBS_KIND_INT2 = 2,         /* i16 */
	DBS_KIND_INT4 = 3,         /* i32 */
	DBS_KIND_INT8 = 4,         /* i64 */
	DBS_KIND_UINT8 = 5,        /* u64 */
	DBS_KIND_FLOAT4 = 6,       /* IEEE 754 */
	DBS_KIND_FLOAT8 = 7,       /* IEEE 754 */
	DBS_KIND_NUMERIC = 8,      /* varying: i16 weight, u16 sign, u16 dscale, u16 digits[]; base 10000 */
	DBS_KIND_DATE = 9,         /* i32: days since 2000-01-01; INT32_MIN/MAX = -/+infinity */
	DBS_KIND_TIME = 10,        /* i64: microseconds since midnight */
	DBS_KIND_TIMESTAMP = 11,   /* i64: microseconds since 2000-01-01 00:00; INT64_MIN/MAX = -/+infinity */
	DBS_KIND_TIMESTAMPTZ = 12, /* i64: the same, in UTC */
	DBS_KIND_DURATION = 13,    /* i64: microseconds, signed */
	DBS_KIND_INTERVAL = 14,    /* i64 microseconds, i32 days, i32 months */
	DBS_KIND_TEXT = 15,        /* varying: UTF-8 */
	DBS_KIND_BYTES = 16,       /* varying */
	DBS_KIND_JSON = 17,        /* varying: JSON text in UTF-8 */
	DBS_KIND_BIT = 18,         /* varying: u32 number of bits, then the bits, leftmost first, last byte zero-padded */
	DBS_KIND_UUID = 19,        /* 16 bytes */
	DBS_KIND_LABEL = 20,       /* varying: an enum's label in UTF-8 */
	DBS_KIND_LABEL_LIST = 21,  /* varying: u32 count, then for each u32 size and UTF-8 bytes */
	DBS_KIND_GEOMETRY = 22,    /* varying: u32 SRID, then well-known binary */
	DBS_KIND_VECTOR = 23,      /* varying: float4[] */
	DBS_KIND_TYPED_TEXT = 24   /* varying: UTF-8, the text form of the type that the column's type_name says */
} DbsKind;

#define DBS_KIND_COUNT 25

#define DBS_NUMERIC_POSITIVE 0x0000
#define DBS_NUMERIC_NEGATIVE 0x4000
#define DBS_NUMERIC_NAN 0xC000
#define DBS_NUMERIC_POSITIVE_INFINITY 0xD000
#define DBS_NUMERIC_NEGATIVE_INFINITY 0xF000

/* Bytes of a fixed-width kind, 0 for the varying ones. */
extern const uint8_t dbs_kind_width[DBS_KIND_COUNT];

/* The kind's name as documentation and messages use it ("int4", "label list"); NULL for no kind. */
const char *dbs_kind_name(DbsKind kind);

#endif
