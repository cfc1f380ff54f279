#include "target_failure.h"

#include <stdio.h>
#include <string.h>

#include "mysql_connection.h"

typedef struct TargetError
{
	unsigned number;
	const char *code;
	const char *hint;
} TargetError;

/* What MySQL says of a value or a row, and what to do about it. */
static const TargetError target_errors[] = {
	{1062, "conflict", "Remove the row at the target, or make the rows equal; then dbstream.resume_stream()."},
	{1586, "conflict", "Remove the row at the target, or make the rows equal; then dbstream.resume_stream()."},
	{1153, "row_too_large", "Raise max_allowed_packet at the target."},
	{1264, "value_unsupported", "Give the target's column a wider type."},
	{1406, "value_unsupported", "Give the target's column a longer type."},
	{1366, "value_unsupported", "Give the target's column the character set utf8mb4, or a fitting type."},
	{1292, "value_unsupported", "Give the target's column a type that holds the value."},
	{1265, "value_unsupported", "Give the target's column a type that holds the value."},
	{1048, "value_unsupported", "Let the target's column be NULL."},
	{3140, "value_unsupported", "Give the target's column a type other than JSON."},
	{3819, "constraint_violated", "The target has a CHECK that the source has not: drop it, or correct the row."},
	{4025, "constraint_violated", "The target has a CHECK that the source has not: drop it, or correct the row."},
	{1054, "target_column_missing", "The target's table was changed: make it as the source's, then resume."},
	{1146, "target_table_missing", "The target's table was dropped: make it anew, with its rows, then resume."},
	{1290, "target_read_only", "The target is read-only (read_only, super_read_only): choose the primary server."},
	{1836, "target_read_only", "The target is read-only: choose the primary server."},
};

static void
replace(char *text, size_t size, const char *from, const char *to)
{
	char copy[1024];
	char *at = strstr(text, from);

	if (at == NULL)
		return;
	snprintf(copy, sizeof copy, "%s", at + strlen(from));
	snprintf(at, size - (size_t) (at - text), "%s%s", to, copy);
}

void
target_failure_words(Failure *failure)
{
	replace(failure->code, sizeof failure->code, "source_", "target_");
	replace(failure->hint, sizeof failure->hint, "at the source", "at the target");
}

bool
target_failed(MYSQL *mysql, const char *doing, Failure *failure)
{
	unsigned number = mysql_errno(mysql);

	for (size_t i = 0; i < sizeof target_errors / sizeof target_errors[0]; i++)
	{
		if (target_errors[i].number == number)
			return failure_set(failure, FAILURE_REJECT, target_errors[i].code, target_errors[i].hint,
							   "%s: %s (error %u)", doing, mysql_error(mysql), number);
	}
	mysql_connection_failed(mysql, doing, failure);
	target_failure_words(failure);
	return false;
}
