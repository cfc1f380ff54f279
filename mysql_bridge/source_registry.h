/*
 * Which source serves which kind of connection.  The only place that names sources.
 */
#ifndef DBS_BRIDGE_SOURCE_REGISTRY_H
#define DBS_BRIDGE_SOURCE_REGISTRY_H

#include "source.h"

/* NULL when no source serves this kind. */
const SourceOps *source_registry_find(const char *kind);

/* Once in the process, before and after all threads that use sources. */
MUST_CHECK bool source_registry_init(Failure *failure);
void source_registry_exit(void);

/* In each thread that calls a source: client libraries keep something for each thread. */
void source_registry_thread_begin(void);
void source_registry_thread_end(void);

#endif
