#include "mysql_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "sql_buffer.h"
#include "target_failure.h"

/* The longest VARCHAR that is made: longer texts become LONGTEXT, since a row of MySQL has 65,535 bytes in all. */
#define MAX_VARCHAR 4000
#define KEY_VARCHAR 255

static char *
copy_string(DbsString string)
{
	char *copy = malloc((size_t) string.size + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, string.data, string.size);
	copy[string.size] = '\0';
	return copy;
}

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a table of the target");
}

static bool
begins(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

static bool
ends(const char *text, const char *word)
{
	size_t size = strlen(text);
	size_t word_size = strlen(word);

	return size >= word_size && strcmp(text + size - word_size, word) == 0;
}

/* ---- making a table ---- */

static void
text_type(SqlBuffer *sql, const DbsColumn *column, const char *type_name, bool key)
{
	if (begins(type_name, "character(") && column->length <= 255)
		sql_buffer_format(sql, "char(%u)", column->length);
	else if (column->length > 0 && column->length <= (key ? KEY_VARCHAR : MAX_VARCHAR))
		sql_buffer_format(sql, "varchar(%u)", column->length);
	else if (key)
		sql_buffer_format(sql, "varchar(%u)", KEY_VARCHAR);
	else
		sql_buffer_text(sql, "longtext");
}

/* Types that travel in their text form. */
static void
typed_text_type(SqlBuffer *sql, const char *type_name, bool key)
{
	static const char *const short_types[][2] = {{"oid", "int unsigned"},     {"inet", "varchar(64)"},
												 {"cidr", "varchar(64)"},     {"macaddr", "varchar(64)"},
												 {"macaddr8", "varchar(64)"}, {"time with time zone", "varchar(32)"}};

	for (size_t i = 0; i < sizeof short_types / sizeof short_types[0]; i++)
	{
		if (strcmp(type_name, short_types[i][0]) == 0)
		{
			sql_buffer_text(sql, short_types[i][1]);
			return;
		}
	}
	if (key)
		sql_buffer_format(sql, "varchar(%u)", KEY_VARCHAR);
	else
		sql_buffer_text(sql, "longtext");
}

static void
column_type(SqlBuffer *sql, const DbsColumn *column, const char *type_name, bool key)
{
	switch ((DbsKind) column->kind)
	{
		case DBS_KIND_BOOL:
			sql_buffer_text(sql, "tinyint(1)");
			return;
		case DBS_KIND_INT2:
			sql_buffer_text(sql, "smallint");
			return;
		case DBS_KIND_INT4:
			sql_buffer_text(sql, "int");
			return;
		case DBS_KIND_INT8:
			sql_buffer_text(sql, "bigint");
			return;
		case DBS_KIND_UINT8:
			sql_buffer_text(sql, "bigint unsigned");
			return;
		case DBS_KIND_FLOAT4:
			sql_buffer_text(sql, "float");
			return;
		case DBS_KIND_FLOAT8:
			sql_buffer_text(sql, "double");
			return;
		case DBS_KIND_NUMERIC:
			if (column->length >= 1 && column->length <= 65 && column->scale <= 30 && column->scale <= column->length)
				sql_buffer_format(sql, "decimal(%u,%u)", column->length, column->scale);
			else
				sql_buffer_text(sql, key ? "varchar(255)" : "longtext");
			return;
		case DBS_KIND_DATE:
			sql_buffer_text(sql, "date");
			return;
		case DBS_KIND_TIME:
		case DBS_KIND_DURATION:
			sql_buffer_format(sql, "time(%u)", column->length > 6 ? 6 : column->length);
			return;
		case DBS_KIND_TIMESTAMP:
		case DBS_KIND_TIMESTAMPTZ:
			sql_buffer_format(sql, "datetime(%u)", column->length > 6 ? 6 : column->length);
			return;
		case DBS_KIND_INTERVAL:
			sql_buffer_text(sql, "varchar(64)");
			return;
		case DBS_KIND_BYTES:
			sql_buffer_text(sql, key ? "varbinary(255)" : "longblob");
			return;
		case DBS_KIND_JSON:
			sql_buffer_text(sql, "json");
			return;
		case DBS_KIND_BIT:
			if (begins(type_name, "bit(") && column->length >= 1 && column->length <= 64)
				sql_buffer_format(sql, "bit(%u)", column->length);
			else
				sql_buffer_text(sql, key ? "varchar(255)" : "longtext");
			return;
		case DBS_KIND_UUID:
			sql_buffer_text(sql, "char(36)");
			return;
		case DBS_KIND_LABEL:
			sql_buffer_text(sql, "varchar(63)");
			return;
		case DBS_KIND_TEXT:
			text_type(sql, column, type_name, key);
			return;
		default:
			typed_text_type(sql, type_name, key);
	}
}

/*
 * CREATE TABLE from the message alone: columns, NOT NULL and the primary key. The comment in front lets a stream in the
 * other direction see where the statement came from.
 */
static void
create_statement(SqlBuffer *sql, const MysqlTable *table, const DbsColumn *columns, char *const *type_names,
				 ServerFlavour flavour)
{
	bool first = true;

	sql_buffer_text(sql, TARGET_DDL_MARK " CREATE TABLE ");
	sql_buffer_text(sql, table->quoted);
	sql_buffer_text(sql, " (");
	for (uint32_t i = 0; i < table->column_count; i++)
	{
		bool key = (columns[i].flags & DBS_COLUMN_KEY) != 0;

		if (i > 0)
			sql_buffer_text(sql, ", ");
		sql_buffer_name(sql, columns[i].name.data, columns[i].name.size);
		sql_buffer_text(sql, " ");
		column_type(sql, &columns[i], type_names[i], key);
		if ((columns[i].flags & DBS_COLUMN_NULLABLE) == 0)
			sql_buffer_text(sql, " NOT NULL");
	}
	for (uint32_t i = 0; i < table->column_count; i++)
	{
		if ((columns[i].flags & DBS_COLUMN_KEY) == 0)
			continue;
		sql_buffer_text(sql, first ? ", PRIMARY KEY (" : ", ");
		sql_buffer_name(sql, columns[i].name.data, columns[i].name.size);
		first = false;
	}
	if (!first)
		sql_buffer_text(sql, ")");
	/* PostgreSQL compares texts by their bytes, without padding: so must the keys here. */
	sql_buffer_text(sql, flavour == FLAVOUR_MARIADB
							 ? ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin"
							 : ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin");
}

static bool
run(MYSQL *meta, const SqlBuffer *sql, const char *doing, Failure *failure)
{
	if (!sql_buffer_ok(sql))
		return no_memory(failure);
	return mysql_real_query(meta, sql->data, (unsigned long) sql->used) == 0 || target_failed(meta, doing, failure);
}

/*
 * CREATE DATABASE IF NOT EXISTS of one that is there waits for every transaction with a lock on it: the stream's own,
 * which waits for this.
 */
static bool
schema_present(MYSQL *meta, const char *schema, bool *present, Failure *failure)
{
	SqlBuffer sql = {0};
	MYSQL_RES *result;
	bool ok;

	sql_buffer_text(&sql, "SELECT 1 FROM information_schema.schemata WHERE schema_name = ");
	sql_buffer_quoted(&sql, schema, strlen(schema));
	ok = run(meta, &sql, "looking at the target's databases", failure);
	sql_buffer_free(&sql);
	if (!ok)
		return false;
	result = mysql_store_result(meta);
	if (result == NULL)
		return target_failed(meta, "looking at the target's databases", failure);
	*present = mysql_num_rows(result) > 0;
	mysql_free_result(result);
	return true;
}

static bool
create_table(MYSQL *meta, const MysqlTable *table, const DbsColumn *columns, char *const *type_names,
			 ServerFlavour flavour, Failure *failure)
{
	SqlBuffer sql = {0};
	char doing[300];
	bool present = false;
	bool ok = schema_present(meta, table->schema, &present, failure);

	snprintf(doing, sizeof doing, "creating table %s", table->quoted);
	if (ok && !present)
	{
		sql_buffer_text(&sql, TARGET_DDL_MARK " CREATE DATABASE IF NOT EXISTS ");
		sql_buffer_name(&sql, table->schema, strlen(table->schema));
		ok = run(meta, &sql, doing, failure);
		sql_buffer_reset(&sql, SIZE_MAX);
	}
	create_statement(&sql, table, columns, type_names, flavour);
	ok = ok && run(meta, &sql, doing, failure);
	sql_buffer_free(&sql);
	if (ok)
		log_line(LOG_LEVEL_INFO, NULL, "created table %s at the target", table->quoted);
	return ok;
}

/* ---- matching columns ---- */

static MysqlClass
class_of(const char *type)
{
	static const struct
	{
		const char *type;
		MysqlClass class;
	} classes[] = {
		{"tinyint", MYSQL_CLASS_INTEGER},   {"smallint", MYSQL_CLASS_INTEGER},  {"mediumint", MYSQL_CLASS_INTEGER},
		{"int", MYSQL_CLASS_INTEGER},       {"bigint", MYSQL_CLASS_INTEGER},    {"year", MYSQL_CLASS_INTEGER},
		{"decimal", MYSQL_CLASS_DECIMAL},   {"float", MYSQL_CLASS_FLOAT},       {"double", MYSQL_CLASS_DOUBLE},
		{"date", MYSQL_CLASS_DATE},         {"datetime", MYSQL_CLASS_DATETIME}, {"timestamp", MYSQL_CLASS_DATETIME},
		{"time", MYSQL_CLASS_TIME},         {"bit", MYSQL_CLASS_BIT},           {"json", MYSQL_CLASS_JSON},
		{"set", MYSQL_CLASS_SET},           {"vector", MYSQL_CLASS_VECTOR},     {"binary", MYSQL_CLASS_BINARY},
		{"varbinary", MYSQL_CLASS_BINARY},  {"tinyblob", MYSQL_CLASS_BINARY},   {"blob", MYSQL_CLASS_BINARY},
		{"mediumblob", MYSQL_CLASS_BINARY}, {"longblob", MYSQL_CLASS_BINARY}};
	static const char *const geometries[] = {"geometry",        "point",        "linestring",
											 "polygon",         "multipoint",   "geomcollection",
											 "multilinestring", "multipolygon", "geometrycollection"};

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
	{
		if (strcasecmp(type, classes[i].type) == 0)
			return classes[i].class;
	}
	for (size_t i = 0; i < sizeof geometries / sizeof geometries[0]; i++)
	{
		if (strcasecmp(type, geometries[i]) == 0)
			return MYSQL_CLASS_GEOMETRY;
	}
	return MYSQL_CLASS_TEXT;
}

/*
 * Not where MySQL or PostgreSQL gives a value other words than the ones it was written in: padding, the order of a
 * set, the spelling of a document, an address or an interval.
 */
static bool
reads_back(const MysqlColumn *column, const char *type)
{
	switch (column->class)
	{
		case MYSQL_CLASS_TEXT:
			return (column->kind == DBS_KIND_TEXT && strcasecmp(type, "char") != 0) || column->kind == DBS_KIND_LABEL;
		case MYSQL_CLASS_BINARY:
			return strcasecmp(type, "binary") != 0;
		case MYSQL_CLASS_SET:
		case MYSQL_CLASS_GEOMETRY:
		case MYSQL_CLASS_VECTOR:
			return false;
		default:
			return true;
	}
}

static MysqlColumn *
find_column(MysqlTable *table, const char *name)
{
	/* MySQL's column names do not differ by case alone. */
	for (uint32_t i = 0; i < table->column_count; i++)
	{
		if (strcasecmp(table->columns[i].name, name) == 0)
			return &table->columns[i];
	}
	return NULL;
}

/* What the target has; *found says whether the table is there at all. matched has a flag for each column. */
static bool
match_columns(MYSQL *meta, MysqlTable *table, bool *matched, bool *found, Failure *failure)
{
	SqlBuffer sql = {0};
	MYSQL_RES *result;
	MYSQL_ROW row;
	bool ok;

	*found = false;
	sql_buffer_text(&sql, "SELECT column_name, data_type, coalesce(numeric_precision, 0), coalesce(datetime_precision, "
						  "numeric_scale, 0), coalesce(generation_expression, '') <> '', "
						  "least(coalesce(character_maximum_length, 0), 65535) FROM "
						  "information_schema.columns WHERE table_schema = ");
	sql_buffer_quoted(&sql, table->schema, strlen(table->schema));
	sql_buffer_text(&sql, " AND table_name = ");
	sql_buffer_quoted(&sql, table->name, strlen(table->name));
	ok = run(meta, &sql, "looking at the target's columns", failure);
	sql_buffer_free(&sql);
	if (!ok)
		return false;
	result = mysql_store_result(meta);
	if (result == NULL)
		return target_failed(meta, "looking at the target's columns", failure);
	while ((row = mysql_fetch_row(result)) != NULL)
	{
		MysqlColumn *column = find_column(table, row[0]);

		*found = true;
		if (column == NULL)
			continue;
		matched[column - table->columns] = true;
		column->class = class_of(row[1]);
		column->reads_back = reads_back(column, row[1]);
		column->width = (unsigned) strtoul(row[2], NULL, 10);
		column->scale = (unsigned) strtoul(row[3], NULL, 10);
		column->generated = row[4][0] == '1';
		column->length = (unsigned) strtoul(row[5], NULL, 10);
		column->strips = strcasecmp(row[1], "char") == 0 && column->strips;
	}
	mysql_free_result(result);
	return true;
}

/* What an engine without transactions takes stays when the position beside it is rolled back, and would come twice. */
static bool
require_transactions(MYSQL *meta, const MysqlTable *table, Failure *failure)
{
	static const char doing[] = "looking at the target's engines";
	SqlBuffer sql = {0};
	MYSQL_RES *result;
	MYSQL_ROW row;
	bool ok;

	sql_buffer_text(&sql,
					"SELECT t.engine FROM information_schema.tables t JOIN information_schema.engines e ON e.engine = "
					"t.engine WHERE e.transactions <> 'YES' AND t.table_schema = ");
	sql_buffer_quoted(&sql, table->schema, strlen(table->schema));
	sql_buffer_text(&sql, " AND t.table_name = ");
	sql_buffer_quoted(&sql, table->name, strlen(table->name));
	ok = run(meta, &sql, doing, failure);
	sql_buffer_free(&sql);
	result = ok ? mysql_store_result(meta) : NULL;
	if (result == NULL)
		return ok && target_failed(meta, doing, failure);
	row = mysql_fetch_row(result);
	if (row != NULL)
	{
		char hint[400];

		snprintf(hint, sizeof hint, "ALTER TABLE %s ENGINE = InnoDB; at the target, then dbstream.resume_stream().",
				 table->quoted);
		ok =
			failure_set(failure, FAILURE_REJECT, "target_engine", hint,
						"table %s at the target has the engine %s, which has no transactions: a crash would leave rows "
						"twice or in part",
						table->quoted, row[0]);
	}
	mysql_free_result(result);
	return ok;
}

static bool
require_all(const MysqlTable *table, const bool *matched, Failure *failure)
{
	for (uint32_t i = 0; i < table->column_count; i++)
	{
		if (!matched[i])
			return failure_set(failure, FAILURE_REJECT, "target_column_missing",
							   "Add the column at the target, or leave the table out of the stream.",
							   "table %s at the target has no column \"%s\"", table->quoted, table->columns[i].name);
	}
	return true;
}

/* ---- the table ---- */

static void
put_column_list(SqlBuffer *sql, const MysqlTable *table)
{
	sql_buffer_text(sql, " (");
	for (uint32_t i = 0; i < table->column_count; i++)
	{
		if (i > 0)
			sql_buffer_text(sql, ",");
		sql_buffer_name(sql, table->columns[i].name, strlen(table->columns[i].name));
	}
	sql_buffer_text(sql, ")");
}

/* Literals with a prefix or in a function are none that LOAD DATA reads: bytes, bits, geometries, vectors. */
static bool
column_loadable(const MysqlColumn *column)
{
	return !column->generated && column->class != MYSQL_CLASS_BINARY && column->class != MYSQL_CLASS_BIT &&
		   column->class != MYSQL_CLASS_GEOMETRY && column->class != MYSQL_CLASS_VECTOR &&
		   column->kind != DBS_KIND_BYTES && column->kind != DBS_KIND_BIT;
}

/* What inserts begin with. A line of LOAD DATA has literals as VALUES has them: quoted and escaped in the same way. */
static bool
write_insert(MysqlTable *table, Failure *failure)
{
	SqlBuffer sql = {0};
	SqlBuffer load = {0};

	sql_buffer_text(&sql, "INSERT INTO ");
	sql_buffer_text(&sql, table->quoted);
	put_column_list(&sql, table);
	sql_buffer_add(&sql, " VALUES ", sizeof " VALUES "); /* with its terminator */
	table->insert = sql.data;
	sql_buffer_text(&load, "LOAD DATA LOCAL INFILE 'dbstream' INTO TABLE ");
	sql_buffer_text(&load, table->quoted);
	sql_buffer_text(&load, " CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' ENCLOSED BY '\\'' ESCAPED BY '\\\\'"
						   " LINES TERMINATED BY '\\n'");
	put_column_list(&load, table);
	sql_buffer_add(&load, "", 1);
	table->load = load.data;
	table->loadable = true;
	for (uint32_t i = 0; i < table->column_count; i++)
		table->loadable = table->loadable && column_loadable(&table->columns[i]);
	return (sql_buffer_ok(&sql) && sql_buffer_ok(&load)) || no_memory(failure);
}

/* Blanks at the end of a CHAR mean nothing at the source either. */
static bool
is_padded(const char *type_name)
{
	return strcasecmp(type_name, "char") == 0 || strncasecmp(type_name, "char(", 5) == 0 ||
		   strcmp(type_name, "character") == 0 || strncmp(type_name, "character(", 10) == 0 ||
		   strcmp(type_name, "bpchar") == 0;
}

static bool
read_columns(MysqlTable *table, DbsReader *reader, DbsColumn *columns, char **type_names, ServerFlavour flavour,
			 Failure *failure)
{
	for (uint32_t i = 0; i < table->column_count; i++)
	{
		MysqlColumn *column = &table->columns[i];

		if (!dbs_get_column(reader, &columns[i]))
			return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a table message is malformed: %s",
							   reader->error);
		column->name = copy_string(columns[i].name);
		type_names[i] = copy_string(columns[i].type_name);
		if (column->name == NULL || type_names[i] == NULL)
			return no_memory(failure);
		column->kind = columns[i].kind;
		column->key = (columns[i].flags & DBS_COLUMN_KEY) != 0;
		column->is_array = ends(type_names[i], "[]");
		column->strips = !is_padded(type_names[i]);
		column->flavour = flavour;
		table->keyed = table->keyed || column->key;
	}
	return true;
}

static bool
open_columns(MYSQL *meta, MysqlTable *table, ServerFlavour flavour, const StreamConfig *config, DbsReader *reader,
			 Failure *failure)
{
	DbsColumn *columns = calloc(table->column_count, sizeof *columns);
	char **type_names = calloc(table->column_count, sizeof *type_names);
	bool *matched = calloc(table->column_count, sizeof *matched);
	bool found = false;
	bool ok;

	table->columns = calloc(table->column_count, sizeof *table->columns);
	if (columns == NULL || type_names == NULL || matched == NULL || table->columns == NULL)
		ok = no_memory(failure);
	else
	{
		ok = read_columns(table, reader, columns, type_names, flavour, failure) &&
			 match_columns(meta, table, matched, &found, failure);
		if (ok && !found && config->relay)
			ok = failure_set(
				failure, FAILURE_REJECT, "target_table_missing",
				"Make it there with the source's SHOW CREATE TABLE (mysqldump --no-data writes it), or leave "
				"it out of the stream.",
				"there is no table %s at the target", table->quoted);
		else if (ok && !found)
			ok = create_table(meta, table, columns, type_names, flavour, failure) &&
				 match_columns(meta, table, matched, &found, failure);
		ok = ok && require_all(table, matched, failure) && require_transactions(meta, table, failure);
	}
	for (uint32_t i = 0; type_names != NULL && i < table->column_count; i++)
		free(type_names[i]);
	free(type_names);
	free(columns);
	free(matched);
	return ok;
}

MysqlTable *
mysql_table_open(MYSQL *meta, ServerFlavour flavour, const StreamConfig *config, DbsReader *reader, Failure *failure)
{
	MysqlTable *table = calloc(1, sizeof *table);
	SqlBuffer quoted = {0};
	DbsTable message;

	if (table == NULL || !dbs_get_table(reader, &message))
	{
		failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "a table message is malformed");
		free(table);
		return NULL;
	}
	table->id = message.id;
	table->column_count = message.column_count;
	table->source_schema = copy_string(message.schema);
	table->schema = table->source_schema != NULL ? strdup(stream_config_schema(config, table->source_schema)) : NULL;
	table->name = copy_string(message.name);
	if (table->schema != NULL && table->name != NULL)
	{
		sql_buffer_name(&quoted, table->schema, strlen(table->schema));
		sql_buffer_text(&quoted, ".");
		sql_buffer_name(&quoted, table->name, strlen(table->name));
		sql_buffer_add(&quoted, "", 1);
		table->quoted = quoted.data;
	}
	if (table->quoted == NULL || !sql_buffer_ok(&quoted))
		no_memory(failure);
	else if (open_columns(meta, table, flavour, config, reader, failure) && write_insert(table, failure))
		return table;
	mysql_table_free(table);
	return NULL;
}

void
mysql_table_free(MysqlTable *table)
{
	if (table == NULL)
		return;
	for (uint32_t i = 0; table->columns != NULL && i < table->column_count; i++)
		free(table->columns[i].name);
	free(table->columns);
	free(table->source_schema);
	free(table->schema);
	free(table->name);
	free(table->quoted);
	free(table->insert);
	free(table->load);
	free(table);
}
