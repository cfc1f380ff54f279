/*
 * A place in the binary log: see binlog_place.h.
 *
 * Files are compared by the number at the end of their names, never as text: binlog.999999 comes before binlog.1000000.
 */
#include "binlog_place.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool
binlog_place_set(BinlogPlace *place, const char *file, size_t size, uint64_t offset, Failure *failure)
{
	size_t digits = 0;
	uint64_t number = 0;

	while (digits < size && isdigit((unsigned char) file[size - 1 - digits]))
		digits++;
	if (digits == 0 || digits == size || file[size - 1 - digits] != '.' || digits > 18)
		return failure_set(failure, FAILURE_REJECT, "position_invalid",
						   "SHOW BINARY LOGS at the source lists the names: \"binlog.000042\".",
						   "\"%.*s\" is not the name of a binary log file", (int) (size > 200 ? 200 : size), file);
	if (size >= BINLOG_FILE_MAX)
		return failure_set(failure, FAILURE_REJECT, "position_invalid", "Set a shorter log_bin at the source.",
						   "the name of a binary log file has %zu bytes, more than %d", size, BINLOG_FILE_MAX - 1);
	for (size_t i = size - digits; i < size; i++)
		number = number * 10 + (uint64_t) (file[i] - '0');
	memmove(place->file, file, size);
	place->file[size] = '\0';
	place->point.file = number;
	place->point.offset = offset;
	return true;
}

bool
binlog_place_parse(BinlogPlace *place, const char *text, Failure *failure)
{
	const char *colon = strrchr(text, ':');
	uint64_t offset = 0;
	bool good = colon != NULL && colon[1] != '\0';

	for (const char *p = colon; good && *++p != '\0';)
		good = isdigit((unsigned char) *p) && !__builtin_mul_overflow(offset, 10, &offset) &&
			   !__builtin_add_overflow(offset, (uint64_t) (*p - '0'), &offset);
	if (!good)
		return failure_set(failure, FAILURE_REJECT, "position_invalid", "Write it as \"binlog.000042:1234\".",
						   "\"%.200s\" is not a position in the binary log", text);
	return binlog_place_set(place, text, (size_t) (colon - text), offset, failure);
}

size_t
binlog_place_text(const BinlogPlace *place, char text[BINLOG_PLACE_TEXT_MAX])
{
	if (place->file[0] == '\0')
	{
		text[0] = '\0';
		return 0;
	}
	return (size_t) snprintf(text, BINLOG_PLACE_TEXT_MAX, "%s:%" PRIu64, place->file, place->point.offset);
}

int
source_point_compare(SourcePoint a, SourcePoint b)
{
	if (a.file != b.file)
		return a.file < b.file ? -1 : 1;
	return a.offset < b.offset ? -1 : a.offset > b.offset ? 1 : 0;
}
