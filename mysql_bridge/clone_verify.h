/*
 * Are both sides the same? Every row of every copied table is read on both sides and compared, while the source may be
 * written.
 */
#ifndef DBS_BRIDGE_CLONE_VERIFY_H
#define DBS_BRIDGE_CLONE_VERIFY_H

#include <stdbool.h>

#include "clone_arguments.h"
#include "clone_progress.h"
#include "failure.h"
#include "mysql_connection.h"

typedef struct CloneVerify
{
	const CloneArguments *arguments;
	int stop_fd;
	ServerFlavour flavour;
	CloneProgress *progress;

	/* Return once all that the source has committed before the call is applied. */
	bool (*wait)(void *context, Failure *failure);
	void *context;
} CloneVerify;

/*
 * Compare. *different: some table differs, or could not be compared whole; what was found is printed. False: the
 * comparison itself failed.
 */
MUST_CHECK bool clone_verify_run(const CloneVerify *verify, bool *different, Failure *failure);

#endif
