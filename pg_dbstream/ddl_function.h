/*
 * The table of functions: MySQL's name and arguments, PostgreSQL's words.
 */
#ifndef DBS_DDL_FUNCTION_H
#define DBS_DDL_FUNCTION_H

#include <stddef.h>

/* What an expression yields, as far as its translation depends on it. */
typedef enum DdlValue
{
	DDL_VALUE_ANY,     /* as a result: not known */
	DDL_VALUE_LITERAL, /* a string literal, which takes the type it meets */
	DDL_VALUE_BOOLEAN,
	DDL_VALUE_INTEGER,
	DDL_VALUE_NUMERIC,
	DDL_VALUE_FLOAT,
	DDL_VALUE_TEXT,
	DDL_VALUE_BYTES,
	DDL_VALUE_DATE,
	DDL_VALUE_TIME,
	DDL_VALUE_TIMESTAMP,
	DDL_VALUE_TIMESTAMPTZ,
	DDL_VALUE_JSON,
	DDL_VALUE_UUID,
	DDL_VALUE_BITS,
	DDL_VALUE_OTHER,
	DDL_VALUE_NUMBER,   /* as a wanted kind: integer, numeric or float */
	DDL_VALUE_MOMENT,   /* as a wanted kind: date, timestamp or timestamptz */
	DDL_VALUE_STRING,   /* as a wanted kind: bytes as they are, else text */
	DDL_VALUE_COUNT,    /* as a wanted kind: a number of characters, below zero taken as none */
	DDL_VALUE_PLACES,   /* as a wanted kind: an integer that PostgreSQL's function takes as integer only */
	DDL_VALUE_DOCUMENT, /* as a wanted kind: what becomes the same JSON at both sides */
	DDL_VALUE_SAME,     /* as a result: that of the first argument; as a wanted kind: as it is */
	DDL_VALUE_COMMON    /* as a result: the arguments' common kind */
} DdlValue;

typedef enum DdlVolatility
{
	DDL_IMMUTABLE,
	DDL_STABLE
} DdlVolatility;

/* What the translation of a whole expression may differ in, without being refused for it. */
typedef enum DdlExpressionWarning
{
	DDL_WARN_COMPARES_TEXT = 1, /* MySQL's collations pass over case, accents and spaces at the end */
	DDL_WARN_CHANGES_CASE = 2,  /* letters beyond ASCII go by the database's locale */
	DDL_WARN_COUNTS_BYTES = 4,  /* those of UTF-8, whatever the column's character set is */
	DDL_WARN_WRITES_JSON = 8,   /* a document as text: jsonb's order, spaces and numbers */
	DDL_WARN_DIVIDES = 16,      /* the servers keep different digits in between */
	DDL_WARN_JOINS_ROWS = 32    /* GROUP_CONCAT's result is not cut */
} DdlExpressionWarning;

typedef struct DdlFunction
{
	const char *name;
	int least; /* arguments */
	int most;
	const char *words;  /* $1 … $9 stand for arguments, $* for all with commas, $|| for all joined by || */
	DdlValue wanted[3]; /* the last one holds for all that follow */
	DdlValue result;
	DdlVolatility volatility;
	int warnings; /* bits of DdlExpressionWarning that text as an argument deserves */
} DdlFunction;

extern const DdlFunction dbs_ddl_functions[];
extern const size_t dbs_ddl_function_count;

/* Those that need code of their own (ddl_pg_function.c): for the documentation. */
typedef struct DdlWrittenFunction
{
	const char *names;
	const char *words;
	const char *remark;
} DdlWrittenFunction;

extern const DdlWrittenFunction dbs_ddl_written_functions[];
extern const size_t dbs_ddl_written_function_count;

/* The function by name and number of arguments, or NULL. */
const DdlFunction *dbs_ddl_find_function(const char *name, int count);

#endif
