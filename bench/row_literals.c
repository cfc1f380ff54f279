/*
 * What writing a row's literals costs, without any server: the benchmark's row, with a number and a time besides.
 *
 *   row_literals [rows]     prints rows a second
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../mysql_bridge/mysql_literal.h"

#define KEEP ((size_t) 1024 * 1024)

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	static const char text[] = "a text of the usual length, number 123456 and more and more";
	static const char hex[] = "a665a45920422f9d417e4867efdc4fb8";
	static const uint16_t amount[] = {1, 0, 2, 12, 3400, 5600}; /* 123400.56: weight, sign, scale, digits */
	static MysqlColumn columns[] = {
		{.name = "id", .class = MYSQL_CLASS_INTEGER, .kind = DBS_KIND_INT4},
		{.name = "n", .class = MYSQL_CLASS_INTEGER, .kind = DBS_KIND_INT8},
		{.name = "a", .class = MYSQL_CLASS_TEXT, .kind = DBS_KIND_TEXT},
		{.name = "b", .class = MYSQL_CLASS_TEXT, .kind = DBS_KIND_TEXT},
		{.name = "amount", .class = MYSQL_CLASS_DECIMAL, .kind = DBS_KIND_NUMERIC, .width = 14, .scale = 2},
		{.name = "at", .class = MYSQL_CLASS_DATETIME, .kind = DBS_KIND_TIMESTAMPTZ, .scale = 6}};
	uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
	SqlBuffer sql = {0};
	double start = now();

	for (uint64_t row = 0; row < rows; row++)
	{
		int32_t id = (int32_t) row;
		int64_t n = (int64_t) (row * 7919 % 100000);
		int64_t at = (int64_t) row * 1000003;
		const struct
		{
			const void *value;
			uint32_t size;
		} values[] = {{&id, 4}, {&n, 8}, {text, sizeof text - 1}, {hex, sizeof hex - 1}, {amount, sizeof amount},
					  {&at, 8}};

		for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
		{
			if (mysql_literal(&sql, &columns[i], values[i].value, values[i].size) != NULL)
				return 1;
			sql_buffer_add(&sql, ",", 1);
		}
		if (sql.used > KEEP / 2)
			sql_buffer_reset(&sql, KEEP);
	}
	if (!sql_buffer_ok(&sql))
		return 1;
	printf("%.0f rows/s\n", (double) rows / (now() - start));
	sql_buffer_free(&sql);
	return 0;
}
