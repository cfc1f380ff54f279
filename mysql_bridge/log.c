/*
 * A line is built whole and written with one call, so lines of several threads never mix.
 */
#include "log.h"

#include <json-c/json.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 5120 /* the longest failure with its names */

static LogFormat log_format = LOG_FORMAT_TEXT;
static LogLevel log_level = LOG_LEVEL_INFO;

static const char *const level_names[] = {"debug", "info", "warning", "error"};

void
log_init(LogFormat format, LogLevel level)
{
	log_format = format;
	log_level = level;
}

bool
log_format_from_name(const char *name, LogFormat *format)
{
	if (strcmp(name, "text") == 0)
		*format = LOG_FORMAT_TEXT;
	else if (strcmp(name, "json") == 0)
		*format = LOG_FORMAT_JSON;
	else
		return false;
	return true;
}

bool
log_level_from_name(const char *name, LogLevel *level)
{
	for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++)
	{
		if (strcmp(name, level_names[i]) == 0)
		{
			*level = (LogLevel) i;
			return true;
		}
	}
	return false;
}

/* RFC 3339 in UTC with milliseconds. */
static void
format_now(char out[40])
{
	struct timespec now;
	struct tm parts;
	char seconds[24];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(out, 40, "%s.%03dZ", seconds, (int) (now.tv_nsec / 1000000));
}

static pthread_mutex_t footer_lock = PTHREAD_MUTEX_INITIALIZER;
static char *footer;
static int footer_lines;
static int footer_drawn; /* lines that stand on the screen */

/* There is nowhere to report that the log itself cannot be written. */
static void
write_whole(const char *line, size_t size)
{
	while (size > 0)
	{
		ssize_t written = write(STDERR_FILENO, line, size);

		if (written <= 0)
			return;
		line += written;
		size -= (size_t) written;
	}
}

/* Erase the footer, write the line, and draw the footer as it is now below it. Called with the lock held. */
static void
write_above_footer(const char *line, size_t size)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (out == NULL)
		return;
	if (footer_drawn > 0)
		fprintf(out, "\033[%dA\033[J", footer_drawn);
	fwrite(line, 1, size, out);
	if (footer != NULL)
		fputs(footer, out);
	if (fclose(out) == 0)
		write_whole(text, length);
	free(text);
	footer_drawn = footer != NULL ? footer_lines : 0;
}

static void
write_line(const char *line, size_t size)
{
	pthread_mutex_lock(&footer_lock);
	if (footer != NULL)
		write_above_footer(line, size);
	else
		write_whole(line, size);
	pthread_mutex_unlock(&footer_lock);
}

void
log_footer(char *text, int lines)
{
	pthread_mutex_lock(&footer_lock);
	free(footer);
	footer = text;
	footer_lines = lines;
	if (footer != NULL || footer_drawn > 0)
		write_above_footer("", 0);
	pthread_mutex_unlock(&footer_lock);
}

static void
add_text(struct json_object *object, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		json_object_object_add(object, name, json_object_new_string(text));
}

static void
write_json(LogLevel level, const char *stream, const char *message, const Failure *failure)
{
	struct json_object *object = json_object_new_object();
	char now[40];
	const char *text;
	size_t size;

	format_now(now);
	add_text(object, "time", now);
	add_text(object, "level", level_names[level]);
	add_text(object, "stream", stream);
	add_text(object, "message", message);
	if (failure != NULL)
	{
		add_text(object, "code", failure->code);
		add_text(object, "detail", failure->detail);
		add_text(object, "hint", failure->hint);
		add_text(object, "position", failure->position);
	}
	text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
	if (text != NULL)
	{
		char line[2 * LINE_SIZE];
		int length = snprintf(line, sizeof line, "%s\n", text);

		write_line(line, length < (int) sizeof line ? (size_t) length : sizeof line - 1);
	}
	json_object_put(object);
}

/* A line feed inside a text line would look like another line. */
static void
flatten(char *line)
{
	for (char *at = line; *at != '\0'; at++)
	{
		if ((unsigned char) *at < 0x20)
			*at = ' ';
	}
}

static void
append_part(char *line, size_t size, const char *name, const char *text)
{
	size_t used = strlen(line);

	if (text[0] != '\0' && used + 1 < size)
		snprintf(line + used, size - used, "; %s: %s", name, text);
}

static void
write_text(LogLevel level, const char *stream, const char *message, const Failure *failure)
{
	char line[LINE_SIZE];
	char now[40];
	size_t used;

	format_now(now);
	snprintf(line, sizeof line - 1, "%s %-7s %s%s%s%s", now, level_names[level], stream != NULL ? "[" : "",
			 stream != NULL ? stream : "", stream != NULL ? "] " : "", message);
	if (failure != NULL)
	{
		append_part(line, sizeof line - 1, "code", failure->code);
		append_part(line, sizeof line - 1, "detail", failure->detail);
		append_part(line, sizeof line - 1, "hint", failure->hint);
		append_part(line, sizeof line - 1, "position", failure->position);
	}
	flatten(line);
	used = strlen(line);
	line[used++] = '\n';
	write_line(line, used);
}

void
log_line(LogLevel level, const char *stream, const char *format, ...)
{
	char message[2048];
	va_list args;

	if (level < log_level)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	if (log_format == LOG_FORMAT_JSON)
		write_json(level, stream, message, NULL);
	else
		write_text(level, stream, message, NULL);
}

void
log_failure(LogLevel level, const char *stream, const Failure *failure)
{
	if (level < log_level)
		return;
	if (log_format == LOG_FORMAT_JSON)
		write_json(level, stream, failure->message, failure);
	else
		write_text(level, stream, failure->message, failure);
}
