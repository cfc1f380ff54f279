/*
 * Functions that have an exact equivalent.  What is not here, or only comes
 * near, is refused by the translator with the function's name.  Plain C, so
 * that the documentation's table is written from the same rows.
 */
#include "ddl_function.h"

#include <string.h>

#define ANY DDL_VALUE_ANY
#define BOOLEAN_ DDL_VALUE_BOOLEAN
#define INT DDL_VALUE_INTEGER
#define NUM DDL_VALUE_NUMBER
#define DEC DDL_VALUE_NUMERIC
#define FLOAT DDL_VALUE_FLOAT
#define TEXT_ DDL_VALUE_TEXT
#define BYTES DDL_VALUE_BYTES
#define DATE DDL_VALUE_DATE
#define MOMENT DDL_VALUE_MOMENT
#define TSTAMP DDL_VALUE_TIMESTAMP
#define TSTAMPTZ DDL_VALUE_TIMESTAMPTZ
#define JSON DDL_VALUE_JSON
#define SAME DDL_VALUE_SAME
#define COMMON DDL_VALUE_COMMON
#define STRING_ DDL_VALUE_STRING
#define COUNT DDL_VALUE_COUNT
#define PLACES DDL_VALUE_PLACES
#define DOCUMENT DDL_VALUE_DOCUMENT
#define IMMUTABLE DDL_IMMUTABLE
#define STABLE DDL_STABLE

const DdlFunction dbs_ddl_functions[] = {
	/* numbers */
	{"abs", 1, 1, "abs($1)", {NUM}, SAME, IMMUTABLE},
	{"ceil", 1, 1, "ceil($1)", {DEC}, INT, IMMUTABLE},
	{"ceiling", 1, 1, "ceil($1)", {DEC}, INT, IMMUTABLE},
	{"floor", 1, 1, "floor($1)", {DEC}, INT, IMMUTABLE},
	{"round", 1, 1, "round($1)", {DEC}, DEC, IMMUTABLE},
	{"round", 2, 2, "round($1, $2)", {DEC, PLACES}, DEC, IMMUTABLE},
	{"truncate", 2, 2, "trunc($1, $2)", {DEC, PLACES}, DEC, IMMUTABLE},
	{"sign", 1, 1, "sign($1)::integer", {DEC}, INT, IMMUTABLE},
	{"mod", 2, 2, "mod($1, nullif($2, 0))", {DEC}, DEC, IMMUTABLE},
	{"pow", 2, 2, "power($1::double precision, $2::double precision)", {NUM}, FLOAT, IMMUTABLE},
	{"power", 2, 2, "power($1::double precision, $2::double precision)", {NUM}, FLOAT, IMMUTABLE},
	{"exp", 1, 1, "exp($1::double precision)", {NUM}, FLOAT, IMMUTABLE},
	{"sqrt", 1, 1, "CASE WHEN $1 >= 0 THEN sqrt($1::double precision) END", {NUM}, FLOAT, IMMUTABLE},
	{"ln", 1, 1, "CASE WHEN $1 > 0 THEN ln($1::double precision) END", {NUM}, FLOAT, IMMUTABLE},
	{"log", 1, 1, "CASE WHEN $1 > 0 THEN ln($1::double precision) END", {NUM}, FLOAT, IMMUTABLE},
	{"log10", 1, 1, "CASE WHEN $1 > 0 THEN log($1::double precision) END", {NUM}, FLOAT, IMMUTABLE},
	{"pi", 0, 0, "pi()", {ANY}, FLOAT, IMMUTABLE},
	{"sin", 1, 1, "sin($1::double precision)", {NUM}, FLOAT, IMMUTABLE},
	{"cos", 1, 1, "cos($1::double precision)", {NUM}, FLOAT, IMMUTABLE},
	{"tan", 1, 1, "tan($1::double precision)", {NUM}, FLOAT, IMMUTABLE},
	{"atan", 1, 1, "atan($1::double precision)", {NUM}, FLOAT, IMMUTABLE},
	{"atan2", 2, 2, "atan2($1::double precision, $2::double precision)", {NUM}, FLOAT, IMMUTABLE},
	{"radians", 1, 1, "radians($1::double precision)", {NUM}, FLOAT, IMMUTABLE},
	{"degrees", 1, 1, "degrees($1::double precision)", {NUM}, FLOAT, IMMUTABLE},
	{"rand", 0, 0, "random()", {ANY}, FLOAT, STABLE},
	{"greatest",
	 2,
	 99,
	 "CASE WHEN num_nulls($*) = 0 THEN greatest($*) END",
	 {ANY},
	 COMMON,
	 IMMUTABLE,
	 DDL_WARN_COMPARES_TEXT},
	{"least",
	 2,
	 99,
	 "CASE WHEN num_nulls($*) = 0 THEN least($*) END",
	 {ANY},
	 COMMON,
	 IMMUTABLE,
	 DDL_WARN_COMPARES_TEXT},
	/* strings */
	{"lower", 1, 1, "lower($1)", {TEXT_}, TEXT_, IMMUTABLE, DDL_WARN_CHANGES_CASE},
	{"lcase", 1, 1, "lower($1)", {TEXT_}, TEXT_, IMMUTABLE, DDL_WARN_CHANGES_CASE},
	{"upper", 1, 1, "upper($1)", {TEXT_}, TEXT_, IMMUTABLE, DDL_WARN_CHANGES_CASE},
	{"ucase", 1, 1, "upper($1)", {TEXT_}, TEXT_, IMMUTABLE, DDL_WARN_CHANGES_CASE},
	{"concat", 1, 99, "($||)", {TEXT_}, TEXT_, IMMUTABLE},
	{"concat_ws", 2, 99, "concat_ws($*)", {TEXT_}, TEXT_, STABLE},
	{"char_length", 1, 1, "char_length($1)", {TEXT_}, INT, IMMUTABLE},
	{"character_length", 1, 1, "char_length($1)", {TEXT_}, INT, IMMUTABLE},
	{"length", 1, 1, "octet_length($1)", {STRING_}, INT, IMMUTABLE},
	{"lengthb", 1, 1, "octet_length($1)", {STRING_}, INT, IMMUTABLE},
	{"octet_length", 1, 1, "octet_length($1)", {STRING_}, INT, IMMUTABLE},
	{"bit_length", 1, 1, "bit_length($1)", {STRING_}, INT, IMMUTABLE},
	{"left", 2, 2, "left($1, $2)", {TEXT_, COUNT}, TEXT_, IMMUTABLE},
	{"right", 2, 2, "right($1, $2)", {TEXT_, COUNT}, TEXT_, IMMUTABLE},
	{"ltrim", 1, 1, "ltrim($1)", {TEXT_}, TEXT_, IMMUTABLE},
	{"rtrim", 1, 1, "rtrim($1)", {TEXT_}, TEXT_, IMMUTABLE},
	{"trim", 1, 1, "btrim($1)", {TEXT_}, TEXT_, IMMUTABLE},
	{"replace", 3, 3, "replace($1, $2, $3)", {TEXT_}, TEXT_, IMMUTABLE},
	{"reverse", 1, 1, "reverse($1)", {TEXT_}, TEXT_, IMMUTABLE},
	{"repeat", 2, 2, "repeat($1, $2)", {TEXT_, PLACES}, TEXT_, IMMUTABLE},
	{"space", 1, 1, "repeat(' ', $1)", {PLACES}, TEXT_, IMMUTABLE},
	{"locate", 2, 2, "strpos($2, $1)", {TEXT_}, INT, IMMUTABLE, DDL_WARN_COMPARES_TEXT},
	{"instr", 2, 2, "strpos($1, $2)", {TEXT_}, INT, IMMUTABLE, DDL_WARN_COMPARES_TEXT},
	{"md5", 1, 1, "md5($1)", {TEXT_}, TEXT_, IMMUTABLE, DDL_WARN_COUNTS_BYTES},
	/* control */
	{"if", 3, 3, "CASE WHEN $1 THEN $2 ELSE $3 END", {BOOLEAN_, SAME}, COMMON, IMMUTABLE},
	{"ifnull", 2, 2, "coalesce($*)", {ANY}, COMMON, IMMUTABLE},
	{"nvl", 2, 2, "coalesce($*)", {ANY}, COMMON, IMMUTABLE},
	{"coalesce", 1, 99, "coalesce($*)", {ANY}, COMMON, IMMUTABLE},
	{"isnull", 1, 1, "($1 IS NULL)", {ANY}, BOOLEAN_, IMMUTABLE},
	/* now */
	{"curdate", 0, 0, "CURRENT_DATE", {ANY}, DATE, STABLE},
	{"current_date", 0, 0, "CURRENT_DATE", {ANY}, DATE, STABLE},
	{"curtime", 0, 0, "LOCALTIME(0)::interval", {ANY}, DDL_VALUE_TIME, STABLE},
	{"current_time", 0, 0, "LOCALTIME(0)::interval", {ANY}, DDL_VALUE_TIME, STABLE},
	{"utc_timestamp", 0, 1, "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')", {ANY}, TSTAMP, STABLE},
	{"utc_date", 0, 0, "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')::date", {ANY}, DATE, STABLE},
	{"sysdate", 0, 1, "clock_timestamp()", {ANY}, TSTAMPTZ, STABLE},
	{"unix_timestamp", 0, 0, "floor(extract(epoch FROM CURRENT_TIMESTAMP))::bigint", {ANY}, INT, STABLE},
	{"unix_timestamp", 1, 1, "extract(epoch FROM $1 AT TIME ZONE 'UTC')", {TSTAMPTZ}, DEC, IMMUTABLE},
	/* dates */
	{"year", 1, 1, "extract(year FROM $1)::integer", {MOMENT}, INT, IMMUTABLE},
	{"quarter", 1, 1, "extract(quarter FROM $1)::integer", {MOMENT}, INT, IMMUTABLE},
	{"month", 1, 1, "extract(month FROM $1)::integer", {MOMENT}, INT, IMMUTABLE},
	{"day", 1, 1, "extract(day FROM $1)::integer", {MOMENT}, INT, IMMUTABLE},
	{"dayofmonth", 1, 1, "extract(day FROM $1)::integer", {MOMENT}, INT, IMMUTABLE},
	{"dayofyear", 1, 1, "extract(doy FROM $1)::integer", {MOMENT}, INT, IMMUTABLE},
	{"dayofweek", 1, 1, "(extract(dow FROM $1)::integer + 1)", {MOMENT}, INT, IMMUTABLE},
	{"weekday", 1, 1, "(extract(isodow FROM $1)::integer - 1)", {MOMENT}, INT, IMMUTABLE},
	{"weekofyear", 1, 1, "extract(week FROM $1)::integer", {MOMENT}, INT, IMMUTABLE},
	{"microsecond", 1, 1, "(extract(microseconds FROM $1)::integer % 1000000)", {TSTAMP}, INT, IMMUTABLE},
	{"hour", 1, 1, "extract(hour FROM $1)::integer", {TSTAMP}, INT, IMMUTABLE},
	{"minute", 1, 1, "extract(minute FROM $1)::integer", {TSTAMP}, INT, IMMUTABLE},
	{"second", 1, 1, "floor(extract(second FROM $1))::integer", {TSTAMP}, INT, IMMUTABLE},
	{"time_to_sec", 1, 1, "trunc(extract(epoch FROM $1))::integer", {DDL_VALUE_TIME}, INT, IMMUTABLE},
	{"date", 1, 1, "$1::date", {MOMENT}, DATE, IMMUTABLE},
	{"to_days", 1, 1, "($1::date - '0001-01-01'::date + 366)", {MOMENT}, INT, IMMUTABLE},
	{"datediff", 2, 2, "($1::date - $2::date)", {MOMENT}, INT, IMMUTABLE},
	{"last_day",
	 1,
	 1,
	 "(date_trunc('month', $1::timestamp) + '1 mon -1 day'::interval)::date",
	 {MOMENT},
	 DATE,
	 IMMUTABLE},
	{"from_unixtime", 1, 1, "to_timestamp($1)", {NUM}, TSTAMPTZ, IMMUTABLE},
	/* identifiers */
	{"uuid", 0, 0, "gen_random_uuid()", {ANY}, DDL_VALUE_UUID, STABLE},
	{"uuid_v4", 0, 0, "gen_random_uuid()", {ANY}, DDL_VALUE_UUID, STABLE},
	{"sys_guid", 0, 0, "upper(replace(gen_random_uuid()::text, '-', ''))", {ANY}, TEXT_, STABLE},
	{"uuid_to_bin", 1, 1, "uuid_send($1)", {DDL_VALUE_UUID}, BYTES, IMMUTABLE},
	{"bin_to_uuid", 1, 1, "encode($1, 'hex')::uuid::text", {BYTES}, TEXT_, IMMUTABLE},
	/* JSON */
	{"json_object", 0, 98, "jsonb_build_object($*)", {DOCUMENT}, JSON, STABLE},
	{"json_array", 0, 99, "jsonb_build_array($*)", {DOCUMENT}, JSON, STABLE},
	{"json_compact", 1, 1, "$1", {JSON}, JSON, IMMUTABLE},
	/* aggregates */
	{"count", 1, 1, "count($*)", {ANY}, INT, STABLE, DDL_WARN_COMPARES_TEXT},
	{"sum", 1, 1, "sum($1)", {NUM}, SAME, STABLE},
	{"min", 1, 1, "min($1)", {ANY}, SAME, STABLE, DDL_WARN_COMPARES_TEXT},
	{"max", 1, 1, "max($1)", {ANY}, SAME, STABLE, DDL_WARN_COMPARES_TEXT},
	{"group_concat", 1, 1, "string_agg($1, ',')", {TEXT_}, TEXT_, STABLE, DDL_WARN_JOINS_ROWS},
};

const size_t dbs_ddl_function_count = sizeof(dbs_ddl_functions) / sizeof(dbs_ddl_functions[0]);

const DdlWrittenFunction dbs_ddl_written_functions[] = {
	{"NOW(n), CURRENT_TIMESTAMP, LOCALTIME, LOCALTIMESTAMP", "LOCALTIMESTAMP(n); CURRENT_TIMESTAMP(n) for a TIMESTAMP",
	 "not in generated columns and checks"},
	{"DATE_ADD, DATE_SUB, ADDDATE, SUBDATE, d ± INTERVAL n unit", "d ± n * '1 unit'::interval",
	 "MICROSECOND to YEAR but QUARTER, one unit; null beyond the year 9999, as at the source"},
	{"EXTRACT(unit FROM d)", "extract(unit FROM d)::integer", "YEAR, QUARTER, MONTH, DAY, HOUR, MINUTE"},
	{"SUBSTRING, SUBSTR, MID", "substr(s, n, count)", "n written as a number but 0; below zero without a count"},
	{"TRIM, TRIM(BOTH, LEADING, TRAILING x FROM s)", "btrim, ltrim, rtrim", "x one written character"},
	{"LPAD(s, n, x), RPAD", "lpad(s, n, x)", "n written as a number, x as a string that is not empty"},
	{"HEX(b)", "upper(encode(b, 'hex')), upper(to_hex(i::bigint))", "of bytes and integers"},
	{"UNHEX(s)", "decode(s, 'hex')", "null where s is no hexadecimal number, as at the source"},
	{"NULLIF(a, b)", "nullif(a, b)", "text: by PostgreSQL's collation"},
	{"AVG(n)", "round(avg(n), decimals + 4)", "in views"},
	{"CONVERT(s USING utf8mb4)", "s", ""},
	{"JSON_EXTRACT(j, '$.a[0]'), ->, JSON_UNQUOTE(JSON_EXTRACT()), ->>", "j -> 'a' -> 0, #>> '{}'",
	 "one path of members and numbers; a document as text has jsonb's spelling"},
	{"JSON_VALID(j)", "true", "of a JSON column"},
	{"NEXTVAL(s), NEXT VALUE FOR s", "nextval('s'::regclass)", "MariaDB"},
};

const size_t dbs_ddl_written_function_count = sizeof(dbs_ddl_written_functions) / sizeof(dbs_ddl_written_functions[0]);

const DdlFunction *
dbs_ddl_find_function(const char *name, int count)
{
	for (size_t i = 0; i < dbs_ddl_function_count; i++)
	{
		const DdlFunction *function = &dbs_ddl_functions[i];

		if (strcmp(function->name, name) == 0 && count >= function->least && count <= function->most)
			return function;
	}
	return NULL;
}
