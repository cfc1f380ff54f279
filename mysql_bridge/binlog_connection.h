/*
 * A connection that the server sends its binary log over.
 */
#ifndef DBS_BRIDGE_BINLOG_CONNECTION_H
#define DBS_BRIDGE_BINLOG_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "binlog_reader.h"
#include "failure.h"
#include "mysql_server.h"
#include "stream_config.h"

typedef struct BinlogConnection BinlogConnection;

/* Connect and ask for the log from start on. config is kept by reference. NULL on failure. */
MUST_CHECK BinlogConnection *binlog_connection_open(const StreamConfig *config, const MysqlServer *server,
													const BinlogStart *start, Failure *failure);
void binlog_connection_close(BinlogConnection *connection);

/*
 * Wait for the next event; its memory is valid until the next call. Fails also when nothing, not
 * even a heartbeat, has come for too long.
 */
MUST_CHECK bool binlog_connection_next(BinlogConnection *connection, const uint8_t **event, size_t *size,
									   Failure *failure);

/* Something can be read without waiting. */
bool binlog_connection_has_more(const BinlogConnection *connection);

/* From another thread, before close: make a waiting binlog_connection_next fail soon. */
void binlog_connection_interrupt(BinlogConnection *connection);

/* The number by which the server knows this reader: the option, or one of this process's own. */
uint32_t binlog_connection_server_id(const StreamConfig *config);

#endif
