/* Instances as nodes: looking, stopping, starting, ending. Which are ours is said by labels, which lists are filtered by; what a label cannot
 * hold (whole names, tags, the price) is in the instance's metadata under "skytop", as JSON, and counts more than labels.
 *
 * An id is "project/zone/name": whoever changes the project that new machines go to still ends those that are in the old one. A zone that
 * Google cannot reach hides its machines: those known there are UNKNOWN, and their end is pending. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/common/change.h"
#include "providers/common/nodes.h"
#include "providers/common/requests.h"
#include "providers/gcp/gcp_priv.h"

enum { END_WAIT_MS = 20000, START_WAIT_MS = 300000, AGAIN_MS = 60000 };

/* ---- an instance as a node ------------------------------------------------------------------------------------------ */

static const char *status_of(const char *google)
{
	static const struct {
		const char *google, *ours;
	} words[] = {{"PROVISIONING", "PENDING"}, {"STAGING", "PENDING"}, {"REPAIRING", "PENDING"}, {"RUNNING", "RUNNING"}, {"STOPPING", "STOPPING"},
	    {"SUSPENDING", "STOPPING"}, {"DEPROVISIONING", "STOPPING"}, {"TERMINATED", "STOPPED"}, {"STOPPED", "STOPPED"}, {"SUSPENDED", "STOPPED"}};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(words[i].google, google))
			return words[i].ours;
	return "PENDING";
}

/* What create wrote into the metadata; NULL. New reference. */
static json_t *record_of(const json_t *instance)
{
	size_t i;
	json_t *item;
	json_array_foreach(json_arr(json_obj(instance, "metadata"), "items"), i, item) {
		const char *text = json_str(item, "value", NULL);
		if (text && str_eq(json_str(item, "key", ""), "skytop"))
			return json_parse(text, strlen(text), NULL);
	}
	return NULL;
}

/* Who may write metadata may have written anything: only what is of the right kind counts. */
static json_t *copy_or(const json_t *rec, const char *key, json_t *dflt)
{
	json_t *v = json_object_get(rec, key);
	if (!v || (json_typeof(v) != json_typeof(dflt) && !(json_is_null(dflt) && json_is_integer(v))))
		return dflt;
	json_decref(dflt);
	return json_deep_copy(v);
}

json_t *gcp_node(struct gcp *g, const char *project, const json_t *instance)
{
	const json_t *labels = json_obj(instance, "labels"), *nic = json_array_get(json_arr(instance, "networkInterfaces"), 0);
	if (!json_str(labels, "skytop-cluster", NULL))
		return NULL;
	json_t *rec = record_of(instance), *n = json_object();
	const char *name = json_str(instance, "name", ""), *zone = gcp_last_part(json_str(instance, "zone", ""));
	const char *ip = json_str(nic, "networkIP", NULL), *nat = json_str(json_array_get(json_arr(nic, "accessConfigs"), 0), "natIP", NULL);
	const char *google = json_str(instance, "status", ""), *status = status_of(google);
	bool up = str_eq(google, "RUNNING");
	const json_t *how = json_obj(instance, "scheduling");
	json_put_str(n, "id", arena_printf(g->c->arena, "%s/%s/%s", project ? project : g->project, zone, name));
	json_object_set_new(n, "token", copy_or(rec, "token", json_string(json_str(labels, "skytop-token", ""))));
	json_object_set_new(n, "cluster", copy_or(rec, "cluster", json_string(json_str(labels, "skytop-cluster", ""))));
	json_object_set_new(n, "name", copy_or(rec, "name", json_string(json_str(labels, "skytop-name", ""))));
	json_object_set_new(n, "rank", copy_or(rec, "rank", json_integer(0)));
	json_put_str(n, "status", status);
	json_put_str(n, "ip", ip);
	json_object_set_new(n, "reach", up && (nat || ip) ? nodes_reach(nat ? nat : ip, "ubuntu") : json_null());
	json_object_set_new(n, "tags", copy_or(rec, "tags", json_object()));
	json_object_set_new(n, "created_at", copy_or(rec, "created_at", json_integer(name_time(json_str(instance, "creationTimestamp", NULL)))));
	json_object_set_new(n, "price_uusd_h", copy_or(rec, "price_uusd_h", json_null()));
	json_put_str(n, "instance_type", gcp_last_part(json_str(instance, "machineType", "")));
	json_put_str(n, "region", gcp_region_of(g->c->arena, zone));
	json_put_str(n, "zone", zone);
	json_put_bool(n, "use_spot", str_eq(json_str(how, "provisioningModel", ""), "SPOT") || json_bool(how, "preemptible", false));
	json_object_set_new(n, "reason", json_foreign(json_str(instance, "statusMessage", NULL)));
	json_decref(rec);
	return n;
}

static void append_nodes(struct gcp *g, json_t *out, const char *project, const json_t *instances, const char *cluster)
{
	size_t i;
	json_t *v;
	json_array_foreach(instances, i, v) {
		json_t *node = gcp_node(g, project, v);
		if (node && (!cluster || str_eq(json_str(node, "cluster", ""), cluster)))
			json_array_append(out, node);
		json_decref(node);
	}
}

json_t *gcp_nodes(struct gcp *g, const char *project, const json_t *instances, const char *cluster)
{
	json_t *out = json_array();
	append_nodes(g, out, project, instances, cluster);
	return nodes_sorted(out);
}

const char *gcp_cluster_filter(struct arena *a, const char *cluster)
{
	return talk_quote(a, arena_printf(a, "labels.skytop-cluster=\"%s\"", name_label(a, cluster)));
}

static const char *user_filter(struct gcp *g)
{
	const char *user = g->c->env->user ? g->c->env->user : "0";
	return talk_quote(g->c->arena, arena_printf(g->c->arena, "labels.skytop-user=\"%s\"", name_label(g->c->arena, user)));
}

/* ---- finding them --------------------------------------------------------------------------------------------------- */

/* The projects to look in: ours, and those of the ids. NULL-terminated. */
static const char **projects_of(struct gcp *g, const json_t *ids)
{
	const char **v = arena_alloc(g->c->arena, (json_array_size(ids) + 2) * sizeof *v);
	size_t n = 0, i, k;
	json_t *id;
	v[n++] = g->project;
	json_array_foreach(ids, i, id) {
		struct gcp_id p;
		if (!json_is_string(id) || !gcp_id_parse(g->c->arena, json_string_value(id), &p))
			continue;
		for (k = 0; k < n && strcmp(v[k], p.project); k++)
			;
		if (k == n)
			v[n++] = p.project;
	}
	return v;
}

static const char *list_key(struct gcp *g, const char *round, const char *project)
{
	return arena_printf(g->c->arena, "%s:%s", round, project);
}

static const char *aggregated(struct gcp *g, const char *project, const char *filter)
{
	return gcp_compute(g, project, "/aggregated/instances?maxResults=500&returnPartialSuccess=true&filter=%s", filter);
}

/* All instances of a cluster (NULL: of this user) wherever they are, as nodes. NULL: to be asked, or failed (g->err->code). `round` tells one
 * look from the next. New reference. */
static json_t *look(struct gcp *g, const char *round, const char *cluster, const json_t *ids)
{
	const char **projects = projects_of(g, ids), *filter = cluster ? gcp_cluster_filter(g->c->arena, cluster) : user_filter(g);
	json_t *out = json_array();
	bool whole = true;
	for (size_t i = 0; projects[i]; i++) {
		const json_t *list =
		    gcp_list(g, list_key(g, round, projects[i]), aggregated(g, projects[i], filter), "instances", "listing the instances of Google Cloud");
		whole = whole && list;
		append_nodes(g, out, projects[i], list, cluster);
	}
	if (whole)
		return nodes_sorted(out);
	json_decref(out);
	return NULL;
}

static bool hidden(struct gcp *g, const char *round, const struct gcp_id *id)
{
	return gcp_unreachable(g, list_key(g, round, id->project), id->zone);
}

/* Who asks for a cluster without knowing its nodes must not take silence for absence: what a zone that cannot be reached hides is not known.
 * NULL: nothing is hidden, or the nodes are known. */
static const char *in_the_dark(struct gcp *g)
{
	const json_t *lost = gcp_all_unreachable(g, list_key(g, "look", g->project));
	if (!json_array_size(lost) || json_array_size(json_arr(g->c->args, "ids")))
		return NULL;
	return arena_printf(g->c->arena, "Google Cloud cannot reach its zone %.60s just now, which may hide machines", json_string_value(json_array_get(lost, 0)));
}

/* ---- query ---------------------------------------------------------------------------------------------------------- */

/* When Google took an instance back the last time, as the operations of its zone say: 1 with *at (0: it did not), 0 to be asked. What cannot be
 * asked was not. */
static int reclaimed_at(struct gcp *g, const struct gcp_id *id, int64_t *at)
{
	const char *filter = talk_quote(g->c->arena, "operationType=\"compute.instances.preempted\"");
	const char *url = gcp_compute(g, id->project, "/zones/%s/operations?maxResults=500&orderBy=%s&filter=%s", id->zone,
	    talk_quote(g->c->arena, "creationTimestamp desc"), filter);
	const json_t *a = gcp_get(g, arena_printf(g->c->arena, "preempted:%s/%s", id->project, id->zone), url), *op;
	const char *end = arena_printf(g->c->arena, "/instances/%s", id->name);
	size_t i;
	*at = 0;
	if (!a)
		return 0;
	json_array_foreach(json_arr(json_obj(a, "body"), "items"), i, op) {
		int64_t t = name_time(json_str(op, "insertTime", json_str(op, "startTime", NULL)));
		if (str_ends(json_str(op, "targetLink", ""), end) && t > *at)
			*at = t;
	}
	return 1;
}

/* When the instance behind a node was last started. */
static int64_t started_at(struct gcp *g, const char *round, const json_t *node)
{
	struct gcp_id id;
	size_t i;
	json_t *v;
	if (!gcp_id_parse(g->c->arena, json_str(node, "id", ""), &id))
		return 0;
	const json_t *list = gcp_list(g, list_key(g, round, id.project), "", "instances", "");
	json_array_foreach(list, i, v)
		if (str_eq(json_str(v, "name", ""), id.name) && str_eq(gcp_last_part(json_str(v, "zone", "")), id.zone))
			return name_time(json_str(v, "lastStartTimestamp", json_str(v, "creationTimestamp", NULL)));
	return 0;
}

/* A spot machine on its way out: by Google, or by its user? One that stays, stopped, is no less there for having been taken back. 1, 0. */
static int tell_reclaimed(struct gcp *g, json_t *node)
{
	struct gcp_id id;
	const char *status = json_str(node, "status", "");
	int64_t at;
	if (!json_bool(node, "use_spot", false) || (strcmp(status, "STOPPED") && strcmp(status, "STOPPING")) ||
	    !gcp_id_parse(g->c->arena, json_str(node, "id", ""), &id))
		return 1;
	if (!reclaimed_at(g, &id, &at))
		return 0;
	if (!at || at < started_at(g, "look", node))
		return 1;
	json_put_str(node, "reason", "Google Cloud took it back");
	if (!strcmp(status, "STOPPING"))
		json_put_str(node, "status", "PREEMPTED");
	return 1;
}

/* Known nodes that no list has: in a zone that cannot be seen now, taken back by Google, or simply gone (and not spoken of). 1, 0. */
static int add_absent(struct gcp *g, json_t *nodes, const json_t *ids)
{
	int whole = 1;
	size_t i;
	json_t *v;
	json_array_foreach(ids, i, v) {
		struct gcp_id id;
		const char *text = json_string_value(v);
		int64_t at;
		if (!text || !gcp_id_parse(g->c->arena, text, &id) || nodes_by_id(nodes, text))
			continue;
		if (hidden(g, "look", &id))
			json_array_append_new(nodes, nodes_absent(text, "UNKNOWN", arena_printf(g->c->arena, "Google Cloud cannot reach its zone %s just now", id.zone)));
		else if (!reclaimed_at(g, &id, &at))
			whole = 0;
		else if (at)
			json_array_append_new(nodes, nodes_absent(text, "PREEMPTED", "Google Cloud took it back"));
	}
	return whole;
}

enum provider_step gcp_query(struct gcp *g)
{
	const json_t *ids = json_arr(g->c->args, "ids");
	json_t *nodes = look(g, "look", json_str(g->c->args, "cluster", NULL), ids), *n;
	size_t i;
	bool whole = true;
	if (!nodes)
		return talk_wait(&g->talk);
	const char *dark = json_str(g->c->args, "cluster", NULL) ? in_the_dark(g) : NULL;
	if (dark) {
		json_decref(nodes);
		return talk_failed(&g->talk, ERR_NETWORK, ERR_SCOPE_PLACE, "%s", dark);
	}
	json_array_foreach(nodes, i, n)
		whole = tell_reclaimed(g, n) && whole;
	whole = add_absent(g, nodes, ids) && whole;
	if (whole)
		return talk_done(&g->talk, json_pack("{s:o}", "nodes", nodes));
	json_decref(nodes);
	return talk_send(&g->talk);
}

/* ---- doing something to them ---------------------------------------------------------------------------------------- */

static const char *instance_url(struct gcp *g, const struct gcp_id *id, const char *verb)
{
	return gcp_compute(g, id->project, "/zones/%s/instances/%s%s", id->zone, id->name, verb);
}

/* A request about one instance, and the operation that it begins, for at most max_ms: 1 done, 0 not yet, −1 *err, −2 still going. Gone is
 * done when gone_is_fine. */
static int act_on(struct gcp *g, const struct gcp_id *id, const struct gcp_ask *q, const char *what, int64_t max_ms, bool gone_is_fine, struct err *err)
{
	const char *key = arena_printf(g->c->arena, "act:%s/%s/%s", id->project, id->zone, id->name);
	const json_t *a = gcp_ask(g, key, q);
	if (!a)
		return 0;
	bool starts = g->c->verb == PROVIDER_START;
	if (gcp_answer_error(a, what, starts, err))
		return gone_is_fine && err->code == ERR_NOT_FOUND ? 1 : -1;
	int r = max_ms ? gcp_operation(g, key, json_obj(a, "body"), max_ms, what, err) : -2;
	return r == -1 && gone_is_fine && err->code == ERR_NOT_FOUND ? 1 : r;
}

/* Those with local SSDs are only stopped when it is said what becomes of these: kept where Google can, which it cannot for the largest. */
static bool has_local_ssd(struct gcp *g, const struct gcp_id *id)
{
	const json_t *list = gcp_list(g, list_key(g, "look", id->project), "", "instances", "");
	size_t i, k;
	json_t *v, *d;
	json_array_foreach(list, i, v)
		if (str_eq(json_str(v, "name", ""), id->name) && str_eq(gcp_last_part(json_str(v, "zone", "")), id->zone))
			json_array_foreach(json_arr(v, "disks"), k, d)
				if (str_eq(json_str(d, "type", ""), "SCRATCH"))
					return true;
	return false;
}

static int stop_one(void *cloud, const char *text, struct err *err)
{
	struct gcp *g = cloud;
	struct gcp_id found, *id = &found;
	if (!gcp_id_parse(g->c->arena, text, id))
		return 1;
	const char *what = arena_printf(g->c->arena, "stopping %s in %s", id->name, id->zone);
	bool ssd = has_local_ssd(g, id);
	struct gcp_ask q = {.method = "POST", .url = instance_url(g, id, ssd ? "/stop?discardLocalSsd=false" : "/stop")};
	int r = act_on(g, id, &q, what, 0, true, err);
	if (r != -1 || err->code != ERR_INVALID || !ssd)
		return r;
	*err = (struct err){.code = ERR_NONE};
	const json_t *a = gcp_ask(g, arena_printf(g->c->arena, "discard:%s/%s", id->zone, id->name),
	    &(struct gcp_ask){.method = "POST", .url = instance_url(g, id, "/stop?discardLocalSsd=true")});
	return !a ? 0 : gcp_answer_error(a, what, false, err) ? -1 : 1;
}

static int start_one(void *cloud, const char *text, struct err *err)
{
	struct gcp *g = cloud;
	struct gcp_id id;
	if (!gcp_id_parse(g->c->arena, text, &id))
		return 1;
	const char *what = arena_printf(g->c->arena, "starting %s in %s", id.name, id.zone);
	return act_on(g, &id, &(struct gcp_ask){.method = "POST", .url = instance_url(g, &id, "/start")}, what, START_WAIT_MS, false, err);
}

static json_t *look_at_args(void *cloud, const char *round)
{
	struct gcp *g = cloud;
	return look(g, round, json_str(g->c->args, "cluster", NULL), json_arr(g->c->args, "ids"));
}

enum provider_step gcp_start(struct gcp *g)
{
	static const char *const from[] = {"STOPPED", NULL};
	return change_nodes(&(struct change){&g->talk, g, from, look_at_args, start_one});
}

enum provider_step gcp_stop(struct gcp *g)
{
	static const char *const from[] = {"RUNNING", "PENDING", NULL};
	return change_nodes(&(struct change){&g->talk, g, from, look_at_args, stop_one});
}

/* ---- terminate ------------------------------------------------------------------------------------------------------ */

/* What is to be ended: what the look found, and what was named and not found by its labels but may be there all the same. */
static json_t *condemned(struct gcp *g, const json_t *found)
{
	json_t *out = json_array(), *v;
	size_t i;
	json_array_foreach(found, i, v)
		json_array_append(out, json_object_get(v, "id"));
	json_array_foreach(json_arr(g->c->args, "ids"), i, v) {
		struct gcp_id id;
		if (json_is_string(v) && gcp_id_parse(g->c->arena, json_string_value(v), &id) && !json_has(out, json_string_value(v)))
			json_array_append(out, v);
	}
	return out;
}

/* One that was asked for a moment ago is not asked for again, so that a caller may come often. */
static int end_one(struct gcp *g, const char *id_text, const struct gcp_id *id, bool seen, struct err *err)
{
	json_t *asked = talk_memory(&g->talk, "ending");
	const char *key = arena_printf(g->c->arena, "asked:%s", id_text);
	int64_t now = g->c->env->now_ms;
	if (seen && !json_str(g->c->scratch, key, NULL) && now - json_int(asked, id_text, -AGAIN_MS) < AGAIN_MS)
		return -2;
	json_put_str(g->c->scratch, key, "now");
	struct gcp_ask q = {.method = "DELETE", .url = instance_url(g, id, "")};
	int r = act_on(g, id, &q, arena_printf(g->c->arena, "ending %s in %s", id->name, id->zone), END_WAIT_MS, true, err);
	if (r == -1 && err->code == ERR_CONFLICT) /* it is on its way already */
		r = -2;
	if (r == -2)
		json_put_int(asked, id_text, now);
	else if (r)
		json_object_del(asked, id_text);
	return r;
}

/* Nothing of the cluster is left: then what was opened for it goes as well. */
static enum provider_step nothing_left(struct gcp *g)
{
	const char *cluster = json_str(g->c->args, "cluster", NULL), *dark = cluster ? in_the_dark(g) : NULL;
	if (dark)
		return talk_done(&g->talk, json_pack("{s:i, s:s}", "pending", 1, "waiting", dark));
	int r = cluster ? gcp_close_ports(g, cluster) : 1;
	return r > 0 ? talk_done(&g->talk, json_object()) : r ? PROVIDER_FAILED : talk_send(&g->talk);
}

static json_t *nothing_or_look(struct gcp *g, const char *round, const char *cluster, const json_t *ids)
{
	return cluster ? look(g, round, cluster, ids) : json_array();
}

static enum provider_step pending(struct gcp *g, const json_t *ids, size_t n)
{
	json_t *r = json_object(), *v;
	struct str why = str_new(600);
	size_t i;
	json_array_foreach(ids, i, v) {
		struct gcp_id id;
		if (gcp_id_parse(g->c->arena, json_string_value(v), &id))
			str_addf(&why, "%s%s%s", why.len ? ", " : "", id.name, hidden(g, "look", &id) ? " (its zone cannot be reached)" : "");
	}
	json_put_int(r, "pending", (int64_t)n);
	json_put_str(r, "waiting", arena_printf(g->c->arena, "Google Cloud to delete %s", str_text(&why)));
	str_free(&why);
	return talk_done(&g->talk, r);
}

enum provider_step gcp_terminate(struct gcp *g)
{
	if (request_check_target(g->c->args, g->err))
		return PROVIDER_FAILED;
	const char *cluster = json_str(g->c->args, "cluster", NULL);
	const json_t *given = json_arr(g->c->args, "ids");
	json_t *found = nothing_or_look(g, "look", cluster, given), *v;
	if (!found)
		return talk_wait(&g->talk);
	json_t *ids = condemned(g, found), *left = json_array();
	struct err first = {.code = ERR_NONE};
	bool waits = false;
	size_t i;
	json_array_foreach(ids, i, v) {
		struct gcp_id id;
		struct err err = {.code = ERR_NONE};
		gcp_id_parse(g->c->arena, json_string_value(v), &id);
		int r = end_one(g, json_string_value(v), &id, nodes_by_id(found, json_string_value(v)) != NULL, &err);
		waits = waits || !r;
		if (r == -1 && !first.code)
			first = err;
		if (r == -2)
			json_array_append(left, v);
	}
	bool any = json_array_size(ids) > 0;
	json_decref(ids);
	json_decref(found);
	enum provider_step s;
	if (waits) {
		s = talk_send(&g->talk);
	} else if (first.code) {
		*g->err = first;
		s = PROVIDER_FAILED;
	} else if (json_array_size(left)) {
		s = pending(g, left, json_array_size(left));
	} else if (!any || !cluster) {
		s = nothing_left(g);
	} else {
		/* Every delete has ended; only a list without them is the proof. */
		json_t *again = look(g, "again", cluster, given);
		size_t n = json_array_size(again);
		json_t *still = again ? condemned(g, again) : NULL;
		s = !again ? talk_wait(&g->talk) : n ? pending(g, still, n) : nothing_left(g);
		json_decref(again);
		json_decref(still);
	}
	json_decref(left);
	return s;
}
