/*
 * Ordinary SQL connections: see mysql_connection.h.
 *
 * Error numbers are those of the servers' and the client library's error lists: below 2000 and from 3000
 * the server's, 2000 to 2999 the library's.
 */
#include "mysql_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client_library.h"

typedef struct ErrorClass
{
	unsigned number;
	FailureClass class;
	const char *code;
	const char *hint;
} ErrorClass;

#define HINT_UNREACHABLE "Check that the server runs and that host and port of the connection are right."
#define HINT_LOST "The bridge connects again by itself."
#define HINT_BUSY "Raise max_connections at the source, or close connections there."
#define HINT_ACCESS                                                                                                    \
	"Check user and password; change them with SELECT dbstream.alter_connection(name, '{\"user\": …, \"password\": " \
	"…}')."
#define HINT_GRANT "Run SELECT * FROM dbstream.validate_stream(name): it names the GRANT that is missing."
#define HINT_TLS                                                                                                       \
	"Check ssl_mode, ssl_ca, ssl_cert and ssl_key of the connection, and that the certificate names the host as the "  \
	"connection does (MariaDB Connector/C checks the name with VERIFY_CA too)."
#define HINT_PLUGIN                                                                                                    \
	"The client library needs that plugin (SELECT plugin FROM mysql.user at the source). caching_sha2_password wants " \
	"TLS "                                                                                                             \
	"(ssl_mode REQUIRED) or the server's public key; libmysqlclient 9 has no mysql_native_password: give the user "    \
	"another plugin, or build the bridge with MariaDB Connector/C."

#define CLIENT_TLS_ERROR 2026

static const ErrorClass error_classes[] = {
	{1040, FAILURE_RETRY, "source_busy", HINT_BUSY},
	{1203, FAILURE_RETRY, "source_busy", HINT_BUSY},
	{1226, FAILURE_RETRY, "source_busy", "Raise the user's resource limits at the source."},
	{1044, FAILURE_REJECT, "source_access_denied", HINT_GRANT},
	{1045, FAILURE_REJECT, "source_access_denied", HINT_ACCESS},
	{1698, FAILURE_REJECT, "source_access_denied", HINT_ACCESS},
	{1130, FAILURE_REJECT, "source_access_denied", "Allow the bridge's host: CREATE USER 'user'@'host' at the source."},
	{1129, FAILURE_REJECT, "source_access_denied",
	 "Run FLUSH HOSTS at the source (TRUNCATE performance_schema.host_cache)."},
	{1142, FAILURE_REJECT, "privilege_missing", HINT_GRANT},
	{1143, FAILURE_REJECT, "privilege_missing", HINT_GRANT},
	{1227, FAILURE_REJECT, "privilege_missing", HINT_GRANT},
	{1251, FAILURE_REJECT, "source_access_denied", HINT_PLUGIN},
	{1820, FAILURE_REJECT, "source_access_denied",
	 "The password has expired: ALTER USER … IDENTIFIED BY … at the source."},
	{1862, FAILURE_REJECT, "source_access_denied",
	 "The password has expired: ALTER USER … IDENTIFIED BY … at the source."},
	{3118, FAILURE_REJECT, "source_access_denied", "The account is locked: ALTER USER … ACCOUNT UNLOCK at the source."},
	{4151, FAILURE_REJECT, "source_access_denied", "The account is locked: ALTER USER … ACCOUNT UNLOCK at the source."},
	{3159, FAILURE_REJECT, "source_tls", "The server demands TLS: set ssl_mode REQUIRED or stronger."},
	{1053, FAILURE_RETRY, "source_lost", HINT_LOST},
	{1077, FAILURE_RETRY, "source_lost", HINT_LOST},
	{1079, FAILURE_RETRY, "source_lost", HINT_LOST},
	{1105, FAILURE_RETRY, "source_error", ""},
	{1152, FAILURE_RETRY, "source_lost", HINT_LOST},
	{1158, FAILURE_RETRY, "source_lost", HINT_LOST},
	{1159, FAILURE_RETRY, "source_lost", HINT_LOST},
	{1160, FAILURE_RETRY, "source_lost", HINT_LOST},
	{1161, FAILURE_RETRY, "source_lost", HINT_LOST},
	{1184, FAILURE_RETRY, "source_lost", HINT_LOST},
	{1205, FAILURE_RETRY, "source_lost", HINT_LOST},
	{1213, FAILURE_RETRY, "source_lost", HINT_LOST},
	{1317, FAILURE_RETRY, "source_lost", HINT_LOST},
	{1927, FAILURE_RETRY, "source_lost", HINT_LOST},
	{3169, FAILURE_RETRY, "source_lost", HINT_LOST},
	{4031, FAILURE_RETRY, "source_lost", HINT_LOST},
	{2002, FAILURE_RETRY, "source_unreachable", HINT_UNREACHABLE},
	{2003, FAILURE_RETRY, "source_unreachable", HINT_UNREACHABLE},
	{2005, FAILURE_RETRY, "source_unreachable", HINT_UNREACHABLE},
	{2006, FAILURE_RETRY, "source_lost", HINT_LOST},
	{2012, FAILURE_RETRY, "source_lost", HINT_LOST},
	{2013, FAILURE_RETRY, "source_lost", HINT_LOST},
	{2055, FAILURE_RETRY, "source_lost", HINT_LOST},
	{2020, FAILURE_REJECT, "packet_too_large", "Lower max_allowed_packet at the source to 1 GB or less."},
	{2054, FAILURE_REJECT, "source_access_denied", HINT_PLUGIN},
	{2058, FAILURE_REJECT, "source_access_denied", HINT_PLUGIN},
	{2059, FAILURE_REJECT, "source_access_denied", HINT_PLUGIN},
	{2061, FAILURE_REJECT, "source_access_denied", HINT_PLUGIN},
};

/*
 * Error 2026 is anything that happens to TLS: also that the server went away. Only what a person has to mend is
 * refused.
 */
static bool
tls_refused(const char *message)
{
	static const char *const words[] = {"certificate", "valid", "verif",  "required",
										"support",     "key",   "cipher", "file"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcasestr(message, words[i]) != NULL)
			return true;
	return false;
}

bool
mysql_connection_failed(MYSQL *mysql, const char *doing, Failure *failure)
{
	unsigned number = mysql_errno(mysql);

	for (size_t i = 0; i < sizeof error_classes / sizeof error_classes[0]; i++)
	{
		const ErrorClass *class = &error_classes[i];

		if (class->number == number)
			return failure_set(failure, class->class, class->code, class->hint, "%s: %s (error %u)", doing,
							   mysql_error(mysql), number);
	}
	if (number == CLIENT_TLS_ERROR && tls_refused(mysql_error(mysql)))
		return failure_set(failure, FAILURE_REJECT, "source_tls", HINT_TLS, "%s: %s (error %u)", doing,
						   mysql_error(mysql), number);
	if (number == 0 || (number >= 2000 && number < 3000))
		return failure_set(failure, FAILURE_RETRY, "source_lost", HINT_LOST, "%s: %s (client error %u)", doing,
						   number == 0 ? "the connection broke off" : mysql_error(mysql), number);
	return failure_set(failure, FAILURE_REJECT, "source_error", "", "%s: %s (server error %u)", doing,
					   mysql_error(mysql), number);
}

/* A peer that has vanished is noticed within about a minute even when nobody sends. */
static void
set_keepalive(int socket)
{
	int on = 1;
	int idle = 30;
	int interval = 10;
	int count = 3;

	if (setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) != 0)
		return;
	setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
	setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
	setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/*
 * What the bridge reads must not depend on the server's defaults. The server gives up on a client that takes nothing
 * for net_write_timeout: a stream without credit takes nothing for as long as the target likes, so that limit is high.
 */
static bool
pin_session(MYSQL *mysql, Failure *failure)
{
	static const char *const statements[] = {
		"SET SESSION sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
		"SET SESSION time_zone = '+00:00'",
		"SET SESSION wait_timeout = 2592000, net_read_timeout = 3600, net_write_timeout = 86400",
		"SET SESSION lc_messages = 'en_US'",
	};

	for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
		if (!mysql_connection_execute(mysql, statements[i], failure))
			return false;
	return true;
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void
init_library(void)
{
	mysql_library_init(0, NULL, NULL);
}

/* A server may ask a client that knows LOAD DATA LOCAL for any file: it gets none until a writer has lines for it. */
static int
refuse_file(void **handle, const char *name, void *context)
{
	*handle = NULL;
	return 1;
}

static int
read_nothing(void *handle, char *to, unsigned int size)
{
	return -1;
}

static void
close_nothing(void *handle)
{
}

static int
say_refused(void *handle, char *text, unsigned int size)
{
	snprintf(text, size, "the server asked for a file");
	return 2000;
}

static MYSQL *
open_connection(const ConnectionConfig *config, unsigned read_timeout, unsigned long flags, Failure *failure)
{
	unsigned connect_timeout = config->connect_timeout > 0 ? config->connect_timeout : 10;
	unsigned long max_packet = 1024UL * 1024 * 1024;
	bool tcp = config->socket == NULL || config->socket[0] == '\0';
	MYSQL *mysql;

	pthread_once(&library_once, init_library);
	mysql = mysql_init(NULL);
	if (mysql == NULL)
	{
		failure_set(failure, FAILURE_FATAL, "out_of_memory", "", "out of memory");
		return NULL;
	}
	mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_timeout);
	if (read_timeout > 0)
		mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &read_timeout);
	mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &max_packet);
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "dbstream-bridge");
	if ((flags & CLIENT_LOCAL_FILES) != 0)
	{
		unsigned on = 1;

		mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &on);
		mysql_set_local_infile_handler(mysql, refuse_file, read_nothing, close_nothing, say_refused, NULL);
	}
	if (tcp)
	{
		unsigned protocol = MYSQL_PROTOCOL_TCP;

		/* Otherwise "localhost" means the library's own idea of a socket. */
		mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
	}
	if (!client_library_set_tls(mysql, config, failure))
	{
		mysql_close(mysql);
		return NULL;
	}
	if (mysql_real_connect(mysql, config->host, config->user, config->password, NULL, tcp ? config->port : 0,
						   tcp ? NULL : config->socket, flags) == NULL)
	{
		mysql_connection_failed(mysql, "cannot connect", failure);
		failure_context(failure, "connection \"%s\" (%s@%s:%u)", config->name, config->user != NULL ? config->user : "",
						tcp && config->host != NULL ? config->host : "socket", tcp ? config->port : 0);
		mysql_close(mysql);
		return NULL;
	}
	if (tcp)
		set_keepalive(client_library_socket(mysql));

	/* A connection that should have TLS and has none must not carry a row. */
	if (config->ssl_mode > SSL_MODE_NAME_PREFERRED && client_library_cipher(mysql) == NULL)
	{
		failure_set(failure, FAILURE_REJECT, "source_tls", HINT_TLS,
					"connection \"%s\": the server gave a connection without TLS", config->name);
		mysql_close(mysql);
		return NULL;
	}
	if (!pin_session(mysql, failure))
	{
		failure_context(failure, "connection \"%s\"", config->name);
		mysql_close(mysql);
		return NULL;
	}
	return mysql;
}

MYSQL *
mysql_connection_open_reading(const ConnectionConfig *config, unsigned read_timeout, Failure *failure)
{
	return open_connection(config, read_timeout, 0, failure);
}

MYSQL *
mysql_connection_open_writing(const ConnectionConfig *config, Failure *failure)
{
	return open_connection(config, 0, CLIENT_MULTI_STATEMENTS | CLIENT_FOUND_ROWS | CLIENT_LOCAL_FILES, failure);
}

MYSQL *
mysql_connection_open(const ConnectionConfig *config, Failure *failure)
{
	return mysql_connection_open_reading(config, 0, failure);
}

ServerFlavour
mysql_connection_flavour(MYSQL *mysql)
{
	Failure ignored;
	char *value = NULL;
	ServerFlavour flavour = FLAVOUR_MYSQL;

	/* A variable that only MariaDB has; its version string can be set to anything. */
	if (mysql_connection_value(mysql, "SELECT @@global.gtid_binlog_pos IS NOT NULL", &value, &ignored))
		flavour = FLAVOUR_MARIADB;
	free(value);
	return flavour;
}

bool
mysql_connection_execute(MYSQL *mysql, const char *statement, Failure *failure)
{
	MYSQL_RES *result;

	if (mysql_real_query(mysql, statement, (unsigned long) strlen(statement)) != 0)
		return mysql_connection_failed(mysql, statement, failure);
	result = mysql_store_result(mysql);
	if (result != NULL)
		mysql_free_result(result);
	else if (mysql_errno(mysql) != 0)
		return mysql_connection_failed(mysql, statement, failure);
	return true;
}

bool
mysql_connection_value(MYSQL *mysql, const char *query, char **value, Failure *failure)
{
	MYSQL_RES *result;
	MYSQL_ROW row;

	*value = NULL;
	if (mysql_real_query(mysql, query, (unsigned long) strlen(query)) != 0)
		return mysql_connection_failed(mysql, query, failure);
	result = mysql_store_result(mysql);
	if (result == NULL)
		return mysql_errno(mysql) == 0 || mysql_connection_failed(mysql, query, failure);
	row = mysql_fetch_row(result);
	if (row != NULL && row[0] != NULL)
	{
		unsigned long size = mysql_fetch_lengths(result)[0];

		*value = malloc(size + 1);
		if (*value != NULL)
		{
			memcpy(*value, row[0], size);
			(*value)[size] = '\0';
		}
	}
	mysql_free_result(result);
	return true;
}
