/*
 * Captured schema changes on their way through the plugin: which are told, and whose rows come after them.
 *
 * A command that rewrites a table writes every row into a new heap, and the log holds these rows. They are told only
 * where the schema change says that they are needed; then they stand for all that the table holds. Each rewriting
 * makes a heap of its own, so the first heap of a table after such a change is the one, and later ones are not.
 */
#include "ddl_capture.h"
#include "output_plugin.h"
#include "table_description.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "../libdbstream/pattern.h"

typedef struct Rewritten
{
	Oid published; /* as the change names it */
	Oid table;     /* it, or a partition of it; invalid: of none yet */
	Oid heap;
} Rewritten;

static bool
names_selected(const DbsOutput *output, const JsonbContainer *table, const char *name)
{
	const JsonbContainer *description = dbs_json_container(table, name);
	char *schema = description == NULL ? NULL : dbs_json_text(description, "schema");
	char *relation = description == NULL ? NULL : dbs_json_text(description, "table");

	return schema != NULL && relation != NULL &&
		   dbs_pattern_selects((const char *const *) output->patterns, schema, strlen(schema), relation,
							   strlen(relation));
}

static void
remember(DbsOutput *output, Oid published, bool rewritten)
{
	MemoryContext old = MemoryContextSwitchTo(output->ctx->context);
	ListCell *cell;

	foreach (cell, output->rewritten)
	{
		Rewritten *known = lfirst(cell);

		if (known->published != published)
			continue;
		output->rewritten = foreach_delete_current(output->rewritten, cell);
		pfree(known);
	}
	if (rewritten)
	{
		Rewritten *new = palloc0(sizeof *new);

		new->published = published;
		output->rewritten = lappend(output->rewritten, new);
	}
	MemoryContextSwitchTo(old);
}

Jsonb *
dbs_output_ddl_json(Size size, const char *content)
{
	MemoryContext context = CurrentMemoryContext;
	char *text = pnstrdup(content, dbs_ddl_text_size(content, size));
	Jsonb *volatile json = NULL;

	/* Anyone may have written it. Reading JSON touches nothing but memory, so the error can be dropped. */
	PG_TRY();
	{
		json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (geterrcode() == ERRCODE_QUERY_CANCELED || geterrcode() == ERRCODE_OUT_OF_MEMORY)
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return json != NULL && JB_ROOT_IS_OBJECT(json) ? json : NULL;
}

bool
dbs_output_ddl_copied(const DbsOutput *output, Size size, const char *content, XLogRecPtr commit)
{
	Jsonb *json = output->copied == NIL ? NULL : dbs_output_ddl_json(size, content);
	const JsonbContainer *tables = json == NULL ? NULL : dbs_json_container(&json->root, "tables");
	uint32 count = tables == NULL ? 0 : JsonContainerSize(tables);
	uint32 copied = 0;

	for (uint32 i = 0; i < count; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer((JsonbContainer *) tables, i);
		char *relid = value != NULL && value->type == jbvBinary ? dbs_json_text(value->val.binary.data, "relid") : NULL;

		copied += relid != NULL && commit < dbs_output_copied_at(output, (Oid) strtoul(relid, NULL, 10));
	}
	return count > 0 && copied == count;
}

bool
dbs_output_ddl(DbsOutput *output, Size size, const char *content)
{
	Jsonb *json = dbs_output_ddl_json(size, content);
	const JsonbContainer *tables = json != NULL ? dbs_json_container(&json->root, "tables") : NULL;
	uint32 count = tables == NULL ? 0 : JsonContainerSize(tables);
	bool told = count == 0 || output->patterns == NULL;

	if (json == NULL)
		return false;
	for (uint32 i = 0; i < count; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer((JsonbContainer *) tables, i);
		const JsonbContainer *table;
		char *relid;

		if (value == NULL || value->type != jbvBinary)
			continue;
		table = value->val.binary.data;
		relid = dbs_json_text(table, "relid");
		if (relid != NULL)
			remember(output, (Oid) strtoul(relid, NULL, 10), dbs_json_text(table, "rewritten") != NULL);
		told = told || names_selected(output, table, "before") || names_selected(output, table, "after");
	}
	return told;
}

bool
dbs_output_follows(DbsOutput *output, Relation relation)
{
	Oid table = relation->rd_rel->relrewrite;
	Oid heap = RelationGetRelid(relation);
	Oid published;
	MemoryContext old;
	Rewritten *new;
	ListCell *cell;
	bool wanted = false;

	/* Changes are captured by the root's name, whatever this session calls a partition. */
	published = dbs_output_root(table);
	foreach (cell, output->rewritten)
	{
		const Rewritten *known = lfirst(cell);

		if (known->published != published)
			continue;
		if (known->table == table)
			return known->heap == heap;
		wanted = true;
	}
	if (!wanted)
		return false;
	old = MemoryContextSwitchTo(output->ctx->context);
	new = palloc0(sizeof *new);
	*new = (Rewritten){published, table, heap};
	output->rewritten = lappend(output->rewritten, new);
	MemoryContextSwitchTo(old);
	return true;
}
