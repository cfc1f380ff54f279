/*
 * Access to the extension's tables for the control functions.
 */
#include "postgres.h"

#include "catalog.h"

#include <stdarg.h>

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "option.h"
#include "stream_row.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define MAX_PARAMETERS 12

/* Who made the extension; its tables cannot be given away one by one, so one stands for all. */
static Oid
catalogue_owner(void)
{
	Oid relation = get_relname_relid("stream", get_namespace_oid("dbstream", false));
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table dbstream.stream does not exist"),
						errhint("Run CREATE EXTENSION dbstream in this database.")));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

void
dbs_catalog_enter(DbsCatalogAccess *access)
{
	Oid owner = catalogue_owner();

	GetUserIdAndSecContext(&access->saved_user, &access->saved_context);
	access->caller = access->saved_user;
	access->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
	SetUserIdAndSecContext(owner, access->saved_context | SECURITY_LOCAL_USERID_CHANGE);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
dbs_catalog_leave(DbsCatalogAccess *access)
{
	SPI_finish();
	AtEOXact_GUC(false, access->guc_level);
	SetUserIdAndSecContext(access->saved_user, access->saved_context);
}

uint64
dbs_catalog_run(const char *sql, const char *types, ...)
{
	Oid oids[MAX_PARAMETERS];
	Datum values[MAX_PARAMETERS];
	char nulls[MAX_PARAMETERS];
	int count = 0;
	int result;
	va_list args;

	va_start(args, types);
	for (const char *type = types; *type != '\0'; type++, count++)
	{
		Pointer pointer = NULL;

		Assert(count < MAX_PARAMETERS);
		nulls[count] = ' ';
		switch (*type)
		{
			case 'i':
				oids[count] = INT4OID;
				values[count] = Int32GetDatum(va_arg(args, int));
				continue;
			case 'l':
				oids[count] = INT8OID;
				values[count] = Int64GetDatum(va_arg(args, int64));
				continue;
			case 'o':
				oids[count] = REGROLEOID;
				values[count] = ObjectIdGetDatum(va_arg(args, Oid));
				continue;
			case 't':
				oids[count] = TEXTOID;
				pointer = (Pointer) va_arg(args, const char *);
				values[count] = pointer == NULL ? (Datum) 0 : CStringGetTextDatum((const char *) pointer);
				break;
			case 'j':
				oids[count] = JSONBOID;
				pointer = (Pointer) va_arg(args, Jsonb *);
				values[count] = PointerGetDatum(pointer);
				break;
			case 'a':
				oids[count] = TEXTARRAYOID;
				pointer = (Pointer) va_arg(args, ArrayType *);
				values[count] = PointerGetDatum(pointer);
				break;
			default:
				elog(ERROR, "unknown parameter type \"%c\"", *type);
		}
		if (pointer == NULL)
			nulls[count] = 'n';
	}
	va_end(args);

	result = SPI_execute_with_args(sql, count, oids, values, nulls, false, 0);
	if (result < 0)
		elog(ERROR, "\"%s\" failed: %s", sql, SPI_result_code_string(result));
	return SPI_processed;
}

char *
dbs_catalog_text(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

Datum
dbs_catalog_datum(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

/* ---- names ----------------------------------------------------------- */

void
dbs_name_require(const char *what, const char *name)
{
	size_t size = strlen(name);
	bool good = size > 0 && size < NAMEDATALEN && !(name[0] >= '0' && name[0] <= '9');

	for (const char *at = name; good && *at != '\0'; at++)
		good = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_';
	if (!good)
		ereport(ERROR, (errcode(ERRCODE_INVALID_NAME), errmsg("\"%s\" is not a name for a %s", name, what),
						errhint("Use lower-case letters, digits and underscores, not a digit first, at most %d.",
								NAMEDATALEN - 1)));
	if (strcmp(name, "local") == 0)
		ereport(ERROR, (errcode(ERRCODE_RESERVED_NAME), errmsg("the name \"local\" stands for this database"),
						errhint("Choose another name for the %s.", what)));
}

/* Among the names in the only column of the last result, the one most like name; NULL when none is like it. */
static const char *
nearest_name(const char *name)
{
	const char *best = NULL;
	unsigned best_distance = 0;

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		const char *other = dbs_catalog_text(i, 1);
		unsigned distance;

		if (!dbs_name_similar(name, strlen(name), other, strlen(other)))
			continue;
		distance = dbs_name_distance(name, strlen(name), other, strlen(other));
		if (best == NULL || distance < best_distance)
		{
			best = other;
			best_distance = distance;
		}
	}
	return best;
}

static void
report_unknown(const char *what, const char *name, const char *listing, const char *creator)
{
	const char *near;

	(void) dbs_catalog_run(listing, "");
	near = nearest_name(name);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("%s \"%s\" does not exist", what, name),
			 near != NULL ? errhint("Did you mean \"%s\"?", near) : errhint("Create it with dbstream.%s().", creator)));
}

/* ---- rows ------------------------------------------------------------ */

bool
dbs_connection_exists(const char *name)
{
	return dbs_catalog_run("SELECT FROM dbstream.connection WHERE name = $1", "t", name) > 0;
}

bool
dbs_stream_exists(const char *name)
{
	return dbs_catalog_run("SELECT FROM dbstream.stream WHERE name = $1", "t", name) > 0;
}

void
dbs_connection_get(const char *name, DbsConnectionRow *row)
{
	bool isnull;

	if (dbs_catalog_run("SELECT c.id, c.name, c.kind, c.options,"
						" EXISTS (SELECT FROM dbstream.secret s WHERE s.connection_id = c.id)"
						" FROM dbstream.connection c WHERE c.name = $1 FOR UPDATE OF c",
						"t", name) == 0)
		report_unknown("connection", name, "SELECT name FROM dbstream.connection ORDER BY name", "create_connection");
	row->id = DatumGetInt32(dbs_catalog_datum(0, 1, &isnull));
	row->name = dbs_catalog_text(0, 2);
	row->kind = dbs_catalog_text(0, 3);
	row->options = DatumGetJsonbPCopy(dbs_catalog_datum(0, 4, &isnull));
	row->has_secret = DatumGetBool(dbs_catalog_datum(0, 5, &isnull));
}

#define SELECT_STREAM                                                                                                  \
	"SELECT id, name, owner::oid, source, target, tables, options, desired, generation FROM dbstream.stream"           \
	" WHERE name = $1"

static void
read_stream(const char *sql, const char *name, DbsStreamRow *row)
{
	bool isnull;

	if (dbs_catalog_run(sql, "t", name) == 0)
		report_unknown("stream", name, "SELECT name FROM dbstream.stream ORDER BY name", "create_stream");
	row->id = DatumGetInt32(dbs_catalog_datum(0, 1, &isnull));
	row->name = dbs_catalog_text(0, 2);
	row->owner = DatumGetObjectId(dbs_catalog_datum(0, 3, &isnull));
	row->source = dbs_catalog_text(0, 4);
	row->target = dbs_catalog_text(0, 5);
	row->tables = DatumGetArrayTypePCopy(dbs_catalog_datum(0, 6, &isnull));
	row->options = DatumGetJsonbPCopy(dbs_catalog_datum(0, 7, &isnull));
	row->desired = dbs_catalog_text(0, 8);
	row->generation = DatumGetInt64(dbs_catalog_datum(0, 9, &isnull));
}

void
dbs_stream_get(const char *name, DbsStreamRow *row)
{
	read_stream(SELECT_STREAM " FOR UPDATE", name, row);
}

void
dbs_stream_look(const char *name, DbsStreamRow *row)
{
	read_stream(SELECT_STREAM, name, row);
}

void
dbs_stream_require_owner(const DbsCatalogAccess *access, const DbsStreamRow *row)
{
	/* A stream acts with its owner's rights: who may change it may use them. */
	if (!has_privs_of_role(access->caller, row->owner))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("must be owner of stream \"%s\"", row->name),
						errdetail("It acts with the rights of its owner, %s.", GetUserNameFromId(row->owner, true)),
						errhint("Ask a member of that role.")));
}

void
dbs_notify(void)
{
	CacheInvalidateRelcacheByRelid(dbs_catalog_oid("stream"));
	Async_Notify("dbstream", NULL);
}

/* ---- statements that carry a password --------------------------------- */

static void
hide_statement(void *arg)
{
	(void) errhidestmt(true);
}

void
dbs_hide_statement(DbsHiding *hiding)
{
	hiding->callback.callback = hide_statement;
	hiding->callback.arg = NULL;
	hiding->callback.previous = error_context_stack;
	error_context_stack = &hiding->callback;
}

void
dbs_unhide_statement(DbsHiding *hiding)
{
	error_context_stack = hiding->callback.previous;
}
