/*
 * The tree between the dialects: what a statement means, in neither
 * database's words.  Types stand by family and modifiers, operators by
 * meaning; strings are UTF-8 and names are as the source wrote them.
 */
#ifndef DBS_DDL_TREE_H
#define DBS_DDL_TREE_H

#include "ddl.h"

/* ---- types ----------------------------------------------------------------- */

/* One line for each family of column types that either side has; ddl_type.c holds the table. */
typedef enum DdlTypeFamily
{
	DDL_TYPE_NONE,
	DDL_TYPE_BOOLEAN, /* PostgreSQL's boolean; MySQL's BOOL and TINYINT(1) */
	DDL_TYPE_INT1,
	DDL_TYPE_INT2,
	DDL_TYPE_INT3,
	DDL_TYPE_INT4,
	DDL_TYPE_INT8,
	DDL_TYPE_DECIMAL, /* length 0: PostgreSQL's numeric without modifiers */
	DDL_TYPE_FLOAT4,
	DDL_TYPE_FLOAT8,
	DDL_TYPE_CHAR,
	DDL_TYPE_VARCHAR,
	DDL_TYPE_TEXT, /* length: the most characters, as MySQL's four sizes tell; 0 = without limit */
	DDL_TYPE_BINARY,
	DDL_TYPE_VARBINARY,
	DDL_TYPE_BLOB, /* length as for TEXT */
	DDL_TYPE_DATE,
	DDL_TYPE_TIME,  /* MySQL's TIME: a duration; fsp in length */
	DDL_TYPE_CLOCK, /* PostgreSQL's time: of a day */
	DDL_TYPE_CLOCK_TZ,
	DDL_TYPE_TIMESTAMP, /* without time zone: MySQL's DATETIME */
	DDL_TYPE_TIMESTAMPTZ,
	DDL_TYPE_INTERVAL,
	DDL_TYPE_YEAR,
	DDL_TYPE_ENUM,
	DDL_TYPE_SET,
	DDL_TYPE_BIT,
	DDL_TYPE_VARBIT,
	DDL_TYPE_JSON,
	DDL_TYPE_JSONB,
	DDL_TYPE_UUID,
	DDL_TYPE_INET4,
	DDL_TYPE_INET6,
	DDL_TYPE_INET,
	DDL_TYPE_GEOMETRY, /* name: the subtype, srid in srid */
	DDL_TYPE_VECTOR,
	DDL_TYPE_XML,
	DDL_TYPE_MONEY,
	DDL_TYPE_OTHER /* known by name only */
} DdlTypeFamily;

typedef struct DdlType
{
	DdlTypeFamily family;
	const char *schema; /* OTHER: its schema, if written */
	const char *name;   /* as written, for messages; the subtype of GEOMETRY; the type of OTHER */
	int64 length;       /* characters, bytes, digits or fraction digits; -1 = not written */
	int scale;          /* -1 = not written */
	bool is_unsigned;
	bool zerofill;
	bool is_serial; /* SERIAL, BIGSERIAL: brings its own sequence */
	List *labels;   /* ENUM, SET: of DdlText */
	const char *charset;
	const char *collation;
	int array_dimensions;
	int srid; /* -1 = not written */
	bool compressed;
} DdlType;

/* A string that may hold a NUL byte. */
typedef struct DdlText
{
	const char *text;
	int size;
} DdlText;

/* ---- names and expressions --------------------------------------------------- */

typedef struct DdlName
{
	const char *schema; /* NULL when not written */
	const char *name;
} DdlName;

typedef enum DdlExprKind
{
	DDL_EXPR_NULL,
	DDL_EXPR_BOOLEAN, /* text "true" or "false" */
	DDL_EXPR_NUMBER,
	DDL_EXPR_STRING,
	DDL_EXPR_HEX,
	DDL_EXPR_BITS,
	DDL_EXPR_TEMPORAL, /* DATE '…' and the like: text, type */
	DDL_EXPR_INTERVAL, /* args: the amount; text: the unit */
	DDL_EXPR_COLUMN,   /* text; qualifier */
	DDL_EXPR_STAR,
	DDL_EXPR_FUNCTION, /* text: lower-case name; args; distinct */
	DDL_EXPR_OPERATOR, /* text: meaning, see below; args: one or two */
	DDL_EXPR_CAST,     /* args: one; type */
	DDL_EXPR_CASE,     /* args: [operand or NULL], when, then, …, [else or NULL] */
	DDL_EXPR_IN,       /* args: value, then the list (or one query); negated */
	DDL_EXPR_BETWEEN,  /* args: value, low, high; negated */
	DDL_EXPR_ROW,
	DDL_EXPR_COLLATE, /* args: one; text: collation */
	DDL_EXPR_ARRAY,   /* args: elements */
	DDL_EXPR_QUERY,   /* query */
	DDL_EXPR_EXISTS,  /* query; negated */
	DDL_EXPR_VARIABLE
} DdlExprKind;

/*
 * Operators by meaning: + - * / div % neg plus, and or xor not, = <> < <= > >=
 * <=> (equal or both null), concat, like, regexp, & | ^ ~ << >>, -> ->>,
 * "is null", "is true", "is false", "is unknown"; negated turns each of the
 * is-operators, like and regexp round.
 */
typedef struct DdlExpr
{
	DdlExprKind kind;
	const char *text;
	int size; /* of text, for strings that hold a NUL byte */
	const char *qualifier;
	const char *schema;
	List *args;
	DdlType *type;
	struct DdlQuery *query;
	bool negated;
	bool distinct;
	const char *introducer; /* _utf8mb4'…' */
	int offset;             /* where in the text it stands */
} DdlExpr;

/* ---- queries (views, CREATE TABLE … AS) ---------------------------------------- */

typedef struct DdlSelectItem
{
	DdlExpr *expr;
	const char *alias;
} DdlSelectItem;

typedef struct DdlSource
{
	DdlName *table;
	struct DdlQuery *query;
	const char *alias;
	const char *join; /* NULL for the first one: "," "JOIN" "LEFT JOIN" "RIGHT JOIN" "CROSS JOIN" "NATURAL JOIN" … */
	DdlExpr *on;
	List *using_columns; /* of char * */
	List *nested;        /* of DdlSource: ( a JOIN b ) */
} DdlSource;

typedef struct DdlOrder
{
	DdlExpr *expr;
	bool descending;
	int nulls; /* 0 not written, 1 first, 2 last */
} DdlOrder;

typedef struct DdlQuery
{
	bool distinct;
	List *items;   /* of DdlSelectItem */
	List *sources; /* of DdlSource */
	DdlExpr *where;
	List *group_by;
	bool with_rollup;
	DdlExpr *having;
	List *order_by; /* of DdlOrder */
	DdlExpr *limit;
	DdlExpr *offset;
	const char *set_operation; /* "UNION", "UNION ALL", "EXCEPT", "INTERSECT" */
	struct DdlQuery *left;
	struct DdlQuery *right;
	List *with; /* of DdlCommonTable */
	bool with_recursive;
} DdlQuery;

typedef struct DdlCommonTable
{
	const char *name;
	List *columns; /* of char * */
	DdlQuery *query;
} DdlCommonTable;

/* ---- parts of tables ------------------------------------------------------------- */

typedef enum DdlKeyKind
{
	DDL_KEY_PRIMARY,
	DDL_KEY_UNIQUE,
	DDL_KEY_INDEX,
	DDL_KEY_FULLTEXT,
	DDL_KEY_SPATIAL,
	DDL_KEY_VECTOR
} DdlKeyKind;

typedef struct DdlKeyPart
{
	const char *column; /* or NULL and an expression */
	const char *called; /* PostgreSQL: what it calls an expression in the index's name */
	DdlExpr *expr;
	int length; /* prefix, 0 = whole */
	bool descending;
	int nulls;
} DdlKeyPart;

typedef struct DdlKey
{
	DdlKeyKind kind;
	const char *name; /* NULL when not written */
	const char *constraint_name;
	bool if_not_exists;
	bool is_constraint; /* PostgreSQL: written as a constraint */
	List *parts;        /* of DdlKeyPart */
	const char *method; /* USING */
	const char *comment;
	const char *parser;
	bool invisible;
	DdlExpr *where;
	List *included; /* of char * */
	bool nulls_not_distinct;
	bool without_overlaps;
	const char *without_overlaps_column;
	const char *using_index; /* PostgreSQL: the index that becomes the constraint; then parts is NIL */
	bool deferrable;
	bool missing;  /* not created at the target, as a note said, so there is nothing to drop */
	List *ignored; /* of char *: options without meaning elsewhere */
} DdlKey;

typedef struct DdlForeignKey
{
	const char *name;
	const char *source_name; /* PostgreSQL's, where the target needs another; else NULL */
	const char *index_name;
	List *columns; /* of char * */
	DdlName *table;
	List *referenced; /* of char *; NIL = the primary key */
	const char *on_delete;
	const char *on_update;
	const char *match;
	bool if_not_exists;
	bool deferrable;
	bool initially_deferred;
	bool not_enforced;
	bool not_valid;
	bool later; /* its table is created later in the text, and the key added then */
} DdlForeignKey;

typedef struct DdlCheck
{
	const char *name;
	const char *source_name; /* PostgreSQL's, where the target needs another; else NULL */
	DdlExpr *expr;
	bool not_enforced;
	bool if_not_exists;
	bool not_valid;
	const char *column; /* the column it was written behind */
	bool of_domain;
	bool missing; /* not created at the target, as a note said, so there is nothing to drop */
} DdlCheck;

typedef struct DdlSequenceOptions
{
	bool has_start, has_increment, has_min, has_max, has_cache, has_restart, no_min, no_max;
	bool cycle, no_cycle;
	int64 start, increment, min, max, cache, restart;
	DdlType *type;
	DdlName *owner;
	const char *owner_column;
	bool owner_none;
} DdlSequenceOptions;

typedef struct DdlColumn
{
	const char *name;
	DdlType *type;
	bool if_not_exists;
	bool not_null;
	bool null_written;
	DdlExpr *default_value;
	DdlExpr *on_update;
	bool auto_increment;
	bool identity;
	bool identity_always;
	DdlSequenceOptions *identity_options;
	bool primary;
	bool unique;
	DdlExpr *generated;
	bool stored;
	bool invisible;
	const char *comment;
	List *checks;       /* of DdlCheck */
	List *foreign_keys; /* of DdlForeignKey */
	bool first;
	const char *after;
	List *ignored; /* of char *: attributes without meaning elsewhere, as written */
	bool system_time_start, system_time_end;
	int offset;
} DdlColumn;

typedef enum DdlPartitionMethod
{
	DDL_PARTITION_NONE,
	DDL_PARTITION_RANGE,
	DDL_PARTITION_RANGE_COLUMNS,
	DDL_PARTITION_LIST,
	DDL_PARTITION_LIST_COLUMNS,
	DDL_PARTITION_HASH,
	DDL_PARTITION_KEY,
	DDL_PARTITION_SYSTEM_TIME
} DdlPartitionMethod;

typedef struct DdlPartition
{
	const char *name;
	List *values;   /* of DdlExpr; a ROW for several columns; NULL element = MAXVALUE (and MINVALUE in from) */
	List *from;     /* PostgreSQL's FROM: of DdlExpr */
	bool less_than; /* VALUES LESS THAN, else VALUES IN */
	bool is_default;
	bool maxvalue;
	int modulus;
	int remainder;
	List *ignored; /* of char *: options without meaning elsewhere, as written */
} DdlPartition;

typedef struct DdlPartitioning
{
	DdlPartitionMethod method;
	bool linear;
	DdlExpr *expr;
	List *columns;    /* of char * */
	int count;        /* PARTITIONS n, 0 = not written */
	List *partitions; /* of DdlPartition */
	bool subpartitioned;
} DdlPartitioning;

/* MariaDB's PERIOD FOR name (from, to) of an application */
typedef struct DdlPeriod
{
	const char *name;
	List *columns; /* of char *: two */
} DdlPeriod;

/* ---- statements ------------------------------------------------------------------- */

typedef enum DdlStatementKind
{
	DDL_CREATE_TABLE,
	DDL_ALTER_TABLE,
	DDL_DROP_TABLE,
	DDL_RENAME_TABLE,
	DDL_TRUNCATE_TABLE,
	DDL_CREATE_INDEX, /* an ALTER with one ADD KEY */
	DDL_DROP_INDEX,
	DDL_CREATE_SCHEMA,
	DDL_ALTER_SCHEMA,
	DDL_DROP_SCHEMA,
	DDL_CREATE_VIEW,
	DDL_DROP_VIEW,
	DDL_CREATE_SEQUENCE,
	DDL_ALTER_SEQUENCE,
	DDL_DROP_SEQUENCE,
	DDL_CREATE_TYPE, /* PostgreSQL's enums and domains */
	DDL_ALTER_TYPE,
	DDL_DROP_TYPE,
	DDL_COMMENT,
	DDL_RENAME_INDEX, /* PostgreSQL's: an index by its own name */
	DDL_USE,
	DDL_NOTHING
} DdlStatementKind;

typedef struct DdlCreateTable
{
	bool temporary;
	bool if_not_exists;
	bool or_replace;
	DdlName *like;
	List *columns;      /* of DdlColumn */
	List *keys;         /* of DdlKey */
	List *foreign_keys; /* of DdlForeignKey */
	List *checks;       /* of DdlCheck */
	List *ignored;      /* of char *: options without meaning elsewhere, as written */
	List *periods;      /* of DdlPeriod, but SYSTEM_TIME */
	const char *charset;
	const char *collation;
	const char *comment;
	int64 auto_increment; /* 0 = not written */
	DdlPartitioning *partitioning;
	DdlQuery *query;
	bool query_untranslatable;
	bool start_transaction;
	bool system_versioned;
	DdlName *partition_of; /* PostgreSQL */
	DdlPartition *partition_bound;
	List *inherits; /* of DdlName */
	int place;      /* among the tables that the text creates, from 1; 0: it is not remembered */
	bool changed;   /* a later statement changes it: what comes after that is not part of it */
	bool gone;      /* a later statement, which has been written, drops it */
} DdlCreateTable;

typedef enum DdlActionKind
{
	DDL_ADD_COLUMN,
	DDL_DROP_COLUMN,
	DDL_MODIFY_COLUMN, /* column, name = its old name (CHANGE) or NULL */
	DDL_RENAME_COLUMN,
	DDL_SET_DEFAULT,
	DDL_DROP_DEFAULT,
	DDL_SET_INVISIBLE,
	DDL_SET_VISIBLE,
	DDL_SET_TYPE,     /* PostgreSQL's ALTER COLUMN … TYPE */
	DDL_SET_NOT_NULL, /* PostgreSQL's */
	DDL_DROP_NOT_NULL,
	DDL_ADD_IDENTITY,
	DDL_DROP_IDENTITY,
	DDL_DROP_EXPRESSION,
	DDL_SET_EXPRESSION,
	DDL_ADD_KEY,
	DDL_DROP_KEY,
	DDL_DROP_PRIMARY_KEY,
	DDL_RENAME_KEY,
	DDL_ALTER_KEY_VISIBLE,
	DDL_ADD_FOREIGN_KEY,
	DDL_DROP_FOREIGN_KEY,
	DDL_ADD_CHECK,
	DDL_DROP_CHECK,
	DDL_DROP_CONSTRAINT, /* of any kind */
	DDL_ALTER_CHECK_ENFORCED,
	DDL_RENAME_CONSTRAINT, /* of any kind */
	DDL_RENAME_TABLE_TO,
	DDL_SET_SCHEMA,
	DDL_CONVERT_CHARSET,
	DDL_TABLE_COMMENT,
	DDL_SET_AUTO_INCREMENT,
	DDL_ADD_PARTITION,
	DDL_DROP_PARTITION,
	DDL_TRUNCATE_PARTITION,
	DDL_EXCHANGE_PARTITION,
	DDL_ATTACH_PARTITION,
	DDL_DETACH_PARTITION,
	DDL_REORGANIZE_PARTITION,
	DDL_COALESCE_PARTITION,
	DDL_REMOVE_PARTITIONING,
	DDL_PARTITION_BY,
	DDL_SYSTEM_VERSIONING,
	DDL_IGNORED_ACTION
} DdlActionKind;

typedef struct DdlAction
{
	DdlActionKind kind;
	const char *name;
	const char *new_name;
	bool if_exists;
	bool flag; /* on / off; VISIBLE, ENFORCED; CASCADE */
	DdlColumn *column;
	DdlExpr *expr;
	DdlKey *key;
	DdlForeignKey *foreign_key;
	DdlCheck *check;
	DdlName *table;
	DdlPartitioning *partitioning;
	List *names; /* of char *: partitions */
	bool all_partitions;
	int64 number;
	const char *text;         /* IGNORED: the action as written */
	DbsNoteSeverity severity; /* IGNORED: what its loss means */
	const char *reason;
	int offset;
} DdlAction;

typedef struct DdlStatement
{
	DdlStatementKind kind;
	bool if_exists;
	bool if_not_exists;
	bool or_replace;
	bool temporary;
	bool cascade;
	bool restart_identity;
	DdlName *name;
	DdlCreateTable *create;
	List *actions;   /* of DdlAction */
	List *names;     /* of DdlName: DROP several; RENAME: old, new, old, new … */
	DdlQuery *query; /* a view's */
	bool query_untranslatable;
	const char *query_error;
	bool invoker;  /* a view's SQL SECURITY INVOKER */
	List *columns; /* of char *: a view's */
	const char *check_option;
	DdlSequenceOptions *sequence;
	const char *charset;
	const char *collation;
	const char *comment;
	const char *comment_column;    /* COMMENT ON COLUMN */
	const char *object;            /* COMMENT ON what; a type's kind */
	List *labels;                  /* of DdlText: an enum type's */
	List *old_labels;              /* ALTER TYPE: those that the columns have so far */
	DdlType *type;                 /* a domain's */
	List *checks;                  /* a domain's: of DdlExpr */
	const struct TypeName *domain; /* a domain's base type, as PostgreSQL's parser has it */
	bool not_null;
	DdlExpr *default_value;
	const char *new_name;
	const char *before_label;
	const char *after_label;
	List *ignored; /* of char *: what has no meaning elsewhere */
	const char *ignored_reason;
} DdlStatement;

#endif
