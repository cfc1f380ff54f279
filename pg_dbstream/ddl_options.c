/*
 * The translator's options: from the SQL functions' jsonb, and from a stream's.
 */
#include "postgres.h"

#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "ddl.h"
#include "ddl_lexer.h"
#include "stream_row.h"

typedef enum OptionKind
{
	OPTION_WORD,
	OPTION_PASSED, /* read elsewhere */
	OPTION_BOOLEAN,
	OPTION_NAME,
	OPTION_MODE,
	OPTION_SCHEMAS
} OptionKind;

typedef struct Option
{
	const char *name;
	OptionKind kind;
	const char *words; /* separated by | */
	size_t offset;
} Option;

#define OPTION_OF(name, member, words)                                                                                 \
	{                                                                                                                  \
		name, OPTION_WORD, words, offsetof(DbsDdlOptions, member)                                                      \
	}
#define FLAG_OF(name, member)                                                                                          \
	{                                                                                                                  \
		name, OPTION_BOOLEAN, NULL, offsetof(DbsDdlOptions, member)                                                    \
	}

static const Option options_known[] = {
	OPTION_OF("tinyint1", tinyint1, "boolean|smallint"),
	OPTION_OF("bigint_unsigned", bigint_unsigned, "numeric|bigint"),
	OPTION_OF("binary16", binary16, "bytea|uuid"),
	OPTION_OF("time", time, "interval|time"),
	OPTION_OF("enum", enum_as, "text|type"),
	OPTION_OF("set", set_as, "array|text"),
	OPTION_OF("json", json, "jsonb|json"),
	FLAG_OF("postgis", has_postgis),
	FLAG_OF("pgvector", has_vector),
	FLAG_OF("no_partitions", no_partitions),
	FLAG_OF("use_catalog", use_catalog),
	{"default_schema", OPTION_NAME, NULL, offsetof(DbsDdlOptions, default_schema)},
	{"sql_mode", OPTION_MODE, NULL, offsetof(DbsDdlOptions, sql_mode)},
	{"schemas", OPTION_SCHEMAS, NULL, 0},
	{"dialect", OPTION_PASSED, NULL, 0},
};

static const struct
{
	const char *name;
	uint64 bit;
} modes[] = {
	{"REAL_AS_FLOAT", DDL_MODE_REAL_AS_FLOAT},
	{"PIPES_AS_CONCAT", DDL_MODE_PIPES_AS_CONCAT},
	{"ANSI_QUOTES", DDL_MODE_ANSI_QUOTES},
	{"IGNORE_SPACE", DDL_MODE_IGNORE_SPACE},
	{"NO_BACKSLASH_ESCAPES", DDL_MODE_NO_BACKSLASH_ESCAPES},
	{"HIGH_NOT_PRECEDENCE", DDL_MODE_HIGH_NOT_PRECEDENCE},
	{"ANSI", DDL_MODE_REAL_AS_FLOAT | DDL_MODE_PIPES_AS_CONCAT | DDL_MODE_ANSI_QUOTES | DDL_MODE_IGNORE_SPACE}};

/* Names of modes separated by commas, as MySQL shows them; those that do not change reading are passed over. */
static uint64
parse_modes(const char *text)
{
	uint64 mode = 0;

	while (*text != '\0')
	{
		Size size = strcspn(text, ", ");

		for (int i = 0; i < lengthof(modes); i++)
		{
			if (strlen(modes[i].name) == size && pg_strncasecmp(modes[i].name, text, size) == 0)
				mode |= modes[i].bit;
		}
		text += size;
		text += strspn(text, ", ");
	}
	return mode;
}

static void
bad_value(const char *name, const char *expected)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("option \"%s\" is not %s", name, expected)));
}

static bool
word_in(const char *words, const char *value)
{
	while (*words != '\0')
	{
		Size size = strcspn(words, "|");

		if (strlen(value) == size && strncmp(words, value, size) == 0)
			return true;
		words += size;
		if (*words == '|')
			words++;
	}
	return false;
}

static void
read_schemas(const JsonbValue *value, DbsDdlOptions *options)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue item;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		bad_value("schemas", "an object of schema names");
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			options->schema_from = lappend(options->schema_from, pnstrdup(item.val.string.val, item.val.string.len));
		else if (token == WJB_VALUE)
		{
			if (item.type != jbvString)
				bad_value("schemas", "an object of schema names");
			options->schema_to = lappend(options->schema_to, pnstrdup(item.val.string.val, item.val.string.len));
		}
	}
}

static void
read_option(const Option *option, const JsonbValue *value, DbsDdlOptions *options)
{
	char *member = (char *) options + option->offset;
	const char *text = value->type == jbvString ? pnstrdup(value->val.string.val, value->val.string.len) : NULL;

	if (value->type == jbvNull)
		return;
	switch (option->kind)
	{
		case OPTION_WORD:
			if (text == NULL || !word_in(option->words, text))
				bad_value(option->name, psprintf("one of %s", option->words));
			*(const char **) member = text;
			break;
		case OPTION_PASSED:
			break;
		case OPTION_NAME:
			if (text == NULL)
				bad_value(option->name, "a string");
			*(const char **) member = text;
			break;
		case OPTION_BOOLEAN:
			if (value->type != jbvBool)
				bad_value(option->name, "true or false");
			*(bool *) member = value->val.boolean;
			break;
		case OPTION_MODE:
			if (text == NULL)
				bad_value(option->name, "a string of modes separated by commas");
			*(uint64 *) member = parse_modes(text);
			break;
		case OPTION_SCHEMAS:
			read_schemas(value, options);
			break;
	}
}

/* The option that an unknown name comes nearest to, by its beginning. */
static const char *
nearest(const char *name)
{
	const char *best = options_known[0].name;
	int best_length = -1;

	for (int i = 0; i < lengthof(options_known); i++)
	{
		int length = 0;

		while (name[length] != '\0' && name[length] == options_known[i].name[length])
			length++;
		if (length > best_length)
		{
			best = options_known[i].name;
			best_length = length;
		}
	}
	return best;
}

void
dbs_ddl_options_from_jsonb(Jsonb *json, DbsDdlOptions *options)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue item;
	const Option *option = NULL;

	if (json == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("options must be a JSON object")));
	iterator = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			const char *name = pnstrdup(item.val.string.val, item.val.string.len);

			option = NULL;
			for (int i = 0; i < lengthof(options_known); i++)
			{
				if (strcmp(options_known[i].name, name) == 0)
					option = &options_known[i];
			}
			if (option == NULL)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown option \"%s\"", name),
								errhint("The nearest is \"%s\".", nearest(name))));
		}
		else if (token == WJB_VALUE && option != NULL)
			read_option(option, &item, options);
	}
}

void
dbs_ddl_options_from_stream(const DbsStream *stream, DbsDdlOptions *options)
{
	options->target = DBS_DIALECT_POSTGRESQL;
	dbs_stream_option_pairs(stream, "schemas", &options->schema_from, &options->schema_to);
	options->tinyint1 = dbs_stream_option(stream, "tinyint1", NULL);
	options->bigint_unsigned = dbs_stream_option(stream, "bigint_unsigned", NULL);
	options->binary16 = dbs_stream_option(stream, "binary16", NULL);
	options->time = dbs_stream_option(stream, "time", NULL);
	options->enum_as = dbs_stream_option(stream, "enum", NULL);
	options->set_as = dbs_stream_option(stream, "set", NULL);
	options->json = dbs_stream_option(stream, "json", NULL);
	options->zero_dates_null = strcmp(dbs_stream_option(stream, "zero_dates", "null"), "null") == 0;
	options->has_postgis = OidIsValid(get_extension_oid("postgis", true));
	options->has_vector = OidIsValid(get_extension_oid("vector", true));
}
