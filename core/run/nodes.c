/* The nodes of a cluster, as the provider tells them. The only place that opens and closes ledger intervals: an interval begins when
 * the provider says that a node is there, and ends when it says that it is stopped (then its disk's begins) or gone. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/plan/disks.h"
#include "core/run/access.h"
#include "core/run/run.h"
#include "core/run/sweep.h"

static struct node *by_token(const struct unit *u, const char *token)
{
	for (size_t i = 0; token && i < u->c->n_nodes; i++)
		if (str_eq(u->c->nodes[i].token, token))
			return &u->c->nodes[i];
	return NULL;
}

static enum node_status status_of(const char *name)
{
	if (str_eq(name, "RUNNING"))
		return NODE_RUNNING;
	if (str_eq(name, "STOPPED"))
		return NODE_STOPPED;
	if (str_eq(name, "TERMINATED") || str_eq(name, "PREEMPTED"))
		return NODE_GONE;
	return NODE_PENDING; /* PENDING, STOPPING, and words we do not know: it is there */
}

struct ledger_disk nodes_disk(const struct unit *u)
{
	struct ledger_disk d;
	d.price_uusd_h = disk_rate_uusd_h(u->c->provider, u->c->task, &d.source);
	return d;
}

int64_t nodes_rate_uusd_h(const struct unit *u, bool *estimated)
{
	const struct cluster *c = u->c;
	int64_t disk = nodes_disk(u).price_uusd_h, sum = 0;
	*estimated = false;
	for (size_t i = 0; i < c->n_nodes; i++) {
		enum node_status status = c->nodes[i].status;
		int64_t rate = status == NODE_GONE ? 0 : status == NODE_STOPPED ? disk : c->price_uusd_h;
		if (rate == PRICE_UNKNOWN)
			return PRICE_UNKNOWN;
		sum += rate;
		*estimated = *estimated || (rate && (status == NODE_STOPPED || c->price_estimated));
	}
	return sum;
}

/* A stopped machine's disk goes on costing, but for those that are one's own. */
static void meter(struct unit *u, struct node *n, int64_t since_ms)
{
	struct err err;
	bool bills = n->status == NODE_PENDING || n->status == NODE_RUNNING;
	struct ledger_disk disk = nodes_disk(u);
	int rc = 0;
	if (bills)
		rc = state_ledger_open(u->engine->state, u->c, n, NULL, since_ms ? since_ms : wall_now_ms(), &err);
	else if (n->status == NODE_STOPPED && disk.price_uusd_h)
		rc = state_ledger_open(u->engine->state, u->c, n, &disk, wall_now_ms(), &err);
	else if (n->status == NODE_STOPPED || n->status == NODE_GONE)
		rc = state_ledger_close(u->engine->state, n, wall_now_ms(), &err);
	if (rc)
		log_line(LOG_ERROR, "ledger of %s: %s", u->c->name, err.text);
}

static struct node *by_id(const struct unit *u, const char *id)
{
	for (size_t i = 0; id && i < u->c->n_nodes; i++)
		if (str_eq(u->c->nodes[i].provider_id, id))
			return &u->c->nodes[i];
	return NULL;
}

/* Another machine of the same token: see sweep.c. */
static bool is_double(const struct node *n, const json_t *j)
{
	const char *id = json_str(j, "id", NULL);
	return n->provider_id && id && strcmp(n->provider_id, id) != 0;
}

static void take_one(struct unit *u, struct node *n, const json_t *j)
{
	if (str_eq(json_str(j, "status", ""), "UNKNOWN")) {
		contact_note(u, n, json_str(j, "reason", "it cannot be asked"));
		return;
	}
	contact_note(u, n, NULL);
	bool first = n->status == NODE_INTENT;
	n->status = status_of(json_str(j, "status", ""));
	const char *id = json_str(j, "id", n->provider_id);
	bool cloud = run_is_cloud(run_provider(u->engine, u->c->provider));
	if (cloud && n->provider_id && !str_eq(n->provider_id, id)) /* another machine in its place */
		access_forget_hosts(u->c, n->rank);
	own_str(&n->provider_id, id);
	own_str(&n->ip, json_str(j, "ip", n->ip));
	json_t *reach = json_obj(j, "reach");
	if (reach) {
		json_decref(n->reach);
		n->reach = cloud ? access_complete(u->c, n->rank, reach) : json_incref(reach);
	}
	/* A node found after a crash has been billed since it was made. */
	meter(u, n, first ? json_int(j, "created_at", 0) : 0);
}

void nodes_take(struct unit *u, const json_t *result, bool complete)
{
	bool *seen = xcalloc(u->c->n_nodes + 1, sizeof *seen);
	size_t i;
	json_t *j;
	json_array_foreach(json_arr(result, "nodes"), i, j) {
		struct node *n = by_token(u, json_str(j, "token", NULL));
		if (!n)
			n = by_id(u, json_str(j, "id", NULL));
		if (!n || is_double(n, j))
			continue;
		seen[n - u->c->nodes] = true;
		take_one(u, n, j);
	}
	for (i = 0; complete && i < u->c->n_nodes; i++) {
		struct node *n = &u->c->nodes[i];
		if (seen[i] || n->status == NODE_INTENT || n->status == NODE_GONE)
			continue;
		n->status = NODE_GONE;
		meter(u, n, 0);
	}
	free(seen);
	u->checked_at_ms = wall_now_ms();
	run_save(u);
}

struct node_counts nodes_count(const struct unit *u, const json_t *result)
{
	struct node_counts c = {.n = u->c->n_nodes};
	for (size_t i = 0; i < u->c->n_nodes; i++) {
		enum node_status s = u->c->nodes[i].status;
		c.running += s == NODE_RUNNING && u->c->nodes[i].reach;
		c.stopped += s == NODE_STOPPED;
		c.pending += s == NODE_PENDING;
		c.intent += s == NODE_INTENT;
	}
	size_t i;
	json_t *j;
	json_array_foreach(json_arr(result, "nodes"), i, j)
		c.preempted += str_eq(json_str(j, "status", ""), "PREEMPTED");
	json_array_foreach(json_arr(result, "nodes"), i, j)
		c.unknown += str_eq(json_str(j, "status", ""), "UNKNOWN");
	return c;
}

void nodes_drop(struct unit *u)
{
	struct cluster *c = u->c;
	for (size_t i = 0; i < c->n_nodes; i++) {
		if (!c->nodes[i].provider_id)
			sweep_expect_late(u->engine, c->provider);
		c->nodes[i].status = NODE_GONE;
		c->nodes[i].gone_at_ms = wall_now_ms();
		meter(u, &c->nodes[i], 0);
	}
	run_save(u);
	if (c->n_nodes && run_is_cloud(run_provider(u->engine, c->provider)))
		access_forget_hosts(c, -1);
	for (size_t i = 0; i < c->n_nodes; i++)
		node_clear(&c->nodes[i]);
	c->n_nodes = 0;
}

json_t *nodes_query(const struct unit *u)
{
	return json_pack("{s:s, s:o}", "cluster", u->c->uid, "ids", nodes_ids(u));
}

json_t *nodes_ids(const struct unit *u)
{
	json_t *a = json_array();
	for (size_t i = 0; i < u->c->n_nodes; i++)
		if (u->c->nodes[i].provider_id)
			json_array_append_new(a, json_foreign(u->c->nodes[i].provider_id));
	return a;
}
