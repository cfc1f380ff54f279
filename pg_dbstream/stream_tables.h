/*
 * The tables here that a stream's patterns select.
 */
#ifndef DBS_STREAM_TABLES_H
#define DBS_STREAM_TABLES_H

#include "catalog.h"
#include "utils/array.h"

typedef struct DbsStreamTable
{
	Oid oid;
	char *schema; /* here */
	char *name;
	char *quoted;       /* schema.name */
	bool full_identity; /* REPLICA IDENTITY FULL */
} DbsStreamTable;

/* A stream's patterns, NULL-terminated, palloc'd. */
const char **dbs_stream_patterns(ArrayType *tables);

/* By schema and name, as a List of DbsStreamTable *; partitions stand under their root. Inside enter and leave. */
List *dbs_stream_tables(const DbsStreamRow *stream);

#endif
