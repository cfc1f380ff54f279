/*
 * What the files share that write expressions in PostgreSQL's words.
 */
#ifndef DBS_DDL_PG_EXPRESSION_H
#define DBS_DDL_PG_EXPRESSION_H

#include "ddl_function.h"
#include "ddl_print.h"

typedef struct DdlWriter
{
	DdlPrinter *printer;
	const DdlKnownTable *table;
	const DdlType *want;
	DdlContext context;
	const char *reason; /* NULL while all is well */
	int refused_at;     /* the byte of the text at which the refused part stands; 0 = not known */
	int warnings;       /* bits of DdlExpressionWarning: each is told once */
	int depth;
} DdlWriter;

typedef struct DdlPart
{
	const char *sql;
	DdlValue value;
	bool array;
	int scale;     /* decimals that MySQL would show, or a moment's fraction digits; -1 = not known */
	bool loose;    /* a numeric whose digits here may be more or fewer than scale */
	int digits;    /* MariaDB's divisions: decimals that the value itself has, 0 = as scale */
	bool divided;  /* holds a division's result */
	bool narrow;   /* an integer of PostgreSQL's integer */
	bool positive; /* a number that is never below zero */
	bool literal;  /* a number, TRUE or FALSE as written */
	bool bits;     /* b'101', a number only where one is wanted */
	bool column;
} DdlPart;

/* ---- ddl_pg_expression.c ---- */
/* Any expression; a part of no meaning once writer->reason is set. */
DdlPart dbs_ddl_pg_write(DdlWriter *writer, const DdlExpr *expr);

/* ---- kinds of values (ddl_pg_value.c) ---- */
/* Sets writer->reason, unless there is one. */
DdlPart dbs_ddl_pg_refuse(DdlWriter *writer, const char *fmt, ...) pg_attribute_printf(2, 3);
DdlPart dbs_ddl_pg_part(const char *sql, DdlValue value);
bool dbs_ddl_is_numeric_value(DdlValue value);
bool dbs_ddl_is_moment_value(DdlValue value);
/* For people: "a timestamp" */
const char *dbs_ddl_value_name(DdlValue value);
DdlValue dbs_ddl_value_of_type(DdlWriter *writer, const DdlType *type);
/* The part as another kind of value: the same value, or a refusal. */
const char *dbs_ddl_pg_as_text(DdlWriter *writer, DdlPart part);
const char *dbs_ddl_pg_as_boolean(DdlWriter *writer, DdlPart part);
/* A number of characters, below zero taken as none: PostgreSQL counts those from the other end. */
const char *dbs_ddl_pg_as_count(DdlWriter *writer, DdlPart part);
/* A string literal as a moment of that kind; a refusal when it is not written plainly. */
const char *dbs_ddl_pg_moment(DdlWriter *writer, const char *literal, DdlValue wanted);
/* The timestamp with no more than that many fraction digits, as the source would shorten it. */
const char *dbs_ddl_pg_fraction(DdlWriter *writer, DdlPart part, int digits);
/* Adds what is known of one of several values to what is known of the one that is chosen; begin with value ANY. */
void dbs_ddl_pg_merge(DdlPart *result, DdlPart part);
/* What the two sides of a comparison are written as. */
void dbs_ddl_pg_pair(DdlWriter *writer, DdlPart *left, DdlPart *right);
/* The decimals of both, where they are known. */
int dbs_ddl_common_scale(DdlPart a, DdlPart b);
const char *dbs_ddl_pg_as_number(DdlWriter *writer, DdlPart part, DdlValue wanted);
const char *dbs_ddl_pg_convert(DdlWriter *writer, DdlPart part, DdlValue wanted);
/* The kind that values of both kinds are compared as, or ANY with a refusal. */
DdlValue dbs_ddl_pg_common_value(DdlWriter *writer, DdlValue a, DdlValue b);
const char *dbs_ddl_pg_to_common(DdlWriter *writer, DdlPart part, DdlValue common);

/* ---- ddl_pg_function.c, ddl_pg_operator.c ---- */
DdlPart dbs_ddl_pg_write_function(DdlWriter *writer, const DdlExpr *expr);
/* Whether the expression gives another value each time, so that it may be written but once. */
bool dbs_ddl_is_volatile(const DdlExpr *expr);
/*
 * Whether PostgreSQL computes the expression when it makes the generated column: it does so before it gives strings
 * their collation, so functions that need one fail.
 */
bool dbs_ddl_is_folded(const DdlWriter *writer, const DdlExpr *expr);
/* document -> path; with unquote: document ->> path */
DdlPart dbs_ddl_pg_write_json_arrow(DdlWriter *writer, const DdlExpr *document, const DdlExpr *path, bool unquote);
DdlPart dbs_ddl_pg_write_operator(DdlWriter *writer, const DdlExpr *expr);

#endif
