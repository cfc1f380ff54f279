/*
 * The apply worker's state, and the parts of applying.
 *
 * Lifetimes:
 *   context          the worker's: tables met, the stream's options
 *   group            one target transaction, in which whole source transactions
 *                    are gathered; open tables, scans and slots end with it
 *   message_context  one message: converted values, parsed fields
 */
#ifndef DBS_APPLY_H
#define DBS_APPLY_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "progress.h"
#include "slot.h"
#include "stream_row.h"
#include "target_table.h"
#include "utils/relcache.h"

typedef struct DbsApply
{
	DbsSlot *slot;
	uint64 session;
	DbsStream *stream;
	MemoryContext context;
	MemoryContext message_context;
	DbsQueueReader reader;

	/* Options and what hello said. */
	bool source_wins;     /* conflicts: "source_wins" */
	bool window;          /* the log up to a backfill's end: what it says may have been copied already */
	bool whole_chunk;     /* a table without a key is being copied, in one transaction */
	bool cascades_logged; /* the source logs what its foreign keys' actions change */
	bool mariadb;
	bool from_postgres;

	/* The group. */
	bool in_group;
	bool in_transaction; /* a source transaction is open */
	bool group_dirty;    /* something must be committed, if only a position */
	int group_transactions;
	uint64 group_bytes;
	int gathered_slots; /* for gathered rows, of all open targets */
	TimestampTz group_started;
	int cautious; /* so many transactions still commit alone, after an error */

	/* Totals of the stream, with what the group adds. */
	DbsProgress progress;
	StringInfoData position; /* after the last whole transaction seen */
	StringInfoData gtid_set;
	StringInfoData committed; /* the position of the last commit */
	StringInfoData gtid;      /* of the open transaction */
	TimestampTz begin_time;
	uint64 session_rows;
	uint64 session_transactions;
	uint64 sync_reached; /* highest sync token seen, acknowledged at the next commit */
	uint64 sync_within;  /* came inside of a transaction: acknowledged with that */
	uint64 sync_put_off; /* the same, to be acknowledged once all tables are copied */

	TimestampTz counters_flushed;

	bool end_group;    /* commit after this source transaction, whatever waits */
	bool changed;      /* the open source transaction has changed something */
	char *failing_ddl; /* the schema change being applied, for skip_ddl when it fails */

	/* For error contexts: what is being applied. */
	DbsWireTable *where_table;
	int where_column; /* index of the wire column, -1: none */
	const char *where_operation;
	Relation where_flush; /* gathered rows are going into this target */
} DbsApply;

extern DbsApply dbs_apply;

/* Begin a target transaction unless one is open. */
void dbs_apply_begin_group(void);

/* Commit it with the position. idle: nothing more waits, so counters may be written too. */
void dbs_apply_commit_group(bool idle);

/* Apply one message. */
void dbs_apply_message(DbsMessage *message);

/* apply_rows.c */
void dbs_apply_rows(DbsReader *reader);
void dbs_flush_inserts(DbsTarget *target);
void dbs_flush_all_inserts(void);

/* apply_truncate.c */
/* True when the rows were deleted, since PostgreSQL does not truncate a table that others refer to. */
bool dbs_apply_truncate(const DbsTruncate *truncate);

/* apply_ddl.c: translate a statement in the source's dialect, as the stream's options say */
List *dbs_ddl_translate_source(const char *text, const char *default_schema);

/* apply_ddl.c */
void dbs_apply_ddl(const DbsDdl *ddl);
void dbs_ddl_execute(List *sql);
/* What a person does about a schema change that cannot be executed. */
const char *dbs_ddl_skip_hint(void);

/* What DROP DATABASE of a source's schema means here: statements; adds a note. */
List *dbs_drop_schema_sql(const char *source_schema, List **notes);

/* foreign_key.c: keys to tables that are not here, and what foreign_key_checks = 0 lets the source do */
struct DbsDdlStatement;
void dbs_waiting_keys_add(const struct DbsDdlStatement *statement);
void dbs_waiting_keys_make(const struct DbsDdlStatement *statement);
/* DROP TABLE of those of the statement's tables that the stream selects; unchecked: what refers to them waits. */
void dbs_drop_tables_sql(struct DbsDdlStatement *statement, bool unchecked);
void dbs_foreign_keys_unchecked(struct DbsDdlStatement *statement);

/* dependent_view.c: views in the statement's way are dropped by it; those to make again after it, and that. */
List *dbs_views_step_aside(struct DbsDdlStatement *statement);
void dbs_views_come_back(List *views, struct DbsDdlStatement *statement);

/* deferred_ddl.c: the same; false, and nothing is changed, when what they make is there or what they drop is not */
bool dbs_ddl_execute_unless_there(List *sql);

/* table_counter.c: rows applied to each table */
void dbs_counters_flush(void);
bool dbs_counters_pending(void);

/* apply_error.c: log the error that ends this worker; returns what to tell the next open_inbound */
char *dbs_apply_record_error(ErrorData *error);

#endif
