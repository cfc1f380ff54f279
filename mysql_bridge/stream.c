#include "stream.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backoff.h"
#include "log.h"
#include "postgres_connection.h"
#include "session.h"
#include "source_registry.h"

/* How often a bridge that stands by tries to take a stream over. */
#define CLAIM_RETRY_MS 2000
#define OUTDATED_RETRY_MS 1000

struct Stream
{
	int id;
	int64_t generation;
	char *name;
	char *row;
	StreamSettings settings;
	int stop_fd;  /* an eventfd, readable once the stream is to stop, and never read */
	int nudge_fd; /* an eventfd: do not wait any longer */
	pthread_t thread;
	atomic_bool ended;
	Failure fatal; /* valid once ended */
};

/* Wait, unless nudged. True when told to stop meanwhile. */
static bool
pause_stream(const Stream *stream, int ms)
{
	struct pollfd fds[2] = {{stream->stop_fd, POLLIN, 0}, {stream->nudge_fd, POLLIN, 0}};
	uint64_t nudges;

	/* Nudges from before this wait were about something else. */
	(void) !read(stream->nudge_fd, &nudges, sizeof nudges);
	(void) poll(fds, 2, ms);
	return fds[0].revents != 0;
}

/* How long to wait after this failure; logs it. */
static int
plan_wait(const Stream *stream, Backoff *backoff, const Failure *failure, bool *standing_by)
{
	int wait;

	if (strcmp(failure->code, FAILURE_CODE_CLAIMED) == 0)
	{
		if (!*standing_by)
			log_line(LOG_LEVEL_INFO, stream->name, "another bridge carries this stream; standing by");
		*standing_by = true;
		return CLAIM_RETRY_MS;
	}
	*standing_by = false;
	if (strcmp(failure->code, FAILURE_CODE_OUTDATED) == 0)
	{
		/* The bridge has been notified, too: it ends this thread, and begins another with the new definition. */
		log_line(LOG_LEVEL_INFO, stream->name, "%s; it is opened anew", failure->message);
		return OUTDATED_RETRY_MS;
	}
	wait = backoff_next(backoff, failure->class);
	log_failure(failure->class == FAILURE_RETRY ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, stream->name, failure);
	log_line(LOG_LEVEL_DEBUG, stream->name, "trying again in %d ms", wait);
	return wait;
}

static void *
live(void *context)
{
	Stream *stream = context;
	SessionInput input = {stream->settings.conninfo,
						  stream->settings.bridge_name,
						  stream->name,
						  stream->row,
						  stream->generation,
						  stream->id,
						  stream->stop_fd};
	SessionOutcome outcome = {false, false, {.class = FAILURE_NONE}};
	Backoff backoff;
	Failure failure;
	bool standing_by = false;
	uint64_t one = 1;

	source_registry_thread_begin();
	backoff_init(&backoff, (uint64_t) stream->id * 1000003 + (uint64_t) getpid());
	while (!session_run(&input, &outcome, &failure))
	{
		if (failure.class == FAILURE_FATAL && strcmp(failure.code, FAILURE_CODE_HANDSHAKE) == 0)
		{
			stream->fatal = failure;
			break;
		}
		if (outcome.progressed)
			backoff_reset(&backoff);
		if (outcome.conflict_met)
		{
			log_line(LOG_LEVEL_INFO, stream->name, "%s; settling it row by row", failure.message);
			continue;
		}
		if (pause_stream(stream, plan_wait(stream, &backoff, &failure, &standing_by)))
			break;
	}
	source_registry_thread_end();
	atomic_store(&stream->ended, true);
	/* A full counter means that the bridge has a wake-up waiting already. */
	(void) !write(stream->settings.wake_fd, &one, sizeof one);
	return NULL;
}

static void
release(Stream *stream)
{
	if (stream->stop_fd >= 0)
		close(stream->stop_fd);
	if (stream->nudge_fd >= 0)
		close(stream->nudge_fd);
	free(stream->name);
	free(stream->row);
	free(stream);
}

Stream *
stream_start(int id, int64_t generation, const char *name, const char *row, const StreamSettings *settings,
			 Failure *failure)
{
	Stream *stream = calloc(1, sizeof *stream);

	if (stream != NULL)
	{
		stream->id = id;
		stream->generation = generation;
		stream->name = strdup(name);
		stream->row = strdup(row);
		stream->settings = *settings;
		stream->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		stream->nudge_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (stream->name != NULL && stream->row != NULL && stream->stop_fd >= 0 && stream->nudge_fd >= 0 &&
			pthread_create(&stream->thread, NULL, live, stream) == 0)
			return stream;
		release(stream);
	}
	failure_set(failure, FAILURE_RETRY, "no_thread", "Raise the bridge's limits of memory, threads and open files.",
				"there are no resources to run stream %s", name);
	return NULL;
}

void
stream_stop(Stream *stream)
{
	uint64_t one = 1;

	/* A full counter means that it has been told before. */
	(void) !write(stream->stop_fd, &one, sizeof one);
}

void
stream_nudge(Stream *stream)
{
	uint64_t one = 1;

	(void) !write(stream->nudge_fd, &one, sizeof one);
}

bool
stream_ended(const Stream *stream)
{
	return atomic_load(&((Stream *) stream)->ended);
}

bool
stream_fatal(const Stream *stream, Failure *failure)
{
	if (!stream_ended(stream) || stream->fatal.class != FAILURE_FATAL)
		return false;
	*failure = stream->fatal;
	return true;
}

void
stream_free(Stream *stream)
{
	if (stream == NULL)
		return;
	pthread_join(stream->thread, NULL);
	release(stream);
}

int
stream_id(const Stream *stream)
{
	return stream->id;
}

int64_t
stream_generation(const Stream *stream)
{
	return stream->generation;
}

const char *
stream_name(const Stream *stream)
{
	return stream->name;
}
