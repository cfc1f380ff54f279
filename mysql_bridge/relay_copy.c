/*
 * A MySQL or MariaDB server as the source of a copy, for a stream to another one.
 *
 * A moment is a transaction that sees one state of the tables, and the position of the log at which they had it.
 * MariaDB tells the position of a snapshot itself. At MySQL, and for tables whose engine has no transactions, the
 * tables of the group are locked against writers until the snapshot is there: nobody is about to commit then, and the
 * log's end is the position. Where the engine has no transactions the lock is held until the rows are read.
 *
 * Where foreign keys change rows of which the log says nothing, the target's own keys have to make these changes. They
 * can only when both ends of a key are there as of one position: tables that keys join are one group.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client_library.h"
#include "copy_source.h"
#include "mysql_connection.h"
#include "mysql_definition.h"
#include "mysql_server.h"
#include "result_row.h"
#include "snapshot_position.h"
#include "snapshot_table.h"
#include "sql_buffer.h"
#include "table_definition.h"
#include "wire_buffer.h"

#define LOCK_SECONDS 10
#define FLUSH_SIZE ((size_t) 256 * 1024)

#define SERVER_DATABASE_DENIED 1044
#define SERVER_TABLE_DENIED 1142
#define SERVER_NO_SUCH_TABLE 1146
#define SERVER_LOCK_TIMEOUT 1205
#define SERVER_TABLE_CHANGED 1412

typedef struct RelayCopy
{
	CopySource base;
	const CopySourceInput *in;
	MYSQL *mysql;
	MysqlServer server;
	SnapshotTable *tables;
	size_t table_count;
	unsigned *groups; /* of each table */
	char gone[COPY_POSITION_SIZE];
} RelayCopy;

typedef struct RelayReader
{
	CopyReader base;
	RelayCopy *copy;
	int abort_fd;
	MYSQL *mysql; /* has the snapshot */
	MYSQL *lock;  /* has the locks */
	bool locked;
	uint32_t wire_id;
} RelayReader;

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a copy");
}

static bool
put_place(const BinlogPlace *place, char position[COPY_POSITION_SIZE], Failure *failure)
{
	char text[BINLOG_PLACE_TEXT_MAX];

	size_t size = binlog_place_text(place, text);

	if (size >= COPY_POSITION_SIZE)
		return failure_set(failure, FAILURE_REJECT, "name_too_long", "Give the source a shorter log_bin.",
						   "the position %s is longer than %d characters", text, COPY_POSITION_SIZE - 1);
	memcpy(position, text, size + 1);
	return true;
}

/* A place which is not behind any that a later moment has. */
static bool
find_place(RelayCopy *copy, char position[COPY_POSITION_SIZE], Failure *failure)
{
	BinlogPlace place = {0};
	bool ok = copy->server.flavour == FLAVOUR_MARIADB
				  ? snapshot_position_begin(copy->mysql, &place, failure) &&
						mysql_connection_execute(copy->mysql, "ROLLBACK", failure)
				  : mysql_server_log_end(copy->mysql, &copy->server, &place, NULL, failure);

	return ok && put_place(&place, position, failure);
}

/* ---- the source ---- */

static bool
copy_begin(CopySource *base, const CopyPast *past, char begin[COPY_POSITION_SIZE], Failure *failure)
{
	RelayCopy *copy = (RelayCopy *) base;

	copy->mysql = mysql_connection_open(&copy->in->config->source, failure);
	if (copy->mysql == NULL || !mysql_server_probe(copy->mysql, &copy->server, failure) ||
		!find_place(copy, copy->gone, failure))
		return false;
	snprintf(begin, COPY_POSITION_SIZE, "%s", past->mark[0] != '\0' ? past->mark : copy->gone);
	return true;
}

static size_t
find_table(const RelayCopy *copy, const char *schema, const char *name)
{
	size_t i = 0;

	while (i < copy->table_count &&
		   (strcmp(copy->tables[i].schema, schema) != 0 || strcmp(copy->tables[i].name, name) != 0))
		i++;
	return i;
}

/* Two groups become one. */
static void
join_groups(RelayCopy *copy, unsigned one, unsigned other)
{
	for (size_t i = 0; i < copy->table_count; i++)
	{
		if (copy->groups[i] == other)
			copy->groups[i] = one;
	}
}

static bool
group_tables(RelayCopy *copy, Failure *failure)
{
	static const char query[] = "SELECT constraint_schema, table_name, unique_constraint_schema, referenced_table_name "
								"FROM information_schema.referential_constraints";
	MYSQL_RES *result = NULL;
	MYSQL_ROW row;

	copy->groups = calloc(copy->table_count + 1, sizeof *copy->groups);
	if (copy->groups == NULL)
		return no_memory(failure);
	if (copy->server.cascades_logged)
		return true;
	for (size_t i = 0; i < copy->table_count; i++)
		copy->groups[i] = (unsigned) i + 1;
	if (mysql_real_query(copy->mysql, query, sizeof query - 1) == 0)
		result = mysql_store_result(copy->mysql);
	if (result == NULL)
		return mysql_connection_failed(copy->mysql, "reading the foreign keys of the source", failure);
	while ((row = mysql_fetch_row(result)) != NULL)
	{
		size_t child = find_table(copy, row[0], row[1]);
		size_t parent = row[3] != NULL ? find_table(copy, row[2], row[3]) : copy->table_count;

		if (child < copy->table_count && parent < copy->table_count)
			join_groups(copy, copy->groups[child], copy->groups[parent]);
	}
	mysql_free_result(result);
	return true;
}

static bool
copy_list(CopySource *base, CopyListSink sink, void *context, const char **gone, Failure *failure)
{
	RelayCopy *copy = (RelayCopy *) base;
	bool ok = snapshot_tables_list(copy->mysql, copy->in->config, &copy->tables, &copy->table_count, failure) &&
			  group_tables(copy, failure);

	*gone = copy->gone;
	for (size_t i = 0; ok && i < copy->table_count; i++)
	{
		const SnapshotTable *table = &copy->tables[i];
		CopyListed listed = {.schema = table->schema,
							 .name = table->name,
							 .rows_estimated = table->rows_estimated,
							 .bytes_estimated = table->bytes_estimated,
							 .group = copy->groups[i]};

		ok = sink(context, &listed, failure);
	}
	return ok;
}

static void
copy_free(CopySource *base)
{
	RelayCopy *copy = (RelayCopy *) base;

	if (copy->mysql != NULL)
		mysql_close(copy->mysql);
	snapshot_tables_free(copy->tables, copy->table_count);
	free(copy->groups);
	free(copy);
}

/* ---- the moment ---- */

static void
put_table(SqlBuffer *sql, const CopyTable *table)
{
	sql_buffer_name(sql, table->schema, strlen(table->schema));
	sql_buffer_text(sql, ".");
	sql_buffer_name(sql, table->name, strlen(table->name));
}

/* Runs and frees the statement. What the server says of a table that is not what it was is no reason to stop. */
static bool
run(MYSQL *mysql, SqlBuffer *sql, const char *doing, Failure *failure)
{
	bool ok = sql_buffer_ok(sql);
	MYSQL_RES *result;

	if (!ok)
		(void) no_memory(failure);
	else if (mysql_real_query(mysql, sql->data, (unsigned long) sql->used) != 0)
		ok = mysql_connection_failed(mysql, doing, failure);
	else if ((result = mysql_store_result(mysql)) != NULL)
		mysql_free_result(result);
	sql_buffer_free(sql);
	return ok;
}

static bool
explain(MYSQL *mysql, Failure *failure)
{
	switch (mysql_errno(mysql))
	{
		case SERVER_NO_SUCH_TABLE:
		case SERVER_TABLE_CHANGED:
			return failure_set(failure, FAILURE_RETRY, "table_changed", NULL,
							   "a table of the source was changed just when its copy began; it is copied as it is now");
		case SERVER_LOCK_TIMEOUT:
			return failure_set(failure, FAILURE_RETRY, "lock_timeout",
							   "SHOW PROCESSLIST at the source shows which long transactions write to them.",
							   "tables of the source could not be locked for a moment within %d s", LOCK_SECONDS);
		case SERVER_DATABASE_DENIED:
		case SERVER_TABLE_DENIED:
			return failure_set(failure, FAILURE_REJECT, "privilege_missing",
							   "GRANT SELECT, LOCK TABLES on the stream's databases to the user of the source's "
							   "connection.",
							   "the source lets its tables not be locked for a moment, which their copy needs: %s",
							   mysql_error(mysql));
		default:
			return false;
	}
}

static bool
lock_tables(RelayReader *reader, CopyTable *const *tables, size_t count, Failure *failure)
{
	SqlBuffer sql = {0};

	sql_buffer_text(&sql, "LOCK TABLES ");
	for (size_t i = 0; i < count; i++)
	{
		sql_buffer_text(&sql, i > 0 ? ", " : "");
		put_table(&sql, tables[i]);
		sql_buffer_text(&sql, " READ");
	}
	if (!run(reader->lock, &sql, "locking tables of the source for a moment", failure))
		return explain(reader->lock, failure);
	reader->locked = true;
	return true;
}

static bool
unlock_tables(RelayReader *reader, Failure *failure)
{
	reader->locked = false;
	return mysql_connection_execute(reader->lock, "UNLOCK TABLES", failure);
}

/* From here on nobody can change the tables' definitions. */
static bool
hold_definitions(RelayReader *reader, CopyTable *const *tables, size_t count, Failure *failure)
{
	for (size_t i = 0; i < count; i++)
	{
		SqlBuffer sql = {0};

		sql_buffer_text(&sql, "SELECT 1 FROM ");
		put_table(&sql, tables[i]);
		sql_buffer_text(&sql, " LIMIT 0");
		if (!run(reader->mysql, &sql, "looking at a table of the source", failure))
			return explain(reader->mysql, failure);
	}
	return true;
}

static SnapshotTable *
table_of(const RelayReader *reader, const CopyTable *table)
{
	size_t i = find_table(reader->copy, table->schema, table->name);

	return i < reader->copy->table_count ? &reader->copy->tables[i] : NULL;
}

static bool
any_locks(const RelayReader *reader, CopyTable *const *tables, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		const SnapshotTable *table = table_of(reader, tables[i]);

		if (table != NULL && table->locks)
			return true;
	}
	return false;
}

static bool
reader_open(CopyReader *base, CopyTable *const *tables, size_t count, char position[COPY_POSITION_SIZE],
			Failure *failure)
{
	RelayReader *reader = (RelayReader *) base;
	bool keeps = any_locks(reader, tables, count);
	BinlogPlace place = {0};

	if (!keeps && reader->copy->server.flavour == FLAVOUR_MARIADB)
		return snapshot_position_begin(reader->mysql, &place, failure) &&
			   hold_definitions(reader, tables, count, failure) && put_place(&place, position, failure);
	return lock_tables(reader, tables, count, failure) &&
		   mysql_connection_execute(reader->mysql, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
									failure) &&
		   mysql_connection_execute(reader->mysql, "START TRANSACTION WITH CONSISTENT SNAPSHOT", failure) &&
		   mysql_server_log_end(reader->lock, &reader->copy->server, &place, NULL, failure) &&
		   hold_definitions(reader, tables, count, failure) && (keeps || unlock_tables(reader, failure)) &&
		   put_place(&place, position, failure);
}

static bool
reader_close(CopyReader *base, Failure *failure)
{
	RelayReader *reader = (RelayReader *) base;

	return (!reader->locked || unlock_tables(reader, failure)) &&
		   mysql_connection_execute(reader->mysql, "COMMIT", failure);
}

/* ---- definitions and rows ---- */

static bool
reader_define(CopyReader *base, const CopyTable *table, const char *dialect, CopyDdl *ddl, Failure *failure)
{
	RelayReader *reader = (RelayReader *) base;
	ServerFlavour to = strcmp(dialect, "mariadb") == 0 ? FLAVOUR_MARIADB : FLAVOUR_MYSQL;
	char *create = NULL;
	bool gone = false;
	bool ok;

	*ddl = (CopyDdl){0};
	if (!mysql_definition_read(reader->mysql, table->schema, table->name, &create, &gone, failure))
		return false;
	/* Dropped since its rows were read: the log will say so. */
	if (gone)
		return true;
	ok = table_definition_cut(create, reader->copy->in->config, table->schema, table->name,
							  reader->copy->server.flavour, to, ddl, failure);
	free(create);
	return ok;
}

/* What is gathered goes to the target, message by message. */
static bool
give(WireBuffer *buffer, MysqlCopier *copier, Failure *failure)
{
	size_t at = 0;

	while (at < buffer->w.used)
	{
		DbsMessage message;
		const char *error = NULL;
		size_t needed;
		size_t size = dbs_message_next(buffer->w.data + at, buffer->w.used - at, &message, &needed, &error);

		if (size == 0 || size == SIZE_MAX)
			return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a message is malformed: %s",
							   error != NULL ? error : "it is cut off");
		if (!mysql_copier_message(copier, &message, failure))
			return false;
		at += size;
	}
	buffer->w.used = 0;
	return true;
}

static bool
put_head(const SnapshotTable *table, uint32_t wire_id, WireBuffer *buffer, Failure *failure)
{
	DbsTable head = {.id = wire_id,
					 .column_count = table->column_count,
					 .schema = {table->schema, (uint32_t) strlen(table->schema)},
					 .name = {table->name, (uint32_t) strlen(table->name)}};
	size_t size = 64 + head.schema.size + head.name.size;

	for (uint32_t i = 0; i < table->column_count; i++)
		size += 32 + table->columns[i].name.size + table->columns[i].type_name.size;
	if (!wire_buffer_reserve(buffer, size, failure))
		return false;
	return dbs_put_table(&buffer->w, &head, table->columns) ||
		   failure_set(failure, FAILURE_REJECT, "value_too_large", "Exclude the table from the stream.",
					   "the description of table \"%s.%s\" is too large", table->schema, table->name);
}

static bool
put_end(const SnapshotTable *table, uint64_t rows, WireBuffer *buffer, Failure *failure)
{
	DbsSnapshot end = {.step = DBS_SNAPSHOT_CHUNK_END,
					   .flags = DBS_SNAPSHOT_LAST,
					   .number = 1,
					   .rows = rows,
					   .schema = {table->schema, (uint32_t) strlen(table->schema)},
					   .name = {table->name, (uint32_t) strlen(table->name)}};

	return wire_buffer_reserve(buffer, 128 + end.schema.size + end.name.size, failure) &&
		   (dbs_put_snapshot(&buffer->w, &end) ||
			failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "no room for a snapshot message"));
}

static bool
give_rows(RelayReader *reader, const SnapshotTable *table, MYSQL_RES *result, ResultRows *rows, MysqlCopier *copier,
		  Failure *failure)
{
	MYSQL_ROW row;
	uint64_t count = 0;

	while ((row = mysql_fetch_row(result)) != NULL)
	{
		if (!result_rows_put(rows, row, mysql_fetch_lengths(result), failure))
			return false;
		count++;
		if (!rows->open && rows->buffer->w.used >= FLUSH_SIZE && !give(rows->buffer, copier, failure))
			return false;
	}
	if (mysql_errno(reader->mysql) != 0)
		return mysql_connection_failed(reader->mysql, "copying a table", failure);
	result_rows_end(rows);
	return put_end(table, count, rows->buffer, failure) && give(rows->buffer, copier, failure);
}

static bool
copy_described(RelayReader *reader, const SnapshotTable *table, MysqlCopier *copier, Failure *failure)
{
	const StreamConfig *config = reader->copy->in->config;
	ResultPlan plan = {.schema = table->schema,
					   .table = table->name,
					   .column_count = table->column_count,
					   .columns = table->results,
					   .strip_nul_bytes = config->strip_nul_bytes,
					   .zero_dates = config->zero_dates};
	WireBuffer buffer = {0};
	/* A copier knows the tables of its copy by number. */
	ResultRows rows = {.plan = &plan, .buffer = &buffer, .wire_id = 1};
	MYSQL_RES *result = NULL;
	SqlBuffer sql = {0};
	bool ok = put_head(table, rows.wire_id, &buffer, failure);

	sql_buffer_text(&sql, "SELECT ");
	sql_buffer_text(&sql, table->select_list);
	sql_buffer_text(&sql, " FROM ");
	sql_buffer_name(&sql, table->schema, strlen(table->schema));
	sql_buffer_text(&sql, ".");
	sql_buffer_name(&sql, table->name, strlen(table->name));
	if (ok && !sql_buffer_ok(&sql))
		ok = no_memory(failure);
	if (ok && mysql_real_query(reader->mysql, sql.data, (unsigned long) sql.used) == 0)
		result = mysql_use_result(reader->mysql);
	if (ok && result == NULL)
		ok = mysql_connection_failed(reader->mysql, "copying a table", failure);
	ok = ok && give_rows(reader, table, result, &rows, copier, failure);
	/* A result that is not read to its end would be read here: rather let the connection go. */
	if (!ok)
		shutdown(client_library_socket(reader->mysql), SHUT_RDWR);
	mysql_free_result(result);
	sql_buffer_free(&sql);
	wire_buffer_free(&buffer);
	return ok;
}

static bool
reader_rows(CopyReader *base, const CopyTable *table, MysqlCopier *copier, Failure *failure)
{
	RelayReader *reader = (RelayReader *) base;
	SnapshotTable described = {.schema = table->schema, .name = table->name};
	bool ok = snapshot_table_describe(&described, reader->mysql, reader->copy->server.flavour, reader->copy->in->config,
									  NULL, failure);

	if (ok && described.gone)
		ok = failure_set(failure, FAILURE_RETRY, "table_changed", NULL,
						 "a table of the source was dropped while it was copied");
	ok = ok && copy_described(reader, &described, copier, failure);
	snapshot_table_reset(&described);
	return ok;
}

/* ---- a reader ---- */

static void
reader_interrupt(CopyReader *base)
{
	RelayReader *reader = (RelayReader *) base;

	shutdown(client_library_socket(reader->mysql), SHUT_RDWR);
	shutdown(client_library_socket(reader->lock), SHUT_RDWR);
}

static void
reader_free(CopyReader *base)
{
	RelayReader *reader = (RelayReader *) base;

	if (reader->mysql != NULL)
		mysql_close(reader->mysql);
	if (reader->lock != NULL)
		mysql_close(reader->lock);
	free(reader);
}

static const CopyReaderOps reader_ops = {
	.open = reader_open,
	.define = reader_define,
	.rows = reader_rows,
	.close = reader_close,
	.interrupt = reader_interrupt,
	.free = reader_free,
};

static CopyReader *
copy_reader(CopySource *base, PGconn *conn, int abort_fd, Failure *failure)
{
	RelayCopy *copy = (RelayCopy *) base;
	RelayReader *reader = calloc(1, sizeof *reader);
	char words[64];

	if (reader == NULL)
	{
		(void) no_memory(failure);
		return NULL;
	}
	snprintf(words, sizeof words, "SET SESSION lock_wait_timeout = %d", LOCK_SECONDS);
	reader->base.ops = &reader_ops;
	reader->copy = copy;
	reader->mysql = mysql_connection_open(&copy->in->config->source, failure);
	if (reader->mysql != NULL)
		reader->lock = mysql_connection_open(&copy->in->config->source, failure);
	if (reader->lock != NULL && mysql_connection_execute(reader->lock, words, failure) &&
		mysql_connection_execute(reader->mysql, words, failure))
		return &reader->base;
	reader_free(&reader->base);
	return NULL;
}

static const CopySourceOps source_ops = {
	.begin = copy_begin,
	.list = copy_list,
	.reader = copy_reader,
	.free = copy_free,
	.marks = true,
};

CopySource *
relay_copy_new(const CopySourceInput *input, Failure *failure)
{
	RelayCopy *copy = calloc(1, sizeof *copy);

	if (copy == NULL)
	{
		(void) no_memory(failure);
		return NULL;
	}
	copy->base.ops = &source_ops;
	copy->in = input;
	return &copy->base;
}
