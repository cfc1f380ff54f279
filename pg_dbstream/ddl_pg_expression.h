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
	bool compares_text;
	int depth;
} DdlWriter;

typedef struct DdlPart
{
	const char *sql;
	DdlValue value;
	bool array;
	int scale; /* of a numeric; -1 = not known */
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
const char *dbs_ddl_pg_as_number(DdlWriter *writer, DdlPart part, DdlValue wanted);
const char *dbs_ddl_pg_convert(DdlWriter *writer, DdlPart part, DdlValue wanted);
/* The kind that values of both kinds are compared as, or ANY with a refusal. */
DdlValue dbs_ddl_pg_common_value(DdlWriter *writer, DdlValue a, DdlValue b);
const char *dbs_ddl_pg_to_common(DdlWriter *writer, DdlPart part, DdlValue common);

/* ---- ddl_pg_function.c, ddl_pg_operator.c ---- */
DdlPart dbs_ddl_pg_write_function(DdlWriter *writer, const DdlExpr *expr);
/* document -> path; with unquote: document ->> path */
DdlPart dbs_ddl_pg_write_json_arrow(DdlWriter *writer, const DdlExpr *document, const DdlExpr *path, bool unquote);
DdlPart dbs_ddl_pg_write_operator(DdlWriter *writer, const DdlExpr *expr);

#endif
