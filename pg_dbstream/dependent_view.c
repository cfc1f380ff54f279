/*
 * Views in a schema change's way.
 *
 * PostgreSQL keeps a table from being dropped, a column from going or changing
 * its type, while a view uses it; MySQL does not ask.  So such views step aside and are made
 * again after the change, as far as what they use is still there.
 */
#include "apply.h"

#include "catalog.h"
#include "catalog/pg_type.h"
#include "ddl.h"
#include "ddl_history.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* The views over the tables of array $1, each behind those it uses, which the role may drop. */
static const char views_query[] =
	"WITH RECURSIVE d(oid, depth) AS ("
	" SELECT r.ev_class, 1 FROM pg_catalog.pg_depend p JOIN pg_catalog.pg_rewrite r ON r.oid = p.objid"
	" WHERE p.classid = 'pg_catalog.pg_rewrite'::regclass AND p.refclassid = 'pg_catalog.pg_class'::regclass"
	" AND p.refobjid::text = ANY ($1::text[]) AND r.ev_class <> p.refobjid"
	" UNION SELECT r.ev_class, d.depth + 1 FROM d JOIN pg_catalog.pg_depend p ON p.refobjid = d.oid"
	" JOIN pg_catalog.pg_rewrite r ON r.oid = p.objid"
	" WHERE p.classid = 'pg_catalog.pg_rewrite'::regclass AND p.refclassid = 'pg_catalog.pg_class'::regclass"
	" AND r.ev_class <> d.oid)"
	" SELECT c.oid::regclass::text,"
	" pg_catalog.format('CREATE VIEW %s%s AS %s', c.oid::regclass,"
	" ' WITH (' || pg_catalog.array_to_string(c.reloptions, ', ') || ')', pg_catalog.pg_get_viewdef(c.oid)),"
	" pg_catalog.format('ALTER VIEW %s OWNER TO %I', c.oid::regclass, pg_catalog.pg_get_userbyid(c.relowner)),"
	" (SELECT pg_catalog.string_agg(pg_catalog.format('GRANT %s ON %s TO %s%s', a.privilege_type, c.oid::regclass,"
	" CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,"
	" CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), '; ')"
	" FROM pg_catalog.aclexplode(c.relacl) a WHERE a.grantee <> c.relowner)"
	" FROM pg_catalog.pg_class c JOIN (SELECT oid, max(depth) AS depth FROM d GROUP BY oid) l ON l.oid = c.oid"
	" WHERE c.relkind = 'v' AND pg_catalog.pg_has_role($2, c.relowner, 'USAGE') ORDER BY l.depth, 1";

typedef struct View
{
	const char *name;
	List *sql;
} View;

/* Does the change touch what PostgreSQL guards for views? */
static bool
is_guarded(const DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->sql)
	{
		const char *sql = lfirst(cell);

		if (strncmp(sql, "DROP TABLE ", 11) == 0 ||
			(strncmp(sql, "ALTER TABLE ", 12) == 0 &&
			 (strstr(sql, " DROP COLUMN ") != NULL || strstr(sql, " TYPE ") != NULL)))
			return true;
	}
	return false;
}

static const char *
tables_of(const DbsDdlStatement *statement)
{
	StringInfoData list;
	ListCell *cell;

	initStringInfo(&list);
	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		Oid oid = table->schema != NULL ? dbs_target_lookup(table->schema, table->name) : InvalidOid;

		if (OidIsValid(oid))
			appendStringInfo(&list, "%s%u", list.len == 0 ? "{" : ",", oid);
	}
	if (list.len == 0)
		return NULL;
	appendStringInfoChar(&list, '}');
	return list.data;
}

List *
dbs_views_step_aside(DbsDdlStatement *statement)
{
	MemoryContext context = CurrentMemoryContext;
	const char *tables = is_guarded(statement) ? tables_of(statement) : NULL;
	Oid role = GetUserId();
	DbsCatalogAccess access;
	List *views = NIL;
	ListCell *cell;
	uint64 count;

	if (tables == NULL)
		return NIL;
	dbs_catalog_enter(&access);
	count = dbs_catalog_run(views_query, "to", tables, role);
	for (uint64 i = 0; i < count; i++)
	{
		MemoryContext spi = MemoryContextSwitchTo(context);
		View *view = palloc0(sizeof *view);
		const char *grants = dbs_catalog_text(i, 4);

		view->name = pstrdup(dbs_catalog_text(i, 1));
		view->sql = list_make2(pstrdup(dbs_catalog_text(i, 2)), pstrdup(dbs_catalog_text(i, 3)));
		if (grants != NULL)
			view->sql = lappend(view->sql, pstrdup(grants));
		views = lappend(views, view);
		MemoryContextSwitchTo(spi);
	}
	dbs_catalog_leave(&access);
	foreach (cell, views)
		statement->sql = lcons(psprintf("DROP VIEW %s", ((View *) lfirst(cell))->name), statement->sql);
	return views;
}

void
dbs_views_come_back(List *views, DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, views)
	{
		const View *view = lfirst(cell);
		bool made = dbs_ddl_execute_unless_there(view->sql);
		DbsNote *note = palloc0(sizeof *note);

		note->severity = made ? DBS_NOTE_INFO : DBS_NOTE_WARNING;
		note->text =
			psprintf(made ? "view %s was made again around it" : "view %s is gone: what it uses is not there any more",
					 view->name);
		statement->notes = lappend(statement->notes, note);
		if (made)
			statement->sql = list_concat(statement->sql, list_copy(view->sql));
	}
}
