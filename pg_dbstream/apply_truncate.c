/*
 * TRUNCATE of a replicated table.
 */
#include "apply.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/heap.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Does a foreign key of another table point here? */
static bool
is_referenced(Relation relation)
{
	return heap_truncate_find_FKs(list_make1_oid(RelationGetRelid(relation))) != NIL;
}

static void
execute(const char *sql)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	SPI_execute(sql, false, 0);
	SPI_finish();
}

/*
 * PostgreSQL refuses to truncate a table that another one references; MySQL
 * does it with foreign_key_checks off.  There the rows are deleted, and no action runs:
 * the source ran none.
 */
bool
dbs_apply_truncate(const DbsTruncate *truncate)
{
	char *schema = pnstrdup(truncate->schema.data, truncate->schema.size);
	char *name = pnstrdup(truncate->name.data, truncate->name.size);
	Oid oid = dbs_target_lookup(schema, name);
	Relation relation;
	char *qualified;
	bool referenced;
	bool cascades_logged = dbs_apply.cascades_logged;

	dbs_apply.where_operation = "truncate";
	dbs_flush_all_inserts();
	dbs_targets_close();
	if (!OidIsValid(oid))
		return false;
	relation = table_open(oid, AccessExclusiveLock);
	dbs_target_check_rights(relation, ACL_TRUNCATE);
	referenced = is_referenced(relation);
	qualified = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
										   RelationGetRelationName(relation));
	table_close(relation, NoLock);
	dbs_apply.cascades_logged = true;
	execute(psprintf(referenced ? "DELETE FROM %s" : "TRUNCATE TABLE %s RESTART IDENTITY", qualified));
	dbs_apply.cascades_logged = cascades_logged;
	CommandCounterIncrement();
	return referenced;
}
