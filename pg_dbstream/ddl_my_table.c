/*
 * Statements in MySQL's and MariaDB's words.
 */
#include "postgres.h"

#include "utils/datetime.h"

#include "ddl_parser.h"
#include "ddl_raw.h"

/* MySQL's keys hold so many characters of utf8mb4 at most: 3,072 bytes. */
#define KEY_TEXT_LENGTH 255

static void add_sql(DdlRaw *raw, const char *fmt, ...) pg_attribute_printf(2, 3);

static void
add_sql(DdlRaw *raw, const char *fmt, ...)
{
	StringInfoData text;

	initStringInfo(&text);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&text, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	raw->out->sql = lappend(raw->out->sql, text.data);
}

/* ---- names --------------------------------------------------------------------------------- */

static const char *
target_schema(DdlRaw *raw, const char *schema)
{
	ListCell *from;
	ListCell *to;

	if (schema == NULL)
		schema = raw->options->default_schema;
	if (schema == NULL)
		return NULL;
	forboth(from, raw->options->schema_from, to, raw->options->schema_to)
	{
		if (strcmp(lfirst(from), schema) == 0)
			return lfirst(to);
	}
	return schema;
}

static const char *
table_name(DdlRaw *raw, const DdlName *name)
{
	const char *schema = target_schema(raw, name->schema);

	if (schema == NULL)
		return dbs_ddl_mysql_quote(name->name);
	return psprintf("%s.%s", dbs_ddl_mysql_quote(schema), dbs_ddl_mysql_quote(name->name));
}

static const char *
column_list(List *names)
{
	StringInfoData list;
	ListCell *cell;

	initStringInfo(&list);
	foreach (cell, names)
		appendStringInfo(&list, "%s%s", list.len == 0 ? "" : ", ", dbs_ddl_mysql_quote(lfirst(cell)));
	return list.data;
}

static void
note_table(DdlRaw *raw, const DdlName *name, bool created, bool dropped)
{
	DbsDdlTable *table = palloc0(sizeof(DbsDdlTable));

	table->schema = name->schema != NULL ? name->schema : raw->options->default_schema;
	table->name = name->name;
	table->created = created;
	table->dropped = dropped;
	raw->out->tables = lappend(raw->out->tables, table);
}

/* ---- types ----------------------------------------------------------------------------------- */

static const char *
with_fraction(const char *name, const DdlType *type)
{
	return psprintf("%s(%d)", name, type->length < 0 ? 6 : (int) Min(type->length, 6));
}

static const char *
enum_type(const DdlType *type)
{
	StringInfoData labels;
	ListCell *cell;

	initStringInfo(&labels);
	foreach (cell, type->labels)
	{
		const DdlText *label = lfirst(cell);

		appendStringInfo(&labels, "%s%s", labels.len == 0 ? "" : ", ", dbs_ddl_my_string(label->text, label->size));
	}
	return psprintf("%s(%s)", type->family == DDL_TYPE_SET ? "SET" : "ENUM", labels.data);
}

static const char *
text_type(DdlRaw *raw, const DdlType *type, const char *column, bool in_key)
{
	if (type->family == DDL_TYPE_CHAR && type->length <= 255)
		return psprintf("CHAR(%d)", (int) type->length);
	if (type->family == DDL_TYPE_VARCHAR && type->length > 0 && type->length <= (in_key ? 768 : 16383))
		return psprintf("VARCHAR(%d)", (int) type->length);
	if (!in_key)
		return "LONGTEXT";
	dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
					 "column \"%s\": MySQL's keys need a length, so it becomes VARCHAR(%d); a longer value is an error",
					 column, KEY_TEXT_LENGTH);
	return psprintf("VARCHAR(%d)", KEY_TEXT_LENGTH);
}

static const char *
decimal_type(DdlRaw *raw, const DdlType *type, const char *column)
{
	if (type->length > 0 && type->length <= 65 && type->scale >= 0 && type->scale <= 30 && type->scale <= type->length)
		return psprintf("DECIMAL(%d,%d)", (int) type->length, type->scale);
	dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
					 "column \"%s\": no decimal type of MySQL holds every value of numeric; its digits become text",
					 column);
	return "LONGTEXT";
}

static const char *
my_type(DdlRaw *raw, const DdlType *type, const char *column, bool in_key)
{
	if (type->array_dimensions > 0)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "column \"%s\": an array becomes a JSON array", column);
		return "JSON";
	}
	switch (type->family)
	{
		case DDL_TYPE_BOOLEAN:
			return "TINYINT(1)";
		case DDL_TYPE_INT1:
		case DDL_TYPE_INT2:
		case DDL_TYPE_YEAR:
			return "SMALLINT";
		case DDL_TYPE_INT3:
		case DDL_TYPE_INT4:
			return "INT";
		case DDL_TYPE_INT8:
			return "BIGINT";
		case DDL_TYPE_DECIMAL:
			return decimal_type(raw, type, column);
		case DDL_TYPE_FLOAT4:
			return "FLOAT";
		case DDL_TYPE_FLOAT8:
			return "DOUBLE";
		case DDL_TYPE_CHAR:
		case DDL_TYPE_VARCHAR:
		case DDL_TYPE_TEXT:
			return text_type(raw, type, column, in_key);
		case DDL_TYPE_BINARY:
		case DDL_TYPE_VARBINARY:
		case DDL_TYPE_BLOB:
			if (in_key)
				dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
								 "column \"%s\": MySQL's keys need a length, so it becomes VARBINARY(255); a longer "
								 "value is an error",
								 column);
			return in_key ? "VARBINARY(255)" : "LONGBLOB";
		case DDL_TYPE_DATE:
			return "DATE";
		case DDL_TYPE_TIME:
		case DDL_TYPE_CLOCK:
			return with_fraction("TIME", type);
		case DDL_TYPE_CLOCK_TZ:
			return "VARCHAR(32)";
		case DDL_TYPE_TIMESTAMPTZ:
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "column \"%s\": a time with zone is kept in UTC", column);
			return with_fraction("DATETIME", type);
		case DDL_TYPE_TIMESTAMP:
			return with_fraction("DATETIME", type);
		case DDL_TYPE_INTERVAL:
			/* MySQL's TIME becomes an interval with its precision; intervals of other origin hardly have one. */
			if (type->length >= 0)
			{
				dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
								 "column \"%s\": an interval with a precision becomes TIME, which ends at 838:59:59",
								 column);
				return with_fraction("TIME", type);
			}
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "column \"%s\": an interval is kept as its text", column);
			return "VARCHAR(64)";
		case DDL_TYPE_ENUM:
		case DDL_TYPE_SET:
			return enum_type(type);
		case DDL_TYPE_BIT:
			return type->length <= 64 ? psprintf("BIT(%d)", (int) type->length) : "LONGTEXT";
		case DDL_TYPE_VARBIT:
			return "LONGTEXT";
		case DDL_TYPE_JSON:
		case DDL_TYPE_JSONB:
			return "JSON";
		case DDL_TYPE_UUID:
			return "CHAR(36)";
		case DDL_TYPE_INET4:
		case DDL_TYPE_INET6:
		case DDL_TYPE_INET:
			return "VARCHAR(64)";
		case DDL_TYPE_GEOMETRY:
			return "GEOMETRY";
		case DDL_TYPE_VECTOR:
			return type->length > 0 ? psprintf("VECTOR(%d)", (int) type->length) : "JSON";
		default:
			break;
	}
	if (strcmp(type->name, "oid") == 0)
		return "INT UNSIGNED";
	if (strcmp(type->name, "name") == 0)
		return "VARCHAR(64)";
	dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "column \"%s\": type %s becomes its text", column, type->name);
	return in_key ? "VARCHAR(255)" : "LONGTEXT";
}

/* Types whose default MySQL takes only as an expression. */
static bool
needs_parentheses(const char *type)
{
	return strcmp(type, "LONGTEXT") == 0 || strcmp(type, "LONGBLOB") == 0 || strcmp(type, "JSON") == 0 ||
		   strcmp(type, "GEOMETRY") == 0;
}

/* ---- defaults ---------------------------------------------------------------------------------- */

static const DdlExpr *
strip_casts(const DdlExpr *expr)
{
	while (expr->kind == DDL_EXPR_CAST)
		expr = linitial(expr->args);
	return expr;
}

/* ARRAY['a', 'b'] or '{a,b}' as 'a,b'. */
static const char *
set_default(const DdlExpr *literal)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	if (literal->kind == DDL_EXPR_STRING)
	{
		for (const char *p = literal->text; *p != '\0'; p++)
		{
			if (strchr("{}\"", *p) == NULL)
				appendStringInfoChar(&text, *p);
		}
	}
	foreach (cell, literal->args)
		appendStringInfo(&text, "%s%s", text.len == 0 ? "" : ",", strip_casts(lfirst(cell))->text);
	return dbs_ddl_my_string(text.data, text.len);
}

/* B'101' or '101': bits, or where no type of MySQL's holds as many, their digits. NULL: it is neither. */
static const char *
bits_default(const DdlExpr *literal, const char *type)
{
	if ((literal->kind != DDL_EXPR_BITS && literal->kind != DDL_EXPR_STRING) ||
		strspn(literal->text, "01") != strlen(literal->text))
		return NULL;
	return strncmp(type, "BIT", 3) == 0 ? psprintf("b'%s'", literal->text) : psprintf("('%s')", literal->text);
}

/*
 * '2020-01-02 03:04:05.5+01:30' in UTC, without its zone; NULL when it is not of that form, which is how PostgreSQL
 * shows it. Without a zone the session's is meant, which nobody knows here.
 */
static const char *
utc_default(const char *text)
{
	int year, month, day, hour, minute, second;
	int used = 0;
	int zone_hour = 0;
	int zone_minute = 0;
	const char *rest;
	const char *zone;
	int64 at;
	int julian;
	bool west;

	if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &used) != 6 ||
		year < 1 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 24 || minute < 0 || second < 0)
		return NULL;
	rest = text + used;
	zone = rest + strspn(rest, ".0123456789");
	west = *zone == '-';
	if ((*zone != '+' && *zone != '-') || sscanf(zone + 1, "%2d:%2d", &zone_hour, &zone_minute) < 1 ||
		strspn(zone + 1, "0123456789:") != strlen(zone + 1) || zone_hour < 0 || zone_minute < 0)
		return NULL;
	at =
		(int64) date2j(year, month, day) * 1440 + hour * 60 + minute - (west ? -1 : 1) * (zone_hour * 60 + zone_minute);
	julian = (int) (at / 1440);
	j2date(julian, &year, &month, &day);
	return psprintf("%04d-%02d-%02d %02d:%02d:%02d%.*s", year, month, day, (int) (at % 1440) / 60, (int) (at % 60),
					second, (int) (zone - rest), rest);
}

static const char *
my_default(DdlRaw *raw, const DdlColumn *column, const char *type)
{
	const DdlExpr *value = column->default_value;
	const DdlExpr *literal;
	const char *reason = NULL;
	const char *sql;

	if (value == NULL)
		return NULL;
	literal = strip_casts(value);
	if (literal->kind == DDL_EXPR_NULL)
		return NULL;
	if (column->type->family == DDL_TYPE_BOOLEAN && literal->kind == DDL_EXPR_STRING &&
		strchr("tfyn10", literal->text[0]) != NULL)
		return strchr("ty1", literal->text[0]) != NULL ? "1" : "0";
	if (column->type->family == DDL_TYPE_BOOLEAN && literal->kind == DDL_EXPR_BOOLEAN)
		return strcmp(literal->text, "true") == 0 ? "1" : "0";
	if ((column->type->family == DDL_TYPE_BIT || column->type->family == DDL_TYPE_VARBIT) &&
		column->type->array_dimensions == 0 && bits_default(literal, type) != NULL)
		return bits_default(literal, type);
	if (column->type->family == DDL_TYPE_SET && (literal->kind == DDL_EXPR_ARRAY || literal->kind == DDL_EXPR_STRING))
		return set_default(literal);
	if (column->type->family == DDL_TYPE_TIMESTAMPTZ && column->type->array_dimensions == 0 &&
		literal->kind == DDL_EXPR_STRING)
	{
		const char *utc = utc_default(literal->text);

		if (utc != NULL)
			return dbs_ddl_my_string(utc, strlen(utc));
		dbs_ddl_raw_note(
			raw, DBS_NOTE_ERROR,
			"column \"%s\": its default cannot be carried over: what it is in UTC is not known here; write "
			"it as 2020-01-02 03:04:05+00",
			column->name);
		return NULL;
	}
	if (column->type->array_dimensions > 0 && literal->kind == DDL_EXPR_STRING && strcmp(literal->text, "{}") == 0)
		return "(JSON_ARRAY())";
	if (column->type->array_dimensions > 0 ||
		(column->type->family == DDL_TYPE_BLOB && literal->kind == DDL_EXPR_STRING))
	{
		if (column->type->array_dimensions == 0 && strncmp(literal->text, "\\x", 2) == 0)
			return psprintf("(x'%s')", literal->text + 2);
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "column \"%s\": its default cannot be carried over", column->name);
		return NULL;
	}
	sql = dbs_ddl_my_expression(value, raw->options, NULL, &reason);
	if (sql == NULL)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "column \"%s\": its default cannot be carried over: %s", column->name,
						 reason);
		return NULL;
	}
	if (strcmp(sql, "CURRENT_TIMESTAMP(6)") == 0 && strncmp(type, "DATETIME", 8) == 0)
		return psprintf("CURRENT_TIMESTAMP%s", type + 8);
	if (strcmp(sql, "CURRENT_TIMESTAMP(6)") == 0 || literal->kind == DDL_EXPR_FUNCTION ||
		literal->kind == DDL_EXPR_OPERATOR || literal->kind == DDL_EXPR_CASE || needs_parentheses(type))
	{
		/* A sign before a number is a literal to MySQL. */
		if (literal->kind == DDL_EXPR_OPERATOR && strcmp(literal->text, "neg") == 0 && sql[0] == '(')
			return sql;
		return sql[0] == '(' ? sql : psprintf("(%s)", sql);
	}
	return sql;
}

/* ---- columns --------------------------------------------------------------------------------------- */

/* In a key that compares whole values: an index that only finds rows can be of the first characters. */
static bool
in_key(const DdlCreateTable *table, const char *column)
{
	ListCell *cell;
	ListCell *part_cell;

	foreach (cell, table->keys)
	{
		if (((DdlKey *) lfirst(cell))->kind == DDL_KEY_INDEX)
			continue;
		foreach (part_cell, ((DdlKey *) lfirst(cell))->parts)
		{
			const DdlKeyPart *part = lfirst(part_cell);

			if (part->column != NULL && part->length == 0 && strcmp(part->column, column) == 0)
				return true;
		}
	}
	foreach (cell, table->foreign_keys)
	{
		ListCell *name;

		foreach (name, ((DdlForeignKey *) lfirst(cell))->columns)
		{
			if (strcmp(lfirst(name), column) == 0)
				return true;
		}
	}
	return false;
}

/* The column without its default and comment; *value is the default, or NULL. */
static const char *
my_column_base(DdlRaw *raw, const DdlColumn *column, const DdlCreateTable *table, const char **value)
{
	StringInfoData sql;
	const char *type = my_type(raw, column->type, column->name, table != NULL && in_key(table, column->name));
	const char *reason = NULL;

	*value = NULL;
	initStringInfo(&sql);
	appendStringInfo(&sql, "%s %s", dbs_ddl_mysql_quote(column->name), type);
	if (column->generated != NULL)
	{
		const char *expression = dbs_ddl_my_expression(column->generated, raw->options, table, &reason);

		if (expression == NULL)
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "column \"%s\": its expression cannot be carried over: %s",
							 column->name, reason);
		else
			appendStringInfo(&sql, " GENERATED ALWAYS AS (%s) STORED", expression);
		/* MariaDB takes no NOT NULL for a generated column. */
		if (column->not_null && raw->options->target == DBS_DIALECT_MYSQL)
			appendStringInfoString(&sql, " NOT NULL");
		return sql.data;
	}
	*value = my_default(raw, column, type);
	appendStringInfoString(&sql, column->not_null ? " NOT NULL" : " NULL");
	return sql.data;
}

/* What stands behind the default. */
static const char *
my_column_tail(const DdlColumn *column)
{
	const char *tail = column->generated == NULL && column->auto_increment ? " AUTO_INCREMENT" : "";

	if (column->comment == NULL || *column->comment == '\0')
		return tail;
	return psprintf("%s COMMENT %s", tail, dbs_ddl_my_string(column->comment, strlen(column->comment)));
}

static const char *
my_column(DdlRaw *raw, const DdlColumn *column, const DdlCreateTable *table)
{
	const char *value;
	const char *base = my_column_base(raw, column, table, &value);

	return psprintf("%s%s%s%s", base, value != NULL ? " DEFAULT " : "", value != NULL ? value : "",
					my_column_tail(column));
}

/* ---- keys -------------------------------------------------------------------------------------------- */

static const DdlColumn *
find_column(const DdlCreateTable *table, const char *name)
{
	ListCell *cell;

	if (table == NULL || name == NULL)
		return NULL;
	foreach (cell, table->columns)
	{
		const DdlColumn *column = lfirst(cell);

		if (strcmp(column->name, name) == 0)
			return column;
	}
	return NULL;
}

/* Has the column's type no length that a key could have? */
static bool
is_long(DdlRaw *raw, const DdlColumn *column, const DdlCreateTable *table)
{
	int notes = list_length(raw->out->notes);
	const char *type = my_type(raw, column->type, column->name, in_key(table, column->name));

	/* What there is to say was said where the column was written. */
	raw->out->notes = list_truncate(raw->out->notes, notes);
	return strcmp(type, "LONGTEXT") == 0 || strcmp(type, "LONGBLOB") == 0;
}

/* One part; NULL with a note. where: the predicate of a partial index, to be folded into an expression. */
static const char *
my_key_part(DdlRaw *raw, const DdlKey *key, const DdlKeyPart *part, const DdlCreateTable *table, const char *where)
{
	const char *reason = NULL;
	const char *sql;

	if (part->expr == NULL && where == NULL)
	{
		const DdlColumn *column = find_column(table, part->column);

		sql = dbs_ddl_mysql_quote(part->column);
		if (part->length > 0)
			sql = psprintf("%s(%d)", sql, part->length);
		else if (column != NULL && (column->type->family == DDL_TYPE_JSON || column->type->family == DDL_TYPE_JSONB ||
									column->type->array_dimensions > 0))
		{
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "index \"%s\" is not created: MySQL does not index JSON",
							 key->name);
			return NULL;
		}
		else if (column != NULL && key->kind == DDL_KEY_INDEX && is_long(raw, column, table))
			sql = psprintf("%s(%d)", sql, KEY_TEXT_LENGTH);
		return part->descending ? psprintf("%s DESC", sql) : sql;
	}
	if (raw->options->target == DBS_DIALECT_MARIADB)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "index \"%s\" is not created: MariaDB has no indexes of expressions",
						 key->name);
		return NULL;
	}
	if (part->expr != NULL)
		sql = dbs_ddl_my_expression(part->expr, raw->options, table, &reason);
	else
		sql = dbs_ddl_mysql_quote(part->column);
	if (sql == NULL)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "index \"%s\" is not created: %s", key->name, reason);
		return NULL;
	}
	/* Rows outside the predicate have a null there, and nulls are never equal. */
	if (where != NULL)
		sql = psprintf("CASE WHEN %s THEN %s END", where, sql);
	return psprintf("(%s)%s", sql, part->descending ? " DESC" : "");
}

/* "(…)": what the key is of; NULL with a note. */
static const char *
my_key_parts(DdlRaw *raw, const DdlKey *key, const DdlCreateTable *table)
{
	StringInfoData parts;
	ListCell *cell;
	const char *where = NULL;
	const char *reason = NULL;

	if (key->method != NULL && strcmp(key->method, "btree") != 0 && strcmp(key->method, "hash") != 0)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "index \"%s\" is not created: MySQL has no %s indexes", key->name,
						 key->method);
		return NULL;
	}
	if (key->included != NIL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "index \"%s\": INCLUDE has no equivalent",
						 key->name == NULL ? "" : key->name);
	if (key->nulls_not_distinct)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "index \"%s\": nulls are distinct to MySQL",
						 key->name == NULL ? "" : key->name);
	if (key->where != NULL && key->kind == DDL_KEY_UNIQUE)
	{
		where = dbs_ddl_my_expression(key->where, raw->options, table, &reason);
		if (where == NULL)
		{
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
							 "index \"%s\" is not created: its predicate cannot be carried over: %s", key->name,
							 reason);
			return NULL;
		}
	}
	else if (key->where != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "index \"%s\": its predicate is left out; it covers all rows", key->name);
	initStringInfo(&parts);
	foreach (cell, key->parts)
	{
		const char *part = my_key_part(raw, key, lfirst(cell), table, where);

		if (part == NULL)
			return NULL;
		appendStringInfo(&parts, "%s%s", parts.len == 0 ? "" : ", ", part);
	}
	return psprintf("(%s)", parts.data);
}

static const char *
my_key_kind(const DdlKey *key)
{
	return key->kind == DDL_KEY_PRIMARY ? "PRIMARY KEY" : key->kind == DDL_KEY_UNIQUE ? "UNIQUE KEY" : "KEY";
}

/* "KEY `name` (…)" as CREATE TABLE writes it; NULL with a note. */
static const char *
my_key(DdlRaw *raw, const DdlKey *key, const DdlCreateTable *table)
{
	const char *parts = my_key_parts(raw, key, table);
	bool named = key->name != NULL && key->kind != DDL_KEY_PRIMARY;

	if (parts == NULL)
		return NULL;
	return psprintf("%s %s%s%s", my_key_kind(key), named ? dbs_ddl_mysql_quote(key->name) : "", named ? " " : "",
					parts);
}

/* What stands before the name of the table referred to. */
static const char *
my_foreign_key_head(const DdlForeignKey *key)
{
	return psprintf("%s%s%sFOREIGN KEY (%s) REFERENCES ", key->name == NULL ? "" : "CONSTRAINT ",
					key->name == NULL ? "" : dbs_ddl_mysql_quote(key->name), key->name == NULL ? "" : " ",
					column_list(key->columns));
}

/* MySQL wants the columns named: the referenced table's primary key. */
static List *
primary_columns(DdlRaw *raw, const DdlName *table)
{
	ListCell *cell;
	ListCell *key_cell;
	List *names = NIL;

	foreach (cell, raw->created)
	{
		const DdlStatement *other = lfirst(cell);

		if (strcmp(other->name->name, table->name) != 0)
			continue;
		foreach (key_cell, other->create->keys)
		{
			const DdlKey *primary = lfirst(key_cell);
			ListCell *part;

			if (primary->kind != DDL_KEY_PRIMARY || names != NIL)
				continue;
			foreach (part, primary->parts)
				names = lappend(names, (void *) ((DdlKeyPart *) lfirst(part))->column);
		}
	}
	return names;
}

/* SET NULL for a column that is NOT NULL: MySQL does not take such a key. */
static bool
sets_not_null(const DdlForeignKey *key, const DdlCreateTable *table)
{
	ListCell *cell;

	if ((key->on_delete == NULL || strcmp(key->on_delete, "SET NULL") != 0) &&
		(key->on_update == NULL || strcmp(key->on_update, "SET NULL") != 0))
		return false;
	foreach (cell, key->columns)
	{
		const DdlColumn *column = find_column(table, lfirst(cell));

		if (column != NULL && column->not_null)
			return true;
	}
	return false;
}

/* What stands behind it. */
static const char *
my_foreign_key_tail(DdlRaw *raw, const DdlForeignKey *key, const DdlCreateTable *table)
{
	List *referenced = key->referenced != NIL ? key->referenced : primary_columns(raw, key->table);
	StringInfoData sql;

	initStringInfo(&sql);
	if (referenced == NIL)
		dbs_ddl_raw_note(
			raw, DBS_NOTE_ERROR,
			"a foreign key to \"%s\" names no columns, which MySQL needs, and that table's key is not known here",
			key->table->name);
	else
		appendStringInfo(&sql, " (%s)", column_list(referenced));
	if (sets_not_null(key, table))
	{
		dbs_ddl_raw_note(
			raw, DBS_NOTE_INFO,
			"a foreign key to \"%s\" would set a column to NULL that may not be NULL: without an action MySQL "
			"refuses the change, as PostgreSQL does",
			key->table->name);
		return sql.data;
	}
	if (key->on_delete != NULL)
		appendStringInfo(&sql, " ON DELETE %s", key->on_delete);
	if (key->on_update != NULL)
		appendStringInfo(&sql, " ON UPDATE %s", key->on_update);
	if (key->deferrable)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "a foreign key: DEFERRABLE has no equivalent; it is checked at once");
	return sql.data;
}

static const char *
my_foreign_key(DdlRaw *raw, const DdlForeignKey *key, const DdlCreateTable *table)
{
	const char *head = my_foreign_key_head(key);

	return psprintf("%s%s%s", head, table_name(raw, key->table), my_foreign_key_tail(raw, key, table));
}

static bool
uses_auto_increment(const DdlExpr *expr, const DdlCreateTable *table)
{
	ListCell *cell;

	if (expr == NULL)
		return false;
	if (expr->kind == DDL_EXPR_COLUMN)
	{
		const DdlColumn *column = find_column(table, expr->text);

		return column != NULL && column->auto_increment;
	}
	foreach (cell, expr->args)
	{
		if (uses_auto_increment(lfirst(cell), table))
			return true;
	}
	return false;
}

static const char *
my_check(DdlRaw *raw, const DdlCheck *check, const DdlCreateTable *table)
{
	const char *reason = NULL;
	const char *sql = dbs_ddl_my_expression(check->expr, raw->options, table, &reason);

	if (uses_auto_increment(check->expr, table))
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "check \"%s\" is not created: MySQL allows none on an AUTO_INCREMENT column",
						 check->name == NULL ? "" : check->name);
		return NULL;
	}
	if (sql == NULL)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "check \"%s\" cannot be carried over: %s",
						 check->name == NULL ? "" : check->name, reason);
		return NULL;
	}
	return psprintf("%s%s%sCHECK (%s)", check->name == NULL ? "" : "CONSTRAINT ",
					check->name == NULL ? "" : dbs_ddl_mysql_quote(check->name), check->name == NULL ? "" : " ", sql);
}

/* ---- CREATE TABLE ---------------------------------------------------------------------------------------- */

/* PostgreSQL tells texts apart by their bytes. */
static const char *
my_charset(const DdlRaw *raw)
{
	return psprintf("DEFAULT CHARSET=utf8mb4 COLLATE=%s",
					raw->options->target == DBS_DIALECT_MYSQL ? "utf8mb4_0900_bin" : "utf8mb4_nopad_bin");
}

static void
append_element(StringInfo sql, bool *first, const char *element)
{
	if (element == NULL)
		return;
	appendStringInfo(sql, "%s\n\t%s", *first ? "" : ",", element);
	*first = false;
}

/* MySQL has one AUTO_INCREMENT for a table, and wants it first in a key. */
static void
settle_auto_increment(DdlRaw *raw, DdlCreateTable *table)
{
	ListCell *cell;
	DdlColumn *chosen = NULL;

	foreach (cell, table->columns)
	{
		DdlColumn *column = lfirst(cell);

		if (!column->auto_increment)
			continue;
		if (chosen != NULL)
		{
			column->auto_increment = false;
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
							 "column \"%s\": MySQL has one AUTO_INCREMENT for a table; this one gets none",
							 column->name);
			continue;
		}
		chosen = column;
	}
	if (chosen == NULL)
		return;
	foreach (cell, table->keys)
	{
		const DdlKey *key = lfirst(cell);
		const DdlKeyPart *part = key->parts == NIL ? NULL : linitial(key->parts);

		if (part != NULL && part->column != NULL && strcmp(part->column, chosen->name) == 0)
			return;
	}
	{
		DdlKey *key = palloc0(sizeof(DdlKey));
		DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));

		part->column = chosen->name;
		key->kind = DDL_KEY_INDEX;
		key->name = chosen->name;
		key->parts = list_make1(part);
		table->keys = lappend(table->keys, key);
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "column \"%s\": gets an index, which AUTO_INCREMENT needs", chosen->name);
	}
}

static bool
is_primary(const DdlCreateTable *table, const char *name)
{
	ListCell *cell;
	ListCell *part_cell;

	foreach (cell, table->keys)
	{
		const DdlKey *key = lfirst(cell);

		if (key->kind != DDL_KEY_PRIMARY)
			continue;
		foreach (part_cell, key->parts)
		{
			if (strcmp(((DdlKeyPart *) lfirst(part_cell))->column, name) == 0)
				return true;
		}
	}
	return false;
}

/* What columns and keys mean for each other. */
static void
settle_table(DdlRaw *raw, DdlCreateTable *table)
{
	ListCell *cell;

	settle_auto_increment(raw, table);
	foreach (cell, table->columns)
	{
		DdlColumn *column = lfirst(cell);

		if (column->identity_options != NULL && column->identity_options->has_start)
			table->auto_increment = column->identity_options->start;
		if (is_primary(table, column->name))
			column->not_null = true;
	}
}

static void
print_create(DdlRaw *raw, DdlStatement *statement)
{
	DdlCreateTable *table = statement->create;
	StringInfoData sql;
	bool first = true;
	ListCell *cell;

	if (!table->temporary)
		note_table(raw, statement->name, true, false);
	if (table->like != NULL)
	{
		add_sql(raw, "CREATE TABLE %s%s LIKE %s", table->if_not_exists ? "IF NOT EXISTS " : "",
				table_name(raw, statement->name), table_name(raw, table->like));
		return;
	}
	settle_table(raw, table);
	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %sTABLE %s%s (", table->temporary ? "TEMPORARY " : "",
					 table->if_not_exists ? "IF NOT EXISTS " : "", table_name(raw, statement->name));
	foreach (cell, table->columns)
		append_element(&sql, &first, my_column(raw, lfirst(cell), table));
	if (table->columns == NIL)
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "MySQL has no table without columns");
	foreach (cell, table->keys)
		append_element(&sql, &first, my_key(raw, lfirst(cell), table));
	foreach (cell, table->foreign_keys)
		append_element(&sql, &first, my_foreign_key(raw, lfirst(cell), table));
	foreach (cell, table->checks)
		append_element(&sql, &first, my_check(raw, lfirst(cell), table));
	appendStringInfo(&sql, "\n) %s", my_charset(raw));
	if (table->auto_increment > 1)
		appendStringInfo(&sql, " AUTO_INCREMENT=" INT64_FORMAT, table->auto_increment);
	if (table->comment != NULL && *table->comment != '\0')
		appendStringInfo(&sql, " COMMENT=%s", dbs_ddl_my_string(table->comment, strlen(table->comment)));
	add_sql(raw, "%s", sql.data);
}

static DdlMyPart *
add_part(DdlRaw *raw, List **parts, const char *name, const char *sql)
{
	DdlMyPart *part = palloc0(sizeof(DdlMyPart));

	part->name = name;
	part->sql = sql;
	/* The notes made since the last part are this one's. */
	part->notes = raw->out->notes;
	raw->out->notes = NIL;
	*parts = lappend(*parts, part);
	return part;
}

/* The element without "CONSTRAINT name ": names are unique in a database there, so another one may be needed. */
static const char *
without_name(const char *name, const char *sql)
{
	const char *head = name == NULL ? "" : psprintf("CONSTRAINT %s ", dbs_ddl_mysql_quote(name));

	return sql != NULL && strncmp(sql, head, strlen(head)) == 0 ? sql + strlen(head) : sql;
}

static void
add_column_part(DdlRaw *raw, DdlMyTable *out, const DdlColumn *column, const DdlCreateTable *table)
{
	const char *value;
	const char *sql = my_column_base(raw, column, table, &value);
	DdlMyPart *part = add_part(raw, &out->columns, column->name, sql);

	part->value = value;
	part->tail = my_column_tail(column);
	part->generated = column->generated != NULL;
}

void
dbs_ddl_my_parts(DdlRaw *raw, DdlStatement *statement, DdlMyTable *out)
{
	DdlCreateTable *table = statement->create;
	DdlMyPart *part;
	ListCell *cell;

	memset(out, 0, sizeof *out);
	settle_table(raw, table);
	out->charset = my_charset(raw);
	out->auto_increment = table->auto_increment;
	out->comment = table->comment != NULL ? table->comment : "";
	out->notes = raw->out->notes;
	raw->out->notes = NIL;
	foreach (cell, table->columns)
		add_column_part(raw, out, lfirst(cell), table);
	foreach (cell, table->keys)
	{
		const DdlKey *key = lfirst(cell);

		part = add_part(raw, &out->keys, key->name, my_key_parts(raw, key, table));
		part->kind = my_key_kind(key);
		part->notes = list_concat(part->notes, raw->out->notes);
		raw->out->notes = NIL;
	}
	foreach (cell, table->foreign_keys)
	{
		const DdlForeignKey *key = lfirst(cell);

		part = add_part(raw, &out->foreign_keys, key->name, without_name(key->name, my_foreign_key_head(key)));
		part->tail = my_foreign_key_tail(raw, key, table);
		part->table = key->table;
	}
	foreach (cell, table->checks)
	{
		const DdlCheck *check = lfirst(cell);

		add_part(raw, &out->checks, check->name, without_name(check->name, my_check(raw, check, table)));
	}
}

/* ---- ALTER TABLE ------------------------------------------------------------------------------------------ */

static DdlCreateTable *
created_table(DdlRaw *raw, const DdlName *name)
{
	ListCell *cell;

	foreach (cell, raw->created)
	{
		const DdlStatement *statement = lfirst(cell);

		if (strcmp(statement->name->name, name->name) == 0 &&
			(name->schema == NULL || statement->name->schema == NULL ||
			 strcmp(statement->name->schema, name->schema) == 0))
			return statement->create;
	}
	return NULL;
}

/* Changes that MySQL can only write as the whole column anew. */
static const char *
modify_action(DdlRaw *raw, const DdlAction *action, DdlCreateTable *table)
{
	DdlColumn *column = (DdlColumn *) find_column(table, action->name);
	DdlColumn stub = {.name = action->name};

	if (action->kind == DDL_SET_TYPE)
	{
		if (column == NULL)
		{
			column = &stub;
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
							 "column \"%s\": MODIFY writes the whole column, of which only the type is known here",
							 action->name);
		}
		column->type = action->column->type;
	}
	else if (column == NULL)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR,
						 "column \"%s\": MySQL writes the whole column anew, and its type is not known here",
						 action->name);
		return NULL;
	}
	if (action->kind == DDL_SET_NOT_NULL || action->kind == DDL_DROP_NOT_NULL)
		column->not_null = action->kind == DDL_SET_NOT_NULL;
	if (action->kind == DDL_ADD_IDENTITY || action->kind == DDL_DROP_IDENTITY)
		column->auto_increment = action->kind == DDL_ADD_IDENTITY;
	return psprintf("MODIFY COLUMN %s", my_column(raw, column, table));
}

/*
 * SET DEFAULT and DROP DEFAULT of a column that is known write it whole: MySQL takes no expression for a text in
 * ALTER COLUMN, and keeps CURRENT_TIMESTAMP when a column is added in the same statement.
 */
static const char *
default_action(DdlRaw *raw, const DdlAction *action, DdlCreateTable *table)
{
	const char *name = dbs_ddl_mysql_quote(action->name);
	DdlColumn *column = (DdlColumn *) find_column(table, action->name);
	DdlColumn stub = {.name = action->name, .type = &(DdlType){.family = DDL_TYPE_INT4}};
	const char *sql;

	stub.default_value = action->kind == DDL_SET_DEFAULT ? action->expr : NULL;
	if (column != NULL)
	{
		column->default_value = stub.default_value;
		return psprintf("MODIFY COLUMN %s", my_column(raw, column, table));
	}
	sql = my_default(raw, &stub, "INT");
	if (sql == NULL)
		return psprintf("ALTER COLUMN %s DROP DEFAULT", name);
	/* Here MySQL takes a function in parentheses only. */
	if (strncmp(sql, "CURRENT_TIMESTAMP", strlen("CURRENT_TIMESTAMP")) == 0)
		sql = psprintf("(%s)", sql);
	return psprintf("ALTER COLUMN %s SET DEFAULT %s", name, sql);
}

/* MySQL does not add a column with a default that differs from row to row. */
static bool
varies(const DdlExpr *expr)
{
	ListCell *cell;

	if (expr == NULL)
		return false;
	if (expr->kind == DDL_EXPR_FUNCTION && (strstr(expr->text, "uuid") != NULL || strcmp(expr->text, "random") == 0))
		return true;
	foreach (cell, expr->args)
	{
		if (varies(lfirst(cell)))
			return true;
	}
	return false;
}

static bool
uses_column(const DdlExpr *expr, const char *name)
{
	ListCell *cell;

	if (expr == NULL)
		return false;
	if (expr->kind == DDL_EXPR_COLUMN && strcmp(expr->text, name) == 0)
		return true;
	foreach (cell, expr->args)
	{
		if (uses_column(lfirst(cell), name))
			return true;
	}
	return false;
}

static void
note_uses(DdlRaw *raw, const DdlCreateTable *table, const char *name)
{
	ListCell *cell;

	if (table == NULL || raw->options->target != DBS_DIALECT_MYSQL)
		return;
	foreach (cell, table->columns)
	{
		const DdlColumn *column = lfirst(cell);

		if (uses_column(column->generated, name))
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR,
							 "column \"%s\" cannot be renamed in MySQL, since generated column \"%s\" uses it: drop "
							 "that one first and add it anew",
							 name, column->name);
	}
	foreach (cell, table->checks)
	{
		if (uses_column(((const DdlCheck *) lfirst(cell))->expr, name))
			dbs_ddl_raw_note(
				raw, DBS_NOTE_ERROR,
				"column \"%s\" cannot be renamed in MySQL, since a CHECK uses it: drop that one first and add "
				"it anew",
				name);
	}
}

static const char *
my_action(DdlRaw *raw, const DdlAction *action, DdlCreateTable *table)
{
	const char *name = action->name == NULL ? "" : dbs_ddl_mysql_quote(action->name);
	const char *sql;
	DdlColumn *column;

	switch (action->kind)
	{
		case DDL_ADD_COLUMN:
			if (raw->options->target == DBS_DIALECT_MYSQL && varies(action->column->default_value))
				dbs_ddl_raw_note(
					raw, DBS_NOTE_ERROR,
					"column \"%s\": MySQL does not add a column with a default that differs from row to row: add "
					"it without, and set the default then",
					action->column->name);
			sql = psprintf("ADD COLUMN %s", my_column(raw, action->column, table));
			if (table != NULL)
				table->columns = lappend(table->columns, action->column);
			return sql;
		case DDL_DROP_COLUMN:
			return psprintf("DROP COLUMN %s", name);
		case DDL_RENAME_COLUMN:
			note_uses(raw, table, action->name);
			column = (DdlColumn *) find_column(table, action->name);
			if (column != NULL)
				column->name = action->new_name;
			return psprintf("RENAME COLUMN %s TO %s", name, dbs_ddl_mysql_quote(action->new_name));
		case DDL_RENAME_TABLE_TO:
			return psprintf("RENAME TO %s", table_name(raw, action->table));
		case DDL_SET_DEFAULT:
		case DDL_DROP_DEFAULT:
			return default_action(raw, action, table);
		case DDL_SET_TYPE:
		case DDL_SET_NOT_NULL:
		case DDL_DROP_NOT_NULL:
		case DDL_ADD_IDENTITY:
		case DDL_DROP_IDENTITY:
			return modify_action(raw, action, table);
		case DDL_ADD_KEY:
			sql = my_key(raw, action->key, table);
			return sql == NULL ? NULL : psprintf("ADD %s", sql);
		case DDL_ADD_CHECK:
			sql = my_check(raw, action->check, table);
			return sql == NULL ? NULL : psprintf("ADD %s", sql);
		case DDL_ADD_FOREIGN_KEY:
			return psprintf("ADD %s", my_foreign_key(raw, action->foreign_key, table));
		case DDL_DROP_CONSTRAINT:
			/* PostgreSQL names the primary key, MySQL does not. */
			if (strlen(action->name) > 5 && strcmp(action->name + strlen(action->name) - 5, "_pkey") == 0)
				return "DROP PRIMARY KEY";
			return psprintf("DROP CONSTRAINT %s", name);
		default:
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "an action of ALTER TABLE that is not carried over");
			return NULL;
	}
}

static bool
is_modify(const DdlAction *action)
{
	return action->kind == DDL_SET_TYPE || action->kind == DDL_SET_DEFAULT || action->kind == DDL_DROP_DEFAULT ||
		   action->kind == DDL_SET_NOT_NULL || action->kind == DDL_DROP_NOT_NULL || action->kind == DDL_ADD_IDENTITY ||
		   action->kind == DDL_DROP_IDENTITY;
}

static bool
is_modified_later(const DdlStatement *statement, const ListCell *cell)
{
	const DdlAction *action = lfirst(cell);
	const ListCell *later;

	if (!is_modify(action))
		return false;
	for_each_cell(later, statement->actions, lnext(statement->actions, cell))
	{
		const DdlAction *other = lfirst(later);

		if (is_modify(other) && strcmp(other->name, action->name) == 0)
			return true;
	}
	return false;
}

static void
print_alter(DdlRaw *raw, DdlStatement *statement)
{
	DdlCreateTable *table = created_table(raw, statement->name);
	StringInfoData sql;
	ListCell *cell;

	note_table(raw, statement->name, false, false);
	initStringInfo(&sql);
	foreach (cell, statement->actions)
	{
		const DdlAction *action = lfirst(cell);
		const char *part = my_action(raw, action, table);

		/* MySQL takes one MODIFY of a column: the last one holds what all of them changed. */
		if (part != NULL && find_column(table, action->name) != NULL && is_modified_later(statement, cell))
			continue;

		if (part != NULL)
			appendStringInfo(&sql, "%s%s", sql.len == 0 ? "" : ", ", part);
		if (action->kind == DDL_RENAME_TABLE_TO)
		{
			note_table(raw, statement->name, false, true);
			note_table(raw, action->table, true, false);
		}
	}
	if (sql.len > 0)
		add_sql(raw, "ALTER TABLE %s %s", table_name(raw, statement->name), sql.data);
}

/* ---- the rest ---------------------------------------------------------------------------------------------- */

static void
print_drop(DdlRaw *raw, DdlStatement *statement)
{
	StringInfoData list;
	ListCell *cell;
	const char *exists = statement->if_exists ? "IF EXISTS " : "";

	initStringInfo(&list);
	foreach (cell, statement->names)
	{
		const DdlName *name = lfirst(cell);

		if (statement->kind == DDL_DROP_SCHEMA)
		{
			raw->out->schema = name->name;
			add_sql(raw, "DROP DATABASE %s%s", exists, dbs_ddl_mysql_quote(target_schema(raw, name->name)));
			continue;
		}
		if (statement->kind == DDL_DROP_TABLE)
			note_table(raw, name, false, true);
		appendStringInfo(&list, "%s%s", list.len == 0 ? "" : ", ", table_name(raw, name));
	}
	if (statement->kind == DDL_DROP_INDEX)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "an index of MySQL's is dropped by its table, which is not known here: %s stays", list.data);
	else if (statement->kind == DDL_DROP_SEQUENCE && raw->options->target == DBS_DIALECT_MYSQL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: MySQL has no sequences");
	else if (statement->kind != DDL_DROP_SCHEMA)
		add_sql(raw, "DROP %s %s%s",
				statement->kind == DDL_DROP_VIEW       ? "VIEW"
				: statement->kind == DDL_DROP_SEQUENCE ? "SEQUENCE"
													   : "TABLE",
				exists, list.data);
}

static void
print_comment(DdlRaw *raw, DdlStatement *statement)
{
	DdlCreateTable *table = created_table(raw, statement->name);
	DdlColumn *column;

	if (statement->comment_column == NULL)
	{
		add_sql(raw, "ALTER TABLE %s COMMENT = %s", table_name(raw, statement->name),
				dbs_ddl_my_string(statement->comment, strlen(statement->comment)));
		return;
	}
	column = (DdlColumn *) find_column(table, statement->comment_column);
	if (column == NULL)
	{
		dbs_ddl_raw_note(
			raw, DBS_NOTE_WARNING,
			"the comment on \"%s\" is left out: MySQL writes the whole column anew, and it is not known here",
			statement->comment_column);
		return;
	}
	column->comment = statement->comment;
	add_sql(raw, "ALTER TABLE %s MODIFY COLUMN %s", table_name(raw, statement->name), my_column(raw, column, table));
}

static void
print_sequence(DdlRaw *raw, DdlStatement *statement)
{
	const DdlSequenceOptions *options = statement->sequence;
	StringInfoData sql;

	if (raw->options->target == DBS_DIALECT_MYSQL)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "sequence \"%s\" is left out: MySQL has no sequences",
						 statement->name->name);
		return;
	}
	initStringInfo(&sql);
	appendStringInfo(
		&sql, "%s SEQUENCE %s%s", statement->kind == DDL_CREATE_SEQUENCE ? "CREATE" : "ALTER",
		statement->if_not_exists ? (statement->kind == DDL_CREATE_SEQUENCE ? "IF NOT EXISTS " : "IF EXISTS ") : "",
		table_name(raw, statement->name));
	if (options->has_start)
		appendStringInfo(&sql, " START WITH " INT64_FORMAT, options->start);
	if (options->has_increment)
		appendStringInfo(&sql, " INCREMENT BY " INT64_FORMAT, options->increment);
	if (options->has_min)
		appendStringInfo(&sql, " MINVALUE " INT64_FORMAT, options->min);
	if (options->has_max)
		appendStringInfo(&sql, " MAXVALUE " INT64_FORMAT, options->max);
	if (options->has_cache)
		appendStringInfo(&sql, " CACHE " INT64_FORMAT, options->cache);
	if (options->cycle)
		appendStringInfoString(&sql, " CYCLE");
	if (options->has_restart && options->restart != PG_INT64_MIN)
		appendStringInfo(&sql, " RESTART " INT64_FORMAT, options->restart);
	else if (options->has_restart)
		appendStringInfoString(&sql, " RESTART");
	add_sql(raw, "%s", sql.data);
}

void
dbs_ddl_my_print(DdlRaw *raw, DdlStatement *statement)
{
	ListCell *cell;

	switch (statement->kind)
	{
		case DDL_CREATE_TABLE:
			print_create(raw, statement);
			break;
		case DDL_ALTER_TABLE:
			print_alter(raw, statement);
			break;
		case DDL_DROP_TABLE:
		case DDL_DROP_VIEW:
		case DDL_DROP_INDEX:
		case DDL_DROP_SEQUENCE:
		case DDL_DROP_SCHEMA:
			print_drop(raw, statement);
			break;
		case DDL_TRUNCATE_TABLE:
			foreach (cell, statement->names)
			{
				note_table(raw, lfirst(cell), false, false);
				add_sql(raw, "TRUNCATE TABLE %s", table_name(raw, lfirst(cell)));
			}
			break;
		case DDL_CREATE_SCHEMA:
			raw->out->schema = statement->name->name;
			if (statement->name->name != NULL)
				add_sql(raw, "CREATE DATABASE %s%s", statement->if_not_exists ? "IF NOT EXISTS " : "",
						dbs_ddl_mysql_quote(target_schema(raw, statement->name->name)));
			break;
		case DDL_CREATE_SEQUENCE:
		case DDL_ALTER_SEQUENCE:
			print_sequence(raw, statement);
			break;
		case DDL_COMMENT:
			print_comment(raw, statement);
			break;
		default:
			break;
	}
}
