/*
 * Foreign-key actions at the target for rows that the source changed.
 *
 * In a replica's session foreign-key triggers do not fire, which is right for
 * checks: the source has made them.  But MySQL (before 9.6) and MariaDB do not
 * log what ON DELETE and ON UPDATE actions did to the children, so here the
 * target's own actions must run.  Result relations carry their own copies of
 * the trigger descriptors; in these copies the action triggers, and only they, are set to
 * fire always.  The statements that the actions run get the same treatment
 * when their executor starts, so that a cascade goes on over any number of
 * levels, while checks and users' ordinary triggers stay off.
 */
#include "apply.h"

#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"

static ExecutorStart_hook_type previous_executor_start = NULL;

bool
dbs_cascade_enable(Trigger *trigger)
{
	switch (trigger->tgfoid)
	{
		case F_RI_FKEY_CASCADE_DEL:
		case F_RI_FKEY_CASCADE_UPD:
		case F_RI_FKEY_SETNULL_DEL:
		case F_RI_FKEY_SETNULL_UPD:
		case F_RI_FKEY_SETDEFAULT_DEL:
		case F_RI_FKEY_SETDEFAULT_UPD:
			break;
		default:
			return false;
	}
	if (trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN)
		trigger->tgenabled = TRIGGER_FIRES_ALWAYS;
	return trigger->tgenabled == TRIGGER_FIRES_ALWAYS;
}

static void
enable_actions(ModifyTableState *state)
{
	for (int i = 0; i < state->mt_nrels; i++)
	{
		TriggerDesc *desc = state->resultRelInfo[i].ri_TrigDesc;

		for (int j = 0; desc != NULL && j < desc->numtriggers; j++)
			(void) dbs_cascade_enable(&desc->triggers[j]);
	}
}

static void
executor_start(QueryDesc *query, int flags)
{
	if (previous_executor_start != NULL)
		previous_executor_start(query, flags);
	else
		standard_ExecutorStart(query, flags);
	if (!dbs_apply.cascades_logged && query->planstate != NULL && IsA(query->planstate, ModifyTableState))
		enable_actions((ModifyTableState *) query->planstate);
}

/* In the worker only. */
void
dbs_cascade_init(void)
{
	previous_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
}
