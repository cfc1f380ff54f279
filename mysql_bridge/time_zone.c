/*
 * Time zones of the source's sessions: see time_zone.h.
 *
 * The log has a zone's name, and what it means is known to the server alone: SYSTEM is the zone of its machine, and
 * the others come from tables of its own. So the server is asked.
 */
#include "time_zone.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mysql_connection.h"
#include "wire.h"

#define QUARTER 900

void
time_zones_init(TimeZones *zones, MYSQL *sql)
{
	memset(zones, 0, sizeof *zones);
	zones->sql = sql;
}

/* "+02:00", "-13:59"; MySQL writes two digits of hours, MariaDB and old versions perhaps one. */
static bool
parse_distance(const char *zone, size_t size, int32_t *offset)
{
	int32_t parts[2] = {0, 0};
	int part = 0;

	if (size < 4 || (zone[0] != '+' && zone[0] != '-'))
		return false;
	for (size_t i = 1; i < size; i++)
	{
		if (zone[i] == ':' && part == 0)
			part = 1;
		else if (zone[i] >= '0' && zone[i] <= '9' && parts[part] < 100)
			parts[part] = parts[part] * 10 + (zone[i] - '0');
		else
			return false;
	}
	if (part == 0 || parts[0] > 24 || parts[1] > 59)
		return false;
	*offset = (parts[0] * 60 + parts[1]) * 60;
	if (zone[0] == '-')
		*offset = -*offset;
	return true;
}

static bool
ask(TimeZones *zones, int64_t seconds, int32_t *offset, Failure *failure)
{
	char quoted[2 * sizeof zones->zone];
	char query[512];
	char *answer = NULL;

	mysql_real_escape_string(zones->sql, quoted, zones->zone, strlen(zones->zone));
	snprintf(query, sizeof query,
			 "SELECT TIMESTAMPDIFF(SECOND, FROM_UNIXTIME(%" PRId64 "), CONVERT_TZ(FROM_UNIXTIME(%" PRId64
			 "), '+00:00', '%s'))",
			 seconds, seconds, quoted);
	if (!mysql_connection_value(zones->sql, query, &answer, failure))
		return false;
	*offset = answer != NULL ? (int32_t) strtol(answer, NULL, 10) : DBS_UTC_OFFSET_UNKNOWN;
	free(answer);
	return true;
}

bool
time_zone_offset(TimeZones *zones, const char *zone, size_t size, int64_t seconds, int32_t *offset, Failure *failure)
{
	bool same = size == strlen(zones->zone) && memcmp(zone, zones->zone, size) == 0;

	*offset = DBS_UTC_OFFSET_UNKNOWN;
	if (parse_distance(zone, size, offset) || zones->sql == NULL || size == 0 || size >= sizeof zones->zone)
		return true;
	if (!same || zones->quarter != seconds / QUARTER)
	{
		snprintf(zones->zone, sizeof zones->zone, "%.*s", (int) size, zone);
		zones->quarter = -1;
		if (!ask(zones, seconds, &zones->offset, failure))
			return false;
		zones->quarter = seconds / QUARTER;
	}
	*offset = zones->offset;
	return true;
}
