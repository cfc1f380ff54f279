/*
 * See progress.h.
 */
#include "progress.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "stream_row.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

enum
{
	PROGRESS_STREAM_ID = 1,
	PROGRESS_POSITION,
	PROGRESS_GTID_SET,
	PROGRESS_SOURCE_COMMIT_TIME,
	PROGRESS_APPLIED_AT,
	PROGRESS_TRANSACTIONS,
	PROGRESS_ROWS_INSERTED,
	PROGRESS_ROWS_UPDATED,
	PROGRESS_ROWS_DELETED,
	PROGRESS_COLUMNS = PROGRESS_ROWS_DELETED
};

static SysScanDesc
begin_scan(Relation relation, int stream_id, Snapshot snapshot, ScanKeyData *key)
{
	ScanKeyInit(key, PROGRESS_STREAM_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(stream_id));
	return systable_beginscan(relation, dbs_catalog_oid("progress_pkey"), true, snapshot, 1, key);
}

bool
dbs_progress_load(int stream_id, DbsProgress *progress)
{
	Relation relation = table_open(dbs_catalog_oid("progress"), AccessShareLock);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyData key;
	SysScanDesc scan = begin_scan(relation, stream_id, snapshot, &key);
	HeapTuple tuple = systable_getnext(scan);
	bool found = HeapTupleIsValid(tuple);

	memset(progress, 0, sizeof *progress);
	if (found)
	{
		Datum values[PROGRESS_COLUMNS];
		bool nulls[PROGRESS_COLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
		progress->position = TextDatumGetCString(values[PROGRESS_POSITION - 1]);
		progress->gtid_set = TextDatumGetCString(values[PROGRESS_GTID_SET - 1]);
		if (!nulls[PROGRESS_SOURCE_COMMIT_TIME - 1])
			progress->source_commit_time = DatumGetTimestampTz(values[PROGRESS_SOURCE_COMMIT_TIME - 1]);
		progress->transactions = DatumGetInt64(values[PROGRESS_TRANSACTIONS - 1]);
		progress->rows_inserted = DatumGetInt64(values[PROGRESS_ROWS_INSERTED - 1]);
		progress->rows_updated = DatumGetInt64(values[PROGRESS_ROWS_UPDATED - 1]);
		progress->rows_deleted = DatumGetInt64(values[PROGRESS_ROWS_DELETED - 1]);
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(relation, AccessShareLock);
	return found;
}

void
dbs_progress_store(int stream_id, const DbsProgress *progress)
{
	Relation relation = table_open(dbs_catalog_oid("progress"), RowExclusiveLock);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyData key;
	SysScanDesc scan = begin_scan(relation, stream_id, snapshot, &key);
	HeapTuple old = systable_getnext(scan);
	HeapTuple new;
	Datum values[PROGRESS_COLUMNS];
	bool nulls[PROGRESS_COLUMNS] = {0};

	values[PROGRESS_STREAM_ID - 1] = Int32GetDatum(stream_id);
	values[PROGRESS_POSITION - 1] = CStringGetTextDatum(progress->position);
	values[PROGRESS_GTID_SET - 1] = CStringGetTextDatum(progress->gtid_set);
	values[PROGRESS_SOURCE_COMMIT_TIME - 1] = TimestampTzGetDatum(progress->source_commit_time);
	nulls[PROGRESS_SOURCE_COMMIT_TIME - 1] = progress->source_commit_time == 0;
	values[PROGRESS_APPLIED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[PROGRESS_TRANSACTIONS - 1] = Int64GetDatum(progress->transactions);
	values[PROGRESS_ROWS_INSERTED - 1] = Int64GetDatum(progress->rows_inserted);
	values[PROGRESS_ROWS_UPDATED - 1] = Int64GetDatum(progress->rows_updated);
	values[PROGRESS_ROWS_DELETED - 1] = Int64GetDatum(progress->rows_deleted);

	new = heap_form_tuple(RelationGetDescr(relation), values, nulls);
	if (HeapTupleIsValid(old))
	{
		ItemPointerData tid = old->t_self;

		systable_endscan(scan);
		CatalogTupleUpdate(relation, &tid, new);
	}
	else
	{
		systable_endscan(scan);
		CatalogTupleInsert(relation, new);
	}
	heap_freetuple(new);
	UnregisterSnapshot(snapshot);
	table_close(relation, RowExclusiveLock);
}
