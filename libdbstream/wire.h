/*
 * The wire format: what the bridge and the extension say to each other.
 *
 * docs/protocol.md is the specification; this header and wire_*.c are its only
 * implementation.  A stream's bytes are a sequence of messages.  Each message
 * is an 8-byte header (body size, type) and a body, padded with zeros so that
 * the next message begins at a multiple of 8.  Because every message begins
 * aligned, a length-prefixed value can be aligned inside it too, which lets
 * the extension turn the prefix into a varlena header where it lies.
 *
 * Everything is little-endian.  Nothing here allocates, logs or exits: a
 * writer fills a buffer that its caller owns, a reader points into one.
 */
#ifndef DBS_WIRE_H
#define DBS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kind.h"

#define DBS_WIRE_VERSION 1
#define DBS_WIRE_MIN_VERSION 1
#define DBS_WIRE_HEADER_SIZE 8
#define DBS_WIRE_ALIGN(n) (((size_t) (n) + 7) & ~(size_t) 7)

/* No field, and so no message, may be larger: PostgreSQL's own limit for one field is 1 GB. */
#define DBS_WIRE_MAX_MESSAGE ((size_t) 0x7fffffff)
#define DBS_WIRE_MAX_COLUMNS 4096

typedef enum DbsMessageType
{
	DBS_MESSAGE_HELLO = 1,
	DBS_MESSAGE_BEGIN = 2,
	DBS_MESSAGE_TABLE = 3,
	DBS_MESSAGE_ROWS = 4,
	DBS_MESSAGE_TRUNCATE = 5,
	DBS_MESSAGE_DDL = 6,
	DBS_MESSAGE_MESSAGE = 7,
	DBS_MESSAGE_COMMIT = 8,
	DBS_MESSAGE_HEARTBEAT = 9,
	DBS_MESSAGE_SNAPSHOT = 10,
	DBS_MESSAGE_SYNC = 11
} DbsMessageType;

typedef enum DbsRowsOp
{
	DBS_ROWS_INSERT = 1, /* each element: the new row */
	DBS_ROWS_UPDATE = 2, /* each element: the old row, then the new row */
	DBS_ROWS_DELETE = 3  /* each element: the old row */
} DbsRowsOp;

/* The first byte of a row. */
typedef enum DbsRowForm
{
	DBS_ROW_FULL = 0,    /* every column has a value */
	DBS_ROW_NULLS = 1,   /* a bitmap of NULL columns follows */
	DBS_ROW_ABSENT = 2,  /* a bitmap of NULL columns, then one of absent columns */
	DBS_ROW_SAME_KEY = 3 /* only as an update's old row: nothing follows, the key is the new row's */
} DbsRowForm;

/* hello flags */
#define DBS_HELLO_CASCADES_LOGGED 0x01 /* the source logs what its foreign-key actions change */

/* column flags in a table message */
#define DBS_COLUMN_KEY 0x01      /* part of the source's primary key, or of the key it identifies rows by */
#define DBS_COLUMN_NULLABLE 0x02 /* the source allows NULL */

/* A string inside a message: not NUL-terminated, owned by the message's buffer. */
typedef struct DbsString
{
	const char *data;
	uint32_t size;
} DbsString;

typedef struct DbsHello
{
	uint16_t version;
	uint16_t min_version;
	uint32_t flags;
	DbsString software;       /* "dbstream-bridge 0.1.0" */
	DbsString source_kind;    /* "mysql", "mariadb", "postgresql" */
	DbsString source_version; /* as the server says it */
} DbsHello;

typedef struct DbsBegin
{
	int64_t commit_time; /* microseconds since 2000-01-01 UTC; 0 when not known */
	uint32_t flags;      /* none yet: zero */
	DbsString gtid;      /* of this transaction; empty when it has none */
} DbsBegin;

typedef struct DbsColumn
{
	DbsString name;
	DbsString type_name; /* the source's own words, for messages and for creating a column: "decimal(10,2)" */
	uint8_t kind;        /* DbsKind */
	uint8_t flags;       /* DBS_COLUMN_* */
	uint32_t length;     /* characters, bytes, bits, precision or fraction digits by kind; 0 when it has none */
	uint32_t scale;      /* numeric only */
} DbsColumn;

typedef struct DbsTable
{
	uint32_t id; /* given by the sender; a later table message with the same id replaces this one */
	uint32_t column_count;
	DbsString schema; /* as the source names it */
	DbsString name;
} DbsTable;

typedef struct DbsRows
{
	uint32_t table_id;
	uint32_t count;
	uint32_t adjusted; /* values in this message that a policy changed (zero dates, NUL bytes) */
	uint8_t op;        /* DbsRowsOp */
} DbsRows;

/* The whole table; or, where partition is not empty, the rows that the condition chooses. */
typedef struct DbsTruncate
{
	DbsString schema;
	DbsString name;
	DbsString partition; /* its name at the source, for people */
	DbsString condition; /* in PostgreSQL's words */
	DbsString columns;   /* as in CREATE TABLE; empty when only PostgreSQL would choose the same rows */
} DbsTruncate;

/* ddl flags */
#define DBS_DDL_NO_FOREIGN_KEY_CHECKS 0x01 /* the session ran with foreign_key_checks = 0 */

#define DBS_UTC_OFFSET_UNKNOWN INT32_MIN

typedef struct DbsDdl
{
	uint64_t sql_mode;        /* the session's, as MySQL's bit mask */
	int64_t time;             /* what CURRENT_TIMESTAMP gave it: microseconds since 2000-01-01 UTC; 0 when not known */
	int32_t utc_offset;       /* of the session's time zone then: seconds, east is positive; or ..._UNKNOWN */
	uint32_t flags;           /* DBS_DDL_* */
	DbsString default_schema; /* may be empty */
	DbsString charset;        /* name of the character set that the text was converted from */
	DbsString text;           /* UTF-8 */
} DbsDdl;

/* The position after this transaction: reading may start again exactly here. */
typedef struct DbsCommit
{
	int64_t commit_time;
	DbsString position; /* "binlog.000042:1234"; opaque to the extension */
	DbsString gtid_set; /* everything applied once this is applied; empty when the source has none */
} DbsCommit;

/* The source has nothing more than this: safe to record, since no transaction is open. */
typedef struct DbsHeartbeat
{
	int64_t time;
	DbsString position;
	DbsString gtid_set;
} DbsHeartbeat;

/*
 * A step of a backfill: the copy of rows that were there before the log's part that is read. Rows messages between
 * transactions belong to the chunk of their table that is open.
 */
typedef enum DbsSnapshotStep
{
	DBS_SNAPSHOT_START = 1, /* position, gtid_set: where the log is read from, once the tables are copied */
	DBS_SNAPSHOT_TABLE = 2, /* schema, name, text (CREATE TABLE), number (rows estimated), bytes (estimated), position
							   (the log's end before the text was read), gtid_set (the bridge's own description) */
	DBS_SNAPSHOT_CHUNK = 3, /* schema, name, number (of the range of the table's key that it is part of, from 1) */
	DBS_SNAPSHOT_CHUNK_END = 4, /* the same, rows, bytes, text (key of the last row as a JSON array) */
	DBS_SNAPSHOT_END = 5,       /* position, gtid_set: the log's end after the last row was read */
	DBS_SNAPSHOT_CAUGHT_UP = 6, /* everything before the END step's position has been sent */
	DBS_SNAPSHOT_GONE = 7,      /* schema, name: the source has no such table any more */
	DBS_SNAPSHOT_PLANNED = 8,   /* every table that is to be copied has been announced */
	DBS_SNAPSHOT_CUT = 9        /* schema, name, number (of a range), rows (number of a new one), text (a key as a JSON
							   array): the range ends with this key, and the new one goes from there to its end */
} DbsSnapshotStep;

/* snapshot flags */
#define DBS_SNAPSHOT_LAST 0x01  /* CHUNK_END: the range is whole; with the last of them the table */
#define DBS_SNAPSHOT_WHOLE 0x02 /* TABLE, CHUNK, CHUNK_END: no key, so one chunk, as of a position */
#define DBS_SNAPSHOT_AGAIN 0x04 /* TABLE: whatever is there goes, the copy begins from nothing */

typedef struct DbsSnapshot
{
	uint32_t step; /* DbsSnapshotStep */
	uint32_t flags;
	uint64_t number;
	uint64_t rows;
	uint64_t bytes;
	DbsString schema;
	DbsString name;
	DbsString text;
	DbsString position; /* CHUNK_END with WHOLE: the rows are as of here */
	DbsString gtid_set;
} DbsSnapshot;

typedef struct DbsLogicalMessage
{
	DbsString prefix;
	DbsString content;
} DbsLogicalMessage;

/*
 * What receive() answers, as a bytea of DBS_RECEIPT_SIZE bytes.
 */
#define DBS_RECEIPT_SIZE 48

typedef enum DbsReceiptState
{
	DBS_RECEIPT_RUNNING = 1,
	DBS_RECEIPT_STOPPED = 2, /* the apply worker has ended (its error is recorded): close, wait, open again */
	DBS_RECEIPT_OUTDATED = 3 /* the stream's definition has changed since the session began: not taken; open again */
} DbsReceiptState;

typedef struct DbsReceipt
{
	uint8_t state;
	uint64_t next_batch;    /* the number the next batch must carry */
	uint64_t credit;        /* payload bytes that may be sent beyond what has been received so far */
	uint64_t applied_bytes; /* payload bytes of this session consumed by the apply worker */
	int64_t applied_time;   /* commit time at the source of the last applied transaction; 0 when none yet */
	uint64_t sync_wanted;   /* highest token somebody waits for; answer with a sync message once caught up */
} DbsReceipt;

/* ---- writer ---------------------------------------------------------- */

/*
 * A writer appends to a buffer that the caller owns and has made large enough:
 * the dbs_put functions check nothing.  Use dbs_wire_room first.
 */
typedef struct DbsWriter
{
	char *data;
	size_t used;
	size_t size;
	size_t message; /* where the open message begins */
} DbsWriter;

static inline size_t
dbs_wire_room(const DbsWriter *w)
{
	return w->size - w->used;
}

static inline void
dbs_put_bytes(DbsWriter *w, const void *from, size_t size)
{
	if (size > 0)
		memcpy(w->data + w->used, from, size);
	w->used += size;
}

static inline void
dbs_put_u8(DbsWriter *w, uint8_t v)
{
	w->data[w->used++] = (char) v;
}

/* The byte order is checked once, in wire_write.c: a big-endian machine does not compile. */
static inline void
dbs_put_u16(DbsWriter *w, uint16_t v)
{
	memcpy(w->data + w->used, &v, sizeof v);
	w->used += sizeof v;
}

static inline void
dbs_put_u32(DbsWriter *w, uint32_t v)
{
	memcpy(w->data + w->used, &v, sizeof v);
	w->used += sizeof v;
}

static inline void
dbs_put_u64(DbsWriter *w, uint64_t v)
{
	memcpy(w->data + w->used, &v, sizeof v);
	w->used += sizeof v;
}

static inline void
dbs_put_i64(DbsWriter *w, int64_t v)
{
	dbs_put_u64(w, (uint64_t) v);
}

/* Zero bytes up to the next multiple of 4, counted from the start of the buffer; messages begin at multiples of 8. */
static inline void
dbs_put_align4(DbsWriter *w)
{
	while (w->used & 3)
		w->data[w->used++] = 0;
}

/* A string of a message that is not a row: u32 size, bytes; not aligned. */
static inline void
dbs_put_string(DbsWriter *w, const char *data, size_t size)
{
	dbs_put_u32(w, (uint32_t) size);
	dbs_put_bytes(w, data, size);
}

/* A value of a variable-length kind in a row: alignment, u32 size, bytes.  At most size + 7 bytes. */
static inline void
dbs_put_varying(DbsWriter *w, const void *data, size_t size)
{
	dbs_put_align4(w);
	dbs_put_u32(w, (uint32_t) size);
	dbs_put_bytes(w, data, size);
}

/*
 * The beginning of a row of so many columns.  nulls is used by the forms NULLS
 * and ABSENT, absent by ABSENT alone; either is (columns + 7) / 8 bytes whose
 * bits beyond the last column are zero.  At most 1 + 2 * ((columns + 7) / 8) bytes.
 */
static inline void
dbs_put_row_form(DbsWriter *w, DbsRowForm form, uint32_t columns, const uint8_t *nulls, const uint8_t *absent)
{
	size_t bytes = ((size_t) columns + 7) / 8;

	dbs_put_u8(w, (uint8_t) form);
	if (form == DBS_ROW_NULLS || form == DBS_ROW_ABSENT)
		dbs_put_bytes(w, nulls, bytes);
	if (form == DBS_ROW_ABSENT)
		dbs_put_bytes(w, absent, bytes);
}

/* Open a message (w->used is a multiple of 8 here); close it: its size is filled in, at most 7 bytes of padding added.
 */
void dbs_message_begin(DbsWriter *w, DbsMessageType type);
void dbs_message_end(DbsWriter *w);

/*
 * Whole messages.  Each returns false, and leaves the writer as it was, when
 * the room does not suffice.
 */
bool dbs_put_hello(DbsWriter *w, const DbsHello *hello);
bool dbs_put_begin(DbsWriter *w, const DbsBegin *begin);
bool dbs_put_table(DbsWriter *w, const DbsTable *table, const DbsColumn *columns);
bool dbs_put_truncate(DbsWriter *w, const DbsTruncate *truncate);
bool dbs_put_ddl(DbsWriter *w, const DbsDdl *ddl);
bool dbs_put_logical_message(DbsWriter *w, const DbsLogicalMessage *message);
bool dbs_put_commit(DbsWriter *w, const DbsCommit *commit);
bool dbs_put_heartbeat(DbsWriter *w, const DbsHeartbeat *heartbeat);
bool dbs_put_sync(DbsWriter *w, uint64_t token);
bool dbs_put_snapshot(DbsWriter *w, const DbsSnapshot *snapshot);

/*
 * A rows message is written in steps: begin, then row bytes with dbs_put_row_form
 * and the value writers, then end with the counts.
 */
bool dbs_rows_begin(DbsWriter *w, uint32_t table_id, DbsRowsOp op);
void dbs_rows_end(DbsWriter *w, uint32_t count, uint32_t adjusted);

void dbs_put_receipt(char out[DBS_RECEIPT_SIZE], const DbsReceipt *receipt);
bool dbs_get_receipt(const char *data, size_t size, DbsReceipt *receipt);

/* ---- reader ---------------------------------------------------------- */

/*
 * A reader walks over one message body.  The first thing that does not fit
 * sets error (a constant sentence) and every later call returns false.
 */
typedef struct DbsReader
{
	const char *start; /* of the body; alignment counts from here */
	const char *at;
	const char *end;
	const char *error;
} DbsReader;

typedef struct DbsMessage
{
	DbsMessageType type;
	char *body; /* at a multiple of 8 from the start of the stream */
	size_t size;
} DbsMessage;

/*
 * Look at the message at the start of data[0..size).  Returns the bytes it
 * takes with header and padding, 0 when more bytes are needed (*needed says
 * how many in all, as far as known), or SIZE_MAX when the bytes are no message
 * (*error says why).
 */
size_t dbs_message_next(char *data, size_t size, DbsMessage *message, size_t *needed, const char **error);

void dbs_reader_init(DbsReader *r, const DbsMessage *message);

bool dbs_get_hello(DbsReader *r, DbsHello *hello);
bool dbs_get_begin(DbsReader *r, DbsBegin *begin);
bool dbs_get_table(DbsReader *r, DbsTable *table); /* then one dbs_get_column for each column */
bool dbs_get_column(DbsReader *r, DbsColumn *column);
bool dbs_get_rows(DbsReader *r, DbsRows *rows); /* then the rows, with the functions below */
bool dbs_get_truncate(DbsReader *r, DbsTruncate *truncate);
bool dbs_get_ddl(DbsReader *r, DbsDdl *ddl);
bool dbs_get_logical_message(DbsReader *r, DbsLogicalMessage *message);
bool dbs_get_commit(DbsReader *r, DbsCommit *commit);
bool dbs_get_heartbeat(DbsReader *r, DbsHeartbeat *heartbeat);
bool dbs_get_sync(DbsReader *r, uint64_t *token);
bool dbs_get_snapshot(DbsReader *r, DbsSnapshot *snapshot);
bool dbs_get_end(DbsReader *r); /* true when the body is used up; anything left is an error */

static inline bool
dbs_reader_fail(DbsReader *r, const char *error)
{
	if (r->error == NULL)
		r->error = error;
	r->at = r->end;
	return false;
}

static inline bool
dbs_get_u8(DbsReader *r, uint8_t *v)
{
	if (r->at >= r->end)
		return dbs_reader_fail(r, "message ends inside a byte field");
	*v = (uint8_t) *r->at++;
	return true;
}

static inline bool
dbs_get_u32(DbsReader *r, uint32_t *v)
{
	if (r->end - r->at < 4)
		return dbs_reader_fail(r, "message ends inside a 32-bit field");
	memcpy(v, r->at, 4);
	r->at += 4;
	return true;
}

static inline bool
dbs_get_u64(DbsReader *r, uint64_t *v)
{
	if (r->end - r->at < 8)
		return dbs_reader_fail(r, "message ends inside a 64-bit field");
	memcpy(v, r->at, 8);
	r->at += 8;
	return true;
}

/*
 * A row's form and bitmaps.  nulls and absent point into the message (bit i of
 * byte i / 8, lowest first; 1 = NULL, 1 = absent) or are NULL when there is
 * no such bitmap.
 */
static inline bool
dbs_get_row_form(DbsReader *r, uint32_t columns, uint8_t *form, const uint8_t **nulls, const uint8_t **absent)
{
	size_t bytes = ((size_t) columns + 7) / 8;

	*nulls = NULL;
	*absent = NULL;
	if (!dbs_get_u8(r, form))
		return false;
	if (*form == DBS_ROW_FULL || *form == DBS_ROW_SAME_KEY)
		return true;
	if (*form > DBS_ROW_SAME_KEY)
		return dbs_reader_fail(r, "unknown row form");
	if ((size_t) (r->end - r->at) < (*form == DBS_ROW_ABSENT ? 2 * bytes : bytes))
		return dbs_reader_fail(r, "message ends inside a row's bitmap");
	*nulls = (const uint8_t *) r->at;
	r->at += bytes;
	if (*form == DBS_ROW_ABSENT)
	{
		*absent = (const uint8_t *) r->at;
		r->at += bytes;
	}
	return true;
}

/* A fixed-width value of size bytes; *value points into the message, not aligned. */
static inline bool
dbs_get_fixed(DbsReader *r, size_t size, const char **value)
{
	if ((size_t) (r->end - r->at) < size)
		return dbs_reader_fail(r, "message ends inside a fixed-width value");
	*value = r->at;
	r->at += size;
	return true;
}

/* A variable-length value; its 4-byte size stands aligned directly before *value. */
static inline bool
dbs_get_varying(DbsReader *r, const char **value, uint32_t *size)
{
	const char *at = r->start + (((size_t) (r->at - r->start) + 3) & ~(size_t) 3);

	if (at > r->end || r->end - at < 4)
		return dbs_reader_fail(r, "message ends before a variable-length value");
	memcpy(size, at, 4);
	at += 4;
	if ((size_t) (r->end - at) < *size)
		return dbs_reader_fail(r, "message ends inside a variable-length value");
	*value = at;
	r->at = at + *size;
	return true;
}

#endif
