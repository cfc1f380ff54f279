/*
 * The table of options is consistent with itself; names are matched as people
 * mistype them; starts are taken apart without reading past their end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "option.h"

static const unsigned scopes[] = {DBS_OPTION_FOR_MYSQL, DBS_OPTION_FOR_MARIADB, DBS_OPTION_FOR_POSTGRESQL,
								  DBS_OPTION_FOR_STREAM};

/* Is the default, as JSON text, a value that the option would take? */
static void
check_fallback(const DbsOption *option)
{
	const char *text = option->fallback;
	char word[64];

	switch (option->type)
	{
		case DBS_OPTION_BOOL:
			assert_true(strcmp(text, "true") == 0 || strcmp(text, "false") == 0);
			return;
		case DBS_OPTION_INT:
			assert_true(strtoll(text, NULL, 10) >= option->min && strtoll(text, NULL, 10) <= option->max);
			return;
		case DBS_OPTION_OBJECT:
		case DBS_OPTION_NUMBERS:
			assert_string_equal(text, "{}");
			return;
		case DBS_OPTION_TEXT:
		case DBS_OPTION_WORD:
		case DBS_OPTION_SIZE:
		case DBS_OPTION_START:
			break;
	}
	assert_true(text[0] == '"' && text[strlen(text) - 1] == '"' && strlen(text) - 2 < sizeof word);
	memset(word, 0, sizeof word);
	memcpy(word, text + 1, strlen(text) - 2);
	if (option->type == DBS_OPTION_WORD)
		assert_true(dbs_option_word_known(option, word, strlen(word)));
	if (option->type == DBS_OPTION_START)
		assert_null(dbs_option_start_check(word));
}

static void
a_size_has_digits_and_a_unit(void **state)
{
	static const char *const good[] = {"0", "1048576", "50GB", "50 GB", "1kB", "1KB", "7tb", "3B"};
	static const char *const bad[] = {"",       "GB",  "1.5GB", "-1GB",  "50 ",
									  "50  GB", "50G", "50PB",  "50GBs", "1234567890123456"};

	(void) state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(dbs_option_size_ok(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(dbs_option_size_ok(bad[i], strlen(bad[i])));
}

static void
the_table_is_consistent(void **state)
{
	(void) state;
	for (size_t i = 0; i < dbs_option_count; i++)
	{
		const DbsOption *option = &dbs_options[i];
		char expectation[256];

		assert_true(option->scope != 0 && strlen(option->sentence) > 10);
		assert_int_equal(option->type == DBS_OPTION_WORD || option->type == DBS_OPTION_NUMBERS, option->words != NULL);
		assert_true(option->type != DBS_OPTION_INT || option->min < option->max);
		dbs_option_expectation(option, expectation, sizeof expectation);
		assert_true(strlen(expectation) > 3 && strlen(expectation) < sizeof expectation - 1);
		if (option->fallback != NULL)
			check_fallback(option);
		/* No name twice in one scope: the first alone is ever found. */
		for (size_t s = 0; s < sizeof scopes / sizeof scopes[0]; s++)
		{
			if ((option->scope & scopes[s]) != 0)
				assert_ptr_equal(dbs_option_find(scopes[s], option->name, strlen(option->name)), option);
		}
	}
}

static void
scopes_have_their_own_options(void **state)
{
	(void) state;
	assert_int_equal(dbs_option_find(DBS_OPTION_FOR_MYSQL, "port", 4)->max, 65535);
	assert_string_equal(dbs_option_find(DBS_OPTION_FOR_MYSQL, "port", 4)->fallback, "3306");
	assert_string_equal(dbs_option_find(DBS_OPTION_FOR_POSTGRESQL, "port", 4)->fallback, "5432");
	assert_null(dbs_option_find(DBS_OPTION_FOR_STREAM, "port", 4));
	assert_null(dbs_option_find(DBS_OPTION_FOR_MARIADB, "dbname", 6));
	assert_null(dbs_option_find(DBS_OPTION_FOR_MYSQL, "por", 3));
	assert_null(dbs_option_find(DBS_OPTION_FOR_MYSQL, "", 0));
	assert_int_equal(dbs_option_scope("mariadb"), DBS_OPTION_FOR_MARIADB);
	assert_int_equal(dbs_option_scope("Mysql"), 0);
}

static void
words_are_matched_whole(void **state)
{
	const DbsOption *option = dbs_option_find(DBS_OPTION_FOR_STREAM, "on_ddl", 6);

	(void) state;
	assert_true(dbs_option_word_known(option, "apply", 5));
	assert_true(dbs_option_word_known(option, "stop", 4));
	assert_false(dbs_option_word_known(option, "app", 3));
	assert_false(dbs_option_word_known(option, "apply|record", 12));
	assert_false(dbs_option_word_known(option, "", 0));
	assert_false(dbs_option_word_known(option, "STOP", 4));
}

static const char *
nearest(unsigned scope, const char *name)
{
	const DbsOption *option = dbs_option_nearest(scope, name, strlen(name));

	return option == NULL ? "" : option->name;
}

static void
the_nearest_name_is_found(void **state)
{
	char endless[500];

	(void) state;
	assert_string_equal(nearest(DBS_OPTION_FOR_STREAM, "zero_date"), "zero_dates");
	assert_string_equal(nearest(DBS_OPTION_FOR_STREAM, "heart_beat"), "heartbeat");
	assert_string_equal(nearest(DBS_OPTION_FOR_STREAM, "ON_DDL"), "on_ddl");
	assert_string_equal(nearest(DBS_OPTION_FOR_MYSQL, "hots"), "host");
	assert_string_equal(nearest(DBS_OPTION_FOR_MYSQL, "pasword"), "password");
	assert_string_equal(nearest(DBS_OPTION_FOR_MYSQL, "xyzzy"), "");
	assert_string_equal(nearest(DBS_OPTION_FOR_MYSQL, ""), "");
	memset(endless, 'p', sizeof endless);
	assert_null(dbs_option_nearest(DBS_OPTION_FOR_MYSQL, endless, sizeof endless));
}

static void
distances_are_counted(void **state)
{
	(void) state;
	assert_int_equal(dbs_name_distance("", 0, "", 0), 0);
	assert_int_equal(dbs_name_distance("abc", 3, "", 0), 3);
	assert_int_equal(dbs_name_distance("kitten", 6, "sitting", 7), 3);
	assert_int_equal(dbs_name_distance("port", 4, "prot", 4), 1);
	assert_int_equal(dbs_name_distance("PORT", 4, "port", 4), 0);
}

static void
starts_are_checked(void **state)
{
	static const char *const good[] = {
		"now",
		"earliest",
		"binlog.000012:4",
		"a.b.1:0",
		"gtid:0-1-100",
		"gtid: 0-1-100 , 1-2-3 ",
		"gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:1",
		"gtid:3E11FA47-71ca-11e1-9e33-c80aa9429562:1-5:7-9",
		"gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5,\n3e11fa47-71ca-11e1-9e33-c80aa9429563:1",
		"gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:1:t_1:2-3"};
	static const char *const bad[] = {"",
									  "Now",
									  ":",
									  ":4",
									  ".:4",
									  ".1:4",
									  "binlog.:4",
									  "binlog.000012",
									  "binlog.000012:",
									  "binlog.000012:-4",
									  "binlog.000012:99999999999999999999",
									  "binlog.00x012:4",
									  "gtid",
									  "gtid:",
									  "gtid:,",
									  "gtid:0-1",
									  "gtid:0-1-2-3",
									  "gtid:0-1-2,,",
									  "gtid:3e11fa47-71ca-11e1-9e33-c80aa942956",
									  "gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562",
									  "gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:",
									  "gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:1-",
									  "gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:tag",
									  "gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:1,0-1-2"};

	(void) state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_null(dbs_option_start_check(good[i]));
	/* On the heap, so that one byte read too far is seen. */
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
	{
		char *copy = strdup(bad[i]);

		if (dbs_option_start_check(copy) == NULL)
			fail_msg("\"%s\" is taken for a start", copy);
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_size_has_digits_and_a_unit),
		cmocka_unit_test(the_table_is_consistent),
		cmocka_unit_test(scopes_have_their_own_options),
		cmocka_unit_test(words_are_matched_whole),
		cmocka_unit_test(the_nearest_name_is_found),
		cmocka_unit_test(distances_are_counted),
		cmocka_unit_test(starts_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
