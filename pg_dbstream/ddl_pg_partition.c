/*
 * Partitions in PostgreSQL's words.
 *
 * PostgreSQL partitions by columns where keys are concerned; so RANGE over
 * YEAR, TO_DAYS or UNIX_TIMESTAMP of a column becomes a range of the column
 * itself, and any other expression leaves the table in one piece.
 */
#include "postgres.h"

#include "ddl_print.h"

/* The column below YEAR(c), TO_DAYS(c), UNIX_TIMESTAMP(c); NULL when it is something else. */
static const char *
column_of(const DdlExpr *expr, DdlBound *bound)
{
	static const struct
	{
		const char *name;
		DdlBound bound;
	} functions[] = {{"year", DDL_BOUND_YEAR}, {"to_days", DDL_BOUND_DAYS}, {"unix_timestamp", DDL_BOUND_EPOCH}};

	*bound = DDL_BOUND_PLAIN;
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

static DdlBound
bound_of(const DdlPartitioning *partitioning)
{
	DdlBound bound = DDL_BOUND_PLAIN;

	if (partitioning->expr != NULL)
		(void) column_of(partitioning->expr, &bound);
	return bound;
}

/* A moment written as a literal, in the time zone of the session that wrote it; NULL when that is not known. */
static const char *
epoch_sql(DdlPrinter *printer, const DdlExpr *literal)
{
	const DbsDdlOptions *options = printer->options;

	if (printer->known->load == NULL)
		return dbs_ddl_pg_string(literal->text, literal->size);
	if (!options->has_utc_offset)
		return NULL;
	return psprintf("('%.*s+00'::timestamptz - '%d seconds'::interval)", literal->size, literal->text,
					options->utc_offset);
}

const char *
dbs_ddl_pg_bound(DdlPrinter *printer, const DdlExpr *expr, DdlBound bound)
{
	const char *reason = NULL;
	const char *sql;

	if (expr == NULL)
		return "MAXVALUE";
	/* TO_DAYS('2024-01-01') and UNIX_TIMESTAMP('…') of a literal: the literal. */
	if (expr->kind == DDL_EXPR_FUNCTION && list_length(expr->args) == 1 &&
		((DdlExpr *) linitial(expr->args))->kind == DDL_EXPR_STRING &&
		((bound == DDL_BOUND_DAYS && strcmp(expr->text, "to_days") == 0) ||
		 (bound == DDL_BOUND_EPOCH && strcmp(expr->text, "unix_timestamp") == 0) ||
		 (bound == DDL_BOUND_YEAR && strcmp(expr->text, "year") == 0)))
	{
		const DdlExpr *literal = linitial(expr->args);

		if (bound == DDL_BOUND_YEAR)
			return psprintf("'%.4s-01-01'", literal->text);
		if (bound == DDL_BOUND_EPOCH)
			return epoch_sql(printer, literal);
		return dbs_ddl_pg_string(literal->text, literal->size);
	}
	if (bound != DDL_BOUND_PLAIN && expr->kind != DDL_EXPR_NUMBER)
		return NULL;
	if (bound == DDL_BOUND_YEAR)
		return psprintf("'%04ld-01-01'", strtol(expr->text, NULL, 10));
	/* Day 719528 is 1970-01-01. */
	if (bound == DDL_BOUND_DAYS)
		return psprintf("('1970-01-01'::date + %ld)", strtol(expr->text, NULL, 10) - 719528);
	if (bound == DDL_BOUND_EPOCH)
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
			if (dbs_ddl_pg_bound(printer, expr, bound_of(partitioning)) == NULL)
				return false;
		}
	}
	return true;
}

static bool
has_text(const DdlCreateTable *table, List *columns)
{
	ListCell *cell;
	ListCell *name;

	foreach (cell, table->columns)
	{
		const DdlColumn *column = lfirst(cell);

		foreach (name, columns)
		{
			if (pg_strcasecmp(column->name, lfirst(name)) == 0 && dbs_ddl_is_text(column->type->family))
				return true;
		}
	}
	return false;
}

/* The columns to partition by; NIL with the reason why not. */
static List *
partition_columns(DdlPrinter *printer, DdlCreateTable *table, const char **reason)
{
	DdlPartitioning *partitioning = table->partitioning;
	List *columns = partitioning->columns;
	DdlBound bound;

	*reason = NULL;
	if (partitioning->method == DDL_PARTITION_SYSTEM_TIME)
		*reason = "history is not carried over";
	else if (partitioning->method == DDL_PARTITION_KEY && columns == NIL)
		columns = primary_columns(table);
	else if (partitioning->expr != NULL)
	{
		const char *column = column_of(partitioning->expr, &bound);

		if (column == NULL || (bound != DDL_BOUND_PLAIN && partitioning->method != DDL_PARTITION_RANGE))
			*reason = "PostgreSQL's keys do not allow partitions by an expression";
		else
			columns = list_make1((void *) column);
	}
	if (*reason == NULL &&
		(columns == NIL || (partitioning->method == DDL_PARTITION_LIST_COLUMNS && list_length(columns) > 1)))
		*reason = "PostgreSQL lists values of one column only";
	if (*reason == NULL && partitioning->method != DDL_PARTITION_HASH && partitioning->method != DDL_PARTITION_KEY &&
		printer->known->load != NULL && has_text(table, columns))
		*reason = "PostgreSQL compares text otherwise, so rows would lie elsewhere or find no partition";
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
	ListCell *cell;

	foreach (cell, table->partitioning->partitions)
	{
		const DdlPartition *partition = lfirst(cell);

		dbs_ddl_note_ignored(printer, partition->ignored, psprintf("partition \"%s\"", partition->name));
	}
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

const char *
dbs_ddl_pg_partition_table(DdlPrinter *printer, const DdlName *name, const char *partition)
{
	return dbs_ddl_pg_qualified(dbs_ddl_target_schema(printer, name->schema),
								dbs_ddl_pg_index_name(dbs_ddl_fit(printer, name->name), partition));
}

static const char *
value_list(DdlPrinter *printer, const DdlPartition *partition, DdlBound bound, int columns, const char *missing)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < columns; i++)
	{
		if (partition != NULL && i < list_length(partition->values))
			appendStringInfo(&list, "%s%s", i == 0 ? "" : ", ",
							 dbs_ddl_pg_bound(printer, list_nth(partition->values, i), bound));
		else
			appendStringInfo(&list, "%s%s", i == 0 ? "" : ", ", missing);
	}
	return dbs_ddl_text(&list);
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
			dbs_ddl_sql(printer, "CREATE TABLE %s PARTITION OF %s DEFAULT",
						dbs_ddl_pg_partition_table(printer, name, "null"), dbs_ddl_pg_table(printer, name));
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
	DdlBound bound = bound_of(partitioning);
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
						dbs_ddl_pg_partition_table(printer, name, part), qualified, count, i);
		}
		return;
	}
	foreach (cell, partitioning->partitions)
	{
		const DdlPartition *partition = lfirst(cell);
		const char *part = dbs_ddl_pg_partition_table(printer, name, partition->name);

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
