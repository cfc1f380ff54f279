/*
 * See table_description.h.
 */
#include "table_description.h"

#include "catalog.h"
#include "ddl_print.h"
#include "ddl_raw.h"
#include "partition_condition.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

/* ---- making ------------------------------------------------------------------------------- */

/* A column as the catalogue has it, in the order of the statement that creates the table. */
typedef struct Column
{
	int number;
	const char *type;
	List *labels; /* of DbsPart */
} Column;

static const char column_query[] =
	"SELECT a.attnum, format_type(a.atttypid, a.atttypmod), t.typtype = 'e', a.atttypid"
	" FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
	" WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

static int64
number_at(uint64 row, int column)
{
	char *text = dbs_catalog_text(row, column);

	return text == NULL ? 0 : strtoll(text, NULL, 10);
}

static bool
truth_at(uint64 row, int column)
{
	char *text = dbs_catalog_text(row, column);

	return text != NULL && text[0] == 't';
}

static List *
read_labels(Oid type)
{
	List *labels = NIL;
	uint64 count = dbs_catalog_run(
		"SELECT oid, enumlabel FROM pg_enum WHERE enumtypid = $1::oid ORDER BY enumsortorder", "l", (int64) type);

	for (uint64 i = 0; i < count; i++)
	{
		DbsPart *label = palloc0(sizeof *label);

		label->id = number_at(i, 1);
		label->name = dbs_catalog_text(i, 2);
		labels = lappend(labels, label);
	}
	return labels;
}

static Column *
read_columns(Oid table, int *count)
{
	Column *columns;
	Oid *enums;

	*count = (int) dbs_catalog_run(column_query, "l", (int64) table);
	columns = palloc0((*count + 1) * sizeof *columns);
	enums = palloc0((*count + 1) * sizeof *enums);
	for (int i = 0; i < *count; i++)
	{
		columns[i].number = (int) number_at(i, 1);
		columns[i].type = dbs_catalog_text(i, 2);
		if (truth_at(i, 3))
			enums[i] = (Oid) number_at(i, 4);
	}
	/* Only now: each query takes the place of the last one's rows. */
	for (int i = 0; i < *count; i++)
	{
		if (OidIsValid(enums[i]))
			columns[i].labels = read_labels(enums[i]);
	}
	return columns;
}

static void
put_text(StringInfo out, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	appendStringInfo(out, ",\"%s\":", name);
	escape_json(out, value);
}

/*
 * A default or check that cannot be carried over loses no row's value: whole rows travel. What a generated column loses
 * is its value, which does not travel.
 */
static void
put_notes(StringInfo out, List *notes, bool rows_lose)
{
	bool first = true;
	ListCell *cell;

	if (notes == NIL)
		return;
	appendStringInfoString(out, ",\"notes\":[");
	foreach (cell, notes)
	{
		const DbsNote *note = lfirst(cell);
		const char *severity = note->severity == DBS_NOTE_INFO                 ? "info"
							   : note->severity == DBS_NOTE_ERROR && rows_lose ? "error"
																			   : "warning";

		if (!first)
			appendStringInfoChar(out, ',');
		first = false;
		escape_json(out, psprintf("%s: %s", severity, note->text));
	}
	appendStringInfoChar(out, ']');
}

static void
open_part(StringInfo out, bool *first, int64 id, const DdlMyPart *part)
{
	appendStringInfo(out, "%s{\"id\":" INT64_FORMAT, *first ? "" : ",", id);
	*first = false;
	put_text(out, "name", part->name);
	put_text(out, "kind", part->kind);
	put_text(out, "sql", part->sql);
	put_text(out, "value", part->value);
	put_text(out, "tail", part->tail);
}

static void
put_columns(StringInfo out, const DdlMyTable *table, const Column *columns, int count)
{
	bool first = true;
	int i = 0;
	ListCell *cell;

	if (list_length(table->columns) != count)
		elog(ERROR, "a table's columns are not those of its statement");
	appendStringInfoString(out, ",\"columns\":[");
	foreach (cell, table->columns)
	{
		const DdlMyPart *part = lfirst(cell);
		const Column *column = &columns[i++];

		open_part(out, &first, column->number, part);
		put_text(out, "type", column->type);
		if (part->generated)
			appendStringInfoString(out, ",\"generated\":true");
		if (column->labels != NIL)
		{
			bool first_label = true;
			ListCell *label_cell;

			appendStringInfoString(out, ",\"labels\":[");
			foreach (label_cell, column->labels)
			{
				const DbsPart *label = lfirst(label_cell);

				appendStringInfo(out, "%s{\"id\":" INT64_FORMAT, first_label ? "" : ",", label->id);
				first_label = false;
				appendStringInfoString(out, ",\"name\":");
				escape_json(out, label->name);
				appendStringInfoChar(out, '}');
			}
			appendStringInfoChar(out, ']');
		}
		put_notes(out, part->notes, part->generated);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

/*
 * A constraint's name at the target, where names of checks and foreign keys are unique in a database, not in a table:
 * of several of one name the oldest keeps it.
 */
static const char *
constraint_name(Oid table, Oid constraint, const char *name)
{
	if (dbs_catalog_run("SELECT FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE k.conname = $2"
						" AND k.contype IN ('c', 'f') AND NOT c.relispartition AND k.oid < $1::oid"
						" AND k.connamespace = (SELECT connamespace FROM pg_constraint WHERE oid = $1::oid)",
						"lt", (int64) constraint, name) == 0)
		return name;
	return dbs_ddl_pg_index_name(get_rel_name(table), name);
}

/* Checks of this name stand for partitions: the condition is what rows of one have in common. */
#define PARTITION_CHECK "dbstream_partition_"

static bool
is_partition(const DdlMyPart *part)
{
	return part->name != NULL && strncmp(part->name, PARTITION_CHECK, strlen(PARTITION_CHECK)) == 0;
}

/* The table's statements, with a check for each partition that holds rows. */
static char *
with_partitions(Oid table, char *statements)
{
	StringInfoData text;
	char *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), get_rel_name(table));
	uint64 count;

	if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
		return statements;
	initStringInfo(&text);
	appendStringInfoString(&text, statements);
	count = dbs_catalog_run(
		"SELECT relid::oid FROM pg_partition_tree($1::oid::regclass) WHERE isleaf AND level > 0 ORDER BY 1", "l",
		(int64) table);
	for (uint64 i = 0; i < count; i++)
	{
		char *relid = dbs_catalog_text(i, 1);
		char *condition = dbs_partition_mysql_condition((Oid) strtoul(relid, NULL, 10));

		/* A function that nobody has keeps the partition among the others, without a condition. */
		appendStringInfo(&text, "\nALTER TABLE %s ADD CONSTRAINT " PARTITION_CHECK "%s CHECK (%s);", name, relid,
						 condition != NULL ? condition : "no_equivalent()");
	}
	return text.data;
}

/* Partitions by their oid; without a condition where MySQL cannot have it. */
static void
put_partitions(StringInfo out, List *checks)
{
	bool first = true;
	ListCell *cell;

	appendStringInfoString(out, ",\"partitions\":[");
	foreach (cell, checks)
	{
		const DdlMyPart *part = lfirst(cell);

		if (!is_partition(part))
			continue;
		appendStringInfo(out, "%s{\"id\":%s", first ? "" : ",", part->name + strlen(PARTITION_CHECK));
		first = false;
		if (part->sql != NULL && strncmp(part->sql, "CHECK ", 6) == 0)
			put_text(out, "sql", part->sql + 6);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

/* Keys, checks or foreign keys; what MySQL cannot have has its notes with the table. */
static void
put_parts(StringInfo out, const char *name, List *parts, Oid table, bool keys, List **notes)
{
	bool first = true;
	ListCell *cell;

	appendStringInfo(out, ",\"%s\":[", name);
	foreach (cell, parts)
	{
		DdlMyPart *part = lfirst(cell);
		Oid id = part->name == NULL ? InvalidOid
				 : keys             ? get_relname_relid(part->name, get_rel_namespace(table))
									: get_relation_constraint_oid(table, part->name, true);

		if (!keys && is_partition(part))
			continue;
		if (part->sql == NULL)
		{
			*notes = list_concat(*notes, part->notes);
			continue;
		}
		if (!keys && OidIsValid(id))
			part->name = constraint_name(table, id, part->name);
		open_part(out, &first, id, part);
		if (part->table != NULL)
		{
			put_text(out, "schema", part->table->schema);
			put_text(out, "table", part->table->name);
		}
		put_notes(out, part->notes, false);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

static void
put_dialect(StringInfo out, const char *name, DbsDialect dialect, const char *statements, Oid oid,
			const Column *columns, int count, int64 *next)
{
	DbsDdlOptions options = {.source = DBS_DIALECT_POSTGRESQL, .target = dialect};
	DdlMyTable table;
	List *notes;

	dbs_ddl_translate_table(statements, &options, &table);
	notes = table.notes;
	appendStringInfo(out, ",\"%s\":{\"charset\":", name);
	escape_json(out, table.charset);
	put_text(out, "comment", table.comment);
	*next = table.auto_increment;
	put_columns(out, &table, columns, count);
	put_parts(out, "keys", table.keys, oid, true, &notes);
	put_parts(out, "foreign_keys", table.foreign_keys, oid, false, &notes);
	put_parts(out, "checks", table.checks, oid, false, &notes);
	put_partitions(out, table.checks);
	put_notes(out, notes, true);
	appendStringInfoChar(out, '}');
}

Jsonb *
dbs_description_make(Oid table, int64 *next)
{
	char *statements = dbs_ddl_table_statements(table, true);
	StringInfoData out;
	Column *columns;
	int count;

	if (statements == NULL)
		return NULL;
	statements = with_partitions(table, statements);
	columns = read_columns(table, &count);
	initStringInfo(&out);
	appendStringInfoString(&out, "{\"schema\":");
	escape_json(&out, get_namespace_name(get_rel_namespace(table)));
	put_text(&out, "table", get_rel_name(table));
	put_dialect(&out, "mysql", DBS_DIALECT_MYSQL, statements, table, columns, count, next);
	put_dialect(&out, "mariadb", DBS_DIALECT_MARIADB, statements, table, columns, count, next);
	appendStringInfoChar(&out, '}');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

/* ---- reading ------------------------------------------------------------------------------ */

static JsonbValue *
member(const JsonbContainer *json, const char *name)
{
	return getKeyJsonValueFromContainer((JsonbContainer *) json, name, strlen(name), NULL);
}

char *
dbs_json_text(const JsonbContainer *json, const char *name)
{
	JsonbValue *value = member(json, name);

	if (value == NULL)
		return NULL;
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type == jbvBool)
		return pstrdup(value->val.boolean ? "true" : "false");
	if (value->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	return NULL;
}

const JsonbContainer *
dbs_json_container(const JsonbContainer *json, const char *name)
{
	JsonbValue *value = member(json, name);

	return value != NULL && value->type == jbvBinary ? value->val.binary.data : NULL;
}

static int64
read_number(const JsonbContainer *json, const char *name)
{
	char *text = dbs_json_text(json, name);

	return text == NULL ? 0 : strtoll(text, NULL, 10);
}

/* What read makes of each member of an array; NULL: it is left out. */
static List *
read_array(const JsonbContainer *json, const char *name, void *(*read)(const JsonbValue *value))
{
	const JsonbContainer *array = dbs_json_container(json, name);
	List *items = NIL;

	for (uint32 i = 0; array != NULL && i < JsonContainerSize(array); i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer((JsonbContainer *) array, i);
		void *item = value == NULL ? NULL : read(value);

		if (item != NULL)
			items = lappend(items, item);
	}
	return items;
}

static void *
read_string(const JsonbValue *value)
{
	return value->type == jbvString ? pnstrdup(value->val.string.val, value->val.string.len) : NULL;
}

static void *
read_part(const JsonbValue *value)
{
	const JsonbContainer *object;
	DbsPart *part;

	if (value->type != jbvBinary)
		return NULL;
	object = value->val.binary.data;
	part = palloc0(sizeof *part);
	part->id = read_number(object, "id");
	part->name = dbs_json_text(object, "name");
	part->type = dbs_json_text(object, "type");
	part->kind = dbs_json_text(object, "kind");
	part->sql = dbs_json_text(object, "sql");
	part->value = dbs_json_text(object, "value");
	part->tail = dbs_json_text(object, "tail");
	part->schema = dbs_json_text(object, "schema");
	part->table = dbs_json_text(object, "table");
	part->generated = dbs_json_text(object, "generated") != NULL;
	part->labels = read_array(object, "labels", read_part);
	part->notes = read_array(object, "notes", read_string);
	return part;
}

const DbsPart *
dbs_part_find(List *parts, int64 id)
{
	ListCell *cell;

	foreach (cell, parts)
	{
		if (id != 0 && ((DbsPart *) lfirst(cell))->id == id)
			return lfirst(cell);
	}
	return NULL;
}

/*
 * Rows carry arrays in PostgreSQL's text form, which is no JSON: a column that the translator makes JSON is made for
 * text, without a default.
 */
static void
settle_arrays(DbsDescription *description)
{
	ListCell *cell;

	foreach (cell, description->columns)
	{
		DbsPart *column = lfirst(cell);
		const char *json = psprintf("%s JSON", dbs_ddl_mysql_quote(column->name));

		if (column->type == NULL || strstr(column->type, "[]") == NULL || strncmp(column->sql, json, strlen(json)) != 0)
			continue;
		column->sql = psprintf("%s LONGTEXT%s", dbs_ddl_mysql_quote(column->name), column->sql + strlen(json));
		if (column->value != NULL)
			column->notes = lappend(
				column->notes, psprintf("warning: column \"%s\": the default of an array is left out", column->name));
		column->value = NULL;
	}
}

DbsDescription *
dbs_description_read(const JsonbContainer *json, const char *dialect)
{
	DbsDescription *description = palloc0(sizeof *description);
	const JsonbContainer *words = dbs_json_container(json, dialect);

	description->schema = dbs_json_text(json, "schema");
	description->table = dbs_json_text(json, "table");
	if (words == NULL || description->schema == NULL || description->table == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a table's description is not whole"),
						errhint("The log was written by another version of dbstream.")));
	description->columns = read_array(words, "columns", read_part);
	description->keys = read_array(words, "keys", read_part);
	description->foreign_keys = read_array(words, "foreign_keys", read_part);
	description->checks = read_array(words, "checks", read_part);
	description->partitions = read_array(words, "partitions", read_part);
	description->comment = dbs_json_text(words, "comment");
	description->charset = dbs_json_text(words, "charset");
	description->notes = read_array(words, "notes", read_string);
	settle_arrays(description);
	return description;
}
