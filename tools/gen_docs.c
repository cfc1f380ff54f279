/*
 * The tables of the documentation, from the tables in C.
 *
 *   gen_docs [--check] PAGE...
 *
 * In each page, what stands between a line "<!-- generated: NAME -->" and the
 * line "<!-- end of NAME -->" is written anew; with --check, a page that would
 * change is named instead, and the exit status is 1.  tools/gen_docs compiles
 * this and calls it for every page.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ddl_function.h"
#include "option.h"
#include "typemap.h"

#define BEGIN_MARK "<!-- generated: "
#define END_MARK "<!-- end of "
#define MARK_TAIL " -->"

/* A cell of a Markdown table: what would end it is escaped. */
static void
put_cell(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (*text == '|')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void
put_type_map(FILE *out, DbsTypeDirection direction)
{
	fputs("| type | when | wire kind | becomes | option | remark |\n| --- | --- | --- | --- | --- | --- |\n", out);
	for (size_t i = 0; i < dbs_type_map_size; i++)
	{
		const DbsTypeMapping *row = &dbs_type_map[i];
		const char *kind = dbs_kind_name(row->kind);

		if (row->direction != direction)
			continue;
		fputs("| ", out);
		put_cell(out, row->source_type);
		fputs(" | ", out);
		put_cell(out, row->condition);
		fprintf(out, " | %s | ", kind == NULL ? "" : kind);
		put_cell(out, row->target_type);
		fputs(" | ", out);
		if (row->option != NULL)
			fprintf(out, "`\"%s\": \"%s\"`", row->option, row->value);
		fputs(" | ", out);
		put_cell(out, row->remark);
		fputs(" |\n", out);
	}
}

static const char *
function_remark(const DdlFunction *function)
{
	switch (function->warnings)
	{
		case DDL_WARN_COMPARES_TEXT:
			return "exact; text by PostgreSQL's collation: warning";
		case DDL_WARN_CHANGES_CASE:
			return "exact; letters beyond ASCII by the database's locale: warning";
		case DDL_WARN_COUNTS_BYTES:
			return "exact; text as UTF-8: warning";
		case DDL_WARN_JOINS_ROWS:
			return "approximated: not cut at group_concat_max_len: warning";
		default:
			return "exact";
	}
}

/* NAME(a, b) with as many arguments as there may be. */
static void
put_call(FILE *out, const DdlFunction *function)
{
	for (const char *p = function->name; *p != '\0'; p++)
		fputc(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p, out);
	fputc('(', out);
	for (int i = 1; i <= function->most && i <= function->least + 1 && i < 4; i++)
		fprintf(out, "%s$%d", i == 1 ? "" : ", ", i);
	fputs(function->most > 9 ? ", …)" : ")", out);
}

static void
put_functions(FILE *out)
{
	fputs("| function | here | exactness |\n| --- | --- | --- |\n", out);
	for (size_t i = 0; i < dbs_ddl_function_count; i++)
	{
		const DdlFunction *function = &dbs_ddl_functions[i];

		fputs("| ", out);
		put_call(out, function);
		fputs(" | `", out);
		put_cell(out, function->words);
		fprintf(out, "` | %s%s |\n", function_remark(function),
				function->volatility == DDL_IMMUTABLE ? "" : "; defaults and views only");
	}
	for (size_t i = 0; i < dbs_ddl_written_function_count; i++)
	{
		const DdlWrittenFunction *function = &dbs_ddl_written_functions[i];

		fputs("| ", out);
		put_cell(out, function->names);
		fputs(" | `", out);
		put_cell(out, function->words);
		fprintf(out, "` | exact%s%s |\n", *function->remark == '\0' ? "" : ": ", function->remark);
	}
}

static void
put_options(FILE *out, unsigned scope)
{
	fputs("| option | value | default | what it does |\n| --- | --- | --- | --- |\n", out);
	for (size_t i = 0; i < dbs_option_count; i++)
	{
		const DbsOption *option = &dbs_options[i];
		char expectation[512];

		if ((option->scope & scope) == 0)
			continue;
		dbs_option_expectation(option, expectation, sizeof expectation);
		fprintf(out, "| `%s` | ", option->name);
		put_cell(out, expectation);
		if (option->fallback == NULL)
			fputs(" | none | ", out);
		else
		{
			fputs(" | `", out);
			put_cell(out, option->fallback);
			fputs("` | ", out);
		}
		put_cell(out, option->sentence);
		fputs(" |\n", out);
	}
}

/* Write the section of that name; false when there is none. */
static bool
put_section(FILE *out, const char *name)
{
	static const char options[] = "options of ";

	if (strcmp(name, "types from mysql to postgresql") == 0)
		put_type_map(out, DBS_TYPES_MYSQL_TO_POSTGRESQL);
	else if (strcmp(name, "types from postgresql to mysql") == 0)
		put_type_map(out, DBS_TYPES_POSTGRESQL_TO_MYSQL);
	else if (strcmp(name, "functions of expressions") == 0)
		put_functions(out);
	else if (strncmp(name, options, sizeof options - 1) == 0 && dbs_option_scope(name + sizeof options - 1) != 0)
		put_options(out, dbs_option_scope(name + sizeof options - 1));
	else
		return false;
	return true;
}

/* The name in a marker line, in a buffer that the next call uses again; NULL when line is no such marker. */
static const char *
marked_name(const char *line, const char *mark)
{
	static char name[128];
	const char *tail;
	size_t size;

	if (strncmp(line, mark, strlen(mark)) != 0)
		return NULL;
	line += strlen(mark);
	tail = strstr(line, MARK_TAIL);
	if (tail == NULL || (size = (size_t) (tail - line)) >= sizeof name)
		return NULL;
	memcpy(name, line, size);
	name[size] = '\0';
	return name;
}

static void
fail(const char *page, const char *what, const char *name)
{
	fprintf(stderr, "%s: %s%s\n", page, what, name);
	exit(2);
}

/* The page with its sections written anew, in memory that the caller frees. */
static char *
generate(const char *page, FILE *in, size_t *size)
{
	char *result = NULL;
	char *line = NULL;
	size_t line_size = 0;
	char open_name[128] = "";
	FILE *out = open_memstream(&result, size);

	if (out == NULL)
		fail(page, "out of memory", "");
	while (getline(&line, &line_size, in) >= 0)
	{
		const char *name = marked_name(line, BEGIN_MARK);

		if (name != NULL)
		{
			if (open_name[0] != '\0')
				fail(page, "a generated section begins inside another: ", name);
			snprintf(open_name, sizeof open_name, "%s", name);
			fputs(line, out);
			if (!put_section(out, name))
				fail(page, "no such generated section: ", name);
			continue;
		}
		name = marked_name(line, END_MARK);
		if (name != NULL)
		{
			if (strcmp(name, open_name) != 0)
				fail(page, "the end of a section that is not open: ", name);
			open_name[0] = '\0';
		}
		if (open_name[0] == '\0')
			fputs(line, out);
	}
	if (open_name[0] != '\0')
		fail(page, "a generated section has no end: ", open_name);
	free(line);
	fclose(out);
	return result;
}

static char *
read_whole(const char *page, size_t *size)
{
	char *result = NULL;
	FILE *in = fopen(page, "r");
	FILE *out = open_memstream(&result, size);
	int c;

	if (in == NULL || out == NULL)
		fail(page, "cannot be read", "");
	while ((c = fgetc(in)) != EOF)
		fputc(c, out);
	fclose(in);
	fclose(out);
	return result;
}

/* Whether the page is, or has been made, what it should be. */
static bool
handle_page(const char *page, bool check)
{
	size_t old_size;
	size_t new_size;
	char *old = read_whole(page, &old_size);
	FILE *in = fopen(page, "r");
	char *fresh = generate(page, in, &new_size);
	bool same = old_size == new_size && memcmp(old, fresh, new_size) == 0;

	fclose(in);
	if (!same && check)
		fprintf(stderr, "%s: a generated table differs from its table in C; run tools/gen_docs\n", page);
	else if (!same)
	{
		FILE *out = fopen(page, "w");

		if (out == NULL || fwrite(fresh, 1, new_size, out) != new_size || fclose(out) != 0)
			fail(page, "cannot be written", "");
	}
	free(old);
	free(fresh);
	return same || !check;
}

int
main(int argc, char **argv)
{
	bool check = argc > 1 && strcmp(argv[1], "--check") == 0;
	bool good = true;

	for (int i = check ? 2 : 1; i < argc; i++)
		good = handle_page(argv[i], check) && good;
	return good ? 0 : 1;
}
