/*
 * Learning a character set from the server that uses it.
 *
 * No library's table agrees with MySQL's everywhere (latin1 is cp1252 with five holes filled, sjis and gbk have their
 * own ideas of some symbols), so the server is asked to convert its whole code space, once for each set that turns up.
 * A code for which it answers NULL, nothing or a question mark is no character of the set.
 */
#include "charset_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mysql_connection.h"

#define HEX_DIGITS                                                                                                     \
	"(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 "   \
	"UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 "                 \
	"UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15)"

size_t
charset_put_utf8(uint32_t c, char out[4])
{
	if (c < 0x80)
	{
		out[0] = (char) c;
		return 1;
	}
	if (c < 0x800)
	{
		out[0] = (char) (0xc0 | c >> 6);
		out[1] = (char) (0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000)
	{
		if (c >= 0xd800 && c <= 0xdfff)
			return 0;
		out[0] = (char) (0xe0 | c >> 12);
		out[1] = (char) (0x80 | (c >> 6 & 0x3f));
		out[2] = (char) (0x80 | (c & 0x3f));
		return 3;
	}
	if (c > 0x10ffff)
		return 0;
	out[0] = (char) (0xf0 | c >> 18);
	out[1] = (char) (0x80 | (c >> 12 & 0x3f));
	out[2] = (char) (0x80 | (c >> 6 & 0x3f));
	out[3] = (char) (0x80 | (c & 0x3f));
	return 4;
}

bool
charset_map_built_in(Charset *charset)
{
	static const struct
	{
		const char *name;
		CharsetForm form;
		uint8_t expansion;
	} built_in[] = {
		{"binary", CHARSET_BINARY, 1}, {"ascii", CHARSET_ASCII, 1},     {"utf8mb4", CHARSET_UTF8, 1},
		{"utf8mb3", CHARSET_UTF8, 1},  {"utf8", CHARSET_UTF8, 1},       {"ucs2", CHARSET_UCS2, 2},
		{"utf16", CHARSET_UTF16, 2},   {"utf16le", CHARSET_UTF16LE, 2}, {"utf32", CHARSET_UTF32, 1},
	};

	for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++)
	{
		if (strcmp(charset->name, built_in[i].name) == 0)
		{
			charset->form = built_in[i].form;
			charset->expansion = built_in[i].expansion;
			charset->ready = true;
			return true;
		}
	}
	charset->form = CHARSET_LEARNED;
	return false;
}

void
charset_map_clear(Charset *charset)
{
	free(charset->sizes);
	free(charset->singles);
	free(charset->pairs);
	free(charset->triples);
	free(charset->quads);
	charset->sizes = NULL;
	charset->singles = NULL;
	charset->pairs = charset->triples = charset->quads = NULL;
}

/* ---- learning -------------------------------------------------------------- */

/* The one code point that UTF-8 given in hexadecimal is; 0 when it is none or several. U+0000 is 0 too. */
static uint32_t
code_point_of_hex(const char *hex)
{
	uint8_t bytes[4];
	size_t size = strlen(hex) / 2;
	char *end;
	char again[4];
	uint32_t c;
	unsigned long value;

	if (size < 1 || size > 4)
		return 0;
	value = strtoul(hex, &end, 16);
	if (*end != '\0')
		return 0;
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t) (value >> (8 * (size - 1 - i)));
	if (size == 1)
		return bytes[0];
	c = bytes[0] & (0x7f >> size);
	for (size_t i = 1; i < size; i++)
		c = c << 6 | (bytes[i] & 0x3f);
	return charset_put_utf8(c, again) == size && memcmp(again, bytes, size) == 0 ? c : 0;
}

typedef void (*CodeSink)(Charset *charset, uint32_t code, uint32_t code_point);

/*
 * Convert the codes that are the value of an expression over four hexadecimal digits h3..h0, as the query's condition
 * limits them, and hand over those that are one character each.
 */
static bool
convert_codes(Charset *charset, MYSQL *sql, const char *code, const char *condition, CodeSink sink, Failure *failure)
{
	char query[4096];
	MYSQL_RES *result;
	MYSQL_ROW row;

	snprintf(query, sizeof query,
			 "SELECT c, HEX(CONVERT(CHAR(c USING %s) USING utf8mb4)) FROM (SELECT %s AS c FROM (SELECT "
			 "a.d * 4096 + b.d * 256 + e.d * 16 + f.d AS n FROM %s a, %s b, %s e, %s f) t1 WHERE %s) t2",
			 charset->name, code, HEX_DIGITS, HEX_DIGITS, HEX_DIGITS, HEX_DIGITS, condition);
	if (mysql_query(sql, query) != 0 || (result = mysql_use_result(sql)) == NULL)
		return mysql_connection_failed(sql, "asking the source how it converts a character set", failure);
	while ((row = mysql_fetch_row(result)) != NULL)
	{
		uint32_t c = row[0] == NULL || row[1] == NULL ? 0 : code_point_of_hex(row[1]);
		uint32_t number = row[0] == NULL ? 0 : (uint32_t) strtoul(row[0], NULL, 10);

		if ((c != 0 && c != '?') || number == c)
			sink(charset, number, c);
	}
	mysql_free_result(result);
	if (mysql_errno(sql) != 0)
		return mysql_connection_failed(sql, "asking the source how it converts a character set", failure);
	return true;
}

static void
learn_single(Charset *charset, uint32_t code, uint32_t c)
{
	if (code < 256)
		charset->sizes[code] = (uint8_t) charset_put_utf8(c, charset->singles[code].utf8);
}

static void
learn_pair(Charset *charset, uint32_t code, uint32_t c)
{
	/* What begins with a character of one byte is two characters, the second of which the server may have cut off. */
	if (code < 65536 && charset->sizes[code >> 8] == 0)
		charset->pairs[code] = c;
}

static void
learn_triple(Charset *charset, uint32_t code, uint32_t c)
{
	if (code >> 16 == CHARSET_TRIPLE_PREFIX && charset->pairs[code >> 8 & 0xffff] == 0)
		charset->triples[code & 0xffff] = c;
}

/* The rank of a four-byte code of gb18030. */
static uint32_t
quad_rank(uint32_t code)
{
	return (((code >> 24) - 0x81) * 10 + ((code >> 16 & 0xff) - 0x30)) * 1260 + ((code >> 8 & 0xff) - 0x81) * 10 +
		   ((code & 0xff) - 0x30);
}

static void
learn_quad(Charset *charset, uint32_t code, uint32_t c)
{
	uint32_t rank = quad_rank(code);

	if (rank < GB18030_LOW_CODES)
		charset->quads[rank] = c;
}

static uint8_t
expansion_of(const uint32_t *codes, size_t count, unsigned bytes, uint8_t at_least)
{
	char utf8[4];

	for (size_t i = 0; codes != NULL && i < count; i++)
	{
		size_t per_byte = (charset_put_utf8(codes[i], utf8) + bytes - 1) / bytes;

		if (per_byte > at_least)
			at_least = (uint8_t) per_byte;
	}
	return at_least;
}

static void
find_properties(Charset *charset)
{
	charset->ascii_as_is = true;
	charset->expansion = 1;
	for (unsigned i = 0; i < 256; i++)
	{
		if (i < 0x80 && (charset->sizes[i] != 1 || (uint8_t) charset->singles[i].utf8[0] != i))
			charset->ascii_as_is = false;
		if (charset->sizes[i] > charset->expansion)
			charset->expansion = charset->sizes[i];
	}
	charset->expansion = expansion_of(charset->pairs, 65536, 2, charset->expansion);
	charset->expansion = expansion_of(charset->triples, 65536, 3, charset->expansion);
}

static bool
learn(Charset *charset, MYSQL *sql, Failure *failure)
{
	bool quads = strcmp(charset->name, "gb18030") == 0;

	if (!convert_codes(charset, sql, "n", "n < 256", learn_single, failure))
		return false;
	if (charset->max_bytes >= 2 && !convert_codes(charset, sql, "n", "n >= 32768", learn_pair, failure))
		return false;
	if (charset->max_bytes == 3 && !convert_codes(charset, sql, "n + 9371648", "n >= 32768", learn_triple, failure))
		return false;
	/* n is the rank; the four digits have the bases 126 * 10 * 126 * 10. */
	if (quads && !convert_codes(charset, sql,
								"(129 + n DIV 12600) * 16777216 + (48 + n DIV 1260 % 10) * 65536 + "
								"(129 + n DIV 10 % 126) * 256 + 48 + n % 10",
								"n < 39420", learn_quad, failure))
		return false;
	find_properties(charset);
	charset->ready = true;
	return true;
}

bool
charset_map_learn(Charset *charset, MYSQL *sql, Failure *failure)
{
	if (charset->max_bytes > (strcmp(charset->name, "gb18030") == 0 ? 4 : 3))
		return failure_set(failure, FAILURE_REJECT, "unknown_charset",
						   "Convert the column to utf8mb4 at the source, or exclude the table.",
						   "character set \"%s\" has characters of %u bytes, and how is not known", charset->name,
						   charset->max_bytes);
	charset->sizes = calloc(256, 1);
	charset->singles = calloc(256, sizeof *charset->singles);
	charset->pairs = charset->max_bytes >= 2 ? calloc(65536, sizeof *charset->pairs) : NULL;
	charset->triples = charset->max_bytes == 3 ? calloc(65536, sizeof *charset->triples) : NULL;
	charset->quads = charset->max_bytes == 4 ? calloc(GB18030_LOW_CODES, sizeof *charset->quads) : NULL;
	if (charset->sizes == NULL || charset->singles == NULL || (charset->max_bytes >= 2 && charset->pairs == NULL) ||
		(charset->max_bytes == 3 && charset->triples == NULL) || (charset->max_bytes == 4 && charset->quads == NULL))
	{
		charset_map_clear(charset);
		return failure_set(failure, FAILURE_RETRY, "out_of_memory", "Give the bridge more memory.",
						   "no memory for character set \"%s\"", charset->name);
	}
	if (learn(charset, sql, failure))
		return true;
	charset_map_clear(charset);
	failure_context(failure, "character set \"%s\"", charset->name);
	return false;
}
