/*
 * The tables that the log has named so far: see table_cache.h.
 *
 * An entry belongs to a name. The number that the log uses for a table changes whenever the source opens the table
 * anew, and starts again when the source restarts, so it is only a way to find the entry of the name it stands for now.
 */
#include "table_cache.h"

#include <stdlib.h>
#include <string.h>

#include "pattern.h"

bool
table_name_is_own(const char *name)
{
	return strcmp(name, PROGRESS_TABLE_NAME) == 0 || strcmp(name, COPY_RECORD_TABLE_NAME) == 0 ||
		   strcmp(name, TABLE_TOTALS_TABLE_NAME) == 0 || strcmp(name, CONFLICT_TABLE_NAME) == 0;
}

#define BUCKETS 1024
#define MAX_TABLES 20000

struct TableCache
{
	const StreamConfig *config;
	CharsetCatalog *charsets;
	CachedTable *by_id[BUCKETS];
	CachedTable *by_name[BUCKETS];
	size_t count;
	uint32_t last_wire_id;
};

TableCache *
table_cache_new(const StreamConfig *config, CharsetCatalog *charsets)
{
	TableCache *cache = calloc(1, sizeof *cache);

	if (cache == NULL)
		return NULL;
	cache->config = config;
	cache->charsets = charsets;
	return cache;
}

static void
entry_free(CachedTable *entry)
{
	if (entry->table != NULL)
		source_table_free(entry->table);
	free(entry->schema);
	free(entry->name);
	free(entry->body);
	free(entry);
}

static void
forget_all(TableCache *cache)
{
	for (size_t i = 0; i < BUCKETS; i++)
	{
		while (cache->by_name[i] != NULL)
		{
			CachedTable *entry = cache->by_name[i];

			cache->by_name[i] = entry->next_by_name;
			entry_free(entry);
		}
		cache->by_id[i] = NULL;
	}
	cache->count = 0;
	cache->last_wire_id = 0;
}

void
table_cache_free(TableCache *cache)
{
	if (cache == NULL)
		return;
	forget_all(cache);
	free(cache);
}

void
table_cache_trim(TableCache *cache)
{
	if (cache->count > MAX_TABLES)
		forget_all(cache);
}

CachedTable *
table_cache_find(TableCache *cache, uint64_t log_id)
{
	CachedTable *entry = cache->by_id[log_id % BUCKETS];

	while (entry != NULL && entry->log_id != log_id)
		entry = entry->next_by_id;
	return entry;
}

static void
unlink_id(TableCache *cache, CachedTable *entry)
{
	CachedTable **link = &cache->by_id[entry->log_id % BUCKETS];

	while (*link != NULL && *link != entry)
		link = &(*link)->next_by_id;
	if (*link == entry)
		*link = entry->next_by_id;
}

static void
link_id(TableCache *cache, CachedTable *entry, uint64_t log_id)
{
	CachedTable *other = table_cache_find(cache, log_id);

	if (other == entry)
		return;
	if (other != NULL)
		unlink_id(cache, other);
	unlink_id(cache, entry);
	entry->log_id = log_id;
	entry->next_by_id = cache->by_id[log_id % BUCKETS];
	cache->by_id[log_id % BUCKETS] = entry;
}

static size_t
name_bucket(const char *schema, size_t schema_size, const char *name, size_t name_size)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < schema_size; i++)
		hash = (hash ^ (uint8_t) schema[i]) * 16777619u;
	hash *= 16777619u;
	for (size_t i = 0; i < name_size; i++)
		hash = (hash ^ (uint8_t) name[i]) * 16777619u;
	return hash % BUCKETS;
}

static CachedTable *
entry_of_name(TableCache *cache, const char *schema, size_t schema_size, const char *name, size_t name_size)
{
	size_t bucket = name_bucket(schema, schema_size, name, name_size);
	CachedTable *entry = cache->by_name[bucket];

	for (; entry != NULL; entry = entry->next_by_name)
		if (strlen(entry->schema) == schema_size && strlen(entry->name) == name_size &&
			memcmp(entry->schema, schema, schema_size) == 0 && memcmp(entry->name, name, name_size) == 0)
			return entry;
	entry = calloc(1, sizeof *entry);
	if (entry == NULL)
		return NULL;
	entry->schema = strndup(schema, schema_size);
	entry->name = strndup(name, name_size);
	if (entry->schema == NULL || entry->name == NULL)
	{
		entry_free(entry);
		return NULL;
	}
	entry->log_id = UINT64_MAX;
	entry->is_progress = strcmp(entry->name, PROGRESS_TABLE_NAME) == 0;
	entry->selected = !entry->is_progress && dbs_pattern_selects((const char *const *) cache->config->tables, schema,
																 schema_size, name, name_size);
	if (entry->selected)
		entry->wire_id = ++cache->last_wire_id;
	entry->next_by_name = cache->by_name[bucket];
	cache->by_name[bucket] = entry;
	cache->count++;
	return entry;
}

CachedTable *
table_cache_map(TableCache *cache, uint64_t log_id, const uint8_t *body, size_t size, bool parse, Failure *failure)
{
	CachedTable *entry = table_cache_find(cache, log_id);
	const char *schema;
	const char *name;
	size_t schema_size;
	size_t name_size;
	bool same;

	if (entry != NULL && entry->body_size == size && memcmp(entry->body, body, size) == 0 &&
		(entry->table != NULL || !entry->selected || !parse))
		return entry;
	if (!source_table_names(body, size, &schema, &schema_size, &name, &name_size, failure))
		return NULL;
	entry = entry_of_name(cache, schema, schema_size, name, name_size);
	if (entry == NULL)
		goto no_memory;
	link_id(cache, entry, log_id);
	same = entry->body != NULL && entry->body_size == size && memcmp(entry->body, body, size) == 0;
	if (!same)
	{
		uint8_t *copy = malloc(size > 0 ? size : 1);

		if (copy == NULL)
			goto no_memory;
		memcpy(copy, body, size);
		free(entry->body);
		entry->body = copy;
		entry->body_size = size;
		if (entry->table != NULL)
			source_table_free(entry->table);
		entry->table = NULL;
		entry->announced = false;
	}
	if (entry->selected && parse && entry->table == NULL)
	{
		entry->table = source_table_parse(body, size, cache->config, cache->charsets, failure);
		if (entry->table == NULL)
			return NULL;
	}
	return entry;

no_memory:
	failure_set(failure, FAILURE_RETRY, "out_of_memory", "", "out of memory for a table's description");
	return NULL;
}
