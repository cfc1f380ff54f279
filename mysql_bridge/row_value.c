/*
 * Values of the log that take more than a copy.
 */
#include "row_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "decimal.h"
#include "json_binary.h"
#include "temporal.h"

/* Bytes from which on a text is measured before it is converted. */
#define LARGE_TEXT ((size_t) 256 * 1024)

#define DAMAGED_HINT "Check the source's binary log with mysqlbinlog --verify-binlog-checksum."

/* The first byte of a MariaDB COMPRESSED value. */
enum
{
	COMPRESSED_PLAIN = 0,     /* the rest is the value */
	COMPRESSED_METHOD = 0xf0, /* mask */
	COMPRESSED_ZLIB = 0x80,   /* the method zlib */
	COMPRESSED_RAW = 0x08,    /* without zlib's header and checksum */
	COMPRESSED_LENGTH = 0x07  /* mask: bytes of the big-endian length that follows */
};

bool
row_value_failure(RowWriter *writer, const ColumnPlan *column, const char *code, const char *hint, const char *problem,
				  const uint8_t *data, size_t size)
{
	char hex[33] = "";

	failure_set(writer->failure, FAILURE_REJECT, code, hint, "column \"%s\" of table \"%s.%s\" %s", column->name,
				writer->plan->schema, writer->plan->table, problem);
	for (size_t i = 0; i < size && i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", data[i]);
	if (data != NULL)
		snprintf(writer->failure->detail, sizeof writer->failure->detail, "bytes: %s%s", hex, size > 16 ? "..." : "");
	return false;
}

bool
row_value_date_failure(RowWriter *writer, const ColumnPlan *column, const uint8_t *data)
{
	char text[TEMPORAL_TEXT_SIZE], problem[128];
	TemporalParts parts = {0};

	switch (column->op)
	{
		case DECODE_DATE:
			temporal_date_parts(data, &parts);
			temporal_date_text(&parts, text);
			break;
		case DECODE_DATETIME2:
			temporal_datetime2_parts(data, column->fsp, &parts);
			temporal_datetime_text(&parts, column->fsp, text);
			break;
		case DECODE_OLD_DATETIME:
			temporal_old_datetime_parts(data, &parts);
			temporal_datetime_text(&parts, 0, text);
			break;
		default:
			temporal_datetime_text(&parts, column->fsp, text);
	}
	snprintf(problem, sizeof problem, "holds '%s', which is not a date", text);
	return row_value_failure(writer, column, "zero_date",
							 "Set the stream's option \"zero_dates\" to \"null\", or correct the value at the source.",
							 problem, NULL, 0);
}

static ValueResult
damaged(RowWriter *writer, const ColumnPlan *column, const char *problem, const uint8_t *data, size_t size)
{
	row_value_failure(writer, column, "event_damaged", DAMAGED_HINT, problem, data, size);
	return VALUE_FAILED;
}

/* Room for a value of up to size bytes with its length; PostgreSQL's own limit for a field is 1 GB. */
static bool
varying_room(RowWriter *writer, const ColumnPlan *column, size_t size)
{
	DbsWriter *w = writer->w;

	if (size > DBS_WIRE_MAX_MESSAGE / 2 || w->used - w->message + size > DBS_WIRE_MAX_MESSAGE - 4096)
	{
		char problem[96];

		snprintf(problem, sizeof problem, "holds a value that may take %zu bytes, more than a row can carry", size);
		return row_value_failure(writer, column, "value_too_large",
								 "PostgreSQL's limit for one field is 1 GB: shorten the value, or exclude the table.",
								 problem, NULL, 0);
	}
	return row_writer_room(writer, size);
}

/* ---- text and bytes ------------------------------------------------------------- */

/* Take NUL bytes out of the last size bytes written; returns the size left. */
static size_t
strip_nul_bytes(RowWriter *writer, char *text, size_t size)
{
	char *to = memchr(text, 0, size);

	if (to == NULL)
		return size;
	for (const char *from = to; from < text + size; from++)
	{
		if (*from != '\0')
			*to++ = *from;
	}
	writer->adjusted++;
	return to - text;
}

/*
 * Room for text of a character set. What is large is measured first: the bound may be three times what it becomes, and
 * might be refused though the text fits. What is not valid is found when it is converted.
 */
static bool
text_room(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	size_t bound = charset_utf8_bound(column->charset, size);

	if (size >= LARGE_TEXT)
	{
		size_t measured = charset_utf8_size(column->charset, data, size);

		if (measured < bound)
			bound = measured;
	}
	return varying_room(writer, column, bound);
}

static ValueResult
put_text(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	size_t bad_at = 0, written, start;
	uint32_t length;
	DbsWriter *w;

	if (!text_room(writer, column, data, size))
		return VALUE_FAILED;
	w = writer->w;
	dbs_put_align4(w);
	start = w->used;
	w->used += 4;
	written = charset_to_utf8(column->charset, data, size, w->data + w->used, &bad_at);
	if (written == SIZE_MAX)
	{
		char problem[128];

		snprintf(problem, sizeof problem, "holds bytes that are not valid in its character set %s, from byte %zu on",
				 charset_name(column->charset), bad_at + 1);
		row_value_failure(writer, column, "invalid_text",
						  "Correct the value at the source, or exclude the table from the stream.", problem,
						  data + bad_at, size - bad_at);
		return VALUE_FAILED;
	}
	if (writer->plan->strip_nul_bytes)
		written = strip_nul_bytes(writer, w->data + w->used, written);
	w->used += written;
	length = (uint32_t) written;
	memcpy(w->data + start, &length, 4);
	return VALUE_PUT;
}

static ValueResult
put_bytes(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	if (!varying_room(writer, column, size))
		return VALUE_FAILED;
	dbs_put_varying(writer->w, data, size);
	return VALUE_PUT;
}

/* Bytes, then zeros up to the column's size. */
static ValueResult
put_padded(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	DbsWriter *w = writer->w;

	if (size > column->size)
		return damaged(writer, column, "holds more bytes than it is wide", data, size);
	if (column->op == DECODE_PADDED_BYTES)
	{
		dbs_put_align4(w);
		dbs_put_u32(w, column->size);
	}
	dbs_put_bytes(w, data, size);
	memset(w->data + w->used, 0, column->size - size);
	w->used += column->size - size;
	return VALUE_PUT;
}

static ValueResult
put_plain(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	return column->op == DECODE_COMPRESSED_TEXT ? put_text(writer, column, data, size)
												: put_bytes(writer, column, data, size);
}

static bool
inflate_value(const uint8_t *data, size_t size, bool raw, uint8_t *out, size_t out_size)
{
	z_stream stream = {
		.next_in = (Bytef *) data, .avail_in = (uInt) size, .next_out = out, .avail_out = (uInt) out_size};
	int result;

	if (inflateInit2(&stream, raw ? -MAX_WBITS : MAX_WBITS) != Z_OK)
		return false;
	result = inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	return result == Z_STREAM_END && stream.total_out == out_size && stream.avail_in == 0;
}

/* A COMPRESSED column's value: a header byte, the length of the original, and the deflated bytes. */
static ValueResult
put_compressed(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	size_t length_bytes, original = 0;
	ValueResult result;
	uint8_t *plain;

	if (size == 0)
		return put_plain(writer, column, data, 0);
	if (data[0] == COMPRESSED_PLAIN)
		return put_plain(writer, column, data + 1, size - 1);
	length_bytes = data[0] & COMPRESSED_LENGTH;
	if ((data[0] & COMPRESSED_METHOD) != COMPRESSED_ZLIB || length_bytes < 1 || length_bytes > 4 ||
		size < 1 + length_bytes)
		return damaged(writer, column, "holds a value compressed in a way that is not known", data, size);
	for (size_t i = 0; i < length_bytes; i++)
		original = original << 8 | data[1 + i];
	if (original > DBS_WIRE_MAX_MESSAGE / 2)
		return damaged(writer, column, "holds a compressed value that is too large", data, size);
	plain = malloc(original + 1);
	if (plain == NULL)
	{
		failure_set(writer->failure, FAILURE_RETRY, "out_of_memory", "Give the bridge more memory.",
					"no memory for a compressed value of %zu bytes", original);
		return VALUE_FAILED;
	}
	if (inflate_value(data + 1 + length_bytes, size - 1 - length_bytes, (data[0] & COMPRESSED_RAW) != 0, plain,
					  original))
		result = put_plain(writer, column, plain, original);
	else
		result = damaged(writer, column, "holds a compressed value that cannot be inflated", data, size);
	free(plain);
	return result;
}

/* ---- numbers and labels ------------------------------------------------------------ */

static ValueResult
put_decimal(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	uint8_t wire[DECIMAL_WIRE_BOUND];
	Decimal decimal;

	if (!decimal_unpack(data, column->fsp, column->scale, &decimal))
		return damaged(writer, column, "holds a decimal that cannot be read", data, size);
	dbs_put_varying(writer->w, wire, decimal_wire(&decimal, wire));
	return VALUE_PUT;
}

/* The log has the bits as a big-endian number of whole bytes; the wire has them from the left. */
static ValueResult
put_bit(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	DbsWriter *w = writer->w;
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | data[i];
	value <<= 64 - column->size;
	dbs_put_align4(w);
	dbs_put_u32(w, 4 + (uint32_t) size);
	dbs_put_u32(w, column->size);
	for (size_t i = 0; i < size; i++)
		dbs_put_u8(w, (uint8_t) (value >> (56 - 8 * i)));
	return VALUE_PUT;
}

static uint64_t
little_endian(const uint8_t *data, size_t size)
{
	uint64_t value = 0;

	for (size_t i = size; i-- > 0;)
		value = value << 8 | data[i];
	return value;
}

/* Number 0 is what MySQL stores for a value that is none of the labels: it reads as the empty string. */
static ValueResult
put_enum(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	uint64_t number = little_endian(data, size);

	if (number > column->labels->count)
		return damaged(writer, column, "holds a label's number beyond its labels", data, size);
	if (number == 0)
		dbs_put_varying(writer->w, "", 0);
	else
		dbs_put_varying(writer->w, column->labels->labels[number - 1].data, column->labels->labels[number - 1].size);
	return VALUE_PUT;
}

static ValueResult
put_set(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	uint64_t bits = little_endian(data, size);
	DbsWriter *w = writer->w;
	uint32_t length;
	size_t start;

	if (column->labels->count < 64 && bits >> column->labels->count != 0)
		return damaged(writer, column, "holds a label's bit beyond its labels", data, size);
	dbs_put_align4(w);
	start = w->used;
	dbs_put_u32(w, 0);
	dbs_put_u32(w, (uint32_t) __builtin_popcountll(bits));
	for (; bits != 0; bits &= bits - 1)
	{
		const DbsString *label = &column->labels->labels[__builtin_ctzll(bits)];

		dbs_put_string(w, label->data, label->size);
	}
	length = (uint32_t) (w->used - start - 4);
	memcpy(w->data + start, &length, 4);
	return VALUE_PUT;
}

/* ---- dates and times ----------------------------------------------------------------- */

static ValueResult
put_temporal(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	TemporalResult result = TEMPORAL_OK;
	int64_t micros = 0;
	int32_t days = 0;

	switch (column->op)
	{
		case DECODE_DATE:
			result = temporal_date(data, &days);
			break;
		case DECODE_DATETIME2:
			result = temporal_datetime2(data, column->fsp, &micros);
			break;
		case DECODE_TIMESTAMP2:
			result = temporal_timestamp2(data, column->fsp, &micros);
			break;
		case DECODE_OLD_DATETIME:
			result = temporal_old_datetime(data, &micros);
			break;
		case DECODE_OLD_TIMESTAMP:
			result = temporal_old_timestamp(data, &micros);
			break;
		case DECODE_OLD_TIME:
			if (!temporal_old_time(data, &micros))
				return damaged(writer, column, "holds a time that cannot be read", data, size);
			break;
		default:
			micros = temporal_time2(data, column->fsp);
	}
	if (result == TEMPORAL_NO_DATE)
	{
		if (writer->plan->zero_dates == ZERO_DATES_NULL)
			return VALUE_NO_DATE;
		row_value_date_failure(writer, column, data);
		return VALUE_FAILED;
	}
	if (column->op == DECODE_DATE)
		dbs_put_u32(writer->w, (uint32_t) days);
	else
		dbs_put_i64(writer->w, micros);
	return VALUE_PUT;
}

/* ---- documents --------------------------------------------------------------------------- */

static ValueResult
put_json(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	const char *problem = NULL;
	char sentence[128];
	size_t start;
	uint32_t length;

	if (!row_writer_room(writer, 8))
		return VALUE_FAILED;
	dbs_put_align4(writer->w);
	/* The buffer may move while the document is written: places count from the message. */
	start = writer->w->used - writer->w->message;
	dbs_put_u32(writer->w, 0);
	if (!json_binary_put(data, size, writer->plan->fixed_bound, writer->outbox, &problem, writer->failure))
	{
		if (problem == NULL)
			return VALUE_FAILED;
		snprintf(sentence, sizeof sentence, "holds a JSON document that %s", problem);
		return damaged(writer, column, sentence, data, size);
	}
	writer->w = outbox_writer(writer->outbox);
	length = (uint32_t) (writer->w->used - writer->w->message - start - 4);
	memcpy(writer->w->data + writer->w->message + start, &length, 4);
	return VALUE_PUT;
}

ValueResult
row_value_put_varying(RowWriter *writer, const ColumnPlan *column, const uint8_t *data, size_t size)
{
	switch (column->op)
	{
		case DECODE_TEXT:
			return put_text(writer, column, data, size);
		case DECODE_BYTES:
			return put_bytes(writer, column, data, size);
		case DECODE_PADDED_BYTES:
		case DECODE_UUID:
			return put_padded(writer, column, data, size);
		case DECODE_COMPRESSED_TEXT:
		case DECODE_COMPRESSED_BYTES:
			return put_compressed(writer, column, data, size);
		case DECODE_DECIMAL:
			return put_decimal(writer, column, data, size);
		case DECODE_BIT:
			return put_bit(writer, column, data, size);
		case DECODE_ENUM:
			return put_enum(writer, column, data, size);
		case DECODE_SET:
			return put_set(writer, column, data, size);
		case DECODE_JSON:
			return put_json(writer, column, data, size);
		case DECODE_GEOMETRY:
			/* The log has it as the wire does: SRID, then well-known binary with x before y. */
			if (size < 9)
				return damaged(writer, column, "holds a geometry without a shape", data, size);
			return put_bytes(writer, column, data, size);
		case DECODE_VECTOR:
			if (size % 4 != 0)
				return damaged(writer, column, "holds a vector whose bytes are not a multiple of 4", data, size);
			return put_bytes(writer, column, data, size);
		default:
			return put_temporal(writer, column, data, size);
	}
}
