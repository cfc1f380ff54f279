/*
 * A table of the source as a backfill reads it: columns as the log describes them, the key by which it is cut into
 * chunks, and the words of its query.
 */
#ifndef DBS_BRIDGE_SNAPSHOT_TABLE_H
#define DBS_BRIDGE_SNAPSHOT_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <mysql.h>

#include "failure.h"
#include "binlog_place.h"
#include "mysql_connection.h"
#include "result_row.h"
#include "snapshot_range.h"
#include "stream_config.h"

#define SNAPSHOT_KEY_MAX 16

typedef struct SnapshotTable
{
	char *schema;
	char *name;
	uint32_t column_count;
	DbsColumn *columns; /* name and type_name are malloc'd */
	ResultColumn *results;
	char *select_list;
	uint32_t key_count; /* 0: no key to cut it by */
	SnapshotKey keys[SNAPSHOT_KEY_MAX];
	char *key_index;
	char *create_sql;
	char *definition; /* its columns and key as a JSON array: [["id", "int(11)", "key"], ...] */
	bool locks;       /* its engine has no transactions: only a lock makes it hold still */
	uint64_t rows_estimated;
	uint64_t bytes_estimated;

	/* how far the copy is */
	bool copied;
	atomic_bool gone;       /* dropped at the source meanwhile */
	atomic_bool changed;    /* its columns or its key are not those that the copy began with: it begins again */
	SourcePoint not_before; /* its copy waits until the log has been read up to here, if the log is read */
	char *position;         /* as of which a table without key was read; may be NULL */
	SnapshotRange *ranges;  /* what is still to be copied */
	uint64_t last_range;    /* the highest number of a range */
	atomic_ullong rows_done;

	/* its readers */
	unsigned readers;
	unsigned most_readers;    /* at once, so far */
	bool beginning;           /* one of them makes it begin again: nobody else may take a range */
	uint32_t wire_id;         /* under which rows are sent; 0: no table message has gone out */
	atomic_ullong chunk_rows; /* rows of a chunk as long as it should take; 0: nothing is known yet */
} SnapshotTable;

/*
 * The tables that the patterns select, the largest first; malloc'd, the caller frees with snapshot_tables_free.
 * Each has its names and estimates only.
 */
MUST_CHECK bool snapshot_tables_list(MYSQL *sql, const StreamConfig *config, SnapshotTable **tables, size_t *count,
									 Failure *failure);
void snapshot_tables_free(SnapshotTable *tables, size_t count);

/*
 * Fill in columns, key and query. A table that is gone meanwhile is marked so, which is no failure.
 * recorded: the definition with which its copy began, or NULL. Columns that came later are left to the log; when
 * others are missing, or the key is another, the table is marked as changed.
 */
MUST_CHECK bool snapshot_table_describe(SnapshotTable *table, MYSQL *sql, ServerFlavour flavour,
										const StreamConfig *config, const char *recorded, Failure *failure);

/* Begin with a range that is the whole table. */
MUST_CHECK bool snapshot_table_begin(SnapshotTable *table, Failure *failure);

/* Forget what describe has found out, and how far the copy is. */
void snapshot_table_reset(SnapshotTable *table);

/* `name` between backticks, malloc'd. */
char *snapshot_identifier(const char *name);

#endif
