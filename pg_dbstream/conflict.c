/*
 * See conflict.h.
 *
 * Rules beside those that the policies' names say: a delete wins over a change under latest_wins, since no
 * trace of a deleted row is kept from which its time could be read; a unique key that another row has is a stop, except
 * under source_wins, where that row goes.
 */
#include "conflict.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "apply.h"
#include "backfill.h"
#include "catalog.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/spi.h"
#include "row_find.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

enum
{
	CONFLICT_ID = 1,
	CONFLICT_STREAM_ID,
	CONFLICT_AT,
	CONFLICT_POSITION,
	CONFLICT_SCHEMA,
	CONFLICT_TABLE,
	CONFLICT_KIND,
	CONFLICT_KEY,
	CONFLICT_SOURCE_ROW,
	CONFLICT_SOURCE_BEFORE,
	CONFLICT_TARGET_ROW,
	CONFLICT_WINNER,
	CONFLICT_TOKEN,
	CONFLICT_COLUMNS = CONFLICT_TOKEN
};

static const char *const kind_words[] = {"insert_exists",  "update_differs", "update_missing",
										 "delete_differs", "delete_missing", "key_taken"};

static DbsConflictPolicy policy = DBS_CONFLICT_STOP;
static char *column_name = NULL;

void
dbs_conflict_init(const DbsStream *stream)
{
	static const char *const words[] = {"stop", "source_wins", "target_wins", "latest_wins"};
	const char *word = dbs_stream_option(stream, "conflicts", "stop");
	const char *column = dbs_stream_option(stream, "conflict_column", "");

	for (int i = 0; i < lengthof(words); i++)
		if (strcmp(word, words[i]) == 0)
			policy = (DbsConflictPolicy) i;
	column_name = pstrdup(column);
}

DbsConflictPolicy
dbs_conflict_policy(void)
{
	if (dbs_apply.window || dbs_backfill_takes_rows())
		return dbs_apply.source_wins ? DBS_CONFLICT_SOURCE_WINS : DBS_CONFLICT_STOP;
	return policy;
}

/* ---- which row is later ---- */

static int
column_of(DbsTarget *target)
{
	TupleDesc desc = RelationGetDescr(target->relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || strcmp(NameStr(att->attname), column_name) != 0)
			continue;
		switch (getBaseType(att->atttypid))
		{
			case INT2OID:
			case INT4OID:
			case INT8OID:
			case NUMERICOID:
			case DATEOID:
			case TIMESTAMPOID:
			case TIMESTAMPTZOID:
				return i;
			default:
				ereport(ERROR,
						(errcode(ERRCODE_DATATYPE_MISMATCH),
						 errmsg("column \"%s\" of table \"%s\" is of type %s, which does not tell which row is later",
								column_name, RelationGetRelationName(target->relation), format_type_be(att->atttypid)),
						 errhint("Name a column of a timestamp, date or number in the option conflict_column.")));
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("table \"%s\" has no column \"%s\", which is to tell which row is later",
					RelationGetRelationName(target->relation), column_name),
			 errhint("Add it on both sides, or leave the table out of the stream, or name another column in the option "
					 "conflict_column.")));
}

/* Below 0: the source's row is older than the one in holder's found slot. NULL is older than anything. */
static int
compare_times(DbsTarget *shape, const DbsImage *after, DbsTarget *holder)
{
	int source = column_of(shape);
	int target = column_of(holder);
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(holder->relation), target);
	bool null;
	Datum held = slot_getattr(holder->found, target + 1, &null);

	if (!after->present[source])
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the source's row comes without column \"%s\", which is to tell which row is later",
							   column_name),
						errhint("Set binlog_row_image = FULL at the source.")));
	if (after->nulls[source] || null)
		return (int) null - (int) after->nulls[source];
	return DatumGetInt32(FunctionCall2Coll(&lookup_type_cache(att->atttypid, TYPECACHE_CMP_PROC_FINFO)->cmp_proc_finfo,
										   InvalidOid, after->values[source], held));
}

bool
dbs_conflict_differs(DbsTarget *holder, const DbsImage *before, bool whole, const DbsImage *after)
{
	if (dbs_apply.window)
		return false;
	if (whole)
		return !dbs_row_agrees(holder, before);
	return after != NULL && policy == DBS_CONFLICT_LATEST_WINS && compare_times(holder, after, holder) < 0;
}

/* ---- the record ---- */

static bool
is_key(const DbsWireTable *table, const char *name)
{
	for (int i = 0; i < table->column_count; i++)
		if ((table->columns[i].flags & DBS_COLUMN_KEY) != 0 && strcmp(table->columns[i].name, name) == 0)
			return true;
	return false;
}

static Datum
row_json(Datum row)
{
	char *json = TextDatumGetCString(DirectFunctionCall1(row_to_json, row));

	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
}

/* What is present of an image, or of its key, as an object. */
static Datum
image_json(const DbsConflict *conflict, const DbsImage *image, bool key_only)
{
	TupleDesc desc = RelationGetDescr(conflict->shape->relation);
	bool *nulls = palloc(desc->natts * sizeof *nulls);
	bool *left_out = palloc(desc->natts * sizeof *left_out);
	Datum result;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		left_out[i] = !image->present[i] || (key_only && !is_key(conflict->table, NameStr(att->attname)));
		nulls[i] = att->attisdropped || left_out[i] || image->nulls[i];
	}
	result = row_json(heap_copy_tuple_as_datum(heap_form_tuple(desc, image->values, nulls), desc));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (left_out[i] && !att->attisdropped)
			result = DirectFunctionCall2(jsonb_delete, result, CStringGetTextDatum(NameStr(att->attname)));
	}
	return result;
}

/* The table by which people know it: a partition's root. */
static Oid
known_table(Relation relation)
{
	if (!relation->rd_rel->relispartition)
		return RelationGetRelid(relation);
	return llast_oid(get_partition_ancestors(RelationGetRelid(relation)));
}

/*
 * On a tie MySQL's row wins, as it does in a stream the other way. Of two PostgreSQL servers neither is the other's
 * better: the row whose text is the greater wins, by the columns that the source's row has, which is the same row on
 * both sides.
 */
static bool
source_is_later(const DbsConflict *conflict)
{
	int order = compare_times(conflict->shape, conflict->after, conflict->holder);
	TupleDesc desc = RelationGetDescr(conflict->shape->relation);
	Datum source, target;

	if (order != 0 || !dbs_apply.from_postgres)
		return order >= 0;
	source = image_json(conflict, conflict->after, false);
	target = row_json(ExecFetchSlotHeapTupleDatum(conflict->holder->found));
	for (int i = 0; i < desc->natts; i++)
		if (!conflict->after->present[i] && !TupleDescAttr(desc, i)->attisdropped)
			target = DirectFunctionCall2(jsonb_delete, target,
										 CStringGetTextDatum(NameStr(TupleDescAttr(desc, i)->attname)));
	return strcmp(DatumGetCString(DirectFunctionCall1(jsonb_out, source)),
				  DatumGetCString(DirectFunctionCall1(jsonb_out, target))) >= 0;
}

static void
record(DbsConflict *conflict, const char *winner)
{
	Oid target = known_table(conflict->shape->relation);
	const DbsImage *known = conflict->before != NULL ? conflict->before : conflict->after;
	Relation relation;
	Datum values[CONFLICT_COLUMNS] = {0};
	bool nulls[CONFLICT_COLUMNS] = {0};

	if (conflict->recorded)
		return;
	conflict->recorded = true;
	conflict->table->counter->conflicts++;
	conflict->table->counter->dirty = true;
	/* In a backfill's window nothing is at odds: the row was copied later than the change. */
	if (dbs_apply.window || dbs_backfill_takes_rows())
		return;
	nulls[CONFLICT_KEY - 1] = !conflict->table->any_key;
	nulls[CONFLICT_SOURCE_ROW - 1] = conflict->after == NULL;
	nulls[CONFLICT_SOURCE_BEFORE - 1] = conflict->before == NULL;
	nulls[CONFLICT_TARGET_ROW - 1] = conflict->holder == NULL;
	nulls[CONFLICT_TOKEN - 1] = true;
	values[CONFLICT_ID - 1] = Int64GetDatum(nextval_internal(dbs_catalog_oid("conflict_id_seq"), false));
	values[CONFLICT_STREAM_ID - 1] = Int32GetDatum(dbs_apply.stream->id);
	values[CONFLICT_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[CONFLICT_POSITION - 1] = CStringGetTextDatum(dbs_apply.position.data);
	values[CONFLICT_SCHEMA - 1] = CStringGetTextDatum(get_namespace_name(get_rel_namespace(target)));
	values[CONFLICT_TABLE - 1] = CStringGetTextDatum(get_rel_name(target));
	values[CONFLICT_KIND - 1] = CStringGetTextDatum(kind_words[conflict->kind]);
	values[CONFLICT_WINNER - 1] = CStringGetTextDatum(winner);
	if (!nulls[CONFLICT_KEY - 1])
		values[CONFLICT_KEY - 1] = image_json(conflict, known, true);
	if (conflict->after != NULL)
		values[CONFLICT_SOURCE_ROW - 1] = image_json(conflict, conflict->after, false);
	if (conflict->before != NULL)
		values[CONFLICT_SOURCE_BEFORE - 1] = image_json(conflict, conflict->before, false);
	if (conflict->holder != NULL)
		values[CONFLICT_TARGET_ROW - 1] = row_json(ExecFetchSlotHeapTupleDatum(conflict->holder->found));
	relation = table_open(dbs_catalog_oid("conflict"), RowExclusiveLock);
	CatalogTupleInsert(relation, heap_form_tuple(RelationGetDescr(relation), values, nulls));
	table_close(relation, RowExclusiveLock);
}

/* ---- the decision ---- */

static void __attribute__((noreturn)) stop(const DbsConflict *conflict)
{
	const DbsImage *image = conflict->before != NULL ? conflict->before : conflict->after;
	const char *table = psprintf("%s.%s", get_namespace_name(RelationGetNamespace(conflict->shape->relation)),
								 RelationGetRelationName(conflict->shape->relation));
	const char *key = dbs_row_describe(conflict->shape, image);
	const char *operation = conflict->after != NULL ? "update" : "delete";

	if (conflict->kind == DBS_CONFLICT_INSERT_EXISTS || conflict->kind == DBS_CONFLICT_KEY_TAKEN)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("another row of table \"%s\" has a unique key of the source's row: %s", table, key),
				 errdetail("That row is %s.", TextDatumGetCString(DirectFunctionCall1(
												  row_to_json, ExecFetchSlotHeapTupleDatum(conflict->holder->found)))),
				 errhint("Change or remove one of the two rows, or set the stream's option conflicts to "
						 "\"source_wins\", which removes the target's.")));
	if (conflict->holder == NULL)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("the row to %s is not in table \"%s\": %s", operation, table, key),
						errdetail("The target was changed by somebody else, or did not begin as a copy of the source."),
						errhint("Put the row right, or set the stream's option conflicts to \"source_wins\".")));
	ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
					errmsg("the row to %s in table \"%s\" is not as the source had it: %s", operation, table, key),
					errdetail("The target was changed by somebody else, or did not begin as a copy of the source."),
					errhint("Put the row right, or say with the stream's option conflicts which side wins.")));
}

static bool
latest_is_source(const DbsConflict *conflict)
{
	switch (conflict->kind)
	{
		case DBS_CONFLICT_INSERT_EXISTS:
		case DBS_CONFLICT_UPDATE_DIFFERS:
			return source_is_later(conflict);
		case DBS_CONFLICT_DELETE_DIFFERS:
			return true;
		default:
			return false;
	}
}

bool
dbs_conflict_source_wins(DbsConflict *conflict)
{
	DbsConflictPolicy now = dbs_conflict_policy();
	bool source = now == DBS_CONFLICT_SOURCE_WINS;

	if (now == DBS_CONFLICT_STOP || (conflict->kind == DBS_CONFLICT_KEY_TAKEN && !source))
		stop(conflict);
	if (now == DBS_CONFLICT_LATEST_WINS)
		source = latest_is_source(conflict);
	record(conflict, conflict->kind == DBS_CONFLICT_DELETE_MISSING ? "both" : source ? "source" : "target");
	return source;
}

/* ---- SQL ---- */

PG_FUNCTION_INFO_V1(dbs_forget_conflicts);

/* forget_conflicts(stream, before) → how many */
Datum
dbs_forget_conflicts(PG_FUNCTION_ARGS)
{
	DbsCatalogAccess access;
	DbsStreamRow row;
	int64 count;

	dbs_catalog_enter(&access);
	dbs_stream_get(text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	dbs_stream_require_owner(&access, &row);
	count = (int64) dbs_catalog_run("DELETE FROM dbstream.conflict WHERE stream_id = $1 AND at < $2::timestamptz", "it",
									row.id, timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(1)));
	dbs_catalog_leave(&access);
	PG_RETURN_INT64(count);
}
