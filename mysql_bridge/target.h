/*
 * A target: a module that takes an outbox's batches and brings what they hold into a database. The pipeline knows
 * targets only by this struct of functions; each is made by a function of its own, since each needs other things.
 */
#ifndef DBS_BRIDGE_TARGET_H
#define DBS_BRIDGE_TARGET_H

#include <stdbool.h>

#include "failure.h"

typedef struct Target Target;

typedef struct TargetOps
{
	/*
	 * Apply until the outbox is stopping, or the source has ended and all it marked is delivered (both: true), or
	 * something fails.
	 */
	bool (*run)(Target *target, Failure *failure);

	/* A transaction of this session has been applied: what goes wrong next is not what went wrong before. */
	bool (*applied)(const Target *target);

	/* Leave the PostgreSQL connection in order, at most for timeout_ms. False: it is of no use any more. */
	bool (*settle)(Target *target, int timeout_ms);

	void (*free)(Target *target);
} TargetOps;

/* The first member of every target. */
struct Target
{
	const TargetOps *ops;
};

#endif
