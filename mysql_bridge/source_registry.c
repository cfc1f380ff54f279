#include "source_registry.h"

#include <string.h>

#include <mysql.h>

const SourceOps *
source_registry_find(const char *kind)
{
	if (strcmp(kind, "mysql") == 0 || strcmp(kind, "mariadb") == 0)
		return &mysql_source_ops;
	if (strcmp(kind, "local") == 0 || strcmp(kind, "postgresql") == 0)
		return &postgres_source_ops;
	return NULL;
}

bool
source_registry_init(Failure *failure)
{
	if (mysql_library_init(0, NULL, NULL) != 0)
		return failure_set(failure, FAILURE_FATAL, "client_library", "Reinstall the MySQL or MariaDB client library.",
						   "the MySQL client library could not be initialised");
	return true;
}

void
source_registry_exit(void)
{
	mysql_library_end();
}

void
source_registry_thread_begin(void)
{
	mysql_thread_init();
}

void
source_registry_thread_end(void)
{
	mysql_thread_end();
}
