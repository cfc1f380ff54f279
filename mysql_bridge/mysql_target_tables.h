/*
 * What validate_stream finds of a stream's tables at a MySQL or MariaDB target: rights, columns, triggers, engines.
 */
#ifndef DBS_BRIDGE_MYSQL_TARGET_TABLES_H
#define DBS_BRIDGE_MYSQL_TARGET_TABLES_H

#include <mysql.h>

#include "source.h"
#include "stream_config.h"

/*
 * Check the tables that row, the stream as the request has it, names as "relations"; nothing without them. Statements
 * that try a right change nothing. False when the server cannot be asked.
 */
MUST_CHECK bool mysql_target_tables_check(MYSQL *mysql, const StreamConfig *config, const char *row, CheckSink sink,
										  void *context, Failure *failure);

#endif
