/*
 * XA transactions of the log that are prepared and neither committed nor rolled back, as far as this session has met
 * them: where each one's events are, and the events themselves of those that are small. What is not here is found in
 * the log again: see xa_log.h.
 */
#ifndef DBS_BRIDGE_XA_LIST_H
#define DBS_BRIDGE_XA_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "binlog_event.h"
#include "binlog_place.h"
#include "failure.h"

typedef struct XaGroup
{
	char identifier[XA_IDENTIFIER_MAX]; /* as in the log: "X'61',X'',1" */
	BinlogPlace place;                  /* of its first event */
	bool concerns;                      /* has something for the stream */
	bool whole;                         /* events has all of it; otherwise it is read again */
	uint8_t *events;                    /* each behind its size */
	size_t size;
	size_t room;
	BinlogFormat format; /* of the events */
} XaGroup;

typedef struct XaList XaList;

XaList *xa_list_new(void);
void xa_list_free(XaList *list);

/* A group begins in the log. One that was under way is forgotten. NULL: out of memory. */
MUST_CHECK XaGroup *xa_list_begin(XaList *list, const BinlogPlace *place);

/* The group under way; NULL: none. */
XaGroup *xa_list_current(const XaList *list);

/* Keep an event of the group under way, unless too much is kept already. */
void xa_list_keep(XaList *list, const uint8_t *event, size_t size, const BinlogFormat *format);

/* The group under way is prepared. Bounded: the oldest is forgotten. */
void xa_list_prepared(XaList *list);

/* The group under way leaves the list: the caller frees it. */
XaGroup *xa_list_end(XaList *list);

/* A prepared one leaves the list: the caller frees it. NULL when it is not there. */
XaGroup *xa_list_take(XaList *list, const char *identifier);

void xa_group_free(XaGroup *group);

/* The next of a group's events; *at is 0 at first. False: there is none. */
bool xa_group_event(const XaGroup *group, size_t *at, const uint8_t **event, size_t *size);

#endif
