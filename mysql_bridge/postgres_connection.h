/*
 * Connections to PostgreSQL: opening, greeting and plain queries, all of which give up when the caller is told to stop.
 *
 * stop_fd is a descriptor that becomes readable when the work is to stop; -1 means never.
 */
#ifndef DBS_BRIDGE_POSTGRES_CONNECTION_H
#define DBS_BRIDGE_POSTGRES_CONNECTION_H

#include <libpq-fe.h>

#include "failure.h"

/* Codes of failures that callers treat specially; the rest are in docs/operations.md. */
#define FAILURE_CODE_POSTGRESQL_LOST "postgresql_lost"
#define FAILURE_CODE_HANDSHAKE "handshake"
#define FAILURE_CODE_CLAIMED "claimed"
#define FAILURE_CODE_OUTDATED "outdated" /* the stream's definition is another by now */
#define FAILURE_CODE_STOPPING "stopping"

/*
 * Connect with TCP keepalives, client_encoding UTF8 and this application_name, and turn the session's timeouts off.
 * A database that does not answer is given up after 10 seconds, unless conninfo says otherwise.
 */
MUST_CHECK PGconn *postgres_connection_open(const char *conninfo, const char *application_name, int stop_fd,
											Failure *failure);

/* The same as a walsender's connection, for the replication protocol and for SQL. */
MUST_CHECK PGconn *postgres_connection_open_replication(const char *conninfo, const char *application_name, int stop_fd,
														Failure *failure);

/* The handshake, first call on every connection. */
MUST_CHECK bool postgres_connection_hello(PGconn *conn, const char *bridge_name, int stop_fd, Failure *failure);

/*
 * One statement with text parameters and text results; the caller clears the result. NULL on
 * failure: then the connection is usable only if PQstatus and PQtransactionStatus say so.
 */
MUST_CHECK PGresult *postgres_connection_query(PGconn *conn, const char *sql, int count, const char *const *values,
											   int stop_fd, int timeout_ms, Failure *failure);

/* Fill failure from an error result, or from the connection when result is NULL. Returns false. */
bool postgres_connection_failed(PGconn *conn, const PGresult *result, Failure *failure);

/* "host=… port=… dbname=… user=…" of conninfo, for logs: never a password. False when conninfo is malformed. */
MUST_CHECK bool postgres_connection_describe(const char *conninfo, char *out, size_t size, Failure *failure);

/* "host=… user=…" of an open connection. */
void postgres_connection_name(const PGconn *conn, char *out, size_t size);

#endif
