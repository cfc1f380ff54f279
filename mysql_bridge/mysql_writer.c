#include "mysql_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target_failure.h"

/* A packet is sent once it has so many bytes, unless the server takes less. */
#define PACKET_SIZE ((size_t) 512 * 1024)
#define KEEP_SIZE (4 * PACKET_SIZE)
#define MAX_STATEMENTS 2000
/* MySQL's optimizer gives up on ranges above a memory limit; below this count it never does. */
#define MAX_DELETES 200

typedef struct Statement
{
	WriterOp op;
	MysqlTable *table;
	uint64_t rows;    /* to be found */
	size_t condition; /* where its condition begins in the packet; 0: it has none */
	size_t end;
} Statement;

typedef struct Packet
{
	SqlBuffer sql;
	Statement statements[MAX_STATEMENTS];
	size_t count;
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
};

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
	return writer;
}

void
mysql_writer_free(MysqlWriter *writer)
{
	if (writer == NULL)
		return;
	sql_buffer_free(&writer->packets[0].sql);
	sql_buffer_free(&writer->packets[1].sql);
	free(writer);
}

uint64_t
mysql_writer_pending(const MysqlWriter *writer)
{
	return writer->pending + writer->open->sql.used;
}

/* ---- results ---- */

static const char *
op_word(WriterOp op)
{
	return op == WRITER_INSERT     ? "inserting into"
		   : op == WRITER_REPLACE  ? "replacing in"
		   : op == WRITER_UPDATE   ? "updating"
		   : op == WRITER_DELETE   ? "deleting from"
		   : op == WRITER_TRUNCATE ? "emptying"
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

/* Read the results of the packet that is on its way. */
static bool
collect(MysqlWriter *writer, Failure *failure)
{
	Packet *packet = writer->sent;
	char doing[400];

	if (packet == NULL)
		return true;
	writer->sent = NULL;
	for (size_t i = 0; i < packet->count; i++)
	{
		const Statement *statement = &packet->statements[i];
		uint64_t found;

		describe(statement, doing, sizeof doing);
		if (i == 0 ? mysql_read_query_result(writer->mysql) != 0 : mysql_next_result(writer->mysql) != 0)
			return target_failed(writer->mysql, doing, failure);
		found = mysql_affected_rows(writer->mysql);
		if (statement->op != WRITER_CONTROL && statement->op != WRITER_TRUNCATE && statement->op != WRITER_REPLACE &&
			found != statement->rows)
			return rows_missing(packet, statement, found, failure);
	}
	sql_buffer_reset(&packet->sql, KEEP_SIZE);
	packet->count = 0;
	return true;
}

static bool
send_open(MysqlWriter *writer, Failure *failure)
{
	Packet *packet = writer->open;

	if (packet->count == 0)
		return true;
	if (!sql_buffer_ok(&packet->sql))
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a target's rows");
	if (packet->sql.used >= writer->max_packet)
		return failure_set(failure, FAILURE_REJECT, "row_too_large",
						   "Raise max_allowed_packet at the target, to four times the largest row.",
						   "a row of table %s takes %zu bytes as a statement, max_allowed_packet at the target is %zu",
						   packet->statements[0].table != NULL ? packet->statements[0].table->quoted : "?",
						   packet->sql.used, writer->max_packet);
	packet->statements[packet->count - 1].end = packet->sql.used;
	if (!collect(writer, failure))
		return false;
	if (mysql_send_query(writer->mysql, packet->sql.data, (unsigned long) packet->sql.used) != 0)
		return target_failed(writer->mysql, "sending rows to the target", failure);
	writer->pending += packet->sql.used;
	writer->sent = packet;
	writer->open = packet == &writer->packets[0] ? &writer->packets[1] : &writer->packets[0];
	return true;
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

SqlBuffer *
mysql_writer_row(MysqlWriter *writer, MysqlTable *table, WriterOp op, bool *more, Failure *failure)
{
	Packet *packet = writer->open;
	Statement *last = packet->count > 0 ? &packet->statements[packet->count - 1] : NULL;

	*more = last != NULL && packet->sql.used < writer->limit && last->op == op && last->table == table &&
			(op == WRITER_INSERT || op == WRITER_REPLACE ||
			 (op == WRITER_DELETE && table->keyed && last->rows < MAX_DELETES));
	if (*more)
	{
		last->rows++;
		return &packet->sql;
	}
	if (packet->sql.used >= writer->limit || packet->count == MAX_STATEMENTS)
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
	packet->statements[packet->count++] = (Statement){.op = op, .table = table, .rows = 1};
	return &packet->sql;
}

void
mysql_writer_condition(MysqlWriter *writer)
{
	Packet *packet = writer->open;

	packet->statements[packet->count - 1].condition = packet->sql.used;
}
