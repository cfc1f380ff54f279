#include "xa_list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_PREPARED 1024
/* What may be kept of events: of one group, and of all. */
#define MAX_GROUP_BYTES ((size_t) 1024 * 1024)
#define MAX_BYTES ((size_t) 8 * 1024 * 1024)

struct XaList
{
	XaGroup *current;
	XaGroup *prepared[MAX_PREPARED]; /* the oldest first */
	int count;
	size_t bytes; /* kept by all of them */
};

XaList *
xa_list_new(void)
{
	return calloc(1, sizeof(XaList));
}

void
xa_group_free(XaGroup *group)
{
	if (group != NULL)
		free(group->events);
	free(group);
}

static void
forget_events(XaList *list, XaGroup *group)
{
	list->bytes -= group->room;
	free(group->events);
	group->events = NULL;
	group->size = group->room = 0;
	group->whole = false;
}

/* Off the list's books: it is somebody else's, or nobody's. */
static XaGroup *
release(XaList *list, XaGroup *group)
{
	if (group != NULL)
		list->bytes -= group->room;
	return group;
}

static XaGroup *
remove_at(XaList *list, int place)
{
	XaGroup *group = release(list, list->prepared[place]);

	list->count--;
	memmove(&list->prepared[place], &list->prepared[place + 1],
			(size_t) (list->count - place) * sizeof list->prepared[0]);
	return group;
}

void
xa_list_free(XaList *list)
{
	if (list == NULL)
		return;
	while (list->count > 0)
		xa_group_free(remove_at(list, list->count - 1));
	xa_group_free(list->current);
	free(list);
}

XaGroup *
xa_list_begin(XaList *list, const BinlogPlace *place)
{
	xa_group_free(xa_list_end(list));
	list->current = calloc(1, sizeof *list->current);
	if (list->current != NULL)
	{
		list->current->place = *place;
		list->current->whole = true;
	}
	return list->current;
}

XaGroup *
xa_list_current(const XaList *list)
{
	return list->current;
}

void
xa_list_keep(XaList *list, const uint8_t *event, size_t size, const BinlogFormat *format)
{
	XaGroup *group = list->current;
	size_t needed = group->size + sizeof size + size;

	if (!group->whole)
		return;
	if (needed > group->room)
	{
		size_t room = needed < 2 * group->room ? 2 * group->room : needed + 512;
		uint8_t *larger = NULL;

		if (room <= MAX_GROUP_BYTES && list->bytes - group->room + room <= MAX_BYTES)
			larger = realloc(group->events, room);
		if (larger == NULL)
		{
			forget_events(list, group);
			return;
		}
		list->bytes += room - group->room;
		group->events = larger;
		group->room = room;
	}
	memcpy(group->events + group->size, &size, sizeof size);
	memcpy(group->events + group->size + sizeof size, event, size);
	group->size = needed;
	group->format = *format;
}

void
xa_list_prepared(XaList *list)
{
	XaGroup *group = list->current;

	list->current = NULL;
	if (!group->concerns)
		forget_events(list, group);
	if (list->count == MAX_PREPARED)
		xa_group_free(remove_at(list, 0));
	list->prepared[list->count++] = group;
}

XaGroup *
xa_list_end(XaList *list)
{
	XaGroup *group = release(list, list->current);

	list->current = NULL;
	return group;
}

XaGroup *
xa_list_take(XaList *list, const char *identifier)
{
	for (int i = list->count - 1; i >= 0; i--)
		if (strcasecmp(list->prepared[i]->identifier, identifier) == 0)
			return remove_at(list, i);
	return NULL;
}

bool
xa_group_event(const XaGroup *group, size_t *at, const uint8_t **event, size_t *size)
{
	if (*at >= group->size)
		return false;
	memcpy(size, group->events + *at, sizeof *size);
	*event = group->events + *at + sizeof *size;
	*at += sizeof *size + *size;
	return true;
}
