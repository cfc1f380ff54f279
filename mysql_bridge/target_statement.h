/*
 * A statement at a MySQL target, written into a buffer and run alone.
 */
#ifndef DBS_BRIDGE_TARGET_STATEMENT_H
#define DBS_BRIDGE_TARGET_STATEMENT_H

#include <stdbool.h>

#include <mysql.h>

#include "failure.h"
#include "sql_buffer.h"

/* Run what is in sql and empty it. doing is for the failure's words; mysql_errno() tells its number. */
MUST_CHECK bool target_statement_run(MYSQL *mysql, SqlBuffer *sql, const char *doing, Failure *failure);

/* The same of a buffer that is of no use afterwards, and freed. */
MUST_CHECK bool target_statement_once(MYSQL *mysql, SqlBuffer *sql, const char *doing, Failure *failure);

/* The same with a result, which the caller frees; NULL on failure. */
MUST_CHECK MYSQL_RES *target_statement_query(MYSQL *mysql, SqlBuffer *sql, const char *doing, Failure *failure);

/* A terminated text as a literal. */
void target_statement_text(SqlBuffer *sql, const char *text);

/* The failure of a statement for which there is no memory. Returns false. */
bool target_statement_no_memory(Failure *failure);

#endif
