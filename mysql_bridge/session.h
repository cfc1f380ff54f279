/*
 * One session of a stream: from opening both ends to closing them. A session is never mended; the next one starts
 * from the position that PostgreSQL has recorded.
 */
#ifndef DBS_BRIDGE_SESSION_H
#define DBS_BRIDGE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "failure.h"

typedef struct SessionInput
{
	const char *conninfo;
	const char *bridge_name;
	const char *stream;
	const char *row;    /* of bridge_streams(), as JSON */
	int64_t generation; /* of that definition */
	int stream_id;
	int stop_fd; /* readable when the session is to end */
} SessionInput;

typedef struct SessionOutcome
{
	bool progressed;    /* something was applied, or it ran for long: waits begin anew */
	bool conflict_met;  /* the next session settles it, at once */
	Failure unrecorded; /* a failure that PostgreSQL has not been told of yet; class NONE: none */
} SessionOutcome;

/*
 * Run one session to its end. True when it was told to stop. outcome->unrecorded, if set
 * by an earlier session, is recorded first. Blocks; only stop_fd ends it early.
 */
MUST_CHECK bool session_run(const SessionInput *input, SessionOutcome *outcome, Failure *failure);

#endif
