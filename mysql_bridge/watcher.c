#include "watcher.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "source_registry.h"

#define ASK_EVERY_S 2

struct Watcher
{
	const SourceOps *ops;
	Source *source;
	Outbox *outbox;
	const char *stream;
	pthread_t thread;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t work;
	bool stopping;
	uint64_t wanted;   /* newest token asked for */
	uint64_t answered; /* newest token with a point */
	SourcePoint point;
	WatcherLag lag;
};

/* Until there is a token to answer, time is up or the watcher stops. Called with the lock held. */
static void
wait_for_work(Watcher *watcher, bool after_failure)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += after_failure ? 1 : ASK_EVERY_S;
	while (!watcher->stopping && (after_failure || watcher->wanted == watcher->answered))
	{
		if (pthread_cond_timedwait(&watcher->work, &watcher->lock, &until) != 0)
			return;
	}
}

static void *
watch(void *context)
{
	Watcher *watcher = context;
	bool failed = false;
	bool logged = false;

	source_registry_thread_begin();
	pthread_mutex_lock(&watcher->lock);
	while (!watcher->stopping)
	{
		uint64_t token = watcher->wanted; /* the question asked from now on answers this one, not a later one */
		SourceProgress progress;
		SourcePoint end;
		WatcherLag lag = {.known = true};
		Failure failure = {.class = FAILURE_NONE};

		pthread_mutex_unlock(&watcher->lock);
		watcher->ops->progress(watcher->source, &progress);
		failed = !watcher->ops->end_point(watcher->source, progress.point, &end, lag.source_position, &lag.bytes_behind,
										  &failure);
		if (failed && !logged)
		{
			failure_context(&failure, "asking the source where its log ends");
			log_failure(LOG_LEVEL_WARNING, watcher->stream, &failure);
		}
		logged = failed;
		pthread_mutex_lock(&watcher->lock);
		if (!failed)
		{
			lag.end = end;
			watcher->lag = lag;
			watcher->point = end;
			if (token != watcher->answered)
				outbox_wake(watcher->outbox);
			watcher->answered = token;
		}
		wait_for_work(watcher, failed);
	}
	pthread_mutex_unlock(&watcher->lock);
	source_registry_thread_end();
	return NULL;
}

Watcher *
watcher_start(const SourceOps *ops, Source *source, Outbox *outbox, const char *stream, Failure *failure)
{
	Watcher *watcher = calloc(1, sizeof *watcher);
	pthread_condattr_t monotonic;

	if (watcher == NULL)
	{
		failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a stream's watcher");
		return NULL;
	}
	watcher->ops = ops;
	watcher->source = source;
	watcher->outbox = outbox;
	watcher->stream = stream;
	pthread_mutex_init(&watcher->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&watcher->work, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&watcher->thread, NULL, watch, watcher) != 0)
	{
		pthread_cond_destroy(&watcher->work);
		pthread_mutex_destroy(&watcher->lock);
		free(watcher);
		failure_set(failure, FAILURE_RETRY, "no_thread", "Raise the limit of threads of the bridge's user.",
					"a stream's watcher thread cannot be started");
		return NULL;
	}
	return watcher;
}

void
watcher_stop(Watcher *watcher)
{
	if (watcher == NULL)
		return;
	pthread_mutex_lock(&watcher->lock);
	watcher->stopping = true;
	pthread_cond_signal(&watcher->work);
	pthread_mutex_unlock(&watcher->lock);
	pthread_join(watcher->thread, NULL);
	pthread_cond_destroy(&watcher->work);
	pthread_mutex_destroy(&watcher->lock);
	free(watcher);
}

void
watcher_want(Watcher *watcher, uint64_t token)
{
	pthread_mutex_lock(&watcher->lock);
	if (token > watcher->wanted)
	{
		watcher->wanted = token;
		pthread_cond_signal(&watcher->work);
	}
	pthread_mutex_unlock(&watcher->lock);
}

bool
watcher_answer(Watcher *watcher, uint64_t after, uint64_t *token, SourcePoint *point)
{
	bool found;

	pthread_mutex_lock(&watcher->lock);
	found = watcher->answered > after;
	*token = watcher->answered;
	*point = watcher->point;
	pthread_mutex_unlock(&watcher->lock);
	return found;
}

void
watcher_lag(Watcher *watcher, WatcherLag *lag)
{
	pthread_mutex_lock(&watcher->lock);
	*lag = watcher->lag;
	pthread_mutex_unlock(&watcher->lock);
}
