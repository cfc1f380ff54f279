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
 *
 * XA transactions of two phases have a file of their own: binlog_xa.c.
 */
#include "binlog_reader_state.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEARTBEAT_MICROSECONDS 1000000
#define HEARTBEAT_BYTES ((uint64_t) 16 * 1024 * 1024)

void
binlog_start_clear(BinlogStart *start)
{
	free(start->gtid_set);
	memset(start, 0, sizeof *start);
}

static bool
place_known(const BinlogPlace *place)
{
	return place->file[0] != '\0';
}

BinlogReader *
binlog_reader_new(const StreamConfig *config, ServerFlavour flavour, const BinlogStart *start, CharsetCatalog *charsets,
				  Outbox *outbox, Failure *failure)
{
	BinlogReader *reader = calloc(1, sizeof *reader);

	if (reader == NULL)
	{
		failure_out_of_memory(failure);
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
		failure_out_of_memory(failure);
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
	binlog_reader_publish(reader);
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
	xa_group_free(reader->xa_due);
	free(reader->skipped);
	mysql_gtid_set_free(reader->mysql_set);
	mariadb_gtid_position_free(reader->mariadb_position);
	byte_buffer_free(&reader->inflated);
	pthread_mutex_destroy(&reader->progress_lock);
	free(reader);
}

/* ---- progress ---- */

void
binlog_reader_publish(BinlogReader *reader)
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
const char *
binlog_reader_gtid_set(BinlogReader *reader)
{
	if (!reader->gtids_known || source_point_compare(reader->place.point, reader->gtids_from) < 0)
		return "";
	return reader->flavour == FLAVOUR_MYSQL ? mysql_gtid_set_text(reader->mysql_set)
											: mariadb_gtid_position_text(reader->mariadb_position);
}

bool
binlog_reader_heartbeat(BinlogReader *reader, int64_t now, Failure *failure)
{
	char position[BINLOG_PLACE_TEXT_MAX];
	const char *set = binlog_reader_gtid_set(reader);

	binlog_place_text(&reader->restart, position);
	if (set == NULL)
		return failure_out_of_memory(failure);
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
	return binlog_reader_heartbeat(reader, wire_time_now(), failure);
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
		return failure_out_of_memory(failure);
	reader->skipped = larger;
	reader->skipped[reader->skipped_count++] = (SkippedTable){schema, name, before};
	return true;
}

bool
binlog_reader_is_skipped(const BinlogReader *reader, const CachedTable *table)
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
binlog_reader_set_xa_log(BinlogReader *reader, XaLog *log)
{
	reader->xa_log = log;
}

void
binlog_reader_tell_statements(BinlogReader *reader)
{
	reader->tells_statements = true;
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
			if (!binlog_reader_heartbeat(reader, now, failure))
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
			binlog_reader_publish(reader);
		}
	}
	reader->idle_beat = false;
	return true;
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

void
binlog_reader_set_nested_format(BinlogReader *reader, const BinlogFormat *format)
{
	reader->nested_format = *format;
	reader->nested_format.checksum = false;
}

static bool
on_format(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	if (!binlog_format_parse(event, &reader->format, failure))
		return false;
	binlog_reader_set_nested_format(reader, &reader->format);
	return binlog_transaction_cut(reader, "FORMAT_DESCRIPTION", true, failure);
}

static bool
on_rotate(BinlogReader *reader, const BinlogEvent *event, Failure *failure)
{
	RotateEvent rotate;

	if (!binlog_rotate_parse(event, &rotate, failure) || !binlog_transaction_cut(reader, "ROTATE", true, failure) ||
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
		if (!binlog_reader_dispatch(reader, &nested, &reader->nested_format, failure))
			return false;
	}
}

bool
binlog_reader_dispatch(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format, Failure *failure)
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
			return binlog_transaction_mysql_gtid(reader, event, failure);
		case BINLOG_MARIADB_GTID:
			return binlog_transaction_mariadb_gtid(reader, event, failure);
		case BINLOG_QUERY:
		case BINLOG_EXECUTE_LOAD_QUERY:
		case BINLOG_MARIADB_QUERY_COMPRESSED:
			return binlog_statement(reader, event, format, failure);
		case BINLOG_XID:
			if (reader->state != LOG_OPEN && !reader->muted)
				return binlog_transaction_missing(reader, event, failure);
			return binlog_transaction_end(reader, event, failure);
		case BINLOG_XA_PREPARE:
			return binlog_xa_prepare(reader, event, failure);
		case BINLOG_TABLE_MAP:
			return binlog_rows_table_map(reader, event, format, failure);
		case BINLOG_TRANSACTION_PAYLOAD:
			return on_payload(reader, event, failure);
		case BINLOG_INCIDENT:
			return reader->muted || on_incident(event, failure);
		default:
			break;
	}
	if (binlog_event_treatment(event->type) == EVENT_DECODED)
		return binlog_rows(reader, event, format, failure);
	if (binlog_event_treatment(event->type) == EVENT_IGNORED || reader->muted)
		return true;
	return failure_set(failure, FAILURE_REJECT, "event_unknown",
					   "Look at it with mysqlbinlog -vv. If it changes nothing of this stream, pass it with "
					   "dbstream.set_position(); and report it with the server's version.",
					   "the log has an event of type %u (%s), which this version does not decode",
					   (unsigned) event->type, binlog_event_name(event->type));
}

/* ---- counting ---- */

static void
advance(BinlogReader *reader, const BinlogEvent *event)
{
	uint64_t offset = binlog_event_end(event, reader->place.point.offset);

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
	binlog_reader_publish(reader);
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
	if (!binlog_reader_dispatch(reader, event, &reader->format, failure))
		return false;
	if (reader->xa_due != NULL && !binlog_xa_apply(reader, event, failure))
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
	reader->raw = data;
	reader->raw_size = size;
	if (!binlog_event_parse(data, size, &reader->format, &event, failure) || !take_event(reader, &event, failure))
	{
		if (failure->position[0] == '\0' && place_known(&reader->event))
			binlog_place_text(&reader->event, failure->position);
		return false;
	}
	reader->events++;
	reader->bytes += size;
	if (reader->events % BINLOG_PUBLISH_EVENTS == 0)
		binlog_reader_publish(reader);
	return true;
}
