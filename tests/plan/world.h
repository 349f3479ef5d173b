/* A small market for tests of the optimizer: made by hand, or at random from a seed. */
#ifndef TESTS_PLAN_WORLD_H
#define TESTS_PLAN_WORLD_H
#include <stdint.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/offer.h"
#include "core/model/task.h"

#define M INT64_C(1000000)

/* A generator of our own, so that a seed means the same everywhere. */
struct dice {
	uint64_t state;
};
static inline uint32_t dice_roll(struct dice *d, uint32_t n)
{
	d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(d->state >> 33) % n;
}

/* What the tests know of a type beyond struct offer_type. */
struct world_type {
	const char *provider, *name, *accelerator;
	int count; /* of the accelerator */
	int vcpus, mem_gib;
	bool general; /* of a family that its cloud's defaults take; true where the cloud has no such families */
};

enum { WORLD_TYPES = 27 };
static const struct world_type world_types[WORLD_TYPES] = {
    {"aws", "m6i.large", NULL, 0, 2, 8, true},
    {"aws", "m6i.2xlarge", NULL, 0, 8, 32, true},
    {"aws", "c6i.4xlarge", NULL, 0, 16, 32, true},
    {"aws", "r7i.4xlarge", NULL, 0, 16, 128, true},
    {"aws", "m6i.metal", NULL, 0, 128, 512, false},
    {"aws", "t3.2xlarge", NULL, 0, 8, 32, false},
    {"aws", "g4dn.xlarge", "T4", 1, 4, 16, false},
    {"aws", "p4d.24xlarge", "A100", 8, 96, 1152, false},
    {"gcp", "n2-standard-8", NULL, 0, 8, 32, true},
    {"gcp", "n4-highcpu-16", NULL, 0, 16, 32, true},
    {"gcp", "e2-standard-16", NULL, 0, 16, 64, false},
    {"gcp", "n1-standard-4", "T4", 1, 4, 15, false},
    {"gcp", "n1-highmem-4", "T4", 1, 4, 26, false},
    {"gcp", "n1-standard-16", "T4", 1, 16, 60, false},
    {"gcp", "a2-highgpu-8g", "A100", 8, 96, 680, false},
    {"azure", "Standard_D8s_v5", NULL, 0, 8, 32, true},
    {"azure", "Standard_E16s_v5", NULL, 0, 16, 128, true},
    {"azure", "Standard_E16-4s_v5", NULL, 0, 4, 128, false},
    {"azure", "Standard_B8ms", NULL, 0, 8, 32, false},
    {"azure", "Standard_NC4as_T4_v3", "T4", 1, 4, 28, false},
    {"lambda", "gpu_1x_a10", "A10", 1, 30, 200, true},
    {"lambda", "gpu_8x_a100", "A100", 8, 124, 1800, true},
    {"vast", "1x-T4", "T4", 1, 16, 64, true},
    {"vast", "8x-A100", "A100", 8, 64, 512, true},
    {"vast", "cpu-32", NULL, 0, 32, 64, true},
    {"local", "local", NULL, 0, 4, 16, true},
    {"nocloud", "anything", NULL, 0, 12, 48, true},
};

static const struct offer_place world_places[] = {
    {"aws", "us-east-1", "us-east-1a"},
    {"aws", "us-east-1", "us-east-1b"},
    {"aws", "eu-west-1", "eu-west-1a"},
    {"gcp", "us-central1", "us-central1-a"},
    {"gcp", "us-central1", "us-central1-b"},
    {"gcp", "europe-west4", "europe-west4-a"},
    {"azure", "eastus", ""},
    {"azure", "westeurope", ""},
    {"lambda", "us-east-1", ""},
    {"lambda", "us-west-1", ""},
    {"vast", "Sweden, SE", ""},
    {"vast", "US", ""},
    {"local", "local", ""},
    {"nocloud", "", ""},
};
enum { WORLD_PLACES = ARRAY_LEN(world_places) };

struct world {
	struct offer_type types[WORLD_TYPES];
	struct offer rows[WORLD_TYPES * WORLD_PLACES];
	struct offer_source source;
	struct offers offers;
};

/* Every type at every place of its provider, each with some chance; prices from a few values, so that there are ties.
 */
static inline void world_make(struct world *w, struct dice *d)
{
	size_t n = 0;
	w->source =
	    (struct offer_source){.name = "test", .as_of_ms = 1000, .as_of_known = true, .spot_estimated = true};
	for (uint32_t t = 0; t < WORLD_TYPES; t++) {
		const struct world_type *x = &world_types[t];
		w->types[t] = (struct offer_type){x->provider, x->name, x->accelerator, "x86_64", x->count * M,
		    x->accelerator ? 16384 : -1, x->vcpus * M, x->mem_gib * 1024};
		for (uint32_t p = 0; p < WORLD_PLACES; p++) {
			if (strcmp(world_places[p].provider, x->provider) || dice_roll(d, 4) == 0)
				continue;
			int64_t price = (1 + dice_roll(d, 12)) * M / 4;
			w->rows[n] = (struct offer){dice_roll(d, 12) ? price : PRICE_UNKNOWN,
			    dice_roll(d, 3) ? price / 2 : PRICE_UNKNOWN, t, p, 0,
			    dice_roll(d, 9) ? AVAILABLE_UNKNOWN : AVAILABLE_NO, RECLAIM_UNKNOWN, (uint32_t)n};
			n++;
		}
	}
	w->offers = (struct offers){w->rows, n, w->types, WORLD_TYPES, world_places, WORLD_PLACES, &w->source, 1};
}

/* A request that asks for nothing. */
static inline struct resources resources_any(void)
{
	return (struct resources){.disk_size_gib = 256, .max_hourly_uusd = PRICE_UNKNOWN};
}

#endif
