/*
 * Taking a TABLE_MAP event apart.
 *
 * Everything here is read from bytes that a server sent; each length is checked before it is used, since a damaged
 * event must become a named failure, not a wrong row.
 */
#include "table_map.h"

#include <stdlib.h>
#include <string.h>

#include "../libdbstream/wire.h"

/* Types of the optional metadata fields. */
enum
{
	META_SIGNEDNESS = 1,
	META_DEFAULT_CHARSET = 2,
	META_COLUMN_CHARSET = 3,
	META_COLUMN_NAME = 4,
	META_SET_LABELS = 5,
	META_ENUM_LABELS = 6,
	META_GEOMETRY_TYPE = 7,
	META_SIMPLE_PRIMARY_KEY = 8,
	META_PRIMARY_KEY_WITH_PREFIX = 9,
	META_LABEL_DEFAULT_CHARSET = 10,
	META_LABEL_COLUMN_CHARSET = 11,
	META_VISIBILITY = 12,
	META_VECTOR_DIMENSIONS = 13
};

typedef struct MetaReader
{
	const uint8_t *at;
	const uint8_t *end;
} MetaReader;

typedef bool (*ColumnTest)(const MapColumn *column, ServerFlavour flavour);

const uint8_t *
packed_length(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
	size_t bytes;

	if (at >= end)
		return NULL;
	if (*at < 251)
	{
		*value = *at;
		return at + 1;
	}
	bytes = *at == 252 ? 2 : *at == 253 ? 3 : *at == 254 ? 8 : 0;
	if (bytes == 0 || (size_t) (end - at - 1) < bytes)
		return NULL;
	at++;
	*value = 0;
	for (size_t i = 0; i < bytes; i++)
		*value |= (uint64_t) at[i] << (8 * i);
	return at + bytes;
}

static bool
read_packed(MetaReader *r, uint64_t *value)
{
	const uint8_t *after = packed_length(r->at, r->end, value);

	if (after == NULL)
		return false;
	r->at = after;
	return true;
}

static bool
read_slice(MetaReader *r, LogSlice *slice)
{
	uint64_t size;

	if (!read_packed(r, &size) || size > (uint64_t) (r->end - r->at))
		return false;
	slice->data = r->at;
	slice->size = (size_t) size;
	r->at += size;
	return true;
}

static bool
damaged(const TableMap *map, const char *part, Failure *failure)
{
	return failure_set(failure, FAILURE_REJECT, "event_damaged",
					   "Check the source's binary log with mysqlbinlog --verify-binlog-checksum.",
					   "the log's description of table \"%.*s.%.*s\" ends inside its %s", LOG_SLICE_ARGS(map->schema),
					   LOG_SLICE_ARGS(map->name), part);
}

/* ---- which columns a metadata field is about ------------------------------ */

static bool
is_numeric(const MapColumn *column, ServerFlavour flavour)
{
	switch (column->type)
	{
		case LOG_TYPE_TINY:
		case LOG_TYPE_SHORT:
		case LOG_TYPE_INT24:
		case LOG_TYPE_LONG:
		case LOG_TYPE_LONGLONG:
		case LOG_TYPE_NEWDECIMAL:
		case LOG_TYPE_FLOAT:
		case LOG_TYPE_DOUBLE:
		case LOG_TYPE_YEAR:
			return true;
		default:
			return false;
	}
}

static bool
is_character(const MapColumn *column, ServerFlavour flavour)
{
	switch (column->type)
	{
		case LOG_TYPE_STRING:
		case LOG_TYPE_VAR_STRING:
		case LOG_TYPE_VARCHAR:
		case LOG_TYPE_BLOB:
		case LOG_TYPE_TINY_BLOB:
		case LOG_TYPE_MEDIUM_BLOB:
		case LOG_TYPE_LONG_BLOB:
		case LOG_TYPE_BLOB_COMPRESSED:
		case LOG_TYPE_VARCHAR_COMPRESSED:
			return true;
		case LOG_TYPE_VECTOR: /* MySQL's own; its collation is binary */
			return true;
		case LOG_TYPE_GEOMETRY:
			return flavour == FLAVOUR_MARIADB;
		default:
			return false;
	}
}

static bool
is_label(const MapColumn *column, ServerFlavour flavour)
{
	return column->type == LOG_TYPE_ENUM || column->type == LOG_TYPE_SET;
}

static bool
is_enum(const MapColumn *column, ServerFlavour flavour)
{
	return column->type == LOG_TYPE_ENUM;
}

static bool
is_set(const MapColumn *column, ServerFlavour flavour)
{
	return column->type == LOG_TYPE_SET;
}

static bool
is_geometry(const MapColumn *column, ServerFlavour flavour)
{
	return column->type == LOG_TYPE_GEOMETRY;
}

static bool
is_vector(const MapColumn *column, ServerFlavour flavour)
{
	return column->type == LOG_TYPE_VECTOR;
}

/* ---- the fields --------------------------------------------------------------- */

static bool
read_signedness(TableMap *map, ServerFlavour flavour, MetaReader r)
{
	size_t bit = 0;

	for (uint32_t i = 0; i < map->column_count; i++)
	{
		if (!is_numeric(&map->columns[i], flavour))
			continue;
		if (bit / 8 >= (size_t) (r.end - r.at))
			return false;
		map->columns[i].is_unsigned = (r.at[bit / 8] >> (7 - bit % 8)) & 1;
		bit++;
	}
	return (bit + 7) / 8 == (size_t) (r.end - r.at);
}

/* One collation for most columns, and pairs (which of the columns that pass test, collation) for the others. */
static bool
read_default_collation(TableMap *map, ServerFlavour flavour, ColumnTest test, MetaReader r)
{
	uint64_t collation, index;
	uint32_t i, passed = 0;

	if (!read_packed(&r, &collation))
		return false;
	for (i = 0; i < map->column_count; i++)
	{
		if (test(&map->columns[i], flavour))
			map->columns[i].collation = (uint32_t) collation;
	}
	i = 0;
	while (r.at < r.end)
	{
		if (!read_packed(&r, &index) || !read_packed(&r, &collation))
			return false;
		for (; i < map->column_count; i++)
		{
			if (test(&map->columns[i], flavour) && passed++ == index)
				break;
		}
		if (i >= map->column_count)
			return false;
		map->columns[i++].collation = (uint32_t) collation;
	}
	return true;
}

static bool
read_column_collations(TableMap *map, ServerFlavour flavour, ColumnTest test, MetaReader r)
{
	uint64_t collation;

	for (uint32_t i = 0; i < map->column_count; i++)
	{
		if (!test(&map->columns[i], flavour))
			continue;
		if (!read_packed(&r, &collation))
			return false;
		map->columns[i].collation = (uint32_t) collation;
	}
	return r.at == r.end;
}

static bool
read_names(TableMap *map, MetaReader r)
{
	for (uint32_t i = 0; i < map->column_count; i++)
	{
		if (!read_slice(&r, &map->columns[i].name))
			return false;
	}
	return r.at == r.end;
}

static bool
read_labels(TableMap *map, ServerFlavour flavour, ColumnTest test, MetaReader r)
{
	for (uint32_t i = 0; i < map->column_count; i++)
	{
		MapColumn *column = &map->columns[i];
		uint64_t count;
		LogSlice label;

		if (!test(column, flavour))
			continue;
		if (!read_packed(&r, &count) || count > 65535)
			return false;
		column->label_count = (uint32_t) count;
		column->labels.data = r.at;
		for (uint64_t k = 0; k < count; k++)
		{
			if (!read_slice(&r, &label))
				return false;
		}
		column->labels.size = r.at - column->labels.data;
	}
	return r.at == r.end;
}

static bool
read_numbers(TableMap *map, ServerFlavour flavour, ColumnTest test, MetaReader r)
{
	uint64_t number;

	for (uint32_t i = 0; i < map->column_count; i++)
	{
		if (!test(&map->columns[i], flavour))
			continue;
		if (!read_packed(&r, &number))
			return false;
		if (test == is_geometry)
			map->columns[i].geometry = (uint32_t) number;
		else
			map->columns[i].dimensions = (uint32_t) number;
	}
	return r.at == r.end;
}

/* A prefix key counts as its whole column: the row is found by more than the key needs, never by less. */
static bool
read_primary_key(TableMap *map, bool with_prefix, MetaReader r)
{
	uint64_t index, prefix;

	while (r.at < r.end)
	{
		if (!read_packed(&r, &index) || index >= map->column_count)
			return false;
		if (with_prefix && !read_packed(&r, &prefix))
			return false;
		map->columns[index].key = true;
		map->has_key = true;
	}
	return true;
}

static bool
read_field(TableMap *map, ServerFlavour flavour, uint8_t type, MetaReader r)
{
	switch (type)
	{
		case META_SIGNEDNESS:
			return read_signedness(map, flavour, r);
		case META_DEFAULT_CHARSET:
			return read_default_collation(map, flavour, is_character, r);
		case META_COLUMN_CHARSET:
			return read_column_collations(map, flavour, is_character, r);
		case META_COLUMN_NAME:
			return read_names(map, r);
		case META_SET_LABELS:
			return read_labels(map, flavour, is_set, r);
		case META_ENUM_LABELS:
			return read_labels(map, flavour, is_enum, r);
		case META_GEOMETRY_TYPE:
			return read_numbers(map, flavour, is_geometry, r);
		case META_SIMPLE_PRIMARY_KEY:
			return read_primary_key(map, false, r);
		case META_PRIMARY_KEY_WITH_PREFIX:
			return read_primary_key(map, true, r);
		case META_LABEL_DEFAULT_CHARSET:
			return read_default_collation(map, flavour, is_label, r);
		case META_LABEL_COLUMN_CHARSET:
			return read_column_collations(map, flavour, is_label, r);
		case META_VECTOR_DIMENSIONS:
			return read_numbers(map, flavour, is_vector, r);
		case META_VISIBILITY:
		default:
			/* Later servers may describe more; nothing that changes how a value is read may hide here unseen, since
			 * every type number is checked by itself. */
			return true;
	}
}

static bool
read_optional(TableMap *map, ServerFlavour flavour, MetaReader r, Failure *failure)
{
	bool named = false, has_signedness = false;

	while (r.at < r.end)
	{
		uint8_t type = *r.at++;
		LogSlice value;

		if (!read_slice(&r, &value))
			return damaged(map, "optional metadata", failure);
		if (!read_field(map, flavour, type, (MetaReader){value.data, value.data + value.size}))
			return failure_set(failure, FAILURE_REJECT, "event_damaged",
							   "Report this with the server's version: the layout is not the one documented.",
							   "field %u of the log's description of table \"%.*s.%.*s\" does not fit its columns",
							   type, LOG_SLICE_ARGS(map->schema), LOG_SLICE_ARGS(map->name));
		named = named || type == META_COLUMN_NAME;
		has_signedness = has_signedness || type == META_SIGNEDNESS;
	}
	for (uint32_t i = 0; i < map->column_count; i++)
	{
		if (is_numeric(&map->columns[i], flavour) && !has_signedness)
			named = false;
	}
	if (!named)
		return failure_set(
			failure, FAILURE_REJECT, "no_row_metadata",
			"SET GLOBAL binlog_row_metadata=FULL at the source (and put binlog_row_metadata=FULL into its "
			"configuration); then start the stream again from a position after that.",
			"the log describes table \"%.*s.%.*s\" without column names", LOG_SLICE_ARGS(map->schema),
			LOG_SLICE_ARGS(map->name));
	return true;
}

/* ---- the fixed part ------------------------------------------------------- */

/* Bytes that a type has in the metadata block; -1: a type that is not known. */
static int
metadata_size(uint8_t type)
{
	switch (type)
	{
		case LOG_TYPE_TINY:
		case LOG_TYPE_SHORT:
		case LOG_TYPE_INT24:
		case LOG_TYPE_LONG:
		case LOG_TYPE_LONGLONG:
		case LOG_TYPE_DATE:
		case LOG_TYPE_NEWDATE:
		case LOG_TYPE_TIME:
		case LOG_TYPE_DATETIME:
		case LOG_TYPE_TIMESTAMP:
		case LOG_TYPE_YEAR:
			return 0;
		case LOG_TYPE_FLOAT:
		case LOG_TYPE_DOUBLE:
		case LOG_TYPE_TIME2:
		case LOG_TYPE_DATETIME2:
		case LOG_TYPE_TIMESTAMP2:
		case LOG_TYPE_TINY_BLOB:
		case LOG_TYPE_MEDIUM_BLOB:
		case LOG_TYPE_LONG_BLOB:
		case LOG_TYPE_BLOB:
		case LOG_TYPE_BLOB_COMPRESSED:
		case LOG_TYPE_GEOMETRY:
		case LOG_TYPE_JSON:
		case LOG_TYPE_VECTOR:
			return 1;
		case LOG_TYPE_VARCHAR:
		case LOG_TYPE_VARCHAR_COMPRESSED:
		case LOG_TYPE_VAR_STRING:
		case LOG_TYPE_STRING:
		case LOG_TYPE_ENUM:
		case LOG_TYPE_SET:
		case LOG_TYPE_BIT:
		case LOG_TYPE_NEWDECIMAL:
			return 2;
		default:
			return -1;
	}
}

/*
 * CHAR, ENUM and SET are all logged as STRING with the real type in the first byte. A CHAR longer than 255 bytes keeps
 * the two high bits of its length, inverted, in bits 4 and 5 of that byte, which are set in every real type.
 */
static bool
read_string_metadata(MapColumn *column, const uint8_t *meta)
{
	if ((meta[0] & 0x30) != 0x30)
	{
		column->size = meta[1] | (uint16_t) (((meta[0] & 0x30) ^ 0x30) << 4);
		column->type = meta[0] | 0x30;
	}
	else
	{
		column->type = meta[0];
		column->size = meta[1];
	}
	if (column->type == LOG_TYPE_ENUM || column->type == LOG_TYPE_SET)
		return column->size >= 1 && column->size <= (column->type == LOG_TYPE_ENUM ? 2 : 8);
	return column->type == LOG_TYPE_STRING || column->type == LOG_TYPE_VAR_STRING;
}

static bool
read_column_metadata(MapColumn *column, const uint8_t *meta)
{
	switch (column->type)
	{
		case LOG_TYPE_FLOAT:
		case LOG_TYPE_DOUBLE:
			return meta[0] == (column->type == LOG_TYPE_FLOAT ? 4 : 8);
		case LOG_TYPE_TIME2:
		case LOG_TYPE_DATETIME2:
		case LOG_TYPE_TIMESTAMP2:
			column->precision = meta[0];
			return meta[0] <= 6;
		case LOG_TYPE_TINY_BLOB:
		case LOG_TYPE_MEDIUM_BLOB:
		case LOG_TYPE_LONG_BLOB:
		case LOG_TYPE_BLOB:
		case LOG_TYPE_BLOB_COMPRESSED:
		case LOG_TYPE_GEOMETRY:
		case LOG_TYPE_JSON:
		case LOG_TYPE_VECTOR:
			column->size = meta[0];
			return meta[0] >= 1 && meta[0] <= 4;
		case LOG_TYPE_VARCHAR:
		case LOG_TYPE_VARCHAR_COMPRESSED:
		case LOG_TYPE_VAR_STRING:
			column->size = (uint16_t) (meta[0] | meta[1] << 8);
			return true;
		case LOG_TYPE_STRING:
		case LOG_TYPE_ENUM:
		case LOG_TYPE_SET:
			return read_string_metadata(column, meta);
		case LOG_TYPE_BIT:
			column->precision = meta[0];
			column->size = meta[1];
			return meta[0] < 8 && meta[1] <= 8 && meta[1] * 8 + meta[0] >= 1 && meta[1] * 8 + meta[0] <= 64;
		case LOG_TYPE_NEWDECIMAL:
			column->precision = meta[0];
			column->scale = meta[1];
			return meta[0] >= 1 && meta[0] <= 65 && meta[1] <= 38 && meta[1] <= meta[0];
		default:
			return true;
	}
}

/*
 * MariaDB's own formats of times with fractions, from before it took over MySQL's, are logged under the same numbers as
 * the formats without, but are longer: the log cannot tell them apart, so neither is read from MariaDB.
 */
static bool
is_ambiguous(uint8_t type, ServerFlavour flavour)
{
	return flavour == FLAVOUR_MARIADB &&
		   (type == LOG_TYPE_TIME || type == LOG_TYPE_DATETIME || type == LOG_TYPE_TIMESTAMP);
}

static bool
read_columns(TableMap *map, const uint8_t *types, LogSlice block, ServerFlavour flavour, Failure *failure)
{
	const uint8_t *meta = block.data;
	const uint8_t *end = block.data + block.size;

	for (uint32_t i = 0; i < map->column_count; i++)
	{
		int bytes = metadata_size(types[i]);

		if (bytes < 0)
			return failure_set(failure, FAILURE_REJECT, "unknown_type",
							   "Exclude the table from the stream, or change the column's type.",
							   "column %u of table \"%.*s.%.*s\" has type number %u, which is not known", i + 1,
							   LOG_SLICE_ARGS(map->schema), LOG_SLICE_ARGS(map->name), types[i]);
		if (is_ambiguous(types[i], flavour))
			return failure_set(
				failure, FAILURE_REJECT, "old_temporal_format",
				"SET GLOBAL mysql56_temporal_format=ON at the source, then ALTER TABLE ... FORCE; start the "
				"stream again from a position after that.",
				"column %u of table \"%.*s.%.*s\" holds times in MariaDB's old format, which the log does "
				"not describe exactly",
				i + 1, LOG_SLICE_ARGS(map->schema), LOG_SLICE_ARGS(map->name));
		if (end - meta < bytes)
			return damaged(map, "column metadata", failure);
		map->columns[i].type = types[i];
		if (!read_column_metadata(&map->columns[i], meta))
			return failure_set(failure, FAILURE_REJECT, "unknown_type",
							   "Exclude the table from the stream, or change the column's type.",
							   "column %u of table \"%.*s.%.*s\" has type number %u with modifiers that are not known",
							   i + 1, LOG_SLICE_ARGS(map->schema), LOG_SLICE_ARGS(map->name), types[i]);
		meta += bytes;
	}
	return meta == end || damaged(map, "column metadata", failure);
}

static bool
read_terminated_name(MetaReader *r, LogSlice *name)
{
	size_t size;

	if (r->at >= r->end)
		return false;
	size = *r->at++;
	if ((size_t) (r->end - r->at) < size + 1)
		return false;
	name->data = r->at;
	name->size = size;
	r->at += size + 1;
	return true;
}

bool
table_map_parse(const uint8_t *body, size_t size, ServerFlavour flavour, TableMap *map, Failure *failure)
{
	MetaReader r = {body, body + size};
	const uint8_t *types;
	uint64_t count;
	LogSlice block;

	memset(map, 0, sizeof *map);
	map->schema.data = map->name.data = body;
	if (!read_terminated_name(&r, &map->schema) || !read_terminated_name(&r, &map->name))
		return damaged(map, "names", failure);
	if (!read_packed(&r, &count) || count > (uint64_t) (r.end - r.at) || count > DBS_WIRE_MAX_COLUMNS)
		return damaged(map, "column types", failure);
	types = r.at;
	r.at += count;
	if (!read_slice(&r, &block) || (size_t) (r.end - r.at) < (count + 7) / 8)
		return damaged(map, "column metadata", failure);
	map->column_count = (uint32_t) count;
	map->columns = calloc(count + 1, sizeof *map->columns);
	if (map->columns == NULL)
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", "Give the bridge more memory.",
						   "no memory for the columns of table \"%.*s.%.*s\"", LOG_SLICE_ARGS(map->schema),
						   LOG_SLICE_ARGS(map->name));
	for (uint64_t i = 0; i < count; i++)
		map->columns[i].nullable = (r.at[i / 8] >> (i % 8)) & 1;
	r.at += (count + 7) / 8;
	if (read_columns(map, types, block, flavour, failure) && read_optional(map, flavour, r, failure))
		return true;
	table_map_clear(map);
	return false;
}

void
table_map_clear(TableMap *map)
{
	free(map->columns);
	map->columns = NULL;
	map->column_count = 0;
}
