/*
 * The reader of the binary log: takes its events in order, keeps count of position and GTIDs, and puts the transactions
 * that concern the stream into the outbox.
 *
 * It decides where reading may start again (between transactions only), what is sent, and what is refused. It does no
 * input of its own and takes no locks except for its progress, which other threads may read.
 */
#ifndef DBS_BRIDGE_BINLOG_READER_H
#define DBS_BRIDGE_BINLOG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "binlog_place.h"
#include "charset.h"
#include "failure.h"
#include "mysql_connection.h"
#include "outbox.h"
#include "source.h"
#include "stream_config.h"

typedef struct BinlogReader BinlogReader;
typedef struct XaLog XaLog;

/* Where the log is read from, and what is known of it. */
typedef struct BinlogStart
{
	BinlogPlace place;      /* of the first event; with by_gtid the recorded place, which may not be known */
	bool by_gtid;           /* the server chooses the file and leaves out what gtid_set has */
	bool gtid_set_known;    /* gtid_set is everything before place */
	char *gtid_set;         /* owned by the start; NULL: empty */
	BinlogPlace skip_to;    /* read and throw away everything before this place of the same file; file empty: nothing */
	SourcePoint gtids_from; /* before it GTID sets are not reported: transactions without a GTID may lie ahead */
	SourcePoint all_read;   /* the server has nothing new up to here; zero: not known */
	bool beside;            /* a second look at the log while the stream reads it: by a server id of its own */
} BinlogStart;

void binlog_start_clear(BinlogStart *start);

/* All are kept by reference, except start. */
MUST_CHECK BinlogReader *binlog_reader_new(const StreamConfig *config, ServerFlavour flavour, const BinlogStart *start,
										   CharsetCatalog *charsets, Outbox *outbox, Failure *failure);
void binlog_reader_free(BinlogReader *reader);

/*
 * Say where reading begins, before the first event. It is recorded before anything can fail, so that a stream
 * told to start at "now" comes back to this very place, and not to a later now, when its first session ends early.
 */
MUST_CHECK bool binlog_reader_announce(BinlogReader *reader, Failure *failure);

/* One event as the server sent it. A failure carries the position of the event. */
MUST_CHECK bool binlog_reader_event(BinlogReader *reader, const uint8_t *data, size_t size, Failure *failure);

/*
 * Between events: mark what is complete. idle: the server has nothing more to read right now, so what
 * is complete should go out. Sends a heartbeat when the place has moved without anything of the stream.
 */
MUST_CHECK bool binlog_reader_settle(BinlogReader *reader, bool idle, Failure *failure);

/* True when a settle with idle would send something: worth a look whether more can be read. */
bool binlog_reader_unsettled(const BinlogReader *reader);

/*
 * Rows of this table that the log has before this point are known already: they are left out. The names are kept by
 * reference. Said again of a table, the last counts.
 */
MUST_CHECK bool binlog_reader_skip(BinlogReader *reader, const char *schema, const char *name, SourcePoint before,
								   Failure *failure);

/* Where XA transactions are read again; kept by reference. */
void binlog_reader_set_xa_log(BinlogReader *reader, XaLog *log);

/* Say the log's position right before each statement: where it stands to a table's definition is of interest. */
void binlog_reader_tell_statements(BinlogReader *reader);

/* The GTIDs of all that was read; empty when they are not known whole, NULL when memory runs out. */
const char *binlog_reader_gtid_set(BinlogReader *reader);

/* Everything before it has been put into the outbox or needs no message. For the reading thread. */
SourcePoint binlog_reader_point(const BinlogReader *reader);

/* Between transactions, and everything before the point has been put into the outbox. */
bool binlog_reader_past(const BinlogReader *reader, SourcePoint point);

/* Safe from any thread. */
void binlog_reader_progress(const BinlogReader *reader, SourceProgress *progress);

#endif
