/*
 * Options of connections and streams: refused by name when they are given,
 * never when the stream runs.
 */
#include "postgres.h"

#include "catalog.h"
#include "options.h"

#include "fmgr.h"
#include "funcapi.h"
#include "option.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

PG_FUNCTION_INFO_V1(dbs_check_options);
PG_FUNCTION_INFO_V1(dbs_complete_options);
PG_FUNCTION_INFO_V1(dbs_options_list);

/* ---- reading --------------------------------------------------------- */

static JsonbValue *
member(Jsonb *json, const char *key)
{
	JsonbValue wanted;

	if (!JB_ROOT_IS_OBJECT(json))
		return NULL;
	wanted.type = jbvString;
	wanted.val.string.val = (char *) key;
	wanted.val.string.len = (int) strlen(key);
	return findJsonbValueFromContainer(&json->root, JB_FOBJECT, &wanted);
}

bool
dbs_jsonb_has(Jsonb *json, const char *key)
{
	return member(json, key) != NULL;
}

char *
dbs_jsonb_text(Jsonb *json, const char *key)
{
	JsonbValue *value = member(json, key);

	if (value == NULL)
		return NULL;
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			return NULL;
	}
}

/* ---- checking -------------------------------------------------------- */

static void
report_unknown(const char *kind, unsigned scope, const char *name)
{
	const DbsOption *near = dbs_option_nearest(scope, name, strlen(name));
	const char *what = scope == DBS_OPTION_FOR_STREAM ? "a stream" : psprintf("a connection of kind %s", kind);

	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown option \"%s\" for %s", name, what),
					near != NULL ? errhint("Did you mean \"%s\"?", near->name)
								 : errhint("SELECT * FROM dbstream.options() lists every option there is.")));
}

/* The value is not told: it may be a password under the wrong name. */
static void
report_value(const DbsOption *option, const char *found)
{
	char expected[256];

	dbs_option_expectation(option, expected, sizeof expected);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("option \"%s\" must be %s, not %s", option->name, expected, found),
					errdetail("%s", option->sentence)));
}

static const char *
value_words(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a text";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return value->val.boolean ? "true" : "false";
		default:
			return value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data) ? "an array" : "an object";
	}
}

static void
check_int(const DbsOption *option, const JsonbValue *value)
{
	char *text;
	char *end;
	long long number;

	if (value->type != jbvNumeric)
		report_value(option, value_words(value));
	text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || number < option->min || number > option->max)
		report_value(option, text);
}

static void
check_object(const DbsOption *option, const JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbValue item;
	JsonbIteratorToken token;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		report_value(option, value_words(value));
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token == WJB_VALUE && (item.type != jbvString || item.val.string.len == 0))
			report_value(option,
						 psprintf("an object with %s", item.type == jbvString ? "an empty text" : value_words(&item)));
		if (token == WJB_KEY && item.val.string.len == 0)
			report_value(option, "an object with an empty name");
	}
}

/* The names are those in the option's words, each there once. */
static void
check_numbers(const DbsOption *option, const JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbValue item;
	JsonbIteratorToken token;
	int count = 0;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		report_value(option, value_words(value));
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY && !dbs_option_word_known(option, item.val.string.val, item.val.string.len))
			report_value(option, psprintf("an object with \"%s\"", pnstrdup(item.val.string.val, item.val.string.len)));
		if (token == WJB_VALUE)
			check_int(option, &item);
		count += token == WJB_VALUE;
	}
	if (count != 2)
		report_value(option, "an object that lacks one");
}

/* A value in a cycle of so many. */
static void
check_cycle(Jsonb *options)
{
	JsonbValue *value = member(options, "auto_increment");
	Jsonb *cycle;

	if (value == NULL || value->type != jbvBinary)
		return;
	cycle = JsonbValueToJsonb(value);
	if (pg_strtoint32(dbs_jsonb_text(cycle, "offset")) > pg_strtoint32(dbs_jsonb_text(cycle, "increment")))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"auto_increment\" has an offset beyond its increment"),
						errhint("With increment n the offsets are 1 to n, one for each writer.")));
}

static void
check_text(const DbsOption *option, const JsonbValue *value)
{
	const char *problem;

	if (value->type != jbvString)
		report_value(option, value_words(value));
	if (option->type == DBS_OPTION_WORD && !dbs_option_word_known(option, value->val.string.val, value->val.string.len))
		report_value(option, psprintf("\"%s\"", pnstrdup(value->val.string.val, value->val.string.len)));
	if (option->type == DBS_OPTION_TEXT && value->val.string.len == 0 && strcmp(option->name, "password") != 0)
		report_value(option, "an empty text");
	if (option->type == DBS_OPTION_SIZE && !dbs_option_size_ok(value->val.string.val, value->val.string.len))
		report_value(option, psprintf("\"%s\"", pnstrdup(value->val.string.val, value->val.string.len)));
	if (option->type != DBS_OPTION_START)
		return;
	problem = dbs_option_start_check(pnstrdup(value->val.string.val, value->val.string.len));
	if (problem != NULL)
	{
		char expected[256];

		dbs_option_expectation(option, expected, sizeof expected);
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"start\" cannot be \"%s\": %s",
							   pnstrdup(value->val.string.val, value->val.string.len), problem),
						errhint("It is %s.", expected)));
	}
}

static void
check_value(const DbsOption *option, const JsonbValue *value)
{
	switch (option->type)
	{
		case DBS_OPTION_BOOL:
			if (value->type != jbvBool)
				report_value(option, value_words(value));
			break;
		case DBS_OPTION_INT:
			check_int(option, value);
			break;
		case DBS_OPTION_OBJECT:
			check_object(option, value);
			break;
		case DBS_OPTION_NUMBERS:
			check_numbers(option, value);
			break;
		case DBS_OPTION_TEXT:
		case DBS_OPTION_WORD:
		case DBS_OPTION_SIZE:
		case DBS_OPTION_START:
			check_text(option, value);
			break;
	}
}

/* Options that exclude or need one another; what a partial set lacks may be there already. */
static void
check_together(Jsonb *options, bool partial)
{
	static const char *const passwords[] = {"password", "password_file", "password_env"};
	const char *first = NULL;

	for (int i = 0; i < lengthof(passwords); i++)
	{
		JsonbValue *value = member(options, passwords[i]);

		if (value == NULL || value->type == jbvNull)
			continue;
		if (first != NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("options \"%s\" and \"%s\" exclude each other", first, passwords[i]),
							errhint("Give one of password, password_file and password_env.")));
		first = passwords[i];
	}
	if (!partial && dbs_jsonb_text(options, "ssl_key") != NULL && dbs_jsonb_text(options, "ssl_cert") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"ssl_key\" is of no use without \"ssl_cert\""), errhint("Give both, or neither.")));
	if (!partial)
		dbs_options_require_column(options);
	check_cycle(options);
}

void
dbs_options_require_column(Jsonb *options)
{
	char *policy = dbs_jsonb_text(options, "conflicts");

	if (policy != NULL && strcmp(policy, "latest_wins") == 0 && dbs_jsonb_text(options, "conflict_column") == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"conflicts\" cannot be \"latest_wins\" without \"conflict_column\""),
						errhint("Name the column that says which row is later, as {\"conflicts\": \"latest_wins\", "
								"\"conflict_column\": \"changed_at\"}.")));
}

void
dbs_options_check(const char *kind, Jsonb *options, bool allow_null)
{
	unsigned scope = dbs_option_scope(kind);
	JsonbIterator *iterator;
	JsonbValue item;
	JsonbIteratorToken token;
	const DbsOption *option = NULL;

	if (scope == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown kind \"%s\"", kind),
						errhint("The kinds of connections are mysql, mariadb and postgresql.")));
	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("options must be a JSON object"),
						errhint("For example: '{\"%s\": ...}'.", scope == DBS_OPTION_FOR_STREAM ? "start" : "host")));
	iterator = JsonbIteratorInit(&options->root);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			option = dbs_option_find(scope, item.val.string.val, item.val.string.len);
			if (option == NULL)
				report_unknown(kind, scope, pnstrdup(item.val.string.val, item.val.string.len));
		}
		else if (token == WJB_VALUE && !(allow_null && item.type == jbvNull))
			check_value(option, &item);
	}
	check_together(options, allow_null);
}

Datum
dbs_check_options(PG_FUNCTION_ARGS)
{
	DbsHiding hiding;

	dbs_hide_statement(&hiding);
	dbs_options_check(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_JSONB_P(1), false);
	dbs_unhide_statement(&hiding);
	PG_RETURN_JSONB_P(PG_GETARG_JSONB_P(1));
}

/* ---- defaults -------------------------------------------------------- */

Jsonb *
dbs_options_complete(const char *kind, Jsonb *options)
{
	unsigned scope = dbs_option_scope(kind);
	StringInfoData defaults;
	Datum completed;

	initStringInfo(&defaults);
	for (size_t i = 0; i < dbs_option_count; i++)
	{
		const DbsOption *option = &dbs_options[i];

		if ((option->scope & scope) != 0 && option->fallback != NULL)
			appendStringInfo(&defaults, "%s\"%s\": %s", defaults.len > 0 ? ", " : "{", option->name, option->fallback);
	}
	appendStringInfoString(&defaults, defaults.len > 0 ? "}" : "{}");
	completed = DirectFunctionCall1(jsonb_in, CStringGetDatum(defaults.data));
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, completed, JsonbPGetDatum(options)));
}

Datum
dbs_complete_options(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(dbs_options_complete(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_JSONB_P(1)));
}

/* ---- the list -------------------------------------------------------- */

static const char *
scope_words(unsigned scope)
{
	static const char *const words[] = {"mysql", "mariadb", "postgresql", "stream"};
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < lengthof(words); i++)
	{
		if ((scope & dbs_option_scope(words[i])) != 0)
			appendStringInfo(&out, "%s%s", out.len > 0 ? ", " : "", words[i]);
	}
	return out.data;
}

/* options() → applies_to, name, value, default_value, description */
Datum
dbs_options_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (size_t i = 0; i < dbs_option_count; i++)
	{
		const DbsOption *option = &dbs_options[i];
		char expected[256];
		Datum values[5];
		bool nulls[5] = {false};

		dbs_option_expectation(option, expected, sizeof expected);
		values[0] = CStringGetTextDatum(scope_words(option->scope));
		values[1] = CStringGetTextDatum(option->name);
		values[2] = CStringGetTextDatum(expected);
		nulls[3] = option->fallback == NULL;
		if (!nulls[3])
			values[3] = DirectFunctionCall1(jsonb_in, CStringGetDatum(option->fallback));
		values[4] = CStringGetTextDatum(option->sentence);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
