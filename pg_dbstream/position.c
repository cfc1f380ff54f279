/*
 * set_position: make a stream go on somewhere else.
 *
 * The remedy for what a stream cannot pass: a purged log after the tables were
 * loaded anew, an event it does not decode, a transaction carried over by hand.
 * What lies between the old position and the new one is the caller's
 * business, so the function insists on a paused stream and a place named in full.
 */
#include "postgres.h"

#include "catalog.h"
#include "fmgr.h"
#include "options.h"
#include "slot.h"
#include "storage/spin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"

/* An error while a session of the stream is open: its worker would write its own position afterwards. */
static void
require_no_session(const DbsStreamRow *row)
{
	DbsSlot *slot = dbs_slots_ready() ? dbs_slot_of_stream(row->id, false) : NULL;
	bool busy;

	if (slot == NULL)
		return;
	SpinLockAcquire(&slot->mutex);
	busy = slot->stream_id == row->id && (slot->sender_pid != 0 || slot->worker_pid != 0);
	SpinLockRelease(&slot->mutex);
	if (busy)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE), errmsg("the session of stream \"%s\" has not ended yet", row->name),
				 errhint("Try again in a moment, after the transaction that paused it.")));
}

PG_FUNCTION_INFO_V1(dbs_set_position);

Datum
dbs_set_position(PG_FUNCTION_ARGS)
{
	char *position = text_to_cstring(PG_GETARG_TEXT_PP(1));
	StringInfoData json;
	Jsonb *options;
	DbsCatalogAccess access;
	DbsStreamRow row;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"start\": ");
	escape_json(&json, position);
	appendStringInfoChar(&json, '}');
	options = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
	dbs_options_check("stream", options, false);

	dbs_catalog_enter(&access);
	dbs_stream_get(text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	dbs_stream_require_owner(&access, &row);
	if (strcmp(row.desired, "running") == 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE), errmsg("stream \"%s\" is running", row.name),
			 errhint("Pause it first, with dbstream.pause_stream(), and continue it with dbstream.resume_stream().")));
	require_no_session(&row);
	(void) dbs_catalog_run("UPDATE dbstream.stream SET options = options || $2, generation = generation + 1, "
						   "changed_at = clock_timestamp() WHERE id = $1",
						   "ij", row.id, options);
	/* The counts stay; a position that is empty makes the next session begin as the option says. */
	(void) dbs_catalog_run("UPDATE dbstream.progress SET \"position\" = '', gtid_set = '' WHERE stream_id = $1", "i",
						   row.id);
	dbs_notify();
	dbs_catalog_leave(&access);
	PG_RETURN_VOID();
}
