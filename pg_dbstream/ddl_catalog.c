/*
 * What the catalogue says of a table that a statement changes.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "storage/bufmgr.h"
#include "nodes/nodes.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "utils/partcache.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "ddl_print.h"

/* The tree's family for a column's type, as far as translating an ALTER needs it. */
static DdlType *
type_of(Oid oid, int32 typmod, const char *pg_type)
{
	static const struct
	{
		Oid oid;
		DdlTypeFamily family;
	} families[] = {{BOOLOID, DDL_TYPE_BOOLEAN},
					{INT2OID, DDL_TYPE_INT2},
					{INT4OID, DDL_TYPE_INT4},
					{INT8OID, DDL_TYPE_INT8},
					{NUMERICOID, DDL_TYPE_DECIMAL},
					{FLOAT4OID, DDL_TYPE_FLOAT4},
					{FLOAT8OID, DDL_TYPE_FLOAT8},
					{BPCHAROID, DDL_TYPE_CHAR},
					{VARCHAROID, DDL_TYPE_VARCHAR},
					{TEXTOID, DDL_TYPE_TEXT},
					{BYTEAOID, DDL_TYPE_BLOB},
					{DATEOID, DDL_TYPE_DATE},
					{TIMEOID, DDL_TYPE_CLOCK},
					{INTERVALOID, DDL_TYPE_TIME},
					{TIMESTAMPOID, DDL_TYPE_TIMESTAMP},
					{TIMESTAMPTZOID, DDL_TYPE_TIMESTAMPTZ},
					{BITOID, DDL_TYPE_BIT},
					{VARBITOID, DDL_TYPE_VARBIT},
					{JSONOID, DDL_TYPE_JSON},
					{JSONBOID, DDL_TYPE_JSON},
					{UUIDOID, DDL_TYPE_UUID},
					{INETOID, DDL_TYPE_INET},
					{TEXTARRAYOID, DDL_TYPE_SET}};
	DdlType *type = palloc0(sizeof(DdlType));

	type->family = DDL_TYPE_OTHER;
	type->name = pg_type;
	type->length = type->scale = type->srid = -1;
	for (int i = 0; i < lengthof(families); i++)
	{
		if (families[i].oid == oid)
			type->family = families[i].family;
	}
	if ((oid == BPCHAROID || oid == VARCHAROID) && typmod >= (int32) VARHDRSZ)
		type->length = typmod - VARHDRSZ;
	else if (oid == NUMERICOID && typmod >= (int32) VARHDRSZ)
	{
		type->length = ((typmod - VARHDRSZ) >> 16) & 0xffff;
		type->scale = (typmod - VARHDRSZ) & 0x7ff;
	}
	else if (oid == BITOID || oid == TIMESTAMPOID || oid == TIMESTAMPTZOID)
		type->length = typmod;
	return type;
}

static bool
has_trigger(Relation relation, const char *name)
{
	if (relation->trigdesc == NULL)
		return false;
	for (int i = 0; i < relation->trigdesc->numtriggers; i++)
	{
		if (strcmp(relation->trigdesc->triggers[i].tgname, name) == 0)
			return true;
	}
	return false;
}

static const char *
generation_expression(Relation relation, AttrNumber number)
{
	TupleConstr *constraints = RelationGetDescr(relation)->constr;

	for (int i = 0; constraints != NULL && i < constraints->num_defval; i++)
	{
		if (constraints->defval[i].adnum == number)
			return deparse_expression(
				stringToNode(constraints->defval[i].adbin),
				deparse_context_for(RelationGetRelationName(relation), RelationGetRelid(relation)), false, false);
	}
	return NULL;
}

static void
load_columns(Relation relation, DdlKnownTable *table)
{
	TupleDesc desc = RelationGetDescr(relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		DdlKnownColumn *column;

		if (attribute->attisdropped)
			continue;
		column = palloc0(sizeof(DdlKnownColumn));
		column->name = pstrdup(NameStr(attribute->attname));
		column->pg_type = format_type_extended(attribute->atttypid, attribute->atttypmod, FORMAT_TYPE_TYPEMOD_GIVEN);
		column->type = type_of(attribute->atttypid, attribute->atttypmod, column->pg_type);
		column->not_null = attribute->attnotnull;
		column->identity = attribute->attidentity != '\0';
		column->generated = attribute->attgenerated != '\0';
		column->has_default = attribute->atthasdef && !column->generated;
		if (column->generated)
			column->expression = generation_expression(relation, attribute->attnum);
		column->on_update = has_trigger(relation, dbs_ddl_pg_index_name(column->name, "on_update"));
		table->columns = lappend(table->columns, column);
	}
}

/* The prefix that "left"(column, 4) or substr(column, 1, 4) stands for; false for any other expression. */
static bool
read_prefix(const DdlKnownTable *table, const char *expression, DdlKeyPart *part)
{
	ListCell *cell;

	foreach (cell, table->columns)
	{
		const DdlKnownColumn *column = lfirst(cell);

		for (int i = 0; i < 3; i++)
		{
			const char *quoted = quote_identifier(column->name);
			const char *head = i == 0   ? psprintf("\"left\"(%s, ", quoted)
							   : i == 1 ? psprintf("\"left\"((%s)::text, ", quoted)
										: psprintf("substr(%s, 1, ", quoted);
			Size size = strlen(head);

			if (strncmp(expression, head, size) == 0 && strspn(expression + size, "0123456789") > 0 &&
				strcmp(expression + size + strspn(expression + size, "0123456789"), ")") == 0)
			{
				part->column = column->name;
				part->length = (int) strtol(expression + size, NULL, 10);
				return true;
			}
		}
	}
	return false;
}

/* An index of columns and prefixes gets a definition that the translator can write again. */
static DdlKey *
plain_key(Relation relation, const DdlKnownTable *table, Form_pg_index index, DdlKeyKind kind)
{
	DdlKey *key = palloc0(sizeof(DdlKey));
	const char *name = get_rel_name(index->indexrelid);
	const char *part_name;

	key->kind = kind;
	/* MySQL's name is what follows the table's, where the whole was not shortened by a hash. */
	part_name = dbs_ddl_index_part(table->name, name);
	if (part_name != NULL && strlen(name) < NAMEDATALEN - 1)
		key->name = pstrdup(part_name);
	for (int i = 0; i < index->indnkeyatts; i++)
	{
		DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));
		AttrNumber number = index->indkey.values[i];

		if (number > 0)
			part->column = pstrdup(NameStr(TupleDescAttr(RelationGetDescr(relation), number - 1)->attname));
		else if (number < 0 || !read_prefix(table,
											TextDatumGetCString(DirectFunctionCall3(
												pg_get_indexdef_ext, ObjectIdGetDatum(index->indexrelid),
												Int32GetDatum(i + 1), BoolGetDatum(false))),
											part))
			return NULL;
		key->parts = lappend(key->parts, part);
	}
	return key;
}

/* Which parts are descending. */
static void
read_directions(DdlKey *key, HeapTuple tuple)
{
	bool null;
	Datum options = SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indoption, &null);
	int2vector *vector = (int2vector *) DatumGetPointer(options);

	for (int i = 0; !null && i < list_length(key->parts); i++)
		((DdlKeyPart *) list_nth(key->parts, i))->descending = (vector->values[i] & INDOPTION_DESC) != 0;
}

static void
load_keys(Relation relation, DdlKnownTable *table)
{
	List *indexes = RelationGetIndexList(relation);
	ListCell *cell;

	foreach (cell, indexes)
	{
		Oid oid = lfirst_oid(cell);
		HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(oid));
		Form_pg_index index;
		DdlKnownKey *key;
		const char *definition;
		const char *tail;

		if (!HeapTupleIsValid(tuple))
			continue;
		index = (Form_pg_index) GETSTRUCT(tuple);
		key = palloc0(sizeof(DdlKnownKey));
		key->pg_name = get_rel_name(oid);
		key->kind = index->indisprimary ? DDL_KEY_PRIMARY : index->indisunique ? DDL_KEY_UNIQUE : DDL_KEY_INDEX;
		key->name = index->indisprimary ? "PRIMARY" : NULL;
		key->is_constraint = OidIsValid(get_index_constraint(oid));
		if (heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
			key->key = plain_key(relation, table, index, key->kind);
		if (key->key != NULL)
			read_directions(key->key, tuple);
		definition = TextDatumGetCString(DirectFunctionCall1(pg_get_indexdef, ObjectIdGetDatum(oid)));
		tail = strstr(definition, " USING ");
		key->pg_tail = tail == NULL ? "" : tail + 1;
		table->keys = lappend(table->keys, key);
		ReleaseSysCache(tuple);
	}
}

static List *
constraint_columns(Relation catalog, HeapTuple tuple, Relation relation)
{
	bool null;
	Datum datum = heap_getattr(tuple, Anum_pg_constraint_conkey, RelationGetDescr(catalog), &null);
	List *columns = NIL;
	ArrayType *array;

	if (null)
		return NIL;
	array = DatumGetArrayTypeP(datum);
	for (int i = 0; i < ARR_DIMS(array)[0]; i++)
	{
		AttrNumber number = ((int16 *) ARR_DATA_PTR(array))[i];

		columns = lappend(columns, pstrdup(NameStr(TupleDescAttr(RelationGetDescr(relation), number - 1)->attname)));
	}
	return columns;
}

static void
load_constraints(Relation relation, DdlKnownTable *table)
{
	Relation catalog = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationGetRelid(relation)));
	scan = systable_beginscan(catalog, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		DdlKnownConstraint *constraint;
		ListCell *cell;

		if (form->contype != CONSTRAINT_FOREIGN && form->contype != CONSTRAINT_CHECK)
			continue;
		foreach (cell, table->columns)
		{
			DdlKnownColumn *column = lfirst(cell);

			column->has_enum_check |= strcmp(NameStr(form->conname), dbs_ddl_pg_index_name(column->name, "enum")) == 0;
			column->has_set_check |= strcmp(NameStr(form->conname), dbs_ddl_pg_index_name(column->name, "set")) == 0;
		}
		constraint = palloc0(sizeof(DdlKnownConstraint));
		constraint->name = pstrdup(NameStr(form->conname));
		constraint->kind = form->contype;
		constraint->columns = constraint_columns(catalog, tuple, relation);
		table->constraints = lappend(table->constraints, constraint);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/* A default from the sequence that the translator makes for a numeric AUTO_INCREMENT. */
static void
find_serials(DdlKnownTable *table, Oid schema)
{
	ListCell *cell;

	foreach (cell, table->columns)
	{
		DdlKnownColumn *column = lfirst(cell);

		if (column->has_default &&
			OidIsValid(get_relname_relid(dbs_ddl_pg_index_name(table->name, psprintf("%s_seq", column->name)), schema)))
			column->serial = true;
	}
}

static const char *
partition_bound(Oid oid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));
	const char *bound = "";
	Datum datum;
	bool null;

	if (!HeapTupleIsValid(tuple))
		return bound;
	datum = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relpartbound, &null);
	if (!null)
		bound = deparse_expression(stringToNode(TextDatumGetCString(datum)), NIL, false, false);
	ReleaseSysCache(tuple);
	return bound;
}

/* The parts of "FOR VALUES FROM (…) TO (…)". */
static void
read_range(DdlKnownPartition *partition, const char *bound)
{
	static const char from[] = "FOR VALUES FROM ";
	bool quoted = false;

	if (strncmp(bound, from, sizeof from - 1) != 0)
		return;
	bound += sizeof from - 1;
	for (const char *at = bound; *at != '\0'; at++)
	{
		if (*at == '\'')
			quoted = !quoted;
		else if (!quoted && strncmp(at, " TO (", 5) == 0)
		{
			partition->from = pnstrdup(bound, at - bound);
			partition->to = at + 4;
			return;
		}
	}
}

static void
load_partitions(Relation relation, DdlKnownTable *table)
{
	PartitionKey key = RelationGetPartitionKey(relation);
	PartitionDesc desc = RelationGetPartitionDesc(relation, true);

	table->partitioned = key->strategy;
	for (int i = 0; i < key->partnatts; i++)
	{
		AttrNumber number = key->partattrs[i];

		if (number > 0)
			table->partition_by = lappend(
				table->partition_by, pstrdup(NameStr(TupleDescAttr(RelationGetDescr(relation), number - 1)->attname)));
	}
	for (int i = 0; i < desc->nparts; i++)
	{
		DdlKnownPartition *partition = palloc0(sizeof *partition);

		partition->name = get_rel_name(desc->oids[i]);
		partition->is_default = partition_bound_has_default(desc->boundinfo) && desc->boundinfo->default_index == i;
		if (partition->name == NULL)
			continue;
		if (key->strategy == PARTITION_STRATEGY_RANGE)
			read_range(partition, partition_bound(desc->oids[i]));
		table->partitions = lappend(table->partitions, partition);
	}
}

DdlKnownTable *
dbs_ddl_catalog_table(const char *schema, const char *name)
{
	Oid namespace = get_namespace_oid(schema, true);
	Oid oid;
	Relation relation;
	DdlKnownTable *table;

	if (!OidIsValid(namespace))
		return NULL;
	oid = get_relname_relid(name, namespace);
	if (!OidIsValid(oid))
		return NULL;
	relation = try_relation_open(oid, AccessShareLock);
	if (relation == NULL)
		return NULL;
	table = palloc0(sizeof(DdlKnownTable));
	table->schema = schema;
	table->name = name;
	if (relation->rd_rel->relkind == RELKIND_RELATION || relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		table->complete = true;
		if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
			load_partitions(relation, table);
		table->empty = relation->rd_rel->relkind == RELKIND_RELATION && RelationGetNumberOfBlocks(relation) == 0;
		load_columns(relation, table);
		load_keys(relation, table);
		load_constraints(relation, table);
		find_serials(table, namespace);
	}
	relation_close(relation, AccessShareLock);
	return table;
}

bool
dbs_ddl_catalog_schema_exists(const char *schema)
{
	return OidIsValid(get_namespace_oid(schema, true));
}

DdlNameTaken
dbs_ddl_catalog_name_taken(const char *schema, const char *name, const char **table)
{
	Oid namespace = get_namespace_oid(schema, true);
	Oid oid = OidIsValid(namespace) ? get_relname_relid(name, namespace) : InvalidOid;
	char kind;

	if (!OidIsValid(oid))
		return DDL_NAME_FREE;
	kind = get_rel_relkind(oid);
	if (kind != RELKIND_INDEX && kind != RELKIND_PARTITIONED_INDEX)
		return DDL_NAME_OTHER;
	*table = get_rel_name(IndexGetRelation(oid, true));
	return *table != NULL ? DDL_NAME_INDEX : DDL_NAME_OTHER;
}
