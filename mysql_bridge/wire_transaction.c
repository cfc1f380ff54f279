/*
 * One source's transactions on the wire: see wire_transaction.h.
 */
#include "wire_transaction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* More than the fixed part of any message here, with header and padding. */
#define MESSAGE_OVERHEAD 128

int64_t
wire_time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000 - WIRE_EPOCH_OFFSET;
}

void
wire_transaction_init(WireTransaction *transaction, Outbox *outbox)
{
	memset(transaction, 0, sizeof *transaction);
	transaction->outbox = outbox;
}

void
wire_transaction_start(WireTransaction *transaction, const char *gtid, int64_t commit_time)
{
	transaction->begun = false;
	transaction->commit_time = commit_time;
	snprintf(transaction->gtid, sizeof transaction->gtid, "%s", gtid);
}

static DbsString
string_of(const char *text)
{
	DbsString string = {text, (uint32_t) strlen(text)};

	return string;
}

/* The room was reserved: a message that does not fit is a mistake of this file. */
static bool
put_failed(const char *message, Failure *failure)
{
	return failure_set(failure, FAILURE_FATAL, "internal", "Report this.", "no room for a %s message", message);
}

static bool
begin_once(WireTransaction *transaction, Failure *failure)
{
	DbsBegin begin = {.commit_time = transaction->commit_time, .gtid = string_of(transaction->gtid)};

	if (transaction->begun)
		return true;
	if (!outbox_reserve(transaction->outbox, MESSAGE_OVERHEAD + begin.gtid.size, failure))
		return false;
	if (!dbs_put_begin(outbox_writer(transaction->outbox), &begin))
		return put_failed("begin", failure);
	transaction->begun = true;
	return true;
}

bool
wire_transaction_rows(WireTransaction *transaction, CachedTable *table, RowsEventKind kind, const uint8_t *body,
					  size_t size, Failure *failure)
{
	RowsCount count = {0};
	bool done;

	if (!begin_once(transaction, failure))
		return false;
	if (!table->announced)
	{
		if (!source_table_put(table->table, table->wire_id, transaction->outbox, failure))
			return false;
		table->announced = true;
	}
	done = source_table_put_rows(table->table, table->wire_id, kind, body, size, transaction->outbox, &count, failure);
	transaction->rows += count.rows;
	transaction->adjusted += count.adjusted;
	return done;
}

bool
wire_transaction_ddl(WireTransaction *transaction, const DbsDdl *ddl, const Charset *charset, Failure *failure)
{
	const char *name = charset != NULL ? charset_name(charset) : "utf8mb4";
	DbsDdl sent = *ddl;
	char *converted = NULL;
	bool done = false;

	sent.charset = string_of(name);
	if (charset != NULL && !charset_is_utf8(charset) && !charset_is_binary(charset))
	{
		size_t bad_at = 0;
		size_t size;

		converted = malloc(charset_utf8_bound(charset, ddl->text.size) + 1);
		if (converted == NULL)
			return failure_set(failure, FAILURE_RETRY, "out_of_memory", "", "out of memory for a statement");
		size = charset_to_utf8(charset, (const uint8_t *) ddl->text.data, ddl->text.size, converted, &bad_at);
		if (size == SIZE_MAX)
		{
			free(converted);
			return failure_set(failure, FAILURE_REJECT, "statement_charset",
							   "Skip the statement or repeat it in UTF-8 at the source.",
							   "a statement is not valid %s at byte %zu", name, bad_at);
		}
		sent.text.data = converted;
		sent.text.size = (uint32_t) size;
	}
	if (begin_once(transaction, failure) &&
		outbox_reserve(transaction->outbox,
					   MESSAGE_OVERHEAD + sent.default_schema.size + sent.charset.size + sent.text.size, failure))
		done = dbs_put_ddl(outbox_writer(transaction->outbox), &sent) || put_failed("ddl", failure);
	free(converted);
	return done;
}

bool
wire_transaction_commit(WireTransaction *transaction, const char *position, const char *gtid_set, Failure *failure)
{
	DbsCommit commit = {
		.commit_time = transaction->commit_time,
		.position = string_of(position),
		.gtid_set = string_of(gtid_set),
	};

	if (!transaction->begun)
		return true;
	if (!outbox_reserve(transaction->outbox, MESSAGE_OVERHEAD + commit.position.size + commit.gtid_set.size, failure))
		return false;
	if (!dbs_put_commit(outbox_writer(transaction->outbox), &commit))
		return put_failed("commit", failure);
	transaction->begun = false;
	transaction->transactions++;
	return true;
}

bool
wire_transaction_heartbeat(WireTransaction *transaction, int64_t time, const char *position, const char *gtid_set,
						   Failure *failure)
{
	DbsHeartbeat heartbeat = {.time = time, .position = string_of(position), .gtid_set = string_of(gtid_set)};

	if (!outbox_reserve(transaction->outbox, MESSAGE_OVERHEAD + heartbeat.position.size + heartbeat.gtid_set.size,
						failure))
		return false;
	return dbs_put_heartbeat(outbox_writer(transaction->outbox), &heartbeat) || put_failed("heartbeat", failure);
}
