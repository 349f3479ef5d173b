/* state.db: what the engine knows and intends. The engine alone opens it.
 *
 * Writes go into one open transaction and are durable after state_commit: whoever is about to cause something outside (a provider
 * call, an answer to a client) commits first. The engine keeps its working set in memory and writes whole rows through. */
#ifndef CORE_STORE_STATE_H
#define CORE_STORE_STATE_H
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/model/cluster.h"

struct state;

enum { STATE_VERSION = 4 };

/* Open or create; migrate an older schema; a newer one is refused (PROTOCOL, untouched). A damaged file is moved aside, never deleted:
 * *moved is then its new path (caller frees), else NULL. */
struct state *state_open(const char *path, char **moved, struct err *err);
void state_close(struct state *s); /* uncommitted writes are dropped; NULL is fine */

/* Make all writes since the last commit durable (fsynced), or say why not: then they stay pending and commit may be tried again. */
int state_commit(struct state *s, struct err *err);
/* Forget what was written since the last commit. */
void state_rollback(struct state *s);
/* A full disk can make SQLite drop the whole open transaction. Then this says so, once: the caller writes all its rows again. */
bool state_lost_writes(struct state *s);
/* Called after each commit that wrote something, with its number since opening. For tests that kill the engine there. */
void state_on_commit(struct state *s, void (*fn)(void *arg, int64_t nth), void *arg);

/* Insert (id 0: gets one; nodes too) or replace the row. */
int state_save_cluster(struct state *s, struct cluster *c, struct err *err);
int state_save_request(struct state *s, struct request *r, struct err *err);
int state_save_job(struct state *s, const struct job *j, struct err *err);
/* e->id is set. Old events are pruned now and then (the newest 20,000 are kept). */
int state_add_event(struct state *s, struct event *e, struct err *err);

/* Everything that is not over: clusters not removed, requests not over. Arrays and elements are the caller's. */
int state_load_clusters(struct state *s, struct cluster ***out, size_t *n, struct err *err);
int state_load_requests(struct state *s, struct request ***out, size_t *n, struct err *err);
int state_load_jobs(struct state *s, int64_t cluster_id, struct job ***out, size_t *n, struct err *err);

/* For clients: newest first, as JSON arrays (new references), NULL on failure. */
json_t *state_requests(struct state *s, bool all, int64_t limit, struct err *err);
json_t *state_request(struct state *s, int64_t id, struct err *err); /* NULL with NOT_FOUND */
json_t *state_events(struct state *s, const char *cluster, int64_t after_id, int64_t limit, struct err *err); /* oldest first */
/* The newest cluster of that name, removed ones included: for the logs of what is gone. 0 if none. */
int64_t state_find_cluster(struct state *s, const char *name, struct err *err);
char *state_cluster_uid(struct state *s, int64_t id); /* caller frees; NULL if there is none */
int64_t state_cluster_id(struct state *s, const char *uid); /* removed ones included; 0 if there is none */
/* Does machine `id` come too late: was the node of that token given up before the provider answered, or ended as another machine? Who
 * was forgotten while it was there (the same machine) is not late. */
bool state_node_late(struct state *s, const char *token, const char *id);
bool state_any_unanswered(struct state *s, const char *provider, int64_t since_ms); /* a node of that provider's, given up since then without an answer */
bool state_used(struct state *s, const char *provider); /* was there ever a cluster? */

/* The ledger: an interval is what ran, at what price, for whom. Cost is a sum over intervals. An unknown price is kept as unknown. A node has
 * at most one that is open: its machine's, at the cluster's price, or (disk not NULL) its disk's while it is stopped. The other one ends. */
struct ledger_disk {
	int64_t price_uusd_h; /* PRICE_UNKNOWN; always an estimate */
	const char *source;   /* NULL: unknown */
};
int state_ledger_open(struct state *s, const struct cluster *c, struct node *n, const struct ledger_disk *disk, int64_t at_ms,
    struct err *err); /* sets n->ledger_id, ledger_disk */
int state_ledger_close(struct state *s, struct node *n, int64_t at_ms, struct err *err);			  /* clears it */
/* How often the ledger was written to since it was opened: figures made of it hold while this does not move. */
int64_t state_ledger_changes(const struct state *s);
/* The intervals that did not end before since_ms, oldest first. The array is the caller's. */
struct ledger_row {
	int64_t cluster_id, from_ms, to_ms; /* to_ms 0: open */
	int64_t price_uusd_h;		    /* PRICE_UNKNOWN */
	bool estimated;
	bool disk;			    /* of a stopped machine */
	char provider[24]; /* where it ran, which need not be where the cluster is now */
	char project[64];
};
int state_ledger(struct state *s, int64_t since_ms, struct ledger_row **rows, size_t *n, struct err *err);
/* The clusters of these intervals, newest first, removed ones too: {cluster_id, name, id, provider, instance_type, status, user, project, region,
 * accelerator, accelerator_count, use_spot, num_nodes, price_uusd_h (the highest of its intervals), estimated}. */
json_t *state_spenders(struct state *s, int64_t since_ms, struct err *err);
/* After lost writes: make the open intervals of c's nodes what n->ledger_id says they are. disk: what a disk of it costs. */
int state_ledger_repair(struct state *s, struct cluster *c, const struct ledger_disk *disk, int64_t at_ms, struct err *err);
/* What one cluster has cost so far, machines and disks of stopped ones. On failure nothing is known. */
struct cluster_cost {
	int64_t known_uusd;
	bool unknown;	/* some of it has no price */
	bool estimated; /* some of it is an estimate */
};
struct cluster_cost state_cluster_bill(struct state *s, int64_t cluster_id, int64_t now_ms);
/* All of it as a figure; PRICE_UNKNOWN if any of it has no price, or on failure. */
int64_t state_cluster_cost(struct state *s, int64_t cluster_id, int64_t now_ms);
/* Budgets of a month, by project ("": of all), those of simulated money apart. */
struct budget {
	char *project, *user;
	bool simulated, block;
	int64_t month_uusd;
	int64_t told_month_ms, told_percent; /* what was warned of: in the month that began then, so many percent */
};
int state_save_budget(struct state *s, const struct budget *b, struct err *err);
int state_drop_budget(struct state *s, const char *project, bool simulated, struct err *err); /* NOT_FOUND */
int state_load_budgets(struct state *s, struct budget **list, size_t *n, struct err *err);
void budgets_free(struct budget *list, size_t n);

int64_t state_last_request(struct state *s, const char *verb); /* when the newest of that verb was made; 0: there is none */

/* What failed where, until when: the failover's memory across requests. JSON objects {provider, region, zone, instance_type, accelerator,
 * use_spot, code, text, until}; NULL members match anything. */
int state_add_block(struct state *s, const json_t *block, struct err *err);
/* Machines were had there ({provider, region, zone, instance_type, use_spot}): whatever was held against that place is over. */
int state_lift_blocks(struct state *s, const json_t *place, struct err *err);
json_t *state_blocks(struct state *s, int64_t now_ms, struct err *err); /* expired ones are dropped */

#endif
