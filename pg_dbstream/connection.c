/*
 * Connections: create_connection, alter_connection, drop_connection.
 *
 * A literal password leaves the options at once and goes to dbstream.secret.
 */
#include "postgres.h"

#include "catalog.h"
#include "connection.h"
#include "options.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "option.h"
#include "utils/acl.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(dbs_create_connection);
PG_FUNCTION_INFO_V1(dbs_alter_connection);
PG_FUNCTION_INFO_V1(dbs_drop_connection);

static void
kind_require(const char *kind)
{
	unsigned scope = dbs_option_scope(kind);

	if (scope == 0 || scope == DBS_OPTION_FOR_STREAM)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown kind of connection \"%s\"", kind),
						errhint("The kinds are mysql, mariadb and postgresql.")));
}

static void
keep_secret(int connection_id, const char *password)
{
	(void) dbs_catalog_run("INSERT INTO dbstream.secret (connection_id, password) VALUES ($1, $2)"
						   " ON CONFLICT (connection_id) DO UPDATE SET password = excluded.password",
						   "it", connection_id, password);
}

void
dbs_connection_create(const char *name, const char *kind, Jsonb *options)
{
	DbsCatalogAccess access;
	char *password;
	bool isnull;
	int id;

	dbs_name_require("connection", name);
	kind_require(kind);
	dbs_options_check(kind, options, false);
	password = dbs_jsonb_text(options, "password");

	dbs_catalog_enter(&access);
	if (dbs_connection_exists(name))
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("connection \"%s\" exists already", name),
						errhint("Change it with dbstream.alter_connection(), or choose another name.")));
	(void) dbs_catalog_run("INSERT INTO dbstream.connection (name, kind, options) VALUES ($1, $2, $3 - 'password')"
						   " RETURNING id",
						   "ttj", name, kind, options);
	id = DatumGetInt32(dbs_catalog_datum(0, 1, &isnull));
	if (password != NULL)
		keep_secret(id, password);
	dbs_catalog_leave(&access);
}

/*
 * A stream acts with its owner's rights on what its source sends: who may point the
 * connection elsewhere decides what that is.
 */
static void
require_users_owners(const DbsCatalogAccess *access, const char *connection)
{
	uint64 count = dbs_catalog_run("SELECT name, owner::oid FROM dbstream.stream WHERE source = $1 OR target = $1"
								   " ORDER BY name",
								   "t", connection);

	for (uint64 i = 0; i < count; i++)
	{
		bool isnull;
		Oid owner = DatumGetObjectId(dbs_catalog_datum(i, 2, &isnull));

		if (!has_privs_of_role(access->caller, owner))
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
							errmsg("connection \"%s\" is used by stream \"%s\" of another owner", connection,
								   dbs_catalog_text(i, 1)),
							errdetail("What the connection leads to is applied with the rights of %s.",
									  GetUserNameFromId(owner, true)),
							errhint("Ask a member of that role.")));
	}
}

static void
bump_users(const char *connection)
{
	(void) dbs_catalog_run("UPDATE dbstream.stream SET generation = generation + 1, changed_at = clock_timestamp() "
						   "WHERE source = $1 OR target = $1",
						   "t", connection);
	dbs_notify();
}

void
dbs_connection_alter(const char *name, Jsonb *options, bool replace)
{
	DbsCatalogAccess access;
	DbsConnectionRow row;
	char *password = dbs_jsonb_text(options, "password");
	bool credential;
	bool isnull;

	dbs_catalog_enter(&access);
	dbs_connection_get(name, &row);
	require_users_owners(&access, name);
	dbs_options_check(row.kind, options, !replace);

	/* One way to give a password replaces the others. */
	credential = password != NULL || dbs_jsonb_text(options, "password_file") != NULL ||
				 dbs_jsonb_text(options, "password_env") != NULL;
	(void) dbs_catalog_run("UPDATE dbstream.connection SET options = pg_catalog.jsonb_strip_nulls("
						   " CASE WHEN $4 = 'replace' THEN '{}'::jsonb"
						   " WHEN $3 = 'credential' THEN options - '{password_file,password_env}'::text[]"
						   " ELSE options END || ($2 - 'password')) WHERE id = $1 RETURNING options",
						   "ijtt", row.id, options, credential ? "credential" : "", replace ? "replace" : "");
	dbs_options_check(row.kind, DatumGetJsonbPCopy(dbs_catalog_datum(0, 1, &isnull)), false);
	if (password != NULL)
		keep_secret(row.id, password);
	else if (credential || dbs_jsonb_has(options, "password"))
		(void) dbs_catalog_run("DELETE FROM dbstream.secret WHERE connection_id = $1", "i", row.id);
	bump_users(name);
	dbs_catalog_leave(&access);
}

/* ---- SQL ------------------------------------------------------------- */

Datum
dbs_create_connection(PG_FUNCTION_ARGS)
{
	DbsHiding hiding;

	dbs_hide_statement(&hiding);
	dbs_connection_create(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)),
						  PG_GETARG_JSONB_P(2));
	dbs_unhide_statement(&hiding);
	PG_RETURN_VOID();
}

Datum
dbs_alter_connection(PG_FUNCTION_ARGS)
{
	DbsHiding hiding;

	dbs_hide_statement(&hiding);
	dbs_connection_alter(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_JSONB_P(1), false);
	dbs_unhide_statement(&hiding);
	PG_RETURN_VOID();
}

Datum
dbs_drop_connection(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	DbsCatalogAccess access;
	DbsConnectionRow row;
	char *users;

	dbs_catalog_enter(&access);
	dbs_connection_get(name, &row);
	(void) dbs_catalog_run("SELECT string_agg(name, ', ' ORDER BY name) FROM dbstream.stream WHERE source = $1"
						   " OR target = $1",
						   "t", name);
	users = dbs_catalog_text(0, 1);
	if (users != NULL)
		ereport(ERROR, (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
						errmsg("connection \"%s\" is used by: %s", name, users),
						errhint("Drop these streams first, with dbstream.drop_stream().")));
	(void) dbs_catalog_run("DELETE FROM dbstream.connection WHERE id = $1", "i", row.id);
	dbs_catalog_leave(&access);
	PG_RETURN_VOID();
}
