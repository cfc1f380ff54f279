/*
 * A backfill at the source: see backfill.h.
 *
 * First the position from which the log will be read, then the list of tables, then the tables: some connections
 * at once, each with a range of a table. What they read meets in the outbox, message by message.
 */
#include "backfill.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <json-c/json.h>

#include "backfill_selection.h"
#include "chunk.h"
#include "client_library.h"
#include "clock.h"
#include "log.h"
#include "mysql_connection.h"
#include "range_pool.h"
#include "snapshot_position.h"
#include "snapshot_table.h"
#include "wire_transaction.h"

#define MAX_READERS 32
#define LOG_MS 5000

/* How long the log waits for chunks, and how long for the source to commit what its log has. */
#define TURN_MS 400
#define VISIBLE_MS 60000

/* A table as the target's record has it. */
typedef struct RecordedTable
{
	const char *schema;
	const char *name;
	const char *phase;
	bool copied;
	uint64_t rows;
	const char *definition;
	struct json_object *ranges;
	const char *position;
} RecordedTable;

typedef struct Reader
{
	Backfill *backfill;
	pthread_t thread;
	bool started;
	MYSQL *sql; /* set and taken away under the lock */
} Reader;

struct Backfill
{
	const StreamConfig *config;
	const MysqlServer *server;
	struct json_object *recorded;
	bool copying;
	bool joined; /* the log is read as well */
	char *position;
	char *gtid_set;
	BinlogPlace end;
	BackfillSkip *skips;
	size_t skip_count;

	SnapshotTable *tables;
	size_t table_count;
	uint64_t rows_estimated;
	uint64_t rows_before; /* copied in earlier sessions */

	ChunkSink sink;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	RangePool pool;
	unsigned readers_left;
	Reader readers[MAX_READERS];
	bool readers_started;
	int64_t began; /* when the plan was made, and when progress was last logged: by clock_now_ms */
	int64_t logged;
	Failure failure; /* the first reader's */
	bool failed;
};

static bool
out_of_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", "Give the bridge more memory.",
					   "no memory for a backfill");
}

/* ---- the record ---- */

static const char *
text_of(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, key, &value) || value == NULL)
		return NULL;
	return json_object_get_string(value);
}

static int64_t
number_of(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_int64(value) : 0;
}

static struct json_object *
recorded_tables(const Backfill *backfill)
{
	struct json_object *tables = NULL;

	if (backfill->recorded == NULL || !json_object_object_get_ex(backfill->recorded, "tables", &tables) ||
		!json_object_is_type(tables, json_type_array))
		return NULL;
	return tables;
}

static bool
phase_is(const RecordedTable *table, const char *phase)
{
	return table->phase != NULL && strcmp(table->phase, phase) == 0;
}

static void
read_table(struct json_object *object, RecordedTable *table)
{
	table->schema = text_of(object, "schema");
	table->name = text_of(object, "name");
	table->phase = text_of(object, "phase");
	table->copied = !phase_is(table, "requested") && !phase_is(table, "waiting") && !phase_is(table, "copying");
	table->rows = (uint64_t) number_of(object, "rows");
	table->definition = text_of(object, "definition");
	table->position = text_of(object, "position");
	table->ranges = NULL;
	(void) json_object_object_get_ex(object, "ranges", &table->ranges);
}

/* The tables that were read as of a place. */
static bool
collect_skips(Backfill *backfill, Failure *failure)
{
	struct json_object *tables = recorded_tables(backfill);
	size_t count = tables != NULL ? json_object_array_length(tables) : 0;

	backfill->skips = calloc(count + backfill->table_count + 1, sizeof *backfill->skips);
	backfill->skip_count = 0;
	if (backfill->skips == NULL)
		return out_of_memory(failure);
	for (size_t i = 0; i < count; i++)
	{
		RecordedTable table;
		BinlogPlace place;

		read_table(json_object_array_get_idx(tables, i), &table);
		if (table.position == NULL || !table.copied)
			continue;
		if (!binlog_place_parse(&place, table.position, failure))
			return false;
		backfill->skips[backfill->skip_count++] = (BackfillSkip){table.schema, table.name, place.point};
	}
	for (size_t i = 0; i < backfill->table_count; i++)
	{
		const SnapshotTable *table = &backfill->tables[i];
		BinlogPlace place;

		if (table->position == NULL || !table->copied)
			continue;
		if (!binlog_place_parse(&place, table->position, failure))
			return false;
		backfill->skips[backfill->skip_count++] = (BackfillSkip){table->schema, table->name, place.point};
	}
	return true;
}

static bool
read_record(Backfill *backfill, const char *recorded, Failure *failure)
{
	const char *state, *position, *gtid_set, *end;

	backfill->copying = true;
	if (recorded == NULL || recorded[0] == '\0')
		return true;
	backfill->recorded = json_tokener_parse(recorded);
	state = text_of(backfill->recorded, "state");
	position = text_of(backfill->recorded, "position");
	gtid_set = text_of(backfill->recorded, "gtid_set");
	end = text_of(backfill->recorded, "end_position");
	if (state == NULL || position == NULL)
		return failure_set(failure, FAILURE_REJECT, "bad_option",
						   "Install the dbstream-bridge that matches the extension.",
						   "what is recorded of the backfill is not understood");
	backfill->copying = strcmp(state, "copying") == 0;
	backfill->position = strdup(position);
	backfill->gtid_set = strdup(gtid_set != NULL ? gtid_set : "");
	if (backfill->position == NULL || backfill->gtid_set == NULL)
		return out_of_memory(failure);
	if (!backfill->copying && end != NULL && !binlog_place_parse(&backfill->end, end, failure))
		return false;
	return collect_skips(backfill, failure);
}

Backfill *
backfill_new(const StreamConfig *config, const MysqlServer *server, const char *recorded, bool joined, Failure *failure)
{
	Backfill *backfill = calloc(1, sizeof *backfill);

	if (backfill == NULL)
	{
		out_of_memory(failure);
		return NULL;
	}
	backfill->config = config;
	backfill->server = server;
	backfill->joined = joined;
	backfill->sink.gate.used = joined;
	pthread_mutex_init(&backfill->sink.gate.lock, NULL);
	pthread_cond_init(&backfill->sink.gate.changed, NULL);
	pthread_mutex_init(&backfill->lock, NULL);
	pthread_mutex_init(&backfill->sink.outbox_lock, NULL);
	pthread_cond_init(&backfill->changed, NULL);
	range_pool_init(&backfill->pool);
	if (!read_record(backfill, recorded, failure))
	{
		backfill_free(backfill);
		return NULL;
	}
	return backfill;
}

static void
join_readers(Backfill *backfill)
{
	for (unsigned i = 0; i < MAX_READERS; i++)
	{
		if (backfill->readers[i].started)
			pthread_join(backfill->readers[i].thread, NULL);
		backfill->readers[i].started = false;
	}
}

void
backfill_free(Backfill *backfill)
{
	if (backfill == NULL)
		return;
	backfill_interrupt(backfill);
	join_readers(backfill);
	snapshot_tables_free(backfill->tables, backfill->table_count);
	json_object_put(backfill->recorded);
	free(backfill->position);
	free(backfill->gtid_set);
	free(backfill->skips);
	range_pool_destroy(&backfill->pool);
	pthread_cond_destroy(&backfill->changed);
	pthread_mutex_destroy(&backfill->sink.outbox_lock);
	pthread_mutex_destroy(&backfill->lock);
	pthread_cond_destroy(&backfill->sink.gate.changed);
	pthread_mutex_destroy(&backfill->sink.gate.lock);
	free(backfill);
}

bool
backfill_copying(const Backfill *backfill)
{
	return backfill->copying;
}

const char *
backfill_position(const Backfill *backfill)
{
	return backfill->position;
}

const char *
backfill_gtid_set(const Backfill *backfill)
{
	return backfill->gtid_set;
}

SourcePoint
backfill_end(const Backfill *backfill)
{
	return backfill->end.point;
}

size_t
backfill_skips(const Backfill *backfill, const BackfillSkip **skips)
{
	*skips = backfill->skips;
	return backfill->skip_count;
}

/* ---- the plan ---- */

static DbsString
string_of(const char *text)
{
	return (DbsString){text, text != NULL ? (uint32_t) strlen(text) : 0};
}

static bool
find_start(Backfill *backfill, MYSQL *sql, Failure *failure)
{
	DbsSnapshot step = {.step = DBS_SNAPSHOT_START};
	char position[BINLOG_PLACE_TEXT_MAX];
	BinlogPlace place = {0};

	if (backfill->position != NULL)
		return true;
	if (!snapshot_position_start(sql, backfill->server, backfill->config, &place, &backfill->gtid_set, failure))
		return false;
	binlog_place_text(&place, position);
	backfill->position = strdup(position);
	if (backfill->position == NULL)
		return out_of_memory(failure);
	log_line(LOG_LEVEL_INFO, backfill->config->name, "backfill: %s (%s%s%s)",
			 snapshot_method_sentence(snapshot_position_method(backfill->server, backfill->config)), position,
			 backfill->gtid_set[0] != '\0' ? ", GTID set " : "", backfill->gtid_set);
	step.position = string_of(backfill->position);
	step.gtid_set = string_of(backfill->gtid_set);
	return chunk_put_step(&backfill->sink, &step, failure);
}

static bool
find_record(const Backfill *backfill, const SnapshotTable *table, RecordedTable *record)
{
	struct json_object *tables = recorded_tables(backfill);
	size_t count = tables != NULL ? json_object_array_length(tables) : 0;

	for (size_t i = 0; i < count; i++)
	{
		read_table(json_object_array_get_idx(tables, i), record);
		if (record->schema != NULL && record->name != NULL && strcmp(record->schema, table->schema) == 0 &&
			strcmp(record->name, table->name) == 0)
			return true;
	}
	return false;
}

/* What of the table is still to be copied. */
static bool
take_record(Backfill *backfill, SnapshotTable *table, const RecordedTable *record, Failure *failure)
{
	size_t count = json_object_is_type(record->ranges, json_type_array) ? json_object_array_length(record->ranges) : 0;

	backfill->rows_before += record->rows;
	atomic_store(&table->rows_done, record->rows);
	if (table->key_count == 0)
		return snapshot_table_begin(table, failure);
	for (size_t i = count; i > 0; i--)
	{
		SnapshotRange *range = snapshot_range_read(json_object_array_get_idx(record->ranges, i - 1), table->key_count);

		if (range == NULL)
			return failure_set(failure, FAILURE_REJECT, "bad_option",
							   "SELECT dbstream.backfill_table(stream, table) copies the table from nothing.",
							   "what is recorded of the copy of \"%s.%s\" is not understood", table->schema,
							   table->name);
		if (range->number > table->last_range)
			table->last_range = range->number;
		range->next = table->ranges;
		table->ranges = range;
	}
	return table->ranges != NULL || snapshot_table_begin(table, failure);
}

static bool
put_gone(Backfill *backfill, const char *schema, const char *name, Failure *failure)
{
	DbsSnapshot step = {.step = DBS_SNAPSHOT_GONE, .schema = string_of(schema), .name = string_of(name)};

	return chunk_put_step(&backfill->sink, &step, failure);
}

/*
 * Describe the table and announce its copy, from nothing. The log's end is read first: what it tells of the table's
 * schema up to there is in the description.
 */
static bool
announce(Backfill *backfill, MYSQL *sql, SnapshotTable *table, bool again, Failure *failure)
{
	char position[BINLOG_PLACE_TEXT_MAX];
	BinlogPlace place = {0};
	DbsSnapshot step = {.step = DBS_SNAPSHOT_TABLE};

	snapshot_table_reset(table);
	if (!mysql_server_log_end(sql, backfill->server, &place, NULL, failure) ||
		!snapshot_table_describe(table, sql, backfill->server->flavour, backfill->config, NULL, failure))
		return false;
	if (table->gone)
		return put_gone(backfill, table->schema, table->name, failure);
	if (!snapshot_table_begin(table, failure))
		return false;
	table->not_before = place.point;
	binlog_place_text(&place, position);
	step.flags = (table->key_count == 0 ? DBS_SNAPSHOT_WHOLE : 0) | (again ? DBS_SNAPSHOT_AGAIN : 0);
	step.number = table->rows_estimated;
	step.bytes = table->bytes_estimated;
	step.schema = string_of(table->schema);
	step.name = string_of(table->name);
	step.text = string_of(table->create_sql);
	step.position = string_of(position);
	step.gtid_set = string_of(table->definition);
	return chunk_put_step(&backfill->sink, &step, failure);
}

/* The table's copy goes on, or begins again when the table is not what it was. */
static bool
resume_table(Backfill *backfill, MYSQL *sql, SnapshotTable *table, const RecordedTable *record, Failure *failure)
{
	BinlogPlace place = {0};

	if (!mysql_server_log_end(sql, backfill->server, &place, NULL, failure) ||
		!snapshot_table_describe(table, sql, backfill->server->flavour, backfill->config, record->definition, failure))
		return false;
	table->not_before = place.point;
	if (table->gone)
		return put_gone(backfill, table->schema, table->name, failure);
	if (!table->changed)
		return take_record(backfill, table, record, failure);
	log_line(LOG_LEVEL_INFO, backfill->config->name, "backfill: %s.%s has changed at the source, its copy begins again",
			 table->schema, table->name);
	return announce(backfill, sql, table, true, failure);
}

static bool
plan_table(Backfill *backfill, MYSQL *sql, SnapshotTable *table, Failure *failure)
{
	RecordedTable record;
	bool known = find_record(backfill, table, &record);
	bool newly = backfill->joined && backfill_newly_selected(backfill->recorded, table->schema, table->name);

	if (known && (phase_is(&record, "waiting") || phase_is(&record, "copying")))
		return resume_table(backfill, sql, table, &record, failure);
	if (known ? newly || phase_is(&record, "requested") : newly || !backfill->joined)
		return announce(backfill, sql, table, known, failure);
	table->copied = true;
	return true;
}

/* Tables that were to be copied and are not there any more. */
static bool
plan_gone(Backfill *backfill, Failure *failure)
{
	struct json_object *tables = recorded_tables(backfill);
	size_t count = tables != NULL ? json_object_array_length(tables) : 0;

	for (size_t i = 0; i < count; i++)
	{
		RecordedTable record;
		bool listed = false;

		read_table(json_object_array_get_idx(tables, i), &record);
		for (size_t k = 0; k < backfill->table_count && !listed; k++)
			listed = record.schema != NULL && record.name != NULL &&
					 strcmp(record.schema, backfill->tables[k].schema) == 0 &&
					 strcmp(record.name, backfill->tables[k].name) == 0;
		if (listed || record.copied)
			continue;
		log_line(LOG_LEVEL_WARNING, backfill->config->name,
				 "backfill: table %s.%s is not at the source, or may not be seen there", record.schema, record.name);
		if (!put_gone(backfill, record.schema, record.name, failure))
			return false;
	}
	return true;
}

static bool
plan_tables(Backfill *backfill, MYSQL *sql, Failure *failure)
{
	DbsSnapshot planned = {.step = DBS_SNAPSHOT_PLANNED};

	if (!snapshot_tables_list(sql, backfill->config, &backfill->tables, &backfill->table_count, failure))
		return false;
	for (size_t i = 0; i < backfill->table_count; i++)
	{
		SnapshotTable *table = &backfill->tables[i];

		if (!plan_table(backfill, sql, table, failure))
			return false;
		table->copied |= table->gone;
		if (table->copied)
			continue;
		backfill->rows_estimated += table->rows_estimated;
	}
	range_pool_fill(&backfill->pool, backfill->tables, backfill->table_count);
	return plan_gone(backfill, failure) && chunk_put_step(&backfill->sink, &planned, failure);
}

/* ---- readers ---- */

static void
interrupt_readers(Backfill *backfill)
{
	atomic_store(&backfill->sink.stopping, true);
	range_pool_stop(&backfill->pool);
	pthread_mutex_lock(&backfill->sink.gate.lock);
	pthread_cond_broadcast(&backfill->sink.gate.changed);
	pthread_mutex_unlock(&backfill->sink.gate.lock);
	for (unsigned i = 0; i < MAX_READERS; i++)
		if (backfill->readers[i].sql != NULL)
			shutdown(client_library_socket(backfill->readers[i].sql), SHUT_RDWR);
}

static void
reader_failed(Backfill *backfill, const Failure *failure)
{
	pthread_mutex_lock(&backfill->lock);
	if (!backfill->failed)
	{
		backfill->failed = true;
		backfill->failure = *failure;
		interrupt_readers(backfill);
	}
	pthread_mutex_unlock(&backfill->lock);
}

static void
table_done(Backfill *backfill, const SnapshotTable *table)
{
	char ranges[80] = "";

	if (table->last_range > 1)
		snprintf(ranges, sizeof ranges, " in %" PRIu64 " ranges, by %u readers at once", table->last_range,
				 table->most_readers);
	log_line(LOG_LEVEL_INFO, backfill->config->name, "backfill: %s.%s is copied%s, %zu tables left", table->schema,
			 table->name, ranges, range_pool_left(&backfill->pool));
}

/* The table is gone, or begins again as it is now. */
static bool
table_changed(Backfill *backfill, MYSQL *sql, SnapshotTable *table, Failure *failure)
{
	bool done = chunk_gate_enter(&backfill->sink, (SourcePoint){0, 0}, failure);

	if (done && table->gone)
		done = put_gone(backfill, table->schema, table->name, failure);
	else if (done)
	{
		log_line(LOG_LEVEL_INFO, backfill->config->name,
				 "backfill: %s.%s has changed at the source, its copy begins again", table->schema, table->name);
		done = announce(backfill, sql, table, true, failure);
	}
	chunk_gate_leave(&backfill->sink);
	table->copied |= table->gone;
	return done;
}

static bool
copy_range(Backfill *backfill, MYSQL *sql, SnapshotTable *table, SnapshotRange *range, Failure *failure)
{
	if (!chunk_copy_range(&backfill->sink, sql, table, range, failure))
		return false;
	switch (range_pool_leave(&backfill->pool, table, range))
	{
		case RANGE_LEFT_COPIED:
			table_done(backfill, table);
			break;
		case RANGE_LEFT_CHANGED:
			if (!table_changed(backfill, sql, table, failure))
				return false;
			range_pool_begun(&backfill->pool, table);
			break;
		case RANGE_LEFT_OPEN:
			break;
	}
	return true;
}

static bool
read_tables(Reader *reader, Failure *failure)
{
	Backfill *backfill = reader->backfill;
	SnapshotTable *table;
	SnapshotRange *range;
	MYSQL *sql;

	sql = mysql_connection_open(&backfill->config->source, failure);
	if (sql == NULL)
		return false;
	pthread_mutex_lock(&backfill->lock);
	reader->sql = sql;
	pthread_mutex_unlock(&backfill->lock);
	if (backfill->sink.locking &&
		!mysql_connection_execute(sql, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", failure))
		return false;
	while (range_pool_take(&backfill->pool, &table, &range))
		if (!copy_range(backfill, sql, table, range, failure))
			return false;
	return range_pool_left(&backfill->pool) == 0 ||
		   failure_set(failure, FAILURE_RETRY, "stopping", NULL, "the stream is being stopped");
}

static void *
run_reader(void *argument)
{
	Reader *reader = argument;
	Backfill *backfill = reader->backfill;
	Failure failure = {0};
	MYSQL *sql;

	mysql_thread_init();
	if (!read_tables(reader, &failure))
		reader_failed(backfill, &failure);
	pthread_mutex_lock(&backfill->lock);
	sql = reader->sql;
	reader->sql = NULL;
	pthread_mutex_unlock(&backfill->lock);
	if (sql != NULL)
		mysql_close(sql);
	mysql_thread_end();
	pthread_mutex_lock(&backfill->lock);
	backfill->readers_left--;
	pthread_cond_broadcast(&backfill->changed);
	pthread_mutex_unlock(&backfill->lock);
	return NULL;
}

static bool
start_readers(Backfill *backfill, Failure *failure)
{
	unsigned count = backfill->config->backfill_workers;

	if (count < 1)
		count = 1;
	if (count > MAX_READERS)
		count = MAX_READERS;
	if (range_pool_left(&backfill->pool) == 0)
		count = 0;
	for (unsigned i = 0; i < count; i++)
	{
		Reader *reader = &backfill->readers[i];

		reader->backfill = backfill;
		pthread_mutex_lock(&backfill->lock);
		reader->started = pthread_create(&reader->thread, NULL, run_reader, reader) == 0;
		if (reader->started)
			backfill->readers_left++;
		pthread_mutex_unlock(&backfill->lock);
		if (!reader->started)
			return failure_set(failure, FAILURE_RETRY, "no_thread", "Raise the limit of threads of the bridge's user.",
							   "a thread that copies tables cannot be started");
	}
	return true;
}

static void
log_progress(Backfill *backfill, int64_t began)
{
	uint64_t rows = atomic_load(&backfill->sink.rows);
	uint64_t all = rows + backfill->rows_before;
	uint64_t estimated = backfill->rows_estimated > all ? backfill->rows_estimated : all;
	double seconds = (double) (clock_now_ms() - began) / 1000;
	double pace = seconds > 0 ? (double) rows / seconds : 0;

	log_line(LOG_LEVEL_INFO, backfill->config->name,
			 "backfill: %" PRIu64 " of about %" PRIu64
			 " rows (%.1f %%), %.0f rows/s, about %.0f s left, %zu tables left",
			 all, estimated, estimated > 0 ? 100.0 * (double) all / (double) estimated : 100.0, pace,
			 pace > 0 ? (double) (estimated - all) / pace : 0, range_pool_left(&backfill->pool));
}

/* Until all readers have ended. */
static void
wait_for_readers(Backfill *backfill)
{
	int64_t began = clock_now_ms();
	int64_t logged = began;

	pthread_mutex_lock(&backfill->lock);
	while (backfill->readers_left > 0)
	{
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 1;
		pthread_cond_timedwait(&backfill->changed, &backfill->lock, &until);
		if (clock_now_ms() - logged >= LOG_MS)
		{
			log_progress(backfill, began);
			logged = clock_now_ms();
		}
	}
	pthread_mutex_unlock(&backfill->lock);
	join_readers(backfill);
	if (!backfill->failed)
		log_progress(backfill, began);
}

static bool
copy_tables(Backfill *backfill, Failure *failure)
{
	bool started = start_readers(backfill, failure);

	if (!started)
		backfill_interrupt(backfill);
	wait_for_readers(backfill);
	if (started && backfill->failed)
		*failure = backfill->failure;
	return started && !backfill->failed;
}

static bool
put_end(Backfill *backfill, MYSQL *sql, Failure *failure)
{
	DbsSnapshot step = {.step = DBS_SNAPSHOT_END};
	char position[BINLOG_PLACE_TEXT_MAX];

	if (!mysql_server_log_end(sql, backfill->server, &backfill->end, NULL, failure))
		return false;
	binlog_place_text(&backfill->end, position);
	step.position = string_of(position);
	log_line(LOG_LEVEL_INFO, backfill->config->name,
			 "backfill: all tables are copied; the log is applied from %s to %s", backfill->position, position);
	return chunk_put_step(&backfill->sink, &step, failure);
}

static void
set_up_sink(Backfill *backfill, Outbox *outbox)
{
	/* For tests: chunks so small that little tables have many. */
	const char *most_rows = getenv("DBSTREAM_CHUNK_ROWS");

	backfill->sink.config = backfill->config;
	backfill->sink.server = backfill->server;
	backfill->sink.outbox = outbox;
	backfill->sink.pool = &backfill->pool;
	backfill->sink.most_rows = most_rows != NULL ? strtoull(most_rows, NULL, 10) : 0;
	/* The log's reader numbers its tables from 1. */
	atomic_store(&backfill->sink.last_wire_id, UINT32_C(0x40000000));
	atomic_store(&backfill->sink.last_row_time, wire_time_now());
}

/* All is copied. */
static bool
finish(Backfill *backfill, MYSQL *sql, Failure *failure)
{
	if (!put_end(backfill, sql, failure))
		return false;
	backfill->copying = false;
	return true;
}

bool
backfill_run(Backfill *backfill, MYSQL *sql, Outbox *outbox, Failure *failure)
{
	set_up_sink(backfill, outbox);
	if (!find_start(backfill, sql, failure) || !plan_tables(backfill, sql, failure) ||
		!copy_tables(backfill, failure) || !finish(backfill, sql, failure))
		return false;
	free(backfill->skips);
	backfill->skips = NULL;
	return collect_skips(backfill, failure);
}

/* ---- while the log is read ---- */

bool
backfill_plan(Backfill *backfill, MYSQL *sql, Outbox *outbox, Failure *failure)
{
	set_up_sink(backfill, outbox);
	backfill->began = clock_now_ms();
	if (!plan_tables(backfill, sql, failure))
		return false;
	log_line(LOG_LEVEL_INFO, backfill->config->name, "backfill: %zu tables are copied while the log is read",
			 range_pool_left(&backfill->pool));
	return true;
}

/* Until what is in the outbox is visible to the readers. */
static bool
wait_until_visible(Backfill *backfill, MYSQL *sql, SourcePoint point, const char *gtid_set, Failure *failure)
{
	int64_t limit = clock_now_ms() + VISIBLE_MS;
	struct timespec pause = {0, 2000000};
	bool visible = false;

	while (!visible)
	{
		if (!snapshot_position_visible(sql, backfill->server, point, gtid_set, &visible, failure))
			return false;
		if (visible)
			break;
		if (outbox_stopping(backfill->sink.outbox))
			return failure_set(failure, FAILURE_RETRY, "stopping", NULL, "the stream is being stopped");
		if (clock_now_ms() > limit)
			return failure_set(failure, FAILURE_RETRY, "commit_pending",
							   "SHOW PROCESSLIST at the source shows what its commits wait for.",
							   "the source has sent a transaction of its log %d s ago and has not committed it yet",
							   VISIBLE_MS / 1000);
		nanosleep(&pause, NULL);
	}
	return true;
}

/* Readers copy until the time is up or all is copied; then none is inside the gate. */
static void
let_readers_in(Backfill *backfill, SourcePoint point)
{
	ChunkGate *gate = &backfill->sink.gate;
	int64_t until = clock_now_ms() + TURN_MS;

	pthread_mutex_lock(&gate->lock);
	gate->open_until = until;
	gate->point = point;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
	pthread_mutex_lock(&backfill->lock);
	while (backfill->readers_left > 0 && !backfill->failed && clock_now_ms() < until)
	{
		struct timespec wake;

		clock_gettime(CLOCK_REALTIME, &wake);
		wake.tv_nsec += 20000000;
		wake.tv_sec += wake.tv_nsec / 1000000000;
		wake.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&backfill->changed, &backfill->lock, &wake);
	}
	pthread_mutex_unlock(&backfill->lock);
	chunk_gate_close(gate);
}

bool
backfill_turn(Backfill *backfill, MYSQL *sql, SourcePoint point, const char *gtid_set, Failure *failure)
{
	bool over;

	if (!backfill->readers_started)
	{
		backfill->sink.locking = backfill->server->flavour == FLAVOUR_MYSQL && gtid_set[0] == '\0';
		backfill->readers_started = true;
		if (!start_readers(backfill, failure))
			return false;
	}
	if (!wait_until_visible(backfill, sql, point, gtid_set, failure))
		return false;
	let_readers_in(backfill, point);
	pthread_mutex_lock(&backfill->lock);
	over = backfill->readers_left == 0 || backfill->failed;
	if (clock_now_ms() - backfill->logged >= LOG_MS)
	{
		log_progress(backfill, backfill->began);
		backfill->logged = clock_now_ms();
	}
	pthread_mutex_unlock(&backfill->lock);
	if (over)
		join_readers(backfill);
	if (backfill->failed)
	{
		*failure = backfill->failure;
		return false;
	}
	free(backfill->skips);
	backfill->skips = NULL;
	return collect_skips(backfill, failure) && (!over || finish(backfill, sql, failure));
}

bool
backfill_put_caught_up(Outbox *outbox, SourcePoint point, Failure *failure)
{
	DbsSnapshot step = {.step = DBS_SNAPSHOT_CAUGHT_UP};

	if (!outbox_reserve(outbox, 128, failure))
		return false;
	if (!dbs_put_snapshot(outbox_writer(outbox), &step))
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "no room for a snapshot message");
	return outbox_mark(outbox, point, true, failure);
}

void
backfill_interrupt(Backfill *backfill)
{
	pthread_mutex_lock(&backfill->lock);
	interrupt_readers(backfill);
	pthread_mutex_unlock(&backfill->lock);
}

void
backfill_progress(Backfill *backfill, SourceProgress *progress)
{
	progress->rows += atomic_load(&backfill->sink.rows);
	progress->bytes += atomic_load(&backfill->sink.bytes);
	progress->last_event_time = atomic_load(&backfill->sink.last_row_time);
	if (backfill->position != NULL)
		snprintf(progress->position, sizeof progress->position, "%s", backfill->position);
}
