/*
 * What the files share that write MySQL's and MariaDB's words.
 *
 * raw takes the statements and the notes.  table is the CREATE TABLE that a
 * part belongs to, as far as the text shows it; it may be NULL, and then less
 * is known and said.
 */
#ifndef DBS_DDL_MY_H
#define DBS_DDL_MY_H

#include "ddl_raw.h"

/* MySQL's keys hold so many characters of utf8mb4 at most: 3,072 bytes. */
#define DDL_KEY_TEXT_LENGTH 255

/* ---- statements and names (ddl_my_print.c) ---- */
void dbs_ddl_my_sql(DdlRaw *raw, const char *fmt, ...) pg_attribute_printf(2, 3);
/* The database for a schema; NULL: none is named. */
const char *dbs_ddl_my_schema(DdlRaw *raw, const char *schema);
/* `database`.`table` */
const char *dbs_ddl_my_table_name(DdlRaw *raw, const DdlName *name);
/* `a`, `b` of a List of char * */
const char *dbs_ddl_my_columns(List *names);
/* The statement concerns the table. */
void dbs_ddl_my_add_table(DdlRaw *raw, const DdlName *name, bool created, bool dropped);

/* ---- types (ddl_my_type.c) ---- */
const char *dbs_ddl_my_type(DdlRaw *raw, const DdlType *type, const char *column, bool in_key);

/* ---- columns (ddl_my_column.c) ---- */
const DdlColumn *dbs_ddl_my_find_column(const DdlCreateTable *table, const char *name);
/* The default of a column of MySQL's type; NULL: none, or one that a note says cannot be carried over. */
const char *dbs_ddl_my_default(DdlRaw *raw, const DdlColumn *column, const char *type);
/* The column without its default and comment; *value is the default, or NULL. */
const char *dbs_ddl_my_column_base(DdlRaw *raw, const DdlColumn *column, const DdlCreateTable *table,
								   const char **value);
/* What stands behind the default. */
const char *dbs_ddl_my_column_tail(const DdlColumn *column);
const char *dbs_ddl_my_column(DdlRaw *raw, const DdlColumn *column, const DdlCreateTable *table);

/* ---- keys (ddl_my_key.c) ---- */
/* Does the expression use the column? */
bool dbs_ddl_my_uses_column(const DdlExpr *expr, const char *name);
/* Are the foreign key's actions carried over to the table as it is? */
bool dbs_ddl_my_keeps_actions(const DdlRaw *raw, const DdlForeignKey *key, const DdlCreateTable *table);
/* Is the column in a key that compares whole values? */
bool dbs_ddl_my_in_key(const DdlCreateTable *table, const char *column);
/* Has the column's type no length that a key could have? */
bool dbs_ddl_my_is_long(DdlRaw *raw, const DdlColumn *column, const DdlCreateTable *table);
/* Does a key begin with the columns (a List of char *)? */
bool dbs_ddl_my_has_index(const DdlCreateTable *table, List *columns);
/* "KEY `name` (…)" as CREATE TABLE writes it; NULL with a note. */
const char *dbs_ddl_my_key(DdlRaw *raw, const DdlKey *key, const DdlCreateTable *table);
/* The same of a key that comes, which then knows whether the target has it. */
const char *dbs_ddl_my_new_key(DdlRaw *raw, DdlKey *key, const DdlCreateTable *table);
const char *dbs_ddl_my_key_kind(const DdlKey *key);
/* "(…)": what the key is of; NULL with a note. */
const char *dbs_ddl_my_key_parts(DdlRaw *raw, const DdlKey *key, const DdlCreateTable *table);
/* "CONSTRAINT `name` FOREIGN KEY (…) REFERENCES table (…) …", and what stands before and behind the table. */
const char *dbs_ddl_my_foreign_key(DdlRaw *raw, const DdlForeignKey *key, const DdlCreateTable *table);
const char *dbs_ddl_my_foreign_key_head(const DdlForeignKey *key);
const char *dbs_ddl_my_foreign_key_tail(DdlRaw *raw, const DdlForeignKey *key, const DdlCreateTable *table);
/* "CONSTRAINT `name` CHECK (…)"; NULL with a note. */
const char *dbs_ddl_my_check(DdlRaw *raw, const DdlCheck *check, const DdlCreateTable *table);
/* The same of a check that comes, which then knows whether the target has it. */
const char *dbs_ddl_my_new_check(DdlRaw *raw, DdlCheck *check, const DdlCreateTable *table);

/* ---- tables (ddl_my_table.c, ddl_my_alter.c) ---- */
/* Names that the target wants unique in a database get another one where a table of this text has them. */
void dbs_ddl_my_settle_names(DdlRaw *raw, const DdlStatement *statement, List *checks, List *foreign_keys);
/* The table's constraints have their names from here on: after it was created, and after each change. */
void dbs_ddl_my_take_names(DdlRaw *raw, DdlStatement *created);
/* A note when a column before this one has the same name in other case. */
void dbs_ddl_my_note_case(DdlRaw *raw, const DdlCreateTable *table, const DdlColumn *column);
void dbs_ddl_my_create_table(DdlRaw *raw, DdlStatement *statement);
void dbs_ddl_my_alter_table(DdlRaw *raw, DdlStatement *statement);

#endif
