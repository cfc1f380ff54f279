/*
 * Target tables open for the length of a group: relation, executor state,
 * indexes, scans and slots are set up once, not for each row.
 */
#include "apply.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "compat.h"
#include "conflict.h"
#include "executor/execPartition.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

/* Lives as long as the group: under the transaction's context, gone with it whatever happens. */
static MemoryContext group_context = NULL;
static List *open_targets = NIL;
static List *open_tables = NIL;
static DbsTarget *last_opened = NULL;

static MemoryContext
context_of_group(void)
{
	if (group_context == NULL)
		group_context = AllocSetContextCreate(TopTransactionContext, "dbstream group", ALLOCSET_DEFAULT_SIZES);
	return group_context;
}

static const char *
right_name(AclMode mode)
{
	return mode & ACL_INSERT     ? "INSERT"
		   : mode & ACL_UPDATE   ? "UPDATE"
		   : mode & ACL_DELETE   ? "DELETE"
		   : mode & ACL_TRUNCATE ? "TRUNCATE"
								 : "SELECT";
}

void
dbs_target_check_rights(Relation relation, AclMode mode)
{
	const char *qualified = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
													   RelationGetRelationName(relation));
	const char *user = GetUserNameFromId(GetUserId(), false);

	for (AclMode bit = 1; bit != 0 && bit <= mode; bit <<= 1)
		if ((mode & bit) && pg_class_aclcheck(RelationGetRelid(relation), GetUserId(), bit) != ACLCHECK_OK)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("the stream's owner \"%s\" may not %s on table %s", user, right_name(bit), qualified),
					 errhint("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON %s TO %s;", qualified,
							 quote_identifier(user))));
	if (check_enable_rls(RelationGetRelid(relation), InvalidOid, false) == RLS_ENABLED)
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("table %s has row-level security, to which the stream's owner \"%s\" is subject", qualified, user),
			 errhint("ALTER ROLE %s BYPASSRLS; or give the table another policy or owner.", quote_identifier(user))));
}

static void
check_kind(Relation relation)
{
	char kind = relation->rd_rel->relkind;

	if (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE)
		return;
	ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
					errmsg("\"%s.%s\" is not a table into which rows can be replicated",
						   get_namespace_name(RelationGetNamespace(relation)), RelationGetRelationName(relation)),
					errhint("Rename or drop it, so that the stream can create a table, or map the schema elsewhere "
							"with the option schemas.")));
}

static bool
fires(const Trigger *trigger)
{
	return trigger->tgenabled == TRIGGER_FIRES_ALWAYS || trigger->tgenabled == TRIGGER_FIRES_ON_REPLICA;
}

/*
 * Which triggers fire.  The descriptor is the result relation's own copy, so
 * foreign-key actions can be made to fire in it although the session is a replica's:
 * the source does not log what its own foreign keys did to the children.
 */
static void
examine_triggers(DbsTarget *target)
{
	TriggerDesc *desc = target->rri->ri_TrigDesc;

	for (int i = 0; desc != NULL && i < desc->numtriggers; i++)
	{
		Trigger *trigger = &desc->triggers[i];

		if (!TRIGGER_FOR_ROW(trigger->tgtype))
			continue;
		if (!dbs_apply.cascades_logged && dbs_cascade_enable(trigger))
		{
			target->delete_cascades |= TRIGGER_FOR_DELETE(trigger->tgtype);
			target->update_cascades |= TRIGGER_FOR_UPDATE(trigger->tgtype);
		}
		if (!fires(trigger))
			continue;
		if (TRIGGER_FOR_BEFORE(trigger->tgtype))
		{
			target->before_insert |= TRIGGER_FOR_INSERT(trigger->tgtype);
			target->before_update |= TRIGGER_FOR_UPDATE(trigger->tgtype);
			target->before_delete |= TRIGGER_FOR_DELETE(trigger->tgtype);
		}
		if (TRIGGER_FOR_AFTER(trigger->tgtype))
		{
			target->after_insert |= TRIGGER_FOR_INSERT(trigger->tgtype);
			target->after_update |= TRIGGER_FOR_UPDATE(trigger->tgtype);
			target->after_delete |= TRIGGER_FOR_DELETE(trigger->tgtype);
		}
	}
}

static void
set_up_executor(DbsTarget *target)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	Relation relation = target->relation;

	target->estate = CreateExecutorState();
	rte->rtekind = RTE_RELATION;
	rte->relid = target->oid;
	rte->relkind = relation->rd_rel->relkind;
	rte->rellockmode = RowExclusiveLock;
	dbs_init_range_table(target->estate, rte);
	target->rri = makeNode(ResultRelInfo);
	InitResultRelInfo(target->rri, relation, 1, NULL, 0);
	target->estate->es_opened_result_relations = lappend(target->estate->es_opened_result_relations, target->rri);
	target->estate->es_output_cid = GetCurrentCommandId(false);
	if (!target->partitioned)
		ExecOpenIndices(target->rri, dbs_apply.source_wins);
}

DbsTarget *
dbs_target_open_oid(Oid oid)
{
	MemoryContext old;
	Relation relation;
	DbsTarget *target;
	ListCell *cell;
	TupleConstr *constraints;

	if (last_opened != NULL && last_opened->oid == oid)
		return last_opened;
	foreach (cell, open_targets)
		if (((DbsTarget *) lfirst(cell))->oid == oid)
			return last_opened = lfirst(cell);

	relation = try_table_open(oid, RowExclusiveLock);
	if (relation == NULL)
		return NULL;
	check_kind(relation);
	old = MemoryContextSwitchTo(context_of_group());
	target = palloc0(sizeof *target);
	target->oid = oid;
	target->relation = relation;
	target->key_count = -1;
	target->heap = relation->rd_tableam == GetHeapamTableAmRoutine();
	target->partitioned = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	set_up_executor(target);
	examine_triggers(target);
	constraints = RelationGetDescr(relation)->constr;
	target->checked = relation->rd_rel->relispartition ||
					  (constraints != NULL && (constraints->has_not_null || constraints->num_check > 0));
	target->generated = constraints != NULL && constraints->has_generated_stored;
	target->multi_insert = !target->partitioned && !target->before_insert && !dbs_apply.source_wins &&
						   dbs_conflict_policy() == DBS_CONFLICT_STOP;
	target->equal = palloc0(RelationGetDescr(relation)->natts * sizeof(FmgrInfo *));
	InitDirtySnapshot(target->dirty);
	if (target->partitioned)
	{
		target->changed = MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsVirtual);
		target->incoming = MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsVirtual);
	}
	else
	{
		target->found = table_slot_create(relation, NULL);
		target->changed = table_slot_create(relation, NULL);
		target->incoming = table_slot_create(relation, NULL);
	}
	open_targets = lappend(open_targets, target);
	last_opened = target;
	MemoryContextSwitchTo(old);
	return target;
}

void
dbs_target_remember(DbsWireTable *table)
{
	MemoryContext old = MemoryContextSwitchTo(context_of_group());

	open_tables = lappend(open_tables, table);
	MemoryContextSwitchTo(old);
}

static void
close_target(DbsTarget *target)
{
	for (int i = 0; i < target->key_count; i++)
		if (target->keys[i].scan != NULL)
			index_endscan(target->keys[i].scan);
	if (target->bulk != NULL)
	{
		table_finish_bulk_insert(target->relation, 0);
		FreeBulkInsertState(target->bulk);
	}
	for (int i = 0; i < target->slot_count; i++)
		ExecDropSingleTupleTableSlot(target->slots[i]);
	dbs_apply.gathered_slots -= target->slot_count;
	if (target->found != NULL)
		ExecDropSingleTupleTableSlot(target->found);
	ExecDropSingleTupleTableSlot(target->changed);
	ExecDropSingleTupleTableSlot(target->incoming);
	if (target->routing != NULL)
		ExecCleanupTupleRouting(target->routing_state, target->routing);
	ExecCloseResultRelations(target->estate);
	ExecResetTupleTable(target->estate->es_tupleTable, false);
	FreeExecutorState(target->estate);
	table_close(target->relation, NoLock);
}

void
dbs_targets_close(void)
{
	ListCell *cell;

	foreach (cell, open_tables)
		((DbsWireTable *) lfirst(cell))->open = NULL;
	foreach (cell, open_targets)
	{
		Assert(((DbsTarget *) lfirst(cell))->buffered == 0);
		close_target(lfirst(cell));
	}
	open_tables = open_targets = NIL;
	last_opened = NULL;
	if (group_context != NULL)
		MemoryContextDelete(group_context);
	group_context = NULL;
}
