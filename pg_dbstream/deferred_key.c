/*
 * The key of a table whose rows are being copied.
 *
 * An index that is built from sorted rows costs a fraction of one that grows row by row, so a table that a backfill has
 * made is filled without the key by which it is copied. Ranges of that key are read from the source, none twice, each
 * in one statement: no two copied rows have the same, however many transactions lie between. That holds for no other
 * index, since a row may be read once before a change and once after it.
 *
 * Who needs the key before the rows are in gets it then: a range that was not finished when a session ended comes
 * again, and its rows are looked up; the log's changes find their rows by it.
 */
#include "backfill.h"

#include "access/xact.h"
#include "catalog.h"
#include "deferred_ddl.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * The unique index over the columns that the definition marks as the key's: $1 the table, $2 the definition. Indexes of
 * a partitioned table are its partitions' too, and are made by their constraint only.
 */
static const char key_query[] =
	"SELECT c.conname, pg_get_constraintdef(c.oid), format('CREATE UNIQUE INDEX \"%s\" ON \"%s\".\"%s\" %s', "
	"replace(x.relname, '\"', '\"\"'), replace(n.nspname, '\"', '\"\"'), replace(t.relname, '\"', '\"\"'), "
	"substr(pg_get_indexdef(x.oid), length(format('CREATE UNIQUE INDEX %I ON %I.%I ', x.relname, n.nspname, "
	"t.relname)) "
	"+ 1)), x.oid::regclass::text, "
	"CASE t.relkind WHEN 'p' THEN 'p' ELSE 't' END FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid "
	"JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = t.relnamespace LEFT JOIN pg_constraint c "
	"ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid AND c.contype IN ('p', 'u') "
	"WHERE i.indrelid::bigint = $1 AND i.indisunique AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL "
	"AND (c.contype = 'p' OR c.oid IS NULL AND t.relkind = 'r') "
	"AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text COLLATE \"C\") FROM pg_attribute a WHERE "
	"a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)) = (SELECT array_agg(left(k->>0, 63) ORDER BY "
	"left(k->>0, 63) COLLATE \"C\") FROM jsonb_array_elements($2::jsonb) k WHERE k->>-1 LIKE 'key %') "
	"ORDER BY c.contype IS NULL, i.indexrelid LIMIT 1";

/* What takes the key away, and what makes it again. */
typedef struct Key
{
	char *drop;
	char *index;      /* NULL where the constraint makes it */
	char *constraint; /* NULL where the index is all */
} Key;

static bool
find_key(Oid oid, const char *table, const char *definition, Key *key)
{
	MemoryContext context = dbs_apply.message_context;
	MemoryContext spi;
	DbsCatalogAccess access;
	bool found;

	dbs_catalog_enter(&access);
	found = dbs_catalog_run(key_query, "lt", (int64) oid, definition) > 0;
	if (found)
	{
		const char *name = dbs_catalog_text(0, 1);
		bool partitioned = dbs_catalog_text(0, 5)[0] == 'p';

		spi = MemoryContextSwitchTo(context);
		*key = (Key){0};
		if (name == NULL)
			key->drop = psprintf("DROP INDEX %s", dbs_catalog_text(0, 4));
		else
		{
			key->drop = psprintf("ALTER TABLE %s DROP CONSTRAINT %s", table, quote_identifier(name));
			key->constraint =
				psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", table, quote_identifier(name), dbs_catalog_text(0, 2));
		}
		if (!partitioned)
			key->index = pstrdup(dbs_catalog_text(0, 3));
		MemoryContextSwitchTo(spi);
	}
	dbs_catalog_leave(&access);
	return found;
}

bool
dbs_deferred_key_put_off(const char *schema, const char *name, const char *definition)
{
	Oid oid = dbs_target_lookup(schema, name);
	char *table;
	Key key;

	if (!OidIsValid(oid) || definition[0] == '\0')
		return false;
	table = quote_qualified_identifier(get_namespace_name(get_rel_namespace(oid)), get_rel_name(oid));
	if (!find_key(oid, table, definition, &key))
		return false;
	dbs_ddl_execute(list_make1(key.drop));
	if (key.index != NULL)
		dbs_deferred_ddl_put_off(schema, name, "key", key.index);
	if (key.constraint != NULL)
		dbs_deferred_ddl_put_off(schema, name, "primary key", key.constraint);
	return true;
}

/* ---- making it ------------------------------------------------------------------ */

/*
 * How a constraint is added: $1 the table, $2 the statement that adds it. An index over the same columns in the same
 * order has been made before, and is taken over. No row when the table has a primary key: somebody has given it one.
 */
static const char adding_query[] =
	"SELECT coalesce((SELECT format('ALTER TABLE %s ADD CONSTRAINT %I PRIMARY KEY USING INDEX %I', $1::oid::regclass, "
	"c.relname, c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
	"WHERE i.indrelid = $1::oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL "
	"AND i.indexprs IS NULL AND c.relkind = 'i' AND starts_with(reverse($2), reverse(format('PRIMARY KEY (%s)', "
	"(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY "
	"k(attnum, n) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum)))) "
	"ORDER BY i.indexrelid LIMIT 1), $2) "
	"WHERE NOT EXISTS (SELECT FROM pg_index WHERE indrelid = $1::oid AND indisprimary)";

void
dbs_deferred_key_attach(const char *schema, const char *name, const char *sql)
{
	Oid oid = dbs_target_lookup(schema, name);
	DbsCatalogAccess access;
	char *adding = NULL;

	dbs_catalog_enter(&access);
	if (OidIsValid(oid) && dbs_catalog_run(adding_query, "lt", (int64) oid, sql) > 0)
		adding = MemoryContextStrdup(dbs_apply.message_context, dbs_catalog_text(0, 1));
	dbs_catalog_leave(&access);
	if (adding != NULL)
		dbs_ddl_execute(list_make1(adding));
}

/* One of the table's statements; false when none is left. */
static bool
take_statement(const char *schema, const char *name, char **sql, bool *constraint)
{
	DbsCatalogAccess access;
	bool found;

	dbs_catalog_enter(&access);
	found = dbs_catalog_run("DELETE FROM dbstream.deferred_ddl WHERE id = (SELECT min(id) FROM dbstream.deferred_ddl "
							"WHERE stream_id = $1 AND source_schema = $2 AND source_table = $3 AND stage IN ('key', "
							"'primary key')) RETURNING sql, stage",
							"itt", dbs_apply.stream->id, schema, name) > 0;
	if (found)
	{
		*sql = MemoryContextStrdup(dbs_apply.message_context, dbs_catalog_text(0, 1));
		*constraint = strcmp(dbs_catalog_text(0, 2), "primary key") == 0;
	}
	dbs_catalog_leave(&access);
	return found;
}

void
dbs_deferred_key_make(const char *schema, const char *name)
{
	bool constraint;
	char *sql;

	dbs_apply_begin_group();
	dbs_flush_all_inserts();
	dbs_targets_close();
	while (take_statement(schema, name, &sql, &constraint))
	{
		if (constraint)
			dbs_deferred_key_attach(schema, name, sql);
		else
			dbs_deferred_ddl_execute(schema, sql);
		dbs_apply.group_dirty = true;
	}
	dbs_tables_invalidate();
}

void
dbs_deferred_key_make_for(Oid oid)
{
	DbsCatalogAccess access;
	List *tables = NIL;
	ListCell *cell;

	dbs_catalog_enter(&access);
	for (uint64 i = dbs_catalog_run("SELECT DISTINCT source_schema, source_table FROM dbstream.deferred_ddl WHERE "
									"stream_id = $1 AND stage IN ('key', 'primary key')",
									"i", dbs_apply.stream->id);
		 i-- > 0;)
	{
		MemoryContext old = MemoryContextSwitchTo(dbs_apply.message_context);

		tables = lappend(tables, list_make2(dbs_catalog_text(i, 1), dbs_catalog_text(i, 2)));
		MemoryContextSwitchTo(old);
	}
	dbs_catalog_leave(&access);
	foreach (cell, tables)
	{
		const char *schema = linitial(lfirst(cell));
		const char *name = lsecond((List *) lfirst(cell));

		if (dbs_target_lookup(schema, name) == oid)
			dbs_deferred_key_make(schema, name);
	}
}
