#include "mysql_target_tables.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "target_statement.h"

/* A table of this name is nowhere; a right that is missing is told before that. */
#define NO_TABLE "dbstream_no_such_table"
#define MAX_TEXT 300
#define UNKNOWN_SIZE UINT64_MAX

typedef struct Tables
{
	const StreamConfig *config;
	MYSQL *mysql;
	CheckSink sink;
	void *context;
	char user[300]; /* 'writer'@'%' */
	unsigned compared;
	unsigned missing; /* tables that are not there yet */
} Tables;

static void put(const Tables *tables, const char *name, const char *object, const char *status, const char *remedy,
				const char *format, ...) __attribute__((format(printf, 6, 7)));

static void
put(const Tables *tables, const char *name, const char *object, const char *status, const char *remedy,
	const char *format, ...)
{
	Check check = {.name = name, .status = status};
	va_list arguments;

	snprintf(check.object, sizeof check.object, "%s", object);
	snprintf(check.remedy, sizeof check.remedy, "%s", remedy);
	va_start(arguments, format);
	(void) vsnprintf(check.detail, sizeof check.detail, format, arguments);
	va_end(arguments);
	tables->sink(tables->context, &check);
}

static const char *
member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(object, name, &value) ? json_object_get_string(value) : "";
}

/* ---- rights ---- */

/* Does the server refuse the statement, which cannot do anything, for want of a right? */
static bool
denied(const Tables *tables, const char *before, const char *schema, const char *table, const char *after)
{
	SqlBuffer sql = {0};
	unsigned number = 0;
	MYSQL_RES *result;

	sql_buffer_text(&sql, before);
	sql_buffer_name(&sql, schema, strlen(schema));
	if (table != NULL)
	{
		sql_buffer_text(&sql, ".");
		sql_buffer_name(&sql, table, strlen(table));
	}
	sql_buffer_text(&sql, after);
	if (sql_buffer_ok(&sql) && mysql_real_query(tables->mysql, sql.data, (unsigned long) sql.used) != 0)
		number = mysql_errno(tables->mysql);
	else if ((result = mysql_store_result(tables->mysql)) != NULL)
		mysql_free_result(result);
	sql_buffer_free(&sql);
	return number == 1044 || number == 1142 || number == 1143 || number == 1227;
}

/* The rights on rows of one table, be it there or not; the missing ones as "INSERT, DELETE". */
static void
missing_rights(const Tables *tables, const char *schema, const char *table, bool there, char out[MAX_TEXT])
{
	/* With values that fit no table: a statement that may be carried out does nothing, or fails otherwise. */
	static const char *const rights[][3] = {{"SELECT", "SELECT 1 FROM ", " LIMIT 0"},
											{"INSERT", "INSERT INTO ", " SELECT 1, 2 FROM (SELECT 1) s WHERE 1 = 0"},
											{"UPDATE", "UPDATE ", " SET dbstream_no_such_column = 1 WHERE 1 = 0"},
											{"DELETE", "DELETE FROM ", " WHERE 1 = 0"}};
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++)
	{
		if (denied(tables, rights[i][1], schema, there ? table : NO_TABLE, rights[i][2]))
			used += (size_t) snprintf(out + used, MAX_TEXT - used, "%s%s", used > 0 ? ", " : "", rights[i][0]);
	}
}

static bool
schema_there(const Tables *tables, const char *schema, bool *there, Failure *failure)
{
	SqlBuffer sql = {0};
	MYSQL_RES *result;

	sql_buffer_text(&sql, "SELECT 1 FROM information_schema.schemata WHERE schema_name = ");
	target_statement_text(&sql, schema);
	result = target_statement_query(tables->mysql, &sql, "looking at the target's databases", failure);
	sql_buffer_free(&sql);
	if (result == NULL)
		return false;
	*there = mysql_num_rows(result) > 0;
	mysql_free_result(result);
	return true;
}

/* Once for each database: may tables be made and changed there? */
static bool
check_schema(const Tables *tables, const char *schema, bool tables_missing, Failure *failure)
{
	char object[MAX_TEXT], remedy[512];
	bool there = false, creates, changes;

	if (!schema_there(tables, schema, &there, failure))
		return false;
	creates = there ? !denied(tables, "CREATE DATABASE ", schema, NULL, "")
					: !denied(tables, "CREATE TABLE ", schema, NO_TABLE, " (a int)");
	changes = !denied(tables, "ALTER TABLE ", schema, NO_TABLE, " ADD COLUMN a int") &&
			  !denied(tables, "DROP TABLE ", schema, NO_TABLE, "");
	snprintf(object, sizeof object, "database %.200s", schema);
	snprintf(remedy, sizeof remedy, "GRANT CREATE, ALTER, DROP, INDEX, REFERENCES ON `%.150s`.* TO %.250s;", schema,
			 tables->user);
	if (!creates && tables_missing)
		put(tables, "target_rights", object, "failed", remedy, "tables are missing there, and %s may not make any",
			tables->user);
	else if (!creates || !changes)
		put(tables, "target_rights", object, "warning", remedy,
			"%s may not make and change tables there: a schema change would stop the stream", tables->user);
	else
		put(tables, "target_rights", object, "ok", "", "%s may make and change tables there", tables->user);
	return true;
}

static void
check_rows_right(const Tables *tables, const char *schema, const char *table, bool there, const char *object)
{
	char missing[MAX_TEXT], remedy[512];

	missing_rights(tables, schema, table, there, missing);
	if (missing[0] == '\0')
		return;
	snprintf(remedy, sizeof remedy, "GRANT %.60s ON `%.100s`.* TO %.200s;", missing, schema, tables->user);
	put(tables, "target_rights", object, "failed", remedy, "%s lacks %s", tables->user, missing);
}

/* ---- columns ---- */

typedef struct Column
{
	const char *name;
	const char *type;   /* data_type */
	const char *whole;  /* column_type */
	uint64_t length;    /* characters, or bytes; UNKNOWN_SIZE: none */
	unsigned precision; /* of numbers */
	unsigned scale;     /* of numbers, or fractions of seconds */
	const char *charset;
	bool needed; /* NOT NULL without a default */
} Column;

static bool
is_word(const char *word, const char *words)
{
	size_t size = strlen(word);

	for (const char *at = words; *at != '\0'; at += strcspn(at, "|"), at += *at == '|')
	{
		if (strcspn(at, "|") == size && strncasecmp(at, word, size) == 0)
			return true;
	}
	return false;
}

static bool
begins(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

/* The numbers in a type's parentheses, "numeric(12,4)"; -1: none. */
static void
type_numbers(const char *type, int *first, int *second)
{
	const char *open = strchr(type, '(');

	*first = *second = -1;
	if (open != NULL && sscanf(open, "(%d,%d", first, second) < 1)
		*first = -1;
}

static const char *
integer_problem(const Column *there, int bytes)
{
	static const char *const words[] = {"tinyint", "smallint", "mediumint", "int", "bigint"};
	static const int sizes[] = {1, 2, 3, 4, 8};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
	{
		if (strcasecmp(there->type, words[i]) == 0)
			return sizes[i] < bytes                           ? "it is narrower there"
				   : strstr(there->whole, "unsigned") != NULL ? "it takes no negative values there"
															  : NULL;
	}
	return is_word(there->type, "bit|year|date|datetime|timestamp|time|float") ? "it is another kind of value there"
																			   : NULL;
}

static const char *
numeric_problem(const Column *there, int precision, int scale)
{
	if (is_word(there->type, "float|double"))
		return "it is rounded there";
	if (strcasecmp(there->type, "decimal") != 0)
		return is_word(there->type, "tinyint|smallint|mediumint|int|bigint") && scale != 0 ? "it has no fractions there"
																						   : NULL;
	if (precision < 0)
		return "it has limited digits there";
	if ((unsigned) (scale < 0 ? 0 : scale) > there->scale)
		return "it has fewer fraction digits there";
	return (unsigned) (precision - (scale < 0 ? 0 : scale)) > there->precision - there->scale
			   ? "it has fewer digits there"
			   : NULL;
}

static const char *
text_problem(const Column *there, int length)
{
	/* Of the text family the length is in bytes. */
	uint64_t room = strcasecmp(there->type, "tinytext") == 0 ? there->length / 4 : there->length;
	bool texts = is_word(there->type, "char|varchar|tinytext|text|mediumtext|longtext");

	if (is_word(there->type, "enum|set|json"))
		return NULL;
	if (!texts)
		return "it is no text there";
	if (strcasecmp(there->charset, "utf8mb4") != 0)
		return "its character set there lacks characters";
	/* Texts in keys become varchar(255) by themselves. */
	return room < (uint64_t) (length < 0 ? 255 : length) ? "it is shorter there" : NULL;
}

static const char *
time_problem(const char *type, const Column *there, int digits)
{
	bool moment = begins(type, "timestamp");

	if (moment && strcasecmp(there->type, "timestamp") == 0)
		return "it ends in the year 2038 there";
	if (strcasecmp(there->type, moment ? "datetime" : "time") != 0)
		return is_word(there->type, "char|varchar|tinytext|text|mediumtext|longtext")
				   ? NULL
				   : "it is another kind of value there";
	return (unsigned) (digits < 0 ? 6 : digits) > there->scale ? "it has fewer fraction digits there" : NULL;
}

/* Why the column there may not hold every value of the type here; NULL: it does, or nobody knows. */
static const char *
column_problem(const char *type, const Column *there)
{
	int first, second;

	type_numbers(type, &first, &second);
	if (strstr(type, "[]") != NULL)
		return NULL;
	if (strcmp(type, "smallint") == 0)
		return integer_problem(there, 2);
	if (strcmp(type, "integer") == 0)
		return integer_problem(there, 4);
	if (strcmp(type, "bigint") == 0)
		return integer_problem(there, 8);
	if (begins(type, "numeric"))
		return numeric_problem(there, first, second);
	if (strcmp(type, "double precision") == 0 && strcasecmp(there->type, "float") == 0)
		return "it is rounded there";
	if (strcmp(type, "text") == 0 || begins(type, "character"))
		return text_problem(there, strcmp(type, "text") == 0 ? -1 : first);
	if (begins(type, "timestamp") || (begins(type, "time") && strstr(type, "with time zone") == NULL))
		return time_problem(type, there, first);
	if (strcmp(type, "bytea") == 0)
		return is_word(there->type, "binary|varbinary|tinyblob|blob|mediumblob|longblob") && there->length >= 255
				   ? NULL
				   : "it is shorter there, or takes no bytes";
	if (strcmp(type, "date") == 0 && is_word(there->type, "timestamp|time|year|int"))
		return "it is another kind of value there";
	return NULL;
}

static Column
read_column(MYSQL_ROW row)
{
	return (Column){.name = row[0],
					.type = row[1],
					.whole = row[2],
					.length = row[3] != NULL ? strtoull(row[3], NULL, 10) : UNKNOWN_SIZE,
					.precision = row[4] != NULL ? (unsigned) strtoul(row[4], NULL, 10) : 0,
					.scale = row[5] != NULL ? (unsigned) strtoul(row[5], NULL, 10) : 0,
					.charset = row[6] != NULL ? row[6] : "",
					.needed = row[7] != NULL && row[7][0] == '1'};
}

static const char *
type_here(struct json_object *columns, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(columns); i++)
	{
		struct json_object *column = json_object_array_get_idx(columns, i);

		if (strcasecmp(member(column, "name"), name) == 0)
			return member(column, "type");
	}
	return NULL;
}

static void
check_column(const Tables *tables, struct json_object *columns, const Column *there, const char *object)
{
	const char *type = type_here(columns, there->name);
	const char *problem = type != NULL ? column_problem(type, there) : NULL;
	char remedy[512];

	if (type == NULL && there->needed)
	{
		snprintf(remedy, sizeof remedy, "ALTER TABLE … ALTER COLUMN `%.100s` SET DEFAULT …, or let it be NULL.",
				 there->name);
		put(tables, "target_columns", object, "failed", remedy,
			"column \"%s\" at the target must have a value, and the stream brings none", there->name);
	}
	if (problem == NULL)
		return;
	snprintf(remedy, sizeof remedy,
			 "Give `%.100s` a type there that holds every %.100s, or see to it that no other values come: the first "
			 "stops the stream.",
			 there->name, type);
	put(tables, "target_columns", object, "warning", remedy, "column \"%s\" is %s here and %s there: %s", there->name,
		type, there->whole, problem);
}

/* Columns of here that are not among those there. */
static void
check_missing_columns(const Tables *tables, struct json_object *columns, MYSQL_RES *there, const char *object)
{
	for (size_t i = 0; i < json_object_array_length(columns); i++)
	{
		const char *name = member(json_object_array_get_idx(columns, i), "name");
		char remedy[512];
		bool found = false;
		MYSQL_ROW row;

		mysql_data_seek(there, 0);
		while (!found && (row = mysql_fetch_row(there)) != NULL)
			found = strcasecmp(row[0], name) == 0;
		if (found)
			continue;
		snprintf(remedy, sizeof remedy, "ALTER TABLE … ADD COLUMN `%.150s` … at the target, or leave the table out.",
				 name);
		put(tables, "target_columns", object, "failed", remedy, "the table at the target has no column \"%s\"", name);
	}
}

static MYSQL_RES *
columns_there(const Tables *tables, const char *schema, const char *table, Failure *failure)
{
	SqlBuffer sql = {0};
	MYSQL_RES *result;

	sql_buffer_text(&sql,
					"SELECT column_name, data_type, column_type, character_maximum_length, numeric_precision,"
					" coalesce(datetime_precision, numeric_scale, 0), character_set_name, is_nullable = 'NO' AND"
					" column_default IS NULL AND extra NOT LIKE '%auto_increment%' AND extra NOT LIKE '%GENERATED%'"
					" FROM information_schema.columns WHERE table_schema = ");
	target_statement_text(&sql, schema);
	sql_buffer_text(&sql, " AND table_name = ");
	target_statement_text(&sql, table);
	result = target_statement_query(tables->mysql, &sql, "looking at the target's columns", failure);
	sql_buffer_free(&sql);
	return result;
}

/* ---- the table as a whole ---- */

/* Its engine and its triggers, in one list: kind, name. */
static bool
check_table(const Tables *tables, const char *schema, const char *table, const char *object, Failure *failure)
{
	SqlBuffer sql = {0};
	MYSQL_RES *result;
	MYSQL_ROW row;
	char remedy[512];

	sql_buffer_text(
		&sql, "SELECT 'engine', coalesce(engine, 'no engine') FROM information_schema.tables WHERE table_schema = ");
	target_statement_text(&sql, schema);
	sql_buffer_text(&sql, " AND table_name = ");
	target_statement_text(&sql, table);
	sql_buffer_text(&sql, " UNION ALL SELECT concat(lower(action_timing), ' ', lower(event_manipulation)), trigger_name"
						  " FROM information_schema.triggers WHERE event_object_schema = ");
	target_statement_text(&sql, schema);
	sql_buffer_text(&sql, " AND event_object_table = ");
	target_statement_text(&sql, table);
	result = target_statement_query(tables->mysql, &sql, "looking at the target's triggers", failure);
	sql_buffer_free(&sql);
	if (result == NULL)
		return false;
	while ((row = mysql_fetch_row(result)) != NULL)
	{
		if (strcmp(row[0], "engine") == 0 && !is_word(row[1], "InnoDB|ROCKSDB|TokuDB"))
			put(tables, "target_engine", object, "failed", "ALTER TABLE … ENGINE = InnoDB at the target.",
				"it is a table of %s there, which has no transactions: changes could be applied twice", row[1]);
		else if (strcmp(row[0], "engine") != 0)
		{
			snprintf(remedy, sizeof remedy, "DROP TRIGGER `%.150s`.`%.150s` at the target, if it changes rows.", schema,
					 row[1]);
			put(tables, "target_triggers", object, "warning", remedy,
				"trigger \"%s\" there fires (%s) for the rows that the stream writes", row[1], row[0]);
		}
	}
	mysql_free_result(result);
	return true;
}

static bool
check_relation(Tables *tables, struct json_object *relation, bool *there, Failure *failure)
{
	const char *schema = stream_config_schema(tables->config, member(relation, "schema"));
	const char *table = member(relation, "name");
	struct json_object *columns = NULL;
	char object[MAX_TEXT];
	MYSQL_RES *result = columns_there(tables, schema, table, failure);
	MYSQL_ROW row;

	if (result == NULL)
		return false;
	snprintf(object, sizeof object, "table %.120s.%.120s", schema, table);
	*there = mysql_num_rows(result) > 0;
	check_rows_right(tables, schema, table, *there, object);
	if (*there && json_object_object_get_ex(relation, "columns", &columns) &&
		json_object_is_type(columns, json_type_array))
	{
		while ((row = mysql_fetch_row(result)) != NULL)
		{
			Column column = read_column(row);

			check_column(tables, columns, &column, object);
		}
		check_missing_columns(tables, columns, result, object);
	}
	mysql_free_result(result);
	return !*there || check_table(tables, schema, table, object, failure);
}

static bool
read_user(Tables *tables, Failure *failure)
{
	SqlBuffer sql = {0};
	MYSQL_RES *result;
	MYSQL_ROW row;

	sql_buffer_text(&sql, "SELECT concat(quote(substring_index(CURRENT_USER(), '@', 1)), '@',"
						  " quote(substring_index(CURRENT_USER(), '@', -1)))");
	result = target_statement_query(tables->mysql, &sql, "asking the target for the user's name", failure);
	sql_buffer_free(&sql);
	row = result != NULL ? mysql_fetch_row(result) : NULL;
	snprintf(tables->user, sizeof tables->user, "%s", row != NULL && row[0] != NULL ? row[0] : "the connection's user");
	mysql_free_result(result);
	return result != NULL;
}

/* The relations come ordered by schema. */
static bool
check_relations(Tables *tables, struct json_object *relations, Failure *failure)
{
	size_t count = json_object_array_length(relations);
	bool lacks = false;

	for (size_t i = 0; i < count; i++)
	{
		struct json_object *relation = json_object_array_get_idx(relations, i);
		const char *schema = member(relation, "schema");
		bool last =
			i + 1 == count || strcmp(member(json_object_array_get_idx(relations, i + 1), "schema"), schema) != 0;
		bool there = false;

		if (!check_relation(tables, relation, &there, failure))
			return false;
		tables->compared += there;
		tables->missing += !there;
		lacks = lacks || !there;
		if (last && !check_schema(tables, stream_config_schema(tables->config, schema), lacks, failure))
			return false;
		if (last)
			lacks = false;
	}
	return true;
}

bool
mysql_target_tables_check(MYSQL *mysql, const StreamConfig *config, const char *row, CheckSink sink, void *context,
						  Failure *failure)
{
	Tables tables = {.config = config, .mysql = mysql, .sink = sink, .context = context};
	struct json_object *request = json_tokener_parse(row);
	struct json_object *relations = NULL;
	char object[MAX_TEXT];
	bool ok = true;

	if (json_object_object_get_ex(request, "relations", &relations) && json_object_is_type(relations, json_type_array))
	{
		ok = read_user(&tables, failure) && check_relations(&tables, relations, failure);
		snprintf(object, sizeof object, "connection %.200s", config->target.name);
		if (ok)
			put(&tables, "target_tables", object, "ok", "", "%u of the stream's tables are there, %u are to be made",
				tables.compared, tables.missing);
	}
	json_object_put(request);
	return ok;
}
