/*
 * See row_change.h.
 */
#include "row_change.h"

#include "access/xact.h"
#include "apply.h"
#include "commands/trigger.h"
#include "compat.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "nodes/bitmapset.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

void
dbs_row_check(DbsTarget *target, TupleTableSlot *slot, CmdType command)
{
	if (target->generated)
		ExecComputeStoredGenerated(target->rri, target->estate, slot, command);
	if (!target->checked)
		return;
	if (RelationGetDescr(target->relation)->constr != NULL)
		ExecConstraints(target->rri, slot, target->estate);
	if (target->relation->rd_rel->relispartition)
		ExecPartitionCheck(target->rri, slot, target->estate, true);
}

/*
 * After-row triggers and foreign-key actions run at once: their queue does not grow with the transaction,
 * and the next row sees what they did.
 */
static void
begin_events(DbsTarget *target)
{
	AfterTriggerBeginQuery();
}

static void
end_events(DbsTarget *target)
{
	AfterTriggerEndQuery(target->estate);
	CommandCounterIncrement();
	UpdateActiveSnapshotCommandId();
}

void
dbs_row_insert(DbsTarget *target, TupleTableSlot *slot)
{
	List *recheck = NIL;

	if (target->before_insert && !ExecBRInsertTriggers(target->estate, target->rri, slot))
		return;
	dbs_row_check(target, slot, CMD_INSERT);
	table_tuple_insert(target->relation, slot, GetCurrentCommandId(true), 0, NULL);
	if (target->rri->ri_NumIndices > 0)
		recheck = dbs_insert_index_tuples(target->rri, slot, target->estate, false, false);
	if (target->after_insert)
	{
		begin_events(target);
		ExecARInsertTriggers(target->estate, target->rri, slot, recheck, NULL);
		end_events(target);
	}
	list_free(recheck);
	ResetPerTupleExprContext(target->estate);
}

void
dbs_row_insert_unchecked(DbsTarget *target, TupleTableSlot *slot)
{
	table_tuple_insert(target->relation, slot, GetCurrentCommandId(true), 0, NULL);
	if (target->rri->ri_NumIndices > 0)
		list_free(dbs_insert_index_tuples(target->rri, slot, target->estate, false, false));
	ResetPerTupleExprContext(target->estate);
}

/*
 * A row written by the current command cannot be changed by it.  Counting
 * commands only then keeps a transaction that changes many rows of its own from
 * filling memory with pairs of command numbers.
 */
static void
make_changeable(DbsTarget *target)
{
	if (target->heap)
	{
		bool must_free;
		HeapTuple tuple = ExecFetchSlotHeapTuple(target->found, false, &must_free);

		if (!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmin(tuple->t_data)) ||
			HeapTupleHeaderGetRawCommandId(tuple->t_data) < GetCurrentCommandId(false))
			return;
	}
	CommandCounterIncrement();
}

/* Build the new row: what the image lacks keeps the value it has. */
static void
compose(DbsTarget *target, const DbsImage *after)
{
	TupleTableSlot *slot = target->changed;
	int count = slot->tts_tupleDescriptor->natts;

	ExecClearTuple(slot);
	if (after->complete)
	{
		memcpy(slot->tts_values, after->values, count * sizeof(Datum));
		memcpy(slot->tts_isnull, after->nulls, count * sizeof(bool));
	}
	else
	{
		slot_getallattrs(target->found);
		for (int i = 0; i < count; i++)
		{
			slot->tts_values[i] = after->present[i] ? after->values[i] : target->found->tts_values[i];
			slot->tts_isnull[i] = after->present[i] ? after->nulls[i] : target->found->tts_isnull[i];
		}
	}
	ExecStoreVirtualTuple(slot);
}

bool
dbs_row_stays(DbsTarget *target, const DbsImage *after)
{
	bool stays;

	compose(target, after);
	stays = !target->relation->rd_rel->relispartition ||
			ExecPartitionCheck(target->rri, target->changed, target->estate, false);
	ResetPerTupleExprContext(target->estate);
	return stays;
}

static DbsRowOutcome
outcome_of(TM_Result result)
{
	switch (result)
	{
		case TM_Ok:
			return DBS_ROW_DONE;
		case TM_Updated:
		case TM_Deleted:
		case TM_BeingModified:
			return DBS_ROW_BUSY;
		default:
			elog(ERROR, "dbstream: unexpected result %d of changing a row", (int) result);
	}
}

DbsRowOutcome
dbs_row_update_found(DbsTarget *target, const DbsImage *after)
{
	ItemPointerData tid = target->found->tts_tid;
	DbsUpdateIndexes update_indexes;
	TM_FailureData failure;
	LockTupleMode lock_mode;
	TM_Result result;
	List *recheck = NIL;
	bool events = target->after_update || target->update_cascades;

	make_changeable(target);
	compose(target, after);
	if (target->before_update)
	{
		EPQState epq;
		bool go_on;

		target->estate->es_output_cid = GetCurrentCommandId(true);
		dbs_epq_init(&epq, target->estate);
		go_on = dbs_before_update(target->estate, &epq, target->rri, &tid, target->changed);
		EvalPlanQualEnd(&epq);
		if (!go_on)
			return DBS_ROW_DONE;
	}
	dbs_row_check(target, target->changed, CMD_UPDATE);
	result = table_tuple_update(target->relation, &tid, target->changed, GetCurrentCommandId(true), GetActiveSnapshot(),
								InvalidSnapshot, true, &failure, &lock_mode, &update_indexes);
	if (result != TM_Ok)
		return outcome_of(result);
	if (target->rri->ri_NumIndices > 0 && !DBS_UPDATES_NO_INDEX(update_indexes))
		recheck = dbs_insert_index_tuples(target->rri, target->changed, target->estate, true,
										  DBS_ONLY_SUMMARIZING(update_indexes));
	if (events)
	{
		begin_events(target);
		ExecARUpdateTriggers(target->estate, target->rri, NULL, NULL, &tid, NULL, target->changed, recheck, NULL,
							 false);
		end_events(target);
	}
	list_free(recheck);
	ResetPerTupleExprContext(target->estate);
	return DBS_ROW_DONE;
}

DbsRowOutcome
dbs_row_delete_found(DbsTarget *target)
{
	ItemPointerData tid = target->found->tts_tid;
	TM_FailureData failure;
	TM_Result result;

	make_changeable(target);
	if (target->before_delete)
	{
		EPQState epq;
		bool go_on;

		target->estate->es_output_cid = GetCurrentCommandId(true);
		dbs_epq_init(&epq, target->estate);
		go_on = dbs_before_delete(target->estate, &epq, target->rri, &tid);
		EvalPlanQualEnd(&epq);
		if (!go_on)
			return DBS_ROW_DONE;
	}
	result = table_tuple_delete(target->relation, &tid, GetCurrentCommandId(true), GetActiveSnapshot(), InvalidSnapshot,
								true, &failure, false);
	if (result != TM_Ok)
		return outcome_of(result);
	if (target->after_delete || target->delete_cascades)
	{
		begin_events(target);
		ExecARDeleteTriggers(target->estate, target->rri, &tid, NULL, NULL, false);
		end_events(target);
	}
	ResetPerTupleExprContext(target->estate);
	return DBS_ROW_DONE;
}
