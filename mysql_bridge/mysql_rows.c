#include "mysql_rows.h"

#include <stdlib.h>
#include <string.h>

#include "../libdbstream/value.h"

static bool
malformed(const RowsWork *work, Failure *failure)
{
	return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "rows of table %s are malformed: %s",
					   work->table->quoted, work->reader->error != NULL ? work->reader->error : "unknown form");
}

static bool
read_row(RowsWork *work, RowField *fields, uint8_t *form, Failure *failure)
{
	const uint8_t *nulls;
	const uint8_t *absent;

	if (!dbs_get_row_form(work->reader, work->table->column_count, form, &nulls, &absent))
		return malformed(work, failure);
	if (*form == DBS_ROW_SAME_KEY)
		return true;
	for (uint32_t i = 0; i < work->table->column_count; i++)
	{
		uint8_t bit = (uint8_t) (1 << (i % 8));

		fields[i].value = NULL;
		if (absent != NULL && (absent[i / 8] & bit) != 0)
			fields[i].state = FIELD_ABSENT;
		else if (nulls != NULL && (nulls[i / 8] & bit) != 0)
			fields[i].state = FIELD_NULL;
		else
		{
			fields[i].state = FIELD_VALUE;
			if (!dbs_get_value(work->reader, work->table->columns[i].kind, &fields[i].value, &fields[i].size))
				return malformed(work, failure);
		}
	}
	return true;
}

static bool
unsupported(const RowsWork *work, const MysqlColumn *column, const char *problem, Failure *failure)
{
	return failure_set(failure, FAILURE_REJECT, "value_unsupported",
					   "Give the target's column a type that holds the value (varchar and longtext hold any), correct "
					   "it at the source, or set the option unsupported_values to null.",
					   "table %s, column \"%s\": %s", work->table->quoted, column->name, problem);
}

bool
mysql_rows_put_field(RowsWork *work, SqlBuffer *sql, uint32_t i, const RowField *field, Failure *failure)
{
	const MysqlColumn *column = &work->table->columns[i];
	const char *problem;

	if (field->state != FIELD_VALUE || column->generated)
	{
		sql_buffer_text(sql, field->state == FIELD_NULL && !column->generated ? "NULL" : "DEFAULT");
		return true;
	}
	problem = mysql_literal(sql, column, field->value, field->size);
	if (problem == NULL)
		return true;
	if (!work->null_unsupported || column->key)
		return unsupported(work, column, problem, failure);
	sql_buffer_text(sql, "NULL");
	work->table->adjusted++;
	return true;
}

/* One column's part of the condition. False: not a value that the target's column can hold; the rest is as it was. */
static bool
put_comparison(RowsWork *work, SqlBuffer *sql, uint32_t i, const RowField *field, bool *first, const char **problem)
{
	const MysqlColumn *column = &work->table->columns[i];
	size_t before = sql->used;

	if (!*first)
		sql_buffer_text(sql, " AND ");
	if (column->key && field->state == FIELD_VALUE)
	{
		/* Bare, so that the index is used. */
		sql_buffer_name(sql, column->name, strlen(column->name));
		sql_buffer_text(sql, column->class == MYSQL_CLASS_FLOAT ? "=CAST(" : "=");
		*problem = mysql_literal(sql, column, field->value, field->size);
		if (column->class == MYSQL_CLASS_FLOAT)
			sql_buffer_text(sql, " AS FLOAT)");
	}
	else
		*problem = mysql_literal_condition(sql, column, field->value, field->size);
	if (*problem != NULL)
		sql->used = before;
	else
		*first = false;
	return *problem == NULL;
}

bool
mysql_rows_put_condition(RowsWork *work, SqlBuffer *sql, const RowField *fields, bool key_only, Failure *failure)
{
	const MysqlTable *table = work->table;
	bool first = true;

	for (uint32_t i = 0; i < table->column_count; i++)
	{
		const MysqlColumn *column = &table->columns[i];
		const char *problem;

		if (fields[i].state == FIELD_ABSENT || (table->keyed && !column->key && (key_only || !column->reads_back)))
			continue;
		/* What the target could not hold beside the key it does not hold: it cannot be compared. */
		if (!put_comparison(work, sql, i, &fields[i], &first, &problem) && (column->key || !table->keyed))
			return unsupported(work, column, problem, failure);
	}
	if (first)
		return failure_set(failure, FAILURE_REJECT, "no_identity",
						   "Give the table a primary key or REPLICA IDENTITY FULL, then resync.",
						   "a change of table %s does not say which row it was", table->quoted);
	if (!table->keyed)
		sql_buffer_text(sql, " LIMIT 1");
	return true;
}

static bool
put_condition(RowsWork *work, SqlBuffer *sql, Failure *failure)
{
	return mysql_rows_put_condition(work, sql, work->same_key ? work->new : work->old, work->same_key, failure);
}

static bool
put_fields(RowsWork *work, SqlBuffer *sql, Failure *failure)
{
	for (uint32_t i = 0; i < work->table->column_count; i++)
	{
		if (i > 0)
			sql_buffer_add(sql, ",", 1);
		if (!mysql_rows_put_field(work, sql, i, &work->new[i], failure))
			return false;
	}
	return true;
}

/* A row without all its values cannot be loaded: a line has no word for a default. */
static bool
whole(const RowsWork *work)
{
	for (uint32_t i = 0; i < work->table->column_count; i++)
	{
		if (work->new[i].state == FIELD_ABSENT)
			return false;
	}
	return true;
}

static bool
write_line(RowsWork *work, Failure *failure)
{
	SqlBuffer *lines = mysql_writer_line(work->writer, work->table, failure);

	if (lines == NULL || !put_fields(work, lines, failure))
		return false;
	mysql_writer_line_end(work->writer);
	work->table->inserted++;
	return true;
}

static bool
write_insert(RowsWork *work, Failure *failure)
{
	bool more;
	bool replaces = work->table->replaces;
	SqlBuffer *sql =
		mysql_writer_row(work->writer, work->table, replaces ? WRITER_REPLACE : WRITER_INSERT, &more, failure);

	if (sql == NULL)
		return false;
	if (!more && replaces)
	{
		sql_buffer_text(sql, "REPLACE");
		sql_buffer_text(sql, work->table->insert + strlen("INSERT"));
	}
	else
		sql_buffer_text(sql, more ? ",(" : work->table->insert);
	if (!more)
		sql_buffer_text(sql, "(");
	if (!put_fields(work, sql, failure))
		return false;
	sql_buffer_text(sql, ")");
	work->table->inserted++;
	return true;
}

static bool
write_delete(RowsWork *work, Failure *failure)
{
	bool more;
	SqlBuffer *sql = mysql_writer_row(work->writer, work->table, WRITER_DELETE, &more, failure);

	if (sql == NULL)
		return false;
	if (more)
		sql_buffer_text(sql, " OR ");
	else
	{
		sql_buffer_text(sql, "DELETE FROM ");
		sql_buffer_text(sql, work->table->quoted);
		sql_buffer_text(sql, " WHERE ");
		mysql_writer_condition(work->writer);
	}
	if (work->table->keyed)
		sql_buffer_text(sql, "(");
	if (!put_condition(work, sql, failure))
		return false;
	if (work->table->keyed)
		sql_buffer_text(sql, ")");
	work->table->deleted++;
	return true;
}

bool
mysql_rows_sets(const RowsWork *work, uint32_t i)
{
	return work->new[i].state != FIELD_ABSENT && !work->table->columns[i].generated &&
		   !(work->same_key && work->table->columns[i].key);
}

static bool
write_update(RowsWork *work, Failure *failure)
{
	const MysqlTable *table = work->table;
	SqlBuffer *sql;
	bool more;
	bool first = true;
	uint32_t i = 0;

	while (i < table->column_count && !mysql_rows_sets(work, i))
		i++;
	work->table->updated++;
	if (i == table->column_count)
		return true;
	sql = mysql_writer_row(work->writer, work->table, WRITER_UPDATE, &more, failure);
	if (sql == NULL)
		return false;
	sql_buffer_text(sql, "UPDATE ");
	sql_buffer_text(sql, table->quoted);
	sql_buffer_text(sql, " SET ");
	for (; i < table->column_count; i++)
	{
		if (!mysql_rows_sets(work, i))
			continue;
		if (!first)
			sql_buffer_text(sql, ",");
		first = false;
		sql_buffer_name(sql, table->columns[i].name, strlen(table->columns[i].name));
		sql_buffer_text(sql, "=");
		if (!mysql_rows_put_field(work, sql, i, &work->new[i], failure))
			return false;
	}
	sql_buffer_text(sql, " WHERE ");
	mysql_writer_condition(work->writer);
	return put_condition(work, sql, failure);
}

bool
mysql_rows_read(RowsWork *work, DbsRowsOp op, Failure *failure)
{
	uint8_t form = DBS_ROW_FULL;

	work->same_key = false;
	if (op != DBS_ROWS_INSERT)
	{
		if (!read_row(work, work->old, &form, failure))
			return false;
		work->same_key = form == DBS_ROW_SAME_KEY;
	}
	return op == DBS_ROWS_DELETE || read_row(work, work->new, &form, failure);
}

static bool
write_element(RowsWork *work, DbsRowsOp op, Failure *failure)
{
	if (!mysql_rows_read(work, op, failure))
		return false;
	if (op != DBS_ROWS_INSERT)
		return op == DBS_ROWS_UPDATE ? write_update(work, failure) : write_delete(work, failure);
	if (mysql_writer_may_load(work->writer, work->table, work->rows) && whole(work))
		return write_line(work, failure);
	return write_insert(work, failure);
}

bool
mysql_rows_write(MysqlWriter *writer, MysqlTable *table, const DbsRows *rows, DbsReader *reader, bool null_unsupported,
				 Failure *failure)
{
	RowsWork work = {writer, table, reader, null_unsupported, NULL, NULL, false, rows->count, 0};
	RowField *fields = calloc(2 * (size_t) table->column_count, sizeof *fields);
	bool ok = true;

	if (fields == NULL)
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a row");
	work.old = fields;
	work.new = fields + table->column_count;
	for (uint32_t i = 0; ok && i < rows->count; i++)
		ok = write_element(&work, (DbsRowsOp) rows->op, failure);
	free(fields);
	return ok;
}
