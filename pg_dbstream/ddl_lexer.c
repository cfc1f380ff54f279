/*
 * Words of SQL text, for MySQL, MariaDB and PostgreSQL.
 *
 * Facts from the servers' manuals: MySQL's version comments hold five or six
 * digits and count when the server is at least that version; MariaDB skips
 * those from 50700 to 99999 and alone reads those that begin with M.
 */
#include "postgres.h"

#include <ctype.h>
#include <limits.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "ddl_lexer.h"

/* The newest servers known here: a version comment above is a comment. */
#define DDL_MYSQL_VERSION 90799
#define DDL_MARIADB_VERSION 129999

static bool
is_mysql(const DdlLexer *lexer)
{
	return lexer->dialect != DBS_DIALECT_POSTGRESQL;
}

static char
peek(const DdlLexer *lexer, int ahead)
{
	return lexer->at + ahead < lexer->size ? lexer->text[lexer->at + ahead] : '\0';
}

static bool
is_word_start(char c)
{
	return isalpha((unsigned char) c) || c == '_' || (unsigned char) c >= 0x80;
}

static bool
is_word_byte(char c)
{
	return is_word_start(c) || isdigit((unsigned char) c) || c == '$';
}

void
dbs_ddl_lexer_init(DdlLexer *lexer, const char *text, DbsDialect dialect, uint64 sql_mode)
{
	memset(lexer, 0, sizeof(*lexer));
	lexer->text = text;
	lexer->size = strlen(text);
	lexer->dialect = dialect;
	lexer->sql_mode = sql_mode;
	strlcpy(lexer->delimiter, ";", sizeof(lexer->delimiter));
}

void
dbs_ddl_locate(const char *text, int offset, int *line, int *column)
{
	*line = 1;
	*column = 1;
	for (int i = 0; i < offset && text[i] != '\0'; i++)
	{
		if (text[i] == '\n')
		{
			(*line)++;
			*column = 1;
		}
		else if (((unsigned char) text[i] & 0xC0) != 0x80)
			(*column)++;
	}
}

/* Does the version comment that begins at the lexer count?  If so, its head is passed over. */
static bool
enter_version_comment(DdlLexer *lexer)
{
	int at = lexer->at + 2;
	int digits = 0;
	long version = 0;
	bool mariadb_only = false;

	if (lexer->text[at] == 'M')
	{
		mariadb_only = true;
		at++;
	}
	if (lexer->text[at] != '!')
		return false;
	at++;
	while (digits < 6 && isdigit((unsigned char) lexer->text[at + digits]))
	{
		version = version * 10 + (lexer->text[at + digits] - '0');
		digits++;
	}
	if (digits != 0 && digits < 5)
		digits = version = 0;
	if (lexer->dialect == DBS_DIALECT_MYSQL && (mariadb_only || version > DDL_MYSQL_VERSION))
		return false;
	if (lexer->dialect == DBS_DIALECT_MARIADB &&
		(version > DDL_MARIADB_VERSION || (!mariadb_only && version >= 50700 && version <= 99999)))
		return false;
	lexer->at = at + digits;
	lexer->conditional++;
	return true;
}

/* Passes over a block comment; PostgreSQL's nest.  False when it does not end. */
static bool
skip_block_comment(DdlLexer *lexer)
{
	int depth = 1;

	lexer->at += 2;
	while (lexer->at < lexer->size)
	{
		if (peek(lexer, 0) == '*' && peek(lexer, 1) == '/')
		{
			lexer->at += 2;
			if (--depth == 0)
				return true;
		}
		else if (!is_mysql(lexer) && peek(lexer, 0) == '/' && peek(lexer, 1) == '*')
		{
			lexer->at += 2;
			depth++;
		}
		else
			lexer->at++;
	}
	return false;
}

static void
skip_line(DdlLexer *lexer)
{
	while (lexer->at < lexer->size && lexer->text[lexer->at] != '\n')
		lexer->at++;
}

/* Passes over blanks and comments; false when a comment does not end. */
static bool
skip_blanks(DdlLexer *lexer)
{
	while (lexer->at < lexer->size)
	{
		char c = peek(lexer, 0);

		if (isspace((unsigned char) c))
			lexer->at++;
		else if (c == '#' && is_mysql(lexer))
			skip_line(lexer);
		else if (c == '-' && peek(lexer, 1) == '-' &&
				 (!is_mysql(lexer) || peek(lexer, 2) == '\0' || isspace((unsigned char) peek(lexer, 2)) ||
				  iscntrl((unsigned char) peek(lexer, 2))))
			skip_line(lexer);
		else if (c == '/' && peek(lexer, 1) == '*')
		{
			if (is_mysql(lexer) && (peek(lexer, 2) == '!' || peek(lexer, 2) == 'M') && enter_version_comment(lexer))
				continue;
			if (!skip_block_comment(lexer))
				return false;
		}
		else if (c == '*' && peek(lexer, 1) == '/' && lexer->conditional > 0)
		{
			lexer->conditional--;
			lexer->at += 2;
		}
		else
			break;
	}
	return true;
}

static void
bad(DdlToken *token, const char *reason)
{
	token->kind = DDL_TOKEN_BAD;
	token->text = pstrdup(reason);
	token->size = strlen(reason);
}

static void
set_text(DdlToken *token, DdlTokenKind kind, const char *text, int size)
{
	token->kind = kind;
	token->text = palloc(size + 1);
	if (size > 0)
		memcpy(token->text, text, size);
	token->text[size] = '\0';
	token->size = size;
}

/* One byte after a backslash, as MySQL's strings have it; \% and \_ keep the backslash. */
static void
append_mysql_escape(StringInfo buffer, char c)
{
	switch (c)
	{
		case '0':
			appendStringInfoChar(buffer, '\0');
			break;
		case 'b':
			appendStringInfoChar(buffer, '\b');
			break;
		case 'n':
			appendStringInfoChar(buffer, '\n');
			break;
		case 'r':
			appendStringInfoChar(buffer, '\r');
			break;
		case 't':
			appendStringInfoChar(buffer, '\t');
			break;
		case 'Z':
			appendStringInfoChar(buffer, '\032');
			break;
		case '%':
		case '_':
			appendStringInfoChar(buffer, '\\');
			appendStringInfoChar(buffer, c);
			break;
		default:
			appendStringInfoChar(buffer, c);
	}
}

/* A quoted thing from its opening quote on; the quote doubled stands for itself. */
static void
read_quoted(DdlLexer *lexer, DdlToken *token, DdlTokenKind kind, bool backslash)
{
	StringInfoData buffer;
	char quote = peek(lexer, 0);

	initStringInfo(&buffer);
	lexer->at++;
	for (;;)
	{
		char c;

		if (lexer->at >= lexer->size)
		{
			bad(token, kind == DDL_TOKEN_STRING ? "a string does not end" : "a quoted name does not end");
			return;
		}
		c = lexer->text[lexer->at++];
		if (c == quote)
		{
			if (peek(lexer, 0) != quote)
				break;
			lexer->at++;
			appendStringInfoChar(&buffer, quote);
		}
		else if (c == '\\' && backslash && lexer->at < lexer->size)
			append_mysql_escape(&buffer, lexer->text[lexer->at++]);
		else
			appendStringInfoChar(&buffer, c);
	}
	set_text(token, kind, buffer.data, buffer.len);
	pfree(buffer.data);
}

/* x'…' or b'…' from its quote on. */
static void
read_digits(DdlLexer *lexer, DdlToken *token, DdlTokenKind kind)
{
	read_quoted(lexer, token, kind, false);
	if (token->kind == DDL_TOKEN_BAD)
		return;
	for (int i = 0; i < token->size; i++)
	{
		char c = token->text[i];

		if (kind == DDL_TOKEN_HEX ? !isxdigit((unsigned char) c) : (c != '0' && c != '1'))
		{
			bad(token, kind == DDL_TOKEN_HEX ? "a hexadecimal literal holds something else than digits"
											 : "a bit literal holds something else than 0 and 1");
			return;
		}
	}
	if (kind == DDL_TOKEN_HEX && token->size % 2 != 0 && is_mysql(lexer))
		bad(token, "a hexadecimal literal has an odd number of digits");
}

/* PostgreSQL's $tag$…$tag$; false when there is none here. */
static bool
read_dollar_quoted(DdlLexer *lexer, DdlToken *token)
{
	int tag = 1;
	const char *begin = lexer->text + lexer->at;
	const char *body;
	const char *end = NULL;

	while (is_word_start(peek(lexer, tag)) || (tag > 1 && isdigit((unsigned char) peek(lexer, tag))))
		tag++;
	if (peek(lexer, tag) != '$')
		return false;
	tag++;
	body = begin + tag;
	for (const char *p = body; p + tag <= lexer->text + lexer->size; p++)
	{
		if (*p == '$' && memcmp(p, begin, tag) == 0)
		{
			end = p;
			break;
		}
	}
	if (end == NULL)
	{
		lexer->at = lexer->size;
		bad(token, "a dollar-quoted string does not end");
		return true;
	}
	set_text(token, DDL_TOKEN_STRING, body, end - body);
	lexer->at = end + tag - lexer->text;
	return true;
}

/* Digits, or a word that begins with digits as MySQL's names may; 0x… and 0b… too. */
static void
read_number(DdlLexer *lexer, DdlToken *token, bool after_dot)
{
	int start = lexer->at;
	int at = start;
	const char *text = lexer->text;

	if (text[at] == '0' && (text[at + 1] == 'x' || text[at + 1] == 'b') && is_mysql(lexer) && !after_dot)
	{
		bool hex = text[at + 1] == 'x';
		int end = at + 2;

		while (hex ? isxdigit((unsigned char) text[end]) : (text[end] == '0' || text[end] == '1'))
			end++;
		if (end > at + 2 && !is_word_byte(text[end]))
		{
			/* An odd number of digits is padded on the left. */
			char *digits = psprintf("%s%.*s", hex && (end - at) % 2 != 0 ? "0" : "", end - at - 2, text + at + 2);

			lexer->at = end;
			set_text(token, hex ? DDL_TOKEN_HEX : DDL_TOKEN_BITS, digits, strlen(digits));
			return;
		}
	}
	while (isdigit((unsigned char) text[at]))
		at++;
	if (!after_dot)
	{
		if (text[at] == '.')
		{
			at++;
			while (isdigit((unsigned char) text[at]))
				at++;
		}
		if (text[at] == 'e' || text[at] == 'E')
		{
			int exponent = at + 1;

			if (text[exponent] == '+' || text[exponent] == '-')
				exponent++;
			if (isdigit((unsigned char) text[exponent]))
			{
				while (isdigit((unsigned char) text[exponent]))
					exponent++;
				at = exponent;
			}
		}
	}
	if (is_mysql(lexer) && is_word_byte(text[at]) && memchr(text + start, '.', at - start) == NULL)
	{
		while (is_word_byte(text[at]))
			at++;
		set_text(token, DDL_TOKEN_WORD, text + start, at - start);
	}
	else
		set_text(token, after_dot ? DDL_TOKEN_WORD : DDL_TOKEN_NUMBER, text + start, at - start);
	lexer->at = at;
}

static void
read_variable(DdlLexer *lexer, DdlToken *token)
{
	int start = lexer->at;

	while (peek(lexer, 0) == '@')
		lexer->at++;
	if (peek(lexer, 0) == '`' || peek(lexer, 0) == '\'' || peek(lexer, 0) == '"')
	{
		read_quoted(lexer, token, DDL_TOKEN_QUOTED, false);
		if (token->kind == DDL_TOKEN_BAD)
			return;
	}
	else
	{
		while (is_word_byte(peek(lexer, 0)) || peek(lexer, 0) == '.')
			lexer->at++;
	}
	set_text(token, DDL_TOKEN_VARIABLE, lexer->text + start, lexer->at - start);
}

static void
read_symbol(DdlLexer *lexer, DdlToken *token)
{
	static const char *const symbols[] = {
		"<=>", "->>", "#>>", "!~~*", "<<=", ">>=", "<=", ">=", "<>", "!=", "||", "&&",
		":=",  "<<",  ">>",  "->",   "::",  "!~",  "~*", "#>", "@>", "<@", "..", NULL};
	int size = 1;

	for (int i = 0; symbols[i] != NULL; i++)
	{
		size_t symbol_size = strlen(symbols[i]);

		if (lexer->at + symbol_size <= lexer->size && memcmp(lexer->text + lexer->at, symbols[i], symbol_size) == 0)
		{
			size = symbol_size;
			break;
		}
	}
	if (size == 1)
	{
		/* Half of all words are one of few signs: each has one text. */
		static char signs[UCHAR_MAX + 1][2];
		unsigned char sign = lexer->text[lexer->at];

		signs[sign][0] = sign;
		token->kind = DDL_TOKEN_SYMBOL;
		token->text = signs[sign];
		token->size = 1;
	}
	else
		set_text(token, DDL_TOKEN_SYMBOL, lexer->text + lexer->at, size);
	lexer->at += size;
}

/* A word, or one of the literals that begin with a letter. */
static void
read_word(DdlLexer *lexer, DdlToken *token)
{
	char c = peek(lexer, 0);
	int start = lexer->at;
	bool backslash = is_mysql(lexer) && (lexer->sql_mode & DDL_MODE_NO_BACKSLASH_ESCAPES) == 0;

	if (peek(lexer, 1) == '\'' && strchr("xXbBnNeE", c) != NULL)
	{
		if (c == 'x' || c == 'X' || c == 'b' || c == 'B')
		{
			lexer->at++;
			read_digits(lexer, token, c == 'x' || c == 'X' ? DDL_TOKEN_HEX : DDL_TOKEN_BITS);
			return;
		}
		if (c == 'n' || c == 'N' || !is_mysql(lexer))
		{
			lexer->at++;
			read_quoted(lexer, token, DDL_TOKEN_STRING, backslash || c == 'e' || c == 'E');
			return;
		}
	}
	while (is_word_byte(peek(lexer, 0)))
		lexer->at++;
	set_text(token, DDL_TOKEN_WORD, lexer->text + start, lexer->at - start);
}

static void
read_token(DdlLexer *lexer, DdlToken *token, const DdlToken *before)
{
	char c = peek(lexer, 0);
	bool after_dot = before != NULL && before->kind == DDL_TOKEN_SYMBOL && strcmp(before->text, ".") == 0;

	if (c == '`' && is_mysql(lexer))
		read_quoted(lexer, token, DDL_TOKEN_QUOTED, false);
	else if (c == '"' && (!is_mysql(lexer) || (lexer->sql_mode & DDL_MODE_ANSI_QUOTES) != 0))
		read_quoted(lexer, token, DDL_TOKEN_QUOTED, false);
	else if (c == '\'' || c == '"')
		read_quoted(lexer, token, DDL_TOKEN_STRING,
					is_mysql(lexer) && (lexer->sql_mode & DDL_MODE_NO_BACKSLASH_ESCAPES) == 0);
	else if (isdigit((unsigned char) c) || (c == '.' && isdigit((unsigned char) peek(lexer, 1)) &&
											(before == NULL || before->kind == DDL_TOKEN_SYMBOL || lexer->at == 0 ||
											 isspace((unsigned char) lexer->text[lexer->at - 1]))))
		read_number(lexer, token, after_dot);
	else if (is_word_start(c) || (c == '$' && is_mysql(lexer)))
		read_word(lexer, token);
	else if (c == '@' && is_mysql(lexer))
		read_variable(lexer, token);
	else if (c == '$' && !is_mysql(lexer) && read_dollar_quoted(lexer, token))
		return;
	else
		read_symbol(lexer, token);
}

static bool
word_is(const DdlToken *token, const char *word)
{
	return token->kind == DDL_TOKEN_WORD && pg_strcasecmp(token->text, word) == 0;
}

/* Is this the beginning of a statement whose body may hold the delimiter? */
static bool
has_body(const DdlTokens *tokens)
{
	static const char *const objects[] = {"PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE", NULL};

	if (tokens->count == 0 || (!word_is(&tokens->token[0], "CREATE") && !word_is(&tokens->token[0], "ALTER")))
		return false;
	for (int i = 1; i < tokens->count && i < 24; i++)
	{
		for (int j = 0; objects[j] != NULL; j++)
		{
			if (word_is(&tokens->token[i], objects[j]))
				return true;
		}
		if (tokens->token[i].kind == DDL_TOKEN_WORD &&
			(word_is(&tokens->token[i], "TABLE") || word_is(&tokens->token[i], "VIEW")))
			return false;
	}
	return false;
}

/* The depth of BEGIN … END after this token. */
static int
body_depth(int depth, const DdlToken *token, const DdlToken *before)
{
	if (word_is(token, "BEGIN") || (word_is(token, "CASE") && (before == NULL || !word_is(before, "END"))))
		return depth + 1;
	if (before != NULL && word_is(before, "END") &&
		(word_is(token, "IF") || word_is(token, "LOOP") || word_is(token, "WHILE") || word_is(token, "REPEAT") ||
		 word_is(token, "FOR")))
		return depth + 1; /* that END closed no BEGIN */
	if (word_is(token, "END"))
		return Max(depth - 1, 0);
	return depth;
}

static bool
at_delimiter(const DdlLexer *lexer, int depth)
{
	size_t size = strlen(lexer->delimiter);

	if (depth > 0 && strcmp(lexer->delimiter, ";") == 0)
		return false;
	return lexer->at + size <= lexer->size && memcmp(lexer->text + lexer->at, lexer->delimiter, size) == 0;
}

/* The mysql client's DELIMITER command, which only a script holds. */
static bool
read_delimiter_command(DdlLexer *lexer)
{
	int at = lexer->at;
	int size = 0;

	if (!is_mysql(lexer) || lexer->size - at < 11 || pg_strncasecmp(lexer->text + at, "DELIMITER", 9) != 0 ||
		(lexer->text[at + 9] != ' ' && lexer->text[at + 9] != '\t'))
		return false;
	at += 9;
	while (lexer->text[at] == ' ' || lexer->text[at] == '\t')
		at++;
	while (lexer->text[at + size] != '\0' && !isspace((unsigned char) lexer->text[at + size]))
		size++;
	if (size == 0 || size >= DDL_DELIMITER_MAX)
		return false;
	memcpy(lexer->delimiter, lexer->text + at, size);
	lexer->delimiter[size] = '\0';
	lexer->at = at + size;
	return true;
}

static DdlToken *
add_token(DdlTokens *tokens, int *room)
{
	if (tokens->count == *room)
	{
		*room = *room == 0 ? 32 : *room * 2;
		if (tokens->token == NULL)
			tokens->token = palloc(*room * sizeof(DdlToken));
		else
			tokens->token = repalloc_huge(tokens->token, (Size) *room * sizeof(DdlToken));
	}
	memset(&tokens->token[tokens->count], 0, sizeof(DdlToken));
	return &tokens->token[tokens->count++];
}

void
dbs_ddl_tokens_free(DdlTokens *tokens)
{
	if (tokens->token != NULL)
		pfree(tokens->token);
	tokens->token = NULL;
	tokens->count = 0;
}

bool
dbs_ddl_lexer_next(DdlLexer *lexer, DdlTokens *tokens)
{
	int room = 0;
	int depth = 0;
	bool body = false;

	memset(tokens, 0, sizeof(*tokens));
	tokens->text = lexer->text;
	tokens->blank = true;
	lexer->conditional = 0;
	tokens->start = lexer->at;

	for (;;)
	{
		int before = lexer->at;
		bool closed = skip_blanks(lexer);
		DdlToken *token;

		if (closed && tokens->blank && lexer->conditional == 0 && read_delimiter_command(lexer))
			continue;
		if (closed && lexer->at < lexer->size && at_delimiter(lexer, depth))
		{
			tokens->end = tokens->count > 0 ? tokens->token[tokens->count - 1].end : lexer->at;
			lexer->at += strlen(lexer->delimiter);
			if (tokens->blank)
				continue;
			break;
		}
		if (closed && lexer->at >= lexer->size)
			break;
		token = add_token(tokens, &room);
		token->start = closed ? lexer->at : before;
		token->space_before = lexer->at > before;
		if (closed)
			read_token(lexer, token, tokens->count > 1 ? token - 1 : NULL);
		else
		{
			lexer->at = lexer->size;
			bad(token, "a comment does not end");
		}
		token->end = lexer->at;
		if (tokens->blank)
			tokens->start = token->start;
		tokens->blank = false;
		if (tokens->count == 24 || (tokens->count < 24 && !body))
			body = is_mysql(lexer) && has_body(tokens);
		if (body)
			depth = body_depth(depth, token, tokens->count > 1 ? token - 1 : NULL);
		CHECK_FOR_INTERRUPTS();
	}
	if (tokens->blank)
		return false;
	tokens->end = tokens->token[tokens->count - 1].end;
	tokens->next = lexer->at;
	{
		DdlToken *end = add_token(tokens, &room);

		end->kind = DDL_TOKEN_END;
		end->text = pstrdup("");
		end->start = end->end = tokens->end;
	}
	return true;
}
