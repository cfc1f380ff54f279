/*
 * Statements that are put off until the rows of a backfill are in, as deferred_ddl.c and those who carry them out
 * share them. What a backfill itself calls is in backfill.h.
 */
#ifndef DBS_DEFERRED_DDL_H
#define DBS_DEFERRED_DDL_H

#include "postgres.h"

/* Have a statement carried out later; stage is one that dbstream.deferred_ddl knows. */
void dbs_deferred_ddl_put_off(const char *schema, const char *name, const char *stage, const char *sql);

/*
 * Carry out one of them, in the transaction that is open. What is there already, or cannot be since what it refers to
 * is not here, is passed over with a note in the history.
 */
void dbs_deferred_ddl_execute(const char *schema, char *sql);

/* It is done: part of the transaction that did it. */
void dbs_deferred_ddl_forget(int64 id);

/* Add the primary key of a table, taking over its index where that is made already. */
void dbs_deferred_key_attach(const char *schema, const char *name, const char *sql);

#endif
