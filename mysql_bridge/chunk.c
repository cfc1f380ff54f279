/*
 * Chunks of a table: see chunk.h.
 *
 * A range is read by statements as short as a chunk: what lies behind the last row read, in the order of the key, LIMIT
 * n. n grows and shrinks with the time that chunks take. A table without key is one chunk in one consistent read, with
 * the log's position at which it was read.
 */
#include "chunk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client_library.h"
#include "clock.h"
#include "result_row.h"
#include "snapshot_position.h"
#include "wire_buffer.h"
#include "wire_transaction.h"

#define SERVER_DATABASE_DENIED 1044
#define SERVER_TABLE_DENIED 1142
#define SERVER_NO_SUCH_TABLE 1146
#define SERVER_NO_SUCH_COLUMN 1054
#define SERVER_NO_SUCH_KEY 1176
#define SERVER_TABLE_CHANGED 1412

/* A chunk is to take about so long, less while the log waits for it, and no more bytes than this. */
#define CHUNK_MS 1000
#define TURN_CHUNK_MS 200
#define CHUNK_BYTES ((uint64_t) 64 * 1024 * 1024)
#define FIRST_CHUNK_BYTES ((uint64_t) 8 * 1024 * 1024)
#define FIRST_CHUNK_ROWS 20000
#define MOST_CHUNK_ROWS 2000000
#define MOST_LOCKED_ROWS 10000

/* A reader that leaves the rest of its range to others keeps so many chunks. Where chunks have fewer rows than this,
 * these are so large that not many readers are to have them in memory. */
#define CUT_CHUNKS 4
#define CUT_LEAST_ROWS 100

/* What a reader gathers before it takes the outbox. */
#define FLUSH_SIZE ((size_t) 128 * 1024)

typedef struct Reader
{
	ChunkSink *sink;
	MYSQL *sql;
	SnapshotTable *table;
	SnapshotRange *range;
	WireBuffer buffer;
	ResultPlan plan;
	ResultRows rows;
	bool holds_outbox; /* a whole table goes in without anything between */
	Failure *failure;
} Reader;

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", "Give the bridge more memory.",
					   "no memory to copy a table");
}

static DbsString
string_of(const char *text)
{
	return (DbsString){text, text != NULL ? (uint32_t) strlen(text) : 0};
}

/* ---- messages ---- */

static bool
flush(Reader *reader)
{
	ChunkSink *sink = reader->sink;
	bool done;

	if (!reader->holds_outbox)
		pthread_mutex_lock(&sink->outbox_lock);
	done = wire_buffer_flush(&reader->buffer, sink->outbox, reader->failure);
	if (!reader->holds_outbox)
		pthread_mutex_unlock(&sink->outbox_lock);
	return done;
}

static bool
put_step(WireBuffer *buffer, const DbsSnapshot *step, Failure *failure)
{
	size_t size =
		128 + step->schema.size + step->name.size + step->text.size + step->position.size + step->gtid_set.size;

	if (!wire_buffer_reserve(buffer, size, failure))
		return false;
	return dbs_put_snapshot(&buffer->w, step) ||
		   failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "no room for a snapshot message");
}

bool
chunk_put_step(ChunkSink *sink, const DbsSnapshot *step, Failure *failure)
{
	WireBuffer buffer = {0};
	bool done;

	pthread_mutex_lock(&sink->outbox_lock);
	done = put_step(&buffer, step, failure) && wire_buffer_flush(&buffer, sink->outbox, failure);
	pthread_mutex_unlock(&sink->outbox_lock);
	wire_buffer_free(&buffer);
	return done;
}

static bool
put_table(Reader *reader)
{
	const SnapshotTable *table = reader->table;
	DbsTable head = {.id = table->wire_id,
					 .column_count = table->column_count,
					 .schema = string_of(table->schema),
					 .name = string_of(table->name)};
	size_t size = 64 + head.schema.size + head.name.size;

	for (uint32_t i = 0; i < table->column_count; i++)
		size += 32 + table->columns[i].name.size + table->columns[i].type_name.size;
	if (!wire_buffer_reserve(&reader->buffer, size, reader->failure))
		return false;
	return dbs_put_table(&reader->buffer.w, &head, table->columns) ||
		   failure_set(reader->failure, FAILURE_REJECT, "value_too_large", "Exclude the table from the stream.",
					   "the description of table \"%s.%s\" is too large", table->schema, table->name);
}

static DbsSnapshot
step_of(const Reader *reader, DbsSnapshotStep step)
{
	const SnapshotTable *table = reader->table;

	return (DbsSnapshot){.step = step,
						 .flags = table->key_count == 0 ? DBS_SNAPSHOT_WHOLE : 0,
						 .number = reader->range->number,
						 .schema = string_of(table->schema),
						 .name = string_of(table->name)};
}

/* ---- the query ---- */

/* " FROM …" and the rows of the range, in its order. */
static void
write_rows(FILE *out, const Reader *reader)
{
	const SnapshotTable *table = reader->table;
	char *schema = snapshot_identifier(table->schema);
	char *name = snapshot_identifier(table->name);

	fprintf(out, " FROM %s.%s", schema != NULL ? schema : "", name != NULL ? name : "");
	free(schema);
	free(name);
	if (table->key_count == 0)
		return;
	fprintf(out, " FORCE INDEX (%s)", table->key_index);
	snapshot_range_write(out, reader->sql, reader->range, table->keys, table->key_count);
}

/* malloc'd; NULL when memory runs out. */
static char *
rows_query(const Reader *reader, uint64_t limit, const char *suffix)
{
	char *query = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&query, &size);

	if (out == NULL)
		return NULL;
	fprintf(out, "SELECT %s", reader->table->select_list);
	write_rows(out, reader);
	if (reader->table->key_count > 0)
		fprintf(out, " LIMIT %" PRIu64, limit);
	fputs(suffix, out);
	if (fclose(out) == 0)
		return query;
	free(query);
	return NULL;
}

/* For the key of the row with this number, from 0, in the range. */
static char *
cut_query(const Reader *reader, uint64_t row)
{
	char *query = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&query, &size);

	if (out == NULL)
		return NULL;
	for (uint32_t i = 0; i < reader->table->key_count; i++)
		fprintf(out, "%s%s", i == 0 ? "SELECT " : ", ", reader->table->keys[i].selected);
	write_rows(out, reader);
	fprintf(out, " LIMIT 1 OFFSET %" PRIu64, row);
	if (fclose(out) == 0)
		return query;
	free(query);
	return NULL;
}

/* ---- the key of the last row ---- */

static bool
keep_key(Reader *reader, MYSQL_ROW row, const unsigned long *lengths)
{
	const SnapshotTable *table = reader->table;
	SnapshotRange *range = reader->range;

	if (range->copied_to == NULL)
		range->copied_to = calloc(SNAPSHOT_KEY_MAX, sizeof *range->copied_to);
	for (uint32_t i = 0; range->copied_to != NULL && i < table->key_count; i++)
	{
		const SnapshotKey *key = &table->keys[i];
		uint32_t at = key->extra >= 0 ? table->column_count + (uint32_t) key->extra : key->column;

		free(range->copied_to[i]);
		range->copied_to[i] = snapshot_key_text(key, row[at], lengths[at]);
		if (range->copied_to[i] == NULL)
			return no_memory(reader->failure);
	}
	return range->copied_to != NULL || no_memory(reader->failure);
}

/* ---- a chunk ---- */

static bool
is_stopping(const ChunkSink *sink, Failure *failure)
{
	if (!atomic_load(&sink->stopping) && !outbox_stopping(sink->outbox))
		return false;
	failure_set(failure, FAILURE_RETRY, "stopping", NULL, "the stream is being stopped");
	return true;
}

/* Rows of the open result into the outbox. *count: how many. */
static bool
read_rows(Reader *reader, MYSQL_RES *result, uint64_t limit, uint64_t *count)
{
	MYSQL_ROW row;

	*count = 0;
	while ((row = mysql_fetch_row(result)) != NULL)
	{
		const unsigned long *lengths = mysql_fetch_lengths(result);

		if (!result_rows_put(&reader->rows, row, lengths, reader->failure))
			return false;
		if (++*count == limit && !keep_key(reader, row, lengths))
			return false;
		if (reader->rows.open || reader->buffer.w.used < FLUSH_SIZE)
			continue;
		if (is_stopping(reader->sink, reader->failure) || !flush(reader))
			return false;
		atomic_store(&reader->sink->last_row_time, wire_time_now());
	}
	if (mysql_errno(reader->sql) != 0)
		return mysql_connection_failed(reader->sql, "copying a table", reader->failure);
	result_rows_end(&reader->rows);
	return true;
}

/* What it means when the source refuses a query for a table that it had a moment ago. */
static bool
table_has_changed(Reader *reader)
{
	switch (mysql_errno(reader->sql))
	{
		case SERVER_NO_SUCH_TABLE:
			reader->table->gone = true;
			return true;
		case SERVER_NO_SUCH_COLUMN:
		case SERVER_NO_SUCH_KEY:
		case SERVER_TABLE_CHANGED:
			reader->table->changed = true;
			return true;
		default:
			return false;
	}
}

/* Run the query, which is freed; NULL also when the table is not what it was. */
static MYSQL_RES *
run_query(Reader *reader, char *query, bool store)
{
	MYSQL_RES *result = NULL;

	if (query == NULL)
	{
		no_memory(reader->failure);
		return NULL;
	}
	if (mysql_real_query(reader->sql, query, (unsigned long) strlen(query)) == 0)
		result = store ? mysql_store_result(reader->sql) : mysql_use_result(reader->sql);
	free(query);
	if (result == NULL && !table_has_changed(reader))
	{
		mysql_connection_failed(reader->sql, "copying a table", reader->failure);
		failure_context(reader->failure, "table \"%s.%s\"", reader->table->schema, reader->table->name);
	}
	return result;
}

/* The table is not what it was: nothing of this chunk has been sent. */
static bool
give_up(Reader *reader)
{
	reader->buffer.w.used = 0;
	return reader->table->gone || reader->table->changed;
}

/* A result that is not read to its end would be read here: rather let the connection go. */
static void
end_result(Reader *reader, MYSQL_RES *result, bool whole)
{
	if (!whole)
		shutdown(client_library_socket(reader->sql), SHUT_RDWR);
	mysql_free_result(result);
}

static bool
put_chunk_end(Reader *reader, uint64_t rows, uint64_t bytes, bool last, const char *position)
{
	SnapshotTable *table = reader->table;
	DbsSnapshot end = step_of(reader, DBS_SNAPSHOT_CHUNK_END);
	char *key = NULL;
	bool done;

	if (!last)
	{
		key = snapshot_key_json(reader->range->copied_to, table->key_count);
		if (key == NULL)
			return no_memory(reader->failure);
	}
	end.rows = rows;
	end.bytes = bytes;
	end.flags |= last ? DBS_SNAPSHOT_LAST : 0;
	end.text = string_of(key);
	end.position = string_of(position);
	done = put_step(&reader->buffer, &end, reader->failure) && flush(reader);
	free(key);
	reader->range->done = last;
	atomic_fetch_add(&table->rows_done, rows);
	atomic_fetch_add(&reader->sink->rows, rows);
	atomic_fetch_add(&reader->sink->bytes, bytes);
	atomic_store(&reader->sink->last_row_time, wire_time_now());
	return done;
}

static uint64_t
most_rows(const ChunkSink *sink)
{
	uint64_t most = sink->locking ? MOST_LOCKED_ROWS : MOST_CHUNK_ROWS;

	return sink->most_rows > 0 && sink->most_rows < most ? sink->most_rows : most;
}

/* How many rows the table's next chunk is to have. */
static uint64_t
chunk_limit(const Reader *reader)
{
	const SnapshotTable *table = reader->table;
	uint64_t limit = atomic_load(&table->chunk_rows);

	if (limit == 0)
	{
		uint64_t width = table->rows_estimated > 0 ? table->bytes_estimated / table->rows_estimated + 1 : 1000;

		limit = FIRST_CHUNK_BYTES / width;
		limit = limit < 1 ? 1 : limit > FIRST_CHUNK_ROWS ? FIRST_CHUNK_ROWS : limit;
	}
	return limit > most_rows(reader->sink) ? most_rows(reader->sink) : limit;
}

static void
adapt_limit(const Reader *reader, uint64_t limit, uint64_t elapsed, uint64_t bytes)
{
	uint64_t wanted = reader->sink->gate.used ? TURN_CHUNK_MS : CHUNK_MS;
	uint64_t most_bytes = reader->sink->locking ? CHUNK_BYTES / 16 : CHUNK_BYTES;

	if (elapsed < wanted / 2 && bytes < most_bytes / 2)
		limit *= 2;
	else if ((elapsed > 2 * wanted || bytes > most_bytes) && limit > 1)
		limit /= 2;
	if (limit > most_rows(reader->sink))
		limit = most_rows(reader->sink);
	atomic_store(&reader->table->chunk_rows, limit);
}

/* The next part of a range of a keyed table. */
static bool
copy_chunk(Reader *reader)
{
	DbsSnapshot begin = step_of(reader, DBS_SNAPSHOT_CHUNK);
	uint64_t bytes_before = reader->rows.total_bytes;
	uint64_t limit = chunk_limit(reader);
	bool locking = reader->sink->locking;
	int64_t began = clock_now_ms();
	uint64_t count = 0, bytes;
	MYSQL_RES *result;
	bool done;

	if (!put_step(&reader->buffer, &begin, reader->failure))
		return false;
	/* Locks are held until the result is read: the outbox, which may be full, is not to hold them longer. */
	result = run_query(reader, rows_query(reader, limit, locking ? " FOR SHARE" : ""), locking);
	if (result == NULL)
		return give_up(reader);
	done = read_rows(reader, result, limit, &count);
	end_result(reader, result, done);
	if (!done)
		return false;
	bytes = reader->rows.total_bytes - bytes_before;
	if (!put_chunk_end(reader, count, bytes, count < limit, NULL))
		return false;
	if (count == limit)
		adapt_limit(reader, limit, (uint64_t) (clock_now_ms() - began) + 1, bytes);
	return true;
}

/* ---- cutting a range ---- */

/* *key: of the row with this number in the range; NULL when it has not so many, or the table is not what it was. */
static bool
find_key(Reader *reader, uint64_t row, char ***key)
{
	const SnapshotTable *table = reader->table;
	MYSQL_RES *result = run_query(reader, cut_query(reader, row), true);
	MYSQL_ROW fields;
	bool done = true;

	*key = NULL;
	if (result == NULL)
		return give_up(reader);
	fields = mysql_fetch_row(result);
	if (fields != NULL)
	{
		const unsigned long *lengths = mysql_fetch_lengths(result);

		*key = calloc(SNAPSHOT_KEY_MAX, sizeof **key);
		for (uint32_t i = 0; *key != NULL && i < table->key_count && done; i++)
		{
			(*key)[i] = snapshot_key_text(&table->keys[i], fields[i], lengths[i]);
			done = (*key)[i] != NULL;
		}
		done = (*key != NULL && done) || no_memory(reader->failure);
	}
	mysql_free_result(result);
	return done;
}

static bool
put_cut(Reader *reader, const SnapshotRange *rest)
{
	DbsSnapshot cut = step_of(reader, DBS_SNAPSHOT_CUT);
	char *key = snapshot_key_json(rest->copied_to, reader->table->key_count);
	bool done;

	if (key == NULL)
		return no_memory(reader->failure);
	cut.rows = rest->number;
	cut.text = string_of(key);
	done = put_step(&reader->buffer, &cut, reader->failure) && flush(reader);
	free(key);
	return done;
}

/* The range ends with the key from here on; *rest is what lies behind it. */
static bool
cut_at(Reader *reader, char **key, SnapshotRange **rest)
{
	uint32_t key_count = reader->table->key_count;
	SnapshotRange *range = reader->range;

	*rest = snapshot_range_new(range_pool_number(reader->sink->pool, reader->table), key, range->upper, key_count);
	if (*rest == NULL)
		return no_memory(reader->failure);
	snapshot_key_free(range->upper, key_count);
	range->upper = key;
	return put_cut(reader, *rest);
}

/* Leave what lies some chunks ahead to others, when they have nothing to read. */
static bool
cut_range(Reader *reader)
{
	RangePool *pool = reader->sink->pool;
	SnapshotRange *rest = NULL;
	char **key = NULL;
	bool done;

	if (pool == NULL || chunk_limit(reader) < CUT_LEAST_ROWS ||
		!range_pool_wants_cut(pool, reader->table, reader->range))
		return true;
	done = find_key(reader, CUT_CHUNKS * chunk_limit(reader) - 1, &key);
	if (done && key != NULL)
		done = cut_at(reader, key, &rest);
	else
		snapshot_key_free(key, reader->table->key_count);
	if (!done)
	{
		snapshot_range_free(rest, reader->table->key_count);
		rest = NULL;
	}
	range_pool_cut(pool, reader->table, reader->range, rest);
	return done;
}

/* ---- a whole table ---- */

/* Until the lock is let go nobody writes, and whoever has written has logged it. */
static bool
lock_table(Reader *reader)
{
	const SnapshotTable *table = reader->table;
	char *schema = snapshot_identifier(table->schema);
	char *name = snapshot_identifier(table->name);
	size_t room = schema != NULL && name != NULL ? strlen(schema) + strlen(name) + 32 : 0;
	char *words = room > 0 ? malloc(room) : NULL;
	bool done = false;

	if (words == NULL)
		no_memory(reader->failure);
	else
	{
		snprintf(words, room, "LOCK TABLES %s.%s READ", schema, name);
		done = mysql_connection_execute(reader->sql, words, reader->failure) || table_has_changed(reader);
	}
	free(words);
	free(name);
	free(schema);
	if (!done &&
		(mysql_errno(reader->sql) == SERVER_DATABASE_DENIED || mysql_errno(reader->sql) == SERVER_TABLE_DENIED))
		failure_set(
			reader->failure, FAILURE_REJECT, "privilege_missing",
			"GRANT LOCK TABLES on its database to the stream's user; or give the table a primary key, or an engine "
			"with transactions (ENGINE = InnoDB); or exclude it from the stream.",
			"table \"%s.%s\" has no key and its engine no transactions: it can be copied under a lock only",
			table->schema, table->name);
	return done;
}

/*
 * MySQL has no snapshot with a position. A locking read holds every row and every gap of the table until the
 * transaction ends, so at its end the table is what was read, and the log holds its changes up to here.
 */
static bool
begin_whole(Reader *reader, BinlogPlace *place, const char **suffix)
{
	*suffix = "";
	if (reader->table->locks)
		return lock_table(reader);
	if (reader->sink->server->flavour == FLAVOUR_MARIADB)
		return snapshot_position_begin(reader->sql, place, reader->failure);
	*suffix = " FOR SHARE";
	return mysql_connection_execute(reader->sql, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
									reader->failure) &&
		   mysql_connection_execute(reader->sql, "START TRANSACTION", reader->failure);
}

static bool
let_go(Reader *reader, const char *words)
{
	return mysql_connection_execute(reader->sql, reader->table->locks ? "UNLOCK TABLES" : words, reader->failure);
}

static bool
end_whole(Reader *reader, BinlogPlace *place)
{
	if ((reader->table->locks || reader->sink->server->flavour == FLAVOUR_MYSQL) &&
		!mysql_server_log_end(reader->sql, reader->sink->server, place, NULL, reader->failure))
		return false;
	return let_go(reader, "COMMIT");
}

static bool
copy_whole(Reader *reader)
{
	DbsSnapshot begin = step_of(reader, DBS_SNAPSHOT_CHUNK);
	char position[BINLOG_PLACE_TEXT_MAX];
	BinlogPlace place = {0};
	const char *suffix;
	MYSQL_RES *result;
	uint64_t count = 0;
	bool done;

	if (!begin_whole(reader, &place, &suffix) || !put_step(&reader->buffer, &begin, reader->failure))
		return false;
	result = run_query(reader, rows_query(reader, 0, suffix), false);
	if (result == NULL)
		return give_up(reader) && let_go(reader, "ROLLBACK");
	done = read_rows(reader, result, UINT64_MAX, &count);
	end_result(reader, result, done);
	if (!done)
		return false;
	if (!end_whole(reader, &place))
		return false;
	binlog_place_text(&place, position);
	free(reader->table->position);
	reader->table->position = strdup(position);
	return put_chunk_end(reader, count, reader->rows.total_bytes, true, position);
}

/* ---- turns ---- */

bool
chunk_gate_enter(ChunkSink *sink, SourcePoint not_before, Failure *failure)
{
	ChunkGate *gate = &sink->gate;

	if (!gate->used)
		return !is_stopping(sink, failure);
	pthread_mutex_lock(&gate->lock);
	while (!atomic_load(&sink->stopping) &&
		   (clock_now_ms() >= gate->open_until || source_point_compare(gate->point, not_before) < 0))
		pthread_cond_wait(&gate->changed, &gate->lock);
	gate->inside++;
	pthread_mutex_unlock(&gate->lock);
	return !is_stopping(sink, failure);
}

void
chunk_gate_leave(ChunkSink *sink)
{
	ChunkGate *gate = &sink->gate;

	if (!gate->used)
		return;
	pthread_mutex_lock(&gate->lock);
	gate->inside--;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}

void
chunk_gate_close(ChunkGate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->open_until = 0;
	while (gate->inside > 0)
		pthread_cond_wait(&gate->changed, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

/* ---- ranges ---- */

/* What the table is like goes out once, before the first of its rows, whoever reads it. The outbox is the caller's. */
static bool
put_table_once(Reader *reader)
{
	SnapshotTable *table = reader->table;

	if (table->wire_id == 0)
	{
		table->wire_id = atomic_fetch_add(&reader->sink->last_wire_id, 1) + 1;
		if (!put_table(reader) || !wire_buffer_flush(&reader->buffer, reader->sink->outbox, reader->failure))
			return false;
	}
	reader->rows.wire_id = table->wire_id;
	return true;
}

static bool
announce_table(Reader *reader)
{
	bool done;

	if (reader->rows.wire_id != 0)
		return true;
	pthread_mutex_lock(&reader->sink->outbox_lock);
	done = put_table_once(reader);
	pthread_mutex_unlock(&reader->sink->outbox_lock);
	return done;
}

/* The whole table goes out without anything between. */
static bool
copy_alone(Reader *reader)
{
	pthread_mutex_t *lock = &reader->sink->outbox_lock;
	bool done;

	pthread_mutex_lock(lock);
	reader->holds_outbox = true;
	done = put_table_once(reader) && copy_whole(reader);
	reader->holds_outbox = false;
	pthread_mutex_unlock(lock);
	return done;
}

static bool
goes_on(const Reader *reader)
{
	return !reader->range->done && !reader->table->gone && !reader->table->changed;
}

static bool
copy_chunks(Reader *reader)
{
	bool done = true;

	while (done && goes_on(reader))
	{
		done = chunk_gate_enter(reader->sink, reader->table->not_before, reader->failure) && announce_table(reader) &&
			   cut_range(reader) && (!goes_on(reader) || copy_chunk(reader));
		chunk_gate_leave(reader->sink);
	}
	return done;
}

bool
chunk_copy_range(ChunkSink *sink, MYSQL *sql, SnapshotTable *table, SnapshotRange *range, Failure *failure)
{
	Reader reader = {
		.sink = sink,
		.sql = sql,
		.table = table,
		.range = range,
		.plan = {.schema = table->schema,
				 .table = table->name,
				 .column_count = table->column_count,
				 .columns = table->results,
				 .strip_nul_bytes = sink->config->strip_nul_bytes,
				 .zero_dates = sink->config->zero_dates},
		.failure = failure,
	};
	bool done;

	reader.rows = (ResultRows){.plan = &reader.plan, .buffer = &reader.buffer};
	if (table->key_count > 0)
		done = copy_chunks(&reader);
	else
	{
		done = chunk_gate_enter(sink, table->not_before, failure) && copy_alone(&reader);
		chunk_gate_leave(sink);
	}
	wire_buffer_free(&reader.buffer);
	return done;
}
