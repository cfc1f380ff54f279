/*
 * See ddl_capture.h.
 *
 * dbstream.published_table holds what each table of an outbound stream was like after its last change. An event
 * trigger finds the tables that a command has touched, describes them anew, and puts both descriptions into a
 * transactional logical message. So it does not matter how a change was written (CASCADE, DO, a function, CREATE
 * TABLE AS, ALTER TYPE), and what is delivered later needs no catalogue.
 *
 * A command must never fail because it could not be captured: then the message says so, and the stream stops there.
 */
#include "ddl_capture.h"

#include "ddl_raw.h"
#include "stream_tables.h"
#include "table_description.h"

#include "access/relation.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "common/sha2.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pattern.h"
#include "replication/message.h"
#include "replication/origin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "tcop/cmdtag.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(dbs_capture_ddl);

/* ---- which tables ------------------------------------------------------------------------- */

/* Patterns of all streams out of this database: a List of char **. */
static List *
outbound_patterns(void)
{
	List *streams = NIL;
	uint64 count = dbs_catalog_run("SELECT tables FROM dbstream.stream WHERE source = 'local'", "");

	for (uint64 i = 0; i < count; i++)
	{
		bool isnull;

		streams = lappend(streams, dbs_stream_patterns(DatumGetArrayTypeP(dbs_catalog_datum(i, 1, &isnull))));
	}
	return streams;
}

static bool
selected(List *streams, const char *schema, const char *table)
{
	ListCell *cell;

	if (strcmp(schema, "dbstream") == 0)
		return false;
	foreach (cell, streams)
	{
		if (dbs_pattern_selects((const char *const *) lfirst(cell), schema, strlen(schema), table, strlen(table)))
			return true;
	}
	return false;
}

/* Tables that a command has changed, by what it reports; those that are gone are reported dropped. */
static const char changed_query[] =
	"WITH c AS (SELECT classid, objid FROM pg_event_trigger_ddl_commands() WHERE NOT in_extension),"
	" r AS (SELECT objid AS relid FROM c WHERE classid = 'pg_class'::regclass"
	"  UNION SELECT i.indrelid FROM pg_index i JOIN c ON c.classid = 'pg_class'::regclass AND c.objid = i.indexrelid"
	"  UNION SELECT k.conrelid FROM pg_constraint k JOIN c ON c.classid = 'pg_constraint'::regclass AND c.objid = k.oid"
	"  UNION SELECT a.attrelid FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
	"   JOIN c ON c.classid = 'pg_type'::regclass AND c.objid IN (t.oid, t.typelem, t.typbasetype)"
	"  UNION SELECT k.oid FROM pg_class k JOIN c ON c.classid = 'pg_namespace'::regclass AND c.objid = k.relnamespace)"
	" SELECT DISTINCT coalesce(pg_partition_root(k.oid)::oid, k.oid) FROM r JOIN pg_class k ON k.oid = r.relid"
	" WHERE k.relkind IN ('r', 'p') AND k.relpersistence <> 't' ORDER BY 1";

static const char dropped_query[] =
	"SELECT DISTINCT p.relid FROM pg_event_trigger_dropped_objects() d JOIN dbstream.published_table p"
	" ON (d.classid = 'pg_class'::regclass AND d.objid = p.relid) OR d.objid = ANY (p.indexes)"
	"  OR (d.object_type IN ('default value', 'table column', 'table constraint')"
	"   AND p.relid = to_regclass(format('%I.%I', d.address_names[1], d.address_names[2])))"
	" WHERE NOT d.is_temporary ORDER BY 1";

static const char schema_query[] =
	"SELECT s.name, s.what FROM (SELECT (SELECT nspname::text FROM pg_namespace WHERE oid = objid) AS name,"
	"   'created' AS what FROM pg_event_trigger_ddl_commands()"
	"  WHERE command_tag = 'CREATE SCHEMA' AND object_type = 'schema' AND NOT in_extension) s"
	" WHERE s.name !~ '^pg_' ORDER BY 1";

static const char dropped_schema_query[] =
	"SELECT object_name, 'dropped' FROM pg_event_trigger_dropped_objects() WHERE object_type = 'schema'"
	" AND NOT is_temporary AND object_name !~ '^pg_' ORDER BY 1";

static List *
oids_of(const char *sql)
{
	uint64 count = dbs_catalog_run(sql, "");
	List *oids = NIL;

	for (uint64 i = 0; i < count; i++)
		oids = lappend_oid(oids, (Oid) strtoul(dbs_catalog_text(i, 1), NULL, 10));
	return oids;
}

/* ---- descriptions that are kept ----------------------------------------------------------- */

static Jsonb *
kept_description(Oid table)
{
	bool isnull;

	if (dbs_catalog_run("SELECT description FROM dbstream.published_table WHERE relid = $1::oid", "l", (int64) table) ==
		0)
		return NULL;
	return DatumGetJsonbPCopy(dbs_catalog_datum(0, 1, &isnull));
}

static void
keep_description(Oid table, Jsonb *description)
{
	if (description == NULL)
		(void) dbs_catalog_run("DELETE FROM dbstream.published_table WHERE relid = $1::oid", "l", (int64) table);
	else
		(void) dbs_catalog_run(
			"INSERT INTO dbstream.published_table (relid, indexes, description) VALUES ($1::oid,"
			" coalesce((SELECT array_agg(o ORDER BY o) FROM (SELECT indexrelid FROM pg_index WHERE indrelid = $1::oid"
			"  UNION ALL SELECT relid::oid FROM pg_partition_tree($1::oid::regclass) WHERE level > 0) p (o)), '{}'), "
			"$2)"
			" ON CONFLICT (relid) DO UPDATE SET indexes = excluded.indexes, description = excluded.description",
			"lj", (int64) table, description);
}

static bool
same(Jsonb *a, Jsonb *b)
{
	return a != NULL && b != NULL && compareJsonbContainers(&a->root, &b->root) == 0;
}

/* ---- the message -------------------------------------------------------------------------- */

typedef struct Capture
{
	const EventTriggerData *event;
	List *streams;         /* of patterns */
	StringInfoData tables; /* elements of the array */
	StringInfoData schemas;
	const char *secret;
	const char *failed; /* why it could not be captured */
} Capture;

static const char *
text_of(const RawStmt *statement)
{
	const char *begin = debug_query_string + Max(statement->stmt_location, 0);
	const char *end = statement->stmt_len == 0 ? begin + strlen(begin) : begin + statement->stmt_len;

	while (begin < end && strchr(" \t\r\n", *begin) != NULL)
		begin++;
	while (end > begin && strchr("; \t\r\n", end[-1]) != NULL)
		end--;
	return pnstrdup(begin, end - begin);
}

/*
 * The running statement's own text, if what the client sent holds it: nothing else of that, since it may hold secrets.
 * Some statements reach us changed: then it is the only one of its kind, or it is not known.
 */
static const char *
statement_text(const EventTriggerData *event)
{
	const RawStmt *alike = NULL;
	int count = 0;
	List *statements;
	ListCell *cell;
	const char *error;
	int offset;

	if (debug_query_string == NULL)
		return NULL;
	statements = dbs_ddl_parse_raw(debug_query_string, &error, &offset);
	foreach (cell, statements)
	{
		const RawStmt *statement = lfirst_node(RawStmt, cell);

		if (equal(statement->stmt, event->parsetree))
			return text_of(statement);
		if (CreateCommandTag(statement->stmt) == event->tag)
		{
			alike = statement;
			count++;
		}
	}
	return count == 1 ? text_of(alike) : NULL;
}

Size
dbs_ddl_text_size(const char *content, Size size)
{
	for (Size at = size; at > 0; at--)
	{
		if (content[at - 1] == '\n')
			return at - 1;
	}
	return size;
}

/* The secret twice, so that nobody can go on from a signature. */
static char *
sign(const char *secret, const char *text, Size size)
{
	char *hex = palloc0(PG_SHA256_DIGEST_LENGTH * 2 + 1);
	StringInfoData signed_text;

	initStringInfo(&signed_text);
	for (int round = 0; round < 2; round++)
	{
		bytea *digest;

		resetStringInfo(&signed_text);
		appendStringInfoString(&signed_text, secret);
		if (round == 0)
			appendBinaryStringInfo(&signed_text, text, (int) size);
		else
			appendStringInfoString(&signed_text, hex);
		digest = DatumGetByteaPP(DirectFunctionCall1(
			sha256_bytea, PointerGetDatum(cstring_to_text_with_len(signed_text.data, signed_text.len))));
		(void) hex_encode(VARDATA_ANY(digest), VARSIZE_ANY_EXHDR(digest), hex);
	}
	return hex;
}

static char *
read_secret(MemoryContext context)
{
	if (dbs_catalog_run("SELECT secret FROM dbstream.capture_secret LIMIT 1", "") == 0)
		return NULL;
	return MemoryContextStrdup(context, dbs_catalog_text(0, 1));
}

char *
dbs_ddl_signature(const char *text, Size size)
{
	char *secret = read_secret(CurrentMemoryContext);

	return secret == NULL ? NULL : sign(secret, text, size);
}

static void
emit(Capture *capture)
{
	static uint64 last_transaction = 0;
	static uint32 counter = 0;
	uint64 transaction = U64FromFullTransactionId(GetTopFullTransactionId());
	const char *tag = GetCommandTagName(capture->event->tag);
	const char *query = statement_text(capture->event);
	StringInfoData json;
	char *text;

	if (transaction != last_transaction)
		counter = 0;
	last_transaction = transaction;
	initStringInfo(&json);
	appendStringInfo(&json, "{\"id\":\"" UINT64_FORMAT ".%u\",\"lsn\":\"%X/%X\",\"tag\":", transaction, ++counter,
					 LSN_FORMAT_ARGS(GetXLogInsertRecPtr()));
	escape_json(&json, tag);
	appendStringInfoString(&json, ",\"query\":");
	escape_json(&json, query != NULL ? query : psprintf("%s …", tag));
	if (capture->failed != NULL)
	{
		appendStringInfoString(&json, ",\"failed\":");
		escape_json(&json, capture->failed);
	}
	appendStringInfo(&json, ",\"tables\":[%s]", capture->tables.data);
	if (capture->schemas.len > 0)
		appendStringInfo(&json, ",\"schemas\":[%s]", capture->schemas.data);
	appendStringInfoChar(&json, '}');
	/* Through jsonb: its order of members is fixed, with the id first. */
	text = JsonbToCString(NULL, &DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)))->root,
						  json.len);
	text = psprintf("%s\n%s", text, sign(capture->secret != NULL ? capture->secret : "", text, strlen(text)));
#if PG_VERSION_NUM >= 170000
	(void) LogLogicalMessage(DBS_DDL_PREFIX, text, strlen(text), true, false);
#else
	(void) LogLogicalMessage(DBS_DDL_PREFIX, text, strlen(text), true);
#endif
}

/* ---- one table ---------------------------------------------------------------------------- */

/* Is there nothing in it? Of partitioned tables nobody knows. */
static bool
is_empty(Oid table)
{
	Relation relation = try_relation_open(table, AccessShareLock);
	bool empty;

	if (relation == NULL)
		return true;
	empty = relation->rd_rel->relkind == RELKIND_RELATION && RelationGetNumberOfBlocks(relation) == 0;
	relation_close(relation, AccessShareLock);
	return empty;
}

/* Values that rows from before have in columns that were added without touching them: number to text. */
static void
put_filled(StringInfo out, Oid table)
{
	uint64 count =
		dbs_catalog_run("SELECT r.attnum, (a.attmissingval::text::text[])[1] FROM pg_attribute r JOIN pg_attribute a"
						" ON a.attname = r.attname AND a.atthasmissing AND a.attrelid = coalesce((SELECT relid FROM"
						" pg_partition_tree($1::oid::regclass) WHERE isleaf ORDER BY relid LIMIT 1), $1::oid) WHERE "
						"r.attrelid = $1::oid"
						" AND NOT r.attisdropped AND r.attnum > 0 ORDER BY 1",
						"l", (int64) table);

	if (count == 0)
		return;
	appendStringInfoString(out, ",\"filled\":{");
	for (uint64 i = 0; i < count; i++)
	{
		char *value = dbs_catalog_text(i, 2);

		appendStringInfo(out, "%s\"%s\":", i > 0 ? "," : "", dbs_catalog_text(i, 1));
		if (value == NULL)
			appendStringInfoString(out, "null");
		else
			escape_json(out, value);
	}
	appendStringInfoChar(out, '}');
}

/* Was the table made by this very command? Otherwise what it was like before is not known. */
static bool
is_made_here(const EventTriggerData *event)
{
	switch (event->tag)
	{
		case CMDTAG_CREATE_TABLE:
		case CMDTAG_CREATE_TABLE_AS:
		case CMDTAG_SELECT_INTO:
		case CMDTAG_CREATE_SCHEMA:
		case CMDTAG_IMPORT_FOREIGN_SCHEMA:
			return true;
		default:
			return false;
	}
}

/* A name of a jsonb object as the description has it. */
static bool
description_selected(List *streams, Jsonb *description)
{
	char *schema = dbs_json_text(&description->root, "schema");
	char *table = dbs_json_text(&description->root, "table");

	return schema != NULL && table != NULL && selected(streams, schema, table);
}

/* A partition that came with rows or left with them: the log does not tell of these. NULL: none did. */
static const char *
moved_partition(Jsonb *before, Jsonb *after)
{
	DbsDescription *old = dbs_description_read(&before->root, "mysql");
	DbsDescription *new = dbs_description_read(&after->root, "mysql");
	ListCell *cell;

	foreach (cell, list_concat_copy(old->partitions, new->partitions))
	{
		const DbsPart *part = lfirst(cell);
		bool was = dbs_part_find(old->partitions, part->id) != NULL;
		bool is = dbs_part_find(new->partitions, part->id) != NULL;

		/* One that is gone took its rows along; the target can delete them. */
		if (was == is || get_rel_name((Oid) part->id) == NULL || is_empty((Oid) part->id))
			continue;
		return psprintf("partition %s %s with its rows, which the log does not tell", get_rel_name((Oid) part->id),
						is ? "is attached" : "is detached");
	}
	return NULL;
}

/* Describe a table anew; what has changed goes into the message. rewritten: its rows will follow. */
static void
look_at(Capture *capture, Oid table, bool rewritten)
{
	Jsonb *before = kept_description(table);
	char *name = get_rel_name(table);
	Jsonb *after = NULL;
	int64 next = 0;
	StringInfo out = &capture->tables;

	if (before == NULL &&
		(name == NULL || !selected(capture->streams, get_namespace_name(get_rel_namespace(table)), name)))
		return;
	if (name != NULL && get_rel_persistence(table) == RELPERSISTENCE_UNLOGGED)
	{
		if (before != NULL && description_selected(capture->streams, before))
			appendStringInfo(out,
							 "%s{\"relid\":%u,\"before\":%s,\"after\":null,\"problem\":\"it becomes unlogged: what "
							 "happens to its rows is not in the log any more\"}",
							 out->len > 0 ? "," : "", table, JsonbToCString(NULL, &before->root, 0));
		keep_description(table, NULL);
		return;
	}
	if (name != NULL)
		after = dbs_description_make(table, &next);
	if (after == NULL && before == NULL)
		return;
	if (same(before, after) && !rewritten)
		return;
	keep_description(table, after);
	/* Both names count: a table may come into a stream or leave it by being renamed. */
	if (!(before != NULL && description_selected(capture->streams, before)) &&
		!(after != NULL && description_selected(capture->streams, after)))
		return;
	appendStringInfo(out, "%s{\"relid\":%u,\"before\":%s,\"after\":%s", out->len > 0 ? "," : "", table,
					 before == NULL ? "null" : JsonbToCString(NULL, &before->root, 0),
					 after == NULL ? "null" : JsonbToCString(NULL, &after->root, 0));
	if (before != NULL && after != NULL && moved_partition(before, after) != NULL)
	{
		appendStringInfoString(out, ",\"problem\":");
		escape_json(out, moved_partition(before, after));
	}
	if (before == NULL && !is_made_here(capture->event))
		appendStringInfoString(out, ",\"unknown\":true");
	if (before == NULL && next > 1)
		appendStringInfo(out, ",\"next\":" INT64_FORMAT, next);
	if (rewritten)
		appendStringInfoString(out, ",\"rewritten\":true");
	if (after != NULL && is_empty(table))
		appendStringInfoString(out, ",\"empty\":true");
	else if (after != NULL && before != NULL && !rewritten)
		put_filled(out, table);
	appendStringInfoChar(out, '}');
}

/* ---- rewritten tables --------------------------------------------------------------------- */

/* Conversions that give MySQL the same values: it may make them itself. */
static bool
converts_alike(const char *from, const char *to)
{
	static const char *const pairs[][2] = {{"smallint", "integer"},       {"smallint", "bigint"},
										   {"integer", "bigint"},         {"smallint", "text"},
										   {"integer", "text"},           {"bigint", "text"},
										   {"character varying", "text"}, {"text", "character varying"},
										   {"date", "timestamp"},         {"character varying", "character varying"}};
	size_t from_size = strcspn(from, "(");
	size_t to_size = strcspn(to, "(");

	for (int i = 0; i < lengthof(pairs); i++)
	{
		if (strlen(pairs[i][0]) == from_size && strncmp(pairs[i][0], from, from_size) == 0 &&
			strlen(pairs[i][1]) == to_size && strncmp(pairs[i][1], to, to_size) == 0)
			return true;
	}
	return false;
}

static bool
has_using(const Node *parsetree)
{
	ListCell *cell;

	if (parsetree == NULL || !IsA(parsetree, AlterTableStmt))
		return true;
	foreach (cell, ((const AlterTableStmt *) parsetree)->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

		if (command->subtype == AT_AlterColumnType && command->def != NULL &&
			((ColumnDef *) command->def)->raw_default != NULL)
			return true;
	}
	return false;
}

/* Must the rows be carried over as they are now, because MySQL would not come to the same values? */
static bool
rows_needed(const EventTriggerData *event, Oid table, int reason)
{
	Jsonb *kept = kept_description(table);
	DbsDescription *before;
	DbsDescription *after;
	Jsonb *made;
	int64 next;
	ListCell *cell;
	ListCell *old_cell;

	made = dbs_description_make(table, &next);
	if (kept == NULL || made == NULL || is_empty(table))
		return false;
	if ((reason & AT_REWRITE_COLUMN_REWRITE) != 0 && has_using(event->parsetree))
		return true;
	before = dbs_description_read(&kept->root, "mysql");
	after = dbs_description_read(&made->root, "mysql");
	foreach (cell, after->columns)
	{
		const DbsPart *column = lfirst(cell);
		bool found = false;

		foreach (old_cell, before->columns)
		{
			const DbsPart *old = lfirst(old_cell);

			if (old->id != column->id)
				continue;
			found = true;
			if (!column->generated && strcmp(old->type, column->type) != 0 && !converts_alike(old->type, column->type))
				return true;
		}
		if (!found && !column->generated && (reason & AT_REWRITE_DEFAULT_VAL) != 0)
			return true;
	}
	return false;
}

static void
on_rewrite(Capture *capture)
{
	Oid table;
	int reason;

	(void) dbs_catalog_run("SELECT pg_event_trigger_table_rewrite_oid(), pg_event_trigger_table_rewrite_reason()", "");
	table = (Oid) strtoul(dbs_catalog_text(0, 1), NULL, 10);
	reason = pg_strtoint32(dbs_catalog_text(0, 2));
	if ((reason & (AT_REWRITE_DEFAULT_VAL | AT_REWRITE_COLUMN_REWRITE)) == 0)
		return;
	if (get_rel_relispartition(table))
	{
		List *ancestors = get_partition_ancestors(table);

		table = llast_oid(ancestors);
	}
	/* Of several partitions the first brings the change; its message is for the rows of all. */
	if (rows_needed(capture->event, table, reason))
		look_at(capture, table, true);
}

/* ---- the event trigger -------------------------------------------------------------------- */

static void
put_schemas(Capture *capture, const char *sql)
{
	uint64 count = dbs_catalog_run(sql, "");

	for (uint64 i = 0; i < count; i++)
	{
		char *name = dbs_catalog_text(i, 1);
		bool concerns = false;
		ListCell *cell;

		/* Any table there could be selected. */
		foreach (cell, capture->streams)
			concerns |= dbs_pattern_selects_schema((const char *const *) lfirst(cell), name);
		if (!concerns)
			continue;
		appendStringInfo(&capture->schemas, "%s{\"name\":", capture->schemas.len > 0 ? "," : "");
		escape_json(&capture->schemas, name);
		appendStringInfo(&capture->schemas, ",\"what\":\"%s\"}", dbs_catalog_text(i, 2));
	}
}

static void
capture_event(Capture *capture)
{
	List *tables = NIL;
	ListCell *cell;

	if (strcmp(capture->event->event, "table_rewrite") == 0)
	{
		on_rewrite(capture);
		return;
	}
	if (strcmp(capture->event->event, "sql_drop") == 0)
	{
		tables = oids_of(dropped_query);
		put_schemas(capture, dropped_schema_query);
	}
	else
	{
		tables = oids_of(changed_query);
		put_schemas(capture, schema_query);
	}
	foreach (cell, tables)
		look_at(capture, lfirst_oid(cell), false);
}

/* What goes wrong here is the stream's matter, not the command's. */
static void
capture_safely(Capture *capture)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		DbsCatalogAccess access;

		dbs_catalog_enter(&access);
		MemoryContextSwitchTo(context);
		(void) set_config_option("TimeZone", "UTC", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
		(void) set_config_option("DateStyle", "ISO, YMD", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
		capture->secret = read_secret(context);
		capture->streams = outbound_patterns();
		if (capture->streams != NIL)
			capture_event(capture);
		dbs_catalog_leave(&access);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		resetStringInfo(&capture->tables);
		resetStringInfo(&capture->schemas);
		capture->failed = error->message;
		ereport(WARNING, (errmsg("this schema change could not be captured for dbstream's streams: %s", error->message),
						  errdetail("Streams out of this database will stop at it.")));
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

Datum
dbs_capture_ddl(PG_FUNCTION_ARGS)
{
	Capture capture = {0};

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("dbstream.capture_ddl() is an event trigger's function")));
	/* What an extension's script makes belongs to the extension; and in our own we are not ready. */
	if (creating_extension || !XLogLogicalInfoActive())
		PG_RETURN_NULL();
	capture.event = (EventTriggerData *) fcinfo->context;
	initStringInfo(&capture.tables);
	initStringInfo(&capture.schemas);
	capture_safely(&capture);
	/* What an inbound stream does is known where it came from: the descriptions follow it, but nothing is sent. */
	if (replorigin_session_origin == InvalidRepOriginId &&
		(capture.failed != NULL || capture.tables.len > 0 || capture.schemas.len > 0))
		emit(&capture);
	PG_RETURN_NULL();
}

/* ---- setting it up ------------------------------------------------------------------------ */

static const char *const events[][2] = {
	{"dbstream_ddl_end", "ddl_command_end"}, {"dbstream_rewrite", "table_rewrite"}, {"dbstream_sql_drop", "sql_drop"}};

bool
dbs_ddl_captured(void)
{
	return dbs_catalog_run("SELECT FROM pg_event_trigger WHERE evtname LIKE 'dbstream\\_%' AND evtenabled = 'A'"
						   " AND evtfoid = 'dbstream.capture_ddl()'::regprocedure",
						   "") == lengthof(events);
}

static void
run_utility(const char *sql)
{
	if (SPI_execute(sql, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "\"%s\" failed", sql);
}

/* As a superuser: only one may. They become the extension's, so that they go with it. */
static void
make_triggers(void)
{
	for (int i = 0; i < lengthof(events); i++)
	{
		bool there = OidIsValid(get_event_trigger_oid(events[i][0], true));

		if (!there)
		{
			run_utility(psprintf("CREATE EVENT TRIGGER %s ON %s EXECUTE FUNCTION dbstream.capture_ddl()", events[i][0],
								 events[i][1]));
			run_utility(psprintf("ALTER EXTENSION dbstream ADD EVENT TRIGGER %s", events[i][0]));
		}
		/* An inbound stream's worker runs as a replica. */
		run_utility(psprintf("ALTER EVENT TRIGGER %s ENABLE ALWAYS", events[i][0]));
	}
}

static void
drop_triggers(void)
{
	for (int i = 0; i < lengthof(events); i++)
	{
		if (!OidIsValid(get_event_trigger_oid(events[i][0], true)))
			continue;
		run_utility(psprintf("ALTER EXTENSION dbstream DROP EVENT TRIGGER %s", events[i][0]));
		run_utility(psprintf("DROP EVENT TRIGGER %s", events[i][0]));
	}
}

/* Two streams made at once must not both make the triggers. */
static void
lock_setup(void)
{
	(void) dbs_catalog_run("SELECT pg_advisory_xact_lock(hashtextextended('dbstream.capture_ddl', 0))", "");
}

/* Describe tables that are selected and not known yet. */
static void
describe_tables(ArrayType *tables)
{
	const char **patterns = dbs_stream_patterns(tables);
	List *oids = NIL;
	ListCell *cell;
	uint64 count = dbs_catalog_run(
		"SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		" WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p' AND n.nspname !~ '^pg_'"
		" AND n.nspname NOT IN ('information_schema', 'dbstream')"
		" AND NOT EXISTS (SELECT FROM dbstream.published_table p WHERE p.relid = c.oid) ORDER BY 1",
		"");

	for (uint64 i = 0; i < count; i++)
	{
		char *schema = dbs_catalog_text(i, 2);
		char *table = dbs_catalog_text(i, 3);

		if (dbs_pattern_selects(patterns, schema, strlen(schema), table, strlen(table)))
			oids = lappend_oid(oids, (Oid) strtoul(dbs_catalog_text(i, 1), NULL, 10));
	}
	foreach (cell, oids)
	{
		Jsonb *description;
		int64 next;

		/* A change under way ends first, and later ones see this stream. */
		LockRelationOid(lfirst_oid(cell), AccessShareLock);
		description = get_rel_name(lfirst_oid(cell)) == NULL ? NULL : dbs_description_make(lfirst_oid(cell), &next);
		if (description != NULL)
			keep_description(lfirst_oid(cell), description);
		CHECK_FOR_INTERRUPTS();
	}
}

void
dbs_ddl_capture_prepare(const DbsCatalogAccess *access, ArrayType *tables)
{
	Oid owner = GetUserId();
	Oid user = superuser_arg(owner) ? owner : access->caller;
	int context;

	lock_setup();
	(void) dbs_catalog_run(
		"INSERT INTO dbstream.capture_secret SELECT gen_random_uuid()::text || gen_random_uuid()::text"
		" WHERE NOT EXISTS (SELECT FROM dbstream.capture_secret)",
		"");
	if (!dbs_ddl_captured())
	{
		if (!superuser_arg(user))
		{
			ereport(WARNING,
					(errmsg("schema changes will not be carried out: only a superuser may make event triggers, "
							"and neither you nor the extension's owner is one"),
					 errdetail("The stream carries rows alone. Make each schema change at the target before "
							   "it is made here."),
					 errhint("Let a superuser call dbstream.start_stream() or dbstream.resume_stream().")));
			return;
		}
		GetUserIdAndSecContext(&owner, &context);
		SetUserIdAndSecContext(user, context);
		make_triggers();
		SetUserIdAndSecContext(owner, context);
	}
	describe_tables(tables);
}

void
dbs_ddl_capture_release(void)
{
	if (dbs_catalog_run("SELECT FROM dbstream.stream WHERE source = 'local'", "") > 0)
		return;
	(void) dbs_catalog_run("DELETE FROM dbstream.published_table", "");
	if (dbs_catalog_run("SELECT FROM pg_event_trigger WHERE evtfoid = 'dbstream.capture_ddl()'::regprocedure", "") == 0)
		return;
	/* Left behind, they find no stream and do nothing. */
	if (superuser())
		drop_triggers();
}
