/*
 * Which tables a stream selects that it did not select before.
 */
#ifndef DBS_BRIDGE_BACKFILL_SELECTION_H
#define DBS_BRIDGE_BACKFILL_SELECTION_H

#include <stdbool.h>

struct json_object;

/*
 * Do the stream's patterns select the table since alter_stream changed them? recorded: what dbstream.bridge_backfill()
 * says; NULL: nothing.
 */
bool backfill_newly_selected(struct json_object *recorded, const char *schema, const char *name);

#endif
