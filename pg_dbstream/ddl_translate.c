/*
 * From a text of any number of statements to their translations.
 */
#include "postgres.h"

#include "ddl_class.h"
#include "ddl_lexer.h"
#include "ddl_parser.h"
#include "ddl_print.h"
#include "ddl_raw.h"

static void
add_note(DbsDdlStatement *statement, DbsNoteSeverity severity, const char *text)
{
	DbsNote *note = palloc0(sizeof(DbsNote));

	note->severity = severity;
	note->text = text;
	statement->notes = lappend(statement->notes, note);
}

static void
cannot_parse(DbsDdlStatement *statement, const DdlTokens *tokens, int offset, const char *reason)
{
	statement->class = DBS_DDL_UNKNOWN;
	dbs_ddl_locate(tokens->text, offset, &statement->error_line, &statement->error_column);
	add_note(statement, DBS_NOTE_ERROR,
			 psprintf("line %d, column %d: %s", statement->error_line, statement->error_column, reason));
	((DbsNote *) llast(statement->notes))->place = offset - tokens->start + 1;
}

static const DdlToken *
find_bad_token(const DdlTokens *tokens)
{
	for (int i = 0; i < tokens->count; i++)
	{
		if (tokens->token[i].kind == DDL_TOKEN_BAD)
			return &tokens->token[i];
	}
	return NULL;
}

/* Does it only take rows away? A MySQL statement about the rows of partitions says nothing else. */
static void
note_emptied(DbsDdlStatement *statement, const DdlStatement *tree)
{
	const DdlAction *action = tree->actions != NIL ? linitial(tree->actions) : NULL;
	bool partitions = action != NULL && action->kind == DDL_TRUNCATE_PARTITION;

	statement->empties = tree->kind == DDL_TRUNCATE_TABLE || partitions;
	if (partitions && !action->all_partitions)
		statement->emptied = action->names;
}

static DbsDdlStatement *
translate_mysql(const DdlTokens *tokens, DdlPrinter *printer)
{
	DbsDdlStatement *statement = palloc0(sizeof(DbsDdlStatement));
	const DdlToken *bad = find_bad_token(tokens);
	const char *reason;
	DdlParser parser;
	DdlStatement *tree;
	ListCell *cell;

	statement->source_sql = pnstrdup(tokens->text + tokens->start, tokens->end - tokens->start);
	statement->class = dbs_ddl_classify(tokens, &statement->tag, &reason);
	if (bad != NULL)
	{
		cannot_parse(statement, tokens, bad->start, bad->text);
		return statement;
	}
	if (statement->class == DBS_DDL_IGNORE)
		add_note(statement, DBS_NOTE_INFO, psprintf("%s ignored: %s", statement->tag, reason));
	else if (statement->class == DBS_DDL_UNKNOWN)
		cannot_parse(statement, tokens, tokens->start, "this statement is not known to the translator");
	if (statement->class != DBS_DDL_APPLY)
		return statement;
	tree = dbs_ddl_parse_mysql(&parser, tokens, printer->options);
	if (tree == NULL)
	{
		cannot_parse(statement, tokens, parser.error_offset, parser.error);
		return statement;
	}
	note_emptied(statement, tree);
	printer->out = statement;
	printer->refused_at = 0;
	if (tree->kind == DDL_USE)
		printer->default_schema = tree->name->name;
	printer->table_schema = tree->name != NULL ? tree->name->schema : NULL;
	dbs_ddl_pg_print(printer, tree);
	foreach (cell, statement->notes)
	{
		DbsNote *note = lfirst(cell);

		/* Until here it counts from the beginning of the whole text. */
		if (note->place > 0)
			note->place = note->place - tokens->start + 1;
	}
	return statement;
}

/* Foreign keys whose table never came in this text: it is taken to be there. */
static void
print_waiting(DdlKnown *known)
{
	ListCell *cell;

	foreach (cell, known->deferred)
	{
		DdlDeferredKey *key = lfirst(cell);

		key->owner->sql = lappend(key->owner->sql, (void *) key->sql);
		add_note(key->owner, DBS_NOTE_INFO,
				 psprintf("a foreign key refers to \"%s\", which is not created here", key->table));
	}
}

List *
dbs_ddl_translate(const char *text, const DbsDdlOptions *options)
{
	List *statements = NIL;
	DdlLexer lexer;
	DdlTokens tokens;
	DdlKnown known = {0};
	DdlPrinter printer = {options, NULL, &known, options->default_schema};

	if (options->source == DBS_DIALECT_POSTGRESQL)
		return dbs_ddl_translate_raw(text, options);
	if (options->use_catalog)
	{
		known.load = dbs_ddl_catalog_table;
		known.schema_exists = dbs_ddl_catalog_schema_exists;
		known.name_taken = dbs_ddl_catalog_name_taken;
	}
	dbs_ddl_lexer_init(&lexer, text, options->source, options->sql_mode);
	while (dbs_ddl_lexer_next(&lexer, &tokens))
	{
		statements = lappend(statements, translate_mysql(&tokens, &printer));
		dbs_ddl_tokens_free(&tokens);
	}
	print_waiting(&known);
	return statements;
}
