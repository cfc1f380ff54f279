#include "mysql_conflict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mysql_progress.h"
#include "mysql_rows.h"
#include "postgres_connection.h"
#include "sql_buffer.h"
#include "table_cache.h"
#include "target_failure.h"

#define TABLE_NAME "dbstream_conflicts"
#define CALL_TIMEOUT_MS 30000
#define HAND_OVER_ROWS "200"
#define DUPLICATE_KEY 1062

/* What is at odds; the words are those of dbstream.conflict. */
typedef enum Kind
{
	INSERT_EXISTS,
	UPDATE_DIFFERS,
	UPDATE_MISSING,
	DELETE_DIFFERS,
	DELETE_MISSING,
	KEY_TAKEN
} Kind;

static const char *const kind_words[] = {"insert_exists",  "update_differs", "update_missing",
										 "delete_differs", "delete_missing", "key_taken"};

struct MysqlConflicts
{
	MYSQL *mysql;
	const StreamConfig *config;
	const char *key;
	const char *position; /* during a call */
	uint64_t quiet;
	bool waiting; /* records may be there that PostgreSQL has not got */
	SqlBuffer sql;
	Failure ignored;
	SqlBuffer condition; /* that finds the row of the change at hand by its key */
};

/* What the target has where the change finds its row. */
typedef struct Look
{
	bool there;
	bool same;    /* as the source had it, as far as that is known */
	bool earlier; /* by the column that tells */
	bool later;
} Look;

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a statement");
}

static void
put_text(SqlBuffer *sql, const char *text)
{
	sql_buffer_quoted(sql, text, strlen(text));
}

static void
put_table(const MysqlConflicts *conflicts, SqlBuffer *sql)
{
	sql_buffer_name(sql, conflicts->config->target.database, strlen(conflicts->config->target.database));
	sql_buffer_text(sql, "." TABLE_NAME);
}

/* Runs conflicts->sql and empties it. */
static bool
run(MysqlConflicts *conflicts, const char *doing, Failure *failure)
{
	bool ok;

	if (!sql_buffer_ok(&conflicts->sql))
		return no_memory(failure);
	ok = mysql_real_query(conflicts->mysql, conflicts->sql.data, (unsigned long) conflicts->sql.used) == 0;
	sql_buffer_reset(&conflicts->sql, 1024 * 1024);
	return ok || target_failed(conflicts->mysql, doing, failure);
}

static MYSQL_RES *
run_query(MysqlConflicts *conflicts, const char *doing, Failure *failure)
{
	MYSQL_RES *result = NULL;

	if (!run(conflicts, doing, failure))
		return NULL;
	result = mysql_store_result(conflicts->mysql);
	if (result == NULL)
		target_failed(conflicts->mysql, doing, failure);
	return result;
}

/* ---- the table of records ---- */

static bool
make_table(MysqlConflicts *conflicts, Failure *failure)
{
	SqlBuffer *sql = &conflicts->sql;

	sql_buffer_text(sql, TARGET_DDL_MARK " CREATE TABLE IF NOT EXISTS ");
	put_table(conflicts, sql);
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
	return run(conflicts, "making the table of conflicts at the target", failure);
}

/* Is the table there? Then no right to make one is needed. */
static bool
table_present(MysqlConflicts *conflicts)
{
	Failure ignored;
	MYSQL_RES *result;

	sql_buffer_text(&conflicts->sql, "SELECT id FROM ");
	put_table(conflicts, &conflicts->sql);
	sql_buffer_text(&conflicts->sql, " LIMIT 0");
	result = run_query(conflicts, "", &ignored);
	mysql_free_result(result);
	return result != NULL;
}

MysqlConflicts *
mysql_conflict_new(MYSQL *mysql, const StreamConfig *config, const char *key, Failure *failure)
{
	MysqlConflicts *conflicts = calloc(1, sizeof *conflicts);

	if (conflicts == NULL)
	{
		no_memory(failure);
		return NULL;
	}
	conflicts->mysql = mysql;
	conflicts->config = config;
	conflicts->key = key;
	conflicts->waiting = true;
	if (table_present(conflicts) || make_table(conflicts, failure))
		return conflicts;
	mysql_conflict_free(conflicts);
	return NULL;
}

void
mysql_conflict_free(MysqlConflicts *conflicts)
{
	if (conflicts == NULL)
		return;
	sql_buffer_free(&conflicts->sql);
	sql_buffer_free(&conflicts->condition);
	free(conflicts);
}

uint64_t
mysql_conflict_quiet(const MysqlConflicts *conflicts)
{
	return conflicts->quiet;
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
	put_text(sql, column->name);
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

/*
 * Record a conflict with the rows that condition finds at the target, or with none when it is NULL. old, new: what the
 * source's change says; NULL: nothing.
 */
static bool
record(MysqlConflicts *conflicts, RowsWork *work, Kind kind, const RowField *old, const RowField *new,
	   const SqlBuffer *condition, const char *winner, Failure *failure)
{
	SqlBuffer *sql = &conflicts->sql;
	const MysqlTable *table = work->table;

	sql_buffer_text(sql, "INSERT INTO ");
	put_table(conflicts, sql);
	sql_buffer_text(sql,
					" (stream_key, token, at, position, schema_name, table_name, kind, winner, row_key, source_row,"
					" source_before, target_row) SELECT ");
	put_text(sql, conflicts->key);
	sql_buffer_text(sql, ", UUID(), NOW(6), ");
	put_text(sql, conflicts->position);
	sql_buffer_text(sql, ", ");
	put_text(sql, table->schema);
	sql_buffer_text(sql, ", ");
	put_text(sql, table->name);
	sql_buffer_text(sql, ", ");
	put_text(sql, kind_words[kind]);
	sql_buffer_text(sql, ", ");
	put_text(sql, winner);
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
	conflicts->quiet = 0;
	conflicts->waiting = true;
	return run(conflicts, "recording a conflict at the target", failure);
}

/* ---- looking ---- */

static const RowField *
time_field(const MysqlConflicts *conflicts, RowsWork *work, uint32_t *at, Failure *failure)
{
	const char *name = conflicts->config->conflict_column;

	for (*at = 0; *at < work->table->column_count; (*at)++)
	{
		const MysqlColumn *column = &work->table->columns[*at];

		if (name == NULL || strcmp(column->name, name) != 0)
			continue;
		switch (column->class)
		{
			case MYSQL_CLASS_INTEGER:
			case MYSQL_CLASS_DECIMAL:
			case MYSQL_CLASS_DATE:
			case MYSQL_CLASS_DATETIME:
				return &work->new[*at];
			default:
				failure_set(failure, FAILURE_REJECT, "conflict_column",
							"Name a column of a timestamp, date or number in the option conflict_column.",
							"column \"%s\" of table %s does not tell which row is later", name, work->table->quoted);
				return NULL;
		}
	}
	failure_set(failure, FAILURE_REJECT, "conflict_column",
				"Add it on both sides, or leave the table out of the stream, or name another column in the option "
				"conflict_column.",
				"table %s has no column \"%s\", which is to tell which row is later", work->table->quoted,
				name != NULL ? name : "");
	return NULL;
}

/* Two results: is the target's row the earlier one, is it the later one? NULL is older than anything. */
static bool
put_times(MysqlConflicts *conflicts, RowsWork *work, Failure *failure)
{
	SqlBuffer *sql = &conflicts->sql;
	uint32_t at;
	const RowField *field = time_field(conflicts, work, &at, failure);
	const char *name;

	if (field == NULL)
		return false;
	name = work->table->columns[at].name;
	sql_buffer_text(sql, ", ");
	if (field->state != FIELD_VALUE)
		sql_buffer_text(sql, "0, ");
	else
	{
		sql_buffer_name(sql, name, strlen(name));
		sql_buffer_text(sql, " IS NULL OR ");
		sql_buffer_name(sql, name, strlen(name));
		sql_buffer_text(sql, " < ");
		if (!mysql_rows_put_field(work, sql, at, field, failure))
			return false;
		sql_buffer_text(sql, ", ");
	}
	sql_buffer_name(sql, name, strlen(name));
	if (field->state != FIELD_VALUE)
		sql_buffer_text(sql, " IS NOT NULL");
	else
	{
		sql_buffer_text(sql, " > ");
		return mysql_rows_put_field(work, sql, at, field, failure);
	}
	return true;
}

static bool
is_true(const char *value)
{
	return value != NULL && value[0] == '1';
}

/* Look for the row of conflicts->condition and lock it. before: compare it with the old row. */
static bool
look(MysqlConflicts *conflicts, RowsWork *work, bool before, bool times, Look *found, Failure *failure)
{
	SqlBuffer *sql = &conflicts->sql;
	MYSQL_RES *result;
	MYSQL_ROW row;

	memset(found, 0, sizeof *found);
	times = times && conflicts->config->conflicts == CONFLICTS_LATEST_WINS;
	sql_buffer_text(sql, "SELECT ");
	if (before && work->table->keyed)
	{
		if (!mysql_rows_put_condition(work, sql, work->old, false, failure))
			return false;
	}
	else
		sql_buffer_text(sql, "1");
	if (times && !put_times(conflicts, work, failure))
		return false;
	sql_buffer_text(sql, " FROM ");
	sql_buffer_text(sql, work->table->quoted);
	sql_buffer_text(sql, " WHERE ");
	sql_buffer_add(sql, conflicts->condition.data, conflicts->condition.used);
	sql_buffer_text(sql, " FOR UPDATE");
	result = run_query(conflicts, "looking at a row of the target", failure);
	if (result == NULL)
		return false;
	row = mysql_fetch_row(result);
	found->there = row != NULL;
	found->same = row != NULL && is_true(row[0]);
	found->earlier = row != NULL && times && is_true(row[1]);
	found->later = row != NULL && times && is_true(row[2]);
	mysql_free_result(result);
	return true;
}

static bool
find_by(MysqlConflicts *conflicts, RowsWork *work, const RowField *fields, Failure *failure)
{
	sql_buffer_reset(&conflicts->condition, 1024 * 1024);
	return mysql_rows_put_condition(work, &conflicts->condition, fields, true, failure) &&
		   (sql_buffer_ok(&conflicts->condition) || no_memory(failure));
}

/* ---- other rows with a unique key ---- */

/* One unique index's part: rows that have the new row's key of it, but not the row of the change itself. */
static bool
put_rival_condition(RowsWork *work, SqlBuffer *out, const char *columns, const RowField *self, Failure *failure)
{
	const MysqlTable *table = work->table;

	sql_buffer_reset(out, SIZE_MAX);
	for (const char *name = columns; *name != '\0'; name += strlen(name) + 1)
	{
		uint32_t i = 0;

		while (i < table->column_count && strcasecmp(table->columns[i].name, name) != 0)
			i++;
		/* A NULL is equal to nothing; a column that does not come has its default, which nobody knows. */
		if (i == table->column_count || work->new[i].state != FIELD_VALUE)
		{
			sql_buffer_reset(out, SIZE_MAX);
			return true;
		}
		if (out->used > 0)
			sql_buffer_text(out, " AND ");
		sql_buffer_name(out, table->columns[i].name, strlen(table->columns[i].name));
		sql_buffer_text(out, " = ");
		if (!mysql_rows_put_field(work, out, i, &work->new[i], failure))
			return false;
	}
	if (self == NULL || out->used == 0)
		return true;
	sql_buffer_text(out, " AND NOT (");
	if (!mysql_rows_put_condition(work, out, self, true, failure))
		return false;
	sql_buffer_text(out, ")");
	return true;
}

static bool
remove_by(MysqlConflicts *conflicts, RowsWork *work, const SqlBuffer *condition, Failure *failure)
{
	if (condition->used == 0)
		return true;
	if (!sql_buffer_ok(condition))
		return no_memory(failure);
	if (!record(conflicts, work, KEY_TAKEN, NULL, work->new, condition, "source", failure))
		return false;
	sql_buffer_text(&conflicts->sql, "DELETE FROM ");
	sql_buffer_text(&conflicts->sql, work->table->quoted);
	sql_buffer_text(&conflicts->sql, " WHERE ");
	sql_buffer_add(&conflicts->sql, condition->data, condition->used);
	return run(conflicts, "removing a row of the target whose unique key the source's row has", failure);
}

/*
 * Rows of the target that have a unique key of the new row go, each recorded. self: the key of the row that becomes the
 * new one; NULL: none does. An index over expressions or parts of columns is left to the statement that follows.
 */
static bool
remove_rivals(MysqlConflicts *conflicts, RowsWork *work, const RowField *self, Failure *failure)
{
	SqlBuffer condition = {0};
	MYSQL_RES *result;
	MYSQL_ROW row;
	bool ok = true;

	sql_buffer_text(&conflicts->sql,
					"SELECT concat(group_concat(column_name ORDER BY seq_in_index SEPARATOR '\\0'), '\\0') FROM "
					"information_schema.statistics WHERE non_unique = 0 AND table_schema = ");
	put_text(&conflicts->sql, work->table->schema);
	sql_buffer_text(&conflicts->sql, " AND table_name = ");
	put_text(&conflicts->sql, work->table->name);
	sql_buffer_text(&conflicts->sql,
					" GROUP BY index_name HAVING count(sub_part) = 0 AND count(column_name) = count(*)");
	result = run_query(conflicts, "looking at the target's unique keys", failure);
	if (result == NULL)
		return false;
	while (ok && (row = mysql_fetch_row(result)) != NULL)
		ok = put_rival_condition(work, &condition, row[0], self, failure) &&
			 remove_by(conflicts, work, &condition, failure);
	mysql_free_result(result);
	sql_buffer_free(&condition);
	return ok;
}

/* ---- changing ---- */

/* The statement in conflicts->sql. False with *duplicate: another row has a unique key of the new one. */
static bool
change(MysqlConflicts *conflicts, RowsWork *work, const char *doing, bool *duplicate, Failure *failure)
{
	char what[400];
	bool ok;

	snprintf(what, sizeof what, "%s %s at the target", doing, work->table->quoted);
	ok = run(conflicts, what, failure);
	*duplicate = !ok && mysql_errno(conflicts->mysql) == DUPLICATE_KEY;
	return ok;
}

static bool
put_insert(MysqlConflicts *conflicts, RowsWork *work, Failure *failure)
{
	SqlBuffer *sql = &conflicts->sql;

	sql_buffer_text(sql, work->table->insert);
	for (uint32_t i = 0; i < work->table->column_count; i++)
	{
		sql_buffer_text(sql, i > 0 ? "," : "(");
		if (!mysql_rows_put_field(work, sql, i, &work->new[i], failure))
			return false;
	}
	sql_buffer_text(sql, ")");
	return true;
}

static bool
put_update(MysqlConflicts *conflicts, RowsWork *work, bool whole, Failure *failure)
{
	SqlBuffer *sql = &conflicts->sql;
	bool first = true;

	sql_buffer_text(sql, "UPDATE ");
	sql_buffer_text(sql, work->table->quoted);
	sql_buffer_text(sql, " SET ");
	for (uint32_t i = 0; i < work->table->column_count; i++)
	{
		const MysqlColumn *column = &work->table->columns[i];

		if (!whole && !mysql_rows_sets(work, i))
			continue;
		if (work->new[i].state == FIELD_ABSENT)
			continue;
		sql_buffer_text(sql, first ? "" : ",");
		first = false;
		sql_buffer_name(sql, column->name, strlen(column->name));
		sql_buffer_text(sql, "=");
		if (!mysql_rows_put_field(work, sql, i, &work->new[i], failure))
			return false;
	}
	sql_buffer_text(sql, " WHERE ");
	sql_buffer_add(sql, conflicts->condition.data, conflicts->condition.used);
	if (first)
		sql_buffer_reset(sql, SIZE_MAX);
	return true;
}

/* Once more after what is in the way has gone, where it may go. */
static bool
insert_row(MysqlConflicts *conflicts, RowsWork *work, bool *duplicate, Failure *failure)
{
	if (!put_insert(conflicts, work, failure))
		return false;
	if (change(conflicts, work, "inserting into", duplicate, failure))
		return true;
	if (!*duplicate || conflicts->config->conflicts != CONFLICTS_SOURCE_WINS)
		return false;
	return remove_rivals(conflicts, work, NULL, failure) && put_insert(conflicts, work, failure) &&
		   change(conflicts, work, "inserting into", duplicate, failure);
}

/* whole: every column, since the row there is another one than the source's. self: its key. */
static bool
update_row(MysqlConflicts *conflicts, RowsWork *work, bool whole, const RowField *self, Failure *failure)
{
	bool duplicate;

	if (!put_update(conflicts, work, whole, failure))
		return false;
	if (conflicts->sql.used == 0)
		return true;
	if (change(conflicts, work, "updating", &duplicate, failure))
		return true;
	if (!duplicate || conflicts->config->conflicts != CONFLICTS_SOURCE_WINS)
		return false;
	return remove_rivals(conflicts, work, self, failure) && put_update(conflicts, work, whole, failure) &&
		   change(conflicts, work, "updating", &duplicate, failure);
}

/* Does the source win? On a tie the target does, as MySQL's row does in a stream the other way. */
static bool
source_wins(const MysqlConflicts *conflicts, Kind kind, const Look *found)
{
	switch (conflicts->config->conflicts)
	{
		case CONFLICTS_SOURCE_WINS:
			return true;
		case CONFLICTS_LATEST_WINS:
			return kind == DELETE_DIFFERS || (found->there && found->earlier);
		default:
			return false;
	}
}

static bool
apply_insert(MysqlConflicts *conflicts, RowsWork *work, Failure *failure)
{
	Look found = {.there = false};
	bool duplicate = false;
	bool wins;

	work->table->inserted++;
	if (work->table->keyed &&
		(!find_by(conflicts, work, work->new, failure) || !look(conflicts, work, false, true, &found, failure)))
		return false;
	if (!found.there)
	{
		if (insert_row(conflicts, work, &duplicate, failure))
			return true;
		/* Somebody may have inserted it since: look once more. */
		if (!duplicate || !work->table->keyed || !look(conflicts, work, false, true, &found, &conflicts->ignored) ||
			!found.there)
			return false;
	}
	wins = source_wins(conflicts, INSERT_EXISTS, &found);
	return record(conflicts, work, INSERT_EXISTS, NULL, work->new, &conflicts->condition, wins ? "source" : "target",
				  failure) &&
		   (!wins || update_row(conflicts, work, true, work->new, failure));
}

/* Where the new row lacks a value that is stored out of line and was not changed, the old row has it. */
static bool
complete_new_row(RowsWork *work)
{
	bool complete = true;

	for (uint32_t i = 0; i < work->table->column_count; i++)
	{
		if (work->new[i].state == FIELD_ABSENT && !work->same_key)
			work->new[i] = work->old[i];
		complete = complete && work->new[i].state != FIELD_ABSENT;
	}
	return complete;
}

static bool
update_missing(MysqlConflicts *conflicts, RowsWork *work, const RowField *old, Failure *failure)
{
	Look nothing = {.there = false};
	bool wins = source_wins(conflicts, UPDATE_MISSING, &nothing);
	bool complete = complete_new_row(work);
	bool duplicate;

	if (!record(conflicts, work, UPDATE_MISSING, old, work->new, NULL, wins ? "source" : "target", failure))
		return false;
	if (!wins)
		return true;
	if (!complete)
		return failure_set(failure, FAILURE_REJECT, "conflict",
						   "Make the row at the target as it was at the source before this change, then "
						   "dbstream.resume_stream(); with REPLICA IDENTITY FULL the source sends whole rows.",
						   "updating %s at the target: the row is missing, and the source sends only a part of it",
						   work->table->quoted);
	return insert_row(conflicts, work, &duplicate, failure);
}

static bool
apply_update(MysqlConflicts *conflicts, RowsWork *work, Failure *failure)
{
	const RowField *old = work->same_key ? work->new : work->old;
	Look found;
	bool differs;
	bool wins;

	work->table->updated++;
	if (!find_by(conflicts, work, old, failure) || !look(conflicts, work, !work->same_key, true, &found, failure))
		return false;
	if (!found.there)
		return update_missing(conflicts, work, old, failure);
	differs = !found.same || (work->same_key && found.later);
	if (!differs)
		return update_row(conflicts, work, false, old, failure);
	wins = source_wins(conflicts, UPDATE_DIFFERS, &found);
	if (!record(conflicts, work, UPDATE_DIFFERS, old, work->new, &conflicts->condition, wins ? "source" : "target",
				failure))
		return false;
	if (wins)
		(void) complete_new_row(work);
	return !wins || update_row(conflicts, work, true, old, failure);
}

static bool
apply_delete(MysqlConflicts *conflicts, RowsWork *work, Failure *failure)
{
	bool wins = true;
	Look found;

	work->table->deleted++;
	if (!find_by(conflicts, work, work->old, failure) || !look(conflicts, work, true, false, &found, failure))
		return false;
	if (!found.there)
		return record(conflicts, work, DELETE_MISSING, work->old, NULL, NULL, "both", failure);
	if (!found.same)
	{
		wins = source_wins(conflicts, DELETE_DIFFERS, &found);
		if (!record(conflicts, work, DELETE_DIFFERS, work->old, NULL, &conflicts->condition, wins ? "source" : "target",
					failure))
			return false;
	}
	if (!wins)
		return true;
	sql_buffer_text(&conflicts->sql, "DELETE FROM ");
	sql_buffer_text(&conflicts->sql, work->table->quoted);
	sql_buffer_text(&conflicts->sql, " WHERE ");
	sql_buffer_add(&conflicts->sql, conflicts->condition.data, conflicts->condition.used);
	return run(conflicts, "deleting a row at the target", failure);
}

bool
mysql_conflict_rows(MysqlConflicts *conflicts, MysqlTable *table, const DbsRows *rows, DbsReader *reader,
					const char *position, Failure *failure)
{
	RowsWork work = {NULL, table, reader, conflicts->config->null_unsupported, NULL, NULL, false};
	RowField *fields = calloc(2 * (size_t) table->column_count, sizeof *fields);
	bool ok = true;

	if (fields == NULL)
		return no_memory(failure);
	work.old = fields;
	work.new = fields + table->column_count;
	conflicts->position = position;
	for (uint32_t i = 0; ok && i < rows->count; i++)
	{
		sql_buffer_reset(&conflicts->sql, SIZE_MAX);
		conflicts->quiet++;
		ok = mysql_rows_read(&work, (DbsRowsOp) rows->op, failure) &&
			 (rows->op == DBS_ROWS_INSERT   ? apply_insert(conflicts, &work, failure)
			  : rows->op == DBS_ROWS_UPDATE ? apply_update(conflicts, &work, failure)
											: apply_delete(conflicts, &work, failure));
	}
	free(fields);
	return ok;
}

/* ---- handing over ---- */

static bool
tell_postgres(const MysqlConflicts *conflicts, PGconn *conn, MYSQL_ROW row, int stop_fd, Failure *failure)
{
	char id[16];
	const char *values[] = {id,     row[1], row[2], row[3], row[4],  row[5],
							row[6], row[7], row[8], row[9], row[10], row[11]};
	PGresult *result;

	snprintf(id, sizeof id, "%d", conflicts->config->id);
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
forget(MysqlConflicts *conflicts, const char *id, const char *position, Failure *failure)
{
	SqlBuffer *sql = &conflicts->sql;

	sql_buffer_text(sql, "START TRANSACTION");
	if (!run(conflicts, "deleting records of conflicts at the target", failure))
		return false;
	mysql_progress_fence(sql, conflicts->config->target.database, conflicts->key, position, NULL);
	if (!run(conflicts, "deleting records of conflicts at the target", failure))
		return false;
	if (mysql_affected_rows(conflicts->mysql) != 1)
		return failure_set(failure, FAILURE_RETRY, "target_taken", NULL,
						   "another session has moved this stream's position at the target");
	sql_buffer_text(sql, "DELETE FROM ");
	put_table(conflicts, sql);
	sql_buffer_text(sql, " WHERE stream_key = ");
	put_text(sql, conflicts->key);
	sql_buffer_format(sql, " AND id <= %s", id);
	if (!run(conflicts, "deleting records of conflicts at the target", failure))
		return false;
	sql_buffer_text(sql, "COMMIT");
	return run(conflicts, "deleting records of conflicts at the target", failure);
}

bool
mysql_conflict_hand_over(MysqlConflicts *conflicts, PGconn *conn, const char *position, int stop_fd, Failure *failure)
{
	while (conflicts->waiting)
	{
		MYSQL_RES *result;
		MYSQL_ROW row;
		char last[32] = "";
		bool ok = true;

		sql_buffer_text(&conflicts->sql,
						"SELECT id, token, at, position, schema_name, table_name, kind, row_key, source_row,"
						" source_before, target_row, winner FROM ");
		put_table(conflicts, &conflicts->sql);
		sql_buffer_text(&conflicts->sql, " WHERE stream_key = ");
		put_text(&conflicts->sql, conflicts->key);
		sql_buffer_text(&conflicts->sql, " ORDER BY id LIMIT " HAND_OVER_ROWS);
		result = run_query(conflicts, "reading records of conflicts at the target", failure);
		if (result == NULL)
			return false;
		while (ok && (row = mysql_fetch_row(result)) != NULL)
		{
			ok = tell_postgres(conflicts, conn, row, stop_fd, failure);
			snprintf(last, sizeof last, "%s", row[0]);
		}
		mysql_free_result(result);
		if (!ok || (last[0] != '\0' && !forget(conflicts, last, position, failure)))
			return false;
		conflicts->waiting = last[0] != '\0';
	}
	return true;
}
