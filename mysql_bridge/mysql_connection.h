/*
 * Ordinary SQL connections to MySQL and MariaDB, with the session pinned.
 */
#ifndef DBS_BRIDGE_MYSQL_CONNECTION_H
#define DBS_BRIDGE_MYSQL_CONNECTION_H

#include <stdbool.h>

#include <mysql.h>

#include "failure.h"
#include "stream_config.h"

typedef enum ServerFlavour
{
	FLAVOUR_MYSQL,
	FLAVOUR_MARIADB
} ServerFlavour;

/* Connect with TLS as configured, utf8mb4, UTC, strict sql_mode, keepalive. NULL on failure; close with mysql_close. */
MUST_CHECK MYSQL *mysql_connection_open(const ConnectionConfig *config, Failure *failure);

/* The same; a read that lasts longer than read_timeout seconds fails as a lost connection. 0: no limit. */
MUST_CHECK MYSQL *mysql_connection_open_reading(const ConnectionConfig *config, unsigned read_timeout,
												Failure *failure);

/* For a target: several statements in one packet, and rows counted that are found, changed or not. */
MUST_CHECK MYSQL *mysql_connection_open_writing(const ConnectionConfig *config, Failure *failure);

/* Asks the server what it can do, not what it is called. */
ServerFlavour mysql_connection_flavour(MYSQL *mysql);

/* Run one statement whose result, if any, does not matter. */
MUST_CHECK bool mysql_connection_execute(MYSQL *mysql, const char *statement, Failure *failure);

/* Run one query that returns at most one row; *value (malloc'd, caller frees) is its first column, NULL when there is
 * none. */
MUST_CHECK bool mysql_connection_value(MYSQL *mysql, const char *query, char **value, Failure *failure);

/* Fill failure from the client library's last error, classed by its number. Returns false. */
bool mysql_connection_failed(MYSQL *mysql, const char *doing, Failure *failure);

#endif
