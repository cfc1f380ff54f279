#include "mysql_increment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mysql_server.h"

static bool
read_number(MYSQL *mysql, const char *name, unsigned long *number, Failure *failure)
{
	char *value;

	if (!mysql_server_variable(mysql, name, &value, failure))
		return false;
	*number = value != NULL ? strtoul(value, NULL, 10) : 1;
	free(value);
	return true;
}

bool
mysql_increment_check(MYSQL *mysql, const StreamConfig *config, const char *connection, CheckSink sink, void *context,
					  Failure *failure)
{
	Check check = {.name = "auto_increment", .status = "ok"};
	unsigned long increment;
	unsigned long offset;

	if (config->increment == 0)
		return true;
	if (!read_number(mysql, "auto_increment_increment", &increment, failure) ||
		!read_number(mysql, "auto_increment_offset", &offset, failure))
		return false;
	snprintf(check.object, sizeof check.object, "%s", connection);
	snprintf(check.detail, sizeof check.detail,
			 "auto_increment_increment is %lu and auto_increment_offset %lu there; PostgreSQL's values are %u, %u, …",
			 increment, offset, config->increment_offset, config->increment_offset + config->increment);
	/* An offset beyond the increment is taken for 1. */
	if (offset > increment)
		offset = 1;
	if (increment != config->increment || offset == config->increment_offset)
	{
		unsigned other = config->increment_offset % config->increment + 1;

		check.status = "failed";
		if (config->increment == 1)
			snprintf(check.remedy, sizeof check.remedy, "Set the stream's option auto_increment to an increment of 2.");
		else
			snprintf(check.remedy, sizeof check.remedy,
					 "SET GLOBAL auto_increment_increment = %u; SET GLOBAL auto_increment_offset = %u; and the same in "
					 "the server's configuration; sessions take it when they begin.",
					 config->increment, other);
	}
	sink(context, &check);
	return true;
}
