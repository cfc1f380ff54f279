/*
 * Schema changes that arrive in the stream.
 */
#include "apply.h"

void
dbs_apply_ddl(const DbsDdl *ddl)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("DDL is not applied yet")));
}
