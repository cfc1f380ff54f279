/*
 * Tables of a backfill out of another PostgreSQL server: the bridge has read their definitions out of the source's
 * catalogue, as statements with a stage for each, every name with its schema.
 */
#include "backfill.h"

#include "catalog/namespace.h"
#include "ddl.h"
#include "ddl_history.h"
#include "deferred_ddl.h"
#include "fmgr.h"
#include "options.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

typedef struct Part
{
	char *stage;
	char *schema; /* of what the statement makes */
	char *sql;
} Part;

static Part *
take_part(Jsonb *object)
{
	Part *part = palloc(sizeof *part);

	part->stage = dbs_jsonb_text(object, "stage");
	part->schema = dbs_jsonb_text(object, "schema");
	part->sql = dbs_jsonb_text(object, "sql");
	if (part->stage == NULL || part->schema == NULL || part->sql == NULL)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("the definition of a table is malformed")));
	return part;
}

static List *
take_parts(const char *text)
{
	Jsonb *json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	JsonbIterator *iterator = JsonbIteratorInit(&json->root);
	List *parts = NIL;
	JsonbValue value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM && value.type == jbvBinary)
			parts = lappend(parts, take_part(JsonbValueToJsonb(&value)));
	}
	return parts;
}

/* Several tables may need the same of these. */
static bool
is_shared(const char *sql)
{
	return pg_strncasecmp(sql, "CREATE TYPE ", 12) == 0 || pg_strncasecmp(sql, "CREATE DOMAIN ", 14) == 0;
}

static List *
execute_now(const Part *part, List *done)
{
	List *statements = NIL;

	if (!OidIsValid(get_namespace_oid(part->schema, true)))
		statements = lappend(statements, psprintf("CREATE SCHEMA %s", quote_identifier(part->schema)));
	if (statements != NIL)
		dbs_ddl_execute(statements);
	if (!is_shared(part->sql))
		dbs_ddl_execute(list_make1(part->sql));
	else if (!dbs_ddl_execute_unless_there(list_make1(part->sql)))
		return list_concat(done, statements);
	return lappend(list_concat(done, statements), part->sql);
}

bool
dbs_postgres_table_create(const char *schema, const char *name, const char *text)
{
	List *parts, *done = NIL;
	ListCell *cell;

	/* The statements name the source's schema, and what is in it, everywhere. */
	if (strcmp(dbs_target_schema(schema, strlen(schema)), schema) != 0)
		return false;
	parts = take_parts(text);
	foreach (cell, parts)
	{
		const Part *part = lfirst(cell);

		if (strcmp(part->stage, "now") == 0)
			done = execute_now(part, done);
		else
		{
			dbs_deferred_ddl_put_off(schema, name, part->stage, part->sql);
			done = lappend(done, part->sql);
		}
	}
	dbs_ddl_history_add(schema, psprintf("-- table %s.%s, as the source's catalogue describes it", schema, name), done,
						NIL, "applied");
	return true;
}
