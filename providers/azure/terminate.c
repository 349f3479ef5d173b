/* Ending: of a cluster all its groups, which takes the network, the cards, the addresses and the disks along; of single machines the machine, whose
 * card, address and disk go with it, or their group when it is ours and nothing else is in it. A group that is on its way out is not asked again,
 * since that makes it take longer; it is gone when no list has it. */
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"
#include "providers/common/nodes.h"
#include "providers/common/requests.h"

enum { END_WAIT_MS = 20000 };

/* ---- groups --------------------------------------------------------------------------------------------------------- */

static json_t *group_with(json_t *groups, const char *subscription, const char *name)
{
	size_t i;
	json_t *v;
	json_array_foreach(groups, i, v)
		if (str_ieq(json_str(v, "subscription", ""), subscription) && str_ieq(json_str(v, "name", ""), name))
			return v;
	return NULL;
}

/* The subscriptions to look in: ours, and those of the ids. NULL-terminated. */
static const char **subscriptions_of(struct azure *g, const json_t *ids)
{
	const char **v = arena_alloc(g->c->arena, (json_array_size(ids) + 2) * sizeof *v);
	size_t n = 0, i, k;
	json_t *id;
	v[n++] = g->subscription;
	json_array_foreach(ids, i, id) {
		struct azure_id p;
		if (!json_is_string(id) || !azure_id_parse(g->c->arena, json_string_value(id), &p))
			continue;
		for (k = 0; k < n && !str_ieq(v[k], p.subscription); k++)
			;
		if (k == n)
			v[n++] = p.subscription;
	}
	v[n] = NULL;
	return v;
}

static void add(json_t *out, const char *subscription, const json_t *group)
{
	json_t *o = json_object();
	json_put_str(o, "subscription", subscription);
	json_put_str(o, "name", json_str(group, "name", ""));
	json_put_bool(o, "tagged", json_str(json_obj(group, "tags"), "skytop-cluster", NULL) != NULL);
	json_put_bool(o, "ending", str_ieq(json_str(json_obj(group, "properties"), "provisioningState", ""), "Deleting"));
	json_array_append_new(out, o);
}

/* Is it the cluster's, or that of an id? */
static bool wanted(struct azure *g, const char *subscription, const json_t *group, const char *cluster, const json_t *ids)
{
	const char *tag = json_str(json_obj(group, "tags"), "skytop-cluster", NULL);
	size_t i;
	json_t *v;
	if (cluster && str_eq(tag, name_label(g->c->arena, cluster)))
		return true;
	json_array_foreach(ids, i, v) {
		struct azure_id id;
		if (json_is_string(v) && azure_id_parse(g->c->arena, json_string_value(v), &id) && str_ieq(id.subscription, subscription) &&
		    str_ieq(id.group, json_str(group, "name", "")))
			return true;
	}
	return false;
}

json_t *azure_groups(struct azure *g, const char *round, const char *cluster, const json_t *ids)
{
	const char **subs = subscriptions_of(g, ids);
	json_t *out = json_array(), *v;
	bool whole = true;
	size_t k;
	for (size_t i = 0; subs[i]; i++) {
		const json_t *list = azure_list(g, arena_printf(g->c->arena, "%s:%s:groups", round, subs[i]), azure_in(g, subs[i], AZURE_RESOURCES, "/resourcegroups"),
		    "listing the resource groups of Azure");
		whole = whole && list;
		json_array_foreach(list, k, v)
			if (wanted(g, subs[i], v, cluster, ids) && !group_with(out, subs[i], json_str(v, "name", "")))
				add(out, subs[i], v);
	}
	if (whole)
		return out;
	json_decref(out);
	return NULL;
}

/* ---- ending --------------------------------------------------------------------------------------------------------- */

struct ending {
	bool waits;
	struct err first;
	size_t pending;
	struct str why; /* names of what is on its way out */
};

static void still(struct ending *e, const char *name)
{
	e->pending++;
	str_addf(&e->why, "%s%s", e->why.len ? ", " : "", name);
}

static void end(struct azure *g, struct ending *e, const char *key, const char *url, const char *name)
{
	struct err err = {.code = ERR_NONE};
	int r = azure_do(g, "DELETE", key, url, NULL, END_WAIT_MS, arena_printf(g->c->arena, "ending %s", name), &err);
	e->waits = e->waits || !r;
	if (r == -2 || (r == -1 && err.code == ERR_CONFLICT)) /* going, or on its way already */
		still(e, name);
	else if (r == -1 && err.code != ERR_NOT_FOUND && !e->first.code)
		e->first = err;
}

static void end_group(struct azure *g, struct ending *e, const json_t *group)
{
	const char *sub = json_str(group, "subscription", ""), *name = arena_strdup(g->c->arena, json_str(group, "name", ""));
	const char *key = arena_printf(g->c->arena, "end:%s/%s", sub, name);
	if (json_bool(group, "ending", false)) {
		still(e, name);
		return;
	}
	end(g, e, key, azure_in(g, sub, AZURE_RESOURCES, "/resourcegroups/%s?forceDeletionTypes=%s", name, "Microsoft.Compute%2FvirtualMachines"), name);
}

static void end_machine(struct azure *g, struct ending *e, const struct azure_id *id)
{
	const char *url = azure_in(g, id->subscription, AZURE_COMPUTE, "/resourceGroups/%s/providers/Microsoft.Compute/virtualMachines/%s?forceDeletion=true", id->group,
	    id->name);
	end(g, e, arena_printf(g->c->arena, "end:%s/%s/%s", id->subscription, id->group, id->name), url, id->name);
}

/* Is there a machine in the group that is not meant? 1 yes, 0 to be asked, −1 no. */
static int others_in(struct azure *g, const char *sub, const char *name, const json_t *ids)
{
	json_t *nodes = azure_nodes(g, "look", sub, name, NULL), *n;
	size_t i;
	int r = -1;
	if (!nodes)
		return 0;
	json_array_foreach(nodes, i, n)
		if (!json_has(ids, json_str(n, "id", "")))
			r = 1;
	json_decref(nodes);
	return r;
}

/* What is meant by id within one group: the machines, or the whole of it. */
static void end_in_group(struct azure *g, struct ending *e, const json_t *group, const json_t *ids)
{
	const char *sub = json_str(group, "subscription", ""), *name = json_str(group, "name", "");
	size_t i;
	json_t *v;
	int others = json_bool(group, "tagged", false) ? others_in(g, sub, name, ids) : 1;
	if (others < 0) {
		end_group(g, e, group);
		return;
	}
	e->waits = e->waits || !others;
	json_array_foreach(ids, i, v) {
		struct azure_id id;
		if (others && json_is_string(v) && azure_id_parse(g->c->arena, json_string_value(v), &id) && str_ieq(id.group, name) &&
		    str_ieq(id.subscription, sub))
			end_machine(g, e, &id);
	}
}

/* After everything was asked for: is the proof there, that no list has it? 1 with e->pending counted; 0 to be asked, or failed. */
static int look_again(struct azure *g, struct ending *e, const char *cluster)
{
	json_t *groups = azure_groups(g, "again", cluster, NULL), *v;
	size_t i;
	if (!groups)
		return 0;
	json_array_foreach(groups, i, v)
		still(e, json_str(v, "name", ""));
	json_decref(groups);
	return 1;
}

static enum provider_step over(struct azure *g, struct ending *e)
{
	if (!e->pending)
		return talk_done(&g->talk, json_object());
	return talk_done(&g->talk,
	    json_pack("{s:I, s:s}", "pending", (json_int_t)e->pending, "waiting", arena_printf(g->c->arena, "Azure to delete %s", str_text(&e->why))));
}

enum provider_step azure_terminate(struct azure *g)
{
	if (request_check_target(g->c->args, g->err))
		return PROVIDER_FAILED;
	const char *cluster = json_str(g->c->args, "cluster", NULL);
	const json_t *ids = json_arr(g->c->args, "ids");
	json_t *own = cluster ? azure_groups(g, "look", cluster, NULL) : json_array(), *all = azure_groups(g, "look", cluster, ids), *v;
	struct ending e = {.first = {.code = ERR_NONE}, .why = str_new(600)};
	enum provider_step s;
	size_t i;
	if (own && all) {
		json_array_foreach(all, i, v) {
			if (group_with(own, json_str(v, "subscription", ""), json_str(v, "name", "")))
				end_group(g, &e, v);
			else
				end_in_group(g, &e, v, ids);
		}
	}
	if (!own || !all || e.waits)
		s = talk_wait(&g->talk);
	else if (e.first.code) {
		*g->err = e.first;
		s = PROVIDER_FAILED;
	} else if (e.pending || !cluster || !json_array_size(own))
		s = over(g, &e);
	else
		s = look_again(g, &e, cluster) ? over(g, &e) : talk_wait(&g->talk);
	json_decref(own);
	json_decref(all);
	str_free(&e.why);
	return s;
}
