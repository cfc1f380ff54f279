/*
 * Filling in failures.  Texts are cut at the struct's fixed sizes, at a
 * character boundary, so that what reaches PostgreSQL is valid UTF-8.
 */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that snprintf may have cut: drop an incomplete UTF-8 character from its end. */
static void
trim_partial_character(char *text)
{
	size_t size = strlen(text);
	size_t tail = 0;

	while (tail < 4 && tail < size && ((unsigned char) text[size - 1 - tail] & 0xC0) == 0x80)
		tail++;
	if (tail < size)
	{
		unsigned char lead = (unsigned char) text[size - 1 - tail];
		size_t expected = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;

		if (expected > tail)
			text[size - 1 - tail] = '\0';
	}
}

bool
failure_set(Failure *failure, FailureClass class, const char *code, const char *hint, const char *format, ...)
{
	va_list args;

	failure->class = class;
	snprintf(failure->code, sizeof failure->code, "%s", code);
	snprintf(failure->hint, sizeof failure->hint, "%s", hint != NULL ? hint : "");
	trim_partial_character(failure->hint);
	failure->detail[0] = '\0';
	failure->position[0] = '\0';
	va_start(args, format);
	vsnprintf(failure->message, sizeof failure->message, format, args);
	va_end(args);
	trim_partial_character(failure->message);
	return false;
}

bool
failure_out_of_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", "", "out of memory");
}

void
failure_context(Failure *failure, const char *format, ...)
{
	char before[sizeof failure->message];
	size_t used;
	va_list args;

	memcpy(before, failure->message, sizeof before);
	va_start(args, format);
	vsnprintf(failure->message, sizeof failure->message, format, args);
	va_end(args);
	used = strlen(failure->message);
	snprintf(failure->message + used, sizeof failure->message - used, ": %s", before);
	trim_partial_character(failure->message);
}
