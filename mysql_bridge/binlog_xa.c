/*
 * XA transactions in the binary log.  Over two phases, the rows are in the log before it is known whether they will
 * ever count.
 */
#include "binlog_reader_state.h"

#include <stdio.h>
#include <string.h>

/* "XA END X'61',X'',1": from the first quote's X on. */
static void
xa_identifier(const QueryEvent *query, char *to, size_t room)
{
	size_t at = 0;

	for (int spaces = 0; at < query->text_size && spaces < 2; at++)
		if (query->text[at] == ' ')
			spaces++;
	snprintf(to, room, "%.*s", (int) (query->text_size - at), query->text + at);
}

static bool
xa_refused(const BinlogReader *reader, const char *identifier, const char *what, Failure *failure)
{
	return failure_set(
		failure, FAILURE_REJECT, "xa_unsupported",
		"XA transactions over two phases are not carried yet. Carry this one's changes over by hand, then "
		"pass it with dbstream.set_position().",
		"XA transaction %s %s", identifier, what);
}

/* Two-phase XA: the rows are in the log before it is known whether they will ever count. */
bool
binlog_xa_statement(BinlogReader *reader, const BinlogEvent *event, const QueryEvent *query, Failure *failure)
{
	char identifier[sizeof reader->xa];

	xa_identifier(query, identifier, sizeof identifier);
	if (query_event_begins(query, "XA START ") || query_event_begins(query, "XA BEGIN ") ||
		query_event_begins(query, "XA END "))
	{
		if (!binlog_transaction_open(reader, failure))
			return false;
		snprintf(reader->xa, sizeof reader->xa, "%s", identifier);
		return true;
	}
	if (query_event_begins(query, "XA COMMIT ") && !xa_list_take(reader->prepared, identifier) && !reader->muted)
		return xa_refused(reader, identifier,
						  "is committed here, but its changes were logged before the point where this session began to "
						  "read: whether they concern this stream is not known",
						  failure);
	if (query_event_begins(query, "XA ROLLBACK "))
		(void) xa_list_take(reader->prepared, identifier);
	if (reader->state == LOG_BETWEEN)
		reader->restart = reader->event;
	return binlog_transaction_end(reader, event, failure);
}

bool
binlog_xa_prepare(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	bool one_phase = event->body_size > 0 && event->body[0] != 0;

	if (!one_phase)
	{
		if (reader->wire.begun)
			return xa_refused(reader, reader->xa, "is prepared here and has rows for this stream", failure);
		if (!xa_list_put(reader->prepared, reader->xa))
			return failure_out_of_memory(failure);
	}
	return binlog_transaction_end(reader, event, failure);
}
