/*
 * Calls of dbstream.receive() go out in a pipeline, each followed by a sync so
 * that it is a transaction of its own: the backend holds no snapshot between them.
 * The receipt that answers each says how many more bytes the queue takes.
 *
 * libpq copies a batch when it is sent, so the outbox has it back at once; what
 * libpq holds is bounded by MAX_IN_FLIGHT calls.
 *
 * One thread sends, but while it sleeps in poll() the source's thread does it in its stead, as the outbox's courier:
 * that saves a wake-up between a commit at the source and its rows here.  Whoever holds the lock has the connection and
 * all that is in the target; the sending thread leaves it only while it sleeps.
 *
 * While there is nothing to send, an empty call asks for a receipt: often when
 * the queue is full, seldom when the source is idle.
 */
#include "postgres_target.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "postgres_connection.h"
#include "report.h"

#define MAX_IN_FLIGHT 8
#define MAX_BYTES_IN_FLIGHT (4 * OUTBOX_BATCH_SIZE)
#define FULL_POLL_MS 2
#define IDLE_POLL_MS 100
#define SYNC_POLL_MS 5
#define REPORT_MS 1000

typedef enum CallKind
{
	CALL_RECEIVE,
	CALL_REPORT
} CallKind;

typedef struct Call
{
	CallKind kind;
	size_t size; /* payload bytes */
} Call;

struct PostgresTarget
{
	Target base;
	TargetInput in;
	int stop_fd;
	bool stopping;

	pthread_mutex_t lock;    /* see above */
	bool courier_failed;     /* why is in the next */
	Failure courier_failure; /* what the source's thread met while it sent */

	Call calls[MAX_IN_FLIGHT + 2]; /* in flight, oldest at first; room for a report and an empty call besides */
	unsigned first;
	unsigned count;
	unsigned empty_calls; /* of those in flight, the ones without payload */

	uint64_t next_batch;
	uint64_t sent;      /* payload bytes, of calls made */
	uint64_t acked;     /* of calls answered */
	DbsReceipt receipt; /* the last one */
	bool greeted;       /* there was one */
	size_t slice;       /* the most payload in one call: the queue must hold two */

	OutboxBatch *batch; /* being sent */
	size_t batch_at;
	SourcePoint sent_point; /* everything before it has been sent */
	uint64_t synced;        /* newest token sent */

	bool settling;     /* answers no longer matter */
	int64_t asked_ms;  /* when the last call went out that brings a receipt */
	int64_t report_ms; /* when the last report went out */
	bool report_failed;
};

static const TargetOps postgres_target_ops;

static bool send_as_courier(void *context);

static bool
point_reached(SourcePoint reached, SourcePoint wanted)
{
	return reached.file > wanted.file || (reached.file == wanted.file && reached.offset >= wanted.offset);
}

static bool
prepare(PGconn *conn, const char *name, const char *sql, Failure *failure)
{
	PGresult *result = PQprepare(conn, name, sql, 0, NULL);
	bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;

	if (!ok)
		postgres_connection_failed(conn, result, failure);
	PQclear(result);
	return ok;
}

PostgresTarget *
postgres_target_new(const TargetInput *input, int stop_fd, Failure *failure)
{
	PostgresTarget *target = calloc(1, sizeof *target);

	if (target == NULL)
	{
		failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a stream's target");
		return NULL;
	}
	target->base.ops = &postgres_target_ops;
	target->in = *input;
	target->stop_fd = stop_fd;
	target->next_batch = 1;
	if (!prepare(input->conn, "receive", "SELECT dbstream.receive($1::int8, $2::int8, $3::bytea)", failure) ||
		!prepare(input->conn, "report", "SELECT dbstream.bridge_report($1::int4, $2::jsonb)", failure))
	{
		free(target);
		return NULL;
	}
	if (!PQenterPipelineMode(input->conn))
	{
		postgres_connection_failed(input->conn, NULL, failure);
		free(target);
		return NULL;
	}
	pthread_mutex_init(&target->lock, NULL);
	outbox_set_courier(input->outbox, send_as_courier, target);
	return target;
}

void
postgres_target_free(PostgresTarget *target)
{
	if (target == NULL)
		return;
	if (target->batch != NULL)
		outbox_release(target->in.outbox, target->batch);
	pthread_mutex_destroy(&target->lock);
	free(target);
}

bool
postgres_target_applied(const PostgresTarget *target)
{
	return target->greeted && target->receipt.applied_time != 0;
}

/* ---- calls ---- */

static void
remember_call(PostgresTarget *target, CallKind kind, size_t size)
{
	Call *call = &target->calls[(target->first + target->count) % (MAX_IN_FLIGHT + 2)];

	call->kind = kind;
	call->size = size;
	target->count++;
	target->sent += size;
	if (kind == CALL_RECEIVE && size == 0)
		target->empty_calls++;
}

/* One call of receive(); data may be empty. */
static bool
call_receive(PostgresTarget *target, const char *data, size_t size, Failure *failure)
{
	uint64_t session = htobe64((uint64_t) target->in.session);
	uint64_t batch = htobe64(target->next_batch);
	const char *values[] = {(const char *) &session, (const char *) &batch, data};
	const int lengths[] = {8, 8, (int) size};
	static const int formats[] = {1, 1, 1};

	if (!PQsendQueryPrepared(target->in.conn, "receive", 3, values, lengths, formats, 1) ||
		!PQpipelineSync(target->in.conn))
		return postgres_connection_failed(target->in.conn, NULL, failure);
	remember_call(target, CALL_RECEIVE, size);
	if (size > 0)
		target->next_batch++;
	target->asked_ms = clock_now_ms();
	return true;
}

static bool
call_report(PostgresTarget *target, Failure *failure)
{
	uint32_t stream = htonl((uint32_t) target->in.stream_id);
	char *json = report_json(target->in.ops, target->in.source, target->in.watcher);
	const char *values[] = {(const char *) &stream, json};
	const int lengths[] = {4, 0};
	static const int formats[] = {1, 0};
	bool ok = json != NULL;

	target->report_ms = clock_now_ms();
	if (!ok)
		return true; /* a report that is missing harms nothing */
	ok = PQsendQueryPrepared(target->in.conn, "report", 2, values, lengths, formats, 1) &&
		 PQpipelineSync(target->in.conn);
	free(json);
	if (!ok)
		return postgres_connection_failed(target->in.conn, NULL, failure);
	remember_call(target, CALL_REPORT, 0);
	return true;
}

/* ---- answers ---- */

static bool
take_receipt(PostgresTarget *target, const PGresult *result, Failure *failure)
{
	if (PQntuples(result) != 1 || PQgetisnull(result, 0, 0) ||
		!dbs_get_receipt(PQgetvalue(result, 0, 0), (size_t) PQgetlength(result, 0, 0), &target->receipt))
		return failure_set(failure, FAILURE_FATAL, "handshake", "Install the extension that matches this bridge.",
						   "the extension answered a batch with something that is no receipt");
	if (!target->greeted)
	{
		size_t half = (size_t) (target->receipt.credit / 2) & ~(size_t) 7;

		target->greeted = true;
		target->slice = half < OUTBOX_BATCH_SIZE ? half : OUTBOX_BATCH_SIZE;
	}
	if (target->receipt.sync_wanted > target->synced)
		watcher_want(target->in.watcher, target->receipt.sync_wanted);
	if (target->receipt.state == DBS_RECEIPT_STOPPED)
		return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_WORKER_STOPPED, "See dbstream.errors for its error.",
						   "the apply worker has ended");
	if (target->receipt.state == DBS_RECEIPT_OUTDATED)
		return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_OUTDATED, NULL,
						   "the definition of the stream has changed");
	return true;
}

static bool
take_answer(PostgresTarget *target, const PGresult *result, Failure *failure)
{
	const Call *call = &target->calls[target->first];

	if (target->settling)
		return true;
	if (call->kind == CALL_REPORT)
	{
		if (PQresultStatus(result) == PGRES_TUPLES_OK && target->in.ops->confirm != NULL &&
			PQgetlength(result, 0, 0) > 0)
			target->in.ops->confirm(target->in.source, PQgetvalue(result, 0, 0));
		if (PQresultStatus(result) != PGRES_TUPLES_OK && !target->report_failed)
		{
			target->report_failed = true;
			log_line(LOG_LEVEL_WARNING, target->in.stream, "reports to the status views fail: %s",
					 PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
		}
		return true;
	}
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return postgres_connection_failed(target->in.conn, result, failure);
	target->acked += call->size;
	return take_receipt(target, result, failure);
}

/* The sync that ends the oldest call has been answered. */
static void
forget_call(PostgresTarget *target)
{
	const Call *call = &target->calls[target->first];

	if (call->kind == CALL_RECEIVE && call->size == 0)
		target->empty_calls--;
	target->first = (target->first + 1) % (MAX_IN_FLIGHT + 2);
	target->count--;
}

/* Take every answer that has arrived. */
static bool
take_answers(PostgresTarget *target, Failure *failure)
{
	PGconn *conn = target->in.conn;
	bool ok = true;

	if (!PQconsumeInput(conn))
		return postgres_connection_failed(conn, NULL, failure);
	while (ok && target->count > 0 && !PQisBusy(conn))
	{
		PGresult *result = PQgetResult(conn);

		if (result == NULL && PQstatus(conn) != CONNECTION_OK)
			return postgres_connection_failed(conn, NULL, failure);
		if (result == NULL)
			continue; /* the end of one call's results; its sync follows */
		if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
			forget_call(target);
		else
			ok = take_answer(target, result, failure);
		PQclear(result);
	}
	if (ok && PQstatus(conn) != CONNECTION_OK)
		return postgres_connection_failed(conn, NULL, failure);
	return ok;
}

/* ---- sending ---- */

static uint64_t
credit_left(const PostgresTarget *target)
{
	uint64_t in_flight = target->sent - target->acked;

	return target->receipt.credit > in_flight ? target->receipt.credit - in_flight : 0;
}

static bool
may_call(const PostgresTarget *target)
{
	return target->greeted && target->count < MAX_IN_FLIGHT && target->sent - target->acked < MAX_BYTES_IN_FLIGHT;
}

/*
 * A sync goes out between batches, as a batch of its own, when all that the
 * source had when it was asked has gone before it.
 */
static bool
send_sync(PostgresTarget *target, Failure *failure)
{
	char bytes[64];
	DbsWriter writer = {bytes, 0, sizeof bytes, 0};
	SourceProgress progress;
	SourcePoint point;
	uint64_t token;

	if (target->receipt.sync_wanted <= target->synced || target->batch != NULL ||
		!watcher_answer(target->in.watcher, target->synced, &token, &point))
		return true;
	/* First the progress, then whether anything is left: the other way round could miss what comes in between. */
	target->in.ops->progress(target->in.source, &progress);
	if (!point_reached(target->sent_point, point) &&
		!(point_reached(progress.point, point) && outbox_drained(target->in.outbox)))
		return true;
	if (!dbs_put_sync(&writer, token))
		return failure_set(failure, FAILURE_FATAL, "internal", NULL, "a sync message does not fit its buffer");
	if (credit_left(target) < writer.used)
		return true;
	target->synced = token;
	return call_receive(target, bytes, writer.used, failure);
}

/* Send as much as credit and pipeline take. *full says that there is more but no room for it. */
static bool
send_batches(PostgresTarget *target, bool *full, Failure *failure)
{
	*full = false;
	while (may_call(target))
	{
		size_t size;

		if (target->batch == NULL)
		{
			if (!send_sync(target, failure))
				return false;
			if (!may_call(target))
				return true;
			target->batch = outbox_take(target->in.outbox);
			target->batch_at = 0;
			if (target->batch == NULL)
				return true;
		}
		size = target->batch->size - target->batch_at;
		if (size > target->slice)
			size = target->slice;
		if (size == 0 || credit_left(target) < size)
		{
			*full = true;
			return true;
		}
		if (!call_receive(target, target->batch->data + target->batch_at, size, failure))
			return false;
		target->batch_at += size;
		if (target->batch_at == target->batch->size)
		{
			if (target->batch->point.file != 0 || target->batch->point.offset != 0)
				target->sent_point = target->batch->point;
			outbox_release(target->in.outbox, target->batch);
			target->batch = NULL;
		}
	}
	return true;
}

/*
 * Called by the source's thread while the sending one sleeps, or is just waking: then there is nothing to do here.
 * What is out of the ordinary is left to it too.
 */
static bool
send_as_courier(void *context)
{
	PostgresTarget *target = context;
	bool full, done;

	if (pthread_mutex_trylock(&target->lock) != 0)
		return false;
	if (target->courier_failed)
		done = false;
	else if (!send_batches(target, &full, &target->courier_failure))
	{
		target->courier_failed = true;
		done = false;
	}
	else
		done = !full && target->batch == NULL && PQflush(target->in.conn) == 0;
	pthread_mutex_unlock(&target->lock);
	return done;
}

/* Ask for a receipt when none is due soon, and report. */
static bool
send_questions(PostgresTarget *target, bool full, Failure *failure)
{
	int64_t now = clock_now_ms();
	bool room = target->count < MAX_IN_FLIGHT;

	if (room && target->empty_calls == 0 &&
		(!target->greeted || now - target->asked_ms >= (full ? FULL_POLL_MS : IDLE_POLL_MS)) &&
		!call_receive(target, "", 0, failure))
		return false;
	if (target->greeted && target->count < MAX_IN_FLIGHT && now - target->report_ms >= REPORT_MS)
		return call_report(target, failure);
	return true;
}

/* Sleep until there is something to do. */
static bool
wait_for_work(PostgresTarget *target, bool full, bool unsent, Failure *failure)
{
	struct pollfd fds[3] = {{PQsocket(target->in.conn), (short) (unsent ? POLLIN | POLLOUT : POLLIN), 0},
							{outbox_wake_fd(target->in.outbox), POLLIN, 0},
							{target->stop_fd, POLLIN, 0}};
	bool for_batch = target->batch == NULL && may_call(target);
	bool sync_due = target->receipt.sync_wanted > target->synced;
	int timeout = full ? FULL_POLL_MS : sync_due ? SYNC_POLL_MS : IDLE_POLL_MS;
	int ready, error;

	if (for_batch && !outbox_prepare_wait(target->in.outbox))
		return true;
	pthread_mutex_unlock(&target->lock);
	ready = poll(fds, 3, timeout);
	error = errno;
	pthread_mutex_lock(&target->lock);
	outbox_end_wait(target->in.outbox);
	target->stopping = fds[2].revents != 0;
	if (ready < 0 && error != EINTR)
		return failure_set(failure, FAILURE_RETRY, FAILURE_CODE_POSTGRESQL_LOST, NULL, "waiting for PostgreSQL: %s",
						   strerror(error));
	if (target->courier_failed)
		*failure = target->courier_failure;
	return !target->courier_failed;
}

/* Has the source ended, and is all it marked in the queue? */
static bool
all_delivered(PostgresTarget *target)
{
	return outbox_finished(target->in.outbox) && target->batch == NULL && target->sent == target->acked &&
		   outbox_drained(target->in.outbox);
}

static bool
run_locked(PostgresTarget *target, Failure *failure)
{
	while (!target->stopping && !outbox_stopping(target->in.outbox))
	{
		bool full;
		int unsent;

		if (!take_answers(target, failure) || !send_batches(target, &full, failure) ||
			!send_questions(target, full, failure))
			return false;
		if (target->greeted && all_delivered(target))
			return true;
		unsent = PQflush(target->in.conn);
		if (unsent < 0)
			return postgres_connection_failed(target->in.conn, NULL, failure);
		if (!wait_for_work(target, full, unsent > 0, failure))
			return false;
	}
	return true;
}

bool
postgres_target_run(PostgresTarget *target, Failure *failure)
{
	bool ok;

	pthread_mutex_lock(&target->lock);
	ok = run_locked(target, failure);
	/* From here on the source's thread may not send: a courier that has failed does nothing. */
	target->courier_failed = true;
	pthread_mutex_unlock(&target->lock);
	return ok;
}

bool
postgres_target_settle(PostgresTarget *target, int timeout_ms)
{
	int64_t deadline = clock_now_ms() + timeout_ms;
	PGconn *conn = target->in.conn;

	/* The failure that ended the session is the one that counts: errors of calls behind it are its echo. */
	target->settling = true;
	while (target->count > 0)
	{
		struct pollfd fd = {PQsocket(conn), POLLIN, 0};
		int64_t left = deadline - clock_now_ms();
		Failure ignored;
		int unsent = PQflush(conn);

		if (unsent < 0 || !take_answers(target, &ignored) || left <= 0)
			return false;
		if (target->count == 0)
			break;
		if (unsent > 0)
			fd.events |= POLLOUT;
		poll(&fd, 1, (int) left);
	}
	return PQexitPipelineMode(conn) == 1;
}

/* ---- as any target ---- */

static bool
target_run(Target *target, Failure *failure)
{
	return postgres_target_run((PostgresTarget *) target, failure);
}

static bool
target_applied(const Target *target)
{
	return postgres_target_applied((const PostgresTarget *) target);
}

static bool
target_settle(Target *target, int timeout_ms)
{
	return postgres_target_settle((PostgresTarget *) target, timeout_ms);
}

static void
target_free(Target *target)
{
	postgres_target_free((PostgresTarget *) target);
}

static const TargetOps postgres_target_ops = {
	.run = target_run,
	.applied = target_applied,
	.settle = target_settle,
	.free = target_free,
};
