/*
 * See stream_tables.h.
 */
#include "stream_tables.h"

#include "catalog/pg_type.h"
#include "pattern.h"
#include "utils/array.h"
#include "utils/builtins.h"

const char **
dbs_stream_patterns(ArrayType *tables)
{
	Datum *elements;
	bool *nulls;
	int count;
	const char **patterns;

	deconstruct_array(tables, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	patterns = palloc0(sizeof(char *) * (count + 1));
	for (int i = 0; i < count; i++)
		patterns[i] = TextDatumGetCString(elements[i]);
	return patterns;
}

List *
dbs_stream_tables(const DbsStreamRow *stream)
{
	const char **patterns = dbs_stream_patterns(stream->tables);
	bool inbound = strcmp(stream->source, "local") != 0;
	List *tables = NIL;
	/* Patterns are in the source's names: those of a stream in may have other schemas here. */
	uint64 count = dbs_catalog_run(
		"SELECT c.oid, n.nspname::text, c.relname::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname),"
		"  CASE WHEN $2 = 'in' THEN (SELECT s.key FROM jsonb_each_text(coalesce($1->'schemas', '{}')) s"
		"    WHERE s.value = n.nspname LIMIT 1) END, c.relreplident = 'f'"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		" WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p' AND n.nspname !~ '^pg_'"
		" AND n.nspname NOT IN ('information_schema', 'dbstream') ORDER BY 4",
		"jt", stream->options, inbound ? "in" : "out");

	for (uint64 i = 0; i < count; i++)
	{
		DbsStreamTable *table = palloc0(sizeof *table);
		char *pattern_schema = dbs_catalog_text(i, 5);
		bool isnull;

		table->oid = DatumGetObjectId(dbs_catalog_datum(i, 1, &isnull));
		table->schema = dbs_catalog_text(i, 2);
		table->name = dbs_catalog_text(i, 3);
		table->quoted = dbs_catalog_text(i, 4);
		table->full_identity = DatumGetBool(dbs_catalog_datum(i, 6, &isnull));
		if (pattern_schema == NULL)
			pattern_schema = table->schema;
		if (dbs_pattern_selects(patterns, pattern_schema, strlen(pattern_schema), table->name, strlen(table->name)))
			tables = lappend(tables, table);
	}
	return tables;
}
