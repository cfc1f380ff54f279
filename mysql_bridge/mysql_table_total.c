#include "mysql_table_total.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "table_cache.h"
#include "target_failure.h"
#include "target_statement.h"

typedef struct Counts
{
	uint64_t inserted;
	uint64_t updated;
	uint64_t deleted;
	uint64_t adjusted;
} Counts;

struct MysqlTableTotal
{
	char *schema; /* at the source */
	char *name;
	Counts committed;
	Counts open;  /* in the transaction that is open */
	bool changed; /* open holds something */
	bool untold;
	struct MysqlTableTotal *next;
};

struct MysqlTableTotals
{
	const char *database;
	const char *key;
	MysqlTableTotal *first;
};

static void
put_table(SqlBuffer *sql, const char *database)
{
	sql_buffer_name(sql, database, strlen(database));
	sql_buffer_text(sql, "." TABLE_TOTALS_TABLE_NAME);
}

bool
mysql_table_total_prepare(MYSQL *mysql, const char *database, Failure *failure)
{
	SqlBuffer sql = {0};
	MYSQL_RES *result;
	Failure ignored;
	bool ok;

	/* Where the table is there, no right to make one is needed. */
	sql_buffer_text(&sql, "SELECT values_adjusted FROM ");
	put_table(&sql, database);
	sql_buffer_text(&sql, " LIMIT 0");
	result = target_statement_query(mysql, &sql, "", &ignored);
	ok = result != NULL;
	mysql_free_result(result);
	if (!ok)
	{
		sql_buffer_text(&sql, TARGET_DDL_MARK " CREATE TABLE IF NOT EXISTS ");
		put_table(&sql, database);
		sql_buffer_text(&sql, " (stream_key varchar(100) CHARACTER SET ascii NOT NULL,"
							  " table_schema varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,"
							  " table_name varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,"
							  " rows_inserted bigint unsigned NOT NULL DEFAULT 0,"
							  " rows_updated bigint unsigned NOT NULL DEFAULT 0,"
							  " rows_deleted bigint unsigned NOT NULL DEFAULT 0,"
							  " values_adjusted bigint unsigned NOT NULL DEFAULT 0,"
							  " PRIMARY KEY (stream_key, table_schema, table_name)) ENGINE=InnoDB");
		ok = target_statement_run(mysql, &sql, "making the table of counts at the target", failure);
	}
	sql_buffer_free(&sql);
	return ok;
}

/* ---- in memory ---- */

void
mysql_table_total_free(MysqlTableTotals *totals)
{
	MysqlTableTotal *next;

	if (totals == NULL)
		return;
	for (MysqlTableTotal *total = totals->first; total != NULL; total = next)
	{
		next = total->next;
		free(total->schema);
		free(total->name);
		free(total);
	}
	free(totals);
}

MysqlTableTotal *
mysql_table_total_find(MysqlTableTotals *totals, const char *schema, const char *name)
{
	MysqlTableTotal *total;

	for (total = totals->first; total != NULL; total = total->next)
	{
		if (strcmp(total->name, name) == 0 && strcmp(total->schema, schema) == 0)
			return total;
	}
	total = calloc(1, sizeof *total);
	if (total == NULL)
		return NULL;
	total->schema = strdup(schema);
	total->name = strdup(name);
	if (total->schema == NULL || total->name == NULL)
	{
		free(total->schema);
		free(total->name);
		free(total);
		return NULL;
	}
	total->next = totals->first;
	totals->first = total;
	return total;
}

MysqlTableTotals *
mysql_table_total_read(MYSQL *mysql, const char *database, const char *key, Failure *failure)
{
	MysqlTableTotals *totals = calloc(1, sizeof *totals);
	SqlBuffer sql = {0};
	MYSQL_RES *result;
	MYSQL_ROW row;
	bool ok = totals != NULL;

	sql_buffer_text(
		&sql, "SELECT table_schema, table_name, rows_inserted, rows_updated, rows_deleted, values_adjusted FROM ");
	put_table(&sql, database);
	sql_buffer_text(&sql, " WHERE stream_key = ");
	target_statement_text(&sql, key);
	result = target_statement_query(mysql, &sql, "reading the counts of tables at the target", failure);
	sql_buffer_free(&sql);
	if (result == NULL)
	{
		free(totals);
		return NULL;
	}
	while (ok && (row = mysql_fetch_row(result)) != NULL)
	{
		MysqlTableTotal *total = mysql_table_total_find(totals, row[0], row[1]);

		ok = total != NULL;
		if (!ok)
			break;
		total->committed = (Counts){strtoull(row[2], NULL, 10), strtoull(row[3], NULL, 10), strtoull(row[4], NULL, 10),
									strtoull(row[5], NULL, 10)};
		total->untold = true;
	}
	mysql_free_result(result);
	if (ok)
	{
		totals->database = database;
		totals->key = key;
		return totals;
	}
	(void) target_statement_no_memory(failure);
	mysql_table_total_free(totals);
	return NULL;
}

/* ---- counting ---- */

void
mysql_table_total_take(MysqlTable *table)
{
	MysqlTableTotal *total = table->total;

	if ((table->inserted | table->updated | table->deleted | table->adjusted) != 0)
	{
		total->open.inserted += table->inserted;
		total->open.updated += table->updated;
		total->open.deleted += table->deleted;
		total->open.adjusted += table->adjusted;
		total->changed = true;
	}
	table->inserted = table->updated = table->deleted = table->adjusted = 0;
}

/* Insert the row, or have it set or raised. */
static void
put_row(SqlBuffer *sql, const char *database, const char *key, const char *schema, const char *name,
		const Counts *counts)
{
	sql_buffer_text(sql, "INSERT INTO ");
	put_table(sql, database);
	sql_buffer_text(sql, " (stream_key, table_schema, table_name, rows_inserted, rows_updated, rows_deleted, "
						 "values_adjusted) VALUES (");
	target_statement_text(sql, key);
	sql_buffer_text(sql, ", ");
	target_statement_text(sql, schema);
	sql_buffer_text(sql, ", ");
	target_statement_text(sql, name);
	sql_buffer_format(sql, ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ") ON DUPLICATE KEY UPDATE ",
					  counts->inserted, counts->updated, counts->deleted, counts->adjusted);
}

bool
mysql_table_total_write(MysqlTableTotals *totals, MysqlWriter *writer, MysqlTotals *sum, Failure *failure)
{
	for (MysqlTableTotal *total = totals->first; total != NULL; total = total->next)
	{
		const Counts *more = &total->open;
		SqlBuffer *sql;
		bool goes_on;

		if (!total->changed)
			continue;
		sum->inserted += more->inserted;
		sum->updated += more->updated;
		sum->deleted += more->deleted;
		sql = mysql_writer_row(writer, NULL, WRITER_CONTROL, &goes_on, failure);
		if (sql == NULL)
			return false;
		put_row(sql, totals->database, totals->key, total->schema, total->name, more);
		sql_buffer_format(sql,
						  "rows_inserted = rows_inserted + %" PRIu64 ", rows_updated = rows_updated + %" PRIu64
						  ", rows_deleted = rows_deleted + %" PRIu64 ", values_adjusted = values_adjusted + %" PRIu64,
						  more->inserted, more->updated, more->deleted, more->adjusted);
	}
	return true;
}

void
mysql_table_total_committed(MysqlTableTotals *totals)
{
	for (MysqlTableTotal *total = totals->first; total != NULL; total = total->next)
	{
		if (!total->changed)
			continue;
		total->committed.inserted += total->open.inserted;
		total->committed.updated += total->open.updated;
		total->committed.deleted += total->open.deleted;
		total->committed.adjusted += total->open.adjusted;
		total->open = (Counts){0};
		total->changed = false;
		total->untold = true;
	}
}

bool
mysql_table_total_copied(MYSQL *mysql, const char *database, const char *key, const char *schema, const char *name,
						 uint64_t rows, uint64_t adjusted, Failure *failure)
{
	Counts counts = {.inserted = rows, .adjusted = adjusted};
	SqlBuffer sql = {0};
	bool ok;

	put_row(&sql, database, key, schema, name, &counts);
	sql_buffer_format(&sql,
					  "rows_inserted = %" PRIu64 ", rows_updated = 0, rows_deleted = 0, values_adjusted = %" PRIu64,
					  rows, adjusted);
	ok = target_statement_run(mysql, &sql, "recording the count of a copied table", failure);
	sql_buffer_free(&sql);
	return ok;
}

/* ---- telling ---- */

char *
mysql_table_total_untold(const MysqlTableTotals *totals)
{
	struct json_object *array = NULL;
	char *text;

	for (const MysqlTableTotal *total = totals->first; total != NULL; total = total->next)
	{
		struct json_object *object;

		if (!total->untold)
			continue;
		if (array == NULL)
			array = json_object_new_array();
		object = json_object_new_object();
		json_object_object_add(object, "schema", json_object_new_string(total->schema));
		json_object_object_add(object, "name", json_object_new_string(total->name));
		json_object_object_add(object, "inserted", json_object_new_uint64(total->committed.inserted));
		json_object_object_add(object, "updated", json_object_new_uint64(total->committed.updated));
		json_object_object_add(object, "deleted", json_object_new_uint64(total->committed.deleted));
		json_object_object_add(object, "adjusted", json_object_new_uint64(total->committed.adjusted));
		json_object_array_add(array, object);
	}
	text = array != NULL ? strdup(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN)) : NULL;
	json_object_put(array);
	return text;
}

void
mysql_table_total_told(MysqlTableTotals *totals)
{
	for (MysqlTableTotal *total = totals->first; total != NULL; total = total->next)
		total->untold = false;
}
