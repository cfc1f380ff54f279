/*
 * What a MySQL or MariaDB server says to SHOW CREATE TABLE, cut into what is made before a table's rows come and what
 * is made afterwards, for another server of the kind.
 */
#ifndef DBS_BRIDGE_TABLE_DEFINITION_H
#define DBS_BRIDGE_TABLE_DEFINITION_H

#include <stdbool.h>

#include "failure.h"
#include "mysql_connection.h"
#include "mysql_copier.h"
#include "stream_config.h"

/*
 * Stages "table", "index", "foreign key", and "note" for words that mean something else at the target. create is the
 * server's own text, without a database's name; schema is the source's, config has the target's for it. The two
 * flavours are the source's and the target's.
 */
MUST_CHECK bool table_definition_cut(const char *create, const StreamConfig *config, const char *schema,
									 const char *name, ServerFlavour from, ServerFlavour to, CopyDdl *ddl,
									 Failure *failure);

#endif
