/*
 * The library: settings and shared memory.
 *
 * Everything but running streams works without shared_preload_libraries; the
 * slots exist only with it.
 */
#include "postgres.h"

#include "bridge_registry.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "slot.h"
#include "slot_keeper.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

void _PG_init(void);

static shmem_request_hook_type previous_shmem_request = NULL;
static shmem_startup_hook_type previous_shmem_startup = NULL;

static void
request_shmem(void)
{
	if (previous_shmem_request != NULL)
		previous_shmem_request();
	RequestAddinShmemSpace(dbs_slots_shmem_size());
	RequestAddinShmemSpace(dbs_bridge_registry_shmem_size());
	RequestNamedLWLockTranche("dbstream", 1);
}

static void
startup_shmem(void)
{
	if (previous_shmem_startup != NULL)
		previous_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	dbs_slots_shmem_init();
	dbs_bridge_registry_shmem_init();
	LWLockRelease(AddinShmemInitLock);
}

void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;

	DefineCustomIntVariable("dbstream.max_streams", "How many streams can run in this server at a time.", NULL,
							&dbs_max_streams, 32, 1, 1024, PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("dbstream.queue_size", "Size of the queue between the bridge and a stream's apply worker.",
							"Twice the largest batch is the least that keeps both sides busy.", &dbs_queue_size_kb,
							1024, 512, 1024 * 1024, PGC_POSTMASTER, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("dbstream.slot_check_interval",
							"How often the server looks at what the slots of streams keep of the log.", NULL,
							&dbs_slot_check_interval, 10, 1, 3600, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	MarkGUCPrefixReserved("dbstream");

	previous_shmem_request = shmem_request_hook;
	shmem_request_hook = request_shmem;
	previous_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
	dbs_slot_keeper_register();
}
