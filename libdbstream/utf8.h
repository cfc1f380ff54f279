/*
 * UTF-8 as the wire format wants it: well formed by RFC 3629 (no overlong
 * forms, no surrogates, nothing above U+10FFFF).
 */
#ifndef DBS_UTF8_H
#define DBS_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at data[0..size), or 0 when no well-formed character begins there. */
size_t dbs_utf8_length(const char *data, size_t size);

/* Whether data[0..size) is well-formed UTF-8; a NUL byte counts as well formed. */
bool dbs_utf8_valid(const char *data, size_t size);

/* The longest prefix of data[0..size) that has at most limit bytes and ends between two characters. */
size_t dbs_utf8_clip(const char *data, size_t size, size_t limit);

#endif
