#include "relay_ddl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binlog_place.h"
#include "log.h"
#include "postgres_connection.h"
#include "target_failure.h"

#define CALL_TIMEOUT_MS 30000
#define SHOWN 300
#define SERVER_BAD_DATABASE 1049
/* From 1970-01-01 to 2000-01-01, in microseconds. */
#define EPOCH_OFFSET (INT64_C(946684800) * 1000000)

/* What the extension says of the statement: see relay_ddl() in the control script. */
static PGresult *
judge(const RelayPlace *place, const DbsDdl *ddl, Failure *failure)
{
	char id[16], mode[24];
	char *text = strndup(ddl->text.data, ddl->text.size);
	char *schema = strndup(ddl->default_schema.data, ddl->default_schema.size);
	const char *values[] = {id, text, schema, mode, place->config->source.kind, place->position};
	PGresult *result;

	snprintf(id, sizeof id, "%d", place->stream_id);
	snprintf(mode, sizeof mode, "%" PRId64, (int64_t) ddl->sql_mode);
	result = postgres_connection_query(place->conn,
									   "SELECT meaning, schema, name, words FROM"
									   " dbstream.relay_ddl($1, $2, $3, $4, $5, $6)",
									   6, values, place->stop_fd, CALL_TIMEOUT_MS, failure);
	free(text);
	free(schema);
	return result;
}

/*
 * Was the table copied as of a later position? Then what the statement did is in the copy: its definition and its rows
 * are those that came after it.
 */
static bool
is_in_copy(const RelayPlace *place, const char *schema, const char *name)
{
	BinlogPlace at = {0}, before = {0};
	Failure ignored;

	for (size_t i = 0; i < place->config->copied_count; i++)
	{
		const CopiedTable *table = &place->config->copied_tables[i];

		if (strcmp(table->schema, schema) == 0 && strcmp(table->name, name) == 0)
			return binlog_place_parse(&at, place->position, &ignored) &&
				   binlog_place_parse(&before, table->before, &ignored) &&
				   source_point_compare(at.point, before.point) < 0;
	}
	return false;
}

static bool
refuse(const char *meaning, const DbsDdl *ddl, int shown, Failure *failure)
{
	if (strcmp(meaning, "statement") == 0)
		return failure_set(failure, FAILURE_REJECT, "statement_format",
						   "SET GLOBAL binlog_format=ROW at the source and reconnect its clients; bring the tables "
						   "together, then drop the stream and create it anew.",
						   "the source's log holds a statement that changes rows, not the rows: %.*s", shown,
						   ddl->text.data);
	return failure_set(failure, FAILURE_REJECT, "schema_change",
					   "Make it at the target, then: SELECT dbstream.alter_stream(name, options => '{\"on_ddl\": "
					   "\"record\"}'), which passes over schema changes until it is set back.",
					   "a schema change of the source cannot be carried to the target as it is: %.*s", shown,
					   ddl->text.data);
}

static bool
put_row(PGresult *rows, const char *kind, const char *value, size_t size)
{
	int row = PQntuples(rows);

	return PQsetvalue(rows, row, 0, (char *) kind, (int) strlen(kind)) &&
		   PQsetvalue(rows, row, 1, (char *) value, (int) size);
}

/* The plan's rows: what outbound_ddl would say of a change. */
static bool
carry(const RelayPlace *place, const DbsDdl *ddl, const PGresult *answer, Failure *failure)
{
	static const char hint[] =
		"Mend what is in its way at the target, then dbstream.resume_stream(); or make it there by "
		"hand, set the option on_ddl to \"record\" until the stream is past it, and resume.";
	static PGresAttDesc columns[] = {{.name = "kind"}, {.name = "value"}};
	PGresult *rows = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	bool ok = rows != NULL && PQsetResultAttrs(rows, 2, columns) && put_row(rows, "outcome", "applied", 7) &&
			  put_row(rows, "query", ddl->text.data, ddl->text.size) && put_row(rows, "hint", hint, sizeof hint - 1);

	for (int row = 0; ok && row < PQntuples(answer); row++)
	{
		if (strcmp(PQgetvalue(answer, row, 0), "execute") == 0)
			ok = put_row(rows, "statement", PQgetvalue(answer, row, 3), strlen(PQgetvalue(answer, row, 3)));
	}
	if (ok)
		return place->carry(place->context, ddl, rows, failure);
	PQclear(rows);
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a schema change");
}

bool
relay_ddl_session(MYSQL *mysql, const DbsDdl *ddl, Failure *failure)
{
	/* Where nothing is known, the server's own clock and UTC. */
	int64_t time = ddl->time != 0 ? ddl->time + EPOCH_OFFSET : 0;
	int offset = ddl->utc_offset == DBS_UTC_OFFSET_UNKNOWN ? 0 : ddl->utc_offset / 60;
	char sql[300], schema[256];

	snprintf(sql, sizeof sql,
			 "SET SESSION sql_mode = %" PRIu64 ", foreign_key_checks = 0, timestamp = %" PRId64 ".%06" PRId64
			 ", time_zone = '%c%02d:%02d'",
			 ddl->sql_mode, time / 1000000, time % 1000000, offset < 0 ? '-' : '+', abs(offset) / 60, abs(offset) % 60);
	if (mysql_real_query(mysql, sql, strlen(sql)) != 0)
		return target_failed(mysql, "giving the target's session the settings of the source's", failure);
	snprintf(schema, sizeof schema, "%.*s", (int) ddl->default_schema.size, ddl->default_schema.data);
	/* One that the target has not matters only to a statement that needs it, which then says so. */
	if (schema[0] != '\0' && mysql_select_db(mysql, schema) != 0 && mysql_errno(mysql) != SERVER_BAD_DATABASE)
		return target_failed(mysql, "choosing the default database at the target", failure);
	return true;
}

bool
relay_ddl(const RelayPlace *place, DbsReader *reader, Failure *failure)
{
	DbsDdl ddl;
	PGresult *result;
	int shown;
	bool ok = true;

	if (!dbs_get_ddl(reader, &ddl))
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a ddl message is malformed: %s",
						   reader->error);
	result = judge(place, &ddl, failure);
	if (result == NULL)
		return false;
	shown = ddl.text.size > SHOWN ? SHOWN : (int) ddl.text.size;
	for (int row = 0; ok && row < PQntuples(result); row++)
	{
		const char *meaning = PQgetvalue(result, row, 0);

		if (is_in_copy(place, PQgetvalue(result, row, 1), PQgetvalue(result, row, 2)))
		{
			if (strcmp(meaning, "truncate") == 0)
				continue;
			/* One statement: what it did to one of its tables came with what it did to the others. */
			break;
		}
		if (strcmp(meaning, "truncate") == 0)
			ok = place->truncate(place->context, PQgetvalue(result, row, 1), PQgetvalue(result, row, 2),
								 PQgetvalue(result, row, 3), failure);
		else if (strcmp(meaning, "recorded") == 0)
			log_line(LOG_LEVEL_WARNING, place->config->name, "passed over, as on_ddl = record says: %.*s", shown,
					 ddl.text.data);
		else if (strcmp(meaning, "carry") == 0 && place->alike)
			continue;
		else if (strcmp(meaning, "execute") == 0 && place->alike)
		{
			ok = carry(place, &ddl, result, failure);
			break;
		}
		else
			ok = refuse(meaning, &ddl, shown, failure);
	}
	PQclear(result);
	return ok;
}
