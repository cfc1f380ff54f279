/*
 * Character sets: any that the source lists, to UTF-8, exactly as the source itself converts.
 */
#ifndef DBS_BRIDGE_CHARSET_H
#define DBS_BRIDGE_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mysql.h>

#include "failure.h"
#include "mysql_connection.h"

typedef struct CharsetCatalog CharsetCatalog; /* collation ids to character sets; one for each connection */
typedef struct Charset Charset;               /* owned by its catalogue */

/*
 * Read the source's collations. The catalogue keeps sql by reference and asks it to convert a character set's code
 * space the first time that set is met; only the thread that reads the log uses it. Without a connection (NULL) it
 * knows the default collations of the Unicode sets, ascii and binary, and takes the source for MySQL.
 */
MUST_CHECK CharsetCatalog *charset_catalog_new(MYSQL *sql, Failure *failure);
void charset_catalog_free(CharsetCatalog *catalog);

/* Which of the two the source is: they describe tables in the log a little differently. */
ServerFlavour charset_catalog_flavour(const CharsetCatalog *catalog);
void charset_catalog_set_flavour(CharsetCatalog *catalog, ServerFlavour flavour);

/* The connection it asks, for other questions of the same thread; NULL when it has none. */
MYSQL *charset_catalog_connection(const CharsetCatalog *catalog);

MUST_CHECK const Charset *charset_of_collation(CharsetCatalog *catalog, uint32_t collation_id, Failure *failure);
const char *charset_name(const Charset *charset);
uint32_t charset_max_bytes(const Charset *charset); /* of one character */
bool charset_is_binary(const Charset *charset);
bool charset_is_utf8(const Charset *charset); /* utf8mb3, utf8mb4, ascii: bytes go through as they are */

/* The most UTF-8 bytes that size bytes can become. */
size_t charset_utf8_bound(const Charset *charset, size_t size);

/* How many bytes it will be, and some to spare, by looking at them all; SIZE_MAX when they are not valid. */
size_t charset_utf8_size(const Charset *charset, const uint8_t *from, size_t size);

/* Convert; out has room for the bound, or for that size. Returns the bytes written, or SIZE_MAX and *bad_at when the
 * bytes are not valid.
 */
size_t charset_to_utf8(const Charset *charset, const uint8_t *from, size_t size, char *out, size_t *bad_at);

#endif
