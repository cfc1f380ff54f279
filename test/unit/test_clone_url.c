/*
 * URLs of a clone: every part, percent-encoding, defaults; what is malformed is refused without repeating a password;
 * and files of passwords are read as the MySQL programs read theirs.
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

#include "clone_arguments.h"
#include "clone_url.h"

static CloneSource source;
static Failure failure;

static int
clear(void **state)
{
	(void) state;
	unsetenv("MYSQL_PWD");
	memset(&source, 0, sizeof source);
	memset(&failure, 0, sizeof failure);
	return 0;
}

static int
release(void **state)
{
	(void) state;
	clone_source_free(&source);
	return 0;
}

static void
accepted(const char *url)
{
	clone_source_free(&source);
	if (!clone_url_parse(url, &source, &failure))
		fail_msg("%s: %s", url, failure.message);
}

/* secret: what the messages must not hold. */
static void
refused(const char *url, const char *part, const char *secret)
{
	clone_source_free(&source);
	assert_false(clone_url_parse(url, &source, &failure));
	assert_string_equal(failure.code, "usage");
	if (strstr(failure.message, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", failure.message, part);
	if (secret != NULL)
	{
		assert_null(strstr(failure.message, secret));
		assert_null(strstr(failure.hint, secret));
	}
}

static void
all_parts(void **state)
{
	(void) state;
	accepted(
		"mysql://repl:p%40ss%2Fw%3Ard@db1.example:3307/sh%6Fp?ssl_mode=verify-ca&ssl_ca=/etc/ca.pem&connect_timeout=3");
	assert_string_equal(source.user, "repl");
	assert_string_equal(source.password, "p@ss/w:rd");
	assert_string_equal(source.host, "db1.example");
	assert_int_equal(source.port, 3307);
	assert_string_equal(source.database, "shop");
	assert_string_equal(source.ssl_mode, "VERIFY_CA");
	assert_string_equal(source.ssl_ca, "/etc/ca.pem");
	assert_int_equal(source.connect_timeout, 3);
}

static void
defaults(void **state)
{
	(void) state;
	accepted("mariadb://h/d");
	assert_null(source.user);
	assert_null(source.password);
	assert_int_equal(source.port, 3306);
	accepted("MySQL:///d");
	assert_string_equal(source.host, "localhost");
	accepted("mysql://u@h");
	assert_null(source.database);
	accepted("mysql://u:@h/d");
	assert_null(source.password);
	accepted("mysql://u:a@b@h/d");
	assert_string_equal(source.password, "a@b");
	assert_string_equal(source.host, "h");
}

static void
addresses(void **state)
{
	(void) state;
	accepted("mysql://u@[2001:db8::1]:3308/d");
	assert_string_equal(source.host, "2001:db8::1");
	assert_int_equal(source.port, 3308);
	accepted("mysql://u@%2Frun%2Fmysqld%2Fs.sock/d");
	assert_string_equal(source.socket, "/run/mysqld/s.sock");
	assert_null(source.host);
	accepted("mysql://u@/d?socket=/run/s");
	assert_string_equal(source.socket, "/run/s");
	refused("mysql://u@[::1/d", "bracket", NULL);
	refused("mysql://u@[::1]3306/d", "between", NULL);
}

static void
refusals(void **state)
{
	(void) state;
	refused("postgresql://u:Stoat@h/d", "begin with mysql://", "Stoat");
	refused("u:Stoat@h/d", "begin with mysql://", "Stoat");
	refused("mysql://u:Sto%4zt@h/d", "password", "Sto");
	refused("mysql://u:Stoat%0@h/d", "password", "Stoat");
	refused("mysql://u:Stoat%00@h/d", "password", "Stoat");
	refused("mysql://u:Stoat@h:0/d", "port", "Stoat");
	refused("mysql://u:Stoat@h:65536/d", "port", "Stoat");
	refused("mysql://u:Stoat@h:3o/d", "port", "Stoat");
	refused("mysql://u:St/oat@h/d", "", "oat");
	refused("mysql://u:Stoat@h/a/b", "more than one database", "Stoat");
	refused("mysql://u:Stoat@h/d?ssl_mod=x", "ssl_mod", "Stoat");
	refused("mysql://u:Stoat@h/d?ssl_mode=maybe", "ssl_mode", "Stoat");
	refused("mysql://u:Stoat@h/d?connect_timeout=0", "connect_timeout", "Stoat");
	refused("mysql://u@h/d?password=Stoat%", "password", "Stoat");
	refused("mysql://u:Stoat@h/d?password_env=X", "more than one password", "Stoat");
}

static void
options(void **state)
{
	char *text;
	char description[256];

	(void) state;
	accepted("mysql://repl:Stoat@h:3307/d?ssl_mode=REQUIRED");
	text = clone_source_options(&source);
	assert_non_null(strstr(text, "\"host\":\"h\""));
	assert_non_null(strstr(text, "\"port\":3307"));
	assert_non_null(strstr(text, "\"ssl_mode\":\"REQUIRED\""));
	assert_null(strstr(text, "Stoat"));
	free(text);
	clone_source_describe(&source, description, sizeof description);
	assert_string_equal(description, "mysql://repl@h:3307/d");
}

/* A file in a temporary folder; the caller removes it. */
static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
password_files(void **state)
{
	char folder[] = "/tmp/dbstream-unit-XXXXXX";
	char path[64];
	ConnectionConfig config;

	(void) state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/.my.cnf", folder);

	write_file(path, "Quiet-Heron\nsecond line\n");
	accepted("mysql://repl@h/d");
	assert_true(clone_url_password_file(path, &source, &failure));
	assert_string_equal(source.password_file, path);
	assert_true(clone_source_config(&source, "s", &config, &failure));
	assert_string_equal(config.password, "Quiet-Heron");
	clone_source_config_free(&config);

	write_file(
		path,
		"# mine\n[mysqld]\npassword=no\n[client]\n user = repl\npassword = \"a b#\\\\c\" \n[other]\npassword=no\n");
	accepted("mysql://repl@h/d");
	assert_true(clone_url_password_file(path, &source, &failure));
	assert_string_equal(source.password, "a b#\\c");
	assert_null(source.password_file);

	/* Another user's password is not tried. */
	accepted("mysql://else@h/d");
	assert_false(clone_url_password_file(path, &source, &failure));
	assert_null(strstr(failure.message, "a b"));
	accepted("mysql://else@h/d");
	clone_url_default_password(folder, &source);
	assert_null(source.password);

	/* Without a user in the URL both come from the file. */
	accepted("mysql://h/d");
	clone_url_default_password(folder, &source);
	assert_string_equal(source.user, "repl");
	assert_string_equal(source.password, "a b#\\c");

	/* What the URL says wins, and both at once are refused where both were given. */
	accepted("mysql://repl:own@h/d");
	clone_url_default_password(folder, &source);
	assert_string_equal(source.password, "own");
	assert_false(clone_url_password_file(path, &source, &failure));

	setenv("MYSQL_PWD", "variable", 1);
	accepted("mysql://repl@h/d");
	clone_url_default_password(folder, &source);
	assert_string_equal(source.password_env, "MYSQL_PWD");
	unlink(path);
	rmdir(folder);
}

/* ---- the command line ---- */

static void
command_line(void **state)
{
	char words[][96] = {"clone",
						"--from",
						"mysql://u:Stoat@h/My.Shop",
						"--to",
						"dbname=a password=Stoat",
						"--tables=a*,!a_b,other.t",
						"--option",
						"tinyint1=smallint",
						"--option=backfill_workers=4",
						"--verify"};
	char *argv[11];
	CloneArguments arguments;

	(void) state;
	for (int i = 0; i < 10; i++)
		argv[i] = words[i];
	argv[10] = NULL;
	if (!clone_arguments_parse(10, argv, &arguments, &failure))
		fail_msg("%s", failure.message);
	for (int i = 0; i < 10; i++)
		assert_null(strstr(argv[i], "Stoat"));
	assert_string_equal(arguments.target, "dbname=a password=Stoat");
	assert_string_equal(arguments.source.password, "Stoat");
	assert_string_equal(arguments.stream, "clone_my_shop");
	assert_string_equal(arguments.connection, "clone_my_shop_source");
	assert_string_equal(arguments.tables, "[\"My\\\\.Shop.a*\",\"!My\\\\.Shop.a_b\",\"other.t\"]");
	assert_string_equal(arguments.options, "{\"tinyint1\":\"smallint\",\"backfill_workers\":4,\"start\":\"backfill\"}");
	assert_true(arguments.verify);
	assert_false(arguments.follow);
	clone_arguments_free(&arguments);
}

static void
command_line_refusals(void **state)
{
	char from[] = "--from=mysql://u:Stoat@h/d", unknown[] = "--frm", stray[] = "Stoat", name[] = "clone";
	char dry[] = "--dry-run", follow[] = "--follow", to[] = "--to=dbname=a password=Stoat";
	char *wrong[] = {name, unknown, stray, from, to, NULL};
	char *both[] = {name, from, to, dry, follow, NULL};
	CloneArguments arguments;

	(void) state;
	assert_false(clone_arguments_parse(5, wrong, &arguments, &failure));
	assert_null(strstr(failure.message, "Stoat"));
	assert_non_null(strstr(failure.message, "--frm"));
	/* What stands behind the mistake is overwritten all the same. */
	assert_null(strstr(from, "Stoat"));
	assert_null(strstr(to, "Stoat"));
	snprintf(from, sizeof from, "--from=mysql://u@h/d");
	snprintf(to, sizeof to, "--to=dbname=a");
	assert_false(clone_arguments_parse(5, both, &arguments, &failure));
	assert_non_null(strstr(failure.message, "--dry-run"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_parts, clear, release),
		cmocka_unit_test_setup_teardown(defaults, clear, release),
		cmocka_unit_test_setup_teardown(addresses, clear, release),
		cmocka_unit_test_setup_teardown(refusals, clear, release),
		cmocka_unit_test_setup_teardown(options, clear, release),
		cmocka_unit_test_setup_teardown(password_files, clear, release),
		cmocka_unit_test_setup_teardown(command_line, clear, release),
		cmocka_unit_test_setup_teardown(command_line_refusals, clear, release),
	};

	return cmocka_run_group_tests_name("clone_url", tests, NULL, NULL);
}
