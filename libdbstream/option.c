/*
 * The table of options, and what can be said of a value without a JSON parser.
 *
 * A new option is one new line here: checking, defaults, the SQL function and
 * the documentation follow from it.
 */
#include "option.h"

#include <stdio.h>
#include <string.h>

#define MYSQLS (DBS_OPTION_FOR_MYSQL | DBS_OPTION_FOR_MARIADB)
#define SERVERS (MYSQLS | DBS_OPTION_FOR_POSTGRESQL)
#define STREAM DBS_OPTION_FOR_STREAM
#define NAME_LIMIT 64

const DbsOption dbs_options[] = {
	/* Connections */
	{"host", SERVERS, DBS_OPTION_TEXT, NULL, 0, 0, "\"localhost\"", "Host name or address of the server."},
	{"port", MYSQLS, DBS_OPTION_INT, NULL, 1, 65535, "3306", "TCP port of the server."},
	{"port", DBS_OPTION_FOR_POSTGRESQL, DBS_OPTION_INT, NULL, 1, 65535, "5432", "TCP port of the server."},
	{"dbname", DBS_OPTION_FOR_POSTGRESQL, DBS_OPTION_TEXT, NULL, 0, 0, "\"postgres\"", "Database to connect to."},
	{"database", MYSQLS, DBS_OPTION_TEXT, NULL, 0, 0, "\"dbstream\"",
	 "Database in which an outbound stream keeps its table of positions, dbstream_progress; made when it is missing."},
	{"user", SERVERS, DBS_OPTION_TEXT, NULL, 0, 0, NULL, "User to log in as; by default the bridge's own user name."},
	{"password", SERVERS, DBS_OPTION_TEXT, NULL, 0, 0, NULL,
	 "Password, kept in dbstream.secret and given to the bridge only; prefer password_file, since a statement's text "
	 "may "
	 "be logged."},
	{"password_file", SERVERS, DBS_OPTION_TEXT, NULL, 0, 0, NULL,
	 "File on the bridge's machine whose first line is the password."},
	{"password_env", SERVERS, DBS_OPTION_TEXT, NULL, 0, 0, NULL,
	 "Environment variable of the bridge that holds the password."},
	{"ssl_mode", SERVERS, DBS_OPTION_WORD, "DISABLED|PREFERRED|REQUIRED|VERIFY_CA|VERIFY_IDENTITY", 0, 0,
	 "\"PREFERRED\"", "Whether the connection is encrypted, and what of the server's certificate is verified."},
	{"ssl_ca", SERVERS, DBS_OPTION_TEXT, NULL, 0, 0, NULL,
	 "File on the bridge's machine with the certificates of trusted authorities (PEM)."},
	{"ssl_cert", SERVERS, DBS_OPTION_TEXT, NULL, 0, 0, NULL,
	 "File on the bridge's machine with the client's certificate (PEM)."},
	{"ssl_key", SERVERS, DBS_OPTION_TEXT, NULL, 0, 0, NULL,
	 "File on the bridge's machine with the client's private key (PEM)."},
	{"socket", SERVERS, DBS_OPTION_TEXT, NULL, 0, 0, NULL,
	 "Unix-domain socket on the bridge's machine; used instead of host and port."},
	{"connect_timeout", SERVERS, DBS_OPTION_INT, NULL, 1, 3600, "10", "Seconds to wait for a connection."},

	/* Streams: where and how to read */
	{"start", STREAM, DBS_OPTION_START, NULL, 0, 0, "\"backfill\"",
	 "Where a new stream starts: backfill (what is there is copied first), now, earliest, a file and offset "
	 "(binlog.000012:4), or what follows a GTID set (gtid:...). A stream out of this database takes the first two."},
	{"backfill_workers", STREAM, DBS_OPTION_INT, NULL, 1, 32, "2",
	 "How many connections to the source read tables at once while a stream that starts with a backfill copies them."},
	{"target_tables", STREAM, DBS_OPTION_WORD, "create|truncate|append|refuse", 0, 0, "\"create\"",
	 "What a backfill does with tables that are at the target already: create and append use them as they are, "
	 "truncate "
	 "empties them, refuse stops at one that is not empty; missing ones are always created."},
	{"follow", STREAM, DBS_OPTION_WORD, "auto|gtid|file", 0, 0, "\"auto\"",
	 "Whether the source is followed by GTID or by file and offset; auto takes GTIDs where the source has them."},
	{"server_id", STREAM, DBS_OPTION_INT, NULL, 0, 4294967295LL, "0",
	 "Replica server id that the bridge uses at the source; 0 chooses one that is stable for the stream."},
	{"heartbeat", STREAM, DBS_OPTION_INT, NULL, 1, 3600, "10", "Seconds after which an idle source must be heard of."},
	{"stall_after", STREAM, DBS_OPTION_INT, NULL, 1, 86400, "60",
	 "Seconds without anything received, or with data queued and nothing applied, after which the stream is shown as "
	 "stalled."},
	{"max_retained_wal", STREAM, DBS_OPTION_SIZE, NULL, 0, 0, NULL,
	 "How much write-ahead log the slot of a stream out of this database may keep on this server's disk, as \"50GB\". "
	 "Beyond it the server gives the slot up, and resync_stream has to copy the tables anew. 0 or none: no limit."},
	{"before_images", STREAM, DBS_OPTION_WORD, "key|full", 0, 0, "\"key\"",
	 "What of an old row travels: its key, or every column."},

	/* Streams: how changes are applied */
	{"on_ddl", STREAM, DBS_OPTION_WORD, "apply|record|stop", 0, 0, "\"apply\"",
	 "What becomes of schema changes: translated and executed, recorded in dbstream.ddl_history only, or the stream "
	 "stops. TRUNCATE changes rows only and is carried out always."},
	{"other_statements", STREAM, DBS_OPTION_WORD, "stop|ignore", 0, 0, "\"stop\"",
	 "What happens at a statement of another database that is in the log in place of its rows: a trigger there may "
	 "have "
	 "changed this stream's tables, which the log does not show. Ignore it only where there is none."},
	{"conflicts", STREAM, DBS_OPTION_WORD, "stop|source_wins|target_wins|latest_wins", 0, 0, "\"stop\"",
	 "What happens when the target's row is not what the source's change expects: the stream stops, or the source's "
	 "row "
	 "wins, or the target's, or the later one by conflict_column. What was decided is in dbstream.conflicts."},
	{"conflict_column", STREAM, DBS_OPTION_TEXT, NULL, 0, 0, NULL,
	 "Column whose greater value says which row is later, for conflicts latest_wins: a timestamp, a date or a number."},
	{"auto_increment", STREAM, DBS_OPTION_NUMBERS, "offset|increment", 1, 65535, NULL,
	 "For two writers: the values that this database's identities and sequences take in the stream's tables, as "
	 "{\"offset\": 1, \"increment\": 2}; MySQL takes others. Set up by start_stream."},
	{"schemas", STREAM, DBS_OPTION_OBJECT, NULL, 0, 0, "{}",
	 "Target schema for each source database that shall not keep its name, as {\"shop\": \"public\"}."},
	{"synchronous_commit", STREAM, DBS_OPTION_BOOL, NULL, 0, 0, "false",
	 "Whether the target waits for its disk at every commit; without it nothing is lost either, since the position "
	 "commits with the rows."},

	/* Streams: values and types */
	{"tinyint1", STREAM, DBS_OPTION_WORD, "boolean|smallint", 0, 0, "\"boolean\"", "Type for TINYINT(1)."},
	{"bigint_unsigned", STREAM, DBS_OPTION_WORD, "numeric|bigint", 0, 0, "\"numeric\"", "Type for BIGINT UNSIGNED."},
	{"binary16", STREAM, DBS_OPTION_WORD, "bytea|uuid", 0, 0, "\"bytea\"", "Type for BINARY(16)."},
	{"time", STREAM, DBS_OPTION_WORD, "interval|time", 0, 0, "\"interval\"", "Type for TIME."},
	{"enum", STREAM, DBS_OPTION_WORD, "text|type", 0, 0, "\"text\"",
	 "Type for ENUM: text with a check, or an enum type of its own."},
	{"set", STREAM, DBS_OPTION_WORD, "array|text", 0, 0, "\"array\"",
	 "Type for SET: an array of text, or one text with commas."},
	{"json", STREAM, DBS_OPTION_WORD, "jsonb|json", 0, 0, "\"jsonb\"", "Type for JSON."},
	{"zero_dates", STREAM, DBS_OPTION_WORD, "null|error", 0, 0, "\"null\"",
	 "What becomes of dates with a zero year, month or day: NULL and counted, or an error."},
	{"unsupported_values", STREAM, DBS_OPTION_WORD, "error|null", 0, 0, "\"error\"",
	 "What becomes of values that MySQL cannot hold (NaN, infinity, dates BC): an error, or NULL and counted."},
	{"nul_bytes", STREAM, DBS_OPTION_WORD, "error|strip", 0, 0, "\"error\"",
	 "What becomes of NUL bytes in text: an error, or removed and counted."},
};

const size_t dbs_option_count = sizeof dbs_options / sizeof dbs_options[0];

unsigned
dbs_option_scope(const char *kind)
{
	if (strcmp(kind, "mysql") == 0)
		return DBS_OPTION_FOR_MYSQL;
	if (strcmp(kind, "mariadb") == 0)
		return DBS_OPTION_FOR_MARIADB;
	if (strcmp(kind, "postgresql") == 0)
		return DBS_OPTION_FOR_POSTGRESQL;
	if (strcmp(kind, "stream") == 0)
		return DBS_OPTION_FOR_STREAM;
	return 0;
}

const DbsOption *
dbs_option_find(unsigned scope, const char *name, size_t size)
{
	for (size_t i = 0; i < dbs_option_count; i++)
	{
		const DbsOption *option = &dbs_options[i];

		if ((option->scope & scope) != 0 && strlen(option->name) == size && memcmp(option->name, name, size) == 0)
			return option;
	}
	return NULL;
}

static unsigned char
lower(char c)
{
	return (unsigned char) (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned
smallest(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
dbs_name_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	/* Three rows of the usual table: the swap of neighbours looks two rows back. */
	unsigned rows[3][NAME_LIMIT + 1];

	if (a_size > NAME_LIMIT)
		a_size = NAME_LIMIT;
	if (b_size > NAME_LIMIT)
		b_size = NAME_LIMIT;
	for (size_t j = 0; j <= b_size; j++)
		rows[0][j] = (unsigned) j;
	for (size_t i = 1; i <= a_size; i++)
	{
		unsigned *now = rows[i % 3];
		const unsigned *before = rows[(i + 2) % 3];
		const unsigned *two_before = rows[(i + 1) % 3];

		now[0] = (unsigned) i;
		for (size_t j = 1; j <= b_size; j++)
		{
			unsigned change = before[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));

			now[j] = smallest(smallest(before[j] + 1, now[j - 1] + 1), change);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
				now[j] = smallest(now[j], two_before[j - 2] + 1);
		}
	}
	return rows[a_size % 3][b_size];
}

bool
dbs_name_similar(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t shorter = a_size < b_size ? a_size : b_size;

	/* One begins as the other: an abbreviation, or a word too many. */
	if (shorter >= 3 && dbs_name_distance(a, shorter, b, shorter) == 0)
		return true;
	return dbs_name_distance(a, a_size, b, b_size) <= 1 + shorter / 3;
}

const DbsOption *
dbs_option_nearest(unsigned scope, const char *name, size_t size)
{
	const DbsOption *best = NULL;
	unsigned best_distance = 0;

	for (size_t i = 0; i < dbs_option_count; i++)
	{
		const DbsOption *option = &dbs_options[i];
		size_t option_size = strlen(option->name);
		unsigned distance;

		if ((option->scope & scope) == 0 || !dbs_name_similar(name, size, option->name, option_size))
			continue;
		distance = dbs_name_distance(name, size, option->name, option_size);
		if (best == NULL || distance < best_distance)
		{
			best = option;
			best_distance = distance;
		}
	}
	return best;
}

bool
dbs_option_word_known(const DbsOption *option, const char *value, size_t size)
{
	const char *word = option->words;

	while (word != NULL)
	{
		size_t word_size = strcspn(word, "|");

		if (word_size == size && memcmp(word, value, size) == 0)
			return true;
		word = word[word_size] == '|' ? word + word_size + 1 : NULL;
	}
	return false;
}

void
dbs_option_expectation(const DbsOption *option, char *out, size_t size)
{
	size_t used;

	switch (option->type)
	{
		case DBS_OPTION_BOOL:
			(void) snprintf(out, size, "true or false");
			return;
		case DBS_OPTION_INT:
			(void) snprintf(out, size, "an integer from %lld to %lld", (long long) option->min,
							(long long) option->max);
			return;
		case DBS_OPTION_TEXT:
			(void) snprintf(out, size, "a text");
			return;
		case DBS_OPTION_OBJECT:
			(void) snprintf(out, size, "an object whose values are texts");
			return;
		case DBS_OPTION_NUMBERS:
			(void) snprintf(out, size, "an object of the integers offset and increment");
			return;
		case DBS_OPTION_SIZE:
			(void) snprintf(out, size, "a size with its unit, as \"50GB\", or \"0\"");
			return;
		case DBS_OPTION_START:
			(void) snprintf(
				out, size,
				"\"backfill\", \"now\", \"earliest\", a file and offset as \"binlog.000012:4\", or \"gtid:<set>\"");
			return;
		case DBS_OPTION_WORD:
			break;
	}
	used = (size_t) snprintf(out, size, "one of ");
	for (const char *from = option->words; *from != '\0' && used + 3 < size; from++)
	{
		out[used++] = *from == '|' ? ',' : *from;
		if (*from == '|')
			out[used++] = ' ';
	}
	out[used < size ? used : size - 1] = '\0';
}

bool
dbs_option_size_ok(const char *value, size_t size)
{
	static const char *const units[] = {"", "b", "kb", "mb", "gb", "tb"};
	size_t digits = 0;

	while (digits < size && value[digits] >= '0' && value[digits] <= '9')
		digits++;
	if (digits == 0 || digits > 15)
		return false;
	value += digits;
	size -= digits;
	if (size > 1 && value[0] == ' ')
	{
		value++;
		size--;
	}
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
	{
		size_t at = 0;

		while (at < size && units[i][at] != '\0' && lower(value[at]) == units[i][at])
			at++;
		if (at == size && units[i][at] == '\0')
			return true;
	}
	return false;
}

/* ---- start ----------------------------------------------------------- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static const char *
skip_digits(const char *at)
{
	while (is_digit(*at))
		at++;
	return at;
}

static const char *
skip_spaces(const char *at)
{
	while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
		at++;
	return at;
}

/* After one domain-server-sequence of MariaDB; NULL when there is none. */
static const char *
skip_mariadb_gtid(const char *at)
{
	for (int part = 0; part < 3; part++)
	{
		const char *end = skip_digits(at);

		if (end == at || (part < 2 && *end != '-'))
			return NULL;
		at = part < 2 ? end + 1 : end;
	}
	return at;
}

static const char *
skip_uuid(const char *at)
{
	for (int i = 0; i < 36; i++, at++)
	{
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? *at != '-' : !is_hex(*at))
			return NULL;
	}
	return at;
}

/* After one uuid:interval[:interval...] of MySQL, where a tag may stand before an interval; NULL when there is none. */
static const char *
skip_mysql_gtids(const char *at)
{
	int intervals = 0;

	at = skip_uuid(at);
	if (at == NULL || *at != ':')
		return NULL;
	while (*at == ':')
	{
		const char *end = skip_digits(++at);

		if (end > at && (*end == ':' || *end == ',' || *end == '-' || *end == '\0' || skip_spaces(end) > end))
		{
			at = end;
			if (*at == '-')
			{
				end = skip_digits(at + 1);
				if (end == at + 1)
					return NULL;
				at = end;
			}
			intervals++;
			continue;
		}
		/* A tag: a letter or underscore, then also digits. */
		end = at;
		while (is_digit(*end) || *end == '_' || (lower(*end) >= 'a' && lower(*end) <= 'z'))
			end++;
		if (end == at || is_digit(*at) || end - at > 32 || *end != ':')
			return NULL;
		at = end;
	}
	return intervals > 0 ? at : NULL;
}

static bool
gtid_set_ok(const char *at)
{
	/* Both forms begin with digits; only a MySQL one has a whole uuid. */
	bool mysql;

	at = skip_spaces(at);
	mysql = skip_uuid(at) != NULL;
	for (;;)
	{
		at = mysql ? skip_mysql_gtids(at) : skip_mariadb_gtid(at);
		if (at == NULL)
			return false;
		at = skip_spaces(at);
		if (*at == '\0')
			return true;
		if (*at != ',')
			return false;
		at = skip_spaces(at + 1);
	}
}

const char *
dbs_option_start_check(const char *value)
{
	const char *colon;
	const char *dot;

	if (strcmp(value, "now") == 0 || strcmp(value, "earliest") == 0 || strcmp(value, "backfill") == 0)
		return NULL;
	if (strncmp(value, "gtid:", 5) == 0)
		return gtid_set_ok(value + 5) ? NULL
									  : "after \"gtid:\" comes a GTID set, as \"0-1-100\" at MariaDB or "
										"\"3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5\" at MySQL";
	colon = strrchr(value, ':');
	if (colon == NULL)
		return "it is neither a word nor a file and offset";
	if (colon[1] == '\0' || *skip_digits(colon + 1) != '\0' || strlen(colon + 1) > 19)
		return "after the colon comes the offset in bytes";
	dot = colon;
	while (dot > value && *dot != '.')
		dot--;
	if (dot == value || dot + 1 == colon || skip_digits(dot + 1) != colon)
		return "before the colon comes the name of a binlog file, which ends in a dot and a number";
	return NULL;
}
