/*
 * Events of the binary log: their header, what each type means to a reader, and the bodies of those that are not rows.
 *
 * The layouts are those that MySQL documents in its source documentation ("Binary log events") and MariaDB in its
 * knowledge base ("Binlog events"). All integers are little-endian.
 */
#ifndef DBS_BRIDGE_BINLOG_EVENT_H
#define DBS_BRIDGE_BINLOG_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "gtid_mariadb.h"
#include "gtid_mysql.h"

#define BINLOG_HEADER_SIZE 19

enum
{
	BINLOG_QUERY = 2,
	BINLOG_ROTATE = 4,
	BINLOG_FORMAT = 15,
	BINLOG_XID = 16,
	BINLOG_EXECUTE_LOAD_QUERY = 18,
	BINLOG_TABLE_MAP = 19,
	BINLOG_WRITE_ROWS_V1 = 23,
	BINLOG_UPDATE_ROWS_V1 = 24,
	BINLOG_DELETE_ROWS_V1 = 25,
	BINLOG_INCIDENT = 26,
	BINLOG_HEARTBEAT = 27,
	BINLOG_WRITE_ROWS = 30,
	BINLOG_UPDATE_ROWS = 31,
	BINLOG_DELETE_ROWS = 32,
	BINLOG_GTID = 33,
	BINLOG_ANONYMOUS_GTID = 34,
	BINLOG_PREVIOUS_GTIDS = 35,
	BINLOG_XA_PREPARE = 38,
	BINLOG_PARTIAL_UPDATE_ROWS = 39,
	BINLOG_TRANSACTION_PAYLOAD = 40,
	BINLOG_HEARTBEAT_V2 = 41,
	BINLOG_GTID_TAGGED = 42,
	BINLOG_MARIADB_GTID = 162,
	BINLOG_MARIADB_GTID_LIST = 163,
	BINLOG_MARIADB_QUERY_COMPRESSED = 165,
	BINLOG_MARIADB_WRITE_ROWS_COMPRESSED_V1 = 166,
	BINLOG_MARIADB_UPDATE_ROWS_COMPRESSED_V1 = 167,
	BINLOG_MARIADB_DELETE_ROWS_COMPRESSED_V1 = 168,
	BINLOG_MARIADB_WRITE_ROWS_COMPRESSED = 169,
	BINLOG_MARIADB_UPDATE_ROWS_COMPRESSED = 170,
	BINLOG_MARIADB_DELETE_ROWS_COMPRESSED = 171
};

/* Header flags. */
#define BINLOG_FLAG_ARTIFICIAL 0x0020 /* made up for this reader: not in the file */
#define BINLOG_FLAG_IGNORABLE 0x0080  /* a server that does not know the event may leave it out */

typedef struct BinlogEvent
{
	uint32_t timestamp; /* seconds since 1970; 0 in artificial events */
	uint32_t server_id;
	uint32_t size;       /* in the file: header, body and checksum */
	uint32_t end_offset; /* low 32 bits of the offset after the event; 0 when the server does not say */
	uint16_t flags;
	uint8_t type;
	const uint8_t *body; /* after the header; the checksum is not part of it */
	size_t body_size;
} BinlogEvent;

/* How a type of event is treated. Whatever is not in the table is refused. */
typedef enum EventTreatment
{
	EVENT_REFUSED, /* not known, or known to lose data when left out */
	EVENT_DECODED,
	EVENT_IGNORED /* carries nothing that changes a table */
} EventTreatment;

EventTreatment binlog_event_treatment(uint8_t type);

/* "WRITE_ROWS"; "event 123" for a type that is not known. The text is constant or belongs to the thread. */
const char *binlog_event_name(uint8_t type);

/* What the format description says about the events of one file. */
typedef struct BinlogFormat
{
	bool known;    /* a format description has been read */
	bool checksum; /* events end with 4 bytes of CRC-32 */
	uint8_t post_header[256];
	char server_version[51];
	uint32_t created; /* not 0: the server started with this file */
} BinlogFormat;

/*
 * Read the header of data[0..size), which is one whole event, and take its checksum off. Before a format is known, and
 * for artificial events, the CRC itself decides whether there is one.
 */
MUST_CHECK bool binlog_event_parse(const uint8_t *data, size_t size, const BinlogFormat *format, BinlogEvent *event,
								   Failure *failure);

MUST_CHECK bool binlog_format_parse(const BinlogEvent *event, BinlogFormat *format, Failure *failure);

/* Also of a heartbeat: the file's name; offset is 0 in a heartbeat of the first version. Not terminated. */
typedef struct RotateEvent
{
	const char *file;
	size_t file_size;
	uint64_t offset;
} RotateEvent;

MUST_CHECK bool binlog_rotate_parse(const BinlogEvent *event, RotateEvent *rotate, Failure *failure);

/* GTID, ANONYMOUS_GTID, GTID_TAGGED */
typedef struct MysqlGtidEvent
{
	bool anonymous;
	MysqlGtid gtid;      /* number 0 when anonymous */
	int64_t commit_time; /* microseconds since 1970 at this server; 0 when not known */
} MysqlGtidEvent;

MUST_CHECK bool binlog_mysql_gtid_parse(const BinlogEvent *event, MysqlGtidEvent *gtid, Failure *failure);

#define MARIADB_GTID_STANDALONE 0x01   /* one event follows, without a commit */
#define MARIADB_GTID_PREPARED_XA 0x40  /* ends with XA PREPARE */
#define MARIADB_GTID_COMPLETED_XA 0x80 /* is an XA COMMIT or XA ROLLBACK */

typedef struct MariadbGtidEvent
{
	MariadbGtid gtid;
	uint8_t flags;
} MariadbGtidEvent;

MUST_CHECK bool binlog_mariadb_gtid_parse(const BinlogEvent *event, MariadbGtidEvent *gtid, Failure *failure);

/* Put the list into position, which is emptied first: it is all that came before this event. */
MUST_CHECK bool binlog_mariadb_gtid_list_parse(const BinlogEvent *event, MariadbGtidPosition *position,
											   Failure *failure);

/* binlog_alter_two_phase: the statement is in the log when it starts, and again when it has succeeded or failed. */
#define QUERY_ALTER_START 0x02
#define QUERY_ALTER_COMMIT 0x04
#define QUERY_ALTER_ROLLBACK 0x08

/* QUERY, EXECUTE_LOAD_QUERY. Strings are not terminated. */
typedef struct QueryEvent
{
	const char *schema;
	size_t schema_size;
	const char *text; /* in the session's character set; trailing NULs are off */
	size_t text_size;
	uint64_t sql_mode;
	uint32_t
		microseconds; /* of the time at which it began, beside the event's seconds; 0 when it did not ask for them */
	const char *time_zone; /* the session's; NULL when the statement did not ask for its local time */
	size_t time_zone_size;
	bool no_foreign_key_checks;
	uint8_t alter_phase; /* QUERY_ALTER_*: MariaDB's ALTER TABLE in two phases; else 0 */
	uint16_t collation;  /* of character_set_client; 0 when the event does not say */
	uint16_t error;      /* that the statement ended with at the source, after having changed something; else 0 */
} QueryEvent;

MUST_CHECK bool binlog_query_parse(const BinlogEvent *event, const BinlogFormat *format, QueryEvent *query,
								   Failure *failure);

typedef struct RowsEvent
{
	uint64_t table_id;
	uint16_t flags;
	const uint8_t *body; /* from the column count on; of a TABLE_MAP: from the name of the schema on */
	size_t body_size;
} RowsEvent;

/* The post-header of TABLE_MAP and of all rows events; the extra data of version 2 is skipped. */
MUST_CHECK bool binlog_rows_parse(const BinlogEvent *event, const BinlogFormat *format, RowsEvent *rows,
								  Failure *failure);

/* X'…',X'…',n with the longest names that a server takes. */
#define XA_IDENTIFIER_MAX 320

/* XA_PREPARE, which also ends what is committed in one phase: the identifier as statements in the log spell it. */
MUST_CHECK bool binlog_xa_prepare_parse(const BinlogEvent *event, bool *one_phase, char identifier[XA_IDENTIFIER_MAX],
										Failure *failure);

/*
 * The offset in the file behind an event that follows one which ended at offset. Headers have the low 32 bits of it, or
 * 0 in the middle of a transaction (MariaDB 11.4 and later); files may be larger than 4 GB. What the server left out
 * lies between.
 */
uint64_t binlog_event_end(const BinlogEvent *event, uint64_t offset);

/* INCIDENT: its number and message. */
void binlog_incident_parse(const BinlogEvent *event, unsigned *number, const char **message, size_t *size);

/* A length-encoded integer as in the client protocol; false at the end of the data. */
bool binlog_length(const uint8_t **at, const uint8_t *end, uint64_t *value);

#endif
