/*
 * What this translator makes of MySQL's labels and prefixes, and PostgreSQL keeps
 * in its own words, goes back to what it was.
 */
#include "postgres.h"

#include "ddl_parser.h"
#include "ddl_raw.h"

/* The labels of a check that this translator made for an ENUM or SET; NIL when it is another. */
static List *
labels_of(const DdlCheck *check, const char *column, const char *kind)
{
	const DdlExpr *expr = check->expr;
	const DdlExpr *array;
	List *labels = NIL;
	List *items;
	ListCell *cell;

	if (check->name == NULL || strcmp(check->name, dbs_ddl_pg_index_name(column, kind)) != 0)
		return NIL;
	/* PostgreSQL keeps a list of one label as a comparison. */
	if (expr->kind == DDL_EXPR_IN || (expr->kind == DDL_EXPR_OPERATOR && strcmp(expr->text, "=") == 0))
		items = list_copy_tail(expr->args, 1);
	else
	{
		if (expr->kind != DDL_EXPR_OPERATOR || strcmp(expr->text, "<@") != 0)
			return NIL;
		array = lsecond(expr->args);
		while (array->kind == DDL_EXPR_CAST)
			array = linitial(array->args);
		items = array->args;
	}
	foreach (cell, items)
	{
		const DdlExpr *item = lfirst(cell);
		DdlText *label = palloc0(sizeof(DdlText));

		while (item->kind == DDL_EXPR_CAST)
			item = linitial(item->args);
		if (item->kind != DDL_EXPR_STRING)
			return NIL;
		label->text = item->text;
		label->size = item->size;
		labels = lappend(labels, label);
	}
	return labels;
}

/* text with a check of labels goes back to the ENUM or SET that it came from. */
void
dbs_ddl_raw_restore_labels(DdlCreateTable *table)
{
	ListCell *cell;
	ListCell *check_cell;

	foreach (cell, table->columns)
	{
		DdlColumn *column = lfirst(cell);
		bool set = column->type->array_dimensions == 1;

		if (column->type->family != DDL_TYPE_TEXT)
			continue;
		foreach (check_cell, table->checks)
		{
			List *labels = labels_of(lfirst(check_cell), column->name, set ? "set" : "enum");

			if (labels == NIL)
				continue;
			column->type->family = set ? DDL_TYPE_SET : DDL_TYPE_ENUM;
			column->type->array_dimensions = 0;
			column->type->labels = labels;
			table->checks = foreach_delete_current(table->checks, check_cell);
		}
	}
}

/* left(column, n) and substr(column, 1, n) are what MySQL's prefixes become: they go back. */
void
dbs_ddl_raw_restore_prefix(DdlKeyPart *part)
{
	const DdlExpr *expr = part->expr;
	const DdlExpr *column;
	const DdlExpr *length;
	int count = expr == NULL ? 0 : list_length(expr->args);

	if (expr == NULL || expr->kind != DDL_EXPR_FUNCTION ||
		!((strcmp(expr->text, "left") == 0 && count == 2) || (strcmp(expr->text, "substr") == 0 && count == 3)))
		return;
	column = linitial(expr->args);
	while (column->kind == DDL_EXPR_CAST)
		column = linitial(column->args);
	length = llast(expr->args);
	if (column->kind != DDL_EXPR_COLUMN || length->kind != DDL_EXPR_NUMBER)
		return;
	part->column = column->text;
	part->length = (int) strtol(length->text, NULL, 10);
	part->expr = NULL;
}
