/*
 * The dry run: see clone_plan.h.
 */
#include "clone_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clone_definition.h"
#include "postgres_connection.h"
#include "snapshot_table.h"

#define TRANSLATE_MS 60000

/* The stream's options that the translator has too, what is installed, and the table's own schema. */
static const char translate_query[] =
	"SELECT r.statement, r.target_sql, r.severity, r.note FROM dbstream.stream_definition d,"
	" LATERAL (SELECT coalesce(jsonb_object_agg(o.key, o.value), '{}') AS given FROM jsonb_each(d.options) o"
	"  WHERE o.key IN ('tinyint1', 'bigint_unsigned', 'binary16', 'time', 'enum', 'set', 'json', 'schemas')) o,"
	" LATERAL dbstream.translate_ddl_report($2, $3, 'postgresql', o.given || jsonb_build_object('default_schema', "
	"$4::text,"
	"  'postgis', EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'postgis'),"
	"  'pgvector', EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'vector'))) r"
	" WHERE d.name = $1";

static void
print_indented(const char *prefix, const char *text)
{
	while (*text != '\0')
	{
		size_t size = strcspn(text, "\n");

		printf("%s%.*s\n", prefix, (int) size, text);
		text += size + (text[size] == '\n');
	}
}

/* A statement stands in as many rows as it has notes. Returns the notes. */
static int
print_report(const PGresult *report)
{
	const char *last = "";
	int notes = 0;

	for (int row = 0; row < PQntuples(report); row++)
	{
		const char *statement = PQgetvalue(report, row, 0);

		if (strcmp(statement, last) != 0 && !PQgetisnull(report, row, 1))
		{
			const char *sql = PQgetvalue(report, row, 1);
			size_t size = strlen(sql);

			printf("%s%s\n", sql, size > 0 && sql[size - 1] == ';' ? "" : ";");
		}
		last = statement;
	}
	for (int row = 0; row < PQntuples(report); row++)
	{
		char prefix[64];

		if (PQgetisnull(report, row, 3))
			continue;
		snprintf(prefix, sizeof prefix, "--   %.40s: ", PQgetvalue(report, row, 2));
		print_indented(prefix, PQgetvalue(report, row, 3));
		notes++;
	}
	return notes;
}

static bool
print_table(PGconn *conn, const SnapshotTable *table, ServerFlavour flavour, const CloneArguments *arguments,
			int stop_fd, int *notes, Failure *failure)
{
	const char *values[] = {arguments->stream, table->create_sql, flavour == FLAVOUR_MARIADB ? "mariadb" : "mysql",
							table->schema};
	PGresult *report = postgres_connection_query(conn, translate_query, 4, values, stop_fd, TRANSLATE_MS, failure);

	if (report == NULL)
	{
		failure_context(failure, "translating table \"%s.%s\"", table->schema, table->name);
		return false;
	}
	printf("\n-- %s.%s: about %" PRIu64 " rows, %" PRIu64 " MB%s\n", table->schema, table->name, table->rows_estimated,
		   table->bytes_estimated / 1000000,
		   table->key_count > 0 ? "" : "; it has no key to cut it by, so it is copied in one piece");
	*notes += print_report(report);
	PQclear(report);
	return true;
}

static bool
print_tables(PGconn *conn, MYSQL *sql, ServerFlavour flavour, const StreamConfig *config,
			 const CloneArguments *arguments, int stop_fd, Failure *failure)
{
	SnapshotTable *tables = NULL;
	size_t count = 0;
	int notes = 0;
	bool ok = snapshot_tables_list(sql, config, &tables, &count, failure);

	for (size_t i = 0; ok && i < count; i++)
	{
		ok = snapshot_table_describe(&tables[i], sql, flavour, config, NULL, failure) &&
			 (tables[i].gone || tables[i].create_sql == NULL ||
			  print_table(conn, &tables[i], flavour, arguments, stop_fd, &notes, failure));
	}
	if (ok)
		printf("\n-- %zu tables, %d notes; nothing was created.\n", count, notes);
	snapshot_tables_free(tables, count);
	return ok;
}

bool
clone_plan_print(PGconn *conn, MYSQL *sql, ServerFlavour flavour, const CloneArguments *arguments, int stop_fd,
				 Failure *failure)
{
	CloneDefinition made;
	StreamConfig *config = NULL;
	Failure ignored;
	bool ok = clone_definition_execute(conn, "BEGIN", NULL, stop_fd, failure) &&
			  clone_definition_make(conn, arguments, flavour == FLAVOUR_MARIADB ? "mariadb" : "mysql", stop_fd, &made,
									failure);

	if (ok)
		config = clone_definition_read(conn, arguments, stop_fd, failure);
	ok = config != NULL;
	if (ok)
	{
		printf("-- extension dbstream: %s\n-- connection \"%s\": %s\n-- stream \"%s\": %s; tables %s, options %s\n",
			   made.made_extension ? "would be created" : "is there", arguments->connection,
			   made.made_connection ? "would be created" : "is there", arguments->stream,
			   made.made_stream ? "would be created" : "is there", arguments->tables, arguments->options);
		ok = print_tables(conn, sql, flavour, config, arguments, stop_fd, failure);
	}
	stream_config_free(config);
	/* Should it fail: the end of the connection rolls back too. */
	(void) !clone_definition_execute(conn, "ROLLBACK", NULL, stop_fd, &ignored);
	return ok;
}
