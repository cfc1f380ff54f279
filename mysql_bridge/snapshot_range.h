/*
 * Ranges of a table's key: what of the table is still to be copied. One range is the whole table at first; a reader
 * cuts off what lies behind a key, so that another one may read it. Keys are compared by the source alone, which knows
 * its collations.
 */
#ifndef DBS_BRIDGE_SNAPSHOT_RANGE_H
#define DBS_BRIDGE_SNAPSHOT_RANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <mysql.h>

struct json_object;

typedef struct SnapshotKey
{
	uint32_t column;  /* its place in the table, where the result has its text */
	char *expression; /* what the source compares and sorts by */
	char *selected;   /* what its text is selected by */
	bool bytes;       /* the value is kept and written as hexadecimal digits */
	bool text;        /* so too, as text in UTF-8: it may hold anything, zero bytes as well */
	bool number;      /* the literal is bare */
	bool descending;  /* in its index, so ranges go from its highest value to its lowest */
	int extra;        /* behind the columns, when the column's own text is not what it is compared by; -1: the column */
} SnapshotKey;

/* Rows behind copied_to, up to upper and with it. Each is as many texts as the key has columns. */
typedef struct SnapshotRange
{
	uint64_t number;
	char **copied_to; /* NULL: from the table's beginning */
	char **upper;     /* NULL: to the table's end */
	bool done;
	bool taken; /* a reader has it */
	bool rest;  /* it was cut off, and may be large: whoever takes it cuts it again */
	bool small; /* no key was found at which to cut it */
	struct SnapshotRange *next;
} SnapshotRange;

/* From key to upper, of which copies are made; NULL when memory runs out. */
SnapshotRange *snapshot_range_new(uint64_t number, char *const *copied_to, char *const *upper, uint32_t key_count);
void snapshot_range_free(SnapshotRange *range, uint32_t key_count);

/* As it is recorded: {"number": 1, "copied_to": ["17"], "upper": null}. NULL when memory runs out, or it is no range.
 */
SnapshotRange *snapshot_range_read(struct json_object *recorded, uint32_t key_count);

/* " WHERE …" or nothing, and " ORDER BY …": its rows in the order of the key. */
void snapshot_range_write(FILE *out, MYSQL *sql, const SnapshotRange *range, const SnapshotKey *keys,
						  uint32_t key_count);

/* A key's column as it is kept: the text of a result's field, malloc'd. */
char *snapshot_key_text(const SnapshotKey *key, const char *value, size_t size);

/* NULL is allowed. */
void snapshot_key_free(char **key, uint32_t key_count);

/* A key as a JSON array of texts, malloc'd; NULL when memory runs out. */
char *snapshot_key_json(char *const *key, uint32_t key_count);

#endif
