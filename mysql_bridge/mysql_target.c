/*
 * A source's transactions become transactions of the target. When more is waiting than one, several share a commit;
 * one is never divided.
 *
 * Two connections: one for rows, one for looking at tables and making them, since that ends an open transaction.
 *
 * What is committed is first recorded in PostgreSQL and then confirmed to the source: see outbound.c of the extension.
 */
#include "mysql_target.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "definition_message.h"
#include "log.h"
#include "mysql_conflict.h"
#include "mysql_ddl.h"
#include "mysql_progress.h"
#include "mysql_rows.h"
#include "mysql_table.h"
#include "mysql_table_total.h"
#include "mysql_writer.h"
#include "outbox_reader.h"
#include "postgres_connection.h"
#include "postgres_target.h"
#include "relay_ddl.h"
#include "report.h"
#include "target_failure.h"

#define CALL_TIMEOUT_MS 30000
#define IDLE_MS 100
#define REPORT_MS 1000
#define RECORD_MS 500
/* How much may share one commit. */
#define GROUP_BYTES ((uint64_t) 8 * 1024 * 1024)
#define GROUP_TRANSACTIONS 2000
#define GROUP_MS 1000
/* After so many rows without a conflict the fast way is taken again. */
#define CAREFUL_ROWS 20000
#define POSITION_SIZE 64
/*
 * A busy stream's commit waits so long for company: a commit costs both servers as much as dozens of rows. Busy is one
 * whose last commit had so many transactions; a lone transaction never waits.
 */
#define HOLD_MS 5
#define BUSY_TRANSACTIONS 8

/* A table that has been described. It is opened when its rows come: until then the target may not have it so. */
typedef struct KnownTable
{
	MysqlTable *table;
	char *message; /* the body of a description newer than table; NULL: none */
	size_t size;
} KnownTable;

struct MysqlTarget
{
	Target base;
	TargetInput in;
	int stop_fd;
	const StreamConfig *config;
	const char *key;
	MYSQL *mysql;
	MYSQL *meta;
	ServerFlavour flavour;
	ServerFlavour source_flavour; /* of a MySQL source */
	bool keys_act;                /* the target's foreign keys change rows of which the source's log says nothing */
	MysqlWriter *writer;
	MysqlConflicts *conflicts; /* NULL: a conflict stops the stream */
	bool careful;              /* rows are looked at one by one: see mysql_conflict.h */
	KnownTable *tables;        /* by wire id - 1 */
	uint32_t table_count;

	char position[POSITION_SIZE];  /* committed at the target */
	char step[PROGRESS_STEP_SIZE]; /* the same: how far within the transaction behind it */
	bool passing;                  /* that transaction comes again, and what comes is done already */
	char reached[POSITION_SIZE];   /* of the last whole source transaction that is in the open one */
	int64_t commit_time;           /* of the last one that is committed here, at the source */
	int64_t reached_time;
	bool open;      /* a transaction of the target */
	bool in_source; /* inside a transaction of the source */
	uint64_t group; /* source transactions in the open one */
	uint64_t last_group;
	int64_t opened_ms; /* the open one */

	MysqlTotals totals;             /* as committed with position */
	MysqlTableTotals *table_totals; /* the same for each table */
	bool unrecorded;                /* PostgreSQL has not been told of position yet */
	bool urgent;                    /* somebody waits for the record */
	bool applied;
	int64_t recorded_ms;
	int64_t report_ms;
};

static const TargetOps mysql_target_ops;

/* ---- opening ---- */

/* Rows come as they were committed, with what foreign keys changed among them: the target's must not act again. */
static bool
pin_session(MYSQL *mysql, Failure *failure)
{
	static const char *const statements[] = {
		"SET SESSION sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO,"
		"ERROR_FOR_DIVISION_BY_ZERO'",
		"SET SESSION foreign_key_checks = 0, unique_checks = 1, autocommit = 1",
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
		"SET SESSION innodb_lock_wait_timeout = 15, lock_wait_timeout = 60",
	};

	for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
	{
		if (mysql_real_query(mysql, statements[i], strlen(statements[i])) != 0)
			return target_failed(mysql, statements[i], failure);
	}
	return true;
}

MYSQL *
mysql_target_connect(const ConnectionConfig *config, Failure *failure)
{
	MYSQL *mysql = mysql_connection_open_writing(config, failure);

	if (mysql == NULL)
	{
		target_failure_words(failure);
		return NULL;
	}
	if (pin_session(mysql, failure))
		return mysql;
	mysql_close(mysql);
	return NULL;
}

static void
target_free(Target *base)
{
	MysqlTarget *target = (MysqlTarget *) base;

	if (target == NULL)
		return;
	for (uint32_t i = 0; i < target->table_count; i++)
	{
		mysql_table_free(target->tables[i].table);
		free(target->tables[i].message);
	}
	free(target->tables);
	mysql_table_total_free(target->table_totals);
	mysql_writer_free(target->writer);
	mysql_conflict_free(target->conflicts);
	if (target->mysql != NULL)
		mysql_close(target->mysql);
	if (target->meta != NULL)
		mysql_close(target->meta);
	free(target);
}

MysqlTarget *
mysql_target_open(const StreamConfig *config, const char *key, Failure *failure)
{
	MysqlTarget *target = calloc(1, sizeof *target);

	if (target == NULL)
	{
		failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a stream's target");
		return NULL;
	}
	target->base.ops = &mysql_target_ops;
	target->config = config;
	target->key = key;
	target->mysql = mysql_target_connect(&config->target, failure);
	if (target->mysql != NULL)
	{
		target->meta = mysql_target_connect(&config->target, failure);
		target->flavour = mysql_connection_flavour(target->mysql);
	}
	if (target->meta != NULL && mysql_progress_prepare(target->mysql, config->target.database, failure) &&
		mysql_progress_read(target->mysql, config->target.database, key, target->position, sizeof target->position,
							target->step, &target->totals, failure))
	{
		bool settles = config->conflicts != CONFLICTS_STOP;

		target->passing = target->step[0] != '\0';
		target->table_totals = mysql_table_total_read(target->mysql, config->target.database, key, failure);
		if (target->table_totals != NULL)
			target->writer = mysql_writer_new(target->mysql, failure);
		if (target->writer != NULL && settles)
			target->conflicts = mysql_conflict_new(target->mysql, config, key, failure);
		target->careful = target->conflicts != NULL && config->careful;
		if (target->writer != NULL && (target->conflicts != NULL || !settles))
			return target;
	}
	target_free(&target->base);
	return NULL;
}

const char *
mysql_target_position(const MysqlTarget *target)
{
	return target->position;
}

bool
mysql_target_begin(MysqlTarget *target, const TargetInput *input, int stop_fd, const char *position, Failure *failure)
{
	target->in = *input;
	target->stop_fd = stop_fd;
	target->unrecorded = true; /* also says that the stream has begun */
	if (target->position[0] != '\0')
	{
		snprintf(target->reached, sizeof target->reached, "%s", target->position);
		return target->conflicts == NULL ||
			   mysql_conflict_hand_over(target->conflicts, target->in.conn, target->position, stop_fd, failure);
	}
	snprintf(target->position, sizeof target->position, "%s", position);
	snprintf(target->reached, sizeof target->reached, "%s", position);
	return mysql_progress_begin(target->mysql, target->config->target.database, target->key, position, &target->totals,
								failure);
}

/* ---- transactions ---- */

static bool
put_control(MysqlTarget *target, const char *sql, Failure *failure)
{
	bool more;
	SqlBuffer *buffer = mysql_writer_row(target->writer, NULL, WRITER_CONTROL, &more, failure);

	if (buffer != NULL)
		sql_buffer_text(buffer, sql);
	return buffer != NULL;
}

static bool
ensure_open(MysqlTarget *target, Failure *failure)
{
	SqlBuffer *buffer;
	bool more;

	if (target->open)
		return true;
	if (!put_control(target, "START TRANSACTION", failure))
		return false;
	buffer = mysql_writer_row(target->writer, NULL, WRITER_FENCE, &more, failure);
	if (buffer == NULL)
		return false;
	/* First in the transaction, so that an inbound reader of this server knows at once whose it is. */
	mysql_progress_fence(buffer, target->config->target.database, target->key, target->position, target->step);
	target->open = true;
	target->opened_ms = clock_now_ms();
	return true;
}

/* What this transaction did to each table goes into it, and into the totals. */
static bool
count_rows(MysqlTarget *target, MysqlTotals *totals, Failure *failure)
{
	totals->transactions += target->group;
	for (uint32_t i = 0; i < target->table_count; i++)
	{
		if (target->tables[i].table != NULL)
			mysql_table_total_take(target->tables[i].table);
	}
	return mysql_table_total_write(target->table_totals, target->writer, totals, failure);
}

/* Commit what is open. step: how far within the source's transaction; empty between two. */
static bool
commit_at(MysqlTarget *target, const char *step, Failure *failure)
{
	MysqlTotals totals = target->totals;
	SqlBuffer *buffer;
	bool more;

	if (!target->open)
		return true;
	if (!count_rows(target, &totals, failure))
		return false;
	buffer = mysql_writer_row(target->writer, NULL, WRITER_FENCE, &more, failure);
	if (buffer == NULL)
		return false;
	mysql_progress_move(buffer, target->config->target.database, target->key, target->reached, step, &totals);
	/* Every count must be right before the commit goes out. */
	if (!mysql_writer_drain(target->writer, failure))
		return false;
	if (mysql_real_query(target->mysql, "COMMIT", 6) != 0)
		return target_failed(target->mysql, "committing at the target", failure);
	target->open = false;
	snprintf(target->position, sizeof target->position, "%s", target->reached);
	snprintf(target->step, sizeof target->step, "%s", step);
	target->commit_time = target->reached_time;
	target->totals = totals;
	mysql_table_total_committed(target->table_totals);
	target->last_group = target->group;
	target->group = 0;
	target->unrecorded = true;
	target->applied = true;
	if (target->careful && mysql_conflict_quiet(target->conflicts) >= CAREFUL_ROWS)
		target->careful = false;
	return target->conflicts == NULL ||
		   mysql_conflict_hand_over(target->conflicts, target->in.conn, target->position, target->stop_fd, failure);
}

/* Commit what is whole. Only between transactions of the source. */
static bool
commit(MysqlTarget *target, Failure *failure)
{
	return commit_at(target, "", failure);
}

/* ---- PostgreSQL is told ---- */

static bool
record(MysqlTarget *target, Failure *failure)
{
	char id[16], time[32], counts[4][24];
	char *tables = mysql_table_total_untold(target->table_totals);
	const char *values[] = {
		id,    target->position, target->commit_time != 0 ? time : NULL, counts[0], counts[1], counts[2], counts[3],
		tables};
	PGresult *result;

	snprintf(id, sizeof id, "%d", target->in.stream_id);
	snprintf(time, sizeof time, "%" PRId64, target->commit_time);
	snprintf(counts[0], sizeof counts[0], "%" PRIu64, target->totals.transactions);
	snprintf(counts[1], sizeof counts[1], "%" PRIu64, target->totals.inserted);
	snprintf(counts[2], sizeof counts[2], "%" PRIu64, target->totals.updated);
	snprintf(counts[3], sizeof counts[3], "%" PRIu64, target->totals.deleted);
	result =
		postgres_connection_query(target->in.conn,
								  "SELECT dbstream.outbound_progress($1::int4, $2, timestamptz '2000-01-01 00:00:00+00'"
								  " + $3::int8 * interval '1 microsecond', $4::int8, $5::int8, $6::int8, $7::int8,"
								  " $8::jsonb)",
								  8, values, target->stop_fd, CALL_TIMEOUT_MS, failure);
	free(tables);
	if (result == NULL)
		return false;
	PQclear(result);
	mysql_table_total_told(target->table_totals);
	target->unrecorded = target->urgent = false;
	target->recorded_ms = clock_now_ms();
	if (target->in.ops->confirm != NULL)
		target->in.ops->confirm(target->in.source, target->position);
	return true;
}

static bool
report(MysqlTarget *target, Failure *failure)
{
	char id[16];
	char *json = report_json(target->in.ops, target->in.source, target->in.watcher);
	const char *values[] = {id, json};
	PGresult *result;

	target->report_ms = clock_now_ms();
	if (json == NULL)
		return true;
	snprintf(id, sizeof id, "%d", target->in.stream_id);
	result = postgres_connection_query(target->in.conn, "SELECT dbstream.bridge_report($1::int4, $2::jsonb)", 2, values,
									   target->stop_fd, CALL_TIMEOUT_MS, failure);
	free(json);
	PQclear(result);
	return result != NULL;
}

static bool
tell_postgres(MysqlTarget *target, Failure *failure)
{
	int64_t now = clock_now_ms();

	if (target->unrecorded && (target->urgent || now - target->recorded_ms >= RECORD_MS) && !record(target, failure))
		return false;
	return now - target->report_ms < REPORT_MS || report(target, failure);
}

/* ---- messages ---- */

static bool
malformed(const DbsReader *reader, Failure *failure)
{
	return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a message is malformed: %s",
					   reader->error != NULL ? reader->error : "unknown");
}

/* The place of a table's number, made when there is none yet; NULL on failure. */
static KnownTable *
table_place(MysqlTarget *target, uint32_t id, Failure *failure)
{
	if (id == 0 || id > 1000000)
	{
		failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a table's number is out of range");
		return NULL;
	}
	if (id > target->table_count)
	{
		uint32_t count = id + 64;
		KnownTable *tables = realloc(target->tables, count * sizeof *tables);

		if (tables == NULL)
		{
			failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a table");
			return NULL;
		}
		memset(tables + target->table_count, 0, (count - target->table_count) * sizeof *tables);
		target->tables = tables;
		target->table_count = count;
	}
	return &target->tables[id - 1];
}

static bool
on_table(MysqlTarget *target, const DbsMessage *message, Failure *failure)
{
	DbsReader reader;
	DbsTable table;
	KnownTable *place;
	char *copy;

	dbs_reader_init(&reader, message);
	if (!dbs_get_table(&reader, &table))
		return malformed(&reader, failure);
	place = table_place(target, table.id, failure);
	copy = place != NULL ? malloc(message->size) : NULL;
	if (copy == NULL)
		return place != NULL &&
			   failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a table");
	memcpy(copy, message->body, message->size);
	free(place->message);
	place->message = copy;
	place->size = message->size;
	return true;
}

/* The table as it was described last, opened. */
static MysqlTable *
open_table(MysqlTarget *target, KnownTable *place, Failure *failure)
{
	DbsMessage message = {DBS_MESSAGE_TABLE, place->message, place->size};
	DbsReader reader;
	MysqlTable *table;

	if (place->message == NULL)
		return place->table;
	dbs_reader_init(&reader, &message);
	table = mysql_table_open(target->meta, target->flavour, target->config, &reader, failure);
	if (table == NULL)
		return NULL;
	table->total = mysql_table_total_find(target->table_totals, table->source_schema, table->name);
	if (table->total == NULL)
	{
		mysql_table_free(table);
		failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a table");
		return NULL;
	}
	if (place->table != NULL)
	{
		/* Statements under way point to it. */
		if (!mysql_writer_drain(target->writer, failure))
		{
			mysql_table_free(table);
			return NULL;
		}
		mysql_table_total_take(place->table);
		mysql_table_free(place->table);
	}
	place->table = table;
	free(place->message);
	place->message = NULL;
	return table;
}

static bool
on_rows(MysqlTarget *target, DbsReader *reader, Failure *failure)
{
	DbsRows rows;
	KnownTable *place;
	MysqlTable *table;

	if (target->passing)
		return true;
	if (!dbs_get_rows(reader, &rows))
		return malformed(reader, failure);
	place = rows.table_id == 0 || rows.table_id > target->table_count ? NULL : &target->tables[rows.table_id - 1];
	if (place == NULL || (place->table == NULL && place->message == NULL))
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "rows come without their table");
	table = open_table(target, place, failure);
	if (table == NULL || !ensure_open(target, failure))
		return false;
	if (target->careful)
		return mysql_writer_drain(target->writer, failure) &&
			   mysql_conflict_rows(target->conflicts, table, &rows, reader,
								   target->reached[0] != '\0' ? target->reached : target->position, failure);
	return mysql_rows_write(target->writer, table, &rows, reader, target->config->null_unsupported, failure);
}

/* TRUNCATE would end the transaction: the rows are deleted. NULL on failure. */
static SqlBuffer *
begin_delete(MysqlTarget *target, const char *schema, const char *name, Failure *failure)
{
	const char *here = stream_config_schema(target->config, schema);
	SqlBuffer *sql;
	bool more;

	if (!ensure_open(target, failure))
		return NULL;
	sql = mysql_writer_row(target->writer, NULL, WRITER_TRUNCATE, &more, failure);
	if (sql == NULL)
		return NULL;
	sql_buffer_text(sql, "DELETE FROM ");
	sql_buffer_name(sql, here, strlen(here));
	sql_buffer_text(sql, ".");
	sql_buffer_name(sql, name, strlen(name));
	return sql;
}

/* See RelayTruncate. */
static bool
delete_all(void *context, const char *schema, const char *name, const char *partitions, Failure *failure)
{
	SqlBuffer *sql = begin_delete(context, schema, name, failure);

	if (sql == NULL)
		return false;
	if (partitions[0] != '\0')
	{
		sql_buffer_text(sql, " PARTITION (");
		sql_buffer_text(sql, partitions);
		sql_buffer_text(sql, ")");
	}
	return true;
}

/* The rows of a partition of the source's: the extension knows the target's words for its condition. */
static bool
delete_part(MysqlTarget *target, const char *schema, const char *name, const DbsTruncate *truncate, Failure *failure)
{
	char *columns = strndup(truncate->columns.data, truncate->columns.size);
	char *condition = strndup(truncate->condition.data, truncate->condition.size);
	const char *values[] = {columns, condition, target->flavour == FLAVOUR_MARIADB ? "mariadb" : "mysql"};
	PGresult *result = NULL;
	SqlBuffer *sql = NULL;

	if (columns == NULL || condition == NULL)
		failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a partition's condition");
	else
		result = postgres_connection_query(target->in.conn, "SELECT dbstream.outbound_truncate(nullif($1, ''), $2, $3)",
										   3, values, target->stop_fd, CALL_TIMEOUT_MS, failure);
	if (result != NULL && PQgetisnull(result, 0, 0))
		failure_set(
			failure, FAILURE_REJECT, "truncate_untold",
			"dbstream.resync_stream() copies the stream's tables anew. Where a partition is to be emptied later "
			"on, DELETE its rows instead.",
			"partition \"%.*s\" of table \"%s\".\"%s\" was truncated, and the target cannot choose its rows: "
			"%.300s has no equivalent there",
			(int) truncate->partition.size, truncate->partition.data, schema, name, condition);
	else if (result != NULL && (sql = begin_delete(target, schema, name, failure)) != NULL)
	{
		sql_buffer_text(sql, " WHERE ");
		sql_buffer_text(sql, PQgetvalue(result, 0, 0));
	}
	PQclear(result);
	free(columns);
	free(condition);
	return sql != NULL;
}

static bool
on_truncate(MysqlTarget *target, DbsReader *reader, Failure *failure)
{
	DbsTruncate truncate;
	char schema[256], name[256];

	if (target->passing)
		return true;
	if (!dbs_get_truncate(reader, &truncate))
		return malformed(reader, failure);
	snprintf(schema, sizeof schema, "%.*s", (int) truncate.schema.size, truncate.schema.data);
	snprintf(name, sizeof name, "%.*s", (int) truncate.name.size, truncate.name.data);
	if (truncate.condition.size > 0)
		return delete_part(target, schema, name, &truncate, failure);
	return delete_all(target, schema, name, "", failure);
}

static void
reach(MysqlTarget *target, DbsString position, int64_t time)
{
	snprintf(target->reached, sizeof target->reached, "%.*s", (int) position.size, position.data);
	target->reached_time = time;
}

static bool
on_commit(MysqlTarget *target, DbsReader *reader, Failure *failure)
{
	DbsCommit message;

	if (!dbs_get_commit(reader, &message))
		return malformed(reader, failure);
	target->in_source = false;
	if (target->passing)
		return failure_set(failure, FAILURE_REJECT, "step_lost",
						   "The stream's tables were changed while it stood in the middle of a transaction: undo that, "
						   "or bring the tables together by hand, then drop the stream and create it anew.",
						   "the transaction behind %s does not hold the schema change \"%s\" of the target's position",
						   target->position, target->step);
	/* A transaction of nothing but what this target leaves out still moves the position. */
	if (!ensure_open(target, failure))
		return false;
	reach(target, message.position, message.commit_time);
	target->group++;
	if (target->group >= GROUP_TRANSACTIONS || mysql_writer_pending(target->writer) >= GROUP_BYTES ||
		clock_now_ms() - target->opened_ms >= GROUP_MS)
		return commit(target, failure) && tell_postgres(target, failure);
	return true;
}

static bool
on_heartbeat(MysqlTarget *target, DbsReader *reader, Failure *failure)
{
	DbsHeartbeat message;

	if (!dbs_get_heartbeat(reader, &message))
		return malformed(reader, failure);
	/* The position stays before a transaction that is there in part. */
	if (target->passing)
		return true;
	if (!ensure_open(target, failure))
		return false;
	reach(target, message.position, target->reached_time);
	target->urgent = true;
	return true;
}

/* ---- schema changes ---- */

/*
 * Where the source's log has nothing of the rows that its foreign keys changed, the target's keys must change them: by
 * themselves they are pinned off.
 */
static bool
set_key_checks(MysqlTarget *target, Failure *failure)
{
	static const char words[] = "SET SESSION foreign_key_checks = 1";

	return !target->keys_act || mysql_real_query(target->mysql, words, sizeof words - 1) == 0 ||
		   target_failed(target->mysql, words, failure);
}

/* statement: whose session is to be taken on, of a MySQL source; else NULL. */
static bool
run_ddl(MysqlTarget *target, DdlPlan *plan, const char *id, const DbsDdl *statement, Failure *failure)
{
	DdlPlace place = {.mysql = target->mysql,
					  .conn = target->in.conn,
					  .stop_fd = target->stop_fd,
					  .stream_id = target->in.stream_id,
					  .flavour = target->flavour,
					  .database = target->config->target.database,
					  .key = target->key,
					  .position = target->position,
					  .step = target->step};
	char within[DDL_ID_SIZE];

	mysql_ddl_step_id(target->step, within);
	if (strcmp(within, id) != 0)
	{
		char step[PROGRESS_STEP_SIZE];

		/* What comes before it in its transaction is committed with those that came before that. */
		mysql_ddl_step_before(id, step);
		if (!ensure_open(target, failure) || !commit_at(target, step, failure))
			return false;
	}
	if (statement != NULL && !relay_ddl_session(target->mysql, statement, failure))
		return false;
	return mysql_ddl_run(&place, plan, failure);
}

static bool
on_ddl(MysqlTarget *target, DbsString content, Failure *failure)
{
	DdlPlace place = {.conn = target->in.conn,
					  .stop_fd = target->stop_fd,
					  .stream_id = target->in.stream_id,
					  .flavour = target->flavour};
	char id[DDL_ID_SIZE], within[DDL_ID_SIZE];
	DdlPlan *plan;
	bool ok;

	if (!mysql_ddl_id(content.data, content.size, id))
		return true;
	if (target->passing)
	{
		mysql_ddl_step_id(target->step, within);
		if (strcmp(within, id) != 0)
			return true;
		target->passing = false;
		if (mysql_ddl_step_done(target->step))
			return true;
	}
	plan = mysql_ddl_plan(&place, content.data, content.size, failure);
	if (plan == NULL)
		return false;
	mysql_ddl_step_id(target->step, within);
	ok = (!mysql_ddl_concerns(plan) && strcmp(within, id) != 0) || run_ddl(target, plan, id, NULL, failure);
	mysql_ddl_plan_free(plan);
	return ok;
}

static bool
on_logical_message(MysqlTarget *target, DbsReader *reader, Failure *failure)
{
	DbsLogicalMessage message;

	if (!dbs_get_logical_message(reader, &message))
		return malformed(reader, failure);
	if (message.prefix.size != sizeof DDL_MESSAGE_PREFIX - 1 ||
		memcmp(message.prefix.data, DDL_MESSAGE_PREFIX, message.prefix.size) != 0)
		return definition_message_take(target->in.conn, &message, target->in.stream, target->in.stream_id,
									   target->in.generation, target->stop_fd, failure);
	return on_ddl(target, message.content, failure);
}

/* The session is the source's for the time of the statement. */
static bool
carry_statement(void *context, const DbsDdl *ddl, PGresult *rows, Failure *failure)
{
	static const char clock[] = "SET SESSION timestamp = DEFAULT, time_zone = '+00:00'";
	MysqlTarget *target = context;
	char id[DDL_ID_SIZE], schema[256];
	DdlPlan *plan;
	bool ok;

	snprintf(id, sizeof id, "%s", target->reached);
	snprintf(schema, sizeof schema, "%.*s", (int) ddl->default_schema.size, ddl->default_schema.data);
	plan = mysql_ddl_plan_relay(id, schema, rows, failure);
	if (plan == NULL)
		return false;
	/* What came before is committed first: its literals are those of the pinned session. */
	ok = run_ddl(target, plan, id, ddl, failure) && pin_session(target->mysql, failure) &&
		 (mysql_real_query(target->mysql, clock, sizeof clock - 1) == 0 ||
		  target_failed(target->mysql, clock, failure)) &&
		 set_key_checks(target, failure);
	mysql_ddl_plan_free(plan);
	return ok;
}

/* Is the statement behind the step of the target's position? Then what comes after it is not. */
static bool
is_passed(MysqlTarget *target)
{
	char within[DDL_ID_SIZE];

	if (!target->passing)
		return false;
	mysql_ddl_step_id(target->step, within);
	if (strcmp(within, target->reached) != 0)
		return true;
	target->passing = false;
	return mysql_ddl_step_done(target->step);
}

/* A statement of a MySQL source: its reader has told its position right before it. */
static bool
on_statement(MysqlTarget *target, DbsReader *reader, Failure *failure)
{
	RelayPlace place = {.conn = target->in.conn,
						.stream_id = target->in.stream_id,
						.stop_fd = target->stop_fd,
						.config = target->config,
						.position = target->reached,
						.alike = target->source_flavour == target->flavour,
						.truncate = delete_all,
						.carry = carry_statement,
						.context = target};

	return is_passed(target) || relay_ddl(&place, reader, failure);
}

static bool
on_hello(MysqlTarget *target, DbsReader *reader, Failure *failure)
{
	DbsHello hello;

	if (!dbs_get_hello(reader, &hello))
		return malformed(reader, failure);
	target->source_flavour = hello.source_kind.size == 7 && memcmp(hello.source_kind.data, "mariadb", 7) == 0
								 ? FLAVOUR_MARIADB
								 : FLAVOUR_MYSQL;
	target->keys_act = target->config->relay && (hello.flags & DBS_HELLO_CASCADES_LOGGED) == 0;
	return set_key_checks(target, failure);
}

static bool
on_message(MysqlTarget *target, const DbsMessage *message, Failure *failure)
{
	DbsReader reader;

	dbs_reader_init(&reader, message);
	switch (message->type)
	{
		case DBS_MESSAGE_HELLO:
			return on_hello(target, &reader, failure);
		case DBS_MESSAGE_MESSAGE:
			return on_logical_message(target, &reader, failure);
		case DBS_MESSAGE_BEGIN:
			target->in_source = true;
			return true;
		case DBS_MESSAGE_TABLE:
			return on_table(target, message, failure);
		case DBS_MESSAGE_ROWS:
			return on_rows(target, &reader, failure);
		case DBS_MESSAGE_TRUNCATE:
			return on_truncate(target, &reader, failure);
		case DBS_MESSAGE_COMMIT:
			return on_commit(target, &reader, failure);
		case DBS_MESSAGE_HEARTBEAT:
			return on_heartbeat(target, &reader, failure);
		case DBS_MESSAGE_DDL:
			return on_statement(target, &reader, failure);
		default:
			return failure_set(failure, FAILURE_FATAL, "internal", "Install a bridge that matches the extension.",
							   "message type %d is not known to this target", (int) message->type);
	}
}

/* A batch holds whole messages. */
static bool
apply_batch(MysqlTarget *target, OutboxBatch *batch, Failure *failure)
{
	size_t at = 0;

	while (at < batch->size)
	{
		DbsMessage message;
		const char *error = NULL;
		size_t needed;
		size_t size = dbs_message_next(batch->data + at, batch->size - at, &message, &needed, &error);

		if (size == 0 || size == SIZE_MAX)
			return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a batch is malformed: %s",
							   error != NULL ? error : "a message is cut off");
		if (!on_message(target, &message, failure))
			return false;
		at += size;
	}
	return true;
}

/* ---- the loop ---- */

static bool
told_to_stop(const MysqlTarget *target)
{
	struct pollfd fd = {target->stop_fd, POLLIN, 0};

	return outbox_stopping(target->in.outbox) || poll(&fd, 1, 0) > 0;
}

static void
wait_for_work(MysqlTarget *target)
{
	struct pollfd fds[2] = {{outbox_wake_fd(target->in.outbox), POLLIN, 0}, {target->stop_fd, POLLIN, 0}};

	if (!outbox_prepare_wait(target->in.outbox))
		return;
	(void) poll(fds, 2, IDLE_MS);
	outbox_end_wait(target->in.outbox);
}

/* Nothing is waiting, but more is coming: leave the transaction open a little longer. True when it waited. */
static bool
hold(const MysqlTarget *target)
{
	struct pollfd fd = {target->stop_fd, POLLIN, 0};

	if (!target->open || target->urgent || target->last_group < BUSY_TRANSACTIONS || target->group == 0 ||
		clock_now_ms() - target->opened_ms >= HOLD_MS)
		return false;
	(void) poll(&fd, 1, 1);
	return true;
}

static bool
apply(MysqlTarget *target, Failure *failure)
{
	while (!told_to_stop(target))
	{
		OutboxBatch *batch = outbox_take(target->in.outbox);
		bool ok;

		if (batch == NULL)
		{
			if (!target->in_source && hold(target))
				continue;
			if (!target->in_source && !commit(target, failure))
				return false;
			if (!tell_postgres(target, failure))
				return false;
			if (outbox_finished(target->in.outbox) && outbox_drained(target->in.outbox))
				return true;
			wait_for_work(target);
			continue;
		}
		ok = apply_batch(target, batch, failure);
		outbox_release(target->in.outbox, batch);
		if (!ok)
			return false;
		/* A report also shows that the claim is still ours. */
		if (!tell_postgres(target, failure))
			return false;
	}
	return true;
}

static bool
target_run(Target *base, Failure *failure)
{
	MysqlTarget *target = (MysqlTarget *) base;

	if (apply(target, failure))
		return true;
	/* What the fast way cannot settle, the next session does. */
	if (target->conflicts != NULL && !target->careful && strcmp(failure->code, "conflict") == 0)
	{
		failure->class = FAILURE_RETRY;
		snprintf(failure->code, sizeof failure->code, FAILURE_CODE_CONFLICT_MET);
	}
	if (failure->position[0] == '\0')
		snprintf(failure->position, sizeof failure->position, "%s",
				 target->reached[0] != '\0' ? target->reached : target->position);
	return false;
}

static bool
target_applied(const Target *base)
{
	return ((const MysqlTarget *) base)->applied;
}

/* Whatever is open at the target is rolled back with its connection; the PostgreSQL connection has no call under way.
 */
static bool
target_settle(Target *base, int timeout_ms)
{
	return true;
}

static const TargetOps mysql_target_ops = {
	.run = target_run,
	.applied = target_applied,
	.settle = target_settle,
	.free = target_free,
};
