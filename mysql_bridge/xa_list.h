/*
 * XA transactions that were prepared in the log and had nothing for the stream: their commit needs nothing either.
 */
#ifndef DBS_BRIDGE_XA_LIST_H
#define DBS_BRIDGE_XA_LIST_H

#include <stdbool.h>

#include "failure.h"

typedef struct XaList XaList;

XaList *xa_list_new(void);
void xa_list_free(XaList *list);

/* Bounded: the oldest is forgotten, and its commit is then one of an unknown transaction. False: out of memory. */
MUST_CHECK bool xa_list_put(XaList *list, const char *identifier);

/* Remove it; false when it is not there. */
bool xa_list_take(XaList *list, const char *identifier);

#endif
