/* Who are we, what may we do, what is the account allowed: for `skytop check`. Missing credentials are an answer and not an error. */
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/common/report.h"
#include "providers/azure/azure_priv.h"

static const struct report_permission permissions[] = {
    {"Microsoft.Resources/subscriptions/resourceGroups/read", "to find clusters", true},
    {"Microsoft.Resources/subscriptions/resourceGroups/write", "to make clusters", true},
    {"Microsoft.Resources/subscriptions/resourceGroups/delete", "to end clusters", true},
    {"Microsoft.Compute/virtualMachines/read", "to look at machines", true},
    {"Microsoft.Compute/virtualMachines/write", "to make machines", true},
    {"Microsoft.Compute/virtualMachines/delete", "to end machines", true},
    {"Microsoft.Compute/virtualMachines/start/action", "to start machines", true},
    {"Microsoft.Compute/virtualMachines/deallocate/action", "to stop machines", true},
    {"Microsoft.Compute/disks/write", "to make the disks of machines", true},
    {"Microsoft.Network/virtualNetworks/write", "to make the network of a cluster", true},
    {"Microsoft.Network/virtualNetworks/subnets/join/action", "to put machines into the network", true},
    {"Microsoft.Network/networkSecurityGroups/write", "to let SSH and ports through", true},
    {"Microsoft.Network/networkSecurityGroups/join/action", "to let SSH and ports through", true},
    {"Microsoft.Network/networkInterfaces/write", "to give machines a network card", true},
    {"Microsoft.Network/publicIPAddresses/write", "to give machines an address", true},
    {"Microsoft.Compute/locations/usages/read", "to see quotas", false},
    {"Microsoft.Compute/skus/read", "to see what may be had where", false},
    {"Microsoft.Insights/eventtypes/values/Read", "to tell a reclaim from an end by hand", false},
};

static bool any_fits(const json_t *globs, const char *name)
{
	size_t i;
	json_t *v;
	json_array_foreach(globs, i, v)
		if (json_is_string(v) && str_glob(json_string_value(v), name))
			return true;
	return false;
}

/* [{"actions": ["*"], "notActions": […]}, …]: what one of them gives and does not take. */
static bool granted(const void *roles, const char *name)
{
	size_t i;
	json_t *r;
	json_array_foreach(roles, i, r)
		if (any_fits(json_arr(r, "actions"), name) && !any_fits(json_arr(r, "notActions"), name))
			return true;
	return false;
}

static const char *who(struct azure *g)
{
	return g->identity && g->subscription ? arena_printf(g->c->arena, "%s, subscription %s", g->identity, g->subscription) : g->identity;
}

static enum provider_step refused(struct azure *g)
{
	return report_answers(g->err) ? talk_done(&g->talk, report_new(false, who(g), g->err->text)) : PROVIDER_FAILED;
}

/* Of families with GPUs, of spot machines, and in all. */
static bool of_interest(const char *name)
{
	return str_ieq(name, "cores") || str_ieq(name, "lowPriorityCores") || str_glob("standardN*", name);
}

/* 1, 0. What cannot be asked is not shown. */
static int add_quotas(struct azure *g, json_t *out)
{
	int whole = 1;
	const char *const *regions = azure_cloud(g)->shown;
	for (size_t i = 0; regions[i]; i++) {
		const json_t *list = azure_list(g, arena_printf(g->c->arena, "usages:%s", regions[i]),
		    azure_in(g, NULL, AZURE_COMPUTE, "/providers/Microsoft.Compute/locations/%s/usages", regions[i]), "looking at quotas"), *u;
		size_t k;
		if (!list && !g->err->code)
			whole = 0;
		*g->err = (struct err){.code = ERR_NONE};
		json_array_foreach(list, k, u) {
			const char *name = json_str(json_obj(u, "name"), "value", "");
			if (!of_interest(name) || json_int(u, "limit", 0) <= 0)
				continue;
			report_quota(out, name, regions[i], json_int(u, "limit", 0), json_int(u, "currentValue", -1));
		}
	}
	return whole;
}

static bool has_gpu_quota(const json_t *quotas)
{
	size_t i;
	json_t *q;
	json_array_foreach(quotas, i, q)
		if (str_glob("standardN*", json_str(q, "name", "")))
			return true;
	return false;
}

/* APIs have to be switched on once for a subscription. */
static void add_registrations(json_t *result, const json_t *const answers[2])
{
	static const char *const names[2] = {"Microsoft.Compute", "Microsoft.Network"};
	for (size_t i = 0; i < 2; i++) {
		const char *state = json_str(json_obj(answers[i], "body"), "registrationState", NULL);
		if (!state || str_ieq(state, "Registered"))
			continue;
		char text[200];
		snprintf(text, sizeof text, "%s is not switched on for the subscription: run `az provider register --namespace %s`", names[i], names[i]);
		report_hint(result, text);
	}
}

enum provider_step azure_check(struct azure *g)
{
	int r = azure_auth(g);
	if (r <= 0)
		return r ? refused(g) : talk_send(&g->talk);
	const json_t *sub = azure_get(g, "subscription", azure_in(g, NULL, "2020-01-01", "%s", ""));
	const json_t *roles = azure_get(g, "roles", azure_in(g, NULL, "2022-04-01", "/providers/Microsoft.Authorization/permissions"));
	const json_t *apis[2] = {azure_get(g, "compute", azure_in(g, NULL, AZURE_RESOURCES, "/providers/Microsoft.Compute")),
	    azure_get(g, "network", azure_in(g, NULL, AZURE_RESOURCES, "/providers/Microsoft.Network"))};
	json_t *quotas = json_array();
	int whole = add_quotas(g, quotas);
	if (!sub || !roles || !apis[0] || !apis[1] || !whole) {
		json_decref(quotas);
		return talk_send(&g->talk);
	}
	if (azure_answer_error(sub, arena_printf(g->c->arena, "looking at the subscription %s", g->subscription), false, g->err)) {
		json_decref(quotas);
		return refused(g);
	}
	struct err err = {.code = ERR_NONE};
	const char *state = json_str(json_obj(sub, "body"), "state", "Enabled");
	bool known = !azure_answer_error(roles, "asking what the account may do", false, &err), on = str_ieq(state, "Enabled");
	json_t *rows = report_permissions(permissions, ARRAY_LEN(permissions), known ? granted : NULL, json_arr(json_obj(roles, "body"), "value"));
	const char *lack = report_missing(g->c->arena, permissions, rows);
	const char *reason = !on ? arena_printf(g->c->arena, "the subscription %s is %.40s, not enabled", g->subscription, state)
			     : *lack ? arena_printf(g->c->arena, "permissions are missing: %s", lack) : NULL;
	json_t *result = report_new(!reason, who(g), reason);
	json_object_set_new(result, "permissions", rows);
	json_object_set_new(result, "quotas", quotas);
	if (*lack)
		report_hint(result, "ask for the role Contributor on the subscription");
	if (!known)
		report_hint(result, err.text);
	add_registrations(result, apis);
	if (!has_gpu_quota(quotas))
		report_hint(result, "no quota for GPUs in the larger regions: new subscriptions have none; ask for more in the portal under Quotas");
	return talk_done(&g->talk, result);
}
