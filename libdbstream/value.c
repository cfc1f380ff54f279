#include "value.h"

#include <string.h>

#include "utf8.h"

#define MICROSECONDS_PER_DAY INT64_C(86400000000)

/* What PostgreSQL's numeric can carry as its display scale. */
#define MAX_DISPLAY_SCALE 0x3fff

/* SRID, byte order, geometry type: no well-known binary is shorter. */
#define MIN_GEOMETRY_SIZE 9

static uint16_t
load_u16(const char *from)
{
	uint16_t v;

	memcpy(&v, from, sizeof v);
	return v;
}

static uint32_t
load_u32(const char *from)
{
	uint32_t v;

	memcpy(&v, from, sizeof v);
	return v;
}

static const char *
check_text(const char *value, uint32_t size)
{
	if (size > 0 && memchr(value, '\0', size) != NULL)
		return "text holds a NUL byte";
	if (!dbs_utf8_valid(value, size))
		return "text is not valid UTF-8";
	return NULL;
}

static const char *
check_numeric(const char *value, uint32_t size)
{
	uint16_t sign;

	if (size < 6 || size % 2 != 0)
		return "numeric has an impossible size";
	sign = load_u16(value + 2);
	if (sign == DBS_NUMERIC_NAN || sign == DBS_NUMERIC_POSITIVE_INFINITY || sign == DBS_NUMERIC_NEGATIVE_INFINITY)
		return size == 6 ? NULL : "numeric that is not finite has digits";
	if (sign != DBS_NUMERIC_POSITIVE && sign != DBS_NUMERIC_NEGATIVE)
		return "numeric has an unknown sign";
	if (load_u16(value + 4) > MAX_DISPLAY_SCALE)
		return "numeric has too large a scale";
	for (uint32_t at = 6; at < size; at += 2)
		if (load_u16(value + at) > 9999)
			return "numeric has a digit above 9999";
	return NULL;
}

static const char *
check_time(const char *value)
{
	int64_t time;

	memcpy(&time, value, sizeof time);
	return time < 0 || time > MICROSECONDS_PER_DAY ? "time is not within a day" : NULL;
}

static const char *
check_bit(const char *value, uint32_t size)
{
	uint32_t bits;

	if (size < 4)
		return "bit string ends inside its length";
	bits = load_u32(value);
	if (size - 4 != ((uint64_t) bits + 7) / 8)
		return "bit string's size is not that of its bits";
	if (bits % 8 != 0 && ((unsigned char) value[size - 1] & (0xff >> bits % 8)) != 0)
		return "bit string's padding is not zero";
	return NULL;
}

static const char *
check_label_list(const char *value, uint32_t size)
{
	uint32_t count;
	uint32_t at = 4;

	if (size < 4)
		return "label list ends inside its count";
	count = load_u32(value);
	for (uint32_t i = 0; i < count; i++)
	{
		uint32_t length;
		const char *error;

		if (size - at < 4)
			return "label list ends inside a label's size";
		length = load_u32(value + at);
		at += 4;
		if (size - at < length)
			return "label list ends inside a label";
		error = check_text(value + at, length);
		if (error != NULL)
			return error;
		at += length;
	}
	return at == size ? NULL : "label list goes on after its last label";
}

const char *
dbs_value_check(uint8_t kind, const char *value, uint32_t size)
{
	if (kind == DBS_KIND_NONE || kind >= DBS_KIND_COUNT)
		return "unknown kind of value";
	if (dbs_kind_width[kind] != 0 && size != dbs_kind_width[kind])
		return "value's size is not its kind's width";
	switch ((DbsKind) kind)
	{
		case DBS_KIND_BOOL:
			return (unsigned char) value[0] > 1 ? "bool is neither 0 nor 1" : NULL;
		case DBS_KIND_NUMERIC:
			return check_numeric(value, size);
		case DBS_KIND_TIME:
			return check_time(value);
		case DBS_KIND_TEXT:
		case DBS_KIND_LABEL:
		case DBS_KIND_TYPED_TEXT:
			return check_text(value, size);
		case DBS_KIND_JSON:
			return size == 0 ? "json is empty" : check_text(value, size);
		case DBS_KIND_BIT:
			return check_bit(value, size);
		case DBS_KIND_LABEL_LIST:
			return check_label_list(value, size);
		case DBS_KIND_GEOMETRY:
			return size < MIN_GEOMETRY_SIZE ? "geometry is too short" : NULL;
		case DBS_KIND_VECTOR:
			return size % 4 != 0 ? "vector's size is not a multiple of 4" : NULL;
		default:
			return NULL;
	}
}
