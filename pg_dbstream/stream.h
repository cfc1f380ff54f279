/*
 * Streams as objects, for the functions of their own and for import_config.
 */
#ifndef DBS_STREAM_H
#define DBS_STREAM_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/jsonb.h"

/* The caller becomes the owner. An error when a name, pattern or option is unfit. */
void dbs_stream_create(const char *name, const char *source, const char *target, ArrayType *tables, Jsonb *options);

/* tables and options may be NULL: unchanged. Options are merged (null removes), or replaced as a whole. */
void dbs_stream_alter(const char *name, ArrayType *tables, Jsonb *options, bool replace);

#endif
