/*
 * The watcher: a thread that asks a source, on the source's second connection, where its log ends.
 *
 * It answers two questions without delaying the data: how far behind the stream is, about
 * every two seconds, and what a token of wait_for_stream stands for, at once.
 */
#ifndef DBS_BRIDGE_WATCHER_H
#define DBS_BRIDGE_WATCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "outbox_reader.h"
#include "source.h"

typedef struct Watcher Watcher;

typedef struct WatcherLag
{
	bool known;
	char source_position[512];
	SourcePoint end;       /* where the log ended when the source was asked */
	uint64_t bytes_behind; /* from what had been read then */
} WatcherLag;

/* ops, source, stream and outbox are kept by reference; the outbox is woken when a token has its point. */
MUST_CHECK Watcher *watcher_start(const SourceOps *ops, Source *source, Outbox *outbox, const char *stream,
								  Failure *failure);

/* Ends the thread; waits for a question that is under way. */
void watcher_stop(Watcher *watcher);

/* Somebody waits for this token: find out where the source's log ends from now on. */
void watcher_want(Watcher *watcher, uint64_t token);

/* The newest token whose point is known; false when there is none beyond after. */
bool watcher_answer(Watcher *watcher, uint64_t after, uint64_t *token, SourcePoint *point);

void watcher_lag(Watcher *watcher, WatcherLag *lag);

#endif
