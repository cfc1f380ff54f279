/*
 * What a bridge calls beside the data path: hello, report, requests, answer;
 * and the lists from which the status views are made.
 */
#include "postgres.h"

#include "bridge_registry.h"
#include "catalog.h"
#include "options.h"
#include "slot.h"
#include "version.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "wire.h"

PG_FUNCTION_INFO_V1(dbs_bridge_hello);
PG_FUNCTION_INFO_V1(dbs_bridge_report);
PG_FUNCTION_INFO_V1(dbs_bridge_requests);
PG_FUNCTION_INFO_V1(dbs_bridge_answer);
PG_FUNCTION_INFO_V1(dbs_bridge_list);
PG_FUNCTION_INFO_V1(dbs_report_list);

/* ---- hello ----------------------------------------------------------- */

/* The script that CREATE EXTENSION ran must be the library's own. */
static void
check_script_version(void)
{
	DbsCatalogAccess access;
	char *installed = NULL;

	dbs_catalog_enter(&access);
	if (dbs_catalog_run("SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'dbstream'", "") > 0)
		installed = dbs_catalog_text(0, 1);
	if (installed == NULL || strcmp(installed, DBS_VERSION) != 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("extension dbstream has version %s, its library has version " DBS_VERSION,
							   installed != NULL ? installed : "unknown"),
						errhint("Run ALTER EXTENSION dbstream UPDATE; in this database.")));
	dbs_catalog_leave(&access);
}

static void
check_protocol(const char *version, int protocol, int protocol_min)
{
	if (protocol < DBS_WIRE_MIN_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("dbstream-bridge %s speaks protocol %d, this extension needs %d or later", version, protocol,
						DBS_WIRE_MIN_VERSION),
				 errhint("Install dbstream-bridge " DBS_VERSION " on the bridge's machine: make install there.")));
	if (protocol_min > DBS_WIRE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("dbstream-bridge %s needs protocol %d or later, this extension speaks %d", version,
						protocol_min, DBS_WIRE_VERSION),
				 errhint("Install dbstream %s on the server: make install there, restart it, and run ALTER EXTENSION "
						 "dbstream UPDATE;",
						 version)));
}

Datum
dbs_bridge_hello(PG_FUNCTION_ARGS)
{
	char *version = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int protocol = PG_GETARG_INT32(1);
	int protocol_min = PG_GETARG_INT32(2);
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(3));
	char *answer;

	dbs_bridge_registry_require();
	check_protocol(version, protocol, protocol_min);
	check_script_version();
	dbs_bridge_register(name, version, protocol);
	answer = psprintf("{\"extension_version\": \"%s\", \"protocol\": %d, \"server_version\": %d}", DBS_VERSION,
					  Min(protocol, DBS_WIRE_VERSION), PG_VERSION_NUM);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(answer)));
}

/* ---- report ---------------------------------------------------------- */

static int64
report_number(Jsonb *json, const char *key)
{
	char *text = dbs_jsonb_text(json, key);
	char *end = NULL;
	double number = text == NULL ? -1 : strtod(text, &end);

	return end != NULL && end != text && *end == '\0' && number >= 0 && number < 9.2e18 ? (int64) number : -1;
}

static TimestampTz
report_time(Jsonb *json, const char *key)
{
	char *text = dbs_jsonb_text(json, key);
	double seconds = text == NULL ? 0 : strtod(text, NULL);

	/* Up to the year 9999; anything else is nonsense, and no time. */
	return seconds > 0 && seconds < 253402300800.0
			   ? time_t_to_timestamptz((pg_time_t) seconds) + (TimestampTz) ((seconds - floor(seconds)) * USECS_PER_SEC)
			   : 0;
}

static void
report_text(Jsonb *json, const char *key, char *out, size_t size)
{
	char *text = dbs_jsonb_text(json, key);

	strlcpy(out, text != NULL ? text : "", size);
}

Datum
dbs_bridge_report(PG_FUNCTION_ARGS)
{
	Jsonb *json = PG_GETARG_JSONB_P(1);
	DbsStreamReport report = {.stream_id = PG_GETARG_INT32(0)};
	char position[DBS_SLOT_POSITION_SIZE];

	if (report.stream_id <= 0 || !JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a report is a JSON object and belongs to a stream"),
				 errhint("Install the dbstream-bridge that matches the extension.")));
	report.bytes_behind = report_number(json, "bytes_behind");
	report.events = report_number(json, "events");
	report.bytes = report_number(json, "bytes");
	report.rows = report_number(json, "rows");
	report.rss_bytes = report_number(json, "rss_bytes");
	report.last_event_at = report_time(json, "last_event_at");
	report_text(json, "received_position", report.received_position, sizeof report.received_position);
	report_text(json, "source_position", report.source_position, sizeof report.source_position);
	dbs_stream_report(&report);
	dbs_slot_durable_position(report.stream_id, position);
	PG_RETURN_TEXT_P(cstring_to_text(position));
}

/* ---- the request board ------------------------------------------------ */

Datum
dbs_bridge_requests(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DbsBridgeRequest request;

	InitMaterializedSRF(fcinfo, 0);
	/* One at a time: other bridges may take the others meanwhile. */
	if (dbs_bridge_take(&request))
	{
		Datum values[3] = {Int64GetDatum(request.id), CStringGetTextDatum(request.kind),
						   DirectFunctionCall1(jsonb_in, CStringGetDatum(request.question))};
		bool nulls[3] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
dbs_bridge_answer(PG_FUNCTION_ARGS)
{
	Jsonb *json = PG_GETARG_JSONB_P(1);

	/* Nobody waiting any more is no error: the user has gone. */
	PG_RETURN_BOOL(
		dbs_bridge_answer_request(PG_GETARG_INT64(0), JsonbToCString(NULL, &json->root, VARSIZE_ANY_EXHDR(json))));
}

/* ---- lists for the views ----------------------------------------------- */

/* bridge_connections() → pid, name, version, protocol, connected_at, called_at */
Datum
dbs_bridge_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DbsBridgeConnection *connections;
	int count;

	InitMaterializedSRF(fcinfo, 0);
	count = dbs_bridge_connections(&connections);
	for (int i = 0; i < count; i++)
	{
		const DbsBridgeConnection *c = &connections[i];
		Datum values[6] = {
			Int32GetDatum(c->pid),      CStringGetTextDatum(c->name),         CStringGetTextDatum(c->version),
			Int32GetDatum(c->protocol), TimestampTzGetDatum(c->connected_at), TimestampTzGetDatum(c->called_at)};
		bool nulls[6] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* stream_reports() → stream_id, pid, bridge, reported_at, last_event_at, two positions, five numbers */
Datum
dbs_report_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DbsStreamReport *reports;
	int count;

	InitMaterializedSRF(fcinfo, 0);
	count = dbs_stream_reports(&reports);
	for (int i = 0; i < count; i++)
	{
		const DbsStreamReport *r = &reports[i];
		const int64 numbers[5] = {r->bytes_behind, r->events, r->bytes, r->rows, r->rss_bytes};
		Datum values[12];
		bool nulls[12] = {false};

		values[0] = Int32GetDatum(r->stream_id);
		values[1] = Int32GetDatum(r->pid);
		values[2] = CStringGetTextDatum(r->bridge);
		values[3] = TimestampTzGetDatum(r->at);
		values[4] = TimestampTzGetDatum(r->last_event_at);
		nulls[4] = r->last_event_at == 0;
		values[5] = CStringGetTextDatum(r->received_position);
		nulls[5] = r->received_position[0] == '\0';
		values[6] = CStringGetTextDatum(r->source_position);
		nulls[6] = r->source_position[0] == '\0';
		for (int n = 0; n < lengthof(numbers); n++)
		{
			values[7 + n] = Int64GetDatum(numbers[n]);
			nulls[7 + n] = numbers[n] < 0;
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
