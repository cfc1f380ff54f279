/*
 * Row images: which columns a row of the log has, and the row of the wire that comes of it.
 *
 * A row is written in one pass. When all columns are there and none is NULL, it is written without bitmaps; should
 * a date then turn out to be none and become NULL, the row is begun again with bitmaps, which is rare.
 */
#include "row_image.h"

#include <string.h>

#include "decimal.h"
#include "row_value.h"
#include "table_map.h"

/* A rows message is closed here, so that what the target handles at once stays small. */
#define MESSAGE_SIZE ((size_t) 64 * 1024)

/* Header and fields of a rows message, and its padding. */
#define MESSAGE_OVERHEAD 32

/* Where a value lies in the event; data is NULL when the image does not have it. */
typedef struct ValueSpan
{
	const uint8_t *data;
	size_t size;
} ValueSpan;

/* Which columns an event's rows have. */
typedef struct ImageColumns
{
	const uint8_t *present; /* bitmap over the table's columns */
	uint32_t count;         /* of those present */
	size_t null_bytes;
	uint8_t last_null_mask; /* the bits of the NULL bitmap's last byte that mean something */
	bool complete;
} ImageColumns;

typedef struct RowsPut
{
	RowWriter writer;
	uint32_t wire_id;
	DbsRowsOp op;
	const uint8_t *at; /* in the event */
	const uint8_t *end;
	bool open;         /* a rows message is open */
	uint32_t rows;     /* in it */
	uint32_t adjusted; /* in it */
	RowsCount *count;
} RowsPut;

size_t
row_plan_column_bound(const ColumnPlan *column)
{
	size_t bound = 8;

	switch (column->op)
	{
		case DECODE_DECIMAL:
			return 7 + DECIMAL_WIRE_BOUND;
		case DECODE_PADDED_BYTES:
		case DECODE_UUID:
			return 7 + column->size;
		case DECODE_BIT:
			return 7 + 4 + 8;
		case DECODE_SET:
			for (uint32_t i = 0; i < column->labels->count; i++)
				bound += 4 + column->labels->labels[i].size;
			return 7 + bound;
		case DECODE_ENUM:
			for (uint32_t i = 0; i < column->labels->count; i++)
			{
				if (column->labels->labels[i].size > bound)
					bound = column->labels->labels[i].size;
			}
			return 7 + bound;
		default:
			return bound;
	}
}

static bool
damaged(RowsPut *put, const char *problem)
{
	const RowPlan *plan = put->writer.plan;

	return failure_set(put->writer.failure, FAILURE_REJECT, "event_damaged",
					   "Check the source's binary log with mysqlbinlog --verify-binlog-checksum.",
					   "a rows event of table \"%s.%s\" %s", plan->schema, plan->table, problem);
}

static inline bool
bit_at(const uint8_t *bitmap, uint32_t i)
{
	return (bitmap[i / 8] >> (i % 8)) & 1;
}

static bool
read_image_columns(RowsPut *put, ImageColumns *image)
{
	uint32_t columns = put->writer.plan->column_count;
	size_t bytes = (columns + 7) / 8;

	if ((size_t) (put->end - put->at) < bytes)
		return damaged(put, "ends inside its column bitmap");
	image->present = put->at;
	image->count = 0;
	for (uint32_t i = 0; i < columns; i++)
		image->count += bit_at(put->at, i);
	image->null_bytes = (image->count + 7) / 8;
	image->last_null_mask = (uint8_t) (image->count % 8 == 0 ? 0xff : (1u << image->count % 8) - 1);
	image->complete = image->count == columns;
	put->at += bytes;
	return true;
}

/* The next value of the row: its bytes, which *at then is behind. */
static inline bool
next_value(const ColumnPlan *column, const uint8_t **at, const uint8_t *end, ValueSpan *value)
{
	const uint8_t *p = *at;
	size_t size = column->fixed;

	if ((size_t) (end - p) < column->prefix)
		return false;
	switch (column->prefix)
	{
		case 0:
			break;
		case 1:
			size = p[0];
			break;
		case 2:
			size = p[0] | (size_t) p[1] << 8;
			break;
		case 3:
			size = p[0] | (size_t) p[1] << 8 | (size_t) p[2] << 16;
			break;
		default:
			size = p[0] | (size_t) p[1] << 8 | (size_t) p[2] << 16 | (size_t) p[3] << 24;
	}
	p += column->prefix;
	if ((size_t) (end - p) < size)
		return false;
	value->data = p;
	value->size = size;
	*at = p + size;
	return true;
}

/* Whether any column is NULL. Bits behind the last column are set and mean nothing. */
static inline bool
any_null(const ImageColumns *image, const uint8_t *nulls)
{
	for (size_t i = 0; i + 1 < image->null_bytes; i++)
	{
		if (nulls[i] != 0)
			return true;
	}
	return image->null_bytes > 0 && (nulls[image->null_bytes - 1] & image->last_null_mask) != 0;
}

/*
 * Walk over one image from *at without writing it; keys, when not NULL, gets where the key's values lie. A key
 * column that is absent or NULL leaves its span empty.
 */
static bool
scan_image(RowsPut *put, const ImageColumns *image, const uint8_t **at, ValueSpan *keys)
{
	const RowPlan *plan = put->writer.plan;
	const uint8_t *nulls = *at;
	uint32_t nth = 0;
	ValueSpan value;

	for (uint32_t i = 0; i < plan->key_count; i++)
		keys[i] = (ValueSpan){NULL, 0};
	if ((size_t) (put->end - *at) < image->null_bytes)
		return damaged(put, "ends inside a row");
	*at += image->null_bytes;
	for (uint32_t i = 0; i < plan->column_count; i++)
	{
		const ColumnPlan *column = &plan->columns[i];

		if (!image->complete && !bit_at(image->present, i))
			continue;
		if (bit_at(nulls, nth++))
			continue;
		if (!next_value(column, at, put->end, &value))
			return damaged(put, "ends inside a row");
		if (column->key_index >= 0)
			keys[column->key_index] = value;
	}
	return true;
}

/* ---- writing one row ------------------------------------------------------------ */

/* A row with all values and no NULL. *no_date: a date is none, and nothing of the row counts. */
static bool
put_full_row(RowsPut *put, const ImageColumns *image, bool *no_date)
{
	const RowPlan *plan = put->writer.plan;
	const ColumnPlan *column = plan->columns;
	const ColumnPlan *stop = column + plan->column_count;
	const uint8_t *at = put->at + image->null_bytes;
	ValueSpan value;

	dbs_put_u8(put->writer.w, DBS_ROW_FULL);
	for (; column < stop; column++)
	{
		ValueResult result;

		if (!next_value(column, &at, put->end, &value))
			return damaged(put, "ends inside a row");
		result = row_value_put(&put->writer, column, value.data, value.size);
		if (result == VALUE_PUT)
			continue;
		*no_date = result == VALUE_NO_DATE;
		return false;
	}
	put->at = at;
	return true;
}

static inline void
set_bit(RowsPut *put, size_t bitmap, uint32_t i)
{
	DbsWriter *w = put->writer.w;

	w->data[w->message + bitmap + i / 8] |= (char) (1u << (i % 8));
}

/*
 * A row with bitmaps. key_only leaves all but the key out; keys, when not NULL, gives the values of key columns
 * that the image itself does not have.
 */
static bool
put_sparse_row(RowsPut *put, const ImageColumns *image, bool key_only, const ValueSpan *keys)
{
	const RowPlan *plan = put->writer.plan;
	bool has_absent = key_only || !image->complete;
	size_t bytes = (plan->column_count + 7) / 8;
	const uint8_t *nulls = put->at;
	const uint8_t *at = put->at + image->null_bytes;
	DbsWriter *w = put->writer.w;
	size_t null_map = w->used + 1 - w->message;
	size_t absent_map = null_map + bytes;
	uint32_t nth = 0;

	dbs_put_u8(w, has_absent ? DBS_ROW_ABSENT : DBS_ROW_NULLS);
	memset(w->data + w->used, 0, has_absent ? 2 * bytes : bytes);
	w->used += has_absent ? 2 * bytes : bytes;
	for (uint32_t i = 0; i < plan->column_count; i++)
	{
		const ColumnPlan *column = &plan->columns[i];
		ValueSpan value = {NULL, 0};
		ValueResult result;
		bool null = false;

		if (image->complete || bit_at(image->present, i))
		{
			null = bit_at(nulls, nth++);
			if (!null && !next_value(column, &at, put->end, &value))
				return damaged(put, "ends inside a row");
			if (key_only && column->key_index < 0)
			{
				null = false;
				value.data = NULL;
			}
		}
		else if (keys != NULL && column->key_index >= 0)
			value = keys[column->key_index];
		if (null)
			set_bit(put, null_map, i);
		else if (value.data == NULL)
			set_bit(put, absent_map, i);
		else
		{
			result = row_value_put(&put->writer, column, value.data, value.size);
			if (result == VALUE_FAILED)
				return false;
			if (result == VALUE_NO_DATE)
			{
				put->writer.adjusted++;
				set_bit(put, null_map, i);
			}
		}
	}
	put->at = at;
	return true;
}

/* Write the image at put->at, and go behind it. counted: what a policy changes in it counts. */
static bool
put_row(RowsPut *put, const ImageColumns *image, bool key_only, const ValueSpan *keys, bool counted)
{
	RowWriter *writer = &put->writer;
	size_t start;
	bool done = false, no_date = false;

	if ((size_t) (put->end - put->at) < image->null_bytes)
		return damaged(put, "ends inside a row");
	if (!row_writer_room(writer, 0))
		return false;
	writer->adjusted = 0;
	start = writer->w->used - writer->w->message;
	if (image->complete && !key_only && !any_null(image, put->at))
	{
		done = put_full_row(put, image, &no_date);
		if (!done && !no_date)
			return false;
		if (no_date)
		{
			writer->adjusted = 0;
			writer->w->used = writer->w->message + start;
			if (!row_writer_room(writer, 0))
				return false;
		}
	}
	if (!done && !put_sparse_row(put, image, key_only, keys))
		return false;
	if (counted)
		put->adjusted += writer->adjusted;
	return true;
}

/* ---- messages ------------------------------------------------------------------------ */

static bool
open_message(RowsPut *put)
{
	RowWriter *writer = &put->writer;

	if (put->open)
		return true;
	/* Asked for each message, whatever room there is: only so are full batches handed over. */
	if (!outbox_reserve(writer->outbox, MESSAGE_OVERHEAD + writer->plan->fixed_bound, writer->failure))
		return false;
	writer->w = outbox_writer(writer->outbox);
	if (!dbs_rows_begin(writer->w, put->wire_id, put->op))
		return damaged(put, "does not fit the room that was made for it");
	put->open = true;
	put->rows = 0;
	put->adjusted = 0;
	return true;
}

static void
close_message(RowsPut *put)
{
	if (!put->open)
		return;
	dbs_rows_end(put->writer.w, put->rows, put->adjusted);
	put->count->rows += put->rows;
	put->count->adjusted += put->adjusted;
	put->open = false;
}

/* Whether the old row may be left out, since its key is the new row's. */
static bool
same_key(const RowPlan *plan, const ValueSpan *before, const ValueSpan *after)
{
	for (uint32_t i = 0; i < plan->key_count; i++)
	{
		if (after[i].data == NULL)
			continue;
		if (before[i].size != after[i].size || memcmp(before[i].data, after[i].data, after[i].size) != 0)
			return false;
	}
	return true;
}

static bool
has_whole_key(const RowPlan *plan, const ValueSpan *keys)
{
	for (uint32_t i = 0; i < plan->key_count; i++)
	{
		if (keys[i].data == NULL)
			return false;
	}
	return plan->key_count > 0;
}

static bool
put_old_row(RowsPut *put, const ImageColumns *image)
{
	const RowPlan *plan = put->writer.plan;
	ValueSpan keys[ROW_PLAN_MAX_KEY];
	const uint8_t *after = put->at;
	bool key_only = plan->key_count > 0 && !plan->full_before_images;

	if (key_only)
	{
		if (!scan_image(put, image, &after, keys))
			return false;
		key_only = has_whole_key(plan, keys);
	}
	return put_row(put, image, key_only, NULL, false);
}

static bool
put_update(RowsPut *put, const ImageColumns *before, const ImageColumns *after)
{
	const RowPlan *plan = put->writer.plan;
	ValueSpan old_keys[ROW_PLAN_MAX_KEY], new_keys[ROW_PLAN_MAX_KEY];
	const uint8_t *new_image = put->at;
	const uint8_t *behind;

	if (plan->key_count == 0 || plan->full_before_images)
		return put_row(put, before, false, NULL, false) && put_row(put, after, false, NULL, true);
	if (!scan_image(put, before, &new_image, old_keys))
		return false;
	behind = new_image;
	if (!scan_image(put, after, &behind, new_keys))
		return false;
	if (!has_whole_key(plan, old_keys))
		return put_row(put, before, false, NULL, false) && put_row(put, after, false, NULL, true);
	if (!same_key(plan, old_keys, new_keys))
		return put_row(put, before, true, NULL, false) && put_row(put, after, false, old_keys, true);
	if (!row_writer_room(&put->writer, 1))
		return false;
	dbs_put_u8(put->writer.w, DBS_ROW_SAME_KEY);
	put->at = new_image;
	return put_row(put, after, false, old_keys, true);
}

/*
 * Every row takes at least one byte of the event, but for an inserted row without any column (a minimal image of a row
 * that is all defaults): it has none, and stands for one row, as MySQL's own replicas read it.
 */
static bool
put_rows(RowsPut *put, RowsEventKind kind, const ImageColumns *first, const ImageColumns *second)
{
	bool empty_row = kind == ROWS_EVENT_WRITE && first->count == 0;

	if (empty_row && put->at < put->end)
		return damaged(put, "has bytes behind a row without columns");
	while (put->at < put->end || empty_row)
	{
		const uint8_t *row = put->at;
		bool done;

		if (!open_message(put))
			return false;
		if (kind == ROWS_EVENT_WRITE)
			done = put_row(put, first, false, NULL, true);
		else if (kind == ROWS_EVENT_DELETE)
			done = put_old_row(put, first);
		else
			done = put_update(put, first, second);
		if (!done)
			return false;
		if (put->at == row && !empty_row)
			return damaged(put, "has a row without columns");
		empty_row = false;
		put->rows++;
		if (put->writer.w->used - put->writer.w->message >= MESSAGE_SIZE)
			close_message(put);
	}
	close_message(put);
	return true;
}

bool
row_image_put_rows(const RowPlan *plan, uint32_t wire_id, RowsEventKind kind, const uint8_t *body, size_t size,
				   Outbox *outbox, RowsCount *count, Failure *failure)
{
	static const DbsRowsOp ops[] = {[ROWS_EVENT_WRITE] = DBS_ROWS_INSERT,
									[ROWS_EVENT_UPDATE] = DBS_ROWS_UPDATE,
									[ROWS_EVENT_DELETE] = DBS_ROWS_DELETE};
	RowsPut put = {.writer = {.plan = plan, .outbox = outbox, .w = outbox_writer(outbox), .failure = failure},
				   .wire_id = wire_id,
				   .op = ops[kind],
				   .at = body,
				   .end = body + size,
				   .count = count};
	ImageColumns first, second = {0};
	uint64_t columns;

	put.at = packed_length(body, put.end, &columns);
	if (put.at == NULL)
		return damaged(&put, "ends before its column count");
	if (columns != plan->column_count)
		return damaged(&put, "has another number of columns than its table");
	if (!read_image_columns(&put, &first) || (kind == ROWS_EVENT_UPDATE && !read_image_columns(&put, &second)))
		return false;
	return put_rows(&put, kind, &first, &second);
}
