/*
 * Writing messages.  Every whole-message function computes its size first, so
 * that a writer without room is left untouched and the caller may flush and
 * try again.
 */
#include "wire.h"

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "dbstream's wire format is copied, not converted: it needs a little-endian machine"
#endif

/* Header, and the padding that dbs_message_end may add. */
#define FRAME_ROOM (DBS_WIRE_HEADER_SIZE + 7)

/* A rows message's fixed fields: table id, count, adjusted, op and three zero bytes. */
#define ROWS_FIELDS 16

static size_t
string_room(DbsString s)
{
	return 4 + (size_t) s.size;
}

static void
put_string(DbsWriter *w, DbsString s)
{
	dbs_put_string(w, s.data, s.size);
}

/* Open a message of body bytes, if there is room for it and it is not beyond the format's limit. */
static bool
message_open(DbsWriter *w, DbsMessageType type, size_t body)
{
	if (body > DBS_WIRE_MAX_MESSAGE || dbs_wire_room(w) < body + FRAME_ROOM)
		return false;
	dbs_message_begin(w, type);
	return true;
}

void
dbs_message_begin(DbsWriter *w, DbsMessageType type)
{
	w->message = w->used;
	dbs_put_u32(w, 0);
	dbs_put_u32(w, (uint32_t) type);
}

void
dbs_message_end(DbsWriter *w)
{
	uint32_t body = (uint32_t) (w->used - w->message - DBS_WIRE_HEADER_SIZE);

	memcpy(w->data + w->message, &body, sizeof body);
	while (w->used & 7)
		w->data[w->used++] = 0;
}

bool
dbs_put_hello(DbsWriter *w, const DbsHello *hello)
{
	if (!message_open(w, DBS_MESSAGE_HELLO,
					  8 + string_room(hello->software) + string_room(hello->source_kind) +
						  string_room(hello->source_version)))
		return false;
	dbs_put_u16(w, hello->version);
	dbs_put_u16(w, hello->min_version);
	dbs_put_u32(w, hello->flags);
	put_string(w, hello->software);
	put_string(w, hello->source_kind);
	put_string(w, hello->source_version);
	dbs_message_end(w);
	return true;
}

bool
dbs_put_begin(DbsWriter *w, const DbsBegin *begin)
{
	if (!message_open(w, DBS_MESSAGE_BEGIN, 12 + string_room(begin->gtid)))
		return false;
	dbs_put_i64(w, begin->commit_time);
	dbs_put_u32(w, begin->flags);
	put_string(w, begin->gtid);
	dbs_message_end(w);
	return true;
}

bool
dbs_put_table(DbsWriter *w, const DbsTable *table, const DbsColumn *columns)
{
	size_t body = 8 + string_room(table->schema) + string_room(table->name);

	for (uint32_t i = 0; i < table->column_count; i++)
		body += 10 + string_room(columns[i].name) + string_room(columns[i].type_name);
	if (!message_open(w, DBS_MESSAGE_TABLE, body))
		return false;
	dbs_put_u32(w, table->id);
	dbs_put_u32(w, table->column_count);
	put_string(w, table->schema);
	put_string(w, table->name);
	for (uint32_t i = 0; i < table->column_count; i++)
	{
		dbs_put_u8(w, columns[i].kind);
		dbs_put_u8(w, columns[i].flags);
		dbs_put_u32(w, columns[i].length);
		dbs_put_u32(w, columns[i].scale);
		put_string(w, columns[i].name);
		put_string(w, columns[i].type_name);
	}
	dbs_message_end(w);
	return true;
}

bool
dbs_put_truncate(DbsWriter *w, const DbsTruncate *truncate)
{
	if (!message_open(w, DBS_MESSAGE_TRUNCATE,
					  string_room(truncate->schema) + string_room(truncate->name) + string_room(truncate->partition) +
						  string_room(truncate->condition) + string_room(truncate->columns)))
		return false;
	put_string(w, truncate->schema);
	put_string(w, truncate->name);
	put_string(w, truncate->partition);
	put_string(w, truncate->condition);
	put_string(w, truncate->columns);
	dbs_message_end(w);
	return true;
}

bool
dbs_put_ddl(DbsWriter *w, const DbsDdl *ddl)
{
	if (!message_open(w, DBS_MESSAGE_DDL,
					  24 + string_room(ddl->default_schema) + string_room(ddl->charset) + string_room(ddl->text)))
		return false;
	dbs_put_u64(w, ddl->sql_mode);
	dbs_put_u64(w, (uint64_t) ddl->time);
	dbs_put_u32(w, (uint32_t) ddl->utc_offset);
	dbs_put_u32(w, ddl->flags);
	put_string(w, ddl->default_schema);
	put_string(w, ddl->charset);
	put_string(w, ddl->text);
	dbs_message_end(w);
	return true;
}

bool
dbs_put_logical_message(DbsWriter *w, const DbsLogicalMessage *message)
{
	if (!message_open(w, DBS_MESSAGE_MESSAGE, string_room(message->prefix) + string_room(message->content)))
		return false;
	put_string(w, message->prefix);
	put_string(w, message->content);
	dbs_message_end(w);
	return true;
}

/* Commit and heartbeat have the same fields. */
static bool
put_position(DbsWriter *w, DbsMessageType type, int64_t time, DbsString position, DbsString gtid_set)
{
	if (!message_open(w, type, 8 + string_room(position) + string_room(gtid_set)))
		return false;
	dbs_put_i64(w, time);
	put_string(w, position);
	put_string(w, gtid_set);
	dbs_message_end(w);
	return true;
}

bool
dbs_put_commit(DbsWriter *w, const DbsCommit *commit)
{
	return put_position(w, DBS_MESSAGE_COMMIT, commit->commit_time, commit->position, commit->gtid_set);
}

bool
dbs_put_heartbeat(DbsWriter *w, const DbsHeartbeat *heartbeat)
{
	return put_position(w, DBS_MESSAGE_HEARTBEAT, heartbeat->time, heartbeat->position, heartbeat->gtid_set);
}

bool
dbs_put_sync(DbsWriter *w, uint64_t token)
{
	if (!message_open(w, DBS_MESSAGE_SYNC, 8))
		return false;
	dbs_put_u64(w, token);
	dbs_message_end(w);
	return true;
}

bool
dbs_put_snapshot(DbsWriter *w, const DbsSnapshot *snapshot)
{
	if (!message_open(w, DBS_MESSAGE_SNAPSHOT,
					  32 + string_room(snapshot->schema) + string_room(snapshot->name) + string_room(snapshot->text) +
						  string_room(snapshot->position) + string_room(snapshot->gtid_set)))
		return false;
	dbs_put_u32(w, snapshot->step);
	dbs_put_u32(w, snapshot->flags);
	dbs_put_u64(w, snapshot->number);
	dbs_put_u64(w, snapshot->rows);
	dbs_put_u64(w, snapshot->bytes);
	put_string(w, snapshot->schema);
	put_string(w, snapshot->name);
	put_string(w, snapshot->text);
	put_string(w, snapshot->position);
	put_string(w, snapshot->gtid_set);
	dbs_message_end(w);
	return true;
}

bool
dbs_rows_begin(DbsWriter *w, uint32_t table_id, DbsRowsOp op)
{
	if (!message_open(w, DBS_MESSAGE_ROWS, ROWS_FIELDS))
		return false;
	dbs_put_u32(w, table_id);
	dbs_put_u32(w, 0);
	dbs_put_u32(w, 0);
	dbs_put_u32(w, (uint32_t) op); /* the op's byte and three zeros */
	return true;
}

void
dbs_rows_end(DbsWriter *w, uint32_t count, uint32_t adjusted)
{
	char *fields = w->data + w->message + DBS_WIRE_HEADER_SIZE;

	memcpy(fields + 4, &count, sizeof count);
	memcpy(fields + 8, &adjusted, sizeof adjusted);
	dbs_message_end(w);
}

void
dbs_put_receipt(char out[DBS_RECEIPT_SIZE], const DbsReceipt *receipt)
{
	DbsWriter w = {.data = out, .size = DBS_RECEIPT_SIZE};

	dbs_put_u64(&w, receipt->state); /* the state's byte and seven zeros */
	dbs_put_u64(&w, receipt->next_batch);
	dbs_put_u64(&w, receipt->credit);
	dbs_put_u64(&w, receipt->applied_bytes);
	dbs_put_i64(&w, receipt->applied_time);
	dbs_put_u64(&w, receipt->sync_wanted);
}
