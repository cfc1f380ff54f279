/*
 * Things by schema and name.
 */
#include "postgres.h"

#include "ddl_names.h"
#include "name.h"

#define FIRST_SIZE 64

struct DdlNameEntry
{
	DdlNameEntry *next;
	uint32 hash;
	const char *schema;
	const char *name;
	void *value;
};

static uint32
hash_of(const char *schema, const char *name)
{
	uint32 hash = dbs_name_hash(name, strlen(name));

	return schema == NULL ? hash : hash ^ (dbs_name_hash(schema, strlen(schema)) * 31 + 1);
}

static bool
is_named(const DdlNameEntry *entry, uint32 hash, const char *schema, const char *name)
{
	return entry->hash == hash && strcmp(entry->name, name) == 0 &&
		   (schema == NULL || entry->schema == NULL ? schema == entry->schema : strcmp(entry->schema, schema) == 0);
}

static void
grow(DdlNames *names)
{
	int size = names->size == 0 ? FIRST_SIZE : names->size * 2;
	DdlNameEntry **buckets = palloc0(size * sizeof(DdlNameEntry *));

	for (int i = 0; i < names->size; i++)
	{
		DdlNameEntry **end[2] = {&buckets[i], &buckets[i + names->size]};

		/* Each chain parts into two, whose order stays: the last one added comes first. */
		for (DdlNameEntry *entry = names->buckets[i]; entry != NULL; entry = entry->next)
		{
			int half = (entry->hash & names->size) != 0;

			*end[half] = entry;
			end[half] = &entry->next;
		}
		*end[0] = *end[1] = NULL;
	}
	names->buckets = buckets;
	names->size = size;
}

void *
dbs_ddl_names_find(const DdlNames *names, const char *schema, const char *name)
{
	uint32 hash;

	if (names->count == 0)
		return NULL;
	hash = hash_of(schema, name);
	for (DdlNameEntry *entry = names->buckets[hash & (names->size - 1)]; entry != NULL; entry = entry->next)
	{
		if (is_named(entry, hash, schema, name))
			return entry->value;
	}
	return NULL;
}

void
dbs_ddl_names_add(DdlNames *names, const char *schema, const char *name, void *value)
{
	DdlNameEntry *entry = palloc(sizeof(DdlNameEntry));
	DdlNameEntry **bucket;

	if (names->count >= names->size)
		grow(names);
	entry->hash = hash_of(schema, name);
	entry->schema = schema;
	entry->name = name;
	entry->value = value;
	bucket = &names->buckets[entry->hash & (names->size - 1)];
	entry->next = *bucket;
	*bucket = entry;
	names->count++;
}

void
dbs_ddl_names_remove(DdlNames *names, const char *schema, const char *name, const void *value)
{
	uint32 hash;

	if (names->count == 0)
		return;
	hash = hash_of(schema, name);
	for (DdlNameEntry **at = &names->buckets[hash & (names->size - 1)]; *at != NULL; at = &(*at)->next)
	{
		if ((*at)->value == value && is_named(*at, hash, schema, name))
		{
			*at = (*at)->next;
			names->count--;
			return;
		}
	}
}
