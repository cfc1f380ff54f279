/*
 * See ddl_concern.h.  relay_ddl answers the same for a bridge that carries changes between two MySQL servers and has no
 * parser of its own.
 */
#include "ddl_concern.h"

#include "fmgr.h"
#include "pattern.h"
#include "stream_row.h"
#include "utils/builtins.h"

DbsDdlConcern
dbs_ddl_concern(const char **patterns, const DbsDdlStatement *statement)
{
	ListCell *cell;

	foreach (cell, statement->tables)
	{
		const DbsDdlTable *table = lfirst(cell);
		const char *schema = table->schema != NULL ? table->schema : "";

		if (dbs_pattern_selects(patterns, schema, strlen(schema), table->name, strlen(table->name)))
			return DBS_DDL_CONCERNS_US;
	}
	if (statement->schema != NULL)
		return dbs_pattern_selects_schema(patterns, statement->schema) ? DBS_DDL_CONCERNS_US : DBS_DDL_CONCERNS_OTHERS;
	return statement->tables != NIL ? DBS_DDL_CONCERNS_OTHERS : DBS_DDL_CONCERN_UNKNOWN;
}

PG_FUNCTION_INFO_V1(dbs_relay_ddl);

/* relay_ddl(stream_id, text, default_schema, sql_mode, dialect) → 'pass', 'schema change', 'statement' or 'unknown' */
Datum
dbs_relay_ddl(PG_FUNCTION_ARGS)
{
	DbsStream *stream = dbs_stream_load(PG_GETARG_INT32(0));
	char *ddl = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *default_schema = text_to_cstring(PG_GETARG_TEXT_PP(2));
	DbsDdlOptions options;
	const char *answer = "pass";
	ListCell *cell;

	if (stream == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no stream with id %d", PG_GETARG_INT32(0))));
	memset(&options, 0, sizeof options);
	dbs_ddl_options_from_stream(stream, &options);
	options.source =
		strcmp(text_to_cstring(PG_GETARG_TEXT_PP(4)), "mariadb") == 0 ? DBS_DIALECT_MARIADB : DBS_DIALECT_MYSQL;
	options.default_schema = default_schema[0] != '\0' ? default_schema : NULL;
	options.sql_mode = (uint64) PG_GETARG_INT64(3);
	foreach (cell, dbs_ddl_translate(ddl, &options))
	{
		const DbsDdlStatement *statement = lfirst(cell);

		if (statement->class == DBS_DDL_CONTROL || statement->class == DBS_DDL_IGNORE)
			continue;
		if (statement->class == DBS_DDL_DML)
			answer = "statement";
		else if (dbs_ddl_concern(stream->tables, statement) == DBS_DDL_CONCERNS_OTHERS)
			continue;
		else
			answer = statement->class == DBS_DDL_UNKNOWN ? "unknown" : "schema change";
		break;
	}
	PG_RETURN_TEXT_P(cstring_to_text(answer));
}
