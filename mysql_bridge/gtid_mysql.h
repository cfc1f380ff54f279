/*
 * MySQL's GTIDs: sets of source:number, whole, with their gaps, tagged ones (MySQL 8.3 and later) included.
 */
#ifndef DBS_BRIDGE_GTID_MYSQL_H
#define DBS_BRIDGE_GTID_MYSQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

#define MYSQL_GTID_TAG_MAX 32
/* uuid, two colons, tag, number, terminator */
#define MYSQL_GTID_TEXT_MAX (36 + 1 + MYSQL_GTID_TAG_MAX + 1 + 20 + 1)

typedef struct MysqlGtid
{
	uint8_t uuid[16];
	char tag[MYSQL_GTID_TAG_MAX + 1]; /* lower case, terminated; empty: none */
	int64_t number;                   /* from 1 */
} MysqlGtid;

typedef struct MysqlGtidSet MysqlGtidSet;

/* Empty. NULL when memory runs out. */
MysqlGtidSet *mysql_gtid_set_new(void);
void mysql_gtid_set_free(MysqlGtidSet *set);

/*
 * Add what text says: "uuid:1-5:7,uuid:tag:1-3:other_tag:9", white space anywhere between the parts. On failure the set
 * holds a part of it.
 */
MUST_CHECK bool mysql_gtid_set_parse(MysqlGtidSet *set, const char *text, Failure *failure);

/* Add a set in the encoding of PREVIOUS_GTIDS events and COM_BINLOG_DUMP_GTID, with or without tags. */
MUST_CHECK bool mysql_gtid_set_decode(MysqlGtidSet *set, const uint8_t *data, size_t size, Failure *failure);

/* Encode; malloc'd, the caller frees. NULL when memory runs out. Sets without tags come out as servers before 8.3 know
 * it. */
MUST_CHECK uint8_t *mysql_gtid_set_encode(const MysqlGtidSet *set, size_t *size);

/* Print as MySQL does. The text belongs to the set and is valid until it changes. NULL when memory runs out. */
MUST_CHECK const char *mysql_gtid_set_text(MysqlGtidSet *set);

/* False when memory runs out. */
MUST_CHECK bool mysql_gtid_set_add(MysqlGtidSet *set, const MysqlGtid *gtid);
bool mysql_gtid_set_contains(const MysqlGtidSet *set, const MysqlGtid *gtid);
bool mysql_gtid_set_is_empty(const MysqlGtidSet *set);
void mysql_gtid_set_clear(MysqlGtidSet *set);

/* Every GTID of part is in whole. */
bool mysql_gtid_set_is_subset(const MysqlGtidSet *part, const MysqlGtidSet *whole);

/* "uuid:7" or "uuid:tag:7". */
void mysql_gtid_text(const MysqlGtid *gtid, char text[MYSQL_GTID_TEXT_MAX]);

#endif
