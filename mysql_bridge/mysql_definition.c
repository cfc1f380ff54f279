/*
 * See mysql_definition.h.
 */
#include "mysql_definition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mysql_connection.h"
#include "snapshot_table.h"

#define SERVER_NO_SUCH_TABLE 1146
#define SERVER_BAD_DATABASE 1049

/* A person waits for the answer. */
#define READ_SECONDS 10

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", "Give the bridge more memory.",
					   "no memory to read the statement of a table of the source");
}

static char *
show_create(const char *schema, const char *name)
{
	char *quoted_schema = snapshot_identifier(schema);
	char *quoted_name = snapshot_identifier(name);
	size_t room = quoted_schema != NULL && quoted_name != NULL ? strlen(quoted_schema) + strlen(quoted_name) + 32 : 0;
	char *query = room > 0 ? malloc(room) : NULL;

	if (query != NULL)
		snprintf(query, room, "SHOW CREATE TABLE %s.%s", quoted_schema, quoted_name);
	free(quoted_schema);
	free(quoted_name);
	return query;
}

bool
mysql_definition_read(MYSQL *mysql, const char *schema, const char *name, char **create, bool *gone, Failure *failure)
{
	char *query = show_create(schema, name);
	MYSQL_RES *result = NULL;
	MYSQL_ROW row;

	if (query == NULL)
		return no_memory(failure);
	if (mysql_real_query(mysql, query, (unsigned long) strlen(query)) == 0)
		result = mysql_store_result(mysql);
	free(query);
	if (result == NULL)
	{
		*gone = mysql_errno(mysql) == SERVER_NO_SUCH_TABLE || mysql_errno(mysql) == SERVER_BAD_DATABASE;
		return *gone || mysql_connection_failed(mysql, "reading the statement of a table", failure);
	}
	row = mysql_fetch_row(result);
	*create = row != NULL && row[1] != NULL ? strdup(row[1]) : NULL;
	mysql_free_result(result);
	return *create != NULL || no_memory(failure);
}

char *
mysql_definition(const StreamConfig *config, const char *schema, const char *name, const char **kind, Failure *failure)
{
	MYSQL *mysql = mysql_connection_open_reading(&config->source, READ_SECONDS, failure);
	char *create = NULL;
	bool gone = false;

	if (mysql == NULL)
		return NULL;
	*kind = mysql_connection_flavour(mysql) == FLAVOUR_MARIADB ? "mariadb" : "mysql";
	if (mysql_definition_read(mysql, schema, name, &create, &gone, failure) && gone)
		failure_set(failure, FAILURE_REJECT, "no_table",
					"Give its names as the source has them, database.table; some servers tell upper case from lower.",
					"the source of connection %s has no table %s.%s", config->source.name, schema, name);
	mysql_close(mysql);
	return create;
}
