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

#include "binlog_connection.h"
#include "binlog_place.h"
#include "binlog_reader.h"
#include "binlog_start.h"
#include "charset.h"
#include "mysql_connection.h"
#include "mysql_server.h"
#include "mysql_validate.h"
#include "outbox.h"
#include "source.h"
#include "version.h"

struct Source
{
	const StreamConfig *config;
	Outbox *outbox;
	MysqlServer server;
	MYSQL *sql; /* of the reading thread */
	CharsetCatalog *charsets;
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
	charset_catalog_free(source->charsets);
	if (source->sql != NULL)
		mysql_close(source->sql);
	if (source->watch != NULL)
		mysql_close(source->watch);
	pthread_mutex_destroy(&source->watch_lock);
	free(source);
}

static Source *
source_open(const StreamConfig *config, const StartPoint *start_point, Outbox *outbox, Failure *failure)
{
	Source *source = calloc(1, sizeof *source);
	BinlogStart start = {0};

	memset(failure, 0, sizeof *failure);
	if (source == NULL)
	{
		failure_set(failure, FAILURE_RETRY, "out_of_memory", "", "out of memory");
		return NULL;
	}
	pthread_mutex_init(&source->watch_lock, NULL);
	source->config = config;
	source->outbox = outbox;
	source->sql = mysql_connection_open(&config->source, failure);
	if (source->sql == NULL || !mysql_server_probe(source->sql, &source->server, failure) ||
		!binlog_start_find(config, start_point, source->sql, &source->server, &start, failure))
		goto fail;
	source->charsets = charset_catalog_new(source->sql, failure);
	if (source->charsets == NULL)
		goto fail;
	source->reader = binlog_reader_new(config, source->server.flavour, &start, source->charsets, outbox, failure);
	if (source->reader == NULL)
		goto fail;
	source->log = binlog_connection_open(config, &source->server, &start, failure);
	if (source->log == NULL)
		goto fail;
	binlog_start_clear(&start);
	return source;

fail:
	if (failure->position[0] == '\0')
		binlog_place_text(&start.place, failure->position);
	binlog_start_clear(&start);
	source_close(source);
	return NULL;
}

static bool
put_hello(Source *source, Failure *failure)
{
	static const char software[] = "dbstream-bridge " DBSTREAM_VERSION;
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

static bool
read_log(Source *source, Failure *failure)
{
	const uint8_t *event;
	size_t size;

	if (!put_hello(source, failure) || !binlog_reader_announce(source->reader, failure))
		return false;
	while (!outbox_stopping(source->outbox))
	{
		if (binlog_reader_unsettled(source->reader) &&
			!binlog_reader_settle(source->reader, !binlog_connection_has_more(source->log), failure))
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

static void
source_interrupt(Source *source)
{
	binlog_connection_interrupt(source->log);
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

static void
source_progress(const Source *source, SourceProgress *progress)
{
	binlog_reader_progress(source->reader, progress);
}

const SourceOps mysql_source_ops = {
	.kind = "mysql",
	.open = source_open,
	.run = source_run,
	.interrupt = source_interrupt,
	.end_point = source_end_point,
	.progress = source_progress,
	.close = source_close,
	.validate = mysql_validate,
};
