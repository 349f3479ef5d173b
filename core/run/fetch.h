/* The steps of launch for mounts from elsewhere: buckets and the web are looked at before anything is made, and copied to all nodes when files are synced. */
#ifndef CORE_RUN_FETCH_H
#define CORE_RUN_FETCH_H
#include "core/run/op.h"

/* Has this launch sources that were not looked at yet? Then the step "sources" is gone to, and comes back to "offers". */
bool fetch_looks_first(struct op *op);
void fetch_look(struct op *op); /* that step */
/* A place is chosen: what moving the data there costs, where its cloud charges for that and is another, or its region; an estimate, told as an event. */
void fetch_tell_cost(struct op *op, const json_t *chosen);
/* The sync step is done: on to "fetch" if there is something to be copied, else to the next step. */
void fetch_after_sync(struct op *op);
void fetch_start(struct op *op); /* that step; may be entered again at any time */
/* Drop what is in flight. Fine when there is nothing. */
void fetch_drop(struct op *op);

#endif
