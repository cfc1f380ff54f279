/*
 * Progress of backfills as bars: see progress_bars.h.
 */
#include "progress_bars.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_MOST 30
#define BAR_LEAST 5
#define NAME_WIDTH 24
#define BESIDE_BAR 77

const char progress_bars_query[] =
	"SELECT b.source_schema || '.' || b.source_table, b.phase, b.rows_done, b.rows_estimated,"
	" coalesce(b.rows_per_second, 0), b.percent, coalesce(extract(epoch FROM b.time_left)::bigint, -1), b.state"
	" FROM dbstream.backfill_status b WHERE CASE WHEN $1::text IS NULL THEN b.state <> 'done' ELSE b.stream = $1 END"
	" ORDER BY array_position(ARRAY['copying', 'indexing', 'foreign keys', 'catching up', 'copied', 'waiting', 'done'],"
	" b.phase), b.rows_estimated DESC, 1";

bool
progress_bars_terminal(int fd, int *rows, int *columns)
{
	const char *term = getenv("TERM");
	struct winsize window;

	*rows = 24;
	*columns = 80;
	if (!isatty(fd) || term == NULL || strcmp(term, "dumb") == 0)
		return false;
	if (ioctl(fd, TIOCGWINSZ, &window) == 0 && window.ws_row > 4 && window.ws_col > 20)
	{
		*rows = window.ws_row;
		*columns = window.ws_col;
	}
	return true;
}

int64_t
progress_bars_number(const PGresult *rows, int row, int column)
{
	return strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

/* "850", "12 k", "3.4 M" in at most six characters. */
static void
short_number(int64_t value, char out[32])
{
	if (value < 10000)
		snprintf(out, 32, "%" PRId64, value);
	else if (value < 10000000)
		snprintf(out, 32, "%" PRId64 " k", value / 1000);
	else
		snprintf(out, 32, "%.1f M", (double) value / 1e6);
}

static void
duration(int64_t seconds, char out[32])
{
	if (seconds < 0)
		out[0] = '\0';
	else if (seconds < 3600)
		snprintf(out, 32, "%d:%02d", (int) (seconds / 60), (int) (seconds % 60));
	else
		snprintf(out, 32, "%d:%02d:%02d", (int) (seconds / 3600 % 10000), (int) (seconds / 60 % 60),
				 (int) (seconds % 60));
}

static void
write_bar(FILE *out, const PGresult *rows, int row, int columns)
{
	const char *name = PQgetvalue(rows, row, PROGRESS_TABLE);
	double percent = strtod(PQgetvalue(rows, row, PROGRESS_PERCENT), NULL);
	int width = columns - BESIDE_BAR < BAR_LEAST  ? BAR_LEAST
				: columns - BESIDE_BAR > BAR_MOST ? BAR_MOST
												  : columns - BESIDE_BAR;
	int filled = (int) (percent * width / 100);
	char bar[BAR_MOST + 1], done[32], pace[32], left[32], line[512];
	size_t skip = strlen(name) > NAME_WIDTH ? strlen(name) - NAME_WIDTH : 0;

	for (int i = 0; i < width; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[width] = '\0';
	while (skip > 0 && ((unsigned char) name[skip] & 0xC0) == 0x80)
		skip++;
	short_number(progress_bars_number(rows, row, PROGRESS_ROWS), done);
	short_number(progress_bars_number(rows, row, PROGRESS_PACE), pace);
	duration(progress_bars_number(rows, row, PROGRESS_LEFT), left);
	snprintf(line, sizeof line, "%-*s [%s] %5.1f %% %-12s %8s %8s/s %7s", NAME_WIDTH, name + skip, bar, percent,
			 PQgetvalue(rows, row, PROGRESS_PHASE), done, pace, left);
	fprintf(out, "%.*s\033[K\n", columns - 1, line);
}

int
progress_bars_write(FILE *out, const PGresult *rows, int columns, int most)
{
	int count = PQntuples(rows);
	int finished = 0, lines = 0;
	int64_t copied = 0;

	for (int row = 0; row < count; row++)
	{
		copied += progress_bars_number(rows, row, PROGRESS_ROWS);
		if (strcmp(PQgetvalue(rows, row, PROGRESS_PHASE), "done") == 0)
			finished++;
		if (lines >= most)
			continue;
		write_bar(out, rows, row, columns);
		lines++;
	}
	if (count > 0)
	{
		fprintf(out, "%d of %d tables done, %" PRId64 " rows\033[K\n", finished, count, copied);
		lines++;
	}
	return lines;
}
