/*
 * validate_stream's question to the bridge: checks at the source, in a thread of their own, since a
 * server that does not answer must not hold up the others.
 */
#ifndef DBS_BRIDGE_VALIDATION_H
#define DBS_BRIDGE_VALIDATION_H

#include <stdbool.h>
#include <stdint.h>

#include "failure.h"

typedef struct Validation Validation;

/*
 * row: the stream as bridge_streams() shows it; secret: its source's literal password or NULL; both copied. wake_fd is
 * an eventfd, written when the answer is there. NULL on failure.
 */
MUST_CHECK Validation *validation_start(int64_t request, const char *row, const char *secret, int wake_fd,
										Failure *failure);

bool validation_ended(const Validation *validation);
int64_t validation_request(const Validation *validation);

/* The JSON array for bridge_answer(); once ended. */
const char *validation_answer(const Validation *validation);

/* Waits for the thread. */
void validation_free(Validation *validation);

/* The answer to a request that could not be looked at: one failed check; malloc'd. */
char *validation_refusal(const Failure *failure);

#endif
