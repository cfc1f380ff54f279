/*
 * From a text of any number of statements to their translations.
 */
#include "postgres.h"

#include "ddl_class.h"
#include "ddl_lexer.h"

static void
add_note(DbsDdlStatement *statement, DbsNoteSeverity severity, const char *text)
{
	DbsNote *note = palloc(sizeof(DbsNote));

	note->severity = severity;
	note->text = text;
	statement->notes = lappend(statement->notes, note);
}

static void
cannot_parse(DbsDdlStatement *statement, const char *text, int offset, const char *reason)
{
	statement->class = DBS_DDL_UNKNOWN;
	dbs_ddl_locate(text, offset, &statement->error_line, &statement->error_column);
	add_note(statement, DBS_NOTE_ERROR,
			 psprintf("line %d, column %d: %s", statement->error_line, statement->error_column, reason));
}

static DbsDdlStatement *
translate_statement(const DdlTokens *tokens, const DbsDdlOptions *options)
{
	DbsDdlStatement *statement = palloc0(sizeof(DbsDdlStatement));
	const char *reason;

	statement->source_sql = pnstrdup(tokens->text + tokens->start, tokens->end - tokens->start);
	for (int i = 0; i < tokens->count; i++)
	{
		if (tokens->token[i].kind == DDL_TOKEN_BAD)
		{
			statement->tag = "";
			cannot_parse(statement, tokens->text, tokens->token[i].start, tokens->token[i].text);
			return statement;
		}
	}
	statement->class = dbs_ddl_classify(tokens, &statement->tag, &reason);
	if (statement->class == DBS_DDL_IGNORE)
		add_note(statement, DBS_NOTE_INFO, psprintf("%s ignored: %s", statement->tag, reason));
	else if (statement->class == DBS_DDL_APPLY || statement->class == DBS_DDL_UNKNOWN)
		cannot_parse(statement, tokens->text, tokens->start, "this statement is not known to the translator");
	return statement;
}

List *
dbs_ddl_translate(const char *text, const DbsDdlOptions *options)
{
	List *statements = NIL;
	DdlLexer lexer;
	DdlTokens tokens;

	dbs_ddl_lexer_init(&lexer, text, options->source, options->sql_mode);
	while (dbs_ddl_lexer_next(&lexer, &tokens))
		statements = lappend(statements, translate_statement(&tokens, options));
	return statements;
}
