/*
 * The reader of the binary log: see binlog_reader.h.
 *
 * A transaction is announced by a GTID event (MySQL: also an anonymous one; before 5.7 there was none), opened by BEGIN
 * or by MariaDB's GTID event itself, and ended by XID, COMMIT or ROLLBACK. A statement outside of one, DDL above all,
 * is a transaction by itself.
 *
 * The wire's begin goes out with the first thing of a transaction that the stream wants, so transactions of other
 * tables cost their headers only. A transaction whose first TABLE_MAP names the progress table of the outbound
 * direction came from PostgreSQL and is dropped: the outbound writer changes that table before all others.
 */
#include "binlog_reader.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "binlog_event.h"
#include "compressed_event.h"
#include "cut_transaction.h"
#include "gtid_mariadb.h"
#include "gtid_mysql.h"
#include "table_cache.h"
#include "target_failure.h"
#include "time_zone.h"
#include "transaction_payload.h"
#include "wire_transaction.h"
#include "xa_list.h"

#define HEARTBEAT_MICROSECONDS 1000000
#define HEARTBEAT_BYTES ((uint64_t) 16 * 1024 * 1024)

/* A long transaction updates the counters that others see every so many events. */
#define PUBLISH_EVENTS 256

typedef enum LogState
{
	LOG_BETWEEN,    /* reading may start again here */
	LOG_ANNOUNCED,  /* after MySQL's GTID event */
	LOG_STANDALONE, /* after a MariaDB GTID event for one statement */
	LOG_OPEN        /* in a transaction */
} LogState;

/* See binlog_reader_skip. */
typedef struct SkippedTable
{
	const char *schema;
	const char *name;
	SourcePoint before;
} SkippedTable;

struct BinlogReader
{
	const StreamConfig *config;
	CharsetCatalog *charsets;
	TimeZones time_zones;
	Outbox *outbox;
	ServerFlavour flavour;
	TableCache *tables;
	WireTransaction wire;
	BinlogFormat format;
	BinlogFormat nested_format; /* of events in a TRANSACTION_PAYLOAD: they have no checksum */
	ByteBuffer inflated;
	TransactionPayload *payload;
	XaList *prepared;
	SkippedTable *skipped;
	size_t skipped_count;
	bool tells_statements; /* see binlog_reader_tell_statements */

	BinlogPlace place;   /* after the event that is being looked at */
	BinlogPlace event;   /* where that event begins */
	BinlogPlace restart; /* the last place where reading may start again */
	bool located;        /* restart is a place of this server's log */
	BinlogPlace skip_to;
	bool muted; /* before skip_to: keep count, send nothing */

	LogState state;
	bool dropped; /* the transaction is an echo, or unwanted: nothing of it is sent */
	char xa[256]; /* the XA identifier of the open transaction; empty: none */

	MysqlGtidSet *mysql_set;
	MariadbGtidPosition *mariadb_position;
	bool gtids_known;
	SourcePoint gtids_from; /* the set is reported from here on */
	MysqlGtid mysql_gtid;   /* of the open transaction; number 0: none */
	MariadbGtid mariadb_gtid;
	bool mariadb_gtid_pending;

	bool unmarked;         /* something complete has not been marked in the outbox */
	SourcePoint point;     /* everything before it has been put into the outbox or needs no message */
	SourcePoint reported;  /* the last place that a commit or a heartbeat carried */
	int64_t reported_time; /* when, by the local clock */
	uint64_t reported_bytes;
	bool idle_beat; /* the server's heartbeat has come since the last event */
	uint64_t events;
	uint64_t bytes;

	pthread_mutex_t progress_lock;
	SourceProgress progress;
};

void
binlog_start_clear(BinlogStart *start)
{
	free(start->gtid_set);
	memset(start, 0, sizeof *start);
}

static bool
out_of_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", "", "out of memory");
}

static bool
place_known(const BinlogPlace *place)
{
	return place->file[0] != '\0';
}

static void publish_progress(BinlogReader *reader);

BinlogReader *
binlog_reader_new(const StreamConfig *config, ServerFlavour flavour, const BinlogStart *start, CharsetCatalog *charsets,
				  Outbox *outbox, Failure *failure)
{
	BinlogReader *reader = calloc(1, sizeof *reader);

	if (reader == NULL)
	{
		out_of_memory(failure);
		return NULL;
	}
	pthread_mutex_init(&reader->progress_lock, NULL);
	reader->config = config;
	reader->charsets = charsets;
	reader->outbox = outbox;
	reader->flavour = flavour;
	reader->tables = table_cache_new(config, charsets);
	reader->payload = transaction_payload_new();
	reader->prepared = xa_list_new();
	reader->mysql_set = mysql_gtid_set_new();
	reader->mariadb_position = mariadb_gtid_position_new();
	time_zones_init(&reader->time_zones, charset_catalog_connection(charsets));
	wire_transaction_init(&reader->wire, outbox);
	if (reader->tables == NULL || reader->payload == NULL || reader->prepared == NULL || reader->mysql_set == NULL ||
		reader->mariadb_position == NULL)
	{
		out_of_memory(failure);
		binlog_reader_free(reader);
		return NULL;
	}
	reader->restart = start->place;
	reader->place = start->place;
	reader->event = start->place;
	reader->located = !start->by_gtid;
	reader->skip_to = start->skip_to;
	reader->muted = place_known(&start->skip_to);
	reader->point = start->by_gtid ? start->all_read : start->place.point;
	reader->reported = reader->restart.point;
	reader->reported_time = wire_time_now();
	reader->unmarked = true;
	reader->gtids_known = start->gtid_set_known;
	reader->gtids_from = start->gtids_from;
	if (start->gtid_set != NULL &&
		!(flavour == FLAVOUR_MYSQL ? mysql_gtid_set_parse(reader->mysql_set, start->gtid_set, failure)
								   : mariadb_gtid_position_parse(reader->mariadb_position, start->gtid_set, failure)))
	{
		binlog_reader_free(reader);
		return NULL;
	}
	publish_progress(reader);
	return reader;
}

void
binlog_reader_free(BinlogReader *reader)
{
	if (reader == NULL)
		return;
	table_cache_free(reader->tables);
	transaction_payload_free(reader->payload);
	xa_list_free(reader->prepared);
	free(reader->skipped);
	mysql_gtid_set_free(reader->mysql_set);
	mariadb_gtid_position_free(reader->mariadb_position);
	byte_buffer_free(&reader->inflated);
	pthread_mutex_destroy(&reader->progress_lock);
	free(reader);
}

/* ---- progress ---- */

static void
publish_progress(BinlogReader *reader)
{
	SourceProgress *progress = &reader->progress;

	pthread_mutex_lock(&reader->progress_lock);
	progress->point = reader->point;
	binlog_place_text(&reader->restart, progress->position);
	progress->events = reader->events;
	progress->bytes = reader->bytes;
	progress->rows = reader->wire.rows;
	progress->transactions = reader->wire.transactions;
	progress->adjusted = reader->wire.adjusted;
	progress->last_event_time = wire_time_now();
	pthread_mutex_unlock(&reader->progress_lock);
}

void
binlog_reader_progress(const BinlogReader *reader, SourceProgress *progress)
{
	pthread_mutex_t *lock = (pthread_mutex_t *) &reader->progress_lock;

	pthread_mutex_lock(lock);
	*progress = reader->progress;
	pthread_mutex_unlock(lock);
}

/*
 * The GTIDs of everything before the place; empty when they are not known whole, or must not be resumed from. NULL when
 * memory runs out.
 */
static const char *
gtid_set_text(BinlogReader *reader)
{
	if (!reader->gtids_known || source_point_compare(reader->place.point, reader->gtids_from) < 0)
		return "";
	return reader->flavour == FLAVOUR_MYSQL ? mysql_gtid_set_text(reader->mysql_set)
											: mariadb_gtid_position_text(reader->mariadb_position);
}

static bool
put_heartbeat(BinlogReader *reader, int64_t now, Failure *failure)
{
	char position[BINLOG_PLACE_TEXT_MAX];
	const char *set = gtid_set_text(reader);

	binlog_place_text(&reader->restart, position);
	if (set == NULL)
		return out_of_memory(failure);
	if (!wire_transaction_heartbeat(&reader->wire, now, position, set, failure))
		return false;
	reader->reported = reader->restart.point;
	reader->reported_time = now;
	reader->reported_bytes = reader->bytes;
	reader->unmarked = true;
	return true;
}

bool
binlog_reader_announce(BinlogReader *reader, Failure *failure)
{
	if (!reader->located || reader->muted || !place_known(&reader->restart))
		return true;
	return put_heartbeat(reader, wire_time_now(), failure);
}

bool
binlog_reader_skip(BinlogReader *reader, const char *schema, const char *name, SourcePoint before, Failure *failure)
{
	SkippedTable *larger;

	for (size_t i = 0; i < reader->skipped_count; i++)
		if (strcmp(reader->skipped[i].schema, schema) == 0 && strcmp(reader->skipped[i].name, name) == 0)
		{
			reader->skipped[i].before = before;
			return true;
		}
	larger = realloc(reader->skipped, (reader->skipped_count + 1) * sizeof *larger);
	if (larger == NULL)
		return out_of_memory(failure);
	reader->skipped = larger;
	reader->skipped[reader->skipped_count++] = (SkippedTable){schema, name, before};
	return true;
}

static bool
is_skipped(const BinlogReader *reader, const CachedTable *table)
{
	for (size_t i = 0; i < reader->skipped_count; i++)
	{
		const SkippedTable *skipped = &reader->skipped[i];

		if (source_point_compare(reader->event.point, skipped->before) < 0 &&
			strcmp(skipped->schema, table->schema) == 0 && strcmp(skipped->name, table->name) == 0)
			return true;
	}
	return false;
}

void
binlog_reader_tell_statements(BinlogReader *reader)
{
	reader->tells_statements = true;
}

const char *
binlog_reader_gtid_set(BinlogReader *reader)
{
	return gtid_set_text(reader);
}

SourcePoint
binlog_reader_point(const BinlogReader *reader)
{
	return reader->point;
}

bool
binlog_reader_past(const BinlogReader *reader, SourcePoint point)
{
	return reader->state == LOG_BETWEEN && !reader->muted && source_point_compare(reader->point, point) >= 0;
}

bool
binlog_reader_unsettled(const BinlogReader *reader)
{
	return reader->state == LOG_BETWEEN && !reader->muted &&
		   (reader->unmarked || source_point_compare(reader->reported, reader->restart.point) != 0);
}

bool
binlog_reader_settle(BinlogReader *reader, bool idle, Failure *failure)
{
	bool moved = reader->located && source_point_compare(reader->reported, reader->restart.point) != 0;

	if (reader->state != LOG_BETWEEN || reader->muted)
		return true;
	if (moved && (idle || (reader->events & 63) == 0))
	{
		int64_t now = wire_time_now();

		if (reader->idle_beat || now - reader->reported_time >= HEARTBEAT_MICROSECONDS ||
			reader->bytes - reader->reported_bytes >= HEARTBEAT_BYTES)
		{
			if (!put_heartbeat(reader, now, failure))
				return false;
		}
	}
	if (reader->unmarked)
	{
		if (!outbox_mark(reader->outbox, reader->point, idle, failure))
			return false;
		if (idle)
		{
			reader->unmarked = false;
			publish_progress(reader);
		}
	}
	reader->idle_beat = false;
	return true;
}

/* ---- transactions ---- */

static bool
transaction_open(BinlogReader *reader, Failure *failure)
{
	if (reader->state == LOG_BETWEEN)
	{
		/* A server without GTID events: BEGIN is the first of the transaction. */
		reader->restart = reader->event;
		wire_transaction_start(&reader->wire, "", 0);
		reader->dropped = cut_transaction_known(reader->config->id, &reader->restart);
		reader->xa[0] = '\0';
	}
	reader->state = LOG_OPEN;
	return true;
}

/* The transaction is over; what it had for the stream has been sent. */
static bool
transaction_end(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	bool sent = reader->wire.begun;

	if (reader->gtids_known && reader->mysql_gtid.number > 0 &&
		!mysql_gtid_set_add(reader->mysql_set, &reader->mysql_gtid))
		return out_of_memory(failure);
	if (reader->gtids_known && reader->mariadb_gtid_pending &&
		!mariadb_gtid_position_set(reader->mariadb_position, &reader->mariadb_gtid))
		return out_of_memory(failure);
	reader->mysql_gtid.number = 0;
	reader->mariadb_gtid_pending = false;
	if (sent)
	{
		char position[BINLOG_PLACE_TEXT_MAX];
		const char *set = gtid_set_text(reader);

		binlog_place_text(&reader->place, position);
		if (set == NULL)
			return out_of_memory(failure);
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
static bool
transaction_cut(BinlogReader *reader, const char *by, bool new_file, Failure *failure)
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
	if (!transaction_cut(reader, "GTID", false, failure))
		return false;
	reader->restart = reader->event;
	reader->point = reader->event.point;
	reader->located = true;
	reader->dropped = cut_transaction_known(reader->config->id, &reader->restart);
	reader->xa[0] = '\0';
	wire_transaction_start(&reader->wire, gtid, commit_time);
	return true;
}

static bool
on_mysql_gtid(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
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

static bool
on_mariadb_gtid(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
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
	return true;
}

/* ---- statements ---- */

static bool
text_is(const QueryEvent *query, const char *word)
{
	size_t size = strlen(word);

	return query->text_size == size && strncasecmp(query->text, word, size) == 0;
}

static bool
text_begins(const QueryEvent *query, const char *words)
{
	size_t size = strlen(words);

	return query->text_size >= size && strncasecmp(query->text, words, size) == 0;
}

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
static bool
on_xa_statement(BinlogReader *reader, const BinlogEvent *event, const QueryEvent *query, Failure *failure)
{
	char identifier[sizeof reader->xa];

	xa_identifier(query, identifier, sizeof identifier);
	if (text_begins(query, "XA START ") || text_begins(query, "XA BEGIN ") || text_begins(query, "XA END "))
	{
		if (!transaction_open(reader, failure))
			return false;
		snprintf(reader->xa, sizeof reader->xa, "%s", identifier);
		return true;
	}
	if (text_begins(query, "XA COMMIT ") && !xa_list_take(reader->prepared, identifier) && !reader->muted)
		return xa_refused(reader, identifier,
						  "is committed here, but its changes were logged before the point where this session began to "
						  "read: whether they concern this stream is not known",
						  failure);
	if (text_begins(query, "XA ROLLBACK "))
		(void) xa_list_take(reader->prepared, identifier);
	if (reader->state == LOG_BETWEEN)
		reader->restart = reader->event;
	return transaction_end(reader, event, failure);
}

static bool
on_xa_prepare(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	bool one_phase = event->body_size > 0 && event->body[0] != 0;

	if (!one_phase)
	{
		if (reader->wire.begun)
			return xa_refused(reader, reader->xa, "is prepared here and has rows for this stream", failure);
		if (!xa_list_put(reader->prepared, reader->xa))
			return out_of_memory(failure);
	}
	return transaction_end(reader, event, failure);
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

	for (size_t i = sizeof prefix - 1; text_begins(query, prefix) && i < query->text_size; i++)
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
	return text_begins(query, "DROP TABLE ") &&
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
		!put_heartbeat(reader, wire_time_now(), failure))
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
	return transaction_end(reader, event, failure);
}

static bool
on_query(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format, Failure *failure)
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
		return transaction_open(reader, failure);
	if (text_is(&query, "COMMIT"))
		return transaction_end(reader, event, failure);
	if (text_is(&query, "ROLLBACK"))
		return on_rollback(reader, event, &query, failure);
	if (reader->state == LOG_OPEN)
	{
		if (text_begins(&query, "SAVEPOINT "))
			return true;
		if (text_begins(&query, "ROLLBACK TO "))
			return reader->wire.begun ? on_rollback(reader, event, &query, failure) : true;
	}
	if (text_begins(&query, "XA "))
		return on_xa_statement(reader, event, &query, failure);
	if (text_begins(&query, "# Dum"))
		return on_dummy(&query, failure);
	if (reader->state == LOG_BETWEEN)
	{
		reader->restart = reader->event;
		reader->dropped = false;
		wire_transaction_start(&reader->wire, "", 0);
	}
	if (!send_statement(reader, event, &query, failure))
		return false;
	return reader->state == LOG_OPEN || transaction_end(reader, event, failure);
}

/* ---- rows ---- */

static bool
outside_transaction(const BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	return failure_set(
		failure, FAILURE_REJECT, "position_invalid",
		"Start at the beginning of a transaction: SHOW BINLOG EVENTS at the source shows where they are.",
		"a %s event comes outside of a transaction: reading began in the middle of one",
		binlog_event_name(event->type));
}

static bool
on_table_map(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format, Failure *failure)
{
	bool wanted = !reader->muted && !reader->dropped;
	RowsEvent map;
	CachedTable *table;

	if (reader->state != LOG_OPEN)
		return reader->muted || outside_transaction(reader, event, failure);
	if (!binlog_rows_parse(event, format, &map, failure))
		return false;
	table = table_cache_map(reader->tables, map.table_id, map.body, map.body_size, wanted, failure);
	if (table == NULL)
		return false;
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

static bool
on_rows(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format, Failure *failure)
{
	/* The end of a statement that changed nothing is written as rows of this table. */
	const uint64_t no_table = 0xffffff;
	RowsEvent rows;
	RowsEventKind kind = rows_kind(event->type);
	CachedTable *table;

	if (reader->muted || reader->dropped)
		return true;
	if (reader->state != LOG_OPEN)
		return outside_transaction(reader, event, failure);
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
	if (!table->selected || (reader->skipped_count > 0 && is_skipped(reader, table)))
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

static bool
on_incident(const BinlogEvent *event, Failure *failure)
{
	unsigned number;
	const char *message;
	size_t size;

	binlog_incident_parse(event, &number, &message, &size);
	return failure_set(failure, FAILURE_REJECT, "incident",
					   "The source lost changes before this point. Compare the tables, then pass it with "
					   "dbstream.set_position().",
					   "the source logged incident %u: %.*s", number, (int) size, message);
}

/* ---- events of the log itself ---- */

static bool
on_format(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	if (!binlog_format_parse(event, &reader->format, failure))
		return false;
	reader->nested_format = reader->format;
	reader->nested_format.checksum = false;
	return transaction_cut(reader, "FORMAT_DESCRIPTION", true, failure);
}

static bool
on_rotate(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	RotateEvent rotate;

	if (!binlog_rotate_parse(event, &rotate, failure) || !transaction_cut(reader, "ROTATE", true, failure) ||
		!binlog_place_set(&reader->place, rotate.file, rotate.file_size, rotate.offset, failure))
		return false;
	if (reader->muted && reader->place.point.file > reader->skip_to.point.file)
		return failure_set(failure, FAILURE_REJECT, "position_invalid",
						   "SHOW BINARY LOGS at the source shows its size.", "the file ends before %s:%" PRIu64,
						   reader->skip_to.file, reader->skip_to.point.offset);
	return true;
}

/* What was applied before the file: the only way to know it when the start did not say. */
static bool
on_previous_gtids(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	if (reader->gtids_known || (event->flags & BINLOG_FLAG_ARTIFICIAL) != 0)
		return true;
	mysql_gtid_set_clear(reader->mysql_set);
	if (event->type == BINLOG_PREVIOUS_GTIDS
			? !mysql_gtid_set_decode(reader->mysql_set, event->body, event->body_size, failure)
			: !binlog_mariadb_gtid_list_parse(event, reader->mariadb_position, failure))
		return false;
	reader->gtids_known = true;
	return true;
}

static bool dispatch(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format, Failure *failure);

static bool
on_payload(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	if (!transaction_payload_open(reader->payload, event->body, event->body_size, failure))
		return false;
	for (;;)
	{
		const uint8_t *data;
		size_t size;
		BinlogEvent nested;

		if (!transaction_payload_next(reader->payload, &data, &size, failure))
			return false;
		if (data == NULL)
			return true;
		if (!binlog_event_parse(data, size, &reader->nested_format, &nested, failure))
			return false;
		if (nested.type == BINLOG_TRANSACTION_PAYLOAD || nested.type == BINLOG_FORMAT || nested.type == BINLOG_ROTATE)
			return failure_set(failure, FAILURE_REJECT, "event_damaged", "",
							   "a %s event inside of a compressed transaction", binlog_event_name(nested.type));
		if (!dispatch(reader, &nested, &reader->nested_format, failure))
			return false;
	}
}

static bool
dispatch(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format, Failure *failure)
{
	switch (event->type)
	{
		case BINLOG_FORMAT:
			return on_format(reader, event, failure);
		case BINLOG_ROTATE:
			return on_rotate(reader, event, failure);
		case BINLOG_PREVIOUS_GTIDS:
		case BINLOG_MARIADB_GTID_LIST:
			return on_previous_gtids(reader, event, failure);
		case BINLOG_GTID:
		case BINLOG_ANONYMOUS_GTID:
		case BINLOG_GTID_TAGGED:
			return on_mysql_gtid(reader, event, failure);
		case BINLOG_MARIADB_GTID:
			return on_mariadb_gtid(reader, event, failure);
		case BINLOG_QUERY:
		case BINLOG_EXECUTE_LOAD_QUERY:
		case BINLOG_MARIADB_QUERY_COMPRESSED:
			return on_query(reader, event, format, failure);
		case BINLOG_XID:
			if (reader->state != LOG_OPEN && !reader->muted)
				return outside_transaction(reader, event, failure);
			return transaction_end(reader, event, failure);
		case BINLOG_XA_PREPARE:
			return on_xa_prepare(reader, event, failure);
		case BINLOG_TABLE_MAP:
			return on_table_map(reader, event, format, failure);
		case BINLOG_TRANSACTION_PAYLOAD:
			return on_payload(reader, event, failure);
		case BINLOG_INCIDENT:
			return reader->muted || on_incident(event, failure);
		default:
			break;
	}
	if (binlog_event_treatment(event->type) == EVENT_DECODED)
		return on_rows(reader, event, format, failure);
	if (binlog_event_treatment(event->type) == EVENT_IGNORED || reader->muted)
		return true;
	return failure_set(failure, FAILURE_REJECT, "event_unknown",
					   "Look at it with mysqlbinlog -vv. If it changes nothing of this stream, pass it with "
					   "dbstream.set_position(); and report it with the server's version.",
					   "the log has an event of type %u (%s), which this version does not decode",
					   (unsigned) event->type, binlog_event_name(event->type));
}

/* ---- counting ---- */

/*
 * The header has the low 32 bits of the offset after the event, or 0 in the middle of a transaction (MariaDB 11.4 and
 * later); files may be larger than 4 GB. What the server left out lies between.
 */
static void
advance(BinlogReader *reader, const BinlogEvent *event)
{
	uint64_t offset = reader->place.point.offset;

	if (event->end_offset == 0)
		offset += event->size;
	else
	{
		uint64_t end = (offset & ~UINT64_C(0xffffffff)) | event->end_offset;

		if (end < offset)
			end += UINT64_C(1) << 32;
		offset = end;
	}
	reader->place.point.offset = offset;
	reader->event = reader->place;
	reader->event.point.offset = offset >= event->size ? offset - event->size : 0;
}

/* The server has nothing to send and says how far its log goes. */
static bool
on_heartbeat(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	RotateEvent beat;
	BinlogPlace place = reader->place;
	uint64_t offset;

	if (!binlog_rotate_parse(event, &beat, failure))
		return false;
	reader->idle_beat = true;
	publish_progress(reader);
	if (reader->state != LOG_BETWEEN || reader->muted || beat.file_size == 0)
		return true;
	if (!binlog_place_set(&place, beat.file, beat.file_size, 0, failure))
		return false;
	offset = beat.offset != 0 ? beat.offset : event->end_offset;
	if (beat.offset == 0 && place.point.file == reader->place.point.file)
	{
		offset |= reader->place.point.offset & ~UINT64_C(0xffffffff);
		if (offset < reader->place.point.offset)
			offset = reader->place.point.offset;
	}
	place.point.offset = offset;

	/*
	 * All before it needs no message. But it may lie inside of a transaction that the server leaves out, so it is no
	 * place to start again at.
	 */
	if (source_point_compare(place.point, reader->point) > 0)
	{
		reader->place = place;
		reader->point = place.point;
		reader->unmarked = true;
	}
	return true;
}

/* Still before skip_to, with the next event: it begins before it, or skip_to is no boundary. */
static bool
check_skip(const BinlogReader *reader, Failure *failure)
{
	bool around = reader->restart.point.offset < reader->skip_to.point.offset;

	if (source_point_compare(reader->event.point, reader->skip_to.point) < 0)
		return true;
	return failure_set(failure, FAILURE_REJECT, "position_invalid",
					   "SHOW BINLOG EVENTS IN 'file' at the source shows where transactions begin.",
					   "%s:%" PRIu64 " is not the beginning of a transaction; the one %s begins at %s:%" PRIu64,
					   reader->skip_to.file, reader->skip_to.point.offset, around ? "around it" : "after it",
					   reader->restart.file, reader->restart.point.offset);
}

static bool
take_event(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	bool artificial = (event->flags & BINLOG_FLAG_ARTIFICIAL) != 0;

	if (event->type == BINLOG_HEARTBEAT || event->type == BINLOG_HEARTBEAT_V2)
		return on_heartbeat(reader, event, failure);
	reader->idle_beat = false;
	if (!artificial && !(event->type == BINLOG_FORMAT && event->end_offset == 0) &&
		!(event->type == BINLOG_ROTATE && event->end_offset == 0))
	{
		advance(reader, event);
		if (reader->muted && !check_skip(reader, failure))
			return false;
	}
	if (!dispatch(reader, event, &reader->format, failure))
		return false;
	if (reader->state == LOG_BETWEEN)
	{
		/* Until its first transaction comes, a server that was asked by GTID may stand before the recorded place. */
		if (reader->located)
			reader->restart = reader->place;
		if (source_point_compare(reader->place.point, reader->point) > 0)
			reader->point = reader->place.point;
		reader->unmarked = true;
		if (reader->muted && source_point_compare(reader->place.point, reader->skip_to.point) == 0)
			reader->muted = false;
	}
	return true;
}

bool
binlog_reader_event(BinlogReader *reader, const uint8_t *data, size_t size, Failure *failure)
{
	BinlogEvent event;

	reader->event = reader->place;
	if (!binlog_event_parse(data, size, &reader->format, &event, failure) || !take_event(reader, &event, failure))
	{
		if (failure->position[0] == '\0' && place_known(&reader->event))
			binlog_place_text(&reader->event, failure->position);
		return false;
	}
	reader->events++;
	reader->bytes += size;
	if (reader->events % PUBLISH_EVENTS == 0)
		publish_progress(reader);
	return true;
}
