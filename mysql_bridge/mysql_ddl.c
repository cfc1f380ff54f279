/*
 * See mysql_ddl.h.
 *
 * Steps are "wait ID N", the statements before the N-th are done; "at ID N", the N-th may be done or not, since it was
 * sent and nobody saw its end; "done ID". A statement in doubt is sent again, and an answer that what it makes is
 * there, or what it drops is not, then means that it was done.
 *
 * While a change is made, its session holds a lock of the server's: a statement goes on when its client has died, and
 * the next session must not overtake it.
 */
#include "mysql_ddl.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "postgres_connection.h"
#include "sql_buffer.h"
#include "target_failure.h"

#define CALL_TIMEOUT_MS 30000
#define LOCK_SECONDS "10"
#define LONGEST_SHOWN 300

struct DdlPlan
{
	PGresult *rows; /* kind, value */
	char id[DDL_ID_SIZE];
	char *content;        /* NULL: it comes from a MySQL source's log */
	char *default_schema; /* of such a one */
};

/* For tests: die here, as if by SIGKILL, when the environment says so. */
static void
crash_point(const char *name, unsigned statement)
{
	const char *wanted = getenv("DBSTREAM_CRASH_AT");
	char here[64];

	if (wanted == NULL)
		return;
	snprintf(here, sizeof here, "%s %u", name, statement);
	if (strcmp(wanted, here) == 0)
		raise(SIGKILL);
}

/* ---- steps -------------------------------------------------------------------------------- */

bool
mysql_ddl_id(const char *content, size_t size, char id[DDL_ID_SIZE])
{
	static const char head[] = "{\"id\": \"";
	const char *begin = content + sizeof head - 1;
	const char *end;

	if (size <= sizeof head || memcmp(content, head, sizeof head - 1) != 0)
		return false;
	end = memchr(begin, '"', size - (sizeof head - 1));
	if (end == NULL || end == begin || end - begin >= DDL_ID_SIZE)
		return false;
	snprintf(id, DDL_ID_SIZE, "%.*s", (int) (end - begin), begin);
	return true;
}

void
mysql_ddl_step_id(const char *step, char id[DDL_ID_SIZE])
{
	const char *begin = strchr(step, ' ');

	id[0] = '\0';
	if (begin != NULL)
		snprintf(id, DDL_ID_SIZE, "%.*s", (int) strcspn(begin + 1, " "), begin + 1);
}

bool
mysql_ddl_step_done(const char *step)
{
	return strncmp(step, "done ", 5) == 0;
}

static void
write_step(char step[PROGRESS_STEP_SIZE], const char *state, const char *id, unsigned statement)
{
	if (strcmp(state, "done") == 0)
		snprintf(step, PROGRESS_STEP_SIZE, "done %s", id);
	else
		snprintf(step, PROGRESS_STEP_SIZE, "%s %s %u", state, id, statement);
}

void
mysql_ddl_step_before(const char *id, char step[PROGRESS_STEP_SIZE])
{
	write_step(step, "wait", id, 0);
}

/* Which statement is next, and whether it may have been done. */
static unsigned
read_step(const char *step, bool *in_doubt)
{
	const char *number = strrchr(step, ' ');

	*in_doubt = strncmp(step, "at ", 3) == 0;
	return number == NULL ? 0 : (unsigned) strtoul(number + 1, NULL, 10);
}

static bool
go_to_step(const DdlPlace *place, const char *state, const char *id, unsigned statement, Failure *failure)
{
	char next[PROGRESS_STEP_SIZE];

	write_step(next, state, id, statement);
	if (strcmp(next, place->step) == 0)
		return true;
	if (!mysql_progress_step(place->mysql, place->database, place->key, place->position, place->step, next, failure))
		return false;
	snprintf(place->step, PROGRESS_STEP_SIZE, "%s", next);
	return true;
}

/* ---- the plan ----------------------------------------------------------------------------- */

static const char *
dialect(const DdlPlace *place)
{
	return place->flavour == FLAVOUR_MARIADB ? "mariadb" : "mysql";
}

/* The first value of a kind, empty when there is none. */
static const char *
value_of(const DdlPlan *plan, const char *kind)
{
	for (int i = 0; i < PQntuples(plan->rows); i++)
	{
		if (strcmp(PQgetvalue(plan->rows, i, 0), kind) == 0)
			return PQgetvalue(plan->rows, i, 1);
	}
	return "";
}

/* The row of the number-th statement; -1 when there are not so many. */
static int
statement_row(const DdlPlan *plan, unsigned number)
{
	for (int i = 0; i < PQntuples(plan->rows); i++)
	{
		const char *kind = PQgetvalue(plan->rows, i, 0);

		if ((strcmp(kind, "statement") == 0 || strcmp(kind, "update") == 0) && number-- == 0)
			return i;
	}
	return -1;
}

DdlPlan *
mysql_ddl_plan(const DdlPlace *place, const char *content, size_t size, Failure *failure)
{
	DdlPlan *plan = calloc(1, sizeof *plan);
	char number[16];
	const char *values[] = {number, NULL, dialect(place)};

	if (plan != NULL)
		plan->content = strndup(content, size);
	if (plan == NULL || plan->content == NULL)
	{
		free(plan);
		failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a schema change");
		return NULL;
	}
	snprintf(number, sizeof number, "%d", place->stream_id);
	values[1] = plan->content;
	if (!mysql_ddl_id(content, size, plan->id))
		failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a schema change has no id");
	else
		plan->rows = postgres_connection_query(place->conn, "SELECT kind, value FROM dbstream.outbound_ddl($1, $2, $3)",
											   3, values, place->stop_fd, CALL_TIMEOUT_MS, failure);
	if (plan->rows != NULL)
		return plan;
	mysql_ddl_plan_free(plan);
	return NULL;
}

DdlPlan *
mysql_ddl_plan_relay(const char *id, const char *default_schema, PGresult *rows, Failure *failure)
{
	DdlPlan *plan = calloc(1, sizeof *plan);

	if (plan != NULL)
	{
		plan->rows = rows;
		plan->default_schema = strdup(default_schema);
		snprintf(plan->id, sizeof plan->id, "%s", id);
		if (plan->default_schema != NULL)
			return plan;
		free(plan);
	}
	PQclear(rows);
	failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a schema change");
	return NULL;
}

void
mysql_ddl_plan_free(DdlPlan *plan)
{
	if (plan == NULL)
		return;
	PQclear(plan->rows);
	free(plan->content);
	free(plan->default_schema);
	free(plan);
}

bool
mysql_ddl_concerns(const DdlPlan *plan)
{
	return strcmp(value_of(plan, "outcome"), "passed") != 0;
}

/* Tell PostgreSQL what became of it. */
static bool
tell(const DdlPlace *place, const DdlPlan *plan, const char *outcome, const char *note, Failure *failure)
{
	char number[16];
	const char *values[] = {number, plan->content, dialect(place), outcome, note};
	const char *relayed[] = {number, plan->id, plan->default_schema, value_of(plan, "query"), outcome, note};
	PGresult *result;

	snprintf(number, sizeof number, "%d", place->stream_id);
	if (plan->content != NULL)
		result = postgres_connection_query(place->conn, "SELECT dbstream.outbound_ddl_done($1, $2, $3, $4, $5)", 5,
										   values, place->stop_fd, CALL_TIMEOUT_MS, failure);
	else
		result = postgres_connection_query(place->conn, "SELECT dbstream.relay_ddl_done($1, $2, $3, $4, $5, $6)", 6,
										   relayed, place->stop_fd, CALL_TIMEOUT_MS, failure);
	PQclear(result);
	return result != NULL;
}

static bool
stopped(const DdlPlace *place, const DdlPlan *plan, const char *why, Failure *failure)
{
	const char *query = value_of(plan, "query");

	if (!tell(place, plan, "stopped", "", failure))
		return false;
	return failure_set(failure, FAILURE_REJECT, "ddl_stopped", value_of(plan, "hint"),
					   "a schema change is not carried out at the target: %.*s%s: %s", LONGEST_SHOWN, query,
					   strlen(query) > LONGEST_SHOWN ? " …" : "", why);
}

/* ---- statements --------------------------------------------------------------------------- */

/* What it makes is there, or what it drops is not. */
static bool
is_done_already(unsigned error)
{
	static const unsigned errors[] = {1007, 1008, 1050, 1051, 1054, 1060, 1061, 1068,
									  1091, 1146, 1176, 1826, 3821, 3822, 3940, 4061};

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
	{
		if (errors[i] == error)
			return true;
	}
	return false;
}

static bool
is_missing_table(unsigned error)
{
	return error == 1146 || error == 1051;
}

static bool
send(const DdlPlace *place, const char *mark, const char *sql)
{
	SqlBuffer text = {0};
	bool ok;

	sql_buffer_text(&text, mark);
	sql_buffer_text(&text, sql);
	ok = sql_buffer_ok(&text) && mysql_real_query(place->mysql, text.data, (unsigned long) text.used) == 0;
	sql_buffer_free(&text);
	return ok;
}

/* The statement was refused, as cause says: say so everywhere, and that it is not in doubt. */
static bool
refused(const DdlPlace *place, const DdlPlan *plan, unsigned number, const char *sql, const Failure *cause,
		Failure *failure)
{
	char why[700];

	if (cause->class == FAILURE_RETRY)
	{
		*failure = *cause;
		failure_context(failure, "%.200s", sql);
		return false;
	}
	snprintf(why, sizeof why, "%.400s; the statement was %.250s", cause->message, sql);
	return go_to_step(place, "wait", plan->id, number, failure) && stopped(place, plan, why, failure);
}

/* One that changes rows commits with its step, and so is never in doubt; that step also tells whose it is. */
static bool
run_update(const DdlPlace *place, const DdlPlan *plan, unsigned number, const char *sql, Failure *failure)
{
	Failure cause = {.class = FAILURE_NONE};
	char before[PROGRESS_STEP_SIZE];

	snprintf(before, sizeof before, "%s", place->step);
	if (send(place, "", "START TRANSACTION") && go_to_step(place, "wait", plan->id, number + 1, &cause) &&
		send(place, "", sql) && send(place, "", "COMMIT"))
		return true;
	if (cause.class == FAILURE_NONE)
		target_failed(place->mysql, "the target says", &cause);
	(void) !send(place, "", "ROLLBACK");
	snprintf(place->step, PROGRESS_STEP_SIZE, "%s", before);
	return refused(place, plan, number, sql, &cause, failure);
}

/* *note is appended to when something is to be said of it. */
static bool
run_statement(const DdlPlace *place, const DdlPlan *plan, unsigned number, bool in_doubt, char *note, size_t size,
			  Failure *failure)
{
	int row = statement_row(plan, number);
	const char *sql = PQgetvalue(plan->rows, row, 1);

	if (strcmp(PQgetvalue(plan->rows, row, 0), "update") == 0)
		return run_update(place, plan, number, sql, failure);
	if (!in_doubt && !go_to_step(place, "at", plan->id, number, failure))
		return false;
	crash_point("before", number);
	if (!send(place, TARGET_DDL_MARK " ", sql))
	{
		unsigned error = mysql_errno(place->mysql);

		if (is_missing_table(error) && !in_doubt)
			snprintf(note, size, "info: the table was not at the target; it is made when rows of it come");
		else if (!in_doubt || !is_done_already(error))
		{
			Failure cause = {.class = FAILURE_NONE};

			target_failed(place->mysql, "the target says", &cause);
			return refused(place, plan, number, sql, &cause, failure);
		}
	}
	crash_point("after", number);
	return true;
}

/* 1: ours; 0: another session's; -1: failed. */
static int
take_lock(const DdlPlace *place, Failure *failure)
{
	SqlBuffer sql = {0};
	char *value = NULL;
	bool ok;

	sql_buffer_text(&sql, "SELECT GET_LOCK(");
	sql_buffer_quoted(&sql, place->key, strlen(place->key));
	sql_buffer_text(&sql, ", " LOCK_SECONDS ")");
	sql_buffer_add(&sql, "", 1);
	ok = sql_buffer_ok(&sql) && mysql_connection_value(place->mysql, sql.data, &value, failure);
	sql_buffer_free(&sql);
	if (!ok)
	{
		target_failure_words(failure);
		return -1;
	}
	ok = value != NULL && strcmp(value, "1") == 0;
	free(value);
	return ok ? 1 : 0;
}

static void
release_lock(const DdlPlace *place)
{
	Failure ignored;
	char *value = NULL;

	if (mysql_connection_value(place->mysql, "SELECT RELEASE_ALL_LOCKS()", &value, &ignored))
		free(value);
}

static bool
run_all(const DdlPlace *place, const DdlPlan *plan, Failure *failure)
{
	const char *outcome = value_of(plan, "outcome");
	char note[200] = "";
	bool in_doubt;
	unsigned number = read_step(place->step, &in_doubt);

	if (strcmp(outcome, "stopped") == 0)
		return stopped(place, plan, value_of(plan, "error"), failure);
	for (; statement_row(plan, number) >= 0; number++)
	{
		if (!run_statement(place, plan, number, in_doubt, note, sizeof note, failure))
			return false;
		in_doubt = false;
	}
	if (!tell(place, plan, outcome, note, failure))
		return false;
	crash_point("told", 0);
	if (!go_to_step(place, "done", plan->id, 0, failure))
		return false;
	crash_point("done", 0);
	return true;
}

bool
mysql_ddl_run(const DdlPlace *place, DdlPlan *plan, Failure *failure)
{
	int locked = take_lock(place, failure);
	bool ok;

	if (locked < 0)
		return false;
	if (locked == 0)
		return failure_set(failure, FAILURE_RETRY, "target_taken", NULL,
						   "an earlier session's schema change is still under way at the target");
	failure->class = FAILURE_NONE;
	ok = run_all(place, plan, failure);
	if (ok)
	{
		release_lock(place);
		log_line(LOG_LEVEL_INFO, NULL, "schema change %s: %s", plan->id, value_of(plan, "outcome"));
	}
	return ok;
}
