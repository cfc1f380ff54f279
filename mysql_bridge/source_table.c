/*
 * A table of the source: columns with their kinds, and the plan by which its rows are read.
 */
#include "source_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../libdbstream/utf8.h"
#include "decimal.h"
#include "row_image.h"
#include "table_map.h"
#include "temporal.h"

#define BINARY_COLLATION 63

struct SourceTable
{
	char *schema;
	char *name;
	uint32_t column_count;
	DbsColumn *columns; /* name and type_name are malloc'd */
	ColumnPlan *plans;
	LabelSet *labels;
	RowPlan plan;
};

/* What is being made of one column. */
typedef struct ColumnBuild
{
	const MapColumn *map;
	const StreamConfig *config;
	DbsColumn *column;
	ColumnPlan *plan;
	LabelSet *labels;
} ColumnBuild;

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", "Give the bridge more memory.",
					   "no memory to describe a table of the source");
}

static char *
copy_slice(LogSlice slice)
{
	char *copy = malloc(slice.size + 1);

	if (copy != NULL)
	{
		memcpy(copy, slice.data, slice.size);
		copy[slice.size] = '\0';
	}
	return copy;
}

/* ---- labels --------------------------------------------------------------------- */

/* The labels of an enum or a set, converted to UTF-8, in one block behind the array that points to them. */
static bool
build_labels(const ColumnBuild *build, Failure *failure)
{
	const MapColumn *map = build->map;
	const Charset *charset = build->plan->charset;
	const uint8_t *at = map->labels.data;
	const uint8_t *end = at + map->labels.size;
	size_t room = map->label_count * sizeof(DbsString) + 1;
	size_t bad_at;
	char *text;

	/* Each label's bound counts; all together are bounded by the bytes there are and some for each. */
	room += charset_utf8_bound(charset, map->labels.size) + map->label_count * charset_utf8_bound(charset, 0);
	build->labels->labels = malloc(room);
	if (build->labels->labels == NULL)
		return no_memory(failure);
	build->labels->count = map->label_count;
	text = (char *) (build->labels->labels + map->label_count);
	for (uint32_t i = 0; i < map->label_count; i++)
	{
		uint64_t size;
		size_t written;

		at = packed_length(at, end, &size);
		written = charset_to_utf8(charset, at, (size_t) size, text, &bad_at);
		/* Labels of character set binary are any bytes. */
		if (written == SIZE_MAX || !dbs_utf8_valid(text, written))
			return failure_set(failure, FAILURE_REJECT, "invalid_text",
							   "Correct the label with ALTER TABLE at the source, or exclude the table.",
							   "label %u of column \"%s\" is not valid in its character set %s", i + 1,
							   build->plan->name, charset_name(charset));
		build->labels->labels[i] = (DbsString){text, (uint32_t) written};
		text += written;
		at += size;
	}
	build->plan->labels = build->labels;
	return true;
}

static void
write_labels(FILE *out, const char *type, const LabelSet *labels)
{
	fprintf(out, "%s(", type);
	for (uint32_t i = 0; i < labels->count; i++)
	{
		fputs(i == 0 ? "'" : ",'", out);
		for (uint32_t k = 0; k < labels->labels[i].size; k++)
		{
			char c = labels->labels[i].data[k];

			if (c == '\'')
				fputc(c, out);
			fputc(c, out);
		}
		fputc('\'', out);
	}
	fputc(')', out);
}

/* ---- kinds and plans ------------------------------------------------------------- */

static void
plan_fixed(ColumnBuild *build, DbsKind kind, DecodeOp op, uint32_t bytes)
{
	build->column->kind = (uint8_t) kind;
	build->plan->op = (uint8_t) op;
	build->plan->fixed = bytes;
}

static void
plan_prefixed(ColumnBuild *build, DbsKind kind, DecodeOp op, unsigned prefix)
{
	build->column->kind = (uint8_t) kind;
	build->plan->op = (uint8_t) op;
	build->plan->prefix = (uint8_t) prefix;
}

static void
plan_integer(ColumnBuild *build)
{
	bool is_unsigned = build->map->is_unsigned;

	switch (build->map->type)
	{
		case LOG_TYPE_TINY:
			plan_fixed(build, DBS_KIND_INT2, is_unsigned ? DECODE_UINT1 : DECODE_INT1, 1);
			break;
		case LOG_TYPE_SHORT:
			plan_fixed(build, is_unsigned ? DBS_KIND_INT4 : DBS_KIND_INT2, is_unsigned ? DECODE_UINT2 : DECODE_COPY2,
					   2);
			break;
		case LOG_TYPE_INT24:
			plan_fixed(build, DBS_KIND_INT4, is_unsigned ? DECODE_UINT3 : DECODE_INT3, 3);
			break;
		case LOG_TYPE_LONG:
			plan_fixed(build, is_unsigned ? DBS_KIND_INT8 : DBS_KIND_INT4, is_unsigned ? DECODE_UINT4 : DECODE_COPY4,
					   4);
			break;
		default:
			plan_fixed(build, is_unsigned ? DBS_KIND_UINT8 : DBS_KIND_INT8, DECODE_COPY8, 8);
	}
}

static void
plan_temporal(ColumnBuild *build)
{
	uint32_t fsp = build->map->precision;
	uint32_t fraction = (uint32_t) temporal_fraction_size(fsp);

	build->plan->fsp = (uint8_t) fsp;
	build->column->length = fsp;
	switch (build->map->type)
	{
		case LOG_TYPE_DATE:
		case LOG_TYPE_NEWDATE:
			plan_fixed(build, DBS_KIND_DATE, DECODE_DATE, 3);
			break;
		case LOG_TYPE_DATETIME2:
			plan_fixed(build, DBS_KIND_TIMESTAMP, DECODE_DATETIME2, 5 + fraction);
			break;
		case LOG_TYPE_TIMESTAMP2:
			plan_fixed(build, DBS_KIND_TIMESTAMPTZ, DECODE_TIMESTAMP2, 4 + fraction);
			break;
		case LOG_TYPE_TIME2:
			plan_fixed(build, DBS_KIND_DURATION, DECODE_TIME2, 3 + fraction);
			break;
		case LOG_TYPE_DATETIME:
			plan_fixed(build, DBS_KIND_TIMESTAMP, DECODE_OLD_DATETIME, 8);
			break;
		case LOG_TYPE_TIMESTAMP:
			plan_fixed(build, DBS_KIND_TIMESTAMPTZ, DECODE_OLD_TIMESTAMP, 4);
			break;
		default:
			plan_fixed(build, DBS_KIND_DURATION, DECODE_OLD_TIME, 3);
	}
}

static void
plan_bit(ColumnBuild *build)
{
	uint32_t bits = build->map->size * 8u + build->map->precision;

	build->plan->size = bits;
	build->column->length = bits;
	plan_fixed(build, bits == 1 ? DBS_KIND_BOOL : DBS_KIND_BIT, bits == 1 ? DECODE_BOOL : DECODE_BIT, (bits + 7) / 8);
}

/* CHAR, VARCHAR, BINARY and VARBINARY: the length before the value has two bytes when one does not suffice. */
static void
plan_string(ColumnBuild *build)
{
	const MapColumn *map = build->map;
	bool compressed = map->type == LOG_TYPE_VARCHAR_COMPRESSED;
	/* A compressed column is one byte wider than its values, for the byte that says how it is compressed. */
	uint32_t bytes = compressed && map->size > 0 ? map->size - 1u : map->size;
	unsigned prefix = map->size > 255 ? 2 : 1;

	if (!charset_is_binary(build->plan->charset))
	{
		build->column->length = bytes / charset_max_bytes(build->plan->charset);
		plan_prefixed(build, DBS_KIND_TEXT, compressed ? DECODE_COMPRESSED_TEXT : DECODE_TEXT, prefix);
		return;
	}
	build->column->length = bytes;
	build->plan->size = bytes;
	if (map->type != LOG_TYPE_STRING)
		plan_prefixed(build, DBS_KIND_BYTES, compressed ? DECODE_COMPRESSED_BYTES : DECODE_BYTES, prefix);
	else if (bytes == 16 && build->config->binary16_as_uuid)
		plan_prefixed(build, DBS_KIND_UUID, DECODE_UUID, prefix);
	else
		plan_prefixed(build, DBS_KIND_BYTES, DECODE_PADDED_BYTES, prefix);
}

static void
plan_blob(ColumnBuild *build)
{
	bool compressed = build->map->type == LOG_TYPE_BLOB_COMPRESSED;

	if (charset_is_binary(build->plan->charset))
		plan_prefixed(build, DBS_KIND_BYTES, compressed ? DECODE_COMPRESSED_BYTES : DECODE_BYTES, build->map->size);
	else
		plan_prefixed(build, DBS_KIND_TEXT, compressed ? DECODE_COMPRESSED_TEXT : DECODE_TEXT, build->map->size);
}

static bool
plan_column(ColumnBuild *build, Failure *failure)
{
	const MapColumn *map = build->map;

	switch (map->type)
	{
		case LOG_TYPE_TINY:
		case LOG_TYPE_SHORT:
		case LOG_TYPE_INT24:
		case LOG_TYPE_LONG:
		case LOG_TYPE_LONGLONG:
			plan_integer(build);
			return true;
		case LOG_TYPE_FLOAT:
			plan_fixed(build, DBS_KIND_FLOAT4, DECODE_COPY4, 4);
			return true;
		case LOG_TYPE_DOUBLE:
			plan_fixed(build, DBS_KIND_FLOAT8, DECODE_COPY8, 8);
			return true;
		case LOG_TYPE_NEWDECIMAL:
			build->plan->fsp = map->precision;
			build->plan->scale = map->scale;
			build->column->length = map->precision;
			build->column->scale = map->scale;
			plan_fixed(build, DBS_KIND_NUMERIC, DECODE_DECIMAL,
					   (uint32_t) decimal_packed_size(map->precision, map->scale));
			return true;
		case LOG_TYPE_YEAR:
			plan_fixed(build, DBS_KIND_INT2, DECODE_YEAR, 1);
			return true;
		case LOG_TYPE_BIT:
			plan_bit(build);
			return true;
		case LOG_TYPE_ENUM:
			plan_fixed(build, DBS_KIND_LABEL, DECODE_ENUM, map->size);
			return build_labels(build, failure);
		case LOG_TYPE_SET:
			plan_fixed(build, DBS_KIND_LABEL_LIST, DECODE_SET, map->size);
			return build_labels(build, failure);
		case LOG_TYPE_VARCHAR:
		case LOG_TYPE_VAR_STRING:
		case LOG_TYPE_STRING:
		case LOG_TYPE_VARCHAR_COMPRESSED:
			plan_string(build);
			return true;
		case LOG_TYPE_TINY_BLOB:
		case LOG_TYPE_MEDIUM_BLOB:
		case LOG_TYPE_LONG_BLOB:
		case LOG_TYPE_BLOB:
		case LOG_TYPE_BLOB_COMPRESSED:
			plan_blob(build);
			return true;
		case LOG_TYPE_JSON:
			plan_prefixed(build, DBS_KIND_JSON, DECODE_JSON, map->size);
			return true;
		case LOG_TYPE_GEOMETRY:
			plan_prefixed(build, DBS_KIND_GEOMETRY, DECODE_GEOMETRY, map->size);
			return true;
		case LOG_TYPE_VECTOR:
			build->column->length = map->dimensions;
			plan_prefixed(build, DBS_KIND_VECTOR, DECODE_VECTOR, map->size);
			return true;
		default:
			plan_temporal(build);
			return true;
	}
}

/* ---- the source's words for a type ------------------------------------------------ */

static const char *
geometry_words(uint32_t type)
{
	static const char *const words[] = {"geometry",   "point",           "linestring",   "polygon",
										"multipoint", "multilinestring", "multipolygon", "geometrycollection"};

	return type < sizeof words / sizeof words[0] ? words[type] : "geometry";
}

static const char *
plain_words(uint8_t type)
{
	switch (type)
	{
		case LOG_TYPE_TINY:
			return "tinyint";
		case LOG_TYPE_SHORT:
			return "smallint";
		case LOG_TYPE_INT24:
			return "mediumint";
		case LOG_TYPE_LONG:
			return "int";
		case LOG_TYPE_LONGLONG:
			return "bigint";
		case LOG_TYPE_FLOAT:
			return "float";
		case LOG_TYPE_DOUBLE:
			return "double";
		case LOG_TYPE_YEAR:
			return "year";
		case LOG_TYPE_DATE:
		case LOG_TYPE_NEWDATE:
			return "date";
		case LOG_TYPE_DATETIME:
		case LOG_TYPE_DATETIME2:
			return "datetime";
		case LOG_TYPE_TIMESTAMP:
		case LOG_TYPE_TIMESTAMP2:
			return "timestamp";
		case LOG_TYPE_TIME:
		case LOG_TYPE_TIME2:
			return "time";
		case LOG_TYPE_JSON:
			return "json";
		default:
			return "";
	}
}

static void
write_string_words(FILE *out, const ColumnBuild *build)
{
	bool binary = charset_is_binary(build->plan->charset);
	bool fixed = build->map->type == LOG_TYPE_STRING;

	fprintf(out, "%s(%u)", binary ? (fixed ? "binary" : "varbinary") : (fixed ? "char" : "varchar"),
			build->column->length);
}

static void
write_blob_words(FILE *out, const ColumnBuild *build)
{
	static const char *const sizes[] = {"", "tiny", "", "medium", "long"};

	fprintf(out, "%s%s", sizes[build->map->size], charset_is_binary(build->plan->charset) ? "blob" : "text");
}

static void
write_type_words(FILE *out, const ColumnBuild *build)
{
	const MapColumn *map = build->map;

	switch (map->type)
	{
		case LOG_TYPE_NEWDECIMAL:
			fprintf(out, "decimal(%u,%u)", map->precision, map->scale);
			break;
		case LOG_TYPE_BIT:
			fprintf(out, "bit(%u)", build->column->length);
			break;
		case LOG_TYPE_ENUM:
		case LOG_TYPE_SET:
			write_labels(out, map->type == LOG_TYPE_ENUM ? "enum" : "set", build->labels);
			break;
		case LOG_TYPE_VARCHAR:
		case LOG_TYPE_VAR_STRING:
		case LOG_TYPE_STRING:
		case LOG_TYPE_VARCHAR_COMPRESSED:
			write_string_words(out, build);
			break;
		case LOG_TYPE_TINY_BLOB:
		case LOG_TYPE_MEDIUM_BLOB:
		case LOG_TYPE_LONG_BLOB:
		case LOG_TYPE_BLOB:
		case LOG_TYPE_BLOB_COMPRESSED:
			write_blob_words(out, build);
			break;
		case LOG_TYPE_GEOMETRY:
			fputs(geometry_words(map->geometry), out);
			break;
		case LOG_TYPE_VECTOR:
			fprintf(out, "vector(%u)", map->dimensions);
			break;
		default:
			fputs(plain_words(map->type), out);
			if (map->precision > 0)
				fprintf(out, "(%u)", map->precision);
	}
	if (map->is_unsigned && map->type != LOG_TYPE_YEAR)
		fputs(" unsigned", out);
}

static bool
build_type_name(const ColumnBuild *build, Failure *failure)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return no_memory(failure);
	write_type_words(out, build);
	if (fclose(out) != 0)
	{
		free(text);
		return no_memory(failure);
	}
	build->column->type_name = (DbsString){text, (uint32_t) size};
	return true;
}

/* ---- the table ------------------------------------------------------------------------- */

static bool
build_column(ColumnBuild *build, CharsetCatalog *charsets, Failure *failure)
{
	const MapColumn *map = build->map;
	char *name = copy_slice(map->name);

	if (name == NULL)
		return no_memory(failure);
	build->column->name = (DbsString){name, (uint32_t) map->name.size};
	build->column->flags = (uint8_t) ((map->key ? DBS_COLUMN_KEY : 0) | (map->nullable ? DBS_COLUMN_NULLABLE : 0));
	build->plan->name = name;
	build->plan->charset =
		charset_of_collation(charsets, map->collation == 0 ? BINARY_COLLATION : map->collation, failure);
	if (build->plan->charset == NULL)
	{
		failure_context(failure, "column \"%s\"", name);
		return false;
	}
	return plan_column(build, failure) && build_type_name(build, failure);
}

static bool
build_columns(SourceTable *table, const TableMap *map, const StreamConfig *config, CharsetCatalog *charsets,
			  Failure *failure)
{
	/* Bitmaps, the row's form, and the padding at a message's end. */
	size_t bound = 1 + 2 * (((size_t) map->column_count + 7) / 8) + 16;
	int16_t keys = 0;

	for (uint32_t i = 0; i < map->column_count; i++)
	{
		ColumnBuild build = {&map->columns[i], config, &table->columns[i], &table->plans[i], &table->labels[i]};

		if (!build_column(&build, charsets, failure))
			return false;
		table->plans[i].key_index = map->columns[i].key ? keys++ : -1;
		bound += row_plan_column_bound(&table->plans[i]);
	}
	if (keys > ROW_PLAN_MAX_KEY)
		return failure_set(failure, FAILURE_REJECT, "unknown_type", "Exclude the table from the stream.",
						   "its primary key has %d columns, more than %d", keys, ROW_PLAN_MAX_KEY);
	table->plan = (RowPlan){.schema = table->schema,
							.table = table->name,
							.column_count = map->column_count,
							.key_count = (uint32_t) keys,
							.fixed_bound = bound,
							.strip_nul_bytes = config->strip_nul_bytes,
							.full_before_images = config->full_before_images,
							.zero_dates = config->zero_dates,
							.columns = table->plans};
	return true;
}

static SourceTable *
build_table(const TableMap *map, const StreamConfig *config, CharsetCatalog *charsets, Failure *failure)
{
	SourceTable *table = calloc(1, sizeof *table);

	if (table != NULL)
	{
		table->schema = copy_slice(map->schema);
		table->name = copy_slice(map->name);
		table->columns = calloc(map->column_count + 1, sizeof *table->columns);
		table->plans = calloc(map->column_count + 1, sizeof *table->plans);
		table->labels = calloc(map->column_count + 1, sizeof *table->labels);
		table->column_count = map->column_count;
	}
	if (table == NULL || table->schema == NULL || table->name == NULL || table->columns == NULL ||
		table->plans == NULL || table->labels == NULL)
		no_memory(failure);
	else if (build_columns(table, map, config, charsets, failure))
		return table;
	else
		failure_context(failure, "table \"%s.%s\"", table->schema, table->name);
	source_table_free(table);
	return NULL;
}

SourceTable *
source_table_parse(const uint8_t *body, size_t size, const StreamConfig *config, CharsetCatalog *charsets,
				   Failure *failure)
{
	SourceTable *table;
	TableMap map;

	if (!table_map_parse(body, size, charset_catalog_flavour(charsets), &map, failure))
		return NULL;
	table = build_table(&map, config, charsets, failure);
	table_map_clear(&map);
	return table;
}

void
source_table_free(SourceTable *table)
{
	if (table == NULL)
		return;
	for (uint32_t i = 0; table->columns != NULL && i < table->column_count; i++)
	{
		free((char *) table->columns[i].name.data);
		free((char *) table->columns[i].type_name.data);
	}
	for (uint32_t i = 0; table->labels != NULL && i < table->column_count; i++)
		free(table->labels[i].labels);
	free(table->schema);
	free(table->name);
	free(table->columns);
	free(table->plans);
	free(table->labels);
	free(table);
}

bool
source_table_names(const uint8_t *body, size_t size, const char **schema, size_t *schema_size, const char **name,
				   size_t *name_size, Failure *failure)
{
	size_t at = 0;

	if (size > 0)
	{
		*schema_size = body[0];
		*schema = (const char *) body + 1;
		at = 2 + *schema_size;
	}
	if (size == 0 || at >= size || at + 2 + body[at] > size)
		return failure_set(failure, FAILURE_REJECT, "event_damaged",
						   "Check the source's binary log with mysqlbinlog --verify-binlog-checksum.",
						   "the log's description of a table ends inside its names");
	*name_size = body[at];
	*name = (const char *) body + at + 1;
	return true;
}

bool
source_table_put(const SourceTable *table, uint32_t wire_id, Outbox *outbox, Failure *failure)
{
	DbsTable head = {.id = wire_id,
					 .column_count = table->column_count,
					 .schema = {table->schema, (uint32_t) strlen(table->schema)},
					 .name = {table->name, (uint32_t) strlen(table->name)}};
	size_t bound = 64 + head.schema.size + head.name.size;

	for (uint32_t i = 0; i < table->column_count; i++)
		bound += 32 + table->columns[i].name.size + table->columns[i].type_name.size;
	if (!outbox_reserve(outbox, bound, failure))
		return false;
	if (!dbs_put_table(outbox_writer(outbox), &head, table->columns))
		return failure_set(failure, FAILURE_REJECT, "value_too_large", "Exclude the table from the stream.",
						   "the description of table \"%s.%s\" is too large", table->schema, table->name);
	return true;
}

bool
source_table_put_rows(const SourceTable *table, uint32_t wire_id, RowsEventKind kind, const uint8_t *body, size_t size,
					  Outbox *outbox, RowsCount *count, Failure *failure)
{
	return row_image_put_rows(&table->plan, wire_id, kind, body, size, outbox, count, failure);
}
