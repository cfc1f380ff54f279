/*
 * DEFAULT values: MySQL coerces a literal to the column's type, so the
 * literal is rewritten as one of that type.
 */
#include "postgres.h"

#include <ctype.h>

#include "utf8.h"

#include "ddl_print.h"

static bool
is_literal(const DdlExpr *value)
{
	return value->kind == DDL_EXPR_STRING || value->kind == DDL_EXPR_NUMBER || value->kind == DDL_EXPR_HEX ||
		   value->kind == DDL_EXPR_BITS || value->kind == DDL_EXPR_BOOLEAN || value->kind == DDL_EXPR_TEMPORAL;
}

/* The unsigned number that bits or hexadecimal digits stand for; false beyond 64 bits. */
static bool
digits_value(const DdlExpr *value, uint64 *number)
{
	int base = value->kind == DDL_EXPR_HEX ? 16 : 2;
	const char *digits = value->text;

	while (*digits == '0')
		digits++;
	if (strlen(digits) > (base == 16 ? 16 : 64))
		return false;
	*number = strtoull(*digits == '\0' ? "0" : digits, NULL, base);
	return true;
}

DdlText
dbs_ddl_literal_bytes(const DdlExpr *value)
{
	DdlText bytes = {value->text == NULL ? "" : value->text, value->size};
	StringInfoData buffer;

	if (value->kind == DDL_EXPR_BOOLEAN)
	{
		bytes.text = strcmp(value->text, "true") == 0 ? "1" : "0";
		bytes.size = 1;
	}
	if (value->kind != DDL_EXPR_HEX && value->kind != DDL_EXPR_BITS)
		return bytes;
	initStringInfo(&buffer);
	if (value->kind == DDL_EXPR_HEX)
	{
		for (int i = 0; i + 1 < value->size; i += 2)
		{
			char pair[3] = {value->text[i], value->text[i + 1], '\0'};

			appendStringInfoChar(&buffer, (char) strtol(pair, NULL, 16));
		}
	}
	else
	{
		int bytes_needed = (value->size + 7) / 8;

		for (int i = 0; i < bytes_needed; i++)
		{
			int c = 0;

			for (int bit = 0; bit < 8; bit++)
			{
				int at = value->size - (bytes_needed - i) * 8 + bit;

				c = c << 1 | (at >= 0 && value->text[at] == '1');
			}
			appendStringInfoChar(&buffer, (char) c);
		}
	}
	bytes.text = buffer.data;
	bytes.size = buffer.len;
	return bytes;
}

bool
dbs_ddl_is_utf8_literal(const DdlExpr *value, const char *charset)
{
	DdlText bytes = dbs_ddl_literal_bytes(value);
	bool ascii = true;

	for (int i = 0; i < bytes.size; i++)
		ascii &= (unsigned char) bytes.text[i] < 0x80;
	if (value->introducer != NULL)
		charset = value->introducer;
	/* A string without introducer has been UTF-8 since the text was read. */
	else if (value->kind == DDL_EXPR_STRING)
		return true;
	if (charset != NULL && pg_strncasecmp(charset, "utf8", 4) != 0)
		return ascii && pg_strncasecmp(charset, "utf", 3) != 0 && pg_strncasecmp(charset, "ucs", 3) != 0;
	return ascii || dbs_utf8_valid(bytes.text, bytes.size);
}

static bool
is_plain_number(const char *text)
{
	bool digits = false;

	while (*text == ' ')
		text++;
	if (*text == '-' || *text == '+')
		text++;
	while (isdigit((unsigned char) *text))
	{
		digits = true;
		text++;
	}
	if (*text == '.')
	{
		text++;
		while (isdigit((unsigned char) *text))
		{
			digits = true;
			text++;
		}
	}
	if (digits && (*text == 'e' || *text == 'E'))
	{
		text++;
		if (*text == '-' || *text == '+')
			text++;
		if (!isdigit((unsigned char) *text))
			return false;
		while (isdigit((unsigned char) *text))
			text++;
	}
	return digits && *text == '\0';
}

static const char *
number_default(const DdlExpr *value, bool negative, const char **reason)
{
	uint64 number;

	if (value->kind == DDL_EXPR_BOOLEAN)
		return strcmp(value->text, "true") == 0 ? "1" : "0";
	if (value->kind == DDL_EXPR_HEX || value->kind == DDL_EXPR_BITS)
	{
		if (digits_value(value, &number))
			return psprintf(UINT64_FORMAT, number);
	}
	else if (is_plain_number(value->text))
	{
		const char *text = value->text;

		while (*text == ' ' || *text == '+')
			text++;
		return psprintf("%s%s", negative ? "-" : "", text);
	}
	*reason = "it is not a number";
	return NULL;
}

static const char *
boolean_default(const DdlExpr *value, bool negative, const char **reason)
{
	const char *number = number_default(value, negative, reason);

	if (number == NULL)
		return NULL;
	if (strcmp(number, "0") == 0)
		return "false";
	if (strcmp(number, "1") == 0)
		return "true";
	*reason = "a boolean holds 0 or 1; the option \"tinyint1\": \"smallint\" keeps numbers";
	return NULL;
}

static const char *
bit_default(const DdlType *type, const DdlExpr *value, const char **reason)
{
	StringInfoData bits;
	uint64 number;

	if (value->kind == DDL_EXPR_HEX || value->kind == DDL_EXPR_BITS)
	{
		if (!digits_value(value, &number))
			number = 0;
	}
	else if (value->kind == DDL_EXPR_BOOLEAN)
		number = strcmp(value->text, "true") == 0;
	else
		number = strtoull(value->text, NULL, 10);
	if (value->kind == DDL_EXPR_STRING)
	{
		*reason = "bits written as a string";
		return NULL;
	}
	if (type->length <= 1)
		return number == 0 ? "false" : "true";
	initStringInfo(&bits);
	appendStringInfoString(&bits, "B'");
	for (int64 i = type->length - 1; i >= 0; i--)
		appendStringInfoChar(&bits, i < 64 && (number >> i & 1) != 0 ? '1' : '0');
	appendStringInfoChar(&bits, '\'');
	return dbs_ddl_text(&bits);
}

static const char *
bytes_default(const DdlType *type, const DdlExpr *value)
{
	DdlText bytes = dbs_ddl_literal_bytes(value);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, "'\\x");
	for (int i = 0; i < bytes.size; i++)
		appendStringInfo(&text, "%02x", (unsigned char) bytes.text[i]);
	if (type->family == DDL_TYPE_BINARY)
	{
		/* BINARY(n) always holds n bytes. */
		for (int64 i = bytes.size; i < type->length && i < 65536; i++)
			appendStringInfoString(&text, "00");
	}
	appendStringInfoString(&text, "'::bytea");
	return dbs_ddl_text(&text);
}

static const char *
enum_default(const DdlType *type, const DdlText *bytes)
{
	ListCell *cell;

	/* MySQL finds the label whatever its case. */
	foreach (cell, type->labels)
	{
		const DdlText *label = lfirst(cell);

		if (pg_strcasecmp(label->text, bytes->text) == 0)
			return dbs_ddl_pg_string(label->text, label->size);
	}
	return dbs_ddl_pg_string(bytes->text, bytes->size);
}

static const char *
set_default(const DdlType *type, const DdlText *bytes, const char *pg_type)
{
	StringInfoData list;
	bool array = strcmp(pg_type, "text[]") == 0;
	ListCell *cell;

	initStringInfo(&list);
	/* In the order of the labels, as MySQL keeps them. */
	foreach (cell, type->labels)
	{
		const DdlText *label = lfirst(cell);
		const char *at = bytes->text;

		while (at != NULL)
		{
			Size size = strcspn(at, ",");

			if (size == label->size && size > 0 && pg_strncasecmp(at, label->text, size) == 0)
			{
				if (list.len > 0)
					appendStringInfoString(&list, array ? ", " : ",");
				appendStringInfoString(&list, array ? dbs_ddl_pg_string(label->text, label->size) : label->text);
				break;
			}
			at = at[size] == ',' ? at + size + 1 : NULL;
		}
	}
	if (!array)
		return dbs_ddl_pg_string(list.data, list.len);
	if (list.len == 0)
		return "'{}'::text[]";
	return psprintf("ARRAY[%s]::text[]", list.data);
}

/* ---- dates ------------------------------------------------------------------------------- */

/* Reads up to seven groups of digits as MySQL does, with any punctuation between. */
static int
split_groups(const char *text, int64 groups[7], int widths[7])
{
	int count = 0;

	while (*text != '\0' && count < 7)
	{
		int width = 0;
		int64 number = 0;

		while (isdigit((unsigned char) *text) && width < 15)
		{
			number = number * 10 + (*text - '0');
			width++;
			text++;
		}
		if (width == 0)
			return -1;
		groups[count] = number;
		widths[count++] = width;
		if (*text == '\0')
			break;
		if (!ispunct((unsigned char) *text) && *text != ' ' && *text != 'T')
			return -1;
		text++;
	}
	return *text == '\0' ? count : -1;
}

/* YYYYMMDD and YYYYMMDDhhmmss, without punctuation. */
static const char *
spread_digits(const char *text)
{
	Size size = strspn(text, "0123456789");
	const char *rest = text + size;

	if (*rest != '\0' && *rest != '.')
		return text;
	if (size == 8 && *rest == '\0')
		return psprintf("%.4s-%.2s-%.2s", text, text + 4, text + 6);
	if (size == 14)
		return psprintf("%.4s-%.2s-%.2s %.2s:%.2s:%.2s%s", text, text + 4, text + 6, text + 8, text + 10, text + 12,
						rest);
	return text;
}

static const char *
date_default(const DdlType *type, const char *text, bool *zero, const char **reason)
{
	int64 groups[7] = {0};
	int widths[7] = {0};
	int count;
	StringInfoData out;

	*zero = false;
	text = spread_digits(text);
	if (strcmp(text, "0") == 0)
	{
		*zero = true;
		return NULL;
	}
	count = split_groups(text, groups, widths);
	if (count < 3 || (widths[0] != 4 && widths[0] != 2))
	{
		*reason = "it is not a date that can be read";
		return NULL;
	}
	if (groups[1] == 0 || groups[2] == 0)
	{
		*zero = true;
		return NULL;
	}
	if (widths[0] == 2)
		groups[0] += groups[0] < 70 ? 2000 : 1900;
	/* PostgreSQL has no year 0000. */
	if (groups[0] == 0 || groups[1] > 12 || groups[2] > 31 || groups[3] > 23 || groups[4] > 59 || groups[5] > 59)
	{
		*reason = "it is not a date that PostgreSQL holds";
		return NULL;
	}
	initStringInfo(&out);
	appendStringInfo(&out, "'%04d-%02d-%02d", (int) groups[0], (int) groups[1], (int) groups[2]);
	if (type->family != DDL_TYPE_DATE)
	{
		appendStringInfo(&out, " %02d:%02d:%02d", (int) groups[3], (int) groups[4], (int) groups[5]);
		if (count > 6)
			appendStringInfo(&out, ".%0*d", Min(widths[6], 6), (int) (widths[6] > 6 ? 0 : groups[6]));
	}
	appendStringInfoChar(&out, '\'');
	return dbs_ddl_text(&out);
}

static const char *
time_default(const char *text, bool negative, const char **reason)
{
	int64 days = 0;
	int64 hours = 0, minutes = 0, seconds = 0;
	char point[16] = "";
	const char *space;
	const char *sign;

	if (*text == '-')
	{
		negative = true;
		text++;
	}
	sign = negative ? "-" : "";
	space = strchr(text, ' ');
	if (space != NULL)
	{
		days = strtol(text, NULL, 10);
		text = space + 1;
	}
	if (strspn(text, "0123456789:.") != strlen(text) || *text == '\0')
	{
		*reason = "it is not a time that can be read";
		return NULL;
	}
	if (strchr(text, '.') != NULL)
		strlcpy(point, strchr(text, '.'), 8);
	if (strchr(text, ':') != NULL)
	{
		char *end;

		hours = strtol(text, &end, 10);
		minutes = *end == ':' ? strtol(end + 1, &end, 10) : 0;
		seconds = *end == ':' ? strtol(end + 1, &end, 10) : 0;
	}
	else if (space != NULL)
		hours = strtol(text, NULL, 10);
	else
	{
		int64 number = strtoll(text, NULL, 10);

		hours = number / 10000;
		minutes = number / 100 % 100;
		seconds = number % 100;
	}
	return psprintf("'%s%02d:%02d:%02d%s'", sign, (int) (days * 24 + hours), (int) minutes, (int) seconds, point);
}

static const char *
year_default(const DdlExpr *value, const char **reason)
{
	const char *number = number_default(value, false, reason);
	int year;

	if (number == NULL)
		return NULL;
	year = (int) strtol(number, NULL, 10);
	if (strlen(value->text) <= 2 && (year > 0 || value->kind == DDL_EXPR_STRING))
		year += year < 70 ? 2000 : 1900;
	return psprintf("%d", year);
}

/* ---- any literal --------------------------------------------------------------------------- */

static const char *
literal_default(DdlPrinter *printer, const DdlColumn *column, const DdlExpr *value, bool negative, bool *zero,
				const char **reason)
{
	const DdlType *type = column->type;
	const char *pg_type = dbs_ddl_pg_type(printer, type, column->name);
	DdlText bytes = dbs_ddl_literal_bytes(value);

	if (strcmp(pg_type, "boolean") == 0 && type->family != DDL_TYPE_BIT)
		return boolean_default(value, negative, reason);
	if (type->family == DDL_TYPE_YEAR)
		return year_default(value, reason);
	if (type->family == DDL_TYPE_BOOLEAN || dbs_ddl_is_number(type->family))
		return number_default(value, negative, reason);
	if (type->family == DDL_TYPE_BIT)
		return bit_default(type, value, reason);
	if (strcmp(pg_type, "bytea") == 0 && type->family != DDL_TYPE_GEOMETRY)
		return bytes_default(type, value);
	if (negative)
		bytes.text = psprintf("-%s", bytes.text), bytes.size++;
	if (strlen(bytes.text) != bytes.size)
	{
		*reason = "it holds a NUL byte";
		return NULL;
	}
	if (!dbs_ddl_is_utf8_literal(value, type->charset))
	{
		*reason = "it is written as bytes of another character set than UTF-8";
		return NULL;
	}
	switch (type->family)
	{
		case DDL_TYPE_ENUM:
			return enum_default(type, &bytes);
		case DDL_TYPE_SET:
			return set_default(type, &bytes, pg_type);
		case DDL_TYPE_DATE:
		case DDL_TYPE_TIMESTAMP:
		case DDL_TYPE_TIMESTAMPTZ:
			return date_default(type, bytes.text, zero, reason);
		case DDL_TYPE_TIME:
			return time_default(bytes.text, false, reason);
		case DDL_TYPE_CHAR:
		case DDL_TYPE_VARCHAR:
		case DDL_TYPE_TEXT:
			return dbs_ddl_pg_string(bytes.text, bytes.size);
		case DDL_TYPE_JSON:
		case DDL_TYPE_JSONB:
		case DDL_TYPE_UUID:
		case DDL_TYPE_INET4:
		case DDL_TYPE_INET6:
			return psprintf("%s::%s", dbs_ddl_pg_string(bytes.text, bytes.size), pg_type);
		default:
			*reason = "a literal of this type cannot be carried over";
			return NULL;
	}
}

const char *
dbs_ddl_pg_default(DdlPrinter *printer, const DdlColumn *column, const DdlExpr *value)
{
	const DdlExpr *literal = value;
	bool negative = false;
	bool zero = false;
	const char *reason = NULL;
	const char *sql;

	if (value == NULL || value->kind == DDL_EXPR_NULL)
		return NULL;
	if (value->kind == DDL_EXPR_OPERATOR && strcmp(value->text, "neg") == 0 &&
		((DdlExpr *) linitial(value->args))->kind == DDL_EXPR_NUMBER)
	{
		negative = true;
		literal = linitial(value->args);
	}
	if (is_literal(literal))
		sql = literal_default(printer, column, literal, negative, &zero, &reason);
	else
		sql = dbs_ddl_pg_expression(printer, value, NULL, column->type, DDL_CONTEXT_DEFAULT, &reason);
	if (zero)
		dbs_ddl_note(
			printer, DBS_NOTE_WARNING,
			"column \"%s\": its default is a zero date, which PostgreSQL does not have; it has no default there",
			column->name);
	else if (sql == NULL)
		dbs_ddl_note(printer, DBS_NOTE_ERROR, "column \"%s\": its default cannot be carried over: %s", column->name,
					 reason);
	return sql;
}
