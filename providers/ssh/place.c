/* Best fit: at most one node of a cluster on a host, so each choice stands alone. */
#include "providers/ssh/place.h"

#include <string.h>

/* What decides, in this order; smaller is better. */
struct rank {
	int64_t price_uusd_h, gpus_left, cpus_left;
};

static struct rank rank_of(const struct host *h, const struct shape *s)
{
	int64_t gpus = 0;
	for (size_t i = 0; i < h->n_gpus; i++)
		gpus += h->gpus[i].free_milli;
	return (struct rank){shape_price(s, &h->size, h->spec->price_uusd_h), gpus - s->gpu_milli, h->free_cpus - s->cpus};
}

static bool better(const struct rank *a, const struct rank *b)
{
	if (a->price_uusd_h != b->price_uusd_h)
		return a->price_uusd_h < b->price_uusd_h;
	if (a->gpus_left != b->gpus_left)
		return a->gpus_left < b->gpus_left;
	return a->cpus_left < b->cpus_left;
}

int place_one(const struct host *hosts, size_t n, const bool *taken, const struct shape *s)
{
	int best = -1;
	struct rank best_rank = {0};
	for (size_t i = 0; i < n; i++) {
		if (taken[i] || !host_has_room(&hosts[i], s))
			continue;
		struct rank r = rank_of(&hosts[i], s);
		if (best < 0 || better(&r, &best_rank)) {
			best = (int)i;
			best_rank = r;
		}
	}
	return best;
}

size_t place_count(const struct host *hosts, size_t n, const bool *taken, const struct shape *s)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		k += !taken[i] && host_has_room(&hosts[i], s);
	return k;
}
