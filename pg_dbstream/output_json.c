/*
 * Changes as JSON: one object for each message.  docs/output-plugin.md lists the fields.
 *
 * Integers, floats and numerics are JSON numbers with exactly the digits PostgreSQL
 * prints (NaN and infinities, which JSON has not, are strings), json and jsonb stand as they are, everything
 * else is a string in PostgreSQL's text form under pinned settings.
 */
#include "output_plugin.h"
#include "table_description.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"

static StringInfo
open_object(DbsOutput *output, const char *action)
{
	OutputPluginPrepareWrite(output->ctx, true);
	appendStringInfo(output->ctx->out, "{\"action\":\"%s\"", action);
	return output->ctx->out;
}

static void
close_object(DbsOutput *output)
{
	appendStringInfoChar(output->ctx->out, '}');
	OutputPluginWrite(output->ctx, true);
}

static void
field(StringInfo out, const char *name, const char *value)
{
	appendStringInfo(out, ",\"%s\":", name);
	escape_json(out, value);
}

static void
time_field(StringInfo out, const char *name, TimestampTz time)
{
	if (time != 0)
		field(out, name, DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(time))));
}

static void
lsn_field(StringInfo out, const char *name, XLogRecPtr lsn)
{
	if (!XLogRecPtrIsInvalid(lsn))
		appendStringInfo(out, ",\"%s\":\"%X/%X\"", name, LSN_FORMAT_ARGS(lsn));
}

static void
json_begin(DbsOutput *output, ReorderBufferTXN *txn, const char *action)
{
	StringInfo out = open_object(output, action);

	if (output->metadata)
	{
		appendStringInfo(out, ",\"xid\":%u", txn->xid);
		lsn_field(out, "lsn", txn->final_lsn);
		if (strcmp(action, "begin") == 0)
			time_field(out, "commit_time", txn->xact_time.commit_time);
	}
	close_object(output);
}

static void
json_end(DbsOutput *output, ReorderBufferTXN *txn, const char *action, XLogRecPtr lsn, TimestampTz time)
{
	StringInfo out = open_object(output, action);

	if (output->metadata)
	{
		appendStringInfo(out, ",\"xid\":%u", txn->xid);
		lsn_field(out, "lsn", lsn);
		time_field(out, "time", time);
	}
	if (txn->gid != NULL)
		field(out, "gid", txn->gid);
	close_object(output);
}

static void
table_fields(StringInfo out, const DbsOutputTable *table)
{
	field(out, "schema", table->schema);
	field(out, "table", table->name);
}

static void
json_table(DbsOutput *output, DbsOutputTable *table)
{
	StringInfo out = open_object(output, "table");

	table_fields(out, table);
	appendStringInfoString(out, ",\"columns\":[");
	for (int i = 0; i < table->column_count; i++)
	{
		const DbsOutputColumn *column = &table->columns[i];

		appendStringInfoString(out, i > 0 ? ",{\"name\":" : "{\"name\":");
		escape_json(out, column->name);
		field(out, "type", column->type_name);
		appendStringInfo(out, ",\"key\":%s,\"nullable\":%s}", column->key ? "true" : "false",
						 column->not_null ? "false" : "true");
	}
	appendStringInfoChar(out, ']');
	close_object(output);
}

/* A number's text as JSON has it: neither NaN nor an infinity. */
static bool
plain_number(const char *text)
{
	return text[strspn(text, "+-0123456789.eE")] == '\0';
}

static void
put_value(StringInfo out, DbsOutputColumn *column, Datum value)
{
	char *text;

	if (column->type == BOOLOID)
	{
		appendStringInfoString(out, DatumGetBool(value) ? "true" : "false");
		return;
	}
	text = OutputFunctionCall(&column->out, value);
	switch (column->kind)
	{
		case DBS_KIND_INT2:
		case DBS_KIND_INT4:
		case DBS_KIND_INT8:
		case DBS_KIND_FLOAT4:
		case DBS_KIND_FLOAT8:
		case DBS_KIND_NUMERIC:
			if (plain_number(text))
				appendStringInfoString(out, text);
			else
				escape_json(out, text);
			break;
		case DBS_KIND_JSON:
			appendStringInfoString(out, text);
			break;
		default:
			escape_json(out, text);
	}
	pfree(text);
}

/* The row as an object of column names; keys_only: its replica identity. Returns how many values the log does not hold.
 */
static int
put_row(StringInfo out, const char *name, DbsOutputTable *table, TupleDesc desc, HeapTuple tuple, bool keys_only,
		bool *absent)
{
	Datum *values = palloc(desc->natts * sizeof *values);
	bool *nulls = palloc(desc->natts * sizeof *nulls);
	int count = 0;
	bool first = true;

	heap_deform_tuple(tuple, desc, values, nulls);
	appendStringInfo(out, ",\"%s\":{", name);
	for (int i = 0; i < table->column_count; i++)
	{
		DbsOutputColumn *column = &table->columns[i];
		int attno = column->attno;

		absent[i] = false;
		if (keys_only && !column->key)
			continue;
		if (dbs_output_absent(TupleDescAttr(desc, attno), values[attno], nulls[attno]))
		{
			absent[i] = true;
			count++;
			continue;
		}
		if (!first)
			appendStringInfoChar(out, ',');
		first = false;
		escape_json(out, column->name);
		appendStringInfoChar(out, ':');
		if (nulls[attno])
			appendStringInfoString(out, "null");
		else
			put_value(out, column, values[attno]);
	}
	appendStringInfoChar(out, '}');
	return count;
}

static void
json_change(DbsOutput *output, ReorderBufferTXN *txn, DbsOutputTable *table, Relation relation, char op, HeapTuple old,
			HeapTuple new)
{
	TupleDesc desc = RelationGetDescr(relation);
	bool *absent = palloc(table->column_count * sizeof *absent);
	StringInfo out = open_object(output, op == 'I' ? "insert" : op == 'U' ? "update" : "delete");
	bool full = table->identity == REPLICA_IDENTITY_FULL;

	if (output->streaming && output->metadata)
		appendStringInfo(out, ",\"xid\":%u", txn->xid);
	table_fields(out, table);
	if (old != NULL)
		put_row(out, full ? "old" : "key", table, desc, old, !full, absent);
	if (new != NULL && put_row(out, "new", table, desc, new, false, absent) > 0)
	{
		const char *separator = "";

		appendStringInfoString(out, ",\"absent\":[");
		for (int i = 0; i < table->column_count; i++)
		{
			if (!absent[i])
				continue;
			appendStringInfoString(out, separator);
			escape_json(out, table->columns[i].name);
			separator = ",";
		}
		appendStringInfoChar(out, ']');
	}
	close_object(output);
}

static void
json_truncate(DbsOutput *output, ReorderBufferTXN *txn, List *truncated, bool cascade, bool restart)
{
	StringInfo out = open_object(output, "truncate");
	ListCell *cell;

	appendStringInfoString(out, ",\"tables\":[");
	foreach (cell, truncated)
	{
		const DbsOutputTruncated *table = lfirst(cell);

		appendStringInfoString(out, cell == list_head(truncated) ? "{\"schema\":" : ",{\"schema\":");
		escape_json(out, table->schema);
		field(out, "table", table->name);
		if (table->partition != NULL)
		{
			field(out, "partition_schema", table->partition_schema);
			field(out, "partition", table->partition);
			field(out, "condition", table->condition);
		}
		appendStringInfoChar(out, '}');
	}
	appendStringInfo(out, "],\"cascade\":%s,\"restart_identity\":%s", cascade ? "true" : "false",
					 restart ? "true" : "false");
	close_object(output);
}

static void
json_message(DbsOutput *output, bool transactional, const char *prefix, Size size, const char *content)
{
	StringInfo out = open_object(output, "message");

	appendStringInfo(out, ",\"transactional\":%s", transactional ? "true" : "false");
	field(out, "prefix", prefix);
	/* A message is bytes; as text where it is text. */
	if (memchr(content, '\0', size) == NULL && pg_verifymbstr(content, size, true))
		field(out, "content", pnstrdup(content, size));
	else
	{
		char *hex = palloc(size * 2 + 1);

		hex[hex_encode(content, size, hex)] = '\0';
		field(out, "content_hex", hex);
	}
	close_object(output);
}

/* "public.t" of a description; nothing when there is none. */
static void
ddl_name(StringInfo out, const JsonbContainer *table, const char *name)
{
	const JsonbContainer *description = dbs_json_container(table, name);

	if (description != NULL)
		field(out, name, psprintf("%s.%s", dbs_json_text(description, "schema"), dbs_json_text(description, "table")));
}

/* What a person wants to know of it: the descriptions are for the bridge. */
static void
json_ddl(DbsOutput *output, Size size, const char *content)
{
	Jsonb *json = dbs_output_ddl_json(size, content);
	const JsonbContainer *tables = dbs_json_container(&json->root, "tables");
	StringInfo out = open_object(output, "ddl");
	static const char *const fields[] = {"id", "lsn", "tag", "query", "failed"};

	for (int i = output->metadata ? 0 : 2; i < lengthof(fields); i++)
	{
		char *value = dbs_json_text(&json->root, fields[i]);

		if (value != NULL)
			field(out, fields[i], value);
	}
	appendStringInfoString(out, ",\"tables\":[");
	for (uint32 i = 0; tables != NULL && i < JsonContainerSize(tables); i++)
	{
		JsonbValue *table = getIthJsonbValueFromContainer((JsonbContainer *) tables, i);

		if (table == NULL || table->type != jbvBinary)
			continue;
		appendStringInfo(out, "%s{\"rewritten\":%s", i > 0 ? "," : "",
						 dbs_json_text(table->val.binary.data, "rewritten") != NULL ? "true" : "false");
		ddl_name(out, table->val.binary.data, "before");
		ddl_name(out, table->val.binary.data, "after");
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
	close_object(output);
}

const DbsOutputFormat dbs_output_json = {"json",        OUTPUT_PLUGIN_TEXTUAL_OUTPUT,
										 json_begin,    json_end,
										 json_table,    json_change,
										 json_truncate, json_message,
										 json_ddl,      NULL};
