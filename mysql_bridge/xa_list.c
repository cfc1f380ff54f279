/*
 * Prepared XA transactions without anything for the stream: see xa_list.h.
 */
#include "xa_list.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PREPARED 1024

struct XaList
{
	char *identifiers[MAX_PREPARED];
	int count;
};

XaList *
xa_list_new(void)
{
	return calloc(1, sizeof(XaList));
}

static void
remove_at(XaList *list, int place)
{
	free(list->identifiers[place]);
	list->count--;
	memmove(&list->identifiers[place], &list->identifiers[place + 1],
			(size_t) (list->count - place) * sizeof list->identifiers[0]);
}

void
xa_list_free(XaList *list)
{
	if (list == NULL)
		return;
	while (list->count > 0)
		remove_at(list, list->count - 1);
	free(list);
}

bool
xa_list_put(XaList *list, const char *identifier)
{
	char *copy = strdup(identifier);

	if (copy == NULL)
		return false;
	if (list->count == MAX_PREPARED)
		remove_at(list, 0);
	list->identifiers[list->count++] = copy;
	return true;
}

bool
xa_list_take(XaList *list, const char *identifier)
{
	for (int i = 0; i < list->count; i++)
		if (strcmp(list->identifiers[i], identifier) == 0)
		{
			remove_at(list, i);
			return true;
		}
	return false;
}
