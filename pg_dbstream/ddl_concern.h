/*
 * Whether a statement of a source concerns the tables that a stream selects.
 */
#ifndef DBS_DDL_CONCERN_H
#define DBS_DDL_CONCERN_H

#include "ddl.h"

typedef enum DbsDdlConcern
{
	DBS_DDL_CONCERNS_US,
	DBS_DDL_CONCERNS_OTHERS,
	DBS_DDL_CONCERN_UNKNOWN
} DbsDdlConcern;

/* patterns: the stream's, NULL-terminated. Not for statements that change rows: their tables are not known. */
DbsDdlConcern dbs_ddl_concern(const char **patterns, const DbsDdlStatement *statement);

#endif
