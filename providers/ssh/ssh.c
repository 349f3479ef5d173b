/* Machines that the user owns, as a cloud: a pool is a region, a node is a lease on one of its hosts (share/agent/skytop-host keeps them, there).
 * Nothing is remembered here; every call asks the hosts. An id is "pool/host/lease", and the lease's name is made of cluster and token, so
 * that a call that is repeated finds what it made.
 *
 * A host that does not answer is left out of offers and of new clusters. Of a node on such a host nothing is claimed: it is UNKNOWN,
 * and its end is pending. A host that was taken out of the file counts as gone for good when its nodes are to be ended. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/str.h"
#include "core/provider.h"
#include "providers/common/requests.h"
#include "providers/ssh/report.h"
#include "providers/ssh/ssh_priv.h"

extern const struct provider provider_ssh;

static json_t *unknown_node(const char *id, const char *why)
{
	json_t *n = json_object();
	json_put_str(n, "id", id);
	json_put_str(n, "status", "UNKNOWN");
	json_put_str(n, "reason", why);
	return n;
}

/* ---- check, offers ----------------------------------------------------------------------------------------------- */

static struct host *look_at_all(struct turn *t)
{
	struct host *hosts = arena_alloc(t->c->arena, (t->pools.n + 1) * sizeof *hosts);
	json_t *keep = turn_part(t, "replies", true);
	for (size_t i = 0; i < t->pools.n; i++) {
		const struct pool_host *spec = NULL;
		const json_t *row = NULL;
		json_t *r = NULL;
		for (size_t k = i; k < turn_n_asked(t) && !r; k++) { /* as a rule it is the i-th */
			r = turn_answer(t, k, &spec, &row);
			if (r && spec != &t->pools.hosts[i]) {
				json_decref(r);
				r = NULL;
			}
		}
		if (!r)
			r = json_object();
		json_array_append_new(keep, r);
		host_look(t->c->arena, &t->pools.hosts[i], r, &hosts[i]);
	}
	return hosts;
}

static const char no_file[] = "no machines are listed: put them in ssh_pools.yaml in the config folder, or run `skytop ssh-pool add POOL HOST`";

/* Who looks at how hosts are wants to know how they are now. */
static enum provider_step people_ask(struct turn *t)
{
	turn_ask_hosts(t, NULL, "probe", PROBE_MS);
	t->c->request.anew = true;
	return PROVIDER_REQUEST;
}

static enum provider_step check(struct turn *t)
{
	if (t->c->step++ == 0) {
		if (!t->c->env->settings && !json_object_get(t->c->args, "settings")) {
			json_t *r = json_object();
			json_put_bool(r, "enabled", false);
			json_put_str(r, "identity", NULL);
			json_put_str(r, "reason", no_file);
			json_object_set_new(r, "hosts", json_array());
			return turn_done(t, r);
		}
		json_put_int(t->c->scratch, "at", wall_now_ms());
		if (t->pools.n)
			return people_ask(t);
	}
	return turn_done(t, report_check(t->c->arena, &t->pools, look_at_all(t), turn_owner(t), json_int(t->c->scratch, "at", 0), wall_now_ms()));
}

static enum provider_step offers(struct turn *t)
{
	if (t->c->step++ == 0) {
		if (!t->c->env->settings)
			return turn_failed(t, ERR_CREDENTIALS, no_file);
		if (t->pools.n)
			return turn_ask_hosts(t, NULL, "probe", OFFERS_MS);
	}
	struct host *hosts = look_at_all(t);
	turn_remember(t, hosts);
	return report_none(t->c->arena, &t->pools, hosts, t->err) ? PROVIDER_FAILED : turn_done(t, report_offers(t->c->arena, &t->pools, hosts));
}

/* ---- query ------------------------------------------------------------------------------------------------------- */

/* Only the hosts of these nodes. */
static enum provider_step ask_hosts_of(struct turn *t, const json_t *ids, const char *verb, int64_t timeout_ms)
{
	const char **words = arena_alloc(t->c->arena, 2 * sizeof *words);
	struct question *q = arena_alloc(t->c->arena, (t->pools.n + 1) * sizeof *q);
	bool *asked = arena_alloc(t->c->arena, t->pools.n + 1);
	size_t i, n = 0;
	json_t *id;
	words[0] = verb;
	json_array_foreach(ids, i, id) {
		const struct pool_host *h = json_is_string(id) ? turn_host_of_id(t, json_string_value(id)) : NULL;
		if (!h || asked[h - t->pools.hosts])
			continue;
		asked[h - t->pools.hosts] = true;
		q[n++] = (struct question){.host = h, .words = words};
	}
	if (!n) { /* all of them were taken out of the file */
		json_object_set_new(t->c->scratch, "asked", json_array());
		return PROVIDER_DONE;
	}
	return turn_ask(t, q, n, timeout_ms);
}

struct listing {
	json_t *nodes;	     /* those meant, on hosts that answered */
	json_t *doubles;     /* of the same token as one of those */
	json_t *silent;	     /* {host id: why}, of hosts asked */
};

static void listing_clear(struct listing *l)
{
	json_decref(l->nodes);
	json_decref(l->doubles);
	json_decref(l->silent);
}

/* A token that was leased twice (an answer was lost, and another host took its place) is one node: the one that the caller knows, else
 * the newer. The other is a double. */
static void add_node(struct listing *l, json_t *node, const json_t *ids)
{
	size_t i;
	json_t *other;
	json_array_foreach(l->nodes, i, other) {
		if (!str_eq(json_str(other, "token", ""), json_str(node, "token", "-")) || !str_eq(json_str(other, "cluster", ""), json_str(node, "cluster", "-")))
			continue;
		bool known = json_has(ids, json_str(node, "id", "")), other_known = json_has(ids, json_str(other, "id", ""));
		bool newer = json_int(node, "created_at", 0) > json_int(other, "created_at", 0);
		bool better = known > other_known || (known == other_known && newer);
		json_array_append(l->doubles, better ? other : node);
		if (better)
			json_array_set(l->nodes, i, node);
		json_decref(node);
		return;
	}
	json_array_append_new(l->nodes, node);
}

/* Which leases of an answer are meant: of the cluster, of the ids; all of ours when neither is given. */
static void take_list(struct turn *t, struct listing *l, const char *host_id, const struct pool_host *h, const json_t *r, const char *owner)
{
	const char *cluster = json_str(t->c->args, "cluster", NULL);
	const json_t *ids = json_arr(t->c->args, "ids");
	struct err e;
	if (host_error(r, &e)) {
		json_put_str(l->silent, host_id, e.text);
		return;
	}
	size_t i;
	json_t *lease;
	json_array_foreach(json_arr(r, "leases"), i, lease) {
		json_t *node = lease_node(t->c->arena, h, json_obj(r, "host"), lease);
		bool of_cluster = cluster && str_eq(json_str(node, "cluster", ""), cluster);
		bool of_ids = json_has(ids, json_str(node, "id", ""));
		bool ours = !cluster && !ids && str_eq(json_str(lease, "owner", ""), owner) && json_str(node, "cluster", NULL);
		if (of_cluster || of_ids || ours)
			add_node(l, node, ids);
		else
			json_decref(node);
	}
}

static struct listing read_list(struct turn *t)
{
	struct listing l = {json_array(), json_array(), json_object()};
	const char *owner = turn_owner(t);
	for (size_t i = 0; i < turn_n_asked(t); i++) {
		const struct pool_host *h;
		const json_t *row;
		json_t *r = turn_answer(t, i, &h, &row);
		if (r)
			take_list(t, &l, json_str(row, "host", ""), h, r, owner);
		json_decref(r);
	}
	return l;
}

static const char *host_id_of(struct arena *a, const char *id)
{
	const char *slash = strchr(id, '/');
	size_t len = slash ? (size_t)(slash - id) + 1 + strcspn(slash + 1, "/") : strlen(id);
	return arena_strndup(a, id, len);
}

/* Known nodes about which nothing can be said now. */
static void add_unknown(struct turn *t, struct listing *l, const json_t *ids)
{
	size_t i;
	json_t *v;
	json_array_foreach(ids, i, v) {
		const char *id = json_string_value(v);
		const char *host = id ? host_id_of(t->c->arena, id) : "", *why = json_str(l->silent, host, NULL);
		if (!id)
			continue;
		if (!turn_host_of_id(t, id))
			why = arena_printf(t->c->arena, "%s is not in %s any more: put it back, or end the cluster with skytop down", host, t->pools.path);
		if (why)
			json_array_append_new(l->nodes, unknown_node(id, why));
	}
}

static enum provider_step query(struct turn *t)
{
	const json_t *ids = json_arr(t->c->args, "ids");
	if (t->c->step++ == 0) {
		enum provider_step s = json_array_size(ids) ? ask_hosts_of(t, ids, "list", LIST_MS) : turn_ask_hosts(t, NULL, "list", LIST_MS);
		if (s == PROVIDER_REQUEST && turn_n_asked(t))
			return s;
	}
	struct listing l = read_list(t);
	/* Who asks for a cluster without knowing its nodes must not take silence for absence. */
	const char *host = json_object_iter_key(json_object_iter(l.silent));
	if (host && !ids && json_str(t->c->args, "cluster", NULL)) {
		err_set(t->err, ERR_NETWORK, "%s", json_str(l.silent, host, ""));
		listing_clear(&l);
		return PROVIDER_FAILED;
	}
	add_unknown(t, &l, ids);
	json_t *result = json_pack("{s:O}", "nodes", l.nodes);
	if (json_array_size(l.doubles))
		json_object_set(result, "doubles", l.doubles);
	listing_clear(&l);
	return turn_done(t, result);
}

/* ---- start, stop, terminate -------------------------------------------------------------------------------------- */

enum { ACT_LOOK, ACT_LISTED, ACT_DONE };

static const char *lease_of_id(const char *id)
{
	const char *a = strchr(id, '/'), *b = a ? strchr(a + 1, '/') : NULL;
	return b ? b + 1 : "";
}

/* Ask each node's host to do verb with it. Nodes whose host is not in the file are passed over. */
static enum provider_step act_on(struct turn *t, const json_t *ids, const char *verb, int64_t timeout_ms)
{
	struct arena *a = t->c->arena;
	struct question *q = arena_alloc(a, (json_array_size(ids) + 1) * sizeof *q);
	size_t i, n = 0;
	json_t *id;
	t->c->step = ACT_DONE;
	json_array_foreach(ids, i, id) {
		const struct pool_host *h = json_is_string(id) ? turn_host_of_id(t, json_string_value(id)) : NULL;
		const char **w = arena_alloc(a, 4 * sizeof *w);
		if (!h)
			continue;
		w[0] = verb;
		w[1] = arena_strdup(a, lease_of_id(json_string_value(id)));
		if (t->c->verb == PROVIDER_START)
			w[2] = turn_number(a, h->max_leases, h->max_leases < 0);
		q[n++] = (struct question){.host = h, .words = w, .keep = t->c->verb == PROVIDER_START, .id = arena_strdup(a, json_string_value(id))};
	}
	if (n)
		return turn_ask(t, q, n, timeout_ms);
	json_object_set_new(t->c->scratch, "asked", json_array());
	return PROVIDER_DONE;
}

static json_t *ids_of(const json_t *nodes)
{
	json_t *ids = json_array();
	size_t i;
	json_t *n;
	json_array_foreach(nodes, i, n)
		json_array_append(ids, json_object_get(n, "id"));
	return ids;
}

/* The nodes found, and those named: one on a host that was silent is tried all the same. */
static enum provider_step act_on_found(struct turn *t, const char *verb, int64_t timeout_ms)
{
	struct listing l = read_list(t);
	json_t *ids = ids_of(l.nodes), *id, *doubles = ids_of(l.doubles);
	size_t i;
	if (t->c->verb == PROVIDER_TERMINATE)
		json_array_extend(ids, doubles);
	json_decref(doubles);
	json_array_foreach(json_arr(t->c->args, "ids"), i, id)
		if (json_is_string(id) && !json_has(ids, json_string_value(id)))
			json_array_append(ids, id);
	enum provider_step s = act_on(t, ids, verb, timeout_ms);
	json_decref(ids);
	listing_clear(&l);
	return s;
}

/* Without ids all hosts are asked which nodes the cluster has. TERMINATE means all of the cluster, so it always looks, in case that one was
 * leased whose answer was lost; hosts that say nothing to that do not count: there, it is given back as one that nobody moved into.
 * Anything but PROVIDER_REQUEST: there is nothing (more) to ask. */
static enum provider_step act(struct turn *t, const char *verb, int64_t timeout_ms)
{
	const json_t *ids = json_arr(t->c->args, "ids");
	if (t->c->step == ACT_LOOK) {
		json_object_set_new(t->c->scratch, "asked", json_array());
		if (request_check_target(t->c->args, t->err))
			return PROVIDER_FAILED;
		bool cluster = json_str(t->c->args, "cluster", NULL) != NULL, ends = t->c->verb == PROVIDER_TERMINATE;
		if (ids && !(ends && cluster))
			return act_on(t, ids, verb, timeout_ms);
		t->c->step = ACT_LISTED;
		turn_ask_hosts(t, NULL, "list", ends ? LOOK_MS : LIST_MS);
		return turn_n_asked(t) ? PROVIDER_REQUEST : PROVIDER_DONE;
	}
	if (t->c->step == ACT_LISTED)
		return act_on_found(t, verb, timeout_ms);
	return PROVIDER_DONE;
}

static enum provider_step start_or_stop(struct turn *t)
{
	bool stop = t->c->verb == PROVIDER_STOP;
	enum provider_step s = act(t, stop ? "stop" : "start", stop ? STOP_MS : LEASE_MS);
	if (s != PROVIDER_DONE)
		return s;
	size_t i;
	json_t *id;
	json_array_foreach(json_arr(t->c->args, "ids"), i, id) {
		const char *text = json_is_string(id) ? json_string_value(id) : "?";
		if (!stop && !turn_host_of_id(t, text))
			return turn_failed(t, ERR_NOT_FOUND, arena_printf(t->c->arena, "the host of node %.200s is not in %s", text, t->pools.path));
	}
	json_t *list = json_array();
	struct err first = {0};
	for (i = 0; i < turn_n_asked(t); i++) {
		const struct pool_host *h;
		const json_t *row;
		struct err e;
		json_t *r = turn_answer(t, i, &h, &row);
		const json_t *l = json_array_get(json_arr(r, "leases"), 0);
		if (r && host_error(r, &e)) {
			if (!first.code)
				first = e;
		} else if (l) {
			json_array_append_new(list, lease_node(t->c->arena, h, NULL, l));
		}
		json_decref(r);
	}
	if (!first.code)
		return turn_nodes(t, list);
	json_decref(list);
	*t->err = first;
	return PROVIDER_FAILED;
}

/* What was not confirmed is pending; which hosts are waited for, and why, is told. */
static enum provider_step terminate(struct turn *t)
{
	enum provider_step s = act(t, "release", RELEASE_MS);
	if (s != PROVIDER_DONE)
		return s;
	struct str waiting = str_new(WHY_MAX);
	struct err refused = {0};
	int64_t pending = 0;
	size_t k;
	json_t *id;
	/* Without the file nothing is said about any host. */
	json_array_foreach(t->c->env->settings ? NULL : json_arr(t->c->args, "ids"), k, id) {
		const char *host = json_is_string(id) ? host_id_of(t->c->arena, json_string_value(id)) : "?";
		str_addf(&waiting, "%s%s: there is no list of hosts to find it in", pending ? "; " : "", host);
		pending++;
	}
	for (size_t i = 0; i < turn_n_asked(t); i++) {
		const struct pool_host *h;
		const json_t *row;
		struct err e;
		json_t *r = turn_answer(t, i, &h, &row);
		if (r && host_error(r, &e)) {
			pending++;
			str_addf(&waiting, "%s%s", waiting.len ? "; " : "", e.text);
			if (host_asked(r) && !refused.code)
				refused = e;
		}
		json_decref(r);
	}
	if (refused.code) { /* it answers, and cannot: waiting does not help */
		str_free(&waiting);
		*t->err = refused;
		return PROVIDER_FAILED;
	}
	json_t *result = json_object();
	if (pending) {
		json_put_int(result, "pending", pending);
		json_put_str(result, "waiting", str_text(&waiting));
	}
	str_free(&waiting);
	return turn_done(t, result);
}

/* ---- the provider ------------------------------------------------------------------------------------------------ */

static enum provider_step (*const verbs[PROVIDER_VERBS])(struct turn *t) = {
    [PROVIDER_CHECK] = check,
    [PROVIDER_OFFERS] = offers,
    [PROVIDER_CREATE] = create_step,
    [PROVIDER_QUERY] = query,
    [PROVIDER_START] = start_or_stop,
    [PROVIDER_STOP] = start_or_stop,
    [PROVIDER_TERMINATE] = terminate,
};

static enum provider_step ssh_step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	struct turn t = {.c = c, .reply = reply, .err = err};
	if (!verbs[c->verb]) {
		err_set(err, ERR_UNSUPPORTED, "machines of one's own have no quotas");
		return PROVIDER_FAILED;
	}
	const json_t *said = json_object_get(c->args, "settings");
	const json_t *settings = c->verb == PROVIDER_CHECK && said ? said : c->env->settings;
	bool makes = c->verb == PROVIDER_CHECK || c->verb == PROVIDER_OFFERS || c->verb == PROVIDER_CREATE;
	if (pools_read(c->arena, settings, c->env->settings_path, !makes, &t.pools, err))
		return PROVIDER_FAILED;
	enum provider_step s = verbs[c->verb](&t);
	pools_clear(&t.pools);
	return s;
}

static const char *const files[] = {"ssh_pools.yaml", "~/.sky/ssh_node_pools.yaml", NULL};

const struct provider provider_ssh = {
    .name = "ssh",
    .title = "Your machines over SSH",
    .can = PROVIDER_CAN_STOP | PROVIDER_CAN_MULTI_NODE | PROVIDER_CAN_PORTS | PROVIDER_TELLS_STOCK,
    .credentials = "ssh_pools.yaml in the config folder, or ~/.sky/ssh_node_pools.yaml",
    .settings_files = files,
    .step = ssh_step,
};
