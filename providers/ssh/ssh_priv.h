/* What the files of this provider share: one call under way, and leases as nodes. */
#ifndef PROVIDERS_SSH_PRIV_H
#define PROVIDERS_SSH_PRIV_H
#include "providers/ssh/host.h"

enum { PROBE_MS = 15000, OFFERS_MS = 10000, LIST_MS = 20000, LEASE_MS = 60000, LOOK_MS = 6000, STOP_MS = 60000, RELEASE_MS = 90000, WHY_MAX = 700 };

/* One call. The pools are read anew at each step; what lasts between steps is in c->scratch:
 *   "asked"     what was asked last: [{"host": "pool/host", "id": node id or null, "token": … }…], in order
 *   "reaches"   kept alive for the request
 *   "seen"      CREATE: {host id: host_read's}; "out": {host id: why it is not asked again}; "made": {token: node};
 *   "mute"      {host id: true}: asked for a lease, and no answer came */
struct turn {
	struct provider_call *c;
	struct pools pools;
	const struct provider_reply *reply;
	struct err *err;
};

/* One question to one host. */
struct question {
	const struct pool_host *host;
	const char *const *words;
	bool keep;
	const char *id, *token; /* of the node it is about; NULL */
};

/* ---- turn.c ---- */
/* A member of the scratch that is made when it is not there. */
json_t *turn_part(struct turn *t, const char *key, bool list);
/* Fill the request. Returns PROVIDER_REQUEST. */
enum provider_step turn_ask(struct turn *t, const struct question *q, size_t n, int64_t timeout_ms);
/* A verb without arguments, to all hosts of a pool (NULL: of all pools). */
enum provider_step turn_ask_hosts(struct turn *t, const char *pool, const char *verb, int64_t timeout_ms);
/* Keep what a look at all hosts saw, for the create call that follows; and take it, once, while it is a few seconds old: {host id: its answer},
 * new reference, or NULL. */
void turn_remember(struct turn *t, const struct host *hosts);
json_t *turn_recall(struct turn *t);
size_t turn_n_asked(const struct turn *t);
/* The i-th answer (host_read's), its host and its row of "asked"; NULL when there is none, or its host left the file meanwhile. New
 * reference. */
json_t *turn_answer(struct turn *t, size_t i, const struct pool_host **host, const json_t **row);
/* "pool/host" or "pool/host/lease": the host, as far as it is (still) in the file. */
const struct pool_host *turn_host_of_id(const struct turn *t, const char *id);
/* Who leases: this state folder on this machine. It tells our leases from those of other engines on the same hosts. */
const char *turn_owner(struct turn *t);
enum provider_step turn_done(struct turn *t, json_t *result);
enum provider_step turn_failed(struct turn *t, enum err_code code, const char *text);
enum provider_step turn_nodes(struct turn *t, json_t *nodes);
/* As an argument for the script; "-" when unset. */
const char *turn_number(struct arena *a, int64_t v, bool unset);

/* Leases are named "ssh-CLUSTER-TOKEN", hashed (the latter with our state folder): the beginning that those of a cluster have in common, and the
 * whole. */
const char *lease_prefix(struct arena *a, const char *cluster);
const char *lease_name(struct turn *t, const char *cluster, const char *token);
json_t *lease_by_name(const json_t *reply, const char *name); /* borrowed; NULL */
/* The node that a lease is; info is the host's line (may be NULL). New reference. */
json_t *lease_node(struct arena *a, const struct pool_host *h, const json_t *info, const json_t *lease);

/* ---- create.c ---- */
enum provider_step create_step(struct turn *t);

#endif
