/*
 * Bars and lines: see clone_progress.h.
 *
 * Bars are drawn over themselves. The bridge's threads meanwhile write the log to standard error, which on a terminal
 * would tear them: so standard error is a pipe as long as bars are shown, and its lines are put above them.
 */
#include "clone_progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "postgres_connection.h"
#include "progress_bars.h"

#define QUERY_MS 30000
#define BARS_MS 250
#define LINES_MS 3000

struct CloneProgress
{
	const char *stream;
	bool terminal;
	int screen_rows;
	int screen_columns;
	int drawn; /* lines that stand below the cursor's start */
	int64_t shown_ms;
	int log_pipe; /* -1: standard error is what it was */
	int old_stderr;
	PGresult *rows; /* as last asked */
	char **done;    /* tables whose end has been told */
	size_t done_count;
};

/* ---- the log's lines ---- */

static void
catch_log(CloneProgress *progress)
{
	int ends[2];

	if (!isatty(STDERR_FILENO) || pipe2(ends, O_CLOEXEC) != 0)
		return;
	progress->old_stderr = dup(STDERR_FILENO);
	if (progress->old_stderr < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
	{
		close(ends[0]);
		close(ends[1]);
		return;
	}
	close(ends[1]);
	progress->log_pipe = ends[0];
}

static void
pass_log(CloneProgress *progress)
{
	char piece[4096];
	ssize_t size;

	while (progress->log_pipe >= 0 && (size = read(progress->log_pipe, piece, sizeof piece)) > 0)
		fwrite(piece, 1, (size_t) size, stdout);
}

static void
release_log(CloneProgress *progress)
{
	if (progress->log_pipe < 0)
		return;
	dup2(progress->old_stderr, STDERR_FILENO);
	close(progress->old_stderr);
	pass_log(progress);
	close(progress->log_pipe);
	progress->log_pipe = -1;
}

CloneProgress *
clone_progress_new(const char *stream)
{
	CloneProgress *progress = calloc(1, sizeof *progress);

	if (progress == NULL)
		return NULL;
	progress->stream = stream;
	progress->log_pipe = -1;
	progress->terminal = progress_bars_terminal(STDOUT_FILENO, &progress->screen_rows, &progress->screen_columns);
	if (progress->terminal)
		catch_log(progress);
	else
		setvbuf(stdout, NULL, _IOLBF, 0);
	return progress;
}

void
clone_progress_free(CloneProgress *progress)
{
	if (progress == NULL)
		return;
	release_log(progress);
	PQclear(progress->rows);
	for (size_t i = 0; i < progress->done_count; i++)
		free(progress->done[i]);
	free(progress->done);
	free(progress);
	fflush(stdout);
}

/* ---- bars ---- */

static void
erase_bars(CloneProgress *progress)
{
	if (progress->drawn > 0)
		printf("\033[%dA\033[J", progress->drawn);
	progress->drawn = 0;
}

static void
draw_bars(CloneProgress *progress)
{
	erase_bars(progress);
	pass_log(progress);
	if (progress->rows != NULL)
		progress->drawn =
			progress_bars_write(stdout, progress->rows, progress->screen_columns, progress->screen_rows - 3);
	fflush(stdout);
}

/* ---- lines ---- */

static bool
told_done(const CloneProgress *progress, const char *table)
{
	for (size_t i = 0; i < progress->done_count; i++)
	{
		if (strcmp(progress->done[i], table) == 0)
			return true;
	}
	return false;
}

static void
remember_done(CloneProgress *progress, const char *table)
{
	char **grown = realloc(progress->done, (progress->done_count + 1) * sizeof *grown);

	if (grown == NULL)
		return;
	progress->done = grown;
	grown[progress->done_count] = strdup(table);
	if (grown[progress->done_count] != NULL)
		progress->done_count++;
}

/* A line for each table that is at work, and one for each that has ended. */
static void
print_lines(CloneProgress *progress)
{
	const PGresult *rows = progress->rows;

	for (int row = 0; rows != NULL && row < PQntuples(rows); row++)
	{
		const char *table = PQgetvalue(rows, row, PROGRESS_TABLE);
		const char *phase = PQgetvalue(rows, row, PROGRESS_PHASE);
		int64_t left = progress_bars_number(rows, row, PROGRESS_LEFT);

		if (strcmp(phase, "waiting") == 0 || told_done(progress, table))
			continue;
		if (strcmp(phase, "done") == 0)
		{
			printf("%s: done, %s rows\n", table, PQgetvalue(rows, row, PROGRESS_ROWS));
			remember_done(progress, table);
			continue;
		}
		printf("%s: %s, %s of about %s rows (%s %%), %s rows/s", table, phase, PQgetvalue(rows, row, PROGRESS_ROWS),
			   PQgetvalue(rows, row, PROGRESS_ESTIMATED), PQgetvalue(rows, row, PROGRESS_PERCENT),
			   PQgetvalue(rows, row, PROGRESS_PACE));
		if (left >= 0)
			printf(", about %" PRId64 " s left", left);
		printf("\n");
	}
	fflush(stdout);
}

bool
clone_progress_show(CloneProgress *progress, PGconn *conn, int stop_fd, char state[16], Failure *failure)
{
	const char *values[] = {progress->stream};
	int64_t now = clock_now_ms();
	PGresult *rows = postgres_connection_query(conn, progress_bars_query, 1, values, stop_fd, QUERY_MS, failure);
	PGresult *whole;

	if (rows == NULL)
		return false;
	PQclear(progress->rows);
	progress->rows = rows;
	whole = postgres_connection_query(conn,
									  "SELECT b.state FROM dbstream.backfill b JOIN dbstream.stream s ON s.id = "
									  "b.stream_id WHERE s.name = $1",
									  1, values, stop_fd, QUERY_MS, failure);
	if (whole == NULL)
		return false;
	snprintf(state, 16, "%s", PQntuples(whole) > 0 ? PQgetvalue(whole, 0, 0) : "");
	PQclear(whole);
	if (progress->shown_ms != 0 && now - progress->shown_ms < (progress->terminal ? BARS_MS : LINES_MS))
		return true;
	progress->shown_ms = now;
	if (progress->terminal)
		draw_bars(progress);
	else
		print_lines(progress);
	return true;
}

void
clone_progress_finish(CloneProgress *progress)
{
	if (progress->terminal)
		draw_bars(progress);
	else
		print_lines(progress);
	progress->drawn = 0;
	PQclear(progress->rows);
	progress->rows = NULL;
}

void
clone_progress_say(CloneProgress *progress, const char *format, ...)
{
	va_list args;

	if (progress->terminal)
	{
		erase_bars(progress);
		pass_log(progress);
	}
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	if (progress->terminal && progress->rows != NULL)
		draw_bars(progress);
	fflush(stdout);
}
