/*
 * Where to begin reading: what the stream recorded or was told, made into a place that the server has.
 */
#ifndef DBS_BRIDGE_BINLOG_START_H
#define DBS_BRIDGE_BINLOG_START_H

#include <stdbool.h>

#include <mysql.h>

#include "binlog_reader.h"
#include "failure.h"
#include "mysql_server.h"
#include "stream_config.h"

/*
 * Never falls back to another place than the one asked for: what cannot be had is a failure (REJECT), with the remedy.
 * Clear start with binlog_start_clear, also after a failure.
 */
MUST_CHECK bool binlog_start_find(const StreamConfig *config, const StartPoint *point, MYSQL *mysql,
								  const MysqlServer *server, BinlogStart *start, Failure *failure);

#endif
