#include "mysql_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target_failure.h"

/* A packet is sent once it has so many bytes, unless the server takes less. */
#define PACKET_SIZE ((size_t) 512 * 1024)
/* Longer INSERTs cost the server more for each row: what they are parsed into no longer fits its caches. */
#define INSERT_SIZE ((size_t) 64 * 1024)
#define KEEP_SIZE (4 * PACKET_SIZE)
#define MAX_STATEMENTS 2000
/* MySQL's optimizer gives up on ranges above a memory limit; below this count it never does. */
#define MAX_DELETES 200
#define MAX_LOADED 16384
/* So many rows at once are worth a LOAD DATA, which needs a round trip of its own. */
#define WORTH_LOADING 100
#define SAVEPOINT "dbstream_load"

typedef struct Statement
{
	WriterOp op;
	MysqlTable *table;
	uint64_t rows;    /* to be found */
	size_t begin;     /* in the packet */
	size_t condition; /* where its condition begins in the packet; 0: it has none */
	size_t end;
} Statement;

typedef struct Packet
{
	SqlBuffer sql;
	Statement statements[MAX_STATEMENTS];
	size_t count;
	/* What a LOAD DATA, always the packet's last statement, will ask for: lines of literals, each with its end. */
	SqlBuffer lines;
	uint32_t line_ends[MAX_LOADED];
	size_t line_count;
	size_t lines_read;
} Packet;

struct MysqlWriter
{
	MYSQL *mysql;
	Packet packets[2];
	Packet *open; /* being written */
	Packet *sent; /* on its way, its results not yet read; NULL: none */
	size_t limit;
	size_t max_packet;
	uint64_t pending;
	bool loading;        /* the server takes LOAD DATA LOCAL */
	Packet *asked_lines; /* the server may ask for this packet's; NULL: it may not ask for anything */
};

/* ---- what the server reads of LOAD DATA LOCAL ---- */

/* The server names a file, and could name any: it gets the lines of the statement under way, whatever it names. */
static int
lines_open(void **handle, const char *name, void *context)
{
	MysqlWriter *writer = context;

	*handle = writer;
	return writer->asked_lines == NULL;
}

static int
lines_read(void *handle, char *to, unsigned int size)
{
	Packet *packet = ((MysqlWriter *) handle)->asked_lines;
	size_t left;

	if (packet == NULL)
		return -1;
	left = packet->lines.used - packet->lines_read;
	if (size > left)
		size = (unsigned int) left;
	memcpy(to, packet->lines.data + packet->lines_read, size);
	packet->lines_read += size;
	return (int) size;
}

static void
lines_close(void *handle)
{
}

static int
lines_error(void *handle, char *text, unsigned int size)
{
	snprintf(text, size, "the server asked for a file");
	return 2000;
}

/* ---- the writer ---- */

MysqlWriter *
mysql_writer_new(MYSQL *mysql, Failure *failure)
{
	MysqlWriter *writer = calloc(1, sizeof *writer);
	char *value = NULL;

	if (writer == NULL)
	{
		failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a target's statements");
		return NULL;
	}
	writer->mysql = mysql;
	writer->open = &writer->packets[0];
	if (!mysql_connection_value(mysql, "SELECT @@max_allowed_packet", &value, failure))
	{
		free(writer);
		return NULL;
	}
	writer->max_packet = value != NULL ? (size_t) strtoull(value, NULL, 10) : 1024 * 1024;
	free(value);
	writer->limit = writer->max_packet / 2 < PACKET_SIZE ? writer->max_packet / 2 : PACKET_SIZE;
	mysql_set_local_infile_handler(mysql, lines_open, lines_read, lines_close, lines_error, writer);
	if (!mysql_connection_value(mysql, "SELECT @@global.local_infile", &value, failure))
	{
		free(writer);
		return NULL;
	}
	writer->loading = value != NULL && strcmp(value, "1") == 0;
	free(value);
	return writer;
}

void
mysql_writer_free(MysqlWriter *writer)
{
	if (writer == NULL)
		return;
	for (int i = 0; i < 2; i++)
	{
		sql_buffer_free(&writer->packets[i].sql);
		sql_buffer_free(&writer->packets[i].lines);
	}
	free(writer);
}

uint64_t
mysql_writer_pending(const MysqlWriter *writer)
{
	return writer->pending + writer->open->sql.used + writer->open->lines.used;
}

/* ---- results ---- */

static const char *
op_word(WriterOp op)
{
	return op == WRITER_INSERT || op == WRITER_LOAD ? "inserting into"
		   : op == WRITER_REPLACE                   ? "replacing in"
		   : op == WRITER_UPDATE                    ? "updating"
		   : op == WRITER_DELETE                    ? "deleting from"
		   : op == WRITER_TRUNCATE                  ? "emptying"
													: "a transaction";
}

static void
describe(const Statement *statement, char *out, size_t size)
{
	if (statement->table == NULL)
		snprintf(out, size, "%s at the target", op_word(statement->op));
	else
		snprintf(out, size, "%s %s at the target", op_word(statement->op), statement->table->quoted);
}

static bool
rows_missing(const Packet *packet, const Statement *statement, uint64_t found, Failure *failure)
{
	char doing[400];
	size_t size = statement->condition != 0 ? statement->end - statement->condition : 0;

	if (statement->op == WRITER_FENCE)
		return failure_set(failure, FAILURE_RETRY, "target_taken", NULL,
						   "another session has moved this stream's position at the target");
	describe(statement, doing, sizeof doing);
	failure_set(failure, FAILURE_REJECT, "conflict",
				"Make the row at the target as it was at the source before this change, then dbstream.resume_stream().",
				"%s: %llu of %llu rows were found, where %.*s%s", doing, (unsigned long long) found,
				(unsigned long long) statement->rows, (int) (size < 300 ? size : 300),
				packet->sql.data + statement->condition, size > 300 ? " …" : "");
	return false;
}

/* Insert count lines of the packet, from first on. */
static bool
insert_lines(MysqlWriter *writer, const Packet *packet, const Statement *statement, SqlBuffer *sql, size_t first,
			 size_t count, Failure *failure)
{
	size_t from = first > 0 ? packet->line_ends[first - 1] : 0;
	Statement part = {.op = WRITER_INSERT, .table = statement->table, .rows = count};
	char doing[400];

	sql_buffer_reset(sql, SIZE_MAX);
	sql_buffer_text(sql, statement->table->insert);
	for (size_t i = first; i < first + count; i++)
	{
		sql_buffer_text(sql, i > first ? ",(" : "(");
		sql_buffer_add(sql, packet->lines.data + from, packet->line_ends[i] - 1 - from);
		sql_buffer_text(sql, ")");
		from = packet->line_ends[i];
	}
	if (!sql_buffer_ok(sql))
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a target's rows");
	describe(&part, doing, sizeof doing);
	if (mysql_real_query(writer->mysql, sql->data, (unsigned long) sql->used) != 0)
		return target_failed(writer->mysql, doing, failure);
	return mysql_affected_rows(writer->mysql) == count ||
		   rows_missing(packet, &part, mysql_affected_rows(writer->mysql), failure);
}

/*
 * LOAD DATA LOCAL makes warnings of errors: it leaves out a duplicate and cuts a value. Take back what it did and
 * insert the same rows with statements, which are strict; a literal is the same in both. Tables that this happens to
 * once are not loaded again.
 */
static bool
insert_instead(MysqlWriter *writer, const Packet *packet, const Statement *statement, Failure *failure)
{
	static const char back[] = "ROLLBACK TO SAVEPOINT " SAVEPOINT;
	SqlBuffer sql = {0};
	size_t first = 0;
	bool ok = true;

	statement->table->loadable = false;
	if (mysql_real_query(writer->mysql, back, sizeof back - 1) != 0)
		return target_failed(writer->mysql, "going back to a savepoint at the target", failure);
	while (ok && first < packet->line_count)
	{
		size_t begin = first > 0 ? packet->line_ends[first - 1] : 0;
		size_t count = 1;

		while (first + count < packet->line_count && packet->line_ends[first + count] - begin < INSERT_SIZE &&
			   writer->limit > INSERT_SIZE)
			count++;
		ok = insert_lines(writer, packet, statement, &sql, first, count, failure);
		first += count;
	}
	sql_buffer_free(&sql);
	return ok;
}

/* Somebody has switched local_infile off meanwhile. */
static bool
loading_refused(unsigned number)
{
	return number == 1148 || number == 3948 || number == 4166;
}

static bool
collect_statement(MysqlWriter *writer, Packet *packet, size_t i, Failure *failure)
{
	const Statement *statement = &packet->statements[i];
	bool load = statement->op == WRITER_LOAD;
	char doing[400];
	uint64_t found;
	bool ok;

	writer->asked_lines = load ? packet : NULL;
	ok = i == 0 ? mysql_read_query_result(writer->mysql) == 0 : mysql_next_result(writer->mysql) == 0;
	writer->asked_lines = NULL;
	if (!ok && load && loading_refused(mysql_errno(writer->mysql)))
	{
		writer->loading = false;
		return insert_instead(writer, packet, statement, failure);
	}
	if (!ok)
	{
		describe(statement, doing, sizeof doing);
		return target_failed(writer->mysql, doing, failure);
	}
	if (statement->op == WRITER_CONTROL || statement->op == WRITER_TRUNCATE || statement->op == WRITER_REPLACE)
		return true;
	found = mysql_affected_rows(writer->mysql);
	if (load && (found != statement->rows || mysql_warning_count(writer->mysql) != 0))
		return insert_instead(writer, packet, statement, failure);
	return found == statement->rows || rows_missing(packet, statement, found, failure);
}

/* Read the results of the packet that is on its way. */
static bool
collect(MysqlWriter *writer, Failure *failure)
{
	Packet *packet = writer->sent;

	if (packet == NULL)
		return true;
	writer->sent = NULL;
	for (size_t i = 0; i < packet->count; i++)
	{
		if (!collect_statement(writer, packet, i, failure))
			return false;
	}
	sql_buffer_reset(&packet->sql, KEEP_SIZE);
	sql_buffer_reset(&packet->lines, KEEP_SIZE);
	packet->count = packet->line_count = packet->lines_read = 0;
	return true;
}

static bool
send_open(MysqlWriter *writer, Failure *failure)
{
	Packet *packet = writer->open;

	if (packet->count == 0)
		return true;
	if (!sql_buffer_ok(&packet->sql) || !sql_buffer_ok(&packet->lines))
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a target's rows");
	if (packet->sql.used >= writer->max_packet)
		return failure_set(failure, FAILURE_REJECT, "row_too_large",
						   "Raise max_allowed_packet at the target, to four times the largest row.",
						   "a row of table %s takes %zu bytes as a statement, max_allowed_packet at the target is %zu",
						   packet->statements[0].table != NULL ? packet->statements[0].table->quoted : "?",
						   packet->sql.used, writer->max_packet);
	packet->statements[packet->count - 1].end = packet->sql.used;
	packet->statements[packet->count - 1].rows += packet->line_count;
	if (!collect(writer, failure))
		return false;
	if (mysql_send_query(writer->mysql, packet->sql.data, (unsigned long) packet->sql.used) != 0)
		return target_failed(writer->mysql, "sending rows to the target", failure);
	writer->pending += packet->sql.used + packet->lines.used;
	writer->sent = packet;
	writer->open = packet == &writer->packets[0] ? &writer->packets[1] : &writer->packets[0];
	/* A server that waits for lines holds locks on the schema: this session's own next CREATE TABLE would wait for it.
	 */
	return packet->line_count == 0 || collect(writer, failure);
}

bool
mysql_writer_drain(MysqlWriter *writer, Failure *failure)
{
	if (!send_open(writer, failure) || !collect(writer, failure))
		return false;
	writer->pending = 0;
	return true;
}

/* ---- statements ---- */

static Statement *
last_statement(Packet *packet)
{
	return packet->count > 0 ? &packet->statements[packet->count - 1] : NULL;
}

/* May the statement that ends the packet take one more row of this kind? */
static bool
goes_on(const MysqlWriter *writer, const Statement *last, const MysqlTable *table, WriterOp op)
{
	size_t used = writer->open->sql.used;

	if (last == NULL || last->op != op || last->table != table || used >= writer->limit)
		return false;
	return op == WRITER_INSERT || op == WRITER_REPLACE ? used - last->begin < INSERT_SIZE
		   : op == WRITER_DELETE                       ? table->keyed && last->rows < MAX_DELETES
													   : false;
}

/* A new statement at the end of the open packet, or of the next one when that is full. */
static Statement *
begin_statement(MysqlWriter *writer, MysqlTable *table, WriterOp op, Failure *failure)
{
	Packet *packet = writer->open;
	Statement *last = last_statement(packet);

	if (packet->sql.used >= writer->limit || packet->count + 2 > MAX_STATEMENTS ||
		(last != NULL && last->op == WRITER_LOAD))
	{
		if (!send_open(writer, failure))
			return NULL;
		packet = writer->open;
		last = NULL;
	}
	if (last != NULL)
	{
		last->end = packet->sql.used;
		sql_buffer_text(&packet->sql, ";");
	}
	packet->statements[packet->count] = (Statement){.op = op, .table = table, .begin = packet->sql.used};
	return &packet->statements[packet->count++];
}

SqlBuffer *
mysql_writer_row(MysqlWriter *writer, MysqlTable *table, WriterOp op, bool *more, Failure *failure)
{
	Statement *statement = last_statement(writer->open);

	*more = goes_on(writer, statement, table, op);
	if (!*more)
		statement = begin_statement(writer, table, op, failure);
	if (statement == NULL)
		return NULL;
	statement->rows++;
	return &writer->open->sql;
}

/* ---- lines to load ---- */

static bool
loads(const MysqlWriter *writer, const MysqlTable *table)
{
	Packet *packet = writer->open;
	const Statement *last = last_statement(packet);

	return last != NULL && last->op == WRITER_LOAD && last->table == table && packet->lines.used < PACKET_SIZE &&
		   packet->line_count < MAX_LOADED;
}

bool
mysql_writer_may_load(const MysqlWriter *writer, const MysqlTable *table, uint32_t rows)
{
	return writer->loading && table->loadable && !table->replaces && (rows >= WORTH_LOADING || loads(writer, table));
}

SqlBuffer *
mysql_writer_line(MysqlWriter *writer, MysqlTable *table, Failure *failure)
{
	if (!loads(writer, table))
	{
		if (begin_statement(writer, NULL, WRITER_CONTROL, failure) == NULL)
			return NULL;
		sql_buffer_text(&writer->open->sql, "SAVEPOINT " SAVEPOINT);
		if (begin_statement(writer, table, WRITER_LOAD, failure) == NULL)
			return NULL;
		sql_buffer_text(&writer->open->sql, table->load);
	}
	return &writer->open->lines;
}

void
mysql_writer_line_end(MysqlWriter *writer)
{
	Packet *packet = writer->open;

	sql_buffer_text(&packet->lines, "\n");
	packet->line_ends[packet->line_count++] = (uint32_t) packet->lines.used;
}

void
mysql_writer_condition(MysqlWriter *writer)
{
	Packet *packet = writer->open;

	packet->statements[packet->count - 1].condition = packet->sql.used;
}
