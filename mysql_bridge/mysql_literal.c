/*
 * Values become literals: see mysql_literal.h.
 *
 * MySQL's strict mode refuses what is too long or out of range, but rounds fractions of numbers and times silently,
 * fills in a time's date or leaves it out, and cuts blanks. So these are held against the column here.
 */
#include "mysql_literal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY (86400 * US_PER_SECOND)
#define TIME_LIMIT_US ((INT64_C(838) * 3600 + 59 * 60 + 59) * US_PER_SECOND)
/* Days from 0000-03-01 to 2000-01-01. */
#define EPOCH_DAYS 730425

static const char unsupported_float[] = "MySQL has no NaN and no infinity";
static const char unsupported_date[] = "MySQL's dates reach from the year 1 to 9999, without infinity";
static const char unsupported_fraction[] = "the target's column has fewer decimals or fraction digits than the value";
static const char unsupported_time[] = "MySQL's TIME reaches from -838:59:59 to 838:59:59 and knows no months";
static const char unsupported_moment[] = "the target's column would leave out the date or make one up";
static const char unsupported_digits[] = "the target's column would round the number";
static const char unsupported_blanks[] = "the target's column would cut blanks at the end of the value";
static const char unsupported_bits[] = "the target's BIT column has another length than the value";
static const char unsupported_number[] = "MySQL's JSON would round a number of this document to a double";
static const char malformed[] = "the value is malformed on the wire";

static int64_t
get_i64(const char *value)
{
	int64_t number;

	memcpy(&number, value, sizeof number);
	return number;
}

static int32_t
get_i32(const char *value)
{
	int32_t number;

	memcpy(&number, value, sizeof number);
	return number;
}

static bool
is_text_like(const MysqlColumn *column)
{
	return column->class == MYSQL_CLASS_TEXT || column->class == MYSQL_CLASS_JSON || column->class == MYSQL_CLASS_SET ||
		   column->class == MYSQL_CLASS_BINARY;
}

/* ---- numbers ---- */

/* Does the column's floating point hold an integer of this size? */
static bool
integer_kept(const MysqlColumn *column, uint64_t size)
{
	return column->class == MYSQL_CLASS_DOUBLE  ? (uint64_t) (double) size == size && size < UINT64_C(1) << 63
		   : column->class == MYSQL_CLASS_FLOAT ? (uint64_t) (float) size == size && size < UINT64_C(1) << 63
												: true;
}

static const char *
put_integer(SqlBuffer *sql, const MysqlColumn *column, int64_t number)
{
	if (!integer_kept(column, number < 0 ? 0 - (uint64_t) number : (uint64_t) number))
		return unsupported_digits;
	if (column->class == MYSQL_CLASS_TEXT)
		sql_buffer_add(sql, "'", 1);
	sql_buffer_integer(sql, number);
	if (column->class == MYSQL_CLASS_TEXT)
		sql_buffer_add(sql, "'", 1);
	return NULL;
}

static const char *
put_bool(SqlBuffer *sql, const MysqlColumn *column, bool value)
{
	if (column->class == MYSQL_CLASS_TEXT || column->class == MYSQL_CLASS_JSON)
		sql_buffer_text(sql, value ? "'true'" : "'false'");
	else
		sql_buffer_text(sql, value ? "1" : "0");
	return NULL;
}

/* Does a decimal with so many digits behind its point stand for this number alone? */
static bool
decimals_hold(double number, unsigned scale)
{
	char digits[400];

	return snprintf(digits, sizeof digits, "%.*f", (int) (scale < 60 ? scale : 60), number) < (int) sizeof digits &&
		   strtod(digits, NULL) == number;
}

static const char *
put_float(SqlBuffer *sql, const MysqlColumn *column, double number)
{
	if (!isfinite(number))
	{
		if (column->class != MYSQL_CLASS_TEXT)
			return unsupported_float;
		sql_buffer_text(sql, isnan(number) ? "'NaN'" : number > 0 ? "'Infinity'" : "'-Infinity'");
		return NULL;
	}
	if ((column->class == MYSQL_CLASS_FLOAT && (double) (float) number != number) ||
		(column->class == MYSQL_CLASS_INTEGER && trunc(number) != number) ||
		(column->class == MYSQL_CLASS_DECIMAL && !decimals_hold(number, column->scale)))
		return unsupported_fraction;
	/*
	 * With an exponent it is a double from the beginning; without, a decimal that is rounded on the way. A single has
	 * all the digits of a double as well: with nine, the largest would be out of range.
	 */
	sql_buffer_format(sql, column->class == MYSQL_CLASS_TEXT ? "'%.16e'" : "%.16e", number);
	return NULL;
}

/* The decimal digits of a numeric; *decimals is how many of those behind the point are not zero at the end. */
static const char *
numeric_text(SqlBuffer *out, const char *value, uint32_t size, unsigned *decimals)
{
	int16_t weight;
	uint16_t sign, dscale;
	unsigned count;

	if (size < 6)
		return malformed;
	memcpy(&weight, value, 2);
	memcpy(&sign, value + 2, 2);
	memcpy(&dscale, value + 4, 2);
	count = (size - 6) / 2;
	*decimals = 0;
	if (sign != DBS_NUMERIC_POSITIVE && sign != DBS_NUMERIC_NEGATIVE)
		return unsupported_float;
	if (sign == DBS_NUMERIC_NEGATIVE)
		sql_buffer_text(out, "-");
	if (weight < 0)
		sql_buffer_text(out, "0");
	for (int place = 0; place <= weight; place++)
	{
		uint16_t digit = 0;

		if ((unsigned) place < count)
			memcpy(&digit, value + 6 + 2 * place, 2);
		if (place == 0)
			sql_buffer_integer(out, digit);
		else
			sql_buffer_digits(out, digit, 4);
	}
	if (dscale > 0)
		sql_buffer_text(out, ".");
	for (unsigned at = 0; at < dscale; at += 4)
	{
		int place = weight + 1 + (int) (at / 4);
		unsigned width = dscale - at < 4 ? dscale - at : 4;
		uint16_t digit = 0;

		if (place >= 0 && (unsigned) place < count)
			memcpy(&digit, value + 6 + 2 * place, 2);
		/* Digits behind the scale are not shown; there are none but zeros. */
		for (unsigned dropped = width; dropped < 4; dropped++)
			digit /= 10;
		sql_buffer_digits(out, digit, width);
		for (; width > 0 && digit != 0; width--, digit /= 10)
		{
			if (digit % 10 != 0)
			{
				*decimals = at + width;
				break;
			}
		}
	}
	return NULL;
}

/* Of a decimal's text: from its first digit to the last that is not zero. */
static size_t
significant_digits(const char *text, size_t size)
{
	size_t digits = 0, last = 0;

	for (size_t i = 0; i < size; i++)
	{
		if (!isdigit((unsigned char) text[i]) || (digits == 0 && text[i] == '0'))
			continue;
		digits++;
		if (text[i] != '0')
			last = digits;
	}
	return last;
}

static const char *
put_numeric(SqlBuffer *sql, const MysqlColumn *column, const char *value, uint32_t size)
{
	size_t before = sql->used;
	uint16_t sign = 0;
	unsigned decimals = 0;
	const char *problem;
	bool quoted = is_text_like(column);

	if (size >= 6)
		memcpy(&sign, value + 2, 2);
	if (column->class == MYSQL_CLASS_TEXT && size >= 6 && sign != DBS_NUMERIC_POSITIVE && sign != DBS_NUMERIC_NEGATIVE)
	{
		sql_buffer_text(sql, sign == DBS_NUMERIC_NAN                 ? "'NaN'"
							 : sign == DBS_NUMERIC_POSITIVE_INFINITY ? "'Infinity'"
																	 : "'-Infinity'");
		return NULL;
	}
	if (quoted)
		sql_buffer_text(sql, "'");
	problem = numeric_text(sql, value, size, &decimals);
	if (quoted)
		sql_buffer_text(sql, "'");
	if (problem == NULL && ((column->class == MYSQL_CLASS_DECIMAL && decimals > column->scale) ||
							(column->class == MYSQL_CLASS_INTEGER && decimals > 0)))
		problem = unsupported_fraction;
	if (problem == NULL && (column->class == MYSQL_CLASS_DOUBLE || column->class == MYSQL_CLASS_FLOAT) &&
		significant_digits(sql->data + before, sql->used - before) > (column->class == MYSQL_CLASS_DOUBLE ? 15 : 6))
		problem = unsupported_digits;
	if (problem != NULL)
		sql->used = before;
	return problem;
}

/* ---- dates and times ---- */

/* The date so many days after 2000-01-01, by the Gregorian calendar; false outside of the years 1 to 9999. */
static bool
put_date_text(SqlBuffer *sql, int64_t days)
{
	int64_t since = days + EPOCH_DAYS; /* from 0000-03-01 */
	int64_t era, day_of_era, year_of_era, day_of_year, month, year;

	if (since < 306 || days > 2921939) /* 0001-01-01, 9999-12-31 */
		return false;
	era = since / 146097;
	day_of_era = since % 146097;
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * day_of_year + 2) / 153;
	year = era * 400 + year_of_era + (month >= 10);
	sql_buffer_digits(sql, (uint32_t) year, 4);
	sql_buffer_add(sql, "-", 1);
	sql_buffer_digits(sql, (uint32_t) (month < 10 ? month + 3 : month - 9), 2);
	sql_buffer_add(sql, "-", 1);
	sql_buffer_digits(sql, (uint32_t) (day_of_year - (153 * month + 2) / 5 + 1), 2);
	return true;
}

/* Is the fraction of a second held by so many digits? */
static bool
fraction_fits(int64_t us, unsigned digits)
{
	static const int64_t units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};

	return digits > 6 || us % units[digits] == 0;
}

static void
put_clock(SqlBuffer *sql, int64_t us)
{
	uint32_t hours = (uint32_t) (us / (3600 * US_PER_SECOND));

	/* TIME reaches beyond 99 hours. */
	if (hours < 100)
		sql_buffer_digits(sql, hours, 2);
	else
		sql_buffer_integer(sql, hours);
	sql_buffer_add(sql, ":", 1);
	sql_buffer_digits(sql, (uint32_t) (us / (60 * US_PER_SECOND) % 60), 2);
	sql_buffer_add(sql, ":", 1);
	sql_buffer_digits(sql, (uint32_t) (us / US_PER_SECOND % 60), 2);
	if (us % US_PER_SECOND != 0)
	{
		sql_buffer_add(sql, ".", 1);
		sql_buffer_digits(sql, (uint32_t) (us % US_PER_SECOND), 6);
	}
}

static const char *
put_date(SqlBuffer *sql, const MysqlColumn *column, int32_t days)
{
	size_t before = sql->used;

	if ((days == INT32_MIN || days == INT32_MAX) && column->class == MYSQL_CLASS_TEXT)
	{
		sql_buffer_text(sql, days == INT32_MIN ? "'-infinity'" : "'infinity'");
		return NULL;
	}
	sql_buffer_text(sql, "'");
	if (!put_date_text(sql, days))
	{
		sql->used = before;
		return unsupported_date;
	}
	if (column->class == MYSQL_CLASS_TIME)
	{
		sql->used = before;
		return unsupported_moment;
	}
	sql_buffer_text(sql, "'");
	return NULL;
}

static const char *
put_timestamp(SqlBuffer *sql, const MysqlColumn *column, int64_t us)
{
	int64_t days = us / US_PER_DAY;
	int64_t rest = us % US_PER_DAY;
	size_t before = sql->used;

	if (us == INT64_MIN || us == INT64_MAX)
	{
		if (column->class != MYSQL_CLASS_TEXT)
			return unsupported_date;
		sql_buffer_text(sql, us == INT64_MIN ? "'-infinity'" : "'infinity'");
		return NULL;
	}
	if (rest < 0)
	{
		rest += US_PER_DAY;
		days--;
	}
	if (column->class == MYSQL_CLASS_DATETIME && !fraction_fits(rest, column->scale))
		return unsupported_fraction;
	if (column->class == MYSQL_CLASS_DATE && rest != 0)
		return unsupported_fraction;
	if (column->class == MYSQL_CLASS_TIME)
		return unsupported_moment;
	sql_buffer_text(sql, "'");
	if (!put_date_text(sql, days))
	{
		sql->used = before;
		return unsupported_date;
	}
	sql_buffer_text(sql, " ");
	put_clock(sql, rest);
	sql_buffer_text(sql, "'");
	return NULL;
}

static const char *
put_time(SqlBuffer *sql, const MysqlColumn *column, int64_t us)
{
	int64_t size = us < 0 ? -us : us;

	if (column->class == MYSQL_CLASS_TIME && !fraction_fits(size, column->scale))
		return unsupported_fraction;
	if (column->class == MYSQL_CLASS_TIME && size > TIME_LIMIT_US)
		return unsupported_time;
	if (column->class == MYSQL_CLASS_DATE || column->class == MYSQL_CLASS_DATETIME)
		return unsupported_moment;
	sql_buffer_text(sql, us < 0 ? "'-" : "'");
	put_clock(sql, size);
	sql_buffer_text(sql, "'");
	return NULL;
}

/* ISO 8601, as PostgreSQL reads it: each part with its own sign. */
static void
put_interval_text(SqlBuffer *sql, int64_t us, int32_t days, int32_t months)
{
	int32_t years = months / 12;
	int64_t hours = us / (3600 * US_PER_SECOND);
	int64_t minutes = us / (60 * US_PER_SECOND) % 60;
	int64_t seconds = us % (60 * US_PER_SECOND);

	sql_buffer_text(sql, "'P");
	if (years != 0)
		sql_buffer_format(sql, "%dY", years);
	if (months % 12 != 0)
		sql_buffer_format(sql, "%dM", months % 12);
	if (days != 0)
		sql_buffer_format(sql, "%dD", days);
	if (us != 0 || (months == 0 && days == 0))
		sql_buffer_text(sql, "T");
	if (hours != 0)
		sql_buffer_format(sql, "%lldH", (long long) hours);
	if (minutes != 0)
		sql_buffer_format(sql, "%lldM", (long long) minutes);
	if (seconds % US_PER_SECOND != 0)
		sql_buffer_format(sql, "%s%lld.%06lldS", seconds < 0 ? "-" : "", llabs(seconds) / US_PER_SECOND,
						  llabs(seconds) % US_PER_SECOND);
	else if (seconds != 0 || (us == 0 && months == 0 && days == 0))
		sql_buffer_format(sql, "%lldS", (long long) (seconds / US_PER_SECOND));
	sql_buffer_text(sql, "'");
}

static const char *
put_interval(SqlBuffer *sql, const MysqlColumn *column, const char *value)
{
	int64_t us = get_i64(value);
	int32_t days = get_i32(value + 8);
	int32_t months = get_i32(value + 12);

	if (column->class != MYSQL_CLASS_TIME)
	{
		put_interval_text(sql, us, days, months);
		return NULL;
	}
	/* MySQL's TIME came here as hours; an interval with days of its own means the same span only by convention. */
	if (months != 0 || days != 0)
		return unsupported_time;
	return put_time(sql, column, us);
}

/* ---- bits, bytes, uuids ---- */

static const char *
put_bits(SqlBuffer *sql, const MysqlColumn *column, const char *value, uint32_t size)
{
	uint32_t bits;

	if (size < 4)
		return malformed;
	memcpy(&bits, value, 4);
	if (size - 4 < (bits + 7) / 8)
		return malformed;
	if (column->class == MYSQL_CLASS_BIT && column->width != bits)
		return unsupported_bits;
	sql_buffer_text(sql, column->class == MYSQL_CLASS_BIT || column->class == MYSQL_CLASS_INTEGER ? "b'" : "'");
	for (uint32_t i = 0; i < bits; i++)
		sql_buffer_add(sql, (unsigned char) value[4 + i / 8] & (0x80 >> i % 8) ? "1" : "0", 1);
	sql_buffer_text(sql, "'");
	return NULL;
}

static const char *
put_uuid(SqlBuffer *sql, const MysqlColumn *column, const char *value)
{
	if (column->class == MYSQL_CLASS_BINARY)
	{
		sql_buffer_hex(sql, value, 16);
		return NULL;
	}
	sql_buffer_text(sql, "'");
	for (int i = 0; i < 16; i++)
		sql_buffer_format(sql, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", (unsigned char) value[i]);
	sql_buffer_text(sql, "'");
	return NULL;
}

/* Extended well-known binary to MySQL's own form: the SRID, then plain well-known binary. */
static const char *
put_geometry(SqlBuffer *sql, const char *value, uint32_t size)
{
	char head[9];
	uint32_t type;
	uint32_t srid = 0;
	size_t skip = 5;

	if (size < 9 || value[0] != 1)
		return "only little-endian well-known binary becomes a geometry";
	memcpy(&type, value + 1, 4);
	if ((type & 0x20000000) != 0)
	{
		memcpy(&srid, value + 5, 4);
		skip = 9;
	}
	type &= ~(uint32_t) 0x20000000;
	memcpy(head, &srid, 4);
	head[4] = 1;
	memcpy(head + 5, &type, 4);
	sql_buffer_hex(sql, head, sizeof head);
	sql->used--; /* the closing quote: the rest follows within it */
	{
		size_t before = sql->used;

		sql_buffer_hex(sql, value + skip, size - skip);
		if (sql_buffer_ok(sql) && size > skip)
		{
			memmove(sql->data + before, sql->data + before + 2, sql->used - before - 2);
			sql->used -= 2;
		}
	}
	return NULL;
}

/* ---- texts ---- */

/* An array of PostgreSQL in its text form, {a,"b c"}, as the labels of a SET. */
static const char *
put_set(SqlBuffer *sql, const char *value, uint32_t size)
{
	SqlBuffer labels = {0};
	bool quoted = false;

	if (size < 2 || value[0] != '{' || value[size - 1] != '}')
		return "the target's column is a SET and the value is no array of one dimension";
	for (uint32_t i = 1; i < size - 1; i++)
	{
		if (value[i] == '"')
			quoted = !quoted;
		else
		{
			if (value[i] == '\\' && i + 1 < size - 1)
				i++;
			sql_buffer_add(&labels, value + i, 1);
		}
	}
	sql_buffer_quoted(sql, labels.data != NULL ? labels.data : "", labels.used);
	sql_buffer_free(&labels);
	return NULL;
}

/*
 * Would MySQL's JSON, whose numbers are 64-bit integers and doubles, keep this number? With up to fifteen digits
 * a double does; longer integers must fit 64 bits.
 */
static bool
number_kept(const char *at, const char *end)
{
	unsigned digits = 0;
	bool leading = true;
	bool integer = true;
	const char *start = at;
	char copy[32];

	for (; at < end && strchr("+-0123456789.eE", *at) != NULL; at++)
	{
		if (*at == 'e' || *at == 'E')
		{
			integer = false;
			break;
		}
		if (*at == '.')
			integer = false;
		if (isdigit((unsigned char) *at) && !(leading && *at == '0'))
		{
			leading = false;
			digits++;
		}
	}
	if (digits <= 15)
		return true;
	if (!integer || at - start >= (ptrdiff_t) sizeof copy)
		return false;
	memcpy(copy, start, (size_t) (at - start));
	copy[at - start] = '\0';
	return digits < 19 || (digits == 19 && (copy[0] != '-' || strcmp(copy + 1, "9223372036854775808") <= 0)) ||
		   (digits == 20 && copy[0] != '-' && strcmp(copy, "18446744073709551615") <= 0);
}

static bool
json_kept(const char *value, uint32_t size)
{
	const char *end = value + size;
	bool in_string = false;

	for (const char *at = value; at < end; at++)
	{
		if (in_string && *at == '\\')
			at++;
		else if (*at == '"')
			in_string = !in_string;
		else if (!in_string && (*at == '-' || isdigit((unsigned char) *at)))
		{
			if (!number_kept(at, end))
				return false;
			while (at + 1 < end && strchr("+-0123456789.eE", at[1]) != NULL && at[1] != '\0')
				at++;
		}
	}
	return true;
}

/* A list of labels, as MySQL writes a SET: no label has a comma. */
static const char *
put_labels(SqlBuffer *sql, const char *value, uint32_t size)
{
	SqlBuffer labels = {0};
	uint32_t count, length;
	uint32_t at = sizeof count;

	if (size < sizeof count)
		return "its list of labels is cut off";
	memcpy(&count, value, sizeof count);
	for (uint32_t i = 0; i < count && at + sizeof length <= size; i++)
	{
		memcpy(&length, value + at, sizeof length);
		at += sizeof length;
		if (length > size - at)
			break;
		if (i > 0)
			sql_buffer_add(&labels, ",", 1);
		sql_buffer_add(&labels, value + at, length);
		at += length;
	}
	sql_buffer_quoted(sql, labels.data != NULL ? labels.data : "", labels.used);
	sql_buffer_free(&labels);
	return at == size ? NULL : "its list of labels is cut off";
}

/* What goes beyond a column's length makes an error, unless it is blanks. */
static bool
blanks_kept(const MysqlColumn *column, const char *value, uint32_t size)
{
	size_t characters = 0;

	if (column->class != MYSQL_CLASS_TEXT || size == 0 || value[size - 1] != ' ')
		return true;
	if (column->strips)
		return false;
	if (column->length == 0 || size <= column->length)
		return true;
	for (uint32_t i = 0; i < size; i++)
		characters += ((unsigned char) value[i] & 0xc0) != 0x80;
	return characters <= column->length;
}

static const char *
put_text(SqlBuffer *sql, const MysqlColumn *column, const char *value, uint32_t size)
{
	if (column->class == MYSQL_CLASS_SET && column->is_array)
		return put_set(sql, value, size);
	if (column->class == MYSQL_CLASS_JSON && column->flavour == FLAVOUR_MYSQL && !json_kept(value, size))
		return unsupported_number;
	if (!blanks_kept(column, value, size))
		return unsupported_blanks;
	if (column->class == MYSQL_CLASS_VECTOR)
		sql_buffer_text(sql, column->flavour == FLAVOUR_MARIADB ? "VEC_FromText(" : "STRING_TO_VECTOR(");
	sql_buffer_quoted(sql, value, size);
	if (column->class == MYSQL_CLASS_VECTOR)
		sql_buffer_text(sql, ")");
	return NULL;
}

const char *
mysql_literal(SqlBuffer *sql, const MysqlColumn *column, const char *value, uint32_t size)
{
	float single;
	double number;
	int16_t small;

	switch ((DbsKind) column->kind)
	{
		case DBS_KIND_BOOL:
			return put_bool(sql, column, value[0] != 0);
		case DBS_KIND_INT2:
			memcpy(&small, value, sizeof small);
			return put_integer(sql, column, small);
		case DBS_KIND_INT4:
			return put_integer(sql, column, get_i32(value));
		case DBS_KIND_INT8:
			return put_integer(sql, column, get_i64(value));
		case DBS_KIND_UINT8:
			if (!integer_kept(column, (uint64_t) get_i64(value)))
				return unsupported_digits;
			sql_buffer_format(sql, "%llu", (unsigned long long) get_i64(value));
			return NULL;
		case DBS_KIND_FLOAT4:
			memcpy(&single, value, sizeof single);
			return put_float(sql, column, single);
		case DBS_KIND_FLOAT8:
			memcpy(&number, value, sizeof number);
			return put_float(sql, column, number);
		case DBS_KIND_NUMERIC:
			return put_numeric(sql, column, value, size);
		case DBS_KIND_DATE:
			return put_date(sql, column, get_i32(value));
		case DBS_KIND_TIME:
		case DBS_KIND_DURATION:
			return put_time(sql, column, get_i64(value));
		case DBS_KIND_TIMESTAMP:
		case DBS_KIND_TIMESTAMPTZ:
			return put_timestamp(sql, column, get_i64(value));
		case DBS_KIND_INTERVAL:
			return put_interval(sql, column, value);
		case DBS_KIND_BIT:
			return put_bits(sql, column, value, size);
		case DBS_KIND_UUID:
			return put_uuid(sql, column, value);
		case DBS_KIND_LABEL_LIST:
			return put_labels(sql, value, size);
		case DBS_KIND_GEOMETRY: /* the number of its reference system and WKB: as MySQL and MariaDB store it */
		case DBS_KIND_VECTOR:   /* likewise */
			sql_buffer_hex(sql, value, size);
			return NULL;
		case DBS_KIND_BYTES:
			if (column->class == MYSQL_CLASS_GEOMETRY)
				return put_geometry(sql, value, size);
			sql_buffer_hex(sql, value, size);
			return NULL;
		default:
			return put_text(sql, column, value, size);
	}
}

const char *
mysql_literal_condition(SqlBuffer *sql, const MysqlColumn *column, const char *value, uint32_t size)
{
	const char *problem;

	if (value == NULL)
	{
		sql_buffer_name(sql, column->name, strlen(column->name));
		sql_buffer_text(sql, " IS NULL");
		return NULL;
	}
	if (column->class == MYSQL_CLASS_TEXT)
	{
		/* Compared as bytes: a collation may take 'a' for 'A', and 'a' for 'a '. */
		sql_buffer_text(sql, "CAST(CONVERT(");
		sql_buffer_name(sql, column->name, strlen(column->name));
		sql_buffer_text(sql, " USING utf8mb4) AS BINARY) = CAST(CONVERT(");
		problem = mysql_literal(sql, column, value, size);
		sql_buffer_text(sql, " USING utf8mb4) AS BINARY)");
		return problem;
	}
	sql_buffer_name(sql, column->name, strlen(column->name));
	sql_buffer_text(sql, " = ");
	if (column->class == MYSQL_CLASS_JSON && column->flavour == FLAVOUR_MYSQL)
		sql_buffer_text(sql, "CAST(");
	else if (column->class == MYSQL_CLASS_FLOAT)
		sql_buffer_text(sql, "CAST(");
	problem = mysql_literal(sql, column, value, size);
	if (column->class == MYSQL_CLASS_JSON && column->flavour == FLAVOUR_MYSQL)
		sql_buffer_text(sql, " AS JSON)");
	else if (column->class == MYSQL_CLASS_FLOAT)
		sql_buffer_text(sql, " AS FLOAT)");
	return problem;
}
