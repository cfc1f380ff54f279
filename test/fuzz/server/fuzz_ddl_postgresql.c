/*
 * Fuzzing the translator of PostgreSQL's statements. Its parser is the server's, so this runs inside of one: a library
 * that a server in single-user mode loads (see run), with libFuzzer in it. Loading it does not return.
 *
 * The first byte chooses the target and options. An input may fail in the server's parser, which is caught; an
 * error that leaves the translator is a fault, but for a stack or query that is too deep for the server.
 */
#include "postgres.h"

#include <stdio.h>

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "ddl.h"
#include "ddl_known.h"

PG_MODULE_MAGIC;

extern int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

/* ---- memory: see own_memory.h ---- */

/* AddressSanitizer and this server do not go together; bytes written beside a piece are found when it is freed. */
#define GUARD 48
#define GUARD_BYTE 0xa5

typedef struct Piece
{
	struct Piece *next;
	size_t size;
	char guard[GUARD];
} Piece;

/* No input of fuzzing's size may take more than this. */
#define MEMORY_LIMIT ((size_t) 512 * 1024 * 1024)

static Piece *pieces;
static size_t in_use;

extern void *fuzz_alloc(Size size);
extern void *fuzz_alloc0(Size size);
extern void *fuzz_realloc(void *pointer, Size size);
extern char *fuzz_strndup(const char *text, Size size);
extern char *fuzz_strdup(const char *text);
extern char *fuzz_sprintf(const char *fmt, ...) pg_attribute_printf(1, 2);
extern void fuzz_free(void *pointer);

void *
fuzz_alloc(Size size)
{
	Piece *piece = malloc(sizeof(Piece) + size + GUARD);

	in_use += size;
	if (piece == NULL || in_use > MEMORY_LIMIT)
		abort();
	piece->next = pieces;
	piece->size = size;
	memset(piece->guard, GUARD_BYTE, GUARD);
	memset((char *) (piece + 1) + size, GUARD_BYTE, GUARD);
	pieces = piece;
	return piece + 1;
}

void *
fuzz_alloc0(Size size)
{
	return memset(fuzz_alloc(size), 0, size);
}

/* The old piece is freed with the others. */
void *
fuzz_realloc(void *pointer, Size size)
{
	void *fresh = fuzz_alloc(size);

	return memcpy(fresh, pointer, Min(((Piece *) pointer - 1)->size, size));
}

char *
fuzz_strndup(const char *text, Size size)
{
	Size used = strnlen(text, size);
	char *copy = fuzz_alloc(used + 1);

	memcpy(copy, text, used);
	copy[used] = '\0';
	return copy;
}

char *
fuzz_strdup(const char *text)
{
	return fuzz_strndup(text, strlen(text));
}

char *
fuzz_sprintf(const char *fmt, ...)
{
	char *text;
	va_list args;
	int size;

	va_start(args, fmt);
	size = pg_vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	text = fuzz_alloc(size + 1);
	va_start(args, fmt);
	(void) pg_vsnprintf(text, size + 1, fmt, args);
	va_end(args);
	return text;
}

/* May be the server's: all goes at the end. */
void
fuzz_free(void *pointer)
{
}

static void
check_guards(const Piece *piece)
{
	const unsigned char *before = (const unsigned char *) piece->guard;
	const unsigned char *after = (const unsigned char *) (piece + 1) + piece->size;

	for (int i = 0; i < GUARD; i++)
	{
		if (before[i] != GUARD_BYTE || after[i] != GUARD_BYTE)
			abort();
	}
}

/* ---- the catalogue, which is not asked ---- */

DdlKnownTable *
dbs_ddl_catalog_table(const char *schema, const char *name)
{
	return NULL;
}

bool
dbs_ddl_catalog_schema_exists(const char *schema)
{
	return false;
}

DdlNameTaken
dbs_ddl_catalog_name_taken(const char *schema, const char *name, const char **table)
{
	return DDL_NAME_FREE;
}

/* ---- inputs ---- */

static MemoryContext context;

static void
translate(const uint8_t *data, size_t size)
{
	DbsDdlOptions options = {.source = DBS_DIALECT_POSTGRESQL};

	options.target = (data[0] & 1) != 0 ? DBS_DIALECT_MARIADB : DBS_DIALECT_MYSQL;
	options.default_schema = (data[0] & 2) != 0 ? "shop" : NULL;
	PG_TRY();
	{
		(void) dbs_ddl_translate(fuzz_strndup((const char *) data + 1, size - 1), &options);
	}
	PG_CATCH();
	{
		int code = geterrcode();

		if (code != ERRCODE_STATEMENT_TOO_COMPLEX && code != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		{
			EmitErrorReport();
			abort();
		}
		FlushErrorState();
	}
	PG_END_TRY();
}

static int
one_input(const uint8_t *data, size_t size)
{
	MemoryContext before = MemoryContextSwitchTo(context);

	/* What reaches a function of the server's is text of its encoding. */
	if (size > 0 && pg_verifymbstr((const char *) data + 1, size - 1, true))
		translate(data, size);
	MemoryContextSwitchTo(before);
	MemoryContextReset(context);
	while (pieces != NULL)
	{
		Piece *next = pieces->next;

		check_guards(pieces);
		free(pieces);
		pieces = next;
	}
	in_use = 0;
	return 0;
}

/* Arguments of libFuzzer stand in the environment, separated by blanks. */
void
_PG_init(void)
{
	const char *at = getenv("FUZZ_ARGUMENTS") != NULL ? getenv("FUZZ_ARGUMENTS") : "";
	char *words[64] = {"fuzz_ddl_postgresql"};
	char **argv = words;
	int argc = 1;

	for (at += strspn(at, " "); *at != '\0' && argc < 63; at += strspn(at, " "))
	{
		size_t size = strcspn(at, " ");

		words[argc++] = strndup(at, size);
		at += size;
	}
	context = AllocSetContextCreate(TopMemoryContext, "fuzzing", ALLOCSET_DEFAULT_SIZES);
	exit(LLVMFuzzerRunDriver(&argc, &argv, one_input));
}
