/*
 * See partition_condition.h.
 */
#include "partition_condition.h"

#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "ddl.h"
#include "ddl_print.h"
#include "ddl_raw.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/pg_locale.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(dbs_outbound_truncate);

char *
dbs_partition_condition(Oid partition)
{
	LOCAL_FCINFO(call, 1);
	Datum result;

	InitFunctionCallInfoData(*call, NULL, 1, InvalidOid, NULL, NULL);
	call->args[0].value = ObjectIdGetDatum(partition);
	call->args[0].isnull = false;
	result = pg_get_partition_constraintdef(call);
	/* The default partition has none while it is the only one. */
	return call->isnull ? pstrdup("true") : TextDatumGetCString(result);
}

static bool
orders_by_bytes(Oid collation)
{
#if PG_VERSION_NUM >= 180000
	return pg_newlocale_from_collation(collation)->collate_is_c;
#else
	return lc_collate_is_c(collation);
#endif
}

/* Is the order of the key's values the same at a MySQL server, in the types that they become there? */
static bool
ordered_alike(Oid type, int32 typmod, Oid collation)
{
	switch (getBaseTypeAndTypmod(type, &typmod))
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT8OID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case UUIDOID:
			return true;
		case NUMERICOID:
			return typmod >= 0; /* without precision it becomes a text */
		case TEXTOID:
		case VARCHAROID:
			return orders_by_bytes(collation);
		default:
			return false;
	}
}

static bool
key_comparable(Relation table)
{
	PartitionKey key = RelationGetPartitionKey(table);

	if (key->strategy == PARTITION_STRATEGY_HASH)
		return false;
	for (int i = 0; key->strategy == PARTITION_STRATEGY_RANGE && i < key->partnatts; i++)
	{
		if (!ordered_alike(key->parttypid[i], key->parttypmod[i], key->partcollation[i]))
			return false;
	}
	return true;
}

bool
dbs_partition_comparable(Oid partition)
{
	bool comparable = true;
	ListCell *cell;

	foreach (cell, get_partition_ancestors(partition))
	{
		Relation table = table_open(lfirst_oid(cell), AccessShareLock);

		comparable = comparable && key_comparable(table);
		table_close(table, NoLock);
	}
	return comparable;
}

/* Times with a zone are in UTC here, and without a zone at the target. */
static char *
without_zones(const char *condition)
{
	static const char zoned[] = "+00'::timestamp with time zone";
	StringInfoData out;
	const char *found;

	initStringInfo(&out);
	while ((found = strstr(condition, zoned)) != NULL)
	{
		appendBinaryStringInfo(&out, condition, found - condition);
		appendStringInfoString(&out, "'::timestamp without time zone");
		condition = found + sizeof zoned - 1;
	}
	appendStringInfoString(&out, condition);
	return out.data;
}

char *
dbs_partition_mysql_condition(Oid partition)
{
	return dbs_partition_comparable(partition) ? without_zones(dbs_partition_condition(partition)) : NULL;
}

/*
 * outbound_truncate(columns, condition, dialect): the condition in the target's words; NULL when it has no equivalent.
 * columns as in CREATE TABLE.
 */
Datum
dbs_outbound_truncate(PG_FUNCTION_ARGS)
{
	char *columns = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *condition = without_zones(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	char *dialect = text_to_cstring(PG_GETARG_TEXT_PP(2));
	DbsDdlOptions options = {.source = DBS_DIALECT_POSTGRESQL,
							 .target = strcmp(dialect, "mariadb") == 0 ? DBS_DIALECT_MARIADB : DBS_DIALECT_MYSQL};
	DdlMyTable table;
	ListCell *cell;

	dbs_ddl_translate_table(psprintf("CREATE TABLE s.t (%s, CONSTRAINT c CHECK (%s));", columns, condition), &options,
							&table);
	foreach (cell, table.checks)
	{
		const DdlMyPart *part = lfirst(cell);

		if (part->sql != NULL && strncmp(part->sql, "CHECK ", 6) == 0)
			PG_RETURN_TEXT_P(cstring_to_text(part->sql + 6));
	}
	PG_RETURN_NULL();
}
