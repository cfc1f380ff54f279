/*
 * Statements for a MySQL target, gathered and sent many to a round trip: while the server works on one packet, the
 * next is written. Each statement says how many rows it must find.
 */
#ifndef DBS_BRIDGE_MYSQL_WRITER_H
#define DBS_BRIDGE_MYSQL_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include <mysql.h>

#include "failure.h"
#include "mysql_table.h"
#include "sql_buffer.h"

typedef struct MysqlWriter MysqlWriter;

typedef enum WriterOp
{
	WRITER_CONTROL = 0, /* START TRANSACTION and the like: any number of rows */
	WRITER_FENCE,       /* the position's row, which must be as this session left it */
	WRITER_INSERT,
	WRITER_REPLACE, /* any number of rows: those that are replaced count too */
	WRITER_UPDATE,
	WRITER_DELETE,
	WRITER_TRUNCATE, /* any number of rows */
	WRITER_LOAD      /* LOAD DATA LOCAL of lines that the writer keeps */
} WriterOp;

/* The connection must have been opened for writing: multiple statements, found rows, local data. */
MUST_CHECK MysqlWriter *mysql_writer_new(MYSQL *mysql, Failure *failure);
void mysql_writer_free(MysqlWriter *writer);

/*
 * Begin a statement, or go on with the last one: *more says that it is an INSERT's next row, or a DELETE's next
 * condition. NULL on failure. table may be NULL for control statements.
 */
MUST_CHECK SqlBuffer *mysql_writer_row(MysqlWriter *writer, MysqlTable *table, WriterOp op, bool *more,
									   Failure *failure);

/* Where the condition of the statement under way begins: for a conflict's message. */
void mysql_writer_condition(MysqlWriter *writer);

/*
 * Rows to insert, so many in the message at hand, may go by LOAD DATA LOCAL, which costs the server a third less than
 * INSERT: the server allows it and the table has columns that it takes. Each row is a line: its values as literals with
 * commas between them. Should the server have any objection, the lines are inserted with statements, and what those say
 * counts.
 */
bool mysql_writer_may_load(const MysqlWriter *writer, const MysqlTable *table, uint32_t rows);
MUST_CHECK SqlBuffer *mysql_writer_line(MysqlWriter *writer, MysqlTable *table, Failure *failure);
void mysql_writer_line_end(MysqlWriter *writer);

/* Send what is gathered and see that all of it went well. */
MUST_CHECK bool mysql_writer_drain(MysqlWriter *writer, Failure *failure);

/* Bytes of statements gathered or sent since the last drain. */
uint64_t mysql_writer_pending(const MysqlWriter *writer);

#endif
