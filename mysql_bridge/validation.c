#include "validation.h"

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

struct Validation
{
	int64_t request;
	char *row;
	char *secret;
	int wake_fd;
	pthread_t thread;
	atomic_bool ended;
	struct json_object *checks; /* of the thread until ended */
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

static void *
validate(void *context)
{
	Validation *validation = context;
	Failure failure = {.class = FAILURE_NONE};
	StreamConfig *config;
	uint64_t one = 1;

	source_registry_thread_begin();
	config = stream_config_parse(validation->row, validation->secret, &failure);
	if (config == NULL)
		add_failure(validation->checks, "", &failure);
	else if (config->outbound)
	{
		char object[200];

		snprintf(object, sizeof object, "connection %s", config->target.name != NULL ? config->target.name : "");
		if (!mysql_target_validate(config, add_check, validation->checks, &failure))
			add_failure(validation->checks, object, &failure);
	}
	else
	{
		const SourceOps *ops = source_registry_find(config->source.kind);
		char object[200];

		snprintf(object, sizeof object, "connection %s", config->source.name != NULL ? config->source.name : "");
		if (ops == NULL)
		{
			failure_set(&failure, FAILURE_REJECT, "no_source", "Use a connection of kind mysql or mariadb.",
						"this bridge cannot read from connections of kind %s", config->source.kind);
			add_failure(validation->checks, object, &failure);
		}
		else if (!ops->validate(config, add_check, validation->checks, &failure))
			add_failure(validation->checks, object, &failure);
	}
	stream_config_free(config);
	source_registry_thread_end();
	validation->answer = answer_text(validation->checks);
	atomic_store(&validation->ended, true);
	/* A full counter means that the bridge has a wake-up waiting already. */
	(void) !write(validation->wake_fd, &one, sizeof one);
	return NULL;
}

Validation *
validation_start(int64_t request, const char *row, const char *secret, int wake_fd, Failure *failure)
{
	Validation *validation = calloc(1, sizeof *validation);

	if (validation != NULL)
	{
		validation->request = request;
		validation->row = strdup(row);
		validation->secret = secret != NULL ? strdup(secret) : NULL;
		validation->wake_fd = wake_fd;
		validation->checks = json_object_new_array();
		if (validation->row != NULL && pthread_create(&validation->thread, NULL, validate, validation) == 0)
			return validation;
		json_object_put(validation->checks);
		free(validation->row);
		free(validation->secret);
		free(validation);
	}
	failure_set(failure, FAILURE_RETRY, "no_thread", "Raise the bridge's limits of memory and threads, and try again.",
				"the bridge has no resources to validate a stream");
	return NULL;
}

bool
validation_ended(const Validation *validation)
{
	return atomic_load(&((Validation *) validation)->ended);
}

int64_t
validation_request(const Validation *validation)
{
	return validation->request;
}

const char *
validation_answer(const Validation *validation)
{
	return validation->answer;
}

void
validation_free(Validation *validation)
{
	if (validation == NULL)
		return;
	pthread_join(validation->thread, NULL);
	json_object_put(validation->checks);
	if (validation->secret != NULL)
		explicit_bzero(validation->secret, strlen(validation->secret));
	free(validation->secret);
	free(validation->row);
	free(validation->answer);
	free(validation);
}

char *
validation_refusal(const Failure *failure)
{
	struct json_object *checks = json_object_new_array();
	char *answer;

	add_failure(checks, "", failure);
	answer = answer_text(checks);
	json_object_put(checks);
	return answer;
}
