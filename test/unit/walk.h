/*
 * Reading any stream of messages to its last value, as a receiver would:
 * what the tests of hostile bytes and the fuzzer share.
 */
#ifndef DBS_TEST_WALK_H
#define DBS_TEST_WALK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "value.h"
#include "wire.h"

#ifndef WALK_TABLES
#define WALK_TABLES 8
#endif

/* Kinds of the columns of the tables met so far, by id modulo WALK_TABLES. */
typedef struct Walk
{
	uint8_t kinds[WALK_TABLES][DBS_WIRE_MAX_COLUMNS];
	uint32_t columns[WALK_TABLES];
	uint64_t values;
	unsigned char sum; /* of every byte handed out, so that a sanitizer sees each one read */
} Walk;

static void
walk_touch(Walk *walk, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		walk->sum += (unsigned char) data[i];
}

static void
walk_string(Walk *walk, DbsString s)
{
	walk_touch(walk, s.data, s.size);
}

static bool
walk_table(Walk *walk, DbsReader *r)
{
	DbsTable table;
	uint32_t slot;

	if (!dbs_get_table(r, &table))
		return false;
	walk_string(walk, table.schema);
	walk_string(walk, table.name);
	slot = table.id % WALK_TABLES;
	walk->columns[slot] = 0;
	for (uint32_t i = 0; i < table.column_count; i++)
	{
		DbsColumn column;

		if (!dbs_get_column(r, &column))
			return false;
		walk_string(walk, column.name);
		walk_string(walk, column.type_name);
		walk->kinds[slot][i] = column.kind;
	}
	walk->columns[slot] = table.column_count;
	return dbs_get_end(r);
}

static bool
walk_row(Walk *walk, DbsReader *r, uint32_t slot, bool same_key_allowed)
{
	uint32_t columns = walk->columns[slot];
	const uint8_t *nulls;
	const uint8_t *absent;
	uint8_t form;

	if (!dbs_get_row_form(r, columns, &form, &nulls, &absent))
		return false;
	if (form == DBS_ROW_SAME_KEY)
		return same_key_allowed || dbs_reader_fail(r, "a new row cannot be its own key");
	for (uint32_t i = 0; i < columns; i++)
	{
		const char *value;
		uint32_t size;
		const char *error;

		if (nulls != NULL && (nulls[i / 8] >> i % 8 & 1))
			continue;
		if (absent != NULL && (absent[i / 8] >> i % 8 & 1))
			continue;
		if (!dbs_get_value(r, walk->kinds[slot][i], &value, &size))
			return false;
		error = dbs_value_check(walk->kinds[slot][i], value, size);
		if (error != NULL)
			return dbs_reader_fail(r, error);
		walk_touch(walk, value, size);
		walk->values++;
	}
	return true;
}

static bool
walk_rows(Walk *walk, DbsReader *r)
{
	DbsRows rows;

	if (!dbs_get_rows(r, &rows))
		return false;
	if (walk->columns[rows.table_id % WALK_TABLES] == 0)
		return dbs_reader_fail(r, "rows of a table that no message describes");
	for (uint32_t i = 0; i < rows.count; i++)
	{
		if (rows.op == DBS_ROWS_UPDATE && !walk_row(walk, r, rows.table_id % WALK_TABLES, true))
			return false;
		if (!walk_row(walk, r, rows.table_id % WALK_TABLES, false))
			return false;
	}
	return dbs_get_end(r);
}

/* Every message that consists of strings and numbers alone. */
static bool
walk_plain(Walk *walk, DbsReader *r, DbsMessageType type)
{
	union
	{
		DbsHello hello;
		DbsBegin begin;
		DbsTruncate truncate;
		DbsDdl ddl;
		DbsLogicalMessage message;
		DbsCommit commit;
		DbsHeartbeat heartbeat;
		uint64_t token;
		DbsSnapshot snapshot;
	} u;

	switch (type)
	{
		case DBS_MESSAGE_HELLO:
			if (!dbs_get_hello(r, &u.hello))
				return false;
			walk_string(walk, u.hello.software);
			walk_string(walk, u.hello.source_kind);
			walk_string(walk, u.hello.source_version);
			break;
		case DBS_MESSAGE_BEGIN:
			if (!dbs_get_begin(r, &u.begin))
				return false;
			walk_string(walk, u.begin.gtid);
			break;
		case DBS_MESSAGE_TRUNCATE:
			if (!dbs_get_truncate(r, &u.truncate))
				return false;
			walk_string(walk, u.truncate.schema);
			walk_string(walk, u.truncate.name);
			break;
		case DBS_MESSAGE_DDL:
			if (!dbs_get_ddl(r, &u.ddl))
				return false;
			walk_string(walk, u.ddl.default_schema);
			walk_string(walk, u.ddl.charset);
			walk_string(walk, u.ddl.text);
			break;
		case DBS_MESSAGE_MESSAGE:
			if (!dbs_get_logical_message(r, &u.message))
				return false;
			walk_string(walk, u.message.prefix);
			walk_string(walk, u.message.content);
			break;
		case DBS_MESSAGE_COMMIT:
			if (!dbs_get_commit(r, &u.commit))
				return false;
			walk_string(walk, u.commit.position);
			walk_string(walk, u.commit.gtid_set);
			break;
		case DBS_MESSAGE_HEARTBEAT:
			if (!dbs_get_heartbeat(r, &u.heartbeat))
				return false;
			walk_string(walk, u.heartbeat.position);
			walk_string(walk, u.heartbeat.gtid_set);
			break;
		case DBS_MESSAGE_SYNC:
			if (!dbs_get_sync(r, &u.token))
				return false;
			break;
		case DBS_MESSAGE_SNAPSHOT:
			if (!dbs_get_snapshot(r, &u.snapshot))
				return false;
			walk_string(walk, u.snapshot.schema);
			walk_string(walk, u.snapshot.name);
			walk_string(walk, u.snapshot.text);
			walk_string(walk, u.snapshot.position);
			walk_string(walk, u.snapshot.gtid_set);
			break;
		default:
			return dbs_reader_fail(r, "a message that nobody reads");
	}
	return dbs_get_end(r);
}

/* The message's error, or NULL when it was read to its end. */
static const char *
walk_message(Walk *walk, const DbsMessage *message)
{
	DbsReader r;
	bool good;

	dbs_reader_init(&r, message);
	if (message->type == DBS_MESSAGE_TABLE)
		good = walk_table(walk, &r);
	else if (message->type == DBS_MESSAGE_ROWS)
		good = walk_rows(walk, &r);
	else
		good = walk_plain(walk, &r, message->type);
	return good ? NULL : r.error;
}

/*
 * Every message of data[0..size). Returns the bytes used up; *error is NULL, or
 * says what was wrong with the message at that place.
 */
static size_t
walk_stream(Walk *walk, char *data, size_t size, const char **error)
{
	size_t used = 0;

	*error = NULL;
	while (used < size)
	{
		DbsMessage message;
		size_t needed;
		size_t whole = dbs_message_next(data + used, size - used, &message, &needed, error);

		if (whole == 0 || whole == SIZE_MAX)
			return used;
		*error = walk_message(walk, &message);
		if (*error != NULL)
			return used;
		used += whole;
	}
	return used;
}

#endif
