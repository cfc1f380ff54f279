#include "postgres_connection.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../libdbstream/wire.h"
#include "clock.h"
#include "log.h"
#include "version.h"

#define CONNECT_TIMEOUT_MS 10000
#define QUERY_TIMEOUT_MS 30000

/* A bridge's calls are short, and a stream's session lives for months: no limit of the server's applies to it. */
static const char session_settings[] = "SET statement_timeout = 0; SET lock_timeout = 0; "
									   "SET idle_in_transaction_session_timeout = 0; SET client_min_messages = warning";

static bool
stopping_failure(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_STOPPING, NULL, "the bridge is stopping");
}

/* Wait for the socket. False when told to stop or when the time is over. */
static bool
wait_socket(PGconn *conn, short events, int stop_fd, int64_t deadline, const char *doing, Failure *failure)
{
	for (;;)
	{
		struct pollfd fds[2] = {{PQsocket(conn), events, 0}, {stop_fd, POLLIN, 0}};
		int64_t left = deadline - clock_now_ms();
		int ready = left > 0 ? poll(fds, 2, (int) left) : 0;

		if (ready < 0 && errno != EINTR)
			return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_POSTGRESQL_LOST, NULL, "%s: %s", doing,
							   strerror(errno));
		if (ready > 0 && fds[1].revents != 0)
			return stopping_failure(failure);
		if (ready > 0)
			return true;
		if (ready == 0)
			return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_POSTGRESQL_LOST,
							   "Check that the server is up and not overloaded.",
							   "%s: PostgreSQL did not answer in time", doing);
	}
}

/* The first line of a libpq text, without its line end. */
static void
copy_line(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%.*s", (int) strcspn(text, "\n"), text);
}

/* The server is going away, or not there yet. A protocol violation is the extension's word about a batch or a hello. */
static bool
is_connection_loss(const char *sqlstate)
{
	return (strncmp(sqlstate, "08", 2) == 0 && strcmp(sqlstate, "08P01") != 0) || strncmp(sqlstate, "57P", 3) == 0;
}

/* Shortages, conflicts with other sessions, states that others change: they may pass by themselves. */
static bool
may_pass(const char *sqlstate)
{
	static const char *const classes[] = {"08", "40", "53", "55", "57"};

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
	{
		if (strncmp(sqlstate, classes[i], 2) == 0)
			return true;
	}
	return false;
}

bool
postgres_connection_failed(PGconn *conn, const PGresult *result, Failure *failure)
{
	const char *sqlstate = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	char line[768];

	if (sqlstate == NULL || PQstatus(conn) != CONNECTION_OK || is_connection_loss(sqlstate))
	{
		const char *primary = result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;

		copy_line(line, sizeof line, primary != NULL ? primary : PQerrorMessage(conn));
		return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_POSTGRESQL_LOST, NULL,
						   "the connection to PostgreSQL is lost: %s", line);
	}
	copy_line(line, sizeof line, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
	if (strcmp(sqlstate, "55P03") == 0)
		return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_CLAIMED, NULL, "%s", line);
	if (strcmp(sqlstate, "DB001") == 0)
		return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_OUTDATED, NULL, "%s", line);
	failure_set(failure, may_pass(sqlstate) ? FAILURE_RETRY : FAILURE_REJECT, "postgresql_error",
				PQresultErrorField(result, PG_DIAG_MESSAGE_HINT), "%s", line);
	{
		const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

		snprintf(failure->detail, sizeof failure->detail, "SQLSTATE %s%s%s", sqlstate, detail != NULL ? ": " : "",
				 detail != NULL ? detail : "");
	}
	return false;
}

/* Notices are for whoever reads debug output; they must not go to stderr unformatted. */
static void
log_notice(void *context, const PGresult *result)
{
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	log_line(LOG_LEVEL_DEBUG, NULL, "PostgreSQL says: %s", primary != NULL ? primary : "(nothing)");
}

static bool
finish_connecting(PGconn *conn, int stop_fd, Failure *failure)
{
	int64_t deadline = clock_now_ms() + CONNECT_TIMEOUT_MS;
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	while (status != PGRES_POLLING_OK)
	{
		if (!wait_socket(conn, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, stop_fd, deadline,
						 "connecting to PostgreSQL", failure))
			return false;
		status = PQconnectPoll(conn);
		if (status == PGRES_POLLING_FAILED)
			return false;
	}
	return true;
}

/* PQerrorMessage of a failed connection has a line for each address tried; it never holds the password. */
static void
connect_failure(PGconn *conn, Failure *failure)
{
	char line[768];

	copy_line(line, sizeof line, PQerrorMessage(conn));
	failure_set(failure, FAILURE_RETRY, FAILURE_CODE_POSTGRESQL_LOST,
				PQconnectionNeedsPassword(conn)
					? "Give the password in conninfo, PGPASSWORD or a password file (~/.pgpass)."
					: NULL,
				"cannot connect to PostgreSQL: %s", line);
}

static PGconn *
open_connection(const char *conninfo, const char *application_name, const char *replication, int stop_fd,
				Failure *failure)
{
	/* Later keywords win over earlier ones, so conninfo may override what stands before it. */
	const char *keywords[] = {"keepalives_idle",
							  "keepalives_interval",
							  "keepalives_count",
							  "tcp_user_timeout",
							  "dbname",
							  "application_name",
							  "client_encoding",
							  "replication",
							  NULL};
	const char *values[] = {"10", "5", "3", "30000", conninfo, application_name, "UTF8", replication, NULL};
	PGconn *conn = PQconnectStartParams(keywords, values, 1);
	PGresult *result;

	if (conn == NULL)
	{
		failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a connection to PostgreSQL");
		return NULL;
	}
	failure->class = FAILURE_NONE;
	if (PQstatus(conn) == CONNECTION_BAD || !finish_connecting(conn, stop_fd, failure))
	{
		if (failure->class == FAILURE_NONE)
			connect_failure(conn, failure);
		PQfinish(conn);
		return NULL;
	}
	PQsetNoticeReceiver(conn, log_notice, NULL);
	if (PQsetnonblocking(conn, 1) != 0)
	{
		connect_failure(conn, failure);
		PQfinish(conn);
		return NULL;
	}
	result = postgres_connection_query(conn, session_settings, -1, NULL, stop_fd, QUERY_TIMEOUT_MS, failure);
	if (result == NULL)
	{
		PQfinish(conn);
		return NULL;
	}
	PQclear(result);
	return conn;
}

PGconn *
postgres_connection_open(const char *conninfo, const char *application_name, int stop_fd, Failure *failure)
{
	return open_connection(conninfo, application_name, NULL, stop_fd, failure);
}

PGconn *
postgres_connection_open_replication(const char *conninfo, const char *application_name, int stop_fd, Failure *failure)
{
	return open_connection(conninfo, application_name, "database", stop_fd, failure);
}

/* Send what is queued and read until the statement's results are complete; the last one is returned. */
static PGresult *
collect_result(PGconn *conn, int stop_fd, int64_t deadline, Failure *failure)
{
	PGresult *last = NULL;

	for (;;)
	{
		PGresult *result;
		int unsent = PQflush(conn);

		if (unsent < 0 || PQconsumeInput(conn) == 0)
		{
			postgres_connection_failed(conn, NULL, failure);
			break;
		}
		if (unsent > 0 || PQisBusy(conn))
		{
			if (!wait_socket(conn, unsent > 0 ? POLLIN | POLLOUT : POLLIN, stop_fd, deadline, "a query", failure))
				break;
			continue;
		}
		result = PQgetResult(conn);
		if (result == NULL)
			return last;
		/* Of several statements the first error is what matters; nothing follows it. */
		PQclear(last);
		last = result;
	}
	PQclear(last);
	return NULL;
}

PGresult *
postgres_connection_query(PGconn *conn, const char *sql, int count, const char *const *values, int stop_fd,
						  int timeout_ms, Failure *failure)
{
	/* A negative count asks for the simple protocol, which takes several statements. */
	int sent = count < 0 ? PQsendQuery(conn, sql) : PQsendQueryParams(conn, sql, count, NULL, values, NULL, NULL, 0);
	PGresult *result;

	if (!sent)
	{
		postgres_connection_failed(conn, NULL, failure);
		return NULL;
	}
	failure->class = FAILURE_NONE;
	result = collect_result(conn, stop_fd, clock_now_ms() + timeout_ms, failure);
	if (result == NULL)
	{
		if (failure->class == FAILURE_NONE)
			postgres_connection_failed(conn, NULL, failure);
		return NULL;
	}
	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
	{
		postgres_connection_failed(conn, result, failure);
		PQclear(result);
		return NULL;
	}
	return result;
}

/*
 * The server answered bridge_hello with an error of its own. Only what another
 * version of the bridge would mend is fatal; the rest can be mended in the database while the bridge waits.
 */
static void
explain_hello_error(const char *sqlstate, Failure *failure)
{
	if (strcmp(sqlstate, "3F000") == 0)
		failure_set(failure, FAILURE_REJECT, "no_extension", "Run CREATE EXTENSION dbstream in that database.",
					"the extension dbstream is not installed in the database");
	else if (strcmp(sqlstate, "42501") == 0)
		failure_set(failure, FAILURE_REJECT, "no_privilege", "Run GRANT dbstream_bridge TO the role in conninfo.",
					"the role that the bridge connects as may not call dbstream's bridge functions");
	else if (strcmp(sqlstate, "42883") == 0)
		failure_set(failure, FAILURE_FATAL, FAILURE_CODE_HANDSHAKE, "Run ALTER EXTENSION dbstream UPDATE.",
					"the installed extension dbstream does not know the handshake of this bridge (%s)", DBS_VERSION);
	else if (strcmp(sqlstate, "08P01") == 0)
	{
		failure->class = FAILURE_FATAL;
		snprintf(failure->code, sizeof failure->code, "%s", FAILURE_CODE_HANDSHAKE);
	}
	else
	{
		failure->class = FAILURE_REJECT;
		snprintf(failure->code, sizeof failure->code, "not_ready");
	}
}

/* The extension has accepted this bridge's protocol; see that this bridge can speak the extension's. */
static bool
check_answer(const char *answer, Failure *failure)
{
	struct json_object *object = json_tokener_parse(answer);
	struct json_object *protocol = NULL;
	struct json_object *version = NULL;
	bool ok = true;

	json_object_object_get_ex(object, "protocol", &protocol);
	json_object_object_get_ex(object, "extension_version", &version);
	if (protocol != NULL && json_object_get_int(protocol) < DBS_WIRE_MIN_VERSION)
		ok = failure_set(failure, FAILURE_FATAL, FAILURE_CODE_HANDSHAKE, "Run ALTER EXTENSION dbstream UPDATE.",
						 "the extension dbstream %s speaks protocol %d, this bridge (%s) needs at least %d",
						 version != NULL ? json_object_get_string(version) : "", json_object_get_int(protocol),
						 DBS_VERSION, DBS_WIRE_MIN_VERSION);
	json_object_put(object);
	return ok;
}

bool
postgres_connection_hello(PGconn *conn, const char *bridge_name, int stop_fd, Failure *failure)
{
	char protocol[16];
	char protocol_min[16];
	const char *values[] = {DBS_VERSION, protocol, protocol_min, bridge_name};
	PGresult *result;
	bool ok;

	snprintf(protocol, sizeof protocol, "%d", DBS_WIRE_VERSION);
	snprintf(protocol_min, sizeof protocol_min, "%d", DBS_WIRE_MIN_VERSION);
	result = postgres_connection_query(conn, "SELECT dbstream.bridge_hello($1, $2, $3, $4)", 4, values, stop_fd,
									   QUERY_TIMEOUT_MS, failure);
	if (result == NULL)
	{
		/* The detail begins with the SQLSTATE when the server answered at all. */
		if (strcmp(failure->code, "postgresql_error") == 0)
		{
			char sqlstate[6];

			snprintf(sqlstate, sizeof sqlstate, "%.5s", failure->detail + sizeof "SQLSTATE " - 1);
			explain_hello_error(sqlstate, failure);
		}
		return false;
	}
	ok = check_answer(PQgetvalue(result, 0, 0), failure);
	PQclear(result);
	return ok;
}

bool
postgres_connection_describe(const char *conninfo, char *out, size_t size, Failure *failure)
{
	char *error = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &error);
	size_t used = 0;

	if (options == NULL)
	{
		/* libpq's text quotes the part that it could not read, which may be a password. */
		PQfreemem(error);
		return failure_set(failure, FAILURE_FATAL, "usage",
						   "Write it as host=… port=… dbname=… user=…, or as a postgresql:// URL.",
						   "conninfo is malformed");
	}
	out[0] = '\0';
	for (PQconninfoOption *option = options; option->keyword != NULL; option++)
	{
		bool shown = strcmp(option->keyword, "host") == 0 || strcmp(option->keyword, "hostaddr") == 0 ||
					 strcmp(option->keyword, "port") == 0 || strcmp(option->keyword, "dbname") == 0 ||
					 strcmp(option->keyword, "user") == 0 || strcmp(option->keyword, "service") == 0;

		if (shown && option->val != NULL && used < size)
			used += (size_t) snprintf(out + used, size - used, "%s%s=%s", used > 0 ? " " : "", option->keyword,
									  option->val);
	}
	PQconninfoFree(options);
	return true;
}

void
postgres_connection_name(const PGconn *conn, char *out, size_t size)
{
	snprintf(out, size, "%s:%s/%s as %s", PQhost(conn), PQport(conn), PQdb(conn), PQuser(conn));
}
