/*
 * Copying what was there before an outbound stream began: the tables, their definitions in the target's words, and
 * their rows.
 *
 * Rows are encoded by the output plugin's own format, so a value that is copied and one that comes through the log are
 * the same bytes.  The caller's transaction has the snapshot that the replication slot exported: then the rows are as
 * of the slot's position, and the log goes on from there.
 *
 * A snapshot does not cover everything.  After a statement that rewrites or empties a table, older snapshots
 * find nothing in it.  So each table is locked against such statements before it is read, and must be the one that
 * the snapshot knows.
 */
#include "postgres.h"

#include "catalog.h"
#include "outbound.h"
#include "output_plugin.h"
#include "pattern.h"
#include "stream_row.h"
#include "table_difference.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

PG_FUNCTION_INFO_V1(dbs_outbound_tables);
PG_FUNCTION_INFO_V1(dbs_outbound_definition);
PG_FUNCTION_INFO_V1(dbs_copy_rows);

/* ---- which tables ---- */

static DbsStream *
require_stream(int stream_id)
{
	DbsStream *stream = dbs_stream_load(stream_id);

	if (stream == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no stream with id %d", stream_id)));
	/* The log shows every row to whoever may read it: so does the copy, to nobody else. */
	if (!has_rolreplication(GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("copying tables of stream \"%s\" needs the right to replicate", stream->name),
				 errhint("ALTER ROLE %s REPLICATION;", quote_identifier(GetUserNameFromId(GetUserId(), false)))));
	return stream;
}

static bool
selects(const DbsStream *stream, const char *schema, const char *name)
{
	return dbs_pattern_selects(stream->tables, schema, strlen(schema), name, strlen(name));
}

/*
 * Permanent tables whose changes are in the log, a partitioned one under its root's name.  A table that was never
 * analysed is taken to have a row for each 100 bytes.
 */
static const char tables_query[] =
	"SELECT c.oid, n.nspname::text, c.relname::text, e.rows, e.bytes FROM pg_class c"
	" JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL ("
	"  SELECT coalesce(sum(pg_table_size(l.oid)), 0)::int8 AS bytes,"
	"   coalesce(sum(CASE WHEN l.reltuples >= 0 THEN l.reltuples ELSE pg_relation_size(l.oid) / 100 END), 0)::int8 AS "
	"rows"
	"  FROM pg_class l WHERE l.relkind = 'r' AND l.oid IN (SELECT c.oid UNION"
	"   SELECT p.relid FROM pg_partition_tree(c.oid) p WHERE c.relkind = 'p')) e"
	" WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p' AND n.nspname !~ '^pg_'"
	" AND n.nspname NOT IN ('information_schema', 'dbstream') ORDER BY e.bytes DESC, 2, 3";

/* outbound_tables(stream_id) → relation, schema_name, table_name, rows_estimated, bytes_estimated; the largest first */
Datum
dbs_outbound_tables(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DbsStream *stream = require_stream(PG_GETARG_INT32(0));
	DbsCatalogAccess access;
	uint64 count;

	InitMaterializedSRF(fcinfo, 0);
	dbs_catalog_enter(&access);
	count = dbs_catalog_run(tables_query, "");
	for (uint64 i = 0; i < count; i++)
	{
		Datum values[5];
		bool nulls[5];

		if (!selects(stream, dbs_catalog_text(i, 2), dbs_catalog_text(i, 3)))
			continue;
		for (int column = 0; column < lengthof(values); column++)
			values[column] = dbs_catalog_datum(i, column + 1, &nulls[column]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	dbs_catalog_leave(&access);
	return (Datum) 0;
}

/* ---- their definitions ---- */

static bool
is_selected(void *context, const char *schema, const char *table)
{
	return selects(context, schema, table);
}

static void
put_part(ReturnSetInfo *result, const char *stage, const char *text)
{
	Datum values[2] = {CStringGetTextDatum(stage), CStringGetTextDatum(text)};
	bool nulls[2] = {false, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * outbound_definition(stream_id, relation, dialect) → stage (table, index, foreign key; note: what is lost), sql, in
 * the order to execute them.  Names and words are those that a later schema change in the log refers to.
 */
Datum
dbs_outbound_definition(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DbsStream *stream = require_stream(PG_GETARG_INT32(0));
	DbsChange change = {.is_selected = is_selected, .context = stream, .splits = true};
	DbsCatalogAccess access;
	Jsonb *description;
	ListCell *cell;
	int number = 0;

	dbs_stream_option_pairs(stream, "schemas", &change.schema_from, &change.schema_to);
	InitMaterializedSRF(fcinfo, 0);
	dbs_catalog_enter(&access);
	description = dbs_description_make(PG_GETARG_OID(1), &change.next);
	if (description == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("a table is gone that was to be copied"),
				 errhint("The copy goes on by itself, without it.")));
	dbs_difference(&change, NULL, dbs_description_read(&description->root, text_to_cstring(PG_GETARG_TEXT_PP(2))));
	foreach (cell, change.statements)
	{
		put_part(result,
				 number >= change.first_link  ? "foreign key"
				 : number >= change.first_key ? "index"
											  : "table",
				 lfirst(cell));
		number++;
	}
	foreach (cell, change.notes)
		put_part(result, "note", lfirst(cell));
	dbs_catalog_leave(&access);
	return (Datum) 0;
}

/* ---- their rows ---- */

/*
 * What lives from the first call to the last.  The output plugin's format writes through a decoding context: this
 * one decodes nothing, and hands what is written to the caller.
 */
typedef struct Copy
{
	DbsOutput output;
	LogicalDecodingContext decoding;
	const char *schema;
	const char *name;
	List *relations; /* still to be read, of Oid */
	Relation relation;
	TableScanDesc scan;
	TupleTableSlot *slot;
	DbsOutputTable *table;
	List *written; /* of bytea *, oldest first: whole messages each */
	uint64 rows;
	bool ended; /* the last message is written */
	MemoryContext context;
} Copy;

static void
begin_write(LogicalDecodingContext *decoding, XLogRecPtr lsn, TransactionId xid, bool last)
{
	resetStringInfo(decoding->out);
}

static void
put_piece(Copy *copy, const char *data, Size size)
{
	MemoryContext old = MemoryContextSwitchTo(copy->context);
	bytea *piece = MemoryContextAllocHuge(copy->context, size + VARHDRSZ);

	SET_VARSIZE(piece, size + VARHDRSZ);
	memcpy(VARDATA(piece), data, size);
	copy->written = lappend(copy->written, piece);
	MemoryContextSwitchTo(old);
}

static void
end_write(LogicalDecodingContext *decoding, XLogRecPtr lsn, TransactionId xid, bool last)
{
	put_piece(decoding->output_writer_private, decoding->out->data, decoding->out->len);
}

/* The format gathers messages until a commit, which does not come here: take what it has. */
static void
put_gathered(Copy *copy)
{
	copy->output.format->flush(&copy->output);
	if (copy->output.rows.used > 0)
		put_piece(copy, copy->output.rows.data, copy->output.rows.used);
	copy->output.rows.used = 0;
}

/* The last message: whoever has not got so many rows has lost some. */
static void
put_end(Copy *copy)
{
	char data[512];
	DbsWriter writer = {data, 0, sizeof data, 0};
	DbsSnapshot end = {.step = DBS_SNAPSHOT_CHUNK_END, .flags = DBS_SNAPSHOT_LAST, .number = 1, .rows = copy->rows};

	end.schema = (DbsString){copy->schema, strlen(copy->schema)};
	end.name = (DbsString){copy->name, strlen(copy->name)};
	end.text = end.position = end.gtid_set = (DbsString){"", 0};
	if (!dbs_put_snapshot(&writer, &end))
		elog(ERROR, "a message of the wire format does not fit the buffer made for it");
	put_piece(copy, data, writer.used);
	copy->ended = true;
}

/* One field of a relation's row in pg_class, as the transaction's snapshot has it; InvalidOid when it has no such row.
 */
static Oid
file_in_snapshot(Oid relation)
{
	Relation catalog = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid file = InvalidOid;

	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, ClassOidIndexId, true, GetActiveSnapshot(), 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		file = ((Form_pg_class) GETSTRUCT(tuple))->relfilenode;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return file;
}

/* Are the columns in the snapshot those that are there now? */
static bool
columns_in_snapshot(Relation relation)
{
	TupleDesc desc = RelationGetDescr(relation);
	Relation catalog = table_open(AttributeRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	int same = 0;

	ScanKeyInit(&key, Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationGetRelid(relation)));
	scan = systable_beginscan(catalog, AttributeRelidNumIndexId, true, GetActiveSnapshot(), 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_attribute then = (Form_pg_attribute) GETSTRUCT(tuple);

		if (then->attnum > 0 && then->attnum <= desc->natts)
		{
			Form_pg_attribute now = TupleDescAttr(desc, then->attnum - 1);

			same += then->atttypid == now->atttypid && then->attisdropped == now->attisdropped &&
					then->attgenerated == now->attgenerated &&
					strcmp(NameStr(then->attname), NameStr(now->attname)) == 0;
		}
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return same == desc->natts;
}

/* Open the next relation. One that the snapshot does not know has no row for it. */
static bool
next_relation(Copy *copy)
{
	while (copy->relations != NIL)
	{
		Oid oid = linitial_oid(copy->relations);
		Oid file = file_in_snapshot(oid);

		copy->relations = list_delete_first(copy->relations);
		if (!OidIsValid(file))
			continue;
		copy->relation = table_open(oid, AccessShareLock);
		if (file != copy->relation->rd_rel->relfilenode || !columns_in_snapshot(copy->relation))
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("table \"%s\" was changed while it waited to be copied",
								   RelationGetRelationName(copy->relation)),
							errhint("The copy goes on by itself, with the table as it is now.")));
		copy->table = dbs_output_table(&copy->output, copy->relation);
		copy->output.format->table(&copy->output, copy->table);
		copy->slot = table_slot_create(copy->relation, NULL);
		copy->scan = table_beginscan(copy->relation, GetActiveSnapshot(), 0, NULL);
		return true;
	}
	return false;
}

static void
close_relation(Copy *copy)
{
	put_gathered(copy);
	table_endscan(copy->scan);
	ExecDropSingleTupleTableSlot(copy->slot);
	table_close(copy->relation, NoLock);
	copy->relation = NULL;
}

/*
 * The row with all its values.  In the log's rows a value that is stored out of line stands for one that did not
 * change, so here such values are fetched; a pointer in memory takes their place, since together they may be larger
 * than a row can be.
 */
static HeapTuple
whole_row(TupleDesc desc, HeapTuple tuple)
{
	Datum *values;
	bool *nulls;
	bool fetched = false;

	if (!HeapTupleHasExternal(tuple))
		return tuple;
	values = palloc(desc->natts * sizeof *values);
	nulls = palloc(desc->natts * sizeof *nulls);
	heap_deform_tuple(tuple, desc, values, nulls);
	for (int i = 0; i < desc->natts; i++)
	{
		struct varatt_indirect indirect;
		struct varlena *pointer;

		if (!dbs_output_absent(TupleDescAttr(desc, i), values[i], nulls[i]))
			continue;
		indirect.pointer = detoast_external_attr((struct varlena *) DatumGetPointer(values[i]));
		pointer = palloc0(INDIRECT_POINTER_SIZE);
		SET_VARTAG_EXTERNAL(pointer, VARTAG_INDIRECT);
		memcpy(VARDATA_EXTERNAL(pointer), &indirect, sizeof indirect);
		values[i] = PointerGetDatum(pointer);
		fetched = true;
	}
	return fetched ? heap_form_tuple(desc, values, nulls) : tuple;
}

static void
copy_row(Copy *copy)
{
	MemoryContext old = MemoryContextSwitchTo(copy->output.change_context);
	bool owned;
	HeapTuple tuple = ExecFetchSlotHeapTuple(copy->slot, false, &owned);

	copy->output.format->change(&copy->output, NULL, copy->table, copy->relation, 'I', NULL,
								whole_row(RelationGetDescr(copy->relation), tuple));
	copy->rows++;
	MemoryContextSwitchTo(old);
	MemoryContextReset(copy->output.change_context);
}

static void
forget_tables(void *arg)
{
	dbs_output_tables_forget();
}

static Copy *
begin_copy(int stream_id, Oid oid, MemoryContext context)
{
	Copy *copy = palloc0(sizeof *copy);
	MemoryContextCallback *callback = palloc0(sizeof *callback);
	DbsStream *stream = require_stream(stream_id);
	char *name = get_rel_name(oid);

	if (!IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION), errmsg("copy_rows needs a transaction with one snapshot"),
				 errhint("BEGIN ISOLATION LEVEL REPEATABLE READ first.")));
	/* Locked before anything is looked at: from here on no statement rewrites it. */
	LockRelationOid(oid, AccessShareLock);
	name = get_rel_name(oid);
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("a table is gone that was to be copied"),
				 errhint("The copy goes on by itself, without it.")));
	if (!selects(stream, get_namespace_name(get_rel_namespace(oid)), name))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("stream \"%s\" does not select table \"%s\"", stream->name, name)));
	dbs_output_pin_settings();
	copy->context = context;
	copy->schema = get_namespace_name(get_rel_namespace(oid));
	copy->name = name;
	copy->decoding.context = context;
	copy->decoding.out = makeStringInfo();
	copy->decoding.accept_writes = true;
	copy->decoding.prepare_write = begin_write;
	copy->decoding.write = end_write;
	copy->decoding.output_writer_private = copy;
	copy->output.ctx = &copy->decoding;
	copy->output.format = &dbs_output_binary;
	copy->output.via_root = true;
	copy->output.change_context = AllocSetContextCreate(context, "dbstream row", ALLOCSET_DEFAULT_SIZES);
	copy->relations = get_rel_relkind(oid) == RELKIND_PARTITIONED_TABLE
						  ? find_all_inheritors(oid, AccessShareLock, NULL)
						  : list_make1_oid(oid);
	for (int i = list_length(copy->relations) - 1; i >= 0; i--)
	{
		if (get_rel_relkind(list_nth_oid(copy->relations, i)) != RELKIND_RELATION)
			copy->relations = list_delete_nth_cell(copy->relations, i);
	}
	dbs_output_tables_forget();
	callback->func = forget_tables;
	MemoryContextRegisterResetCallback(context, callback);
	return copy;
}

/* Until something is written, or all is read. */
static void
copy_on(Copy *copy)
{
	while (copy->written == NIL)
	{
		CHECK_FOR_INTERRUPTS();
		if (copy->relation == NULL)
		{
			if (copy->ended)
				return;
			if (!next_relation(copy))
				put_end(copy);
		}
		else if (table_scan_getnextslot(copy->scan, ForwardScanDirection, copy->slot))
			copy_row(copy);
		else
			close_relation(copy);
	}
}

/*
 * copy_rows(stream_id, relation) → pieces of some whole messages of the wire format: the table, its rows as inserts,
 * and at the end a snapshot message of step chunk end, with their number
 */
Datum
dbs_copy_rows(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	Copy *copy;
	bytea *piece;
	MemoryContext old;

	if (SRF_IS_FIRSTCALL())
	{
		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		call->user_fctx = begin_copy(PG_GETARG_INT32(0), PG_GETARG_OID(1), call->multi_call_memory_ctx);
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	copy = call->user_fctx;
	if (copy->written == NIL)
	{
		/* What a scan keeps between calls must outlive this one. */
		old = MemoryContextSwitchTo(copy->context);
		copy_on(copy);
		MemoryContextSwitchTo(old);
	}
	if (copy->written == NIL)
		SRF_RETURN_DONE(call);
	piece = linitial(copy->written);
	copy->written = list_delete_first(copy->written);
	{
		/* In the caller's memory, which is freed row by row; this function's is freed at the end. */
		bytea *result = MemoryContextAllocHuge(CurrentMemoryContext, VARSIZE(piece));

		memcpy(result, piece, VARSIZE(piece));
		pfree(piece);
		SRF_RETURN_NEXT(call, PointerGetDatum(result));
	}
}
