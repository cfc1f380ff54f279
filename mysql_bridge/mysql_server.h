/*
 * A MySQL or MariaDB server as a source: what it can do, found by asking, and how far its binary log goes.
 */
#ifndef DBS_BRIDGE_MYSQL_SERVER_H
#define DBS_BRIDGE_MYSQL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mysql.h>

#include "binlog_place.h"
#include "failure.h"
#include "mysql_connection.h"

typedef struct MysqlServer
{
	ServerFlavour flavour;
	char version[128];     /* as the server says it */
	char identity[80];     /* unlike any other server's */
	bool gtids;            /* every transaction has one: MySQL with gtid_mode=ON, MariaDB */
	bool new_words;        /* SHOW BINARY LOG STATUS, not SHOW MASTER STATUS */
	bool cascades_logged;  /* rows changed by foreign-key actions are in the log */
	bool offsets_may_lack; /* MariaDB 11.4 and later: events inside of a transaction do not say where they are */
} MysqlServer;

MUST_CHECK bool mysql_server_probe(MYSQL *mysql, MysqlServer *server, Failure *failure);

/*
 * Where the log ends now, a boundary of transactions. *gtid_set (malloc'd; may be NULL when not wanted) is everything
 * before it. Fails (REJECT) when the server writes no log or the user may not ask.
 */
MUST_CHECK bool mysql_server_log_end(MYSQL *mysql, const MysqlServer *server, BinlogPlace *end, char **gtid_set,
									 Failure *failure);

/* A file of the log and its size. */
typedef struct BinlogFile
{
	BinlogPlace place; /* offset: the size */
} BinlogFile;

/* All files, oldest first; malloc'd, the caller frees. */
MUST_CHECK bool mysql_server_log_files(MYSQL *mysql, BinlogFile **files, size_t *count, Failure *failure);

/* The value of a global variable, malloc'd; NULL when the server does not have it. False: the connection failed. */
MUST_CHECK bool mysql_server_variable(MYSQL *mysql, const char *name, char **value, Failure *failure);

#endif
