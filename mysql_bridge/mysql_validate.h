/*
 * validate_stream at a MySQL or MariaDB source: each requirement checked, each failure with its remedy.
 */
#ifndef DBS_BRIDGE_MYSQL_VALIDATE_H
#define DBS_BRIDGE_MYSQL_VALIDATE_H

#include <stdbool.h>

#include "failure.h"
#include "source.h"
#include "stream_config.h"

/* Every check is reported once through sink. A server that cannot be reached is a failed check, not a failure. */
bool mysql_validate(const StreamConfig *config, CheckSink sink, void *context, Failure *failure);

#endif
