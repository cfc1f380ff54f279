/*
 * Fuzzing the DDL translator outside the server: lexer, parser and printer
 * see any bytes, and must neither crash nor hang nor take unbounded memory.
 *
 * The first byte chooses dialect and sql_mode.  palloc and List are small
 * stand-ins here: every allocation is one malloc, so that ASan sees its
 * bounds, and all are freed after each input.
 */
#include "postgres.h"

#undef snprintf
#undef vsnprintf
#include <stdio.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"

#include "ddl.h"
#include "ddl_known.h"
#include "ddl_raw.h"

/* ---- memory ------------------------------------------------------------------------------- */

typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk *before;
	size_t size;
} Chunk;

static Chunk chunks = {&chunks, &chunks, 0};
static size_t in_use;

/* No input of fuzzing's size may take more than this. */
#define MEMORY_LIMIT ((size_t) 512 * 1024 * 1024)

volatile sig_atomic_t InterruptPending = false;

void
ProcessInterrupts(void)
{
}

void *
palloc(Size size)
{
	Chunk *chunk = malloc(sizeof(Chunk) + size);

	in_use += size;
	if (chunk == NULL || in_use > MEMORY_LIMIT)
		abort();
	chunk->size = size;
	chunk->next = chunks.next;
	chunk->before = &chunks;
	chunks.next->before = chunk;
	chunks.next = chunk;
	return chunk + 1;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void
pfree(void *pointer)
{
	Chunk *chunk = (Chunk *) pointer - 1;

	in_use -= chunk->size;
	chunk->next->before = chunk->before;
	chunk->before->next = chunk->next;
	free(chunk);
}

void *
repalloc(void *pointer, Size size)
{
	Chunk *chunk = (Chunk *) pointer - 1;
	void *fresh = palloc(size);

	memcpy(fresh, pointer, Min(size, chunk->size));
	pfree(pointer);
	return fresh;
}

void *
repalloc_huge(void *pointer, Size size)
{
	return repalloc(pointer, size);
}

static void
free_all(void)
{
	while (chunks.next != &chunks)
		pfree(chunks.next + 1);
}

char *
pnstrdup(const char *text, Size size)
{
	Size used = strnlen(text, size);
	char *copy = palloc(used + 1);

	memcpy(copy, text, used);
	copy[used] = '\0';
	return copy;
}

char *
pstrdup(const char *text)
{
	return pnstrdup(text, strlen(text));
}

char *
psprintf(const char *fmt, ...)
{
	va_list args;
	int size;
	char *out;

	va_start(args, fmt);
	size = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	out = palloc(size + 1);
	va_start(args, fmt);
	vsnprintf(out, size + 1, fmt, args);
	va_end(args);
	return out;
}

int
pg_vsnprintf(char *out, size_t size, const char *fmt, va_list args)
{
	return vsnprintf(out, size, fmt, args);
}

size_t
strlcpy(char *to, const char *from, size_t size)
{
	size_t length = strlen(from);

	if (size > 0)
	{
		size_t used = Min(length, size - 1);

		memcpy(to, from, used);
		to[used] = '\0';
	}
	return length;
}

int
pg_strncasecmp(const char *a, const char *b, size_t size)
{
	return strncasecmp(a, b, size);
}

int
pg_strcasecmp(const char *a, const char *b)
{
	return strcasecmp(a, b);
}

/* ---- strings --------------------------------------------------------------------------------- */

void
initStringInfo(StringInfo text)
{
	text->maxlen = 64;
	text->data = palloc(text->maxlen);
	resetStringInfo(text);
}

void
resetStringInfo(StringInfo text)
{
	text->data[0] = '\0';
	text->len = 0;
	text->cursor = 0;
}

void
enlargeStringInfo(StringInfo text, int needed)
{
	while (text->maxlen < text->len + needed + 1)
		text->maxlen *= 2;
	text->data = repalloc(text->data, text->maxlen);
}

int
appendStringInfoVA(StringInfo text, const char *fmt, va_list args)
{
	int room = text->maxlen - text->len;
	int size = vsnprintf(text->data + text->len, room, fmt, args);

	if (size < room)
	{
		text->len += size;
		return 0;
	}
	text->data[text->len] = '\0';
	return size + 1;
}

void
appendStringInfo(StringInfo text, const char *fmt, ...)
{
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(text, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(text, needed);
	}
}

#if PG_VERSION_NUM >= 160000
#define BINARY const void
#else
#define BINARY const char
#endif

void
appendBinaryStringInfo(StringInfo text, BINARY *data, int size)
{
	enlargeStringInfo(text, size);
	memcpy(text->data + text->len, data, size);
	text->len += size;
	text->data[text->len] = '\0';
}

void
appendStringInfoString(StringInfo text, const char *string)
{
	appendBinaryStringInfo(text, string, strlen(string));
}

void
appendStringInfoChar(StringInfo text, char c)
{
	appendBinaryStringInfo(text, &c, 1);
}

/* ---- lists --------------------------------------------------------------------------------------- */

static List *
new_list(int length)
{
	List *list = palloc0(sizeof(List));

	list->type = T_List;
	list->length = length;
	list->max_length = Max(length, 4);
	list->elements = palloc0(list->max_length * sizeof(ListCell));
	return list;
}

static void
grow(List *list)
{
	if (list->length == list->max_length)
	{
		list->max_length *= 2;
		list->elements = repalloc(list->elements, list->max_length * sizeof(ListCell));
	}
}

List *
list_make1_impl(NodeTag type, ListCell a)
{
	List *list = new_list(1);

	list->elements[0] = a;
	return list;
}

List *
list_make2_impl(NodeTag type, ListCell a, ListCell b)
{
	List *list = new_list(2);

	list->elements[0] = a;
	list->elements[1] = b;
	return list;
}

List *
list_make3_impl(NodeTag type, ListCell a, ListCell b, ListCell c)
{
	List *list = new_list(3);

	list->elements[0] = a;
	list->elements[1] = b;
	list->elements[2] = c;
	return list;
}

List *
lappend(List *list, void *item)
{
	if (list == NIL)
		list = new_list(0);
	grow(list);
	list->elements[list->length++].ptr_value = item;
	return list;
}

List *
lcons(void *item, List *list)
{
	if (list == NIL)
		return lappend(NIL, item);
	grow(list);
	memmove(list->elements + 1, list->elements, list->length * sizeof(ListCell));
	list->elements[0].ptr_value = item;
	list->length++;
	return list;
}

List *
list_copy(const List *list)
{
	List *copy;

	if (list == NIL)
		return NIL;
	copy = new_list(list->length);
	memcpy(copy->elements, list->elements, list->length * sizeof(ListCell));
	return copy;
}

List *
list_concat(List *list, const List *more)
{
	if (list == NIL)
		return list_copy(more);
	for (int i = 0; more != NIL && i < more->length; i++)
		list = lappend(list, more->elements[i].ptr_value);
	return list;
}

List *
list_delete_nth_cell(List *list, int n)
{
	if (list->length == 1)
		return NIL;
	memmove(list->elements + n, list->elements + n + 1, (list->length - n - 1) * sizeof(ListCell));
	list->length--;
	return list;
}

List *
list_delete_cell(List *list, ListCell *cell)
{
	return list_delete_nth_cell(list, cell - list->elements);
}

List *
list_delete_ptr(List *list, void *item)
{
	for (int i = 0; list != NIL && i < list->length; i++)
	{
		if (list->elements[i].ptr_value == item)
			return list_delete_nth_cell(list, i);
	}
	return list;
}

/* ---- the catalogue, which is not here --------------------------------------------------------------- */

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

/* PostgreSQL's own parser belongs to the server. */
List *
dbs_ddl_translate_raw(const char *text, const DbsDdlOptions *options)
{
	return NIL;
}

/* ---- inputs ---------------------------------------------------------------------------------------------- */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DbsDdlOptions options = {0};
	char *text;

	if (size < 1)
		return 0;
	options.source = (data[0] & 1) != 0 ? DBS_DIALECT_MARIADB : DBS_DIALECT_MYSQL;
	options.target = DBS_DIALECT_POSTGRESQL;
	options.sql_mode = (data[0] & 2 ? 0x4 : 0) | (data[0] & 4 ? 0x100000 : 0) | (data[0] & 8 ? 0x2 : 0);
	options.use_catalog = (data[0] & 16) != 0;
	options.default_schema = (data[0] & 32) != 0 ? "shop" : NULL;
	options.has_postgis = (data[0] & 64) != 0;
	text = pnstrdup((const char *) data + 1, size - 1);
	(void) dbs_ddl_translate(text, &options);
	free_all();
	return 0;
}
