/*
 * Queries in PostgreSQL's words, for views and CREATE TABLE … AS.
 */
#include "postgres.h"

#include "ddl_print.h"

typedef struct Query
{
	DdlPrinter *printer;
	const char *reason;
	DdlKnownTable scope; /* columns of all tables of the FROM clause, where known */
} Query;

static const char *
write_expr(Query *query, const DdlExpr *expr, const DdlType *want)
{
	const char *reason = NULL;
	const char *sql = dbs_ddl_pg_expression(query->printer, expr, &query->scope, want, DDL_CONTEXT_QUERY, &reason);

	if (sql == NULL && query->reason == NULL)
		query->reason = reason;
	return sql == NULL ? "NULL" : sql;
}

static const char *
condition(Query *query, const DdlExpr *expr)
{
	return write_expr(query, expr, &(DdlType){.family = DDL_TYPE_BIT, .length = 1});
}

static void write_sources(Query *query, StringInfo out, List *sources);

static void
write_source(Query *query, StringInfo out, const DdlSource *source)
{
	if (source->nested != NIL)
	{
		appendStringInfoChar(out, '(');
		write_sources(query, out, source->nested);
		appendStringInfoChar(out, ')');
	}
	else if (source->query != NULL)
	{
		const char *reason = NULL;
		const char *sql = dbs_ddl_pg_query(query->printer, source->query, &reason);

		if (sql == NULL && query->reason == NULL)
			query->reason = reason;
		appendStringInfo(out, "(%s)", sql == NULL ? "" : sql);
	}
	else
		appendStringInfoString(out, dbs_ddl_pg_table(query->printer, source->table));
	if (source->alias != NULL)
		appendStringInfo(out, " AS %s", dbs_ddl_pg_name(query->printer, source->alias));
}

static void
write_sources(Query *query, StringInfo out, List *sources)
{
	ListCell *cell;

	foreach (cell, sources)
	{
		const DdlSource *source = lfirst(cell);

		if (source->join != NULL)
			appendStringInfo(out, strcmp(source->join, ",") == 0 ? "%s " : " %s ", source->join);
		write_source(query, out, source);
		if (source->on != NULL)
			appendStringInfo(out, " ON %s", condition(query, source->on));
		else if (source->using_columns != NIL)
			appendStringInfo(out, " USING (%s)", dbs_ddl_pg_columns(query->printer, source->using_columns));
	}
}

/* Columns of the tables named, so that their kinds are known; one that two tables have is left out. */
static void
collect_scope(Query *query, List *sources)
{
	ListCell *cell;
	ListCell *column_cell;

	foreach (cell, sources)
	{
		const DdlSource *source = lfirst(cell);
		const DdlKnownTable *table;
		DdlKnownPart *part;

		collect_scope(query, source->nested);
		if (source->table == NULL)
			continue;
		table = dbs_ddl_known_table(query->printer->known, dbs_ddl_target_schema(query->printer, source->table->schema),
									source->table->name);
		if (table == NULL || table->absent)
			continue;
		part = palloc0(sizeof(DdlKnownPart));
		part->qualifier = source->alias != NULL ? source->alias : source->table->name;
		part->table = table;
		query->scope.parts = lappend(query->scope.parts, part);
		foreach (column_cell, table->columns)
		{
			DdlKnownColumn *column = lfirst(column_cell);

			if (dbs_ddl_known_column(&query->scope, column->name) == NULL)
				query->scope.columns = lappend(query->scope.columns, column);
		}
	}
}

/* DISTINCT, GROUP BY, ORDER BY and UNION compare; of text MySQL's collations make less differences. */
static void
note_comparison(Query *query, const DdlExpr *expr)
{
	const DdlKnownColumn *column = NULL;

	ListCell *cell;

	if (expr != NULL && expr->kind == DDL_EXPR_COLUMN && expr->qualifier == NULL)
		column = dbs_ddl_known_column(&query->scope, expr->text);
	foreach (cell, expr != NULL && expr->kind == DDL_EXPR_COLUMN && expr->qualifier != NULL ? query->scope.parts : NIL)
	{
		const DdlKnownPart *part = lfirst(cell);

		if (pg_strcasecmp(part->qualifier, expr->qualifier) == 0)
			column = dbs_ddl_known_column(part->table, expr->text);
	}
	if (column != NULL && !dbs_ddl_is_text(column->type->family))
		return;
	dbs_ddl_note(query->printer, DBS_NOTE_WARNING,
				 "what a query sorts, groups or takes once is compared by PostgreSQL's collation where it is text");
}

static void
write_list(Query *query, StringInfo out, List *exprs)
{
	ListCell *cell;
	bool first = true;

	foreach (cell, exprs)
	{
		appendStringInfo(out, "%s%s", first ? "" : ", ", write_expr(query, lfirst(cell), NULL));
		first = false;
	}
}

static void
write_select(Query *query, StringInfo out, const DdlQuery *tree)
{
	ListCell *cell;
	bool first = true;

	collect_scope(query, tree->sources);
	appendStringInfo(out, "SELECT %s", tree->distinct ? "DISTINCT " : "");
	foreach (cell, tree->items)
	{
		const DdlSelectItem *item = lfirst(cell);

		appendStringInfo(out, "%s%s", first ? "" : ", ", write_expr(query, item->expr, NULL));
		if (item->alias != NULL)
			appendStringInfo(out, " AS %s", dbs_ddl_pg_name(query->printer, item->alias));
		else if (item->expr->kind != DDL_EXPR_COLUMN && item->expr->kind != DDL_EXPR_STAR)
			dbs_ddl_note(query->printer, DBS_NOTE_INFO,
						 "a column of the query without an alias gets a name of PostgreSQL's choice");
		first = false;
	}
	if (tree->sources != NIL)
	{
		appendStringInfoString(out, " FROM ");
		write_sources(query, out, tree->sources);
	}
	if (tree->where != NULL)
		appendStringInfo(out, " WHERE %s", condition(query, tree->where));
	if (tree->distinct)
		note_comparison(query, NULL);
	foreach (cell, tree->group_by)
		note_comparison(query, lfirst(cell));
	if (tree->group_by != NIL)
	{
		appendStringInfoString(out, tree->with_rollup ? " GROUP BY ROLLUP (" : " GROUP BY ");
		write_list(query, out, tree->group_by);
		appendStringInfoString(out, tree->with_rollup ? ")" : "");
	}
	if (tree->having != NULL)
		appendStringInfo(out, " HAVING %s", condition(query, tree->having));
}

static void
write_with(Query *query, StringInfo out, const DdlQuery *tree)
{
	ListCell *cell;
	bool first = true;

	appendStringInfo(out, "WITH %s", tree->with_recursive ? "RECURSIVE " : "");
	foreach (cell, tree->with)
	{
		const DdlCommonTable *table = lfirst(cell);
		const char *reason = NULL;
		const char *sql = dbs_ddl_pg_query(query->printer, table->query, &reason);

		if (sql == NULL && query->reason == NULL)
			query->reason = reason;
		appendStringInfo(out, "%s%s", first ? "" : ", ", dbs_ddl_pg_name(query->printer, table->name));
		if (table->columns != NIL)
			appendStringInfo(out, " (%s)", dbs_ddl_pg_columns(query->printer, table->columns));
		appendStringInfo(out, " AS (%s)", sql == NULL ? "" : sql);
		first = false;
	}
	appendStringInfoChar(out, ' ');
}

static void
write_order(Query *query, StringInfo out, const DdlQuery *tree)
{
	ListCell *cell;
	bool first = true;

	foreach (cell, tree->order_by)
	{
		const DdlOrder *order = lfirst(cell);

		note_comparison(query, order->expr);
		/* MySQL puts nulls first when ascending, PostgreSQL last. */
		appendStringInfo(out, "%s%s%s", first ? " ORDER BY " : ", ", write_expr(query, order->expr, NULL),
						 order->descending ? " DESC NULLS LAST" : " NULLS FIRST");
		first = false;
	}
	if (tree->limit != NULL)
		appendStringInfo(out, " LIMIT %s", write_expr(query, tree->limit, NULL));
	if (tree->offset != NULL)
		appendStringInfo(out, " OFFSET %s", write_expr(query, tree->offset, NULL));
}

const char *
dbs_ddl_pg_query(DdlPrinter *printer, const DdlQuery *tree, const char **reason)
{
	Query query = {printer};
	StringInfoData out;

	initStringInfo(&out);
	if (tree->with != NIL)
		write_with(&query, &out, tree);
	if (tree->set_operation != NULL)
	{
		const char *left = dbs_ddl_pg_query(printer, tree->left, &query.reason);
		const char *right = left == NULL ? NULL : dbs_ddl_pg_query(printer, tree->right, &query.reason);

		if (strstr(tree->set_operation, "ALL") == NULL)
			note_comparison(&query, NULL);
		if (right == NULL)
		{
			*reason = query.reason;
			return NULL;
		}
		appendStringInfo(&out, "(%s) %s (%s)", left, tree->set_operation, right);
	}
	else
		write_select(&query, &out, tree);
	write_order(&query, &out, tree);
	if (query.reason != NULL)
	{
		*reason = query.reason;
		return NULL;
	}
	return dbs_ddl_text(&out);
}
