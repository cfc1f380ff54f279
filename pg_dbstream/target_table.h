/*
 * Tables of the stream: as the wire describes them, matched with the tables
 * that are really there, and opened for the length of a target transaction.
 */
#ifndef DBS_TARGET_TABLE_H
#define DBS_TARGET_TABLE_H

#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "convert.h"
#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "nodes/parsenodes.h"
#include "utils/snapshot.h"
#include "wire.h"

/* Rows gathered for one multi-insert, as COPY does. */
#define DBS_MAX_BUFFERED_ROWS 1000
#define DBS_MAX_BUFFERED_BYTES (64 * 1024)

typedef struct DbsWireColumn
{
	char *name;
	char *type_name;
	uint8 kind;
	uint8 flags;
	uint32 length;
	uint32 scale;
} DbsWireColumn;

/* Rows applied to a source table since the counts were last written. */
typedef struct DbsTableCounter
{
	char *schema;
	char *name;
	Oid target;
	const char *state;
	int64 inserted;
	int64 updated;
	int64 deleted;
	int64 adjusted;
	int64 conflicts; /* rows put right by the option conflicts */
	bool dirty;
	struct DbsTableCounter *next;
} DbsTableCounter;

typedef struct DbsDefault
{
	AttrNumber att;
	ExprState *state;
} DbsDefault;

/* A row, by the target's columns. What is not present is not in the wire's row. */
typedef struct DbsImage
{
	Datum *values;
	bool *nulls;
	bool *present;
	bool sent_all; /* no column of the wire was absent */
	bool complete; /* it sets every column of the target */
} DbsImage;

struct DbsTarget;

/* A table as the wire describes it, and how its rows become the target's. */
typedef struct DbsWireTable
{
	uint32 id; /* hash key */
	MemoryContext context;
	char *schema; /* the source's names */
	char *name;
	int column_count;
	DbsWireColumn *columns;
	bool any_key;
	DbsTableCounter *counter;

	/* The plan; valid is reset by invalidation messages. */
	bool valid;
	Oid target_oid;
	MemoryContext plan_context;
	DbsConversion *conversions; /* for each wire column */
	int att_count;
	bool covers_all; /* a full row sets every column of the target */
	int default_count;
	DbsDefault *defaults;   /* columns that the source does not send, with their defaults */
	bool volatile_defaults; /* rows are inserted one by one */
	DbsImage before;        /* the images being decoded */
	DbsImage after;

	struct DbsTarget *open; /* in this group */
} DbsWireTable;

/*
 * An index by which a row can be found, with a scan that stays open during the
 * group.  A unique one finds at most one row; candidates of another are
 * compared in full.
 */
typedef struct DbsKeyIndex
{
	Relation relation; /* the result relation's, not to be closed */
	bool unique;
	int count;
	AttrNumber atts[INDEX_MAX_KEYS];
	ScanKeyData keys[INDEX_MAX_KEYS];
	IndexScanDesc scan; /* NULL until first used */
} DbsKeyIndex;

/* A target table open in this group; several wire tables may share it. */
typedef struct DbsTarget
{
	Oid oid; /* hash key */
	Relation relation;
	EState *estate;
	ResultRelInfo *rri;
	bool heap;
	bool partitioned;
	bool checked;   /* constraints must be evaluated for each row */
	bool generated; /* has stored generated columns */
	bool before_insert, after_insert, before_update, after_update, before_delete, after_delete;
	bool multi_insert;    /* rows may be gathered */
	bool delete_cascades; /* foreign keys of other tables act when a row goes or its key changes */
	bool update_cascades;

	TupleTableSlot *found; /* the row that is there */
	TupleTableSlot *changed;
	TupleTableSlot *incoming; /* a row that is inserted alone */
	DbsImage whole;           /* the same as an image */
	SnapshotData dirty;
	int key_count;     /* -1: not looked for yet */
	int found_by;      /* the key by which dbs_row_find_unique found: 0 is the primary key where there is one */
	DbsKeyIndex *keys; /* the best first */
	FmgrInfo **equal;  /* by column: the type's equality, looked up when first needed */
	AclMode rights;    /* those checked in this group */

	/* Gathered inserts. */
	BulkInsertState bulk;
	int buffered;
	int unmaterialized; /* slots from here on point into the message */
	Size buffered_bytes;
	int slot_count;
	TupleTableSlot *slots[DBS_MAX_BUFFERED_ROWS];
	struct DbsTarget *next_buffering;
	bool buffering;

	/* As a partition: the root's column of each of ours, and images in our shape. */
	AttrNumber *root_map;
	DbsImage before;
	DbsImage after;

	/* As a root. */
	struct PartitionTupleRouting *routing;
	struct ModifyTableState *routing_state;
} DbsTarget;

void dbs_tables_init(MemoryContext context);

/* A table message: columns are read from the reader. */
void dbs_table_define(DbsReader *reader);

/* The table of that id; ERROR when the wire has not described it. */
DbsWireTable *dbs_table_find(uint32 id);

/* Forget every plan: the schema has changed. No target is open. */
void dbs_tables_invalidate(void);

/* The table's target, open and with a valid plan; it is created when it does not exist. */
DbsTarget *dbs_target_open(DbsWireTable *table);

/* An open target by its oid, for a partition; the caller's rows are in its shape already. */
DbsTarget *dbs_target_open_oid(Oid oid);

/* The table's open pointer is reset when the group ends. */
void dbs_target_remember(DbsWireTable *table);

/*
 * A foreign key's action trigger on the referenced table: make it fire in this
 * (copied) descriptor, and say so (cascade.c).
 */
struct Trigger;
bool dbs_cascade_enable(struct Trigger *trigger);
void dbs_cascade_init(void);

/* Close what the group has open; gathered rows have been flushed. */
void dbs_targets_close(void);

/* The schema at the target for a schema at the source. */
const char *dbs_target_schema(const char *source_schema, size_t size);

/* The target's relation by the source's names, InvalidOid when there is none. */
Oid dbs_target_lookup(const char *schema, const char *name);

/* ERROR unless the current user may do all of mode to it, and row security does not apply. */
void dbs_target_check_rights(Relation relation, AclMode mode);

/* Check rights once a group. */
static inline void
dbs_target_require(DbsTarget *target, AclMode mode)
{
	if ((target->rights & mode) != mode)
	{
		dbs_target_check_rights(target->relation, mode);
		target->rights |= mode;
	}
}

/* Create the table from the wire's description (table_create.c). Returns its oid. */
Oid dbs_table_create(DbsWireTable *table);

/* The counter of a source table, kept for the worker's life. */
DbsTableCounter *dbs_counter_find(const char *schema, const char *name);

#endif
