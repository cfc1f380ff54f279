/*
 * Where a copy's tables come from: PostgreSQL or a MySQL server. The copy knows them only by these structs of
 * functions.
 *
 * Tables come in groups. What is read of a group is of one moment, which is a position of the source's log: everything
 * before it is in the rows, nothing after it.
 */
#ifndef DBS_BRIDGE_COPY_SOURCE_H
#define DBS_BRIDGE_COPY_SOURCE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "copy_record.h"
#include "failure.h"
#include "mysql_copier.h"
#include "stream_config.h"

typedef struct CopySource CopySource;
typedef struct CopyReader CopyReader;

typedef struct CopySourceInput
{
	PGconn *conn; /* the session's own: "hello" is said, the stream is open */
	const StreamConfig *config;
	int stop_fd;
} CopySourceInput;

/* What earlier sessions have done. */
typedef struct CopyPast
{
	bool planned;     /* they have recorded which tables are to be copied */
	size_t count;     /* of these */
	size_t left;      /* of them not copied */
	const char *mark; /* what note_mark has put into the record; empty: nothing */
} CopyPast;

/* A table as it is now; names are good until the call returns. relid 0: the source numbers none. */
typedef struct CopyListed
{
	unsigned relid;
	const char *schema;
	const char *name;
	uint64_t rows_estimated;
	uint64_t bytes_estimated;
	unsigned group; /* 0: one of its own */
} CopyListed;

typedef bool (*CopyListSink)(void *context, const CopyListed *table, Failure *failure);

typedef struct CopySourceOps
{
	/* From here on the log is kept. begin: from where it will be read. */
	bool (*begin)(CopySource *source, const CopyPast *past, char begin[COPY_POSITION_SIZE], Failure *failure);

	/*
	 * The tables as they are now. *gone, valid as long as the source: as of which position a table that is not among
	 * them is known to be gone; NULL: whatever the log says of it comes before that.
	 */
	bool (*list)(CopySource *source, CopyListSink sink, void *context, const char **gone, Failure *failure);

	/* One for each writer. conn is the writer's own connection to the bridge's PostgreSQL; abort_fd: give up. */
	CopyReader *(*reader)(CopySource *source, PGconn *conn, int abort_fd, Failure *failure);
	void (*free)(CopySource *source);

	/* begin is to be remembered in the record, since nothing else keeps it. */
	bool marks;
} CopySourceOps;

struct CopySource
{
	const CopySourceOps *ops;
};

typedef struct CopyReaderOps
{
	/* The moment for the tables of a group; *position is of it. To be closed. */
	bool (*open)(CopyReader *reader, CopyTable *const *tables, size_t count, char position[COPY_POSITION_SIZE],
				 Failure *failure);

	/* A table's definition in the words of the target, whose dialect is given: as of the moment, or as it is now. */
	bool (*define)(CopyReader *reader, const CopyTable *table, const char *dialect, CopyDdl *ddl, Failure *failure);

	/* Its rows, all of them. */
	bool (*rows)(CopyReader *reader, const CopyTable *table, MysqlCopier *copier, Failure *failure);

	bool (*close)(CopyReader *reader, Failure *failure);

	/* From another thread: make what is under way fail soon. */
	void (*interrupt)(CopyReader *reader);
	void (*free)(CopyReader *reader);
} CopyReaderOps;

struct CopyReader
{
	const CopyReaderOps *ops;
};

/* NULL on failure. input is kept by reference. */
MUST_CHECK CopySource *postgres_copy_new(const CopySourceInput *input, Failure *failure);
MUST_CHECK CopySource *relay_copy_new(const CopySourceInput *input, Failure *failure);

#endif
