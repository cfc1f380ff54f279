/*
 * URLs of MySQL servers and the files that hold their passwords: see clone_url.h.
 */
#include "clone_url.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../libdbstream/option.h"

#define FILE_LIMIT ((size_t) 64 * 1024)
#define DEFAULT_PORT 3306

static bool
bad_url(Failure *failure, const char *problem)
{
	return failure_set(failure, FAILURE_FATAL, "usage",
					   "It is mysql://user@host:port/database?ssl_mode=REQUIRED; other characters than letters, digits "
					   "and -._~ in names and passwords stand as %XX.",
					   "the URL of --from %s", problem);
}

/* ---- percent-encoding ---- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The text decoded, malloc'd; NULL when it is malformed or holds a zero byte. */
static char *
decode(const char *text, size_t size)
{
	char *out = malloc(size + 1);
	size_t used = 0;

	for (size_t i = 0; out != NULL && i < size; i++)
	{
		int high, low;

		if (text[i] != '%')
		{
			out[used++] = text[i];
			continue;
		}
		high = i + 2 < size ? hex_digit(text[i + 1]) : -1;
		low = high >= 0 ? hex_digit(text[i + 2]) : -1;
		if (low < 0 || (high == 0 && low == 0))
		{
			free(out);
			return NULL;
		}
		out[used++] = (char) (high << 4 | low);
		i += 2;
	}
	if (out != NULL)
		out[used] = '\0';
	return out;
}

/* Decode into *field unless the text is empty. */
static bool
take(const char *text, size_t size, char **field, const char *what, Failure *failure)
{
	if (size == 0)
		return true;
	free(*field);
	*field = decode(text, size);
	return *field != NULL || bad_url(failure, what);
}

static bool
parse_number(const char *text, size_t size, unsigned most, unsigned *out)
{
	unsigned long value = 0;

	if (size == 0 || size > 9)
		return false;
	for (size_t i = 0; i < size; i++)
	{
		if (!isdigit((unsigned char) text[i]))
			return false;
		value = value * 10 + (unsigned long) (text[i] - '0');
	}
	*out = (unsigned) value;
	return value >= 1 && value <= most;
}

/* ---- the parts ---- */

static bool
parse_host(const char *text, size_t size, CloneSource *source, Failure *failure)
{
	const char *end = text + size;
	const char *host_end;
	char *host = NULL;

	if (size > 0 && text[0] == '[')
	{
		host_end = memchr(text, ']', size);
		if (host_end == NULL)
			return bad_url(failure, "has a bracket that is not closed");
		if (!take(text + 1, (size_t) (host_end - text - 1), &host, "has a malformed host", failure))
			return false;
		host_end++;
		if (host_end < end && *host_end != ':')
		{
			free(host);
			return bad_url(failure, "has something between address and port");
		}
	}
	else
	{
		host_end = memchr(text, ':', size);
		if (host_end == NULL)
			host_end = end;
		if (!take(text, (size_t) (host_end - text), &host, "has a malformed host", failure))
			return false;
	}
	if (host != NULL && host[0] == '/')
		source->socket = host;
	else
		source->host = host;
	if (host_end < end && !parse_number(host_end + 1, (size_t) (end - host_end - 1), 65535, &source->port))
		return bad_url(failure, "has a port that is no number from 1 to 65535");
	return true;
}

static bool
parse_user(const char *text, size_t size, CloneSource *source, Failure *failure)
{
	const char *colon = memchr(text, ':', size);
	size_t user_size = colon != NULL ? (size_t) (colon - text) : size;

	return take(text, user_size, &source->user, "has a malformed user name", failure) &&
		   (colon == NULL ||
			take(colon + 1, size - user_size - 1, &source->password, "has a malformed password", failure));
}

typedef struct Parameter
{
	const char *name;
	size_t offset;
} Parameter;

static const Parameter parameters[] = {
	{"ssl_mode", offsetof(CloneSource, ssl_mode)},
	{"ssl_ca", offsetof(CloneSource, ssl_ca)},
	{"ssl_cert", offsetof(CloneSource, ssl_cert)},
	{"ssl_key", offsetof(CloneSource, ssl_key)},
	{"socket", offsetof(CloneSource, socket)},
	{"password_file", offsetof(CloneSource, password_file)},
	{"password_env", offsetof(CloneSource, password_env)},
	{"user", offsetof(CloneSource, user)},
	{"password", offsetof(CloneSource, password)},
};

static bool
parse_ssl_mode(CloneSource *source, Failure *failure)
{
	const DbsOption *option = dbs_option_find(DBS_OPTION_FOR_MYSQL, "ssl_mode", strlen("ssl_mode"));

	for (char *at = source->ssl_mode; *at != '\0'; at++)
		*at = *at == '-' ? '_' : (char) toupper((unsigned char) *at);
	return (option != NULL && dbs_option_word_known(option, source->ssl_mode, strlen(source->ssl_mode))) ||
		   bad_url(failure,
				   "has an ssl_mode that is none of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY");
}

static bool
parse_parameter(const char *text, size_t size, CloneSource *source, Failure *failure)
{
	const char *equals = memchr(text, '=', size);
	size_t name_size = equals != NULL ? (size_t) (equals - text) : size;
	const char *value = equals != NULL ? equals + 1 : text + size;
	size_t value_size = equals != NULL ? size - name_size - 1 : 0;
	char name[32];
	char problem[192];

	snprintf(name, sizeof name, "%.*s", (int) (name_size < sizeof name ? name_size : sizeof name - 1), text);
	for (char *at = name; *at != '\0'; at++)
		*at = *at == '-' ? '_' : *at;
	if (strcmp(name, "connect_timeout") == 0)
		return parse_number(value, value_size, 3600, &source->connect_timeout) ||
			   bad_url(failure, "has a connect_timeout that is no number of seconds from 1 to 3600");
	for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++)
	{
		char **field = (char **) (void *) ((char *) source + parameters[i].offset);

		if (strcmp(parameters[i].name, name) != 0)
			continue;
		snprintf(problem, sizeof problem, "has a malformed value of %s", name);
		if (value_size == 0 || !take(value, value_size, field, problem, failure))
			return bad_url(failure, problem);
		return strcmp(name, "ssl_mode") != 0 || parse_ssl_mode(source, failure);
	}
	snprintf(problem, sizeof problem,
			 "has a parameter that is not known (%s): it takes ssl_mode, ssl_ca, ssl_cert, ssl_key, socket, "
			 "connect_timeout, password_file",
			 name);
	return bad_url(failure, problem);
}

static bool
parse_parameters(const char *text, CloneSource *source, Failure *failure)
{
	while (*text != '\0')
	{
		size_t size = strcspn(text, "&");

		if (size > 0 && !parse_parameter(text, size, source, failure))
			return false;
		text += size + (text[size] == '&');
	}
	return true;
}

static bool
set_text(char **field, const char *text)
{
	free(*field);
	*field = strdup(text);
	return *field != NULL;
}

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_FATAL, "out_of_memory", NULL, "out of memory");
}

/* Files are read by whatever bridge carries the stream later, wherever that was started. */
static bool
make_absolute(char **path, Failure *failure)
{
	char real[PATH_MAX];

	if (*path == NULL || (*path)[0] == '/')
		return true;
	if (realpath(*path, real) == NULL)
		return failure_set(failure, FAILURE_FATAL, "usage", "Check the path.", "file \"%s\" cannot be found: %s", *path,
						   strerror(errno));
	return set_text(path, real) || no_memory(failure);
}

bool
clone_url_parse(const char *url, CloneSource *source, Failure *failure)
{
	size_t scheme = strcspn(url, ":");
	const char *authority, *path, *at, *query;

	memset(source, 0, sizeof *source);
	if (strncmp(url + scheme, "://", 3) != 0 ||
		!((scheme == 5 && strncasecmp(url, "mysql", 5) == 0) || (scheme == 7 && strncasecmp(url, "mariadb", 7) == 0)))
		return bad_url(failure, "does not begin with mysql:// or mariadb://");
	authority = url + scheme + 3;
	path = authority + strcspn(authority, "/?");
	/* A password may hold an at sign that nobody encoded; a host cannot. */
	at = memrchr(authority, '@', (size_t) (path - authority));
	if (at != NULL && !parse_user(authority, (size_t) (at - authority), source, failure))
		return false;
	authority = at != NULL ? at + 1 : authority;
	if (!parse_host(authority, (size_t) (path - authority), source, failure))
		return false;
	query = strchr(path, '?');
	if (*path == '/')
	{
		size_t size = query != NULL ? (size_t) (query - path - 1) : strlen(path + 1);

		/* An encoded slash belongs to a name; a bare one does not. */
		if (memchr(path + 1, '/', size) != NULL)
			return bad_url(failure, "has more than one database, or a / in user or password that is not %2F");
		if (!take(path + 1, size, &source->database, "has a malformed database", failure))
			return false;
	}
	if (query != NULL && !parse_parameters(query + 1, source, failure))
		return false;
	if (source->socket == NULL && source->host == NULL && !set_text(&source->host, "localhost"))
		return no_memory(failure);
	if (source->socket == NULL && source->port == 0)
		source->port = DEFAULT_PORT;
	if ((source->password != NULL) + (source->password_file != NULL) + (source->password_env != NULL) > 1)
		return bad_url(failure, "names more than one password");
	return make_absolute(&source->password_file, failure) && make_absolute(&source->ssl_ca, failure) &&
		   make_absolute(&source->ssl_cert, failure) && make_absolute(&source->ssl_key, failure);
}

/* ---- files with passwords ---- */

/* The whole file, terminated; NULL when it cannot be read. */
static char *
read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = file != NULL ? malloc(FILE_LIMIT) : NULL;

	if (text != NULL)
	{
		size_t size = fread(text, 1, FILE_LIMIT - 1, file);

		text[size] = '\0';
		if (ferror(file))
		{
			free(text);
			text = NULL;
		}
	}
	if (file != NULL)
		fclose(file);
	return text;
}

static char *
trim(char *text)
{
	char *end;

	while (isspace((unsigned char) *text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char) end[-1]))
		*--end = '\0';
	return text;
}

/* A value as the MySQL programs write it: quotes around it are not part of it, \s is a blank, \\ a backslash. */
static char *
option_value(char *text)
{
	size_t size = strlen(text);
	char *to;

	if (size >= 2 && (text[0] == '"' || text[0] == '\'') && text[size - 1] == text[0])
	{
		text[size - 1] = '\0';
		text++;
	}
	to = text;
	for (char *from = text; *from != '\0'; from++)
	{
		if (from[0] == '\\' && (from[1] == '\\' || from[1] == 's' || from[1] == '"' || from[1] == '\''))
		{
			from++;
			*to++ = *from == 's' ? ' ' : *from;
		}
		else
			*to++ = *from;
	}
	*to = '\0';
	return text;
}

static bool
has_section(const char *text)
{
	const char *at = text + strspn(text, " \t\r\n");

	while (*at == '#' || *at == ';' || *at == '\n')
	{
		at += strcspn(at, "\n");
		at += strspn(at, " \t\r\n");
	}
	return *at == '[';
}

/* user and password of [client]; text is taken apart. Both NULL when there are none. */
static void
read_client_section(char *text, char **user, char **password)
{
	bool inside = false;

	*user = NULL;
	*password = NULL;
	for (char *line = text; line != NULL;)
	{
		char *next = strchr(line, '\n');
		char *equals;

		if (next != NULL)
			*next++ = '\0';
		line = trim(line);
		equals = strchr(line, '=');
		if (line[0] == '[')
			inside = strcmp(line, "[client]") == 0;
		else if (inside && line[0] != '#' && line[0] != ';' && equals != NULL)
		{
			*equals = '\0';
			line = trim(line);
			if (strcmp(line, "user") == 0)
				*user = option_value(trim(equals + 1));
			else if (strcmp(line, "password") == 0)
				*password = option_value(trim(equals + 1));
		}
		line = next;
	}
}

/* Take what the section says, unless it is for another user than the URL's. True when there was a password. */
static bool
take_client_section(char *text, CloneSource *source)
{
	char *user, *password;

	read_client_section(text, &user, &password);
	if (password == NULL || (source->user != NULL && user != NULL && strcmp(source->user, user) != 0))
		return false;
	if (source->user == NULL && user != NULL)
		source->user = strdup(user);
	source->password = strdup(password);
	return true;
}

static void
forget(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

bool
clone_url_password_file(const char *path, CloneSource *source, Failure *failure)
{
	char *text;
	bool found = true;

	if (source->password != NULL || source->password_file != NULL || source->password_env != NULL)
		return failure_set(failure, FAILURE_FATAL, "usage", "Leave one of them out.",
						   "--password-file is given, and the URL of --from names a password too");
	text = read_file(path);
	if (text == NULL)
		return failure_set(failure, FAILURE_FATAL, "usage", "Check the path and its permissions.",
						   "password file \"%s\" cannot be read: %s", path, strerror(errno));
	if (has_section(text))
		found = take_client_section(text, source);
	else if (!set_text(&source->password_file, path))
		found = no_memory(failure);
	/* read_client_section has cut it into pieces. */
	explicit_bzero(text, FILE_LIMIT);
	free(text);
	if (!found)
		return failure_set(failure, FAILURE_FATAL, "usage",
						   "Add a line password=… to its section [client], or name another user in --from.",
						   "option file \"%s\" has no password for this user in its section [client]", path);
	return make_absolute(&source->password_file, failure);
}

void
clone_url_default_password(const char *home, CloneSource *source)
{
	const char *variable = getenv("MYSQL_PWD");
	char path[PATH_MAX];
	char *text;

	if (source->password != NULL || source->password_file != NULL || source->password_env != NULL)
		return;
	if (variable != NULL && variable[0] != '\0')
	{
		source->password_env = strdup("MYSQL_PWD");
		return;
	}
	if (home == NULL || (size_t) snprintf(path, sizeof path, "%s/.my.cnf", home) >= sizeof path)
		return;
	text = read_file(path);
	if (text == NULL)
		return;
	(void) take_client_section(text, source);
	explicit_bzero(text, FILE_LIMIT);
	free(text);
}

/* ---- as a connection ---- */

void
clone_source_free(CloneSource *source)
{
	free(source->host);
	free(source->socket);
	free(source->user);
	forget(source->password);
	free(source->password_file);
	free(source->password_env);
	free(source->database);
	free(source->ssl_mode);
	free(source->ssl_ca);
	free(source->ssl_cert);
	free(source->ssl_key);
	memset(source, 0, sizeof *source);
}

char *
clone_source_options(const CloneSource *source)
{
	struct json_object *object = json_object_new_object();
	const struct
	{
		const char *name;
		const char *value;
	} texts[] = {{"host", source->socket == NULL ? source->host : NULL},
				 {"socket", source->socket},
				 {"user", source->user},
				 {"password_file", source->password_file},
				 {"password_env", source->password_env},
				 {"ssl_mode", source->ssl_mode},
				 {"ssl_ca", source->ssl_ca},
				 {"ssl_cert", source->ssl_cert},
				 {"ssl_key", source->ssl_key}};
	char *text;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (texts[i].value != NULL)
			json_object_object_add(object, texts[i].name, json_object_new_string(texts[i].value));
	if (source->socket == NULL)
		json_object_object_add(object, "port", json_object_new_int((int) source->port));
	if (source->connect_timeout > 0)
		json_object_object_add(object, "connect_timeout", json_object_new_int((int) source->connect_timeout));
	text = strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
	return text;
}

static SslModeName
ssl_mode_of(const char *word)
{
	static const char *const words[] = {
		[SSL_MODE_NAME_DISABLED] = "DISABLED",
		[SSL_MODE_NAME_PREFERRED] = "PREFERRED",
		[SSL_MODE_NAME_REQUIRED] = "REQUIRED",
		[SSL_MODE_NAME_VERIFY_CA] = "VERIFY_CA",
		[SSL_MODE_NAME_VERIFY_IDENTITY] = "VERIFY_IDENTITY",
	};

	for (int i = 0; word != NULL && i < (int) (sizeof words / sizeof words[0]); i++)
		if (strcmp(words[i], word) == 0)
			return (SslModeName) i;
	return SSL_MODE_NAME_PREFERRED;
}

static char *
copy(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

/* The first line of the file; NULL and a failure when it cannot be read. */
static char *
file_password(const char *path, Failure *failure)
{
	char *text = read_file(path);

	if (text == NULL)
		failure_set(failure, FAILURE_FATAL, "usage", "Check the path and its permissions.",
					"password file \"%s\" cannot be read: %s", path, strerror(errno));
	else
		text[strcspn(text, "\r\n")] = '\0';
	return text;
}

bool
clone_source_config(const CloneSource *source, const char *name, ConnectionConfig *config, Failure *failure)
{
	memset(config, 0, sizeof *config);
	config->name = copy(name);
	config->host = copy(source->host);
	config->port = source->port;
	config->socket = copy(source->socket);
	config->user = copy(source->user);
	config->ssl_mode = ssl_mode_of(source->ssl_mode);
	config->ssl_ca = copy(source->ssl_ca);
	config->ssl_cert = copy(source->ssl_cert);
	config->ssl_key = copy(source->ssl_key);
	config->connect_timeout = source->connect_timeout > 0 ? source->connect_timeout : 10;
	if (source->password_file != NULL)
	{
		config->password = file_password(source->password_file, failure);
		if (config->password == NULL)
			return false;
	}
	else
		config->password = copy(source->password_env != NULL ? getenv(source->password_env) : source->password);
	if (source->password_env != NULL && config->password == NULL)
		return failure_set(failure, FAILURE_FATAL, "usage", "Set it, or leave password_env out.",
						   "environment variable \"%s\" is not set", source->password_env);
	return true;
}

void
clone_source_config_free(ConnectionConfig *config)
{
	free(config->name);
	free(config->host);
	free(config->socket);
	free(config->user);
	forget(config->password);
	free(config->ssl_ca);
	free(config->ssl_cert);
	free(config->ssl_key);
	memset(config, 0, sizeof *config);
}

void
clone_source_describe(const CloneSource *source, char *out, size_t size)
{
	const char *user = source->user != NULL ? source->user : "";
	const char *sign = source->user != NULL ? "@" : "";
	const char *database = source->database != NULL ? source->database : "";

	if (source->socket != NULL)
		snprintf(out, size, "mysql://%s%s%s/%s", user, sign, source->socket, database);
	else
		snprintf(out, size, "mysql://%s%s%s:%u/%s", user, sign, source->host, source->port, database);
}
