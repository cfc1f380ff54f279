/*
 * MySQL's queries, as far as views and CREATE TABLE … AS need them.
 */
#include "postgres.h"

#include "ddl_parser.h"

bool
dbs_ddl_query_follows(const DdlParser *parser)
{
	int ahead = 0;

	while (dbs_ddl_is_symbol(parser, ahead, "("))
		ahead++;
	return dbs_ddl_is_word(parser, ahead, "SELECT") || dbs_ddl_is_word(parser, ahead, "WITH") ||
		   dbs_ddl_is_word(parser, ahead, "TABLE") ||
		   (dbs_ddl_is_word(parser, ahead, "VALUES") && dbs_ddl_is_word(parser, ahead + 1, "ROW"));
}

static List *
parse_items(DdlParser *parser)
{
	List *items = NIL;

	do
	{
		DdlSelectItem *item = palloc0(sizeof(DdlSelectItem));

		item->expr = dbs_ddl_parse_expression(parser);
		if (dbs_ddl_accept(parser, "AS") || dbs_ddl_is_identifier(parser, 0) ||
			dbs_ddl_peek(parser, 0)->kind == DDL_TOKEN_STRING)
		{
			if (dbs_ddl_peek(parser, 0)->kind == DDL_TOKEN_STRING)
				item->alias = dbs_ddl_parse_string(parser, "an alias")->text;
			else
				item->alias = dbs_ddl_parse_identifier(parser, "an alias");
		}
		items = lappend(items, item);
	} while (dbs_ddl_accept_symbol(parser, ","));
	return items;
}

static List *parse_sources(DdlParser *parser);

static DdlSource *
parse_source(DdlParser *parser)
{
	DdlSource *source = palloc0(sizeof(DdlSource));

	if (!dbs_ddl_enter(parser))
		return source;
	(void) dbs_ddl_accept(parser, "LATERAL");
	if (dbs_ddl_is_symbol(parser, 0, "("))
	{
		parser->at++;
		if (dbs_ddl_query_follows(parser))
			source->query = dbs_ddl_parse_query(parser);
		else
			source->nested = parse_sources(parser);
		dbs_ddl_expect_symbol(parser, ")");
	}
	else
		source->table = dbs_ddl_parse_name(parser, "a table");
	if (dbs_ddl_is_symbol(parser, 0, "("))
		dbs_ddl_fail(parser, "functions as tables are not carried over");
	if (dbs_ddl_accept(parser, "AS"))
		source->alias = dbs_ddl_parse_identifier(parser, "an alias");
	else if (source->nested == NIL && dbs_ddl_is_identifier(parser, 0))
		source->alias = dbs_ddl_parse_identifier(parser, "an alias");
	while (dbs_ddl_is_word(parser, 0, "USE") || dbs_ddl_is_word(parser, 0, "FORCE") ||
		   (dbs_ddl_is_word(parser, 0, "IGNORE") &&
			(dbs_ddl_is_word(parser, 1, "INDEX") || dbs_ddl_is_word(parser, 1, "KEY"))))
	{
		parser->at += 2;
		if (dbs_ddl_accept(parser, "FOR"))
			while (!dbs_ddl_is_symbol(parser, 0, "(") && !dbs_ddl_at_end(parser))
				parser->at++;
		dbs_ddl_skip_parentheses(parser);
	}
	dbs_ddl_leave(parser);
	return source;
}

/* The words of a join; NULL when none is next. */
static const char *
parse_join(DdlParser *parser)
{
	static const struct
	{
		const char *words;
		const char *join;
	} joins[] = {{"NATURAL LEFT OUTER JOIN", "NATURAL LEFT JOIN"},
				 {"NATURAL RIGHT OUTER JOIN", "NATURAL RIGHT JOIN"},
				 {"NATURAL LEFT JOIN", "NATURAL LEFT JOIN"},
				 {"NATURAL RIGHT JOIN", "NATURAL RIGHT JOIN"},
				 {"NATURAL INNER JOIN", "NATURAL JOIN"},
				 {"NATURAL JOIN", "NATURAL JOIN"},
				 {"LEFT OUTER JOIN", "LEFT JOIN"},
				 {"RIGHT OUTER JOIN", "RIGHT JOIN"},
				 {"LEFT JOIN", "LEFT JOIN"},
				 {"RIGHT JOIN", "RIGHT JOIN"},
				 {"INNER JOIN", "JOIN"},
				 {"CROSS JOIN", "JOIN"},
				 {"STRAIGHT_JOIN", "JOIN"},
				 {"JOIN", "JOIN"}};

	if (dbs_ddl_accept_symbol(parser, ","))
		return ",";
	for (int i = 0; i < lengthof(joins); i++)
	{
		if (dbs_ddl_accept(parser, joins[i].words))
			return joins[i].join;
	}
	return NULL;
}

static List *
parse_sources(DdlParser *parser)
{
	List *sources = list_make1(parse_source(parser));
	const char *join;

	while (parser->error == NULL && (join = parse_join(parser)) != NULL)
	{
		DdlSource *source = parse_source(parser);

		source->join = join;
		if (dbs_ddl_accept(parser, "ON"))
			source->on = dbs_ddl_parse_expression(parser);
		else if (dbs_ddl_accept(parser, "USING"))
			source->using_columns = dbs_ddl_parse_column_names(parser);
		else if (strcmp(join, "JOIN") == 0)
			source->join = "CROSS JOIN";
		sources = lappend(sources, source);
	}
	return sources;
}

static List *
parse_order(DdlParser *parser)
{
	List *order = NIL;

	do
	{
		DdlOrder *item = palloc0(sizeof(DdlOrder));

		item->expr = dbs_ddl_parse_expression(parser);
		if (dbs_ddl_accept(parser, "DESC"))
			item->descending = true;
		else
			(void) dbs_ddl_accept(parser, "ASC");
		order = lappend(order, item);
	} while (dbs_ddl_accept_symbol(parser, ","));
	return order;
}

static void
parse_tail(DdlParser *parser, DdlQuery *query)
{
	if (dbs_ddl_accept(parser, "ORDER BY"))
		query->order_by = parse_order(parser);
	if (dbs_ddl_accept(parser, "LIMIT"))
	{
		query->limit = dbs_ddl_parse_expression(parser);
		if (dbs_ddl_accept(parser, "OFFSET"))
			query->offset = dbs_ddl_parse_expression(parser);
		else if (dbs_ddl_accept_symbol(parser, ","))
		{
			query->offset = query->limit;
			query->limit = dbs_ddl_parse_expression(parser);
		}
	}
}

static DdlQuery *
parse_select(DdlParser *parser)
{
	static const char *const words[] = {"ALL",
										"HIGH_PRIORITY",
										"STRAIGHT_JOIN",
										"SQL_SMALL_RESULT",
										"SQL_BIG_RESULT",
										"SQL_BUFFER_RESULT",
										"SQL_NO_CACHE",
										"SQL_CALC_FOUND_ROWS",
										"SQL_CACHE"};
	DdlQuery *query = palloc0(sizeof(DdlQuery));

	if (dbs_ddl_accept_symbol(parser, "("))
	{
		query = dbs_ddl_parse_query(parser);
		dbs_ddl_expect_symbol(parser, ")");
		return query;
	}
	/* TABLE t [ORDER BY …] */
	if (dbs_ddl_accept(parser, "TABLE"))
	{
		DdlSelectItem *item = palloc0(sizeof(DdlSelectItem));
		DdlSource *source = palloc0(sizeof(DdlSource));

		item->expr = dbs_ddl_make_expr(DDL_EXPR_STAR, NULL, NIL);
		source->table = dbs_ddl_parse_name(parser, "a table");
		query->items = list_make1(item);
		query->sources = list_make1(source);
		parse_tail(parser, query);
		return query;
	}
	dbs_ddl_expect(parser, "SELECT");
	for (int i = 0; i < lengthof(words); i++)
	{
		if (dbs_ddl_accept(parser, words[i]))
			i = -1;
		else if (dbs_ddl_accept(parser, "DISTINCT") || dbs_ddl_accept(parser, "DISTINCTROW"))
		{
			query->distinct = true;
			i = -1;
		}
	}
	query->items = parse_items(parser);
	if (dbs_ddl_accept(parser, "FROM") && !dbs_ddl_accept(parser, "DUAL"))
		query->sources = parse_sources(parser);
	if (dbs_ddl_accept(parser, "WHERE"))
		query->where = dbs_ddl_parse_expression(parser);
	if (dbs_ddl_accept(parser, "GROUP BY"))
	{
		do
		{
			query->group_by = lappend(query->group_by, dbs_ddl_parse_expression(parser));
		} while (dbs_ddl_accept_symbol(parser, ","));
		query->with_rollup = dbs_ddl_accept(parser, "WITH ROLLUP");
	}
	if (dbs_ddl_accept(parser, "HAVING"))
		query->having = dbs_ddl_parse_expression(parser);
	if (dbs_ddl_is_word(parser, 0, "WINDOW"))
		dbs_ddl_fail(parser, "named windows are not carried over");
	parse_tail(parser, query);
	return query;
}

static void
parse_with(DdlParser *parser, DdlQuery *query)
{
	query->with_recursive = dbs_ddl_accept(parser, "RECURSIVE");
	do
	{
		DdlCommonTable *table = palloc0(sizeof(DdlCommonTable));

		table->name = dbs_ddl_parse_identifier(parser, "a name");
		if (dbs_ddl_is_symbol(parser, 0, "("))
			table->columns = dbs_ddl_parse_column_names(parser);
		dbs_ddl_expect(parser, "AS");
		dbs_ddl_expect_symbol(parser, "(");
		table->query = dbs_ddl_parse_query(parser);
		dbs_ddl_expect_symbol(parser, ")");
		query->with = lappend(query->with, table);
	} while (dbs_ddl_accept_symbol(parser, ","));
}

DdlQuery *
dbs_ddl_parse_query(DdlParser *parser)
{
	DdlQuery *query;
	DdlQuery with = {0};

	if (!dbs_ddl_enter(parser))
		return palloc0(sizeof(DdlQuery));
	if (dbs_ddl_accept(parser, "WITH"))
		parse_with(parser, &with);
	query = parse_select(parser);
	while (parser->error == NULL && (dbs_ddl_is_word(parser, 0, "UNION") || dbs_ddl_is_word(parser, 0, "EXCEPT") ||
									 dbs_ddl_is_word(parser, 0, "INTERSECT") || dbs_ddl_is_word(parser, 0, "MINUS")))
	{
		DdlQuery *both = palloc0(sizeof(DdlQuery));
		const char *operation = dbs_ddl_is_word(parser, 0, "UNION")       ? "UNION"
								: dbs_ddl_is_word(parser, 0, "INTERSECT") ? "INTERSECT"
																		  : "EXCEPT";

		parser->at++;
		if (dbs_ddl_accept(parser, "ALL"))
			operation = psprintf("%s ALL", operation);
		else
			(void) dbs_ddl_accept(parser, "DISTINCT");
		both->set_operation = operation;
		both->left = query;
		both->right = parse_select(parser);
		/* Without parentheses, what follows the last SELECT belongs to the whole. */
		if (both->right->set_operation == NULL)
		{
			both->order_by = both->right->order_by;
			both->limit = both->right->limit;
			both->offset = both->right->offset;
			both->right->order_by = NIL;
			both->right->limit = both->right->offset = NULL;
		}
		if (both->order_by == NIL && both->limit == NULL)
			parse_tail(parser, both);
		query = both;
	}
	if (with.with != NIL)
	{
		query->with = with.with;
		query->with_recursive = with.with_recursive;
	}
	dbs_ddl_leave(parser);
	return query;
}
