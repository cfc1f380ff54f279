/*
 * One thread holds the control connection: it learns which streams are meant
 * to run, starts and stops their threads, and takes the requests of waiting users. It
 * never waits for a stream or a source; only PostgreSQL can hold it up.
 *
 * When the control connection is lost the streams are left alone: they have
 * connections of their own, and the list is read again after the next connect.
 */
#include "bridge.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "backoff.h"
#include "clock.h"
#include "log.h"
#include "postgres_connection.h"
#include "progress_bars.h"
#include "request.h"
#include "stream.h"
#include "stream_config.h"
#include "version.h"

#define QUERY_TIMEOUT_MS 30000
#define REQUEST_POLL_MS 200
#define LIST_POLL_MS 5000 /* should a notification ever be missed */
#define STOP_LIMIT_MS 4000
#define BARS_MS 500
#define MAX_REQUESTS 8

typedef struct Bridge
{
	const Arguments *arguments;
	int stop_fd;
	int wake_fd;  /* an eventfd: a stream has ended or a request is answered */
	PGconn *conn; /* NULL: not connected */
	StreamSettings settings;
	Stream **streams;
	size_t stream_count;
	Request *requests[MAX_REQUESTS];
	bool list_due;
	int64_t listed_ms;
	int64_t requests_ms;
	bool bars; /* somebody looks at the log on a terminal */
	int64_t bars_ms;
} Bridge;

static bool
told_to_stop(const Bridge *bridge)
{
	struct pollfd fd = {bridge->stop_fd, POLLIN, 0};

	return poll(&fd, 1, 0) > 0;
}

static PGresult *
query(Bridge *bridge, const char *sql, int count, const char *const *values, Failure *failure)
{
	return postgres_connection_query(bridge->conn, sql, count, values, bridge->stop_fd, QUERY_TIMEOUT_MS, failure);
}

/* ---- streams ---- */

/* Forget streams whose threads have ended. True when one ended because bridge and extension do not match. */
static bool
reap_streams(Bridge *bridge, Failure *failure)
{
	bool fatal = false;

	for (size_t i = 0; i < bridge->stream_count;)
	{
		if (!stream_ended(bridge->streams[i]))
		{
			i++;
			continue;
		}
		fatal = stream_fatal(bridge->streams[i], failure) || fatal;
		log_line(LOG_LEVEL_INFO, stream_name(bridge->streams[i]), "stopped");
		stream_free(bridge->streams[i]);
		bridge->streams[i] = bridge->streams[--bridge->stream_count];
		bridge->list_due = true; /* it may be meant to run with another definition */
	}
	return fatal;
}

static Stream *
find_stream(const Bridge *bridge, int id)
{
	for (size_t i = 0; i < bridge->stream_count; i++)
	{
		if (stream_id(bridge->streams[i]) == id)
			return bridge->streams[i];
	}
	return NULL;
}

static bool
add_stream(Bridge *bridge, int id, int64_t generation, const char *name, const char *row, Failure *failure)
{
	Stream **grown = realloc(bridge->streams, (bridge->stream_count + 1) * sizeof *grown);
	Stream *stream;

	if (grown == NULL)
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for stream %s", name);
	bridge->streams = grown;
	stream = stream_start(id, generation, name, row, &bridge->settings, failure);
	if (stream == NULL)
		return false;
	bridge->streams[bridge->stream_count++] = stream;
	log_line(LOG_LEVEL_INFO, name, "started");
	return true;
}

/* The row of the result that has this id; -1 when none has. */
static int
find_row(const PGresult *rows, int id)
{
	for (int row = 0; row < PQntuples(rows); row++)
	{
		if (strtol(PQgetvalue(rows, row, 0), NULL, 10) == id)
			return row;
	}
	return -1;
}

static bool
serves(const Bridge *bridge, const char *name)
{
	return bridge->arguments->only_stream == NULL || strcmp(bridge->arguments->only_stream, name) == 0;
}

/* Make the streams that run those that are meant to. */
static bool
read_streams(Bridge *bridge, Failure *failure)
{
	PGresult *rows = query(bridge, "SELECT stream_id, generation, name, to_jsonb(s) FROM dbstream.bridge_streams() s",
						   0, NULL, failure);

	if (rows == NULL)
		return false;
	bridge->list_due = false;
	bridge->listed_ms = clock_now_ms();
	for (size_t i = 0; i < bridge->stream_count; i++)
	{
		int row = find_row(rows, stream_id(bridge->streams[i]));

		/* A changed stream starts anew once its thread has ended, which makes the list due again. */
		if (row < 0 || strtoll(PQgetvalue(rows, row, 1), NULL, 10) != stream_generation(bridge->streams[i]))
			stream_stop(bridge->streams[i]);
	}
	for (int row = 0; row < PQntuples(rows); row++)
	{
		int id = (int) strtol(PQgetvalue(rows, row, 0), NULL, 10);
		Failure own;

		if (!serves(bridge, PQgetvalue(rows, row, 2)))
			continue;
		if (find_stream(bridge, id) == NULL && !add_stream(bridge, id, strtoll(PQgetvalue(rows, row, 1), NULL, 10),
														   PQgetvalue(rows, row, 2), PQgetvalue(rows, row, 3), &own))
			log_failure(LOG_LEVEL_ERROR, PQgetvalue(rows, row, 2), &own);
	}
	PQclear(rows);
	return true;
}

/* ---- requests ---- */

static bool
send_answer(Bridge *bridge, int64_t request, const char *answer, Failure *failure)
{
	char id[24];
	const char *values[] = {id, answer};
	PGresult *result;

	snprintf(id, sizeof id, "%lld", (long long) request);
	result = query(bridge, "SELECT dbstream.bridge_answer($1, $2)", 2, values, failure);
	if (result == NULL)
		return false;
	PQclear(result);
	return true;
}

static bool
refuse_request(Bridge *bridge, int64_t request, const Failure *reason, Failure *failure)
{
	char *answer = request_refusal(reason);
	bool ok = answer == NULL || send_answer(bridge, request, answer, failure);

	free(answer);
	return ok;
}

/* Answer what has been worked out. */
static bool
finish_requests(Bridge *bridge, Failure *failure)
{
	for (int i = 0; i < MAX_REQUESTS; i++)
	{
		Request *request = bridge->requests[i];
		bool ok;

		if (request == NULL || !request_ended(request))
			continue;
		ok = send_answer(bridge, request_id(request), request_answer(request), failure);
		request_free(request);
		bridge->requests[i] = NULL;
		if (!ok)
			return false;
	}
	return true;
}

static const char *
secret_of(const PGresult *result)
{
	return result != NULL && PQntuples(result) == 1 && !PQgetisnull(result, 0, 0) ? PQgetvalue(result, 0, 0) : NULL;
}

static bool
begin_request(Bridge *bridge, int64_t id, const char *kind, const char *row, Failure *failure)
{
	Failure own = {.class = FAILURE_NONE};
	char *connection = stream_config_source_name(row);
	char *target = stream_config_target_name(row);
	PGresult *result = NULL, *target_result = NULL;
	int slot = 0;

	while (slot < MAX_REQUESTS && bridge->requests[slot] != NULL)
		slot++;
	if (slot == MAX_REQUESTS)
		failure_set(&own, FAILURE_RETRY, "busy", "Try again in a moment.", "the bridge is working on %d other requests",
					MAX_REQUESTS);
	else if (connection != NULL)
		result = query(bridge, "SELECT dbstream.bridge_secret($1)", 1, (const char *const[]){connection}, &own);
	if (own.class == FAILURE_NONE && target != NULL)
		target_result = query(bridge, "SELECT dbstream.bridge_secret($1)", 1, (const char *const[]){target}, &own);
	free(connection);
	free(target);
	if (own.class == FAILURE_NONE)
	{
		bridge->requests[slot] =
			request_start(id, kind, row, secret_of(result), secret_of(target_result), bridge->wake_fd, &own);
	}
	PQclear(result);
	PQclear(target_result);
	return own.class == FAILURE_NONE || refuse_request(bridge, id, &own, failure);
}

static bool
take_requests(Bridge *bridge, Failure *failure)
{
	PGresult *rows = query(bridge, "SELECT request_id, kind, stream FROM dbstream.bridge_requests()", 0, NULL, failure);
	bool ok = rows != NULL;

	/* One call may leave requests for other bridges; whoever got one looks again at once. */
	bridge->requests_ms = ok && PQntuples(rows) > 0 ? 0 : clock_now_ms();
	for (int row = 0; ok && row < PQntuples(rows); row++)
	{
		int64_t request = strtoll(PQgetvalue(rows, row, 0), NULL, 10);
		const char *kind = PQgetvalue(rows, row, 1);

		if (request_known(kind))
			ok = begin_request(bridge, request, kind, PQgetvalue(rows, row, 2), failure);
		else
		{
			Failure own;

			failure_set(&own, FAILURE_REJECT, "handshake", "Install the dbstream-bridge that matches the extension.",
						"this bridge (%s) does not know requests of kind %s", DBS_VERSION, kind);
			ok = refuse_request(bridge, request, &own, failure);
		}
	}
	PQclear(rows);
	return ok;
}

/* ---- the control connection ---- */

static void
disconnect(Bridge *bridge)
{
	if (bridge->conn != NULL)
		PQfinish(bridge->conn);
	bridge->conn = NULL;
	if (bridge->bars)
		log_footer(NULL, 0);
}

static bool
connect_control(Bridge *bridge, Failure *failure)
{
	char name[512];
	PGresult *result;

	bridge->conn = postgres_connection_open(bridge->arguments->conninfo, "dbstream-bridge", bridge->stop_fd, failure);
	if (bridge->conn == NULL)
		return false;
	if (!postgres_connection_hello(bridge->conn, bridge->arguments->name, bridge->stop_fd, failure))
		return false;
	/* Listen before the first look at the list, so that no change falls between the two. */
	result = query(bridge, "LISTEN dbstream", 0, NULL, failure);
	if (result == NULL)
		return false;
	PQclear(result);
	bridge->list_due = true;
	postgres_connection_name(bridge->conn, name, sizeof name);
	log_line(LOG_LEVEL_INFO, NULL, "connected to PostgreSQL at %s", name);
	return true;
}

static bool
take_notifications(Bridge *bridge, Failure *failure)
{
	PGnotify *notification;
	bool notified = false;

	if (!PQconsumeInput(bridge->conn))
		return postgres_connection_failed(bridge->conn, NULL, failure);
	while ((notification = PQnotifies(bridge->conn)) != NULL)
	{
		notified = true;
		PQfreemem(notification);
	}
	if (!notified)
		return true;
	bridge->list_due = true;
	for (size_t i = 0; i < bridge->stream_count; i++)
		stream_nudge(bridge->streams[i]);
	return true;
}

/* ---- bars ---- */

static bool
at_a_terminal(const Bridge *bridge)
{
	int rows, columns;

	return bridge->arguments->only_stream == NULL && bridge->arguments->log_format == LOG_FORMAT_TEXT &&
		   progress_bars_terminal(STDERR_FILENO, &rows, &columns);
}

/* How far backfills are, below the log, as long as there is one. */
static bool
show_bars(Bridge *bridge, Failure *failure)
{
	PGresult *result = query(bridge, progress_bars_query, 1, (const char *const[]){NULL}, failure);
	char *text = NULL;
	size_t size = 0;
	int rows, columns, lines;
	FILE *out;

	if (result == NULL)
		return false;
	out = open_memstream(&text, &size);
	if (out != NULL)
	{
		(void) progress_bars_terminal(STDERR_FILENO, &rows, &columns);
		lines = progress_bars_write(out, result, columns, rows - 3);
		if (fclose(out) != 0 || lines == 0)
		{
			free(text);
			text = NULL;
		}
		log_footer(text, lines);
	}
	PQclear(result);
	bridge->bars_ms = clock_now_ms();
	return true;
}

/* One round of everything that is due. */
static bool
serve(Bridge *bridge, Failure *failure)
{
	int64_t now = clock_now_ms();

	if (reap_streams(bridge, failure))
		return false;
	if (!take_notifications(bridge, failure) || !finish_requests(bridge, failure))
		return false;
	if ((bridge->list_due || now - bridge->listed_ms >= LIST_POLL_MS) && !read_streams(bridge, failure))
		return false;
	if (bridge->bars && now - bridge->bars_ms >= BARS_MS && !show_bars(bridge, failure))
		return false;
	return now - bridge->requests_ms < REQUEST_POLL_MS || take_requests(bridge, failure);
}

/* Sleep until something happens, at most for ms. */
static void
wait_for_work(Bridge *bridge, int ms)
{
	struct pollfd fds[3] = {{bridge->stop_fd, POLLIN, 0},
							{bridge->wake_fd, POLLIN, 0},
							{bridge->conn != NULL ? PQsocket(bridge->conn) : -1, POLLIN, 0}};
	uint64_t count;

	poll(fds, 3, ms);
	while (read(bridge->wake_fd, &count, sizeof count) == sizeof count)
		;
}

/* Wait before the next attempt; only being told to stop ends it early. */
static void
pause_bridge(const Bridge *bridge, int ms)
{
	struct pollfd fd = {bridge->stop_fd, POLLIN, 0};

	poll(&fd, 1, ms);
}

/* Stop all streams. Those that do not end in time are left to the end of the process. */
static void
stop_streams(Bridge *bridge)
{
	int64_t deadline = clock_now_ms() + STOP_LIMIT_MS;
	Failure ignored;

	for (size_t i = 0; i < bridge->stream_count; i++)
		stream_stop(bridge->streams[i]);
	while (bridge->stream_count > 0 && clock_now_ms() < deadline)
	{
		struct pollfd fd = {bridge->wake_fd, POLLIN, 0};
		uint64_t count;

		poll(&fd, 1, 100);
		while (read(bridge->wake_fd, &count, sizeof count) == sizeof count)
			;
		(void) reap_streams(bridge, &ignored);
	}
	for (size_t i = 0; i < bridge->stream_count; i++)
		log_line(LOG_LEVEL_WARNING, stream_name(bridge->streams[i]), "did not stop in time and is abandoned");
}

/* Nothing that the bridge waits for would mend this. */
static bool
is_final(const Failure *failure)
{
	return failure->class == FAILURE_FATAL;
}

bool
bridge_run(const Arguments *arguments, int stop_fd, Failure *failure)
{
	Bridge bridge = {.arguments = arguments, .stop_fd = stop_fd, .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	Backoff backoff;
	bool ok = true;

	if (bridge.wake_fd < 0)
		return failure_set(failure, FAILURE_FATAL, "internal", NULL, "eventfd: %s", strerror(errno));
	bridge.settings = (StreamSettings){arguments->conninfo, arguments->name, bridge.wake_fd};
	bridge.bars = at_a_terminal(&bridge);
	backoff_init(&backoff, (uint64_t) getpid() * 2654435761u + (uint64_t) time(NULL));
	while (ok && !told_to_stop(&bridge))
	{
		bool served = bridge.conn != NULL || connect_control(&bridge, failure);

		if (served && (served = serve(&bridge, failure)))
		{
			backoff_reset(&backoff);
			wait_for_work(&bridge, bridge.list_due || bridge.requests_ms == 0 ? 0 : REQUEST_POLL_MS);
			continue;
		}
		disconnect(&bridge);
		if (is_final(failure))
			ok = false;
		else if (!told_to_stop(&bridge))
		{
			log_failure(failure->class == FAILURE_RETRY ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, NULL, failure);
			pause_bridge(&bridge, backoff_next(&backoff, failure->class));
		}
	}
	stop_streams(&bridge);
	disconnect(&bridge);
	return ok;
}
