/*
 * Character sets: the built-in ones by hand; and, when DBSTREAM_TEST_MYSQL_SOCKET names a server's socket (user root,
 * no password), every set that the server lists, every code, byte for byte as the server itself converts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "charset.h"

static Failure failure;

static void
check(const Charset *charset, const char *from, size_t size, const char *expected)
{
	size_t bound = charset_utf8_bound(charset, size), bad_at = 0;
	uint8_t *copy = malloc(size + 1);
	char *out = malloc(bound);
	size_t written;

	/* Memory of exactly these sizes: a sanitizer sees a byte too far. */
	copy = realloc(copy, size > 0 ? size : 1);
	memcpy(copy, from, size);
	written = charset_to_utf8(charset, copy, size, out, &bad_at);
	assert_int_not_equal(written, SIZE_MAX);
	assert_true(written <= bound);
	assert_int_equal(written, strlen(expected));
	assert_memory_equal(out, expected, written);
	free(copy);
	free(out);
}

static void
check_bad(const Charset *charset, const char *from, size_t size, size_t expected_at)
{
	char out[256];
	size_t bad_at = 9999;

	assert_int_equal(charset_to_utf8(charset, (const uint8_t *) from, size, out, &bad_at), SIZE_MAX);
	assert_int_equal(bad_at, expected_at);
}

static void
test_utf8(void **state)
{
	CharsetCatalog *catalog = charset_catalog_new(NULL, &failure);
	const Charset *utf8 = charset_of_collation(catalog, 255, &failure);

	assert_non_null(utf8);
	assert_true(charset_is_utf8(utf8));
	assert_int_equal(charset_max_bytes(utf8), 4);
	check(utf8, "", 0, "");
	check(utf8, "a", 1, "a");
	check(utf8, "twelve chars plus", 17, "twelve chars plus");
	check(utf8, "\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80", 9, "é日😀");
	check(utf8,
		  "12345678\xf4\x8f\xbf\xbf"
		  "12345678",
		  20,
		  "12345678\xf4\x8f\xbf\xbf"
		  "12345678");
	check_bad(utf8, "abc\x80", 4, 3);
	check_bad(utf8, "abcdefgh\xc3", 9, 8);
	check_bad(utf8, "\xc0\xaf", 2, 0);
	check_bad(utf8, "\xe0\x9f\xbf", 3, 0);
	check_bad(utf8, "\xed\xa0\x80", 3, 0);
	check_bad(utf8, "\xf0\x8f\xbf\xbf", 4, 0);
	check_bad(utf8, "\xf4\x90\x80\x80", 4, 0);
	check_bad(utf8, "\xf5\x80\x80\x80", 4, 0);
	check_bad(utf8, "a\xf0\x9f\x98", 4, 1);
	charset_catalog_free(catalog);
}

static void
test_wide(void **state)
{
	CharsetCatalog *catalog = charset_catalog_new(NULL, &failure);
	const Charset *ucs2 = charset_of_collation(catalog, 35, &failure);
	const Charset *utf16 = charset_of_collation(catalog, 54, &failure);
	const Charset *utf16le = charset_of_collation(catalog, 56, &failure);
	const Charset *utf32 = charset_of_collation(catalog, 60, &failure);

	check(ucs2, "\0a\0\xe9\x65\xe5", 6, "aé日");
	check_bad(ucs2, "\0a\xd8\x3d", 4, 2);
	check_bad(ucs2, "\0a\0", 3, 2);
	check(utf16, "\0a\xd8\x3d\xde\0", 6, "a😀");
	check_bad(utf16, "\xd8\x3d\0a", 4, 0);
	check_bad(utf16, "\0a\xde\0", 4, 2);
	check_bad(utf16, "\xd8\x3d", 2, 0);
	check(utf16le, "a\0\x3d\xd8\0\xde", 6, "a😀");
	check(utf32, "\0\0\0a\0\1\xf6\0", 8, "a😀");
	check_bad(utf32, "\0\x11\0\0", 4, 0);
	check_bad(utf32, "\0\0\xd8\0", 4, 0);
	check_bad(utf32, "\0\0\0", 3, 0);
	charset_catalog_free(catalog);
}

static void
test_ascii_and_binary(void **state)
{
	CharsetCatalog *catalog = charset_catalog_new(NULL, &failure);
	const Charset *ascii = charset_of_collation(catalog, 11, &failure);
	const Charset *binary = charset_of_collation(catalog, 63, &failure);

	check(ascii, "plain", 5, "plain");
	check_bad(ascii, "pl\xc3\xa9n", 5, 2);
	assert_true(charset_is_binary(binary));
	check(binary, "\xff\x80", 2, "\xff\x80");
	assert_null(charset_of_collation(catalog, 9, &failure));
	assert_string_equal(failure.code, "unknown_charset");
	assert_null(charset_of_collation(catalog, 4000000000u, &failure));
	charset_catalog_free(catalog);
}

/* ---- against a server --------------------------------------------------------- */

#define DIGITS                                                                                                         \
	"(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION "     \
	"SELECT 7 UNION SELECT 8 UNION SELECT 9 UNION SELECT 10 UNION SELECT 11 UNION SELECT 12 UNION SELECT 13 UNION "    \
	"SELECT 14 UNION SELECT 15)"

static size_t
bytes_of_hex(const char *hex, uint8_t *out)
{
	size_t size = strlen(hex) / 2;

	for (size_t i = 0; i < size; i++)
	{
		char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};

		out[i] = (uint8_t) strtoul(pair, NULL, 16);
	}
	return size;
}

/*
 * One row of the server's answer: the code, what it converts to, and what that converts back to. A code is a character
 * when something comes of it that is not the replacement for what has no counterpart. Returns whether it is one.
 */
static bool
check_code(const Charset *charset, const char *code_hex, const char *utf8_hex)
{
	uint8_t code[16], expected[64];
	char out[256];
	size_t code_size, expected_size, written, bad_at = 0;
	int question_marks = 0;
	bool valid;

	code_size = bytes_of_hex(code_hex, code);
	expected_size = utf8_hex == NULL ? 0 : bytes_of_hex(utf8_hex, expected);
	/* More ? in the answer than in the code; surrogates that the server lets pass are no UTF-8. */
	valid = expected_size > 0;
	for (size_t i = 0; i < code_size; i++)
	{
		question_marks -= code[i] == '?';
		/* MySQL copies bytes of ascii to utf8mb4 without looking at them. */
		if (code[i] >= 0x80 && strcmp(charset_name(charset), "ascii") == 0)
			valid = false;
	}
	for (size_t i = 0; i < expected_size; i++)
	{
		question_marks += expected[i] == '?';
		if (question_marks > 0)
			valid = false;
		if (expected[i] == 0xed && i + 1 < expected_size && expected[i + 1] >= 0xa0)
			valid = false;
	}
	written = charset_to_utf8(charset, code, code_size, out, &bad_at);
	if (!charset_is_utf8(charset))
	{
		size_t measured = charset_utf8_size(charset, code, code_size);

		assert_int_equal(measured == SIZE_MAX, written == SIZE_MAX);
		assert_true(written == SIZE_MAX || (measured >= written && measured <= written + 16));
	}
	/* MySQL leaves out bytes at the end that begin a character and do not finish it. */
	if (valid && written == SIZE_MAX && code_size - bad_at < charset_max_bytes(charset))
	{
		written = charset_to_utf8(charset, code, bad_at, out, &bad_at);
		assert_int_equal(written, expected_size);
		assert_memory_equal(out, expected, written);
		return false;
	}
	if (valid != (written != SIZE_MAX) || (valid && (written != expected_size || memcmp(out, expected, written) != 0)))
		fail_msg("%s: code %s: the server says %s, we wrote %zd bytes", charset_name(charset), code_hex,
				 utf8_hex == NULL ? "NULL" : utf8_hex, (ssize_t) written);
	return valid;
}

/* Codes of the given bytes: n counts from 0, code is an SQL expression of it that gives a number of size bytes. */
static size_t
check_codes(MYSQL *sql, const Charset *charset, const char *code, unsigned size, const char *condition)
{
	char query[4096];
	MYSQL_RES *result;
	MYSQL_ROW row;
	size_t valid = 0;

	/* By way of UNHEX and a conversion of bytes, not by CHAR(): another road than the one the mapping is learned on. */
	snprintf(query, sizeof query,
			 "SELECT h, HEX(CONVERT(k USING utf8mb4)), HEX(k) FROM (SELECT h, CONVERT(UNHEX(h) USING %s) k FROM "
			 "(SELECT LPAD(HEX(%s), %u, '0') h "
			 "FROM (SELECT a.d * 4096 + b.d * 256 + e.d * 16 + f.d n FROM " DIGITS " a, " DIGITS " b, " DIGITS
			 " e, " DIGITS " f) t WHERE %s) t2) t3",
			 charset_name(charset), code, size * 2, condition);
	if (mysql_query(sql, query) != 0)
		fail_msg("%s: %s", query, mysql_error(sql));
	result = mysql_use_result(sql);
	while ((row = mysql_fetch_row(result)) != NULL)
	{
		/* Where the bytes end inside a character, the server may cut them off. */
		bool whole = row[2] != NULL && strcmp(row[0], row[2]) == 0;

		valid += check_code(charset, row[0], whole ? row[1] : NULL);
	}
	assert_int_equal(mysql_errno(sql), 0);
	mysql_free_result(result);
	return valid;
}

static size_t
check_charset(MYSQL *sql, const Charset *charset)
{
	const char *name = charset_name(charset);
	size_t valid = 0;

	if (strcmp(name, "utf32") == 0)
	{
		for (unsigned plane = 0; plane < 18; plane++)
		{
			char code[32];

			snprintf(code, sizeof code, "%u + n", plane << 16);
			valid += check_codes(sql, charset, code, 4, "1");
		}
		return valid;
	}
	if (strncmp(name, "utf16", 5) == 0 || strcmp(name, "ucs2") == 0)
	{
		valid = check_codes(sql, charset, "n", 2, "1");
		/* Pairs of surrogates: each high with a few low ones, each low with a few high ones. */
		if (strcmp(name, "utf16") == 0)
			valid += check_codes(sql, charset, "(55296 + n DIV 64) * 65536 + 56320 + n % 64 * 16", 4, "1");
		return valid;
	}
	valid = check_codes(sql, charset, "n", 1, "n < 256");
	valid += check_codes(sql, charset, "n", 2, "n >= 32768");
	if (charset_max_bytes(charset) >= 3)
	{
		valid += check_codes(sql, charset, "9371648 + n", 3, "n >= 32768");
		valid += check_codes(sql, charset, "14680064 + n", 3, "1");
		valid += check_codes(sql, charset, "15466496 + n", 3, "1");
	}
	if (strcmp(name, "gb18030") == 0)
	{
		valid += check_codes(sql, charset,
							 "(129 + n DIV 12600) * 16777216 + (48 + n DIV 1260 % 10) * 65536 + (129 + n DIV 10 % 126) "
							 "* 256 + 48 + n % 10",
							 4, "n < 63000");
		for (unsigned first = 0x90; first <= 0xe4; first++)
		{
			char code[200];

			snprintf(
				code, sizeof code,
				"(%u + n DIV 12600) * 16777216 + (48 + n DIV 1260 %% 10) * 65536 + (129 + n DIV 10 %% 126) * 256 + "
				"48 + n %% 10",
				first);
			valid += check_codes(sql, charset, code, 4, "n < 12600");
		}
	}
	return valid;
}

static void
test_server(void **state)
{
	const char *socket = getenv("DBSTREAM_TEST_MYSQL_SOCKET");
	MYSQL *sql;
	CharsetCatalog *catalog;
	MYSQL_RES *result;
	MYSQL_ROW row;
	unsigned sets = 0;

	if (socket == NULL)
		skip();
	sql = mysql_init(NULL);
	if (mysql_real_connect(sql, NULL, "root", NULL, NULL, 0, socket, 0) == NULL ||
		mysql_set_character_set(sql, "utf8mb4") != 0)
		fail_msg("%s", mysql_error(sql));
	catalog = charset_catalog_new(sql, &failure);
	if (catalog == NULL)
		fail_msg("%s", failure.message);
	if (mysql_query(sql,
					"SELECT s.CHARACTER_SET_NAME, c.ID FROM information_schema.CHARACTER_SETS s JOIN "
					"information_schema.COLLATIONS c ON c.COLLATION_NAME = s.DEFAULT_COLLATE_NAME ORDER BY 1") != 0)
		fail_msg("%s", mysql_error(sql));
	result = mysql_store_result(sql);
	while ((row = mysql_fetch_row(result)) != NULL)
	{
		const Charset *charset = charset_of_collation(catalog, (uint32_t) strtoul(row[1], NULL, 10), &failure);
		size_t valid;

		if (charset == NULL)
			fail_msg("%s: %s", row[0], failure.message);
		assert_string_equal(charset_name(charset), row[0]);
		if (charset_is_binary(charset))
			continue;
		valid = check_charset(sql, charset);
		print_message("%s: %zu valid codes\n", row[0], valid);
		assert_true(valid >= 127);
		sets++;
	}
	mysql_free_result(result);
	assert_true(sets >= 35);
	charset_catalog_free(catalog);
	mysql_close(sql);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_ascii_and_binary),
		cmocka_unit_test(test_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
