/*
 * MariaDB's GTIDs: domain-server-sequence, and the position "last GTID of each domain".
 */
#ifndef DBS_BRIDGE_GTID_MARIADB_H
#define DBS_BRIDGE_GTID_MARIADB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

#define MARIADB_GTID_TEXT_MAX (10 + 1 + 10 + 1 + 20 + 1)

typedef struct MariadbGtid
{
	uint32_t domain;
	uint32_t server;
	uint64_t sequence;
} MariadbGtid;

typedef struct MariadbGtidPosition MariadbGtidPosition;

/* Empty. NULL when memory runs out. */
MariadbGtidPosition *mariadb_gtid_position_new(void);
void mariadb_gtid_position_free(MariadbGtidPosition *position);

/* Set what text says: "0-1-100,1-2-7", white space around the parts allowed; a domain named twice is refused. */
MUST_CHECK bool mariadb_gtid_position_parse(MariadbGtidPosition *position, const char *text, Failure *failure);

/*
 * Make gtid the last of its domain: within a domain the log's order counts, not the size of the number. False when
 * memory runs out.
 */
MUST_CHECK bool mariadb_gtid_position_set(MariadbGtidPosition *position, const MariadbGtid *gtid);

/* The last GTID of a domain; false when there is none. */
bool mariadb_gtid_position_get(const MariadbGtidPosition *position, uint32_t domain, MariadbGtid *gtid);

bool mariadb_gtid_position_is_empty(const MariadbGtidPosition *position);
void mariadb_gtid_position_clear(MariadbGtidPosition *position);

/* In order of domains. The text belongs to the position and is valid until it changes. NULL when memory runs out. */
MUST_CHECK const char *mariadb_gtid_position_text(MariadbGtidPosition *position);

void mariadb_gtid_text(const MariadbGtid *gtid, char text[MARIADB_GTID_TEXT_MAX]);

#endif
