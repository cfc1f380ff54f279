/*
 * Canonical texts of values: see clone_canonical.h.
 */
#include "clone_canonical.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../libdbstream/kind.h"

#define JSON_DEPTH 2000

void
canonical_append(CanonicalText *text, const void *data, size_t size)
{
	if (text->size - text->used < size)
	{
		size_t wanted = 2 * (text->used + size) + 256;
		char *grown = realloc(text->data, wanted);

		if (grown == NULL)
		{
			text->failed = true;
			return;
		}
		text->data = grown;
		text->size = wanted;
	}
	if (size > 0)
		memcpy(text->data + text->used, data, size);
	text->used += size;
}

void
canonical_free(CanonicalText *text)
{
	free(text->data);
	memset(text, 0, sizeof *text);
}

/* ---- which form ---- */

typedef struct TypeForm
{
	const char *typname;
	CanonicalForm form;
	const char *expression;
} TypeForm;

#define SINCE_2000 "((extract(epoch FROM %s) - 946684800) * 1000000)::bigint"

static const TypeForm type_forms[] = {
	{"bool", CANONICAL_BOOL, "%s::int"},
	{"int2", CANONICAL_NUMBER, "%s"},
	{"int4", CANONICAL_NUMBER, "%s"},
	{"int8", CANONICAL_NUMBER, "%s"},
	{"numeric", CANONICAL_NUMBER, "%s"},
	{"float4", CANONICAL_FLOAT, "%s"},
	{"float8", CANONICAL_FLOAT, "%s"},
	{"date", CANONICAL_COUNT, "%s - date '2000-01-01'"},
	{"timestamp", CANONICAL_COUNT, SINCE_2000},
	{"timestamptz", CANONICAL_COUNT, SINCE_2000},
	{"interval", CANONICAL_COUNT, "(extract(epoch FROM %s) * 1000000)::bigint"},
	{"time", CANONICAL_COUNT, "(extract(epoch FROM %s) * 1000000)::bigint"},
	{"bytea", CANONICAL_BYTES, "encode(%s, 'hex')"},
	{"uuid", CANONICAL_BYTES, "replace(%s::text, '-', '')"},
	{"inet", CANONICAL_INET, "host(%s)"},
	{"json", CANONICAL_JSON, "%s"},
	{"jsonb", CANONICAL_JSON, "%s"},
	{"_text", CANONICAL_LIST, "array_to_string(%s, ',')"},
	{"bit", CANONICAL_BITS, "%s"},
	{"varbit", CANONICAL_BITS, "%s"},
	{"_float4", CANONICAL_FLOATS, "%s"},
	{"vector", CANONICAL_FLOATS, "%s"},
	{"geometry", CANONICAL_GEOMETRY, "encode(ST_AsEWKB(%s), 'hex')"},
	{"text", CANONICAL_TEXT, "%s::text"},
	{"varchar", CANONICAL_TEXT, "%s::text"},
	{"bpchar", CANONICAL_TEXT, "%s::text"},
};

static const TypeForm *
find_type(const char *typname)
{
	for (size_t i = 0; i < sizeof type_forms / sizeof type_forms[0]; i++)
	{
		if (strcmp(type_forms[i].typname, typname) == 0)
			return &type_forms[i];
	}
	return NULL;
}

static bool
is_integer(uint8_t kind)
{
	return kind == DBS_KIND_INT2 || kind == DBS_KIND_INT4 || kind == DBS_KIND_INT8 || kind == DBS_KIND_UINT8;
}

static bool
is_text(uint8_t kind)
{
	return kind == DBS_KIND_TEXT || kind == DBS_KIND_LABEL || kind == DBS_KIND_JSON || kind == DBS_KIND_TYPED_TEXT;
}

/* Can a value of this kind be brought into this form? */
static bool
form_fits(uint8_t kind, CanonicalForm form)
{
	switch (form)
	{
		case CANONICAL_TEXT:
			return is_text(kind);
		case CANONICAL_BOOL:
			return kind == DBS_KIND_BOOL || is_integer(kind);
		case CANONICAL_NUMBER:
			return kind == DBS_KIND_NUMERIC || kind == DBS_KIND_BOOL || is_integer(kind);
		case CANONICAL_FLOAT:
			return kind == DBS_KIND_FLOAT4 || kind == DBS_KIND_FLOAT8;
		case CANONICAL_COUNT:
			return kind == DBS_KIND_DATE || kind == DBS_KIND_TIMESTAMP || kind == DBS_KIND_TIMESTAMPTZ ||
				   kind == DBS_KIND_DURATION || kind == DBS_KIND_TIME;
		case CANONICAL_BYTES:
			return kind == DBS_KIND_BYTES || kind == DBS_KIND_UUID;
		case CANONICAL_INET:
			return kind == DBS_KIND_BYTES || kind == DBS_KIND_UUID;
		case CANONICAL_JSON:
			return is_text(kind);
		case CANONICAL_LIST:
			return kind == DBS_KIND_LABEL_LIST;
		case CANONICAL_BITS:
			return kind == DBS_KIND_BIT;
		case CANONICAL_FLOATS:
			return kind == DBS_KIND_VECTOR || kind == DBS_KIND_BYTES;
		case CANONICAL_GEOMETRY:
			return kind == DBS_KIND_GEOMETRY;
		default:
			return false;
	}
}

CanonicalForm
canonical_form(uint8_t kind, const char *typname)
{
	const TypeForm *type = find_type(typname);
	CanonicalForm form = type != NULL ? type->form : CANONICAL_TEXT; /* an enum type */

	if (kind == DBS_KIND_GEOMETRY && strcmp(typname, "bytea") == 0)
		return CANONICAL_GEOMETRY;
	if (kind == DBS_KIND_LABEL_LIST && form == CANONICAL_TEXT)
		return CANONICAL_LIST;
	return form_fits(kind, form) ? form : CANONICAL_NONE;
}

const char *
canonical_expression(CanonicalForm form, const char *typname)
{
	const TypeForm *type = find_type(typname);

	(void) form;
	return type != NULL ? type->expression : "%s::text";
}

/* ---- pieces ---- */

static void
append_hex(CanonicalText *out, const char *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++)
	{
		unsigned char byte = (unsigned char) data[i];
		char pair[2] = {digits[byte >> 4], digits[byte & 15]};

		canonical_append(out, pair, 2);
	}
}

/* "-012.500" becomes "-12.5", "-0.0" becomes "0". */
static void
append_number(CanonicalText *out, const char *text, size_t size)
{
	bool negative = size > 0 && text[0] == '-';
	const char *at = text + negative;
	const char *end = text + size;
	const char *point = memchr(at, '.', (size_t) (end - at));

	if (point != NULL)
	{
		while (end > point + 1 && end[-1] == '0')
			end--;
		if (end == point + 1)
			end = point;
	}
	while (at + 1 < end && at[0] == '0' && at[1] != '.')
		at++;
	if (end - at == 1 && at[0] == '0')
		negative = false;
	if (negative)
		canonical_append(out, "-", 1);
	canonical_append(out, at, (size_t) (end - at));
}

static void
append_double(CanonicalText *out, double value)
{
	char text[40];

	canonical_append(out, text, (size_t) snprintf(text, sizeof text, "%.17g", value));
}

static void
append_i64(CanonicalText *out, int64_t value)
{
	char text[24];

	canonical_append(out, text, (size_t) snprintf(text, sizeof text, "%" PRId64, value));
}

/* ---- JSON ---- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void append_json(CanonicalText *out, struct json_object *value);

static void
append_json_object(CanonicalText *out, struct json_object *value)
{
	size_t count = (size_t) json_object_object_length(value), at = 0;
	const char **names = calloc(count + 1, sizeof *names);

	if (names == NULL)
	{
		out->failed = true;
		return;
	}
	json_object_object_foreach(value, name, unused)
	{
		(void) unused;
		names[at++] = name;
	}
	qsort(names, count, sizeof *names, by_name);
	canonical_append(out, "{", 1);
	for (size_t i = 0; i < count; i++)
	{
		struct json_object *member = NULL;

		json_object_object_get_ex(value, names[i], &member);
		canonical_append(out, names[i], strlen(names[i]) + 1);
		append_json(out, member);
	}
	canonical_append(out, "}", 1);
	free(names);
}

static void
append_json(CanonicalText *out, struct json_object *value)
{
	switch (json_object_get_type(value))
	{
		case json_type_object:
			append_json_object(out, value);
			break;
		case json_type_array:
			canonical_append(out, "[", 1);
			for (size_t i = 0; i < json_object_array_length(value); i++)
			{
				append_json(out, json_object_array_get_idx(value, i));
				canonical_append(out, ",", 1);
			}
			canonical_append(out, "]", 1);
			break;
		case json_type_string:
			canonical_append(out, "\"", 1);
			canonical_append(out, json_object_get_string(value), (size_t) json_object_get_string_len(value));
			canonical_append(out, "\"", 1);
			break;
		case json_type_boolean:
			canonical_append(out, json_object_get_boolean(value) ? "t" : "f", 1);
			break;
		default:
			canonical_append(out, "n", 1);
	}
}

/*
 * A number as its significant digits and a power of ten: "1.50e3" and "1500" both become 15e2. The parser's own numbers
 * end at 64 bits, and jsonb writes 1e300 with all its zeros.
 */
static void
append_json_number(CanonicalText *out, const char *text, size_t size)
{
	size_t end = 0, first = 0, last = 0, digits = 0;
	long exponent = 0, after_point = 0, after_last = 0;
	bool point = false;
	char power[32];

	while (end < size && text[end] != 'e' && text[end] != 'E')
		end++;
	if (end < size)
		exponent = strtol(text + end + 1, NULL, 10);
	for (size_t i = 0; i < end; i++)
	{
		if (text[i] == '.')
			point = true;
		if (text[i] < '0' || text[i] > '9')
			continue;
		after_point += point;
		if (text[i] == '0')
			continue;
		first = digits++ == 0 ? i : first;
		last = i;
		after_last = after_point;
	}
	if (digits > 0 && after_last == 0)
	{
		/* The zeros between the last digit and the point count. */
		for (size_t i = last + 1; i < end && text[i] != '.'; i++)
			exponent++;
	}
	canonical_append(out, "\"\\u0001", strlen("\"\\u0001"));
	if (digits > 0 && text[0] == '-')
		canonical_append(out, "-", 1);
	for (size_t i = first; digits > 0 && i <= last; i++)
	{
		if (text[i] != '.')
			canonical_append(out, text + i, 1);
	}
	canonical_append(out, power,
					 (size_t) snprintf(power, sizeof power, "e%ld\"", digits > 0 ? exponent - after_last : 0));
}

/* The document with its numbers as texts that begin with a character no other text is likely to begin with. */
static void
append_json_without_numbers(CanonicalText *out, const char *text, size_t size)
{
	for (size_t i = 0; i < size;)
	{
		size_t start = i;

		if (text[i] == '"')
		{
			for (i++; i < size && text[i] != '"'; i++)
				i += text[i] == '\\';
			i = i < size ? i + 1 : size;
			canonical_append(out, text + start, i - start);
		}
		else if (text[i] == '-' || (text[i] >= '0' && text[i] <= '9'))
		{
			while (i < size && strchr("+-.eE0123456789", text[i]) != NULL && text[i] != '\0')
				i++;
			append_json_number(out, text + start, i - start);
		}
		else
			canonical_append(out, text + i++, 1);
	}
}

static void
append_json_text(CanonicalText *out, const char *text, size_t size)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH);
	struct json_object *value = NULL;
	CanonicalText plain = {0};

	append_json_without_numbers(&plain, text, size);
	if (tokener != NULL && !plain.failed && plain.used < INT32_MAX)
	{
		value = json_tokener_parse_ex(tokener, plain.data, (int) plain.used);
		/* A word at the end might go on; the end of the text says that it does not. */
		if (json_tokener_get_error(tokener) == json_tokener_continue)
			value = json_tokener_parse_ex(tokener, "", -1);
	}
	if (tokener != NULL && json_tokener_get_error(tokener) == json_tokener_success && plain.used > 0)
		append_json(out, value);
	else
		canonical_append(out, text, size);
	out->failed = out->failed || plain.failed;
	json_object_put(value);
	if (tokener != NULL)
		json_tokener_free(tokener);
	canonical_free(&plain);
}

/* ---- from the wire ---- */

static int64_t
wire_integer(uint8_t kind, const char *value)
{
	int16_t i16;
	int32_t i32;
	int64_t i64;

	switch (kind)
	{
		case DBS_KIND_BOOL:
			return value[0] != 0;
		case DBS_KIND_INT2:
			memcpy(&i16, value, 2);
			return i16;
		case DBS_KIND_INT4:
		case DBS_KIND_DATE:
			memcpy(&i32, value, 4);
			return i32;
		default:
			memcpy(&i64, value, 8);
			return i64;
	}
}

/* Base 10000 to digits. */
static void
append_wire_numeric(CanonicalText *out, const char *value, size_t size)
{
	int16_t weight;
	uint16_t sign, scale;
	int groups = ((int) size - 6) / 2;
	char digits[512];
	size_t used = 0;

	memcpy(&weight, value, 2);
	memcpy(&sign, value + 2, 2);
	memcpy(&scale, value + 4, 2);
	if (sign == DBS_NUMERIC_NEGATIVE)
		digits[used++] = '-';
	for (int place = weight < 0 ? 0 : weight; place >= -((scale + 3) / 4) && used + 8 < sizeof digits; place--)
	{
		uint16_t digit = 0;
		int index = weight - place;

		if (index >= 0 && index < groups)
			memcpy(&digit, value + 6 + 2 * index, 2);
		if (place == -1)
			digits[used++] = '.';
		used += (size_t) snprintf(digits + used, sizeof digits - used, "%04u", digit);
	}
	append_number(out, digits, used);
}

static void
append_wire_list(CanonicalText *out, const char *value, size_t size)
{
	const char *at = value + 4, *end = value + size;
	uint32_t count, length;

	memcpy(&count, value, 4);
	for (uint32_t i = 0; i < count && end - at >= 4; i++)
	{
		memcpy(&length, at, 4);
		if (i > 0)
			canonical_append(out, ",", 1);
		canonical_append(out, at + 4, length);
		at += 4 + length;
	}
}

static void
append_wire_bits(CanonicalText *out, const char *value)
{
	uint32_t bits;

	memcpy(&bits, value, 4);
	for (uint32_t i = 0; i < bits; i++)
		canonical_append(out, (value[4 + i / 8] >> (7 - i % 8)) & 1 ? "1" : "0", 1);
}

/* The SRID goes behind the type, whose flag says so; without one the binary is plain. Both are little-endian here. */
static void
append_wire_geometry(CanonicalText *out, const char *value, size_t size)
{
	uint32_t srid, type;

	memcpy(&srid, value, 4);
	if (srid == 0 || size < 9 || value[4] != 1)
	{
		append_hex(out, value + 4, size - 4);
		return;
	}
	memcpy(&type, value + 5, 4);
	type |= UINT32_C(0x20000000);
	append_hex(out, value + 4, 1);
	append_hex(out, (const char *) &type, 4);
	append_hex(out, (const char *) &srid, 4);
	append_hex(out, value + 9, size - 9);
}

static void
append_wire_floats(CanonicalText *out, const char *value, size_t size)
{
	for (size_t i = 0; i + 4 <= size; i += 4)
	{
		float single;

		memcpy(&single, value + i, 4);
		append_double(out, (double) single);
		canonical_append(out, ",", 1);
	}
}

static void
append_wire_float(CanonicalText *out, uint8_t kind, const char *value)
{
	float single;
	double number;

	memcpy(&single, value, 4);
	number = (double) single;
	if (kind == DBS_KIND_FLOAT8)
		memcpy(&number, value, 8);
	append_double(out, number);
}

static void
append_wire_number(CanonicalText *out, uint8_t kind, const char *value, size_t size)
{
	char text[24];

	if (kind == DBS_KIND_NUMERIC)
		append_wire_numeric(out, value, size);
	else if (kind == DBS_KIND_UINT8)
		canonical_append(out, text,
						 (size_t) snprintf(text, sizeof text, "%" PRIu64, (uint64_t) wire_integer(kind, value)));
	else
		append_i64(out, wire_integer(kind, value));
}

void
canonical_from_wire(CanonicalText *out, CanonicalForm form, uint8_t kind, const char *value, size_t size)
{
	switch (form)
	{
		case CANONICAL_BOOL:
			canonical_append(out, wire_integer(kind, value) != 0 ? "1" : "0", 1);
			break;
		case CANONICAL_NUMBER:
			append_wire_number(out, kind, value, size);
			break;
		case CANONICAL_FLOAT:
			append_wire_float(out, kind, value);
			break;
		case CANONICAL_COUNT:
			append_i64(out, wire_integer(kind, value));
			break;
		case CANONICAL_BYTES:
		case CANONICAL_INET:
			append_hex(out, value, size);
			break;
		case CANONICAL_JSON:
			append_json_text(out, value, size);
			break;
		case CANONICAL_LIST:
			append_wire_list(out, value, size);
			break;
		case CANONICAL_BITS:
			append_wire_bits(out, value);
			break;
		case CANONICAL_FLOATS:
			append_wire_floats(out, value, size);
			break;
		case CANONICAL_GEOMETRY:
			append_wire_geometry(out, value, size);
			break;
		default:
			canonical_append(out, value, size);
	}
}

/* ---- from the target ---- */

static void
append_target_float(CanonicalText *out, uint8_t kind, const char *value)
{
	append_double(out, kind == DBS_KIND_FLOAT4 ? (double) strtof(value, NULL) : strtod(value, NULL));
}

/* "{1,2.5}" or "[1,2.5]". */
static void
append_target_floats(CanonicalText *out, const char *value)
{
	const char *at = value;

	while (*at != '\0')
	{
		char *end;
		float single = strtof(at, &end);

		if (end == at)
		{
			at++;
			continue;
		}
		append_double(out, (double) single);
		canonical_append(out, ",", 1);
		at = end;
	}
}

static void
append_target_inet(CanonicalText *out, const char *value, size_t size)
{
	unsigned char address[16];

	if (inet_pton(AF_INET6, value, address) == 1)
		append_hex(out, (const char *) address, 16);
	else if (inet_pton(AF_INET, value, address) == 1)
		append_hex(out, (const char *) address, 4);
	else
		canonical_append(out, value, size);
}

void
canonical_from_target(CanonicalText *out, CanonicalForm form, uint8_t kind, const char *value, size_t size)
{
	switch (form)
	{
		case CANONICAL_NUMBER:
			append_number(out, value, size);
			break;
		case CANONICAL_FLOAT:
			append_target_float(out, kind, value);
			break;
		case CANONICAL_INET:
			append_target_inet(out, value, size);
			break;
		case CANONICAL_JSON:
			append_json_text(out, value, size);
			break;
		case CANONICAL_FLOATS:
			append_target_floats(out, value);
			break;
		default:
			canonical_append(out, value, size);
	}
}
