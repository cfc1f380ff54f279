/*
 * The source's collations, and conversion to UTF-8.
 */
#include "charset.h"

#include <stdlib.h>
#include <string.h>

#include "charset_map.h"

#define NO_CHARSET UINT16_MAX

/* Character sets are few, collations thousands: a collation's number leads to an index. */
struct CharsetCatalog
{
	MYSQL *sql;
	ServerFlavour flavour;
	Charset *charsets;
	size_t charset_count;
	uint16_t *collations; /* [collation_limit]: index of the character set, or NO_CHARSET */
	size_t collation_limit;
};

/* MySQL's numbers go to 10 bits, MariaDB's to a few thousand; anything beyond is no collation. */
#define COLLATION_LIMIT 65536
#define CHARSET_LIMIT 256

/* ---- the catalogue ---------------------------------------------------------- */

static bool
add_charset(CharsetCatalog *catalog, const char *name, uint32_t max_bytes)
{
	Charset *charset;

	if (catalog->charset_count >= CHARSET_LIMIT || strlen(name) >= sizeof charset->name)
		return false;
	charset = &catalog->charsets[catalog->charset_count++];
	memset(charset, 0, sizeof *charset);
	memcpy(charset->name, name, strlen(name) + 1);
	charset->max_bytes = max_bytes;
	charset_map_built_in(charset);
	return true;
}

static void
add_collation(CharsetCatalog *catalog, unsigned long id, const char *charset)
{
	for (size_t i = 0; i < catalog->charset_count; i++)
	{
		if (id < catalog->collation_limit && strcmp(catalog->charsets[i].name, charset) == 0)
			catalog->collations[id] = (uint16_t) i;
	}
}

static void
add_built_in(CharsetCatalog *catalog)
{
	static const struct
	{
		const char *charset;
		uint8_t max_bytes;
		uint8_t collations[4];
	} known[] = {
		{"binary", 1, {63}}, {"ascii", 1, {11, 65}}, {"utf8mb4", 4, {45, 46, 224, 255}}, {"utf8mb3", 3, {33, 83}},
		{"ucs2", 2, {35}},   {"utf16", 4, {54, 55}}, {"utf16le", 4, {56, 62}},           {"utf32", 4, {60, 61}},
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
	{
		if (!add_charset(catalog, known[i].charset, known[i].max_bytes))
			return;
		for (size_t k = 0; k < 4 && known[i].collations[k] != 0; k++)
			add_collation(catalog, known[i].collations[k], known[i].charset);
	}
}

static bool
read_charsets(CharsetCatalog *catalog, Failure *failure)
{
	MYSQL_RES *result;
	MYSQL_ROW row;

	if (mysql_query(catalog->sql, "SELECT CHARACTER_SET_NAME, MAXLEN FROM information_schema.CHARACTER_SETS") != 0 ||
		(result = mysql_store_result(catalog->sql)) == NULL)
		return mysql_connection_failed(catalog->sql, "reading the source's character sets", failure);
	while ((row = mysql_fetch_row(result)) != NULL)
	{
		if (row[0] != NULL && row[1] != NULL && !add_charset(catalog, row[0], (uint32_t) strtoul(row[1], NULL, 10)))
		{
			mysql_free_result(result);
			return failure_set(failure, FAILURE_REJECT, "unknown_charset", "Report this with the server's version.",
							   "the source lists more character sets than there can be");
		}
	}
	mysql_free_result(result);
	return true;
}

/*
 * MariaDB from 10.10 has collations that serve several character sets, each with a number of its own; only the
 * applicability table gives those. Elsewhere that table has no ID column.
 */
static bool
read_collations(CharsetCatalog *catalog, Failure *failure)
{
	MYSQL_RES *result;
	MYSQL_ROW row;
	size_t found = 0;

	if (mysql_query(catalog->sql, "SELECT ID, CHARACTER_SET_NAME FROM "
								  "information_schema.COLLATION_CHARACTER_SET_APPLICABILITY") != 0 &&
		mysql_query(catalog->sql, "SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATIONS") != 0)
		return mysql_connection_failed(catalog->sql, "reading the source's collations", failure);
	result = mysql_store_result(catalog->sql);
	if (result == NULL)
		return mysql_connection_failed(catalog->sql, "reading the source's collations", failure);
	while ((row = mysql_fetch_row(result)) != NULL)
	{
		if (row[0] == NULL || row[1] == NULL)
			continue;
		add_collation(catalog, strtoul(row[0], NULL, 10), row[1]);
		found++;
	}
	mysql_free_result(result);
	return found > 0 || failure_set(failure, FAILURE_REJECT, "unknown_charset",
									"Report this with the server's version.", "the source lists no collations");
}

CharsetCatalog *
charset_catalog_new(MYSQL *sql, Failure *failure)
{
	CharsetCatalog *catalog = calloc(1, sizeof *catalog);

	if (catalog != NULL)
	{
		catalog->charsets = calloc(CHARSET_LIMIT, sizeof *catalog->charsets);
		catalog->collations = malloc(COLLATION_LIMIT * sizeof *catalog->collations);
	}
	if (catalog == NULL || catalog->charsets == NULL || catalog->collations == NULL)
	{
		charset_catalog_free(catalog);
		failure_set(failure, FAILURE_RETRY, "out_of_memory", "Give the bridge more memory.",
					"no memory for the source's character sets");
		return NULL;
	}
	catalog->sql = sql;
	catalog->flavour = sql == NULL ? FLAVOUR_MYSQL : mysql_connection_flavour(sql);
	catalog->collation_limit = COLLATION_LIMIT;
	memset(catalog->collations, 0xff, COLLATION_LIMIT * sizeof *catalog->collations);
	if (sql == NULL)
		add_built_in(catalog);
	else if (!read_charsets(catalog, failure) || !read_collations(catalog, failure))
	{
		charset_catalog_free(catalog);
		return NULL;
	}
	return catalog;
}

void
charset_catalog_free(CharsetCatalog *catalog)
{
	if (catalog == NULL)
		return;
	for (size_t i = 0; i < catalog->charset_count; i++)
		charset_map_clear(&catalog->charsets[i]);
	free(catalog->charsets);
	free(catalog->collations);
	free(catalog);
}

ServerFlavour
charset_catalog_flavour(const CharsetCatalog *catalog)
{
	return catalog->flavour;
}

MYSQL *
charset_catalog_connection(const CharsetCatalog *catalog)
{
	return catalog->sql;
}

void
charset_catalog_set_flavour(CharsetCatalog *catalog, ServerFlavour flavour)
{
	catalog->flavour = flavour;
}

const Charset *
charset_of_collation(CharsetCatalog *catalog, uint32_t collation_id, Failure *failure)
{
	Charset *charset;

	if (collation_id >= catalog->collation_limit || catalog->collations[collation_id] == NO_CHARSET)
	{
		failure_set(failure, FAILURE_REJECT, "unknown_charset",
					"Report this with the server's version, or exclude the table from the stream.",
					"collation number %u is not among those the source lists", collation_id);
		return NULL;
	}
	charset = &catalog->charsets[catalog->collations[collation_id]];
	if (!charset->ready && !charset_map_learn(charset, catalog->sql, failure))
		return NULL;
	return charset;
}

const char *
charset_name(const Charset *charset)
{
	return charset->name;
}

uint32_t
charset_max_bytes(const Charset *charset)
{
	return charset->max_bytes > 0 ? charset->max_bytes : 1;
}

bool
charset_is_binary(const Charset *charset)
{
	return charset->form == CHARSET_BINARY;
}

bool
charset_is_utf8(const Charset *charset)
{
	return charset->form == CHARSET_UTF8 || charset->form == CHARSET_ASCII;
}

/* ---- conversion ---------------------------------------------------------------- */

/* Conversion may write up to this many bytes behind what it needs. */
#define SLACK 8

size_t
charset_utf8_bound(const Charset *charset, size_t size)
{
	return size * charset->expansion + SLACK;
}

/* Bytes at the start that are ASCII. */
static size_t
ascii_prefix(const uint8_t *from, size_t size)
{
	size_t i = 0;
	uint64_t word;

	for (; i + 8 <= size; i += 8)
	{
		memcpy(&word, from + i, 8);
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	while (i < size && from[i] < 0x80)
		i++;
	return i;
}

/* Bytes of the well-formed UTF-8 character at from; 0 when there is none. */
static size_t
utf8_character(const uint8_t *from, size_t size)
{
	uint8_t first = from[0];
	uint8_t low = 0x80, high = 0xbf;
	size_t length;

	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (size < length)
		return 0;
	/* Neither a longer form than needed, nor a surrogate, nor beyond 10FFFF. */
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if (from[1] < low || from[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
	{
		if ((from[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

static size_t
copy_utf8(const Charset *charset, const uint8_t *from, size_t size, char *out, size_t *bad_at)
{
	size_t i = ascii_prefix(from, size);

	while (i < size)
	{
		size_t length = charset->form == CHARSET_ASCII ? 0 : utf8_character(from + i, size - i);

		if (length == 0)
		{
			*bad_at = i;
			return SIZE_MAX;
		}
		i += length;
		if (i < size && from[i] < 0x80)
			i += ascii_prefix(from + i, size - i);
	}
	memcpy(out, from, size);
	return size;
}

static uint32_t
unit16(const uint8_t *from, bool little)
{
	return little ? from[0] | (uint32_t) from[1] << 8 : (uint32_t) from[0] << 8 | from[1];
}

/* One character of ucs2, utf16, utf16le or utf32; returns its bytes, 0 when there is none. */
static size_t
wide_character(CharsetForm form, const uint8_t *from, size_t size, uint32_t *c)
{
	bool little = form == CHARSET_UTF16LE;
	uint32_t low;

	if (form == CHARSET_UTF32)
	{
		if (size < 4)
			return 0;
		*c = (uint32_t) from[0] << 24 | (uint32_t) from[1] << 16 | (uint32_t) from[2] << 8 | from[3];
		return 4;
	}
	if (size < 2)
		return 0;
	*c = unit16(from, little);
	if (form == CHARSET_UCS2 || *c < 0xd800 || *c > 0xdbff)
		return 2;
	if (size < 4)
		return 0;
	low = unit16(from + 2, little);
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
	return 4;
}

static size_t
convert_wide(const Charset *charset, const uint8_t *from, size_t size, char *out, size_t *bad_at)
{
	char *to = out;
	size_t length, written;
	uint32_t c = 0;

	for (size_t i = 0; i < size; i += length)
	{
		length = wide_character(charset->form, from + i, size - i, &c);
		written = length == 0 ? 0 : charset_put_utf8(c, to);
		if (written == 0)
		{
			*bad_at = i;
			return SIZE_MAX;
		}
		to += written;
	}
	return to - out;
}

/* A four-byte code of gb18030; 0 when it is none. */
static uint32_t
quad_code_point(const Charset *charset, const uint8_t *from)
{
	uint32_t rank;

	if (from[0] < 0x81 || from[1] < 0x30 || from[1] > 0x39 || from[2] < 0x81 || from[2] > 0xfe || from[3] < 0x30 ||
		from[3] > 0x39)
		return 0;
	rank = ((from[0] - 0x81) * 10 + (from[1] - 0x30)) * 1260 + (from[2] - 0x81) * 10 + (from[3] - 0x30);
	if (rank < GB18030_LOW_CODES)
		return charset->quads[rank];
	if (rank < GB18030_HIGH_BASE || rank - GB18030_HIGH_BASE > 0xfffff)
		return 0;
	return 0x10000 + (rank - GB18030_HIGH_BASE);
}

/* One code of more than one byte; returns its bytes, 0 when there is none. */
static size_t
learned_character(const Charset *charset, const uint8_t *from, size_t size, uint32_t *c)
{
	*c = 0;
	if (charset->pairs != NULL && size >= 2 && (*c = charset->pairs[from[0] << 8 | from[1]]) != 0)
		return 2;
	if (charset->triples != NULL && size >= 3 && from[0] == CHARSET_TRIPLE_PREFIX &&
		(*c = charset->triples[from[1] << 8 | from[2]]) != 0)
		return 3;
	if (charset->quads != NULL && size >= 4 && (*c = quad_code_point(charset, from)) != 0)
		return 4;
	return 0;
}

static size_t
convert_learned(const Charset *charset, const uint8_t *from, size_t size, char *out, size_t *bad_at)
{
	char *to = out;
	size_t length;
	uint32_t c;

	for (size_t i = 0; i < size; i += length)
	{
		if (charset->ascii_as_is && from[i] < 0x80)
		{
			length = ascii_prefix(from + i, size - i);
			memcpy(to, from + i, length);
			to += length;
		}
		else if (charset->sizes[from[i]] > 0)
		{
			/* Four bytes at once, of which as many count as the character has; the bound has room for it. */
			memcpy(to, charset->singles[from[i]].utf8, 4);
			to += charset->sizes[from[i]];
			length = 1;
		}
		else
		{
			length = learned_character(charset, from + i, size - i, &c);
			if (length == 0)
			{
				*bad_at = i;
				return SIZE_MAX;
			}
			to += charset_put_utf8(c, to);
		}
	}
	return to - out;
}

/* One character of any set but binary; returns its bytes and sets *written to those of its UTF-8; 0 when there is none.
 */
static size_t
measure_character(const Charset *charset, const uint8_t *from, size_t size, size_t *written)
{
	char utf8[4];
	size_t length;
	uint32_t c;

	if (charset->form != CHARSET_LEARNED)
		length = wide_character(charset->form, from, size, &c);
	else if (charset->sizes[from[0]] > 0)
	{
		*written = charset->sizes[from[0]];
		return 1;
	}
	else
		length = learned_character(charset, from, size, &c);
	*written = length == 0 ? 0 : charset_put_utf8(c, utf8);
	return *written == 0 ? 0 : length;
}

size_t
charset_utf8_size(const Charset *charset, const uint8_t *from, size_t size)
{
	size_t total = SLACK, length, written;

	if (charset->form == CHARSET_BINARY || charset->form == CHARSET_ASCII || charset->form == CHARSET_UTF8)
		return size + SLACK;
	for (size_t i = 0; i < size; i += length)
	{
		length = measure_character(charset, from + i, size - i, &written);
		if (length == 0)
			return SIZE_MAX;
		total += written;
	}
	return total;
}

size_t
charset_to_utf8(const Charset *charset, const uint8_t *from, size_t size, char *out, size_t *bad_at)
{
	switch (charset->form)
	{
		case CHARSET_BINARY:
			memcpy(out, from, size);
			return size;
		case CHARSET_ASCII:
		case CHARSET_UTF8:
			return copy_utf8(charset, from, size, out, bad_at);
		case CHARSET_UCS2:
		case CHARSET_UTF16:
		case CHARSET_UTF16LE:
		case CHARSET_UTF32:
			return convert_wide(charset, from, size, out, bad_at);
		case CHARSET_LEARNED:
		default:
			return convert_learned(charset, from, size, out, bad_at);
	}
}
