/*
 * Insert, update and delete one row of an open target, through table access
 * method and indexes; with triggers, constraints and partitions where there are any.
 */
#ifndef DBS_ROW_CHANGE_H
#define DBS_ROW_CHANGE_H

#include "target_table.h"

/* What became of a row. */
typedef enum DbsRowOutcome
{
	DBS_ROW_DONE,
	DBS_ROW_MISSING, /* nothing matches the image */
	DBS_ROW_BUSY     /* another session changed it meanwhile: look for it again */
} DbsRowOutcome;

/* The slot holds a virtual row: computed columns are filled in and constraints checked. */
void dbs_row_check(DbsTarget *target, TupleTableSlot *slot, CmdType command);

/* Insert the row in slot at once. */
void dbs_row_insert(DbsTarget *target, TupleTableSlot *slot);

/* The same without constraints and triggers: for a row that is changed or deleted at once. */
void dbs_row_insert_unchecked(DbsTarget *target, TupleTableSlot *slot);

/* Replace the row in target->found by the one in target->changed, or delete it. */
DbsRowOutcome dbs_row_update_found(DbsTarget *target, const DbsImage *after);
DbsRowOutcome dbs_row_delete_found(DbsTarget *target);

/* Build the new row of target->found in target->changed; does it still belong to this partition? */
bool dbs_row_stays(DbsTarget *target, const DbsImage *after);

#endif
