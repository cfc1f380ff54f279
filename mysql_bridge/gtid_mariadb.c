/*
 * MariaDB's GTIDs: see gtid_mariadb.h.
 *
 * A position is a sorted array with one GTID for each domain; domains are few.
 */
#include "gtid_mariadb.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct MariadbGtidPosition
{
	MariadbGtid *gtids;
	size_t count;
	size_t room;
	char *text;
	size_t text_room;
	bool text_valid;
};

MariadbGtidPosition *
mariadb_gtid_position_new(void)
{
	return calloc(1, sizeof(MariadbGtidPosition));
}

void
mariadb_gtid_position_free(MariadbGtidPosition *position)
{
	if (position == NULL)
		return;
	free(position->gtids);
	free(position->text);
	free(position);
}

void
mariadb_gtid_position_clear(MariadbGtidPosition *position)
{
	position->count = 0;
	position->text_valid = false;
}

bool
mariadb_gtid_position_is_empty(const MariadbGtidPosition *position)
{
	return position->count == 0;
}

static size_t
domain_place(const MariadbGtidPosition *position, uint32_t domain)
{
	size_t place = 0;

	while (place < position->count && position->gtids[place].domain < domain)
		place++;
	return place;
}

bool
mariadb_gtid_position_get(const MariadbGtidPosition *position, uint32_t domain, MariadbGtid *gtid)
{
	size_t place = domain_place(position, domain);

	if (place == position->count || position->gtids[place].domain != domain)
		return false;
	*gtid = position->gtids[place];
	return true;
}

bool
mariadb_gtid_position_set(MariadbGtidPosition *position, const MariadbGtid *gtid)
{
	size_t place = domain_place(position, gtid->domain);

	position->text_valid = false;
	if (place == position->count || position->gtids[place].domain != gtid->domain)
	{
		if (position->count == position->room)
		{
			size_t room = position->room == 0 ? 4 : position->room * 2;
			MariadbGtid *gtids = realloc(position->gtids, room * sizeof *gtids);

			if (gtids == NULL)
				return false;
			position->gtids = gtids;
			position->room = room;
		}
		memmove(&position->gtids[place + 1], &position->gtids[place],
				(position->count - place) * sizeof *position->gtids);
		position->count++;
	}
	position->gtids[place] = *gtid;
	return true;
}

static const char *
skip_space(const char *at)
{
	while (isspace((unsigned char) *at))
		at++;
	return at;
}

static bool
parse_number(const char **at, uint64_t limit, uint64_t *number)
{
	const char *p = *at;
	uint64_t value = 0;

	if (!isdigit((unsigned char) *p))
		return false;
	for (; isdigit((unsigned char) *p); p++)
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (uint64_t) (*p - '0'), &value) ||
			value > limit)
			return false;
	*at = p;
	*number = value;
	return true;
}

bool
mariadb_gtid_position_parse(MariadbGtidPosition *position, const char *text, Failure *failure)
{
	const char *at = skip_space(text);

	while (*at != '\0')
	{
		uint64_t domain;
		uint64_t server;
		MariadbGtid gtid;
		MariadbGtid other;
		const char *start = at;
		bool good = parse_number(&at, UINT32_MAX, &domain) && *at++ == '-' && parse_number(&at, UINT32_MAX, &server) &&
					*at++ == '-' && parse_number(&at, UINT64_MAX, &gtid.sequence);

		if (good)
		{
			at = skip_space(at);
			good = *at == ',' || *at == '\0';
		}
		if (!good)
			return failure_set(failure, FAILURE_REJECT, "gtid_set_invalid",
							   "Write it as MariaDB shows it in gtid_binlog_pos: \"0-1-100,1-1-7\".",
							   "GTID position is not well formed at character %zu", (size_t) (start - text) + 1);
		gtid.domain = (uint32_t) domain;
		gtid.server = (uint32_t) server;
		if (mariadb_gtid_position_get(position, gtid.domain, &other))
			return failure_set(failure, FAILURE_REJECT, "gtid_set_invalid",
							   "Name each domain once, with its last GTID.",
							   "GTID position names domain %" PRIu32 " twice", gtid.domain);
		if (!mariadb_gtid_position_set(position, &gtid))
			return failure_set(failure, FAILURE_FATAL, "out_of_memory", "", "out of memory in a GTID position");
		if (*at == ',')
			at = skip_space(at + 1);
	}
	return true;
}

void
mariadb_gtid_text(const MariadbGtid *gtid, char text[MARIADB_GTID_TEXT_MAX])
{
	snprintf(text, MARIADB_GTID_TEXT_MAX, "%" PRIu32 "-%" PRIu32 "-%" PRIu64, gtid->domain, gtid->server,
			 gtid->sequence);
}

const char *
mariadb_gtid_position_text(MariadbGtidPosition *position)
{
	size_t need = position->count * MARIADB_GTID_TEXT_MAX + 1;
	size_t used = 0;

	if (position->text_valid)
		return position->text;
	if (need > position->text_room)
	{
		char *text = realloc(position->text, need * 2);

		if (text == NULL)
			return NULL;
		position->text = text;
		position->text_room = need * 2;
	}
	position->text[0] = '\0';
	for (size_t i = 0; i < position->count; i++)
	{
		if (i > 0)
			position->text[used++] = ',';
		mariadb_gtid_text(&position->gtids[i], position->text + used);
		used += strlen(position->text + used);
	}
	position->text_valid = true;
	return position->text;
}
