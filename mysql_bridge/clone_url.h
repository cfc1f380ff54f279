/*
 * Where a clone reads from, as a person writes it: mysql://user:password@host:port/database?ssl_mode=REQUIRED.
 */
#ifndef DBS_BRIDGE_CLONE_URL_H
#define DBS_BRIDGE_CLONE_URL_H

#include <stdbool.h>

#include "failure.h"
#include "stream_config.h"

/* All texts are malloc'd; NULL: not said. */
typedef struct CloneSource
{
	char *host; /* "localhost" when neither host nor socket are given */
	unsigned port;
	char *socket;
	char *user;
	char *password;
	char *password_file; /* absolute; its first line is the password, and it is read when a session opens */
	char *password_env;
	char *database;
	char *ssl_mode; /* upper case */
	char *ssl_ca;
	char *ssl_cert;
	char *ssl_key;
	unsigned connect_timeout; /* seconds; 0: the default */
} CloneSource;

/*
 * Read mysql://[user[:password]@][host[:port]][/database][?name=value&…]; mariadb:// is the same. Every part may hold
 * percent-encoded bytes; a host that begins with a slash once decoded is a socket, one in brackets an IPv6 address. The
 * names are those of a connection's options, and socket. No message repeats what may be a password.
 */
MUST_CHECK bool clone_url_parse(const char *url, CloneSource *source, Failure *failure);

/*
 * A file that --password-file names: either the password alone on the first line, which a stream reads each time it
 * connects, or an option file of the MySQL programs, of whose section [client] user and password are taken now. What
 * the URL has said stays.
 */
MUST_CHECK bool clone_url_password_file(const char *path, CloneSource *source, Failure *failure);

/* Where nothing has named a password: the variable MYSQL_PWD, else [client] of ~/.my.cnf, when that is for this user.
 */
void clone_url_default_password(const char *home, CloneSource *source);

void clone_source_free(CloneSource *source);

/* The options of a connection, as a JSON text without a literal password; malloc'd. */
char *clone_source_options(const CloneSource *source);

/* For connecting from here: name and kind are kept by reference, the rest is malloc'd. */
MUST_CHECK bool clone_source_config(const CloneSource *source, const char *name, ConnectionConfig *config,
									Failure *failure);
void clone_source_config_free(ConnectionConfig *config);

/* "mysql://user@host:port/database" or with a socket, for people: never a password. */
void clone_source_describe(const CloneSource *source, char *out, size_t size);

#endif
