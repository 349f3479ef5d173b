/* Inside of core/run: the engine's working set, and what its parts ask of each other. Not for anyone else. */
#ifndef CORE_RUN_RUN_H
#define CORE_RUN_RUN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/run/call.h"
#include "core/run/engine.h"
#include "core/run/remote.h"
#include "core/run/spool.h"
#include "core/store/catalog.h"
#include "core/store/state.h"

struct op;
struct watcher;
struct spool;
struct drain;
struct reconcile;
struct log_wait;
struct logs_prune;
struct metrics;
struct money;

/* A cluster and what goes on around it. */
struct unit {
	struct engine *engine;
	struct cluster *c;
	struct job **jobs; /* by id */
	size_t n_jobs, jobs_cap;
	struct watcher *watcher; /* the stream from the head's agent; NULL: none */
	struct spool **spools;	 /* logs under way */
	size_t n_spools, spools_cap;
	struct drain *drain;	 /* somebody waits for the logs */
	struct reconcile *query; /* the provider is being asked */
	int64_t checked_at_ms;	 /* when the provider last confirmed it */
	int64_t asked_at_ms;	 /* when it was last asked by the clock */
	json_t *heartbeat;	 /* the head's last status line; NULL */
	int64_t heartbeat_at_ms;
	int64_t idle_from_ms;	 /* wall: its autostop was set then, from when on idleness counts; 0: since it was launched */
	int64_t heard_at_ms;	 /* monotonic: the agent's last word to the watcher */
	bool was_up_since_start; /* its nodes were confirmed by this engine */
};

struct engine {
	struct loop *loop;
	struct engine_setup setup;
	struct state *state;
	struct call_context calls;
	struct remotes *remotes; /* how nodes are asked */
	struct engine_listener listener;
	struct unit **units;
	size_t n_units, units_cap;
	struct op **ops; /* requests not over, by id */
	size_t n_ops, ops_cap;
	char *logs_dir, *secrets_dir, *agent_path;
	struct log_wait *log_waits; /* questions about logs that wait for a node */
	struct logs_prune *logs_prune;
	struct metrics *metrics; /* measures of nodes */
	int64_t prices_next_ms; /* when clouds are asked for prices by the clock; 0: not looked up yet */
	struct money *money; /* what is kept of the ledger; NULL: nothing yet */
	json_t *heard; /* {provider: {"at": ms on the monotonic clock, "result": its latest OFFERS}}; see place_ask */
	json_t *quotas;	    /* what accounts may still start; see quota.c */
	json_t *locked_out; /* {provider: true} of those that last said they have no credentials */
	unsigned commit_retry, tick, late;
	int late_looks; /* of the present expectation */
	json_t *late_at; /* {provider: true}: where something may come late */
	json_t *late_told; /* {id: true}: nodes that did */
	bool state_was_lost; /* state.db was damaged, and begun anew by this engine */
	bool hosts_complained; /* that entries for ssh cannot be written was said */
};

/* ---- engine.c ---- */
/* Commit; on failure say so in the log and try again from a timer. Callers that must not act without it look at the result. */
int run_commit(struct engine *e);
void run_changed(struct engine *e);
/* Write an event (committed with the next commit). u and r may be NULL; data is stolen, may be NULL. */
void run_event(struct engine *e, const struct unit *u, const struct request *r, const char *kind, const char *level, json_t *data,
    const char *fmt, ...) __attribute__((format(printf, 7, 8)));
struct unit *run_unit(struct engine *e, const char *name); /* alive; NULL */
struct unit *run_unit_by_id(struct engine *e, int64_t cluster_id);
struct unit *run_unit_add(struct engine *e, struct cluster *c); /* takes c */
void run_unit_remove(struct engine *e, struct unit *u);		 /* stops streams, frees */
void run_set_status(struct unit *u, enum cluster_status s, const char *reason); /* saved, an event written when it changed */
void run_save(struct unit *u);
const struct provider *run_provider(struct engine *e, const char *name); /* NULL */
bool run_provider_enabled(struct engine *e, const struct provider *p);
/* Does it make machines that are reached over SSH with a key of the cluster's (a cloud), rather than lend what is here or the user's own? */
bool run_is_cloud(const struct provider *p); /* NULL: no */
struct op *run_op_of(struct engine *e, const char *cluster, const struct op *except); /* an operation on that cluster, running or waiting */
char *run_secret_path(struct engine *e, int64_t request_id);
void run_restore_secrets(struct engine *e, const struct request *r, json_t *task); /* into a packed task */
/* NOT_FOUND, naming the nearest cluster. Returns -1. */
int run_no_cluster(struct engine *e, const char *name, struct err *err);

/* ---- contact.c ---- */
/* The engine's connections; a host that is lost or back is an event. */
struct remotes *contact_remotes(struct engine *e);
/* A node could not be asked (why), or could (NULL). */
void contact_note(struct unit *u, struct node *n, const char *why);
/* For clients, into a cluster or an open job of it: while a node has been silent for more than some seconds "reason" is
 * "node 2 (ubuntu@10.0.0.7) not heard of for 2m 5s: why". */
void contact_put(const struct unit *u, json_t *j);
/* Into the "nodes" of a cluster: since when each has not been heard of, null where it answers. */
void contact_put_nodes(const struct unit *u, json_t *j);
/* Each second: a cluster whose head has been silent for too long has no jobs that run, as far as anyone knows. */
void contact_tick(struct unit *u);

/* ---- nodes.c ---- */
/* Take what the provider says about the nodes of u into its rows; opens and closes ledger intervals. Nodes that the provider does not
 * list and that were once seen are gone; INTENT ones not listed stay INTENT, and those of which nothing can be said just now (UNKNOWN) stay
 * what they were, and are silent. */
void nodes_take(struct unit *u, const json_t *result, bool complete);
struct node_counts {
	size_t n, running, stopped, pending, intent, preempted, unknown; /* unknown: counted as what they were last, too */
};
struct node_counts nodes_count(const struct unit *u, const json_t *result);
/* Drop all nodes: confirmed gone. Closes the ledger. */
void nodes_drop(struct unit *u);
struct ledger_disk nodes_disk(const struct unit *u); /* what one node's disk costs while it is stopped */
/* What its nodes cost now, in micro-dollars an hour: a stopped one its disk, one that is about to be made its price. PRICE_UNKNOWN when that of
 * any is. *estimated: some of it is. */
int64_t nodes_rate_uusd_h(const struct unit *u, bool *estimated);
json_t *nodes_ids(const struct unit *u);   /* provider ids known */
json_t *nodes_query(const struct unit *u); /* the arguments of a QUERY about u */

/* ---- jobs.c ---- */
struct job *jobs_find(struct unit *u, int64_t id);
/* Take one job line of the agent. */
void jobs_take_line(struct unit *u, const json_t *line);
/* Jobs not over on a cluster whose nodes are gone or stopped end as FAILED_DRIVER. */
void jobs_end_all(struct unit *u, const char *why);
/* The same for jobs of which nothing has been heard: when the agent is heard again, its word counts. */
void jobs_end_unheard(struct unit *u, const char *why);
bool jobs_any_open(const struct unit *u);

/* ---- watch.c ---- */
void watch_start(struct unit *u); /* idempotent; only useful when the cluster is UP */
void watch_stop(struct unit *u);

/* ---- logs.c ---- */
void logs_cancel_all(struct engine *e); /* questions under way: nobody is answered */

/* ---- prices.c ---- */
/* Each second: is it time to ask the clouds for their prices? */
void prices_tick(struct engine *e, int64_t now_ms);

/* ---- reconcile.c ---- */
/* Ask the provider about u and bring its status in line; nothing while an operation is at work on it. fn (may be NULL) is called in
 * every case, later. */
void reconcile_unit(struct unit *u, void (*fn)(void *arg), void *arg);
/* At start: unsure clusters, and nodes that no row knows. */
void reconcile_all(struct engine *e);
void reconcile_cancel(struct unit *u);

#endif
