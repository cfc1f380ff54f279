/*
 * Tables of a backfill are created bare; what else their statement made is kept
 * in dbstream.deferred_ddl and executed once the rows are in: indexes, then
 * foreign keys, then statistics and sequences. See backfill.h.
 */
#include "backfill.h"

#include "access/xact.h"
#include "catalog.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "ddl.h"
#include "ddl_history.h"
#include "ddl_known.h"
#include "deferred_build.h"
#include "deferred_ddl.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

typedef enum Stage
{
	STAGE_NOW,
	STAGE_INDEX,
	STAGE_PRIMARY_KEY, /* its index is made before */
	STAGE_UNIQUE_INDEX,
	STAGE_FOREIGN_KEY, /* to be made */
	STAGE_VALIDATION   /* made; the rows are still to be looked at */
} Stage;

static const char *const stage_names[] = {"now", "index", "primary key", "unique index", "foreign key", "validation"};

static bool
begins(const char *sql, const char *words)
{
	return pg_strncasecmp(sql, words, strlen(words)) == 0;
}

static Stage
stage_of(const char *sql, bool keep_unique)
{
	if (begins(sql, "CREATE UNIQUE INDEX"))
		return keep_unique ? STAGE_NOW : STAGE_UNIQUE_INDEX;
	if (begins(sql, "CREATE INDEX"))
		return STAGE_INDEX;
	if (begins(sql, "ALTER TABLE") && strstr(sql, " FOREIGN KEY ") != NULL)
		return STAGE_FOREIGN_KEY;
	return STAGE_NOW;
}

void
dbs_deferred_ddl_put_off(const char *schema, const char *name, const char *stage, const char *sql)
{
	DbsCatalogAccess access;

	dbs_catalog_enter(&access);
	(void) dbs_catalog_run("INSERT INTO dbstream.deferred_ddl (stream_id, source_schema, source_table, stage, sql) "
						   "VALUES ($1, $2, $3, $4, $5)",
						   "itttt", dbs_apply.stream->id, schema, name, stage, sql);
	dbs_catalog_leave(&access);
}

/* The statement's table has a primary key: rows can be found without its unique indexes. */
static bool
has_primary_key(const char *sql)
{
	return strstr(sql, "PRIMARY KEY") != NULL;
}

static DbsDdlStatement *
translated(const char *schema, const char *text)
{
	List *statements = dbs_ddl_translate_source(text, schema);
	DbsDdlStatement *statement;
	ListCell *cell;

	if (list_length(statements) != 1)
		return NULL;
	statement = linitial(statements);
	if (statement->class != DBS_DDL_APPLY || statement->sql == NIL)
		return NULL;
	foreach (cell, statement->notes)
		if (((DbsNote *) lfirst(cell))->severity == DBS_NOTE_ERROR)
			return NULL;
	return statement;
}

bool
dbs_deferred_ddl_create(const char *schema, const char *name, const char *text, bool keyed)
{
	DbsDdlStatement *statement;
	const char *target = dbs_target_schema(schema, strlen(schema));
	List *now = NIL;
	bool keep_unique = keyed;
	ListCell *cell;

	if (dbs_apply.from_postgres)
		return dbs_postgres_table_create(schema, name, text);
	statement = translated(schema, text);
	if (statement == NULL)
		return false;
	foreach (cell, statement->sql)
		if (begins(lfirst(cell), "CREATE TABLE") && has_primary_key(lfirst(cell)))
			keep_unique = false;
	if (!OidIsValid(get_namespace_oid(target, true)))
		now = lappend(now, psprintf("CREATE SCHEMA %s", quote_identifier(target)));
	foreach (cell, statement->sql)
	{
		Stage stage = stage_of(lfirst(cell), keep_unique);

		if (stage == STAGE_NOW)
			now = lappend(now, lfirst(cell));
		else
			dbs_deferred_ddl_put_off(schema, name, stage_names[stage], lfirst(cell));
	}
	dbs_ddl_execute(now);
	dbs_ddl_history_add(schema, statement->source_sql, statement->sql, statement->notes, "applied");
	return true;
}

/* ---- afterwards ---- */

/* A statement of a stage after the one with the id; false when none is left. */
static bool
next_statement(Stage stage, int64 *id, char **sql, char **schema, char **table)
{
	DbsCatalogAccess access;
	bool found;

	dbs_apply_begin_group();
	dbs_catalog_enter(&access);
	found =
		dbs_catalog_run("SELECT id, sql, source_schema, source_table FROM dbstream.deferred_ddl WHERE stream_id = $1 "
						"AND stage = $2 AND id > $3 AND NOT EXISTS (SELECT FROM dbstream.backfill_table t WHERE "
						"t.stream_id = $1 AND t.source_schema = deferred_ddl.source_schema AND t.source_table = "
						"deferred_ddl.source_table AND t.phase IN ('requested', 'cancelled')) ORDER BY id LIMIT 1",
						"itl", dbs_apply.stream->id, stage_names[stage], *id) > 0;
	if (found)
	{
		bool null;

		*id = DatumGetInt64(dbs_catalog_datum(0, 1, &null));
		*sql = MemoryContextStrdup(dbs_apply.message_context, dbs_catalog_text(0, 2));
		*schema = MemoryContextStrdup(dbs_apply.message_context, dbs_catalog_text(0, 3));
		*table = MemoryContextStrdup(dbs_apply.message_context, dbs_catalog_text(0, 4));
	}
	dbs_catalog_leave(&access);
	return found;
}

static void
set_phase(const char *schema, const char *table, const char *phase)
{
	DbsCatalogAccess access;

	dbs_apply_begin_group();
	dbs_catalog_enter(&access);
	(void) dbs_catalog_run("UPDATE dbstream.backfill_table SET phase = $4 WHERE stream_id = $1 AND source_schema = $2 "
						   "AND source_table = $3 AND phase IN ('copied', 'indexing', 'foreign keys')",
						   "ittt", dbs_apply.stream->id, schema, table, phase);
	dbs_catalog_leave(&access);
	dbs_apply.group_dirty = true;
	dbs_apply_commit_group(false);
}

/* What the statement makes is there, or what it drops is not. */
static bool
is_there_already(int code)
{
	switch (code)
	{
		case ERRCODE_DUPLICATE_TABLE:
		case ERRCODE_DUPLICATE_OBJECT:
		case ERRCODE_DUPLICATE_COLUMN:
		case ERRCODE_DUPLICATE_SCHEMA:
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_COLUMN:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_INVALID_FOREIGN_KEY: /* no unique key is there to refer to, which MySQL does not ask for */
			return true;
		case ERRCODE_FOREIGN_KEY_VIOLATION: /* rows that the source took with foreign_key_checks = 0 */
			return !dbs_apply.window;
		default:
			return false;
	}
}

/* The error that is being handled goes on, and says what to do where it can. */
static void __attribute__((noreturn)) rethrow(void)
{
	ErrorData *error;

	if (geterrcode() != ERRCODE_UNIQUE_VIOLATION)
		PG_RE_THROW();
	MemoryContextSwitchTo(dbs_apply.message_context);
	error = CopyErrorData();
	FlushErrorState();
	error->hint = pstrdup("Another writer has put a row with the same key into the table, or two values of the source "
						  "are one here, as with the option nul_bytes. Remove one of the two rows; the stream tries "
						  "again.");
	ReThrowError(error);
}

bool
dbs_ddl_execute_unless_there(List *sql)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		dbs_ddl_execute(sql);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		if (!is_there_already(geterrcode()))
			rethrow();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		done = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}

static void
note_left_out(const char *schema, const char *sql)
{
	DbsNote *note = palloc0(sizeof *note);

	note->severity = DBS_NOTE_WARNING;
	note->text = "not made, or not validated: the log brought it already, or what it refers to is not here";
	dbs_ddl_history_add(schema, psprintf("-- put off until the rows were copied: %s", sql), NIL, list_make1(note),
						"ignored");
}

void
dbs_deferred_ddl_forget(int64 id)
{
	DbsCatalogAccess access;

	dbs_catalog_enter(&access);
	(void) dbs_catalog_run("DELETE FROM dbstream.deferred_ddl WHERE id = $1", "l", id);
	dbs_catalog_leave(&access);
}

/* The name in double quotes that begins here, which *at is moved behind; NULL when none does. */
static char *
take_quoted(const char **at)
{
	StringInfoData name;

	if (**at != '"')
		return NULL;
	initStringInfo(&name);
	for ((*at)++; **at != '\0'; (*at)++)
	{
		if (**at == '"' && *++*at != '"')
			return name.data;
		appendStringInfoChar(&name, **at);
	}
	return NULL;
}

/* CREATE INDEX "a_b" ON "s"."a" …, by another name where a table or another table's index is called so. */
static char *
with_free_name(char *sql)
{
	const char *index = strstr(sql, "INDEX \"");
	const char *at = index != NULL ? index + 6 : NULL;
	const char *rest;
	const char *part;
	char *name, *schema, *table;
	Oid namespace, taken;

	if (at == NULL || !begins(sql, "CREATE ") || index - sql > 14 || (name = take_quoted(&at)) == NULL ||
		strncmp(at, " ON ", 4) != 0)
		return sql;
	rest = at;
	at += 4;
	if ((schema = take_quoted(&at)) == NULL || *at++ != '.' || (table = take_quoted(&at)) == NULL)
		return sql;
	namespace = get_namespace_oid(schema, true);
	taken = get_relname_relid(name, namespace);
	if (!OidIsValid(taken) || (get_rel_relkind(taken) == RELKIND_INDEX &&
							   IndexGetRelation(taken, true) == get_relname_relid(table, namespace)))
		return sql;
	part = dbs_ddl_index_part(table, name);
	if (part == NULL)
		return sql;
	return psprintf("%.*s%s%s", (int) (index + 6 - sql), sql, quote_identifier(dbs_ddl_other_index_name(table, part)),
					rest);
}

void
dbs_deferred_ddl_execute(const char *schema, char *sql)
{
	sql = with_free_name(sql);

	/* The log may have brought the same index or key meanwhile. */
	if (!dbs_ddl_execute_unless_there(list_make1(sql)))
		note_left_out(schema, sql);
}

/* What is made by one process: two at once would wait for each other's locks. */
static void
run_stage(Stage stage, const char *phase)
{
	char *sql, *schema, *table;
	int64 id = 0;

	while (next_statement(stage, &id, &sql, &schema, &table))
	{
		set_phase(schema, table, phase);
		dbs_apply_begin_group();
		if (stage == STAGE_PRIMARY_KEY)
			dbs_deferred_key_attach(schema, table, sql);
		else
			dbs_deferred_ddl_execute(schema, sql);
		dbs_deferred_ddl_forget(id);
		set_phase(schema, table, "copied");
		CHECK_FOR_INTERRUPTS();
	}
	if (dbs_apply.in_group)
		dbs_apply_commit_group(false);
}

/* "ALTER TABLE t VALIDATE CONSTRAINT c" for "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY ..."; NULL when it has no name.
 */
static char *
validation_of(const char *sql)
{
	static const char add[] = " ADD CONSTRAINT ";
	const char *name = strstr(sql, add);
	const char *end = name != NULL ? strstr(name, " FOREIGN KEY ") : NULL;

	if (end == NULL)
		return NULL;
	return psprintf("%.*s VALIDATE CONSTRAINT %.*s", (int) (name - sql), sql, (int) (end - name - strlen(add)),
					name + strlen(add));
}

/*
 * Make foreign keys without looking at the rows, which do not fit yet. One that refers to a unique key still to be
 * made is left for later.
 */
static void
add_foreign_keys(void)
{
	char *sql, *schema, *table;
	int64 id = 0;

	while (next_statement(STAGE_FOREIGN_KEY, &id, &sql, &schema, &table))
	{
		char *validation = validation_of(sql);
		DbsCatalogAccess access;

		if (validation == NULL || !dbs_ddl_execute_unless_there(list_make1(psprintf("%s NOT VALID", sql))))
			continue;
		dbs_catalog_enter(&access);
		(void) dbs_catalog_run("UPDATE dbstream.deferred_ddl SET stage = $2, sql = $3 WHERE id = $1", "ltt", id,
							   stage_names[STAGE_VALIDATION], validation);
		dbs_catalog_leave(&access);
		dbs_apply.group_dirty = true;
		dbs_apply_commit_group(false);
	}
	if (dbs_apply.in_group)
		dbs_apply_commit_group(false);
}

void
dbs_deferred_ddl_run(DbsDeferredTime when)
{
	if (when == DBS_DEFERRED_BEFORE_WINDOW)
	{
		dbs_build_round(DBS_BUILD_INDEXES);
		run_stage(STAGE_PRIMARY_KEY, "indexing");
		if (!dbs_apply.cascades_logged)
			add_foreign_keys();
	}
	else
	{
		dbs_build_round(DBS_BUILD_UNIQUE_INDEXES);
		add_foreign_keys();
		run_stage(STAGE_FOREIGN_KEY, "foreign keys");
		dbs_build_round(DBS_BUILD_VALIDATIONS);
		dbs_build_round(DBS_BUILD_STATISTICS);
	}
	dbs_tables_invalidate();
}
