/*
 * What is known of the target's tables while a text is translated: from its
 * own earlier statements and, where allowed, from the catalogue.  Every
 * translated statement changes it, so that the next one sees its effect.
 */
#ifndef DBS_DDL_KNOWN_H
#define DBS_DDL_KNOWN_H

#include "ddl_names.h"
#include "ddl_tree.h"

typedef struct DdlKnownColumn
{
	const char *name;
	DdlType *type;       /* the source's words when seen, else by the target's type */
	const char *pg_type; /* as format_type writes it or the printer wrote it */
	bool not_null;
	bool has_default;
	bool identity;
	bool serial; /* default from a sequence of its own */
	bool generated;
	const char *expression; /* of a generated column, in the target's words */
	bool has_enum_check;
	bool has_set_check;
	bool on_update;
	DdlColumn *column; /* its definition, when seen */
} DdlKnownColumn;

typedef struct DdlKnownKey
{
	const char *name;    /* MySQL's */
	const char *pg_name; /* PostgreSQL's */
	DdlKeyKind kind;
	bool is_constraint;
	DdlKey *key;         /* its definition, when seen or plain columns */
	const char *pg_tail; /* "USING btree (…)", when only the catalogue knows it */
} DdlKnownKey;

typedef struct DdlKnownConstraint
{
	const char *name;
	char kind;     /* 'f', 'c' */
	bool missing;  /* not carried over, so there is nothing to drop */
	List *columns; /* of char *: those it uses, where the catalogue tells */
} DdlKnownConstraint;

typedef struct DdlKnownPartition
{
	const char *name; /* its table's, at the target; in the schema of the whole */
	const char *from; /* of a range: "('2024-01-01')" */
	const char *to;
	bool is_default;
} DdlKnownPartition;

typedef struct DdlKnown DdlKnown;

/* A table of a query's FROM clause, by the name that it has there. */
typedef struct DdlKnownPart
{
	const char *qualifier;
	const struct DdlKnownTable *table;
} DdlKnownPart;

typedef struct DdlKnownTable
{
	const char *schema; /* the target's; NULL = as the search path finds it */
	const char *name;   /* the target's */
	bool complete;      /* all columns and keys are known */
	bool absent;        /* known not to exist */
	bool dropped;
	bool empty;         /* the catalogue says that there is not one page */
	char partitioned;   /* 'r', 'l', 'h' or 0 */
	List *partitions;   /* of DdlKnownPartition, in the order of their bounds; when the catalogue tells */
	List *partition_by; /* of char *: columns */
	List *columns;      /* of DdlKnownColumn */
	List *keys;         /* of DdlKnownKey: changed by dbs_ddl_known_…_key only */
	List *constraints;  /* of DdlKnownConstraint */
	DdlKnown *known;    /* where it can be found by name; NULL: nowhere */
	List *parts;        /* of DdlKnownPart, where this is what a query sees */
} DdlKnownTable;

typedef enum DdlNameTaken
{
	DDL_NAME_FREE,
	DDL_NAME_INDEX, /* of the table told, by its own name */
	DDL_NAME_OTHER  /* a table, view or sequence */
} DdlNameTaken;

struct DdlKnown
{
	DdlNames tables;  /* of DdlKnownTable: one for each name, dropped and absent ones too */
	DdlNames indexes; /* of DdlKnownTable: whose index it is */
	/* Asks the catalogue; NULL where it may not be looked at. Returns NULL when the table does not exist. */
	DdlKnownTable *(*load)(const char *schema, const char *name);
	bool (*schema_exists)(const char *schema);
	/* Says whose index or other relation bears the name; NULL where the catalogue may not be looked at. */
	DdlNameTaken (*name_taken)(const char *schema, const char *name, const char **table);
	List *schemas;  /* of char *: created by this text */
	List *deferred; /* of DdlDeferredKey: foreign keys whose table comes later in the text */
};

/* The table, or NULL when nothing is known (with absent set: known not to be there). */
DdlKnownTable *dbs_ddl_known_table(DdlKnown *known, const char *schema, const char *name);
DdlKnownTable *dbs_ddl_known_create(DdlKnown *known, const char *schema, const char *name);
void dbs_ddl_known_drop(DdlKnown *known, const char *schema, const char *name);
void dbs_ddl_known_rename(DdlKnown *known, DdlKnownTable *table, const char *schema, const char *name);
DdlKnownColumn *dbs_ddl_known_column(const DdlKnownTable *table, const char *name);
DdlKnownKey *dbs_ddl_known_key(const DdlKnownTable *table, const char *name);
/* All that changes the names of a table's indexes. */
void dbs_ddl_known_add_key(DdlKnownTable *table, DdlKnownKey *key);
void dbs_ddl_known_drop_key(DdlKnownTable *table, DdlKnownKey *key);
void dbs_ddl_known_rename_key(DdlKnownTable *table, DdlKnownKey *key, const char *pg_name);
DdlKnownConstraint *dbs_ddl_known_constraint(const DdlKnownTable *table, const char *name);

/*
 * PostgreSQL's tables and indexes share their names in a schema, MySQL's do not: index "items" of "order" and table
 * "order_items".  The table keeps the name, the index takes one with a hash of both its parts.
 */
const char *dbs_ddl_other_index_name(const char *table, const char *index);
/* MySQL's name in an index's name, made in either way; NULL when it was not made from the table's. */
const char *dbs_ddl_index_part(const char *table, const char *pg_name);
/* The name for an index that comes. */
const char *dbs_ddl_known_index_name(DdlKnown *known, const char *schema, const char *table, const char *index);
/* The index that bears the name of a table that comes, renamed in what is known; NULL: none, or not one of a MySQL
 * table. */
const char *dbs_ddl_known_index_gives_way(DdlKnown *known, const char *schema, const char *name);

/* The catalogue's answers (ddl_catalog.c). */
DdlNameTaken dbs_ddl_catalog_name_taken(const char *schema, const char *name, const char **table);
DdlKnownTable *dbs_ddl_catalog_table(const char *schema, const char *name);
bool dbs_ddl_catalog_schema_exists(const char *schema);

#endif
