/*
 * Expressions of PostgreSQL's parse tree in the common tree.  What has no
 * place there becomes a function whose name says what it was, which no table
 * knows, so that the printer refuses it by name.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/parsenodes.h"

#include "ddl_parser.h"
#include "ddl_raw.h"

static DdlExpr *
unknown(const char *what)
{
	return dbs_ddl_make_expr(DDL_EXPR_FUNCTION, what, NIL);
}

static DdlExpr *
read_constant(const A_Const *constant)
{
	if (constant->isnull)
		return dbs_ddl_make_expr(DDL_EXPR_NULL, NULL, NIL);
	switch (nodeTag(&constant->val))
	{
		case T_Integer:
			return dbs_ddl_make_expr(DDL_EXPR_NUMBER, psprintf("%d", intVal(&constant->val)), NIL);
		case T_Float:
			return dbs_ddl_make_expr(DDL_EXPR_NUMBER, strVal(&constant->val), NIL);
		case T_Boolean:
			return dbs_ddl_make_expr(DDL_EXPR_BOOLEAN, boolVal(&constant->val) ? "true" : "false", NIL);
		case T_String:
			return dbs_ddl_make_expr(DDL_EXPR_STRING, strVal(&constant->val), NIL);
		case T_BitString:
			return dbs_ddl_make_expr(strVal(&constant->val)[0] == 'x' ? DDL_EXPR_HEX : DDL_EXPR_BITS,
									 strVal(&constant->val) + 1, NIL);
		default:
			return unknown("a constant");
	}
}

static DdlExpr *
read_column(const ColumnRef *reference)
{
	DdlExpr *expr;
	Node *last = llast(reference->fields);

	if (!IsA(last, String))
		return dbs_ddl_make_expr(DDL_EXPR_STAR, NULL, NIL);
	expr = dbs_ddl_make_expr(DDL_EXPR_COLUMN, strVal(last), NIL);
	if (list_length(reference->fields) > 1)
		expr->qualifier = strVal(list_nth(reference->fields, list_length(reference->fields) - 2));
	return expr;
}

static List *
read_list(List *nodes)
{
	List *exprs = NIL;
	ListCell *cell;

	foreach (cell, nodes)
		exprs = lappend(exprs, dbs_ddl_raw_expression(lfirst(cell)));
	return exprs;
}

/* x = ANY (ARRAY[…]) is how PostgreSQL keeps x IN (…). */
static DdlExpr *
read_any(const A_Expr *expr)
{
	DdlExpr *right = dbs_ddl_raw_expression(expr->rexpr);
	DdlExpr *in;

	while (right->kind == DDL_EXPR_CAST)
		right = linitial(right->args);
	if (right->kind != DDL_EXPR_ARRAY || strcmp(strVal(llast(expr->name)), "=") != 0)
		return unknown("ANY");
	in = dbs_ddl_make_expr(DDL_EXPR_IN, NULL, lcons(dbs_ddl_raw_expression(expr->lexpr), list_copy(right->args)));
	return in;
}

static DdlExpr *
read_operator(const A_Expr *expr)
{
	static const char *const names[][2] = {{"||", "concat"}, {"!=", "<>"}, {"~~", "like"}, {"#", "^"}};
	const char *name = strVal(llast(expr->name));
	DdlExpr *result;

	if (name[0] == '!' && strcmp(name, "!~~") == 0)
	{
		result = dbs_ddl_make_expr(DDL_EXPR_OPERATOR, "like", NIL);
		result->negated = true;
	}
	else
		result = dbs_ddl_make_expr(DDL_EXPR_OPERATOR, name, NIL);
	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(names[i][0], name) == 0)
			result->text = names[i][1];
	}
	if (expr->lexpr == NULL)
	{
		result->args = list_make1(dbs_ddl_raw_expression(expr->rexpr));
		if (strcmp(name, "-") == 0)
			result->text = "neg";
		return strcmp(name, "+") == 0 ? linitial(result->args) : result;
	}
	result->args = list_make2(dbs_ddl_raw_expression(expr->lexpr), dbs_ddl_raw_expression(expr->rexpr));
	return result;
}

static DdlExpr *
read_a_expr(const A_Expr *expr)
{
	DdlExpr *result;

	switch (expr->kind)
	{
		case AEXPR_OP:
			return read_operator(expr);
		case AEXPR_OP_ANY:
			return read_any(expr);
		case AEXPR_DISTINCT:
		case AEXPR_NOT_DISTINCT:
			result =
				dbs_ddl_make_expr(DDL_EXPR_OPERATOR, "<=>",
								  list_make2(dbs_ddl_raw_expression(expr->lexpr), dbs_ddl_raw_expression(expr->rexpr)));
			if (expr->kind == AEXPR_DISTINCT)
				result = dbs_ddl_make_expr(DDL_EXPR_OPERATOR, "not", list_make1(result));
			return result;
		case AEXPR_NULLIF:
			return dbs_ddl_make_expr(
				DDL_EXPR_FUNCTION, "nullif",
				list_make2(dbs_ddl_raw_expression(expr->lexpr), dbs_ddl_raw_expression(expr->rexpr)));
		case AEXPR_IN:
			result = dbs_ddl_make_expr(DDL_EXPR_IN, NULL,
									   lcons(dbs_ddl_raw_expression(expr->lexpr), read_list((List *) expr->rexpr)));
			result->negated = strcmp(strVal(linitial(expr->name)), "<>") == 0;
			return result;
		case AEXPR_LIKE:
			result =
				dbs_ddl_make_expr(DDL_EXPR_OPERATOR, "like",
								  list_make2(dbs_ddl_raw_expression(expr->lexpr), dbs_ddl_raw_expression(expr->rexpr)));
			result->negated = strVal(linitial(expr->name))[0] == '!';
			return result;
		case AEXPR_BETWEEN:
		case AEXPR_NOT_BETWEEN:
			result = dbs_ddl_make_expr(DDL_EXPR_BETWEEN, NULL,
									   lcons(dbs_ddl_raw_expression(expr->lexpr), read_list((List *) expr->rexpr)));
			result->negated = expr->kind == AEXPR_NOT_BETWEEN;
			return result;
		default:
			return unknown("an operator of PostgreSQL's own");
	}
}

static DdlExpr *
read_boolean(const BoolExpr *expr)
{
	const char *name = expr->boolop == AND_EXPR ? "and" : expr->boolop == OR_EXPR ? "or" : "not";
	List *args = read_list(expr->args);
	DdlExpr *result = linitial(args);

	if (expr->boolop == NOT_EXPR)
		return dbs_ddl_make_expr(DDL_EXPR_OPERATOR, name, args);
	for (int i = 1; i < list_length(args); i++)
		result = dbs_ddl_make_expr(DDL_EXPR_OPERATOR, name, list_make2(result, list_nth(args, i)));
	return result;
}

static DdlExpr *
read_case(const CaseExpr *expr)
{
	List *args = list_make1(expr->arg == NULL ? NULL : dbs_ddl_raw_expression((Node *) expr->arg));
	ListCell *cell;

	foreach (cell, expr->args)
	{
		const CaseWhen *when = lfirst(cell);

		args = lappend(args, dbs_ddl_raw_expression((Node *) when->expr));
		args = lappend(args, dbs_ddl_raw_expression((Node *) when->result));
	}
	args = lappend(args, expr->defresult == NULL ? NULL : dbs_ddl_raw_expression((Node *) expr->defresult));
	return dbs_ddl_make_expr(DDL_EXPR_CASE, NULL, args);
}

static DdlExpr *
read_value_function(const SQLValueFunction *function)
{
	switch (function->op)
	{
		case SVFOP_CURRENT_DATE:
			return unknown("current_date");
		case SVFOP_CURRENT_TIMESTAMP:
		case SVFOP_CURRENT_TIMESTAMP_N:
		case SVFOP_LOCALTIMESTAMP:
		case SVFOP_LOCALTIMESTAMP_N:
			return unknown("now");
		case SVFOP_LOCALTIME:
		case SVFOP_LOCALTIME_N:
			return unknown("current_time");
		default:
			return unknown("current_user");
	}
}

static DdlExpr *
read_cast(const TypeCast *cast)
{
	DdlRaw raw = {0};
	DdlExpr *expr = dbs_ddl_make_expr(DDL_EXPR_CAST, "cast", list_make1(dbs_ddl_raw_expression(cast->arg)));
	DbsDdlStatement scratch = {0};

	raw.out = &scratch;
	expr->type = dbs_ddl_raw_type(&raw, cast->typeName);
	return expr;
}

static DdlExpr *
read_test(Node *arg, const char *meaning, bool negated)
{
	DdlExpr *expr = dbs_ddl_make_expr(DDL_EXPR_OPERATOR, meaning, list_make1(dbs_ddl_raw_expression(arg)));

	expr->negated = negated;
	return expr;
}

DdlExpr *
dbs_ddl_raw_expression(Node *node)
{
	static const char *const tests[] = {"is true", "is true", "is false", "is false", "is unknown", "is unknown"};

	check_stack_depth();
	if (node == NULL)
		return dbs_ddl_make_expr(DDL_EXPR_NULL, NULL, NIL);
	switch (nodeTag(node))
	{
		case T_A_Const:
			return read_constant((A_Const *) node);
		case T_ColumnRef:
			return read_column((ColumnRef *) node);
		case T_A_Expr:
			return read_a_expr((A_Expr *) node);
		case T_BoolExpr:
			return read_boolean((BoolExpr *) node);
		case T_CaseExpr:
			return read_case((CaseExpr *) node);
		case T_CoalesceExpr:
			return dbs_ddl_make_expr(DDL_EXPR_FUNCTION, "coalesce", read_list(((CoalesceExpr *) node)->args));
		case T_MinMaxExpr:
			return unknown(((MinMaxExpr *) node)->op == IS_GREATEST ? "greatest, which ignores nulls"
																	: "least, which ignores nulls");
		case T_FuncCall:
			return dbs_ddl_make_expr(DDL_EXPR_FUNCTION, strVal(llast(((FuncCall *) node)->funcname)),
									 read_list(((FuncCall *) node)->args));
		case T_TypeCast:
			return read_cast((TypeCast *) node);
		case T_SQLValueFunction:
			return read_value_function((SQLValueFunction *) node);
		case T_NullTest:
			return read_test((Node *) ((NullTest *) node)->arg, "is null",
							 ((NullTest *) node)->nulltesttype == IS_NOT_NULL);
		case T_BooleanTest:
			return read_test((Node *) ((BooleanTest *) node)->arg, tests[((BooleanTest *) node)->booltesttype],
							 ((BooleanTest *) node)->booltesttype % 2 == 1);
		case T_A_ArrayExpr:
			return dbs_ddl_make_expr(DDL_EXPR_ARRAY, NULL, read_list(((A_ArrayExpr *) node)->elements));
		case T_CollateClause:
			return dbs_ddl_raw_expression(((CollateClause *) node)->arg);
		default:
			return unknown("an expression of PostgreSQL's own");
	}
}
