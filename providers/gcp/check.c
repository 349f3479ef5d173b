/* Who are we, what may we do, what is the account allowed: for `skytop check`. Missing credentials are an answer and not an error. */
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/gcp/gcp_priv.h"

/* What is needed, and what for. Not needed: only some tasks or the first launch in a project want it. */
static const struct permission {
	const char *name, *why;
	bool needed;
} permissions[] = {
    {"compute.projects.get", "to look at the project and its quotas", true},
    {"compute.instances.list", "to find machines", true},
    {"compute.instances.get", "to look at machines", true},
    {"compute.instances.create", "to make machines", true},
    {"compute.instances.delete", "to end machines", true},
    {"compute.instances.start", "to start machines", true},
    {"compute.instances.stop", "to stop machines", true},
    {"compute.instances.setMetadata", "to give machines their key", true},
    {"compute.instances.setLabels", "to mark machines as skytop's", true},
    {"compute.instances.setTags", "to let connections through to machines", true},
    {"compute.instances.setServiceAccount", "to let machines use storage", true},
    {"compute.disks.create", "to make the disks of machines", true},
    {"compute.networks.get", "to find the network", true},
    {"compute.subnetworks.use", "to put machines into the network", true},
    {"compute.subnetworks.useExternalIp", "to give machines an address", true},
    {"compute.zoneOperations.get", "to see how making a machine ends", true},
    {"compute.globalOperations.get", "to see how making a firewall rule ends", true},
    {"compute.firewalls.list", "to see whether SSH is let through", true},
    {"compute.firewalls.get", "to take back the ports of a cluster", true},
    {"compute.firewalls.create", "to let SSH and ports through", false},
    {"compute.firewalls.delete", "to take back the ports of a cluster", false},
    {"compute.networks.create", "to make a network where there is none", false},
    {"compute.networks.updatePolicy", "to let SSH and ports through", false},
    {"compute.zoneOperations.list", "to tell a reclaim from a stop", false},
    {"compute.regions.get", "to see quotas", false},
    {"compute.machineTypes.list", "to see what is sold", false},
    {"iam.serviceAccounts.actAs", "to let machines use storage", true},
    {"serviceusage.services.use", "to be counted to the project", false},
};

/* Metrics that decide about GPUs. */
static bool of_interest(const char *metric)
{
	return !strcmp(metric, "GPUS_ALL_REGIONS") || !strcmp(metric, "CPUS_ALL_REGIONS") || strstr(metric, "NVIDIA_");
}

static json_t *permission_rows(const json_t *answer, struct err *err)
{
	json_t *out = json_array();
	bool known = !gcp_answer_error(answer, "asking which permissions there are", false, err);
	const json_t *granted = json_arr(json_obj(answer, "body"), "permissions"), *v;
	for (size_t i = 0; i < ARRAY_LEN(permissions); i++) {
		bool has = false;
		size_t k;
		json_array_foreach(granted, k, v)
			has = has || str_eq(json_string_value(v), permissions[i].name);
		json_t *row = json_object();
		json_put_str(row, "name", permissions[i].name);
		json_object_set_new(row, "ok", known ? json_boolean(has) : json_null());
		json_put_str(row, "why", permissions[i].why);
		json_array_append_new(out, row);
	}
	return out;
}

/* "a, b, c" of those needed that are not granted; "" when all are, or when it is not known. */
static const char *missing(struct arena *a, const json_t *rows)
{
	struct str s = str_new(800);
	for (size_t i = 0; i < ARRAY_LEN(permissions); i++)
		if (permissions[i].needed && json_is_false(json_object_get(json_array_get(rows, i), "ok")))
			str_addf(&s, "%s%s", s.len ? ", " : "", permissions[i].name);
	const char *out = arena_strdup(a, str_text(&s));
	str_free(&s);
	return out;
}

static void add_quotas(json_t *out, const json_t *quotas, const char *region)
{
	size_t i;
	json_t *q;
	json_array_foreach(quotas, i, q) {
		const char *metric = json_str(q, "metric", "");
		const json_t *limit = json_object_get(q, "limit"), *used = json_object_get(q, "usage");
		if (!of_interest(metric) || !json_is_number(limit) || (region && json_number_value(limit) <= 0))
			continue;
		json_t *row = json_object();
		json_put_str(row, "name", metric);
		json_put_str(row, "region", region);
		json_put_int(row, "limit", gcp_whole(limit));
		json_object_set_new(row, "used", json_is_number(used) ? json_integer((json_int_t)gcp_whole(used)) : json_null());
		json_array_append_new(out, row);
	}
}

static json_t *report(bool enabled, const char *identity, const char *reason)
{
	json_t *r = json_object();
	json_put_bool(r, "enabled", enabled);
	json_put_str(r, "identity", identity);
	json_put_str(r, "reason", reason);
	json_object_set_new(r, "permissions", json_array());
	json_object_set_new(r, "quotas", json_array());
	json_object_set_new(r, "hints", json_array());
	return r;
}

static void hint(json_t *r, const char *text)
{
	json_array_append_new(json_arr(r, "hints"), json_string(text));
}

static const char *who(struct gcp *g)
{
	return g->identity && g->project ? arena_printf(g->c->arena, "%s, project %s", g->identity, g->project) : g->identity;
}

/* Something that a person has to mend. Anything else is no answer at all, and may be asked again. */
static enum provider_step refused(struct gcp *g)
{
	if (g->err->code != ERR_CREDENTIALS && g->err->code != ERR_NOT_FOUND && g->err->code != ERR_INVALID)
		return PROVIDER_FAILED;
	return talk_done(&g->talk, report(false, who(g), g->err->text));
}

enum provider_step gcp_check(struct gcp *g)
{
	int r = gcp_auth(g);
	if (r <= 0)
		return r ? refused(g) : talk_send(&g->talk);
	json_t *body = json_pack("{s:[]}", "permissions");
	for (size_t i = 0; i < ARRAY_LEN(permissions); i++)
		json_array_append_new(json_arr(body, "permissions"), json_string(permissions[i].name));
	const json_t *project = gcp_get(g, "project", gcp_compute(g, NULL, "%s", ""));
	const json_t *granted = gcp_ask(g, "permissions",
	    &(struct gcp_ask){.method = "POST", .url = gcp_url(g, GCP_RESOURCES, "/v1/projects/%s:testIamPermissions", g->project), .body = body});
	const json_t *regions = gcp_get(g, "regions", gcp_compute(g, NULL, "/regions?maxResults=500")), *v;
	if (!project || !granted || !regions)
		return talk_send(&g->talk);
	if (gcp_answer_error(project, arena_printf(g->c->arena, "looking at the project %s", g->project), false, g->err))
		return refused(g);
	struct err err;
	json_t *rows = permission_rows(granted, &err);
	const char *lack = missing(g->c->arena, rows);
	json_t *result = report(!*lack, who(g), *lack ? arena_printf(g->c->arena, "permissions are missing: %s", lack) : NULL);
	json_object_set_new(result, "permissions", rows);
	if (*lack)
		hint(result, "ask for the role Compute Admin (roles/compute.admin) and Service Account User (roles/iam.serviceAccountUser)");
	if (json_is_null(json_object_get(json_array_get(rows, 0), "ok")))
		hint(result, err.text);
	json_t *quotas = json_arr(result, "quotas");
	add_quotas(quotas, json_arr(json_obj(project, "body"), "quotas"), NULL);
	size_t i;
	json_array_foreach(json_arr(json_obj(regions, "body"), "items"), i, v)
		add_quotas(quotas, json_arr(v, "quotas"), json_str(v, "name", ""));
	json_array_foreach(quotas, i, v)
		if (str_eq(json_str(v, "name", ""), "GPUS_ALL_REGIONS") && !json_int(v, "limit", 1))
			hint(result, "the project may have no GPU at all: ask for more of GPUS_ALL_REGIONS at console.cloud.google.com/iam-admin/quotas");
	return talk_done(&g->talk, result);
}
