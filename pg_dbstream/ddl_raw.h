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
	DdlNames by_name;     /* the same by schema and name, and by the name alone */
	DdlNames check_names; /* of DdlStatement: whose check has the name, by database; dbs_ddl_my_take_names */
	DdlNames key_names;   /* and whose foreign key */
	int tables;           /* how many CREATE TABLE */
	List *types;          /* of DdlStatement: CREATE TYPE and CREATE DOMAIN seen in this text */
	List *notes;
} DdlRaw;

/* One element of a table in MySQL's words, in pieces that can be compared with those of the same table at another time.
 */
typedef struct DdlMyPart
{
	const char *name;
	const char *kind;  /* of a key: "UNIQUE KEY" */
	const char *sql;   /* column: "`a` INT NOT NULL"; key: "(`a`)"; check: "CHECK (…)"; foreign key: up to the table's
							 name;
						  NULL: MySQL cannot have it */
	const char *value; /* column: its default, or NULL */
	const char *tail;  /* column: what stands behind the default; foreign key: behind the table */
	const DdlName *table; /* foreign key: what it refers to */
	bool generated;
	List *notes; /* of DbsNote */
} DdlMyPart;

typedef struct DdlMyTable
{
	List *columns; /* of DdlMyPart, so are the next three */
	List *keys;
	List *foreign_keys;
	List *checks;
	const char *comment;
	const char *charset;
	int64 auto_increment; /* 0: none */
	List *notes;          /* of DbsNote: about the table as a whole */
} DdlMyTable;

/* Every statement of the text; ends in the same shape as the other direction. */
List *dbs_ddl_translate_raw(const char *text, const DbsDdlOptions *options);

/* PostgreSQL's parse trees of a text (RawStmt), or NIL with the error's text and its offset in characters. */
List *dbs_ddl_parse_raw(const char *sql, const char **error, int *offset);

/* The elements of the first table that the text creates, with all that the text says of it. */
void dbs_ddl_translate_table(const char *text, const DbsDdlOptions *options, DdlMyTable *out);

/* An existing table as PostgreSQL's own statements (ddl_sql.c); NULL when there is none. fresh: as this command left
 * it.
 */
char *dbs_ddl_table_statements(Oid table, bool fresh);

/* ---- reading (ddl_raw_*.c) ---- */
/* The tree, or NULL for what has none: then class, tag and a note are set. */
DdlStatement *dbs_ddl_raw_read(DdlRaw *raw, Node *node);
DdlExpr *dbs_ddl_raw_expression(Node *node);
DdlType *dbs_ddl_raw_type(const DdlRaw *raw, TypeName *name);
DdlName *dbs_ddl_raw_name(const RangeVar *variable);
DdlName *dbs_ddl_raw_qualified(List *names);
DdlStatement *dbs_ddl_raw_statement(DdlStatementKind kind, DdlName *name);
DdlSequenceOptions *dbs_ddl_raw_sequence_options(DdlRaw *raw, List *options);
DdlStatement *dbs_ddl_raw_create_table(DdlRaw *raw, CreateStmt *create);
DdlStatement *dbs_ddl_raw_index(DdlRaw *raw, IndexStmt *index);
DdlStatement *dbs_ddl_raw_alter_table(DdlRaw *raw, AlterTableStmt *alter);
DdlStatement *dbs_ddl_raw_rename(DdlRaw *raw, RenameStmt *rename);
DdlStatement *dbs_ddl_raw_set_schema(DdlRaw *raw, AlterObjectSchemaStmt *alter);
/* A column; its keys, checks and foreign keys go into the table. */
DdlColumn *dbs_ddl_raw_column(DdlRaw *raw, DdlCreateTable *table, ColumnDef *definition);
/* A constraint, of the column when one is given; false when it is none that the target has as an element of its own. */
bool dbs_ddl_raw_constraint(DdlRaw *raw, DdlCreateTable *table, const Constraint *constraint, const char *column);
/* Is the name in the List of char *? */
bool dbs_ddl_raw_has_name(List *names, const char *name);
void dbs_ddl_raw_set_not_null(DdlCreateTable *table, const char *column);
/* The columns of the table's primary key take no nulls. */
void dbs_ddl_raw_settle_primary(DdlCreateTable *table);
/* A column's constraints with DEFERRABLE and the like, which the grammar lists apart, put where they belong. */
List *dbs_ddl_raw_attributes(List *constraints);
/* Names that PostgreSQL would choose, where none is written. known: what the table has already; may be NULL. */
void dbs_ddl_raw_name_constraints(DdlCreateTable *table, const DdlCreateTable *known, const char *relation);
/*
 * The text creates the table.  Reading and writing go through the text one after the other, and both say so: of several
 * of one name, the last one said is meant.
 */
void dbs_ddl_raw_remember_table(DdlRaw *raw, DdlStatement *created);
/* What this text created under the name; NULL: nothing. A name without a schema means one of any schema. */
DdlStatement *dbs_ddl_raw_find_table(const DdlRaw *raw, const DdlName *name);
DdlCreateTable *dbs_ddl_raw_created_table(DdlRaw *raw, const DdlName *name);
/* The same while the text is read, if it still is as it was created. */
const DdlCreateTable *dbs_ddl_raw_unchanged_table(DdlRaw *raw, const DdlName *name);
/* It is no longer there, or under another name. */
void dbs_ddl_raw_forget_table(DdlRaw *raw, const DdlName *name);
void dbs_ddl_raw_rename_table(DdlRaw *raw, const DdlName *name, const DdlName *new_name);
/* A type that this text creates: an enum (labels), a domain (type) or a composite type (create); NULL: none. */
const DdlStatement *dbs_ddl_raw_find_type(const DdlRaw *raw, const char *name);
/* Does the column with this default take its values from a sequence?  Then number makes it AUTO_INCREMENT. */
bool dbs_ddl_raw_is_numbered(const DdlColumn *column, const DdlExpr *value);
void dbs_ddl_raw_number(DdlRaw *raw, DdlColumn *column);
/* NOT NULL, DEFAULT and CHECK of the column's domain, into the column and the table; nothing for another type. */
void dbs_ddl_raw_domain(DdlRaw *raw, DdlCreateTable *table, DdlColumn *column, const TypeName *name);
/* text with a check of labels goes back to the ENUM or SET that it came from. */
void dbs_ddl_raw_restore_labels(DdlCreateTable *table);
/* left(column, n) and substr(column, 1, n) are what MySQL's prefixes become: they go back. */
void dbs_ddl_raw_restore_prefix(DdlKeyPart *part);
void dbs_ddl_raw_note(DdlRaw *raw, DbsNoteSeverity severity, const char *fmt, ...) pg_attribute_printf(3, 4);

/* ---- writing (ddl_my_*.c) ---- */
void dbs_ddl_my_print(DdlRaw *raw, DdlStatement *statement);
/* The elements of a CREATE TABLE. */
void dbs_ddl_my_parts(DdlRaw *raw, DdlStatement *statement, DdlMyTable *out);
/* MySQL's words for an expression, or NULL with *reason. */
const char *dbs_ddl_my_expression(const DdlExpr *expr, const DbsDdlOptions *options, const DdlCreateTable *table,
								  const char **reason);
const char *dbs_ddl_my_string(const char *text, int size);

#endif
