/*
 * Chunks of a table: see chunk.h.
 *
 * A keyed table is read in ranges of its key, each by a statement as short as a chunk: (a, b) > (x, y) ORDER BY a, b
 * LIMIT n, written so that the server takes the key's index. n grows and shrinks with the time that chunks take. A
 * table without key is one chunk in one consistent read, with the log's position at which it was read.
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

/* What a reader gathers before it takes the outbox. */
#define FLUSH_SIZE ((size_t) 128 * 1024)

typedef struct Reader
{
	ChunkSink *sink;
	MYSQL *sql;
	SnapshotTable *table;
	uint32_t wire_id;
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
	DbsTable head = {.id = reader->wire_id,
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
						 .number = table->chunks + 1,
						 .schema = string_of(table->schema),
						 .name = string_of(table->name)};
}

/* ---- the query ---- */

static void
write_literal(FILE *out, MYSQL *sql, const SnapshotKey *key, const char *value, size_t size, char *room)
{
	if (key->number)
		fputs(value, out);
	else if (key->bytes || key->text)
	{
		fputs(key->text ? "_utf8mb4 x'" : "x'", out);
		for (size_t i = 0; i < size; i++)
			fprintf(out, "%02x", (unsigned char) value[i]);
		fputc('\'', out);
	}
	else
	{
		mysql_real_escape_string(sql, room, value, size);
		fprintf(out, "'%s'", room);
	}
}

/* a >= x AND (a > x OR a = x AND (b > y OR …)): rows behind the last key, and a range for the index. */
static void
write_condition(FILE *out, const Reader *reader, char *room)
{
	const SnapshotTable *table = reader->table;

	for (uint32_t i = 0; i < table->key_count; i++)
	{
		const SnapshotKey *key = &table->keys[i];
		const char *value = table->last_key[i];
		size_t size = strlen(value);
		char *bytes = NULL;

		if (key->bytes || key->text)
		{
			/* Kept as hexadecimal digits, since bytes may hold anything. */
			bytes = malloc(size / 2 + 1);
			for (size_t k = 0; bytes != NULL && k < size / 2; k++)
			{
				char digits[3] = {value[2 * k], value[2 * k + 1], '\0'};

				bytes[k] = (char) strtoul(digits, NULL, 16);
			}
			value = bytes != NULL ? bytes : "";
			size = bytes != NULL ? size / 2 : 0;
		}
		if (i == 0)
		{
			fprintf(out, " WHERE %s >= ", key->expression);
			write_literal(out, reader->sql, key, value, size, room);
			fputs(" AND ", out);
		}
		fprintf(out, "(%s > ", key->expression);
		write_literal(out, reader->sql, key, value, size, room);
		if (i + 1 < table->key_count)
		{
			fprintf(out, " OR (%s = ", key->expression);
			write_literal(out, reader->sql, key, value, size, room);
			fputs(" AND ", out);
		}
		free(bytes);
	}
	for (uint32_t i = 0; i + 1 < table->key_count; i++)
		fputs("))", out);
	fputc(')', out);
}

static void
write_query(FILE *out, const Reader *reader, uint64_t limit, char *room)
{
	const SnapshotTable *table = reader->table;
	char *schema = snapshot_identifier(table->schema);
	char *name = snapshot_identifier(table->name);

	fprintf(out, "SELECT %s FROM %s.%s", table->select_list, schema != NULL ? schema : "", name != NULL ? name : "");
	free(schema);
	free(name);
	if (table->key_count == 0)
		return;
	fprintf(out, " FORCE INDEX (%s)", table->key_index);
	if (table->last_key != NULL)
		write_condition(out, reader, room);
	for (uint32_t i = 0; i < table->key_count; i++)
		fprintf(out, "%s %s", i == 0 ? " ORDER BY" : ",", table->keys[i].expression);
	fprintf(out, " LIMIT %" PRIu64, limit);
}

/* malloc'd; NULL when memory runs out. */
static char *
make_query(const Reader *reader, uint64_t limit)
{
	const SnapshotTable *table = reader->table;
	size_t longest = 0;
	size_t size = 0;
	char *query = NULL;
	char *room;
	FILE *out;

	for (uint32_t i = 0; table->last_key != NULL && i < table->key_count; i++)
		if (strlen(table->last_key[i]) > longest)
			longest = strlen(table->last_key[i]);
	room = malloc(2 * longest + 1);
	out = room != NULL ? open_memstream(&query, &size) : NULL;
	if (out != NULL)
	{
		write_query(out, reader, limit, room);
		if (fclose(out) != 0)
		{
			free(query);
			query = NULL;
		}
	}
	free(room);
	return query;
}

/* ---- the key of the last row ---- */

static char *
hexadecimal(const char *bytes, size_t size)
{
	char *text = malloc(2 * size + 1);

	for (size_t i = 0; text != NULL && i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", (unsigned char) bytes[i]);
	if (text != NULL && size == 0)
		text[0] = '\0';
	return text;
}

static bool
keep_key(Reader *reader, MYSQL_ROW row, const unsigned long *lengths)
{
	SnapshotTable *table = reader->table;

	if (table->last_key == NULL)
		table->last_key = calloc(SNAPSHOT_KEY_MAX, sizeof *table->last_key);
	for (uint32_t i = 0; table->last_key != NULL && i < table->key_count; i++)
	{
		const SnapshotKey *key = &table->keys[i];
		uint32_t at = key->extra >= 0 ? table->column_count + (uint32_t) key->extra : key->column;

		free(table->last_key[i]);
		table->last_key[i] =
			key->bytes || key->text ? hexadecimal(row[at], lengths[at]) : strndup(row[at], lengths[at]);
		if (table->last_key[i] == NULL)
			return no_memory(reader->failure);
	}
	return table->last_key != NULL || no_memory(reader->failure);
}

/* As a JSON array of texts, malloc'd. */
static char *
key_json(const SnapshotTable *table)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	fputc('[', out);
	for (uint32_t i = 0; i < table->key_count; i++)
	{
		fputs(i > 0 ? ", \"" : "\"", out);
		for (const char *at = table->last_key[i]; *at != '\0'; at++)
		{
			if (*at == '"' || *at == '\\')
				fprintf(out, "\\%c", *at);
			else if ((unsigned char) *at < 0x20)
				fprintf(out, "\\u%04x", (unsigned char) *at);
			else
				fputc(*at, out);
		}
		fputc('"', out);
	}
	fputc(']', out);
	if (fclose(out) != 0)
	{
		free(text);
		return NULL;
	}
	return text;
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

/* Run the query; NULL also when the table is not what it was. */
static MYSQL_RES *
run_query(Reader *reader, uint64_t limit, const char *suffix)
{
	char *query = make_query(reader, limit);
	MYSQL_RES *result = NULL;
	size_t room;
	char *whole;

	if (query == NULL)
	{
		no_memory(reader->failure);
		return NULL;
	}
	room = strlen(query) + strlen(suffix) + 1;
	whole = realloc(query, room);
	if (whole == NULL)
	{
		free(query);
		no_memory(reader->failure);
		return NULL;
	}
	memcpy(whole + strlen(whole), suffix, strlen(suffix) + 1);
	if (mysql_real_query(reader->sql, whole, (unsigned long) strlen(whole)) == 0)
		/* Locks are held until the result is read: the outbox, which may be full, is not to hold them longer. */
		result = reader->sink->locking && reader->table->key_count > 0 ? mysql_store_result(reader->sql)
																	   : mysql_use_result(reader->sql);
	free(whole);
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
	char *key = table->last_key != NULL ? key_json(table) : NULL;
	bool done;

	end.rows = rows;
	end.bytes = bytes;
	end.flags |= last ? DBS_SNAPSHOT_LAST : 0;
	end.text = string_of(key);
	end.position = string_of(position);
	done = put_step(&reader->buffer, &end, reader->failure) && flush(reader);
	free(key);
	table->chunks++;
	table->copied = last;
	atomic_fetch_add(&reader->sink->rows, rows);
	atomic_fetch_add(&reader->sink->bytes, bytes);
	atomic_store(&reader->sink->last_row_time, wire_time_now());
	return done;
}

static void
adapt_limit(const Reader *reader, uint64_t *limit, uint64_t elapsed, uint64_t bytes)
{
	uint64_t wanted = reader->sink->gate.used ? TURN_CHUNK_MS : CHUNK_MS;
	uint64_t most = reader->sink->locking ? MOST_LOCKED_ROWS : MOST_CHUNK_ROWS;
	uint64_t most_bytes = reader->sink->locking ? CHUNK_BYTES / 16 : CHUNK_BYTES;

	if (elapsed < wanted / 2 && bytes < most_bytes / 2)
		*limit *= 2;
	else if ((elapsed > 2 * wanted || bytes > most_bytes) && *limit > 1)
		*limit /= 2;
	if (*limit > most)
		*limit = most;
}

/* The next range of a keyed table. */
static bool
copy_chunk(Reader *reader, uint64_t *limit)
{
	DbsSnapshot begin = step_of(reader, DBS_SNAPSHOT_CHUNK);
	uint64_t bytes_before = reader->rows.total_bytes;
	int64_t began = clock_now_ms();
	uint64_t count = 0, bytes;
	MYSQL_RES *result;
	bool done;

	if (!put_step(&reader->buffer, &begin, reader->failure))
		return false;
	result = run_query(reader, *limit, reader->sink->locking ? " FOR SHARE" : "");
	if (result == NULL)
		return give_up(reader);
	done = read_rows(reader, result, *limit, &count);
	end_result(reader, result, done);
	if (!done)
		return false;
	bytes = reader->rows.total_bytes - bytes_before;
	if (!put_chunk_end(reader, count, bytes, count < *limit, NULL))
		return false;
	adapt_limit(reader, limit, (uint64_t) (clock_now_ms() - began) + 1, bytes);
	return true;
}

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
	result = run_query(reader, 0, suffix);
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

static uint64_t
first_limit(const SnapshotTable *table)
{
	uint64_t width = table->rows_estimated > 0 ? table->bytes_estimated / table->rows_estimated + 1 : 1000;
	uint64_t limit = FIRST_CHUNK_BYTES / width;

	return limit < 1 ? 1 : limit > FIRST_CHUNK_ROWS ? FIRST_CHUNK_ROWS : limit;
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

/* The whole table goes out without anything between. */
static bool
copy_alone(Reader *reader)
{
	pthread_mutex_t *lock = &reader->sink->outbox_lock;
	bool done;

	pthread_mutex_lock(lock);
	reader->holds_outbox = true;
	done = put_table(reader) && copy_whole(reader);
	reader->holds_outbox = false;
	pthread_mutex_unlock(lock);
	return done;
}

static bool
copy_ranges(Reader *reader)
{
	uint64_t limit = first_limit(reader->table);
	bool done = put_table(reader);

	while (done && !reader->table->copied && !reader->table->gone && !reader->table->changed)
	{
		done = chunk_gate_enter(reader->sink, reader->table->not_before, reader->failure) && copy_chunk(reader, &limit);
		chunk_gate_leave(reader->sink);
	}
	return done;
}

bool
chunk_copy_table(ChunkSink *sink, MYSQL *sql, SnapshotTable *table, Failure *failure)
{
	Reader reader = {
		.sink = sink,
		.sql = sql,
		.table = table,
		.wire_id = atomic_fetch_add(&sink->last_wire_id, 1) + 1,
		.plan = {.schema = table->schema,
				 .table = table->name,
				 .column_count = table->column_count,
				 .columns = table->results,
				 .strip_nul_bytes = sink->config->strip_nul_bytes,
				 .zero_dates = sink->config->zero_dates},
		.failure = failure,
	};
	bool done;

	table->changed = false;
	reader.rows = (ResultRows){.plan = &reader.plan, .buffer = &reader.buffer, .wire_id = reader.wire_id};
	if (table->key_count > 0)
		done = copy_ranges(&reader);
	else
	{
		done = chunk_gate_enter(sink, table->not_before, failure) && copy_alone(&reader);
		chunk_gate_leave(sink);
	}
	wire_buffer_free(&reader.buffer);
	return done;
}
