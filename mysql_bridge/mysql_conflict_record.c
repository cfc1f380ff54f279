#include "mysql_conflict_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mysql_progress.h"
#include "postgres_connection.h"
#include "target_failure.h"
#include "table_cache.h"
#include "target_statement.h"

#define CALL_TIMEOUT_MS 30000
#define HAND_OVER_ROWS "200"

struct ConflictRecords
{
	MYSQL *mysql;
	const StreamConfig *config;
	const char *key;
	bool waiting; /* records may be there that PostgreSQL has not got */
	SqlBuffer sql;
};

static void
put_table(const ConflictRecords *records, SqlBuffer *sql)
{
	sql_buffer_name(sql, records->config->target.database, strlen(records->config->target.database));
	sql_buffer_text(sql, "." CONFLICT_TABLE_NAME);
}

/* ---- the table of records ---- */

static bool
make_table(ConflictRecords *records, Failure *failure)
{
	SqlBuffer *sql = &records->sql;

	sql_buffer_text(sql, TARGET_DDL_MARK " CREATE TABLE IF NOT EXISTS ");
	put_table(records, sql);
	sql_buffer_text(sql, " (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,"
						 " stream_key varchar(100) CHARACTER SET ascii NOT NULL,"
						 " token char(36) CHARACTER SET ascii NOT NULL,"
						 " at datetime(6) NOT NULL,"
						 " position varchar(64) CHARACTER SET ascii NOT NULL,"
						 " schema_name varchar(64) NOT NULL,"
						 " table_name varchar(64) NOT NULL,"
						 " kind varchar(20) CHARACTER SET ascii NOT NULL,"
						 " row_key longtext, source_row longtext, source_before longtext, target_row longtext,"
						 " winner varchar(10) CHARACTER SET ascii NOT NULL,"
						 " KEY (stream_key, id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4");
	return target_statement_run(records->mysql, &records->sql, "making the table of conflicts at the target", failure);
}

/* Is the table there? Then no right to make one is needed. */
static bool
table_present(ConflictRecords *records)
{
	Failure ignored;
	MYSQL_RES *result;

	sql_buffer_text(&records->sql, "SELECT id FROM ");
	put_table(records, &records->sql);
	sql_buffer_text(&records->sql, " LIMIT 0");
	result = target_statement_query(records->mysql, &records->sql, "", &ignored);
	mysql_free_result(result);
	return result != NULL;
}

ConflictRecords *
conflict_records_open(MYSQL *mysql, const StreamConfig *config, const char *key, Failure *failure)
{
	ConflictRecords *records = calloc(1, sizeof *records);

	if (records == NULL)
	{
		target_statement_no_memory(failure);
		return NULL;
	}
	records->mysql = mysql;
	records->config = config;
	records->key = key;
	records->waiting = true;
	if (table_present(records) || make_table(records, failure))
		return records;
	conflict_records_free(records);
	return NULL;
}

void
conflict_records_free(ConflictRecords *records)
{
	if (records == NULL)
		return;
	sql_buffer_free(&records->sql);
	free(records);
}

/* ---- rows as JSON ---- */

/* Bytes as hexadecimal digits, bits as digits, documents as documents. */
static const char *
json_head(const MysqlColumn *column)
{
	switch (column->class)
	{
		case MYSQL_CLASS_BINARY:
		case MYSQL_CLASS_GEOMETRY:
		case MYSQL_CLASS_VECTOR:
			return "HEX(";
		case MYSQL_CLASS_BIT:
			return "BIN(0+";
		case MYSQL_CLASS_JSON:
			return "CAST(";
		default:
			return "(";
	}
}

static void
put_name(SqlBuffer *sql, const MysqlColumn *column, bool *first)
{
	sql_buffer_text(sql, *first ? "JSON_OBJECT(" : ",");
	*first = false;
	target_statement_text(sql, column->name);
	sql_buffer_text(sql, ",");
	sql_buffer_text(sql, json_head(column));
}

static void
put_end(SqlBuffer *sql, const MysqlColumn *column)
{
	sql_buffer_text(sql, column->class == MYSQL_CLASS_JSON ? " AS JSON)" : ")");
}

/* What is known of a row; a value that the target could not hold is left out. */
static void
put_fields_json(const RowsWork *work, SqlBuffer *sql, const RowField *fields, bool key_only)
{
	bool first = true;

	for (uint32_t i = 0; i < work->table->column_count; i++)
	{
		const MysqlColumn *column = &work->table->columns[i];
		size_t before = sql->used;
		bool was_first = first;

		if (fields[i].state == FIELD_ABSENT || (key_only && !column->key))
			continue;
		put_name(sql, column, &first);
		if (fields[i].state == FIELD_NULL)
			sql_buffer_text(sql, "NULL");
		else if (mysql_literal(sql, column, fields[i].value, fields[i].size) != NULL)
		{
			sql->used = before;
			first = was_first;
			continue;
		}
		put_end(sql, column);
	}
	sql_buffer_text(sql, first ? "JSON_OBJECT()" : ")");
}

static void
put_target_json(const MysqlTable *table, SqlBuffer *sql)
{
	bool first = true;

	for (uint32_t i = 0; i < table->column_count; i++)
	{
		put_name(sql, &table->columns[i], &first);
		sql_buffer_name(sql, table->columns[i].name, strlen(table->columns[i].name));
		put_end(sql, &table->columns[i]);
	}
	sql_buffer_text(sql, ")");
}

bool
conflict_records_add(ConflictRecords *records, RowsWork *work, const char *kind, const RowField *old,
					 const RowField *new, const SqlBuffer *condition, const char *winner, const char *position,
					 Failure *failure)
{
	SqlBuffer *sql = &records->sql;
	const MysqlTable *table = work->table;

	sql_buffer_text(sql, "INSERT INTO ");
	put_table(records, sql);
	sql_buffer_text(sql,
					" (stream_key, token, at, position, schema_name, table_name, kind, winner, row_key, source_row,"
					" source_before, target_row) SELECT ");
	target_statement_text(sql, records->key);
	sql_buffer_text(sql, ", UUID(), NOW(6), ");
	target_statement_text(sql, position);
	sql_buffer_text(sql, ", ");
	target_statement_text(sql, table->schema);
	sql_buffer_text(sql, ", ");
	target_statement_text(sql, table->name);
	sql_buffer_text(sql, ", ");
	target_statement_text(sql, kind);
	sql_buffer_text(sql, ", ");
	target_statement_text(sql, winner);
	sql_buffer_text(sql, ", ");
	if (table->keyed)
		put_fields_json(work, sql, old != NULL ? old : new, true);
	else
		sql_buffer_text(sql, "NULL");
	sql_buffer_text(sql, ", ");
	if (new != NULL)
		put_fields_json(work, sql, new, false);
	else
		sql_buffer_text(sql, "NULL");
	sql_buffer_text(sql, ", ");
	if (old != NULL)
		put_fields_json(work, sql, old, work->same_key);
	else
		sql_buffer_text(sql, "NULL");
	sql_buffer_text(sql, ", ");
	if (condition != NULL)
	{
		put_target_json(table, sql);
		sql_buffer_text(sql, " FROM ");
		sql_buffer_text(sql, table->quoted);
		sql_buffer_text(sql, " WHERE ");
		sql_buffer_add(sql, condition->data, condition->used);
	}
	else
		sql_buffer_text(sql, "NULL");
	records->waiting = true;
	return target_statement_run(records->mysql, &records->sql, "recording a conflict at the target", failure);
}

/* ---- handing over ---- */

static bool
tell_postgres(const ConflictRecords *records, PGconn *conn, MYSQL_ROW row, int stop_fd, Failure *failure)
{
	char id[16];
	const char *values[] = {id,     row[1], row[2], row[3], row[4],  row[5],
							row[6], row[7], row[8], row[9], row[10], row[11]};
	PGresult *result;

	snprintf(id, sizeof id, "%d", records->config->id);
	result =
		postgres_connection_query(conn,
								  "SELECT dbstream.outbound_conflict($1::int4, $2::uuid, ($3 || '+00')::timestamptz,"
								  " $4, $5, $6, $7, $8, $9, $10, $11, $12)",
								  12, values, stop_fd, CALL_TIMEOUT_MS, failure);
	PQclear(result);
	return result != NULL;
}

/* PostgreSQL has them: delete up to id, as a transaction that an inbound reader of this server leaves out. */
static bool
forget(ConflictRecords *records, const char *id, const char *position, Failure *failure)
{
	SqlBuffer *sql = &records->sql;

	sql_buffer_text(sql, "START TRANSACTION");
	if (!target_statement_run(records->mysql, &records->sql, "deleting records of conflicts at the target", failure))
		return false;
	mysql_progress_fence(sql, records->config->target.database, records->key, position, NULL);
	if (!target_statement_run(records->mysql, &records->sql, "deleting records of conflicts at the target", failure))
		return false;
	if (mysql_affected_rows(records->mysql) != 1)
		return failure_set(failure, FAILURE_RETRY, "target_taken", NULL,
						   "another session has moved this stream's position at the target");
	sql_buffer_text(sql, "DELETE FROM ");
	put_table(records, sql);
	sql_buffer_text(sql, " WHERE stream_key = ");
	target_statement_text(sql, records->key);
	sql_buffer_format(sql, " AND id <= %s", id);
	if (!target_statement_run(records->mysql, &records->sql, "deleting records of conflicts at the target", failure))
		return false;
	sql_buffer_text(sql, "COMMIT");
	return target_statement_run(records->mysql, &records->sql, "deleting records of conflicts at the target", failure);
}

bool
conflict_records_hand_over(ConflictRecords *records, PGconn *conn, const char *position, int stop_fd, Failure *failure)
{
	while (records->waiting)
	{
		MYSQL_RES *result;
		MYSQL_ROW row;
		char last[32] = "";
		bool ok = true;

		sql_buffer_text(&records->sql,
						"SELECT id, token, at, position, schema_name, table_name, kind, row_key, source_row,"
						" source_before, target_row, winner FROM ");
		put_table(records, &records->sql);
		sql_buffer_text(&records->sql, " WHERE stream_key = ");
		target_statement_text(&records->sql, records->key);
		sql_buffer_text(&records->sql, " ORDER BY id LIMIT " HAND_OVER_ROWS);
		result = target_statement_query(records->mysql, &records->sql, "reading records of conflicts at the target",
										failure);
		if (result == NULL)
			return false;
		while (ok && (row = mysql_fetch_row(result)) != NULL)
		{
			ok = tell_postgres(records, conn, row, stop_fd, failure);
			snprintf(last, sizeof last, "%s", row[0]);
		}
		mysql_free_result(result);
		if (!ok || (last[0] != '\0' && !forget(records, last, position, failure)))
			return false;
		records->waiting = last[0] != '\0';
	}
	return true;
}
