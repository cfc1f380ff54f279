/*
 * The version of dbstream: of the extension's library and script and of the bridge alike.  tools/lint compares it with
 * control/dbstream.control; bridge_hello compares the two sides when they meet.
 */
#ifndef DBS_VERSION_H
#define DBS_VERSION_H

#define DBS_VERSION "0.1.0"

#endif
