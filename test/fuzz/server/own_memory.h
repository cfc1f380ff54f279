/*
 * Put before each file of the translator when it is fuzzed inside the server: what it allocates itself comes from
 * malloc, one piece each with guards around it. What the server's own functions allocate stays the server's.
 */
#ifndef DBS_FUZZ_OWN_MEMORY_H
#define DBS_FUZZ_OWN_MEMORY_H

#include "postgres.h"

extern void *fuzz_alloc(Size size);
extern void *fuzz_alloc0(Size size);
extern void *fuzz_realloc(void *pointer, Size size);
extern char *fuzz_strndup(const char *text, Size size);
extern char *fuzz_strdup(const char *text);
extern char *fuzz_sprintf(const char *fmt, ...) pg_attribute_printf(1, 2);
extern void fuzz_free(void *pointer);

#define palloc fuzz_alloc
#define palloc0 fuzz_alloc0
#define repalloc fuzz_realloc
#define repalloc_huge fuzz_realloc
#define pnstrdup fuzz_strndup
#define pstrdup fuzz_strdup
#define psprintf fuzz_sprintf
#define pfree fuzz_free

#endif
