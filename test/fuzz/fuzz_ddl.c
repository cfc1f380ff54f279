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
#include "utils/timestamp.h"

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

unsigned char
pg_tolower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* The moment that a fuzzed session names is always this one. */
int
timestamp2tm(Timestamp at, int *zone, struct pg_tm *tm, fsec_t *fraction, const char **zone_name, pg_tz *attribute_zone)
{
	tm->tm_year = 2024;
	tm->tm_mon = tm->tm_mday = 5;
	tm->tm_hour = tm->tm_min = tm->tm_sec = 7;
	*fraction = 250000;
	return 0;
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
	{
		pfree(list->elements);
		pfree(list);
		return NIL;
	}
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

bool
list_member_ptr(const List *list, const void *item)
{
	for (int i = 0; list != NIL && i < list->length; i++)
	{
		if (list->elements[i].ptr_value == item)
			return true;
	}
	return false;
}

List *
list_truncate(List *list, int length)
{
	if (length == 0)
		return NIL;
	if (length < list->length)
		list->length = length;
	return list;
}

/* ---- the catalogue, of which names decide what is there ---------------------------------------------- */

static DdlKnownColumn *
catalog_column(const char *name, DdlTypeFamily family, const char *pg_type, int64 length)
{
	DdlKnownColumn *column = palloc0(sizeof(DdlKnownColumn));

	column->name = name;
	column->type = palloc0(sizeof(DdlType));
	column->type->family = family;
	column->type->name = pg_type;
	column->type->length = length;
	column->type->scale = column->type->srid = -1;
	column->pg_type = pg_type;
	return column;
}

static DdlKnownKey *
catalog_key(const char *pg_name, DdlKeyKind kind, const char *column)
{
	DdlKnownKey *key = palloc0(sizeof(DdlKnownKey));
	DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));

	key->pg_name = pg_name;
	key->kind = kind;
	key->is_constraint = kind == DDL_KEY_PRIMARY;
	key->pg_tail = psprintf("USING btree (%s)", column);
	part->column = column;
	key->key = palloc0(sizeof(DdlKey));
	key->key->kind = kind;
	key->key->parts = list_make1(part);
	return key;
}

static List *
catalog_partitions(const char *name)
{
	List *partitions = NIL;

	for (int i = 0; i < 3; i++)
	{
		DdlKnownPartition *partition = palloc0(sizeof(DdlKnownPartition));

		partition->name = psprintf("%s_p%d", name, i);
		partition->is_default = i == 2;
		partition->from = i == 0 ? "(MINVALUE)" : "('10')";
		partition->to = "('10')";
		partitions = lappend(partitions, partition);
	}
	return partitions;
}

/* Tables beginning with t are there, those beginning with tp in partitions. */
DdlKnownTable *
dbs_ddl_catalog_table(const char *schema, const char *name)
{
	DdlKnownTable *table;
	DdlKnownColumn *id = catalog_column("id", DDL_TYPE_INT4, "integer", -1);
	DdlKnownColumn *doubled = catalog_column("g", DDL_TYPE_INT8, "bigint", -1);

	if (name[0] != 't')
		return NULL;
	id->not_null = id->identity = true;
	doubled->generated = true;
	doubled->expression = "(id * 2)";
	table = palloc0(sizeof(DdlKnownTable));
	table->complete = true;
	table->columns = list_make3(id, doubled, catalog_column("c", DDL_TYPE_VARCHAR, "character varying(20)", 20));
	table->keys = list_make2(catalog_key(psprintf("%s_pkey", name), DDL_KEY_PRIMARY, "id"),
							 catalog_key(psprintf("%s_c", name), DDL_KEY_UNIQUE, "c"));
	if (name[1] != 'p')
		return table;
	table->partitioned = 'r';
	table->partitions = catalog_partitions(name);
	table->partition_by = list_make1("id");
	return table;
}

bool
dbs_ddl_catalog_schema_exists(const char *schema)
{
	return schema[0] == 's';
}

DdlNameTaken
dbs_ddl_catalog_name_taken(const char *schema, const char *name, const char **table)
{
	if (strstr(name, "_c") != NULL)
		*table = "tc";
	return strstr(name, "_c") != NULL ? DDL_NAME_INDEX : name[0] == 'v' ? DDL_NAME_OTHER : DDL_NAME_FREE;
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
	options.has_moment = options.has_utc_offset = (data[0] & 128) != 0;
	text = pnstrdup((const char *) data + 1, size - 1);
	(void) dbs_ddl_translate(text, &options);
	free_all();
	return 0;
}
