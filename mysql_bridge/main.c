/*
 * dbstream-bridge: arguments, signals, exit codes.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "arguments.h"
#include "bridge.h"
#include "clone.h"
#include "log.h"
#include "postgres_connection.h"
#include "source_registry.h"
#include "version.h"

/* Documented in docs/operations.md; supervisors act on them. */
enum
{
	EXIT_STOPPED = 0,
	EXIT_USAGE = 1,
	EXIT_HANDSHAKE = 2,
	EXIT_INTERNAL = 4
};

/*
 * SIGTERM and SIGINT arrive as a readable descriptor; blocked before any thread
 * starts, so no thread is interrupted by them. A connection that breaks is an
 * error of a write, not a signal.
 */
static int
open_stop_fd(void)
{
	sigset_t stops;

	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &stops, NULL) != 0)
		return -1;
	return signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int
run(const Arguments *arguments)
{
	char database[512];
	Failure failure;
	int stop_fd;
	bool ok;

	log_init(arguments->log_format, arguments->log_level);
	if (!postgres_connection_describe(arguments->conninfo, database, sizeof database, &failure))
	{
		log_failure(LOG_LEVEL_ERROR, NULL, &failure);
		return EXIT_USAGE;
	}
	stop_fd = open_stop_fd();
	if (stop_fd < 0)
	{
		log_line(LOG_LEVEL_ERROR, NULL, "cannot set up signals: %s", strerror(errno));
		return EXIT_INTERNAL;
	}
	if (!source_registry_init(&failure))
	{
		log_failure(LOG_LEVEL_ERROR, NULL, &failure);
		return EXIT_INTERNAL;
	}
	log_line(LOG_LEVEL_INFO, NULL, "dbstream-bridge %s (%s) starts; database: %s", DBS_VERSION, arguments->name,
			 database[0] != '\0' ? database : "libpq's defaults");
	ok = bridge_run(arguments, stop_fd, &failure);
	if (!ok)
	{
		log_failure(LOG_LEVEL_ERROR, NULL, &failure);
		return strcmp(failure.code, FAILURE_CODE_HANDSHAKE) == 0 ? EXIT_HANDSHAKE : EXIT_INTERNAL;
	}
	log_line(LOG_LEVEL_INFO, NULL, "stopped");
	return EXIT_STOPPED;
}

static int
run_clone(int argc, char **argv)
{
	int stop_fd = open_stop_fd();
	Failure failure;

	if (stop_fd < 0)
	{
		log_line(LOG_LEVEL_ERROR, NULL, "cannot set up signals: %s", strerror(errno));
		return CLONE_EXIT_FAILED;
	}
	if (!source_registry_init(&failure))
	{
		log_failure(LOG_LEVEL_ERROR, NULL, &failure);
		return CLONE_EXIT_FAILED;
	}
	return clone_main(argc, argv, stop_fd);
}

int
main(int argc, char **argv)
{
	Arguments arguments;
	Failure failure;
	int status = EXIT_STOPPED;

	if (argc > 1 && strcmp(argv[1], "clone") == 0)
	{
		status = run_clone(argc - 1, argv + 1);
		fflush(NULL);
		_exit(status);
	}
	if (!arguments_parse(argc, argv, &arguments, &failure))
	{
		log_failure(LOG_LEVEL_ERROR, NULL, &failure);
		return EXIT_USAGE;
	}
	switch (arguments.action)
	{
		case ARGUMENTS_HELP:
			arguments_print_help();
			break;
		case ARGUMENTS_VERSION:
			printf("dbstream-bridge %s\n", DBS_VERSION);
			break;
		case ARGUMENTS_RUN:
			status = run(&arguments);
			break;
	}
	/* A thread that did not stop in time may still be at work: leave without tearing down what it uses. */
	fflush(NULL);
	_exit(status);
}
