/*
 * Rows of the log to rows of the wire, by a plan made once for each table.
 */
#ifndef DBS_BRIDGE_ROW_IMAGE_H
#define DBS_BRIDGE_ROW_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "charset.h"
#include "failure.h"
#include "outbox.h"
#include "source_table.h"
#include "stream_config.h"

/* How a value of the log becomes a value of the wire. */
typedef enum DecodeOp
{
	DECODE_INT1,
	DECODE_UINT1,
	DECODE_COPY2,
	DECODE_UINT2,
	DECODE_INT3,
	DECODE_UINT3,
	DECODE_COPY4,
	DECODE_UINT4,
	DECODE_COPY8,
	DECODE_DECIMAL,
	DECODE_TEXT,
	DECODE_BYTES,
	DECODE_PADDED_BYTES, /* BINARY(n): the log leaves trailing zeros out */
	DECODE_UUID,         /* the same, 16 bytes */
	DECODE_DATE,
	DECODE_DATETIME2,
	DECODE_TIMESTAMP2,
	DECODE_TIME2,
	DECODE_OLD_DATETIME,
	DECODE_OLD_TIMESTAMP,
	DECODE_OLD_TIME,
	DECODE_YEAR,
	DECODE_BOOL,
	DECODE_BIT,
	DECODE_ENUM,
	DECODE_SET,
	DECODE_JSON,
	DECODE_GEOMETRY,
	DECODE_VECTOR,
	DECODE_COMPRESSED_TEXT, /* MariaDB's COMPRESSED columns */
	DECODE_COMPRESSED_BYTES
} DecodeOp;

/* An enum's or a set's labels in UTF-8. */
typedef struct LabelSet
{
	uint32_t count;
	DbsString *labels; /* one block together with the bytes */
} LabelSet;

typedef struct ColumnPlan
{
	uint8_t op;        /* DecodeOp */
	uint8_t prefix;    /* bytes of the length before the value; 0: fixed bytes */
	uint8_t fsp;       /* fraction digits; decimals: precision */
	uint8_t scale;     /* decimals */
	int16_t key_index; /* among the primary key's columns; -1: not in it */
	uint32_t fixed;    /* bytes in the log of a value without a length */
	uint32_t size;     /* BINARY: bytes; BIT: bits; most bytes of a compressed value, 0 when not known */
	const Charset *charset;
	const LabelSet *labels;
	const char *name;
} ColumnPlan;

#define ROW_PLAN_MAX_KEY 64

typedef struct RowPlan
{
	const char *schema;
	const char *table;
	uint32_t column_count;
	uint32_t key_count; /* 0: no primary key */
	size_t fixed_bound; /* of one wire row, without the bytes of values that have a length in the log */
	bool strip_nul_bytes;
	bool full_before_images;
	ZeroDates zero_dates;
	const ColumnPlan *columns;
} RowPlan;

/* Most wire bytes of a column, without those of a value that has a length in the log. */
size_t row_plan_column_bound(const ColumnPlan *column);

/* What source_table_put_rows does. */
MUST_CHECK bool row_image_put_rows(const RowPlan *plan, uint32_t wire_id, RowsEventKind kind, const uint8_t *body,
								   size_t size, Outbox *outbox, RowsCount *count, Failure *failure);

#endif
