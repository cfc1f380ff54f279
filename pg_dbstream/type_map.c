/*
 * dbstream.type_map(): the map of types as rows.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "typemap.h"

PG_FUNCTION_INFO_V1(dbs_type_map_rows);

static void
set_text(Datum *value, bool *null, const char *text)
{
	*null = (text == NULL || text[0] == '\0');
	*value = *null ? (Datum) 0 : CStringGetTextDatum(text);
}

Datum
dbs_type_map_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (size_t i = 0; i < dbs_type_map_size; i++)
	{
		const DbsTypeMapping *mapping = &dbs_type_map[i];
		Datum values[8];
		bool nulls[8];

		set_text(&values[0], &nulls[0], dbs_type_direction_name(mapping->direction));
		set_text(&values[1], &nulls[1], mapping->source_type);
		set_text(&values[2], &nulls[2], mapping->condition);
		set_text(&values[3], &nulls[3], dbs_kind_name(mapping->kind));
		set_text(&values[4], &nulls[4], mapping->target_type);
		set_text(&values[5], &nulls[5], mapping->option);
		set_text(&values[6], &nulls[6], mapping->value);
		set_text(&values[7], &nulls[7], mapping->remark);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	PG_RETURN_NULL();
}
