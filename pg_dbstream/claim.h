/*
 * The claim of a bridge on a stream: a session-level advisory lock in a lock class of our own, so it goes away with the
 * backend whatever happens to it, and another bridge gets the stream then. Both directions use the same.
 */
#ifndef DBS_CLAIM_H
#define DBS_CLAIM_H

#include "postgres.h"

#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"

/* Keys of the advisory lock: the class keeps it apart from pg_advisory_lock's (1 and 2). The views know both. */
#define DBS_CLAIM_CLASS 100
#define DBS_CLAIM_KEY 0x64627374

static inline void
dbs_claim_tag(LOCKTAG *tag, int stream_id)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, DBS_CLAIM_KEY, (uint32) stream_id, DBS_CLAIM_CLASS);
}

/* False when another backend has the stream. */
static inline bool
dbs_claim_take(int stream_id)
{
	LOCKTAG tag;

	dbs_claim_tag(&tag, stream_id);
	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

static inline void
dbs_claim_release(int stream_id)
{
	LOCKTAG tag;

	dbs_claim_tag(&tag, stream_id);
	LockRelease(&tag, ExclusiveLock, true);
}

#endif
