#include "sql_buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *
sql_buffer_room(SqlBuffer *buffer, size_t bytes)
{
	if (buffer->failed)
		return NULL;
	if (buffer->size - buffer->used < bytes)
	{
		size_t wanted = buffer->size * 2 > buffer->used + bytes ? buffer->size * 2 : buffer->used + bytes + 1024;
		char *data = realloc(buffer->data, wanted);

		if (data == NULL)
		{
			buffer->failed = true;
			return NULL;
		}
		buffer->data = data;
		buffer->size = wanted;
	}
	return buffer->data + buffer->used;
}

void
sql_buffer_add(SqlBuffer *buffer, const char *text, size_t size)
{
	char *to = sql_buffer_room(buffer, size);

	if (to == NULL || size == 0)
		return;
	memcpy(to, text, size);
	buffer->used += size;
}

void
sql_buffer_text(SqlBuffer *buffer, const char *text)
{
	sql_buffer_add(buffer, text, strlen(text));
}

void
sql_buffer_format(SqlBuffer *buffer, const char *format, ...)
{
	char text[512];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	/* Longer texts are put together of parts. */
	if (length < 0 || (size_t) length >= sizeof text)
		buffer->failed = true;
	else
		sql_buffer_add(buffer, text, (size_t) length);
}

void
sql_buffer_integer(SqlBuffer *buffer, int64_t number)
{
	char digits[24];
	char *at = digits + sizeof digits;
	uint64_t left = number < 0 ? 0 - (uint64_t) number : (uint64_t) number;

	do
	{
		*--at = (char) ('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (number < 0)
		*--at = '-';
	sql_buffer_add(buffer, at, (size_t) (digits + sizeof digits - at));
}

void
sql_buffer_digits(SqlBuffer *buffer, uint32_t number, unsigned width)
{
	char digits[10];

	for (unsigned i = width; i-- > 0; number /= 10)
		digits[i] = (char) ('0' + number % 10);
	sql_buffer_add(buffer, digits, width);
}

void
sql_buffer_quoted(SqlBuffer *buffer, const char *text, size_t size)
{
	char *to = sql_buffer_room(buffer, 2 * size + 2);
	char *start = to;

	if (to == NULL)
		return;
	*to++ = '\'';
	for (size_t i = 0; i < size; i++)
	{
		if (text[i] == '\0')
		{
			*to++ = '\\';
			*to++ = '0';
			continue;
		}
		if (text[i] == '\'' || text[i] == '\\')
			*to++ = '\\';
		*to++ = text[i];
	}
	*to++ = '\'';
	buffer->used += (size_t) (to - start);
}

void
sql_buffer_hex(SqlBuffer *buffer, const char *bytes, size_t size)
{
	static const char digits[] = "0123456789ABCDEF";
	char *to = sql_buffer_room(buffer, 2 * size + 3);
	char *start = to;

	if (to == NULL)
		return;
	if (size > 0)
		*to++ = 'x';
	*to++ = '\'';
	for (size_t i = 0; i < size; i++)
	{
		*to++ = digits[(unsigned char) bytes[i] >> 4];
		*to++ = digits[(unsigned char) bytes[i] & 15];
	}
	*to++ = '\'';
	buffer->used += (size_t) (to - start);
}

void
sql_buffer_name(SqlBuffer *buffer, const char *name, size_t size)
{
	sql_buffer_add(buffer, "`", 1);
	for (size_t i = 0; i < size; i++)
	{
		if (name[i] == '`')
			sql_buffer_add(buffer, "`", 1);
		sql_buffer_add(buffer, name + i, 1);
	}
	sql_buffer_add(buffer, "`", 1);
}

bool
sql_buffer_ok(const SqlBuffer *buffer)
{
	return !buffer->failed;
}

void
sql_buffer_reset(SqlBuffer *buffer, size_t keep)
{
	if (buffer->size > keep)
		sql_buffer_free(buffer);
	buffer->used = 0;
	buffer->failed = false;
}

void
sql_buffer_free(SqlBuffer *buffer)
{
	free(buffer->data);
	buffer->data = NULL;
	buffer->size = 0;
	buffer->used = 0;
}
