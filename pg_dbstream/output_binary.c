/*
 * Changes in the wire format (docs/protocol.md).
 *
 * Neighbouring rows of one table and one operation share a rows message, of up
 * to ROWS_SIZE bytes unless a single row is larger.  Messages of one transaction
 * are gathered, up to ROWS_SIZE again, and leave in one write, at the latest with
 * the commit: each write costs the sender a system call and the receiver a wake-up.
 */
#include "ddl_capture.h"
#include "output_plugin.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
#include "utils/varbit.h"

#define ROWS_SIZE 65536
#define KEEP_SIZE (4 * ROWS_SIZE)

/* ---- writing messages ---- */

/* Room for size more bytes in the gathered rows. */
static void
rows_room(DbsOutput *output, Size size)
{
	DbsWriter *w = &output->rows;
	Size wanted;

	if (dbs_wire_room(w) >= size)
		return;
	wanted = Max(w->size * 2, DBS_WIRE_ALIGN(w->used + size + 64));
	if (wanted > DBS_WIRE_MAX_MESSAGE)
		wanted = DBS_WIRE_ALIGN(w->used + size + 64);
	if (wanted > DBS_WIRE_MAX_MESSAGE)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("a row is too large for one message")));
	if (w->data == NULL)
		w->data = MemoryContextAllocHuge(output->ctx->context, wanted);
	else
		w->data = repalloc_huge(w->data, wanted);
	w->size = wanted;
}

/* The rows message under way, if there is one, is whole now. */
static void
binary_flush(DbsOutput *output)
{
	if (output->row_count == 0)
		return;
	rows_room(output, 16);
	dbs_rows_end(&output->rows, output->row_count, 0);
	output->row_count = 0;
}

static void
send_gathered(DbsOutput *output)
{
	binary_flush(output);
	OutputPluginPrepareWrite(output->ctx, true);
	appendBinaryStringInfo(output->ctx->out, output->rows.data, output->rows.used);
	OutputPluginWrite(output->ctx, true);
	output->rows.used = 0;
	if (output->rows.size > KEEP_SIZE)
	{
		pfree(output->rows.data);
		output->rows.data = NULL;
		output->rows.size = 0;
	}
}

/* The writer, with room for a message whose strings have so many bytes in all. */
static DbsWriter *
message_writer(DbsOutput *output, Size strings)
{
	binary_flush(output);
	rows_room(output, strings + 256);
	return &output->rows;
}

static void
message_written(DbsOutput *output, bool fits)
{
	if (!fits)
		elog(ERROR, "a message of the wire format does not fit the buffer made for it");
	if (output->rows.used >= ROWS_SIZE)
		send_gathered(output);
}

static DbsString
string(const char *text)
{
	return (DbsString){text, (uint32_t) strlen(text)};
}

static void
binary_begin(DbsOutput *output, ReorderBufferTXN *txn, const char *action)
{
	DbsBegin begin = {.commit_time = txn->xact_time.commit_time, .gtid = {"", 0}};

	message_written(output, dbs_put_begin(message_writer(output, 0), &begin));
}

static void
binary_end(DbsOutput *output, ReorderBufferTXN *txn, const char *action, XLogRecPtr lsn, TimestampTz time)
{
	char position[32];
	DbsCommit commit = {.commit_time = time, .gtid_set = {"", 0}};

	snprintf(position, sizeof position, "%X/%X", LSN_FORMAT_ARGS(lsn));
	commit.position = string(position);
	message_written(output, dbs_put_commit(message_writer(output, sizeof position), &commit));
	if (output->rows.used > 0)
		send_gathered(output);
}

static void
set_size(DbsColumn *out, const DbsOutputColumn *column)
{
	int32 typmod = column->typmod;

	/* Without a precision of their own, times have all six digits. */
	if (typmod < 0 && (column->type == TIMEOID || column->type == TIMESTAMPOID || column->type == TIMESTAMPTZOID))
		typmod = 6;
	if (typmod < 0)
		return;
	switch (column->type)
	{
		case NUMERICOID:
			out->length = ((typmod - VARHDRSZ) >> 16) & 0xffff;
			out->scale = (typmod - VARHDRSZ) & 0x7ff;
			break;
		case VARCHAROID:
		case BPCHAROID:
			out->length = typmod - VARHDRSZ;
			break;
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case BITOID:
		case VARBITOID:
			out->length = typmod;
			break;
	}
}

static void
binary_table(DbsOutput *output, DbsOutputTable *table)
{
	DbsColumn *columns = palloc0(table->column_count * sizeof *columns);
	DbsTable message = {.id = table->wire_id,
						.column_count = table->column_count,
						.schema = string(table->schema),
						.name = string(table->name)};
	Size size = message.schema.size + message.name.size;

	for (int i = 0; i < table->column_count; i++)
	{
		const DbsOutputColumn *column = &table->columns[i];

		columns[i].name = string(column->name);
		columns[i].type_name = string(column->type_name);
		columns[i].kind = column->kind;
		columns[i].flags = (column->finds ? DBS_COLUMN_KEY : 0) | (column->not_null ? 0 : DBS_COLUMN_NULLABLE);
		set_size(&columns[i], column);
		size += columns[i].name.size + columns[i].type_name.size + 32;
	}
	message_written(output, dbs_put_table(message_writer(output, size), &message, columns));
}

/* ---- values ---- */

static void
put_varying(DbsOutput *output, const void *data, Size size)
{
	rows_room(output, size + 16);
	dbs_put_varying(&output->rows, data, size);
}

/* Text in the database's encoding, as UTF-8. */
static void
put_text(DbsOutput *output, const char *text, Size size)
{
	char *utf8 = pg_server_to_any(text, size, PG_UTF8);

	put_varying(output, utf8, utf8 == text ? size : strlen(utf8));
}

/* numeric_send's form is the wire's in the other byte order, behind a count of digits. */
static void
put_numeric(DbsOutput *output, Datum value)
{
	bytea *sent = DatumGetByteaPP(DirectFunctionCall1(numeric_send, value));
	const char *from = VARDATA_ANY(sent);
	Size size = VARSIZE_ANY_EXHDR(sent) - 2;
	uint16 fields[3];

	rows_room(output, size + 16);
	dbs_put_align4(&output->rows);
	dbs_put_u32(&output->rows, (uint32) size);
	from += 2;
	memcpy(fields, from, sizeof fields);
	for (int i = 0; i < 3; i++)
		dbs_put_u16(&output->rows, pg_ntoh16(fields[i]));
	for (Size at = 6; at < size; at += 2)
	{
		uint16 digit;

		memcpy(&digit, from + at, sizeof digit);
		dbs_put_u16(&output->rows, pg_ntoh16(digit));
	}
}

static void
put_bits(DbsOutput *output, Datum value)
{
	VarBit *bits = DatumGetVarBitP(value);
	Size bytes = VARBITBYTES(bits);

	rows_room(output, bytes + 24);
	dbs_put_align4(&output->rows);
	dbs_put_u32(&output->rows, (uint32) (bytes + 4));
	dbs_put_u32(&output->rows, (uint32) VARBITLEN(bits));
	dbs_put_bytes(&output->rows, VARBITS(bits), bytes);
}

static void
put_value(DbsOutput *output, DbsOutputColumn *column, Datum value)
{
	DbsWriter *w = &output->rows;
	struct varlena *data;
	char *text;

	rows_room(output, 32);
	switch (column->kind)
	{
		case DBS_KIND_BOOL:
			dbs_put_u8(w, DatumGetBool(value));
			return;
		case DBS_KIND_INT2:
			dbs_put_u16(w, (uint16) DatumGetInt16(value));
			return;
		case DBS_KIND_INT4:
		case DBS_KIND_DATE:
			dbs_put_u32(w, (uint32) DatumGetInt32(value));
			return;
		case DBS_KIND_INT8:
		case DBS_KIND_TIME:
		case DBS_KIND_TIMESTAMP:
		case DBS_KIND_TIMESTAMPTZ:
			dbs_put_i64(w, DatumGetInt64(value));
			return;
		case DBS_KIND_FLOAT4:
		{
			float4 number = DatumGetFloat4(value);

			dbs_put_bytes(w, &number, sizeof number);
			return;
		}
		case DBS_KIND_FLOAT8:
		{
			float8 number = DatumGetFloat8(value);

			dbs_put_bytes(w, &number, sizeof number);
			return;
		}
		case DBS_KIND_INTERVAL:
		{
			Interval *interval = DatumGetIntervalP(value);

			dbs_put_i64(w, interval->time);
			dbs_put_u32(w, (uint32) interval->day);
			dbs_put_u32(w, (uint32) interval->month);
			return;
		}
		case DBS_KIND_UUID:
			dbs_put_bytes(w, DatumGetUUIDP(value)->data, UUID_LEN);
			return;
		case DBS_KIND_NUMERIC:
			put_numeric(output, value);
			return;
		case DBS_KIND_BIT:
			put_bits(output, value);
			return;
		case DBS_KIND_BYTES:
			data = PG_DETOAST_DATUM_PACKED(value);
			put_varying(output, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
			return;
		case DBS_KIND_TEXT:
			data = PG_DETOAST_DATUM_PACKED(value);
			put_text(output, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
			return;
		default:
			text = OutputFunctionCall(&column->out, value);
			put_text(output, text, strlen(text));
			pfree(text);
	}
}

/* ---- rows ---- */

/* One row; keys_only: everything that is not part of the replica identity is absent. */
static void
put_row(DbsOutput *output, DbsOutputTable *table, TupleDesc desc, HeapTuple tuple, bool keys_only)
{
	Datum *values = palloc(desc->natts * sizeof *values);
	bool *is_null = palloc(desc->natts * sizeof *is_null);
	Size bytes = (table->column_count + 7) / 8;
	uint8 *nulls = palloc0(bytes * 2);
	uint8 *absent = nulls + bytes;
	bool any_null = false, any_absent = false;

	heap_deform_tuple(tuple, desc, values, is_null);
	for (int i = 0; i < table->column_count; i++)
	{
		const DbsOutputColumn *column = &table->columns[i];
		int attno = column->attno;

		if ((keys_only && !column->key) || dbs_output_absent(TupleDescAttr(desc, attno), values[attno], is_null[attno]))
		{
			absent[i / 8] |= 1 << (i % 8);
			any_absent = true;
		}
		else if (is_null[attno])
		{
			nulls[i / 8] |= 1 << (i % 8);
			any_null = true;
		}
	}
	rows_room(output, bytes * 2 + 8);
	dbs_put_u8(&output->rows, any_absent ? DBS_ROW_ABSENT : any_null ? DBS_ROW_NULLS : DBS_ROW_FULL);
	if (any_absent || any_null)
		dbs_put_bytes(&output->rows, nulls, bytes);
	if (any_absent)
		dbs_put_bytes(&output->rows, absent, bytes);
	for (int i = 0; i < table->column_count; i++)
	{
		if (((nulls[i / 8] | absent[i / 8]) & (1 << (i % 8))) == 0)
			put_value(output, &table->columns[i], values[table->columns[i].attno]);
	}
}

static void
binary_change(DbsOutput *output, ReorderBufferTXN *txn, DbsOutputTable *table, Relation relation, char op,
			  HeapTuple old, HeapTuple new)
{
	TupleDesc desc = RelationGetDescr(relation);
	DbsRowsOp rows_op = op == 'I' ? DBS_ROWS_INSERT : op == 'U' ? DBS_ROWS_UPDATE : DBS_ROWS_DELETE;

	if (output->row_count > 0 && (output->row_table != table->wire_id || output->row_op != rows_op))
		binary_flush(output);
	if (output->row_count == 0)
	{
		rows_room(output, ROWS_SIZE + 1024);
		if (!dbs_rows_begin(&output->rows, table->wire_id, rows_op))
			elog(ERROR, "a rows message does not fit the buffer made for it");
		output->row_table = table->wire_id;
		output->row_op = rows_op;
	}
	if (op != 'I' && old == NULL)
	{
		rows_room(output, 8);
		dbs_put_u8(&output->rows, DBS_ROW_SAME_KEY);
	}
	else if (op != 'I')
		put_row(output, table, desc, old, table->identity != REPLICA_IDENTITY_FULL);
	if (op != 'D')
		put_row(output, table, desc, new, false);
	output->row_count++;
	if (output->rows.used >= ROWS_SIZE)
		send_gathered(output);
}

static void
binary_truncate(DbsOutput *output, ReorderBufferTXN *txn, List *truncated, bool cascade, bool restart)
{
	ListCell *cell;

	foreach (cell, truncated)
	{
		const DbsOutputTruncated *table = lfirst(cell);
		bool part = table->partition != NULL;
		DbsTruncate truncate = {string(table->schema), string(table->name), string(part ? table->partition : ""),
								string(part ? table->condition : ""), string(part ? table->columns : "")};
		DbsWriter *w = message_writer(output, truncate.schema.size + truncate.name.size + truncate.partition.size +
												  truncate.condition.size + truncate.columns.size);

		message_written(output, dbs_put_truncate(w, &truncate));
	}
}

static void
binary_message(DbsOutput *output, bool transactional, const char *prefix, Size size, const char *content)
{
	DbsLogicalMessage message = {string(prefix), {content, (uint32_t) size}};
	DbsWriter *w = message_writer(output, message.prefix.size + size);

	message_written(output, dbs_put_logical_message(w, &message));
	/* One outside of any transaction has no commit to wait for. */
	if (!transactional && output->rows.used > 0)
		send_gathered(output);
}

static void
binary_ddl(DbsOutput *output, Size size, const char *content)
{
	binary_message(output, true, DBS_DDL_PREFIX, size, content);
}

const DbsOutputFormat dbs_output_binary = {"binary",        OUTPUT_PLUGIN_BINARY_OUTPUT,
										   binary_begin,    binary_end,
										   binary_table,    binary_change,
										   binary_truncate, binary_message,
										   binary_ddl,      binary_flush};
