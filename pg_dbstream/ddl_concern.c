/*
 * See ddl_concern.h.
 */
#include "ddl_concern.h"

#include "pattern.h"

DbsDdlConcern
dbs_ddl_concern(const char **patterns, const DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		const char *schema = table->schema != NULL ? table->schema : "";

		if (dbs_pattern_selects(patterns, schema, strlen(schema), table->name, strlen(table->name)))
			return DBS_DDL_CONCERNS_US;
	}
	if (statement->schema != NULL)
		return dbs_pattern_selects_schema(patterns, statement->schema) ? DBS_DDL_CONCERNS_US : DBS_DDL_CONCERNS_OTHERS;
	return statement->tables != NIL ? DBS_DDL_CONCERNS_OTHERS : DBS_DDL_CONCERN_UNKNOWN;
}
