#include "kind.h"

#include <stddef.h>

const uint8_t dbs_kind_width[DBS_KIND_COUNT] = {
	[DBS_KIND_BOOL] = 1,  [DBS_KIND_INT2] = 2,      [DBS_KIND_INT4] = 4,        [DBS_KIND_INT8] = 8,
	[DBS_KIND_UINT8] = 8, [DBS_KIND_FLOAT4] = 4,    [DBS_KIND_FLOAT8] = 8,      [DBS_KIND_DATE] = 4,
	[DBS_KIND_TIME] = 8,  [DBS_KIND_TIMESTAMP] = 8, [DBS_KIND_TIMESTAMPTZ] = 8, [DBS_KIND_DURATION] = 8,
	[DBS_KIND_UUID] = 16, [DBS_KIND_INTERVAL] = 16,
};

static const char *const kind_names[DBS_KIND_COUNT] = {
	[DBS_KIND_BOOL] = "bool",         [DBS_KIND_INT2] = "int2",           [DBS_KIND_INT4] = "int4",
	[DBS_KIND_INT8] = "int8",         [DBS_KIND_UINT8] = "uint8",         [DBS_KIND_FLOAT4] = "float4",
	[DBS_KIND_FLOAT8] = "float8",     [DBS_KIND_NUMERIC] = "numeric",     [DBS_KIND_DATE] = "date",
	[DBS_KIND_TIME] = "time",         [DBS_KIND_TIMESTAMP] = "timestamp", [DBS_KIND_TIMESTAMPTZ] = "timestamptz",
	[DBS_KIND_DURATION] = "duration", [DBS_KIND_INTERVAL] = "interval",   [DBS_KIND_TEXT] = "text",
	[DBS_KIND_BYTES] = "bytes",       [DBS_KIND_JSON] = "json",           [DBS_KIND_BIT] = "bit",
	[DBS_KIND_UUID] = "uuid",         [DBS_KIND_LABEL] = "label",         [DBS_KIND_LABEL_LIST] = "label list",
	[DBS_KIND_GEOMETRY] = "geometry", [DBS_KIND_VECTOR] = "vector",       [DBS_KIND_TYPED_TEXT] = "typed text",
};

const char *
dbs_kind_name(DbsKind kind)
{
	if ((unsigned) kind >= DBS_KIND_COUNT)
		return NULL;
	return kind_names[kind];
}
