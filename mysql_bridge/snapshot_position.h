/*
 * Positions of the log that fit what a reader sees: from where to read it after tables are copied, and as of when a
 * table without a key was read. None of them holds a lock, but for a table without key at MySQL.
 */
#ifndef DBS_BRIDGE_SNAPSHOT_POSITION_H
#define DBS_BRIDGE_SNAPSHOT_POSITION_H

#include <stdbool.h>

#include <mysql.h>

#include "binlog_place.h"
#include "failure.h"
#include "mysql_server.h"
#include "stream_config.h"

/*
 * How a position is found at which every transaction before it is visible to later reads. A position earlier than
 * needed does no harm: what lies between is applied over what was copied.
 */
typedef enum SnapshotMethod
{
	SNAPSHOT_BY_SNAPSHOT, /* MariaDB: the position of a consistent snapshot, exact */
	SNAPSHOT_BY_GTID,     /* MySQL: the GTIDs of all committed transactions */
	SNAPSHOT_BY_FILE      /* MySQL without GTIDs: the start of the log's last file, which the server begins only when
							 all transactions of the ones before are committed */
} SnapshotMethod;

SnapshotMethod snapshot_position_method(const MysqlServer *server, const StreamConfig *config);

/* For people: one sentence on how, and why so. */
const char *snapshot_method_sentence(SnapshotMethod method);

/* From where to read the log. *gtid_set (malloc'd) is empty when the place alone counts. */
MUST_CHECK bool snapshot_position_start(MYSQL *sql, const MysqlServer *server, const StreamConfig *config,
										BinlogPlace *place, char **gtid_set, Failure *failure);

/* MariaDB: begin a consistent snapshot on this connection, and say of when it is. It ends with the transaction. */
MUST_CHECK bool snapshot_position_begin(MYSQL *sql, BinlogPlace *place, Failure *failure);

/*
 * Is everything that the log has before point visible to reads from now on? A server sends its log on before the engine
 * has committed. gtid_set: the GTIDs of all that, at MySQL; without them *visible is true and means nothing: only
 * locking reads, which wait for the engine, are new enough then.
 */
MUST_CHECK bool snapshot_position_visible(MYSQL *sql, const MysqlServer *server, SourcePoint point,
										  const char *gtid_set, bool *visible, Failure *failure);

#endif
