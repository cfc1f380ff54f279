/*
 * Progress of backfills as bars, for a person at a terminal.
 */
#ifndef DBS_BRIDGE_PROGRESS_BARS_H
#define DBS_BRIDGE_PROGRESS_BARS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <libpq-fe.h>

/* Columns of the query's rows. */
enum
{
	PROGRESS_TABLE,
	PROGRESS_PHASE,
	PROGRESS_ROWS,
	PROGRESS_ESTIMATED,
	PROGRESS_PACE,
	PROGRESS_PERCENT,
	PROGRESS_LEFT,
	PROGRESS_STATE
};

/* A row for each table: what is being copied first, then what is next; what is done last. $1: the stream, or NULL for
 * every stream that copies. */
extern const char progress_bars_query[];

/* Is it a terminal on which lines can be drawn anew? Says how large it is. */
bool progress_bars_terminal(int fd, int *rows, int *columns);

/* A bar for each row, at most so many, and a line about all. Returns how many lines were written; none when there is no
 * row. */
int progress_bars_write(FILE *out, const PGresult *rows, int columns, int most);

/* A number of such a row. */
int64_t progress_bars_number(const PGresult *rows, int row, int column);

#endif
