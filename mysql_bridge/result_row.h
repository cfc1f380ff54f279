/*
 * Rows of a query's result to rows of the wire: the same bytes that the log's row images become.
 *
 * Each column is selected by an expression whose text loses nothing; snapshot_table.c chooses it together with the op.
 */
#ifndef DBS_BRIDGE_RESULT_ROW_H
#define DBS_BRIDGE_RESULT_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "stream_config.h"
#include "wire_buffer.h"

/* How a text of the result becomes a value of the wire. */
typedef enum ResultOp
{
	RESULT_INT2,
	RESULT_INT4,
	RESULT_INT8,
	RESULT_UINT8,
	RESULT_FLOAT4,
	RESULT_FLOAT8,
	RESULT_DECIMAL,
	RESULT_TEXT,
	RESULT_BYTES,
	RESULT_UUID, /* 16 bytes */
	RESULT_DATE,
	RESULT_DATETIME,
	RESULT_TIME,
	RESULT_BOOL, /* BIT(1) */
	RESULT_BIT,
	RESULT_LABEL,
	RESULT_LABEL_LIST,
	RESULT_GEOMETRY
} ResultOp;

typedef struct ResultColumn
{
	uint8_t op;    /* ResultOp */
	uint32_t size; /* BIT: bits */
	const char *name;
} ResultColumn;

typedef struct ResultPlan
{
	const char *schema;
	const char *table;
	uint32_t column_count;
	const ResultColumn *columns;
	bool strip_nul_bytes;
	ZeroDates zero_dates;
} ResultPlan;

/* Rows being written: a message is open between result_rows_put and result_rows_end. */
typedef struct ResultRows
{
	const ResultPlan *plan;
	WireBuffer *buffer;
	uint32_t wire_id;
	bool open;
	uint32_t count; /* in the open message */
	uint32_t adjusted;
	uint64_t total_rows; /* of closed messages */
	uint64_t total_bytes;
} ResultRows;

/* One row; values[i] is NULL or has lengths[i] bytes. Messages are closed at a moderate size. */
MUST_CHECK bool result_rows_put(ResultRows *rows, char *const *values, const unsigned long *lengths, Failure *failure);
void result_rows_end(ResultRows *rows);

#endif
