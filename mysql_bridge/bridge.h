/*
 * The bridge as a whole: the control connection, and the streams that it says are meant to run.
 */
#ifndef DBS_BRIDGE_BRIDGE_H
#define DBS_BRIDGE_BRIDGE_H

#include <stdbool.h>

#include "arguments.h"
#include "failure.h"

/*
 * Run until stop_fd becomes readable (true), or until nothing can be done here: bridge and
 * extension do not match, or the system refuses what the bridge cannot do without.
 */
MUST_CHECK bool bridge_run(const Arguments *arguments, int stop_fd, Failure *failure);

#endif
