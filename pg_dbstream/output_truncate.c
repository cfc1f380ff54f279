/*
 * TRUNCATE on its way through the plugin.
 *
 * A root that is truncated brings its partitions along. A partition that is truncated alone empties a part of what is
 * published under its root's name: which part its condition says.
 */
#include "output_plugin.h"
#include "partition_condition.h"

#include "catalog/partition.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static bool
is_among(Oid relid, int count, Relation relations[])
{
	for (int i = 0; i < count; i++)
	{
		if (RelationGetRelid(relations[i]) == relid)
			return true;
	}
	return false;
}

/* As they would stand in CREATE TABLE. */
static char *
column_list(const DbsOutputTable *table)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < table->column_count; i++)
		appendStringInfo(&out, "%s%s %s", i > 0 ? ", " : "", quote_identifier(table->columns[i].name),
						 table->columns[i].type_name);
	return out.data;
}

List *
dbs_output_truncated(DbsOutput *output, XLogRecPtr commit, int count, Relation relations[])
{
	List *truncated = NIL;

	for (int i = 0; i < count; i++)
	{
		Oid relid = RelationGetRelid(relations[i]);
		bool part = output->via_root && relations[i]->rd_rel->relispartition;
		DbsOutputTable *table = dbs_output_table(output, relations[i]);
		DbsOutputTruncated *one;

		/* What it is a partition of speaks for it. */
		if (!table->selected || commit < table->copied ||
			(part && is_among(get_partition_parent(relid, true), count, relations)))
			continue;
		one = palloc0(sizeof *one);
		one->schema = table->schema;
		one->name = table->name;
		if (part)
		{
			one->partition_schema = get_namespace_name(get_rel_namespace(relid));
			one->partition = get_rel_name(relid);
			one->condition = dbs_partition_condition(relid);
			one->columns = dbs_partition_comparable(relid) ? column_list(table) : "";
		}
		truncated = lappend(truncated, one);
	}
	return truncated;
}
