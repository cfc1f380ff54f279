#include "copy_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql_buffer.h"
#include "table_cache.h"
#include "target_failure.h"
#include "target_statement.h"

#define SERVER_NO_SUCH_TABLE 1146

static void
put_name(SqlBuffer *sql, const char *database, const char *table)
{
	sql_buffer_name(sql, database, strlen(database));
	sql_buffer_text(sql, ".");
	sql_buffer_text(sql, table);
}

static void
put_quoted(SqlBuffer *sql, const char *text)
{
	sql_buffer_quoted(sql, text, strlen(text));
}

bool
copy_record_prepare(MYSQL *mysql, const char *database, Failure *failure)
{
	SqlBuffer sql = {0};
	MYSQL_RES *result;
	Failure ignored;

	/* Where the table is there, no right to make one is needed. */
	sql_buffer_text(&sql, "SELECT relid FROM ");
	put_name(&sql, database, COPY_RECORD_TABLE_NAME);
	sql_buffer_text(&sql, " LIMIT 0");
	if (target_statement_once(mysql, &sql, "", &ignored))
	{
		result = mysql_store_result(mysql);
		mysql_free_result(result);
		return true;
	}
	sql_buffer_text(&sql, TARGET_DDL_MARK " CREATE TABLE IF NOT EXISTS ");
	put_name(&sql, database, COPY_RECORD_TABLE_NAME);
	sql_buffer_text(
		&sql,
		" (stream_key varchar(100) CHARACTER SET ascii NOT NULL, relid bigint unsigned NOT NULL,"
		" table_schema varchar(64) CHARACTER SET utf8mb4 NOT NULL,"
		" table_name varchar(64) CHARACTER SET utf8mb4 NOT NULL, created tinyint(1) NOT NULL,"
		" begun tinyint(1) NOT NULL, fresh tinyint(1) NOT NULL, keyed tinyint(1) NOT NULL, linked tinyint(1) NOT NULL,"
		" position varchar(64) CHARACTER SET ascii NOT NULL, rows_copied bigint unsigned NOT NULL,"
		" bytes_copied bigint unsigned NOT NULL, updated_at datetime(6) NOT NULL,"
		" PRIMARY KEY (stream_key, relid)) ENGINE=InnoDB");
	return target_statement_once(mysql, &sql, "making the table of copied tables at the target", failure);
}

/* ---- reading ---- */

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a list of tables");
}

static bool
take_row(MYSQL_ROW row, CopyTable *table, Failure *failure)
{
	table->relid = (unsigned) strtoul(row[0], NULL, 10);
	table->schema = strdup(row[1]);
	table->name = strdup(row[2]);
	table->known = true;
	table->told_phase = -1;
	table->begun = row[3][0] == '1';
	table->created = row[4][0] == '1';
	table->fresh = row[5][0] == '1';
	table->keyed = row[6][0] == '1';
	table->linked = row[7][0] == '1';
	snprintf(table->position, sizeof table->position, "%s", row[8]);
	/* What was copied without being finished is copied anew. */
	if (row[8][0] != '\0')
	{
		atomic_store(&table->rows, strtoull(row[9], NULL, 10));
		atomic_store(&table->bytes, strtoull(row[10], NULL, 10));
		atomic_store(&table->phase, COPY_COPIED);
	}
	return (table->schema != NULL && table->name != NULL) || no_memory(failure);
}

bool
copy_record_read(MYSQL *mysql, const char *database, const char *key, CopyTable **tables, size_t *count,
				 Failure *failure)
{
	static const char doing[] = "reading which tables are copied";
	SqlBuffer sql = {0};
	MYSQL_RES *result = NULL;
	MYSQL_ROW row;
	bool ok = true;

	*count = 0;
	*tables = NULL;
	sql_buffer_text(&sql, "SELECT relid, table_schema, table_name, begun, created, fresh, keyed, linked, position, "
						  "rows_copied, bytes_copied FROM ");
	put_name(&sql, database, COPY_RECORD_TABLE_NAME);
	sql_buffer_text(&sql, " WHERE stream_key = ");
	put_quoted(&sql, key);
	ok = target_statement_once(mysql, &sql, doing, failure);
	/* A stream that began without a copy needs no such table. */
	if (!ok && mysql_errno(mysql) != SERVER_NO_SUCH_TABLE)
		return false;
	if (ok && (result = mysql_store_result(mysql)) == NULL)
		return target_failed(mysql, doing, failure);
	*tables = calloc((result != NULL ? (size_t) mysql_num_rows(result) : 0) + 1, sizeof **tables);
	ok = *tables != NULL || no_memory(failure);
	while (ok && result != NULL && (row = mysql_fetch_row(result)) != NULL)
		ok = take_row(row, &(*tables)[(*count)++], failure);
	mysql_free_result(result);
	return ok;
}

void
copy_tables_free(CopyTable *tables, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		free(tables[i].schema);
		free(tables[i].name);
	}
	free(tables);
}

/* ---- writing ---- */

void
copy_record_writer_key(const char *key, unsigned writer, char out[COPY_KEY_SIZE])
{
	snprintf(out, COPY_KEY_SIZE, "%s/c%u", key, writer);
}

/* What all copies of a stream have in common: the first three parts of the key. */
static size_t
stem_size(const char *key)
{
	const char *at = key;

	for (int parts = 0; *at != '\0'; at++)
	{
		if (*at == '/' && ++parts == 3)
			break;
	}
	return (size_t) (at - key);
}

/* A key holds digits, slashes and the letter c: nothing that LIKE would take for more. */
static void
put_forget(SqlBuffer *sql, const char *database, const char *table, const char *key)
{
	size_t stem = stem_size(key);

	sql_buffer_text(sql, "DELETE FROM ");
	put_name(sql, database, table);
	sql_buffer_text(sql, " WHERE (stream_key = ");
	sql_buffer_quoted(sql, key, stem);
	sql_buffer_format(sql, " OR stream_key LIKE '%.*s/%%') AND stream_key <> ", (int) stem, key);
	put_quoted(sql, key);
}

bool
copy_record_take(MYSQL *mysql, const char *database, const char *key, const char *token, unsigned writers,
				 Failure *failure)
{
	static const char doing[] = "taking over the copy at the target";
	SqlBuffer sql = {0};

	/* A row that an open transaction of an earlier session has looked at is locked by it: this waits. */
	put_forget(&sql, database, PROGRESS_TABLE_NAME, key);
	if (!target_statement_once(mysql, &sql, doing, failure))
		return false;
	put_forget(&sql, database, COPY_RECORD_TABLE_NAME, key);
	if (!target_statement_once(mysql, &sql, doing, failure))
		return false;
	put_forget(&sql, database, TABLE_TOTALS_TABLE_NAME, key);
	if (!target_statement_once(mysql, &sql, doing, failure))
		return false;
	sql_buffer_text(&sql, "INSERT INTO ");
	put_name(&sql, database, PROGRESS_TABLE_NAME);
	sql_buffer_text(&sql, " (stream_key, position, updated_at) VALUES ");
	for (unsigned i = 0; i < writers; i++)
	{
		char own[COPY_KEY_SIZE];

		copy_record_writer_key(key, i, own);
		sql_buffer_text(&sql, i > 0 ? ", (" : "(");
		put_quoted(&sql, own);
		sql_buffer_text(&sql, ", ");
		put_quoted(&sql, token);
		sql_buffer_text(&sql, ", NOW(6))");
	}
	return target_statement_once(mysql, &sql, doing, failure);
}

bool
copy_record_write(MYSQL *mysql, const char *database, const char *key, const CopyTable *table, Failure *failure)
{
	SqlBuffer sql = {0};

	sql_buffer_text(&sql, "REPLACE INTO ");
	put_name(&sql, database, COPY_RECORD_TABLE_NAME);
	sql_buffer_text(&sql, " (stream_key, relid, table_schema, table_name, begun, created, fresh, keyed, linked, "
						  "position, rows_copied, bytes_copied, updated_at) VALUES (");
	put_quoted(&sql, key);
	sql_buffer_format(&sql, ", %u, ", table->relid);
	put_quoted(&sql, table->schema);
	sql_buffer_text(&sql, ", ");
	put_quoted(&sql, table->name);
	sql_buffer_format(&sql, ", %d, %d, %d, %d, %d, ", table->begun, table->created, table->fresh, table->keyed,
					  table->linked);
	put_quoted(&sql, table->position);
	sql_buffer_format(&sql, ", %" PRIu64 ", %" PRIu64 ", NOW(6))", (uint64_t) atomic_load(&table->rows),
					  (uint64_t) atomic_load(&table->bytes));
	return target_statement_once(mysql, &sql, "recording a copied table", failure);
}

bool
copy_record_finish(MYSQL *mysql, const char *database, const char *key, Failure *failure)
{
	SqlBuffer sql = {0};

	sql_buffer_text(&sql, "DELETE FROM ");
	put_name(&sql, database, PROGRESS_TABLE_NAME);
	sql_buffer_format(&sql, " WHERE stream_key LIKE '%s/c%%'", key);
	return target_statement_once(mysql, &sql, "ending the copy at the target", failure);
}
