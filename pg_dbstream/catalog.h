/*
 * The extension's own tables, read and written with its owner's rights.
 *
 * A control function runs as its caller, so that it knows who asks; only
 * between dbs_catalog_enter and dbs_catalog_leave does it act as the owner of
 * the catalogue, with a pinned search_path, on statements that hold no word of
 * the caller's (values travel as parameters).
 */
#ifndef DBS_CATALOG_H
#define DBS_CATALOG_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* What has to be put back. An error puts it back as well: the transaction's abort does. */
typedef struct DbsCatalogAccess
{
	Oid caller; /* whose rights the function's caller has: the one to check and to record */
	Oid saved_user;
	int saved_context;
	int guc_level;
} DbsCatalogAccess;

void dbs_catalog_enter(DbsCatalogAccess *access);
void dbs_catalog_leave(DbsCatalogAccess *access);

/*
 * Run one statement. types has one letter for each parameter: t text (const
 * char *), j Jsonb *, a text[] (ArrayType *), i int, l int64, o Oid of a role. A NULL pointer is
 * NULL. Returns the number of rows; they stand in SPI_tuptable.
 */
uint64 dbs_catalog_run(const char *sql, const char *types, ...);

/* A field of the last result as text, palloc'd in the SPI context; NULL when NULL. Columns count from 1. */
char *dbs_catalog_text(uint64 row, int column);
Datum dbs_catalog_datum(uint64 row, int column, bool *isnull);

typedef struct DbsConnectionRow
{
	int id;
	char *name;
	char *kind;
	Jsonb *options; /* as given, no password */
	bool has_secret;
} DbsConnectionRow;

typedef struct DbsStreamRow
{
	int id;
	char *name;
	Oid owner;
	char *source;
	char *target;
	ArrayType *tables;
	Jsonb *options; /* as given */
	char *desired;
	int64 generation;
} DbsStreamRow;

/*
 * Find by name and lock the row against other changes; the error of an unknown
 * name tells the nearest one. To be called inside enter and leave, whose memory the result is in.
 */
void dbs_connection_get(const char *name, DbsConnectionRow *row);
void dbs_stream_get(const char *name, DbsStreamRow *row);
bool dbs_connection_exists(const char *name);
bool dbs_stream_exists(const char *name);

/* The same without the lock, for those who only look. */
void dbs_stream_look(const char *name, DbsStreamRow *row);

/* An error unless the caller has the rights of the stream's owner. */
void dbs_stream_require_owner(const DbsCatalogAccess *access, const DbsStreamRow *row);

/* An error unless the name is fit for a connection or stream; what is "connection" or "stream". */
void dbs_name_require(const char *what, const char *name);

/* Tell bridges to look again; sent when the transaction commits. */
void dbs_notify(void);

/* While options with a password are at hand, no error logs the statement that carries it. Pop with dbs_unhide. */
typedef struct DbsHiding
{
	ErrorContextCallback callback;
} DbsHiding;

void dbs_hide_statement(DbsHiding *hiding);
void dbs_unhide_statement(DbsHiding *hiding);

#endif
