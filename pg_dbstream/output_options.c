/*
 * The plugin's options, as given to START_REPLICATION or pg_logical_slot_get_changes.
 */
#include "output_plugin.h"

#include "nodes/parsenodes.h"
#include "utils/builtins.h"

#include "../libdbstream/pattern.h"

static void
refuse(const char *name, const char *value, const char *takes)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("option \"%s\" of output plugin dbstream cannot be \"%s\"", name, value),
					errhint("It takes %s.", takes)));
}

static bool
read_bool(const char *name, const char *value)
{
	bool result;

	if (value == NULL)
		return true;
	if (!parse_bool(value, &result))
		refuse(name, value, "true or false");
	return result;
}

/* "public.*,!public.audit_*", with or without braces; a backslash takes the next character as it is. */
static char **
read_patterns(const char *value)
{
	Size size = strlen(value);
	char **patterns;
	StringInfoData pattern;
	int count = 0;
	int capacity = 1;

	if (size >= 2 && value[0] == '{' && value[size - 1] == '}')
	{
		value++;
		size -= 2;
	}
	for (Size i = 0; i < size; i++)
		capacity += value[i] == ',';
	patterns = palloc0((capacity + 1) * sizeof *patterns);
	initStringInfo(&pattern);
	for (Size i = 0; i <= size; i++)
	{
		if (i < size && value[i] != ',')
		{
			appendStringInfoChar(&pattern, value[i]);
			if (value[i] == '\\' && i + 1 < size)
				appendStringInfoChar(&pattern, value[++i]);
			continue;
		}
		if (dbs_pattern_check(pattern.data) != NULL)
			refuse("tables", pattern.data,
				   psprintf("patterns, separated by commas; %s", dbs_pattern_check(pattern.data)));
		patterns[count++] = pstrdup(pattern.data);
		resetStringInfo(&pattern);
	}
	return patterns;
}

/* "16385@0/16B3748,16390@0/16B3748": tables by their oid, and as of which position each was copied. */
static List *
read_copied(const char *value)
{
	List *list = NIL;

	while (*value != '\0')
	{
		DbsOutputCopied *copied = palloc(sizeof *copied);
		unsigned relid, high, low;
		int used = 0;

		if (sscanf(value, "%10u@%8X/%8X%n", &relid, &high, &low, &used) != 3 ||
			(value[used] != ',' && value[used] != '\0'))
			refuse("copied", value, "oids of tables with positions, as 16385@0/16B3748, separated by commas");
		copied->relid = relid;
		copied->position = (XLogRecPtr) high << 32 | low;
		list = lappend(list, copied);
		value += used + (value[used] == ',');
	}
	return list;
}

/* One of two words; true when it is the second. */
static bool
read_choice(const char *name, const char *value, const char *first, const char *second)
{
	if (value != NULL && strcmp(value, first) == 0)
		return false;
	if (value != NULL && strcmp(value, second) == 0)
		return true;
	refuse(name, value != NULL ? value : "", psprintf("%s or %s", first, second));
	return false;
}

void
dbs_output_read_options(DbsOutput *output, List *options)
{
	ListCell *cell;
	bool streaming = false;

	output->format = &dbs_output_json;
	output->schema_messages = output->transactions = output->metadata = output->messages = output->schema_changes =
		true;
	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);
		const char *name = option->defname;
		const char *value = option->arg != NULL ? strVal(option->arg) : NULL;

		if (strcmp(name, "format") == 0)
			output->format = read_choice(name, value, "json", "binary") ? &dbs_output_binary : &dbs_output_json;
		else if (strcmp(name, "tables") == 0)
			output->patterns = read_patterns(value != NULL ? value : "");
		else if (strcmp(name, "origin") == 0)
			output->local_only = read_choice(name, value, "any", "none");
		else if (strcmp(name, "partitions") == 0)
			output->via_root = read_choice(name, value, "leaf", "root");
		else if (strcmp(name, "schema_messages") == 0)
			output->schema_messages = read_bool(name, value);
		else if (strcmp(name, "transactions") == 0)
			output->transactions = read_bool(name, value);
		else if (strcmp(name, "metadata") == 0)
			output->metadata = read_bool(name, value);
		else if (strcmp(name, "messages") == 0)
			output->messages = read_bool(name, value);
		else if (strcmp(name, "schema_changes") == 0)
			output->schema_changes = read_bool(name, value);
		else if (strcmp(name, "copied") == 0)
			output->copied = read_copied(value != NULL ? value : "");
		else if (strcmp(name, "streaming") == 0)
			streaming = read_bool(name, value);
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("output plugin dbstream has no option \"%s\"", name),
					 errhint("Its options are format, tables, origin, partitions, schema_messages, schema_changes, "
							 "transactions, metadata, messages, copied and streaming.")));
	}
	/* Rows in the wire format mean nothing without the columns they belong to, nor without their boundaries. */
	if (output->format == &dbs_output_binary)
	{
		output->schema_messages = output->transactions = output->metadata = true;
		/* The wire format has whole transactions only; the server spills large ones to disk until they commit. */
		if (streaming)
			refuse("streaming", "true", "false when format is binary");
		output->ctx->twophase = false;
	}
	output->ctx->streaming &= streaming;
}
