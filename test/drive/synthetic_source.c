/*
 * A source without a server: it makes rows up, so that the pipeline and the
 * extension can be driven as fast as they go, and rows can be counted.
 *
 * Linked instead of source_registry.c it serves every mysql and mariadb connection. The
 * environment says what it makes: SYNTHETIC_ROWS in all (default 1000000),
 * SYNTHETIC_TRANSACTION_ROWS in one transaction (default 1000000), SYNTHETIC_WIDE bytes of one text in
 * every thousandth row (default 0), SYNTHETIC_FAIL_AT the row before which reading fails once for each session.
 * A position is "synthetic.000001:N" after N rows; after the last row the source is idle.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../mysql_bridge/source.h"
#include "../../mysql_bridge/source_registry.h"

#define TABLE_ID 1
#define ROWS_IN_MESSAGE 500

struct Source
{
	const StreamConfig *config;
	Outbox *outbox;
	uint64_t rows; /* in all */
	uint64_t transaction_rows;
	uint64_t wide;
	uint64_t fail_at;
	uint64_t next;
	char *text;
	pthread_mutex_t lock; /* guards progress and interrupted */
	pthread_cond_t wake;
	bool interrupted;
	SourceProgress progress;
};

static uint64_t
setting(const char *name, uint64_t fallback)
{
	const char *value = getenv(name);

	return value != NULL ? strtoull(value, NULL, 10) : fallback;
}

static Source *
synthetic_open(const StreamConfig *config, const StartPoint *start, Outbox *outbox, Failure *failure)
{
	Source *source = calloc(1, sizeof *source);
	const char *colon = strrchr(start->position, ':');

	(void) failure;
	source->config = config;
	source->outbox = outbox;
	source->rows = setting("SYNTHETIC_ROWS", 1000000);
	source->transaction_rows = setting("SYNTHETIC_TRANSACTION_ROWS", 1000000);
	source->wide = setting("SYNTHETIC_WIDE", 0);
	source->fail_at = setting("SYNTHETIC_FAIL_AT", 0);
	source->next = colon != NULL ? strtoull(colon + 1, NULL, 10) : 0;
	source->text = malloc(source->wide + 1);
	memset(source->text, 'w', source->wide);
	pthread_mutex_init(&source->lock, NULL);
	pthread_cond_init(&source->wake, NULL);
	return source;
}

static DbsString
string(const char *text)
{
	return (DbsString){text, (uint32_t) strlen(text)};
}

static bool
put_header(Source *source, Failure *failure)
{
	DbsHello hello = {DBS_WIRE_VERSION, DBS_WIRE_MIN_VERSION, 0, string("dbstream-bridge synthetic"),
					  string("mysql"),  string("0")};
	DbsTable table = {TABLE_ID, 4, string("synthetic"), string("item")};
	DbsColumn columns[4] = {
		{string("id"), string("int"), DBS_KIND_INT4, DBS_COLUMN_KEY, 0, 0},
		{string("k"), string("int"), DBS_KIND_INT4, 0, 0, 0},
		{string("c"), string("text"), DBS_KIND_TEXT, 0, 0, 0},
		{string("pad"), string("varchar(60)"), DBS_KIND_TEXT, 0, 60, 0},
	};

	if (!outbox_reserve(source->outbox, 1024, failure))
		return false;
	return dbs_put_hello(outbox_writer(source->outbox), &hello) &&
		   dbs_put_table(outbox_writer(source->outbox), &table, columns);
}

static bool
put_row(Source *source, uint64_t number, Failure *failure)
{
	char c[120];
	char pad[60];
	bool wide = source->wide > 0 && number % 1000 == 999;
	DbsWriter *w;

	if (!outbox_reserve(source->outbox, 256 + (wide ? source->wide : 0), failure))
		return false;
	w = outbox_writer(source->outbox);
	memset(c, 'a' + (int) (number % 26), sizeof c);
	memset(pad, 'A' + (int) (number % 26), sizeof pad);
	dbs_put_row_form(w, DBS_ROW_FULL, 4, NULL, NULL);
	dbs_put_u32(w, (uint32_t) (number + 1));
	dbs_put_u32(w, (uint32_t) (number % 1000));
	if (wide)
		dbs_put_varying(w, source->text, source->wide);
	else
		dbs_put_varying(w, c, sizeof c);
	dbs_put_varying(w, pad, sizeof pad);
	return true;
}

static bool
put_rows(Source *source, uint64_t count, Failure *failure)
{
	if (!outbox_reserve(source->outbox, 64, failure) ||
		!dbs_rows_begin(outbox_writer(source->outbox), TABLE_ID, DBS_ROWS_INSERT))
		return false;
	for (uint64_t i = 0; i < count; i++)
	{
		if (!put_row(source, source->next + i, failure))
			return false;
	}
	if (!outbox_reserve(source->outbox, 8, failure))
		return false;
	dbs_rows_end(outbox_writer(source->outbox), (uint32_t) count, 0);
	source->next += count;
	return true;
}

static void
publish(Source *source)
{
	pthread_mutex_lock(&source->lock);
	source->progress.point = (SourcePoint){1, source->next};
	snprintf(source->progress.position, sizeof source->progress.position, "synthetic.000001:%llu",
			 (unsigned long long) source->next);
	source->progress.rows = source->next;
	source->progress.last_event_time = (int64_t) (time(NULL) - 946684800) * 1000000;
	pthread_mutex_unlock(&source->lock);
}

static bool
put_transaction(Source *source, Failure *failure)
{
	uint64_t end = source->next + source->transaction_rows;
	DbsBegin begin = {1, 0, {NULL, 0}};
	DbsCommit commit = {(int64_t) (time(NULL) - 946684800) * 1000000, {NULL, 0}, {NULL, 0}};
	char position[64];

	if (end > source->rows)
		end = source->rows;
	begin.commit_time = commit.commit_time;
	if (!outbox_reserve(source->outbox, 128, failure) || !dbs_put_begin(outbox_writer(source->outbox), &begin))
		return false;
	while (source->next < end)
	{
		uint64_t count = end - source->next < ROWS_IN_MESSAGE ? end - source->next : ROWS_IN_MESSAGE;

		if (source->fail_at != 0 && source->next >= source->fail_at)
			return failure_set(failure, FAILURE_REJECT, "synthetic", "Unset SYNTHETIC_FAIL_AT.", "row %llu is cursed",
							   (unsigned long long) source->next);
		if (!put_rows(source, count, failure))
			return false;
		publish(source);
	}
	snprintf(position, sizeof position, "synthetic.000001:%llu", (unsigned long long) source->next);
	commit.position = string(position);
	if (!outbox_reserve(source->outbox, 256, failure) || !dbs_put_commit(outbox_writer(source->outbox), &commit))
		return false;
	return outbox_mark(source->outbox, (SourcePoint){1, source->next}, source->next >= source->rows, failure);
}

static bool
synthetic_run(Source *source, Failure *failure)
{
	if (!put_header(source, failure))
		return false;
	publish(source);
	while (source->next < source->rows)
	{
		if (outbox_stopping(source->outbox))
			return true;
		if (!put_transaction(source, failure))
			return outbox_stopping(source->outbox);
		publish(source);
	}
	if (!outbox_mark(source->outbox, (SourcePoint){1, source->next}, true, failure))
		return outbox_stopping(source->outbox);
	pthread_mutex_lock(&source->lock);
	while (!source->interrupted)
		pthread_cond_wait(&source->wake, &source->lock);
	pthread_mutex_unlock(&source->lock);
	return true;
}

static void
synthetic_interrupt(Source *source)
{
	pthread_mutex_lock(&source->lock);
	source->interrupted = true;
	pthread_cond_signal(&source->wake);
	pthread_mutex_unlock(&source->lock);
}

static bool
synthetic_end_point(Source *source, SourcePoint from, SourcePoint *end, char text[512], uint64_t *bytes_behind,
					Failure *failure)
{
	(void) failure;
	*end = (SourcePoint){1, source->rows};
	if (text != NULL)
		snprintf(text, 512, "synthetic.000001:%llu", (unsigned long long) source->rows);
	if (bytes_behind != NULL)
		*bytes_behind = source->rows - from.offset;
	return true;
}

static void
synthetic_progress(const Source *source, SourceProgress *progress)
{
	Source *mutable_source = (Source *) source;

	pthread_mutex_lock(&mutable_source->lock);
	*progress = source->progress;
	pthread_mutex_unlock(&mutable_source->lock);
}

static void
synthetic_close(Source *source)
{
	pthread_cond_destroy(&source->wake);
	pthread_mutex_destroy(&source->lock);
	free(source->text);
	free(source);
}

static bool
synthetic_validate(const StreamConfig *config, CheckSink sink, void *context, Failure *failure)
{
	Check check = {.name = "synthetic", .status = "ok"};

	(void) failure;
	snprintf(check.object, sizeof check.object, "stream %s", config->name);
	snprintf(check.detail, sizeof check.detail, "rows are made up");
	sink(context, &check);
	return true;
}

static const SourceOps synthetic_ops = {
	"mysql",         synthetic_open,     synthetic_run, synthetic_interrupt, synthetic_end_point, synthetic_progress,
	synthetic_close, synthetic_validate,
};

const SourceOps *
source_registry_find(const char *kind)
{
	return strcmp(kind, "postgresql") != 0 ? &synthetic_ops : NULL;
}

bool
source_registry_init(Failure *failure)
{
	(void) failure;
	return true;
}

void
source_registry_exit(void)
{
}

void
source_registry_thread_begin(void)
{
}

void
source_registry_thread_end(void)
{
}
