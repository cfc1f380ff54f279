/*
 * A place in the binary log: a file's name and an offset, with 64 bits whatever the events' headers hold.
 */
#ifndef DBS_BRIDGE_BINLOG_PLACE_H
#define DBS_BRIDGE_BINLOG_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "outbox.h"

#define BINLOG_FILE_MAX 256
#define BINLOG_PLACE_TEXT_MAX (BINLOG_FILE_MAX + 1 + 20 + 1)

/* Where the first event of every file begins. */
#define BINLOG_FIRST_OFFSET 4

typedef struct BinlogPlace
{
	char file[BINLOG_FILE_MAX]; /* "binlog.000042"; empty: not known yet */
	SourcePoint point;          /* the number at the end of the name, and the offset */
} BinlogPlace;

/* From a name that need not be terminated. Fails when it has no number at its end or is too long. */
MUST_CHECK bool binlog_place_set(BinlogPlace *place, const char *file, size_t size, uint64_t offset, Failure *failure);

/* From "binlog.000042:1234". */
MUST_CHECK bool binlog_place_parse(BinlogPlace *place, const char *text, Failure *failure);

/* "binlog.000042:1234"; empty when the file is not known. Returns the size. */
size_t binlog_place_text(const BinlogPlace *place, char text[BINLOG_PLACE_TEXT_MAX]);

/* Negative, zero, positive, as a is before, at or after b. */
int source_point_compare(SourcePoint a, SourcePoint b);

#endif
