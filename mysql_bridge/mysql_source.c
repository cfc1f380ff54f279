/*
 * The MySQL and MariaDB source: opens, runs and watches the reader of a binary log.
 *
 * Three connections at most: one for the log, one for questions of the reading thread (character sets), and one, opened
 * when first needed, for questions of other threads (where does the log end?).
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backfill.h"
#include "binlog_connection.h"
#include "binlog_place.h"
#include "binlog_reader.h"
#include "binlog_start.h"
#include "charset.h"
#include "clock.h"
#include "mysql_connection.h"
#include "mysql_server.h"
#include "mysql_definition.h"
#include "mysql_validate.h"
#include "outbox.h"
#include "source.h"
#include "version.h"
#include "xa_log.h"

/* The log goes first for so long after a turn of copying. */
#define TURN_EVERY_MS 400
/* A person waits for the answer. */
#define LOG_END_SECONDS 10

struct Source
{
	const StreamConfig *config;
	Outbox *outbox;
	MysqlServer server;
	MYSQL *sql; /* of the reading thread */
	CharsetCatalog *charsets;
	XaLog *xa_log;
	const char *recorded; /* the server that was read before; NULL: not known */

	Backfill *backfill;     /* NULL: none is under way */
	int64_t last_turn;      /* when tables were last copied while the log is read, by clock_now_ms */
	SourcePoint window_end; /* up to here the log repeats what a backfill copied; zero: no further */

	/* A backfill comes before the log is opened: other threads look at these two under the lock. */
	pthread_mutex_t open_lock;
	BinlogConnection *log;
	BinlogReader *reader;

	pthread_mutex_t watch_lock;
	MYSQL *watch; /* of whoever asks for the end of the log */
};

static void
source_close(Source *source)
{
	if (source == NULL)
		return;
	binlog_connection_close(source->log);
	binlog_reader_free(source->reader);
	xa_log_free(source->xa_log);
	charset_catalog_free(source->charsets);
	if (source->sql != NULL)
		mysql_close(source->sql);
	if (source->watch != NULL)
		mysql_close(source->watch);
	backfill_free(source->backfill);
	pthread_mutex_destroy(&source->watch_lock);
	pthread_mutex_destroy(&source->open_lock);
	free(source);
}

/* Let the reader leave out what a copy knows already. */
static bool
skip_copied(Source *source, BinlogReader *reader, Failure *failure)
{
	const BackfillSkip *skips;
	size_t count = source->backfill != NULL ? backfill_skips(source->backfill, &skips) : 0;

	for (size_t i = 0; i < count; i++)
		if (!binlog_reader_skip(reader, skips[i].schema, skips[i].name, skips[i].before, failure))
			return false;
	for (size_t i = 0; i < source->config->copied_count; i++)
	{
		const CopiedTable *table = &source->config->copied_tables[i];
		BinlogPlace place = {0};

		if (!binlog_place_parse(&place, table->before, failure) ||
			!binlog_reader_skip(reader, table->schema, table->name, place.point, failure))
			return false;
	}
	return true;
}

/* Find the start and ask the server for its log from there. */
static bool
open_log(Source *source, const StartPoint *start_point, Failure *failure)
{
	BinlogStart start = {0};
	BinlogReader *reader = NULL;
	BinlogConnection *log = NULL;

	if (binlog_start_find(source->config, start_point, source->sql, &source->server, &start, failure))
		reader = binlog_reader_new(source->config, source->server.flavour, &start, source->charsets, source->outbox,
								   failure);
	if (reader != NULL)
		binlog_reader_set_xa_log(reader, source->xa_log);
	if (reader != NULL && (source->backfill != NULL || source->config->relay))
		binlog_reader_tell_statements(reader);
	if (reader != NULL && skip_copied(source, reader, failure))
		log = binlog_connection_open(source->config, &source->server, &start, failure);
	if (log == NULL && failure->position[0] == '\0')
		binlog_place_text(&start.place, failure->position);
	binlog_start_clear(&start);
	if (log == NULL)
	{
		binlog_reader_free(reader);
		return false;
	}
	pthread_mutex_lock(&source->open_lock);
	source->reader = reader;
	source->log = log;
	pthread_mutex_unlock(&source->open_lock);
	return true;
}

/* A backfill that is to begin, to go on, or whose end the log has not reached yet. */
static bool
open_backfill(Source *source, const StartPoint *start, Failure *failure)
{
	bool wanted = strcmp(start->kind, "backfill") == 0;

	if (!wanted && start->backfill == NULL)
		return true;
	source->backfill = backfill_new(source->config, &source->server, start->backfill, !wanted, failure);
	if (source->backfill == NULL)
		return false;
	source->window_end = backfill_end(source->backfill);
	/* One that begins now reads this server's log, whichever was read before. */
	if (backfill_position(source->backfill) == NULL)
		source->recorded = NULL;
	return true;
}

static Source *
source_open(const StreamConfig *config, const StartPoint *start, Outbox *outbox, Failure *failure)
{
	Source *source = calloc(1, sizeof *source);

	memset(failure, 0, sizeof *failure);
	if (source == NULL)
	{
		failure_set(failure, FAILURE_RETRY, "out_of_memory", "", "out of memory");
		return NULL;
	}
	pthread_mutex_init(&source->watch_lock, NULL);
	pthread_mutex_init(&source->open_lock, NULL);
	source->config = config;
	source->outbox = outbox;
	source->recorded = start->server;
	source->sql = mysql_connection_open(&config->source, failure);
	if (source->sql == NULL || !mysql_server_probe(source->sql, &source->server, failure))
		goto fail;
	source->charsets = charset_catalog_new(source->sql, failure);
	if (source->charsets == NULL || !open_backfill(source, start, failure))
		goto fail;
	source->xa_log = xa_log_new(config, &source->server, source->sql);
	if (source->xa_log == NULL)
	{
		failure_set(failure, FAILURE_RETRY, "out_of_memory", "", "out of memory");
		goto fail;
	}
	if (strcmp(start->kind, "backfill") != 0 && !open_log(source, start, failure))
		goto fail;
	return source;

fail:
	source_close(source);
	return NULL;
}

static bool
put_hello(Source *source, Failure *failure)
{
	static const char software[] = "dbstream-bridge " DBS_VERSION;
	const char *kind = source->server.flavour == FLAVOUR_MARIADB ? "mariadb" : "mysql";
	DbsHello hello = {
		.version = DBS_WIRE_VERSION,
		.min_version = DBS_WIRE_MIN_VERSION,
		.flags = source->server.cascades_logged ? DBS_HELLO_CASCADES_LOGGED : 0,
		.software = {software, sizeof software - 1},
		.source_kind = {kind, (uint32_t) strlen(kind)},
		.source_version = {source->server.version, (uint32_t) strlen(source->server.version)},
	};

	if (!outbox_reserve(source->outbox, 512, failure))
		return false;
	return dbs_put_hello(outbox_writer(source->outbox), &hello) ||
		   failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "no room for a hello message");
}

/* Copy the tables, then open the log where that began; or, when it is read already, say what is to be copied. */
static bool
run_backfill(Source *source, Failure *failure)
{
	StartPoint start = {.kind = "position", .server = (char *) source->recorded};

	if (source->backfill == NULL)
		return true;
	if (source->reader != NULL)
		return !backfill_copying(source->backfill) ||
			   backfill_plan(source->backfill, source->sql, source->outbox, failure);
	if (!backfill_run(source->backfill, source->sql, source->outbox, failure))
		return false;
	source->window_end = backfill_end(source->backfill);
	start.position = (char *) backfill_position(source->backfill);
	start.gtid_set = (char *) backfill_gtid_set(source->backfill);
	return open_log(source, &start, failure);
}

/*
 * Tables are copied while the log is read, in turns: when the source has nothing to read just now, or has kept the
 * readers waiting for some time.
 */
static bool
copy_for_a_turn(Source *source, Failure *failure)
{
	const char *gtid_set;

	if (source->backfill == NULL || !backfill_copying(source->backfill) ||
		!binlog_reader_past(source->reader, (SourcePoint){0, 0}))
		return true;
	if (binlog_connection_has_more(source->log) && clock_now_ms() - source->last_turn < TURN_EVERY_MS)
		return true;
	gtid_set = binlog_reader_gtid_set(source->reader);
	if (gtid_set == NULL)
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", "", "out of memory");
	if (!backfill_turn(source->backfill, source->sql, binlog_reader_point(source->reader), gtid_set, failure) ||
		!skip_copied(source, source->reader, failure))
		return false;
	source->last_turn = clock_now_ms();
	if (!backfill_copying(source->backfill))
		source->window_end = backfill_end(source->backfill);
	return true;
}

/* The log is past what a backfill copied: from here on each change comes once. */
static bool
end_window(Source *source, Failure *failure)
{
	SourceProgress progress;

	if (source->window_end.file == 0 || !binlog_reader_past(source->reader, source->window_end))
		return true;
	source->window_end = (SourcePoint){0, 0};
	binlog_reader_progress(source->reader, &progress);
	return backfill_put_caught_up(source->outbox, progress.point, failure);
}

static bool
read_log(Source *source, Failure *failure)
{
	const uint8_t *event;
	size_t size;

	if (!put_hello(source, failure) || !run_backfill(source, failure) ||
		!binlog_reader_announce(source->reader, failure))
		return false;
	while (!outbox_stopping(source->outbox))
	{
		if (binlog_reader_unsettled(source->reader) &&
			!binlog_reader_settle(source->reader, !binlog_connection_has_more(source->log), failure))
			return false;
		if (!copy_for_a_turn(source, failure) || !end_window(source, failure))
			return false;
		if (!binlog_connection_next(source->log, &event, &size, failure))
		{
			SourceProgress progress;

			binlog_reader_progress(source->reader, &progress);
			if (failure->position[0] == '\0')
				snprintf(failure->position, sizeof failure->position, "%s", progress.position);
			return false;
		}
		if (!binlog_reader_event(source->reader, event, size, failure))
			return false;
	}
	return true;
}

static bool
source_run(Source *source, Failure *failure)
{
	memset(failure, 0, sizeof *failure);

	/* A failure while the stream is being stopped is the stop's own doing: the connection was shut down. */
	return read_log(source, failure) || outbox_stopping(source->outbox);
}

static const char *
source_server(const Source *source)
{
	return source->server.identity;
}

static void
source_interrupt(Source *source)
{
	if (source->backfill != NULL)
		backfill_interrupt(source->backfill);
	pthread_mutex_lock(&source->open_lock);
	if (source->log != NULL)
		binlog_connection_interrupt(source->log);
	pthread_mutex_unlock(&source->open_lock);
	xa_log_interrupt(source->xa_log);
}

static bool
bytes_between(MYSQL *mysql, SourcePoint from, SourcePoint end, uint64_t *bytes, Failure *failure)
{
	BinlogFile *files;
	size_t count;

	*bytes = 0;
	if (source_point_compare(from, end) >= 0)
		return true;
	if (from.file == end.file)
	{
		*bytes = end.offset - from.offset;
		return true;
	}
	if (!mysql_server_log_files(mysql, &files, &count, failure))
		return false;
	for (size_t i = 0; i < count; i++)
	{
		SourcePoint file = files[i].place.point;

		if (file.file == from.file)
			*bytes += file.offset > from.offset ? file.offset - from.offset : 0;
		else if (file.file > from.file && file.file < end.file)
			*bytes += file.offset;
		else if (file.file == end.file)
			*bytes += end.offset;
	}
	free(files);
	return true;
}

static bool
ask_end(Source *source, SourcePoint from, BinlogPlace *end, uint64_t *bytes_behind, Failure *failure)
{
	if (source->watch == NULL)
		source->watch = mysql_connection_open_reading(&source->config->source, 30, failure);
	if (source->watch == NULL)
		return false;
	if (mysql_server_log_end(source->watch, &source->server, end, NULL, failure) &&
		(bytes_behind == NULL || bytes_between(source->watch, from, end->point, bytes_behind, failure)))
		return true;

	/* Whatever it was: the next question gets a new connection. */
	mysql_close(source->watch);
	source->watch = NULL;
	return false;
}

static bool
source_end_point(Source *source, SourcePoint from, SourcePoint *end, char text[512], uint64_t *bytes_behind,
				 Failure *failure)
{
	BinlogPlace place = {0};
	bool done;

	memset(failure, 0, sizeof *failure);
	pthread_mutex_lock(&source->watch_lock);
	done = ask_end(source, from, &place, bytes_behind, failure);
	pthread_mutex_unlock(&source->watch_lock);
	if (!done)
		return false;
	*end = place.point;
	if (text != NULL)
		binlog_place_text(&place, text);
	return true;
}

/* For somebody who has no open source: a connection of its own. */
static char *
source_log_end(const StreamConfig *config, Failure *failure)
{
	MYSQL *mysql = mysql_connection_open_reading(&config->source, LOG_END_SECONDS, failure);
	char text[BINLOG_PLACE_TEXT_MAX];
	BinlogPlace place = {0};
	MysqlServer server;
	bool found;

	if (mysql == NULL)
		return NULL;
	found = mysql_server_probe(mysql, &server, failure) && mysql_server_log_end(mysql, &server, &place, NULL, failure);
	mysql_close(mysql);
	if (!found)
		return NULL;
	binlog_place_text(&place, text);
	return strdup(text);
}

static void
source_progress(const Source *source, SourceProgress *progress)
{
	Source *shared = (Source *) source;

	memset(progress, 0, sizeof *progress);
	pthread_mutex_lock(&shared->open_lock);
	if (source->reader != NULL)
		binlog_reader_progress(source->reader, progress);
	else if (source->backfill != NULL)
		backfill_progress(source->backfill, progress);
	pthread_mutex_unlock(&shared->open_lock);
}

const SourceOps mysql_source_ops = {
	.kind = "mysql",
	.open = source_open,
	.server = source_server,
	.run = source_run,
	.interrupt = source_interrupt,
	.end_point = source_end_point,
	.progress = source_progress,
	.close = source_close,
	.validate = mysql_validate,
	.definition = mysql_definition,
	.log_end = source_log_end,
};
