/*
 * Three threads serve a session: this one sends to PostgreSQL, one reads the
 * source, one (the watcher) asks the source where its log ends. They meet in the
 * outbox. Whoever fails first ends the session; this thread joins the others.
 */
#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "mysql_conflict.h"
#include "mysql_target.h"
#include "outbound_copy.h"
#include "outbox_reader.h"
#include "postgres_connection.h"
#include "postgres_conninfo.h"
#include "postgres_target.h"
#include "source.h"
#include "source_registry.h"
#include "stream_config.h"
#include "watcher.h"

#define CALL_TIMEOUT_MS 30000
#define CLOSE_TIMEOUT_MS 3000
#define SETTLE_TIMEOUT_MS 2000
#define LONG_SESSION_MS 10000

typedef struct Session
{
	const SessionInput *in;
	PGconn *conn;
	char *number; /* the session as open_inbound calls it; NULL: not open */
	StreamConfig *config;
	StartPoint start;
	const SourceOps *ops;
	Source *source;
	Outbox *outbox;
	Watcher *watcher;
	Target *target;

	/* of a stream that reads PostgreSQL */
	char *slot_name;
	char *conninfo; /* with the password, of a source that is another server; else NULL */

	/* an outbound stream's */
	MysqlTarget *mysql; /* the same as target, which it becomes when everything is open */
	char *stream_key;
	char *start_kind; /* "backfill" or "resync" while tables are to be copied, else "position" */
	char *recorded;   /* the position that PostgreSQL knows the target has committed */

	pthread_t reader;
	bool reading; /* the reader thread has to be joined */
	atomic_bool read_ended;
	bool read_ok; /* what run returned, valid once joined; so is the next */
	Failure read_failure;
} Session;

static bool
told_to_stop(const Session *session)
{
	struct pollfd fd = {session->in->stop_fd, POLLIN, 0};

	return poll(&fd, 1, 0) > 0;
}

/* ---- recording failures ---- */

/* PostgreSQL knows the worker's errors itself, and its own absence is not the stream's error. */
static bool
worth_recording(const Failure *failure)
{
	static const char *const unrecorded[] = {FAILURE_CODE_POSTGRESQL_LOST,
											 FAILURE_CODE_CLAIMED,
											 FAILURE_CODE_OUTDATED,
											 FAILURE_CODE_STOPPING,
											 FAILURE_CODE_WORKER_STOPPED,
											 FAILURE_CODE_CONFLICT_MET,
											 FAILURE_CODE_HANDSHAKE,
											 "no_extension",
											 "no_privilege",
											 "not_ready"};

	for (size_t i = 0; i < sizeof unrecorded / sizeof unrecorded[0]; i++)
	{
		if (strcmp(failure->code, unrecorded[i]) == 0)
			return false;
	}
	return failure->class != FAILURE_NONE;
}

/* True when PostgreSQL has it. */
static bool
record_failure(Session *session, const Failure *failure)
{
	char id[16];
	const char *values[] = {id,
							failure->code,
							failure->message,
							failure->detail[0] != '\0' ? failure->detail : NULL,
							failure->hint[0] != '\0' ? failure->hint : NULL,
							failure->position[0] != '\0' ? failure->position : NULL,
							failure->class == FAILURE_RETRY ? "true" : "false"};
	Failure own;
	PGresult *result;

	if (session->conn == NULL || PQstatus(session->conn) != CONNECTION_OK ||
		PQpipelineStatus(session->conn) != PQ_PIPELINE_OFF || PQtransactionStatus(session->conn) != PQTRANS_IDLE)
		return false;
	snprintf(id, sizeof id, "%d", session->in->stream_id);
	result = postgres_connection_query(session->conn, "SELECT dbstream.bridge_error($1, $2, $3, $4, $5, $6, $7)", 7,
									   values, -1, CLOSE_TIMEOUT_MS, &own);
	if (result == NULL)
	{
		failure_context(&own, "recording an error of the stream");
		log_failure(LOG_LEVEL_WARNING, session->in->stream, &own);
		return false;
	}
	PQclear(result);
	return true;
}

/* ---- opening ---- */

static bool
open_connection(Session *session, Failure *failure)
{
	const SessionInput *in = session->in;
	char application[96];

	snprintf(application, sizeof application, "dbstream-bridge %s", in->stream);
	session->conn = postgres_connection_open(in->conninfo, application, in->stop_fd, failure);
	return session->conn != NULL && postgres_connection_hello(session->conn, in->bridge_name, in->stop_fd, failure);
}

static char *
copy_field(const PGresult *result, int column)
{
	return strdup(PQgetisnull(result, 0, column) ? "" : PQgetvalue(result, 0, column));
}

static bool
open_inbound(Session *session, Failure *failure)
{
	char id[16];
	char generation[24];
	const char *values[] = {id, generation};
	PGresult *result;

	snprintf(id, sizeof id, "%d", session->in->stream_id);
	snprintf(generation, sizeof generation, "%" PRId64, session->in->generation);
	result = postgres_connection_query(
		session->conn, "SELECT session, start_kind, \"position\", gtid_set FROM dbstream.open_inbound($1, $2)", 2,
		values, session->in->stop_fd, CALL_TIMEOUT_MS, failure);
	if (result == NULL)
		return false;
	session->number = copy_field(result, 0);
	session->start.kind = copy_field(result, 1);
	session->start.position = copy_field(result, 2);
	session->start.gtid_set = copy_field(result, 3);
	PQclear(result);
	return true;
}

/* What is recorded of a backfill that is under way. */
static bool
read_backfill(Session *session, Failure *failure)
{
	char id[16];
	const char *values[] = {id};
	PGresult *result;

	snprintf(id, sizeof id, "%d", session->in->stream_id);
	result = postgres_connection_query(session->conn, "SELECT dbstream.bridge_backfill($1)", 1, values,
									   session->in->stop_fd, CALL_TIMEOUT_MS, failure);
	if (result == NULL)
		return false;
	if (PQntuples(result) == 1 && !PQgetisnull(result, 0, 0))
		session->start.backfill = copy_field(result, 0);
	PQclear(result);
	return true;
}

/* The same for a stream from this database. */
static bool
open_outbound(Session *session, Failure *failure)
{
	char id[16];
	char generation[24];
	const char *values[] = {id, generation};
	PGresult *result;

	snprintf(id, sizeof id, "%d", session->in->stream_id);
	snprintf(generation, sizeof generation, "%" PRId64, session->in->generation);
	result = postgres_connection_query(session->conn,
									   "SELECT slot_name, stream_key, \"position\", start_kind FROM"
									   " dbstream.open_outbound($1, $2)",
									   2, values, session->in->stop_fd, CALL_TIMEOUT_MS, failure);
	if (result == NULL)
		return false;
	session->slot_name = copy_field(result, 0);
	session->stream_key = copy_field(result, 1);
	session->recorded = copy_field(result, 2);
	session->start_kind = copy_field(result, 3);
	PQclear(result);
	return true;
}

/* Which server the stream has read before; seen: which it reads now, or empty. *known is malloc'd; NULL: not wanted. */
static bool
source_server(Session *session, const char *seen, char **known, Failure *failure)
{
	char id[16];
	const char *values[] = {id, seen};
	PGresult *result;

	snprintf(id, sizeof id, "%d", session->in->stream_id);
	result = postgres_connection_query(session->conn, "SELECT dbstream.bridge_source_server($1, $2)", 2, values,
									   session->in->stop_fd, CALL_TIMEOUT_MS, failure);
	if (result == NULL)
		return false;
	if (known != NULL)
		*known = copy_field(result, 0);
	PQclear(result);
	return true;
}

/* Open the source at the start, and remember what server it is: a place in its log is no place in another's. */
static bool
open_source(Session *session, Failure *failure)
{
	if (session->ops->server != NULL && !source_server(session, "", &session->start.server, failure))
		return false;
	session->source = session->ops->open(session->config, &session->start, session->outbox, failure);
	if (session->source == NULL || session->ops->server == NULL)
		return session->source != NULL;
	return source_server(session, session->ops->server(session->source), NULL, failure);
}

/* Of a stream between two MySQL servers the target has a password too. */
static bool
read_target_secret(Session *session, Failure *failure)
{
	const char *values[] = {session->config->target.name};
	PGresult *result;

	if (!session->config->relay)
		return true;
	result = postgres_connection_query(session->conn, "SELECT dbstream.bridge_secret($1)", 1, values,
									   session->in->stop_fd, CALL_TIMEOUT_MS, failure);
	if (result == NULL)
		return false;
	if (PQntuples(result) == 1 && !PQgetisnull(result, 0, 0))
		stream_config_target_secret(session->config, PQgetvalue(result, 0, 0));
	PQclear(result);
	return true;
}

/* Read the stream's definition anew, with the password as it is now. */
static bool
read_config(Session *session, Failure *failure)
{
	char *connection = stream_config_source_name(session->in->row);
	const char *values[] = {connection};
	char *secret = NULL;
	PGresult *result = NULL;

	if (connection != NULL)
	{
		result = postgres_connection_query(session->conn, "SELECT dbstream.bridge_secret($1)", 1, values,
										   session->in->stop_fd, CALL_TIMEOUT_MS, failure);
		free(connection);
		if (result == NULL)
			return false;
		if (PQntuples(result) == 1 && !PQgetisnull(result, 0, 0))
			secret = PQgetvalue(result, 0, 0);
	}
	session->config = stream_config_parse(session->in->row, secret, failure);
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
	PQclear(result);
	if (session->config == NULL || !read_target_secret(session, failure))
		return false;
	session->ops = source_registry_find(session->config->outbound ? "local" : session->config->source.kind);
	if (session->ops == NULL)
		return failure_set(failure, FAILURE_REJECT, "no_source", "Use a connection of kind mysql or mariadb.",
						   "this bridge cannot read from connection %s of kind %s", session->config->source.name,
						   session->config->source.kind);
	return true;
}

static void *
read_source(void *context)
{
	Session *session = context;

	source_registry_thread_begin();
	session->read_ok = session->ops->run(session->source, &session->read_failure);
	source_registry_thread_end();
	outbox_finish(session->outbox);
	atomic_store(&session->read_ended, true);
	return NULL;
}

static bool
make_target(Session *session, const TargetInput *input, Failure *failure)
{
	SourceProgress progress;

	if (session->mysql == NULL)
	{
		session->target = (Target *) postgres_target_new(input, session->in->stop_fd, failure);
		return session->target != NULL;
	}
	session->ops->progress(session->source, &progress);
	session->target = (Target *) session->mysql;
	return mysql_target_begin(session->mysql, input, session->in->stop_fd, progress.position, failure);
}

static bool
start_threads(Session *session, Failure *failure)
{
	TargetInput input = {.conn = session->conn,
						 .stream = session->in->stream,
						 .stream_id = session->in->stream_id,
						 .generation = session->in->generation,
						 .session = session->number != NULL ? strtoll(session->number, NULL, 10) : 0,
						 .ops = session->ops,
						 .source = session->source,
						 .outbox = session->outbox};

	session->watcher = watcher_start(session->ops, session->source, session->outbox, session->in->stream, failure);
	if (session->watcher == NULL)
		return false;
	input.watcher = session->watcher;
	if (!make_target(session, &input, failure))
		return false;
	if (pthread_create(&session->reader, NULL, read_source, session) != 0)
		return failure_set(failure, FAILURE_RETRY, "no_thread", "Raise the limit of threads of the bridge's user.",
						   "a stream's reading thread cannot be started");
	session->reading = true;
	return true;
}

static bool
lsn_behind(const char *lsn, const char *other)
{
	unsigned high[2] = {0, 0}, low[2] = {0, 0};

	if (sscanf(lsn, "%X/%X", &high[0], &low[0]) != 2 || sscanf(other, "%X/%X", &high[1], &low[1]) != 2)
		return false;
	return high[0] < high[1] || (high[0] == high[1] && low[0] < low[1]);
}

/* Is a position behind another: both of PostgreSQL's log, or both files and offsets? */
static bool
position_behind(const char *position, const char *other)
{
	unsigned long long at[2] = {0, 0}, other_at[2] = {0, 0};
	const char *dot = strrchr(position, '.'), *other_dot = strrchr(other, '.');

	if (dot == NULL || other_dot == NULL)
		return lsn_behind(position, other);
	if (sscanf(dot, ".%llu:%llu", &at[0], &at[1]) != 2 ||
		sscanf(other_dot, ".%llu:%llu", &other_at[0], &other_at[1]) != 2)
		return false;
	return at[0] < other_at[0] || (at[0] == other_at[0] && at[1] < other_at[1]);
}

/* Go on at the target's position; without one, where the option says, which is now for a stream out of PostgreSQL. */
static void
start_at(Session *session, const char *position)
{
	const char *option = session->config->relay && session->config->start != NULL ? session->config->start : "now";
	bool word = strcmp(option, "now") == 0 || strcmp(option, "earliest") == 0;

	if (position[0] != '\0')
	{
		session->start.kind = strdup("position");
		session->start.position = strdup(position);
	}
	else
	{
		session->start.kind = strdup(word ? option : "file");
		session->start.position = strdup(word ? "" : strncmp(option, "file:", 5) == 0 ? option + 5 : option);
	}
	session->start.gtid_set = strdup("");
}

/* The target says where to go on: its position was committed with its rows. */
static bool
open_mysql_target(Session *session, bool careful, Failure *failure)
{
	const char *position;

	session->config->careful = careful;
	session->mysql = mysql_target_open(session->config, session->stream_key, failure);
	if (session->mysql == NULL)
		return false;
	position = mysql_target_position(session->mysql);
	if (session->recorded[0] != '\0' && (position[0] == '\0' || position_behind(position, session->recorded)))
		return failure_set(failure, FAILURE_REJECT, "target_behind",
						   "The target has lost commits (a restore, a failover, another server): "
						   "dbstream.resync_stream() copies the tables anew.",
						   "the target is at %s, but it had committed everything before %s",
						   position[0] != '\0' ? position : "no position", session->recorded);
	start_at(session, position);
	return outbound_copy_positions(session->config, session->stream_key, failure);
}

/* Before a stream to a MySQL server can begin, its tables are copied. */
static bool
copy_tables(Session *session, SessionOutcome *outcome, Failure *failure)
{
	OutboundCopyInput input = {session->conn, session->config, session->stream_key,
							   strcmp(session->start_kind, "resync") == 0, session->in->stop_fd};
	bool progressed = false;
	bool ok;

	session->config->postgres_conninfo = session->in->conninfo;
	session->config->slot_name = session->slot_name;
	if (strcmp(session->start_kind, "position") == 0)
		return true;
	ok = outbound_copy_run(&input, &progressed, failure);
	outcome->progressed = outcome->progressed || progressed;
	return ok;
}

/* Another PostgreSQL server as the source: where it is, and the slot there, whose name is unique among all targets. */
static bool
prepare_postgres_source(Session *session, Failure *failure)
{
	char id[16];
	const char *values[] = {id};
	PGresult *result;

	if (strcmp(session->config->source.kind, "postgresql") != 0)
		return true;
	snprintf(id, sizeof id, "%d", session->in->stream_id);
	result = postgres_connection_query(session->conn, "SELECT dbstream.source_slot($1)", 1, values,
									   session->in->stop_fd, CALL_TIMEOUT_MS, failure);
	if (result == NULL)
		return false;
	session->slot_name = copy_field(result, 0);
	PQclear(result);
	session->conninfo = postgres_conninfo(&session->config->source);
	session->config->postgres_conninfo = session->conninfo;
	session->config->slot_name = session->slot_name;
	return session->conninfo != NULL ||
		   failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a connection string");
}

static bool
open_both_ends(Session *session, SessionOutcome *outcome, Failure *failure)
{
	if (!open_connection(session, failure))
		return false;
	if (outcome->unrecorded.class != FAILURE_NONE && record_failure(session, &outcome->unrecorded))
		outcome->unrecorded.class = FAILURE_NONE;
	/* Claim first: a bridge that only stands by reads no password and does not connect to the source. */
	if (stream_config_is_outbound(session->in->row) || stream_config_is_relay(session->in->row))
	{
		if (!open_outbound(session, failure) || !read_config(session, failure) ||
			!copy_tables(session, outcome, failure) || !open_mysql_target(session, outcome->conflict_met, failure))
			return false;
	}
	else if (!open_inbound(session, failure) || !read_backfill(session, failure) || !read_config(session, failure) ||
			 !prepare_postgres_source(session, failure))
		return false;
	session->outbox = outbox_new(failure);
	if (session->outbox == NULL)
		return false;
	return open_source(session, failure) && start_threads(session, failure);
}

/* ---- closing ---- */

/* Interrupts until the reader has noticed: it may have been between two reads when the first one came. */
static void
join_reader(Session *session)
{
	int tries = 0;

	if (!session->reading)
		return;
	outbox_stop(session->outbox);
	while (!atomic_load(&session->read_ended))
	{
		struct timespec pause = {0, tries < 20 ? 5000000 : 100000000};

		session->ops->interrupt(session->source);
		nanosleep(&pause, NULL);
		tries++;
	}
	pthread_join(session->reader, NULL);
	session->reading = false;
}

/* Let the worker apply what it has and give the stream back. When that fails, the end of the connection does it. */
static void
close_inbound(Session *session)
{
	const char *values[] = {session->number};
	Failure ignored;
	PGresult *result;

	if (session->number == NULL || session->conn == NULL || PQstatus(session->conn) != CONNECTION_OK ||
		PQpipelineStatus(session->conn) != PQ_PIPELINE_OFF)
		return;
	result = postgres_connection_query(session->conn, "SELECT dbstream.close_inbound($1)", 1, values, -1,
									   CLOSE_TIMEOUT_MS, &ignored);
	PQclear(result);
}

static void
free_session(Session *session)
{
	if (session->source != NULL)
		session->ops->close(session->source);
	/* One that never became the target; the target itself has been freed. */
	if (session->mysql != NULL)
		((Target *) session->mysql)->ops->free((Target *) session->mysql);
	free(session->slot_name);
	postgres_conninfo_free(session->conninfo);
	free(session->stream_key);
	free(session->recorded);
	free(session->start_kind);
	outbox_free(session->outbox);
	stream_config_free(session->config);
	if (session->conn != NULL)
		PQfinish(session->conn);
	free(session->number);
	free(session->start.kind);
	free(session->start.position);
	free(session->start.gtid_set);
	free(session->start.backfill);
	free(session->start.server);
}

/* A failure that does not say where it happened happened where the source is. */
static void
add_position(const Session *session, Failure *failure)
{
	SourceProgress progress;

	if (failure->position[0] != '\0')
		return;
	session->ops->progress(session->source, &progress);
	snprintf(failure->position, sizeof failure->position, "%s", progress.position);
}

/* End the threads and the pipeline. The reader's failure, if it has one of its own, is why the session ended. */
static bool
end_threads(Session *session, bool ok, Failure *failure)
{
	/* Not read_ended: the reader sets it a moment after the outbox has told the target that the source ended. */
	bool source_ended = session->reading && outbox_finished(session->outbox);

	join_reader(session);
	watcher_stop(session->watcher);
	if (ok && source_ended && !session->read_ok)
	{
		*failure = session->read_failure;
		add_position(session, failure);
		ok = false;
	}
	if (session->target != NULL)
	{
		(void) !session->target->ops->settle(session->target, SETTLE_TIMEOUT_MS);
		session->target->ops->free(session->target);
		session->target = NULL;
		session->mysql = NULL;
	}
	return ok;
}

static void
log_start(const Session *session)
{
	const StartPoint *start = &session->start;

	if (session->config->outbound)
	{
		SourceProgress progress;

		session->ops->progress(session->source, &progress);
		log_line(LOG_LEVEL_INFO, session->in->stream, "reading slot %s from %s, writing %s %s", session->slot_name,
				 progress.position, session->config->target.kind, session->config->target.name);
		return;
	}
	if (session->config->relay)
	{
		log_line(LOG_LEVEL_INFO, session->in->stream, "reading %s %s from %s%s%s, writing %s %s",
				 session->config->source.kind, session->config->source.name, start->kind,
				 start->position[0] != '\0' ? " " : "", start->position, session->config->target.kind,
				 session->config->target.name);
		return;
	}
	log_line(LOG_LEVEL_INFO, session->in->stream, "session %s: reading %s %s from %s%s%s%s%s", session->number,
			 session->config->source.kind, session->config->source.name, start->kind,
			 start->position[0] != '\0' ? " " : "", start->position, start->gtid_set[0] != '\0' ? ", GTID set " : "",
			 start->gtid_set);
}

bool
session_run(const SessionInput *input, SessionOutcome *outcome, Failure *failure)
{
	Session session = {.in = input};
	int64_t began = clock_now_ms();
	bool ok;

	failure->class = FAILURE_NONE;
	outcome->progressed = false;
	ok = open_both_ends(&session, outcome, failure);
	if (ok)
	{
		log_start(&session);
		ok = session.target->ops->run(session.target, failure);
		outcome->progressed = session.target->ops->applied(session.target) || clock_now_ms() - began > LONG_SESSION_MS;
	}
	ok = end_threads(&session, ok, failure);
	close_inbound(&session);
	/* What fails while everything is being stopped has no cause of its own. */
	if (told_to_stop(&session))
		ok = true;
	else if (ok)
		ok = failure_set(failure, FAILURE_RETRY, "source_ended", NULL, "the source has ended without an error");
	outcome->conflict_met = !ok && strcmp(failure->code, FAILURE_CODE_CONFLICT_MET) == 0;
	if (!ok && worth_recording(failure) && !record_failure(&session, failure))
		outcome->unrecorded = *failure;
	free_session(&session);
	return ok;
}
