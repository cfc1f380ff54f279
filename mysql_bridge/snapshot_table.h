/*
 * A table of the source as a backfill reads it: columns as the log describes them, the key by which it is cut into
 * chunks, and the words of its query.
 */
#ifndef DBS_BRIDGE_SNAPSHOT_TABLE_H
#define DBS_BRIDGE_SNAPSHOT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <mysql.h>

#include "failure.h"
#include "binlog_place.h"
#include "mysql_connection.h"
#include "result_row.h"
#include "stream_config.h"

#define SNAPSHOT_KEY_MAX 16

typedef struct SnapshotKey
{
	uint32_t column;  /* its place in the table, where the result has its text */
	char *expression; /* what the source compares and sorts by */
	bool bytes;       /* the value is kept and written as hexadecimal digits */
	bool text;        /* so too, as text in UTF-8: it may hold anything, zero bytes as well */
	bool number;      /* the literal is bare */
	int extra;        /* behind the columns, when the column's own text is not what it is compared by; -1: the column */
} SnapshotKey;

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
	bool gone;              /* dropped at the source meanwhile */
	SourcePoint not_before; /* its copy waits until the log has been read up to here, if the log is read */
	bool changed;           /* its columns or its key are not those that the copy began with: it begins again */
	uint64_t chunks;
	char **last_key; /* key_count texts; NULL: nothing copied yet */
	char *position;  /* as of which a table without key was read; may be NULL */
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

/* Forget what describe has found out, and how far the copy is. */
void snapshot_table_reset(SnapshotTable *table);

/* `name` between backticks, malloc'd. */
char *snapshot_identifier(const char *name);

#endif
