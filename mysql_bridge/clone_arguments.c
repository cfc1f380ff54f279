/*
 * The options of clone, in one table: the command line and --help are read from it.
 */
#include "clone_arguments.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../libdbstream/option.h"
#include "../libdbstream/pattern.h"

typedef struct Option
{
	const char *flag;
	const char *value; /* how --help calls it; NULL: a flag without one */
	const char *sentence;
} Option;

enum
{
	OPTION_FROM,
	OPTION_TO,
	OPTION_TABLES,
	OPTION_PASSWORD_FILE,
	OPTION_OPTION,
	OPTION_NAME,
	OPTION_FOLLOW,
	OPTION_VERIFY,
	OPTION_DRY_RUN,
	OPTION_LOG_LEVEL,
	OPTION_HELP,
	OPTION_COUNT
};

static const Option options[OPTION_COUNT] = {
	[OPTION_FROM] = {"--from", "URL", "the source: mysql://user[:password]@host[:port]/database[?ssl_mode=…]"},
	[OPTION_TO] = {"--to", "CONNINFO", "the target: postgresql://… or key=value pairs, as libpq understands them"},
	[OPTION_TABLES] = {"--tables", "PATTERNS",
					   "which tables, with commas between: names or patterns with * and ?, ! excludes (default: all)"},
	[OPTION_PASSWORD_FILE] = {"--password-file", "FILE",
							  "the source's password: on the first line, or in [client] of an option file"},
	[OPTION_OPTION] = {"--option", "NAME=VALUE",
					   "an option of the stream, as docs/options.md has them; may be repeated"},
	[OPTION_NAME] = {"--name", "STREAM", "what the stream is called (default: clone_ and the database's name)"},
	[OPTION_FOLLOW] = {"--follow", NULL, "go on applying the source's changes until SIGTERM or SIGINT"},
	[OPTION_VERIFY] = {"--verify", NULL, "compare both sides once everything is copied"},
	[OPTION_DRY_RUN] = {"--dry-run", NULL, "print what would be created, and create nothing"},
	[OPTION_LOG_LEVEL] = {"--log-level", "debug|info|warning|error",
						  "the least important log lines that are written (default: warning)"},
	[OPTION_HELP] = {"--help", NULL, "print this text and exit"},
};

void
clone_arguments_print_help(void)
{
	printf("dbstream-bridge clone copies a MySQL or MariaDB database into PostgreSQL, and follows it if told to.\n\n"
		   "Usage:\n  dbstream-bridge clone --from mysql://user@host/database --to postgresql://user@host/database\n\n"
		   "Options:\n");
	for (int i = 0; i < OPTION_COUNT; i++)
	{
		char head[64];

		snprintf(head, sizeof head, "%s%s%s", options[i].flag, options[i].value != NULL ? " " : "",
				 options[i].value != NULL ? options[i].value : "");
		printf("  %-38s %s\n", head, options[i].sentence);
	}
	printf(
		"\nIt creates the extension, a connection and a stream where they are missing, and carries that stream "
		"itself.\n"
		"The same command goes on where an earlier one ended, however that ended.\n"
		"Passwords are better kept in files: --password-file or ~/.my.cnf for MySQL, ~/.pgpass for PostgreSQL.\n"
		"Exit codes: 0 done, 1 usage or another definition under the same name, 2 bridge and extension do not match,\n"
		"3 the copy cannot go on (the last lines say why), 4 --verify found differences or could not decide,\n"
		"5 told to stop before it was done.\n");
}

static bool
usage_failure(Failure *failure, const char *what, const char *given)
{
	return failure_set(failure, FAILURE_FATAL, "usage", "See dbstream-bridge clone --help.", "%s \"%s\"", what, given);
}

/* ---- the command line ---- */

typedef struct Values
{
	char *text[OPTION_COUNT];
	struct json_object *stream_options;
} Values;

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

/* A value that reads as JSON is that; anything else is a text, so that quotes are seldom needed. */
static bool
add_stream_option(struct json_object *object, const char *text, Failure *failure)
{
	const char *equals = strchr(text, '=');
	char name[64];
	struct json_object *value;
	enum json_tokener_error error;

	if (equals == NULL || equals == text || (size_t) (equals - text) >= sizeof name)
		return usage_failure(failure, "--option needs name=value, not", text);
	snprintf(name, sizeof name, "%.*s", (int) (equals - text), text);
	if (strcmp(name, "start") == 0)
		return usage_failure(failure, "a clone always starts with a backfill; it takes no option", name);
	value = json_tokener_parse_verbose(equals + 1, &error);
	if (error != json_tokener_success)
		value = json_object_new_string(equals + 1);
	json_object_object_add(object, name, value);
	return true;
}

static bool
take_value(Values *values, int option, char *value, Failure *failure)
{
	if (option == OPTION_OPTION)
		return add_stream_option(values->stream_options, value, failure);
	free(values->text[option]);
	values->text[option] = strdup(value);
	/* Process lists show argv as it is now. */
	if (option == OPTION_FROM || option == OPTION_TO)
		memset(value, 'x', strlen(value));
	return true;
}

static bool
read_command_line(int argc, char **argv, Values *values, Failure *failure)
{
	bool ok = true;
	Failure first;

	/* To the end even after a mistake: what stands after it may hold a password. */
	for (int i = 1; i < argc; i++)
	{
		size_t size = strcspn(argv[i], "=");
		int option = find_flag(argv[i], size);
		char *value = argv[i][size] == '=' ? argv[i] + size + 1 : NULL;
		bool taken = true;

		if (option < 0)
		{
			char flag[64];

			snprintf(flag, sizeof flag, "%.*s", (int) size, argv[i]);
			taken = strncmp(argv[i], "--", 2) == 0
						? usage_failure(failure, "unknown option", flag)
						: failure_set(failure, FAILURE_FATAL, "usage", "See dbstream-bridge clone --help.",
									  "argument %d is no option: every argument begins with --", i);
		}
		else if (options[option].value == NULL)
			taken = value == NULL ? take_value(values, option, (char[]){""}, failure)
								  : usage_failure(failure, "no value is expected for", options[option].flag);
		else
		{
			if (value == NULL && ++i < argc)
				value = argv[i];
			taken = value != NULL ? take_value(values, option, value, failure)
								  : usage_failure(failure, "a value is missing after", options[option].flag);
		}
		if (!taken && ok)
			first = *failure;
		ok = ok && taken;
	}
	if (!ok)
		*failure = first;
	return ok;
}

/* ---- what it means ---- */

/* A name that a pattern matches exactly. */
static void
put_escaped(FILE *out, const char *name)
{
	for (; *name != '\0'; name++)
	{
		if (strchr("*?\\.!", *name) != NULL)
			fputc('\\', out);
		fputc(*name, out);
	}
}

/* A dot that no backslash precedes parts schema and table. */
static bool
has_dot(const char *pattern, size_t size)
{
	for (size_t i = 0; i < size; i++)
	{
		if (pattern[i] == '.')
			return true;
		i += pattern[i] == '\\';
	}
	return false;
}

/* The patterns as a JSON array; those without a schema are in the URL's database. */
static char *
table_patterns(const char *list, const char *database, Failure *failure)
{
	struct json_object *array = json_object_new_array();
	char *text = NULL;
	bool only_excludes = true;
	const char *at = list != NULL ? list : "*";

	for (bool more = true; more;)
	{
		size_t size = strcspn(at, ",");
		bool negative = size > 0 && at[0] == '!';
		char *pattern = NULL;
		size_t pattern_size = 0;
		FILE *out = open_memstream(&pattern, &pattern_size);
		const char *problem;

		if (out == NULL)
			break;
		if (negative)
			fputc('!', out);
		if (!has_dot(at, size))
		{
			put_escaped(out, database != NULL ? database : "");
			fputc('.', out);
		}
		fwrite(at + negative, 1, size - negative, out);
		fclose(out);
		problem = size == 0 ? "an empty pattern" : dbs_pattern_check(pattern);
		if (problem == NULL && database == NULL && !has_dot(at, size))
			problem = "the URL of --from names no database, so a pattern needs one: database.table";
		if (problem != NULL)
		{
			failure_set(failure, FAILURE_FATAL, "usage", "See dbstream-bridge clone --help.", "--tables: \"%.*s\": %s",
						(int) size, at, problem);
			free(pattern);
			json_object_put(array);
			return NULL;
		}
		only_excludes = only_excludes && negative;
		json_object_array_add(array, json_object_new_string(pattern));
		free(pattern);
		more = at[size] == ',';
		at += size + 1;
	}
	if (only_excludes && database != NULL)
	{
		FILE *out = open_memstream(&text, &(size_t){0});

		put_escaped(out, database);
		fputs(".*", out);
		fclose(out);
		json_object_array_add(array, json_object_new_string(text));
		free(text);
	}
	text = strdup(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN));
	json_object_put(array);
	return text;
}

/* "clone_" and the database, in the characters that names of streams have. */
static char *
default_name(const char *database)
{
	char name[56] = "clone_";
	size_t used = strlen(name);

	for (const char *at = database != NULL ? database : "all"; *at != '\0' && used < sizeof name - 1; at++)
	{
		char c = *at >= 'A' && *at <= 'Z' ? (char) (*at - 'A' + 'a') : *at;

		name[used++] = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
	}
	name[used] = '\0';
	return strdup(name);
}

static bool
interpret(Values *values, CloneArguments *arguments, Failure *failure)
{
	char name[80];

	if (values->text[OPTION_FROM] == NULL || values->text[OPTION_TO] == NULL)
		return failure_set(failure, FAILURE_FATAL, "usage", "See dbstream-bridge clone --help.", "%s is missing",
						   values->text[OPTION_FROM] == NULL ? "--from" : "--to");
	if (!log_level_from_name(values->text[OPTION_LOG_LEVEL] != NULL ? values->text[OPTION_LOG_LEVEL] : "warning",
							 &arguments->log_level))
		return usage_failure(failure, "log level is debug, info, warning or error, not",
							 values->text[OPTION_LOG_LEVEL]);
	if (!clone_url_parse(values->text[OPTION_FROM], &arguments->source, failure))
		return false;
	if (values->text[OPTION_PASSWORD_FILE] != NULL &&
		!clone_url_password_file(values->text[OPTION_PASSWORD_FILE], &arguments->source, failure))
		return false;
	clone_url_default_password(getenv("HOME"), &arguments->source);
	arguments->target = strdup(values->text[OPTION_TO]);
	arguments->tables = table_patterns(values->text[OPTION_TABLES], arguments->source.database, failure);
	if (arguments->tables == NULL)
		return false;
	arguments->stream = values->text[OPTION_NAME] != NULL ? strdup(values->text[OPTION_NAME])
														  : default_name(arguments->source.database);
	snprintf(name, sizeof name, "%.56s_source", arguments->stream);
	arguments->connection = strdup(name);
	json_object_object_add(values->stream_options, "start", json_object_new_string("backfill"));
	arguments->options = strdup(json_object_to_json_string_ext(values->stream_options, JSON_C_TO_STRING_PLAIN));
	arguments->follow = values->text[OPTION_FOLLOW] != NULL;
	arguments->verify = values->text[OPTION_VERIFY] != NULL;
	arguments->dry_run = values->text[OPTION_DRY_RUN] != NULL;
	if (arguments->dry_run && (arguments->follow || arguments->verify))
		return failure_set(failure, FAILURE_FATAL, "usage", "Leave one of them out.",
						   "--dry-run copies nothing that --follow or --verify could work with");
	return true;
}

bool
clone_arguments_parse(int argc, char **argv, CloneArguments *arguments, Failure *failure)
{
	Values values = {{NULL}, json_object_new_object()};
	bool ok;

	memset(arguments, 0, sizeof *arguments);
	ok = read_command_line(argc, argv, &values, failure);
	if (values.text[OPTION_HELP] != NULL)
		arguments->help = ok = true;
	else
		ok = ok && interpret(&values, arguments, failure);
	for (int i = 0; i < OPTION_COUNT; i++)
	{
		if (values.text[i] != NULL)
			explicit_bzero(values.text[i], strlen(values.text[i]));
		free(values.text[i]);
	}
	json_object_put(values.stream_options);
	if (!ok)
		clone_arguments_free(arguments);
	return ok;
}

void
clone_arguments_free(CloneArguments *arguments)
{
	clone_source_free(&arguments->source);
	if (arguments->target != NULL)
		explicit_bzero(arguments->target, strlen(arguments->target));
	free(arguments->target);
	free(arguments->stream);
	free(arguments->connection);
	free(arguments->tables);
	free(arguments->options);
	memset(arguments, 0, sizeof *arguments);
}
