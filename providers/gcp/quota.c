/* What the project may still start, before it is tried: regional metrics of regions.get and GPUS_ALL_REGIONS of the project. The newest GPUs
 * (H100 and later) have no metric there: of them nothing is said. Spot machines have metrics of their own; where such a limit is 0, the
 * ordinary one counts. */
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/gcp/gcp_priv.h"

/* What one machine takes of one metric. */
struct need {
	const char *metric;
	int64_t n;
};

static int64_t number_at_end(const char *type)
{
	const char *dash = strrchr(type, '-');
	int64_t n = 0;
	char digits[8];
	size_t k = dash ? strspn(dash + 1, "0123456789") : 0;
	if (!k || k >= sizeof digits)
		return 0;
	memcpy(digits, dash + 1, k);
	digits[k] = '\0';
	return num_int(digits, 0, 100000, &n) ? n : 0;
}

/* GPUs that a machine type brings; NULL: none with a metric. */
static const char *gpu_of(const char *type, int64_t *n)
{
	static const struct {
		const char *type, *accelerator;
		int n;
	} g2[] = {{"g2-standard-24", "L4", 2}, {"g2-standard-48", "L4", 4}, {"g2-standard-96", "L4", 8}};
	*n = number_at_end(type);
	if (str_starts(type, "a2-ultragpu-"))
		return "A100-80GB";
	if (str_starts(type, "a2-"))
		return "A100";
	if (!str_starts(type, "g2-"))
		return NULL;
	*n = 1;
	for (size_t i = 0; i < ARRAY_LEN(g2); i++)
		if (!strcmp(type, g2[i].type))
			*n = g2[i].n;
	return "L4";
}

/* Of families with GPUs nothing but these is counted; the others by their vCPUs. */
static size_t needs_of(struct arena *a, const json_t *c, struct need out[3])
{
	static const char *const families[] = {"n2", "n2d", "c2", "c2d", "c3", "m1", "m2", "m3", "t2d", "n4", "c4"};
	const char *type = json_str(c, "instance_type", ""), *named = json_str(c, "accelerator", NULL);
	int64_t n;
	size_t k = 0;
	const char *gpu = gpu_of(type, &n);
	if (!gpu && named && gcp_attaches(type)) {
		gpu = named;
		n = json_int(c, "accelerator_count", 1);
	}
	const struct gcp_accelerator_name *name = gcp_accelerator_of(gpu);
	if (name && name->quota) {
		out[k++] = (struct need){name->quota, n};
		out[k++] = (struct need){"GPUS_ALL_REGIONS", n};
	}
	if (!gpu && !strchr("ag", type[0]) && number_at_end(type)) {
		const char *metric = "CPUS";
		size_t len = strcspn(type, "-");
		for (size_t i = 0; i < ARRAY_LEN(families); i++)
			if (strlen(families[i]) == len && !strncmp(families[i], type, len)) {
				char *upper = arena_printf(a, "%s_CPUS", families[i]);
				for (char *p = upper; *p; p++)
					*p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
				metric = upper;
			}
		out[k++] = (struct need){metric, number_at_end(type)};
	}
	return k;
}

static const json_t *metric_in(const json_t *body, const char *metric)
{
	size_t i;
	json_t *q;
	json_array_foreach(json_arr(body, "quotas"), i, q)
		if (str_eq(json_str(q, "metric", ""), metric) && json_is_number(json_object_get(q, "limit")))
			return q;
	return NULL;
}

static int64_t whole(const json_t *q, const char *key)
{
	return gcp_whole(json_object_get(q, key));
}

/* The metric that counts: of spot machines the preemptible one, unless it is 0 or not there. */
static const json_t *metric_for(struct arena *a, const json_t *region, const json_t *project, const char *metric, bool spot)
{
	const json_t *q = spot ? metric_in(region, arena_printf(a, "PREEMPTIBLE_%s", metric)) : NULL;
	if (q && whole(q, "limit") > 0)
		return q;
	q = metric_in(region, metric);
	return q ? q : metric_in(project, metric);
}

static json_t *verdict(struct arena *a, const json_t *c, const json_t *region, const json_t *project)
{
	json_t *v = json_pack("{s:n, s:n, s:n, s:n}", "room", "name", "limit", "used");
	struct need needs[3];
	if (gcp_is_tpu(json_str(c, "instance_type", ""), NULL)) {
		json_put_int(v, "room", 0);
		json_put_str(v, "why", GCP_NO_TPU);
		return v;
	}
	size_t n = needs_of(a, c, needs);
	int64_t least = 0;
	for (size_t i = 0; i < n; i++) {
		const json_t *q = metric_for(a, region, project, needs[i].metric, json_bool(c, "use_spot", false));
		if (!q || needs[i].n <= 0)
			continue;
		int64_t left = whole(q, "limit") - whole(q, "usage"), room = left > 0 ? left / needs[i].n : 0;
		if (!json_is_null(json_object_get(v, "room")) && room >= least)
			continue;
		least = room;
		json_put_int(v, "room", room);
		json_put_str(v, "name", json_str(q, "metric", ""));
		json_put_int(v, "limit", whole(q, "limit"));
		json_put_int(v, "used", whole(q, "usage"));
	}
	return v;
}

enum provider_step gcp_quota(struct gcp *g)
{
	const json_t *candidates = json_arr(g->c->args, "candidates"), *c;
	const json_t *project = gcp_get(g, "project", gcp_compute(g, NULL, "%s", ""));
	struct err err;
	size_t i;
	json_array_foreach(candidates, i, c) {
		const char *region = json_str(c, "region", "");
		if (gcp_region_ok(region))
			gcp_get(g, arena_printf(g->c->arena, "region:%s", region), gcp_compute(g, NULL, "/regions/%s", region));
	}
	if (talk_asks(&g->talk))
		return talk_send(&g->talk);
	if (gcp_answer_error(project, "looking at the quotas of the project", false, g->err))
		return PROVIDER_FAILED;
	json_t *verdicts = json_array();
	json_array_foreach(candidates, i, c) {
		const char *region = json_str(c, "region", "");
		const json_t *a = gcp_region_ok(region) ? gcp_get(g, arena_printf(g->c->arena, "region:%s", region), "") : NULL;
		bool known = a && !gcp_answer_error(a, "", false, &err);
		json_array_append_new(verdicts, verdict(g->c->arena, c, known ? json_obj(a, "body") : NULL, json_obj(project, "body")));
	}
	return talk_done(&g->talk, json_pack("{s:o}", "verdicts", verdicts));
}
