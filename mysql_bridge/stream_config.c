/*
 * Rows of bridge_streams() to StreamConfig. SQL has checked every option when
 * it was given, so what is wrong here is a bug or a newer extension: the
 * stream is refused with the option's name.
 */
#include "stream_config.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

/* One JSON object that is being read, with its name for messages. */
typedef struct Section
{
	struct json_object *object;
	const char *what; /* "connection shop", "stream shop_in" */
	Failure *failure;
	bool failed;
} Section;

static struct json_object *
member(const Section *section, const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(section->object, name, &value);
	return value; /* NULL also for a JSON null */
}

static void
refuse(Section *section, const char *name, const char *expected)
{
	if (!section->failed)
		failure_set(section->failure, FAILURE_REJECT, "bad_option",
					"Install the dbstream-bridge that matches the extension, or correct the option.",
					"option \"%s\" of %s is not %s", name, section->what, expected);
	section->failed = true;
}

/* malloc'd, NULL when missing. */
static char *
take_text(Section *section, const char *name)
{
	struct json_object *value = member(section, name);

	if (value == NULL)
		return NULL;
	if (!json_object_is_type(value, json_type_string))
	{
		refuse(section, name, "a text");
		return NULL;
	}
	return strdup(json_object_get_string(value));
}

static int64_t
take_int(Section *section, const char *name, int64_t fallback, int64_t min, int64_t max)
{
	struct json_object *value = member(section, name);

	if (value == NULL)
		return fallback;
	if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < min ||
		json_object_get_int64(value) > max)
	{
		refuse(section, name, "an integer in its range");
		return fallback;
	}
	return json_object_get_int64(value);
}

/* The index of the value in words (NULL-terminated; the first is the default). */
static int
take_word(Section *section, const char *name, const char *const *words)
{
	struct json_object *value = member(section, name);

	if (value == NULL)
		return 0;
	for (int i = 0; words[i] != NULL; i++)
	{
		if (json_object_is_type(value, json_type_string) && strcmp(json_object_get_string(value), words[i]) == 0)
			return i;
	}
	refuse(section, name, "a word that this bridge knows");
	return 0;
}

/* ---- passwords ---- */

/* A password kept where others can read it works, but its owner should hear of it. */
static void
warn_permissions(int fd, const char *path, const char *what)
{
	struct stat status;

	if (fstat(fd, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		log_line(LOG_LEVEL_WARNING, NULL,
				 "password file \"%s\" of %s can be read by other users of this machine; chmod it to 0600", path, what);
}

/* The file's first line; malloc'd. */
static char *
read_password_file(const char *path, const char *what, Failure *failure)
{
	char password[4096];
	ssize_t size;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
	{
		failure_set(failure, FAILURE_REJECT, "password_file",
					"Create the file on the bridge's machine, readable by the bridge's user, or change password_file.",
					"password file \"%s\" of %s cannot be opened: %s", path, what, strerror(errno));
		return NULL;
	}
	warn_permissions(fd, path, what);
	size = read(fd, password, sizeof password - 1);
	close(fd);
	if (size < 0 || size == (ssize_t) sizeof password - 1)
	{
		failure_set(failure, FAILURE_REJECT, "password_file", "Put the password alone on the first line of the file.",
					"password file \"%s\" of %s cannot be read or is too long", path, what);
		return NULL;
	}
	password[size] = '\0';
	password[strcspn(password, "\r\n")] = '\0';
	return strdup(password);
}

/* Fill in config->password. False when a file or variable that is named is not there. */
static bool
resolve_password(Section *section, ConnectionConfig *config, const char *secret)
{
	char *file = take_text(section, "password_file");
	char *variable = take_text(section, "password_env");

	if (secret != NULL)
		config->password = strdup(secret);
	else if (file != NULL)
	{
		config->password = read_password_file(file, section->what, section->failure);
		section->failed = section->failed || config->password == NULL;
	}
	else if (variable != NULL)
	{
		const char *value = getenv(variable);

		if (value == NULL)
		{
			failure_set(section->failure, FAILURE_REJECT, "password_env",
						"Set the variable in the bridge's environment and restart the bridge, or change password_env.",
						"environment variable \"%s\", which %s names as its password, is not set", variable,
						section->what);
			section->failed = true;
		}
		else
			config->password = strdup(value);
	}
	free(file);
	free(variable);
	return !section->failed;
}

/* ---- the two sections of a row ---- */

static bool
parse_connection(struct json_object *object, const char *kind, const char *secret, ConnectionConfig *config,
				 Failure *failure)
{
	static const char *const ssl_modes[] = {"PREFERRED", "DISABLED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY", NULL};
	static const SslModeName ssl_mode_of[] = {SSL_MODE_NAME_PREFERRED, SSL_MODE_NAME_DISABLED, SSL_MODE_NAME_REQUIRED,
											  SSL_MODE_NAME_VERIFY_CA, SSL_MODE_NAME_VERIFY_IDENTITY};
	char what[128];
	Section section = {object, what, failure, false};

	snprintf(what, sizeof what, "the connection");
	config->name = take_text(&section, "name");
	if (config->name != NULL)
		snprintf(what, sizeof what, "connection %s", config->name);
	config->kind = strdup(kind);
	config->host = take_text(&section, "host");
	if (config->host == NULL)
		config->host = strdup("localhost");
	config->port = (unsigned) take_int(&section, "port", strcmp(kind, "postgresql") == 0 ? 5432 : 3306, 1, 65535);
	config->socket = take_text(&section, "socket");
	config->user = take_text(&section, "user");
	config->ssl_mode = ssl_mode_of[take_word(&section, "ssl_mode", ssl_modes)];
	config->ssl_ca = take_text(&section, "ssl_ca");
	config->ssl_cert = take_text(&section, "ssl_cert");
	config->ssl_key = take_text(&section, "ssl_key");
	config->connect_timeout = (unsigned) take_int(&section, "connect_timeout", 10, 1, 3600);
	config->database = take_text(&section, "database");
	if (config->database == NULL)
		config->database = strdup("dbstream");
	config->dbname = take_text(&section, "dbname");
	if (config->dbname == NULL)
		config->dbname = strdup("postgres");
	return !section.failed && resolve_password(&section, config, secret);
}

/* {"shop": "public"} as pairs. */
static bool
take_schemas(Section *section, StreamConfig *config)
{
	struct json_object *object = member(section, "schemas");
	size_t count = 0;

	if (object != NULL && !json_object_is_type(object, json_type_object))
	{
		refuse(section, "schemas", "an object");
		return false;
	}
	config->schemas = calloc(2 * (object != NULL ? (size_t) json_object_object_length(object) : 0) + 1, sizeof(char *));
	if (object == NULL || config->schemas == NULL)
		return true;
	json_object_object_foreach(object, name, value)
	{
		const char *text = json_object_get_string(value);

		config->schemas[count++] = strdup(name);
		config->schemas[count++] = strdup(text != NULL ? text : "");
	}
	return true;
}

static bool
parse_options(struct json_object *object, StreamConfig *config, Failure *failure)
{
	static const char *const zero_dates[] = {"null", "error", NULL};
	static const char *const nul_bytes[] = {"error", "strip", NULL};
	static const char *const binary16[] = {"bytea", "uuid", NULL};
	static const char *const before_images[] = {"key", "full", NULL};
	static const char *const conflicts[] = {"stop", "source_wins", "target_wins", "latest_wins", NULL};
	static const char *const follow[] = {"auto", "gtid", "file", NULL};
	static const char *const unsupported[] = {"error", "null", NULL};
	static const char *const target_tables[] = {"create", "truncate", "append", "refuse", NULL};
	char what[160];
	Section section = {object, what, failure, false};
	Section increments = {member(&section, "auto_increment"), what, failure, false};

	snprintf(what, sizeof what, "stream %s", config->name);
	config->target_tables =
		(TargetTables) take_word(&section, "target_tables", target_tables); /* in the enum's order */
	config->null_unsupported = take_word(&section, "unsupported_values", unsupported) == 1;
	if (!take_schemas(&section, config))
		return false;
	config->zero_dates = take_word(&section, "zero_dates", zero_dates) == 0 ? ZERO_DATES_NULL : ZERO_DATES_ERROR;
	config->strip_nul_bytes = take_word(&section, "nul_bytes", nul_bytes) == 1;
	config->binary16_as_uuid = take_word(&section, "binary16", binary16) == 1;
	config->full_before_images = take_word(&section, "before_images", before_images) == 1;
	config->conflicts = (ConflictPolicy) take_word(&section, "conflicts", conflicts);
	config->conflict_column = take_text(&section, "conflict_column");
	/* Whether a row was changed at the target is told by the old row. */
	if (config->conflicts == CONFLICTS_TARGET_WINS || config->conflicts == CONFLICTS_LATEST_WINS)
		config->full_before_images = true;
	if (increments.object != NULL)
	{
		config->increment_offset = (unsigned) take_int(&increments, "offset", 0, 1, 65535);
		config->increment = (unsigned) take_int(&increments, "increment", 0, 1, 65535);
	}
	config->follow = (FollowBy) take_word(&section, "follow", follow); /* the words stand in the enum's order */
	/* The target's row of positions holds a file and an offset, not a set of GTIDs. */
	if (config->relay)
		config->follow = FOLLOW_FILE;
	config->start = take_text(&section, "start");
	config->server_id = (uint32_t) take_int(&section, "server_id", 0, 0, UINT32_MAX);
	config->backfill_workers = (unsigned) take_int(&section, "backfill_workers", 2, 1, 32);
	config->heartbeat_seconds = (unsigned) take_int(&section, "heartbeat", 10, 1, 3600);
	return !section.failed && !increments.failed;
}

static bool
parse_tables(struct json_object *array, StreamConfig *config, Failure *failure)
{
	size_t count = json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;

	if (count == 0)
		return failure_set(failure, FAILURE_REJECT, "bad_option", "Name tables with alter_stream.",
						   "stream %s names no tables", config->name);
	config->tables = calloc(count + 1, sizeof *config->tables);
	for (size_t i = 0; config->tables != NULL && i < count; i++)
	{
		const char *pattern = json_object_get_string(json_object_array_get_idx(array, i));

		config->tables[i] = strdup(pattern != NULL ? pattern : "");
	}
	return true;
}

static bool
parse_row(struct json_object *row, const char *secret, StreamConfig *config, Failure *failure)
{
	Section section = {row, "the stream's row", failure, false};
	struct json_object *source = member(&section, "source");
	char *kind = take_text(&section, "source_kind");
	char *target_kind = take_text(&section, "target_kind");
	bool ok;

	config->outbound = kind != NULL && strcmp(kind, "local") == 0;
	config->relay = kind != NULL && target_kind != NULL && !config->outbound && strcmp(target_kind, "local") != 0;
	if (config->outbound)
	{
		free(kind);
		kind = target_kind;
		target_kind = NULL;
		source = member(&section, "target");
	}

	config->id = (int) take_int(&section, "stream_id", 0, 0, INT32_MAX);
	config->name = take_text(&section, "name");
	if (section.failed || kind == NULL || config->name == NULL || !json_object_is_type(source, json_type_object))
	{
		free(kind);
		free(target_kind);
		return section.failed ? false
							  : failure_set(failure, FAILURE_REJECT, "bad_option",
											"Install the dbstream-bridge that matches the extension.",
											"a row of bridge_streams() lacks name, source or source_kind");
	}
	ok = parse_connection(source, kind, secret, config->outbound ? &config->target : &config->source, failure) &&
		 parse_tables(member(&section, "tables"), config, failure) &&
		 parse_options(member(&section, "options"), config, failure);
	if (ok && config->relay)
		ok = parse_connection(member(&section, "target"), target_kind, NULL, &config->target, failure);
	free(kind);
	free(target_kind);
	return ok;
}

StreamConfig *
stream_config_parse(const char *json, const char *secret, Failure *failure)
{
	struct json_object *row = json_tokener_parse(json);
	StreamConfig *config = calloc(1, sizeof *config);
	bool ok;

	if (row == NULL || config == NULL)
		ok = failure_set(failure, FAILURE_REJECT, "bad_option",
						 "Install the dbstream-bridge that matches the extension.",
						 "a row of bridge_streams() is not JSON");
	else
		ok = parse_row(row, secret, config, failure);
	json_object_put(row);
	if (!ok)
	{
		stream_config_free(config);
		return NULL;
	}
	return config;
}

/* A copy of a text in a row: of the member, or of the member's name. NULL when there is none. */
static char *
row_text(const char *json, const char *name, bool of_connection)
{
	struct json_object *row = json_tokener_parse(json);
	struct json_object *value = NULL;
	char *copy = NULL;

	if (json_object_object_get_ex(row, name, &value) &&
		(!of_connection || json_object_object_get_ex(value, "name", &value)) && value != NULL)
		copy = strdup(json_object_get_string(value));
	json_object_put(row);
	return copy;
}

static bool
is_local(const char *json, const char *end)
{
	char *kind = row_text(json, end, false);
	bool local = kind != NULL && strcmp(kind, "local") == 0;

	free(kind);
	return local;
}

bool
stream_config_is_outbound(const char *json)
{
	return is_local(json, "source_kind");
}

bool
stream_config_is_relay(const char *json)
{
	char *target = stream_config_target_name(json);

	free(target);
	return target != NULL;
}

char *
stream_config_source_name(const char *json)
{
	return row_text(json, is_local(json, "source_kind") ? "target" : "source", true);
}

char *
stream_config_target_name(const char *json)
{
	char *kind = row_text(json, "target_kind", false);
	bool there = kind != NULL && strcmp(kind, "local") != 0 && !is_local(json, "source_kind");

	free(kind);
	return there ? row_text(json, "target", true) : NULL;
}

void
stream_config_target_secret(StreamConfig *config, const char *secret)
{
	if (secret == NULL)
		return;
	free(config->target.password);
	config->target.password = strdup(secret);
}

const char *
stream_config_schema(const StreamConfig *config, const char *schema)
{
	for (char **pair = config->schemas; pair != NULL && pair[0] != NULL; pair += 2)
	{
		if (strcmp(pair[0], schema) == 0)
			return pair[1];
	}
	return schema;
}

static void
clear_connection(ConnectionConfig *config)
{
	if (config->password != NULL)
		explicit_bzero(config->password, strlen(config->password));
	free(config->password);
	free(config->name);
	free(config->kind);
	free(config->host);
	free(config->socket);
	free(config->user);
	free(config->ssl_ca);
	free(config->ssl_cert);
	free(config->ssl_key);
	free(config->database);
	free(config->dbname);
}

void
stream_config_free(StreamConfig *config)
{
	if (config == NULL)
		return;
	clear_connection(&config->source);
	clear_connection(&config->target);
	for (char **name = config->schemas; name != NULL && *name != NULL; name++)
		free(*name);
	free(config->schemas);
	for (char **table = config->tables; table != NULL && *table != NULL; table++)
		free(*table);
	free(config->tables);
	free(config->conflict_column);
	free(config->copied);
	for (size_t i = 0; i < config->copied_count; i++)
	{
		free(config->copied_tables[i].schema);
		free(config->copied_tables[i].name);
		free(config->copied_tables[i].before);
	}
	free(config->copied_tables);
	free(config->start);
	free(config->name);
	free(config);
}
