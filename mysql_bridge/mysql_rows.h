/*
 * Rows messages as statements for a MySQL target.
 */
#ifndef DBS_BRIDGE_MYSQL_ROWS_H
#define DBS_BRIDGE_MYSQL_ROWS_H

#include "../libdbstream/wire.h"
#include "mysql_table.h"
#include "mysql_writer.h"

/* Write all rows of a message whose reader stands behind its header. */
MUST_CHECK bool mysql_rows_write(MysqlWriter *writer, MysqlTable *table, const DbsRows *rows, DbsReader *reader,
								 bool null_unsupported, Failure *failure);

/* ---- one change, for those who write it in their own way (mysql_conflict.c) ---- */

typedef enum FieldState
{
	FIELD_VALUE,
	FIELD_NULL,
	FIELD_ABSENT
} FieldState;

typedef struct RowField
{
	const char *value; /* points into the message */
	uint32_t size;
	FieldState state;
} RowField;

typedef struct RowsWork
{
	MysqlWriter *writer; /* of mysql_rows_write alone */
	MysqlTable *table;
	DbsReader *reader;
	bool null_unsupported;
	RowField *old; /* column_count each */
	RowField *new;
	bool same_key;     /* the old row is the new one's key */
	uint32_t rows;     /* in the message at hand; 0: not known */
	uint64_t adjusted; /* mysql_conflict.c's: values that the last statement written has adjusted */
} RowsWork;

/* Read the next change of an operation. */
MUST_CHECK bool mysql_rows_read(RowsWork *work, DbsRowsOp op, Failure *failure);

/* Append a field's value as the literal of column i: NULL or DEFAULT where it has none. */
MUST_CHECK bool mysql_rows_put_field(RowsWork *work, SqlBuffer *sql, uint32_t i, const RowField *field,
									 Failure *failure);

/*
 * Append the condition that finds a row by these fields: its key and, unless key_only, every other column that is
 * there and reads back as it was written; of a table without a key everything, and LIMIT 1.
 */
MUST_CHECK bool mysql_rows_put_condition(RowsWork *work, SqlBuffer *sql, const RowField *fields, bool key_only,
										 Failure *failure);

/* Does an update set column i? A row that is all key, or all out of line, may have nothing new. */
bool mysql_rows_sets(const RowsWork *work, uint32_t i);

#endif
