/*
 * What is made once the rows of a backfill are in, by several processes side by side: the apply worker and builders
 * that it starts.
 *
 * A job is a row of dbstream.deferred_ddl, or a table whose statistics are missing. Whoever takes one holds its row
 * locked from before the work until the commit that has both the work and its record. So whatever is killed, a job is
 * done whole or not at all, and once; the next session finds the rest. A builder that fails leaves its job to the
 * apply worker, which meets the same error and reports it.
 */
#ifndef DBS_DEFERRED_BUILD_H
#define DBS_DEFERRED_BUILD_H

#include "postgres.h"

typedef enum DbsBuildRound
{
	DBS_BUILD_INDEXES, /* and keys */
	DBS_BUILD_UNIQUE_INDEXES,
	DBS_BUILD_VALIDATIONS,
	DBS_BUILD_STATISTICS, /* and sequences; the tables are done then */
	DBS_BUILD_ROUNDS
} DbsBuildRound;

/*
 * Do all jobs of the round, the largest table's first; commits in between. Called by the apply worker, whose group it
 * ends: an open one would hold locks that builders wait for.
 */
void dbs_build_round(DbsBuildRound round);

/* A builder's entry. */
PGDLLEXPORT void dbs_builder_main(Datum main_arg);

#endif
