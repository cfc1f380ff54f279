/*
 * Find the one row at the target that a row from the source stands for.
 */
#ifndef DBS_ROW_FIND_H
#define DBS_ROW_FIND_H

#include "target_table.h"

/*
 * Look for the row with the image's present columns: by an index all of whose columns
 * are present, else by reading the table.  True: target->found holds
 * it.  The row is not locked: an update or delete of it says when another session was faster.
 */
bool dbs_row_find(DbsTarget *target, const DbsImage *image);

/*
 * The same by unique indexes only, every one that the image covers, and never by
 * reading the table; a row at except (NULL: none) does not count. target->found_by says which of them found it.
 */
bool dbs_row_find_unique(DbsTarget *target, const DbsImage *image, ItemPointer except);

/* Does the row in target->found hold what is present in the image? Values of type json are not compared: the two sides
 * write the same document in different words. */
bool dbs_row_agrees(DbsTarget *target, const DbsImage *image);

/* The key of an image for messages: "(id)=(42)", at most a few hundred bytes. */
char *dbs_row_describe(DbsTarget *target, const DbsImage *image);

#endif
