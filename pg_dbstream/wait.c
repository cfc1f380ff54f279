/*
 * wait_for_stream: wait until all that the source had committed before the call is applied at the target.
 */
#include "postgres.h"

#include "bridge_registry.h"
#include "catalog.h"
#include "outbound.h"
#include "slot.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

PG_FUNCTION_INFO_V1(dbs_wait_for_stream);

/* How often the token is looked at, and how often the stream's state, in milliseconds. */
#define LOOK_MS 10
#define STATE_MS 250

/* Waiting is in vain when the stream is not meant to run or has failed: an error that says so. */
static int
require_running(const char *name, bool *outbound)
{
	DbsCatalogAccess access;
	DbsStreamRow row;
	char *state;
	int id;

	dbs_catalog_enter(&access);
	dbs_stream_look(name, &row);
	id = row.id;
	*outbound = strcmp(row.source, "local") == 0;
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

Datum
dbs_wait_for_stream(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	TimestampTz until = deadline(PG_GETARG_INTERVAL_P(1));
	TimestampTz state_at;
	bool outbound;
	int id;
	uint64 token;

	id = require_running(name, &outbound);
	dbs_bridge_registry_require();
	token = outbound ? dbs_outbound_mark() : dbs_slot_sync_request(id);
	state_at = GetCurrentTimestamp();
	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();

		if (outbound ? dbs_outbound_reached(id, token) : dbs_slot_sync_reached(id, token))
			PG_RETURN_BOOL(true);
		if (now >= until)
			PG_RETURN_BOOL(false);
		if (TimestampDifferenceExceeds(state_at, now, STATE_MS))
		{
			(void) require_running(name, &outbound);
			state_at = now;
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Min(LOOK_MS, TimestampDifferenceMilliseconds(now, until) + 1), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}
