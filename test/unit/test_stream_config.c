/*
 * Rows of bridge_streams(): what they say arrives, defaults fill what they leave out, what is wrong is refused by
 * name, and passwords come from where the connection says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "stream_config.h"

#define ROW(source, options)                                                                                           \
	"{\"stream_id\": 7, \"name\": \"shop_in\", \"generation\": 3, \"source_kind\": \"mariadb\", \"target\": {},"       \
	" \"source\": " source ", \"tables\": [\"shop.*\", \"!shop.audit_*\"], \"options\": " options "}"

static StreamConfig *
parse(const char *row, const char *secret)
{
	Failure failure;
	StreamConfig *config = stream_config_parse(row, secret, &failure);

	if (config == NULL)
		fail_msg("%s", failure.message);
	return config;
}

static void
defaults_fill_what_is_missing(void **state)
{
	StreamConfig *config = parse(ROW("{\"name\": \"shop\", \"user\": \"repl\"}", "{}"), NULL);

	(void) state;
	assert_int_equal(config->id, 7);
	assert_string_equal(config->name, "shop_in");
	assert_string_equal(config->source.name, "shop");
	assert_string_equal(config->source.kind, "mariadb");
	assert_string_equal(config->source.host, "localhost");
	assert_int_equal(config->source.port, 3306);
	assert_null(config->source.socket);
	assert_null(config->source.password);
	assert_int_equal(config->source.ssl_mode, SSL_MODE_NAME_PREFERRED);
	assert_int_equal(config->source.connect_timeout, 10);
	assert_string_equal(config->tables[0], "shop.*");
	assert_string_equal(config->tables[1], "!shop.audit_*");
	assert_null(config->tables[2]);
	assert_int_equal(config->zero_dates, ZERO_DATES_NULL);
	assert_false(config->strip_nul_bytes);
	assert_false(config->binary16_as_uuid);
	assert_false(config->full_before_images);
	assert_int_equal(config->follow, FOLLOW_AUTO);
	assert_int_equal(config->server_id, 0);
	assert_int_equal(config->heartbeat_seconds, 10);
	assert_int_equal(config->conflicts, CONFLICTS_STOP);
	assert_null(config->conflict_column);
	assert_int_equal(config->increment, 0);
	stream_config_free(config);
}

static void
every_option_arrives(void **state)
{
	StreamConfig *config =
		parse(ROW("{\"name\": \"shop\", \"host\": \"db1\", \"port\": 3307, \"user\": \"repl\","
				  " \"socket\": \"/run/s\", \"ssl_mode\": \"VERIFY_IDENTITY\", \"ssl_ca\": \"/ca\","
				  " \"ssl_cert\": \"/cert\", \"ssl_key\": \"/key\", \"connect_timeout\": 3}",
				  "{\"zero_dates\": \"error\", \"nul_bytes\": \"strip\", \"binary16\": \"uuid\","
				  " \"before_images\": \"full\", \"follow\": \"file\", \"server_id\": 4294967295,"
				  " \"heartbeat\": 60, \"on_ddl\": \"stop\", \"conflicts\": \"latest_wins\","
				  " \"conflict_column\": \"at\", \"auto_increment\": {\"offset\": 2, \"increment\": 3}}"),
			  "literal");

	(void) state;
	assert_string_equal(config->source.host, "db1");
	assert_int_equal(config->source.port, 3307);
	assert_string_equal(config->source.user, "repl");
	assert_string_equal(config->source.password, "literal");
	assert_string_equal(config->source.socket, "/run/s");
	assert_int_equal(config->source.ssl_mode, SSL_MODE_NAME_VERIFY_IDENTITY);
	assert_string_equal(config->source.ssl_ca, "/ca");
	assert_string_equal(config->source.ssl_cert, "/cert");
	assert_string_equal(config->source.ssl_key, "/key");
	assert_int_equal(config->source.connect_timeout, 3);
	assert_int_equal(config->zero_dates, ZERO_DATES_ERROR);
	assert_true(config->strip_nul_bytes);
	assert_true(config->binary16_as_uuid);
	assert_true(config->full_before_images);
	assert_int_equal(config->follow, FOLLOW_FILE);
	assert_true(config->server_id == UINT32_MAX);
	assert_int_equal(config->heartbeat_seconds, 60);
	assert_int_equal(config->conflicts, CONFLICTS_LATEST_WINS);
	assert_string_equal(config->conflict_column, "at");
	assert_int_equal(config->increment_offset, 2);
	assert_int_equal(config->increment, 3);
	stream_config_free(config);
}

static void
refused(const char *row, const char *code, const char *part)
{
	Failure failure;

	assert_null(stream_config_parse(row, NULL, &failure));
	assert_int_equal(failure.class, FAILURE_REJECT);
	assert_string_equal(failure.code, code);
	if (strstr(failure.message, part) == NULL)
		fail_msg("\"%s\" does not name \"%s\"", failure.message, part);
	assert_true(failure.hint[0] != '\0');
}

static void
what_is_wrong_is_refused_by_name(void **state)
{
	(void) state;
	refused("no json", "bad_option", "JSON");
	refused("[]", "bad_option", "name");
	refused(ROW("{\"port\": \"3306\"}", "{}"), "bad_option", "port");
	refused(ROW("{\"port\": 65536}", "{}"), "bad_option", "port");
	refused(ROW("{\"ssl_mode\": \"verify_ca\"}", "{}"), "bad_option", "ssl_mode");
	refused(ROW("{\"host\": 1}", "{}"), "bad_option", "host");
	refused(ROW("{}", "{\"zero_dates\": \"zero\"}"), "bad_option", "zero_dates");
	refused(ROW("{}", "{\"server_id\": -1}"), "bad_option", "server_id");
	refused(ROW("{}", "{\"heartbeat\": 0}"), "bad_option", "heartbeat");
	refused("{\"stream_id\": 1, \"name\": \"s\", \"source_kind\": \"mysql\", \"source\": {}, \"tables\": []}",
			"bad_option", "tables");
}

static void
source_name_is_found(void **state)
{
	char *name = stream_config_source_name(ROW("{\"name\": \"shop\"}", "{}"));

	(void) state;
	assert_string_equal(name, "shop");
	free(name);
	assert_null(stream_config_source_name(ROW("{}", "{}")));
	assert_null(stream_config_source_name("nonsense"));
}

/* ---- passwords ---- */

static char file_path[64];

static void
write_file(const char *text)
{
	int fd;

	strncpy(file_path, "/tmp/dbstream_password_XXXXXX", sizeof file_path - 1);
	fd = mkstemp(file_path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
assert_file_password(const char *text, const char *password)
{
	char row[512];
	StreamConfig *config;

	write_file(text);
	snprintf(row, sizeof row, ROW("{\"name\": \"shop\", \"password_file\": \"%s\"}", "{}"), file_path);
	config = parse(row, NULL);
	unlink(file_path);
	assert_string_equal(config->source.password, password);
	stream_config_free(config);
}

static void
password_file_is_read_to_its_first_line_end(void **state)
{
	(void) state;
	assert_file_password("secret", "secret");
	assert_file_password("secret\n", "secret");
	assert_file_password("secret\r\n", "secret");
	assert_file_password(" se cret \nsecond line\n", " se cret ");
	assert_file_password("", "");
}

static void
literal_wins_over_file(void **state)
{
	StreamConfig *config = parse(ROW("{\"name\": \"shop\", \"password_file\": \"/does/not/exist\"}", "{}"), "literal");

	(void) state;
	assert_string_equal(config->source.password, "literal");
	stream_config_free(config);
}

static void
missing_password_sources_are_named(void **state)
{
	(void) state;
	unsetenv("DBSTREAM_TEST_NO_SUCH");
	refused(ROW("{\"name\": \"shop\", \"password_file\": \"/does/not/exist\"}", "{}"), "password_file",
			"/does/not/exist");
	refused(ROW("{\"name\": \"shop\", \"password_env\": \"DBSTREAM_TEST_NO_SUCH\"}", "{}"), "password_env",
			"DBSTREAM_TEST_NO_SUCH");
}

static void
password_from_environment(void **state)
{
	StreamConfig *config;

	(void) state;
	setenv("DBSTREAM_TEST_PASSWORD", "from env", 1);
	config = parse(ROW("{\"name\": \"shop\", \"password_env\": \"DBSTREAM_TEST_PASSWORD\"}", "{}"), NULL);
	assert_string_equal(config->source.password, "from env");
	stream_config_free(config);
}

/* What goes to standard error while the password file has this mode. */
static void
capture_warning(mode_t mode, char *out, size_t size)
{
	char row[512];
	int pipes[2];
	int saved = dup(STDERR_FILENO);
	ssize_t got;

	write_file("hush-hush");
	assert_int_equal(chmod(file_path, mode), 0);
	snprintf(row, sizeof row, ROW("{\"name\": \"shop\", \"password_file\": \"%s\"}", "{}"), file_path);
	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	stream_config_free(parse(row, NULL));
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipes[1]);
	got = read(pipes[0], out, size - 1);
	close(pipes[0]);
	unlink(file_path);
	out[got > 0 ? got : 0] = '\0';
}

static void
open_password_files_are_warned_of(void **state)
{
	char warning[2048];

	(void) state;
	capture_warning(0600, warning, sizeof warning);
	assert_string_equal(warning, "");
	capture_warning(0644, warning, sizeof warning);
	assert_non_null(strstr(warning, "0600"));
	assert_non_null(strstr(warning, file_path));
	assert_null(strstr(warning, "hush-hush"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_fill_what_is_missing),
		cmocka_unit_test(every_option_arrives),
		cmocka_unit_test(what_is_wrong_is_refused_by_name),
		cmocka_unit_test(source_name_is_found),
		cmocka_unit_test(password_file_is_read_to_its_first_line_end),
		cmocka_unit_test(literal_wins_over_file),
		cmocka_unit_test(missing_password_sources_are_named),
		cmocka_unit_test(password_from_environment),
		cmocka_unit_test(open_password_files_are_warned_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
