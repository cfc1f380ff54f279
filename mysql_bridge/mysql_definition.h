/*
 * A table's own statement, as a MySQL or MariaDB server writes it.
 */
#ifndef DBS_BRIDGE_MYSQL_DEFINITION_H
#define DBS_BRIDGE_MYSQL_DEFINITION_H

#include <stdbool.h>

#include <mysql.h>

#include "failure.h"
#include "stream_config.h"

/*
 * SHOW CREATE TABLE over an open connection: *create is malloc'd. A table that is not there sets *gone and is no
 * failure. Without the right to see it: a failure.
 */
MUST_CHECK bool mysql_definition_read(MYSQL *mysql, const char *schema, const char *name, char **create, bool *gone,
									  Failure *failure);

/* The same over a connection of its own, for a person who asks: see SourceOps. */
MUST_CHECK char *mysql_definition(const StreamConfig *config, const char *schema, const char *name, const char **kind,
								  Failure *failure);

#endif
