/*
 * The beginning of an outbound stream: its tables, as they were when the slot was made or later, are copied to the
 * target; then the stream goes on with what the log says of each from there.
 */
#ifndef DBS_BRIDGE_OUTBOUND_COPY_H
#define DBS_BRIDGE_OUTBOUND_COPY_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "failure.h"
#include "stream_config.h"

typedef struct OutboundCopyInput
{
	PGconn *conn; /* greeted, with the stream's claim on it */
	const StreamConfig *config;
	const char *key; /* of the stream at the target */
	bool empties;    /* tables at the target are emptied first */
	int stop_fd;
} OutboundCopyInput;

/*
 * Copy what is not copied yet. True when all is: then the target has the stream's first position. *progressed says that
 * at least a table was finished. Everything in input is kept by reference.
 */
MUST_CHECK bool outbound_copy_run(const OutboundCopyInput *input, bool *progressed, Failure *failure);

/*
 * What the stream must leave out of the log, into config->copied: of each copied table, what was committed before it
 * was copied. Tables that were there when the copy began and are gone without having been copied are left out for good.
 */
MUST_CHECK bool outbound_copy_positions(StreamConfig *config, const char *key, Failure *failure);

#endif
