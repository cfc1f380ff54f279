#include "relay_ddl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "postgres_connection.h"

#define CALL_TIMEOUT_MS 30000
#define SHOWN 300

/* What the extension says of the statement; malloc'd. */
static char *
judge(PGconn *conn, int stream_id, const StreamConfig *config, const DbsDdl *ddl, int stop_fd, Failure *failure)
{
	char id[16], mode[24];
	char *text = strndup(ddl->text.data, ddl->text.size);
	char *schema = strndup(ddl->default_schema.data, ddl->default_schema.size);
	const char *values[] = {id, text, schema, mode, config->source.kind};
	PGresult *result;
	char *answer = NULL;

	snprintf(id, sizeof id, "%d", stream_id);
	snprintf(mode, sizeof mode, "%" PRId64, (int64_t) ddl->sql_mode);
	result = postgres_connection_query(conn, "SELECT dbstream.relay_ddl($1, $2, $3, $4, $5)", 5, values, stop_fd,
									   CALL_TIMEOUT_MS, failure);
	if (result != NULL)
		answer = strdup(PQgetvalue(result, 0, 0));
	PQclear(result);
	free(text);
	free(schema);
	return answer;
}

bool
relay_ddl(PGconn *conn, int stream_id, const StreamConfig *config, DbsReader *reader, int stop_fd, Failure *failure)
{
	DbsDdl ddl;
	char *answer;
	int shown;
	bool pass, rows;

	if (!dbs_get_ddl(reader, &ddl))
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a ddl message is malformed: %s",
						   reader->error);
	answer = judge(conn, stream_id, config, &ddl, stop_fd, failure);
	if (answer == NULL)
		return false;
	pass = strcmp(answer, "pass") == 0;
	rows = strcmp(answer, "statement") == 0;
	free(answer);
	shown = ddl.text.size > SHOWN ? SHOWN : (int) ddl.text.size;
	if (pass)
		return true;
	if (rows)
		return failure_set(failure, FAILURE_REJECT, "statement_format",
						   "SET GLOBAL binlog_format=ROW at the source and reconnect its clients; bring the tables "
						   "together, then drop the stream and create it anew.",
						   "the source's log holds a statement that changes rows, not the rows: %.*s", shown,
						   ddl.text.data);
	if (config->records_ddl)
	{
		log_line(LOG_LEVEL_WARNING, config->name, "passed over, as on_ddl = record says: %.*s", shown, ddl.text.data);
		return true;
	}
	return failure_set(failure, FAILURE_REJECT, "schema_change",
					   "Make it at the target, then: SELECT dbstream.alter_stream(name, options => '{\"on_ddl\": "
					   "\"record\"}'), which passes over schema changes until it is set back.",
					   "a schema change of the source is not carried to another MySQL server: %.*s", shown,
					   ddl.text.data);
}
