/*
 * The table of statements by their first words.
 */
#include "postgres.h"

#include "ddl_class.h"

typedef struct StatementClass
{
	const char *words; /* separated by one space; "*" stands for words up to the next one named */
	DbsDdlClass class;
	const char *reason;
} StatementClass;

#define REASON_ROUTINE "stored programs are not carried over: their effects arrive as rows"
#define REASON_RIGHTS "accounts and privileges are not carried over"
#define REASON_SERVER "administration of the server does not concern data"
#define REASON_READ "reads only"
#define REASON_SESSION "session settings do not concern data"
#define REASON_VIEW_DATABASE "changes the default database of a session"

/* The first line that matches counts, so longer ones stand before shorter ones. */
static const StatementClass classes[] = {
	{"CREATE * TABLE", DBS_DDL_APPLY, NULL},
	{"CREATE * INDEX", DBS_DDL_APPLY, NULL},
	{"CREATE * DATABASE", DBS_DDL_APPLY, NULL},
	{"CREATE * SCHEMA", DBS_DDL_APPLY, NULL},
	{"CREATE * VIEW", DBS_DDL_APPLY, NULL},
	{"CREATE * SEQUENCE", DBS_DDL_APPLY, NULL},
	{"CREATE * PROCEDURE", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"CREATE * FUNCTION", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"CREATE * TRIGGER", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"CREATE * EVENT", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"CREATE * PACKAGE", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"CREATE * LIBRARY", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"CREATE * USER", DBS_DDL_IGNORE, REASON_RIGHTS},
	{"CREATE * ROLE", DBS_DDL_IGNORE, REASON_RIGHTS},
	{"CREATE * SERVER", DBS_DDL_IGNORE, REASON_SERVER},
	{"CREATE * TABLESPACE", DBS_DDL_IGNORE, REASON_SERVER},
	{"CREATE LOGFILE GROUP", DBS_DDL_IGNORE, REASON_SERVER},
	{"CREATE RESOURCE GROUP", DBS_DDL_IGNORE, REASON_SERVER},
	{"CREATE * SPATIAL REFERENCE SYSTEM", DBS_DDL_IGNORE, REASON_SERVER},
	{"ALTER * TABLE", DBS_DDL_APPLY, NULL},
	{"ALTER DATABASE", DBS_DDL_APPLY, NULL},
	{"ALTER SCHEMA", DBS_DDL_APPLY, NULL},
	{"ALTER * VIEW", DBS_DDL_APPLY, NULL},
	{"ALTER SEQUENCE", DBS_DDL_APPLY, NULL},
	{"ALTER * PROCEDURE", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"ALTER * FUNCTION", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"ALTER * EVENT", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"ALTER * LIBRARY", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"ALTER USER", DBS_DDL_IGNORE, REASON_RIGHTS},
	{"ALTER SERVER", DBS_DDL_IGNORE, REASON_SERVER},
	{"ALTER INSTANCE", DBS_DDL_IGNORE, REASON_SERVER},
	{"ALTER * TABLESPACE", DBS_DDL_IGNORE, REASON_SERVER},
	{"ALTER LOGFILE GROUP", DBS_DDL_IGNORE, REASON_SERVER},
	{"ALTER RESOURCE GROUP", DBS_DDL_IGNORE, REASON_SERVER},
	{"DROP * TABLE", DBS_DDL_APPLY, NULL},
	{"DROP TABLES", DBS_DDL_APPLY, NULL},
	{"DROP TEMPORARY TABLES", DBS_DDL_APPLY, NULL},
	{"DROP INDEX", DBS_DDL_APPLY, NULL},
	{"DROP DATABASE", DBS_DDL_APPLY, NULL},
	{"DROP SCHEMA", DBS_DDL_APPLY, NULL},
	{"DROP VIEW", DBS_DDL_APPLY, NULL},
	{"DROP * SEQUENCE", DBS_DDL_APPLY, NULL},
	{"DROP PREPARE", DBS_DDL_IGNORE, REASON_SESSION},
	{"DROP PROCEDURE", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"DROP FUNCTION", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"DROP TRIGGER", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"DROP EVENT", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"DROP PACKAGE", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"DROP LIBRARY", DBS_DDL_IGNORE, REASON_ROUTINE},
	{"DROP USER", DBS_DDL_IGNORE, REASON_RIGHTS},
	{"DROP ROLE", DBS_DDL_IGNORE, REASON_RIGHTS},
	{"DROP SERVER", DBS_DDL_IGNORE, REASON_SERVER},
	{"DROP * TABLESPACE", DBS_DDL_IGNORE, REASON_SERVER},
	{"DROP LOGFILE GROUP", DBS_DDL_IGNORE, REASON_SERVER},
	{"DROP RESOURCE GROUP", DBS_DDL_IGNORE, REASON_SERVER},
	{"DROP SPATIAL REFERENCE SYSTEM", DBS_DDL_IGNORE, REASON_SERVER},
	{"RENAME TABLE", DBS_DDL_APPLY, NULL},
	{"RENAME TABLES", DBS_DDL_APPLY, NULL},
	{"RENAME USER", DBS_DDL_IGNORE, REASON_RIGHTS},
	{"TRUNCATE", DBS_DDL_APPLY, NULL},
	{"GRANT", DBS_DDL_IGNORE, REASON_RIGHTS},
	{"REVOKE", DBS_DDL_IGNORE, REASON_RIGHTS},
	{"SET PASSWORD", DBS_DDL_IGNORE, REASON_RIGHTS},
	{"SET DEFAULT ROLE", DBS_DDL_IGNORE, REASON_RIGHTS},
	{"SET ROLE", DBS_DDL_IGNORE, REASON_RIGHTS},
	{"SET TRANSACTION", DBS_DDL_CONTROL, NULL},
	{"SET STATEMENT", DBS_DDL_APPLY, NULL},
	{"SET", DBS_DDL_IGNORE, REASON_SESSION},
	{"FLUSH", DBS_DDL_IGNORE, REASON_SERVER},
	{"ANALYZE", DBS_DDL_IGNORE, REASON_SERVER},
	{"OPTIMIZE", DBS_DDL_IGNORE, REASON_SERVER},
	{"REPAIR", DBS_DDL_IGNORE, REASON_SERVER},
	{"CHECK", DBS_DDL_IGNORE, REASON_SERVER},
	{"CHECKSUM", DBS_DDL_IGNORE, REASON_SERVER},
	{"CACHE INDEX", DBS_DDL_IGNORE, REASON_SERVER},
	{"LOAD INDEX", DBS_DDL_IGNORE, REASON_SERVER},
	{"INSTALL", DBS_DDL_IGNORE, REASON_SERVER},
	{"UNINSTALL", DBS_DDL_IGNORE, REASON_SERVER},
	{"RESET", DBS_DDL_IGNORE, REASON_SERVER},
	{"PURGE", DBS_DDL_IGNORE, REASON_SERVER},
	{"CHANGE", DBS_DDL_IGNORE, REASON_SERVER},
	{"CLONE", DBS_DDL_IGNORE, REASON_SERVER},
	{"KILL", DBS_DDL_IGNORE, REASON_SERVER},
	{"SHUTDOWN", DBS_DDL_IGNORE, REASON_SERVER},
	{"RESTART", DBS_DDL_IGNORE, REASON_SERVER},
	{"BACKUP", DBS_DDL_IGNORE, REASON_SERVER},
	{"BINLOG", DBS_DDL_UNKNOWN, NULL},
	{"STOP", DBS_DDL_IGNORE, REASON_SERVER},
	{"START TRANSACTION", DBS_DDL_CONTROL, NULL},
	{"START", DBS_DDL_IGNORE, REASON_SERVER},
	{"BEGIN", DBS_DDL_CONTROL, NULL},
	{"COMMIT", DBS_DDL_CONTROL, NULL},
	{"ROLLBACK", DBS_DDL_CONTROL, NULL},
	{"SAVEPOINT", DBS_DDL_CONTROL, NULL},
	{"RELEASE", DBS_DDL_CONTROL, NULL},
	{"XA", DBS_DDL_CONTROL, NULL},
	{"LOCK TABLES", DBS_DDL_CONTROL, NULL},
	{"LOCK TABLE", DBS_DDL_CONTROL, NULL},
	{"LOCK INSTANCE", DBS_DDL_IGNORE, REASON_SERVER},
	{"UNLOCK", DBS_DDL_CONTROL, NULL},
	{"INSERT", DBS_DDL_DML, NULL},
	{"UPDATE", DBS_DDL_DML, NULL},
	{"DELETE", DBS_DDL_DML, NULL},
	{"REPLACE", DBS_DDL_DML, NULL},
	{"LOAD", DBS_DDL_DML, NULL},
	{"IMPORT", DBS_DDL_DML, NULL},
	{"CALL", DBS_DDL_DML, NULL},
	{"DO", DBS_DDL_DML, NULL},
	{"WITH", DBS_DDL_DML, NULL},
	{"EXECUTE", DBS_DDL_DML, NULL},
	{"PREPARE", DBS_DDL_IGNORE, REASON_SESSION},
	{"DEALLOCATE", DBS_DDL_IGNORE, REASON_SESSION},
	{"HANDLER", DBS_DDL_IGNORE, REASON_READ},
	{"USE", DBS_DDL_APPLY, NULL},
	{"SELECT", DBS_DDL_IGNORE, REASON_READ},
	{"TABLE", DBS_DDL_IGNORE, REASON_READ},
	{"VALUES", DBS_DDL_IGNORE, REASON_READ},
	{"SHOW", DBS_DDL_IGNORE, REASON_READ},
	{"EXPLAIN", DBS_DDL_IGNORE, REASON_READ},
	{"DESCRIBE", DBS_DDL_IGNORE, REASON_READ},
	{"DESC", DBS_DDL_IGNORE, REASON_READ},
	{"HELP", DBS_DDL_IGNORE, REASON_READ},
	{"GET", DBS_DDL_IGNORE, REASON_READ},
	{"SIGNAL", DBS_DDL_IGNORE, REASON_SESSION},
	{"RESIGNAL", DBS_DDL_IGNORE, REASON_SESSION},
};

/* Words that may stand between CREATE, ALTER or DROP and the object they name. */
static const char *const modifiers[] = {
	"OR",      "REPLACE",      "TEMPORARY",    "UNIQUE",       "FULLTEXT",  "SPATIAL",   "ONLINE", "OFFLINE",
	"IGNORE",  "AGGREGATE",    "UNDO",         "VECTOR",       "ALGORITHM", "UNDEFINED", "MERGE",  "TEMPTABLE",
	"DEFINER", "CURRENT_USER", "CURRENT_ROLE", "SQL",          "SECURITY",  "INVOKER",   "BODY",   "EXTERNAL",
	"JSON",    "RELATIONAL",   "DUALITY",      "MATERIALIZED", NULL};

static bool
is_word(const DdlToken *token, const char *word, int size)
{
	return token->kind == DDL_TOKEN_WORD && token->size == size && pg_strncasecmp(token->text, word, size) == 0;
}

/*
 * Passes over the modifiers after CREATE.  DEFINER = 'user'@'host' brings
 * names that could be any word, so these count only behind "=" or "@".
 */
static int
skip_modifiers(const DdlTokens *tokens, int at)
{
	while (at < tokens->count - 1)
	{
		const DdlToken *token = &tokens->token[at];
		bool known = token->kind != DDL_TOKEN_WORD;

		for (int i = 0; !known && modifiers[i] != NULL; i++)
			known = is_word(token, modifiers[i], strlen(modifiers[i]));
		if (!known && at > 0 && tokens->token[at - 1].kind == DDL_TOKEN_SYMBOL)
			known = true;
		if (!known)
			break;
		at++;
	}
	return at;
}

static bool
matches(const StatementClass *entry, const DdlTokens *tokens)
{
	const char *word = entry->words;
	int at = 0;

	/* A client may put a whole SELECT between parentheses. */
	while (at < tokens->count - 1 && tokens->token[at].kind == DDL_TOKEN_SYMBOL &&
		   strcmp(tokens->token[at].text, "(") == 0)
		at++;
	while (*word != '\0')
	{
		int size = strcspn(word, " ");

		if (size == 1 && *word == '*')
			at = skip_modifiers(tokens, at);
		else if (at < tokens->count && is_word(&tokens->token[at], word, size))
			at++;
		else
			return false;
		word += size;
		if (*word == ' ')
			word++;
	}
	return true;
}

/* "CREATE * TABLE" without its star. */
static const char *
tag_of(const char *words)
{
	char *tag = pstrdup(words);
	char *star = strstr(tag, "* ");

	if (star != NULL)
		memmove(star, star + 2, strlen(star + 2) + 1);
	return tag;
}

DbsDdlClass
dbs_ddl_classify(const DdlTokens *tokens, const char **tag, const char **reason)
{
	*tag = "";
	*reason = NULL;
	for (int i = 0; i < lengthof(classes); i++)
	{
		if (matches(&classes[i], tokens))
		{
			*tag = tag_of(classes[i].words);
			*reason = classes[i].reason;
			return classes[i].class;
		}
	}
	return DBS_DDL_UNKNOWN;
}
