/*
 * The apply worker: one background worker for each session of an inbound stream.
 */
#ifndef DBS_WORKER_H
#define DBS_WORKER_H

#include "postgres.h"

#include "postmaster/bgworker.h"
#include "slot.h"

/* Ask for a worker for the slot's session; NULL when the server has no room for one. */
BackgroundWorkerHandle *dbs_worker_start(DbsSlot *slot, uint64 session, Oid owner, const char *stream_name);

/*
 * What every process does that changes tables for a stream: settings on which nothing may depend, and, in a
 * transaction, the stream and how far it is, into dbs_apply, whose contexts must be there.
 */
void dbs_worker_pin_settings(void);
void dbs_worker_read_stream(int stream_id);

PGDLLEXPORT void dbs_worker_main(Datum main_arg);

#endif
