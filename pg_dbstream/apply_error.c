/*
 * The error that ends an apply worker, kept in dbstream.error_log: the same
 * error at the same position is one row with a count.
 */
#include "apply.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "ddl_history.h"
#include "commands/sequence.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

enum
{
	ERROR_ID = 1,
	ERROR_STREAM_ID,
	ERROR_FIRST_AT,
	ERROR_LAST_AT,
	ERROR_TIMES,
	ERROR_ORIGIN,
	ERROR_CODE,
	ERROR_MESSAGE,
	ERROR_DETAIL,
	ERROR_HINT,
	ERROR_CONTEXT,
	ERROR_POSITION,
	ERROR_COLUMNS = ERROR_POSITION
};

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column - 1] = text == NULL;
	if (text != NULL)
		values[column - 1] = CStringGetTextDatum(text);
}

static bool
is_text(Datum value, bool missing, const char *expected)
{
	return !missing && strcmp(TextDatumGetCString(value), expected) == 0;
}

/* The stream's latest error when it is this one at this position. */
static bool
bump_repeated(Relation relation, const ErrorData *error, const char *position, Snapshot snapshot)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	bool repeated = false;

	ScanKeyInit(&key, ERROR_STREAM_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(dbs_apply.stream->id));
	scan = systable_beginscan(relation, dbs_catalog_oid("error_log_stream"), true, snapshot, 1, &key);
	while (!repeated && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum values[ERROR_COLUMNS];
		bool nulls[ERROR_COLUMNS];
		HeapTuple new;

		heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
		if (!is_text(values[ERROR_ORIGIN - 1], nulls[ERROR_ORIGIN - 1], "apply") ||
			!is_text(values[ERROR_MESSAGE - 1], nulls[ERROR_MESSAGE - 1], error->message) ||
			!is_text(values[ERROR_POSITION - 1], nulls[ERROR_POSITION - 1], position))
			continue;
		repeated = true;
		values[ERROR_LAST_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
		values[ERROR_TIMES - 1] = Int64GetDatum(DatumGetInt64(values[ERROR_TIMES - 1]) + 1);
		new = heap_form_tuple(RelationGetDescr(relation), values, nulls);
		CatalogTupleUpdate(relation, &tuple->t_self, new);
	}
	systable_endscan(scan);
	return repeated;
}

static void
insert_error(Relation relation, const ErrorData *error, const char *position)
{
	Datum values[ERROR_COLUMNS] = {0};
	bool nulls[ERROR_COLUMNS] = {0};
	TimestampTz now = GetCurrentTimestamp();

	values[ERROR_ID - 1] = Int64GetDatum(nextval_internal(dbs_catalog_oid("error_log_id_seq"), false));
	values[ERROR_STREAM_ID - 1] = Int32GetDatum(dbs_apply.stream->id);
	values[ERROR_FIRST_AT - 1] = values[ERROR_LAST_AT - 1] = TimestampTzGetDatum(now);
	values[ERROR_TIMES - 1] = Int64GetDatum(1);
	set_text(values, nulls, ERROR_ORIGIN, "apply");
	set_text(values, nulls, ERROR_CODE, unpack_sql_state(error->sqlerrcode));
	set_text(values, nulls, ERROR_MESSAGE, error->message);
	set_text(values, nulls, ERROR_DETAIL, error->detail);
	set_text(values, nulls, ERROR_HINT, error->hint);
	set_text(values, nulls, ERROR_CONTEXT, error->context);
	set_text(values, nulls, ERROR_POSITION, position);
	CatalogTupleInsert(relation, heap_form_tuple(RelationGetDescr(relation), values, nulls));
}

/* Errors of PostgreSQL itself are given a remedy of ours: a stream never stops without one. */
static void
add_remedy(ErrorData *error)
{
	if (dbs_apply.failing_ddl != NULL && error->hint == NULL)
		error->hint = pstrdup(dbs_ddl_skip_hint());
	else if (dbs_apply.failing_ddl != NULL && strstr(error->hint, "skip_ddl") == NULL)
		error->hint = psprintf("%s %s", error->hint, dbs_ddl_skip_hint());
	if (error->hint != NULL)
		return;
	if (error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION)
		error->hint = pstrdup("A row with this key is at the target already. Remove it, or set the stream's option "
							  "conflicts to \"source_wins\".");
	else if (error->sqlerrcode == ERRCODE_NOT_NULL_VIOLATION || error->sqlerrcode == ERRCODE_CHECK_VIOLATION)
		error->hint = pstrdup("Drop the target's constraint with ALTER TABLE; the stream goes on from here.");
	else if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		error->hint = pstrdup("Grant the right to the stream's owner, or give the stream another owner.");
	else if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_DATA_EXCEPTION)
		error->hint = pstrdup("Give the target's column a type that holds the value, with ALTER TABLE; the stream goes "
							  "on from here.");
	else
		error->hint = pstrdup("Put right what the message names; the stream tries again from here, at once after "
							  "dbstream.resume_stream().");
}

char *
dbs_apply_record_error(ErrorData *error)
{
	add_remedy(error);
	if (dbs_apply.stream != NULL)
	{
		const char *position = dbs_apply.committed.data != NULL ? dbs_apply.committed.data : "";
		Relation relation;
		Snapshot snapshot;

		StartTransactionCommand();
		snapshot = RegisterSnapshot(GetLatestSnapshot());
		PushActiveSnapshot(snapshot);
		relation = table_open(dbs_catalog_oid("error_log"), RowExclusiveLock);
		if (!bump_repeated(relation, error, position, snapshot))
			insert_error(relation, error, position);
		table_close(relation, RowExclusiveLock);
		if (dbs_apply.failing_ddl != NULL)
			dbs_ddl_blocked_set(dbs_apply.failing_ddl);
		PopActiveSnapshot();
		UnregisterSnapshot(snapshot);
		ForceSyncCommit();
		CommitTransactionCommand();
	}
	return error->message;
}
