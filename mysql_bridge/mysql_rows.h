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

#endif
