/*
 * Partitioned targets: the wire's rows have the root's shape, the rows that are changed the leaf's.
 */
#ifndef DBS_PARTITION_H
#define DBS_PARTITION_H

#include "target_table.h"

/* The partition that a row of the root's shape belongs to; ERROR when there is none. */
DbsTarget *dbs_partition_of_row(DbsTarget *root, TupleTableSlot *row);

/* Copy an image of the root's shape to the leaf's; both in arrays of their relations' columns. */
void dbs_partition_map_image(DbsTarget *root, DbsTarget *leaf, const DbsImage *from, DbsImage *to);

/* Fill a slot of the leaf's shape from one of the root's. */
void dbs_partition_map_row(DbsTarget *root, DbsTarget *leaf, TupleTableSlot *from, TupleTableSlot *to);

/* The same in the other direction. */
void dbs_partition_unmap_row(DbsTarget *root, DbsTarget *leaf, TupleTableSlot *from, TupleTableSlot *to);

/*
 * Find the row of an image of the root's shape in the partitions. Returns the leaf
 * whose found slot holds it, or NULL; the leaf's before image is the one it was found by.
 */
DbsTarget *dbs_partition_find(DbsTarget *root, const DbsImage *image);

#endif
