/*
 * See outbound_validation.h.
 */
#include "postgres.h"

#include "options.h"
#include "outbound_validation.h"
#include "pattern.h"
#include "stream_tables.h"
#include "validation.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/* One for the stream, and one more while a copy goes on after another session. */
static void
check_walsenders(ReturnSetInfo *result, const DbsStreamRow *stream)
{
	int allowed = pg_strtoint32(GetConfigOption("max_wal_senders", false, false));
	bool isnull;
	int64 used;

	(void) dbs_catalog_run(
		"SELECT count(*) FROM pg_stat_replication r WHERE NOT EXISTS (SELECT FROM pg_replication_slots k"
		" WHERE k.active_pid = r.pid AND k.slot_name = format('dbstream_%s_%s', k.datoid, $1))",
		"i", stream->id);
	used = DatumGetInt64(dbs_catalog_datum(0, 1, &isnull));
	dbs_check_put(result, "max_wal_senders", "server", used < allowed ? "ok" : "failed",
				  psprintf("%lld of %d are in use by others", (long long) used, allowed),
				  used < allowed ? NULL
								 : psprintf("Set max_wal_senders to %d or more and restart the server.", allowed + 4));
}

/* The bridge's connections tell its role. */
static void
check_replication_right(ReturnSetInfo *result)
{
	uint64 count = dbs_catalog_run(
		"SELECT DISTINCT quote_ident(r.rolname), r.rolreplication OR r.rolsuper FROM dbstream.bridge_connections() b"
		" JOIN pg_stat_activity a ON a.pid = b.pid JOIN pg_roles r ON r.oid = a.usesysid ORDER BY 1",
		"");

	for (uint64 i = 0; i < count; i++)
	{
		char *role = dbs_catalog_text(i, 1);
		bool isnull;
		bool may = DatumGetBool(dbs_catalog_datum(i, 2, &isnull));

		dbs_check_put(result, "replication", psprintf("role %s", role), may ? "ok" : "failed",
					  may ? "the bridge's role may replicate" : "the bridge's role may not read the log",
					  may ? NULL : psprintf("ALTER ROLE %s REPLICATION;", role));
	}
}

/* What the slot may keep of the log on this server's disk, when the target or the bridge is away. */
static void
check_retention(ReturnSetInfo *result, const DbsStreamRow *stream)
{
	const char *limit = dbs_jsonb_text(stream->options, "max_retained_wal");
	const char *keep = GetConfigOption("max_slot_wal_keep_size", false, false);
	bool limited = limit != NULL && strspn(limit, "0") != strspn(limit, "0123456789");
	bool server_limits = strcmp(keep, "-1") != 0;

	dbs_check_put(
		result, "max_retained_wal", "stream", limited || server_limits ? "ok" : "warning",
		limited         ? psprintf("the slot keeps at most %s of the log", limit)
		: server_limits ? psprintf("max_slot_wal_keep_size limits what the slot keeps of the log to %s MB", keep)
						: "while the target or the bridge is away, the slot keeps the log until the disk is full",
		limited || server_limits
			? NULL
			: psprintf("SELECT dbstream.alter_stream(%s, options => '{\"max_retained_wal\": \"50GB\"}'); or watch "
					   "retained_bytes in dbstream.stream_status.",
					   quote_literal_cstr(stream->name)));
}

void
dbs_validate_outbound(ReturnSetInfo *result, const DbsStreamRow *stream)
{
	check_walsenders(result, stream);
	check_replication_right(result);
	check_retention(result, stream);
}

char *
dbs_outbound_relations(const DbsStreamRow *stream, size_t size, int *left)
{
	const char **patterns = dbs_stream_patterns(stream->tables);
	StringInfoData out;
	uint64 count = dbs_catalog_run(
		"SELECT n.nspname::text, c.relname::text, jsonb_build_object('schema', n.nspname, 'name', c.relname, 'columns',"
		"  (SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(CASE WHEN t.typtype = 'd'"
		"   THEN t.typbasetype ELSE t.oid END, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END),"
		"   'key', a.attnum = ANY (coalesce(i.indkey::int2[], '{}'))) ORDER BY a.attnum)"
		"   FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
		"   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''))::text"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		" LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary"
		" WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p' AND n.nspname !~ '^pg_'"
		" AND n.nspname NOT IN ('information_schema', 'dbstream') ORDER BY 1, 2",
		"");

	*left = 0;
	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	for (uint64 i = 0; i < count; i++)
	{
		char *schema = dbs_catalog_text(i, 1);
		char *table = dbs_catalog_text(i, 2);
		char *object = dbs_catalog_text(i, 3);

		if (!dbs_pattern_selects(patterns, schema, strlen(schema), table, strlen(table)))
			continue;
		if (out.len + strlen(object) + 2 > size)
			(*left)++;
		else
			appendStringInfo(&out, "%s%s", out.len > 1 ? "," : "", object);
	}
	appendStringInfoChar(&out, ']');
	return out.data;
}
