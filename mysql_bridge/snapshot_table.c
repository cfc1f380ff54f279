/*
 * Tables as a backfill reads them: see snapshot_table.h.
 *
 * Kinds, lengths and words of columns must be those of source_table.c, which reads them from the log.
 */
#include "snapshot_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "mysql_definition.h"
#include "pattern.h"
#include "table_cache.h"

#define SERVER_BAD_DATABASE 1049

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", "Give the bridge more memory.",
					   "no memory to describe a table of the source");
}

static MYSQL_RES *
ask(MYSQL *sql, const char *query, const char *doing, Failure *failure)
{
	MYSQL_RES *result = NULL;

	if (mysql_real_query(sql, query, (unsigned long) strlen(query)) == 0)
		result = mysql_store_result(sql);
	if (result == NULL)
		mysql_connection_failed(sql, doing, failure);
	return result;
}

/* ---- text ---- */

char *
snapshot_identifier(const char *name)
{
	char *text = malloc(2 * strlen(name) + 3);
	size_t at = 0;

	if (text == NULL)
		return NULL;
	text[at++] = '`';
	for (; *name != '\0'; name++)
	{
		if (*name == '`')
			text[at++] = '`';
		text[at++] = *name;
	}
	text[at++] = '`';
	text[at] = '\0';
	return text;
}

/* A query about one table: %s stands for schema and name as literals, in this order. */
static char *
query_about(MYSQL *sql, const char *format, const SnapshotTable *table)
{
	size_t schema_size = strlen(table->schema), name_size = strlen(table->name);
	char *schema = malloc(2 * schema_size + 1);
	char *name = malloc(2 * name_size + 1);
	char *query = NULL;

	if (schema != NULL && name != NULL)
	{
		size_t room = strlen(format) + 2 * schema_size + 2 * name_size + 16;
		const char *first = strstr(format, "%s");
		const char *second = strstr(first + 2, "%s");

		mysql_real_escape_string(sql, schema, table->schema, schema_size);
		mysql_real_escape_string(sql, name, table->name, name_size);
		query = malloc(room);
		if (query != NULL)
			snprintf(query, room, "%.*s'%s'%.*s'%s'%s", (int) (first - format), format, schema,
					 (int) (second - first - 2), first + 2, name, second + 2);
	}
	free(schema);
	free(name);
	return query;
}

/* ---- columns ---- */

/* A column as information_schema has it. */
typedef struct ColumnRow
{
	const char *name;
	const char *type;      /* "int" */
	const char *full_type; /* "int(10) unsigned" */
	uint32_t characters;
	uint32_t bytes;
	uint32_t precision;
	uint32_t scale;
	uint32_t fsp;
	bool nullable;
	bool is_unsigned;
} ColumnRow;

typedef struct TypeRule
{
	const char *type;
	uint8_t kind;
	uint8_t kind_unsigned;
	uint8_t op;
	uint8_t op_unsigned;
	const char *expression; /* %s: the column; NULL: the column itself */
} TypeRule;

static const TypeRule rules[] = {
	{"tinyint", DBS_KIND_INT2, DBS_KIND_INT2, RESULT_INT2, RESULT_INT2, NULL},
	{"smallint", DBS_KIND_INT2, DBS_KIND_INT4, RESULT_INT2, RESULT_INT4, NULL},
	{"mediumint", DBS_KIND_INT4, DBS_KIND_INT4, RESULT_INT4, RESULT_INT4, NULL},
	{"int", DBS_KIND_INT4, DBS_KIND_INT8, RESULT_INT4, RESULT_INT8, NULL},
	{"bigint", DBS_KIND_INT8, DBS_KIND_UINT8, RESULT_INT8, RESULT_UINT8, NULL},
	{"year", DBS_KIND_INT2, DBS_KIND_INT2, RESULT_INT2, RESULT_INT2, NULL},
	/* By itself a float is shown with six digits, and FLOAT(7,2) rounded; a product is shown whole, minus zero too. */
	{"float", DBS_KIND_FLOAT4, DBS_KIND_FLOAT4, RESULT_FLOAT4, RESULT_FLOAT4, "%s*1e0"},
	{"double", DBS_KIND_FLOAT8, DBS_KIND_FLOAT8, RESULT_FLOAT8, RESULT_FLOAT8, "%s*1e0"},
	{"decimal", DBS_KIND_NUMERIC, DBS_KIND_NUMERIC, RESULT_DECIMAL, RESULT_DECIMAL, NULL},
	{"date", DBS_KIND_DATE, 0, RESULT_DATE, 0, NULL},
	{"datetime", DBS_KIND_TIMESTAMP, 0, RESULT_DATETIME, 0, NULL},
	{"timestamp", DBS_KIND_TIMESTAMPTZ, 0, RESULT_DATETIME, 0, NULL},
	{"time", DBS_KIND_DURATION, 0, RESULT_TIME, 0, NULL},
	{"char", DBS_KIND_TEXT, 0, RESULT_TEXT, 0, NULL},
	{"varchar", DBS_KIND_TEXT, 0, RESULT_TEXT, 0, NULL},
	{"tinytext", DBS_KIND_TEXT, 0, RESULT_TEXT, 0, NULL},
	{"text", DBS_KIND_TEXT, 0, RESULT_TEXT, 0, NULL},
	{"mediumtext", DBS_KIND_TEXT, 0, RESULT_TEXT, 0, NULL},
	{"longtext", DBS_KIND_TEXT, 0, RESULT_TEXT, 0, NULL},
	{"binary", DBS_KIND_BYTES, 0, RESULT_BYTES, 0, NULL},
	{"varbinary", DBS_KIND_BYTES, 0, RESULT_BYTES, 0, NULL},
	{"tinyblob", DBS_KIND_BYTES, 0, RESULT_BYTES, 0, NULL},
	{"blob", DBS_KIND_BYTES, 0, RESULT_BYTES, 0, NULL},
	{"mediumblob", DBS_KIND_BYTES, 0, RESULT_BYTES, 0, NULL},
	{"longblob", DBS_KIND_BYTES, 0, RESULT_BYTES, 0, NULL},
	{"bit", DBS_KIND_BIT, 0, RESULT_BIT, 0, NULL},
	{"enum", DBS_KIND_LABEL, 0, RESULT_TEXT, 0, NULL},
	{"set", DBS_KIND_LABEL_LIST, 0, RESULT_LABEL_LIST, 0, NULL},
	{"json", DBS_KIND_JSON, 0, RESULT_TEXT, 0, NULL},
	{"vector", DBS_KIND_VECTOR, 0, RESULT_BYTES, 0, NULL},
	{"uuid", DBS_KIND_BYTES, 0, RESULT_BYTES, 0, "CAST(%s AS BINARY(16))"},
	{"inet6", DBS_KIND_BYTES, 0, RESULT_BYTES, 0, "CAST(%s AS BINARY(16))"},
	{"inet4", DBS_KIND_BYTES, 0, RESULT_BYTES, 0, "CAST(%s AS BINARY(4))"},
	{"geometry", DBS_KIND_GEOMETRY, 0, RESULT_GEOMETRY, 0, NULL},
	{"point", DBS_KIND_GEOMETRY, 0, RESULT_GEOMETRY, 0, NULL},
	{"linestring", DBS_KIND_GEOMETRY, 0, RESULT_GEOMETRY, 0, NULL},
	{"polygon", DBS_KIND_GEOMETRY, 0, RESULT_GEOMETRY, 0, NULL},
	{"multipoint", DBS_KIND_GEOMETRY, 0, RESULT_GEOMETRY, 0, NULL},
	{"multilinestring", DBS_KIND_GEOMETRY, 0, RESULT_GEOMETRY, 0, NULL},
	{"multipolygon", DBS_KIND_GEOMETRY, 0, RESULT_GEOMETRY, 0, NULL},
	{"geometrycollection", DBS_KIND_GEOMETRY, 0, RESULT_GEOMETRY, 0, NULL},
	{"geomcollection", DBS_KIND_GEOMETRY, 0, RESULT_GEOMETRY, 0, NULL},
};

static const TypeRule *
rule_of(const char *type)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (strcasecmp(rules[i].type, type) == 0)
			return &rules[i];
	return NULL;
}

static bool
is_one_of(const char *type, const char *words)
{
	size_t size = strlen(type);

	for (const char *at = words; *at != '\0';)
	{
		size_t word = strcspn(at, "|");

		if (word == size && strncasecmp(at, type, size) == 0)
			return true;
		at += word + (at[word] == '|');
	}
	return false;
}

/* The source's words for the type, as source_table.c writes them. */
static bool
set_type_name(DbsColumn *column, const ColumnRow *row)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return false;
	if (is_one_of(row->type, "enum|set"))
		fputs(row->full_type, out);
	else
	{
		fputs(strcasecmp(row->type, "geomcollection") == 0 ? "geometrycollection" : row->type, out);
		if (is_one_of(row->type, "decimal"))
			fprintf(out, "(%u,%u)", row->precision, row->scale);
		else if (is_one_of(row->type, "bit|char|varchar|binary|varbinary|vector"))
			fprintf(out, "(%u)", column->length);
		else if (is_one_of(row->type, "datetime|timestamp|time") && row->fsp > 0)
			fprintf(out, "(%u)", row->fsp);
		if (row->is_unsigned)
			fputs(" unsigned", out);
	}
	if (fclose(out) != 0)
	{
		free(text);
		return false;
	}
	column->type_name = (DbsString){text, (uint32_t) size};
	return true;
}

static void
set_lengths(DbsColumn *column, ResultColumn *result, const ColumnRow *row)
{
	if (is_one_of(row->type, "decimal"))
	{
		column->length = row->precision;
		column->scale = row->scale;
	}
	else if (is_one_of(row->type, "bit"))
	{
		column->length = row->precision;
		result->size = row->precision;
		if (row->precision == 1)
		{
			column->kind = DBS_KIND_BOOL;
			result->op = RESULT_BOOL;
		}
	}
	else if (is_one_of(row->type, "char|varchar"))
		column->length = row->characters;
	else if (is_one_of(row->type, "binary|varbinary"))
		column->length = row->bytes;
	else if (is_one_of(row->type, "datetime|timestamp|time"))
		column->length = row->fsp;
	else if (is_one_of(row->type, "vector"))
		column->length = row->bytes / 4;
}

/* Sixteen bytes of fixed length are a uuid where the stream says so; in the log MariaDB's own types look the same. */
static bool
is_sixteen_bytes(const ColumnRow *row)
{
	return (is_one_of(row->type, "binary") && row->bytes == 16) || is_one_of(row->type, "uuid|inet6");
}

static bool
set_column(SnapshotTable *table, uint32_t i, const ColumnRow *row, const StreamConfig *config, FILE *list,
		   Failure *failure)
{
	const TypeRule *rule = rule_of(row->type);
	DbsColumn *column = &table->columns[i];
	ResultColumn *result = &table->results[i];
	char *name = strdup(row->name);
	char *quoted = snapshot_identifier(row->name);

	if (name == NULL || quoted == NULL)
	{
		free(quoted);
		free(name);
		return no_memory(failure);
	}
	column->name = (DbsString){name, (uint32_t) strlen(name)};
	result->name = name;
	if (rule == NULL)
	{
		free(quoted);
		return failure_set(failure, FAILURE_REJECT, "unknown_type", "Exclude the table from the stream.",
						   "column \"%s\" of table \"%s.%s\" has the type %s, which is not known", row->name,
						   table->schema, table->name, row->full_type);
	}
	column->kind = row->is_unsigned ? rule->kind_unsigned : rule->kind;
	column->flags = row->nullable ? DBS_COLUMN_NULLABLE : 0;
	result->op = row->is_unsigned ? rule->op_unsigned : rule->op;
	set_lengths(column, result, row);
	if (config->binary16_as_uuid && is_sixteen_bytes(row))
	{
		column->kind = DBS_KIND_UUID;
		result->op = RESULT_UUID;
	}
	fputs(i > 0 ? ", " : "", list);
	if (rule->expression == NULL)
		fputs(quoted, list);
	else
	{
		const char *mark = strstr(rule->expression, "%s");

		fprintf(list, "%.*s%s%s", (int) (mark - rule->expression), rule->expression, quoted, mark + 2);
	}
	free(quoted);
	return set_type_name(column, row) || no_memory(failure);
}

static uint32_t
number_of(const char *text)
{
	unsigned long long value = text != NULL ? strtoull(text, NULL, 10) : 0;

	return value > UINT32_MAX ? UINT32_MAX : (uint32_t) value;
}

static const char columns_query[] =
	"SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_MAXIMUM_LENGTH, CHARACTER_OCTET_LENGTH, NUMERIC_PRECISION, "
	"NUMERIC_SCALE, DATETIME_PRECISION, IS_NULLABLE = 'YES', COLLATION_NAME FROM information_schema.COLUMNS "
	"WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION";

/* The recorded definition names the column; without one every column counts. */
static bool
is_recorded(struct json_object *recorded, const char *name)
{
	size_t count = recorded != NULL ? json_object_array_length(recorded) : 0;

	for (size_t i = 0; i < count; i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(json_object_array_get_idx(recorded, i), 0)),
				   name) == 0)
			return true;
	return recorded == NULL;
}

static void
define_column(struct json_object *definition, const char *name, const char *type, const char *collation)
{
	struct json_object *column = json_object_new_array();
	char text[300];

	snprintf(text, sizeof text, "%.200s%s%.90s", type, collation != NULL ? " " : "",
			 collation != NULL ? collation : "");
	json_object_array_add(column, json_object_new_string(name));
	json_object_array_add(column, json_object_new_string(text));
	json_object_array_add(definition, column);
}

static bool
read_columns(SnapshotTable *table, MYSQL_RES *result, const StreamConfig *config, struct json_object *recorded,
			 struct json_object *definition, FILE *list, Failure *failure)
{
	MYSQL_ROW fields;

	table->column_count = 0;
	while ((fields = mysql_fetch_row(result)) != NULL)
	{
		ColumnRow row = {
			.name = fields[0],
			.type = fields[1],
			.full_type = fields[2],
			.characters = number_of(fields[3]),
			.bytes = number_of(fields[4]),
			.precision = number_of(fields[5]),
			.scale = number_of(fields[6]),
			.fsp = number_of(fields[7]),
			.nullable = fields[8] != NULL && fields[8][0] == '1',
		};

		if (!is_recorded(recorded, row.name))
			continue;
		define_column(definition, row.name, row.full_type, fields[9]);
		row.is_unsigned = !is_one_of(row.type, "enum|set|year") && strstr(row.full_type, " unsigned") != NULL;
		if (!set_column(table, table->column_count++, &row, config, list, failure))
			return false;
	}
	return true;
}

static bool
describe_columns(SnapshotTable *table, MYSQL *sql, const StreamConfig *config, struct json_object *recorded,
				 struct json_object *definition, FILE *list, Failure *failure)
{
	char *query = query_about(sql, columns_query, table);
	MYSQL_RES *result;
	size_t count;
	bool done;

	if (query == NULL)
		return no_memory(failure);
	result = ask(sql, query, "reading the columns of a table", failure);
	free(query);
	if (result == NULL)
		return false;
	count = (size_t) mysql_num_rows(result);
	table->gone = count == 0;
	table->columns = calloc(count + 1, sizeof *table->columns);
	table->results = calloc(count + 1, sizeof *table->results);
	done = table->columns != NULL && table->results != NULL
			   ? read_columns(table, result, config, recorded, definition, list, failure)
			   : no_memory(failure);
	mysql_free_result(result);
	return done;
}

/* ---- key ---- */

static int
column_index(const SnapshotTable *table, const char *name)
{
	for (uint32_t i = 0; i < table->column_count; i++)
		if (strcasecmp(table->columns[i].name.data, name) == 0)
			return (int) i;
	return -1;
}

/* Rows can be told apart, sorted and compared by this column, exactly. */
static bool
fit_for_key(const DbsColumn *column)
{
	if (column->flags & DBS_COLUMN_NULLABLE)
		return false;
	switch (column->kind)
	{
		case DBS_KIND_FLOAT4:
		case DBS_KIND_FLOAT8:
		case DBS_KIND_JSON:
		case DBS_KIND_GEOMETRY:
		case DBS_KIND_VECTOR:
			return false;
		default:
			return true;
	}
}

/* What compares otherwise than it is shown is selected once more, behind the columns. */
static bool
select_extra(SnapshotKey *key, const char *format, const char *quoted, int *extras, FILE *list)
{
	size_t room = strlen(format) + strlen(quoted) + 1;
	const char *mark = strstr(format, "%s");

	key->extra = (*extras)++;
	key->selected = malloc(room);
	if (key->selected == NULL)
		return false;
	snprintf(key->selected, room, "%.*s%s%s", (int) (mark - format), format, quoted, mark + 2);
	fprintf(list, ", %s", key->selected);
	return true;
}

static bool
add_key(SnapshotTable *table, int column, bool descending, int *extras, FILE *list)
{
	SnapshotKey *key = &table->keys[table->key_count++];
	const char *type = table->columns[column].type_name.data;
	uint8_t kind = table->columns[column].kind;
	char *quoted = snapshot_identifier(table->columns[column].name.data);

	*key = (SnapshotKey){.column = (uint32_t) column, .expression = quoted, .descending = descending, .extra = -1};
	if (quoted == NULL)
		return false;
	key->bytes = kind == DBS_KIND_BYTES || kind == DBS_KIND_UUID;
	key->text = kind == DBS_KIND_TEXT;
	key->number = kind == DBS_KIND_INT2 || kind == DBS_KIND_INT4 || kind == DBS_KIND_INT8 || kind == DBS_KIND_UINT8 ||
				  kind == DBS_KIND_NUMERIC;
	if (kind == DBS_KIND_BYTES && strstr(type, "binary") == NULL && strstr(type, "blob") == NULL)
	{
		/* MariaDB's uuid and addresses are compared with their own text. */
		key->bytes = false;
		return select_extra(key, "CAST(%s AS CHAR)", quoted, extras, list);
	}
	if (kind == DBS_KIND_LABEL || kind == DBS_KIND_LABEL_LIST || kind == DBS_KIND_BIT || kind == DBS_KIND_BOOL)
	{
		/* Labels are sorted by their number, but compared as texts: let both be the number. */
		bool done = select_extra(key, "(%s+0)", quoted, extras, list);

		key->number = true;
		free(quoted);
		key->expression = done ? strdup(key->selected) : NULL;
		return key->expression != NULL;
	}
	key->selected = strdup(quoted);
	return key->selected != NULL;
}

/* The primary key first, then other unique ones; columns in their order. */
static const char keys_query[] =
	"SELECT INDEX_NAME, COLUMN_NAME, SUB_PART IS NOT NULL, COALESCE(COLLATION, '') = 'D' FROM "
	"information_schema.STATISTICS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND NON_UNIQUE = 0 ORDER BY INDEX_NAME "
	"<> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX";

typedef struct IndexColumns
{
	const char *name;
	int columns[SNAPSHOT_KEY_MAX];
	bool descending[SNAPSHOT_KEY_MAX];
	uint32_t count;
	bool fit;
} IndexColumns;

/* Rows of the result from *at on that belong to one index. */
static void
next_index(const SnapshotTable *table, MYSQL_ROW *rows, size_t count, size_t *at, IndexColumns *index)
{
	index->name = rows[*at][0];
	index->count = 0;
	index->fit = true;
	for (; *at < count && strcmp(rows[*at][0], index->name) == 0; (*at)++)
	{
		const char *column = rows[*at][1];
		int place = column != NULL ? column_index(table, column) : -1;

		if (place < 0 || rows[*at][2][0] == '1' || index->count == SNAPSHOT_KEY_MAX ||
			!fit_for_key(&table->columns[place]))
			index->fit = false;
		else
		{
			index->descending[index->count] = rows[*at][3][0] == '1';
			index->columns[index->count++] = place;
		}
	}
}

static bool
use_index(SnapshotTable *table, const IndexColumns *index, FILE *list)
{
	int extras = 0;

	table->key_index = snapshot_identifier(index->name);
	for (uint32_t i = 0; i < index->count; i++)
	{
		if (!add_key(table, index->columns[i], index->descending[i], &extras, list))
			return false;
		table->columns[index->columns[i]].flags |= DBS_COLUMN_KEY;
	}
	return table->key_index != NULL;
}

static bool
describe_key(SnapshotTable *table, MYSQL *sql, FILE *list, Failure *failure)
{
	char *query = query_about(sql, keys_query, table);
	MYSQL_RES *result;
	MYSQL_ROW *rows;
	size_t count, at = 0;
	bool done = true;

	if (query == NULL)
		return no_memory(failure);
	result = ask(sql, query, "reading the keys of a table", failure);
	free(query);
	if (result == NULL)
		return false;
	count = (size_t) mysql_num_rows(result);
	rows = calloc(count + 1, sizeof *rows);
	for (size_t i = 0; rows != NULL && i < count; i++)
		rows[i] = mysql_fetch_row(result);
	while (rows != NULL && at < count && table->key_count == 0 && done)
	{
		IndexColumns index;

		next_index(table, rows, count, &at, &index);
		if (index.fit)
			done = use_index(table, &index, list);
	}
	done = (done && rows != NULL) || no_memory(failure);
	free(rows);
	mysql_free_result(result);
	return done;
}

/* ---- the table ---- */

/* The words of the definition, with the key's columns marked in their order. */
static bool
finish_definition(SnapshotTable *table, struct json_object *definition)
{
	for (uint32_t k = 0; k < table->key_count; k++)
	{
		struct json_object *column = json_object_array_get_idx(definition, table->keys[k].column);
		char text[300];

		snprintf(text, sizeof text, "key %u %.200s%s", k + 1, table->key_index,
				 table->keys[k].descending ? " descending" : "");
		json_object_array_add(column, json_object_new_string(text));
	}
	table->definition = strdup(json_object_to_json_string_ext(definition, JSON_C_TO_STRING_PLAIN));
	return table->definition != NULL;
}

static bool
describe_parts(SnapshotTable *table, MYSQL *sql, const StreamConfig *config, struct json_object *recorded,
			   struct json_object *definition, FILE *list, Failure *failure)
{
	bool gone = false;

	if (!mysql_definition_read(sql, table->schema, table->name, &table->create_sql, &gone, failure))
		return false;
	table->gone = gone;
	if (gone)
		return true;
	if (!describe_columns(table, sql, config, recorded, definition, list, failure))
		return false;
	if (table->gone)
		return true;
	if (!describe_key(table, sql, list, failure))
		return false;
	if (!finish_definition(table, definition))
		return no_memory(failure);
	table->changed = recorded != NULL && !json_object_equal(recorded, definition);
	return true;
}

bool
snapshot_table_describe(SnapshotTable *table, MYSQL *sql, ServerFlavour flavour, const StreamConfig *config,
						const char *words, Failure *failure)
{
	size_t size;
	FILE *list = open_memstream(&table->select_list, &size);
	struct json_object *recorded = words != NULL ? json_tokener_parse(words) : NULL;
	struct json_object *definition = json_object_new_array();
	bool done;

	if (list == NULL || definition == NULL)
		done = no_memory(failure);
	else
		done = describe_parts(table, sql, config, recorded, definition, list, failure);
	if (list != NULL && fclose(list) != 0)
		done = no_memory(failure);
	json_object_put(definition);
	json_object_put(recorded);
	return done;
}

static const char tables_query[] =
	"SELECT TABLE_SCHEMA, TABLE_NAME, COALESCE(TABLE_ROWS, 0), COALESCE(DATA_LENGTH, 0), COALESCE(ENGINE, '') FROM "
	"information_schema.TABLES WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND TABLE_SCHEMA NOT IN "
	"('mysql', 'information_schema', 'performance_schema', 'sys') ORDER BY DATA_LENGTH DESC, TABLE_SCHEMA, TABLE_NAME";

bool
snapshot_tables_list(MYSQL *sql, const StreamConfig *config, SnapshotTable **tables, size_t *count, Failure *failure)
{
	MYSQL_RES *result = ask(sql, tables_query, "listing tables", failure);
	bool done = true;
	MYSQL_ROW row;

	*count = 0;
	*tables = NULL;
	if (result == NULL)
		return false;
	*tables = calloc((size_t) mysql_num_rows(result) + 1, sizeof **tables);
	if (*tables == NULL)
		done = no_memory(failure);
	while (done && (row = mysql_fetch_row(result)) != NULL)
	{
		SnapshotTable *table = &(*tables)[*count];

		if (row[0] == NULL || row[1] == NULL || table_name_is_own(row[1]) ||
			!dbs_pattern_selects((const char *const *) config->tables, row[0], strlen(row[0]), row[1], strlen(row[1])))
			continue;
		table->schema = strdup(row[0]);
		table->name = strdup(row[1]);
		table->rows_estimated = strtoull(row[2], NULL, 10);
		table->bytes_estimated = strtoull(row[3], NULL, 10);
		table->locks = !is_one_of(row[4], "InnoDB|ROCKSDB|TokuDB");
		(*count)++;
		if (table->schema == NULL || table->name == NULL)
			done = no_memory(failure);
	}
	mysql_free_result(result);
	return done;
}

bool
snapshot_table_begin(SnapshotTable *table, Failure *failure)
{
	table->ranges = snapshot_range_new(1, NULL, NULL, table->key_count);
	table->last_range = 1;
	return table->ranges != NULL || no_memory(failure);
}

static void
forget_ranges(SnapshotTable *table)
{
	while (table->ranges != NULL)
	{
		SnapshotRange *next = table->ranges->next;

		snapshot_range_free(table->ranges, table->key_count);
		table->ranges = next;
	}
	table->last_range = 0;
}

void
snapshot_table_reset(SnapshotTable *table)
{
	forget_ranges(table);
	for (uint32_t c = 0; c < table->column_count; c++)
	{
		free((char *) table->columns[c].name.data);
		free((char *) table->columns[c].type_name.data);
	}
	for (uint32_t k = 0; k < table->key_count; k++)
	{
		free(table->keys[k].expression);
		free(table->keys[k].selected);
	}
	free(table->columns);
	free(table->results);
	free(table->select_list);
	free(table->key_index);
	free(table->create_sql);
	free(table->definition);
	free(table->position);
	table->columns = NULL;
	table->results = NULL;
	table->select_list = table->key_index = table->create_sql = table->definition = table->position = NULL;
	table->column_count = table->key_count = table->wire_id = 0;
	table->copied = false;
	table->gone = table->changed = false;
	table->rows_done = table->chunk_rows = 0;
}

void
snapshot_tables_free(SnapshotTable *tables, size_t count)
{
	for (size_t i = 0; tables != NULL && i < count; i++)
	{
		snapshot_table_reset(&tables[i]);
		free(tables[i].schema);
		free(tables[i].name);
	}
	free(tables);
}
