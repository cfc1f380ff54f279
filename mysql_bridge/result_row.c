/*
 * Rows of a query's result: see result_row.h.
 */
#include "result_row.h"

#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "temporal.h"

/* A rows message is closed here, so that what the target handles at once stays small. */
#define MESSAGE_SIZE ((size_t) 64 * 1024)

/* More than any value takes beside its bytes. */
#define VALUE_ROOM 96

typedef enum PutResult
{
	PUT_DONE,
	PUT_NO_DATE, /* nothing was written; the policy makes it NULL */
	PUT_FAILED
} PutResult;

static bool
value_failure(const ResultPlan *plan, const ResultColumn *column, const char *code, const char *hint,
			  const char *problem, const char *text, size_t size, Failure *failure)
{
	return failure_set(failure, FAILURE_REJECT, code, hint, "column \"%s\" of table \"%s.%s\" %s: '%.*s'", column->name,
					   plan->schema, plan->table, problem, (int) (size < 64 ? size : 64), text);
}

static bool
not_understood(const ResultPlan *plan, const ResultColumn *column, const char *text, size_t size, Failure *failure)
{
	return value_failure(plan, column, "value_unknown", "Report this with the column's type.",
						 "holds a value that is not understood", text, size, failure);
}

/* ---- numbers ---- */

static bool
parse_magnitude(const char *text, size_t size, uint64_t *out)
{
	uint64_t value = 0;

	if (size == 0)
		return false;
	for (size_t i = 0; i < size; i++)
	{
		unsigned digit = (unsigned) (text[i] - '0');

		if (digit > 9)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

static bool
put_integer(DbsWriter *w, uint8_t op, const char *text, size_t size)
{
	bool negative = size > 0 && text[0] == '-';
	uint64_t magnitude;
	uint64_t value;

	if (!parse_magnitude(text + negative, size - negative, &magnitude))
		return false;
	value = negative ? -magnitude : magnitude;
	if (op == RESULT_INT2)
		dbs_put_u16(w, (uint16_t) value);
	else if (op == RESULT_INT4)
		dbs_put_u32(w, (uint32_t) value);
	else
		dbs_put_u64(w, value);
	return true;
}

static bool
put_float(DbsWriter *w, uint8_t op, const char *text)
{
	char *end;
	double value = strtod(text, &end); /* the client library ends values with a zero byte */
	float single = (float) value;

	if (end == text || *end != '\0')
		return false;
	if (op == RESULT_FLOAT4)
		dbs_put_bytes(w, &single, sizeof single);
	else
		dbs_put_bytes(w, &value, sizeof value);
	return true;
}

/* Digits in groups of four that begin at the point; none leading or trailing is 0. */
static bool
parse_decimal(const char *text, size_t size, Decimal *decimal)
{
	bool negative = size > 0 && text[0] == '-';
	const char *at = text + negative;
	const char *end = text + size;
	const char *point = memchr(at, '.', (size_t) (end - at));
	size_t whole = (size_t) ((point != NULL ? point : end) - at);
	size_t scale = point != NULL ? (size_t) (end - point - 1) : 0;
	int groups = (int) ((whole + 3) / 4);
	int fraction_groups = (int) ((scale + 3) / 4);
	int first = -1, last = -1;
	uint16_t digits[2 * DECIMAL_MAX_DIGITS + 2] = {0};

	if (whole + scale == 0 || whole + scale > DECIMAL_MAX_PRECISION)
		return false;
	for (size_t i = 0; i < whole + scale; i++)
	{
		char c = i < whole ? at[i] : point[1 + i - whole];
		int group = i < whole ? groups - 1 - (int) ((whole - 1 - i) / 4) : groups + (int) ((i - whole) / 4);

		if (c < '0' || c > '9')
			return false;
		digits[group] = (uint16_t) (digits[group] * 10 + (c - '0'));
	}
	for (size_t i = scale; i % 4 != 0; i++)
		digits[groups + fraction_groups - 1] = (uint16_t) (digits[groups + fraction_groups - 1] * 10);
	for (int i = 0; i < groups + fraction_groups; i++)
	{
		if (digits[i] == 0)
			continue;
		if (first < 0)
			first = i;
		last = i;
	}
	decimal->scale = (uint16_t) scale;
	decimal->count = first < 0 ? 0 : (uint16_t) (last - first + 1);
	decimal->weight = first < 0 ? 0 : (int16_t) (groups - 1 - first);
	decimal->sign = negative && first >= 0 ? DBS_NUMERIC_NEGATIVE : DBS_NUMERIC_POSITIVE;
	if (decimal->count > DECIMAL_MAX_DIGITS)
		return false;
	memcpy(decimal->digits, digits + (first < 0 ? 0 : first), decimal->count * sizeof digits[0]);
	return true;
}

static bool
put_decimal(DbsWriter *w, const char *text, size_t size)
{
	uint8_t wire[DECIMAL_WIRE_BOUND];
	Decimal decimal;

	if (!parse_decimal(text, size, &decimal))
		return false;
	dbs_put_varying(w, wire, decimal_wire(&decimal, wire));
	return true;
}

/* The result has the bits as a big-endian number of whole bytes; the wire has them from the left. */
static bool
put_bit(DbsWriter *w, uint32_t bits, const char *text, size_t size)
{
	size_t bytes = (bits + 7) / 8;
	uint64_t value = 0;

	if (size > bytes || bits == 0 || bits > 64)
		return false;
	for (size_t i = 0; i < size; i++)
		value = value << 8 | (uint8_t) text[i];
	value <<= 64 - bits;
	dbs_put_align4(w);
	dbs_put_u32(w, 4 + (uint32_t) bytes);
	dbs_put_u32(w, bits);
	for (size_t i = 0; i < bytes; i++)
		dbs_put_u8(w, (uint8_t) (value >> (56 - 8 * i)));
	return true;
}

/* ---- dates and times ---- */

/* The next number and the character after it. */
static bool
take_number(const char **at, const char *end, char after, unsigned *out)
{
	const char *start = *at;
	unsigned value = 0;

	while (*at < end && **at >= '0' && **at <= '9' && *at - start < 9)
		value = value * 10 + (unsigned) (*(*at)++ - '0');
	if (*at == start)
		return false;
	*out = value;
	if (after == '\0')
		return true;
	return *at < end && *(*at)++ == after;
}

/* ".25" at the end is a quarter of a second. */
static bool
take_fraction(const char *at, const char *end, unsigned *micros)
{
	*micros = 0;
	if (at == end)
		return true;
	if (*at++ != '.' || end - at > 6)
		return false;
	for (int i = 0; i < 6; i++)
	{
		unsigned digit = at < end ? (unsigned) (*at++ - '0') : 0;

		if (digit > 9)
			return false;
		*micros = *micros * 10 + digit;
	}
	return true;
}

static bool
parse_datetime(const char *text, size_t size, bool with_time, TemporalParts *p)
{
	const char *at = text;
	const char *end = text + size;

	memset(p, 0, sizeof *p);
	if (!take_number(&at, end, '-', &p->year) || !take_number(&at, end, '-', &p->month) ||
		!take_number(&at, end, with_time ? ' ' : '\0', &p->day))
		return false;
	if (!with_time)
		return at == end;
	return take_number(&at, end, ':', &p->hour) && take_number(&at, end, ':', &p->minute) &&
		   take_number(&at, end, '\0', &p->second) && take_fraction(at, end, &p->micros);
}

/* Packed as the log packs it, so that one function decides what is a date. */
static TemporalResult
date_value(const TemporalParts *p, int32_t *days)
{
	uint32_t packed = p->day | p->month << 5 | p->year << 9;
	uint8_t bytes[3] = {(uint8_t) packed, (uint8_t) (packed >> 8), (uint8_t) (packed >> 16)};

	return temporal_date(bytes, days);
}

static TemporalResult
datetime_value(const TemporalParts *p, int64_t *micros)
{
	uint64_t day = (uint64_t) (p->year * 13 + p->month) << 5 | p->day;
	uint64_t packed = (day << 17 | p->hour << 12 | p->minute << 6 | p->second) + UINT64_C(0x8000000000);
	uint8_t bytes[8];

	for (int i = 0; i < 5; i++)
		bytes[i] = (uint8_t) (packed >> (32 - 8 * i));
	for (int i = 0; i < 3; i++)
		bytes[5 + i] = (uint8_t) (p->micros >> (16 - 8 * i));
	return temporal_datetime2(bytes, 6, micros);
}

static PutResult
put_date(const ResultPlan *plan, const ResultColumn *column, DbsWriter *w, const char *text, size_t size,
		 Failure *failure)
{
	bool with_time = column->op == RESULT_DATETIME;
	TemporalParts parts;
	TemporalResult result;
	int64_t micros = 0;
	int32_t days = 0;

	if (!parse_datetime(text, size, with_time, &parts))
	{
		not_understood(plan, column, text, size, failure);
		return PUT_FAILED;
	}
	result = with_time ? datetime_value(&parts, &micros) : date_value(&parts, &days);
	if (result == TEMPORAL_NO_DATE && plan->zero_dates == ZERO_DATES_NULL)
		return PUT_NO_DATE;
	if (result == TEMPORAL_NO_DATE)
	{
		value_failure(plan, column, "zero_date",
					  "Set the stream's option \"zero_dates\" to \"null\", or correct the value at the source.",
					  "holds what is not a date", text, size, failure);
		return PUT_FAILED;
	}
	if (with_time)
		dbs_put_i64(w, micros);
	else
		dbs_put_u32(w, (uint32_t) days);
	return PUT_DONE;
}

static bool
put_time(DbsWriter *w, const char *text, size_t size)
{
	bool negative = size > 0 && text[0] == '-';
	const char *at = text + negative;
	const char *end = text + size;
	unsigned hour, minute, second, micros;
	int64_t value;

	if (!take_number(&at, end, ':', &hour) || !take_number(&at, end, ':', &minute) ||
		!take_number(&at, end, '\0', &second) || !take_fraction(at, end, &micros))
		return false;
	value = (((int64_t) hour * 60 + minute) * 60 + second) * 1000000 + micros;
	dbs_put_i64(w, negative ? -value : value);
	return true;
}

/* ---- text and bytes ---- */

static void
put_text(ResultRows *rows, DbsWriter *w, const char *text, size_t size)
{
	size_t start;
	uint32_t left;

	dbs_put_varying(w, text, size);
	if (!rows->plan->strip_nul_bytes || memchr(text, 0, size) == NULL)
		return;
	start = w->used - size;
	w->used = start;
	for (size_t i = 0; i < size; i++)
		if (text[i] != '\0')
			w->data[w->used++] = text[i];
	left = (uint32_t) (w->used - start);
	memcpy(w->data + start - 4, &left, 4);
	rows->adjusted++;
}

/* A set's labels stand between commas, which no label can hold. */
static void
put_label_list(DbsWriter *w, const char *text, size_t size)
{
	const char *at = text;
	const char *end = text + size;
	uint32_t count = 0;
	uint32_t length;
	size_t start;

	dbs_put_align4(w);
	start = w->used;
	dbs_put_u32(w, 0);
	dbs_put_u32(w, 0);
	while (size > 0)
	{
		const char *comma = memchr(at, ',', (size_t) (end - at));
		const char *stop = comma != NULL ? comma : end;

		dbs_put_string(w, at, (size_t) (stop - at));
		count++;
		if (comma == NULL)
			break;
		at = comma + 1;
	}
	length = (uint32_t) (w->used - start - 4);
	memcpy(w->data + start, &length, 4);
	memcpy(w->data + start + 4, &count, 4);
}

/* ---- a value, a row ---- */

static PutResult
put_value(ResultRows *rows, const ResultColumn *column, const char *text, size_t size, Failure *failure)
{
	DbsWriter *w = &rows->buffer->w;
	bool done = true;

	switch (column->op)
	{
		case RESULT_INT2:
		case RESULT_INT4:
		case RESULT_INT8:
		case RESULT_UINT8:
			done = put_integer(w, column->op, text, size);
			break;
		case RESULT_FLOAT4:
		case RESULT_FLOAT8:
			done = put_float(w, column->op, text);
			break;
		case RESULT_DECIMAL:
			done = put_decimal(w, text, size);
			break;
		case RESULT_DATE:
		case RESULT_DATETIME:
			return put_date(rows->plan, column, w, text, size, failure);
		case RESULT_TIME:
			done = put_time(w, text, size);
			break;
		case RESULT_BOOL:
			dbs_put_u8(w, size > 0 && (text[size - 1] & 1));
			break;
		case RESULT_BIT:
			done = put_bit(w, column->size, text, size);
			break;
		case RESULT_UUID:
			done = size == 16;
			if (done)
				dbs_put_bytes(w, text, size);
			break;
		case RESULT_GEOMETRY:
			done = size >= 9;
			if (done)
				dbs_put_varying(w, text, size);
			break;
		case RESULT_LABEL_LIST:
			put_label_list(w, text, size);
			break;
		case RESULT_TEXT:
			put_text(rows, w, text, size);
			break;
		default:
			dbs_put_varying(w, text, size);
	}
	if (!done)
		not_understood(rows->plan, column, text, size, failure);
	return done ? PUT_DONE : PUT_FAILED;
}

/* The row, with a bitmap of NULLs or without. *no_date: there must be one after all. */
static bool
put_row(ResultRows *rows, char *const *values, const unsigned long *lengths, bool bitmap, bool *no_date,
		Failure *failure)
{
	DbsWriter *w = &rows->buffer->w;
	uint32_t count = rows->plan->column_count;
	size_t nulls;

	dbs_put_u8(w, bitmap ? DBS_ROW_NULLS : DBS_ROW_FULL);
	nulls = w->used;
	if (bitmap)
	{
		memset(w->data + w->used, 0, (count + 7) / 8);
		w->used += (count + 7) / 8;
	}
	for (uint32_t i = 0; i < count; i++)
	{
		PutResult result = PUT_NO_DATE;

		if (values[i] != NULL)
			result = put_value(rows, &rows->plan->columns[i], values[i], lengths[i], failure);
		if (result == PUT_FAILED)
			return false;
		if (result == PUT_DONE)
			continue;
		*no_date = true;
		if (!bitmap)
			return false;
		if (values[i] != NULL)
			rows->adjusted++;
		w->data[nulls + i / 8] |= (char) (1u << (i % 8));
	}
	return true;
}

static bool
open_message(ResultRows *rows, Failure *failure)
{
	if (rows->open)
		return true;
	if (!wire_buffer_reserve(rows->buffer, 64, failure))
		return false;
	if (!dbs_rows_begin(&rows->buffer->w, rows->wire_id, DBS_ROWS_INSERT))
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "no room for a rows message");
	rows->open = true;
	rows->count = 0;
	rows->adjusted = 0;
	return true;
}

bool
result_rows_put(ResultRows *rows, char *const *values, const unsigned long *lengths, Failure *failure)
{
	const ResultPlan *plan = rows->plan;
	size_t room = 2 + plan->column_count / 8;
	bool bitmap = false, no_date = false;
	size_t start;
	uint32_t adjusted;

	for (uint32_t i = 0; i < plan->column_count; i++)
	{
		/* A set of one-letter labels takes five bytes for every two. */
		room += VALUE_ROOM + (plan->columns[i].op == RESULT_LABEL_LIST ? 5 * lengths[i] : lengths[i]);
		bitmap |= values[i] == NULL;
	}
	if (room > DBS_WIRE_MAX_MESSAGE - MESSAGE_SIZE - 4096)
		return failure_set(failure, FAILURE_REJECT, "value_too_large", "Exclude the table from the stream.",
						   "a row of table \"%s.%s\" takes %zu bytes, more than a message carries", plan->schema,
						   plan->table, room);
	if (!open_message(rows, failure) || !wire_buffer_reserve(rows->buffer, room, failure))
		return false;
	start = rows->buffer->w.used;
	adjusted = rows->adjusted;
	if (!put_row(rows, values, lengths, bitmap, &no_date, failure))
	{
		if (bitmap || !no_date)
			return false;
		rows->buffer->w.used = start;
		rows->adjusted = adjusted;
		if (!put_row(rows, values, lengths, true, &no_date, failure))
			return false;
	}
	rows->count++;
	if (rows->buffer->w.used - rows->buffer->w.message >= MESSAGE_SIZE)
		result_rows_end(rows);
	return true;
}

void
result_rows_end(ResultRows *rows)
{
	if (!rows->open)
		return;
	rows->total_bytes += rows->buffer->w.used - rows->buffer->w.message;
	rows->total_rows += rows->count;
	dbs_rows_end(&rows->buffer->w, rows->count, rows->adjusted);
	rows->open = false;
}
