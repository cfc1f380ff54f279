/*
 * Published tables: a cache of what the formats need to know of a relation,
 * thrown away by relcache invalidations, which arrive in the order of the log,
 * so a relation is described as it was when the change was made.
 */
#include "output_plugin.h"

#include "access/detoast.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "../libdbstream/pattern.h"

static HTAB *tables = NULL;

static void
invalidate(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	DbsOutputTable *table;

	if (tables == NULL)
		return;
	if (OidIsValid(relid))
	{
		table = hash_search(tables, &relid, HASH_FIND, NULL);
		if (table != NULL)
			table->valid = false;
		return;
	}
	hash_seq_init(&scan, tables);
	while ((table = hash_seq_search(&scan)) != NULL)
		table->valid = false;
}

/* A schema or type was renamed or dropped: rare, so everything is looked up anew. */
static void
invalidate_all(Datum arg, int cache, uint32 hash)
{
	invalidate(arg, InvalidOid);
}

static void
create_cache(void)
{
	static bool registered = false;
	HASHCTL control = {.keysize = sizeof(Oid), .entrysize = sizeof(DbsOutputTable), .hcxt = CacheMemoryContext};

	tables = hash_create("dbstream published tables", 128, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (!registered)
	{
		CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_all, (Datum) 0);
		CacheRegisterSyscacheCallback(TYPEOID, invalidate_all, (Datum) 0);
		registered = true;
	}
}

void
dbs_output_tables_forget(void)
{
	HASH_SEQ_STATUS scan;
	DbsOutputTable *table;

	if (tables == NULL)
		return;
	hash_seq_init(&scan, tables);
	while ((table = hash_seq_search(&scan)) != NULL)
	{
		if (table->context != NULL)
			MemoryContextDelete(table->context);
	}
	hash_destroy(tables);
	tables = NULL;
}

static DbsKind
kind_of(Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return DBS_KIND_BOOL;
		case INT2OID:
			return DBS_KIND_INT2;
		case INT4OID:
			return DBS_KIND_INT4;
		case INT8OID:
			return DBS_KIND_INT8;
		case FLOAT4OID:
			return DBS_KIND_FLOAT4;
		case FLOAT8OID:
			return DBS_KIND_FLOAT8;
		case NUMERICOID:
			return DBS_KIND_NUMERIC;
		case DATEOID:
			return DBS_KIND_DATE;
		case TIMEOID:
			return DBS_KIND_TIME;
		case TIMESTAMPOID:
			return DBS_KIND_TIMESTAMP;
		case TIMESTAMPTZOID:
			return DBS_KIND_TIMESTAMPTZ;
		case INTERVALOID:
			return DBS_KIND_INTERVAL;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return DBS_KIND_TEXT;
		case BYTEAOID:
			return DBS_KIND_BYTES;
		case JSONOID:
		case JSONBOID:
			return DBS_KIND_JSON;
		case BITOID:
		case VARBITOID:
			return DBS_KIND_BIT;
		case UUIDOID:
			return DBS_KIND_UUID;
		default:
			return type_is_enum(type) ? DBS_KIND_LABEL : DBS_KIND_TYPED_TEXT;
	}
}

static void
describe_column(DbsOutputColumn *column, Form_pg_attribute attribute, const Bitmapset *key, const Bitmapset *primary,
				bool whole_row_is_key)
{
	Oid out;
	bool varlena;

	column->attno = attribute->attnum - 1;
	column->name = pstrdup(NameStr(attribute->attname));
	column->typmod = attribute->atttypmod;
	column->type = getBaseTypeAndTypmod(attribute->atttypid, &column->typmod);
	column->kind = kind_of(column->type);
	column->type_name = format_type_with_typemod(column->type, column->typmod);
	column->key = whole_row_is_key || bms_is_member(attribute->attnum - FirstLowInvalidHeapAttributeNumber, key);
	column->finds =
		bms_is_member(attribute->attnum - FirstLowInvalidHeapAttributeNumber, whole_row_is_key ? primary : key);
	column->not_null = attribute->attnotnull;
	getTypeOutputInfo(column->type, &out, &varlena);
	fmgr_info_cxt(out, &column->out, CurrentMemoryContext);
}

Oid
dbs_output_root(Oid relid)
{
	return get_rel_relispartition(relid) ? llast_oid(get_partition_ancestors(relid)) : relid;
}

/* A heap that is about to take a table's place stands for that table. */
static Oid
stands_for(Relation relation)
{
	return OidIsValid(relation->rd_rel->relrewrite) ? relation->rd_rel->relrewrite : RelationGetRelid(relation);
}

XLogRecPtr
dbs_output_copied_at(const DbsOutput *output, Oid published)
{
	ListCell *cell;

	foreach (cell, output->copied)
	{
		const DbsOutputCopied *copied = lfirst(cell);

		if (copied->relid == published)
			return copied->position;
	}
	return InvalidXLogRecPtr;
}

static void
describe(DbsOutput *output, DbsOutputTable *table, Relation relation)
{
	TupleDesc desc = RelationGetDescr(relation);
	Oid published = output->via_root ? dbs_output_root(stands_for(relation)) : stands_for(relation);
	MemoryContext old;
	Bitmapset *key;
	Bitmapset *primary;

	if (table->context == NULL)
		table->context = AllocSetContextCreate(CacheMemoryContext, "dbstream published table", ALLOCSET_SMALL_SIZES);
	else
		MemoryContextReset(table->context);
	old = MemoryContextSwitchTo(table->context);
	table->schema = get_namespace_name(get_rel_namespace(published));
	table->name = get_rel_name(published);
	table->selected =
		output->patterns == NULL || dbs_pattern_selects((const char *const *) output->patterns, table->schema,
														strlen(table->schema), table->name, strlen(table->name));
	table->copied = dbs_output_copied_at(output, published);
	table->identity = relation->rd_rel->relreplident;
	table->announced = false;
	table->column_count = 0;
	table->columns = palloc0(desc->natts * sizeof *table->columns);
	key = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_IDENTITY_KEY);
	primary = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		/* A generated column is computed anew at the target; its value in the log is not even complete. */
		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		describe_column(&table->columns[table->column_count++], attribute, key, primary,
						table->identity == REPLICA_IDENTITY_FULL);
	}
	bms_free(key);
	bms_free(primary);
	MemoryContextSwitchTo(old);
	table->valid = true;
}

DbsOutputTable *
dbs_output_table(DbsOutput *output, Relation relation)
{
	Oid relid = RelationGetRelid(relation);
	DbsOutputTable *table;
	bool found;

	if (tables == NULL)
		create_cache();
	table = hash_search(tables, &relid, HASH_ENTER, &found);
	if (!found)
	{
		memset((char *) table + sizeof relid, 0, sizeof *table - sizeof relid);
		table->relid = relid;
		table->wire_id = ++output->next_wire_id;
	}
	if (!table->valid)
		describe(output, table, relation);
	return table;
}

bool
dbs_output_absent(Form_pg_attribute attribute, Datum value, bool isnull)
{
	return !isnull && attribute->attlen == -1 && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value));
}
