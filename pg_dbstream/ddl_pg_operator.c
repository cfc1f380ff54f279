/*
 * Operators of MySQL's in PostgreSQL's words.
 */
#include "postgres.h"

#include "ddl_pg_expression.h"

static DdlPart
write_comparison(DdlWriter *writer, const DdlExpr *expr)
{
	const DdlExpr *left_expr = linitial(expr->args);
	const DdlExpr *right_expr = lsecond(expr->args);
	DdlPart left = dbs_ddl_pg_write(writer, left_expr);
	DdlPart right = dbs_ddl_pg_write(writer, right_expr);
	DdlValue common;
	const char *operator_sql = expr->text;

	/* flag = 1 */
	if (left.value == DDL_VALUE_BOOLEAN && right_expr->kind == DDL_EXPR_NUMBER &&
		(strcmp(right.sql, "0") == 0 || strcmp(right.sql, "1") == 0))
		right = dbs_ddl_pg_part(strcmp(right.sql, "0") == 0 ? "false" : "true", DDL_VALUE_BOOLEAN);
	common = dbs_ddl_pg_common_value(writer, left.value, right.value);
	if (left.array || right.array)
		return dbs_ddl_pg_refuse(writer, "a set compared with a string");
	if (common == DDL_VALUE_TEXT)
		writer->compares_text = true;
	if (strcmp(operator_sql, "<=>") == 0)
		operator_sql = "IS NOT DISTINCT FROM";
	return dbs_ddl_pg_part(psprintf("(%s %s %s)", dbs_ddl_pg_to_common(writer, left, common), operator_sql,
									dbs_ddl_pg_to_common(writer, right, common)),
						   DDL_VALUE_BOOLEAN);
}

static DdlPart
write_arithmetic(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart left = dbs_ddl_pg_write(writer, linitial(expr->args));
	DdlPart right = dbs_ddl_pg_write(writer, lsecond(expr->args));
	const char *a = dbs_ddl_pg_as_number(writer, left, DDL_VALUE_NUMBER);
	const char *b = dbs_ddl_pg_as_number(writer, right, DDL_VALUE_NUMBER);
	bool floating = left.value == DDL_VALUE_FLOAT || right.value == DDL_VALUE_FLOAT;
	bool integers = !floating && left.value != DDL_VALUE_NUMERIC && right.value != DDL_VALUE_NUMERIC;
	DdlPart result = dbs_ddl_pg_part(NULL, floating   ? DDL_VALUE_FLOAT
										   : integers ? DDL_VALUE_INTEGER
													  : DDL_VALUE_NUMERIC);

	if (strcmp(expr->text, "/") == 0)
	{
		int scale = integers ? 0 : left.value == DDL_VALUE_NUMERIC ? left.scale : 0;

		if (floating)
			result.sql = psprintf("(%s / nullif(%s, 0))", a, b);
		else if (scale < 0)
			return dbs_ddl_pg_refuse(writer, "a division whose decimals are not known");
		else
		{
			/* MySQL keeps four decimals more than the dividend has. */
			result.value = DDL_VALUE_NUMERIC;
			result.scale = Min(scale + 4, 30);
			result.sql = psprintf("round(%s::numeric / nullif(%s, 0), %d)", a, b, result.scale);
		}
		return result;
	}
	if (strcmp(expr->text, "div") == 0)
	{
		if (floating)
			return dbs_ddl_pg_refuse(writer, "DIV of floating point numbers");
		return dbs_ddl_pg_part(psprintf("div(%s::numeric, nullif(%s, 0))", a, b), DDL_VALUE_INTEGER);
	}
	if (strcmp(expr->text, "%") == 0)
	{
		if (floating)
			return dbs_ddl_pg_refuse(writer, "a remainder of floating point numbers");
		result.sql = psprintf("(%s %% nullif(%s, 0))", a, b);
		result.scale = Max(left.scale, right.scale);
		return result;
	}
	/* MySQL computes with 64 bits, PostgreSQL with the wider of both sides. */
	if (integers)
		a = psprintf("%s::bigint", a);
	result.sql = psprintf("(%s %s %s)", a, expr->text, b);
	if (result.value == DDL_VALUE_NUMERIC)
	{
		int ls = left.value == DDL_VALUE_NUMERIC ? left.scale : 0;
		int rs = right.value == DDL_VALUE_NUMERIC ? right.scale : 0;

		if (ls >= 0 && rs >= 0)
			result.scale = strcmp(expr->text, "*") == 0 ? Min(ls + rs, 30) : Max(ls, rs);
	}
	return result;
}

static DdlPart
write_bits(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart left = dbs_ddl_pg_write(writer, linitial(expr->args));
	DdlPart right = dbs_ddl_pg_write(writer, lsecond(expr->args));

	if (left.value != DDL_VALUE_INTEGER || right.value != DDL_VALUE_INTEGER || strcmp(expr->text, "<<") == 0)
		return dbs_ddl_pg_refuse(writer, "operator %s on these types", expr->text);
	return dbs_ddl_pg_part(psprintf("(%s::bigint %s %s%s)", left.sql, strcmp(expr->text, "^") == 0 ? "#" : expr->text,
									right.sql, strcmp(expr->text, ">>") == 0 ? "::integer" : "::bigint"),
						   DDL_VALUE_INTEGER);
}

static DdlPart
write_like(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart left = dbs_ddl_pg_write(writer, linitial(expr->args));
	DdlPart right = dbs_ddl_pg_write(writer, lsecond(expr->args));
	const char *escape = "";

	writer->compares_text = true;
	if (list_length(expr->args) == 3)
		escape = psprintf(" ESCAPE %s", dbs_ddl_pg_write(writer, lthird(expr->args)).sql);
	return dbs_ddl_pg_part(psprintf("(%s %sLIKE %s%s)", dbs_ddl_pg_as_text(writer, left), expr->negated ? "NOT " : "",
									dbs_ddl_pg_as_text(writer, right), escape),
						   DDL_VALUE_BOOLEAN);
}

/* Only patterns of plain characters, classes, anchors and counts mean the same to both engines. */
static DdlPart
write_regexp(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart left = dbs_ddl_pg_write(writer, linitial(expr->args));
	const DdlExpr *pattern = lsecond(expr->args);

	if (pattern->kind != DDL_EXPR_STRING ||
		strspn(pattern->text,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-@#/:,;=<>!%&~^$.[]*+?{}()|") !=
			pattern->size ||
		strstr(pattern->text, "[[") != NULL || strstr(pattern->text, "(?") != NULL ||
		strstr(pattern->text, "***") != NULL)
		return dbs_ddl_pg_refuse(writer, "a regular expression that the two servers may read differently");
	writer->compares_text = true;
	return dbs_ddl_pg_part(psprintf("(%s %s~ %s)", dbs_ddl_pg_as_text(writer, left), expr->negated ? "!" : "",
									dbs_ddl_pg_string(pattern->text, pattern->size)),
						   DDL_VALUE_BOOLEAN);
}

static DdlPart
write_is(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart part = dbs_ddl_pg_write(writer, linitial(expr->args));
	static const char *const tests[][2] = {
		{"is null", "NULL"}, {"is true", "TRUE"}, {"is false", "FALSE"}, {"is unknown", "UNKNOWN"}};

	for (int i = 0; i < lengthof(tests); i++)
	{
		if (strcmp(tests[i][0], expr->text) == 0)
			return dbs_ddl_pg_part(psprintf("(%s IS %s%s)", i == 0 ? part.sql : dbs_ddl_pg_as_boolean(writer, part),
											expr->negated ? "NOT " : "", tests[i][1]),
								   DDL_VALUE_BOOLEAN);
	}
	return dbs_ddl_pg_refuse(writer, "operator %s", expr->text);
}

static DdlPart
write_logic(DdlWriter *writer, const DdlExpr *expr)
{
	const char *a = dbs_ddl_pg_as_boolean(writer, dbs_ddl_pg_write(writer, linitial(expr->args)));
	const char *b;

	if (strcmp(expr->text, "not") == 0)
		return dbs_ddl_pg_part(psprintf("(NOT %s)", a), DDL_VALUE_BOOLEAN);
	b = dbs_ddl_pg_as_boolean(writer, dbs_ddl_pg_write(writer, lsecond(expr->args)));
	if (strcmp(expr->text, "xor") == 0)
		return dbs_ddl_pg_part(psprintf("(%s <> %s)", a, b), DDL_VALUE_BOOLEAN);
	return dbs_ddl_pg_part(psprintf("(%s %s %s)", a, strcmp(expr->text, "and") == 0 ? "AND" : "OR", b),
						   DDL_VALUE_BOOLEAN);
}

DdlPart
dbs_ddl_pg_write_operator(DdlWriter *writer, const DdlExpr *expr)
{
	const char *name = expr->text;

	if (strcmp(name, "and") == 0 || strcmp(name, "or") == 0 || strcmp(name, "xor") == 0 || strcmp(name, "not") == 0)
		return write_logic(writer, expr);
	if (strncmp(name, "is ", 3) == 0)
		return write_is(writer, expr);
	if (strcmp(name, "like") == 0)
		return write_like(writer, expr);
	if (strcmp(name, "regexp") == 0)
		return write_regexp(writer, expr);
	if (strcmp(name, "concat") == 0)
		return dbs_ddl_pg_part(psprintf("(%s || %s)",
										dbs_ddl_pg_as_text(writer, dbs_ddl_pg_write(writer, linitial(expr->args))),
										dbs_ddl_pg_as_text(writer, dbs_ddl_pg_write(writer, lsecond(expr->args)))),
							   DDL_VALUE_TEXT);
	if (strcmp(name, "neg") == 0)
	{
		DdlPart part = dbs_ddl_pg_write(writer, linitial(expr->args));

		return dbs_ddl_pg_part(psprintf("(- %s)", dbs_ddl_pg_as_number(writer, part, DDL_VALUE_NUMBER)),
							   part.value == DDL_VALUE_BOOLEAN ? DDL_VALUE_INTEGER : part.value);
	}
	if (strcmp(name, "->") == 0 || strcmp(name, "->>") == 0)
		return dbs_ddl_pg_write_json_arrow(writer, linitial(expr->args), lsecond(expr->args), name[2] == '>');
	if (strchr("=<>", name[0]) != NULL && strcmp(name, "<<") != 0 && strcmp(name, ">>") != 0)
		return write_comparison(writer, expr);
	if (strcmp(name, "~") == 0)
		return dbs_ddl_pg_refuse(writer, "operator ~, which gives an unsigned number");
	if (strchr("&|^", name[0]) != NULL || strcmp(name, "<<") == 0 || strcmp(name, ">>") == 0)
		return write_bits(writer, expr);
	return write_arithmetic(writer, expr);
}
