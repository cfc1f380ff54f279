/*
 * Events of the binary log: see binlog_event.h.
 */
#include "binlog_event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <zlib.h>

typedef struct EventType
{
	const char *name;
	EventTreatment treatment;
} EventType;

/*
 * Every type of event that MySQL up to 9.7 and MariaDB up to 12 write. Those of before MySQL 5.1 (rows events 20 to 22
 * included) are refused.
 */
static const EventType event_types[256] = {
	[1] = {"START_V3", EVENT_REFUSED},
	[2] = {"QUERY", EVENT_DECODED},
	[3] = {"STOP", EVENT_IGNORED}, /* the server was shut down */
	[4] = {"ROTATE", EVENT_DECODED},
	[5] = {"INTVAR", EVENT_IGNORED}, /* for the statement that follows, which is judged itself */
	[6] = {"LOAD", EVENT_REFUSED},
	[7] = {"SLAVE", EVENT_REFUSED},
	[8] = {"CREATE_FILE", EVENT_REFUSED},
	[9] = {"APPEND_BLOCK", EVENT_IGNORED}, /* a piece of a file for the EXECUTE_LOAD_QUERY that follows */
	[10] = {"EXEC_LOAD", EVENT_REFUSED},
	[11] = {"DELETE_FILE", EVENT_IGNORED}, /* that file is not needed any more */
	[12] = {"NEW_LOAD", EVENT_REFUSED},
	[13] = {"RAND", EVENT_IGNORED},     /* for the statement that follows */
	[14] = {"USER_VAR", EVENT_IGNORED}, /* for the statement that follows */
	[15] = {"FORMAT_DESCRIPTION", EVENT_DECODED},
	[16] = {"XID", EVENT_DECODED},
	[17] = {"BEGIN_LOAD_QUERY", EVENT_IGNORED}, /* the file for the EXECUTE_LOAD_QUERY that follows */
	[18] = {"EXECUTE_LOAD_QUERY", EVENT_DECODED},
	[19] = {"TABLE_MAP", EVENT_DECODED},
	[20] = {"PRE_GA_WRITE_ROWS", EVENT_REFUSED},
	[21] = {"PRE_GA_UPDATE_ROWS", EVENT_REFUSED},
	[22] = {"PRE_GA_DELETE_ROWS", EVENT_REFUSED},
	[23] = {"WRITE_ROWS_V1", EVENT_DECODED},
	[24] = {"UPDATE_ROWS_V1", EVENT_DECODED},
	[25] = {"DELETE_ROWS_V1", EVENT_DECODED},
	[26] = {"INCIDENT", EVENT_DECODED},
	[27] = {"HEARTBEAT", EVENT_DECODED},
	[28] = {"IGNORABLE", EVENT_IGNORED},  /* the server itself says that it may be left out; also padding */
	[29] = {"ROWS_QUERY", EVENT_IGNORED}, /* the text of the statement, for people */
	[30] = {"WRITE_ROWS", EVENT_DECODED},
	[31] = {"UPDATE_ROWS", EVENT_DECODED},
	[32] = {"DELETE_ROWS", EVENT_DECODED},
	[33] = {"GTID", EVENT_DECODED},
	[34] = {"ANONYMOUS_GTID", EVENT_DECODED},
	[35] = {"PREVIOUS_GTIDS", EVENT_DECODED},
	[36] = {"TRANSACTION_CONTEXT", EVENT_IGNORED}, /* Group Replication's conflict detection */
	[37] = {"VIEW_CHANGE", EVENT_IGNORED},         /* Group Replication's membership */
	[38] = {"XA_PREPARE", EVENT_DECODED},
	[39] = {"PARTIAL_UPDATE_ROWS", EVENT_DECODED},
	[40] = {"TRANSACTION_PAYLOAD", EVENT_DECODED},
	[41] = {"HEARTBEAT_V2", EVENT_DECODED},
	[42] = {"GTID_TAGGED", EVENT_DECODED},
	[160] = {"ANNOTATE_ROWS", EVENT_IGNORED},     /* the text of the statement, for people */
	[161] = {"BINLOG_CHECKPOINT", EVENT_IGNORED}, /* for the server's own recovery */
	[162] = {"GTID", EVENT_DECODED},
	[163] = {"GTID_LIST", EVENT_DECODED},
	[164] = {"START_ENCRYPTION", EVENT_IGNORED}, /* the server sends events decrypted */
	[165] = {"QUERY_COMPRESSED", EVENT_DECODED},
	[166] = {"WRITE_ROWS_COMPRESSED_V1", EVENT_DECODED},
	[167] = {"UPDATE_ROWS_COMPRESSED_V1", EVENT_DECODED},
	[168] = {"DELETE_ROWS_COMPRESSED_V1", EVENT_DECODED},
	[169] = {"WRITE_ROWS_COMPRESSED", EVENT_DECODED},
	[170] = {"UPDATE_ROWS_COMPRESSED", EVENT_DECODED},
	[171] = {"DELETE_ROWS_COMPRESSED", EVENT_DECODED},
};

EventTreatment
binlog_event_treatment(uint8_t type)
{
	return event_types[type].treatment;
}

const char *
binlog_event_name(uint8_t type)
{
	static _Thread_local char unknown[16];

	if (event_types[type].name != NULL)
		return event_types[type].name;
	snprintf(unknown, sizeof unknown, "event %u", (unsigned) type);
	return unknown;
}

static uint16_t
get_u16(const uint8_t *from)
{
	return (uint16_t) (from[0] | from[1] << 8);
}

static uint32_t
get_u24(const uint8_t *from)
{
	return (uint32_t) from[0] | (uint32_t) from[1] << 8 | (uint32_t) from[2] << 16;
}

static uint32_t
get_u32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof value);
	return value;
}

static uint64_t
get_u48(const uint8_t *from)
{
	return (uint64_t) get_u32(from) | (uint64_t) get_u16(from + 4) << 32;
}

static uint64_t
get_u64(const uint8_t *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof value);
	return value;
}

bool
binlog_length(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
	const uint8_t *p = *at;
	size_t size;

	if (p >= end || *p == 0xfb || *p == 0xff)
		return false;
	size = *p < 0xfb ? 0 : *p == 0xfc ? 2 : *p == 0xfd ? 3 : 8;
	if ((size_t) (end - p) < 1 + size)
		return false;
	*value = size == 0 ? *p : 0;
	for (size_t i = 0; i < size; i++)
		*value |= (uint64_t) p[1 + i] << (8 * i);
	*at = p + 1 + size;
	return true;
}

static bool
damaged(const BinlogEvent *event, Failure *failure)
{
	return failure_set(failure, FAILURE_REJECT, "event_damaged",
					   "Check the file with mysqlbinlog --verify-binlog-checksum; report this if it is sound.",
					   "a %s event of %zu bytes cannot be read: it ends too early", binlog_event_name(event->type),
					   event->body_size);
}

static bool
ends_with_crc(const uint8_t *data, size_t size)
{
	return size >= BINLOG_HEADER_SIZE + 4 && (uint32_t) crc32(0, data, (uInt) (size - 4)) == get_u32(data + size - 4);
}

bool
binlog_event_parse(const uint8_t *data, size_t size, const BinlogFormat *format, BinlogEvent *event, Failure *failure)
{
	bool checksum = format->checksum;

	if (size < BINLOG_HEADER_SIZE)
		return failure_set(failure, FAILURE_REJECT, "event_damaged", "", "an event of %zu bytes has no whole header",
						   size);
	event->timestamp = get_u32(data);
	event->type = data[4];
	event->server_id = get_u32(data + 5);
	event->size = get_u32(data + 9);
	event->end_offset = get_u32(data + 13);
	event->flags = get_u16(data + 17);
	event->body = data + BINLOG_HEADER_SIZE;
	event->body_size = size - BINLOG_HEADER_SIZE;
	if (event->size != size)
		return failure_set(failure, FAILURE_REJECT, "event_damaged", "",
						   "a %s event says that it has %u bytes, but %zu came", binlog_event_name(event->type),
						   (unsigned) event->size, size);

	/* A format description always has the four bytes, and says itself what the others have. */
	if (event->type == BINLOG_FORMAT)
		return true;
	if (!format->known || event->end_offset == 0 || (event->flags & BINLOG_FLAG_ARTIFICIAL) != 0 ||
		event->type == BINLOG_HEARTBEAT || event->type == BINLOG_HEARTBEAT_V2)
	{
		/* Events in the middle of a MariaDB transaction may have no end offset, and may be large. */
		if (!format->known || event->type == BINLOG_ROTATE || event->type == BINLOG_HEARTBEAT ||
			event->type == BINLOG_HEARTBEAT_V2 || event->type == BINLOG_MARIADB_GTID_LIST)
			checksum = ends_with_crc(data, size);
	}
	if (checksum)
	{
		if (event->body_size < 4)
			return damaged(event, failure);
		event->body_size -= 4;
	}
	return true;
}

bool
binlog_format_parse(const BinlogEvent *event, BinlogFormat *format, Failure *failure)
{
	/* version (2), server version (50), created (4), header size (1), a byte for each type, algorithm (1), CRC (4) */
	const size_t fixed = 2 + 50 + 4 + 1;
	const uint8_t *body = event->body;
	size_t types;

	if (event->body_size < fixed + 5)
		return damaged(event, failure);
	if (get_u16(body) != 4 || body[fixed - 1] != BINLOG_HEADER_SIZE)
		return failure_set(failure, FAILURE_REJECT, "source_too_old", "MySQL 5.7 or MariaDB 10.2 at least is needed.",
						   "the binary log has format %u with headers of %u bytes", (unsigned) get_u16(body),
						   (unsigned) body[fixed - 1]);
	memset(format, 0, sizeof *format);
	memcpy(format->server_version, body + 2, 50);
	format->created = get_u32(body + 52);
	types = event->body_size - fixed - 5;
	for (size_t i = 0; i < types && i < 255; i++)
		format->post_header[i + 1] = body[fixed + i];
	if (types < BINLOG_DELETE_ROWS_V1 || format->post_header[BINLOG_TABLE_MAP] != 8)
		return failure_set(failure, FAILURE_REJECT, "source_too_old", "MySQL 5.7 or MariaDB 10.2 at least is needed.",
						   "the binary log was written by %s, which is too old", format->server_version);
	switch (body[event->body_size - 5])
	{
		case 0:
			format->checksum = false;
			break;
		case 1:
			format->checksum = true;
			break;
		default:
			return failure_set(failure, FAILURE_REJECT, "event_unknown", "Set binlog_checksum to CRC32 or NONE.",
							   "the binary log has checksums of an unknown kind (%u)",
							   (unsigned) body[event->body_size - 5]);
	}
	format->known = true;
	return true;
}

/* A second-version heartbeat is a list of type, length, value: 1 is the file's name, 2 the offset. */
static bool
heartbeat_v2_parse(const BinlogEvent *event, RotateEvent *rotate, Failure *failure)
{
	const uint8_t *at = event->body;
	const uint8_t *end = at + event->body_size;

	while (at < end && *at != 0)
	{
		uint64_t type;
		uint64_t size;

		if (!binlog_length(&at, end, &type) || !binlog_length(&at, end, &size) || size > (uint64_t) (end - at))
			return damaged(event, failure);
		if (type == 1)
		{
			rotate->file = (const char *) at;
			rotate->file_size = (size_t) size;
		}
		else if (type == 2)
		{
			const uint8_t *value = at;

			if (!binlog_length(&value, end, &rotate->offset))
				return damaged(event, failure);
		}
		at += size;
	}
	return true;
}

bool
binlog_rotate_parse(const BinlogEvent *event, RotateEvent *rotate, Failure *failure)
{
	memset(rotate, 0, sizeof *rotate);
	if (event->type == BINLOG_HEARTBEAT_V2)
		return heartbeat_v2_parse(event, rotate, failure);
	if (event->type == BINLOG_HEARTBEAT)
	{
		rotate->file = (const char *) event->body;
		rotate->file_size = event->body_size;
		return true;
	}
	if (event->body_size < 9)
		return damaged(event, failure);
	rotate->offset = get_u64(event->body);
	rotate->file = (const char *) event->body + 8;
	rotate->file_size = event->body_size - 8;
	return true;
}

/*
 * MySQL's serialization library: an integer's first byte ends, from its lowest bit on, with as many ones as bytes
 * follow; the value is in the bits above. Signed ones have the sign in the lowest bit.
 */
static bool
get_varying(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
	size_t more;
	uint64_t bits = 0;

	if (*at >= end)
		return false;
	more = (size_t) __builtin_ctz(~(unsigned) **at);
	if ((size_t) (end - *at) < 1 + more)
		return false;
	for (size_t i = 0; i <= more && i < 8; i++)
		bits |= (uint64_t) (*at)[i] << (8 * i);
	if (more < 8)
		bits >>= more + 1;
	else
	{
		/* All eight bits of the first byte are ones: the value fills the next eight. */
		bits = 0;
		for (size_t i = 0; i < 8; i++)
			bits |= (uint64_t) (*at)[1 + i] << (8 * i);
	}
	*value = bits;
	*at += 1 + more;
	return true;
}

static int64_t
sign_of(uint64_t value)
{
	return (int64_t) (value >> 1) ^ -(int64_t) (value & 1);
}

/*
 * A tagged GTID event: version, size of the message, number of the last field that must be known, then fields as number
 * and value in ascending order: 0 flags, 1 UUID (16 integers of a byte), 2 number, 3 tag, 4 last committed, 5 sequence
 * number, 6 immediate commit time, then others which are not needed here.
 */
static bool
tagged_gtid_parse(const BinlogEvent *event, MysqlGtidEvent *gtid, Failure *failure)
{
	const uint8_t *at = event->body;
	const uint8_t *end = at + event->body_size;
	uint64_t value;
	unsigned seen = 0;

	for (int i = 0; i < 3; i++)
		if (!get_varying(&at, end, &value) || (i == 0 && value != 1))
			return damaged(event, failure);
	while (at < end && (seen & 0x40) == 0)
	{
		uint64_t field;

		if (!get_varying(&at, end, &field))
			return damaged(event, failure);
		if (field > 6)
			break;
		if (field == 1)
		{
			for (int i = 0; i < 16; i++)
			{
				if (!get_varying(&at, end, &value) || value > 255)
					return damaged(event, failure);
				gtid->gtid.uuid[i] = (uint8_t) value;
			}
		}
		else if (!get_varying(&at, end, &value))
			return damaged(event, failure);
		else if (field == 2)
			gtid->gtid.number = sign_of(value);
		else if (field == 3)
		{
			if (value > MYSQL_GTID_TAG_MAX || value > (uint64_t) (end - at))
				return damaged(event, failure);
			memcpy(gtid->gtid.tag, at, (size_t) value);
			at += value;
		}
		else if (field == 6)
			gtid->commit_time = (int64_t) value;
		seen |= 1u << field;
	}
	if ((seen & 0x06) != 0x06 || gtid->gtid.number < 1)
		return damaged(event, failure);
	return true;
}

bool
binlog_mysql_gtid_parse(const BinlogEvent *event, MysqlGtidEvent *gtid, Failure *failure)
{
	const uint8_t *body = event->body;

	memset(gtid, 0, sizeof *gtid);
	if (event->type == BINLOG_GTID_TAGGED)
		return tagged_gtid_parse(event, gtid, failure);

	/* flags (1), UUID (16), number (8), kind of timestamps (1), last committed (8), sequence number (8), commit time
	 * (7) */
	if (event->body_size < 25)
		return damaged(event, failure);
	gtid->anonymous = event->type == BINLOG_ANONYMOUS_GTID;
	if (!gtid->anonymous)
	{
		memcpy(gtid->gtid.uuid, body + 1, 16);
		gtid->gtid.number = (int64_t) get_u64(body + 17);
		if (gtid->gtid.number < 1)
			return damaged(event, failure);
	}
	if (event->body_size >= 49 && body[25] == 2)
	{
		uint64_t time = get_u48(body + 42) | (uint64_t) body[48] << 48;

		/* The highest bit says that another server's commit time follows. */
		gtid->commit_time = (int64_t) (time & ~((uint64_t) 1 << 55));
	}
	return true;
}

bool
binlog_mariadb_gtid_parse(const BinlogEvent *event, MariadbGtidEvent *gtid, Failure *failure)
{
	if (event->body_size < 13)
		return damaged(event, failure);
	gtid->gtid.sequence = get_u64(event->body);
	gtid->gtid.domain = get_u32(event->body + 8);
	gtid->gtid.server = event->server_id;
	gtid->flags = event->body[12];
	return true;
}

bool
binlog_mariadb_gtid_list_parse(const BinlogEvent *event, MariadbGtidPosition *position, Failure *failure)
{
	uint32_t count;

	if (event->body_size < 4)
		return damaged(event, failure);

	/* The upper four bits are flags. For each: domain (4), server (4), sequence (8); the last of a domain comes last.
	 */
	count = get_u32(event->body) & 0x0fffffff;
	if (count > (event->body_size - 4) / 16)
		return damaged(event, failure);
	mariadb_gtid_position_clear(position);
	for (uint32_t i = 0; i < count; i++)
	{
		const uint8_t *at = event->body + 4 + (size_t) i * 16;
		MariadbGtid gtid = {get_u32(at), get_u32(at + 4), get_u64(at + 8)};

		if (!mariadb_gtid_position_set(position, &gtid))
			return failure_set(failure, FAILURE_FATAL, "out_of_memory", "", "out of memory in a GTID position");
	}
	return true;
}

#define FLAGS2_NO_FOREIGN_KEY_CHECKS 0x04000000

/* The names of databases that the statement changes, each with a NUL; a count of 254 stands for too many of them. */
static size_t
updated_databases_size(const uint8_t *at, size_t left)
{
	size_t size = 1;

	if (left == 0 || at[0] == 254)
		return 1;
	for (unsigned i = 0; i < at[0]; i++)
	{
		size += strnlen((const char *) at + size, left - size) + 1;
		if (size > left)
			break;
	}
	return size;
}

/* User and host, each behind its size. */
static size_t
invoker_size(const uint8_t *at, size_t left)
{
	size_t user = left > 0 ? (size_t) at[0] + 1 : 1;

	return user < left ? user + at[user] + 1 : user + 1;
}

/* The variable's size; SIZE_MAX for one that is not known. */
static size_t
status_variable_size(uint8_t code, const uint8_t *at, size_t left)
{
	switch (code)
	{
		case 0:  /* flags2 */
		case 3:  /* auto_increment_increment, auto_increment_offset */
		case 10: /* size of the log as its master wrote it */
			return 4;
		case 1:   /* sql_mode */
		case 9:   /* tables of a multi-table UPDATE */
		case 17:  /* number of the engine's transaction */
		case 129: /* the same in MariaDB */
			return 8;
		case 2: /* catalog, with a NUL */
			return left > 0 ? (size_t) at[0] + 2 : 1;
		case 4: /* character_set_client, collation_connection, collation_server */
			return 6;
		case 5: /* time_zone */
		case 6: /* catalog, without a NUL */
			return left > 0 ? (size_t) at[0] + 1 : 1;
		case 7:  /* lc_time_names */
		case 8:  /* collation_database */
		case 18: /* default_collation_for_utf8mb4 */
			return 2;
		case 11:
			return invoker_size(at, left);
		case 12:
			return updated_databases_size(at, left);
		case 13:  /* microseconds */
		case 128: /* the same in MariaDB */
			return 3;
		case 16: /* explicit_defaults_for_timestamp */
		case 19: /* sql_require_primary_key */
		case 20: /* default_table_encryption */
			return 1;
		case 130: /* MariaDB: phases of ALTER TABLE, and which one it ends */
			return left > 0 && (at[0] & (QUERY_ALTER_COMMIT | QUERY_ALTER_ROLLBACK)) != 0 ? 9 : 1;
		default:
			return SIZE_MAX;
	}
}

/* Status variables come in the order of their codes as far as they matter here; an unknown one ends the walk. */
static void
status_variables_parse(const uint8_t *at, const uint8_t *end, QueryEvent *query)
{
	while (at < end)
	{
		uint8_t code = *at++;
		size_t left = (size_t) (end - at);
		size_t size = status_variable_size(code, at, left);

		if (size > left)
			return;
		switch (code)
		{
			case 0:
				query->no_foreign_key_checks = (get_u32(at) & FLAGS2_NO_FOREIGN_KEY_CHECKS) != 0;
				break;
			case 1:
				query->sql_mode = get_u64(at);
				break;
			case 4:
				query->collation = get_u16(at);
				break;
			case 5:
				query->time_zone = (const char *) at + 1;
				query->time_zone_size = at[0];
				break;
			case 13:
			case 128:
				query->microseconds = get_u24(at);
				break;
			case 130:
				query->alter_phase = at[0];
				break;
			default:
				break;
		}
		at += size;
	}
}

bool
binlog_query_parse(const BinlogEvent *event, const BinlogFormat *format, QueryEvent *query, Failure *failure)
{
	/* thread (4), seconds (4), schema size (1), error (2), size of status variables (2); LOAD DATA has 13 more */
	size_t post_header = event->type == BINLOG_EXECUTE_LOAD_QUERY ? format->post_header[BINLOG_EXECUTE_LOAD_QUERY] : 13;
	const uint8_t *body = event->body;
	size_t schema;
	size_t variables;

	memset(query, 0, sizeof *query);
	if (post_header < 13 || event->body_size < post_header)
		return damaged(event, failure);
	schema = body[8];
	query->error = get_u16(body + 9);
	variables = get_u16(body + 11);
	if (event->body_size < post_header + variables + schema + 1)
		return damaged(event, failure);
	status_variables_parse(body + post_header, body + post_header + variables, query);
	query->schema = (const char *) body + post_header + variables;
	query->schema_size = schema;
	query->text = query->schema + schema + 1;
	query->text_size = event->body_size - post_header - variables - schema - 1;
	while (query->text_size > 0 && query->text[query->text_size - 1] == '\0')
		query->text_size--;
	return true;
}

bool
binlog_rows_parse(const BinlogEvent *event, const BinlogFormat *format, RowsEvent *rows, Failure *failure)
{
	/* table id (6), flags (2); version 2 adds the size of extra data, which counts itself */
	bool version2 = event->type == BINLOG_WRITE_ROWS || event->type == BINLOG_UPDATE_ROWS ||
					event->type == BINLOG_DELETE_ROWS || event->type == BINLOG_PARTIAL_UPDATE_ROWS ||
					event->type >= BINLOG_MARIADB_WRITE_ROWS_COMPRESSED;
	size_t skip = 8;

	if (event->body_size < 10)
		return damaged(event, failure);
	rows->table_id = get_u48(event->body);
	rows->flags = get_u16(event->body + 6);
	if (version2)
	{
		size_t extra = get_u16(event->body + 8);

		if (extra < 2)
			return damaged(event, failure);
		skip += extra;
	}
	if (event->body_size < skip)
		return damaged(event, failure);
	rows->body = event->body + skip;
	rows->body_size = event->body_size - skip;
	return true;
}

static size_t
put_hex(char *to, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	to[at++] = 'X';
	to[at++] = '\'';
	for (size_t i = 0; i < size; i++)
	{
		to[at++] = digits[bytes[i] >> 4];
		to[at++] = digits[bytes[i] & 15];
	}
	to[at++] = '\'';
	return at;
}

/* Body: one phase (1 byte), format (4), size of the transaction's name (4), of the branch's (4), both names. */
bool
binlog_xa_prepare_parse(const BinlogEvent *event, bool *one_phase, char identifier[XA_IDENTIFIER_MAX], Failure *failure)
{
	const size_t header = 13;
	const uint8_t *body = event->body;
	uint32_t name, branch;
	size_t at;

	if (event->body_size < header)
		return damaged(event, failure);
	name = get_u32(body + 5);
	branch = get_u32(body + 9);
	if (name > 64 || branch > 64 || event->body_size - header < (size_t) name + branch)
		return damaged(event, failure);
	*one_phase = body[0] != 0;
	at = put_hex(identifier, body + header, name);
	identifier[at++] = ',';
	at += put_hex(identifier + at, body + header + name, branch);
	snprintf(identifier + at, XA_IDENTIFIER_MAX - at, ",%" PRIu32, get_u32(body + 1));
	return true;
}

uint64_t
binlog_event_end(const BinlogEvent *event, uint64_t offset)
{
	uint64_t end = (offset & ~UINT64_C(0xffffffff)) | event->end_offset;

	if (event->end_offset == 0)
		return offset + event->size;
	return end < offset ? end + (UINT64_C(1) << 32) : end;
}

void
binlog_incident_parse(const BinlogEvent *event, unsigned *number, const char **message, size_t *size)
{
	*number = event->body_size >= 2 ? get_u16(event->body) : 0;
	*message = "";
	*size = 0;
	if (event->body_size >= 3 && event->body_size >= 3 + (size_t) event->body[2])
	{
		*message = (const char *) event->body + 3;
		*size = event->body[2];
	}
}
