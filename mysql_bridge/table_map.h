/*
 * What a TABLE_MAP event says, taken apart but not yet interpreted.
 *
 * The layout (fixed part, metadata block, null bitmap, optional metadata as type, length, value) is the servers' own:
 * MySQL's libbinlogevents and MariaDB's log_event write the same, but count different columns as numeric or character,
 * which matters because signedness and collations are listed for those columns only.
 */
#ifndef DBS_BRIDGE_TABLE_MAP_H
#define DBS_BRIDGE_TABLE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "mysql_connection.h"

/* Column types as the log numbers them; both servers' numbers, the compressed ones are MariaDB's. */
typedef enum LogType
{
	LOG_TYPE_TINY = 1,
	LOG_TYPE_SHORT = 2,
	LOG_TYPE_LONG = 3,
	LOG_TYPE_FLOAT = 4,
	LOG_TYPE_DOUBLE = 5,
	LOG_TYPE_NULL = 6,
	LOG_TYPE_TIMESTAMP = 7,
	LOG_TYPE_LONGLONG = 8,
	LOG_TYPE_INT24 = 9,
	LOG_TYPE_DATE = 10,
	LOG_TYPE_TIME = 11,
	LOG_TYPE_DATETIME = 12,
	LOG_TYPE_YEAR = 13,
	LOG_TYPE_NEWDATE = 14,
	LOG_TYPE_VARCHAR = 15,
	LOG_TYPE_BIT = 16,
	LOG_TYPE_TIMESTAMP2 = 17,
	LOG_TYPE_DATETIME2 = 18,
	LOG_TYPE_TIME2 = 19,
	LOG_TYPE_BLOB_COMPRESSED = 140,
	LOG_TYPE_VARCHAR_COMPRESSED = 141,
	LOG_TYPE_VECTOR = 242,
	LOG_TYPE_JSON = 245,
	LOG_TYPE_NEWDECIMAL = 246,
	LOG_TYPE_ENUM = 247,
	LOG_TYPE_SET = 248,
	LOG_TYPE_TINY_BLOB = 249,
	LOG_TYPE_MEDIUM_BLOB = 250,
	LOG_TYPE_LONG_BLOB = 251,
	LOG_TYPE_BLOB = 252,
	LOG_TYPE_VAR_STRING = 253,
	LOG_TYPE_STRING = 254,
	LOG_TYPE_GEOMETRY = 255
} LogType;

/* Bytes inside the event. */
typedef struct LogSlice
{
	const uint8_t *data;
	size_t size;
} LogSlice;

typedef struct MapColumn
{
	uint8_t type;      /* LogType; ENUM and SET already told apart from STRING */
	uint16_t size;     /* most bytes of a string, bytes of an enum or set, length bytes of a blob, by type */
	uint8_t precision; /* decimal; fraction digits of a temporal type; odd bits of a BIT */
	uint8_t scale;     /* decimal */
	bool nullable;
	bool is_unsigned;
	bool key;           /* in the primary key, whole or by a prefix */
	uint32_t collation; /* 0 where the column has none */
	LogSlice name;
	LogSlice labels; /* ENUM, SET: label_count times a packed length and the bytes */
	uint32_t label_count;
	uint32_t geometry;   /* the geometry type's number, 0: any */
	uint32_t dimensions; /* VECTOR */
} MapColumn;

typedef struct TableMap
{
	LogSlice schema;
	LogSlice name;
	uint32_t column_count;
	bool has_key;
	MapColumn *columns; /* malloc'd; the slices in it point into the event */
} TableMap;

/* Take a TABLE_MAP body (after its post-header) apart. Fails when bytes are missing or what FULL metadata adds is. */
MUST_CHECK bool table_map_parse(const uint8_t *body, size_t size, ServerFlavour flavour, TableMap *map,
								Failure *failure);
void table_map_clear(TableMap *map);

/* A length as the protocol packs it. Returns the byte after it, NULL when the bytes end. */
const uint8_t *packed_length(const uint8_t *at, const uint8_t *end, uint64_t *value);

/* A slice as %.*s takes it. */
#define LOG_SLICE_ARGS(slice) (int) (slice).size, (const char *) (slice).data

#endif
