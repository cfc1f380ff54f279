/*
 * From what a table was to what it is: MySQL's statements that bring a target from the one to the other.
 */
#ifndef DBS_TABLE_DIFFERENCE_H
#define DBS_TABLE_DIFFERENCE_H

#include "postgres.h"

#include "table_description.h"

typedef struct DbsChange
{
	List *schema_from; /* of char *: names of schemas at the source … */
	List *schema_to;   /* … and at the target, where they differ */

	/* Is a table at the target, for a foreign key to refer to? */
	bool (*is_selected)(void *context, const char *schema, const char *table);
	void *context;

	bool rewritten;               /* the rows follow as they are now: those that are there must go */
	const JsonbContainer *filled; /* number of a new column to the text that old rows have in it; NULL: none */
	int64 next;                   /* of a new table's AUTO_INCREMENT; 0: nothing */
	bool splits;                  /* of a new table: keys and foreign keys in statements of their own */
	const char *spare;            /* a name for a table that is about to be dropped, used by nobody else */

	List *statements; /* out: of char * */
	List *updates;    /* out: of int: statements that change rows, by their number from 0 */
	List *notes;      /* out: of char *: "warning: …" */
	int first_key;    /* out, with splits: the number of the first statement that adds keys, from 0, */
	int first_link;   /* out: and of the first that adds a foreign key */
} DbsChange;

/* before NULL: the table is new; after NULL: it is gone. */
void dbs_difference(DbsChange *change, const DbsDescription *before, const DbsDescription *after);

/* The target's name for a schema. */
const char *dbs_change_schema(const DbsChange *change, const char *schema);

#endif
