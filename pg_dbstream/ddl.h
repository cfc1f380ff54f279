/*
 * DDL translation: text of one dialect to a tree, a tree to text of another.
 *
 * Everything is palloc'd in the current memory context and lives as long as
 * it does.  Malformed text never throws: it yields a statement of class
 * DDL_CLASS_UNKNOWN with a note that says where and why.
 */
#ifndef DBS_DDL_H
#define DBS_DDL_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "stream_row.h"

typedef enum DbsDialect
{
	DBS_DIALECT_MYSQL,
	DBS_DIALECT_MARIADB,
	DBS_DIALECT_POSTGRESQL
} DbsDialect;

typedef enum DbsDdlClass
{
	DBS_DDL_APPLY,   /* has a translation (sql), which may be empty when every part of it has no meaning there */
	DBS_DDL_IGNORE,  /* does not concern data (GRANT, FLUSH, ANALYZE, comments): a note says so */
	DBS_DDL_DML,     /* INSERT, UPDATE, DELETE, REPLACE, LOAD DATA …: rows changed by a statement */
	DBS_DDL_CONTROL, /* BEGIN, COMMIT, ROLLBACK, SAVEPOINT, XA …: transaction control */
	DBS_DDL_UNKNOWN  /* cannot be parsed or cannot be translated: never to be skipped in silence */
} DbsDdlClass;

typedef enum DbsNoteSeverity
{
	DBS_NOTE_INFO,    /* said for completeness; nothing lost */
	DBS_NOTE_WARNING, /* something is lost or changed in meaning that does not change rows */
	DBS_NOTE_ERROR    /* cannot be carried over; on_ddl = 'apply' stops here */
} DbsNoteSeverity;

typedef struct DbsNote
{
	DbsNoteSeverity severity;
	const char *text;
	int place; /* where in the statement's text it lies: the byte, from 1; 0 = not known */
} DbsNote;

/* A table that the statement creates, changes, renames or drops, by the source's names. */
typedef struct DbsDdlTable
{
	const char *schema; /* the default schema filled in */
	const char *name;
	bool created; /* comes into being by this statement (also a rename's new name) */
	bool dropped; /* ceases to be (also a rename's old name) */
} DbsDdlTable;

/* A foreign key that waits: the table it refers to is not here yet. */
typedef struct DbsDdlWaitingKey
{
	const char *schema; /* that table's, by the target's names */
	const char *table;
	const char *name; /* the key's */
	const char *sql;  /* ALTER TABLE … ADD CONSTRAINT … */
} DbsDdlWaitingKey;

typedef struct DbsDdlStatement
{
	DbsDdlClass class;
	const char *source_sql; /* this statement's own text */
	const char *tag;        /* "CREATE TABLE" */
	List *tables;           /* of DbsDdlTable; empty when it concerns no table */
	const char *schema;     /* CREATE / ALTER / DROP DATABASE: its name, else NULL */
	List *sql;              /* of char *: statements to execute in order at the target */
	List *notes;            /* of DbsNote */
	List *waiting;          /* of DbsDdlWaitingKey: not in sql; in a stream only */
	bool empties;           /* TRUNCATE: it takes rows away that the log does not show, and changes nothing else */
	List *emptied;          /* of char *: only these partitions of the table; NIL: the tables */
	int error_line;         /* class UNKNOWN: where in the whole text, from 1; else 0 */
	int error_column;
} DbsDdlStatement;

typedef struct DbsDdlOptions
{
	DbsDialect source;
	DbsDialect target;
	const char *default_schema; /* may be NULL */
	uint64 sql_mode;            /* MySQL's bit mask: ANSI_QUOTES and the like */

	/* Source schema to target schema, in pairs; a schema not named keeps its name. */
	List *schema_from; /* of char * */
	List *schema_to;

	/* The type options of a stream, by their values' first letters; NULL or "" means the default. */
	const char *tinyint1;        /* "boolean" | "smallint" */
	const char *bigint_unsigned; /* "numeric" | "bigint" */
	const char *binary16;        /* "bytea" | "uuid" */
	const char *time;            /* "interval" | "time" */
	const char *enum_as;         /* "text" | "type" */
	const char *set_as;          /* "array" | "text" */
	const char *json;            /* "jsonb" | "json" */
	bool has_postgis;
	bool has_vector;
	bool no_partitions; /* leave partitioned tables in one piece */

	/* What the statement's text does not say, where it was run. In a stream only. */
	bool has_moment; /* moment is known: microseconds since 2000-01-01 UTC, what CURRENT_TIMESTAMP gave it */
	int64 moment;
	bool has_utc_offset; /* utc_offset is known: of its session's time zone then, in seconds, east is positive */
	int utc_offset;
	bool cascades_unlogged; /* what its foreign keys' actions change is not in its log: none may be left out */
	bool zero_dates_null;   /* zero dates become NULL, so columns of dates outside keys take it whatever they say */

	/*
	 * May the translator look at the target's catalogue (for example: the type
	 * of a column that CHANGE moves, an index's table)?  True in the stream.
	 */
	bool use_catalog;
} DbsDdlOptions;

/* Every statement of text, in order: a List of DbsDdlStatement. Never NIL unless text is blank. */
List *dbs_ddl_translate(const char *text, const DbsDdlOptions *options);

/*
 * Parse a stream's or function's jsonb options into *options (which the caller
 * has set to zero and the dialects); unknown names are an ereport that names the nearest.
 */
void dbs_ddl_options_from_jsonb(Jsonb *json, DbsDdlOptions *options);

/* The target and what a stream's options say of types and schemas; the rest of *options stays. Needs a transaction. */
void dbs_ddl_options_from_stream(const DbsStream *stream, DbsDdlOptions *options);

/* Notes as SQL comments, a line each: "-- warning: …". No text of theirs leaves its line. */
void dbs_ddl_append_notes(StringInfo out, List *notes);

/* "-- prefix" and as much of text as fits one line of a comment. */
void dbs_ddl_append_comment(StringInfo out, const char *prefix, const char *text);

#endif
