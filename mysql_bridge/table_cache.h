/*
 * The tables that the log has named so far: which are in the stream, under which number of the log's and of the wire's
 * they go, and what they look like now.
 */
#ifndef DBS_BRIDGE_TABLE_CACHE_H
#define DBS_BRIDGE_TABLE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "charset.h"
#include "failure.h"
#include "source_table.h"
#include "stream_config.h"

/* The outbound direction's progress table: a transaction that writes it came from PostgreSQL. */
#define PROGRESS_TABLE_NAME "dbstream_progress"
/* Beside it, and changed only together with it: what of an outbound stream's tables is copied. */
#define COPY_RECORD_TABLE_NAME "dbstream_backfill"
/* And how many rows were written to each. */
#define TABLE_TOTALS_TABLE_NAME "dbstream_tables"
#define CONFLICT_TABLE_NAME "dbstream_conflicts"

/* Is it one of these, or the table of conflicts? They belong to no stream that reads the server. */
bool table_name_is_own(const char *name);

typedef struct TableCache TableCache;

typedef struct CachedTable
{
	char *schema;
	char *name;
	bool selected;      /* by the stream's patterns */
	bool is_progress;   /* PROGRESS_TABLE_NAME, in any schema */
	bool announced;     /* the wire has had its table message, as the table is now */
	uint32_t wire_id;   /* selected tables only */
	SourceTable *table; /* selected tables only */

	/* the cache's own */
	uint64_t log_id;
	uint8_t *body;
	size_t body_size;
	struct CachedTable *next_by_id;
	struct CachedTable *next_by_name;
} CachedTable;

/* config and charsets are kept by reference. NULL when memory runs out. */
TableCache *table_cache_new(const StreamConfig *config, CharsetCatalog *charsets);
void table_cache_free(TableCache *cache);

/*
 * A TABLE_MAP event, its body from the schema's name on. The same body under the same number costs a comparison. With
 * parse false, the table is not parsed though it is selected (what is read is thrown away).
 */
MUST_CHECK CachedTable *table_cache_map(TableCache *cache, uint64_t log_id, const uint8_t *body, size_t size,
										bool parse, Failure *failure);

/* NULL when no TABLE_MAP has named it. */
CachedTable *table_cache_find(TableCache *cache, uint64_t log_id);

/* Between transactions: forget all when there are very many, so that a source that makes tables all day stays cheap. */
void table_cache_trim(TableCache *cache);

#endif
