/*
 * Foreign keys that live apart from their tables.
 *
 * With foreign_key_checks = 0 the source lets a table go that others refer to,
 * and come that refers to one not there yet (that is how dumps are loaded); such a key
 * binds again when the table it names comes.  PostgreSQL has no keys to tables
 * that are not there.  So here they wait in dbstream.waiting_key, and
 * are made when their table comes: a lost one would mean lost cascades, which most sources do not log.
 */
#include "apply.h"

#include "catalog.h"
#include "catalog/pg_class.h"
#include "ddl.h"
#include "ddl_history.h"
#include "pattern.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static void
add_note(List **notes, const char *text)
{
	DbsNote *note = palloc0(sizeof *note);

	note->severity = DBS_NOTE_WARNING;
	note->text = text;
	*notes = lappend(*notes, note);
}

void
dbs_waiting_keys_add(const DbsDdlStatement *statement)
{
	DbsCatalogAccess access;
	ListCell *cell;

	if (statement->waiting == NIL)
		return;
	dbs_catalog_enter(&access);
	foreach (cell, statement->waiting)
	{
		const DbsDdlWaitingKey *key = lfirst(cell);

		(void) dbs_catalog_run("INSERT INTO dbstream.waiting_key (stream_id, target_schema, target_table, name, sql) "
							   "VALUES ($1, $2, $3, $4, $5)",
							   "itttt", dbs_apply.stream->id, key->schema, key->table, key->name, key->sql);
	}
	dbs_catalog_leave(&access);
}

/* ---- tables that go -------------------------------------------------------------------- */

static const char references_query[] =
	"SELECT c.conname, c.conrelid::pg_catalog.regclass::text, pg_catalog.pg_get_constraintdef(c.oid), n.nspname, "
	"t.relname"
	" FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class t ON t.oid = c.confrelid"
	" JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace"
	" WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid::bigint = $1 AND NOT c.conrelid::text = ANY "
	"($2::text[])"
	" ORDER BY 1, 2";

/* The keys that refer to the table from others than those named are dropped first, and wait. */
static void
detach_references(DbsDdlStatement *statement, Oid oid, const char *going, List **sql)
{
	MemoryContext context = CurrentMemoryContext;
	DbsCatalogAccess access;
	uint64 count;

	dbs_catalog_enter(&access);
	count = dbs_catalog_run(references_query, "lt", (int64) oid, going);
	for (uint64 i = 0; i < count; i++)
	{
		MemoryContext spi = MemoryContextSwitchTo(context);
		DbsDdlWaitingKey *key = palloc0(sizeof *key);
		const char *table = dbs_catalog_text(i, 2);

		key->name = pstrdup(dbs_catalog_text(i, 1));
		key->schema = pstrdup(dbs_catalog_text(i, 4));
		key->table = pstrdup(dbs_catalog_text(i, 5));
		key->sql =
			psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", table, quote_identifier(key->name), dbs_catalog_text(i, 3));
		statement->waiting = lappend(statement->waiting, key);
		*sql = lappend(*sql, psprintf("ALTER TABLE %s DROP CONSTRAINT %s", table, quote_identifier(key->name)));
		add_note(&statement->notes, psprintf("foreign key \"%s\" of table %s waits until table \"%s\" comes again",
											 key->name, table, key->table));
		MemoryContextSwitchTo(spi);
	}
	dbs_catalog_leave(&access);
}

void
dbs_drop_tables_sql(DbsDdlStatement *statement, bool unchecked)
{
	StringInfoData names;
	StringInfoData going;
	List *oids = NIL;
	List *sql = NIL;
	ListCell *cell;

	initStringInfo(&names);
	initStringInfo(&going);
	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		Oid oid = InvalidOid;

		/* Of several tables, others may be none of the stream's business. */
		if (!dbs_pattern_selects(dbs_apply.stream->tables, table->schema, strlen(table->schema), table->name,
								 strlen(table->name)))
			continue;
		oid = dbs_target_lookup(table->schema, table->name);
		if (!OidIsValid(oid))
		{
			add_note(&statement->notes, psprintf("table \"%s.%s\" is not here", table->schema, table->name));
			continue;
		}
		appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ",
						 quote_qualified_identifier(get_namespace_name(get_rel_namespace(oid)), get_rel_name(oid)));
		appendStringInfo(&going, "%s%u", going.len == 0 ? "{" : ",", oid);
		oids = lappend_oid(oids, oid);
	}
	appendStringInfoChar(&going, '}');
	if (unchecked)
	{
		foreach (cell, oids)
			detach_references(statement, lfirst_oid(cell), going.data, &sql);
	}
	if (oids != NIL)
		sql = lappend(sql, psprintf("DROP TABLE %s", names.data));
	statement->sql = sql;
}

/* ---- tables that come ---------------------------------------------------------------------- */

/* One key that waits for the table; false when none is left. */
static bool
take_waiting(const char *schema, const char *table, char **name, char **sql)
{
	MemoryContext context = CurrentMemoryContext;
	DbsCatalogAccess access;
	bool found;

	dbs_catalog_enter(&access);
	found =
		dbs_catalog_run("DELETE FROM dbstream.waiting_key WHERE id = (SELECT min(id) FROM dbstream.waiting_key WHERE "
						"stream_id = $1 AND target_schema = $2 AND target_table = $3) RETURNING name, sql",
						"itt", dbs_apply.stream->id, schema, table) > 0;
	if (found)
	{
		*name = MemoryContextStrdup(context, dbs_catalog_text(0, 1));
		*sql = MemoryContextStrdup(context, dbs_catalog_text(0, 2));
	}
	dbs_catalog_leave(&access);
	return found;
}

static void
make_waiting(const char *source_schema, const char *schema, const char *table)
{
	char *name;
	char *sql;

	while (take_waiting(schema, table, &name, &sql))
	{
		DbsNote *note = palloc0(sizeof *note);
		bool made;

		/* Its rows may not fit yet: those of a dump come in any order. */
		sql = psprintf("%s NOT VALID", sql);
		made = dbs_ddl_execute_unless_there(list_make1(sql));
		note->severity = made ? DBS_NOTE_INFO : DBS_NOTE_WARNING;
		note->text = made ? "the table it refers to has come; rows that were there are not checked"
						  : "not made: its table is gone, or what it refers to is not unique here";
		dbs_ddl_history_add(source_schema, psprintf("-- foreign key %s, which waited for table %s", name, table),
							list_make1(sql), list_make1(note), made ? "applied" : "ignored");
	}
}

void
dbs_waiting_keys_make(const DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		Oid oid;

		if (!table->created || table->dropped || table->schema == NULL)
			continue;
		oid = dbs_target_lookup(table->schema, table->name);
		if (OidIsValid(oid))
			make_waiting(table->schema, get_namespace_name(get_rel_namespace(oid)), get_rel_name(oid));
	}
}

/* The source looked at no rows: then neither does the target. */
void
dbs_foreign_keys_unchecked(DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->sql)
	{
		const char *sql = lfirst(cell);

		if (pg_strncasecmp(sql, "ALTER TABLE ", 12) == 0 && strstr(sql, " FOREIGN KEY (") != NULL)
			lfirst(cell) = psprintf("%s NOT VALID", sql);
	}
}
