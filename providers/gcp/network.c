/* The network of new machines, found or made. Networks that people have are used and never opened further than for what is ours: rules that are
 * missing are made with the target tag "skytop", so that they reach skytop's own machines only. Where there is no network at all, one is
 * made: "skytop-vpc".
 *
 * What was found is remembered for ten minutes; a create that is then told that the network is gone looks anew the next time. */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/gcp/gcp_priv.h"

enum { KEEP_MS = 10 * 60 * 1000, MAKE_WAIT_MS = 300000, PORTS_MAX = 200 };

static const char own_network[] = "skytop-vpc", tag[] = "skytop";

/* ---- rules ---------------------------------------------------------------------------------------------------------- */

static const struct rule {
	const char *name; /* ends of its name */
	const char *protocol, *port;
	bool among_us; /* from our machines only */
} rules[] = {{"ssh", "tcp", "22", false}, {"internal", "all", NULL, true}};

static bool has_text(const json_t *list, const char *text)
{
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
		if (str_eq(json_string_value(v), text))
			return true;
	return false;
}

/* Does "22" lie in one of ["22"], ["1-100"]; or is there no list, which means all? */
static bool port_in(const json_t *ports, const char *port)
{
	int64_t want = 0, lo, hi;
	size_t i;
	json_t *v;
	if (!ports || !port)
		return !ports;
	num_int(port, 0, 65535, &want);
	json_array_foreach(ports, i, v) {
		const char *text = json_string_value(v);
		char low[8];
		size_t n = text ? strcspn(text, "-") : 0;
		if (!n || n >= sizeof low)
			continue;
		memcpy(low, text, n);
		low[n] = '\0';
		if (num_int(low, 0, 65535, &lo) && num_int(text[n] ? text + n + 1 : low, 0, 65535, &hi) && lo <= want && want <= hi)
			return true;
	}
	return false;
}

static bool allows(const json_t *firewall, const struct rule *r)
{
	size_t i;
	json_t *v;
	json_array_foreach(json_arr(firewall, "allowed"), i, v) {
		const char *protocol = json_str(v, "IPProtocol", "");
		if ((str_eq(protocol, "all") || str_eq(protocol, r->protocol)) && port_in(json_arr(v, "ports"), r->port))
			return true;
	}
	return false;
}

/* Is there a rule on the network that lets this through to our machines? For traffic among us a private range will do, as the network
 * "default" has it. */
static bool is_there(const json_t *firewalls, const char *network, const struct rule *r)
{
	size_t i;
	json_t *f;
	json_array_foreach(firewalls, i, f) {
		const json_t *targets = json_arr(f, "targetTags"), *ranges = json_arr(f, "sourceRanges");
		if (!str_eq(gcp_last_part(json_str(f, "network", "")), network) || !str_eq(json_str(f, "direction", "INGRESS"), "INGRESS") ||
		    json_bool(f, "disabled", false) || json_arr(f, "targetServiceAccounts") || (targets && !has_text(targets, tag)) || !allows(f, r))
			continue;
		if (r->among_us ? has_text(json_arr(f, "sourceTags"), tag) || has_text(ranges, "10.128.0.0/9") || has_text(ranges, "10.0.0.0/8")
				: has_text(ranges, "0.0.0.0/0"))
			return true;
	}
	return false;
}

static json_t *rule_body(const char *name, const char *network, const struct rule *r)
{
	json_t *allowed = json_pack("{s:s}", "IPProtocol", r->protocol);
	if (r->port)
		json_object_set_new(allowed, "ports", json_pack("[s]", r->port));
	json_t *b = json_pack("{s:s, s:s, s:s, s:[o], s:[s], s:s}", "name", name, "network", network, "direction", "INGRESS", "allowed", allowed, "targetTags", tag,
	    "description", "made by skytop, for its own machines");
	json_object_set_new(b, r->among_us ? "sourceTags" : "sourceRanges", json_pack("[s]", r->among_us ? tag : "0.0.0.0/0"));
	return b;
}

/* A POST whose operation is awaited; one that is there already will do. 1, 0, −1. */
static int make(struct gcp *g, const char *key, const char *url, json_t *body, const char *what)
{
	const json_t *a = gcp_ask(g, key, &(struct gcp_ask){.method = "POST", .url = url, .body = body});
	if (!a)
		return 0;
	struct err err = {.code = ERR_NONE};
	int r = gcp_answer_error(a, what, false, &err) ? -1 : gcp_operation(g, key, json_obj(a, "body"), MAKE_WAIT_MS, what, &err);
	if (r == -1 && err.code == ERR_CONFLICT)
		return 1;
	if (r == -2)
		err_set(&err, ERR_TIMEOUT, "%s: it is not done after %d seconds", what, MAKE_WAIT_MS / 1000);
	if (r < 0)
		*g->err = err;
	return r < 0 ? -1 : r;
}

static int make_rules(struct gcp *g, const char *network)
{
	const json_t *firewalls = gcp_list(g, "firewalls", gcp_compute(g, NULL, "/global/firewalls?maxResults=500"), NULL, "listing the firewall rules");
	int all = 1;
	if (!firewalls)
		return g->err->code ? -1 : 0;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const char *name = arena_printf(g->c->arena, "skytop-%.40s-%s", network, rules[i].name);
		if (is_there(firewalls, network, &rules[i]))
			continue;
		int r = make(g, name, gcp_compute(g, NULL, "/global/firewalls"), rule_body(name, arena_printf(g->c->arena, "global/networks/%s", network), &rules[i]),
		    arena_printf(g->c->arena, "making the firewall rule %s", name));
		if (r < 0)
			return r;
		all = all && r;
	}
	return all;
}

/* ---- the network ---------------------------------------------------------------------------------------------------- */

/* 1 it is there and in *body, 0, −1; −2: there is none. */
static int look_up(struct gcp *g, const char *name, const json_t **body)
{
	const json_t *a = gcp_get(g, arena_printf(g->c->arena, "network:%s", name), gcp_compute(g, NULL, "/global/networks/%s", name));
	struct err err;
	if (!a)
		return 0;
	if (gcp_answer_error(a, arena_printf(g->c->arena, "looking for the network %s", name), false, &err)) {
		if (err.code == ERR_NOT_FOUND)
			return -2;
		*g->err = err;
		return -1;
	}
	*body = json_obj(a, "body");
	return 1;
}

static int make_network(struct gcp *g, const json_t **body)
{
	json_t *want = json_pack("{s:s, s:b, s:{s:s}, s:s}", "name", own_network, "autoCreateSubnetworks", 1, "routingConfig", "routingMode", "GLOBAL", "description",
	    "made by skytop");
	int r = make(g, "make-network", gcp_compute(g, NULL, "/global/networks"), want, "making the network skytop-vpc");
	if (r <= 0)
		return r;
	const json_t *a = gcp_get(g, "network-made", gcp_compute(g, NULL, "/global/networks/%s", own_network));
	if (!a)
		return 0;
	if (gcp_answer_error(a, "looking for the network skytop-vpc", false, g->err))
		return -1;
	*body = json_obj(a, "body");
	return 1;
}

/* The one that the task or the settings name; "": none is. */
static const char *wanted_network(struct gcp *g)
{
	const char *name = json_string_value(talk_setting(&g->talk, "vpc_name"));
	return name ? name : "";
}

json_t *gcp_network_memory(struct gcp *g)
{
	return talk_memory(&g->talk, arena_printf(g->c->arena, "network %s", wanted_network(g)));
}

/* The one that the settings name; else "default"; else our own, which is made when there is none. */
static int find(struct gcp *g, const json_t **body)
{
	const char *wanted = wanted_network(g);
	if (*wanted) {
		int r = strspn(wanted, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(wanted) ? look_up(g, wanted, body) : -2;
		if (r != -2)
			return r;
		talk_failed(&g->talk, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, "the project %s has no network %.80s, which the setting gcp.vpc_name names", g->project, wanted);
		return -1;
	}
	int r = look_up(g, "default", body);
	if (r == -2)
		r = look_up(g, own_network, body);
	return r == -2 ? make_network(g, body) : r;
}

static int settle(struct gcp *g)
{
	const json_t *body = NULL;
	int r = find(g, &body);
	if (r > 0)
		r = make_rules(g, json_str(body, "name", ""));
	if (r <= 0)
		return r;
	json_t *m = gcp_network_memory(g), *subs = json_arr(body, "subnetworks");
	json_object_clear(m);
	json_put_str(m, "name", json_str(body, "name", ""));
	json_put_str(m, "project", g->project);
	json_put_bool(m, "auto", json_bool(body, "autoCreateSubnetworks", false));
	json_object_set_new(m, "subnetworks", subs ? json_copy(subs) : json_array());
	json_put_int(m, "until", g->c->env->now_ms + KEEP_MS);
	return 1;
}

/* "…/regions/R/subnetworks/S" → from "projects/" on; of those of the names, if there are any. */
static const char *subnetwork_in(struct arena *a, const json_t *list, const char *region, const json_t *names)
{
	const char *within = arena_printf(a, "/regions/%s/", region);
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v) {
		const char *text = json_string_value(v), *from = text ? strstr(text, "projects/") : NULL;
		if (from && strstr(from, within) && (!json_array_size(names) || json_has(names, gcp_last_part(from))))
			return arena_strdup(a, from);
	}
	return NULL;
}

int gcp_network(struct gcp *g, const char *region, struct gcp_net *out)
{
	const json_t *m = gcp_network_memory(g);
	if (!str_eq(json_str(m, "project", NULL), g->project) || json_int(m, "until", 0) <= g->c->env->now_ms) {
		int r = settle(g);
		if (r <= 0)
			return r;
	}
	const json_t *subs = json_arr(m, "subnetworks");
	const json_t *names = talk_setting_names(&g->talk, "subnet_names");
	const char *sub = subnetwork_in(g->c->arena, subs, region, names), *name = arena_strdup(g->c->arena, json_str(m, "name", ""));
	if (!sub && (json_array_size(names) || !json_bool(m, "auto", false))) {
		talk_failed(&g->talk, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, "the network %s has no subnetwork in %s%s", name, region,
		    json_array_size(names) ? " that gcp.subnet_names names" : "");
		return -1;
	}
	*out = (struct gcp_net){.network = name, .subnetwork = sub};
	return 1;
}

/* ---- ports of a cluster --------------------------------------------------------------------------------------------- */

static const char *ports_name(struct gcp *g, const char *cluster)
{
	return arena_printf(g->c->arena, "%s-ports", gcp_cluster_tag(g->c->arena, cluster));
}

int gcp_open_ports(struct gcp *g, const char *cluster, const char *network, const json_t *ports)
{
	if (!json_array_size(ports))
		return 1;
	const char *name = ports_name(g, cluster);
	json_t *list = json_array(), *v;
	size_t i;
	json_array_foreach(ports, i, v) {
		const char *p = json_string_value(v);
		if (!p || i >= PORTS_MAX || !*p || strspn(p, "0123456789-") != strlen(p)) {
			json_decref(list);
			talk_failed(&g->talk, ERR_INVALID, ERR_SCOPE_TASK, "a port must be a number or a range, at most %d of them: %.40s", PORTS_MAX, p ? p : "?");
			return -1;
		}
		json_array_append(list, v);
	}
	json_t *body = json_pack("{s:s, s:s, s:s, s:[{s:s, s:o}], s:[s], s:[s], s:s}", "name", name, "network",
	    arena_printf(g->c->arena, "global/networks/%s", network), "direction", "INGRESS", "allowed", "IPProtocol", "tcp", "ports", list, "sourceRanges", "0.0.0.0/0",
	    "targetTags", gcp_cluster_tag(g->c->arena, cluster), "description", "made by skytop for one cluster");
	const char *what = arena_printf(g->c->arena, "opening ports by the firewall rule %s", name);
	const json_t *a = gcp_ask(g, "ports", &(struct gcp_ask){.method = "POST", .url = gcp_compute(g, NULL, "/global/firewalls"), .body = json_incref(body)});
	int r = 0;
	struct err err = {.code = ERR_NONE};
	if (a && gcp_answer_error(a, what, false, &err) && err.code == ERR_CONFLICT) { /* there already, maybe with other ports */
		err = (struct err){.code = ERR_NONE};
		a = gcp_ask(g, "ports-again", &(struct gcp_ask){.method = "PATCH", .url = gcp_compute(g, NULL, "/global/firewalls/%s", name), .body = json_incref(body)});
		r = a ? gcp_answer_error(a, what, false, &err) : 0;
	} else if (err.code) {
		r = -1;
	}
	json_decref(body);
	if (a && !r)
		r = gcp_operation(g, "ports", json_obj(a, "body"), MAKE_WAIT_MS, what, &err);
	if (r < 0)
		*g->err = err.code ? err : (struct err){.code = ERR_TIMEOUT, .text = "opening ports takes too long"};
	return r < 0 ? -1 : r;
}

int gcp_close_ports(struct gcp *g, const char *cluster)
{
	const char *name = ports_name(g, cluster), *url = gcp_compute(g, NULL, "/global/firewalls/%s", name);
	const char *what = arena_printf(g->c->arena, "taking back the firewall rule %s", name);
	const json_t *a = gcp_get(g, "ports-there", url);
	struct err err = {.code = ERR_NONE};
	if (!a)
		return 0;
	if (gcp_answer_error(a, what, false, &err)) {
		if (err.code == ERR_NOT_FOUND)
			return 1;
		*g->err = err;
		return -1;
	}
	a = gcp_ask(g, "ports-gone", &(struct gcp_ask){.method = "DELETE", .url = url});
	int r = !a ? 0 : gcp_answer_error(a, what, false, &err) ? -1 : gcp_operation(g, "ports-gone", json_obj(a, "body"), MAKE_WAIT_MS, what, &err);
	if (r == -1 && err.code == ERR_NOT_FOUND)
		return 1;
	if (r < 0)
		*g->err = err.code ? err : (struct err){.code = ERR_TIMEOUT, .text = "taking back a firewall rule takes too long"};
	return r < 0 ? -1 : r;
}
