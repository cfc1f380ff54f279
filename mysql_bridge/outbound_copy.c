/*
 * An exact copy without a lock on writers that lasts, resumed after any end of a session.
 *
 * The log is kept from before the copy on. Tables are read as of positions of the log, some at once, each by a
 * connection of its own that writes to the target by a connection of its own. When a table's last row is written, its
 * row in the record at the target says as of which position it is there, in the same transaction. A later session finds
 * what is copied, and reads the rest as of later positions.
 *
 * Then the log is applied from where it was kept, where each table's changes that were committed before its own
 * position are left out by the source. So nothing is applied twice and nothing is left out, and no row is ever
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
#include "copy_source.h"
#include "log.h"
#include "mysql_copier.h"
#include "mysql_progress.h"
#include "mysql_target.h"
#include "postgres_connection.h"
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
	MysqlCopier *copier; /* this and the next: set and taken away under the lock */
	CopyReader *reader;
	PGconn *conn; /* to the bridge's PostgreSQL: tells what the target refused */
	unsigned number;
} Worker;

struct OutboundCopy
{
	const OutboundCopyInput *in;
	CopySourceInput source_input;
	CopySource *source;
	CopyTable *tables;
	size_t table_count;
	char token[COPY_TOKEN_SIZE];
	bool planned;                   /* an earlier session has recorded which tables are to be copied */
	bool vanished;                  /* since then one has gone */
	MYSQL *mysql;                   /* the plan's own connection to the target */
	char begin[COPY_POSITION_SIZE]; /* from where the log will be read */
	int abort_fd;                   /* readable: every worker gives up */

	pthread_mutex_t lock;
	size_t next_table; /* of the tables: the first of the next group is here or behind it */
	bool linking;      /* the tables are copied: now their foreign keys */
	unsigned running;
	unsigned finished; /* groups, in this session */
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

/* By its number where the source has one, else by its names. */
static CopyTable *
find_table(OutboundCopy *copy, const CopyListed *listed)
{
	for (size_t i = 0; i < copy->table_count; i++)
	{
		CopyTable *table = &copy->tables[i];

		if (listed->relid != 0 ? table->relid == listed->relid
							   : strcmp(table->schema, listed->schema) == 0 && strcmp(table->name, listed->name) == 0)
			return table;
	}
	return NULL;
}

static CopyTable *
add_table(OutboundCopy *copy, unsigned relid, Failure *failure)
{
	CopyTable *grown = realloc(copy->tables, (copy->table_count + 1) * sizeof *grown);

	if (grown == NULL)
	{
		(void) no_memory(failure);
		return NULL;
	}
	copy->tables = grown;
	copy->tables[copy->table_count] =
		(CopyTable){.relid = relid != 0 ? relid : (unsigned) copy->table_count + 1, .told_phase = -1};
	return &copy->tables[copy->table_count++];
}

/* One table as it is now. Names and estimates are those of now, whatever was recorded. */
static bool
take_listed(void *context, const CopyListed *listed, Failure *failure)
{
	OutboundCopy *copy = context;
	CopyTable *table = find_table(copy, listed);

	if (table == NULL)
	{
		/* All that a table holds which was made after the copy began is in the log. */
		if (copy->planned)
			return true;
		table = add_table(copy, listed->relid, failure);
		if (table == NULL)
			return false;
	}
	free(table->schema);
	free(table->name);
	table->schema = strdup(listed->schema);
	table->name = strdup(listed->name);
	table->rows_estimated = listed->rows_estimated;
	table->bytes_estimated = listed->bytes_estimated;
	table->group = listed->group;
	table->listed = true;
	return (table->schema != NULL && table->name != NULL) || no_memory(failure);
}

/*
 * The tables as they are now. One that is not there any more, and of which the source says as of when, needs no copy;
 * what the log says of it later belongs to another table of the name.
 */
static bool
list_tables(OutboundCopy *copy, Failure *failure)
{
	const char *gone;

	if (!copy->source->ops->list(copy->source, take_listed, copy, &gone, failure))
		return false;
	for (size_t i = 0; gone != NULL && i < copy->table_count; i++)
	{
		CopyTable *table = &copy->tables[i];

		if (!table->listed && table->position[0] == '\0')
		{
			snprintf(table->position, sizeof table->position, "%s", gone);
			copy->vanished = true;
		}
	}
	return true;
}

/* The record's row of the place from where the log is read. It looks like a table that nobody selects. */
static CopyTable *
find_mark(OutboundCopy *copy)
{
	static const CopyListed mark = {.relid = 0, .schema = "", .name = ""};

	return find_table(copy, &mark);
}

static bool
remember_begin(OutboundCopy *copy, Failure *failure)
{
	CopyTable *mark;

	if (!copy->source->ops->marks || find_mark(copy) != NULL)
		return true;
	mark = add_table(copy, 0, failure);
	if (mark == NULL)
		return false;
	mark->schema = strdup("");
	mark->name = strdup("");
	snprintf(mark->position, sizeof mark->position, "%s", copy->begin);
	return (mark->schema != NULL && mark->name != NULL) || no_memory(failure);
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

static bool
begin_source(OutboundCopy *copy, Failure *failure)
{
	CopyTable *mark = find_mark(copy);
	CopyPast past = {copy->planned, copy->table_count, tables_left(copy), mark != NULL ? mark->position : ""};

	copy->source_input = (CopySourceInput){copy->in->conn, copy->in->config, copy->in->stop_fd};
	copy->source = copy->in->config->relay ? relay_copy_new(&copy->source_input, failure)
										   : postgres_copy_new(&copy->source_input, failure);
	return copy->source != NULL && copy->source->ops->begin(copy->source, &past, copy->begin, failure);
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
	result = postgres_connection_query(worker->conn, "SELECT dbstream.outbound_ddl_note($1, $2, $3, $4)", 4, values,
									   worker->copy->abort_fd, QUERY_TIMEOUT_MS, failure);
	PQclear(result);
	return result != NULL;
}

/* The tables that a worker takes at once, which are read as of one moment. */
typedef struct Group
{
	CopyTable **tables;
	CopyDdl *ddl; /* of each */
	size_t count;
} Group;

static void
free_group(Group *group)
{
	for (size_t i = 0; group->ddl != NULL && i < group->count; i++)
		copy_ddl_free(&group->ddl[i]);
	free(group->ddl);
	free(group->tables);
}

/* Returns false. */
static bool
failed_with(const CopyTable *table, Failure *failure)
{
	failure_context(failure, "copying table %s.%s", table->schema, table->name);
	return false;
}

static bool
define(Worker *worker, const CopyTable *table, CopyDdl *ddl, Failure *failure)
{
	return worker->reader->ops->define(worker->reader, table, mysql_copier_dialect(worker->copier), ddl, failure) ||
		   failed_with(table, failure);
}

static bool
copy_rows(Worker *worker, Group *group, const char *position, Failure *failure)
{
	for (size_t i = 0; i < group->count; i++)
	{
		CopyTable *table = group->tables[i];

		if (!define(worker, table, &group->ddl[i], failure))
			return false;
		if (!mysql_copier_begin(worker->copier, table, &group->ddl[i], failure) ||
			!worker->reader->ops->rows(worker->reader, table, worker->copier, failure) ||
			!mysql_copier_end(worker->copier, position, failure))
			return failed_with(table, failure);
	}
	return true;
}

/* Some tables of the group were copied as of an earlier moment: that copy goes. */
static bool
forget_copied(Worker *worker, Group *group, Failure *failure)
{
	for (size_t i = 0; i < group->count; i++)
	{
		CopyTable *table = group->tables[i];

		if (table->position[0] != '\0' && !mysql_copier_forget(worker->copier, table, failure))
			return false;
	}
	return true;
}

static bool
copy_group(Worker *worker, Group *group, Failure *failure)
{
	const CopyReaderOps *ops = worker->reader->ops;
	char position[COPY_POSITION_SIZE];

	return forget_copied(worker, group, failure) &&
		   ops->open(worker->reader, group->tables, group->count, position, failure) &&
		   copy_rows(worker, group, position, failure) && ops->close(worker->reader, failure);
}

static bool
add_keys(Worker *worker, CopyTable *table, CopyDdl *ddl, const char *stage, Failure *failure)
{
	if (ddl->count == 0 && !define(worker, table, ddl, failure))
		return false;
	return mysql_copier_add(worker->copier, table, ddl, stage, failure) || failed_with(table, failure);
}

/* Rows and keys of a group, or, when that is done everywhere, its foreign keys. */
static bool
work_on(Worker *worker, Group *group, Failure *failure)
{
	bool linking = worker->copy->linking;
	bool left = false;
	bool ok = true;

	for (size_t i = 0; i < group->count; i++)
		left = left || group->tables[i]->position[0] == '\0';
	if (left)
		ok = copy_group(worker, group, failure);
	for (size_t i = 0; ok && i < group->count; i++)
	{
		CopyTable *table = group->tables[i];

		if (linking ? !table->linked : !table->keyed)
			ok = add_keys(worker, table, &group->ddl[i], linking ? "foreign key" : "index", failure);
	}
	return ok;
}

/* The next group; false: none, or no memory, of which *failure tells. Its tables are this worker's from here on. */
static bool
take_group(OutboundCopy *copy, Group *group, Failure *failure)
{
	CopyTable *first = NULL;

	*group = (Group){0};
	pthread_mutex_lock(&copy->lock);
	while (first == NULL && !copy->failed && copy->next_table < copy->table_count)
	{
		CopyTable *next = &copy->tables[copy->next_table++];

		if (next->listed && !next->taken)
			first = next;
	}
	if (first != NULL)
	{
		group->tables = calloc(copy->table_count, sizeof *group->tables);
		group->ddl = calloc(copy->table_count, sizeof *group->ddl);
	}
	for (CopyTable *table = first; group->tables != NULL && table < copy->tables + copy->table_count; table++)
	{
		if (table != first && (!table->listed || first->group == 0 || table->group != first->group))
			continue;
		table->taken = true;
		group->tables[group->count++] = table;
	}
	pthread_mutex_unlock(&copy->lock);
	if (first == NULL)
		return false;
	return (group->tables != NULL && group->ddl != NULL) || no_memory(failure);
}

static bool
open_worker(Worker *worker, Failure *failure)
{
	OutboundCopy *copy = worker->copy;
	CopyReader *reader;
	MysqlCopierInput input = {copy->in->config,  copy->in->key, copy->token, worker->number,
							  copy->in->empties, note_refusal,  worker};
	MysqlCopier *copier = mysql_copier_new(&input, failure);

	if (copier == NULL)
		return false;
	pthread_mutex_lock(&copy->lock);
	worker->copier = copier;
	pthread_mutex_unlock(&copy->lock);
	worker->conn =
		postgres_connection_open(copy->in->config->postgres_conninfo, "dbstream-bridge copy", copy->abort_fd, failure);
	if (worker->conn == NULL)
		return false;
	reader = copy->source->ops->reader(copy->source, worker->conn, copy->abort_fd, failure);
	pthread_mutex_lock(&copy->lock);
	worker->reader = reader;
	pthread_mutex_unlock(&copy->lock);
	return reader != NULL;
}

static void
close_worker(Worker *worker)
{
	MysqlCopier *copier;
	CopyReader *reader;

	pthread_mutex_lock(&worker->copy->lock);
	copier = worker->copier;
	reader = worker->reader;
	worker->copier = NULL;
	worker->reader = NULL;
	pthread_mutex_unlock(&worker->copy->lock);
	mysql_copier_free(copier);
	if (reader != NULL)
		reader->ops->free(reader);
	PQfinish(worker->conn);
	worker->conn = NULL;
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
		if (copy->workers[i].reader != NULL)
			copy->workers[i].reader->ops->interrupt(copy->workers[i].reader);
	}
}

static void *
run_worker(void *context)
{
	Worker *worker = context;
	OutboundCopy *copy = worker->copy;
	Failure failure = {.class = FAILURE_NONE};
	Group group;
	bool ok;

	mysql_thread_init();
	ok = open_worker(worker, &failure);
	while (ok && take_group(copy, &group, &failure))
	{
		ok = work_on(worker, &group, &failure);
		pthread_mutex_lock(&copy->lock);
		copy->finished += ok;
		pthread_mutex_unlock(&copy->lock);
		free_group(&group);
	}
	ok = ok && failure.class == FAILURE_NONE;
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
	for (size_t i = 0; i < copy->table_count; i++)
		copy->tables[i].taken = false;
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
	if (!take_over(copy, failure) || !begin_source(copy, failure) || !list_tables(copy, failure) ||
		!remember_begin(copy, failure) || !((copy->planned && !copy->vanished) || by_one_writer(copy, true, failure)) ||
		!report(copy, failure))
		return false;
	log_line(LOG_LEVEL_INFO, stream_name(copy), "copy: %zu tables to copy; the log will be read from %s",
			 tables_left(copy), copy->begin);
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
	if (copy->source != NULL)
		copy->source->ops->free(copy->source);
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

static bool
put_copied_tables(StreamConfig *config, const CopyTable *tables, size_t count, Failure *failure)
{
	config->copied_tables = calloc(count + 1, sizeof *config->copied_tables);
	if (config->copied_tables == NULL)
		return no_memory(failure);
	for (size_t i = 0; i < count; i++)
	{
		CopiedTable *copied = &config->copied_tables[config->copied_count];

		if (tables[i].position[0] == '\0' || tables[i].schema[0] == '\0')
			continue;
		copied->schema = strdup(tables[i].schema);
		copied->name = strdup(tables[i].name);
		copied->before = strdup(tables[i].position);
		config->copied_count++;
		if (copied->schema == NULL || copied->name == NULL || copied->before == NULL)
			return no_memory(failure);
	}
	return true;
}

static bool
put_copied_numbers(StreamConfig *config, const CopyTable *tables, size_t count, Failure *failure)
{
	size_t room = COPY_POSITION_SIZE + 16;
	size_t used = 0;

	config->copied = calloc(count + 1, room);
	if (config->copied == NULL)
		return no_memory(failure);
	for (size_t i = 0; i < count; i++)
	{
		const char *position = tables[i].position[0] != '\0' ? tables[i].position : NEVER;

		used +=
			(size_t) snprintf(config->copied + used, room, "%s%u@%s", used > 0 ? "," : "", tables[i].relid, position);
	}
	return true;
}

bool
outbound_copy_positions(StreamConfig *config, const char *key, Failure *failure)
{
	MYSQL *mysql = mysql_target_connect(&config->target, failure);
	CopyTable *tables = NULL;
	size_t count = 0;
	bool ok = mysql != NULL && copy_record_read(mysql, config->target.database, key, &tables, &count, failure);

	if (mysql != NULL)
		mysql_close(mysql);
	ok = ok && (config->relay ? put_copied_tables(config, tables, count, failure)
							  : put_copied_numbers(config, tables, count, failure));
	copy_tables_free(tables, count);
	return ok;
}
