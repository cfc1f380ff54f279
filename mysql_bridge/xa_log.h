/*
 * The part of the log that holds a prepared XA transaction, read a second time: when it is committed, which may be
 * long after it was prepared, in another session, with other transactions in between.
 *
 * So nothing of it has to be kept meanwhile, neither in memory nor on any disk, and the log itself says where it is: a
 * commit whose prepared part this session has not met is looked for backwards, file by file.
 */
#ifndef DBS_BRIDGE_XA_LOG_H
#define DBS_BRIDGE_XA_LOG_H

#include <stdbool.h>

#include "binlog_event.h"
#include "binlog_place.h"
#include "binlog_reader.h"
#include "failure.h"
#include "mysql_server.h"
#include "stream_config.h"

/* Both are kept by reference. sql: a connection of the same thread for questions. NULL: out of memory. */
XaLog *xa_log_new(const StreamConfig *config, const MysqlServer *server, MYSQL *sql);
void xa_log_free(XaLog *log);

/*
 * Where the last XA transaction of that name before a place was prepared: its first event, which announces it. Fails
 * (REJECT, xa_purged) when the log that is still there does not have it.
 */
MUST_CHECK bool xa_log_find(XaLog *log, const char *identifier, const BinlogPlace *before, BinlogPlace *found,
							Failure *failure);

/* Read from a place on; ends what was read before. */
MUST_CHECK bool xa_log_open(XaLog *log, const BinlogPlace *from, Failure *failure);

/* The next event of the file; its memory is valid until the next call. Fails at the file's end. */
MUST_CHECK bool xa_log_next(XaLog *log, BinlogEvent *event, Failure *failure);

/* The format of its events. */
const BinlogFormat *xa_log_format(const XaLog *log);

void xa_log_close(XaLog *log);

/* From another thread: make whatever waits fail soon. */
void xa_log_interrupt(XaLog *log);

#endif
