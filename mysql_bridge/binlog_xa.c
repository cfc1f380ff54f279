/*
 * XA transactions in the binary log.  Over two phases, the rows are in the log when it is prepared, and it counts where
 * it is committed, if ever. So they are left out where they stand, and taken from the log a second time at the commit.
 */
#include "binlog_reader_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "xa_log.h"

/* What is read now belongs to the XA transaction that is prepared: it is left out. */
bool
binlog_xa_holds_back(const BinlogReader *reader)
{
	return reader->in_xa && reader->reading == NULL;
}

/* Keep the event that is being looked at. One of a compressed transaction is kept with all of it. */
void
binlog_xa_keep(BinlogReader *reader)
{
	if (reader->raw != NULL)
		xa_list_keep(reader->prepared, reader->raw, reader->raw_size, &reader->format);
	reader->raw = NULL;
}

bool
binlog_xa_begin(BinlogReader *reader, Failure *failure)
{
	if (reader->in_xa)
		return true;
	if (xa_list_begin(reader->prepared, &reader->restart) == NULL)
		return failure_out_of_memory(failure);
	reader->in_xa = true;
	binlog_xa_keep(reader);
	return true;
}

static bool
xa_log_there(const BinlogReader *reader, Failure *failure)
{
	return reader->xa_log != NULL || failure_set(failure, FAILURE_REJECT, "internal", "Report this.",
												 "there is no second way to the source's log");
}

/* The commit of a prepared transaction. Of one that this session has not met it is not known what it holds. */
static bool
xa_commit(BinlogReader *reader, const char *identifier, Failure *failure)
{
	XaGroup *group = xa_list_take(reader->prepared, identifier);

	if (group == NULL && !reader->muted && !reader->dropped)
	{
		group = calloc(1, sizeof *group);
		if (group == NULL)
			return failure_out_of_memory(failure);
		reader->xa_due = group;
		snprintf(group->identifier, sizeof group->identifier, "%s", identifier);
		group->concerns = true;
		return xa_log_there(reader, failure) &&
			   xa_log_find(reader->xa_log, identifier, &reader->restart, &group->place, failure);
	}
	reader->xa_due = group;
	return true;
}

bool
binlog_xa_statement(BinlogReader *reader, const BinlogEvent *event, const QueryEvent *query, Failure *failure)
{
	char identifier[XA_IDENTIFIER_MAX];
	size_t at = 0;

	if (reader->reading != NULL || query_event_begins(query, "XA END "))
		return true;
	if (query_event_begins(query, "XA START ") || query_event_begins(query, "XA BEGIN "))
		return binlog_transaction_open(reader, failure) && binlog_xa_begin(reader, failure);
	if (reader->state == LOG_BETWEEN)
	{
		reader->restart = reader->event;
		reader->dropped = false;
		wire_transaction_start(&reader->wire, "", 0);
	}
	/* "XA COMMIT X'61',X'',1": what stands behind the second space. */
	for (int spaces = 0; at < query->text_size && spaces < 2; at++)
		if (query->text[at] == ' ')
			spaces++;
	snprintf(identifier, sizeof identifier, "%.*s", (int) (query->text_size - at), query->text + at);
	if (!query_event_begins(query, "XA COMMIT "))
		xa_group_free(xa_list_take(reader->prepared, identifier));
	else if (!xa_commit(reader, identifier, failure))
		return false;
	return reader->xa_due != NULL || binlog_transaction_end(reader, event, failure);
}

/* The end of what an XA transaction did, be it prepared only or committed at once. */
bool
binlog_xa_prepare(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	char identifier[XA_IDENTIFIER_MAX];
	XaGroup *group;
	bool one_phase;

	if (!binlog_xa_prepare_parse(event, &one_phase, identifier, failure))
		return false;
	if (reader->reading != NULL)
	{
		reader->reading_ended = strcasecmp(identifier, reader->reading->identifier) == 0;
		return true;
	}
	group = xa_list_current(reader->prepared);
	if (!reader->in_xa || group == NULL)
		return binlog_transaction_end(reader, event, failure);
	binlog_xa_keep(reader);
	snprintf(group->identifier, sizeof group->identifier, "%s", identifier);
	reader->in_xa = false;
	if (!one_phase)
	{
		xa_list_prepared(reader->prepared);
		return binlog_transaction_end(reader, event, failure);
	}
	reader->xa_due = xa_list_end(reader->prepared);
	return true;
}

/* ---- read again ---- */

static bool
xa_is_damaged(const BinlogReader *reader, const char *by, Failure *failure)
{
	return failure_set(failure, FAILURE_REJECT, "event_damaged", "Look at the source's log with mysqlbinlog.",
					   "a %s event stands in the prepared XA transaction %s, which begins at %s:%" PRIu64, by,
					   reader->reading->identifier, reader->reading->place.file, reader->reading->place.point.offset);
}

/* One of its events; first: it announces the transaction. */
static bool
xa_read_event(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format, bool first, Failure *failure)
{
	switch (event->type)
	{
		case BINLOG_GTID:
		case BINLOG_ANONYMOUS_GTID:
		case BINLOG_GTID_TAGGED:
		case BINLOG_MARIADB_GTID:
			return first || xa_is_damaged(reader, binlog_event_name(event->type), failure);
		case BINLOG_XID:
		case BINLOG_FORMAT:
		case BINLOG_ROTATE:
			return xa_is_damaged(reader, binlog_event_name(event->type), failure);
		default:
			return binlog_reader_dispatch(reader, event, format, failure);
	}
}

static bool
xa_read_kept(BinlogReader *reader, const XaGroup *group, Failure *failure)
{
	const uint8_t *data;
	size_t at = 0, size;
	bool first = true;

	binlog_reader_set_nested_format(reader, &group->format);
	while (!reader->reading_ended && xa_group_event(group, &at, &data, &size))
	{
		BinlogEvent event;

		if (!binlog_event_parse(data, size, &group->format, &event, failure) ||
			!xa_read_event(reader, &event, &group->format, first, failure))
			return false;
		first = false;
	}
	return reader->reading_ended || xa_is_damaged(reader, "last", failure);
}

static bool
xa_read_log(BinlogReader *reader, const XaGroup *group, Failure *failure)
{
	BinlogEvent event;
	uint64_t count = 0;

	if (!xa_log_there(reader, failure) || !xa_log_open(reader->xa_log, &group->place, failure))
		return false;
	while (!reader->reading_ended)
	{
		if (!xa_log_next(reader->xa_log, &event, failure))
			return false;
		binlog_reader_set_nested_format(reader, xa_log_format(reader->xa_log));
		if (!xa_read_event(reader, &event, xa_log_format(reader->xa_log), count == 0, failure))
			return false;
		if (++count % BINLOG_PUBLISH_EVENTS == 0)
			binlog_reader_publish(reader);
	}
	xa_log_close(reader->xa_log);
	return true;
}

/* The XA transaction that is due counts here, and ends the open one. */
bool
binlog_xa_apply(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	XaGroup *group = reader->xa_due;
	bool done = true;

	reader->xa_due = NULL;
	if (group->concerns && !reader->muted && !reader->dropped)
	{
		reader->state = LOG_OPEN;
		reader->reading = group;
		reader->reading_ended = false;
		done = group->whole ? xa_read_kept(reader, group, failure) : xa_read_log(reader, group, failure);
		reader->reading = NULL;
		binlog_reader_set_nested_format(reader, &reader->format);
	}
	xa_group_free(group);
	return done && binlog_transaction_end(reader, event, failure);
}
