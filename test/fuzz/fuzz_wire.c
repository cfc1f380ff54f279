/*
 * Any bytes as a stream of messages: read to the last value or refused, never
 * past their end, and what is accepted is framed the same when it comes in pieces.
 */
#include <stdlib.h>

#include "../unit/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where a stream is cut changes nothing: a whole message is there, or more is asked for. */
static void
check_pieces(char *data, size_t used)
{
	size_t at = 0;

	while (at < used)
	{
		DbsMessage message;
		size_t needed = 0;
		const char *error = NULL;
		size_t whole = dbs_message_next(data + at, used - at, &message, &needed, &error);

		if (whole == 0 || whole == SIZE_MAX)
			abort();
		if (dbs_message_next(data + at, whole - 1, &message, &needed, &error) != 0 || needed > whole)
			abort();
		at += whole;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static Walk walk;
	char *copy = malloc(size > 0 ? size : 1);
	const char *error;
	size_t used;
	DbsReceipt receipt;

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	memset(walk.columns, 0, sizeof walk.columns);
	used = walk_stream(&walk, copy, size, &error);
	if (used > size)
		abort();
	check_pieces(copy, used);
	(void) dbs_get_receipt(copy, size, &receipt);
	free(copy);
	return 0;
}
