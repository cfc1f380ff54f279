/*
 * Rows of checks: what validate_stream and prepare_switchover answer.
 */
#ifndef DBS_VALIDATION_H
#define DBS_VALIDATION_H

#include "postgres.h"

#include "nodes/execnodes.h"

/* Add a row of five texts to a materialized result; NULL and empty ones are NULL. status: ok, warning or failed. */
void dbs_check_put(ReturnSetInfo *result, const char *check, const char *object, const char *status, const char *detail,
				   const char *remedy);

#endif
