/*
 * Words for the parser: looking at them, taking them, and saying what was
 * expected where.
 */
#include "postgres.h"

#include <ctype.h>
#include <errno.h>

#include "lib/stringinfo.h"

#include "ddl_parser.h"

/* Words that cannot be an unquoted name, where a name is optional and a keyword may follow. */
static const char *const reserved[] = {"ADD",
									   "ALL",
									   "ALTER",
									   "ANALYZE",
									   "AND",
									   "AS",
									   "ASC",
									   "BEFORE",
									   "BETWEEN",
									   "BINARY",
									   "BOTH",
									   "BY",
									   "CALL",
									   "CASCADE",
									   "CASE",
									   "CHANGE",
									   "CHARACTER",
									   "CHECK",
									   "COLLATE",
									   "COLUMN",
									   "CONDITION",
									   "CONSTRAINT",
									   "CONTINUE",
									   "CONVERT",
									   "CREATE",
									   "CROSS",
									   "CURRENT_DATE",
									   "CURRENT_TIME",
									   "CURRENT_TIMESTAMP",
									   "CURRENT_USER",
									   "DATABASE",
									   "DATABASES",
									   "DEFAULT",
									   "DELETE",
									   "DESC",
									   "DESCRIBE",
									   "DISTINCT",
									   "DIV",
									   "DROP",
									   "ELSE",
									   "EXCEPT",
									   "EXISTS",
									   "EXPLAIN",
									   "FALSE",
									   "FETCH",
									   "FOR",
									   "FORCE",
									   "FOREIGN",
									   "FROM",
									   "FULLTEXT",
									   "GRANT",
									   "GROUP",
									   "HAVING",
									   "IF",
									   "IGNORE",
									   "IN",
									   "INDEX",
									   "INNER",
									   "INSERT",
									   "INTERSECT",
									   "INTERVAL",
									   "INTO",
									   "IS",
									   "JOIN",
									   "KEY",
									   "KEYS",
									   "KILL",
									   "LEFT",
									   "LIKE",
									   "LIMIT",
									   "LOCALTIME",
									   "LOCALTIMESTAMP",
									   "LOCK",
									   "MATCH",
									   "MAXVALUE",
									   "MOD",
									   "NATURAL",
									   "NOT",
									   "NULL",
									   "ON",
									   "OPTIMIZE",
									   "OR",
									   "ORDER",
									   "OUTER",
									   "PARTITION",
									   "PRIMARY",
									   "PROCEDURE",
									   "RANGE",
									   "READ",
									   "REFERENCES",
									   "REGEXP",
									   "RENAME",
									   "REPLACE",
									   "RESTRICT",
									   "REVOKE",
									   "RIGHT",
									   "RLIKE",
									   "SELECT",
									   "SET",
									   "SHOW",
									   "SPATIAL",
									   "STRAIGHT_JOIN",
									   "TABLE",
									   "THEN",
									   "TO",
									   "TRIGGER",
									   "TRUE",
									   "UNION",
									   "UNIQUE",
									   "UPDATE",
									   "USE",
									   "USING",
									   "VALUES",
									   "WHEN",
									   "WHERE",
									   "WITH",
									   "XOR",
									   NULL};

bool
dbs_ddl_is_reserved(const char *word)
{
	for (int i = 0; reserved[i] != NULL; i++)
	{
		if (pg_strcasecmp(reserved[i], word) == 0)
			return true;
	}
	return false;
}

const DdlToken *
dbs_ddl_peek(const DdlParser *parser, int ahead)
{
	int at = Min(parser->at + ahead, parser->tokens->count - 1);

	return &parser->tokens->token[at];
}

void
dbs_ddl_fail(DdlParser *parser, const char *reason)
{
	if (parser->error != NULL)
		return;
	parser->error = reason;
	parser->error_offset = dbs_ddl_peek(parser, 0)->start;
}

void
dbs_ddl_expected(DdlParser *parser, const char *what)
{
	const DdlToken *token = dbs_ddl_peek(parser, 0);

	if (parser->error != NULL)
		return;
	if (token->kind == DDL_TOKEN_END)
		dbs_ddl_fail(parser, psprintf("expected %s, found the end of the statement", what));
	else
		dbs_ddl_fail(parser, psprintf("expected %s, found \"%s\"", what, token->text));
}

bool
dbs_ddl_is_word(const DdlParser *parser, int ahead, const char *word)
{
	const DdlToken *token = dbs_ddl_peek(parser, ahead);

	return parser->error == NULL && token->kind == DDL_TOKEN_WORD && pg_strcasecmp(token->text, word) == 0;
}

bool
dbs_ddl_is_symbol(const DdlParser *parser, int ahead, const char *symbol)
{
	const DdlToken *token = dbs_ddl_peek(parser, ahead);

	return parser->error == NULL && token->kind == DDL_TOKEN_SYMBOL && strcmp(token->text, symbol) == 0;
}

bool
dbs_ddl_accept(DdlParser *parser, const char *words)
{
	int ahead = 0;
	const char *word = words;

	if (parser->error != NULL)
		return false;
	while (*word != '\0')
	{
		int size = strcspn(word, " ");
		const DdlToken *token = dbs_ddl_peek(parser, ahead);

		if (token->kind != DDL_TOKEN_WORD || token->size != size || pg_strncasecmp(token->text, word, size) != 0)
			return false;
		ahead++;
		word += size;
		if (*word == ' ')
			word++;
	}
	parser->at += ahead;
	return true;
}

bool
dbs_ddl_accept_symbol(DdlParser *parser, const char *symbol)
{
	if (!dbs_ddl_is_symbol(parser, 0, symbol))
		return false;
	parser->at++;
	return true;
}

bool
dbs_ddl_expect(DdlParser *parser, const char *words)
{
	if (dbs_ddl_accept(parser, words))
		return true;
	dbs_ddl_expected(parser, words);
	return false;
}

bool
dbs_ddl_expect_symbol(DdlParser *parser, const char *symbol)
{
	if (dbs_ddl_accept_symbol(parser, symbol))
		return true;
	dbs_ddl_expected(parser, psprintf("\"%s\"", symbol));
	return false;
}

bool
dbs_ddl_at_end(const DdlParser *parser)
{
	return dbs_ddl_peek(parser, 0)->kind == DDL_TOKEN_END;
}

bool
dbs_ddl_enter(DdlParser *parser)
{
	if (parser->error != NULL)
		return false;
	if (parser->depth >= DDL_MAX_DEPTH)
	{
		dbs_ddl_fail(parser, "nested too deeply");
		return false;
	}
	parser->depth++;
	return true;
}

void
dbs_ddl_leave(DdlParser *parser)
{
	parser->depth--;
}

bool
dbs_ddl_is_identifier(const DdlParser *parser, int ahead)
{
	const DdlToken *token = dbs_ddl_peek(parser, ahead);

	if (parser->error != NULL)
		return false;
	return token->kind == DDL_TOKEN_QUOTED || (token->kind == DDL_TOKEN_WORD && !dbs_ddl_is_reserved(token->text));
}

const char *
dbs_ddl_parse_identifier(DdlParser *parser, const char *what)
{
	const DdlToken *token = dbs_ddl_peek(parser, 0);

	if (parser->error == NULL && (token->kind == DDL_TOKEN_QUOTED || token->kind == DDL_TOKEN_WORD) &&
		token->size > 0 && strlen(token->text) == token->size)
	{
		parser->at++;
		return token->text;
	}
	dbs_ddl_expected(parser, what);
	return "";
}

DdlName *
dbs_ddl_parse_name(DdlParser *parser, const char *what)
{
	DdlName *name = palloc0(sizeof(DdlName));

	/* ".t" is MySQL's way to write a table of the default database. */
	if (dbs_ddl_accept_symbol(parser, "."))
	{
		name->name = dbs_ddl_parse_identifier(parser, what);
		return name;
	}
	name->name = dbs_ddl_parse_identifier(parser, what);
	if (dbs_ddl_accept_symbol(parser, "."))
	{
		name->schema = name->name;
		name->name = dbs_ddl_parse_identifier(parser, what);
	}
	return name;
}

List *
dbs_ddl_parse_column_names(DdlParser *parser)
{
	List *names = NIL;

	dbs_ddl_expect_symbol(parser, "(");
	do
	{
		names = lappend(names, (void *) dbs_ddl_parse_identifier(parser, "a column"));
	} while (dbs_ddl_accept_symbol(parser, ","));
	dbs_ddl_expect_symbol(parser, ")");
	return names;
}

int64
dbs_ddl_parse_integer(DdlParser *parser, const char *what)
{
	const DdlToken *token;
	bool negative = dbs_ddl_accept_symbol(parser, "-");
	char *end;
	int64 value;

	token = dbs_ddl_peek(parser, 0);
	if (parser->error != NULL || (token->kind != DDL_TOKEN_NUMBER && token->kind != DDL_TOKEN_STRING))
	{
		dbs_ddl_expected(parser, what);
		return 0;
	}
	errno = 0;
	value = strtoll(token->text, &end, 10);
	if (end == token->text || *end != '\0')
	{
		dbs_ddl_expected(parser, what);
		return 0;
	}
	/* Beyond 64 bits: MySQL's unsigned numbers. The nearest value is kept. */
	if (errno == ERANGE)
		value = PG_INT64_MAX;
	parser->at++;
	return negative ? -value : value;
}

DdlText *
dbs_ddl_parse_string(DdlParser *parser, const char *what)
{
	DdlText *text = palloc0(sizeof(DdlText));
	const DdlToken *token = dbs_ddl_peek(parser, 0);
	StringInfoData buffer;

	text->text = "";
	if (token->kind == DDL_TOKEN_WORD && token->text[0] == '_' && dbs_ddl_peek(parser, 1)->kind == DDL_TOKEN_STRING)
	{
		parser->at++;
		token = dbs_ddl_peek(parser, 0);
	}
	if (parser->error != NULL || token->kind != DDL_TOKEN_STRING)
	{
		dbs_ddl_expected(parser, what);
		return text;
	}
	parser->at++;
	text->text = token->text;
	text->size = token->size;
	if (dbs_ddl_peek(parser, 0)->kind != DDL_TOKEN_STRING)
		return text;
	initStringInfo(&buffer);
	appendBinaryStringInfo(&buffer, text->text, text->size);
	while (dbs_ddl_peek(parser, 0)->kind == DDL_TOKEN_STRING)
	{
		token = dbs_ddl_peek(parser, 0);
		appendBinaryStringInfo(&buffer, token->text, token->size);
		parser->at++;
	}
	text->text = buffer.data;
	text->size = buffer.len;
	return text;
}

const char *
dbs_ddl_source_between(const DdlParser *parser, int first, int after)
{
	const DdlTokens *tokens = parser->tokens;
	int start = tokens->token[first].start;
	int end = after > first ? tokens->token[after - 1].end : start;

	return pnstrdup(tokens->text + start, end - start);
}

void
dbs_ddl_skip_parentheses(DdlParser *parser)
{
	int depth = 0;

	do
	{
		if (dbs_ddl_is_symbol(parser, 0, "("))
			depth++;
		else if (dbs_ddl_is_symbol(parser, 0, ")"))
			depth--;
		if (dbs_ddl_at_end(parser) || parser->error != NULL)
		{
			dbs_ddl_expected(parser, "\")\"");
			return;
		}
		parser->at++;
	} while (depth > 0);
}

void
dbs_ddl_skip_value(DdlParser *parser)
{
	if (dbs_ddl_is_symbol(parser, 0, "("))
		dbs_ddl_skip_parentheses(parser);
	else if (dbs_ddl_at_end(parser) || dbs_ddl_is_symbol(parser, 0, ",") || dbs_ddl_is_symbol(parser, 0, ")"))
		dbs_ddl_expected(parser, "a value");
	else
	{
		if (dbs_ddl_is_symbol(parser, 0, "-"))
			parser->at++;
		parser->at++;
	}
}
