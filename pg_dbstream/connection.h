/*
 * Connections as objects, for the functions of their own and for import_config.
 */
#ifndef DBS_CONNECTION_H
#define DBS_CONNECTION_H

#include "postgres.h"

#include "utils/jsonb.h"

/* An error when the name is taken or unfit, or an option is. */
void dbs_connection_create(const char *name, const char *kind, Jsonb *options);

/*
 * Merge options into the connection's (null removes), or replace all of them; a literal
 * password is kept unless one is given or removed by name. Streams that use it begin anew.
 */
void dbs_connection_alter(const char *name, Jsonb *options, bool replace);

#endif
