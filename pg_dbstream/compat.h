/*
 * Differences between PostgreSQL 15 and 18, each under one name.  Files that
 * touch an interface that changed include this instead of testing versions.
 */
#ifndef DBS_COMPAT_H
#define DBS_COMPAT_H

#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/tableam.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "postmaster/bgworker.h"
#include "replication/origin.h"
#include "replication/slot.h"

#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"
#endif

/* What a table update says about the indexes that need new entries. */
#if PG_VERSION_NUM >= 160000
typedef TU_UpdateIndexes DbsUpdateIndexes;
#define DBS_UPDATES_NO_INDEX(u) ((u) == TU_None)
#define DBS_ONLY_SUMMARIZING(u) ((u) == TU_Summarizing)
#else
typedef bool DbsUpdateIndexes;
#define DBS_UPDATES_NO_INDEX(u) (!(u))
#define DBS_ONLY_SUMMARIZING(u) false
#endif

/* From 17 on a stream's owner needs no right to log in. */
#if PG_VERSION_NUM >= 170000
#define DBS_WORKER_CONNECTION_FLAGS BGWORKER_BYPASS_ROLELOGINCHECK
#define DBS_OWNER_MUST_LOG_IN false
#else
#define DBS_WORKER_CONNECTION_FLAGS 0
#define DBS_OWNER_MUST_LOG_IN true
#endif

static inline List *
dbs_insert_index_tuples(ResultRelInfo *rri, TupleTableSlot *slot, EState *estate, bool update, bool only_summarizing)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(rri, slot, estate, update, false, NULL, NIL, only_summarizing);
#else
	return ExecInsertIndexTuples(rri, slot, estate, update, false, NULL, NIL);
#endif
}

static inline IndexScanDesc
dbs_index_beginscan(Relation heap, Relation index, Snapshot snapshot, int keys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, NULL, keys, 0);
#else
	return index_beginscan(heap, index, snapshot, keys, 0);
#endif
}

/* Give the executor state a range table of the one relation. */
static inline RangeTblEntry *
dbs_init_range_table(EState *estate, RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 160000
	List *permissions = NIL;

	addRTEPermissionInfo(&permissions, rte);
#if PG_VERSION_NUM >= 180000
	ExecInitRangeTable(estate, list_make1(rte), permissions, bms_make_singleton(1));
#else
	ExecInitRangeTable(estate, list_make1(rte), permissions);
#endif
#else
	ExecInitRangeTable(estate, list_make1(rte));
#endif
	return rte;
}

static inline void
dbs_set_updated_columns(EState *estate, RangeTblEntry *rte, Bitmapset *columns)
{
#if PG_VERSION_NUM >= 160000
	getRTEPermissionInfo(estate->es_rteperminfos, rte)->updatedCols = columns;
#else
	rte->updatedCols = columns;
#endif
}

static inline void
dbs_epq_init(EPQState *epq, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	EvalPlanQualInit(epq, estate, NULL, NIL, -1, NIL);
#else
	EvalPlanQualInit(epq, estate, NULL, NIL, -1);
#endif
}

/* BEFORE ROW triggers; false when one of them suppresses the change. */
static inline bool
dbs_before_update(EState *estate, EPQState *epq, ResultRelInfo *rri, ItemPointer tid, TupleTableSlot *slot)
{
#if PG_VERSION_NUM >= 180000
	return ExecBRUpdateTriggers(estate, epq, rri, tid, NULL, slot, NULL, NULL, false);
#elif PG_VERSION_NUM >= 160000
	return ExecBRUpdateTriggers(estate, epq, rri, tid, NULL, slot, NULL, NULL);
#else
	return ExecBRUpdateTriggers(estate, epq, rri, tid, NULL, slot, NULL);
#endif
}

static inline bool
dbs_before_delete(EState *estate, EPQState *epq, ResultRelInfo *rri, ItemPointer tid)
{
#if PG_VERSION_NUM >= 180000
	return ExecBRDeleteTriggers(estate, epq, rri, tid, NULL, NULL, NULL, NULL, false);
#elif PG_VERSION_NUM >= 160000
	return ExecBRDeleteTriggers(estate, epq, rri, tid, NULL, NULL, NULL, NULL);
#else
	return ExecBRDeleteTriggers(estate, epq, rri, tid, NULL, NULL);
#endif
}

static inline void
dbs_origin_session_setup(RepOriginId origin)
{
#if PG_VERSION_NUM >= 160000
	replorigin_session_setup(origin, 0);
#else
	replorigin_session_setup(origin);
#endif
}

#endif
