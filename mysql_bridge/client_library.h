/*
 * The MySQL client library: what MariaDB Connector/C and Oracle's libmysqlclient do
 * differently.  client_library.c is the only file that knows which one it is built with.
 */
#ifndef DBS_BRIDGE_CLIENT_LIBRARY_H
#define DBS_BRIDGE_CLIENT_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mysql.h>

#include "failure.h"
#include "stream_config.h"

/* "MariaDB Connector/C 3.3.17", "libmysqlclient 9.7.0": for messages. */
const char *client_library_name(void);

/* Before mysql_real_connect: the TLS mode, certificates, and what caching_sha2_password needs. */
MUST_CHECK bool client_library_set_tls(MYSQL *mysql, const ConnectionConfig *config, Failure *failure);

/* The cipher in use, NULL without TLS. */
const char *client_library_cipher(MYSQL *mysql);

/* The connection's file descriptor. */
int client_library_socket(MYSQL *mysql);

/* Bytes that the library has read from the socket and not handed out yet; 0 where it does not say. */
size_t client_library_buffered(MYSQL *mysql);

/*
 * What to ask of the server for its binary log. With gtid_set the server leaves out the transactions of that
 * set and chooses the file itself (COM_BINLOG_DUMP_GTID); without, it starts at file and offset, and the protocol
 * has 32 bits for the offset. An empty file with @slave_connect_state set serves MariaDB's GTID mode.
 */
typedef struct DumpRequest
{
	const char *file;
	uint32_t offset;
	uint32_t server_id;
	uint16_t flags;
	const uint8_t *gtid_set; /* as MySQL encodes it; NULL: by file */
	size_t gtid_set_size;
} DumpRequest;

/* A dump in progress. The memory of an event belongs to the library until the next call. */
typedef struct Dump Dump;

typedef enum DumpResult
{
	DUMP_EVENT,
	DUMP_END,   /* the server ended the stream */
	DUMP_FAILED /* mysql_errno says why */
} DumpResult;

/* Send the request. NULL when that fails: mysql_errno says why. The request is copied. */
MUST_CHECK Dump *client_library_dump(MYSQL *mysql, const DumpRequest *request);
void client_library_dump_free(Dump *dump);

/* Wait for the next event: its header and body, with whatever checksum it has. */
DumpResult client_library_next(Dump *dump, const uint8_t **event, size_t *size);

#endif
