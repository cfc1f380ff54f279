/*
 * What the files share that write ALTER TABLE for MySQL and MariaDB.
 */
#ifndef DBS_DDL_MY_ALTER_H
#define DBS_DDL_MY_ALTER_H

#include "ddl_my.h"

/* A statement on its way: its parts so far, and the table as they leave it. */
typedef struct DdlMyAlter
{
	DdlRaw *raw;
	const DdlName *name;
	DdlCreateTable *table; /* as far as it is known, else NULL */
	List *written;         /* of char *: columns that the statement writes whole, with the length that its keys need */
	List *added;           /* of char *: columns that it adds */
	List *narrowed;        /* of char *: columns that become NOT NULL */
	List *retyped;         /* of char *: columns that get another type */
	List *after;           /* of char *: what needs a statement of its own, behind this one */
	StringInfoData sql;
} DdlMyAlter;

/* ---- ddl_my_alter.c ---- */
void dbs_ddl_my_add_part(DdlMyAlter *alter, const char *fmt, ...) pg_attribute_printf(2, 3);
bool dbs_ddl_my_is_mysql(const DdlMyAlter *alter);
/* MODIFY COLUMN, in the statement or in one before or after it. */
void dbs_ddl_my_add_modify(DdlMyAlter *alter, const DdlColumn *column, const DdlCreateTable *table);
/* "IF EXISTS " where the target has it; else a note, unless the table tells that it is needless. */
const char *dbs_ddl_my_if_exists(DdlMyAlter *alter, bool wanted, const char *words);

/* ---- keys and constraints (ddl_my_alter_key.c) ---- */
/* Is it one of MySQL's indexes of expressions? */
bool dbs_ddl_my_has_expression(const DdlKey *key);
void dbs_ddl_my_alter_add_key(DdlMyAlter *alter, DdlKey *key);
void dbs_ddl_my_alter_drop_key(DdlMyAlter *alter, DdlKey *key);
void dbs_ddl_my_alter_add_check(DdlMyAlter *alter, DdlCheck *check);
void dbs_ddl_my_alter_drop_check(DdlMyAlter *alter, DdlCheck *check);
void dbs_ddl_my_alter_add_foreign_key(DdlMyAlter *alter, DdlForeignKey *key);
void dbs_ddl_my_alter_drop_foreign_key(DdlMyAlter *alter, DdlForeignKey *key);
void dbs_ddl_my_alter_drop_constraint(DdlMyAlter *alter, const DdlAction *action);
void dbs_ddl_my_alter_rename_constraint(DdlMyAlter *alter, const DdlAction *action);
/* Foreign keys that use an index which was made for another purpose. */
List *dbs_ddl_my_indexed_keys(const DdlCreateTable *table);
/* Indexes that these foreign keys and AUTO_INCREMENT need, where the last one went. */
void dbs_ddl_my_keep_indexes(DdlMyAlter *alter, List *indexed);

#endif
