/*
 * Backfill at the target: rows that were at the source before the part of the
 * log that is read.
 *
 * Chunks of tables come first and are recorded with their rows. Then the log
 * is read from a position at which none of them had been read yet, up to one
 * after the last of them: the window. In it a change may have been seen
 * already, so the source's row wins, whatever is there; each row ends as the
 * source had it at the window's end. What only costs time while rows come in
 * (secondary indexes, foreign keys) is made after the window, when the rows are consistent.
 */
#ifndef DBS_BACKFILL_H
#define DBS_BACKFILL_H

#include "apply.h"

/* Is a rows message part of a chunk? */
bool dbs_backfill_takes_rows(void);

/* Rows of a chunk. */
void dbs_backfill_rows(DbsReader *reader);

/* A snapshot message. */
void dbs_backfill_step(DbsReader *reader);

/*
 * Make what was put off; commits in between. Before the window: indexes, and foreign keys without looking at the rows,
 * so that their actions do what the source's did without logging it. After it, when the rows are consistent: unique
 * indexes, the foreign keys' validation, sequences and statistics.
 */
typedef enum DbsDeferredTime
{
	DBS_DEFERRED_BEFORE_WINDOW,
	DBS_DEFERRED_AFTER_WINDOW
} DbsDeferredTime;

void dbs_deferred_ddl_run(DbsDeferredTime when);

/*
 * Create the table of a CREATE TABLE statement bare, and put the rest of it off.
 * keyed: rows of it must be found by a key while they come in. False when the statement cannot be
 * translated: the table is made from the wire's description then.
 */
bool dbs_deferred_ddl_create(const char *schema, const char *name, const char *text, bool keyed);

/*
 * The same for a table of another PostgreSQL server; text is an array of its statements, as the bridge reads them out
 * of the catalogue there. False: the target's schema has another name, so the table is made from its rows' description.
 */
bool dbs_postgres_table_create(const char *schema, const char *name, const char *text);

/*
 * deferred_key.c: take from a table that was just made the key by which it is copied, until its rows are in. The
 * definition is the bridge's, a JSON array of columns. False when it has no such key.
 */
bool dbs_deferred_key_put_off(const char *schema, const char *name, const char *definition);

/* Give it to the table now, if that is still to be done, in the group's transaction; of the second all that is copied
 * there. */
void dbs_deferred_key_make(const char *schema, const char *name);
void dbs_deferred_key_make_for(Oid target);

#endif
