/*
 * What a MySQL or MariaDB statement is, by its first words: a change of
 * tables, a change of rows, transaction control, or none of these.
 */
#ifndef DBS_DDL_CLASS_H
#define DBS_DDL_CLASS_H

#include "ddl_lexer.h"

/*
 * The class by one table of first words.  *tag gets the words that name the
 * statement, *reason why it is ignored (class DBS_DDL_IGNORE only).  What is
 * DBS_DDL_APPLY here still has to be parsed.
 */
DbsDdlClass dbs_ddl_classify(const DdlTokens *tokens, const char **tag, const char **reason);

#endif
