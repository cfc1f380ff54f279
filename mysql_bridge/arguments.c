/*
 * One table holds every option: the command line, the environment, the
 * configuration file and --help are all read from it.
 */
#include "arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../libdbstream/option.h"

#define CONFIG_LIMIT (64 * 1024)

typedef struct Option
{
	const char *flag;        /* "--log-format" */
	const char *name;        /* in the configuration file; NULL: not there */
	const char *environment; /* variable; NULL: none */
	const char *value;       /* how --help calls the value; NULL: a flag without one */
	const char *fallback;    /* NULL: none */
	const char *sentence;
} Option;

enum
{
	OPTION_CONNINFO,
	OPTION_CONFIG,
	OPTION_NAME,
	OPTION_LOG_FORMAT,
	OPTION_LOG_LEVEL,
	OPTION_VERSION,
	OPTION_HELP,
	OPTION_COUNT
};

static const Option options[OPTION_COUNT] = {
	[OPTION_CONNINFO] = {"--conninfo", "conninfo", "DBSTREAM_CONNINFO", "CONNINFO", NULL,
						 "the PostgreSQL database that holds the extension, as libpq understands it"},
	[OPTION_CONFIG] = {"--config", NULL, "DBSTREAM_CONFIG", "FILE", NULL,
					   "a JSON file with conninfo, name, log_format and log_level"},
	[OPTION_NAME] = {"--name", "name", NULL, "NAME", NULL,
					 "how this bridge is called in dbstream.bridge_status (default: host:pid)"},
	[OPTION_LOG_FORMAT] = {"--log-format", "log_format", NULL, "text|json", "text", "how log lines are written"},
	[OPTION_LOG_LEVEL] = {"--log-level", "log_level", NULL, "debug|info|warning|error", "info",
						  "the least important lines that are written"},
	[OPTION_VERSION] = {"--version", NULL, NULL, NULL, NULL, "print the version and exit"},
	[OPTION_HELP] = {"--help", NULL, NULL, NULL, NULL, "print this text and exit"},
};

void
arguments_print_help(void)
{
	printf("dbstream-bridge carries the streams of one PostgreSQL database that has the extension dbstream.\n\n"
		   "Usage:\n  dbstream-bridge --conninfo 'host=… dbname=… user=…'\n  dbstream-bridge --config FILE\n"
		   "  dbstream-bridge clone --from mysql://… --to postgresql://…    (see dbstream-bridge clone "
		   "--help)\n\nOptions:\n");
	for (int i = 0; i < OPTION_COUNT; i++)
	{
		const Option *option = &options[i];
		char head[64];

		snprintf(head, sizeof head, "%s%s%s", option->flag, option->value != NULL ? " " : "",
				 option->value != NULL ? option->value : "");
		printf("  %-38s %s", head, option->sentence);
		if (option->environment != NULL)
			printf("; or the variable %s", option->environment);
		if (option->fallback != NULL)
			printf(" (default: %s)", option->fallback);
		printf("\n");
	}
	printf(
		"\nPasswords are better kept in a password file of libpq (~/.pgpass, passfile=…) than in conninfo.\n"
		"Exit codes: 0 stopped by SIGTERM or SIGINT, 1 usage or configuration, 2 bridge and extension do not match,\n"
		"4 internal error.\n");
}

/* ---- nearest names ---- */

static bool
usage_failure(Failure *failure, const char *what, const char *given, const char *nearest)
{
	char hint[256];

	if (nearest != NULL)
		snprintf(hint, sizeof hint, "Did you mean \"%s\"? See dbstream-bridge --help.", nearest);
	else
		snprintf(hint, sizeof hint, "See dbstream-bridge --help.");
	return failure_set(failure, FAILURE_FATAL, "usage", hint, "%s \"%s\"", what, given);
}

/* The flag, or the name in the file, that is most like the given one. */
static const char *
nearest_name(const char *given, bool in_file)
{
	const char *best = NULL;
	unsigned best_distance = 0;

	for (int i = 0; i < OPTION_COUNT; i++)
	{
		const char *name = in_file ? options[i].name : options[i].flag;
		unsigned distance;

		if (name == NULL || !dbs_name_similar(given, strlen(given), name, strlen(name)))
			continue;
		distance = dbs_name_distance(given, strlen(given), name, strlen(name));
		if (best == NULL || distance < best_distance)
		{
			best = name;
			best_distance = distance;
		}
	}
	return best;
}

/* ---- the command line ---- */

static int
find_flag(const char *argument, size_t size)
{
	for (int i = 0; i < OPTION_COUNT; i++)
	{
		if (strlen(options[i].flag) == size && memcmp(options[i].flag, argument, size) == 0)
			return i;
	}
	return -1;
}

/* Values of the options as texts, malloc'd. */
typedef struct Values
{
	char *text[OPTION_COUNT];
} Values;

static void
set_value(Values *values, int option, const char *text)
{
	free(values->text[option]);
	values->text[option] = strdup(text);
}

static bool
read_command_line(int argc, char **argv, Values *values, Failure *failure)
{
	for (int i = 1; i < argc; i++)
	{
		size_t size = strcspn(argv[i], "=");
		int option = find_flag(argv[i], size);
		char *value = argv[i][size] == '=' ? argv[i] + size + 1 : NULL;

		if (option < 0)
		{
			/* What stands after the equals sign might be a password. */
			char flag[64];

			snprintf(flag, sizeof flag, "%.*s", (int) size, argv[i]);
			if (strncmp(argv[i], "--", 2) != 0)
				return failure_set(failure, FAILURE_FATAL, "usage", "See dbstream-bridge --help.",
								   "argument %d is no option: every argument begins with --", i);
			return usage_failure(failure, "unknown option", flag, nearest_name(flag, false));
		}
		if (options[option].value == NULL)
		{
			if (value != NULL)
				return usage_failure(failure, "no value is expected for", options[option].flag, NULL);
			set_value(values, option, "");
			continue;
		}
		if (value == NULL && ++i < argc)
			value = argv[i];
		if (value == NULL)
			return usage_failure(failure, "a value is missing after", options[option].flag, NULL);
		set_value(values, option, value);
		if (option == OPTION_CONNINFO)
			memset(value, 'x', strlen(value)); /* process lists show argv as it is now */
	}
	return true;
}

static void
read_environment(Values *values)
{
	for (int i = 0; i < OPTION_COUNT; i++)
	{
		const char *value = options[i].environment != NULL ? getenv(options[i].environment) : NULL;

		if (value != NULL && value[0] != '\0' && values->text[i] == NULL)
			set_value(values, i, value);
	}
}

/* ---- the configuration file ---- */

static struct json_object *
load_file(const char *path, Failure *failure)
{
	char *text = malloc(CONFIG_LIMIT);
	struct json_object *object = NULL;
	ssize_t size = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && text != NULL)
		size = read(fd, text, CONFIG_LIMIT - 1);
	if (size < 0)
		failure_set(failure, FAILURE_FATAL, "usage", "Check the path and its permissions.",
					"configuration file \"%s\" cannot be read: %s", path, strerror(errno));
	else
	{
		text[size] = '\0';
		object = json_tokener_parse(text);
		if (!json_object_is_type(object, json_type_object))
		{
			json_object_put(object);
			object = NULL;
			failure_set(
				failure, FAILURE_FATAL, "usage",
				"It holds one JSON object, for example {\"conninfo\": \"dbname=app\", \"log_format\": \"json\"}.",
				"configuration file \"%s\" is not a JSON object", path);
		}
	}
	if (fd >= 0)
		close(fd);
	free(text);
	return object;
}

static int
find_name(const char *name)
{
	for (int i = 0; i < OPTION_COUNT; i++)
	{
		if (options[i].name != NULL && strcmp(options[i].name, name) == 0)
			return i;
	}
	return -1;
}

static bool
read_file(const char *path, Values *values, Failure *failure)
{
	struct json_object *object = load_file(path, failure);
	bool ok = object != NULL;

	if (!ok)
		return false;
	json_object_object_foreach(object, name, value)
	{
		int option = find_name(name);

		if (option < 0)
			ok = usage_failure(failure, "the configuration file has an unknown name", name, nearest_name(name, true));
		else if (!json_object_is_type(value, json_type_string))
			ok = usage_failure(failure, "the configuration file needs a text as the value of", name, NULL);
		else if (values->text[option] == NULL)
			set_value(values, option, json_object_get_string(value));
		if (!ok)
			break;
	}
	json_object_put(object);
	return ok;
}

/* ---- all together ---- */

static char *
default_name(void)
{
	char host[128];
	char name[160];

	if (gethostname(host, sizeof host) != 0)
		snprintf(host, sizeof host, "localhost");
	host[sizeof host - 1] = '\0';
	snprintf(name, sizeof name, "%s:%d", host, (int) getpid());
	return strdup(name);
}

static bool
interpret(Values *values, Arguments *arguments, Failure *failure)
{
	for (int i = 0; i < OPTION_COUNT; i++)
	{
		if (values->text[i] == NULL && options[i].fallback != NULL)
			set_value(values, i, options[i].fallback);
	}
	if (!log_format_from_name(values->text[OPTION_LOG_FORMAT], &arguments->log_format))
		return usage_failure(failure, "log format is text or json, not", values->text[OPTION_LOG_FORMAT], NULL);
	if (!log_level_from_name(values->text[OPTION_LOG_LEVEL], &arguments->log_level))
		return usage_failure(failure, "log level is debug, info, warning or error, not", values->text[OPTION_LOG_LEVEL],
							 NULL);
	if (values->text[OPTION_CONNINFO] == NULL)
		return failure_set(failure, FAILURE_FATAL, "usage", "Give --conninfo, DBSTREAM_CONNINFO or --config.",
						   "no database is named");
	arguments->conninfo = strdup(values->text[OPTION_CONNINFO]);
	arguments->name = values->text[OPTION_NAME] != NULL ? strdup(values->text[OPTION_NAME]) : default_name();
	if (values->text[OPTION_CONFIG] != NULL)
		arguments->config = strdup(values->text[OPTION_CONFIG]);
	return true;
}

bool
arguments_parse(int argc, char **argv, Arguments *arguments, Failure *failure)
{
	Values values = {{NULL}};
	bool ok;

	memset(arguments, 0, sizeof *arguments);
	ok = read_command_line(argc, argv, &values, failure);
	if (ok && values.text[OPTION_HELP] != NULL)
		arguments->action = ARGUMENTS_HELP;
	else if (ok && values.text[OPTION_VERSION] != NULL)
		arguments->action = ARGUMENTS_VERSION;
	else if (ok)
	{
		read_environment(&values);
		if (values.text[OPTION_CONFIG] != NULL)
			ok = read_file(values.text[OPTION_CONFIG], &values, failure);
		ok = ok && interpret(&values, arguments, failure);
	}
	for (int i = 0; i < OPTION_COUNT; i++)
		free(values.text[i]);
	if (!ok)
		arguments_free(arguments);
	return ok;
}

void
arguments_free(Arguments *arguments)
{
	free(arguments->conninfo);
	free(arguments->name);
	free(arguments->config);
	memset(arguments, 0, sizeof *arguments);
}
