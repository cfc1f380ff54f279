/*
 * The MySQL and MariaDB target: brings an outbox's messages into a server, exactly once.
 */
#ifndef DBS_BRIDGE_MYSQL_TARGET_H
#define DBS_BRIDGE_MYSQL_TARGET_H

#include <mysql.h>

#include "postgres_target.h"
#include "source.h"
#include "target.h"

typedef struct MysqlTarget MysqlTarget;

/* Connect, with the session as rows of a stream need it. NULL on failure. */
MUST_CHECK MYSQL *mysql_target_connect(const ConnectionConfig *config, Failure *failure);

/* Connect and read the stream's position. config and key are kept by reference. NULL on failure. */
MUST_CHECK MysqlTarget *mysql_target_open(const StreamConfig *config, const char *key, Failure *failure);

/* What the target has committed, "16/B374D848"; empty when the stream has never written there. */
const char *mysql_target_position(const MysqlTarget *target);

/*
 * Be ready to run from that position. input is that of any target; everything in it is kept by reference. A position
 * that is recorded nowhere yet is recorded at the target.
 */
MUST_CHECK bool mysql_target_begin(MysqlTarget *target, const TargetInput *input, int stop_fd, const char *position,
								   Failure *failure);

/*
 * Check everything a stream with this config needs at the target, each check reported once. row: the stream as the
 * request has it, with the tables at the source.
 */
MUST_CHECK bool mysql_target_validate(const StreamConfig *config, const char *row, CheckSink sink, void *context,
									  Failure *failure);

#endif
