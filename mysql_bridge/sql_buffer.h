/*
 * A growing text for SQL statements. Memory that cannot be had is remembered, so that appending needs no checks:
 * sql_buffer_ok() is asked once, before the text is used.
 */
#ifndef DBS_BRIDGE_SQL_BUFFER_H
#define DBS_BRIDGE_SQL_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct SqlBuffer
{
	char *data; /* not terminated */
	size_t used;
	size_t size;
	bool failed;
} SqlBuffer;

/* Make room for so many bytes more and return where they go; NULL when memory is short. */
char *sql_buffer_room(SqlBuffer *buffer, size_t bytes);

void sql_buffer_add(SqlBuffer *buffer, const char *text, size_t size);
void sql_buffer_text(SqlBuffer *buffer, const char *text);
void sql_buffer_format(SqlBuffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same as "%lld", without a format to be read: it stands in every row. */
void sql_buffer_integer(SqlBuffer *buffer, int64_t number);

/* The number's last width digits, at most ten, with zeros in front. */
void sql_buffer_digits(SqlBuffer *buffer, uint32_t number, unsigned width);

/* 'text' with quotes and backslashes escaped: for sessions without NO_BACKSLASH_ESCAPES, in UTF-8. */
void sql_buffer_quoted(SqlBuffer *buffer, const char *text, size_t size);

/* x'68657861', or '' for no bytes at all. */
void sql_buffer_hex(SqlBuffer *buffer, const char *bytes, size_t size);

/* `name`, a backtick in it doubled. */
void sql_buffer_name(SqlBuffer *buffer, const char *name, size_t size);

bool sql_buffer_ok(const SqlBuffer *buffer);

/* Forget the text; a buffer larger than keep gives its memory back. */
void sql_buffer_reset(SqlBuffer *buffer, size_t keep);
void sql_buffer_free(SqlBuffer *buffer);

#endif
