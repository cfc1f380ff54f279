/*
 * Help with moving the writers from one side to the other: what stands in the way, and sequences.
 */
#ifndef DBS_SWITCHOVER_H
#define DBS_SWITCHOVER_H

#include "catalog.h"

/* Inside enter and leave: give the sequences of the stream's tables the values that its option auto_increment says. */
void dbs_increments_set_up(const DbsCatalogAccess *access, const DbsStreamRow *stream);

/* Does every such sequence have them? Otherwise *object is the first that has not; palloc'd. */
bool dbs_increments_fit(const DbsStreamRow *stream, char **object);

#endif
