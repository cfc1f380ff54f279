/*
 * Table patterns of a stream: "shop.*", "shop.order_?", "!shop.audit_*".
 *
 * A pattern is schema.table; "*" stands for any run of characters, "?" for one character (not byte), a
 * backslash takes the next character as it is.  A table is selected when at least one
 * pattern without "!" matches and none with "!" does.  Matching is by bytes, case kept.
 */
#ifndef DBS_PATTERN_H
#define DBS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* NULL when well formed, else a constant sentence that says what is wrong. */
const char *dbs_pattern_check(const char *pattern);

/* patterns: NULL-terminated, each well formed. Names need not be terminated. */
bool dbs_pattern_selects(const char *const *patterns, const char *schema, size_t schema_size, const char *table,
						 size_t table_size);

/* Could any of them select a table of this schema? */
bool dbs_pattern_selects_schema(const char *const *patterns, const char *schema);

#endif
