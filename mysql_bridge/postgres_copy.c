/*
 * The bridge's own PostgreSQL as the source of a copy: tables and definitions by functions of the extension, rows in
 * the snapshot that a replication slot exports. All readers share the one snapshot.
 *
 * The stream's slot is made first; it keeps the log from then on, and its snapshot holds exactly what was committed
 * before its position. A later session makes a temporary slot for what is left, whose snapshot and position are later
 * ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copy_source.h"
#include "postgres_connection.h"
#include "postgres_rows.h"
#include "postgres_snapshot.h"

#define QUERY_TIMEOUT_MS 60000

typedef struct PostgresCopy
{
	CopySource base;
	const CopySourceInput *in;
	PGconn *walsender; /* whose snapshot lives until its next command */
	PostgresSnapshot snapshot;
} PostgresCopy;

typedef struct PostgresReader
{
	CopyReader base;
	const PostgresCopy *copy;
	PGconn *conn;
	PGconn *rows_conn;
	int abort_fd;
} PostgresReader;

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a copy");
}

/* ---- the source ---- */

static bool
copy_begin(CopySource *base, const CopyPast *past, char begin[COPY_POSITION_SIZE], Failure *failure)
{
	PostgresCopy *copy = (PostgresCopy *) base;
	const StreamConfig *config = copy->in->config;
	const char *name = config->slot_name;
	int stop_fd = copy->in->stop_fd;
	char temporary[100];
	PostgresSlot slot;

	copy->walsender = postgres_snapshot_connect(config->postgres_conninfo, config->name, stop_fd, failure);
	if (copy->walsender == NULL || !postgres_slot_look(copy->walsender, name, stop_fd, &slot, failure))
		return false;
	if (slot.lost)
		return postgres_slot_lost(name, "has lost its part of the log while tables were copied", failure);
	if (!slot.there && past->left < past->count)
		return postgres_slot_lost(name, "is gone, and tables were copied already", failure);
	if (!slot.there)
	{
		if (!postgres_slot_create(copy->walsender, name, false, true, stop_fd, &copy->snapshot, failure))
			return false;
		snprintf(begin, COPY_POSITION_SIZE, "%s", copy->snapshot.position);
		return true;
	}
	snprintf(begin, COPY_POSITION_SIZE, "%s", slot.confirmed);
	if (past->planned && past->left == 0)
		return true;
	snprintf(temporary, sizeof temporary, "%.50s_copy", name);
	return postgres_slot_create(copy->walsender, temporary, true, true, stop_fd, &copy->snapshot, failure);
}

/* To be asked after the slot was made: what comes later is in the log. */
static bool
copy_list(CopySource *base, CopyListSink sink, void *context, const char **gone, Failure *failure)
{
	PostgresCopy *copy = (PostgresCopy *) base;
	char id[16];
	const char *values[] = {id};
	PGresult *result;
	bool ok = true;

	*gone = NULL;
	snprintf(id, sizeof id, "%d", copy->in->config->id);
	result = postgres_connection_query(copy->in->conn,
									   "SELECT relation, schema_name, table_name, rows_estimated, bytes_estimated"
									   " FROM dbstream.outbound_tables($1)",
									   1, values, copy->in->stop_fd, QUERY_TIMEOUT_MS, failure);
	if (result == NULL)
		return false;
	for (int row = 0; ok && row < PQntuples(result); row++)
	{
		CopyListed table = {
			.relid = (unsigned) strtoul(PQgetvalue(result, row, 0), NULL, 10),
			.schema = PQgetvalue(result, row, 1),
			.name = PQgetvalue(result, row, 2),
			.rows_estimated = strtoull(PQgetvalue(result, row, 3), NULL, 10),
			.bytes_estimated = strtoull(PQgetvalue(result, row, 4), NULL, 10),
		};

		ok = sink(context, &table, failure);
	}
	PQclear(result);
	return ok;
}

static void
copy_free(CopySource *base)
{
	PostgresCopy *copy = (PostgresCopy *) base;

	if (copy->walsender != NULL)
		PQfinish(copy->walsender);
	free(copy);
}

/* ---- a reader ---- */

static bool
reader_open(CopyReader *base, CopyTable *const *tables, size_t count, char position[COPY_POSITION_SIZE],
			Failure *failure)
{
	PostgresReader *reader = (PostgresReader *) base;

	snprintf(position, COPY_POSITION_SIZE, "%s", reader->copy->snapshot.position);
	return true;
}

static bool
reader_close(CopyReader *base, Failure *failure)
{
	return true;
}

static bool
reader_define(CopyReader *base, const CopyTable *table, const char *dialect, CopyDdl *ddl, Failure *failure)
{
	PostgresReader *reader = (PostgresReader *) base;
	char id[16], relid[16];
	const char *values[] = {id, relid, dialect};
	PGresult *result;
	bool ok = true;

	*ddl = (CopyDdl){0};
	snprintf(id, sizeof id, "%d", reader->copy->in->config->id);
	snprintf(relid, sizeof relid, "%u", table->relid);
	result =
		postgres_connection_query(reader->conn, "SELECT stage, sql FROM dbstream.outbound_definition($1, $2::oid, $3)",
								  3, values, reader->abort_fd, QUERY_TIMEOUT_MS, failure);
	if (result == NULL)
		return false;
	for (int i = 0; ok && i < PQntuples(result); i++)
		ok = copy_ddl_add(ddl, PQgetvalue(result, i, 0), PQgetvalue(result, i, 1));
	PQclear(result);
	if (!ok)
		copy_ddl_free(ddl);
	return ok || no_memory(failure);
}

static bool
reader_rows(CopyReader *base, const CopyTable *table, MysqlCopier *copier, Failure *failure)
{
	PostgresReader *reader = (PostgresReader *) base;
	PostgresRows rows;
	DbsMessage message;
	bool end = false;
	bool ok = postgres_rows_begin(&rows, reader->rows_conn, reader->abort_fd, reader->copy->snapshot.name,
								  reader->copy->in->config->id, table->relid, failure);

	while (ok && !end)
	{
		ok = postgres_rows_next(&rows, &message, &end, failure);
		if (ok && !end)
			ok = mysql_copier_message(copier, &message, failure);
	}
	ok = ok && postgres_rows_end(&rows, failure);
	postgres_rows_free(&rows);
	return ok;
}

/* Every wait looks at abort_fd. */
static void
reader_interrupt(CopyReader *base)
{
}

static void
reader_free(CopyReader *base)
{
	PostgresReader *reader = (PostgresReader *) base;

	PQfinish(reader->rows_conn);
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
	PostgresCopy *copy = (PostgresCopy *) base;
	PostgresReader *reader = calloc(1, sizeof *reader);

	if (reader == NULL)
	{
		(void) no_memory(failure);
		return NULL;
	}
	reader->base.ops = &reader_ops;
	reader->copy = copy;
	reader->conn = conn;
	reader->abort_fd = abort_fd;
	reader->rows_conn =
		postgres_connection_open(copy->in->config->postgres_conninfo, "dbstream-bridge copy", abort_fd, failure);
	if (reader->rows_conn != NULL)
		return &reader->base;
	free(reader);
	return NULL;
}

static const CopySourceOps source_ops = {
	.begin = copy_begin,
	.list = copy_list,
	.reader = copy_reader,
	.free = copy_free,
};

CopySource *
postgres_copy_new(const CopySourceInput *input, Failure *failure)
{
	PostgresCopy *copy = calloc(1, sizeof *copy);

	if (copy == NULL)
	{
		(void) no_memory(failure);
		return NULL;
	}
	copy->base.ops = &source_ops;
	copy->in = input;
	return &copy->base;
}
