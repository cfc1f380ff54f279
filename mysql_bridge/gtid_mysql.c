/*
 * MySQL's GTID sets: see gtid_mysql.h.
 *
 * A set is a sorted array of lines, one for each source and tag, each with sorted intervals that neither touch nor
 * overlap. Following a log nearly always lengthens the last interval of the line that was changed last.
 *
 * The encoding is that of the server's Gtid_set: without tags a count, then for each source its 16 bytes, a count of
 * intervals and for each its first number and the number after its last, all 64 bits little-endian. With tags the
 * first 8 bytes are 0x01, the count in 6 bytes, 0x01, and a tag (its length doubled in one byte, then its bytes)
 * follows each source.
 */
#include "gtid_mysql.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Interval
{
	int64_t first;
	int64_t last; /* inclusive */
} Interval;

typedef struct Line
{
	uint8_t uuid[16];
	char tag[MYSQL_GTID_TAG_MAX + 1];
	Interval *intervals;
	size_t count;
	size_t room;
} Line;

struct MysqlGtidSet
{
	Line *lines;
	size_t count;
	size_t room;
	char *text;
	size_t text_room;
	bool text_valid;
};

MysqlGtidSet *
mysql_gtid_set_new(void)
{
	return calloc(1, sizeof(MysqlGtidSet));
}

void
mysql_gtid_set_clear(MysqlGtidSet *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->lines[i].intervals);
	set->count = 0;
	set->text_valid = false;
}

void
mysql_gtid_set_free(MysqlGtidSet *set)
{
	if (set == NULL)
		return;
	mysql_gtid_set_clear(set);
	free(set->lines);
	free(set->text);
	free(set);
}

static int
line_compare(const Line *line, const uint8_t *uuid, const char *tag)
{
	int order = memcmp(line->uuid, uuid, 16);

	return order != 0 ? order : strcmp(line->tag, tag);
}

/* The place of the line, or where it belongs. */
static size_t
line_place(const MysqlGtidSet *set, const uint8_t *uuid, const char *tag, bool *found)
{
	size_t low = 0;
	size_t high = set->count;

	while (low < high)
	{
		size_t middle = low + (high - low) / 2;
		int order = line_compare(&set->lines[middle], uuid, tag);

		if (order == 0)
		{
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = false;
	return low;
}

static Line *
line_get(MysqlGtidSet *set, const uint8_t *uuid, const char *tag)
{
	bool found;
	size_t place = line_place(set, uuid, tag, &found);
	Line *line;

	if (found)
		return &set->lines[place];
	if (set->count == set->room)
	{
		size_t room = set->room == 0 ? 4 : set->room * 2;
		Line *lines = realloc(set->lines, room * sizeof *lines);

		if (lines == NULL)
			return NULL;
		set->lines = lines;
		set->room = room;
	}
	memmove(&set->lines[place + 1], &set->lines[place], (set->count - place) * sizeof *set->lines);
	set->count++;
	line = &set->lines[place];
	memset(line, 0, sizeof *line);
	memcpy(line->uuid, uuid, 16);
	snprintf(line->tag, sizeof line->tag, "%s", tag);
	return line;
}

/* Put [first, last] into the line, joining whatever it touches. */
static bool
line_add(Line *line, int64_t first, int64_t last)
{
	size_t from = line->count;
	size_t to;

	/* Where a log is followed, this loop does not run at all or once. */
	while (from > 0 && line->intervals[from - 1].last >= first - 1)
		from--;
	to = from;
	while (to < line->count && line->intervals[to].first <= last + 1)
	{
		if (line->intervals[to].first < first)
			first = line->intervals[to].first;
		if (line->intervals[to].last > last)
			last = line->intervals[to].last;
		to++;
	}
	if (to == from)
	{
		if (line->count == line->room)
		{
			size_t room = line->room == 0 ? 2 : line->room * 2;
			Interval *intervals = realloc(line->intervals, room * sizeof *intervals);

			if (intervals == NULL)
				return false;
			line->intervals = intervals;
			line->room = room;
		}
		memmove(&line->intervals[from + 1], &line->intervals[from], (line->count - from) * sizeof *line->intervals);
		line->count++;
	}
	else if (to > from + 1)
	{
		memmove(&line->intervals[from + 1], &line->intervals[to], (line->count - to) * sizeof *line->intervals);
		line->count -= to - from - 1;
	}
	line->intervals[from].first = first;
	line->intervals[from].last = last;
	return true;
}

static bool
line_contains(const Line *line, int64_t first, int64_t last)
{
	size_t low = 0;
	size_t high = line->count;

	while (low < high)
	{
		size_t middle = low + (high - low) / 2;

		if (line->intervals[middle].last < first)
			low = middle + 1;
		else
			high = middle;
	}
	return low < line->count && line->intervals[low].first <= first && last <= line->intervals[low].last;
}

bool
mysql_gtid_set_add(MysqlGtidSet *set, const MysqlGtid *gtid)
{
	Line *line = line_get(set, gtid->uuid, gtid->tag);

	set->text_valid = false;
	return line != NULL && line_add(line, gtid->number, gtid->number);
}

bool
mysql_gtid_set_contains(const MysqlGtidSet *set, const MysqlGtid *gtid)
{
	bool found;
	size_t place = line_place(set, gtid->uuid, gtid->tag, &found);

	return found && line_contains(&set->lines[place], gtid->number, gtid->number);
}

bool
mysql_gtid_set_is_empty(const MysqlGtidSet *set)
{
	return set->count == 0;
}

bool
mysql_gtid_set_is_subset(const MysqlGtidSet *part, const MysqlGtidSet *whole)
{
	for (size_t i = 0; i < part->count; i++)
	{
		const Line *line = &part->lines[i];
		bool found;
		size_t place = line_place(whole, line->uuid, line->tag, &found);

		for (size_t k = 0; k < line->count; k++)
			if (!found || !line_contains(&whole->lines[place], line->intervals[k].first, line->intervals[k].last))
				return false;
	}
	return true;
}

/* ---- text ---- */

static bool
parse_failed(const char *text, const char *at, const char *what, Failure *failure)
{
	return failure_set(failure, FAILURE_REJECT, "gtid_set_invalid",
					   "Write it as MySQL shows it in gtid_executed: \"uuid:1-5:7,uuid:tag:1-3\".",
					   "GTID set is not well formed at character %zu: %s", (size_t) (at - text) + 1, what);
}

static const char *
skip_space(const char *at)
{
	while (isspace((unsigned char) *at))
		at++;
	return at;
}

/* 32 hexadecimal digits, with dashes anywhere between bytes. */
static bool
parse_uuid(const char **at, uint8_t uuid[16])
{
	const char *p = *at;

	for (int i = 0; i < 16; i++)
	{
		unsigned value = 0;

		if (*p == '-' && i > 0)
			p++;
		for (int digit = 0; digit < 2; digit++, p++)
		{
			if (!isxdigit((unsigned char) *p))
				return false;
			value = value * 16 +
					(isdigit((unsigned char) *p) ? (unsigned) (*p - '0') : (unsigned) ((*p | 0x20) - 'a') + 10);
		}
		uuid[i] = (uint8_t) value;
	}
	*at = p;
	return true;
}

static bool
parse_number(const char **at, int64_t *number)
{
	const char *p = skip_space(*at);
	int64_t value = 0;

	if (!isdigit((unsigned char) *p))
		return false;
	for (; isdigit((unsigned char) *p); p++)
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *p - '0', &value))
			return false;
	*at = skip_space(p);
	*number = value;
	return true;
}

static bool
parse_tag(const char **at, char tag[MYSQL_GTID_TAG_MAX + 1])
{
	const char *p = skip_space(*at);
	size_t size = 0;

	if (!isalpha((unsigned char) *p) && *p != '_')
		return false;
	for (; isalnum((unsigned char) *p) || *p == '_'; p++)
	{
		if (size == MYSQL_GTID_TAG_MAX)
			return false;
		tag[size++] = (char) tolower((unsigned char) *p);
	}
	tag[size] = '\0';
	*at = skip_space(p);
	return true;
}

/* ":7", ":1-5", ":tag" up to the next comma or the end. */
static bool
parse_intervals(MysqlGtidSet *set, const char *text, const char **at, const uint8_t *uuid, Failure *failure)
{
	char tag[MYSQL_GTID_TAG_MAX + 1] = "";

	while (**at == ':')
	{
		const char *start = skip_space(*at + 1);
		int64_t first;
		int64_t last;
		Line *line;

		*at = start;
		if (!isdigit((unsigned char) *start))
		{
			if (!parse_tag(at, tag))
				return parse_failed(text, start, "a number or a tag was expected", failure);
			if (**at != ':')
				return parse_failed(text, *at, "a tag must be followed by a colon and a number", failure);
			continue;
		}
		if (!parse_number(at, &first))
			return parse_failed(text, start, "the number is too large", failure);
		last = first;
		if (**at == '-')
		{
			*at = *at + 1;
			if (!parse_number(at, &last))
				return parse_failed(text, *at, "a number was expected after the dash", failure);
		}
		if (first < 1 || last < first || last == INT64_MAX)
			return parse_failed(text, start, "the interval is empty or out of range", failure);
		line = line_get(set, uuid, tag);
		if (line == NULL || !line_add(line, first, last))
			return failure_set(failure, FAILURE_FATAL, "out_of_memory", "", "out of memory in a GTID set");
	}
	return true;
}

bool
mysql_gtid_set_parse(MysqlGtidSet *set, const char *text, Failure *failure)
{
	const char *at = skip_space(text);

	set->text_valid = false;
	while (*at != '\0')
	{
		uint8_t uuid[16];
		const char *start = at;

		if (*at == ',')
		{
			at = skip_space(at + 1);
			continue;
		}
		if (!parse_uuid(&at, uuid))
			return parse_failed(text, start, "a UUID was expected", failure);
		at = skip_space(at);
		if (*at != ':')
			return parse_failed(text, at, "a colon was expected after the UUID", failure);
		if (!parse_intervals(set, text, &at, uuid, failure))
			return false;
		if (*at != ',' && *at != '\0')
			return parse_failed(text, at, "a comma was expected", failure);
	}
	return true;
}

static size_t
put_uuid(char *to, const uint8_t uuid[16])
{
	static const char digits[] = "0123456789abcdef";
	size_t used = 0;

	for (int i = 0; i < 16; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			to[used++] = '-';
		to[used++] = digits[uuid[i] >> 4];
		to[used++] = digits[uuid[i] & 15];
	}
	return used;
}

static size_t
put_number(char *to, int64_t number)
{
	char reversed[20];
	size_t size = 0;

	do
	{
		reversed[size++] = (char) ('0' + number % 10);
		number /= 10;
	} while (number > 0);
	for (size_t i = 0; i < size; i++)
		to[i] = reversed[size - 1 - i];
	return size;
}

void
mysql_gtid_text(const MysqlGtid *gtid, char text[MYSQL_GTID_TEXT_MAX])
{
	size_t used = put_uuid(text, gtid->uuid);
	size_t tag = strlen(gtid->tag);

	text[used++] = ':';
	if (tag > 0)
	{
		memcpy(text + used, gtid->tag, tag);
		used += tag;
		text[used++] = ':';
	}
	used += put_number(text + used, gtid->number);
	text[used] = '\0';
}

const char *
mysql_gtid_set_text(MysqlGtidSet *set)
{
	size_t need = 1;
	size_t used = 0;

	if (set->text_valid)
		return set->text;
	for (size_t i = 0; i < set->count; i++)
		need += 40 + MYSQL_GTID_TAG_MAX + set->lines[i].count * 42;
	if (need > set->text_room)
	{
		char *text = realloc(set->text, need * 2);

		if (text == NULL)
			return NULL;
		set->text = text;
		set->text_room = need * 2;
	}
	for (size_t i = 0; i < set->count; i++)
	{
		const Line *line = &set->lines[i];

		if (i == 0 || memcmp(line->uuid, set->lines[i - 1].uuid, 16) != 0)
		{
			if (i > 0)
				set->text[used++] = ',';
			used += put_uuid(set->text + used, line->uuid);
		}
		if (line->tag[0] != '\0')
		{
			size_t tag = strlen(line->tag);

			set->text[used++] = ':';
			memcpy(set->text + used, line->tag, tag);
			used += tag;
		}
		for (size_t k = 0; k < line->count; k++)
		{
			set->text[used++] = ':';
			used += put_number(set->text + used, line->intervals[k].first);
			if (line->intervals[k].last > line->intervals[k].first)
			{
				set->text[used++] = '-';
				used += put_number(set->text + used, line->intervals[k].last);
			}
		}
	}
	set->text[used] = '\0';
	set->text_valid = true;
	return set->text;
}

/* ---- encoding ---- */

static uint64_t
get_u64(const uint8_t *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof value);
	return value;
}

static void
put_u64(uint8_t *to, uint64_t value)
{
	memcpy(to, &value, sizeof value);
}

static bool
decode_failed(Failure *failure)
{
	return failure_set(failure, FAILURE_REJECT, "event_damaged", "", "a GTID set from the server cannot be decoded");
}

bool
mysql_gtid_set_decode(MysqlGtidSet *set, const uint8_t *data, size_t size, Failure *failure)
{
	const uint8_t *at = data;
	const uint8_t *end = data + size;
	uint64_t sources;
	bool tagged;

	set->text_valid = false;
	if (size < 8)
		return decode_failed(failure);
	sources = get_u64(at);
	tagged = at[7] == 1;
	if (tagged)
		sources = (sources >> 8) & 0xffffffffffffULL;
	at += 8;
	for (uint64_t i = 0; i < sources; i++)
	{
		const uint8_t *uuid = at;
		char tag[MYSQL_GTID_TAG_MAX + 1] = "";
		uint64_t intervals;
		Line *line;

		if (end - at < 16 + (tagged ? 1 : 0))
			return decode_failed(failure);
		at += 16;
		if (tagged)
		{
			size_t tag_size = *at / 2;

			if ((*at & 1) != 0 || tag_size > MYSQL_GTID_TAG_MAX || (size_t) (end - at) < 1 + tag_size)
				return decode_failed(failure);
			memcpy(tag, at + 1, tag_size);
			at += 1 + tag_size;
		}
		if (end - at < 8)
			return decode_failed(failure);
		intervals = get_u64(at);
		at += 8;
		if (intervals > (uint64_t) (end - at) / 16)
			return decode_failed(failure);
		line = intervals > 0 ? line_get(set, uuid, tag) : NULL;
		for (uint64_t k = 0; k < intervals; k++, at += 16)
		{
			int64_t first = (int64_t) get_u64(at);
			int64_t after = (int64_t) get_u64(at + 8);

			if (first < 1 || after <= first)
				return decode_failed(failure);
			if (line == NULL || !line_add(line, first, after - 1))
				return failure_set(failure, FAILURE_FATAL, "out_of_memory", "", "out of memory in a GTID set");
		}
	}
	return at == end || decode_failed(failure);
}

uint8_t *
mysql_gtid_set_encode(const MysqlGtidSet *set, size_t *size)
{
	size_t need = 8;
	bool tagged = false;
	uint8_t *data;
	uint8_t *at;

	for (size_t i = 0; i < set->count; i++)
	{
		need += 16 + 1 + MYSQL_GTID_TAG_MAX + 8 + set->lines[i].count * 16;
		tagged = tagged || set->lines[i].tag[0] != '\0';
	}
	data = malloc(need);
	if (data == NULL)
		return NULL;
	at = data;
	put_u64(at, tagged ? (uint64_t) 1 << 56 | (uint64_t) set->count << 8 | 1 : (uint64_t) set->count);
	at += 8;
	for (size_t i = 0; i < set->count; i++)
	{
		const Line *line = &set->lines[i];

		memcpy(at, line->uuid, 16);
		at += 16;
		if (tagged)
		{
			size_t tag = strlen(line->tag);

			*at++ = (uint8_t) (tag * 2);
			memcpy(at, line->tag, tag);
			at += tag;
		}
		put_u64(at, line->count);
		at += 8;
		for (size_t k = 0; k < line->count; k++, at += 16)
		{
			put_u64(at, (uint64_t) line->intervals[k].first);
			put_u64(at + 8, (uint64_t) line->intervals[k].last + 1);
		}
	}
	*size = (size_t) (at - data);
	return data;
}
