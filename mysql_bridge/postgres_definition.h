/*
 * A table of another PostgreSQL server as its catalogue describes it: its columns for the wire, and the statements that
 * make the like of it.
 */
#ifndef DBS_BRIDGE_POSTGRES_DEFINITION_H
#define DBS_BRIDGE_POSTGRES_DEFINITION_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "../libdbstream/wire.h"
#include "failure.h"

typedef struct PostgresColumns
{
	uint32_t count;
	DbsColumn *columns; /* names and types are malloc'd; every one travels in its text form */
	char *list;         /* the columns of a SELECT, malloc'd */
} PostgresColumns;

/* The columns that the log has too: not generated, not dropped. */
MUST_CHECK bool postgres_columns_read(PGconn *conn, unsigned relid, int stop_fd, PostgresColumns *columns,
									  Failure *failure);
void postgres_columns_free(PostgresColumns *columns);

/*
 * Statements in the order to execute them, as a JSON array of objects {"stage", "sql"}, malloc'd. Stages are those of
 * dbstream.deferred_ddl: "now" is before the first row.
 */
MUST_CHECK bool postgres_definition_read(PGconn *conn, unsigned relid, int stop_fd, char **json, Failure *failure);

#endif
