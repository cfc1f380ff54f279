/*
 * binlog_dump: reads a MySQL or MariaDB source as a stream would, and prints the wire messages instead of sending them.
 * For contributors; nothing is written anywhere. It links all of the bridge except main.c and outbox.c.
 *
 *   binlog_dump [--host H] [--port P] [--socket S] [--user U] [--ssl-mode M] [--ssl-ca F] [--ssl-cert F] [--ssl-key F]
 *               [--start now|earliest|POSITION] [--gtid SET] [--resume POSITION] [--follow-by auto|gtid|file]
 *               [--table PATTERN]... [--follow] [--quiet] [--validate]
 *
 * The password comes from the environment variable MYSQL_PWD. Ends when it has read what the log had at the start,
 * unless told to --follow. Exit code 0: done; 1: the source failed, with the failure printed; 2: wrong arguments.
 */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "outbox.h"
#include "source.h"
#include "wire.h"

#define MAX_PATTERNS 64

struct Outbox
{
	DbsWriter writer;
	atomic_bool stopping;
	bool quiet;
	uint64_t bytes;
	uint64_t marks;
	uint64_t flushes;
};

/* ---- printing ---- */

#define TEXT(s) (int) (s).size, (s).data

static void
print_table(DbsReader *r)
{
	DbsTable table;

	if (!dbs_get_table(r, &table))
		return;
	printf("table %u %.*s.%.*s\n", table.id, TEXT(table.schema), TEXT(table.name));
	for (uint32_t i = 0; i < table.column_count; i++)
	{
		DbsColumn column;

		if (!dbs_get_column(r, &column))
			return;
		printf("  %.*s %.*s (%s)%s%s\n", TEXT(column.name), TEXT(column.type_name), dbs_kind_name(column.kind),
			   (column.flags & DBS_COLUMN_KEY) != 0 ? " key" : "",
			   (column.flags & DBS_COLUMN_NULLABLE) != 0 ? " null" : "");
	}
}

static void
print_message(const DbsMessage *message)
{
	static const char *const operations[] = {"?", "insert", "update", "delete"};
	DbsReader r;
	DbsHello hello;
	DbsBegin begin;
	DbsRows rows;
	DbsDdl ddl;
	DbsCommit commit;
	DbsHeartbeat heartbeat;

	dbs_reader_init(&r, message);
	switch (message->type)
	{
		case DBS_MESSAGE_HELLO:
			if (dbs_get_hello(&r, &hello))
				printf("hello %.*s, source %.*s %.*s, flags %x\n", TEXT(hello.software), TEXT(hello.source_kind),
					   TEXT(hello.source_version), hello.flags);
			break;
		case DBS_MESSAGE_BEGIN:
			if (dbs_get_begin(&r, &begin))
				printf("begin gtid=%.*s time=%" PRId64 "\n", TEXT(begin.gtid), begin.commit_time);
			break;
		case DBS_MESSAGE_TABLE:
			print_table(&r);
			break;
		case DBS_MESSAGE_ROWS:
			if (dbs_get_rows(&r, &rows))
				printf("rows table %u %s count=%u adjusted=%u bytes=%zu\n", rows.table_id, operations[rows.op & 3],
					   rows.count, rows.adjusted, message->size);
			break;
		case DBS_MESSAGE_DDL:
			if (dbs_get_ddl(&r, &ddl))
				printf("ddl schema=%.*s charset=%.*s sql_mode=%" PRIu64 " time=%" PRId64 " zone=%" PRId32
					   " flags=%" PRIx32 " %.*s\n",
					   TEXT(ddl.default_schema), TEXT(ddl.charset), ddl.sql_mode, ddl.time, ddl.utc_offset, ddl.flags,
					   TEXT(ddl.text));
			break;
		case DBS_MESSAGE_COMMIT:
			if (dbs_get_commit(&r, &commit))
				printf("commit position=%.*s gtid_set=%.*s time=%" PRId64 "\n", TEXT(commit.position),
					   TEXT(commit.gtid_set), commit.commit_time);
			break;
		case DBS_MESSAGE_HEARTBEAT:
			if (dbs_get_heartbeat(&r, &heartbeat))
				printf("heartbeat position=%.*s gtid_set=%.*s\n", TEXT(heartbeat.position), TEXT(heartbeat.gtid_set));
			break;
		default:
			printf("message %d of %zu bytes\n", (int) message->type, message->size);
	}
	if (r.error != NULL)
		printf("  DAMAGED: %s\n", r.error);
}

/* Print the whole messages, up to the open one if there is one, and move that to the front. */
static void
print_written(Outbox *outbox)
{
	DbsWriter *w = &outbox->writer;
	uint32_t body = 1;
	size_t whole;
	size_t at = 0;

	/* An open message has no size in its header yet. */
	if (w->used > w->message)
		memcpy(&body, w->data + w->message, sizeof body);
	whole = body == 0 ? w->message : w->used;
	while (!outbox->quiet && at < whole)
	{
		DbsMessage message;
		const char *error = NULL;
		size_t needed;
		size_t size = dbs_message_next(w->data + at, whole - at, &message, &needed, &error);

		if (size == 0 || size == SIZE_MAX)
		{
			printf("DAMAGED message: %s\n", error != NULL ? error : "incomplete");
			exit(1);
		}
		print_message(&message);
		at += size;
	}
	outbox->bytes += whole;
	memmove(w->data, w->data + whole, w->used - whole);
	w->used -= whole;
	w->message = 0;
	fflush(stdout);
}

/* ---- the outbox: prints what it is given ---- */

DbsWriter *
outbox_writer(Outbox *outbox)
{
	return &outbox->writer;
}

bool
outbox_reserve(Outbox *outbox, size_t size, Failure *failure)
{
	DbsWriter *w = &outbox->writer;

	if (atomic_load(&outbox->stopping))
		return failure_set(failure, FAILURE_RETRY, "stopping", "", "stopping");

	if (w->size - w->used < size && w->used > OUTBOX_BATCH_SIZE / 2)
		print_written(outbox);
	if (w->size - w->used < size)
	{
		size_t room = w->used + size + OUTBOX_BATCH_SIZE;
		char *data = realloc(w->data, room);

		if (data == NULL)
			return failure_set(failure, FAILURE_RETRY, "out_of_memory", "", "out of memory");
		w->data = data;
		w->size = room;
	}
	return true;
}

bool
outbox_mark(Outbox *outbox, SourcePoint point, bool flush, Failure *failure)
{
	outbox->marks++;
	outbox->flushes += flush ? 1 : 0;
	if (outbox->writer.used > 0 && (flush || outbox->writer.used > OUTBOX_BATCH_SIZE))
		print_written(outbox);
	return true;
}

bool
outbox_exchange(Outbox *outbox, char **data, size_t *capacity, size_t size, Failure *failure)
{
	if (!outbox_reserve(outbox, size, failure))
		return false;
	outbox->writer.message = outbox->writer.used;
	dbs_put_bytes(&outbox->writer, *data, size);
	return outbox_mark(outbox, (SourcePoint){0, 0}, true, failure);
}

bool
outbox_stopping(const Outbox *outbox)
{
	return atomic_load(&outbox->stopping);
}

/* ---- running ---- */

typedef struct Run
{
	Source *source;
	Outbox *outbox;
	bool follow;
	atomic_bool over;
} Run;

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
	interrupted = 1;
}

/* Ends the run once the end that the log had at the start has been reached. */
static void *
watch(void *argument)
{
	Run *run = argument;
	SourcePoint from = {0};
	SourcePoint end = {0};
	uint64_t behind = 0;
	char text[512] = "";
	Failure failure = {0};

	if (!mysql_source_ops.end_point(run->source, from, &end, text, &behind, &failure))
		fprintf(stderr, "end of the log: %s\n", failure.message);
	else
		fprintf(stderr, "the log ends at %s, after %" PRIu64 " bytes\n", text, behind);
	while (!atomic_load(&run->over))
	{
		struct timespec pause = {0, 1000 * 1000};
		SourceProgress progress;

		mysql_source_ops.progress(run->source, &progress);
		if (interrupted || (!run->follow && (progress.point.file > end.file ||
											 (progress.point.file == end.file && progress.point.offset >= end.offset))))
		{
			atomic_store(&run->outbox->stopping, true);
			mysql_source_ops.interrupt(run->source);
			break;
		}
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void
print_check(void *context, const Check *check)
{
	printf("%-8s %-26s %-24s %s%s%s\n", check->status, check->name, check->object, check->detail,
		   check->remedy[0] != '\0' ? "  => " : "", check->remedy);
}

static int
print_failure(const Failure *failure)
{
	static const char *const classes[] = {"none", "retry", "reject", "fatal"};

	printf("FAILED %s %s at \"%s\": %s\n  hint: %s\n", classes[failure->class], failure->code, failure->position,
		   failure->message, failure->hint);
	return 1;
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static int
run_source(const StreamConfig *config, const StartPoint *start, bool follow, bool quiet)
{
	Outbox outbox = {.quiet = quiet};
	Failure failure = {0};
	Run run = {.outbox = &outbox, .follow = follow};
	SourceProgress progress;
	struct rusage usage;
	pthread_t watcher;
	double began = seconds();
	bool done;

	run.source = mysql_source_ops.open(config, start, &outbox, &failure);
	if (run.source == NULL)
		return print_failure(&failure);
	if (pthread_create(&watcher, NULL, watch, &run) != 0)
		return 2;
	done = mysql_source_ops.run(run.source, &failure);
	atomic_store(&run.over, true);
	pthread_join(watcher, NULL);
	if (done)
		print_written(&outbox);
	mysql_source_ops.progress(run.source, &progress);
	getrusage(RUSAGE_SELF, &usage);
	fprintf(stderr,
			"%s events=%" PRIu64 " bytes=%" PRIu64 " transactions=%" PRIu64 " rows=%" PRIu64 " wire=%" PRIu64
			" marks=%" PRIu64 " flushes=%" PRIu64 " seconds=%.3f cpu=%.3f maxrss=%ld kB\n",
			progress.position, progress.events, progress.bytes, progress.transactions, progress.rows, outbox.bytes,
			outbox.marks, outbox.flushes, seconds() - began,
			(double) usage.ru_utime.tv_sec + (double) usage.ru_utime.tv_usec / 1e6 + (double) usage.ru_stime.tv_sec +
				(double) usage.ru_stime.tv_usec / 1e6,
			usage.ru_maxrss);
	mysql_source_ops.close(run.source);
	free(outbox.writer.data);
	return done ? 0 : print_failure(&failure);
}

static int
ssl_mode(const char *name)
{
	static const char *const names[] = {"DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"};

	for (int i = 0; i < 5; i++)
		if (strcasecmp(name, names[i]) == 0)
			return i;
	fprintf(stderr, "unknown TLS mode \"%s\"\n", name);
	exit(2);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"host", required_argument, NULL, 'h'},      {"port", required_argument, NULL, 'P'},
		{"socket", required_argument, NULL, 'S'},    {"user", required_argument, NULL, 'u'},
		{"ssl-mode", required_argument, NULL, 'm'},  {"ssl-ca", required_argument, NULL, 'a'},
		{"ssl-cert", required_argument, NULL, 'c'},  {"ssl-key", required_argument, NULL, 'k'},
		{"start", required_argument, NULL, 's'},     {"gtid", required_argument, NULL, 'g'},
		{"resume", required_argument, NULL, 'r'},    {"follow-by", required_argument, NULL, 'b'},
		{"table", required_argument, NULL, 't'},     {"follow", no_argument, NULL, 'f'},
		{"quiet", no_argument, NULL, 'q'},           {"validate", no_argument, NULL, 'v'},
		{"server-id", required_argument, NULL, 'i'}, {NULL, 0, NULL, 0},
	};
	char *patterns[MAX_PATTERNS + 1] = {NULL};
	size_t pattern_count = 0;
	StreamConfig config = {.id = 1, .name = "dump", .tables = patterns, .heartbeat_seconds = 2};
	StartPoint start = {.kind = "now", .position = "", .gtid_set = ""};
	bool follow = false;
	bool quiet = false;
	bool validate = false;
	int option;

	config.source.name = "dump";
	config.source.kind = "mysql";
	config.source.host = "127.0.0.1";
	config.source.port = 3306;
	config.source.user = "root";
	config.source.password = getenv("MYSQL_PWD");
	config.source.ssl_mode = SSL_MODE_NAME_PREFERRED;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option)
		{
			case 'h':
				config.source.host = optarg;
				break;
			case 'P':
				config.source.port = (unsigned) strtoul(optarg, NULL, 10);
				break;
			case 'S':
				config.source.socket = optarg;
				break;
			case 'u':
				config.source.user = optarg;
				break;
			case 'm':
				config.source.ssl_mode = (SslModeName) ssl_mode(optarg);
				break;
			case 'a':
				config.source.ssl_ca = optarg;
				break;
			case 'c':
				config.source.ssl_cert = optarg;
				break;
			case 'k':
				config.source.ssl_key = optarg;
				break;
			case 's':
				start.kind = strchr(optarg, ':') != NULL ? "file" : optarg;
				start.position = strchr(optarg, ':') != NULL ? optarg : "";
				break;
			case 'g':
				if (strcmp(start.kind, "position") != 0)
					start.kind = "gtid";
				start.gtid_set = optarg;
				break;
			case 'r':
				start.kind = "position";
				start.position = optarg;
				break;
			case 'b':
				config.follow = strcmp(optarg, "gtid") == 0   ? FOLLOW_GTID
								: strcmp(optarg, "file") == 0 ? FOLLOW_FILE
															  : FOLLOW_AUTO;
				break;
			case 't':
				if (pattern_count < MAX_PATTERNS)
					patterns[pattern_count++] = optarg;
				break;
			case 'i':
				config.server_id = (uint32_t) strtoul(optarg, NULL, 10);
				break;
			case 'f':
				follow = true;
				break;
			case 'q':
				quiet = true;
				break;
			case 'v':
				validate = true;
				break;
			default:
				return 2;
		}
	if (pattern_count == 0)
		patterns[0] = "*.*";
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if (validate)
	{
		Failure failure = {0};

		return mysql_source_ops.validate(&config, print_check, NULL, &failure) ? 0 : print_failure(&failure);
	}
	return run_source(&config, &start, follow, quiet);
}
