/*
 * Failures at a MySQL or MariaDB target.
 */
#ifndef DBS_BRIDGE_TARGET_FAILURE_H
#define DBS_BRIDGE_TARGET_FAILURE_H

#include <stdbool.h>

#include <mysql.h>

#include "failure.h"

/* Stands before every schema change that a stream makes at its target. */
#define TARGET_DDL_MARK "/* dbstream */"

/* How a stream calls a table before it drops it; the extension writes the same. */
#define TARGET_DROPPED "dbstream_dropped_"

/* Fill failure from the client library's last error, in words about the target. Returns false. */
bool target_failed(MYSQL *mysql, const char *doing, Failure *failure);

/* The same for a failure of mysql_connection.c, which speaks of sources. */
void target_failure_words(Failure *failure);

#endif
