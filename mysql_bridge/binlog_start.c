/*
 * Where to begin reading: see binlog_start.h.
 *
 * A recorded set of GTIDs is always whole or empty, since resuming from a part of it would apply the rest twice.  Where
 * it cannot be known at the start (a file and offset given by hand), the file is read from its beginning and thrown
 * away up to the offset: its first event names what came before, and the way there proves that the offset is a
 * boundary.
 */
#include "binlog_start.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gtid_mariadb.h"
#include "gtid_mysql.h"

static bool
copy_text(char **to, const char *text, Failure *failure)
{
	free(*to);
	*to = strdup(text != NULL ? text : "");
	return *to != NULL || failure_out_of_memory(failure);
}

static bool
is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

/* The file must be there and reach as far as the offset: otherwise the server would say so less clearly, or not at all.
 */
static bool
check_file(MYSQL *mysql, const BinlogPlace *place, Failure *failure)
{
	BinlogFile *files;
	size_t count;
	const BinlogFile *found = NULL;
	bool done = true;

	if (!mysql_server_log_files(mysql, &files, &count, failure))
		return false;
	for (size_t i = 0; i < count && found == NULL; i++)
		if (strcmp(files[i].place.file, place->file) == 0)
			found = &files[i];
	if (found == NULL && place->point.file < files[0].place.point.file)
		done = failure_set(failure, FAILURE_REJECT, "binlog_purged",
						   "What the stream has not read yet is gone from the source. Copy the tables anew: drop the "
						   "stream, create it and start it; and raise binlog_expire_logs_seconds (MariaDB: "
						   "expire_logs_days) there.",
						   "the source has purged %s, where this stream goes on at %" PRIu64 "; its oldest file is %s",
						   place->file, place->point.offset, files[0].place.file);
	else if (found == NULL || place->point.offset > found->place.point.offset)
		done = failure_set(
			failure, FAILURE_REJECT, "source_diverged",
			"The server's log was reset, or it is another server. Copy the tables anew: drop the stream, "
			"create it and start it; or let the connection name the right server.",
			"the source does not have %s up to %" PRIu64 ", where this stream goes on; its log ends at "
			"%s:%" PRIu64,
			place->file, place->point.offset, files[count - 1].place.file, files[count - 1].place.point.offset);
	free(files);
	return done;
}

/* ---- by GTID ---- */

static bool
missing_at_server(const char *set, const char *executed, Failure *failure)
{
	return failure_set(
		failure, FAILURE_REJECT, "source_diverged",
		"If the server is a replica that lags behind, wait: the stream tries again. Otherwise its log was "
		"reset or it is another server: copy the tables anew (drop the stream, create it and start it).",
		"the source lacks transactions that are applied already: applied is \"%.300s\", the source has "
		"\"%.300s\"",
		set, executed);
}

/*
 * What has been applied must have come from this server's history, and the server must still have the rest. The server
 * checks some of that itself when the dump begins, but not that it knows our transactions at all.
 */
static bool
check_mysql_set(MYSQL *mysql, const MysqlServer *server, BinlogStart *start, Failure *failure)
{
	MysqlGtidSet *ours = mysql_gtid_set_new();
	MysqlGtidSet *executed = mysql_gtid_set_new();
	BinlogPlace end = {0};
	char *text = NULL;
	bool done;

	if (ours == NULL || executed == NULL)
		done = failure_out_of_memory(failure);
	else
		done = mysql_gtid_set_parse(ours, start->gtid_set, failure) &&
			   mysql_server_log_end(mysql, server, &end, &text, failure) &&
			   mysql_gtid_set_parse(executed, text != NULL ? text : "", failure);
	if (done && !mysql_gtid_set_is_subset(ours, executed))
		done = missing_at_server(start->gtid_set, text, failure);

	/* Nothing new at all: the server will send nothing, and not say so before its first heartbeat. */
	if (done && mysql_gtid_set_is_subset(executed, ours))
		start->all_read = end.point;
	free(text);
	mysql_gtid_set_free(ours);
	mysql_gtid_set_free(executed);
	return done;
}

static bool
check_mariadb_position(MYSQL *mysql, const MysqlServer *server, BinlogStart *start, Failure *failure)
{
	MariadbGtidPosition *ours = mariadb_gtid_position_new();
	MariadbGtidPosition *state = mariadb_gtid_position_new();
	BinlogPlace end = {0};
	char *text = NULL;
	bool done;

	if (ours == NULL || state == NULL)
		done = failure_out_of_memory(failure);
	else
		done = mariadb_gtid_position_parse(ours, start->gtid_set, failure) &&
			   mysql_server_log_end(mysql, server, &end, &text, failure) &&
			   mariadb_gtid_position_parse(state, text != NULL ? text : "", failure);
	if (done)
	{
		const char *a = mariadb_gtid_position_text(ours);
		const char *b = mariadb_gtid_position_text(state);

		if (a != NULL && b != NULL && strcmp(a, b) == 0)
			start->all_read = end.point;
	}
	free(text);
	mariadb_gtid_position_free(ours);
	mariadb_gtid_position_free(state);
	return done;
}

static bool
start_by_gtid(MYSQL *mysql, const MysqlServer *server, const StartPoint *point, BinlogStart *start, Failure *failure)
{
	if (!server->gtids)
		return failure_set(failure, FAILURE_REJECT, "gtid_unavailable",
						   "Set gtid_mode=ON at the source, or start by file and offset.",
						   "the source does not give every transaction a GTID (gtid_mode is not ON)");
	start->by_gtid = true;
	start->gtid_set_known = true;
	if (!copy_text(&start->gtid_set, point->gtid_set, failure))
		return false;
	return server->flavour == FLAVOUR_MYSQL ? check_mysql_set(mysql, server, start, failure)
											: check_mariadb_position(mysql, server, start, failure);
}

/* ---- by file ---- */

/* The protocol has 32 bits for the offset, so further in a file reading begins at its start as well. */
static bool
skip_from_start(BinlogStart *start)
{
	start->skip_to = start->place;
	start->place.point.offset = BINLOG_FIRST_OFFSET;
	start->gtid_set_known = false;
	free(start->gtid_set);
	start->gtid_set = NULL;
	return true;
}

static bool
start_by_file(MYSQL *mysql, const StartPoint *point, bool resume, BinlogStart *start, Failure *failure)
{
	if (!binlog_place_parse(&start->place, point->position, failure))
		return false;
	if (start->place.point.offset < BINLOG_FIRST_OFFSET)
		start->place.point.offset = BINLOG_FIRST_OFFSET;
	if (!check_file(mysql, &start->place, failure))
		return false;
	if (start->place.point.offset == BINLOG_FIRST_OFFSET)
		return true;
	if (!resume || start->place.point.offset > UINT32_MAX)
		return skip_from_start(start);
	start->gtid_set_known = !is_empty(point->gtid_set);
	return copy_text(&start->gtid_set, point->gtid_set, failure);
}

/* Another server's files have the same names and other contents. */
static bool
check_server(const StartPoint *point, const MysqlServer *server, Failure *failure)
{
	if (is_empty(point->server) || is_empty(point->position) || strcmp(point->server, server->identity) == 0)
		return true;
	return failure_set(
		failure, FAILURE_REJECT, "source_replaced",
		"Let the connection name the server that was followed. If this one has taken its place, find the "
		"place in its log that has the same behind it, and say so with dbstream.set_position(). Streams "
		"that follow by GTID do it by themselves (gtid_mode=ON and the option \"follow\" \"auto\").",
		"the stream follows by file and offset, and %s is a place in the log of another server: it was "
		"%s, this is %s",
		point->position, point->server, server->identity);
}

static bool
resume(const StreamConfig *config, MYSQL *mysql, const MysqlServer *server, const StartPoint *point, BinlogStart *start,
	   Failure *failure)
{
	bool by_gtid = config->follow != FOLLOW_FILE && server->gtids && !is_empty(point->gtid_set);

	if (config->follow == FOLLOW_GTID && !by_gtid)
		return failure_set(failure, FAILURE_REJECT, "gtid_unavailable",
						   "Set gtid_mode=ON at the source, or the stream's option \"follow\" to \"auto\".",
						   "the stream is to follow by GTID, but %s",
						   server->gtids ? "no GTIDs were recorded with its position"
										 : "the source does not give every transaction a GTID");
	if (!by_gtid)
		return check_server(point, server, failure) && start_by_file(mysql, point, true, start, failure);

	/* The recorded place stays the one to report until a transaction shows the server's own. */
	if (!is_empty(point->position) && !binlog_place_parse(&start->place, point->position, failure))
		return false;
	return start_by_gtid(mysql, server, point, start, failure);
}

static bool
find(const StreamConfig *config, const StartPoint *point, MYSQL *mysql, const MysqlServer *server, BinlogStart *start,
	 Failure *failure)
{
	if (strcmp(point->kind, "position") == 0)
		return resume(config, mysql, server, point, start, failure);
	if (strcmp(point->kind, "now") == 0)
	{
		if (!mysql_server_log_end(mysql, server, &start->place, &start->gtid_set, failure))
			return false;
		start->gtid_set_known = start->gtid_set != NULL;
		if (start->place.point.offset > UINT32_MAX)
			return skip_from_start(start);
		return true;
	}
	if (strcmp(point->kind, "earliest") == 0)
	{
		BinlogFile *files;
		size_t count;

		if (!mysql_server_log_files(mysql, &files, &count, failure))
			return false;
		start->place = files[0].place;
		start->place.point.offset = BINLOG_FIRST_OFFSET;
		free(files);
		return true;
	}
	if (strcmp(point->kind, "file") == 0)
		return start_by_file(mysql, point, false, start, failure);
	if (strcmp(point->kind, "gtid") == 0)
		return start_by_gtid(mysql, server, point, start, failure);
	return failure_set(failure, FAILURE_REJECT, "position_invalid",
					   "Start at \"now\", \"earliest\", a file and offset, or a GTID set.",
					   "\"%s\" is no way to say where to begin", point->kind);
}

/*
 * MySQL, asked by GTID, looks for the newest file that has all the set lacks, and so passes over transactions without a
 * GTID that lie between the recorded place and the day that gtid_mode was switched ON. A set may therefore be
 * recorded only where no such transaction can follow: with gtid_mode=ON, from where the log ended then.
 */
static bool
find_gtids_from(MYSQL *mysql, const MysqlServer *server, BinlogStart *start, Failure *failure)
{
	BinlogPlace end = {0};

	if (server->flavour == FLAVOUR_MARIADB || start->by_gtid || (server->gtids && start->gtid_set_known))
		return true;
	if (!server->gtids)
	{
		start->gtids_from.file = UINT64_MAX;
		return true;
	}
	if (!mysql_server_log_end(mysql, server, &end, NULL, failure))
		return false;
	start->gtids_from = end.point;
	return true;
}

bool
binlog_start_find(const StreamConfig *config, const StartPoint *point, MYSQL *mysql, const MysqlServer *server,
				  BinlogStart *start, Failure *failure)
{
	memset(start, 0, sizeof *start);
	return find(config, point, mysql, server, start, failure) && find_gtids_from(mysql, server, start, failure);
}
