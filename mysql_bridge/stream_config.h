/*
 * What a stream is to do, as SQL says it: read from dbstream.bridge_streams()
 * when the stream starts and not changed while it runs.
 */
#ifndef DBS_BRIDGE_STREAM_CONFIG_H
#define DBS_BRIDGE_STREAM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

typedef enum SslModeName
{
	SSL_MODE_NAME_DISABLED,
	SSL_MODE_NAME_PREFERRED,
	SSL_MODE_NAME_REQUIRED,
	SSL_MODE_NAME_VERIFY_CA,
	SSL_MODE_NAME_VERIFY_IDENTITY
} SslModeName;

typedef struct ConnectionConfig
{
	char *name; /* as in create_connection */
	char *kind; /* "mysql", "mariadb", "postgresql" */
	char *host;
	unsigned port;
	char *socket; /* NULL: TCP */
	char *user;
	char *password; /* resolved from literal, file or environment; NULL: none */
	SslModeName ssl_mode;
	char *ssl_ca;
	char *ssl_cert;
	char *ssl_key;
	unsigned connect_timeout; /* seconds */
	char *database;           /* of mysql and mariadb: where an outbound stream keeps its position */
	char *dbname;             /* of postgresql: the database that is read */
} ConnectionConfig;

typedef enum ZeroDates
{
	ZERO_DATES_NULL,
	ZERO_DATES_ERROR
} ZeroDates;

typedef enum FollowBy
{
	FOLLOW_AUTO, /* GTIDs where the source has them */
	FOLLOW_GTID,
	FOLLOW_FILE
} FollowBy;

/* Whose row is kept where the target's is not what the source's change expects; in the order of the option's words. */
typedef enum ConflictPolicy
{
	CONFLICTS_STOP,
	CONFLICTS_SOURCE_WINS,
	CONFLICTS_TARGET_WINS,
	CONFLICTS_LATEST_WINS
} ConflictPolicy;

typedef enum TargetTables
{
	TARGET_TABLES_CREATE, /* used as they are, a row with the same key replaced; so with append */
	TARGET_TABLES_TRUNCATE,
	TARGET_TABLES_APPEND,
	TARGET_TABLES_REFUSE
} TargetTables;

/* A table that was copied: what the log says of it before that place is in the copy. Malloc'd texts. */
typedef struct CopiedTable
{
	char *schema;
	char *name;
	char *before; /* a position of the source's log */
} CopiedTable;

typedef struct StreamConfig
{
	int id;
	char *name;
	bool outbound; /* from the bridge's own PostgreSQL to target */
	bool relay;    /* from source to target, both MySQL or MariaDB; otherwise from source to the bridge's PostgreSQL */
	ConnectionConfig source;
	ConnectionConfig target;
	char **tables; /* patterns, "!" ones exclude; NULL-terminated */
	ZeroDates zero_dates;
	bool strip_nul_bytes;
	bool binary16_as_uuid;
	bool full_before_images; /* send whole old rows, not only their key */
	ConflictPolicy conflicts;
	char *conflict_column;     /* NULL: none */
	char *start;               /* the option; NULL: none given */
	unsigned increment_offset; /* the values of identities that belong to the bridge's own PostgreSQL; 0: no matter */
	unsigned increment;
	FollowBy follow;
	uint32_t server_id;         /* 0: choose one that is stable for this stream */
	unsigned backfill_workers;  /* connections that copy tables at once */
	unsigned heartbeat_seconds; /* how often an idle source must be heard of */
	char **schemas;             /* pairs: the source's name, the target's; NULL-terminated */
	TargetTables target_tables; /* what becomes of tables that are at the target before they are copied */
	bool null_unsupported;      /* values that the target cannot hold become NULL, counted */

	/* Filled in by the session of a stream that reads PostgreSQL, this one or another; by reference. */
	const char *postgres_conninfo;
	const char *slot_name;
	bool careful; /* the last session has met a conflict */
	char *copied; /* tables that were copied, as the output plugin's option takes them; malloc'd, may be NULL */
	CopiedTable *copied_tables; /* the same for a source that has no numbers for tables; malloc'd, may be NULL */
	size_t copied_count;
} StreamConfig;

/* Where to begin. kind "backfill": copy the tables first, then read from where that began. kind "position": resume from
 * position / gtid_set; else as the option "start" says. */
typedef struct StartPoint
{
	char *kind;     /* "backfill", "position", "now", "earliest", "file", "gtid" */
	char *position; /* "binlog.000042:1234" for position and file, else empty */
	char *gtid_set; /* for position and gtid, else empty */
	char *backfill; /* what is recorded of a backfill under way, as JSON; NULL: nothing */
	char *server;   /* the server whose log position is a place of; NULL or empty: not known */
} StartPoint;

/*
 * Read one row of bridge_streams(), as one JSON object. secret is the literal password of the source's
 * connection, or NULL; without it the password is read from the file or the environment variable that the
 * connection names. The caller frees the result.
 */
MUST_CHECK StreamConfig *stream_config_parse(const char *json, const char *secret, Failure *failure);
void stream_config_free(StreamConfig *config);

/* Does such a row describe a stream from the bridge's own PostgreSQL? */
bool stream_config_is_outbound(const char *json);

/* The target's name for a schema of the source: the option "schemas", else the same. */
const char *stream_config_schema(const StreamConfig *config, const char *schema);

/* Does it describe a stream between two MySQL servers? */
bool stream_config_is_relay(const char *json);

/* The literal password of the target, which stream_config_parse is not told where the source has one too. */
void stream_config_target_secret(StreamConfig *config, const char *secret);

/* The name of the target's connection in such a row, for bridge_secret(), when both ends are connections; malloc'd. */
char *stream_config_target_name(const char *json);

/* The name of the connection in such a row, be it source or target, for bridge_secret(); malloc'd, NULL when the row is
 * malformed. */
char *stream_config_source_name(const char *json);

#endif
