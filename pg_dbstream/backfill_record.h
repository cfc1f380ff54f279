/*
 * The record of a stream's backfill, as the apply worker knows it: which tables are being copied, or wait for it, and
 * what that means for what the log says of them.
 */
#ifndef DBS_BACKFILL_RECORD_H
#define DBS_BACKFILL_RECORD_H

#include "apply.h"
#include "catalog.h"
#include "ddl.h"

/* What becomes of the log's changes of a table. */
typedef enum DbsBackfillStanding
{
	DBS_STANDING_OUTSIDE,  /* it has nothing to do with the backfill: the log is taken at its word */
	DBS_STANDING_WINDOW,   /* the log may repeat what was copied: the source's row wins */
	DBS_STANDING_NO_ROWS,  /* the same for schema changes; rows are left out until it is copied, having no key */
	DBS_STANDING_LEFT_OUT, /* rows and schema changes are left out: its copy is still to begin, or was cancelled */
} DbsBackfillStanding;

/* A table of the backfill, kept for the worker's life. */
typedef struct DbsBackfillTable
{
	char *schema;
	char *name;
	DbsBackfillStanding standing;
	uint64 defined_at; /* schema changes before here were in its definition already; 0: none */
	bool fresh;        /* its target was empty when the backfill began with it */
	bool made;         /* the backfill has created the target */
	bool begun;        /* rows of it may be there from an earlier session */
	bool pending;      /* it is not copied yet */
	bool bare;         /* its key is put off until the rows are in */
	bool look_up;      /* a row of it may be there already */
	bool copying;      /* its record says so */
	List *open_ranges; /* numbers of those of which a chunk is open */
	struct DbsBackfillTable *next;
} DbsBackfillTable;

/* Some table has a standing of its own, or all have: the questions below are worth asking. */
extern bool dbs_backfill_active;

/* Read the record; also sets dbs_apply.window and source_wins. Needs a transaction with an active snapshot. */
void dbs_backfill_load(void);

/* The table as it is recorded; NULL when it is not part of a backfill. */
DbsBackfillTable *dbs_backfill_find(const char *schema, const char *name);

/* The same; made when it is not there. */
DbsBackfillTable *dbs_backfill_remember(const char *schema, const char *name);

/* A table's standing or the state of the whole has changed. */
void dbs_backfill_changed(void);

/* The log is read after the copy with which the stream began: every table is in the window, until it ends. */
void dbs_backfill_window_begins(void);
void dbs_backfill_window_ends(void);
bool dbs_backfill_window_of_all(void);

/* Tables still have to be copied: what the source has is not all here, wherever the log stands. */
bool dbs_backfill_pending(void);

/* Statements on the catalogue, inside the group. */
void dbs_backfill_record_begin(DbsCatalogAccess *access);
void dbs_backfill_record_end(DbsCatalogAccess *access);

/*
 * Before rows of the log are applied: sets dbs_apply.window and source_wins for their table. True when they are to be
 * left out.
 */
bool dbs_backfill_leaves_out(const DbsReader *rows);

/*
 * Have a table copied from nothing, by the source's names: because it has come into the patterns, or because what is
 * here may be wrong. Part of the group's transaction. From here on everything that the log says of the table is left
 * out, until the bridge, which opens a new session for it, announces its copy.
 */
void dbs_backfill_request(const char *schema, const char *name);

/* The source has dropped or renamed the table: it is no part of the backfill any more. */
void dbs_backfill_forget(const char *schema, const char *name);

/* The same in the catalogue alone, between dbs_catalog_enter and leave, for those who are not the worker. */
void dbs_backfill_request_recorded(int stream_id, const char *schema, const char *name);

/* A position "name.000042:1234" as a number that grows with it; 0 for anything else. */
uint64 dbs_backfill_place(const char *position);

#endif
