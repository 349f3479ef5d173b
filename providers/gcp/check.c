/* Who are we, what may we do, what is the account allowed: for `skytop check`. Missing credentials are an answer and not an error. */
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/common/report.h"
#include "providers/gcp/gcp_priv.h"

static const struct report_permission permissions[] = {
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
    {"compute.reservations.list", "to start machines in your reservations", false},
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

/* Is it among those that Google says there are? */
static bool granted(const void *list, const char *name)
{
	return json_has(list, name);
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
		report_quota(out, metric, region, gcp_whole(limit), json_is_number(used) ? gcp_whole(used) : -1);
	}
}

static const char *who(struct gcp *g)
{
	return g->identity && g->project ? arena_printf(g->c->arena, "%s, project %s", g->identity, g->project) : g->identity;
}

static enum provider_step refused(struct gcp *g)
{
	return report_answers(g->err) ? talk_done(&g->talk, report_new(false, who(g), g->err->text)) : PROVIDER_FAILED;
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
	const json_t *answer = gcp_ask(g, "permissions",
	    &(struct gcp_ask){.method = "POST", .url = gcp_url(g, GCP_RESOURCES, "/v1/projects/%s:testIamPermissions", g->project), .body = body});
	const json_t *regions = gcp_get(g, "regions", gcp_compute(g, NULL, "/regions?maxResults=500")), *v;
	if (!project || !answer || !regions)
		return talk_send(&g->talk);
	if (gcp_answer_error(project, arena_printf(g->c->arena, "looking at the project %s", g->project), false, g->err))
		return refused(g);
	struct err err = {.code = ERR_NONE};
	bool known = !gcp_answer_error(answer, "asking which permissions there are", false, &err);
	const json_t *list = json_arr(json_obj(answer, "body"), "permissions");
	json_t *rows = report_permissions(permissions, ARRAY_LEN(permissions), known ? granted : NULL, list);
	const char *lack = report_missing(g->c->arena, permissions, rows);
	json_t *result = report_new(!*lack, who(g), *lack ? arena_printf(g->c->arena, "permissions are missing: %s", lack) : NULL);
	json_object_set_new(result, "permissions", rows);
	if (*lack)
		report_hint(result, "ask for the role Compute Admin (roles/compute.admin) and Service Account User (roles/iam.serviceAccountUser)");
	if (!known)
		report_hint(result, err.text);
	json_t *quotas = json_arr(result, "quotas");
	add_quotas(quotas, json_arr(json_obj(project, "body"), "quotas"), NULL);
	size_t i;
	json_array_foreach(json_arr(json_obj(regions, "body"), "items"), i, v)
		add_quotas(quotas, json_arr(v, "quotas"), json_str(v, "name", ""));
	json_array_foreach(quotas, i, v)
		if (str_eq(json_str(v, "name", ""), "GPUS_ALL_REGIONS") && !json_int(v, "limit", 1))
			report_hint(result, "the project may have no GPU at all: ask for more of GPUS_ALL_REGIONS at console.cloud.google.com/iam-admin/quotas");
	return talk_done(&g->talk, result);
}
