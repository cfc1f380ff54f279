/*
 * A MySQL or MariaDB server as a source: see mysql_server.h.
 */
#include "mysql_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Server error numbers */
#define SERVER_UNKNOWN_VARIABLE 1193
#define SERVER_SYNTAX 1064
#define SERVER_NO_BINARY_LOGGING 1381

bool
mysql_server_variable(MYSQL *mysql, const char *name, char **value, Failure *failure)
{
	char query[160];

	snprintf(query, sizeof query, "SELECT @@global.%s", name);
	if (mysql_connection_value(mysql, query, value, failure))
		return true;
	return mysql_errno(mysql) == SERVER_UNKNOWN_VARIABLE;
}

static bool
variable_is(MYSQL *mysql, const char *name, const char *wanted, bool *is, Failure *failure)
{
	char *value;

	if (!mysql_server_variable(mysql, name, &value, failure))
		return false;
	*is = value != NULL && strcasecmp(value, wanted) == 0;
	free(value);
	return true;
}

/*
 * MySQL 9.6 and later carry out foreign-key actions above the storage engine, and so log what they change, unless
 * innodb_native_foreign_keys is ON. Servers that do not have the variable leave those rows out.
 */
static bool
probe_cascades(MYSQL *mysql, MysqlServer *server, Failure *failure)
{
	return variable_is(mysql, "innodb_native_foreign_keys", "0", &server->cascades_logged, failure);
}

/* MySQL makes itself a name; MariaDB has its number only, which is unlike that of every other server it replicates
 * with. */
static bool
probe_identity(MYSQL *mysql, MysqlServer *server, Failure *failure)
{
	bool maria = server->flavour == FLAVOUR_MARIADB;
	char *value;

	if (!mysql_server_variable(mysql, maria ? "server_id" : "server_uuid", &value, failure))
		return false;
	snprintf(server->identity, sizeof server->identity, "%s %s", maria ? "server_id" : "server_uuid",
			 value != NULL ? value : "");
	free(value);
	return true;
}

bool
mysql_server_probe(MYSQL *mysql, MysqlServer *server, Failure *failure)
{
	char *version = NULL;
	unsigned major = 0;
	unsigned minor = 0;

	memset(server, 0, sizeof *server);
	server->flavour = mysql_connection_flavour(mysql);
	if (!mysql_connection_value(mysql, "SELECT @@global.version", &version, failure))
		return false;
	snprintf(server->version, sizeof server->version, "%s", version != NULL ? version : "");
	free(version);
	if (server->flavour == FLAVOUR_MARIADB)
	{
		server->gtids = true;
		if (sscanf(server->version, "%u.%u", &major, &minor) == 2)
			server->offsets_may_lack = major > 11 || (major == 11 && minor >= 4);
	}
	else if (!variable_is(mysql, "gtid_mode", "ON", &server->gtids, failure))
		return false;
	return probe_identity(mysql, server, failure) && probe_cascades(mysql, server, failure);
}

static bool
no_log(Failure *failure)
{
	return failure_set(failure, FAILURE_REJECT, "source_setting", "Start the source with log_bin set, and server_id.",
					   "the source writes no binary log (log_bin is OFF)");
}

bool
mysql_server_log_end(MYSQL *mysql, const MysqlServer *server, BinlogPlace *end, char **gtid_set, Failure *failure)
{
	/* Newer MySQL knows only the first, MariaDB and older MySQL only the second. */
	static const char *const words[] = {"SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"};
	int start = server->flavour == FLAVOUR_MYSQL ? 0 : 1;
	MYSQL_RES *result = NULL;
	MYSQL_ROW row;
	bool done = false;

	if (gtid_set != NULL)
		*gtid_set = NULL;
	for (int i = start; i < 2 && result == NULL; i++)
	{
		if (mysql_real_query(mysql, words[i], (unsigned long) strlen(words[i])) == 0)
			result = mysql_store_result(mysql);
		if (result == NULL && mysql_errno(mysql) == SERVER_NO_BINARY_LOGGING)
			return no_log(failure);
		if (result == NULL && (i == 1 || mysql_errno(mysql) != SERVER_SYNTAX))
			return mysql_connection_failed(mysql, words[i], failure);
	}
	row = mysql_fetch_row(result);
	if (row == NULL || row[0] == NULL || row[1] == NULL)
		no_log(failure);
	else
		done = binlog_place_set(end, row[0], strlen(row[0]), strtoull(row[1], NULL, 10), failure);
	if (done && gtid_set != NULL && server->flavour == FLAVOUR_MYSQL && mysql_num_fields(result) >= 5)
		*gtid_set = strdup(row[4] != NULL ? row[4] : "");
	mysql_free_result(result);
	if (done && gtid_set != NULL && server->flavour == FLAVOUR_MARIADB)
	{
		char query[BINLOG_FILE_MAX + 100];

		/* A file's name has no quotes: it was checked to end in a number, and comes from the server. */
		snprintf(query, sizeof query, "SELECT BINLOG_GTID_POS('%s', %llu)", end->file,
				 (unsigned long long) end->point.offset);
		done = mysql_connection_value(mysql, query, gtid_set, failure);
	}
	return done;
}

bool
mysql_server_log_files(MYSQL *mysql, BinlogFile **files, size_t *count, Failure *failure)
{
	static const char words[] = "SHOW BINARY LOGS";
	MYSQL_RES *result;
	MYSQL_ROW row;
	bool done = true;

	*files = NULL;
	*count = 0;
	if (mysql_real_query(mysql, words, sizeof words - 1) != 0 || (result = mysql_store_result(mysql)) == NULL)
	{
		if (mysql_errno(mysql) == SERVER_NO_BINARY_LOGGING)
			return no_log(failure);
		return mysql_connection_failed(mysql, words, failure);
	}
	*files = calloc((size_t) mysql_num_rows(result) + 1, sizeof **files);
	if (*files == NULL)
		done = failure_set(failure, FAILURE_RETRY, "out_of_memory", "", "out of memory");
	while (done && (row = mysql_fetch_row(result)) != NULL)
	{
		if (row[0] == NULL || row[1] == NULL)
			continue;
		done = binlog_place_set(&(*files)[*count].place, row[0], strlen(row[0]), strtoull(row[1], NULL, 10), failure);
		(*count)++;
	}
	mysql_free_result(result);
	if (done && *count == 0)
		done = no_log(failure);
	if (!done)
	{
		free(*files);
		*files = NULL;
	}
	return done;
}
