#include "mysql_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mysql_connection.h"
#include "mysql_table_total.h"
#include "table_cache.h"
#include "target_failure.h"
#include "target_statement.h"

#define STEP_COLUMN "step varchar(100) CHARACTER SET ascii NOT NULL DEFAULT ''"

static void
put_table(SqlBuffer *sql, const char *database)
{
	sql_buffer_name(sql, database, strlen(database));
	sql_buffer_text(sql, "." PROGRESS_TABLE_NAME);
}

/* Is the table there, with that column? Then no right to make one is needed. */
static bool
present(MYSQL *mysql, const char *database, const char *column)
{
	SqlBuffer sql = {0};
	MYSQL_RES *result;
	Failure ignored;

	sql_buffer_format(&sql, "SELECT %s FROM ", column);
	put_table(&sql, database);
	sql_buffer_text(&sql, " LIMIT 0");
	if (!target_statement_once(mysql, &sql, "", &ignored))
		return false;
	result = mysql_store_result(mysql);
	mysql_free_result(result);
	return true;
}

static bool
prepare_positions(MYSQL *mysql, const char *database, Failure *failure)
{
	SqlBuffer sql = {0};

	if (present(mysql, database, "step"))
		return true;
	if (present(mysql, database, "position"))
	{
		sql_buffer_text(&sql, TARGET_DDL_MARK " ALTER TABLE ");
		put_table(&sql, database);
		sql_buffer_text(&sql, " ADD COLUMN " STEP_COLUMN " AFTER position");
		return target_statement_once(mysql, &sql, "bringing the table of positions at the target up to date", failure);
	}
	sql_buffer_text(&sql, TARGET_DDL_MARK " CREATE DATABASE IF NOT EXISTS ");
	sql_buffer_name(&sql, database, strlen(database));
	if (!target_statement_once(mysql, &sql, "making the database for positions at the target", failure))
		return false;
	sql_buffer_text(&sql, TARGET_DDL_MARK " CREATE TABLE IF NOT EXISTS ");
	put_table(&sql, database);
	sql_buffer_text(&sql, " (stream_key varchar(100) CHARACTER SET ascii NOT NULL PRIMARY KEY,"
						  " position varchar(64) CHARACTER SET ascii NOT NULL, " STEP_COLUMN ","
						  " changes bigint unsigned NOT NULL DEFAULT 0,"
						  " transactions bigint unsigned NOT NULL DEFAULT 0,"
						  " rows_inserted bigint unsigned NOT NULL DEFAULT 0,"
						  " rows_updated bigint unsigned NOT NULL DEFAULT 0,"
						  " rows_deleted bigint unsigned NOT NULL DEFAULT 0,"
						  " updated_at datetime(6) NOT NULL) ENGINE=InnoDB");
	return target_statement_once(mysql, &sql, "making the table of positions at the target", failure);
}

bool
mysql_progress_prepare(MYSQL *mysql, const char *database, Failure *failure)
{
	return prepare_positions(mysql, database, failure) && mysql_table_total_prepare(mysql, database, failure);
}

static void
put_where(SqlBuffer *sql, const char *key)
{
	sql_buffer_text(sql, " WHERE stream_key = ");
	sql_buffer_quoted(sql, key, strlen(key));
}

bool
mysql_progress_read(MYSQL *mysql, const char *database, const char *key, char *position, size_t size,
					char step[PROGRESS_STEP_SIZE], MysqlTotals *totals, Failure *failure)
{
	static const char doing[] = "reading the stream's position at the target";
	SqlBuffer sql = {0};
	MYSQL_RES *result;
	MYSQL_ROW row;

	position[0] = step[0] = '\0';
	memset(totals, 0, sizeof *totals);
	sql_buffer_text(&sql, "SELECT position, transactions, rows_inserted, rows_updated, rows_deleted, step FROM ");
	put_table(&sql, database);
	put_where(&sql, key);
	/* A session that died may still be committing: the lock waits for its outcome. */
	sql_buffer_text(&sql, " FOR UPDATE");
	if (!target_statement_once(mysql, &sql, doing, failure))
		return false;
	result = mysql_store_result(mysql);
	if (result == NULL)
		return target_failed(mysql, doing, failure);
	row = mysql_fetch_row(result);
	if (row != NULL && row[0] != NULL)
	{
		snprintf(position, size, "%s", row[0]);
		totals->transactions = strtoull(row[1], NULL, 10);
		totals->inserted = strtoull(row[2], NULL, 10);
		totals->updated = strtoull(row[3], NULL, 10);
		totals->deleted = strtoull(row[4], NULL, 10);
		snprintf(step, PROGRESS_STEP_SIZE, "%s", row[5]);
	}
	mysql_free_result(result);
	return true;
}

bool
mysql_progress_begin(MYSQL *mysql, const char *database, const char *key, const char *position,
					 const MysqlTotals *totals, Failure *failure)
{
	SqlBuffer sql = {0};

	sql_buffer_text(&sql, "INSERT INTO ");
	put_table(&sql, database);
	sql_buffer_text(&sql, " (stream_key, position, transactions, rows_inserted, rows_updated, rows_deleted, updated_at)"
						  " VALUES (");
	sql_buffer_quoted(&sql, key, strlen(key));
	sql_buffer_text(&sql, ", ");
	sql_buffer_quoted(&sql, position, strlen(position));
	sql_buffer_format(&sql, ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", NOW(6))", totals->transactions,
					  totals->inserted, totals->updated, totals->deleted);
	return target_statement_once(mysql, &sql, "recording the stream's first position at the target", failure);
}

void
mysql_progress_fence(SqlBuffer *sql, const char *database, const char *key, const char *position, const char *step)
{
	sql_buffer_text(sql, "UPDATE ");
	put_table(sql, database);
	sql_buffer_text(sql, " SET changes = changes + 1");
	put_where(sql, key);
	sql_buffer_text(sql, " AND position = ");
	sql_buffer_quoted(sql, position, strlen(position));
	if (step == NULL)
		return;
	sql_buffer_text(sql, " AND step = ");
	sql_buffer_quoted(sql, step, strlen(step));
}

void
mysql_progress_move(SqlBuffer *sql, const char *database, const char *key, const char *position, const char *step,
					const MysqlTotals *totals)
{
	sql_buffer_text(sql, "UPDATE ");
	put_table(sql, database);
	sql_buffer_text(sql, " SET position = ");
	sql_buffer_quoted(sql, position, strlen(position));
	sql_buffer_text(sql, ", step = ");
	sql_buffer_quoted(sql, step, strlen(step));
	sql_buffer_format(sql,
					  ", transactions = %" PRIu64 ", rows_inserted = %" PRIu64 ", rows_updated = %" PRIu64
					  ", rows_deleted = %" PRIu64 ", updated_at = NOW(6)",
					  totals->transactions, totals->inserted, totals->updated, totals->deleted);
	put_where(sql, key);
}

bool
mysql_progress_step(MYSQL *mysql, const char *database, const char *key, const char *position, const char *from,
					const char *to, Failure *failure)
{
	static const char doing[] = "recording a schema change's step at the target";
	SqlBuffer sql = {0};

	sql_buffer_text(&sql, "UPDATE ");
	put_table(&sql, database);
	sql_buffer_text(&sql, " SET updated_at = NOW(6), step = ");
	sql_buffer_quoted(&sql, to, strlen(to));
	put_where(&sql, key);
	sql_buffer_text(&sql, " AND position = ");
	sql_buffer_quoted(&sql, position, strlen(position));
	sql_buffer_text(&sql, " AND step = ");
	sql_buffer_quoted(&sql, from, strlen(from));
	if (!target_statement_once(mysql, &sql, doing, failure))
		return false;
	return mysql_affected_rows(mysql) == 1 ||
		   failure_set(failure, FAILURE_RETRY, "target_taken", NULL,
					   "another session has moved this stream's position at the target");
}
