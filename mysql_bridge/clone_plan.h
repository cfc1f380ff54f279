/*
 * What a clone would create: the tables of the source in the target's words, with the translator's notes.
 */
#ifndef DBS_BRIDGE_CLONE_PLAN_H
#define DBS_BRIDGE_CLONE_PLAN_H

#include <libpq-fe.h>
#include <mysql.h>

#include "clone_arguments.h"
#include "failure.h"
#include "mysql_connection.h"

/* Print it. Whatever the translation needs at the target is made in a transaction that is rolled back. */
MUST_CHECK bool clone_plan_print(PGconn *conn, MYSQL *sql, ServerFlavour flavour, const CloneArguments *arguments,
								 int stop_fd, Failure *failure);

#endif
