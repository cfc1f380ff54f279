/*
 * Rows of both sides as hashes: see clone_scan.h.
 */
#include "clone_scan.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../libdbstream/name.h"
#include "../libdbstream/wire.h"
#include "clone_canonical.h"
#include "postgres_connection.h"
#include "result_row.h"
#include "wire_buffer.h"

#define QUERY_MS 60000
#define STOP_CHECK_ROWS 1024

typedef struct Column
{
	CanonicalForm form;
	char *expression; /* at the target */
	bool key;
} Column;

struct CloneScan
{
	const SnapshotTable *table;
	const StreamConfig *config;
	int stop_fd;
	char *copy_query;
	Column *columns;

	/* of the row at hand */
	CanonicalText content;
	CanonicalText key;
	CanonicalText key_text;
	bool key_texts;
	uint64_t rows;
};

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", "Give the process more memory.",
					   "no memory to compare a table");
}

/* ---- columns ---- */

static char *
quoted(const char *name, size_t size)
{
	char fit[DBS_NAME_BUFFER];
	size_t fit_size = dbs_name_fit(name, size, fit);
	char *text = malloc(DBS_NAME_QUOTED_SIZE(fit_size));

	if (text != NULL && !dbs_name_quote_pg(fit, fit_size, text, DBS_NAME_QUOTED_SIZE(fit_size)))
	{
		free(text);
		text = NULL;
	}
	return text;
}

/* The row of the catalogue that is this column; -1 when the target has none. */
static int
find_column(const PGresult *catalogue, const DbsColumn *column)
{
	char fit[DBS_NAME_BUFFER];

	dbs_name_fit(column->name.data, column->name.size, fit);
	for (int row = 0; row < PQntuples(catalogue); row++)
	{
		if (strcmp(PQgetvalue(catalogue, row, 1), fit) == 0)
			return row;
	}
	return -1;
}

static void
append_name(char *list, size_t size, const char *lead, const char *name)
{
	size_t used = strlen(list);

	snprintf(list + used, size - used, "%s%s", used > 0 ? ", " : lead, name);
}

static bool
match_column(CloneScan *scan, uint32_t i, const PGresult *catalogue, char *missing, char *skipped, Failure *failure)
{
	const DbsColumn *column = &scan->table->columns[i];
	Column *match = &scan->columns[i];
	int row = find_column(catalogue, column);
	char *name;

	if (row < 0)
	{
		append_name(missing, 256, "the target has no column ", column->name.data);
		return true;
	}
	match->form = canonical_form(column->kind, PQgetvalue(catalogue, row, 2));
	if (match->form == CANONICAL_NONE)
	{
		append_name(skipped, 256, "", column->name.data);
		return true;
	}
	name = quoted(column->name.data, column->name.size);
	if (name != NULL)
	{
		const char *format = canonical_expression(match->form, PQgetvalue(catalogue, row, 2));
		const char *place = strstr(format, "%s");
		FILE *out = open_memstream(&match->expression, &(size_t){0});

		if (out != NULL)
		{
			fprintf(out, "%.*s%s%s", (int) (place - format), format, name, place + 2);
			fclose(out);
		}
	}
	free(name);
	return match->expression != NULL || no_memory(failure);
}

/* The COPY of the columns that are compared, in the source's order. */
static bool
write_query(CloneScan *scan, const char *relation, Failure *failure)
{
	FILE *out = open_memstream(&scan->copy_query, &(size_t){0});
	bool first = true;

	if (out == NULL)
		return no_memory(failure);
	fputs("COPY (SELECT ", out);
	for (uint32_t i = 0; i < scan->table->column_count; i++)
	{
		if (scan->columns[i].expression == NULL)
			continue;
		fprintf(out, "%s%s", first ? "" : ", ", scan->columns[i].expression);
		first = false;
	}
	fprintf(out, " FROM %s) TO STDOUT", relation);
	return fclose(out) == 0 || no_memory(failure);
}

static PGresult *
read_catalogue(const CloneScan *scan, PGconn *conn, Failure *failure)
{
	char schema[DBS_NAME_BUFFER], name[DBS_NAME_BUFFER];
	const char *target_schema = stream_config_schema(scan->config, scan->table->schema);
	const char *values[] = {schema, name, scan->config->name, scan->table->schema, scan->table->name};

	dbs_name_fit(target_schema, strlen(target_schema), schema);
	dbs_name_fit(scan->table->name, strlen(scan->table->name), name);
	return postgres_connection_query(
		conn,
		"SELECT r.id::regclass, a.attname, coalesce(b.typname, t.typname)"
		" FROM (SELECT coalesce((SELECT st.target FROM dbstream.stream_table st JOIN dbstream.stream s"
		"   ON s.id = st.stream_id WHERE s.name = $3 AND st.source_schema = $4 AND st.source_table = $5),"
		"  to_regclass(format('%I.%I', $1::text, $2::text)))::oid AS id) r"
		" JOIN pg_catalog.pg_attribute a ON a.attrelid = r.id AND a.attnum > 0 AND NOT a.attisdropped"
		" JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
		" LEFT JOIN pg_catalog.pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype ORDER BY a.attnum",
		5, values, scan->stop_fd, QUERY_MS, failure);
}

CloneScan *
clone_scan_new(const SnapshotTable *table, const StreamConfig *config, PGconn *conn, int stop_fd, char missing[256],
			   char skipped[256], Failure *failure)
{
	CloneScan *scan = calloc(1, sizeof *scan);
	PGresult *catalogue;
	bool ok;

	missing[0] = '\0';
	skipped[0] = '\0';
	if (scan == NULL || (scan->columns = calloc(table->column_count, sizeof *scan->columns)) == NULL)
	{
		free(scan);
		no_memory(failure);
		return NULL;
	}
	scan->table = table;
	scan->config = config;
	scan->stop_fd = stop_fd;
	catalogue = read_catalogue(scan, conn, failure);
	ok = catalogue != NULL;
	if (ok && PQntuples(catalogue) == 0)
		snprintf(missing, 256, "the target has no such table");
	for (uint32_t i = 0; ok && missing[0] == '\0' && i < table->key_count; i++)
		scan->columns[table->keys[i].column].key = true;
	for (uint32_t i = 0; ok && PQntuples(catalogue) > 0 && i < table->column_count; i++)
		ok = match_column(scan, i, catalogue, missing, skipped, failure);
	if (ok && missing[0] == '\0')
		ok = write_query(scan, PQgetvalue(catalogue, 0, 0), failure);
	PQclear(catalogue);
	if (!ok)
	{
		clone_scan_free(scan);
		return NULL;
	}
	return scan;
}

void
clone_scan_free(CloneScan *scan)
{
	if (scan == NULL)
		return;
	for (uint32_t i = 0; i < scan->table->column_count; i++)
		free(scan->columns[i].expression);
	free(scan->columns);
	free(scan->copy_query);
	canonical_free(&scan->content);
	canonical_free(&scan->key);
	canonical_free(&scan->key_text);
	free(scan);
}

/* ---- a row ---- */

/* Two rows of different content meet in 1 of 2^64 cases; nobody chooses rows so that they do. */
static uint64_t
hash(const char *data, size_t size)
{
	uint64_t h = UINT64_C(0x9E3779B97F4A7C15) ^ size;
	uint64_t word;

	for (; size >= 8; size -= 8, data += 8)
	{
		memcpy(&word, data, 8);
		h = (h ^ word) * UINT64_C(0xBF58476D1CE4E5B9);
		h ^= h >> 29;
	}
	word = 0;
	if (size > 0)
		memcpy(&word, data, size);
	h = (h ^ word) * UINT64_C(0x94D049BB133111EB);
	h ^= h >> 32;
	h *= UINT64_C(0xD6E8FEB86659FD93);
	return h ^ h >> 31;
}

static void
begin_row(CloneScan *scan)
{
	scan->content.used = 0;
	scan->key.used = 0;
	scan->key_text.used = 0;
}

/* The value's canonical text lies in content from start on; put its length before it, and the key's part aside. */
static void
end_value(CloneScan *scan, uint32_t i, size_t start, bool null)
{
	const DbsColumn *column = &scan->table->columns[i];
	uint32_t size = (uint32_t) (scan->content.used - start - 4);

	if (scan->content.failed)
		return;
	size = null ? UINT32_MAX : size;
	memcpy(scan->content.data + start, &size, 4);
	if (!scan->columns[i].key)
		return;
	canonical_append(&scan->key, scan->content.data + start, scan->content.used - start);
	if (!scan->key_texts)
		return;
	if (scan->key_text.used > 0)
		canonical_append(&scan->key_text, ", ", 2);
	canonical_append(&scan->key_text, column->name.data, column->name.size);
	canonical_append(&scan->key_text, "=", 1);
	canonical_append(&scan->key_text, scan->content.data + start + 4, scan->content.used - start - 4);
}

static bool
end_row(CloneScan *scan, CloneScanSink sink, void *context, Failure *failure)
{
	struct pollfd fd = {scan->stop_fd, POLLIN, 0};
	CloneScanRow row;

	canonical_append(&scan->key_text, "", 1);
	if (scan->content.failed || scan->key.failed || scan->key_text.failed)
		return no_memory(failure);
	row.content = hash(scan->content.data, scan->content.used);
	row.key = scan->table->key_count > 0 ? hash(scan->key.data, scan->key.used) : row.content;
	row.key_text = scan->key_text.data;
	sink(context, &row);
	if (++scan->rows % STOP_CHECK_ROWS == 0 && poll(&fd, 1, 0) > 0)
		return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_STOPPING, NULL, "told to stop");
	return true;
}

/* ---- the source ---- */

static bool
take_wire_row(CloneScan *scan, DbsReader *r, CloneScanSink sink, void *context, Failure *failure)
{
	const SnapshotTable *table = scan->table;
	const uint8_t *nulls, *absent;
	uint8_t form;

	begin_row(scan);
	if (!dbs_get_row_form(r, table->column_count, &form, &nulls, &absent))
		return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a row cannot be read: %s", r->error);
	for (uint32_t i = 0; i < table->column_count; i++)
	{
		bool null = nulls != NULL && (nulls[i / 8] >> (i % 8) & 1) != 0;
		uint8_t kind = table->columns[i].kind;
		uint32_t size = dbs_kind_width[kind];
		size_t start = scan->content.used;
		const char *value = NULL;

		if (!null && !(size > 0 ? dbs_get_fixed(r, size, &value) : dbs_get_varying(r, &value, &size)))
			return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a row cannot be read: %s",
							   r->error);
		if (scan->columns[i].expression == NULL)
			continue;
		canonical_append(&scan->content, "\0\0\0\0", 4);
		if (!null)
			canonical_from_wire(&scan->content, scan->columns[i].form, kind, value, size);
		end_value(scan, i, start, null);
	}
	return end_row(scan, sink, context, failure);
}

/* All closed messages in the buffer, which is empty afterwards. */
static bool
take_messages(CloneScan *scan, WireBuffer *buffer, CloneScanSink sink, void *context, Failure *failure)
{
	size_t at = 0;

	while (at < buffer->w.used)
	{
		DbsMessage message;
		DbsReader reader;
		DbsRows rows;
		const char *error = "";
		size_t needed;
		size_t size = dbs_message_next(buffer->w.data + at, buffer->w.used - at, &message, &needed, &error);

		if (size == 0 || size == SIZE_MAX)
			return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "rows cannot be read: %s", error);
		dbs_reader_init(&reader, &message);
		if (!dbs_get_rows(&reader, &rows))
			return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "rows cannot be read: %s",
							   reader.error);
		for (uint32_t i = 0; i < rows.count; i++)
		{
			if (!take_wire_row(scan, &reader, sink, context, failure))
				return false;
		}
		at += size;
	}
	buffer->w.used = 0;
	return true;
}

static bool
take_result(CloneScan *scan, MYSQL *sql, MYSQL_RES *result, CloneScanSink sink, void *context, Failure *failure)
{
	ResultPlan plan = {scan->table->schema,           scan->table->name,
					   scan->table->column_count,     scan->table->results,
					   scan->config->strip_nul_bytes, scan->config->zero_dates};
	WireBuffer buffer = {0};
	ResultRows rows = {.plan = &plan, .buffer = &buffer, .wire_id = 1};
	MYSQL_ROW row;
	bool ok = true;

	while (ok && (row = mysql_fetch_row(result)) != NULL)
	{
		ok = result_rows_put(&rows, row, mysql_fetch_lengths(result), failure);
		if (ok && !rows.open)
			ok = take_messages(scan, &buffer, sink, context, failure);
	}
	if (ok && mysql_errno(sql) != 0)
		ok = mysql_connection_failed(sql, "reading rows to compare", failure);
	if (ok)
	{
		result_rows_end(&rows);
		ok = take_messages(scan, &buffer, sink, context, failure);
	}
	wire_buffer_free(&buffer);
	return ok;
}

bool
clone_scan_source(CloneScan *scan, MYSQL *sql, bool key_texts, CloneScanSink sink, void *context, Failure *failure)
{
	char *schema = snapshot_identifier(scan->table->schema);
	char *name = snapshot_identifier(scan->table->name);
	char *query = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&query, &size);
	MYSQL_RES *result;
	bool ok;

	scan->key_texts = key_texts;
	if (schema == NULL || name == NULL || out == NULL)
		ok = no_memory(failure);
	else
	{
		fprintf(out, "SELECT %s FROM %s.%s", scan->table->select_list, schema, name);
		ok = fclose(out) == 0 || no_memory(failure);
	}
	free(schema);
	free(name);
	if (ok && mysql_real_query(sql, query, (unsigned long) size) != 0)
		ok = mysql_connection_failed(sql, "reading rows to compare", failure);
	free(query);
	result = ok ? mysql_use_result(sql) : NULL;
	if (ok && result == NULL)
		ok = mysql_connection_failed(sql, "reading rows to compare", failure);
	if (result != NULL)
	{
		ok = take_result(scan, sql, result, sink, context, failure);
		mysql_free_result(result);
	}
	return ok;
}

/* ---- the target ---- */

/* One field of COPY's text form, decoded where it lies and terminated. *next: behind its tab or line end. */
static size_t
decode_field(char *at, char **next, bool *null)
{
	char *to = at, *from = at;

	*null = at[0] == '\\' && at[1] == 'N';
	for (; *from != '\t' && *from != '\n' && *from != '\0'; from++)
	{
		static const char letters[] = "bfnrtv";
		static const char meanings[] = "\b\f\n\r\t\v";
		const char *letter;

		if (*from != '\\')
		{
			*to++ = *from;
			continue;
		}
		from++;
		letter = strchr(letters, *from);
		*to++ = *from != '\0' && letter != NULL ? meanings[letter - letters] : *from;
	}
	*next = *from == '\0' ? from : from + 1;
	*to = '\0';
	return (size_t) (to - at);
}

static bool
take_line(CloneScan *scan, char *line, CloneScanSink sink, void *context, Failure *failure)
{
	begin_row(scan);
	for (uint32_t i = 0; i < scan->table->column_count; i++)
	{
		size_t start = scan->content.used;
		char *value = line;
		size_t size;
		bool null;

		if (scan->columns[i].expression == NULL)
			continue;
		size = decode_field(value, &line, &null);
		canonical_append(&scan->content, "\0\0\0\0", 4);
		if (!null)
			canonical_from_target(&scan->content, scan->columns[i].form, scan->table->columns[i].kind, value, size);
		end_value(scan, i, start, null);
	}
	return end_row(scan, sink, context, failure);
}

bool
clone_scan_target(CloneScan *scan, PGconn *conn, bool key_texts, CloneScanSink sink, void *context, Failure *failure)
{
	PGresult *result = PQexec(conn, scan->copy_query);
	bool ok = PQresultStatus(result) == PGRES_COPY_OUT;
	char *line = NULL;
	int size = -1;

	scan->key_texts = key_texts;
	if (!ok)
		postgres_connection_failed(conn, result, failure);
	PQclear(result);
	while (ok && (size = PQgetCopyData(conn, &line, 0)) > 0)
	{
		ok = take_line(scan, line, sink, context, failure);
		PQfreemem(line);
	}
	if (!ok)
		return false;
	if (size == -2)
		return postgres_connection_failed(conn, NULL, failure);
	while ((result = PQgetResult(conn)) != NULL)
	{
		if (ok && PQresultStatus(result) != PGRES_COMMAND_OK)
			ok = postgres_connection_failed(conn, result, failure);
		PQclear(result);
	}
	return ok;
}
