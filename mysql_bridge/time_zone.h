/*
 * A session's time zone, as the log names it: how far from UTC it was at a moment.
 */
#ifndef DBS_BRIDGE_TIME_ZONE_H
#define DBS_BRIDGE_TIME_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mysql.h>

#include "failure.h"

typedef struct TimeZones
{
	MYSQL *sql; /* asked about names; by reference; NULL: names are not known */

	/* The last answer. Zones change their distance at whole quarters of an hour only. */
	char zone[64];
	int64_t quarter;
	int32_t offset;
} TimeZones;

void time_zones_init(TimeZones *zones, MYSQL *sql);

/*
 * The zone's distance from UTC at seconds since 1970, east being positive, into *offset. zone is "+02:00", "SYSTEM" or
 * a name that the server knows, not terminated. DBS_UTC_OFFSET_UNKNOWN when nobody can tell. False when asking failed.
 */
MUST_CHECK bool time_zone_offset(TimeZones *zones, const char *zone, size_t size, int64_t seconds, int32_t *offset,
								 Failure *failure);

#endif
