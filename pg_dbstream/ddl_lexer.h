/*
 * Words of MySQL's, MariaDB's and PostgreSQL's SQL.
 *
 * The lexer never fails: what it cannot read becomes a token of kind
 * DDL_TOKEN_BAD whose text says why, and the parser stops there.  It reads
 * the caller's bytes only between start and end, and needs no catalogue.
 */
#ifndef DBS_DDL_LEXER_H
#define DBS_DDL_LEXER_H

#include "ddl.h"

/* MySQL's sql_mode bits that change how text is read; MariaDB's are the same. */
#define DDL_MODE_REAL_AS_FLOAT UINT64CONST(0x1)
#define DDL_MODE_PIPES_AS_CONCAT UINT64CONST(0x2)
#define DDL_MODE_ANSI_QUOTES UINT64CONST(0x4)
#define DDL_MODE_IGNORE_SPACE UINT64CONST(0x8)
#define DDL_MODE_NO_BACKSLASH_ESCAPES UINT64CONST(0x100000)
#define DDL_MODE_HIGH_NOT_PRECEDENCE UINT64CONST(0x20000000)

typedef enum DdlTokenKind
{
	DDL_TOKEN_END,
	DDL_TOKEN_WORD,     /* unquoted identifier or keyword */
	DDL_TOKEN_QUOTED,   /* quoted identifier, quotes removed */
	DDL_TOKEN_STRING,   /* string literal, decoded */
	DDL_TOKEN_HEX,      /* hexadecimal literal: its digits */
	DDL_TOKEN_BITS,     /* bit literal: its digits */
	DDL_TOKEN_NUMBER,   /* number as written */
	DDL_TOKEN_VARIABLE, /* @name, @@name: with its signs */
	DDL_TOKEN_SYMBOL,   /* operator or punctuation */
	DDL_TOKEN_BAD       /* cannot be read; text is the reason */
} DdlTokenKind;

typedef struct DdlToken
{
	DdlTokenKind kind;
	char *text; /* NUL-terminated; a string with a NUL byte inside has size > strlen(text) */
	int size;
	int start; /* byte offsets into the whole text */
	int end;
	bool space_before; /* blank or comment before it */
} DdlToken;

typedef struct DdlTokens
{
	const char *text; /* the whole text */
	DdlToken *token;  /* count entries, the last of kind DDL_TOKEN_END */
	int count;
	int start; /* the statement's own bytes, blanks and comments around it left out */
	int end;
	int next;   /* where the next statement begins */
	bool blank; /* nothing but blanks and comments */
} DdlTokens;

/* A delimiter other than ";" is set by the mysql client's DELIMITER command, and lives from statement to statement. */
#define DDL_DELIMITER_MAX 16

typedef struct DdlLexer
{
	const char *text;
	int size;
	int at;
	DbsDialect dialect;
	uint64 sql_mode;
	char delimiter[DDL_DELIMITER_MAX];
	int conditional; /* depth of version comments whose text counts */
} DdlLexer;

void dbs_ddl_lexer_init(DdlLexer *lexer, const char *text, DbsDialect dialect, uint64 sql_mode);

/*
 * The next statement's words; false at the end of the text.  Statements end
 * at the delimiter; the body of a routine, trigger or event (BEGIN … END) is
 * one statement.
 */
bool dbs_ddl_lexer_next(DdlLexer *lexer, DdlTokens *tokens);
/* The array of words, not their texts: what was made of a statement goes on using those. */
void dbs_ddl_tokens_free(DdlTokens *tokens);

/* Line and column (in characters) of a byte offset, from 1. */
void dbs_ddl_locate(const char *text, int offset, int *line, int *column);

#endif
