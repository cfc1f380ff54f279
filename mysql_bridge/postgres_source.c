/*
 * PostgreSQL as a source: the bridge's own database or that of a connection of kind postgresql, read through a
 * replication slot and the output plugin.
 *
 * What the plugin writes are whole wire messages, so this module copies them. It adds what the plugin cannot know:
 * hello, and heartbeats, from the server's keepalives. A keepalive's position is one that everything committed before
 * it has been sent for, so it may be recorded as a commit's is.
 *
 * The slot is confirmed only up to what the target has committed and PostgreSQL has recorded. Confirmations go out
 * about once a second; nothing waits for them.
 */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "backfill.h"
#include "clock.h"
#include "log.h"
#include "outbox.h"
#include "postgres_backfill.h"
#include "postgres_conninfo.h"
#include "postgres_connection.h"
#include "postgres_snapshot.h"
#include "source.h"
#include "version.h"

#define QUERY_TIMEOUT_MS 60000
#define STATUS_MS 1000
#define POLL_MS 500
/* Heads of the replication protocol's messages inside of CopyData. */
#define DATA_HEAD 25      /* 'w', start, end, time */
#define KEEPALIVE_HEAD 18 /* 'k', end, time, reply wanted */
#define STATUS_SIZE 34    /* 'r', written, flushed, applied, time, reply wanted */
#define SYNC_PREFIX "dbstream.sync"

struct Source
{
	const StreamConfig *config;
	Outbox *outbox;
	PGconn *conn; /* a walsender */
	int wake_fd;  /* an eventfd, written to interrupt, and never read */
	int ask_fd;   /* an eventfd, written when somebody waits for the end of the log */
	char version[64];

	pthread_mutex_t watch_lock;
	PGconn *watch; /* of whoever asks for the end of the log */

	PostgresBackfill *backfill; /* NULL: none is under way */
	uint64_t window_end;        /* up to here the log repeats what a backfill copied; 0: no further */

	uint64_t start; /* where reading began */
	bool in_transaction;
	bool begun_rows;
	uint64_t marked;      /* the last point put into the outbox */
	bool mark_due;        /* it is not flushed yet */
	int64_t heartbeat_ms; /* when the last heartbeat was put */
	int64_t status_ms;    /* when the last status went out */
	int64_t question_ms;  /* when the server was last asked for a keepalive */
	int64_t heard_ms;
	bool asked; /* a keepalive was asked for, to be put as a heartbeat when it comes */

	atomic_uint_fast64_t put;       /* marked, for other threads */
	atomic_uint_fast64_t keepalive; /* the log is read up to here */
	atomic_uint_fast64_t confirmed;
	atomic_uint_fast64_t events;
	atomic_uint_fast64_t bytes;
	atomic_uint_fast64_t rows;
	atomic_uint_fast64_t transactions;
	atomic_int_fast64_t last_event_time;
};

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((int64_t) now.tv_sec - INT64_C(946684800)) * 1000000 + now.tv_nsec / 1000;
}

static uint64_t
read_u64(const char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof value);
	return be64toh(value);
}

/* ---- opening ---- */

static bool
create_slot(Source *source, Failure *failure)
{
	PostgresSnapshot snapshot;

	return postgres_slot_create(source->conn, source->config->slot_name, false, false, source->wake_fd, &snapshot,
								failure) &&
		   (postgres_lsn_parse(snapshot.position, &source->start) ||
			failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "the new slot has no position"));
}

/* The slot as it is, and from where to read. position: what the target has; empty when it has nothing yet. */
static bool
find_start(Source *source, const char *position, Failure *failure)
{
	const char *name = source->config->slot_name;
	PostgresSlot slot;
	uint64_t end = 0;

	if (!postgres_slot_look(source->conn, name, source->wake_fd, &slot, failure))
		return false;
	if (!slot.there)
		return position[0] == '\0' ? create_slot(source, failure) : postgres_slot_lost(name, "is gone", failure);
	if (slot.lost)
		return postgres_slot_lost(name, "has lost its part of the log", failure);
	if (!postgres_lsn_parse(position[0] != '\0' ? position : slot.confirmed, &source->start))
		return failure_set(failure, FAILURE_REJECT, "position_invalid", "See dbstream_progress at the target.",
						   "the position \"%s\" at the target is none of PostgreSQL's", position);
	if (postgres_lsn_parse(slot.log_end, &end) && source->start > end)
		return failure_set(failure, FAILURE_REJECT, "source_behind",
						   "This server has lost what the target has already applied (a failover or a restore): "
						   "dbstream.resync_stream() copies the tables anew.",
						   "the target is at %s, and this server's log ends at %s", position, slot.log_end);
	return true;
}

static void
source_close(Source *source)
{
	if (source == NULL)
		return;
	if (source->conn != NULL)
		PQfinish(source->conn);
	if (source->watch != NULL)
		PQfinish(source->watch);
	if (source->wake_fd >= 0)
		close(source->wake_fd);
	if (source->ask_fd >= 0)
		close(source->ask_fd);
	postgres_backfill_free(source->backfill);
	pthread_mutex_destroy(&source->watch_lock);
	free(source);
}

/* A backfill that is to begin, to go on, or whose end the log has not reached yet. */
static bool
open_backfill(Source *source, const StartPoint *start, Failure *failure)
{
	bool wanted = strcmp(start->kind, "backfill") == 0;

	/* A stream to a MySQL server has its copy behind it. */
	if (source->config->outbound || (!wanted && start->backfill == NULL))
		return true;
	source->backfill = postgres_backfill_new(source->config, start->backfill, !wanted, source->wake_fd, failure);
	if (source->backfill == NULL)
		return false;
	source->window_end = postgres_backfill_end(source->backfill);
	return true;
}

static void
set_start(Source *source, uint64_t start)
{
	source->start = start;
	source->marked = start;
	atomic_store(&source->put, start);
	atomic_store(&source->keepalive, start);
	atomic_store(&source->confirmed, start);
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
	source->config = config;
	source->outbox = outbox;
	source->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	source->ask_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (source->wake_fd < 0 || source->ask_fd < 0)
		failure_set(failure, FAILURE_RETRY, "no_descriptor", "Raise the bridge's limit of open files.",
					"there is no descriptor for a source");
	else if ((source->conn = postgres_snapshot_connect(config->postgres_conninfo, config->name, source->wake_fd,
													   failure)) != NULL &&
			 open_backfill(source, start, failure) &&
			 (strcmp(start->kind, "backfill") == 0 || find_start(source, start->position, failure)))
	{
		snprintf(source->version, sizeof source->version, "%d", PQserverVersion(source->conn));
		set_start(source, source->start);
		return source;
	}
	source_close(source);
	return NULL;
}

/* ---- replication ---- */

/* A pattern as the plugin's option takes it: commas, braces and quotes escaped. */
static size_t
put_pattern(char *out, const char *pattern)
{
	size_t used = 0;

	for (; *pattern != '\0'; pattern++)
	{
		if (*pattern == '\'')
			out[used++] = '\'';
		if (*pattern == ',')
			out[used++] = '\\';
		out[used++] = *pattern;
	}
	return used;
}

/* copied: tables and the positions as of which they were copied; NULL: none. */
static bool
start_replication(Source *source, const char *copied, Failure *failure)
{
	char lsn[32];
	size_t size = 512 + (copied != NULL ? strlen(copied) : 0);
	size_t used;
	char *sql;
	PGresult *result;
	bool ok;

	for (char **table = source->config->tables; *table != NULL; table++)
		size += 2 * strlen(*table) + 1;
	sql = malloc(size);
	if (sql == NULL)
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a statement");
	postgres_lsn_format(source->start, lsn);
	used = (size_t) snprintf(sql, size,
							 "START_REPLICATION SLOT \"%s\" LOGICAL %s (format 'binary', origin 'none', partitions "
							 "'root', schema_changes '%s', tables '",
							 source->config->slot_name, lsn, source->config->outbound ? "on" : "off");
	for (char **table = source->config->tables; *table != NULL; table++)
	{
		used += put_pattern(sql + used, *table);
		sql[used++] = ',';
	}
	used += (size_t) snprintf(sql + used, size - used, "!dbstream.*'");
	if (copied != NULL && copied[0] != '\0')
		used += (size_t) snprintf(sql + used, size - used, ", copied '%s'", copied);
	snprintf(sql + used, size - used, ")");
	if (!PQsendQuery(source->conn, sql))
	{
		free(sql);
		return postgres_connection_failed(source->conn, NULL, failure);
	}
	free(sql);
	result = NULL;
	for (;;)
	{
		struct pollfd fds[2] = {{PQsocket(source->conn), POLLIN, 0}, {source->wake_fd, POLLIN, 0}};

		if (PQflush(source->conn) < 0 || PQconsumeInput(source->conn) == 0)
			return postgres_connection_failed(source->conn, NULL, failure);
		if (!PQisBusy(source->conn))
			break;
		if (poll(fds, 2, POLL_MS) > 0 && fds[1].revents != 0)
			return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_STOPPING, NULL, "the stream is being stopped");
	}
	result = PQgetResult(source->conn);
	ok = PQresultStatus(result) == PGRES_COPY_BOTH;
	if (!ok)
	{
		postgres_connection_failed(source->conn, result, failure);
		failure_context(failure, "reading slot \"%s\"", source->config->slot_name);
	}
	PQclear(result);
	return ok;
}

static bool
send_status(Source *source, bool ask, Failure *failure)
{
	char message[STATUS_SIZE] = {'r'};
	uint64_t confirmed = htobe64(atomic_load(&source->confirmed));
	uint64_t now = htobe64((uint64_t) now_us());

	memcpy(message + 1, &confirmed, 8);
	memcpy(message + 9, &confirmed, 8);
	memcpy(message + 17, &confirmed, 8);
	memcpy(message + 25, &now, 8);
	message[33] = ask ? 1 : 0;
	source->status_ms = clock_now_ms();
	if (ask)
		source->question_ms = source->status_ms;
	if (PQputCopyData(source->conn, message, sizeof message) < 0 || PQflush(source->conn) < 0)
		return postgres_connection_failed(source->conn, NULL, failure);
	return true;
}

static bool
send_status_if_due(Source *source, Failure *failure)
{
	int64_t now = clock_now_ms();
	bool ask = now - source->question_ms >= (int64_t) source->config->heartbeat_seconds * 1000;

	return now - source->status_ms < STATUS_MS || send_status(source, ask, failure);
}

static bool
mark(Source *source, uint64_t lsn, bool flush, Failure *failure)
{
	SourcePoint point = {0, lsn};

	source->marked = lsn;
	source->mark_due = !flush;
	atomic_store(&source->put, lsn);
	return outbox_mark(source->outbox, point, flush, failure);
}

/* Everything committed before lsn has been put: say so, so that it is recorded. */
static bool
put_heartbeat(Source *source, uint64_t lsn, Failure *failure)
{
	char position[32];
	DbsHeartbeat heartbeat = {.time = now_us(), .gtid_set = {"", 0}};

	if (source->in_transaction || lsn < source->marked)
		return true;
	postgres_lsn_format(lsn, position);
	heartbeat.position = (DbsString){position, (uint32_t) strlen(position)};
	if (!outbox_reserve(source->outbox, 256, failure))
		return false;
	if (!dbs_put_heartbeat(outbox_writer(source->outbox), &heartbeat))
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "no room for a heartbeat");
	source->heartbeat_ms = clock_now_ms();
	return mark(source, lsn, true, failure);
}

static bool
on_keepalive(Source *source, const char *data, size_t size, Failure *failure)
{
	uint64_t end;
	bool wanted;

	if (size < KEEPALIVE_HEAD)
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a keepalive is cut off");
	end = read_u64(data + 1);
	wanted = data[17] != 0;
	if (end > atomic_load(&source->keepalive))
		atomic_store(&source->keepalive, end);
	if (end > source->marked &&
		(wanted || source->asked ||
		 clock_now_ms() - source->heartbeat_ms >= (int64_t) source->config->heartbeat_seconds * 1000) &&
		!put_heartbeat(source, end, failure))
		return false;
	source->asked = false;
	return !wanted || send_status(source, false, failure);
}

/* A mark of wait_for_stream: everything before it is out. Other messages without a transaction are nobody's. */
static bool
on_lone_message(Source *source, const DbsMessage *message, uint64_t lsn, Failure *failure)
{
	DbsReader reader;
	DbsLogicalMessage logical;

	dbs_reader_init(&reader, message);
	if (!dbs_get_logical_message(&reader, &logical) || logical.prefix.size != sizeof SYNC_PREFIX - 1 ||
		memcmp(logical.prefix.data, SYNC_PREFIX, logical.prefix.size) != 0)
		return true;
	return put_heartbeat(source, lsn, failure);
}

static bool
copy_message(Source *source, const char *payload, size_t size, Failure *failure)
{
	if (source->mark_due && !mark(source, source->marked, false, failure))
		return false;
	if (!outbox_reserve(source->outbox, size, failure))
		return false;
	dbs_put_bytes(outbox_writer(source->outbox), payload, size);
	return true;
}

static bool
on_commit(Source *source, const DbsMessage *message, Failure *failure)
{
	DbsReader reader;
	DbsCommit commit;
	char position[32];
	uint64_t lsn;

	dbs_reader_init(&reader, message);
	if (!dbs_get_commit(&reader, &commit))
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a commit message is malformed");
	snprintf(position, sizeof position, "%.*s", (int) commit.position.size, commit.position.data);
	if (!postgres_lsn_parse(position, &lsn))
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a commit has no position");
	source->in_transaction = false;
	atomic_fetch_add(&source->transactions, 1);
	source->marked = lsn;
	source->mark_due = true;
	return true;
}

static bool
on_message(Source *source, const DbsMessage *message, const char *bytes, size_t size, uint64_t lsn, Failure *failure)
{
	DbsReader reader;
	DbsRows rows;

	if (message->type == DBS_MESSAGE_MESSAGE && !source->in_transaction)
		return on_lone_message(source, message, lsn, failure);
	if (!copy_message(source, bytes, size, failure))
		return false;
	if (message->type == DBS_MESSAGE_BEGIN)
		source->in_transaction = true;
	if (message->type == DBS_MESSAGE_ROWS)
	{
		dbs_reader_init(&reader, message);
		if (dbs_get_rows(&reader, &rows))
			atomic_fetch_add(&source->rows, rows.count);
	}
	return message->type != DBS_MESSAGE_COMMIT || on_commit(source, message, failure);
}

/* A write of the plugin: one message or several, all whole. */
static bool
on_data(Source *source, char *data, size_t size, Failure *failure)
{
	size_t at = DATA_HEAD;

	while (at < size)
	{
		DbsMessage message;
		const char *error = NULL;
		size_t needed;
		size_t used = dbs_message_next(data + at, size - at, &message, &needed, &error);

		if (used == 0 || used == SIZE_MAX)
			return failure_set(failure, FAILURE_FATAL, "internal", "Install an extension that matches this bridge.",
							   "the output plugin sent what is no message: %s",
							   error != NULL ? error : "it is cut off");
		if (!on_message(source, &message, data + at, used, read_u64(data + 1), failure))
			return false;
		at += used;
	}
	return true;
}

static bool
on_copy_data(Source *source, char *data, size_t size, Failure *failure)
{
	atomic_fetch_add(&source->events, 1);
	atomic_fetch_add(&source->bytes, size);
	if (size > 0 && data[0] == 'k')
		return on_keepalive(source, data, size, failure);
	if (size > 0 && data[0] == 'w')
		return on_data(source, data, size, failure);
	return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "an unknown replication message");
}

static bool
wait_for_data(Source *source, Failure *failure)
{
	struct pollfd fds[3] = {
		{PQsocket(source->conn), POLLIN, 0}, {source->wake_fd, POLLIN, 0}, {source->ask_fd, POLLIN, 0}};
	uint64_t count;

	if (source->mark_due && !mark(source, source->marked, true, failure))
		return false;
	if (!send_status_if_due(source, failure))
		return false;
	if (poll(fds, 3, POLL_MS) < 0 && errno != EINTR)
		return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_POSTGRESQL_LOST, NULL, "waiting for PostgreSQL: %s",
						   strerror(errno));
	if (read(source->ask_fd, &count, sizeof count) == sizeof count)
	{
		source->asked = true;
		if (!send_status(source, true, failure))
			return false;
	}
	return PQconsumeInput(source->conn) != 0 || postgres_connection_failed(source->conn, NULL, failure);
}

/* The copy has ended, which the server does only when something went wrong or it is being shut down. */
static bool
copy_ended(Source *source, Failure *failure)
{
	PGresult *result = PQgetResult(source->conn);

	if (PQresultStatus(result) == PGRES_FATAL_ERROR)
	{
		postgres_connection_failed(source->conn, result, failure);
		failure_context(failure, "decoding the log");
	}
	else
		failure_set(failure, FAILURE_RETRY, FAILURE_CODE_POSTGRESQL_LOST, NULL, "PostgreSQL has ended the replication");
	PQclear(result);
	return false;
}

/* The log is past what a backfill copied: from here on each change comes once. */
static bool
end_window(Source *source, Failure *failure)
{
	SourcePoint point = {0, source->marked};

	if (source->window_end == 0 || source->in_transaction || source->marked < source->window_end)
		return true;
	source->window_end = 0;
	return backfill_put_caught_up(source->outbox, point, failure);
}

static bool
follow(Source *source, Failure *failure)
{
	unsigned since_status = 0;

	while (!outbox_stopping(source->outbox))
	{
		char *data = NULL;
		int size = PQgetCopyData(source->conn, &data, 1);
		bool ok = true;

		if (size > 0)
		{
			ok = on_copy_data(source, data, (size_t) size, failure) && end_window(source, failure);
			PQfreemem(data);
			atomic_store(&source->last_event_time, now_us());
			if (ok && ++since_status >= 64)
			{
				since_status = 0;
				ok = send_status_if_due(source, failure);
			}
		}
		else if (size == 0)
			ok = wait_for_data(source, failure);
		else
			ok = copy_ended(source, failure);
		if (!ok)
			return false;
	}
	return true;
}

static bool
put_hello(Source *source, Failure *failure)
{
	static const char software[] = "dbstream-bridge " DBS_VERSION;
	static const char kind[] = "postgresql";
	DbsHello hello = {.version = DBS_WIRE_VERSION,
					  .min_version = DBS_WIRE_MIN_VERSION,
					  .flags = DBS_HELLO_CASCADES_LOGGED,
					  .software = {software, sizeof software - 1},
					  .source_kind = {kind, sizeof kind - 1},
					  .source_version = {source->version, (uint32_t) strlen(source->version)}};

	if (!outbox_reserve(source->outbox, 512, failure))
		return false;
	return dbs_put_hello(outbox_writer(source->outbox), &hello) ||
		   failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "no room for a hello message");
}

/* Copy the tables, if any are to be copied, then ask for the log. */
static bool
begin_log(Source *source, Failure *failure)
{
	char *copied = NULL;
	bool ok;

	if (source->backfill == NULL)
		return start_replication(source, source->config->copied, failure);
	if (postgres_backfill_copying(source->backfill))
	{
		if (!postgres_backfill_run(source->backfill, source->conn, source->outbox, failure))
			return false;
		source->window_end = postgres_backfill_end(source->backfill);
		if (source->start == 0)
			set_start(source, postgres_backfill_start(source->backfill));
	}
	ok = postgres_backfill_positions(source->backfill, &copied, failure) && start_replication(source, copied, failure);
	free(copied);
	return ok;
}

static bool
source_run(Source *source, Failure *failure)
{
	memset(failure, 0, sizeof *failure);
	return (put_hello(source, failure) && begin_log(source, failure) && follow(source, failure)) ||
		   outbox_stopping(source->outbox);
}

static void
source_interrupt(Source *source)
{
	uint64_t one = 1;

	/* A full counter means that it has been told before. */
	(void) !write(source->wake_fd, &one, sizeof one);
}

/* ---- questions of other threads ---- */

static bool
ask_end(Source *source, SourcePoint *end, char text[512], Failure *failure)
{
	static const char sql[] = "SELECT pg_catalog.pg_current_wal_flush_lsn()";
	PGresult *result;
	bool ok;

	if (source->watch == NULL)
		source->watch = postgres_connection_open(source->config->postgres_conninfo, "dbstream-bridge watcher",
												 source->wake_fd, failure);
	if (source->watch == NULL)
		return false;
	result = postgres_connection_query(source->watch, sql, 0, NULL, source->wake_fd, QUERY_TIMEOUT_MS, failure);
	if (result == NULL)
	{
		/* Whatever it was: the next question gets a new connection. */
		PQfinish(source->watch);
		source->watch = NULL;
		return false;
	}
	end->file = 0;
	ok = postgres_lsn_parse(PQgetvalue(result, 0, 0), &end->offset);
	if (ok && text != NULL)
		snprintf(text, 512, "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return ok || failure_set(failure, FAILURE_RETRY, "internal", NULL, "PostgreSQL's position cannot be read");
}

static bool
source_end_point(Source *source, SourcePoint from, SourcePoint *end, char text[512], uint64_t *bytes_behind,
				 Failure *failure)
{
	uint64_t one = 1;
	bool ok;

	memset(failure, 0, sizeof *failure);
	pthread_mutex_lock(&source->watch_lock);
	ok = ask_end(source, end, text, failure);
	pthread_mutex_unlock(&source->watch_lock);
	/* Into MySQL wait_for_stream marks the log itself; here whoever waits does it for this position, which the log may
	 * have reached without anything of the stream's. */
	if (ok && !source->config->outbound && end->offset > atomic_load(&source->put))
		(void) !write(source->ask_fd, &one, sizeof one);
	if (ok && bytes_behind != NULL)
		*bytes_behind = end->offset > from.offset ? end->offset - from.offset : 0;
	return ok;
}

/*
 * Into MySQL, how far the target has it: what is still on its way there counts as behind. Into PostgreSQL, how far it
 * is in the outbox: the rest is the extension's to tell.
 */
static void
source_progress(const Source *source, SourceProgress *progress)
{
	Source *mutable = (Source *) source;
	uint64_t put = atomic_load(&mutable->put);
	uint64_t confirmed = atomic_load(&mutable->confirmed);
	uint64_t keepalive = atomic_load(&mutable->keepalive);

	memset(progress, 0, sizeof *progress);
	if (!source->config->outbound)
		progress->point.offset = put;
	else
		progress->point.offset = confirmed >= put && keepalive > confirmed ? keepalive : confirmed;
	postgres_lsn_format(progress->point.offset, progress->position);
	progress->events = atomic_load(&mutable->events);
	progress->bytes = atomic_load(&mutable->bytes);
	progress->rows = atomic_load(&mutable->rows);
	progress->transactions = atomic_load(&mutable->transactions);
	progress->last_event_time = atomic_load(&mutable->last_event_time);
	if (source->backfill != NULL)
		postgres_backfill_progress(source->backfill, progress);
}

static void
source_confirm(Source *source, const char *position)
{
	uint64_t lsn;

	if (postgres_lsn_parse(position, &lsn))
		atomic_store(&source->confirmed, lsn);
}

/* ---- checks ---- */

static void
add_check(CheckSink sink, void *context, const char *name, const char *object, bool ok, const char *detail,
		  const char *remedy)
{
	Check check = {.name = name, .status = ok ? "ok" : "failed"};

	snprintf(check.object, sizeof check.object, "%s", object);
	snprintf(check.detail, sizeof check.detail, "%s", detail);
	snprintf(check.remedy, sizeof check.remedy, "%s", ok ? "" : remedy);
	sink(context, &check);
}

/* One row: what the server's settings and the role allow. */
static const char requirements[] =
	"SELECT current_setting('wal_level'), current_setting('max_replication_slots')::int"
	" - (SELECT count(*) FROM pg_catalog.pg_replication_slots),"
	" (SELECT rolreplication OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),"
	" (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'output_plugin_libraries'), current_user,"
	" current_setting('server_version')";

static bool
validate_server(PGconn *conn, const StreamConfig *config, CheckSink sink, void *context, Failure *failure)
{
	PGresult *result = postgres_connection_query(conn, requirements, 0, NULL, -1, QUERY_TIMEOUT_MS, failure);
	const char *level, *plugins;
	char object[200], text[600];
	bool listed;

	if (result == NULL)
		return false;
	level = PQgetvalue(result, 0, 0);
	plugins = PQgetisnull(result, 0, 3) ? NULL : PQgetvalue(result, 0, 3);
	listed = plugins == NULL || strstr(plugins, "dbstream") != NULL;
	snprintf(object, sizeof object, "connection %s", config->source.name);
	snprintf(text, sizeof text, "PostgreSQL %s answers", PQgetvalue(result, 0, 5));
	add_check(sink, context, "source", object, true, text, "");
	snprintf(text, sizeof text, "wal_level is %s", level);
	add_check(sink, context, "wal_level", object, strcmp(level, "logical") == 0, text,
			  "Set wal_level = logical there and restart the server.");
	snprintf(text, sizeof text, "free replication slots: %s", PQgetvalue(result, 0, 1));
	add_check(sink, context, "max_replication_slots", object, strtol(PQgetvalue(result, 0, 1), NULL, 10) > 0, text,
			  "Raise max_replication_slots there and restart the server, or drop a slot that nobody uses.");
	snprintf(text, sizeof text, "ALTER ROLE \"%s\" REPLICATION;", PQgetvalue(result, 0, 4));
	add_check(sink, context, "replication", object, PQgetvalue(result, 0, 2)[0] == 't',
			  PQgetvalue(result, 0, 2)[0] == 't' ? "the role may replicate" : "the role may not replicate", text);
	add_check(sink, context, "output_plugin_libraries", object, listed,
			  listed ? "the output plugin is allowed" : "the server allows only output plugins that it lists",
			  "Add dbstream to output_plugin_libraries in postgresql.conf there and reload it.");
	PQclear(result);
	return true;
}

/* What the bridge's own database needs is checked by the extension itself. */
static bool
source_validate(const StreamConfig *config, CheckSink sink, void *context, Failure *failure)
{
	char *conninfo;
	PGconn *conn;
	bool ok;

	if (config->outbound)
		return true;
	conninfo = postgres_conninfo(&config->source);
	if (conninfo == NULL)
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a connection string");
	conn = postgres_connection_open(conninfo, "dbstream-bridge validate", -1, failure);
	postgres_conninfo_free(conninfo);
	if (conn == NULL)
		return false;
	ok = validate_server(conn, config, sink, context, failure);
	PQfinish(conn);
	return ok;
}

const SourceOps postgres_source_ops = {
	.kind = "local",
	.open = source_open,
	.run = source_run,
	.interrupt = source_interrupt,
	.end_point = source_end_point,
	.progress = source_progress,
	.confirm = source_confirm,
	.close = source_close,
	.validate = source_validate,
};
