#include "relay_ddl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binlog_place.h"
#include "log.h"
#include "postgres_connection.h"

#define CALL_TIMEOUT_MS 30000
#define SHOWN 300

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
									   "SELECT meaning, schema, name, partitions FROM"
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
					   "a schema change of the source is not carried to another MySQL server: %.*s", shown,
					   ddl->text.data);
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
			continue;
		if (strcmp(meaning, "truncate") == 0)
			ok = place->truncate(place->context, PQgetvalue(result, row, 1), PQgetvalue(result, row, 2),
								 PQgetvalue(result, row, 3), failure);
		else if (strcmp(meaning, "recorded") == 0)
			log_line(LOG_LEVEL_WARNING, place->config->name, "passed over, as on_ddl = record says: %.*s", shown,
					 ddl.text.data);
		else
			ok = refuse(meaning, &ddl, shown, failure);
	}
	PQclear(result);
	return ok;
}
