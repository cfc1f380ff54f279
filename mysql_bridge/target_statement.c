#include "target_statement.h"

#include <string.h>

#include "target_failure.h"

/* A buffer that one large row has made larger gives its memory back. */
#define KEEP_SIZE ((size_t) 1024 * 1024)

bool
target_statement_no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a statement");
}

bool
target_statement_run(MYSQL *mysql, SqlBuffer *sql, const char *doing, Failure *failure)
{
	bool ok;

	if (!sql_buffer_ok(sql))
		return target_statement_no_memory(failure);
	ok = mysql_real_query(mysql, sql->data, (unsigned long) sql->used) == 0;
	sql_buffer_reset(sql, KEEP_SIZE);
	return ok || target_failed(mysql, doing, failure);
}

bool
target_statement_once(MYSQL *mysql, SqlBuffer *sql, const char *doing, Failure *failure)
{
	bool ok = target_statement_run(mysql, sql, doing, failure);

	sql_buffer_free(sql);
	return ok;
}

MYSQL_RES *
target_statement_query(MYSQL *mysql, SqlBuffer *sql, const char *doing, Failure *failure)
{
	MYSQL_RES *result = NULL;

	if (!target_statement_run(mysql, sql, doing, failure))
		return NULL;
	result = mysql_store_result(mysql);
	if (result == NULL)
		target_failed(mysql, doing, failure);
	return result;
}

void
target_statement_text(SqlBuffer *sql, const char *text)
{
	sql_buffer_quoted(sql, text, strlen(text));
}
