/*
 * What the printers share: the statement being built, its notes, names.
 */
#ifndef DBS_DDL_PRINT_H
#define DBS_DDL_PRINT_H

#include "lib/stringinfo.h"

#include "ddl_known.h"
#include "ddl_tree.h"

typedef struct DdlPrinter
{
	const DbsDdlOptions *options;
	DbsDdlStatement *out;
	DdlKnown *known;
	const char *default_schema; /* as USE may have changed it */
	const char *table_schema;   /* of the table being printed, as the source writes it: where its enum types go */
	int refused_at;             /* byte of the text at which an expression was refused last; a note takes it */
} DdlPrinter;

/* A foreign key that waits for its table. */
typedef struct DdlDeferredKey
{
	const char *schema; /* the table it waits for */
	const char *table;
	const char *sql;
	DbsDdlStatement *owner; /* gets it when the table never comes */
} DdlDeferredKey;

/* ---- common (ddl_print.c) ---- */
/* What was gathered, in no more memory than it takes: a StringInfo begins with a kilobyte, and a text has many names.
 */
const char *dbs_ddl_text(StringInfo gathered);
const char *dbs_ddl_format(const char *fmt, va_list args) pg_attribute_printf(1, 0);
void dbs_ddl_note(DdlPrinter *printer, DbsNoteSeverity severity, const char *fmt, ...) pg_attribute_printf(3, 4);
void dbs_ddl_sql(DdlPrinter *printer, const char *fmt, ...) pg_attribute_printf(2, 3);
void dbs_ddl_note_ignored(DdlPrinter *printer, List *ignored, const char *where);
void dbs_ddl_add_table(DdlPrinter *printer, const DdlName *name, bool created, bool dropped);
/* "name", made to fit PostgreSQL; a note when it had to be shortened. */
const char *dbs_ddl_pg_name(DdlPrinter *printer, const char *name);
const char *dbs_ddl_pg_quote(const char *name);
const char *dbs_ddl_mysql_quote(const char *name);
const char *dbs_ddl_fit(DdlPrinter *printer, const char *name);
/* The target's schema for a source's; NULL when none is written and none is the default. */
const char *dbs_ddl_target_schema(const DdlPrinter *printer, const char *schema);
/* "schema"."table" */
const char *dbs_ddl_pg_table(DdlPrinter *printer, const DdlName *name);
const char *dbs_ddl_pg_qualified(const char *schema, const char *name);
const char *dbs_ddl_pg_string(const char *text, int size);
/* 'a', 'b' of an ENUM or SET */
const char *dbs_ddl_pg_labels(const DdlType *type);
const char *dbs_ddl_pg_columns(DdlPrinter *printer, List *names);
/* The name of a table's index at the target. */
const char *dbs_ddl_pg_index_name(const char *table, const char *index);
bool dbs_ddl_has_nul(const DdlExpr *expr);

/* ---- PostgreSQL's types (ddl_pg_type.c) ---- */
const char *dbs_ddl_pg_type(DdlPrinter *printer, const DdlType *type, const char *column);
/* Adds the notes that a type deserves: unsigned, zerofill, character sets. */
void dbs_ddl_pg_type_notes(DdlPrinter *printer, const DdlColumn *column);
/* Folds what MySQL writes in several ways into one: binary character sets, MariaDB's JSON. */
void dbs_ddl_normalize_column(DdlColumn *column, const DdlCreateTable *table);
bool dbs_ddl_is_number(DdlTypeFamily family);
bool dbs_ddl_is_integer(DdlTypeFamily family);
bool dbs_ddl_is_text(DdlTypeFamily family);
bool dbs_ddl_is_bytes(DdlTypeFamily family);

/* ---- PostgreSQL's expressions (ddl_pg_expression.c) ---- */
typedef enum DdlContext
{
	DDL_CONTEXT_DEFAULT,   /* no columns; stable functions allowed */
	DDL_CONTEXT_CHECK,     /* columns; stable functions are a lie, so refused */
	DDL_CONTEXT_GENERATED, /* immutable only */
	DDL_CONTEXT_QUERY
} DdlContext;

/*
 * The expression in PostgreSQL's words, or NULL with *reason.  table gives
 * the columns' types and may be NULL.  want is what is needed: BOOLEAN for a
 * condition, a column's type for a default, NULL for anything.
 */
const char *dbs_ddl_pg_expression(DdlPrinter *printer, const DdlExpr *expr, const DdlKnownTable *table,
								  const DdlType *want, DdlContext context, const char **reason);
/* A column's default, or NULL: none (a note says so if there was one that cannot be carried over). */
const char *dbs_ddl_pg_default(DdlPrinter *printer, const DdlColumn *column, const DdlExpr *value);

/* The bytes that a literal stands for, as MySQL gives them to text and binary columns. */
DdlText dbs_ddl_literal_bytes(const DdlExpr *value);
/* Whether these bytes mean the same in UTF-8; charset is the column's, NULL when not known. */
bool dbs_ddl_is_utf8_literal(const DdlExpr *value, const char *charset);

/* ---- defaults that vary (ddl_pg_moment.c) ---- */
typedef enum DdlVariation
{
	DDL_VARIES_NEVER,
	DDL_VARIES_BY_TIME,  /* the same for all rows of one statement */
	DDL_VARIES_BY_CHANCE /* another value for each row */
} DdlVariation;

/* Whether a printed default varies. */
DdlVariation dbs_ddl_pg_variation(const char *sql);
/*
 * sql, which was printed for expr, as it was at the moment that the options name; NULL with *reason when that cannot be
 * known.
 */
const char *dbs_ddl_pg_at_moment(const DbsDdlOptions *options, const DdlExpr *expr, const char *sql,
								 const char **reason);
const char *dbs_ddl_pg_query(DdlPrinter *printer, const DdlQuery *query, const char **reason);

/* ---- PostgreSQL's statements ---- */
void dbs_ddl_pg_print(DdlPrinter *printer, DdlStatement *statement);
void dbs_ddl_pg_create_table(DdlPrinter *printer, DdlStatement *statement);
void dbs_ddl_pg_alter_table(DdlPrinter *printer, DdlStatement *statement);
void dbs_ddl_pg_partitions(DdlPrinter *printer, const DdlName *name, const DdlPartitioning *partitioning);
/* " PARTITION BY …" or "" with a note. */
const char *dbs_ddl_pg_partition_by(DdlPrinter *printer, DdlCreateTable *table);
/* How a bound of the partitioning function becomes one of the column. */
typedef enum DdlBound
{
	DDL_BOUND_PLAIN,
	DDL_BOUND_YEAR,
	DDL_BOUND_DAYS,
	DDL_BOUND_EPOCH
} DdlBound;

/* One value of a bound; NULL: MAXVALUE. NULL when it cannot be carried over. */
const char *dbs_ddl_pg_bound(DdlPrinter *printer, const DdlExpr *expr, DdlBound bound);
/* The name of a partition's table. */
const char *dbs_ddl_pg_partition_table(DdlPrinter *printer, const DdlName *name, const char *partition);
/* Actions on the partitions of a table that is there (ddl_pg_repartition.c); table is NULL when nothing is known of it.
 */
void dbs_ddl_pg_alter_partition(DdlPrinter *printer, const DdlStatement *statement, const DdlAction *action,
								const DdlKnownTable *table);
void dbs_ddl_pg_rename_table(DdlPrinter *printer, const DdlName *from, const DdlName *to, bool if_exists);
void dbs_ddl_pg_free_name(DdlPrinter *printer, const char *schema, const char *name);
void dbs_ddl_pg_ensure_schema(DdlPrinter *printer, const char *schema);

/* Parts that CREATE TABLE and ALTER TABLE share (ddl_pg_column.c, ddl_pg_key.c). */
/* The column's definition: "name" type …; adds follow-up statements to after. */
const char *dbs_ddl_pg_column(DdlPrinter *printer, DdlColumn *column, DdlKnownTable *table, const char *qualified,
							  int64 auto_increment, List **before, List **after);
void dbs_ddl_pg_on_update(DdlPrinter *printer, const DdlColumn *column, const DdlName *name, List **after);
/* NOT NULL goes where a zero date would break it; of columns in keys it stays. */
void dbs_ddl_pg_take_zero_dates(DdlPrinter *printer, DdlColumn *column);
const char *dbs_ddl_pg_enum_check(DdlPrinter *printer, const DdlColumn *column);
const char *dbs_ddl_pg_enum_name(const char *column, const DdlType *type);
void dbs_ddl_pg_comment(DdlPrinter *printer, const char *kind, const char *object, const char *comment, List **after);
/* CREATE INDEX …; NULL with a note when the index cannot be. */
void dbs_ddl_pg_key(DdlPrinter *printer, DdlKey *key, const DdlName *name, DdlKnownTable *table, List **after);
const char *dbs_ddl_pg_primary_key(DdlPrinter *printer, const DdlKey *key, const DdlName *name, DdlKnownTable *table);
/* CONSTRAINT … FOREIGN KEY …; NULL with a note when it cannot be. */
const char *dbs_ddl_pg_foreign_key(DdlPrinter *printer, DdlForeignKey *key, const DdlName *name, DdlKnownTable *table,
								   bool *deferred);
const char *dbs_ddl_pg_check(DdlPrinter *printer, DdlCheck *check, const DdlName *name, DdlKnownTable *table);
/* Fills in the names that MySQL gives to keys, foreign keys and checks without one. */
void dbs_ddl_name_key(DdlKey *key, const DdlKnownTable *table, const DdlCreateTable *create);
DdlKnownColumn *dbs_ddl_known_add_column(DdlPrinter *printer, DdlKnownTable *table, DdlColumn *column,
										 const char *pg_type);

#endif
