/*
 * dbstream-bridge clone: one command that copies a source's tables into PostgreSQL, and follows it if told to.
 */
#ifndef DBS_BRIDGE_CLONE_H
#define DBS_BRIDGE_CLONE_H

/* Documented in docs/operations.md; scripts act on them. */
enum
{
	CLONE_EXIT_DONE = 0,
	CLONE_EXIT_USAGE = 1,
	CLONE_EXIT_HANDSHAKE = 2,
	CLONE_EXIT_FAILED = 3,
	CLONE_EXIT_DIFFERENT = 4,
	CLONE_EXIT_STOPPED = 5
};

/*
 * argv[0] is "clone". stop_fd becomes readable when the process is to end, and is never read. Sources must have been
 * set up with source_registry_init. Returns the process's exit code.
 */
int clone_main(int argc, char **argv, int stop_fd);

#endif
