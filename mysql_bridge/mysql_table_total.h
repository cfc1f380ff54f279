/*
 * How many rows an outbound stream has written to each table: rows of dbstream_tables at the target, changed in the
 * transactions that hold the rows, so they are exact whatever is killed when. PostgreSQL is told of them with the
 * position.
 */
#ifndef DBS_BRIDGE_MYSQL_TABLE_TOTAL_H
#define DBS_BRIDGE_MYSQL_TABLE_TOTAL_H

#include <stdbool.h>
#include <stdint.h>

#include <mysql.h>

#include "failure.h"
#include "mysql_progress.h"
#include "mysql_writer.h"

/* Make the table when it is missing. */
MUST_CHECK bool mysql_table_total_prepare(MYSQL *mysql, const char *database, Failure *failure);

/* All totals of a stream. */
typedef struct MysqlTableTotals MysqlTableTotals;

/* One table's; belongs to the totals. */
typedef struct MysqlTableTotal MysqlTableTotal;

/* As they are at the target, none of them told yet. database and key are kept by reference. NULL on failure. */
MUST_CHECK MysqlTableTotals *mysql_table_total_read(MYSQL *mysql, const char *database, const char *key,
													Failure *failure);
void mysql_table_total_free(MysqlTableTotals *totals);

/* The total of a table by its name at the source, begun when it is new; NULL when there is no memory. */
MysqlTableTotal *mysql_table_total_find(MysqlTableTotals *totals, const char *schema, const char *name);

/* Take over what the table, which has a total, counted: for the transaction that is open. */
void mysql_table_total_take(MysqlTable *table);

/* Write what was taken into the open transaction, and add it to sum. */
MUST_CHECK bool mysql_table_total_write(MysqlTableTotals *totals, MysqlWriter *writer, MysqlTotals *sum,
										Failure *failure);

/* The transaction is committed. */
void mysql_table_total_committed(MysqlTableTotals *totals);

/* The totals that have changed since PostgreSQL was told, as a JSON array; NULL: none. malloc'd. */
char *mysql_table_total_untold(const MysqlTableTotals *totals);
void mysql_table_total_told(MysqlTableTotals *totals);

/* Record what was copied of a table, in the open transaction: so many rows, so many of their values adjusted. */
MUST_CHECK bool mysql_table_total_copied(MYSQL *mysql, const char *database, const char *key, const char *schema,
										 const char *name, uint64_t rows, uint64_t adjusted, Failure *failure);

#endif
