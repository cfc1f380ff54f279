/*
 * TRUNCATE of a replicated table.
 */
#include "apply.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/heap.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
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
/*
 * The rows that were in one partition at the source, whatever they are in here. The condition comes from another
 * server: it must be no more than that.
 */
static void
delete_part(const char *qualified, const DbsTruncate *truncate)
{
	char *condition = pnstrdup(truncate->condition.data, truncate->condition.size);
	char *sql = psprintf("DELETE FROM %s WHERE %s", qualified, condition);
	List *statements;

	if (strstr(condition, "satisfies_hash_partition(") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("partition \"%.*s\" of %s was truncated at the source, and which rows were in it cannot be "
						"told: it is a partition by HASH",
						(int) truncate->partition.size, truncate->partition.data, qualified),
				 errhint("Drop the stream and create it anew, so that its tables are copied again.")));
	statements = raw_parser(sql, RAW_PARSE_DEFAULT);
	if (list_length(statements) != 1 || !IsA(linitial_node(RawStmt, statements)->stmt, DeleteStmt))
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("a partition's condition is malformed")));
	execute(sql);
}

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
	dbs_target_check_rights(relation, truncate->condition.size > 0 ? ACL_DELETE : ACL_TRUNCATE);
	referenced = is_referenced(relation);
	qualified = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
										   RelationGetRelationName(relation));
	table_close(relation, NoLock);
	dbs_apply.cascades_logged = true;
	if (truncate->condition.size > 0)
		delete_part(qualified, truncate);
	else
		execute(psprintf(referenced ? "DELETE FROM %s" : "TRUNCATE TABLE %s RESTART IDENTITY", qualified));
	dbs_apply.cascades_logged = cascades_logged;
	CommandCounterIncrement();
	return referenced;
}
