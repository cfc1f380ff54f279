/*
 * Binary JSON. The layout is that of MySQL's json_binary.h: a value is a type byte and its bytes; containers hold
 * counts, then key entries, then value entries whose offsets count from the container's start.
 */
#include "json_binary.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "table_map.h"
#include "temporal.h"

enum
{
	JSON_SMALL_OBJECT = 0x00,
	JSON_LARGE_OBJECT = 0x01,
	JSON_SMALL_ARRAY = 0x02,
	JSON_LARGE_ARRAY = 0x03,
	JSON_LITERAL = 0x04,
	JSON_INT16 = 0x05,
	JSON_UINT16 = 0x06,
	JSON_INT32 = 0x07,
	JSON_UINT32 = 0x08,
	JSON_INT64 = 0x09,
	JSON_UINT64 = 0x0a,
	JSON_DOUBLE = 0x0b,
	JSON_STRING = 0x0c,
	JSON_OPAQUE = 0x0f
};

typedef struct JsonPut
{
	Outbox *outbox;
	DbsWriter *w;
	size_t spare;
	size_t limit; /* where the text has become longer than its bytes can mean, counted from the message */
	const char *problem;
	Failure *failure;
} JsonPut;

static bool put_value(JsonPut *put, uint8_t type, const uint8_t *data, size_t size, unsigned depth);

static bool
broken(JsonPut *put, const char *problem)
{
	put->problem = problem;
	return false;
}

/* Room for size bytes. A document whose offsets point at one part again and again must not grow without end. */
static bool
need(JsonPut *put, size_t size)
{
	if (put->w->used - put->w->message > put->limit)
		return broken(put, "uses a part of itself more than once");
	if (dbs_wire_room(put->w) >= size + put->spare)
		return true;
	if (!outbox_reserve(put->outbox, size + put->spare, put->failure))
		return false;
	put->w = outbox_writer(put->outbox);
	return true;
}

static bool
put_text(JsonPut *put, const char *text, size_t size)
{
	if (!need(put, size))
		return false;
	dbs_put_bytes(put->w, text, size);
	return true;
}

static uint64_t
little_endian(const uint8_t *from, size_t size)
{
	uint64_t value = 0;

	for (size_t i = size; i-- > 0;)
		value = value << 8 | from[i];
	return value;
}

/* ---- strings --------------------------------------------------------------- */

static void
put_escaped(DbsWriter *w, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	const char *shorthand = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *s = shorthand; *s != '\0'; s += 2)
	{
		if ((uint8_t) s[0] == c)
		{
			dbs_put_u8(w, '\\');
			dbs_put_u8(w, (uint8_t) s[1]);
			return;
		}
	}
	dbs_put_bytes(w, "\\u00", 4);
	dbs_put_u8(w, (uint8_t) hex[c >> 4]);
	dbs_put_u8(w, (uint8_t) hex[c & 15]);
}

static bool
put_string(JsonPut *put, const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;

	if (!put_text(put, "\"", 1))
		return false;
	while (data < end)
	{
		/* In steps, so that the room asked for is not six times a long string. */
		size_t step = (size_t) (end - data) < 4096 ? (size_t) (end - data) : 4096;
		const uint8_t *stop = data + step;

		if (!need(put, 6 * step))
			return false;
		while (data < stop)
		{
			const uint8_t *plain = data;

			while (data < stop && *data >= 0x20 && *data != '"' && *data != '\\')
				data++;
			dbs_put_bytes(put->w, plain, data - plain);
			if (data < stop)
				put_escaped(put->w, *data++);
		}
	}
	return put_text(put, "\"", 1);
}

/* Seven bits to a byte, lowest first, the high bit says that more follow. */
static const uint8_t *
variable_length(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < 5 && at < end; i++)
	{
		*value |= (uint64_t) (*at & 0x7f) << (7 * i);
		if ((*at++ & 0x80) == 0)
			return at;
	}
	return NULL;
}

/* ---- scalars ---------------------------------------------------------------- */

static bool
put_literal(JsonPut *put, uint8_t literal)
{
	switch (literal)
	{
		case 0:
			return put_text(put, "null", 4);
		case 1:
			return put_text(put, "true", 4);
		case 2:
			return put_text(put, "false", 5);
		default:
			return broken(put, "has a literal that is not known");
	}
}

/* "e+100" to "e100", "e-05" to "e-5": as MySQL prints it. Returns the length. */
static size_t
tidy_exponent(char *text)
{
	char *exponent = strchr(text, 'e');
	char *from, *to;

	if (exponent == NULL)
		return strlen(text);
	to = exponent + 1;
	from = to;
	if (*from == '-')
		to = ++from;
	else if (*from == '+')
		from++;
	while (*from == '0' && from[1] != '\0')
		from++;
	memmove(to, from, strlen(from) + 1);
	return strlen(text);
}

/* The fewest digits that read back as the same number; a whole number keeps ".0", as MySQL prints it. */
static bool
put_double(JsonPut *put, const uint8_t *data)
{
	char text[40];
	double value;
	size_t length;

	memcpy(&value, data, 8);
	if (!isfinite(value))
		return broken(put, "has a number that is not finite");
	/* Every number of 15 digits survives, but for those so small that they have fewer digits. */
	for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++)
	{
		snprintf(text, sizeof text - 2, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	length = tidy_exponent(text);
	if (strpbrk(text, ".e") == NULL)
	{
		memcpy(text + length, ".0", 2);
		length += 2;
	}
	return put_text(put, text, length);
}

static bool
put_signed(JsonPut *put, int64_t value)
{
	char text[24];

	return put_text(put, text, (size_t) snprintf(text, sizeof text, "%lld", (long long) value));
}

static bool
put_unsigned(JsonPut *put, uint64_t value)
{
	char text[24];

	return put_text(put, text, (size_t) snprintf(text, sizeof text, "%llu", (unsigned long long) value));
}

/* ---- opaque values ------------------------------------------------------------ */

/* MySQL breaks its base64 into lines of 76 digits, and the line ends are part of the string. */
static bool
put_base64(JsonPut *put, uint8_t type, const uint8_t *data, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char prefix[32];

	if (!put_text(put, prefix, (size_t) snprintf(prefix, sizeof prefix, "\"base64:type%u:", type)))
		return false;
	for (size_t i = 0; i < size; i += 3)
	{
		size_t left = size - i;
		uint32_t bits =
			(uint32_t) data[i] << 16 | (left > 1 ? (uint32_t) data[i + 1] << 8 : 0) | (left > 2 ? data[i + 2] : 0);
		char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], left > 1 ? digits[bits >> 6 & 63] : '=',
						left > 2 ? digits[bits & 63] : '='};

		if (i > 0 && i % 57 == 0 && !put_text(put, "\\n", 2))
			return false;
		if (!put_text(put, four, 4))
			return false;
	}
	return put_text(put, "\"", 1);
}

static bool
put_opaque_temporal(JsonPut *put, uint8_t type, const uint8_t *data)
{
	int64_t packed = (int64_t) little_endian(data, 8);
	char text[TEMPORAL_TEXT_SIZE];
	TemporalParts parts;
	size_t length;

	if (type == LOG_TYPE_TIME)
	{
		temporal_packed_time_parts(packed, &parts);
		length = temporal_time_text(&parts, 6, text);
	}
	else
	{
		temporal_packed_datetime_parts(packed, &parts);
		length = type == LOG_TYPE_DATE ? temporal_date_text(&parts, text) : temporal_datetime_text(&parts, 6, text);
	}
	return put_text(put, "\"", 1) && put_text(put, text, length) && put_text(put, "\"", 1);
}

static bool
put_opaque(JsonPut *put, const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	char text[DECIMAL_TEXT_SIZE];
	uint64_t length;
	Decimal decimal;
	uint8_t type;

	if (size < 2)
		return broken(put, "ends inside an opaque value");
	type = *data++;
	data = variable_length(data, end, &length);
	if (data == NULL || length > (uint64_t) (end - data))
		return broken(put, "ends inside an opaque value");
	switch (type)
	{
		case LOG_TYPE_NEWDECIMAL:
			if (length < 2 || data[0] < 1 || data[0] > DECIMAL_MAX_PRECISION || data[1] > data[0] ||
				length - 2 != decimal_packed_size(data[0], data[1]) ||
				!decimal_unpack(data + 2, data[0], data[1], &decimal))
				return broken(put, "has a decimal that cannot be read");
			return put_text(put, text, decimal_text(&decimal, text));
		case LOG_TYPE_DATE:
		case LOG_TYPE_TIME:
		case LOG_TYPE_DATETIME:
		case LOG_TYPE_TIMESTAMP:
			if (length != 8)
				return broken(put, "has a date or time that cannot be read");
			return put_opaque_temporal(put, type, data);
		default:
			return put_base64(put, type, data, (size_t) length);
	}
}

/* ---- containers ---------------------------------------------------------------- */

/* Small containers count in 16 bits, large ones in 32; a value as short as an offset stands in its entry itself. */
static bool
is_inline(uint8_t type, bool large)
{
	return type == JSON_LITERAL || type == JSON_INT16 || type == JSON_UINT16 ||
		   (large && (type == JSON_INT32 || type == JSON_UINT32));
}

static bool
put_member(JsonPut *put, const uint8_t *data, size_t size, const uint8_t *entry, bool large, unsigned depth)
{
	size_t width = large ? 4 : 2;
	size_t offset;

	if (is_inline(entry[0], large))
		return put_value(put, entry[0], entry + 1, width, depth);
	offset = (size_t) little_endian(entry + 1, width);
	if (offset >= size)
		return broken(put, "has an offset beyond its end");
	return put_value(put, entry[0], data + offset, size - offset, depth);
}

static bool
put_key(JsonPut *put, const uint8_t *data, size_t size, const uint8_t *entry, size_t width)
{
	size_t offset = (size_t) little_endian(entry, width);
	size_t length = (size_t) little_endian(entry + width, 2);

	if (offset > size || length > size - offset)
		return broken(put, "has a key beyond its end");
	return put_string(put, data + offset, length) && put_text(put, ": ", 2);
}

static bool
put_container(JsonPut *put, const uint8_t *data, size_t size, bool object, bool large, unsigned depth)
{
	size_t width = large ? 4 : 2;
	size_t key_entry = object ? width + 2 : 0;
	size_t value_entry = width + 1;
	size_t count, bytes;
	const uint8_t *keys, *values;

	if (depth > JSON_BINARY_MAX_DEPTH)
		return broken(put, "is nested deeper than 100 levels");
	if (size < 2 * width)
		return broken(put, "ends inside a container");
	count = (size_t) little_endian(data, width);
	bytes = (size_t) little_endian(data + width, width);
	if (bytes > size || bytes < 2 * width || count > (bytes - 2 * width) / (key_entry + value_entry))
		return broken(put, "ends inside a container");
	keys = data + 2 * width;
	values = keys + count * key_entry;
	if (!put_text(put, object ? "{" : "[", 1))
		return false;
	for (size_t i = 0; i < count; i++)
	{
		if (i > 0 && !put_text(put, ", ", 2))
			return false;
		if (object && !put_key(put, data, bytes, keys + i * key_entry, width))
			return false;
		if (!put_member(put, data, bytes, values + i * value_entry, large, depth))
			return false;
	}
	return put_text(put, object ? "}" : "]", 1);
}

/* Bytes that a scalar of fixed size has. */
static size_t
scalar_size(uint8_t type)
{
	switch (type)
	{
		case JSON_LITERAL:
			return 1;
		case JSON_INT16:
		case JSON_UINT16:
			return 2;
		case JSON_INT32:
		case JSON_UINT32:
			return 4;
		case JSON_INT64:
		case JSON_UINT64:
		case JSON_DOUBLE:
			return 8;
		default:
			return 0;
	}
}

static bool
put_value(JsonPut *put, uint8_t type, const uint8_t *data, size_t size, unsigned depth)
{
	const uint8_t *text;
	uint64_t length;

	if (size < scalar_size(type))
		return broken(put, "ends inside a value");
	switch (type)
	{
		case JSON_SMALL_OBJECT:
		case JSON_LARGE_OBJECT:
			return put_container(put, data, size, true, type == JSON_LARGE_OBJECT, depth + 1);
		case JSON_SMALL_ARRAY:
		case JSON_LARGE_ARRAY:
			return put_container(put, data, size, false, type == JSON_LARGE_ARRAY, depth + 1);
		case JSON_LITERAL:
			return put_literal(put, data[0]);
		case JSON_INT16:
			return put_signed(put, (int16_t) little_endian(data, 2));
		case JSON_UINT16:
			return put_unsigned(put, little_endian(data, 2));
		case JSON_INT32:
			return put_signed(put, (int32_t) little_endian(data, 4));
		case JSON_UINT32:
			return put_unsigned(put, little_endian(data, 4));
		case JSON_INT64:
			return put_signed(put, (int64_t) little_endian(data, 8));
		case JSON_UINT64:
			return put_unsigned(put, little_endian(data, 8));
		case JSON_DOUBLE:
			return put_double(put, data);
		case JSON_STRING:
			text = variable_length(data, data + size, &length);
			if (text == NULL || length > (uint64_t) (data + size - text))
				return broken(put, "ends inside a string");
			return put_string(put, text, (size_t) length);
		case JSON_OPAQUE:
			return put_opaque(put, data, size);
		default:
			return broken(put, "has a value of a type that is not known");
	}
}

bool
json_binary_put(const uint8_t *data, size_t size, size_t spare, Outbox *outbox, const char **problem, Failure *failure)
{
	JsonPut put = {.outbox = outbox, .w = outbox_writer(outbox), .spare = spare, .failure = failure};
	bool done;

	/* A byte becomes at most the six of "\u0001", a value's entry of three bytes at most the eight of "-32768, ". */
	put.limit = put.w->used - put.w->message + 8 * size + 64;
	done = size == 0 ? put_text(&put, "null", 4) : put_value(&put, data[0], data + 1, size - 1, 0);
	*problem = put.problem;
	return done;
}
