#include "request.h"

#include <json-c/json.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mysql_target.h"
#include "source.h"
#include "source_registry.h"
#include "stream_config.h"

/* The texts that SQL takes end here; a longer one would be an error there. */
#define MAX_ANSWER (250 * 1024)

/* Fills in checks or found. */
typedef struct Kind
{
	const char *name;
	void (*answer)(Request *request, const StreamConfig *config);
} Kind;

struct Request
{
	int64_t id;
	const Kind *kind;
	char *row;
	char *secret;
	char *target_secret;
	int wake_fd;
	pthread_t thread;
	atomic_bool ended;
	struct json_object *checks; /* of the thread until ended */
	struct json_object *found;  /* what answers instead of the checks; NULL: nothing */
	char *answer;
};

static void
add_check(void *context, const Check *check)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "check", json_object_new_string(check->name));
	json_object_object_add(object, "object", json_object_new_string(check->object));
	json_object_object_add(object, "status", json_object_new_string(check->status));
	json_object_object_add(object, "detail", json_object_new_string(check->detail));
	json_object_object_add(object, "remedy", json_object_new_string(check->remedy));
	json_object_array_add(context, object);
}

static void
add_failure(struct json_object *checks, const char *object, const Failure *failure)
{
	Check check = {.name = failure->code, .status = "failed"};

	snprintf(check.object, sizeof check.object, "%s", object);
	snprintf(check.detail, sizeof check.detail, "%.*s", (int) sizeof check.detail - 1, failure->message);
	snprintf(check.remedy, sizeof check.remedy, "%.*s", (int) sizeof check.remedy - 1, failure->hint);
	add_check(checks, &check);
}

static char *
answer_text(struct json_object *checks)
{
	return strdup(json_object_to_json_string_ext(checks, JSON_C_TO_STRING_PLAIN));
}

static const SourceOps *
source_of(Request *request, const StreamConfig *config, const char *object)
{
	const SourceOps *ops = config->outbound ? NULL : source_registry_find(config->source.kind);
	Failure failure;

	if (ops == NULL)
	{
		failure_set(&failure, FAILURE_REJECT, "no_source", "Use a connection of kind mysql or mariadb.",
					"this bridge cannot read from connections of kind %s",
					config->outbound ? "local" : config->source.kind);
		add_failure(request->checks, object, &failure);
	}
	return ops;
}

static void
answer_validate(Request *request, const StreamConfig *config)
{
	const ConnectionConfig *connection = config->outbound ? &config->target : &config->source;
	Failure target_failure = {.class = FAILURE_NONE};
	const SourceOps *ops;
	Failure failure = {.class = FAILURE_NONE};
	char object[200];
	bool ok;

	snprintf(object, sizeof object, "connection %s", connection->name != NULL ? connection->name : "");
	if (config->outbound)
		ok = mysql_target_validate(config, request->row, add_check, request->checks, &failure);
	else if ((ops = source_of(request, config, object)) != NULL)
		ok = ops->validate(config, add_check, request->checks, &failure);
	else
		return;
	if (!ok)
		add_failure(request->checks, object, &failure);
	if (!config->relay)
		return;
	snprintf(object, sizeof object, "connection %s", config->target.name != NULL ? config->target.name : "");
	if (!mysql_target_validate(config, request->row, add_check, request->checks, &target_failure))
		add_failure(request->checks, object, &target_failure);
}

/* A member of the row's "table". */
static const char *
table_word(struct json_object *row, const char *word)
{
	struct json_object *table = NULL;
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(row, "table", &table) || !json_object_object_get_ex(table, word, &value))
		return "";
	return json_object_get_string(value);
}

static void
answer_definition(Request *request, const StreamConfig *config)
{
	struct json_object *row = json_tokener_parse(request->row);
	const char *schema = table_word(row, "schema");
	const char *name = table_word(row, "name");
	const SourceOps *ops = source_of(request, config, name);
	Failure failure = {.class = FAILURE_NONE};
	const char *kind = NULL;
	char *create =
		ops != NULL && ops->definition != NULL ? ops->definition(config, schema, name, &kind, &failure) : NULL;

	if (create != NULL && strlen(create) > MAX_ANSWER)
	{
		failure_set(&failure, FAILURE_REJECT, "too_long", "Translate its statement with translate_ddl.",
					"the statement of table %s.%s has %zu bytes, at most %d can be asked for", schema, name,
					strlen(create), MAX_ANSWER);
		free(create);
		create = NULL;
	}
	if (create != NULL)
	{
		request->found = json_object_new_object();
		json_object_object_add(request->found, "create", json_object_new_string(create));
		json_object_object_add(request->found, "kind", json_object_new_string(kind));
	}
	else if (ops != NULL)
	{
		if (ops->definition == NULL)
			failure_set(&failure, FAILURE_REJECT, "no_definition", "pg_dump --schema-only shows it; a copy makes it.",
						"the definition of a table of another PostgreSQL server is not translated");
		add_failure(request->checks, name, &failure);
	}
	free(create);
	json_object_put(row);
}

/* For whoever waits until that is applied at another server. */
static void
answer_log_end(Request *request, const StreamConfig *config)
{
	const SourceOps *ops = source_of(request, config, config->name);
	Failure failure = {.class = FAILURE_NONE};
	char *position = ops != NULL && ops->log_end != NULL ? ops->log_end(config, &failure) : NULL;

	if (position != NULL)
	{
		request->found = json_object_new_object();
		json_object_object_add(request->found, "position", json_object_new_string(position));
	}
	else if (failure.class != FAILURE_NONE)
		add_failure(request->checks, config->name, &failure);
	free(position);
}

static const Kind kinds[] = {
	{"validate", answer_validate}, {"definition", answer_definition}, {"log_end", answer_log_end}};

static const Kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
	{
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

bool
request_known(const char *kind)
{
	return find_kind(kind) != NULL;
}

static void *
answer(void *context)
{
	Request *request = context;
	Failure failure = {.class = FAILURE_NONE};
	StreamConfig *config;
	uint64_t one = 1;

	source_registry_thread_begin();
	config = stream_config_parse(request->row, request->secret, &failure);
	if (config == NULL)
		add_failure(request->checks, "", &failure);
	else
	{
		stream_config_target_secret(config, request->target_secret);
		request->kind->answer(request, config);
	}
	stream_config_free(config);
	source_registry_thread_end();
	request->answer = answer_text(request->found != NULL ? request->found : request->checks);
	atomic_store(&request->ended, true);
	/* A full counter means that the bridge has a wake-up waiting already. */
	(void) !write(request->wake_fd, &one, sizeof one);
	return NULL;
}

Request *
request_start(int64_t id, const char *kind, const char *row, const char *secret, const char *target_secret, int wake_fd,
			  Failure *failure)
{
	Request *request = calloc(1, sizeof *request);

	if (request != NULL)
	{
		request->id = id;
		request->kind = find_kind(kind);
		request->row = strdup(row);
		request->secret = secret != NULL ? strdup(secret) : NULL;
		request->target_secret = target_secret != NULL ? strdup(target_secret) : NULL;
		request->wake_fd = wake_fd;
		request->checks = json_object_new_array();
		if (request->row != NULL && pthread_create(&request->thread, NULL, answer, request) == 0)
			return request;
		json_object_put(request->checks);
		free(request->row);
		free(request->secret);
		free(request->target_secret);
		free(request);
	}
	failure_set(failure, FAILURE_RETRY, "no_thread", "Raise the bridge's limits of memory and threads, and try again.",
				"the bridge has no resources to answer a request");
	return NULL;
}

bool
request_ended(const Request *request)
{
	return atomic_load(&((Request *) request)->ended);
}

int64_t
request_id(const Request *request)
{
	return request->id;
}

const char *
request_answer(const Request *request)
{
	return request->answer;
}

void
request_free(Request *request)
{
	if (request == NULL)
		return;
	pthread_join(request->thread, NULL);
	json_object_put(request->checks);
	json_object_put(request->found);
	if (request->secret != NULL)
		explicit_bzero(request->secret, strlen(request->secret));
	if (request->target_secret != NULL)
		explicit_bzero(request->target_secret, strlen(request->target_secret));
	free(request->secret);
	free(request->target_secret);
	free(request->row);
	free(request->answer);
	free(request);
}

char *
request_refusal(const Failure *failure)
{
	struct json_object *checks = json_object_new_array();
	char *answer;

	add_failure(checks, "", failure);
	answer = answer_text(checks);
	json_object_put(checks);
	return answer;
}
