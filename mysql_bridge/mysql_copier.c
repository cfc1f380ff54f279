#include "mysql_copier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client_library.h"
#include "log.h"
#include "mysql_connection.h"
#include "mysql_progress.h"
#include "mysql_rows.h"
#include "mysql_table.h"
#include "mysql_table_total.h"
#include "mysql_target.h"
#include "mysql_writer.h"
#include "target_failure.h"

/* What may share one commit, and how many left-over rows are deleted by one. */
#define COMMIT_BYTES ((uint64_t) 8 * 1024 * 1024)
#define DELETE_ROWS 50000

struct MysqlCopier
{
	MysqlCopierInput in;
	char writer_key[COPY_KEY_SIZE];
	MYSQL *mysql; /* rows */
	MYSQL *meta;  /* definitions, which would end a transaction */
	ServerFlavour flavour;
	MysqlWriter *writer;
	bool open; /* a transaction */

	CopyTable *table;    /* under way */
	bool complete;       /* its last message has come */
	bool whole;          /* it held rows: one transaction */
	MysqlTable **tables; /* of its messages, by wire id - 1: a partitioned table has several */
	uint32_t table_count;
};

void
copy_ddl_free(CopyDdl *ddl)
{
	for (size_t i = 0; i < ddl->count; i++)
	{
		free(ddl->texts[i]);
		free(ddl->stages[i]);
	}
	free(ddl->texts);
	free(ddl->stages);
	*ddl = (CopyDdl){0};
}

bool
copy_ddl_add(CopyDdl *ddl, const char *stage, const char *text)
{
	char **stages = realloc(ddl->stages, (ddl->count + 1) * sizeof *stages);
	char **texts = stages != NULL ? realloc(ddl->texts, (ddl->count + 1) * sizeof *texts) : NULL;

	if (stages != NULL)
		ddl->stages = stages;
	if (texts == NULL)
		return false;
	ddl->texts = texts;
	ddl->stages[ddl->count] = strdup(stage);
	ddl->texts[ddl->count] = strdup(text);
	ddl->count++;
	return ddl->stages[ddl->count - 1] != NULL && ddl->texts[ddl->count - 1] != NULL;
}

MysqlCopier *
mysql_copier_new(const MysqlCopierInput *input, Failure *failure)
{
	MysqlCopier *copier = calloc(1, sizeof *copier);

	if (copier == NULL)
	{
		failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a copy");
		return NULL;
	}
	copier->in = *input;
	copy_record_writer_key(input->key, input->writer, copier->writer_key);
	copier->mysql = mysql_target_connect(&input->config->target, failure);
	if (copier->mysql != NULL)
	{
		copier->flavour = mysql_connection_flavour(copier->mysql);
		copier->meta = mysql_target_connect(&input->config->target, failure);
	}
	if (copier->meta != NULL)
		copier->writer = mysql_writer_new(copier->mysql, failure);
	if (copier->writer != NULL)
		return copier;
	mysql_copier_free(copier);
	return NULL;
}

static void
forget_tables(MysqlCopier *copier)
{
	for (uint32_t i = 0; i < copier->table_count; i++)
		mysql_table_free(copier->tables[i]);
	free(copier->tables);
	copier->tables = NULL;
	copier->table_count = 0;
}

void
mysql_copier_free(MysqlCopier *copier)
{
	if (copier == NULL)
		return;
	forget_tables(copier);
	mysql_writer_free(copier->writer);
	if (copier->mysql != NULL)
		mysql_close(copier->mysql);
	if (copier->meta != NULL)
		mysql_close(copier->meta);
	free(copier);
}

const char *
mysql_copier_dialect(const MysqlCopier *copier)
{
	return copier->flavour == FLAVOUR_MARIADB ? "mariadb" : "mysql";
}

void
mysql_copier_interrupt(MysqlCopier *copier)
{
	shutdown(client_library_socket(copier->mysql), SHUT_RDWR);
	shutdown(client_library_socket(copier->meta), SHUT_RDWR);
}

/* ---- transactions ---- */

static const char *
database(const MysqlCopier *copier)
{
	return copier->in.config->target.database;
}

static bool
begin(MysqlCopier *copier, Failure *failure)
{
	SqlBuffer *sql;
	bool more;

	if (copier->open)
		return true;
	sql = mysql_writer_row(copier->writer, NULL, WRITER_CONTROL, &more, failure);
	if (sql == NULL)
		return false;
	sql_buffer_text(sql, "START TRANSACTION");
	sql = mysql_writer_row(copier->writer, NULL, WRITER_FENCE, &more, failure);
	if (sql == NULL)
		return false;
	mysql_progress_fence(sql, database(copier), copier->writer_key, copier->in.token, NULL);
	copier->open = true;
	return true;
}

/* A transaction whose statements so far have all been answered. */
static bool
settle(MysqlCopier *copier, Failure *failure)
{
	return begin(copier, failure) && mysql_writer_drain(copier->writer, failure);
}

static bool
commit(MysqlCopier *copier, Failure *failure)
{
	if (!settle(copier, failure))
		return false;
	if (mysql_real_query(copier->mysql, "COMMIT", 6) != 0)
		return target_failed(copier->mysql, "committing copied rows at the target", failure);
	copier->open = false;
	return true;
}

static bool
record(MysqlCopier *copier, const CopyTable *table, Failure *failure)
{
	return settle(copier, failure) &&
		   copy_record_write(copier->mysql, database(copier), copier->in.key, table, failure) &&
		   commit(copier, failure);
}

/* ---- the table at the target ---- */

static void
put_table(SqlBuffer *sql, const MysqlCopier *copier, const CopyTable *table)
{
	const char *schema = stream_config_schema(copier->in.config, table->schema);

	sql_buffer_name(sql, schema, strlen(schema));
	sql_buffer_text(sql, ".");
	sql_buffer_name(sql, table->name, strlen(table->name));
}

/* Does the query, which is used up, have a row? */
static bool
has_row(MysqlCopier *copier, SqlBuffer *sql, bool *has, Failure *failure)
{
	MYSQL_RES *result;
	bool ok = sql_buffer_ok(sql) && mysql_real_query(copier->meta, sql->data, (unsigned long) sql->used) == 0;

	sql_buffer_free(sql);
	if (!ok)
		return target_failed(copier->meta, "looking at a table of the target", failure);
	result = mysql_store_result(copier->meta);
	if (result == NULL)
		return target_failed(copier->meta, "looking at a table of the target", failure);
	*has = mysql_num_rows(result) > 0;
	mysql_free_result(result);
	return true;
}

static bool
look(MysqlCopier *copier, const CopyTable *table, bool *exists, bool *empty, Failure *failure)
{
	const char *schema = stream_config_schema(copier->in.config, table->schema);
	SqlBuffer sql = {0};
	bool row = false;

	sql_buffer_text(&sql, "SELECT 1 FROM information_schema.tables WHERE table_schema = ");
	sql_buffer_quoted(&sql, schema, strlen(schema));
	sql_buffer_text(&sql, " AND table_name = ");
	sql_buffer_quoted(&sql, table->name, strlen(table->name));
	if (!has_row(copier, &sql, exists, failure))
		return false;
	*empty = true;
	if (!*exists)
		return true;
	sql_buffer_text(&sql, "SELECT 1 FROM ");
	put_table(&sql, copier, table);
	sql_buffer_text(&sql, " LIMIT 1");
	if (!has_row(copier, &sql, &row, failure))
		return false;
	*empty = !row;
	return true;
}

/* The statement's effect is there already: a session that ended could not record it. */
static bool
already_done(unsigned number, const char *message)
{
	return number == 1050 || number == 1061 || number == 1826 || number == 1022 ||
		   (number == 1005 && strstr(message, "errno: 121") != NULL);
}

static bool
define(MysqlCopier *copier, const CopyTable *table, const char *sql, Failure *failure)
{
	char problem[600];
	SqlBuffer marked = {0};
	bool ok;
	unsigned number;

	sql_buffer_text(&marked, TARGET_DDL_MARK " ");
	sql_buffer_text(&marked, sql);
	ok = sql_buffer_ok(&marked) && mysql_real_query(copier->meta, marked.data, (unsigned long) marked.used) == 0;
	sql_buffer_free(&marked);
	if (ok)
		return true;
	number = mysql_errno(copier->meta);
	if (already_done(number, mysql_error(copier->meta)))
		return true;
	/* Locks and connections pass; what the server does not like in a definition does not. */
	if (number == 0 || number >= 2000 ? number < 3000 : number == 1205 || number == 1213)
		return target_failed(copier->meta, "defining a table of the target", failure);
	snprintf(problem, sizeof problem, "the target refuses it: %s (error %u)", mysql_error(copier->meta), number);
	log_line(LOG_LEVEL_WARNING, copier->in.config->name, "%s: %.300s", problem, sql);
	return copier->in.note(copier->in.context, table, sql, problem, failure);
}

static bool
create(MysqlCopier *copier, const CopyTable *table, const CopyDdl *ddl, Failure *failure)
{
	const char *schema = stream_config_schema(copier->in.config, table->schema);
	SqlBuffer sql = {0};
	bool ok;

	sql_buffer_text(&sql, TARGET_DDL_MARK " CREATE DATABASE IF NOT EXISTS ");
	sql_buffer_name(&sql, schema, strlen(schema));
	ok = sql_buffer_ok(&sql) && mysql_real_query(copier->meta, sql.data, (unsigned long) sql.used) == 0;
	sql_buffer_free(&sql);
	if (!ok)
		return target_failed(copier->meta, "creating a database at the target", failure);
	for (size_t i = 0; i < ddl->count; i++)
	{
		if (strcmp(ddl->stages[i], "table") == 0 && !define(copier, table, ddl->texts[i], failure))
			return false;
		/* What is lost is told, but for what means nothing. */
		if (strcmp(ddl->stages[i], "note") == 0 && strncmp(ddl->texts[i], "info", 4) != 0 &&
			!copier->in.note(copier->in.context, table, "", ddl->texts[i], failure))
			return false;
	}
	log_line(LOG_LEVEL_INFO, copier->in.config->name, "created table %s.%s at the target", schema, table->name);
	return true;
}

/* Piece by piece, each in a transaction that only this session can have: TRUNCATE could not be held to that. */
static bool
delete_rows(MysqlCopier *copier, const CopyTable *table, Failure *failure)
{
	SqlBuffer sql = {0};
	my_ulonglong deleted;

	sql_buffer_text(&sql, "DELETE FROM ");
	put_table(&sql, copier, table);
	sql_buffer_format(&sql, " LIMIT %d", DELETE_ROWS);
	do
	{
		bool ok = settle(copier, failure);

		if (ok && (!sql_buffer_ok(&sql) || mysql_real_query(copier->mysql, sql.data, (unsigned long) sql.used) != 0))
			ok = target_failed(copier->mysql, "emptying a table of the target", failure);
		deleted = ok ? mysql_affected_rows(copier->mysql) : 0;
		if (!ok || !commit(copier, failure))
		{
			sql_buffer_free(&sql);
			return false;
		}
	} while (deleted >= DELETE_ROWS);
	sql_buffer_free(&sql);
	return true;
}

/* Decide how a table that is met for the first time is filled. */
static bool
settle_table(MysqlCopier *copier, CopyTable *table, bool exists, bool empty, Failure *failure)
{
	TargetTables mode = copier->in.config->target_tables;
	bool empties = copier->in.empties || mode == TARGET_TABLES_TRUNCATE;

	if (!empty && !empties && mode == TARGET_TABLES_REFUSE)
		return failure_set(failure, FAILURE_REJECT, "target_not_empty",
						   "Empty it, or set target_tables to \"truncate\" or \"append\" with dbstream.alter_stream().",
						   "table %s.%s at the target is not empty, and the option target_tables is \"refuse\"",
						   stream_config_schema(copier->in.config, table->schema), table->name);
	table->created = !exists;
	table->fresh = empty || empties;
	table->begun = true;
	return record(copier, table, failure);
}

bool
mysql_copier_plan(MysqlCopier *copier, CopyTable *tables, size_t count, Failure *failure)
{
	if (!settle(copier, failure))
		return false;
	for (size_t i = 0; i < count; i++)
	{
		if (!copy_record_write(copier->mysql, database(copier), copier->in.key, &tables[i], failure))
			return false;
		tables[i].known = true;
	}
	return commit(copier, failure);
}

bool
mysql_copier_forget(MysqlCopier *copier, CopyTable *table, Failure *failure)
{
	if (!table->fresh)
		return failure_set(failure, FAILURE_REJECT, "copy_interrupted",
						   "SELECT dbstream.resync_stream(name) empties the stream's tables at the target and copies "
						   "them anew.",
						   "table %s.%s held rows before it was copied, and has to be copied again together with those "
						   "that its foreign keys join it to",
						   stream_config_schema(copier->in.config, table->schema), table->name);
	table->position[0] = '\0';
	return record(copier, table, failure);
}

bool
mysql_copier_begin(MysqlCopier *copier, CopyTable *table, const CopyDdl *ddl, Failure *failure)
{
	bool exists, empty;

	copier->table = table;
	copier->complete = false;
	atomic_store(&table->rows, 0);
	atomic_store(&table->bytes, 0);
	atomic_store(&table->phase, COPY_COPYING);
	if (!look(copier, table, &exists, &empty, failure))
		return false;
	/* Recorded before it is made: whoever finds it made knows by whom. */
	if (!table->begun && !settle_table(copier, table, exists, empty, failure))
		return false;
	if (!exists && !create(copier, table, ddl, failure))
		return false;
	copier->whole = !table->fresh;
	return !table->fresh || empty || delete_rows(copier, table, failure);
}

/* ---- rows ---- */

static bool
on_table(MysqlCopier *copier, DbsReader *reader, Failure *failure)
{
	MysqlTable *table = mysql_table_open(copier->meta, copier->flavour, copier->in.config, reader, failure);

	if (table == NULL)
		return false;
	table->replaces = copier->whole;
	if (table->id == 0 || table->id > 1000000)
	{
		mysql_table_free(table);
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a table's number is out of range");
	}
	if (table->id > copier->table_count)
	{
		MysqlTable **grown = realloc(copier->tables, table->id * sizeof *grown);

		if (grown == NULL)
		{
			mysql_table_free(table);
			return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a table");
		}
		memset(grown + copier->table_count, 0, (table->id - copier->table_count) * sizeof *grown);
		copier->tables = grown;
		copier->table_count = table->id;
	}
	if (copier->tables[table->id - 1] != NULL)
	{
		mysql_table_free(table);
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a table comes twice in one copy");
	}
	copier->tables[table->id - 1] = table;
	return true;
}

static bool
on_rows(MysqlCopier *copier, DbsReader *reader, size_t size, Failure *failure)
{
	DbsRows rows;

	if (!dbs_get_rows(reader, &rows) || rows.op != DBS_ROWS_INSERT || rows.table_id == 0 ||
		rows.table_id > copier->table_count || copier->tables[rows.table_id - 1] == NULL)
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "copied rows are malformed");
	if (!begin(copier, failure) || !mysql_rows_write(copier->writer, copier->tables[rows.table_id - 1], &rows, reader,
													 copier->in.config->null_unsupported, failure))
		return false;
	atomic_fetch_add(&copier->table->rows, rows.count);
	atomic_fetch_add(&copier->table->bytes, size);
	return copier->whole || mysql_writer_pending(copier->writer) < COMMIT_BYTES || commit(copier, failure);
}

/* The last message tells how many rows were sent. */
static bool
on_end(MysqlCopier *copier, DbsReader *reader, Failure *failure)
{
	DbsSnapshot end;
	uint64_t rows = atomic_load(&copier->table->rows);

	if (!dbs_get_snapshot(reader, &end) || end.step != DBS_SNAPSHOT_CHUNK_END)
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.",
						   "the end of copied rows is malformed: %s",
						   reader->error != NULL ? reader->error : "unknown");
	if (end.rows != rows)
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.",
						   "%" PRIu64 " rows were copied, and %" PRIu64 " were read", rows, end.rows);
	copier->complete = true;
	return true;
}

bool
mysql_copier_message(MysqlCopier *copier, const DbsMessage *message, Failure *failure)
{
	DbsReader reader;

	dbs_reader_init(&reader, message);
	if (message->type == DBS_MESSAGE_TABLE)
		return on_table(copier, &reader, failure);
	if (message->type == DBS_MESSAGE_ROWS)
		return on_rows(copier, &reader, message->size, failure);
	if (message->type == DBS_MESSAGE_SNAPSHOT)
		return on_end(copier, &reader, failure);
	return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "message type %d in copied rows",
					   (int) message->type);
}

bool
mysql_copier_end(MysqlCopier *copier, const char *position, Failure *failure)
{
	CopyTable *table = copier->table;
	uint64_t adjusted = 0;

	if (!copier->complete)
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "copied rows end without their number");
	for (uint32_t i = 0; i < copier->table_count; i++)
		adjusted += copier->tables[i] != NULL ? copier->tables[i]->adjusted : 0;
	snprintf(table->position, sizeof table->position, "%s", position);
	if (!settle(copier, failure) ||
		!mysql_table_total_copied(copier->mysql, database(copier), copier->in.key, table->schema, table->name,
								  atomic_load(&table->rows), adjusted, failure) ||
		!record(copier, table, failure))
		return false;
	forget_tables(copier);
	atomic_store(&table->phase, COPY_COPIED);
	return true;
}

/* ---- afterwards ---- */

bool
mysql_copier_add(MysqlCopier *copier, CopyTable *table, const CopyDdl *ddl, const char *stage, Failure *failure)
{
	bool links = strcmp(stage, "foreign key") == 0;
	bool *done = links ? &table->linked : &table->keyed;

	if (*done)
		return true;
	atomic_store(&table->phase, links ? COPY_LINKING : COPY_INDEXING);
	for (size_t i = 0; table->created && i < ddl->count; i++)
	{
		if (strcmp(ddl->stages[i], stage) == 0 && !define(copier, table, ddl->texts[i], failure))
			return false;
	}
	*done = true;
	if (!record(copier, table, failure))
		return false;
	atomic_store(&table->phase, links ? COPY_DONE : COPY_COPIED);
	return true;
}

bool
mysql_copier_start_stream(MysqlCopier *copier, const char *position, uint64_t rows, Failure *failure)
{
	MysqlTotals totals = {.inserted = rows};

	return settle(copier, failure) &&
		   mysql_progress_begin(copier->mysql, database(copier), copier->in.key, position, &totals, failure) &&
		   copy_record_finish(copier->mysql, database(copier), copier->in.key, failure) && commit(copier, failure);
}
