/*
 * Schema changes of a MySQL source whose stream goes to another MySQL server.
 */
#ifndef DBS_BRIDGE_RELAY_DDL_H
#define DBS_BRIDGE_RELAY_DDL_H

#include <libpq-fe.h>
#include <mysql.h>
#include <stdbool.h>

#include "../libdbstream/wire.h"
#include "failure.h"
#include "stream_config.h"

/* Empty a table, or partitions of it: a list in MySQL's words, "" for the whole. By the source's names. */
typedef bool (*RelayTruncate)(void *context, const char *schema, const char *name, const char *partitions,
							  Failure *failure);

/* Carry out a schema change; rows as mysql_ddl_plan_relay takes them, and takes them over. */
typedef bool (*RelayCarry)(void *context, const DbsDdl *ddl, PGresult *rows, Failure *failure);

typedef struct RelayPlace
{
	PGconn *conn; /* to the extension, which has the parser */
	int stream_id;
	int stop_fd;
	const StreamConfig *config;
	const char *position; /* where the statement stands in the log: the same whenever it is read */
	bool alike;           /* both servers are of one kind: they understand the same words */
	RelayTruncate truncate;
	RelayCarry carry;
	void *context;
} RelayPlace;

/*
 * A ddl message: true when the stream may go on. A change of its tables is carried out in its own words; one that
 * cannot be is made by hand, at the target first, and passed over here and recorded, by the option on_ddl. TRUNCATE is
 * carried out always. What happened to a table before it was copied is in the copy.
 */
MUST_CHECK bool relay_ddl(const RelayPlace *place, DbsReader *reader, Failure *failure);

/*
 * Give a session of the target what the source's session had: sql_mode, default database, clock. Foreign keys are not
 * checked: the source has done that. The caller pins the session again afterwards.
 */
MUST_CHECK bool relay_ddl_session(MYSQL *mysql, const DbsDdl *ddl, Failure *failure);

#endif
