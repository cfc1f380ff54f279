#include "cut_transaction.h"

#include <pthread.h>
#include <string.h>

/* A crash leaves at most one, and a stream passes it at once: more are never needed at a time. */
#define KEPT 64

typedef struct CutTransaction
{
	int stream_id;
	BinlogPlace place;
} CutTransaction;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static CutTransaction kept[KEPT];
static unsigned next;

void
cut_transaction_remember(int stream_id, const BinlogPlace *place)
{
	pthread_mutex_lock(&lock);
	kept[next % KEPT] = (CutTransaction){stream_id, *place};
	next++;
	pthread_mutex_unlock(&lock);
}

bool
cut_transaction_known(int stream_id, const BinlogPlace *place)
{
	bool known = false;

	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < KEPT && i < next; i++)
	{
		if (kept[i].stream_id == stream_id && strcmp(kept[i].place.file, place->file) == 0 &&
			kept[i].place.point.offset == place->point.offset)
			known = true;
	}
	pthread_mutex_unlock(&lock);
	return known;
}
