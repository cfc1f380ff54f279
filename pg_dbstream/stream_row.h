/*
 * A stream's row in dbstream.stream and its options, as the inbound path needs them.
 *
 * Catalogue tables are read and written through their indexes directly, so
 * neither the bridge's role nor a stream's owner needs rights on them.
 */
#ifndef DBS_STREAM_ROW_H
#define DBS_STREAM_ROW_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/relcache.h"

typedef struct DbsStream
{
	int id;
	char *name;
	Oid owner;
	char *desired;
	int64 generation;
	const char **tables; /* patterns, NULL-terminated */
	Jsonb *options;
} DbsStream;

/* The stream, allocated in the current context; NULL when there is none. Needs a transaction. */
DbsStream *dbs_stream_load(int stream_id);

/*
 * Whether the stream's definition may have another generation than the one given. Costs nothing while no definition
 * changes: whoever changes one sends an invalidation with it (dbs_notify). Needs a transaction.
 */
bool dbs_stream_is_outdated(int stream_id, int64 generation);

/* ERROR with SQLSTATE DB001, which makes a bridge read the definition again; also when the stream is gone. */
void dbs_stream_report_outdated(int stream_id) __attribute__((noreturn));

/* An option's scalar value as text, or fallback when it is missing or null. */
const char *dbs_stream_option(const DbsStream *stream, const char *name, const char *fallback);

/* An object option as two Lists of char *. */
void dbs_stream_option_pairs(const DbsStream *stream, const char *name, List **keys, List **values);

/* Oid of a relation in schema dbstream; ERROR when the extension's schema lacks it. */
Oid dbs_catalog_oid(const char *name);

#endif
