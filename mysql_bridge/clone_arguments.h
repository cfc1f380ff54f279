/*
 * The command line of dbstream-bridge clone.
 */
#ifndef DBS_BRIDGE_CLONE_ARGUMENTS_H
#define DBS_BRIDGE_CLONE_ARGUMENTS_H

#include <stdbool.h>

#include "clone_url.h"
#include "failure.h"
#include "log.h"

typedef struct CloneArguments
{
	bool help;
	CloneSource source;
	char *target; /* conninfo; may hold a password */
	char *stream;
	char *connection; /* "<stream>_source" */
	char *tables;     /* patterns, as a JSON array */
	char *options;    /* of the stream, as a JSON object */
	bool follow;
	bool verify;
	bool dry_run;
	LogLevel log_level;
} CloneArguments;

/*
 * Read argv, whose first word is "clone". URLs and conninfo are overwritten there, since process lists show it. What is
 * not said has its default; passwords are looked for where clone_url_default_password says.
 */
MUST_CHECK bool clone_arguments_parse(int argc, char **argv, CloneArguments *arguments, Failure *failure);
void clone_arguments_free(CloneArguments *arguments);
void clone_arguments_print_help(void);

#endif
