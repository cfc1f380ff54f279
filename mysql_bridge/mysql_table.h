/*
 * A table of the target: the columns of a table message matched by name with the columns that are there, or the
 * table made from the message when it is missing.
 */
#ifndef DBS_BRIDGE_MYSQL_TABLE_H
#define DBS_BRIDGE_MYSQL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <mysql.h>

#include "../libdbstream/wire.h"
#include "mysql_literal.h"
#include "stream_config.h"

struct MysqlTableTotal;

typedef struct MysqlTable
{
	uint32_t id; /* of the table message */
	char *source_schema;
	char *schema;
	char *name;
	char *quoted; /* `schema`.`name` */
	uint32_t column_count;
	MysqlColumn *columns;
	bool keyed;                    /* rows are found by their key columns; otherwise by all they hold */
	bool replaces;                 /* an inserted row takes the place of one with the same key */
	char *insert;                  /* "INSERT INTO `schema`.`name` (…) VALUES " */
	char *load;                    /* "LOAD DATA LOCAL INFILE … INTO TABLE `schema`.`name` … (…)" */
	bool loadable;                 /* every column's literals are what LOAD DATA takes */
	struct MysqlTableTotal *total; /* of those who count by table; else NULL */
	uint64_t inserted;
	uint64_t updated;
	uint64_t deleted;
	uint64_t adjusted; /* values that a policy changed */
} MysqlTable;

/*
 * Read a table message whose reader stands at its beginning. meta is a connection without an open transaction: making a
 * table would end one. NULL on failure.
 */
MUST_CHECK MysqlTable *mysql_table_open(MYSQL *meta, ServerFlavour flavour, const StreamConfig *config,
										DbsReader *reader, Failure *failure);
void mysql_table_free(MysqlTable *table);

#endif
