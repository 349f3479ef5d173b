/* Machines as nodes: looking, stopping, starting. Which are ours is said by tags; what a short tag cannot hold (whole names, the price) is in tags as
 * well, as JSON cut in pieces. What one machine is takes four lists: machines, how they are, their cards, addresses of cards; Azure writes the
 * same id in different cases in them.
 *
 * An id is "subscription/group/name" in lower case: whoever changes the subscription that new machines go to still ends those of the old one. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"
#include "providers/common/change.h"
#include "providers/common/nodes.h"

enum { START_WAIT_MS = 600000, PIECE = 250, PIECES_MAX = 20, LOG_DAYS = 3, NAME_MAX_ = 90 };

/* ---- names ---------------------------------------------------------------------------------------------------------- */

static const char *lower_case(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text);
	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return out;
}

static bool name_ok(const char *s, size_t n)
{
	if (!n || n > NAME_MAX_ || s[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-_.()", s[i]))
			return false;
	return true;
}

bool azure_id_parse(struct arena *a, const char *text, struct azure_id *out)
{
	const char *group = strchr(text, '/'), *name = group ? strchr(group + 1, '/') : NULL;
	if (!name || !name_ok(text, (size_t)(group - text)) || !name_ok(group + 1, (size_t)(name - group - 1)) || !name_ok(name + 1, strlen(name + 1)))
		return false;
	const char *low = lower_case(a, text);
	if (!str_starts(low + (group + 1 - text), "skytop-")) /* what skytop makes is in groups of its own */
		return false;
	*out = (struct azure_id){arena_strndup(a, low, (size_t)(group - text)), arena_strndup(a, low + (group + 1 - text), (size_t)(name - group - 1)),
	    arena_strdup(a, low + (name + 1 - text))};
	return true;
}

const char *azure_group_name(struct arena *a, const char *cluster, const char *region)
{
	return arena_printf(a, "skytop-%s-%s", name_hash(a, cluster), region);
}

const char *azure_group_path(struct arena *a, const char *group)
{
	return group ? arena_printf(a, "/resourceGroups/%s", group) : "";
}

/* "/subscriptions/S/resourceGroups/G/providers/…/NAME" → "s/g/name". */
static const char *short_id(struct arena *a, const char *id)
{
	char *low = arena_strdup(a, lower_case(a, id)), *sub = strstr(low, "/subscriptions/"), *group = strstr(low, "/resourcegroups/"), *last = strrchr(low, '/');
	if (!sub || !group || !last || group < sub)
		return "";
	sub += strlen("/subscriptions/");
	group += strlen("/resourcegroups/");
	return arena_printf(a, "%.*s/%.*s/%s", (int)strcspn(sub, "/"), sub, (int)strcspn(group, "/"), group, last + 1);
}

/* ---- tags ----------------------------------------------------------------------------------------------------------- */

bool azure_tag_record(json_t *tags, const json_t *record)
{
	char *text = json_dumps(record, JSON_COMPACT | JSON_ENSURE_ASCII), key[32], piece[PIECE + 1];
	size_t n = strlen(text), i = 0;
	for (; i * PIECE < n && i < PIECES_MAX; i++) {
		snprintf(key, sizeof key, "skytop-record-%zu", i);
		snprintf(piece, sizeof piece, "%s", text + i * PIECE);
		json_put_str(tags, key, piece);
	}
	free(text);
	return i * PIECE >= n;
}

/* New reference; NULL: there is none, or not all of it. */
static json_t *record_of(const json_t *tags)
{
	struct str s = str_new(PIECE * PIECES_MAX + 1);
	char key[32];
	for (size_t i = 0; i < PIECES_MAX; i++) {
		snprintf(key, sizeof key, "skytop-record-%zu", i);
		str_add(&s, json_str(tags, key, ""));
	}
	json_t *j = json_parse(str_text(&s), s.len, NULL);
	str_free(&s);
	return j;
}

/* ---- a machine as a node -------------------------------------------------------------------------------------------- */

/* The lists that nodes are made of. */
struct lists {
	const json_t *machines, *states, *cards, *addresses;
};

static const json_t *with_id(struct azure *g, const json_t *list, const char *id)
{
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
		if (str_ieq(json_str(v, "id", ""), id))
			return v;
	(void)g;
	return NULL;
}

/* "PowerState/running" → "running"; "" when nothing is said. */
static const char *code_of(const json_t *view, const char *kind)
{
	size_t i, n = strlen(kind);
	json_t *v;
	json_array_foreach(json_arr(view, "statuses"), i, v) {
		const char *code = json_str(v, "code", "");
		if (str_starts(code, kind) && code[n] == '/')
			return code + n + 1;
	}
	return "";
}

/* Power first: what is off inside but still held is billed, and not what skytop calls stopped. */
static const char *status_of(const char *power, const char *made)
{
	static const struct {
		const char *power, *ours;
	} words[] = {{"running", "RUNNING"}, {"starting", "PENDING"}, {"stopping", "STOPPING"}, {"stopped", "STOPPING"}, {"deallocating", "STOPPING"},
	    {"deallocated", "STOPPED"}};
	if (str_starts(made, "deleting"))
		return "STOPPING";
	if (str_starts(made, "failed") && !*power)
		return "TERMINATED";
	if (str_starts(made, "creating"))
		return "PENDING";
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(words[i].power, power))
			return words[i].ours;
	return "PENDING";
}

static json_t *copy_or(const json_t *rec, const char *key, json_t *dflt)
{
	json_t *v = json_object_get(rec, key);
	if (!v)
		return dflt;
	json_decref(dflt);
	return json_deep_copy(v);
}

/* Its address inside, and outside, if it has them. */
static void addresses_of(struct azure *g, const struct lists *l, const char *id, const char **inside, const char **outside)
{
	size_t i;
	json_t *v;
	*inside = *outside = NULL;
	json_array_foreach(l->cards, i, v) {
		const json_t *p = json_obj(v, "properties");
		if (!str_ieq(json_str(json_obj(p, "virtualMachine"), "id", ""), id))
			continue;
		const json_t *ip = json_obj(json_array_get(json_arr(p, "ipConfigurations"), 0), "properties");
		const json_t *pip = with_id(g, l->addresses, json_str(json_obj(ip, "publicIPAddress"), "id", "?"));
		*inside = json_str(ip, "privateIPAddress", NULL);
		*outside = json_str(json_obj(pip, "properties"), "ipAddress", NULL);
	}
}

static const char *reason_of(struct azure *g, const char *power, const char *made)
{
	if (str_ieq(power, "stopped"))
		return "it is shut down, but costs as before until it is stopped or ended";
	return str_starts(made, "failed") ? arena_printf(g->c->arena, "Azure could not make it: %s", made) : NULL;
}

static json_t *node(struct azure *g, const struct lists *l, const json_t *vm)
{
	const json_t *tags = json_obj(vm, "tags"), *p = json_obj(vm, "properties");
	const char *id = json_str(vm, "id", ""), *inside, *outside;
	if (!json_str(tags, "skytop-cluster", NULL))
		return NULL;
	const json_t *state = with_id(g, l->states, id), *view = json_obj(json_obj(state, "properties"), "instanceView");
	const char *power = code_of(view, "PowerState"), *made = code_of(view, "ProvisioningState");
	if (!*made)
		made = lower_case(g->c->arena, json_str(p, "provisioningState", ""));
	json_t *rec = record_of(tags), *n = json_object();
	int64_t rank = 0;
	num_int(json_str(tags, "skytop-rank", "0"), 0, 1000000, &rank);
	const char *status = status_of(power, made);
	addresses_of(g, l, id, &inside, &outside);
	json_put_str(n, "id", short_id(g->c->arena, id));
	json_object_set_new(n, "token", copy_or(rec, "token", json_string(json_str(tags, "skytop-token", ""))));
	json_object_set_new(n, "cluster", copy_or(rec, "cluster", json_string(json_str(tags, "skytop-cluster", ""))));
	json_object_set_new(n, "name", copy_or(rec, "name", json_string(json_str(tags, "skytop-name", ""))));
	json_object_set_new(n, "rank", copy_or(rec, "rank", json_integer((json_int_t)rank)));
	json_put_str(n, "status", status);
	json_put_str(n, "ip", inside);
	json_object_set_new(n, "reach", str_eq(status, "RUNNING") && (outside || inside) ? nodes_reach(outside ? outside : inside, AZURE_USER) : json_null());
	json_object_set_new(n, "tags", copy_or(rec, "tags", json_object()));
	json_object_set_new(n, "created_at", copy_or(rec, "created_at", json_integer((json_int_t)name_time(json_str(p, "timeCreated", NULL)))));
	json_object_set_new(n, "price_uusd_h", copy_or(rec, "price_uusd_h", json_null()));
	json_put_str(n, "instance_type", json_str(json_obj(p, "hardwareProfile"), "vmSize", ""));
	json_put_str(n, "region", azure_region(g->c->arena, json_str(vm, "location", "")));
	json_put_str(n, "zone", "");
	json_put_bool(n, "use_spot", str_ieq(json_str(p, "priority", ""), "Spot"));
	json_object_set_new(n, "reason", json_foreign(reason_of(g, power, made)));
	json_decref(rec);
	return n;
}

json_t *azure_nodes(struct azure *g, const char *round, const char *subscription, const char *group, const char *user)
{
	struct arena *a = g->c->arena;
	const char *sub = subscription ? subscription : g->subscription, *at = arena_printf(a, "%s:%s:%s", round, sub, group ? group : "");
	const char *in = azure_group_path(a, group);
	struct lists l = {
	    .machines = azure_list(g, arena_printf(a, "%s:machines", at),
		azure_in(g, sub, AZURE_COMPUTE, "%s/providers/Microsoft.Compute/virtualMachines", in), "listing the machines of Azure"),
	    .cards = azure_list(g, arena_printf(a, "%s:cards", at),
		azure_in(g, sub, AZURE_NETWORK, "%s/providers/Microsoft.Network/networkInterfaces", in), "listing the network cards of Azure"),
	    .addresses = azure_list(g, arena_printf(a, "%s:addresses", at),
		azure_in(g, sub, AZURE_NETWORK, "%s/providers/Microsoft.Network/publicIPAddresses", in), "listing the addresses of Azure"),
	    .states = azure_list(g, arena_printf(a, "%s:%s:states", round, sub),
		azure_in(g, sub, AZURE_COMPUTE, "/providers/Microsoft.Compute/virtualMachines?statusOnly=true"), "asking how the machines of Azure are"),
	};
	if (!l.machines || !l.cards || !l.addresses || !l.states)
		return NULL;
	json_t *out = json_array(), *v;
	size_t i;
	json_array_foreach(l.machines, i, v) {
		json_t *n = !user || str_eq(json_str(json_obj(v, "tags"), "skytop-user", ""), user) ? node(g, &l, v) : NULL;
		if (n)
			json_array_append_new(out, n);
	}
	return nodes_sorted(out);
}

/* ---- finding them --------------------------------------------------------------------------------------------------- */

/* Of a cluster in all its groups. */
static json_t *of_cluster(struct azure *g, const char *round, const char *cluster, const json_t *groups)
{
	json_t *out = json_array(), *v, *n;
	bool whole = true;
	size_t i, k;
	json_array_foreach(groups, i, v) {
		json_t *some = azure_nodes(g, round, json_str(v, "subscription", ""), json_str(v, "name", ""), NULL);
		whole = whole && some;
		json_array_foreach(some, k, n)
			if (str_eq(json_str(n, "cluster", ""), cluster))
				json_array_append(out, n);
		json_decref(some);
	}
	if (whole)
		return nodes_sorted(out);
	json_decref(out);
	return NULL;
}

static json_t *look(struct azure *g, const char *round, const char *cluster, const json_t *ids)
{
	if (!cluster)
		return azure_nodes(g, round, NULL, NULL, name_label(g->c->arena, g->c->env->user ? g->c->env->user : "0"));
	json_t *groups = azure_groups(g, round, cluster, ids);
	json_t *nodes = groups ? of_cluster(g, round, cluster, groups) : NULL;
	json_decref(groups);
	return nodes;
}

/* ---- query ---------------------------------------------------------------------------------------------------------- */

/* Did Azure take it back, as the log of its group says? 1, 0 with *yes unset: to be asked. A log that cannot be read says nothing. */
static int evicted(struct azure *g, const struct azure_id *id, bool *yes)
{
	char since[32];
	time_t t = (time_t)(g->c->env->now_ms / 1000 - LOG_DAYS * 86400);
	struct tm tm;
	gmtime_r(&t, &tm);
	strftime(since, sizeof since, "%Y-%m-%dT%H:00:00Z", &tm);
	const char *filter = talk_quote(g->c->arena, arena_printf(g->c->arena, "eventTimestamp ge '%s' and resourceGroupName eq '%s'", since, id->group));
	const char *url = azure_in(g, id->subscription, "2015-04-01", "/providers/Microsoft.Insights/eventtypes/management/values?$filter=%s", filter);
	const json_t *a = azure_get(g, arena_printf(g->c->arena, "log:%s/%s", id->subscription, id->group), url), *v;
	const char *end = arena_printf(g->c->arena, "/virtualmachines/%s", id->name);
	size_t i;
	*yes = false;
	if (!a)
		return 0;
	json_array_foreach(json_arr(json_obj(a, "body"), "value"), i, v)
		if (str_glob("*evict*", json_str(json_obj(v, "operationName"), "value", "")) &&
		    str_ends(lower_case(g->c->arena, json_str(v, "resourceId", "")), end))
			*yes = true;
	return 1;
}

/* Known nodes that no list has: taken back by Azure, or simply gone (and not spoken of). The group of a cluster that was ended is gone. 1, 0. */
static int add_absent(struct azure *g, json_t *nodes, const json_t *ids)
{
	int whole = 1;
	size_t i;
	json_t *v;
	json_array_foreach(ids, i, v) {
		struct azure_id id;
		const char *text = json_string_value(v);
		bool yes;
		if (!text || !azure_id_parse(g->c->arena, text, &id) || nodes_by_id(nodes, text))
			continue;
		if (!evicted(g, &id, &yes))
			whole = 0;
		else if (yes)
			json_array_append_new(nodes, nodes_absent(text, "PREEMPTED", "Azure took it back"));
	}
	return whole;
}

enum provider_step azure_query(struct azure *g)
{
	const json_t *ids = json_arr(g->c->args, "ids");
	json_t *nodes = look(g, "look", json_str(g->c->args, "cluster", NULL), ids);
	if (!nodes)
		return talk_wait(&g->talk);
	if (add_absent(g, nodes, ids))
		return talk_done(&g->talk, json_pack("{s:o}", "nodes", nodes));
	json_decref(nodes);
	return talk_send(&g->talk);
}

/* ---- stop and start ------------------------------------------------------------------------------------------------- */

/* POST VM/verb; a stop is not waited for. */
static int act(void *cloud, const char *text, struct err *err)
{
	struct azure *g = cloud;
	struct azure_id found, *id = &found;
	bool starts = g->c->verb == PROVIDER_START;
	if (!azure_id_parse(g->c->arena, text, id))
		return 1;
	const char *url = azure_in(g, id->subscription, AZURE_COMPUTE, "/resourceGroups/%s/providers/Microsoft.Compute/virtualMachines/%s/%s", id->group, id->name,
	    starts ? "start" : "deallocate");
	const char *what = arena_printf(g->c->arena, "%s %s", starts ? "starting" : "stopping", id->name);
	int r = azure_do(g, "POST", arena_printf(g->c->arena, "act:%s/%s/%s", id->subscription, id->group, id->name), url, NULL, starts ? START_WAIT_MS : 0, what, err);
	if (r == -1 && !starts && (err->code == ERR_NOT_FOUND || err->code == ERR_CONFLICT)) { /* gone, or on its way already */
		*err = (struct err){.code = ERR_NONE};
		return 1;
	}
	return r;
}

static json_t *look_at_args(void *cloud, const char *round)
{
	struct azure *g = cloud;
	return look(g, round, json_str(g->c->args, "cluster", NULL), json_arr(g->c->args, "ids"));
}

enum provider_step azure_start(struct azure *g)
{
	static const char *const from[] = {"STOPPED", NULL};
	return change_nodes(&(struct change){&g->talk, g, from, look_at_args, act});
}

/* One that is off inside, and held all the same, is STOPPING. */
enum provider_step azure_stop(struct azure *g)
{
	static const char *const from[] = {"RUNNING", "PENDING", "STOPPING", NULL};
	return change_nodes(&(struct change){&g->talk, g, from, look_at_args, act});
}
