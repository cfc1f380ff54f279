/*
 * What a table is, as JSON: in MySQL's and in MariaDB's words, element by element, each under an identity that survives
 * renaming (a column's number, the oid of an index or constraint). Two descriptions of one table, from before and after
 * a statement, hold all that is needed to make the same change elsewhere, whatever the statement was.
 */
#ifndef DBS_TABLE_DESCRIPTION_H
#define DBS_TABLE_DESCRIPTION_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* One element; sql and the others as in DdlMyPart, NULL where there is none. */
typedef struct DbsPart
{
	int64 id;
	const char *name;
	const char *type; /* column: PostgreSQL's words for it */
	const char *kind;
	const char *sql;
	const char *value;
	const char *tail;
	const char *schema; /* foreign key: the table it refers to */
	const char *table;
	bool generated;
	List *labels; /* column of an enum: of DbsPart with id and name, in their order */
	List *notes;  /* of char *: "warning: …" */
} DbsPart;

/* A table in one dialect. */
typedef struct DbsDescription
{
	const char *schema;
	const char *table;
	List *columns; /* of DbsPart, so are the next three */
	List *keys;
	List *foreign_keys;
	List *checks;
	List *partitions; /* of DbsPart with id and, if MySQL can have it, the condition of its rows as sql */
	const char *comment;
	const char *charset;
	List *notes; /* of char * */
} DbsDescription;

/*
 * The table as the running command left it; NULL when there is none. Runs queries: SPI must be connected. *next is what
 * its AUTO_INCREMENT goes on with, 0 when it has none; it is no part of the description, since rows move it.
 */
Jsonb *dbs_description_make(Oid table, int64 *next);

/* Read one in a dialect, "mysql" or "mariadb". */
DbsDescription *dbs_description_read(const JsonbContainer *json, const char *dialect);

/* The part of that identity; NULL when there is none, or the identity is 0, which stands for none. */
const DbsPart *dbs_part_find(List *parts, int64 id);

/* Members of a JSON object. The text is NULL, the container NULL, when there is none of that name and kind. */
char *dbs_json_text(const JsonbContainer *json, const char *name);
const JsonbContainer *dbs_json_container(const JsonbContainer *json, const char *name);

#endif
