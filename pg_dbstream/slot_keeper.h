/*
 * The limit on what slots of outbound streams keep of the log: see slot_keeper.c.
 */
#ifndef DBS_SLOT_KEEPER_H
#define DBS_SLOT_KEEPER_H

/* Seconds between two looks. */
extern int dbs_slot_check_interval;

/* While shared libraries are loaded at the server's start. */
void dbs_slot_keeper_register(void);

#endif
