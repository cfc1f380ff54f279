/*
 * What a stream tells the status views about once a second.
 */
#ifndef DBS_BRIDGE_REPORT_H
#define DBS_BRIDGE_REPORT_H

#include "source.h"
#include "watcher.h"

/* The JSON for bridge_report(); the caller frees it. NULL when memory is short. */
char *report_json(const SourceOps *ops, const Source *source, Watcher *watcher);

/* Resident memory of this process in bytes; 0 when the system does not say. */
int64_t report_rss_bytes(void);

#endif
