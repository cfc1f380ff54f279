#include "report.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Seconds from 1970-01-01 to 2000-01-01. */
#define POSTGRES_EPOCH_S 946684800

int64_t
report_rss_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long total;
	long resident = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%ld %ld", &total, &resident) != 2)
		resident = 0;
	fclose(file);
	return (int64_t) resident * sysconf(_SC_PAGESIZE);
}

static void
add_count(struct json_object *object, const char *name, uint64_t count)
{
	json_object_object_add(object, name, json_object_new_uint64(count));
}

/*
 * What is left of the log's end as it was last asked for. The reader has gone on since: within the last
 * file the difference is known; before it, what was known then is the best there is.
 */
static uint64_t
bytes_behind(const WatcherLag *lag, SourcePoint reached)
{
	if (reached.file > lag->end.file || (reached.file == lag->end.file && reached.offset >= lag->end.offset))
		return 0;
	return reached.file == lag->end.file ? lag->end.offset - reached.offset : lag->bytes_behind;
}

char *
report_json(const SourceOps *ops, const Source *source, Watcher *watcher)
{
	struct json_object *object = json_object_new_object();
	SourceProgress progress;
	WatcherLag lag;
	char *text;

	if (object == NULL)
		return NULL;
	ops->progress(source, &progress);
	watcher_lag(watcher, &lag);
	if (progress.position[0] != '\0')
		json_object_object_add(object, "received_position", json_object_new_string(progress.position));
	if (lag.known)
	{
		if (lag.source_position[0] != '\0')
			json_object_object_add(object, "source_position", json_object_new_string(lag.source_position));
		add_count(object, "bytes_behind", bytes_behind(&lag, progress.point));
	}
	add_count(object, "events", progress.events);
	add_count(object, "bytes", progress.bytes);
	add_count(object, "rows", progress.rows);
	if (progress.last_event_time != 0)
		json_object_object_add(object, "last_event_at",
							   json_object_new_double((double) progress.last_event_time / 1e6 + POSTGRES_EPOCH_S));
	add_count(object, "rss_bytes", (uint64_t) report_rss_bytes());
	text = strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
	return text;
}
