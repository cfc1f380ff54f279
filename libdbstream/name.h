/*
 * Names on their way to PostgreSQL: MySQL allows 64 characters (up to 256
 * bytes of UTF-8), PostgreSQL 63 bytes; MySQL's index names are unique in
 * a table, PostgreSQL's in a schema.
 *
 * Every mapping here depends on the name alone, so that the translator, the
 * apply worker and a later session come to the same result without keeping a list.
 * Two shortened names meet only when their hashes do (1 in 2^32), two index
 * names also when table "a_b", index "c" stands beside table "a", index "b_c":
 * the caller, who sees the catalogue, reports that.
 */
#ifndef DBS_NAME_H
#define DBS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What PostgreSQL's identifiers hold, and a buffer for one: NAMEDATALEN's default. */
#define DBS_NAME_MAX 63
#define DBS_NAME_BUFFER 64

/* Room for any quoted name of so many bytes: every byte a quote, the two around it, the terminator. */
#define DBS_NAME_QUOTED_SIZE(size) (2 * (size_t) (size) + 3)

/*
 * The PostgreSQL name for name[0..size), UTF-8, any length: the name itself
 * when it fits, else as many whole characters as leave room for "_" and eight
 * hexadecimal digits of a hash of the whole name.  Case is kept.  out is terminated;
 * returns its length.
 */
size_t dbs_name_fit(const char *name, size_t size, char out[DBS_NAME_BUFFER]);

/* A hash of data[0..size) for names made from something else: stable for ever, on every machine. */
uint32_t dbs_name_hash(const char *data, size_t size);

/*
 * A name for a table's index or constraint that no other table of its schema
 * uses: "table_index", made to fit as above.
 */
size_t dbs_name_for_index(const char *table, size_t table_size, const char *index, size_t index_size,
						  char out[DBS_NAME_BUFFER]);

/*
 * name[0..size) in double quotes, quotes inside doubled, terminated.  Always quoted:
 * case is kept, and no list of reserved words can grow stale.  Returns false
 * when out_size does not suffice or the name is empty or holds a NUL byte.
 */
bool dbs_name_quote_pg(const char *name, size_t size, char *out, size_t out_size);

#endif
