/*
 * From a value on the wire to a Datum of the column that is really there.
 *
 * A conversion is chosen once for a pair of wire column and target column: a
 * direct path where the kind and the type are the same thing, otherwise the
 * value's text form through the type's input function with the column's
 * modifier.  A value that the column cannot hold exactly is an ERROR, never rounded
 * or cut.
 */
#ifndef DBS_CONVERT_H
#define DBS_CONVERT_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"
#include "wire.h"

struct DbsConversion;

/* value points into the message, which may be written to; a varying value's size prefix stands right before it. */
typedef Datum (*DbsConvertFunction)(struct DbsConversion *conversion, char *value, uint32 size);

typedef struct DbsConversion
{
	DbsConvertFunction convert;
	uint8 kind;
	uint8 width;    /* of a fixed-width kind, else 0 */
	AttrNumber att; /* target column, from 1; 0: the column is not written (generated) */
	Oid type;
	int32 typmod;
	int32 limit;    /* meaning depends on the function: characters, scale divisor … */
	FmgrInfo input; /* of the type; set up when first needed */
	Oid io_param;
	MemoryContext context; /* where the conversion lives */
	const char *type_name; /* of the target column, for messages */
	const char *name;      /* of the column */
} DbsConversion;

/* Fill in the conversion; context lives as long as it does. */
void dbs_conversion_init(DbsConversion *conversion, DbsKind kind, Form_pg_attribute att, MemoryContext context);

/* The smallest step of a time with this typmod, in microseconds. */
int32 dbs_microseconds_of_typmod(int32 typmod);

/*
 * Whether the type's input function has kept the value: words is what it was given, taken what it answered. Of text
 * kinds only lengths and numbers are looked at.
 */
bool dbs_value_kept(DbsKind kind, const char *value, Oid type, int32 typmod, char *words, Datum taken);

/* The text form of a value, palloc'd, in the database's encoding. */
char *dbs_value_text(DbsKind kind, char *value, uint32 size);

#endif
