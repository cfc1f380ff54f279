/*
 * How long to wait before trying again: growing, with jitter, so that many
 * streams that lost one server do not come back in step.
 */
#ifndef DBS_BRIDGE_BACKOFF_H
#define DBS_BRIDGE_BACKOFF_H

#include <stdint.h>

#include "failure.h"

typedef struct Backoff
{
	FailureClass class; /* of the last failure; another class starts its own row of waits */
	unsigned tries;     /* failures of this class in a row */
	uint64_t random;    /* state of the jitter */
} Backoff;

/* seed: anything that differs between streams and processes. */
void backoff_init(Backoff *backoff, uint64_t seed);

/* After a success: the next wait is the shortest again. */
void backoff_reset(Backoff *backoff);

/*
 * Milliseconds to wait after this failure.  RETRY: 200 ms doubling to 30 s; REJECT: 5 s doubling
 * to 60 s; each shortened by up to a fifth at random, so the limits are never exceeded.
 */
int backoff_next(Backoff *backoff, FailureClass class);

#endif
