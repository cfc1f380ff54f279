/*
 * The output plugin's inside: options, published tables, and the two formats.
 *
 * Everything of one decoding session hangs on its DbsOutput, in a child of the
 * decoding context, except the cache of tables, which relcache invalidations
 * must find and which therefore is the backend's.
 */
#ifndef DBS_OUTPUT_PLUGIN_H
#define DBS_OUTPUT_PLUGIN_H

#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "replication/logical.h"
#include "replication/output_plugin.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "../libdbstream/wire.h"

typedef struct DbsOutput DbsOutput;

/* One column of a published table, as the formats need it. */
typedef struct DbsOutputColumn
{
	int attno; /* from 0, in the relation's own descriptor */
	const char *name;
	Oid type; /* domains resolved to their base */
	int32 typmod;
	DbsKind kind;
	const char *type_name; /* format_type's words */
	bool key;              /* part of the replica identity */
	bool finds;            /* part of what finds a row elsewhere: with identity FULL the primary key, if there is one */
	bool not_null;
	FmgrInfo out; /* the type's output function */
} DbsOutputColumn;

/*
 * A table whose changes may be asked for.  Names are the root's where
 * partitions are published through their root; the columns are always this relation's own.
 */
typedef struct DbsOutputTable
{
	Oid relid; /* hash key */
	bool valid;
	bool selected;
	bool announced;    /* this session has been told of its columns */
	char identity;     /* relreplident */
	XLogRecPtr copied; /* what was committed before this is there already */
	uint32 wire_id;
	char *schema;
	char *name;
	int column_count;
	DbsOutputColumn *columns;
	MemoryContext context; /* holds names and columns */
} DbsOutputTable;

/* A table that was copied as of a position: transactions that were committed before it are left out. */
typedef struct DbsOutputCopied
{
	Oid relid; /* a partitioned table's root */
	XLogRecPtr position;
} DbsOutputCopied;

/* A published table that was emptied; or, where partition is set, the rows of one partition that the condition chooses.
 */
typedef struct DbsOutputTruncated
{
	const char *schema;
	const char *name;
	const char *partition_schema;
	const char *partition; /* NULL: the whole table */
	const char *condition; /* in PostgreSQL's words */
	const char *columns;   /* as in CREATE TABLE; empty when the condition would choose other rows at a MySQL server */
} DbsOutputTruncated;

/* What a format does with each thing that happened. txn may be NULL in message only. */
typedef struct DbsOutputFormat
{
	const char *name;
	OutputPluginOutputType type;
	void (*begin)(DbsOutput *output, ReorderBufferTXN *txn, const char *action);
	void (*end)(DbsOutput *output, ReorderBufferTXN *txn, const char *action, XLogRecPtr lsn, TimestampTz time);
	void (*table)(DbsOutput *output, DbsOutputTable *table);
	void (*change)(DbsOutput *output, ReorderBufferTXN *txn, DbsOutputTable *table, Relation relation, char op,
				   HeapTuple old, HeapTuple new);
	void (*truncate)(DbsOutput *output, ReorderBufferTXN *txn, List *truncated, bool cascade, bool restart);
	void (*message)(DbsOutput *output, bool transactional, const char *prefix, Size size, const char *content);
	void (*ddl)(DbsOutput *output, Size size, const char *content); /* a captured schema change */
	void (*flush)(DbsOutput *output); /* before anything else may be written; NULL: nothing gathers */
} DbsOutputFormat;

struct DbsOutput
{
	LogicalDecodingContext *ctx;
	MemoryContext change_context; /* reset after every change */
	const DbsOutputFormat *format;

	/* options */
	char **patterns; /* NULL-terminated; NULL: every table */
	bool local_only; /* leave out what a replication origin brought */
	bool schema_messages;
	bool transactions; /* begin and commit, with their metadata */
	bool metadata;     /* xids, LSNs and times in them */
	bool via_root;
	bool messages;       /* logical messages */
	bool schema_changes; /* captured ones, and the rows that follow them */
	List *copied;        /* of DbsOutputCopied */

	bool began;     /* begin has been written for the open transaction: it is not before the first change */
	bool streaming; /* inside a block of an unfinished transaction */
	uint32 next_wire_id;
	List *rewritten; /* tables whose rows follow a schema change, see output_ddl.c; in the decoding context */

	/* binary format: rows gathered for one message */
	DbsWriter rows;
	uint32 row_count;
	uint32 row_table;
	DbsRowsOp row_op;
};

extern const DbsOutputFormat dbs_output_json;
extern const DbsOutputFormat dbs_output_binary;

/* Fill in the options of output from the slot's; ERROR naming the option and what it takes. */
void dbs_output_read_options(DbsOutput *output, List *options);

/* Texts must not depend on the session's settings: for a walsender's life, elsewhere until the transaction ends. */
void dbs_output_pin_settings(void);

/* As of when the table was copied, by the oid it is published under; 0: it was not. */
XLogRecPtr dbs_output_copied_at(const DbsOutput *output, Oid published);

/* Is every table of a captured schema change, committed at commit, one that was copied after it? */
bool dbs_output_ddl_copied(const DbsOutput *output, Size size, const char *content, XLogRecPtr commit);

/* The table's entry, up to date. Valid until the next call. */
DbsOutputTable *dbs_output_table(DbsOutput *output, Relation relation);
void dbs_output_tables_forget(void);

/* A captured schema change: is it told, by the tables it names? Remembers those whose rows follow. */
bool dbs_output_ddl(DbsOutput *output, Size size, const char *content);

/* What it says; NULL when it is no object, so that nobody captured it. */
Jsonb *dbs_output_ddl_json(Size size, const char *content);

/* Is a row of this table's new heap, made by a command that rewrites the table, one that follows a schema change? */
bool dbs_output_follows(DbsOutput *output, Relation relation);

/* What a TRUNCATE, committed at commit, means for the published tables: a list of DbsOutputTruncated. */
List *dbs_output_truncated(DbsOutput *output, XLogRecPtr commit, int count, Relation relations[]);

/* A partition's topmost ancestor; of what is none, itself. */
Oid dbs_output_root(Oid relid);

/* Is the value one that the log does not hold, because it is stored out of line and did not change? */
bool dbs_output_absent(Form_pg_attribute attribute, Datum value, bool isnull);

#endif
