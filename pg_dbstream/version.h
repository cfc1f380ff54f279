/*
 * The version of the library, which is also that of the extension's script.
 */
#ifndef DBS_VERSION_H
#define DBS_VERSION_H

#define DBS_VERSION "0.1.0"

#endif
