/*
 * MySQL's dates and times, as the log and JSON documents hold them, to PostgreSQL's epoch and unit.
 */
#ifndef DBS_BRIDGE_TEMPORAL_H
#define DBS_BRIDGE_TEMPORAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the log holds is a date that exists, or not (zero, a zero part, or a day the month does not have). */
typedef enum TemporalResult
{
	TEMPORAL_OK,
	TEMPORAL_NO_DATE
} TemporalResult;

/* A point in time, or a length of time (then year, month and day are 0 and hour may be large), taken apart. */
typedef struct TemporalParts
{
	bool negative;
	unsigned year;
	unsigned month;
	unsigned day;
	unsigned hour;
	unsigned minute;
	unsigned second;
	unsigned micros;
} TemporalParts;

#define TEMPORAL_TEXT_SIZE 40

/* Days since 2000-01-01 of a date of the Gregorian calendar. */
int32_t temporal_days(unsigned year, unsigned month, unsigned day);

/* Bytes in the log of the fraction of a type with fsp digits. */
static inline size_t
temporal_fraction_size(unsigned fsp)
{
	return (fsp + 1) / 2;
}

/*
 * DATE (3 bytes), DATETIME2 (5 bytes and the fraction), TIMESTAMP2 (4 and the fraction). out: days, or microseconds,
 * since 2000-01-01. On TEMPORAL_NO_DATE out is not set.
 */
TemporalResult temporal_date(const uint8_t *from, int32_t *out);
TemporalResult temporal_datetime2(const uint8_t *from, unsigned fsp, int64_t *out);
TemporalResult temporal_timestamp2(const uint8_t *from, unsigned fsp, int64_t *out);

/* TIME2 (3 bytes and the fraction): microseconds, signed. */
int64_t temporal_time2(const uint8_t *from, unsigned fsp);

/* The types of servers before 5.6: DATETIME (8 bytes), TIMESTAMP (4), TIME (3; false: minutes or seconds over 59). */
TemporalResult temporal_old_datetime(const uint8_t *from, int64_t *out);
TemporalResult temporal_old_timestamp(const uint8_t *from, int64_t *out);
bool temporal_old_time(const uint8_t *from, int64_t *out);

/* The raw parts, for messages about values that are no date. */
void temporal_date_parts(const uint8_t *from, TemporalParts *parts);
void temporal_datetime2_parts(const uint8_t *from, unsigned fsp, TemporalParts *parts);
void temporal_old_datetime_parts(const uint8_t *from, TemporalParts *parts);

/* The packed 64-bit numbers in which JSON documents hold dates and times. */
void temporal_packed_datetime_parts(int64_t packed, TemporalParts *parts);
void temporal_packed_time_parts(int64_t packed, TemporalParts *parts);

/* "2024-01-31", "2024-01-31 23:59:59.000000", "-838:59:59.000000"; digits of the fraction as told; returns the length.
 */
size_t temporal_date_text(const TemporalParts *parts, char out[TEMPORAL_TEXT_SIZE]);
size_t temporal_datetime_text(const TemporalParts *parts, unsigned fsp, char out[TEMPORAL_TEXT_SIZE]);
size_t temporal_time_text(const TemporalParts *parts, unsigned fsp, char out[TEMPORAL_TEXT_SIZE]);

#endif
