/*
 * A table that the log speaks of and the target does not have is created from
 * the wire's description.
 */
#include "apply.h"

Oid
dbs_table_create(DbsWireTable *table)
{
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
					errmsg("table \"%s.%s\" does not exist at the target",
						   dbs_target_schema(table->schema, strlen(table->schema)), table->name),
					errhint("Create it; the stream goes on from here.")));
}
