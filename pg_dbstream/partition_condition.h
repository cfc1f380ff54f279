/*
 * What the rows of a partition have in common: how other servers are told which rows were in it.
 */
#ifndef DBS_PARTITION_CONDITION_H
#define DBS_PARTITION_CONDITION_H

#include "postgres.h"

/* The condition in PostgreSQL's words; "true" where all rows of the root have to be in it. palloc'd. */
char *dbs_partition_condition(Oid partition);

/* Does a MySQL server that has such a condition choose the same rows? Not where texts are in another order there. */
bool dbs_partition_comparable(Oid partition);

/* The condition as MySQL's words are to be made of it; NULL when it is not comparable. palloc'd. */
char *dbs_partition_mysql_condition(Oid partition);

#endif
