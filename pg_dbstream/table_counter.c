/*
 * Counts of rows applied to each source table: kept in memory and written to
 * dbstream.stream_table at most once a second, in the transaction of a group.
 */
#include "apply.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_collation.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

enum
{
	COUNTER_STREAM_ID = 1,
	COUNTER_SCHEMA,
	COUNTER_TABLE,
	COUNTER_TARGET,
	COUNTER_STATE,
	COUNTER_INSERTED,
	COUNTER_UPDATED,
	COUNTER_DELETED,
	COUNTER_ADJUSTED,
	COUNTER_LAST_APPLIED_AT,
	COUNTER_CONFLICTS,
	COUNTER_COLUMNS = COUNTER_CONFLICTS
};

static DbsTableCounter *counters = NULL;

DbsTableCounter *
dbs_counter_find(const char *schema, const char *name)
{
	DbsTableCounter *counter;
	MemoryContext old;

	for (counter = counters; counter != NULL; counter = counter->next)
		if (strcmp(counter->schema, schema) == 0 && strcmp(counter->name, name) == 0)
			return counter;
	old = MemoryContextSwitchTo(dbs_apply.context);
	counter = palloc0(sizeof *counter);
	counter->schema = pstrdup(schema);
	counter->name = pstrdup(name);
	counter->next = counters;
	counters = counter;
	MemoryContextSwitchTo(old);
	return counter;
}

bool
dbs_counters_pending(void)
{
	for (DbsTableCounter *counter = counters; counter != NULL; counter = counter->next)
		if (counter->dirty)
			return true;
	return false;
}

static void
add_to(Datum *value, int64 amount)
{
	*value = Int64GetDatum(DatumGetInt64(*value) + amount);
}

static void
write_counter(Relation relation, DbsTableCounter *counter)
{
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple old, new;
	Datum values[COUNTER_COLUMNS] = {0};
	bool nulls[COUNTER_COLUMNS] = {0};
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());

	ScanKeyInit(&keys[0], COUNTER_STREAM_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(dbs_apply.stream->id));
	ScanKeyInit(&keys[1], COUNTER_SCHEMA, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(counter->schema));
	ScanKeyInit(&keys[2], COUNTER_TABLE, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(counter->name));
	keys[1].sk_collation = keys[2].sk_collation = DEFAULT_COLLATION_OID;
	scan = systable_beginscan(relation, dbs_catalog_oid("stream_table_pkey"), true, snapshot, 3, keys);
	old = systable_getnext(scan);
	if (HeapTupleIsValid(old))
		heap_deform_tuple(old, RelationGetDescr(relation), values, nulls);
	else
	{
		values[COUNTER_STREAM_ID - 1] = Int32GetDatum(dbs_apply.stream->id);
		values[COUNTER_SCHEMA - 1] = CStringGetTextDatum(counter->schema);
		values[COUNTER_TABLE - 1] = CStringGetTextDatum(counter->name);
		values[COUNTER_STATE - 1] = CStringGetTextDatum("replicating");
	}
	if (counter->state != NULL)
		values[COUNTER_STATE - 1] = CStringGetTextDatum(counter->state);
	if (OidIsValid(counter->target))
	{
		values[COUNTER_TARGET - 1] = ObjectIdGetDatum(counter->target);
		nulls[COUNTER_TARGET - 1] = false;
	}
	else if (!HeapTupleIsValid(old) || (counter->state != NULL && strcmp(counter->state, "dropped") == 0))
		nulls[COUNTER_TARGET - 1] = true;
	add_to(&values[COUNTER_INSERTED - 1], counter->inserted);
	add_to(&values[COUNTER_UPDATED - 1], counter->updated);
	add_to(&values[COUNTER_DELETED - 1], counter->deleted);
	add_to(&values[COUNTER_ADJUSTED - 1], counter->adjusted);
	add_to(&values[COUNTER_CONFLICTS - 1], counter->conflicts);
	values[COUNTER_LAST_APPLIED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[COUNTER_LAST_APPLIED_AT - 1] = false;
	new = heap_form_tuple(RelationGetDescr(relation), values, nulls);
	if (HeapTupleIsValid(old))
		CatalogTupleUpdate(relation, &old->t_self, new);
	else
		CatalogTupleInsert(relation, new);
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);

	counter->inserted = counter->updated = counter->deleted = counter->adjusted = counter->conflicts = 0;
	counter->state = NULL;
	counter->dirty = false;
}

/* An error after this and before the commit ends the worker, so counts are not lost by being set to zero here. */
void
dbs_counters_flush(void)
{
	Relation relation = NULL;

	for (DbsTableCounter *counter = counters; counter != NULL; counter = counter->next)
	{
		if (!counter->dirty)
			continue;
		if (relation == NULL)
			relation = table_open(dbs_catalog_oid("stream_table"), RowExclusiveLock);
		write_counter(relation, counter);
	}
	if (relation != NULL)
		table_close(relation, RowExclusiveLock);
	dbs_apply.counters_flushed = GetCurrentTimestamp();
}
