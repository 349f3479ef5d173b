/* What the subscription may still start, before it is tried: vCPUs of the size's family and of the region in all, or of all spot machines together
 * ("lowPriorityCores"). The account may have less than there is in the table: what is not told is not known. */
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"

static const json_t *usage(const json_t *list, const char *name)
{
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
		if (name && str_ieq(json_str(json_obj(v, "name"), "value", ""), name))
			return v;
	return NULL;
}

/* The tighter of the two counts. */
static void count(json_t *verdict, const json_t *u, int64_t vcpus)
{
	int64_t limit = json_int(u, "limit", -1), used = json_int(u, "currentValue", 0), left = limit > used ? limit - used : 0;
	if (!u || limit < 0 || vcpus <= 0)
		return;
	if (!json_is_null(json_object_get(verdict, "room")) && left / vcpus >= json_int(verdict, "room", 0))
		return;
	json_put_int(verdict, "room", left / vcpus);
	json_put_str(verdict, "name", json_str(json_obj(u, "name"), "value", ""));
	json_put_int(verdict, "limit", limit);
	json_put_int(verdict, "used", used);
}

static json_t *verdict_on(struct arena *a, const json_t *candidate, const json_t *list)
{
	json_t *v = json_pack("{s:n, s:n, s:n, s:n}", "room", "name", "limit", "used");
	const char *type = json_str(candidate, "instance_type", "");
	int64_t vcpus = azure_vcpus(type);
	if (str_starts(type, "Standard_NCC")) {
		json_put_int(v, "room", 0);
		json_put_str(v, "why", AZURE_CONFIDENTIAL);
		return v;
	}
	if (json_bool(candidate, "use_spot", false)) {
		count(v, usage(list, "lowPriorityCores"), vcpus);
	} else {
		count(v, usage(list, azure_family(a, type)), vcpus);
		count(v, usage(list, "cores"), vcpus);
	}
	return v;
}

enum provider_step azure_quota(struct azure *g)
{
	const json_t *candidates = json_arr(g->c->args, "candidates"), *c;
	json_t *verdicts = json_array();
	bool waits = false;
	size_t i;
	json_array_foreach(candidates, i, c) {
		const char *region = json_str(c, "region", "");
		const json_t *list = NULL;
		if (azure_region_ok(region)) {
			list = azure_list(g, arena_printf(g->c->arena, "usages:%s", region),
			    azure_in(g, NULL, AZURE_COMPUTE, "/providers/Microsoft.Compute/locations/%s/usages", region), "looking at the quotas of Azure");
			waits = waits || (!list && !g->err->code);
			if (g->err->code == ERR_CREDENTIALS) {
				json_decref(verdicts);
				return PROVIDER_FAILED;
			}
			*g->err = (struct err){.code = ERR_NONE}; /* of one region alone it is not known */
		}
		json_array_append_new(verdicts, verdict_on(g->c->arena, c, list));
	}
	if (!waits)
		return talk_done(&g->talk, json_pack("{s:o}", "verdicts", verdicts));
	json_decref(verdicts);
	return talk_send(&g->talk);
}
