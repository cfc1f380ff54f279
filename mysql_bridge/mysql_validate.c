/*
 * validate_stream at a MySQL or MariaDB source: see mysql_validate.h.
 *
 * Privileges are tried rather than read from SHOW GRANTS: roles, proxies and wildcards make the text an unsure guide.
 */
#include "mysql_validate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <strings.h>

#include "binlog_connection.h"
#include "binlog_start.h"
#include "client_library.h"
#include "mysql_connection.h"
#include "mysql_increment.h"
#include "mysql_server.h"
#include "pattern.h"
#include "snapshot_position.h"
#include "table_cache.h"

/* Tables named one by one in warnings; the rest is a count. */
#define MAX_NAMED_TABLES 20

typedef struct Validation
{
	const StreamConfig *config;
	MYSQL *mysql;
	MysqlServer server;
	CheckSink sink;
	void *context;
	char connection[256]; /* "connection shop" */
} Validation;

static void report(Validation *validation, const char *name, const char *object, const char *status, const char *remedy,
				   const char *format, ...) __attribute__((format(printf, 6, 7)));

static void
report(Validation *validation, const char *name, const char *object, const char *status, const char *remedy,
	   const char *format, ...)
{
	Check check = {.name = name, .status = status};
	va_list arguments;

	snprintf(check.object, sizeof check.object, "%s", object);
	snprintf(check.remedy, sizeof check.remedy, "%s", remedy);
	va_start(arguments, format);
	vsnprintf(check.detail, sizeof check.detail, format, arguments);
	va_end(arguments);
	validation->sink(validation->context, &check);
}

/* A question that the server refused is a failed check of its own. */
static void
report_failure(Validation *validation, const char *name, const char *object, const char *remedy, const Failure *failure)
{
	report(validation, name, object, "failed", remedy != NULL ? remedy : failure->hint, "%.500s", failure->message);
}

/* NULL and a reported check when it cannot be asked; an empty string when the server does not have the variable. */
static char *
variable(Validation *validation, const char *check, const char *name)
{
	Failure failure = {0};
	char *value;

	if (!mysql_server_variable(validation->mysql, name, &value, &failure))
	{
		report_failure(validation, check, validation->connection, NULL, &failure);
		return NULL;
	}
	return value != NULL ? value : strdup("");
}

static void
check_connection(Validation *validation)
{
	const char *cipher = client_library_cipher(validation->mysql);

	report(validation, "connection", validation->connection, "ok", "", "%s %s",
		   validation->server.flavour == FLAVOUR_MARIADB ? "MariaDB" : "MySQL", validation->server.version);
	if (cipher != NULL)
		report(validation, "tls", validation->connection, "ok", "", "encrypted with %s", cipher);
	else if (validation->config->source.socket != NULL && validation->config->source.socket[0] != '\0')
		report(validation, "tls", validation->connection, "ok", "", "a local socket");
	else
		report(validation, "tls", validation->connection, "warning",
			   "Set ssl_mode to REQUIRED or stronger, and TLS up at the source.",
			   "rows travel without encryption between the source and the bridge");
}

typedef struct Setting
{
	const char *name;
	const char *wanted;
	const char *alternative; /* as good as wanted; may be NULL */
	const char *remedy;
	const char *missing; /* when the server does not have it: NULL means that is fine */
} Setting;

static const Setting settings[] = {
	{"log_bin", "1", "ON", "Start the source with log_bin set (in its configuration file; needs a restart).", NULL},
	{"binlog_format", "ROW", NULL,
	 "SET GLOBAL binlog_format = 'ROW'; sessions that are open keep theirs until they reconnect.", NULL},
	{"binlog_row_metadata", "FULL", NULL, "SET GLOBAL binlog_row_metadata = 'FULL';",
	 "MySQL 8.0.1 or MariaDB 10.5 at least is needed: older servers do not log the names of columns."},
	{"binlog_row_value_options", "", NULL, "SET GLOBAL binlog_row_value_options = '';", NULL},
};

static void
check_settings(Validation *validation)
{
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
	{
		const Setting *setting = &settings[i];
		char *value = variable(validation, setting->name, setting->name);

		if (value == NULL)
			continue;
		if (value[0] == '\0' && setting->missing != NULL)
			report(validation, setting->name, validation->connection, "failed", setting->missing,
				   "the server does not have %s", setting->name);
		else if (strcasecmp(value, setting->wanted) == 0 ||
				 (setting->alternative != NULL && strcasecmp(value, setting->alternative) == 0) ||
				 (value[0] == '\0' && strcmp(setting->name, "binlog_format") == 0))
			report(validation, setting->name, validation->connection, "ok", "", "%s is \"%s\"", setting->name, value);
		else
			report(validation, setting->name, validation->connection, "failed", setting->remedy, "%s is \"%s\"",
				   setting->name, value);
		free(value);
	}
}

static void
check_row_image(Validation *validation)
{
	char *value = variable(validation, "binlog_row_image", "binlog_row_image");

	if (value == NULL)
		return;
	report(validation, "binlog_row_image", validation->connection, "ok", "", "binlog_row_image is \"%s\"%s", value,
		   strcasecmp(value, "FULL") == 0 ? "" : ": columns that the log leaves out stay as they are at the target");
	free(value);
}

static void
check_gtids(Validation *validation)
{
	if (validation->server.gtids)
		report(validation, "gtid", validation->connection, "ok", "", "every transaction has a GTID");
	else if (validation->config->follow == FOLLOW_GTID)
		report(validation, "gtid", validation->connection, "failed",
			   "Set gtid_mode=ON at the source, or the stream's option \"follow\" to \"auto\".",
			   "the stream is to follow by GTID, but gtid_mode is not ON");
	else
		report(validation, "gtid", validation->connection, "ok", "",
			   "gtid_mode is not ON: the stream follows by file and offset, and cannot go on at another server");
}

/* How a backfill would find its position, and why so. */
static void
check_backfill(Validation *validation)
{
	SnapshotMethod method = snapshot_position_method(&validation->server, validation->config);

	report(validation, "backfill", validation->connection, "ok", "", "%s", snapshot_method_sentence(method));
}

static void
check_expiry(Validation *validation)
{
	/* Seconds where the server has them, else days; 0 is for ever. */
	char *seconds = variable(validation, "binlog_expiry", "binlog_expire_logs_seconds");
	char *days =
		seconds != NULL && seconds[0] == '\0' ? variable(validation, "binlog_expiry", "expire_logs_days") : NULL;
	double time = -1;

	if (seconds != NULL && seconds[0] != '\0')
		time = strtod(seconds, NULL);
	else if (days != NULL && days[0] != '\0')
		time = strtod(days, NULL) * 86400;
	if (time > 0 && time < 86400)
		report(validation, "binlog_expiry", validation->connection, "warning",
			   "SET GLOBAL binlog_expire_logs_seconds = 604800; (older servers: expire_logs_days)",
			   "the source keeps its log for %.1f hours: a stream that stands still longer cannot go on", time / 3600);
	else if (time >= 0)
		report(validation, "binlog_expiry", validation->connection, "ok", "", "the source keeps its log for %s",
			   time == 0 ? "as long as nobody purges it" : "a day or more");
	free(seconds);
	free(days);
}

static void
check_server_id(Validation *validation)
{
	char *value = variable(validation, "server_id", "server_id");
	uint32_t ours = binlog_connection_server_id(validation->config);
	unsigned long theirs;

	if (value == NULL)
		return;
	theirs = strtoul(value, NULL, 10);
	free(value);
	if (theirs == 0)
		report(validation, "server_id", validation->connection, "failed", "SET GLOBAL server_id = 1;",
			   "the source's server_id is 0: it refuses readers");
	else if (theirs == ours)
		report(validation, "server_id", validation->connection, "failed",
			   "Set the stream's option \"server_id\" to a number that nobody else has.",
			   "the stream's server_id %u is the source's own", (unsigned) ours);
	else
		report(validation, "server_id", validation->connection, "ok", "", "the bridge reads as server %u%s",
			   (unsigned) ours, validation->config->server_id == 0 ? " (chosen by itself)" : "");
}

/* Begin to read the log where it ends now, as the stream would. */
static void
check_replication(Validation *validation)
{
	const char *user = validation->config->source.user != NULL ? validation->config->source.user : "";
	StartPoint now = {.kind = "now", .position = "", .gtid_set = ""};
	BinlogStart start = {0};
	BinlogConnection *log = NULL;
	StreamConfig asking;
	Failure failure = {0};
	const uint8_t *event;
	size_t size;
	char remedy[512];

	if (!binlog_start_find(validation->config, &now, validation->mysql, &validation->server, &start, &failure))
	{
		snprintf(remedy, sizeof remedy, "GRANT %s ON *.* TO '%.100s'@'%%';",
				 validation->server.flavour == FLAVOUR_MARIADB ? "BINLOG MONITOR" : "REPLICATION CLIENT", user);
		report_failure(validation, "replication_client", validation->connection,
					   strcmp(failure.code, "privilege_missing") == 0 ? remedy : NULL, &failure);
		binlog_start_clear(&start);
		return;
	}
	report(validation, "replication_client", validation->connection, "ok", "", "the log ends at %.255s:%" PRIu64 " now",
		   start.place.file, start.place.point.offset);

	/* With an id of its own: the source throws out a reader whose id another one uses, and the stream may be running.
	 */
	asking = *validation->config;
	asking.server_id = UINT32_C(0x80000000) | (uint32_t) getpid();
	log = binlog_connection_open(&asking, &validation->server, &start, &failure);
	if (log != NULL && binlog_connection_next(log, &event, &size, &failure))
		report(validation, "replication_slave", validation->connection, "ok", "", "the server sends its log");
	else
	{
		bool denied =
			strcmp(failure.code, "privilege_missing") == 0 || strcmp(failure.code, "source_access_denied") == 0;

		snprintf(remedy, sizeof remedy, "GRANT REPLICATION SLAVE ON *.* TO '%.100s'@'%%';", user);
		report_failure(validation, "replication_slave", validation->connection, denied ? remedy : NULL, &failure);
	}
	binlog_connection_close(log);
	binlog_start_clear(&start);
}

/* ---- tables ---- */

typedef struct TableCounts
{
	size_t matched;
	size_t unreadable;
	size_t without_key;
	size_t not_transactional;
} TableCounts;

/* An identifier between backticks. */
static void
put_identifier(char *to, size_t room, const char *name)
{
	size_t used = 0;

	to[used++] = '`';
	for (; *name != '\0' && used + 3 < room; name++)
	{
		if (*name == '`')
			to[used++] = '`';
		to[used++] = *name;
	}
	to[used++] = '`';
	to[used] = '\0';
}

static void
check_table(Validation *validation, const char *schema, const char *name, const char *engine, bool has_key,
			TableCounts *counts)
{
	char object[256];
	char schema_quoted[140];
	char name_quoted[140];
	char query[340];
	char remedy[512];
	Failure failure = {0};

	counts->matched++;
	snprintf(object, sizeof object, "%s.%s", schema, name);
	put_identifier(schema_quoted, sizeof schema_quoted, schema);
	put_identifier(name_quoted, sizeof name_quoted, name);
	snprintf(query, sizeof query, "SELECT 1 FROM %s.%s LIMIT 0", schema_quoted, name_quoted);
	if (!mysql_connection_execute(validation->mysql, query, &failure) && counts->unreadable++ < MAX_NAMED_TABLES)
	{
		snprintf(remedy, sizeof remedy, "GRANT SELECT ON %s.%s TO '%.100s'@'%%';", schema_quoted, name_quoted,
				 validation->config->source.user != NULL ? validation->config->source.user : "");
		report_failure(validation, "select", object, remedy, &failure);
	}
	if (!has_key && counts->without_key++ < MAX_NAMED_TABLES)
		report(validation, "primary_key", object, "warning",
			   "Add a primary key, or expect updates and deletes of this table to search for their row.",
			   "the table has no primary key: its rows are found by all their values");
	if (strcasecmp(engine, "InnoDB") != 0 && strcasecmp(engine, "ROCKSDB") != 0 &&
		counts->not_transactional++ < MAX_NAMED_TABLES)
		report(validation, "engine", object, "warning", "ALTER TABLE … ENGINE = InnoDB;",
			   "the engine %.60s is not transactional: a statement that fails half-way leaves changes behind", engine);
}

/* STATISTICS and not TABLE_CONSTRAINTS, which a user with SELECT alone finds empty. */
static const char tables_query[] =
	"SELECT t.TABLE_SCHEMA, t.TABLE_NAME, COALESCE(t.ENGINE, ''), s.INDEX_NAME IS NOT NULL "
	"FROM information_schema.TABLES t LEFT JOIN information_schema.STATISTICS s "
	"ON s.TABLE_SCHEMA = t.TABLE_SCHEMA AND s.TABLE_NAME = t.TABLE_NAME AND s.INDEX_NAME = 'PRIMARY' "
	"AND s.SEQ_IN_INDEX = 1 WHERE t.TABLE_TYPE = 'BASE TABLE' "
	"AND t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')";

static void
check_tables(Validation *validation)
{
	const char *const *patterns = (const char *const *) validation->config->tables;
	TableCounts counts = {0};
	Failure failure = {0};
	MYSQL_RES *result = NULL;
	MYSQL_ROW row;

	if (mysql_real_query(validation->mysql, tables_query, sizeof tables_query - 1) == 0)
		result = mysql_store_result(validation->mysql);
	if (result == NULL)
	{
		mysql_connection_failed(validation->mysql, "listing tables", &failure);
		report_failure(validation, "tables", validation->connection, NULL, &failure);
		return;
	}
	while ((row = mysql_fetch_row(result)) != NULL)
		if (row[0] != NULL && row[1] != NULL && !table_name_is_own(row[1]) &&
			dbs_pattern_selects(patterns, row[0], strlen(row[0]), row[1], strlen(row[1])))
			check_table(validation, row[0], row[1], row[2] != NULL ? row[2] : "", row[3] != NULL && row[3][0] == '1',
						&counts);
	mysql_free_result(result);
	if (counts.matched == 0)
		report(validation, "tables", validation->connection, "warning",
			   "Check the stream's patterns (schema.table, case matters), and GRANT SELECT on the tables: a user sees "
			   "only those.",
			   "no table that the user can see matches the stream's patterns");
	else
		report(validation, "tables", validation->connection, "ok", "", "%zu tables match", counts.matched);
	if (counts.without_key > MAX_NAMED_TABLES)
		report(validation, "primary_key", validation->connection, "warning", "Add primary keys.",
			   "%zu tables in all have no primary key", counts.without_key);
	if (counts.not_transactional > MAX_NAMED_TABLES)
		report(validation, "engine", validation->connection, "warning", "ALTER TABLE … ENGINE = InnoDB;",
			   "%zu tables in all are not transactional", counts.not_transactional);
	if (counts.unreadable > MAX_NAMED_TABLES)
		report(validation, "select", validation->connection, "failed", "GRANT SELECT on the schemas of the stream.",
			   "%zu tables in all cannot be read", counts.unreadable);
}

bool
mysql_validate(const StreamConfig *config, CheckSink sink, void *context, Failure *failure)
{
	Validation validation = {.config = config, .sink = sink, .context = context};
	Failure refused = {0};

	memset(failure, 0, sizeof *failure);
	snprintf(validation.connection, sizeof validation.connection, "connection %s", config->source.name);
	validation.mysql = mysql_connection_open_reading(&config->source, 30, &refused);
	if (validation.mysql == NULL || !mysql_server_probe(validation.mysql, &validation.server, &refused))
	{
		report_failure(&validation, "connection", validation.connection, NULL, &refused);
		if (validation.mysql != NULL)
			mysql_close(validation.mysql);
		return true;
	}
	check_connection(&validation);
	check_settings(&validation);
	check_row_image(&validation);
	check_gtids(&validation);
	check_backfill(&validation);
	check_expiry(&validation);
	check_server_id(&validation);
	check_replication(&validation);
	check_tables(&validation);
	if (!mysql_increment_check(validation.mysql, config, validation.connection, sink, context, &refused))
		report_failure(&validation, "auto_increment", validation.connection, NULL, &refused);
	mysql_close(validation.mysql);
	return true;
}
