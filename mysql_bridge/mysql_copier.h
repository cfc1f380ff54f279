/*
 * One writer of an outbound stream's copy: its own connections to the target, on which it makes a table, fills it, and
 * adds its keys.
 *
 * A table that held nothing is filled in transactions of some megabytes; should the session end before its last row,
 * what is there is deleted and the table is copied anew. A table that held rows is filled in one transaction, in which
 * a row with the same key is replaced.
 */
#ifndef DBS_BRIDGE_MYSQL_COPIER_H
#define DBS_BRIDGE_MYSQL_COPIER_H

#include <stdbool.h>
#include <stddef.h>

#include "../libdbstream/wire.h"
#include "copy_record.h"
#include "failure.h"
#include "stream_config.h"

/* A table's definition in the target's words; malloc'd texts. */
typedef struct CopyDdl
{
	char **texts;
	char **stages; /* "table", "index", "foreign key", or "note": what is lost; of each */
	size_t count;
} CopyDdl;

void copy_ddl_free(CopyDdl *ddl);

/* Copies both. False: no memory. */
MUST_CHECK bool copy_ddl_add(CopyDdl *ddl, const char *stage, const char *text);

typedef struct MysqlCopier MysqlCopier;

/* A part of a definition that the target refused: the stream goes on without it, and says so. */
typedef bool (*CopierNote)(void *context, const CopyTable *table, const char *sql, const char *problem,
						   Failure *failure);

typedef struct MysqlCopierInput
{
	const StreamConfig *config;
	const char *key; /* of the stream */
	const char *token;
	unsigned writer;
	bool empties; /* tables are emptied first, whatever the options say */
	CopierNote note;
	void *context; /* of note */
} MysqlCopierInput;

/* Everything in input is kept by reference. NULL on failure. */
MUST_CHECK MysqlCopier *mysql_copier_new(const MysqlCopierInput *input, Failure *failure);
void mysql_copier_free(MysqlCopier *copier);

/* "mysql" or "mariadb": whose words the target understands. */
const char *mysql_copier_dialect(const MysqlCopier *copier);

/* Record the tables that are to be copied. */
MUST_CHECK bool mysql_copier_plan(MysqlCopier *copier, CopyTable *tables, size_t count, Failure *failure);

/*
 * Record that the table is not copied, since it has to be read again. Only a table that held nothing before the copy
 * can be filled again.
 */
MUST_CHECK bool mysql_copier_forget(MysqlCopier *copier, CopyTable *table, Failure *failure);

/* Make the table ready for its first row. */
MUST_CHECK bool mysql_copier_begin(MysqlCopier *copier, CopyTable *table, const CopyDdl *ddl, Failure *failure);

/* Write a table or rows message. */
MUST_CHECK bool mysql_copier_message(MysqlCopier *copier, const DbsMessage *message, Failure *failure);

/* All rows are written: the table is there as of position. */
MUST_CHECK bool mysql_copier_end(MysqlCopier *copier, const char *position, Failure *failure);

/* Add what belongs to a stage: "index" or "foreign key". A table that the stream has not made is left as it is. */
MUST_CHECK bool mysql_copier_add(MysqlCopier *copier, CopyTable *table, const CopyDdl *ddl, const char *stage,
								 Failure *failure);

/* Everything is copied: the stream begins at position, with so many rows. */
MUST_CHECK bool mysql_copier_start_stream(MysqlCopier *copier, const char *position, uint64_t rows, Failure *failure);

/* From another thread: make what is under way fail soon. */
void mysql_copier_interrupt(MysqlCopier *copier);

#endif
