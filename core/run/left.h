/* Machines that their cloud refuses to end: of a launch that failed, or whose cluster somebody wants down. Nobody else is left who would
 * think of them, so the engine goes on trying for as long as it takes, and meanwhile they are seen and counted. */
#ifndef CORE_RUN_LEFT_H
#define CORE_RUN_LEFT_H
#include "core/run/op.h"

/* The request that ends what is left of that cluster, for as long as it takes; NULL: there is none. */
struct op *left_op(struct engine *e, const char *cluster);
bool left_is(const struct request *r); /* is it such a request? */
/* Begin one, unless there is one; durable when this returns. */
void left_begin(struct unit *u);

/* A request that ends the cluster is over, and the cluster is not: begin again where it took the place of one, or was one, and no other is there. */
void left_go_on(struct op *op);

/* Something was ended by hand: look now rather than after the pause. */
void left_hurry(struct engine *e);

/* To end the machines of op's cluster failed: ask the cloud what there is, so that the ledger goes on whatever the create answered, and then
 * enter that step again, ms later. The op's `failed` calls left_look first and returns where that is true: it was that question that failed. */
bool left_looked(struct op *op);
void left_look(struct op *op, const char *step, int64_t ms);

/* The `failed` of a request that left_begin made. */
void left_failed(struct op *op, const struct err *err);

#endif
