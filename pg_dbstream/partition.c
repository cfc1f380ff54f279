/*
 * See partition.h.
 *
 * Columns of root and leaf are related by name, since a partition may have been
 * a table of its own with another order of columns before it was attached.
 */
#include "partition.h"

#include "access/attmap.h"
#include "access/tupconvert.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/execPartition.h"
#include "executor/executor.h"
#include "partitioning/partdesc.h"
#include "row_find.h"
#include "storage/lockdefs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"

/* For each column of the leaf the root's column, from 1; 0 for dropped ones. */
static const AttrNumber *
map_of(DbsTarget *root, DbsTarget *leaf)
{
	if (leaf->root_map == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(leaf->estate->es_query_cxt);
		TupleDesc from = RelationGetDescr(root->relation);
		TupleDesc to = RelationGetDescr(leaf->relation);

		leaf->root_map = palloc0(to->natts * sizeof(AttrNumber));
		for (int i = 0; i < to->natts; i++)
			for (int j = 0; j < from->natts && !TupleDescAttr(to, i)->attisdropped; j++)
				if (!TupleDescAttr(from, j)->attisdropped &&
					namestrcmp(&TupleDescAttr(to, i)->attname, NameStr(TupleDescAttr(from, j)->attname)) == 0)
					leaf->root_map[i] = (AttrNumber) (j + 1);
		leaf->before.values = palloc0(to->natts * sizeof(Datum));
		leaf->before.nulls = palloc0(to->natts * sizeof(bool));
		leaf->before.present = palloc0(to->natts * sizeof(bool));
		leaf->after.values = palloc0(to->natts * sizeof(Datum));
		leaf->after.nulls = palloc0(to->natts * sizeof(bool));
		leaf->after.present = palloc0(to->natts * sizeof(bool));
		MemoryContextSwitchTo(old);
	}
	return leaf->root_map;
}

static void
set_up_routing(DbsTarget *root)
{
	MemoryContext old = MemoryContextSwitchTo(root->estate->es_query_cxt);
	ModifyTableState *state = makeNode(ModifyTableState);

	state->ps.state = root->estate;
	state->operation = CMD_INSERT;
	state->resultRelInfo = root->rri;
	root->routing_state = state;
	root->routing = ExecSetupPartitionTupleRouting(root->estate, root->relation);
	MemoryContextSwitchTo(old);
}

DbsTarget *
dbs_partition_of_row(DbsTarget *root, TupleTableSlot *row)
{
	ResultRelInfo *partition;
	MemoryContext old;
	DbsTarget *leaf;

	if (root->routing == NULL)
		set_up_routing(root);
	old = MemoryContextSwitchTo(GetPerTupleMemoryContext(root->estate));
	partition = ExecFindPartition(root->routing_state, root->rri, root->routing, row, root->estate);
	MemoryContextSwitchTo(old);
	leaf = dbs_target_open_oid(RelationGetRelid(partition->ri_RelationDesc));
	ResetPerTupleExprContext(root->estate);
	return leaf;
}

void
dbs_partition_map_image(DbsTarget *root, DbsTarget *leaf, const DbsImage *from, DbsImage *to)
{
	const AttrNumber *map = map_of(root, leaf);

	for (int i = 0; i < RelationGetDescr(leaf->relation)->natts; i++)
	{
		to->present[i] = map[i] > 0 && from->present[map[i] - 1];
		to->nulls[i] = !to->present[i] || from->nulls[map[i] - 1];
		to->values[i] = to->nulls[i] ? (Datum) 0 : from->values[map[i] - 1];
	}
	to->sent_all = from->sent_all;
	to->complete = from->complete;
}

void
dbs_partition_map_row(DbsTarget *root, DbsTarget *leaf, TupleTableSlot *from, TupleTableSlot *to)
{
	const AttrNumber *map = map_of(root, leaf);

	slot_getallattrs(from);
	ExecClearTuple(to);
	for (int i = 0; i < to->tts_tupleDescriptor->natts; i++)
	{
		to->tts_isnull[i] = map[i] == 0 || from->tts_isnull[map[i] - 1];
		to->tts_values[i] = to->tts_isnull[i] ? (Datum) 0 : from->tts_values[map[i] - 1];
	}
	ExecStoreVirtualTuple(to);
}

void
dbs_partition_unmap_row(DbsTarget *root, DbsTarget *leaf, TupleTableSlot *from, TupleTableSlot *to)
{
	const AttrNumber *map = map_of(root, leaf);

	slot_getallattrs(from);
	ExecClearTuple(to);
	memset(to->tts_isnull, 1, to->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < from->tts_tupleDescriptor->natts; i++)
	{
		if (map[i] == 0)
			continue;
		to->tts_isnull[map[i] - 1] = from->tts_isnull[i];
		to->tts_values[map[i] - 1] = from->tts_values[i];
	}
	ExecStoreVirtualTuple(to);
}

static bool
found_in(DbsTarget *root, DbsTarget *leaf, const DbsImage *image)
{
	(void) map_of(root, leaf);
	dbs_partition_map_image(root, leaf, image, &leaf->before);
	return dbs_row_find(leaf, &leaf->before);
}

/* Can the partition be told from the image: one level, plain key columns, all present? */
static bool
routable(DbsTarget *root, const DbsImage *image)
{
	PartitionKey key = RelationGetPartitionKey(root->relation);
	PartitionDesc partitions = RelationGetPartitionDesc(root->relation, true);

	for (int i = 0; i < key->partnatts; i++)
		if (key->partattrs[i] == 0 || !image->present[key->partattrs[i] - 1])
			return false;
	for (int i = 0; i < partitions->nparts; i++)
		if (!partitions->is_leaf[i])
			return false;
	return true;
}

DbsTarget *
dbs_partition_find(DbsTarget *root, const DbsImage *image)
{
	List *children;
	ListCell *cell;

	if (routable(root, image))
	{
		TupleTableSlot *row = root->changed;
		DbsTarget *leaf;

		ExecClearTuple(row);
		memcpy(row->tts_values, image->values, row->tts_tupleDescriptor->natts * sizeof(Datum));
		for (int i = 0; i < row->tts_tupleDescriptor->natts; i++)
			row->tts_isnull[i] = !image->present[i] || image->nulls[i];
		ExecStoreVirtualTuple(row);
		leaf = dbs_partition_of_row(root, row);
		return found_in(root, leaf, image) ? leaf : NULL;
	}
	children = find_all_inheritors(root->oid, RowExclusiveLock, NULL);
	foreach (cell, children)
	{
		DbsTarget *leaf;

		if (get_rel_relkind(lfirst_oid(cell)) != RELKIND_RELATION)
			continue;
		leaf = dbs_target_open_oid(lfirst_oid(cell));
		if (leaf != NULL && found_in(root, leaf, image))
			return leaf;
	}
	return NULL;
}
