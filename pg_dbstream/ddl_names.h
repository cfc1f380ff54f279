/*
 * Things by schema and name: a hash that finds one among thousands at once.
 *
 * All memory is palloc's and goes with its context; a zeroed DdlNames is an
 * empty one.  Names are kept by reference.
 */
#ifndef DBS_DDL_NAMES_H
#define DBS_DDL_NAMES_H

#include "postgres.h"

typedef struct DdlNameEntry DdlNameEntry;

typedef struct DdlNames
{
	DdlNameEntry **buckets;
	int size; /* a power of two */
	int count;
} DdlNames;

/* What was added last under the name and is still there, or NULL.  No schema (NULL) is a schema of its own. */
void *dbs_ddl_names_find(const DdlNames *names, const char *schema, const char *name);
/* Beside what the name may have. */
void dbs_ddl_names_add(DdlNames *names, const char *schema, const char *name, void *value);
/* This value of the name; nothing happens when it is not there. */
void dbs_ddl_names_remove(DdlNames *names, const char *schema, const char *name, const void *value);

#endif
