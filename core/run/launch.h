/* Steps that launch and exec share. */
#ifndef CORE_RUN_LAUNCH_H
#define CORE_RUN_LAUNCH_H
#include "core/model/task.h"
#include "core/run/op.h"

/* The task of a request, its secrets put back. The caller destroys the dag. */
struct dag *launch_task(struct op *op, struct err *err);

/* Does the task of a request fit the cluster that is there? CONFLICT says what does not. */
int launch_check_reuse(struct op *op, const struct cluster *c, struct err *err);

void launch_submit(struct op *op); /* the job to the head's agent; data.job_id; then op_next */
/* What a shell in the job's place needs, on all nodes; then fn. */
void launch_debug(struct op *op, void (*fn)(struct op *op));
/* Install or refresh the agent on all nodes and start its daemon; then fn. */
void launch_agents(struct op *op, void (*fn)(struct op *op));
/* {"idle_minutes" (-1: off), "down", "wait_for"?, "down_if_needed"?} of a request: is it right (NULL is), and into the cluster's row. */
int launch_check_autostop(const json_t *a, struct err *err);
void launch_take_autostop(struct unit *u, const json_t *asked);
/* Tell all agents the cluster's autostop, best effort; then fn. */
void launch_autostop(struct op *op, void (*fn)(struct op *op));

/* ---- create.c: the steps that make nodes and wait for them ---- */
void launch_create(struct op *op);
void launch_wait(struct op *op);
/* Ask for the task's ports on a cluster that is there, where its cloud can open some then: true, and fn when it is done. Where it cannot, an event
 * says so of ports that the task before had not. */
bool launch_open_ports(struct op *op, const json_t *task_before, void (*fn)(struct op *op, const json_t *result));
/* Machines of the user's own that cannot be reached just now: there is no other place where they are, so they are waited for. False: not these,
 * or not any longer. */
bool launch_wait_for_machines(struct op *op, const struct err *err);

/* ---- failover.c ---- */
/* What is to come when all is cleaned: "retry" (elsewhere), "end" (fail with the last error) or "cancel". */
void launch_set_outcome(struct op *op, const char *what);
void launch_failed(struct op *op, const struct err *err);
/* With --retry-until-up: all places anew, after a pause, unless time mends nothing of what was met. False: no. */
bool launch_next_round(struct op *op, const struct err *err);
/* No candidate is left: the request fails and says all that was tried. */
void launch_nothing_left(struct op *op, const struct err *err);
void launch_give_up(struct op *op, const struct err *err); /* the same with other words */
void launch_cancelled(struct op *op);
void launch_clean(struct op *op); /* the step that removes what was made */

/* A task with mounts that a folder on this machine cannot have is for other providers: drop those from data.live. -1: nobody else answered. */
int launch_drop_folders(struct op *op, const struct task *t, struct err *err);

#endif
