/*
 * dbstream.ddl_history and dbstream.ddl_blocked: what became of schema changes,
 * and the one at which a stream stands still.
 */
#ifndef DBS_DDL_HISTORY_H
#define DBS_DDL_HISTORY_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "ddl.h"

/* sql: List of char * or NIL; notes: List of DbsNote or NIL; default_schema may be NULL. */
void dbs_ddl_history_add(const char *default_schema, const char *source_sql, List *sql, List *notes,
						 const char *outcome);

/*
 * The line of the statement's text in which a note's place lies, and below it a caret; empty when no place is known.
 */
const char *dbs_ddl_shown_place(const char *text, const DbsNote *note);

/* Remember the statement that stops the stream, in a transaction of the caller's. */
void dbs_ddl_blocked_set(const char *source_sql);

/* Has a person asked to skip this very statement? */
bool dbs_ddl_skip_wanted(const char *source_sql);

/* The stream is past the statement. */
void dbs_ddl_blocked_clear(void);

#endif
