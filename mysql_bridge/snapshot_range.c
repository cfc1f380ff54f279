/*
 * Ranges of a table's key: see snapshot_range.h.
 *
 * Conditions are written so that the server sees a range of the key's index: (a, b) > (x, y) as a >= x AND (a > x OR
 * (a = x AND b > y)), since it makes no range of a comparison of rows.
 */
#include "snapshot_range.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

/* ---- keys ---- */

void
snapshot_key_free(char **key, uint32_t key_count)
{
	for (uint32_t i = 0; key != NULL && i < key_count; i++)
		free(key[i]);
	free(key);
}

static char **
copy_key(char *const *key, uint32_t key_count)
{
	char **copy = calloc((size_t) key_count + 1, sizeof *copy);

	for (uint32_t i = 0; copy != NULL && i < key_count; i++)
	{
		copy[i] = strdup(key[i]);
		if (copy[i] == NULL)
		{
			snapshot_key_free(copy, key_count);
			return NULL;
		}
	}
	return copy;
}

/* *key stays NULL when there is none. False: it is not a key of so many columns, or memory runs out. */
static bool
read_key(struct json_object *recorded, const char *name, uint32_t key_count, char ***key)
{
	struct json_object *texts = NULL;

	if (!json_object_object_get_ex(recorded, name, &texts) || texts == NULL)
		return true;
	if (!json_object_is_type(texts, json_type_array) || json_object_array_length(texts) != key_count)
		return false;
	*key = calloc((size_t) key_count + 1, sizeof **key);
	for (uint32_t i = 0; *key != NULL && i < key_count; i++)
	{
		const char *text = json_object_get_string(json_object_array_get_idx(texts, i));

		(*key)[i] = strdup(text != NULL ? text : "");
		if ((*key)[i] == NULL)
			return false;
	}
	return *key != NULL;
}

static char *
hexadecimal(const char *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * size + 1);

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < size; i++)
	{
		text[2 * i] = digits[(unsigned char) bytes[i] >> 4];
		text[2 * i + 1] = digits[(unsigned char) bytes[i] & 15];
	}
	text[2 * size] = '\0';
	return text;
}

char *
snapshot_key_text(const SnapshotKey *key, const char *value, size_t size)
{
	return key->bytes || key->text ? hexadecimal(value, size) : strndup(value, size);
}

char *
snapshot_key_json(char *const *key, uint32_t key_count)
{
	struct json_object *texts = json_object_new_array();
	char *text;

	for (uint32_t i = 0; i < key_count; i++)
		json_object_array_add(texts, json_object_new_string(key[i]));
	text = strdup(json_object_to_json_string_ext(texts, JSON_C_TO_STRING_PLAIN));
	json_object_put(texts);
	return text;
}

/* ---- ranges ---- */

SnapshotRange *
snapshot_range_new(uint64_t number, char *const *copied_to, char *const *upper, uint32_t key_count)
{
	SnapshotRange *range = calloc(1, sizeof *range);

	if (range == NULL)
		return NULL;
	range->number = number;
	if (copied_to != NULL)
		range->copied_to = copy_key(copied_to, key_count);
	if (upper != NULL)
		range->upper = copy_key(upper, key_count);
	if ((copied_to != NULL && range->copied_to == NULL) || (upper != NULL && range->upper == NULL))
	{
		snapshot_range_free(range, key_count);
		return NULL;
	}
	return range;
}

void
snapshot_range_free(SnapshotRange *range, uint32_t key_count)
{
	if (range == NULL)
		return;
	snapshot_key_free(range->copied_to, key_count);
	snapshot_key_free(range->upper, key_count);
	free(range);
}

SnapshotRange *
snapshot_range_read(struct json_object *recorded, uint32_t key_count)
{
	struct json_object *number = NULL;
	SnapshotRange *range = calloc(1, sizeof *range);

	if (range == NULL)
		return NULL;
	if (json_object_object_get_ex(recorded, "number", &number))
		range->number = (uint64_t) json_object_get_int64(number);
	if (range->number > 0 && read_key(recorded, "copied_to", key_count, &range->copied_to) &&
		read_key(recorded, "upper", key_count, &range->upper))
		return range;
	snapshot_range_free(range, key_count);
	return NULL;
}

/* ---- words of a query ---- */

/* Hexadecimal digits are written as they are kept. */
static void
write_literal(FILE *out, MYSQL *sql, const SnapshotKey *key, const char *value)
{
	size_t size = strlen(value);
	char *escaped;

	if (key->number)
	{
		fputs(value, out);
		return;
	}
	if (key->bytes || key->text)
	{
		fprintf(out, "%sx'%s'", key->text ? "_utf8mb4 " : "", value);
		return;
	}
	escaped = malloc(2 * size + 1);
	if (escaped != NULL)
	{
		mysql_real_escape_string(sql, escaped, value, size);
		fprintf(out, "'%s'", escaped);
	}
	free(escaped);
}

static void
compare(FILE *out, MYSQL *sql, const SnapshotKey *key, const char *operator, const char * value)
{
	fprintf(out, "%s %s ", key->expression, operator);
	write_literal(out, sql, key, value);
}

/* The operator for rows behind a value of this column, or before it. */
static const char *
beyond(const SnapshotKey *key, bool behind, bool equal)
{
	if (behind != key->descending)
		return equal ? ">=" : ">";
	return equal ? "<=" : "<";
}

/* Rows behind the key, or those up to it and with it. */
static void
write_bound(FILE *out, MYSQL *sql, const SnapshotKey *keys, uint32_t key_count, char *const *values, bool behind)
{
	compare(out, sql, &keys[0], beyond(&keys[0], behind, true), values[0]);
	fputs(" AND ", out);
	for (uint32_t i = 0; i < key_count; i++)
	{
		bool last = i + 1 == key_count;

		fputc('(', out);
		compare(out, sql, &keys[i], beyond(&keys[i], behind, last && !behind), values[i]);
		if (last)
			break;
		fputs(" OR (", out);
		compare(out, sql, &keys[i], "=", values[i]);
		fputs(" AND ", out);
	}
	for (uint32_t i = 0; i + 1 < key_count; i++)
		fputs("))", out);
	fputc(')', out);
}

void
snapshot_range_write(FILE *out, MYSQL *sql, const SnapshotRange *range, const SnapshotKey *keys, uint32_t key_count)
{
	if (range->copied_to != NULL)
	{
		fputs(" WHERE ", out);
		write_bound(out, sql, keys, key_count, range->copied_to, true);
	}
	if (range->upper != NULL)
	{
		fputs(range->copied_to != NULL ? " AND " : " WHERE ", out);
		write_bound(out, sql, keys, key_count, range->upper, false);
	}
	for (uint32_t i = 0; i < key_count; i++)
		fprintf(out, "%s %s%s", i == 0 ? " ORDER BY" : ",", keys[i].expression, keys[i].descending ? " DESC" : "");
}
