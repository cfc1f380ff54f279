/*
 * The server writes each column and each key on a line of its own, between "CREATE TABLE `name` (" and a line that
 * begins with ")". Line breaks in literals are written as \n, so a line is a line.
 */
#include "table_definition.h"

#include <stdlib.h>
#include <string.h>

#include "sql_buffer.h"

typedef struct Definition
{
	const StreamConfig *config;
	const char *schema; /* the target's */
	const char *name;
	ServerFlavour from;
	ServerFlavour to;
	bool keeps_indexes; /* all but foreign keys are made with the table */
	bool keeps_unique;
	unsigned renamed;   /* collations */
	unsigned reengined; /* engines */
} Definition;

static bool
begins(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

/* Does a name end before this character? */
static bool
ends_word(char c)
{
	return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_');
}

/*
 * MySQL's default collations and those of MariaDB sort and compare nearly all letters alike. The first that fits is
 * taken: those of MySQL do not pad with spaces.
 */
static const char *const collations[][2] = {
	{"utf8mb4_0900_ai_ci", "utf8mb4_uca1400_nopad_ai_ci"}, {"utf8mb4_0900_as_ci", "utf8mb4_uca1400_nopad_as_ci"},
	{"utf8mb4_0900_as_cs", "utf8mb4_uca1400_nopad_as_cs"}, {"utf8mb4_0900_bin", "utf8mb4_nopad_bin"},
	{"utf8mb4_0900_ai_ci", "utf8mb4_uca1400_ai_ci"},       {"utf8mb4_0900_as_ci", "utf8mb4_uca1400_as_ci"},
	{"utf8mb4_0900_as_cs", "utf8mb4_uca1400_as_cs"},
};

/* The target's name for the collation that text begins with, and its size there; NULL: it begins with none of these. */
static const char *
collation_at(const Definition *definition, const char *text, size_t *size)
{
	int own = definition->to == FLAVOUR_MARIADB ? 0 : 1;

	for (size_t i = 0; i < sizeof collations / sizeof collations[0]; i++)
	{
		*size = strlen(collations[i][own]);
		if (begins(text, collations[i][own]) && ends_word(text[*size]))
			return collations[i][1 - own];
	}
	return NULL;
}

/* Rows and position are of one transaction: a table whose engine has none would get rows twice after a crash. */
static const char *const bare_engines[] = {"MyISAM", "Aria", "MEMORY", "CSV", "ARCHIVE", "MRG_MyISAM"};

/* The size of an engine's name that text begins with, if that engine has no transactions; else 0. */
static size_t
bare_engine_at(const char *text)
{
	for (size_t i = 0; i < sizeof bare_engines / sizeof bare_engines[0]; i++)
	{
		size_t size = strlen(bare_engines[i]);

		if (begins(text, bare_engines[i]) && ends_word(text[size]))
			return size;
	}
	return 0;
}

/* Options of such engines; each with the space in front of it. */
static size_t
bare_option_at(const char *text)
{
	static const char *const options[] = {" PAGE_CHECKSUM=1",  " PAGE_CHECKSUM=0",  " TRANSACTIONAL=1",
										  " TRANSACTIONAL=0",  " ROW_FORMAT=FIXED", " ROW_FORMAT=PAGE",
										  " DELAY_KEY_WRITE=1"};

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
	{
		size_t size = strlen(options[i]);

		if (begins(text, options[i]) && ends_word(text[size]))
			return size;
	}
	return 0;
}

/* What stands for the words that text begins with, and their size; NULL: they stay. */
static const char *
word_instead(Definition *definition, const char *text, size_t *size)
{
	static const char *const marks[] = {"ENGINE=", "ENGINE = "};
	const char *other;

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
	{
		size_t engine = begins(text, marks[i]) ? bare_engine_at(text + strlen(marks[i])) : 0;

		if (engine == 0)
			continue;
		*size = strlen(marks[i]) + engine;
		definition->reengined++;
		return "ENGINE=InnoDB";
	}
	if (definition->reengined > 0 && (*size = bare_option_at(text)) > 0)
		return "";
	if (definition->from == definition->to)
		return NULL;
	other = collation_at(definition, text, size);
	definition->renamed += other != NULL;
	return other;
}

/* Text outside of quotes, in the target's words. */
static void
put_text(Definition *definition, SqlBuffer *sql, const char *text, size_t size)
{
	char quote = '\0';

	for (size_t i = 0; i < size; i++)
	{
		const char *other;
		size_t own;

		if (quote != '\0')
		{
			if (text[i] == '\\' && quote == '\'' && i + 1 < size)
				sql_buffer_add(sql, &text[i++], 1);
			else if (text[i] == quote)
				quote = '\0';
		}
		else if (text[i] == '\'' || text[i] == '`')
			quote = text[i];
		else if ((i == 0 || text[i] == ' ' || ends_word(text[i - 1])) &&
				 (other = word_instead(definition, text + i, &own)) != NULL)
		{
			sql_buffer_text(sql, other);
			i += own - 1;
			continue;
		}
		sql_buffer_add(sql, &text[i], 1);
	}
}

/* Behind a name in backticks; NULL: there is none. */
static const char *
behind_name(const char *text)
{
	if (*text != '`')
		return NULL;
	for (text++; *text != '\0'; text++)
	{
		if (*text == '`' && *++text != '`')
			return text;
	}
	return NULL;
}

/* "REFERENCES `database`.`table`": the database is the target's. */
static void
put_foreign_key(Definition *definition, SqlBuffer *sql, const char *line, size_t size)
{
	static const char word[] = " REFERENCES ";
	const char *at = strstr(line, word);
	const char *name = at != NULL && at < line + size ? at + sizeof word - 1 : NULL;
	const char *end = name != NULL ? behind_name(name) : NULL;
	char schema[256];
	size_t used = 0;

	if (end == NULL || *end != '.')
	{
		put_text(definition, sql, line, size);
		return;
	}
	for (const char *c = name + 1; c < end - 1 && used + 1 < sizeof schema; c++)
	{
		if (*c == '`')
			c++;
		schema[used++] = *c;
	}
	schema[used] = '\0';
	put_text(definition, sql, line, (size_t) (name - line));
	sql_buffer_name(sql, stream_config_schema(definition->config, schema),
					strlen(stream_config_schema(definition->config, schema)));
	put_text(definition, sql, end, size - (size_t) (end - line));
}

static bool
is_foreign_key(const char *line, size_t size)
{
	const char *end = begins(line, "  CONSTRAINT `") ? behind_name(line + strlen("  CONSTRAINT ")) : NULL;

	return end != NULL && end < line + size && begins(end, " FOREIGN KEY ");
}

/* Such indexes are built one at a time. */
static bool
is_special_index(const char *line)
{
	return begins(line, "  FULLTEXT KEY ") || begins(line, "  SPATIAL KEY ") || begins(line, "  VECTOR KEY ");
}

static bool
is_later_index(const Definition *definition, const char *line)
{
	if (definition->keeps_indexes)
		return false;
	return begins(line, "  KEY ") || is_special_index(line) ||
		   (!definition->keeps_unique && begins(line, "  UNIQUE KEY "));
}

static void
put_table_name(const Definition *definition, SqlBuffer *sql)
{
	sql_buffer_name(sql, definition->schema, strlen(definition->schema));
	sql_buffer_text(sql, ".");
	sql_buffer_name(sql, definition->name, strlen(definition->name));
}

/* An AUTO_INCREMENT column needs its key at once; a table without primary key is stored in the order of a unique one.
 */
static void
look_through(Definition *definition, const char *create)
{
	const char *primary = strstr(create, "\n  PRIMARY KEY (");
	const char *column = NULL;

	for (const char *line = strchr(create, '\n'); line != NULL; line = strchr(line, '\n'))
	{
		const char *next = strchr(++line, '\n');
		const char *word = strstr(line, " AUTO_INCREMENT");

		if (begins(line, "  `") && word != NULL && (next == NULL || word < next))
			column = line + 2;
	}
	definition->keeps_unique = primary == NULL;
	if (column != NULL)
	{
		const char *end = behind_name(column);
		const char *first = primary != NULL ? primary + strlen("\n  PRIMARY KEY (") : NULL;

		definition->keeps_indexes =
			first == NULL || end == NULL || strncmp(first, column, (size_t) (end - column)) != 0;
	}
}

/* One "ALTER TABLE … ADD …, ADD …" under way. */
static void
put_addition(Definition *definition, SqlBuffer *sql, const char *line, size_t size)
{
	if (sql->used == 0)
	{
		sql_buffer_text(sql, "ALTER TABLE ");
		put_table_name(definition, sql);
	}
	else
		sql_buffer_text(sql, ",");
	sql_buffer_text(sql, " ADD ");
	put_foreign_key(definition, sql, line + 2, size - 2);
}

static bool
add_stage(CopyDdl *ddl, const char *stage, SqlBuffer *sql)
{
	bool ok = true;

	if (sql->used > 0)
	{
		sql_buffer_add(sql, "", 1);
		ok = sql_buffer_ok(sql) && copy_ddl_add(ddl, stage, sql->data);
	}
	sql_buffer_free(sql);
	*sql = (SqlBuffer){0};
	return ok;
}

typedef struct Parts
{
	SqlBuffer table;
	SqlBuffer index;
	SqlBuffer links;
	SqlBuffer special;
	CopyDdl later; /* special indexes */
	bool first;    /* no line of the table's own has been put yet */
} Parts;

static bool
put_line(Definition *definition, Parts *parts, const char *line, size_t size)
{
	/* The comma belongs to the list. */
	if (size > 0 && line[size - 1] == ',')
		size--;
	if (is_foreign_key(line, size))
		put_addition(definition, &parts->links, line, size);
	else if (is_later_index(definition, line) && is_special_index(line))
	{
		put_addition(definition, &parts->special, line, size);
		return add_stage(&parts->later, "index", &parts->special);
	}
	else if (is_later_index(definition, line))
		put_addition(definition, &parts->index, line, size);
	else
	{
		sql_buffer_text(&parts->table, parts->first ? "\n" : ",\n");
		put_text(definition, &parts->table, line, size);
		parts->first = false;
	}
	return true;
}

static bool
cut(Definition *definition, const char *create, Parts *parts)
{
	const char *line = strchr(create, '\n');

	sql_buffer_text(&parts->table, "CREATE TABLE ");
	put_table_name(definition, &parts->table);
	sql_buffer_text(&parts->table, " (");
	parts->first = true;
	while (line != NULL && line[1] != ')')
	{
		const char *next = strchr(line + 1, '\n');

		if (next == NULL)
			return false;
		if (!put_line(definition, parts, line + 1, (size_t) (next - line - 1)))
			return false;
		line = next;
	}
	if (line == NULL)
		return false;
	put_text(definition, &parts->table, line, strlen(line));
	return true;
}

static bool
take_parts(const Definition *definition, Parts *parts, CopyDdl *ddl)
{
	bool ok = add_stage(ddl, "table", &parts->table) && add_stage(ddl, "index", &parts->index);

	for (size_t i = 0; ok && i < parts->later.count; i++)
		ok = copy_ddl_add(ddl, "index", parts->later.texts[i]);
	ok = ok && add_stage(ddl, "foreign key", &parts->links);
	if (ok && definition->renamed > 0)
		ok =
			copy_ddl_add(ddl, "note",
						 "warning: a collation of the source is not known to the target, which gets the one that comes "
						 "closest; rare characters may be sorted or compared differently");
	if (ok && definition->reengined > 0)
		ok = copy_ddl_add(ddl, "note",
						  "warning: the table's engine has no transactions, so nothing would be exact: it is made with "
						  "InnoDB at the target");
	return ok;
}

bool
table_definition_cut(const char *create, const StreamConfig *config, const char *schema, const char *name,
					 ServerFlavour from, ServerFlavour to, CopyDdl *ddl, Failure *failure)
{
	Definition definition = {
		.config = config, .schema = stream_config_schema(config, schema), .name = name, .from = from, .to = to};
	Parts parts = {0};
	bool ok;

	*ddl = (CopyDdl){0};
	look_through(&definition, create);
	if (!cut(&definition, create, &parts))
		ok = failure_set(failure, FAILURE_REJECT, "definition_unknown",
						 "Make the table at the target by hand, or exclude it from the stream.",
						 "the source's definition of table \"%s.%s\" is not understood", schema, name);
	else
		ok = take_parts(&definition, &parts, ddl) ||
			 failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a definition");
	sql_buffer_free(&parts.table);
	sql_buffer_free(&parts.index);
	sql_buffer_free(&parts.links);
	sql_buffer_free(&parts.special);
	copy_ddl_free(&parts.later);
	if (!ok)
		copy_ddl_free(ddl);
	return ok;
}
