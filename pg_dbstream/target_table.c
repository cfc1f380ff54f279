/*
 * What the wire says of a table, and the plan by which its rows become the
 * target's: see target_table.h.
 *
 * Columns are matched by name.  A plan lives until a relation it concerns
 * changes; invalidation messages come in when the target is locked, so a plan
 * found valid after that stays valid for the group.
 */
#include "target_table.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "apply.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "name.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

static HTAB *tables = NULL;
static MemoryContext tables_context = NULL;
static DbsWireTable *last_found = NULL;

static void
relation_changed(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS status;
	DbsWireTable *table;

	hash_seq_init(&status, tables);
	while ((table = hash_seq_search(&status)) != NULL)
		if (relation == InvalidOid || table->target_oid == relation)
			table->valid = false;
}

void
dbs_tables_init(MemoryContext context)
{
	HASHCTL control = {.keysize = sizeof(uint32), .entrysize = sizeof(DbsWireTable), .hcxt = context};

	tables_context = context;
	tables = hash_create("dbstream tables", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
}

void
dbs_tables_invalidate(void)
{
	relation_changed((Datum) 0, InvalidOid);
}

static char *
copy_string(DbsString string)
{
	return pnstrdup(string.data, string.size);
}

void
dbs_table_define(DbsReader *reader)
{
	DbsTable message;
	DbsWireTable *table;
	MemoryContext old;
	bool found;

	if (!dbs_get_table(reader, &message) || message.column_count > DBS_WIRE_MAX_COLUMNS)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("malformed table message")));

	/* Rows gathered under the old description are already in the target's shape. */
	table = hash_search(tables, &message.id, HASH_ENTER, &found);
	if (found)
		MemoryContextDelete(table->context);
	memset((char *) table + sizeof table->id, 0, sizeof *table - sizeof table->id);
	table->context = AllocSetContextCreate(tables_context, "dbstream table", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(table->context);
	table->schema = copy_string(message.schema);
	table->name = copy_string(message.name);
	table->column_count = (int) message.column_count;
	table->columns = palloc0(message.column_count * sizeof(DbsWireColumn) + 1);
	for (int i = 0; i < table->column_count; i++)
	{
		DbsColumn column;
		DbsWireColumn *to = &table->columns[i];

		if (!dbs_get_column(reader, &column) || dbs_kind_name(column.kind) == NULL)
			ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
							errmsg("malformed description of table \"%s.%s\"", table->schema, table->name)));
		to->name = copy_string(column.name);
		to->type_name = copy_string(column.type_name);
		to->kind = column.kind;
		to->flags = column.flags;
		to->length = column.length;
		to->scale = column.scale;
		if (column.flags & DBS_COLUMN_KEY)
			table->any_key = true;
	}
	MemoryContextSwitchTo(old);
	table->counter = dbs_counter_find(table->schema, table->name);
}

DbsWireTable *
dbs_table_find(uint32 id)
{
	DbsWireTable *table;

	if (last_found != NULL && last_found->id == id)
		return last_found;
	table = hash_search(tables, &id, HASH_FIND, NULL);
	if (table == NULL || table->context == NULL)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("rows of table id %u arrived before its description", id)));
	last_found = table;
	return table;
}

const char *
dbs_target_schema(const char *source_schema, size_t size)
{
	static List *from = NIL;
	static List *to = NIL;
	static bool loaded = false;
	ListCell *a, *b;
	char *fitted;

	if (!loaded)
	{
		MemoryContext old = MemoryContextSwitchTo(dbs_apply.context);

		dbs_stream_option_pairs(dbs_apply.stream, "schemas", &from, &to);
		MemoryContextSwitchTo(old);
		loaded = true;
	}
	forboth(a, from, b, to)
	{
		const char *name = lfirst(a);

		if (strlen(name) == size && memcmp(name, source_schema, size) == 0)
			return lfirst(b);
	}
	fitted = palloc(DBS_NAME_BUFFER);
	dbs_name_fit(source_schema, size, fitted);
	return fitted;
}

Oid
dbs_target_lookup(const char *schema, const char *name)
{
	Oid namespace = get_namespace_oid(dbs_target_schema(schema, strlen(schema)), true);
	char fitted[DBS_NAME_BUFFER];

	dbs_name_fit(name, strlen(name), fitted);
	return OidIsValid(namespace) ? get_relname_relid(fitted, namespace) : InvalidOid;
}

/* Columns that the wire lacks get their default when a row is inserted. */
static void
plan_defaults(DbsWireTable *table, Relation relation, const bool *sent)
{
	TupleDesc desc = RelationGetDescr(relation);

	table->defaults = palloc0(desc->natts * sizeof(DbsDefault));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Expr *expression;

		if (sent[i] || att->attisdropped || att->attgenerated != '\0')
			continue;
		table->covers_all = false;
		expression = (Expr *) build_column_default(relation, i + 1);
		if (expression == NULL)
			continue;
		expression = expression_planner(expression);
		if (contain_volatile_functions_not_nextval((Node *) expression))
			table->volatile_defaults = true;
		table->defaults[table->default_count].att = (AttrNumber) (i + 1);
		table->defaults[table->default_count++].state = ExecInitExpr(expression, NULL);
	}
}

static void
plan_columns(DbsWireTable *table, Relation relation, bool *sent)
{
	TupleDesc desc = RelationGetDescr(relation);

	for (int i = 0; i < table->column_count; i++)
	{
		DbsWireColumn *column = &table->columns[i];
		Form_pg_attribute att = NULL;
		char fitted[DBS_NAME_BUFFER];

		dbs_name_fit(column->name, strlen(column->name), fitted);
		for (int j = 0; j < desc->natts && att == NULL; j++)
			if (!TupleDescAttr(desc, j)->attisdropped && strcmp(NameStr(TupleDescAttr(desc, j)->attname), fitted) == 0)
				att = TupleDescAttr(desc, j);
		dbs_apply.where_column = i;

		/* In a backfill's window the log is older than the table, which may have lost the column by then. */
		if (att == NULL && dbs_apply.window)
		{
			table->conversions[i].width = dbs_kind_width[column->kind];
			continue;
		}
		if (att == NULL)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
							errmsg("table \"%s.%s\" has no column \"%s\", which the source sends",
								   get_namespace_name(RelationGetNamespace(relation)),
								   RelationGetRelationName(relation), column->name),
							errhint("ALTER TABLE %s ADD COLUMN %s with a type for the source's %s; the stream goes on "
									"from here.",
									quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
															   RelationGetRelationName(relation)),
									quote_identifier(column->name), column->type_name)));
		dbs_conversion_init(&table->conversions[i], column->kind, att, table->plan_context);
		if (att->attgenerated != '\0')
			table->conversions[i].att = 0;
		sent[att->attnum - 1] = true;
	}
	dbs_apply.where_column = -1;
}

static void
make_image(DbsImage *image, int count)
{
	image->values = palloc0(count * sizeof(Datum));
	image->nulls = palloc0(count * sizeof(bool));
	image->present = palloc0(count * sizeof(bool));
}

static void
make_plan(DbsWireTable *table, Relation relation)
{
	MemoryContext old;
	bool *sent;
	int count = RelationGetDescr(relation)->natts;

	if (table->plan_context != NULL)
		MemoryContextReset(table->plan_context);
	else
		table->plan_context = AllocSetContextCreate(table->context, "dbstream plan", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(table->plan_context);
	table->target_oid = RelationGetRelid(relation);
	table->att_count = count;
	table->covers_all = true;
	table->default_count = 0;
	table->volatile_defaults = false;
	make_image(&table->before, count);
	make_image(&table->after, count);
	table->conversions = palloc0(table->column_count * sizeof(DbsConversion));
	sent = palloc0(count * sizeof(bool));
	plan_columns(table, relation, sent);
	plan_defaults(table, relation, sent);
	MemoryContextSwitchTo(old);
	table->counter->target = table->target_oid;
	table->counter->dirty = true;
	table->valid = true;
}

DbsTarget *
dbs_target_open(DbsWireTable *table)
{
	if (likely(table->open != NULL))
		return table->open;
	for (;;)
	{
		Oid oid = table->target_oid;
		DbsTarget *target;

		if (!table->valid)
		{
			oid = dbs_target_lookup(table->schema, table->name);
			if (!OidIsValid(oid))
				oid = dbs_table_create(table);
		}
		target = dbs_target_open_oid(oid);

		/* The lock has brought in every change there was: what is valid now stays so. */
		if (target == NULL)
			table->valid = false;
		else if (!table->valid && dbs_target_lookup(table->schema, table->name) != oid)
			continue;
		else
		{
			if (!table->valid)
				make_plan(table, target->relation);
			table->open = target;
			dbs_target_remember(table);
			return target;
		}
	}
}
