#include "mysql_conflict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mysql_conflict_record.h"
#include "mysql_rows.h"
#include "sql_buffer.h"
#include "target_failure.h"
#include "target_statement.h"

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
	ConflictRecords *records;
	const char *position; /* during a call */
	uint64_t quiet;
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

MysqlConflicts *
mysql_conflict_new(MYSQL *mysql, const StreamConfig *config, const char *key, Failure *failure)
{
	MysqlConflicts *conflicts = calloc(1, sizeof *conflicts);

	if (conflicts == NULL)
	{
		target_statement_no_memory(failure);
		return NULL;
	}
	conflicts->mysql = mysql;
	conflicts->config = config;
	conflicts->records = conflict_records_open(mysql, config, key, failure);
	if (conflicts->records != NULL)
		return conflicts;
	mysql_conflict_free(conflicts);
	return NULL;
}

void
mysql_conflict_free(MysqlConflicts *conflicts)
{
	if (conflicts == NULL)
		return;
	conflict_records_free(conflicts->records);
	sql_buffer_free(&conflicts->sql);
	sql_buffer_free(&conflicts->condition);
	free(conflicts);
}

uint64_t
mysql_conflict_quiet(const MysqlConflicts *conflicts)
{
	return conflicts->quiet;
}

static bool
record(MysqlConflicts *conflicts, RowsWork *work, Kind kind, const RowField *old, const RowField *new,
	   const SqlBuffer *condition, const char *winner, Failure *failure)
{
	conflicts->quiet = 0;
	return conflict_records_add(conflicts->records, work, kind_words[kind], old, new, condition, winner,
								conflicts->position, failure);
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
	result = target_statement_query(conflicts->mysql, &conflicts->sql, "looking at a row of the target", failure);
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
		   (sql_buffer_ok(&conflicts->condition) || target_statement_no_memory(failure));
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
		return target_statement_no_memory(failure);
	if (!record(conflicts, work, KEY_TAKEN, NULL, work->new, condition, "source", failure))
		return false;
	sql_buffer_text(&conflicts->sql, "DELETE FROM ");
	sql_buffer_text(&conflicts->sql, work->table->quoted);
	sql_buffer_text(&conflicts->sql, " WHERE ");
	sql_buffer_add(&conflicts->sql, condition->data, condition->used);
	return target_statement_run(conflicts->mysql, &conflicts->sql,
								"removing a row of the target whose unique key the source's row has", failure);
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
	target_statement_text(&conflicts->sql, work->table->schema);
	sql_buffer_text(&conflicts->sql, " AND table_name = ");
	target_statement_text(&conflicts->sql, work->table->name);
	sql_buffer_text(&conflicts->sql,
					" GROUP BY index_name HAVING count(sub_part) = 0 AND count(column_name) = count(*)");
	result = target_statement_query(conflicts->mysql, &conflicts->sql, "looking at the target's unique keys", failure);
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
	ok = target_statement_run(conflicts->mysql, &conflicts->sql, what, failure);
	*duplicate = !ok && mysql_errno(conflicts->mysql) == DUPLICATE_KEY;
	return ok;
}

static bool
put_insert(MysqlConflicts *conflicts, RowsWork *work, Failure *failure)
{
	SqlBuffer *sql = &conflicts->sql;
	uint64_t before = work->table->adjusted;

	sql_buffer_text(sql, work->table->insert);
	for (uint32_t i = 0; i < work->table->column_count; i++)
	{
		sql_buffer_text(sql, i > 0 ? "," : "(");
		if (!mysql_rows_put_field(work, sql, i, &work->new[i], failure))
			return false;
	}
	sql_buffer_text(sql, ")");
	work->adjusted = work->table->adjusted - before;
	return true;
}

static bool
put_update(MysqlConflicts *conflicts, RowsWork *work, bool whole, Failure *failure)
{
	SqlBuffer *sql = &conflicts->sql;
	uint64_t before = work->table->adjusted;
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
	work->adjusted = work->table->adjusted - before;
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
	return target_statement_run(conflicts->mysql, &conflicts->sql, "deleting a row at the target", failure);
}

bool
mysql_conflict_rows(MysqlConflicts *conflicts, MysqlTable *table, const DbsRows *rows, DbsReader *reader,
					const char *position, Failure *failure)
{
	RowsWork work = {NULL, table, reader, conflicts->config->null_unsupported, NULL, NULL, false, 0, 0};
	uint64_t adjusted = table->adjusted;
	RowField *fields = calloc(2 * (size_t) table->column_count, sizeof *fields);
	bool ok = true;

	if (fields == NULL)
		return target_statement_no_memory(failure);
	work.old = fields;
	work.new = fields + table->column_count;
	conflicts->position = position;
	for (uint32_t i = 0; ok && i < rows->count; i++)
	{
		sql_buffer_reset(&conflicts->sql, SIZE_MAX);
		conflicts->quiet++;
		work.adjusted = 0;
		ok = mysql_rows_read(&work, (DbsRowsOp) rows->op, failure) &&
			 (rows->op == DBS_ROWS_INSERT   ? apply_insert(conflicts, &work, failure)
			  : rows->op == DBS_ROWS_UPDATE ? apply_update(conflicts, &work, failure)
											: apply_delete(conflicts, &work, failure));
		/* A value is written several times, to look and to change, and counts once: if it was to be there. */
		adjusted += work.adjusted;
		table->adjusted = adjusted;
	}
	free(fields);
	return ok;
}

bool
mysql_conflict_hand_over(MysqlConflicts *conflicts, PGconn *conn, const char *position, int stop_fd, Failure *failure)
{
	return conflict_records_hand_over(conflicts->records, conn, position, stop_fd, failure);
}
