/*
 * See ddl_history.h.
 */
#include "ddl_history.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "apply.h"
#include "catalog.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "ddl.h"
#include "ddl_lexer.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

enum
{
	HISTORY_ID = 1,
	HISTORY_STREAM_ID,
	HISTORY_AT,
	HISTORY_POSITION,
	HISTORY_GTID,
	HISTORY_DEFAULT_SCHEMA,
	HISTORY_SOURCE_SQL,
	HISTORY_TARGET_SQL,
	HISTORY_NOTES,
	HISTORY_OUTCOME,
	HISTORY_COLUMNS = HISTORY_OUTCOME
};

enum
{
	BLOCKED_STREAM_ID = 1,
	BLOCKED_AT,
	BLOCKED_SOURCE_SQL,
	BLOCKED_SKIP,
	BLOCKED_COLUMNS = BLOCKED_SKIP
};

static Datum
join_statements(List *sql)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, sql)
		appendStringInfo(&text, "%s%s", text.len > 0 ? ";\n" : "", (char *) lfirst(cell));
	return CStringGetTextDatum(text.data);
}

const char *
dbs_ddl_shown_place(const char *text, const DbsNote *note)
{
	int at = note->place - 1;
	int line;
	int column;
	int begin;
	int from;
	StringInfoData shown;

	if (at < 0 || at > (int) strlen(text))
		return "";
	dbs_ddl_locate(text, at, &line, &column);
	for (begin = at; begin > 0 && text[begin - 1] != '\n'; begin--)
		;
	/* Of a long line only what is near. */
	for (from = Max(begin, at - 60); from > begin && ((unsigned char) text[from] & 0xC0) == 0x80; from--)
		;
	initStringInfo(&shown);
	appendStringInfo(&shown, "\nLine %d, column %d:\n%s", line, column, from > begin ? "..." : "");
	for (int i = from; text[i] != '\0' && text[i] != '\n'; i++)
	{
		if (i > at + 60 && ((unsigned char) text[i] & 0xC0) != 0x80)
			break;
		appendStringInfoChar(&shown, text[i]);
	}
	appendStringInfo(&shown, "\n%s", from > begin ? "   " : "");
	for (int i = from; i < at; i++)
	{
		if (((unsigned char) text[i] & 0xC0) != 0x80)
			appendStringInfoChar(&shown, text[i] == '\t' ? '\t' : ' ');
	}
	appendStringInfoChar(&shown, '^');
	return shown.data;
}

static Datum
note_array(List *notes, const char *source_sql)
{
	static const char *const severities[] = {"info", "warning", "error"};
	Datum *elements = palloc((list_length(notes) + 1) * sizeof(Datum));
	int count = 0;
	ListCell *cell;

	foreach (cell, notes)
	{
		const DbsNote *note = lfirst(cell);

		const char *place = note->severity == DBS_NOTE_ERROR ? dbs_ddl_shown_place(source_sql, note) : "";

		elements[count++] = CStringGetTextDatum(psprintf("%s: %s%s", severities[note->severity], note->text, place));
	}
	return PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
}

void
dbs_ddl_history_add(const char *default_schema, const char *source_sql, List *sql, List *notes, const char *outcome)
{
	Relation relation = table_open(dbs_catalog_oid("ddl_history"), RowExclusiveLock);
	Datum values[HISTORY_COLUMNS] = {0};
	bool nulls[HISTORY_COLUMNS] = {0};

	values[HISTORY_ID - 1] = Int64GetDatum(nextval_internal(dbs_catalog_oid("ddl_history_id_seq"), false));
	values[HISTORY_STREAM_ID - 1] = Int32GetDatum(dbs_apply.stream->id);
	values[HISTORY_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[HISTORY_POSITION - 1] = CStringGetTextDatum(dbs_apply.position.data);
	nulls[HISTORY_GTID - 1] = dbs_apply.gtid.len == 0;
	values[HISTORY_GTID - 1] = CStringGetTextDatum(dbs_apply.gtid.data);
	nulls[HISTORY_DEFAULT_SCHEMA - 1] = default_schema == NULL || default_schema[0] == '\0';
	if (!nulls[HISTORY_DEFAULT_SCHEMA - 1])
		values[HISTORY_DEFAULT_SCHEMA - 1] = CStringGetTextDatum(default_schema);
	values[HISTORY_SOURCE_SQL - 1] = CStringGetTextDatum(source_sql);
	nulls[HISTORY_TARGET_SQL - 1] = sql == NIL;
	if (sql != NIL)
		values[HISTORY_TARGET_SQL - 1] = join_statements(sql);
	values[HISTORY_NOTES - 1] = note_array(notes, source_sql);
	values[HISTORY_OUTCOME - 1] = CStringGetTextDatum(outcome);
	CatalogTupleInsert(relation, heap_form_tuple(RelationGetDescr(relation), values, nulls));
	table_close(relation, RowExclusiveLock);
}

/* The stream's row of dbstream.ddl_blocked, copied; NULL when it has none. */
static HeapTuple
blocked_row(Relation relation)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, BLOCKED_STREAM_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(dbs_apply.stream->id));
	scan = systable_beginscan(relation, dbs_catalog_oid("ddl_blocked_pkey"), true, snapshot, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	return tuple;
}

static bool
row_is_for(Relation relation, HeapTuple tuple, const char *source_sql, bool *skip)
{
	Datum values[BLOCKED_COLUMNS];
	bool nulls[BLOCKED_COLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
	*skip = DatumGetBool(values[BLOCKED_SKIP - 1]);
	return strcmp(TextDatumGetCString(values[BLOCKED_SOURCE_SQL - 1]), source_sql) == 0;
}

void
dbs_ddl_blocked_set(const char *source_sql)
{
	Relation relation = table_open(dbs_catalog_oid("ddl_blocked"), RowExclusiveLock);
	HeapTuple old = blocked_row(relation);
	Datum values[BLOCKED_COLUMNS] = {0};
	bool nulls[BLOCKED_COLUMNS] = {0};
	HeapTuple new;
	bool skip;

	/* A wish to skip it, made meanwhile, stays. */
	if (!HeapTupleIsValid(old) || !row_is_for(relation, old, source_sql, &skip))
	{
		values[BLOCKED_STREAM_ID - 1] = Int32GetDatum(dbs_apply.stream->id);
		values[BLOCKED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
		values[BLOCKED_SOURCE_SQL - 1] = CStringGetTextDatum(source_sql);
		values[BLOCKED_SKIP - 1] = BoolGetDatum(false);
		new = heap_form_tuple(RelationGetDescr(relation), values, nulls);
		if (HeapTupleIsValid(old))
			CatalogTupleUpdate(relation, &old->t_self, new);
		else
			CatalogTupleInsert(relation, new);
	}
	table_close(relation, RowExclusiveLock);
}

bool
dbs_ddl_skip_wanted(const char *source_sql)
{
	Relation relation = table_open(dbs_catalog_oid("ddl_blocked"), AccessShareLock);
	HeapTuple row = blocked_row(relation);
	bool skip = false;
	bool wanted = HeapTupleIsValid(row) && row_is_for(relation, row, source_sql, &skip) && skip;

	table_close(relation, AccessShareLock);
	return wanted;
}

void
dbs_ddl_blocked_clear(void)
{
	Relation relation = table_open(dbs_catalog_oid("ddl_blocked"), RowExclusiveLock);
	HeapTuple row = blocked_row(relation);

	if (HeapTupleIsValid(row))
		CatalogTupleDelete(relation, &row->t_self);
	table_close(relation, RowExclusiveLock);
}

PG_FUNCTION_INFO_V1(dbs_skip_ddl);

/* Let the stream go past the schema change at which it stands, without executing it. Returns its text. */
Datum
dbs_skip_ddl(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	MemoryContext caller = CurrentMemoryContext;
	DbsCatalogAccess access;
	DbsStreamRow stream;
	char *statement = NULL;

	dbs_catalog_enter(&access);
	dbs_stream_get(name, &stream);
	dbs_stream_require_owner(&access, &stream);
	if (dbs_catalog_run("UPDATE dbstream.ddl_blocked SET skip = true WHERE stream_id = $1 RETURNING source_sql", "i",
						stream.id) == 1)
		statement = MemoryContextStrdup(caller, dbs_catalog_text(0, 1));
	else
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("stream \"%s\" does not stand at a schema change", name),
						errhint("dbstream.errors shows what it stands at.")));

	/* The error is dealt with: the stream tries again at once, and whoever waits for it waits for that. */
	(void) dbs_catalog_run("UPDATE dbstream.stream SET generation = generation + 1, changed_at = clock_timestamp() "
						   "WHERE id = $1",
						   "i", stream.id);
	dbs_notify();
	dbs_catalog_leave(&access);
	PG_RETURN_TEXT_P(cstring_to_text(statement));
}
