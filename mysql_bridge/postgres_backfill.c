/*
 * See postgres_backfill.h.
 *
 * The stream's slot is made first; it keeps the log from then on. Its snapshot holds exactly what was committed before
 * its position. A later session makes a temporary slot for the tables that are left, whose snapshot and position are
 * later ones. The output plugin leaves out, for each table, what was committed before its position; so nothing is
 * applied twice, with a key or without.
 *
 * One connection reads, since one worker applies. At the source nothing but the output plugin is needed: definitions
 * and rows come by plain SQL, and every value in its text form.
 *
 * A statement that rewrites or empties a table leaves nothing in it for older snapshots. So a table is locked against
 * such statements before it is read, and must have the file that the snapshot knows.
 */
#include "postgres_backfill.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "backfill_selection.h"
#include "log.h"
#include "pattern.h"
#include "postgres_connection.h"
#include "postgres_definition.h"
#include "postgres_rows.h"
#include "postgres_snapshot.h"
#include "wire_buffer.h"
#include "wire_transaction.h"

#define QUERY_TIMEOUT_MS 60000
#define FLUSH_SIZE ((size_t) 128 * 1024)
/* A rows message is closed when it is so large. */
#define MESSAGE_SIZE ((size_t) 64 * 1024)
/* The plugin numbers its tables from 1. */
#define FIRST_WIRE_ID UINT32_C(0x40000000)

typedef struct Table
{
	unsigned relid;
	char *schema;
	char *name;
	char *quoted; /* both, as SQL has them */
	bool partitioned;
	uint64_t rows_estimated;
	uint64_t bytes_estimated;
	bool wanted;    /* to be copied */
	char *position; /* as of which it is copied; NULL: it is not */
} Table;

struct PostgresBackfill
{
	const StreamConfig *config;
	int stop_fd;
	struct json_object *recorded;
	bool copying;
	bool joined;
	uint64_t start;
	uint64_t end;
	PostgresSnapshot snapshot;

	PGconn *sql;
	Outbox *outbox;
	WireBuffer buffer;
	Table *tables;
	size_t table_count;

	/* of the table under way */
	uint32_t wire_id;
	uint32_t message_rows; /* in the open rows message */
	size_t message_begin;
	uint64_t table_rows;
	uint64_t table_bytes;

	atomic_ullong rows;
	atomic_ullong bytes;
	atomic_llong last_row_time;
};

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", "Give the bridge more memory.",
					   "there is no memory for a backfill");
}

static DbsString
string_of(const char *text)
{
	return (DbsString){text, text != NULL ? (uint32_t) strlen(text) : 0};
}

/* ---- the record ---- */

static const char *
text_of(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (object == NULL || !json_object_object_get_ex(object, key, &value) || value == NULL)
		return NULL;
	return json_object_get_string(value);
}

static struct json_object *
find_record(const PostgresBackfill *backfill, const Table *table)
{
	struct json_object *tables = NULL;

	if (backfill->recorded == NULL || !json_object_object_get_ex(backfill->recorded, "tables", &tables))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(tables); i++)
	{
		struct json_object *record = json_object_array_get_idx(tables, i);

		if (strcmp(text_of(record, "schema"), table->schema) == 0 && strcmp(text_of(record, "name"), table->name) == 0)
			return record;
	}
	return NULL;
}

static bool
is_waiting(const char *phase)
{
	return strcmp(phase, "requested") == 0 || strcmp(phase, "waiting") == 0 || strcmp(phase, "copying") == 0;
}

PostgresBackfill *
postgres_backfill_new(const StreamConfig *config, const char *recorded, bool joined, int stop_fd, Failure *failure)
{
	PostgresBackfill *backfill = calloc(1, sizeof *backfill);
	const char *position, *end;

	if (backfill == NULL)
	{
		(void) no_memory(failure);
		return NULL;
	}
	backfill->config = config;
	backfill->stop_fd = stop_fd;
	backfill->joined = joined;
	backfill->copying = true;
	atomic_store(&backfill->last_row_time, wire_time_now());
	if (recorded == NULL || recorded[0] == '\0')
		return backfill;
	backfill->recorded = json_tokener_parse(recorded);
	position = text_of(backfill->recorded, "position");
	end = text_of(backfill->recorded, "end_position");
	if (text_of(backfill->recorded, "state") == NULL ||
		(position != NULL && position[0] != '\0' && !postgres_lsn_parse(position, &backfill->start)))
	{
		failure_set(failure, FAILURE_REJECT, "bad_option", "Install the dbstream-bridge that matches the extension.",
					"what is recorded of the backfill is not understood");
		postgres_backfill_free(backfill);
		return NULL;
	}
	backfill->copying = strcmp(text_of(backfill->recorded, "state"), "copying") == 0;
	if (!backfill->copying && end != NULL)
		(void) postgres_lsn_parse(end, &backfill->end);
	return backfill;
}

static void
free_tables(PostgresBackfill *backfill)
{
	for (size_t i = 0; i < backfill->table_count; i++)
	{
		free(backfill->tables[i].schema);
		free(backfill->tables[i].name);
		free(backfill->tables[i].quoted);
		free(backfill->tables[i].position);
	}
	free(backfill->tables);
	backfill->tables = NULL;
	backfill->table_count = 0;
}

void
postgres_backfill_free(PostgresBackfill *backfill)
{
	if (backfill == NULL)
		return;
	free_tables(backfill);
	if (backfill->sql != NULL)
		PQfinish(backfill->sql);
	wire_buffer_free(&backfill->buffer);
	json_object_put(backfill->recorded);
	free(backfill);
}

bool
postgres_backfill_copying(const PostgresBackfill *backfill)
{
	return backfill->copying;
}

uint64_t
postgres_backfill_start(const PostgresBackfill *backfill)
{
	return backfill->start;
}

uint64_t
postgres_backfill_end(const PostgresBackfill *backfill)
{
	return backfill->end;
}

void
postgres_backfill_progress(PostgresBackfill *backfill, SourceProgress *progress)
{
	progress->rows += atomic_load(&backfill->rows);
	progress->bytes += atomic_load(&backfill->bytes);
	if (backfill->copying)
		progress->last_event_time = atomic_load(&backfill->last_row_time);
}

/* ---- the source ---- */

static PGresult *
ask(PostgresBackfill *backfill, const char *sql, Failure *failure)
{
	return postgres_connection_query(backfill->sql, sql, -1, NULL, backfill->stop_fd, QUERY_TIMEOUT_MS, failure);
}

static bool
run(PostgresBackfill *backfill, const char *sql, Failure *failure)
{
	PGresult *result = ask(backfill, sql, failure);

	PQclear(result);
	return result != NULL;
}

/* Values come in words that mean the same everywhere; a row that a policy would hide is an error rather than missing.
 */
static bool
connect_sql(PostgresBackfill *backfill, Failure *failure)
{
	static const char pins[] = "SET search_path = ''; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = postgres;"
							   " SET TimeZone = 'UTC'; SET extra_float_digits = 3; SET bytea_output = hex;"
							   " SET lc_monetary = 'C'; SET xmloption = content; SET row_security = off;"
							   " SET lock_timeout = '10s'; SET quote_all_identifiers = off";

	backfill->sql = postgres_connection_open(backfill->config->postgres_conninfo, "dbstream-bridge copy",
											 backfill->stop_fd, failure);
	return backfill->sql != NULL && run(backfill, pins, failure);
}

/* Permanent tables whose changes are in the log, a partitioned one under its root's name. */
static const char tables_query[] =
	"SELECT c.oid, n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind = 'p', e.rows,"
	" e.bytes FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL ("
	"  SELECT coalesce(sum(pg_catalog.pg_table_size(l.oid)), 0)::int8 AS bytes,"
	"   coalesce(sum(CASE WHEN l.reltuples >= 0 THEN l.reltuples ELSE pg_catalog.pg_relation_size(l.oid) / 100 END),"
	"   0)::int8 AS rows"
	"  FROM pg_catalog.pg_class l WHERE l.relkind = 'r' AND l.oid IN (SELECT c.oid UNION"
	"   SELECT p.relid FROM pg_catalog.pg_partition_tree(c.oid) p WHERE c.relkind = 'p')) e"
	" WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p' AND n.nspname !~ '^pg_'"
	" AND n.nspname NOT IN ('information_schema', 'dbstream') ORDER BY e.bytes DESC, 2, 3";

static bool
take_table(PostgresBackfill *backfill, const PGresult *result, int row)
{
	Table *table = &backfill->tables[backfill->table_count];
	const char *schema = PQgetvalue(result, row, 1);
	const char *name = PQgetvalue(result, row, 2);
	struct json_object *record;

	if (!dbs_pattern_selects((const char *const *) backfill->config->tables, schema, strlen(schema), name,
							 strlen(name)))
		return true;
	backfill->table_count++;
	*table = (Table){.relid = (unsigned) strtoul(PQgetvalue(result, row, 0), NULL, 10),
					 .schema = strdup(schema),
					 .name = strdup(name),
					 .quoted = strdup(PQgetvalue(result, row, 3)),
					 .partitioned = PQgetvalue(result, row, 4)[0] == 't',
					 .rows_estimated = strtoull(PQgetvalue(result, row, 5), NULL, 10),
					 .bytes_estimated = strtoull(PQgetvalue(result, row, 6), NULL, 10)};
	if (table->schema == NULL || table->name == NULL || table->quoted == NULL)
		return false;
	record = find_record(backfill, table);
	if (record != NULL && !is_waiting(text_of(record, "phase")) && text_of(record, "position") != NULL)
		table->position = strdup(text_of(record, "position"));
	return true;
}

static bool
list_tables(PostgresBackfill *backfill, Failure *failure)
{
	PGresult *result = ask(backfill, tables_query, failure);
	bool ok;

	if (result == NULL)
		return false;
	free_tables(backfill);
	backfill->tables = calloc((size_t) PQntuples(result) + 1, sizeof *backfill->tables);
	ok = backfill->tables != NULL;
	for (int row = 0; ok && row < PQntuples(result); row++)
		ok = take_table(backfill, result, row);
	PQclear(result);
	return ok || no_memory(failure);
}

bool
postgres_backfill_positions(PostgresBackfill *backfill, char **copied, Failure *failure)
{
	size_t room = LSN_TEXT_SIZE + 16;
	size_t used = 0;

	*copied = NULL;
	if (backfill->sql == NULL && (!connect_sql(backfill, failure) || !list_tables(backfill, failure)))
		return false;
	*copied = calloc(backfill->table_count + 1, room);
	if (*copied == NULL)
		return no_memory(failure);
	for (size_t i = 0; i < backfill->table_count; i++)
	{
		const Table *table = &backfill->tables[i];

		if (table->position != NULL)
			used +=
				(size_t) snprintf(*copied + used, room, "%s%u@%s", used > 0 ? "," : "", table->relid, table->position);
	}
	PQfinish(backfill->sql);
	backfill->sql = NULL;
	return true;
}

/* ---- slot and snapshot ---- */

static bool
make_snapshot(PostgresBackfill *backfill, PGconn *walsender, Failure *failure)
{
	const char *name = backfill->config->slot_name;
	char temporary[100], sql[400];
	PostgresSlot slot;
	bool ok;

	if (!postgres_slot_look(walsender, name, backfill->stop_fd, &slot, failure))
		return false;
	if (slot.lost || (!slot.there && backfill->start != 0))
		return postgres_slot_lost(name, slot.lost ? "has lost its part of the log while tables were copied" : "is gone",
								  failure);
	snprintf(temporary, sizeof temporary, "%.50s_copy", name);
	if (slot.there)
		ok = postgres_slot_create(walsender, temporary, true, true, backfill->stop_fd, &backfill->snapshot, failure);
	else
		ok = postgres_slot_create(walsender, name, false, true, backfill->stop_fd, &backfill->snapshot, failure);
	if (!ok)
		return false;
	/* A slot of a session that ended before it could say so serves as well: all since its position is in the log. */
	if (backfill->start == 0 &&
		!postgres_lsn_parse(slot.there ? slot.confirmed : backfill->snapshot.position, &backfill->start))
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "the slot has no position");
	snprintf(sql, sizeof sql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '%s'",
			 backfill->snapshot.name);
	return run(backfill, sql, failure);
}

/* ---- messages ---- */

static bool
flush(PostgresBackfill *backfill, Failure *failure)
{
	return wire_buffer_flush(&backfill->buffer, backfill->outbox, failure);
}

static bool
put_step(PostgresBackfill *backfill, const DbsSnapshot *step, Failure *failure)
{
	size_t size =
		128 + step->schema.size + step->name.size + step->text.size + step->position.size + step->gtid_set.size;

	if (!wire_buffer_reserve(&backfill->buffer, size, failure))
		return false;
	return dbs_put_snapshot(&backfill->buffer.w, step)
			   ? flush(backfill, failure)
			   : failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "no room for a snapshot message");
}

static bool
put_start(PostgresBackfill *backfill, Failure *failure)
{
	DbsSnapshot step = {.step = DBS_SNAPSHOT_START};
	const char *position = text_of(backfill->recorded, "position");
	char text[LSN_TEXT_SIZE];

	if (backfill->joined || (position != NULL && position[0] != '\0'))
		return true;
	postgres_lsn_format(backfill->start, text);
	log_line(LOG_LEVEL_INFO, backfill->config->name, "backfill: the log is read from %s", text);
	step.position = string_of(text);
	return put_step(backfill, &step, failure);
}

static bool
announce(PostgresBackfill *backfill, const Table *table, bool again, Failure *failure)
{
	DbsSnapshot step = {.step = DBS_SNAPSHOT_TABLE,
						.flags = DBS_SNAPSHOT_WHOLE | (again ? DBS_SNAPSHOT_AGAIN : 0),
						.number = table->rows_estimated,
						.bytes = table->bytes_estimated,
						.schema = string_of(table->schema),
						.name = string_of(table->name)};
	char *json = NULL;
	bool ok;

	if (!postgres_definition_read(backfill->sql, table->relid, backfill->stop_fd, &json, failure))
		return false;
	step.text = string_of(json);
	ok = put_step(backfill, &step, failure);
	free(json);
	return ok;
}

/* What the record has and the source has not. */
static bool
put_gone(PostgresBackfill *backfill, Failure *failure)
{
	struct json_object *tables = NULL;

	if (backfill->recorded == NULL || !json_object_object_get_ex(backfill->recorded, "tables", &tables))
		return true;
	for (size_t i = 0; i < json_object_array_length(tables); i++)
	{
		struct json_object *record = json_object_array_get_idx(tables, i);
		DbsSnapshot step = {.step = DBS_SNAPSHOT_GONE,
							.schema = string_of(text_of(record, "schema")),
							.name = string_of(text_of(record, "name"))};
		bool there = !is_waiting(text_of(record, "phase"));

		for (size_t k = 0; k < backfill->table_count && !there; k++)
			there = strcmp(backfill->tables[k].schema, step.schema.data) == 0 &&
					strcmp(backfill->tables[k].name, step.name.data) == 0;
		if (!there && !put_step(backfill, &step, failure))
			return false;
	}
	return true;
}

static bool
plan_table(PostgresBackfill *backfill, Table *table, Failure *failure)
{
	struct json_object *record = find_record(backfill, table);
	const char *phase = record != NULL ? text_of(record, "phase") : NULL;
	bool newly = backfill->joined && backfill_newly_selected(backfill->recorded, table->schema, table->name);

	table->wanted = phase != NULL ? newly || is_waiting(phase) : newly || !backfill->joined;
	if (!table->wanted || (phase != NULL && !newly && strcmp(phase, "requested") != 0))
		return true;
	free(table->position);
	table->position = NULL;
	return announce(backfill, table, phase != NULL, failure);
}

static bool
plan(PostgresBackfill *backfill, Failure *failure)
{
	DbsSnapshot planned = {.step = DBS_SNAPSHOT_PLANNED};

	for (size_t i = 0; i < backfill->table_count; i++)
	{
		if (!plan_table(backfill, &backfill->tables[i], failure))
			return false;
	}
	return put_gone(backfill, failure) && put_step(backfill, &planned, failure);
}

/* ---- rows ---- */

/* The character that stands behind a backslash in COPY's text form. */
static char
unescaped(char c)
{
	switch (c)
	{
		case 'b':
			return '\b';
		case 'f':
			return '\f';
		case 'n':
			return '\n';
		case 'r':
			return '\r';
		case 't':
			return '\t';
		case 'v':
			return '\v';
		default:
			return c;
	}
}

typedef struct Field
{
	char *data;
	size_t size;
	bool null;
} Field;

/* The next field of the line, unescaped where it lies; *at is moved behind the tabulator or line break that ends it. */
static Field
next_field(char **at)
{
	Field field = {.data = *at};
	char *from = *at;
	char *to = *at;

	field.null = from[0] == '\\' && from[1] == 'N' && (from[2] == '\t' || from[2] == '\n');
	while (*from != '\t' && *from != '\n')
	{
		if (*from == '\\')
			*to++ = unescaped(*++from);
		else
			*to++ = *from;
		from++;
	}
	field.size = (size_t) (to - *at);
	*at = from + 1;
	return field;
}

static void
end_message(PostgresBackfill *backfill)
{
	if (backfill->message_rows > 0)
		dbs_rows_end(&backfill->buffer.w, backfill->message_rows, 0);
	backfill->message_rows = 0;
}

/* A line of COPY into the buffer, as a row. */
static bool
put_line(PostgresBackfill *backfill, char *line, size_t size, uint32_t columns, Field *fields, uint8_t *nulls,
		 Failure *failure)
{
	DbsWriter *w = &backfill->buffer.w;
	bool any = false;
	char *at = line;

	memset(nulls, 0, (columns + 7) / 8);
	for (uint32_t i = 0; i < columns; i++)
	{
		fields[i] = next_field(&at);
		if (fields[i].null)
			nulls[i / 8] |= (uint8_t) (1 << (i % 8));
		any = any || fields[i].null;
	}
	if (!wire_buffer_reserve(&backfill->buffer, 2 * size + 16 * (size_t) columns + 128, failure))
		return false;
	if (backfill->message_rows == 0)
	{
		if (!dbs_rows_begin(w, backfill->wire_id, DBS_ROWS_INSERT))
			return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "no room for a rows message");
		backfill->message_begin = w->used;
	}
	dbs_put_row_form(w, any ? DBS_ROW_NULLS : DBS_ROW_FULL, columns, nulls, NULL);
	for (uint32_t i = 0; i < columns; i++)
	{
		if (!fields[i].null)
			dbs_put_varying(w, fields[i].data, fields[i].size);
	}
	backfill->message_rows++;
	backfill->table_rows++;
	backfill->table_bytes += size;
	if (w->used - backfill->message_begin >= MESSAGE_SIZE)
		end_message(backfill);
	return true;
}

static bool
give_rows(PostgresBackfill *backfill, PostgresRows *rows, uint32_t columns, Failure *failure)
{
	Field *fields = calloc((size_t) columns + 1, sizeof *fields);
	uint8_t *nulls = calloc(1, (size_t) columns / 8 + 1);
	bool ok = (fields != NULL && nulls != NULL) || no_memory(failure);
	size_t size = 0;

	while (ok)
	{
		ok = postgres_lines_next(rows, &size, failure);
		if (!ok || size == 0)
			break;
		ok = put_line(backfill, rows->data, size, columns, fields, nulls, failure);
		if (ok && backfill->message_rows == 0 && backfill->buffer.w.used >= FLUSH_SIZE)
		{
			ok = flush(backfill, failure);
			atomic_store(&backfill->last_row_time, wire_time_now());
		}
	}
	end_message(backfill);
	free(fields);
	free(nulls);
	return ok;
}

static bool
read_rows(PostgresBackfill *backfill, const Table *table, const PostgresColumns *columns, Failure *failure)
{
	size_t room = strlen(columns->list) + strlen(table->quoted) + 64;
	char *sql = malloc(room);
	PostgresRows rows = {0};
	bool ok;

	if (sql == NULL)
		return no_memory(failure);
	/* A table with heirs of the old kind has rows of its own; theirs come under their names. */
	snprintf(sql, room, "COPY (SELECT %s FROM %s%s) TO STDOUT", columns->list, table->partitioned ? "" : "ONLY ",
			 table->quoted);
	ok = postgres_lines_begin(&rows, backfill->sql, backfill->stop_fd, sql, failure) &&
		 give_rows(backfill, &rows, columns->count, failure);
	postgres_rows_free(&rows);
	free(sql);
	return ok;
}

/* Do the snapshot's catalogue and the locked table agree on where the rows are? */
static bool
check_files(PostgresBackfill *backfill, const Table *table, Failure *failure)
{
	char sql[600];
	PGresult *result;
	bool same;

	snprintf(sql, sizeof sql,
			 "SELECT count(*) > 0 AND bool_and(c.relfilenode = pg_catalog.pg_relation_filenode(c.oid)) FROM"
			 " pg_catalog.pg_class c WHERE c.oid IN (SELECT %u UNION SELECT p.relid FROM"
			 " pg_catalog.pg_partition_tree(%u) p) AND c.relkind <> 'p' HAVING count(*) > 0",
			 table->relid, table->relid);
	result = ask(backfill, sql, failure);
	if (result == NULL)
		return false;
	/* A partitioned table without partitions has no file. */
	same = PQntuples(result) == 0 ? table->partitioned : PQgetvalue(result, 0, 0)[0] == 't';
	PQclear(result);
	return same || failure_set(failure, FAILURE_RETRY, "table_changed", NULL,
							   "table %s of the source was changed while it waited to be copied; it is copied as it is "
							   "now",
							   table->quoted);
}

static bool
put_head(PostgresBackfill *backfill, const Table *table, const PostgresColumns *columns, Failure *failure)
{
	DbsTable head = {.id = ++backfill->wire_id,
					 .column_count = columns->count,
					 .schema = string_of(table->schema),
					 .name = string_of(table->name)};
	size_t size = 64 + head.schema.size + head.name.size;

	for (uint32_t i = 0; i < columns->count; i++)
		size += 32 + columns->columns[i].name.size + columns->columns[i].type_name.size;
	return wire_buffer_reserve(&backfill->buffer, size, failure) &&
		   (dbs_put_table(&backfill->buffer.w, &head, columns->columns) ||
			failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "no room for a table message"));
}

static bool
copy_locked(PostgresBackfill *backfill, Table *table, Failure *failure)
{
	DbsSnapshot step = {.step = DBS_SNAPSHOT_CHUNK,
						.flags = DBS_SNAPSHOT_WHOLE,
						.number = 1,
						.schema = string_of(table->schema),
						.name = string_of(table->name)};
	PostgresColumns columns;
	bool ok = check_files(backfill, table, failure) &&
			  postgres_columns_read(backfill->sql, table->relid, backfill->stop_fd, &columns, failure);

	if (!ok)
		return false;
	backfill->table_rows = backfill->table_bytes = 0;
	ok = put_head(backfill, table, &columns, failure) && put_step(backfill, &step, failure) &&
		 read_rows(backfill, table, &columns, failure);
	postgres_columns_free(&columns);
	step.step = DBS_SNAPSHOT_CHUNK_END;
	step.flags |= DBS_SNAPSHOT_LAST;
	step.rows = backfill->table_rows;
	step.bytes = backfill->table_bytes;
	step.position = string_of(backfill->snapshot.position);
	if (!ok || !put_step(backfill, &step, failure))
		return false;
	table->position = strdup(backfill->snapshot.position);
	atomic_fetch_add(&backfill->rows, backfill->table_rows);
	atomic_fetch_add(&backfill->bytes, backfill->table_bytes);
	return table->position != NULL || no_memory(failure);
}

/* The lock is let go with the savepoint. */
static bool
copy_table(PostgresBackfill *backfill, Table *table, Failure *failure)
{
	size_t room = strlen(table->quoted) + 100;
	char *sql = malloc(room);
	bool ok;

	if (sql == NULL)
		return no_memory(failure);
	snprintf(sql, room, "SAVEPOINT one; LOCK TABLE %s%s IN ACCESS SHARE MODE", table->partitioned ? "" : "ONLY ",
			 table->quoted);
	ok = run(backfill, sql, failure) && copy_locked(backfill, table, failure) &&
		 run(backfill, "ROLLBACK TO one; RELEASE one", failure);
	free(sql);
	if (!ok)
		failure_context(failure, "copying table %s", table->quoted);
	return ok;
}

static bool
copy_tables(PostgresBackfill *backfill, Failure *failure)
{
	size_t left = 0;

	for (size_t i = 0; i < backfill->table_count; i++)
		left += backfill->tables[i].wanted;
	for (size_t i = 0; i < backfill->table_count; i++)
	{
		Table *table = &backfill->tables[i];

		if (!table->wanted)
			continue;
		if (!copy_table(backfill, table, failure))
			return false;
		log_line(LOG_LEVEL_INFO, backfill->config->name, "backfill: %s is copied, %zu tables left", table->quoted,
				 --left);
	}
	return true;
}

static bool
put_end(PostgresBackfill *backfill, Failure *failure)
{
	DbsSnapshot step = {.step = DBS_SNAPSHOT_END};
	PGresult *result = ask(backfill, "SELECT pg_catalog.pg_current_wal_insert_lsn()", failure);
	bool ok;

	if (result == NULL)
		return false;
	step.position = string_of(PQgetvalue(result, 0, 0));
	ok = postgres_lsn_parse(step.position.data, &backfill->end) && put_step(backfill, &step, failure);
	if (ok)
		log_line(LOG_LEVEL_INFO, backfill->config->name, "backfill: all tables are copied, as of positions up to %s",
				 step.position.data);
	PQclear(result);
	return ok;
}

bool
postgres_backfill_run(PostgresBackfill *backfill, PGconn *walsender, Outbox *outbox, Failure *failure)
{
	backfill->outbox = outbox;
	backfill->wire_id = FIRST_WIRE_ID;
	if (!connect_sql(backfill, failure) || !make_snapshot(backfill, walsender, failure) ||
		!put_start(backfill, failure) || !list_tables(backfill, failure) || !plan(backfill, failure) ||
		!copy_tables(backfill, failure) || !put_end(backfill, failure) || !run(backfill, "COMMIT", failure))
		return false;
	backfill->copying = false;
	return true;
}
