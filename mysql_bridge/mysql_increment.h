/*
 * For two writers: the values that MySQL's AUTO_INCREMENT columns take must not be PostgreSQL's (the option
 * auto_increment).
 */
#ifndef DBS_BRIDGE_MYSQL_INCREMENT_H
#define DBS_BRIDGE_MYSQL_INCREMENT_H

#include <mysql.h>

#include "failure.h"
#include "source.h"
#include "stream_config.h"

/* One check for validate_stream, none without the option. connection: the object that it names. */
MUST_CHECK bool mysql_increment_check(MYSQL *mysql, const StreamConfig *config, const char *connection, CheckSink sink,
									  void *context, Failure *failure);

#endif
