/*
 * Wire rows as text, in the notation that MySQL itself would print: for comparing with expectations and with servers.
 */
#ifndef DBS_TEST_ROW_TEXT_H
#define DBS_TEST_ROW_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kind.h"
#include "wire.h"

typedef struct RowText
{
	FILE *out;
	uint32_t count;
	DbsColumn columns[DBS_WIRE_MAX_COLUMNS];
} RowText;

/* Bytes that are not printable ASCII or part of UTF-8 beyond it as \xNN. */
static void
text_put(FILE *out, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
	{
		unsigned char c = (unsigned char) data[i];

		if (c < 0x20 || c == 0x7f || c == '\\')
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
}

static void
text_put_hex(FILE *out, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		fprintf(out, "%02X", (unsigned char) data[i]);
}

/* 17 digits, so that two doubles are equal exactly when their texts are. */
static void
text_put_double(FILE *out, double value)
{
	fprintf(out, "%.17g", value);
}

static void
text_put_numeric(FILE *out, const char *data)
{
	int16_t weight;
	uint16_t sign, scale, digit;
	char digits[400] = "";
	int at = 0, groups;
	uint32_t size;

	memcpy(&size, data - 4, 4);
	memcpy(&weight, data, 2);
	memcpy(&sign, data + 2, 2);
	memcpy(&scale, data + 4, 2);
	groups = ((int) size - 6) / 2;
	if (sign == DBS_NUMERIC_NEGATIVE)
		fputc('-', out);
	for (int w = weight < 0 ? 0 : weight; w >= -((scale + 3) / 4); w--)
	{
		int index = weight - w;

		digit = 0;
		if (index >= 0 && index < groups)
			memcpy(&digit, data + 6 + 2 * index, 2);
		if (w == -1)
			at += snprintf(digits + at, sizeof digits - at, ".");
		at += snprintf(digits + at, sizeof digits - at, "%04u", digit);
	}
	/* Whole part without leading zeros, fraction with as many digits as the scale says. */
	{
		char *whole = digits;
		char *point = strchr(digits, '.');

		if (point != NULL)
			point[scale + 1] = '\0';
		while (whole[0] == '0' && whole[1] >= '0' && whole[1] <= '9')
			whole++;
		fputs(whole, out);
	}
}

/* Days since 2000-01-01 to a date. */
static void
text_put_date(FILE *out, int64_t days)
{
	int year = 2000, month = 0;
	int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	for (;;)
	{
		int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

		if (days < 0)
		{
			year--;
			days += year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365;
		}
		else if (days >= 365 + leap)
		{
			days -= 365 + leap;
			year++;
		}
		else
		{
			lengths[1] = 28 + leap;
			break;
		}
	}
	while (days >= lengths[month])
		days -= lengths[month++];
	fprintf(out, "%04d-%02d-%02d", year, month + 1, (int) days + 1);
}

static void
text_put_clock(FILE *out, uint64_t micros, uint32_t fsp)
{
	uint64_t seconds = micros / 1000000;
	char fraction[8];

	fprintf(out, "%02u:%02u:%02u", (unsigned) (seconds / 3600), (unsigned) (seconds / 60 % 60),
			(unsigned) (seconds % 60));
	snprintf(fraction, sizeof fraction, ".%06u", (unsigned) (micros % 1000000));
	if (fsp > 0)
		fprintf(out, "%.*s", (int) fsp + 1, fraction);
}

static void
text_put_timestamp(FILE *out, int64_t micros, uint32_t fsp)
{
	int64_t day = INT64_C(86400000000);
	int64_t days = micros / day - (micros % day < 0);

	text_put_date(out, days);
	fputc(' ', out);
	text_put_clock(out, (uint64_t) (micros - days * day), fsp);
}

static void
text_put_bits(FILE *out, const char *data)
{
	uint32_t bits;

	memcpy(&bits, data, 4);
	for (uint32_t i = 0; i < bits; i++)
		fputc((data[4 + i / 8] >> (7 - i % 8)) & 1 ? '1' : '0', out);
}

static void
text_put_label_list(FILE *out, const char *data)
{
	uint32_t count, size;

	memcpy(&count, data, 4);
	data += 4;
	for (uint32_t i = 0; i < count; i++)
	{
		memcpy(&size, data, 4);
		if (i > 0)
			fputc(',', out);
		text_put(out, data + 4, size);
		data += 4 + size;
	}
}

static void
text_put_fixed(FILE *out, const DbsColumn *column, const char *value)
{
	int64_t i8 = 0;
	int32_t i4 = 0;
	int16_t i2 = 0;
	float f4;
	double f8;

	switch (column->kind)
	{
		case DBS_KIND_BOOL:
			fprintf(out, "%d", value[0]);
			return;
		case DBS_KIND_INT2:
			memcpy(&i2, value, 2);
			fprintf(out, "%d", i2);
			return;
		case DBS_KIND_INT4:
		case DBS_KIND_DATE:
			memcpy(&i4, value, 4);
			if (column->kind == DBS_KIND_DATE)
				text_put_date(out, i4);
			else
				fprintf(out, "%d", i4);
			return;
		case DBS_KIND_FLOAT4:
			memcpy(&f4, value, 4);
			text_put_double(out, f4);
			return;
		case DBS_KIND_FLOAT8:
			memcpy(&f8, value, 8);
			text_put_double(out, f8);
			return;
		case DBS_KIND_UUID:
			text_put_hex(out, value, 16);
			return;
		default:
			break;
	}
	memcpy(&i8, value, 8);
	if (column->kind == DBS_KIND_INT8)
		fprintf(out, "%lld", (long long) i8);
	else if (column->kind == DBS_KIND_UINT8)
		fprintf(out, "%llu", (unsigned long long) i8);
	else if (column->kind == DBS_KIND_DURATION)
	{
		if (i8 < 0)
			fputc('-', out);
		text_put_clock(out, i8 < 0 ? -(uint64_t) i8 : (uint64_t) i8, column->length);
	}
	else
		text_put_timestamp(out, i8, column->length);
}

static void
text_put_varying(FILE *out, const DbsColumn *column, const char *value, uint32_t size)
{
	uint32_t srid;

	switch (column->kind)
	{
		case DBS_KIND_NUMERIC:
			text_put_numeric(out, value);
			return;
		case DBS_KIND_BIT:
			text_put_bits(out, value);
			return;
		case DBS_KIND_LABEL_LIST:
			text_put_label_list(out, value);
			return;
		case DBS_KIND_BYTES:
		case DBS_KIND_VECTOR:
			text_put_hex(out, value, size);
			return;
		case DBS_KIND_GEOMETRY:
			memcpy(&srid, value, 4);
			fprintf(out, "%u ", srid);
			text_put_hex(out, value + 4, size - 4);
			return;
		default:
			text_put(out, value, size);
	}
}

/* One row; false when the message cannot be read. */
static bool
row_text_row(RowText *text, DbsReader *r)
{
	const uint8_t *nulls, *absent;
	const char *value;
	uint32_t size;
	uint8_t form;

	if (!dbs_get_row_form(r, text->count, &form, &nulls, &absent))
		return false;
	if (form == DBS_ROW_SAME_KEY)
	{
		fputs("=\n", text->out);
		return true;
	}
	for (uint32_t i = 0; i < text->count; i++)
	{
		const DbsColumn *column = &text->columns[i];

		if (i > 0)
			fputc('\t', text->out);
		if (absent != NULL && (absent[i / 8] >> (i % 8)) & 1)
			fputs("-", text->out);
		else if (nulls != NULL && (nulls[i / 8] >> (i % 8)) & 1)
			fputs("NULL", text->out);
		else if (dbs_kind_width[column->kind] > 0)
		{
			if (!dbs_get_fixed(r, dbs_kind_width[column->kind], &value))
				return false;
			text_put_fixed(text->out, column, value);
		}
		else
		{
			if (!dbs_get_varying(r, &value, &size))
				return false;
			text_put_varying(text->out, column, value, size);
		}
	}
	fputc('\n', text->out);
	return true;
}

static bool
row_text_table(RowText *text, DbsReader *r)
{
	DbsTable table;

	if (!dbs_get_table(r, &table))
		return false;
	text->count = table.column_count;
	for (uint32_t i = 0; i < table.column_count; i++)
	{
		if (!dbs_get_column(r, &text->columns[i]))
			return false;
	}
	return true;
}

/*
 * All rows of a run of messages, which begins with a table message, one line each; an update has two. False when
 * anything in it cannot be read to its end. The run is read where it lies and must stay.
 */
static bool
row_text_all(RowText *text, char *data, size_t size)
{
	size_t at = 0, taken, needed;
	const char *error = NULL;
	DbsMessage message;
	DbsReader r;
	DbsRows rows;

	while (at < size)
	{
		taken = dbs_message_next(data + at, size - at, &message, &needed, &error);
		if (taken == 0 || taken == SIZE_MAX)
			return false;
		dbs_reader_init(&r, &message);
		if (message.type == DBS_MESSAGE_TABLE && !row_text_table(text, &r))
			return false;
		if (message.type == DBS_MESSAGE_ROWS)
		{
			if (!dbs_get_rows(&r, &rows))
				return false;
			for (uint32_t i = 0; i < rows.count * (rows.op == DBS_ROWS_UPDATE ? 2 : 1); i++)
			{
				if (!row_text_row(text, &r))
					return false;
			}
		}
		if (!dbs_get_end(&r))
			return false;
		at += taken;
	}
	return true;
}

#endif
