/*
 * Outbound streams: what the bridge asks of this database beside its replication connection.
 */
#ifndef DBS_OUTBOUND_H
#define DBS_OUTBOUND_H

#include "postgres.h"

/* The replication slot of an outbound stream: slots are the server's, stream ids a database's. palloc'd. */
char *dbs_outbound_slot_name(int stream_id);

/* Drop the stream's slot if there is one; ERROR when somebody still reads from it. */
void dbs_outbound_drop_slot(int stream_id);

/*
 * Put a mark into the log that the bridge answers by recording its position, and return where the log was before it:
 * once dbstream.progress is there or beyond, all that was committed before the call is at the target.
 */
uint64 dbs_outbound_mark(void);

/* Tell the session of an outbound stream, in the log's order, that its definition has another generation. */
void dbs_outbound_tell_definition(int stream_id, int64 generation);

/* Has the stream's recorded position reached lsn? */
bool dbs_outbound_reached(int stream_id, uint64 lsn);

#endif
