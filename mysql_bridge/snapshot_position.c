/*
 * Positions that fit what a reader sees: see snapshot_position.h.
 *
 * A transaction is in the log before it is committed in the storage engine, so the log's end may hold transactions that
 * a read does not see yet. MariaDB takes both at once (START TRANSACTION WITH CONSISTENT SNAPSHOT and its status
 * variables binlog_snapshot_file and binlog_snapshot_position). MySQL adds a GTID to gtid_executed after the
 * engine's commit. And MySQL begins a new file of the log only when no transaction of the old one is still to be
 * committed, since its recovery after a crash looks into the last file alone.
 */
#include "snapshot_position.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

SnapshotMethod
snapshot_position_method(const MysqlServer *server, const StreamConfig *config)
{
	if (server->flavour == FLAVOUR_MARIADB)
		return SNAPSHOT_BY_SNAPSHOT;
	return server->gtids && config->follow != FOLLOW_FILE ? SNAPSHOT_BY_GTID : SNAPSHOT_BY_FILE;
}

const char *
snapshot_method_sentence(SnapshotMethod method)
{
	switch (method)
	{
		case SNAPSHOT_BY_SNAPSHOT:
			return "the log is read from the position of a consistent snapshot, which MariaDB gives without a lock";
		case SNAPSHOT_BY_GTID:
			return "the log is read from the GTIDs committed when the copy begins; no lock and no further privilege";
		default:
			return "the log is read from the start of its last file, since without GTIDs a later position would need a "
				   "lock; what was copied already is applied over itself";
	}
}

bool
snapshot_position_begin(MYSQL *sql, BinlogPlace *place, Failure *failure)
{
	static const char words[] = "SHOW STATUS LIKE 'binlog_snapshot_%'";
	MYSQL_RES *result = NULL;
	MYSQL_ROW row;
	char file[BINLOG_FILE_MAX] = "";
	unsigned long long offset = 0;

	if (!mysql_connection_execute(sql, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", failure) ||
		!mysql_connection_execute(sql, "START TRANSACTION WITH CONSISTENT SNAPSHOT", failure))
		return false;
	if (mysql_real_query(sql, words, sizeof words - 1) == 0)
		result = mysql_store_result(sql);
	if (result == NULL)
		return mysql_connection_failed(sql, words, failure);
	while ((row = mysql_fetch_row(result)) != NULL)
	{
		if (strcasecmp(row[0], "binlog_snapshot_file") == 0)
			snprintf(file, sizeof file, "%s", row[1]);
		else if (strcasecmp(row[0], "binlog_snapshot_position") == 0)
			offset = strtoull(row[1], NULL, 10);
	}
	mysql_free_result(result);
	if (file[0] == '\0')
		return failure_set(failure, FAILURE_REJECT, "source_setting", "Start the source with log_bin set.",
						   "the source does not say at which position of its log a snapshot is");
	return binlog_place_set(place, file, strlen(file), offset, failure);
}

static bool
start_by_snapshot(MYSQL *sql, BinlogPlace *place, char **gtid_set, Failure *failure)
{
	char query[BINLOG_FILE_MAX + 100];

	if (!snapshot_position_begin(sql, place, failure) || !mysql_connection_execute(sql, "ROLLBACK", failure))
		return false;

	/* A file's name has no quotes: it was checked to end in a number, and comes from the server. */
	snprintf(query, sizeof query, "SELECT BINLOG_GTID_POS('%s', %llu)", place->file,
			 (unsigned long long) place->point.offset);
	return mysql_connection_value(sql, query, gtid_set, failure);
}

bool
snapshot_position_start(MYSQL *sql, const MysqlServer *server, const StreamConfig *config, BinlogPlace *place,
						char **gtid_set, Failure *failure)
{
	SnapshotMethod method = snapshot_position_method(server, config);
	bool done;

	*gtid_set = NULL;
	if (method == SNAPSHOT_BY_SNAPSHOT)
		done = start_by_snapshot(sql, place, gtid_set, failure);
	else
	{
		done = mysql_server_log_end(sql, server, place, NULL, failure);
		place->point.offset = BINLOG_FIRST_OFFSET;
		if (done && method == SNAPSHOT_BY_GTID)
			done = mysql_connection_value(sql, "SELECT REPLACE(@@global.gtid_executed, '\\n', '')", gtid_set, failure);
	}
	if (done && (*gtid_set == NULL || config->follow == FOLLOW_FILE))
	{
		free(*gtid_set);
		*gtid_set = strdup("");
		done = *gtid_set != NULL || failure_set(failure, FAILURE_RETRY, "out_of_memory", "", "out of memory");
	}
	return done;
}

bool
snapshot_position_visible(MYSQL *sql, const MysqlServer *server, SourcePoint point, const char *gtid_set, bool *visible,
						  Failure *failure)
{
	static const char format[] = "SELECT GTID_SUBSET('%s', @@global.gtid_executed)";
	BinlogPlace place = {0};
	size_t room = strlen(gtid_set) + sizeof format;
	char *value = NULL;
	char *query;
	bool done;

	if (server->flavour == FLAVOUR_MARIADB)
	{
		if (!snapshot_position_begin(sql, &place, failure) || !mysql_connection_execute(sql, "ROLLBACK", failure))
			return false;
		*visible = source_point_compare(place.point, point) >= 0;
		return true;
	}
	*visible = true;
	if (gtid_set[0] == '\0')
		return true;
	query = malloc(room);
	if (query == NULL)
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", "", "out of memory");
	snprintf(query, room, format, gtid_set);
	done = mysql_connection_value(sql, query, &value, failure);
	*visible = value != NULL && value[0] == '1';
	free(value);
	free(query);
	return done;
}
