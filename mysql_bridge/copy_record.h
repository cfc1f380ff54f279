/*
 * The record of an outbound stream's copy, at the target: a table dbstream_backfill with a row for each table of the
 * stream. A table's row says as of which position it is there, and changes in the transaction that holds its last rows.
 *
 * Writers of the copy have rows of their own in dbstream_progress, <key>/c<number>, which hold a word of their session.
 * Every transaction begins with a look at that row, so one of an earlier session can do nothing more; and an inbound
 * reader of the same server sees by it that the transaction came from PostgreSQL.
 */
#ifndef DBS_BRIDGE_COPY_RECORD_H
#define DBS_BRIDGE_COPY_RECORD_H

#include <mysql.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "failure.h"
#include "table_cache.h"

#define COPY_KEY_SIZE 128
#define COPY_TOKEN_SIZE 64
/* A position of any source; longer names of log files are refused. */
#define COPY_POSITION_SIZE 64

typedef enum CopyPhase
{
	COPY_WAITING,
	COPY_COPYING,
	COPY_COPIED,
	COPY_INDEXING,
	COPY_LINKING, /* foreign keys */
	COPY_DONE
} CopyPhase;

/* A table of the stream. Names are the source's; malloc'd. */
typedef struct CopyTable
{
	unsigned relid; /* the source's number, or one that the copy gave it */
	char *schema;
	char *name;
	bool listed;    /* it is there at the source */
	unsigned group; /* read as of one moment with the others of it; 0: by itself */
	bool taken;     /* some worker has it */
	uint64_t rows_estimated;
	uint64_t bytes_estimated;

	bool known;                        /* it has a row in the record */
	bool begun;                        /* somebody began to copy it, and settled what follows */
	bool created;                      /* made there by the stream: keys are to be added */
	bool fresh;                        /* it held nothing when the copy began: what it holds is the copy's */
	bool keyed;                        /* its keys are made */
	bool linked;                       /* its foreign keys are made */
	char position[COPY_POSITION_SIZE]; /* as of which it is copied; empty: it is not */

	int told_phase; /* what PostgreSQL was last told; -1: nothing */
	uint64_t told_rows;

	atomic_int phase; /* CopyPhase; this and the counts change while others look */
	atomic_ullong rows;
	atomic_ullong bytes;
} CopyTable;

/* Make the table when it is missing. */
MUST_CHECK bool copy_record_prepare(MYSQL *mysql, const char *database, Failure *failure);

/* The stream's tables as they are recorded, none of them listed; malloc'd, also when there are none. */
MUST_CHECK bool copy_record_read(MYSQL *mysql, const char *database, const char *key, CopyTable **tables, size_t *count,
								 Failure *failure);
void copy_tables_free(CopyTable *tables, size_t count);

/*
 * Take the copy over: what earlier sessions have under way is waited for, and they can begin nothing more. Rows of
 * dbstream_progress and records that belong to earlier copies of the stream are forgotten. So many writers' rows are
 * made, which hold the token. In the transaction that is open.
 */
MUST_CHECK bool copy_record_take(MYSQL *mysql, const char *database, const char *key, const char *token,
								 unsigned writers, Failure *failure);

/* The key of a writer's row in dbstream_progress. */
void copy_record_writer_key(const char *key, unsigned writer, char out[COPY_KEY_SIZE]);

/* Record the table as it says of itself, in the transaction that is open. */
MUST_CHECK bool copy_record_write(MYSQL *mysql, const char *database, const char *key, const CopyTable *table,
								  Failure *failure);

/* The writers' rows are of no more use. In the transaction that is open. */
MUST_CHECK bool copy_record_finish(MYSQL *mysql, const char *database, const char *key, Failure *failure);

#endif
