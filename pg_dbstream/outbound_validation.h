/*
 * What validate_stream asks of streams out of this database in particular.
 */
#ifndef DBS_OUTBOUND_VALIDATION_H
#define DBS_OUTBOUND_VALIDATION_H

#include "catalog.h"
#include "nodes/execnodes.h"

/* Walsenders, the bridge's right to replicate, what the slot may keep. Inside enter and leave. */
void dbs_validate_outbound(ReturnSetInfo *result, const DbsStreamRow *stream);

/*
 * The tables that go out, for the bridge to compare with the target's: a JSON array of objects of schema, name and
 * columns (name, type, key), as many as fit into size bytes; *left: how many do not. Inside enter and leave; palloc'd.
 */
char *dbs_outbound_relations(const DbsStreamRow *stream, size_t size, int *left);

#endif
