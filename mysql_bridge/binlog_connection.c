/*
 * A connection that the server sends its binary log over: see binlog_connection.h.
 *
 * What the session tells the server by user variables, under MySQL's old and new names:
 * - that this reader understands checksums, so that events come as they are in the file and their sizes add up;
 * - how often it wants a heartbeat when there is nothing to send;
 * - (MariaDB) that it understands everything up to GTIDs, or the server would put dummies in place of events.
 */
#include "binlog_connection.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "client_library.h"
#include "gtid_mysql.h"

/* Dump flags: MariaDB leaves ANNOTATE_ROWS events out unless asked for them. */
#define DUMP_SEND_ANNOTATE_ROWS 0x02

#define SERVER_FATAL_READING_LOG 1236
#define SERVER_ID_IN_USE 4052 /* MariaDB; MySQL says the same as a 1236 */

struct BinlogConnection
{
	MYSQL *mysql;
	Dump *dump;
	const StreamConfig *config;
	uint32_t server_id;
};

/* Ids that are chosen here are even; those of a second connection are odd. */
#define BESIDE 1u

/*
 * Two bridges of different databases may have streams with the same number at one source, and a server throws the
 * older of two readers with the same id out. So the id is random, but the same for a stream as long as the process
 * lives.
 */
static uint32_t process_secret;
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void
choose_secret(void)
{
	if (getrandom(&process_secret, sizeof process_secret, 0) != sizeof process_secret)
		process_secret = (uint32_t) (uintptr_t) &process_secret;
}

static uint32_t
chosen_server_id(const StreamConfig *config)
{
	uint64_t hash;

	pthread_once(&secret_once, choose_secret);
	hash = ((uint64_t) process_secret << 32 | (uint32_t) config->id) * UINT64_C(0x9e3779b97f4a7c15);
	hash ^= hash >> 29;
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	return 0x80000000u | ((uint32_t) (hash >> 32) & 0x7ffffffeu);
}

uint32_t
binlog_connection_server_id(const StreamConfig *config)
{
	return config->server_id != 0 ? config->server_id : chosen_server_id(config);
}

static void
random_uuid(char text[37])
{
	uint8_t bytes[16];

	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		memset(bytes, 0x5a, sizeof bytes);
	bytes[6] = (uint8_t) ((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (uint8_t) ((bytes[8] & 0x3f) | 0x80);
	snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", bytes[0], bytes[1],
			 bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7], bytes[8], bytes[9], bytes[10], bytes[11],
			 bytes[12], bytes[13], bytes[14], bytes[15]);
}

static unsigned
heartbeat_seconds(const StreamConfig *config)
{
	return config->heartbeat_seconds > 0 ? config->heartbeat_seconds : 10;
}

static bool
introduce(BinlogConnection *connection, const MysqlServer *server, const BinlogStart *start, Failure *failure)
{
	unsigned long long period = (unsigned long long) heartbeat_seconds(connection->config) * 1000000000ULL;
	char statement[512];
	char uuid[37];

	random_uuid(uuid);
	snprintf(statement, sizeof statement,
			 "SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32', "
			 "@master_heartbeat_period = %llu, @source_heartbeat_period = %llu, "
			 "@slave_uuid = '%s', @replica_uuid = '%s', @mariadb_slave_capability = 4",
			 period, period, uuid, uuid);
	if (!mysql_connection_execute(connection->mysql, statement, failure))
		return false;
	if (server->flavour == FLAVOUR_MARIADB && start->by_gtid)
	{
		const char *set = start->gtid_set != NULL ? start->gtid_set : "";
		size_t room = strlen(set) + 160;
		char *gtid_statement = malloc(room);
		bool done;

		if (gtid_statement == NULL)
			return failure_out_of_memory(failure);

		/* Strict: a position that is not in the server's log is refused, not guessed at. The set has been parsed. */
		snprintf(gtid_statement, room,
				 "SET @slave_connect_state = '%s', @slave_gtid_strict_mode = 1, @slave_gtid_ignore_duplicates = 0",
				 set);
		done = mysql_connection_execute(connection->mysql, gtid_statement, failure);
		free(gtid_statement);
		return done;
	}
	return true;
}

typedef struct LogError
{
	const char *words; /* in the server's message */
	FailureClass class;
	const char *code;
	const char *hint;
} LogError;

#define HINT_PURGED                                                                                                    \
	"What the stream has not read yet is gone from the source. Copy the tables anew: drop the stream, create it and "  \
	"start it; and raise binlog_expire_logs_seconds (MariaDB: expire_logs_days) there."
#define HINT_DIVERGED                                                                                                  \
	"The server's log was reset, or it is another server. Copy the tables anew: drop the stream, create it and start " \
	"it; or let the connection name the right server."

#define HINT_DAMAGED                                                                                                   \
	"If the position was given by hand, it is not where an event begins: SHOW BINLOG EVENTS at the source shows "      \
	"those. "                                                                                                          \
	"Otherwise the file is damaged: look into the source's error log."

/* Error 1236 is one number for many things; its messages have been the same since GTIDs came. First match counts. */
static const LogError log_errors[] = {
	{"same server_uuid/server_id", FAILURE_REJECT, "server_id_in_use",
	 "Another reader uses this server id. Set the stream's option \"server_id\" to a number that no replica and no "
	 "other "
	 "stream of this source has."},
	{"more GTIDs than the", FAILURE_REJECT, "source_diverged", HINT_DIVERGED},
	{"diverged", FAILURE_REJECT, "source_diverged", HINT_DIVERGED},
	{"not in the master's binlog", FAILURE_REJECT, "source_diverged", HINT_DIVERGED},
	{"purged", FAILURE_REJECT, "binlog_purged", HINT_PURGED},
	{"Could not find first log file", FAILURE_REJECT, "binlog_purged", HINT_PURGED},
	{"could not find next log", FAILURE_REJECT, "binlog_purged", HINT_PURGED},
	{"Could not find GTID state", FAILURE_REJECT, "binlog_purged", HINT_PURGED},
	{"Could not open log file", FAILURE_REJECT, "binlog_purged", HINT_PURGED},
	{"impossible position", FAILURE_REJECT, "source_diverged", HINT_DIVERGED},
	{"position > file size", FAILURE_REJECT, "source_diverged", HINT_DIVERGED},
	{"anonymous transaction", FAILURE_REJECT, "gtid_unavailable",
	 "The log has transactions from before gtid_mode was ON: SET GLOBAL gtid_mode = ON_PERMISSIVE at the source until "
	 "the "
	 "stream has read them, then ON again."},
	{"GTID_MODE", FAILURE_REJECT, "gtid_unavailable",
	 "Set gtid_mode=ON at the source, or the option \"follow\" to \"file\"."},
	{"bogus data", FAILURE_REJECT, "event_damaged", HINT_DAMAGED},
	{"truncated in the middle", FAILURE_REJECT, "event_damaged", HINT_DAMAGED},
	{"event read from binlog did not pass crc check", FAILURE_REJECT, "event_damaged", HINT_DAMAGED},
	{"max_allowed_packet", FAILURE_REJECT, "packet_too_large", "The log has an event of more than 1 GB."},
	{"server id was not set", FAILURE_REJECT, "source_setting", "Set server_id at the source to a number above 0."},
	{"Binary log is not open", FAILURE_REJECT, "source_setting", "Start the source with log_bin set."},
};

static bool
reading_failed(BinlogConnection *connection, Failure *failure)
{
	const char *message = mysql_error(connection->mysql);

	unsigned number = mysql_errno(connection->mysql);

	if (number != SERVER_FATAL_READING_LOG && number != SERVER_ID_IN_USE)
		return mysql_connection_failed(connection->mysql, "reading the binary log", failure);
	for (size_t i = 0; i < sizeof log_errors / sizeof log_errors[0]; i++)
		if (strcasestr(message, log_errors[i].words) != NULL)
			return failure_set(failure, log_errors[i].class, log_errors[i].code, log_errors[i].hint,
							   "the source cannot send its binary log (reader's server id %u): %s",
							   (unsigned) connection->server_id, message);
	return failure_set(failure, FAILURE_REJECT, "source_error", "Look into the source's error log.",
					   "the source cannot send its binary log: %s", message);
}

static bool
ask_for_log(BinlogConnection *connection, const MysqlServer *server, const BinlogStart *start, Failure *failure)
{
	DumpRequest request = {.file = start->place.file, .server_id = connection->server_id};
	uint8_t *encoded = NULL;
	bool done = true;

	if (server->offsets_may_lack)
		request.flags |= DUMP_SEND_ANNOTATE_ROWS;
	if (!start->by_gtid)
		request.offset = (uint32_t) start->place.point.offset;
	else if (server->flavour == FLAVOUR_MARIADB)
	{
		request.file = "";
		request.offset = BINLOG_FIRST_OFFSET;
	}
	else
	{
		MysqlGtidSet *set = mysql_gtid_set_new();

		request.file = "";
		request.offset = BINLOG_FIRST_OFFSET;
		done = set != NULL && mysql_gtid_set_parse(set, start->gtid_set != NULL ? start->gtid_set : "", failure);
		if (done)
			encoded = mysql_gtid_set_encode(set, &request.gtid_set_size);
		request.gtid_set = encoded;
		done = done && encoded != NULL;
		mysql_gtid_set_free(set);
		if (!done && failure->class == FAILURE_NONE)
			failure_out_of_memory(failure);
	}
	if (done)
	{
		connection->dump = client_library_dump(connection->mysql, &request);
		done = connection->dump != NULL || reading_failed(connection, failure);
	}
	free(encoded);
	return done;
}

BinlogConnection *
binlog_connection_open(const StreamConfig *config, const MysqlServer *server, const BinlogStart *start,
					   Failure *failure)
{
	BinlogConnection *connection = calloc(1, sizeof *connection);

	if (connection == NULL)
	{
		failure_out_of_memory(failure);
		return NULL;
	}
	connection->config = config;
	connection->server_id = start->beside ? chosen_server_id(config) | BESIDE : binlog_connection_server_id(config);

	/* Three heartbeats missing: the server or the way to it is gone. */
	connection->mysql = mysql_connection_open_reading(&config->source, 3 * heartbeat_seconds(config) + 20, failure);
	if (connection->mysql == NULL || !introduce(connection, server, start, failure) ||
		!ask_for_log(connection, server, start, failure))
	{
		binlog_connection_close(connection);
		return NULL;
	}
	return connection;
}

void
binlog_connection_close(BinlogConnection *connection)
{
	if (connection == NULL)
		return;
	if (connection->mysql != NULL)
	{
		/* The server is in the middle of its stream and reads no commands: a polite end would not be heard. */
		if (connection->dump != NULL)
			binlog_connection_interrupt(connection);
		mysql_close(connection->mysql);
	}
	client_library_dump_free(connection->dump);
	free(connection);
}

bool
binlog_connection_next(BinlogConnection *connection, const uint8_t **event, size_t *size, Failure *failure)
{
	switch (client_library_next(connection->dump, event, size))
	{
		case DUMP_EVENT:
			return true;
		case DUMP_END:
			return failure_set(failure, FAILURE_RETRY, "source_lost", "The bridge connects again by itself.",
							   "the source ended the stream of its binary log: it is shutting down, or the reader was "
							   "killed there");
		default:
			return reading_failed(connection, failure);
	}
}

bool
binlog_connection_has_more(const BinlogConnection *connection)
{
	struct pollfd pollfd = {.fd = client_library_socket(connection->mysql), .events = POLLIN};

	if (client_library_buffered(connection->mysql) > 0)
		return true;
	return poll(&pollfd, 1, 0) > 0;
}

void
binlog_connection_interrupt(BinlogConnection *connection)
{
	int socket = client_library_socket(connection->mysql);

	if (socket >= 0)
		shutdown(socket, SHUT_RDWR);
}
