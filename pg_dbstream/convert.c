/*
 * See convert.h.
 *
 * A varying value's 4-byte size prefix is aligned, so it becomes a varlena
 * header where it lies; the message is written to and not read again.
 */
#include "convert.h"

#include <arpa/inet.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
#include "utils/varbit.h"

static void
does_not_fit(DbsConversion *c, DbsKind kind, char *value, uint32 size, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("value %s does not fit column \"%s\" of type %s", dbs_value_text(kind, value, size), c->name,
						   c->type_name),
					hint != NULL ? errhint("%s", hint)
								 : errhint("Widen the target column with ALTER TABLE; the stream goes on from here.")));
}

static void
malformed(DbsConversion *c, const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("malformed %s for column \"%s\"", what, c->name)));
}

/* ---- fixed width, same on both sides ---- */

static Datum
convert_bool(DbsConversion *c, char *value, uint32 size)
{
	if ((unsigned char) *value > 1)
		malformed(c, "boolean");
	return BoolGetDatum(*value != 0);
}

static Datum
convert_int2(DbsConversion *c, char *value, uint32 size)
{
	int16 v;

	memcpy(&v, value, sizeof v);
	return Int16GetDatum(v);
}

static Datum
convert_4(DbsConversion *c, char *value, uint32 size)
{
	int32 v;

	memcpy(&v, value, sizeof v);
	return Int32GetDatum(v);
}

static Datum
convert_8(DbsConversion *c, char *value, uint32 size)
{
	int64 v;

	memcpy(&v, value, sizeof v);
	return Int64GetDatum(v);
}

static Datum
convert_uuid(DbsConversion *c, char *value, uint32 size)
{
	return PointerGetDatum(value);
}

/*
 * MariaDB's UUID, INET4 and INET6 stand in the log as fixed-length bytes, which nothing there tells from BINARY: the
 * target column says what they are.
 */
static Datum
convert_bytes_uuid(DbsConversion *c, char *value, uint32 size)
{
	if (size != UUID_LEN)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("%u bytes are no uuid for column \"%s\"", size, c->name)));
	return PointerGetDatum(value);
}

static Datum
convert_bytes_inet(DbsConversion *c, char *value, uint32 size)
{
	char text[INET6_ADDRSTRLEN];

	if ((size != 4 && size != 16) || inet_ntop(size == 4 ? AF_INET : AF_INET6, value, text, sizeof text) == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("%u bytes are no internet address for column \"%s\"", size, c->name)));
	return DirectFunctionCall1(inet_in, CStringGetDatum(text));
}

/* A BINARY(16) that the option binary16 sent as a uuid, for a column that stayed bytea. */
static Datum
convert_uuid_bytes(DbsConversion *c, char *value, uint32 size)
{
	bytea *bytes = palloc(VARHDRSZ + size);

	SET_VARSIZE(bytes, VARHDRSZ + size);
	memcpy(VARDATA(bytes), value, size);
	return PointerGetDatum(bytes);
}

static Datum
convert_interval(DbsConversion *c, char *value, uint32 size)
{
	Interval *interval = palloc(sizeof *interval);

	memcpy(&interval->time, value, 8);
	memcpy(&interval->day, value + 8, 4);
	memcpy(&interval->month, value + 12, 4);
	return IntervalPGetDatum(interval);
}

/* ---- integers into other widths ---- */

static int64
signed_of(DbsKind kind, const char *value)
{
	int16 v2;
	int32 v4;
	int64 v8;

	switch (kind)
	{
		case DBS_KIND_BOOL:
			return (unsigned char) *value;
		case DBS_KIND_INT2:
			memcpy(&v2, value, sizeof v2);
			return v2;
		case DBS_KIND_INT4:
			memcpy(&v4, value, sizeof v4);
			return v4;
		default:
			memcpy(&v8, value, sizeof v8);
			return v8;
	}
}

/* Any integer kind to int2, int4, int8 with a check; uint8 beyond int8 has the sign bit set. */
static Datum
convert_integer(DbsConversion *c, char *value, uint32 size)
{
	int64 v = signed_of(c->kind, value);

	if (c->kind == DBS_KIND_UINT8 && v < 0)
		does_not_fit(c, c->kind, value, size, NULL);
	switch (c->type)
	{
		case INT2OID:
			if (v < PG_INT16_MIN || v > PG_INT16_MAX)
				does_not_fit(c, c->kind, value, size, NULL);
			return Int16GetDatum((int16) v);
		case INT4OID:
			if (v < PG_INT32_MIN || v > PG_INT32_MAX)
				does_not_fit(c, c->kind, value, size, NULL);
			return Int32GetDatum((int32) v);
		default:
			return Int64GetDatum(v);
	}
}

static Datum
convert_integer_bool(DbsConversion *c, char *value, uint32 size)
{
	int64 v = signed_of(c->kind, value);

	if (v != 0 && v != 1)
		does_not_fit(c, c->kind, value, size,
					 "Change the column to smallint with ALTER TABLE, and set the stream's option tinyint1 to "
					 "\"smallint\" so that tables to come get it too.");
	return BoolGetDatum(v == 1);
}

static Datum
convert_float8(DbsConversion *c, char *value, uint32 size)
{
	float4 v;

	memcpy(&v, value, sizeof v);
	return Float8GetDatum((float8) v);
}

/* ---- numeric ---- */

/* PostgreSQL's stored form: a short header where scale and weight allow it, else a long one. */
#define NUMERIC_HEADER_SHORT 0x8000
#define NUMERIC_SHORT_NEGATIVE 0x2000
#define NUMERIC_SHORT_SCALE_SHIFT 7
#define NUMERIC_SHORT_SCALE_MAX 0x3F
#define NUMERIC_SHORT_WEIGHT_NEGATIVE 0x0040
#define NUMERIC_SHORT_WEIGHT_MASK 0x003F
#define NUMERIC_LONG_SCALE_MASK 0x3FFF

static Numeric
build_numeric(int weight, uint16 sign, uint16 scale, const char *digits, int count)
{
	uint16 digit;
	uint16 *out;
	char *numeric;
	bool is_short;
	Size size;

	/* Stored numerics have no leading or trailing zero digit. */
	while (count > 0 && (memcpy(&digit, digits, 2), digit == 0))
	{
		digits += 2;
		count--;
		weight--;
	}
	while (count > 0 && (memcpy(&digit, digits + 2 * (count - 1), 2), digit == 0))
		count--;
	if (count == 0)
	{
		weight = 0;
		if (sign == DBS_NUMERIC_NEGATIVE)
			sign = DBS_NUMERIC_POSITIVE;
	}
	if (sign == DBS_NUMERIC_NAN || sign == DBS_NUMERIC_POSITIVE_INFINITY || sign == DBS_NUMERIC_NEGATIVE_INFINITY)
	{
		numeric = palloc(VARHDRSZ + 2);
		SET_VARSIZE(numeric, VARHDRSZ + 2);
		memcpy(numeric + VARHDRSZ, &sign, 2);
		return (Numeric) numeric;
	}
	is_short = scale <= NUMERIC_SHORT_SCALE_MAX && weight >= -64 && weight <= 63;
	size = VARHDRSZ + (is_short ? 2 : 4) + 2 * (Size) count;
	numeric = palloc(size);
	SET_VARSIZE(numeric, size);
	out = (uint16 *) (numeric + VARHDRSZ);
	if (is_short)
		*out++ = NUMERIC_HEADER_SHORT | (sign == DBS_NUMERIC_NEGATIVE ? NUMERIC_SHORT_NEGATIVE : 0) |
				 (uint16) (scale << NUMERIC_SHORT_SCALE_SHIFT) | (weight < 0 ? NUMERIC_SHORT_WEIGHT_NEGATIVE : 0) |
				 (uint16) (weight & NUMERIC_SHORT_WEIGHT_MASK);
	else
	{
		*out++ = sign | (scale & NUMERIC_LONG_SCALE_MASK);
		*out++ = (uint16) (int16) weight;
	}
	memcpy(out, digits, 2 * (Size) count);
	return (Numeric) numeric;
}

static Numeric
numeric_of_wire(DbsConversion *c, const char *value, uint32 size)
{
	int16 weight;
	uint16 sign, scale, digit;
	int count;

	if (size < 6 || (size & 1) != 0)
		malformed(c, "numeric");
	memcpy(&weight, value, 2);
	memcpy(&sign, value + 2, 2);
	memcpy(&scale, value + 4, 2);
	count = (int) (size - 6) / 2;
	if (scale > NUMERIC_LONG_SCALE_MASK ||
		(sign != DBS_NUMERIC_POSITIVE && sign != DBS_NUMERIC_NEGATIVE && sign != DBS_NUMERIC_NAN &&
		 sign != DBS_NUMERIC_POSITIVE_INFINITY && sign != DBS_NUMERIC_NEGATIVE_INFINITY))
		malformed(c, "numeric");
	for (int i = 0; i < count; i++)
	{
		memcpy(&digit, value + 6 + 2 * i, 2);
		if (digit >= 10000)
			malformed(c, "numeric");
	}
	return build_numeric(weight, sign, scale, value + 6, count);
}

/* Apply numeric(p,s) and refuse when that changes the value. */
static Datum
fit_numeric(DbsConversion *c, Numeric exact, DbsKind kind, char *value, uint32 size)
{
	Datum fitted;

	if (c->typmod < (int32) VARHDRSZ)
		return NumericGetDatum(exact);
	fitted = DirectFunctionCall2(numeric, NumericGetDatum(exact), Int32GetDatum(c->typmod));
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, fitted, NumericGetDatum(exact))))
		does_not_fit(c, kind, value, size, NULL);
	return fitted;
}

static Datum
convert_numeric(DbsConversion *c, char *value, uint32 size)
{
	return fit_numeric(c, numeric_of_wire(c, value, size), DBS_KIND_NUMERIC, value, size);
}

static Datum
convert_integer_numeric(DbsConversion *c, char *value, uint32 size)
{
	uint64 magnitude;
	uint16 digits[5];
	int64 v = signed_of(c->kind, value);
	bool negative = c->kind != DBS_KIND_UINT8 && v < 0;

	magnitude = negative ? (uint64) 0 - (uint64) v : (uint64) v;
	for (int i = 4; i >= 0; i--)
	{
		digits[i] = (uint16) (magnitude % 10000);
		magnitude /= 10000;
	}
	return fit_numeric(
		c, build_numeric(4, negative ? DBS_NUMERIC_NEGATIVE : DBS_NUMERIC_POSITIVE, 0, (const char *) digits, 5),
		c->kind, value, size);
}

/* ---- dates and times ---- */

/* limit is how many microseconds the column's last kept digit is worth, 1 when it keeps all six. */
static Datum
convert_microseconds(DbsConversion *c, char *value, uint32 size)
{
	int64 v;

	memcpy(&v, value, sizeof v);
	if (c->limit > 1 && v % c->limit != 0 && v != PG_INT64_MIN && v != PG_INT64_MAX)
		does_not_fit(c, c->kind, value, size, NULL);
	switch (c->kind)
	{
		case DBS_KIND_TIME:
			if (v < 0 || v > USECS_PER_DAY)
				malformed(c, "time");
			break;
		default:
			if (v != PG_INT64_MIN && v != PG_INT64_MAX && !IS_VALID_TIMESTAMP(v))
				malformed(c, "timestamp");
			break;
	}
	return Int64GetDatum(v);
}

static Datum
convert_date(DbsConversion *c, char *value, uint32 size)
{
	int32 v;

	memcpy(&v, value, sizeof v);
	if (v != PG_INT32_MIN && v != PG_INT32_MAX && !IS_VALID_DATE(v))
		malformed(c, "date");
	return DateADTGetDatum(v);
}

static Datum
convert_duration_interval(DbsConversion *c, char *value, uint32 size)
{
	Interval *interval = palloc0(sizeof *interval);

	memcpy(&interval->time, value, 8);
	if (c->limit > 1 && interval->time % c->limit != 0)
		does_not_fit(c, c->kind, value, size, NULL);
	return IntervalPGetDatum(interval);
}

static Datum
convert_duration_time(DbsConversion *c, char *value, uint32 size)
{
	int64 v;

	memcpy(&v, value, sizeof v);
	if (v < 0 || v > USECS_PER_DAY || (c->limit > 1 && v % c->limit != 0))
		does_not_fit(c, c->kind, value, size,
					 "Change the column to interval with ALTER TABLE: the source's TIME goes beyond a day.");
	return Int64GetDatum(v);
}

/* ---- text and bytes ---- */

static void
check_text(DbsConversion *c, const char *value, uint32 size)
{
	if (likely(pg_verify_mbstr(PG_UTF8, value, (int) size, true)))
		return;
	if (memchr(value, 0, size) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("column \"%s\" holds a NUL byte, which PostgreSQL's text cannot", c->name),
				 errhint("Set the stream's option nul_bytes to \"strip\", or change the target column to bytea.")));
	ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
					errmsg("column \"%s\" holds bytes that are not valid UTF-8", c->name),
					errhint("Mend the row at the source, or change the target column to bytea.")));
}

/* limit is the column's length in characters, -1 when it has none. */
static Datum
convert_text(DbsConversion *c, char *value, uint32 size)
{
	check_text(c, value, size);
	if (c->limit >= 0 && size > (uint32) c->limit && pg_mbstrlen_with_len(value, (int) size) > c->limit)
		ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
						errmsg("a value of %d characters does not fit column \"%s\" of type %s",
							   pg_mbstrlen_with_len(value, (int) size), c->name, c->type_name),
						errhint("Widen the target column with ALTER TABLE; the stream goes on from here.")));
	SET_VARSIZE(value - VARHDRSZ, size + VARHDRSZ);
	return PointerGetDatum(value - VARHDRSZ);
}

/* char(n): stored padded with spaces to its length. */
static Datum
convert_bpchar(DbsConversion *c, char *value, uint32 size)
{
	int characters;
	char *padded;

	check_text(c, value, size);
	characters = pg_mbstrlen_with_len(value, (int) size);
	if (characters > c->limit)
	{
		uint32 kept = size;

		while (characters > c->limit && value[kept - 1] == ' ')
		{
			kept--;
			characters--;
		}
		if (characters > c->limit)
			ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
							errmsg("a value of %d characters does not fit column \"%s\" of type %s", characters,
								   c->name, c->type_name),
							errhint("Widen the target column with ALTER TABLE; the stream goes on from here.")));
		size = kept;
	}
	if (characters == c->limit)
	{
		SET_VARSIZE(value - VARHDRSZ, size + VARHDRSZ);
		return PointerGetDatum(value - VARHDRSZ);
	}
	padded = palloc(VARHDRSZ + size + (c->limit - characters));
	SET_VARSIZE(padded, VARHDRSZ + size + (c->limit - characters));
	memcpy(padded + VARHDRSZ, value, size);
	memset(padded + VARHDRSZ + size, ' ', c->limit - characters);
	return PointerGetDatum(padded);
}

static Datum
convert_bytes(DbsConversion *c, char *value, uint32 size)
{
	SET_VARSIZE(value - VARHDRSZ, size + VARHDRSZ);
	return PointerGetDatum(value - VARHDRSZ);
}

static Datum
convert_jsonb(DbsConversion *c, char *value, uint32 size)
{
	check_text(c, value, size);
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(value, size)));
}

/* ---- bits ---- */

static uint32
bits_of(DbsConversion *c, const char *value, uint32 size)
{
	uint32 bits;

	if (size < 4)
		malformed(c, "bit string");
	memcpy(&bits, value, 4);
	if (bits > VARBITMAXLEN || size - 4 != (bits + 7) / 8)
		malformed(c, "bit string");
	return bits;
}

/* The wire's form is VarBit's own; limit is the column's length, exact for bit and a maximum for varbit; -1: none. */
static Datum
convert_bit(DbsConversion *c, char *value, uint32 size)
{
	uint32 bits = bits_of(c, value, size);

	if (c->limit >= 0 && (c->type == BITOID ? bits != (uint32) c->limit : bits > (uint32) c->limit))
		does_not_fit(c, c->kind, value, size, NULL);
	SET_VARSIZE(value - VARHDRSZ, size + VARHDRSZ);
	return PointerGetDatum(value - VARHDRSZ);
}

static Datum
convert_bit_bool(DbsConversion *c, char *value, uint32 size)
{
	if (bits_of(c, value, size) != 1)
		does_not_fit(c, c->kind, value, size, "Change the column to bit(n) with ALTER TABLE.");
	return BoolGetDatum((value[4] & 0x80) != 0);
}

/* ---- lists ---- */

static Datum
convert_label_list(DbsConversion *c, char *value, uint32 size)
{
	uint32 count = 0, at = 4;
	Datum *labels;

	if (size < 4 || (memcpy(&count, value, 4), count > (size - 4) / 4))
		malformed(c, "label list");
	labels = palloc((count + 1) * sizeof(Datum));
	for (uint32 i = 0; i < count; i++)
	{
		uint32 length = 0;

		if (size - at < 4 || (memcpy(&length, value + at, 4), length > size - at - 4))
			malformed(c, "label list");
		check_text(c, value + at + 4, length);
		labels[i] = PointerGetDatum(cstring_to_text_with_len(value + at + 4, (int) length));
		at += 4 + length;
	}
	return PointerGetDatum(construct_array(labels, (int) count, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
convert_vector_array(DbsConversion *c, char *value, uint32 size)
{
	int count = (int) (size / 4);
	Datum *elements;

	if (size % 4 != 0)
		malformed(c, "vector");
	elements = palloc((count + 1) * sizeof(Datum));
	for (int i = 0; i < count; i++)
	{
		float4 v;

		memcpy(&v, value + 4 * i, 4);
		elements[i] = Float4GetDatum(v);
	}
	return PointerGetDatum(construct_array(elements, count, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
}

/* ---- geometry ---- */

#define EWKB_HAS_SRID 0x20000000

/* PostGIS's EWKB: the SRID goes into the header of the well-known binary when it is not 0. */
static bytea *
ewkb(DbsConversion *c, const char *value, uint32 size)
{
	uint32 srid, type;
	bytea *out;
	char *at;

	if (size < 4 + 5)
		malformed(c, "geometry");
	memcpy(&srid, value, 4);
	out = palloc(VARHDRSZ + size);
	at = VARDATA(out);
	if (srid == 0)
	{
		SET_VARSIZE(out, VARHDRSZ + size - 4);
		memcpy(at, value + 4, size - 4);
		return out;
	}
	if (value[4] != 1)
		malformed(c, "geometry (its well-known binary is not little-endian)");
	SET_VARSIZE(out, VARHDRSZ + size);
	at[0] = 1;
	memcpy(&type, value + 5, 4);
	type |= EWKB_HAS_SRID;
	memcpy(at + 1, &type, 4);
	memcpy(at + 5, &srid, 4);
	memcpy(at + 9, value + 9, size - 9);
	return out;
}

static Datum
convert_geometry_bytes(DbsConversion *c, char *value, uint32 size)
{
	return PointerGetDatum(ewkb(c, value, size));
}

/* ---- everything else: text form, input function ---- */

static Datum
convert_by_input(DbsConversion *c, char *value, uint32 size)
{
	char *text;
	Datum taken;

	if (c->input.fn_oid == InvalidOid)
	{
		Oid function;

		getTypeInputInfo(c->type, &function, &c->io_param);
		fmgr_info_cxt(function, &c->input, c->context);
	}
	switch (c->kind)
	{
		case DBS_KIND_TEXT:
		case DBS_KIND_JSON:
		case DBS_KIND_LABEL:
		case DBS_KIND_TYPED_TEXT:
			check_text(c, value, size);
			break;
		default:
			break;
	}
	if (c->kind == DBS_KIND_GEOMETRY)
	{
		bytea *bytes = ewkb(c, value, size);
		uint32 length = VARSIZE(bytes) - VARHDRSZ;

		text = palloc(2 * (Size) length + 1);
		hex_encode(VARDATA(bytes), length, text);
		text[2 * (Size) length] = '\0';
	}
	else
		text = dbs_value_text(c->kind, value, size);
	taken = InputFunctionCall(&c->input, text, c->io_param, c->typmod);
	if (!dbs_value_kept(c->kind, value, c->type, c->typmod, text, taken))
		does_not_fit(c, c->kind, value, size, "Give the target's column a type that holds it exactly.");
	return taken;
}

static void
numeric_text(StringInfo out, char *value, uint32 size)
{
	DbsConversion none = {.name = "?"};

	appendStringInfoString(
		out, DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(numeric_of_wire(&none, value, size)))));
}

static void
bytes_text(StringInfo out, const char *value, uint32 size)
{
	appendStringInfoString(out, "\\x");
	enlargeStringInfo(out, (int) (2 * size + 1));
	out->len += (int) hex_encode(value, size, out->data + out->len);
	out->data[out->len] = '\0';
}

static void
label_list_text(StringInfo out, const char *value, uint32 size)
{
	uint32 count = 0, at = 4;

	if (size >= 4)
		memcpy(&count, value, 4);
	for (uint32 i = 0; i < count && size - at >= 4; i++)
	{
		uint32 length;

		memcpy(&length, value + at, 4);
		if (length > size - at - 4)
			break;
		if (i > 0)
			appendStringInfoChar(out, ',');
		appendBinaryStringInfo(out, value + at + 4, (int) length);
		at += 4 + length;
	}
}

static void
vector_text(StringInfo out, const char *value, uint32 size)
{
	appendStringInfoChar(out, '[');
	for (uint32 at = 0; at + 4 <= size; at += 4)
	{
		float4 v;

		memcpy(&v, value + at, 4);
		if (at > 0)
			appendStringInfoChar(out, ',');
		appendStringInfoString(out, DatumGetCString(DirectFunctionCall1(float4out, Float4GetDatum(v))));
	}
	appendStringInfoChar(out, ']');
}

static char *
fixed_text(DbsKind kind, char *value)
{
	int64 v8;
	int32 v4;

	switch (kind)
	{
		case DBS_KIND_BOOL:
			return *value ? "1" : "0";
		case DBS_KIND_UINT8:
			memcpy(&v8, value, sizeof v8);
			return psprintf(UINT64_FORMAT, (uint64) v8);
		case DBS_KIND_FLOAT4:
			memcpy(&v4, value, sizeof v4);
			return DatumGetCString(DirectFunctionCall1(float4out, Int32GetDatum(v4)));
		case DBS_KIND_FLOAT8:
			return DatumGetCString(DirectFunctionCall1(float8out, convert_8(NULL, value, 8)));
		case DBS_KIND_DATE:
			return DatumGetCString(DirectFunctionCall1(date_out, convert_4(NULL, value, 4)));
		case DBS_KIND_TIME:
			return DatumGetCString(DirectFunctionCall1(time_out, convert_8(NULL, value, 8)));
		case DBS_KIND_TIMESTAMP:
			return DatumGetCString(DirectFunctionCall1(timestamp_out, convert_8(NULL, value, 8)));
		case DBS_KIND_TIMESTAMPTZ:
			return DatumGetCString(DirectFunctionCall1(timestamptz_out, convert_8(NULL, value, 8)));
		case DBS_KIND_DURATION:
		{
			Interval interval = {0};

			memcpy(&interval.time, value, 8);
			return DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(&interval)));
		}
		case DBS_KIND_INTERVAL:
			return DatumGetCString(DirectFunctionCall1(interval_out, convert_interval(NULL, value, 16)));
		case DBS_KIND_UUID:
			return DatumGetCString(DirectFunctionCall1(uuid_out, PointerGetDatum(value)));
		default:
			return psprintf(INT64_FORMAT, signed_of(kind, value));
	}
}

char *
dbs_value_text(DbsKind kind, char *value, uint32 size)
{
	StringInfoData out;

	if (dbs_kind_width[kind] > 0)
		return fixed_text(kind, value);
	initStringInfo(&out);
	switch (kind)
	{
		case DBS_KIND_NUMERIC:
			numeric_text(&out, value, size);
			break;
		case DBS_KIND_BYTES:
		case DBS_KIND_GEOMETRY:
			bytes_text(&out, value, size);
			break;
		case DBS_KIND_BIT:
		{
			uint32 bits = 0;

			if (size >= 4)
				memcpy(&bits, value, 4);
			for (uint32 i = 0; i < bits && 4 + i / 8 < size; i++)
				appendStringInfoChar(&out, (value[4 + i / 8] & (0x80 >> (i % 8))) ? '1' : '0');
			break;
		}
		case DBS_KIND_LABEL_LIST:
			label_list_text(&out, value, size);
			break;
		case DBS_KIND_VECTOR:
			vector_text(&out, value, size);
			break;
		default:
			if (GetDatabaseEncoding() == PG_UTF8)
				appendBinaryStringInfo(&out, value, (int) size);
			else
				appendStringInfoString(&out, pg_any_to_server(pnstrdup(value, size), (int) size, PG_UTF8));
			break;
	}
	return out.data;
}

/* ---- choosing ---- */

static bool
is_integer_kind(DbsKind kind)
{
	return kind == DBS_KIND_INT2 || kind == DBS_KIND_INT4 || kind == DBS_KIND_INT8 || kind == DBS_KIND_UINT8;
}

static bool
is_text_kind(DbsKind kind)
{
	return kind == DBS_KIND_TEXT || kind == DBS_KIND_LABEL || kind == DBS_KIND_JSON || kind == DBS_KIND_TYPED_TEXT;
}

static DbsConvertFunction
choose_number(DbsConversion *c)
{
	bool integer = is_integer_kind(c->kind);

	switch (c->type)
	{
		case BOOLOID:
			return c->kind == DBS_KIND_BOOL  ? convert_bool
				   : integer                 ? convert_integer_bool
				   : c->kind == DBS_KIND_BIT ? convert_bit_bool
											 : NULL;
		case INT2OID:
			return c->kind == DBS_KIND_INT2 ? convert_int2 : integer ? convert_integer : NULL;
		case INT4OID:
			return c->kind == DBS_KIND_INT4 ? convert_4 : integer ? convert_integer : NULL;
		case INT8OID:
			return c->kind == DBS_KIND_INT8 ? convert_8 : integer ? convert_integer : NULL;
		case FLOAT4OID:
			return c->kind == DBS_KIND_FLOAT4 ? convert_4 : NULL;
		case FLOAT8OID:
			return c->kind == DBS_KIND_FLOAT8 ? convert_8 : c->kind == DBS_KIND_FLOAT4 ? convert_float8 : NULL;
		case NUMERICOID:
			return c->kind == DBS_KIND_NUMERIC ? convert_numeric : integer ? convert_integer_numeric : NULL;
		default:
			return NULL;
	}
}

static DbsConvertFunction
choose_time(DbsConversion *c)
{
	switch (c->type)
	{
		case DATEOID:
			return c->kind == DBS_KIND_DATE ? convert_date : NULL;
		case TIMEOID:
			c->limit = dbs_microseconds_of_typmod(c->typmod);
			return c->kind == DBS_KIND_TIME       ? convert_microseconds
				   : c->kind == DBS_KIND_DURATION ? convert_duration_time
												  : NULL;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			c->limit = dbs_microseconds_of_typmod(c->typmod);
			return c->kind == (c->type == TIMESTAMPOID ? DBS_KIND_TIMESTAMP : DBS_KIND_TIMESTAMPTZ)
					   ? convert_microseconds
					   : NULL;
		case INTERVALOID:
			if (c->kind == DBS_KIND_DURATION && (c->typmod < 0 || INTERVAL_RANGE(c->typmod) == INTERVAL_FULL_RANGE))
			{
				c->limit = c->typmod < 0 || INTERVAL_PRECISION(c->typmod) == INTERVAL_FULL_PRECISION
							   ? 1
							   : dbs_microseconds_of_typmod(INTERVAL_PRECISION(c->typmod));
				return convert_duration_interval;
			}
			return c->kind == DBS_KIND_INTERVAL && c->typmod < 0 ? convert_interval : NULL;
		default:
			return NULL;
	}
}

static DbsConvertFunction
choose_string(DbsConversion *c)
{
	switch (c->type)
	{
		case TEXTOID:
		case VARCHAROID:
			c->limit = c->typmod >= (int32) VARHDRSZ ? c->typmod - (int32) VARHDRSZ : -1;
			return is_text_kind(c->kind) && GetDatabaseEncoding() == PG_UTF8 ? convert_text : NULL;
		case BPCHAROID:
			c->limit = c->typmod - (int32) VARHDRSZ;
			return is_text_kind(c->kind) && GetDatabaseEncoding() == PG_UTF8 && c->limit > 0 ? convert_bpchar : NULL;
		case BYTEAOID:
			return c->kind == DBS_KIND_BYTES      ? convert_bytes
				   : c->kind == DBS_KIND_GEOMETRY ? convert_geometry_bytes
				   : c->kind == DBS_KIND_UUID     ? convert_uuid_bytes
												  : NULL;
		case JSONBOID:
			return is_text_kind(c->kind) && GetDatabaseEncoding() == PG_UTF8 ? convert_jsonb : NULL;
		case BITOID:
		case VARBITOID:
			c->limit = c->typmod;
			return c->kind == DBS_KIND_BIT ? convert_bit : NULL;
		case UUIDOID:
			return c->kind == DBS_KIND_UUID ? convert_uuid : c->kind == DBS_KIND_BYTES ? convert_bytes_uuid : NULL;
		case INETOID:
			return c->kind == DBS_KIND_BYTES || c->kind == DBS_KIND_UUID ? convert_bytes_inet : NULL;
		case TEXTARRAYOID:
			return c->kind == DBS_KIND_LABEL_LIST && GetDatabaseEncoding() == PG_UTF8 ? convert_label_list : NULL;
		case FLOAT4ARRAYOID:
			return c->kind == DBS_KIND_VECTOR ? convert_vector_array : NULL;
		default:
			return NULL;
	}
}

void
dbs_conversion_init(DbsConversion *c, DbsKind kind, Form_pg_attribute att, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	memset(c, 0, sizeof *c);
	c->kind = (uint8) kind;
	c->width = dbs_kind_width[kind];
	c->att = att->attnum;
	c->type = att->atttypid;
	c->typmod = att->atttypmod;
	c->context = context;
	c->limit = -1;
	c->name = pstrdup(NameStr(att->attname));
	c->type_name = format_type_with_typemod(att->atttypid, att->atttypmod);
	c->convert = choose_number(c);
	if (c->convert == NULL)
		c->convert = choose_time(c);
	if (c->convert == NULL)
		c->convert = choose_string(c);
	if (c->convert == NULL)
		c->convert = convert_by_input;
	MemoryContextSwitchTo(old);
}
