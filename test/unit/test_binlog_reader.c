/*
 * The reader of the binary log, fed with whole files that servers wrote (test/data/binlog) and with damaged ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "binlog_event.h"
#include "binlog_reader.h"
#include "charset.h"
#include "stub_outbox.h"

/* ---- what the reader is linked with: an outbox that remembers marks ---- */

static SourcePoint last_mark;

bool
outbox_mark(Outbox *outbox, SourcePoint point, bool flush, Failure *failure)
{
	last_mark = point;
	return true;
}

bool
outbox_exchange(Outbox *outbox, char **data, size_t *capacity, size_t size, Failure *failure)
{
	fail_msg("the log's reader has no buffer of its own");
	return false;
}

bool
outbox_stopping(const Outbox *outbox)
{
	return false;
}

/* ---- log files ---- */

#define MAX_EVENTS 200

typedef struct LogFile
{
	uint8_t *data;
	size_t size;
	size_t offsets[MAX_EVENTS + 1]; /* of each event, and the end */
	size_t count;
} LogFile;

static const char *
data_path(const char *name, const char *ending, char path[512])
{
	const char *folder = getenv("DBSTREAM_TEST_DATA");

	snprintf(path, 512, "%s/binlog/%s%s", folder != NULL ? folder : "test/data", name, ending);
	return path;
}

static void
log_load(LogFile *log, const char *name)
{
	char path[512];
	FILE *file = fopen(data_path(name, ".bin", path), "rb");
	size_t at = BINLOG_FIRST_OFFSET;

	assert_non_null(file);
	memset(log, 0, sizeof *log);
	log->data = malloc(65536);
	assert_non_null(log->data);
	log->size = fread(log->data, 1, 65536, file);
	fclose(file);
	while (at < log->size)
	{
		uint32_t size;

		assert_true(log->count < MAX_EVENTS);
		memcpy(&size, log->data + at + 9, sizeof size);
		log->offsets[log->count++] = at;
		at += size;
	}
	assert_int_equal(at, log->size);
	log->offsets[log->count] = at;
}

static uint8_t
event_type(const LogFile *log, size_t event)
{
	return log->data[log->offsets[event] + 4];
}

/* ---- running ---- */

typedef struct Run
{
	ServerFlavour flavour;
	StreamConfig config;
	char *patterns[2];
	CharsetCatalog *charsets;
	BinlogReader *reader;
	Outbox outbox;
	Failure failure;
} Run;

static void
run_start(Run *run, ServerFlavour flavour, uint64_t skip_to)
{
	BinlogStart start = {0};
	Failure failure;

	memset(run, 0, sizeof *run);
	run->flavour = flavour;
	run->patterns[0] = "g.*";
	run->config.tables = run->patterns;
	assert_true(binlog_place_set(&start.place, "log.000007", 10, BINLOG_FIRST_OFFSET, &failure));
	if (skip_to > 0)
		assert_true(binlog_place_set(&start.skip_to, "log.000007", 10, skip_to, &failure));
	run->charsets = charset_catalog_new(NULL, &failure);
	assert_non_null(run->charsets);
	charset_catalog_set_flavour(run->charsets, flavour);
	run->reader = binlog_reader_new(&run->config, flavour, &start, run->charsets, &run->outbox, &failure);
	assert_non_null(run->reader);
}

static void
run_end(Run *run)
{
	binlog_reader_free(run->reader);
	charset_catalog_free(run->charsets);
	stub_outbox_clear(&run->outbox);
}

/* An event in memory of its own size, so that a sanitizer sees whoever reads beyond. */
static bool
feed(Run *run, const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	bool done;

	assert_non_null(copy);
	memcpy(copy, data, size);
	memset(&run->failure, 0, sizeof run->failure);
	done = binlog_reader_event(run->reader, copy, size, &run->failure) &&
		   binlog_reader_settle(run->reader, true, &run->failure);
	free(copy);
	return done;
}

static size_t
make_event(uint8_t *to, uint8_t type, uint16_t flags, uint32_t end_offset, const void *body, size_t size)
{
	uint32_t total = (uint32_t) (BINLOG_HEADER_SIZE + size);

	memset(to, 0, BINLOG_HEADER_SIZE);
	to[4] = type;
	memcpy(to + 9, &total, 4);
	memcpy(to + 13, &end_offset, 4);
	memcpy(to + 17, &flags, 2);
	memcpy(to + BINLOG_HEADER_SIZE, body, size);
	return total;
}

static bool
feed_rotate(Run *run, const char *name, uint64_t offset)
{
	uint8_t body[64];
	uint8_t event[128];

	memcpy(body, &offset, 8);
	memcpy(body + 8, name, strlen(name));
	return feed(run, event, make_event(event, BINLOG_ROTATE, BINLOG_FLAG_ARTIFICIAL, 0, body, 8 + strlen(name)));
}

static bool
feed_events(Run *run, const LogFile *log, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (!feed(run, log->data + log->offsets[i], log->offsets[i + 1] - log->offsets[i]))
			return false;
	return true;
}

static bool
feed_file(Run *run, const LogFile *log)
{
	return feed_rotate(run, "log.000007", BINLOG_FIRST_OFFSET) && feed_events(run, log, 0, log->count);
}

/* ---- messages as text ---- */

#define TEXT(s) (int) (s).size, (s).data

static void
put_message_text(FILE *out, const DbsMessage *message)
{
	static const char *const operations[] = {"?", "insert", "update", "delete"};
	DbsReader r;
	DbsBegin begin;
	DbsTable table;
	DbsRows rows;
	DbsDdl ddl;
	DbsCommit commit;

	dbs_reader_init(&r, message);
	if (message->type == DBS_MESSAGE_BEGIN && dbs_get_begin(&r, &begin))
		fprintf(out, "begin %.*s at %lld\n", TEXT(begin.gtid), (long long) begin.commit_time);
	else if (message->type == DBS_MESSAGE_TABLE && dbs_get_table(&r, &table))
		fprintf(out, "table %u %.*s.%.*s with %u columns\n", table.id, TEXT(table.schema), TEXT(table.name),
				table.column_count);
	else if (message->type == DBS_MESSAGE_ROWS && dbs_get_rows(&r, &rows))
		fprintf(out, "%s %u rows of table %u\n", operations[rows.op & 3], rows.count, rows.table_id);
	else if (message->type == DBS_MESSAGE_DDL && dbs_get_ddl(&r, &ddl))
		fprintf(out, "ddl in %.*s from %.*s, sql_mode %llx, time %lld, zone %d, flags %x: %.*s\n",
				TEXT(ddl.default_schema), TEXT(ddl.charset), (unsigned long long) ddl.sql_mode, (long long) ddl.time,
				(int) ddl.utc_offset, ddl.flags, TEXT(ddl.text));
	else if (message->type == DBS_MESSAGE_COMMIT && dbs_get_commit(&r, &commit))
		fprintf(out, "commit %.*s %.*s at %lld\n", TEXT(commit.position), TEXT(commit.gtid_set),
				(long long) commit.commit_time);
	else
		fprintf(out, "message %d\n", (int) message->type);
	assert_null(r.error);
}

/* All messages in the outbox but heartbeats, whose number depends on the clock; malloc'd. */
static char *
written(Run *run)
{
	DbsWriter *w = &run->outbox.writer;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t at = 0; at < w->used;)
	{
		DbsMessage message;
		const char *error = NULL;
		size_t needed;
		size_t taken = dbs_message_next(w->data + at, w->used - at, &message, &needed, &error);

		if (taken == 0 || taken == SIZE_MAX)
			fail_msg("a message is damaged: %s", error != NULL ? error : "incomplete");
		if (message.type != DBS_MESSAGE_HEARTBEAT)
			put_message_text(out, &message);
		at += taken;
	}
	fclose(out);
	return text;
}

static char *
read_text(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text = calloc(1, 65536);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

typedef struct Golden
{
	const char *name;
	ServerFlavour flavour;
} Golden;

static const Golden goldens[] = {{"mariadb_10_11", FLAVOUR_MARIADB}, {"mysql_9_7", FLAVOUR_MYSQL}};

/* ---- tests ---- */

static void
test_whole_files(void **state)
{
	for (size_t i = 0; i < 2; i++)
	{
		LogFile log;
		Run run;
		char path[512];
		char *text;
		char *expected;

		log_load(&log, goldens[i].name);
		run_start(&run, goldens[i].flavour, 0);
		if (!feed_file(&run, &log))
			fail_msg("%s at %s: %s", goldens[i].name, run.failure.position, run.failure.message);
		text = written(&run);
		data_path(goldens[i].name, ".expected", path);
		if (getenv("DBSTREAM_WRITE_EXPECTED") != NULL)
		{
			FILE *file = fopen(path, "wb");

			assert_non_null(file);
			fputs(text, file);
			fclose(file);
		}
		expected = read_text(path);
		assert_string_equal(text, expected);
		free(expected);
		free(text);
		run_end(&run);
		free(log.data);
	}
}

/* Events in the middle of a transaction do not say where they are, as MariaDB 11.4 and later write them. */
static void
test_offsets_are_counted(void **state)
{
	LogFile log;
	Run run;
	char path[512];
	char *text;
	char *expected;
	bool inside = false;

	log_load(&log, "mariadb_10_11");
	for (size_t i = 0; i < log.count; i++)
	{
		uint8_t type = event_type(&log, i);

		if (inside && type != BINLOG_FORMAT && type != BINLOG_ROTATE && type != BINLOG_MARIADB_GTID)
			memset(log.data + log.offsets[i] + 13, 0, 4);
		if (type == BINLOG_MARIADB_GTID)
			inside = true;
	}
	run_start(&run, FLAVOUR_MARIADB, 0);
	assert_true(feed_file(&run, &log));
	text = written(&run);
	expected = read_text(data_path("mariadb_10_11", ".expected", path));
	assert_string_equal(text, expected);
	free(expected);
	free(text);
	run_end(&run);
	free(log.data);
}

/* Starting at any offset by hand: at boundaries exactly the rest comes, elsewhere it is refused. */
static void
test_start_anywhere(void **state)
{
	for (size_t g = 0; g < 2; g++)
	{
		LogFile log;
		char path[512];
		char *expected;
		size_t good = 0;
		size_t refused = 0;

		log_load(&log, goldens[g].name);
		expected = read_text(data_path(goldens[g].name, ".expected", path));
		for (size_t i = 3; i < log.count; i++)
		{
			Run run;
			char mark[64];
			const char *commit;

			run_start(&run, goldens[g].flavour, log.offsets[i]);
			snprintf(mark, sizeof mark, "commit log.000007:%zu ", log.offsets[i]);
			commit = strstr(expected, mark);
			if (!feed_file(&run, &log))
			{
				assert_string_equal(run.failure.code, "position_invalid");
				assert_int_equal(run.outbox.writer.used, 0);
				assert_null(commit);
				refused++;
			}
			else if (commit != NULL)
			{
				char *text = written(&run);
				size_t begins = 0;
				size_t wanted = 0;

				/* Table messages come anew; the transactions are those that follow. */
				for (const char *p = text; (p = strstr(p, "commit ")) != NULL; p++)
					begins++;
				for (const char *p = commit + 1; (p = strstr(p, "commit ")) != NULL; p++)
					wanted++;
				assert_int_equal(begins, wanted);
				assert_true(strlen(text) == 0 || strcmp(strrchr(text, 'c'), strrchr(expected, 'c')) == 0);
				free(text);
				good++;
			}
			run_end(&run);
		}
		assert_true(good >= 10);
		assert_true(refused >= 20);
		free(expected);
		free(log.data);
	}
}

/* The first event of a type; its index. */
static size_t
find_type(const LogFile *log, uint8_t type)
{
	for (size_t i = 0; i < log->count; i++)
		if (event_type(log, i) == type)
			return i;
	fail_msg("no event of type %u", type);
	return 0;
}

static void
test_unknown_events_stop(void **state)
{
	static const uint8_t unknown[] = {0, 20, 43, 99, 159, 172, 255};
	LogFile log;

	log_load(&log, "mysql_9_7");
	for (size_t i = 0; i < sizeof unknown; i++)
	{
		Run run;
		uint8_t event[64];
		size_t end = find_type(&log, BINLOG_XID) + 1;
		size_t size =
			make_event(event, unknown[i], BINLOG_FLAG_IGNORABLE, (uint32_t) log.offsets[end] + 30, "12345678901", 11);
		char position[64];

		run_start(&run, FLAVOUR_MYSQL, 0);
		assert_true(feed_rotate(&run, "log.000007", BINLOG_FIRST_OFFSET));
		assert_true(feed_events(&run, &log, 0, end));
		assert_false(feed(&run, event, size));
		assert_string_equal(run.failure.code, "event_unknown");
		assert_int_equal(run.failure.class, FAILURE_REJECT);
		snprintf(position, sizeof position, "log.000007:%zu", log.offsets[end]);
		assert_string_equal(run.failure.position, position);
		run_end(&run);
	}
	free(log.data);
}

/* The server says that it left an event out: only some types may vanish. */
static void
test_dummies(void **state)
{
	static const char *const texts[] = {
		"# Dummy event replacing event type 160 that slave cannot handle.",
		"# Dummy event replacing event type 169 that slave cannot handle.",
		"# Dummy ev",
	};
	LogFile log;

	log_load(&log, "mariadb_10_11");
	for (size_t i = 0; i < 3; i++)
	{
		Run run;
		uint8_t body[128] = {0};
		uint8_t event[256];
		size_t size = 14 + strlen(texts[i]);

		memcpy(body + 14, texts[i], strlen(texts[i]));
		size = make_event(event, BINLOG_QUERY, 0, 0, body, size + 4);
		run_start(&run, FLAVOUR_MARIADB, 0);
		assert_true(feed_rotate(&run, "log.000007", BINLOG_FIRST_OFFSET));
		assert_true(feed_events(&run, &log, 0, find_type(&log, BINLOG_TABLE_MAP)));
		assert_int_equal(feed(&run, event, size), i == 0);
		if (i > 0)
			assert_string_equal(run.failure.code, "event_unknown");
		run_end(&run);
	}
	free(log.data);
}

static void
test_incident_stops(void **state)
{
	LogFile log;
	Run run;
	uint8_t event[128];
	size_t size = make_event(event, BINLOG_INCIDENT, 0, 0, "\1\0\4lost1234", 11);

	log_load(&log, "mysql_9_7");
	run_start(&run, FLAVOUR_MYSQL, 0);
	assert_true(feed_rotate(&run, "log.000007", BINLOG_FIRST_OFFSET));
	assert_true(feed_events(&run, &log, 0, 2));
	assert_false(feed(&run, event, size));
	assert_string_equal(run.failure.code, "incident");
	assert_non_null(strstr(run.failure.message, "incident 1: lost"));
	run_end(&run);
	free(log.data);
}

/* A server that crashed in the middle of a transaction, with and without rows of the stream in it. */
static void
test_cut_transaction(void **state)
{
	LogFile log;
	Run run;
	SourceProgress progress;
	size_t rows;
	size_t gtid;

	log_load(&log, "mysql_9_7");
	rows = find_type(&log, BINLOG_WRITE_ROWS);
	run_start(&run, FLAVOUR_MYSQL, 0);
	assert_true(feed_rotate(&run, "log.000007", BINLOG_FIRST_OFFSET));
	run.config.id = 77; /* what is remembered of a stream is not another's */
	assert_true(feed_events(&run, &log, 0, rows + 1));
	assert_false(feed_rotate(&run, "log.000008", BINLOG_FIRST_OFFSET));
	assert_string_equal(run.failure.code, "transaction_cut");
	assert_int_equal(run.failure.class, FAILURE_RETRY);
	run_end(&run);

	/* The next session leaves it out, and goes on in the new file. */
	run_start(&run, FLAVOUR_MYSQL, 0);
	assert_true(feed_rotate(&run, "log.000007", BINLOG_FIRST_OFFSET));
	run.config.id = 77;
	assert_true(feed_events(&run, &log, 0, rows + 1));
	assert_true(feed_rotate(&run, "log.000008", BINLOG_FIRST_OFFSET));
	binlog_reader_progress(run.reader, &progress);
	assert_int_equal(progress.rows, 0);
	run_end(&run);

	/* A stream that has not met it still stops. */
	run_start(&run, FLAVOUR_MYSQL, 0);
	assert_true(feed_rotate(&run, "log.000007", BINLOG_FIRST_OFFSET));
	run.config.id = 78;
	assert_true(feed_events(&run, &log, 0, rows + 1));
	assert_false(feed_rotate(&run, "log.000008", BINLOG_FIRST_OFFSET));
	run_end(&run);

	run_start(&run, FLAVOUR_MYSQL, 0);
	assert_true(feed_rotate(&run, "log.000007", BINLOG_FIRST_OFFSET));
	assert_true(feed_events(&run, &log, 0, rows));
	assert_true(feed_rotate(&run, "log.000008", BINLOG_FIRST_OFFSET));
	gtid = rows;
	while (event_type(&log, gtid) != BINLOG_GTID)
		gtid--;
	assert_true(feed_events(&run, &log, 0, 1));
	assert_true(feed_events(&run, &log, gtid, log.count));
	run_end(&run);
	free(log.data);
}

/* Rows without a beginning: the position was none. */
static void
test_rows_outside_transaction(void **state)
{
	LogFile log;
	Run run;
	size_t map;

	log_load(&log, "mysql_9_7");
	map = find_type(&log, BINLOG_TABLE_MAP);
	run_start(&run, FLAVOUR_MYSQL, 0);
	assert_true(feed_rotate(&run, "log.000007", log.offsets[map]));
	assert_true(feed_events(&run, &log, 0, 1));
	assert_false(feed_events(&run, &log, map, map + 1));
	assert_string_equal(run.failure.code, "position_invalid");
	assert_int_equal(run.outbox.writer.used, 0);
	run_end(&run);
	free(log.data);
}

/* The same transaction twice is a log that was reset, not one to leave out. */
static void
test_known_transaction_stops(void **state)
{
	LogFile log;
	Run run;
	size_t gtid;

	log_load(&log, "mysql_9_7");
	gtid = find_type(&log, BINLOG_GTID);
	run_start(&run, FLAVOUR_MYSQL, 0);
	assert_true(feed_file(&run, &log));
	assert_false(feed_events(&run, &log, gtid, gtid + 1));
	assert_string_equal(run.failure.code, "source_diverged");
	run_end(&run);
	free(log.data);
}

/* Offsets beyond 4 GB, and a heartbeat that moves the point but not the place to start again. */
static void
test_large_file_and_heartbeat(void **state)
{
	const uint64_t far = UINT64_C(3) << 32 | 0xfffffff0u;
	LogFile log;
	Run run;
	SourceProgress progress;
	size_t first;
	size_t last;
	uint8_t event[128];
	uint32_t end = 0;
	char text[600];

	log_load(&log, "mysql_9_7");
	first = find_type(&log, BINLOG_GTID);
	last = find_type(&log, BINLOG_XID);
	run_start(&run, FLAVOUR_MYSQL, 0);
	assert_true(feed_rotate(&run, "log.000007", far));

	/* As after a start in the middle of a file: a format description that is at no place. */
	memset(log.data + log.offsets[0] + 13, 0, 4);
	assert_true(feed_events(&run, &log, 0, 1));
	for (size_t i = first; i <= last; i++)
	{
		end = (uint32_t) (far + log.offsets[i + 1] - log.offsets[first]);
		memcpy(log.data + log.offsets[i] + 13, &end, 4);
	}
	assert_true(feed_events(&run, &log, first, last + 1));
	binlog_reader_progress(run.reader, &progress);
	assert_int_equal(progress.point.offset, far + log.offsets[last + 1] - log.offsets[first]);
	snprintf(text, sizeof text, "log.000007:%llu", (unsigned long long) progress.point.offset);
	assert_string_equal(progress.position, text);

	end += 1000;
	assert_true(feed(&run, event, make_event(event, BINLOG_HEARTBEAT, 0, end, "log.000007", 10)));
	binlog_reader_progress(run.reader, &progress);
	assert_int_equal(progress.point.offset, far + log.offsets[last + 1] - log.offsets[first] + 1000);
	assert_string_equal(progress.position, text);
	assert_int_equal(last_mark.offset, progress.point.offset);
	run_end(&run);
	free(log.data);
}

/* Cut or changed events: any answer but one from memory that is not theirs. */
static void
test_damaged_events(void **state)
{
	uint32_t random = 12345;

	for (size_t g = 0; g < 2; g++)
	{
		LogFile log;
		int refused = 0;

		log_load(&log, goldens[g].name);
		for (int round = 0; round < 400; round++)
		{
			Run run;
			bool going;

			run_start(&run, goldens[g].flavour, 0);
			going = feed_rotate(&run, "log.000007", BINLOG_FIRST_OFFSET);
			for (size_t i = 0; going && i < log.count; i++)
			{
				size_t size = log.offsets[i + 1] - log.offsets[i];
				uint8_t *copy = malloc(size);

				assert_non_null(copy);
				memcpy(copy, log.data + log.offsets[i], size);
				for (int hit = 0; hit < 2; hit++)
				{
					random = random * 1103515245 + 12345;
					if (random >> 16 & 7)
						continue;
					copy[BINLOG_HEADER_SIZE + (random >> 3) % (size - BINLOG_HEADER_SIZE)] ^=
						(uint8_t) (1u << (random >> 24 & 7));
				}
				random = random * 1103515245 + 12345;
				if ((random >> 16 & 31) == 0)
				{
					size = BINLOG_HEADER_SIZE + (random >> 8) % (size - BINLOG_HEADER_SIZE);
					memcpy(copy + 9, &(uint32_t){(uint32_t) size}, 4);
				}
				going = feed(&run, copy, size);
				assert_true(going || run.failure.class == FAILURE_REJECT);
				refused += going ? 0 : 1;
				free(copy);
			}
			run_end(&run);
		}
		assert_true(refused > 100);
		free(log.data);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_files),
		cmocka_unit_test(test_offsets_are_counted),
		cmocka_unit_test(test_start_anywhere),
		cmocka_unit_test(test_unknown_events_stop),
		cmocka_unit_test(test_dummies),
		cmocka_unit_test(test_incident_stops),
		cmocka_unit_test(test_cut_transaction),
		cmocka_unit_test(test_rows_outside_transaction),
		cmocka_unit_test(test_known_transaction_stops),
		cmocka_unit_test(test_large_file_and_heartbeat),
		cmocka_unit_test(test_damaged_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
