/*
 * Schema changes at a MySQL or MariaDB target.
 *
 * Each commits what is open, so it divides the source's transaction that holds it. The target's position row then says,
 * beside the position before that transaction, how far within it the target is: its step. A new session gets the
 * whole transaction again and passes over what is done.
 *
 * The translation is the extension's: dbstream.outbound_ddl() makes it of the captured message and nothing else.
 */
#ifndef DBS_BRIDGE_MYSQL_DDL_H
#define DBS_BRIDGE_MYSQL_DDL_H

#include <stdbool.h>
#include <stddef.h>

#include <libpq-fe.h>
#include <mysql.h>

#include "failure.h"
#include "mysql_connection.h"
#include "mysql_progress.h"

/* Prefix of the logical messages that hold captured schema changes. */
#define DDL_MESSAGE_PREFIX "dbstream.ddl"
#define DDL_ID_SIZE 64

/* Where a session stands, and with what it works. */
typedef struct DdlPlace
{
	MYSQL *mysql; /* of the rows */
	PGconn *conn;
	int stop_fd;
	int stream_id;
	ServerFlavour flavour;
	const char *database; /* of the position row */
	const char *key;
	const char *position;
	char *step; /* as committed; PROGRESS_STEP_SIZE */
} DdlPlace;

typedef struct DdlPlan DdlPlan;

/*
 * Which change a captured message holds: unlike any other's, and the same when it comes again. False when it has none:
 * then nobody captured it, since anyone may write messages into the log.
 */
MUST_CHECK bool mysql_ddl_id(const char *content, size_t size, char id[DDL_ID_SIZE]);

/* The step's change; empty when the step is at a transaction's boundary. */
void mysql_ddl_step_id(const char *step, char id[DDL_ID_SIZE]);

/* Is that change behind the step? Otherwise the step is within it. */
bool mysql_ddl_step_done(const char *step);

/* The step before the change's first statement. */
void mysql_ddl_step_before(const char *id, char step[PROGRESS_STEP_SIZE]);

/* Ask what the change means. content is kept by reference. NULL on failure. */
MUST_CHECK DdlPlan *mysql_ddl_plan(const DdlPlace *place, const char *content, size_t size, Failure *failure);

/*
 * The plan of a change that a MySQL source's log holds. id: its place in the log; rows: of kind and value, as
 * outbound_ddl gives them: "outcome", "query", "hint", and each "statement". They become the plan's. NULL on failure.
 */
MUST_CHECK DdlPlan *mysql_ddl_plan_relay(const char *id, const char *default_schema, PGresult *rows, Failure *failure);
void mysql_ddl_plan_free(DdlPlan *plan);

/* Does it concern this stream at all? */
bool mysql_ddl_concerns(const DdlPlan *plan);

/*
 * Make the change, from the place's step on, which is within it. No transaction may be open at the target. Afterwards
 * the step is behind it. A change that the target or the policy refuses is a failure of class REJECT.
 */
MUST_CHECK bool mysql_ddl_run(const DdlPlace *place, DdlPlan *plan, Failure *failure);

#endif
