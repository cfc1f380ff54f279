/* The map of types: that it is consistent in itself, with the options and with the type made for a wire column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "option.h"
#include "typemap.h"

static const char *
type(uint8_t kind, uint32_t length, uint32_t scale, const char *type_name)
{
	static char out[128];

	return dbs_type_for_column(kind, length, scale, type_name, out, sizeof out) ? out : NULL;
}

static void
numbers(void **state)
{
	(void) state;
	assert_string_equal(type(DBS_KIND_BOOL, 0, 0, NULL), "boolean");
	assert_string_equal(type(DBS_KIND_INT2, 0, 0, "tinyint"), "smallint");
	assert_string_equal(type(DBS_KIND_INT4, 0, 0, NULL), "integer");
	assert_string_equal(type(DBS_KIND_INT8, 0, 0, NULL), "bigint");
	assert_string_equal(type(DBS_KIND_UINT8, 0, 0, NULL), "numeric(20,0)");
	assert_string_equal(type(DBS_KIND_FLOAT4, 0, 0, NULL), "real");
	assert_string_equal(type(DBS_KIND_FLOAT8, 0, 0, NULL), "double precision");
	assert_string_equal(type(DBS_KIND_NUMERIC, 65, 30, NULL), "numeric(65,30)");
	assert_string_equal(type(DBS_KIND_NUMERIC, 10, 0, NULL), "numeric(10,0)");
	assert_string_equal(type(DBS_KIND_NUMERIC, 0, 0, NULL), "numeric");
	assert_string_equal(type(DBS_KIND_NUMERIC, 1001, 0, NULL), "numeric");
	assert_string_equal(type(DBS_KIND_NUMERIC, 5, 6, NULL), "numeric");
	assert_string_equal(type(DBS_KIND_BIT, 1, 0, NULL), "boolean");
	assert_string_equal(type(DBS_KIND_BIT, 64, 0, NULL), "bit(64)");
	assert_string_equal(type(DBS_KIND_BIT, 0, 0, NULL), "bit varying");
}

static void
texts(void **state)
{
	(void) state;
	assert_string_equal(type(DBS_KIND_TEXT, 0, 0, "text"), "text");
	assert_string_equal(type(DBS_KIND_TEXT, 20, 0, "varchar(20)"), "varchar(20)");
	assert_string_equal(type(DBS_KIND_TEXT, 20, 0, "CHAR(20)"), "char(20)");
	assert_string_equal(type(DBS_KIND_TEXT, 20, 0, "character_of_mine"), "varchar(20)");
	assert_string_equal(type(DBS_KIND_TEXT, 20, 0, NULL), "varchar(20)");
	assert_string_equal(type(DBS_KIND_TEXT, 10485761, 0, NULL), "text");
	assert_string_equal(type(DBS_KIND_BYTES, 16, 0, "binary(16)"), "bytea");
	assert_string_equal(type(DBS_KIND_JSON, 0, 0, NULL), "jsonb");
	assert_string_equal(type(DBS_KIND_LABEL, 0, 0, NULL), "text");
	assert_string_equal(type(DBS_KIND_LABEL_LIST, 0, 0, NULL), "text[]");
	assert_string_equal(type(DBS_KIND_UUID, 0, 0, NULL), "uuid");
	assert_string_equal(type(DBS_KIND_GEOMETRY, 0, 0, NULL), "bytea");
	assert_string_equal(type(DBS_KIND_VECTOR, 3, 0, NULL), "real[]");
}

static void
times(void **state)
{
	(void) state;
	assert_string_equal(type(DBS_KIND_DATE, 0, 0, NULL), "date");
	assert_string_equal(type(DBS_KIND_TIME, 3, 0, NULL), "time(3)");
	assert_string_equal(type(DBS_KIND_TIMESTAMP, 0, 0, NULL), "timestamp(0)");
	assert_string_equal(type(DBS_KIND_TIMESTAMP, 6, 0, NULL), "timestamp(6)");
	assert_string_equal(type(DBS_KIND_TIMESTAMPTZ, 7, 0, NULL), "timestamptz");
	assert_string_equal(type(DBS_KIND_DURATION, 6, 0, NULL), "interval(6)");
	assert_string_equal(type(DBS_KIND_INTERVAL, 0, 0, NULL), "interval");
}

/* A type's name comes from the source and becomes SQL. */
static void
typed_text(void **state)
{
	static const char *const good[] = {
		"inet",     "public.mood", "_int4", "character varying(20)", "timestamp with time zone", "numeric(10,2)[]",
		"int4[][]",
	};
	static const char *const bad[] = {
		"",        " inet",
		"inet ",   "inet;drop table t",
		"a b",     "int primary key",
		"public.", ".x",
		"x()",     "x(1",
		"x(1,)",   "x(-1)",
		"\"x\"",   "x[1]",
		"x -- y",  "int default 1",
		"x[]y",    "1x",
	};

	(void) state;
	assert_string_equal(type(DBS_KIND_TYPED_TEXT, 0, 0, "inet4"), "inet");
	assert_string_equal(type(DBS_KIND_TYPED_TEXT, 0, 0, "INET6"), "inet");
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_string_equal(type(DBS_KIND_TYPED_TEXT, 0, 0, good[i]), good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_null(type(DBS_KIND_TYPED_TEXT, 0, 0, bad[i]));
	assert_null(type(DBS_KIND_TYPED_TEXT, 0, 0, NULL));
}

static void
limits(void **state)
{
	char out[8];

	(void) state;
	assert_null(type(DBS_KIND_NONE, 0, 0, NULL));
	assert_null(type(DBS_KIND_COUNT, 0, 0, NULL));
	assert_false(dbs_type_for_column(DBS_KIND_BOOL, 0, 0, NULL, out, 7));
	assert_true(dbs_type_for_column(DBS_KIND_BOOL, 0, 0, NULL, out, 8));
	for (uint8_t kind = 1; kind < DBS_KIND_COUNT; kind++)
		assert_non_null(type(kind, UINT32_MAX, UINT32_MAX, "x"));
}

/* Letters stand for parameters: numbers in their place, as a column would have them. */
static void
fill_in(const char *target, char *out, size_t size)
{
	size_t used = 0;

	for (; *target != '\0' && used + 3 < size; target++)
	{
		if (used > 0 && (out[used - 1] == '(' || out[used - 1] == ',') && strchr("npsf", *target) != NULL)
			out[used++] = *target == 's' ? '2' : *target == 'f' ? '3' : '9';
		else
			out[used++] = *target;
	}
	out[used] = '\0';
}

/* Each default of the map that needs nothing but the wire is what dbs_type_for_column says, with its reasons where not.
 */
static void
columns_agree_with_the_map(void **state)
{
	unsigned compared = 0;

	(void) state;
	for (size_t i = 0; i < dbs_type_map_size; i++)
	{
		const DbsTypeMapping *row = &dbs_type_map[i];
		char expected[64];
		uint32_t length = 0;

		if (row->direction != DBS_TYPES_MYSQL_TO_POSTGRESQL || row->option != NULL)
			continue;
		if (strstr(row->condition, "installed") != NULL || strstr(row->remark, "from the log alone") != NULL)
			continue;
		fill_in(row->target_type, expected, sizeof expected);
		if (strstr(row->source_type, "(1)") != NULL)
			length = 1;
		else if (strstr(row->source_type, "(n)") != NULL || strstr(row->source_type, "(p,s)") != NULL)
			length = 9;
		else if (strstr(row->source_type, "(f)") != NULL)
			length = 3;
		assert_string_equal(type(row->kind, length, 2, row->source_type), expected);
		compared++;
	}
	assert_true(compared > 25);
}

static void
options_of_the_map_exist(void **state)
{
	(void) state;
	for (size_t i = 0; i < dbs_type_map_size; i++)
	{
		const DbsTypeMapping *row = &dbs_type_map[i];
		const DbsOption *option;
		char quoted[64];

		assert_int_equal(row->option == NULL, row->value == NULL);
		if (row->option == NULL)
			continue;
		option = dbs_option_find(DBS_OPTION_FOR_STREAM, row->option, strlen(row->option));
		assert_non_null(option);
		assert_true(dbs_option_word_known(option, row->value, strlen(row->value)));

		/* An option's default is the row without an option; a row with it would be there twice. */
		assert_non_null(option->fallback);
		snprintf(quoted, sizeof quoted, "\"%s\"", row->value);
		assert_string_not_equal(option->fallback, quoted);
	}
}

/* No two rows say different things about the same case. */
static void
cases_are_distinct(void **state)
{
	(void) state;
	for (size_t i = 0; i < dbs_type_map_size; i++)
	{
		const DbsTypeMapping *a = &dbs_type_map[i];

		assert_non_null(strstr(dbs_type_direction_name(a->direction), " to "));
		assert_true(a->source_type[0] != '\0' && a->target_type[0] != '\0');
		for (size_t j = 0; j < i; j++)
		{
			const DbsTypeMapping *b = &dbs_type_map[j];

			assert_false(a->direction == b->direction && strcmp(a->source_type, b->source_type) == 0 &&
						 strcmp(a->condition, b->condition) == 0 && (a->option == NULL) == (b->option == NULL) &&
						 (a->option == NULL || strcmp(a->value, b->value) == 0));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(texts),
		cmocka_unit_test(times),
		cmocka_unit_test(typed_text),
		cmocka_unit_test(limits),
		cmocka_unit_test(columns_agree_with_the_map),
		cmocka_unit_test(options_of_the_map_exist),
		cmocka_unit_test(cases_are_distinct),
	};

	return cmocka_run_group_tests_name("typemap", tests, NULL, NULL);
}
