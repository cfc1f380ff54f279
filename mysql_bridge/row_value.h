/*
 * One value of the log to one value of the wire.
 */
#ifndef DBS_BRIDGE_ROW_VALUE_H
#define DBS_BRIDGE_ROW_VALUE_H

#include "row_image.h"

typedef enum ValueResult
{
	VALUE_PUT,
	VALUE_NO_DATE, /* nothing was written; the policy makes it NULL */
	VALUE_FAILED
} ValueResult;

typedef struct RowWriter
{
	const RowPlan *plan;
	Outbox *outbox;
	DbsWriter *w;      /* the outbox's, fetched anew after each reserve */
	uint32_t adjusted; /* values of the row being written that a policy changed */
	Failure *failure;
} RowWriter;

/* Room for size more bytes beside what the rest of the row may need. */
static inline bool
row_writer_room(RowWriter *writer, size_t size)
{
	if (dbs_wire_room(writer->w) >= size + writer->plan->fixed_bound)
		return true;
	if (!outbox_reserve(writer->outbox, size + writer->plan->fixed_bound, writer->failure))
		return false;
	writer->w = outbox_writer(writer->outbox);
	return true;
}

/* Values whose writing takes more than a few instructions: all but the fixed-width ones. */
ValueResult row_value_put_varying(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size);

/* Fails with table and column named; at most 16 bytes of the value are shown in hexadecimal as the detail. */
bool row_value_failure(RowWriter *writer, const ColumnPlan *column, const char *code, const char *hint,
					   const char *problem, const uint8_t *data, size_t size);

/* A date that does not exist, under the policy "error". */
bool row_value_date_failure(RowWriter *writer, const ColumnPlan *column, const uint8_t *data);

/*
 * Write one value. data has size bytes: the column's fixed bytes, or what its length said. Room for the plan's
 * fixed bound is there.
 */
static inline ValueResult
row_value_put(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	DbsWriter *w = writer->w;
	uint16_t v2;
	uint32_t v4;

	switch (column->op)
	{
		case DECODE_INT1:
			dbs_put_u16(w, (uint16_t) (int16_t) (int8_t) data[0]);
			return VALUE_PUT;
		case DECODE_UINT1:
			dbs_put_u16(w, data[0]);
			return VALUE_PUT;
		case DECODE_COPY2:
			memcpy(&v2, data, 2);
			dbs_put_u16(w, v2);
			return VALUE_PUT;
		case DECODE_UINT2:
			memcpy(&v2, data, 2);
			dbs_put_u32(w, v2);
			return VALUE_PUT;
		case DECODE_INT3:
			v4 = (uint32_t) data[0] << 8 | (uint32_t) data[1] << 16 | (uint32_t) data[2] << 24;
			dbs_put_u32(w, (uint32_t) ((int32_t) v4 >> 8));
			return VALUE_PUT;
		case DECODE_UINT3:
			dbs_put_u32(w, data[0] | (uint32_t) data[1] << 8 | (uint32_t) data[2] << 16);
			return VALUE_PUT;
		case DECODE_COPY4:
			memcpy(&v4, data, 4);
			dbs_put_u32(w, v4);
			return VALUE_PUT;
		case DECODE_UINT4:
			memcpy(&v4, data, 4);
			dbs_put_u64(w, v4);
			return VALUE_PUT;
		case DECODE_COPY8:
			dbs_put_bytes(w, data, 8);
			return VALUE_PUT;
		case DECODE_YEAR:
			dbs_put_u16(w, data[0] == 0 ? 0 : (uint16_t) (1900 + data[0]));
			return VALUE_PUT;
		case DECODE_BOOL:
			dbs_put_u8(w, data[0] & 1);
			return VALUE_PUT;
		default:
			return row_value_put_varying(writer, column, data, size);
	}
}

#endif
