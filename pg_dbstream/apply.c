/*
 * Groups and messages: see apply.h.
 *
 * A group is one target transaction over whole source transactions.  It ends
 * as soon as nothing more waits in the queue and no source transaction is
 * open, so that it holds no locks while the sender is away; while more waits, it goes on
 * up to its limits, which saves commits when the stream is behind.
 */
#include "apply.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "backfill.h"
#include "backfill_record.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "replication/origin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define GROUP_TRANSACTIONS 1000
#define GROUP_BYTES (8 * 1024 * 1024)
#define GROUP_MS 200
#define COUNTERS_MS 1000

DbsApply dbs_apply;

void
dbs_apply_begin_group(void)
{
	if (dbs_apply.in_group)
		return;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(dbs_apply.message_context);
	dbs_apply.in_group = true;
	dbs_apply.group_transactions = 0;
	dbs_apply.group_bytes = 0;
	dbs_apply.group_started = GetCurrentTimestamp();
}

/*
 * A position as the origin's 64 bits: the file's number and the offset of
 * "name.000042:1234"; 1 for anything else.  It serves readers of the WAL; the position
 * that counts is in dbstream.progress.
 */
static XLogRecPtr
origin_lsn(const char *position)
{
	const char *dot = strrchr(position, '.');
	uint64 file, offset;
	char *end;

	if (dot == NULL)
		return 1;
	file = strtoull(dot + 1, &end, 10);
	if (*end != ':')
		return 1;
	offset = strtoull(end + 1, NULL, 10);
	return Max((file << 32) | (offset & 0xffffffff), 1);
}

static void
publish(TimestampTz now)
{
	DbsSlot *slot = dbs_apply.slot;
	uint64 memory = MemoryContextMemAllocated(TopMemoryContext, true);

	SpinLockAcquire(&slot->mutex);
	slot->last_apply_at = now;
	slot->applied_commit_time = dbs_apply.progress.source_commit_time;
	strlcpy(slot->applied_position, dbs_apply.position.data, sizeof slot->applied_position);
	slot->applied_lsn = XactLastCommitEnd;
	slot->transactions = dbs_apply.session_transactions;
	slot->rows = dbs_apply.session_rows;
	slot->memory_bytes = memory;
	if (slot->sync_done < dbs_apply.sync_reached)
		slot->sync_done = dbs_apply.sync_reached;
	SpinLockRelease(&slot->mutex);
}

void
dbs_apply_commit_group(bool idle)
{
	TimestampTz now = GetCurrentTimestamp();

	Assert(!dbs_apply.in_transaction);
	if (!dbs_apply.in_group)
		dbs_apply_begin_group();
	dbs_flush_all_inserts();
	dbs_targets_close();

	dbs_apply.progress.position = dbs_apply.position.data;
	dbs_apply.progress.gtid_set = dbs_apply.gtid_set.data;
	if (dbs_apply.group_dirty)
		dbs_progress_store(dbs_apply.stream->id, &dbs_apply.progress);
	if (dbs_counters_pending() &&
		(TimestampDifferenceExceeds(dbs_apply.counters_flushed, now, COUNTERS_MS) || dbs_apply.sync_reached > 0))
		dbs_counters_flush();
	replorigin_session_origin_lsn = origin_lsn(dbs_apply.position.data);
	replorigin_session_origin_timestamp = dbs_apply.progress.source_commit_time;
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(dbs_apply.message_context);
	resetStringInfo(&dbs_apply.committed);
	appendBinaryStringInfo(&dbs_apply.committed, dbs_apply.position.data, dbs_apply.position.len);
	dbs_apply.in_group = false;
	dbs_apply.group_dirty = false;
	dbs_apply.end_group = false;
	dbs_apply.group_transactions = 0;
	publish(now);
	dbs_apply.sync_reached = 0;
	pgstat_report_stat(idle);
}

static bool
group_is_full(void)
{
	if (dbs_apply.cautious > 0)
	{
		dbs_apply.cautious--;
		return true;
	}
	return dbs_apply.group_transactions >= GROUP_TRANSACTIONS || dbs_apply.group_bytes >= GROUP_BYTES ||
		   TimestampDifferenceExceeds(dbs_apply.group_started, GetCurrentTimestamp(), GROUP_MS);
}

static void
malformed(const char *what, const DbsReader *reader)
{
	ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
					errmsg("malformed %s message: %s", what, reader->error != NULL ? reader->error : "unexpected")));
}

static void
set_string(StringInfo to, DbsString from)
{
	resetStringInfo(to);
	appendBinaryStringInfo(to, from.data, (int) from.size);
}

static void
apply_hello(DbsReader *reader)
{
	DbsHello hello;

	if (!dbs_get_hello(reader, &hello))
		malformed("hello", reader);
	if (hello.min_version > DBS_WIRE_VERSION || hello.version < DBS_WIRE_MIN_VERSION)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("the bridge speaks wire versions %u to %u, the extension %d to %d", hello.min_version,
							   hello.version, DBS_WIRE_MIN_VERSION, DBS_WIRE_VERSION),
						errhint("Install a bridge and an extension of the same version.")));
	dbs_apply.cascades_logged = (hello.flags & DBS_HELLO_CASCADES_LOGGED) != 0;
	dbs_apply.mariadb = hello.source_kind.size == 7 && memcmp(hello.source_kind.data, "mariadb", 7) == 0;
	dbs_apply.from_postgres = hello.source_kind.size == 10 && memcmp(hello.source_kind.data, "postgresql", 10) == 0;
}

static void
apply_begin(DbsReader *reader)
{
	DbsBegin begin;

	if (!dbs_get_begin(reader, &begin))
		malformed("begin", reader);
	if (dbs_apply.in_transaction)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("a transaction begins inside another")));

	/* What is whole is not put at risk, nor kept waiting, by a transaction that may be long in coming. */
	if (dbs_apply.group_transactions > 0 && dbs_apply.in_group &&
		!dbs_queue_holds(&dbs_apply.reader, DBS_MESSAGE_COMMIT))
		dbs_apply_commit_group(false);
	dbs_apply_begin_group();
	dbs_apply.in_transaction = true;
	dbs_apply.changed = false;
	dbs_apply.begin_time = begin.commit_time;
	set_string(&dbs_apply.gtid, begin.gtid);
}

/* All that is before the token has come: say so once it is committed. */
static void
reach_sync(uint64 token)
{
	if (dbs_backfill_pending())
	{
		dbs_apply.sync_put_off = Max(dbs_apply.sync_put_off, token);
		return;
	}
	dbs_apply.sync_reached = Max(dbs_apply.sync_reached, token);
	dbs_apply_commit_group(false);
}

static void
apply_commit(DbsReader *reader)
{
	DbsCommit commit;

	if (!dbs_get_commit(reader, &commit))
		malformed("commit", reader);
	if (!dbs_apply.in_transaction)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("a commit without a transaction")));
	dbs_apply.in_transaction = false;
	set_string(&dbs_apply.position, commit.position);
	set_string(&dbs_apply.gtid_set, commit.gtid_set);
	resetStringInfo(&dbs_apply.gtid);
	if (commit.commit_time != 0)
		dbs_apply.progress.source_commit_time = commit.commit_time;
	dbs_apply.progress.transactions++;
	dbs_apply.session_transactions++;
	dbs_apply.group_transactions++;
	dbs_apply.group_dirty = true;
	if (dbs_apply.sync_within != 0)
	{
		uint64 token = dbs_apply.sync_within;

		dbs_apply.sync_within = 0;
		reach_sync(token);
	}
	if (dbs_apply.end_group || group_is_full())
		dbs_apply_commit_group(false);
}

static bool
string_is(const StringInfoData *a, DbsString b)
{
	return a->len == (int) b.size && memcmp(a->data, b.data, b.size) == 0;
}

static void
apply_heartbeat(DbsReader *reader)
{
	DbsHeartbeat beat;
	bool first = dbs_apply.position.len == 0;

	if (!dbs_get_heartbeat(reader, &beat))
		malformed("heartbeat", reader);
	if (dbs_apply.in_transaction ||
		(string_is(&dbs_apply.position, beat.position) && string_is(&dbs_apply.gtid_set, beat.gtid_set)))
		return;
	dbs_apply_begin_group();
	set_string(&dbs_apply.position, beat.position);
	set_string(&dbs_apply.gtid_set, beat.gtid_set);
	dbs_apply.group_dirty = true;

	/* Where the stream begins is recorded before anything can fail: else the next session would begin elsewhere. */
	if (first)
		dbs_apply_commit_group(false);
}

/* Everything the source had when the token was asked for is before this message. */
static void
apply_sync(DbsReader *reader)
{
	uint64 token;

	if (!dbs_get_sync(reader, &token))
		malformed("sync", reader);
	if (dbs_apply.in_transaction)
	{
		/* The bridge asks between two batches, and a long transaction has many: what it asks for is before it. */
		dbs_apply.sync_within = Max(dbs_apply.sync_within, token);
		return;
	}
	reach_sync(token);
}

static void
require_transaction(void)
{
	if (!dbs_apply.in_transaction)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("a change outside a transaction")));
}

static void
apply_truncate(DbsReader *reader)
{
	DbsTruncate truncate;

	if (!dbs_get_truncate(reader, &truncate))
		malformed("truncate", reader);
	require_transaction();
	dbs_apply.changed = true;
	(void) dbs_apply_truncate(&truncate);
}

static void
apply_ddl(DbsReader *reader)
{
	DbsDdl ddl;

	if (!dbs_get_ddl(reader, &ddl))
		malformed("ddl", reader);
	require_transaction();

	/* What is whole stands apart from a schema change, which may fail or need a fresh transaction. */
	if (!dbs_apply.changed && dbs_apply.group_transactions > 0)
	{
		dbs_apply.in_transaction = false;
		dbs_apply_commit_group(false);
		dbs_apply_begin_group();
		dbs_apply.in_transaction = true;
	}
	dbs_apply.changed = true;
	dbs_apply_ddl(&ddl);
}

void
dbs_apply_message(DbsMessage *message)
{
	DbsReader reader;

	MemoryContextSwitchTo(dbs_apply.message_context);
	dbs_reader_init(&reader, message);
	dbs_apply.group_bytes += message->size;
	switch (message->type)
	{
		case DBS_MESSAGE_HELLO:
			apply_hello(&reader);
			break;
		case DBS_MESSAGE_BEGIN:
			apply_begin(&reader);
			break;
		case DBS_MESSAGE_TABLE:
			/* A description may replace one whose rows are gathered: these are in the target's shape already. */
			dbs_table_define(&reader);
			break;
		case DBS_MESSAGE_ROWS:
			if (dbs_backfill_takes_rows())
			{
				dbs_backfill_rows(&reader);
				break;
			}
			require_transaction();
			dbs_apply.changed = true;
			if (dbs_backfill_active && dbs_backfill_leaves_out(&reader))
				break;
			dbs_apply_rows(&reader);
			break;
		case DBS_MESSAGE_SNAPSHOT:
			dbs_backfill_step(&reader);
			break;
		case DBS_MESSAGE_TRUNCATE:
			apply_truncate(&reader);
			break;
		case DBS_MESSAGE_DDL:
			apply_ddl(&reader);
			break;
		case DBS_MESSAGE_COMMIT:
			apply_commit(&reader);
			break;
		case DBS_MESSAGE_HEARTBEAT:
			apply_heartbeat(&reader);
			break;
		case DBS_MESSAGE_SYNC:
			apply_sync(&reader);
			break;
		case DBS_MESSAGE_MESSAGE:
		default:
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("the stream holds a message of type %d, which an inbound stream does not take",
								   (int) message->type)));
	}
	MemoryContextReset(dbs_apply.message_context);
}
