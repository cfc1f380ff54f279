/*
 * One stream's life: a thread that opens sessions, one after another, until it is told to stop.
 */
#ifndef DBS_BRIDGE_STREAM_H
#define DBS_BRIDGE_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "failure.h"

typedef struct Stream Stream;

typedef struct StreamSettings
{
	const char *conninfo; /* kept by reference, like bridge_name */
	const char *bridge_name;
	int wake_fd; /* an eventfd, written when a stream has ended */
} StreamSettings;

/* row: one row of bridge_streams() as a JSON object; copied. NULL on failure. */
MUST_CHECK Stream *stream_start(int id, int64_t generation, const char *name, const char *row,
								const StreamSettings *settings, Failure *failure);

/* Ask it to stop; returns at once. */
void stream_stop(Stream *stream);

/* If it is waiting before another try: try now. A person may have removed the cause. */
void stream_nudge(Stream *stream);

/* Has its thread ended? Then stream_free does not wait. */
bool stream_ended(const Stream *stream);

/* The stream ended because bridge and extension do not match; *failure says how. */
bool stream_fatal(const Stream *stream, Failure *failure);

/* Waits for the thread. */
void stream_free(Stream *stream);

int stream_id(const Stream *stream);
int64_t stream_generation(const Stream *stream);
const char *stream_name(const Stream *stream);

#endif
