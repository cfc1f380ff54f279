/*
 * The map of types: which type of one database becomes which of the other, by
 * way of which value kind.  One table: dbstream.type_map() and the tables of
 * docs/types.md are made from it.
 */
#ifndef DBS_TYPEMAP_H
#define DBS_TYPEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kind.h"

typedef enum DbsTypeDirection
{
	DBS_TYPES_MYSQL_TO_POSTGRESQL,
	DBS_TYPES_POSTGRESQL_TO_MYSQL
} DbsTypeDirection;

typedef struct DbsTypeMapping
{
	DbsTypeDirection direction;
	const char *source_type; /* type words, with parameters as letters: "decimal(p,s)" */
	const char *condition;   /* what must hold beside the words; "" when nothing */
	DbsKind kind;            /* how a value travels */
	const char *target_type; /* the same letters as in source_type */
	const char *option;      /* the stream option that chooses this row; NULL: the row is the default */
	const char *value;       /* that option's value; NULL with option */
	const char *remark;      /* one or two sentences for people; "" when there is nothing to say */
} DbsTypeMapping;

extern const DbsTypeMapping dbs_type_map[];
extern const size_t dbs_type_map_size;

/* "mysql to postgresql" or "postgresql to mysql". */
const char *dbs_type_direction_name(DbsTypeDirection direction);

/*
 * The PostgreSQL type to create for a column of a wire table message, when
 * nothing but the message is known (no DDL was seen): a row of the map that
 * is a default and needs no extension.  length, scale and type_name mean
 * what DbsColumn says; type_name is NUL-terminated and may be NULL.
 *
 * Writes the type, terminated, to out[0..size) and returns true.  Returns
 * false when the kind is none, when size does not suffice (128 always does
 * for kinds other than typed text), and for typed text whose type_name is
 * not plainly a type's name: it comes from the source and becomes SQL.
 */
bool dbs_type_for_column(uint8_t kind, uint32_t length, uint32_t scale, const char *type_name, char *out, size_t size);

#endif
