/*
 * What the files share that read the binary log: the reader's state, and the parts of its work.
 *
 * binlog_reader.c keeps count of the position and hands each event to its part: binlog_transaction.c, binlog_xa.c,
 * binlog_statement.c, binlog_rows.c. Nobody else includes this.
 */
#ifndef DBS_BRIDGE_BINLOG_READER_STATE_H
#define DBS_BRIDGE_BINLOG_READER_STATE_H

#include <pthread.h>

#include "binlog_event.h"
#include "binlog_reader.h"
#include "compressed_event.h"
#include "gtid_mariadb.h"
#include "gtid_mysql.h"
#include "table_cache.h"
#include "time_zone.h"
#include "transaction_payload.h"
#include "wire_transaction.h"
#include "xa_list.h"

typedef enum LogState
{
	LOG_BETWEEN,    /* reading may start again here */
	LOG_ANNOUNCED,  /* after MySQL's GTID event */
	LOG_STANDALONE, /* after a MariaDB GTID event for one statement */
	LOG_OPEN        /* in a transaction */
} LogState;

/* See binlog_reader_skip. */
typedef struct SkippedTable
{
	const char *schema;
	const char *name;
	SourcePoint before;
} SkippedTable;

struct BinlogReader
{
	const StreamConfig *config;
	CharsetCatalog *charsets;
	TimeZones time_zones;
	Outbox *outbox;
	ServerFlavour flavour;
	TableCache *tables;
	WireTransaction wire;
	BinlogFormat format;
	BinlogFormat nested_format; /* of events in a TRANSACTION_PAYLOAD: they have no checksum */
	ByteBuffer inflated;
	TransactionPayload *payload;
	XaList *prepared;
	XaLog *xa_log;          /* see binlog_reader_set_xa_log */
	XaGroup *xa_due;        /* it counts here: its rows come after this event */
	bool in_xa;             /* the open transaction is an XA one */
	const XaGroup *reading; /* an XA transaction that is read again; NULL: none */
	bool reading_ended;     /* it is whole */
	const uint8_t *raw;     /* the event that is being looked at, unless it is kept already; NULL then */
	size_t raw_size;
	SkippedTable *skipped;
	size_t skipped_count;
	bool tells_statements; /* see binlog_reader_tell_statements */

	BinlogPlace place;   /* after the event that is being looked at */
	BinlogPlace event;   /* where that event begins */
	BinlogPlace restart; /* the last place where reading may start again */
	bool located;        /* restart is a place of this server's log */
	BinlogPlace skip_to;
	bool muted; /* before skip_to: keep count, send nothing */

	LogState state;
	bool dropped; /* the transaction is an echo, or unwanted: nothing of it is sent */

	MysqlGtidSet *mysql_set;
	MariadbGtidPosition *mariadb_position;
	bool gtids_known;
	SourcePoint gtids_from; /* the set is reported from here on */
	MysqlGtid mysql_gtid;   /* of the open transaction; number 0: none */
	MariadbGtid mariadb_gtid;
	bool mariadb_gtid_pending;

	bool unmarked;         /* something complete has not been marked in the outbox */
	SourcePoint point;     /* everything before it has been put into the outbox or needs no message */
	SourcePoint reported;  /* the last place that a commit or a heartbeat carried */
	int64_t reported_time; /* when, by the local clock */
	uint64_t reported_bytes;
	bool idle_beat; /* the server's heartbeat has come since the last event */
	uint64_t events;
	uint64_t bytes;

	pthread_mutex_t progress_lock;
	SourceProgress progress;
};

/* A long transaction updates the counters that others see every so many events. */
#define BINLOG_PUBLISH_EVENTS 256

/* ---- binlog_reader.c ---- */

/* Hand an event to its part. */
MUST_CHECK bool binlog_reader_dispatch(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format,
									   Failure *failure);

/* The format of a file: its transactions' compressed events are like the others, without checksums. */
void binlog_reader_set_nested_format(BinlogReader *reader, const BinlogFormat *format);

/* Let other threads see the counters as they are now. */
void binlog_reader_publish(BinlogReader *reader);

/* Say where the log stands, as of now (microseconds of the wire's epoch). */
MUST_CHECK bool binlog_reader_heartbeat(BinlogReader *reader, int64_t now, Failure *failure);

/* Does binlog_reader_skip leave out the table's rows in the event at hand? */
bool binlog_reader_is_skipped(const BinlogReader *reader, const CachedTable *table);

/* ---- binlog_transaction.c ---- */

/* A GTID event: a new transaction begins. */
MUST_CHECK bool binlog_transaction_mysql_gtid(BinlogReader *reader, const BinlogEvent *event, Failure *failure);
MUST_CHECK bool binlog_transaction_mariadb_gtid(BinlogReader *reader, const BinlogEvent *event, Failure *failure);

/* BEGIN or its like. */
MUST_CHECK bool binlog_transaction_open(BinlogReader *reader, Failure *failure);

/* The transaction is over; what it had for the stream has been sent. */
MUST_CHECK bool binlog_transaction_end(BinlogReader *reader, const BinlogEvent *event, Failure *failure);

/* The log goes on, by the event named, whatever is open; new_file: where the server began a new one. */
MUST_CHECK bool binlog_transaction_cut(BinlogReader *reader, const char *by, bool new_file, Failure *failure);

/* Refuse an event that belongs into a transaction, where none is open. */
MUST_CHECK bool binlog_transaction_missing(const BinlogReader *reader, const BinlogEvent *event, Failure *failure);

/* ---- binlog_statement.c ---- */

MUST_CHECK bool binlog_statement(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format,
								 Failure *failure);

/* Does the text begin so, in any case of letters? */
bool query_event_begins(const QueryEvent *query, const char *words);

/* ---- binlog_xa.c ---- */

/* A statement that begins with "XA ". */
MUST_CHECK bool binlog_xa_statement(BinlogReader *reader, const BinlogEvent *event, const QueryEvent *query,
									Failure *failure);
MUST_CHECK bool binlog_xa_prepare(BinlogReader *reader, const BinlogEvent *event, Failure *failure);

/* The open transaction is an XA one, from here on. */
MUST_CHECK bool binlog_xa_begin(BinlogReader *reader, Failure *failure);

/* Does what is read now belong to an XA transaction that is being prepared? Then it is left out, and kept: */
bool binlog_xa_holds_back(const BinlogReader *reader);

/* Keep the event that is being looked at. One of a compressed transaction is kept with all of it. */
void binlog_xa_keep(BinlogReader *reader);

/* The XA transaction that is due counts here, and ends the open one. */
MUST_CHECK bool binlog_xa_apply(BinlogReader *reader, const BinlogEvent *event, Failure *failure);

/* ---- binlog_rows.c ---- */

MUST_CHECK bool binlog_rows_table_map(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format,
									  Failure *failure);
MUST_CHECK bool binlog_rows(BinlogReader *reader, const BinlogEvent *event, const BinlogFormat *format,
							Failure *failure);

#endif
