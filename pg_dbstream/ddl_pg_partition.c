/*
 * Partitions in PostgreSQL's words.
 *
 * PostgreSQL partitions by columns where keys are concerned; so RANGE over
 * YEAR, TO_DAYS or UNIX_TIMESTAMP of a column becomes a range of the column
 * itself, and any other expression leaves the table in one piece.
 */
#include "postgres.h"

#include "ddl_print.h"

/* How a bound of the partitioning function becomes one of the column. */
typedef enum Bound
{
	BOUND_PLAIN,
	BOUND_YEAR,
	BOUND_DAYS,
	BOUND_EPOCH
} Bound;

/* The column below YEAR(c), TO_DAYS(c), UNIX_TIMESTAMP(c); NULL when it is something else. */
static const char *
column_of(const DdlExpr *expr, Bound *bound)
{
	static const struct
	{
		const char *name;
		Bound bound;
	} functions[] = {{"year", BOUND_YEAR}, {"to_days", BOUND_DAYS}, {"unix_timestamp", BOUND_EPOCH}};

	*bound = BOUND_PLAIN;
	if (expr->kind == DDL_EXPR_COLUMN)
		return expr->text;
	if (expr->kind != DDL_EXPR_FUNCTION || list_length(expr->args) != 1)
		return NULL;
	for (int i = 0; i < lengthof(functions); i++)
	{
		const DdlExpr *argument = linitial(expr->args);

		if (strcmp(functions[i].name, expr->text) == 0 && argument->kind == DDL_EXPR_COLUMN)
		{
			*bound = functions[i].bound;
			return argument->text;
		}
	}
	return NULL;
}

static Bound
bound_of(const DdlPartitioning *partitioning)
{
	Bound bound = BOUND_PLAIN;

	if (partitioning->expr != NULL)
		(void) column_of(partitioning->expr, &bound);
	return bound;
}

static const char *
bound_sql(DdlPrinter *printer, const DdlExpr *expr, Bound bound)
{
	const char *reason = NULL;
	const char *sql;

	if (expr == NULL)
		return "MAXVALUE";
	/* TO_DAYS('2024-01-01') and UNIX_TIMESTAMP('…') of a literal: the literal. */
	if (expr->kind == DDL_EXPR_FUNCTION && list_length(expr->args) == 1 &&
		((DdlExpr *) linitial(expr->args))->kind == DDL_EXPR_STRING &&
		((bound == BOUND_DAYS && strcmp(expr->text, "to_days") == 0) ||
		 (bound == BOUND_EPOCH && strcmp(expr->text, "unix_timestamp") == 0) ||
		 (bound == BOUND_YEAR && strcmp(expr->text, "year") == 0)))
	{
		const DdlExpr *literal = linitial(expr->args);

		if (bound == BOUND_YEAR)
			return psprintf("'%.4s-01-01'", literal->text);
		return dbs_ddl_pg_string(literal->text, literal->size);
	}
	if (bound != BOUND_PLAIN && expr->kind != DDL_EXPR_NUMBER)
		return NULL;
	if (bound == BOUND_YEAR)
		return psprintf("'%04ld-01-01'", strtol(expr->text, NULL, 10));
	/* Day 719528 is 1970-01-01. */
	if (bound == BOUND_DAYS)
		return psprintf("('1970-01-01'::date + %ld)", strtol(expr->text, NULL, 10) - 719528);
	if (bound == BOUND_EPOCH)
		return psprintf("to_timestamp(%ld)", strtol(expr->text, NULL, 10));
	sql = dbs_ddl_pg_expression(printer, expr, NULL, NULL, DDL_CONTEXT_DEFAULT, &reason);
	return sql;
}

/* Do all keys that must be unique hold all of the columns? */
static bool
keys_hold(const DdlCreateTable *table, List *columns)
{
	ListCell *cell;

	foreach (cell, table->keys)
	{
		const DdlKey *key = lfirst(cell);
		ListCell *name;

		if (key->kind != DDL_KEY_PRIMARY && key->kind != DDL_KEY_UNIQUE)
			continue;
		foreach (name, columns)
		{
			bool found = false;
			ListCell *part_cell;

			foreach (part_cell, key->parts)
			{
				const DdlKeyPart *part = lfirst(part_cell);

				found |= part->column != NULL && part->length == 0 && pg_strcasecmp(part->column, lfirst(name)) == 0;
			}
			if (!found)
				return false;
		}
	}
	return true;
}

static List *
primary_columns(const DdlCreateTable *table)
{
	ListCell *cell;
	ListCell *part_cell;
	List *columns = NIL;

	foreach (cell, table->keys)
	{
		const DdlKey *key = lfirst(cell);

		if (key->kind != DDL_KEY_PRIMARY)
			continue;
		foreach (part_cell, key->parts)
			columns = lappend(columns, (void *) ((DdlKeyPart *) lfirst(part_cell))->column);
	}
	return columns;
}

static bool
bounds_translate(DdlPrinter *printer, const DdlPartitioning *partitioning)
{
	ListCell *cell;
	ListCell *value;

	foreach (cell, partitioning->partitions)
	{
		const DdlPartition *partition = lfirst(cell);

		foreach (value, partition->values)
		{
			const DdlExpr *expr = lfirst(value);

			if (expr != NULL && expr->kind == DDL_EXPR_ROW)
				return false;
			if (bound_sql(printer, expr, bound_of(partitioning)) == NULL)
				return false;
		}
	}
	return true;
}

/* The columns to partition by; NIL with the reason why not. */
static List *
partition_columns(DdlPrinter *printer, DdlCreateTable *table, const char **reason)
{
	DdlPartitioning *partitioning = table->partitioning;
	List *columns = partitioning->columns;
	Bound bound;

	*reason = NULL;
	if (partitioning->method == DDL_PARTITION_SYSTEM_TIME)
		*reason = "history is not carried over";
	else if (partitioning->method == DDL_PARTITION_KEY && columns == NIL)
		columns = primary_columns(table);
	else if (partitioning->expr != NULL)
	{
		const char *column = column_of(partitioning->expr, &bound);

		if (column == NULL || (bound != BOUND_PLAIN && partitioning->method != DDL_PARTITION_RANGE))
			*reason = "PostgreSQL's keys do not allow partitions by an expression";
		else
			columns = list_make1((void *) column);
	}
	if (*reason == NULL &&
		(columns == NIL || (partitioning->method == DDL_PARTITION_LIST_COLUMNS && list_length(columns) > 1)))
		*reason = "PostgreSQL lists values of one column only";
	if (*reason == NULL && !keys_hold(table, columns))
		*reason = "a unique key does not hold all of the columns";
	if (*reason == NULL && !bounds_translate(printer, partitioning))
		*reason = "a bound cannot be carried over";
	partitioning->columns = columns;
	return *reason == NULL ? columns : NIL;
}

const char *
dbs_ddl_pg_partition_by(DdlPrinter *printer, DdlCreateTable *table)
{
	static const char *const methods[] = {"", "RANGE", "RANGE", "LIST", "LIST", "HASH", "HASH", ""};
	const char *reason;
	List *columns;

	if (printer->options->no_partitions)
	{
		dbs_ddl_note(printer, DBS_NOTE_INFO, "partitions are left out: the table is in one piece");
		return "";
	}
	columns = partition_columns(printer, table, &reason);
	if (columns == NIL)
	{
		dbs_ddl_note(printer, DBS_NOTE_WARNING, "partitions are not carried over, the table is in one piece: %s",
					 reason);
		return "";
	}
	if (table->partitioning->method == DDL_PARTITION_HASH || table->partitioning->method == DDL_PARTITION_KEY)
		dbs_ddl_note(printer, DBS_NOTE_INFO, "rows are spread over the partitions by PostgreSQL's hash");
	if (table->partitioning->subpartitioned)
		dbs_ddl_note(printer, DBS_NOTE_INFO, "subpartitions are left out");
	return psprintf(" PARTITION BY %s (%s)", methods[table->partitioning->method],
					dbs_ddl_pg_columns(printer, columns));
}

static const char *
partition_table(DdlPrinter *printer, const DdlName *name, const char *partition)
{
	return dbs_ddl_pg_qualified(dbs_ddl_target_schema(printer, name->schema),
								dbs_ddl_pg_index_name(dbs_ddl_fit(printer, name->name), partition));
}

static const char *
value_list(DdlPrinter *printer, const DdlPartition *partition, Bound bound, int columns, const char *missing)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < columns; i++)
	{
		if (partition != NULL && i < list_length(partition->values))
			appendStringInfo(&list, "%s%s", i == 0 ? "" : ", ",
							 bound_sql(printer, list_nth(partition->values, i), bound));
		else
			appendStringInfo(&list, "%s%s", i == 0 ? "" : ", ", missing);
	}
	return list.data;
}

/* Rows whose column is null lie in MySQL's lowest partition, in PostgreSQL's default one. */
static void
add_default_partition(DdlPrinter *printer, const DdlName *name, const DdlKnownTable *table, List *columns)
{
	ListCell *cell;

	foreach (cell, columns)
	{
		const DdlKnownColumn *column = dbs_ddl_known_column(table, lfirst(cell));

		if (column != NULL && !column->not_null)
		{
			dbs_ddl_sql(printer, "CREATE TABLE %s PARTITION OF %s DEFAULT", partition_table(printer, name, "null"),
						dbs_ddl_pg_table(printer, name));
			dbs_ddl_note(printer, DBS_NOTE_INFO, "rows without a value to partition by go to a default partition");
			return;
		}
	}
}

void
dbs_ddl_pg_partitions(DdlPrinter *printer, const DdlName *name, const DdlPartitioning *partitioning)
{
	const char *qualified = dbs_ddl_pg_table(printer, name);
	DdlKnownTable *table = dbs_ddl_known_table(printer->known, dbs_ddl_target_schema(printer, name->schema),
											   dbs_ddl_fit(printer, name->name));
	const DdlPartition *before = NULL;
	Bound bound = bound_of(partitioning);
	int columns = list_length(partitioning->columns);
	ListCell *cell;

	if (partitioning->method == DDL_PARTITION_HASH || partitioning->method == DDL_PARTITION_KEY)
	{
		int count =
			partitioning->partitions != NIL ? list_length(partitioning->partitions) : Max(partitioning->count, 1);

		for (int i = 0; i < count; i++)
		{
			const char *part = partitioning->partitions != NIL
								   ? ((DdlPartition *) list_nth(partitioning->partitions, i))->name
								   : psprintf("p%d", i);

			dbs_ddl_sql(printer, "CREATE TABLE %s PARTITION OF %s FOR VALUES WITH (MODULUS %d, REMAINDER %d)",
						partition_table(printer, name, part), qualified, count, i);
		}
		return;
	}
	foreach (cell, partitioning->partitions)
	{
		const DdlPartition *partition = lfirst(cell);
		const char *part = partition_table(printer, name, partition->name);

		if (partition->is_default)
			dbs_ddl_sql(printer, "CREATE TABLE %s PARTITION OF %s DEFAULT", part, qualified);
		else if (partition->less_than)
			dbs_ddl_sql(printer, "CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%s) TO (%s)", part, qualified,
						value_list(printer, before, bound, columns, "MINVALUE"),
						value_list(printer, partition, bound, columns, "MAXVALUE"));
		else
			dbs_ddl_sql(printer, "CREATE TABLE %s PARTITION OF %s FOR VALUES IN (%s)", part, qualified,
						value_list(printer, partition, bound, list_length(partition->values), ""));
		before = partition;
	}
	if (partitioning->method == DDL_PARTITION_RANGE || partitioning->method == DDL_PARTITION_RANGE_COLUMNS)
		add_default_partition(printer, name, table, partitioning->columns);
}

/* Actions on partitions of a table that is there; what moves no rows is a note. */
void
dbs_ddl_pg_alter_partition(DdlPrinter *printer, const DdlStatement *statement, const DdlAction *action,
						   const DdlKnownTable *table)
{
	bool in_pieces = table == NULL || table->partitioned != 0;
	ListCell *cell;

	switch (action->kind)
	{
		case DDL_DROP_PARTITION:
		case DDL_TRUNCATE_PARTITION:
			/* These delete rows, of which the log says nothing. */
			if (!in_pieces || action->all_partitions)
			{
				if (action->all_partitions && action->kind == DDL_TRUNCATE_PARTITION)
					dbs_ddl_sql(printer, "TRUNCATE TABLE %s", dbs_ddl_pg_table(printer, statement->name));
				else
					dbs_ddl_note(printer, DBS_NOTE_ERROR,
								 "the partition's rows go at the source, but the table is in one piece here: delete "
								 "them, then go on");
				return;
			}
			foreach (cell, action->names)
				dbs_ddl_sql(printer, "%s TABLE %s", action->kind == DDL_DROP_PARTITION ? "DROP" : "TRUNCATE",
							partition_table(printer, statement->name, lfirst(cell)));
			break;
		case DDL_EXCHANGE_PARTITION:
		case DDL_ATTACH_PARTITION:
		case DDL_DETACH_PARTITION:
			dbs_ddl_note(printer, DBS_NOTE_ERROR, "moving rows between a partition and a table is not carried over");
			break;
		case DDL_ADD_PARTITION:
		case DDL_REORGANIZE_PARTITION:
		case DDL_COALESCE_PARTITION:
		case DDL_REMOVE_PARTITIONING:
		case DDL_PARTITION_BY:
			if (table != NULL && table->partitioned == 0)
				dbs_ddl_note(printer, DBS_NOTE_INFO,
							 "ignored: the table is in one piece here, and its rows stay as they are");
			else
				dbs_ddl_note(printer, DBS_NOTE_ERROR,
							 "changing the partitions of a table that has them here is not carried over");
			break;
		default:
			break;
	}
}
