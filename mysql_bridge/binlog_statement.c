/*
 * Statements in the binary log: those that make up transactions, and schema changes.
 */
#include "binlog_reader_state.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "target_failure.h"

static bool
text_is(const QueryEvent *query, const char *word)
{
	size_t size = strlen(word);

	return query->text_size == size && strncasecmp(query->text, word, size) == 0;
}

bool
query_event_begins(const QueryEvent *query, const char *words)
{
	size_t size = strlen(words);

	return query->text_size >= size && strncasecmp(query->text, words, size) == 0;
}

/*
 * A server may put a dummy in place of an event that it thinks we do not know. It names the event's type; only the
 * types that carry nothing may vanish so.
 */
static bool
on_dummy(const QueryEvent *query, Failure *failure)
{
	static const char prefix[] = "# Dummy event replacing event type ";
	unsigned type = 0;

	for (size_t i = sizeof prefix - 1; query_event_begins(query, prefix) && i < query->text_size; i++)
	{
		if (query->text[i] < '0' || query->text[i] > '9' || type > 255)
			break;
		type = type * 10 + (unsigned) (query->text[i] - '0');
	}
	if (type > 0 && type < 256 && binlog_event_treatment((uint8_t) type) == EVENT_IGNORED)
		return true;
	return failure_set(failure, FAILURE_REJECT, "event_unknown",
					   "Report this with the server's version; the event was left out by the server.",
					   "the server sent \"%.*s\" in place of an event", (int) query->text_size, query->text);
}

/*
 * A schema change that an outbound stream made here: it has been made in PostgreSQL before. Servers write DROP TABLE
 * anew, without its mark; then the name that the table was given tells.
 */
static bool
from_this_side(const QueryEvent *query)
{
	if (query->text_size >= sizeof TARGET_DDL_MARK - 1 &&
		memcmp(query->text, TARGET_DDL_MARK, sizeof TARGET_DDL_MARK - 1) == 0)
		return true;
	return query_event_begins(query, "DROP TABLE ") &&
		   memmem(query->text, query->text_size, TARGET_DROPPED, sizeof TARGET_DROPPED - 1) != NULL;
}

/* What the log says of a statement besides its text. */
static bool
describe_statement(BinlogReader *reader, const BinlogEvent *event, const QueryEvent *query, DbsDdl *ddl,
				   Failure *failure)
{
	*ddl = (DbsDdl){
		.sql_mode = query->sql_mode,
		.utc_offset = DBS_UTC_OFFSET_UNKNOWN,
		.flags = query->no_foreign_key_checks ? DBS_DDL_NO_FOREIGN_KEY_CHECKS : 0,
		.default_schema = {query->schema, (uint32_t) query->schema_size},
		.text = {query->text, (uint32_t) query->text_size},
	};
	if (event->timestamp != 0)
		ddl->time = (int64_t) event->timestamp * 1000000 + query->microseconds - WIRE_EPOCH_OFFSET;
	if (query->time_zone == NULL)
		return true;
	return time_zone_offset(&reader->time_zones, query->time_zone, query->time_zone_size, event->timestamp,
							&ddl->utc_offset, failure);
}

static bool
send_statement(BinlogReader *reader, const BinlogEvent *event, const QueryEvent *query, Failure *failure)
{
	const Charset *charset = NULL;
	DbsDdl ddl;

	if (reader->muted || reader->dropped || from_this_side(query))
		return true;

	/* It counts where it has succeeded. */
	if ((query->alter_phase & (QUERY_ALTER_START | QUERY_ALTER_ROLLBACK)) != 0)
		return true;
	if (reader->tells_statements && !reader->wire.begun && reader->located &&
		!binlog_reader_heartbeat(reader, wire_time_now(), failure))
		return false;
	if (query->collation != 0)
	{
		charset = charset_of_collation(reader->charsets, query->collation, failure);
		if (charset == NULL)
			return false;
	}
	return describe_statement(reader, event, query, &ddl, failure) &&
		   wire_transaction_ddl(&reader->wire, &ddl, charset, failure);
}

static bool
on_rollback(BinlogReader *reader, const BinlogEvent *event, const QueryEvent *query, Failure *failure)
{
	if (reader->wire.begun)
		return failure_set(failure, FAILURE_REJECT, "rollback_of_rows",
						   "It mixes transactional and other tables. Nothing of it is applied. Carry over by hand what "
						   "it did to tables that are not transactional, then pass it with dbstream.set_position().",
						   "a transaction with rows for this stream, begun at %s:%" PRIu64 ", has %.*s",
						   reader->restart.file, reader->restart.point.offset,
						   (int) (query->text_size > 200 ? 200 : query->text_size), query->text);
	return binlog_transaction_end(reader, event, failure);
}

bool
binlog_statement(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format, Failure *failure)
{
	QueryEvent query;

	if (!binlog_query_parse(event, format, &query, failure))
		return false;
	if (event->type == BINLOG_MARIADB_QUERY_COMPRESSED)
	{
		size_t size;

		if (!compressed_query_inflate((const uint8_t *) query.text,
									  (size_t) (event->body + event->body_size - (const uint8_t *) query.text),
									  &reader->inflated, &size, failure))
			return false;
		query.text = (const char *) reader->inflated.data;
		query.text_size = size;
		while (query.text_size > 0 && query.text[query.text_size - 1] == '\0')
			query.text_size--;
	}
	if (text_is(&query, "BEGIN"))
		return binlog_transaction_open(reader, failure);
	if (text_is(&query, "COMMIT"))
		return binlog_transaction_end(reader, event, failure);
	if (text_is(&query, "ROLLBACK"))
		return on_rollback(reader, event, &query, failure);
	if (reader->state == LOG_OPEN)
	{
		if (query_event_begins(&query, "SAVEPOINT "))
			return true;
		if (query_event_begins(&query, "ROLLBACK TO ") && !binlog_xa_holds_back(reader))
			return reader->wire.begun ? on_rollback(reader, event, &query, failure) : true;
	}
	if (query_event_begins(&query, "XA "))
		return binlog_xa_statement(reader, event, &query, failure);
	if (query_event_begins(&query, "# Dum"))
		return on_dummy(&query, failure);
	if (binlog_xa_holds_back(reader))
	{
		binlog_xa_keep(reader);
		xa_list_current(reader->prepared)->concerns = true;
		return true;
	}
	if (reader->state == LOG_BETWEEN)
	{
		reader->restart = reader->event;
		reader->dropped = false;
		wire_transaction_start(&reader->wire, "", 0);
	}
	if (!send_statement(reader, event, &query, failure))
		return false;
	return reader->state == LOG_OPEN || binlog_transaction_end(reader, event, failure);
}
