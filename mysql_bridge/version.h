/*
 * This program's version.  It must be able to work with the extension it meets: see bridge_hello.
 */
#ifndef DBS_BRIDGE_VERSION_H
#define DBS_BRIDGE_VERSION_H

#define DBSTREAM_VERSION "0.1.0"

#endif
