/*
 * What the files share that write ALTER TABLE in PostgreSQL's words.
 */
#ifndef DBS_DDL_PG_ALTER_H
#define DBS_DDL_PG_ALTER_H

#include "ddl_print.h"

typedef struct DdlAlter
{
	DdlPrinter *printer;
	DdlStatement *statement;
	DdlKnownTable *table; /* not complete when nothing is known */
	const char *qualified;
	const char *schema;
	const char *name;      /* the table's, at the target */
	List *keys_again;      /* of DdlKey */
	List *generated_again; /* of char * */
	List *after;
} DdlAlter;

/* ---- ddl_pg_alter.c ---- */
bool dbs_ddl_alter_is_known(const DdlAlter *alter);
void dbs_ddl_alter_sql_all(DdlAlter *alter, List *statements);

/* ---- what goes (ddl_pg_alter_drop.c) ---- */
void dbs_ddl_alter_drop_primary_key(DdlAlter *alter);
void dbs_ddl_alter_drop_key(DdlAlter *alter, const DdlAction *action);
/* A foreign key or check; DROP CONSTRAINT may also mean a key. */
void dbs_ddl_alter_drop_constraint(DdlAlter *alter, const DdlAction *action);
void dbs_ddl_alter_drop_column(DdlAlter *alter, const DdlAction *action);

/* ---- renames (ddl_pg_alter_rename.c) ---- */
/*
 * An expression as the catalogue deparses it, with one column's name put for
 * another's; *found tells whether it was there.
 */
const char *dbs_ddl_alter_replace_name(const char *expression, const char *from, const char *to, bool *found);
/* All columns that the statement's actions rename, together. */
void dbs_ddl_alter_rename_columns(DdlAlter *alter);
void dbs_ddl_alter_rename_key(DdlAlter *alter, const DdlAction *action);

/* ---- values of another type (ddl_pg_conversion.c) ---- */
/* A type's name as the translator writes it, for one as the catalogue writes it. */
const char *dbs_ddl_pg_plain_type(const char *pg_type);
/* Does PostgreSQL want to be told how to convert?  known is the column as it was, or NULL. */
bool dbs_ddl_pg_needs_using(const DdlKnownColumn *known, const char *pg_type);
/* USING: how the old values become the new type's, as MySQL converts them. */
const char *dbs_ddl_pg_using(const DdlKnownColumn *known, const char *quoted, const char *pg_type, const DdlType *type);
/* What MySQL gives to rows that are there when a NOT NULL column without default comes; NULL: none. */
const char *dbs_ddl_pg_implicit_default(const DdlType *type, const char *pg_type);

/* ---- changes (ddl_pg_alter_modify.c) ---- */
void dbs_ddl_alter_note_place(DdlAlter *alter, const DdlColumn *column);
void dbs_ddl_alter_modify_column(DdlAlter *alter, const DdlAction *action);
void dbs_ddl_alter_set_default(DdlAlter *alter, const DdlAction *action);
void dbs_ddl_alter_set_auto_increment(DdlAlter *alter, const DdlAction *action);

/* ---- what comes (ddl_pg_alter_add.c) ---- */
void dbs_ddl_alter_add_column(DdlAlter *alter, const DdlAction *action);
/* PRIMARY KEY, UNIQUE and REFERENCES written behind a column that comes or changes. */
void dbs_ddl_alter_add_column_keys(DdlAlter *alter, DdlColumn *column);
void dbs_ddl_alter_add_key(DdlAlter *alter, DdlKey *key);
void dbs_ddl_alter_add_foreign_key(DdlAlter *alter, DdlForeignKey *key);

#endif
