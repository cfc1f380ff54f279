#include "name.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

/* "_" and eight digits. */
#define SUFFIX_SIZE 9

#define HASH_START UINT32_C(2166136261)

/* FNV-1a, 32 bits, continued from hash: stable for ever, since names that it made are in people's databases. */
static uint32_t
hash_bytes(uint32_t hash, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char) data[i]) * UINT32_C(16777619);
	return hash;
}

uint32_t
dbs_name_hash(const char *data, size_t size)
{
	return hash_bytes(HASH_START, data, size);
}

/* Shorten out[0..size), a prefix of the name of at most DBS_NAME_MAX bytes, and append the hash. */
static size_t
append_hash(char out[DBS_NAME_BUFFER], size_t size, uint32_t hash)
{
	size_t cut = dbs_utf8_clip(out, size, DBS_NAME_MAX - SUFFIX_SIZE);

	snprintf(out + cut, SUFFIX_SIZE + 1, "_%08x", (unsigned) hash);
	return cut + SUFFIX_SIZE;
}

/* Copy as much of from[0..size) behind out[0..used) as fits; returns the new length. */
static size_t
append_part(char out[DBS_NAME_BUFFER], size_t used, const char *from, size_t size)
{
	size_t room = DBS_NAME_MAX - used;

	if (size > room)
		size = room;
	if (size > 0)
		memcpy(out + used, from, size);
	return used + size;
}

size_t
dbs_name_fit(const char *name, size_t size, char out[DBS_NAME_BUFFER])
{
	size_t used = append_part(out, 0, name, size);

	if (size > DBS_NAME_MAX)
		return append_hash(out, used, hash_bytes(HASH_START, name, size));
	out[used] = '\0';
	return used;
}

size_t
dbs_name_for_index(const char *table, size_t table_size, const char *index, size_t index_size,
				   char out[DBS_NAME_BUFFER])
{
	uint32_t hash;
	size_t used;

	used = append_part(out, 0, table, table_size);
	used = append_part(out, used, "_", 1);
	used = append_part(out, used, index, index_size);
	if (table_size + 1 + index_size <= DBS_NAME_MAX)
	{
		out[used] = '\0';
		return used;
	}

	/* A NUL byte, which no name holds, between the two: table "a_b", index "c" is not table "a", index "b_c". */
	hash = hash_bytes(HASH_START, table, table_size);
	hash = hash_bytes(hash, "", 1);
	hash = hash_bytes(hash, index, index_size);
	return append_hash(out, used, hash);
}

bool
dbs_name_quote_pg(const char *name, size_t size, char *out, size_t out_size)
{
	size_t used = 0;

	if (size == 0 || out_size < 3)
		return false;
	out[used++] = '"';
	for (size_t i = 0; i < size; i++)
	{
		size_t takes = name[i] == '"' ? 2 : 1;

		if (name[i] == '\0' || out_size - used < takes + 2)
			return false;
		if (takes == 2)
			out[used++] = '"';
		out[used++] = name[i];
	}
	out[used++] = '"';
	out[used] = '\0';
	return true;
}
