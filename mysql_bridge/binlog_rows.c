/*
 * Rows in the binary log, and the tables that they name.
 */
#include "binlog_reader_state.h"

#include <inttypes.h>

bool
binlog_rows_table_map(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format, Failure *failure)
{
	bool wanted = !reader->muted && !reader->dropped;
	RowsEvent map;
	CachedTable *table;

	if (reader->state != LOG_OPEN)
		return reader->muted || binlog_transaction_missing(reader, event, failure);
	if (!binlog_rows_parse(event, format, &map, failure))
		return false;
	table = table_cache_map(reader->tables, map.table_id, map.body, map.body_size, wanted, failure);
	if (table == NULL)
		return false;
	if (binlog_xa_holds_back(reader))
	{
		binlog_xa_keep(reader);
		xa_list_current(reader->prepared)->concerns |= table->selected || !wanted;
		return true;
	}
	if (table->is_progress && wanted)
	{
		if (reader->wire.begun)
			return failure_set(failure, FAILURE_REJECT, "echo_order",
							   "Only dbstream writes that table, and before all others. Carry this transaction over by "
							   "hand and pass it with dbstream.set_position().",
							   "a transaction changes %s.%s after other tables", table->schema, table->name);
		reader->dropped = true;
	}
	return true;
}

static bool
is_compressed(uint8_t type)
{
	return type >= BINLOG_MARIADB_WRITE_ROWS_COMPRESSED_V1 && type <= BINLOG_MARIADB_DELETE_ROWS_COMPRESSED;
}

static RowsEventKind
rows_kind(uint8_t type)
{
	switch (type)
	{
		case BINLOG_WRITE_ROWS_V1:
		case BINLOG_WRITE_ROWS:
		case BINLOG_MARIADB_WRITE_ROWS_COMPRESSED_V1:
		case BINLOG_MARIADB_WRITE_ROWS_COMPRESSED:
			return ROWS_EVENT_WRITE;
		case BINLOG_UPDATE_ROWS_V1:
		case BINLOG_UPDATE_ROWS:
		case BINLOG_MARIADB_UPDATE_ROWS_COMPRESSED_V1:
		case BINLOG_MARIADB_UPDATE_ROWS_COMPRESSED:
			return ROWS_EVENT_UPDATE;
		default:
			return ROWS_EVENT_DELETE;
	}
}

bool
binlog_rows(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format, Failure *failure)
{
	/* The end of a statement that changed nothing is written as rows of this table. */
	const uint64_t no_table = 0xffffff;
	RowsEvent rows;
	RowsEventKind kind = rows_kind(event->type);
	CachedTable *table;

	if (binlog_xa_holds_back(reader))
	{
		binlog_xa_keep(reader);
		return true;
	}
	if (reader->muted || reader->dropped)
		return true;
	if (reader->state != LOG_OPEN)
		return binlog_transaction_missing(reader, event, failure);
	if (!binlog_rows_parse(event, format, &rows, failure))
		return false;
	table = table_cache_find(reader->tables, rows.table_id);
	if (table == NULL)
	{
		if ((rows.table_id & no_table) == no_table)
			return true;
		return failure_set(failure, FAILURE_REJECT, "event_damaged", "",
						   "a %s event is for table number %" PRIu64 ", which no TABLE_MAP event has named",
						   binlog_event_name(event->type), rows.table_id);
	}
	if (!table->selected || (reader->skipped_count > 0 && binlog_reader_is_skipped(reader, table)))
		return true;
	if (event->type == BINLOG_PARTIAL_UPDATE_ROWS)
		return failure_set(failure, FAILURE_REJECT, "partial_json",
						   "SET GLOBAL binlog_row_value_options='' at the source, and let sessions that have it set "
						   "end. Repeat this update there in full, and pass it with dbstream.set_position().",
						   "%s.%s: the log has a part of a JSON value only (binlog_row_value_options=PARTIAL_JSON)",
						   table->schema, table->name);
	if (is_compressed(event->type))
	{
		if (!compressed_rows_inflate(rows.body, rows.body_size, kind == ROWS_EVENT_UPDATE, &reader->inflated,
									 &rows.body_size, failure))
			return false;
		rows.body = reader->inflated.data;
	}
	return wire_transaction_rows(&reader->wire, table, kind, rows.body, rows.body_size, failure);
}
