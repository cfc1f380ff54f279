/*
 * A source: a module that reads changes and writes them to an outbox as wire messages.
 * The pipeline knows sources only by this struct of functions.
 */
#ifndef DBS_BRIDGE_SOURCE_H
#define DBS_BRIDGE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "failure.h"
#include "outbox.h"
#include "stream_config.h"

typedef struct Source Source;

/* Counters that other threads may read at any time. */
typedef struct SourceProgress
{
	SourcePoint point;       /* everything before it has been put into the outbox or needs no message */
	char position[512];      /* the same as text */
	uint64_t events;         /* log events read */
	uint64_t bytes;          /* bytes of them */
	uint64_t rows;           /* rows put into the outbox */
	uint64_t transactions;   /* transactions put into the outbox */
	uint64_t adjusted;       /* values changed by a policy */
	int64_t last_event_time; /* when the last event or heartbeat came in: microseconds since 2000-01-01 */
} SourceProgress;

/* The result of one check of validate_stream. */
typedef struct Check
{
	const char *name;   /* "binlog_format" */
	char object[256];   /* "shop.orders", "connection shop" */
	const char *status; /* "ok", "warning", "failed" */
	char detail[512];   /* what was found */
	char remedy[512];   /* what to do, empty when ok */
} Check;

typedef void (*CheckSink)(void *context, const Check *check);

typedef struct SourceOps
{
	const char *kind; /* "mysql" also serves "mariadb" */

	/* Connect and find the start. The source keeps config and outbox by reference. NULL on failure. */
	Source *(*open)(const StreamConfig *config, const StartPoint *start, Outbox *outbox, Failure *failure);

	/* Which server it reads, in a word that no other has; NULL: nobody asks. */
	const char *(*server)(const Source *source);

	/* Read until something fails or the outbox is stopping (then: true). */
	bool (*run)(Source *source, Failure *failure);

	/* From another thread: make a blocked run return soon. */
	void (*interrupt)(Source *source);

	/*
	 * Ask the server, on a connection of its own, where its log ends now. Called from
	 * another thread than run. text may be NULL; bytes_behind may be NULL: bytes
	 * of log between from and the end, over all files.
	 */
	bool (*end_point)(Source *source, SourcePoint from, SourcePoint *end, char text[512], uint64_t *bytes_behind,
					  Failure *failure);

	/* Safe from any thread. */
	void (*progress)(const Source *source, SourceProgress *progress);

	/*
	 * The target has committed everything before position, a text as the source's messages tell it: the source may
	 * forget that. From any thread. NULL: not needed.
	 */
	void (*confirm)(Source *source, const char *position);

	void (*close)(Source *source);

	/* Check everything a stream with this config needs at the source, each check reported once. */
	bool (*validate)(const StreamConfig *config, CheckSink sink, void *context, Failure *failure);

	/*
	 * Where the log ends now, as the source's messages tell positions; malloc'd, NULL on failure. The member is NULL
	 * where nobody asks.
	 */
	char *(*log_end)(const StreamConfig *config, Failure *failure);

	/*
	 * The statement that makes a table, as the server itself writes it; malloc'd, and *kind its dialect ("mysql",
	 * "mariadb"). NULL on failure; a table that is not there is one (REJECT, no_table). The member is NULL where nobody
	 * asks.
	 */
	char *(*definition)(const StreamConfig *config, const char *schema, const char *name, const char **kind,
						Failure *failure);
} SourceOps;

extern const SourceOps mysql_source_ops;
extern const SourceOps postgres_source_ops;

#endif
