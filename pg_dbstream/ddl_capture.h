/*
 * Schema changes of published tables, captured by event triggers into the log, in order with the rows.
 */
#ifndef DBS_DDL_CAPTURE_H
#define DBS_DDL_CAPTURE_H

#include "postgres.h"

#include "catalog.h"

/* The logical message's prefix; the output plugin and the bridge know it too. */
#define DBS_DDL_PREFIX "dbstream.ddl"

/*
 * An outbound stream is being made or set going: make the event triggers if they are missing, and note what the tables
 * that it selects are like. To be called inside dbs_catalog_enter and leave. A WARNING when nobody at hand may make
 * event triggers: then the stream carries rows alone.
 */
void dbs_ddl_capture_prepare(const DbsCatalogAccess *access, ArrayType *tables);

/* A stream is gone: when it was the last one out, capture nothing any more. */
void dbs_ddl_capture_release(void);

/*
 * The signature of a captured change's text, 64 hexadecimal digits: it stands behind the text, on a line of its own. To
 * be called inside dbs_catalog_enter and leave. NULL when nothing can be signed here yet. palloc'd.
 */
char *dbs_ddl_signature(const char *text, Size size);

/* How much of a message's content is the text. */
Size dbs_ddl_text_size(const char *content, Size size);

/* Are all event triggers there and enabled? */
bool dbs_ddl_captured(void);

#endif
