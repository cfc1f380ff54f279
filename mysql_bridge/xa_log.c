/*
 * A second look at the log: see xa_log.h.
 */
#include "xa_log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "binlog_connection.h"
#include "transaction_payload.h"

struct XaLog
{
	const StreamConfig *config;
	const MysqlServer *server;
	MYSQL *sql;
	TransactionPayload *payload;
	BinlogFormat format;
	BinlogPlace at;   /* behind the event last read */
	BinlogPlace from; /* earlier events of the file are passed over */
	bool file_ended;
	pthread_mutex_t lock; /* of the next: another thread may interrupt it */
	BinlogConnection *connection;
};

XaLog *
xa_log_new(const StreamConfig *config, const MysqlServer *server, MYSQL *sql)
{
	XaLog *log = calloc(1, sizeof *log);

	if (log == NULL)
		return NULL;
	pthread_mutex_init(&log->lock, NULL);
	log->config = config;
	log->server = server;
	log->sql = sql;
	log->payload = transaction_payload_new();
	if (log->payload != NULL)
		return log;
	xa_log_free(log);
	return NULL;
}

void
xa_log_free(XaLog *log)
{
	if (log == NULL)
		return;
	xa_log_close(log);
	transaction_payload_free(log->payload);
	pthread_mutex_destroy(&log->lock);
	free(log);
}

void
xa_log_close(XaLog *log)
{
	BinlogConnection *connection = log->connection;

	pthread_mutex_lock(&log->lock);
	log->connection = NULL;
	pthread_mutex_unlock(&log->lock);
	binlog_connection_close(connection);
}

void
xa_log_interrupt(XaLog *log)
{
	pthread_mutex_lock(&log->lock);
	if (log->connection != NULL)
		binlog_connection_interrupt(log->connection);
	pthread_mutex_unlock(&log->lock);
}

const BinlogFormat *
xa_log_format(const XaLog *log)
{
	return &log->format;
}

/* ---- reading a file ---- */

bool
xa_log_open(XaLog *log, const BinlogPlace *from, Failure *failure)
{
	BinlogStart start = {.place = *from, .beside = true};
	BinlogConnection *connection;

	xa_log_close(log);
	memset(&log->format, 0, sizeof log->format);
	log->from = *from;
	log->file_ended = false;
	/* The protocol has 32 bits for the offset. */
	if (from->point.offset > UINT32_MAX)
		start.place.point.offset = BINLOG_FIRST_OFFSET;
	log->at = start.place;
	connection = binlog_connection_open(log->config, log->server, &start, failure);
	if (connection == NULL)
		return false;
	pthread_mutex_lock(&log->lock);
	log->connection = connection;
	pthread_mutex_unlock(&log->lock);
	return true;
}

/* An event of the log itself: what it says is taken, and nobody else need see it. */
static bool
take_own(XaLog *log, const BinlogEvent *event, Failure *failure)
{
	RotateEvent rotate;

	if (event->type == BINLOG_FORMAT)
		return binlog_format_parse(event, &log->format, failure);
	if (event->type != BINLOG_ROTATE)
		return true;
	if (!binlog_rotate_parse(event, &rotate, failure))
		return false;
	/* The first one names the file that was asked for. */
	if (strlen(log->from.file) != rotate.file_size || memcmp(log->from.file, rotate.file, rotate.file_size) != 0)
		log->file_ended = true;
	return true;
}

/* As xa_log_next; *event's type is 0 at the file's end. */
static bool
next_or_end(XaLog *log, BinlogEvent *event, Failure *failure)
{
	for (;;)
	{
		const uint8_t *data;
		size_t size;
		bool own;

		memset(event, 0, sizeof *event);
		if (log->file_ended)
			return true;
		if (!binlog_connection_next(log->connection, &data, &size, failure) ||
			!binlog_event_parse(data, size, &log->format, event, failure))
			return false;
		own = event->type == BINLOG_FORMAT || event->type == BINLOG_ROTATE;
		if ((event->flags & BINLOG_FLAG_ARTIFICIAL) == 0 && !(own && event->end_offset == 0) &&
			event->type != BINLOG_HEARTBEAT && event->type != BINLOG_HEARTBEAT_V2)
			log->at.point.offset = binlog_event_end(event, log->at.point.offset);
		else
			own = true;
		if (own && !take_own(log, event, failure))
			return false;
		if (!own && log->at.point.offset - event->size >= log->from.point.offset)
			return true;
	}
}

bool
xa_log_next(XaLog *log, BinlogEvent *event, Failure *failure)
{
	if (!next_or_end(log, event, failure))
		return false;
	return event->type != 0 ||
		   failure_set(failure, FAILURE_REJECT, "event_damaged", "Look at the source's log with mysqlbinlog.",
					   "the file %s ends in the middle of an XA transaction that begins at %" PRIu64, log->from.file,
					   log->from.point.offset);
}

/* ---- finding ---- */

static bool
is_announcement(const BinlogEvent *event)
{
	return event->type == BINLOG_GTID || event->type == BINLOG_ANONYMOUS_GTID || event->type == BINLOG_GTID_TAGGED ||
		   event->type == BINLOG_MARIADB_GTID;
}

/* "XA START X'61',X'',1": the first event of such a transaction in a compressed one. */
static bool
starts(const BinlogEvent *event, const BinlogFormat *format, const char *identifier, bool *same, Failure *failure)
{
	static const char words[] = "XA START ";
	const size_t skip = sizeof words - 1;
	QueryEvent query;

	*same = false;
	if (event->type != BINLOG_QUERY)
		return true;
	if (!binlog_query_parse(event, format, &query, failure))
		return false;
	*same = query.text_size == skip + strlen(identifier) && strncasecmp(query.text, words, skip) == 0 &&
			strncasecmp(query.text + skip, identifier, query.text_size - skip) == 0;
	return true;
}

static bool
payload_starts(XaLog *log, const BinlogEvent *event, const char *identifier, bool *same, Failure *failure)
{
	BinlogFormat format = log->format;
	const uint8_t *data;
	size_t size;
	BinlogEvent nested;

	*same = false;
	format.checksum = false;
	if (!transaction_payload_open(log->payload, event->body, event->body_size, failure) ||
		!transaction_payload_next(log->payload, &data, &size, failure))
		return false;
	return data == NULL || (binlog_event_parse(data, size, &format, &nested, failure) &&
							starts(&nested, &format, identifier, same, failure));
}

/* Is it the end of that transaction's prepared part? */
static bool
is_prepare(XaLog *log, const BinlogEvent *event, const char *identifier, bool *same, Failure *failure)
{
	char prepared[XA_IDENTIFIER_MAX];
	bool one_phase;

	*same = false;
	if (event->type == BINLOG_TRANSACTION_PAYLOAD)
		return payload_starts(log, event, identifier, same, failure);
	if (event->type != BINLOG_XA_PREPARE)
		return true;
	if (!binlog_xa_prepare_parse(event, &one_phase, prepared, failure))
		return false;
	*same = !one_phase && strcasecmp(prepared, identifier) == 0;
	return true;
}

/* The last one of the file; found's file is empty when it has none. */
static bool
find_in_file(XaLog *log, const char *identifier, const BinlogPlace *file, const BinlogPlace *before, BinlogPlace *found,
			 Failure *failure)
{
	BinlogPlace start = *file;
	BinlogPlace group;
	BinlogEvent event;

	memset(found, 0, sizeof *found);
	start.point.offset = BINLOG_FIRST_OFFSET;
	group = start;
	if (!xa_log_open(log, &start, failure))
		return false;
	for (;;)
	{
		bool same;

		if (!next_or_end(log, &event, failure))
			return false;
		if (event.type == 0 || source_point_compare(log->at.point, before->point) > 0)
			break;
		if (is_announcement(&event))
		{
			group = log->at;
			group.point.offset -= event.size;
		}
		if (!is_prepare(log, &event, identifier, &same, failure))
			return false;
		if (same)
			*found = group;
	}
	xa_log_close(log);
	return true;
}

bool
xa_log_find(XaLog *log, const char *identifier, const BinlogPlace *before, BinlogPlace *found, Failure *failure)
{
	BinlogFile *files;
	size_t count;
	bool done = true;

	if (!mysql_server_log_files(log->sql, &files, &count, failure))
		return false;
	memset(found, 0, sizeof *found);
	for (size_t i = count; done && found->file[0] == '\0' && i > 0; i--)
	{
		if (files[i - 1].place.point.file <= before->point.file)
			done = find_in_file(log, identifier, &files[i - 1].place, before, found, failure);
	}
	if (done && found->file[0] == '\0')
		done = failure_set(failure, FAILURE_REJECT, "xa_purged",
						   "Carry its changes over by hand, or copy its tables anew, and pass it with "
						   "dbstream.set_position(); keep the source's log for longer than any XA transaction stays "
						   "prepared.",
						   "XA transaction %s is committed here, but the source has purged the part of its log that "
						   "has its changes; the oldest file is %s",
						   identifier, count > 0 ? files[0].place.file : "(none)");
	free(files);
	return done;
}
