/* What is true of a region for everybody: which regions there are and are on, and what instance types are. Kept in memory for a while. */
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/accelerator.h"
#include "providers/aws/aws.h"

enum { REGIONS_MS = 3600000 };

/* ---- regions -------------------------------------------------------------------------------------------------------- */

/* Parts of AWS with accounts of their own; keys of one are none in another. */
static const char *partition_of(const char *region)
{
	static const char *const begins[] = {"cn-", "us-gov-", "us-iso-", "us-isob-", "eusc-"};
	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		if (str_starts(region, begins[i]))
			return begins[i];
	return "";
}

/* {"on": [names], "off": [names], "at"} of all regions; in memory. */
static enum provider_step all_regions(struct aws *t, const json_t **out)
{
	const char *name = arena_printf(t->a, "regions %s", t->login.keys.id);
	const json_t *kept = json_object_get(t->memory, name);
	*out = kept;
	if (kept && aws_now_ms(t) - json_int(kept, "at", 0) < REGIONS_MS)
		return PROVIDER_DONE;
	struct str s = aws_form("DescribeRegions");
	sigv4_form(&s, "Version", "2016-11-15");
	sigv4_form(&s, "AllRegions", "true");
	struct aws_ask q = {.service = "ec2", .region = t->login.region, .body = aws_form_done(t, &s)};
	const json_t *body;
	AWS_TRY(aws_ask_one(t, "regions", &q, "asking which regions are on", &body));
	json_t *on = json_array(), *off = json_array(), *r;
	size_t i;
	json_array_foreach(json_arr(body, "regionInfo"), i, r)
		if (i < REGIONS_MAX && str_eq(partition_of(json_str(r, "regionName", "")), partition_of(t->login.region)))
			json_array_append(str_eq(json_str(r, "optInStatus", ""), "not-opted-in") ? off : on, json_object_get(r, "regionName"));
	json_t *all = json_pack("{s:o, s:o, s:I}", "on", on, "off", off, "at", (json_int_t)aws_now_ms(t));
	json_object_set_new(t->memory, name, all);
	*out = all;
	return PROVIDER_DONE;
}

static const json_t *wanted(struct aws *t)
{
	return aws_config_list(t, "regions");
}

bool aws_region_is_wanted(struct aws *t, const char *region)
{
	const json_t *mine = wanted(t);
	return region ? !mine || json_has(mine, region) : mine != NULL;
}

bool aws_region_may_be(const char *name)
{
	size_t words = 1, n = strlen(name);
	for (const char *p = name; *p; p++)
		words += *p == '-';
	return n > 5 && words == 3 + (size_t)(strstr(name, "-gov-") != NULL) && name[n - 2] == '-' && name[n - 1] >= '1' && name[n - 1] <= '9' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

enum provider_step aws_regions(struct aws *t, const json_t **regions)
{
	const json_t *all, *mine = wanted(t);
	AWS_TRY(all_regions(t, &all));
	*regions = mine ? mine : json_object_get(all, "on");
	return PROVIDER_DONE;
}

enum provider_step aws_region_is_on(struct aws *t, const char *region)
{
	const json_t *all, *mine = wanted(t);
	AWS_TRY(all_regions(t, &all));
	if (mine && json_has(json_object_get(all, "on"), region) && !json_has(mine, region)) /* nobody would look for its machines there */
		return aws_failed(t, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL, arena_printf(t->a, "%s is not among aws.regions", region));
	if (json_has(json_object_get(all, "on"), region))
		return PROVIDER_DONE;
	if (json_has(json_object_get(all, "off"), region))
		return aws_failed(t, ERR_UNSUPPORTED, ERR_SCOPE_REGION_ALL,
		    arena_printf(t->a, "the region %s is not on for this account; switch it on in the AWS console", region));
	bool plausible = aws_region_may_be(region); /* one that came or went since the catalog was made */
	return aws_failed(t, plausible ? ERR_UNSUPPORTED : ERR_INVALID, plausible ? ERR_SCOPE_REGION_ALL : ERR_SCOPE_TASK,
	    arena_printf(t->a, "AWS has no region %.60s", region));
}

/* ---- instance types --------------------------------------------------------------------------------------------------- */

/* What the API says wrongly, or not at all, by the beginning of the type's name. */
static const struct {
	const char *family, *accelerator;
	int64_t slice_of_mib; /* it has parts of accelerators, of which one is so large */
} known[] = {
    {"p3dn.", "V100-32GB", 0},
    {"p4de.", "A100-80GB", 0},
    {"p5e.", "H200", 0},
    {"p5en.", "H200", 0},
    {"g6f.", "L4", 22888},
    {"gr6f.", "L4", 22888},
    {"g7e.", "RTXPRO6000", 0},
    {"g7.", "RTXPRO4500", 0},
    {"trn1.", "Trainium", 0},
    {"trn1n.", "Trainium", 0},
    {"trn2.", "Trainium2", 0},
    {"trn2u.", "Trainium2", 0},
    {"inf1.", "Inferentia", 0},
    {"inf2.", "Inferentia2", 0},
    {"dl1.", "Gaudi", 0},
};

static int64_t number(const json_t *obj, const char *key)
{
	int64_t v;
	return num_int(json_str(obj, key, ""), 0, INT64_C(1) << 40, &v) ? v : 0;
}

static bool one_of(const json_t *list, const char *text)
{
	return json_is_array(list) ? json_has(list, text) : str_eq(json_string_value(list), text);
}

/* The accelerators of a type: those of its first entry in whichever list it has, of which EC2 never mixes several. */
static void put_accelerators(json_t *out, const char *type, const json_t *item)
{
	const json_t *lists[] = {json_arr(json_obj(item, "gpuInfo"), "gpus"), json_arr(json_obj(item, "neuronInfo"), "neuronDevices"),
	    json_arr(json_obj(item, "inferenceAcceleratorInfo"), "accelerators")};
	const json_t *dev = NULL;
	for (size_t i = 0; !dev && i < ARRAY_LEN(lists); i++)
		dev = json_array_get(lists[i], 0);
	const char *name = json_str(dev, "name", NULL);
	double count = (double)number(dev, "count");
	int64_t mib = number(json_obj(dev, "memoryInfo"), "sizeInMiB");
	for (size_t i = 0; dev && i < ARRAY_LEN(known); i++)
		if (str_starts(type, known[i].family)) {
			name = known[i].accelerator;
			if (known[i].slice_of_mib && mib)
				count = mib * 10 < known[i].slice_of_mib * 2 ? 0.125 : mib * 10 < known[i].slice_of_mib * 4 ? 0.25 : 0.5;
		}
	const struct accelerator *a = name ? accelerator_find(name) : NULL;
	bool has = name && count > 0;
	json_object_set_new(out, "accelerator", has ? json_foreign(a ? a->name : name) : json_null());
	int64_t whole = (int64_t)count;
	json_object_set_new(out, "count", !has ? json_integer(0) : (double)whole < count ? json_real(count) : json_integer(whole));
	json_put_int(out, "gpu_mem_mib", has ? a && a->mem_gib ? (int64_t)a->mem_gib * 1024 : mib : 0);
	json_put_bool(out, "neuron", has && a && str_eq(a->vendor, "AWS"));
}

json_t *aws_type_of(const json_t *item)
{
	const char *type = json_str(item, "instanceType", "");
	json_t *out = json_object();
	json_object_set_new(out, "type", json_foreign(type));
	json_put_int(out, "vcpus", number(json_obj(item, "vCpuInfo"), "defaultVCpus"));
	json_put_int(out, "mem_mib", number(json_obj(item, "memoryInfo"), "sizeInMiB"));
	const json_t *archs = json_object_get(json_obj(item, "processorInfo"), "supportedArchitectures");
	json_put_str(out, "arch", one_of(archs, "arm64") ? "arm64" : "x86_64");
	const json_t *uses = json_object_get(item, "supportedUsageClasses");
	json_put_bool(out, "spot", one_of(uses, "spot"));
	json_put_bool(out, "on_demand", one_of(uses, "on-demand"));
	put_accelerators(out, type, item);
	return out;
}

static enum provider_step describe_type(struct aws *t, const char *region, const char *type, const json_t **answer)
{
	struct str s = aws_form("DescribeInstanceTypes");
	sigv4_form(&s, "Version", "2016-11-15");
	sigv4_form(&s, "InstanceType.1", type);
	struct aws_ask q = {.service = "ec2", .region = region, .body = aws_form_done(t, &s)};
	const json_t *answers;
	AWS_TRY(aws_ask(t, arena_printf(t->a, "type %s %s", region, type), &q, 1, &answers));
	*answer = json_array_get(answers, 0);
	return PROVIDER_DONE;
}

enum provider_step aws_type(struct aws *t, const char *region, const char *type, const json_t **out)
{
	json_t *types = json_object_get(t->memory, "types");
	if (!types)
		json_object_set_new(t->memory, "types", types = json_object());
	*out = json_object_get(types, type);
	if (*out)
		return PROVIDER_DONE;
	const json_t *answer, *there;
	AWS_TRY(describe_type(t, region, type, &answer));
	const json_t *item = json_array_get(json_arr(json_object_get(answer, "body"), "instanceTypeSet"), 0);
	if (item) {
		json_object_set_new(types, type, aws_type_of(item));
		*out = json_object_get(types, type);
		return PROVIDER_DONE;
	}
	if (!aws_ok(answer) && !aws_is(answer, "InvalidInstanceType"))
		return aws_refused(t, answer, arena_printf(t->a, "asking what a %.60s is", type));
	AWS_TRY(describe_type(t, str_eq(region, "us-east-1") ? "us-west-2" : "us-east-1", type, &there));
	if (aws_ok(there) && json_array_size(json_arr(json_object_get(there, "body"), "instanceTypeSet")))
		return aws_failed(t, ERR_CAPACITY, ERR_SCOPE_REGION, arena_printf(t->a, "%s has no %.60s", region, type));
	return aws_failed(t, ERR_INVALID, ERR_SCOPE_TASK, arena_printf(t->a, "AWS has no instance type %.60s", type));
}
