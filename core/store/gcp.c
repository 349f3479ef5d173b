/* Which machine takes which accelerator on Google Cloud. Facts: cloud.google.com/compute/docs/gpus.
 *
 * Newer GPUs come with a machine type of their own (a2, a3, g2 …). Lists differ in how they price it: the whole on the
 * machine's line, with the accelerator named there, or the machine alone with a second line for the accelerator. Both give
 * the same offers here: a machine that names its accelerator is whole already and is left as it is.
 * Older GPUs are attached to N1 machines of many sizes. */
#include "core/store/gcp.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"

static const struct {
	const char *accelerator;
	int count;
	const char *machines; /* blank-separated */
} fixed[] = {
	{"A100", 1, "a2-highgpu-1g"},
	{"A100", 2, "a2-highgpu-2g"},
	{"A100", 4, "a2-highgpu-4g"},
	{"A100", 8, "a2-highgpu-8g"},
	{"A100", 16, "a2-megagpu-16g"},
	{"A100-80GB", 1, "a2-ultragpu-1g"},
	{"A100-80GB", 2, "a2-ultragpu-2g"},
	{"A100-80GB", 4, "a2-ultragpu-4g"},
	{"A100-80GB", 8, "a2-ultragpu-8g"},
	{"L4", 1, "g2-standard-4 g2-standard-8 g2-standard-12 g2-standard-16 g2-standard-32"},
	{"L4", 2, "g2-standard-24"},
	{"L4", 4, "g2-standard-48"},
	{"L4", 8, "g2-standard-96"},
	{"H100", 1, "a3-highgpu-1g"},
	{"H100", 2, "a3-highgpu-2g"},
	{"H100", 4, "a3-highgpu-4g"},
	{"H100", 8, "a3-highgpu-8g a3-edgegpu-8g"},
	{"H100-MEGA", 8, "a3-megagpu-8g"},
	{"H200", 8, "a3-ultragpu-8g"},
	{"B200", 8, "a4-highgpu-8g"},
	{"GB200", 4, "a4x-highgpu-4g"},
	{"RTXPRO6000", 1, "g4-standard-48"},
	{"RTXPRO6000", 2, "g4-standard-96"},
	{"RTXPRO6000", 4, "g4-standard-192"},
	{"RTXPRO6000", 8, "g4-standard-384"},
};

static const char *const gpu_families[] = {"a2-", "a3-", "a4-", "a4x-", "g2-", "g4-"};

/* Google sells GPUs with as little as one vCPU. Less than two for each GPU is nobody's wish and would bury the rest. */
enum { N1_MIN_VCPUS = 2 };

/* The largest N1 machine for 1, 2, 4, 8 and 16 of an accelerator, in vCPUs. Google's limit for one V100 is 12 vCPUs, for one
 * K80 8; it is the next size of N1 that stands here, since custom sizes are not in price lists. */
static const struct {
	const char *accelerator; /* NULL: any other */
	int max_vcpus[5];
} n1_limits[] = {
	{"K80", {8, 16, 32, 64, 96}},
	{"P100", {16, 32, 96, 96, 96}},
	{"V100", {16, 32, 64, 96, 96}},
	{"T4", {64, 64, 96, 96, 96}},
	{"P4", {32, 64, 96, 96, 96}},
	{NULL, {96, 96, 96, 96, 96}},
};

static int n1_max_vcpus(const char *accelerator, int64_t count_micro)
{
	int step = 0;
	while (step < 4 && (INT64_C(1000000) << step) < count_micro)
		step++;
	size_t i = 0;
	while (n1_limits[i].accelerator && !str_eq(n1_limits[i].accelerator, accelerator))
		i++;
	return n1_limits[i].max_vcpus[step];
}

static const char *fixed_machines(const char *accelerator, int64_t count_micro)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (str_eq(fixed[i].accelerator, accelerator) && fixed[i].count * INT64_C(1000000) == count_micro)
			return fixed[i].machines;
	return NULL;
}

static bool has_fixed_machines(const char *accelerator)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (str_eq(fixed[i].accelerator, accelerator))
			return true;
	return false;
}

static bool in_gpu_family(const char *machine)
{
	for (size_t i = 0; i < ARRAY_LEN(gpu_families); i++)
		if (str_starts(machine, gpu_families[i]))
			return true;
	return false;
}

static int64_t sum(int64_t a, int64_t b)
{
	return a == PRICE_UNKNOWN || b == PRICE_UNKNOWN ? PRICE_UNKNOWN : a + b;
}

/* The plain machine's offer at the place. Where one list tells zones and the other does not, that of the region: prices do
 * not differ between the zones of a region. */
static const struct offer *host_at(struct pricelist *l, uint32_t type, uint32_t place)
{
	const struct offer *host = pricelist_find(l, type, place);
	if (host)
		return host;
	if (*l->places[place].zone)
		return pricelist_find(l, type, pricelist_place(l, l->places[place].region, ""));
	for (size_t i = 0; i < l->n_places && !host; i++)
		if (l->places[i].region == l->places[place].region) /* kept strings: equal when their addresses are */
			host = pricelist_find(l, type, (uint32_t)i);
	return host;
}

/* Offer accelerator and machine together. False: the machine is not sold at that place. */
static bool attach(struct pricelist *l, const struct gcp_accelerator *a, uint32_t host_type)
{
	const struct offer *host = host_at(l, host_type, a->place);
	if (!host)
		return false;
	struct offer row = *host;
	row.price_uusd_h = sum(host->price_uusd_h, a->price_uusd_h);
	row.spot_uusd_h = sum(host->spot_uusd_h, a->spot_uusd_h);
	row.place = a->place;
	row.source = a->source;
	if (row.price_uusd_h == PRICE_UNKNOWN && row.spot_uusd_h == PRICE_UNKNOWN)
		return true;
	struct offer_type t = l->types[host_type];
	t.accelerator = a->name;
	t.accel_count_micro = a->count_micro;
	t.gpu_mem_mib = a->gpu_mem_mib;
	row.type = pricelist_type(l, &t);
	pricelist_add(l, &row);
	return true;
}

static bool named_in(const char *list, const char *name)
{
	size_t len = strlen(name);
	for (const char *p = list; (p = strstr(p, name)); p += len)
		if ((p == list || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return true;
	return false;
}

/* Machine types that stand in the list without an accelerator and take this one; and whether one of those that carry it
 * already is among them. */
static bool takes(const struct offer_type *t, const struct gcp_accelerator *a, const char *machines)
{
	if (machines)
		return named_in(machines, t->instance_type);
	return str_starts(t->instance_type, "n1-") && t->vcpus_micro >= N1_MIN_VCPUS * a->count_micro &&
	    t->vcpus_micro <= n1_max_vcpus(a->name, a->count_micro) * INT64_C(1000000);
}

static void add_tpu(struct pricelist *l, const struct gcp_accelerator *a)
{
	/* The machine costs nothing beside its TPU. 96 vCPUs and 334 GB a host; v4 has 240 and 400. */
	bool v4 = str_starts(a->name, "tpu-v4-");
	struct offer_type t = {.instance_type = "TPU-VM", .accelerator = a->name, .arch = "x86_64", .accel_count_micro = a->count_micro,
	    .gpu_mem_mib = a->gpu_mem_mib, .vcpus_micro = (v4 ? 240 : 96) * INT64_C(1000000), .mem_mib = (v4 ? 400 : 334) * 1024};
	struct offer row = {a->price_uusd_h, a->spot_uusd_h, pricelist_type(l, &t), a->place, a->source, AVAILABLE_UNKNOWN,
	    RECLAIM_UNKNOWN, 0};
	pricelist_add(l, &row);
}

static bool attach_one(struct pricelist *l, const struct gcp_accelerator *a, const uint32_t *hosts, size_t n_hosts)
{
	const char *machines = fixed_machines(a->name, a->count_micro);
	if (!machines && has_fixed_machines(a->name))
		return false;
	bool found = false;
	for (size_t i = 0; i < n_hosts; i++) {
		const struct offer_type *t = &l->types[hosts[i]];
		if (!takes(t, a, machines))
			continue;
		if (!t->accelerator)
			found |= attach(l, a, hosts[i]);
		else if (str_eq(t->accelerator, a->name) && host_at(l, hosts[i], a->place))
			found = true; /* whole already */
	}
	return found;
}

void gcp_attach(struct pricelist *l, const struct gcp_accelerator *v, size_t n, size_t *unmatched)
{
	size_t n_types = l->n_types, n_hosts = 0;
	uint32_t *hosts = xcalloc(n_types + 1, sizeof *hosts);
	for (size_t i = 0; i < n_types; i++)
		if (str_starts(l->types[i].instance_type, "n1-") || in_gpu_family(l->types[i].instance_type))
			hosts[n_hosts++] = (uint32_t)i;
	for (size_t i = 0; i < n; i++) {
		if (str_starts(v[i].name, "tpu-"))
			add_tpu(l, &v[i]);
		else if (!attach_one(l, &v[i], hosts, n_hosts))
			++*unmatched;
	}
	free(hosts);
	bool *drop = xcalloc(l->n_types + 1, sizeof *drop);
	for (size_t i = 0; i < l->n_types; i++)
		drop[i] = !l->types[i].accelerator && in_gpu_family(l->types[i].instance_type);
	pricelist_drop(l, drop);
	free(drop);
}
