/*
 * A bridge without a source: reads a script and sends the wire messages it
 * describes to an inbound stream, as the bridge does.  Tests and benchmarks of
 * the extension use it where no MySQL is wanted.
 *
 *   feed CONNINFO STREAM_ID < script
 *
 * One command a line, words separated by tabs:
 *
 *   hello FLAGS [KIND]           begin [GTID [COMMIT_TIME]]
 *   table ID SCHEMA NAME COLUMN...    COLUMN is name:kind[:key][:null][:length[:scale]]
 *   insert ID VALUE...           delete ID VALUE...
 *   update ID VALUE... => VALUE...    (or "same =>": the key did not change)
 *   truncate SCHEMA NAME         ddl SCHEMA TEXT
 *   commit POSITION [GTID_SET]   heartbeat POSITION [GTID_SET]
 *   rows ID FIRST COUNT          bench rows: (int4, int4, text, text)
 *   small ID FIRST COUNT         the same, one transaction each
 *   flush                        send what there is
 *   drain                        send, and wait until the worker has consumed it
 *   sync                         send a sync message and wait until it is reached
 *   split SIZE                   batches of that size from here on
 *   pause                        print "paused" and wait for a byte on descriptor 3
 *   reserve BYTES                room for so much (before rows)
 *   time NAME                    print NAME and the milliseconds since the last time
 *
 * A value is text by kind; \N is NULL, ~ absent; in text \t and \n and \\ are escapes, \xHH bytes.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../../libdbstream/wire.h"

#define MAX_WORDS 4200
#define MAX_TABLES 64
#define MAX_COLUMNS 2100

typedef struct FeedTable
{
	uint32_t id;
	int count;
	uint8_t kinds[MAX_COLUMNS];
} FeedTable;

static PGconn *conn;
static char session_text[32];
static DbsWriter out;
static size_t batch_size = 256 * 1024;
static FeedTable tables[MAX_TABLES];
static int table_count;

/* What has been sent and answered. */
static uint64_t next_batch = 1;
static uint64_t sent_bytes, answered_bytes;
static uint64_t allowed_bytes;
static int in_flight;
static uint64_t flight_sizes[4096];
static int flight_head, flight_tail;
static DbsReceipt receipt;

static void
fail(const char *what, const char *detail)
{
	fprintf(stderr, "feed: %s: %s\n", what, detail);
	exit(1);
}

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

/* ---- sending ---- */

static void
take_answer(void)
{
	PGresult *result = PQgetResult(conn);

	if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
	{
		PQclear(result);
		return;
	}
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail("receive", PQresultErrorMessage(result)[0] ? PQresultErrorMessage(result) : PQerrorMessage(conn));
	if (!dbs_get_receipt(PQgetvalue(result, 0, 0), (size_t) PQgetlength(result, 0, 0), &receipt))
		fail("receive", "no receipt");
	PQclear(result);
	result = PQgetResult(conn); /* the NULL that ends a query's results */
	PQclear(result);
	answered_bytes += flight_sizes[flight_tail];
	flight_tail = (flight_tail + 1) % 4096;
	in_flight--;
	allowed_bytes = answered_bytes + receipt.credit;
	if (receipt.state == DBS_RECEIPT_STOPPED)
		fail("receive", "the worker has stopped");
}

static void
send_call(const char *data, size_t size)
{
	char batch_text[32];
	const char *values[3] = {session_text, batch_text, data};
	int lengths[3] = {0, 0, (int) size};
	int formats[3] = {0, 0, 1};

	snprintf(batch_text, sizeof batch_text, "%llu", (unsigned long long) (size > 0 ? next_batch++ : 0));
	if (!PQsendQueryPrepared(conn, "receive", 3, values, lengths, formats, 1) || !PQpipelineSync(conn))
		fail("send", PQerrorMessage(conn));
	flight_sizes[flight_head] = size;
	flight_head = (flight_head + 1) % 4096;
	in_flight++;
	sent_bytes += size;
	if (PQflush(conn) < 0)
		fail("flush", PQerrorMessage(conn));
}

static void
take_answers(int until)
{
	while (in_flight > until)
	{
		take_answer();
		PGresult *sync = PQgetResult(conn);

		if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC)
			fail("pipeline", "unexpected result");
		PQclear(sync);
	}
}

static void
send_batch(const char *data, size_t size)
{
	struct timespec nap = {.tv_nsec = 200000};

	while (sent_bytes + size > allowed_bytes)
	{
		if (in_flight == 0)
		{
			send_call("", 0);
			take_answers(0);
			if (sent_bytes + size > allowed_bytes)
				nanosleep(&nap, NULL);
		}
		else
			take_answers(in_flight - 1);
	}
	send_call(data, size);
	take_answers(16);
}

static void
flush_out(void)
{
	for (size_t at = 0; at < out.used; at += batch_size)
		send_batch(out.data + at, out.used - at < batch_size ? out.used - at : batch_size);
	out.used = 0;
	take_answers(0);
}

static void
drain(void)
{
	struct timespec nap = {.tv_nsec = 100000};

	flush_out();
	while (receipt.applied_bytes < sent_bytes)
	{
		send_call("", 0);
		take_answers(0);
		if (receipt.applied_bytes < sent_bytes)
			nanosleep(&nap, NULL);
	}
}

static void
need_room(size_t size)
{
	if (dbs_wire_room(&out) >= size)
		return;
	out.size = out.used + size + out.size;
	out.data = realloc(out.data, out.size);
	if (out.data == NULL)
		fail("memory", "exhausted");
}

/* ---- values ---- */

static size_t
unescape(char *text)
{
	char *from = text, *to = text;

	while (*from)
	{
		if (*from != '\\')
			*to++ = *from++;
		else if (from[1] == 'x')
		{
			char hex[3] = {from[2], from[3], 0};

			*to++ = (char) strtoul(hex, NULL, 16);
			from += 4;
		}
		else
		{
			*to++ = from[1] == 't' ? '\t' : from[1] == 'n' ? '\n' : from[1];
			from += 2;
		}
	}
	return (size_t) (to - text);
}

static void
put_numeric(const char *text)
{
	uint16_t digits[400];
	int count = 0, weight, integer_digits, scale = 0;
	uint16_t sign = DBS_NUMERIC_POSITIVE;
	const char *point;
	char padded[1600];
	int used = 0;

	if (*text == '-')
	{
		sign = DBS_NUMERIC_NEGATIVE;
		text++;
	}
	point = strchr(text, '.');
	integer_digits = point ? (int) (point - text) : (int) strlen(text);
	for (int i = 0; i < (4 - integer_digits % 4) % 4; i++)
		padded[used++] = '0';
	for (const char *at = text; *at; at++)
		if (*at != '.')
			padded[used++] = *at;
	if (point)
		scale = (int) strlen(point + 1);
	while (used % 4)
		padded[used++] = '0';
	for (int i = 0; i < used; i += 4)
		digits[count++] = (uint16_t) ((padded[i] - '0') * 1000 + (padded[i + 1] - '0') * 100 +
									  (padded[i + 2] - '0') * 10 + (padded[i + 3] - '0'));
	weight = (integer_digits + 3) / 4 - 1;
	dbs_put_align4(&out);
	dbs_put_u32(&out, (uint32_t) (6 + 2 * count));
	dbs_put_u16(&out, (uint16_t) (int16_t) weight);
	dbs_put_u16(&out, sign);
	dbs_put_u16(&out, (uint16_t) scale);
	for (int i = 0; i < count; i++)
		dbs_put_u16(&out, digits[i]);
}

static void
put_varying_value(uint8_t kind, char *text)
{
	size_t size = unescape(text);

	if (kind == DBS_KIND_NUMERIC)
		put_numeric(text);
	else if (kind == DBS_KIND_BIT)
	{
		size_t bytes = (size + 7) / 8;

		dbs_put_align4(&out);
		dbs_put_u32(&out, (uint32_t) (4 + bytes));
		dbs_put_u32(&out, (uint32_t) size);
		for (size_t i = 0; i < bytes; i++)
		{
			uint8_t b = 0;

			for (size_t j = 0; j < 8 && i * 8 + j < size; j++)
				if (text[i * 8 + j] == '1')
					b |= (uint8_t) (0x80 >> j);
			dbs_put_u8(&out, b);
		}
	}
	else
		dbs_put_varying(&out, text, size);
}

static void
put_value(uint8_t kind, char *text)
{
	float f;
	double d;
	int16_t i2;

	switch (dbs_kind_width[kind])
	{
		case 0:
			put_varying_value(kind, text);
			break;
		case 1:
			dbs_put_u8(&out, (uint8_t) strtoul(text, NULL, 10));
			break;
		case 2:
			i2 = (int16_t) strtol(text, NULL, 10);
			dbs_put_bytes(&out, &i2, 2);
			break;
		case 4:
			f = strtof(text, NULL);
			if (kind == DBS_KIND_FLOAT4)
				dbs_put_bytes(&out, &f, 4);
			else
				dbs_put_u32(&out, (uint32_t) strtol(text, NULL, 10));
			break;
		case 8:
			d = strtod(text, NULL);
			if (kind == DBS_KIND_FLOAT8)
				dbs_put_bytes(&out, &d, 8);
			else
				dbs_put_u64(&out,
							kind == DBS_KIND_UINT8 ? strtoull(text, NULL, 10) : (uint64_t) strtoll(text, NULL, 10));
			break;
		default:
		{
			char bytes[16] = {0};
			size_t size = unescape(text);

			memcpy(bytes, text, size < 16 ? size : 16);
			dbs_put_bytes(&out, bytes, 16);
		}
	}
}

static FeedTable *
find_table(const char *id)
{
	for (int i = 0; i < table_count; i++)
		if (tables[i].id == strtoul(id, NULL, 10))
			return &tables[i];
	fail("unknown table", id);
	return NULL;
}

static void
put_row(const FeedTable *table, char **values, int count)
{
	uint8_t nulls[(MAX_COLUMNS + 7) / 8] = {0}, absent[(MAX_COLUMNS + 7) / 8] = {0};
	uint8_t form = DBS_ROW_FULL;
	size_t bytes = ((size_t) table->count + 7) / 8;

	if (count != table->count)
		fail("row", "wrong number of values");
	for (int i = 0; i < count; i++)
	{
		if (strcmp(values[i], "~") == 0)
		{
			absent[i / 8] |= (uint8_t) (1 << (i % 8));
			form = DBS_ROW_ABSENT;
		}
		else if (strcmp(values[i], "\\N") == 0)
		{
			nulls[i / 8] |= (uint8_t) (1 << (i % 8));
			if (form == DBS_ROW_FULL)
				form = DBS_ROW_NULLS;
		}
	}
	dbs_put_u8(&out, form);
	if (form != DBS_ROW_FULL)
		dbs_put_bytes(&out, nulls, bytes);
	if (form == DBS_ROW_ABSENT)
		dbs_put_bytes(&out, absent, bytes);
	for (int i = 0; i < count; i++)
		if (!((nulls[i / 8] | absent[i / 8]) >> (i % 8) & 1))
			put_value(table->kinds[i], values[i]);
}

/* ---- commands ---- */

static DbsString
string_of(const char *text)
{
	return (DbsString){.data = text, .size = (uint32_t) strlen(text)};
}

static uint8_t
kind_of(const char *name)
{
	for (int kind = 1; kind < DBS_KIND_COUNT; kind++)
		if (dbs_kind_name(kind) != NULL && strcmp(dbs_kind_name(kind), name) == 0)
			return (uint8_t) kind;
	fail("unknown kind", name);
	return 0;
}

static void
define_table(char **words, int count)
{
	static DbsColumn columns[MAX_COLUMNS];
	DbsTable table = {.id = (uint32_t) strtoul(words[1], NULL, 10),
					  .column_count = (uint32_t) (count - 4),
					  .schema = string_of(words[2]),
					  .name = string_of(words[3])};
	FeedTable *entry = NULL;

	for (int i = 0; i < table_count; i++)
		if (tables[i].id == table.id)
			entry = &tables[i];
	if (entry == NULL)
		entry = &tables[table_count++];
	entry->id = table.id;
	entry->count = count - 4;
	for (int i = 4; i < count; i++)
	{
		DbsColumn *column = &columns[i - 4];
		char *rest = words[i];
		int number = 0;

		memset(column, 0, sizeof *column);
		column->name = string_of(strsep(&rest, ":"));
		column->type_name = string_of(rest);
		column->kind = kind_of(strsep(&rest, ":"));
		column->type_name = string_of(dbs_kind_name(column->kind));
		while (rest != NULL)
		{
			char *word = strsep(&rest, ":");

			if (strcmp(word, "key") == 0)
				column->flags |= DBS_COLUMN_KEY;
			else if (strcmp(word, "null") == 0)
				column->flags |= DBS_COLUMN_NULLABLE;
			else if (number++ == 0)
				column->length = (uint32_t) strtoul(word, NULL, 10);
			else
				column->scale = (uint32_t) strtoul(word, NULL, 10);
		}
		entry->kinds[i - 4] = column->kind;
	}
	if (!dbs_put_table(&out, &table, columns))
		fail("table", "no room");
}

static void
put_rows(char **words, int count, DbsRowsOp op)
{
	FeedTable *table = find_table(words[1]);
	int arrow = 2;

	if (!dbs_rows_begin(&out, table->id, op))
		fail("rows", "no room");
	while (arrow < count && strcmp(words[arrow], "=>") != 0)
		arrow++;
	if (op != DBS_ROWS_UPDATE)
		put_row(table, words + 2, count - 2);
	else
	{
		if (strcmp(words[2], "same") == 0 && arrow == 3)
			dbs_put_u8(&out, DBS_ROW_SAME_KEY);
		else
			put_row(table, words + 2, arrow - 2);
		put_row(table, words + arrow + 1, count - arrow - 1);
	}
	dbs_rows_end(&out, 1, 0);
}

/* One row like those that benchmarks of databases use. */
static void
put_bench_row(uint32_t i)
{
	static const char letters[] = "68487932199-96439406143-93774651418-41631865787-96406072701-20604855487-25459966574-"
								  "28203206787-41238978918-19503783441";
	char text[120];

	memcpy(text, letters, 119);
	for (int at = 0; at < 8; at++)
		text[at] = (char) ('0' + (i >> (at * 3)) % 8);
	dbs_put_u8(&out, DBS_ROW_FULL);
	dbs_put_u32(&out, i);
	dbs_put_u32(&out, i * 2654435761U >> 8);
	dbs_put_varying(&out, text, 119);
	dbs_put_varying(&out, text, 59);
}

static void
put_commit(const char *position, const char *gtid_set, int64_t time)
{
	DbsCommit commit = {.commit_time = time, .position = string_of(position), .gtid_set = string_of(gtid_set)};

	if (!dbs_put_commit(&out, &commit))
		fail("commit", "no room");
}

static void
put_begin(const char *gtid, int64_t time)
{
	DbsBegin begin = {.commit_time = time, .gtid = string_of(gtid)};

	if (!dbs_put_begin(&out, &begin))
		fail("begin", "no room");
}

static void
bench_rows(uint32_t id, uint32_t first, uint32_t count, bool small)
{
	char position[64];

	for (uint32_t done = 0; done < count;)
	{
		uint32_t n = small ? 1 : count - done < 500 ? count - done : 500;

		need_room(n * 260 + 4096);
		if (small)
			put_begin("", 0);
		if (!dbs_rows_begin(&out, id, DBS_ROWS_INSERT))
			fail("rows", "no room");
		for (uint32_t i = 0; i < n; i++)
			put_bench_row(first + done + i);
		dbs_rows_end(&out, n, 0);
		done += n;
		if (small)
		{
			snprintf(position, sizeof position, "binlog.000001:%u", first + done);
			put_commit(position, "", 0);
		}
	}
}

static uint64_t
wait_sync(void)
{
	static uint64_t token;
	PGresult *result;
	char sql[128];

	token = receipt.sync_wanted;
	need_room(64);
	if (!dbs_put_sync(&out, token))
		fail("sync", "no room");
	drain();
	PQexitPipelineMode(conn);
	snprintf(sql, sizeof sql, "SELECT sync_done >= %llu FROM dbstream.worker_slots() WHERE session = %s",
			 (unsigned long long) token, session_text);
	for (int tries = 0;; tries++)
	{
		struct timespec nap = {.tv_nsec = 200000};

		result = PQexec(conn, sql);
		if (PQresultStatus(result) != PGRES_TUPLES_OK)
			fail("sync", PQerrorMessage(conn));
		if (PQntuples(result) == 1 && strcmp(PQgetvalue(result, 0, 0), "t") == 0)
			break;
		PQclear(result);
		if (tries > 300000)
			fail("sync", "not reached");
		nanosleep(&nap, NULL);
	}
	PQclear(result);
	PQenterPipelineMode(conn);
	return token;
}

static const char *
word_or(char **words, int count, int at, const char *fallback)
{
	return at < count ? words[at] : fallback;
}

static void
run_command(char **words, int count)
{
	static double last_time;
	const char *name = words[0];

	if (strcmp(name, "hello") == 0)
	{
		DbsHello hello = {.version = DBS_WIRE_VERSION,
						  .min_version = DBS_WIRE_MIN_VERSION,
						  .flags = (uint32_t) strtoul(word_or(words, count, 1, "0"), NULL, 10),
						  .software = string_of("feed"),
						  .source_kind = string_of(word_or(words, count, 2, "mysql")),
						  .source_version = string_of("8.0")};

		dbs_put_hello(&out, &hello);
	}
	else if (strcmp(name, "begin") == 0)
		put_begin(word_or(words, count, 1, ""), strtoll(word_or(words, count, 2, "0"), NULL, 10));
	else if (strcmp(name, "table") == 0)
		define_table(words, count);
	else if (strcmp(name, "insert") == 0)
		put_rows(words, count, DBS_ROWS_INSERT);
	else if (strcmp(name, "update") == 0)
		put_rows(words, count, DBS_ROWS_UPDATE);
	else if (strcmp(name, "delete") == 0)
		put_rows(words, count, DBS_ROWS_DELETE);
	else if (strcmp(name, "truncate") == 0)
	{
		DbsTruncate truncate = {.schema = string_of(words[1]), .name = string_of(words[2])};

		dbs_put_truncate(&out, &truncate);
	}
	else if (strcmp(name, "ddl") == 0)
	{
		DbsDdl ddl = {.default_schema = string_of(words[1]),
					  .charset = string_of("utf8mb4"),
					  .text = {.data = words[2], .size = (uint32_t) unescape(words[2])}};

		dbs_put_ddl(&out, &ddl);
	}
	else if (strcmp(name, "commit") == 0)
		put_commit(words[1], word_or(words, count, 2, ""), strtoll(word_or(words, count, 3, "0"), NULL, 10));
	else if (strcmp(name, "heartbeat") == 0)
	{
		DbsHeartbeat beat = {.position = string_of(words[1]), .gtid_set = string_of(word_or(words, count, 2, ""))};

		dbs_put_heartbeat(&out, &beat);
	}
	else if (strcmp(name, "rows") == 0 || strcmp(name, "small") == 0)
		bench_rows((uint32_t) strtoul(words[1], NULL, 10), (uint32_t) strtoul(words[2], NULL, 10),
				   (uint32_t) strtoul(words[3], NULL, 10), name[0] == 's');
	else if (strcmp(name, "flush") == 0)
		flush_out();
	else if (strcmp(name, "drain") == 0)
		drain();
	else if (strcmp(name, "sync") == 0)
		(void) wait_sync();
	else if (strcmp(name, "split") == 0)
		batch_size = strtoul(words[1], NULL, 10);
	else if (strcmp(name, "reserve") == 0)
		need_room(strtoul(words[1], NULL, 10));
	else if (strcmp(name, "time") == 0)
	{
		printf("%s %.1f\n", words[1], now_ms() - last_time);
		fflush(stdout);
		last_time = now_ms();
	}
	else if (strcmp(name, "pause") == 0)
	{
		char byte;

		flush_out();
		printf("paused\n");
		fflush(stdout);
		if (read(3, &byte, 1) < 0)
			fail("pause", "descriptor 3");
	}
	else
		fail("unknown command", name);
}

static void
check(PGresult *result, const char *what)
{
	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
		fail(what, PQerrorMessage(conn));
}

int
main(int argc, char **argv)
{
	static char *words[MAX_WORDS];
	char *line = NULL;
	size_t line_size = 0;
	ssize_t length;
	PGresult *result;
	char sql[128];

	if (argc != 3)
		fail("usage", "feed CONNINFO STREAM_ID < script");
	conn = PQconnectdb(argv[1]);
	if (PQstatus(conn) != CONNECTION_OK)
		fail("connect", PQerrorMessage(conn));
	snprintf(sql, sizeof sql, "SELECT * FROM dbstream.open_inbound(%d, 0)", (int) strtol(argv[2], NULL, 10));
	result = PQexec(conn, sql);
	check(result, "open_inbound");
	snprintf(session_text, sizeof session_text, "%s", PQgetvalue(result, 0, 0));
	printf("open %s %s %s\n", PQgetvalue(result, 0, 1), PQgetvalue(result, 0, 2), PQgetvalue(result, 0, 3));
	fflush(stdout);
	PQclear(result);
	result = PQprepare(conn, "receive", "SELECT dbstream.receive($1, $2, $3)", 0, NULL);
	check(result, "prepare");
	PQclear(result);
	PQenterPipelineMode(conn);
	send_call("", 0);
	take_answers(0);
	need_room(1 << 20);

	while ((length = getline(&line, &line_size, stdin)) > 0)
	{
		int count = 0;
		char *rest = line;

		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		while (rest != NULL && count < MAX_WORDS)
			words[count++] = strsep(&rest, "\t");
		need_room((size_t) length * 2 + 65536);
		run_command(words, count);
	}
	drain();
	PQexitPipelineMode(conn);
	snprintf(sql, sizeof sql, "SELECT dbstream.close_inbound(%s)", session_text);
	result = PQexec(conn, sql);
	check(result, "close_inbound");
	PQclear(result);
	PQfinish(conn);
	printf("closed\n");
	return 0;
}
