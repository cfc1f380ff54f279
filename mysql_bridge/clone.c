/*
 * The course of a clone: define, carry, watch, compare, end.
 *
 * The stream is carried by a bridge in a thread of this process, which serves this stream only; this thread asks the
 * target how far it is, on a connection of its own. Nothing is kept here: killed at any moment, the same command goes
 * on.
 */
#include "clone.h"

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

#include "bridge.h"
#include "clock.h"
#include "clone_arguments.h"
#include "clone_definition.h"
#include "clone_plan.h"
#include "clone_progress.h"
#include "clone_verify.h"
#include "log.h"
#include "mysql_connection.h"
#include "postgres_connection.h"
#include "source_registry.h"

#define QUERY_MS 30000
#define LOOK_MS 250
#define AGAIN_MS 1000
#define FOLLOW_LINE_MS 30000

typedef struct Clone
{
	CloneArguments arguments;
	int stop_fd;
	PGconn *conn; /* NULL between an outage and the next try */
	ServerFlavour flavour;
	CloneDefinition made;
	CloneProgress *progress;
	char name[128]; /* as which both connections are known to the target */

	/* the bridge in its thread */
	Arguments carrier_arguments;
	int carrier_stop_fd;
	pthread_t carrier;
	bool carrying; /* to be joined */
	atomic_bool carrier_ended;
	Failure carrier_failure; /* valid once ended; class NONE: it was told to stop */
} Clone;

static bool
stopping(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_STOPPING, NULL, "told to stop");
}

/* Wait; false when told to stop. */
static bool
pause_clone(const Clone *clone, int ms, Failure *failure)
{
	struct pollfd fd = {clone->stop_fd, POLLIN, 0};

	return poll(&fd, 1, ms) <= 0 || stopping(failure);
}

/* ---- the bridge ---- */

static void *
carry(void *context)
{
	Clone *clone = context;
	Failure failure = {.class = FAILURE_NONE};

	source_registry_thread_begin();
	if (!bridge_run(&clone->carrier_arguments, clone->carrier_stop_fd, &failure))
		clone->carrier_failure = failure;
	source_registry_thread_end();
	atomic_store(&clone->carrier_ended, true);
	return NULL;
}

static bool
start_carrier(Clone *clone, Failure *failure)
{
	clone->carrier_arguments = (Arguments){.conninfo = clone->arguments.target,
										   .name = clone->name,
										   .only_stream = clone->arguments.stream,
										   .log_level = clone->arguments.log_level};
	clone->carrier_stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (clone->carrier_stop_fd < 0 || pthread_create(&clone->carrier, NULL, carry, clone) != 0)
		return failure_set(failure, FAILURE_FATAL, "no_thread", "Raise the limits of threads and open files.",
						   "there are no resources to carry the stream");
	clone->carrying = true;
	return true;
}

static void
stop_carrier(Clone *clone)
{
	uint64_t one = 1;

	if (!clone->carrying)
		return;
	(void) !write(clone->carrier_stop_fd, &one, sizeof one);
	pthread_join(clone->carrier, NULL);
	clone->carrying = false;
}

/* ---- questions to the target, through its restarts ---- */

static bool
connect_again(Clone *clone, Failure *failure)
{
	while (clone->conn == NULL)
	{
		clone->conn = clone_definition_connect(&clone->arguments, clone->stop_fd, failure);
		if (clone->conn == NULL &&
			(failure->class != FAILURE_RETRY || strcmp(failure->code, FAILURE_CODE_STOPPING) == 0))
			return false;
		if (clone->conn == NULL && !pause_clone(clone, AGAIN_MS, failure))
			return false;
	}
	return true;
}

/* True when the connection is gone, and has been put away: the caller tries again. */
static bool
lost(Clone *clone)
{
	if (clone->conn != NULL && PQstatus(clone->conn) == CONNECTION_OK)
		return false;
	PQfinish(clone->conn);
	clone->conn = NULL;
	return true;
}

static PGresult *
ask(Clone *clone, const char *query, Failure *failure)
{
	const char *values[] = {clone->arguments.stream};

	for (;;)
	{
		PGresult *result;

		if (!connect_again(clone, failure))
			return NULL;
		result = postgres_connection_query(clone->conn, query, 1, values, clone->stop_fd, QUERY_MS, failure);
		if (result != NULL || strcmp(failure->code, FAILURE_CODE_STOPPING) == 0 || !lost(clone))
			return result;
		if (!pause_clone(clone, AGAIN_MS, failure))
			return NULL;
	}
}

/* ---- defining and starting ---- */

static bool
define(Clone *clone, Failure *failure)
{
	const char *stream = clone->arguments.stream;
	const char *kind = clone->flavour == FLAVOUR_MARIADB ? "mariadb" : "mysql";

	/*
	 * One transaction: what cannot be started is not left behind. The handshake is made here already: a bridge waits
	 * until what it refuses is mended, and a command that ends has to say so.
	 */
	return clone_definition_execute(clone->conn, "BEGIN", NULL, clone->stop_fd, failure) &&
		   clone_definition_make(clone->conn, &clone->arguments, kind, clone->stop_fd, &clone->made, failure) &&
		   postgres_connection_hello(clone->conn, clone->name, clone->stop_fd, failure) &&
		   clone_definition_execute(clone->conn,
									"SELECT CASE WHEN s.desired = 'created' THEN dbstream.start_stream(s.name)"
									" ELSE dbstream.resume_stream(s.name) END FROM dbstream.stream s WHERE s.name = $1",
									stream, clone->stop_fd, failure) &&
		   clone_definition_execute(clone->conn, "COMMIT", NULL, clone->stop_fd, failure);
}

static void
say_defined(const Clone *clone)
{
	char source[512];

	clone_source_describe(&clone->arguments.source, source, sizeof source);
	if (clone->made.made_extension)
		clone_progress_say(clone->progress, "created the extension dbstream");
	if (clone->made.existed)
		clone_progress_say(clone->progress, "going on with stream \"%s\" from %s", clone->arguments.stream, source);
	else
		clone_progress_say(clone->progress, "created stream \"%s\" from %s", clone->arguments.stream, source);
}

/* ---- watching ---- */

/* False when the stream stands at something that a person has to mend. */
static bool
look_for_errors(Clone *clone, Failure *failure)
{
	PGresult *result;
	bool stuck;

	if (atomic_load(&clone->carrier_ended))
	{
		*failure = clone->carrier_failure;
		return failure->class != FAILURE_NONE ||
			   failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "the stream's bridge has ended");
	}
	result = ask(clone,
				 "SELECT e.code, e.message, coalesce(e.detail, ''), coalesce(e.hint, ''), coalesce(e.position, '')"
				 " FROM dbstream.stream_status s, LATERAL (SELECT * FROM dbstream.errors o WHERE o.stream = s.name"
				 "  ORDER BY o.last_at DESC LIMIT 1) e WHERE s.name = $1 AND s.state = 'error'"
				 " AND CASE e.origin WHEN 'bridge' THEN e.context LIKE '%long intervals%'"
				 "  ELSE e.code !~ '^(08|40|53|55|57)' END",
				 failure);
	if (result == NULL)
		return false;
	stuck = PQntuples(result) > 0;
	if (stuck)
	{
		failure_set(failure, FAILURE_REJECT, PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 3), "%s",
					PQgetvalue(result, 0, 1));
		snprintf(failure->detail, sizeof failure->detail, "%s", PQgetvalue(result, 0, 2));
		snprintf(failure->position, sizeof failure->position, "%s", PQgetvalue(result, 0, 4));
	}
	PQclear(result);
	return !stuck;
}

static bool
watch_copy(Clone *clone, Failure *failure)
{
	char state[16] = "";

	while (strcmp(state, "done") != 0)
	{
		if (!connect_again(clone, failure))
			return false;
		if (!clone_progress_show(clone->progress, clone->conn, clone->stop_fd, state, failure))
		{
			if (strcmp(failure->code, FAILURE_CODE_STOPPING) == 0 || !lost(clone))
				return false;
			continue;
		}
		if (strcmp(state, "cancelled") == 0)
			return failure_set(failure, FAILURE_REJECT, "cancelled",
							   "Drop the stream with dbstream.drop_stream() to begin anew.",
							   "the backfill of stream %s was cancelled", clone->arguments.stream);
		if (strcmp(state, "done") != 0 && (!look_for_errors(clone, failure) || !pause_clone(clone, LOOK_MS, failure)))
			return false;
	}
	clone_progress_finish(clone->progress);
	return true;
}

/* Until all that is committed at the source now is applied. */
static bool
wait_for_now(Clone *clone, Failure *failure)
{
	for (;;)
	{
		/* A stream that stands at an error makes the call fail at once; which one it is is asked below. */
		PGresult *result = ask(clone, "SELECT dbstream.wait_for_stream($1, '2s')", failure);
		bool there = result != NULL && strcmp(PQgetvalue(result, 0, 0), "t") == 0;

		PQclear(result);
		if (there)
			return true;
		if (result == NULL && strcmp(failure->code, FAILURE_CODE_STOPPING) == 0)
			return false;
		if (!look_for_errors(clone, failure) || !pause_clone(clone, LOOK_MS, failure))
			return false;
	}
}

static bool
wait_for_verify(void *context, Failure *failure)
{
	return wait_for_now(context, failure);
}

static bool
say_copied(Clone *clone, Failure *failure)
{
	PGresult *result = ask(clone,
						   "SELECT count(*), coalesce(sum(b.rows_done), 0) FROM dbstream.backfill_status b"
						   " WHERE b.stream = $1",
						   failure);

	if (result == NULL)
		return false;
	clone_progress_say(clone->progress, "copied %s tables, %s rows; the target holds all that the source had committed",
					   PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
	PQclear(result);
	return true;
}

static bool
follow(Clone *clone, Failure *failure)
{
	int64_t said = 0;

	clone_progress_say(clone->progress, "following; SIGTERM or Ctrl-C ends it");
	for (;;)
	{
		if (clock_now_ms() - said >= FOLLOW_LINE_MS)
		{
			PGresult *result = ask(clone,
								   "SELECT state, coalesce(seconds_behind::text, '?'), transactions"
								   " FROM dbstream.stream_status WHERE name = $1",
								   failure);

			if (result == NULL)
				return strcmp(failure->code, FAILURE_CODE_STOPPING) == 0;
			if (said != 0 && PQntuples(result) > 0)
				clone_progress_say(clone->progress, "%s, %s s behind, %s transactions", PQgetvalue(result, 0, 0),
								   PQgetvalue(result, 0, 1), PQgetvalue(result, 0, 2));
			PQclear(result);
			said = clock_now_ms();
		}
		if (atomic_load(&clone->carrier_ended))
			return look_for_errors(clone, failure);
		if (!pause_clone(clone, LOOK_MS, failure))
			return true;
	}
}

/* ---- the whole ---- */

static int
exit_code(const Failure *failure)
{
	if (strcmp(failure->code, FAILURE_CODE_STOPPING) == 0)
		return CLONE_EXIT_STOPPED;
	if (strcmp(failure->code, FAILURE_CODE_HANDSHAKE) == 0)
		return CLONE_EXIT_HANDSHAKE;
	if (strcmp(failure->code, "usage") == 0 || strcmp(failure->code, FAILURE_CODE_DEFINED) == 0)
		return CLONE_EXIT_USAGE;
	return CLONE_EXIT_FAILED;
}

/* What is logged once, at the end, goes to a person: standard error as it was, whatever the level. */
static int
report(Clone *clone, const Failure *failure)
{
	clone_progress_free(clone->progress);
	clone->progress = NULL;
	log_failure(LOG_LEVEL_ERROR, clone->arguments.stream, failure);
	return exit_code(failure);
}

static bool
copy_all(Clone *clone, bool *different, Failure *failure)
{
	const CloneVerify verify = {&clone->arguments, clone->stop_fd,  clone->flavour,
								clone->progress,   wait_for_verify, clone};

	if (!start_carrier(clone, failure) || !watch_copy(clone, failure) || !wait_for_now(clone, failure) ||
		!say_copied(clone, failure))
		return false;
	return !clone->arguments.verify || clone_verify_run(&verify, different, failure);
}

/* Stop the stream, so that it does not wait for a bridge that never comes. Whatever happens here, the copy stands. */
static void
pause_stream(Clone *clone)
{
	Failure failure;
	PGconn *conn = clone_definition_connect(&clone->arguments, -1, &failure);

	if (conn == NULL ||
		!clone_definition_execute(conn,
								  "SELECT dbstream.pause_stream(s.name) FROM dbstream.stream s WHERE s.name = $1 AND "
								  "s.desired = 'running'",
								  clone->arguments.stream, -1, &failure))
	{
		failure_context(&failure, "the stream could not be paused");
		log_failure(LOG_LEVEL_WARNING, clone->arguments.stream, &failure);
	}
	PQfinish(conn);
}

static int
run_clone(Clone *clone)
{
	char host[64] = "localhost";
	Failure failure;
	bool different = false;
	bool ok;

	(void) gethostname(host, sizeof host - 1);
	snprintf(clone->name, sizeof clone->name, "clone %s:%d", host, (int) getpid());
	clone->progress = clone_progress_new(clone->arguments.stream);
	if (clone->progress == NULL || !define(clone, &failure))
		return report(clone, &failure);
	say_defined(clone);
	ok = copy_all(clone, &different, &failure);
	if (ok && clone->arguments.follow && !different)
		ok = follow(clone, &failure);
	if (!clone->arguments.follow || !ok || different)
		pause_stream(clone);
	stop_carrier(clone);
	if (!ok)
	{
		clone_progress_say(clone->progress, "the stream is paused; the same command goes on with it");
		return report(clone, &failure);
	}
	clone_progress_say(clone->progress,
					   clone->arguments.follow && !different
						   ? "stopped; the stream is left running for the next bridge"
						   : "the stream is paused; dbstream.resume_stream() or the same command goes on");
	clone_progress_free(clone->progress);
	clone->progress = NULL;
	return different ? CLONE_EXIT_DIFFERENT : CLONE_EXIT_DONE;
}

/* A misspelt database would otherwise be copied at once, with all its tables: none. */
static bool
check_database(const Clone *clone, MYSQL *sql, Failure *failure)
{
	const char *database = clone->arguments.source.database;
	size_t size = database != NULL ? strlen(database) : 0;
	size_t room = 2 * size + 128;
	char *name, *query, *found = NULL;
	bool ok;

	if (database == NULL)
		return true;
	name = malloc(2 * size + 1);
	query = malloc(room);
	ok = name != NULL && query != NULL;
	if (ok)
	{
		mysql_real_escape_string(sql, name, database, (unsigned long) size);
		snprintf(query, room, "SELECT 1 FROM information_schema.schemata WHERE schema_name = '%s'", name);
		ok = mysql_connection_value(sql, query, &found, failure);
	}
	else
		failure_set(failure, FAILURE_FATAL, "out_of_memory", NULL, "out of memory");
	if (ok && found == NULL)
		ok = failure_set(failure, FAILURE_REJECT, "no_database",
						 "Check the name, upper and lower case too, and the user's SELECT privilege on it.",
						 "the source has no database \"%s\", or this user may not see it", database);
	free(found);
	free(name);
	free(query);
	return ok;
}

/* Both ends before anything is created: what cannot be reached leaves no trace. */
static int
open_and_run(Clone *clone)
{
	ConnectionConfig config;
	char target[512];
	MYSQL *sql = NULL;
	Failure failure;
	int status = CLONE_EXIT_DONE;
	bool ok = clone_source_config(&clone->arguments.source, clone->arguments.connection, &config, &failure) &&
			  postgres_connection_describe(clone->arguments.target, target, sizeof target, &failure);

	if (ok)
		sql = mysql_connection_open(&config, &failure);
	clone_source_config_free(&config);
	if (sql != NULL)
	{
		clone->flavour = mysql_connection_flavour(sql);
		if (check_database(clone, sql, &failure))
			clone->conn = clone_definition_connect(&clone->arguments, clone->stop_fd, &failure);
	}
	ok = clone->conn != NULL;
	if (ok && clone->arguments.dry_run)
		ok = clone_plan_print(clone->conn, sql, clone->flavour, &clone->arguments, clone->stop_fd, &failure);
	if (sql != NULL)
		mysql_close(sql);
	if (!ok)
		status = report(clone, &failure);
	else if (!clone->arguments.dry_run)
		status = run_clone(clone);
	PQfinish(clone->conn);
	return status;
}

int
clone_main(int argc, char **argv, int stop_fd)
{
	Clone clone = {.stop_fd = stop_fd, .carrier_stop_fd = -1};
	Failure failure;
	int status;

	if (!clone_arguments_parse(argc, argv, &clone.arguments, &failure))
	{
		log_failure(LOG_LEVEL_ERROR, NULL, &failure);
		return CLONE_EXIT_USAGE;
	}
	if (clone.arguments.help)
	{
		clone_arguments_print_help();
		return CLONE_EXIT_DONE;
	}
	log_init(LOG_FORMAT_TEXT, clone.arguments.log_level);
	status = open_and_run(&clone);
	clone_arguments_free(&clone.arguments);
	return status;
}
