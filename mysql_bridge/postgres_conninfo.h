/*
 * A connection of kind postgresql as libpq wants it.
 */
#ifndef DBS_BRIDGE_POSTGRES_CONNINFO_H
#define DBS_BRIDGE_POSTGRES_CONNINFO_H

#include "stream_config.h"

/* A connection string with the password in it, so for libpq only; malloc'd, NULL when memory is short. */
char *postgres_conninfo(const ConnectionConfig *config);

/* Wipe it and give it back. */
void postgres_conninfo_free(char *conninfo);

#endif
