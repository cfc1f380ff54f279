/*
 * Schema changes of tables that are being copied, or wait for it: whether the log's statement is carried out, and what
 * it means for the copy.
 */
#ifndef DBS_BACKFILL_DDL_H
#define DBS_BACKFILL_DDL_H

#include "ddl.h"

/*
 * A statement that is not to be carried out, since the copy has its effect, or will have it: says why, for the
 * history; else NULL. A table that the statement renames into the stream's patterns is asked for here.
 */
const char *dbs_backfill_ddl_passes(const DbsDdlStatement *statement);

/* The statement's effect may be there already: also sets dbs_apply.window. */
bool dbs_backfill_ddl_in_window(const DbsDdlStatement *statement);

/* After it was carried out, or found to be done already. Returns what more was done, for the history, or NULL. */
const char *dbs_backfill_ddl_done(const DbsDdlStatement *statement, bool executed);

#endif
