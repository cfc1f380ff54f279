/*
 * Expressions in MySQL's and MariaDB's words.
 */
#include "postgres.h"

#include "ddl_print.h"
#include "ddl_raw.h"

typedef struct Writer
{
	const DbsDdlOptions *options;
	const DdlCreateTable *table;
	const char *reason;
} Writer;

/* PostgreSQL's functions that MySQL has under the same meaning; $1 … stand for the arguments. */
static const struct
{
	const char *name;
	int arguments;
	const char *words;
} functions[] = {
	{"now", 0, "CURRENT_TIMESTAMP(6)"},
	{"transaction_timestamp", 0, "CURRENT_TIMESTAMP(6)"},
	{"statement_timestamp", 0, "CURRENT_TIMESTAMP(6)"},
	{"clock_timestamp", 0, "SYSDATE(6)"},
	{"current_date", 0, "CURRENT_DATE"},
	{"current_time", 0, "CURRENT_TIME(6)"},
	{"gen_random_uuid", 0, "UUID()"},
	{"uuid_generate_v4", 0, "UUID()"},
	{"random", 0, "RAND()"},
	{"lower", 1, "LOWER($1)"},
	{"upper", 1, "UPPER($1)"},
	{"length", 1, "CHAR_LENGTH($1)"},
	{"char_length", 1, "CHAR_LENGTH($1)"},
	{"character_length", 1, "CHAR_LENGTH($1)"},
	{"octet_length", 1, "LENGTH($1)"},
	{"btrim", 1, "TRIM($1)"},
	{"ltrim", 1, "LTRIM($1)"},
	{"rtrim", 1, "RTRIM($1)"},
	{"replace", 3, "REPLACE($1, $2, $3)"},
	{"reverse", 1, "REVERSE($1)"},
	{"strpos", 2, "LOCATE($2, $1)"},
	{"md5", 1, "MD5($1)"},
	{"abs", 1, "ABS($1)"},
	{"ceil", 1, "CEILING($1)"},
	{"ceiling", 1, "CEILING($1)"},
	{"floor", 1, "FLOOR($1)"},
	{"round", 1, "ROUND($1)"},
	{"round", 2, "ROUND($1, $2)"},
	{"trunc", 2, "TRUNCATE($1, $2)"},
	{"sign", 1, "SIGN($1)"},
	{"nullif", 2, "NULLIF($1, $2)"},
};

static const char *write_expr(Writer *writer, const DdlExpr *expr);

static const char *
refuse(Writer *writer, const char *reason)
{
	if (writer->reason == NULL)
		writer->reason = reason;
	return "NULL";
}

const char *
dbs_ddl_my_string(const char *text, int size)
{
	StringInfoData quoted;

	initStringInfo(&quoted);
	appendStringInfoChar(&quoted, '\'');
	for (int i = 0; i < size; i++)
	{
		if (text[i] == '\'' || text[i] == '\\')
			appendStringInfoChar(&quoted, text[i]);
		appendStringInfoChar(&quoted, text[i]);
	}
	appendStringInfoChar(&quoted, '\'');
	return quoted.data;
}

static const char *
write_list(Writer *writer, List *args, int from, const char *separator)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = from; i < list_length(args); i++)
		appendStringInfo(&out, "%s%s", i == from ? "" : separator, write_expr(writer, list_nth(args, i)));
	return out.data;
}

static const char *
write_function(Writer *writer, const DdlExpr *expr)
{
	StringInfoData out;

	if (strcmp(expr->text, "coalesce") == 0)
		return psprintf("COALESCE(%s)", write_list(writer, expr->args, 0, ", "));
	/* extract(year FROM x) */
	if ((strcmp(expr->text, "extract") == 0 || strcmp(expr->text, "date_part") == 0) && list_length(expr->args) == 2)
	{
		static const char *const units[] = {"year", "quarter", "month", "day", "hour", "minute"};
		const DdlExpr *unit = linitial(expr->args);

		for (int i = 0; unit->text != NULL && i < lengthof(units); i++)
		{
			if (strcmp(units[i], unit->text) == 0)
				return psprintf("EXTRACT(%s FROM %s)", units[i], write_expr(writer, lsecond(expr->args)));
		}
	}
	for (int i = 0; i < lengthof(functions); i++)
	{
		if (strcmp(functions[i].name, expr->text) != 0 || functions[i].arguments != list_length(expr->args))
			continue;
		initStringInfo(&out);
		for (const char *p = functions[i].words; *p != '\0'; p++)
		{
			if (*p == '$')
				appendStringInfoString(&out, write_expr(writer, list_nth(expr->args, *++p - '1')));
			else
				appendStringInfoChar(&out, *p);
		}
		return out.data;
	}
	return refuse(writer, psprintf("function %s has no exact equivalent", expr->text));
}

static DdlTypeFamily
family_of(Writer *writer, const DdlExpr *expr)
{
	ListCell *cell;

	if (expr->kind == DDL_EXPR_CAST)
		return expr->type->family;
	if (expr->kind == DDL_EXPR_NUMBER)
		return strchr(expr->text, '.') != NULL ? DDL_TYPE_DECIMAL : DDL_TYPE_INT4;
	if (expr->kind == DDL_EXPR_COLUMN && writer->table != NULL)
	{
		foreach (cell, writer->table->columns)
		{
			const DdlColumn *column = lfirst(cell);

			if (strcmp(column->name, expr->text) == 0)
				return column->type->family;
		}
	}
	return DDL_TYPE_NONE;
}

static const char *
write_operator(Writer *writer, const DdlExpr *expr)
{
	static const char *const plain[] = {"=", "<>", "<", "<=", ">", ">=", "<=>", "+", "-", "*", "&", "|", "^", NULL};
	const char *a = write_expr(writer, linitial(expr->args));
	const char *b = list_length(expr->args) > 1 ? write_expr(writer, lsecond(expr->args)) : "";

	if (strcmp(expr->text, "and") == 0 || strcmp(expr->text, "or") == 0)
		return psprintf("(%s %s %s)", a, expr->text[0] == 'a' ? "AND" : "OR", b);
	if (strcmp(expr->text, "not") == 0)
		return psprintf("(NOT %s)", a);
	if (strcmp(expr->text, "neg") == 0)
		return psprintf("(-%s)", a);
	if (strncmp(expr->text, "is ", 3) == 0)
		return psprintf("(%s IS %s%s)", a, expr->negated ? "NOT " : "",
						strcmp(expr->text, "is null") == 0    ? "NULL"
						: strcmp(expr->text, "is true") == 0  ? "TRUE"
						: strcmp(expr->text, "is false") == 0 ? "FALSE"
															  : "UNKNOWN");
	if (strcmp(expr->text, "concat") == 0)
		return psprintf("CONCAT(%s, %s)", a, b);
	if (strcmp(expr->text, "like") == 0)
		return psprintf("(%s %sLIKE %s)", a, expr->negated ? "NOT " : "", b);
	if (strcmp(expr->text, "%") == 0)
		return psprintf("(%s %% %s)", a, b);
	if (strcmp(expr->text, "/") == 0)
	{
		DdlTypeFamily left = family_of(writer, linitial(expr->args));
		DdlTypeFamily right = family_of(writer, lsecond(expr->args));

		/* PostgreSQL divides integers without decimals. */
		if (dbs_ddl_is_integer(left) && dbs_ddl_is_integer(right))
			return psprintf("(%s DIV %s)", a, b);
		if (left == DDL_TYPE_FLOAT8 || right == DDL_TYPE_FLOAT8)
			return psprintf("(%s / %s)", a, b);
		return refuse(writer, "a division whose decimals differ");
	}
	for (int i = 0; plain[i] != NULL; i++)
	{
		if (strcmp(plain[i], expr->text) == 0 && list_length(expr->args) == 2)
			return psprintf("(%s %s %s)", a, expr->text, b);
	}
	return refuse(writer, psprintf("operator %s has no exact equivalent", expr->text));
}

static const char *
write_cast(Writer *writer, const DdlExpr *expr)
{
	const DdlExpr *inner = linitial(expr->args);
	const char *sql = write_expr(writer, inner);
	const DdlType *type = expr->type;

	/* 'x'::text, '5'::integer: the literal alone is enough. */
	if (inner->kind == DDL_EXPR_STRING || inner->kind == DDL_EXPR_NULL || inner->kind == DDL_EXPR_NUMBER)
		return sql;
	if (dbs_ddl_is_text(type->family))
		return dbs_ddl_is_text(family_of(writer, inner)) ? sql : psprintf("CAST(%s AS CHAR)", sql);
	if (dbs_ddl_is_integer(type->family))
		return dbs_ddl_is_integer(family_of(writer, inner)) ? sql : psprintf("CAST(%s AS SIGNED)", sql);
	if (type->family == DDL_TYPE_DECIMAL && type->length > 0)
		return psprintf("CAST(%s AS DECIMAL(%d,%d))", sql, (int) type->length, Max(type->scale, 0));
	if (type->family == DDL_TYPE_DECIMAL)
		return sql;
	if (type->family == DDL_TYPE_DATE)
		return psprintf("CAST(%s AS DATE)", sql);
	return refuse(writer, psprintf("a conversion to %s", type->name));
}

static const char *
write_case(Writer *writer, const DdlExpr *expr)
{
	int count = list_length(expr->args);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "CASE");
	if (linitial(expr->args) != NULL)
		appendStringInfo(&out, " %s", write_expr(writer, linitial(expr->args)));
	for (int i = 1; i + 1 < count - 1; i += 2)
		appendStringInfo(&out, " WHEN %s THEN %s", write_expr(writer, list_nth(expr->args, i)),
						 write_expr(writer, list_nth(expr->args, i + 1)));
	if (llast(expr->args) != NULL)
		appendStringInfo(&out, " ELSE %s", write_expr(writer, llast(expr->args)));
	appendStringInfoString(&out, " END");
	return out.data;
}

static const char *
write_expr(Writer *writer, const DdlExpr *expr)
{
	switch (expr->kind)
	{
		case DDL_EXPR_NULL:
			return "NULL";
		case DDL_EXPR_BOOLEAN:
			return strcmp(expr->text, "true") == 0 ? "TRUE" : "FALSE";
		case DDL_EXPR_NUMBER:
			return expr->text;
		case DDL_EXPR_STRING:
			return dbs_ddl_my_string(expr->text, expr->size);
		case DDL_EXPR_BITS:
			return psprintf("b'%s'", expr->text);
		case DDL_EXPR_COLUMN:
			return dbs_ddl_mysql_quote(expr->text);
		case DDL_EXPR_FUNCTION:
			return write_function(writer, expr);
		case DDL_EXPR_OPERATOR:
			return write_operator(writer, expr);
		case DDL_EXPR_CAST:
			return write_cast(writer, expr);
		case DDL_EXPR_CASE:
			return write_case(writer, expr);
		case DDL_EXPR_IN:
			return psprintf("(%s %sIN (%s))", write_expr(writer, linitial(expr->args)), expr->negated ? "NOT " : "",
							write_list(writer, expr->args, 1, ", "));
		case DDL_EXPR_BETWEEN:
			return psprintf("(%s %sBETWEEN %s AND %s)", write_expr(writer, linitial(expr->args)),
							expr->negated ? "NOT " : "", write_expr(writer, lsecond(expr->args)),
							write_expr(writer, lthird(expr->args)));
		default:
			return refuse(writer, "an expression of this kind");
	}
}

const char *
dbs_ddl_my_expression(const DdlExpr *expr, const DbsDdlOptions *options, const DdlCreateTable *table,
					  const char **reason)
{
	Writer writer = {options, table};
	const char *sql = write_expr(&writer, expr);

	if (writer.reason == NULL)
		return sql;
	*reason = writer.reason;
	return NULL;
}
