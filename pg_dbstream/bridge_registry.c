/*
 * Bridges in shared memory.
 *
 * One lock guards everything: entries are few, and are touched about once a
 * second by each bridge and by people who look. Nobody waits for another
 * process while holding it. A backend removes its own entries when it exits;
 * a backend that is killed takes the shared memory with it.
 */
#include "postgres.h"

#include "bridge_registry.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/postmaster.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define MAX_CONNECTIONS 256
#define MAX_REPORTS 256
#define MAX_REQUESTS 8
#define QUESTION_SIZE (64 * 1024)
#define ANSWER_SIZE (256 * 1024)
#define KIND_SIZE 32

typedef enum RequestState
{
	REQUEST_FREE = 0,
	REQUEST_WAITING,
	REQUEST_TAKEN,
	REQUEST_ANSWERED
} RequestState;

typedef struct Request
{
	RequestState state;
	int64 id;
	Oid database;
	int asker; /* pid */
	int taker; /* pid, when taken */
	char kind[KIND_SIZE];
	char question[QUESTION_SIZE];
	char answer[ANSWER_SIZE];
} Request;

typedef struct Registry
{
	LWLock lock;
	int64 last_request;
	DbsBridgeConnection connections[MAX_CONNECTIONS];
	DbsStreamReport reports[MAX_REPORTS];
	Request requests[MAX_REQUESTS];
} Registry;

static Registry *registry = NULL;

/* Where this backend's own connection stands; -1 when it is no bridge's. */
static int own_connection = -1;

Size
dbs_bridge_registry_shmem_size(void)
{
	return MAXALIGN(sizeof(Registry));
}

void
dbs_bridge_registry_shmem_init(void)
{
	bool found;

	registry = ShmemInitStruct("dbstream bridges", dbs_bridge_registry_shmem_size(), &found);
	if (!found)
	{
		memset(registry, 0, sizeof(Registry));
		LWLockInitialize(&registry->lock, LWLockNewTrancheId());
	}
	LWLockRegisterTranche(registry->lock.tranche, "dbstream_bridges");
}

bool
dbs_bridge_registry_present(void)
{
	return registry != NULL;
}

void
dbs_bridge_registry_require(void)
{
	if (registry == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("dbstream must be loaded when the server starts"),
						errhint("Add dbstream to shared_preload_libraries and restart the server: ALTER SYSTEM SET "
								"shared_preload_libraries = dbstream (keep the libraries that are in it already).")));
}

/* ---- connections ----------------------------------------------------- */

static void
forget_own_entries(int code, Datum arg)
{
	LWLockAcquire(&registry->lock, LW_EXCLUSIVE);
	if (own_connection >= 0)
		memset(&registry->connections[own_connection], 0, sizeof(DbsBridgeConnection));
	for (int i = 0; i < MAX_REQUESTS; i++)
	{
		/* Another bridge may take what this one took and did not answer. */
		if (registry->requests[i].state == REQUEST_TAKEN && registry->requests[i].taker == MyProcPid)
			registry->requests[i].state = REQUEST_WAITING;
	}
	LWLockRelease(&registry->lock);
	own_connection = -1;
}

static int
free_connection(void)
{
	for (int i = 0; i < MAX_CONNECTIONS; i++)
	{
		if (registry->connections[i].pid == 0)
			return i;
	}
	return -1;
}

void
dbs_bridge_register(const char *name, const char *version, int protocol)
{
	DbsBridgeConnection *connection;
	TimestampTz now = GetCurrentTimestamp();
	bool first = own_connection < 0;

	dbs_bridge_registry_require();
	LWLockAcquire(&registry->lock, LW_EXCLUSIVE);
	if (first)
		own_connection = free_connection();
	if (own_connection < 0)
	{
		LWLockRelease(&registry->lock);
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						errmsg("all %d places for connections of bridges are taken", MAX_CONNECTIONS),
						errhint("Stop bridges that are not needed.")));
	}
	connection = &registry->connections[own_connection];
	connection->pid = MyProcPid;
	connection->database = MyDatabaseId;
	connection->protocol = protocol;
	connection->called_at = now;
	if (first)
		connection->connected_at = now;
	strlcpy(connection->name, name, sizeof connection->name);
	strlcpy(connection->version, version, sizeof connection->version);
	LWLockRelease(&registry->lock);
	if (first)
		before_shmem_exit(forget_own_entries, (Datum) 0);
}

const char *
dbs_bridge_self(void)
{
	dbs_bridge_registry_require();
	if (own_connection < 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("this connection has not introduced itself as a bridge"),
						errhint("Call dbstream.bridge_hello() first.")));
	/* Only this backend writes here. */
	return registry->connections[own_connection].name;
}

int
dbs_bridge_connections(DbsBridgeConnection **connections)
{
	int count = 0;

	*connections = NULL;
	if (registry == NULL)
		return 0;
	*connections = palloc(sizeof(DbsBridgeConnection) * MAX_CONNECTIONS);
	LWLockAcquire(&registry->lock, LW_SHARED);
	for (int i = 0; i < MAX_CONNECTIONS; i++)
	{
		if (registry->connections[i].pid != 0 && registry->connections[i].database == MyDatabaseId)
			(*connections)[count++] = registry->connections[i];
	}
	LWLockRelease(&registry->lock);
	return count;
}

int
dbs_bridge_count(void)
{
	DbsBridgeConnection *connections;
	int count = dbs_bridge_connections(&connections);

	if (connections != NULL)
		pfree(connections);
	return count;
}

char *
dbs_bridge_command(void)
{
	return psprintf("Start one: dbstream-bridge --conninfo 'host=<this server> port=%d dbname=%s user=<a member of "
					"dbstream_bridge>'",
					PostPortNumber, get_database_name(MyDatabaseId));
}

/* ---- reports --------------------------------------------------------- */

int
dbs_stream_reports(DbsStreamReport **reports)
{
	int count = 0;

	*reports = NULL;
	if (registry == NULL)
		return 0;
	*reports = palloc(sizeof(DbsStreamReport) * MAX_REPORTS);
	LWLockAcquire(&registry->lock, LW_SHARED);
	for (int i = 0; i < MAX_REPORTS; i++)
	{
		if (registry->reports[i].stream_id != 0 && registry->reports[i].database == MyDatabaseId)
			(*reports)[count++] = registry->reports[i];
	}
	LWLockRelease(&registry->lock);
	return count;
}

/* The stream's own entry, or else a free one, or else the one that is oldest. */
static DbsStreamReport *
report_entry(int stream_id)
{
	DbsStreamReport *best = NULL;

	for (int i = 0; i < MAX_REPORTS; i++)
	{
		DbsStreamReport *entry = &registry->reports[i];

		if (entry->stream_id == stream_id && entry->database == MyDatabaseId)
			return entry;
		if (best == NULL || (best->stream_id != 0 && (entry->stream_id == 0 || entry->at < best->at)))
			best = entry;
	}
	return best;
}

void
dbs_stream_report(const DbsStreamReport *report)
{
	const char *bridge = dbs_bridge_self();
	TimestampTz now = GetCurrentTimestamp();
	DbsStreamReport *entry;

	LWLockAcquire(&registry->lock, LW_EXCLUSIVE);
	entry = report_entry(report->stream_id);
	*entry = *report;
	entry->database = MyDatabaseId;
	entry->pid = MyProcPid;
	entry->at = now;
	strlcpy(entry->bridge, bridge, sizeof entry->bridge);
	registry->connections[own_connection].called_at = now;
	LWLockRelease(&registry->lock);
}

void
dbs_stream_report_forget(int stream_id)
{
	if (registry == NULL)
		return;
	LWLockAcquire(&registry->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_REPORTS; i++)
	{
		DbsStreamReport *entry = &registry->reports[i];

		if (entry->stream_id == stream_id && entry->database == MyDatabaseId)
			memset(entry, 0, sizeof *entry);
	}
	LWLockRelease(&registry->lock);
}

/* ---- the request board ----------------------------------------------- */

/* Runs when the wait ends, in whatever way: the entry is the asker's own as long as its id stands there. */
static void
withdraw_request(int code, Datum arg)
{
	int64 id = DatumGetInt64(arg);

	LWLockAcquire(&registry->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_REQUESTS; i++)
	{
		if (registry->requests[i].id == id)
		{
			registry->requests[i].state = REQUEST_FREE;
			registry->requests[i].id = 0;
		}
	}
	LWLockRelease(&registry->lock);
}

static Request *
put_request(const char *kind, const char *question)
{
	Request *request = NULL;

	LWLockAcquire(&registry->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_REQUESTS && request == NULL; i++)
	{
		if (registry->requests[i].state == REQUEST_FREE)
			request = &registry->requests[i];
	}
	if (request != NULL)
	{
		request->state = REQUEST_WAITING;
		request->id = ++registry->last_request;
		request->database = MyDatabaseId;
		request->asker = MyProcPid;
		request->taker = 0;
		strlcpy(request->kind, kind, sizeof request->kind);
		strlcpy(request->question, question, sizeof request->question);
		request->answer[0] = '\0';
	}
	LWLockRelease(&registry->lock);
	return request;
}

static char *
wait_for_answer(Request *request, int timeout_ms, bool *taken)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);
	char *answer = palloc(ANSWER_SIZE);

	for (;;)
	{
		long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);
		RequestState state;

		ResetLatch(MyLatch);
		LWLockAcquire(&registry->lock, LW_SHARED);
		state = request->state;
		if (state == REQUEST_ANSWERED)
			strlcpy(answer, request->answer, ANSWER_SIZE);
		LWLockRelease(&registry->lock);
		*taken = state == REQUEST_TAKEN;
		if (state == REQUEST_ANSWERED)
			return answer;
		if (left <= 0)
			return NULL;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, left, PG_WAIT_EXTENSION);
		CHECK_FOR_INTERRUPTS();
	}
}

char *
dbs_bridge_ask(const char *kind, const char *question, int timeout_ms, bool *taken)
{
	Request *request;
	char *answer = NULL;
	Datum id;

	*taken = false;
	dbs_bridge_registry_require();
	if (strlen(question) >= QUESTION_SIZE)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the stream's definition is too long to be checked by a bridge"),
						errdetail("It has %zu bytes, at most %d can be sent.", strlen(question), QUESTION_SIZE - 1),
						errhint("Use fewer, wider table patterns.")));
	request = put_request(kind, question);
	if (request == NULL)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						errmsg("%d requests to bridges are waiting already", MAX_REQUESTS),
						errhint("Try again in a few seconds.")));
	/* Only the asker changes the id of its own entry. */
	id = Int64GetDatum(request->id);
	PG_ENSURE_ERROR_CLEANUP(withdraw_request, id);
	{
		answer = wait_for_answer(request, timeout_ms, taken);
	}
	PG_END_ENSURE_ERROR_CLEANUP(withdraw_request, id);
	withdraw_request(0, id);
	return answer;
}

bool
dbs_bridge_take(DbsBridgeRequest *request)
{
	Request *oldest = NULL;

	(void) dbs_bridge_self();
	/* Room first: nothing may fail while the lock is held. */
	request->kind = palloc(KIND_SIZE);
	request->question = palloc(QUESTION_SIZE);
	LWLockAcquire(&registry->lock, LW_EXCLUSIVE);
	registry->connections[own_connection].called_at = GetCurrentTimestamp();
	for (int i = 0; i < MAX_REQUESTS; i++)
	{
		Request *entry = &registry->requests[i];

		if (entry->state == REQUEST_WAITING && entry->database == MyDatabaseId &&
			(oldest == NULL || entry->id < oldest->id))
			oldest = entry;
	}
	if (oldest != NULL)
	{
		oldest->state = REQUEST_TAKEN;
		oldest->taker = MyProcPid;
		request->id = oldest->id;
		strlcpy(request->kind, oldest->kind, KIND_SIZE);
		strlcpy(request->question, oldest->question, QUESTION_SIZE);
	}
	LWLockRelease(&registry->lock);
	return oldest != NULL;
}

bool
dbs_bridge_answer_request(int64 id, const char *answer)
{
	PGPROC *asker = NULL;
	size_t size = strlen(answer);
	bool found = false;

	(void) dbs_bridge_self();
	if (size >= ANSWER_SIZE)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("the answer is too long"),
						errdetail("It has %zu bytes, at most %d can be kept.", size, ANSWER_SIZE - 1)));
	LWLockAcquire(&registry->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_REQUESTS; i++)
	{
		Request *entry = &registry->requests[i];

		if (entry->id != id || entry->state != REQUEST_TAKEN || entry->taker != MyProcPid)
			continue;
		memcpy(entry->answer, answer, size + 1);
		entry->state = REQUEST_ANSWERED;
		asker = BackendPidGetProc(entry->asker);
		if (asker != NULL)
			SetLatch(&asker->procLatch);
		found = true;
	}
	LWLockRelease(&registry->lock);
	return found;
}
