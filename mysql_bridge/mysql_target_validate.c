/*
 * validate_stream at a MySQL or MariaDB target.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mysql_increment.h"
#include "mysql_progress.h"
#include "mysql_server.h"
#include "mysql_target.h"
#include "mysql_target_tables.h"
#include "target_failure.h"

#define SMALL_PACKET (16ULL * 1024 * 1024)

typedef struct Validation
{
	const StreamConfig *config;
	MYSQL *mysql;
	CheckSink sink;
	void *context;
} Validation;

static void put(const Validation *v, const char *name, const char *status, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static void
put(const Validation *v, const char *name, const char *status, const char *remedy, const char *format, ...)
{
	Check check = {.name = name, .status = status};
	va_list arguments;

	snprintf(check.object, sizeof check.object, "connection %s", v->config->target.name);
	snprintf(check.remedy, sizeof check.remedy, "%s", remedy);
	va_start(arguments, format);
	(void) vsnprintf(check.detail, sizeof check.detail, format, arguments);
	va_end(arguments);
	v->sink(v->context, &check);
}

/* Statements that change no row, and need the rights that a session's need. */
static bool
try_writing(const Validation *v, const char *database, Failure *failure)
{
	SqlBuffer sql = {0};
	bool ok = true;

	for (int i = 0; ok && i < 2; i++)
	{
		sql_buffer_text(&sql, i == 0 ? "UPDATE " : "INSERT INTO ");
		sql_buffer_name(&sql, database, strlen(database));
		sql_buffer_text(&sql, i == 0 ? ".dbstream_progress SET changes = changes WHERE stream_key = ''"
									 : ".dbstream_progress (stream_key, position, updated_at)"
									   " SELECT '', '', NOW(6) FROM (SELECT 1) s WHERE 1 = 0");
		ok = sql_buffer_ok(&sql) && (mysql_real_query(v->mysql, sql.data, (unsigned long) sql.used) == 0 ||
									 target_failed(v->mysql, "writing the table of positions", failure));
		sql_buffer_reset(&sql, 0);
	}
	sql_buffer_free(&sql);
	return ok;
}

/* The same statements as at the stream's start: what they need is what is needed. */
static void
check_progress(const Validation *v)
{
	Failure failure = {.class = FAILURE_NONE};
	const char *database = v->config->target.database;
	char position[64], step[PROGRESS_STEP_SIZE];
	MysqlTotals totals;

	if (mysql_progress_prepare(v->mysql, database, &failure) &&
		mysql_progress_read(v->mysql, database, "validate_stream", position, sizeof position, step, &totals,
							&failure) &&
		try_writing(v, database, &failure))
		put(v, "progress_table", "ok", "", "%s.dbstream_progress is there and can be written", database);
	else
		put(v, "progress_table", "failed",
			"GRANT CREATE, SELECT, INSERT, UPDATE on that database to the connection's user, or name another database "
			"in the connection's option database.",
			"%.400s", failure.message);
}

static bool
check_variable(const Validation *v, const char *variable, const char *wanted, const char *name, const char *remedy,
			   const char *otherwise, Failure *failure)
{
	char *value;

	if (!mysql_server_variable(v->mysql, variable, &value, failure))
		return false;
	if (value == NULL || strcasecmp(value, wanted) == 0)
		put(v, name, "ok", "", "%s is %s", variable, value != NULL ? value : "not known there");
	else
		put(v, name, otherwise, remedy, "%s is %s", variable, value);
	free(value);
	return true;
}

/* One statement holds at least one row. */
static bool
check_packet(const Validation *v, Failure *failure)
{
	char *value;
	unsigned long long size;

	if (!mysql_server_variable(v->mysql, "max_allowed_packet", &value, failure))
		return false;
	size = value != NULL ? strtoull(value, NULL, 10) : 0;
	put(v, "max_allowed_packet", size >= SMALL_PACKET ? "ok" : "warning",
		size >= SMALL_PACKET ? ""
							 : "SET PERSIST max_allowed_packet = 67108864 (on MariaDB SET GLOBAL, and in its "
							   "configuration), or more: four times the largest row.",
		"max_allowed_packet is %llu: a larger row stops the stream", size);
	free(value);
	return true;
}

bool
mysql_target_validate(const StreamConfig *config, const char *row, CheckSink sink, void *context, Failure *failure)
{
	/* With its sql_mode and all that a session of the stream has. */
	Validation v = {config, mysql_target_connect(&config->target, failure), sink, context};
	MysqlServer server;
	char connection[200];
	bool ok;

	if (v.mysql == NULL)
		return false;
	put(&v, "sql_mode", "ok", "",
		"the stream's session has the strict sql_mode that it needs, whatever the server's is");
	ok = mysql_server_probe(v.mysql, &server, failure);
	if (ok)
		put(&v, "target_version", "ok", "", "%s %s", server.flavour == FLAVOUR_MARIADB ? "MariaDB" : "MySQL",
			server.version);
	ok = ok &&
		 check_variable(&v, "read_only", "0", "target_writable", "Choose the primary server.", "failed", failure) &&
		 check_variable(
			 &v, "innodb_flush_log_at_trx_commit", "1", "target_durability",
			 "Set innodb_flush_log_at_trx_commit = 1: otherwise a crash of the target's machine loses commits, "
			 "and the stream stops, since it sees that.",
			 "warning", failure) &&
		 check_variable(
			 &v, "local_infile", "1", "local_infile",
			 "SET PERSIST local_infile = ON (on MariaDB SET GLOBAL): many rows at once cost the target about a "
			 "third less.",
			 "warning", failure) &&
		 check_packet(&v, failure);
	snprintf(connection, sizeof connection, "connection %s", config->target.name);
	ok = ok && mysql_increment_check(v.mysql, config, connection, sink, context, failure);
	if (ok)
		check_progress(&v);
	ok = ok && mysql_target_tables_check(v.mysql, config, row, sink, context, failure);
	mysql_close(v.mysql);
	return ok;
}
