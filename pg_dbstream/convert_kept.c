/*
 * Whether PostgreSQL's input functions kept a value. They round what has more digits than the column, and leave out the
 * time of a date or the date of a time, without a word: fine for people who type, silent loss for rows that are copied.
 * Tables that dbstream makes have columns of the source's own kind; those made by hand may not.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "convert.h"
#include "datatype/timestamp.h"
#include "utils/builtins.h"
#include "utils/cash.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

int32
dbs_microseconds_of_typmod(int32 typmod)
{
	int32 divisor = 1;

	for (int32 digits = typmod; digits >= 0 && digits < 6; digits++)
		divisor *= 10;
	return divisor;
}

static Datum
numeric_from(char *words)
{
	return DirectFunctionCall3(numeric_in, CStringGetDatum(words), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

/* A number in words against what the column took. */
static bool
number_kept(Oid type, char *words, Datum taken)
{
	Datum now;

	switch (type)
	{
		case FLOAT4OID:
			now = numeric_from(DatumGetCString(DirectFunctionCall1(float4out, taken)));
			break;
		case FLOAT8OID:
			now = numeric_from(DatumGetCString(DirectFunctionCall1(float8out, taken)));
			break;
		case NUMERICOID:
			now = taken;
			break;
		case CASHOID:
			now = DirectFunctionCall1(cash_numeric, taken);
			break;
		default:
			return true; /* integers refuse fractions, texts take everything */
	}
	return DatumGetBool(DirectFunctionCall2(numeric_eq, now, numeric_from(words)));
}

static bool
moment_kept(Oid type, int32 typmod, int64 microseconds)
{
	bool finite = microseconds != PG_INT64_MIN && microseconds != PG_INT64_MAX;

	switch (type)
	{
		case DATEOID:
			return !finite || microseconds % USECS_PER_DAY == 0;
		case TIMEOID:
		case TIMETZOID:
			return false;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return !finite || microseconds % dbs_microseconds_of_typmod(typmod) == 0;
		default:
			return true;
	}
}

static bool
span_kept(Oid type, int32 typmod, int64 microseconds, char *words, Datum taken)
{
	switch (type)
	{
		case TIMEOID:
		case TIMETZOID:
			return microseconds % dbs_microseconds_of_typmod(typmod) == 0;
		case INTERVALOID:
			return DatumGetBool(
				DirectFunctionCall2(interval_eq, taken,
									DirectFunctionCall3(interval_in, CStringGetDatum(words),
														ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1))));
		default:
			return true;
	}
}

bool
dbs_value_kept(DbsKind kind, const char *value, Oid type, int32 typmod, char *words, Datum taken)
{
	int64 microseconds;

	type = getBaseTypeAndTypmod(type, &typmod);
	switch (kind)
	{
		case DBS_KIND_INT2:
		case DBS_KIND_INT4:
		case DBS_KIND_INT8:
		case DBS_KIND_UINT8:
		case DBS_KIND_FLOAT4:
		case DBS_KIND_FLOAT8:
		case DBS_KIND_NUMERIC:
			return number_kept(type, words, taken);
		case DBS_KIND_TIMESTAMP:
		case DBS_KIND_TIMESTAMPTZ:
			memcpy(&microseconds, value, sizeof microseconds);
			return moment_kept(type, typmod, microseconds);
		case DBS_KIND_TIME:
		case DBS_KIND_DURATION:
			memcpy(&microseconds, value, sizeof microseconds);
			return span_kept(type, typmod, microseconds, words, taken);
		case DBS_KIND_TEXT:
		case DBS_KIND_TYPED_TEXT:
			if (type == VARCHAROID)
				return strcmp(TextDatumGetCString(taken), words) == 0;
			return type != NUMERICOID || number_kept(type, words, taken);
		default:
			return true;
	}
}
