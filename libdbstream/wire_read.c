/*
 * Reading messages.  Bytes may come from a version with a fault or from
 * somebody hostile: every size is checked against what is there before it is
 * used, every code against the known ones, every string for being text.
 */
#include "utf8.h"
#include "wire.h"

/* MySQL's zones go from -13:59 to +14:00, and named ones of the past stay within a day. */
#define MAX_UTC_OFFSET 86400

/* The receiver's alternative to checking each string again: text is UTF-8 and holds no NUL byte. */
static bool
get_text(DbsReader *r, DbsString *s)
{
	uint32_t size;

	if (!dbs_get_u32(r, &size))
		return false;
	if ((size_t) (r->end - r->at) < size)
		return dbs_reader_fail(r, "message ends inside a string");
	s->data = r->at;
	s->size = size;
	r->at += size;
	if (memchr(s->data, '\0', size) != NULL)
		return dbs_reader_fail(r, "a string holds a NUL byte");
	if (!dbs_utf8_valid(s->data, size))
		return dbs_reader_fail(r, "a string is not valid UTF-8");
	return true;
}

/* Text that must say something. */
static bool
get_name(DbsReader *r, DbsString *s, const char *when_empty)
{
	if (!get_text(r, s))
		return false;
	if (s->size == 0)
		return dbs_reader_fail(r, when_empty);
	return true;
}

static bool
get_u16(DbsReader *r, uint16_t *v)
{
	if (r->end - r->at < 2)
		return dbs_reader_fail(r, "message ends inside a 16-bit field");
	memcpy(v, r->at, 2);
	r->at += 2;
	return true;
}

static bool
get_i64(DbsReader *r, int64_t *v)
{
	uint64_t bits;

	if (!dbs_get_u64(r, &bits))
		return false;
	*v = (int64_t) bits;
	return true;
}

size_t
dbs_message_next(char *data, size_t size, DbsMessage *message, size_t *needed, const char **error)
{
	uint32_t body;
	uint32_t type;
	size_t whole;

	*needed = DBS_WIRE_HEADER_SIZE;
	if (size < DBS_WIRE_HEADER_SIZE)
		return 0;
	memcpy(&body, data, 4);
	memcpy(&type, data + 4, 4);
	if (body > DBS_WIRE_MAX_MESSAGE)
	{
		*error = "message is larger than the format allows";
		return SIZE_MAX;
	}
	if (type < DBS_MESSAGE_HELLO || type > DBS_MESSAGE_SYNC)
	{
		*error = "unknown message type";
		return SIZE_MAX;
	}
	whole = DBS_WIRE_ALIGN(DBS_WIRE_HEADER_SIZE + (size_t) body);
	*needed = whole;
	if (size < whole)
		return 0;
	for (size_t i = DBS_WIRE_HEADER_SIZE + (size_t) body; i < whole; i++)
	{
		if (data[i] != 0)
		{
			*error = "padding after a message is not zero";
			return SIZE_MAX;
		}
	}
	message->type = (DbsMessageType) type;
	message->body = data + DBS_WIRE_HEADER_SIZE;
	message->size = body;
	return whole;
}

void
dbs_reader_init(DbsReader *r, const DbsMessage *message)
{
	r->start = message->body;
	r->at = message->body;
	r->end = message->body + message->size;
	r->error = NULL;
}

bool
dbs_get_hello(DbsReader *r, DbsHello *hello)
{
	if (!get_u16(r, &hello->version) || !get_u16(r, &hello->min_version) || !dbs_get_u32(r, &hello->flags))
		return false;
	if (hello->min_version == 0 || hello->min_version > hello->version)
		return dbs_reader_fail(r, "hello's versions make no range");
	if (hello->flags & ~(uint32_t) DBS_HELLO_CASCADES_LOGGED)
		return dbs_reader_fail(r, "unknown flag in a hello message");
	return get_text(r, &hello->software) && get_name(r, &hello->source_kind, "hello names no kind of source") &&
		   get_text(r, &hello->source_version);
}

bool
dbs_get_begin(DbsReader *r, DbsBegin *begin)
{
	if (!get_i64(r, &begin->commit_time) || !dbs_get_u32(r, &begin->flags))
		return false;
	if (begin->flags != 0)
		return dbs_reader_fail(r, "unknown flag in a begin message");
	return get_text(r, &begin->gtid);
}

bool
dbs_get_table(DbsReader *r, DbsTable *table)
{
	if (!dbs_get_u32(r, &table->id) || !dbs_get_u32(r, &table->column_count))
		return false;
	if (table->column_count == 0)
		return dbs_reader_fail(r, "table message without columns");
	if (table->column_count > DBS_WIRE_MAX_COLUMNS)
		return dbs_reader_fail(r, "table message with too many columns");
	return get_name(r, &table->schema, "table message without a schema name") &&
		   get_name(r, &table->name, "table message without a table name");
}

bool
dbs_get_column(DbsReader *r, DbsColumn *column)
{
	if (!dbs_get_u8(r, &column->kind) || !dbs_get_u8(r, &column->flags) || !dbs_get_u32(r, &column->length) ||
		!dbs_get_u32(r, &column->scale))
		return false;
	if (column->kind == DBS_KIND_NONE || column->kind >= DBS_KIND_COUNT)
		return dbs_reader_fail(r, "column of an unknown kind");
	if (column->flags & ~(DBS_COLUMN_KEY | DBS_COLUMN_NULLABLE))
		return dbs_reader_fail(r, "column with an unknown flag");
	return get_name(r, &column->name, "column without a name") && get_text(r, &column->type_name);
}

bool
dbs_get_rows(DbsReader *r, DbsRows *rows)
{
	uint32_t op;

	if (!dbs_get_u32(r, &rows->table_id) || !dbs_get_u32(r, &rows->count) || !dbs_get_u32(r, &rows->adjusted) ||
		!dbs_get_u32(r, &op))
		return false;
	if (op < DBS_ROWS_INSERT || op > DBS_ROWS_DELETE)
		return dbs_reader_fail(r, "rows message with an unknown operation");
	rows->op = (uint8_t) op;

	/* A row takes at least its form's byte: a count beyond that is a lie that somebody may allocate for. */
	if (rows->count > (size_t) (r->end - r->at) / (op == DBS_ROWS_UPDATE ? 2 : 1))
		return dbs_reader_fail(r, "rows message counts more rows than it can hold");
	return true;
}

bool
dbs_get_truncate(DbsReader *r, DbsTruncate *truncate)
{
	if (!get_name(r, &truncate->schema, "truncate message without a schema name") ||
		!get_name(r, &truncate->name, "truncate message without a table name") || !get_text(r, &truncate->partition) ||
		!get_text(r, &truncate->condition) || !get_text(r, &truncate->columns))
		return false;
	return (truncate->partition.size > 0) == (truncate->condition.size > 0) ||
		   dbs_reader_fail(r, "truncate message with a partition or a condition alone");
}

bool
dbs_get_ddl(DbsReader *r, DbsDdl *ddl)
{
	uint32_t offset;

	if (!dbs_get_u64(r, &ddl->sql_mode) || !get_i64(r, &ddl->time) || !dbs_get_u32(r, &offset) ||
		!dbs_get_u32(r, &ddl->flags))
		return false;
	ddl->utc_offset = (int32_t) offset;
	if (ddl->utc_offset != DBS_UTC_OFFSET_UNKNOWN &&
		(ddl->utc_offset > MAX_UTC_OFFSET || ddl->utc_offset < -MAX_UTC_OFFSET))
		return dbs_reader_fail(r, "ddl message with a time zone more than a day from UTC");
	if (ddl->flags & ~(uint32_t) DBS_DDL_NO_FOREIGN_KEY_CHECKS)
		return dbs_reader_fail(r, "unknown flag in a ddl message");
	return get_text(r, &ddl->default_schema) && get_text(r, &ddl->charset) && get_text(r, &ddl->text);
}

bool
dbs_get_logical_message(DbsReader *r, DbsLogicalMessage *message)
{
	uint32_t size;

	if (!get_text(r, &message->prefix) || !dbs_get_u32(r, &size))
		return false;
	if ((size_t) (r->end - r->at) < size)
		return dbs_reader_fail(r, "message ends inside its content");
	message->content.data = r->at;
	message->content.size = size;
	r->at += size;
	return true;
}

static bool
get_position(DbsReader *r, int64_t *time, DbsString *position, DbsString *gtid_set)
{
	return get_i64(r, time) && get_name(r, position, "position is empty") && get_text(r, gtid_set);
}

bool
dbs_get_commit(DbsReader *r, DbsCommit *commit)
{
	return get_position(r, &commit->commit_time, &commit->position, &commit->gtid_set);
}

bool
dbs_get_heartbeat(DbsReader *r, DbsHeartbeat *heartbeat)
{
	return get_position(r, &heartbeat->time, &heartbeat->position, &heartbeat->gtid_set);
}

bool
dbs_get_sync(DbsReader *r, uint64_t *token)
{
	return dbs_get_u64(r, token);
}

/* Steps are about one table, or about the log's positions. */
static bool
snapshot_complete(DbsReader *r, const DbsSnapshot *snapshot)
{
	bool of_table = (snapshot->step >= DBS_SNAPSHOT_TABLE && snapshot->step <= DBS_SNAPSHOT_CHUNK_END) ||
					snapshot->step == DBS_SNAPSHOT_GONE || snapshot->step == DBS_SNAPSHOT_CUT;

	if (of_table != (snapshot->schema.size > 0) || of_table != (snapshot->name.size > 0))
		return dbs_reader_fail(r, "snapshot message whose step and table do not fit");
	if ((snapshot->step == DBS_SNAPSHOT_START || snapshot->step == DBS_SNAPSHOT_END) && snapshot->position.size == 0)
		return dbs_reader_fail(r, "position is empty");
	return true;
}

bool
dbs_get_snapshot(DbsReader *r, DbsSnapshot *snapshot)
{
	if (!dbs_get_u32(r, &snapshot->step) || !dbs_get_u32(r, &snapshot->flags) || !dbs_get_u64(r, &snapshot->number) ||
		!dbs_get_u64(r, &snapshot->rows) || !dbs_get_u64(r, &snapshot->bytes))
		return false;
	if (snapshot->step < DBS_SNAPSHOT_START || snapshot->step > DBS_SNAPSHOT_CUT)
		return dbs_reader_fail(r, "snapshot message with an unknown step");
	if (snapshot->flags & ~(uint32_t) (DBS_SNAPSHOT_LAST | DBS_SNAPSHOT_WHOLE | DBS_SNAPSHOT_AGAIN))
		return dbs_reader_fail(r, "unknown flag in a snapshot message");
	return get_text(r, &snapshot->schema) && get_text(r, &snapshot->name) && get_text(r, &snapshot->text) &&
		   get_text(r, &snapshot->position) && get_text(r, &snapshot->gtid_set) && snapshot_complete(r, snapshot);
}

bool
dbs_get_end(DbsReader *r)
{
	if (r->error != NULL)
		return false;
	if (r->at != r->end)
		return dbs_reader_fail(r, "message goes on after its last field");
	return true;
}

bool
dbs_get_receipt(const char *data, size_t size, DbsReceipt *receipt)
{
	uint64_t words[DBS_RECEIPT_SIZE / 8];

	if (size != DBS_RECEIPT_SIZE)
		return false;
	memcpy(words, data, sizeof words);
	if (words[0] < DBS_RECEIPT_RUNNING || words[0] > DBS_RECEIPT_OUTDATED)
		return false;
	receipt->state = (uint8_t) words[0];
	receipt->next_batch = words[1];
	receipt->credit = words[2];
	receipt->applied_bytes = words[3];
	receipt->applied_time = (int64_t) words[4];
	receipt->sync_wanted = words[5];
	return true;
}
