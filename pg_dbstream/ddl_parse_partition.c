/*
 * PARTITION BY and the definitions of partitions.
 */
#include "postgres.h"

#include "ddl_parser.h"

/* One VALUES item: an expression, MAXVALUE (NULL in the list), or a row of these. */
static List *
parse_values(DdlParser *parser)
{
	List *values = NIL;

	dbs_ddl_expect_symbol(parser, "(");
	do
	{
		if (dbs_ddl_accept(parser, "MAXVALUE"))
			values = lappend(values, NULL);
		else
			values = lappend(values, dbs_ddl_parse_expression(parser));
	} while (dbs_ddl_accept_symbol(parser, ","));
	dbs_ddl_expect_symbol(parser, ")");
	return values;
}

static DdlPartition *
parse_definition(DdlParser *parser)
{
	DdlPartition *partition = palloc0(sizeof(DdlPartition));
	DdlCreateTable options = {0};

	dbs_ddl_expect(parser, "PARTITION");
	partition->name = dbs_ddl_parse_identifier(parser, "a partition's name");
	if (dbs_ddl_accept(parser, "VALUES LESS THAN"))
	{
		partition->less_than = true;
		if (dbs_ddl_accept(parser, "MAXVALUE"))
			partition->values = list_make1(NULL);
		else
			partition->values = parse_values(parser);
	}
	else if (dbs_ddl_accept(parser, "VALUES IN"))
		partition->values = parse_values(parser);
	else if (dbs_ddl_accept(parser, "DEFAULT"))
		partition->is_default = true;
	else if (dbs_ddl_accept(parser, "HISTORY") || dbs_ddl_accept(parser, "CURRENT"))
		partition->is_default = false;
	/* "STORAGE ENGINE" is written here too. */
	while (parser->error == NULL)
	{
		if (dbs_ddl_is_word(parser, 0, "STORAGE") && dbs_ddl_is_word(parser, 1, "ENGINE"))
			parser->at++;
		if (!dbs_ddl_parse_table_option(parser, &options))
			break;
	}
	partition->ignored = options.ignored;
	if (options.comment != NULL)
		partition->ignored = lappend(partition->ignored, psprintf("COMMENT '%s'", options.comment));
	if (dbs_ddl_is_symbol(parser, 0, "("))
		dbs_ddl_skip_parentheses(parser);
	return partition;
}

List *
dbs_ddl_parse_partition_definitions(DdlParser *parser)
{
	List *partitions = NIL;

	dbs_ddl_expect_symbol(parser, "(");
	do
	{
		partitions = lappend(partitions, parse_definition(parser));
	} while (dbs_ddl_accept_symbol(parser, ","));
	dbs_ddl_expect_symbol(parser, ")");
	return partitions;
}

static List *
parse_partition_columns(DdlParser *parser)
{
	if (dbs_ddl_is_symbol(parser, 0, "(") && dbs_ddl_is_symbol(parser, 1, ")"))
	{
		parser->at += 2;
		return NIL;
	}
	return dbs_ddl_parse_column_names(parser);
}

static void
parse_method(DdlParser *parser, DdlPartitioning *partitioning)
{
	partitioning->linear = dbs_ddl_accept(parser, "LINEAR");
	if (dbs_ddl_accept(parser, "RANGE COLUMNS") || dbs_ddl_accept(parser, "LIST COLUMNS"))
	{
		partitioning->method = pg_strcasecmp(dbs_ddl_peek(parser, -2)->text, "RANGE") == 0 ? DDL_PARTITION_RANGE_COLUMNS
																						   : DDL_PARTITION_LIST_COLUMNS;
		partitioning->columns = dbs_ddl_parse_column_names(parser);
		return;
	}
	if (dbs_ddl_accept(parser, "KEY"))
	{
		partitioning->method = DDL_PARTITION_KEY;
		if (dbs_ddl_accept(parser, "ALGORITHM"))
		{
			(void) dbs_ddl_accept_symbol(parser, "=");
			dbs_ddl_skip_value(parser);
		}
		partitioning->columns = parse_partition_columns(parser);
		return;
	}
	if (dbs_ddl_accept(parser, "SYSTEM_TIME"))
	{
		partitioning->method = DDL_PARTITION_SYSTEM_TIME;
		while (!dbs_ddl_at_end(parser) && !dbs_ddl_is_symbol(parser, 0, "(") &&
			   !dbs_ddl_is_word(parser, 0, "PARTITIONS") && parser->error == NULL)
			dbs_ddl_skip_value(parser);
		return;
	}
	if (dbs_ddl_accept(parser, "RANGE"))
		partitioning->method = DDL_PARTITION_RANGE;
	else if (dbs_ddl_accept(parser, "LIST"))
		partitioning->method = DDL_PARTITION_LIST;
	else if (dbs_ddl_accept(parser, "HASH"))
		partitioning->method = DDL_PARTITION_HASH;
	else
	{
		dbs_ddl_expected(parser, "RANGE, LIST, HASH or KEY");
		return;
	}
	dbs_ddl_expect_symbol(parser, "(");
	partitioning->expr = dbs_ddl_parse_expression(parser);
	dbs_ddl_expect_symbol(parser, ")");
	if (partitioning->expr->kind == DDL_EXPR_COLUMN)
		partitioning->columns = list_make1((void *) partitioning->expr->text);
}

static void
parse_subpartitions(DdlParser *parser)
{
	DdlPartitioning below = {0};

	parse_method(parser, &below);
	if (dbs_ddl_accept(parser, "SUBPARTITIONS"))
		(void) dbs_ddl_parse_integer(parser, "a number");
}

DdlPartitioning *
dbs_ddl_parse_partitioning(DdlParser *parser)
{
	DdlPartitioning *partitioning = palloc0(sizeof(DdlPartitioning));

	dbs_ddl_expect(parser, "PARTITION BY");
	parse_method(parser, partitioning);
	if (dbs_ddl_accept(parser, "PARTITIONS"))
	{
		int64 count = dbs_ddl_parse_integer(parser, "a number");

		if (count < 1 || count > 8192)
			dbs_ddl_fail(parser, "a number of partitions out of range");
		partitioning->count = count;
	}
	if (dbs_ddl_accept(parser, "SUBPARTITION BY"))
	{
		partitioning->subpartitioned = true;
		parse_subpartitions(parser);
	}
	if (dbs_ddl_is_symbol(parser, 0, "("))
		partitioning->partitions = dbs_ddl_parse_partition_definitions(parser);
	return partitioning;
}
