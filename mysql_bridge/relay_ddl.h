/*
 * Schema changes of a MySQL source whose stream goes to another MySQL server.
 */
#ifndef DBS_BRIDGE_RELAY_DDL_H
#define DBS_BRIDGE_RELAY_DDL_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "../libdbstream/wire.h"
#include "failure.h"
#include "stream_config.h"

/*
 * A ddl message: true when the stream may go on. A change of its tables is made by hand, at the target first; then it
 * is passed over here, by the option on_ddl. conn: to the extension, which has the parser.
 */
MUST_CHECK bool relay_ddl(PGconn *conn, int stream_id, const StreamConfig *config, DbsReader *reader, int stop_fd,
						  Failure *failure);

#endif
