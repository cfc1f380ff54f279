/*
 * The command line, the environment and the configuration file.
 */
#ifndef DBS_BRIDGE_ARGUMENTS_H
#define DBS_BRIDGE_ARGUMENTS_H

#include "failure.h"
#include "log.h"

typedef enum ArgumentsAction
{
	ARGUMENTS_RUN,
	ARGUMENTS_HELP,
	ARGUMENTS_VERSION
} ArgumentsAction;

typedef struct Arguments
{
	ArgumentsAction action;
	char *conninfo;
	char *name;   /* how this bridge appears in bridge_status */
	char *config; /* the file that was read, or NULL */
	LogFormat log_format;
	LogLevel log_level;
	const char *only_stream; /* serve this stream and no other; NULL: all. By reference, never from the command line */
} Arguments;

/*
 * Read argv; what it does not say comes from the environment, then from the
 * file that --config names, then from the defaults. The conninfo is removed from argv, so
 * that process lists do not show a password in it.
 */
MUST_CHECK bool arguments_parse(int argc, char **argv, Arguments *arguments, Failure *failure);
void arguments_free(Arguments *arguments);

/* The text of --help, from the table of options. */
void arguments_print_help(void);

#endif
