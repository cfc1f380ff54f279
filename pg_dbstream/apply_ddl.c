/*
 * Schema changes that arrive in the stream: translated, and executed in the
 * transaction that carries their position, by the policy of the stream.
 *
 * A statement about tables that the stream does not select is passed over.  What
 * cannot be judged is never passed over: it stops the stream, and a person
 * either does the like by hand or lets it be skipped.
 */
#include "apply.h"

#include "access/xact.h"
#include "backfill_ddl.h"
#include "ddl.h"
#include "ddl_concern.h"
#include "ddl_history.h"
#include "ddl_lexer.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pattern.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/guc.h"

static bool
selected(const char *schema, const char *name)
{
	return dbs_pattern_selects(dbs_apply.stream->tables, schema, strlen(schema), name, strlen(name));
}

/* Is this a schema's name that a pattern may select? Servers on some systems take names in either case. */
static bool
names_selected_schema(const char *word)
{
	return dbs_pattern_selects_schema(dbs_apply.stream->tables, word) ||
		   dbs_pattern_selects_schema(dbs_apply.stream->tables, asc_tolower(word, strlen(word)));
}

/*
 * A statement that changes rows is not parsed, so its words decide: it concerns
 * others only when neither its default schema nor any word before a dot can be
 * a schema of ours.  Its triggers may still have changed ours, so the option other_statements has the last word.  What
 * runs code that the text does not show (CALL, DO, SELECT of a function) or cannot be read stays unknown.
 */
static DbsDdlConcern
concern_of_dml(const DbsDdlStatement *statement, const DbsDdlOptions *options, const char *default_schema)
{
	DdlLexer lexer;
	DdlTokens tokens;

	if (strcmp(dbs_stream_option(dbs_apply.stream, "other_statements", "stop"), "ignore") != 0)
		return DBS_DDL_CONCERN_UNKNOWN;
	if (names_selected_schema(default_schema))
		return DBS_DDL_CONCERNS_US;
	dbs_ddl_lexer_init(&lexer, statement->source_sql, options->source, options->sql_mode);
	if (!dbs_ddl_lexer_next(&lexer, &tokens) || tokens.count < 2 || tokens.token[0].kind != DDL_TOKEN_WORD)
		return DBS_DDL_CONCERN_UNKNOWN;
	if (pg_strcasecmp(tokens.token[0].text, "INSERT") != 0 && pg_strcasecmp(tokens.token[0].text, "UPDATE") != 0 &&
		pg_strcasecmp(tokens.token[0].text, "DELETE") != 0 && pg_strcasecmp(tokens.token[0].text, "REPLACE") != 0 &&
		pg_strcasecmp(tokens.token[0].text, "LOAD") != 0 && pg_strcasecmp(tokens.token[0].text, "WITH") != 0)
		return DBS_DDL_CONCERN_UNKNOWN;
	for (int i = 0; i < tokens.count; i++)
	{
		const DdlToken *token = &tokens.token[i];

		if (token->kind == DDL_TOKEN_BAD)
			return DBS_DDL_CONCERN_UNKNOWN;
		if (i + 1 < tokens.count && tokens.token[i + 1].text != NULL && tokens.token[i + 1].text[0] == '.' &&
			(token->kind == DDL_TOKEN_WORD || token->kind == DDL_TOKEN_QUOTED || token->kind == DDL_TOKEN_STRING) &&
			names_selected_schema(token->text))
			return DBS_DDL_CONCERNS_US;
	}
	return DBS_DDL_CONCERNS_OTHERS;
}

/* What a person does about a schema change that cannot be executed. */
const char *
dbs_ddl_skip_hint(void)
{
	return psprintf("Mend what stands in its way at the target: the stream tries again, at once after SELECT "
					"dbstream.resume_stream(%s). Or do by hand what it should do, then SELECT dbstream.skip_ddl(%s);",
					quote_literal_cstr(dbs_apply.stream->name), quote_literal_cstr(dbs_apply.stream->name));
}

static void
refuse_dml(const DbsDdlStatement *statement)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("the source's log holds a statement that changes rows, not the rows: %.200s", statement->source_sql),
		 errdetail("Rows written with binlog_format=STATEMENT or MIXED cannot be replicated exactly."),
		 errhint(
			 "SET GLOBAL binlog_format=ROW at the source and reconnect its clients; make the same change "
			 "here by hand, then SELECT dbstream.skip_ddl(%s); for statements of databases that are not in the stream "
			 "and have no triggers on it, set its option other_statements to \"ignore\".",
			 quote_literal_cstr(dbs_apply.stream->name))));
}

static void
refuse_unknown(const DbsDdlStatement *statement)
{
	const DbsNote *note = statement->notes != NIL ? linitial(statement->notes) : NULL;

	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("a schema change of the source cannot be translated: %.200s", statement->source_sql),
					note != NULL ? errdetail("%s%s", note->text, dbs_ddl_shown_place(statement->source_sql, note))
								 : errdetail("line %d, column %d: not understood", statement->error_line,
											 statement->error_column),
					errhint("%s", dbs_ddl_skip_hint())));
}

static void
refuse_loss(const DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->notes)
	{
		const DbsNote *note = lfirst(cell);

		if (note->severity == DBS_NOTE_ERROR)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("a schema change of the source cannot be carried over: %.200s", statement->source_sql),
					 errdetail("%s%s", note->text, dbs_ddl_shown_place(statement->source_sql, note)),
					 errhint("%s", dbs_ddl_skip_hint())));
	}
}

static void
refuse_by_policy(const DbsDdlStatement *statement)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("a schema change of the source stops the stream: %.200s", statement->source_sql),
					errdetail("The stream's option on_ddl is \"stop\"."), errhint("%s", dbs_ddl_skip_hint())));
}

/* Types of extensions that the translation uses must be found; nothing else is looked up by path. */
static void
set_path_to_types(void)
{
	SPI_execute("SELECT set_config('search_path', concat_ws(', ', 'pg_catalog', (SELECT string_agg(DISTINCT "
				"quote_ident(n.nspname), ', ') FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON "
				"n.oid = e.extnamespace WHERE e.extname IN ('postgis', 'vector'))), true)",
				false, 0);
}

/* Run statements as the stream's owner. */
void
dbs_ddl_execute(List *sql)
{
	int level = NewGUCNestLevel();
	ListCell *cell;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	set_path_to_types();
	foreach (cell, sql)
	{
		int result = SPI_execute(lfirst(cell), false, 0);

		if (result < 0)
			ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("cannot execute \"%s\": %s", (char *) lfirst(cell),
																	SPI_result_code_string(result))));
	}
	SPI_finish();
	AtEOXact_GUC(true, level);
	CommandCounterIncrement();
}

static void
add_note(DbsDdlStatement *statement, const char *text)
{
	DbsNote *note = palloc0(sizeof *note);

	note->text = text;
	statement->notes = lappend(statement->notes, note);
}

/* Tables that came or went are shown as such, before a row of them arrives. */
static void
count_tables(const DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		DbsTableCounter *counter;

		if (table->schema == NULL || table->created == table->dropped || !selected(table->schema, table->name))
			continue;
		counter = dbs_counter_find(table->schema, table->name);
		counter->target = table->created ? dbs_target_lookup(table->schema, table->name) : InvalidOid;
		counter->state = table->created ? "replicating" : "dropped";
		counter->dirty = true;
	}
}

static bool
has_tag(const DbsDdlStatement *statement, const char *words)
{
	return pg_strncasecmp(statement->tag, words, strlen(words)) == 0;
}

/* Where the statement means something else here than its text: with what the session or the stream's choice adds. */
static void
adapt(DbsDdlStatement *statement, bool unchecked)
{
	if (statement->schema != NULL && has_tag(statement, "DROP "))
		statement->sql = dbs_drop_schema_sql(statement->schema, &statement->notes);
	else if (has_tag(statement, "DROP TABLE"))
		dbs_drop_tables_sql(statement, unchecked);
	else if (unchecked && has_tag(statement, "ALTER TABLE"))
		dbs_foreign_keys_unchecked(statement);
}

static void
truncate_tables(DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);

		DbsTruncate truncate = {{table->schema, strlen(table->schema)}, {table->name, strlen(table->name)}};

		if (dbs_apply_truncate(&truncate))
			add_note(statement, "its rows are deleted, since foreign keys refer to the table");
	}
}

/* False when its effect was there already: only in a backfill's window. */
static bool
execute(DbsDdlStatement *statement)
{
	if (has_tag(statement, "TRUNCATE"))
		truncate_tables(statement);
	else if (dbs_apply.window)
		return dbs_ddl_execute_unless_there(statement->sql);
	else
		dbs_ddl_execute(statement->sql);
	return true;
}

static void
apply_translated(DbsDdlStatement *statement, const char *default_schema, const char *policy, bool unchecked)
{
	const char *more;
	List *views;

	if (strcmp(policy, "stop") == 0)
		refuse_by_policy(statement);
	if (strcmp(policy, "record") == 0)
	{
		dbs_ddl_history_add(default_schema, statement->source_sql, statement->sql, statement->notes, "recorded");
		return;
	}
	refuse_loss(statement);
	adapt(statement, unchecked);
	(void) dbs_backfill_ddl_in_window(statement);
	views = dbs_views_step_aside(statement);
	if (!execute(statement))
	{
		add_note(statement, "its effect was there already: the backfill copied the table as it was after it");
		dbs_ddl_history_add(default_schema, statement->source_sql, statement->sql, statement->notes, "ignored");
		(void) dbs_backfill_ddl_done(statement, false);
		return;
	}
	dbs_views_come_back(views, statement);
	count_tables(statement);
	dbs_waiting_keys_add(statement);
	more = dbs_backfill_ddl_done(statement, true);
	if (more != NULL)
		add_note(statement, more);
	dbs_ddl_history_add(default_schema, statement->source_sql, statement->sql, statement->notes, "applied");
	dbs_waiting_keys_make(statement);
}

/*
 * The text of a statement about accounts or servers may hold a password, so
 * only what stands before the word that introduces it is kept.
 */
static const char *
text_without_secrets(const DbsDdlStatement *statement)
{
	static const char *const words[] = {"identified", "password"};
	const char *text = statement->source_sql;
	size_t keep = strlen(text);

	for (int i = 0; i < lengthof(words); i++)
	{
		for (size_t at = 0; at < keep; at++)
		{
			if (pg_strncasecmp(text + at, words[i], strlen(words[i])) == 0)
				keep = at;
		}
	}
	return keep == strlen(text) ? text : psprintf("%.*s… (not kept: it may hold a password)", (int) keep, text);
}

static void
apply_statement(DbsDdlStatement *statement, const DbsDdlOptions *options, const char *default_schema, bool unchecked)
{
	/* The policy is about schemas: that rows taken away were left out would not be noticed. */
	const char *policy = statement->empties ? "apply" : dbs_stream_option(dbs_apply.stream, "on_ddl", "apply");
	DbsDdlConcern concern = statement->class == DBS_DDL_DML ? concern_of_dml(statement, options, default_schema)
															: dbs_ddl_concern(dbs_apply.stream->tables, statement);
	const char *why;

	if (statement->class == DBS_DDL_CONTROL || concern == DBS_DDL_CONCERNS_OTHERS)
		return;
	if (statement->class == DBS_DDL_IGNORE)
	{
		dbs_ddl_history_add(default_schema, text_without_secrets(statement), NIL, statement->notes, "ignored");
		return;
	}
	why = statement->class == DBS_DDL_APPLY && strcmp(policy, "apply") == 0 ? dbs_backfill_ddl_passes(statement) : NULL;
	if (why != NULL)
	{
		add_note(statement, why);
		dbs_ddl_history_add(default_schema, statement->source_sql, statement->sql, statement->notes, "ignored");
		dbs_ddl_blocked_clear();
		return;
	}
	if (dbs_ddl_skip_wanted(statement->source_sql))
	{
		dbs_ddl_history_add(default_schema, statement->source_sql, statement->sql, statement->notes, "skipped");
		dbs_ddl_blocked_clear();
		return;
	}

	/* From here on an error is about this statement: dbs_apply_record_error keeps it for skip_ddl. */
	dbs_apply.failing_ddl = MemoryContextStrdup(dbs_apply.context, statement->source_sql);
	if (statement->class == DBS_DDL_DML)
		refuse_dml(statement);
	if (statement->class == DBS_DDL_UNKNOWN)
	{
		if (strcmp(policy, "record") != 0)
			refuse_unknown(statement);
		dbs_ddl_history_add(default_schema, statement->source_sql, NIL, statement->notes, "recorded");
	}
	else
		apply_translated(statement, default_schema, policy, unchecked);
	dbs_ddl_blocked_clear();
	pfree(dbs_apply.failing_ddl);
	dbs_apply.failing_ddl = NULL;
}

static void
set_options(DbsDdlOptions *options, const DbsDdl *ddl, const char *default_schema)
{
	memset(options, 0, sizeof *options);
	dbs_ddl_options_from_stream(dbs_apply.stream, options);
	options->source = dbs_apply.mariadb ? DBS_DIALECT_MARIADB : DBS_DIALECT_MYSQL;
	options->default_schema = default_schema[0] != '\0' ? default_schema : NULL;
	options->sql_mode = ddl->sql_mode;
	options->use_catalog = true;
	options->cascades_unlogged = !dbs_apply.cascades_logged;
	options->has_moment = ddl->time != 0;
	options->moment = ddl->time;
	options->has_utc_offset = ddl->utc_offset != DBS_UTC_OFFSET_UNKNOWN;
	options->utc_offset = ddl->utc_offset;
}

List *
dbs_ddl_translate_source(const char *text, const char *default_schema)
{
	DbsDdl ddl = {.utc_offset = DBS_UTC_OFFSET_UNKNOWN};
	DbsDdlOptions options;

	set_options(&options, &ddl, default_schema);
	options.use_catalog = false; /* the tables that foreign keys name may come later */
	return dbs_ddl_translate(text, &options);
}

void
dbs_apply_ddl(const DbsDdl *ddl)
{
	char *text = pnstrdup(ddl->text.data, ddl->text.size);
	char *default_schema = pnstrdup(ddl->default_schema.data, ddl->default_schema.size);
	DbsDdlOptions options;
	ListCell *cell;

	dbs_apply.where_operation = "schema change";
	dbs_flush_all_inserts();
	dbs_targets_close();
	set_options(&options, ddl, default_schema);
	foreach (cell, dbs_ddl_translate(text, &options))
		apply_statement(lfirst(cell), &options, default_schema, (ddl->flags & DBS_DDL_NO_FOREIGN_KEY_CHECKS) != 0);
	dbs_tables_invalidate();

	/* Values of a type changed here can be used only after a commit, and nobody should wait for our locks. */
	dbs_apply.end_group = true;
	dbs_apply.where_operation = NULL;
}
