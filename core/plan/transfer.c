/* Egress. Clouds charge for what leaves, by steps of a month's volume: each step's price holds for the part of the
 * volume that lies in it. (SkyPilot takes the part below a step off the volume before it looks at the next step, and so
 * finds 50 TB and more far too cheap; here the steps are added up as the clouds do.) */
#include "core/plan/transfer.h"

#include <stddef.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"

enum { TB = 1024 }; /* as the clouds' tariffs count GB */

/* The general tariffs, for where the catalog has none: to the internet, standard regions. Sources, as of 2025:
 * aws.amazon.com/ec2/pricing/on-demand, azure.microsoft.com/pricing/details/bandwidth,
 * cloud.google.com/vpc/network-pricing, oracle.com/cloud/networking/pricing. Between two regions of a cloud the three
 * large ones take from 0.01 $/GB up; 0.02 is what most ways cost. */
enum { STEPS = 5 };
static const struct tariff {
	const char *cloud;
	int64_t between_regions_uusd;
	struct {
		int64_t from_gb, uusd_per_gb;
	} steps[STEPS]; /* the first begins at 0; a later one that begins at 0 ends the list */
} tariffs[] = {
    {"aws", 20000, {{0, 0}, {1, 90000}, {10 * TB, 85000}, {50 * TB, 70000}, {150 * TB, 50000}}},
    {"azure", 20000, {{0, 0}, {1, 87500}, {10 * TB, 83000}, {50 * TB, 70000}, {150 * TB, 50000}}},
    {"gcp", 20000, {{0, 120000}, {TB, 110000}, {10 * TB, 80000}}},
    {"oci", 0, {{0, 0}, {10 * TB, 8500}}},
};

static const struct {
	const char *prefix, *cloud;
} schemes[] = {
    {"s3://", "aws"},
    {"gs://", "gcp"},
    {"cos://", "ibm"},
    {"oci://", "oci"},
    {"nebius://", "nebius"},
    {"r2://", "cloudflare"},
    {"cw://", "coreweave"},
    {"vastdata://", "vastdata"},
};

const char *transfer_cloud_of_uri(const char *uri)
{
	for (size_t i = 0; uri && i < ARRAY_LEN(schemes); i++)
		if (str_starts(uri, schemes[i].prefix))
			return schemes[i].cloud;
	if (uri && str_starts(uri, "https://")) {
		const char *host = uri + strlen("https://");
		size_t len = strcspn(host, "/");
		static const char azure[] = ".blob.core.windows.net";
		if (len > sizeof azure - 1 && !strncmp(host + len - (sizeof azure - 1), azure, sizeof azure - 1))
			return "azure";
	}
	return NULL;
}

/* What the part of the volume in [from, to) GB costs; to_gb -1: no end. Volumes past a million TB cost no more. */
static int64_t step_cost(int64_t gb_micro, int64_t from_gb, int64_t to_gb, int64_t uusd_per_gb)
{
	const int64_t most_gb = 1000000000, most = most_gb * 1000000;
	if (from_gb >= most_gb)
		return 0;
	int64_t from = from_gb * 1000000, to = to_gb < 0 || to_gb > most_gb ? most : to_gb * 1000000;
	if (gb_micro > most)
		gb_micro = most;
	int64_t part = (gb_micro < to ? gb_micro : to) - from;
	if (part <= 0)
		return 0;
	/* part/1e6 GB × price, in two pieces so that it neither overflows nor loses a micro-dollar. */
	return part / 1000000 * uusd_per_gb + (part % 1000000 * uusd_per_gb + 500000) / 1000000;
}

static int cmp_way(const struct egress_price *p, const char *cloud, const char *src, const char *dst)
{
	int d = strcmp(p->cloud, cloud);
	if (!d)
		d = strcmp(p->src_region, src);
	return d ? d : strcmp(p->dst, dst);
}

/* The first row of a way in the sorted table; n: there is none. */
static size_t find_way(const struct egress_table *t, const char *cloud, const char *src, const char *dst)
{
	size_t lo = 0, hi = t->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (cmp_way(&t->rows[mid], cloud, src, dst) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->n && !cmp_way(&t->rows[lo], cloud, src, dst) ? lo : t->n;
}

static bool table_cost(
    const struct egress_table *t, const char *cloud, const char *src, const char *dst, int64_t gb_micro, int64_t *uusd)
{
	size_t i = t && src ? find_way(t, cloud, src, dst) : 0, n = t && src ? t->n : 0;
	if (i == n && t) {
		i = find_way(t, cloud, "*", dst);
		n = t->n;
		src = "*";
	}
	if (i == n)
		return false;
	*uusd = 0;
	for (; i < n && !cmp_way(&t->rows[i], cloud, src, dst); i++)
		*uusd += step_cost(gb_micro, t->rows[i].from_gb, t->rows[i].to_gb, t->rows[i].price_uusd_per_gb);
	return true;
}

static int64_t general_cost(const char *cloud, bool same_cloud, int64_t gb_micro)
{
	const struct tariff *t = NULL;
	int64_t uusd = 0;
	for (size_t i = 0; i < ARRAY_LEN(tariffs); i++)
		if (!strcmp(tariffs[i].cloud, cloud))
			t = &tariffs[i];
	if (!t)
		return 0;
	if (same_cloud)
		return step_cost(gb_micro, 0, -1, t->between_regions_uusd);
	for (size_t i = 0; i < STEPS && (!i || t->steps[i].from_gb); i++) {
		bool last = i + 1 == STEPS || !t->steps[i + 1].from_gb;
		uusd += step_cost(
		    gb_micro, t->steps[i].from_gb, last ? -1 : t->steps[i + 1].from_gb, t->steps[i].uusd_per_gb);
	}
	return uusd;
}

/* Data does not move, as far as anyone charges for it. */
static bool stays(const struct transfer_place *from, const struct transfer_place *to)
{
	if (!from->cloud || !to->cloud)
		return true;
	return !strcmp(from->cloud, to->cloud) && (!from->region || !to->region || !strcmp(from->region, to->region));
}

int64_t transfer_cost_uusd(const struct egress_table *table, const struct transfer_place *from,
    const struct transfer_place *to, int64_t gb_micro)
{
	int64_t uusd;
	if (gb_micro <= 0 || stays(from, to))
		return 0;
	bool same_cloud = !strcmp(from->cloud, to->cloud);
	if (table_cost(table, from->cloud, from->region, same_cloud ? to->region : "internet", gb_micro, &uusd))
		return uusd;
	return general_cost(from->cloud, same_cloud, gb_micro);
}

int64_t transfer_time_ms(const struct transfer_place *from, const struct transfer_place *to, int64_t gb_micro)
{
	return gb_micro <= 0 || stays(from, to) ? 0 : gb_micro / 1250; /* 1.25 GB/s */
}
