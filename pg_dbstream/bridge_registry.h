/*
 * The registry of bridges in shared memory: who is connected, what each last
 * reported of its streams, and the board on which a backend asks a bridge for
 * something and waits for the answer.
 *
 * All of it is lost at a restart of the server, and nothing depends on it
 * but what people see.
 */
#ifndef DBS_BRIDGE_REGISTRY_H
#define DBS_BRIDGE_REGISTRY_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define DBS_BRIDGE_NAME_SIZE 64
#define DBS_BRIDGE_VERSION_SIZE 32
#define DBS_POSITION_SIZE 512

/* One connection of a bridge: the control connection, or one for each stream. */
typedef struct DbsBridgeConnection
{
	int pid; /* of the backend; 0: free */
	Oid database;
	int protocol;
	TimestampTz connected_at;
	TimestampTz called_at; /* the last call of hello, report or requests */
	char name[DBS_BRIDGE_NAME_SIZE];
	char version[DBS_BRIDGE_VERSION_SIZE];
} DbsBridgeConnection;

/* What a bridge last said of a stream. Numbers are -1, times 0 and texts empty where it did not say. */
typedef struct DbsStreamReport
{
	int stream_id; /* 0: free */
	Oid database;
	int pid; /* of the backend that it came through */
	TimestampTz at;
	TimestampTz last_event_at; /* when the source last sent an event or heartbeat */
	int64 bytes_behind;
	int64 events;
	int64 bytes;
	int64 rows;
	int64 rss_bytes; /* of the bridge's process */
	char bridge[DBS_BRIDGE_NAME_SIZE];
	char received_position[DBS_POSITION_SIZE];
	char source_position[DBS_POSITION_SIZE];
} DbsStreamReport;

/*
 * For the library's shared memory hooks. The size is in bytes. init is called
 * from shmem_startup_hook with AddinShmemInitLock held.
 */
Size dbs_bridge_registry_shmem_size(void);
void dbs_bridge_registry_shmem_init(void);

/* Is the library in shared_preload_libraries, so that there is shared memory? */
bool dbs_bridge_registry_present(void);

/* The error with the remedy, when it is not. */
void dbs_bridge_registry_require(void);

/* Make this backend a bridge's, until it exits. */
void dbs_bridge_register(const char *name, const char *version, int protocol);

/* The name this backend's bridge gave in its hello; an error when it gave none. */
const char *dbs_bridge_self(void);

/* How many connections of bridges this database has. */
int dbs_bridge_count(void);

/* The remedy where there is none: how to start one for this database; palloc'd. */
char *dbs_bridge_command(void);

/* Copies of this database's entries, palloc'd; the count is returned. 0 and NULL without shared memory. */
int dbs_bridge_connections(DbsBridgeConnection **connections);
int dbs_stream_reports(DbsStreamReport **reports);

/* Keep a report; at, database, pid and bridge are filled in here. Reports of streams no more known are overwritten. */
void dbs_stream_report(const DbsStreamReport *report);

/* Forget what was reported of a stream. */
void dbs_stream_report_forget(int stream_id);

/*
 * Put a question on the board and wait for a bridge's answer. Returns palloc'd
 * JSON text, or NULL when nobody answered in time; *taken then says whether a bridge
 * had taken it. Waits with interrupts checked; the caller holds no lock.
 */
char *dbs_bridge_ask(const char *kind, const char *question, int timeout_ms, bool *taken);

/* A question for this bridge to answer. The texts are palloc'd. */
typedef struct DbsBridgeRequest
{
	int64 id;
	char *kind;
	char *question;
} DbsBridgeRequest;

/* Take the oldest question of this database that nobody has taken; false when there is none. */
bool dbs_bridge_take(DbsBridgeRequest *request);

/* Answer one; false when nobody waits for it any more. An answer that is too long is an error. */
bool dbs_bridge_answer_request(int64 id, const char *answer);

#endif
