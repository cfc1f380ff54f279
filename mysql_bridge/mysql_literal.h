/*
 * Wire values as MySQL literals, exactly: what the target's column cannot hold is said, never rounded or cut.
 */
#ifndef DBS_BRIDGE_MYSQL_LITERAL_H
#define DBS_BRIDGE_MYSQL_LITERAL_H

#include <stdbool.h>
#include <stdint.h>

#include "../libdbstream/kind.h"
#include "mysql_connection.h"
#include "sql_buffer.h"

/* What kind of column a value goes into. */
typedef enum MysqlClass
{
	MYSQL_CLASS_TEXT, /* and everything that takes its text form: enum, uuid, inet */
	MYSQL_CLASS_BINARY,
	MYSQL_CLASS_INTEGER,
	MYSQL_CLASS_DECIMAL,
	MYSQL_CLASS_FLOAT,
	MYSQL_CLASS_DOUBLE,
	MYSQL_CLASS_DATE,
	MYSQL_CLASS_DATETIME, /* and timestamp: the session's time zone is UTC */
	MYSQL_CLASS_TIME,
	MYSQL_CLASS_BIT,
	MYSQL_CLASS_JSON,
	MYSQL_CLASS_SET,
	MYSQL_CLASS_GEOMETRY,
	MYSQL_CLASS_VECTOR
} MysqlClass;

/* A column of the target as its values' literals need it. */
typedef struct MysqlColumn
{
	char *name;
	MysqlClass class;
	uint8_t kind;    /* DbsKind of the values that come */
	bool key;        /* part of what identifies a row */
	bool is_array;   /* of PostgreSQL, in its text form */
	bool generated;  /* the target makes its values itself */
	bool reads_back; /* a value is found by the literal that wrote it, whoever wrote it: it can be compared */
	unsigned width;  /* BIT: bits; DECIMAL: digits */
	unsigned scale;  /* DECIMAL: decimals; times: fraction digits */
	unsigned length; /* of text, in characters; 0: none worth counting */
	bool strips;     /* blanks at the end of text, which the source keeps */
	ServerFlavour flavour;
} MysqlColumn;

/*
 * Append the value as a literal. NULL, or a sentence that says why this column cannot hold it; nothing
 * is appended then.
 */
const char *mysql_literal(SqlBuffer *sql, const MysqlColumn *column, const char *value, uint32_t size);

/*
 * Append a condition that holds for exactly this value, whatever the column's collation; value NULL: for NULL. For rows
 * that no key identifies. The same result as mysql_literal.
 */
const char *mysql_literal_condition(SqlBuffer *sql, const MysqlColumn *column, const char *value, uint32_t size);

#endif
