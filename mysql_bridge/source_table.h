/*
 * A table as the binlog's TABLE_MAP event describes it at one position.
 */
#ifndef DBS_BRIDGE_SOURCE_TABLE_H
#define DBS_BRIDGE_SOURCE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "charset.h"
#include "failure.h"
#include "outbox.h"
#include "stream_config.h"

typedef struct SourceTable SourceTable;

/* Names from the fixed part of a TABLE_MAP body (after its 8-byte post-header), without parsing the rest; not
 * terminated. */
MUST_CHECK bool source_table_names(const uint8_t *body, size_t size, const char **schema, size_t *schema_size,
								   const char **name, size_t *name_size, Failure *failure);

/*
 * Parse a TABLE_MAP body (after its post-header). Fails (REJECT) when the optional metadata
 * that FULL gives is missing, or a type is not known. The caller frees the result.
 */
MUST_CHECK SourceTable *source_table_parse(const uint8_t *body, size_t size, const StreamConfig *config,
										   CharsetCatalog *charsets, Failure *failure);
void source_table_free(SourceTable *table);

/* Put the wire's table message for it, under this id. */
MUST_CHECK bool source_table_put(const SourceTable *table, uint32_t wire_id, Outbox *outbox, Failure *failure);

typedef enum RowsEventKind
{
	ROWS_EVENT_WRITE,
	ROWS_EVENT_UPDATE,
	ROWS_EVENT_DELETE
} RowsEventKind;

typedef struct RowsCount
{
	uint64_t rows;
	uint64_t adjusted; /* values changed by a policy */
} RowsCount;

/*
 * Put all rows of one rows event as rows messages. body begins at the column count (after post-header
 * and extra data, checksum removed). Honours the columns-present bitmaps of both images; an update's old row is sent as
 * DBS_ROW_SAME_KEY when its key did not change, as the key alone when the table has a primary key, whole
 * otherwise. Adds to *count. A value that cannot be carried is a failure that names table and column.
 */
MUST_CHECK bool source_table_put_rows(const SourceTable *table, uint32_t wire_id, RowsEventKind kind,
									  const uint8_t *body, size_t size, Outbox *outbox, RowsCount *count,
									  Failure *failure);

#endif
