/*
 * An exact copy without a lock on writers, resumed after any end of a session.
 *
 * The stream's slot is made first; it keeps the log from then on. A slot can export a snapshot that holds exactly what
 * was committed before the slot's position: tables are read in it, some at once, each by a connection of its own that
 * writes to the target by a connection of its own. When a table's last row is written, its row in the record at the
 * target says as of which position it is there, in the same transaction. A later session finds what is copied, and for
 * the rest makes a temporary slot, whose snapshot and position are later ones.
 *
 * Then the log is applied from the stream's slot on, where each table's changes that were committed before its own
 * position are left out by the output plugin. So nothing is applied twice and nothing is left out, and no row is ever
 * looked for in vain.
 */
#include "outbound_copy.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <json-c/json.h>

#include "clock.h"
#include "copy_record.h"
#include "log.h"
#include "mysql_copier.h"
#include "mysql_progress.h"
#include "mysql_target.h"
#include "postgres_connection.h"
#include "postgres_rows.h"
#include "postgres_snapshot.h"
#include "report.h"
#include "target_failure.h"

#define QUERY_TIMEOUT_MS 60000
#define LOOK_MS 200
#define REPORT_MS 1000
#define LOG_MS 5000
#define MAX_WRITERS 32
/* A table that is gone: all that the log says of it comes before this. */
#define NEVER "FFFFFFFF/FFFFFFFF"

typedef struct OutboundCopy OutboundCopy;

typedef struct Worker
{
	OutboundCopy *copy;
	pthread_t thread;
	bool started;
	MysqlCopier *copier; /* set and taken away under the lock */
	PGconn *rows_conn;   /* reads rows */
	PGconn *ddl_conn;    /* reads definitions, and tells what the target refused */
	unsigned number;
} Worker;

struct OutboundCopy
{
	const OutboundCopyInput *in;
	CopyTable *tables;
	size_t table_count;
	char token[COPY_TOKEN_SIZE];
	bool planned; /* an earlier session has recorded which tables are to be copied */
	MYSQL *mysql; /* the plan's own connection to the target */
	PGconn *walsender;
	PostgresSnapshot snapshot;
	char begin[LSN_TEXT_SIZE]; /* where the stream's slot begins */
	int abort_fd;              /* readable: every worker gives up */

	pthread_mutex_t lock;
	size_t next_table;
	bool linking; /* the tables are copied: now their foreign keys */
	unsigned running;
	unsigned finished; /* tables, in this session */
	bool failed;
	Failure failure; /* the first worker's */
	Worker workers[MAX_WRITERS];

	int64_t began_ms;
	int64_t report_ms;
	int64_t log_ms;
};

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a copy");
}

static const char *
stream_name(const OutboundCopy *copy)
{
	return copy->in->config->name;
}

/* ---- the plan ---- */

static CopyTable *
find_table(OutboundCopy *copy, unsigned relid)
{
	for (size_t i = 0; i < copy->table_count; i++)
	{
		if (copy->tables[i].relid == relid)
			return &copy->tables[i];
	}
	return NULL;
}

/* One row of outbound_tables(). Names and estimates are those of now, whatever was recorded. */
static bool
take_listed(OutboundCopy *copy, const PGresult *result, int row, Failure *failure)
{
	unsigned relid = (unsigned) strtoul(PQgetvalue(result, row, 0), NULL, 10);
	CopyTable *table = find_table(copy, relid);

	if (table == NULL)
	{
		/* All that a table holds which was made after the copy began is in the log. */
		if (copy->planned)
			return true;
		table = &copy->tables[copy->table_count++];
		*table = (CopyTable){.relid = relid, .told_phase = -1};
	}
	free(table->schema);
	free(table->name);
	table->schema = strdup(PQgetvalue(result, row, 1));
	table->name = strdup(PQgetvalue(result, row, 2));
	table->rows_estimated = strtoull(PQgetvalue(result, row, 3), NULL, 10);
	table->bytes_estimated = strtoull(PQgetvalue(result, row, 4), NULL, 10);
	table->listed = true;
	return (table->schema != NULL && table->name != NULL) || no_memory(failure);
}

/* The tables as they are now. To be asked after the slot was made: what comes later is in the log. */
static bool
list_tables(OutboundCopy *copy, Failure *failure)
{
	char id[16];
	const char *values[] = {id};
	PGresult *result;
	CopyTable *grown;
	bool ok;

	snprintf(id, sizeof id, "%d", copy->in->config->id);
	result = postgres_connection_query(copy->in->conn,
									   "SELECT relation, schema_name, table_name, rows_estimated, bytes_estimated"
									   " FROM dbstream.outbound_tables($1)",
									   1, values, copy->in->stop_fd, QUERY_TIMEOUT_MS, failure);
	if (result == NULL)
		return false;
	grown = realloc(copy->tables, (copy->table_count + (size_t) PQntuples(result) + 1) * sizeof *grown);
	ok = grown != NULL || no_memory(failure);
	if (grown != NULL)
		copy->tables = grown;
	for (int row = 0; ok && row < PQntuples(result); row++)
		ok = take_listed(copy, result, row, failure);
	PQclear(result);
	return ok;
}

/* Keep earlier sessions out, and read what they have done. */
static bool
take_over(OutboundCopy *copy, Failure *failure)
{
	const char *database = copy->in->config->target.database;
	unsigned char random[16];

	if (getrandom(random, sizeof random, 0) != (ssize_t) sizeof random)
		return failure_set(failure, FAILURE_RETRY, "internal", NULL, "the system has no random numbers");
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(copy->token + 2 * i, 3, "%02x", random[i]);
	if (mysql_real_query(copy->mysql, "START TRANSACTION", 17) != 0)
		return target_failed(copy->mysql, "taking over the copy", failure);
	if (!copy_record_take(copy->mysql, database, copy->in->key, copy->token, MAX_WRITERS, failure) ||
		!copy_record_read(copy->mysql, database, copy->in->key, &copy->tables, &copy->table_count, failure))
		return false;
	copy->planned = copy->table_count > 0;
	return mysql_real_query(copy->mysql, "COMMIT", 6) == 0 ||
		   target_failed(copy->mysql, "taking over the copy", failure);
}

/* How many tables are not copied yet. */
static size_t
tables_left(const OutboundCopy *copy)
{
	size_t left = 0;

	for (size_t i = 0; i < copy->table_count; i++)
		left += copy->tables[i].position[0] == '\0';
	return left;
}

/* The stream's slot, and a snapshot for what is left: its own when it is new, else a temporary slot's. */
static bool
make_snapshot(OutboundCopy *copy, Failure *failure)
{
	const char *name = copy->in->config->slot_name;
	int stop_fd = copy->in->stop_fd;
	char temporary[100];
	PostgresSlot slot;

	copy->walsender =
		postgres_snapshot_connect(copy->in->config->postgres_conninfo, stream_name(copy), stop_fd, failure);
	if (copy->walsender == NULL || !postgres_slot_look(copy->walsender, name, stop_fd, &slot, failure))
		return false;
	if (slot.lost)
		return postgres_slot_lost(name, "has lost its part of the log while tables were copied", failure);
	if (!slot.there && tables_left(copy) < copy->table_count)
		return postgres_slot_lost(name, "is gone, and tables were copied already", failure);
	if (!slot.there)
	{
		if (!postgres_slot_create(copy->walsender, name, false, true, stop_fd, &copy->snapshot, failure))
			return false;
		snprintf(copy->begin, sizeof copy->begin, "%s", copy->snapshot.position);
		return true;
	}
	snprintf(copy->begin, sizeof copy->begin, "%s", slot.confirmed);
	if (copy->planned && tables_left(copy) == 0)
		return true;
	snprintf(temporary, sizeof temporary, "%.50s_copy", name);
	return postgres_slot_create(copy->walsender, temporary, true, true, stop_fd, &copy->snapshot, failure);
}

/* ---- telling PostgreSQL ---- */

static const char *
phase_word(int phase)
{
	static const char *const words[] = {"waiting", "copying", "copied", "indexing", "foreign keys", "done"};

	return words[phase];
}

static void
add_text(struct json_object *object, const char *name, const char *value)
{
	json_object_object_add(object, name, json_object_new_string(value));
}

static void
add_number(struct json_object *object, const char *name, uint64_t value)
{
	json_object_object_add(object, name, json_object_new_uint64(value));
}

static struct json_object *
describe_tables(OutboundCopy *copy)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array != NULL && i < copy->table_count; i++)
	{
		CopyTable *table = &copy->tables[i];
		struct json_object *object;

		if (!table->listed ||
			(table->told_phase == atomic_load(&table->phase) && table->told_rows == atomic_load(&table->rows)))
			continue;
		table->told_phase = atomic_load(&table->phase);
		table->told_rows = atomic_load(&table->rows);
		object = json_object_new_object();
		add_text(object, "schema", table->schema);
		add_text(object, "name", table->name);
		add_text(object, "phase", phase_word(atomic_load(&table->phase)));
		json_object_object_add(object, "fresh", json_object_new_boolean(table->fresh));
		add_number(object, "rows_estimated", table->rows_estimated);
		add_number(object, "bytes_estimated", table->bytes_estimated);
		add_number(object, "rows", atomic_load(&table->rows));
		add_number(object, "bytes", atomic_load(&table->bytes));
		if (atomic_load(&table->phase) >= COPY_COPIED)
			add_text(object, "position", table->position);
		json_object_array_add(array, object);
	}
	return array;
}

/* state: "copying" or "done". */
static bool
tell(OutboundCopy *copy, const char *state, Failure *failure)
{
	char id[16];
	struct json_object *tables = describe_tables(copy);
	const char *values[] = {id, state, copy->begin[0] != '\0' ? copy->begin : NULL,
							json_object_to_json_string_ext(tables, JSON_C_TO_STRING_PLAIN)};
	PGresult *result;

	snprintf(id, sizeof id, "%d", copy->in->config->id);
	result = postgres_connection_query(copy->in->conn, "SELECT dbstream.outbound_backfill($1::int4, $2, $3, $4::jsonb)",
									   4, values, copy->in->stop_fd, QUERY_TIMEOUT_MS, failure);
	json_object_put(tables);
	PQclear(result);
	return result != NULL;
}

static uint64_t
rows_copied(const OutboundCopy *copy)
{
	uint64_t rows = 0;

	for (size_t i = 0; i < copy->table_count; i++)
		rows += atomic_load(&copy->tables[i].rows);
	return rows;
}

/* Beside the tables, the report of a living session: without it the stream would show as stalled. */
static bool
report(OutboundCopy *copy, Failure *failure)
{
	char id[16], json[200];
	const char *values[] = {id, json};
	PGresult *result;
	struct timespec now;

	copy->report_ms = clock_now_ms();
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(id, sizeof id, "%d", copy->in->config->id);
	snprintf(json, sizeof json, "{\"rows\": %" PRIu64 ", \"last_event_at\": %lld.%03ld, \"rss_bytes\": %" PRId64 "}",
			 rows_copied(copy), (long long) now.tv_sec, now.tv_nsec / 1000000, report_rss_bytes());
	result = postgres_connection_query(copy->in->conn, "SELECT dbstream.bridge_report($1::int4, $2::jsonb)", 2, values,
									   copy->in->stop_fd, QUERY_TIMEOUT_MS, failure);
	PQclear(result);
	return result != NULL && tell(copy, "copying", failure);
}

static void
log_progress(OutboundCopy *copy)
{
	double seconds = (double) (clock_now_ms() - copy->began_ms) / 1000;
	uint64_t estimated = 0, rows = rows_copied(copy);

	copy->log_ms = clock_now_ms();
	for (size_t i = 0; i < copy->table_count; i++)
		estimated += copy->tables[i].rows_estimated;
	log_line(LOG_LEVEL_INFO, stream_name(copy), "copy: %" PRIu64 " of about %" PRIu64 " rows, %.0f s, %zu tables left",
			 rows, estimated > rows ? estimated : rows, seconds, tables_left(copy));
}

/* ---- workers ---- */

static bool
read_ddl(Worker *worker, const CopyTable *table, CopyDdl *ddl, Failure *failure)
{
	char id[16], relid[16];
	const char *values[] = {id, relid, mysql_copier_dialect(worker->copier)};
	OutboundCopy *copy = worker->copy;
	PGresult *result;
	bool ok = true;

	*ddl = (CopyDdl){0};
	snprintf(id, sizeof id, "%d", copy->in->config->id);
	snprintf(relid, sizeof relid, "%u", table->relid);
	result = postgres_connection_query(worker->ddl_conn,
									   "SELECT stage, sql FROM dbstream.outbound_definition($1, $2::oid, $3)", 3,
									   values, copy->abort_fd, QUERY_TIMEOUT_MS, failure);
	if (result == NULL)
		return false;
	ddl->stages = calloc((size_t) PQntuples(result) + 1, sizeof *ddl->stages);
	ddl->texts = calloc((size_t) PQntuples(result) + 1, sizeof *ddl->texts);
	for (int i = 0; ddl->stages != NULL && ddl->texts != NULL && i < PQntuples(result); i++)
	{
		ddl->stages[i] = strdup(PQgetvalue(result, i, 0));
		ddl->texts[i] = strdup(PQgetvalue(result, i, 1));
		ddl->count++;
		ok = ok && ddl->stages[i] != NULL && ddl->texts[i] != NULL;
	}
	ok = ok && ddl->stages != NULL && ddl->texts != NULL;
	PQclear(result);
	if (!ok)
		copy_ddl_free(ddl);
	return ok || no_memory(failure);
}

/* What the target refused is told where schema changes are told, and the copy goes on. */
static bool
note_refusal(void *context, const CopyTable *table, const char *sql, const char *problem, Failure *failure)
{
	Worker *worker = context;
	char id[16], source[300];
	const char *values[] = {id, source, sql, problem};
	PGresult *result;

	snprintf(id, sizeof id, "%d", worker->copy->in->config->id);
	snprintf(source, sizeof source, "-- table %.120s.%.120s, as it is", table->schema, table->name);
	result = postgres_connection_query(worker->ddl_conn, "SELECT dbstream.outbound_ddl_note($1, $2, $3, $4)", 4, values,
									   worker->copy->abort_fd, QUERY_TIMEOUT_MS, failure);
	PQclear(result);
	return result != NULL;
}

static bool
copy_rows(Worker *worker, CopyTable *table, Failure *failure)
{
	OutboundCopy *copy = worker->copy;
	PostgresRows rows;
	DbsMessage message;
	bool end = false;
	bool ok = postgres_rows_begin(&rows, worker->rows_conn, copy->abort_fd, copy->snapshot.name, copy->in->config->id,
								  table->relid, failure);

	while (ok && !end)
	{
		ok = postgres_rows_next(&rows, &message, &end, failure);
		if (ok && !end)
			ok = mysql_copier_message(worker->copier, &message, failure);
	}
	ok = ok && postgres_rows_end(&rows, failure);
	postgres_rows_free(&rows);
	return ok && mysql_copier_end(worker->copier, copy->snapshot.position, failure);
}

/* Rows and keys of a table, or, when that is done everywhere, its foreign keys. */
static bool
work_on(Worker *worker, CopyTable *table, Failure *failure)
{
	bool linking = worker->copy->linking;
	bool left = linking ? !table->linked : table->position[0] == '\0' || !table->keyed;
	CopyDdl ddl;
	bool ok;

	if (!left)
		return true;
	if (!read_ddl(worker, table, &ddl, failure))
		return false;
	if (linking)
		ok = mysql_copier_add(worker->copier, table, &ddl, "foreign key", failure);
	else
		ok = (table->position[0] != '\0' ||
			  (mysql_copier_begin(worker->copier, table, &ddl, failure) && copy_rows(worker, table, failure))) &&
			 mysql_copier_add(worker->copier, table, &ddl, "index", failure);
	copy_ddl_free(&ddl);
	if (!ok)
		failure_context(failure, "copying table %s.%s", table->schema, table->name);
	return ok;
}

static CopyTable *
take_table(OutboundCopy *copy)
{
	CopyTable *table = NULL;

	pthread_mutex_lock(&copy->lock);
	while (table == NULL && !copy->failed && copy->next_table < copy->table_count)
	{
		CopyTable *next = &copy->tables[copy->next_table++];

		if (next->listed)
			table = next;
	}
	pthread_mutex_unlock(&copy->lock);
	return table;
}

static bool
open_worker(Worker *worker, Failure *failure)
{
	OutboundCopy *copy = worker->copy;
	const char *conninfo = copy->in->config->postgres_conninfo;
	MysqlCopierInput input = {copy->in->config,  copy->in->key, copy->token, worker->number,
							  copy->in->empties, note_refusal,  worker};
	MysqlCopier *copier = mysql_copier_new(&input, failure);

	if (copier == NULL)
		return false;
	pthread_mutex_lock(&copy->lock);
	worker->copier = copier;
	pthread_mutex_unlock(&copy->lock);
	worker->rows_conn = postgres_connection_open(conninfo, "dbstream-bridge copy", copy->abort_fd, failure);
	if (worker->rows_conn == NULL)
		return false;
	worker->ddl_conn = postgres_connection_open(conninfo, "dbstream-bridge copy", copy->abort_fd, failure);
	return worker->ddl_conn != NULL;
}

static void
close_worker(Worker *worker)
{
	MysqlCopier *copier;

	pthread_mutex_lock(&worker->copy->lock);
	copier = worker->copier;
	worker->copier = NULL;
	pthread_mutex_unlock(&worker->copy->lock);
	mysql_copier_free(copier);
	PQfinish(worker->rows_conn);
	PQfinish(worker->ddl_conn);
	worker->rows_conn = worker->ddl_conn = NULL;
}

static void
give_up(OutboundCopy *copy)
{
	uint64_t one = 1;

	(void) !write(copy->abort_fd, &one, sizeof one);
	for (unsigned i = 0; i < MAX_WRITERS; i++)
	{
		if (copy->workers[i].copier != NULL)
			mysql_copier_interrupt(copy->workers[i].copier);
	}
}

static void *
run_worker(void *context)
{
	Worker *worker = context;
	OutboundCopy *copy = worker->copy;
	Failure failure = {.class = FAILURE_NONE};
	CopyTable *table;
	bool ok;

	mysql_thread_init();
	ok = open_worker(worker, &failure);
	while (ok && (table = take_table(copy)) != NULL)
	{
		ok = work_on(worker, table, &failure);
		pthread_mutex_lock(&copy->lock);
		copy->finished += ok;
		pthread_mutex_unlock(&copy->lock);
	}
	close_worker(worker);
	mysql_thread_end();
	pthread_mutex_lock(&copy->lock);
	if (!ok && !copy->failed)
	{
		copy->failed = true;
		copy->failure = failure;
		give_up(copy);
	}
	copy->running--;
	pthread_mutex_unlock(&copy->lock);
	return NULL;
}

static bool
start_workers(OutboundCopy *copy, Failure *failure)
{
	unsigned count = copy->in->config->backfill_workers;

	if (count > MAX_WRITERS)
		count = MAX_WRITERS;
	copy->next_table = 0;
	for (unsigned i = 0; i < count; i++)
	{
		Worker *worker = &copy->workers[i];

		*worker = (Worker){.copy = copy, .number = i};
		pthread_mutex_lock(&copy->lock);
		worker->started = pthread_create(&worker->thread, NULL, run_worker, worker) == 0;
		copy->running += worker->started;
		pthread_mutex_unlock(&copy->lock);
		if (!worker->started)
			return failure_set(failure, FAILURE_RETRY, "no_thread", "Raise the limit of threads of the bridge's user.",
							   "a thread that copies tables cannot be started");
	}
	return true;
}

/* Until the workers have ended, tell how far they are. */
static bool
watch_workers(OutboundCopy *copy, Failure *failure)
{
	bool ok = true;

	for (;;)
	{
		struct pollfd fd = {copy->in->stop_fd, POLLIN, 0};
		unsigned running;
		int64_t now;

		pthread_mutex_lock(&copy->lock);
		running = copy->running;
		pthread_mutex_unlock(&copy->lock);
		if (running == 0)
			return ok;
		(void) poll(&fd, ok ? 1 : 0, ok && running > 0 ? LOOK_MS / 4 : LOOK_MS);
		now = clock_now_ms();
		if (ok && fd.revents != 0)
			ok = failure_set(failure, FAILURE_RETRY, FAILURE_CODE_STOPPING, NULL, "the stream is being stopped");
		if (ok && now - copy->report_ms >= REPORT_MS)
			ok = report(copy, failure);
		if (now - copy->log_ms >= LOG_MS)
			log_progress(copy);
		if (!ok)
		{
			/* Again and again: a worker may have been between two calls. */
			pthread_mutex_lock(&copy->lock);
			copy->failed = true;
			give_up(copy);
			pthread_mutex_unlock(&copy->lock);
		}
	}
}

static bool
run_workers(OutboundCopy *copy, Failure *failure)
{
	bool ok = start_workers(copy, failure);

	if (!ok)
	{
		pthread_mutex_lock(&copy->lock);
		copy->failed = true;
		copy->failure = *failure;
		give_up(copy);
		pthread_mutex_unlock(&copy->lock);
	}
	ok = watch_workers(copy, failure) && ok;
	for (unsigned i = 0; i < MAX_WRITERS; i++)
	{
		if (copy->workers[i].started)
			pthread_join(copy->workers[i].thread, NULL);
		copy->workers[i].started = false;
	}
	/* The first to fail knows why. */
	if (ok && copy->failed)
	{
		*failure = copy->failure;
		ok = false;
	}
	return ok;
}

/* ---- the whole ---- */

static bool
needs_links(const OutboundCopy *copy)
{
	for (size_t i = 0; i < copy->table_count; i++)
	{
		if (copy->tables[i].listed && copy->tables[i].created && !copy->tables[i].linked)
			return true;
	}
	return false;
}

/* What is done at the target by one writer alone: before the others begin, and when they have ended. */
static bool
by_one_writer(OutboundCopy *copy, bool plans, Failure *failure)
{
	MysqlCopierInput input = {copy->in->config, copy->in->key, copy->token, 0, copy->in->empties, NULL, NULL};
	MysqlCopier *copier = mysql_copier_new(&input, failure);
	bool ok = copier != NULL && (plans ? mysql_copier_plan(copier, copy->tables, copy->table_count, failure)
									   : mysql_copier_start_stream(copier, copy->begin, rows_copied(copy), failure));

	mysql_copier_free(copier);
	return ok;
}

static bool
copy_tables(OutboundCopy *copy, Failure *failure)
{
	copy->began_ms = copy->log_ms = clock_now_ms();
	if (!take_over(copy, failure) || !make_snapshot(copy, failure) || !list_tables(copy, failure) ||
		!(copy->planned || by_one_writer(copy, true, failure)) || !report(copy, failure))
		return false;
	log_line(LOG_LEVEL_INFO, stream_name(copy), "copy: %zu of %zu tables to copy, as of %s", tables_left(copy),
			 copy->table_count, copy->snapshot.position[0] != '\0' ? copy->snapshot.position : copy->begin);
	if (!run_workers(copy, failure))
		return false;
	copy->linking = true;
	if (needs_links(copy) && !run_workers(copy, failure))
		return false;
	log_progress(copy);
	return by_one_writer(copy, false, failure);
}

static void
release(OutboundCopy *copy)
{
	if (copy->walsender != NULL)
		PQfinish(copy->walsender);
	if (copy->mysql != NULL)
		mysql_close(copy->mysql);
	if (copy->abort_fd >= 0)
		close(copy->abort_fd);
	copy_tables_free(copy->tables, copy->table_count);
	pthread_mutex_destroy(&copy->lock);
	free(copy);
}

bool
outbound_copy_run(const OutboundCopyInput *input, bool *progressed, Failure *failure)
{
	OutboundCopy *copy = calloc(1, sizeof *copy);
	const char *database = input->config->target.database;
	char position[64] = "", step[PROGRESS_STEP_SIZE];
	MysqlTotals totals;
	bool ok;

	*progressed = false;
	if (copy == NULL)
		return no_memory(failure);
	copy->in = input;
	pthread_mutex_init(&copy->lock, NULL);
	copy->abort_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	copy->mysql = mysql_target_connect(&input->config->target, failure);
	ok = copy->mysql != NULL && mysql_progress_prepare(copy->mysql, database, failure) &&
		 copy_record_prepare(copy->mysql, database, failure) &&
		 mysql_progress_read(copy->mysql, database, input->key, position, sizeof position, step, &totals, failure);
	/* A session that ended here may have finished the copy without having said so. */
	if (ok && position[0] == '\0')
		ok = copy_tables(copy, failure);
	ok = ok && tell(copy, "done", failure);
	*progressed = ok || copy->finished > 0;
	release(copy);
	return ok;
}

bool
outbound_copy_positions(StreamConfig *config, const char *key, Failure *failure)
{
	MYSQL *mysql = mysql_target_connect(&config->target, failure);
	CopyTable *tables = NULL;
	size_t count = 0, used = 0;
	bool ok = mysql != NULL && copy_record_read(mysql, config->target.database, key, &tables, &count, failure);

	if (mysql != NULL)
		mysql_close(mysql);
	if (ok)
	{
		config->copied = calloc(count + 1, 64);
		ok = config->copied != NULL || no_memory(failure);
	}
	for (size_t i = 0; ok && i < count; i++)
	{
		const char *position = tables[i].position[0] != '\0' ? tables[i].position : NEVER;

		used += (size_t) snprintf(config->copied + used, 64, "%s%u@%s", used > 0 ? "," : "", tables[i].relid, position);
	}
	copy_tables_free(tables, count);
	return ok;
}
