/*
 * wait_for_stream: wait until all that the source had committed before the call is applied at the target.
 */
#include "postgres.h"

#include "bridge_registry.h"
#include "catalog.h"
#include "options.h"
#include "outbound.h"
#include "progress.h"
#include "slot.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

PG_FUNCTION_INFO_V1(dbs_wait_for_stream);

/* How often the token is looked at, and how often the stream's state, in milliseconds. */
#define LOOK_MS 10
#define STATE_MS 250
/* How long a bridge may take to ask the source. */
#define ANSWER_MS 15000

/* What the stream's changes go through, which tells how to wait for them. */
typedef enum Route
{
	ROUTE_IN,   /* an apply worker here: a token goes through the session */
	ROUTE_OUT,  /* this server's log: a mark is put into it */
	ROUTE_RELAY /* between two MySQL servers: the source is asked where its log ends */
} Route;

/* Waiting is in vain when the stream is not meant to run or has failed: an error that says so. */
static int
require_running(const char *name, Route *route)
{
	DbsCatalogAccess access;
	DbsStreamRow row;
	char *state;
	int id;

	dbs_catalog_enter(&access);
	dbs_stream_look(name, &row);
	id = row.id;
	*route = strcmp(row.source, "local") == 0 ? ROUTE_OUT : strcmp(row.target, "local") == 0 ? ROUTE_IN : ROUTE_RELAY;
	if (strcmp(row.desired, "running") != 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("stream \"%s\" is not running: it %s", name,
							   strcmp(row.desired, "created") == 0 ? "has not been started" : "is paused"),
						errhint(strcmp(row.desired, "created") == 0 ? "Start it with dbstream.start_stream()."
																	: "Continue it with dbstream.resume_stream().")));
	(void) dbs_catalog_run("SELECT state, last_error, last_error_hint, last_error_position"
						   " FROM dbstream.stream_status WHERE name = $1",
						   "t", name);
	state = SPI_processed > 0 ? dbs_catalog_text(0, 1) : NULL;
	if (state != NULL && strcmp(state, "error") == 0)
	{
		char *message = dbs_catalog_text(0, 2);
		char *hint = dbs_catalog_text(0, 3);
		char *position = dbs_catalog_text(0, 4);

		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("stream \"%s\" is in error: %s", name, message != NULL ? message : "unknown"),
						position != NULL ? errdetail("Source position: %s.", position) : 0,
						hint != NULL && hint[0] != '\0' ? errhint("%s", hint)
														: errhint("See dbstream.errors; dbstream.resume_stream() tries "
																  "again at once.")));
	}
	dbs_catalog_leave(&access);
	return id;
}

static TimestampTz
deadline(Interval *timeout)
{
	TimestampTz now = GetCurrentTimestamp();

	return DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now), IntervalPGetDatum(timeout)));
}

/* A file's number and an offset in it: "binlog.000012:345". False for anything else. */
static bool
read_place(const char *position, uint64 place[2])
{
	const char *dot = strrchr(position, '.');

	return dot != NULL && sscanf(dot, "." UINT64_FORMAT ":" UINT64_FORMAT, &place[0], &place[1]) == 2;
}

/* Where the source's log ends now. */
static void
ask_log_end(const char *name, int id, uint64 place[2])
{
	MemoryContext context = CurrentMemoryContext;
	DbsCatalogAccess access;
	char *question, *answer;
	Jsonb *json;
	char *position;
	bool taken = false;

	dbs_catalog_enter(&access);
	(void) dbs_catalog_run("SELECT to_jsonb(d) - 'desired' FROM dbstream.stream_definition d WHERE d.stream_id = $1",
						   "i", id);
	question = MemoryContextStrdup(context, dbs_catalog_text(0, 1));
	dbs_catalog_leave(&access);
	answer = dbs_bridge_ask("log_end", question, ANSWER_MS, &taken);
	json = answer != NULL ? DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(answer))) : NULL;
	position = json != NULL && JB_ROOT_IS_OBJECT(json) ? dbs_jsonb_text(json, "position") : NULL;
	if (position == NULL || !read_place(position, place))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no bridge could say where the log of the source of stream \"%s\" ends", name),
				 errhint("See that a bridge runs and reaches the source: SELECT * FROM dbstream.validate_stream(%s);",
						 quote_literal_cstr(name))));
}

static bool
relay_reached(int id, const uint64 place[2])
{
	DbsProgress progress;
	uint64 at[2];

	if (!dbs_progress_load(id, &progress) || !read_place(progress.position, at))
		return false;
	return at[0] > place[0] || (at[0] == place[0] && at[1] >= place[1]);
}

/* resync_stream has been called, and a session that knows nothing of it may still be recording where it stands. */
static bool
copy_wanted(int id)
{
	DbsCatalogAccess access;
	bool wanted;

	dbs_catalog_enter(&access);
	wanted = dbs_catalog_run("SELECT FROM dbstream.backfill WHERE stream_id = $1 AND state = 'wanted'", "i", id) > 0;
	dbs_catalog_leave(&access);
	return wanted;
}

Datum
dbs_wait_for_stream(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	TimestampTz until = deadline(PG_GETARG_INTERVAL_P(1));
	TimestampTz state_at;
	Route route;
	int id;
	uint64 token = 0;
	uint64 place[2] = {0, 0};

	id = require_running(name, &route);
	dbs_bridge_registry_require();
	if (route == ROUTE_RELAY)
		ask_log_end(name, id, place);
	else
		token = route == ROUTE_OUT ? dbs_outbound_mark() : dbs_slot_sync_request(id);
	state_at = GetCurrentTimestamp();
	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();

		if ((route == ROUTE_RELAY ? relay_reached(id, place)
			 : route == ROUTE_OUT ? dbs_outbound_reached(id, token)
								  : dbs_slot_sync_reached(id, token)) &&
			!copy_wanted(id))
			PG_RETURN_BOOL(true);
		if (now >= until)
			PG_RETURN_BOOL(false);
		if (TimestampDifferenceExceeds(state_at, now, STATE_MS))
		{
			(void) require_running(name, &route);
			state_at = now;
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Min(LOOK_MS, TimestampDifferenceMilliseconds(now, until) + 1), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}
