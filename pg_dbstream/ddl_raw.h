/*
 * PostgreSQL's statements, by its own parser, and MySQL's words for them.
 */
#ifndef DBS_DDL_RAW_H
#define DBS_DDL_RAW_H

#include "ddl_print.h"
#include "nodes/parsenodes.h"

/* What the reverse direction knows while it reads a text. */
typedef struct DdlRaw
{
	const DbsDdlOptions *options;
	DbsDdlStatement *out; /* the statement whose notes are being written */
	List *created;        /* of DdlStatement: CREATE TABLE seen in this text */
	List *types;          /* of DdlStatement: CREATE TYPE and CREATE DOMAIN seen in this text */
	List *notes;
} DdlRaw;

/* Every statement of the text; ends in the same shape as the other direction. */
List *dbs_ddl_translate_raw(const char *text, const DbsDdlOptions *options);

/* ---- reading (ddl_raw_read.c, ddl_raw_expression.c) ---- */
/* The tree, or NULL for what has none: then class, tag and a note are set. */
DdlStatement *dbs_ddl_raw_read(DdlRaw *raw, Node *node);
DdlExpr *dbs_ddl_raw_expression(Node *node);
DdlType *dbs_ddl_raw_type(DdlRaw *raw, TypeName *name);
void dbs_ddl_raw_note(DdlRaw *raw, DbsNoteSeverity severity, const char *fmt, ...) pg_attribute_printf(3, 4);

/* ---- writing (ddl_my_table.c, ddl_my_expression.c) ---- */
void dbs_ddl_my_print(DdlRaw *raw, DdlStatement *statement);
/* MySQL's words for an expression, or NULL with *reason. */
const char *dbs_ddl_my_expression(const DdlExpr *expr, const DbsDdlOptions *options, const DdlCreateTable *table,
								  const char **reason);
const char *dbs_ddl_my_string(const char *text, int size);

#endif
