/*
 * ALTER TABLE's actions on partitions in PostgreSQL's words.
 *
 * Two things are minded above all.  Rows go with DROP and TRUNCATE PARTITION and move with EXCHANGE, and the log has
 * none of them: they are carried out where the target's partition holds the same rows, else refused.  And what the
 * source takes must find a partition here: in MySQL a range that goes leaves its values to the next one.
 */
#include "postgres.h"

#include "ddl_print.h"

typedef struct Repartition
{
	DdlPrinter *printer;
	const DdlName *name;
	const DdlKnownTable *table;
	const char *qualified;
} Repartition;

static const char *
child(const Repartition *work, const DdlKnownPartition *partition)
{
	return dbs_ddl_pg_qualified(work->table->schema, partition->name);
}

/* MySQL's names of partitions are the same whatever their case. */
static DdlKnownPartition *
find(const Repartition *work, const char *name)
{
	const char *wanted = dbs_ddl_pg_index_name(work->table->name, name);
	ListCell *cell;

	foreach (cell, work->table->partitions)
	{
		DdlKnownPartition *partition = lfirst(cell);

		if (pg_strcasecmp(partition->name, wanted) == 0)
			return partition;
	}
	dbs_ddl_note(work->printer, DBS_NOTE_ERROR,
				 "partition \"%s\" is not here under the name %s: do the like by hand, then go on", name, wanted);
	return NULL;
}

static const DdlKnownPartition *
default_partition(const Repartition *work)
{
	ListCell *cell;

	foreach (cell, work->table->partitions)
	{
		const DdlKnownPartition *partition = lfirst(cell);

		if (partition->is_default)
			return partition;
	}
	return NULL;
}

/* The partitions named, by the order of their bounds; NIL with a note when one is not here. */
static List *
named(const Repartition *work, List *names)
{
	List *found = NIL;
	List *ordered = NIL;
	ListCell *cell;

	foreach (cell, names)
	{
		DdlKnownPartition *partition = find(work, lfirst(cell));

		if (partition == NULL)
			return NIL;
		found = lappend(found, partition);
	}
	foreach (cell, work->table->partitions)
	{
		if (list_member_ptr(found, lfirst(cell)))
			ordered = lappend(ordered, lfirst(cell));
	}
	return ordered;
}

static bool
is_lowest(const Repartition *work, const DdlKnownPartition *partition)
{
	return work->table->partitioned == 'r' && linitial(work->table->partitions) == partition;
}

/* Does each partition here hold the rows that it holds at the source? Else a note. */
static bool
holds_the_same(const Repartition *work)
{
	const char *reason = NULL;
	ListCell *cell;

	if (work->table->partitioned == 'h')
		reason = "PostgreSQL spreads rows by another hash";
	foreach (cell, work->table->partition_by)
	{
		const DdlKnownColumn *column = dbs_ddl_known_column(work->table, lfirst(cell));

		if (column == NULL || (!dbs_ddl_is_number(column->type->family) && !dbs_ddl_is_bytes(column->type->family) &&
							   column->type->family != DDL_TYPE_DATE && column->type->family != DDL_TYPE_TIMESTAMP &&
							   column->type->family != DDL_TYPE_TIMESTAMPTZ))
			reason = "PostgreSQL compares values of this type otherwise";
	}
	if (reason == NULL && list_length(work->table->partition_by) > 1 && default_partition(work) != NULL)
		reason = "rows with a null among several columns lie in another partition";
	if (reason == NULL)
		return true;
	dbs_ddl_note(
		work->printer, DBS_NOTE_ERROR,
		"the partition's rows are not told in the log, and here it may hold others (%s): make the same rows go or "
		"move by hand, then go on",
		reason);
	return false;
}

/* Rows without a value to partition by lie in MySQL's lowest partition, in the default one here. */
static const char *
null_rows(const Repartition *work)
{
	return psprintf("%s WHERE %s IS NULL", work->qualified, dbs_ddl_pg_quote(linitial(work->table->partition_by)));
}

static void
delete_null_rows(const Repartition *work)
{
	if (default_partition(work) != NULL)
		dbs_ddl_sql(work->printer, "DELETE FROM %s", null_rows(work));
}

static void
truncate_partitions(const Repartition *work, const DdlAction *action)
{
	List *going;
	ListCell *cell;

	if (!holds_the_same(work))
		return;
	going = named(work, action->names);
	foreach (cell, going)
	{
		dbs_ddl_sql(work->printer, "TRUNCATE TABLE %s", child(work, lfirst(cell)));
		if (is_lowest(work, lfirst(cell)))
			delete_null_rows(work);
	}
}

static void
drop_partitions(const Repartition *work, const DdlAction *action)
{
	const char *from = NULL;
	List *going;
	ListCell *cell;

	if (!holds_the_same(work))
		return;
	going = named(work, action->names);
	if (going == NIL)
		return;
	foreach (cell, work->table->partitions)
	{
		const DdlKnownPartition *partition = lfirst(cell);

		if (list_member_ptr(going, partition))
		{
			dbs_ddl_sql(work->printer, "DROP TABLE %s", child(work, partition));
			if (is_lowest(work, partition))
				delete_null_rows(work);
			from = from == NULL ? partition->from : from;
		}
		else if (from != NULL && partition->from != NULL)
		{
			/* Its values are the next one's from now on. */
			dbs_ddl_sql(work->printer, "ALTER TABLE %s DETACH PARTITION %s", work->qualified, child(work, partition));
			dbs_ddl_sql(work->printer, "ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM %s TO %s", work->qualified,
						child(work, partition), from, partition->to);
			from = NULL;
		}
	}
}

/* How a bound written for the column is meant: YEAR's numbers are small, TO_DAYS's large. */
static DdlBound
bound_kind(const Repartition *work, const DdlExpr *expr)
{
	static const struct
	{
		const char *function;
		DdlBound bound;
	} functions[] = {{"year", DDL_BOUND_YEAR}, {"to_days", DDL_BOUND_DAYS}, {"unix_timestamp", DDL_BOUND_EPOCH}};
	const DdlKnownColumn *column = dbs_ddl_known_column(work->table, linitial(work->table->partition_by));

	if (expr == NULL || column == NULL)
		return DDL_BOUND_PLAIN;
	for (int i = 0; expr->kind == DDL_EXPR_FUNCTION && i < lengthof(functions); i++)
	{
		if (strcmp(expr->text, functions[i].function) == 0)
			return functions[i].bound;
	}
	if (expr->kind != DDL_EXPR_NUMBER)
		return DDL_BOUND_PLAIN;
	if (column->type->family == DDL_TYPE_TIMESTAMPTZ)
		return DDL_BOUND_EPOCH;
	if (column->type->family == DDL_TYPE_DATE || column->type->family == DDL_TYPE_TIMESTAMP)
		return strtol(expr->text, NULL, 10) <= 10000 ? DDL_BOUND_YEAR : DDL_BOUND_DAYS;
	return DDL_BOUND_PLAIN;
}

/* "(1, MAXVALUE)"; NULL with a note when a value cannot be carried over. */
static const char *
bound_list(const Repartition *work, const DdlPartition *partition)
{
	int columns = partition->less_than ? list_length(work->table->partition_by) : list_length(partition->values);
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < columns; i++)
	{
		const DdlExpr *expr = i < list_length(partition->values) ? list_nth(partition->values, i) : NULL;
		const char *sql = expr != NULL && expr->kind == DDL_EXPR_ROW
							  ? NULL
							  : dbs_ddl_pg_bound(work->printer, expr, bound_kind(work, expr));

		if (sql == NULL)
		{
			dbs_ddl_note(work->printer, DBS_NOTE_ERROR, "partition \"%s\": its bound cannot be carried over",
						 partition->name);
			return NULL;
		}
		appendStringInfo(&list, "%s%s", i == 0 ? "(" : ", ", sql);
	}
	appendStringInfoChar(&list, ')');
	return dbs_ddl_text(&list);
}

/* The partitions that come, of a range the first from the bound given. */
static void
create_partitions(const Repartition *work, List *partitions, const char *from)
{
	ListCell *cell;

	foreach (cell, partitions)
	{
		const DdlPartition *partition = lfirst(cell);
		const char *table = dbs_ddl_pg_partition_table(work->printer, work->name, partition->name);
		const char *bounds;

		if (partition->is_default)
		{
			dbs_ddl_sql(work->printer, "CREATE TABLE %s PARTITION OF %s DEFAULT", table, work->qualified);
			continue;
		}
		bounds = bound_list(work, partition);
		if (bounds == NULL)
			return;
		if (partition->less_than)
			dbs_ddl_sql(work->printer, "CREATE TABLE %s PARTITION OF %s FOR VALUES FROM %s TO %s", table,
						work->qualified, from, bounds);
		else
			dbs_ddl_sql(work->printer, "CREATE TABLE %s PARTITION OF %s FOR VALUES IN %s", table, work->qualified,
						bounds);
		from = bounds;
	}
}

/* Do they bear names that the translator gives? A person may have cut the table in pieces of his own. */
static bool
are_ours(const Repartition *work)
{
	Size size = strlen(work->table->name);
	ListCell *cell;

	foreach (cell, work->table->partitions)
	{
		const DdlKnownPartition *partition = lfirst(cell);

		if (strncmp(partition->name, work->table->name, size) == 0 && partition->name[size] == '_')
			return true;
	}
	return false;
}

static void
add_partitions(const Repartition *work, const DdlAction *action)
{
	StringInfoData from;
	ListCell *cell;

	if (!are_ours(work))
	{
		dbs_ddl_note(work->printer, DBS_NOTE_WARNING,
					 "the table's partitions here are not the source's: they stay as they are");
		return;
	}

	initStringInfo(&from);
	for (int i = 0; i < list_length(work->table->partition_by); i++)
		appendStringInfoString(&from, i == 0 ? "(MINVALUE" : ", MINVALUE");
	appendStringInfoChar(&from, ')');
	foreach (cell, work->table->partitions)
	{
		const DdlKnownPartition *partition = lfirst(cell);

		if (partition->to != NULL)
		{
			resetStringInfo(&from);
			appendStringInfoString(&from, partition->to);
		}
	}
	create_partitions(work, action->partitioning->partitions, from.data);
}

/* The table's columns that can be written. */
static const char *
writable_columns(const DdlKnownTable *table)
{
	StringInfoData list;
	ListCell *cell;

	initStringInfo(&list);
	foreach (cell, table->columns)
	{
		const DdlKnownColumn *column = lfirst(cell);

		if (!column->generated)
			appendStringInfo(&list, "%s%s", list.len == 0 ? "" : ", ", dbs_ddl_pg_quote(column->name));
	}
	return dbs_ddl_text(&list);
}

/* New partitions in the place of old ones, whose rows go over to them. */
static void
reorganize_partitions(const Repartition *work, const DdlAction *action)
{
	const char *columns = writable_columns(work->table);
	List *going = named(work, action->names);
	List *aside = NIL;
	ListCell *cell;

	if (going == NIL)
		return;
	foreach (cell, going)
	{
		const DdlKnownPartition *partition = lfirst(cell);
		const char *name = psprintf("dbstream_partition_%d", list_length(aside) + 1);

		/* A new partition may bear the name of an old one. */
		dbs_ddl_sql(work->printer, "ALTER TABLE %s DETACH PARTITION %s", work->qualified, child(work, partition));
		dbs_ddl_sql(work->printer, "ALTER TABLE %s RENAME TO %s", child(work, partition), dbs_ddl_pg_quote(name));
		aside = lappend(aside, (void *) dbs_ddl_pg_qualified(work->table->schema, name));
	}
	create_partitions(work, action->partitioning->partitions, ((DdlKnownPartition *) linitial(going))->from);
	foreach (cell, aside)
	{
		dbs_ddl_sql(work->printer, "INSERT INTO %s (%s) SELECT %s FROM %s", work->qualified, columns, columns,
					(char *) lfirst(cell));
		dbs_ddl_sql(work->printer, "DROP TABLE %s", (char *) lfirst(cell));
	}
}

/* The rows change places; names and indexes stay where they are. */
static void
exchange_partition(const Repartition *work, const DdlAction *action)
{
	DdlPrinter *printer = work->printer;
	DdlKnownPartition *partition;
	DdlName other_name = *action->table;
	const DdlKnownTable *other;
	const char *other_table;
	const char *columns;
	bool nulls;

	if (!holds_the_same(work) || (partition = find(work, action->name)) == NULL)
		return;
	if (other_name.schema == NULL)
		other_name.schema = work->name->schema;
	dbs_ddl_add_table(printer, &other_name, false, false);
	other_table = dbs_ddl_pg_table(printer, &other_name);
	other = dbs_ddl_known_table(printer->known, dbs_ddl_target_schema(printer, other_name.schema),
								dbs_ddl_fit(printer, other_name.name));
	if (other == NULL || other->absent || !other->complete)
	{
		dbs_ddl_note(
			printer, DBS_NOTE_ERROR,
			"table %s, with which the partition changes places, is not here: bring its rows by hand, then go on",
			other_table);
		return;
	}
	nulls = is_lowest(work, partition) && default_partition(work) != NULL;
	columns = writable_columns(work->table);
	dbs_ddl_sql(printer, "CREATE TEMPORARY TABLE dbstream_exchange ON COMMIT DROP AS SELECT %s FROM %s", columns,
				child(work, partition));
	if (nulls)
		dbs_ddl_sql(printer, "INSERT INTO dbstream_exchange SELECT %s FROM %s", columns, null_rows(work));
	dbs_ddl_sql(printer, "TRUNCATE TABLE %s", child(work, partition));
	if (nulls)
		delete_null_rows(work);
	dbs_ddl_sql(printer, "INSERT INTO %s (%s) SELECT %s FROM %s", work->qualified, columns, columns, other_table);
	dbs_ddl_sql(printer, "DELETE FROM %s", other_table);
	dbs_ddl_sql(printer, "INSERT INTO %s (%s) SELECT %s FROM dbstream_exchange", other_table, columns, columns);
	dbs_ddl_sql(printer, "DROP TABLE dbstream_exchange");
}

/* The source puts no bounds on the table any more, or others: what it takes must find a place. */
static void
open_bounds(const Repartition *work)
{
	dbs_ddl_note(work->printer, DBS_NOTE_WARNING,
				 "the table keeps its partitions here, and what fits none of them goes to a default one");
	if (work->table->partitioned != 'h' && default_partition(work) == NULL)
		dbs_ddl_sql(work->printer, "CREATE TABLE %s PARTITION OF %s DEFAULT",
					dbs_ddl_pg_partition_table(work->printer, work->name, "rest"), work->qualified);
}

/* Of a table in one piece, or of which nothing is known. */
static void
in_one_piece(DdlPrinter *printer, const DdlStatement *statement, const DdlAction *action, bool known)
{
	switch (action->kind)
	{
		case DDL_DROP_PARTITION:
		case DDL_TRUNCATE_PARTITION:
		{
			ListCell *cell;

			if (known)
				dbs_ddl_note(printer, DBS_NOTE_ERROR,
							 "the partition's rows go at the source, but the table is in one piece here: delete "
							 "them, then go on");
			else
			{
				foreach (cell, action->names)
					dbs_ddl_sql(printer, "%s TABLE %s%s", action->kind == DDL_DROP_PARTITION ? "DROP" : "TRUNCATE",
								action->if_exists ? "IF EXISTS " : "",
								dbs_ddl_pg_partition_table(printer, statement->name, lfirst(cell)));
			}
			break;
		}
		default:
			if (known)
				dbs_ddl_note(printer, DBS_NOTE_INFO,
							 "ignored: the table is in one piece here, and its rows stay as they are");
			else
				dbs_ddl_note(printer, DBS_NOTE_ERROR,
							 "changing the partitions of a table that has them here is not carried over");
			break;
	}
}

static void
repartition(const Repartition *work, const DdlAction *action)
{
	switch (action->kind)
	{
		case DDL_DROP_PARTITION:
			drop_partitions(work, action);
			break;
		case DDL_TRUNCATE_PARTITION:
			truncate_partitions(work, action);
			break;
		case DDL_EXCHANGE_PARTITION:
			exchange_partition(work, action);
			break;
		case DDL_REMOVE_PARTITIONING:
		case DDL_PARTITION_BY:
			open_bounds(work);
			break;
		case DDL_ADD_PARTITION:
		case DDL_REORGANIZE_PARTITION:
			if (action->partitioning->partitions == NIL || work->table->partitioned == 'h')
				dbs_ddl_note(work->printer, DBS_NOTE_INFO,
							 "ignored: rows are spread over other partitions by PostgreSQL's hash");
			else if (action->kind == DDL_ADD_PARTITION)
				add_partitions(work, action);
			else
				reorganize_partitions(work, action);
			break;
		default:
			dbs_ddl_note(work->printer, DBS_NOTE_INFO,
						 "ignored: rows are spread over other partitions by PostgreSQL's hash");
			break;
	}
}

void
dbs_ddl_pg_alter_partition(DdlPrinter *printer, const DdlStatement *statement, const DdlAction *action,
						   const DdlKnownTable *table)
{
	Repartition work = {printer, statement->name, table, dbs_ddl_pg_table(printer, statement->name)};

	switch (action->kind)
	{
		case DDL_TRUNCATE_PARTITION:
			if (action->all_partitions)
			{
				dbs_ddl_sql(printer, "TRUNCATE TABLE %s", work.qualified);
				return;
			}
			break;
		case DDL_ATTACH_PARTITION:
		case DDL_DETACH_PARTITION:
			dbs_ddl_note(printer, DBS_NOTE_ERROR, "moving rows between a partition and a table is not carried over");
			return;
		case DDL_EXCHANGE_PARTITION:
			if (table != NULL && table->partitions != NIL)
				break;
			dbs_ddl_note(printer, DBS_NOTE_ERROR, "moving rows between a partition and a table is not carried over");
			return;
		case DDL_DROP_PARTITION:
		case DDL_ADD_PARTITION:
		case DDL_REORGANIZE_PARTITION:
		case DDL_COALESCE_PARTITION:
		case DDL_REMOVE_PARTITIONING:
		case DDL_PARTITION_BY:
			break;
		default:
			return;
	}
	if (table == NULL || table->partitions == NIL || table->partition_by == NIL)
		in_one_piece(printer, statement, action, table != NULL && table->partitioned == 0);
	else
		repartition(&work, action);
}
