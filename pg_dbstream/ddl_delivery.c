/*
 * Schema changes on their way out: what a captured message means for one stream and one kind of target.
 *
 * The bridge asks before it executes anything, and tells what became of it; both calls look at nothing but the message,
 * the stream's options, and whether a person has asked to skip the statement.
 */
#include "postgres.h"

#include "catalog.h"
#include "ddl_capture.h"
#include "ddl_print.h"
#include "stream_row.h"
#include "table_difference.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "pattern.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(dbs_outbound_ddl);
PG_FUNCTION_INFO_V1(dbs_outbound_ddl_done);

/* Tables of these names are about to be dropped; the bridge's reader of the other direction knows them. */
#define DROPPED_PREFIX "dbstream_dropped_"

typedef struct Delivery
{
	const DbsStream *stream;
	const JsonbContainer *message;
	const char *dialect;
	const char *id;
	const char *query;
	const char *outcome; /* "applied", "recorded", "skipped", "ignored", "stopped"; "passed": it is not this stream's */
	const char *error;   /* why it is stopped */
	DbsChange change;
} Delivery;

/* ---- what it means ------------------------------------------------------------------------ */

static bool
is_selected(void *context, const char *schema, const char *table)
{
	const DbsStream *stream = context;

	return schema != NULL && table != NULL && strcmp(schema, "dbstream") != 0 &&
		   dbs_pattern_selects(stream->tables, schema, strlen(schema), table, strlen(table));
}

static void
add_note(Delivery *plan, const char *note)
{
	plan->change.notes = lappend(plan->change.notes, (void *) note);
}

/* The table as it was or is, if the stream selects it. */
static DbsDescription *
description(const Delivery *plan, const JsonbContainer *table, const char *name, bool *ours)
{
	const JsonbContainer *json = dbs_json_container(table, name);
	DbsDescription *read = json == NULL ? NULL : dbs_description_read(json, plan->dialect);

	*ours |= read != NULL && is_selected((void *) plan->stream, read->schema, read->table);
	return read;
}

static bool
plan_table(Delivery *plan, const JsonbContainer *table, int number)
{
	bool was_ours = false;
	bool is_ours = false;
	DbsDescription *before = description(plan, table, "before", &was_ours);
	DbsDescription *after = description(plan, table, "after", &is_ours);
	char *next = dbs_json_text(table, "next");
	char *problem = dbs_json_text(table, "problem");

	if (!was_ours && !is_ours)
		return false;
	plan->change.rewritten = dbs_json_text(table, "rewritten") != NULL;
	plan->change.filled = dbs_json_container(table, "filled");
	plan->change.next = next == NULL ? 0 : strtoll(next, NULL, 10);
	plan->change.spare = psprintf(DROPPED_PREFIX "%.*s_%s_%d", (int) strcspn(plan->id, "."), plan->id,
								  plan->id + strcspn(plan->id, ".") + 1, number);
	if (problem != NULL)
	{
		add_note(plan, psprintf("error: table %s.%s: %s", (after != NULL ? after : before)->schema,
								(after != NULL ? after : before)->table, problem));
		return true;
	}
	if (dbs_json_text(table, "unknown") != NULL)
	{
		add_note(plan, psprintf("error: what table %s.%s was like before is not known here, since it was changed while "
								"nothing was captured",
								after != NULL ? after->schema : "", after != NULL ? after->table : ""));
		return true;
	}
	if (!was_ours)
	{
		if (before != NULL && dbs_json_text(table, "empty") == NULL)
			add_note(plan, psprintf("error: table %s.%s comes into the stream by its new name, with rows that the "
									"target does not have",
									after->schema, after->table));
		before = NULL;
	}
	dbs_difference(&plan->change, before, after);
	return true;
}

/* Could any pattern of the stream select a table of this schema? */
static bool
plan_schema(Delivery *plan, const JsonbContainer *schema)
{
	char *name = dbs_json_text(schema, "name");
	char *what = dbs_json_text(schema, "what");

	if (name == NULL || what == NULL || !dbs_pattern_selects_schema(plan->stream->tables, name))
		return false;
	if (strcmp(what, "created") == 0)
		plan->change.statements =
			lappend(plan->change.statements, psprintf("CREATE DATABASE IF NOT EXISTS %s",
													  dbs_ddl_mysql_quote(dbs_change_schema(&plan->change, name))));
	else
		add_note(plan, psprintf("info: database %s stays at the target, for what else may be in it",
								dbs_change_schema(&plan->change, name)));
	return true;
}

static bool
plan_array(Delivery *plan, const char *name)
{
	const JsonbContainer *array = dbs_json_container(plan->message, name);
	bool ours = false;

	for (uint32 i = 0; array != NULL && i < JsonContainerSize(array); i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer((JsonbContainer *) array, i);

		if (value == NULL || value->type != jbvBinary)
			continue;
		if (strcmp(name, "tables") == 0)
			ours |= plan_table(plan, value->val.binary.data, (int) i);
		else
			ours |= plan_schema(plan, value->val.binary.data);
	}
	return ours;
}

/* The first note that says that something cannot be carried over; NULL when there is none. */
static const char *
refusal(const Delivery *plan)
{
	ListCell *cell;

	foreach (cell, plan->change.notes)
	{
		const char *note = lfirst(cell);

		if (strncmp(note, "error: ", 7) == 0)
			return note + 7;
	}
	return NULL;
}

static bool
skip_wanted(const Delivery *plan)
{
	DbsCatalogAccess access;
	bool wanted;

	dbs_catalog_enter(&access);
	wanted = dbs_catalog_run("SELECT FROM dbstream.ddl_blocked WHERE stream_id = $1 AND source_sql = $2 AND skip", "it",
							 plan->stream->id, plan->query) > 0;
	dbs_catalog_leave(&access);
	return wanted;
}

static void
decide(Delivery *plan)
{
	const char *policy = dbs_stream_option(plan->stream, "on_ddl", "apply");
	const char *failed = dbs_json_text(plan->message, "failed");
	bool ours = plan_array(plan, "tables");

	ours |= plan_array(plan, "schemas");
	if (failed != NULL)
		add_note(plan, psprintf("error: it could not be captured: %s", failed));
	if (!ours && failed == NULL)
		plan->outcome = "passed";
	else if (skip_wanted(plan))
		plan->outcome = "skipped";
	else if (strcmp(policy, "record") == 0)
		plan->outcome = "recorded";
	else if (strcmp(policy, "stop") == 0)
	{
		plan->outcome = "stopped";
		plan->error = "the stream's option on_ddl is \"stop\"";
	}
	else if (refusal(plan) != NULL)
	{
		plan->outcome = "stopped";
		plan->error = refusal(plan);
	}
	else
		plan->outcome = plan->change.statements != NIL ? "applied" : "ignored";
}

/* Did the event trigger write it? Anyone may put a message into the log, and this one's words are executed. */
static bool
is_genuine(const char *content, Size size)
{
	DbsCatalogAccess access;
	char *signature;
	bool genuine;

	dbs_catalog_enter(&access);
	signature = dbs_ddl_signature(content, size);
	genuine = signature != NULL && content[size] == '\n' && strcmp(content + size + 1, signature) == 0;
	dbs_catalog_leave(&access);
	return genuine;
}

static void
make_plan(Delivery *plan, int stream_id, text *words, text *dialect)
{
	char *content = text_to_cstring(words);
	Size size = dbs_ddl_text_size(content, strlen(content));
	Jsonb *json;

	memset(plan, 0, sizeof *plan);
	if (!is_genuine(content, size))
	{
		ereport(LOG,
				(errmsg("a message that claims to be a captured schema change is left out: it was not captured here"),
				 errdetail("It begins with %.100s", content)));
		plan->outcome = "passed";
		plan->query = "";
		return;
	}
	json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(content, size))));
	plan->stream = dbs_stream_load(stream_id);
	if (plan->stream == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no stream with id %d", stream_id)));
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a captured schema change is no object")));
	plan->message = &json->root;
	plan->dialect = text_to_cstring(dialect);
	plan->id = dbs_json_text(plan->message, "id");
	plan->query = dbs_json_text(plan->message, "query");
	if (plan->id == NULL || plan->query == NULL || strchr(plan->id, '.') == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a captured schema change is not whole"),
						errhint("The log was written by another version of dbstream.")));
	dbs_stream_option_pairs(plan->stream, "schemas", &plan->change.schema_from, &plan->change.schema_to);
	plan->change.is_selected = is_selected;
	plan->change.context = (void *) plan->stream;
	decide(plan);
}

/* ---- the bridge's calls ------------------------------------------------------------------- */

static void
put(ReturnSetInfo *result, const char *kind, const char *value)
{
	Datum values[2] = {CStringGetTextDatum(kind), CStringGetTextDatum(value)};
	bool nulls[2] = {false, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static const char *
hint_of(const Delivery *plan)
{
	char *name = quote_literal_cstr(plan->stream->name);

	return psprintf("Mend what stands in its way at the target: SELECT dbstream.resume_stream(%s) tries again. Or make "
					"the change there by hand, then SELECT dbstream.skip_ddl(%s);",
					name, name);
}

/*
 * outbound_ddl(stream_id, content, dialect) → kind, value: first its outcome, then what to do in order. Kinds: outcome;
 * statement; update, a statement that commits together with the position; query, the source's words; error; hint.
 */
Datum
dbs_outbound_ddl(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Delivery plan;
	int number = 0;
	ListCell *cell;

	InitMaterializedSRF(fcinfo, 0);
	make_plan(&plan, PG_GETARG_INT32(0), PG_GETARG_TEXT_PP(1), PG_GETARG_TEXT_PP(2));
	put(result, "outcome", plan.outcome);
	put(result, "query", plan.query);
	if (plan.stream == NULL)
		return (Datum) 0;
	put(result, "hint", hint_of(&plan));
	if (plan.error != NULL)
		put(result, "error", plan.error);
	if (strcmp(plan.outcome, "applied") == 0)
	{
		foreach (cell, plan.change.statements)
			put(result, list_member_int(plan.change.updates, number++) ? "update" : "statement", lfirst(cell));
	}
	return (Datum) 0;
}

static ArrayType *
note_array(List *notes)
{
	Datum *elements = palloc((list_length(notes) + 1) * sizeof(Datum));
	int count = 0;
	ListCell *cell;

	foreach (cell, notes)
		elements[count++] = CStringGetTextDatum((char *) lfirst(cell));
	return construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT);
}

static const char *
target_text(const Delivery *plan)
{
	StringInfoData text;
	ListCell *cell;

	if (plan->change.statements == NIL)
		return NULL;
	initStringInfo(&text);
	foreach (cell, plan->change.statements)
		appendStringInfo(&text, "%s%s", text.len > 0 ? ";\n" : "", (char *) lfirst(cell));
	return text.data;
}

/* Tables that are gone, or have another name now, show as dropped. */
static void
forget_names(const Delivery *plan)
{
	const JsonbContainer *tables = dbs_json_container(plan->message, "tables");
	uint32 count = tables == NULL ? 0 : JsonContainerSize(tables);

	for (uint32 i = 0; i < count; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer((JsonbContainer *) tables, i);
		const JsonbContainer *table = value->type == jbvBinary ? value->val.binary.data : NULL;
		const JsonbContainer *before = table == NULL ? NULL : dbs_json_container(table, "before");
		const JsonbContainer *after = table == NULL ? NULL : dbs_json_container(table, "after");

		if (before != NULL)
			(void) dbs_catalog_run("UPDATE dbstream.stream_table SET state = 'dropped' WHERE stream_id = $1"
								   " AND (source_schema, source_table) = ($2, $3)"
								   " AND (source_schema, source_table) IS DISTINCT FROM ($4, $5)",
								   "itttt", plan->stream->id, dbs_json_text(before, "schema"),
								   dbs_json_text(before, "table"),
								   after == NULL ? NULL : dbs_json_text(after, "schema"),
								   after == NULL ? NULL : dbs_json_text(after, "table"));
	}
}

/*
 * outbound_ddl_done(stream_id, content, dialect, outcome, note): the bridge is past the change, or, with the outcome
 * "stopped", stands at it. A second call for the same change says nothing new.
 */
Datum
dbs_outbound_ddl_done(PG_FUNCTION_ARGS)
{
	char *outcome = text_to_cstring(PG_GETARG_TEXT_PP(3));
	char *note = text_to_cstring(PG_GETARG_TEXT_PP(4));
	const char *sql;
	ArrayType *notes;
	DbsCatalogAccess access;
	Delivery plan;

	make_plan(&plan, PG_GETARG_INT32(0), PG_GETARG_TEXT_PP(1), PG_GETARG_TEXT_PP(2));
	if (plan.stream == NULL)
		PG_RETURN_VOID();
	if (note[0] != '\0')
		add_note(&plan, note);
	sql = target_text(&plan);
	notes = note_array(plan.change.notes);
	dbs_catalog_enter(&access);
	if (strcmp(outcome, "stopped") == 0)
		(void) dbs_catalog_run(
			"INSERT INTO dbstream.ddl_blocked AS b (stream_id, at, source_sql) VALUES ($1, clock_timestamp(), $2)"
			" ON CONFLICT (stream_id) DO UPDATE SET at = excluded.at, source_sql = excluded.source_sql,"
			" skip = b.skip AND b.source_sql = excluded.source_sql",
			"it", plan.stream->id, plan.query);
	else
	{
		(void) dbs_catalog_run(
			"INSERT INTO dbstream.ddl_history (stream_id, position, gtid, source_sql, target_sql, notes, outcome)"
			" SELECT $1, $2, $3, $4, $5, $6, $7 WHERE NOT EXISTS (SELECT FROM dbstream.ddl_history h"
			"  WHERE h.stream_id = $1 AND h.gtid = $3)",
			"ittttat", plan.stream->id, dbs_json_text(plan.message, "lsn"), plan.id, plan.query, sql, notes, outcome);
		(void) dbs_catalog_run("DELETE FROM dbstream.ddl_blocked WHERE stream_id = $1", "i", plan.stream->id);
		if (strcmp(outcome, "applied") == 0)
			forget_names(&plan);
	}
	dbs_catalog_leave(&access);
	PG_RETURN_VOID();
}
