/*
 * Defaults that vary: what rows that are there get when their column comes.
 *
 * The source gave them one value, that of its clock when the statement ran;
 * the log tells it.  The printed default speaks of time in PostgreSQL's four
 * words for now, so in its place goes the same with these words replaced.
 */
#include "postgres.h"

#include <ctype.h>

#include "datatype/timestamp.h"
#include "utils/timestamp.h"

#include "ddl_print.h"

typedef struct NowWord
{
	const char *word;
	const char *type;
	bool local;
	bool date;
	bool time;
} NowWord;

static const NowWord now_words[] = {
	{"LOCALTIMESTAMP", "timestamp", true, true, true},
	{"CURRENT_TIMESTAMP", "timestamptz", false, true, true},
	{"CURRENT_DATE", "date", true, true, false},
	{"LOCALTIME", "time", true, false, true},
};

/* Functions of the printer's that give another value each time. */
static const char *const chance_words[] = {"random(", "gen_random_uuid(", "clock_timestamp(", "nextval("};

static bool
is_word_byte(char c)
{
	return isalnum((unsigned char) c) || c == '_' || (unsigned char) c >= 0x80;
}

/* Past a quoted string or name that begins here; else where it is. */
static const char *
skip_quoted(const char *at)
{
	char quote = *at;

	if (quote != '\'' && quote != '"')
		return at;
	at++;
	while (*at != '\0' && (*at != quote || at[1] == quote))
		at += *at == quote ? 2 : 1;
	return *at == quote ? at + 1 : at;
}

/* The word for now that begins here, with its "(n)", and where it ends. */
static const NowWord *
now_word(const char *at, const char **end)
{
	for (int i = 0; i < lengthof(now_words); i++)
	{
		Size size = strlen(now_words[i].word);

		if (strncmp(at, now_words[i].word, size) != 0 || is_word_byte(at[size]))
			continue;
		*end = at + size;
		if (at[size] == '(')
			*end += strcspn(*end, ")") + 1;
		return &now_words[i];
	}
	return NULL;
}

DdlVariation
dbs_ddl_pg_variation(const char *sql)
{
	DdlVariation variation = DDL_VARIES_NEVER;
	const char *at = sql;

	while (*at != '\0')
	{
		const char *end = skip_quoted(at);

		if (end != at)
		{
			at = end;
			continue;
		}
		if (at == sql || !is_word_byte(at[-1]))
		{
			for (int i = 0; i < lengthof(chance_words); i++)
			{
				if (strncmp(at, chance_words[i], strlen(chance_words[i])) == 0)
					return DDL_VARIES_BY_CHANCE;
			}
			if (now_word(at, &end) != NULL)
				variation = DDL_VARIES_BY_TIME;
		}
		at++;
	}
	return variation;
}

/* The fraction digits that the expression's words for now ask for: -1 none of them is there, -2 they differ. */
static int
digits_asked(const DdlExpr *expr)
{
	static const char *const names[] = {"now",     "current_timestamp", "localtime",     "localtimestamp",
										"curtime", "current_time",      "utc_timestamp", "utc_time"};
	int digits = -1;
	ListCell *cell;

	if (expr == NULL)
		return -1;
	for (int i = 0; expr->kind == DDL_EXPR_FUNCTION && i < lengthof(names); i++)
	{
		if (strcmp(expr->text, names[i]) == 0)
			return expr->args == NIL ? 0 : (int) strtol(((DdlExpr *) linitial(expr->args))->text, NULL, 10);
	}
	foreach (cell, expr->args)
	{
		int asked = digits_asked(lfirst(cell));

		if (asked == -1)
			continue;
		digits = digits == -1 || digits == asked ? asked : -2;
	}
	return digits;
}

/* '2024-05-06 07:08:09.25'::timestamp */
static const char *
moment_literal(const NowWord *word, TimestampTz moment, int utc_offset, int digits)
{
	Timestamp at = moment + (word->local ? (int64) utc_offset * USECS_PER_SEC : 0);
	StringInfoData out;
	struct pg_tm tm;
	fsec_t fraction;

	if (timestamp2tm(at, NULL, &tm, &fraction, NULL, NULL) != 0)
		return NULL;
	initStringInfo(&out);
	appendStringInfoChar(&out, '\'');
	if (word->date)
		appendStringInfo(&out, "%04d-%02d-%02d", tm.tm_year, tm.tm_mon, tm.tm_mday);
	if (word->time)
		appendStringInfo(&out, "%s%02d:%02d:%02d", word->date ? " " : "", tm.tm_hour, tm.tm_min, tm.tm_sec);
	/* MySQL cuts digits off, PostgreSQL would round. */
	if (word->time && digits > 0)
		appendStringInfo(&out, ".%.*s", digits, psprintf("%06d", (int) fraction));
	appendStringInfo(&out, "%s'::%s", word->local ? "" : "+00", word->type);
	return dbs_ddl_text(&out);
}

const char *
dbs_ddl_pg_at_moment(const DbsDdlOptions *options, const DdlExpr *expr, const char *sql, const char **reason)
{
	int digits = digits_asked(expr);
	StringInfoData out;
	const char *at = sql;

	if (!options->has_moment)
		*reason = "the log does not say when";
	else if (digits == -2)
		*reason = "its times have different precision";
	else
		*reason = NULL;
	initStringInfo(&out);
	while (*at != '\0' && *reason == NULL)
	{
		const char *end = skip_quoted(at);
		const NowWord *word = end == at && (at == sql || !is_word_byte(at[-1])) ? now_word(at, &end) : NULL;

		if (word == NULL)
		{
			end = end == at ? at + 1 : end;
			appendBinaryStringInfo(&out, at, (int) (end - at));
		}
		else if (word->local && !options->has_utc_offset)
			*reason = "the session's time zone is not known";
		else
		{
			const char *literal = moment_literal(word, options->moment, options->utc_offset, Min(digits, 6));

			if (literal == NULL)
				*reason = "the time in the log is out of range";
			else
				appendStringInfoString(&out, literal);
		}
		at = end;
	}
	return *reason == NULL ? out.data : NULL;
}
