/* Durable operations. An operation is a request that is being carried out: a table of steps, the name of the step under way kept in
 * state.db. A step is committed before it acts and may be entered again at any time after a crash, so each must be idempotent.
 *
 * A step's function starts what it does and returns; sooner or later exactly one of op_next, op_goto, op_done, op_fail, op_again is
 * called for it. Whatever it has in flight is registered with op_call/op_remote/op_timer, so that cancel and shutdown can drop it. */
#ifndef CORE_RUN_OP_H
#define CORE_RUN_OP_H
#include "core/run/run.h"

struct op;

struct op_step {
	const char *name;
	const char *title; /* for the checklist: "creating nodes" */
	void (*run)(struct op *op);
	int64_t timeout_ms; /* 0: none; then op_failed gets a TIMEOUT */
};

struct op_kind {
	const char *verb;
	const struct op_step *steps;
	size_t n_steps;
	/* Check the arguments when it is submitted; may fill r->cluster. Nothing is written when it fails. */
	int (*accept)(struct engine *e, struct request *r, struct err *err);
	/* It is durable, and has not begun. NULL: nothing. */
	void (*accepted)(struct op *op);
	/* A step failed. The kind decides: op_goto a step that cleans up, or op_fail. NULL: op_fail. */
	void (*failed)(struct op *op, const struct err *err);
	/* Somebody asked to stop while a step is under way; what was in flight has been dropped. NULL: op_cancelled. */
	void (*cancelled)(struct op *op);
	/* May it run beside another operation on the same cluster? */
	bool beside;
};

/* One a file; listed in op.c. */
extern const struct op_kind op_launch, op_exec, op_stop, op_start, op_down, op_autostop, op_cancel_jobs, op_sweep, op_prices;

struct op {
	struct engine *engine;
	struct request *r;
	const struct op_kind *kind;
	size_t at;	      /* index of the step */
	bool entered;	      /* the step's function has been called */
	struct call *call;
	struct flight *call_flight;
	struct op_remote {
		struct remote_call *call;
		struct flight *flight;
	} *remotes;
	size_t n_remotes, remotes_cap, remotes_open;
	struct err remote_err; /* the first that failed */
	size_t n_waiting;      /* nodes that do not answer just now: the step's time stands still */
	char *before_waiting;  /* the progress to go back to */
	unsigned timer, deadline, starter;
	int64_t step_started_us;
	struct place_ask *ask; /* providers are being asked for offers */
	struct place_plan *plan; /* what is chosen among them waits for quotas */
	struct proc *proc;     /* a child on this machine */
	struct proc_watch *proc_watch;
	char *proc_out;	       /* what the last of them printed, where somebody wanted to hear it; NULL */
	void (*after_agents)(struct op *op); /* see launch_agents */
	bool draining;	       /* waits for spool_drain */
	const char *look_step; /* see left_look; NULL: nobody looks */
	int64_t look_ms;
	bool resting;	       /* waits for time to pass: others may work meanwhile */
	struct sync *sync;     /* the sync step's; not persisted: it begins anew */
	struct fetch *fetch;   /* of the steps that look at and copy what is elsewhere; the same */
};

const struct op_kind *op_kind_of(const char *verb);
struct op *op_create(struct engine *e, struct request *r); /* takes r; starts when its turn comes */
void op_destroy(struct op *op);				    /* drops what is in flight */
void op_kick(struct engine *e);				    /* start what may start now */
void op_request_cancel(struct op *op);

struct unit *op_unit(struct op *op); /* its cluster, NULL when there is none (any more) */

/* How long to wait before a cloud is asked once more how far it is, which this step has to wait for: at once at first, and the more seldom
 * the more others wait as well. With some jitter. */
int64_t op_poll_ms(const struct op *op);

/* What a step ends with. */
void op_next(struct op *op);
void op_goto(struct op *op, const char *step);
void op_leap(struct op *op, const char *step); /* as op_next, but to that one */
void op_goto_after(struct op *op, const char *step, int64_t ms);	/* not before ms have passed; may be cancelled meanwhile */
void op_again(struct op *op, int64_t after_ms);			/* the same step, later */
void op_done(struct op *op, json_t *result);			/* result stolen; NULL is {} */
void op_fail(struct op *op, const struct err *err);
void op_failed(struct op *op, const struct err *err);		/* the step failed: the kind decides */
void op_cancelled(struct op *op);
/* What it is doing, for people; not committed by itself. */
void op_progress(struct op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Things in flight. The functions given are called once unless the operation is dropped first. */
void op_call(struct op *op, const struct provider *p, enum provider_verb verb, json_t *args, void (*fn)(struct op *op, const json_t *result));
/* Run a command on the nodes [first, first + n); fn when all have ended well. A failure is op_failed, after all have ended. each (may be
 * NULL) gets every node's output. A node that does not answer, or is lost meanwhile, is waited for (three minutes), and the command
 * begun again there: it must be one that may be repeated. */
struct op_remote_spec {
	const char *what;
	int64_t timeout_ms;
	/* The command for node i, and its input (both freed here; *input may stay NULL). NULL: nothing is run there. */
	char *(*command)(struct op *op, size_t i, char **input, size_t *input_len);
	const char *input_path; /* instead of input: a file, the same for all */
	int (*input_fd)(struct op *op, size_t i); /* instead of both: closed here */
	void (*each)(struct op *op, size_t i, const char *out, size_t len);
	/* A piece of the output as it comes, besides; NULL. Not to end the step from. */
	void (*piece)(struct op *op, size_t i, const char *data, size_t len);
	void (*failed)(struct op *op, const struct err *err); /* instead of op_failed; NULL: that */
	bool once;		/* it may not be begun again when the connection is lost under it */
	int64_t patience_ms;	/* so long a node that does not answer is waited for; 0: three minutes */
	const char *waiting;	/* "waiting for SSH on", before the host's name; NULL: "waiting for" */
	bool best_effort;	/* failures do not matter, and nobody waits for a node that does not answer */
};
/* Run a program on this machine; fn when it ended well, else op_failed with what it complained of. */
void op_proc(struct op *op, const char *const *argv, const char *what, int64_t timeout_ms, void (*fn)(struct op *op));
/* The same; heard gets each line of its stderr as it comes, and its stdout is kept in proc_out, also when it fails. */
void op_proc_heard(struct op *op, const char *const *argv, const char *what, int64_t timeout_ms, void (*heard)(struct op *op, const char *line),
    void (*fn)(struct op *op));
void op_remote(struct op *op, const struct op_remote_spec *spec, size_t first, size_t n, void (*fn)(struct op *op));

#endif
