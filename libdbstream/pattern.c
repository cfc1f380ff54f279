/*
 * Patterns are few and short, and a table is looked up once: they are matched
 * as they stand, without being compiled.
 */
#include "pattern.h"

#include <string.h>

#include "utf8.h"

/* The first dot in pattern that no backslash precedes, or the terminating NUL. */
static const char *
find_dot(const char *pattern)
{
	while (*pattern != '\0' && *pattern != '.')
	{
		if (pattern[0] == '\\' && pattern[1] != '\0')
			pattern++;
		pattern++;
	}
	return pattern;
}

const char *
dbs_pattern_check(const char *pattern)
{
	const char *dot;

	if (*pattern == '!')
		pattern++;
	if (*pattern == '\0')
		return "a pattern is empty; write schema.table, for example shop.*";
	if (!dbs_utf8_valid(pattern, strlen(pattern)))
		return "a pattern is not valid UTF-8";
	for (const char *at = pattern; *at != '\0'; at++)
	{
		if (*at == '\\' && *++at == '\0')
			return "a pattern ends in a backslash; a backslash takes the next character as it is";
	}
	dot = find_dot(pattern);
	if (*dot == '\0')
		return "a pattern has no dot; write schema.table, for example shop.*";
	if (dot == pattern)
		return "a pattern has nothing before its dot; write schema.table, for example shop.*";
	if (dot[1] == '\0')
		return "a pattern has nothing after its dot; write schema.table, for example shop.*";
	if (*find_dot(dot + 1) != '\0')
		return "a pattern has more than one dot; a dot that is part of a name is written \\.";
	return NULL;
}

/* Bytes of the character at name[0..size), one byte at a time where the name is not UTF-8. */
static size_t
character_size(const char *name, size_t size)
{
	size_t length = dbs_utf8_length(name, size);

	return length == 0 ? 1 : length;
}

/*
 * Does pattern[0..pattern_size) match the whole name?  Only the last star is
 * ever tried again, which suffices for globs and keeps the time at the product
 * of the two sizes.
 */
static bool
part_matches(const char *pattern, size_t pattern_size, const char *name, size_t name_size)
{
	size_t p = 0;
	size_t n = 0;
	size_t star = 0; /* position after the last star met, 0 when none */
	size_t star_name = 0;

	while (n < name_size)
	{
		if (p < pattern_size && pattern[p] == '*')
		{
			star = ++p;
			star_name = n;
			continue;
		}
		if (p < pattern_size && pattern[p] == '?')
		{
			p++;
			n += character_size(name + n, name_size - n);
			continue;
		}
		if (p < pattern_size)
		{
			size_t literal = pattern[p] == '\\' && p + 1 < pattern_size ? p + 1 : p;

			if (pattern[literal] == name[n])
			{
				p = literal + 1;
				n++;
				continue;
			}
		}
		if (star == 0)
			return false;
		p = star;
		star_name += character_size(name + star_name, name_size - star_name);
		n = star_name;
	}
	while (p < pattern_size && pattern[p] == '*')
		p++;
	return p == pattern_size;
}

static bool
pattern_matches(const char *pattern, const char *schema, size_t schema_size, const char *table, size_t table_size)
{
	const char *dot = find_dot(pattern);

	if (*dot == '\0')
		return false;
	return part_matches(pattern, (size_t) (dot - pattern), schema, schema_size) &&
		   part_matches(dot + 1, strlen(dot + 1), table, table_size);
}

bool
dbs_pattern_selects(const char *const *patterns, const char *schema, size_t schema_size, const char *table,
					size_t table_size)
{
	bool selected = false;

	for (; *patterns != NULL; patterns++)
	{
		bool excludes = (*patterns)[0] == '!';

		if (!excludes && selected)
			continue;
		if (pattern_matches(*patterns + excludes, schema, schema_size, table, table_size))
		{
			if (excludes)
				return false;
			selected = true;
		}
	}
	return selected;
}

bool
dbs_pattern_selects_schema(const char *const *patterns, const char *schema)
{
	for (; *patterns != NULL; patterns++)
	{
		if ((*patterns)[0] != '!' &&
			part_matches(*patterns, (size_t) (find_dot(*patterns) - *patterns), schema, strlen(schema)))
			return true;
	}
	return false;
}
