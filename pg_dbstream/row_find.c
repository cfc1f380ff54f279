/*
 * See row_find.h.
 *
 * Scans use a dirty snapshot: it sees the newest version of a row, our own
 * uncommitted ones included whatever command wrote them, and says when another transaction
 * has a row in hand, for which we then wait.
 *
 * An index scan is kept open for the group.  btree allocates in the current
 * context while it scans (killed items), so everything that touches a scan runs in the
 * executor state's query context, which lives as long as the scan.
 */
#include "row_find.h"

#include "access/nbtree.h"
#include "access/relscan.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

/* An index by which rows can be found by equality: plain columns, a btree, every row in it. */
static bool
usable(Relation index)
{
	Form_pg_index form = index->rd_index;

	if (index->rd_rel->relam != BTREE_AM_OID || !form->indisvalid || !form->indisready || !form->indislive)
		return false;
	if (!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL))
		return false;
	return true;
}

static void
set_up_key(DbsKeyIndex *key, Relation index)
{
	memset(key, 0, sizeof *key);
	key->relation = index;
	key->unique = index->rd_index->indisunique && index->rd_index->indimmediate;
	key->count = IndexRelationGetNumberOfKeyAttributes(index);
	for (int i = 0; i < key->count; i++)
	{
		Oid type = index->rd_opcintype[i];
		Oid operator= get_opfamily_member(index->rd_opfamily[i], type, type, BTEqualStrategyNumber);

		key->atts[i] = index->rd_index->indkey.values[i];
		ScanKeyInit(&key->keys[i], i + 1, BTEqualStrategyNumber, get_opcode(operator), (Datum) 0);
		key->keys[i].sk_collation = index->rd_indcollation[i];
	}
}

/* How good an index is for finding a row: the primary key, then the replica identity, then unique ones. */
static int
rank(Relation relation, const DbsKeyIndex *key)
{
	if (key->relation->rd_index->indisprimary)
		return 0;
	if (RelationGetRelid(key->relation) == relation->rd_replidindex)
		return 1;
	return key->unique ? 2 : 3;
}

static void
collect_keys(DbsTarget *target)
{
	ResultRelInfo *rri = target->rri;
	MemoryContext old = MemoryContextSwitchTo(target->estate->es_query_cxt);

	target->keys = palloc0((rri->ri_NumIndices + 1) * sizeof(DbsKeyIndex));
	target->key_count = 0;
	for (int i = 0; i < rri->ri_NumIndices; i++)
	{
		DbsKeyIndex key;
		int at;

		if (!usable(rri->ri_IndexRelationDescs[i]))
			continue;
		set_up_key(&key, rri->ri_IndexRelationDescs[i]);
		at = target->key_count++;
		for (; at > 0 && rank(target->relation, &target->keys[at - 1]) > rank(target->relation, &key); at--)
			target->keys[at] = target->keys[at - 1];
		target->keys[at] = key;
	}
	MemoryContextSwitchTo(old);
}

static bool
covered(const DbsKeyIndex *key, const DbsImage *image)
{
	for (int i = 0; i < key->count; i++)
	{
		int at = key->atts[i] - 1;

		if (at < 0 || !image->present[at] || image->nulls[at])
			return false;
	}
	return true;
}

/* Wait for the transaction that has the row in hand; true when there was one. */
static bool
waited(DbsTarget *target)
{
	TransactionId holder = TransactionIdIsValid(target->dirty.xmin) ? target->dirty.xmin : target->dirty.xmax;

	if (!TransactionIdIsValid(holder))
		return false;
	XactLockTableWait(holder, NULL, NULL, XLTW_None);
	return true;
}

static bool
equal_by_type(DbsTarget *target, int at, Datum a, Datum b)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(target->relation), at);

	if (datum_image_eq(a, b, att->attbyval, att->attlen))
		return true;

	/* Strings that differ in a byte are different rows, whatever a collation thinks; json has no equality. */
	if (OidIsValid(att->attcollation) || att->atttypid == JSONOID)
		return false;
	if (target->equal[at] == NULL)
	{
		TypeCacheEntry *type = lookup_type_cache(att->atttypid, TYPECACHE_EQ_OPR_FINFO);
		MemoryContext old = MemoryContextSwitchTo(target->estate->es_query_cxt);

		target->equal[at] = palloc0(sizeof(FmgrInfo));
		if (OidIsValid(type->eq_opr_finfo.fn_oid))
			fmgr_info_copy(target->equal[at], &type->eq_opr_finfo, target->estate->es_query_cxt);
		MemoryContextSwitchTo(old);
	}
	if (!OidIsValid(target->equal[at]->fn_oid))
		return false;
	return DatumGetBool(FunctionCall2Coll(target->equal[at], InvalidOid, a, b));
}

/* Of a column that is present, with the found row's attributes at hand. */
static bool
same_value(DbsTarget *target, const DbsImage *image, int at)
{
	TupleTableSlot *slot = target->found;

	if (image->nulls[at] || slot->tts_isnull[at])
		return image->nulls[at] == slot->tts_isnull[at];
	return equal_by_type(target, at, image->values[at], slot->tts_values[at]);
}

static bool
same_row(DbsTarget *target, const DbsImage *image)
{
	int count = RelationGetDescr(target->relation)->natts;

	slot_getallattrs(target->found);
	for (int i = 0; i < count; i++)
		if (image->present[i] && !same_value(target, image, i))
			return false;
	return true;
}

static bool
find_by_index(DbsTarget *target, DbsKeyIndex *key, const DbsImage *image)
{
	MemoryContext old = MemoryContextSwitchTo(target->estate->es_query_cxt);
	bool found;

	for (int i = 0; i < key->count; i++)
		key->keys[i].sk_argument = image->values[key->atts[i] - 1];
	if (key->scan == NULL)
		key->scan = dbs_index_beginscan(target->relation, key->relation, &target->dirty, key->count);
	do
	{
		index_rescan(key->scan, key->keys, key->count, NULL, 0);
		while ((found = index_getnext_slot(key->scan, ForwardScanDirection, target->found)))
			if (key->unique || same_row(target, image))
				break;
	} while (found && waited(target));
	MemoryContextSwitchTo(old);
	return found;
}

static bool
find_by_reading(DbsTarget *target, const DbsImage *image)
{
	bool found;

	do
	{
		TableScanDesc scan = table_beginscan(target->relation, &target->dirty, 0, NULL);

		while ((found = table_scan_getnextslot(scan, ForwardScanDirection, target->found)))
			if (same_row(target, image))
			{
				/* The slot outlives the scan. */
				ExecMaterializeSlot(target->found);
				break;
			}
		table_endscan(scan);
	} while (found && waited(target));
	return found;
}

bool
dbs_row_find(DbsTarget *target, const DbsImage *image)
{
	if (target->key_count < 0)
		collect_keys(target);
	for (int i = 0; i < target->key_count; i++)
		if (covered(&target->keys[i], image))
			return find_by_index(target, &target->keys[i], image);
	return find_by_reading(target, image);
}

bool
dbs_row_find_unique(DbsTarget *target, const DbsImage *image, ItemPointer except)
{
	if (target->key_count < 0)
		collect_keys(target);
	for (int i = 0; i < target->key_count; i++)
		if (target->keys[i].unique && covered(&target->keys[i], image) &&
			find_by_index(target, &target->keys[i], image) &&
			(except == NULL || !ItemPointerEquals(&target->found->tts_tid, except)))
		{
			target->found_by = i;
			return true;
		}
	return false;
}

bool
dbs_row_agrees(DbsTarget *target, const DbsImage *image)
{
	TupleTableSlot *slot = target->found;
	TupleDesc desc = RelationGetDescr(target->relation);

	slot_getallattrs(slot);
	for (int i = 0; i < desc->natts; i++)
	{
		if (!image->present[i] || TupleDescAttr(desc, i)->atttypid == JSONOID)
			continue;
		if (!same_value(target, image, i))
			return false;
	}
	return true;
}

char *
dbs_row_describe(DbsTarget *target, const DbsImage *image)
{
	TupleDesc desc = RelationGetDescr(target->relation);
	StringInfoData names, values;
	const DbsKeyIndex *key = NULL;

	for (int i = 0; i < target->key_count && key == NULL; i++)
		if (covered(&target->keys[i], image))
			key = &target->keys[i];
	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < (key != NULL ? key->count : desc->natts) && values.len < 300; i++)
	{
		int at = key != NULL ? key->atts[i] - 1 : i;
		Form_pg_attribute att = TupleDescAttr(desc, at);
		Oid output;
		bool varlena;

		if (!image->present[at])
			continue;
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", NameStr(att->attname));
		if (values.len > 0)
			appendStringInfoString(&values, ", ");
		if (image->nulls[at])
		{
			appendStringInfoString(&values, "null");
			continue;
		}
		getTypeOutputInfo(att->atttypid, &output, &varlena);
		appendStringInfo(&values, "%.64s", OidOutputFunctionCall(output, image->values[at]));
	}
	return psprintf("(%s)=(%s)", names.data, values.data);
}
