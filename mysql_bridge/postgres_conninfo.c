#include "postgres_conninfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Append keyword='value', quoted as libpq's strings are. The caller has seen to the room. */
static char *
put(char *at, const char *keyword, const char *value)
{
	if (value == NULL)
		return at;
	at = stpcpy(stpcpy(at, keyword), "='");
	for (; *value != '\0'; value++)
	{
		if (*value == '\'' || *value == '\\')
			*at++ = '\\';
		*at++ = *value;
	}
	return stpcpy(at, "' ");
}

/* libpq takes the folder of a socket; the option may also name the socket in it, ".s.PGSQL.5432". */
static char *
socket_folder(const char *socket)
{
	const char *name = strrchr(socket, '/');
	size_t size = name != NULL && strncmp(name, "/.s.PGSQL.", 10) == 0 ? (size_t) (name - socket) : strlen(socket);

	return strndup(socket, size);
}

char *
postgres_conninfo(const ConnectionConfig *config)
{
	static const char *const sslmodes[] = {"disable", "prefer", "require", "verify-ca", "verify-full"};
	char *folder = config->socket != NULL ? socket_folder(config->socket) : NULL;
	char port[16], timeout[16];
	const char *const pairs[][2] = {{"host", folder != NULL ? folder : config->host},
									{"port", port},
									{"dbname", config->dbname},
									{"user", config->user},
									{"password", config->password},
									{"sslmode", sslmodes[config->ssl_mode]},
									{"sslrootcert", config->ssl_ca},
									{"sslcert", config->ssl_cert},
									{"sslkey", config->ssl_key},
									{"connect_timeout", timeout}};
	size_t size = 1;
	char *text, *at;

	snprintf(port, sizeof port, "%u", config->port);
	snprintf(timeout, sizeof timeout, "%u", config->connect_timeout);
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		size += strlen(pairs[i][0]) + 5 + (pairs[i][1] != NULL ? 2 * strlen(pairs[i][1]) : 0);
	text = malloc(size);
	at = text;
	for (size_t i = 0; text != NULL && i < sizeof pairs / sizeof pairs[0]; i++)
		at = put(at, pairs[i][0], pairs[i][1]);
	if (text != NULL)
		*at = '\0';
	free(folder);
	return text;
}

void
postgres_conninfo_free(char *conninfo)
{
	if (conninfo != NULL)
		explicit_bzero(conninfo, strlen(conninfo));
	free(conninfo);
}
