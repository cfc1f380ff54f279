/*
 * The table of functions: MySQL's name and arguments, PostgreSQL's words.
 */
#ifndef DBS_DDL_FUNCTION_H
#define DBS_DDL_FUNCTION_H

#include "postgres.h"

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
	DDL_VALUE_NUMBER, /* as a wanted kind: integer, numeric or float */
	DDL_VALUE_MOMENT, /* as a wanted kind: date, timestamp or timestamptz */
	DDL_VALUE_SAME,   /* as a result: that of the first argument; as a wanted kind: as it is */
	DDL_VALUE_COMMON  /* as a result: the arguments' common kind */
} DdlValue;

typedef enum DdlVolatility
{
	DDL_IMMUTABLE,
	DDL_STABLE
} DdlVolatility;

typedef struct DdlFunction
{
	const char *name;
	int least; /* arguments */
	int most;
	const char *words;  /* $1 … $9 stand for arguments, $* for all with commas, $|| for all joined by || */
	DdlValue wanted[3]; /* the last one holds for all that follow */
	DdlValue result;
	DdlVolatility volatility;
} DdlFunction;

/* The function by name and number of arguments; *known tells whether the name is there with another number. */
const DdlFunction *dbs_ddl_find_function(const char *name, int count);

#endif
