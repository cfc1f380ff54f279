/*
 * Extension, connection and stream of a clone: see clone_definition.h.
 */
#include "clone_definition.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres_connection.h"

/* Some need the target's disk or its other sessions: a lock on a catalogue, a slow CREATE EXTENSION. */
#define STATEMENT_MS 60000

static PGresult *
query(PGconn *conn, const char *sql, int count, const char *const *values, int stop_fd, Failure *failure)
{
	return postgres_connection_query(conn, sql, count, values, stop_fd, STATEMENT_MS, failure);
}

bool
clone_definition_execute(PGconn *conn, const char *sql, const char *parameter, int stop_fd, Failure *failure)
{
	const char *values[] = {parameter};
	PGresult *result = query(conn, sql, parameter != NULL ? 1 : 0, values, stop_fd, failure);

	PQclear(result);
	return result != NULL;
}

PGconn *
clone_definition_connect(const CloneArguments *arguments, int stop_fd, Failure *failure)
{
	/* Only a superuser may, and only who may need not hope that nothing is logged. */
	static const char *const quiet[] = {"SET log_statement = 'none'", "SET log_min_duration_statement = -1",
										"SET log_min_duration_sample = -1", "SET log_parameter_max_length = 0",
										"SET log_parameter_max_length_on_error = 0"};
	PGconn *conn = postgres_connection_open(arguments->target, "dbstream-bridge clone", stop_fd, failure);
	Failure ignored;

	for (size_t i = 0; conn != NULL && i < sizeof quiet / sizeof quiet[0]; i++)
		if (!clone_definition_execute(conn, quiet[i], NULL, stop_fd, &ignored))
			break;
	return conn;
}

/* ---- the extension ---- */

static bool
make_extension(PGconn *conn, int stop_fd, CloneDefinition *made, Failure *failure)
{
	PGresult *result =
		query(conn, "SELECT FROM pg_catalog.pg_extension WHERE extname = 'dbstream'", 0, NULL, stop_fd, failure);
	bool there = result != NULL && PQntuples(result) > 0;

	PQclear(result);
	if (result == NULL)
		return false;
	if (there)
		return true;
	if (!clone_definition_execute(conn, "CREATE EXTENSION dbstream", NULL, stop_fd, failure))
	{
		failure_context(failure, "the target has no extension dbstream, and it cannot be created");
		if (failure->hint[0] == '\0')
			snprintf(failure->hint, sizeof failure->hint,
					 "Install dbstream on the target's server, see docs/install.md, or let a superuser create the "
					 "extension.");
		return false;
	}
	made->made_extension = true;
	return true;
}

/* ---- the connection ---- */

static bool
differs(const char *what, const char *name, const char *is, const char *wanted, Failure *failure)
{
	failure_set(failure, FAILURE_REJECT, FAILURE_CODE_DEFINED,
				"Give another --name, or change or drop what is there: dbstream.drop_stream(), "
				"dbstream.drop_connection().",
				"the target has a %s \"%s\" already, and it is defined otherwise", what, name);
	snprintf(failure->detail, sizeof failure->detail, "It is %s; this clone wants %s.", is, wanted);
	return false;
}

/* The options with the literal password, malloc'd. */
static char *
options_with_password(const char *options, const char *password)
{
	struct json_object *object = json_tokener_parse(options);
	char *text;

	if (password != NULL)
		json_object_object_add(object, "password", json_object_new_string(password));
	text = strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
	return text;
}

/* An existing one is used when it leads to the same place; its password is brought up to date. */
static bool
use_connection(PGconn *conn, const CloneArguments *arguments, const PGresult *row, const char *wanted, int stop_fd,
			   Failure *failure)
{
	struct json_object *object;
	const char *values[2] = {arguments->connection, NULL};
	PGresult *result;

	if (strcmp(PQgetvalue(row, 0, 1), "t") != 0)
		return differs("connection", arguments->connection, PQgetvalue(row, 0, 0), wanted, failure);
	if (arguments->source.password == NULL)
		return true;
	object = json_object_new_object();
	json_object_object_add(object, "password", json_object_new_string(arguments->source.password));
	values[1] = json_object_to_json_string(object);
	result = query(conn,
				   "SELECT dbstream.alter_connection($1, $2::jsonb) WHERE dbstream.bridge_secret($1) IS DISTINCT FROM "
				   "$2::jsonb->>'password'",
				   2, values, stop_fd, failure);
	json_object_put(object);
	PQclear(result);
	return result != NULL;
}

static bool
make_connection(PGconn *conn, const CloneArguments *arguments, const char *kind, int stop_fd, CloneDefinition *made,
				Failure *failure)
{
	char *options = clone_source_options(&arguments->source);
	const char *values[3] = {arguments->connection, kind, options};
	PGresult *result = query(conn,
							 "SELECT c.kind || ' ' || c.options::text, c.kind IN ('mysql', 'mariadb') AND"
							 " dbstream.complete_options($2, c.options) = dbstream.complete_options($2, $3::jsonb)"
							 " FROM dbstream.connection c WHERE c.name = $1",
							 3, values, stop_fd, failure);
	bool ok = result != NULL;

	if (ok && PQntuples(result) > 0)
		ok = use_connection(conn, arguments, result, options, stop_fd, failure);
	else if (ok)
	{
		char *whole = options_with_password(options, arguments->source.password);
		PGresult *created;

		values[2] = whole;
		created = query(conn, "SELECT dbstream.create_connection($1, $2, $3::jsonb)", 3, values, stop_fd, failure);
		explicit_bzero(whole, strlen(whole));
		free(whole);
		PQclear(created);
		ok = created != NULL;
		made->made_connection = ok;
	}
	PQclear(result);
	free(options);
	return ok;
}

/* ---- the stream ---- */

static bool
make_stream(PGconn *conn, const CloneArguments *arguments, int stop_fd, CloneDefinition *made, Failure *failure)
{
	const char *values[4] = {arguments->stream, arguments->connection, arguments->tables, arguments->options};
	PGresult *result =
		query(conn,
			  "SELECT s.id, s.source = $2 AND s.target = 'local' AND to_jsonb(s.tables) = $3::jsonb AND"
			  " dbstream.complete_options('stream', s.options) = dbstream.complete_options('stream', $4::jsonb),"
			  " format('from %s to %s, tables %s, options %s', s.source, s.target, to_jsonb(s.tables), s.options),"
			  " format('from %s to local, tables %s, options %s', $2, $3::jsonb, $4::jsonb)"
			  " FROM dbstream.stream s WHERE s.name = $1",
			  4, values, stop_fd, failure);
	bool ok = result != NULL;

	if (ok && PQntuples(result) == 0)
	{
		PQclear(result);
		result = query(conn,
					   "SELECT dbstream.create_stream($1, source => $2, target => 'local', tables => ARRAY(SELECT e "
					   "FROM jsonb_array_elements_text($3::jsonb) e), options => $4::jsonb)",
					   4, values, stop_fd, failure);
		PQclear(result);
		if (result == NULL)
			return false;
		made->made_stream = true;
		result = query(conn, "SELECT id FROM dbstream.stream WHERE name = $1", 1, values, stop_fd, failure);
		ok = result != NULL && PQntuples(result) == 1;
	}
	else if (ok)
	{
		made->existed = true;
		if (strcmp(PQgetvalue(result, 0, 1), "t") != 0)
			ok = differs("stream", arguments->stream, PQgetvalue(result, 0, 2), PQgetvalue(result, 0, 3), failure);
	}
	if (ok)
		made->stream_id = (int) strtol(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return ok;
}

bool
clone_definition_make(PGconn *conn, const CloneArguments *arguments, const char *kind, int stop_fd,
					  CloneDefinition *made, Failure *failure)
{
	memset(made, 0, sizeof *made);
	return make_extension(conn, stop_fd, made, failure) &&
		   make_connection(conn, arguments, kind, stop_fd, made, failure) &&
		   make_stream(conn, arguments, stop_fd, made, failure);
}

StreamConfig *
clone_definition_read(PGconn *conn, const CloneArguments *arguments, int stop_fd, Failure *failure)
{
	const char *values[] = {arguments->stream};
	PGresult *result = query(conn, "SELECT to_jsonb(d) FROM dbstream.stream_definition d WHERE d.name = $1", 1, values,
							 stop_fd, failure);
	StreamConfig *config = NULL;

	if (result != NULL && PQntuples(result) == 1)
		config = stream_config_parse(PQgetvalue(result, 0, 0), arguments->source.password, failure);
	else if (result != NULL)
		failure_set(failure, FAILURE_REJECT, "internal", "Run the command again.", "stream %s has vanished",
					arguments->stream);
	PQclear(result);
	return config;
}
