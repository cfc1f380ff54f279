/*
 * Not a test by itself: what makes and checks the files in test/data/rows.
 *
 *   capture_rows SOCKET FILE.sql [FILE.hex]
 *
 * Runs the statements at a server, reads what they put into its log, decodes every row, and compares the rows of each
 * table that was only inserted into with what the server itself answers for it, in the order of the first column.
 * Rows of the other tables are printed. With a third argument the events are written there with the decoded text, for
 * test_source_table. Exits with 1 when any row differs.
 *
 * It needs a private server with binlog_format=ROW and binlog_row_metadata=FULL, user root without a password, and is
 * linked with MariaDB Connector/C, whose mysql.h shows raw packets. types, images and large are for both servers;
 * mysql, mixed_mysql and large_mysql, and mariadb, mixed and collations, for the one they name (the last two for
 * MariaDB). Tables with zero dates differ, as they should.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mysql.h>

#include "charset.h"
#include "mysql_connection.h"
#include "row_text.h"
#include "source_table.h"
#include "stub_outbox.h"
#include "table_map.h"

#define TABLES 512

typedef struct Captured
{
	uint64_t id;
	uint8_t *map; /* body of the TABLE_MAP event */
	size_t map_size;
	SourceTable *table;
	char *rows;
	size_t rows_size;
	FILE *out;
	bool only_inserts;
	char schema[256], name[256];
} Captured;

static Captured captured[TABLES];
static size_t captured_count;
static Failure failure;
static RowText text;
static StreamConfig config = {.zero_dates = ZERO_DATES_NULL};
static FILE *hex;
static size_t checksum_size;

static void
die(const char *what)
{
	fprintf(stderr, "%s: %s %s %s\n", what, failure.message, failure.detail, failure.hint);
	exit(1);
}

static MYSQL *
open_server(const char *socket)
{
	MYSQL *sql = mysql_init(NULL);

	if (mysql_real_connect(sql, NULL, "root", NULL, NULL, 0, socket, CLIENT_MULTI_STATEMENTS) == NULL ||
		mysql_set_character_set(sql, "utf8mb4") != 0 || mysql_query(sql, "SET time_zone = '+00:00'") != 0)
	{
		fprintf(stderr, "%s\n", mysql_error(sql));
		exit(1);
	}
	return sql;
}

static void
run(MYSQL *sql, const char *statements)
{
	int status = mysql_query(sql, statements);

	while (status == 0)
	{
		MYSQL_RES *result = mysql_store_result(sql);

		if (result != NULL)
			mysql_free_result(result);
		status = mysql_next_result(sql);
	}
	if (status > 0)
	{
		fprintf(stderr, "%s\n", mysql_error(sql));
		exit(1);
	}
}

static void
log_end(MYSQL *sql, char file[256], unsigned *offset)
{
	MYSQL_RES *result;
	MYSQL_ROW row;

	if (mysql_query(sql, "SHOW BINARY LOG STATUS") != 0 && mysql_query(sql, "SHOW MASTER STATUS") != 0)
		die(mysql_error(sql));
	result = mysql_store_result(sql);
	row = mysql_fetch_row(result);
	snprintf(file, 256, "%s", row[0]);
	*offset = (unsigned) strtoul(row[1], NULL, 10);
	mysql_free_result(result);
}

static char *
read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *data = malloc(1 << 24);
	size_t size;

	if (f == NULL)
		die(path);
	size = fread(data, 1, (1 << 24) - 1, f);
	data[size] = '\0';
	fclose(f);
	return data;
}

static void
write_hex(const char *word, const uint8_t *data, size_t size)
{
	if (hex == NULL)
		return;
	fprintf(hex, "%s ", word);
	for (size_t i = 0; i < size; i++)
		fprintf(hex, "%02x", data[i]);
	fputc('\n', hex);
}

static Captured *
find_table(uint64_t id)
{
	for (size_t i = captured_count; i-- > 0;)
	{
		if (captured[i].id == id)
			return &captured[i];
	}
	die("rows of an unknown table");
	return NULL;
}

static void
take_map(uint64_t id, const uint8_t *body, size_t size, CharsetCatalog *catalog)
{
	const char *schema, *name;
	size_t schema_size, name_size;
	static uint64_t last;
	Captured *c;

	/* Rows in the file are of the table before them. */
	if (id != last)
		write_hex("table", body, size);
	last = id;
	for (size_t i = 0; i < captured_count; i++)
	{
		if (captured[i].id == id)
			return;
	}
	if (captured_count == TABLES)
		die("too many tables");
	c = &captured[captured_count++];
	if (!source_table_names(body, size, &schema, &schema_size, &name, &name_size, &failure))
		die("names");
	c->id = id;
	snprintf(c->schema, sizeof c->schema, "%.*s", (int) schema_size, schema);
	snprintf(c->name, sizeof c->name, "%.*s", (int) name_size, name);
	c->map = malloc(size);
	memcpy(c->map, body, size);
	c->map_size = size;
	c->only_inserts = true;
	c->table = source_table_parse(body, size, &config, catalog, &failure);
	if (c->table == NULL)
	{
		if (hex != NULL)
			fclose(hex);
		die("table map");
	}
	c->out = open_memstream(&c->rows, &c->rows_size);
}

static void
take_rows(uint64_t id, RowsEventKind kind, const uint8_t *body, size_t size)
{
	static const char *const words[] = {"insert", "update", "delete"};
	Captured *c = find_table(id);
	Outbox outbox = {0};
	RowsCount count = {0};
	char *rows = NULL;
	size_t rows_size;

	write_hex(words[kind], body, size);
	c->only_inserts = c->only_inserts && kind == ROWS_EVENT_WRITE;
	if (!source_table_put(c->table, 1, &outbox, &failure) ||
		!source_table_put_rows(c->table, 1, kind, body, size, &outbox, &count, &failure))
		die("rows");
	text.out = open_memstream(&rows, &rows_size);
	if (!row_text_all(&text, outbox.writer.data, outbox.writer.used))
		die("the messages cannot be read");
	fclose(text.out);
	fwrite(rows, 1, rows_size, c->out);
	if (hex != NULL)
	{
		fprintf(hex, "adjusted %llu\n", (unsigned long long) count.adjusted);
		for (char *line = rows; *line != '\0';)
		{
			char *end = strchr(line, '\n');

			fprintf(hex, "row %.*s\n", (int) (end - line), line);
			line = end + 1;
		}
	}
	free(rows);
	stub_outbox_clear(&outbox);
}

static void
take_event(const uint8_t *event, size_t size, CharsetCatalog *catalog)
{
	uint8_t type = event[4];
	const uint8_t *body = event + 19;
	const uint8_t *end = event + size - checksum_size;
	uint64_t id = 0;

	/* A format description ends with the checksum's number, 1 for CRC32, and a checksum. */
	if (type == 15)
		checksum_size = event[size - 5] == 1 ? 4 : 0;

	if (type != 19 && !(type >= 23 && type <= 25) && !(type >= 30 && type <= 32))
		return;
	memcpy(&id, body, 6);
	body += 8;
	if (type == 19)
	{
		take_map(id, body, end - body, catalog);
		return;
	}
	if (type >= 30)
		body += body[0] | body[1] << 8;
	take_rows(id, (RowsEventKind) (type >= 30 ? type - 30 : type - 23), body, end - body);
}

static void
read_log(const char *socket, const char *file, unsigned offset, CharsetCatalog *catalog)
{
	MYSQL *mysql = open_server(socket);
	uint8_t command[300] = {0};
	unsigned long size;

	run(mysql, "SET @master_binlog_checksum = 'NONE', @source_binlog_checksum = 'NONE', @mariadb_slave_capability = 4");
	memcpy(command, &offset, 4);
	command[4] = 1; /* end at the log's end */
	command[6] = 77;
	memcpy(command + 10, file, strlen(file));
	if (mysql->methods->db_command(mysql, COM_BINLOG_DUMP, (char *) command, 10 + strlen(file), 1, NULL) != 0)
		die(mysql_error(mysql));
	while ((size = mysql_net_read_packet(mysql)) != packet_error)
	{
		const uint8_t *packet = mysql->net.read_pos;

		if (size < 20 && packet[0] == 0xfe)
			break;
		/* The event gets memory of its own size, so that a sanitizer sees reads behind it. */
		uint8_t *event = malloc(size - 1);

		memcpy(event, packet + 1, size - 1);
		take_event(event, size - 1, catalog);
		free(event);
	}
	if (size == packet_error)
		die(mysql_error(mysql));
	mysql_close(mysql);
}

static void
write_quoted(FILE *out, const char *name, size_t size)
{
	fputc('`', out);
	for (size_t i = 0; i < size; i++)
	{
		if (name[i] == '`')
			fputc('`', out);
		fputc(name[i], out);
	}
	fputc('`', out);
}

/* What the server is asked for, so that its answer is in the notation of row_text. */
static void
write_expression(FILE *out, const DbsColumn *column, bool mariadb)
{
	char name[300];

	snprintf(name, sizeof name, "`%.*s`", (int) column->name.size, column->name.data);
	switch (column->kind)
	{
		case DBS_KIND_BYTES:
		case DBS_KIND_VECTOR:
		case DBS_KIND_UUID:
			fprintf(out, "HEX(%s)", name);
			break;
		case DBS_KIND_GEOMETRY:
			fprintf(out,
					mariadb ? "CONCAT(ST_SRID(%s), ' ', HEX(ST_AsWKB(%s)))"
							: "CONCAT(ST_SRID(%s), ' ', HEX(ST_AsWKB(%s, 'axis-order=long-lat')))",
					name, name);
			break;
		case DBS_KIND_BIT:
			fprintf(out, "LPAD(BIN(%s + 0), %u, '0')", name, column->length);
			break;
		case DBS_KIND_BOOL:
		case DBS_KIND_INT2: /* a YEAR too */
			fprintf(out, "%s + 0", name);
			break;
		case DBS_KIND_FLOAT4:
		case DBS_KIND_FLOAT8:
			fprintf(out, "%s + 0e0", name);
			break;
		case DBS_KIND_TEXT:
		case DBS_KIND_LABEL:
		case DBS_KIND_LABEL_LIST:
			fprintf(out, "HEX(CONVERT(%s USING utf8mb4))", name);
			break;
		default:
			fprintf(out, "CAST(%s AS CHAR)", name);
	}
}

static void
write_answer(FILE *out, const DbsColumn *column, const char *value)
{
	if (value == NULL)
		fputs("NULL", out);
	else if (column->kind == DBS_KIND_FLOAT4 || column->kind == DBS_KIND_FLOAT8)
		text_put_double(out, strtod(value, NULL));
	else if (column->kind == DBS_KIND_TEXT || column->kind == DBS_KIND_LABEL || column->kind == DBS_KIND_LABEL_LIST)
	{
		for (; value[0] != '\0' && value[1] != '\0'; value += 2)
		{
			char pair[3] = {value[0], value[1], 0};
			char c = (char) strtoul(pair, NULL, 16);

			text_put(out, &c, 1);
		}
	}
	else
		text_put(out, value, strlen(value));
}

static bool
server_rows(MYSQL *sql, const Captured *c, bool mariadb, char **rows)
{
	char *query;
	size_t size;
	FILE *out = open_memstream(&query, &size);
	MYSQL_RES *result;
	MYSQL_ROW row;

	fputs("SELECT ", out);
	for (uint32_t i = 0; i < text.count; i++)
	{
		if (i > 0)
			fputs(", ", out);
		write_expression(out, &text.columns[i], mariadb);
	}
	fputs(" FROM ", out);
	write_quoted(out, c->schema, strlen(c->schema));
	fputc('.', out);
	write_quoted(out, c->name, strlen(c->name));
	fputs(" ORDER BY ", out);
	write_quoted(out, text.columns[0].name.data, text.columns[0].name.size);
	fclose(out);
	if (mysql_query(sql, query) != 0 || (result = mysql_store_result(sql)) == NULL)
	{
		fprintf(stderr, "%s: %s\n", query, mysql_error(sql));
		free(query);
		return false;
	}
	free(query);
	out = open_memstream(rows, &size);
	while ((row = mysql_fetch_row(result)) != NULL)
	{
		for (uint32_t i = 0; i < text.count; i++)
		{
			if (i > 0)
				fputc('\t', out);
			write_answer(out, &text.columns[i], row[i]);
		}
		fputc('\n', out);
	}
	fclose(out);
	mysql_free_result(result);
	return true;
}

static void
print_columns(const Captured *c)
{
	printf("%s.%s\n", c->schema, c->name);
	for (uint32_t i = 0; i < text.count; i++)
	{
		const DbsColumn *column = &text.columns[i];

		printf("  %.*s: %.*s, %s %u %u, flags %u\n", (int) column->name.size, column->name.data,
			   (int) column->type_name.size, column->type_name.data, dbs_kind_name(column->kind), column->length,
			   column->scale, column->flags);
	}
}

/* Line by line, so that the difference is shown, not the table. */
static bool
compare(const Captured *c, char *server)
{
	char *a = c->rows, *b = server;
	bool same = true;

	while (*a != '\0' || *b != '\0')
	{
		size_t la = strcspn(a, "\n"), lb = strcspn(b, "\n");

		if (la != lb || memcmp(a, b, la) != 0)
		{
			printf("DIFFERENT in %s.%s\n  log:    %.*s\n  server: %.*s\n", c->schema, c->name, (int) la, a, (int) lb,
				   b);
			same = false;
		}
		a += la + (a[la] == '\n');
		b += lb + (b[lb] == '\n');
	}
	return same;
}

static bool
check_table(MYSQL *sql, Captured *c, bool mariadb)
{
	Outbox outbox = {0};
	char *server = NULL;
	bool same = true;

	fclose(c->out);
	if (!source_table_put(c->table, 1, &outbox, &failure))
		die("table");
	text.out = stdout;
	if (!row_text_all(&text, outbox.writer.data, outbox.writer.used))
		die("the table message cannot be read");
	print_columns(c);
	if (!c->only_inserts)
		fputs(c->rows, stdout);
	else if (server_rows(sql, c, mariadb, &server))
		same = compare(c, server);
	else
		same = false;
	free(server);
	stub_outbox_clear(&outbox);
	return same;
}

int
main(int argc, char **argv)
{
	MYSQL *sql;
	CharsetCatalog *catalog;
	char file[256];
	char *statements;
	unsigned offset;
	bool same = true;

	if (argc < 3)
		return 2;
	sql = open_server(argv[1]);
	catalog = charset_catalog_new(sql, &failure);
	if (catalog == NULL)
		die("catalogue");
	if (argc > 3)
	{
		hex = fopen(argv[3], "w");
		if (hex == NULL)
			die(argv[3]);
		fprintf(hex, "# %s: events of %s, and what they decode to\nflavour %s\n", mysql_get_server_info(sql),
				strrchr(argv[2], '/') == NULL ? argv[2] : strrchr(argv[2], '/') + 1,
				charset_catalog_flavour(catalog) == FLAVOUR_MARIADB ? "mariadb" : "mysql");
	}
	log_end(sql, file, &offset);
	statements = read_file(argv[2]);
	run(sql, statements);
	free(statements);
	read_log(argv[1], file, offset, catalog);
	for (size_t i = 0; i < captured_count; i++)
		same = check_table(sql, &captured[i], charset_catalog_flavour(catalog) == FLAVOUR_MARIADB) && same;
	if (hex != NULL)
		fclose(hex);
	for (size_t i = 0; i < captured_count; i++)
	{
		source_table_free(captured[i].table);
		free(captured[i].map);
		free(captured[i].rows);
	}
	charset_catalog_free(catalog);
	mysql_close(sql);
	puts(same ? "the same" : "DIFFERENT");
	return same ? 0 : 1;
}
