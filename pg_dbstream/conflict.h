/*
 * Conflicts of inbound streams: the target's row is not what the source's change expects. The
 * option conflicts says who wins; what was decided is recorded with both rows in dbstream.conflict, in the
 * transaction of the change.
 *
 * docs/two-way.md says why the policies of two opposite streams end with equal tables.
 */
#ifndef DBS_CONFLICT_H
#define DBS_CONFLICT_H

#include "stream_row.h"
#include "target_table.h"

typedef enum DbsConflictPolicy
{
	DBS_CONFLICT_STOP,
	DBS_CONFLICT_SOURCE_WINS,
	DBS_CONFLICT_TARGET_WINS,
	DBS_CONFLICT_LATEST_WINS /* by the option conflict_column */
} DbsConflictPolicy;

typedef enum DbsConflictKind
{
	DBS_CONFLICT_INSERT_EXISTS, /* the target has a row with the key of the new one */
	DBS_CONFLICT_UPDATE_DIFFERS,
	DBS_CONFLICT_UPDATE_MISSING,
	DBS_CONFLICT_DELETE_DIFFERS,
	DBS_CONFLICT_DELETE_MISSING,
	DBS_CONFLICT_KEY_TAKEN /* another row of the target has a unique key of the new one */
} DbsConflictKind;

typedef struct DbsConflict
{
	DbsConflictKind kind;
	DbsWireTable *table;
	DbsTarget *shape;       /* whose columns the images have */
	const DbsImage *before; /* what the source changed; NULL: nothing */
	const DbsImage *after;  /* what it made of it; NULL: nothing */
	DbsTarget *holder;      /* its found slot holds the target's row; NULL: there is none */
	bool recorded;          /* set by the decision: a change that is tried again is one conflict */
} DbsConflict;

/* Read the policy from the stream's options. */
void dbs_conflict_init(const DbsStream *stream);

/* The policy that holds now: a backfill has none of its own. */
DbsConflictPolicy dbs_conflict_policy(void);

/*
 * Is the row in holder's found slot another one than the source changed? image is in holder's shape. Only a whole old
 * row can tell; under latest_wins a newer row at the target tells as well.
 */
bool dbs_conflict_differs(DbsTarget *holder, const DbsImage *before, bool whole, const DbsImage *after);

/* Decide and record; true: apply the source's change, false: leave the target's row. ERROR when the policy is to stop.
 */
bool dbs_conflict_source_wins(DbsConflict *conflict);

#endif
