/*
 * Where transactions begin and end in the binary log.
 */
#include "binlog_reader_state.h"

#include <inttypes.h>

#include "cut_transaction.h"

bool
binlog_transaction_open(BinlogReader *reader, Failure *failure)
{
	if (reader->state == LOG_BETWEEN)
	{
		/* A server without GTID events: BEGIN is the first of the transaction. */
		reader->restart = reader->event;
		wire_transaction_start(&reader->wire, "", 0);
		reader->dropped = cut_transaction_known(reader->config->id, &reader->restart);
		reader->in_xa = false;
	}
	reader->state = LOG_OPEN;
	return true;
}

/* The transaction is over; what it had for the stream has been sent. */
bool
binlog_transaction_end(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	bool sent = reader->wire.begun;

	if (reader->gtids_known && reader->mysql_gtid.number > 0 &&
		!mysql_gtid_set_add(reader->mysql_set, &reader->mysql_gtid))
		return failure_out_of_memory(failure);
	if (reader->gtids_known && reader->mariadb_gtid_pending &&
		!mariadb_gtid_position_set(reader->mariadb_position, &reader->mariadb_gtid))
		return failure_out_of_memory(failure);
	reader->mysql_gtid.number = 0;
	reader->mariadb_gtid_pending = false;
	if (sent)
	{
		char position[BINLOG_PLACE_TEXT_MAX];
		const char *set = binlog_reader_gtid_set(reader);

		binlog_place_text(&reader->place, position);
		if (set == NULL)
			return failure_out_of_memory(failure);
		if (reader->wire.commit_time == 0 && event->timestamp != 0)
			reader->wire.commit_time = (int64_t) event->timestamp * 1000000 - WIRE_EPOCH_OFFSET;
		if (!wire_transaction_commit(&reader->wire, position, set, failure))
			return false;
		reader->reported = reader->place.point;
		reader->reported_bytes = reader->bytes;
	}
	reader->state = LOG_BETWEEN;
	table_cache_trim(reader->tables);
	return true;
}

/*
 * A transaction without an end.  Where a new log file begins, the server crashed while it wrote it, and rolled it back
 * when it came up: it never happened.  What was sent of it goes with the session, and the next one leaves it out.
 */
bool
binlog_transaction_cut(BinlogReader *reader, const char *by, bool new_file, Failure *failure)
{
	if (reader->state == LOG_BETWEEN)
		return true;
	if (reader->wire.begun && new_file)
	{
		cut_transaction_remember(reader->config->id, &reader->restart);
		return failure_set(failure, FAILURE_RETRY, "transaction_cut",
						   "Nothing need be done: it was rolled back there and is left out when reading starts again.",
						   "the source crashed while it logged the transaction that begins at %s:%" PRIu64,
						   reader->restart.file, reader->restart.point.offset);
	}
	if (reader->wire.begun)
		return failure_set(failure, FAILURE_REJECT, "transaction_cut",
						   "Check with mysqlbinlog what happened here; put the table right by hand and pass it with "
						   "dbstream.set_position().",
						   "the log goes on with a %s event inside of a transaction that began at %s:%" PRIu64
						   " and has rows for this stream",
						   by, reader->restart.file, reader->restart.point.offset);
	reader->mysql_gtid.number = 0;
	reader->mariadb_gtid_pending = false;
	reader->state = LOG_BETWEEN;
	return true;
}

/* A new transaction begins with this event. */
static bool
transaction_announced(BinlogReader *reader, const char *gtid, int64_t commit_time, Failure *failure)
{
	if (!binlog_transaction_cut(reader, "GTID", false, failure))
		return false;
	reader->restart = reader->event;
	reader->point = reader->event.point;
	reader->located = true;
	reader->dropped = cut_transaction_known(reader->config->id, &reader->restart);
	reader->in_xa = false;
	wire_transaction_start(&reader->wire, gtid, commit_time);
	return true;
}

bool
binlog_transaction_mysql_gtid(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	MysqlGtidEvent gtid;
	char text[MYSQL_GTID_TEXT_MAX] = "";

	if (!binlog_mysql_gtid_parse(event, &gtid, failure))
		return false;
	if (gtid.anonymous)
		reader->gtids_known = false; /* a set cannot say that this one is applied */
	else
		mysql_gtid_text(&gtid.gtid, text);
	if (!transaction_announced(reader, text, gtid.commit_time > 0 ? gtid.commit_time - WIRE_EPOCH_OFFSET : 0, failure))
		return false;
	reader->mysql_gtid = gtid.gtid;
	reader->state = LOG_ANNOUNCED;
	if (!gtid.anonymous && reader->gtids_known && !reader->muted &&
		mysql_gtid_set_contains(reader->mysql_set, &gtid.gtid))
		return failure_set(failure, FAILURE_REJECT, "source_diverged",
						   "The server's log was reset or the server replaced: create the stream anew, or go on "
						   "with dbstream.set_position() at a place that is known to be right.",
						   "transaction %s has been applied before, but the log has it again", text);
	return true;
}

bool
binlog_transaction_mariadb_gtid(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	MariadbGtidEvent gtid;
	char text[MARIADB_GTID_TEXT_MAX];

	if (!binlog_mariadb_gtid_parse(event, &gtid, failure))
		return false;
	mariadb_gtid_text(&gtid.gtid, text);
	if (!transaction_announced(reader, text, 0, failure))
		return false;
	reader->mariadb_gtid = gtid.gtid;
	reader->mariadb_gtid_pending = true;
	reader->state = (gtid.flags & MARIADB_GTID_STANDALONE) != 0 ? LOG_STANDALONE : LOG_OPEN;

	/* MariaDB says so here, MySQL by a statement. */
	return (gtid.flags & MARIADB_GTID_PREPARED_XA) == 0 || binlog_xa_begin(reader, failure);
}

bool
binlog_transaction_missing(const BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	return failure_set(
		failure, FAILURE_REJECT, "position_invalid",
		"Start at the beginning of a transaction: SHOW BINLOG EVENTS at the source shows where they are.",
		"a %s event comes outside of a transaction: reading began in the middle of one",
		binlog_event_name(event->type));
}
