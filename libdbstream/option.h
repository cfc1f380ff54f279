/*
 * The options of connections and streams: one table from which checks,
 * defaults, dbstream.options() and docs/options.md come.
 *
 * Nothing here allocates, logs or exits.
 */
#ifndef DBS_OPTION_H
#define DBS_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an option belongs to, as bits. */
#define DBS_OPTION_FOR_MYSQL 0x01u      /* a connection of kind mysql */
#define DBS_OPTION_FOR_MARIADB 0x02u    /* a connection of kind mariadb */
#define DBS_OPTION_FOR_POSTGRESQL 0x04u /* a connection of kind postgresql */
#define DBS_OPTION_FOR_STREAM 0x08u

typedef enum DbsOptionType
{
	DBS_OPTION_BOOL,
	DBS_OPTION_INT,     /* min to max */
	DBS_OPTION_TEXT,    /* not empty unless it is a password */
	DBS_OPTION_WORD,    /* one of words */
	DBS_OPTION_OBJECT,  /* text to text */
	DBS_OPTION_NUMBERS, /* an object that has each of words, an integer from min to max */
	DBS_OPTION_SIZE,    /* a number of bytes, kB, MB, GB or TB: see dbs_option_size_ok */
	DBS_OPTION_START    /* where to start: see dbs_option_start_check */
} DbsOptionType;

typedef struct DbsOption
{
	const char *name;
	unsigned scope; /* DBS_OPTION_FOR_* */
	DbsOptionType type;
	const char *words; /* WORD: "apply|record|stop", else NULL */
	int64_t min;       /* INT */
	int64_t max;
	const char *fallback; /* the default as JSON text; NULL when the option has none */
	const char *sentence; /* what it does, for people */
} DbsOption;

extern const DbsOption dbs_options[];
extern const size_t dbs_option_count;

/* The scope of "mysql", "mariadb", "postgresql" or "stream"; 0 for any other word. */
unsigned dbs_option_scope(const char *kind);

/* The option of that name in that scope; NULL when there is none. The name need not be terminated. */
const DbsOption *dbs_option_find(unsigned scope, const char *name, size_t size);

/* The option whose name is most like the given one; NULL when none is like it. */
const DbsOption *dbs_option_nearest(unsigned scope, const char *name, size_t size);

/* Is value one of a WORD option's words? */
bool dbs_option_word_known(const DbsOption *option, const char *value, size_t size);

/* What a value of this option must be, written to out: "one of apply, record, stop". Always terminated. */
void dbs_option_expectation(const DbsOption *option, char *out, size_t size);

/* Is value digits, perhaps a space, and perhaps a unit: B, kB, MB, GB, TB in any case? */
bool dbs_option_size_ok(const char *value, size_t size);

/* NULL when value is a well-formed start ("now", "earliest", "binlog.000012:4", "gtid:…"), else a constant sentence. */
const char *dbs_option_start_check(const char *value);

/*
 * How unlike two names are: insertions, deletions, replacements and swaps of
 * neighbours, by bytes, letters compared without case. Only the first 64 bytes count.
 */
unsigned dbs_name_distance(const char *a, size_t a_size, const char *b, size_t b_size);

/* Is the distance small enough that one was probably meant for the other? */
bool dbs_name_similar(const char *a, size_t a_size, const char *b, size_t b_size);

#endif
