/*
 * How long a small transaction takes from its commit at the source until a reader at the target sees it.
 *
 *   latency KIND SOURCE KIND TARGET FIRST COUNT
 *
 * KIND is mysql (SOURCE or TARGET is a socket; user root) or postgres (a conninfo).  Inserts COUNT rows into
 * bench.l, numbered from FIRST, one transaction at a time with a pause of some milliseconds between them, so that every
 * one finds the pipeline idle; after the source has answered the commit, the target is asked again and again whether it
 * has the row.  Prints one number for each: microseconds.
 */
#include <libpq-fe.h>
#include <mysql.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_PAUSE_US 40
#define LIMIT_S 20

typedef struct Side
{
	MYSQL *mysql;
	PGconn *postgres;
} Side;

static void
fail(const char *what, const char *detail)
{
	fprintf(stderr, "latency: %s: %s\n", what, detail);
	exit(1);
}

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

static void
pause_us(long us)
{
	struct timespec t = {us / 1000000, us % 1000000 * 1000};

	nanosleep(&t, NULL);
}

static Side
side_open(const char *kind, const char *where)
{
	Side side = {NULL, NULL};

	if (strcmp(kind, "postgres") == 0)
	{
		side.postgres = PQconnectdb(where);
		if (PQstatus(side.postgres) != CONNECTION_OK)
			fail(where, PQerrorMessage(side.postgres));
		return side;
	}
	side.mysql = mysql_init(NULL);
	if (side.mysql == NULL || mysql_real_connect(side.mysql, NULL, "root", "", "bench", 0, where, 0) == NULL)
		fail(where, side.mysql != NULL ? mysql_error(side.mysql) : "no memory");
	return side;
}

/* Run a statement; returns the number of rows it answers. */
static long
side_run(Side *side, const char *sql)
{
	long count = 0;

	if (side->postgres != NULL)
	{
		PGresult *result = PQexec(side->postgres, sql);

		if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
			fail(sql, PQerrorMessage(side->postgres));
		count = PQntuples(result);
		PQclear(result);
		return count;
	}
	if (mysql_query(side->mysql, sql) != 0)
		fail(sql, mysql_error(side->mysql));
	if (mysql_field_count(side->mysql) > 0)
	{
		MYSQL_RES *result = mysql_store_result(side->mysql);

		if (result == NULL)
			fail(sql, mysql_error(side->mysql));
		count = (long) mysql_num_rows(result);
		mysql_free_result(result);
	}
	return count;
}

static void
side_close(Side *side)
{
	if (side->postgres != NULL)
		PQfinish(side->postgres);
	if (side->mysql != NULL)
		mysql_close(side->mysql);
}

static double
measure(Side *source, Side *target, long id)
{
	char insert[160];
	char look[100];
	double committed;

	snprintf(insert, sizeof insert, "INSERT INTO bench.l VALUES (%ld, 'a small transaction, number %ld')", id, id);
	snprintf(look, sizeof look, "SELECT 1 FROM bench.l WHERE id = %ld", id);
	(void) side_run(source, insert);
	committed = now_us();
	while (side_run(target, look) == 0)
	{
		if (now_us() - committed > LIMIT_S * 1e6)
			fail(look, "the row did not arrive in time");
		pause_us(LOOK_PAUSE_US);
	}
	return now_us() - committed;
}

int
main(int argc, char **argv)
{
	Side source, target;
	long first, count;

	if (argc != 7)
		fail("usage", "latency KIND SOURCE KIND TARGET FIRST COUNT");
	source = side_open(argv[1], argv[2]);
	target = side_open(argv[3], argv[4]);
	first = strtol(argv[5], NULL, 10);
	count = strtol(argv[6], NULL, 10);
	for (long i = 0; i < count; i++)
	{
		printf("%.0f\n", measure(&source, &target, first + i));
		/* Not a round number, so that no timer of anybody's beats in time with it. */
		pause_us(3000 + i * 377 % 4000);
	}
	side_close(&source);
	side_close(&target);
	return 0;
}
