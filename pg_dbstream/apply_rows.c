/*
 * Rows messages: decode each row into the target's shape and apply it.
 *
 * Neighbouring inserts of a table are gathered across messages, statements and
 * transactions of the group and go in together.  What is gathered points into
 * the message while it is being read, and becomes a tuple of its own at its
 * end.  Anything that could see the gathered rows writes them first: an
 * update or delete of the table, any change to a table with triggers or
 * foreign-key actions, a truncate, DDL, the commit.
 */
#include "apply.h"

#include "access/hio.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "compat.h"
#include "conflict.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "partition.h"
#include "row_change.h"
#include "row_find.h"
#include "rewrite/rewriteHandler.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* Bytes gathered in all tables together, so that many tables do not add up. */
#define MAX_GATHERED_BYTES (Size)(4 * 1024 * 1024)

/* Beyond so many slots, of all targets together, a target gives its own back once they are empty. */
#define KEEP_SLOTS 4096

static DbsTarget *gathering = NULL; /* list of targets with gathered rows */
static Size gathered_bytes = 0;

/* ---- decoding ---- */

static void
row_error(DbsReader *reader)
{
	ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
					errmsg("malformed row: %s", reader->error != NULL ? reader->error : "unknown operation")));
}

/*
 * Decode one row.  Columns of the target that the wire does not have stay as
 * the caller set them.  False when the row has the form SAME_KEY.
 */
static inline bool
decode_row(DbsReader *reader, DbsWireTable *table, DbsImage *image)
{
	const uint8_t *nulls, *absent;
	uint8_t form;
	int count = table->column_count;
	DbsConversion *conversion = table->conversions;

	if (!dbs_get_row_form(reader, (uint32) count, &form, &nulls, &absent))
		row_error(reader);
	if (form == DBS_ROW_SAME_KEY)
		return false;
	image->sent_all = absent == NULL;
	image->complete = image->sent_all && table->covers_all;
	for (int i = 0; i < count; i++, conversion++)
	{
		const char *value;
		uint32_t size;
		int at = conversion->att - 1;

		if (absent != NULL && (absent[i / 8] >> (i % 8)) & 1)
		{
			if (at >= 0)
				image->present[at] = false;
			continue;
		}
		if (nulls != NULL && (nulls[i / 8] >> (i % 8)) & 1)
		{
			if (at >= 0)
			{
				image->values[at] = (Datum) 0;
				image->nulls[at] = true;
				image->present[at] = true;
			}
			continue;
		}
		if (conversion->width > 0)
		{
			size = conversion->width;
			if (unlikely(!dbs_get_fixed(reader, size, &value)))
				row_error(reader);
		}
		else if (unlikely(!dbs_get_varying(reader, &value, &size)))
			row_error(reader);
		if (unlikely(at < 0))
			continue;
		dbs_apply.where_column = i;
		image->values[at] = conversion->convert(conversion, (char *) value, size);
		image->nulls[at] = false;
		image->present[at] = true;
	}
	dbs_apply.where_column = -1;
	return true;
}

/* Nothing present: for images of tables whose columns the wire does not cover. */
static void
clear_image(DbsWireTable *table, DbsImage *image)
{
	if (!table->covers_all)
		memset(image->present, 0, table->att_count * sizeof(bool));
	memset(image->nulls, 1, table->att_count * sizeof(bool));
}

/* ---- gathered inserts ---- */

static void
leave_gathering(DbsTarget *target)
{
	DbsTarget **link = &gathering;

	while (*link != NULL && *link != target)
		link = &(*link)->next_buffering;
	if (*link != NULL)
		*link = target->next_buffering;
	target->next_buffering = NULL;
	target->buffering = false;
	gathered_bytes -= target->buffered_bytes;
	target->buffered_bytes = 0;
}

static void
insert_index_entries(DbsTarget *target, TupleTableSlot *slot)
{
	List *recheck = NIL;

	if (target->rri->ri_NumIndices > 0)
		recheck = dbs_insert_index_tuples(target->rri, slot, target->estate, false, false);
	if (target->after_insert)
		ExecARInsertTriggers(target->estate, target->rri, slot, recheck, NULL);
	list_free(recheck);
	ExecClearTuple(slot);
}

/* A transaction over many tables must not hold a thousand slots for each of them to its end. */
static void
drop_slots(DbsTarget *target)
{
	for (int i = 0; i < target->slot_count; i++)
		ExecDropSingleTupleTableSlot(target->slots[i]);
	dbs_apply.gathered_slots -= target->slot_count;
	target->slot_count = 0;
}

void
dbs_flush_inserts(DbsTarget *target)
{
	MemoryContext old;
	int count = target->buffered;

	if (count == 0)
		return;

	/* What goes wrong from here on concerns rows of this target, whatever is being read. */
	dbs_apply.where_flush = target->relation;
	if (target->bulk == NULL && count > 100)
	{
		old = MemoryContextSwitchTo(target->estate->es_query_cxt);
		target->bulk = GetBulkInsertState();

		/* Rows just replicated are likely to be read and changed: they stay in shared buffers, outside COPY's ring. */
		FreeAccessStrategy(target->bulk->strategy);
		target->bulk->strategy = NULL;
		MemoryContextSwitchTo(old);
	}
	old = MemoryContextSwitchTo(GetPerTupleMemoryContext(target->estate));
	table_multi_insert(target->relation, target->slots, count, GetCurrentCommandId(true), 0, target->bulk);
	if (target->after_insert)
		AfterTriggerBeginQuery();
	for (int i = 0; i < count; i++)
		insert_index_entries(target, target->slots[i]);
	MemoryContextSwitchTo(old);
	dbs_apply.where_flush = NULL;
	target->buffered = target->unmaterialized = 0;
	leave_gathering(target);
	if (target->after_insert)
	{
		AfterTriggerEndQuery(target->estate);
		CommandCounterIncrement();
	}
	ResetPerTupleExprContext(target->estate);
	if (dbs_apply.gathered_slots > KEEP_SLOTS)
		drop_slots(target);
}

void
dbs_flush_all_inserts(void)
{
	while (gathering != NULL)
		dbs_flush_inserts(gathering);
}

/* The rows that were gathered from this message become tuples of their own, since its bytes go. */
static void
keep_gathered(void)
{
	for (DbsTarget *target = gathering; target != NULL; target = target->next_buffering)
	{
		for (int i = target->unmaterialized; i < target->buffered; i++)
			ExecMaterializeSlot(target->slots[i]);
		target->unmaterialized = target->buffered;
	}
}

static TupleTableSlot *
next_gathered_slot(DbsTarget *target)
{
	if (target->buffered == target->slot_count)
	{
		MemoryContext old = MemoryContextSwitchTo(target->estate->es_query_cxt);

		target->slots[target->slot_count++] = table_slot_create(target->relation, NULL);
		dbs_apply.gathered_slots++;
		MemoryContextSwitchTo(old);
	}
	return target->slots[target->buffered];
}

static void
gather(DbsTarget *target, Size bytes)
{
	target->buffered++;
	target->buffered_bytes += bytes;
	gathered_bytes += bytes;
	if (!target->buffering)
	{
		target->buffering = true;
		target->next_buffering = gathering;
		gathering = target;
	}
	if (target->buffered == DBS_MAX_BUFFERED_ROWS || target->buffered_bytes >= DBS_MAX_BUFFERED_BYTES)
		dbs_flush_inserts(target);
	else if (gathered_bytes > MAX_GATHERED_BYTES)
		dbs_flush_all_inserts();
}

/* ---- the three operations ---- */

static void
fill_defaults(DbsWireTable *table, DbsTarget *target, TupleTableSlot *slot)
{
	ExprContext *context = GetPerTupleExprContext(target->estate);

	for (int i = 0; i < table->default_count; i++)
	{
		DbsDefault *column = &table->defaults[i];

		slot->tts_values[column->att - 1] = ExecEvalExpr(column->state, context, &slot->tts_isnull[column->att - 1]);
	}
}

/* Columns that a minimal row image leaves out of an insert: the target's defaults, as the source took its own. */
static void
fill_absent(DbsWireTable *table, DbsTarget *target, TupleTableSlot *slot, const DbsImage *image)
{
	for (int i = 0; i < table->att_count; i++)
	{
		Expr *expression;

		if (image->present[i] || TupleDescAttr(slot->tts_tupleDescriptor, i)->attisdropped ||
			TupleDescAttr(slot->tts_tupleDescriptor, i)->attgenerated != '\0')
			continue;
		expression = (Expr *) build_column_default(target->relation, i + 1);
		if (expression == NULL)
			continue;
		slot->tts_values[i] = ExecEvalExpr(ExecPrepareExpr(expression, target->estate),
										   GetPerTupleExprContext(target->estate), &slot->tts_isnull[i]);
	}
}

/*
 * The source's row takes the place of target->found: other rows of the target
 * that hold one of its unique keys go. target->found is another row afterwards.
 */
static void
remove_rivals(DbsWireTable *table, DbsTarget *target, const DbsImage *image)
{
	ItemPointerData kept = target->found->tts_tid;
	bool cascades = target->delete_cascades;
	bool triggers = target->after_delete;

	/* In a backfill's window they are not deleted: they are this row as copied later, or will be sent again. */
	if (dbs_apply.window)
		target->delete_cascades = target->after_delete = false;
	while (dbs_row_find_unique(target, image, &kept))
	{
		DbsConflict conflict = {DBS_CONFLICT_KEY_TAKEN, table, target, NULL, image, target};

		(void) dbs_conflict_source_wins(&conflict);
		(void) dbs_row_delete_found(target);
	}
	target->delete_cascades = cascades;
	target->after_delete = triggers;
}

/* The row in slot as an image of the target's columns. */
static DbsImage *
whole_image(DbsTarget *target, TupleTableSlot *slot)
{
	int count = slot->tts_tupleDescriptor->natts;
	DbsImage *image = &target->whole;

	if (image->values == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(target->estate->es_query_cxt);

		image->values = palloc(count * sizeof(Datum));
		image->nulls = palloc(count * sizeof(bool));
		image->present = palloc(count * sizeof(bool));
		MemoryContextSwitchTo(old);
	}
	memcpy(image->values, slot->tts_values, count * sizeof(Datum));
	memcpy(image->nulls, slot->tts_isnull, count * sizeof(bool));
	memset(image->present, 1, count * sizeof(bool));
	image->sent_all = image->complete = true;
	return image;
}

/*
 * A row with this key, or with another unique key of this row, is here already: it stays, or the source's takes its
 * place. False when there is none.
 */
static bool
settled(DbsWireTable *table, DbsTarget *target, TupleTableSlot *slot)
{
	DbsImage *image = whole_image(target, slot);
	DbsConflict conflict = {DBS_CONFLICT_INSERT_EXISTS, table, target, NULL, image, target};

	/* In a backfill's window the log may be older than a column, of which the copied row knows more than a default. */
	if (dbs_apply.window && !table->covers_all && target->oid == table->target_oid)
	{
		memcpy(image->present, table->after.present, slot->tts_tupleDescriptor->natts * sizeof(bool));
		image->complete = false;
	}
	do
	{
		if (!dbs_row_find_unique(target, image, NULL))
			return false;
		conflict.kind = target->found_by == 0 ? DBS_CONFLICT_INSERT_EXISTS : DBS_CONFLICT_KEY_TAKEN;
		if (!dbs_conflict_source_wins(&conflict))
			return true;
		remove_rivals(table, target, image);
	} while (!dbs_row_find_unique(target, image, NULL) || dbs_row_update_found(target, image) == DBS_ROW_BUSY);
	return true;
}

static void
insert_into(DbsWireTable *table, DbsTarget *target, TupleTableSlot *slot, Size bytes)
{
	if (target->multi_insert && !table->volatile_defaults)
	{
		dbs_row_check(target, slot, CMD_INSERT);
		if (target->checked || target->generated)
			ResetPerTupleExprContext(target->estate);
		gather(target, bytes);
	}
	else if (dbs_conflict_policy() == DBS_CONFLICT_STOP || !settled(table, target, slot))
		dbs_row_insert(target, slot);
}

/* A slot of the target for one row: where it is gathered, or the one for single rows. */
static TupleTableSlot *
slot_for_insert(DbsWireTable *table, DbsTarget *target)
{
	if (target->multi_insert && !table->volatile_defaults)
		return next_gathered_slot(target);
	return target->incoming;
}

static void
insert_into_partition(DbsWireTable *table, DbsTarget *root, TupleTableSlot *row, Size bytes)
{
	DbsTarget *leaf = dbs_partition_of_row(root, row);
	TupleTableSlot *slot = slot_for_insert(table, leaf);

	dbs_partition_map_row(root, leaf, row, slot);
	slot->tts_tableOid = leaf->oid;
	insert_into(table, leaf, slot, bytes);
}

static void
apply_insert(DbsReader *reader, DbsWireTable *table, DbsTarget *target)
{
	TupleTableSlot *slot = slot_for_insert(table, target);
	DbsImage image = {.values = slot->tts_values, .nulls = slot->tts_isnull, .present = table->after.present};
	const char *start = reader->at;

	ExecClearTuple(slot);
	clear_image(table, &image);
	if (!decode_row(reader, table, &image))
		row_error(reader);
	if (table->default_count > 0)
		fill_defaults(table, target, slot);
	if (unlikely(!image.sent_all))
		fill_absent(table, target, slot, &image);
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = target->oid;
	if (unlikely(target->partitioned))
		insert_into_partition(table, target, slot, (Size) (reader->at - start));
	else
		insert_into(table, target, slot, (Size) (reader->at - start));
}

/* The old row of an update that did not change its key: the key's columns of the new one. */
static void
key_of_new_row(DbsWireTable *table)
{
	memset(table->before.present, 0, table->att_count * sizeof(bool));
	table->before.sent_all = false;
	for (int i = 0; i < table->column_count; i++)
	{
		int at = table->conversions[i].att - 1;

		if (at < 0 || !(table->columns[i].flags & DBS_COLUMN_KEY) || !table->after.present[at])
			continue;
		table->before.values[at] = table->after.values[at];
		table->before.nulls[at] = table->after.nulls[at];
		table->before.present[at] = true;
	}
}

/*
 * The new row is to replace one that is not the old one: what it lacks, since it was stored out of line and did not
 * change, is in the old one.
 */
static void
complete_after(DbsWireTable *table)
{
	if (table->after.sent_all || !table->before.sent_all)
		return;
	for (int i = 0; i < table->att_count; i++)
	{
		if (table->after.present[i] || !table->before.present[i])
			continue;
		table->after.values[i] = table->before.values[i];
		table->after.nulls[i] = table->before.nulls[i];
		table->after.present[i] = true;
	}
	table->after.sent_all = true;
}

/* Find the row; the target that holds it, a partition perhaps, or NULL. */
static DbsTarget *
find_row(DbsTarget *target, const DbsImage *image)
{
	if (target->partitioned)
		return dbs_partition_find(target, image);
	return dbs_row_find(target, image) ? target : NULL;
}

static const DbsImage *
after_in(DbsWireTable *table, DbsTarget *root, DbsTarget *holder)
{
	if (holder == root)
		return &table->after;
	dbs_partition_map_image(root, holder, &table->after, &holder->after);
	return &holder->after;
}

/*
 * Is the row that was found not the one that the source has changed? whole: the old row is known in full. after NULL:
 * it was deleted.
 */
static bool
differs(DbsWireTable *table, DbsTarget *root, DbsTarget *holder, bool whole, const DbsImage *after)
{
	if (!whole && (after == NULL || dbs_conflict_policy() != DBS_CONFLICT_LATEST_WINS))
		return false;
	/* Looking for it in a partition has left the old row's image in the partition's shape. */
	return dbs_conflict_differs(holder, holder != root ? &holder->before : &table->before, whole,
								after != NULL ? after_in(table, root, holder) : NULL);
}

/* A row that leaves its partition is deleted there and inserted where it belongs now. */
static DbsRowOutcome
update_in_partition(DbsWireTable *table, DbsTarget *root, DbsTarget *leaf)
{
	DbsRowOutcome outcome;

	if (dbs_row_stays(leaf, after_in(table, root, leaf)))
		return dbs_row_update_found(leaf, &leaf->after);
	dbs_partition_unmap_row(root, leaf, leaf->changed, root->changed);
	ExecMaterializeSlot(root->changed);
	outcome = dbs_row_delete_found(leaf);
	if (outcome == DBS_ROW_DONE)
		insert_into_partition(table, root, root->changed, 0);
	dbs_flush_all_inserts();
	return outcome;
}

/*
 * In a backfill's window the row to change may be one that was copied only after the change, or never. What the
 * source's foreign keys did to its children at the change is not in the log: let it stand here for a moment, as far as
 * it is known, so that ours do the same. False when there is nothing to do.
 */
static bool
insert_ghost(DbsWireTable *table, DbsTarget *target, bool acts)
{
	TupleTableSlot *slot = target->incoming;

	if (!dbs_apply.window || !acts || target->partitioned)
		return false;
	ExecClearTuple(slot);
	for (int i = 0; i < table->att_count; i++)
	{
		slot->tts_isnull[i] = !table->before.present[i] || table->before.nulls[i];
		slot->tts_values[i] = slot->tts_isnull[i] ? (Datum) 0 : table->before.values[i];
	}
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = target->oid;
	dbs_row_insert_unchecked(target, slot);
	return find_row(target, &table->before) != NULL;
}

/*
 * The row to update is not there: insert it, if the option says so; it must be whole then. A part of an image is passed
 * over in a backfill's window when the row was copied later, under its new key or not at all since it was gone.
 */
static void
insert_missing(DbsWireTable *table, DbsTarget *target, bool same_key)
{
	TupleTableSlot *slot = target->incoming;
	DbsConflict conflict = {DBS_CONFLICT_UPDATE_MISSING, table, target, &table->before, &table->after, NULL};

	if (dbs_apply.window && !table->after.sent_all && (same_key || find_row(target, &table->after) != NULL))
		return;
	if (!dbs_apply.window)
		complete_after(table);
	if (!dbs_conflict_source_wins(&conflict))
		return;
	if (!table->after.sent_all)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("the row to update is not in table \"%s.%s\", and the source sends only a part of it: %s",
						get_namespace_name(RelationGetNamespace(target->relation)),
						RelationGetRelationName(target->relation), dbs_row_describe(target, &table->before)),
				 errhint("Put the row right, and set binlog_row_image = FULL at the source.")));
	ExecClearTuple(slot);
	memcpy(slot->tts_values, table->after.values, table->att_count * sizeof(Datum));
	memcpy(slot->tts_isnull, table->after.nulls, table->att_count * sizeof(bool));
	if (table->default_count > 0)
		fill_defaults(table, target, slot);
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = target->oid;
	if (target->partitioned)
		insert_into_partition(table, target, slot, 0);
	else
		insert_into(table, target, slot, 0);
}

static void
apply_update(DbsReader *reader, DbsWireTable *table, DbsTarget *target)
{
	DbsRowOutcome outcome = DBS_ROW_BUSY;
	DbsConflict conflict = {DBS_CONFLICT_UPDATE_DIFFERS, table, target, &table->before, &table->after, NULL};
	bool same_key = false;

	clear_image(table, &table->before);
	clear_image(table, &table->after);
	if (decode_row(reader, table, &table->before))
	{
		if (!decode_row(reader, table, &table->after))
			row_error(reader);
	}
	else
	{
		if (!table->any_key || !decode_row(reader, table, &table->after))
			row_error(reader);
		key_of_new_row(table);
		same_key = true;
	}
	do
	{
		DbsTarget *holder = find_row(target, &table->before);

		if (holder == NULL && !same_key && table->after.sent_all &&
			insert_ghost(table, target, target->update_cascades))
			holder = target;
		if (holder == NULL)
		{
			insert_missing(table, target, same_key);
			return;
		}
		conflict.holder = holder;
		if (differs(table, target, holder, table->before.sent_all, &table->after))
		{
			complete_after(table);
			if (!dbs_conflict_source_wins(&conflict))
				return;
		}
		if (dbs_conflict_policy() == DBS_CONFLICT_SOURCE_WINS && holder == target)
		{
			remove_rivals(table, target, &table->after);
			if (find_row(target, &table->before) == NULL)
				continue;
		}
		outcome =
			holder != target ? update_in_partition(table, target, holder) : dbs_row_update_found(target, &table->after);
	} while (outcome == DBS_ROW_BUSY);
}

static void
apply_delete(DbsReader *reader, DbsWireTable *table, DbsTarget *target)
{
	DbsConflict conflict = {DBS_CONFLICT_DELETE_MISSING, table, target, &table->before, NULL, NULL};
	DbsTarget *holder;

	clear_image(table, &table->before);
	if (!decode_row(reader, table, &table->before))
		row_error(reader);
	do
	{
		holder = find_row(target, &table->before);
		conflict.holder = holder;
		conflict.kind = holder == NULL ? DBS_CONFLICT_DELETE_MISSING : DBS_CONFLICT_DELETE_DIFFERS;
		if (holder != NULL && differs(table, target, holder, table->before.sent_all, NULL) &&
			!dbs_conflict_source_wins(&conflict))
			return;
		if (holder == NULL)
		{
			(void) dbs_conflict_source_wins(&conflict);
			if (!insert_ghost(table, target, target->delete_cascades))
				return;
			holder = target;
		}
	} while (dbs_row_delete_found(holder) == DBS_ROW_BUSY);
}

static void
flush_before(DbsTarget *target, bool insert)
{
	bool acts = target->before_insert || target->after_insert || target->before_update || target->after_update ||
				target->before_delete || target->after_delete || target->delete_cascades || target->update_cascades;

	if (!insert && target->partitioned)
		dbs_flush_all_inserts();
	else if (acts && !(insert && target->multi_insert && gathering == target && target->next_buffering == NULL))
		dbs_flush_all_inserts();
	else if (!insert)
		dbs_flush_inserts(target);
}

static AclMode
rights_for(uint8 op)
{
	switch (op)
	{
		case DBS_ROWS_INSERT:
			return ACL_INSERT;
		case DBS_ROWS_UPDATE:
			return ACL_UPDATE | ACL_SELECT;
		default:
			return ACL_DELETE | ACL_SELECT;
	}
}

static void
count_rows(DbsWireTable *table, const DbsRows *rows)
{
	DbsTableCounter *counter = table->counter;

	switch (rows->op)
	{
		case DBS_ROWS_INSERT:
			counter->inserted += rows->count;
			dbs_apply.progress.rows_inserted += rows->count;
			break;
		case DBS_ROWS_UPDATE:
			counter->updated += rows->count;
			dbs_apply.progress.rows_updated += rows->count;
			break;
		default:
			counter->deleted += rows->count;
			dbs_apply.progress.rows_deleted += rows->count;
			break;
	}
	counter->adjusted += rows->adjusted;
	counter->dirty = true;
	dbs_apply.session_rows += rows->count;
}

void
dbs_apply_rows(DbsReader *reader)
{
	static const char *const operations[] = {"?", "insert", "update", "delete"};
	DbsRows rows;
	DbsWireTable *table;
	DbsTarget *target;

	if (!dbs_get_rows(reader, &rows) || rows.op < DBS_ROWS_INSERT || rows.op > DBS_ROWS_DELETE)
		row_error(reader);
	table = dbs_table_find(rows.table_id);
	dbs_apply.where_table = table;
	dbs_apply.where_operation = operations[rows.op];
	target = dbs_target_open(table);
	dbs_target_require(target, rights_for(rows.op));
	flush_before(target, rows.op == DBS_ROWS_INSERT);
	dbs_apply.where_operation = operations[rows.op];
	for (uint32 i = 0; i < rows.count; i++)
	{
		if (rows.op == DBS_ROWS_INSERT)
			apply_insert(reader, table, target);
		else if (rows.op == DBS_ROWS_UPDATE)
			apply_update(reader, table, target);
		else
			apply_delete(reader, table, target);
		if ((i & 0xff) == 0xff)
			CHECK_FOR_INTERRUPTS();
	}
	if (!dbs_get_end(reader))
		row_error(reader);
	keep_gathered();
	count_rows(table, &rows);
	dbs_apply.where_table = NULL;
	dbs_apply.where_operation = NULL;
}
