/*
 * Slots and their snapshots: see postgres_snapshot.h.
 */
#include "postgres_snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres_connection.h"

#define QUERY_TIMEOUT_MS 60000
/* Making a slot waits for every transaction that is open. */
#define CREATE_TIMEOUT_MS 3600000

void
postgres_lsn_format(uint64_t lsn, char out[LSN_TEXT_SIZE])
{
	snprintf(out, LSN_TEXT_SIZE, "%X/%X", (unsigned) (lsn >> 32), (unsigned) lsn);
}

bool
postgres_lsn_parse(const char *text, uint64_t *lsn)
{
	unsigned high, low;

	if (sscanf(text, "%8X/%8X", &high, &low) != 2)
		return false;
	*lsn = (uint64_t) high << 32 | low;
	return true;
}

static PGresult *
query(PGconn *conn, const char *sql, int stop_fd, Failure *failure)
{
	return postgres_connection_query(conn, sql, -1, NULL, stop_fd, QUERY_TIMEOUT_MS, failure);
}

/* A copy of the first field of the first row; NULL when there is none, with failure->class NONE. */
static char *
query_value(PGconn *conn, const char *sql, int stop_fd, Failure *failure)
{
	PGresult *result = query(conn, sql, stop_fd, failure);
	char *value = NULL;

	if (result == NULL)
		return NULL;
	failure->class = FAILURE_NONE;
	if (PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
		value = strdup(PQgetvalue(result, 0, 0));
	PQclear(result);
	return value;
}

PGconn *
postgres_snapshot_connect(const char *conninfo, const char *stream, int stop_fd, Failure *failure)
{
	static const char settings[] = "SET wal_sender_timeout = 0; SET tcp_keepalives_idle = 30;"
								   " SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3";
	PGconn *conn = postgres_connection_open_replication(conninfo, stream, stop_fd, failure);
	PGresult *result;

	if (conn == NULL)
	{
		if (strstr(failure->message, "permission denied") != NULL ||
			strstr(failure->message, "must be superuser") != NULL)
		{
			failure->class = FAILURE_REJECT;
			snprintf(failure->code, sizeof failure->code, "no_privilege_replication");
			snprintf(failure->hint, sizeof failure->hint, "ALTER ROLE the bridge's role REPLICATION.");
		}
		return NULL;
	}
	/* While the target takes nothing, this side reads nothing, and must not be taken for dead. */
	result = query(conn, settings, stop_fd, failure);
	if (result == NULL)
	{
		PQfinish(conn);
		return NULL;
	}
	PQclear(result);
	return conn;
}

bool
postgres_slot_lost(const char *name, const char *how, Failure *failure)
{
	return failure_set(
		failure, FAILURE_REJECT, "slot_lost",
		"Changes were made that the target will never see: dbstream.resync_stream() makes a new slot and "
		"copies the tables anew.",
		"replication slot \"%s\" %s", name, how);
}

bool
postgres_slot_look(PGconn *conn, const char *name, int stop_fd, PostgresSlot *slot, Failure *failure)
{
	char sql[600];
	PGresult *result;

	memset(slot, 0, sizeof *slot);
	snprintf(
		sql, sizeof sql,
		"SELECT pg_catalog.pg_current_wal_flush_lsn(), s.plugin, coalesce(s.wal_status, ''), s.confirmed_flush_lsn "
		"FROM (SELECT 1) one LEFT JOIN pg_catalog.pg_replication_slots s ON s.slot_name = '%s'",
		name);
	result = query(conn, sql, stop_fd, failure);
	if (result == NULL)
		return false;
	snprintf(slot->log_end, sizeof slot->log_end, "%s", PQgetvalue(result, 0, 0));
	slot->there = !PQgetisnull(result, 0, 1);
	slot->foreign = slot->there && strcmp(PQgetvalue(result, 0, 1), "dbstream") != 0;
	slot->lost = strcmp(PQgetvalue(result, 0, 2), "lost") == 0;
	snprintf(slot->confirmed, sizeof slot->confirmed, "%s", PQgetvalue(result, 0, 3));
	PQclear(result);
	if (slot->foreign)
		return failure_set(failure, FAILURE_REJECT, "slot_taken", "Drop or rename that slot.",
						   "replication slot \"%s\" belongs to something else", name);
	return true;
}

/* Said before the server says it, in words that name the remedy. */
static bool
check_settings(PGconn *conn, int stop_fd, Failure *failure)
{
	char *level = query_value(conn, "SHOW wal_level", stop_fd, failure);
	char *plugins;
	bool ok = failure->class == FAILURE_NONE;

	if (ok && (level == NULL || strcmp(level, "logical") != 0))
		ok = failure_set(failure, FAILURE_REJECT, "wal_level", "Set wal_level = logical and restart PostgreSQL.",
						 "wal_level is %s: nothing can be decoded from its log", level != NULL ? level : "unknown");
	free(level);
	if (!ok)
		return false;
	plugins = query_value(conn, "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'output_plugin_libraries'",
						  stop_fd, failure);
	ok = failure->class == FAILURE_NONE;
	if (ok && plugins != NULL && strstr(plugins, "dbstream") == NULL)
		ok = failure_set(failure, FAILURE_REJECT, "output_plugin_libraries",
						 "Add dbstream to output_plugin_libraries in postgresql.conf and reload it.",
						 "output_plugin_libraries does not list dbstream, so this server refuses the output plugin");
	free(plugins);
	return ok;
}

bool
postgres_slot_create(PGconn *conn, const char *name, bool temporary, bool exports, int stop_fd,
					 PostgresSnapshot *snapshot, Failure *failure)
{
	char sql[256];
	PGresult *result;

	memset(snapshot, 0, sizeof *snapshot);
	if (!check_settings(conn, stop_fd, failure))
		return false;
	/* A server that fails over takes the slot along, where it can. */
	snprintf(sql, sizeof sql, "CREATE_REPLICATION_SLOT \"%s\"%s LOGICAL dbstream (SNAPSHOT '%s'%s)", name,
			 temporary ? " TEMPORARY" : "", exports ? "export" : "nothing",
			 !temporary && PQserverVersion(conn) >= 170000 ? ", FAILOVER" : "");
	result = postgres_connection_query(conn, sql, -1, NULL, stop_fd, CREATE_TIMEOUT_MS, failure);
	if (result == NULL)
		return false;
	if (PQntuples(result) == 1 && PQnfields(result) >= 3)
	{
		snprintf(snapshot->position, sizeof snapshot->position, "%s", PQgetvalue(result, 0, 1));
		snprintf(snapshot->name, sizeof snapshot->name, "%s", PQgetvalue(result, 0, 2));
	}
	PQclear(result);
	return snapshot->position[0] != '\0' ||
		   failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "the new slot has no position");
}
