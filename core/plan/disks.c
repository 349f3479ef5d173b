/* Clouds bill a disk while it exists, whether its machine runs or not, at a price a GiB and month; some also for the speed that the tier asks
 * for. The figures are the vendors' list prices of their oldest region in the US, which other regions exceed by up to a half: so whatever is
 * made of them is an estimate, and says so. A tier that a cloud prices in another way is unknown, not nothing. */
#include "core/plan/disks.h"

#include <stddef.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/task.h"

enum { HOURS_A_MONTH = 730 };

/* Thousandths of a dollar a month. */
struct disk_price {
	const char *cloud;
	enum disk_tier tier;
	int64_t gib_milli;  /* of a GiB */
	int64_t disk_milli; /* of the disk itself: operations and throughput above what is free */
	const char *source;
};

#define AWS "list price of us-east-1, 2026"
#define GCP "list price of us-central1, 2026"
#define AZURE "list price of East US, 2026"

static const struct disk_price prices[] = {
    /* magnetic; gp3 with 3,500 and 7,000 operations a second (0.005 each above 3,000; 0.04 a MB/s above 125); io2 with 20,000 (0.065 each) */
    {"aws", DISK_TIER_LOW, 50, 0, AWS},
    {"aws", DISK_TIER_MEDIUM, 80, 6220, AWS},
    {"aws", DISK_TIER_HIGH, 80, 32480, AWS},
    {"aws", DISK_TIER_ULTRA, 125, 1300000, AWS},
    /* pd-standard, pd-balanced, pd-ssd; pd-extreme with 20,000 operations a second (0.065 each) */
    {"gcp", DISK_TIER_LOW, 40, 0, GCP},
    {"gcp", DISK_TIER_MEDIUM, 100, 0, GCP},
    {"gcp", DISK_TIER_HIGH, 170, 0, GCP},
    {"gcp", DISK_TIER_ULTRA, 125, 1300000, GCP},
    /* Standard_LRS, StandardSSD_LRS, Premium_LRS */
    {"azure", DISK_TIER_LOW, 40, 0, AZURE},
    {"azure", DISK_TIER_MEDIUM, 75, 0, AZURE},
    {"azure", DISK_TIER_HIGH, 150, 0, AZURE},
    {"sim", DISK_TIER_MEDIUM, 80, 0, "simulated"},
};

static const char *const free_clouds[] = {"local", "ssh"};

static const struct disk_price *price_of(const char *cloud, enum disk_tier tier)
{
	enum disk_tier asked = tier == DISK_TIER_UNSET ? DISK_TIER_MEDIUM : tier;
	for (size_t i = 0; i < ARRAY_LEN(prices); i++)
		if (str_eq(prices[i].cloud, cloud) && prices[i].tier == asked)
			return &prices[i];
	return NULL;
}

int64_t disk_rate_uusd_h(const char *cloud, const json_t *task, const char **source)
{
	int64_t most = PRICE_UNKNOWN;
	size_t i;
	json_t *r;
	if (source)
		*source = NULL;
	for (i = 0; i < ARRAY_LEN(free_clouds); i++)
		if (str_eq(cloud, free_clouds[i]))
			return 0;
	json_array_foreach(json_arr(task, "resources"), i, r) {
		const struct disk_price *p = price_of(cloud, (enum disk_tier)json_int(r, "disk_tier", 0));
		int64_t gib = json_int(r, "disk_size_gib", -1);
		if (!p || gib < 0 || gib > INT64_C(1) << 30)
			return PRICE_UNKNOWN;
		int64_t rate = (p->gib_milli * gib + p->disk_milli) * 1000 / HOURS_A_MONTH;
		most = rate > most ? rate : most;
		if (source)
			*source = p->source;
	}
	return most;
}
