/*
 * The parser of MySQL's and MariaDB's statements.
 *
 * Recursive descent over one statement's words.  The first thing that does
 * not fit sets parser->error and every function after that returns at once;
 * nothing throws.  Depth of nesting is bounded.
 */
#ifndef DBS_DDL_PARSER_H
#define DBS_DDL_PARSER_H

#include "ddl_lexer.h"
#include "ddl_tree.h"

/* How deep parentheses, functions and queries may nest; each level takes a few hundred bytes of stack. */
#define DDL_MAX_DEPTH 200

typedef struct DdlParser
{
	const DdlTokens *tokens;
	int at;
	const DbsDdlOptions *options;
	const char *error; /* NULL while all is well */
	int error_offset;
	int depth;
} DdlParser;

/* The statement's tree, or NULL with parser->error and error_offset set. */
DdlStatement *dbs_ddl_parse_mysql(DdlParser *parser, const DdlTokens *tokens, const DbsDdlOptions *options);

/* ---- words (ddl_parser.c) ---- */
const DdlToken *dbs_ddl_peek(const DdlParser *parser, int ahead);
void dbs_ddl_fail(DdlParser *parser, const char *reason);
/* Fails with "expected …, found …" at the next word. */
void dbs_ddl_expected(DdlParser *parser, const char *what);
bool dbs_ddl_is_word(const DdlParser *parser, int ahead, const char *word);
bool dbs_ddl_is_symbol(const DdlParser *parser, int ahead, const char *symbol);
/* Takes words (separated by one space) if all are next. */
bool dbs_ddl_accept(DdlParser *parser, const char *words);
bool dbs_ddl_accept_symbol(DdlParser *parser, const char *symbol);
bool dbs_ddl_expect(DdlParser *parser, const char *words);
bool dbs_ddl_expect_symbol(DdlParser *parser, const char *symbol);
bool dbs_ddl_at_end(const DdlParser *parser);
bool dbs_ddl_enter(DdlParser *parser);
void dbs_ddl_leave(DdlParser *parser);
/* A name: quoted, or any word. */
const char *dbs_ddl_parse_identifier(DdlParser *parser, const char *what);
/* Is a name next (a word that is no reserved one, or quoted)? */
bool dbs_ddl_is_identifier(const DdlParser *parser, int ahead);
bool dbs_ddl_is_reserved(const char *word);
DdlName *dbs_ddl_parse_name(DdlParser *parser, const char *what);
List *dbs_ddl_parse_column_names(DdlParser *parser);
int64 dbs_ddl_parse_integer(DdlParser *parser, const char *what);
/* A string literal, adjacent ones joined. */
DdlText *dbs_ddl_parse_string(DdlParser *parser, const char *what);
/* The text between two words' offsets, blanks trimmed. */
const char *dbs_ddl_source_between(const DdlParser *parser, int first, int after);
/* Passes over one value or a whole group of parentheses. */
void dbs_ddl_skip_value(DdlParser *parser);
void dbs_ddl_skip_parentheses(DdlParser *parser);

/* ---- parts ---- */
DdlType *dbs_ddl_parse_type(DdlParser *parser);
DdlType *dbs_ddl_parse_cast_type(DdlParser *parser);
DdlExpr *dbs_ddl_parse_expression(DdlParser *parser);
DdlExpr *dbs_ddl_parse_primary(DdlParser *parser);
DdlExpr *dbs_ddl_make_expr(DdlExprKind kind, const char *text, List *args);
DdlQuery *dbs_ddl_parse_query(DdlParser *parser);
bool dbs_ddl_query_follows(const DdlParser *parser);
DdlColumn *dbs_ddl_parse_column(DdlParser *parser, DdlCreateTable *table);
DdlForeignKey *dbs_ddl_parse_references(DdlParser *parser);
DdlKey *dbs_ddl_parse_key(DdlParser *parser, DdlKeyKind kind, const char *constraint_name);
/* One option of an index; false when none is next. */
bool dbs_ddl_parse_key_option(DdlParser *parser, DdlKey *key);
void dbs_ddl_parse_key_tail(DdlParser *parser, DdlKey *key);
DdlForeignKey *dbs_ddl_parse_foreign_key(DdlParser *parser, const char *constraint_name);
DdlCheck *dbs_ddl_parse_check(DdlParser *parser, const char *constraint_name);
/* A key, foreign key, check or period inside CREATE TABLE's parentheses; false when a column is next. */
bool dbs_ddl_parse_table_element(DdlParser *parser, DdlCreateTable *table);
/* One table option; false when none is next. */
bool dbs_ddl_parse_table_option(DdlParser *parser, DdlCreateTable *table);
DdlPartitioning *dbs_ddl_parse_partitioning(DdlParser *parser);
List *dbs_ddl_parse_partition_definitions(DdlParser *parser);
DdlSequenceOptions *dbs_ddl_parse_sequence_options(DdlParser *parser);

/* ---- statements ---- */
DdlStatement *dbs_ddl_parse_create_table(DdlParser *parser, bool temporary, bool or_replace);
DdlStatement *dbs_ddl_parse_alter_table(DdlParser *parser, bool ignore);

#endif
