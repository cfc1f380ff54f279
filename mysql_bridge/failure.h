/*
 * Failures: what a function that can fail tells its caller.
 *
 * A function that can fail returns bool (or a pointer) and fills a Failure.
 * Callers may add context with failure_context; the failure is logged once,
 * at the top, and recorded with the stream in PostgreSQL.  Never put a
 * password into one.
 */
#ifndef DBS_BRIDGE_FAILURE_H
#define DBS_BRIDGE_FAILURE_H

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))

typedef enum FailureClass
{
	FAILURE_NONE = 0,
	FAILURE_RETRY,  /* may pass by itself: a lost connection, a server that restarts */
	FAILURE_REJECT, /* this stream cannot go on until a person acts; tried again at long intervals */
	FAILURE_FATAL   /* the bridge itself cannot go on */
} FailureClass;

typedef struct Failure
{
	FailureClass class;
	char code[32];      /* stable word for programs, from the table in docs/operations.md: "binlog_purged" */
	char message[1024]; /* what happened, one sentence, naming the object */
	char detail[1024];  /* may be empty */
	char hint[1024];    /* what to do about it */
	char position[512]; /* source position where known, else empty */
} Failure;

/* Fill it in and return false, so that callers can say: return failure_set(...). */
bool failure_set(Failure *failure, FailureClass class, const char *code, const char *hint, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* The same for memory that has run out, which may pass. */
bool failure_out_of_memory(Failure *failure);

/* Put "while doing this: " before the message. */
void failure_context(Failure *failure, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
