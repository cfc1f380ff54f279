/*
 * MySQL's expressions, by precedence climbing.
 */
#include "postgres.h"

#include <ctype.h>

#include "ddl_parser.h"

DdlExpr *
dbs_ddl_make_expr(DdlExprKind kind, const char *text, List *args)
{
	DdlExpr *expr = palloc0(sizeof(DdlExpr));

	expr->kind = kind;
	expr->text = text;
	expr->size = text == NULL ? 0 : strlen(text);
	expr->args = args;
	return expr;
}

static DdlExpr *
null_expr(void)
{
	return dbs_ddl_make_expr(DDL_EXPR_NULL, NULL, NIL);
}

static const char *
lower(const char *word)
{
	char *copy = pstrdup(word);

	for (char *p = copy; *p != '\0'; p++)
		*p = tolower((unsigned char) *p);
	return copy;
}

/* Binary operators by how tightly they bind; a higher level binds tighter. */
typedef struct BinaryOperator
{
	const char *symbol; /* or word */
	bool is_word;
	int level;
	const char *meaning;
} BinaryOperator;

#define LEVEL_OR 1
#define LEVEL_XOR 2
#define LEVEL_AND 3
#define LEVEL_NOT 4
#define LEVEL_COMPARISON 5
#define LEVEL_BIT_OR 6
#define LEVEL_BIT_AND 7
#define LEVEL_SHIFT 8
#define LEVEL_ADD 9
#define LEVEL_MULTIPLY 10
#define LEVEL_BIT_XOR 11
#define LEVEL_CONCAT 12

static const BinaryOperator operators[] = {
	{"OR", true, LEVEL_OR, "or"},          {"XOR", true, LEVEL_XOR, "xor"},
	{"AND", true, LEVEL_AND, "and"},       {"&&", false, LEVEL_AND, "and"},
	{"=", false, LEVEL_COMPARISON, "="},   {"<=>", false, LEVEL_COMPARISON, "<=>"},
	{">=", false, LEVEL_COMPARISON, ">="}, {"<=", false, LEVEL_COMPARISON, "<="},
	{"<>", false, LEVEL_COMPARISON, "<>"}, {"!=", false, LEVEL_COMPARISON, "<>"},
	{"<", false, LEVEL_COMPARISON, "<"},   {">", false, LEVEL_COMPARISON, ">"},
	{"|", false, LEVEL_BIT_OR, "|"},       {"&", false, LEVEL_BIT_AND, "&"},
	{"<<", false, LEVEL_SHIFT, "<<"},      {">>", false, LEVEL_SHIFT, ">>"},
	{"+", false, LEVEL_ADD, "+"},          {"-", false, LEVEL_ADD, "-"},
	{"*", false, LEVEL_MULTIPLY, "*"},     {"/", false, LEVEL_MULTIPLY, "/"},
	{"%", false, LEVEL_MULTIPLY, "%"},     {"DIV", true, LEVEL_MULTIPLY, "div"},
	{"MOD", true, LEVEL_MULTIPLY, "%"},    {"^", false, LEVEL_BIT_XOR, "^"},
};

static DdlExpr *parse_level(DdlParser *parser, int level);

static const BinaryOperator *
next_operator(DdlParser *parser)
{
	static const BinaryOperator concat = {"||", false, LEVEL_CONCAT, "concat"};
	static const BinaryOperator either = {"||", false, LEVEL_OR, "or"};

	if (dbs_ddl_is_symbol(parser, 0, "||"))
		return (parser->options->sql_mode & DDL_MODE_PIPES_AS_CONCAT) != 0 ? &concat : &either;
	for (int i = 0; i < lengthof(operators); i++)
	{
		const BinaryOperator *entry = &operators[i];

		if (entry->is_word ? dbs_ddl_is_word(parser, 0, entry->symbol) : dbs_ddl_is_symbol(parser, 0, entry->symbol))
			return entry;
	}
	return NULL;
}

static DdlExpr *
parse_unary(DdlParser *parser)
{
	DdlExpr *expr;
	const char *meaning = NULL;

	if (!dbs_ddl_enter(parser))
		return null_expr();
	if (dbs_ddl_accept_symbol(parser, "-"))
		meaning = "neg";
	else if (dbs_ddl_accept_symbol(parser, "~"))
		meaning = "~";
	else if (dbs_ddl_accept_symbol(parser, "!"))
		meaning = "not";
	else if (dbs_ddl_accept_symbol(parser, "+"))
		meaning = "plus";
	if (meaning != NULL)
	{
		expr = parse_unary(parser);
		if (strcmp(meaning, "plus") != 0)
			expr = dbs_ddl_make_expr(DDL_EXPR_OPERATOR, meaning, list_make1(expr));
	}
	else if (dbs_ddl_accept(parser, "BINARY"))
	{
		expr = dbs_ddl_make_expr(DDL_EXPR_FUNCTION, "binary", list_make1(parse_unary(parser)));
	}
	else
		expr = dbs_ddl_parse_primary(parser);
	for (;;)
	{
		if (dbs_ddl_accept(parser, "COLLATE"))
		{
			const DdlToken *token = dbs_ddl_peek(parser, 0);

			if (token->kind == DDL_TOKEN_STRING)
				parser->at++;
			else
				dbs_ddl_parse_identifier(parser, "a collation");
			expr = dbs_ddl_make_expr(DDL_EXPR_COLLATE, token->text, list_make1(expr));
		}
		else if (dbs_ddl_is_symbol(parser, 0, "->") || dbs_ddl_is_symbol(parser, 0, "->>"))
		{
			const char *arrow = dbs_ddl_peek(parser, 0)->text;
			DdlText *path;
			DdlExpr *argument;

			parser->at++;
			path = dbs_ddl_parse_string(parser, "a JSON path");
			argument = dbs_ddl_make_expr(DDL_EXPR_STRING, path->text, NIL);
			expr = dbs_ddl_make_expr(DDL_EXPR_OPERATOR, arrow, list_make2(expr, argument));
		}
		else
			break;
	}
	dbs_ddl_leave(parser);
	return expr;
}

/* IS [NOT] NULL | TRUE | FALSE | UNKNOWN */
static DdlExpr *
parse_is(DdlParser *parser, DdlExpr *left)
{
	static const struct
	{
		const char *word;
		const char *meaning;
	} tests[] = {{"NULL", "is null"}, {"TRUE", "is true"}, {"FALSE", "is false"}, {"UNKNOWN", "is unknown"}};
	bool negated = dbs_ddl_accept(parser, "NOT");

	for (int i = 0; i < lengthof(tests); i++)
	{
		if (dbs_ddl_accept(parser, tests[i].word))
		{
			DdlExpr *expr = dbs_ddl_make_expr(DDL_EXPR_OPERATOR, tests[i].meaning, list_make1(left));

			expr->negated = negated;
			return expr;
		}
	}
	dbs_ddl_expected(parser, "NULL, TRUE, FALSE or UNKNOWN");
	return left;
}

static DdlExpr *
parse_in(DdlParser *parser, DdlExpr *left, bool negated)
{
	DdlExpr *expr = dbs_ddl_make_expr(DDL_EXPR_IN, NULL, list_make1(left));

	expr->negated = negated;
	dbs_ddl_expect_symbol(parser, "(");
	if (dbs_ddl_query_follows(parser))
		expr->query = dbs_ddl_parse_query(parser);
	else
	{
		do
		{
			expr->args = lappend(expr->args, dbs_ddl_parse_expression(parser));
		} while (dbs_ddl_accept_symbol(parser, ","));
	}
	dbs_ddl_expect_symbol(parser, ")");
	return expr;
}

/* BETWEEN, IN, LIKE, REGEXP, MEMBER OF, SOUNDS LIKE; NULL when none is next. */
static DdlExpr *
parse_predicate(DdlParser *parser, DdlExpr *left)
{
	int first = parser->at;
	bool negated = dbs_ddl_accept(parser, "NOT");
	DdlExpr *expr;

	if (dbs_ddl_accept(parser, "BETWEEN"))
	{
		DdlExpr *low = parse_level(parser, LEVEL_BIT_OR);
		DdlExpr *high;

		dbs_ddl_expect(parser, "AND");
		high = parse_level(parser, LEVEL_BIT_OR);
		expr = dbs_ddl_make_expr(DDL_EXPR_BETWEEN, NULL, list_make3(left, low, high));
		expr->negated = negated;
		return expr;
	}
	if (dbs_ddl_accept(parser, "IN"))
		return parse_in(parser, left, negated);
	if (dbs_ddl_accept(parser, "LIKE"))
	{
		expr = dbs_ddl_make_expr(DDL_EXPR_OPERATOR, "like", list_make2(left, parse_unary(parser)));
		if (dbs_ddl_accept(parser, "ESCAPE"))
			expr->args = lappend(expr->args, parse_unary(parser));
		expr->negated = negated;
		return expr;
	}
	if (dbs_ddl_accept(parser, "REGEXP") || dbs_ddl_accept(parser, "RLIKE"))
	{
		expr = dbs_ddl_make_expr(DDL_EXPR_OPERATOR, "regexp", list_make2(left, parse_level(parser, LEVEL_BIT_OR)));
		expr->negated = negated;
		return expr;
	}
	if (!negated && dbs_ddl_accept(parser, "MEMBER OF"))
	{
		dbs_ddl_expect_symbol(parser, "(");
		expr = dbs_ddl_make_expr(DDL_EXPR_FUNCTION, "member of", list_make2(left, dbs_ddl_parse_expression(parser)));
		dbs_ddl_expect_symbol(parser, ")");
		return expr;
	}
	if (!negated && dbs_ddl_accept(parser, "SOUNDS LIKE"))
		return dbs_ddl_make_expr(DDL_EXPR_FUNCTION, "sounds like", list_make2(left, parse_unary(parser)));
	parser->at = first;
	return NULL;
}

/* expr ± INTERVAL n unit becomes date_add or date_sub. */
static DdlExpr *
make_binary(const char *meaning, DdlExpr *left, DdlExpr *right)
{
	if (right->kind == DDL_EXPR_INTERVAL && (strcmp(meaning, "+") == 0 || strcmp(meaning, "-") == 0))
		return dbs_ddl_make_expr(DDL_EXPR_FUNCTION, meaning[0] == '+' ? "date_add" : "date_sub",
								 list_make2(left, right));
	if (left->kind == DDL_EXPR_INTERVAL && strcmp(meaning, "+") == 0)
		return dbs_ddl_make_expr(DDL_EXPR_FUNCTION, "date_add", list_make2(right, left));
	return dbs_ddl_make_expr(DDL_EXPR_OPERATOR, meaning, list_make2(left, right));
}

static DdlExpr *
parse_level(DdlParser *parser, int level)
{
	DdlExpr *left;

	if (!dbs_ddl_enter(parser))
		return null_expr();
	if (level <= LEVEL_NOT && dbs_ddl_accept(parser, "NOT"))
		left = dbs_ddl_make_expr(DDL_EXPR_OPERATOR, "not", list_make1(parse_level(parser, LEVEL_NOT)));
	else
		left = parse_unary(parser);
	while (parser->error == NULL)
	{
		const BinaryOperator *entry = next_operator(parser);
		int offset = dbs_ddl_peek(parser, 0)->start;

		if (entry != NULL)
		{
			if (entry->level < level)
				break;
			parser->at++;
			left = make_binary(entry->meaning, left, parse_level(parser, entry->level + 1));
			left->offset = offset;
		}
		else if (level <= LEVEL_COMPARISON && dbs_ddl_accept(parser, "IS"))
			left = parse_is(parser, left);
		else
		{
			DdlExpr *predicate = level <= LEVEL_COMPARISON ? parse_predicate(parser, left) : NULL;

			if (predicate == NULL)
				break;
			left = predicate;
		}
	}
	dbs_ddl_leave(parser);
	return left;
}

DdlExpr *
dbs_ddl_parse_expression(DdlParser *parser)
{
	return parse_level(parser, LEVEL_OR);
}

/* ---- primaries --------------------------------------------------------------- */

static DdlExpr *
parse_case(DdlParser *parser)
{
	DdlExpr *expr = dbs_ddl_make_expr(DDL_EXPR_CASE, NULL, NIL);
	DdlExpr *operand = NULL;
	DdlExpr *otherwise = NULL;

	if (!dbs_ddl_is_word(parser, 0, "WHEN"))
		operand = dbs_ddl_parse_expression(parser);
	expr->args = list_make1(operand);
	do
	{
		dbs_ddl_expect(parser, "WHEN");
		expr->args = lappend(expr->args, dbs_ddl_parse_expression(parser));
		dbs_ddl_expect(parser, "THEN");
		expr->args = lappend(expr->args, dbs_ddl_parse_expression(parser));
	} while (dbs_ddl_is_word(parser, 0, "WHEN"));
	if (dbs_ddl_accept(parser, "ELSE"))
		otherwise = dbs_ddl_parse_expression(parser);
	expr->args = lappend(expr->args, otherwise);
	dbs_ddl_expect(parser, "END");
	return expr;
}

static DdlExpr *
parse_cast(DdlParser *parser)
{
	DdlExpr *expr = dbs_ddl_make_expr(DDL_EXPR_CAST, "cast", NIL);

	dbs_ddl_expect_symbol(parser, "(");
	expr->args = list_make1(dbs_ddl_parse_expression(parser));
	if (dbs_ddl_accept(parser, "AT TIME ZONE"))
	{
		(void) dbs_ddl_accept(parser, "INTERVAL");
		dbs_ddl_parse_string(parser, "a time zone");
		expr->text = "at time zone";
	}
	dbs_ddl_expect(parser, "AS");
	expr->type = dbs_ddl_parse_cast_type(parser);
	dbs_ddl_expect_symbol(parser, ")");
	return expr;
}

/* CONVERT(x, type) or CONVERT(x USING charset) */
static DdlExpr *
parse_convert(DdlParser *parser)
{
	DdlExpr *expr;
	DdlExpr *value;

	dbs_ddl_expect_symbol(parser, "(");
	value = dbs_ddl_parse_expression(parser);
	if (dbs_ddl_accept(parser, "USING"))
	{
		expr = dbs_ddl_make_expr(DDL_EXPR_FUNCTION, "convert using", list_make1(value));
		expr->introducer = dbs_ddl_parse_identifier(parser, "a character set");
	}
	else
	{
		expr = dbs_ddl_make_expr(DDL_EXPR_CAST, "cast", list_make1(value));
		dbs_ddl_expect_symbol(parser, ",");
		expr->type = dbs_ddl_parse_cast_type(parser);
	}
	dbs_ddl_expect_symbol(parser, ")");
	return expr;
}

static DdlExpr *
parse_interval(DdlParser *parser)
{
	DdlExpr *expr = dbs_ddl_make_expr(DDL_EXPR_INTERVAL, NULL, list_make1(dbs_ddl_parse_expression(parser)));

	expr->text = lower(dbs_ddl_parse_identifier(parser, "a unit of time"));
	return expr;
}

static DdlExpr *
unit_expr(DdlParser *parser)
{
	return dbs_ddl_make_expr(DDL_EXPR_STRING, lower(dbs_ddl_parse_identifier(parser, "a unit of time")), NIL);
}

/* TRIM([BOTH | LEADING | TRAILING] [x] FROM y): the side goes into the name. */
static DdlExpr *
parse_trim(DdlParser *parser)
{
	DdlExpr *expr = dbs_ddl_make_expr(DDL_EXPR_FUNCTION, "trim", NIL);
	DdlExpr *what = NULL;

	if (dbs_ddl_accept(parser, "LEADING"))
		expr->text = "ltrim";
	else if (dbs_ddl_accept(parser, "TRAILING"))
		expr->text = "rtrim";
	else
		(void) dbs_ddl_accept(parser, "BOTH");
	if (!dbs_ddl_accept(parser, "FROM"))
	{
		what = dbs_ddl_parse_expression(parser);
		if (!dbs_ddl_accept(parser, "FROM"))
		{
			expr->args = list_make1(what);
			return expr;
		}
	}
	expr->args = list_make1(dbs_ddl_parse_expression(parser));
	if (what != NULL)
		expr->args = lappend(expr->args, what);
	return expr;
}

/* The arguments of the functions whose insides are not a plain list. False when it is a plain list. */
static bool
parse_special_arguments(DdlParser *parser, DdlExpr *expr)
{
	const char *name = expr->text;

	if (strcmp(name, "extract") == 0)
	{
		DdlExpr *unit = unit_expr(parser);

		dbs_ddl_expect(parser, "FROM");
		expr->args = list_make2(unit, dbs_ddl_parse_expression(parser));
	}
	else if (strcmp(name, "timestampdiff") == 0 || strcmp(name, "timestampadd") == 0)
	{
		expr->args = list_make1(unit_expr(parser));
		dbs_ddl_expect_symbol(parser, ",");
		expr->args = lappend(expr->args, dbs_ddl_parse_expression(parser));
		dbs_ddl_expect_symbol(parser, ",");
		expr->args = lappend(expr->args, dbs_ddl_parse_expression(parser));
	}
	else if (strcmp(name, "position") == 0)
	{
		DdlExpr *needle = parse_level(parser, LEVEL_BIT_OR);

		expr->text = "locate";
		if (!dbs_ddl_accept(parser, "IN"))
			dbs_ddl_expect(parser, "IN");
		expr->args = list_make2(needle, dbs_ddl_parse_expression(parser));
	}
	else if (strcmp(name, "substring") == 0 || strcmp(name, "substr") == 0 || strcmp(name, "mid") == 0)
	{
		expr->text = "substring";
		expr->args = list_make1(dbs_ddl_parse_expression(parser));
		if (dbs_ddl_accept(parser, "FROM") || dbs_ddl_accept_symbol(parser, ","))
			expr->args = lappend(expr->args, dbs_ddl_parse_expression(parser));
		if (dbs_ddl_accept(parser, "FOR") || dbs_ddl_accept_symbol(parser, ","))
			expr->args = lappend(expr->args, dbs_ddl_parse_expression(parser));
	}
	else if (strcmp(name, "trim") == 0)
	{
		DdlExpr *trim = parse_trim(parser);

		expr->text = trim->text;
		expr->args = trim->args;
	}
	else if (strcmp(name, "char") == 0 || strcmp(name, "group_concat") == 0)
	{
		expr->distinct = dbs_ddl_accept(parser, "DISTINCT");
		do
		{
			expr->args = lappend(expr->args, dbs_ddl_parse_expression(parser));
		} while (dbs_ddl_accept_symbol(parser, ","));
		if (dbs_ddl_is_word(parser, 0, "ORDER") || dbs_ddl_is_word(parser, 0, "SEPARATOR") ||
			dbs_ddl_is_word(parser, 0, "USING") || dbs_ddl_is_word(parser, 0, "LIMIT"))
		{
			/* Has no equivalent here; the name says so, and the rest is passed over. */
			expr->text = psprintf("%s …", name);
			while (!dbs_ddl_is_symbol(parser, 0, ")") && !dbs_ddl_at_end(parser) && parser->error == NULL)
				dbs_ddl_skip_value(parser);
		}
	}
	else
		return false;
	return true;
}

static DdlExpr *
parse_function(DdlParser *parser)
{
	DdlExpr *expr = dbs_ddl_make_expr(DDL_EXPR_FUNCTION, NULL, NIL);
	const char *name = lower(dbs_ddl_peek(parser, 0)->text);

	expr->text = name;
	expr->offset = dbs_ddl_peek(parser, 0)->start;
	parser->at += 2;
	if (dbs_ddl_accept_symbol(parser, ")"))
		return expr;
	if (!parse_special_arguments(parser, expr))
	{
		expr->distinct = dbs_ddl_accept(parser, "DISTINCT");
		(void) dbs_ddl_accept(parser, "ALL");
		if (dbs_ddl_accept_symbol(parser, "*"))
			expr->args = list_make1(dbs_ddl_make_expr(DDL_EXPR_STAR, NULL, NIL));
		else
		{
			do
			{
				expr->args = lappend(expr->args, dbs_ddl_parse_expression(parser));
			} while (dbs_ddl_accept_symbol(parser, ","));
		}
	}
	/* JSON_VALUE(… RETURNING …) and the like */
	if (!dbs_ddl_is_symbol(parser, 0, ")") && parser->error == NULL && dbs_ddl_is_word(parser, 0, "RETURNING"))
	{
		parser->at++;
		expr->type = dbs_ddl_parse_cast_type(parser);
	}
	dbs_ddl_expect_symbol(parser, ")");
	if (dbs_ddl_is_word(parser, 0, "OVER"))
	{
		expr->text = psprintf("%s … over", name);
		parser->at++;
		dbs_ddl_skip_value(parser);
	}
	return expr;
}

/* Functions that are written without parentheses. */
static DdlExpr *
parse_bare_function(DdlParser *parser)
{
	static const char *const names[] = {"CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP", "CURRENT_DATE",
										"CURRENT_TIME",      "UTC_DATE",  "UTC_TIME",       "UTC_TIMESTAMP",
										"CURRENT_USER",      NULL};

	for (int i = 0; names[i] != NULL; i++)
	{
		if (dbs_ddl_is_word(parser, 0, names[i]) && !dbs_ddl_is_symbol(parser, 1, "("))
		{
			parser->at++;
			return dbs_ddl_make_expr(DDL_EXPR_FUNCTION, lower(names[i]), NIL);
		}
	}
	return NULL;
}

/* A literal; NULL when none is next. */
static DdlExpr *
parse_literal(DdlParser *parser)
{
	const DdlToken *token = dbs_ddl_peek(parser, 0);
	const DdlToken *next = dbs_ddl_peek(parser, 1);
	DdlExpr *expr;

	if (token->kind == DDL_TOKEN_WORD && token->text[0] == '_' &&
		(next->kind == DDL_TOKEN_STRING || next->kind == DDL_TOKEN_HEX || next->kind == DDL_TOKEN_BITS))
	{
		parser->at++;
		expr = parse_literal(parser);
		expr->introducer = token->text + 1;
		return expr;
	}
	if (token->kind == DDL_TOKEN_STRING)
	{
		DdlText *string = dbs_ddl_parse_string(parser, "a string");

		expr = dbs_ddl_make_expr(DDL_EXPR_STRING, string->text, NIL);
		expr->size = string->size;
		return expr;
	}
	if (token->kind == DDL_TOKEN_NUMBER || token->kind == DDL_TOKEN_HEX || token->kind == DDL_TOKEN_BITS)
	{
		parser->at++;
		return dbs_ddl_make_expr(token->kind == DDL_TOKEN_NUMBER ? DDL_EXPR_NUMBER
								 : token->kind == DDL_TOKEN_HEX  ? DDL_EXPR_HEX
																 : DDL_EXPR_BITS,
								 token->text, NIL);
	}
	if (dbs_ddl_accept(parser, "NULL"))
		return null_expr();
	if (dbs_ddl_accept(parser, "TRUE"))
		return dbs_ddl_make_expr(DDL_EXPR_BOOLEAN, "true", NIL);
	if (dbs_ddl_accept(parser, "FALSE"))
		return dbs_ddl_make_expr(DDL_EXPR_BOOLEAN, "false", NIL);
	if (next->kind == DDL_TOKEN_STRING && (dbs_ddl_is_word(parser, 0, "DATE") || dbs_ddl_is_word(parser, 0, "TIME") ||
										   dbs_ddl_is_word(parser, 0, "TIMESTAMP")))
	{
		DdlTypeFamily family = dbs_ddl_is_word(parser, 0, "DATE")   ? DDL_TYPE_DATE
							   : dbs_ddl_is_word(parser, 0, "TIME") ? DDL_TYPE_TIME
																	: DDL_TYPE_TIMESTAMP;

		parser->at += 2;
		expr = dbs_ddl_make_expr(DDL_EXPR_TEMPORAL, next->text, NIL);
		expr->type = palloc0(sizeof(DdlType));
		expr->type->family = family;
		expr->type->length = -1;
		return expr;
	}
	return NULL;
}

static DdlExpr *
parse_parenthesis(DdlParser *parser)
{
	DdlExpr *expr;

	parser->at++;
	if (dbs_ddl_query_follows(parser))
	{
		expr = dbs_ddl_make_expr(DDL_EXPR_QUERY, NULL, NIL);
		expr->query = dbs_ddl_parse_query(parser);
	}
	else
	{
		expr = dbs_ddl_parse_expression(parser);
		if (dbs_ddl_is_symbol(parser, 0, ","))
		{
			expr = dbs_ddl_make_expr(DDL_EXPR_ROW, NULL, list_make1(expr));
			while (dbs_ddl_accept_symbol(parser, ","))
				expr->args = lappend(expr->args, dbs_ddl_parse_expression(parser));
		}
	}
	dbs_ddl_expect_symbol(parser, ")");
	return expr;
}

static DdlExpr *
parse_column_reference(DdlParser *parser)
{
	DdlExpr *expr = dbs_ddl_make_expr(DDL_EXPR_COLUMN, dbs_ddl_parse_identifier(parser, "an expression"), NIL);

	for (int i = 0; i < 2 && dbs_ddl_accept_symbol(parser, "."); i++)
	{
		expr->schema = expr->qualifier;
		expr->qualifier = expr->text;
		if (dbs_ddl_accept_symbol(parser, "*"))
		{
			expr->kind = DDL_EXPR_STAR;
			expr->text = NULL;
			return expr;
		}
		expr->text = dbs_ddl_parse_identifier(parser, "a column");
	}
	expr->size = strlen(expr->text);
	return expr;
}

DdlExpr *
dbs_ddl_parse_primary(DdlParser *parser)
{
	const DdlToken *token = dbs_ddl_peek(parser, 0);
	DdlExpr *expr;

	if (!dbs_ddl_enter(parser))
		return null_expr();
	if ((expr = parse_literal(parser)) != NULL || (expr = parse_bare_function(parser)) != NULL)
		;
	else if (dbs_ddl_is_symbol(parser, 0, "("))
		expr = parse_parenthesis(parser);
	else if (dbs_ddl_accept(parser, "CASE"))
		expr = parse_case(parser);
	else if (dbs_ddl_is_word(parser, 0, "CAST") && dbs_ddl_is_symbol(parser, 1, "("))
	{
		parser->at++;
		expr = parse_cast(parser);
	}
	else if (dbs_ddl_is_word(parser, 0, "CONVERT") && dbs_ddl_is_symbol(parser, 1, "("))
	{
		parser->at++;
		expr = parse_convert(parser);
	}
	else if (dbs_ddl_accept(parser, "EXISTS"))
	{
		expr = dbs_ddl_make_expr(DDL_EXPR_EXISTS, NULL, NIL);
		dbs_ddl_expect_symbol(parser, "(");
		expr->query = dbs_ddl_parse_query(parser);
		dbs_ddl_expect_symbol(parser, ")");
	}
	else if (dbs_ddl_is_word(parser, 0, "INTERVAL") && !dbs_ddl_is_symbol(parser, 1, ","))
	{
		parser->at++;
		expr = parse_interval(parser);
	}
	else if (token->kind == DDL_TOKEN_VARIABLE)
	{
		parser->at++;
		expr = dbs_ddl_make_expr(DDL_EXPR_VARIABLE, token->text, NIL);
	}
	else if (token->kind == DDL_TOKEN_WORD && dbs_ddl_is_symbol(parser, 1, "("))
		expr = parse_function(parser);
	else if (dbs_ddl_is_symbol(parser, 0, "*"))
	{
		parser->at++;
		expr = dbs_ddl_make_expr(DDL_EXPR_STAR, NULL, NIL);
	}
	else if (dbs_ddl_is_identifier(parser, 0))
		expr = parse_column_reference(parser);
	else
	{
		dbs_ddl_expected(parser, "an expression");
		expr = null_expr();
	}
	if (expr->offset == 0)
		expr->offset = token->start;
	dbs_ddl_leave(parser);
	return expr;
}
