/*
 * Arguments: the command line wins over the environment, that over the file, that over the defaults; what is unknown
 * is refused with the nearest name; and a conninfo does not stay in argv.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arguments.h"

#define LIMIT 8

static Arguments arguments;
static Failure failure;

/* Parse copies of these words, as the kernel hands them over: writable. */
static bool
parse(const char *first, ...)
{
	static char words[LIMIT][256];
	char *argv[LIMIT + 1];
	int argc = 0;
	va_list args;

	va_start(args, first);
	argv[argc] = words[argc];
	snprintf(words[argc++], sizeof words[0], "dbstream-bridge");
	for (const char *word = first; word != NULL; word = va_arg(args, const char *))
	{
		argv[argc] = words[argc];
		snprintf(words[argc++], sizeof words[0], "%s", word);
	}
	va_end(args);
	argv[argc] = NULL;
	memset(&failure, 0, sizeof failure);
	return arguments_parse(argc, argv, &arguments, &failure);
}

static int
clear(void **state)
{
	(void) state;
	unsetenv("DBSTREAM_CONNINFO");
	unsetenv("DBSTREAM_CONFIG");
	memset(&arguments, 0, sizeof arguments);
	return 0;
}

static int
release(void **state)
{
	(void) state;
	arguments_free(&arguments);
	return 0;
}

static void
refused(const char *part, const char *hint)
{
	assert_int_equal(failure.class, FAILURE_FATAL);
	assert_string_equal(failure.code, "usage");
	if (strstr(failure.message, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", failure.message, part);
	if (strstr(failure.hint, hint) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", failure.hint, hint);
}

static void
defaults(void **state)
{
	(void) state;
	assert_true(parse("--conninfo", "dbname=app", NULL));
	assert_int_equal(arguments.action, ARGUMENTS_RUN);
	assert_string_equal(arguments.conninfo, "dbname=app");
	assert_int_equal(arguments.log_format, LOG_FORMAT_TEXT);
	assert_int_equal(arguments.log_level, LOG_LEVEL_INFO);
	assert_non_null(strchr(arguments.name, ':'));
}

static void
every_option(void **state)
{
	(void) state;
	assert_true(
		parse("--conninfo=dbname=app user=x", "--name", "b1", "--log-format=json", "--log-level", "debug", NULL));
	assert_string_equal(arguments.conninfo, "dbname=app user=x");
	assert_string_equal(arguments.name, "b1");
	assert_int_equal(arguments.log_format, LOG_FORMAT_JSON);
	assert_int_equal(arguments.log_level, LOG_LEVEL_DEBUG);
}

static void
help_and_version_need_no_database(void **state)
{
	(void) state;
	assert_true(parse("--help", NULL));
	assert_int_equal(arguments.action, ARGUMENTS_HELP);
	assert_true(parse("--version", NULL));
	assert_int_equal(arguments.action, ARGUMENTS_VERSION);
}

static void
no_database_is_refused(void **state)
{
	(void) state;
	assert_false(parse(NULL));
	refused("no database", "DBSTREAM_CONNINFO");
}

static void
unknown_options_get_the_nearest_name(void **state)
{
	(void) state;
	assert_false(parse("--coninfo", "dbname=app", NULL));
	refused("--coninfo", "\"--conninfo\"");
	assert_false(parse("--conninfo", "dbname=app", "--loglevel=debug", NULL));
	refused("--loglevel", "\"--log-level\"");
	assert_false(parse("--zzz", NULL));
	refused("--zzz", "--help");
	assert_null(strstr(failure.hint, "Did you mean"));
}

static void
passwords_are_not_repeated(void **state)
{
	(void) state;
	assert_false(parse("--coninfo=password=s3cret", NULL));
	assert_null(strstr(failure.message, "s3cret"));
	assert_false(parse("password=s3cret", NULL));
	assert_null(strstr(failure.message, "s3cret"));
}

static void
missing_and_needless_values(void **state)
{
	(void) state;
	assert_false(parse("--name", NULL));
	refused("--name", "--help");
	assert_false(parse("--help=yes", NULL));
	refused("--help", "--help");
	assert_false(parse("--conninfo", "x=y", "--log-format", "xml", NULL));
	refused("xml", "--help");
	assert_false(parse("--conninfo", "x=y", "--log-level", "loud", NULL));
	refused("loud", "--help");
}

static void
conninfo_leaves_argv(void **state)
{
	char program[] = "dbstream-bridge";
	char apart[] = "--conninfo";
	char value[] = "dbname=app password=s3cret";
	char joined[] = "--conninfo=dbname=app password=s3cret";
	char *first[] = {program, apart, value, NULL};
	char *second[] = {program, joined, NULL};

	(void) state;
	assert_true(arguments_parse(3, first, &arguments, &failure));
	assert_string_equal(arguments.conninfo, "dbname=app password=s3cret");
	assert_null(strstr(value, "s3cret"));
	arguments_free(&arguments);
	assert_true(arguments_parse(2, second, &arguments, &failure));
	assert_string_equal(arguments.conninfo, "dbname=app password=s3cret");
	assert_null(strstr(joined, "s3cret"));
}

/* ---- environment and file ---- */

static char file_path[64];

static void
write_file(const char *text)
{
	int fd;

	strncpy(file_path, "/tmp/dbstream_config_XXXXXX", sizeof file_path - 1);
	fd = mkstemp(file_path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
command_line_wins_over_environment_over_file(void **state)
{
	(void) state;
	write_file(
		"{\"conninfo\": \"dbname=file\", \"name\": \"file\", \"log_format\": \"json\", \"log_level\": \"error\"}");
	assert_true(parse("--config", file_path, NULL));
	assert_string_equal(arguments.conninfo, "dbname=file");
	assert_string_equal(arguments.name, "file");
	assert_string_equal(arguments.config, file_path);
	assert_int_equal(arguments.log_format, LOG_FORMAT_JSON);
	assert_int_equal(arguments.log_level, LOG_LEVEL_ERROR);
	arguments_free(&arguments);

	setenv("DBSTREAM_CONNINFO", "dbname=environment", 1);
	assert_true(parse("--config", file_path, NULL));
	assert_string_equal(arguments.conninfo, "dbname=environment");
	assert_string_equal(arguments.name, "file");
	arguments_free(&arguments);

	assert_true(parse("--config", file_path, "--conninfo", "dbname=line", "--log-format", "text", NULL));
	assert_string_equal(arguments.conninfo, "dbname=line");
	assert_int_equal(arguments.log_format, LOG_FORMAT_TEXT);
	unlink(file_path);
}

static void
wrong_files_are_refused(void **state)
{
	(void) state;
	assert_false(parse("--config", "/does/not/exist", NULL));
	refused("/does/not/exist", "permissions");
	write_file("{\"conninfo\": \"dbname=file\", \"logformat\": \"json\"}");
	assert_false(parse("--config", file_path, NULL));
	refused("logformat", "\"log_format\"");
	unlink(file_path);
	write_file("{\"conninfo\": 5}");
	assert_false(parse("--config", file_path, NULL));
	refused("conninfo", "--help");
	unlink(file_path);
	write_file("conninfo = dbname");
	assert_false(parse("--config", file_path, NULL));
	refused("not a JSON object", "{\"conninfo\"");
	unlink(file_path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(defaults, clear, release),
		cmocka_unit_test_setup_teardown(every_option, clear, release),
		cmocka_unit_test_setup_teardown(help_and_version_need_no_database, clear, release),
		cmocka_unit_test_setup_teardown(no_database_is_refused, clear, release),
		cmocka_unit_test_setup_teardown(unknown_options_get_the_nearest_name, clear, release),
		cmocka_unit_test_setup_teardown(passwords_are_not_repeated, clear, release),
		cmocka_unit_test_setup_teardown(missing_and_needless_values, clear, release),
		cmocka_unit_test_setup_teardown(conninfo_leaves_argv, clear, release),
		cmocka_unit_test_setup_teardown(command_line_wins_over_environment_over_file, clear, release),
		cmocka_unit_test_setup_teardown(wrong_files_are_refused, clear, release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
