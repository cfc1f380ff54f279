/*
 * The output plugin "dbstream": what changed in this database, as JSON for
 * people and tests or in the wire format for the bridge.
 *
 * This file is the callbacks: it decides what is written and when (a
 * transaction that changes nothing published leaves no trace), and the format
 * decides how.  The extension need not be created in the database.
 *
 * Transactions larger than logical_decoding_work_mem are spilled or streamed by
 * the server; here, memory is one change's, and for the binary format one rows message's.
 */
#include "ddl_capture.h"
#include "output_plugin.h"

#include "access/xact.h"
#include "replication/origin.h"
#include "replication/walsender.h"
#include "utils/guc.h"
#include "utils/memutils.h"

PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks *callbacks);

/* ---- session ---- */

/*
 * Texts must not depend on who asks.  In a walsender the settings are the
 * session's; under pg_logical_slot_get_changes they end with the transaction.
 */
void
dbs_output_pin_settings(void)
{
	static const char *const settings[][2] = {{"DateStyle", "ISO, YMD"},
											  {"IntervalStyle", "postgres"},
											  {"TimeZone", "UTC"},
											  {"extra_float_digits", "1"},
											  {"bytea_output", "hex"}};

	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 am_walsender ? GUC_ACTION_SET : GUC_ACTION_LOCAL, true, 0, false);
}

static void
forget_tables(void *arg)
{
	dbs_output_tables_forget();
}

static void
startup(LogicalDecodingContext *ctx, OutputPluginOptions *options, bool is_init)
{
	DbsOutput *output = palloc0(sizeof *output);
	MemoryContextCallback *callback = palloc0(sizeof *callback);

	output->ctx = ctx;
	output->change_context = AllocSetContextCreate(ctx->context, "dbstream change", ALLOCSET_DEFAULT_SIZES);
	dbs_output_read_options(output, ctx->output_plugin_options);
	options->output_type = output->format->type;
	options->receive_rewrites = true;
	ctx->output_plugin_private = output;
	/* What the cache says of a table depends on this session's options: it ends with it, however that ends. */
	dbs_output_tables_forget();
	callback->func = forget_tables;
	MemoryContextRegisterResetCallback(ctx->context, callback);
	if (!is_init)
		dbs_output_pin_settings();
}

static bool
filter_origin(LogicalDecodingContext *ctx, RepOriginId origin)
{
	DbsOutput *output = ctx->output_plugin_private;

	return output->local_only && origin != InvalidRepOriginId;
}

/* ---- transactions ---- */

static void
flush(DbsOutput *output)
{
	if (output->format->flush != NULL)
		output->format->flush(output);
}

/* Say begin now that there is something to say. */
static void
ensure_begun(DbsOutput *output, ReorderBufferTXN *txn)
{
	if (output->began || output->streaming)
		return;
	output->began = true;
	if (output->transactions)
		output->format->begin(output, txn, "begin");
}

static void
begin(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	((DbsOutput *) ctx->output_plugin_private)->began = false;
}

static void
end(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, const char *action, XLogRecPtr lsn, TimestampTz time)
{
	DbsOutput *output = ctx->output_plugin_private;

	flush(output);
	OutputPluginUpdateProgress(ctx, !output->began);
	if (output->began && output->transactions)
		output->format->end(output, txn, action, lsn, time);
	output->began = false;
}

static void
commit(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn)
{
	end(ctx, txn, "commit", txn->end_lsn, txn->xact_time.commit_time);
}

static void
begin_prepare(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	DbsOutput *output = ctx->output_plugin_private;

	/* Its commit comes later and alone, so it is always announced. */
	output->began = false;
	ensure_begun(output, txn);
}

static void
prepare(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn)
{
	end(ctx, txn, "prepare", txn->end_lsn, txn->xact_time.prepare_time);
}

static void
commit_prepared(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn)
{
	((DbsOutput *) ctx->output_plugin_private)->began = true;
	end(ctx, txn, "commit_prepared", txn->end_lsn, txn->xact_time.commit_time);
}

static void
rollback_prepared(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr end_lsn, TimestampTz prepare_time)
{
	((DbsOutput *) ctx->output_plugin_private)->began = true;
	end(ctx, txn, "rollback_prepared", txn->end_lsn, txn->xact_time.commit_time);
}

/* ---- changes ---- */

/*
 * A delete or update without what identifies the row cannot be repeated
 * elsewhere.  PostgreSQL refuses such statements only for tables in a
 * publication, and this plugin needs none.
 */
static void
require_identity(const DbsOutputTable *table, ReorderBufferChangeType action, HeapTuple old)
{
	bool keyed = false;

	for (int i = 0; i < table->column_count && !keyed; i++)
		keyed = table->columns[i].key;
	if (keyed && (action == REORDER_BUFFER_CHANGE_UPDATE || old != NULL))
		return;
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("table %s.%s has no replica identity, and a row of it was %s", table->schema, table->name,
						   action == REORDER_BUFFER_CHANGE_UPDATE ? "updated" : "deleted"),
					errdetail("Without it the log does not say which row."),
					errhint("Give it a primary key or ALTER TABLE … REPLICA IDENTITY FULL; a change already in the log "
							"can only be passed by leaving the table out of the stream or by a resync.")));
}

static void
change(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, Relation relation, ReorderBufferChange *change)
{
	DbsOutput *output = ctx->output_plugin_private;
	DbsOutputTable *table;
	HeapTuple old_tuple, new_tuple;
	MemoryContext old_context;
	char op;

	if (OidIsValid(relation->rd_rel->relrewrite) && !dbs_output_follows(output, relation))
		return;
	table = dbs_output_table(output, relation);
	if (!table->selected || txn->final_lsn < table->copied)
		return;
#if PG_VERSION_NUM >= 170000
	old_tuple = change->data.tp.oldtuple;
	new_tuple = change->data.tp.newtuple;
#else
	old_tuple = change->data.tp.oldtuple != NULL ? &change->data.tp.oldtuple->tuple : NULL;
	new_tuple = change->data.tp.newtuple != NULL ? &change->data.tp.newtuple->tuple : NULL;
#endif
	switch (change->action)
	{
		case REORDER_BUFFER_CHANGE_INSERT:
			op = 'I';
			break;
		case REORDER_BUFFER_CHANGE_UPDATE:
			op = 'U';
			break;
		case REORDER_BUFFER_CHANGE_DELETE:
			op = 'D';
			break;
		default:
			elog(ERROR, "unexpected change %d in output plugin dbstream", change->action);
	}
	if (op != 'I')
		require_identity(table, change->action, old_tuple);

	old_context = MemoryContextSwitchTo(output->change_context);
	ensure_begun(output, txn);
	if (!table->announced)
	{
		flush(output);
		if (output->schema_messages)
			output->format->table(output, table);
		table->announced = true;
	}
	output->format->change(output, txn, table, relation, op, old_tuple, new_tuple);
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(output->change_context);
}

static void
truncate_tables(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, int count, Relation relations[],
				ReorderBufferChange *change)
{
	DbsOutput *output = ctx->output_plugin_private;
	MemoryContext old_context = MemoryContextSwitchTo(output->change_context);
	List *truncated = dbs_output_truncated(output, txn->final_lsn, count, relations);

	if (truncated != NIL)
	{
		ensure_begun(output, txn);
		flush(output);
		output->format->truncate(output, txn, truncated, change->data.truncate.cascade,
								 change->data.truncate.restart_seqs);
	}
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(output->change_context);
}

static void
message(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn, bool transactional, const char *prefix,
		Size size, const char *content)
{
	DbsOutput *output = ctx->output_plugin_private;
	MemoryContext old_context;
	bool ddl = transactional && strcmp(prefix, DBS_DDL_PREFIX) == 0;

	if (ddl ? !output->schema_changes : !output->messages)
		return;
	old_context = MemoryContextSwitchTo(output->change_context);
	/* A table that was copied since has been made as it is after the change. */
	if (!ddl ||
		(!dbs_output_ddl_copied(output, size, content, txn->final_lsn) && dbs_output_ddl(output, size, content)))
	{
		if (transactional)
			ensure_begun(output, txn);
		flush(output);
		if (ddl)
			output->format->ddl(output, size, content);
		else
			output->format->message(output, transactional, prefix, size, content);
	}
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(output->change_context);
}

/* ---- transactions streamed before their end ---- */

static void
stream_start(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	DbsOutput *output = ctx->output_plugin_private;

	output->streaming = true;
	output->format->begin(output, txn, "stream_start");
}

static void
stream_stop(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	DbsOutput *output = ctx->output_plugin_private;

	flush(output);
	output->streaming = false;
	output->format->end(output, txn, "stream_stop", InvalidXLogRecPtr, 0);
}

static void
stream_end(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, const char *action, XLogRecPtr lsn, TimestampTz time)
{
	DbsOutput *output = ctx->output_plugin_private;

	OutputPluginUpdateProgress(ctx, false);
	output->format->end(output, txn, action, lsn, time);
}

static void
stream_abort(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn)
{
	stream_end(ctx, txn, "stream_abort", lsn, 0);
}

static void
stream_prepare(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn)
{
	stream_end(ctx, txn, "stream_prepare", lsn, txn->xact_time.prepare_time);
}

static void
stream_commit(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn)
{
	stream_end(ctx, txn, "stream_commit", txn->end_lsn, txn->xact_time.commit_time);
}

void
_PG_output_plugin_init(OutputPluginCallbacks *callbacks)
{
	callbacks->startup_cb = startup;
	callbacks->filter_by_origin_cb = filter_origin;
	callbacks->begin_cb = begin;
	callbacks->change_cb = change;
	callbacks->truncate_cb = truncate_tables;
	callbacks->message_cb = message;
	callbacks->commit_cb = commit;
	callbacks->begin_prepare_cb = begin_prepare;
	callbacks->prepare_cb = prepare;
	callbacks->commit_prepared_cb = commit_prepared;
	callbacks->rollback_prepared_cb = rollback_prepared;
	callbacks->stream_start_cb = stream_start;
	callbacks->stream_stop_cb = stream_stop;
	callbacks->stream_abort_cb = stream_abort;
	callbacks->stream_prepare_cb = stream_prepare;
	callbacks->stream_commit_cb = stream_commit;
	callbacks->stream_change_cb = change;
	callbacks->stream_message_cb = message;
	callbacks->stream_truncate_cb = truncate_tables;
}
