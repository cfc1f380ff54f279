/*
 * The log: one line for each event on standard error, as text or as JSON.
 */
#ifndef DBS_BRIDGE_LOG_H
#define DBS_BRIDGE_LOG_H

#include <stdbool.h>

#include "failure.h"

typedef enum LogLevel
{
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR
} LogLevel;

typedef enum LogFormat
{
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON
} LogFormat;

/* Before any other thread starts. */
void log_init(LogFormat format, LogLevel level);

/* Names as the command line has them; false when there is no such name. */
bool log_format_from_name(const char *name, LogFormat *format);
bool log_level_from_name(const char *name, LogLevel *level);

/* stream: its name, or NULL for the bridge as a whole.  Safe from any thread. */
void log_line(LogLevel level, const char *stream, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A failure with all its parts.  Called once for each failure, by whoever decides what happens next. */
void log_failure(LogLevel level, const char *stream, const Failure *failure);

/*
 * Lines that stay below the log, on a terminal: each line of the log goes above them. text is malloc'd and becomes the
 * log's; NULL: none any more.
 */
void log_footer(char *text, int lines);

#endif
