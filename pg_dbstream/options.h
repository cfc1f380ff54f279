/*
 * Options as jsonb: checking them against the table in option.h, and reading them.
 */
#ifndef DBS_OPTIONS_H
#define DBS_OPTIONS_H

#include "postgres.h"

#include "utils/jsonb.h"

/*
 * Check the options of something of this kind ("mysql", "mariadb",
 * "postgresql", "stream"): an error names the first that is unknown, ill-typed
 * or excludes another. With allow_null a null stands for "remove".
 */
void dbs_options_check(const char *kind, Jsonb *options, bool allow_null);

/* ERROR when a stream's options lack the column that its policy for conflicts needs. */
void dbs_options_require_column(Jsonb *options);

/* The options with defaults filled in. */
Jsonb *dbs_options_complete(const char *kind, Jsonb *options);

/* A member of a top-level object as text (a string's characters, a number's or bool's JSON); NULL when absent or null.
 */
char *dbs_jsonb_text(Jsonb *json, const char *key);

/* Does a top-level object have the member, be it null? */
bool dbs_jsonb_has(Jsonb *json, const char *key);

#endif
