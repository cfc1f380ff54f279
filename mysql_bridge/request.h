/*
 * What a person in SQL asks of the bridge: validate_stream the checks at the other end, postgresql_ddl a table's own
 * statement. Each is answered in a thread of its own, since a server that does not answer must not hold up the others.
 */
#ifndef DBS_BRIDGE_REQUEST_H
#define DBS_BRIDGE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "failure.h"

typedef struct Request Request;

/* Does this bridge answer requests of this kind ("validate", "definition", "log_end")? */
bool request_known(const char *kind);

/*
 * row: the stream as bridge_streams() shows it, for a definition with "table": {"schema", "name"}; secret: its
 * connection's literal password or NULL, target_secret that of the target where both ends are connections; all copied.
 * wake_fd is an eventfd, written when the answer is there. NULL on failure.
 */
MUST_CHECK Request *request_start(int64_t id, const char *kind, const char *row, const char *secret,
								  const char *target_secret, int wake_fd, Failure *failure);

bool request_ended(const Request *request);
int64_t request_id(const Request *request);

/* The JSON for bridge_answer(), once ended: an array of checks; for a definition {"create", "kind"}, for the log's end
 * {"position"}, or one failed check. */
const char *request_answer(const Request *request);

/* Waits for the thread. */
void request_free(Request *request);

/* The answer to a request that could not be looked at: one failed check; malloc'd. */
char *request_refusal(const Failure *failure);

#endif
