/*
 * Expressions in PostgreSQL's words.  MySQL converts between types freely,
 * PostgreSQL does not: every part's kind is known, conversions that give the
 * same value are written out, and the first one that would not is the reason
 * why the whole cannot be translated.
 */
#include "postgres.h"

#include "ddl_pg_expression.h"

/* ---- leaves ------------------------------------------------------------------------------------ */

static void
describe_column(DdlWriter *writer, const DdlKnownColumn *column, DdlPart *part)
{
	const DdlType *type = column->type;
	const char *unsigned_big = writer->printer->options->bigint_unsigned;

	part->column = true;
	part->value = dbs_ddl_value_of_type(writer, type);
	part->array = column->pg_type != NULL && strcmp(column->pg_type, "text[]") == 0;
	/* PostgreSQL's character(n) keeps its padding in half of the functions, MySQL's CHAR in none. */
	if (type->family == DDL_TYPE_CHAR)
		part->sql = psprintf("%s::text", part->sql);
	if (type->family == DDL_TYPE_DECIMAL)
		part->scale = type->scale;
	if (dbs_ddl_is_moment_value(part->value))
		part->scale = Max(type->length, 0);
	part->positive = type->is_unsigned || type->family == DDL_TYPE_YEAR;
	part->narrow = part->value == DDL_VALUE_INTEGER && type->family != DDL_TYPE_INT8 &&
				   !(type->family == DDL_TYPE_INT4 && type->is_unsigned);
	if (type->family == DDL_TYPE_INT8 && type->is_unsigned &&
		(unsigned_big == NULL || strcmp(unsigned_big, "bigint") != 0))
	{
		part->value = DDL_VALUE_NUMERIC;
		part->scale = 0;
	}
}

static DdlPart
write_column(DdlWriter *writer, const DdlExpr *expr)
{
	const DdlKnownColumn *column = dbs_ddl_known_column(writer->table, expr->text);
	DdlPart part = {NULL, DDL_VALUE_ANY, false, -1};

	if (writer->context == DDL_CONTEXT_DEFAULT)
		return dbs_ddl_pg_refuse(writer, "a default that names a column (%s)", expr->text);
	if (writer->context == DDL_CONTEXT_QUERY && expr->qualifier != NULL)
	{
		ListCell *cell;

		part.sql = psprintf("%s.%s", dbs_ddl_pg_name(writer->printer, expr->qualifier),
							dbs_ddl_pg_name(writer->printer, expr->text));
		foreach (cell, writer->table->parts)
		{
			const DdlKnownPart *known = lfirst(cell);

			if (pg_strcasecmp(known->qualifier, expr->qualifier) != 0)
				continue;
			column = dbs_ddl_known_column(known->table, expr->text);
			if (column != NULL)
			{
				part.sql = psprintf("%s.%s", dbs_ddl_pg_name(writer->printer, known->qualifier),
									dbs_ddl_pg_name(writer->printer, column->name));
				describe_column(writer, column, &part);
			}
			break;
		}
		return part;
	}
	if (column == NULL)
	{
		part.sql = dbs_ddl_pg_name(writer->printer, expr->text);
		if (writer->table != NULL && writer->table->complete)
			return dbs_ddl_pg_refuse(writer, "column \"%s\" does not exist", expr->text);
		return part;
	}
	if (column->generated && writer->context == DDL_CONTEXT_GENERATED)
		return dbs_ddl_pg_refuse(writer, "it uses the generated column \"%s\"", expr->text);
	part.sql = dbs_ddl_pg_name(writer->printer, column->name);
	describe_column(writer, column, &part);
	return part;
}

/* DATE '…', TIMESTAMP '…', TIME '…' */
static DdlPart
write_temporal(DdlWriter *writer, const DdlExpr *expr)
{
	const char *literal = dbs_ddl_pg_string(expr->text, expr->size);
	const char *fraction = strchr(expr->text, '.');
	const char *p = expr->text + (*expr->text == '-' ? 1 : 0);
	Size hours = strspn(p, "0123456789");
	DdlPart part;

	if (expr->type->family == DDL_TYPE_DATE)
		return dbs_ddl_pg_part(dbs_ddl_pg_moment(writer, literal, DDL_VALUE_DATE), DDL_VALUE_DATE);
	if (expr->type->family == DDL_TYPE_TIMESTAMP)
	{
		part = dbs_ddl_pg_part(dbs_ddl_pg_moment(writer, literal, DDL_VALUE_TIMESTAMP), DDL_VALUE_TIMESTAMP);
		part.scale = fraction == NULL ? 0 : (int) strlen(fraction + 1);
		return part;
	}
	if (hours < 1 || hours > 3 || p[hours] != ':' || strspn(p + hours + 1, "0123456789") != 2 || p[hours + 3] != ':' ||
		strspn(p + hours + 4, "0123456789.") != strlen(p + hours + 4))
		return dbs_ddl_pg_refuse(writer, "the string %s used as a time", literal);
	return dbs_ddl_pg_part(psprintf("%s::interval", literal), DDL_VALUE_TIME);
}

static DdlPart
write_literal(DdlWriter *writer, const DdlExpr *expr)
{
	if (dbs_ddl_has_nul(expr))
		return dbs_ddl_pg_refuse(writer, "a string that holds a NUL byte");
	switch (expr->kind)
	{
		case DDL_EXPR_NULL:
			return dbs_ddl_pg_part("NULL", DDL_VALUE_ANY);
		case DDL_EXPR_BOOLEAN:
		{
			DdlPart part = dbs_ddl_pg_part(expr->text, DDL_VALUE_BOOLEAN);

			part.literal = true;
			return part;
		}
		case DDL_EXPR_NUMBER:
		{
			DdlPart part = dbs_ddl_pg_part(expr->text, DDL_VALUE_INTEGER);
			const char *point = strchr(expr->text, '.');

			part.literal = part.positive = true;
			part.narrow = strlen(expr->text) <= 9;
			if (strpbrk(expr->text, "eE") != NULL)
			{
				part.value = DDL_VALUE_FLOAT;
				part.sql = psprintf("%s::double precision", expr->text);
			}
			else if (point != NULL)
			{
				part.value = DDL_VALUE_NUMERIC;
				part.scale = strlen(point + 1);
			}
			else if (strlen(expr->text) > 18)
			{
				part.value = DDL_VALUE_NUMERIC;
				part.scale = 0;
			}
			return part;
		}
		case DDL_EXPR_STRING:
			if (!dbs_ddl_is_utf8_literal(expr, NULL))
				return dbs_ddl_pg_refuse(writer, "a string in character set %s", expr->introducer);
			if (expr->introducer != NULL && pg_strcasecmp(expr->introducer, "binary") == 0)
				return dbs_ddl_pg_refuse(writer, "a binary string");
			return dbs_ddl_pg_part(dbs_ddl_pg_string(expr->text, expr->size), DDL_VALUE_LITERAL);
		case DDL_EXPR_TEMPORAL:
			return write_temporal(writer, expr);
		case DDL_EXPR_HEX:
			if (expr->introducer != NULL && pg_strcasecmp(expr->introducer, "binary") != 0)
			{
				DdlText bytes = dbs_ddl_literal_bytes(expr);

				if (!dbs_ddl_is_utf8_literal(expr, NULL) || strlen(bytes.text) != bytes.size)
					return dbs_ddl_pg_refuse(writer, "a string in character set %s", expr->introducer);
				return dbs_ddl_pg_part(dbs_ddl_pg_string(bytes.text, bytes.size), DDL_VALUE_LITERAL);
			}
			if (expr->size <= 14 && writer->want != NULL && dbs_ddl_is_number(writer->want->family))
				return dbs_ddl_pg_part(psprintf("%lld", (long long) strtoll(expr->text, NULL, 16)), DDL_VALUE_INTEGER);
			return dbs_ddl_pg_part(psprintf("'\\x%s'::bytea", expr->text), DDL_VALUE_BYTES);
		case DDL_EXPR_BITS:
			if (expr->size <= 62)
			{
				DdlPart part =
					dbs_ddl_pg_part(psprintf("%lld", (long long) strtoll(expr->text, NULL, 2)), DDL_VALUE_INTEGER);

				part.bits = part.positive = true;
				return part;
			}
			break;
		default:
			break;
	}
	return dbs_ddl_pg_refuse(writer, "a literal of this kind");
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

static DdlPart
write_case(DdlWriter *writer, const DdlExpr *expr)
{
	int count = list_length(expr->args);
	const DdlExpr *operand = linitial(expr->args);
	const DdlExpr *otherwise = list_nth(expr->args, count - 1);
	DdlPart *parts = palloc0(count * sizeof(DdlPart));
	DdlValue common = DDL_VALUE_ANY;
	StringInfoData out;
	DdlPart left = {NULL};
	DdlPart result = dbs_ddl_pg_part(NULL, DDL_VALUE_ANY);

	if (operand != NULL)
		left = dbs_ddl_pg_write(writer, operand);
	for (int i = 1; i < count; i++)
	{
		const DdlExpr *part = list_nth(expr->args, i);

		if (part == NULL)
			continue;
		parts[i] = dbs_ddl_pg_write(writer, part);
		if (i % 2 == 0 || i == count - 1)
		{
			common = dbs_ddl_pg_common_value(writer, common, parts[i].value);
			dbs_ddl_pg_merge(&result, parts[i]);
		}
	}
	if (operand != NULL && dbs_ddl_is_volatile(operand))
		return dbs_ddl_pg_refuse(writer, "CASE of a value that differs each time");
	initStringInfo(&out);
	appendStringInfoString(&out, "CASE");
	for (int i = 1; i + 1 < count - 1; i += 2)
	{
		const char *condition;

		if (operand != NULL)
		{
			DdlPart each = left;

			dbs_ddl_pg_pair(writer, &each, &parts[i]);
			condition = psprintf("%s = %s", each.sql, parts[i].sql);
		}
		else
			condition = dbs_ddl_pg_as_boolean(writer, parts[i]);
		appendStringInfo(&out, " WHEN %s THEN %s", condition, dbs_ddl_pg_to_common(writer, parts[i + 1], common));
	}
	if (otherwise != NULL)
		appendStringInfo(&out, " ELSE %s", dbs_ddl_pg_to_common(writer, parts[count - 1], common));
	appendStringInfoString(&out, " END");
	/* MariaDB shows the decimals of all, MySQL those of the one chosen. */
	if (result.loose && writer->printer->options->source != DBS_DIALECT_MARIADB)
		result.scale = -1;
	result.sql = out.data;
	result.value = common == DDL_VALUE_LITERAL ? DDL_VALUE_TEXT : common;
	return result;
}

static DdlPart
write_in(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart left = dbs_ddl_pg_write(writer, linitial(expr->args));
	StringInfoData out;
	const char *reason = NULL;

	initStringInfo(&out);
	if (expr->query != NULL)
	{
		const char *query = dbs_ddl_pg_query(writer->printer, expr->query, &reason);

		if (query == NULL)
			return dbs_ddl_pg_refuse(writer, "%s", reason);
		if (left.value == DDL_VALUE_TEXT || left.value == DDL_VALUE_ANY)
			writer->warnings |= DDL_WARN_COMPARES_TEXT;
		return dbs_ddl_pg_part(psprintf("(%s %sIN (%s))", left.sql, expr->negated ? "NOT " : "", query),
							   DDL_VALUE_BOOLEAN);
	}
	if (left.array)
		return dbs_ddl_pg_refuse(writer, "a set compared with a string");
	if (left.value == DDL_VALUE_TEXT)
		writer->warnings |= DDL_WARN_COMPARES_TEXT;
	for (int i = 1; i < list_length(expr->args); i++)
	{
		DdlPart part = dbs_ddl_pg_write(writer, list_nth(expr->args, i));
		DdlValue common = dbs_ddl_pg_common_value(
			writer, left.value == DDL_VALUE_BOOLEAN ? DDL_VALUE_INTEGER : left.value, part.value);

		appendStringInfo(&out, "%s%s", i == 1 ? "" : ", ", dbs_ddl_pg_to_common(writer, part, common));
	}
	return dbs_ddl_pg_part(
		psprintf("(%s %sIN (%s))",
				 left.value == DDL_VALUE_BOOLEAN ? dbs_ddl_pg_as_number(writer, left, DDL_VALUE_NUMBER) : left.sql,
				 expr->negated ? "NOT " : "", out.data),
		DDL_VALUE_BOOLEAN);
}

static DdlPart
write_between(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart value = dbs_ddl_pg_write(writer, linitial(expr->args));
	DdlPart low = dbs_ddl_pg_write(writer, lsecond(expr->args));
	DdlPart high = dbs_ddl_pg_write(writer, lthird(expr->args));
	DdlValue common =
		dbs_ddl_pg_common_value(writer, dbs_ddl_pg_common_value(writer, value.value, low.value), high.value);

	if (common == DDL_VALUE_TEXT)
		writer->warnings |= DDL_WARN_COMPARES_TEXT;
	return dbs_ddl_pg_part(psprintf("(%s %sBETWEEN %s AND %s)", dbs_ddl_pg_to_common(writer, value, common),
									expr->negated ? "NOT " : "", dbs_ddl_pg_to_common(writer, low, common),
									dbs_ddl_pg_to_common(writer, high, common)),
						   DDL_VALUE_BOOLEAN);
}

static DdlPart
write_cast(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart part = dbs_ddl_pg_write(writer, linitial(expr->args));
	const DdlType *type = expr->type;
	DdlPart result = dbs_ddl_pg_part(NULL, dbs_ddl_value_of_type(writer, type));

	if (strcmp(expr->text, "cast") != 0 || type->array_dimensions > 0)
		return dbs_ddl_pg_refuse(writer, "a conversion of this kind");
	if (dbs_ddl_is_text(type->family))
	{
		result.sql = dbs_ddl_pg_as_text(writer, part);
		if (type->length > 0)
			result.sql = psprintf("left(%s, %d)", result.sql, (int) type->length);
		else
			result.sql = psprintf("(%s)::text", result.sql);
		return result;
	}
	if (type->family == DDL_TYPE_INT8 && type->is_unsigned && !(part.value == DDL_VALUE_INTEGER && part.positive))
		return dbs_ddl_pg_refuse(writer, "a conversion to an unsigned number of what may be below zero");
	if (dbs_ddl_is_number(type->family))
	{
		const char *name = dbs_ddl_pg_type(writer->printer, type, "");

		if (type->family == DDL_TYPE_INT8)
			name = "bigint";
		if (type->family == DDL_TYPE_DECIMAL)
			result.scale = type->scale;
		result.sql = psprintf("(%s)::%s",
							  dbs_ddl_pg_as_number(writer, part,
												   type->family == DDL_TYPE_DECIMAL || dbs_ddl_is_integer(type->family)
													   ? DDL_VALUE_NUMERIC
													   : DDL_VALUE_NUMBER),
							  name);
		return result;
	}
	if (type->family == DDL_TYPE_JSON && (part.value == DDL_VALUE_LITERAL || part.value == DDL_VALUE_JSON))
	{
		result.sql = psprintf("%s::jsonb", part.sql);
		return result;
	}
	if ((type->family == DDL_TYPE_DATE || type->family == DDL_TYPE_TIMESTAMP) &&
		(part.value == DDL_VALUE_DATE || part.value == DDL_VALUE_TIMESTAMP || part.value == DDL_VALUE_LITERAL))
	{
		if (part.value == DDL_VALUE_LITERAL)
		{
			part.sql = dbs_ddl_pg_moment(writer, part.sql, DDL_VALUE_TIMESTAMP);
			part.value = DDL_VALUE_TIMESTAMP;
		}
		result.scale = type->family == DDL_TYPE_DATE ? -1 : Max((int) type->length, 0);
		result.sql = type->family == DDL_TYPE_DATE ? psprintf("%s::date", part.sql)
												   : dbs_ddl_pg_fraction(writer, part, result.scale);
		return result;
	}
	return dbs_ddl_pg_refuse(writer, "a conversion from %s to %s", dbs_ddl_value_name(part.value),
							 type->name == NULL ? "that" : type->name);
}

static DdlPart
write_expr_inner(DdlWriter *writer, const DdlExpr *expr)
{
	const char *reason = NULL;
	const char *query;

	switch (expr->kind)
	{
		case DDL_EXPR_COLUMN:
			return write_column(writer, expr);
		case DDL_EXPR_FUNCTION:
			return dbs_ddl_pg_write_function(writer, expr);
		case DDL_EXPR_OPERATOR:
			return dbs_ddl_pg_write_operator(writer, expr);
		case DDL_EXPR_CAST:
			return write_cast(writer, expr);
		case DDL_EXPR_CASE:
			return write_case(writer, expr);
		case DDL_EXPR_IN:
			return write_in(writer, expr);
		case DDL_EXPR_BETWEEN:
			return write_between(writer, expr);
		case DDL_EXPR_STAR:
			if (writer->context != DDL_CONTEXT_QUERY)
				break;
			return dbs_ddl_pg_part(
				expr->qualifier == NULL ? "*" : psprintf("%s.*", dbs_ddl_pg_name(writer->printer, expr->qualifier)),
				DDL_VALUE_ANY);
		case DDL_EXPR_QUERY:
		case DDL_EXPR_EXISTS:
			query = dbs_ddl_pg_query(writer->printer, expr->query, &reason);
			if (query == NULL)
				return dbs_ddl_pg_refuse(writer, "%s", reason);
			if (expr->kind == DDL_EXPR_EXISTS)
				return dbs_ddl_pg_part(psprintf("(EXISTS (%s))", query), DDL_VALUE_BOOLEAN);
			return dbs_ddl_pg_part(psprintf("(%s)", query), DDL_VALUE_ANY);
		case DDL_EXPR_COLLATE:
			writer->warnings |= DDL_WARN_COMPARES_TEXT;
			return dbs_ddl_pg_write(writer, linitial(expr->args));
		case DDL_EXPR_VARIABLE:
			return dbs_ddl_pg_refuse(writer, "the variable %s", expr->text);
		case DDL_EXPR_ROW:
		case DDL_EXPR_ARRAY:
		case DDL_EXPR_INTERVAL:
			break;
		default:
			return write_literal(writer, expr);
	}
	return dbs_ddl_pg_refuse(writer, "an expression of this kind");
}

DdlPart
dbs_ddl_pg_write(DdlWriter *writer, const DdlExpr *expr)
{
	DdlPart part;

	if (writer->reason != NULL)
		return dbs_ddl_pg_part("NULL", DDL_VALUE_ANY);
	/* The parser bounds the depth of nesting, not the length of a chain of operators. */
	if (writer->depth > 1000)
		return dbs_ddl_pg_refuse(writer, "an expression too deep");
	writer->depth++;
	part = write_expr_inner(writer, expr);
	writer->depth--;
	/* Words that hold an argument twice double it at each level. */
	if (part.sql != NULL && strlen(part.sql) > 100000)
		return dbs_ddl_pg_refuse(writer, "an expression that becomes too long");
	/* The innermost part that knows where it stands. */
	if (writer->reason != NULL && writer->refused_at == 0)
		writer->refused_at = expr->offset;
	return part;
}

/* Takes away one pair of parentheses around the whole. */
static const char *
strip_parentheses(const char *sql)
{
	Size size = strlen(sql);
	int depth = 0;
	bool quoted = false;
	char quote = 0;

	if (size < 2 || sql[0] != '(' || sql[size - 1] != ')')
		return sql;
	for (Size i = 0; i < size; i++)
	{
		if (quoted)
			quoted = sql[i] != quote;
		else if (sql[i] == '\'' || sql[i] == '"')
		{
			quoted = true;
			quote = sql[i];
		}
		else if (sql[i] == '(')
			depth++;
		else if (sql[i] == ')' && --depth == 0 && i + 1 < size)
			return sql;
	}
	return pnstrdup(sql + 1, size - 2);
}

static void
note_warnings(const DdlWriter *writer)
{
	static const struct
	{
		DdlExpressionWarning warning;
		const char *note;
	} notes[] = {
		{DDL_WARN_COMPARES_TEXT, "text in an expression is compared by PostgreSQL's collation, which minds case"},
		{DDL_WARN_CHANGES_CASE,
		 "UPPER and LOWER in an expression change letters beyond ASCII by the database's locale"},
		{DDL_WARN_COUNTS_BYTES, "bytes of text in an expression are those of UTF-8, whatever its character set was"},
		{DDL_WARN_WRITES_JSON, "JSON as text in an expression has jsonb's order of keys, spaces and digits of numbers"},
		{DDL_WARN_JOINS_ROWS, "GROUP_CONCAT is cut by MySQL at group_concat_max_len, and not here"},
		{DDL_WARN_DIVIDES,
		 "a division inside an expression: the source's versions differ in the digits they go on with"},
	};

	for (int i = 0; i < lengthof(notes); i++)
	{
		if ((writer->warnings & notes[i].warning) != 0)
			dbs_ddl_note(writer->printer, DBS_NOTE_WARNING, "%s", notes[i].note);
	}
}

const char *
dbs_ddl_pg_expression(DdlPrinter *printer, const DdlExpr *expr, const DdlKnownTable *table, const DdlType *want,
					  DdlContext context, const char **reason)
{
	DdlWriter writer = {printer, table, want, context};
	DdlPart part = dbs_ddl_pg_write(&writer, expr);
	const char *sql = part.sql;
	DdlValue wanted = DDL_VALUE_ANY;

	if (want != NULL && writer.reason == NULL)
	{
		wanted = dbs_ddl_value_of_type(&writer, want);
		if (wanted == DDL_VALUE_BOOLEAN)
			sql = dbs_ddl_pg_as_boolean(&writer, part);
		else if (wanted == DDL_VALUE_TEXT && part.value != DDL_VALUE_ANY)
			sql = dbs_ddl_pg_as_text(&writer, part);
		else if (part.value == DDL_VALUE_BOOLEAN && dbs_ddl_is_numeric_value(wanted))
			sql = psprintf("(%s)::integer", part.sql);
		else if (wanted == DDL_VALUE_JSON && part.value == DDL_VALUE_LITERAL)
			sql = psprintf("%s::%s", part.sql, dbs_ddl_pg_type(printer, want, ""));
		else if (wanted == DDL_VALUE_TIME && part.value == DDL_VALUE_TIMESTAMP)
			sql = psprintf("%s::time::interval", part.sql);
		else if (wanted == DDL_VALUE_DATE && dbs_ddl_is_moment_value(part.value) && part.value != DDL_VALUE_DATE)
		{
			/* Stored in a DATE, what MySQL has after half a second before midnight is the next day; MariaDB cuts it
			 * off. */
			if (part.value == DDL_VALUE_TIMESTAMP && printer->options->source == DBS_DIALECT_MYSQL)
				part.sql = dbs_ddl_pg_fraction(&writer, part, 0);
			sql = psprintf("(%s)::date", part.sql);
		}
		else if (context == DDL_CONTEXT_GENERATED && dbs_ddl_is_moment_value(wanted) &&
				 dbs_ddl_is_moment_value(part.value) &&
				 (wanted == DDL_VALUE_TIMESTAMPTZ) != (part.value == DDL_VALUE_TIMESTAMPTZ))
			dbs_ddl_pg_refuse(&writer, "%s for a column of %s, which depends on the session's zone",
							  dbs_ddl_value_name(part.value), dbs_ddl_value_name(wanted));
		else if (wanted == DDL_VALUE_TIMESTAMP && part.value == DDL_VALUE_TIMESTAMP && part.scale != 0)
			sql = dbs_ddl_pg_fraction(&writer, part, Max((int) want->length, 0));
		else if ((dbs_ddl_is_numeric_value(wanted) && !dbs_ddl_is_numeric_value(part.value) &&
				  part.value != DDL_VALUE_ANY && part.value != DDL_VALUE_LITERAL) ||
				 ((wanted == DDL_VALUE_BYTES || wanted == DDL_VALUE_UUID || wanted == DDL_VALUE_JSON) &&
				  part.value != wanted && part.value != DDL_VALUE_ANY))
			dbs_ddl_pg_refuse(&writer, "%s for a column of %s", dbs_ddl_value_name(part.value),
							  dbs_ddl_value_name(wanted));
	}
	/* What a query shows is rounded as the source shows it. */
	if (want == NULL && context == DDL_CONTEXT_QUERY && part.value == DDL_VALUE_NUMERIC && part.loose && part.divided)
	{
		if (part.scale < 0)
			dbs_ddl_pg_refuse(&writer, "a division whose decimals are not known");
		sql = psprintf("round(%s, %d)", part.sql, part.scale);
	}
	if (writer.reason != NULL)
	{
		printer->refused_at = writer.refused_at > 0 ? writer.refused_at : expr->offset;
		*reason = writer.reason;
		return NULL;
	}
	note_warnings(&writer);
	return strip_parentheses(sql);
}
