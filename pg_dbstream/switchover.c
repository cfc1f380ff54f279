/*
 * See switchover.h.
 *
 * Rows that a stream brings do not draw from sequences, so after a stream in every sequence stands where it was made.
 * What belongs to users is read and changed with the caller's rights.
 */
#include "postgres.h"

#include "stream_tables.h"
#include "switchover.h"
#include "validation.h"

#include "options.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(dbs_sync_sequences);
PG_FUNCTION_INFO_V1(dbs_prepare_switchover);

/* ---- sequences --------------------------------------------------------- */

/* A sequence that a column of one of the stream's tables owns, as an identity or a serial does. */
typedef struct OwnedSequence
{
	char *quoted;
	char *table;
	char *column;
	int64 increment;
	int64 next;   /* the value it would give now */
	int64 wanted; /* the first value that is free and in the cycle */
	int64 highest;
} OwnedSequence;

/* The values that are PostgreSQL's among every so many; 1 of 1 without the option. */
typedef struct Cycle
{
	bool given;
	int64 offset;
	int64 increment;
} Cycle;

static Cycle
cycle_of(const DbsStreamRow *stream)
{
	Cycle cycle = {false, 1, 1};

	(void) dbs_catalog_run("SELECT ($1->'auto_increment'->>'offset')::int8, ($1->'auto_increment'->>'increment')::int8",
						   "j", stream->options);
	if (dbs_catalog_text(0, 1) != NULL)
	{
		bool isnull;

		cycle.given = true;
		cycle.offset = DatumGetInt64(dbs_catalog_datum(0, 1, &isnull));
		cycle.increment = DatumGetInt64(dbs_catalog_datum(0, 2, &isnull));
	}
	return cycle;
}

static void
as_caller(const DbsCatalogAccess *access)
{
	SetUserIdAndSecContext(access->caller, access->saved_context | SECURITY_LOCAL_USERID_CHANGE);
}

/* Back to the owner of the catalogue, who is current when a function begins. */
static void
as_owner(Oid owner, const DbsCatalogAccess *access)
{
	SetUserIdAndSecContext(owner, access->saved_context | SECURITY_LOCAL_USERID_CHANGE);
}

/* One statement with the caller's rights; parameters none. */
static uint64
run_as_caller(const DbsCatalogAccess *access, const char *sql)
{
	Oid owner = GetUserId();
	uint64 count;

	as_caller(access);
	count = dbs_catalog_run(sql, "");
	as_owner(owner, access);
	return count;
}

static int64
number(uint64 row, int column)
{
	bool isnull;
	Datum value = dbs_catalog_datum(row, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* The first value from candidate on that is in the cycle. */
static int64
in_cycle(const Cycle *cycle, int64 candidate)
{
	int64 rest = (cycle->offset - candidate) % cycle->increment;

	return candidate + (rest < 0 ? rest + cycle->increment : rest);
}

/* What stands in the column, with the caller's rights. */
static void
read_values(const DbsCatalogAccess *access, OwnedSequence *sequence, const Cycle *cycle)
{
	(void) run_as_caller(access,
						 psprintf("SELECT coalesce(max(%s), 0)::int8 FROM %s", sequence->column, sequence->table));
	sequence->highest = number(0, 1);
	(void) run_as_caller(access, psprintf("SELECT CASE WHEN s.is_called THEN s.last_value + %lld ELSE s.last_value END"
										  " FROM %s s",
										  (long long) sequence->increment, sequence->quoted));
	sequence->next = number(0, 1);
	sequence->wanted = in_cycle(cycle, Max(sequence->next, sequence->highest + 1));
}

/* Ascending ones; a sequence that counts down is its owner's own affair. */
static List *
owned_sequences(List *tables)
{
	List *sequences = NIL;
	ListCell *cell;

	foreach (cell, tables)
	{
		const DbsStreamTable *table = lfirst(cell);
		uint64 count = dbs_catalog_run(
			"SELECT quote_ident(n.nspname) || '.' || quote_ident(s.relname), quote_ident(a.attname), q.seqincrement"
			" FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'"
			" JOIN pg_namespace n ON n.oid = s.relnamespace JOIN pg_sequence q ON q.seqrelid = s.oid"
			" JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND NOT a.attisdropped"
			" WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', "
			"'i')"
			" AND d.refobjid = $1::oid AND q.seqincrement > 0 ORDER BY 1",
			"l", (int64) table->oid);

		for (uint64 i = 0; i < count; i++)
		{
			OwnedSequence *sequence = palloc0(sizeof *sequence);

			sequence->quoted = dbs_catalog_text(i, 1);
			sequence->column = dbs_catalog_text(i, 2);
			sequence->increment = number(i, 3);
			sequence->table = table->quoted;
			sequences = lappend(sequences, sequence);
		}
	}
	return sequences;
}

/* Is the sequence where it must be? It may well be further on. */
static bool
stands_right(const OwnedSequence *sequence, const Cycle *cycle)
{
	return sequence->next == sequence->wanted && (!cycle->given || sequence->increment == cycle->increment);
}

static void
move_sequence(const DbsCatalogAccess *access, const OwnedSequence *sequence, const Cycle *cycle)
{
	if (cycle->given && sequence->increment != cycle->increment)
		(void) run_as_caller(
			access, psprintf("ALTER SEQUENCE %s INCREMENT BY %lld", sequence->quoted, (long long) cycle->increment));
	(void) run_as_caller(access, psprintf("SELECT setval(%s, %lld, false)", quote_literal_cstr(sequence->quoted),
										  (long long) sequence->wanted));
}

void
dbs_increments_set_up(const DbsCatalogAccess *access, const DbsStreamRow *stream)
{
	Cycle cycle = cycle_of(stream);
	ListCell *cell;

	if (!cycle.given)
		return;
	foreach (cell, owned_sequences(dbs_stream_tables(stream)))
	{
		OwnedSequence *sequence = lfirst(cell);

		read_values(access, sequence, &cycle);
		if (!stands_right(sequence, &cycle))
			move_sequence(access, sequence, &cycle);
	}
}

bool
dbs_increments_fit(const DbsStreamRow *stream, char **object)
{
	Cycle cycle = cycle_of(stream);
	ListCell *cell;

	if (!cycle.given)
		return true;
	foreach (cell, owned_sequences(dbs_stream_tables(stream)))
	{
		const OwnedSequence *sequence = lfirst(cell);

		*object = sequence->quoted;
		if (sequence->increment != cycle.increment)
			return false;
		(void) dbs_catalog_run(psprintf("SELECT last_value FROM %s", sequence->quoted), "");
		if (in_cycle(&cycle, number(0, 1)) != number(0, 1))
			return false;
	}
	return true;
}

/* sync_sequences(stream) → object, next_value, action */
Datum
dbs_sync_sequences(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DbsCatalogAccess access;
	DbsStreamRow stream;
	Cycle cycle;
	ListCell *cell;
	bool inbound;

	InitMaterializedSRF(fcinfo, 0);
	dbs_catalog_enter(&access);
	dbs_stream_get(text_to_cstring(PG_GETARG_TEXT_PP(0)), &stream);
	dbs_stream_require_owner(&access, &stream);
	inbound = strcmp(stream.source, "local") != 0;
	cycle = cycle_of(&stream);
	foreach (cell, owned_sequences(dbs_stream_tables(&stream)))
	{
		OwnedSequence *sequence = lfirst(cell);
		Datum values[3];
		bool nulls[3] = {false};

		read_values(&access, sequence, &cycle);
		values[0] = CStringGetTextDatum(inbound ? sequence->quoted : sequence->table);
		values[1] = Int64GetDatum(inbound ? sequence->wanted : sequence->highest + 1);
		if (!inbound)
			values[2] = CStringGetTextDatum("nothing to do: InnoDB's counter follows every row that is inserted");
		else if (stands_right(sequence, &cycle))
			values[2] = CStringGetTextDatum("stands there already");
		else
		{
			move_sequence(&access, sequence, &cycle);
			values[2] = CStringGetTextDatum("set");
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	dbs_catalog_leave(&access);
	return (Datum) 0;
}

/* ---- what stands in the way -------------------------------------------- */

typedef struct Switchover
{
	ReturnSetInfo *result;
	DbsCatalogAccess access;
	DbsStreamRow stream;
	bool inbound;
	List *tables;
	char *oids; /* of the tables, as an array's text */
} Switchover;

static void
put(Switchover *s, const char *check, const char *object, const char *status, const char *detail, const char *remedy)
{
	dbs_check_put(s->result, check, object, status, detail, remedy);
}

/* The stream runs, has nothing to carry, and has stopped at nothing. */
static void
check_stream(Switchover *s)
{
	char *name = quote_literal_cstr(s->stream.name);
	char *state, *behind, *error;
	bool nothing;

	(void) dbs_catalog_run(
		"SELECT t.state, CASE WHEN t.source <> 'local' THEN t.bytes_behind + t.queued_bytes"
		" ELSE pg_wal_lsn_diff(pg_current_wal_flush_lsn(), t.applied_position::pg_lsn) END::int8::text, t.last_error,"
		" CASE WHEN t.source <> 'local' THEN t.bytes_behind + t.queued_bytes = 0 AND t.seconds_behind = 0"
		"  ELSE t.bytes_behind = 0 END"
		" FROM dbstream.stream_status t WHERE t.name = $1",
		"t", s->stream.name);
	state = dbs_catalog_text(0, 1);
	behind = dbs_catalog_text(0, 2);
	error = dbs_catalog_text(0, 3);
	nothing = dbs_catalog_text(0, 4) != NULL && strcmp(dbs_catalog_text(0, 4), "t") == 0;
	put(s, "stream", s->stream.name, strcmp(state, "running") == 0 ? "ok" : "failed",
		strcmp(state, "error") == 0 ? psprintf("it has stopped: %s", error) : psprintf("its state is %s", state),
		strcmp(state, "running") == 0 ? NULL
									  : "See dbstream.errors and dbstream.stream_status, and let it run until then.");
	put(s, "lag", s->stream.name, nothing ? "ok" : "failed",
		nothing ? "all that was last heard of is applied"
				: psprintf("%s bytes of the source's log are not applied", behind != NULL ? behind : "unknown many"),
		nothing ? NULL
				: psprintf("Stop the writers at the source, then SELECT dbstream.wait_for_stream(%s, '10min');", name));
	(void) dbs_catalog_run("SELECT b.state FROM dbstream.backfill b WHERE b.stream_id = $1 AND b.state <> 'done'", "i",
						   s->stream.id);
	if (SPI_processed > 0)
		put(s, "backfill", s->stream.name, "failed", psprintf("it is %s", dbs_catalog_text(0, 1)),
			"Wait until dbstream.backfill_status says done.");
	else if (s->inbound)
		put(s, "backfill", s->stream.name, "ok", "none is under way", NULL);
}

static void
check_conflicts(Switchover *s)
{
	int64 count;

	(void) dbs_catalog_run("SELECT count(*) FROM dbstream.conflict WHERE stream_id = $1", "i", s->stream.id);
	count = number(0, 1);
	put(s, "conflicts", s->stream.name, count == 0 ? "ok" : "warning",
		psprintf("%lld recorded decisions that nobody has looked at", (long long) count),
		count == 0 ? NULL
				   : psprintf("Look at dbstream.conflicts, then SELECT dbstream.forget_conflicts(%s);",
							  quote_literal_cstr(s->stream.name)));
}

/* The way back: the stream the other way between the same two ends. */
static void
check_opposite(Switchover *s)
{
	const char *other = s->inbound ? s->stream.source : s->stream.target;
	uint64 count = dbs_catalog_run("SELECT t.name, t.state FROM dbstream.stream_status t WHERE (t.source, t.target) ="
								   " ($1, $2)",
								   "tt", s->stream.target, s->stream.source);

	for (uint64 i = 0; i < count; i++)
	{
		char *state = dbs_catalog_text(i, 2);
		bool good = strcmp(state, "running") == 0;

		put(s, "way_back", dbs_catalog_text(i, 1), good ? "ok" : "warning", psprintf("its state is %s", state),
			good ? NULL
				 : psprintf("Start it before anybody writes %s, or what is written there never comes back.",
							s->inbound ? "here" : "there"));
	}
	if (count == 0)
		put(s, "way_back", psprintf("connection %s", other), "warning", "no stream goes the other way",
			s->inbound ? psprintf("Without one there is no way back. Before anybody writes here: SELECT "
								  "dbstream.create_stream('back', source => 'local', target => %s, tables => '{…}', "
								  "options => '{\"start\": \"now\"}'); "
								  "SELECT dbstream.start_stream('back');",
								  quote_literal_cstr(other))
					   : "Create and start one before anybody writes there, if what is written is to come here.");
}

static void
check_sequences(Switchover *s)
{
	Cycle cycle = cycle_of(&s->stream);
	int count = 0;
	ListCell *cell;

	foreach (cell, owned_sequences(s->tables))
	{
		OwnedSequence *sequence = lfirst(cell);

		count++;
		read_values(&s->access, sequence, &cycle);
		if (!stands_right(sequence, &cycle))
			put(s, "sequence", psprintf("sequence %s", sequence->quoted), "failed",
				psprintf("it gives %lld next, and %s.%s goes up to %lld", (long long) sequence->next, sequence->table,
						 sequence->column, (long long) sequence->highest),
				psprintf("SELECT * FROM dbstream.sync_sequences(%s);", quote_literal_cstr(s->stream.name)));
	}
	put(s, "sequences", "database", "ok", psprintf("sequences of the stream's tables: %d", count), NULL);
}

/* Each row of the query, whose $1 are the tables, is a check: object, status, detail, remedy. */
static void
check_each(Switchover *s, const char *check, const char *sql)
{
	uint64 count = dbs_catalog_run(sql, "t", s->oids);

	for (uint64 i = 0; i < count; i++)
		put(s, check, dbs_catalog_text(i, 1), dbs_catalog_text(i, 2), dbs_catalog_text(i, 3), dbs_catalog_text(i, 4));
}

#define THE_TABLES " = ANY ($1::oid[])"

static void
check_definitions(Switchover *s)
{
	check_each(s, "index",
			   "SELECT 'index ' || i.indexrelid::regclass, 'failed', 'it is not valid, so it is not used and enforces"
			   " nothing for rows before it', 'REINDEX INDEX ' || i.indexrelid::regclass || ';'"
			   " FROM pg_index i WHERE NOT (i.indisvalid AND i.indisready) AND i.indrelid" THE_TABLES " ORDER BY 1");
	check_each(s, "constraint",
			   "SELECT 'table ' || c.conrelid::regclass, 'failed', format('constraint %I is not validated', c.conname),"
			   " format('ALTER TABLE %s VALIDATE CONSTRAINT %I;', c.conrelid::regclass, c.conname)"
			   " FROM pg_constraint c WHERE NOT c.convalidated AND c.contype IN ('c', 'f') AND c.conrelid" THE_TABLES
			   " ORDER BY 1, 3");
	check_each(s, "trigger",
			   "SELECT 'table ' || t.tgrelid::regclass, 'warning', format(CASE t.tgenabled WHEN 'D' THEN 'trigger %I is"
			   " disabled' ELSE 'trigger %I fires for replicated rows only' END, t.tgname),"
			   " format('ALTER TABLE %s ENABLE TRIGGER %I;', t.tgrelid::regclass, t.tgname)"
			   " FROM pg_trigger t WHERE NOT t.tgisinternal AND t.tgenabled IN ('D', 'R') AND t.tgrelid" THE_TABLES
			   " ORDER BY 1, 3");
	check_each(
		s, "identity",
		"SELECT 'table ' || i.indrelid::regclass, 'warning', format('its key %I has neither an identity nor a"
		" default: every insert must give it', a.attname), format('If it was AUTO_INCREMENT at the source: ALTER"
		" TABLE %s ALTER %I ADD GENERATED BY DEFAULT AS IDENTITY; then dbstream.sync_sequences().',"
		" i.indrelid::regclass, a.attname)"
		" FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
		" WHERE i.indisprimary AND i.indnkeyatts = 1 AND a.atttypid IN ('int2'::regtype, 'int4'::regtype,"
		" 'int8'::regtype) AND a.attidentity = '' AND NOT a.atthasdef AND NOT EXISTS (SELECT FROM pg_constraint f"
		" WHERE f.contype = 'f' AND f.conrelid = i.indrelid AND f.conkey = ARRAY[a.attnum])"
		" AND i.indrelid" THE_TABLES " ORDER BY 1");
}

static void
check_deferred(Switchover *s)
{
	uint64 count = dbs_catalog_run("SELECT format('table %I.%I', d.source_schema, d.source_table), d.sql"
								   " FROM dbstream.deferred_ddl d WHERE d.stream_id = $1 ORDER BY d.id",
								   "i", s->stream.id);

	for (uint64 i = 0; i < count; i++)
		put(s, "deferred", dbs_catalog_text(i, 1), "failed", psprintf("not done yet: %s", dbs_catalog_text(i, 2)),
			"Wait until the backfill is done; see dbstream.errors.");
}

/* The rows came without the check that a foreign key makes: look for what refers to nothing. */
static void
check_foreign_keys(Switchover *s)
{
	uint64 count = dbs_catalog_run(
		"SELECT c.conrelid::regclass::text, quote_ident(c.conname),"
		" format('SELECT EXISTS (SELECT FROM %s c WHERE %s AND NOT EXISTS (SELECT FROM %s p WHERE %s))',"
		"  c.conrelid::regclass,"
		"  (SELECT string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ') FROM unnest(c.conkey) k"
		"   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k), c.confrelid::regclass,"
		"  (SELECT string_agg(format('p.%I = c.%I', p.attname, a.attname), ' AND ')"
		"   FROM unnest(c.conkey, c.confkey) k (own, other)"
		"   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.own"
		"   JOIN pg_attribute p ON p.attrelid = c.confrelid AND p.attnum = k.other))"
		" FROM pg_constraint c WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid" THE_TABLES " ORDER BY 1, 2",
		"t", s->oids);
	char **keys = palloc0(3 * count * sizeof *keys);

	for (uint64 i = 0; i < 3 * count; i++)
		keys[i] = dbs_catalog_text(i / 3, (int) (i % 3) + 1);
	for (uint64 i = 0; i < count; i++)
	{
		bool isnull;

		(void) run_as_caller(&s->access, keys[3 * i + 2]);
		if (DatumGetBool(dbs_catalog_datum(0, 1, &isnull)))
			put(s, "foreign_key", psprintf("table %s", keys[3 * i]), "failed",
				psprintf("rows refer to none by foreign key %s", keys[3 * i + 1]),
				"Correct them at the source, or delete them.");
	}
	put(s, "foreign_keys", "database", "ok", psprintf("foreign keys looked at: %llu", (unsigned long long) count),
		NULL);
}

/* prepare_switchover(stream) → check_name, object, status, detail, remedy */
Datum
dbs_prepare_switchover(PG_FUNCTION_ARGS)
{
	Switchover s = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	StringInfoData oids;
	ListCell *cell;

	InitMaterializedSRF(fcinfo, 0);
	dbs_catalog_enter(&s.access);
	dbs_stream_look(text_to_cstring(PG_GETARG_TEXT_PP(0)), &s.stream);
	dbs_stream_require_owner(&s.access, &s.stream);
	s.inbound = strcmp(s.stream.source, "local") != 0;
	s.tables = dbs_stream_tables(&s.stream);
	initStringInfo(&oids);
	appendStringInfoChar(&oids, '{');
	foreach (cell, s.tables)
		appendStringInfo(&oids, "%s%u", oids.len > 1 ? "," : "", ((DbsStreamTable *) lfirst(cell))->oid);
	appendStringInfoChar(&oids, '}');
	s.oids = oids.data;
	check_stream(&s);
	check_conflicts(&s);
	check_opposite(&s);
	if (s.inbound)
	{
		check_deferred(&s);
		check_sequences(&s);
		check_definitions(&s);
		check_foreign_keys(&s);
	}
	dbs_catalog_leave(&s.access);
	return (Datum) 0;
}
