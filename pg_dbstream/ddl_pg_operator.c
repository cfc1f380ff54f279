/*
 * Operators of MySQL's in PostgreSQL's words.
 */
#include "postgres.h"

#include "ddl_pg_expression.h"

static DdlPart
write_comparison(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart left = dbs_ddl_pg_write(writer, linitial(expr->args));
	DdlPart right = dbs_ddl_pg_write(writer, lsecond(expr->args));
	const char *operator_sql = strcmp(expr->text, "<=>") == 0 ? "IS NOT DISTINCT FROM" : expr->text;

	dbs_ddl_pg_pair(writer, &left, &right);
	return dbs_ddl_pg_part(psprintf("(%s %s %s)", left.sql, operator_sql, right.sql), DDL_VALUE_BOOLEAN);
}

/* The decimals that MariaDB keeps a number in: words of nine digits. */
static int
in_words(int decimals)
{
	return (decimals + 8) / 9 * 9;
}

static int
own_digits(DdlPart part)
{
	if (part.value != DDL_VALUE_NUMERIC)
		return 0;
	return part.digits > 0 ? part.digits : part.scale;
}

/*
 * Both servers show four decimals more than the dividend has.  MySQL 9 also
 * goes on computing with just these; MariaDB keeps the whole words of nine
 * digits that they need, cut off, and rounds what is shown or stored.
 */
static DdlPart
write_division(DdlWriter *writer, DdlPart left, DdlPart right, const char *a, const char *b)
{
	DdlPart result = dbs_ddl_pg_part(NULL, DDL_VALUE_NUMERIC);
	int scale = left.value == DDL_VALUE_NUMERIC ? left.scale : 0;

	if (scale < 0 || own_digits(left) < 0 || own_digits(right) < 0)
		return dbs_ddl_pg_refuse(writer, "a division whose decimals are not known");
	result.scale = Min(scale + 4, 30);
	result.divided = true;
	if (left.divided || right.divided)
		writer->warnings |= DDL_WARN_DIVIDES;
	if (writer->printer->options->source != DBS_DIALECT_MARIADB)
	{
		result.sql = psprintf("round(%s::numeric / nullif(%s, 0), %d)", a, b, result.scale);
		return result;
	}
	{
		int words_a = in_words(own_digits(left));
		int words_b = in_words(own_digits(right));
		int more = Max(4 - (words_a - own_digits(left)) - (words_b - own_digits(right)), 0);

		result.digits = in_words(words_a + words_b + more);
	}
	if (result.digits > 27)
		return dbs_ddl_pg_refuse(writer, "a division of divisions, whose digits the servers cut off");
	result.loose = true;
	/* The dividend's decimals are those that PostgreSQL computes; two more keep its rounding out of what is cut. */
	result.sql = psprintf("trunc(round(%s::numeric, %d) / nullif(%s, 0), %d)", a, result.digits + 2, b, result.digits);
	return result;
}

static DdlPart
write_arithmetic(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart left = dbs_ddl_pg_write(writer, linitial(expr->args));
	DdlPart right = dbs_ddl_pg_write(writer, lsecond(expr->args));
	const char *a = dbs_ddl_pg_as_number(writer, left, DDL_VALUE_NUMBER);
	const char *b = dbs_ddl_pg_as_number(writer, right, DDL_VALUE_NUMBER);
	bool floating = left.value == DDL_VALUE_FLOAT || right.value == DDL_VALUE_FLOAT;
	bool integers;
	DdlPart result;

	/* '1.5' is a floating point number to MySQL. */
	if ((left.value == DDL_VALUE_LITERAL && strchr(a, '.') != NULL) ||
		(right.value == DDL_VALUE_LITERAL && strchr(b, '.') != NULL))
		return dbs_ddl_pg_refuse(writer, "a string used as a number with decimals");
	if (left.value == DDL_VALUE_LITERAL || right.value == DDL_VALUE_LITERAL)
		floating = true;
	integers = !floating && left.value != DDL_VALUE_NUMERIC && right.value != DDL_VALUE_NUMERIC;
	result = dbs_ddl_pg_part(NULL, floating ? DDL_VALUE_FLOAT : integers ? DDL_VALUE_INTEGER : DDL_VALUE_NUMERIC);
	if (floating)
		a = psprintf("%s::double precision", a);
	if (strcmp(expr->text, "/") == 0)
	{
		if (!floating)
			return write_division(writer, left, right, a, b);
		result.sql = psprintf("(%s / nullif(%s, 0))", a, b);
		return result;
	}
	if (left.divided || right.divided)
	{
		writer->warnings |= DDL_WARN_DIVIDES;
		result.divided = true;
		result.loose = left.loose || right.loose;
		result.digits = strcmp(expr->text, "*") == 0 ? own_digits(left) + own_digits(right)
													 : Max(own_digits(left), own_digits(right));
		result.digits = result.loose ? Min(result.digits, 30) : 0;
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
		/* No scale: a remainder of nothing may be shown as -0.00. */
		result.sql = psprintf("(%s %% nullif(%s, 0))", a, b);
		return result;
	}
	/* MySQL computes with 64 bits, PostgreSQL with the wider of both sides. */
	if (integers)
	{
		a = psprintf("%s::bigint", a);
		result.positive = left.positive && right.positive && expr->text[0] != '-';
	}
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

/* MySQL's bits are 64 and without a sign; PostgreSQL's agree as long as nothing is below zero. */
static DdlPart
write_bits(DdlWriter *writer, const DdlExpr *expr)
{
	const char *name = expr->text;
	DdlPart left = dbs_ddl_pg_write(writer, linitial(expr->args));
	DdlPart right = dbs_ddl_pg_write(writer, lsecond(expr->args));
	DdlPart result;

	if (left.value != DDL_VALUE_INTEGER || right.value != DDL_VALUE_INTEGER || strcmp(name, "<<") == 0)
		return dbs_ddl_pg_refuse(writer, "operator %s on these types", name);
	if (strcmp(name, "&") == 0 ? !left.positive && !right.positive : !left.positive || !right.positive)
		return dbs_ddl_pg_refuse(writer, "operator %s on numbers that may be below zero, which MySQL takes as unsigned",
								 name);
	if (strcmp(name, ">>") == 0 && (!right.literal || strlen(right.sql) > 2 || strtol(right.sql, NULL, 10) > 63))
		return dbs_ddl_pg_refuse(writer, "operator >> by something else than a number below 64");
	result = dbs_ddl_pg_part(psprintf("(%s::bigint %s %s%s)", left.sql, strcmp(name, "^") == 0 ? "#" : name, right.sql,
									  strcmp(name, ">>") == 0 ? "::integer" : "::bigint"),
							 DDL_VALUE_INTEGER);
	result.positive = true;
	return result;
}

static DdlPart
write_like(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart left = dbs_ddl_pg_write(writer, linitial(expr->args));
	DdlPart right = dbs_ddl_pg_write(writer, lsecond(expr->args));
	const char *escape = "";

	writer->warnings |= DDL_WARN_COMPARES_TEXT;
	if (list_length(expr->args) == 3)
	{
		const DdlExpr *given = lthird(expr->args);

		if (given->kind != DDL_EXPR_STRING)
			return dbs_ddl_pg_refuse(writer, "LIKE with an ESCAPE that is no string");
		escape = psprintf(" ESCAPE %s", dbs_ddl_pg_write(writer, given).sql);
	}
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
	if (dbs_ddl_is_folded(writer, linitial(expr->args)))
		return dbs_ddl_pg_refuse(writer, "a regular expression and a constant in a generated column");
	writer->warnings |= DDL_WARN_COMPARES_TEXT;
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
		const char *number = dbs_ddl_pg_as_number(writer, part, DDL_VALUE_NUMBER);

		/* The least number of a type has no counterpart in it. */
		if (part.value == DDL_VALUE_INTEGER && !part.literal)
			number = psprintf("%s::bigint", number);
		part.sql = psprintf("(- %s)", number);
		part.value = part.value == DDL_VALUE_BOOLEAN ? DDL_VALUE_INTEGER : part.value;
		part.value = part.value == DDL_VALUE_LITERAL ? DDL_VALUE_FLOAT : part.value;
		part.narrow = part.narrow && part.literal;
		part.positive = part.literal = part.column = false;
		return part;
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
