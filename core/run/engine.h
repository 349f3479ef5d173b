/* The engine: the working set, durable requests, and what clients may ask. core/api turns it into JSON-RPC.
 *
 * Life of a mutation: engine_submit checks it, writes it to state.db and commits; only then has it an id to answer with. Then its
 * operation (core/run/op.h) goes through its steps; each step is committed before it acts. What is asked here never blocks. */
#ifndef CORE_RUN_ENGINE_H
#define CORE_RUN_ENGINE_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/io/loop.h"
#include "core/model/cluster.h"
#include "core/provider.h"

struct engine;

struct engine_setup {
	struct loop *loop;
	const struct provider *const *providers; /* NULL-terminated */
	const char *self;			 /* path of this program */
	json_t *provider_config;		 /* {"local": {…}, "sim": {…}}; borrowed */
	int64_t default_autostop_minutes;	 /* -1: none */
	int64_t max_hourly_uusd;		 /* for any one launch; PRICE_UNKNOWN: no cap */
	bool no_ssh_include;			 /* leave ~/.ssh/config alone */
	int64_t lost_after_ms;			 /* a head not heard of for so long: its jobs count as failed; 0: ten minutes */
	int64_t logs_keep_ms, logs_max_bytes;	 /* of logs of clusters that are gone; < 0: without limit */
	int64_t prices_every_ms;		 /* ask the clouds for prices so often; 0: never by itself */
	int64_t crash_at_commit;		 /* for tests: SIGKILL ourselves after the nth commit; 0: never */
};

/* What the engine tells. Called from the loop; all may be NULL. */
struct engine_listener {
	void (*changed)(void *arg);				  /* clusters, jobs, requests or spend are not what they were */
	void (*event)(void *arg, const struct event *e);	  /* one was written */
	void (*request_over)(void *arg, const struct request *r); /* it reached its last state, committed */
	void (*log_grew)(void *arg, int64_t cluster_id, int64_t job_id);
	void *arg;
};

/* Opens state.db, takes up every operation where it was left, reconciles what is unsure. */
struct engine *engine_create(const struct engine_setup *setup, struct err *err);
void engine_destroy(struct engine *e); /* drops what is in flight; it is resumed by the next engine. NULL is fine */
void engine_listen(struct engine *e, const struct engine_listener *l);

/* Accept a mutation: verb is launch exec stop start down autostop cancel sweep prices; args as core/api/protocol.h says (borrowed). Its id, or 0 with
 * err: nothing was written. */
int64_t engine_submit(struct engine *e, const char *user, const char *verb, const json_t *args, struct err *err);
/* Ask a request to stop. Already over is a CONFLICT. */
int engine_cancel(struct engine *e, int64_t id, struct err *err);

/* What clients may see: new references, or NULL with err. */
json_t *engine_status(struct engine *e);					  /* clusters alive */
json_t *engine_jobs(struct engine *e, const char *cluster, struct err *err);	  /* NULL cluster: of all alive clusters */
json_t *engine_requests(struct engine *e, bool all, int64_t limit, struct err *err);
json_t *engine_request(struct engine *e, int64_t id, struct err *err);
json_t *engine_events(struct engine *e, const char *cluster, int64_t after, int64_t limit, struct err *err);
/* What core/api/protocol.h says of cost and spend. */
json_t *engine_cost(struct engine *e, int64_t since_ms, struct err *err);
json_t *engine_spend(struct engine *e);
json_t *engine_budgets(struct engine *e, struct err *err);
/* Set, change or clear ("clear") one: budget_set of the protocol. */
int engine_budget_set(struct engine *e, const char *user, const json_t *params, struct err *err);
/* {cluster, status, nodes [{rank, status, id, ip, ssh {config, host, key} | enter path}], heartbeat (the head's last one, as the agent gave it), at} */
json_t *engine_nodes(struct engine *e, const char *cluster, struct err *err);
/* Jobs of a cluster by name or uid, also of one that is gone (the newest of that name). */
json_t *engine_gone_jobs(struct engine *e, const char *cluster, struct err *err);

struct log_ask {
	const char *cluster; /* its name, or its uid; one that is gone has its logs still */
	int64_t job;	     /* 0: the newest */
	int64_t rank;	     /* -1: the merged log; else the rank's own, fetched from its node */
	bool setup;	     /* with a rank, which is a node's then: only what setup said there */
	bool tail;	     /* its end is wanted: where the copy is far behind, that is fetched first */
	bool fresh;	     /* ask the node how much it has: "target" in the answer, unless it cannot be asked */
};
typedef void engine_log_fn(void *arg, json_t *log, const struct err *err); /* log is its to keep; NULL with err */
/* Where a job's log is: what `log` of core/api/protocol.h answers. fn is called once, now or later; after engine_destroy no more. */
void engine_log(struct engine *e, const struct log_ask *ask, engine_log_fn *fn, void *arg);
/* The same at once, as it is known; NULL when the job is gone. */
struct log_which {
	int64_t cluster_id, job_id, rank;
	bool setup;
};
json_t *engine_log_now(struct engine *e, const struct log_which *w);
/* Query the provider about these clusters (NULL: all) now; fn once all have answered, or failed. */
void engine_refresh(struct engine *e, const char *cluster, void (*fn)(void *arg), void *arg);
/* Credentials as the providers see them: fn gets [{"name","title","enabled","identity","reason","simulated"}]. */
void engine_check(struct engine *e, void (*fn)(void *arg, const json_t *result), void *arg);
/* All that one provider's CHECK says, as if its settings file said `settings` (NULL: as it is). fn is called once, later, with a result
 * (borrowed) or err; not at all when this returns -1: there is no such provider, or it is switched off. */
int engine_inspect(struct engine *e, const char *provider, const json_t *settings, void (*fn)(void *arg, const json_t *result, const struct err *err), void *arg,
    struct err *err);

/* Machines at these providers (a JSON array of names; NULL: all that are enabled) that skytop made and this state does not know: what `sweep`
 * of core/api/protocol.h answers (borrowed by fn, which is called once, later). */
void engine_sweep(struct engine *e, const json_t *clouds, void (*fn)(void *arg, const json_t *result), void *arg);

/* Where this would be launched: params {task, clouds?}; fn gets the plan (its to keep) or err. */
void engine_plan(struct engine *e, const json_t *params, void (*fn)(void *arg, json_t *plan, const struct err *err), void *arg);

/* What these providers (a JSON array of names) have now: fn gets [{"provider", "result": as OFFERS says | "error", "code"}…], its to keep. One
 * that is not enabled is not among them. */
void engine_offers(struct engine *e, const json_t *clouds, void (*fn)(void *arg, json_t *live), void *arg);

/* Is there nothing to look after? No operation, no cluster that is up or unsure. */
bool engine_is_idle(const struct engine *e);

#endif
