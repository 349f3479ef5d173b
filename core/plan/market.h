/* All offers that a plan may choose from: the catalog's, and what providers say live, under one roof and with numbers
 * in place of names, so that planning compares numbers. */
#ifndef CORE_PLAN_MARKET_H
#define CORE_PLAN_MARKET_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/mem.h"
#include "core/model/offer.h"
#include "core/plan/features.h"

struct market_provider {
	const char *name;
	const struct cloud_features *features;
	size_t rank; /* its place in the list of enabled clouds; SIZE_MAX: not enabled */
};

struct market_region {
	uint32_t provider;
	const char *name;
};

struct market_table {
	const struct offers *offers;
	uint32_t *type_provider; /* by type */
	uint32_t *place_region;	 /* by place */
	/* Hashes of what blocks name; NULL until asked for. */
	uint32_t *type_hash, *accel_hash, *region_hash, *zone_hash;
};

struct market {
	struct arena *arena;
	struct market_table *tables;
	size_t n_tables;
	struct market_provider *providers;
	size_t n_providers;
	struct market_region *regions;
	size_t n_regions;
};

/* The tables are borrowed. enabled: names of clouds, the preferred first. What a table of a provider's own says counts
 * before what an earlier table says: the earlier table's offers of that provider are left out. */
struct market *market_create(
    const struct offers *const *tables, size_t n_tables, const char *const *enabled, size_t n_enabled);
void market_destroy(struct market *m); /* NULL is fine */
/* SIZE_MAX: none. */
size_t market_find_provider(const struct market *m, const char *name);
/* Fill in the hashes of all tables. */
void market_hash(struct market *m);
uint32_t market_hash_text(const char *s);

/* Offers as a provider gives them (core/provider.h, OFFERS) made into a table. What is not an offer is left out;
 * *skipped (may be NULL) counts it. All of it is the arena's. */
const struct offers *offers_of_provider(
    struct arena *a, const char *provider, const json_t *result, int64_t now_ms, size_t *skipped);
/* Tables end to end, in one: what rows point at moves along. The texts stay the tables'. */
const struct offers *offers_join(struct arena *a, const struct offers *const *tables, size_t n);

#endif
