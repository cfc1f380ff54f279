/*
 * Dates and times. The layouts are those of MySQL's my_time.cc (the 5.6 formats) and of the older integer formats.
 */
#include "temporal.h"

#include <stdio.h>

#define MICROS_PER_SECOND INT64_C(1000000)
#define MICROS_PER_DAY (INT64_C(86400) * MICROS_PER_SECOND)
#define UNIX_TO_2000 INT64_C(946684800) /* seconds from 1970-01-01 to 2000-01-01 */

static uint64_t
big_endian(const uint8_t *from, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | from[i];
	return value;
}

static uint64_t
little_endian(const uint8_t *from, size_t size)
{
	uint64_t value = 0;

	for (size_t i = size; i-- > 0;)
		value = value << 8 | from[i];
	return value;
}

/* The fraction's bytes count hundredths, ten-thousandths or millionths of a second. */
static unsigned
fraction_unit(unsigned fsp)
{
	static const unsigned unit[4] = {0, 10000, 100, 1};

	return unit[temporal_fraction_size(fsp)];
}

/* Year 0 is no year here: MySQL itself counts it without a leap day, so it is not PostgreSQL's 1 BC. */
static bool
date_exists(unsigned year, unsigned month, unsigned day)
{
	static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (year == 0 || month == 0 || month > 12 || day == 0)
		return false;
	if (day <= days[month])
		return true;
	return month == 2 && day == 29 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int32_t
temporal_days(unsigned year, unsigned month, unsigned day)
{
	/* Years that begin in March, so that a leap day is a year's last; 400 of them have 146097 days. */
	int32_t y = (int32_t) year - (month <= 2);
	int32_t era = (y >= 0 ? y : y - 399) / 400;
	int32_t year_of_era = y - era * 400;
	int32_t day_of_year = (153 * ((int32_t) month + (month > 2 ? -3 : 9)) + 2) / 5 + (int32_t) day - 1;
	int32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 730425;
}

static TemporalResult
timestamp_of_parts(const TemporalParts *p, int64_t *out)
{
	int64_t seconds;

	if (!date_exists(p->year, p->month, p->day) || p->hour > 23 || p->minute > 59 || p->second > 59)
		return TEMPORAL_NO_DATE;
	seconds = (int64_t) p->hour * 3600 + p->minute * 60 + p->second;
	*out = temporal_days(p->year, p->month, p->day) * MICROS_PER_DAY + seconds * MICROS_PER_SECOND + p->micros;
	return TEMPORAL_OK;
}

void
temporal_date_parts(const uint8_t *from, TemporalParts *parts)
{
	uint32_t v = (uint32_t) little_endian(from, 3);

	*parts = (TemporalParts){.year = v >> 9, .month = v >> 5 & 15, .day = v & 31};
}

TemporalResult
temporal_date(const uint8_t *from, int32_t *out)
{
	TemporalParts p;

	temporal_date_parts(from, &p);
	if (!date_exists(p.year, p.month, p.day))
		return TEMPORAL_NO_DATE;
	*out = temporal_days(p.year, p.month, p.day);
	return TEMPORAL_OK;
}

/* 22 bits of year * 13 + month and day, 17 bits of hour, minute and second. */
static void
split_datetime(uint64_t whole, unsigned micros, TemporalParts *parts)
{
	uint64_t date = whole >> 17;
	uint64_t time = whole & 0x1ffff;

	*parts = (TemporalParts){.year = (unsigned) ((date >> 5) / 13),
							 .month = (unsigned) ((date >> 5) % 13),
							 .day = (unsigned) (date & 31),
							 .hour = (unsigned) (time >> 12),
							 .minute = (unsigned) (time >> 6 & 63),
							 .second = (unsigned) (time & 63),
							 .micros = micros};
}

void
temporal_datetime2_parts(const uint8_t *from, unsigned fsp, TemporalParts *parts)
{
	/* The first bit is the sign, set for all dates there are. */
	split_datetime(big_endian(from, 5) & UINT64_C(0x7fffffffff),
				   (unsigned) big_endian(from + 5, temporal_fraction_size(fsp)) * fraction_unit(fsp), parts);
}

TemporalResult
temporal_datetime2(const uint8_t *from, unsigned fsp, int64_t *out)
{
	TemporalParts p;

	temporal_datetime2_parts(from, fsp, &p);
	return timestamp_of_parts(&p, out);
}

TemporalResult
temporal_timestamp2(const uint8_t *from, unsigned fsp, int64_t *out)
{
	int64_t seconds = (int64_t) big_endian(from, 4);
	int64_t micros = (int64_t) big_endian(from + 4, temporal_fraction_size(fsp)) * fraction_unit(fsp);

	/* The first second of 1970 without a fraction is how TIMESTAMP holds '0000-00-00 00:00:00'. */
	if (seconds == 0 && micros == 0)
		return TEMPORAL_NO_DATE;
	*out = (seconds - UNIX_TO_2000) * MICROS_PER_SECOND + micros;
	return TEMPORAL_OK;
}

int64_t
temporal_time2(const uint8_t *from, unsigned fsp)
{
	size_t size = 3 + temporal_fraction_size(fsp);
	uint64_t half = UINT64_C(0x800000) << (8 * (size - 3));
	uint64_t v = big_endian(from, size);
	bool negative = v < half;
	uint64_t magnitude = negative ? half - v : v - half;
	uint64_t whole = magnitude >> (8 * (size - 3));
	uint64_t fraction = magnitude & ((UINT64_C(1) << (8 * (size - 3))) - 1);
	int64_t micros = (int64_t) (((whole >> 12 & 0x3ff) * 60 + (whole >> 6 & 63)) * 60 + (whole & 63));

	micros = micros * MICROS_PER_SECOND + (int64_t) fraction * fraction_unit(fsp);
	return negative ? -micros : micros;
}

void
temporal_old_datetime_parts(const uint8_t *from, TemporalParts *parts)
{
	uint64_t v = little_endian(from, 8);
	uint64_t date = v / 1000000;
	uint64_t time = v % 1000000;

	*parts = (TemporalParts){.year = (unsigned) (date / 10000),
							 .month = (unsigned) (date / 100 % 100),
							 .day = (unsigned) (date % 100),
							 .hour = (unsigned) (time / 10000),
							 .minute = (unsigned) (time / 100 % 100),
							 .second = (unsigned) (time % 100)};
}

TemporalResult
temporal_old_datetime(const uint8_t *from, int64_t *out)
{
	TemporalParts p;

	temporal_old_datetime_parts(from, &p);
	return p.year > 9999 ? TEMPORAL_NO_DATE : timestamp_of_parts(&p, out);
}

TemporalResult
temporal_old_timestamp(const uint8_t *from, int64_t *out)
{
	int64_t seconds = (int64_t) little_endian(from, 4);

	if (seconds == 0)
		return TEMPORAL_NO_DATE;
	*out = (seconds - UNIX_TO_2000) * MICROS_PER_SECOND;
	return TEMPORAL_OK;
}

bool
temporal_old_time(const uint8_t *from, int64_t *out)
{
	int32_t v = (int32_t) ((uint32_t) little_endian(from, 3) << 8) >> 8;
	int32_t magnitude = v < 0 ? -v : v;
	int64_t micros;

	if (magnitude / 100 % 100 > 59 || magnitude % 100 > 59)
		return false;
	micros = ((int64_t) (magnitude / 10000) * 3600 + magnitude / 100 % 100 * 60 + magnitude % 100) * MICROS_PER_SECOND;
	*out = v < 0 ? -micros : micros;
	return true;
}

void
temporal_packed_datetime_parts(int64_t packed, TemporalParts *parts)
{
	uint64_t magnitude = packed < 0 ? 0 - (uint64_t) packed : (uint64_t) packed;

	split_datetime(magnitude >> 24, (unsigned) (magnitude & 0xffffff), parts);
	parts->negative = packed < 0;
}

void
temporal_packed_time_parts(int64_t packed, TemporalParts *parts)
{
	uint64_t magnitude = packed < 0 ? 0 - (uint64_t) packed : (uint64_t) packed;
	uint64_t whole = magnitude >> 24;

	*parts = (TemporalParts){.negative = packed < 0,
							 .hour = (unsigned) (whole >> 12 & 0x3ff),
							 .minute = (unsigned) (whole >> 6 & 63),
							 .second = (unsigned) (whole & 63),
							 .micros = (unsigned) (magnitude & 0xffffff)};
}

/* ---- text --------------------------------------------------------------------- */

static size_t
clip(int written)
{
	return written < 0 ? 0 : written >= TEMPORAL_TEXT_SIZE ? TEMPORAL_TEXT_SIZE - 1 : (size_t) written;
}

/* ".000000", shortened to fsp digits; nothing for none. */
static size_t
fraction_text(unsigned micros, unsigned fsp, char *out, size_t room)
{
	static const unsigned unit[7] = {1000000, 100000, 10000, 1000, 100, 10, 1};

	if (fsp == 0 || fsp > 6)
		return 0;
	return clip(snprintf(out, room, ".%0*u", (int) fsp, micros % 1000000 / unit[fsp]));
}

size_t
temporal_date_text(const TemporalParts *p, char out[TEMPORAL_TEXT_SIZE])
{
	return clip(snprintf(out, TEMPORAL_TEXT_SIZE, "%04u-%02u-%02u", p->year, p->month, p->day));
}

size_t
temporal_datetime_text(const TemporalParts *p, unsigned fsp, char out[TEMPORAL_TEXT_SIZE])
{
	size_t at = clip(snprintf(out, TEMPORAL_TEXT_SIZE - 8, "%s%04u-%02u-%02u %02u:%02u:%02u", p->negative ? "-" : "",
							  p->year, p->month, p->day, p->hour, p->minute, p->second));

	if (at > TEMPORAL_TEXT_SIZE - 9)
		at = TEMPORAL_TEXT_SIZE - 9;
	return at + fraction_text(p->micros, fsp, out + at, TEMPORAL_TEXT_SIZE - at);
}

size_t
temporal_time_text(const TemporalParts *p, unsigned fsp, char out[TEMPORAL_TEXT_SIZE])
{
	size_t at = clip(snprintf(out, TEMPORAL_TEXT_SIZE - 8, "%s%02u:%02u:%02u", p->negative ? "-" : "", p->hour,
							  p->minute, p->second));

	if (at > TEMPORAL_TEXT_SIZE - 9)
		at = TEMPORAL_TEXT_SIZE - 9;
	return at + fraction_text(p->micros, fsp, out + at, TEMPORAL_TEXT_SIZE - at);
}
