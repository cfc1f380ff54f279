/*
 * wire_text: reads wire messages as lines of hexadecimal digits from standard input, whole ones in each, through
 * libdbstream's reader, and prints what they say. Exit code 1: a message is not what docs/protocol.md says.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/row_text.h"
#include "value.h"

#define TABLES 64
#define TEXT(s) (int) (s).size, (s).data

static RowText tables[TABLES];

static int
fail(const char *what)
{
	printf("MALFORMED: %s\n", what != NULL ? what : "unknown");
	return 1;
}

static bool
print_table(DbsReader *r)
{
	DbsReader again = *r;
	DbsTable table;
	RowText *text;

	if (!dbs_get_table(&again, &table) || table.id >= TABLES)
		return false;
	text = &tables[table.id];
	text->out = stdout;
	if (!row_text_table(text, r))
		return false;
	printf("table %u %.*s.%.*s\n", table.id, TEXT(table.schema), TEXT(table.name));
	for (uint32_t i = 0; i < text->count; i++)
	{
		const DbsColumn *column = &text->columns[i];

		printf("  %.*s %s(%u,%u) \"%.*s\"%s%s\n", TEXT(column->name), dbs_kind_name(column->kind), column->length,
			   column->scale, TEXT(column->type_name), (column->flags & DBS_COLUMN_KEY) != 0 ? " key" : "",
			   (column->flags & DBS_COLUMN_NULLABLE) != 0 ? " null" : "");
	}
	return true;
}

static bool
print_rows(DbsReader *r)
{
	static const char *const words[] = {"", "insert", "update", "delete"};
	DbsRows rows;

	if (!dbs_get_rows(r, &rows) || rows.table_id >= TABLES || tables[rows.table_id].out == NULL)
		return false;
	printf("%s %u %u\n", words[rows.op], rows.table_id, rows.count);
	for (uint32_t i = 0; i < rows.count * (rows.op == DBS_ROWS_UPDATE ? 2 : 1); i++)
	{
		printf("  ");
		if (!row_text_row(&tables[rows.table_id], r))
			return false;
	}
	return true;
}

static bool
print_message(const DbsMessage *message, DbsReader *r)
{
	DbsBegin begin;
	DbsCommit commit;
	DbsTruncate truncate;
	DbsLogicalMessage logical;

	switch (message->type)
	{
		case DBS_MESSAGE_BEGIN:
			if (!dbs_get_begin(r, &begin))
				return false;
			printf("begin%s\n", begin.commit_time != 0 ? "" : " without a time");
			return true;
		case DBS_MESSAGE_TABLE:
			return print_table(r);
		case DBS_MESSAGE_ROWS:
			return print_rows(r);
		case DBS_MESSAGE_TRUNCATE:
			if (!dbs_get_truncate(r, &truncate))
				return false;
			printf("truncate %.*s.%.*s", TEXT(truncate.schema), TEXT(truncate.name));
			if (truncate.partition.size > 0)
				printf(" partition %.*s where %.*s of %.*s", TEXT(truncate.partition), TEXT(truncate.condition),
					   TEXT(truncate.columns));
			printf("\n");
			return true;
		case DBS_MESSAGE_MESSAGE:
			if (!dbs_get_logical_message(r, &logical))
				return false;
			printf("message %.*s %.*s\n", TEXT(logical.prefix), TEXT(logical.content));
			return true;
		case DBS_MESSAGE_COMMIT:
			if (!dbs_get_commit(r, &commit))
				return false;
			printf("commit%s\n",
				   commit.position.size > 0 && commit.commit_time != 0 ? "" : " without position or time");
			return true;
		default:
			return false;
	}
}

int
main(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, stdin)) > 1)
	{
		/* Kept: a table's columns point into it. */
		char *data = malloc((size_t) length);
		size_t size = 0, needed = 0;
		const char *error = NULL;
		DbsMessage message;
		DbsReader r;

		if (data == NULL)
			return fail("no memory");
		for (ssize_t i = 0; i + 1 < length && isxdigit((unsigned char) line[i]); i += 2)
		{
			char pair[3] = {line[i], line[i + 1], '\0'};

			data[size++] = (char) strtoul(pair, NULL, 16);
		}
		for (size_t at = 0, used; at < size; at += used)
		{
			used = dbs_message_next(data + at, size - at, &message, &needed, &error);
			if (used == 0 || used == SIZE_MAX)
				return fail(error != NULL ? error : "a message is cut off");
			dbs_reader_init(&r, &message);
			if (!print_message(&message, &r) || !dbs_get_end(&r))
				return fail(r.error);
		}
	}
	free(line);
	return 0;
}
